#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# service.sh - addresses of the host itself, with packets: a client reaches the host
# while it is well, and another one when it is not, or is drained
# shellcheck disable=SC2016,SC2317 # commands that `ok` and its kin run
# timeout: 60
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"

# --- a fabric ------------------------------------------------------------------------
# "tor" goes by what the hosts announce: "hv", which runs l3vm, by a program of its
# agent, and "other", which is always there, with a path between hv's normal and last.
host_add hv
add_ns tor other cl
a4=198.51.100.53 a6=2001:db8:53::53

# wire NAME IFNAME N: a link of the tor, in both families
wire() {
	netns_link tor "$2" "$1" eth0
	ip_ns tor addr add "192.0.2.$(($3 * 4 + 1))/30" dev "$2"
	ip_ns tor addr add "2001:db8:$3::1/64" dev "$2" nodad
	ip_ns "$1" addr add "192.0.2.$(($3 * 4 + 2))/30" dev eth0
	ip_ns "$1" addr add "2001:db8:$3::2/64" dev eth0 nodad
	ip_ns "$1" route add default via "192.0.2.$(($3 * 4 + 1))"
	ip_ns "$1" route add default via "2001:db8:$3::1"
}
for host in hv tor other cl; do
	in_ns $host sysctl -qw net.ipv6.conf.default.accept_dad=0
done
in_ns tor sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
wire hv hv0 1
wire other other0 2
wire cl cl0 3
ip_ns other addr add $a4/32 dev lo
ip_ns other addr add $a6/128 dev lo nodad
ip_ns tor route add $a4 via 192.0.2.10 metric 100
ip_ns tor route add $a6 via 2001:db8:2::2 metric 100
for host in hv other; do
	ip netns exec "${netns_name[$host]}" \
		"$L3VM_SRC/tests/netns/service.py" $host $a4 $a6 &
	disown
done

cat >"$work/fabric" <<-END
	#!/bin/bash
	tor="ip -n ${netns_name[tor]} route"
	while read -r line; do
		say='"([a-z]+)": ?"?([^",} ]*)'
		declare -A of=()
		while [[ \$line =~ \$say ]]; do
			of[\${BASH_REMATCH[1]}]=\${BASH_REMATCH[2]}
			line=\${line#*"\${BASH_REMATCH[0]}"}
		done
		dst=\${of[dst]-} via=192.0.2.6
		[[ \$dst != *:* ]] || via=2001:db8:1::2
		case \${of[rank]-} in
		normal) \$tor replace \$dst via \$via metric 10 ;;&
		last) \$tor replace \$dst via \$via metric 1000 ;;&
		none | last) \$tor del \$dst via \$via metric 10 2>/dev/null ;;&
		none | normal) \$tor del \$dst via \$via metric 1000 2>/dev/null ;;
		esac
		echo "{\"seq\": \${of[seq]}, \"ok\": true}"
	done
END
chmod +x "$work/fabric"
cat >"$L3VM_CONFIG" <<-END
	[announcer exec]
	command = $work/fabric
	[network default]
	announce = kernel exec
	allow = 198.51.100.0/24 2001:db8:53::/64
	[network open]
	allow = 0.0.0.0/0 ::/0
END

# The check's word: a status, or "hang"
cat >"$work/check" <<-END
	#!/bin/bash
	echo run >>$work/checks
	IFS= read -r word <$work/word
	[[ \$word != hang ]] || { echo \$\$ >$work/hung; sleep 600 & wait; }
	exit "\$word"
END
chmod +x "$work/check"

# answers: who does to the client, in both families: "hv hv"
answers() {
	in_ns cl "$L3VM_SRC/tests/netns/service.py" ask $a4 $a6
}

answered_by() {
	[ "$(answers)" = "$1 $1" ]
}

# comes_from HOST NAME: a point; in time
comes_from() {
	wait_for 8 answered_by "$1" || :
	is "$(answers)" "$1 $1" "$2: $1 answers, in both families"
}

# ranks: the metrics of ours in the host's main table
ranks() {
	routes main | sed -n 's/.* metric \([0-9]*\)$/\1/p' | xargs
}

is_listed() {
	[ "$(l3 service list | awk 'NR > 1 { print $4 }' | xargs)" = "$1" ]
}

both() {
	l3 service "$1" $a4 "${@:2}" && l3 service "$1" $a6 "${@:2}"
}
checked=(--check "$work/check 'of us'" --interval 0.1 --rise 2 --fall 2)

