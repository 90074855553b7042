#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# neighbour.sh - guests as neighbours on the uplink: what is said, what is answered,
# and when there is silence
# shellcheck disable=SC2317 # functions are called by ok and others
# timeout: 120
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
need tcpdump

cat >"$L3VM_CONFIG" <<-'END'
	[announcer neighbour]
	uplinks = up0
	refresh = 10s
	[network default]
	announce = neighbour
END
host_add hv
add_ns tor
up_mac=02:00:00:00:01:01 tor_mac=02:00:00:00:01:02
ip -n "${netns_name[hv]}" link add up0 address $up_mac type veth \
	peer name down0 address $tor_mac netns "${netns_name[tor]}"
ip_ns hv link set up0 up
ip_ns tor link set down0 up
ip_ns tor addr add 192.0.2.254/24 dev down0
ip_ns tor addr add 2001:db8:f::1/64 dev down0 nodad
ip_ns hv addr add 192.0.2.1/24 dev up0
ip_ns hv addr add 2001:db8:f::2/64 dev up0 nodad
# a router above that looks for guests on its link
ip_ns tor route add 10.0.0.0/24 dev down0
ip_ns tor route add 2001:db8::/64 dev down0
# what is said unasked is heard
in_ns tor sysctl -qw net.ipv4.conf.down0.arp_accept=1 \
	net.ipv6.conf.down0.accept_untracked_na=1 net.ipv6.conf.all.forwarding=1
guest_add g1 tap1 $mac1
a4=10.0.0.1 a6=2001:db8::1
na='neighbor advertisement'
questions="arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))"

# said_so_often N [CAPTURE]: to all, the two forms of ARP and the advertisement, each
# so often
said_so_often() {
	local line all='> (ff:ff:ff:ff:ff:ff|33:33:00:00:00:01),'
	for line in "Request who-has $a4 tell $a4" "Reply $a4 is-at $up_mac" \
		"$na, tgt is $a6"; do
		[ "$(grep -cE "$all .*$line" "$work/${2-said}")" -eq "$1" ] || return 1
	done
}

said_more_than() {
	[ "$(grep -c "tgt is $a6" "$work/said")" -gt "$1" ]
}

# known: to the router above, at the uplink's MAC, in both families
known() {
	[ "$(ip_ns tor neigh show | grep -cE "^($a4|$a6) .*lladdr $up_mac")" -eq 2 ]
}

forget() {
	ip_ns tor neigh flush dev down0
}

ok_of() {
	l3 status vm1 --json | tr -d ' \n' | grep -o '"announce":\[{[^}]*}\]'
}

# --- without the agent ----------------------------------------------------------------

attach vm1 tap1 $mac1 $a4,$a6 --prepared
l3 migrate-notify vm1
like "$(ok_of)" '"ok":false.*l3vm-agent,whichannouncesit,doesnotrun' \
	"without the agent status says that nobody announces"
l3 detach --guest vm1

# --- a guest comes ---------------------------------------------------------------------

starts "the agent"
capture_start tor down0 said "$questions and ether src $up_mac"
ip_ns g1 link set eth0 down # it does not run here yet
attach vm1 tap1 $mac1 $a4,$a6 --prepared
nok "a guest that is awaited is not answered for" \
	in_ns tor ping -n -q -c 1 -W 1 $a4
ip_ns g1 link set eth0 up
guest_config g1 $a4 $a6 2>/dev/null
forget
l3 migrate-notify vm1
ok "it arrives: the router above knows it, unasked" wait_for 2 known
ok "it is told four times, in both forms" wait_for 6 said_so_often 4
is "$(ok_of)" '"announce":[{"announcer":"neighbour","ok":true}]' \
	"status says that it is announced"
ok "it is said again from time to time" wait_for 12 said_so_often 5

# --- questions --------------------------------------------------------------------------

