#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317,SC2086 # addresses are two words; commands that `ok` and its kin run
# fabrics-guests.sh - examples/fabrics/mobility with BIRD and with FRR: what the spine
# sees, guests that are not there, moves that lose nothing; guest-bgp: live migrations of
# a guest that announces a service; and tables: two tenants that do not reach each other
# timeout: 300
set -euo pipefail
. "$(dirname "$0")/common.sh"

# connections do not survive the moves of guests that are at both hosts
# shellcheck disable=SC2034 # for move.sh
MOVE_STREAMS=(udp4 udp6)
DAEMONS=${L3VM_DAEMONS:-bird frr}
MOVES=${L3VM_MOVES:-4}			# of each guest, in each fabric
MIGRATIONS=${L3VM_MIGRATIONS:-1}	# to and fro, for each daemon
ROUTERS=(spine tor1 tor2)
HOSTS=(hv1 hv2)
TIMES=$LAB/tmp/convergence		# of the fabric at hand, ms, one a line

# --- guests that are at both hosts -------------------------------------------
#
# A guest is a namespace at each host that answers at any time: what is lost in a move
# is lost by routes alone. All the rest is done by l3vm.
declare -A ADDRESSES=([vm]="10.0.0.77 2001:db8::77" [red]="10.1.0.5 2001:db8:1::5"
	[blue]="10.2.0.5 2001:db8:2::5")
declare -A NETWORK=([vm]=default [red]=red [blue]=blue)
declare -A MAC=([vm]=52:54:00:00:00:77 [red]=52:54:00:01:00:05 [blue]=52:54:00:02:00:05)

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
		--address "${ADDRESSES[$2]/ /,}" --network "${NETWORK[$2]}" "${@:3}"
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
		begin=$(time_of "$2" "dev $3 .*metric 4" "$address") || return
		end=$(time_of "$4" "$5" "$address") || return
		((end - begin <= ms)) || ms=$((end - begin))
	done
	echo $((ms / 1000)).$((ms / 100 % 10))
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] " ms, at most " v[NR] }'
}

# follower FROM TO - the router that is the last to follow, and by what route it does
follower()
{
	case $fabric in
	mobility | guest-bgp) echo "tor${1#hv} dev tor${2#hv}" ;;
	tables) echo "tor1 dev $2" ;;
	esac
}

# hand_over NAME FROM TO - by hand, as a migration would
hand_over()
{
	local name=$1 from=$2 to=$3 last pattern
	read -r last pattern < <(follower "$from" "$to")
	forget_times "$to" "$last"
	attach "$to" "$name" --prepared
	on "$from" l3vm migrate-notify "$name" --phase leaving
	on "$to" l3vm migrate-notify "$name"
	led "$last" "$pattern" "$name" && wait_until 10 diverts "$from" "$name" || return
	wait_until 5 converged "$from" "$to" "$name" "$last" "$pattern"
	converged "$from" "$to" "$name" "$last" "$pattern" >>"$TIMES"
	on "$from" l3vm migrate-notify "$name" --phase left
}

# moves IT NAME - to and fro as often as MOVES says, which is even
moves()
{
	local it=$1 name=$2 n reached
	: >"$TIMES"
	reached=$(arrived "$name")
	streams_start ${ADDRESSES[$name]}
	for ((n = 0; n < MOVES; n++)); do
		hand_over "$name" "hv$((n % 2 + 1))" "hv$((2 - n % 2))" || break
	done
	is $n "$MOVES" "$it: the guest moved $MOVES times"
	like "$(lost_on_the_way "$name" "$reached")" '^0 of [0-9]{3}' "$it: no packet was lost"
	diag "$it: it takes $(median <"$TIMES") until the last router follows"
}

