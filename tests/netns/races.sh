#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# races.sh - what happens at once: interfaces that are replaced under attach,
# calls for one guest, guests that want one address
#
# L3VM_RACES says how many interfaces are replaced, L3VM_GUESTS how many guests start
# at once: more than the few of every day, by hand.
# timeout: 120
# shellcheck disable=SC2317 # functions are called by ok, refused and others
set -euo pipefail
. "${L3VM_SRC:?}/tests/netns/common.sh"

: >"$L3VM_CONFIG"
host_add hv
export l3vm=${L3VM_BUILD:?}/l3vm work
rounds=$((${L3VM_RACES:-300} / 4)) guests=${L3VM_GUESTS:-50}
replaced=$((rounds * 4))
# in the namespace once, instead of once a command
inside() {
	in_ns hv bash -euo pipefail -c "$1" - "${@:2}"
}

# --- an interface that is replaced by another of its name ---------------------------

# Each round runs an attach, and at the same time deletes the tap and makes a new
# one. When both are done, either the record is of the interface that is there
# now, or that interface is as the kernel made it: no route, no neighbour, no
# address, no setting, no MAC of ours. The old one took everything with it.
#
# The moment of the deletion moves through the attach from round to round, in
# every fourth round the deletion is first. Deletions wait for one another in the
# kernel, so several taps are at it at once.
cat >"$work/replace.sh" <<-'END'
	# replace.sh N ROUNDS
	tap=tapr$1 file=$work/replace$1
	claimed=0 failed=0
	attach() {
		"$l3vm" attach --guest "vm$1" --ifname "$tap" \
			--mac "52:54:00:00:00:0$1" \
			--address "10.0.0.$1,2001:db8::$1" >"$file.out" 2>&1
	}
	# left: what is ours on the interface that is there now
	left() {
		ip -4 route show table all dev "$tap" proto 76
		ip -6 route show table all dev "$tap" proto 76
		ip neigh show dev "$tap" nud permanent
		ip -o addr show dev "$tap"
		ip -o link show "$tap" | grep -o 02:6c:33:76:6d:01
		cd /proc/sys/net
		grep -v '^0$' ipv4/conf/"$tap"/{rp_filter,arp_ignore,proxy_arp}
		grep -v '^1$' ipv6/conf/"$tap"/{accept_ra,accept_dad}
	}
	printf '%s\n' "link del $tap" "tuntap add dev $tap mode tap" >"$file"
	ip tuntap add dev "$tap" mode tap
	for ((round = 0; round < $2; round++)); do
		if ((round % 4)); then
			attach "$1" & pid=$!
			for ((i = 0; i < round % 60 * 40; i++)); do :; done
			ip -batch "$file"
			status=0
			wait $pid || status=$?
		else
			ip -batch "$file" & pid=$!
			for ((i = 0; i < round % 60 * 100; i++)); do :; done
			status=0
			attach "$1" || status=$?
			wait $pid
		fi
		[ $status -eq 0 ] || failed=$((failed + 1))
		index=$(cat "/sys/class/net/$tap/ifindex")
		if grep -qs "\"ifindex\":$index," "$L3VM_STATE_DIR/ports/$tap.json"
		then
			claimed=$((claimed + 1))
		else
			# iproute2 complains of dumps that other taps' changes disturb
			left >"$file.left" 2>/dev/null || :
			[ ! -s "$file.left" ] ||
				echo "$tap, round $round: $(cat "$file.left")"
		fi
		[ $status -le 1 ] || echo "$tap, round $round: status $status"
		[ $status -eq 0 ] || grep -qx 'l3vm: .*: .* (.*)' "$file.out" ||
			echo "$tap, round $round: $(cat "$file.out")"
	done
	echo "$claimed $failed" >"$file.counts"
END
# shellcheck disable=SC2016
inside '
	for n in 1 2 3 4; do bash -u "$work/replace.sh" $n "$1" & done
	wait
' "$rounds" >"$work/races" 2>&1 || :
is "$(head -n 40 "$work/races")" "" \
	"$replaced taps replaced under attach: never anything on one that no record claims"
