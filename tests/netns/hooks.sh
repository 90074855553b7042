#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# hooks.sh - the whole life of a guest, as libvirt's hooks tell it: the real
# programs, XML that libvirt wrote, and the kernel's state after each
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
need nft

domxml=$L3VM_SRC/tests/golden/domxml
netxml=$L3VM_SRC/tests/golden/netxml
uuid1=11111111-2222-3333-4444-000000000001
mac=02:00:0a:00:00:05
cat >"$L3VM_CONFIG" <<-'END'
	[network l3bridge]
	mode = bridge
	bridge = br-l3
	gateway4 = 10.0.0.254
END
host_add hv
client_add

# qemu NAME GUEST OPERATION XML: the hook succeeds without a word
qemu() {
	hook "$1" l3vm-libvirt-qemu "$2" "$3" "$4"
}

network() {
	hook "$1" l3vm-libvirt-network l3bridge "$2" "$3"
}

hook() {
	run in_ns hv "${L3VM_BUILD:?}/$2" "$3" "$4" begin - <"$5"
	is "$status $out_size $err" "0 0 " "$1"
}

# at METRIC DEV: what routes prints of a guest with both addresses
at() {
	printf '10.0.0.5 dev %s metric %s\n' "$2" "$1"
	if [ "$2" = br-l3 ]; then
		printf '2001:db8::5 via %s dev %s metric %s onlink\n' \
			fd6c:3376:6d01::aff:fe00:5 "$2" "$1"
	else
		printf '2001:db8::5 dev %s metric %s\n' "$2" "$1"
	fi
}

# --- boot and end -------------------------------------------------------------------

changed
qemu "prepare" vm1 prepare "$domxml/libvirt-ethernet-prepare.xml"
unchanged "prepare of type='ethernet' changes nothing: there is no tap yet"
guest_add g1 tapvm1 $mac
guest_config g1 10.0.0.5 2001:db8::5
qemu "start" vm1 start "$domxml/libvirt-ethernet-start.xml"
is "$(state_of vm1)" live "a cold boot: live"
is "$(routes main)" "$(at 5 tapvm1)" "routes before QEMU runs"
ok "the client reaches the guest" pings cl 10.0.0.5 2001:db8::5
is "$(l3 status --json | sed -n 's/.*"uuid": *"\(.*\)".*/\1/p')" $uuid1 \
	"known by its UUID"
changed
qemu "started" vm1 started "$domxml/libvirt-ethernet-started.xml"
unchanged "started changes nothing"
qemu "reconnect" vm1 reconnect "$domxml/libvirt-ethernet-reconnect.xml"
unchanged "reconnect changes nothing"
ip_ns hv route flush proto 76
qemu "reconnect" vm1 reconnect "$domxml/libvirt-ethernet-reconnect.xml"
unchanged "reconnect repairs what is missing"
l3 migrate-notify vm1 --phase leaving
qemu "reconnect" vm1 reconnect "$domxml/libvirt-ethernet-reconnect.xml"
is "$(state_of vm1)" leaving "reconnect knows nothing new: a leaving port stays leaving"
l3 migrate-notify vm1 --phase aborted
qemu "stopped" vm1 stopped "$domxml/libvirt-ethernet-stopped.xml"
is "$(ours)" "" "stopped: nothing of ours is left"
qemu "release" vm1 release "$domxml/libvirt-ethernet-release.xml"
is "$(on_record)" "" "release: nor on record"
qemu "release again" vm1 release "$domxml/libvirt-ethernet-release.xml"

# --- the target of a migration --------------------------------------------------------

# arrives: as libvirt calls the hooks at the target, all before the guest runs
arrives() {
	qemu "target: migrate" vm1 migrate "$domxml/libvirt-ethernet-target-migrate.xml"
	qemu "target: prepare" vm1 prepare "$domxml/libvirt-ethernet-prepare.xml"
	qemu "target: start" vm1 start "$domxml/libvirt-ethernet-start.xml"
}

arrives
is "$(state_of vm1)" prepared "target: prepared"
is "$(routes main)" "" "target: no route before evidence"
like "$(ip_ns hv link show tapvm1)" "qlen 10000" "target: a long queue"
qemu "target: started" vm1 started "$domxml/libvirt-ethernet-started.xml"
is "$(state_of vm1)" prepared "started is no evidence"
qemu "target: reconnect" vm1 reconnect "$domxml/libvirt-ethernet-reconnect.xml"
is "$(state_of vm1) $(routes main)" "prepared " "a restart of libvirtd is none either"
l3 migrate-notify vm1
is "$(routes main)" "$(at 4 tapvm1)" "evidence: routes at the preferred rank"
qemu "target: reconnect" vm1 reconnect "$domxml/libvirt-ethernet-reconnect.xml"
is "$(state_of vm1)" arrived "reconnect does not undo it"
qemu "target: stopped" vm1 stopped "$domxml/libvirt-ethernet-stopped.xml"
is "$(ours)" "" "the guest ends"

