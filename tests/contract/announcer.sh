# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# announcer.sh - what every announcer promises, to be held against each other end
#
# announcer-fake.sh and announcer-real.sh source it, start themselves with each kind of
# other end (bird and frr, of the announcer kernel, exabgp, exec, neighbour) and call
# contract() with it. They provide
#
#	l3 ARGUMENT...		l3vm on the hypervisor, which has tap1 and tap2
#	agent_start, agent_stop
#	has_KIND		what the other end has: "DESTINATION RANK" a line, sorted
#	start_KIND, kill_KIND	it comes; it ends at once, and does not say so
#	lose_KIND		it forgets what it knows, and does not say so
#	ail AILMENT, cure AILMENT	something is wrong with it
# shellcheck disable=SC2034 # for the hosts
mac1=52:54:00:00:00:01 mac2=52:54:00:00:00:02
a4=10.0.0.1 a6=2001:db8::1
declare -A announcer_of=([bird]=kernel [frr]=kernel)

# each KIND...: this script with each of them, all at once, since they mostly wait; and
# what they say
each() {
	local folder kind status=0
	# they are about time, and others, more than about memory
	[ -z "${L3VM_SANITIZED-}" ] || { echo "1..0 # SKIP once is enough"; exit 77; }
	folder=$(mktemp -d)
	for kind; do
		"$0" "$kind" >"$folder/$kind" 2>&1 &
	done
	for kind; do
		wait -n || status=$?
	done
	cat "$folder"/*
	rm -rf "$folder"
	exit $status
}

# attach GUEST TAP MAC ADDRESS,... [ARGUMENT...]
attach() {
	l3 attach --guest "$1" --ifname "$2" --mac "$3" --address "$4" "${@:5}"
}

# announce_of GUEST: what status says of it, without blanks
announce_of() {
	l3 status "$1" --json | tr -d ' \n' | sed 's/.*"announce":\(\[.*\]\),"guard.*/\1/'
}

# announced GUEST: says status; of the kernel's, that it is the daemon who does
announced() {
	[ "$(announce_of "$1")" = "$(announced_text)" ]
}

announced_text() {
	local name=${announcer_of[$kind]-$kind} by=
	[ "$name" = "$kind" ] || by=",\"by\":\"$kind\""
	echo "[{\"announcer\":\"$name\",\"ok\":true$by}]"
}

# pending GUEST: that it is not
pending() {
	local text
	text=$(announce_of "$1")
	[[ $text == '[{"announcer":'* && $text != "$(announced_text)" ]]
}

# told NAME "DESTINATION RANK"...: the other end has these and no others, in time,
# which may be when the agent tries again; status says so
told() {
	local name=$1 wanted
	shift
	wanted=$(printf '%s\n' "$@" | LC_ALL=C sort)
	# a neighbour table knows no ranks
	[ "$kind" != neighbour ] || wanted=$(awk '{ print $1, "here" }' <<<"$wanted")
	ok "$kind: $name: status says so" wait_for 45 announced vm1
	wait_for 15 told_now "$wanted" || :
	is "$("has_$kind")" "$wanted" "$kind: $name"
}

told_now() {
	[ "$("has_$kind")" = "$1" ]
}

# soon NAME CMD...: it waits for nobody; a daemon's answer has two seconds
soon() {
	local name=$1 before
	shift
	before=$(tap_now)
	ok "$name" "$@"
	ok "$name, without delay" test $(($(tap_now) - before)) -lt 1900
}

# What is told again after a loss: by the agent, or by writing the routes again
assert_again() {
	if [ "${announcer_of[$kind]-}" = kernel ]; then
		wait_for 5 pending vm1
		l3 reconcile
	else
		l3 announce
	fi
}

# contract AILMENT...: $kind keeps it
contract() {
	local ailment vm1=("$a4/32 normal" "$a6/128 normal")
	soon "$kind: nobody is there: a guest is attached" attach vm1 tap1 $mac1 $a4,$a6
	ok "$kind: status does not say that it is announced" pending vm1
	"start_$kind"
	[ "${announcer_of[$kind]-}" = kernel ] || agent_start ||
		fail "$kind: the agent starts"
	told "it comes, and is told" "${vm1[@]}"
	l3 migrate-notify vm1 --phase leaving
	told "a guest that leaves has the last rank" "$a4/32 last" "$a6/128 last"
	l3 migrate-notify vm1 --phase aborted
	attach vm2 tap2 $mac2 10.0.0.2 --prepared
	told "it stays; one that is awaited is not announced" "${vm1[@]}"
	l3 migrate-notify vm2
	told "one that arrived is preferred" "${vm1[@]}" "10.0.0.2/32 preferred"
	l3 detach --guest vm2
	told "one that is gone is withdrawn" "${vm1[@]}"

	"kill_$kind"
	"start_$kind"
	told "it was killed: the next one is told everything" "${vm1[@]}"
	for ailment; do
		falls_ill "$ailment"
		told "$ailment, and well again: it is told everything" \
			"${vm1[@]}" "10.0.0.2/32 normal"
		l3 detach --guest vm2
	done

	"lose_$kind"
	assert_again >/dev/null 2>&1 || fail "$kind: what was lost is told again"
	told "it has lost everything: it is told again" "${vm1[@]}"
	[ "${announcer_of[$kind]-}" = kernel ] || agent_stop
	"kill_$kind"
	soon "$kind: it is gone: the guest ends" l3 detach --guest vm1
}

# falls_ill AILMENT: while a guest comes. One that is slow is told all the same.
falls_ill() {
	ail "$1"
	soon "$kind, $1: a guest is attached" attach vm2 tap2 $mac2 10.0.0.2
	if [ "$1" = slow ]; then
		ok "$kind, $1: status says that it is announced" wait_for 15 announced vm2
	else
		ok "$kind, $1: status says that it is pending" wait_for 15 pending vm2
	fi
	cure "$1"
}
