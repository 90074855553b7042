# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# fabric.sh - nodes, the links between them, and their routing daemons
#
# A node is a network, mount and host-name namespace with /etc, /run, /var/log,
# /var/lib and /var/cache of its own, so that programs use their ordinary files
# and sockets: `on hv1 birdc show route`, `on tor vtysh`.

declare -A NODE_PID

fabric_picture()
{
	cat <<'END'
                         cli   198.51.100.2  2001:db8:f000::2
                          |
                         tor   AS 65000
         192.0.2.0/30   /   \   192.0.2.4/30
  2001:db8:ffff:1::/64 /     \ 2001:db8:ffff:2::/64
          AS 65001   hv1     hv2   AS 65002
END
}

# on NODE COMMAND... - runs a command there
on()
{
	local node=$1
	shift
	nsenter --target "${NODE_PID[$node]}" --mount --uts --net -- "$@"
}

# on_start NODE LOG COMMAND... - starts a daemon there; its process id is in $!
on_start()
{
	local node=$1 log=$2
	shift 2
	setsid nsenter --target "${NODE_PID[$node]}" --mount --uts --net -- \
		"$@" </dev/null >>"$LAB/$node/log/$log" 2>&1 &
}

# on_sh NODE SCRIPT [ARGUMENT]... - a few lines of shell there
on_sh()
{
	local node=$1
	shift
	on "$node" sh -ec "$@"
}

node_add()
{
	local node=$1 dir=$LAB/$1
	mkdir -p "$dir"/{etc,run,log,lib,cache,work-lib,work-cache}
	cp -a /etc/. "$dir/etc/"
	# What is on this machine's own account must not take effect in the lab.
	rm -rf "$dir/etc"/{libvirt,l3vm,frr,bird,iproute2/rt_protos.d}
	node_names "$dir/etc" "$node"
	[[ ! -d $LAB/dest/etc ]] || cp -a "$LAB/dest/etc/." "$dir/etc/"
	ip netns add "$node"
	setsid ip netns exec "$node" unshare --mount --uts --propagation private \
		sh "$LAB_LIB/node-init" "$dir" "$LAB/dest" \
		"$node.lab.example" </dev/null >"$dir/log/node.log" 2>&1 &
	NODE_PID[$node]=$!
	wait_until 10 test -e "$dir/run/lab-ready" ||
		die "node $node: $(cat "$dir/log/node.log")"
	node_settings "$node"
}

# Nothing in a lab may wait for a name server: libvirt looks up the host's name
# at each start and in the middle of each migration.
node_names()
{
	local etc=$1 node=$2
	rm -f "$etc/resolv.conf"
	printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' \
		>"$etc/resolv.conf"
	printf 'hosts: files\n' >"$etc/nsswitch.conf"
	sed -n '/^\(passwd\|group\|shadow\):/p' /etc/nsswitch.conf \
		>>"$etc/nsswitch.conf"
	printf '%s\n' '127.0.0.1 localhost' '::1 localhost' \
		'192.0.2.2 hv1.lab.example' '192.0.2.6 hv2.lab.example' >"$etc/hosts"
	printf '%s.lab.example\n' "$node" >"$etc/hostname"
}

# Forwarding is for the owner of a router to switch on; l3vm does it only for
# the interfaces of guests. Its example of what to set is what is set here.
node_settings()
{
	on "$1" ip link set lo up
	# --ignore: a namespace does not have all of a machine's settings
	on "$1" sysctl --quiet --ignore --load="$L3VM_SRC/etc/sysctl.d/l3vm.conf" \
		2>/dev/null
	on "$1" sysctl --quiet --write net.ipv6.conf.default.accept_dad=0
}

