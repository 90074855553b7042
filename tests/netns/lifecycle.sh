#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lifecycle.sh - the states of a port in the kernel, reconcile, and what is not ours
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"

cat >"$L3VM_CONFIG" <<-'END'
	[network tenant]
	table = 100
	allow = 10.100.0.0/16 2001:db8:100::/48
	cover = unreachable

	[network lan]
	mode = bridge
	bridge = br-lan
	gateway4 = 10.1.0.1
END
host_add hv
client_add
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02 mac3=52:54:00:00:00:03
last=4194305000

# ranks: the metrics of vm1's two routes
ranks() {
	routes main | sed -nE 's/^(10\.0\.0\.5|2001:db8::5) .*metric ([0-9]+).*/\1 \2/p'
}

# rank N: what ranks prints if both have that metric and nothing else is there
rank() {
	printf '10.0.0.5 %s\n2001:db8::5 %s\n' "$1" "$1"
}

# moves STATE METRIC CMD...: the command makes the port STATE, and at no moment
# is one of its addresses without a route: the new one comes, then the old goes
moves() {
	local state=$1 metric=$2 address told new
	shift 2
	monitor_start told route
	ok "$state: ${*:1:3} ${*: -1}" "$@"
	told=$(monitor_stop told)
	is "$(state_of vm1)" "$state" "$state: status says so"
	is "$(ranks)" "$(rank "$metric")" "$state: both families at metric $metric"
	for address in 10.0.0.5 2001:db8::5; do
		new="$address [^|]*metric $metric [^|]*"
		like "$(grep "^\(Deleted \)\?$address " <<<"$told" | tr '\n' '|')" \
			"^$new\|Deleted $address [^|]*\|$" \
			"$state: $address: the new route, then the old one's removal"
	done
}

# --- the states --------------------------------------------------------------------

guest_add g1 tap1 $mac1
guest_config g1 10.0.0.5 2001:db8::5
qlen=$(ip_ns hv link show tap1 | sed -n 's/.* qlen //p')
isnt "$qlen" 10000 "(the queue of a new interface is not 10000 already)"
vm1=(attach vm1 tap1 "$mac1" "10.0.0.5,2001:db8::5")
ok "attach --prepared" "${vm1[@]}" --prepared
is "$(state_of vm1)" prepared "prepared: status says so"
is "$(ranks)" "" "prepared: no route"
like "$(ip_ns hv link show tap1)" "qlen 10000" "prepared: it keeps 10000 packets"
like "$(ip_ns hv link show tap1)" "link/ether $gateway_mac" \
	"prepared: the gateway's MAC"
is "$(ip_ns hv neigh show dev tap1 nud permanent | grep -c 'proto 76')" 2 \
	"prepared: the neighbours are there"
ok "prepared: nobody is routed there" no_ping cl 10.0.0.5
ok "attach --prepared again" "${vm1[@]}" --prepared
is "$(ranks)" "" "changes nothing"

monitor_start told route
ok "migrate-notify" l3 migrate-notify vm1
is "$(state_of vm1)" arrived "arrived is the default phase"
is "$(ranks)" "$(rank 4)" "arrived: both families at the preferred rank"
is "$(monitor_stop told | grep -c 'Deleted.* proto 76')" 0 "arrived: no route goes"
ok "arrived: the client reaches the guest" pings cl 10.0.0.5 2001:db8::5
ok "reconcile before hold-time is over" l3 reconcile
is "$(state_of vm1)" arrived "leaves it at that"

# The configuration is read at each start: no need to wait for the default.
sed -i '1i [l3vm]\nhold-time = 1ms\n' "$L3VM_CONFIG"
moves live 5 l3 reconcile
sed -i 1,3d "$L3VM_CONFIG"
moves leaving $last l3 migrate-notify vm1 --phase leaving
ok "leaving: the guest is reached until it goes" pings cl 10.0.0.5 2001:db8::5
moves live 5 l3 migrate-notify vm1 --phase aborted
moves leaving $last l3 migrate-notify vm1 --phase leaving
moves live 5 l3 migrate-notify vm1 --phase arrived
ok "left" l3 migrate-notify vm1 --phase left
is "$(ours)" "" "left: nothing of ours is left"
exits 4 "left: the guest is not here any more" l3 status vm1
exits 4 "news of it is an error then" l3 migrate-notify vm1

