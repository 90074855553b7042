#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# guard.sh - hostile guests: what passes the guard, and what does not
# timeout: 400
# shellcheck disable=SC2317 # functions are called by ok and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
need nft /usr/bin/python3

cat >"$L3VM_CONFIG" <<-'END'
	[network lan]
	mode = bridge
	bridge = br-lan

	[network trusted]
	guard = no
END
host_add hv
client_add
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02
addresses=10.0.0.5,10.0.9.9,2001:db8::5
prefixes=10.5.0.0/24,2001:db8:5::/64
rules=$L3VM_BUILD/libl3vm/guard/l3vm-guard.nft
randoms=${GUARD_RANDOMS:-3000} # frames in each mode

# watch TAP: counts what is left behind the guard
watch() {
	local family hook
	for family in inet arp bridge; do
		hook="prerouting priority 10"
		[ "$family" != arp ] || hook="input priority 10"
		in_ns hv nft -f - <<-END
			table $family watch {
				counter fence { }
				counter passed { }
				chain watch {
					type filter hook $hook; policy accept;
					$([ "$family" = arp ] || echo "iif \"$1\" \
						udp dport 9 counter name fence accept")
					iif "$1" counter name passed
				}
			}
		END
	done
}

unwatch() {
	local family
	for family in inet arp bridge; do
		in_ns hv nft delete table "$family" watch
	done
}

# quiet GUEST: it sends nothing but what the test sends
quiet() {
	in_ns "$1" sysctl -qw net.ipv6.conf.eth0.addr_gen_mode=1
	ip_ns "$1" addr flush dev eth0
}

# sent MODE spoofs|flows|random|flood ...: what came of each
sent() {
	in_ns g1 "$L3VM_SRC/tests/netns/guard.py" \
		"/run/netns/${netns_name[hv]}" "$@"
}

dropped_of() {
	l3 status "$1" --json | sed -n 's/^ *"dropped": *\([0-9]*\).*/\1/p'
}

# tally MODE GUARDED UNGUARDED: a table of what was sent, and what of it passed
tally() {
	diag "$(awk -v mode="$1" '
		FNR == 1 { file++ }
		file == 1 { if (!($2 in sent)) kinds[++n] = $2; sent[$2]++ }
		$1 == "passed" { passed[file, $2]++ }
		END {
			print mode "\tspoofs\tleaks\tpass without a guard"
			for (i = 1; i <= n; i++) {
				kind = kinds[i]
				print kind "\t" sent[kind] "\t" passed[1, kind] + 0 "\t" \
					passed[2, kind] + 0
			}
		}' "$2" "$3")"
}

# mode NAME: everything about one mode
mode() {
	local name=$1 before spoofs
	watch tap1
	before=$(dropped_of g1)
	sent "$name" spoofs >"$work/spoofs"
	spoofs=$(wc -l <"$work/spoofs")
	is "$(grep -v ^dropped "$work/spoofs")" "" "$name: 0 of $spoofs spoofs pass"
	like "$(($(dropped_of g1) - before >= spoofs / 2))" 1 "$name: status counts them"
	is "$(sent "$name" flows | grep -v ^passed)" "" \
		"$name: every legitimate flow passes"
	sent "$name" random "$randoms" >"$work/random"
	diag "$(grep '^#' "$work/random")"
	is "$(grep -v '^#' "$work/random")" "" \
		"$name: guard and model judge $randoms random frames alike"
	for family in inet arp bridge; do
		in_ns hv nft delete table $family l3vm
	done
	sent "$name" spoofs >"$work/control"
	tally "$name" "$work/spoofs" "$work/control"
	# or the test shows nothing
	like "$(($(grep -c ^passed "$work/control") >= spoofs / 2))" 1 \
		"$name: (without a guard most of them do)"
	like "$(l3 reconcile)" "load the guard's rules" "$name: reconcile restores it"
	is "$(sent "$name" spoofs | grep -v ^dropped)" "" "$name: and it holds again"
	unwatch
}

# --- both modes --------------------------------------------------------------------

guest_add g1 tap1 $mac1
guest_add g2 tap2 $mac2
quiet g1
quiet g2
attach g1 tap1 $mac1 $addresses --prefix $prefixes
mode routed

guest_config g2 10.0.0.2 2001:db8::2
attach g2 tap2 $mac2 10.0.0.2,2001:db8::2
ip_ns hv neigh flush dev tap1 # what came in while there was no guard
ok "a flood of garbage from one guest" sent routed flood 60000
is "$(ip_ns hv neigh show dev tap1 | grep -v -e PERMANENT -e ^fe80::5054:ff:fe00:1)" "" \
	"teaches the host no neighbour"
ok "and its neighbour is served" pings g2 192.0.2.2 2001:db8:c::2
ok "and reached" pings cl 10.0.0.2 2001:db8::2
like "$(l3 metrics)" \
	'l3vm_port_guard_dropped_packets_total\{guest="g1",ifname="tap1"\} [1-9]' \
	"metrics tell who it was"
l3 detach --guest g1
attach g1 tap1 $mac1 $addresses --prefix $prefixes --network lan
# a host with br_netfilter has packets of bridges pass its IP rules, too
for what in /proc/sys/net/bridge/bridge-nf-call-*; do
	in_ns hv sysctl -qwe "net.bridge.${what##*/}=0"
done
mode bridge

# a port is one of its mode: out of its bridge it passes nothing
watch tap1
ip_ns hv link set tap1 nomaster
before=$(in_ns hv nft list table inet watch)
sent routed flood 300
is "$(in_ns hv nft list table inet watch)" "$before" \
	"a bridge's port that is taken out of it passes nothing"
