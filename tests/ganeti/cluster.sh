#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# cluster.sh - a real cluster of two nodes: what an instance goes through, and moves
# timeout: 300
set -euo pipefail
. "$(dirname "$0")/common.sh"

A4=10.0.0.5 A6=2001:db8::5 P6=2001:db8:0:5::/64
NIC=mac=aa:00:00:00:00:05,address=$A4,address=$A6,prefix=$P6
VM1=vm1.lab.example

# job WHAT COMMAND...: a gnt-* command that has to succeed
job()
{
	local what=$1 start=$EPOCHREALTIME
	shift
	ok "$what" gnt "$@"
	diag "$(lab_since "$start") s"
}

# migrates WHAT LOST: vm1 to the other node; LOST is nothing, or how long at most no
# answer comes, in milliseconds
migrates()
{
	local what=$1 limit=${2-} from to=hv1 line
	from=$(where vm1)
	[[ $from != hv1 ]] || to=hv2
	streams_start $A4 $A6
	job "$what: $from to $to" instance migrate -f $VM1
	ok "$what: $to announces it" all_routed tor "dev $to" $A4 $A6 $P6
	ok "$what: $from has forgotten it" wait_until 10 has_state "$from" $VM1 ""
	if [[ -z $limit ]]; then
		lost_nothing "$what"
		is "$(diverted hv1 hv2)" "" "$what: nothing is diverted any more"
		return
	fi
	streams_lost >/dev/null
	diag "$MOVE_COUNT"
	while read -r line; do
		((${line:+1})) || continue
		ok "$what: ${line%% *} is interrupted for $limit ms at most" \
			eval "((\$(move_figure gap_ms '$line' | cut -d . -f 1) <= $limit))"
	done < <(grep ^udp <<<"$MOVE_COUNT")
}

# left NODE: of l3vm's, but for the rule that agents leave behind
left()
{
	traces "$1" | grep -v 'lookup 76' || true
}

verify()
{
	gnt cluster verify 2>&1 | grep -o 'l3vm: .*' || true
}

# monitor_is_free NODE: of vm1, what the agent listens to; QEMU greets one at a time
monitor_is_free()
{
	on "$1" timeout 5 python3 -c '
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(0.5)
sock.connect(sys.argv[1])
sys.exit(0 if b"QMP" in sock.recv(4096) else 1)' \
		"/run/ganeti/kvm-hypervisor/ctrl/$VM1.kvmd"
}

# --- the cluster ---------------------------------------------------------------

cluster_up >"$LAB/tmp/cluster.log" 2>&1 ||
	{ diag "$(<"$LAB/tmp/cluster.log")"; exit 1; }
ganeti_link hv1 hv2
before1=$(left hv1)
before2=$(left hv2)
ok "an instance is added" instance_add vm1 $NIC
is "$(verify)" "" "verify finds nothing of l3vm's"

# --- an instance's life ----------------------------------------------------------

job "it starts" instance start $VM1
ok "its addresses and its prefix are announced" all_routed tor "dev hv1" $A4 $A6 $P6
ok "it answers" reach $A4 $A6
job "soft reboot" instance reboot --type=soft --shutdown-timeout=1 $VM1
ok "it answers" reach $A4 $A6
job "hard reboot" instance reboot --type=hard --shutdown-timeout=1 $VM1
ok "it answers" reach $A4 $A6
is "$(state_of hv1 $VM1)" live "one port, and live"

job "a NIC is plugged in" instance modify --hotplug \
	--net add:ip=10.0.0.6,mode=routed,link=100 $VM1
tap=$(tap_of hv1 vm1 1)
like "$(on hv1 ip route show table 100)" "10.0.0.6 dev $tap" "and routed, in its table"
is "$(on hv1 ip rule | grep -c "iif $tap lookup 100") \
$(on hv1 ip -6 rule | grep -c "iif $tap lookup 100")" "1 1" "with rules of both families"
job "it is unplugged" instance modify --hotplug --net 1:remove $VM1
is "$(state_of hv1 $VM1)" live "one port is left"
unlike "$(on hv1 ip rule; on hv1 ip -6 rule)" "lookup 100" "and no rule"