arrives
qemu "failed migration: stopped" vm1 stopped "$domxml/libvirt-ethernet-stopped.xml"
qemu "failed migration: release" vm1 release "$domxml/libvirt-ethernet-release.xml"
is "$(ours)" "" "a migration that failed leaves nothing"
qemu "start after that" vm1 start "$domxml/libvirt-ethernet-start.xml"
is "$(state_of vm1)" live "and is forgotten: an ordinary start"

# `stopped` was lost, and the guest comes back by migration
arrives
is "$(state_of vm1) $(routes main)" "prepared " \
	"what a lost stopped left is no evidence"
qemu "stopped" vm1 stopped "$domxml/libvirt-ethernet-stopped.xml"

# --- a start that is no migration ---------------------------------------------------

qemu "migrate" vm1 migrate "$domxml/libvirt-ethernet-target-migrate.xml"
qemu "restore" vm1 restore "$domxml/libvirt-ethernet-restore.xml"
qemu "prepare" vm1 prepare "$domxml/libvirt-ethernet-prepare.xml"
qemu "start" vm1 start "$domxml/libvirt-ethernet-start.xml"
is "$(state_of vm1)" live "after a restore: live"
qemu "stopped" vm1 stopped "$domxml/libvirt-ethernet-stopped.xml"

# hook_at OFFSET: the migrate hook, so many seconds ago
hook_at() {
	run in_ns hv faketime -f "$1" "$L3VM_BUILD/l3vm-libvirt-qemu" \
		vm1 migrate begin - <"$domxml/libvirt-ethernet-target-migrate.xml"
	is "$status $out_size $err" "0 0 " "migrate, at $1 seconds"
	qemu "start" vm1 start "$domxml/libvirt-ethernet-start.xml"
	tap_output=$(state_of vm1)
	qemu "stopped" vm1 stopped "$domxml/libvirt-ethernet-stopped.xml"
}

if command -v faketime >/dev/null; then
	hook_at -20
	is "$tap_output" prepared "a migrate of 20 seconds ago still counts"
	hook_at -40
	is "$tap_output" live "one of 40 seconds ago (migrate --offline) does not"
	hook_at +3600
	is "$tap_output" live "nor one of the future: the clock was set back"
else
	skip "a migrate of long ago" "needs faketime"
fi

# --- guests that are not ours -------------------------------------------------------

changed
qemu "a guest without interfaces" vm9 start "$domxml/no-interfaces.xml"
unchanged "is left alone"
for operation in migrate prepare start started reconnect attach restore stopped; do
	qemu "a guest without metadata: $operation" vm9 $operation \
		<(grep -v -e '<[/]*l3vm:' "$domxml/libvirt-network-source-start.xml" |
			sed "s/br-l3/br-x/; s/l3bridge/x/; s/<uuid>1/<uuid>9/")
done
unchanged "is left alone"

# --- a bridge network ---------------------------------------------------------------

network "network start" start "$netxml/libvirt-l3bridge-start.xml"
like "$(ip_ns hv -o link show br-l3)" "UP.*link/ether $gateway_mac" \
	"makes the bridge, which libvirt will not"
like "$(ip_ns hv -o addr show br-l3)" "inet 10.0.0.254/32 scope link" \
	"with the gateway's address"
changed
network "network started" started "$netxml/libvirt-l3bridge-started.xml"
unchanged "which finds everything done"

# plug GUEST N MAC: what libvirt does between the hooks prepare and start
plug() {
	guest_add "$1" "$2" "$3"
	# it would have a link-local address of its own, tentative at first
	ip_ns hv link set "$2" addrgenmode none
	ip_ns hv link set "$2" address "fe${3#02}"
	ip_ns hv link set "$2" master br-l3
	ip_ns hv link set "$2" up
}

qemu "prepare" vm3 prepare "$domxml/libvirt-network-source-prepare.xml"
network "port-created" port-created "$netxml/libvirt-l3bridge-port-created.xml"
unchanged "of a guest that is not on record: nothing before start"
plug g3 l3v1a $mac
qemu "start" vm3 start "$domxml/libvirt-network-source-start.xml"
is "$(state_of vm3)" live "live"
is "$(routes main)" "$(at 5 br-l3)" "its routes are on the bridge"
like "$(in_ns hv bridge -d link show dev l3v1a)" "learning off flood off.*isolated on" \
	"its port is isolated"
guest_config g3 10.0.0.5 2001:db8::5
ip_ns g3 route replace default via 10.0.0.254 dev eth0 onlink
ok "the client reaches the guest" pings cl 10.0.0.5 2001:db8::5
changed
qemu "started" vm3 started "$domxml/libvirt-network-source-started.xml"
network "port-created, repeated at a restart of libvirtd" port-created \
	"$netxml/libvirt-l3bridge-port-created.xml"
network "network started, repeated too" started "$netxml/libvirt-l3bridge-started.xml"
network "network updated" updated "$netxml/libvirt-l3bridge-updated.xml"
unchanged "change nothing"
qemu "stopped" vm3 stopped "$domxml/libvirt-network-source-stopped.xml"
network "port-deleted" port-deleted "$netxml/libvirt-l3bridge-port-deleted.xml"
qemu "release" vm3 release "$domxml/libvirt-network-source-release.xml"
is "$(ours)" "" "stopped: nothing of ours is left"

