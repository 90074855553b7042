#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cli-timeline.sh - moves as text and as pictures, against golden files, and what
# timeline makes of files that are not as they should be
#
# A folder of timeline/ is a case: a log for each host, the text and the picture
# of its moves. The pictures were looked at; what can be checked of them without
# eyes is checked here.
set -euo pipefail

# shellcheck source=../lib/tap.sh
. "${L3VM_SRC:?}/tests/lib/tap.sh"

golden=$L3VM_SRC/tests/golden/timeline
l3vm=${L3VM_BUILD:?}/l3vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export L3VM_CONFIG=/nonexistent L3VM_STATE_DIR=$tmp/state
unset NO_COLOR
export TERM=xterm

overlaps() {
	LC_ALL=C awk -f "$golden/overlaps.awk" "$1"
}

# Without eyes: no texts over one another, nothing from elsewhere, one element a
# line, XML where something here can tell.
check_picture() {
	local file=$1 name=$2
	is "$(overlaps "$file")" "" "$name: nothing overlaps"
	is "$(grep -ciE '<(script|image|use|foreignObject)|href|url\(|@import' \
		"$file")" 0 "$name: it is self-contained"
	like "$(cat "$file")" '@media \(prefers-color-scheme:dark\)' "$name: dark too"
	if command -v xmllint >/dev/null; then
		ok "$name: it is XML" xmllint --noout "$file"
	else
		skip "$name: it is XML" "no xmllint"
	fi
}

# --- the cases --------------------------------------------------------------------

for folder in "$golden"/*/; do
	case=$(basename "$folder")
	events=()
	for log in "$folder"*.jsonl; do
		events+=(--events "$log")
	done
	status=0
	"$l3vm" timeline --last 10 "${events[@]}" --svg "$tmp/out.svg" \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	is "$status $(cat "$tmp/err")" "0 " "$case: timeline succeeds in silence"
	same_file "$tmp/out" "$golden/$case/text.txt" "$case: the text"
	same_file "$tmp/out.svg" "$golden/$case/picture.svg" "$case: the picture"
	check_picture "$tmp/out.svg" "$case"
done

# The check of pictures would find it.
sed 's/y="[0-9.]*" class="label"/y="100.0" class="label"/' "$golden/nics/picture.svg" \
	>"$tmp/bad.svg"
like "$(overlaps "$tmp/bad.svg")" 'over one another' \
	"texts over one another are found"

# --- which moves ----------------------------------------------------------------

both=(--events "$golden/both/hv1.jsonl" --events "$golden/both/hv2.jsonl")
back=(--events "$golden/back/hv1.jsonl" --events "$golden/back/hv2.jsonl")

# heads ARGUMENTS...: the first line of each move, without its time
heads() {
	"$l3vm" timeline "$@" | sed -n 's/, 2026-.*//p' | tr '\n' '/'
}
two=(--events hv1="$golden/both/hv1.jsonl" --events hv1="$golden/back/hv1.jsonl")
now="vm2 is moving from hv2 to hv1/"
is "$(heads "${back[@]}")" "$now" "the last move is the default"
is "$(heads "${back[@]}" --last 3)" \
	"vm2 moved from hv2 to hv1/vm2 moved from hv1 to hv2/$now" \
	"--last 3, the latest last"
is "$(heads vm1 "${two[@]}")" "vm1 left hv1/" "of one guest, by name"
is "$(heads 2C9EE0D2-123C-4EA6-B2FD-B0C302259BAF "${two[@]}")" "vm1 left hv1/" \
	"and by UUID"
is "$(heads vm2 "${two[@]}")" "vm2 is awaited on hv1/" "of another in the same log"
exits 4 "an unknown guest" "$l3vm" timeline vm9 "${both[@]}"
like "$tap_output" '^l3vm: guest vm9: .*\(.*\)$' "is named"

# --- which files ----------------------------------------------------------------

is "$("$l3vm" timeline)" "no moves" "a host without a log has no moves"
exits 4 "and no picture" "$l3vm" timeline --svg "$tmp/none.svg"
nok "nor a file for it" test -e "$tmp/none.svg"