# link_add NODE IFNAME ADDRESS4 ADDRESS6 NODE IFNAME ADDRESS4 ADDRESS6
link_add()
{
	ip link add "l3lab0" netns "$1" type veth peer name "l3lab1" netns "$5"
	# shellcheck disable=SC2016 # the node's shell expands these
	on_sh "$1" 'ip link set l3lab0 name "$0"; ip link set "$0" up
		ip addr add "$1" dev "$0"; ip addr add "$2" dev "$0" nodad' "${@:2:3}"
	# shellcheck disable=SC2016
	on_sh "$5" 'ip link set l3lab1 name "$0"; ip link set "$0" up
		ip addr add "$1" dev "$0"; ip addr add "$2" dev "$0" nodad' "${@:6:3}"
}

# fabric_up HYPERVISOR... - the nodes and links of the picture; hv1 and hv2 only
fabric_up()
{
	local node n
	for node in tor cli "$@"; do
		node_add "$node"
	done
	link_add tor cli0 198.51.100.1/24 2001:db8:f000::1/64 \
		cli up0 198.51.100.2/24 2001:db8:f000::2/64
	on cli ip route add default via 198.51.100.1
	on cli ip route add default via 2001:db8:f000::1
	for node; do
		n=${node#hv}
		link_add tor "$node" "192.0.2.$((n * 4 - 3))/30" \
			"2001:db8:ffff:$n::1/64" \
			"$node" up0 "192.0.2.$((n * 4 - 2))/30" "2001:db8:ffff:$n::2/64"
	done
}

# host_link_add ROUTER N HYPERVISOR IFNAME - the Nth link from a router down
host_link_add()
{
	local n=$2 up=$((${2} / 10 * 16 + ${2} % 10 * 4 - 3))
	link_add "$1" "$3" "192.0.2.$up/30" "2001:db8:ffff:$n::1/64" \
		"$3" "$4" "192.0.2.$((up + 1))/30" "2001:db8:ffff:$n::2/64"
}

# bare_link_add ROUTER N NODE IFNAME - a link down, whose upper end has no address
# but fe80::N, and whose lower end none but its own link-local one
bare_link_add()
{
	ip link add l3lab0 netns "$1" type veth peer name l3lab1 netns "$3"
	# shellcheck disable=SC2016 # the node's shell expands these
	on_sh "$1" 'ip link set l3lab0 name "$0"; ip link set "$0" up
		ip addr add "fe80::$1/64" dev "$0" nodad' "$3" "$2"
	# shellcheck disable=SC2016
	on_sh "$3" 'ip link set l3lab1 name "$0"; ip link set "$0" up' "$4"
}

# spine_up - a client, a spine and two routers below it, as all of examples/fabrics
# have them, and two hypervisors without a link
spine_up()
{
	local node
	for node in cli spine tor1 tor2 hv1 hv2; do
		node_add "$node"
	done
	link_add spine cli0 198.51.100.1/24 2001:db8:f000::1/64 \
		cli up0 198.51.100.2/24 2001:db8:f000::2/64
	on cli ip route add default via 198.51.100.1
	on cli ip route add default via 2001:db8:f000::1
	spine_links
}

spine_links()
{
	host_link_add spine 21 tor1 spine
	host_link_add spine 22 tor2 spine
}

# two_uplinks - each hypervisor below both routers: fabrics/two-tors, reflector
two_uplinks()
{
	host_link_add tor1 1 hv1 up0
	host_link_add tor1 2 hv2 up0
	host_link_add tor2 11 hv1 up1
	host_link_add tor2 12 hv2 up1
}

# one_uplink - each below a router of its own: fabrics/racks
one_uplink()
{
	host_link_add tor1 1 hv1 up0
	host_link_add tor2 2 hv2 up0
}

# a_domain - the same, and a link between the routers: fabrics/mobility
a_domain()
{
	one_uplink
	host_link_add tor1 23 tor2 tor1
}

# no_uplinks - none any more
no_uplinks()
{
	local node link
	for node in tor1 tor2; do
		for link in hv1 hv2 tor2; do
			on "$node" ip link del "$link" 2>/dev/null || true
		done
	done
}

# bare_links - each hypervisor below both routers, and nobody with an address but on
# lo: fabrics/unnumbered
bare_links()
{
	local n
	for n in 1 2; do
		bare_link_add spine 3 "tor$n" spine
		bare_link_add tor1 1 "hv$n" up0
		bare_link_add tor2 2 "hv$n" up1
		own_address "hv$n" "192.0.2.$((n * 4 - 2))" "2001:db8:ffff:$n::2"
		own_address "tor$n" "192.0.2.$((255 - n))" "2001:db8:ffff:2$n::2"
	done
	own_address spine 192.0.2.252 2001:db8:ffff:20::1
}

own_address()
{
	on "$1" ip addr add "$2/32" dev lo
	on "$1" ip addr add "$3/128" dev lo
}

# links_up FABRIC - those of that folder of examples/fabrics, in place of all others
links_up()
{
	local node
	no_uplinks
	for node in tor1 tor2; do
		on spine ip link del "$node"
	done
	for node in spine tor1 tor2 hv1 hv2; do
		on "$node" ip addr flush dev lo scope global
	done
	case $1 in
	unnumbered) bare_links ;;
	racks) spine_links; one_uplink ;;
	*) spine_links; two_uplinks ;;
	esac
}

