#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# disturbed.sh - what others do to guests' interfaces and routes while the agent runs,
# which sets it right by itself
# shellcheck disable=SC2317 # functions are called by ok, mended and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
need nft

printf '%s\n' '[network lan]' 'mode = bridge' 'bridge = br-lan' >"$L3VM_CONFIG"
host_add hv
guest_add g1 tap1 $mac1
guest_add g2 tap2 $mac2
attach g1 tap1 $mac1 10.0.0.1,2001:db8::1
attach g2 tap2 $mac2 10.1.0.2,2001:db8:1::2 --network lan
starts "the agent starts"

# shape: what is ours, the addresses and masters of our interfaces, and the guard
shape() {
	local family
	ours
	ip_ns hv -o addr show | awk '/ (tap1|br-lan) / { print $2, $3, $4 }'
	ip_ns hv -o link show | grep -E ' (tap[12]|br-lan)[:@]' |
		sed -E 's/^[0-9]+: ([^:@]*).*( master [^ ]*).*/\1\2/; t; s/:.*//'
	for family in inet arp bridge; do
		in_ns hv nft -s list table $family l3vm
	done | grep -v ' expires ' | tr -s ' ,\t' '\n' | sort
}
as_before() {
	[ "$(shape)" = "$before" ]
}
before=$(shape)

# mended NAME COMMAND...: it changes something, and within five seconds, by the
# agent's doing alone, everything is as it was
mended() {
	"${@:2}"
	ok "$1" wait_for 5 as_before
}

# flap IFNAME
flap() {
	ip_ns hv link set "$1" down
	ip_ns hv link set "$1" up
}

mended "a tap goes down and up" flap tap1
mended "a bridge goes down and up" flap br-lan
mended "a tap has another MAC" ip_ns hv link set tap1 address 02:00:00:00:00:99
mended "the bridge has another MAC" ip_ns hv link set br-lan address 02:00:00:00:00:99
mended "ip route flush" ip_ns hv route flush table main proto 76
mended "ip -6 route flush" ip_ns hv -6 route flush table main proto 76
mended "ip neigh flush" ip_ns hv neigh flush nud permanent dev tap1
mended "ip addr flush" ip_ns hv addr flush dev tap1
ip_ns hv link add br-other type bridge
mended "a tap moves to another bridge" ip_ns hv link set tap2 master br-other
mended "a tap leaves its bridge" ip_ns hv link set tap2 nomaster
mended "nft flush ruleset" in_ns hv nft flush ruleset
# as nftables.service does
echo 'flush ruleset; table inet filter { chain input { type filter hook input priority 0; }; }' \
	>"$work/site.nft"
mended "the site's rules are loaded anew" in_ns hv nft -f "$work/site.nft"
mended "a table of the guard is deleted" in_ns hv nft delete table arp l3vm
mended "its rules are" in_ns hv nft flush table inet l3vm
mended "and an entry" in_ns hv nft flush map inet l3vm ports
# While another program holds a table nothing can be done, and its end makes no noise.
mkfifo "$work/orders"
in_ns hv nft -i <"$work/orders" >/dev/null 2>&1 &
holder=$!
exec {orders}>"$work/orders"
echo 'delete table arp l3vm; add table arp l3vm { flags owner; }' >&$orders
held() {
	in_ns hv nft list table arp l3vm | grep -q owner
}
ok "another holds a table of the guard" wait_for 5 held
ok "the agent complains" wait_for 5 grep -q 'reconcile: .*not permitted' "$work/agent.err"
exec {orders}>&-
wait $holder
ok "the other one ends: it is tried again" wait_for 20 as_before
# the kernel tells nobody of these: they come with whatever it tells of
in_ns hv sysctl -qw net.ipv4.conf.tap1.rp_filter=0 net.ipv6.conf.tap1.accept_ra=1
mended "a tap that flaps" flap tap1
is "$(sysctl_of ipv4/conf/tap1/rp_filter) $(sysctl_of ipv6/conf/tap1/accept_ra)" "1 0" \
	"settings that were written are right again, too"

# A hundred carriers a second: no route is withdrawn, no neighbour either.
in_ns hv ip monitor route neigh >"$work/monitor" &
monitor=$!
monitor_hears() {
	ip_ns hv route replace 10.255.0.1 dev lo
	ip_ns hv route del 10.255.0.1 dev lo
	grep -q 'Deleted 10.255.0.1' "$work/monitor"
}
wait_for 5 monitor_hears
for ((i = 0; i < 200; i++)); do
	printf 'link set eth0 %s\n' down up
done | in_ns g1 timeout 30 ip -batch -
guest_config g1 10.0.0.1 2001:db8::1
ok "a carrier that flaps: the guest is served at last" pings g1 169.254.0.1 fe80::1%eth0
kill $monitor
is "$(grep Deleted "$work/monitor" | grep -e 10.0.0.1 -e 2001:db8::1)" "" \
	"and nothing of it was withdrawn"
ok "everything is as it was" wait_for 5 as_before

# The agent stands still meanwhile: it hears of nothing, and then of more than enough.
kill -STOP "$agent_pid"
ip_ns hv route flush table main proto 76
ip_ns hv -6 route flush table main proto 76
ip_ns hv neigh flush nud permanent dev tap1
flap tap1
l3 detach --guest g2
mute_guest g3 tap3 52:54:00:00:00:03
attach g3 tap3 52:54:00:00:00:03 10.0.0.3,2001:db8::3 --prepared
wait_for 5 in_ns g3 grep -q up /sys/class/net/eth0/operstate
kill -CONT "$agent_pid"
ok "an agent that stood still watches a guest that is to come" wait_for 5 watched tap3
frame g3 rarp
ok "which comes" comes_to g3 arrived
g1_alone() {
	[ "$(routes main | grep -v tap3)" = "10.0.0.1 dev tap1 metric 5
2001:db8::1 dev tap1 metric 5" ]
}
ok "and sets right what it had not heard of" wait_for 5 g1_alone
l3 detach --guest g3

# What has another name or is in another namespace is not the guest's any more.
# gone GUEST ADDRESS TAP: its port, its routes and what the guard knew
gone() {
	[ -z "$(state_of "$1")" ] && [[ $(routes all) != *" $3 "* ]] && ! guarded "$2"
}
guarded() {
	[[ $(in_ns hv nft list ruleset) == *"$1"* ]]
}
moved() {
	ip_ns hv link set tap4 down
	# shellcheck disable=SC2086
	ip_ns hv link set tap4 $1
}
for where in "name other1" "netns ${netns_name[g1]}"; do
	tap_add tap4
	attach g4 tap4 52:54:00:00:00:04 10.0.0.4,2001:db8::4
	guarded 10.0.0.4 || fail "the guard knows it"
	moved "$where"
	ok "a tap is moved to ${where% *}: its port goes" wait_for 5 gone g4 10.0.0.4 tap4
	is "$(l3 reconcile)" "" "and no question is left"
done

if agent_stop; then pass "the agent ends"; else fail "the agent ends"; fi

tap_add tap4
attach g4 tap4 52:54:00:00:00:04 10.0.0.4,2001:db8::4
moved "name other2"
like "$(l3 reconcile)" "interface is gone" "without an agent reconcile notices"
ok "and removes it all" gone g4 10.0.0.4 tap4
tap_add tap4
attach g4 tap4 52:54:00:00:00:04 10.0.0.4,2001:db8::4
moved "name other3"
unlike "$(l3 reconcile)" "on no record" "and does not wonder whose it was"
done_testing