"${vm1[@]}" --prepared
ok "aborted at the target" l3 migrate-notify vm1 --phase aborted
is "$(ours)" "" "nothing is left"
"${vm1[@]}" --prepared
l3 migrate-notify vm1
moves leaving $last l3 migrate-notify vm1 --phase leaving
moves live 5 "${vm1[@]}"
is "$(sed -n 's/.*"from":"\([a-z]*\)","to":"\([a-z]*\)".*/\1-\2/p' \
	"$L3VM_STATE_DIR/events.jsonl" | tr '\n' ' ')" \
	"gone-prepared prepared-arrived arrived-live live-leaving leaving-live \
live-leaving leaving-live live-gone gone-prepared prepared-gone gone-prepared \
prepared-arrived arrived-leaving leaving-live " "events.jsonl has each change, once"

# --- reconcile ----------------------------------------------------------------------

guest_add g2 tap2 $mac2
attach vm2 tap2 $mac2 10.100.0.2,2001:db8:100::2 --network tenant \
	--prefix 10.100.2.0/24,2001:db8:100:2::/64
guest_add g3 tap3 $mac3
# a bridge's port has a link-local address of its own, of which l3vm knows nothing,
# and which would be tentative at first
ip_ns hv link set tap3 addrgenmode none
attach vm3 tap3 $mac3 10.1.0.3,2001:db8:1::3 --network lan

# steady: the kernel's state without carriers, of whose change it takes its time to
# tell, and multicast groups, whose users come and go with timers
steady() {
	kernel_dump hv | grep -vE 'inet6? +(224|ff0)|(33:33|01:00:5e):' |
		sed 's/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Z]*//; s/ linkdown//'
}

# no_writes CMD...: the command asks the kernel for no change
no_writes() {
	in_ns hv strace -f -qq -e trace=sendto,sendmsg,openat -o "$work/trace" \
		"$L3VM_BUILD/l3vm" "$@"
	! grep -E 'RTM_(NEW|DEL|SET)|/proc/sys/.*O_(WRONLY|RDWR)' "$work/trace"
}

is "$(l3 reconcile)" "" "reconcile with nothing to do says nothing"
if in_ns hv strace -o /dev/null true 2>/dev/null; then
	ok "and writes nothing" no_writes reconcile
	ok "so does attach of what is there" no_writes \
		attach --guest vm1 --ifname tap1 \
		--mac $mac1 --address 10.0.0.5,2001:db8::5
	ip_ns hv route del 10.0.0.5 dev tap1 proto 76
	nok "(something to do is seen as a write)" no_writes reconcile
else
	skip "and writes nothing" "strace does not work here"
fi

# repaired NAME CMD...: after the command reconcile brings everything back
repaired() {
	local name=$1 before wanted
	shift
	wanted=$(steady)
	ok "$name" "$@"
	before=$(steady)
	isnt "$before" "$wanted" "$name: something is missing"
	ok "$name: reconcile --dry-run" l3 reconcile --dry-run
	isnt "$(l3 reconcile --dry-run)" "" "$name: it says what differs"
	is "$(steady)" "$before" "$name: and changes nothing"
	isnt "$(l3 reconcile)" "" "$name: reconcile says what differed"
	is "$(steady)" "$wanted" "$name: everything is as it was"
	is "$(l3 reconcile)" "" "$name: and then there is nothing more to do"
}

# on HOST-COMMAND...: several commands of ip(8), separated by "+"
each() {
	local word
	local -a words=()
	for word in "$@" +; do
		[ "$word" = + ] || { words+=("$word"); continue; }
		ip_ns hv "${words[@]}"
		words=()
	done
}

repaired "routes are flushed" each -4 route flush proto 76 table all \
	+ -6 route flush proto 76 table all
repaired "neighbours are flushed" each neigh flush dev tap1 nud permanent \
	+ neigh flush dev tap2 nud permanent + neigh flush dev br-lan nud permanent
repaired "rules are flushed" each -4 rule flush protocol 76 + -6 rule flush protocol 76
repaired "addresses are flushed" each addr flush dev tap1 scope link \
	+ addr flush dev br-lan scope link
repaired "one route goes" each -6 route del 2001:db8:1::3 proto 76 table main
repaired "one neighbour has another MAC" each neigh replace 10.0.0.5 dev tap1 \
	lladdr 02:00:00:00:00:99 nud permanent
