#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# failures.sh - what goes wrong in a move, what only looks like one, and daemons that
# are restarted or missing: the guest is reached, and nothing is left behind
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 A6=2001:db8::5

# lives_on NODE WHAT - at its normal rank, and nowhere else
lives_on()
{
	local other=hv1
	[[ $1 != hv1 ]] || other=hv2
	ok "$2: it is live on $1" wait_until 10 has_state "$1" vm1 live
	ok "$2: at its normal rank" all_routed "$1" "metric 5 " "$A4" "$A6"
	ok "$2: $other has nothing of it" wait_until 15 has_nothing "$other"
	ok "$2: it is reached" reach "$A4" "$A6"
	is "$(diverted hv1 hv2)" "" "$2: nothing is diverted"
	is "$(stale)" "" "$2: there is nothing to reconcile"
}

# guest_traces NODE - traces but for the agent's own: its device goes when it does,
# its rules stay
guest_traces()
{
	traces "$1" | sed '/^l3vm-hold/d; s/ \[detached\]//'
}

has_nothing()
{
	[[ $(guest_traces "$1") == "${empty[$1]}" ]]
}

stale()
{
	on hv1 l3vm reconcile --dry-run
	on hv2 l3vm reconcile --dry-run
}

# reached_soon - within 2 s
reached_soon()
{
	local address
	for address in "$A4" "$A6"; do
		wait_until 2 on cli ping -c 1 -W 1 "$address" || return 1
	done
}

agent_kill()
{
	kill -KILL "${NODE_PID[$1/agent]}"
	wait "${NODE_PID[$1/agent]}" 2>/dev/null || true
}

# says_nothing NODE - the guest there, any more: QEMU and it repeat what they have to
# say until 0.8 s after its arrival, at most 0.35 s apart
says_nothing()
{
	local file=/sys/class/net/tapvm1/statistics/rx_packets before
	before=$(on "$1" cat $file)
	sleep 0.5
	[[ $(on "$1" cat $file) == "$before" ]]
}

# lost_at_stop WHAT - since streams_start. A stop makes QEMU drop what it has read from
# the tap and not handed on (net/net.c:net_vm_change_state_handler()), `virsh suspend`
# as well; nothing else may be missing.
lost_at_stop()
{
	streams_lost >"$LAB/tmp/lost"
	unlike "$(<"$LAB/tmp/lost")" 'lost=([4-9]|[0-9]{2,}) |broke' \
		"$1: QEMU drops a packet or two, no connection broken"
	diag "$MOVE_COUNT"
}

agent_knows_libvirt()
{
	[[ $(tail -n 1 "$LAB/$1/log/agent.log") == *"is there" ]]
}

qemu_kill()
{
	kill -KILL "$(guest_qemu_pid "$1" vm1)"
}

# stops_for_long FROM - a migration of vm1 that has begun
stops_for_long()
{
	on "$1" virsh -q migrate-setmaxdowntime vm1 60000
	wait_until 10 eval "((\$(kept_at $1) > 500))"
}

# kept_at NODE - how many packets its agent has got to keep
kept_at()
{
	on "$1" cat /sys/class/net/l3vm-hold/statistics/tx_packets
}

# settled_by_reconcile NODE - as the timer does it where no agent runs
settled_by_reconcile()
{
	on "$1" l3vm reconcile
	has_state "$1" vm1 live
}

# power_off NODE - silent from one moment to the next, as is a host without power
power_off()
{
	local name
	on tor ip link set "$1" down || return
	for name in agent bird; do
		kill -KILL "${NODE_PID[$1/$name]}" || return
	done
	kill -KILL "$(<"$LAB/$1/run/libvirtd.pid")" || return
	kill -KILL "$(guest_qemu_pid "$1" vm1)" 2>/dev/null || true
}

# goes_on WHAT FROM - the migration that has begun ends well
goes_on()
{
	migration_hurries vm1 "$2" || true
	migration_ends "$1" 0
}

fabric_up hv1 hv2
move_routes
for node in tor hv1 hv2; do
	daemon_up $node bird
done
declare -A empty
for node in hv1 hv2; do
	hypervisor_up $node
	sed -i '1i [l3vm]\nhold-time = 3s\n' "$LAB/$node/etc/l3vm/l3vm.conf"
	agent_up $node
	empty[$node]=$(guest_traces $node)
