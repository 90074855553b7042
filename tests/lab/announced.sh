#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# announced.sh - what routing daemons say of our routes: who announces, what they
# missed and how it is healed, and the mistakes in their settings that check finds. What
# a daemon that hangs or dies does is in tests/contract/announcer-real.sh.
# timeout: 120
set -euo pipefail
. "$(dirname "$0")/common.sh"

fabric_up hv1 hv2
for node in hv1 hv2; do
	l3vm_conf $node
	n=${node#hv}
	on $node ip link add tap1 type veth peer name guest1
	on $node ip link set guest1 up
	daemon=bird
	[[ $node == hv1 ]] || daemon=frr
	daemon_up $node $daemon
	declare "of_$node=10.0.0.$n 2001:db8::$n"
done
daemon_up tor bird

# attach NODE GUEST ADDRESS... - to tap1
attach()
{
	local node=$1 guest=$2
	shift 2
	on "$node" l3vm attach --guest "$guest" --ifname tap1 --mac 52:54:00:00:00:05 \
		--address "$(IFS=, && echo "$*")"
}

# announce_of NODE - as one line, without blanks
announce_of()
{
	on "$1" l3vm status --json | tr -d ' \n' |
		sed -n 's/.*"announce":\(\[[^]]*\]\?[^]]*\]\),"guard".*/\1/p'
}

announced_by()
{
	[[ $(announce_of "$1") == \[\{\"announcer\":\"kernel\",\"ok\":true,\"by\":\"$2\"\}\] ]]
}

is_pending()
{
	[[ $(announce_of "$1") == *"\"ok\":false"*"\"pending\":[\"$2\""*"$3"* ]]
}

# finds NODE TEXT - check does; it may end badly for other reasons
finds()
{
	grep -qF -- "$2" <<<"$(on "$1" l3vm check || true)"
}

finds_not()
{
	! finds "$@"
}

# as_configured NODE DAEMON [SED] - a daemon with its recipe changed so, started anew;
# not below `ok`, whose commands run in a process of their own
as_configured()
{
	local file=$LAB/$1/etc/$2/$2.conf
	daemon_down "$1" "$2" || true
	cp "$LAB/tmp/$1.conf" "$file"
	sed -i "${3-}" "$file"
	case $2 in
	bird)
		on_start "$1" bird.log bird -f -u bird -g bird
		NODE_PID[$1/bird]=$!
		;;
	frr) on_start "$1" frr.log /usr/lib/frr/frrinit.sh start ;;
	esac
	wait_until 30 sessions_up "$1" "$2" 2 || fail "$2 with $3: sessions are up"
}

# bird_misses SED FINDING - as BIRD's recipe is when it has been changed so
bird_misses()
{
	as_configured hv1 bird "$1"
	ok "bird, $1: check finds: $2" wait_until 30 finds hv1 "$2"
}

# frr_misses FINDING COMMAND... - of vtysh
frr_misses()
{
	local finding=$1
	shift
	on hv2 vtysh -c 'configure terminal' "${@/#/-c}"
	ok "frr, ${!#}: check finds: $finding" wait_until 30 finds hv2 "$finding"
}

ok "sessions are up" wait_until 60 sessions_up tor bird 4
ok "BFD watches them" wait_until 20 bfd_up tor bird 4
for node in hv1 hv2; do
	of=of_$node daemon=bird
	[[ $node == hv1 ]] || daemon=frr
	cp "$LAB/$node/etc/$daemon/$daemon.conf" "$LAB/tmp/$node.conf"
	# shellcheck disable=SC2086
	attach $node vm1 ${!of}
	ok "$daemon: it announces the guest, by its own word" \
		wait_until 10 announced_by $node $daemon
	like "$(on $node l3vm status vm1)" "normal 5 .* $daemon( |$)" \
		"$daemon: status says so to people"
	ok "$daemon: check has nothing to say against the recipe" \
		finds $node 'has 2 routes of the kernel, and 2 sessions'
done

# --- what they missed ----------------------------------------------------------------

# BIRD, stopped while more happens than its buffer takes, learns of the guest at its
# next look at the kernel only, in a minute.
miss_bird()
{
	local i
	kill -STOP "${NODE_PID[hv1/bird]}"
	for i in {1..200}; do
		echo "route add 172.16.0.$i/32 dev up0"
		echo "route add 2001:db8:1000::$i/128 dev up0"
	done | on hv1 ip -batch -
	attach hv1 vm1 10.0.0.1 10.0.0.3 2001:db8::1
	kill -CONT "${NODE_PID[hv1/bird]}"
	is_pending hv1 10.0.0.3/32 'BIRDhasnotlearnedtheroute'
}

# zebra takes routes for the same whose metrics differ in the highest byte alone, and
# forgets both when one goes.
miss_frr()
{
	on hv2 ip route add 10.0.0.2/32 dev tap1 metric $((0xFA000005))
	wait_until 5 on hv2 sh -c 'vtysh -c "show ip route 10.0.0.2" | grep -q "distance 250"' ||
		true
	on hv2 ip route del 10.0.0.2/32 dev tap1 metric $((0xFA000005))
	wait_until 5 is_pending hv2 10.0.0.2/32 'FRRhasnotlearnedtheroute'
}

as_configured hv1 bird 's/rx buffer .*;/rx buffer 4096;/'
for node in hv1 hv2; do
	daemon=bird of=10.0.0.3/32
	[[ $node == hv1 ]] || daemon=frr of=10.0.0.2/32
	ok "$daemon misses a route, and status says so" miss_$daemon
	like "$(on $node l3vm status)" "$daemon pending|kernel pending" \
		"$daemon: to people, too"
	ok "$daemon: check names it" finds $node "$of"
	watch_routes $node
	like "$(on $node l3vm reconcile)" 'no routing daemon has its routes, written again' \
		"$daemon: reconcile tells it again"
	ok "$daemon: it is announced" wait_until 5 announced_by $node $daemon
	ok "$daemon: to the router" all_routed tor via $of
	unlike "$(routes_changed $node)" Deleted "$daemon: there was a route all the time"
	is "$(on $node l3vm reconcile)" "" "$daemon: nothing is left to do"
done
ok "check finds what BIRD lost, and its small buffer" finds hv1 'a burst of routes'

# --- nobody ---------------------------------------------------------------------------

daemon_down hv1 bird
like "$(announce_of hv1)" '^\[\{"announcer":"kernel","ok":true\}\]$' \
	"no daemon: the kernel has the routes, and that is all that is known"
ok "check says that nobody announces them" finds hv1 'neither BIRD nor FRR answers'

# --- mistakes --------------------------------------------------------------------------

bird_misses 's/preference = 200/preference = 90/' 'a preference of 100 or less'
bird_misses 's/^\tbfd on;//' 'BFD does not watch all sessions'
bird_misses 's/scan time 60/scan time 600/' 'less than once a minute'
bird_misses 's/metric 32;/metric 5;/' 'writes its own routes with the metric of a rank'
frr_misses 'the last rank has no `set weight 0`' 'route-map L3VM4 permit 20' 'no set weight'
frr_misses 'the last rank has no `set weight 0`' 'route-map L3VM4 permit 20' 'set weight 0' \
	'set local-preference 150'
frr_misses 'accepts paths with its own AS number' 'route-map L3VM4 permit 20' \
	'set local-preference 50' 'router bgp 65002' 'address-family ipv4 unicast' \
	'neighbor TOR4 allowas-in 1'
frr_misses 'BFD does not watch all sessions' 'router bgp 65002' 'no neighbor TOR4 bfd'
on hv2 ip route add 10.0.0.99/32 dev tap1 metric 5
ok "frr: check finds a stranger's route with the metric of a rank" \
	wait_until 5 finds hv2 'kernel route 10.0.0.99/32 of metric 5, which is none of ours'
lab_done_testing
