#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bridge.sh - packets of guests on a proxy-ARP bridge: an ordinary LAN to them,
# and everything routed
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need tcpdump /usr/bin/python3

cat >"$L3VM_CONFIG" <<-'END'
	[network lan]
	mode = bridge
	bridge = br-lan
	gateway4 = 10.1.0.1
	allow = 10.1.0.0/24 2001:db8:1::/48
END
host_add hv
client_add
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02 mac3=52:54:00:00:00:03

# asked GUEST QUESTION...: who answers the guest's questions
asked() {
	in_ns "$1" "$L3VM_SRC/tests/netns/ask.py" eth0 "${@:2}"
}

# lan_config GUEST N: as on any LAN, with a /24; IPv6 with /128
lan_config() {
	ip -n "${netns_name[$1]}" addr add "10.1.0.$2/24" dev eth0
	ip -n "${netns_name[$1]}" addr add "2001:db8:1::$2/128" dev eth0 nodad
	ip -n "${netns_name[$1]}" route add default via 10.1.0.1
	ip -n "${netns_name[$1]}" -6 route add default via fe80::1 dev eth0
}

# master_of IFNAME
master_of() {
	ip_ns hv -o link show dev "$1" | sed -n 's/.* master \([^ ]*\).*/\1/p'
}

# --- set up -------------------------------------------------------------------------

guest_add g1 tap1 $mac1
guest_add g2 tap2 $mac2
ok "attach a tap that is in no bridge, with no bridge there" attach g1 tap1 $mac1 \
	10.1.0.5,2001:db8:1::5 --network lan --prefix 2001:db8:1:5::/64
is "$(master_of tap1)" br-lan "makes the bridge and the tap its port"
# a bridge that libvirt has made, with the tap in it already
ip_ns hv link set tap2 master br-lan
ok "attach a tap that is in the bridge" attach g2 tap2 $mac2 10.1.0.6,2001:db8:1::6 \
	--network lan
lan_config g1 5
lan_config g2 6
ip_ns g1 addr add 2001:db8:1:5::1/64 dev lo nodad
is "$(routes main | grep -c 'dev br-lan')" 5 "the routes are on the bridge"
is "$(routes main | grep -c 'dev tap')" 0 "and none on a tap"
router_is br-lan 1 1 10.1.0.1 "the bridge is the guests' router"
is "$(ip_ns hv -4 route show dev br-lan proto kernel)" "" "the bridge has no subnet"

# --- what flows ----------------------------------------------------------------------

ok "the client reaches the guests" pings cl 10.1.0.5 10.1.0.6 2001:db8:1::5 \
	2001:db8:1::6
ok "and the prefix behind one" pings cl 2001:db8:1:5::1
ok "a guest reaches the client" pings g1 192.0.2.2 2001:db8:c::2

# Of what g1 sends to g2, and of all else that comes to g2, every frame is from
# the gateway's MAC.
capture_start g2 eth0 direct "not ether src $mac2"
for address in 10.1.0.6 2001:db8:1::6; do
	in_ns g1 ping -n -c 5 -i 0.01 -W 1 $address >"$work/ping" || :
	like "$(cat "$work/ping")" "5 packets transmitted, 5 received" \
		"siblings reach each other: $address"
	like "$(cat "$work/ping")" "ttl=63" "by way of the host, which counts as a hop"
done
capture_stop direct '2001:db8:1::5 > 2001:db8:1::6.*seq 5' >"$work/seen"
is "$(grep -E '^[0-9:.]+ [0-9a-f:]+ > ' "$work/seen" |
	grep -v "^[^ ]* $gateway_mac > " |
	grep -v 'ICMP6, multicast listener\|:: > ff02::1:ff')" "" \
	"no frame comes to a guest but from the host"
like "$(ip_ns g1 neigh show 10.1.0.6)" "lladdr $gateway_mac " \
	"the sibling's ARP is the host's"

# IPv6 redirects cannot be switched off, and one "reach your sibling directly" is
# the end of the guests' talk: the ports are isolated.
capture_start g1 eth0 redirect "icmp6 or icmp"
in_ns g1 ping -n -q -c 3 -i 0.01 -W 1 2001:db8:1::6 >/dev/null
in_ns g1 ping -n -q -c 3 -i 0.01 -W 1 10.1.0.6 >/dev/null
in_ns g2 ping -n -q -c 3 -i 0.01 -W 1 2001:db8:1:5::1 >/dev/null
is "$(capture_stop redirect '2001:db8:1:5::1 > .*seq 3' | grep redirect)" "" \
	"the host redirects nobody"

# --- who answers ----------------------------------------------------------------------

is "$(asked g1 ask:10.1.0.6:10.1.0.5 ask:192.0.2.2:10.1.0.5 ask:10.1.0.1:10.1.0.5 \
	-- ask6:fe80::1,fe80::5054:ff:fe00:1)" "10.1.0.6 is-at $gateway_mac
192.0.2.2 is-at $gateway_mac
10.1.0.1 is-at $gateway_mac
fe80::1 is-at $gateway_mac" "the host answers for every routed address, and once"
is "$(asked g1 ask:10.1.0.99:10.1.0.5 probe:10.1.0.6 probe:10.1.0.5 announce:10.1.0.5 \
	reply:10.1.0.5 dad:2001:db8:1::5 -- ask6:fe80::1,fe80::5054:ff:fe00:1)" \
	"fe80::1 is-at $gateway_mac" \
	"not for one without a route, nor for the guest's own, nor when probed"
