#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# moves.sh - with the agent a guest that moves loses no packet: BIRD, then FRR
# timeout: 300
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 A6=2001:db8::5
MOVES=${L3VM_MOVES:-1}

# lossless DAEMON FROM TO
lossless()
{
	local line name
	move_streams "$A4" "$A6" 5
	wait_until 5 test -e "/proc/${NODE_PID[cli/udp6]}"
	ok "$1: $2 to $3" move vm1 "$2" "$3"
	move_count
	while read -r line; do
		name=${line%% *}
		is "$(move_figure lost "$line")" 0 "$1: $2 to $3: $name lost nothing"
	done <<<"$MOVE_COUNT"
	diag "$(printf '%s\npause %s ms' "$MOVE_COUNT" "$(move_pause "$2" "$3")")"
	unlike "$MOVE_COUNT" broke "$1: $2 to $3: no connection broke"
	[[ $MOVE_COUNT != *lost=[1-9]* && $MOVE_COUNT != *broke* ]] || diag "$(picture)"
	ok "$1: $3 announces it" all_routed tor "dev $3" "$A4" "$A6"
	wait_until 10 has_no_port "$2" || true
	is "$(on "$2" l3vm status)" "no ports" "$1: $2 has forgotten it"
	is "$(on "$2" ip route show table 76; on "$2" ip -6 route show table 76)" "" \
		"$1: $2 diverts nothing any more"
}

# Where everything stands, when a move went wrong
picture()
{
	local node
	for node in tor hv1 hv2; do
		echo "--- $node"
		on $node ip route show table all | grep -e "^$A4" -e "^unicast $A4" || true
		on $node ip -6 route show table all | grep -e "^$A6" || true
	done
	for node in hv1 hv2; do
		echo "--- $node"
		on $node l3vm status
		on $node ip -s link show tapvm1 2>&1 || true
		cat "$LAB/$node/log/agent.log"
		tail -n 20 "$LAB/$node/run/l3vm/events.jsonl" | cut -c 12-26,29-
	done
}

has_no_port()
{
	[[ $(on "$1" l3vm status) == "no ports" ]]
}

fabric_up hv1 hv2
move_routes
for node in hv1 hv2; do
	hypervisor_up $node
	sed -i '1i [l3vm]\nhold-time = 2s\n' "$LAB/$node/etc/l3vm/l3vm.conf"
	agent_up $node
done
guest_define hv1 vm1 "mac=52:54:00:00:00:05,dev=tapvm1,address=$A4,address=$A6"
for daemon in bird frr; do
	for node in tor hv1 hv2; do
		daemon_up $node $daemon
	done
	ok "$daemon: the fabric is up" wait_until 30 sessions_up tor $daemon 4
	[[ $(on hv1 virsh domstate vm1) == running* ]] || {
		ok "the guest starts" on hv1 virsh start vm1
		ok "it boots" wait_until 60 guest_up vm1
	}
	ok "$daemon: the client reaches it" reach "$A4" "$A6"
	ok "$daemon: and what streams end at" \
		wait_until 20 eval '[[ $(connect $A4 7777) == hello ]]'
	for ((i = 0; i < MOVES; i++)); do
		lossless $daemon hv1 hv2
		lossless $daemon hv2 hv1
	done
	ok "$daemon: it settles at normal rank" all_routed hv1 "metric 5" "$A4" "$A6"
	for node in tor hv1 hv2; do
		daemon_down $node $daemon
		# BIRD leaves its routes behind, for its next start
		on $node ip route flush proto bird
		on $node ip -6 route flush proto bird
	done
done
lab_done_testing
