#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# format.sh - the layout of the C sources is what .clang-format says
#
# To make it so: clang-format-14 -i FILE...
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"

# Versions differ in details; the one of Debian 12 decides.
formatter=$(command -v clang-format-14 || command -v clang-format) ||
	skip_all "needs clang-format"
[[ $("$formatter" --version) = *" version 14."* ]] ||
	skip_all "needs clang-format 14, this is $("$formatter" --version)"

lint_files '*.[ch]'
nothing "the C sources are laid out as .clang-format says" "$(
	for file in "${files[@]}"; do
		changed=$("$formatter" --style=file "$file" | diff "$file" - |
			grep -c '^<') || :
		[ "$changed" = 0 ] || echo "$file: $changed lines"
	done)"

done_testing
