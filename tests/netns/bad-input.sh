#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bad-input.sh - bad input and bad luck on a real kernel: one clear line, the
# right exit status, nothing half-done
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need setpriv prlimit

domxml=$L3VM_SRC/tests/golden/domxml
netxml=$L3VM_SRC/tests/golden/netxml
l3vm=${L3VM_BUILD:?}/l3vm
cat >"$L3VM_CONFIG" <<-'END'
	[network default]
	allow = 10.0.0.0/8 192.0.2.0/24 127.0.0.0/8 0.0.0.0/8 2001:db8::/32 fe80::/10

	[network small]
	allow = 10.9.0.0/24 2001:db8:9::/48

	[network lan]
	mode = bridge
	bridge = br-l3

	[network open]
	guard = no
END
host_add hv
client_add
tap_add tap1
tap_add tap2
# what the documents in tests/golden call the guest's interface
tap_add tapvm1
mac=52:54:00:00:00:05
attach base tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1 --prefix 10.1.0.0/24
changed

# vm2 ADDRESS [ARGUMENTS...]: the attach that is refused
vm2() {
	attach vm2 tap2 "$mac" "$@"
}

# hook qemu|network ARGUMENTS... <XML
hook() {
	in_ns hv "$L3VM_BUILD/l3vm-libvirt-$1" "${@:2}"
}

# --- addresses ----------------------------------------------------------------------

while read -r address status why; do
	refused "$status" "$address.* for guest vm2: .*$why" "$address: $why" \
		vm2 "$address"
done <<-'END'
	224.0.0.1 5 multicast
	239.255.255.255 5 multicast
	ff02::1 5 multicast
	0.0.0.0 5 unicast
	0.1.2.3 5 unicast
	127.0.0.1 5 loopback
	127.200.0.1 5 loopback
	::1 5 loopback
	:: 5 unicast
	255.255.255.255 5 unicast
	169.254.0.1 5 gateway
	fe80::1 5 gateway
	192.0.2.1 5 this host's own
	2001:db8:c::1 5 this host's own
	192.0.2.255 5 this host's own
	10.0.0.1 5 taken by guest base, tap1
	2001:db8::1 5 taken by guest base, tap1
	172.16.0.1 5 not allowed in network default
	2001:db9::1 5 not allowed in network default
END
refused 5 '10.1.0.0/24 for guest vm2: taken by guest base' "a taken prefix" \
	vm2 10.0.0.2 --prefix 10.1.0.0/24
refused 5 'not allowed in network small' "the network's own allow list" \
	vm2 10.0.0.2 --network small
refused 5 '0.0.0.0/0 for guest vm2' "everything as a prefix" \
	vm2 10.0.0.2 --prefix 0.0.0.0/0
refused 5 'taken by guest base' "one address of three" \
	vm2 10.0.0.2,2001:db8::1,10.0.0.3
refused 5 '65 addresses' "65 addresses" vm2 "$(seq -s, -f 10.7.0.%g 1 65)"
refused 5 "gateway's MAC" "the gateway's MAC" attach vm2 tap2 $gateway_mac 10.0.0.2
refused 5 'tap1: is a port of guest base' "another guest's interface" \
	attach vm2 tap1 "$mac" 10.0.0.2
refused 2 'network other: not configured' "a network that is not configured" \
	vm2 10.0.0.2 --network other
for what in 10.0.0 10.0.0.5/24 2001:db8::/64 vm2.example ''; do
	refused 2 '^l3vm: ' "the address \"$what\"" vm2 "$what"
done

# --- interfaces ---------------------------------------------------------------------

refused 1 'tap9: no such interface' "an interface that does not exist" \
	attach vm2 tap9 "$mac" 10.0.0.2
ip_ns hv link add br-site type bridge
ip_ns hv link set tap2 master br-site
changed
refused 5 'tap2: is a port of br-site' "a port of a bridge, in a routed network" \
	vm2 10.0.0.2
ip_ns hv link set tap2 nomaster
changed

# --- names --------------------------------------------------------------------------

long=$(printf '%0300d' 0)
for name in a/b .. '' $'a\nb' "$long" $'a\x1b[2Jb'; do
	says 2 '^l3vm: ' "guest $(printf '%.20q' "$name")" \
		attach "$name" tap2 "$mac" 10.0.0.2
	says 2 '^l3vm: ' "interface $(printf '%.20q' "$name")" \
		attach vm2 "$name" "$mac" 10.0.0.2
	says 2 '^l3vm: ' "detach of $(printf '%.20q' "$name")" \
		l3 detach --ifname "$name"
