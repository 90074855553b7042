#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# plan.sh - what plan prints, run by sh, gives the state that attach gives
#
# Each case is made twice, in namespaces that are alike to the last interface
# index. In one the plan is run, in the other attach is; then everything that
# the kernel tells of the two is compared. So iproute2 checks our netlink, and
# our netlink checks what we tell people to type.
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need /usr/bin/python3 setpriv

cat >"$L3VM_CONFIG" <<-'END'
	[network proxied]
	table = 100
	mtu = 1400
	proxy-arp = yes
	allow = 10.0.0.0/8 2001:db8::/32
	cover = unreachable

	[network lan]
	mode = bridge
	bridge = br-lan
	gateway4 = 10.1.0.1
	gateway6 = 2001:db8:1::1

	[network hole]
	gateway6 = fe80::7
	gateway-mac = 02:00:00:00:00:07
	allow = 10.0.0.0/8 2001:db8::/32
	cover = blackhole
END
mac=52:54:00:00:00:05
l3vm=${L3VM_BUILD:?}/l3vm
n=0
# where the guard's rules are before they are installed
built_rules="s|nft -f .*/l3vm-guard|nft -f $L3VM_BUILD/libl3vm/guard/l3vm-guard|"

# l3_in NAME ARGUMENTS...: l3vm on that host, which has a state of its own
l3_in() {
	in_ns "$1" "$l3vm" --state-dir "$work/${netns_name[$1]}" "${@:2}"
}

# twice CMD...: on both hosts; @ stands for the name
twice() {
	"${@//@/$planned}"
	"${@//@/$attached}"
}

# hosts: two more of them, each with a tap and a neighbour
hosts() {
	n=$((n + 1))
	planned=planned$n attached=attached$n
	twice host_add @
	twice tap_add tap1 @
	twice tap_add tap2 @
}

# have ARGUMENTS...: both hosts have a port already
have() {
	twice l3_in @ attach --guest vm1 --ifname tap1 --mac "$mac" "$@"
}

# same NAME ARGUMENTS...: the two ways from what both hosts have
same() {
	local name=$1 before
	shift
	set -- --guest vm1 --ifname tap1 --mac "$mac" "$@"
	before=$(kernel_dump "$planned")
	is "$(kernel_dump "$attached")" "$before" "$name: alike before"
	ok "$name: plan" l3_in "$planned" plan "$@"
	l3_in "$planned" plan "$@" >"$work/plan"
	is "$(kernel_dump "$planned")" "$before" "$name: plan changes nothing"
	l3_in "$planned" plan "$@" --format json >"$work/json"
	is "$(/usr/bin/python3 -c 'import json, sys
for change in json.load(sys.stdin):
	if change["command"]: print(change["command"])' <"$work/json")" \
		"$(cat "$work/plan")" "$name: as JSON it has the same lines"
	isnt "$(wc -l <"$work/plan")" 0 "$name: there is something to do"
	# it is not installed here
	sed -i "$built_rules" "$work/plan"
	ok "$name: sh runs the plan" in_ns "$planned" sh -e "$work/plan"
	ok "$name: attach" l3_in "$attached" attach "$@"
	isnt "$(kernel_dump "$attached")" "$before" "$name: attach changes something"
	is "$(kernel_dump "$planned")" "$(kernel_dump "$attached")" \
		"$name: alike after"
	is "$(l3_in "$attached" plan "$@")" "" "$name: then there is nothing to plan"
}

# --- new ports -------------------------------------------------------------------

hosts
same "routed" --address 10.0.0.5,2001:db8::5
hosts
same "IPv4 only" --address 10.0.0.5 --prefix 2001:db8:5::/64,10.5.0.0/24
hosts
same "IPv6 only" --address 2001:db8::5 --prefix 10.5.0.0/24,2001:db8:5::/64
hosts
same "table, prefixes, proxy ARP, MTU, cover" --network proxied \
	--address 10.0.0.5,10.0.0.6,2001:db8::5,2001:db8::6 \
	--prefix 10.5.0.0/24,2001:db8:5::/64
hosts
same "other gateways, blackholes" --network hole --address 10.0.0.5,2001:db8::5
hosts
same "prepared" --prepared --address 10.0.0.5,2001:db8::5 --prefix 2001:db8:5::/64
hosts
same "prepared, with a table and proxy ARP" --prepared --network proxied \
	--address 10.0.0.5,2001:db8::5
