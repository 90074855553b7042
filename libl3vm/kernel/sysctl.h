/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysctl.h - per-interface settings: their netlink attribute or their file
 *
 * IPv4's can be set by interface index (IFLA_INET_CONF, net/ipv4/devinet.c), of
 * IPv6's the address generation mode; all others and the neighbour table's only
 * through a file that is named after the interface. There the name is checked to
 * still mean the same interface once the file is open, so that a tap that was
 * deleted and made anew under its name is never written to.
 */
#ifndef L3VM_KERNEL_SYSCTL_H
#define L3VM_KERNEL_SYSCTL_H

#include "model/object.h"

#include <stdint.h>

/* Index of @key in the kernel's IFLA_INET_CONF or IFLA_INET6_CONF array; -1:
 * not in it. */
int l3vm_sysctl_conf_index(L3vmSysctl key);
/* True if RTM_SETLINK sets it (IFLA_AF_SPEC). */
bool l3vm_sysctl_by_netlink(L3vmSysctl key);

struct L3vmNl;

/* Return 0 or a positive errno; ENODEV: the name is another interface's now,
 * which is asked through @nl. */
int l3vm_sysctl_read(L3vmSysctl key, const char *ifname, uint32_t *value);
int l3vm_sysctl_write(L3vmSysctl key, const char *ifname, unsigned ifindex,
		      uint32_t value, const struct L3vmNl *nl);

#endif
