#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# qemu-ifup.sh - which call is made for which command line of QEMU
#
# The program's own main, linked with an engine that writes down its calls, run by a
# process with the command line of each qemu-ifup/*.args: in the first line the
# tap, then an argument in each.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

inputs=$L3VM_SRC/tests/golden/qemu-ifup
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STUB_LOG=$work/calls
ln -s "${L3VM_BUILD:?}/tests/golden/stub-qemu-ifup" "$work/l3vm-qemu-ifup"
ln -s "$L3VM_BUILD/tests/golden/stub-qemu-ifup" "$work/qemu-ifdown"
# it stays, and waits, as QEMU does
# shellcheck disable=SC2016 # for the shell that runs it
echo '"$SCRIPT" "$TAP"; exit $?' >"$work/parent"

# by PROGRAM SCRIPT TAP [ARGUMENT...]: $status, $work/calls, $work/out, $work/err
by() {
	: >"$work/calls"
	status=0
	(export SCRIPT=$work/$2 TAP=$3
		exec -a "$1" sh "$work/parent" "${@:4}") >"$work/out" \
		2>"$work/err" || status=$?
}

# note TITLE: to the transcript
note() {
	{
		echo "== $1: status $status"
		cat "$work/calls" "$work/err"
	} >>"$work/transcript"
	is "$(wc -c <"$work/out")" 0 "$1: nothing on stdout"
	ok "$1: at most one line on stderr, as it should be" \
		awk '!/^l3vm: / { exit 1 } END { exit NR > 1 }' "$work/err"
}

for file in "$inputs"/*.args; do
	mapfile -t arguments <"$file"
	by /usr/bin/qemu-system-x86_64 l3vm-qemu-ifup "${arguments[0]#\# }" \
		"${arguments[@]:1}"
	name=${file##*/}
	note "${name%.args}"
done
mapfile -t arguments <"$inputs/netdev.args"
by qemu-system-x86_64 qemu-ifdown tapvm1 "${arguments[@]:1}"
note "down"
STUB_FAIL=attach=5 by qemu-system-x86_64 l3vm-qemu-ifup tapvm1 "${arguments[@]:1}"
note "refused"
STUB_FAIL=detach_port=1 by qemu-system-x86_64 qemu-ifdown tapvm1 "${arguments[@]:1}"
note "down, which fails"
by /usr/sbin/libvirtd l3vm-qemu-ifup tapvm1 --listen
note "libvirt, a tap of which nothing is known"
STUB_PORT=no-such-guest by virtqemud l3vm-qemu-ifup tapvm1
note "libvirt, of a guest that does not run"
STUB_FAIL=find_port=5 by virtqemud l3vm-qemu-ifup tapvm1
note "libvirt, of two guests"
by libvirtd qemu-ifdown tapvm1
note "libvirt, down"
same_file "$work/transcript" "$inputs.txt" "the calls and what became of them"

exits 2 "without an argument" "$work/l3vm-qemu-ifup"
like "$tap_output" '^l3vm: one argument is needed.*l3vm-qemu-ifup\(8\)' "it says why"
exits 2 "with two" "$work/qemu-ifdown" tap1 tap2

# no descriptor is too few, no stdin is read: it may be QEMU's monitor
ok "without descriptors" eval '"$work/qemu-ifdown" tap1 <&- >&- 2>&-'
exec 3<"$inputs/netdev.args"
"$work/qemu-ifdown" tap1 <&3
is "$(head -n 1 <&3)" "# tapvm1" "standard input is left alone"

# longer than any that the kernel would run is refused by the kernel; this is most
long=$(head -c 100000 /dev/zero | tr '\0' x)
by qemu-system-x86_64 l3vm-qemu-ifup tapvm1 "$long" "$long" "$long" "$long" \
	"$long" "$long" "$long" "$long" "${arguments[@]:1}"
like "$(cat "$work/calls")" 'mac=52:54:00:00:00:05' "a long command line is read whole"
done_testing
