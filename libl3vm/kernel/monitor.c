/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor.c - the kernel's notifications: hints where to look */
/* syscalls: recvfrom */
#include "kernel/monitor.h"

#include "base/error.h"
#include "kernel/kernel-netlink.h"
#include "model/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for some 20 000 IPv4 route events while we are busy; the default holds
 * 256. It makes an overrun rare; the callback copes with it. */
#define RECEIVE_BUFFER (8 * 1024 * 1024)
#define BUFFER_SIZE    65536
/* Datagrams per call, so that a storm does not starve the main loop. */
#define BATCH	       64

struct L3vmMonitor {
	int fd;
	bool (*decode)(const L3vmMonitor *monitor, struct nlmsghdr *header,
		       L3vmNotification *out); /* false: nothing of interest */
	uint8_t protocol;		       /* of our routes */
	L3vmMonitorCallback callback;
	void *data;
	union {
		char bytes[BUFFER_SIZE];
		struct nlmsghdr alignment;
	} buffer;
};

/*
 * What decode_route() does not know, and unless asked for others' routes: a table of a
 * hundred thousand that never rests would keep us awake. Netlink is in the host's byte
 * order, a filter's loads are in the network's.
 */
static bool filter(const L3vmMonitor *monitor, bool others)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
			 offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWLINK), 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELLINK), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEIGH), 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELADDR), 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELRULE), 2, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, monitor->protocol, 0, !others),
		BPF_STMT(BPF_RET | BPF_K, BUFFER_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { G_N_ELEMENTS(code), code };

	return setsockopt(monitor->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			  sizeof(program)) == 0;
}

bool l3vm_monitor_hear_others(L3vmMonitor *monitor, bool others, GError **error)
{
	return filter(monitor, others) ||
	       l3vm_fail_errno(error, errno, "rtnetlink: filter: %s",
			       g_strerror(errno));
}

static bool set_up(int fd, const int *groups, size_t n, GError **error)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int size = RECEIVE_BUFFER;

	/* forced with CAP_NET_ADMIN, else up to net.core.rmem_max */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return l3vm_fail_errno(error, errno, "netlink: %s", g_strerror(errno));
	for (size_t i = 0; i < n; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			return l3vm_fail_errno(error, errno, "netlink group %d: %s",
					       groups[i], g_strerror(errno));
	return true;
}

static L3vmMonitor *monitor_new(int netlink, L3vmMonitorCallback callback, void *data,
				GError **error)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, netlink);
	L3vmMonitor *monitor;

	if (fd < 0) {
		l3vm_fail_errno(error, errno, "netlink %d: %s", netlink,
				g_strerror(errno));
		return NULL;
	}
	monitor = g_new0(L3vmMonitor, 1);
	monitor->fd = fd;
	monitor->callback = callback;
	monitor->data = data;
	return monitor;
}

void l3vm_monitor_free(L3vmMonitor *monitor)
{
	if (!monitor)
		return;
	close(monitor->fd);
	g_free(monitor);
}

int l3vm_monitor_fd(const L3vmMonitor *monitor)
{
	return monitor->fd;
}

static bool decode_link(struct nlmsghdr *header, L3vmNotification *out)
{
	struct nlattr *name = nlmsg_find_attr(header, sizeof(struct ifinfomsg),
					      IFLA_IFNAME);

	if (nlmsg_datalen(header) < (int)sizeof(struct ifinfomsg) || !name)
		return false;
	out->kind = L3VM_MONITOR_LINK;
	out->ifindex = (unsigned)((struct ifinfomsg *)nlmsg_data(header))->ifi_index;
	nla_strlcpy(out->ifname, name, sizeof(out->ifname));
	return true;
}

/*
 * Of a bridge's forwarding table, or an entry of ours. Others the kernel itself forgets
 * all the time, and not a host's uplinks alone: each tap has some of IPv6's multicast
 * groups.
 */
static bool decode_neighbour(const L3vmMonitor *monitor, struct nlmsghdr *header,
			     L3vmNotification *out)
{
	struct ndmsg *neighbour = nlmsg_data(header);
	struct nlattr *protocol;

	if (nlmsg_datalen(header) < (int)sizeof(*neighbour))
		return false;
	protocol = nlmsg_find_attr(header, sizeof(*neighbour), NDA_PROTOCOL);
	out->ifindex = (unsigned)neighbour->ndm_ifindex;
	return neighbour->ndm_family == AF_BRIDGE ||
	       (protocol && nla_get_u8(protocol) == monitor->protocol);
}

