#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# scripts.sh - what Ganeti's network scripts leave in the kernel
#
# First kvm-vif-bridge under the kvm-ifup of the installed Ganeti, in environments of
# a real cluster. Then network/MODE/{up,down} as the documentation and the source of
# Ganeti 3.2 say that they are called, in every order.
set -euo pipefail
. "${L3VM_SRC:?}/tests/lib/tap.sh"
[ "$(id -u)" -eq 0 ] || skip_all "needs root"
[ -x /usr/lib/ganeti/kvm-ifup ] || skip_all "needs ganeti"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# /etc/ganeti and its links to the installed version, with our scripts: those of the
# build, which are not where a package puts them
cp -a /etc/ganeti "$work/etc"
mkdir "$work/from"
for script in kvm-vif-bridge network; do
	sed "s|^[^ ]*/l3vm-ganeti-vif|$L3VM_BUILD/l3vm-ganeti-vif|" \
		"$L3VM_BUILD/ganeti/$script" >"$work/from/$script"
done
rm -rf "$work/etc/hooks" "$work/etc/kvm-vif-bridge" "$work/etc/network"
mount --bind "$work/etc" /etc/ganeti

cat >"$work/l3vm.conf" <<'END'
[network default]
allow = 192.0.2.0/24 198.51.100.0/24 2001:db8::/32

[network tenant]
table = 200

[network lan]
mode = bridge
bridge = br-l3
gateway4 = 192.0.2.1
END
export L3VM_CONFIG=$work/l3vm.conf L3VM_STATE_DIR=/run/l3vm
l3vm=$L3VM_BUILD/l3vm

tap() {
	ip tuntap add "$1" mode tap
}

tap_gone() {
	ip link del "$1"
}

# script COMMAND FILE [NAME=VALUE...]: in an environment of tests/golden/ganeti, changed;
# $status, $output
script() {
	local command=$1 file=$2
	local -a env
	mapfile -t env <"$L3VM_SRC/tests/golden/ganeti/$file"
	shift 2
	status=0
	output=$(env -i PATH="$PATH" L3VM_CONFIG="$L3VM_CONFIG" "${env[@]}" "$@" \
		"$command" "b'tap0'" 2>&1) || status=$?
}

# ifup FILE [NAME=VALUE...]: as noded does it
ifup() {
	script /usr/lib/ganeti/kvm-ifup "$@"
}

# routes DEV [TABLE]: destinations and metrics, both families
routes() {
	{
		ip route show dev "$1" table "${2:-main}" proto 76
		ip -6 route show dev "$1" table "${2:-main}" proto 76
	} 2>/dev/null | sed -n 's/^\([^ ]*\) .*metric \([0-9]*\).*/\1 \2/p'
}

rules() {
	{ ip rule; ip -6 rule; } | grep -c "lookup $1" || :
}

state() {
	"$l3vm" status --json | tr -d '\n' |
		grep -o "\"ifname\": *\"$1\".*" | grep -om1 '"state": *"[a-z]*"' |
		head -n 1 | cut -d '"' -f 4
}

# --- installing ------------------------------------------------------------------

link() {
	sh "$L3VM_SRC/ganeti/link-ganeti.sh" "$@" /etc/ganeti "$L3VM_BUILD" "$work/from"
}

listing() {
	(cd /etc/ganeti && find . -path './l*' -prune -o -printf '%P %l\n' | sort)
}

before=$(listing)
ok "the scripts and hooks are installed" link install
after=$(listing)
ok "and again" link install
is "$(listing)" "$after" "which changes nothing"
cmp -s /etc/ganeti/kvm-vif-bridge "$work/from/kvm-vif-bridge" &&
	pass "the script is a file" || fail "the script is a file"
ok "they are removed" link uninstall
is "$(listing)" "$before" "with all that was made"
echo 'echo mine' >/etc/ganeti/kvm-vif-bridge
nok "a site's own script is not replaced" link install
rm /etc/ganeti/kvm-vif-bridge
is "$(listing)" "$before" "and nothing else is done"
ok "for what follows they are installed" link install

# --- 3.0: kvm-vif-bridge -----------------------------------------------------------