forget
ok "whoever asks is answered: IPv4" in_ns tor ping -n -q -c 1 -W 2 $a4
ok "IPv6" in_ns tor ping -n -q -c 1 -W 2 $a6
ok "by the uplink's MAC" known
# asked by unicast, as a cache does that is about to forget
ip_ns tor neigh replace $a4 dev down0 lladdr $up_mac nud probe
ip_ns tor neigh replace $a6 dev down0 lladdr $up_mac nud probe
sure() {
	[ "$(ip_ns tor neigh show | grep -cE "^($a4|$a6) .*REACHABLE")" -eq 2 ]
}
ok "who asks us alone is answered, too" wait_for 5 sure
for other in 10.0.0.9 2001:db8::9; do
	nok "of $other, which is nobody's, nothing is said" \
		in_ns tor ping -n -q -c 1 -W 1 $other
done
in_ns tor sysctl -qw net.ipv6.conf.down0.accept_dad=1 net.ipv6.conf.down0.dad_transmits=1
ip_ns tor addr add $a6/128 dev down0
duplicate() {
	ip_ns tor addr show dev down0 | grep -q "$a6/128 .*dadfailed"
}
ok "who wants the guest's address for himself learns that it is taken" \
	wait_for 5 duplicate
ip_ns tor addr del $a6/128 dev down0

# --- again ------------------------------------------------------------------------------

count=$(grep -c "tgt is $a6" "$work/said")
l3 announce vm1
ok "l3vm announce: it is said again" wait_for 2 said_more_than "$count"
ip_ns hv link set up0 down
forget
ip_ns hv link set up0 up
ok "the uplink was down: it is said again" wait_for 5 known
up_mac=02:00:00:00:01:03
ip_ns hv link set up0 address $up_mac
ok "the uplink has another MAC: it is said again" wait_for 5 known
agent_kill
forget
capture_start tor down0 said2 "$questions and ether src $up_mac"
starts "the agent, after it was killed"
ok "it is said again" wait_for 5 known
ok "as often as of one that comes" wait_for 6 said_so_often 4 said2

# --- a guest goes -----------------------------------------------------------------------

capture_start tor down0 said3 "$questions and ether src $up_mac"
l3 migrate-notify vm1 --phase leaving
forget
ok "a guest that leaves is still answered for" in_ns tor ping -n -q -c 1 -W 2 $a4
l3 migrate-notify vm1 --phase left
forget
for address in $a4 $a6; do
	nok "one that has gone is not: $address" in_ns tor ping -n -q -c 1 -W 1 $address
done
unlike "$(cat "$work/said3")" "> ff:ff:ff:ff:ff:ff,.*$a4|> 33:33:00:00:00:01," \
	"and nothing was said of it unasked"

# --- a record is ahead of the kernel ------------------------------------------------------

# Whoever tells that vm2 is here dies when that is on record and nothing else is done.
tap_add tap2
attach vm2 tap2 52:54:00:00:00:02 10.0.0.2,2001:db8::2 --prepared
capture_start tor down0 said4 "$questions and ether src $up_mac"
for ((n = 0; n < 100; n++)); do
	in_ns hv "$L3VM_BUILD/tests/crash/dies-before" $n "$work/changes" \
		"$L3VM_BUILD/l3vm" migrate-notify vm2 2>/dev/null || :
	[ "$(state_of vm2)" != arrived ] || break
done
is "$(routes main | grep tap2)" "" "an arrival is on record, and its routes are not there"
tap_add tap3
attach vm3 tap3 52:54:00:00:00:03 10.0.0.3,2001:db8::3
said_of() {
	grep -qE "tgt is 2001:db8::$1," "$work/said4"
}
wait_for 5 said_of 3
# the agent may have put it right by now
in_vain() {
	said_of 2 && [[ $(routes main) != *tap2* ]]
}
nok "so the guest is not announced" in_vain
l3 reconcile >/dev/null
ok "but when they are" wait_for 5 said_of 2
agent_stop
done_testing
