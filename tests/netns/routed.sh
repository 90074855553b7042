#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# routed.sh - packets of routed taps: what flows, what is answered, what is not
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need tcpdump /usr/bin/python3

cat >"$L3VM_CONFIG" <<-'END'
	[network proxied]
	proxy-arp = yes

	[network apart]
	routes-table = 177

	[network tenant]
	table = 100
	gateway4 = 10.100.0.1
	gateway6 = fe80::a
	gateway-mac = 02:00:00:00:64:01
END
host_add hv
client_add
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02 mac3=52:54:00:00:00:03
mac4=52:54:00:00:00:04 mac5=52:54:00:00:00:05

# asked GUEST QUESTION...: who answers the guest's questions
asked() {
	in_ns "$1" "$L3VM_SRC/tests/netns/ask.py" eth0 "${@:2}"
}

run l3 check --json
unlike "$(tr -d '\n' <"$work/out")" '"(warning|error)", *"subject": *"net/' \
	"the settings of etc/sysctl.d are what check asks for"

# --- addresses and prefixes of both families ----------------------------------

guest_add g1 tap1 $mac1
ok "attach a port with everything" attach g1 tap1 $mac1 \
	10.0.0.5,10.0.9.9,2001:db8::5,2001:db8:9::9 \
	--prefix 10.5.0.0/24,2001:db8:5::/64
guest_config g1 10.0.0.5 10.0.9.9 2001:db8::5 2001:db8:9::9
ip_ns g1 addr add 10.5.0.1/24 dev lo
ip_ns g1 addr add 2001:db8:5::1/64 dev lo nodad
is "$(routes main)" "10.0.0.5 dev tap1 metric 5
10.0.9.9 dev tap1 metric 5
10.5.0.0/24 via 10.0.0.5 dev tap1 metric 5 onlink
2001:db8:5::/64 via fe80::5054:ff:fe00:1 dev tap1 metric 5 onlink
2001:db8:9::9 dev tap1 metric 5
2001:db8::5 dev tap1 metric 5" "the routes, all at normal rank"
router_is tap1 0 0 169.254.0.1 "the tap is the guest's router"
ok "the client reaches every address" pings cl \
	10.0.0.5 10.0.9.9 2001:db8::5 2001:db8:9::9
ok "and what is behind the guest" pings cl 10.5.0.1 2001:db8:5::1
ok "the guest reaches the client" pings g1 192.0.2.2 2001:db8:c::2
ok "the host reaches the guest" pings hv 10.0.0.5 2001:db8::5
is "$(ip_ns hv neigh show dev tap1 | grep -v -e PERMANENT -e ^fe80)" "" \
	"the host resolved nothing: all of its neighbours are permanent"

guest_add g2 tap2 $mac2
attach g2 tap2 $mac2 10.0.0.2 --prefix 2001:db8:2::/64
guest_config g2 10.0.0.2
ip_ns g2 addr add 2001:db8:2::1/64 dev lo nodad
guest_add g3 tap3 $mac3
attach g3 tap3 $mac3 2001:db8::3 --prefix 10.3.0.0/24
guest_config g3 2001:db8::3
ip_ns g3 addr add 10.3.0.1/24 dev lo
like "$(routes main)" "10\.3\.0\.0/24 via inet6 fe80::5054:ff:fe00:3 dev tap3" \
	"an IPv4 prefix without an IPv4 address has an IPv6 next hop"
ok "a prefix behind a guest without an address of its family" pings cl \
	2001:db8:2::1 10.3.0.1
ip_ns g3 route replace default via 169.254.0.1 dev eth0 onlink src 10.3.0.1
ok "and from there to the client" pings g3 192.0.2.2
ok "two guests reach each other" pings g1 10.0.0.2 2001:db8::3

# as when a guest comes whose old host announces it as yet
ip_ns hv -6 route add 2001:db8::7 via 2001:db8:c::2 metric 32 proto bird
guest_add g7 tap7 52:54:00:00:00:07
ok "a prefix of a guest to whom the fabric knows another way" \
	attach g7 tap7 52:54:00:00:00:07 2001:db8::7 --prefix 2001:db8:7::/64 --network apart
guest_config g7 2001:db8::7
ip_ns g7 addr add 2001:db8:7::1/64 dev lo nodad
ok "the client reaches both" pings cl 2001:db8::7 2001:db8:7::1
ok "its port is repaired, too" l3 reconcile
l3 detach --guest g7
ip_ns hv -6 route del 2001:db8::7 metric 32
for family in -4 -6; do # the rule to the table of routes serves all, and stays
	ip_ns hv $family rule del pref 7602
done

# --- the gateway ------------------------------------------------------------------

is "$(ip_ns hv route show default; ip_ns hv -6 route show default)" "" \
	"the host has no default route"
is "$(asked g1 ask:169.254.0.1:10.0.0.5 -- ask6:fe80::1,fe80::5054:ff:fe00:1)" \
	"169.254.0.1 is-at $gateway_mac