plain=vif-start-nic0-routed-plain.env network=vif-start-nic1-routed-network.env
bridged=vif-start-bridged.env
tap tap0
ifup $plain
is "$status $output" "0 " "routed, no LINK"
is "$(routes tap0)" "192.0.2.12 5
2001:db8:5::/64 5
2001:db8:100::12 5" "its address and those of the tags are routed"
is "$(cat /sys/class/net/tap0/address)" 02:6c:33:76:6d:01 "the gateway's MAC"
like "$(ip -br addr show tap0)" '169.254.0.1/32 fe80::1/64' "and addresses"
is "$(state tap0)" live "it is live"
ifup $plain TAGS='a l3vm:ip:2001:db8:100::12 b l3vm:route:2001:db8:5::/64'
is "$status $(routes tap0 | wc -l)" "0 3" "again, in another order: the same"

tap tap1
ifup $network
is "$status $output" "0 " "LINK=100 and a gnt-network"
is "$(routes tap1 100)" "198.51.100.2 5" "the table has the route"
is "$(ip rule | grep -c 'iif tap1 lookup 100') $(ip -6 rule | grep -c \
	'iif tap1 lookup 100')" "1 1" "both families are looked up there"
like "$(ip -br addr show tap1)" '198.51.100.1/32' "the network's gateway answers"
like "$(ip -br addr show tap1)" '2001:db8:200::1/128' "of IPv6 as well"
is "$(cat /proc/sys/net/ipv4/conf/tap1/proxy_arp)" 1 "and for the guest's neighbours"
tap_gone tap1
"$l3vm" reconcile >/dev/null
is "$(rules 100)" 0 "with the tap the rules go"

tap tap1
ifup $network LINK=tenant IP=2001:db8:7::2 INSTANCE=i3.lab.example
is "$status $(routes tap1 200)" "0 2001:db8:7::2 5" "LINK as a network of ours"
tap_gone tap1
# nobody tells: the name comes back with another guest's tap
tap tap1
ifup $plain INTERFACE=tap1 INSTANCE=i4.lab.example IP=192.0.2.44 TAGS=
is "$status $(routes tap1) $(rules 200)" "0 192.0.2.44 5 0" \
	"a tap's next owner inherits nothing"
tap_gone tap1

tap tap1
ifup $network LINK=xen-br0
is "$status" 2 "LINK as nothing that is known"
like "$output" '^l3vm: guest i2.lab.example, tap1: table xen-br0 is neither .*\)$' \
	"is said in a line"
is "$(ip -br link show tap1 | awk '{ print $2 }') $(routes tap1)" "DOWN " \
	"and nothing is done"
ifup $plain INTERFACE=tap1 IP=10.1.1.1 INSTANCE=i5.lab.example
is "$status" 5 "an address that is not allowed is refused"
like "$output" '^l3vm: 10.1.1.1 for guest i5.lab.example: not allowed' "by name"
ifup $plain INTERFACE=tap1 INSTANCE=i5.lab.example TAGS=
is "$status" 5 "and one that another has"

ifup $bridged
is "$status $output" "0 " "bridged, with the bridge of a network of ours"
like "$(ip -d link show tap1)" 'master br-l3 .*isolated on' "a port of it"
is "$(routes br-l3)" "192.0.2.16 5" "and routed"
tap_gone tap1
"$l3vm" reconcile >/dev/null

ip link add br-other type bridge
ip link set br-other up
tap tap1
ifup $bridged LINK=br-other BRIDGE=br-other
is "$status" 0 "bridged, with somebody else's bridge"
like "$(ip link show tap1)" 'UP.* master br-other' "is as Ganeti has it"
is "$(state tap1)" "" "and none of ours"
tap_gone tap1
tap tap1
ifup $bridged MODE=openvswitch LINK=tenant BRIDGE=tenant
is "$status $(routes tap1 200)" "0 192.0.2.16 5" \
	"openvswitch, with a network of ours: a boot"
tap_gone tap1
"$l3vm" reconcile >/dev/null

# --- migrations to here, as 3.0 does them ------------------------------------------

# the hooks' node2 is this host
me=$(uname -n)
[[ $me = *.* ]] || me=$me.lab.example
hook() {
	local file=$1
	local -a env
	mapfile -t env < <(sed "s/node2\.lab\.example/$me/g" \
		"$L3VM_SRC/tests/golden/ganeti/$file")
	shift
	status=0
	output=$(env -i PATH="$PATH" L3VM_CONFIG="$L3VM_CONFIG" "${env[@]}" "$@" \
		"$L3VM_BUILD/l3vm-ganeti-hook" 2>&1) || status=$?
}
pre=hook-instance-migrate-pre.env post=hook-instance-migrate-post.env

