#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# hostile.sh - guests and networks that never stop: floods, claims to be the gateway,
# scans; what they cost the host, its agent and other guests
#
# Figures of time are told, and judged generously: they are the machine's. Short and
# slow by default; FLOOD_SECONDS, FLOOD_RATE (frames a second and guest), DAD_ROUNDS and
# SCAN ask for more.
# timeout: 400
# shellcheck disable=SC2317 # functions are called by ok and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
need nft
seconds=${FLOOD_SECONDS:-5} rate=${FLOOD_RATE:-5000} rounds=${DAD_ROUNDS:-5}
scan=${SCAN:-100000}

cat >"$L3VM_CONFIG" <<-'END'
	[network default]
	allow = 10.0.0.0/8 2001:db8::/32
	cover = unreachable

	[network lan]
	mode = bridge
	bridge = br-lan
	gateway4 = 169.254.0.1
END
host_add hv
client_add

# hostile NAMESPACE COMMAND...
hostile() {
	in_ns "$1" "$L3VM_SRC/tests/netns/hostile.py" "${@:2}"
}

# learned DEVICE...: neighbours that the host has not been given
learned() {
	local device
	for device; do
		ip_ns hv neigh show dev "$device"
	done | grep -cv PERMANENT || :
}

# --- floods -------------------------------------------------------------------------

# Four that flood, of which the fourth is waited for: what it sends is looked at.
for n in 1 2 3 4; do
	mute_guest h$n tap$n 52:54:00:00:00:0$n
	more=()
	[ $n != 2 ] || more=(--network lan)
	[ $n != 4 ] || more=(--prepared)
	attach h$n tap$n 52:54:00:00:00:0$n "10.0.0.$n,2001:db8::$n" \
		--prefix "10.$n.0.0/16,2001:db8:$n::/64" "${more[@]}"
done
mute_guest late tap5 52:54:00:00:00:05
guest_add served tap6 52:54:00:00:00:06
guest_config served 10.0.0.6 2001:db8::6
attach served tap6 52:54:00:00:00:06 10.0.0.6,2001:db8::6
for ((i = 1; i <= 100; i++)); do
	echo "addr add 192.0.2.$((100 + i))/24 dev eth0"
	printf 'addr add 2001:db8:c::1:%x/64 dev eth0 nodad\n' $i
done | ip -n "${netns_name[cl]}" -batch -
starts "the agent starts"
wait_for 5 watched tap4
pings served 192.0.2.2

# round_trips COUNT: of a guest nobody is angry with; how many, average in ms
round_trips() {
	in_ns served ping -n -q -i 0.02 -c "$1" -W 1 192.0.2.2 |
		sed -n 's/.* \([0-9]*\) received.*/\1/p; s,^rtt [^=]*= [^/]*/\([^/]*\)/.*,\1,p' |
		xargs
}

# resolved: the neighbours of a hundred of each family on the uplink
resolved() {
	ip_ns hv neigh show dev up0 |
		grep -cE '^(192\.0\.2\.(1..|200)|2001:db8:c::1:[0-9a-f]+) .*lladdr'
}

# unread TAP: bytes in the agent's socket there
unread() {
	in_ns hv awk -v wanted="$(in_ns hv cat "/sys/class/net/$1/ifindex")" \
		'$5 == wanted { print $7 }' /proc/net/packet
}

# arrive: the guest that is waited for
arrive() {
	prepare late tap5 52:54:00:00:00:05 10.0.0.5,2001:db8::5
	frame late rarp
	comes_to late arrived
	l3 detach --guest late
}

before_trips=$(round_trips 50)
clear_log
memory=$(agent_memory) time=$(agent_time) from=$(tap_now) flooders=()
for n in 1 2 3 4; do
	kind=mix
	[ $n != 4 ] || kind=garbage
	hostile h$n flood 52:54:00:00:00:0$n $n $kind "$rate" "$seconds" >"$work/flood$n" &
	flooders+=($!)
done
round_trips $((seconds * 40)) >"$work/trips" &
pinger=$!
hostile hv greet 192.0.2.101 100
hostile hv greet 2001:db8:c::1:1 100
ok "in a flood the host finds a hundred new neighbours on its uplink, of each family" \
	wait_for 3 eval '[ "$(resolved)" = 200 ]'
ok "garbage of the one it waits for is left unread by the agent, but for some" \
	wait_for 3 eval '[ "$(unread tap4)" -gt 50000 ]'
for ((i = 0; i < 5; i++)); do
	arrive
done
wait "${flooders[@]}" "$pinger"
cost=$((($(agent_time) - time) * 1000 / ($(tap_now) - from)))
memory=$(($(agent_memory) - memory))
diag "frames a second of each:" "$(cat "$work"/flood?)"
diag "agent: $cost ms of processor time a second, $memory KiB more"
diag "arrivals in ms, from the frame to the routes: $(delays \
	"$L3VM_STATE_DIR/events.jsonl" | xargs)"
diag "round trips, how many and ms: before $before_trips, during $(cat "$work/trips")"
like "$((cost <= 100))" 1 "the agent takes at most a tenth of a processor"
# AddressSanitizer keeps what was freed for a while
! grep -qa __asan_init "$L3VM_BUILD/l3vm-agent" || memory=$((memory / 16))
like "$((memory <= 1024))" 1 "and at most 1 MiB more memory"
like "$(delays "$L3VM_STATE_DIR/events.jsonl" | sort -n | sed -n 3p)" '^[0-9]{1,2}\.' \
	"guests arrive: five, the median within 100 ms"
