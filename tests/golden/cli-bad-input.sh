#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cli-bad-input.sh - whatever is wrong on the command line: one clear line
#
# Every case must end with the exit status of l3vm(8), print nothing on
# standard output and exactly one line, without control characters, on
# standard error.
set -euo pipefail

# shellcheck source=../lib/tap.sh
. "${L3VM_SRC:?}/tests/lib/tap.sh"

l3vm=${L3VM_BUILD:?}/l3vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export L3VM_CONFIG=$tmp/l3vm.conf L3VM_STATE_DIR=$tmp/state

# refused STATUS REGEX NAME ARGUMENTS...
refused() {
	local wanted=$1 regex=$2 name=$3 status=0 got
	shift 3
	"$l3vm" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	got="status $status, $(wc -c <"$tmp/out") bytes of output,"
	got+=" $(wc -l <"$tmp/err") line of error,"
	got+=" $(tr -d '\n' <"$tmp/err" | LC_ALL=C tr -dc '\000-\037\177' | wc -c) control"
	[[ $(cat "$tmp/err") =~ ^l3vm:\ .+:\ .+\ \(.+\)$ ]] || got+=", not WHAT: WHY (REMEDY)"
	[[ $(cat "$tmp/err") =~ $regex ]] || got+=", no match of $regex"
	is "$got" "status $wanted, 0 bytes of output, 1 line of error, 0 control" "$name" ||
		diag "$(cat -A "$tmp/err")"
}

# --- words ------------------------------------------------------------------

refused 2 'no command' "no command"
refused 2 'no command "atach".*"attach"' "unknown verb" atach
refused 2 'no command "stat".*"status"' "abbreviated verb" stat
refused 2 'no command "frobnicate".*l3vm help' "unknown verb, none near" frobnicate
refused 2 'no command "a\\nb"' "verb with a newline" $'a\nb'
refused 2 'no command ""' "empty verb" ""
refused 2 'no command "x+\.\.\."' "verb of 300 characters" "$(printf 'x%.0s' {1..300})"
refused 2 'no option "--confg".*"--config"' "unknown global option" --confg x
refused 2 'no option "-x"' "unknown letter" -x status
refused 2 'no option "--adress".*"--address"' "unknown option" attach --adress=10.0.0.5
refused 2 'no option "--jsn".*"--json"' "unknown option of status" status --jsn
refused 2 '--config needs a value' "global option without value" --config
refused 2 '--guest needs a value' "option without value" attach --guest
refused 2 '--guest needs a value' "option in place of a value" attach --guest --mac
refused 2 '--guest is given twice' "option given twice" detach --guest a --guest b
refused 2 '--json takes no value' "flag with a value" status --json=yes
refused 2 '"b" is not expected' "second operand" status a b
refused 2 '"vm1" is not expected' "operand where there is none" detach vm1
refused 2 'missing: --guest G, --ifname IF, --mac MAC' "attach alone" attach
refused 2 'missing: --mac MAC' "attach without a MAC" attach --guest g --ifname t0
refused 2 'missing: --guest G, --ifname IF, --mac MAC' "plan alone" plan --from-scratch
refused 2 'missing: --ifname IF or --guest G' "detach alone" detach
refused 2 'exclude each other' "detach with both" detach --guest g --ifname t0
refused 2 'missing: G' "migrate-notify alone" migrate-notify
refused 2 'cannot be "arived".*arrived' "unknown phase" migrate-notify g --phase arived
refused 2 'cannot be "xml".*ip, json' "unknown format" plan --format xml
refused 2 'missing: ACTION' "service alone" service
refused 2 'ACTION cannot be "ad".*add, drain' "unknown action" service ad 192.0.2.53
for action in add drain undrain remove; do
	refused 2 'missing: ADDRESS' "$action alone" service $action
	refused 2 'not an IPv4 or IPv6' "$action of no address" service $action 192.0.2.530
done
refused 2 'not an IPv4 or IPv6' "a subnet as a service" service add 192.0.2.0/24
refused 2 'list takes no ADDRESS' "list of one" service list 192.0.2.53
refused 2 '"b" is not expected' "third operand" service add 192.0.2.53 b
refused 2 '--check goes with add' "check of drain" service drain 192.0.2.53 --check /bin/true
refused 2 'give --check CMD' "interval of nothing" service add 192.0.2.53 --interval 5
refused 2 'full path' "a check for a shell" service add 192.0.2.53 --check true
refused 2 'quote is not closed' "an open quote" service add 192.0.2.53 --check "/bin/a 'b"
refused 2 'is empty' "an empty check" service add 192.0.2.53 --check ''
for interval in 0 -1 0.01 3601 1e9 x 5s nan ''; do
	refused 2 'seconds|out of range' "interval \"$interval\"" service add 192.0.2.53 \
		--check /bin/true "--interval=$interval"
done
for n in 0 101 -1 x ''; do
	refused 2 'rise|out of range' "rise \"$n\"" service add 192.0.2.53 \
		--check /bin/true "--rise=$n"