done
unchanged "none of these names has changed anything"

# --- privilege ----------------------------------------------------------------------

# Root without the capability: it may write the state directory.
weak() {
	in_ns hv setpriv --bounding-set -net_admin --inh-caps -all "$@"
}

refused 3 'CAP_NET_ADMIN' "attach without CAP_NET_ADMIN" weak "$l3vm" attach \
	--guest vm2 --ifname tap2 --mac "$mac" --address 10.0.0.2
refused 3 'CAP_NET_ADMIN' "detach without it" weak "$l3vm" detach --guest base
refused 3 'CAP_NET_ADMIN' "migrate-notify without it" weak "$l3vm" migrate-notify base \
	--phase leaving
refused 3 'CAP_NET_ADMIN' "hook start without it" weak "$L3VM_BUILD/l3vm-libvirt-qemu" \
	vm1 start begin - <"$domxml/libvirt-ethernet-start.xml"

# --- a poor process, a poor kernel --------------------------------------------------

for n in 6 7; do
	refused 1 'Too many open files' "attach with no more than $n descriptors" in_ns hv \
		prlimit --nofile=$n "$l3vm" attach --guest vm2 --ifname tap2 \
		--mac "$mac" --address 10.0.0.2
done

# without_ipv6 CMD...: as in a kernel that was built so
without_ipv6() {
	# the arguments are for the inner shell
	# shellcheck disable=SC2016
	in_ns hv bash -ec 'mount --rbind /proc/sys/net/ipv4 "$0/ipv4"
		mount --rbind "$0" /proc/sys/net; exec "$@"' "$work/sysctl" "$@"
}

mkdir -p "$work/sysctl/ipv4"
ok "without IPv6 a guest of both families is attached" without_ipv6 "$l3vm" attach \
	--guest vm2 --ifname tap2 --mac "$mac" --address 10.0.0.2,2001:db8::2
is "$(routes main | grep tap2)" "10.0.0.2 dev tap2 metric 5" "to IPv4 alone"
like "$(without_ipv6 "$l3vm" check)" 'ipv6/conf/all/forwarding +cannot be read' \
	"and check says so"
ok "and it is detached" without_ipv6 "$l3vm" detach --guest vm2
is "$(ours | grep tap2 || :)" "" "with nothing left"
changed

# --- without nftables -----------------------------------------------------------------

without_nftables() {
	in_ns hv "$L3VM_SRC/tests/netns/without-nftables.py" "$l3vm" "$@"
}
refused 1 'the kernel has no nftables \(load nf_tables, or set `guard = no`' \
	"without nftables a guest is refused" without_nftables \
	attach --guest vm2 --ifname tap2 --mac "$mac" --address 10.0.0.2,2001:db8::2
ok "but not where there is no guard" without_nftables attach --guest vm2 \
	--ifname tap2 --mac "$mac" --address 10.0.0.2,2001:db8::2 --network open
is "$(routes main | grep -c tap2)" 2 "which has its routes"
ok "and is detached" without_nftables detach --guest vm2
is "$(ours | grep tap2 || :)" "" "with nothing left"
changed

# --- the state directory ------------------------------------------------------------

# read_only CMD...: with a state directory that cannot be written
read_only() {
	# the arguments are for the inner shell
	# shellcheck disable=SC2016
	in_ns hv bash -c 'mount --bind "$L3VM_STATE_DIR" "$L3VM_STATE_DIR" &&
		mount -o remount,bind,ro "$L3VM_STATE_DIR" && exec "$@"' - "$@"
}

refused 1 'Read-only file system' "attach with a read-only state directory" \
	read_only "$l3vm" attach --guest vm2 --ifname tap2 --mac "$mac" \
	--address 10.0.0.2
refused 1 'Read-only file system' "an update with it" read_only "$l3vm" attach \
	--guest base --ifname tap1 --mac 52:54:00:00:00:01 --address 10.0.0.9
refused 1 'Read-only file system' "detach with it" read_only "$l3vm" detach --guest base
refused 1 'Read-only file system' "migrate-notify with it" read_only "$l3vm" \
	migrate-notify base --phase leaving
refused 1 'Read-only file system' "hook start with it" read_only \
	"$L3VM_BUILD/l3vm-libvirt-qemu" vm1 start begin - \
		<"$domxml/libvirt-ethernet-start.xml"
