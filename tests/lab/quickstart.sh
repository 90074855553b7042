#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# quickstart.sh - the example that newcomers run first works, and cleans up
#
# It builds l3vm itself; the packages and the guest's kernel are here already.
# timeout: 300
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"
. "$L3VM_SRC/examples/lib/lab.sh"

((EUID == 0)) || skip_all "needs root"
[[ -z $(packages_missing) ]] || skip_all "needs $(packages_missing | tr '\n' ' ')"
[[ -e $LAB_CACHE/kernel/vmlinuz ]] ||
	skip_all "no kernel for guests (tests/lab/prepare fetches it)"

# All that could be left behind: files, mounts, namespaces, interfaces, and
# processes but for this script's own.
leftovers()
{
	ls -A "$TMPDIR"
	cut -d ' ' -f 2 /proc/mounts
	ls /run/netns 2>/dev/null || true
	ip -br link | cut -d ' ' -f 1
	processes
}

processes()
{
	local name
	for name in qemu libvirtd bird sleep unshare setsid; do
		pgrep -l "^$name" || true
	done
}

TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
before=$(leftovers)

begin=$EPOCHREALTIME
exits 0 "it runs" env -u L3VM_BUILD "$L3VM_SRC/examples/quickstart/run"
diag "in $(lab_since "$begin") s"
text=$tap_output
[ "$tap_last" = yes ] || done_testing
like "$text" 'vm1 +tapvm1 +default +live +normal 5 +10\.0\.0\.5' \
	"it shows l3vm status"
like "$text" '10\.0\.0\.5/32 +unicast \[hv1_4 ' "the router's route in IPv4"
like "$text" '2001:db8::5/128 +unicast \[hv1_6 ' "and in IPv6"
is "$(grep -c '3 received, 0% packet loss' <<<"$text")" 2 \
	"and the client reaches the guest in both families"
like "$text" '10\.0\.0\.5/32 +unicast \[tor4 ' "the other hypervisor knows the way"
like "$text" 'no ports' "after its end nothing is left on the hypervisor"
is "$(leftovers)" "$before" "nor on this machine"

# interrupted PATTERN SIGNAL - once its output has reached the pattern
interrupted()
{
	local log=$TMPDIR/log pid status=0
	# As a terminal does it: a process group that does not ignore SIGINT.
	set -m
	env --default-signal=INT "$L3VM_SRC/examples/quickstart/run" >"$log" 2>&1 &
	pid=$!
	set +m
	wait_for 120 grep -q "$1" "$log" || diag "never came to \"$1\""
	kill "-$2" -- "-$pid"
	wait "$pid" || status=$?
	rm "$log"
	return "$status"
}

exits 130 "Ctrl-C while the guest boots ends it" \
	interrupted 'waiting for the guest' INT
ok "and leaves nothing" wait_for 10 eval '[[ $(leftovers) == "$before" ]]'
exits 143 "so does SIGTERM before the fabric is there" interrupted 'data centre' TERM
ok "and leaves nothing" wait_for 10 eval '[[ $(leftovers) == "$before" ]]'
exits 137 "when it is killed" interrupted 'waiting for the guest' KILL
ok "the processes go with it" wait_for 10 eval '[[ -z $(processes) ]]'

exits 2 "an argument that it does not know" "$L3VM_SRC/examples/quickstart/run" --what
like "$tap_output" 'examples/quickstart/run \[--keep\]' "gets the usage"
done_testing