unwatch
l3 detach --guest g1

# --- closed by name ------------------------------------------------------------------

# spoken: whether anything of the guest's gets past the guard
spoken() {
	local before after
	before=$(in_ns hv nft list table inet watch; in_ns hv nft list table arp watch)
	sent routed flood 100
	after=$(in_ns hv nft list table inet watch; in_ns hv nft list table arp watch)
	[ "$before" != "$after" ]
}

watch tap1
ok "(an interface that is no port passes what it likes)" spoken
unwatch
mkdir "$work/site"
echo 'redefine closed = { "tap*", "vnet*" }' >"$work/site/names.nft"
sed "s|/etc/l3vm/guard.d|$work/site|" "$rules" >"$work/rules.nft"
in_ns hv nft flush ruleset
ok "the boot's rules, alone, with a pattern" in_ns hv nft -f "$work/rules.nft"
ok "can be loaded again" in_ns hv nft -f "$work/rules.nft"
watch tap1
nok "nothing comes from an interface of such a name" spoken
unwatch
attach g1 tap1 $mac1 $addresses --prefix $prefixes
watch tap1
is "$(sent routed flows | grep -v ^passed)" "" "a port is open to what is allowed"
ok "loading the rules again" in_ns hv nft -f "$work/rules.nft"
is "$(sent routed flows | grep -v ^passed)" "" "keeps it so"
l3 reconcile >/dev/null # g2, whose port went with the flush
sed 's/comment "l3vm [0-9]*"/comment "l3vm 1"/' "$work/rules.nft" >"$work/other.nft"
in_ns hv nft -f "$work/other.nft"
is "$(l3 reconcile)" "load the guard's rules" "reconcile replaces those of another version"
unwatch
ip_ns hv link del tap1
guest_add g3 tap1 $mac1
quiet g3
netns_name[g1]=${netns_name[g3]}
in_ns hv nft -f "$work/rules.nft"
watch tap1
nok "another interface of the port's name passes nothing" spoken
unwatch
l3 reconcile >/dev/null
in_ns hv nft -f "$work/rules.nft"
attach g1 tap1 $mac1 $addresses --network trusted
watch tap1
ok "a port without a guard passes all, though its name is closed" spoken
unwatch
l3 detach --guest g1
is "$(in_ns hv nft list map inet l3vm ports | grep -c tap1)" 0 "until it is detached"
in_ns hv nft flush ruleset

# --- allowances -----------------------------------------------------------------------

mkdir -p "${L3VM_CONFIG%/*}/guests.d"
cat >"${L3VM_CONFIG%/*}/guests.d/router.conf" <<-END
	[nic $mac1]
	guest = g1
	guard-allow = 198.51.0.0/16 2001:db8:99::/64 fe80::99
END
attach g1 tap1 $mac1 $addresses --prefix $prefixes
watch tap1
is "$(sent routed spoofs | grep -v ^dropped)" "passed ARP request from afar
passed ARP reply for afar
passed ARP announcement of afar
passed ARP announcement of afar by a reply
passed IPv4 from afar
passed IPv6 from another link-local address" \
	"guard-allow lets a guest forward for others; IPv6 needs a route back"
ip_ns hv -6 route add 2001:db8:99::/64 via 2001:db8::5 dev tap1 onlink
like "$(sent routed spoofs | grep -v ^dropped)" "IPv6 from afar" "as here"
unwatch

# rules: what the kernel has of ours, in an order that does not change
rules() {
	in_ns hv nft list ruleset | /usr/bin/python3 -c '
import re, sys
text = re.sub("comment \"l3vm [0-9]*\"", "comment \"l3vm VERSION\"", sys.stdin.read())
text = re.sub("counter packets [0-9]+ bytes [0-9]+", "counter", text)
print(re.sub(r"\{ ([^{}]*) \}", lambda braces: "{ " + ", ".join(
	sorted(re.split(r",\s+", braces[1]))) + " }", text))' >"$1"
}

in_ns hv nft flush ruleset
ip_ns hv link set tap2 master br-lan
l3 detach --guest g2
attach g2 tap2 $mac2 10.0.0.2,2001:db8::2 --network lan --prefix 2001:db8:2::/64
tap_add tap4
attach g4 tap4 52:54:00:00:00:04 10.0.0.4 --network trusted
l3 reconcile >/dev/null
rules "$work/rules"
same_file "$work/rules" "$L3VM_SRC/tests/netns/guard-rules.txt" \
	"the rules and sets of a routed port, one of a bridge and one without a guard"

l3 detach --guest g1
is "$(in_ns hv nft list ruleset | grep -v expires | grep -cE 'elements.*(tap1|198)')" 0 \
	"and nothing of it is left"

# --- without libnftables -----------------------------------------------------------------

mkdir "$work/lib"
: >"$work/lib/libnftables.so.1"
without_it() {
	LD_LIBRARY_PATH=$work/lib l3 attach --guest g1 --ifname tap1 --mac "$mac1" \
		--address 10.0.0.5
}
in_ns hv nft flush ruleset
before=$(ip_ns hv addr show dev tap1)
exits 1 "without libnftables there is no guard, and no port" without_it
like "$tap_output" 'libnftables.so.1.*\(install libnftables1, or set .guard = no' \
	"it says what to do"
is "$(ip_ns hv addr show dev tap1)" "$before" "the interface stays as it was"
ok "once the rules are loaded" in_ns hv nft -f "$work/rules.nft"
ok "a port needs no library" without_it

done_testing
