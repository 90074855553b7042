/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nd.c - neighbour advertisements
 *
 * The parser does all of RFC 4861 7.1.2 itself: a packet socket delivers frames
 * that the kernel's own neighbour discovery would have dropped.
 */
#include "frame/nd.h"

#include "frame/checksum.h"
#include "frame/cursor.h"

#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <string.h>

#define MAC_BYTES     6
#define IPV6_BYTES    16
#define ETHERNET_SIZE 14
#define IPV6_SIZE     40
#define NA_SIZE	      24  /* without options */
#define HOP_LIMIT     255 /* RFC 4861 7.1.2: proves that no router forwarded it */

/* Flags of RFC 4861 4.4, in host byte order (icmp6.h has them in network order) */
#define NA_ROUTER    0x80000000u
#define NA_SOLICITED 0x40000000u
#define NA_OVERRIDE  0x20000000u

/* ff02::1 and the MAC that RFC 2464 7 maps it to */
static const uint8_t all_nodes[IPV6_BYTES] = { 0xff, 0x02, [15] = 0x01 };
static const uint8_t all_nodes_mac[MAC_BYTES] = { 0x33, 0x33, 0, 0, 0, 1 };

_Static_assert(L3VM_NA_FRAME_SIZE == ETHERNET_SIZE + IPV6_SIZE + NA_SIZE + 8,
	       "a neighbour advertisement with one link-layer address option");
_Static_assert(sizeof(struct nd_neighbor_advert) == NA_SIZE, "RFC 4861 4.4");

/* --- build -------------------------------------------------------------- */

/* Whom an advertisement is for. */
typedef struct Receiver {
	const uint8_t *mac, *addr;
} Receiver;

/* RFC 2464 2 and 3: EtherType 86dd; RFC 8200 3: the fixed header. */
static void write_headers(L3vmWriter *writer, const L3vmMac *mac, const uint8_t *source,
			  const Receiver *to, uint16_t payload)
{
	l3vm_write_bytes(writer, to->mac, MAC_BYTES);
	l3vm_write_bytes(writer, mac->bytes, MAC_BYTES);
	l3vm_write_u16(writer, ETHERTYPE_IPV6);
	l3vm_write_u32(writer, 6u << 28); /* version; no traffic class, no flow */
	l3vm_write_u16(writer, payload);
	l3vm_write_u8(writer, IPPROTO_ICMPV6);
	l3vm_write_u8(writer, HOP_LIMIT);
	l3vm_write_bytes(writer, source, IPV6_BYTES);
	l3vm_write_bytes(writer, to->addr, IPV6_BYTES);
}

static void write_advertisement(L3vmWriter *writer, const L3vmMac *mac,
				const uint8_t *target, uint32_t flags,
				uint16_t checksum)
{
	l3vm_write_u8(writer, ND_NEIGHBOR_ADVERT);
	l3vm_write_u8(writer, 0);
	l3vm_write_u16(writer, checksum);
	l3vm_write_u32(writer, flags);
	l3vm_write_bytes(writer, target, IPV6_BYTES);
	l3vm_write_u8(writer, ND_OPT_TARGET_LINKADDR);
	l3vm_write_u8(writer, 1); /* in units of eight bytes */
	l3vm_write_bytes(writer, mac->bytes, MAC_BYTES);
}

static size_t build(void *frame, size_t size, const L3vmMac *mac,
		    const L3vmAddr *address, const Receiver *to, uint32_t flags)
{
	L3vmWriter writer = l3vm_writer(frame, size);
	uint8_t packet[NA_SIZE + 8];
	L3vmWriter inner = l3vm_writer(packet, sizeof(packet));
	uint16_t checksum;

	if (address->family != AF_INET6)
		return 0;
	/* Once with a checksum of zero to sum it up, once for the frame. */
	write_advertisement(&inner, mac, address->bytes, flags, 0);
	checksum = l3vm_checksum_ipv6(address->bytes, to->addr, IPPROTO_ICMPV6, packet,
				      sizeof(packet));
	write_headers(&writer, mac, address->bytes, to, sizeof(packet));
	write_advertisement(&writer, mac, address->bytes, flags, checksum);
	return writer.bad ? 0 : l3vm_writer_size(&writer);
}

