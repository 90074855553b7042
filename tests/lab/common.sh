# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# common.sh - what the scripts of the lab tier share
#
# Source it first: what follows runs inside a lab (examples/lib) of its own, with
# the programs of $L3VM_BUILD on every node. The scripts use the examples'
# configurations as they are, so each one is a test of them as well.
. "${L3VM_SRC:?}/tests/lib/tap.sh"
# standard output is TAP's
export LAB_TALK=2
. "$L3VM_SRC/examples/lib/lab.sh"

# A script that needs other programs says so before.
[[ -n ${LAB_TOOLS+set} ]] ||
	LAB_TOOLS=(libvirtd virsh qemu-system-x86_64 bird vtysh busybox cpio ping)

lab_need()
{
	local tool
	[[ $(id -u) -eq 0 ]] || skip_all "needs root"
	for tool in "${LAB_TOOLS[@]}"; do
		[[ -n $(type -P "$tool") ]] || skip_all "needs $tool"
	done
	[[ -e $LAB_CACHE/kernel/vmlinuz ]] ||
		skip_all "no kernel for guests (tests/lab/prepare fetches it)"
}

[[ -n ${LAB_INSIDE-} ]] || lab_need
lab_enter "$@"
lab_install "${L3VM_BUILD:?}"
# A script that dies says where.
trap 'lab_died="${FUNCNAME[*]}, line $LINENO: $BASH_COMMAND"' ERR
lab_done=
trap '[[ $lab_done ]] || diag "gave up in ${lab_died-?}"' EXIT
set -E

# lab_done_testing - at the end, in place of done_testing
lab_done_testing()
{
	lab_done=yes
	done_testing
}

# --- what a test looks at ----------------------------------------------------

# route_of NODE DESTINATION - the routes of that node for exactly this prefix
route_of()
{
	local family=-4
	[[ $2 != *:* ]] || family=-6
	on "$1" ip "$family" route show exact "$2"
}

# routed NODE DESTINATION [PATTERN] - there is one; a part of its text
routed()
{
	[[ $(route_of "$1" "$2") == *${3:-?}* ]]
}

not_routed()
{
	[[ -z $(route_of "$1" "$2") ]]
}

# reach ADDRESS... - each answers the client, once it has had time to
reach()
{
	local address
	for address; do
		wait_until 20 on cli ping -c 1 -W 1 "$address" ||
			{ echo "$address does not answer"; return 1; }
	done
}

# no_answer ADDRESS - nobody does
no_answer()
{
	! on cli ping -c 2 -i 0.2 -W 1 "$1"
}

# all_routed NODE PATTERN DESTINATION... - in time
all_routed()
{
	local node=$1 pattern=$2 destination
	shift 2
	for destination; do
		wait_until 15 routed "$node" "$destination" "$pattern" || {
			echo "$node: no route \"$destination ... $pattern\", but:"
			route_of "$node" "$destination"
			return 1
		}
	done
}

none_routed()
{
	local node=$1 destination
	shift
	for destination; do
		wait_until 15 not_routed "$node" "$destination" || {
			echo "$node: still has"
			route_of "$node" "$destination"
			return 1
		}
	done
}

# traces NODE - all of a node that l3vm may have changed, as text to compare.
# The bridges of networks stay; the interfaces of guests must not.
traces()
{
	# shellcheck disable=SC2016 # the node's shell expands these
	on_sh "$1" '
		ip -br link | cut -d " " -f 1 | grep -v ^l3lan || :
		for family in -4 -6; do
			ip $family rule
			ip $family route show table all proto 76
			ip $family neigh show nud permanent | grep -v " dev lo " || :
		done
		bridge fdb show | grep static || :
		cd /run/l3vm 2>/dev/null && ls ports || :'
}

# traces_are NODE TEXT - in time
traces_are()
{
	wait_until 15 same_traces "$1" "$2" ||
		{ diff <(echo "$2") <(traces "$1"); return 1; }
}

