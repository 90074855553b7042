#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# man.sh - the manual pages are well-formed and free of placeholders
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"
need mandoc

lint_files 'man/*.in'
for source in "${files[@]}"; do
	page=$L3VM_BUILD/${source%.in}
	if [ ! -e "$page" ]; then
		fail "$source is built"
		continue
	fi
	# whether other projects' pages are installed here says nothing about ours
	nothing "mandoc finds nothing in ${source%.in}" "$(
		mandoc -T lint -W style "$page" 2>&1 |
			grep -vE 'referenced manual not found|mandoc\.db' || :)"
	nothing "no placeholder is left in ${source%.in}" "$(
		grep -nE '@[A-Za-z_]+@' "$page" || :)"
done
isnt "${#files[@]}" 0 "there are manual pages"

done_testing
