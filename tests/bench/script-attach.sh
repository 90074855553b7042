#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# script-attach.sh - an attach as a site would script it
#
#	script-attach.sh IFNAME MAC ADDRESS4 ADDRESS6
#
# The settings are written by the shell itself: sysctl(8) for each would take
# twice as long, and this is to be the better of the usual scripts.
set -eu

tap=$1 mac=$2 address4=$3 address6=$4
conf4=/proc/sys/net/ipv4/conf/$tap
conf6=/proc/sys/net/ipv6/conf/$tap

ip link set dev "$tap" address 02:6c:33:76:6d:01
echo 1 >"$conf4/rp_filter"
echo 0 >"$conf4/send_redirects"
echo 0 >"$conf4/accept_redirects"
echo 1 >"$conf4/arp_ignore"
echo 2 >"$conf4/arp_announce"
echo 1 >"$conf6/addr_gen_mode"
echo 0 >"$conf6/accept_ra"
echo 0 >"$conf6/accept_redirects"
echo 0 >"$conf6/accept_dad"
ip addr add 169.254.0.1/32 dev "$tap" scope link
ip addr add fe80::1/64 dev "$tap" scope link nodad
ip link set dev "$tap" up
ip neigh replace "$address4" lladdr "$mac" dev "$tap" nud permanent protocol 76
ip neigh replace "$address6" lladdr "$mac" dev "$tap" nud permanent protocol 76
ip route add "$address4/32" dev "$tap" metric 5 proto 76 scope link
ip -6 route add "$address6/128" dev "$tap" metric 5 proto 76