read -r claimed failed < <(cat "$work"/replace?.counts | awk '{ c += $1; f += $2 }
	END { print c + 0, f + 0 }')
isnt "$failed" 0 "(the tap vanished under attach $failed times)"
isnt "$claimed" 0 "(attach took the new one $claimed times)"
isnt "$((replaced - claimed - failed))" 0 \
	"(it was done before $((replaced - claimed - failed)) times)"
l3 reconcile >/dev/null
for n in 1 2 3 4; do
	l3 detach --guest vm$n
	ip_ns hv link del tapr$n
done
is "$(ours)" "" "nothing is left"
is "$(on_record)" "" "nor on record"

# --- many calls for one guest -------------------------------------------------------

tap_add tap1
tap_add tap2
for round in 1 2 3; do
	# shellcheck disable=SC2016
	inside '
		for ((i = 0; i < 32; i++)); do
			"$l3vm" attach --guest vm1 --ifname tap1 \
				--mac 52:54:00:00:00:01 \
				--address 10.0.0.1,2001:db8::1 &
			pids+=($!)
			if ((i % 2)); then "$l3vm" detach --guest vm1 &
			else "$l3vm" detach --ifname tap1 & fi
			pids+=($!)
		done
		for pid in "${pids[@]}"; do wait "$pid" || echo "status $?"; done
	' >"$work/out" 2>&1 || :
	is "$(cat "$work/out")" "" \
		"round $round: 64 attaches and detaches at once all succeed"
	is "$(l3 reconcile)" "" "round $round: the kernel has what the records say"
	if [ -e "$L3VM_STATE_DIR/ports/tap1.json" ]; then
		is "$(routes main)" "10.0.0.1 dev tap1 metric 5
2001:db8::1 dev tap1 metric 5" "round $round: the guest is attached, whole"
	else
		is "$(ours)" "" "round $round: the guest is detached, whole"
	fi
	l3 detach --guest vm1
	is "$(ours)$(on_record)" "" "round $round: and leaves nothing"
done

# Two ports of one guest, and its states, by different processes.
# shellcheck disable=SC2016
inside '
	for ((i = 0; i < 8; i++)); do
		"$l3vm" attach --guest vm1 --ifname tap1 --mac 52:54:00:00:00:01 \
			--address 10.0.0.1 &
		"$l3vm" attach --guest vm1 --ifname tap2 --mac 52:54:00:00:00:02 \
			--address 10.0.0.2 &
		"$l3vm" migrate-notify vm1 --phase leaving 2>/dev/null &
		"$l3vm" migrate-notify vm1 --phase aborted 2>/dev/null &
		"$l3vm" status >/dev/null &
		"$l3vm" reconcile >/dev/null &
	done
	wait
' >"$work/out" 2>&1 || :
is "$(cat "$work/out")" "" "two ports and their states at once: not a word"
l3 attach --guest vm1 --ifname tap1 --mac 52:54:00:00:00:01 --address 10.0.0.1
l3 migrate-notify vm1 --phase aborted
is "$(routes main)" "10.0.0.1 dev tap1 metric 5
10.0.0.2 dev tap2 metric 5" "no port was lost"
is "$(l3 reconcile)" "" "the kernel has what the records say"
l3 detach --guest vm1

# --- many guests --------------------------------------------------------------------

for ((i = 1; i <= guests; i++)); do
	echo "tuntap add dev tapm$i mode tap"
done | ip -n "${netns_name[hv]}" -batch -
from=$(tap_now)
# shellcheck disable=SC2016
inside '
	for ((i = 1; i <= $1; i++)); do
		printf -v mac "52:54:00:02:%02x:%02x" $((i >> 8)) $((i & 255))
		"$l3vm" attach --guest "many$i" --ifname "tapm$i" --mac "$mac" \
			--address "10.2.$((i >> 8)).$((i & 255)),2001:db8:2::$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid" || echo "status $?"; done
' "$guests" >"$work/out" 2>&1 || :
is "$(cat "$work/out")" "" \
	"$guests guests start at once (within $(($(tap_now) - from)) ms): all of them do"
is "$(routes main | grep -c tapm)" $((guests * 2)) "each has its routes"
is "$(l3 reconcile)" "" "the kernel has what the records say"
for ((i = 1; i <= guests; i++)); do
	echo "link del tapm$i"
done | ip -n "${netns_name[hv]}" -batch -
l3 reconcile >/dev/null
is "$(ours)$(on_record)" "" "they end at once, and nothing is left"

# --- two guests, one address --------------------------------------------------------

# shellcheck disable=SC2016
inside '
	for ((round = 0; round < 40; round++)); do
		"$l3vm" attach --guest vm1 --ifname tap1 --mac 52:54:00:00:00:01 \
			--address 10.0.0.1,2001:db8::1 2>"$work/err1" &
		one=$!
		"$l3vm" attach --guest vm2 --ifname tap2 --mac 52:54:00:00:00:02 \
			--address 2001:db8::1,10.0.0.1 2>"$work/err2" &
		two=$!
		first=0 second=0
		wait $one || first=$?
		wait $two || second=$?
		case "$first $second" in
		"0 5") winner=tap1 loser=2 ;;
		"5 0") winner=tap2 loser=1 ;;
		# each took one of the two addresses: nobody wins, and nothing stays
		"5 5") winner=none ;;
		*) winner=wrong ;;
		esac
		echo "$winner $(ip -o route show proto 76 | cut -d" " -f3)" \
			"$(ip -6 -o route show proto 76 | cut -d" " -f3)" \
			"$([ $winner = none ] || cat "$work/err$loser")"
		"$l3vm" detach --guest vm1
		"$l3vm" detach --guest vm2
	done
' >"$work/out" 2>&1 || :
taken='l3vm: .*: taken by guest [^,]*, tap[12] \(.*\)'
is "$(grep -cE "^(tap[12]) \\1 \\1 $taken\$|^none   \$" "$work/out")" 40 \
	"two guests attach the same addresses at once: never both"
[ "$tap_last" = yes ] || diag "$(sort "$work/out" | uniq -c)"
# with one address there is always a winner
# shellcheck disable=SC2016
inside '
	for ((round = 0; round < 40; round++)); do
		for n in 1 2; do
			"$l3vm" attach --guest vm$n --ifname tap$n \
				--mac 52:54:00:00:00:0$n \
				--address 10.0.0.1 2>/dev/null &
			pid[$n]=$!
		done
		statuses=()
		for n in 1 2; do
			status=0
			wait ${pid[$n]} || status=$?
			statuses+=($status)
		done
		echo "$(printf "%s\n" "${statuses[@]}" | sort | xargs)" \
			"$(ip route show proto 76 | wc -l)"
		"$l3vm" detach --guest vm1
		"$l3vm" detach --guest vm2
	done
' | sort | uniq -c | sed 's/^ *//' >"$work/out"
is "$(cat "$work/out")" "40 0 5 1" "one address: exactly one of them gets it, each time"
is "$(ours)$(on_record)" "" "nothing is left"

done_testing
