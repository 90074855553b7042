#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# agent.sh - evidence, takeover after a crash, and what is told to a guest
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"

cat >"$L3VM_CONFIG" <<-END
	[l3vm]
	hold-time = 2s
	qmp-sockets = $work/qmp/*.qmp
END
host_add hv
mute_guest g1 tap1 $mac1
mute_guest g2 tap2 $mac2
own=10.0.0.1,2001:db8::1

# --- evidence -----------------------------------------------------------------

starts "the agent starts, and says so"
for kind in rarp=rarp garp4:10.0.0.1=garp reply4:10.0.0.1=garp na:2001:db8::1=na \
	ip4:10.0.0.1=frame ip6:2001:db8::1=frame probe:10.0.0.1=frame; do
	prepare g1 tap1 $mac1 $own
	clear_log
	frame g1 "${kind%=*}"
	ok "${kind%=*}: it has arrived" comes_to g1 arrived
	is "$(routes main)" "10.0.0.1 dev tap1 metric 4
2001:db8::1 dev tap1 metric 4" "${kind%=*}: its routes have the preferred rank"
	is "$(changes g1)" "prepared arrived ${kind#*=}" "${kind%=*}: and why"
	like "$(<"$L3VM_STATE_DIR/events.jsonl")" '"to":"arrived".*"seen":"20' \
		"${kind%=*}: and when the kernel had it"
	ok "${kind%=*}: it is live after hold-time" comes_to g1 live
	is "$(routes main)" "10.0.0.1 dev tap1 metric 5
2001:db8::1 dev tap1 metric 5" "${kind%=*}: at normal rank"
	is "$(changes g1)" "prepared arrived ${kind#*=}
arrived live hold-time" "${kind%=*}: and nothing else"
	l3 detach --guest g1
done

# further evidence is noted, each kind once
prepare g1 tap1 $mac1 $own
clear_log
frame g1 rarp rarp
comes_to g1 arrived
frame g1 garp4:10.0.0.1 na:2001:db8::1 na:2001:db8::1 garp4:10.0.0.1
ok "what comes after is noted" wait_for 5 grep -q '"evidence":"na"' \
	"$L3VM_STATE_DIR/events.jsonl"
is "$(notes evidence evidence)" "garp
na" "each kind once"
l3 detach --guest g1

# tap_is_up: with a carrier, seen from the guest
tap_is_up() {
	in_ns hv grep -q up /sys/class/net/tap1/operstate &&
		in_ns g1 grep -q up /sys/class/net/eth0/operstate
}

# somebody takes the tap down meanwhile
prepare g1 tap1 $mac1 $own
ip_ns hv link set tap1 down
ok "a tap that went down is taken up again" wait_for 5 tap_is_up
frame g1 rarp
ok "and is still watched" comes_to g1 arrived
l3 detach --guest g1

# --- what is no evidence ------------------------------------------------------

attach g2 tap2 $mac2 10.0.0.2,2001:db8::2
prepare g1 tap1 $mac1 $own
clear_log
# a guest elsewhere, with everything that is g1's
in_ns g2 "$L3VM_SRC/tests/netns/agent.py" frame eth0 $mac1 rarp garp4:10.0.0.1 \
	reply4:10.0.0.1 na:2001:db8::1 ip4:10.0.0.1 ip6:2001:db8::1
frame g2 rarp garp4:10.0.0.1 na:2001:db8::1 ip4:10.0.0.1
# on g1's own tap, but from another MAC, or for another's address
in_ns g1 "$L3VM_SRC/tests/netns/agent.py" frame eth0 $mac2 rarp garp4:10.0.0.1 \
	na:2001:db8::1 ip4:10.0.0.1
frame g1 garp4:10.0.0.2 reply4:10.0.0.2 na:2001:db8::2 ip4:10.0.0.2 ip6:2001:db8::2
# the first that counts is behind them in the same queue
frame g1 probe:10.0.0.1
ok "hostile frames: the guest comes after them" comes_to g1 arrived
is "$(changes g1)" "prepared arrived frame" "and none of them was taken for it"
is "$(changes g2)" "" "nor did they change the other guest"
l3 detach --guest g1
l3 detach --guest g2

# a monitor of its own
qemu_start g1
listened_to g1
prepare g1 tap1 $mac1 $own
clear_log
qmp g1 event RESUME
ok "QEMU says that it runs: it has arrived" comes_to g1 arrived
is "$(changes g1)" "prepared arrived qmp-resume" "by its monitor"
ok "it is live" comes_to g1 live
qmp g1 event STOP
qmp g1 event RESUME
qmp g1 event MIGRATION '{"status": "setup"}'
ok "a migration away begins" comes_to g1 leaving
is "$(changes g1 | tail -n 1)" "live leaving qmp-migration" \
	"a pause before it was not taken for one"
qmp g1 event MIGRATION '{"status": "cancelled"}'
ok "it is cancelled" comes_to g1 live
clear_log
echo 'event MIGRATION {"status": "setup"}
event MIGRATION {"status": "cancelled"}' >"$work/g1.control"
ok "another one is cancelled in the same breath" wait_for 5 eval \
	'[ "$(changes g1)" = "live leaving qmp-migration
leaving live qmp-migration" ]'
qemu_end g1

# --- the agent is killed and starts again, in each state ----------------------

# restart NAME
restart() {
	agent_kill
	starts "$1"
}

l3 detach --guest g1
attach g1 tap1 $mac1 $own --prepared
restart "prepared: killed, and there again"
wait_for 5 watched tap1
frame g1 rarp
ok "prepared: a frame is evidence" comes_to g1 arrived
restart "arrived: killed, and there again"
ok "arrived: it is live after hold-time" comes_to g1 live
agent_kill
l3 detach --guest g1
attach g1 tap1 $mac1 $own --prepared
l3 migrate-notify g1
starts "arrived before the agent: it starts"
ok "arrived before the agent: it is live after hold-time" comes_to g1 live
restart "live: killed, and there again"
qemu_start g1
l3 migrate-notify g1 --phase leaving
restart "leaving: killed, and there again"
listened_to g1
qmp g1 event STOP
ok "leaving: its packets are kept from the stop on" wait_for 5 \
	grep -q '"event":"hold-start"' "$L3VM_STATE_DIR/events.jsonl"
qmp g1 event RESUME
ok "leaving: it stays" comes_to g1 live
agent_kill
qmp g1 migration '{"status": "active", "ram": {}}'
starts "a migration that began without us: the agent starts"
ok "and learns of it" comes_to g1 leaving
agent_kill
qmp g1 migration '{"status": "failed"}'
starts "and one that failed: the agent starts"
ok "and learns of that" comes_to g1 live
qemu_end g1

# --- the last resort ----------------------------------------------------------

agent_stop
l3 detach --guest g1
sed -i 's/hold-time.*/&\narrival-timeout = 300ms/' "$L3VM_CONFIG"
qemu_start g2
qmp g2 status inmigrate
agent_start
listened_to g2
attach g2 tap2 $mac2 10.0.0.2 --prepared
attach g1 tap1 $mac1 $own --prepared
ok "arrival-timeout: whom nobody knows has arrived" comes_to g1 arrived
is "$(changes g1 | tail -n 1)" "prepared arrived timeout" "for want of evidence"
ok "whom QEMU knows has not" has_state g2 prepared
qemu_end g2
l3 detach --guest g1
l3 detach --guest g2
agent_stop
sed -i '/arrival-timeout/d' "$L3VM_CONFIG"

