#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# dist.sh - a release builds, installs and passes its checks, without root
#
# timeout: 900
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
inst=$work/inst
mkdir "$work/build" "$inst"
# -no-install, as tests/run sets it, is not for a build that is installed
unset MAKEFLAGS

# Runs a command in the build directory, as nobody if we are root.
build() {
	local -a as=()
	[ "$(id -u)" -ne 0 ] ||
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	(cd "$work/build" && HOME=$work TMPDIR=$work "${as[@]}" "$@")
}

# installed DIR: names below it, without what a library's version adds
installed() {
	(cd "$1" && find . ! -type d -printf '%P\n' | sort)
}

ok "make distdir" make -C "$L3VM_BUILD" distdir distdir="$work/l3vm"
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$work"
# with units, whether this machine has a systemd or not
exits 0 "configure" build ../l3vm/configure --prefix="$inst" \
	--with-systemdsystemunitdir="$inst/lib/systemd/system"
like "$tap_output" 'Now type: make[^'$'\n'']*$' "it ends in the next command"
# the build that is installed below is the one that users make
ok "make distcheck" build make -j2 distcheck DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O0
ok "make and make install" build make -j2 install

is "$(installed "$inst")" "etc/iproute2/rt_protos.d/l3vm.conf
include/l3vm.h
lib/libl3vm.la
lib/libl3vm.so
lib/libl3vm.so.0
lib/libl3vm.so.0.0.0
lib/pkgconfig/l3vm.pc
lib/systemd/system/l3vm-agent.service
lib/systemd/system/l3vm-guard.service
lib/systemd/system/l3vm-reconcile.service
lib/systemd/system/l3vm-reconcile.timer
lib/sysusers.d/l3vm.conf
lib/tmpfiles.d/l3vm.conf
sbin/l3vm
sbin/l3vm-agent
sbin/l3vm-ganeti-hook
sbin/l3vm-ganeti-vif
sbin/l3vm-guest-network
sbin/l3vm-libvirt-network
sbin/l3vm-libvirt-qemu
sbin/l3vm-qemu-ifdown
sbin/l3vm-qemu-ifup
share/bash-completion/completions/l3vm.bash
share/doc/l3vm/sysctl.d/l3vm.conf
share/l3vm/debootstrap-hook
share/l3vm/ganeti/agent.conf
share/l3vm/ganeti/kvm-vif-bridge
share/l3vm/ganeti/link-ganeti.sh
share/l3vm/ganeti/network
share/l3vm/guest-network.sh
share/l3vm/l3vm-guard.nft
share/man/man5/l3vm.conf.5
share/man/man7/l3vm-announce.7
share/man/man7/l3vm-ganeti.7
share/man/man7/l3vm-hooks.7
share/man/man8/l3vm-agent.8
share/man/man8/l3vm-guest-network.8
share/man/man8/l3vm-qemu-ifup.8
share/man/man8/l3vm.8" "what is installed"
like "$("$inst/sbin/l3vm" version)" '^l3vm [0-9]' "the installed command runs"

# a program of somebody else's, with nothing but pkg-config
cat >"$work/user.c" <<'C'
#include <l3vm.h>
#include <stdio.h>
int main(void)
{
	return puts(l3vm_version()) < 0;
}
C
export PKG_CONFIG_PATH=$inst/lib/pkgconfig
# shellcheck disable=SC2046 # flags are words
ok "a program compiles against it" "${CC:-gcc}" -Wall -Werror -o "$work/user" \
	"$work/user.c" $(pkg-config --cflags --libs l3vm)
is "l3vm $(LD_LIBRARY_PATH=$inst/lib "$work/user")" "$("$inst/sbin/l3vm" version)" \
	"and runs with it"

ok "make install-hooks" build make install-hooks
is "$(readlink "$inst/etc/libvirt/hooks/qemu.d/50-l3vm")" \
	"$inst/sbin/l3vm-libvirt-qemu" "the hook is linked"
ok "make uninstall-hooks uninstall" build make uninstall-hooks uninstall
is "$(installed "$inst")" "" "nothing is left"

done_testing
