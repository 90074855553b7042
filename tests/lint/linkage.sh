#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# linkage.sh - which libraries the programs bring along
#
# A hook that links libvirt invites a call that waits for the hook's own end;
# a command that links libxml2 pays for its start and for its bugs.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"
need readelf

# libraries FILE: the ones it names itself, without version
libraries() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(lib[^]]*\)\.so.*/\1/p' |
		sort | tr '\n' ' '
}

# only FILE ALLOWED...: all libraries of FILE are among ALLOWED
only() {
	local file=$L3VM_BUILD/$1 name=$1 library extra=
	shift
	[ ! -e "${file%/*}/.libs/${file##*/}" ] || file=${file%/*}/.libs/${file##*/}
	if [ ! -e "$file" ]; then
		fail "$name is built"
		return
	fi
	for library in $(libraries "$file"); do
		[[ " $* " = *" $library "* ]] || extra+="$library "
	done
	nothing "$name links nothing but: $*" "$extra"
}

only libl3vm.so libl3vm libglib-2.0 libjson-c libnl-3 libc
only l3vm libl3vm libglib-2.0 libjson-c libc
only l3vm-agent libvirt libvirt-qemu libglib-2.0 libjson-c libnl-3 libseccomp libc
only l3vm-libvirt-qemu libl3vm libglib-2.0 libxml2 libc
only l3vm-libvirt-network libl3vm libglib-2.0 libxml2 libc
only l3vm-qemu-ifup libl3vm libglib-2.0 libjson-c libc
only l3vm-ganeti-vif libl3vm libglib-2.0 libc
only l3vm-ganeti-hook libl3vm libglib-2.0 libjson-c libc

done_testing
