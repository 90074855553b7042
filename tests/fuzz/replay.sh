#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# replay.sh - every fuzz target takes its seeds, whole, cut and with a bit turned
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"
. "$L3VM_SRC/tests/fuzz/seeds.sh"

targets=0
for source in "$L3VM_SRC"/tests/fuzz/fuzz-*.c; do
	name=${source##*/fuzz-}
	name=${name%.c}
	mapfile -t folders < <(seed_folders "$L3VM_SRC" "$name")
	mapfile -t seeds < <(find "${folders[@]}" -type f ! -name '*.txt' | LC_ALL=C sort)
	if output=$("${L3VM_BUILD:?}/tests/fuzz/fuzz-$name" "${seeds[@]}" 2>&1); then
		pass "$name: ${#seeds[@]} seeds, $output"
	else
		fail "$name"
		diag "$output"
	fi
	targets=$((targets + 1))
done
isnt "$targets" 0 "there are targets"

done_testing
