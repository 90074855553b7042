#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# announcers.sh - announcers that live in the agent keep what they promise, whatever
# the other end does: exec with the example's program, and exabgp with somebody who
# plays ExaBGP at its pipes
# shellcheck disable=SC2317 # functions are called by ok and others
# timeout: 180
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"

host_add hv
tap_add tap1
tap_add tap2
a4=10.0.0.1 a6=2001:db8::1

# of KIND: what the other end has, "DESTINATION RANK" a line
has_exec() {
	(cd "$work/exec.d" 2>/dev/null && grep -H . -- * | sed 's/_/\//; s/:\([a-z]*\)$/ \1/' |
		LC_ALL=C sort)
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

# told WHAT NAME: a point; in time, which may be when the agent tries again
told() {
	wait_for 15 told_now "$1" || :
	is "$("has_$kind")" "$1" "$kind: $2"
}

told_now() {
	[ "$("has_$kind")" = "$1" ]
}

announce_of() {
	l3 status "$1" --json | tr -d '\n' | sed 's/.*"announce": \(\[.*\]\), *"problems.*/\1/' |
		tr -s ' '
}

is_ok() {
	[[ $(announce_of "$1") == *"\"announcer\": \"$kind\", \"ok\": true"* ]]
}

is_pending() {
	[[ $(announce_of "$1") == *"\"ok\": false"*"$2"* ]]
}

# quick NAME CMD...: in less than half a second
quick() {
	local name=$1 before
	shift
	before=$(tap_now)
	ok "$name" "$@"
	ok "$name: without delay" test $(($(tap_now) - before)) -lt 500
}

# --- the other ends -------------------------------------------------------------------

# The program of exec is the example's, or what a test puts in its place.
end_exec() {
	pkill_of exec
}

# pkill_of KIND: whoever has said that he is the other end
pkill_of() {
	local pid
	pid=$(cat "$work/$1.pid" 2>/dev/null) || return 0
	kill -KILL "$pid" 2>/dev/null || :
	rm -f "$work/$1.pid"
}

cat >"$work/exec" <<-END
	#!/bin/sh
	echo \$\$ >$work/exec.pid
	[ ! -e $work/silent ] || exec sleep 600
	[ ! -e $work/noise ] || { read -r x; echo nonsense; exec sleep 600; }
	no='"ok": false, "error": "no"'
	[ ! -e $work/refuses ] || exec sed -u 's/^.*"seq": *\([0-9]*\),.*/{"seq": \1, '"\$no}/"
	[ ! -e $work/down ] || exit 1
	exec $L3VM_SRC/examples/exec/announce.sh $work/exec.d
END
chmod +x "$work/exec"
start_exec() { :; } # the agent does

mkfifo "$work/exabgp.in" "$work/exabgp.out"
start_exabgp() {
	[ ! -e "$work/down" ] || return 0
	: >"$work/told"
	(
		exec 3<>"$work/exabgp.in"
		while read -r line <&3; do
			[ ! -e "$work/silent" ] || continue
			answer="done"
			[ ! -e "$work/noise" ] || answer=nonsense
			[ ! -e "$work/refuses" ] || answer=error
			echo "$line" >>"$work/told"
			echo $answer >"$work/exabgp.out"
		done
	) &
	echo $! >"$work/exabgp.pid"
	disown
}

end_exabgp() {
	pkill_of exabgp
}

# --- each ----------------------------------------------------------------------------------

for kind in exec exabgp; do
	rm -rf "$L3VM_STATE_DIR"
	cat >"$L3VM_CONFIG" <<-END
		[announcer exec]
		command = $work/exec
		[announcer exabgp]
		pipe = $work/exabgp
		as = 65001
		[network default]
		announce = kernel $kind
	END
	start_$kind
	attach vm1 tap1 $mac1 $a4,$a6
	ok "$kind: without the agent, status says so" is_pending vm1 'does not run'
	starts "$kind: the agent"
	told "$a4/32 normal
$a6/128 normal" "it is told what was there before"
	ok "$kind: status says that it is announced" wait_for 2 is_ok vm1
	l3 migrate-notify vm1 --phase leaving
	told "$a4/32 last
$a6/128 last" "a guest that leaves has the last rank"
	l3 migrate-notify vm1 --phase aborted
	attach vm2 tap2 $mac2 10.0.0.2 --prepared
	told "$a4/32 normal
$a6/128 normal" "it stays; one that is awaited is not announced"
	l3 migrate-notify vm2
	told "$a4/32 normal
10.0.0.2/32 preferred
$a6/128 normal" "one that arrived is preferred"
	l3 detach --guest vm2
	told "$a4/32 normal
$a6/128 normal" "one that is gone is withdrawn"

	rm -rf "$work/exec.d"
	end_$kind
	start_$kind
	told "$a4/32 normal
$a6/128 normal" "the other end was killed: the next one is told everything"
	ok "$kind: status says so" wait_for 5 is_ok vm1

	for trouble in silent noise refuses down; do
		: >"$work/$trouble"
		end_$kind
		start_$kind
		quick "$kind, $trouble: a guest is attached" \
			attach vm2 tap2 $mac2 10.0.0.2
		ok "$kind, $trouble: status says that it is pending" \
			wait_for 15 is_pending vm2 "$kind: "
		rm "$work/$trouble"
		end_$kind
		rm -rf "$work/exec.d"
		start_$kind
		ok "$kind, $trouble: it is well again, and told everything" \
			wait_for 45 told_now "$a4/32 normal
10.0.0.2/32 normal
$a6/128 normal"
		ok "$kind, $trouble: status says so" wait_for 5 is_ok vm2
		l3 detach --guest vm2
	done
	agent_stop
	end_$kind
	l3 detach --guest vm1
done
done_testing
