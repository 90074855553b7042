/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-frame.c - frames of guests and of the network
 *
 * What follows a message does not change it; an advertisement that is accepted is one
 * that keeps RFC 4861's rules, and what answers a question is accepted as well;
 * evidence of a guest is from its MAC, and no address of somebody else's.
 */
#include "fuzz.h"

#include <agent.h>
#include <frame/arp.h>
#include <frame/checksum.h>
#include <frame/nd.h>
#include <linux/virtio_net.h>
#include <scout.h>
#include <string.h>

#define IP6	14 /* offsets in a frame */
#define ICMP6	54
#define PAYLOAD (ICMP6 + 4)

/* --- what watch-guest.c needs of the agent ------------------------ */

void agent_event(Agent *agent, const L3vmPort *port, L3vmEvent event,
		 const L3vmPort *as_of, const char *evidence, int64_t seen)
{
	(void)agent, (void)port, (void)event, (void)as_of, (void)evidence, (void)seen;
}

void agent_sweep_soon(Agent *agent)
{
	(void)agent;
}

/* -------------------------------------------------------------------- */

static void check_arp(const uint8_t *data, size_t size, const uint8_t *longer)
{
	static const L3vmMac mac = { { 2, 0, 0, 0, 0, 1 } };
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	L3vmArp arp = { 0 }, again = { 0 };

	if (!l3vm_arp_parse(data, size, &arp))
		return;
	g_assert(l3vm_mac_is_unicast(&arp.eth_src));
	g_assert(l3vm_arp_parse(longer, size + 8, &again));
	g_assert(l3vm_mac_equal(&arp.sender_mac, &again.sender_mac) &&
		 l3vm_addr_equal(&arp.sender, &again.sender) && arp.op == again.op);
	l3vm_arp_is_gratuitous(&arp);
	g_assert(l3vm_arp_build_answer(frame, sizeof(frame), &mac, &arp));
	g_assert(l3vm_arp_parse(frame, sizeof(frame), &again) &&
		 l3vm_addr_equal(&again.sender, &arp.target) &&
		 l3vm_mac_equal(&again.eth_dst, &arp.eth_src));
}

/* RFC 4861 7.1.1 and 7.1.2, of the bytes themselves. */
static void check_nd_bytes(const uint8_t *data, uint8_t type)
{
	g_assert(data[IP6 + 6] == 58 && data[IP6 + 7] == 255);
	g_assert(data[ICMP6] == type && data[ICMP6 + 1] == 0);
	g_assert(data[PAYLOAD + 4] != 0xff);
}

static void check_nd(const uint8_t *data, size_t size)
{
	static const L3vmMac mac = { { 2, 0, 0, 0, 0, 1 } };
	uint8_t frame[L3VM_NA_FRAME_SIZE];
	L3vmNa na = { 0 };
	L3vmNs ns = { 0 };

	if (l3vm_na_parse(data, size, &na)) {
		check_nd_bytes(data, 136);
		g_assert(na.target.family == AF_INET6);
	}
	if (l3vm_ns_parse(data, size, &ns)) {
		check_nd_bytes(data, 135);
		g_assert(l3vm_na_build_answer(frame, sizeof(frame), &mac, &ns));
		g_assert(l3vm_na_parse(frame, sizeof(frame), &na) &&
			 l3vm_addr_equal(&na.target, &ns.target) && na.has_mac);
	}
}

/* The same with a checksum that is right, which none finds by trying. */
static void check_nd_with_checksum(uint8_t *copy, size_t size)
{
	size_t length;
	uint16_t sum;

	if (size < PAYLOAD)
		return;
	length = (size_t)copy[IP6 + 4] << 8 | copy[IP6 + 5];
	if (length > size - ICMP6)
		return;
	memset(copy + ICMP6 + 2, 0, 2);
	sum = l3vm_checksum_ipv6(copy + IP6 + 8, copy + IP6 + 24, 58, copy + ICMP6,
				 length);
	copy[ICMP6 + 2] = (uint8_t)(sum >> 8);
	copy[ICMP6 + 3] = (uint8_t)sum;
	check_nd(copy, size);
}

static void check_evidence(const uint8_t *data, size_t size)
{
	static const uint8_t own4[] = { 10, 0, 0, 5 };
	g_autoptr(L3vmPort) port = l3vm_port_new("vm1", NULL, NULL);
	const L3vmAddr own = l3vm_addr_from_bytes(AF_INET, own4, 32);
	const char *what;

	g_array_append_val(port->addresses, own);
	port->mac = (L3vmMac){ { 0x52, 0x54, 0, 0, 0, 5 } };
	what = evidence_in(port, data, size);
	if (!what)
		return;
	g_assert(size >= 14 && !memcmp(data + 6, &port->mac, 6));
	/* IPv4 from an address that a guest can have is from its own */
	if (data[12] == 8 && data[13] == 0) {
		L3vmAddr from = l3vm_addr_from_bytes(AF_INET, data + 26, 32);

		g_assert(l3vm_addr_equal(&from, &own) ||
			 !l3vm_addr_is_assignable(&from, NULL));
	}
	/* a machine without the guest does not know its MAC */
	port->mac.bytes[5] ^= 1;
	g_assert(!evidence_in(port, data, size));
}

/* What the hold's tun reads has an IP header, and a whole one. */
static void check_scout(const uint8_t *data, size_t size)
{
	size_t vnet = sizeof(struct virtio_net_hdr);
	g_autoptr(Scout) scout = NULL;

	if (size < vnet + 40)
		return;
	scout = scout_new(data, size);
	/* it has as many hops as it had: another one of the same contents */
	g_assert(!scout_is(scout, data, size));
	for (size_t cut = 0; cut < size; cut += 7)
		scout_is(scout, data, cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *longer = g_malloc0(size + 8);
	g_autofree uint8_t *copy = g_memdup2(data, size);

	if (size)
		memcpy(longer, data, size);
	check_arp(data, size, longer);
	check_nd(data, size);
	check_nd_with_checksum(copy, size);
	check_evidence(data, size);
	check_scout(data, size);
	return 0;
}
