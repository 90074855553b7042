#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# guest-network.sh - the network files of guests: what is written, and what is refused
#
# That each tool understands them: tests/netns/guest-files.sh.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

examples=$L3VM_SRC/examples/guests
inputs=$L3VM_SRC/tests/golden/guest-network
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# as installed, but with the functions of the source
for program in l3vm-guest-network debootstrap-hook; do
	sed "s|^\. \".*/guest-network.sh\"|. \"$L3VM_SRC/ganeti/os/guest-network.sh\"|" \
		"${L3VM_BUILD:?}/ganeti/os/$program" >"$work/$program"
	chmod +x "$work/$program"
done
nic=52:54:00:00:00:05,10.0.0.5,2001:db8::5

# written ROOT: all files below it
written() {
	(cd "$1" && find . -type f -printf '%P\n' | LC_ALL=C sort |
		while read -r file; do echo "== $file"; cat "$file"; done)
}

# --- the helper -------------------------------------------------------------

ok "ifupdown" "$work/l3vm-guest-network" --root "$work/a" --kind ifupdown $nic
same_file "$work/a/etc/network/interfaces.d/l3vm" "$examples/ifupdown/l3vm" \
	"is the example"
is "$(<"$work/a/etc/network/interfaces")" "source /etc/network/interfaces.d/*" \
	"and will be read"
ok "networkd" "$work/l3vm-guest-network" --root "$work/b" --kind networkd $nic
same_file "$work/b/etc/systemd/network/10-l3vm0.network" \
	"$examples/networkd/10-l3vm0.network" "is the example"
ok "netplan" "$work/l3vm-guest-network" --root "$work/c" --kind netplan $nic
same_file "$work/c/etc/netplan/60-l3vm.yaml" "$examples/netplan/60-l3vm.yaml" \
	"is the example"
is "$(stat -c %a "$work/c/etc/netplan/60-l3vm.yaml")" 600 "for root only"
is "$(grep -v '^#' "$examples/cloud-init/network-config-v2")" \
	"$(sed '1d; s/^  //' "$examples/netplan/60-l3vm.yaml")" \
	"that of cloud-init is the same, two columns to the left"

for kind in ifupdown networkd netplan; do
	rm -rf "$work/root"
	ok "$kind: two NICs, one with two IPv4 addresses" "$work/l3vm-guest-network" \
		--root "$work/root" --kind $kind --gateway4 10.1.0.1 --gateway6 fe80::fe \
		52:54:00:00:00:05,10.0.0.5 \
		52:54:00:00:00:06,10.0.0.6,10.0.0.7,2001:db8::6
	before=$(written "$work/root")
	echo "$before" >"$work/text"
	same_file "$work/text" "$inputs/$kind.txt" "$kind: the files"
	"$work/l3vm-guest-network" --root "$work/root" --kind $kind $nic
	unlike "$(written "$work/root")" '10\.0\.0\.7' "$kind: what was there is replaced"
done

# what a system has decides
for has in usr/sbin/netplan:netplan sbin/ifup:network lib/systemd/systemd-networkd:systemd
do
	rm -rf "$work/root"
	mkdir -p "$work/root/$(dirname "${has%:*}")"
	: >"$work/root/${has%:*}"
	ok "a system with ${has%:*}" "$work/l3vm-guest-network" --root "$work/root/" $nic
	is "$(cd "$work/root/etc" && echo *)" "${has#*:}" "gets its files, and no others"
done
mkdir "$work/none"
exits 1 "a system with none of them" "$work/l3vm-guest-network" --root "$work/none" $nic
like "$tap_output" 'has neither netplan' "is refused"

# --- refusals: nothing is written ----------------------------------------------

for bad in 52:54:00:00:00:05 "52:54:00:00:00:05," 10.0.0.5 52:54:00:00:00,10.0.0.5 \
	52:54:00:00:00:05,10.0.0 52:54:00:00:00:05,10.0.0.5/24 \
	52:54:00:00:00:05,1.2.3.4.5 '52:54:00:00:00:05,10.0.0.5 x' \
	$'52:54:00:00:00:05,10.0.0.5\nup reboot' 52:54:00:00:00:05,abc
do
	rm -rf "$work/root"
	exits 1 "refused: ${bad//$'\n'/ newline }" "$work/l3vm-guest-network" \
		--root "$work/root" --kind ifupdown $nic "$bad"
	nok "and nothing is written" test -e "$work/root"
done
exits 1 "an unknown kind" "$work/l3vm-guest-network" --kind x --root "$work/root" $nic
exits 2 "no NIC" "$work/l3vm-guest-network" --root "$work/root"
like "$tap_output" 'l3vm-guest-network \[--root DIR\]' "gets the usage"
exits 2 "an unknown option" "$work/l3vm-guest-network" --what $nic

# --- the hook: what Ganeti says ------------------------------------------------

# hook FILE [VARIABLE=VALUE]...: with that environment, and a guest with ifupdown
hook() {
	local -a variables
	rm -rf "$work/target"
	mkdir -p "$work/target/sbin"
	: >"$work/target/sbin/ifup"
	mapfile -t variables <"$1"
	env -i PATH="$PATH" TARGET="$work/target" "${variables[@]}" "${@:2}" \
		sh "$work/hook"
}

# of create.env: two NICs in routed mode, one of them of a network
for ipv6 in none eui64; do
	echo "ipv6=$ipv6" >"$work/default"
	sed "s|/etc/default/l3vm-guest-network|$work/default|g" \
		"$work/debootstrap-hook" >"$work/hook"
	ok "the hook, ipv6=$ipv6" hook "$inputs/create.env"
	written "$work/target/etc" >"$work/text"
	same_file "$work/text" "$inputs/hook-$ipv6.txt" "ipv6=$ipv6: the files"
done
echo "ipv6=embed4" >"$work/default"
ok "the hook, ipv6=embed4" hook "$inputs/create.env" \
	NIC_1_NETWORK_SUBNET6=2001:db8:200::/96
like "$(written "$work/target/etc")" 'address 2001:db8:200::c633:6402/128' \
	"the IPv4 address behind the prefix"
hook "$inputs/create.env" NIC_1_NETWORK_SUBNET6=2001:db8:1:2:3:4::/96
like "$(written "$work/target/etc")" 'address 2001:db8:1:2:3:4:c633:6402/128' \
	"also one that leaves no room for ::"
echo "networks=net1" >"$work/default"
hook "$inputs/create.env"
is "$(written "$work/target/etc" | grep -c '^auto')" 1 "networks=: only those"
ok "NICs that are bridged" hook "$inputs/create.env" NIC_0_MODE=bridged NIC_1_MODE=bridged \
	NIC_1_NETWORK_NAME=other
nok "are left alone" test -e "$work/target/etc"
# shellcheck disable=SC2016 # that nobody expands it is the point
exits 1 "an address that is none" hook "$inputs/create.env" 'NIC_1_IP=$(reboot)'
nok "is not written" test -e "$work/target/etc"
done_testing
