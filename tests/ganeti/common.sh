# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# common.sh - a Ganeti cluster of two nodes, hv1 (its master) and hv2, in a lab
#
# Each node has noded, sshd, BIRD and l3vm of its own; hv1 has the master's daemons
# as well. Instances have no disks and boot the lab's kernel (examples/lib).
# shellcheck disable=SC2034 # common.sh of the lab tier reads it
LAB_TOOLS=(gnt-cluster sshd qemu-system-x86_64 bird busybox cpio ping)
. "${L3VM_SRC:?}/tests/lab/common.sh"

CLUSTER=cluster.lab.example CLUSTER_IP=192.0.2.129

# ganeti NODE COMMAND... - there, with nothing of our environment
ganeti()
{
	on "$1" env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "${@:2}"
}

gnt()
{
	ganeti hv1 "gnt-$1" "${@:2}"
}

# One key for root and one for the hosts, as Ganeti would distribute them.
keys_make()
{
	mkdir "$LAB/keys"
	ssh-keygen -q -t rsa -b 2048 -N '' -f "$LAB/keys/id_rsa"
	ssh-keygen -q -t rsa -b 2048 -N '' -f "$LAB/keys/host_rsa"
}

# node_ganeti NODE - directories and sshd of a node to be
node_ganeti()
{
	local dir=$LAB/$1
	mkdir -p "$dir/root/.ssh" "$dir/log/ganeti" "$dir/run/sshd" "$dir/run/lock"
	chmod 700 "$dir/root/.ssh"
	cp "$LAB"/keys/id_rsa* "$dir/root/.ssh/"
	cp "$LAB/keys/id_rsa.pub" "$dir/root/.ssh/authorized_keys"
	on "$1" mount --bind "$dir/root" /root
	cp "$LAB/keys/host_rsa" "$dir/etc/ssh/ssh_host_rsa_key"
	cp "$LAB/keys/host_rsa.pub" "$dir/etc/ssh/ssh_host_rsa_key.pub"
	cat >"$dir/etc/ssh/sshd_config" <<-'END'
		HostKey /etc/ssh/ssh_host_rsa_key
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		UsePAM no
		StrictModes no
	END
	echo "$CLUSTER_IP $CLUSTER" >>"$dir/etc/hosts"
	rm -rf "$dir/etc/ganeti/hooks" "$dir/etc/ganeti/kvm-vif-bridge"
	on_start "$1" sshd.log /usr/sbin/sshd -D -e
	wait_until 10 on "$1" bash -c ': </dev/tcp/127.0.0.1/22'
}

# ganeti_conf NODE - like l3vm_conf, with a short hold-time and a tenant's table
ganeti_conf()
{
	l3vm_conf "$1"
	sed -i '1i [l3vm]\nhold-time = 2s\n' "$LAB/$1/etc/l3vm/l3vm.conf"
}

# cluster_up - both nodes, and the cluster; l3vm is not part of it yet. (QEMU knows the
# option with two dashes as well; after one, Ganeti would read its value as a number.)
cluster_up()
{
	fabric_up hv1 hv2
	move_routes
	on tor ip route add $CLUSTER_IP via 192.0.2.2
	on hv2 ip route add $CLUSTER_IP via 192.0.2.5
	guest_image
	keys_make
	for node in hv1 hv2; do
		node_ganeti $node
		ganeti_conf $node
	done
	for node in tor hv1 hv2; do
		daemon_up $node bird
	done
	ganeti hv1 gnt-cluster init --no-ssh-init --no-etc-hosts \
		--enabled-hypervisors=kvm --enabled-disk-templates=diskless \
		--master-netdev=up0 --master-netmask=32 --mac-prefix=aa:00:00 \
		--nic-parameters=mode=routed,link= --primary-ip-version=4 \
		--hypervisor-parameters="kvm:kvm_path=/usr/bin/qemu-system-x86_64,\
kvm_flag=$([[ $LAB_ACCEL == kvm ]] && echo enabled || echo disabled),\
kernel_path=$LAB/image/vmlinuz,initrd_path=$LAB/image/initrd.gz,root_path=none,\
vnc_bind_address=,vhost_net=False,migration_mode=live,migration_downtime=300,\
migration_bandwidth=1000,kvm_extra=--m ${GUEST_MEMORY}k" \
		--backend-parameters=maxmem=128M,minmem=128M,vcpus=1 $CLUSTER
	ganeti hv1 gnt-node add --no-ssh-key-check hv2.lab.example
}

# ganeti_link NODE... - as `make install-ganeti` does it
ganeti_link()
{
	local node
	for node; do
		DESTDIR=$LAB/$node sh "$L3VM_SRC/ganeti/link-ganeti.sh" install \
			/etc/ganeti /usr/sbin "$L3VM_BUILD/ganeti" >/dev/null
	done
}

# instance_add NAME NIC OPTION... - on hv1, not started. NIC is a word as for
# guest_define; its first IPv4 address is Ganeti's, the others become tags.
instance_add()
{
	local name=$1 nic=$2 address ip='' tags=''
	shift 2
	for address in $(nic_get "$nic" address); do
		if [[ -z $ip && $address != *:* ]]; then
			ip=$address
		else
			tags+=,l3vm:ip:$address
		fi
	done
	for address in $(nic_get "$nic" prefix); do
		tags+=,l3vm:route:$address
	done
	# commas would end the parameter
	gnt instance add -t diskless -o noop --no-name-check --no-ip-check \
		--no-install --no-start --ignore-ipolicy -n hv1.lab.example \
		--net "0:mac=$(nic_get "$nic" mac),ip=$ip,$(nic_get1 "$nic" ganeti \
		mode=routed | tr / ,)" ${tags:+--tags "${tags#,}"} \
		-H "kvm:kernel_args=quiet $(nic_word "$nic" | sed 's/,/\\,/g')" \
		"$@" "$name.lab.example"
}

# where INSTANCE - hv1 or hv2
where()
{
	gnt instance list --no-headers -o pnode "$1.lab.example" | sed 's/\..*//;s/ *//'
}

tap_of()
{
	cat "$LAB/$1/run/ganeti/kvm-hypervisor/nic/$2.lab.example/${3:-0}"
}
