/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysctl.c - per-interface settings: their netlink attribute or their file */
/* syscalls: close openat read write */
#include "kernel/sysctl.h"

#include "kernel/nl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* IPV4_DEVCONF_* count from 1, the attribute's array from 0; DEVCONF_* from 0
 * both times. */
static const int conf_index[L3VM_SYSCTL_COUNT] = {
	[L3VM_SYSCTL_IP4_FORWARDING] = IPV4_DEVCONF_FORWARDING - 1,
	[L3VM_SYSCTL_IP4_PROXY_ARP] = IPV4_DEVCONF_PROXY_ARP - 1,
	[L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN] = IPV4_DEVCONF_PROXY_ARP_PVLAN - 1,
	[L3VM_SYSCTL_IP4_RP_FILTER] = IPV4_DEVCONF_RP_FILTER - 1,
	[L3VM_SYSCTL_IP4_SEND_REDIRECTS] = IPV4_DEVCONF_SEND_REDIRECTS - 1,
	[L3VM_SYSCTL_IP4_ACCEPT_REDIRECTS] = IPV4_DEVCONF_ACCEPT_REDIRECTS - 1,
	[L3VM_SYSCTL_IP4_ARP_IGNORE] = IPV4_DEVCONF_ARP_IGNORE - 1,
	[L3VM_SYSCTL_IP4_ARP_ANNOUNCE] = IPV4_DEVCONF_ARP_ANNOUNCE - 1,
	[L3VM_SYSCTL_IP4_PROXY_DELAY] = -1,
	[L3VM_SYSCTL_IP6_DISABLE] = DEVCONF_DISABLE_IPV6,
	[L3VM_SYSCTL_IP6_ADDR_GEN_MODE] = DEVCONF_ADDR_GEN_MODE,
	[L3VM_SYSCTL_IP6_ACCEPT_RA] = DEVCONF_ACCEPT_RA,
	[L3VM_SYSCTL_IP6_ACCEPT_REDIRECTS] = DEVCONF_ACCEPT_REDIRECTS,
	[L3VM_SYSCTL_IP6_ACCEPT_DAD] = DEVCONF_ACCEPT_DAD,
	[L3VM_SYSCTL_IP6_FORWARDING] = DEVCONF_FORWARDING,
};

int l3vm_sysctl_conf_index(L3vmSysctl key)
{
	return conf_index[key];
}

bool l3vm_sysctl_by_netlink(L3vmSysctl key)
{
	return key == L3VM_SYSCTL_IP6_ADDR_GEN_MODE ||
	       (l3vm_sysctl_family(key) == AF_INET && conf_index[key] >= 0);
}

static int open_sysctl(L3vmSysctl key, const char *ifname, int flags, int *fd)
{
	g_autofree char *below = l3vm_sysctl_path(key, ifname);
	g_autofree char *path = g_strconcat("/proc/sys/", below, NULL);

	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? errno : 0;
}

int l3vm_sysctl_read(L3vmSysctl key, const char *ifname, uint32_t *value)
{
	char text[16] = "";
	int fd, result = open_sysctl(key, ifname, O_RDONLY, &fd);

	if (result)
		return result;
	if (read(fd, text, sizeof(text) - 1) < 0)
		result = errno;
	else
		*value = (uint32_t)strtol(text, NULL, 10);
	close(fd);
	return result;
}

int l3vm_sysctl_write(L3vmSysctl key, const char *ifname, unsigned ifindex,
		      uint32_t value, const struct L3vmNl *nl)
{
	char text[16];
	int size = g_snprintf(text, sizeof(text), "%u", value);
	int fd, result = open_sysctl(key, ifname, O_WRONLY, &fd);

	if (result)
		return result == ENOENT ? ENODEV : result;
	/* the descriptor is bound to an interface now: is it the one meant? */
	if (l3vm_nl_ifindex(nl, ifname) != ifindex)
		result = ENODEV;
	else if (write(fd, text, (size_t)size) != size)
		result = errno;
	close(fd);
	return result;
}
