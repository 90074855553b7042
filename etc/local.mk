# SPDX-License-Identifier: LGPL-2.1-or-later
# etc/local.mk - what other programs of the host should know
protosdir = $(sysconfdir)/iproute2/rt_protos.d
dist_protos_DATA = %D%/rt_protos.d/l3vm.conf

# An example only: a host's sysctls are the site's business.
sysctldir = $(docdir)/sysctl.d
dist_sysctl_DATA = %D%/sysctl.d/l3vm.conf
