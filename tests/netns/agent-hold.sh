#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# agent-hold.sh - a leaving guest's packets: kept, in order, and sent after it
#
# The client sends numbered packets of both families, a thousand a second. The
# guest's old place is g1, on the host's tap; its new one, "new", is beyond the host,
# where a foreign route leads. QEMU's stop is played; g1 goes on receiving, so
# what was on the tap when it stopped arrives twice.
#
# timeout: 200
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"

configure() {
	{
		echo "[l3vm]"
		echo "qmp-sockets = $work/qmp/*.qmp"
		printf '%s\n' "$@"
	} >"$L3VM_CONFIG"
}

# --- the guest, here and there ------------------------------------------------

host_add hv
client_add
guest_add g1 tap1 $mac1
guest_config g1 10.0.0.1 2001:db8::1
add_ns new
netns_link hv up1 new eth0
ip -n "${netns_name[hv]}" -batch - <<-END
	addr add 198.51.100.1/24 dev up1
	addr add 2001:db8:f::1/64 dev up1 nodad
END
ip -n "${netns_name[new]}" -batch - <<-END
	addr add 198.51.100.2/24 dev eth0
	addr add 2001:db8:f::2/64 dev eth0 nodad
	addr add 10.0.0.1/32 dev lo
	addr add 2001:db8::1/128 dev lo nodad
	route add default via 198.51.100.1
	route add default via 2001:db8:f::1
END

# announced ADD|DEL: as a daemon does it when the new place is announced, or no more
announced() {
	ip_ns hv route "$1" 10.0.0.1 via 198.51.100.2 dev up1 proto bird metric 32
	ip_ns hv route "$1" 2001:db8::1 via 2001:db8:f::2 dev up1 proto bird metric 32
}

# what a route's first use finds out is known: no packet waits for it
in_ns hv ping -q -c 1 -W 2 198.51.100.2 >/dev/null
in_ns hv ping -q -c 1 -W 2 2001:db8:f::2 >/dev/null

# --- traffic ------------------------------------------------------------------

# flow_start: what arrives goes to $work/{g1,new}.{4004,6006}
flow_start() {
	local name
	rm -f "$work"/{g1,new,sent}.{4004,6006}
	for name in g1 new; do
		play "$name" sink 4004 6006 "$work/$name"
		flow_pids+=("$play_pid")
		wait_for 5 test -e "$work/$name.6006"
	done
	play cl send 10.0.0.1 4004 1000 "$work/sent.4004"
	senders=("$play_pid")
	play cl send 2001:db8::1 6006 1000 "$work/sent.6006"
	senders+=("$play_pid")
}

# flow_pause: all has been sent
flow_pause() {
	kill "${senders[@]}"
	wait_for 5 test -s "$work/sent.4004"
	wait_for 5 test -s "$work/sent.6006"
}

flow_end() {
	kill "${flow_pids[@]}"
	flow_pids=()
}
flow_pids=()

# arrived NAME NUMBER: so many of both families at least
arrived() {
	[ "$(wc -l <"$work/$1.4004")" -ge "$2" ] &&
		[ "$(wc -l <"$work/$1.6006")" -ge "$2" ]
}

# all_arrived: the last packet of both is at one of the places
all_arrived() {
	local port
	for port in 4004 6006; do
		grep -qx $(($(cat "$work/sent.$port") - 1)) "$work/"{g1,new}".$port" ||
			return 1
	done
}

compare() {
	"$L3VM_SRC/tests/netns/agent.py" compare "$(cat "$work/sent.$1")" "${@:2}"
}

# later MILLISECONDS: so much of the flow goes by
later() {
	local end=$(($(tap_now) + $1))
	while [ "$(tap_now)" -lt "$end" ]; do
		in_ns hv true
	done
}

