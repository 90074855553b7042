# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154,SC2317 # what the scripts set; commands that `ok` runs
# fabrics-common.sh - what the scripts about examples/fabrics share: the points that
# are the same for all fabrics, and what they need. Source it first.
. "${BASH_SOURCE[0]%/*}/common.sh"

OF4=10.0.0.77/32 OF6=2001:db8::77/128	# a guest without l3vm, at both hosts
A4=10.0.0.5 A6=2001:db8::5		# one that migrates
guest=("$OF4" "$OF6")			# the one that is looked for
ROUTERS=(spine tor1 tor2)
RATE=5000				# datagrams a second and family, in a move

# Of the fabric at hand, with the daemon at hand: what counts sessions, and how many
# each node has; the hypervisors that turn to a guest's new host by themselves; where
# the client is, as they are told; how many seconds moves are watched, and how many
# packets of a family a move may lose; milliseconds until a dead router is noticed;
# seconds in which all routers must have turned.
declare -A sessions
traits()
{
	up=sessions_up sessions=([spine]=4 [tor1]=6 [tor2]=6 [hv1]=4 [hv2]=4)
	yielding=(hv1 hv2) outside=(198.51.100.0/24 2001:db8:f000::/64)
	seconds=3 spare=0 death=1500 turned=10
	case $fabric/$daemon in
	racks/*) sessions=([spine]=4 [tor1]=4 [tor2]=4 [hv1]=2 [hv2]=2) ;;
	unnumbered/*)
		sessions=([spine]=2 [tor1]=3 [tor2]=3 [hv1]=2 [hv2]=2)
		# a router may turn a millisecond before its host does
		death=400 spare=5
		;;
	default-only/*) yielding=() outside=(0.0.0.0/0 ::/0) ;;
	ospf/bird)
		# A route that was announced is announced anew after five seconds.
		up=neighbours_up yielding=() seconds=8 death=2000
		;;
	ospf/frr) up=neighbours_up spare=25 death=2000 ;;
	esac
	# One that was withdrawn must be gone from all before it comes again, and what
	# is lost on the way there is sent again after five seconds.
	[[ $fabric != ospf ]] || turned=30
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
	racks/hv*) echo "up0 " ;;
	default-only/hv*) ;;
	*/hv*) echo "up0 up1 " ;;
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
		for prefix in "${guest[@]}"; do
			[[ $(devs_of "$node" "$prefix") == "$(way "$node" "$host")" ]] ||
				return 1
		done
	done
}

# led_to HOST NODE... - in time; all of it, if not
led_to()
{
	local node prefix
	wait_until "$turned" leads_to "$@" && return
	for node in "${ROUTERS[@]}" hv1 hv2; do
		for prefix in "${guest[@]}"; do
			echo "$node $prefix: \"$(devs_of "$node" "$prefix")\", for $1" \
				"\"$(way "$node" "$1")\""
			bgp_path "$node" "$daemon" "$prefix"
		done
	done
	return 1
}

echoes_of()
{
	on "g${1#hv}" nstat -asz IcmpInEchos Icmp6InEchos |
		awk '/^Icmp/ { n += $2 } END { print n }'
}

