/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor.c - the kernel's notifications: hints where to look */
/* syscalls: recvfrom */
#include "kernel/monitor.h"

#include "base/error.h"
#include "kernel/kernel-netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
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
	L3vmMonitorCallback callback;
	void *data;
	union {
		char bytes[BUFFER_SIZE];
		struct nlmsghdr alignment;
	} buffer;
};

static bool set_up(int fd, GError **error)
{
	static const int groups[] = { RTNLGRP_LINK,	   RTNLGRP_NEIGH,
				      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,
				      RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int size = RECEIVE_BUFFER;

	/* forced with CAP_NET_ADMIN, else up to net.core.rmem_max */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return l3vm_fail_errno(error, errno, "rtnetlink: %s",
				       g_strerror(errno));
	for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			return l3vm_fail_errno(error, errno, "rtnetlink group %d: %s",
					       groups[i], g_strerror(errno));
	return true;
}

L3vmMonitor *l3vm_monitor_new(L3vmMonitorCallback callback, void *data, GError **error)
{
	L3vmMonitor *monitor = g_new(L3vmMonitor, 1);

	monitor->callback = callback;
	monitor->data = data;
	monitor->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			     NETLINK_ROUTE);
	if (monitor->fd < 0)
		l3vm_fail_errno(error, errno, "rtnetlink: %s", g_strerror(errno));
	else if (set_up(monitor->fd, error))
		return monitor;
	l3vm_monitor_free(monitor);
	return NULL;
}

void l3vm_monitor_free(L3vmMonitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->fd >= 0)
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

/* False: nothing of interest. */
static bool decode(struct nlmsghdr *header, L3vmNotification *out)
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
		if (nlmsg_datalen(header) >= (int)sizeof(struct ndmsg))
			out->ifindex = (unsigned)((struct ndmsg *)nlmsg_data(header))
					       ->ndm_ifindex;
		return true;
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

static void take_datagram(L3vmMonitor *monitor, int size)
{
	struct nlmsghdr *header = &monitor->buffer.alignment;
	L3vmNotification notification;

	for (; nlmsg_ok(header, size); header = nlmsg_next(header, &size))
		if (decode(header, &notification))
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