repaired "the MAC is changed" each link set tap1 address 02:00:00:00:00:99
repaired "the bridge's MAC is changed" each link set br-lan address 02:00:00:00:00:99
repaired "the taps go down" each link set tap1 down + link set tap2 down
repaired "the bridge goes down" each link set br-lan down
repaired "down and up again" each link set tap1 down + link set tap1 up
repaired "the port leaves the bridge" each link set tap3 nomaster
repaired "sysctls are written" in_ns hv sysctl -qw net.ipv4.conf.tap1.rp_filter=0 \
	net.ipv4.conf.tap1.send_redirects=1 net.ipv6.conf.tap1.accept_ra=1 \
	net.ipv4.conf.br-lan.proxy_arp_pvlan=0 net.ipv4.neigh.br-lan.proxy_delay=80
repaired "forwarding is switched off and on" in_ns hv bash -c '
	sysctl -qw net.ipv4.conf.tap1.forwarding=0 net.ipv6.conf.tap1.forwarding=0'
repaired "bridge port flags are changed" in_ns hv bash -c '
	bridge link set dev tap3 isolated off
	bridge link set dev tap3 learning on
	bridge link set dev tap3 flood on
	bridge fdb del 52:54:00:00:00:03 dev tap3 master'
repaired "the MTU is changed" each link set tap1 mtu 1400
ok "after all that the client reaches the guest" pings cl 10.0.0.5 2001:db8::5

# A bridge that goes takes the port's enslavement, addresses, routes and
# neighbours with it. A new one has a new index, so the dumps cannot be compared.
ip_ns hv link del br-lan
is "$(routes main | grep -c br-lan)" 0 "the bridge is deleted: its routes go"
ok "reconcile" l3 reconcile
is "$(routes main | grep -c br-lan)" 2 "it makes the bridge and the routes again"
like "$(ip_ns hv -o link show tap3)" "master br-lan" "and the port its port"
is "$(l3 reconcile)" "" "and is content"

# --- what is not ours ---------------------------------------------------------------

# Somebody else's things on our interface and for our guest's addresses.
ip_ns hv -batch - <<-END
	route add 10.99.0.0/24 dev tap1 proto static
	route add 10.0.0.5 dev up0 proto bird metric 32
	route add 10.0.0.5 dev up0 proto bird metric 6 table 100
	route add 10.0.0.5 dev tap1 proto bird metric 7
	neigh add 10.99.0.9 dev tap1 lladdr 02:00:00:00:00:09 nud permanent
	addr add 10.98.0.1/24 dev tap1
	rule add pref 7600 iif tap1 lookup 101 protocol static
	rule add pref 7601 to 10.0.0.5 lookup 101 protocol static
END
ip_ns hv -6 route add 2001:db8:99::/64 dev tap1 proto static
ip_ns hv -6 route add 2001:db8::5 dev up0 proto bird metric 32
ip_ns hv -6 rule add pref 7600 iif tap1 lookup 101 protocol static

# theirs: all of it, as the kernel tells it now
theirs() {
	{
		ip_ns hv -4 route show table all
		ip_ns hv -6 route show table all
		ip_ns hv -4 rule
		ip_ns hv -6 rule
	} | grep -e 'proto static' -e 'proto bird'
	ip_ns hv neigh show 10.99.0.9
	ip_ns hv -o addr show dev tap1 | grep 10.98
}
foreign=$(theirs)
is "$(wc -l <<<"$foreign")" 11 "(there are eleven things of somebody else's)"
for command in "l3 reconcile" "l3 migrate-notify vm1 --phase leaving" \
	"l3 migrate-notify vm1 --phase aborted" "${vm1[*]} --prepared" \
	"l3 migrate-notify vm1" "${vm1[*]}" "${vm1[*]} --prefix 10.5.0.0/24" \
		"${vm1[*]}" \
	"l3 announce" "l3 detach --guest vm1" "l3 reconcile" "${vm1[*]}"; do
	# a command line of words without blanks
	# shellcheck disable=SC2086
	ok "$command" $command
	is "$(theirs)" "$foreign" "$command: theirs is untouched"
done
is "$(ranks)" "10.0.0.5 5
2001:db8::5 5" "and ours is there"
unlike "$(l3 status)" hidden "and serves"
for better in "10.0.0.5 dev up0" "2001:db8::5 dev up0" "blackhole 10.0.0.5" \
	"blackhole 2001:db8::5"; do
	# shellcheck disable=SC2086
	ip_ns hv route add $better proto bird metric 2
	like "$(l3 status vm1)" "hidden: route .*, by another's of metric 2" \
		"$better: status says that it hides ours"
	like "$(l3 check)" "remove the other route, or give it a worse metric" \
		"$better: check says what to do"
	# shellcheck disable=SC2086
	ip_ns hv route del $better proto bird metric 2
