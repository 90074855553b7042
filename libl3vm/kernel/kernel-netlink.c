/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink.c - the kernel of this network namespace, by rtnetlink
 *
 * Only libnl's message layer is used. Its object caches assume that a dump is
 * complete and that nobody else writes; neither holds here. The parts:
 *   nl.c                     a request and its answer
 *   kernel-netlink-link.c    interfaces
 *   kernel-netlink-observe.c what there is
 *   kernel-netlink-route.c   routes, both ways
 *   kernel-netlink-apply.c   one change
 *   kernel-netlink-settings.c  settings of one interface in one request
 *   kernel-netlink-guard.c   the guard's rules and entries
 *   nft.c                    elements of its sets, as messages
 *   sysctl.c                 settings that have no netlink attribute
 */
/* syscalls: access */
#include "kernel/kernel-netlink.h"

#include <unistd.h>

static void netlink_free(L3vmKernel *kernel)
{
	L3vmNetlink *netlink = (L3vmNetlink *)kernel;

	l3vm_nl_close(netlink->nl);
	l3vm_nl_close(netlink->nft);
	g_free(netlink);
}

static bool netlink_has_ipv6(L3vmKernel *kernel)
{
	(void)kernel;
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

static const L3vmKernelOps netlink_ops = {
	.name = "netlink",
	.free = netlink_free,
	.find_link = l3vm_netlink_find_link,
	.observe = l3vm_netlink_observe,
	.apply = l3vm_netlink_apply,
	.apply_joined = l3vm_netlink_apply_joined,
	.is_local = l3vm_netlink_is_local,
	.is_hidden = l3vm_netlink_is_hidden,
	.find_others = l3vm_netlink_find_others,
	.find_bridge_port = l3vm_netlink_find_bridge_port,
	.taken = l3vm_netlink_taken,
	.guard_dropped = l3vm_netlink_guard_dropped,
	.has_guard = l3vm_netlink_has_guard,
	.has_ipv6 = netlink_has_ipv6,
};

L3vmKernel *l3vm_kernel_netlink_new(uint8_t protocol, GError **error)
{
	L3vmNetlink *netlink;
	L3vmNl *nl = l3vm_nl_open(NETLINK_ROUTE, error);

	if (!nl)
		return NULL;
	netlink = g_new0(L3vmNetlink, 1);
	netlink->kernel = (L3vmKernel){ .ops = &netlink_ops, .protocol = protocol };
	netlink->nl = nl;
	return &netlink->kernel;
}