same_traces()
{
	[[ $(traces "$1") == "$2" ]]
}

# state_of NODE GUEST - the state of its ports, one a line
state_of()
{
	on "$1" l3vm status "$2" --json | grep -o '"state": *"[a-z]*"' | cut -d '"' -f 4
}

has_state()
{
	[[ $(state_of "$1" "$2") == "$3" ]]
}

# watch_routes NODE - from now on; routes_changed NODE prints what did change of
# our routes, or of what a routing daemon was told
watch_routes()
{
	on_start "$1" monitor.log ip monitor route
	NODE_PID[$1/monitor]=$!
	# It listens as soon as it sees a change made for it.
	wait_until 5 sees_change "$1"
	: >"$LAB/$1/log/monitor.log"
}

sees_change()
{
	on "$1" ip route replace 192.0.2.255/32 dev lo
	on "$1" ip route del 192.0.2.255/32
	grep -q 192.0.2.255 "$LAB/$1/log/monitor.log"
}

routes_changed()
{
	kill "${NODE_PID[$1/monitor]}"
	grep -v 192.0.2.255 "$LAB/$1/log/monitor.log" |
		grep -E 'proto (76|l3vm) ' || true
}

# ping_start ADDRESS SECONDS - a packet every 20 ms; ping_lost prints how many of
# them were not answered
ping_start()
{
	: >"$LAB/cli/log/ping.log"
	# by number: -w would not wait for the last answers
	on_start cli ping.log ping -q -i 0.02 -c "$(($2 * 50))" -W 5 "$1"
}

ping_lost()
{
	local summary='^([0-9]+) packets transmitted, ([0-9]+) received.*'
	wait_until 60 grep -qE "$summary" "$LAB/cli/log/ping.log" || true
	sed -nE "s/$summary/\\1 \\2/p" "$LAB/cli/log/ping.log" |
		awk '$1 < 50 { print "only", $1, "sent"; next } { print $1 - $2 }'
}

# connect ADDRESS PORT [LINE] - a line sent there and what comes back
connect()
{
	# shellcheck disable=SC2016 # for the inner shell
	on cli timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/$1"; echo "$2" >&3
		read -r line <&3; echo "$line"' "$1" "$2" "${3-hello}"
}

# guests_reach ADDRESS OTHER - the guest at the one can ping the other
guests_reach()
{
	[[ $(connect "$1" 10 "$2") == answers ]]
}

# --- moves that are counted --------------------------------------------------

# uri NODE - its libvirtd, as any other node can reach it
uri()
{
	echo "qemu+unix:///system?socket=$LAB/$1/run/libvirt/libvirt-sock"
}

# streams_start IPV4 IPV6 - until streams_lost; they flow when it returns
streams_start()
{
	local before
	before=$(datagrams_received)
	move_streams "$1" "$2" 60
	wait_until 5 eval "((\$(datagrams_received) > $before + 100))" || true
}

# By the client, of both families
datagrams_received()
{
	# shellcheck disable=SC2016 # these are awk's
	on cli awk '$1 == "Udp:" && $2 ~ /^[0-9]/ { n += $2 }
		$1 == "Udp6InDatagrams" { n += $2 }
		END { print n + 0 }' /proc/net/snmp /proc/net/snmp6
}

# streams_lost - ends them; a line for each that lost something. All counts are
# in MOVE_COUNT.
streams_lost()
{
	move_enough
	move_count
	grep -vE ' sent=[0-9]{2,} .* lost=0 [^b]*$' <<<"$MOVE_COUNT" || true
}

# lost_nothing WHAT - since streams_start
lost_nothing()
{
	streams_lost >"$LAB/tmp/lost"
	is "$(<"$LAB/tmp/lost")" "" "$1: no packet is lost, no connection broken"
	diag "$MOVE_COUNT"
}

