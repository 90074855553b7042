#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# hooks-input.sh - the installed hook programs and input that libvirt never sends
#
# Only what is decided before the host is opened: no privilege, no namespace,
# and nothing on the machine is looked at.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

qemu=${L3VM_BUILD:?}/l3vm-libvirt-qemu
network=$L3VM_BUILD/l3vm-libvirt-network
domxml=$L3VM_SRC/tests/golden/domxml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# so that a test that gets further than it should harms nothing
export L3VM_CONFIG=$work/l3vm.conf L3VM_STATE_DIR=$work/state

# run PROGRAM ARGUMENT...: $status, $err (its one line), $out_size
run() {
	status=0
	"$@" >"$work/out" 2>"$work/err" || status=$?
	err=$(cat "$work/err")
	out_size=$(wc -c <"$work/out")
}

# verdict STATUS REGEX NAME: of the last run
verdict() {
	is "$status" "$1" "$3"
	like "$err" "$2" "$3: the line"
	is "$(wc -l <"$work/err")" 1 "$3: one line"
	is "$out_size" 0 "$3: nothing on stdout"
}

# quiet NAME: the last run ended with 0 and without a word
quiet() {
	is "$status $out_size $err" "0 0 " "$1"
}

# --- arguments -----------------------------------------------------------------

run "$qemu" </dev/null
verdict 2 '^l3vm: l3vm-libvirt-qemu: no operation given \(.*\)$' "no arguments"
run "$qemu" vm1 </dev/null
verdict 2 'no operation given' "a guest and no operation"
run "$network" </dev/null
verdict 2 '^l3vm: l3vm-libvirt-network: no operation given' "network: no arguments"
run "$network" default </dev/null
verdict 2 'no operation given' "a network and no operation"

run "$qemu" vm1 defrost begin - </dev/null
quiet "an unknown operation"
run "$qemu" vm1 '' begin - </dev/null
quiet "an empty operation"
run "$qemu" vm1 defrost begin - <&-
quiet "an unknown operation, stdin closed"
run "$network" default port-updated begin - </dev/null
quiet "network: an unknown operation"
run "$network" default stopped end - <"$domxml/bad-doctype.xml"
quiet "network stopped reads nothing"
run "$qemu" vm1 start <"$domxml/no-interfaces.xml"
quiet "the operation is enough"
run "$qemu" vm1 start begin - something new <"$domxml/no-interfaces.xml"
quiet "more arguments than today"
is "$(ls -A "$work/state" 2>/dev/null)" "" "and no state was made by any of them"

# --- XML -------------------------------------------------------------------------

run "$qemu" vm1 start begin - </dev/null
verdict 2 '^l3vm: guest "vm1": XML on standard input: nothing there \(' "no XML"
run "$qemu" vm1 start begin - <&-
verdict 2 'nothing there' "stdin closed"
run "$network" default start begin - </dev/null
verdict 2 '^l3vm: network "default": XML on standard input' "network: no XML"
run "$qemu" vm1 reconnect begin - </dev/null
verdict 0 'nothing there' "reconnect without XML"

head -c 10485760 /dev/zero >"$work/zeros"
run "$qemu" vm1 start begin - <"$work/zeros"
verdict 2 'longer than 4194304 bytes' "10 MiB of zeros"
{
	echo "<domain><name>vm1</name>"
	head -c 10485760 /dev/zero | tr '\0' ' '
	echo "</domain>"
} >"$work/large.xml"
run "$qemu" vm1 start begin - <"$work/large.xml"
verdict 2 'longer than 4194304 bytes' "10 MiB of XML"
before=$(tap_now)
run "$qemu" vm1 start begin - < <(cat /dev/zero)
verdict 2 'longer than' "input without an end"
ok "which is not waited for" test "$(($(tap_now) - before))" -lt 2000

for document in "$domxml"/bad-{doctype,external-entity,entity,not-utf8,depth}.xml; do
	run "$qemu" vm1 prepare begin - <"$document"
	verdict 2 '^l3vm: guest "vm1": ' "${document##*/}"
done
head -c 1000 "$domxml/libvirt-ethernet-start.xml" >"$work/cut.xml"
run "$qemu" vm1 migrate begin - <"$work/cut.xml"
verdict 2 'malformed XML: .* \(' "XML that ends early"
run "$network" default start begin - <"$domxml/libvirt-ethernet-start.xml"
verdict 2 'root element "domain": not the "hookData"' "the other hook's XML"

# --- names and values ----------------------------------------------------------------

# named NAME: the real document with that <name>
named() {
	NAME=$1 awk '/<name>/ && !done { print "<name>" ENVIRON["NAME"] "</name>"
		done = 1; next } { print }' "$domxml/libvirt-ethernet-start.xml"
}

long=$(printf '%0300d' 0)
for name in 'a/b' '../../etc/passwd' '.hidden' 'a&#10;b' 'a&#9;b' "$long" ''; do
	run "$qemu" vm1 start begin - < <(named "$name")
	verdict 2 '^l3vm: guest "vm1": .* \(.*\)$' "the name \"${name:0:20}\""
done
run "$qemu" "$(printf 'a\nb\033[2J/%s' "$long")" start begin - </dev/null
verdict 2 '^l3vm: guest "a\\012b\\033\[2J/0+\.\.\.": XML' "such a name in argv"
run "$qemu" $'vm\xff' start begin - </dev/null
verdict 2 'nothing there' "a name in argv that is not UTF-8"

# with FROM TO: the real document with a value that is wrong
with() {
	sed "s|$1|$2|" "$domxml/libvirt-ethernet-start.xml"
}

while IFS='|' read -r from to message; do
	run "$qemu" vm1 start begin - < <(with "$from" "$to")
	verdict 2 "^l3vm: guest \"vm1\": NIC [0-9a-z:]+: $message .*\)\$" \
		"\"$to\" for \"$from\""
done <<-'END'
	>10.0.0.5<|>10.0.0.5/24<|address "10.0.0.5/24":
	>10.0.0.5<|>10.0.0.500<|address "10.0.0.500":
	>10.0.0.5<|><|address "":
	>10.0.0.5<|>vm1.example<|address "vm1.example":
	'tapvm1'|'tap/vm1'|interface "tap/vm1":
	'tapvm1'|'tapvm1tapvm1tapvm1'|interface "tapvm1tapvm1tapvm1":
	'tapvm1'|''|interface "":
	02:00:0a:00:00:05|01:00:0a:00:00:05|MAC "01:00:0a:00:00:05":
END
run "$qemu" vm1 start begin - < <(with '<l3vm:nic ' '<l3vm:nic network="a b" ')
verdict 2 'NIC 02:00:0a:00:00:05: network "a b":' "a network's name with a space"
run "$qemu" vm1 start begin - < <(with '<uuid>1' '<uuid>x')
verdict 2 'UUID "x' "a UUID that is none"
is "$(ls -A "$work/state" 2>/dev/null)" "" "and no state was made by any of them"

done_testing
