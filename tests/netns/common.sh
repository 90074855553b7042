# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# common.sh - what the netns tests share: a host, guests of it, a client, dumps
#
# The host under test is the namespace "hv". A guest is a namespace too: its
# eth0 is one end of a veth, whose other end, in the host, plays the tap. l3vm
# takes any interface for a port, and real packets flow without a VM. Where
# nothing has to flow, tap_add makes a real tap.
#
#	host_add hv
#	client_add
#	guest_add g1 tap1 52:54:00:00:00:05
#	l3 attach --guest g1 --ifname tap1 --mac 52:54:00:00:00:05 --address 10.0.0.5
. "${L3VM_SRC:?}/tests/lib/tap.sh"
. "${L3VM_SRC:?}/tests/lib/netns.sh"

netns_need_root
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# a test may become somebody else
chmod 0711 "$work"
export L3VM_CONFIG=$work/l3vm.conf L3VM_STATE_DIR=$work/state
# the default of l3vm.conf(5), the same on every host
# shellcheck disable=SC2034 # for the tests
gateway_mac=02:6c:33:76:6d:01

# need TOOL...: ends the script (skipped) without them
need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip_all "needs $tool"
	done
}

# add_ns NAME...: as netns_add, and $work goes too
add_ns() {
	netns_add "$@"
	trap 'clean_up' EXIT
}

clean_up() {
	local status=$?
	trap - EXIT
	set +e
	# what a test has mounted
	umount -l "$work"/*/ 2>/dev/null
	rm -rf "$work"
	(exit "$status") # what netns_cleanup ends with
	netns_cleanup
}

# host_add NAME: a router as etc/sysctl.d/l3vm.conf wants it
host_add() {
	add_ns "$1"
	in_ns "$1" sysctl -q -p "$L3VM_SRC/etc/sysctl.d/l3vm.conf" 2>/dev/null || :
}

# client_add: "cl", somebody beyond the host, who reaches everything through it.
# The host itself has no default route.
client_add() {
	add_ns cl
	# an automatic link-local address would be tentative for a second, and
	# without one the host cannot look for the client
	ip -n "${netns_name[hv]}" -batch - <<-END
		link add up0 type veth peer name eth0 netns ${netns_name[cl]}
		link set up0 addrgenmode none up
		addr add 192.0.2.1/24 dev up0
		addr add 2001:db8:c::1/64 dev up0 nodad
		addr add fe80::c/64 dev up0 nodad
	END
	ip -n "${netns_name[cl]}" -batch - <<-END
		link set eth0 up
		addr add 192.0.2.2/24 dev eth0
		addr add 2001:db8:c::2/64 dev eth0 nodad
		route add default via 192.0.2.1
		route add default via 2001:db8:c::1
	END
}

# guest_add NAME TAP MAC: not configured yet, see guest_config
guest_add() {
	add_ns "$1"
	ip -n "${netns_name[hv]}" link add "$2" type veth \
		peer name eth0 netns "${netns_name[$1]}" address "$3"
	# as in a guest that has booted: no address but what it is given
	in_ns "$1" sysctl -qw net.ipv6.conf.eth0.accept_dad=0
	ip_ns "$1" link set eth0 up
}

# guest_config NAME ADDRESS...: as a routed guest is set up, /32 and /128; the
# gateways are on no subnet of the guest's
guest_config() {
	local name=$1 address
	shift
	for address; do
		case $address in
		*/*) ip_ns "$name" addr add "$address" dev eth0 ;;
		*:*) ip_ns "$name" addr add "$address/128" dev eth0 nodad ;;
		*) ip_ns "$name" addr add "$address/32" dev eth0 ;;
		esac
	done
	ip_ns "$name" route replace default via 169.254.0.1 dev eth0 onlink
	ip_ns "$name" -6 route replace default via fe80::1 dev eth0
}

# tap_add NAME [HOST]: a real tap with a MAC that is the same each time
tap_add() {
	ip_ns "${2:-hv}" tuntap add dev "$1" mode tap
	ip_ns "${2:-hv}" link set "$1" address fe:00:00:00:00:77
}

# l3 ARGUMENTS...: l3vm on the host
l3() {
	in_ns hv "${L3VM_BUILD:?}/l3vm" "$@"
}

# attach GUEST TAP MAC ADDRESS[,ADDRESS...] [ARGUMENTS...]
attach() {
	l3 attach --guest "$1" --ifname "$2" --mac "$3" --address "$4" "${@:5}"
}

# state_of GUEST: the states of its ports, one a line
state_of() {
	l3 status "$1" --json | sed -n 's/^ *"state": *"\([a-z]*\)".*/\1/p'
}