fe80::1 is-at $gateway_mac" "the gateway answers all the same, at its constant MAC"
is "$(asked g2 ask:169.254.0.1:10.0.0.2 -- ask6:fe80::1,fe80::5054:ff:fe00:2)" \
	"169.254.0.1 is-at $gateway_mac
fe80::1 is-at $gateway_mac" "at the same on another tap"
is "$(asked g1 ask:192.0.2.1:10.0.0.5 ask:192.0.2.2:10.0.0.5 ask:10.0.0.2:10.0.0.5 \
	ask6:2001:db8:c::1,2001:db8::5 ask6:2001:db8::3,2001:db8::5 \
	-- ask:169.254.0.1:10.0.0.5)" "169.254.0.1 is-at $gateway_mac" \
	"and for nobody else: not the host's others, client's or sibling's address"
is "$(asked g1 dad:fe80::1 probe:169.254.0.1 -- ask:169.254.0.1:10.0.0.5)" \
	"169.254.0.1 is-at $gateway_mac" "who wants its addresses is not heard"
asked g1 "$gateway_mac/dad:fe80::1" -- ask:169.254.0.1:10.0.0.5 >/dev/null
unlike "$(ip_ns hv addr show dev tap1)" "dadfailed|tentative" \
	"and no guest can take them from it"

# --- spoofing and redirects ---------------------------------------------------------

# filtered: how many packets reverse-path filtering has dropped
filtered() {
	# shellcheck disable=SC2016 # fields of awk's
	in_ns hv awk '/^TcpExt:/ && !head { split($0, name); head = 1; next }
		/^TcpExt:/ { for (i = 1; i <= NF; i++)
			if (name[i] == "IPReversePathFilter") print $i }' \
		/proc/net/netstat
}

# spoofs: whether a forged packet of g1 arrives at the client
spoofs() {
	capture_start cl eth0 spoof icmp
	in_ns g1 ping -q -c 1 -W 0.1 -I 10.0.0.2 192.0.2.2 >/dev/null || :
	in_ns g1 ping -q -c 1 -W 1 -I 10.0.0.5 192.0.2.2 >/dev/null || :
	capture_stop spoof '10.0.0.5 > 192.0.2.2' >"$work/seen"
	grep -q '10.0.0.2 > 192.0.2.2' "$work/seen"
}

ip_ns g1 addr add 10.0.0.2/32 dev eth0
# The guard is the first to drop it. This is about what is left without one.
in_ns hv nft delete table inet l3vm
before=$(filtered)
nok "a guest cannot send from its neighbour's address" spoofs
isnt "$(filtered)" "$before" "it is reverse-path filtering that drops it"
in_ns hv sysctl -qw net.ipv4.conf.tap1.rp_filter=0
ok "(without it the packet arrives)" spoofs
l3 reconcile >/dev/null
nok "with the guard and the filter back it does not" spoofs
ip_ns g1 addr del 10.0.0.2/32 dev eth0

# redirected: whether a packet that goes back out of g1's tap brings a redirect
redirected() {
	capture_start g1 eth0 redirect 'icmp[icmptype] = 5 or icmp[icmptype] = 8'
	in_ns g1 ping -q -c 1 -W 0.1 10.5.0.99 >/dev/null || :
	in_ns g1 ping -q -c 1 -W 1 192.0.2.2 >/dev/null || :
	capture_stop redirect '> 192.0.2.2: ICMP echo' >"$work/seen"
	grep -q 'ICMP redirect' "$work/seen"
}

# without it on lo, the guest sends to its own prefix by way of its gateway
ip_ns g1 addr del 10.5.0.1/24 dev lo
nok "no ICMP redirect" redirected
in_ns hv sysctl -qw net.ipv4.conf.tap1.send_redirects=1
ok "(there is one if they are allowed)" redirected
in_ns hv sysctl -qw net.ipv4.conf.tap1.send_redirects=0

# --- proxy-arp, and the guest's own address in every state ------------------------

guest_add g4 tap4 $mac4
attach g4 tap4 $mac4 10.0.0.4,2001:db8::4 --network proxied
guest_config g4 10.0.0.4/24 2001:db8::4
router_is tap4 1 0 169.254.0.1 "proxy-arp: the tap"
ok "proxy-arp: a guest with a /24 reaches its siblings" pings g4 10.0.0.2 10.0.0.5
ok "and the client" pings g4 192.0.2.2
is "$(asked g4 ask:10.0.0.5:10.0.0.4 -- ask:169.254.0.1:10.0.0.4)" \
	"10.0.0.5 is-at $gateway_mac
169.254.0.1 is-at $gateway_mac" "the host answers for the sibling"
l3 detach --ifname tap4

# With a default route the host has a route to every address, so it answers for
# the guest's own wherever it answers at all and the guest's route is missing.
ip_ns hv route add default via 192.0.2.2
ip_ns hv -6 route add default via 2001:db8:c::2

