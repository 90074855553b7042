#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # text for other shells; commands that `ok` runs
# guest-files.sh - the network files of guests, each applied by the tool that it is for
#
# A guest is a namespace with two NICs and, below a chroot, a Debian system with the
# tool in question (made by tests/netns/prepare). It reaches somebody beyond the
# host in both families, from each NIC, if its files are understood.
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"

system=${L3VM_LAB_CACHE:-${XDG_CACHE_HOME:-/var/cache}/l3vm-lab}/guest-root
examples=$L3VM_SRC/examples/guests
[ -e "$system" ] || skip_all "no Debian system (tests/netns/prepare makes it)"
mac0=52:54:00:00:00:05 mac1=52:54:00:00:00:06
nic0=$mac0,10.0.0.5,2001:db8::5 nic1=$mac1,10.0.0.6,10.0.0.7,2001:db8::6

sed "s|^\. \".*/guest-network.sh\"|. \"$L3VM_SRC/ganeti/os/guest-network.sh\"|" \
	"${L3VM_BUILD:?}/ganeti/os/l3vm-guest-network" >"$work/helper"
chmod +x "$work/helper"
host_add hv
client_add

# guest_system NAME: a guest with two NICs, of names that nobody expects, and a
# system of its own at $root
guest_system() {
	local mac n=0
	add_ns "$1"
	for mac in $mac0 $mac1; do
		ip -n "${netns_name[hv]}" link add "tap$n" type veth \
			peer name "lan$((7 - n))" netns "${netns_name[$1]}" address "$mac"
		n=$((n + 1))
	done
	in_ns hv "$L3VM_BUILD/l3vm" attach --guest "$1" --ifname tap0 --mac $mac0 \
		--address 10.0.0.5,2001:db8::5
	in_ns hv "$L3VM_BUILD/l3vm" attach --guest "$1" --ifname tap1 --mac $mac1 \
		--address 10.0.0.6,10.0.0.7,2001:db8::6
	root=$work/$1
	mkdir "$root"
	mount -t tmpfs tmpfs "$root"
	mkdir "$root"/{upper,work,root}
	mount -t overlay overlay "$root/root" \
		-o "lowerdir=$system,upperdir=$root/upper,workdir=$root/work"
	root=$root/root
	rm -rf "$root"/etc/netplan/* "$root"/etc/systemd/network/* \
		"$root"/etc/network/interfaces.d/*
	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/run"
	mount --bind /dev "$root/dev"
}

# guest_gone NAME
guest_gone() {
	local pids
	in_ns hv "$L3VM_BUILD/l3vm" detach --guest "$1"
	pids=$(ip netns pids "${netns_name[$1]}")
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$pids" ] || kill -KILL $pids
	ip netns del "${netns_name[$1]}"
	unset "netns_name[$1]"
	wait_for 5 eval "! ip -n '${netns_name[hv]}' link show tap0"
	umount -R "$root" && umount "$work/$1" && rmdir "$work/$1"
}

# in_guest NAME COMMAND...: in its system. /sys is read-only, as in a container:
# then networkd and NetworkManager do not wait for a udev that is not there.
in_guest() {
	in_ns "$1" sh -ec 'mount -t sysfs -o ro sysfs "$0/sys"; exec chroot "$0" "$@"' \
		"$root" "${@:2}"
}

in_guest_started() {
	in_guest "$@" >>"$work/$1.log" 2>&1 &
	disown
}

# pings NAME [FROM...]: somebody beyond the gateway, from each address
pings() {
	local from
	for from in "${@:2}"; do
		local beyond=192.0.2.2
		[[ $from != *:* ]] || beyond=2001:db8:c::2
		wait_for 10 in_ns "$1" ping -c 1 -W 1 -I "$from" "$beyond" || {
			echo "$from does not reach $beyond"
			ip_ns "$1" address; ip_ns "$1" route; ip_ns "$1" -6 route
			ip_ns "$1" rule; tail -n 30 "$work/$1.log" 2>/dev/null
			return 1
		}
	done
}

first=(10.0.0.5 2001:db8::5) second=(10.0.0.6 10.0.0.7 2001:db8::6)

# applied NAME WHAT: as pings, of one NIC; both_applied of both
applied() {
	ok "$2: the guest reaches others" pings "$1" "${first[@]}"
	is "$(ip_ns "$1" -4 route show default | wc -l) $(
		ip_ns "$1" -6 route show default | wc -l)" "1 1" "$2: by one gateway each"
}

both_applied() {
	applied "$1" "$2"
	ok "$2: and by its second NIC" pings "$1" "${second[@]}"
}

# --- ifupdown -----------------------------------------------------------------

ifup() {
	in_guest "$1" sh -ec 'mkdir -p /run/network; ifup -a'
}

guest_system ifupdown
"$work/helper" --root "$root" --kind ifupdown $nic0 $nic1
ok "ifup" ifup ifupdown
both_applied ifupdown ifupdown
ok "ifdown" in_guest ifupdown ifdown -a
is "$(ip_ns ifupdown rule | grep -c 760 || :)" 0 "leaves no rule"
ok "ifup again" ifup ifupdown
both_applied ifupdown "ifupdown again"
guest_gone ifupdown

# --- systemd-networkd ---------------------------------------------------------

networkd() {
	in_guest_started "$1" sh -ec '
		install -d -o systemd-network -g systemd-network /run/systemd/netif
		exec /lib/systemd/systemd-networkd'
}

guest_system networkd
"$work/helper" --root "$root" --kind networkd $nic0 $nic1
networkd networkd
both_applied networkd systemd-networkd
guest_gone networkd

# --- netplan -------------------------------------------------------------------

# generate NAME: a NIC of a guest has a permanent MAC, which netplan has networkd look
# for; a veth does not, so here it is the one it has
generate() {
	in_guest "$1" netplan generate &&
		sed -i 's/^PermanentMACAddress=/MACAddress=/' "$root"/run/systemd/network/*
}

guest_system netplan
"$work/helper" --root "$root" --kind netplan $nic0 $nic1
ok "netplan generate" generate netplan
is "$(cd "$root/run/systemd/network" && echo *)" \
	"10-netplan-l3vm0.network 10-netplan-l3vm1.network" "writes files for networkd"
networkd netplan
both_applied netplan netplan
guest_gone netplan

# --- cloud-init: rendered for the tools that Debian's and Ubuntu's images have ----

# cloud VERSION RENDERER: the example's files
cloud() {
	cp "$examples/cloud-init/network-config-$1" "$root/tmp/network-config"
	in_guest cloud cloud-init devel net-convert -p /tmp/network-config -k yaml \
		-d /tmp/out -D debian -O "$2"
}

guest_system cloud
ok "cloud-init, for netplan" cloud v2 netplan
cp "$root"/tmp/out/etc/netplan/* "$root/etc/netplan/"
ok "netplan generate" generate cloud
networkd cloud
applied cloud "cloud-init, netplan"
guest_gone cloud
guest_system cloud
ok "cloud-init, for ifupdown" cloud v1 eni
cp "$root"/tmp/out/etc/network/interfaces.d/* "$root/etc/network/interfaces.d/"
# it has udev rename the NIC with this MAC
like "$(<"$root/tmp/out/etc/udev/rules.d/70-persistent-net.rules")" \
	"ATTR\{address\}==\"$mac0\", NAME=\"eth0\"" "cloud-init: the NIC's name"
ip_ns cloud link set lan7 name eth0
ok "ifup" ifup cloud
applied cloud "cloud-init, ifupdown"
guest_gone cloud

# --- NetworkManager --------------------------------------------------------------

guest_system nm
install -m 600 "$examples/networkmanager/l3vm0.nmconnection" \
	"$root/etc/NetworkManager/system-connections/"
in_guest_started nm sh -ec 'mkdir -p /run/dbus; dbus-daemon --system
	exec NetworkManager --no-daemon'
applied nm NetworkManager
guest_gone nm
done_testing