# pings FROM ADDRESS...: an answer of each comes within five seconds. The first
# packet may be lost to somebody's address resolution; none of ours needs any.
pings() {
	local from=$1 address
	shift
	for address; do
		wait_for 5 in_ns "$from" ping -n -q -c 1 -W 0.5 "$address" || {
			echo "$from does not reach $address"
			return 1
		}
	done
}

# no_ping FROM ADDRESS: one packet, no answer
no_ping() {
	! in_ns "$1" ping -n -q -c 1 -W 0.3 "$2"
}

# routes TABLE: what the host has of ours in both families, one a line, sorted
routes() {
	{
		ip_ns hv -4 route show table "$1" proto 76
		ip_ns hv -6 route show table "$1" proto 76
	} 2>/dev/null | sed 's/ proto 76//; s/ scope link//; s/ pref medium//
		s/ linkdown//; s/ *$//' | LC_ALL=C sort
}

# ours: everything on the host that carries our protocol number
ours() {
	routes all
	{
		ip_ns hv neigh show nud permanent
		ip_ns hv -4 rule
		ip_ns hv -6 rule
	} | grep -E 'proto (76|l3vm)' || :
}

# sysctl_of [net/]ipv4/conf/tap1/rp_filter
sysctl_of() {
	in_ns hv cat "/proc/sys/net/${1#net/}"
}

# router_is IFNAME PROXY_ARP PROXY_ARP_PVLAN GATEWAY4 NAME: a point: the interface
# is set up as the guests' router, in every detail
router_is() {
	local settings delay=80 # hundredths of a second, the kernel's
	[ "$2" = 0 ] || delay=0
	# shellcheck disable=SC2016 # the inner shell's
	settings=$(in_ns hv bash -c 'cd /proc/sys/net && grep -r . \
		ipv4/conf/"$1"/{forwarding,proxy_arp,proxy_arp_pvlan,rp_filter} \
		ipv4/conf/"$1"/{send_redirects,accept_redirects,arp_ignore} \
		ipv4/conf/"$1"/arp_announce ipv4/neigh/"$1"/proxy_delay \
		ipv6/conf/"$1"/{disable_ipv6,addr_gen_mode,accept_ra,accept_redirects} \
		ipv6/conf/"$1"/{accept_dad,forwarding}' - "$1" |
		sed -E 's,/(conf|neigh)/[^/]*,,' | xargs)
	is "$settings" "ipv4/forwarding:1 ipv4/proxy_arp:$2 ipv4/proxy_arp_pvlan:$3 \
ipv4/rp_filter:1 ipv4/send_redirects:0 ipv4/accept_redirects:0 ipv4/arp_ignore:1 \
ipv4/arp_announce:2 ipv4/proxy_delay:$delay ipv6/disable_ipv6:0 ipv6/addr_gen_mode:1 \
ipv6/accept_ra:0 ipv6/accept_redirects:0 ipv6/accept_dad:0 ipv6/forwarding:1" "$5"
	is "$(ip_ns hv -o addr show dev "$1" | tr -d '\134' |
		sed -E 's/.* (inet6?) /\1 /; s/ +valid_lft.*//; s/ '"$1"'//')" \
		"inet $4/32 scope link
inet6 fe80::1/64 scope link nodad" "$5: the gateway's addresses"
}

# kernel_dump NAME: everything of the namespace's network that somebody could
# have changed, without what changes by itself; sorted, since the order of most
# lists says nothing
kernel_dump() {
	# shellcheck disable=SC2016 # the inner shell's
	in_ns "$1" bash -c '
		printf "%s\n" "link" "addr" "maddr" "neigh show nud permanent" \
			"neigh show proxy" | ip -o -d -batch -
		for family in -4 -6; do
			printf "%s\n" "route show table all" "rule" |
				ip -d $family -batch - | sed "s/^/$family /"
		done
		printf "%s\n" link fdb vlan | bridge -o -d -batch -
		grep -rs . /proc/sys/net/ipv[46]/conf /proc/sys/net/ipv[46]/neigh || :
		nft -n list ruleset | sed -n "/elements = {/,/}/p"
	' 2>/dev/null | sed -E '
		s/[a-z_]+_timer +[0-9.]+//g
		s/ (used|updated) [0-9]+//g
		s/ link-netns [^ ]+//
		s/ counter packets [0-9]+ bytes [0-9]+//
		/ expires [0-9ms]+/d
		s/ +$//
		/\/base_reachable_time|\/(mc_forwarding|stable_secret):/d
	' | LC_ALL=C sort
}