# --- routing daemons ---------------------------------------------------------

# recipe FILE NODE - the file of an example as it is, but for what the README of
# the example says to change: it is written for hv1, and for tor1.
recipe()
{
	local racks=()
	case $2 in
	hv2) sed -e 's/65001/65002/g' -e 's/65010/65020/g' \
		-e 's/192\.0\.2\.2\b/192.0.2.6/g' \
		-e 's/192\.0\.2\.1\b/192.0.2.5/g' \
		-e 's/192\.0\.2\.18\b/192.0.2.22/g' \
		-e 's/192\.0\.2\.17\b/192.0.2.21/g' \
		-e 's/2001:db8:ffff:1:/2001:db8:ffff:2:/g' \
		-e 's/2001:db8:ffff:11:/2001:db8:ffff:12:/g' "$1" ;;
	tor2)
		# Below the second router are the same hosts by other links, or,
		# if it is that of a rack, the other host by its only one.
		racks=(-e 's/192\.0\.2\.2\b/192.0.2.18/g'
			-e 's/192\.0\.2\.6\b/192.0.2.22/g'
			-e 's/2001:db8:ffff:\([12]\):/2001:db8:ffff:1\1:/g')
		[[ $1 != */@(racks|mobility)/* ]] ||
			racks=(-e 's/192\.0\.2\.2\b/192.0.2.6/g'
				-e 's/hv1/hv2/g' -e 's/tor2/tor1/g'
				-e 's/65001/65002/g' -e 's/65010/65020/g'
				-e 's/192\.0\.2\.42\b/192.0.2.41/g'
				-e 's/2001:db8:ffff:1:/2001:db8:ffff:2:/g'
				-e 's/2001:db8:ffff:23::2/2001:db8:ffff:23::1/g')
		sed -e 's/192\.0\.2\.254/192.0.2.253/' "${racks[@]}" \
			-e 's/192\.0\.2\.33\b/192.0.2.37/g' \
			-e 's/2001:db8:ffff:21:/2001:db8:ffff:22:/g' "$1" ;;
	*) cat "$1" ;;
	esac
}

# daemon_up NODE bird|frr [FABRIC] - with the example for its part; FABRIC is a
# folder of examples/fabrics, which need not have one for every part
daemon_up()
{
	local node=$1 kind=$2 example=$2/$2.conf own
	[[ $node == hv* ]] || example=tor-$example
	own=fabrics/${3-}/$kind/${node%%[0-9]*}.conf
	own=${own/%hv.conf/hypervisor.conf}
	[[ ! -e $L3VM_SRC/examples/$own ]] || example=$own
	"${kind}_up" "$node" "$L3VM_SRC/examples/$example"
}

# daemons_up bird|frr FABRIC NODE... - all of them at once
daemons_up()
{
	local kind=$1 fabric=$2 node pids=()
	shift 2
	for node; do
		# A process id of BIRD is to be known here.
		if [[ $kind == bird ]]; then
			daemon_up "$node" bird "$fabric"
		else
			daemon_up "$node" frr "$fabric" &
			pids+=($!)
		fi
	done
	for node in "${pids[@]}"; do
		wait "$node" || return
	done
}

# bird_up NODE FILE, frr_up NODE FILE
bird_up()
{
	local etc=$LAB/$1/etc/bird
	install -d -o bird -g bird "$etc" "$LAB/$1/run/bird"
	recipe "$2" "$1" >"$etc/bird.conf"
	on_start "$1" bird.log bird -f -u bird -g bird
	NODE_PID[$1/bird]=$!
	wait_until 10 on "$1" birdc show status || die "BIRD of $1 does not start"
}

frr_up()
{
	local etc=$LAB/$1/etc/frr daemons=${2%/*}/daemons
	[[ -e $daemons ]] || daemons=$L3VM_SRC/examples/frr/daemons
	install -d -o frr -g frr "$etc"
	recipe "$2" "$1" >"$etc/frr.conf"
	cp "$daemons" "$etc/daemons"
	: >"$etc/vtysh.conf"
	chown -R frr:frr "$etc"
	on_start "$1" frr.log /usr/lib/frr/frrinit.sh start
	wait_until 20 on "$1" vtysh -c 'show bfd peers brief' ||
		die "FRR of $1 does not start"
}

# sessions_up NODE bird|frr NUMBER - that many BGP sessions are established
sessions_up()
{
	local n
	case $2 in
	bird) n=$(on "$1" birdc show protocols | grep -c 'BGP.*Established') ;;
	frr) n=$(on "$1" vtysh -c 'show bgp neighbors' |
		grep -c 'BGP state = Established') ;;
	esac
	((n >= $3))
}

# neighbours_up NODE bird|frr NUMBER - that many OSPF neighbours know all it knows
neighbours_up()
{
	local n
	case $2 in
	bird) n=$(on "$1" sh -c 'birdc show ospf neighbors ospf4
		birdc show ospf neighbors ospf6' | grep -c 'Full/') ;;
	frr) n=$(on "$1" vtysh -c 'show ip ospf neighbor' \
		-c 'show ipv6 ospf6 neighbor' | grep -c 'Full/') ;;
	esac
	((n >= $3))
}

# bfd_up NODE bird|frr NUMBER - that many of them are watched by BFD
bfd_up()
{
	local n
	case $2 in
	bird) n=$(on "$1" birdc show bfd sessions | grep -c ' Up ') ;;
	frr) n=$(on "$1" vtysh -c 'show bfd peers brief' | grep -c ' up ') ;;
	esac
	((n >= $3))
}

# daemon_down NODE bird|frr - stops it, as an administrator would
daemon_down()
{
	case $2 in
	bird)
		on "$1" birdc down
		wait "${NODE_PID[$1/bird]}" || true
		;;
	frr) on "$1" /usr/lib/frr/frrinit.sh stop ;;
	esac >/dev/null
}

# daemon_signal NODE bird|frr SIGNAL - to all of its processes. One that is killed
# still has its connections closed, and so its neighbours told, by the kernel; one
# that is stopped (STOP) is as silent as a router without power.
daemon_signal()
{
	local pids=("${NODE_PID[$1/bird]-}")
	[[ $2 == bird ]] || mapfile -t pids < <(cat "$LAB/$1/run/frr/"*.pid)
	if [[ $3 != KILL ]]; then
		kill "-$3" "${pids[@]}"
		return
	fi
	# the shell would tell about each
	{ kill -KILL "${pids[@]}"; wait "${pids[@]}" || true; } 2>/dev/null
	rm -f "$LAB/$1/run/frr/"*.pid
}

# bgp_path NODE bird|frr PREFIX - what BGP knows there, for people and for grep
bgp_path()
{
	case $2 in
	bird) on "$1" birdc show route all for "$3" ;;
	frr) if [[ $3 == *:* ]]; then
		on "$1" vtysh -c "show bgp ipv6 unicast $3"
	else
		on "$1" vtysh -c "show bgp ipv4 unicast $3"
	fi ;;
	esac
}
