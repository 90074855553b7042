#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# neighbour.sh - hypervisors on one link below a router that makes host routes of its
# neighbour table and announces them by BGP, as rdnbrd or EVPN switches do: a guest
# that is heard of, a silent one, and a move, with the packets counted
#
#	cli --- spine --- tor === hv1, hv2      (=== one Ethernet link, a bridge)
# timeout: 120
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 A6=2001:db8::5 # answers
S4=10.0.0.6 S6=2001:db8::6 # says nothing unasked

for node in cli spine tor hv1 hv2; do
	node_add $node
done
link_add spine cli0 198.51.100.1/24 2001:db8:f000::1/64 \
	cli up0 198.51.100.2/24 2001:db8:f000::2/64
link_add tor up0 192.0.2.1/30 2001:db8:ffff:1::1/64 \
	spine tor0 192.0.2.2/30 2001:db8:ffff:1::2/64
on cli ip route add default via 198.51.100.1
on cli ip route add default via 2001:db8:f000::1
on tor ip link add br0 type bridge
on tor ip link set br0 up
on tor ip addr add 203.0.113.1/24 dev br0
on tor ip -6 addr add 2001:db8:e::1/64 dev br0 nodad
for n in 1 2; do
	link_add tor hv$n 0.0.0.0/32 2001:db8:ffff:9::$n/128 \
		hv$n up0 203.0.113.1$n/24 2001:db8:e::1$n/64
	on tor ip addr flush dev hv$n
	on tor ip link set hv$n master br0
	on hv$n ip route add default via 203.0.113.1
	on hv$n ip route add default via 2001:db8:e::1
done

# Unknown senders enter the table, as its daemon wants it
on tor sysctl -qw net.ipv4.conf.br0.arp_accept=1 net.ipv6.conf.br0.accept_untracked_na=1

# The daemon: a route for each neighbour of the guests' prefixes that is alive, none
# for one that failed. It asks those it has not heard of for long, as the kernel does.
cat >"$LAB/tmp/redistribute" <<-'END'
	while read -r line; do
		address= state=
		read -r first rest <<<"${line#Deleted }"
		case $first in 10.0.*|2001:db8::*) address=$first ;; *) continue ;; esac
		case $line in
		Deleted*|*FAILED*|*INCOMPLETE*) ip route del "$address" dev br0 proto 99 ;;
		*lladdr*) ip route replace "$address" dev br0 proto 99 ;;
		esac 2>/dev/null
	done < <(ip -o monitor neigh dev br0)
END
on_start tor redistribute.log bash "$LAB/tmp/redistribute"

# bird_with NODE CONFIGURATION
bird_with()
{
	install -d -o bird -g bird "$LAB/$1/etc/bird" "$LAB/$1/run/bird"
	cat >"$LAB/$1/etc/bird/bird.conf"
	on_start "$1" bird.log bird -f -u bird -g bird
	NODE_PID[$1/bird]=$!
	wait_until 10 on "$1" birdc show status
}

for node in tor spine; do
	as=65000 peer=65100 here=1 there=2 learn=
	[[ $node == spine ]] && as=65100 peer=65000 here=2 there=1
	[[ $node == tor ]] && learn='learn; scan time 60; netlink rx buffer 1048576;'
	bird_with $node <<-END
		router id 192.0.2.$here;
		protocol device {}
		protocol direct { ipv4; ipv6; }
		protocol kernel { $learn ipv4 { import where krt_source = 99;
			export where source = RTS_BGP; }; }
		protocol kernel { $learn ipv6 { import where krt_source = 99;
			export where source = RTS_BGP; }; }
		protocol bgp peer {
			local 192.0.2.$here as $as;
			neighbor 192.0.2.$there as $peer;
			connect delay time 1;
			ipv4 { import all; export all; };
			ipv6 { import all; export all;
				next hop address 2001:db8:ffff:1::$here; };
		}
	END
done
ok "tor and spine speak BGP" wait_until 30 sessions_up tor bird 1

mac_of()
{
	echo "52:54:00:00:00:0${1: -1}"
}

