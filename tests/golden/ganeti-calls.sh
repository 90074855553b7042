#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ganeti-calls.sh - which calls Ganeti's scripts and hooks make in which environment
#
# The environments are those of a real cluster (Ganeti 3.0.2), without what the
# programs may not read. The programs' own mains, linked with an engine that writes
# down its calls and knows the networks "tenant" and "lan" (bridge br-l3).
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"

programs=${L3VM_BUILD:?}/tests/golden
inputs=$L3VM_SRC/tests/golden/ganeti
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/transcript"

# What Ganeti calls this host
me=$(uname -n)
[[ $me = *.* ]] || me=$me.lab.example

# run PROGRAM FILE [NAME=VALUE...]: $status, $work/calls, $work/err. "-NAME" takes a
# variable out; "me=NODE" makes that node this host.
run() {
	local program=$1 file=$2 word node=
	shift 2
	cat "$inputs/$file" >"$work/env"
	for word; do
		case $word in
		me=*) node=${word#me=} ;;
		-*) sed -i "/^${word#-}=/d" "$work/env" ;;
		*) sed -i "/^${word%%=*}=/d" "$work/env" && echo "$word" >>"$work/env" ;;
		esac
	done
	[ -z "$node" ] || sed -i "s/$node\.lab\.example/$me/g" "$work/env"
	mapfile -t env <"$work/env"
	: >"$work/calls"
	status=0
	env -i STUB_LOG="$work/calls" STUB_FAIL="${STUB_FAIL-}" "${env[@]}" \
		"$programs/stub-ganeti-$program" "b'tap0'" >"$work/out" 2>"$work/err" ||
		status=$?
}

# transcript PROGRAM FILE [NAME=VALUE...]
transcript() {
	run "$@"
	{
		echo "== $*: status $status"
		cat "$work/calls"
		grep -v '^a library that prints$' "$work/out" || :
		cat "$work/err"
	} >>"$work/transcript"
	ok "$*: at most one line on stderr, as it should be" \
		awk '!/^l3vm: / { exit 1 } END { exit NR > 1 }' "$work/err"
}

# --- the network script --------------------------------------------------------

for file in "$inputs"/vif-*.env; do
	transcript vif "${file##*/}"
done
routed=vif-start-nic0-routed-plain.env
bridged=vif-start-bridged.env
# LINK is a network of ours, a table, the bridge of a network, or none of these
transcript vif $routed LINK=tenant
transcript vif $routed LINK=vpn_blue
transcript vif $bridged LINK=br-other BRIDGE=br-other
transcript vif $bridged LINK=br-other TAGS=l3vm:network:tenant
transcript vif $bridged MODE=openvswitch LINK=br-int
transcript vif $bridged MODE=openvswitch LINK=tenant
transcript vif $routed MODE=ext -IP
transcript vif $routed INTERFACE=gnt.com.0
# what a NIC has, and which one a tag is about
transcript vif $routed IP=2001:db8::10 'TAGS=l3vm:nic1:ip:10.0.0.9 a l3vm l3vmore:ip:x'
transcript vif $routed INTERFACE_INDEX=1 'TAGS=l3vm:nic1:ip:10.0.0.9 l3vm:ip:10.0.0.8'
transcript vif $routed INTERFACE_INDEX=10 'TAGS=l3vm:nic1:ip:10.0.0.9'
transcript vif $routed TAGS=l3vm:nic0:network:tenant LINK=100
# Ganeti 3.2
for phase in pre post ''; do
	transcript vif $routed MODE=ext ACTION=up MIGRATION_PHASE=$phase
done
transcript vif $routed ACTION=up MIGRATION_PHASE=post
transcript vif $routed ACTION=down INTERFACE=nosuchtap0
transcript vif $routed ACTION=down INTERFACE=lo
# what is wrong is said, and nothing is done
transcript vif $routed TAGS=l3vm:rout:2001:db8::/64
transcript vif $routed TAGS=l3vm:ip:wrong
transcript vif $routed TAGS=l3vm:nic
transcript vif $routed -INTERFACE
transcript vif $routed -MAC
transcript vif $routed INTERFACE_INDEX=eth0
for call in new find_network attach; do
	STUB_FAIL=$call=5 transcript vif $routed LINK=100
done
STUB_FAIL=detach_port=1 transcript vif $routed ACTION=down INTERFACE=nosuchtap0

# --- node hooks ------------------------------------------------------------------

pre=hook-instance-migrate-pre.env post=hook-instance-migrate-post.env
for node in node1 node2 node3; do
	transcript hook $pre me=$node
	transcript hook $post me=$node
done
transcript hook $pre me=node2 GANETI_MIGRATE_CLEANUP=True
transcript hook $post me=node2 GANETI_MIGRATE_CLEANUP=True
transcript hook $pre me=node2 GANETI_INSTANCE_NIC1_MODE=bridged
transcript hook $pre me=node2 GANETI_INSTANCE_TAGS=l3vm:address:10.0.0.1
for file in failover stop modify remove; do
	transcript hook hook-instance-$file-post.env me=node2
done
transcript hook hook-instance-failover-post.env GANETI_HOOKS_PHASE=pre
transcript hook $pre GANETI_HOOKS_PATH=cluster-verify GANETI_HOOKS_PHASE=post
transcript hook $pre GANETI_HOOKS_PATH=node-add
transcript hook $pre -GANETI_HOOKS_PATH -GANETI_HOOKS_PHASE
STUB_FAIL=incoming=5 transcript hook $pre me=node2
STUB_FAIL=migrate_notify=4 transcript hook $post me=node2
STUB_FAIL=migrate_notify=1 transcript hook $post me=node2

same_file "$work/transcript" "$inputs/calls.txt" "environments and their calls"

# --- the order of the tags -------------------------------------------------------

tags='l3vm:route:2001:db8:5::/64 a l3vm:ip:2001:db8::12 l3vm:ip:10.0.0.3 b'
run vif $routed "TAGS=$tags"
first=$(<"$work/calls")
# shellcheck disable=SC2086 # a list of words
for i in 1 2 3 4 5; do
	run vif $routed "TAGS=$(shuf -e $tags | tr '\n' ' ')"
	is "$(<"$work/calls")" "$first" "the same calls whatever the order, $i"
done
done_testing
