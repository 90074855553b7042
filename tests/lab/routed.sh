#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# routed.sh - the life of guests with routed taps, under libvirt and BIRD
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 B4=10.0.0.6 A6=2001:db8::5 B6=2001:db8::6
NET4=10.0.5.0/24 NET6=2001:db8:5::/64
MAC=52:54:00:00:00:05 HOT=52:54:00:00:00:06
HOT4=10.0.0.66 HOT6=2001:db8::66
routes=("$A4" "$B4" "$A6" "$B6" "$NET4" "$NET6")

fabric_up hv1
daemon_up tor bird
daemon_up hv1 bird
hypervisor_up hv1
ok "hv1 and the router are neighbours" wait_until 30 sessions_up tor bird 2
before=$(traces hv1)

# --- start -------------------------------------------------------------------

# A second interface, of which l3vm is told by hand when it is plugged in
guest_define hv1 vm1 "mac=$MAC,dev=tapvm1,address=$A4,address=$B4,address=$A6,\
address=$B6,prefix=$NET4,prefix=$NET6,lo=10.0.5.1/24,lo=2001:db8:5::1/64" \
	"later,mac=$HOT,metadata=no,dev=taphot,address=$HOT4,address=$HOT6"
ok "a guest with four addresses and two prefixes starts" on hv1 virsh start vm1
is "$(state_of hv1 vm1)" live "its port is live"
ok "the kernel has its routes, at normal rank" \
	all_routed hv1 "dev tapvm1 proto l3vm" "${routes[@]}"
like "$(route_of hv1 "$A4"; route_of hv1 "$A6")" 'metric 5 .*metric 5 ' \
	"in both families by its metric"
ok "the router learns them all" all_routed tor "dev hv1" "${routes[@]}"
ok "the guest boots" wait_until 60 guest_up vm1
ok "it answers the client on each address, and in each prefix" \
	reach "$A4" "$B4" "$A6" "$B6" 10.0.5.1 2001:db8:5::1
is "$(connect "$A4" 7)" hello "TCP, too"

# --- what changes nothing ----------------------------------------------------

watch_routes hv1
ok "the guest reboots itself" eval '
	connect "$A4" 9; wait_until 60 guest_up vm1 2'
ok "it answers again" reach "$A4" "$A6"
ok "virsh reset" on hv1 virsh reset vm1
ok "it boots again" wait_until 60 guest_up vm1 3
ok "and answers" reach "$A4" "$A6"
is "$(routes_changed hv1)" "" "no route was touched meanwhile"

watch_routes hv1
before_restart=$(traces hv1)
ping_start "$A4" 6
libvirtd_stop hv1
ok "libvirtd restarts while the guest runs" libvirtd_start hv1
is "$(ping_lost)" 0 "not a packet of 50 a second is lost meanwhile"
is "$(routes_changed hv1)" "" "no route was touched"
is "$(traces hv1)" "$before_restart" "nor anything else"
is "$(state_of hv1 vm1)" live "the port is still live"
ok "suspend and resume" eval 'on hv1 virsh suspend vm1 && on hv1 virsh resume vm1'
ok "it answers" reach "$A4" "$A6"

# --- hot-plug ----------------------------------------------------------------

nic_xml "mac=$HOT,dev=taphot" >"$LAB/tmp/hot.xml"
with_one=$(traces hv1)
ok "an interface is plugged in" on hv1 virsh attach-device vm1 "$LAB/tmp/hot.xml"
ok "l3vm is told its addresses" on hv1 l3vm attach --guest vm1 --ifname taphot \
	--mac "$HOT" --address "$HOT4" --address "$HOT6"
ok "the router learns them" all_routed tor "dev hv1" "$HOT4" "$HOT6"
ok "they answer" reach "$HOT4" "$HOT6"
ok "the first interface still does" reach "$A4" "$A6"
ok "l3vm lets go of it" on hv1 l3vm detach --ifname taphot
ok "the router forgets it" none_routed tor "$HOT4" "$HOT6"
ok "it is unplugged" on hv1 virsh detach-device vm1 "$LAB/tmp/hot.xml"
ok "nothing of it is left" traces_are hv1 "$with_one"