# diverts HOST NAME - what still comes there for the guest
diverts()
{
	local address
	for address in ${ADDRESSES[$2]}; do
		[[ $(on "$1" ip route get "$address") == *" dev up"* ]] || return 1
	done
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

daemon_of()
{
	case $fabric/$1 in
	tables/tor2) echo frr ;;
	tables/*) echo bird ;;
	*) echo "$daemon" ;;
	esac
}

# all_up NUMBER NODE... - that many sessions of each
all_up()
{
	local node n=$1
	shift
	for node; do
		wait_until 30 sessions_up "$node" "$(daemon_of "$node")" "$n" ||
			{ echo "$node: no sessions"; return 1; }
	done
}

# Routes stay where a daemon is killed.
all_down()
{
	local node
	for node; do
		daemon_signal "$node" "$(daemon_of "$node")" KILL
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
	local it="mobility, $daemon" node i before
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
	moves "$it" vm
	is "$(loops)" "$before" "$it: and none circled"
	ok "$it: it leaves no route" eval "on hv1 l3vm detach --guest vm &&
		none_routed tor1 ${ADDRESSES[vm]} && none_routed tor2 ${ADDRESSES[vm]}"
}

# --- a guest with BGP of its own ----------------------------------------------

SERVICE="10.0.50.1 2001:db8:0:50::1"
SERVICE_PREFIXES="10.0.50.0/24 2001:db8:0:50::/64"
ADDRESSES[tapvm1]=$SERVICE_PREFIXES

# Hypervisors with libvirt and agents, and a guest image with BIRD
live_up()
{
	local node
	guest_program bird
	cp "$L3VM_SRC/examples/fabrics/guest-bgp/guest/bird.conf" "$LAB/guest/"
	for node in "${HOSTS[@]}"; do
		hypervisor_up "$node"
		conf "$node"
		agent_up "$node"
		install -D -t "$LAB/$node/etc/bird/guests" \
			"$L3VM_SRC/examples/fabrics/guest-bgp/bird/vm1.conf"
	done
}

guest_starts()
{
	local nic=mac=52:54:00:00:00:05,dev=tapvm1,address=10.0.0.5,address=2001:db8::5
	nic+=,prefix=10.0.50.0/24,prefix=2001:db8:0:50::/64
	nic+=,lo=10.0.50.1/32,lo=2001:db8:0:50::1/128
	guest_define hv1 vm1 "$nic"
	ok "a guest with BIRD starts" on hv1 virsh start vm1
	ok "it boots" wait_until 60 guest_up vm1
}

# guest_session disable|enable - at hv1
guest_session()
{
	local no=()
	case $daemon in
	bird) on hv1 birdc "$1" vm1 ;;
	frr)
		[[ $1 == disable ]] || no=(no)
		on hv1 vtysh -c 'configure terminal' -c 'router bgp 65001' \
			-c "${no[*]} neighbor fe80::5054:ff:fe00:5 shutdown"
		;;
	esac >/dev/null
}

# migrates FROM TO [STATE] - and the streams go on until the guest has this state
migrates()
{
	local it="guest-bgp, $daemon: $1 to $2" last pattern
	# a guest without KVM that has to run a routing daemon, too
	# shellcheck disable=SC2034 # for move.sh
	local MOVE_STREAMS=(udp4 udp6) MOVE_RATE=200 line
	read -r last pattern < <(follower "$1" "$2")
	forget_times "$2" "$last"
	streams_start $SERVICE
	ok "$it: a live migration" move vm1 "$1" "$2"
	ok "$it: the guest's session is with the new host" \
		wait_until 20 sessions_up "$2" "$daemon" 3
	ok "$it: both routers send the service there" eval "
		all_routed tor${2#hv} 'dev $2' $SERVICE_PREFIXES &&
		all_routed $last '$pattern' $SERVICE_PREFIXES"
	[[ -z ${3-} ]] || ok "$it: it is $3 there" wait_until 10 has_state "$2" vm1 "$3"
	move_enough
	move_count
	# QEMU without KVM misses now and then what a guest writes while it is copied:
	# then it has forgotten the last packets, and at times more
	while read -r line; do
		ok "$it: ${line%% *} lost next to nothing" \
			test "$(move_figure lost "$line ")" -le 20
	done <<<"$MOVE_COUNT"
	diag "$MOVE_COUNT"
	! grep -q 'Kernel panic' "$LAB/console/vm1.log" ||
		diag "$it: the guest itself died: without KVM, QEMU may miss what it writes"
	diag "$it: pause $(move_pause "$1" "$2") ms; the last router follows after" \
		"$(converged "$1" "$2" tapvm1 "$last" "$pattern") ms"
}

guest_bgp()
{
	local it="guest-bgp, $daemon" n
	ok "$it: all sessions are up" all_up 2 "${HOSTS[@]}"
	[[ -e $LAB/console/vm1.log ]] || guest_starts
	ok "$it: and one with the guest" all_up 3 hv1
	ok "$it: the guest's service is announced" \
		all_routed tor1 "dev hv1" $SERVICE_PREFIXES
	ok "$it: sideways, too" all_routed tor2 "dev tor1" $SERVICE_PREFIXES
	ok "$it: the client reaches it" reach $SERVICE
	guest_session disable
	ok "$it: without the session it is not" none_routed tor1 $SERVICE_PREFIXES
	guest_session enable
	ok "$it: with it, again" all_routed tor1 "dev hv1" $SERVICE_PREFIXES
	migrates hv1 hv2 live
	migrates hv2 hv1
	for ((n = 1; n < MIGRATIONS; n++)); do
		migrates hv1 hv2
		migrates hv2 hv1
	done
}

# --- tables ------------------------------------------------------------------

# silent NODE NAME - what it sends to the guest does not reach it
silent()
{
	local before address
	before=$(pings_at "${2}1")
	for address in ${ADDRESSES[$2]}; do
		! on "$1" ping -c 2 -i 0.1 -W 0.3 "$address" || return
	done
	[[ $(pings_at "${2}1") == "$before" ]]
}

pings_at()
{
	on "$1" nstat -asz IcmpInEchos Icmp6InEchos
}

# The client of mobility becomes red's, and blue gets one of its own.
tenants_up()
{
	local node
	node_add cli2
	on spine ip link del cli0
	link_add tor1 cli0 198.51.100.1/24 2001:db8:f000::1/64 \
		cli up0 198.51.100.2/24 2001:db8:f000::2/64
	link_add tor2 cli0 203.0.113.1/24 2001:db8:f001::1/64 \
		cli2 up0 203.0.113.2/24 2001:db8:f001::2/64
	for node in cli/198.51.100.1/2001:db8:f000::1 cli2/203.0.113.1/2001:db8:f001::1; do
		on "${node%%/*}" ip route add default via "$(cut -d / -f 2 <<<"$node")"
		on "${node%%/*}" ip route add default via "${node##*/}"
	done
	two_uplinks
	for node in "${HOSTS[@]}"; do
		guest_at "$node" red
		guest_at "$node" blue
		cp "$L3VM_SRC/examples/fabrics/tables/l3vm.conf" "$LAB/$node/etc/l3vm/"
		on "$node" "$L3VM_SRC/examples/fabrics/tables/rules"
	done
}