# migration_begins GUEST FROM TO [OPTION]... - slowly, and in the background;
# returns when memory is being copied. Not below `ok`, whose commands run in a
# process of their own: begins WHAT ... is the point. migration_hurries GUEST FROM
# lets it go on.
migration_begins()
{
	move "$@" --bandwidth 4 >"$LAB/tmp/migration.log" 2>&1 &
	MIGRATION=$!
	wait_until 20 is_copied "$2" "$1"
}

begins()
{
	local what=$1
	shift
	if migration_begins "$@"; then
		pass "$what: memory is being copied"
	else
		fail "$what: memory is being copied"
	fi
}

# migration_ends WHAT STATUS[|STATUS] - as wanted
migration_ends()
{
	local status=0
	wait "$MIGRATION" || status=$?
	like "$status" "^($2)\$" "$1: virsh ends with $2"
	[[ $status =~ ^($2)$ ]] || diag "$(<"$LAB/tmp/migration.log")"
}

is_copied()
{
	on "$1" virsh domjobinfo "$2" | grep -q 'Memory remaining'
}

migration_hurries()
{
	on "$2" virsh -q migrate-setspeed "$1" 10000
}

# diverted NODE... - of the packets of leaving guests, by the agents there
diverted()
{
	local node
	for node; do
		on "$node" ip route show table 76 2>/dev/null || true # never used
		on "$node" ip -6 route show table 76 2>/dev/null || true
	done
}

# at_event NODE TEXT COMMAND... - as soon as an event with that text comes there; to
# be run in the background
at_event()
{
	local events=$LAB/$1/run/l3vm/events.jsonl text=$2
	shift 2
	timeout 30 grep -q -m 1 -e "$text" \
		< <(exec timeout 30 tail -n 0 -F "$events" 2>/dev/null) && "$@"
}

# first_evidence NODE GUEST - of its last arrival there
first_evidence()
{
	grep "\"guest\":\"$2\".*\"to\":\"arrived\"" "$LAB/$1/run/l3vm/events.jsonl" |
		tail -n 1 | sed 's/.*"evidence":"\([^"]*\)".*/\1/'
}

# --- guests without l3vm -----------------------------------------------------
#
# Of the addresses OF4 and OF6, which the script sets: routes as l3vm installs them,
# by ip(8), and a namespace for each host that can answer at any time.
PREFERRED=4 NORMAL=5 LAST=$((0xFA0003E8))

# route_add NODE PREFIX METRIC
route_add()
{
	on "$1" ip route add "$2" dev guest0 proto 76 metric "$3"
}

route_del()
{
	on "$1" ip route del "$2" dev guest0 proto 76 metric "$3"
}

# rank_change NODE FROM TO - in the order of l3vm: the new route first
rank_change()
{
	local prefix
	for prefix in "$OF4" "$OF6"; do
		route_add "$1" "$prefix" "$3"
		route_del "$1" "$prefix" "$2"
	done
}

# The guest's interface at $1, and the guest, which is there at both all the time
guest_up_at()
{
	local guest=g${1#hv} mac=02:00:00:00:00:0
	node_add "$guest"
	ip link add guest0 netns "$1" address ${mac}1 type veth \
		peer name guest1 netns "$guest" address ${mac}2
	on "$1" ip link set guest0 up
	on "$guest" ip link set guest1 up
	on "$1" ip neigh add "${OF4%/*}" lladdr ${mac}2 dev guest0
	on "$1" ip neigh add "${OF6%/*}" lladdr ${mac}2 dev guest0
	on "$guest" ip addr add "$OF4" dev guest1
	on "$guest" ip addr add "$OF6" dev guest1 nodad
	on "$guest" ip neigh add 169.254.0.1 lladdr ${mac}1 dev guest1
	on "$guest" ip neigh add fe80::1 lladdr ${mac}1 dev guest1
	on "$guest" ip route add default via 169.254.0.1 dev guest1 onlink
	on "$guest" ip route add default via fe80::1 dev guest1
}
