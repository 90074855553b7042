/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tun.c - the device that packets are kept with
 *
 * While a guest is between two hosts, routes in the hold table lead its packets
 * into this tun; that table is looked up before main, where the routing daemon
 * installs the new route meanwhile. What is written back is routed anew.
 *
 * The rule is for all that does not come out of the device itself: so a packet can
 * be written back while its address is still diverted.
 *
 * If the agent dies the device goes, its routes with it, and main's serve again.
 *
 * Packets have a virtio_net_hdr in front, because what was on its way to a tap
 * may be a large segment or lack its checksum; the kernel finishes both.
 */
/* syscalls: read write */
#include "agent.h"
#include "base/error.h"
#include "base/log.h"
#include "kernel/sysctl.h"
#include "model/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* More than any tap's, so that nothing is refused as too big here. */
#define TUN_MTU	    65521
/* Packets between our reads. */
#define TUN_QUEUE   10000
/* A whole IP packet and its header. */
#define PACKET_SIZE (65536 + sizeof(struct virtio_net_hdr))

struct Tun {
	Agent *agent;
	int fd;
	guint source;
	unsigned ifindex;
	uint8_t packet[PACKET_SIZE];
};

static bool destination_of(const uint8_t *ip, size_t size, L3vmAddr *out)
{
	if (size >= 20 && ip[0] >> 4 == 4)
		*out = l3vm_addr_from_bytes(AF_INET, ip + 16, 32);
	else if (size >= 40 && ip[0] >> 4 == 6)
		*out = l3vm_addr_from_bytes(AF_INET6, ip + 24, 128);
	else
		return false;
	return true;
}

static void take_packet(Tun *tun, size_t size)
{
	const size_t header = sizeof(struct virtio_net_hdr);
	L3vmAddr destination;

	if (size <= header ||
	    !destination_of(tun->packet + header, size - header, &destination))
		return;
	/* if its hold has ended since it was queued here, it goes where it may now */
	if (!hold_packet(tun->agent, &destination, tun->packet, size))
		tun_write(tun, tun->packet, size);
}

static gboolean packets_came(gint fd, GIOCondition condition, void *data)
{
	Tun *tun = data;
	ssize_t size;

	(void)condition;
	while ((size = read(fd, tun->packet, sizeof(tun->packet))) > 0)
		take_packet(tun, (size_t)size);
	return G_SOURCE_CONTINUE;
}

bool tun_write(Tun *tun, const void *packet, size_t size)
{
	return write(tun->fd, packet, size) == (ssize_t)size;
}

static bool create_device(Tun *tun, GError **error)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };

	g_strlcpy(request.ifr_name, L3VM_HOLD_IFNAME, sizeof(request.ifr_name));
	tun->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun->fd < 0 || ioctl(tun->fd, TUNSETIFF, &request) < 0)
		return l3vm_fail_errno(error, errno, L3VM_HOLD_IFNAME ": %s",
				       g_strerror(errno));
	tun->ifindex = if_nametoindex(L3VM_HOLD_IFNAME);
	return true;
}

static L3vmObject on_tun(const Tun *tun, L3vmObjectKind kind, uint32_t number)
{
	return (L3vmObject){ .kind = kind,
			     .ifindex = tun->ifindex,
			     .ifname = L3VM_HOLD_IFNAME,
			     .number = number };
}

static bool apply(Tun *tun, const L3vmObject *after, GError **error)
{
	L3vmChange change = { .has_after = true, .after = *after };
	L3vmKernel *kernel = tun->agent->host->kernel;

	return kernel->ops->apply(kernel, &change, error);
}

static bool add_rule(Tun *tun, int family, GError **error)
{
	L3vmObject rule = { .kind = L3VM_OBJECT_RULE,
			    .ifname = L3VM_HOLD_IFNAME,
			    .inverted = true,
			    .addr = { .family = (uint8_t)family },
			    .table = L3VM_TABLE_HOLD,
			    .number = L3VM_RULE_HOLD };

	return apply(tun, &rule, error);
}

/* What is written back has any source: no reverse path filter. */
static bool set_up(Tun *tun, GError **error)
{
	L3vmObject mtu = on_tun(tun, L3VM_OBJECT_MTU, TUN_MTU);
	L3vmObject queue = on_tun(tun, L3VM_OBJECT_QUEUE, TUN_QUEUE);
	L3vmObject up = on_tun(tun, L3VM_OBJECT_UP, 1);
	L3vmObject forward = on_tun(tun, L3VM_OBJECT_SYSCTL, 1);
	L3vmObject filter = on_tun(tun, L3VM_OBJECT_SYSCTL, 0);

	forward.key = L3VM_SYSCTL_IP4_FORWARDING;
	filter.key = L3VM_SYSCTL_IP4_RP_FILTER;
	if (!apply(tun, &mtu, error) || !apply(tun, &queue, error) ||
	    !apply(tun, &filter, error) || !apply(tun, &forward, error) ||
	    !apply(tun, &up, error) || !add_rule(tun, AF_INET, error))
		return false;
	return !tun->agent->host->facts.ipv6 || add_rule(tun, AF_INET6, error);
}

Tun *tun_new(Agent *agent, GError **error)
{
	Tun *tun = g_new(Tun, 1);

	tun->agent = agent;
	tun->source = 0;
	if (!create_device(tun, error) || !set_up(tun, error)) {
		tun_free(tun);
		return NULL;
	}
	tun->source = g_unix_fd_add_full(G_PRIORITY_HIGH, tun->fd, G_IO_IN,
					 packets_came, tun, NULL);
	return tun;
}

void tun_free(Tun *tun)
{
	if (!tun)
		return;
	if (tun->source)
		g_source_remove(tun->source);
	if (tun->fd >= 0)
		close(tun->fd);
	g_free(tun);
}

bool tun_route(Tun *tun, const L3vmAddr *addr, uint32_t table, uint32_t metric,
	       bool before, bool after, GError **error)
{
	L3vmObject route = on_tun(tun, L3VM_OBJECT_ROUTE, 0);
	L3vmChange change = { .has_before = before, .has_after = after };
	L3vmKernel *kernel = tun->agent->host->kernel;

	route.addr = *addr;
	route.table = table;
	route.metric = metric;
	change.after = change.before = route;
	return kernel->ops->apply(kernel, &change, error);
}
