# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# move.sh - live migration between hypervisors of a lab, with streams that count
#
# A move is `virsh migrate --live --p2p` while a client at the far end of the fabric
# exchanges 1000 datagrams a second with the guest in each family, and keeps a TCP
# connection busy with 100 records a second. peer.c counts what did not come back.

# The address that a hypervisor's migrations come in at
declare -A MOVE_ADDRESS=([hv1]=192.0.2.2 [hv2]=192.0.2.6)

# agent_up NODE [ARGUMENT]...
agent_up()
{
	local node=$1
	shift
	on_start "$node" agent.log l3vm-agent "$@"
	NODE_PID[$node/agent]=$!
	wait_until 10 agent_ready "$node" ||
		die "l3vm-agent of $node does not start: $(cat "$LAB/$node/log/agent.log")"
}

# It adds the rule of the hold table last of all.
agent_ready()
{
	on "$1" ip -6 rule | grep -q 'lookup 76' &&
		on "$1" ip rule | grep -q 'lookup 76' &&
		kill -0 "${NODE_PID[$1/agent]}"
}

agent_down()
{
	kill "${NODE_PID[$1/agent]}" 2>/dev/null || true
	wait "${NODE_PID[$1/agent]}" 2>/dev/null || true
}

# The hypervisors' own addresses must reach each other.
move_routes()
{
	on hv1 ip route replace 192.0.2.4/30 via 192.0.2.1
	on hv2 ip route replace 192.0.2.0/30 via 192.0.2.5
}

# What streams there are: a guest that does not really move has no connections.
MOVE_STREAMS=(udp4 udp6 tcp4 tcp6)
# Datagrams a second in each family; of records a tenth
MOVE_RATE=1000

# move_streams GUEST4 GUEST6 SECONDS - started at the client; move_count waits
# for their end and puts a line for each into MOVE_COUNT: "udp4 sent=... lost=..."
move_streams()
{
	local name kind address rate
	for name in "${MOVE_STREAMS[@]}"; do
		kind=${name%?} address=$1 rate=$MOVE_RATE
		[[ $name != *6 ]] || address=$2
		[[ $name != tcp* ]] || rate=$((MOVE_RATE / 10))
		: >"$LAB/cli/log/$name.log"
		on_start cli "$name.log" "$LAB/image/peer" "$kind" "$address" 7777 \
			"$rate" "$3"
		NODE_PID[cli/$name]=$!
	done
}

# move_enough - they need not go on for as long as they were told
move_enough()
{
	local name
	for name in "${MOVE_STREAMS[@]}"; do
		kill -TERM "${NODE_PID[cli/$name]}" 2>/dev/null || true
	done
}

# All of them have ended
move_wait()
{
	wait_until 30 move_ended
}

move_ended()
{
	local name
	for name in "${MOVE_STREAMS[@]}"; do
		[[ ! -e /proc/${NODE_PID[cli/$name]} || \
			$(<"/proc/${NODE_PID[cli/$name]}/stat") == *') Z '* ]] || return 1
	done
}

move_count()
{
	local name broke
	MOVE_COUNT=
	for name in "${MOVE_STREAMS[@]}"; do
		broke=
		wait "${NODE_PID[cli/$name]}" || broke=' broke'
		MOVE_COUNT+="$name $(<"$LAB/cli/log/$name.log")$broke"$'\n'
	done
	MOVE_COUNT=${MOVE_COUNT%$'\n'}
}

# move GUEST FROM TO [OPTION]... - the migration itself
move()
{
	local guest=$1 from=$2 to=$3
	shift 3
	on "$from" virsh -q migrate --live --p2p --persistent --undefinesource \
		--unsafe "$@" "$guest" \
		"qemu+unix:///system?socket=$LAB/$to/run/libvirt/libvirt-sock" \
		--migrateuri "tcp://${MOVE_ADDRESS[$to]}"
}

# move_watch NODE - tells when the first of the streams' packets reaches the guest there
move_watch()
{
	: >"$LAB/$1/log/watch.log"
	on_start "$1" watch.log "$LAB/image/peer" watch 7777
	NODE_PID[$1/watch]=$!
}

# move_outage NODE - milliseconds from the evidence that the guest runs there until the
# packets of both families reached it, of the move since move_watch; empty: not seen
move_outage()
{
	local seen
	kill "${NODE_PID[$1/watch]}" 2>/dev/null || true
	wait "${NODE_PID[$1/watch]}" || true
	seen=$(grep '"to":"arrived"' "$LAB/$1/run/l3vm/events.jsonl" |
		sed -n '$s/.*"seen":"\([^"]*\)".*/\1/p')
	[[ -n $seen ]] || return 0
	awk -v seen="$(date -d "$seen" +%s.%6N)" '
		$2 > last { last = $2 }
		END { if (NR == 2) printf "%.1f\n", (last > seen) * (last - seen) * 1000 }
		' "$LAB/$1/log/watch.log"
}

# move_figure KEY LINE - 0 from "udp4 sent=1000 lost=0"
move_figure()
{
	[[ " $2 " =~ \ $1=([0-9.]+)\  ]] && echo "${BASH_REMATCH[1]}"
}

# move_pause FROM TO - milliseconds from QEMU's stop at the source to the first
# evidence at the target, of the last move; empty when it was not seen
move_pause()
{
	local stopped arrived
	stopped=$(grep '"event":"hold-start"' "$LAB/$1/run/l3vm/events.jsonl" |
		sed -n '$s/.*"stopped":"\([^"]*\)".*/\1/p')
	arrived=$(grep '"to":"arrived"' "$LAB/$2/run/l3vm/events.jsonl" |
		sed -n '$s/.*"time":"\([^"]*\)".*/\1/p')
	[[ -z $stopped || -z $arrived ]] || echo $((
		($(date -d "$arrived" +%s%6N) - $(date -d "$stopped" +%s%6N)) / 1000))
}

# percentiles NUMBER... - median / 95th percentile / maximum
percentiles()
{
	[[ $# -gt 0 ]] || { echo -; return; }
	printf '%s\n' "$@" | sort -n | awk '
		{ value[NR] = $1 }
		function at(p) { i = int(p * NR + 0.999999); return value[i < 1 ? 1 : i] }
		END { printf "%s / %s / %s", at(0.5), at(0.95), at(1) }'
}
