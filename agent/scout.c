/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* scout.c - one packet that is sent ahead, and known again if it comes back */
#include "scout.h"

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define VNET sizeof(struct virtio_net_hdr)

/* Offsets in an IP header (RFC 791, RFC 8200). */
#define IP4_LENGTH   2
#define IP4_ID	     4
#define IP4_TTL	     8
#define IP4_PROTOCOL 9
#define IP4_CHECKSUM 10
#define IP4_SIZE     20
#define IP6_LENGTH   4
#define IP6_NEXT     6
#define IP6_HOPS     7
#define IP6_SIZE     40
/* What all pieces of a large segment, or the first, share: the ports, and TCP's
 * sequence number. */
#define PORTS_SIZE   4
#define TCP_BEGIN    8

struct Scout {
	size_t checksum; /* offset of the transport's, if it was still to be put in */
	bool large;	 /* a segment that an interface may cut */
	uint8_t hops;
	size_t size;
	uint8_t ip[]; /* without what changes on the way */
};

static bool is_ip4(const uint8_t *ip)
{
	return ip[0] >> 4 == 4;
}

static size_t header_size(const uint8_t *ip)
{
	return is_ip4(ip) ? (size_t)(ip[0] & 15) * 4 : IP6_SIZE;
}

/* As far as the first piece of a large segment is equal to it. */
static size_t common_size(const uint8_t *ip)
{
	bool tcp = ip[is_ip4(ip) ? IP4_PROTOCOL : IP6_NEXT] == IPPROTO_TCP;

	return header_size(ip) + (tcp ? TCP_BEGIN : PORTS_SIZE);
}

static uint8_t hops_of(const uint8_t *ip)
{
	return ip[is_ip4(ip) ? IP4_TTL : IP6_HOPS];
}

static void blank(uint8_t *ip, size_t size, size_t at, size_t n)
{
	if (at + n <= size)
		memset(ip + at, 0, n);
}

/* Takes out what a router or an interface changes. */
static void normalise(const Scout *scout, uint8_t *ip, size_t size)
{
	if (scout->checksum)
		blank(ip, size, scout->checksum, 2);
	if (scout->large && is_ip4(ip))
		blank(ip, size, IP4_ID, 2);
	if (scout->large)
		blank(ip, size, is_ip4(ip) ? IP4_LENGTH : IP6_LENGTH, 2);
	if (is_ip4(ip)) {
		blank(ip, size, IP4_TTL, 1);
		blank(ip, size, IP4_CHECKSUM, 2);
	} else {
		blank(ip, size, IP6_HOPS, 1);
	}
}

Scout *scout_new(const void *packet, size_t size)
{
	struct virtio_net_hdr header;
	Scout *scout = g_malloc0(sizeof(*scout) + size - VNET);

	memcpy(&header, packet, VNET);
	scout->size = size - VNET;
	memcpy(scout->ip, (const uint8_t *)packet + VNET, scout->size);
	scout->hops = hops_of(scout->ip);
	scout->large = header.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		scout->checksum = (size_t)header.csum_start + header.csum_offset;
	normalise(scout, scout->ip, scout->size);
	return scout;
}

void scout_free(Scout *scout)
{
	g_free(scout);
}

bool scout_is(const Scout *scout, const void *packet, size_t size)
{
	const uint8_t *ip;
	size_t n;
	g_autofree uint8_t *copy = NULL;

	if (size < VNET + IP4_SIZE)
		return false;
	ip = (const uint8_t *)packet + VNET;
	n = size - VNET;
	if ((!is_ip4(ip) && n < IP6_SIZE) || ip[0] != scout->ip[0] ||
	    hops_of(ip) >= scout->hops)
		return false;
	if (scout->large)
		n = MIN(n, common_size(ip));
	if (n > scout->size || (!scout->large && n != scout->size))
		return false;
	copy = g_memdup2(ip, n);
	normalise(scout, copy, n);
	return !memcmp(copy, scout->ip, n);
}
