# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tap.sh - what a test script says, in TAP (https://testanything.org)
#
# Source it first. Each check prints one point and always succeeds, so that a
# script under "set -e" goes on; $tap_last is "yes" or "no" for one that cannot
# (`[ "$tap_last" = yes ] || done_testing`). done_testing at the end (or plan at
# the start) says how many points there should be: a script that dies half-way
# is then noticed by the runner.
#
#	. "${L3VM_SRC:?}/tests/lib/tap.sh"
#	ok "the tap is up" ip link show tap0 up
#	is "$(cat file)" "text" "the file has the text"
#	done_testing

tap_points=0
tap_failed=0
# shellcheck disable=SC2034 # for the scripts to read
tap_last=yes

# plan N: how many points will come
plan() {
	echo "1..$1"
}

# done_testing: the plan at the end; the script's exit status
done_testing() {
	plan "$tap_points"
	[ "$tap_failed" -eq 0 ] || exit 1
	exit 0
}

# skip_all WHY...: this machine cannot run the file at all
skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}

# diag TEXT...: lines for the reader of a failure, the last hundred of them
diag() {
	printf '%s\n' "$*" | tail -n 100 | sed 's/^/# /'
}

# pass NAME, fail NAME, skip NAME WHY...: a point without a command
pass() {
	tap_last=yes
	tap_points=$((tap_points + 1))
	echo "ok $tap_points - $1"
}

fail() {
	# shellcheck disable=SC2034
	tap_last=no
	tap_points=$((tap_points + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_points - $1"
}

skip() {
	tap_points=$((tap_points + 1))
	echo "ok $tap_points - $1 # SKIP ${*:2}"
}

# ok NAME CMD...: the command succeeds; its output is shown only if it fails
ok() {
	local name=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	[ "$status" -ne 0 ] || { pass "$name"; return; }
	fail "$name"
	diag "status $status of: $*"
	diag "$output"
}

# nok NAME CMD...: the command fails
nok() {
	local name=$1 output
	shift
	output=$("$@" 2>&1) || { pass "$name"; return; }
	fail "$name"
	diag "success, but should fail: $*"
	diag "$output"
}

# exits STATUS NAME CMD...: the command ends with this very status; its output
# is left in $tap_output
exits() {
	local wanted=$1 name=$2 status=0
	shift 2
	tap_output=$("$@" 2>&1) || status=$?
	[ "$status" -ne "$wanted" ] || { pass "$name"; return; }
	fail "$name"
	diag "status $status, not $wanted, of: $*"
	diag "$tap_output"
}

# is GOT WANTED NAME: the same text
is() {
	[ "$1" != "$2" ] || { pass "$3"; return; }
	fail "$3"
	diag "$(diff -u --label wanted --label got \
		<(printf '%s\n' "$2") <(printf '%s\n' "$1"))"
}

# isnt GOT UNWANTED NAME
isnt() {
	[ "$1" = "$2" ] || { pass "$3"; return; }
	fail "$3"
	diag "got what it should not be: $1"
}

# like GOT REGEX NAME, unlike GOT REGEX NAME: extended regular expressions
like() {
	! [[ $1 =~ $2 ]] || { pass "$3"; return; }
	fail "$3"
	diag "no match of: $2"
	diag "in: $1"
}

unlike() {
	[[ $1 =~ $2 ]] || { pass "$3"; return; }
	fail "$3"
	diag "unwanted match of: $2"
	diag "in: $1"
}

# same_file GOT WANTED NAME: the same bytes; REGENERATE=1 makes WANTED of GOT
# instead (golden files: read the difference before you commit it)
same_file() {
	local output
	if [ -n "${REGENERATE-}" ]; then
		cp "$1" "$2"
	fi
	output=$(diff -u "$2" "$1" 2>&1) && { pass "$3"; return; }
	fail "$3"
	diag "$output"
	diag "(REGENERATE=1 takes the new text)"
}

# wait_for SECONDS CMD...: true as soon as the command succeeds, false when the
# time is over. No point is printed: ok "it comes up" wait_for 5 ping ...
wait_for() {
	local deadline
	deadline=$(($(tap_now) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(tap_now)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# milliseconds of a clock that nobody sets
tap_now() {
	local up rest
	read -r up rest </proc/uptime
	echo "$((10#${up/./} * 10))"
}
