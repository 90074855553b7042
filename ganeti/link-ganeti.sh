#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# link-ganeti.sh - makes the Ganeti of this node run l3vm, or no longer
#
#	[DESTDIR=DIR] link-ganeti.sh install|uninstall [CONFDIR SBINDIR FROM]
#
# CONFDIR is /etc/ganeti; FROM has kvm-vif-bridge and network, as built. These two are
# copied, since Ganeti copies kvm-vif-bridge to other nodes and compares it; the node
# hooks are links, and Ganeti leaves them to each node. What a site made stays.
set -eu

fail() {
	echo "link-ganeti.sh: $*" >&2
	exit 1
}

usage='usage: link-ganeti.sh install|uninstall [CONFDIR SBINDIR FROM]'
[ $# -eq 1 ] || [ $# -eq 4 ] || fail "$usage"
verb=$1
confdir=${DESTDIR-}${2-/etc/ganeti}
sbindir=${3-/usr/sbin}
from=${4-$(dirname "$0")}
scripts='kvm-vif-bridge network/ext/up network/ext/down network/routed/up
network/routed/down'
hooks='instance-migrate-pre.d instance-migrate-post.d instance-failover-pre.d
instance-failover-post.d instance-stop-post.d instance-remove-post.d
instance-modify-post.d cluster-verify-post.d watcher'

# Is $1 not there, or ours? A link counts even if it leads nowhere from here (DESTDIR).
is_free() {
	if [ -L "$1" ]; then
		case $(readlink "$1") in
		*/l3vm-ganeti-hook) ;;
		*) return 1 ;;
		esac
	elif [ -e "$1" ]; then
		grep -q l3vm-ganeti-vif "$1"
	fi
}

each_path() {
	for script in $scripts; do
		echo "$confdir/$script"
	done
	for hook in $hooks; do
		echo "$confdir/hooks/$hook/50-l3vm"
	done
}

# renamed into place: at no time is there none, or half of one
put_script() {
	mkdir -p "$(dirname "$confdir/$1")"
	install -m 0755 "$from/$2" "$confdir/$1.new"
	mv -f "$confdir/$1.new" "$confdir/$1"
}

put_hook() {
	mkdir -p "$confdir/hooks/$1"
	ln -sfn "$sbindir/l3vm-ganeti-hook" "$confdir/hooks/$1/50-l3vm"
}

case $verb in
install)
	# all or none
	each_path | while read -r path; do
		is_free "$path" || fail "$path: not l3vm's (move it away first)"
	done
	put_script kvm-vif-bridge kvm-vif-bridge
	for mode in ext routed; do
		put_script "network/$mode/up" network
		put_script "network/$mode/down" network
	done
	for hook in $hooks; do
		put_hook "$hook"
	done
	echo "scripts and hooks are in $confdir; the same has to be done on every node"
	;;
uninstall)
	each_path | while read -r path; do
		if is_free "$path"; then
			rm -f "$path"
		else
			echo "left $path: not l3vm's"
		fi
		rmdir "${path%/*}" 2>/dev/null || :
	done
	rmdir "$confdir/network" "$confdir/hooks" 2>/dev/null || :
	;;
*)
	fail "$usage"
	;;
esac
