#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shell.sh - shellcheck finds nothing in the scripts
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"
need shellcheck

# SC1090, SC1091: a sourced file whose path is only known at run time
# SC2154: a variable that such a file sets
# SC2317, SC2119, SC2120: a function that is called by way of another
exclude=SC1090,SC1091,SC2154,SC2317,SC2119,SC2120
lint_scripts
for file in "${files[@]}"; do
	extra=
	# SC2034: a variable for the scripts that source the file
	[[ $(head -n 1 "$file") = '#!'* ]] || extra=,SC2034
	ok "$file" shellcheck -S warning -x -P "$L3VM_SRC" -P SCRIPTDIR \
		-e "$exclude$extra" "$file"
done
nothing "every script with a #! line is executable, and no other" "$(
	for file in "${files[@]}"; do
		IFS= read -r line <"$file"
		case $line in
		'#!'*) [ -x "$file" ] || echo "$file: not executable" ;;
		*) [ ! -x "$file" ] || echo "$file: executable" ;;
		esac
	done)"

done_testing
