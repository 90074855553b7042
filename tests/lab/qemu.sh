#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# qemu.sh - a guest of plain QEMU, as in examples/qemu: packets, moves, its end; and
# NICs that libvirt runs a <script> for
# timeout: 240
set -euo pipefail
. "$(dirname "$0")/common.sh"

EXAMPLE=$L3VM_SRC/examples/qemu
A4=10.0.0.5 A6=2001:db8::5 B4=10.0.0.66 B6=2001:db8:64::a00:42
all=("$A4" "$A6" "$B4" "$B6")
[[ -x /usr/bin/python3 ]] || skip_all "needs python3"

# vm1 NODE [ARGUMENT...] - its QEMU runs there, and its monitor answers
vm1()
{
	local node=$1 accel=tcg
	shift
	[[ $LAB_ACCEL != kvm ]] || accel=kvm
	on_start "$node" qemu.log "$EXAMPLE/vm1" -accel $accel \
		-m ${GUEST_MEMORY}k \
		-kernel "$LAB/image/vmlinuz" -initrd "$LAB/image/initrd.gz" \
		-append "console=ttyS0 panic=-1 quiet \
$(nic_word "mac=52:54:00:00:00:05,address=$A4,address=$A6") \
$(nic_word "mac=02:42:0a:00:00:42,address=$B4,address=$B6")" \
		-chardev "file,id=c,path=$LAB/console/vm1.log,append=on" \
		-serial chardev:c "$@"
	# after its taps: QEMU has run both scripts
	wait_until 20 on "$node" "$EXAMPLE/move" /run/qemu/vm1.control --status ||
		{ diag "$(<"$LAB/$node/log/qemu.log")"; return 1; }
}

# as_in_readme NODE STATE - what `l3vm status` prints there is what the README has,
# as soon as the daemon has heard of it
as_in_readme()
{
	local wanted
	wanted=$(grep -B 1 -A 3 "^vm1  *tapvm1  *default  *$2 " "$EXAMPLE/README.md")
	wait_until 2 shows "$1" "$wanted" || true
	is "$(status_at "$1")" "$wanted" "$2: as in the README"
}

# The README's daemon is BIRD.
status_at()
{
	on "$1" l3vm status | sed 's/ *$//; s/ frr  / bird /'
}

shows()
{
	[[ $(status_at "$1") == "$2" ]]
}

events_if_lost()
{
	[[ $MOVE_COUNT != *lost=[1-9]* ]] || diag "$(tail -n 20 \
		"$LAB"/hv[12]/run/l3vm/events.jsonl | cut -c 1-330)"
}

# vm1_moves DAEMON FROM TO
vm1_moves()
{
	local came what="$1, $2 to $3" uri="tcp:${MOVE_ADDRESS[$3]}:4444"
	rm -f "$LAB/$3/run/qemu/vm1".*
	vm1 "$3" -incoming "$uri"
	as_in_readme "$3" prepared
	ok "$what: still announced by $2 alone" all_routed tor "dev $2" "${all[@]}"
	streams_start "$A4" "$B6"
	came=$(datagrams_received)
	ok "$what: it moves" on "$2" "$EXAMPLE/move" /run/qemu/vm1.control "$uri"
	ok "$what: $3 announces it" all_routed tor "dev $3" "${all[@]}"
	as_in_readme "$3" arrived
	ok "$what: $2 has forgotten it" wait_until 10 has_state "$2" vm1 ""
	# it takes less than a second in all
	wait_until 10 eval "((\$(datagrams_received) > $came + 4000))" || true
	lost_nothing "$what"
	events_if_lost
	is "$(diverted hv1 hv2)" "" "$what: nothing is diverted any more"
	like "$(first_evidence "$3" vm1)" '^(qmp-|rarp|garp|na|frame)' "$what: evidence"
}

fabric_up hv1 hv2
move_routes
for node in hv1 hv2; do
	mkdir -p "$LAB/$node/etc/l3vm/guests.d"
	cp "$EXAMPLE/l3vm.conf" "$LAB/$node/etc/l3vm/"
	cp "$EXAMPLE/vm1.conf" "$LAB/$node/etc/l3vm/guests.d/"
	# as tmpfiles.conf says; there is no user l3vm here
	mkdir -m 2770 "$LAB/$node/run/qemu"
	agent_up $node --no-libvirt
done
before=$(traces hv1)
guest_image

