# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# guest-network.sh - the network files of a guest that l3vm routes: functions
#
# A NIC is one word, its MAC and its addresses: 52:54:00:00:00:05,10.0.0.5,2001:db8::5
# Each address is a /32 or /128; the gateways are on-link and the same for every
# guest. The NIC is found by its MAC, whatever the guest calls it. The first NIC has
# the default routes; each further one has a routing table, which its addresses
# are looked up in: the host takes from a NIC only what was routed to it.
#
#	guest_write KIND ROOT NIC...      KIND: ifupdown, networkd or netplan
#
# writes files named l3vm below ROOT/etc, replacing what it wrote before.

gateway4=${gateway4:-169.254.0.1}
gateway6=${gateway6:-fe80::1}
first_table=7600

guest_fail()
{
	echo "l3vm-guest-network: $*" >&2
	exit 1
}

# guest_check NIC - it is a MAC and one address or more, and nothing that a file's
# syntax could mistake for its own
guest_check()
{
	case $1 in
	*[!0-9a-f:.,]*) guest_fail "$1: not MAC,ADDRESS... in lower case" ;;
	[0-9a-f][0-9a-f]:??:??:??:??:??,?*) ;;
	*) guest_fail "$1: not MAC,ADDRESS..." ;;
	esac
	for address in $(guest_addresses "$1"); do
		case $address in
		*:*:*) ;;
		*.*.*.*.*) guest_fail "$address: not an address" ;;
		[0-9]*.*[0-9]*.*[0-9]*.[0-9]*) ;;
		*) guest_fail "$address: not an address" ;;
		esac
	done
}

guest_addresses()
{
	echo "${1#*,}" | tr , ' '
}

# guest_length ADDRESS - with its length; guest_gateway ADDRESS - of its family
guest_length()
{
	case $1 in
	*:*) echo "$1/128" ;;
	*) echo "$1/32" ;;
	esac
}

guest_gateway()
{
	case $1 in
	*:*) echo "$gateway6" ;;
	*) echo "$gateway4" ;;
	esac
}

# guest_families NIC - an address of each that it has, the first
guest_families()
{
	four='' six=''
	for address in $(guest_addresses "$1"); do
		case $address in
		*:*) six=${six:-$address} ;;
		*) four=${four:-$address} ;;
		esac
	done
	echo "$four" "$six"
}

# guest_put FILE - from standard input, whole or not at all
guest_put()
{
	if ! { mkdir -p "${1%/*}" && cat >"$1.new" && mv "$1.new" "$1"; }; then
		guest_fail "$1: cannot be written"
	fi
}

# --- a file for each tool, on standard output --------------------------------

# As "ip" lines of an interface that is up: ifupdown has no words for rules.
guest_ifupdown_table()
{
	table=$1 nic=$2
	for address in $(guest_families "$nic"); do
		family=-4 gateway=$(guest_gateway "$address")
		[ "$gateway" = "$gateway4" ] || family=-6
		echo "	up ip $family route add default via $gateway dev \$IFACE" \
			"onlink table $table"
	done
	for address in $(guest_addresses "$nic"); do
		family=-4
		case $address in *:*) family=-6 ;; esac
		echo "	up ip $family rule add from $address lookup $table"
		echo "	down ip $family rule del from $address lookup $table"
	done
}

guest_ifupdown()
{
	n=0
	for nic; do
		echo "auto mac/${nic%%,*}=l3vm$n"
		for address in $(guest_addresses "$nic"); do
			case $address in
			*:*) echo "iface l3vm$n inet6 static" ;;
			*) echo "iface l3vm$n inet static" ;;
			esac
			echo "	address $(guest_length "$address")"
			case $address in *:*) printf '\taccept_ra 0\n\tautoconf 0\n' ;; esac
			# once a family
			case " $(guest_families "$nic") " in
			*" $address "*) [ "$n" -gt 0 ] ||
				echo "	gateway $(guest_gateway "$address")" ;;
			esac
		done
		[ "$n" -eq 0 ] || guest_ifupdown_table $((first_table + n)) "$nic"
		n=$((n + 1))
	done
}