# silent STATE: nobody answers g4 for its own addresses
silent() {
	is "$(state_of g4)" "$1" "g4 is $1"
	is "$(asked g4 probe:10.0.0.4 announce:10.0.0.4 reply:10.0.0.4 \
		ask:10.0.0.4:10.0.0.44 dad:2001:db8::4 \
		ask6:2001:db8::4,fe80::5054:ff:fe00:4 \
		-- ask6:fe80::1,fe80::5054:ff:fe00:4)" "fe80::1 is-at $gateway_mac" \
		"$1: the host is silent about the guest's own addresses"
}

attach g4 tap4 $mac4 10.0.0.4,2001:db8::4 --network proxied --prepared
silent prepared
is "$(asked g4 ask:10.0.0.5:10.0.0.4 -- ask6:fe80::1,fe80::5054:ff:fe00:4)" \
	"fe80::1 is-at $gateway_mac" "prepared: and about everybody's"
for phase in arrived:arrived leaving:leaving aborted:live; do
	l3 migrate-notify g4 --phase "${phase%:*}"
	silent "${phase#*:}"
done
ip_ns hv route del 10.0.0.4 dev tap4 proto 76
in_ns hv sysctl -qw net.ipv4.conf.tap4.rp_filter=0
like "$(asked g4 announce:10.0.0.4 -- ask:169.254.0.1:10.0.0.4)" \
	"^10.0.0.4 is-at $gateway_mac" "(without the route and the filter it is not)"
l3 detach --ifname tap4
is "$(sysctl_of ipv4/conf/tap4/proxy_arp) $(sysctl_of ipv4/conf/tap4/forwarding) $(
	sysctl_of ipv6/conf/tap4/forwarding)" "0 0 0" "a detached tap is closed"
ip_ns hv route del default
ip_ns hv -6 route del default

# --- a second network with a table of its own ---------------------------------------

# The client's lo stands for a net that only the tenant's table leads to.
ip_ns cl addr add 198.51.100.9/32 dev lo
ip_ns cl addr add 2001:db8:99::9/128 dev lo nodad
ip_ns hv route add blackhole 198.51.100.0/24
ip_ns hv -6 route add blackhole 2001:db8:99::/64
ip_ns hv route add 198.51.100.0/24 via 192.0.2.2 table 100
ip_ns hv -6 route add 2001:db8:99::/64 via 2001:db8:c::2 table 100

# rules: all of both families
rules() {
	ip_ns hv -4 rule
	ip_ns hv -6 rule
}

before=$(rules)
guest_add g5 tap5 $mac5
ok "attach in a network with a table" attach g5 tap5 $mac5 10.100.0.5,2001:db8:100::5 \
	--network tenant --prefix 10.105.0.0/24
guest_config g5 10.100.0.5 2001:db8:100::5
ip_ns g5 route replace default via 10.100.0.1 dev eth0 onlink
ip_ns g5 -6 route replace default via fe80::a dev eth0
is "$(routes main | grep -c tap5)" 0 "nothing in main"
is "$(routes 100)" "10.100.0.5 dev tap5 metric 5
10.105.0.0/24 via 10.100.0.5 dev tap5 metric 5 onlink
2001:db8:100::5 dev tap5 metric 5" "the routes are in the table"
is "$(diff <(echo "$before") <(rules) | sed -n 's/^> //p' | LC_ALL=C sort)" \
	"7600:	from all iif tap5 lookup 100 proto 76
7600:	from all iif tap5 lookup 100 proto 76
7601:	from all to 10.100.0.5 lookup 100 proto 76
7601:	from all to 10.105.0.0/24 lookup 100 proto 76
7601:	from all to 2001:db8:100::5 lookup 100 proto 76" "the rules"
ok "the client reaches the guest" pings cl 10.100.0.5 2001:db8:100::5
ok "what the guest sends is routed by the table" pings g5 198.51.100.9 2001:db8:99::9
ok "(and what another network's sends is not)" no_ping g1 198.51.100.9
is "$(asked g5 ask:10.100.0.1:10.100.0.5 -- ask6:fe80::a,fe80::5054:ff:fe00:5)" \
	"10.100.0.1 is-at 02:00:00:00:64:01
fe80::a is-at 02:00:00:00:64:01" "the network has its own gateway and gateway MAC"
ok "both networks at once" pings cl 10.0.0.5 10.100.0.5 2001:db8::5 2001:db8:100::5
ok "guests of two networks reach each other" pings g1 10.100.0.5

ok "detach" l3 detach --ifname tap5
is "$(rules)" "$before" "no rule is left, in either family"
is "$(routes 100)" "" "and no route"
attach g5 tap5 $mac5 10.100.0.5,2001:db8:100::5 --network tenant
ip_ns hv link del tap5
like "$(rules)" 'iif tap5 \[detached\]' "the tap goes first: its rules are detached"
ok "detach then" l3 detach --ifname tap5
is "$(rules)" "$before" "no [detached] rule is left, in either family"

# --- the end ------------------------------------------------------------------------

for guest in g1 g2 g3; do
	ok "detach $guest" l3 detach --guest "$guest"
done
is "$(ours)" "" "nothing of ours is left"
ok "and the client reaches nobody" no_ping cl 10.0.0.5

done_testing