size_t l3vm_na_build_unsolicited(void *frame, size_t size, const L3vmMac *mac,
				 const L3vmAddr *address, bool router)
{
	const Receiver everybody = { all_nodes_mac, all_nodes };

	return build(frame, size, mac, address, &everybody,
		     NA_OVERRIDE | (router ? NA_ROUTER : 0));
}

static bool is_unspecified(const L3vmAddr *address)
{
	static const uint8_t zero[IPV6_BYTES];

	return !memcmp(address->bytes, zero, IPV6_BYTES);
}

size_t l3vm_na_build_answer(void *frame, size_t size, const L3vmMac *mac,
			    const L3vmNs *ns)
{
	const Receiver everybody = { all_nodes_mac, all_nodes };
	const Receiver one = { ns->eth_src.bytes, ns->source.bytes };
	bool nameless = is_unspecified(&ns->source);

	return build(frame, size, mac, &ns->target, nameless ? &everybody : &one,
		     NA_OVERRIDE | (nameless ? 0 : NA_SOLICITED));
}

/* --- parse -------------------------------------------------------------- */

static L3vmAddr read_ipv6(L3vmReader *reader)
{
	uint8_t bytes[IPV6_BYTES];

	l3vm_read_bytes(reader, bytes, IPV6_BYTES);
	return l3vm_addr_from_bytes(AF_INET6, bytes, 128);
}

static bool is_multicast(const L3vmAddr *address)
{
	return address->bytes[0] == 0xff; /* RFC 4291 2.7 */
}

typedef struct Packet {
	L3vmMac eth_src, eth_dst;
	L3vmAddr source, destination;
} Packet;

/*
 * Ethernet and IPv6 headers. *@payload is left covering the ICMPv6 message,
 * without what an Ethernet driver padded behind it. Next header ICMPv6 here means
 * that no extension header and no fragment came before (RFC 6980 5).
 */
static bool read_headers(L3vmReader *reader, Packet *packet, L3vmReader *payload)
{
	uint16_t ethertype, length;
	uint32_t version;
	uint8_t next_header, hop_limit;

	l3vm_read_bytes(reader, packet->eth_dst.bytes, MAC_BYTES);
	l3vm_read_bytes(reader, packet->eth_src.bytes, MAC_BYTES);
	ethertype = l3vm_read_u16(reader);
	version = l3vm_read_u32(reader) >> 28;
	length = l3vm_read_u16(reader);
	next_header = l3vm_read_u8(reader);
	hop_limit = l3vm_read_u8(reader);
	packet->source = read_ipv6(reader);
	packet->destination = read_ipv6(reader);
	if (ethertype != ETHERTYPE_IPV6 || version != 6 ||
	    next_header != IPPROTO_ICMPV6 || hop_limit != HOP_LIMIT)
		return false;
	if (reader->bad || length > l3vm_reader_left(reader))
		return false;
	*payload = l3vm_reader(reader->at, length);
	return l3vm_mac_is_unicast(&packet->eth_src) && !is_multicast(&packet->source);
}

/* IPv6 has no checksum of its own: this one also covers both addresses. */
static bool checksum_is_right(const Packet *packet, const L3vmReader *payload)
{
	/* With its own field in the sum a correct packet gives zero (RFC 1071 1). */
	return l3vm_checksum_ipv6(packet->source.bytes, packet->destination.bytes,
				  IPPROTO_ICMPV6, payload->at,
				  l3vm_reader_left(payload)) == 0;
}

