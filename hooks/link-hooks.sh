#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# link-hooks.sh - puts links to our hook programs where libvirt looks for hooks
#
#	[DESTDIR=DIR] link-hooks.sh install|uninstall HOOKSDIR SBINDIR
#
# libvirt (6.5 and later) runs HOOKSDIR/qemu and then HOOKSDIR/qemu.d/* in the
# order of their names; a site's own hooks stay as they are. Links and not
# copies: libvirt looks for hooks when it starts, but runs what is there at the
# time, so an upgrade of the programs needs no reload.
set -eu

fail() {
	echo "link-hooks.sh: $*" >&2
	exit 1
}

usage='usage: link-hooks.sh install|uninstall HOOKSDIR SBINDIR'
[ $# -eq 3 ] || fail "$usage"
verb=$1
hooksdir=${DESTDIR-}$2
sbindir=$3
name=50-l3vm
changed=no
reload=no

# Is $1 absent, our link, or the site's? Ours is a link to a program of this
# name, in whatever directory: an older build may have had another prefix.
owner() {
	if [ -L "$1" ]; then
		case $(readlink "$1") in
		*/"$2") echo ours ;;
		*) echo site ;;
		esac
	elif [ -e "$1" ]; then
		echo site
	else
		echo nobody
	fi
}

# True if libvirt had nothing to run for driver $1: then it has concluded, when
# it started, that it never need look again.
had_no_hook() {
	[ ! -e "$hooksdir/$1" ] || return 1
	for hook in "$hooksdir/$1.d"/*; do
		# a link counts even if it leads nowhere from here (DESTDIR)
		if [ -e "$hook" ] || [ -L "$hook" ]; then return 1; fi
	done
}

check() {
	[ "$(owner "$hooksdir/$1.d/$name" "$2")" != site ] ||
		fail "$hooksdir/$1.d/$name: not a link to $2 (move it away first)"
}

link() {
	path=$hooksdir/$1.d/$name
	if had_no_hook "$1"; then reload=yes; fi
	[ "$(readlink "$path" || :)" != "$sbindir/$2" ] || return 0
	mkdir -p "$hooksdir/$1.d"
	# renamed into place: at no time is there no hook
	ln -s "$sbindir/$2" "$path.$$"
	mv -f "$path.$$" "$path"
	changed=yes
	echo "$path -> $sbindir/$2"
}

unlink_ours() {
	path=$hooksdir/$1.d/$name
	case $(owner "$path" "$2") in
	ours) rm -f "$path" && echo "removed $path" ;;
	site) echo "left $path: not a link to $2" ;;
	nobody) ;;
	esac
	rmdir "$hooksdir/$1.d" 2>/dev/null || :
}

case $verb in
install)
	# both or none
	check qemu l3vm-libvirt-qemu
	check network l3vm-libvirt-network
	link qemu l3vm-libvirt-qemu
	link network l3vm-libvirt-network
	[ "$changed" = yes ] || echo "the links in $hooksdir are as they should be"
	if [ "$reload" = yes ]; then
		cat <<-TEXT
		libvirt had no hook here when it started, so a running one must be told:
		  systemctl reload libvirtd        or, with one daemon per driver,
		  systemctl reload virtqemud virtnetworkd
		TEXT
	fi
	;;
uninstall)
	unlink_ours qemu l3vm-libvirt-qemu
	unlink_ours network l3vm-libvirt-network
	;;
*)
	fail "$usage"
	;;
esac
