#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# migrate.sh - live migration: a guest is announced where it runs, never before
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 A6=2001:db8::5 B4=10.1.0.5
MAC=52:54:00:00:00:05 MAC2=52:54:00:01:00:05

# uri NODE - its libvirtd, as any other node can reach it
uri()
{
	echo "qemu+unix:///system?socket=$LAB/$1/run/libvirt/libvirt-sock"
}

address_of()
{
	case $1 in hv1) echo 192.0.2.2 ;; hv2) echo 192.0.2.6 ;; esac
}

# migrate FROM TO MIB-PER-SECOND
migrate()
{
	on "$1" virsh -q migrate --live --unsafe --bandwidth "$3" vm1 "$(uri "$2")" \
		--migrateuri "tcp://$(address_of "$2")"
}

# All of a running guest, seen from outside
serves()
{
	all_routed tor "dev $1" "$A4" "$A6" "$B4" && reach "$A4" "$A6" "$B4"
}

nothing_announced_by()
{
	[[ -z $(on "$1" ip route show table all proto 76
		on "$1" ip -6 route show table all proto 76) ]]
}

fabric_up hv1 hv2
for node in tor hv1 hv2; do
	daemon_up $node bird
done
hypervisor_up hv1
hypervisor_up hv2
ok "both hypervisors have the router as neighbour" wait_until 30 sessions_up tor bird 4
empty1=$(traces hv1) empty2=$(traces hv2)
guest_define hv1 vm1 "mac=$MAC,dev=tapvm1,address=$A4,address=$A6" \
	"mac=$MAC2,type=bridge,source=l3lan,dev=tapvm1b,address=$B4,\
gw4=10.1.0.1,len4=16"
ok "a guest with a tap and a port of a bridge starts on hv1" on hv1 virsh start vm1
ok "it boots" wait_until 60 guest_up vm1
ok "it is reached there" serves hv1
ok "hv2 knows the way to it" all_routed hv2 "dev up0" "$A4" "$A6" "$B4"

# --- a migration that is given up --------------------------------------------

migrate hv1 hv2 2 >/dev/null 2>&1 &
migration=$!
ok "a migration begins: hv2 has the ports, prepared" \
	wait_until 20 has_state hv2 vm1 "$(printf 'prepared\nprepared')"
# libvirt's last hook of the preparation has run when its memory comes over.
ok "the memory is being copied" wait_until 20 eval '
	on hv1 virsh domjobinfo vm1 | grep -q "Memory remaining"'
is "$(state_of hv2 vm1)" "$(printf 'prepared\nprepared')" "they are still prepared"
ok "hv2 announces nothing" nothing_announced_by hv2
ok "it is reached on hv1 meanwhile" serves hv1
ok "the migration is aborted" on hv1 virsh domjobabort vm1
wait "$migration" || true
ok "hv2 forgets it" traces_are hv2 "$empty2"
ok "hv1 still has it" serves hv1
is "$(state_of hv1 vm1)" "$(printf 'live\nlive')" "and its ports are live"

# --- one that succeeds -------------------------------------------------------

# moves FROM TO TRACES-OF-FROM
moves()
{
	local from=$1 to=$2
	ok "$from to $to: it migrates" migrate "$from" "$to" 0
	is "$(state_of "$to" vm1)" "$(printf 'prepared\nprepared')" \
		"$from to $to: nobody has said that it runs there"
	ok "$from to $to: $to announces nothing" nothing_announced_by "$to"
	ok "$from to $to: the source forgets it" traces_are "$from" "$3"
	ok "$from to $to: l3vm migrate-notify" on "$to" l3vm migrate-notify vm1
	is "$(state_of "$to" vm1)" "$(printf 'arrived\narrived')" \
		"$from to $to: now it has arrived"
	ok "$from to $to: at the preferred rank" \
		all_routed "$to" "metric 4" "$A4" "$A6" "$B4"
	ok "$from to $to: it is reached there" serves "$to"
	like "$(bgp_path tor bird "$A4")" \
		"as_path: 6500${to#hv}"$'\n' "$from to $to: by the path as it is"
	ok "$from to $to: the source knows the way to it" \
		all_routed "$from" "dev up0" "$A4" "$A6" "$B4"
}

moves hv1 hv2 "$empty1"
moves hv2 hv1 "$empty2"

ok "it is destroyed" on hv1 virsh destroy vm1
ok "the router forgets it" none_routed tor "$A4" "$A6" "$B4"
ok "nothing is left on hv1" traces_are hv1 "$empty1"
ok "nor on hv2" traces_are hv2 "$empty2"

# --- refused by the target ---------------------------------------------------

sed -i 's/^allow = 10\.0\.0\.0.*/allow = 172.16.0.0\/12/' "$LAB/hv2/etc/l3vm/l3vm.conf"
ok "it starts on hv1 once more" on hv1 virsh start vm1
nok "hv2 may not have its address: the migration fails" migrate hv1 hv2 0
ok "nothing is left on hv2" traces_are hv2 "$empty2"
ok "hv1 still has it" all_routed tor "dev hv1" "$A4" "$A6" "$B4"
lab_done_testing
