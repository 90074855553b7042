#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317,SC2086 # addresses are two words; commands that `ok` and its kin run
# fabrics-guests.sh - examples/fabrics/mobility with BIRD and with FRR: what the spine
# sees, guests that are not there, moves that lose nothing
# timeout: 300
set -euo pipefail
. "$(dirname "$0")/common.sh"

# connections do not survive the moves of guests that are at both hosts
# shellcheck disable=SC2034 # for move.sh
MOVE_STREAMS=(udp4 udp6)
DAEMONS=${L3VM_DAEMONS:-bird frr}
MOVES=${L3VM_MOVES:-6}			# of each guest, in each fabric
ROUTERS=(spine tor1 tor2)
HOSTS=(hv1 hv2)
TIMES=$LAB/tmp/convergence		# of the fabric at hand, ms, one a line

# --- guests that are at both hosts -------------------------------------------
#
# A guest is a namespace at each host that answers at any time: what is lost in a move
# is lost by routes alone. All the rest is done by l3vm.
declare -A ADDRESSES=([vm]="10.0.0.77 2001:db8::77")
declare -A MAC=([vm]=52:54:00:00:00:77)

# guest_at HOST NAME
guest_at()
{
	local host=$1 name=$2 address guest=$2${1#hv}
	node_add "$guest"
	ip link add "$name" netns "$host" type veth \
		peer name eth0 netns "$guest" address "${MAC[$name]}"
	on "$guest" ip link set eth0 up
	for address in ${ADDRESSES[$name]}; do
		on "$guest" ip addr add "$address" dev eth0
	done
	on "$guest" ip route add default via 169.254.0.1 dev eth0 onlink
	on "$guest" ip route add default via fe80::1 dev eth0
	on_start "$guest" peer.log "$LAB/image/peer" serve 7777
}

# attach HOST NAME [OPTION]...
attach()
{
	on "$1" l3vm attach --guest "$2" --ifname "$2" --mac "${MAC[$2]}" \
		--address "${ADDRESSES[$2]/ /,}" "${@:3}"
}

# led NODE PATTERN NAME - to both addresses of the guest, in time
led()
{
	all_routed "$1" "$2" ${ADDRESSES[$3]}
}

# --- moves -------------------------------------------------------------------

# What a node's routes are, from now on, with times
watch_times()
{
	local node
	for node; do
		on_start "$node" times.log ip -ts monitor route
		WATCHES+=($!)
	done
}

# time_of NODE TEXT ADDRESS - when it first had this route since forget_times, in us
time_of()
{
	local stamp
	stamp=$(grep -m 1 -e "^\[[^]]*\] $3 .*$2" "$LAB/$1/log/times.log") || return
	stamp=${stamp#[}
	date -d "${stamp%%]*}" +%s%6N
}

forget_times()
{
	local node
	for node; do
		: >"$LAB/$node/log/times.log"
	done
}

# converged FROM TO NAME NODE PATTERN - milliseconds from l3vm's route at TO until
# NODE has one like the pattern, in the slower family
converged()
{
	local address begin end ms=0
	for address in ${ADDRESSES[$3]}; do
		begin=$(time_of "$2" "dev $3 proto.* metric 4" "$address") || return
		end=$(time_of "$4" "$5" "$address") || return
		((end - begin <= ms)) || ms=$((end - begin))
	done
	echo $((ms / 1000)).$((ms / 100 % 10))
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] " ms, at most " v[NR] }'
}

# hand_over NAME FROM TO LAST PATTERN [OPTION]... - by hand, as a migration would; LAST
# is the node that hears of it last, and must then have such a route
hand_over()
{
	local name=$1 from=$2 to=$3 last=$4 pattern=$5
	shift 5
	forget_times "$to" "$last"
	attach "$to" "$name" --prepared "$@"
	on "$from" l3vm migrate-notify "$name" --phase leaving
	on "$to" l3vm migrate-notify "$name"
	led "$last" "$pattern" "$name" && led "$from" "dev up" "$name" || return
	wait_until 5 converged "$from" "$to" "$name" "$last" "$pattern"
	converged "$from" "$to" "$name" "$last" "$pattern" >>"$TIMES"
	on "$from" l3vm migrate-notify "$name" --phase left
}

# arrived NAME - datagrams at the guest, wherever; lost_on_the_way NAME BEFORE. What a
# guest answers at the host that it has left does not count: l3vm drops it there.
arrived()
{
	local n
	for n in 1 2; do
		on "$1$n" nstat -asz UdpInDatagrams Udp6InDatagrams
	done | awk '/^Udp/ { n += $2 } END { print n }'
}