ok "status can still be read" read_only "$l3vm" status base

# A full one: of its own, since filling it must not fill anybody's disk.
full=$work/full
mkdir -m 0750 "$full"
mount -t tmpfs -o size=64k,nr_inodes=40,mode=0750 tmpfs "$full"
saved=$L3VM_STATE_DIR
L3VM_STATE_DIR=$full
attach vm3 tap2 "$mac" 10.0.3.3
head -c 1M /dev/zero >"$full/blocks" 2>/dev/null || :
changed
refused 1 'No space left' "attach with a full state directory" \
	attach vm4 tapvm1 52:54:00:00:00:04 10.0.4.4 --prefix 10.44.0.0/24
refused 1 'No space left' "an update with it" \
	attach vm3 tap2 "$mac" 10.0.3.3,10.0.3.4,2001:db8:3::3
refused 1 'No space left' "hook start with it" hook qemu vm1 start begin - \
	<"$domxml/libvirt-ethernet-start.xml"
rm "$full/blocks"
i=0
while : 2>/dev/null >"$full/inode$i"; do
	i=$((i + 1))
done
changed
refused 1 'No space left' "attach without an inode left" \
	attach vm4 tapvm1 52:54:00:00:00:04 10.0.4.4
rm "$full"/inode*
ok "with room it works" attach vm4 tapvm1 52:54:00:00:00:04 10.0.4.4
head -c 1M /dev/zero >"$full/blocks" 2>/dev/null || :
run l3 detach --guest vm4
is "$(routes main | grep -c tapvm1)" 0 "a full disk does not keep a guest's routes"
rm "$full/blocks"
l3 detach --guest vm4
l3 detach --guest vm3
umount "$full"
L3VM_STATE_DIR=$saved

# --- records ------------------------------------------------------------------------

record=$L3VM_STATE_DIR/ports/tap1.json
cp -p "$record" "$work/record"
before=$(routes main)
for damage in truncate garbage empty version symlink; do
	rm "$record"
	case $damage in
	truncate) head -c 100 "$work/record" >"$record" ;;
	garbage) head -c 500 /dev/urandom >"$record" ;;
	empty) : >"$record" ;;
	version) sed 's/"version":1/"version":7/' "$work/record" >"$record" ;;
	symlink) ln -s "$work/record" "$record" ;;
	esac
	run l3 status
	is "$status $(wc -l <"$work/err")" "0 1" "$damage: status, with one line"
	like "$err" "^l3vm: $record: " "$damage: which names the record"
	run l3 reconcile
	is "$(routes main)" "$before" "$damage: reconcile withdraws nothing"
	ok "$damage: attach" attach base tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1 \
		--prefix 10.1.0.0/24
	run l3 status
	is "$err $(state_of base)" " live" "$damage: makes a good record of it"
	is "$(routes main)" "$before" "$damage: and the routes are the same"
done
: >"$record"
run l3 detach --ifname tap1
is "$status $(routes main) $(ls "$record" 2>/dev/null)" "0  " \
	"detach of an interface works without its record, which goes"
attach base tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1
: >"$L3VM_STATE_DIR/guests/base.json"
run l3 detach --guest base
is "$status $(routes main) $(ls "$L3VM_STATE_DIR"/guests/*.json 2>/dev/null)" "0  " \
	"and of a guest without the guest's"
attach base tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1
attach base tap2 "$mac" 10.0.0.2
: >"$L3VM_STATE_DIR/ports/tap2.json"
run l3 detach --guest base
is "$status $(routes main) $(ls "$L3VM_STATE_DIR"/{guests,ports}/*.json 2>/dev/null)" \
	"0  " "of two ports, one with a damaged record"
attach base tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1

# --- the configuration --------------------------------------------------------------

cp "$L3VM_CONFIG" "$work/good.conf"
attach vm5 tap2 "$mac" 10.0.5.5
tap_add tap5
hook qemu vm1 start begin - <"$domxml/libvirt-ethernet-start.xml"
before=$(routes main)
printf '[network default]\ngateway4 = nonsense\n' >"$L3VM_CONFIG"
changed
refused 1 "$L3VM_CONFIG:2: " "attach with a broken configuration: file and line" \
	attach vm2 tap5 52:54:00:00:00:02 10.0.0.2
