# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# agent-common.sh - an agent on the host "hv", and a hypervisor that is played
#
#	agent_start
#	qemu_start g1
#	qmp g1 event STOP
#	agent_stop
. "${L3VM_SRC:?}/tests/netns/common.sh"
need /usr/bin/python3
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02

# play NAMESPACE COMMAND...: a part of agent.py there, in the background; the
# namespace's end is its own
play() {
	ip netns exec "${netns_name[$1]}" "$L3VM_SRC/tests/netns/agent.py" "${@:2}" \
		>>"$work/play.out" 2>&1 &
	play_pid=$!
	disown # bash would tell how it ended
}

# what starts it, for a test that wants it to be less than root
agent_as=() agent_program=${L3VM_BUILD:?}/l3vm-agent

# agent_start [ARGUMENT...]: returns when it is ready
agent_start() {
	local -a quiet=(--no-libvirt)
	"$L3VM_BUILD/l3vm-agent" --help | grep -q no-libvirt || quiet=()
	if [ ! -S "$work/notify" ]; then
		play hv notified "$work/notify" "$work/notified"
		wait_for 5 test -S "$work/notify"
	fi
	: >"$work/notified"
	rm -f "$work"/*.asked
	NOTIFY_SOCKET=$work/notify ip netns exec "${netns_name[hv]}" \
		"${agent_as[@]}" "$agent_program" "${quiet[@]}" "$@" \
		>>"$work/agent.err" 2>&1 &
	agent_pid=$!
	wait_for 10 grep -q READY=1 "$work/notified" || {
		diag "the agent does not start: $(cat "$work/agent.err")"
		return 1
	}
}

# starts NAME: the agent does. (Not "ok NAME agent_start": that is a subshell.)
starts() {
	if agent_start; then pass "$1"; else fail "$1"; fi
}

# agent_stop, agent_kill: returns when it has ended; its status
agent_stop() {
	kill "$agent_pid"
	wait "$agent_pid"
}

agent_kill() {
	kill -KILL "$agent_pid"
	wait "$agent_pid" 2>/dev/null || :
}

# qemu_start GUEST: its monitor, where qmp-sockets finds it
qemu_start() {
	mkdir -p "$work/qmp"
	mkfifo "$work/$1.control"
	play hv monitor "$work/qmp/$1.qmp" "$1" "$work/$1.control"
	wait_for 5 test -S "$work/qmp/$1.qmp"
}

# qemu_end GUEST
qemu_end() {
	qmp "$1" quit
	rm -f "$work/$1.control"* "$work/qmp/$1.qmp"
}

# listened_to GUEST: the agent has its monitor, so that no event is lost
listened_to() {
	wait_for 10 test -e "$work/$1.control.asked"
}

qmp() {
	echo "${*:2}" >"$work/$1.control"
}

# frame GUEST KIND...: it sends them from its own MAC
frame() {
	in_ns "$1" "$L3VM_SRC/tests/netns/agent.py" frame eth0 "${macs[$1]}" "${@:2}"
}

# changes GUEST: the changes of its state since the log was cleared
changes() {
	[ ! -e "$L3VM_STATE_DIR/events.jsonl" ] ||
		sed -n "/\"guest\":\"$1\"/s/.*\"from\":\"\([a-z]*\)\",\"to\":\"\([a-z]*\)\
\",\"evidence\":\"\([a-z-]*\)\".*/\1 \2 \3/p" "$L3VM_STATE_DIR/events.jsonl"
}

clear_log() {
	: >"$L3VM_STATE_DIR/events.jsonl"
}

# has_state GUEST STATE
has_state() {
	[ "$(state_of "$1")" = "$2" ]
}

# watched TAP: the agent has a packet socket on it
watched() {
	local index
	index=$(in_ns hv cat "/sys/class/net/$1/ifindex")
	in_ns hv awk -v wanted="$index" '$5 == wanted { found = 1 }
		END { exit !found }' /proc/net/packet
}

# prepare GUEST TAP MAC ADDRESSES [ARGUMENTS...]: until the agent waits for it, and
# the guest can send: the kernel tells it of the carrier up to a second later
prepare() {
	attach "$@" --prepared
	wait_for 5 watched "$2"
	wait_for 5 in_ns "$1" grep -q up /sys/class/net/eth0/operstate
}

# comes_to GUEST STATE: within five seconds
comes_to() {
	wait_for 5 has_state "$1" "$2" || {
		state_of "$1"
		tail -n 5 "$work/agent.err"
		return 1
	}
}

# notes EVENT KEY: its values in the log, one a line
notes() {
	sed -n "/\"event\":\"$1\"/s/.*\"$2\":\"\{0,1\}\([^,\"}]*\).*/\1/p" \
		"$L3VM_STATE_DIR/events.jsonl"
}

# mute_guest NAME TAP MAC: a guest that sends nothing but what the test makes it
mute_guest() {
	declare -gA macs
	macs[$1]=$3
	guest_add "$@"
	in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

# agent_memory: KiB, resident
agent_memory() {
	awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status"
}

# agent_time: milliseconds of processor time so far
agent_time() {
	awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' \
		"/proc/$agent_pid/stat"
}

# delays FILE - of each arrival in it, in milliseconds
delays() {
	awk -F '"' '
		function of_day(stamp, part) {
			split(substr(stamp, 12), part, /[:Z]/)
			return part[1] * 3600 + part[2] * 60 + part[3]
		}
		/"to":"arrived".*"seen":/ {
			for (i = 1; i < NF; i++) {
				if ($i == "time") time = of_day($(i + 2))
				if ($i == "seen") seen = of_day($(i + 2))
			}
			printf "%.3f\n", (time - seen + (time < seen) * 86400) * 1000
		}' "$1"
}
