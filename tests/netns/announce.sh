#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# announce.sh - what `l3vm announce` sends to guests, to the last frame, and what
# it tells routing daemons
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need tcpdump

cat >"$L3VM_CONFIG" <<-'END'
	[network lan]
	mode = bridge
	bridge = br-lan
	gateway4 = 10.1.0.1
	gateway6 = fe80::7
	gateway-mac = 02:00:00:00:00:07
END
host_add hv
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02 mac3=52:54:00:00:00:03
mac4=52:54:00:00:00:04
guest_add g1 tap1 $mac1
guest_add g2 tap2 $mac2
guest_add g3 tap3 $mac3
guest_add g4 tap4 $mac4
attach vm1 tap1 $mac1 10.0.0.1,2001:db8::1
attach vm2 tap2 $mac2 10.0.0.2,2001:db8::2
attach vm3 tap3 $mac3 10.1.0.3,2001:db8:1::3 --network lan
attach vm4 tap4 $mac4 10.1.0.4,2001:db8:1::4 --network lan
for n in 1 2; do
	guest_config g$n 10.0.0.$n 2001:db8::$n
done
for n in 3 4; do
	ip_ns g$n addr add 10.1.0.$n/24 dev eth0
	ip_ns g$n addr add 2001:db8:1::$n/128 dev eth0 nodad
	ip_ns g$n -6 route add default via fe80::7 dev eth0
done

# listen GUEST...: to everything but what interfaces say when they come up
listen() {
	local guest
	pids=()
	for guest; do
		capture_start "$guest" eth0 "$guest" \
			"arp or icmp or (icmp6 and ip6[40] >= 133 and ip6[40] <= 137)"
		pids+=("$capture_pid")
	done
}

# heard GUEST...: what each has heard of the host, without times and lengths. A
# ping is sent last: when it is there everything is.
heard() {
	local guest i=0 address
	for guest; do
		address=10.0.0.${guest#g}
		[ "${guest#g}" -lt 3 ] || address=10.1.0.${guest#g}
		in_ns hv ping -n -q -c 1 -W 2 "$address" >/dev/null || :
		capture_pid=${pids[i++]}
		capture_stop "$guest" "> $address: ICMP echo request" >"$work/heard"
		sed -nE '/ICMP echo request/,$!s/^[0-9:.]+ ([0-9a-f:]{17} > )/\1/p' \
			"$work/heard" | sed -E 's/, ethertype (ARP|IPv6)[^:]*/ \1/
				s/, length [0-9]+$//' |
			# nor what a bridge's port asks when it comes up
			grep -v -e '^52:54:' -e ':: > ff02::1:ff' || :
	done
}

na='neighbor advertisement'
# three MAC GATEWAY4 GATEWAY6: the frames that are right
three() {
	cat <<-END
		$1 > ff:ff:ff:ff:ff:ff ARP: Request who-has $2 tell $2
		$1 > ff:ff:ff:ff:ff:ff ARP: Reply $2 is-at $1
		$1 > 33:33:00:00:00:01 IPv6: $3 > ff02::1: ICMP6, $na, tgt is $3
	END
}

# --- frames ---------------------------------------------------------------------

listen g1 g2
ok "announce of one guest" l3 announce vm1
is "$(heard g1)" "$(three $gateway_mac 169.254.0.1 fe80::1)" \
	"it hears ARP as request and as reply, and a neighbour advertisement"
pids=("${pids[@]:1}")
is "$(heard g2)" "" "and its neighbour hears nothing"

listen g3 g4
ok "announce of one guest on a bridge" l3 announce vm3
is "$(heard g3 g4)" \
	"$(for guest in 3 4; do three 02:00:00:00:00:07 10.1.0.1 fe80::7; done)" \
	"both guests hear the bridge's gateway, once"

listen g1 g2 g3
ok "announce of all" l3 announce
is "$(heard g1 g2)" \
	"$(for guest in 1 2; do three $gateway_mac 169.254.0.1 fe80::1; done)" \
	"every guest hears its gateway"
kill "$capture_pid" 2>/dev/null || :

# The flags tell a guest that this is a router, and to replace what it knows.
capture_start g1 eth0 flags -v "icmp6 and ip6[40] == 136"
l3 announce vm1
like "$(capture_stop flags 'Flags')" 'Flags \[router, override\]' \
	"router and override flags"

# What they are for: a guest with a wrong idea of its gateway's MAC learns it.
# knows MAC: what g1 has for its gateway's addresses
knows() {
	local known
	known=$(ip_ns g1 neigh show |
		sed -nE 's/^(169.254.0.1|fe80::1) .* lladdr ([0-9a-f:]*) .*/\2/p')
	[ "$(sort -u <<<"$known")" = "$1" ]
}
# mistakes MAC: it has this one; what it had asked for before may come in between
mistakes() {
	ip_ns g1 neigh replace 169.254.0.1 dev eth0 lladdr "$1" nud stale
	ip_ns g1 neigh replace fe80::1 dev eth0 lladdr "$1" nud stale
	knows "$1"
}
ok "(a guest can have a wrong idea)" wait_for 5 mistakes 02:00:00:00:00:99
l3 announce vm1
ok "an announcement sets it right, in both families" wait_for 5 knows $gateway_mac

# --- routes ------------------------------------------------------------------------

# told_routes: what a routing daemon hears; the last word on each route counts
told_routes() {
	monitor_stop told | sed -n '/ proto 76 /p' |
		sed 's/ proto 76//; s/ scope link//; s/ pref medium//; s/ *$//' |
		awk '{ last[$1 == "Deleted" ? $2 : $1] = $0 }
			END { for (route in last) print last[route] }' | sort
}

monitor_start told route
l3 announce vm1
is "$(told_routes)" "10.0.0.1 dev tap1 metric 5
2001:db8::1 dev tap1 metric 5" "the routes are told again"
is "$(grep -c 'Deleted.* proto 76' "$work/told")" 0 "at no moment there is none"
monitor_start told route
l3 announce
is "$(told_routes | wc -l)" 8 "announce of all tells all of them"

# --- states ------------------------------------------------------------------------

l3 detach --guest vm1
attach vm1 tap1 $mac1 10.0.0.1,2001:db8::1 --prepared
listen g1
monitor_start told route
ok "announce of a guest that is not here yet" l3 announce vm1
is "$(told_routes)" "" "tells no route"
l3 migrate-notify vm1
is "$(heard g1)" "" "and sends nothing"
exits 4 "announce of a guest that does not exist" l3 announce vm9

done_testing