done
refused 5 'loopback' "a loopback address" service add 127.0.0.53
refused 5 'multicast' "a multicast address" service add ff02::53
refused 2 'no command "foo"' "help on an unknown verb" help foo

# --- values -----------------------------------------------------------------

# bad_port REGEX NAME OPTION VALUE: a port of which one thing is wrong, for
# each verb that takes one
bad_port() {
	local regex=$1 name=$2 option=$3 value=$4 verb
	local -A port=([--guest]=vm1 [--ifname]=tapvm1 [--mac]=52:54:00:00:00:05
		[--address]=10.0.0.5)
	port[$option]=$value
	local arguments=()
	for option in "${!port[@]}"; do
		arguments+=("$option" "${port[$option]}")
	done
	for verb in attach plan; do
		refused 2 "$regex" "$verb, $name" "$verb" "${arguments[@]}"
	done
}
long=$(printf 'x%.0s' {1..300})

for value in "" "a/b" $'a\nb' "$long" . .hidden ..; do
	bad_port '(name|value)' "guest $(printf %.20q "$value")" --guest "$value"
done
for value in "" "a/b" $'a\nb' "$long" "a b" a:b a%b . .. sixteen-letters0; do
	bad_port '(name|value)' "ifname $(printf %.20q "$value")" --ifname "$value"
done
for value in "" 52:54:00:00:00 52:54:00:00:00:05:06 52:54:00:00:00:0g \
	525400000005 01:00:5e:00:00:01 ff:ff:ff:ff:ff:ff 00:00:00:00:00:00 \
	$'52:54:00:00:00:05\n' "$long"; do
	bad_port 'MAC' "MAC $(printf %.20q "$value")" --mac "$value"
done
for value in "" "," "10.0.0.5," 10.0.0 10.0.0.256 10.0.0.5/24 010.0.0.5 2001:db8::/64 \
	2001:db8:::5 fe80::1%eth0 vm1 $'10.0.0.5\n' " 10.0.0.5" "$long"; do
	bad_port 'address' "address $(printf %.20q "$value")" --address "$value"
done
for value in "" 10.0.0.0/33 10.0.0.5/24 2001:db8::5/64 2001:db8::/129 10.0.0.0/ \
	10.0.0.0/-1 10.0.0.0/24x "$long"; do
	bad_port 'prefix' "prefix $(printf %.20q "$value")" --prefix "$value"
done
for value in "" "a b" "a/b" "[x]" "$long"; do
	bad_port 'network' "network $(printf %.20q "$value")" --network "$value"
done
for value in "" 1 00000000-0000-0000-0000-00000000000 ../etc "$long"; do
	bad_port 'UUID' "UUID $(printf %.20q "$value")" --uuid "$value"
done

# --- what exists ------------------------------------------------------------

for value in a/b "" $'t0\n' "$long"; do
	refused 2 'name' "detach, ifname $(printf %.20q "$value")" detach --ifname "$value"
done
for value in a/b "" $'a\nb' .. "$long"; do
	shown=$(printf %.20q "$value")
	refused 2 'name' "detach, guest $shown" detach --guest "$value"
	refused 2 'name' "status, guest $shown" status "$value"
	refused 2 'name' "announce, guest $shown" announce "$value"
	refused 2 'name' "migrate-notify, guest $shown" migrate-notify "$value"
done

refused 4 'nobody' "a guest that is not here" status nobody
refused 4 'nobody' "news of a guest that is not here" migrate-notify nobody
refused 4 'nobody' "an announcement of no guest" announce nobody

# --- policy: addresses that no guest may have --------------------------------

# no_guest ADDRESS: refused by policy, also where the kernel is not asked
no_guest() {
	refused 5 "$1" "address $1" plan --from-scratch --guest vm1 --ifname tapvm1 \
		--mac 52:54:00:00:00:05 --address "$1"
}
for address in 224.0.0.1 ff02::1 0.0.0.0 0.1.2.3 127.0.0.1 ::1 :: 255.255.255.255 \
	240.0.0.1 169.254.0.1 fe80::1; do
	no_guest "$address"
done

# --- a configuration that does not parse --------------------------------------

printf '[network default]\ngatway4 = 169.254.0.1\n' >"$L3VM_CONFIG"
refused 1 'gatway4.*gateway4' "a key that does not exist" plan --from-scratch \
	--guest vm1 --ifname tapvm1 --mac 52:54:00:00:00:05 --address 10.0.0.5
like "$(cat "$tmp/err")" "$L3VM_CONFIG:2: " "it names file and line"
ok "detach works with it" "$l3vm" detach --guest nobody
rm "$L3VM_CONFIG"

# --- a state directory that cannot be one ---------------------------------------

touch "$tmp/file"
mkdir -m 777 "$tmp/open"
chmod 777 "$tmp/open"
ln -s "$tmp" "$tmp/link"
for dir in "$tmp/file" "$tmp/open" "$tmp/link" "$tmp/file/state"; do
	refused 1 "$dir" "state directory ${dir##*/}" --state-dir "$dir" status
done

done_testing
