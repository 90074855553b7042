#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# announcer-fake.sh - the contract of announcers, with others who play the other end:
# fake-daemon.py BIRD and FRR, a loop of shell ExaBGP, the example's program a site's
# own. For the announcer neighbour it is the kernel's neighbour table of a router.
# shellcheck disable=SC2317 # functions are called by the contract
# timeout: 180
set -euo pipefail
. "${L3VM_SRC:?}/tests/contract/announcer.sh"
[ $# -gt 0 ] || each bird frr exabgp exec neighbour
. "$L3VM_SRC/tests/netns/agent-common.sh"

host_add hv
add_ns tor
tap_add tap1
tap_add tap2
netns_link hv up0 tor down0
ip_ns tor addr add 10.0.0.254/24 dev down0

# end_of KIND: whoever has said that he is the other end
end_of() {
	local pid
	pid=$(cat "$work/$1.pid" 2>/dev/null) || return 0
	kill -KILL "$pid" 2>/dev/null || :
	rm -f "$work/$1.pid"
}

ail() {
	echo "$1" >"$work/ailment"
	[ "$1" != down ] || "kill_$kind"
}

# A daemon that is only asked is well at once. The others are told all they have missed
# by being started anew; one that was slow has missed nothing.
cure() {
	rm "$work/ailment"
	case $kind-$1 in
	*-slow) ;;
	exabgp-* | exec-*)
		"kill_$kind"
		"start_$kind"
		;;
	*-down) "start_$kind" ;;
	esac
}

# --- BIRD and FRR -----------------------------------------------------------------------

daemon_start() {
	play_as "$kind" "$L3VM_SRC/tests/contract/fake-daemon.py" "$kind" "$work"
}

# play_as KIND COMMAND...: on the hypervisor, and until it is killed
play_as() {
	ip netns exec "${netns_name[hv]}" "${@:2}" >>"$work/play.out" 2>&1 &
	echo $! >"$work/$1.pid"
	disown
}

learned() {
	cat "$work/learned"
}

forget() {
	kill -USR1 "$(cat "$work/$kind.pid")"
}

start_bird() { daemon_start; }
start_frr() { daemon_start; }
kill_bird() { end_of bird; }
kill_frr() { end_of frr; }
lose_bird() { forget; }
lose_frr() { forget; }
has_bird() { learned; }
has_frr() { learned; }

# --- ExaBGP -------------------------------------------------------------------------------

mkfifo "$work/exabgp.in" "$work/exabgp.out"
start_exabgp() {
	: >"$work/told"
	(
		exec 3<>"$work/exabgp.in"
		while read -r line <&3; do
			answer="done"
			case $(cat "$work/ailment" 2>/dev/null) in
			silent) continue ;;
			slow) sleep 0.1 ;;
			noise) answer=nonsense ;;
			refuses) answer=error ;;
			esac
			[ $answer = error ] || echo "$line" >>"$work/told"
			echo $answer >"$work/exabgp.out"
		done
	) &
	echo $! >"$work/exabgp.pid"
	disown
}

# The agent sees that nobody reads the pipe any more, if it looks before somebody does.
kill_exabgp() {
	end_of exabgp
	wait_for 5 pending vm1 || :
}

lose_exabgp() {
	: >"$work/told"
}

has_exabgp() {
	sed -n 's/ as-path \[ 65001 \]$/ preferred/
		s/ as-path \[ 65001 65001 \]$/ normal/
		s/ as-path.*med 1000 community \[ 65535:0 \]$/ last/
		s/^announce route \([^ ]*\) next-hop self/\1/p
		s/^withdraw route \([^ ]*\) next-hop self/\1 none/p' "$work/told" |
		awk '{ rank[$1] = $2 }
			END { for (a in rank) if (rank[a] != "none") print a, rank[a] }' |
		LC_ALL=C sort
}

# --- exec: the agent starts it, the example's program or what is wrong -------------------

cat >"$work/exec" <<-'END'
	#!/bin/bash
	cd "${0%/*}"
	echo $$ >exec.pid
	[ "$(cat ailment)" != down ] || exit 1
	exec 3> >(exec "$L3VM_SRC/examples/exec/announce.sh" exec.d)
	while read -r line; do
		case $(cat ailment) in
		silent) continue ;;
		slow) sleep 0.1 ;;
		noise) echo nonsense && continue ;;
		refuses)
			sed 's/,.*/, "ok": false, "error": "no"}/' <<<"$line"
			continue
			;;
		esac
		echo "$line" >&3
	done 2>/dev/null
END
chmod +x "$work/exec"
start_exec() { :; }
kill_exec() {
	end_of exec
	rm -rf "$work/exec.d"
}

lose_exec() {
	rm -f "$work/exec.d"/*
}

has_exec() {
	(cd "$work/exec.d" 2>/dev/null && grep -H . -- * | sed 's/_/\//; s/:\([a-z]*\)$/ \1/' |
		LC_ALL=C sort)
}

# --- neighbour: a router that asks ---------------------------------------------------------

start_neighbour() {
	ip_ns tor link set down0 up
	ip_ns tor addr replace 2001:db8::ffff/64 dev down0 nodad
}

kill_neighbour() {
	ip_ns tor link set down0 down
}

lose_neighbour() {
	ip_ns tor neigh flush dev down0
}

has_neighbour() {
	local address asked=()
	lose_neighbour
	for address in $a4 $a6 10.0.0.2; do
		in_ns tor ping -n -q -c 1 -W 0.3 "$address" >/dev/null &
		asked+=($!)
	done
	wait "${asked[@]}" || :
	ip_ns tor neigh show dev down0 |
		awk -v mac="$(in_ns hv cat /sys/class/net/up0/address)" '
			!/fe80/ && $3 == mac { print $1 ($1 ~ /:/ ? "/128" : "/32"), "here" }' |
		LC_ALL=C sort
}

kind=$1
cat >"$L3VM_CONFIG" <<-END
	[l3vm]
	bird-socket = $work/bird.ctl
	frr-socket = $work/zebra.vty
	[announcer exec]
	command = $work/exec
	[announcer exabgp]
	pipe = $work/exabgp
	as = 65001
	[announcer neighbour]
	uplinks = up0
	[network default]
	announce = ${announcer_of[$kind]-$kind}
END
case $kind in
neighbour) contract down ;;
*) contract silent slow noise refuses down ;;
esac
done_testing
