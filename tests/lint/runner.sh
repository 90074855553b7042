#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# runner.sh - the runner counts what tests say, and distrusts what they do not
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

runner=$L3VM_SRC/tests/lib/run-tiers
src=$(mktemp -d)
trap 'rm -rf "$src"' EXIT
mkdir -p "$src/tests/unit" "$src/build/tests/unit"

# one NAME SUMMARY PATTERN, the script on stdin: a tier of this one test
one() {
	local output status=0 last wanted=0
	rm -f "$src"/tests/unit/*
	{ echo '#!/bin/bash'; cat; } >"$src/tests/unit/x.sh"
	chmod +x "$src/tests/unit/x.sh"
	output=$(L3VM_SRC=$src L3VM_BUILD=$src/build "$runner" unit 2>&1) || status=$?
	last=$(tail -n 1 <<<"$output")
	is "$last" "$2" "$1: $2"
	like "$output" "$3" "$1: the reader is told"
	[[ $2 = *" 0 failed,"* ]] || wanted=1
	is "$status" "$wanted" "$1: exit status $wanted"
}

one "all is well" "2 passed, 0 failed, 0 skipped" 'unit/x\.sh: 2 ok' <<'E'
echo "1..2"; echo "ok 1 - a"; echo "ok 2 - b"
E
one "a failed point" "1 passed, 1 failed, 0 skipped" 'not ok 2 - b' <<'E'
echo "ok 1 - a"; echo "not ok 2 - b"; echo "1..2"; exit 1
E
one "a failed point and status 0" "0 passed, 1 failed, 0 skipped" 'not ok 1' <<'E'
echo "not ok 1 - b"; echo "1..1"
E
one "a skipped point" "1 passed, 0 failed, 1 skipped" 'ok 2 - b # SKIP why' <<'E'
echo "ok 1 - a"; echo "ok 2 - b # SKIP why"; echo "1..2"
E
one "a skipped point of cmocka" "1 passed, 0 failed, 1 skipped" '# SKIP b' <<'E'
printf '\t1..2\n\tok 1 - a\n\tnot ok 2 # SKIP b\n'
E
one "a skipped file" "0 passed, 0 failed, 1 skipped" 'skipped .no tool' <<'E'
echo "1..0 # SKIP no tool"; exit 77
E
one "a file that dies" "1 passed, 1 failed, 0 skipped" 'status 3' <<'E'
echo "ok 1 - a"; exit 3
E
one "a file that dies of a signal" "1 passed, 1 failed, 0 skipped" 'status 139' <<'E'
echo "ok 1 - a"; echo "1..1"; kill -SEGV $$
E
one "a file that ends too early" "1 passed, 1 failed, 0 skipped" '1 points of 2' <<'E'
echo "1..2"; echo "ok 1 - a"
E
one "a file without a plan" "1 passed, 1 failed, 0 skipped" 'no plan' <<'E'
echo "ok 1 - a"
E
one "a file that says nothing" "0 passed, 1 failed, 0 skipped" 'no plan' </dev/null
one "two at once" "2 passed, 2 failed, 0 skipped" 'not ok 4 - b' <<E
[[ \${WHO-} ]] || exec ${runner%/*}/at-once WHO a b -- "\$0"
echo "ok 1 - \$WHO"; echo "not ok 2 - \$WHO"; echo "1..2"; exit 1
E
one "one of two that dies" "2 passed, 1 failed, 0 skipped" 'status 3' <<E
[[ \${WHO-} ]] || exec ${runner%/*}/at-once WHO a b -- "\$0"
echo "ok 1 - \$WHO"; [[ \$WHO = a ]] || exit 3; echo "1..1"
E
one "a file that hangs" "1 passed, 1 failed, 0 skipped" 'not over after 1 s' <<'E'
# timeout: 1
echo "ok 1 - a"; sleep 60; echo "1..1"
E
one "tap.sh says the same" "1 passed, 1 failed, 1 skipped" 'wanted' <<E
. $L3VM_SRC/tests/lib/tap.sh
set -e
is a a "a"; is a b "b"; skip "c" "why"; done_testing
E

rm -f "$src"/tests/unit/*
for name in a b c; do
	printf '#!/bin/bash\necho "1..1"; echo "ok 1"\n' >"$src/tests/unit/$name.sh"
done
chmod +x "$src"/tests/unit/*
# part I/N: the tests of one part
part() {
	L3VM_SRC=$src L3VM_BUILD=$src/build "$runner" --part "$1" unit |
		sed -n 's|.*unit/\(.*\)\.sh: 1 ok.*|\1|p' | tr -d '\n'
}
is "$(part 1/2) $(part 2/2)" "ac b" "two parts are the whole"

done_testing
