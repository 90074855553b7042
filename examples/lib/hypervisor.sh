# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# hypervisor.sh - a libvirtd of its own in a node

# hypervisor_up NODE
hypervisor_up()
{
	local node=$1 etc=$LAB/$1/etc
	mkdir -p "$etc/libvirt" "$LAB/$node/log/libvirt" "$LAB/$node/lib/libvirt" \
		"$LAB/$node/cache/libvirt" "$LAB/$node/run/libvirt"
	# libvirtd looks for this account (of libvirt-daemon-system) whatever
	# qemu.conf says.
	echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' \
		>>"$etc/passwd"
	echo 'libvirt-qemu:x:64055:' >>"$etc/group"
	# The identifier by which libvirt tells hosts apart in a migration
	# would otherwise be the machine's, the same for both.
	cat >"$etc/libvirt/libvirtd.conf" <<-END
		host_uuid = "$(</proc/sys/kernel/random/uuid)"
		auth_unix_rw = "none"
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
	# QEMU runs as in the node itself: no confinement that would need the
	# machine's own security modules or control groups.
	cat >"$etc/libvirt/qemu.conf" <<-END
		user = "root"
		group = "root"
		security_driver = "none"
		cgroup_controllers = []
		namespaces = []
		remember_owner = 0
		stdio_handler = "file"
	END
	l3vm_conf "$node"
	libvirtd_start "$node"
}

libvirtd_start()
{
	on_start "$1" libvirtd.out libvirtd
	wait_until 20 on "$1" virsh -q uri || die "libvirtd of $1 does not start:
$(cat "$LAB/$1/log/libvirtd.out" "$LAB/$1/log/libvirt/libvirtd.log")"
}

# Its guests go on running, as with `systemctl stop libvirtd`.
libvirtd_stop()
{
	local pid
	pid=$(<"$LAB/$1/run/libvirtd.pid")
	kill -TERM "$pid"
	wait_until 20 process_gone "$pid"
}

process_gone()
{
	! kill -0 "$1" 2>/dev/null || [[ $(<"/proc/$1/stat") == *') Z '* ]]
}

# l3vm_conf NODE - one network of each mode, the same on every hypervisor
l3vm_conf()
{
	mkdir -p "$LAB/$1/etc/l3vm"
	cat >"$LAB/$1/etc/l3vm/l3vm.conf" <<-END
		[network default]
		allow = 10.0.0.0/16 2001:db8::/40

		[network lan]
		mode = bridge
		bridge = l3lan
		gateway4 = 10.1.0.1
		gateway6 = fe80::1
		allow = 10.1.0.0/16 2001:db8:100::/40
	END
}