/* RFC 4861 4.4 and the last points of 7.1.2. */
static bool read_advertisement(L3vmReader *payload, L3vmNa *na)
{
	uint8_t type = l3vm_read_u8(payload);
	uint8_t code = l3vm_read_u8(payload);
	uint32_t flags;

	l3vm_read_skip(payload, 2); /* the checksum, verified before */
	flags = l3vm_read_u32(payload);
	na->target = read_ipv6(payload);
	na->router = flags & NA_ROUTER;
	na->solicited = flags & NA_SOLICITED;
	na->override = flags & NA_OVERRIDE;
	return !payload->bad && type == ND_NEIGHBOR_ADVERT && code == 0 &&
	       !is_multicast(&na->target) &&
	       !(na->solicited && is_multicast(&na->destination));
}

/*
 * One option. Unknown ones are skipped (RFC 4861 4.4). Of two link-layer
 * addresses the first counts, as in net/ipv6/ndisc.c:ndisc_parse_options(), so
 * that we believe what the kernel would; one of another size than Ethernet's is
 * an invalid packet there, and so it is here.
 */
static bool read_option(L3vmReader *payload, L3vmNa *na)
{
	uint8_t type = l3vm_read_u8(payload);
	size_t rest = l3vm_read_u8(payload) * (size_t)8;

	if (payload->bad || rest == 0)
		return false;
	rest -= 2;
	if (type != ND_OPT_TARGET_LINKADDR || na->has_mac) {
		l3vm_read_skip(payload, rest);
		return !payload->bad;
	}
	l3vm_read_bytes(payload, na->mac.bytes, MAC_BYTES);
	na->has_mac = rest == MAC_BYTES && !payload->bad;
	return na->has_mac;
}

/* The checksum comes first: nothing is believed of a packet that was damaged. */
bool l3vm_na_parse(const void *frame, size_t size, L3vmNa *out)
{
	L3vmReader reader = l3vm_reader(frame, size), payload;
	Packet packet;
	L3vmNa na = { 0 };

	if (!read_headers(&reader, &packet, &payload) ||
	    !checksum_is_right(&packet, &payload))
		return false;
	na = (L3vmNa){ .eth_src = packet.eth_src,
		       .eth_dst = packet.eth_dst,
		       .source = packet.source,
		       .destination = packet.destination };
	if (!read_advertisement(&payload, &na))
		return false;
	while (l3vm_reader_left(&payload) > 0)
		if (!read_option(&payload, &na))
			return false;
	*out = na;
	return true;
}

/* Whoever has no address yet asks the solicited-node group and says nothing of its
 * link-layer address (RFC 4861 7.1.1). */
static bool is_probe(const L3vmNs *ns)
{
	static const uint8_t group[13] = { 0xff, 0x02, [11] = 0x01, [12] = 0xff };

	return is_unspecified(&ns->source) &&
	       !memcmp(ns->destination.bytes, group, sizeof(group));
}

bool l3vm_ns_parse(const void *frame, size_t size, L3vmNs *out)
{
	L3vmReader reader = l3vm_reader(frame, size), payload;
	uint8_t type, code, option;
	Packet packet;
	L3vmNs ns;

	if (!read_headers(&reader, &packet, &payload) ||
	    !checksum_is_right(&packet, &payload))
		return false;
	ns = (L3vmNs){ .eth_src = packet.eth_src,
		       .eth_dst = packet.eth_dst,
		       .source = packet.source,
		       .destination = packet.destination };
	type = l3vm_read_u8(&payload);
	code = l3vm_read_u8(&payload);
	l3vm_read_skip(&payload, 2 + 4); /* checksum, reserved */
	ns.target = read_ipv6(&payload);
	if (payload.bad || type != ND_NEIGHBOR_SOLICIT || code ||
	    is_multicast(&ns.target) || (is_unspecified(&ns.source) && !is_probe(&ns)))
		return false;
	while (l3vm_reader_left(&payload) > 0) {
		size_t rest;

		option = l3vm_read_u8(&payload);
		rest = l3vm_read_u8(&payload) * (size_t)8;
		if (payload.bad || !rest ||
		    (option == ND_OPT_SOURCE_LINKADDR && is_probe(&ns)))
			return false;
		l3vm_read_skip(&payload, rest - 2);
	}
	if (payload.bad)
		return false;
	*out = ns;
	return true;
}