done
guest_define hv1 vm1 "mac=52:54:00:00:00:05,dev=tapvm1,address=$A4,address=$A6"
ok "the guest starts" on hv1 virsh -q start vm1
ok "the fabric is up" wait_until 30 sessions_up tor bird 4
ok "it boots" wait_until 60 guest_up vm1
ok "what streams end at is there" wait_until 20 eval '[[ $(connect $A4 7777) == hello ]]'

# --- what looks like a move and is none --------------------------------------

events=$LAB/hv1/run/l3vm/events.jsonl
cp "$events" "$LAB/tmp/before"
ok "suspended" on hv1 virsh -q suspend vm1
is "$(state_of hv1 vm1)" live "suspended: it is live"
ok "suspended: its routes stay" all_routed hv1 "metric 5 " "$A4" "$A6"
is "$(diverted hv1)" "" "suspended: nothing is diverted"
ok "resumed" on hv1 virsh -q resume vm1
lives_on hv1 "resumed"
is "$(diff "$LAB/tmp/before" "$events")" "" "resumed: nothing had happened to its port"
ok "saved" on hv1 virsh -q save vm1 "$LAB/tmp/vm1.save"
ok "saved: hv1 has nothing of it" wait_until 15 has_nothing hv1
ok "restored" on hv1 virsh -q restore "$LAB/tmp/vm1.save"
lives_on hv1 "restored"

# --- the target fails --------------------------------------------------------

streams_start "$A4" "$A6"
begins "QEMU died while memory was copied" vm1 hv1 hv2
ok "the target's QEMU dies" qemu_kill hv2
migration_ends "QEMU died while memory was copied" 1
lives_on hv1 "QEMU died while memory was copied"
lost_nothing "QEMU died while memory was copied"

# A target that reads nothing, and a source that would rather stop than wait: the
# guest stands still between the two for as long as we like.
what="QEMU died at the switch-over"
streams_start "$A4" "$A6"
begins "$what" vm1 hv1 hv2
kill -STOP "$(guest_qemu_pid hv2 vm1)"
ok "$what: the guest stops, packets are kept" stops_for_long hv1
ok "$what" qemu_kill hv2
migration_ends "$what" 1
lives_on hv1 "$what"
lost_at_stop "$what"
like "$(tail -n 8 "$events")" '"hold-release".*"reason":"aborted"' \
	"what was held was for the guest here"

streams_start "$A4" "$A6"
begins "the target was cut off" vm1 hv1 hv2
# its IPv6 addresses would go with the link
on tor sysctl -q -w net.ipv6.conf.hv2.keep_addr_on_down=1
ok "the target is cut off" on tor ip link set hv2 down
on hv1 virsh domjobabort vm1 || true
migration_ends "the target was cut off" 1
ok "the target is there again" on tor ip link set hv2 up
ok "and its sessions" wait_until 30 sessions_up tor bird 4
lives_on hv1 "the target was cut off"
lost_nothing "the target was cut off"

# --- a guest that does not run ------------------------------------------------

on hv1 virsh -q suspend vm1
ok "a suspended guest moves" move vm1 hv1 hv2
ok "hv1 has nothing of it" wait_until 15 has_nothing hv1
is "$(state_of hv2 vm1)" prepared "nobody has seen it run on hv2"
ok "nobody announces it" none_routed tor "$A4" "$A6"
is "$(on hv2 ip route show table all proto 76)" "" "hv2 has no route to it"
ok "it is resumed" on hv2 virsh -q resume vm1
ok "it is reached" reached_soon
ok "on hv2" all_routed tor "dev hv2" "$A4" "$A6"
lives_on hv2 "resumed at the target"

# --- daemons that are restarted ----------------------------------------------

for node in hv1 hv2; do
	libvirtd_stop $node
	libvirtd_start $node
	ok "libvirtd of $node is restarted; the agent has found it" \
		wait_until 10 agent_knows_libvirt $node
done
lives_on hv2 "libvirtd restarted"
streams_start "$A4" "$A6"
ok "then it moves" move vm1 hv2 hv1
lives_on hv1 "moved after a restart of libvirtd"
lost_nothing "moved after a restart of libvirtd"

what="libvirtd of hv1 died while it sent"
begins "$what" vm1 hv1 hv2
kill -KILL "$(<"$LAB/hv1/run/libvirtd.pid")"
# virsh itself may die of SIGPIPE
migration_ends "$what" '1|141'
libvirtd_start hv1
lives_on hv1 "$what"

