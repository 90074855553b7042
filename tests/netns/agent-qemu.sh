#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# agent-qemu.sh - QEMU to QEMU, without libvirt: two hosts with an agent each, real
# monitors, real migrations of a machine that runs its firmware
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
need qemu-system-x86_64

uuid=12345678-9abc-def0-1234-56789abcdef0
own=10.0.0.1,2001:db8::1
declare -A agents=() controls=()

# on HOST COMMAND...: l3vm there
on() {
	in_ns "$1" "$L3VM_BUILD/l3vm" --config "$work/$1.conf" \
		--state-dir "$work/$1.state" "${@:2}"
}

host_state() {
	on "$1" status --json | sed -n 's/^ *"state": *"\([a-z]*\)".*/\1/p'
}

is_in() {
	[ "$(host_state "$1")" = "$2" ]
}

host_log() {
	sed -n 's/.*"from":"\([a-z]*\)","to":"\([a-z]*\)","evidence":"\([a-z-]*\)".*/\1 \2 \3/p
		' "$work/$1.state/events.jsonl"
}

# host_start NAME: with an agent that finds its monitors, which come later
host_start() {
	host_add "$1"
	tap_add tap1 "$1"
	printf '%s\n' "[l3vm]" "hold-time = 1s" "qmp-sockets = $work/$1/*.qmp" \
		>"$work/$1.conf"
	ip netns exec "${netns_name[$1]}" "$L3VM_BUILD/l3vm-agent" --no-libvirt \
		--config "$work/$1.conf" --state-dir "$work/$1.state" \
		>>"$work/agent.err" 2>&1 &
	agents[$1]=$!
	mkdir "$work/$1"
	wait_for 10 ip_ns "$1" link show l3vm-hold
}

# qemu HOST [ARGUMENT...]: with two monitors, the agent's and ours
qemu() {
	ip netns exec "${netns_name[$1]}" qemu-system-x86_64 -accel tcg -m 32 \
		-nodefaults -display none -name web -uuid "$uuid" \
		-netdev tap,id=n,ifname=tap1,script=no,downscript=no \
		-device virtio-net-pci,netdev=n,mac=$mac1,romfile= \
		-qmp "unix:$work/$1/vm.qmp,server=on,wait=off" \
		-qmp "unix:$work/$1.control,server=on,wait=off" "${@:2}" \
		>>"$work/qemu.err" 2>&1 &
	disown
	controls[$1]=$work/$1.control
	wait_for 20 test -S "$work/$1.control"
}

# tell HOST JSON: a command to its QEMU; the answer
tell() {
	/usr/bin/python3 -c '
import json, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(10)
sock.connect(sys.argv[1])
lines = sock.makefile("rw")
lines.readline()
for command in "{\"execute\": \"qmp_capabilities\"}", sys.argv[2]:
    print(command.replace("\n", " "), file=lines, flush=True)
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            break
print(json.dumps(answer))' "${controls[$1]}" "$2"
}

# its_qemu HOST STATUS
its_qemu() {
	tell "$1" '{"execute": "query-status"}' | grep -q "\"$2\""
}

# migrate BYTES: a second, from hv to new
migrate() {
	tell hv "{\"execute\": \"migrate-set-parameters\", \"arguments\":
		{\"max-bandwidth\": $1}}" >/dev/null
	tell hv "{\"execute\": \"migrate\", \"arguments\":
		{\"uri\": \"unix:$work/stream\"}}" >/dev/null
}

# migration_is HOST WORD
migration_is() {
	tell "$1" '{"execute": "query-migrate"}' | grep -q "\"status\": \"$2\""
}

host_start hv
host_start new
qemu hv
ok "a guest starts" on hv attach --guest web --uuid $uuid --ifname tap1 --mac $mac1 \
	--address $own
wait_for 10 its_qemu hv running
qemu new -incoming "unix:$work/stream"
ok "its target is prepared" on new attach --guest web --uuid $uuid --ifname tap1 \
	--mac $mac1 --address $own --prepared
wait_for 10 its_qemu new inmigrate

# slow, so that it can be cancelled
migrate 4096
ok "a migration begins: the source is leaving" wait_for 10 is_in hv leaving
is "$(host_log hv | tail -n 1)" "live leaving qmp-migration" "its monitor said so"
is "$(host_state new)" prepared "the target waits"
tell hv '{"execute": "migrate_cancel"}' >/dev/null
ok "it is cancelled: the source is live" wait_for 10 is_in hv live
is "$(host_log hv | tail -n 1)" "leaving live qmp-migration" "its monitor said that too"
is "$(host_state new)" prepared "the target still waits"

# the stream has gone, and with it that QEMU
rm -f "$work/stream" "$work/new.control" "$work"/new/*.qmp
qemu new -incoming "unix:$work/stream"
wait_for 10 its_qemu new inmigrate
migrate 1000000000
ok "another one ends" wait_for 20 migration_is hv completed
ok "the guest has arrived" wait_for 5 grep -q '"to":"arrived"' \
	"$work/new.state/events.jsonl"
like "$(host_log new | sed -n 2p)" '^prepared arrived (qmp-resume|rarp)$' \
	"its monitor or its interface said so"
ok "it is live" wait_for 5 is_in new live
is "$(host_state hv)" leaving "the source is leaving"
like "$(grep hold-start "$work/hv.state/events.jsonl")" '"evidence":"qmp-stop"' \
	"and was held from its stop on"
tell hv '{"execute": "quit"}' >/dev/null
on hv detach --guest web
tell new '{"execute": "stop"}' >/dev/null
tell new '{"execute": "cont"}' >/dev/null
wait_for 5 its_qemu new running
is "$(host_state new)" live "a pause is no migration"
tell new '{"execute": "quit"}' >/dev/null
kill "${agents[@]}"
wait "${agents[@]}"
# of a QEMU that ended in a hurry its socket is left, and complained about
is "$(grep -v -e 'reconciled:' -e 'Connection refused' "$work/agent.err" || :)" "" \
	"the agents did not complain"
done_testing
