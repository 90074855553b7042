#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2317 # commands that `ok` and its kin run
# qemu-ifup.sh - a real QEMU, whose network script is l3vm-qemu-ifup: every way to
# write a tap on its command line, a NIC that is plugged in, refusals, odd ends
#
# The machine runs no guest; see tests/lab/qemu.sh for one, and its moves.
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need qemu-system-x86_64
need /usr/bin/python3

host_add hv
mkdir "$work/guests.d"
cat >"$work/l3vm.conf" <<-END
	[network default]
	allow = 10.0.0.0/16 2001:db8::/32 193.37.15.0/24
	[network derived]
	derive = mac4
END
cat >"$work/guests.d/a.conf" <<-END
	[nic 52:54:00:00:00:05]
	address = 10.0.0.5 2001:db8::5
	[nic 52:54:00:00:00:06]
	guest = vm1
	ifname = tap6
	address = 10.0.0.6 2001:db8::6
	[nic 52:54:00:00:00:07]
	address = 192.0.2.7
	[nic 02:42:c1:25:0f:ba]
	network = derived
END
ln -s "$L3VM_BUILD/l3vm-qemu-ifup" "$work/qemu-ifup"
ln -s "$L3VM_BUILD/l3vm-qemu-ifup" "$work/qemu-ifdown"
scripts=script=$work/qemu-ifup,downscript=$work/qemu-ifdown
mac=52:54:00:00:00:05

l3() {
	in_ns hv "$L3VM_BUILD/l3vm" "$@"
}

# qemu [ARGUMENT...]: runs until it is told to end, by QMP on its standard input
# and output; $qemu is its process
qemu() {
	rm -f "$work/qmp"
	ip netns exec "${netns_name[hv]}" qemu-system-x86_64 -accel tcg -m 32 \
		-nodefaults -display none -S -qmp "unix:$work/qmp,server=on,wait=off" \
		"$@" >"$work/qemu.out" 2>&1 &
	qemu=$!
	wait_for 10 test -S "$work/qmp" && wait_for 10 tell query-status
}

# starts NAME [ARGUMENT...]: it does. (Not "ok NAME qemu": that is a subshell.)
starts() {
	if qemu "${@:2}"; then
		pass "$1"
	else
		fail "$1"
		diag "$(<"$work/qemu.out")"
	fi
}

# tell COMMAND [JSON]: the answer
tell() {
	/usr/bin/python3 -c '
import json, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(10)
sock.connect(sys.argv[1])
lines = sock.makefile("rw")
lines.readline()
for name, arguments in ("qmp_capabilities", "{}"), sys.argv[2:4]:
    print(json.dumps({"execute": name, "arguments": json.loads(arguments)}),
          file=lines, flush=True)
    while True:
        answer = json.loads(lines.readline())
        if "event" not in answer:
            break
print(json.dumps(answer))
sys.exit("error" in answer)' "$work/qmp" "$1" "${2-"{}"}"
}

# ends: as when somebody pulls the plug properly
ends() {
	tell quit >/dev/null || :
	wait "$qemu" || diag "QEMU ended with $?: $(<"$work/qemu.out")"
}

# port: guest, UUID, interface, MAC, state and addresses of each
port() {
	l3 status --json | /usr/bin/python3 -c '
import json, sys
for p in json.load(sys.stdin)["ports"]:
    print(p["guest"], p["uuid"], p["ifname"], p["mac"], p["state"], *p["addresses"])'
}

routes() {
	ip_ns hv route show proto 76
	ip_ns hv -6 route show proto 76
}

# same_way NAME IFNAME ARGUMENT...: QEMU starts, and the port is vm1's
same_way() {
	local name=$1 tap=$2
	shift 2
	starts "$name: QEMU starts" -name vm1 "$@"
	is "$(port)" "vm1 None $tap $mac live 10.0.0.5 2001:db8::5" "$name: the port"
	is "$(routes | grep -c "dev $tap.* metric 5")" 2 "$name: its routes"
	ends
	is "$(port; routes)" "" "$name: nothing is left"
}

# --- ways to write it -------------------------------------------------------

nic=virtio-net-pci,romfile=,netdev=n0,mac=$mac
same_way "-netdev" tapvm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" -device "$nic"
same_way "-device first" tapvm1 -device "$nic" \
	-netdev "tap,$scripts,ifname=tapvm1,id=n0"
same_way "JSON" tapvm1 -netdev "{\"type\": \"tap\", \"id\": \"n0\", \"ifname\":
	\"tapvm1\", \"script\": \"$work/qemu-ifup\",
	\"downscript\": \"$work/qemu-ifdown\"}" \
	-device "{\"driver\": \"virtio-net-pci\", \"netdev\": \"n0\", \"mac\": \"$mac\",
	\"romfile\": \"\"}"
same_way "-nic" tapvm1 -nic "tap,ifname=tapvm1,model=virtio-net-pci,mac=$mac,$scripts"
same_way "-net" tapvm1 -net "nic,model=virtio-net-pci,macaddr=$mac" \
	-net "tap,ifname=tapvm1,$scripts"
same_way "several queues" tapvm1 -device "$nic,mq=on" \
	-netdev "tap,id=n0,ifname=tapvm1,queues=3,$scripts"
same_way "named by the kernel" tap0 -netdev "tap,id=n0,$scripts" -device "$nic"
same_way "by a pattern" l3vm0 -netdev "tap,id=n0,ifname=l3vm%d,$scripts" -device "$nic"

qemu -daemonize -name vm1 -uuid 12345678-9abc-def0-1234-56789abcdef0 \
	-netdev "tap,id=n0,ifname=tapvm1,$scripts" -device "$nic"