lost_on_the_way()
{
	local sent
	move_enough
	move_wait
	move_count
	sent=$(sed 's/.*sent=\([0-9]*\).*/\1/' <<<"$MOVE_COUNT" | paste -sd+)
	wait_until 5 eval "(($sent == \$(arrived $1) - $2))" || true
	echo "$((sent - $(arrived "$1") + $2)) of $((sent))"
}

# --- daemons -----------------------------------------------------------------

# all_up NUMBER NODE... - that many sessions of each
all_up()
{
	local node n=$1
	shift
	for node; do
		wait_until 30 sessions_up "$node" "$daemon" "$n" ||
			{ echo "$node: no sessions"; return 1; }
	done
}

# Routes stay where a daemon is killed.
all_down()
{
	local node
	for node; do
		daemon_signal "$node" "$daemon" KILL
		on "$node" ip nexthop flush >/dev/null 2>&1
		on "$node" ip route flush proto bird table all
		on "$node" ip -6 route flush proto bird table all
	done
}

# A packet that circled until its end is counted.
loops()
{
	local node
	for node in "${ROUTERS[@]}" "${HOSTS[@]}"; do
		on "$node" nstat -asz IpInHdrErrors Ip6InHdrErrors |
			awk -v node="$node" '/^Ip/ { print node, $1, $2 }'
	done
}

# --- a mobility domain -------------------------------------------------------

# refused NODE ADDRESS - somebody says at once that there is no such guest
refused()
{
	[[ $(on "$1" ping -c 1 -W 2 "$2" 2>&1) =~ [Uu]nreachable|"No route" ]]
}

mobility()
{
	local it="mobility, $daemon" from=hv1 to=hv2 i before reached
	ok "$it: all sessions are up" all_up 2 "${HOSTS[@]}"
	ok "$it: and between the routers" all_up 6 tor1 tor2
	ok "$it: a hypervisor has the default route" all_routed hv1 via 0.0.0.0/0 ::/0
	ok "$it: a guest at hv1" attach hv1 vm
	ok "$it: its router sends it there" led tor1 "dev hv1" vm
	ok "$it: the other one sends it sideways" led tor2 "dev tor1" vm
	ok "$it: and so the other host knows the way" led hv2 "dev up0" vm
	is "$(on spine ip route show root 10.0.0.0/8 | sed '/^[^0-9]/d; s/ .*//'
		on spine ip -6 route show root 2001:db8::/36 | sed '/^[^0-9]/d; s/ .*//')" \
		$'10.0.0.0/16\n2001:db8::/48' "$it: the spine knows of the domain alone"
	ok "$it: the client reaches the guest" reach ${ADDRESSES[vm]}
	before=$(loops)
	for node in cli hv1 hv2 vm1; do
		for i in 10.0.0.200 2001:db8::200; do
			ok "$it: $node hears that there is no $i" refused $node $i
		done
	done
	is "$(loops)" "$before" "$it: and no packet for it circled"
	reached=$(arrived vm)
	streams_start ${ADDRESSES[vm]}
	for ((i = 0; i < MOVES; i++)); do
		hand_over vm $from $to "tor${from#hv}" "dev tor${to#hv}" || break
		from=$to to=hv$((3 - ${to#hv}))
	done
	is $i "$MOVES" "$it: the guest moved $MOVES times"
	like "$(lost_on_the_way vm "$reached")" '^0 of [0-9]{4}' "$it: no packet was lost"
	is "$(loops)" "$before" "$it: and none circled"
	diag "$it: the router of the old host follows after $(median <"$TIMES")"
	on $from l3vm detach --guest vm
	ok "$it: it leaves no route" eval "none_routed tor1 ${ADDRESSES[vm]} &&
		none_routed tor2 ${ADDRESSES[vm]}"
}

spine_up
mkdir -p "$LAB/image"
gcc -O2 -static -o "$LAB/image/peer" "$LAB_LIB/peer.c"
WATCHES=()
for node in "${HOSTS[@]}"; do
	mkdir -p "$LAB/$node/etc/l3vm"
	cat >"$LAB/$node/etc/l3vm/l3vm.conf" <<-END
		[network default]
		allow = 10.0.0.0/16 2001:db8::/48
		cover = unreachable
	END
	guest_at "$node" vm
done
watch_times tor1 tor2 "${HOSTS[@]}"
for daemon in $DAEMONS; do
	a_domain
	: >"$TIMES"
	daemons_up "$daemon" mobility "${ROUTERS[@]}" "${HOSTS[@]}"
	mobility
	all_down "${ROUTERS[@]}" "${HOSTS[@]}"
	no_uplinks
	diag "$daemon: $SECONDS s so far"
done
kill "${WATCHES[@]}"
lab_done_testing