static bool decode_route(const L3vmMonitor *monitor, struct nlmsghdr *header,
			 L3vmNotification *out)
{
	L3vmRouteEntry entry;

	*out = (L3vmNotification){ .kind = L3VM_MONITOR_OTHER };
	switch (header->nlmsg_type) {
	case RTM_DELLINK:
		out->gone = true;
		return decode_link(header, out);
	case RTM_NEWLINK:
		return decode_link(header, out);
	case RTM_DELROUTE:
	case RTM_NEWROUTE:
		if (!l3vm_route_decode(header, &entry))
			return false;
		out->kind = L3VM_MONITOR_ROUTE;
		out->gone = header->nlmsg_type == RTM_DELROUTE;
		out->route = entry.object;
		out->protocol = entry.protocol;
		return true;
	case RTM_DELNEIGH:
		out->gone = true;
		return decode_neighbour(monitor, header, out);
	case RTM_DELADDR:
		out->gone = true;
		if (nlmsg_datalen(header) >= (int)sizeof(struct ifaddrmsg))
			out->ifindex =
				((struct ifaddrmsg *)nlmsg_data(header))->ifa_index;
		return true;
	case RTM_DELRULE:
		out->gone = true;
		return true;
	default:
		return false;
	}
}

L3vmMonitor *l3vm_monitor_new(uint8_t protocol, L3vmMonitorCallback callback,
			      void *data, GError **error)
{
	static const int groups[] = { RTNLGRP_LINK,	   RTNLGRP_NEIGH,
				      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,
				      RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE };
	g_autoptr(L3vmMonitor)
		monitor = monitor_new(NETLINK_ROUTE, callback, data, error);

	if (!monitor)
		return NULL;
	monitor->decode = decode_route;
	monitor->protocol = protocol;
	return l3vm_monitor_hear_others(monitor, false, error) &&
			       set_up(monitor->fd, groups, G_N_ELEMENTS(groups), error)
		       ? g_steal_pointer(&monitor)
		       : NULL;
}

/* Of each kind the first attribute is the table: NFTA_{TABLE_NAME,CHAIN_TABLE,
 * RULE_TABLE,SET_TABLE,SET_ELEM_LIST_TABLE}. */
static bool decode_guard(const L3vmMonitor *monitor, struct nlmsghdr *header,
			 L3vmNotification *out)
{
	struct nlattr *table;

	(void)monitor;
	switch (header->nlmsg_type) {
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELCHAIN:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSET:
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM:
		table = nlmsg_find_attr(header, sizeof(struct nfgenmsg),
					NFTA_TABLE_NAME);
		*out = (L3vmNotification){ .kind = L3VM_MONITOR_GUARD, .gone = true };
		return table && !nla_strcmp(table, L3VM_GUARD_TABLE);
	default:
		return false;
	}
}

L3vmMonitor *l3vm_monitor_new_guard(L3vmMonitorCallback callback, void *data,
				    GError **error)
{
	static const int groups[] = { NFNLGRP_NFTABLES };
	g_autoptr(L3vmMonitor)
		monitor = monitor_new(NETLINK_NETFILTER, callback, data, error);

	if (!monitor)
		return NULL;
	monitor->decode = decode_guard;
	return set_up(monitor->fd, groups, G_N_ELEMENTS(groups), error)
		       ? g_steal_pointer(&monitor)
		       : NULL;
}

static void take_datagram(L3vmMonitor *monitor, int size)
{
	struct nlmsghdr *header = &monitor->buffer.alignment;
	L3vmNotification notification;

	for (; nlmsg_ok(header, size); header = nlmsg_next(header, &size))
		if (monitor->decode(monitor, header, &notification))
			monitor->callback(&notification, monitor->data);
}

void l3vm_monitor_read(L3vmMonitor *monitor)
{
	const L3vmNotification overrun = { .kind = L3VM_MONITOR_OVERRUN };

	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_size = sizeof(from);
		ssize_t size = recvfrom(monitor->fd, monitor->buffer.bytes, BUFFER_SIZE,
					MSG_TRUNC, (struct sockaddr *)&from,
					&from_size);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0 && errno == EAGAIN)
			return;
		/* ENOBUFS comes once, then reading goes on */
		if (size < 0 || size > BUFFER_SIZE)
			monitor->callback(&overrun, monitor->data);
		else if (from.nl_pid == 0)
			take_datagram(monitor, (int)size);
	}
}
