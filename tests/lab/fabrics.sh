#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # commands that `ok` and its kin run
# fabrics.sh - the fabrics of examples/fabrics, each with BIRD and with FRR: ranks,
# moves that lose nothing, a router that dies, and a live migration between racks
# timeout: 300
set -euo pipefail
. "$(dirname "$0")/common.sh"

OF4=10.0.0.77/32 OF6=2001:db8::77/128	# a guest without l3vm, at both hosts
A4=10.0.0.5 A6=2001:db8::5		# one that migrates
ROUTERS=(spine tor1 tor2)
RATE=5000				# datagrams a second and family, in a move
FABRICS=${L3VM_FABRICS:-two-tors reflector racks}
DAEMONS=${L3VM_DAEMONS:-bird frr}

# Of the fabric at hand: the number of sessions a router of a rack and a hypervisor
# have, and of the spine.
declare -A sessions
shape()
{
	no_uplinks
	case $1 in
	racks)
		one_uplink
		sessions=([spine]=4 [tor1]=4 [tor2]=4 [hv1]=2 [hv2]=2)
		;;
	*)
		two_uplinks
		sessions=([spine]=4 [tor1]=6 [tor2]=6 [hv1]=4 [hv2]=4)
		;;
	esac
}

# --- where a guest's routes lead ---------------------------------------------

# devs_of NODE PREFIX - the interfaces of the best route for it, in one line
devs_of()
{
	route_of "$1" "$2" | awk '
		NR > 1 && !/^[ \t]/ { exit }
		{ for (i = 1; i < NF; i++) if ($i == "dev") print $(i + 1) }' |
		sort | tr '\n' ' '
}