# The log of a host, in two parts: the default.
mkdir -p "$tmp/state"
head -n 2 "$golden/source/hv1.jsonl" >"$tmp/state/events.jsonl.1"
tail -n +3 "$golden/source/hv1.jsonl" >"$tmp/state/events.jsonl"
"$l3vm" timeline --svg "$tmp/parts.svg" >"$tmp/parts"
is "$(cat "$tmp/parts")" \
	"$("$l3vm" timeline --events "$(uname -n)=$golden/source/hv1.jsonl")" \
	"the state directory, both parts"
is "$("$l3vm" --state-dir "$tmp/state" timeline)" "$(cat "$tmp/parts")" "--state-dir"
for order in "events.jsonl events.jsonl.1" "events.jsonl.1 events.jsonl"; do
	files=()
	for file in $order; do
		files+=(--events hv1="$tmp/state/$file")
	done
	is "$("$l3vm" timeline "${files[@]}")" "$(cat "$golden/source/text.txt")" \
		"one host's parts in any order: $order"
done

# How hosts are called.
mkdir -p "$tmp/hv1/run/l3vm" "$tmp/x/hv2" "$tmp/y/hv2"
cp "$golden/both/hv1.jsonl" "$tmp/hv1/run/l3vm/events.jsonl"
cp "$golden/both/hv2.jsonl" "$tmp/x/hv2/events.jsonl"
cp "$golden/both/hv2.jsonl" "$tmp/y/hv2/events.jsonl"
wanted=$(cat "$golden/both/text.txt")
is "$("$l3vm" timeline --events "$tmp/hv1/run/l3vm/events.jsonl" \
	--events "$tmp/x/hv2/events.jsonl")" "$wanted" "by the folder"
is "$(cd "$tmp/x/hv2" && "$l3vm" timeline --events events.jsonl --events \
	../../hv1/run/l3vm/events.jsonl)" "$wanted" "also by a relative path"
is "$("$l3vm" timeline --events "$tmp/hv1/run/l3vm" --events "$tmp/x/hv2")" "$wanted" \
	"a folder stands for its log"
is "$("$l3vm" timeline --events hv1="$golden/both/hv1.jsonl" \
	--events=hv2=<(cat "$golden/both/hv2.jsonl"))" "$wanted" \
	"by a name; from a pipe"
exits 2 "two folders of one name" "$l3vm" timeline --events "$tmp/x/hv2" \
	--events "$tmp/y/hv2"
like "$tap_output" '^l3vm: .*NAME=FILE' "and what to do"
exits 1 "a folder without a log" "$l3vm" timeline --events "$tmp"
exits 1 "no such file" "$l3vm" timeline --events "$tmp/nothing.jsonl"
like "$tap_output" "^l3vm: $tmp/nothing.jsonl: No such file" "which is named"

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod 0755 "$tmp"
	chmod 0750 "$tmp/state"
	if "${as[@]}" "$l3vm" version >/dev/null 2>&1; then
		exits 3 "a log that one may not read" "${as[@]}" "$l3vm" timeline
		like "$tap_output" 'Permission denied \(be root' "and what to do"
		cp "$golden/both/hv1.jsonl" "$tmp/readable.jsonl"
		chmod 0644 "$tmp/readable.jsonl"
		ok "one that one may" "${as[@]}" "$l3vm" timeline --events \
			"$tmp/readable.jsonl"
	else
		skip "without privilege" "this build cannot be reached"
	fi
else
	skip "without privilege" "needs root and setpriv"
fi

# --- words that are wrong -----------------------------------------------------------

for last in 0 -1 x 1001 1.5 ''; do
	exits 2 "--last '$last'" "$l3vm" timeline --last="$last" "${both[@]}"
done
exits 2 "--last twice" "$l3vm" timeline --last 1 --last 2
exits 2 "two guests" "$l3vm" timeline vm1 vm2
is "$("$l3vm" --complete timeline --events '')" ":file" "files are the shell's"
is "$("$l3vm" --complete timeline --events hv2 = '')" ":file" "also behind a name"
is "$("$l3vm" --complete timeline --events hv2 =)" ":file" "as bash splits it"
is "$("$l3vm" --complete timeline --svg x.svg --l)" "--last" "options go on behind them"
is "$("$l3vm" --complete timeline --format =)" "" "an option of others is none"

