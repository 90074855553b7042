#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# link-hooks.sh - "make install-hooks" adds our links and touches nothing else
set -euo pipefail
# shellcheck source=../lib/tap.sh
. "${L3VM_SRC:?}/tests/lib/tap.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
dir=$root/etc/libvirt/hooks
qemu=$dir/qemu.d/50-l3vm
network=$dir/network.d/50-l3vm

# link VERB [SBINDIR]
link() {
	DESTDIR=$root sh "$L3VM_SRC/hooks/link-hooks.sh" "$1" /etc/libvirt/hooks \
		"${2:-/usr/sbin}"
}

# Every file below the hooks directory with where it points.
tree() {
	(cd "$root" && find . ! -type d -printf '%P %l\n' | sort)
}

exits 0 "install into an empty system" link install
like "$tap_output" 'systemctl reload libvirtd' "it says that libvirtd must be reloaded"
like "$tap_output" 'virtqemud virtnetworkd' "also with one daemon per driver"
both="etc/libvirt/hooks/network.d/50-l3vm /usr/sbin/l3vm-libvirt-network
etc/libvirt/hooks/qemu.d/50-l3vm /usr/sbin/l3vm-libvirt-qemu"
is "$(tree)" "$both" "the two links, to programs outside DESTDIR"

exits 0 "install again" link install
unlike "$tap_output" reload "nothing has changed, so no reload"
is "$(tree)" "$both" "the same links"

exits 0 "install with another prefix" link install /usr/local/sbin
is "$(readlink "$qemu")" /usr/local/sbin/l3vm-libvirt-qemu "our link is replaced"
unlike "$tap_output" reload "libvirt had a hook, so no reload"
link install >/dev/null

rm "$network"
touch "$dir/network"
exits 0 "install with a site's main script" link install
unlike "$tap_output" reload "libvirt had a network hook, so no reload"

rm "$qemu"
touch "$dir/qemu.d/10-site"
exits 0 "install beside a site's hook" link install
unlike "$tap_output" reload "libvirt had a qemu hook, so no reload"
ok "the site's hook is still there" test -f "$dir/qemu.d/10-site"

rm "$network"
echo site >"$network"
rm "$qemu"
exits 1 "a site's file of our name is not replaced" link install
like "$tap_output" "network.d/50-l3vm: not a link to l3vm-libvirt-network \\(" \
	"one line says what and why"
is "$(cat "$network")" site "the file is as it was"
nok "and the other link is not made either" test -e "$qemu" -o -L "$qemu"
rm "$network"
ln -s /opt/site/hook "$network"
exits 1 "nor a site's link" link install

link uninstall >"$root/out"
is "$(readlink "$network")" /opt/site/hook "uninstall leaves the site's link"
rm "$network" "$root/out" "$dir/network"
link install >/dev/null
exits 0 "uninstall" link uninstall
is "$(tree)" "etc/libvirt/hooks/qemu.d/10-site " "only the site's hook is left"
nok "an empty folder is removed" test -d "$dir/network.d"
exits 0 "uninstall again" link uninstall
exits 1 "a wrong call is an error" link

done_testing