# --- the guest is told its gateway --------------------------------------------

cat >>"$L3VM_CONFIG" <<-END
	[network told]
	announce-gateway = yes
	gateway-mac = 02:00:00:00:00:99
	[network lan]
	mode = bridge
	bridge = br-lan
	gateway4 = 10.9.0.254
	announce-gateway = yes
END
agent_start

# told NAME COUNT: it heard so many messages
told() {
	[ "$(grep -c "$2" "$work/heard.$1" || :)" -ge "$3" ]
}

# listen NAME
listen() {
	rm -f "$work/heard.$1"
	play "$1" gateways eth0 "$work/heard.$1"
	wait_for 5 grep -q listening "$work/heard.$1"
}

prepare g1 tap1 $mac1 $own --network told
listen g1
frame g1 rarp
ok "announce-gateway: the guest hears of IPv6's gateway four times" \
	wait_for 8 told g1 'na fe80::1 02:00:00:00:00:99' 4
is "$(sed 's/^[0-9.]* //' "$work/heard.g1" | sort | uniq -c |
	sed 's/^ *//')" "1 listening
4 na fe80::1 02:00:00:00:00:99
4 reply 169.254.0.1 02:00:00:00:00:99
4 request 169.254.0.1 02:00:00:00:00:99" "and of IPv4's in both forms"
like "$(awk '$2 == "na" { if (last) printf " %.1f", $1 - last; last = $1 }' \
	"$work/heard.g1")" '^ 0\.[1-9] [0-9]\.[0-9] [1-9]\.[0-9]$' \
	"ever more seldom"
l3 detach --guest g1
prepare g1 tap1 $mac1 $own --network told
listen g1
frame g1 rarp
wait_for 5 told g1 na 1
l3 migrate-notify g1 --phase leaving
heard=$(grep -c na "$work/heard.g1")
ip_ns g1 link show eth0 >/dev/null
listen_end=$(($(tap_now) + 1500))
wait_for 2 eval "[ \$(tap_now) -gt $listen_end ]"
ok "no word after it has begun to leave" [ "$(grep -c na "$work/heard.g1")" -le \
	$((heard + 1)) ]
l3 detach --guest g1
prepare g1 tap1 $mac1 $own
listen g1
frame g1 rarp
comes_to g1 live
is "$(grep -vc listening "$work/heard.g1" || :)" 0 "none where it is not asked for"
l3 detach --guest g1

attach g2 tap2 $mac2 10.9.0.2 --network lan
listen g2
prepare g1 tap1 $mac1 10.9.0.1 --network lan
listen g1
frame g1 rarp
ok "in bridge mode the guest is told" wait_for 8 told g1 \
	'request 10.9.0.254 02:6c:33:76:6d:01' 4
ok "and its sibling" told g2 'request 10.9.0.254' 3
l3 detach --guest g1
l3 detach --guest g2

if agent_stop; then pass "it ends when it is told to"; else fail "it ends"; fi
is "$(grep -vE 'reconciled:|QMP monitor' "$work/agent.err" || :)" "" \
	"without a complaint"
done_testing
