#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# exabgp.sh - the real ExaBGP, told by the agent: ranks in both families, and restarts
# that the router above does not notice
# timeout: 120
set -euo pipefail
. "$(dirname "$0")/common.sh"
[[ -n $(type -P exabgp) ]] || skip_all "needs exabgp"

A4=10.0.0.5 A6=2001:db8::5

exabgp_up()
{
	on_start hv1 exabgp.log env exabgp.daemon.user=root exabgp.daemon.daemonize=false \
		exabgp /etc/exabgp/exabgp.conf
	NODE_PID[hv1/exabgp]=$!
}

exabgp_kill()
{
	kill -KILL "${NODE_PID[hv1/exabgp]}"
	wait "${NODE_PID[hv1/exabgp]}" 2>/dev/null || true
}

# path_is ADDRESS PATH [TEXT] - as the router above has it
path_is()
{
	local text
	text=$(bgp_path tor bird "$1")
	grep -q "BGP.as_path: $2\$" <<<"$text" && grep -qF -- "${3-}" <<<"$text"
}

both_are()
{
	local address
	for address in $A4 $A6; do
		wait_until 15 path_is $address "$@" || {
			bgp_path tor bird $address
			return 1
		}
	done
}

announced()
{
	on hv1 l3vm status --json | tr -d ' \n' |
		grep -q '"announcer":"exabgp","ok":true'
}

fabric_up hv1
on hv1 ip link add tap1 type veth peer name guest1
on hv1 ip link set guest1 up
mkdir -p "$LAB/hv1/etc/exabgp" "$LAB/hv1/etc/l3vm" "$LAB/hv1/run/exabgp"
cp "$L3VM_SRC/examples/exabgp/exabgp.conf" "$LAB/hv1/etc/exabgp/"
cp "$L3VM_SRC/examples/exabgp/l3vm.conf" "$LAB/hv1/etc/l3vm/"
on hv1 mkfifo /run/exabgp/exabgp.in /run/exabgp/exabgp.out
daemon_up tor bird

# The agent is there first: whatever it is to tell waits for ExaBGP.
agent_up hv1 --no-libvirt
on hv1 l3vm attach --guest vm1 --ifname tap1 --mac 52:54:00:00:00:05 --address $A4,$A6
nok "without ExaBGP it is pending" announced
exabgp_up
ok "ExaBGP starts: the router has the guest, at normal rank" both_are "65001 65001"
ok "status says so" wait_until 5 announced
on hv1 l3vm migrate-notify vm1 --phase leaving
ok "last rank: GRACEFUL_SHUTDOWN, MED, four times the AS" \
	both_are "65001 65001 65001 65001" "(65535,0)"
on hv1 l3vm migrate-notify vm1 --phase aborted
ok "normal again" both_are "65001 65001"

watch_routes tor
exabgp_kill
exabgp_up
ok "ExaBGP was killed: it has a session again" wait_until 30 eval \
	'sessions_up tor bird 2 && announced'
ok "it has said that it is done" wait_until 30 eval \
	'on tor birdc show protocols all | grep -c "Routes: .* 1 imported" | grep -q 2'
ok "the router has the routes" both_are "65001 65001"
kill "${NODE_PID[tor/monitor]}"
unlike "$(<"$LAB/tor/log/monitor.log")" "Deleted ($A4|$A6)" \
	"and had them all the time"

on hv1 l3vm detach --guest vm1
ok "the guest ends: its routes are withdrawn" none_routed tor $A4 $A6
agent_down hv1
lab_done_testing
