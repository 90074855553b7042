#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cli-ports.sh - the verbs that need ports: status, against golden files, and
# reconcile, announce, metrics, check
#
# Needs no root: it makes its ports in network and user namespaces of its own.
set -euo pipefail

# shellcheck source=../lib/tap.sh
. "${L3VM_SRC:?}/tests/lib/tap.sh"

if [ -z "${L3VM_TEST_INSIDE-}" ]; then
	namespaces=(--net)
	[ "$(id -u)" -eq 0 ] || namespaces=(--net --map-root-user)
	unshare "${namespaces[@]}" true 2>/dev/null || skip_all "no namespaces here"
	L3VM_TEST_INSIDE=1 exec unshare "${namespaces[@]}" "$0"
fi

golden=$L3VM_SRC/tests/golden/cli
l3vm=${L3VM_BUILD:?}/l3vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export L3VM_CONFIG=$golden/l3vm.conf L3VM_STATE_DIR=$tmp/state
unset NO_COLOR
export TERM=xterm

# status_is FILE ARGUMENTS...: what differs from run to run is made alike
status_is() {
	local file=$1 status=0
	shift
	"$l3vm" status "$@" >"$tmp/raw" 2>"$tmp/err" || status=$?
	is "$status $(cat "$tmp/err")" "0 " "$file: status succeeds in silence"
	sed -E 's/("since": ?)"[^"]*"/\1"TIME"/g; s/("(ifindex|dropped)": ?)[0-9]+/\1N/g' \
		<"$tmp/raw" >"$tmp/out"
	same_file "$tmp/out" "$golden/$file" "$file: as it was"
}

attach() {
	local ifname=$1
	shift
	ip link add "$ifname" type veth peer name "p-$ifname"
	ip link set "p-$ifname" up
	ok "attach $ifname" "$l3vm" attach --ifname "$ifname" "$@"
}

ip link set lo up
attach tapvm1 --guest vm1 --mac 52:54:00:00:00:05 --address 10.0.0.5,2001:db8::5 \
	--prefix 2001:db8:5::/64 --uuid 7A3E9AF1-5F0C-4C61-9C7C-6F0B6F3B5C11
attach tapvm2 --guest vm2 --mac 52:54:00:00:00:06 --address 10.0.0.6 --prepared
attach tapvm3 --guest vm3 --mac 52:54:00:00:00:07 --address 10.0.0.7 --network lan
attach tapvm4 --guest 'Jürgens 日本' --mac 52:54:00:00:00:08 --address 10.0.0.8
attach tapvm5 --guest vm5 --mac 52:54:00:00:00:09 --address 10.0.0.9 --prepared
ok "vm5 arrives" "$l3vm" migrate-notify vm5
ok "vm4 leaves" "$l3vm" migrate-notify 'Jürgens 日本' --phase leaving

ok "a service address" "$l3vm" service add 10.0.0.53
ok "one with a check" "$l3vm" service add 2001:db8::53 --interval 0.5 \
	--check "/usr/lib/check 'a b'"
ok "it is drained" "$l3vm" service drain 10.0.0.53

status_is status.txt
status_is status.json --json
status_is status-vm1.txt vm1
status_is status-vm1.json vm1 --json
status_is status-vm1.txt 7a3e9af1-5f0c-4c61-9c7c-6f0b6f3b5c11
status_is status-vm1.txt 7A3E9AF1-5F0C-4C61-9C7C-6F0B6F3B5C11
is "$("$l3vm" --complete status vm | tr '\n' ' ')" "vm1 vm2 vm3 vm5 " \
	"guests are completed"
is "$("$l3vm" service list)" "$(sed -n '/^SERVICE/,$p' "$golden/status.txt")" \
	"service list shows what status does"
is "$("$l3vm" --complete service drain '' | tr '\n' ' ')" "10.0.0.53 2001:db8::53 " \
	"service addresses are completed"