# way NODE HOST - what they must be when HOST has the guest
way()
{
	case $fabric/$1 in
	*/"$2") echo "guest0 " ;;
	*/hv*) [[ $fabric == racks ]] && echo "up0 " || echo "up0 up1 " ;;
	racks/spine) echo "tor${2#hv} " ;;
	*/spine) echo "tor1 tor2 " ;;
	racks/tor"${2#hv}") echo "$2 " ;;
	racks/*) echo "spine " ;;
	*) echo "$2 " ;;
	esac
}

# leads_to HOST NODE... - on all of these
leads_to()
{
	local host=$1 node prefix
	shift
	for node; do
		for prefix in "$OF4" "$OF6"; do
			[[ $(devs_of "$node" "$prefix") == "$(way "$node" "$host")" ]] ||
				return 1
		done
	done
}

# led_to HOST NODE... - in time; all of it, if not
led_to()
{
	local node prefix
	wait_until 10 leads_to "$@" && return
	for node in "${ROUTERS[@]}" hv1 hv2; do
		for prefix in "$OF4" "$OF6"; do
			echo "$node $prefix: \"$(devs_of "$node" "$prefix")\", for $1" \
				"\"$(way "$node" "$1")\""
			bgp_path "$node" "$daemon" "$prefix"
		done
	done
	return 1
}

echoes_of()
{
	on "g${1#hv}" nstat -asz IcmpInEchos Icmp6InEchos | awk '{ print $2 }'
}

# answers_at HOST NODE - it is there that a ping from this node arrives
answers_at()
{
	local before
	before=$(echoes_of "$1")
	on "$2" ping -c 1 -W 2 "${OF4%/*}"
	on "$2" ping -c 1 -W 2 "${OF6%/*}"
	[[ $(echoes_of "$1") != "$before" ]]
}

routes()
{
	local verb=$1 prefix
	shift
	for prefix in "$OF4" "$OF6"; do
		"route_$verb" "$1" "$prefix" "$2"
	done
}

# --- the points --------------------------------------------------------------

# ranks HOST OTHER - whatever the other's rank is, the better one wins everywhere
ranks()
{
	local host=$1 other=$2 it="$fabric, $daemon: $1"
	routes add "$other" "$NORMAL"
	led_to "$other" "${ROUTERS[@]}" "$host" >/dev/null || true
	routes add "$host" "$PREFERRED"
	ok "$it, preferred, beats $other, normal" led_to "$host" "${ROUTERS[@]}" "$host"
	ok "$it: the client's packets arrive there" answers_at "$host" cli
	rank_change "$other" "$NORMAL" "$LAST"
	ok "$it, preferred, beats last, for $other too" led_to "$host" "${ROUTERS[@]}" hv1 hv2
	ok "$it: what is late at $other arrives there" answers_at "$host" "$other"
	rank_change "$host" "$PREFERRED" "$NORMAL"
	routes del "$host" "$NORMAL"
	ok "$it gone: $other, last, serves" led_to "$other" "${ROUTERS[@]}" hv1 hv2
	routes add "$host" "$NORMAL"
	ok "$it, normal, beats last, for $other too" led_to "$host" "${ROUTERS[@]}" hv1 hv2
	ok "$it: the client's packets arrive" answers_at "$host" cli
	routes del "$other" "$LAST"
	routes del "$host" "$NORMAL"
	ok "$it gone, too: no route anywhere" gone_everywhere
}

gone_everywhere()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		none_routed "$node" "$OF4" "$OF6" || return
	done
}

# A packet that no route was for, or that circled until its end, is counted.
strays()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		on "$node" nstat -asz IpInHdrErrors IpExtInNoRoutes Ip6InHdrErrors \
			Ip6InNoRoutes Ip6OutNoRoutes |
			awk -v node="$node" '/^Ip/ { print node, $1, $2 }'
	done
}

# stream_start SECONDS RATE - to the guest, in both families; their ends are in
# streams
stream_start()
{
	local prefix
	streams=() answers=$(answers_so_far)
	for prefix in "$OF4" "$OF6"; do
		: >"$LAB/cli/log/stream${#prefix}.log"
		on_start cli "stream${#prefix}.log" "$LAB/peer" udp "${prefix%/*}" 7777 \
			"$2" "$1"
		streams+=($!)
	done
	wait_until 5 streams_flow
}

answers_so_far()
{
	on cli nstat -asz UdpInDatagrams Udp6InDatagrams | awk '/^Udp/ { n += $2 } END { print n }'
}

streams_flow()
{
	(($(answers_so_far) > answers + 200))
}

stream_line()
{
	cat "$LAB/cli/log/stream${#1}.log"
}

# The guest moves to and fro as long as the streams flow. There is no hold here: a
# guest that answers at both hosts shows what is lost by the routes alone.
moves()
{
	local it="$fabric, $daemon" from=hv1 to=hv2 n=0 prefix before pids=() node
	routes add hv1 "$NORMAL"
	led_to hv1 "${ROUTERS[@]}" hv1 hv2 >/dev/null || true
	for node in "${ROUTERS[@]}"; do
		: >"$LAB/$node/log/monitor.log"
		on_start "$node" monitor.log ip -6 monitor route
		pids+=($!)
	done
	before=$(strays)
	stream_start 3 $RATE
	while kill -0 "${streams[@]}" 2>/dev/null; do
		rank_change $from "$NORMAL" "$LAST"
		routes add $to "$PREFERRED"
		led_to $to "${ROUTERS[@]}" hv1 hv2 || break
		rank_change $to "$PREFERRED" "$NORMAL"
		routes del $from "$LAST"
		n=$((n + 1)) from=$to to=hv$((3 - ${to#hv}))
	done
	wait "${streams[@]}" || true
	kill "${pids[@]}"
	ok "$it: the guest moved to and fro ($n times)" test $n -ge 2
	for prefix in "$OF4" "$OF6"; do
		like "$(stream_line "$prefix")" "sent=$((RATE * 3)) .* lost=0 " \
			"$it: $prefix moved, and no packet was lost"
		diag "$(stream_line "$prefix")"
	done
	is "$(strays)" "$before" "$it: no packet met a node without a route, or a loop"
	for node in "${ROUTERS[@]}"; do
		like "$(<"$LAB/$node/log/monitor.log")" "${OF6%/*} .*proto b" \
			"$it: $node was watched"
		unlike "$(<"$LAB/$node/log/monitor.log")" "Deleted ${OF6%/*} " \
			"$it: $node replaces its IPv6 route, never deletes it first"
	done
	routes del $from "$NORMAL"
}

# The router dies that the client's packets go through.
router_dies()
{
	local it="$fabric, $daemon" victim line prefix
	routes add hv1 "$NORMAL"
	led_to hv1 "${ROUTERS[@]}" hv1 hv2 >/dev/null || true
	victim=$(on spine ip route get "${OF4%/*}" from 198.51.100.2 iif cli0 |
		sed -n 's/.* dev \(tor[12]\) .*/\1/p')
	stream_start 3 1000
	on "$victim" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
	daemon_signal "$victim" "$daemon" STOP
	wait "${streams[@]}" || true
	for prefix in "$OF4" "$OF6"; do
		line=$(stream_line "$prefix")
		diag "$line"
		ok "$it: $prefix is back in 1.5 s after ${victim-?} died" \
			between "$(move_figure gap_ms "$line ")" 0 1500
	done
	ok "$it: it had gone through ${victim-?}" \
		between "$(move_figure gap_ms "$(stream_line "$OF4") ")" 100 1500
	is "$(devs_of spine $OF4)$(devs_of spine $OF6)" \
		"tor$((3 - ${victim#tor})) tor$((3 - ${victim#tor})) " \
		"$it: the spine has the other one alone"
	on "$victim" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	routes del hv1 "$NORMAL"
}