like "$(port)" '^vm1 12345678-9abc-def0-1234-56789abcdef0 tapvm1 ' "-daemonize, -uuid"
tell quit >/dev/null
ok "it ends" wait_for 5 eval '[ -z "$(port)" ]'

starts "derive = mac4" -name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" \
	-device virtio-net-pci,romfile=,netdev=n0,mac=02:42:c1:25:0f:ba
is "$(port)" "vm1 None tapvm1 02:42:c1:25:0f:ba live 193.37.15.186" "its address"
ends

starts "-incoming" -name vm1 -incoming defer \
	-netdev "tap,id=n0,ifname=tapvm1,$scripts" -device "$nic"
is "$(port)" "vm1 None tapvm1 $mac prepared 10.0.0.5 2001:db8::5" "is prepared"
is "$(routes)" "" "and not routed"
ends
is "$(port)" "" "the migration never came: nothing is left"

# --- two NICs, one of them plugged in -----------------------------------------

starts "a guest with a slot for a second NIC" -name vm1 \
	-netdev "tap,id=n0,ifname=tapvm1,$scripts" -device "$nic"
exits 1 "a NIC of which nothing is known is refused" tell netdev_add \
	"{\"type\": \"tap\", \"id\": \"n9\", \"ifname\": \"tap9\",
	\"script\": \"$work/qemu-ifup\"}"
like "$(<"$work/qemu.out")" 'l3vm: guest vm1, tap9: has no MAC' "it is said why"
ok "one that guests.d has is plugged in" tell netdev_add \
	"{\"type\": \"tap\", \"id\": \"n6\", \"ifname\": \"tap6\",
	\"script\": \"$work/qemu-ifup\", \"downscript\": \"$work/qemu-ifdown\"}"
is "$(port | sort)" "vm1 None tap6 52:54:00:00:00:06 live 10.0.0.6 2001:db8::6
vm1 None tapvm1 $mac live 10.0.0.5 2001:db8::5" "both are the guest's"
is "$(routes | grep -c 'dev tap')" 4 "both are routed"
ok "and taken out" tell netdev_del '{"id": "n6"}'
is "$(port)" "vm1 None tapvm1 $mac live 10.0.0.5 2001:db8::5" "one is left"
ends
is "$(port)" "" "none is left"

# --- refusals -----------------------------------------------------------------

# refused NAME PATTERN ARGUMENT...: QEMU gives up, and says what we said
refused() {
	local name=$1 pattern=$2
	shift 2
	exits 1 "$name: QEMU does not start" timeout 10 ip netns exec \
		"${netns_name[hv]}" qemu-system-x86_64 -accel tcg -m 32 -nodefaults \
		-display none -S "$@"
	like "$tap_output" "$pattern" "$name: why"
	is "$(port; routes; ip_ns hv -br link | grep tap || :)" "" "$name: nothing is left"
}

refused "not allowed" 'l3vm: 192\.0\.2\.7 for guest vm1: not allowed in network default' \
	-name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" \
	-device virtio-net-pci,romfile=,netdev=n0,mac=52:54:00:00:00:07
refused "without an address" 'has no address, and network default derives none' \
	-name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" \
	-device virtio-net-pci,romfile=,netdev=n0,mac=52:54:00:00:00:08
refused "without a MAC" 'l3vm: guest vm1, tapvm1: has no MAC \(give it one' \
	-name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" \
	-device virtio-net-pci,romfile=,netdev=n0
refused "two taps of any name" "l3vm: tap0: more than one NIC of QEMU's may have it" \
	-name vm1 -netdev "tap,id=n0,$scripts" -netdev "tap,id=n1,$scripts" -device "$nic"
cat >"$work/wrapper" <<-END
	#!/bin/sh
	"$work/qemu-ifup" "\$1"
	exit \$?
END
chmod +x "$work/wrapper"
refused "a script that does not exec" 'has no MAC' -name vm1 -device "$nic" \
	-netdev "tap,id=n0,ifname=tapvm1,script=$work/wrapper"

# --- without ifdown: by QEMU's end --------------------------------------------

# swept NAME: what is on record goes with the next look at it
swept() {
	is "$(routes)" "" "$1: the routes went with the tap"
	ok "$1: reconcile" l3 reconcile
	is "$(port)" "" "$1: nothing is left"
}

qemu -name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" -device "$nic"
kill -KILL "$qemu"
wait "$qemu" 2>/dev/null || :
swept "killed"
exits 1 "an option that QEMU refuses after the tap is there" ip netns exec \
	"${netns_name[hv]}" qemu-system-x86_64 -accel tcg -m 32 -nodefaults -display none \
	-name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" -device nonsense,netdev=n0
swept "refused"
chmod 0755 "$work"
starts "-runas" -runas nobody -name vm1 -device "$nic" \
	-netdev "tap,id=n0,ifname=tapvm1,$scripts"
kill "$qemu"
wait "$qemu" || :
like "$(<"$work/qemu.out")" 'l3vm: ' "its ifdown is not allowed to do anything"
swept "-runas"
starts "after all of that the guest starts" -name vm1 \
	-netdev "tap,id=n0,ifname=tapother,$scripts" -device "$nic"
is "$(port)" "vm1 None tapother $mac live 10.0.0.5 2001:db8::5" "on another tap"
ends

# Not even reconcile has run since the last end: the record is in its way.
qemu -name vm1 -netdev "tap,id=n0,ifname=tapvm1,$scripts" -device "$nic"
kill -KILL "$qemu"
wait "$qemu" 2>/dev/null || :
starts "killed, and started at once" -name vm1 \
	-netdev "tap,id=n0,ifname=tapother,$scripts" -device "$nic"
is "$(port | grep tapother)" \
	"vm1 None tapother $mac live 10.0.0.5 2001:db8::5" "with its addresses"
ends
done_testing