job "failover" instance failover -f --shutdown-timeout=1 $VM1
is "$(where vm1)" hv2 "it is at the other node"
ok "which announces it" all_routed tor "dev hv2" $A4 $A6 $P6
ok "it answers" reach $A4 $A6
is "$(left hv1)" "$before1" "where it was nothing is left"
job "it stops" instance shutdown --timeout=1 $VM1
ok "nobody announces it" none_routed tor $A4 $A6 $P6
is "$(left hv2)" "$before2" "and nothing is left"

# --- migrations --------------------------------------------------------------------

for node in hv1 hv2; do
	agent_up $node --no-libvirt
done
job "it starts again" instance start $VM1
ok "it answers" reach $A4 $A6
ok "and streams have an end there" \
	wait_until 20 eval '[[ $(connect $A4 7777) == hello ]]'
migrates "with agents"
like "$(first_evidence hv1 $VM1)" '^(rarp|qmp-resume|garp|na)$' "QEMU told of it"
migrates "and back"
agent_down hv1
migrates "the target has no agent" 2000
agent_down hv2
migrates "no agent at all" 2000
diag "$(on hv1 l3vm status; on hv2 l3vm status)"

# --- Ganeti's own monitor -----------------------------------------------------------

node=$(where vm1)
agent_up "$node" --no-libvirt
ok "an agent that starts takes the monitor" \
	wait_until 10 eval "! monitor_is_free $node"
# ganeti-kvmd, for all that an agent can see
echo $$ >"$LAB/$node/run/ganeti/ganeti-kvmd.pid"
ok "and leaves it to ganeti-kvmd" wait_until 15 monitor_is_free "$node"
ok "which it says" wait_until 5 \
	grep -q "$VM1.kvmd: Ganeti needs it" "$LAB/$node/log/agent.log"
rm "$LAB/$node/run/ganeti/ganeti-kvmd.pid"
agent_down "$node"

# --- what goes wrong -----------------------------------------------------------------

other=hv1
[[ $node != hv1 ]] || other=hv2
sed -i 's/10.0.0.0\/16/10.9.0.0\/16/' "$LAB/$other/etc/l3vm/l3vm.conf"
exits 1 "a target that would not route it refuses the migration" \
	gnt instance migrate -f $VM1
like "$tap_output" "10.0.0.5 for guest $VM1: not allowed in network default" \
	"and the job says why"
is "$(where vm1)" "$node" "it stays where it is"
ok "and answers" reach $A4 $A6
# Without the hooks nobody asks before; then Ganeti only logs that its script failed.
rm "$LAB/$other"/etc/ganeti/hooks/instance-migrate-*.d/50-l3vm
job "without its hooks the migration succeeds" instance migrate -f $VM1
is "$(where vm1)" "$other" "it runs there"
ok "and nobody announces it" none_routed tor $A4
verify >"$LAB/tmp/verify"
like "$(<"$LAB/tmp/verify")" "instance $VM1, NIC 0: nothing is routed to tap" \
	"verify tells"
like "$(<"$LAB/tmp/verify")" "Ganeti's hooks: are not l3vm's: a migration to here may" \
	"and of the hooks that are missing"
ganeti_link "$other"
ganeti_conf "$other"
job "it is migrated away" instance migrate -f $VM1
ok "and answers again" reach $A4 $A6
is "$(verify)" "" "verify finds nothing any more"
job "it is removed" instance remove -f --shutdown-timeout=1 $VM1
is "$(left hv1)" "$before1" "nothing is left at hv1"
is "$(left hv2)" "$before2" "nothing is left at hv2"
lab_done_testing