# guest_at NODE GUEST IPV4 IPV6 - a namespace that is there on both hosts
guest_at()
{
	local node=$1 guest=$2 tap=tap${2: -1}
	node_add "$guest-$node"
	ip link add "$tap" netns "$node" type veth \
		peer name eth0 address "$(mac_of "$guest")" netns "$guest-$node"
	on "$guest-$node" ip link set eth0 up
	on "$node" ip link set "$tap" up
	on "$guest-$node" ip addr add "$3" dev eth0
	on "$guest-$node" ip addr add "$4" dev eth0 nodad
	on "$guest-$node" ip route add default via 169.254.0.1 dev eth0 onlink
	on "$guest-$node" ip route add default via fe80::1 dev eth0
	on_start "$guest-$node" peer.log "$LAB/image/peer" serve 7777
}

attach()
{
	on "$1" l3vm attach --guest "$2" --ifname "tap${2: -1}" \
		--mac "$(mac_of "$2")" --address "$3,$4" "${@:5}"
}

mkdir -p "$LAB/image"
gcc -O2 -o "$LAB/image/peer" "$LAB_LIB/peer.c"
for node in hv1 hv2; do
	printf '%s\n' '[announcer neighbour]' 'uplinks = up0' '[network default]' \
		'announce = neighbour' | on $node sh -c 'mkdir -p /etc/l3vm
		cat >/etc/l3vm/l3vm.conf'
	agent_up $node --no-libvirt
	guest_at $node vm5 $A4 $A6
	guest_at $node vm6 $S4 $S6
done

attach hv1 vm5 $A4 $A6
attach hv1 vm6 $S4 $S6
ok "the router above has routes for the guest" all_routed tor "dev br0" $A4 $A6
ok "and for the silent one" all_routed tor "dev br0" $S4 $S6
ok "the spine has heard of them" all_routed spine "via" $A4 $A6 $S4 $S6
ok "both are reached" reach $A4 $A6 $S4 $S6

# No connection: the two hosts' guests are namespaces that know nothing of each other.
stream()
{
	on_start cli "udp$1.log" "$LAB/image/peer" udp "$2" 7777 1000 4
	NODE_PID[cli/udp$1]=$!
}

# over_there: while the client was answered a hundred times, nothing came to the guest at
# hv1, which has answered all that did (one that has really left would not have to)
over_there()
{
	local before
	before=$(datagrams_of vm5-hv1)
	wait_until 5 answered_more "$(datagrams_received)"
	[[ $(datagrams_of vm5-hv1) == "$before" && ${before% *} == "${before#* }" ]]
}

answered_more()
{
	(($(datagrams_received) > $1 + 100))
}

# datagrams_of NODE: received and sent, of both families
datagrams_of()
{
	on "$1" nstat -asz UdpInDatagrams UdpOutDatagrams Udp6InDatagrams \
		Udp6OutDatagrams | awk '
		/In/ { received += $2 } /Out/ { sent += $2 }
		END { print received, sent }'
}

stream 4 $A4
stream 6 $A6
before=$(datagrams_received)
wait_until 5 eval '(($(datagrams_received) > before + 500))'
attach hv2 vm5 $A4 $A6 --prepared
on hv1 l3vm migrate-notify vm5 --phase leaving
on hv2 l3vm migrate-notify vm5
ok "the guest moves: the router's neighbour is the other host" wait_until 5 eval '
	mac=$(on hv2 cat /sys/class/net/up0/address)
	[[ $(on tor ip neigh show $A4)$(on tor ip -6 neigh show $A6) == \
		*$mac*$mac* ]]'
ok "nothing is on its way to where it was" wait_until 5 over_there
on hv1 l3vm migrate-notify vm5 --phase left
wait "${NODE_PID[cli/udp4]}" "${NODE_PID[cli/udp6]}"
for family in 4 6; do
	like "$(<"$LAB/cli/log/udp$family.log")" 'sent=4000 .* lost=0 ' \
		"no packet is lost: IPv$family"
done
ok "the router kept its routes" all_routed tor "dev br0" $A4 $A6

on hv1 l3vm detach --guest vm6
on tor ip neigh flush dev br0
ok "a guest that is gone loses its routes" none_routed spine $S4 $S6
lab_done_testing
