#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# migration.sh - the protocol of a migration keeps its promises in every order of
# events, and the model of it is able to say otherwise
#
# timeout: 600
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

for tool in spin gcc; do
	command -v "$tool" >/dev/null || skip_all "needs $tool"
done
print_table=${L3VM_BUILD:?}/tests/model/print-table
[ -x "$print_table" ] || skip_all "needs $print_table"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$L3VM_SRC/tests/model/migration.pml" .
"$print_table" >real.pml

# search CLAIM OPTION...: all states of the model with ./table.pml; pan's words about
# it are in ./report. False if it did not come to an end.
search() {
	local claim=$1
	shift
	rm -f pan* report ./*.trail
	spin "$@" -a migration.pml >spin.log 2>&1 || return 2
	gcc -w -O1 -DSAFETY -DMEMLIM=2048 -o pan pan.c || return 2
	./pan -N "$claim" -m10000 -w22 >report 2>&1 || :
	grep -q 'errors: [0-9]' report && ! grep -q 'max search depth too small' report
}

# The states that were looked at: a model that gets stuck at once promises much.
states() {
	sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' report
}

# What spin says, and the last steps of the way to it.
explain() {
	{
		grep -i error spin.log
		grep -E 'pan:|errors:|states, stored' report
		spin "$@" -t -p -g migration.pml |
			grep -vE 'after\[|goto|else|queue|Never claim|====' | tail -n 60
	} 2>/dev/null | cut -c1-160
}

# holds NAME LEAST OPTION...
holds() {
	local name=$1 least=$2
	shift 2
	cp real.pml table.pml
	if search all "$@" && grep -q 'errors: 0$' report &&
		[ "$(states)" -ge "$least" ]; then
		pass "$name: holds in $(states) states"
		return
	fi
	fail "$name"
	diag "$(explain "$@")"
}

# breaks NAME CLAIM TEXT EDIT OPTION...: with the table changed by sed's EDIT (which
# must change it), spin finds that CLAIM, or the assertion with TEXT in it, fails
breaks() {
	local name=$1 claim=$2 text=$3 edit=$4
	shift 4
	sed "$edit" real.pml >table.pml
	if [ -n "$edit" ] && cmp -s real.pml table.pml; then
		fail "$name: the edit changes nothing"
		return
	fi
	if search "$claim" "$@" && grep -q 'errors: 1$' report &&
		grep -F 'assertion violated' report | grep -qF -- "$text"; then
		pass "$name: found"
		return
	fi
	fail "$name: not found"
	diag "$(explain "$@")"
}

holds "agents on both hosts, one crash" 500000
holds "no agent on the source" 10000 -DAGENT0=0
holds "no agent on the target" 10000 -DAGENT1=0
holds "no agents" 10000 -DAGENT0=0 -DAGENT1=0
holds "a fabric that hears late" 100000 -DFABRIC=1 -DCRASHES=0
# what needs an excuse needs somebody who does not hear
holds "agents that do not crash need no excuse" 50000 -DEXCUSES=0 -DCRASHES=0
breaks "without an agent a return within hold-time needs one" one_is_preferred '!(' "" \
	-DEXCUSES=0 -DCRASHES=0 -DAGENT1=0

# A claim that fails is told as an assertion that is the claim's negation.
breaks "announcing at the hook \`start\`" silent_until_evident '!(' \
	's/\(EV_EXPECT) + GONE\] =\) PREPARED/\1 LIVE/'
breaks "announcing at the hook \`started\`" silent_until_evident '!(' \
	's/\(EV_KEEP) + PREPARED\] =\) PREPARED/\1 LIVE/'
breaks "arriving at normal rank" ranks_differ '!(' \
	's/\(EV_ARRIVED) + PREPARED\] =\) ARRIVED/\1 LIVE/'
breaks "leaving only when settled" one_is_preferred '!(' \
	's/\(EV_LEAVING) + ARRIVED\] =\) LEAVING/\1 ARRIVED/'
breaks "withdrawing when a migration begins" running_is_routed '!(' \
	's/\(EV_LEAVING) + .*\] =\) LEAVING/\1 GONE/'
breaks "a preferred rank that is the normal one" ranks_differ '!(' \
	's/RANK_LIVE 2/RANK_LIVE 1/'
breaks "a last rank that is the normal one" ranks_differ '!(' \
	's/RANK_LEAVING 3/RANK_LEAVING 2/'
breaks "a last rank that is the best" running_is_best '!(' \
	's/RANK_LEAVING 3/RANK_LEAVING 1/; s/RANK_ARRIVED 1/RANK_ARRIVED 3/'
breaks "withdrawing, as the fabric sees it" silent_until_evident 'heard[0]' \
	's/\(EV_LEAVING) + .*\] =\) LEAVING/\1 GONE/' -DFABRIC=1 -DCRASHES=0
breaks "staying at the preferred rank" silent_until_evident 'record[from]' \
	's/\(EV_SETTLED) + ARRIVED\] =\) LIVE/\1 ARRIVED/' -DCRASHES=0
breaks "staying at the last rank" silent_until_evident 'record[from]' \
	's/\(EV_A[RB].*) + LEAVING\] =\) LIVE/\1 LEAVING/' -DCRASHES=0
breaks "a port that outlives its guest" silent_until_evident 'record[from]' \
	's/\(EV_STOPPED) + LEAVING\] =\) GONE/\1 LEAVING/' -DCRASHES=0
breaks "timers that nobody looks at twice" silent_until_evident 'late[h]' "" -DBLIND=1
breaks "news of an interface that is no more" silent_until_evident '!(' "" -DGULLIBLE=1

done_testing
