#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# bridge.sh - the life of guests on a proxy-ARP bridge, under libvirt and FRR
#
# Two kinds of interface lead there: type=network by way of a libvirt network,
# and type=bridge.
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.1.0.5 A6=2001:db8:100::5 C4=10.1.0.6
B4=10.1.0.7 B6=2001:db8:100::7
HOT4=10.1.0.66 HOT6=2001:db8:100::66
MAC=52:54:00:01:00:05 HOT=52:54:00:01:00:06
# The netmask of an ordinary LAN; the kernel has no proxy for whole prefixes in
# IPv6, so there a guest takes its router for every destination (RFC 5942).
lan=gw4=10.1.0.1,len4=16,len6=128

fabric_up hv1
daemon_up tor frr
daemon_up hv1 frr
hypervisor_up hv1
ok "hv1 and the router are neighbours" wait_until 30 sessions_up tor frr 2
empty=$(traces hv1)

# --- start -------------------------------------------------------------------

guest_define hv1 vm2 "mac=52:54:00:01:00:07,type=bridge,source=l3lan,dev=tapvm2,\
address=$B4,address=$B6,$lan"
nok "there is no bridge yet" on hv1 ip link show l3lan
ok "a guest with an interface of type=bridge starts all the same" \
	on hv1 virsh start vm2
ok "the kernel has its routes by way of the bridge" \
	all_routed hv1 "dev l3lan proto l3vm" "$B4" "$B6"
one_guest=$(traces hv1)

cat >"$LAB/tmp/lan.xml" <<'END'
<network><name>lan</name><forward mode='bridge'/><bridge name='l3lan'/></network>
END
ok "a libvirt network that names the bridge starts" eval '
	on hv1 virsh -q net-define "$LAB/tmp/lan.xml" && on hv1 virsh net-start lan'
guest_define hv1 vm1 "mac=$MAC,type=network,source=lan,dev=tapvm1,\
address=$A4,address=$C4,address=$A6,$lan" \
	"later,mac=$HOT,network=lan,address=$HOT4,address=$HOT6,$lan"
ok "a guest with an interface of type=network starts" on hv1 virsh start vm1
is "$(state_of hv1 vm1; state_of hv1 vm2)" "$(printf 'live\nlive')" "both are live"
ok "the kernel has its routes" all_routed hv1 "dev l3lan proto l3vm" "$A4" "$C4" "$A6"
ok "the router learns them all" all_routed tor "dev hv1" "$A4" "$C4" "$A6" "$B4" "$B6"
ok "none of an interface that is not there" none_routed hv1 "$HOT4" "$HOT6"
ok "the guests boot" eval 'wait_until 60 guest_up vm1 && wait_until 60 guest_up vm2'
ok "they answer the client" reach "$A4" "$C4" "$A6" "$B4" "$B6"
ok "they reach each other, as on any LAN" guests_reach "$A4" "$B4"
ok "in IPv6, too" guests_reach "$B4" "$A6"
ok "and the gateway" guests_reach "$B4" 10.1.0.1

# --- what changes nothing ----------------------------------------------------

watch_routes hv1
running=$(traces hv1)
ping_start "$A4" 6
libvirtd_stop hv1
ok "libvirtd restarts while guests run" libvirtd_start hv1
is "$(ping_lost)" 0 "not a packet of 50 a second is lost meanwhile"
ok "a guest reboots itself" eval '
	connect "$B4" 9; wait_until 60 guest_up vm2 2'
ok "both answer" reach "$A4" "$A6" "$B4" "$B6"
is "$(routes_changed hv1)" "" "no route was touched meanwhile"
is "$(traces hv1)" "$running" "nor anything else"

# --- hot-plug ----------------------------------------------------------------

nic_xml "mac=$HOT,type=network,source=lan,dev=taphot" >"$LAB/tmp/hot.xml"
for round in first second; do
	ok "$round time: an interface is plugged in" \
		on hv1 virsh attach-device vm1 "$LAB/tmp/hot.xml"
	ok "$round time: its routes come by the network hook alone" \
		all_routed tor "dev hv1" "$HOT4" "$HOT6"
	ok "$round time: it answers" reach "$HOT4" "$HOT6"
	ok "$round time: reconcile knows its tap" eval '
		on hv1 l3vm reconcile && on hv1 l3vm status vm1 | grep -q taphot'
	is "$(on hv1 l3vm reconcile)" "" "$round time: after that nothing differs"
	ok "$round time: it is unplugged" \
		on hv1 virsh detach-device vm1 "$LAB/tmp/hot.xml"
	ok "$round time: its routes go" none_routed tor "$HOT4" "$HOT6"
	ok "$round time: nothing of it is left" traces_are hv1 "$running"
done
ok "the first interface answers" reach "$A4" "$A6"

# --- the ways to stop --------------------------------------------------------

ok "virsh destroy" on hv1 virsh destroy vm1
ok "the router forgets that guest" none_routed tor "$A4" "$C4" "$A6"
ok "the other one answers" reach "$B4" "$B6"
ok "nothing of the first is left" traces_are hv1 "$one_guest"

# One word wrong in the metadata must not cost another guest its address.
guest_define hv1 vm3 "mac=52:54:00:01:00:08,type=network,source=lan,dev=tapvm3,\
address=10.1.0.8,address=$B4,$lan"
nok "a guest with an address of another one does not start" on hv1 virsh start vm3
like "$(on hv1 virsh start vm3 2>&1 || true)" 'l3vm: .*10\.1\.0\.7.*vm2' \
	"and libvirt says why"
guest_define hv1 vm4 "mac=52:54:00:01:00:09,type=bridge,source=l3lan,dev=tapvm4,\
address=10.0.0.9,$lan"
like "$(on hv1 virsh start vm4 2>&1 || true)" 'l3vm: .*10\.0\.0\.9.*not allowed' \
	"one with an address of another network neither"
ok "nothing is left of these" traces_are hv1 "$one_guest"
ok "the other one still answers" reach "$B4" "$B6"

kill -KILL "$(guest_qemu_pid hv1 vm2)"
ok "QEMU is killed: the router forgets it" none_routed tor "$B4" "$B6"
ok "nothing is left on hv1 but the bridge" traces_are hv1 "$empty"
lab_done_testing
