#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# own-table.sh - guests' routes in a table of their own (routes-table): the ranks do
# what they do in main, and BIRD withdraws nothing that is there
# timeout: 150
set -euo pipefail
. "$(dirname "$0")/common.sh"

# how long routes come and go in each of the two runs, seconds
CHURN=${CHURN:-12}
A4=10.0.0.5 A6=2001:db8::5

fabric_up hv1 hv2
for node in hv1 hv2; do
	printf '[network default]\nallow = 10.0.0.0/16 2001:db8::/40\nroutes-table = 77\n' |
		on $node sh -c 'mkdir -p /etc/l3vm; cat >/etc/l3vm/l3vm.conf'
	on $node ip link add tap1 type veth peer name guest1
	on $node ip link set guest1 up
	daemon_up $node bird
done
daemon_up tor bird
ok "sessions are up" wait_until 60 sessions_up tor bird 4

# --- ranks -----------------------------------------------------------------------------

# routes_in NODE TABLE
routes_in()
{
	{
		on "$1" ip route show table "$2" proto 76
		on "$1" ip -6 route show table "$2" proto 76
	} 2>/dev/null | sed 's/ proto [l3vm76]*//; s/ scope link//; s/ pref medium//; s/ *$//'
}

# leads NODE TEXT - what the kernel does with a packet to the guest there
leads()
{
	local address
	for address in $A4 $A6; do
		[[ $(on "$1" ip route get $address) == *"$2"* ]] || return 1
	done
}

attach()
{
	on "$1" l3vm attach --guest vm1 --ifname tap1 --mac 52:54:00:00:00:05 \
		--address $A4,$A6 "${@:2}"
}

attach hv1
is "$(routes_in hv1 77; routes_in hv1 main)" "$A4 dev tap1 metric 5
$A6 dev tap1 metric 5" "the guest's routes are in the table, and not in main"
like "$(on hv1 ip rule) $(on hv1 ip -6 rule)" \
	'7602:.from all lookup 77 .*7602:.from all lookup 77 ' "a rule for either family"
ok "the kernel uses them" leads hv1 'dev tap1'
ok "BIRD announces them" all_routed tor "dev hv1" $A4 $A6
ok "status says so" wait_until 5 eval 'on hv1 l3vm status | grep -q " bird "'
is "$(on hv1 l3vm reconcile)" "" "there is nothing to reconcile"

watch_routes tor
on hv1 l3vm migrate-notify vm1 --phase leaving
is "$(routes_in hv1 77; routes_in hv1 main)" "$A4 dev tap1 metric 4194305000
$A6 dev tap1 metric 4194305000" "at the last rank they are in main"
ok "while nobody else has the guest, it is still here" leads hv1 'dev tap1'
attach hv2 --prepared
on hv2 l3vm migrate-notify vm1
ok "it arrives: the router follows" all_routed tor "dev hv2" $A4 $A6
ok "and so does its old host, by itself" wait_until 10 leads hv1 'dev up0'
on hv1 l3vm migrate-notify vm1 --phase left
ok "the router still knows the way" all_routed tor "dev hv2" $A4 $A6
kill "${NODE_PID[tor/monitor]}"
unlike "$(<"$LAB/tor/log/monitor.log")" "Deleted ($A4|$A6) " \
	"at no moment had it none"
on hv2 l3vm detach --guest vm1
is "$(routes_in hv2 77)" "" "a detached guest leaves no route there"

# --- churn -----------------------------------------------------------------------------

# withdrawn - guests' routes that the router above has been told to forget
withdrawn()
{
	grep -c '^Deleted 2001:db8::1:' "$LAB/tor/log/monitor.log" || true
}

# stable TABLE - 8000 routes, as l3vm has them, with gaps
stable()
{
	local i
	for ((i = 0; i < 8000; i++)); do
		printf 'route add 2001:db8::1:%x:0/128 dev tap1 proto 76 metric 5 table %s\n' \
			"$i" "$1"
	done | on hv1 ip -6 -batch -
}

# churn - others' routes between them come and go in main, for CHURN seconds: each is
# there while the next hundred come
churn()
{
	local i end
	for i in $(seq 0 7999 | shuf); do
		printf '2001:db8::1:%x:1/128\n' "$i"
	done | awk '{ print "route add " $1 " dev up0"; at[NR] = $1 }
		NR > 100 { print "route del " at[NR - 100] }
		END { for (i = NR - 99; i <= NR; i++) print "route del " at[i] }
		' >"$LAB/tmp/churn"
	end=$(($(lab_clock) + CHURN * 100))
	while (($(lab_clock) < end)); do
		on hv1 ip -6 -batch "$LAB/tmp/churn"
	done
}

heard()
{
	[[ $(on tor birdc show route count table master6 \
		where net '~' '[ 2001:db8::1:0:0/96+ ]') == *$'\n'8000\ * ]]
}

# wrongly TABLE - how many BIRD withdraws in that time, though all are there
wrongly()
{
	stable "$1"
	wait_until 30 heard || { echo "not all announced"; return; }
	watch_routes tor
	churn
	kill "${NODE_PID[tor/monitor]}"
	withdrawn
	on hv1 ip -6 route flush table "$1" proto 76
	wait_until 20 none_heard
}

none_heard()
{
	[[ -z $(on tor ip -6 route show root 2001:db8::/64) ]]
}

sed -i 's/scan time .*;/scan time 1;/' "$LAB/hv1/etc/bird/bird.conf"
on hv1 birdc configure >/dev/null
plain=$(wrongly main)
apart=$(wrongly 77)
diag "withdrawn in $CHURN s though all were there: $plain from main, $apart from 77"
ok "from main, BIRD withdraws routes that are there" test "$plain" -gt 0
is "$apart" 0 "from a table of their own, none"
lab_done_testing
