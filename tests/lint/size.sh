#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# size.sh - functions, files and lines stay readable (HACKING.md)
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"
need ctags

lint_files '*.[ch]'
nothing "no file is longer than 700 lines" "$(
	wc -l "${files[@]}" | awk '$2 != "total" && $1 > 700')"

# "lines file:line function", one a line
functions=$(ctags -x --language-force=C --kinds-C=f --fields=+e \
	--_xformat='%n %e %F:%n %N' "${files[@]}" | awk '{ print $2 - $1 + 1, $3, $4 }')
like "$functions" "libl3vm/base/addr.c:[0-9]+ l3vm_addr_parse" "ctags finds functions"
nothing "no function is longer than 80 lines" "$(
	awk '$1 > 80' <<<"$functions")"
median=$(awk '{ print $1 }' <<<"$functions" | sort -n |
	awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }')
ok "the median function has at most 15 lines (it has $median)" [ "$median" -le 15 ]

lint_scripts
scripts=("${files[@]}")
lint_files '*.[ch]' '*.mk' '*.am' '*.ac' '*.m4' '*.map'
# wider COLUMNS FILE...
wider() {
	local columns=$1 file
	shift
	for file; do
		expand -t 8 "$file" | { grep -nE "^.{$((columns + 1))}" || :; } |
			sed "s|^\([0-9]*\):.*|$file:\1|"
	done
}

nothing "no line is wider than 88 columns" "$(wider 88 "${files[@]}")"
# a check and its message read worse when they are broken
nothing "no line of a script is wider than 100" "$(wider 100 "${scripts[@]}")"

done_testing