# --- the file is replaced whole ------------------------------------------------------

echo old >"$tmp/kept.svg"
ok "the picture replaces a file" "$l3vm" timeline "${both[@]}" --svg "$tmp/kept.svg"
is "$(cat "$tmp/kept.svg")" "$(cat "$golden/both/picture.svg")" "by all of it"
is "$(find "$tmp" -name 'kept.svg*')" "$tmp/kept.svg" "nothing is left beside it"
exits 1 "where there is no folder" "$l3vm" timeline "${both[@]}" --svg "$tmp/no/x.svg"
like "$tap_output" "^l3vm: $tmp/no/x.svg: not written: .*\)$" "it is not written"

# --- colour ---------------------------------------------------------------------------

if command -v script >/dev/null; then
	shown=$(script -qec "$l3vm timeline ${both[*]}" /dev/null </dev/null |
		tr -d '\r')
	like "$shown" $'\033\\[33mprepared -> arrived' "colour on a terminal"
	printf '%s\n' "$shown" | sed 's/\x1b\[[0-9]*m//g' >"$tmp/plain"
	same_file "$tmp/plain" "$golden/both/text.txt" "and the same text"
else
	skip "colour on a terminal" "no script(1)"
fi

# --- what a log could hold -----------------------------------------------------------

# Two megabytes: twelve thousand lines of guests that are awaited and do not come
awk 'BEGIN {
	line = "{\"time\":\"2026-11-21T%02d:%02d:%02d.%06dZ\",\"guest\":\"vm%d\"," \
		"\"uuid\":\"2c9ee0d2-123c-4ea6-b2fd-%012d\",\"ifname\":\"tap%d\"," \
		"\"from\":\"%s\",\"to\":\"%s\",\"evidence\":\"expect\"}\n"
	for (i = 0; i < 12000; i++) {
		vm = i % 40
		from = i % 80 < 40 ? "gone" : "prepared"
		to = i % 80 < 40 ? "prepared" : "gone"
		printf line, i / 3600, i / 60 % 60, i % 60, i, vm, vm, vm, from, to
	}
}' >"$tmp/large.jsonl"
ok "a large log" timeout 60 "$l3vm" timeline --last 1000 --events "$tmp/large.jsonl" \
	--svg "$tmp/large.svg"
is "$("$l3vm" timeline --last 1000 --events "$tmp/large.jsonl" |
	grep -c 'did not come')" 1000 "has its moves"

# Bytes of any kind, and a log cut at any place
head -c 200000 /dev/urandom >"$tmp/noise.jsonl"
ok "noise" "$l3vm" timeline --events "$tmp/noise.jsonl"
like "$("$l3vm" timeline --events "$tmp/noise.jsonl")" \
	'^no moves.noise: [0-9]+ lines of the log could not be read$' "is counted"
size=$(wc -c <"$golden/both/hv1.jsonl")
failures=
for ((cut = 0; cut < size; cut += 37)); do
	tail -c "+$((cut + 1))" "$golden/both/hv1.jsonl" >"$tmp/cut.jsonl"
	"$l3vm" timeline --events hv1="$tmp/cut.jsonl" --svg "$tmp/cut.svg" \
		--events "$golden/both/hv2.jsonl" >/dev/null 2>&1 || failures+="$cut "
	[ -z "$(overlaps "$tmp/cut.svg")" ] ||
		failures+="overlap:$cut "
done
is "$failures" "" "a log that was cut at its beginning, anywhere"
failures=
for ((cut = 1; cut < size; cut += 37)); do
	head -c "$cut" "$golden/both/hv1.jsonl" >"$tmp/cut.jsonl"
	"$l3vm" timeline --events hv1="$tmp/cut.jsonl" --svg "$tmp/cut.svg" \
		--events "$golden/both/hv2.jsonl" >/dev/null 2>&1 || failures+="$cut "
	[ -z "$(overlaps "$tmp/cut.svg")" ] ||
		failures+="overlap:$cut "
done
is "$failures" "" "or at its end"

done_testing