what="BIRD of hv1 restarted while hv1 sent"
begins "$what" vm1 hv1 hv2
daemon_down hv1 bird
daemon_up hv1 bird
goes_on "$what" hv1
lives_on hv2 "$what"

what="BIRD of hv1 restarted while hv2 sent"
streams_start "$A4" "$A6"
begins "$what" vm1 hv2 hv1
daemon_down hv1 bird
daemon_up hv1 bird
ok "$what: its sessions are back" wait_until 30 sessions_up tor bird 4
goes_on "$what" hv2
lives_on hv1 "$what"
lost_nothing "$what"

# --- without agents -----------------------------------------------------------

what="no agent on hv1 since it was leaving"
begins "$what" vm1 hv1 hv2
ok "$what: leaving" wait_until 10 has_state hv1 vm1 leaving
agent_kill hv1
ok "$what: the migration is cancelled" on hv1 virsh domjobabort vm1
migration_ends "$what" 1
ok "$what: it is reached" reached_soon
agent_up hv1
lives_on hv1 "$what, and back when it stays"
begins "$what" vm1 hv1 hv2
ok "$what: leaving" wait_until 10 has_state hv1 vm1 leaving
agent_kill hv1
goes_on "$what" hv1
ok "$what: it is reached" reached_soon
ok "$what: hv1 has nothing of it" wait_until 15 has_nothing hv1

what="no agent on hv1, and hv2's killed while it held"
at_event hv2 hold-start agent_kill hv2 &
killer=$!
ok "$what" move vm1 hv2 hv1
wait $killer || true
ok "$what: it was" process_gone "${NODE_PID[hv2/agent]}"
agent_down hv2
is "$(state_of hv1 vm1)" prepared "$what: nobody has seen it run on hv1"
ok "$what: l3vm migrate-notify" on hv1 l3vm migrate-notify vm1
ok "$what: it is reached" reached_soon
is "$(diverted hv1 hv2)" "" "$what: nothing is diverted"
is "$(state_of hv1 vm1)" arrived "$what: arrived"
agent_up hv1
lives_on hv1 "$what, hv1's back"

what="hv2's agent killed when it was prepared"
agent_up hv2
begins "$what" vm1 hv1 hv2
agent_kill hv2
goes_on "$what" hv1
ok "$what: it has announced itself to nobody" wait_until 10 says_nothing hv2
is "$(state_of hv2 vm1)" prepared "$what: nobody has seen it run"
agent_up hv2
ok "$what and started again: it is reached" reached_soon
ok "$what: it has arrived" wait_until 5 has_state hv2 vm1 arrived
is "$(first_evidence hv2 vm1)" libvirt-running "$what: by libvirt's word"
agent_kill hv2
ok "hv2's agent killed when it has arrived: hold-time is over" \
	wait_until 10 settled_by_reconcile hv2
lives_on hv2 "hv2's agent killed when it has arrived"

what="no agent on hv2, which sends"
ok "$what" move vm1 hv2 hv1
ok "$what: it is reached" reached_soon
lives_on hv1 "$what"

what="no agent on hv2, which receives"
ok "$what" move vm1 hv1 hv2
is "$(state_of hv2 vm1)" prepared "$what: nobody has seen it run"
ok "$what: l3vm migrate-notify" on hv2 l3vm migrate-notify vm1
ok "$what: it is reached" reached_soon
ok "$what: hold-time is over" wait_until 10 settled_by_reconcile hv2
lives_on hv2 "$what"

# --- the end of a host ----------------------------------------------------------

what="hv2 died when the guest had come to hv1"
agent_up hv2
ok "$what: its neighbours know it" wait_until 30 sessions_up tor bird 4
at_event hv1 '"to":"arrived"' power_off hv2 &
killer=$!
move vm1 hv2 hv1 >/dev/null 2>&1 || true
status=0
wait $killer || status=$?
is "$status" 0 "$what: nothing is left of it"
ok "$what: it is reached" reached_soon
ok "$what: the fabric knows it at hv1" all_routed tor "dev hv1" "$A4" "$A6"
ok "$what: hold-time is over" wait_until 10 has_state hv1 vm1 live
ok "$what: at its normal rank" all_routed hv1 "metric 5 " "$A4" "$A6"
ok "$what: the fabric still knows it there" all_routed tor "dev hv1" "$A4" "$A6"
ok "$what: it is reached on" reach "$A4" "$A6"
is "$(on hv1 l3vm reconcile --dry-run)" "" "$what: there is nothing to reconcile"
lab_done_testing
