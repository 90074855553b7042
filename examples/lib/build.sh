# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# build.sh - the programs, built outside the source tree and installed for the nodes

# The nodes see l3vm below /usr, as a package would install it: libvirt's AppArmor
# profile, where the machine has one, lets hooks be nowhere else.

# lab_build - builds the working tree in the cache, unless the same sources have
# been built there before.
lab_build()
{
	local sum
	mkdir -p "$LAB_CACHE"
	exec 9>"$LAB_CACHE/lock"
	flock 9
	sum=$(lab_source_sum)
	[[ -r $LAB_CACHE/dest.sum && $(<"$LAB_CACHE/dest.sum") == "$sum" ]] && return
	rm -rf "$LAB_CACHE/src" "$LAB_CACHE/dest" "$LAB_CACHE/dest.sum"
	mkdir -p "$LAB_CACHE/src" "$LAB_CACHE/build"
	# autogen.sh writes into the source tree, which is the reader's: a copy.
	(cd "$L3VM_SRC" && tar -c --exclude=.git --exclude=.build .) |
		tar -x -C "$LAB_CACHE/src"
	(cd "$LAB_CACHE/src" && ./autogen.sh)
	rm -rf "$LAB_CACHE/build"
	mkdir "$LAB_CACHE/build"
	(cd "$LAB_CACHE/build" && ../src/configure --quiet \
		--prefix=/usr --sysconfdir=/etc)
	make -C "$LAB_CACHE/build" -j"$(nproc)"
	make -C "$LAB_CACHE/build" install install-hooks DESTDIR="$LAB_CACHE/dest"
	printf '%s\n' "$sum" >"$LAB_CACHE/dest.sum"
}

# Of what the programs are made of
lab_source_sum()
{
	(cd "$L3VM_SRC" && find . \( -path ./.git -o -path ./tests -o \
		-path ./examples \) -prune -o -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum
}

# lab_install [DIRECTORY] - puts the programs where node_add finds them: those of
# lab_build, or those that stand in a build directory, uninstalled.
lab_install()
{
	local program sbin=$LAB/dest/usr/sbin
	mkdir -p "$sbin"
	if [[ -z ${1:-} ]]; then
		cp -a "$LAB_CACHE/dest/." "$LAB/dest/"
		return
	fi
	for program in l3vm l3vm-agent l3vm-libvirt-qemu l3vm-libvirt-network \
		l3vm-qemu-ifup l3vm-ganeti-vif l3vm-ganeti-hook; do
		[[ ! -e $1/$program ]] || cp "$1/$program" "$sbin/"
	done
	ln -sf l3vm-qemu-ifup "$sbin/l3vm-qemu-ifdown"
	mkdir -p "$LAB/dest/etc/iproute2"
	cp -a "$L3VM_SRC/etc/rt_protos.d" "$LAB/dest/etc/iproute2/"
	DESTDIR=$LAB/dest sh "$L3VM_SRC/hooks/link-hooks.sh" install \
		/etc/libvirt/hooks /usr/sbin >/dev/null
}
