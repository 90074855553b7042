#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cli-plan.sh - what plan prints for ports of every kind, against golden files
#
# The texts were read by people; that running them does what attach does is
# another test's business (netns).
set -euo pipefail

# shellcheck source=../lib/tap.sh
. "${L3VM_SRC:?}/tests/lib/tap.sh"

golden=$L3VM_SRC/tests/golden/cli
l3vm=${L3VM_BUILD:?}/l3vm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export L3VM_CONFIG=$golden/l3vm.conf L3VM_STATE_DIR=$tmp/state

# the guard's rules, wherever they are installed
installed='s|nft -f .*/l3vm-guard|nft -f /usr/share/l3vm/l3vm-guard|'

# plan_is FILE ARGUMENTS...: the plan of a port with these arguments
plan_is() {
	local file=$1 status=0
	shift
	"$l3vm" plan --from-scratch "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	is "$status $(cat "$tmp/err")" "0 " "$file: plan succeeds in silence"
	sed -i "$installed" "$tmp/out"
	same_file "$tmp/out" "$golden/$file" "$file: as it was"
	[ "${file%.json}" != "$file" ] ||
		ok "$file: sh can read it" sh -n "$tmp/out"
}

one=(--guest vm1 --ifname tapvm1 --mac 52:54:00:00:00:05)
both=("${one[@]}" --address 10.0.0.5 --address 2001:db8::5)

plan_is plan-routed.txt "${both[@]}"
plan_is plan-routed.json "${both[@]}" --format json
plan_is plan-prepared.txt "${both[@]}" --prepared
plan_is plan-ip4.txt "${one[@]}" --address 10.0.0.5
plan_is plan-ip6.txt "${one[@]}" --address 2001:db8::5
plan_is plan-prefixes.txt "${both[@]}" --prefix 10.0.32.0/24 --prefix 2001:db8:5::/64
plan_is plan-several.txt "${one[@]}" --address 10.0.0.5,10.0.0.6 \
	--address 2001:db8::5,2001:db8::6
plan_is plan-jumbo.txt "${both[@]}" --network jumbo
plan_is plan-proxied.txt "${both[@]}" --network proxied
plan_is plan-proxied-prepared.txt "${both[@]}" --network proxied --prepared
plan_is plan-tenant.txt "${one[@]}" --network tenant --address 10.0.64.5 \
	--address 2001:db8:64::5
plan_is plan-apart.txt "${both[@]}" --network apart
plan_is plan-bridge.txt "${both[@]}" --network lan
plan_is plan-bridge.json "${both[@]}" --network lan --format=json
plan_is plan-bridge-prepared.txt "${both[@]}" --network lan --prepared
plan_is plan-bridge-prefixes.txt "${both[@]}" --network lan --prefix 2001:db8:5::/64
plan_is plan-bridge-tenant.txt "${both[@]}" --network lan-tenant

# Addresses that are not on the command line: derived from 52:54:0a:00:00:05,
# and of a file in guests.d.
plan_is plan-derived.txt --guest vm1 --ifname tapvm1 --mac 52:54:0a:00:00:05 \
	--network derived
plan_is plan-guests.d.txt --guest known --ifname tapk --mac 52:54:00:00:00:77

# An interface's name may hold what a shell would act on.
# shellcheck disable=SC2016 # literally so
plan_is plan-quoted.txt --guest 'a b' --ifname 'a;$(id)`"' --mac 52:54:00:00:00:05 \
	--address 10.0.0.5

# --- the ways to say the same -------------------------------------------------

# same NAME ARGUMENTS...: prints what plan-routed.txt has
same() {
	local name=$1
	shift
	is "$("$l3vm" "$@" 2>&1 | sed "$installed")" "$(cat "$golden/plan-routed.txt")" \
		"$name"
}
plan=(plan --from-scratch "${one[@]}")
same "commas" "${plan[@]}" --address 10.0.0.5,2001:db8::5
same "words" "${plan[@]}" --address 10.0.0.5 2001:db8::5
same "=" "${plan[@]}" --address=10.0.0.5 --address=2001:db8::5
same "an address twice" "${plan[@]}" --address 10.0.0.5,2001:db8::5,10.0.0.5
same "with full length" "${plan[@]}" --address 10.0.0.5/32 --address 2001:db8::5/128
same "IPv6 written at length" "${plan[@]}" --address 10.0.0.5 \
	--address 2001:0DB8:0:0:0:0:0:5
same "--network default" "${plan[@]}" --address 10.0.0.5,2001:db8::5 --network default
same "a UUID" "${plan[@]}" --address 10.0.0.5,2001:db8::5 \
	--uuid 7A3E9AF1-5F0C-4C61-9C7C-6F0B6F3B5C11
same "--format ip" "${plan[@]}" --address 10.0.0.5,2001:db8::5 --format ip
same "--config before" --config "$L3VM_CONFIG" "${plan[@]}" \
	--address 10.0.0.5,2001:db8::5
L3VM_CONFIG=/nonexistent same "--config after" "${plan[@]}" \
	--address 10.0.0.5,2001:db8::5 --config "$golden/l3vm.conf"

is "$(find "$tmp/state" -type f 2>/dev/null)" "" "no plan left anything on record"

# --- what the configuration refuses --------------------------------------------

# refused STATUS REGEX ARGUMENTS...
refused() {
	local wanted=$1 regex=$2 status=0
	shift 2
	"$l3vm" plan --from-scratch --guest vm1 --ifname tapvm1 "$@" >"$tmp/out" \
		2>"$tmp/err" || status=$?
	is "$status" "$wanted" "refused: $*"
	is "$(wc -c <"$tmp/out") $(wc -l <"$tmp/err")" "0 1" "in one line"
	like "$(cat "$tmp/err")" "^l3vm: .+: .*$regex.*\)$" "which says why"
}
mac=(--mac 52:54:00:00:00:05)
refused 5 'allow' "${mac[@]}" --address 192.0.2.1
refused 5 'allow' "${mac[@]}" --address 10.0.0.5 --prefix 192.0.2.0/24
refused 5 'allow' "${mac[@]}" --address 10.0.0.5 --network tenant
refused 5 'gateway' "${mac[@]}" --address 10.0.255.1 --network jumbo
refused 2 'no-such' "${mac[@]}" --address 10.0.0.5 --network no-such
refused 2 'no address' "${mac[@]}"
refused 5 '64' "${mac[@]}" --address "$(printf '10.0.1.%d,' {1..64})10.0.2.1"
refused 5 '256' "${mac[@]}" --address 10.0.0.5 \
	--prefix "$(printf '10.0.%d.0/24,' {0..255})2001:db8:5::/64"

done_testing