# state_dump: the state directory, names and contents. events.jsonl is a log.
state_dump() {
	[ -d "$L3VM_STATE_DIR" ] || return 0
	(
		cd "$L3VM_STATE_DIR" || exit
		find . ! -name events.jsonl ! -name '*.lock' \
			-printf '%p %y %m %l\n' | LC_ALL=C sort
		find . -name '*.json' -print0 | LC_ALL=C sort -z | xargs -0r cat
	)
}

# on_record: the files that say what is there, and locks
on_record() {
	find "$L3VM_STATE_DIR"/{ports,guests,addresses} -type f -o -type l
}

# Runs l3vm or a hook; sets status, err and out_size.
run() {
	status=0
	"$@" >"$work/out" 2>"$work/err" || status=$?
	err=$(cat "$work/err")
	out_size=$(wc -c <"$work/out")
}

# says STATUS REGEX NAME CMD...: one point. The command ends with STATUS and one
# line "l3vm: WHAT: WHY (REMEDY)" that matches REGEX, and prints nothing else.
says() {
	local wanted=$1 regex=$2 name=$3 wrong=''
	shift 3
	said_wrong "$wanted" "$regex" "$@"
	[ -n "$wrong" ] || { pass "$name"; return; }
	fail "$name"
	diag "${wrong%; }: $err"
}

# Sets $wrong; run's variables too.
said_wrong() {
	run "${@:3}"
	[ "$status" -eq "$1" ] || wrong+="status $status, not $1; "
	[ "$(wc -l <"$work/err")" -eq 1 ] || wrong+="not one line; "
	[[ $err =~ ^l3vm:\ .+:\ .+\ \(.+\)$ ]] || wrong+="not of the form; "
	[[ $err =~ $2 ]] || wrong+="no match of $2; "
	[ "$out_size" -eq 0 ] || wrong+="output; "
}

# everything: kernel and state
everything() {
	kernel_dump hv
	state_dump
}

# changed: what the kernel and the state are from now on, to unchanged and refused
changed() {
	expected=$(everything)
}

# unchanged NAME: they are what they were
unchanged() {
	is "$(everything)" "$expected" "$1"
}

# refused STATUS REGEX NAME CMD...: as says, and neither kernel nor state is
# other than when changed was called
refused() {
	local wanted=$1 regex=$2 name=$3 wrong='' difference
	shift 3
	said_wrong "$wanted" "$regex" "$@"
	difference=$(diff <(echo "$expected") <(everything)) ||
		wrong+="something was changed; "
	[ -n "$wrong" ] || { pass "$name"; return; }
	fail "$name"
	diag "${wrong%; }: $err"
	diag "$difference"
	changed
}

# monitor_start FILE [OBJECT...]: what ip-monitor(8) tells goes to $work/FILE
monitor_start() {
	local file=$work/$1
	shift
	# the marks of an earlier one must not be taken for this one's
	rm -f "$file"
	ip -n "${netns_name[hv]}" -o monitor "$@" >"$file" 2>&1 &
	monitor_pid=$!
	# it listens as soon as it tells of something
	monitor_mark start "$file"
}

# monitor_mark WORD FILE: makes the monitor say something that nobody else
# says, and waits for it: what happened before is in the file then
monitor_mark() {
	local n=$((++monitor_marks)) deadline
	deadline=$(($(tap_now) + 5000))
	until grep -q "^.*blackhole 203.0.113.$n" "$2" 2>/dev/null; do
		ip_ns hv route add blackhole "203.0.113.$n" table 7999 2>/dev/null ||
			ip_ns hv route del blackhole "203.0.113.$n" table 7999
		[ "$(tap_now)" -lt "$deadline" ] || return 1
	done
}

# monitor_stop FILE: prints what was told, without the marks
monitor_stop() {
	monitor_mark stop "$work/$1"
	kill "$monitor_pid"
	wait "$monitor_pid" 2>/dev/null || :
	grep -v 'blackhole 203\.0\.113\.' "$work/$1" || :
}
monitor_marks=0

# capture_start NAME IFNAME FILE FILTER...: frames as tcpdump's lines
capture_start() {
	local file=$work/$3
	ip netns exec "${netns_name[$1]}" tcpdump -n -e -l -i "$2" \
		--immediate-mode "${@:4}" >"$file" 2>"$file.err" &
	capture_pid=$!
	wait_for 5 grep -q 'listening on' "$file.err"
}

# capture_stop FILE REGEX: prints the lines, once there is one that matches
capture_stop() {
	wait_for 3 grep -qE "$2" "$work/$1" || echo "(no line with $2)"
	kill "$capture_pid"
	wait "$capture_pid" 2>/dev/null || :
	cat "$work/$1"
}