done
unlike "$(l3 status)" hidden "without it ours serves again"
l3 detach --guest vm1
ip_ns hv route add 10.0.0.5 dev up0 proto bird metric 5
changed
refused 1 'protocol 12 has that route on up0' \
	"somebody else's route of our very metric: attach names the owner, and undoes" \
	"${vm1[@]}"
ip_ns hv route del 10.0.0.5 dev up0 metric 5
ok "without it attach works" "${vm1[@]}"

# --- ends ---------------------------------------------------------------------------

l3 detach --guest vm1
is "$(ours | grep -e tap1 -e 10.0.0.5 || :)" "" "detach removes routes and neighbours"
is "$(theirs)" "$foreign" "and only ours"
is "$(ip_ns hv -o addr show dev tap1 | grep -e 169.254 -e fe80::1/ || :)" "" \
	"and the gateway's addresses"
ok "detach of what is not there is success" l3 detach --guest vm1
ok "of an interface too" l3 detach --ifname tap1

# A guest that died unseen: taps live and die with QEMU.
ip_ns hv link del tap2
ip_ns hv link del tap3
like "$(routes main)" 'br-lan' "the taps are deleted: the routes on the bridge stay"
like "$(l3 reconcile)" 'port tap3 of guest vm3: interface is gone' "reconcile notices"
is "$(routes all | grep -v unreachable)" "" "and removes them, routes in a table too"
is "$(ours | grep -v unreachable)" "" "and neighbours and rules"
is "$(l3 status)" "no ports" "and the records"
is "$(on_record)" "" \
	"of which nothing stays, no lock either"
like "$(ours)" 'unreachable 10.100.0.0/16' "the cover of a configured network stays"
is "$(l3 reconcile)" "" "and is no surprise to reconcile"
tap_add tap2
attach vm2 tap2 $mac2 10.100.0.2 --network tenant
ok "detach --ifname lo" l3 detach --ifname lo
like "$(ours)" 'unreachable 10.100.0.0/16' "leaves a cover that a port's record wants"
l3 detach --guest vm2
ip_ns hv link del tap2
ok "and after the last port" l3 detach --ifname lo
is "$(ours)" "" "it removes it"

# The records are lost, the guests are not.
tap_add tap2
tap_add tap3
"${vm1[@]}"
attach vm2 tap2 $mac2 10.100.0.2,2001:db8:100::2 --network tenant
attach vm3 tap3 $mac3 10.1.0.3,2001:db8:1::3 --network lan
ok "detach of the bridge, which is no port" l3 detach --ifname br-lan
is "$(routes main | grep -c br-lan)" 2 "takes nothing from the guests on it"
before=$(kernel_dump hv)
mv "$L3VM_STATE_DIR" "$work/lost"
run l3 reconcile
is "$status $(kernel_dump hv)" "0 $before" \
	"the state directory is lost: reconcile removes nothing"
like "$(cat "$work/out")" 'route 10.0.0.5/32 .*: on no record, left alone' "and says so"
is "$(grep 'on no record' "$work/out" | grep -c ^guard)" 3 "of each port's guard"
is "$(grep 'on no record' "$work/out" | grep -vc guard)" "$(ours | grep -vc unreachable)" \
	"of every single thing"
for guest in 1:1 2:2 3:3; do
	ok "attach finds everything in place" attach vm${guest%:*} tap${guest#*:} \
		52:54:00:00:00:0${guest%:*} "$(l3 --state-dir "$work/lost" status \
			vm${guest%:*} --json | tr -d ' \n' |
			sed 's/.*"addresses":\[\([^]]*\)\].*/\1/; s/"//g')" \
		--network "$(l3 --state-dir "$work/lost" status vm${guest%:*} --json |
			sed -n 's/.*"network": *"\([a-z]*\)".*/\1/p')"
done
is "$(kernel_dump hv)" "$before" "and changes nothing"
is "$(l3 reconcile)" "" "then reconcile is content"
rm -rf "$L3VM_STATE_DIR"
ok "detach of an interface without a record" l3 detach --ifname tap1
is "$(ours | grep tap1 || :)" "" "takes away what carries our number there"
is "$(theirs)" "$foreign" "and only that"

done_testing
