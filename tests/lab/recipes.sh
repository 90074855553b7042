#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # commands that `ok` and its kin run
# recipes.sh - the BIRD and FRR recipes carry each rank to both kinds of router
#
# No guest and none of our programs: routes as l3vm installs them, by ip(8). hv1
# runs BIRD, hv2 FRR, so each router sees both kinds of neighbour.
# timeout: 180
set -euo pipefail
. "$(dirname "$0")/common.sh"

OF4=10.0.0.77/32 OF6=2001:db8::77/128

# The rank as a router tells it: the AS path, and what comes with the last rank
path_at_tor()
{
	local text
	text=$(bgp_path tor "$router" "$1")
	case $router in
	bird)
		sed -n 's/.*BGP.as_path: //p' <<<"$text" | head -n 1
		grep -o '(65535,0)' <<<"$text" || true
		sed -n -e 's/.*BGP.local_pref: 0$/local-pref 0/p' \
			-e 's/.*BGP.med: 1000$/med 1000/p' <<<"$text"
		;;
	frr)
		sed -n 's/^  \(65[0-9 ]*\)\(, (.*\)\?$/\1/p' <<<"$text" | head -n 1
		grep -o 'graceful-shutdown' <<<"$text" | sed 's/.*/(65535,0)/' || true
		grep -o 'localpref 0,' <<<"$text" | sed 's/.*/local-pref 0/' || true
		grep -o 'metric 1000' <<<"$text" | sed 's/metric/med/' || true
		;;
	esac | sort
}

is_path()
{
	[[ $(path_at_tor "$1") == "$2" ]]
}

announced_as()
{
	wait_until 10 is_path "$1" "$2" || { bgp_path tor "$router" "$1"; return 1; }
}

ranks_of()
{
	local node=$1 asn=$2 prefix
	local last="$asn $asn $asn $asn"
	for prefix in "$OF4" "$OF6" 10.0.7.0/24 2001:db8:7::/64; do
		route_add "$node" "$prefix" $PREFERRED
		ok "$node, $router: $prefix, preferred: the path as it is" \
			announced_as "$prefix" "$asn"
		route_add "$node" "$prefix" $NORMAL
		route_del "$node" "$prefix" $PREFERRED
		ok "$node, $router: $prefix, normal: own AS prepended once" \
			announced_as "$prefix" "$asn $asn"
		route_add "$node" "$prefix" $LAST
		route_del "$node" "$prefix" $NORMAL
		ok "$node, $router: $prefix, last: GRACEFUL_SHUTDOWN, 3 x AS, MED" \
			announced_as "$prefix" \
			"$(printf '%s\n' "$last" '(65535,0)' 'local-pref 0' 'med 1000' |
				sort)"
		route_del "$node" "$prefix" $LAST
		ok "$node, $router: $prefix, deleted: withdrawn" \
			none_routed tor "$prefix"
	done
}

# What is not a guest's route of ours must not get out. A route that does,
# added last, tells when the daemon has seen the others.
nothing_else_of()
{
	local node=$1
	# FRR cannot tell by protocol number whose route it is, only by metric.
	[[ $node == hv2 ]] || on "$node" ip route add 10.0.0.81/32 dev guest0 \
		proto static metric $NORMAL
	on "$node" ip route add 10.0.0.82/32 dev guest0 proto 76 metric 7
	on "$node" ip route add 172.16.0.1/32 dev guest0 proto 76 metric $NORMAL
	on "$node" ip route add unreachable 10.0.0.0/16 proto 76 metric $LAST
	on "$node" ip -6 route add unreachable 2001:db8::/40 proto 76 metric $LAST
	for prefix in "$OF4" "$OF6"; do
		route_add "$node" "$prefix" $NORMAL
	done
	all_routed tor via "$OF4" "$OF6" || true
	is "$(on tor ip route show root 10.0.0.0/8
		on tor ip route show root 172.16.0.0/12
		on tor ip -6 route show root 2001:db8::/36)" \
		"$(route_of tor "$OF4"
		route_of tor "$OF6")" \
		"$node, $router: nothing but guests' routes of ours is announced"
	for prefix in "$OF4" "$OF6"; do
		route_del "$node" "$prefix" $NORMAL
	done
	on "$node" ip route del unreachable 10.0.0.0/16 proto 76
	on "$node" ip -6 route del unreachable 2001:db8::/40 proto 76
	on "$node" ip route flush root 172.16.0.0/12
	[[ $node == hv2 ]] || on "$node" ip route del 10.0.0.81/32
	on "$node" ip route del 10.0.0.82/32
	none_routed tor "$OF4" "$OF6" || true
}