is "$(cut -d ' ' -f 1 "$work/trips")" $((seconds * 40)) "no other guest's packet is lost"
is "$(state_of h4)" prepared "garbage is no evidence of an arrival"
# a burst of ten and two a second, of ARP and of discovery, from each guest's prefixes;
# and what each says of its own link-local address
diag "neighbours of taps: $(learned tap1 tap3 tap4 br-lan)"
like "$(($(learned tap1 tap3 tap4 br-lan) <= 4 * 2 * (11 + 2 * (seconds + 2))))" 1 \
	"they are few neighbours to the host"
agent_stop
is "$(grep -v -e 'QMP monitor' "$work/agent.err" || :)" "" "the agent has no complaint"

# without the guard they are many: a few hundred frames suffice to see it
for family in inet arp bridge; do
	in_ns hv nft delete table $family l3vm
done
in_ns hv sysctl -qw net.ipv4.conf.tap1.rp_filter=0
hostile h1 flood 52:54:00:00:00:01 1 mix 400 1 >/dev/null
like "$(($(learned tap1) >= 100))" 1 "(without the guard they are many)"
l3 reconcile >/dev/null
ip_ns hv neigh flush dev tap1

# --- whose is the gateway ---------------------------------------------------------------

# gateways GUEST: where it finds the gateway's addresses and whether they serve
gateways() {
	ip_ns "$1" neigh flush dev eth0
	pings "$1" 192.0.2.2 2001:db8:c::2 169.254.0.1 fe80::1%eth0 >&2 || return 0
	ip_ns "$1" neigh show dev eth0 |
		sed -n 's/^\(169.254.0.1\|fe80::1\) lladdr \([^ ]*\).*/\1 \2/p' | sort
}

# between a detach and the next attach it is the name that keeps a tap closed
mkdir "$work/site"
echo 'redefine closed = { "tap*" }' >"$work/site/names.nft"
sed "s|/etc/l3vm/guard.d|$work/site|" "$L3VM_BUILD/libl3vm/guard/l3vm-guard.nft" \
	>"$work/rules.nft"
in_ns hv nft -f "$work/rules.nft"

theirs="169.254.0.1 $gateway_mac
fe80::1 $gateway_mac"
guest_add peer tap7 52:54:00:00:00:07
guest_config peer 10.0.0.7 2001:db8::7

# exposed: the bridge's guests are as on any bridge
exposed() {
	in_ns hv nft delete table bridge l3vm
	for n in 1 7; do
		in_ns hv bridge link set dev tap$n isolated off learning on flood on
	done
	wait_for 5 eval '[[ $(gateways peer 2>&1) != "$theirs" ]]'
}

# usurped NETWORK DEVICE: the attacker h1 and its sibling are there
usurped() {
	local round bad=0 network=$1 device=$2
	l3 detach --guest h1
	attach h1 tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1 --network "$network"
	attach peer tap7 52:54:00:00:00:07 10.0.0.7,2001:db8::7 --network "$network"
	ip netns exec "${netns_name[h1]}" "$L3VM_SRC/tests/netns/hostile.py" claim \
		52:54:00:00:00:01 >"$work/claims" &
	claimer=$!
	wait_for 5 grep -q ready "$work/claims"
	for ((round = 0; round < rounds; round++)); do
		[ "$(gateways peer 2>&1)" = "$theirs" ] || bad=$((bad + 1))
		# its addresses are made anew, while somebody says that they are taken
		l3 detach --guest h1
		attach h1 tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1 --network "$network"
		! ip_ns hv addr show dev "$device" | grep -qE 'dadfailed|tentative' ||
			bad=$((bad + 1))
	done
	is "$bad" 0 "$network: a guest that claims to be the gateway is it never, $rounds times"
	is "$(ip_ns hv neigh show to 169.254.0.1; ip_ns hv neigh show to fe80::1)" "" \
		"$network: not to the host either"
	[ "$network" != lan ] || ok "(without guard and isolation it is)" exposed
	kill "$claimer"
	wait "$claimer" 2>/dev/null || :
	l3 detach --guest peer
}

usurped default tap1
usurped lan br-lan

# --- scans from the network ---------------------------------------------------------------

# incomplete: neighbours that the host looks for, on all interfaces but the uplink
incomplete() {
	ip_ns hv neigh show | grep -v ' dev up0 ' | grep -cE 'INCOMPLETE|FAILED' || :
}

host_mac=$(ip_ns hv -br link show up0 | awk '{ print $3 }')
for source in 192.0.2.2 2001:db8:c::2; do
	before=$(incomplete)
	hostile cl scan $source "$host_mac" "$scan"
	like "$(($(incomplete) - before <= 10))" 1 \
		"a scan of $scan addresses from $source makes the host look for nobody"
done
# what a subnet on a bridge does
ip_ns hv addr add 10.16.255.254/16 dev br-lan
before=$(incomplete)
hostile cl scan 192.0.2.2 "$host_mac" 200
like "$(($(incomplete) - before >= 100))" 1 \
	"(with the pool as a subnet of the bridge they are many)"

done_testing
