#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# layers.sh - who may include whom (ARCHITECTURE.md, dependency rule)
#
#	base <- model, frame <- guard <- kernel, announce, store <- engine <- adapters
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"

# "file header" of each #include "header" in $files
included() {
	local file
	for file in "${files[@]}"; do
		sed -n "s|^# *include *\"\([^\"]*\)\".*|$file \1|p" "$file"
	done
}

# "file header" of each #include <header> in $files
system_included() {
	local file
	for file in "${files[@]}"; do
		sed -n "s|^# *include *<\([^>]*\)>.*|$file \1|p" "$file"
	done
}

lint_files 'libl3vm/*.[ch]'
nothing "the library includes its own headers by their path from libl3vm/" "$(
	included | while read -r file header; do
		[ -e "libl3vm/$header" ] || echo "$file: $header"
	done)"
nothing "no folder of the library includes one that is not below it" "$(
	included | awk '
		BEGIN {
			level["base"] = 0
			level["model"] = level["frame"] = 1
			level["guard"] = 2
			level["kernel"] = level["announce"] = level["store"] = 3
			engine = 4
		}
		# the folder of a path relative to libl3vm/; "" is the engine
		function folder(path) {
			return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : ""
		}
		function rank(name) {
			if (name == "") return engine
			return name in level ? level[name] : -1
		}
		$2 == "l3vm.h" { next }
		{
			from = folder(substr($1, length("libl3vm/") + 1))
			to = folder($2)
			if (rank(from) < 0) print $1 ": a folder without a level"
			else if (from != to && rank(to) >= rank(from))
				print $1 ": " $2
		}')"

# the agent is the library's own code that runs as a program: it may include all
# of it
adapters=(cli hooks qemu-ifup ganeti)
lint_files "${adapters[@]/%//*.[ch]}"
nothing "adapters include l3vm.h and their own files only" "$(
	included | while read -r file header; do
		[ "$header" = l3vm.h ] ||
			[[ $header != */* && -e ${file%/*}/$header ]] ||
			echo "$file: $header"
	done)"

lint_files '*.[ch]' ':!tests/*'
nothing "libnl is included by libl3vm/kernel/{nl,kernel-netlink*} only" "$(
	system_included | awk '$2 ~ /^netlink\// &&
		$1 !~ /^libl3vm\/kernel\/(nl|kernel-netlink[a-z-]*)\.[ch]$/')"
nothing "libnftables is included by guard/ only" "$(
	system_included | awk '$2 ~ /^nftables\// && $1 !~ /^libl3vm\/guard\//')"
nothing "libxml2 is included by hooks/ only" "$(
	system_included | awk '$2 ~ /^libxml\// && $1 !~ /^hooks\//')"
nothing "libseccomp is included by agent/ only" "$(
	system_included | awk '$2 ~ /^seccomp/ && $1 !~ /^agent\//')"
nothing "libvirt is included by agent/ only" "$(
	system_included | awk '$2 ~ /^libvirt/ && $1 !~ /^agent\//')"
nothing "json-c is included by the store, announcers, texts and adapters only" "$(
	system_included | awk '$2 ~ /^json/ && $1 ~ /^libl3vm\// &&
		$1 !~ /^libl3vm\/(store\/|announce\/|model\/[a-z-]*text|engine)/')"

done_testing