between()
{
	((${1%.*} >= $2 && ${1%.*} <= $3)) || { echo "$1"; return 1; }
}

# migrates FROM TO - with agents, so that nothing may be lost
migrates()
{
	local it="$fabric, $daemon: $1 to $2" line
	move_streams "$A4" "$A6" 5
	wait_until 5 test -e "/proc/${NODE_PID[cli/udp6]}"
	ok "$it: a live migration" move vm1 "$1" "$2"
	move_count
	while read -r line; do
		is "$(move_figure lost "$line")" 0 "$it: ${line%% *} lost nothing"
	done <<<"$MOVE_COUNT"
	diag "$(printf '%s\npause %s ms' "$MOVE_COUNT" "$(move_pause "$1" "$2")")"
	unlike "$MOVE_COUNT" broke "$it: no connection broke"
	ok "$it: the spine sends it there" all_routed spine "dev tor${2#hv}" "$A4" "$A6"
	ok "$it: so does the router of $1" all_routed "tor${1#hv}" "dev spine" "$A4" "$A6"
}

live()
{
	local it="$fabric, $daemon"
	[[ $(on hv1 virsh domstate vm1 2>&1) == running* ]] || {
		guest_define hv1 vm1 \
			"mac=52:54:00:00:00:05,dev=tapvm1,address=$A4,address=$A6"
		ok "a guest starts" on hv1 virsh start vm1
		ok "it boots" wait_until 60 guest_up vm1
	}
	ok "$it: the client reaches it" reach "$A4" "$A6"
	ok "$it: and what streams end at" wait_until 20 stream_end_there
	migrates hv1 hv2
	migrates hv2 hv1
}

stream_end_there()
{
	[[ $(connect "$A4" 7777) == hello ]]
}

agents_up()
{
	local node
	for node in hv1 hv2; do
		hypervisor_up $node
		sed -i '1i [l3vm]\nhold-time = 2s\n' "$LAB/$node/etc/l3vm/l3vm.conf"
		agent_up $node
	done
}

all_up()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		wait_until 30 sessions_up "$node" "$daemon" "${sessions[$node]}" ||
			{ echo "$node: no sessions"; return 1; }
		wait_until 10 bfd_up "$node" "$daemon" "${sessions[$node]}" ||
			{ echo "$node: no BFD"; return 1; }
	done
}

know_clients()
{
	local node
	for node in hv1 hv2; do
		all_routed $node via 198.51.100.0/24 2001:db8:f000::/64 || return
	done
}

# Routes stay where a daemon is killed.
all_down()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		daemon_signal "$node" "$daemon" KILL
		on "$node" ip nexthop flush >/dev/null 2>&1
		on "$node" ip route flush proto bird
		on "$node" ip -6 route flush proto bird
	done
}

spine_up
for node in hv1 hv2; do
	guest_up_at $node
done
gcc -O2 -o "$LAB/peer" "$LAB_LIB/peer.c"
for node in g1 g2; do
	on_start $node peer.log "$LAB/peer" serve 7777
done
for fabric in $FABRICS; do
	shape "$fabric"
	for daemon in $DAEMONS; do
		daemons_up "$daemon" "$fabric" "${ROUTERS[@]}" hv1 hv2
		ok "$fabric, $daemon: all sessions are up, and BFD watches them" all_up
		ok "$fabric, $daemon: the hypervisors know the clients' networks" \
			know_clients
		ranks hv1 hv2
		ranks hv2 hv1
		moves
		if [[ $fabric == racks ]]; then
			[[ -n ${NODE_PID[hv1/agent]-} ]] || agents_up
			live
		else
			router_dies
		fi
		diag "$fabric, $daemon: $SECONDS s so far"
		all_down
	done
done
lab_done_testing
