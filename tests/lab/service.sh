#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# service.sh - the example's anycast addresses, on a host with BIRD and one with FRR:
# announced while well, drained, and announced by what the recipes let through alone
# timeout: 60
set -euo pipefail
LAB_TOOLS=(bird vtysh python3)
. "$(dirname "$0")/common.sh"

A4=10.53.0.53 A6=2001:db8:53::53
example=$L3VM_SRC/examples/service

# The unit's lines, in their order and in a fifth of its time; what is installed is
# where they say.
lines()
{
	sed -n "s/--interval 1/--interval 0.2/; s/sleep 2/sleep 0.4/; s/^$1=//p" \
		"$example/anycast-dns.service"
}

unit_starts()
{
	on_sh "$1" "$(lines ExecStart)"
}

# Somebody takes connections on both addresses.
server_starts()
{
	on_start "$1" server.log python3 -c '
import socket, sys
from select import select
def listener(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, 53))
    sock.listen(10)
    return sock
socks = [listener(address) for address in sys.argv[2:]]
while True:
    for sock in select(socks, [], [])[0]:
        conn = sock.accept()[0]
        conn.sendall(sys.argv[1].encode() + b"\n")
        conn.close()' "$1" $A4 $A6
	NODE_PID[$1/server]=$!
}

served_by()
{
	[[ $(connect $A4 53) == "$1" && $(connect $A6 53) == "$1" ]]
}

# served WHAT NODE - a point
served()
{
	ok "$1: $2 answers, in both families" wait_until 10 served_by "$2"
}

# known NODE METRIC... - its daemon has learned routes of these metrics
known()
{
	[[ $(on "$1" ip route show proto 76; on "$1" ip -6 route show proto 76) == \
		*"$A4 dev lo "*"metric $2"*"$A6 dev lo "*"metric $2"* ]]
}

states_are()
{
	[[ $(on "$1" l3vm service list | awk 'NR > 1 { print $4 }' | xargs) == "$2" ]]
}

announced_by()
{
	[[ $(on "$1" l3vm service list | awk 'NR > 1' | grep -c " $2 *- *$") -eq 2 ]]
}

fabric_up hv1 hv2
daemon_up tor bird
for node in hv1 hv2; do
	daemon=bird
	[[ $node == hv1 ]] || daemon=frr
	daemon_up $node $daemon
	install -D -m 644 "$example/l3vm.conf" "$LAB/$node/etc/l3vm/l3vm.conf"
	install -D "$example/check-tcp" "$LAB/$node/local/l3vm/check-tcp"
	on $node mount --bind "$LAB/$node/local" /usr/local/lib
	unit_starts $node
	on_start $node agent.log l3vm-agent --no-libvirt
done
ok "sessions are up" wait_until 30 sessions_up tor bird 4
is "$(on hv1 l3vm service list | awk 'NR > 1 { print $4 }' | xargs)" "down down" \
	"nobody serves: nothing is announced"

server_starts hv1
server_starts hv2
for node in hv1 hv2; do
	daemon=bird
	[[ $node == hv1 ]] || daemon=frr
	ok "$daemon: both are up" wait_until 10 states_are $node "up up"
	ok "$daemon announces them, by its own word" wait_until 10 announced_by $node $daemon
	unlike "$(on tor ip route; on tor ip -6 route)" '127\.53|::1 ' \
		"$daemon: and not their other ends"
done

on hv2 l3vm service drain $A4
on hv2 l3vm service drain $A6
served "FRR's host is drained" hv1
on hv2 l3vm service undrain $A4
on hv2 l3vm service undrain $A6
on hv1 l3vm service drain $A4
on hv1 l3vm service drain $A6
ok "the other way round: both ranks are normal again" known hv2 5
served "BIRD's host is drained" hv2
kill "${NODE_PID[hv2/server]}"
served "the server of the other one dies: drained is better than nothing" hv1
ok "FRR's host has withdrawn" wait_until 5 states_are hv2 "down down"
server_starts hv2
served "it lives again" hv2

# What the unit does when the name server is stopped
on_sh hv2 "$(lines ExecStop)"
served "the unit of FRR's host stops" hv1
is "$(on hv2 l3vm service list)" "no service addresses" "nothing is left of it"
lab_done_testing
