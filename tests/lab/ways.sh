#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# ways.sh - each way that libvirt can move a guest loses no packet
#
# vm1 has a NIC of each kind, a routed tap (A) and a port of a bridge (B); which
# addresses the streams go to changes from move to move. vm4 and vm6 have an e1000 and
# one address each (their kernel has no other driver), and say nothing of themselves
# when they arrive.
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 A6=2001:db8::5 B4=10.1.0.5 B6=2001:db8:100::5
V4=10.0.0.14 V6=2001:db8::16

# carried WHAT IPV4 IPV6 FROM TO COMMAND... - streams to these addresses, from before
# the command until it has left all of one host and is announced by the other
carried()
{
	local what="$4 to $5, $1" from=$4 to=$5
	streams_start "$2" "$3"
	shift 5
	ok "$what" "$@"
	ok "$what: $to announces it" all_routed tor "dev $to" "$A4" "$A6" "$B4" "$B6"
	ok "$what: $from has forgotten it" wait_until 10 has_state "$from" vm1 ""
	lost_nothing "$what"
	is "$(diverted hv1 hv2)" "" "$what: nothing is diverted any more"
}

# managed FROM TO [OPTION]... - the client speaks with both libvirtds
managed()
{
	local from=$1 to=$2
	shift 2
	on "$from" virsh -q migrate --live --unsafe "$@" vm1 "$(uri "$to")" \
		--migrateuri "tcp://${MOVE_ADDRESS[$to]}"
}

tunnelled()
{
	on "$1" virsh -q migrate --live --p2p --tunnelled --unsafe --persistent \
		--undefinesource vm1 "$(uri "$2")"
}

# The guest goes on at the other host when most of its memory is still here.
postcopy()
{
	migration_begins vm1 "$1" "$2" --postcopy
	on "$1" virsh -q migrate-postcopy vm1
	wait "$MIGRATION" || { cat "$LAB/tmp/migration.log"; return 1; }
}

there_and_back()
{
	move vm1 hv2 hv1
	wait_until 5 has_state hv1 vm1 $'arrived\narrived' || return 1
	move vm1 hv1 hv2
}

# e1000_define NAME NIC - whose driver announces nothing, unlike virtio's. What QEMU
# sends in the guest's name cannot be switched off.
e1000_define()
{
	guest_xml "$1" - "$2" | sed "
		s|model type='virtio'|model type='e1000'|
		s|$LAB/image/|$LAB/image-e1000/|" >"$LAB/tmp/$1.xml"
	on hv1 virsh -q define "$LAB/tmp/$1.xml"
}

# both_move FROM TO - vm4 and vm6 at the same time
both_move()
{
	move vm4 "$1" "$2" &
	move vm6 "$1" "$2"
	wait $!
}

fabric_up hv1 hv2
move_routes
for node in tor hv1 hv2; do
	daemon_up $node bird
done
for node in hv1 hv2; do
	hypervisor_up $node
	agent_up $node
done
guest_define hv1 vm1 "mac=52:54:00:00:00:05,dev=tapvm1,address=$A4,address=$A6" \
	"mac=52:54:00:01:00:05,type=bridge,source=l3lan,dev=tapvm1b,address=$B4,\
address=$B6,gw4=10.1.0.1,len4=16"
guest_pack kernel-e1000 "$LAB/image-e1000"
e1000_define vm4 "mac=52:54:00:00:00:14,dev=tapvm4,address=$V4"
e1000_define vm6 "mac=52:54:00:00:00:16,dev=tapvm6,address=$V6"
for guest in vm1 vm4 vm6; do
	ok "$guest starts" on hv1 virsh start $guest
done
ok "the fabric is up" wait_until 30 sessions_up tor bird 4
for guest in vm1 vm4 vm6; do
	ok "$guest boots" wait_until 60 guest_up $guest
done
ok "the client reaches them" reach "$A4" "$A6" "$B4" "$B6" "$V4" "$V6"
for address in "$A4" "$V4" "$V6"; do
	ok "and what streams end at, $address" wait_until 20 eval \
		"[[ \$(connect $address 7777) == hello ]]"
done

# --- given up half-way -------------------------------------------------------

streams_start "$A4" "$B6"
begins "cancelled" vm1 hv1 hv2
ok "hv1: it is leaving" wait_until 10 has_state hv1 vm1 $'leaving\nleaving'
is "$(state_of hv2 vm1)" $'prepared\nprepared' "hv2: prepared for it"
ok "hv1 announces it as a last resort" all_routed hv1 "metric 4194305000" \
	"$A4" "$A6" "$B4" "$B6"
ok "the migration is cancelled" on hv1 virsh domjobabort vm1
migration_ends "cancelled" 1
ok "hv1: it is live again" wait_until 10 has_state hv1 vm1 $'live\nlive'
ok "hv1: at its normal rank" all_routed hv1 "metric 5 " "$A4" "$A6" "$B4" "$B6"
ok "hv2 has forgotten it" wait_until 10 has_state hv2 vm1 ""
lost_nothing "cancelled"
is "$(diverted hv1 hv2)" "" "cancelled: nothing is diverted"

# --- each way ----------------------------------------------------------------

on_start hv1 postcopy.log virsh qemu-monitor-event --loop --event MIGRATION
monitor=$!
carried "post-copy" "$A4" "$A6" hv1 hv2 postcopy hv1 hv2
kill "$monitor"
like "$(<"$LAB/hv1/log/postcopy.log")" postcopy-active "it was a post-copy"
carried "to hv1 and at once back" "$B4" "$A6" hv1 hv2 there_and_back
carried "managed by the client, as a transient guest" "$A4" "$B6" hv2 hv1 \
	managed hv2 hv1
carried "tunnelled" "$B4" "$B6" hv1 hv2 tunnelled hv1 hv2

# --- of one family, with an e1000, and silent ----------------------------------

streams_start "$V4" "$V6"
ok "an IPv4-only and an IPv6-only guest move at once" both_move hv1 hv2
ok "hv2 announces them" all_routed tor "dev hv2" "$V4" "$V6"
lost_nothing "IPv4 only, IPv6 only"
ok "nobody speaks with them, and they move back" both_move hv2 hv1
ok "hv1 announces them" all_routed tor "dev hv1" "$V4" "$V6"
for guest in vm4 vm6; do
	like "$(first_evidence hv1 $guest)" '^(rarp|.*-resumed?)$' \
		"$guest: nothing of its own told of it"
done
ok "they are reached there" reach "$V4" "$V6"
lab_done_testing
