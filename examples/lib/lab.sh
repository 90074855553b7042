# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# lab.sh - a small data centre in namespaces of its own; the part all scripts source
#
# lab_enter starts the calling script again as the first process of new mount,
# network, process, host-name and IPC namespaces. Everything the lab makes (links,
# mounts, daemons, guests, files) exists only in there, so nothing can collide
# with the machine's own libvirt, routing daemon or network; and when that
# process ends, for whatever reason, the kernel removes it all.
#
# The other files: packages.sh (Debian packages), build.sh (the programs),
# fabric.sh (nodes, links, routing daemons), hypervisor.sh (libvirtd), guest.sh,
# move.sh (live migration).

LAB_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
L3VM_SRC=${L3VM_SRC:-$(cd "$LAB_LIB/../.." && pwd)}
# shellcheck disable=SC2034 # for the other files
# Kept between runs: the guest's kernel and initramfs, and the built programs.
LAB_CACHE=${L3VM_LAB_CACHE:-${XDG_CACHE_HOME:-/var/cache}/l3vm-lab}

for lab_part in packages build fabric hypervisor guest move; do
	# shellcheck source=/dev/null
	source "$LAB_LIB/$lab_part.sh"
done

# --- talking -----------------------------------------------------------------

# All that people read goes to this descriptor; tests set it to 2, since their
# standard output is TAP.
LAB_TALK=${LAB_TALK:-1}
LAB_STEP=${LAB_STEP:-0}

step()
{
	LAB_STEP=$((LAB_STEP + 1))
	printf '\n%2d. %s\n' "$LAB_STEP" "$*" >&"$LAB_TALK"
}

say()
{
	printf '    %s\n' "$*" >&"$LAB_TALK"
}

die()
{
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# show NODE COMMAND... - runs a command there and shows both it and its output, as
# someone at that machine would see them
show()
{
	printf '    %s# %s\n' "$1" "${*:2}" >&"$LAB_TALK"
	on "$@" 2>&1 | sed 's/^/      /' >&"$LAB_TALK"
}

# busy TEXT COMMAND... - runs a long command quietly: dots while it lasts, its
# time when done, its output only if it failed.
busy()
{
	local text=$1 log start=$EPOCHREALTIME pid status=0
	shift
	log=$(mktemp)
	printf '    %s ' "$text" >&"$LAB_TALK"
	"$@" >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1 &
		# Returns as soon as one of the two has ended.
		wait -n "$pid" $! 2>/dev/null || true
		kill -0 "$pid" 2>/dev/null && printf . >&"$LAB_TALK"
	done
	wait "$pid" || status=$?
	if ((status)); then
		printf ' failed (exit status %d):\n' "$status" >&"$LAB_TALK"
		tail -n 60 "$log" >&2
	else
		printf ' %s s\n' "$(lab_since "$start")" >&"$LAB_TALK"
	fi
	rm -f "$log"
	return "$status"
}

# Seconds since an earlier value of EPOCHREALTIME, with one decimal.
lab_since()
{
	local us=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
	printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

# wait_until SECONDS COMMAND... - until the command succeeds; fails when it has
# not by then.
wait_until()
{
	local end
	end=$(($(lab_clock) + $1 * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		(($(lab_clock) < end)) || return 1
		sleep 0.05
	done
}

# Hundredths of a second, of a clock that nobody sets
lab_clock()
{
	local up rest
	read -r up rest </proc/uptime
	echo "$((10#${up/./}))"
}

# --- namespaces --------------------------------------------------------------

# lab_enter [ARGUMENTS OF THE SCRIPT]... - returns only inside, with LAB naming an
# empty directory in memory. LAB_KEEP=1: the lab survives until it is killed.
lab_enter()
{
	if [[ -n ${LAB_INSIDE:-} ]]; then
		lab_inside
		return
	fi
	((EUID == 0)) || die "only root may make namespaces (sudo $0)"
	lab_outside "$@"
}

# The process outside waits, tidies up, and passes the exit status on.
lab_outside()
{
	local status=0 verdict=/dev/null leash=(setpriv --pdeathsig KILL)
	LAB=$(mktemp -d "${TMPDIR:-/tmp}/l3vm-lab.XXXXXX")
	if [[ -n ${LAB_KEEP:-} ]]; then
		leash=()
		verdict=$LAB/verdict
		mkfifo "$verdict"
	fi
	trap lab_end EXIT
	trap 'lab_interrupted; exit 130' INT
	trap 'lab_interrupted; exit 143' TERM HUP
	# The leash: should this very process be killed, so is the lab. setsid:
	# Ctrl-C reaches this process alone, which then ends the lab at once.
	LAB_INSIDE=1 LAB=$LAB LAB_STEP=$LAB_STEP setsid "${leash[@]}" \
		unshare --mount --net --pid --uts --ipc --fork --kill-child \
		--mount-proc --propagation private -- "$BASH" "$0" "$@" 8>"$verdict" &
	LAB_PID=$!
	if [[ -n ${LAB_KEEP:-} ]] && read -r _ <"$verdict"; then
		lab_kept
		exit 0
	fi
	wait "$LAB_PID" || status=$?
	exit "$status"
}

lab_interrupted()
{
	printf '\nInterrupted: all of it is being removed.\n' >&"$LAB_TALK"
}

lab_end()
{
	[[ -z ${LAB_PID:-} ]] || kill -KILL "$LAB_PID" 2>/dev/null || true
	{ wait || true; } 2>/dev/null
	rm -rf "$LAB"
}

# Called outside when a lab with LAB_KEEP=1 has said lab_keep.
lab_kept()
{
	local first
	first=$(pgrep --parent "$LAB_PID")
	rm -f "$LAB/verdict"
	trap - EXIT
	# The directory can be removed when the file system on it has gone.
	# shellcheck disable=SC2016 # the inner shell's arguments
	setsid bash -c 'tail --pid="$0" -f /dev/null; rmdir "$1"' "$LAB_PID" "$LAB" \
		</dev/null >/dev/null 2>&1 &
	cat <<END

The lab keeps running. A shell in it (hv1, hv2, tor or cli; a command may follow):
    sudo nsenter --target $first --all $LAB_LIB/shell hv1
To remove it all:
    sudo kill $first
END
}

# The last thing a script with LAB_KEEP=1 does: it never returns.
lab_keep()
{
	echo finished >&8
	exec 8>&-
	trap 'exit 0' TERM
	while :; do
		sleep infinity &
		wait $! || true
	done
}

lab_inside()
{
	mount -t tmpfs -o mode=0755 lab "$LAB"
	# `ip netns` and whatever else keeps its state there starts from nothing.
	mount -t tmpfs -o mode=0755 run /run
	ip link set lo up
	hostname lab.example
	mkdir "$LAB/tmp"
	export TMPDIR=$LAB/tmp
}