qemu "target: migrate" vm3 migrate "$domxml/libvirt-network-target-migrate.xml"
qemu "target: prepare" vm3 prepare "$domxml/libvirt-network-target-prepare.xml"
network "target: port-created" port-created "$netxml/libvirt-l3bridge-port-created.xml"
is "$(routes main)" "" "a port that is created for a migration gets no routes"
qemu "target: start" vm3 start "$domxml/libvirt-network-target-start.xml"
qemu "target: started" vm3 started "$domxml/libvirt-network-target-started.xml"
is "$(state_of vm3) $(routes main)" "prepared " "target: prepared, no routes"
l3 migrate-notify vm3
is "$(routes main)" "$(at 4 br-l3)" "evidence: routes at the preferred rank"
qemu "stopped" vm3 stopped "$domxml/libvirt-network-source-stopped.xml"
is "$(ours)" "" "the guest ends"
ip_ns hv link del l3v1a

# --- hot-plug: no qemu hook tells of it ---------------------------------------------

# The metadata describes a NIC that the guest does not have yet.
sed "/<interface type='bridge'>/,/<\/interface>/d" \
	"$domxml/libvirt-network-source-start.xml" >"$work/without.xml"
run in_ns hv "$L3VM_BUILD/l3vm-libvirt-qemu" vm3 start begin - <"$work/without.xml"
is "$status $out_size $(routes main)" "0 0 " "start without the NIC that is described"
like "$err" "metadata for NIC $mac, but the guest has no such interface" \
	"one line says so"
network "port-created" port-created "$netxml/libvirt-l3bridge-port-created.xml"
is "$(routes main)" "$(at 5 br-l3)" "hot-plug: routes on the bridge at once"
add_ns g4
ip_ns hv link add l3v1a type veth peer name eth0 netns "${netns_name[g4]}" address $mac
ip_ns g4 link set eth0 up
guest_config g4 10.0.0.5 2001:db8::5
ip_ns g4 route replace default via 10.0.0.254 dev eth0 onlink
ip_ns hv link set l3v1a addrgenmode none
ip_ns hv link set l3v1a address fe${mac#02}
ip_ns hv link set l3v1a master br-l3
ip_ns hv link set l3v1a up
ok "the client reaches the guest" pings cl 10.0.0.5 2001:db8::5
# Until then nobody guards it, since nobody knows it, unless its name is closed.
mkdir "$work/site"
echo 'redefine closed = { "l3v*" }' >"$work/site/names.nft"
sed "s|/etc/l3vm/guard.d|$work/site|" "$L3VM_BUILD/libl3vm/guard/l3vm-guard.nft" \
	>"$work/rules.nft"
in_ns hv nft -f "$work/rules.nft"
ok "but not if the interface's name is closed: IPv4" no_ping cl 10.0.0.5
ok "and IPv6" no_ping cl 2001:db8::5
like "$(l3 reconcile)" 'l3v1a' "reconcile finds the port's interface"
like "$(in_ns hv bridge -d link show dev l3v1a)" "learning off flood off.*isolated on" \
	"and finishes the port"
is "$(l3 status --json | sed -n 's/.*"ifname": *"\(.*\)".*/\1/p')" l3v1a \
	"and its record"
is "$(l3 reconcile)" "" "and is content"
ok "reached again, as a port" pings cl 10.0.0.5 2001:db8::5
network "port-created, repeated" port-created \
	"$netxml/libvirt-l3bridge-port-created.xml"
is "$(routes main)" "$(at 5 br-l3)" "changes nothing"
network "port-deleted" port-deleted "$netxml/libvirt-l3bridge-port-deleted.xml"
is "$(ours)" "" "hot-unplug: nothing of ours is left"
ip_ns hv link set l3v1a nomaster
starts "an agent"
network "plugged, as before libvirt 5.5" plugged \
	"$netxml/libvirt-l3bridge-port-created.xml"
is "$(routes main)" "$(at 5 br-l3)" "does the same"
ip_ns hv link set l3v1a master br-l3
ok "the agent finds the port's interface by itself" wait_for 2 eval '
	[[ $(l3 status --json) = *\"l3v1a\"* ]]'
agent_stop
network "unplugged" unplugged "$netxml/libvirt-l3bridge-port-deleted.xml"
is "$(ours | grep -v l3vm-hold)" "" "too"

# refused: the address is taken, so the NIC must not be plugged in
tap_add tap9
attach vm9 tap9 52:54:00:00:00:09 10.0.0.5
changed
refused 5 '10.0.0.5 for guest vm3: taken by guest vm9' "hot-plug with a taken address" \
	in_ns hv "$L3VM_BUILD/l3vm-libvirt-network" l3bridge port-created begin - \
	<"$netxml/libvirt-l3bridge-port-created.xml"
l3 detach --guest vm9
run in_ns hv "$L3VM_BUILD/l3vm-libvirt-qemu" vm3 release end - <"$work/without.xml"
is "$(on_record)" "" \
	"after release nothing is on record"

done_testing