for daemon in bird frr; do
	for node in tor hv1 hv2; do
		daemon_up $node $daemon
	done
	ok "$daemon: the fabric is up" wait_until 30 sessions_up tor $daemon 4
	if [[ $daemon == bird ]]; then
		vm1 hv1
		is "$(state_of hv1 vm1)" $'live\nlive' "it starts, with two NICs"
		as_in_readme hv1 live
		ok "it boots" wait_until 60 guest_up vm1
	fi
	ok "$daemon: the router learns all" all_routed tor "dev hv1" "${all[@]}"
	ok "$daemon: the client reaches it" reach "${all[@]}"
	ok "$daemon: and what streams end at" \
		wait_until 20 eval '[[ $(connect $A4 7777) == hello ]]'
	vm1_moves $daemon hv1 hv2
	vm1_moves $daemon hv2 hv1
	if [[ $daemon == frr ]]; then
		ok "it is told to end" on hv1 "$EXAMPLE/move" /run/qemu/vm1.control --quit
		ok "the router forgets it" none_routed tor "${all[@]}"
		ok "nothing is left" traces_are hv1 "$before"
	fi
	[[ $daemon == frr ]] || for node in tor hv1 hv2; do
		daemon_down $node $daemon
		# BIRD leaves its routes behind, for its next start
		on $node ip route flush proto bird
		on $node ip -6 route flush proto bird
	done
done

# --- libvirt's <script> --------------------------------------------------------

H4=10.0.0.67 H6=2001:db8::67 F4=10.0.0.68 F6=2001:db8::68
boot="mac=52:54:00:00:00:15,dev=tapvm2,address=10.0.0.15,address=2001:db8::15,script=yes"
hot="mac=52:54:00:00:00:67,dev=taphot,address=$H4,address=$H6,script=yes"
filed="mac=52:54:00:00:00:68,dev=tapfiled,address=$F4,address=$F6,script=yes"
# a name of l3vm's own configuration: it is in the way of nothing
for node in hv1 hv2; do
	agent_down $node
	conf=$(<"$LAB/$node/etc/l3vm/l3vm.conf")
	hypervisor_up $node
	echo "$conf" >"$LAB/$node/etc/l3vm/l3vm.conf"
	agent_up $node
	printf '%s\n' "[nic 52:54:00:00:00:68]" "guest = vm2" "address = $F4 $F6" \
		>"$LAB/$node/etc/l3vm/guests.d/vm2.conf"
done
guest_define hv1 vm2 "$boot" "later,$hot" "later,metadata=no,$filed"
ok "a guest of libvirt's with a <script> starts" on hv1 virsh start vm2
is "$(state_of hv1 vm2)" live "its hook has attached it"
is "$(grep -c '"guest":"vm2"' "$LAB/hv1/run/l3vm/events.jsonl")" 1 "and nobody else"
ok "it boots" wait_until 60 guest_up vm2

# plugs NIC - into vm2
plugs()
{
	nic_xml "$1" >"$LAB/tmp/nic.xml"
	on hv1 virsh -q attach-device vm2 "$LAB/tmp/nic.xml" --live
}

ok "a NIC of its metadata is plugged in" plugs "$hot"
ok "it is routed" all_routed tor "dev hv1" $H4 $H6
ok "and answers" reach $H4 $H6
ok "a NIC of guests.d is plugged in" plugs "$filed"
ok "it is routed" all_routed tor "dev hv1" $F4 $F6
ok "and answers" reach $F4 $F6
is "$(state_of hv1 vm2)" $'live\nlive\nlive' "all three are live"
is "$(on hv1 l3vm status vm2 --json | grep -c '"uuid": *"')" 3 "and the guest's"
ok "the NIC of its metadata is taken out" \
	on hv1 virsh -q detach-device vm2 <(nic_xml "$hot") --live
ok "it is not routed any more" none_routed tor $H4 $H6
ok "a NIC that nobody knows is plugged in" \
	plugs "mac=52:54:00:00:00:69,dev=tapnew,script=yes"
is "$(state_of hv1 vm2)" $'live\nlive' "and left alone"
on hv1 virsh -q detach-device vm2 "$LAB/tmp/nic.xml" --live

streams_start 10.0.0.15 $F6
begins "vm2 moves" vm2 hv1 hv2
is "$(state_of hv2 vm2)" $'prepared\nprepared' "the <script> has not announced it"
migration_hurries vm2 hv1
migration_ends "vm2 moves" 0
ok "hv2 announces it" all_routed tor "dev hv2" 10.0.0.15 2001:db8::15 $F4 $F6
lost_nothing "vm2 moves"
events_if_lost
ok "it is destroyed" on hv2 virsh destroy vm2
ok "nothing is routed" none_routed tor 10.0.0.15 2001:db8::15 $F4 $F6
is "$(on hv1 l3vm status; on hv2 l3vm status)" $'no ports\nno ports' "nothing is left"
lab_done_testing
