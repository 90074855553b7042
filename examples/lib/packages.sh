# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# packages.sh - install what a lab needs, without leaving a new service running

# libvirt-daemon alone, not libvirt-daemon-system: no service, no default network
# and no firewall rules come with it. bird2 and frr do bring services, which
# install-packages keeps from starting, now and at the next boot.
LAB_PACKAGES=(libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients
	qemu-system-x86 bird2 frr busybox-static cpio iproute2 iputils-ping
	procps util-linux)
BUILD_PACKAGES=(autoconf automake libtool make gcc libc6-dev pkg-config
	libnl-3-dev libnftables-dev libglib2.0-dev libjson-c-dev libxml2-dev libvirt-dev
	libseccomp-dev)

# packages_install - those that are missing
packages_install()
{
	"$L3VM_SRC/tests/lib/install-packages" "${LAB_PACKAGES[@]}" \
		"${BUILD_PACKAGES[@]}"
}

packages_missing()
{
	local package
	for package in "${LAB_PACKAGES[@]}" "${BUILD_PACKAGES[@]}"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>&1) == \
			installed ]] || printf '%s\n' "$package"
	done
}