hosts
same "a bridge that is made" --network lan --address 10.1.0.5,2001:db8:1::5 \
	--prefix 10.5.0.0/24
hosts
twice ip_ns @ link add br-lan type bridge
twice ip_ns @ link set tap1 master br-lan
twice ip_ns @ link set tap1 up
same "a bridge that is there, and its port" --network lan \
	--address 10.1.0.5,2001:db8:1::5
hosts
twice ip_ns @ link add br-lan address 02:00:00:00:00:01 type bridge stp_state 1
same "a bridge with another MAC, prepared" --network lan --prepared \
	--address 10.1.0.5,2001:db8:1::5

# --- ports that exist ---------------------------------------------------------------

hosts
have --prepared --address 10.0.0.5,2001:db8::5
same "from prepared to live" --address 10.0.0.5,2001:db8::5
hosts
have --address 10.0.0.5,10.0.0.6,2001:db8::5 --prefix 2001:db8:5::/64
same "other addresses" --address 10.0.0.6,10.0.0.7,2001:db8::7 --prefix 2001:db8:7::/64
hosts
have --address 10.0.0.5,2001:db8::5
same "another network" --network proxied --address 10.0.0.5,2001:db8::5
hosts
have --network proxied --address 10.0.0.5,2001:db8::5 --prefix 10.5.0.0/24
same "and back, from its table" --address 10.0.0.5,2001:db8::5
hosts
have --address 10.0.0.5,2001:db8::5
twice l3_in @ migrate-notify vm1 --phase leaving
same "from the last rank to the normal" --address 10.0.0.5,2001:db8::5
hosts
have --address 10.0.0.5,2001:db8::5
same "from live to prepared" --prepared --address 10.0.0.5,2001:db8::5
hosts
have --network lan --address 10.1.0.5,2001:db8:1::5
twice l3_in @ attach --guest vm2 --ifname tap2 --mac 52:54:00:00:00:02 --network lan \
	--address 10.1.0.6,2001:db8:1::6
same "a port of a bridge with others" --network lan --address 10.1.0.7,2001:db8:1::7
hosts
have --address 10.0.0.5,2001:db8::5
# the kernel flushes the permanent neighbours with each of these
twice ip_ns @ link set tap1 down
twice ip_ns @ link set tap1 address 02:00:00:00:00:99
twice in_ns @ sysctl -qw net.ipv4.conf.tap1.rp_filter=0
same "a port that somebody has meddled with" --address 10.0.0.5,2001:db8::5

# --- without the kernel ---------------------------------------------------------------

# The build may be where only root can go.
cp "$l3vm" "$L3VM_BUILD"/.libs/libl3vm.so.0 "$work"
chmod 0755 "$work"/l3vm "$work"/libl3vm.so.0
chmod 0644 "$L3VM_CONFIG"

# as_nobody ARGUMENTS...
as_nobody() {
	LD_LIBRARY_PATH=$work setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$work/l3vm" --state-dir /nonexistent/l3vm "$@"
}

hosts
for network in default proxied lan; do
	set -- --guest vm1 --ifname tap1 --mac "$mac" --address 10.0.0.5,2001:db8::5 \
		--network "$network"
	ok "$network: plan --from-scratch as an unprivileged user" \
		as_nobody plan --from-scratch "$@"
	is "$(as_nobody plan --from-scratch "$@")" \
		"$(l3_in "$planned" plan --from-scratch "$@")" "$network: says the same"
done
# Against an empty kernel it has more lines than need be; they do no harm.
same_scratch=$(l3_in "$planned" plan --from-scratch --guest vm1 --ifname tap1 \
	--mac "$mac" --address 10.0.0.5,2001:db8::5)
ok "and what it says runs" in_ns "$planned" sh -ec "$(sed "$built_rules" <<<"$same_scratch")"
l3_in "$attached" attach --guest vm1 --ifname tap1 --mac "$mac" \
	--address 10.0.0.5,2001:db8::5
is "$(kernel_dump "$planned")" "$(kernel_dump "$attached")" "with the same result"
exits 3 "without --from-scratch it is refused, or says what it cannot read" \
	as_nobody plan "$@"

done_testing