tables()
{
	local it=tables address
	ok "$it: all sessions are up" all_up 4 "${HOSTS[@]}"
	attach hv1 red
	attach hv1 blue
	ok "$it: red's router sends red's guest's packets there" led tor1 "dev hv1" red
	ok "$it: blue's router blue's" led tor2 "dev hv1" blue
	ok "$it: each client reaches its guest" eval "
		wait_until 10 on cli ping -c 1 -W 1 ${ADDRESSES[red]% *} &&
		wait_until 10 on cli ping -c 1 -W 1 ${ADDRESSES[red]#* } &&
		wait_until 10 on cli2 ping -c 1 -W 1 ${ADDRESSES[blue]% *} &&
		wait_until 10 on cli2 ping -c 1 -W 1 ${ADDRESSES[blue]#* }"
	ok "$it: neither router knows of the other tenant" eval "
		none_routed tor1 ${ADDRESSES[blue]} && none_routed tor2 ${ADDRESSES[red]}"
	for address in ${ADDRESSES[blue]}; do
		on tor1 ip route add "$address" dev hv1 \
			via "$([[ $address == *:* ]] && echo 2001:db8:ffff:1::2 || echo 192.0.2.2)"
	done
	ok "$it: what red's router sends to blue's guest all the same goes nowhere" \
		silent cli blue
	ok "$it: what red's guest sends to blue's, neither" silent red1 blue
	for address in ${ADDRESSES[blue]}; do
		on tor1 ip route del "$address"
	done
	moves "$it" red
	on hv1 l3vm detach --guest red
	ok "$it: blue's guest is still there" led tor2 "dev hv1" blue
	on hv1 l3vm detach --guest blue
}

# As the README of mobility says; a guest has the preferred rank for not so long, and
# QEMU, on a machine with other tests, keeps what it takes for longer
conf()
{
	mkdir -p "$LAB/$1/etc/l3vm"
	cat >"$LAB/$1/etc/l3vm/l3vm.conf" <<-END
		[l3vm]
		hold-time = 6s
		hold-replay = 50ms

		[network default]
		allow = 10.0.0.0/16 2001:db8::/48
		cover = unreachable
	END
}

spine_up
mkdir -p "$LAB/image"
gcc -O2 -static -o "$LAB/image/peer" "$LAB_LIB/peer.c"
WATCHES=()
for node in "${HOSTS[@]}"; do
	conf "$node"
	guest_at "$node" vm
done
watch_times tor1 tor2 "${HOSTS[@]}"
a_domain
for daemon in $DAEMONS; do
	daemons_up "$daemon" mobility "${ROUTERS[@]}" "${HOSTS[@]}"
	fabric=mobility
	mobility
	diag "$fabric, $daemon: $SECONDS s so far"
	all_down "${HOSTS[@]}"
	[[ -n ${NODE_PID[hv1/agent]-} ]] || live_up
	daemons_up "$daemon" guest-bgp "${HOSTS[@]}"
	fabric='guest-bgp'
	guest_bgp
	diag "$fabric, $daemon: $SECONDS s so far"
	all_down "${ROUTERS[@]}" "${HOSTS[@]}"
done
no_uplinks
fabric=tables
tenants_up
daemons_up bird tables tor1 "${HOSTS[@]}"
daemons_up frr tables tor2
tables
all_down tor1 tor2 "${HOSTS[@]}"
diag "$fabric: $SECONDS s so far"
kill "${WATCHES[@]}"
lab_done_testing
