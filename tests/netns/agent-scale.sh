#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# agent-scale.sh - many ports, and a table of foreign routes that never rests
#
# The figures are told, not judged: they are the machine's. AGENT_PORTS,
# AGENT_ROUTES and AGENT_SECONDS ask for more than the few of every day.
#
# timeout: 3000
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
ports=${AGENT_PORTS:-200} routes=${AGENT_ROUTES:-5000} seconds=${AGENT_SECONDS:-3}

echo "[l3vm]" >"$L3VM_CONFIG"
host_add hv
client_add

# address NUMBER: of 10/8
address() {
	echo "10.$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"
}

# foreign ADD|DEL FROM TO: /32s as a daemon installs them
foreign() {
	local i
	for ((i = $2; i < $3; i++)); do
		echo "route $1 172.$((i >> 16 & 255)).$((i >> 8 & 255)).$((i & 255))" \
			"via 192.0.2.2 dev up0 proto bird metric 32"
	done
}

for ((i = 1; i <= ports; i++)); do
	echo "tuntap add dev tap$i mode tap"
done | ip -n "${netns_name[hv]}" -batch -
starts "the agent starts"
empty=$(agent_memory)
before=$(tap_now)
in_ns hv bash -c '
	address() { echo "10.$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"; }
	for ((i = 1; i <= $1; i++)); do
		printf -v mac "52:54:01:%02x:%02x:%02x" $((i >> 16)) $((i >> 8 & 255)) \
			$((i & 255))
		"$L3VM_BUILD/l3vm" attach --guest "g$i" --ifname "tap$i" --mac "$mac" \
			--address "$(address "$i"),2001:db8::$(printf %x:%x \
			$((i >> 8)) $((i & 255)))"
	done' attach "$ports"
diag "$ports ports: attached in $(($(tap_now) - before)) ms"
wait_for 60 eval '[ "$(routes main | wc -l)" -eq $((ports * 2)) ]'
grown=$(agent_memory)
diag "$ports ports: resident $grown KiB ($empty KiB without)"
agent_stop
starts "it starts with $ports ports"
fresh=$(agent_memory)
diag "$ports ports: resident $fresh KiB after a start"

foreign add 0 "$routes" | ip -n "${netns_name[hv]}" -batch -
# what the table's coming has cost is not what its changes do
wait_for 5 false || :
before=$(agent_time)
from=$(tap_now)
wait_for 5 false || :
diag "at rest: $((($(agent_time) - before) * 1000 / ($(tap_now) - from))) ms a second"
# switches: how often it has gone to sleep
switches() {
	awk '/^voluntary/ { print $2 }' "/proc/$agent_pid/status"
}
slept=$(switches)
before=$(agent_time)
from=$(tap_now)
for ((second = 0; second < seconds; second++)); do
	for ((part = 0; part < 10; part++)); do
		due=$((from + second * 1000 + part * 100))
		{
			foreign del $((part * 50)) $((part * 50 + 50))
			foreign add $((part * 50)) $((part * 50 + 50))
		} | ip -n "${netns_name[hv]}" -batch -
		while [ "$(tap_now)" -lt "$due" ]; do sleep 0.01; done
	done
done
diag "$routes foreign routes, 1000 changes a second:" \
	"$((($(agent_time) - before) * 1000 / ($(tap_now) - from))) ms a second"
diag "resident $(agent_memory) KiB"
slept=$(($(switches) - slept))
ok "it sleeps through others' routes (woken $slept times)" [ $slept -lt $((seconds * 20)) ]

l3 detach --guest g1
attach g1 tap1 52:54:01:00:00:01 10.0.0.1 --prepared
ok "it is still there, and heeds a port" wait_for 10 watched tap1
expected='QMP monitor'
# thousands of addresses are not read before others come
((ports < 1000)) || expected+='|they change all the time'
is "$(grep -vE "$expected" "$work/agent.err" || :)" "" "without a complaint"
done_testing
