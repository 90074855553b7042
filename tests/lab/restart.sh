#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # commands that `ok` and its kin run
# restart.sh - a hypervisor's BIRD or ExaBGP is started anew, and no packet is lost; but
# a host that falls silent yields to another one
# timeout: 120
set -euo pipefail
LAB_TOOLS=(bird vtysh exabgp gcc)
. "$(dirname "$0")/common.sh"
OF4=10.0.0.77/32 OF6=2001:db8::77/128

routes()
{
	local prefix
	for prefix in $OF4 $OF6; do
		"route_$1" "$2" $prefix "$3"
	done
}

# streams_begin - of 1000 datagrams a second, of which answers come
streams_begin()
{
	local before prefix
	before=$(datagrams_received) streams=()
	for prefix in $OF4 $OF6; do
		: >"$LAB/cli/log/stream${#prefix}.log"
		on_start cli "stream${#prefix}.log" "$LAB/peer" udp "${prefix%/*}" 7777 1000 30
		streams+=($!)
	done
	wait_until 10 eval "((\$(datagrams_received) > $before + 200))"
}

lost_none()
{
	local prefix
	kill "${streams[@]}"
	wait "${streams[@]}" || true
	for prefix in $OF4 $OF6; do
		like "$(<"$LAB/cli/log/stream${#prefix}.log")" 'sent=[0-9]{3,} .* lost=0 ' \
			"$1: ${prefix%/*}: no packet is lost"
	done
}

# established NODE - when its sessions came up, as the router says
established()
{
	on tor birdc show protocols | awk -v name="^$1_" '$1 ~ name && /Established/ { print $5 }'
}

# anew SINCE - both sessions of hv1 are others than before, and all is said
anew()
{
	local now
	now=$(established hv1)
	[[ $(wc -l <<<"$now") -eq 2 && -z $(comm -12 <(sort <<<"$1") <(sort <<<"$now")) ]] &&
		! on tor birdc show route all | grep -q 'LLGR_STALE\|(65535, *6)'
}

bird_again()
{
	wait "${NODE_PID[hv1/bird]}" 2>/dev/null || true
	on_start hv1 bird.log bird -R -f -u bird -g bird
	NODE_PID[hv1/bird]=$!
}

exabgp_up()
{
	on_start hv1 exabgp.log env exabgp.daemon.user=root exabgp.daemon.daemonize=false \
		exabgp /etc/exabgp/exabgp.conf
	NODE_PID[hv1/exabgp]=$!
}

gcc -O2 -o "$LAB/peer" "$LAB_LIB/peer.c"
fabric_up hv1 hv2
for node in hv1 hv2; do
	guest_up_at $node
	on_start g${node#hv} peer.log "$LAB/peer" serve 7777
	n=${node#hv}
	on $node ip route add default via 192.0.2.$((n * 4 - 3))
	on $node ip route add default via 2001:db8:ffff:$n::1
done
daemon_up tor bird
daemon_up hv1 bird
daemon_up hv2 frr
ok "all sessions are up" wait_until 60 sessions_up tor bird 4
ok "BFD watches them" wait_until 20 bfd_up tor bird 4
routes add hv1 $PREFERRED
all_routed tor 'dev hv1' $OF4 $OF6

before=$(established hv1)
streams_begin
on hv1 birdc graceful restart >/dev/null
bird_again
ok "BIRD is restarted gracefully: other sessions" wait_until 20 anew "$before"
lost_none "BIRD is restarted gracefully"

wait_until 10 bfd_up tor bird 4
before=$(established hv1)
streams_begin
daemon_signal hv1 bird KILL
bird_again
ok "BIRD is killed and started: other sessions" wait_until 20 anew "$before"
lost_none "BIRD is killed and started"

wait_until 10 bfd_up tor bird 4
routes add hv2 $NORMAL
wait_until 10 eval 'on tor birdc show route for 10.0.0.77 all | grep -q 65002'
daemon_signal hv1 bird STOP
ok "BIRD's host falls silent: the router turns to another host" \
	all_routed tor 'dev hv2' $OF4 $OF6
daemon_signal hv2 frr STOP
ok "FRR's host, too: the router has nothing better than the first one" \
	all_routed tor 'dev hv1' $OF4 $OF6
daemon_signal hv1 bird KILL
daemon_signal hv2 frr KILL
routes del hv1 $PREFERRED

# Now l3vm has the guest, and another gateway.
on g1 ip neigh del 169.254.0.1 dev guest1
on g1 ip neigh del fe80::1 dev guest1
mkdir -p "$LAB/hv1/etc/exabgp" "$LAB/hv1/etc/l3vm" "$LAB/hv1/run/exabgp"
cp "$L3VM_SRC/examples/exabgp/exabgp.conf" "$LAB/hv1/etc/exabgp/"
cp "$L3VM_SRC/examples/exabgp/l3vm.conf" "$LAB/hv1/etc/l3vm/"
on hv1 mkfifo /run/exabgp/exabgp.in /run/exabgp/exabgp.out
on tor birdc restart all >/dev/null
exabgp_up
agent_up hv1 --no-libvirt
on hv1 l3vm attach --guest vm1 --ifname guest0 --mac 02:00:00:00:00:02 \
	--address "${OF4%/*},${OF6%/*}"
ok "ExaBGP: the guest is announced" all_routed tor 'dev hv1' $OF4 $OF6
before=$(established hv1)
streams_begin
{ kill -KILL "${NODE_PID[hv1/exabgp]}"; wait "${NODE_PID[hv1/exabgp]}" || true; } 2>/dev/null
exabgp_up
ok "ExaBGP is killed and started: other sessions" wait_until 20 anew "$before"
lost_none "ExaBGP is killed and started"
agent_down hv1
lab_done_testing