is "$("$l3vm" --complete service un)" "undrain" "and what can be done with them"
is "$("$l3vm" --complete detach --ifname '' | tr '\n' ' ')" \
	"tapvm1 tapvm2 tapvm3 tapvm4 tapvm5 " "interfaces are completed"

# --- colour -------------------------------------------------------------------

esc=$(printf '\033')
# on_terminal COMMAND: its output on a terminal (script(1) makes one)
on_terminal() {
	script -qec "$1" /dev/null </dev/null | tr -d '\r'
}
if command -v script >/dev/null; then
	like "$(on_terminal "$l3vm status vm1")" "$esc\\[32mlive" "colour on a terminal"
	is "$(on_terminal "NO_COLOR=1 $l3vm status vm1")" "$(cat "$golden/status-vm1.txt")" \
		"none with NO_COLOR"
	is "$(on_terminal "TERM=dumb $l3vm status vm1")" "$(cat "$golden/status-vm1.txt")" \
		"none on a dumb terminal"
else
	skip "colour on a terminal" "no script(1)"
fi

# --- the kernel differs from the records ----------------------------------------

is "$("$l3vm" reconcile 2>&1)" "" "reconcile has nothing to say"
like "$("$l3vm" -v reconcile 2>&1)" '^l3vm: .*as the records say' "but with -v"
ip route del 10.0.0.5/32 proto 76
report='add route 10.0.0.5/32 dev tapvm1 metric 5'
is "$("$l3vm" reconcile --dry-run 2>&1)" "$report" "reconcile --dry-run says what differs"
like "$("$l3vm" status vm1)" 'kernel failed +.*10\.0\.0\.5/32' "so does status"
is "$("$l3vm" reconcile 2>&1)" "$report" "reconcile says the same"
like "$(ip route show 10.0.0.5/32)" 'metric 5' "and repairs it"
is "$("$l3vm" reconcile 2>&1)" "" "once"

is "$("$l3vm" announce 2>&1)" "" "announce is silent"
ok "announce of one guest" "$l3vm" announce vm1
like "$("$l3vm" metrics)" 'l3vm_service_state\{address="10.0.0.53",state="draining"\} 1' \
	"metrics have service addresses"
like "$("$l3vm" metrics)" 'l3vm_ports\{state="live"\} 2' "metrics count ports by state"

# Forwarding is off in a new namespace.
exits 1 "check finds an error" "$l3vm" check
like "$tap_output" 'error +net/ipv4/ip_forward.*remedy: sysctl' "and names the remedy"
exits 1 "the same as JSON" "$l3vm" check --json
like "$tap_output" '"version": ?1,.*"severity": ?"error"' "which is JSON"

# --- a problem is seen ---------------------------------------------------------

ip link del tapvm3
ip link del tapvm5
like "$("$l3vm" status vm3)" 'tapvm3.*[^-]$' "a lost interface is a problem"

exits 0 "announce goes on where an interface is gone" "$l3vm" announce
like "$tap_output" '^l3vm: tapvm3 .*gone.*'$'\n''l3vm: tapvm5 .*gone.*$' "and says so"

# --- -v says what is done ------------------------------------------------------

"$l3vm" -v attach --guest vm1 --ifname tapvm1 --mac 52:54:00:00:00:05 \
	--uuid 7A3E9AF1-5F0C-4C61-9C7C-6F0B6F3B5C11 --address 10.0.0.5,10.0.0.55 \
	>"$tmp/out" 2>"$tmp/err"
is "$(cat "$tmp/out")" "" "-v leaves standard output alone"
like "$(cat "$tmp/err")" 'l3vm: \+ ip route add unicast 10.0.0.55/32 dev tapvm1' \
	"-v says which route it makes"
ok "detach by guest" "$l3vm" detach --guest vm1
exits 4 "and it is gone" "$l3vm" status vm1

done_testing
