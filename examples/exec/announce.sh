#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# announce.sh DIRECTORY - the smallest program for [announcer exec]: a file for each
# destination, with its rank in it
#
# A line comes in, is done, and is answered with its number. Whatever is told twice
# must have the same outcome as once: when this program has been started anew, it is
# told everything again.
set -eu
dir=$1

# value KEY LINE - of a string or a number; what comes is made by l3vm alone
value()
{
	printf '%s\n' "$2" | sed -n 's/.*"'"$1"'": *"\{0,1\}\([^",} ]*\).*/\1/p'
}

# Destinations that are not told again have gone meanwhile.
begin()
{
	mkdir -p "$dir"
	rm -f "$dir"/*
}

while read -r line; do
	seq=$(value seq "$line") op=$(value op "$line")
	file=$dir/$(value dst "$line" | tr / _)
	case $op in
	hello) begin ;;
	announce) value rank "$line" >"$file" ;;
	withdraw) rm -f "$file" ;;
	complete) : ;; # all there is has been told
	*) echo "{\"seq\": $seq, \"ok\": false, \"error\": \"unknown op\"}"; continue ;;
	esac
	echo "{\"seq\": $seq, \"ok\": true}"
done