ip_ns hv route add default via 192.0.2.2
is "$(asked g1 probe:10.1.0.5 announce:10.1.0.5 reply:10.1.0.5 \
	-- ask6:fe80::1,fe80::5054:ff:fe00:1)" "fe80::1 is-at $gateway_mac" \
	"with a default route neither"
ip_ns hv route del default
for flag in off:1 on:0; do
	answers=${flag#*:} flag=${flag%:*}
	in_ns hv bridge link set dev tap1 isolated "$flag"
	in_ns hv bridge link set dev tap2 isolated "$flag"
	asked g1 ask:10.1.0.6:10.1.0.5 -- ask6:fe80::1,fe80::5054:ff:fe00:1 \
		>"$work/seen"
	is "$(grep -c "$mac2" "$work/seen")" "$answers" \
		"with isolation $flag $answers sibling answers itself"
done
# without isolation they have learned each other's MAC
ip_ns g1 neigh flush all
ip_ns g2 neigh flush all

# IPv6 has no proxy_arp: nobody answers a guest that believes its siblings to be
# on its link. Guests get a /128, or a /64 whose prefix is not on-link (the A
# flag without the L flag, RFC 5942).
is "$(asked g1 ask6:2001:db8:1::6,2001:db8:1::5 -- ask6:fe80::1,fe80::5054:ff:fe00:1)" \
	"fe80::1 is-at $gateway_mac" "nobody answers ND for a sibling"
ip_ns g1 -6 route add 2001:db8:1::/64 dev eth0
ok "so with an on-link /64 a guest does not reach its sibling" no_ping g1 2001:db8:1::6
ok "but everybody else" pings g1 2001:db8:c::2
ip_ns g1 -6 route del 2001:db8:1::/64 dev eth0
ok "without it, it does" pings g1 2001:db8:1::6

# --- the bridge itself --------------------------------------------------------------

for n in 1 2; do
	like "$(in_ns hv bridge fdb show dev tap$n)" \
		"52:54:00:00:00:0$n master br-lan static" "tap$n: a static FDB entry"
	like "$(in_ns hv bridge -d link show dev tap$n)" \
		"learning off flood off .*isolated on" "tap$n: isolated, no learning"
done

# A frame from a guest with another guest's MAC moves nothing.
asked g2 "$mac1/probe:10.1.0.5" -- ask6:fe80::1,fe80::5054:ff:fe00:2 >/dev/null
ok "a guest with its sibling's MAC takes nothing from it" pings cl 10.1.0.5

# flooded: whether a frame to a MAC that no port has comes to g1
flooded() {
	capture_start g1 eth0 flood "ether dst 02:00:00:00:00:99 or icmp"
	in_ns hv ping -n -q -c 1 -W 0.1 10.1.0.99 >/dev/null || :
	in_ns hv ping -n -q -c 1 -W 1 10.1.0.5 >/dev/null || :
	capture_stop flood '> 10.1.0.5: ICMP echo request' >"$work/seen"
	grep -q '02:00:00:00:00:99' "$work/seen"
}

ip_ns hv route add 10.1.0.99 dev br-lan
ip_ns hv neigh add 10.1.0.99 dev br-lan lladdr 02:00:00:00:00:99
nok "a frame to an unknown MAC is not flooded" flooded
in_ns hv bridge link set dev tap1 flood on
ok "(with flooding it is)" flooded
in_ns hv bridge link set dev tap1 flood off
ip_ns hv route del 10.1.0.99 dev br-lan

# The kernel gives a bridge the lowest MAC of its ports, unless somebody gave it
# one, and a new MAC flushes permanent neighbours.
before=$(ip_ns hv neigh show dev br-lan nud permanent)
guest_add g3 tap3 $mac3
ip_ns hv link set tap3 address 00:00:00:00:00:03
ok "a third guest, whose tap has a low MAC" attach g3 tap3 $mac3 \
	10.1.0.7,2001:db8:1::7 --network lan
like "$(ip_ns hv link show dev br-lan)" "link/ether $gateway_mac " \
	"the bridge's MAC is as before"
is "$(ip_ns hv neigh show dev br-lan nud permanent | grep -v "$mac3")" "$before" \
	"and so are the permanent neighbours"
lan_config g3 7
ok "all reach all" pings g3 10.1.0.5 10.1.0.6 2001:db8:1::5 2001:db8:1::6 192.0.2.2

# --- refusals -----------------------------------------------------------------------

before=$(ours; state_dump)
ip_ns hv link add br-other type bridge
tap_add tap4
ip_ns hv link set tap4 master br-other
says 5 'tap4: is a port of br-other' "a tap in another bridge is refused" \
	attach g4 tap4 52:54:00:00:00:04 10.1.0.8 --network lan
ip_ns hv link set tap4 nomaster
ip_ns hv link set tap4 address 52:54:00:00:00:04
says 5 "tap4: has the guest's own MAC" "a tap with the guest's MAC" attach g4 tap4 \
	52:54:00:00:00:04 10.1.0.8 --network lan
is "$(ours; state_dump)" "$before" "both change nothing"

# --- the end ------------------------------------------------------------------------

ok "detach one guest" l3 detach --guest g3
is "$(ours | grep -e 10.1.0.7 -e 2001:db8:1::7 -e $mac3)" "" "it leaves nothing"
ok "the others are not disturbed" pings g1 10.1.0.6 2001:db8:1::6
l3 detach --guest g2
l3 detach --guest g1
is "$(ours)" "" "after the last one nothing of ours is left"
is "$(in_ns hv bridge fdb show | grep -e $mac1 -e $mac2 -e $mac3)" "" \
	"no FDB entry either"

done_testing
