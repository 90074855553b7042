#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# conformance.sh - what tests/conformance.md names is there
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"

# the last column of row $1
shown_by() {
	sed -n "s/^| $1 | .* | \([^|]*\) |\$/\1/p" tests/conformance.md
}

is "$(sed -n 's/^| \([0-9]*\) |.*/\1/p' tests/conformance.md | xargs)" "$(seq 45 | xargs)" \
	"45 rows, in order"
for row in {1..45}; do
	nothing "row $row: what shows it is there" "$(
		file=
		shown_by "$row" | grep -oE '`[^`]+`|"[^"]+"|\*not shown\*' | while read -r word; do
			case $word in
			'`'*) file=tests/${word//\`/} ;;
			'"'*) grep -qF -- "${word//\"/}" "$file" || echo "$file: $word" ;;
			esac
		done
		[[ $(shown_by "$row") == *[\`*]* ]] || echo "no test, and no reason")"
done

done_testing
