#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# operations.sh - random operations, most of them killed half-way: nothing is leaked,
# nothing is missing, nothing of others' is touched
#
#	OPERATIONS=10000 SEED=7 tests/run crash
# timeout: 7200
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for tool in /usr/bin/python3 nft; do
	command -v "$tool" >/dev/null || skip_all "needs $tool"
done
[ -e /dev/net/tun ] || skip_all "needs /dev/net/tun"

# LeakSanitizer wants to trace what we trace
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
operations=${OPERATIONS:-100} seed=${SEED:-1}
status=0
said=$("$L3VM_SRC/tests/crash/operations.py" "${L3VM_BUILD:?}" "$operations" "$seed" \
	2>&1) || status=$?
is "$status" 0 "the operations come to an end (seed $seed)"
read -r -a counts <<<"$(tail -n 1 <<<"$said")"
[ "$tap_last" = yes ] || counts=()
declare -A count=()
while [ ${#counts[@]} -ge 2 ]; do
	count[${counts[0]}]=${counts[1]}
	counts=("${counts[@]:2}")
done
is "${count[operations]-}" "$operations" "each is done"
ok "programs were killed: ${count[kills]-}" \
	test "${count[kills]:-0}" -ge $((operations / 5))
for what in leaked missing foreign; do
	is "${count[$what]-}" 0 "$what: ${count[$what]-}"
done
[ "$tap_failed" -eq 0 ] || diag "$said"
done_testing