# guest_networkd TABLE-or-"" NIC - one file for one NIC
guest_networkd()
{
	table=$1 nic=$2
	cat <<-END
		[Match]
		MACAddress=${nic%%,*}

		[Network]
		DHCP=no
		IPv6AcceptRA=no
		LinkLocalAddressing=ipv6
	END
	for address in $(guest_addresses "$nic"); do
		printf '\n[Address]\nAddress=%s\n' "$(guest_length "$address")"
		[ -z "$table" ] || printf '\n[RoutingPolicyRule]\nFrom=%s\nTable=%s\n' \
			"$(guest_length "$address")" "$table"
	done
	for address in $(guest_families "$nic"); do
		printf '\n[Route]\nGateway=%s\nGatewayOnLink=yes\n' \
			"$(guest_gateway "$address")"
		[ -z "$table" ] || echo "Table=$table"
	done
}

guest_netplan()
{
	n=0
	printf 'network:\n  version: 2\n  ethernets:\n'
	for nic; do
		cat <<-END
		    l3vm$n:
		      match: {macaddress: "${nic%%,*}"}
		      dhcp4: false
		      dhcp6: false
		      accept-ra: false
		      addresses:
		END
		for address in $(guest_addresses "$nic"); do
			echo "      - \"$(guest_length "$address")\""
		done
		echo '      routes:'
		for address in $(guest_families "$nic"); do
			to=0.0.0.0/0 table=''
			case $address in *:*) to=::/0 ;; esac
			[ "$n" -eq 0 ] || table=", table: $((first_table + n))"
			echo "      - {to: \"$to\", via: \"$(guest_gateway "$address")\"," \
				"on-link: true$table}"
		done
		[ "$n" -eq 0 ] || echo '      routing-policy:'
		[ "$n" -eq 0 ] || for address in $(guest_addresses "$nic"); do
			echo "      - {from: \"$(guest_length "$address")\"," \
				"table: $((first_table + n))}"
		done
		n=$((n + 1))
	done
}

# --- into a guest's file system ------------------------------------------------

# guest_kind ROOT - what the system there sets its network up with
guest_kind()
{
	if [ -e "$1/usr/sbin/netplan" ]; then
		echo netplan
	elif [ -e "$1/sbin/ifup" ] || [ -e "$1/usr/sbin/ifup" ]; then
		echo ifupdown
	elif [ -e "$1/lib/systemd/systemd-networkd" ] ||
		[ -e "$1/usr/lib/systemd/systemd-networkd" ]; then
		echo networkd
	else
		guest_fail "$1: has neither netplan, nor ifupdown, nor systemd-networkd"
	fi
}

guest_write_ifupdown()
{
	root=$1 main=$1/etc/network/interfaces
	shift
	guest_ifupdown "$@" | guest_put "$root/etc/network/interfaces.d/l3vm"
	grep -qsE '^source(-directory)? +(/etc/network/)?interfaces\.d' "$main" ||
		echo 'source /etc/network/interfaces.d/*' >>"$main" ||
		guest_fail "$main: cannot be written"
}

guest_write_networkd()
{
	root=$1 n=0
	shift
	rm -f "$root"/etc/systemd/network/10-l3vm*.network
	for nic; do
		table=''
		[ "$n" -eq 0 ] || table=$((first_table + n))
		guest_networkd "$table" "$nic" |
			guest_put "$root/etc/systemd/network/10-l3vm$n.network"
		n=$((n + 1))
	done
}

# netplan wants it to be root's alone
guest_write_netplan()
{
	root=$1
	shift
	(umask 077 && guest_netplan "$@" |
		guest_put "$root/etc/netplan/60-l3vm.yaml") || exit 1
}

guest_write()
{
	kind=$1 root=$2
	shift 2
	for nic; do
		guest_check "$nic"
	done
	case $kind in
	ifupdown | networkd | netplan) "guest_write_$kind" "$root" "$@" ;;
	*) guest_fail "$kind: not ifupdown, networkd or netplan" ;;
	esac
}
