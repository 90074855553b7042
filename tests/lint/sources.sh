#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sources.sh - no source is forgotten by the build, and headers stand alone
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"

# Names of C files in the makefiles, with %D% and defaults resolved.
listed=$(
	lint_files '*local.mk'
	for makefile in "${files[@]}"; do
		grep -oE '(%D%|hooks)/[A-Za-z0-9_./-]+' "$makefile" |
			sed "s|%D%|${makefile%/*}|"
	done)

lint_files '*.c' '*.h' ':!examples/*'
nothing "every C file is named in a local.mk" "$(
	for file in "${files[@]}"; do
		grep -qxF "$file" <<<"$listed" ||
			# a program's only source is named by the program
			grep -qxF "${file%.c}" <<<"$listed" || echo "$file"
	done)"

lint_files '*local.mk'
nothing "every local.mk is included by Makefile.am" "$(
	for file in "${files[@]}"; do
		grep -qxF "include $file" Makefile.am || echo "$file"
	done)"

lint_files 'man/*.in' 'completion/*'
nothing "every manual page and completion is named in a local.mk" "$(
	for file in "${files[@]}"; do
		[[ $file = */local.mk ]] || grep -qxF "${file%.in}" <<<"$listed" ||
			echo "$file"
	done)"

read -ra flags < <(pkg-config --cflags glib-2.0 json-c libnl-3.0 libxml-2.0)
lint_files 'libl3vm/*.h' 'cli/*.h' 'hooks/*.h' 'qemu-ifup/*.h' 'ganeti/*.h'
for file in "${files[@]}"; do
	ok "$file compiles alone" "${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra \
		-Werror -fsyntax-only -Ilibl3vm "${flags[@]}" -x c "$file"
done

done_testing
