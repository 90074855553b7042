# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netns.sh - network namespaces for one test script, gone when it ends
#
# Source it after tap.sh. A name that a script chooses ("hv1") is short; the
# namespace gets a unique one, so scripts may run at the same time and next to
# whatever the machine has. What a script starts in a namespace is killed with
# it.
#
#	netns_need_root
#	netns_add hv1 tor
#	netns_link hv1 eth0 tor eth1
#	in_ns hv1 ip -br link

declare -A netns_name=()

# Ends the script (skipped) where namespaces cannot be made.
netns_need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
	command -v ip >/dev/null || skip_all "needs iproute2"
	unshare --net true 2>/dev/null || skip_all "no network namespaces here"
}

# netns_add NAME...
netns_add() {
	local name
	trap netns_cleanup EXIT
	# with these a second Ctrl-C does not leave half of it behind
	trap 'exit 130' INT
	trap 'exit 143' TERM
	for name; do
		netns_name[$name]=l3t-$$-$name
		ip netns add "${netns_name[$name]}"
		ip -n "${netns_name[$name]}" link set lo up
	done
}

# in_ns NAME CMD...: with /sys of that namespace, as ip-netns(8) does it
in_ns() {
	local name=$1
	shift
	ip netns exec "${netns_name[$name]:?no namespace $name}" "$@"
}

# ip_ns NAME ARGUMENTS...: ip(8) there, without the cost of a mount namespace
ip_ns() {
	local name=$1
	shift
	ip -n "${netns_name[$name]:?no namespace $name}" "$@"
}

# netns_link NAME1 IFNAME1 NAME2 IFNAME2: a cable, up at both ends
netns_link() {
	ip -n "${netns_name[$1]}" link add "$2" type veth \
		peer name "$4" netns "${netns_name[$3]}"
	ip -n "${netns_name[$1]}" link set "$2" up
	ip -n "${netns_name[$3]}" link set "$4" up
}

netns_cleanup() {
	local status=$? name pids
	trap - EXIT
	for name in "${netns_name[@]}"; do
		pids=$(ip netns pids "$name" 2>/dev/null) || continue
		# shellcheck disable=SC2086 # a list of numbers
		[ -z "$pids" ] || kill -KILL $pids 2>/dev/null || :
		ip netns del "$name" || :
	done
	exit "$status"
}