# answers_at HOST NODE - it is there that a ping of each family from this node arrives
answers_at()
{
	local before
	before=$(echoes_of "$1")
	on "$2" ping -c 1 -W 2 "${OF4%/*}"
	on "$2" ping -c 1 -W 2 "${OF6%/*}"
	(($(echoes_of "$1") == before + 2))
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
	local all=("${ROUTERS[@]}" "${yielding[@]}")
	routes add "$other" "$NORMAL"
	led_to "$other" "${ROUTERS[@]}" "$host" >/dev/null || true
	routes add "$host" "$PREFERRED"
	ok "$it, preferred, beats $other, normal" led_to "$host" "${ROUTERS[@]}" "$host"
	ok "$it: the client's packets arrive there" answers_at "$host" cli
	rank_change "$other" "$NORMAL" "$LAST"
	ok "$it, preferred, beats last${yielding:+, for $other too}" \
		led_to "$host" "${all[@]}"
	[[ -z ${yielding-} ]] ||
		ok "$it: what is late at $other arrives there" answers_at "$host" "$other"
	rank_change "$host" "$PREFERRED" "$NORMAL"
	routes del "$host" "$NORMAL"
	ok "$it gone: $other, last, serves" led_to "$other" "${all[@]}"
	routes add "$host" "$NORMAL"
	ok "$it, normal, beats last${yielding:+, for $other too}" \
		led_to "$host" "${all[@]}"
	ok "$it: the client's packets arrive" answers_at "$host" cli
	routes del "$other" "$LAST"
	ok "$it: $other has no route of its own: it knows the way" \
		led_to "$host" "${ROUTERS[@]}" hv1 hv2
	ok "$it: what is late at $other arrives" answers_at "$host" "$other"
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

# The guest moves to and fro, at least for as long as the streams flow. There is no
# hold here: a guest that answers at both hosts shows what is lost by the routes alone.
moves()
{
	local it="$fabric, $daemon" from=hv1 to=hv2 n=0 prefix line before pids=() node
	routes add hv1 "$NORMAL"
	ok "$it: all know a guest" led_to hv1 "${ROUTERS[@]}" hv1 hv2
	for node in "${ROUTERS[@]}" hv1 hv2; do
		: >"$LAB/$node/log/monitor.log"
		on_start "$node" monitor.log ip -ts monitor route
		pids+=($!)
	done
	before=$(strays)
	stream_start "$seconds" $RATE
	while ((n < 2)) || kill -0 "${streams[@]}" 2>/dev/null; do
		rank_change $from "$NORMAL" "$LAST"
		routes add $to "$PREFERRED"
		led_to $to "${ROUTERS[@]}" "${yielding[@]}" || break
		rank_change $to "$PREFERRED" "$NORMAL"
		routes del $from "$LAST"
		n=$((n + 1)) from=$to to=hv$((3 - ${to#hv}))
	done
	wait "${streams[@]}" || true
	kill "${pids[@]}"
	ok "$it: the guest moved to and fro ($n times)" test $n -ge 2
	for prefix in "$OF4" "$OF6"; do
		line=$(stream_line "$prefix")
		like "$line" "sent=$((RATE * seconds)) " "$it: $prefix was asked all the time"
		ok "$it: $prefix moved, and at most $spare packets were lost each time" \
			between "$(move_figure lost "$line ")" 0 $((n * spare))
		diag "$line"
	done
	((spare)) || is "$(strays)" "$before" \
		"$it: no packet met a node without a route, or a loop"
	diag "$it: ms from the new host's route to the last router's: $(converged)"
	for node in "${ROUTERS[@]}"; do
		like "$(<"$LAB/$node/log/monitor.log")" "${OF6%/*} .*proto [bo]" \
			"$it: $node was watched"
		unlike "$(<"$LAB/$node/log/monitor.log")" "Deleted ${OF6%/*} " \
			"$it: $node replaces its IPv6 route, never deletes it first"
	done
	routes del $from "$NORMAL"
}

# Of the moves that were watched, in both families: median, maximum and number of
# milliseconds from the route at the new host to the last router that turned there. A
# monitor may be late, so that the router seems to have been first.
converged()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		# one whose way to both is the same turns nowhere
		[[ $node == hv* || $(way "$node" hv1) != "$(way "$node" hv2)" ]] || continue
		sed -n "s/^\[[^T]*T\([0-9:.]*\)\] /$node \1 /p" "$LAB/$node/log/monitor.log"
	done | sort -k 2,2 | awk -v preferred=" metric $PREFERRED " '
		$3 == "Deleted" { next }
		{
			split($2, t, ":")
			now = (t[1] * 60 + t[2]) * 60 + t[3]
			dev = ""
			for (i = 3; i < NF; i++) if ($i == "dev") dev = $(i + 1)
		}
		$1 ~ /^hv/ {
			if (index($0, preferred)) start[$3, ++moves[$3]] = now
			next
		}
		dev != was[$1, $3] {
			was[$1, $3] = dev
			turned[++n] = now
			dst[n] = $3
		}
		END {
			for (i = 1; i <= n; i++) {
				for (k = moves[dst[i]]; k && start[dst[i], k] > turned[i] + 0.1;)
					k--
				if (k) last[dst[i], k] = turned[i]
			}
			for (k in last) {
				ms = (last[k] - start[k]) * 1000
				print (ms > 0 ? ms : 0)
			}
		}' | sort -n | awk '
		{ ms[NR] = $1 }
		END { printf "%.1f %.1f %d\n", ms[int((NR + 1) / 2)], ms[NR], NR }'
}

# spine_has INTERFACES - of both families' best routes
spine_has()
{
	[[ $(devs_of spine $OF4)$(devs_of spine $OF6) == "$1" ]]
}

# The router dies that the client's packets go through.
router_dies()
{
	local it="$fabric, $daemon" line prefix
	routes add hv1 "$NORMAL"
	ok "$it: all know a guest" led_to hv1 "${ROUTERS[@]}" hv1 hv2
	victim=$(on spine ip route get "${OF4%/*}" from 198.51.100.2 iif cli0 |
		sed -n 's/.* dev \(tor[12]\) .*/\1/p')
	stream_start $((1 + death / 1000)) 1000
	on "$victim" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
	daemon_signal "$victim" "$daemon" STOP
	wait "${streams[@]}" || true
	for prefix in "$OF4" "$OF6"; do
		line=$(stream_line "$prefix")
		diag "$line"
		ok "$it: $prefix is back in $death ms after ${victim-?} died" \
			between "$(move_figure gap_ms "$line ")" 0 "$death"
	done
	ok "$it: it had gone through ${victim-?}" \
		between "$(move_figure gap_ms "$(stream_line "$OF4") ")" 100 "$death"
	ok "$it: the spine has the other one alone" wait_until 5 spine_has \
		"tor$((3 - ${victim#tor})) tor$((3 - ${victim#tor})) "
	on "$victim" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	routes del hv1 "$NORMAL"
}

router_returns()
{
	daemon_signal "$victim" "$daemon" CONT
	all_up
}

between()
{
	((${1%.*} >= $2 && ${1%.*} <= $3)) || { echo "$1"; return 1; }
}

all_up()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		wait_until 30 "$up" "$node" "$daemon" "${sessions[$node]}" ||
			{ echo "$node: no sessions"; return 1; }
		wait_until 10 bfd_up "$node" "$daemon" "${sessions[$node]}" ||
			{ echo "$node: no BFD"; return 1; }
	done
}

know_clients()
{
	local node
	for node in hv1 hv2; do
		all_routed $node via "${outside[@]}" || return
	done
}

# --- a live migration ---------------------------------------------------------

# migrates FROM TO - with agents, so that nothing may be lost
migrates()
{
	local it="$fabric, $daemon: $1 to $2" guest=("$A4/32" "$A6/128") before
	before=$(releases "$1")
	streams_start "$A4" "$A6"
	ok "$it: a live migration" move vm1 "$1" "$2"
	ok "$it: all routers send it there" led_to "$2" "${ROUTERS[@]}"
	ok "$it: what was late has been sent after it" wait_until 10 released "$1" "$before"
	lost_nothing "$it"
	diag "pause $(move_pause "$1" "$2") ms"
	# The old host never hears of the new one.
	[[ $fabric != default-only ]] ||
		like "$(grep hold-release "$LAB/$1/run/l3vm/events.jsonl" | tail -n 1)" \
			'"reason":"left"' "$it: by the default route, a second after"
}

releases()
{
	grep -c hold-release "$LAB/$1/run/l3vm/events.jsonl" || true
}

# released NODE BEFORE - what was kept there, of both families
released()
{
	(($(releases "$1") == $2 + 2))
}

live()
{
	local it="$fabric, $daemon"
	[[ -n ${NODE_PID[hv1/agent]-} ]] || {
		agents_up
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
		sed -i '1i [l3vm]\nhold-time = 2s\nhold-replay = 50ms\n' \
			"$LAB/$node/etc/l3vm/l3vm.conf"
		agent_up $node
	done
}

# --- from fabric to fabric ------------------------------------------------------

# fabrics_begin - the nodes, the guests that are at both hosts, and the client
fabrics_begin()
{
	local node
	spine_up
	for node in hv1 hv2; do
		guest_up_at $node
	done
	gcc -O2 -o "$LAB/peer" "$LAB_LIB/peer.c"
	for node in g1 g2; do
		on_start $node peer.log "$LAB/peer" serve 7777
	done
}

# daemons_begin - of the fabric and the kind at hand
daemons_begin()
{
	traits
	daemons_up "$daemon" "$fabric" "${ROUTERS[@]}" hv1 hv2
	ok "$fabric, $daemon: all sessions are up, and BFD watches them" all_up
	ok "$fabric, $daemon: the hypervisors know the way to the client" know_clients
}

# Routes stay where a daemon is killed.
daemons_end()
{
	local node
	for node in "${ROUTERS[@]}" hv1 hv2; do
		daemon_signal "$node" "$daemon" KILL
		on "$node" ip nexthop flush >/dev/null 2>&1
		on "$node" ip route flush proto bird
		on "$node" ip -6 route flush proto bird
	done
}
