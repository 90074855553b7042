#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# networkd.sh - systemd-networkd configures interfaces of a host that has guests
#
# The real program, without systemd: it takes /sys that is read-only, as in a
# container, to mean that there is no udev to wait for.
# shellcheck disable=SC2016 # the inner shell's
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"
networkd=/lib/systemd/systemd-networkd
need $networkd networkctl dbus-daemon

export work
printf '%s\n' '[network tenant]' 'table = 4242' >"$L3VM_CONFIG"
host_add hv
client_add
guest_add g1 tap1 52:54:00:00:00:01
attach g1 tap1 52:54:00:00:00:01 10.0.0.1,2001:db8::1 --network tenant

# configured IFNAME SETTINGS: it starts with these, is told to configure the
# interface once more, and ends; $checked is what "l3vm check" says then
cat >"$work/networkd" <<-'END'
	ifname=$1 log=$work/networkd.log
	mount -o remount,bind,ro /sys
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /etc/systemd
	mkdir -p /run/dbus /run/systemd/{netif/{links,leases,lldp},network} \
		/etc/systemd/networkd.conf.d
	chown -R systemd-network:systemd-network /run/systemd/netif
	printf '%s\n' '[Match]' "Name=$ifname" '[Network]' LinkLocalAddressing=no \
		>/run/systemd/network/50-site.network
	echo "$2" >/etc/systemd/networkd.conf.d/l3vm.conf
	dbus-daemon --system --nofork --nopidfile 2>/dev/null & bus=$!
	# within TENTHS of a second
	until_true() {
		local i
		for ((i = 0; i < $1; i++)); do
			! "${@:2}" || return 0
			read -rt 0.1 <> <(:) || :
		done
		return 1
	}
	configured() {
		[ "$(grep -c "$ifname: State changed: .* -> configured" "$log")" -ge "$1" ]
	}
	until_true 50 test -S /run/dbus/system_bus_socket
	SYSTEMD_LOG_LEVEL=debug /lib/systemd/systemd-networkd >"$log" 2>&1 & pid=$!
	until_true 100 configured 1
	networkctl reconfigure "$ifname"
	until_true 100 configured 2
	"$L3VM_BUILD/l3vm" check | grep -A 1 systemd-networkd
	kill $pid $bus
	wait
END
configured() {
	checked=$(in_ns hv unshare --mount bash -e "$work/networkd" "$@")
}
no='[Network]
ManageForeignRoutes=no
ManageForeignRoutingPolicyRules=no'

before=$(ours)
configured up0 ''
isnt "$(ours)" "$before" "it removes rules that are not its own"
like "$checked" "warning +systemd-networkd +may remove guest routes" "check warns"
like "$checked" "ManageForeignRoutingPolicyRules=no" "and says what to set"
isnt "$(l3 reconcile)" "" "reconcile says what differed"
is "$(ours)" "$before" "and has restored it"

configured up0 "$no"
like "$checked" "ok +systemd-networkd" "with that, check is content"
is "$(ours)" "$before" "nothing of ours is gone"

configured 'tap1' "$no"
isnt "$(ours)" "$before" "a tap that it shall configure loses its addresses all the same"
l3 reconcile >/dev/null
is "$(ours)" "$before" "reconcile restores them"
is "$(l3 reconcile)" "" "and there is nothing more to do"
done_testing
