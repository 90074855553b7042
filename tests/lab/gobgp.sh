#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# gobgp.sh - the example program for GoBGP, run by the agent: ranks in both families,
# and a GoBGP that forgets all and is told again
set -euo pipefail
. "$(dirname "$0")/common.sh"
[[ -n $(type -P gobgpd) ]] || skip_all "needs gobgpd"

A4=10.0.0.5 A6=2001:db8::5

gobgp_up()
{
	on_start hv1 gobgpd.log gobgpd --log-level warn -f "$L3VM_SRC/examples/exec/gobgpd.toml"
	NODE_PID[hv1/gobgpd]=$!
	wait_until 10 on hv1 gobgp global
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
		wait_until 30 path_is $address "$@" || {
			bgp_path tor bird $address
			return 1
		}
	done
}

fabric_up hv1
on hv1 ip link add tap1 type veth peer name guest1
on hv1 ip link set guest1 up
printf '%s\n' '[announcer exec]' "command = $L3VM_SRC/examples/exec/gobgp.py 65001" \
	'[network default]' 'announce = exec' |
	on hv1 sh -c 'mkdir -p /etc/l3vm; cat >/etc/l3vm/l3vm.conf'
daemon_up tor bird
gobgp_up
ok "GoBGP has its sessions" wait_until 30 sessions_up tor bird 2
agent_up hv1 --no-libvirt
on hv1 l3vm attach --guest vm1 --ifname tap1 --mac 52:54:00:00:00:05 --address $A4,$A6
ok "a guest, at normal rank" both_are "65001 65001"
on hv1 l3vm migrate-notify vm1 --phase leaving
ok "last rank: GRACEFUL_SHUTDOWN, four times the AS" \
	both_are "65001 65001 65001 65001" "(65535,0)"
on hv1 l3vm migrate-notify vm1 --phase aborted
ok "normal again" both_are "65001 65001"

kill -KILL "${NODE_PID[hv1/gobgpd]}"
wait "${NODE_PID[hv1/gobgpd]}" 2>/dev/null || true
ok "GoBGP is gone, and its routes" none_routed tor $A4 $A6
gobgp_up
on hv1 l3vm announce
ok "it is told again by l3vm announce" both_are "65001 65001"

on hv1 l3vm detach --guest vm1
ok "the guest ends: its routes are withdrawn" none_routed tor $A4 $A6
agent_down hv1
lab_done_testing
