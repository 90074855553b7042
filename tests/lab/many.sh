#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# many.sh - twenty guests, of both modes, start and end at the same time
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

N=20

# of_each COMMAND... - runs it for each guest at the same time, with its name
# appended; fails when one did
of_each()
{
	local i status=0
	local -a pids=()
	for ((i = 1; i <= N; i++)); do
		"$@" "vm$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || status=1
	done
	return "$status"
}

define()
{
	local i=$1
	if ((i % 2)); then
		guest_define hv1 "vm$i" "mac=52:54:00:02:00:$(printf %02x "$i"),\
dev=tapvm$i,address=10.0.2.$i,address=2001:db8:2::$i"
	else
		guest_define hv1 "vm$i" "mac=52:54:00:02:00:$(printf %02x "$i"),\
type=bridge,source=l3lan,dev=tapvm$i,address=10.1.2.$i,address=2001:db8:102::$i,\
gw4=10.1.0.1,len4=16"
	fi
}

start_all()
{
	of_each on hv1 virsh -q start
}

destroy_all()
{
	of_each on hv1 virsh -q destroy
}

live_ports()
{
	on hv1 l3vm status --json | grep -o '"state": *"live"' | wc -l
}

addresses=()
fabric_up hv1
daemon_up tor bird
daemon_up hv1 bird
hypervisor_up hv1
ok "hv1 and the router are neighbours" wait_until 30 sessions_up tor bird 2
before=$(traces hv1)
for ((i = 1; i <= N; i++)); do
	define "$i"
	net=$((i % 2 ? 0 : 1))
	addresses+=("10.$net.2.$i" "2001:db8:$((net * 100 + 2))::$i")
done

ok "$N guests start at once" start_all
is "$(live_ports)" "$N" "their ports are live"
ok "the router learns the routes of all" all_routed tor "dev hv1" "${addresses[@]}"
ok "all boot" wait_until 150 eval '
	[[ $(grep -l "guest: up" "$LAB"/console/*.log | wc -l) -eq N ]]'
ok "all answer in both families" reach "${addresses[@]}"
is "$(on hv1 l3vm reconcile --dry-run)" "" "reconcile finds no difference"

ok "all are destroyed at once" destroy_all
ok "the router forgets them" none_routed tor "${addresses[@]}"
ok "nothing is left on hv1 but the bridge" traces_are hv1 "$before"
is "$(on hv1 l3vm status)" "no ports" "no port on record"

# The same guest from two sides: one of them gets it, and it is whole.
race()
{
	on hv1 virsh -q start vm1 &
	local one=$!
	on hv1 virsh -q start vm1 || true
	wait "$one" || true
	[[ $(state_of hv1 vm1) == live ]]
}
ok "two starts of one guest at once end with one guest" race
ok "the router learns it" all_routed tor "dev hv1" 10.0.2.1 2001:db8:2::1
ok "and forgets it when it ends" eval '
	on hv1 virsh -q destroy vm1 && none_routed tor 10.0.2.1 2001:db8:2::1'
ok "nothing is left" traces_are hv1 "$before"
lab_done_testing
