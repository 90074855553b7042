#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# symbols.sh - libl3vm exports what l3vm.h declares, and nothing else
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"
need ctags nm readelf

lib=$L3VM_BUILD/.libs/libl3vm.so
declared=$(ctags -x --language-force=C --kinds-C=p --_xformat=%N \
	-I G_DEFINE_AUTOPTR_CLEANUP_FUNC+,G_BEGIN_DECLS,G_END_DECLS \
	libl3vm/l3vm.h | sort)
mapped=$(sed -n '/^global:/,/^local:/s/^[ \t]*\([a-z0-9_]*\);$/\1/p' \
	libl3vm/libl3vm.map | sort)
like "$declared" l3vm_attach "l3vm.h can be read"
is "$mapped" "$declared" "libl3vm.map lists the functions that l3vm.h declares"

if [ -e "$lib" ]; then
	# "A" is the name of a version node
	exported=$(nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | sort)
	is "$exported" "$declared" "libl3vm.so exports the functions of l3vm.h"
	nothing "each exported symbol has a version" "$(
		nm -D --defined-only --with-symbol-versions "$lib" |
			awk '$2 != "A" && $3 !~ /@@LIBL3VM_/')"
	nothing "no cache of libnl is used" "$(
		nm -D --undefined-only "$lib" | grep -w 'nl_cache[a-z_]*' || :)"
	like "$(readelf -d "$lib")" 'SONAME.*\[libl3vm\.so\.0\]' "the soname"
else
	fail "there is a libl3vm.so"
fi

done_testing