# A guest moves from $1 to $2: every step must lead the router, and in the end
# the source itself, to where the guest is.
move()
{
	local from=$1 to=$2 prefix
	for prefix in "$OF4" "$OF6"; do
		route_add "$from" "$prefix" $NORMAL
	done
	ok "$router: a guest on $from" all_routed tor "dev $from" "$OF4" "$OF6"
	ok "$router: $to knows the way to it" all_routed "$to" "dev up0" "$OF4" "$OF6"
	for prefix in "$OF4" "$OF6"; do
		route_add "$to" "$prefix" $PREFERRED
	done
	ok "$router: it arrives on $to: the router prefers that" \
		all_routed tor "dev $to" "$OF4" "$OF6"
	rank_change "$from" $NORMAL $LAST
	ok "$router: $from, leaving, turns to $to by itself" \
		all_routed "$from" "dev up0" "$OF4" "$OF6"
	for prefix in "$OF4" "$OF6"; do
		route_del "$from" "$prefix" $LAST
	done
	rank_change "$to" $PREFERRED $NORMAL
	ok "$router: $to, now normal: its path is the only one" \
		announced_as "$OF4" "${asn_of[$to]} ${asn_of[$to]}"
	ok "$router: still so" all_routed tor "dev $to" "$OF4" "$OF6"
	for prefix in "$OF4" "$OF6"; do
		route_del "$to" "$prefix" $NORMAL
	done
	ok "$router: no trace of the move" none_routed tor "$OF4" "$OF6"
}

# Ten times to and fro, as guests move, while 10000 datagrams a second in each family
# go through the router: there must be no moment without a route. Each host can
# deliver at any time; what is lost is lost between the router's two routes.
no_gap()
{
	local i prefix line pids=()
	for prefix in "$OF4" "$OF6"; do
		route_add hv1 "$prefix" $NORMAL
		route_add hv2 "$prefix" $LAST
	done
	all_routed tor "dev hv1" "$OF4" "$OF6"
	for prefix in "$OF4" "$OF6"; do
		on_start cli "$router-${#prefix}.log" "$LAB/peer" udp "${prefix%/*}" 7777 \
			10000 5
		pids+=($!)
	done
	on_start tor $router-monitor.log ip -6 monitor route
	pids+=($!)
	for ((i = 0; i < 10; i++)); do
		for prefix in "$OF4" "$OF6"; do
			route_add hv2 "$prefix" $PREFERRED
		done
		all_routed tor "dev hv2" "$OF4" "$OF6"
		for prefix in "$OF4" "$OF6"; do
			route_del hv2 "$prefix" $PREFERRED
		done
		all_routed tor "dev hv1" "$OF4" "$OF6"
	done
	ok "$router: the guest has moved to and fro in that time" kill -0 "${pids[@]}"
	kill "${pids[2]}"
	wait "${pids[@]:0:2}"
	like "$(<"$LAB/tor/log/$router-monitor.log")" "${OF6%/*} .*dev hv2" \
		"$router: its routes were watched"
	unlike "$(<"$LAB/tor/log/$router-monitor.log")" "Deleted ${OF6%/*} " \
		"$router: an IPv6 route is replaced, not deleted and added"
	for prefix in "$OF4" "$OF6"; do
		line=$(<"$LAB/cli/log/$router-${#prefix}.log")
		like "$line" ' lost=0 ' "$router: $prefix moved, and no packet was lost"
		route_del hv1 "$prefix" $NORMAL
		route_del hv2 "$prefix" $LAST
	done
	none_routed tor "$OF4" "$OF6" || true
}

declare -A asn_of=([hv1]=65001 [hv2]=65002)
fabric_up hv1 hv2
for node in hv1 hv2; do
	guest_up_at "$node"
done
gcc -O2 -o "$LAB/peer" "$LAB_LIB/peer.c"
daemon_up hv1 bird
daemon_up hv2 frr
for node in hv1 hv2; do
	on_start g${node#hv} peer.log "$LAB/peer" serve 7777
done
for router in bird frr; do
	daemon_up tor $router
	ok "$router as the router has four sessions" \
		wait_until 60 sessions_up tor $router 4
	ok "$router: BFD watches them" wait_until 20 bfd_up tor $router 4
	ok "$router: the hypervisors know the clients' networks" eval '
		all_routed hv1 via 198.51.100.0/24 2001:db8:f000::/64 &&
		all_routed hv2 via 198.51.100.0/24 2001:db8:f000::/64'
	for node in hv1 hv2; do
		ranks_of $node "${asn_of[$node]}"
		nothing_else_of $node
	done
	move hv1 hv2
	move hv2 hv1
	no_gap
	daemon_down tor $router
done
lab_done_testing
