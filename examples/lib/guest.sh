# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# guest.sh - small guests: Debian's cloud kernel and a busybox initramfs
#
# A guest boots in two seconds without KVM, needs 128 MiB and no disk, and takes
# its addresses from its kernel command line (guest-init).

LAB_KERNEL=linux-image-cloud-amd64
LAB_MODULES=(virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev
	virtio_pci failover net_failover virtio_net)

# guest_fetch [NAME PACKAGE MODULE...] - a kernel, the one of most guests if not said,
# unpacked into the cache but not installed: the machine's own boot loader has no
# business with it.
guest_fetch()
{
	(($#)) || set -- kernel "$LAB_KERNEL" "${LAB_MODULES[@]}"
	local dir=$LAB_CACHE/$1 kernel=$2 package tmp module
	shift 2
	mkdir -p "$LAB_CACHE"
	exec 9>"$LAB_CACHE/lock"
	flock 9
	[[ -e $dir/vmlinuz ]] && return
	package=$(apt-cache depends "$kernel" |
		sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
	[[ -n $package ]] || die "apt knows no $kernel: apt-get update"
	tmp=$(mktemp -d)
	(cd "$tmp" && apt-get -o APT::Sandbox::User=root download "$package")
	dpkg -x "$tmp"/*.deb "$tmp/root"
	mkdir -p "$dir.new/modules"
	for module; do
		find "$tmp/root" -name "$module.ko" -exec cp {} "$dir.new/modules/" \;
	done
	cp "$tmp"/root/boot/vmlinuz-* "$dir.new/vmlinuz"
	rm -rf "$dir" "$tmp"
	mv "$dir.new" "$dir"
}

# guest_program NAME... - guests have these programs as well, with their libraries; other
# files can be put into $LAB/guest, too, before the first guest is defined
guest_program()
{
	local root=$LAB/guest name file
	mkdir -p "$root/bin"
	for name; do
		name=$(command -v "$name")
		cp "$name" "$root/bin/"
		for file in $(ldd "$name" | grep -o '/[^ ]*'); do
			mkdir -p "$root${file%/*}"
			cp -L "$file" "$root$file"
		done
	done
}

# guest_image - kernel and initramfs for this lab, and what QEMU should run with
guest_image()
{
	mkdir -p "$LAB/console" "$LAB/image"
	gcc -O2 -static -o "$LAB/image/peer" "$LAB_LIB/peer.c"
	guest_pack kernel "$LAB/image"
	LAB_ACCEL=$(guest_accel)
}

# guest_pack NAME DIRECTORY - after it, the same there with another kernel of the cache
guest_pack()
{
	local root=$LAB/tmp/initramfs
	mkdir -p "$2" "$root/bin"
	cp "$LAB_CACHE/$1/vmlinuz" "$2/"
	cp -r "$LAB_CACHE/$1/modules" "$root/"
	cp "$(command -v busybox)" "$root/bin/"
	cp "$LAB/image/peer" "$root/bin/"
	cp "$LAB_LIB/guest-init" "$root/init"
	[[ ! -d $LAB/guest ]] || cp -a "$LAB/guest/." "$root/"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) >"$2/initrd.gz"
	rm -rf "$root"
}

# kvm or qemu (that is TCG, QEMU's own emulation). /dev/kvm may exist and yet run
# nothing, as in many virtual machines: only a guest that says "up" proves it.
guest_accel()
{
	local boot known=$LAB_CACHE/accel log=$LAB/tmp/kvm.log pid accel=qemu
	boot=$(</proc/sys/kernel/random/boot_id)
	if [[ -r $known ]] && grep -q "^$boot " "$known"; then
		sed 's/.* //' "$known"
		return
	fi
	if [[ -w /dev/kvm ]]; then
		qemu-system-x86_64 -accel kvm -m 96 -nodefaults -nographic \
			-no-reboot -serial "file:$log" \
			-kernel "$LAB/image/vmlinuz" -initrd "$LAB/image/initrd.gz" \
			-append 'console=ttyS0 quiet' </dev/null >/dev/null 2>&1 &
		pid=$!
		wait_until 4 grep -q 'guest: up' "$log" && accel=kvm
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	fi
	printf '%s %s\n' "$boot" "$accel" >"$known"
	printf '%s\n' "$accel"
}

# --- domains -----------------------------------------------------------------
#
# A NIC is one word of KEY=VALUE pairs with commas between them:
#   mac=    required
#   type=   ethernet (default; dev= names its tap), bridge or network (source=)
#   address= prefix=   may be repeated: go into the metadata for l3vm, and each
#           address also to the guest
#   network=  l3vm's network, for the metadata
#   len4= len6=  the guest's netmasks (32, 128)
#   gw4= gw6=    its gateways (169.254.0.1, fe80::1)
#   lo=     an address the guest puts on its loopback interface
#   metadata=no  l3vm is told nothing
#   script=yes  libvirt runs l3vm-qemu-ifup for it

nic_get()
{
	local nic=$1 key=$2 word
	local -a words
	IFS=, read -r -a words <<<"$nic"
	for word in "${words[@]}"; do
		[[ $word != "$key="* ]] || printf '%s\n' "${word#*=}"
	done
}

# nic_get1 NIC KEY DEFAULT
nic_get1()
{
	local value
	value=$(nic_get "$1" "$2")
	printf '%s' "${value:-$3}"
}

# What guest-init reads
nic_word()
{
	local nic=$1 address word
	word=nic=$(nic_get "$nic" mac)
	for address in $(nic_get "$nic" address); do
		if [[ $address == *:* ]]; then
			word+=,$address/$(nic_get1 "$nic" len6 128)
		else
			word+=,$address/$(nic_get1 "$nic" len4 32)
		fi
	done
	for address in $(nic_get "$nic" lo); do
		word+=,lo=$address
	done
	printf '%s,gw=%s,gw=%s' "$word" "$(nic_get1 "$nic" gw4 169.254.0.1)" \
		"$(nic_get1 "$nic" gw6 fe80::1)"
}

nic_metadata()
{
	local nic=$1 network value
	[[ $(nic_get "$nic" metadata) != no ]] || return 0
	network=$(nic_get "$nic" network)
	printf "<l3vm:nic mac='%s'" "$(nic_get "$nic" mac)"
	[[ -z $network ]] || printf " network='%s'" "$network"
	printf '>'
	for value in $(nic_get "$nic" address); do
		printf '<l3vm:address>%s</l3vm:address>' "$value"
	done
	for value in $(nic_get "$nic" prefix); do
		printf '<l3vm:prefix>%s</l3vm:prefix>' "$value"
	done
	printf '</l3vm:nic>\n'
}

nic_xml()
{
	local nic=$1 type dev source
	type=$(nic_get1 "$nic" type ethernet)
	dev=$(nic_get "$nic" dev)
	source=$(nic_get "$nic" source)
	printf "<interface type='%s'><mac address='%s'/>" "$type" \
		"$(nic_get "$nic" mac)"
	case $type in
	bridge) printf "<source bridge='%s'/>" "$source" ;;
	network) printf "<source network='%s'/>" "$source" ;;
	esac
	[[ -z $dev ]] || printf "<target dev='%s'/>" "$dev"
	[[ $(nic_get "$nic" script) != yes ]] || printf "%s%s" \
		"<script path='/usr/sbin/l3vm-qemu-ifup'/>" \
		"<downscript path='/usr/sbin/l3vm-qemu-ifdown'/>"
	printf "<model type='virtio'/><rom enabled='no'/></interface>\n"
}

# QEMU 7.2's emulation loses writes of a guest that migrates on a busy machine (seen in 4
# of 70 migrations), but not if the memory is no multiple of 64 pages (none of 140), since
# cpu_physical_memory_sync_dirty_bitmap() then looks at each page by itself. libvirt would
# round the size up.
GUEST_MEMORY=131080 # KiB

guest_memory_xml()
{
	local ram=memory-backend-ram,id=guest.ram,size=${GUEST_MEMORY}K word
	printf '<qemu:commandline>\n'
	for word in -m ${GUEST_MEMORY}k -object "$ram" \
		-machine memory-backend=guest.ram; do
		printf "<qemu:arg value='%s'/>\n" "$word"
	done
	printf '</qemu:commandline>\n'
}

# guest_xml NAME UUID-or-- NIC... - the domain. A NIC whose word starts with
# "later," is only announced to guest-init: it will be plugged in.
guest_xml()
{
	local name=$1 uuid=$2 nic args='' metadata='' interfaces=''
	shift 2
	for nic; do
		args+=" $(nic_word "${nic#later,}")"
		metadata+=$(nic_metadata "${nic#later,}")
		[[ $nic == later,* ]] || interfaces+=$(nic_xml "$nic")
	done
	cat <<END
<domain type='$LAB_ACCEL' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$name</name>
  $([[ $uuid == - ]] || printf '<uuid>%s</uuid>' "$uuid")
  <metadata>
    <l3vm:guest xmlns:l3vm="urn:l3vm:guest:1">$metadata</l3vm:guest>
  </metadata>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$LAB/image/vmlinuz</kernel>
    <initrd>$LAB/image/initrd.gz</initrd>
    <cmdline>console=ttyS0 panic=-1 quiet$args</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    $interfaces
    <serial type='file'>
      <source path='$LAB/console/$name.log' append='on'/>
    </serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
  $(guest_memory_xml)
</domain>
END
}

# guest_define NODE NAME NIC...
guest_define()
{
	local node=$1 name=$2
	shift 2
	[[ -n ${LAB_ACCEL-} ]] || guest_image
	guest_xml "$name" - "$@" >"$LAB/tmp/$name.xml"
	on "$node" virsh -q define "$LAB/tmp/$name.xml"
}

# guest_up NAME [TIMES] - its console has said so that often
guest_up()
{
	(($(grep -c 'guest: up' "$LAB/console/$1.log" 2>/dev/null) >= ${2:-1}))
}

guest_qemu_pid()
{
	cat "$LAB/$1/run/libvirt/qemu/$2.pid"
}
