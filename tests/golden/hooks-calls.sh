#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# hooks-calls.sh - which call each hook operation makes, and what a failure does
#
# The programs' own mains, linked with an engine that writes down its calls.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

programs=${L3VM_BUILD:?}/tests/golden
inputs=$L3VM_SRC/tests/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STUB_LOG=$work/calls

# hook qemu|network GUEST OPERATION XML: $status, $work/calls, $work/out,
# $work/err. The arguments after the operation are libvirt's.
hook() {
	: >"$work/calls"
	status=0
	"$programs/stub-libvirt-$1" "$2" "$3" begin - <"$4" >"$work/out" \
		2>"$work/err" || status=$?
}

# silent NAME: nothing on stdout, at most one line of the right form on stderr
silent() {
	is "$(wc -c <"$work/out")" 0 "$1: nothing on stdout"
	ok "$1: at most one line on stderr, as it should be" \
		awk '!/^l3vm: / { exit 1 } END { exit NR > 1 }' "$work/err"
}

# --- operations and calls --------------------------------------------------

# transcript DRIVER XML OPERATION...: appended to $work/transcript
transcript() {
	local driver=$1 xml=$2 operation
	shift 2
	for operation; do
		hook "$driver" "argv-name" "$operation" "$inputs/$xml"
		{
			echo "== $driver $operation < ${xml##*/}: status $status"
			cat "$work/calls" "$work/err"
		} >>"$work/transcript"
		silent "$driver $operation < ${xml##*/}"
	done
}

: >"$work/transcript"
transcript qemu domxml/libvirt-network-target-migrate.xml migrate
transcript qemu domxml/libvirt-ethernet-restore.xml restore
transcript qemu domxml/libvirt-network-target-prepare.xml prepare
transcript qemu domxml/libvirt-network-target-start.xml start
transcript qemu domxml/libvirt-network-target-started.xml started
transcript qemu domxml/libvirt-ethernet-reconnect.xml reconnect
transcript qemu domxml/libvirt-ethernet-started.xml attach
transcript qemu domxml/libvirt-ethernet-stopped.xml stopped
transcript qemu domxml/libvirt-ethernet-release.xml release
transcript qemu domxml/libvirt-ethernet-start.xml defrost '' 'start '
transcript qemu domxml/nic-without-mac.xml start
transcript qemu domxml/nic-to-be-plugged.xml prepare start
transcript qemu domxml/nic-without-mac-or-interface.xml start
transcript qemu domxml/name-with-entities.xml stopped
# nothing of a kind that we handle: the host is not even opened
transcript qemu domxml/no-interfaces.xml migrate prepare start started reconnect attach
transcript qemu domxml/other-types.xml migrate prepare start started reconnect attach
transcript qemu domxml/no-interfaces.xml stopped release
# metadata that is wrong: refused where that is safe, and no call made
transcript qemu domxml/bad-element.xml migrate restore prepare start started \
	reconnect attach stopped release
# XML that is no XML: by name
transcript qemu domxml/bad-not-well-formed.xml migrate restore prepare start started \
	reconnect attach stopped release
transcript network netxml/libvirt-l3bridge-start.xml start
transcript network netxml/libvirt-l3bridge-started.xml started
transcript network netxml/libvirt-l3nat-start.xml start
transcript network netxml/libvirt-l3nat-started.xml started
transcript network netxml/isolated-start.xml start started
transcript network netxml/libvirt-l3bridge-updated.xml updated stopped defrost
transcript network netxml/libvirt-l3bridge-port-created.xml port-created
transcript network netxml/libvirt-l3open-port-created.xml port-created
transcript network netxml/libvirt-l3bridge-port-deleted.xml port-deleted
transcript network netxml/macvtap-port-created.xml start started port-created
transcript network netxml/old-plugged.xml plugged unplugged
transcript network netxml/bad-no-owner.xml port-created port-deleted
transcript network netxml/bad-doctype.xml start started stopped updated port-created \
	port-deleted plugged unplugged
same_file "$work/transcript" "$inputs/hooks-calls.txt" "operations and their calls"

# --- each failure at each operation ------------------------------------------

# fails DRIVER OPERATION XML WANTED CALL: the verdict on a failure of CALL
fails() {
	local code wanted
	for code in 1 3 5; do
		wanted=$([ "$4" = veto ] && echo "$code" || echo 0)
		STUB_FAIL=$5=$code hook "$1" vm1 "$2" "$inputs/$3"
		is "$status" "$wanted" "$1 $2: $5 fails with $code: $4"
		is "$(cat "$work/err")" "l3vm: $5: told to fail (tell it not to)" \
			"$1 $2: it is said"
	done
}

while read -r driver operation xml verdict call; do
	fails "$driver" "$operation" "$xml" "$verdict" "$call"
	fails "$driver" "$operation" "$xml" "$verdict" new
done <<-'END'
	qemu migrate domxml/libvirt-ethernet-target-migrate.xml veto incoming
	qemu restore domxml/libvirt-ethernet-restore.xml pass incoming_forget
	qemu prepare domxml/libvirt-ethernet-prepare.xml veto prepare
	qemu start domxml/libvirt-ethernet-start.xml veto attach
	qemu started domxml/libvirt-ethernet-started.xml pass attach
	qemu reconnect domxml/libvirt-ethernet-reconnect.xml pass attach
	qemu attach domxml/libvirt-ethernet-started.xml pass attach
	qemu stopped domxml/libvirt-ethernet-stopped.xml pass detach_guest
	qemu release domxml/libvirt-ethernet-release.xml pass detach_guest
	network start netxml/libvirt-l3bridge-start.xml veto network_up
	network started netxml/libvirt-l3bridge-started.xml pass network_up
	network port-created netxml/libvirt-l3bridge-port-created.xml veto plug
	network port-deleted netxml/libvirt-l3bridge-port-deleted.xml pass unplug
	network plugged netxml/old-plugged.xml veto plug
	network unplugged netxml/old-plugged.xml pass unplug
END

# --- what the library says of a value ------------------------------------------

sed 's/10\.0\.0\.5</wrong</' "$inputs/domxml/libvirt-ethernet-start.xml" \
	>"$work/wrong.xml"
hook qemu vm1 start "$work/wrong.xml"
is "$status $(cat "$work/err")" \
	'2 l3vm: guest "vm1": NIC 02:00:0a:00:00:05: address "wrong": wrong (right it)' \
	"an address that is not one names guest and NIC"
is "$(cat "$work/calls")" "" "and nothing is done"

sed "s/<target dev='tapvm1'/<tarket dev='tapvm1'/" \
	"$inputs/domxml/libvirt-ethernet-start.xml" >"$work/wrong.xml"
hook qemu vm1 start "$work/wrong.xml"
is "$status" 2 "a described interface without its tap is refused"
like "$(cat "$work/err")" 'NIC 02:00:0a:00:00:05: its interface has no <target dev>' \
	"and said"
hook qemu vm1 prepare "$work/wrong.xml"
is "$status" 0 "but not before there are taps"

done_testing
