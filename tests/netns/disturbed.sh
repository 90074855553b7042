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

# shape: what is ours, and the addresses and masters of our interfaces
shape() {
	ours
	ip_ns hv -o addr show | awk '/ (tap1|br-lan) / { print $2, $3, $4 }'
	ip_ns hv -o link show | grep -E ' (tap[12]|br-lan)[:@]' |
		sed -E 's/^[0-9]+: ([^:@]*).*( master [^ ]*).*/\1\2/; t; s/:.*//'
	in_ns hv nft list ruleset | grep -c 'comment "l3vm' || :
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
# the kernel tells nobody of these: they come with whatever it tells of
in_ns hv nft flush ruleset
in_ns hv sysctl -qw net.ipv4.conf.tap1.rp_filter=0 net.ipv6.conf.tap1.accept_ra=1
mended "nft flush ruleset, and a tap that flaps" flap tap1
is "$(sysctl_of ipv4/conf/tap1/rp_filter) $(sysctl_of ipv6/conf/tap1/accept_ra)" "1 0" \
	"settings that were written are right again, too"
if agent_stop; then pass "the agent ends"; else fail "the agent ends"; fi
done_testing