counted() {
	notes hold-release "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

released() {
	[ "$(notes hold-release reason | grep -cx "$1")" -eq 2 ]
}

# leave: until the guest has stopped here, and its packets are kept
leave() {
	qmp g1 event MIGRATION '{"status": "active"}'
	wait_for 5 has_state g1 leaving
	wait_for 5 watched tap1
	qmp g1 event STOP
	wait_for 5 grep -q hold-start "$L3VM_STATE_DIR/events.jsonl"
}

# again: the guest is here, and its flow
again() {
	l3 detach --guest g1
	attach g1 tap1 $mac1 10.0.0.1,2001:db8::1
	clear_log
	flow_start
	wait_for 5 arrived g1 100
}

# more than the default, to be sure that some of the flow falls into it
configure "hold-replay = 200ms"
qemu_start g1
starts "the agent starts"
listened_to g1

# --- a move -------------------------------------------------------------------

again
leave
later 300
flow_pause
is "$(wc -l <"$work/new.4004")" 0 "while it is between two hosts nothing goes on"
announced add
ok "the foreign route: both families are released" wait_for 5 released route
ok "all of it has arrived" wait_for 5 all_arrived
for port in 4004 6006; do
	like "$(compare "$port" "$work/g1.$port" "$work/new.$port")" \
		'^lost 0 twice [1-9][0-9]* disorder 0$' "$port: none lost, all in order"
	ok "$port: what was kept went to the new place" \
		[ "$(wc -l <"$work/new.$port")" -ge 100 ]
done
ok "kept: $(counted kept), sent on: $(counted delivered)" \
	[ "$(counted delivered)" -ge "$(counted kept)" ]
ok "what reached the tap before the stop was sent again ($(counted replayed) packets)" \
	[ "$(counted replayed)" -ge 10 ]
is "$(counted dropped)" 0 "none dropped"
flow_end
l3 detach --guest g1
announced del

# while packets keep coming
again
leave
later 100
announced add
wait_for 5 released route
later 300
flow_pause
ok "in full flow: all of it has arrived" wait_for 5 all_arrived
for port in 4004 6006; do
	like "$(compare "$port" "$work/g1.$port" "$work/new.$port")" \
		'^lost 0 ' "$port: none lost in full flow"
done
flow_end
l3 detach --guest g1
announced del

# --- more happens than the kernel can tell ------------------------------------

# told_too_much: a socket there has lost notifications
told_too_much() {
	[[ -n $(in_ns hv awk '$9 ~ /^[1-9]/' /proc/net/netlink) ]]
}
for change in add del; do
	for ((i = 0; i < 20000; i++)); do
		echo "route $change 172.16.$((i >> 8)).$((i & 255)) dev up0"
	done
done >"$work/churn"
again
leave
flow_pause
kill -STOP "$agent_pid"
ip -n "${netns_name[hv]}" -batch "$work/churn"
announced add
ok "the agent stands still, and notifications are lost" told_too_much
kill -CONT "$agent_pid"
ok "it finds the route all the same: both families are released" \
	wait_for 10 released route
flow_end
l3 detach --guest g1
announced del

# --- a router that announces before it forwards -------------------------------

# send_back ADD|DEL: the router there sends all of it back here, as one does whose
# own forwarding has not changed yet
in_ns new sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
	net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
send_back() {
	local end=del
	[ "$1" = del ] && end=add
	ip -n "${netns_name[new]}" addr "$end" 10.0.0.1/32 dev lo
	ip -n "${netns_name[new]}" addr "$end" 2001:db8::1/128 dev lo
	ip -n "${netns_name[new]}" route "$1" 10.0.0.1 via 198.51.100.1
	ip -n "${netns_name[new]}" route "$1" 2001:db8::1 via 2001:db8:f::1
}
again
send_back add
leave
announced add
later 200
is "$(notes hold-release reason)" "" "what would come back is not sent on"
is "$(wc -l <"$work/new.4004")" 0 "nothing has arrived there"
send_back del
ok "it forwards: both families are released" wait_for 5 released route
flow_pause
ok "all of it has arrived" wait_for 5 all_arrived
for port in 4004 6006; do
	like "$(compare "$port" "$work/g1.$port" "$work/new.$port")" \
		'^lost 0 ' "$port: none lost on a way that led back at first"
done
flow_end
l3 detach --guest g1
announced del

# What is sent again and again looks like a scout that has come back.
l3 detach --guest g1
attach g1 tap1 $mac1 10.0.0.1,2001:db8::1
clear_log
for to in 10.0.0.1 2001:db8::1; do
	play cl repeat $to 4007 500
	flow_pids+=("$play_pid")
done
leave
later 100
announced add
ok "equal packets in a row do not keep it from being released" \
	wait_for 2 released route
flow_end
l3 detach --guest g1
announced del

# --- a host so busy that QEMU was late ----------------------------------------

agent_stop || :
configure "hold-replay = 1ms"
starts "with a short memory"
ip_ns hv tuntap add dev tap2 mode tap
qemu_start g2
listened_to g2
rm -f "$work"/{tap,new,sent}.{4004,6006}
play hv tap tap2 4004 6006 "$work/tap"
flow_pids+=("$play_pid")
play new sink 4004 6006 "$work/new"
flow_pids+=("$play_pid")
wait_for 5 test -e "$work/tap.6006"
wait_for 5 test -e "$work/new.6006"
attach g2 tap2 $mac2 10.0.0.1,2001:db8::1
clear_log
play cl send 10.0.0.1 4004 1000 "$work/sent.4004"
senders=("$play_pid")
play cl send 2001:db8::1 6006 1000 "$work/sent.6006"
senders+=("$play_pid")
wait_for 5 arrived tap 100
qmp g2 event MIGRATION '{"status": "active"}'
wait_for 5 has_state g2 leaving
wait_for 5 watched tap2
later 200
touch "$work/tap.stop"
later 100
qmp g2 event STOP
wait_for 5 grep -q hold-start "$L3VM_STATE_DIR/events.jsonl"
later 100
announced add
ok "both families are released" wait_for 5 released route
flow_pause
wait_for 5 all_arrived
for port in 4004 6006; do
	like "$(compare "$port" "$work/tap.$port" "$work/new.$port")" \
		'^lost 0 twice [0-9] ' "$port: what QEMU did not take is not lost"
done
ok "it was sent again ($(counted replayed) packets)" [ "$(counted replayed)" -ge 150 ]
flow_end
l3 detach --guest g2
announced del
agent_stop || :
configure "hold-replay = 200ms"
starts "as before"
listened_to g1

# --- a migration that fails ---------------------------------------------------

again
leave
later 200
qmp g1 event RESUME
ok "it runs on here" comes_to g1 live
flow_pause
ok "all of it has arrived" wait_for 5 all_arrived
for port in 4004 6006; do
	like "$(compare "$port" "$work/new.$port" "$work/g1.$port")" \
		'^lost 0 twice 0 ' "$port: none lost, none twice"
done
is "$(notes hold-release reason | sort -u)" aborted "the hold was called off"
is "$(wc -l <"$work/new.4004")" 0 "nothing went elsewhere"
flow_end

# --- its QEMU ends before the fabric knows its new place ----------------------

# Another route of the last rank, which FRR takes for the same: 251 for 250.
stands_in() {
	wait_for 2 has_stand_in -4 && wait_for 2 has_stand_in -6
}

has_stand_in() {
	[[ -n $(ip_ns hv "$1" route show dev l3vm-hold metric 4211082216 proto 76) ]]
}

# what the kernel tells is written to told
is_told() {
	ip_ns hv route replace 192.0.2.99 dev lo
	ip_ns hv route del 192.0.2.99 dev lo
	grep -q 192.0.2.99 "$work/told"
}

stands_not() {
	! has_stand_in -4 && ! has_stand_in -6
}

again
leave
ok "stopped: there is another route to announce" stands_in
ip_ns hv -o monitor route >"$work/told" &
monitor=$!
wait_for 5 is_told
ip_ns hv -6 route del 2001:db8::1 dev tap1 metric 4194305000
ok "the tap's goes: the other is told again" \
	wait_for 5 grep -q '^2001:db8::1 dev l3vm-hold .*metric 4211082216' "$work/told"
kill $monitor
l3 detach --guest g1
ok "the port is gone: it is still there" stands_in
later 200
announced add
ok "until some time after the fabric's route came" wait_for 5 released route
ok "it goes" wait_for 5 stands_not
is "$(l3 reconcile --dry-run)" "" "there is nothing to reconcile"
flow_pause
ok "all of it has arrived" wait_for 5 all_arrived
for port in 4004 6006; do
	like "$(compare "$port" "$work/g1.$port" "$work/new.$port")" '^lost 0 ' \
		"$port: none lost"
done
flow_end
announced del

# --- the agent dies while it keeps packets ------------------------------------

again
leave
later 50
agent_kill
seen=$(wc -l <"$work/g1.4004")
ok "the agent is dead: the tap's route serves again" \
	wait_for 5 arrived g1 $((seen + 50))
starts "it starts again"
listened_to g1
is "$(state_of g1)" leaving "the guest is still leaving"
clear_log
wait_for 5 watched tap1
qmp g1 event STOP
ok "and is held from its stop on" wait_for 5 grep -q hold-start \
	"$L3VM_STATE_DIR/events.jsonl"
announced add
ok "until it is there" wait_for 5 released route
flow_pause
flow_end
l3 detach --guest g1
announced del

# --- bounds -------------------------------------------------------------------

agent_stop || :
configure "hold-bytes = 20000"
starts "with room for little"
listened_to g1
again
leave
later 500
flow_pause
announced add
ok "released" wait_for 5 released route
wait_for 5 arrived new 1
ok "no more was kept than there was room for ($(counted kept) packets)" \
	[ $(($(counted kept) * 124)) -le 20000 ]
ok "the rest was dropped ($(counted dropped) packets)" [ "$(counted dropped)" -ge 100 ]
for port in 4004 6006; do
	like "$(compare "$port" "$work/g1.$port" "$work/new.$port")" \
		'^lost [0-9]+ twice [0-9]+ disorder 0$' \
		"$port: what was kept is in order"
done
flow_end
l3 detach --guest g1
announced del

agent_stop || :
configure "hold-time-limit = 500ms"
starts "with little time"
listened_to g1
again
leave
ok "released when its time is over" wait_for 5 released limit
flow_pause
flow_end

agent_stop || :
configure "hold = no"
starts "without hold"
listened_to g1
again
qmp g1 event MIGRATION '{"status": "active"}'
ok "it is leaving" comes_to g1 leaving
nok "there is no device to hold with" ip_ns hv link show l3vm-hold
flow_pause
flow_end

done_testing
