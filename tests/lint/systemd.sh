#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# systemd.sh - systemd understands the units, and finds the sandboxes tight
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/lint.sh"
need systemd-analyze
[ -e "$L3VM_BUILD/systemd/l3vm-agent.service" ] || skip_all "configured without units"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for unit in l3vm-agent.service l3vm-guard.service l3vm-reconcile.service \
	l3vm-reconcile.timer; do
	made=$L3VM_BUILD/systemd/$unit
	[ -e "$made" ] || made=$L3VM_SRC/systemd/$unit
	# a program that is there: ours is not installed
	sed -E 's,^(ExecStart|ExecReload)=[^ ]*,\1=/bin/true,' "$made" >"$work/$unit"
	nothing "no placeholder is left in $unit" \
		"$(grep -nE '@[A-Za-z_]+@' "$made" || :)"
done
for unit in "$work"/*; do
	nothing "systemd-analyze finds nothing in ${unit##*/}" "$(
		SYSTEMD_UNIT_PATH=$work: systemd-analyze verify --man=no "$unit" 2>&1 |
			grep -F "${unit##*/}" || :)"
done

# score UNIT TENTHS: its exposure, from 0.0 to 10.0, is at most so much
score() {
	local output status=0
	output=$(systemd-analyze security --offline=true --threshold="$2" \
		"$work/$1" 2>&1) || status=$?
	output=$(grep -v '✓' <<<"$output")
	is "$status" 0 "$1: ${output##*: }"
	[ "$status" -eq 0 ] || diag "$output"
}
score l3vm-agent.service 20
score l3vm-guard.service 30
score l3vm-reconcile.service 30

syscalls=$(wc -l <"$L3VM_BUILD/agent/syscalls.h")
ok "the agent needs few system calls ($syscalls)" [ "$syscalls" -le 60 ]

users=$L3VM_BUILD/systemd/sysusers.d/l3vm.conf
like "$(cat "$users")" $'\nu l3vm - ' "the agent's user is made"
like "$(cat "$L3VM_BUILD/systemd/tmpfiles.d/l3vm.conf")" \
	$'\nd [^ ]*/l3vm 0750 l3vm l3vm ' "and the records' directory is his"
done_testing
