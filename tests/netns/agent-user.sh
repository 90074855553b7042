#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# agent-user.sh - the agent as the unit runs it, a user with two capabilities, and
# hooks that are root: both work with the same records
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/agent-common.sh"
need setpriv unshare

user=65534
printf '%s\n' "[l3vm]" "hold-time = 1s" "qmp-sockets = $work/qmp/*.qmp" >"$L3VM_CONFIG"
chmod 0644 "$L3VM_CONFIG"
# the user may not look into the build directory, nor is the tun everybody's here
cp "$L3VM_BUILD/l3vm-agent" "$work/agent"
chmod 0755 "$work/agent"
mknod "$work/tun" c 10 200
chmod 0666 "$work/tun"
# what ProtectKernelTunables= and ReadWritePaths= do
cat >"$work/as-unit" <<-'END'
	mount --bind /proc/sys /proc/sys
	mount --bind /proc/sys/net /proc/sys/net
	mount -o remount,bind,ro /proc/sys
	mount --bind "$1" /dev/net/tun
	shift
	exec "$@"
END
caps=-all,+net_admin,+net_raw
agent_as=(unshare --mount bash -e "$work/as-unit" "$work/tun"
	setpriv "--reuid=$user" "--regid=$user" --clear-groups --no-new-privs
	"--inh-caps=$caps" "--ambient-caps=$caps" "--bounding-set=$caps")
agent_program=$work/agent

host_add hv
mute_guest g1 tap1 $mac1
own=10.0.0.1,2001:db8::1
install -d -m 0750 -o "$user" -g "$user" "$L3VM_STATE_DIR"
umask 077

# all_his: everything in the state directory is the user's, and nobody else's to write
all_his() {
	[ -z "$(find "$L3VM_STATE_DIR" \( ! -user "$user" -o -perm /022 \) ! -type l)" ]
}

ok "a hook, before there was an agent" attach g1 tap1 $mac1 $own
ok "what it left is the user's" all_his
l3 detach --guest g1
: >"$work/notified"
play hv notified "$work/notify" "$work/notified"
wait_for 5 test -S "$work/notify"
chmod 0666 "$work/notify" "$work/notified"
starts "the agent starts"
is "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p; s/^Cap[EB].*:\t0*//p' \
	"/proc/$agent_pid/status")" \
	"$user
3000
3000" "it is the user, with CAP_NET_ADMIN and CAP_NET_RAW alone"
nok "it may not set what is not the network's" nsenter --target "$agent_pid" --mount \
	bash -c 'echo 0 >/proc/sys/kernel/sysrq'
qemu_start g1
chmod 0777 "$work/qmp" "$work/qmp/g1.qmp"
ok "it has the guest's monitor" listened_to g1

# a whole life: the hook's records become the agent's and the hook's again
prepare g1 tap1 $mac1 $own
frame g1 rarp
ok "it arrives" comes_to g1 arrived
ok "the agent's records are the user's too" all_his
ok "it is live" comes_to g1 live
ok "root may attach it again" attach g1 tap1 $mac1 $own,10.0.0.9
is "$(routes main | wc -l)" 3 "with one address more"
in_ns hv sysctl -qw net.ipv4.conf.tap1.rp_filter=0
ip_ns hv addr flush dev tap1
repaired() {
	[ "$(sysctl_of ipv4/conf/tap1/rp_filter)" = 1 ] &&
		ip_ns hv addr show dev tap1 | grep -q 169.254.0.1
}
ok "settings and addresses that went are repaired" wait_for 10 repaired
qmp g1 event MIGRATION '{"status": "active"}'
ok "it leaves" comes_to g1 leaving
wait_for 5 watched tap1
qmp g1 event STOP
ok "its packets are held" wait_for 5 grep -q hold-start "$L3VM_STATE_DIR/events.jsonl"
ok "the hook takes it away" l3 detach --guest g1
ok "and the hold ends" wait_for 5 grep -q hold-release "$L3VM_STATE_DIR/events.jsonl"
# a check of a service address is the user too, and has no capability at all
printf '%s\n' '#!/bin/sh' "grep -E '^(Uid|CapEff|CapAmb):' /proc/self/status >$work/check.out" \
	>"$work/check"
: >"$work/check.out"
chmod 0755 "$work/check"
chmod 0666 "$work/check.out"
l3 service add 10.0.0.53 --check "$work/check" --rise 1 --interval 60
status=0
wait "$agent_pid" || status=$?
is "$status" 75 "an agent that can run no program any more ends at the first check"
starts "another one starts"
ok "the agent runs a check" wait_for 5 eval '[[ $(routes main) == "10.0.0.53 dev lo metric 5" ]]'
is "$(tr -s ' \t' ' ' <"$work/check.out")" "Uid: $user $user $user $user
CapEff: 0000000000000000
CapAmb: 0000000000000000" "as the user, without a capability"
l3 service remove 10.0.0.53
ok "all of it is still the user's" all_his
is "$(find "$L3VM_STATE_DIR"/{ports,guests} -name '*.json' -o -name '*.lock')" "" \
	"and no record is left"
if agent_stop; then pass "the agent ends"; else fail "the agent ends"; fi
expected='QMP monitor|^l3vm: reconciled:|check is well|checks are programs'
is "$(grep -vE "$expected" "$work/agent.err" || :)" "" \
	"without a complaint"
done_testing