refused 1 "$L3VM_CONFIG:2: " "hook start" hook qemu vm2 start begin - \
	<"$domxml/libvirt-ethernet-start.xml"
run hook qemu vm1 reconnect begin - <"$domxml/libvirt-ethernet-reconnect.xml"
is "$status $out_size $(routes main)" "0 0 $before" "reconnect keeps the guest's routes"
ok "migrate-notify works" l3 migrate-notify vm5 --phase leaving
like "$(routes main)" '10.0.5.5 dev tap2 metric 4194305000' "it changes the rank"
ok "status works" l3 status
ok "reconcile works" l3 reconcile
ok "announce works" l3 announce
run hook qemu vm1 stopped end - <"$domxml/libvirt-ethernet-stopped.xml"
is "$status $out_size $(routes main | grep -c tapvm1)" "0 0 0" \
	"stopped takes the routes away"
ok "detach works" l3 detach --guest vm5
is "$(routes main | grep -c tap2)" 0 "it takes the routes away"
cp "$work/good.conf" "$L3VM_CONFIG"

# --- hooks --------------------------------------------------------------------------

ok "(the document that is spoilt below works)" hook qemu vm1 start begin - \
	<"$domxml/libvirt-ethernet-start.xml"
hook qemu vm1 stopped end - <"$domxml/libvirt-ethernet-stopped.xml"
is "$(routes main | grep -c tapvm1)" 0 "(and is undone)"

changed
head -c 1500 "$domxml/libvirt-ethernet-start.xml" >"$work/cut.xml"
{
	sed '/<devices>/q' "$domxml/libvirt-ethernet-start.xml"
	head -c 10M /dev/zero | tr '\0' ' '
	sed '1,/<devices>/d' "$domxml/libvirt-ethernet-start.xml"
} >"$work/large.xml"
{
	echo '<!DOCTYPE domain [<!ENTITY a "aaaaaaaaaa">'
	for i in b,a c,b d,c e,d f,e g,f h,g i,h; do
		n=${i#*,}
		echo "<!ENTITY ${i%,*} \"&$n;&$n;&$n;&$n;&$n;&$n;&$n;&$n;&$n;&$n;\">"
	done
	echo "]>"
	sed 's/<title>.*//; s/<devices>/<title>\&i;<\/title>&/' \
		"$domxml/libvirt-ethernet-start.xml"
} >"$work/bomb.xml"
sed 's/10\.0\.0\.5</\xff\xfe</' "$domxml/libvirt-ethernet-start.xml" >"$work/latin.xml"
tr -d '>' <"$domxml/libvirt-ethernet-start.xml" >"$work/malformed.xml"
: >"$work/none.xml"
for document in malformed cut large bomb latin none; do
	for operation in migrate prepare start; do
		says 2 '^l3vm: guest "vm1": ' "$operation: $document.xml is a veto" \
			hook qemu vm1 $operation begin - <"$work/$document.xml"
	done
	for operation in started reconnect attach restore stopped release; do
		says 0 '^l3vm: guest "vm1": ' "$operation: $document.xml is none" \
			hook qemu vm1 $operation begin - <"$work/$document.xml"
	done
	for operation in start port-created; do
		says 2 '^l3vm: network "net1": ' "network $operation: $document.xml" \
			hook network net1 $operation begin - <"$work/$document.xml"
	done
	for operation in started port-deleted; do
		says 0 '^l3vm: network "net1": ' "network $operation: $document.xml" \
			hook network net1 $operation begin - <"$work/$document.xml"
	done
done

# named NAME: the document of a guest of that name
named() {
	NAME=$1 awk '/<name>/ && !done { print "<name>" ENVIRON["NAME"] "</name>"
		done = 1; next } { print }' "$domxml/libvirt-ethernet-start.xml"
}

for name in a/b 'a&#10;b' "$long"; do
	says 2 '^l3vm: guest "vm1": ' "the name ${name:0:20}" \
		hook qemu vm1 start begin - < <(named "$name")
done
says 2 'no operation given' "no arguments" hook qemu </dev/null
says 2 'no operation given' "network: no arguments" hook network </dev/null

# silent NAME CMD...: exit status 0 and not a word
silent() {
	run "${@:2}"
	is "$status $out_size $err" "0 0 " "$1"
}
silent "an unknown operation" hook qemu vm1 defrost begin - \
	<"$domxml/libvirt-ethernet-start.xml"
silent "network: an unknown operation" hook network net1 defrost begin - \
	<"$netxml/libvirt-l3bridge-started.xml"
