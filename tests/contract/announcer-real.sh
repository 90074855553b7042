#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# announcer-real.sh - the contract of announcers, with BIRD, FRR, ExaBGP and GoBGP as the
# examples have them; what each has is what a router above was told by BGP
# shellcheck disable=SC2317 # functions are called by the contract
# timeout: 240
set -euo pipefail
. "${L3VM_SRC:?}/tests/contract/announcer.sh"
[[ $# -gt 0 ]] || each bird frr exabgp exec
LAB_TOOLS=(bird vtysh exabgp gobgpd)
. "$L3VM_SRC/tests/lab/common.sh"

l3()
{
	on hv1 l3vm "$@"
}

agent_start()
{
	agent_up hv1 --no-libvirt
}

agent_stop()
{
	agent_down hv1
}

# --- what the router was told ---------------------------------------------------------

# The rank as the recipes for another AS have it: the length of the path, and the last
# one's community
told_tor()
{
	on tor birdc 'show route where source = RTS_BGP all' | awk '
		function end() {
			if (n == 4 && !shut) n = 0
			if (dst) print dst, n in ranks ? ranks[n] : "unknown"
			n = shut = 0
		}
		BEGIN { ranks[1] = "preferred"; ranks[2] = "normal"; ranks[4] = "last" }
		/ unicast \[/ { end(); dst = $1 }
		/BGP.as_path:/ { n = NF - 1 }
		/BGP.community:.*\(65535,0\)/ { shut = 1 }
		END { end() }' | LC_ALL=C sort
}

has_bird() { told_tor; }
has_frr() { told_tor; }
has_exabgp() { told_tor; }
has_exec() { told_tor; }


# end_kill NAME, as it was started by on_start
end_kill()
{
	{ kill -KILL "${NODE_PID[hv1/$1]}"; wait "${NODE_PID[hv1/$1]}" || true; } 2>/dev/null
}

# The agent sees that it has gone, before another one comes.
gone()
{
	end_kill "$1"
	wait_for 10 pending vm1 || true
}

kill_bird() { end_kill bird; }
kill_exabgp() { gone exabgp; }
kill_exec() { gone gobgpd; }
kill_frr() { daemon_signal hv1 frr KILL; }

signal()
{
	case $kind in
	frr) daemon_signal hv1 frr "$1" ;;
	exec) kill "-$1" "${NODE_PID[hv1/gobgpd]}" ;;
	*) kill "-$1" "${NODE_PID[hv1/$kind]}" ;;
	esac
}

ail()
{
	case $1 in
	hangs) signal STOP ;;
	down) "kill_$kind" ;;
	esac
}

cure()
{
	case $1 in
	hangs) signal CONT ;;
	down) "start_$kind" ;;
	esac
}

# --- BIRD --------------------------------------------------------------------------------

# start_bird [BUFFER] - the size through which it listens to the kernel
start_bird()
{
	install -d -o bird -g bird "$LAB/hv1/etc/bird" "$LAB/hv1/run/bird"
	sed "s/rx buffer .*;/rx buffer ${1-67108864};/" "$L3VM_SRC/examples/bird/bird.conf" \
		>"$LAB/hv1/etc/bird/bird.conf"
	on_start hv1 bird.log bird -f -u bird -g bird
	NODE_PID[hv1/bird]=$!
}

# It is stopped while the guest's routes come, among more than a small buffer takes.
lose_bird()
{
	local i
	kill_bird
	l3 detach --guest vm1
	start_bird 4096
	wait_until 10 sessions_up hv1 bird 2
	signal STOP
	for i in {1..200}; do
		echo "route add 172.16.0.$i/32 dev up0"
		echo "route add 2001:db8:1000::$i/128 dev up0"
	done | on hv1 ip -batch -
	attach vm1 tap1 "$mac1" "$a4,$a6"
	signal CONT
}

# --- FRR -------------------------------------------------------------------------------------

start_frr()
{
	daemon_up hv1 frr
}

# zebra takes routes for the same whose metrics differ in the highest byte alone, and
# forgets both when one goes.
lose_frr()
{
	local address
	for address in $a4 $a6; do
		on hv1 ip route add "$address" dev tap1 metric $((0xFA000005))
		wait_until 5 zebra_has "$address" 'distance 250' || true
		on hv1 ip route del "$address" dev tap1 metric $((0xFA000005))
	done
}

zebra_has()
{
	local ip=ip
	[[ $1 != *:* ]] || ip=ipv6
	on hv1 vtysh -c "show $ip route $1" | grep -q "$2"
}

# --- ExaBGP ------------------------------------------------------------------------------------

start_exabgp()
{
	on_start hv1 exabgp.log env exabgp.daemon.user=root exabgp.daemon.daemonize=false \
		exabgp /etc/exabgp/exabgp.conf
	NODE_PID[hv1/exabgp]=$!
}

lose_exabgp()
{
	on hv1 sh -c "for route in $a4/32 $a6/128; do
		echo \"withdraw route \$route next-hop self\"; done >/run/exabgp/exabgp.in"
	wait_until 10 told_now ''
}

# --- GoBGP, by the example's program -------------------------------------------------------------

start_exec()
{
	on_start hv1 gobgpd.log gobgpd --log-level warn -f "$L3VM_SRC/examples/exec/gobgpd.toml"
	NODE_PID[hv1/gobgpd]=$!
}

lose_exec()
{
	on hv1 gobgp global rib del all -a ipv4
	on hv1 gobgp global rib del all -a ipv6
	wait_until 10 told_now ''
}

kind=$1
fabric_up hv1
for tap in tap1 tap2; do
	on hv1 ip tuntap add $tap mode tap
done
install -d "$LAB/hv1/etc/l3vm" "$LAB/hv1/etc/exabgp" "$LAB/hv1/run/exabgp"
cp "$L3VM_SRC/examples/exabgp/exabgp.conf" "$LAB/hv1/etc/exabgp/"
on hv1 mkfifo /run/exabgp/exabgp.in /run/exabgp/exabgp.out
cat >"$LAB/hv1/etc/l3vm/l3vm.conf" <<-END
	[announcer exabgp]
	as = 65001
	[announcer exec]
	command = $L3VM_SRC/examples/exec/gobgp.py 65001
	[network default]
	announce = ${announcer_of[$kind]-$kind}
END
daemon_up tor bird
# who is killed again and again is not to wait for it
sed -i 's/error wait time .*;/error wait time 1, 1;/' "$LAB/tor/etc/bird/bird.conf"
on tor birdc configure >&2
contract hangs down
lab_done_testing