tap_gone tap0
hook $pre GANETI_INSTANCE_NIC0_IP=10.1.1.1
is "$status" 5 "the target's hook refuses what would not be routed"
hook $pre
is "$status $output" "0 " "the target's hook"
is "$("$l3vm" status)" "no ports" "removes what was left of the guest"
tap tap5
ifup $bridged MODE=openvswitch LINK=tenant INTERFACE=tap5 INSTANCE=i2.lab.example \
	IP=192.0.2.12 MAC=aa:00:00:01:fa:f8 TAGS=
is "$status $(state tap5) $(routes tap5 200)" "0 prepared " "an early script prepares"
tap tap6
ifup $bridged MODE=openvswitch LINK=tenant INTERFACE=tap6 INSTANCE=i2.lab.example \
	IP=198.51.100.2 MAC=aa:00:02:84:29:14 TAGS= INTERFACE_INDEX=1
is "$status $(state tap6)" "0 prepared" "the next NIC, too"
hook $post
is "$status $(routes tap5 200) $(routes tap6 200)" "0 192.0.2.12 4 198.51.100.2 4" \
	"when the job is over they have arrived"
tap_gone tap5
tap_gone tap6
hook hook-instance-stop-post.env
is "$status $("$l3vm" status)" "0 no ports" "after a stop nothing is left"
is "$(ls /run/l3vm/guests)" "" "nor remembered"

hook $pre
tap tap1
ifup vif-migrate-dst-nic0-routed.env
is "$status $(state tap1)" "0 arrived" "a late script finds the guest here"
like "$(routes tap1)" '192.0.2.12 4' "at preferred rank"
hook hook-instance-stop-post.env
is "$status $(state tap1)" "0 arrived" "a hook takes nothing from a guest that is here"
tap_gone tap1
hook hook-instance-stop-post.env

hook $pre
hook hook-instance-failover-post.env GANETI_HOOKS_PHASE=pre
tap tap1
ifup vif-migrate-dst-nic0-routed.env
is "$status $(state tap1)" "0 live" "a failover is none, whatever was expected"
tap_gone tap1
"$l3vm" reconcile >/dev/null

# --- 3.2: network/MODE/{up,down} ----------------------------------------------------

# nic ACTION [PHASE]: of mode $mode
nic() {
	local -a phase=()
	[ $# -eq 1 ] || phase=("MIGRATION_PHASE=$2")
	script "/etc/ganeti/network/$mode/$1" $plain MODE=$mode ACTION="$1" TAGS= \
		"${phase[@]}"
	[ "$status $output" = "0 " ] || echo "$1 ${2-}: $status $output"
}

# order NAME STATE WORD...: taps (+, -), ups and downs; then the state of tap0 ("" none)
order() {
	local name=$1 wanted=$2 word said=
	shift 2
	for word; do
		case $word in
		+) tap tap0 ;;
		-) tap_gone tap0 ;;
		leaving) "$l3vm" migrate-notify i2.lab.example --phase leaving ;;
		up | down) said+=$(nic "$word") ;;
		*) said+=$(nic up "$word") ;;
		esac
	done
	is "$said$(state tap0)" "$wanted" "$mode: $name ($*)"
	case $wanted in
	live) like "$(routes tap0)" '192.0.2.12 5' "$mode: and routed" ;;
	arrived) like "$(routes tap0)" '192.0.2.12 4' "$mode: and preferred" ;;
	leaving) like "$(routes tap0)" '192.0.2.12 4194305000' "$mode: and last" ;;
	*) is "$(routes tap0)" "" "$mode: and not routed" ;;
	esac
}

end() {
	! ip link show tap0 >/dev/null 2>&1 || tap_gone tap0
	"$l3vm" reconcile >/dev/null
}

for mode in routed ext; do
	order "a start" live + up
	order "a shutdown is asked for" live down down
	order "the guest has gone" "" - down
	order "again" "" down
	order "no down at all, and the next start" live + up - + up
	order "soft reboot: down, then another tap" live down down - + up
	order "the source after a migration" leaving leaving down
	order "and its end" "" - down
	order "post alone" live + post
	order "after it what is repeated is nothing new" live post up post
	end
done
mode=ext
order "a target" prepared + pre
order "twice" prepared pre
order "the guest has come" arrived post
order "and again" arrived post
order "pre once more" arrived pre
order "a down that is too early" arrived down
end
order "a migration that failed" "" + pre down
order "the tap is still there, and it is told again" "" down
order "then it starts here" live up
order "no down, another tap, a migration to here" prepared - + pre
order "it fails, and there is no down; the next succeeds" arrived - + pre post
end
is "$("$l3vm" status)" "no ports" "nothing is left"
is "$(ip route show table all proto 76; ip -6 route show table all proto 76)" "" \
	"nor in the kernel"
done_testing