silent "stopped of a guest that is not on record" hook qemu vm1 stopped end - \
	<"$domxml/libvirt-ethernet-stopped.xml"
unchanged "nothing of all that has changed anything"

# policy, through the hooks
ip_ns hv addr add 10.0.0.5/32 dev lo
changed
for operation in migrate prepare start; do
	refused 5 "10.0.0.5 for guest vm1: this host's own" \
		"$operation: the host's address" \
		hook qemu vm1 $operation begin - <"$domxml/libvirt-ethernet-start.xml"
done
ip_ns hv addr del 10.0.0.5/32 dev lo
attach vm6 tap2 "$mac" 10.0.0.5
changed
refused 5 '10.0.0.5 for guest vm1: taken by guest vm6' \
	"start: an address that is taken" \
	hook qemu vm1 start begin - <"$domxml/libvirt-ethernet-start.xml"
refused 0 '10.0.0.5 for guest vm1: taken by guest vm6' \
	"reconnect: says so, and no veto" \
	hook qemu vm1 reconnect begin - <"$domxml/libvirt-ethernet-reconnect.xml"
l3 detach --guest vm6
ip_ns hv link set tapvm1 name tapvm9
changed
refused 1 'tapvm1: no such interface' "start: the interface is not there" \
	hook qemu vm1 start begin - <"$domxml/libvirt-ethernet-start.xml"
ip_ns hv link set tapvm9 name tapvm1

# --- many at once -------------------------------------------------------------------

# hooks N OPERATION: so many at once for one guest, prints the exit statuses
hooks() {
	# the arguments are for the inner shell
	# shellcheck disable=SC2016
	in_ns hv bash -c 'for ((i = 0; i < $1; i++)); do
			"$2" vm1 "$3" begin - <"$4" 2>>"$5" &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do wait "$pid"; echo $?; done' - \
		"$1" "$L3VM_BUILD/l3vm-libvirt-qemu" "$2" \
		"$domxml/libvirt-ethernet-start.xml" "$work/hooks.err" |
		sort | uniq -c |
		sed 's/^ *//'
}

: >"$work/hooks.err"
is "$(hooks 64 start)" "64 0" "64 start hooks at once for one guest"
is "$(routes main | grep tapvm1)" "10.0.0.5 dev tapvm1 metric 5
2001:db8::5 dev tapvm1 metric 5" "its routes are there, once"
is "$(state_of 11111111-2222-3333-4444-000000000001)" live "and its record"
is "$(l3 reconcile)" "" "which agree"
is "$(hooks 64 stopped)" "64 0" "64 stopped hooks"
is "$(routes main | grep -c tapvm1)" 0 "no route is left"
is "$(on_record | grep -e 11111111 -e tapvm1)" "" \
	"and no record, lock or reservation"
is "$(cat "$work/hooks.err")" "" "without a word"

# --- an interface that vanishes half-way --------------------------------------------

# The tap goes and comes while attach runs; see races.sh for what must not be
# left. Here: each attach succeeds, or fails with one line.
# shellcheck disable=SC2016
in_ns hv bash -c 'while :; do
		ip link del tapv 2>/dev/null
		ip tuntap add dev tapv mode tap
	done' &
flapper=$!
bad=0 good=0 failed=0
for ((i = 0; i < 60; i++)); do
	run attach vm7 tapv 52:54:00:00:00:07 10.0.0.7,2001:db8::7
	case $status in
	0) good=$((good + 1)) ;;
	1) failed=$((failed + 1)) ;;
	*) bad=$((bad + 1)) ;;
	esac
	[ "$status" -eq 0 ] || { [ "$(wc -l <"$work/err")" -eq 1 ] &&
		[[ $err =~ ^l3vm:\ .+:\ .+\ \(.+\)$ ]]; } || {
		bad=$((bad + 1))
		diag "$err"
	}
done
kill "$flapper"
wait "$flapper" 2>/dev/null || :
is "$bad" 0 "an interface that comes and goes: status 0 or 1, one line"
isnt "$failed" 0 "(it did vanish: $failed of 60 times)"
l3 detach --guest vm7
ip_ns hv link del tapv 2>/dev/null || :
is "$(ours | grep -e 10.0.0.7 -e 2001:db8::7 || :)" "" "nothing of it is left"

l3 detach --guest base
is "$(ours)" "" "nothing of ours is left at the end"

done_testing