ok "the other way round: plugged in" on hv1 virsh attach-device vm1 "$LAB/tmp/hot.xml"
ok "attached" on hv1 l3vm attach --guest vm1 --ifname taphot --mac "$HOT" \
	--address "$HOT4" --address "$HOT6"
ok "it answers" reach "$HOT4" "$HOT6"
ok "unplugged first" on hv1 virsh detach-device vm1 "$LAB/tmp/hot.xml"
ok "the router forgets it all the same" none_routed tor "$HOT4" "$HOT6"
ok "then detached" on hv1 l3vm detach --ifname taphot
ok "nothing of it is left" traces_are hv1 "$with_one"

# --- the ways to stop --------------------------------------------------------

stopped()
{
	ok "$1: the router forgets it" none_routed tor "${routes[@]}"
	ok "$1: nothing is left on hv1" traces_are hv1 "$before"
	is "$(on hv1 l3vm status)" "no ports" "$1: no port on record"
}

started_again()
{
	local log=$LAB/console/vm1.log
	rm -f "$log"
	ok "$1" on hv1 virsh start vm1
	ok "$1: the router learns it" all_routed tor "dev hv1" "${routes[@]}"
}

ok "it is saved" on hv1 virsh managedsave vm1
stopped "saved"
ok "a saved guest starts" on hv1 virsh start vm1
is "$(state_of hv1 vm1)" live "which is no migration: live at once"
ok "it answers" reach "$A4" "$A6" 10.0.5.1

ok "virsh destroy" on hv1 virsh destroy vm1
stopped "destroyed"

started_again "it starts anew"
ok "it boots" wait_until 60 guest_up vm1
ok "and answers" reach "$A4" "$A6"
kill -KILL "$(guest_qemu_pid hv1 vm1)"
stopped "QEMU killed"

started_again "it starts after that"
libvirtd_stop hv1
kill -KILL "$(guest_qemu_pid hv1 vm1)"
ok "QEMU dies while libvirtd is down" libvirtd_start hv1
stopped "QEMU died unseen"

# --- refused -----------------------------------------------------------------

# refused GUEST PATTERN NAME - its start fails with one line that says why
refused()
{
	local output
	nok "$3: virsh start fails" on hv1 virsh start "$1"
	output=$(on hv1 virsh start "$1" 2>&1) || true
	is "$(grep -c 'l3vm: ' <<<"$output")" 1 "$3: with one line of ours"
	like "$output" "$2" "$3: that says why"
	ok "$3: nothing is left" traces_are hv1 "$before"
	is "$(on hv1 virsh domstate "$1")" "$(printf 'shut off\n\n')" "$3: it is off"
}

guest_define hv1 vm2 mac=52:54:00:00:00:07,dev=tapvm2,address=192.168.7.7
refused vm2 '192\.168\.7\.7.*not allowed' "an address that is not allowed"
guest_define hv1 vm3 mac=52:54:00:00:00:08,dev=tapvm3,address=10.0.0.8,address=224.0.0.5
refused vm3 '224\.0\.0\.5' "a multicast address after a good one"
guest_define hv1 vm4 mac=52:54:00:00:00:09,dev=tapvm4,address=10.0.0.9,network=nowhere
refused vm4 'nowhere' "a network that is not configured"

started_again "the first guest, once more"
before=$(traces hv1)
guest_define hv1 vm5 mac=52:54:00:00:00:0a,dev=tapvm5,address=10.0.0.10,address=$B4
refused vm5 '10\.0\.0\.6.*vm1' "an address that another guest has"
ok "the other guest keeps it" all_routed tor "dev hv1" "${routes[@]}"

# A guest without metadata is none of our business.
guest_define hv1 vm6 mac=52:54:00:00:00:0b,dev=tapvm6,metadata=no
ok "a guest that l3vm is not told of starts" on hv1 virsh start vm6
unlike "$(on hv1 l3vm status)" vm6 "and is left alone"
ok "and stops" on hv1 virsh destroy vm6
lab_done_testing