wait_for 5 answered_by other || :
comes_from other "nobody else is there"
echo 0 >"$work/word"
ok "service addresses are added" both add "${checked[@]}"
is "$(ranks)" "" "nothing is known of them: no routes"
like "$(l3 service list)" "$a4 +lo +default +down .*l3vm-agent, which runs its check" \
	"and there is no agent: said"
starts "the agent starts"
comes_from hv "the checks are well"
is "$(ranks)" "5 5" "the routes have the normal rank"
unlike "$(l3 service list)" 'l3vm-agent|pending|failed' "no problem is seen"

# --- a check fails, hangs, cannot be run ---------------------------------------------

echo 1 >"$work/word"
comes_from other "the checks fail"
is "$(ranks)" "" "the routes are gone"
like "$(in_ns hv ip -o addr show dev lo)" "$a4.*$a6" "the addresses are not"
like "$(l3 check || :)" "warning +service $a4 +is down" "check says so"
echo 0 >"$work/word"
comes_from hv "they are well again"
echo hang >"$work/word"
comes_from other "the checks hang"
hung=$(<"$work/hung")
ok "who hangs is killed, with all that it started" wait_for 3 \
	eval "! kill -0 -$hung 2>/dev/null"
echo 0 >"$work/word"
comes_from hv "and are run again"

# --- draining, and what a restart leaves ---------------------------------------------

ok "both are drained" both drain
comes_from other "drained"
is "$(ranks)" "4194305000 4194305000" "they have the last rank"
ip_ns tor route del $a4 via 192.0.2.10
ip_ns tor route del $a6 via 2001:db8:2::2
comes_from hv "the other one is gone: drained is better than nothing"
agent_kill
is "$(ranks)" "4194305000 4194305000" "the agent is killed: all is as it was"
ip_ns tor route add $a4 via 192.0.2.10 metric 100
ip_ns tor route add $a6 via 2001:db8:2::2 metric 100
starts "it starts again"
ok "what was drained stays so" is_listed "draining draining"
ok "both are undrained" both undrain
comes_from hv "undrained"

# --- somebody takes them away --------------------------------------------------------

all_there() {
	[ "$(ranks)" = "5 5" ] &&
		[ "$(in_ns hv ip -o addr show dev lo | grep -cE "$a4|$a6")" -eq 2 ]
}
for family in -4 -6; do
	ip_ns hv $family route flush proto 76
	address=$a4/32
	[ $family = -4 ] || address=$a6/128
	peer=$(in_ns hv ip -o $family addr show dev lo | sed -n 's/.* peer \([^ ]*\) .*/\1/p')
	ip_ns hv addr del "${address%/*}" peer "$peer" dev lo
done
ok "routes and addresses are taken away: the agent puts them back" wait_for 5 all_there
agent_stop
ip_ns hv route del $a4 proto 76
ip_ns hv addr del $a4 peer 127.51.100.53/32 dev lo
is "$(l3 reconcile --dry-run)" "add address $a4/32 dev lo
add route $a4/32 dev lo metric 5" "without an agent reconcile says what is missing"
l3 reconcile >/dev/null
ok "and puts it back" all_there
is "$(l3 reconcile)" "" "once"

# --- a dummy, and addresses that are not to be had -----------------------------------

tap_add tap1
changed
refused 5 'own address' "a guest cannot have its address" \
	attach g1 tap1 $mac1 $a4
refused 5 'own address already' "nor it one that the host has" \
	l3 service add 192.0.2.6 --network open
refused 5 'not allowed in network default' "nor one that is not allowed" \
	l3 service add 203.0.113.1
refused 1 'nothing0: no such interface' "nor an interface that is not there" \
	l3 service add 198.51.100.2 --ifname nothing0
refused 5 'is on another interface' "it does not move by itself" \
	l3 service add $a4 --ifname tap1
refused 4 'is not on this host' "one that is not there is not drained" \
	l3 service drain 198.51.100.2
ok "they are removed" both remove
ok "twice, too" both remove
is "$(routes all)$(in_ns hv ip -o addr show dev lo | grep -E "$a4|$a6")" "" \
	"no route and no address is left"
is "$(on_record)" "" "and nothing on record"
ok "on another interface" l3 service add $a6 --ifname tap1
ip_ns hv link del tap1
like "$(l3 service list)" 'interface is gone' "which goes: said"
tap_add tap1
l3 reconcile >/dev/null
like "$(in_ns hv ip -o addr show dev tap1)" "$a6" "which comes again: so does the address"
done_testing
