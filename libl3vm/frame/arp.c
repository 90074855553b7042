/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * arp.c - ARP and RARP frames
 *
 * A guest can put any bytes here, and a RARP or gratuitous ARP from it counts as
 * evidence that it runs on this host. So the parser takes one exact form, and a
 * frame that is odd in any field is no ARP frame at all.
 */
#include "frame/arp.h"

#include "frame/cursor.h"

#include <net/ethernet.h>
#include <net/if_arp.h>
#include <string.h>

#define MAC_BYTES  6
#define IPV4_BYTES 4

/* Ethernet 14, fixed part 8, two MACs and two IPv4 addresses 20; then padding. */
#define ARP_SIZE 42

static void write_mac(L3vmWriter *writer, const L3vmMac *mac)
{
	l3vm_write_bytes(writer, mac->bytes, MAC_BYTES);
}

static L3vmMac read_mac(L3vmReader *reader)
{
	L3vmMac mac;

	l3vm_read_bytes(reader, mac.bytes, MAC_BYTES);
	return mac;
}

static L3vmAddr read_ipv4(L3vmReader *reader)
{
	uint8_t bytes[IPV4_BYTES];

	l3vm_read_bytes(reader, bytes, IPV4_BYTES);
	return l3vm_addr_from_bytes(AF_INET, bytes, 32);
}

/* ar$hrd, ar$pro, ar$hln, ar$pln, ar$op of RFC 826 */
static void write_fixed_part(L3vmWriter *writer, L3vmArpOp op)
{
	l3vm_write_u16(writer, ARPHRD_ETHER);
	l3vm_write_u16(writer, ETHERTYPE_IP);
	l3vm_write_u8(writer, MAC_BYTES);
	l3vm_write_u8(writer, IPV4_BYTES);
	l3vm_write_u16(writer, (uint16_t)op);
}

size_t l3vm_arp_build_gratuitous(void *frame, size_t size, const L3vmMac *mac,
				 const L3vmAddr *address, L3vmArpOp op)
{
	static const L3vmMac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	static const L3vmMac zero;
	L3vmWriter writer = l3vm_writer(frame, size);

	if (address->family != AF_INET || op == L3VM_RARP_REQUEST)
		return 0;
	write_mac(&writer, &broadcast);
	write_mac(&writer, mac);
	l3vm_write_u16(&writer, ETHERTYPE_ARP);
	write_fixed_part(&writer, op);
	write_mac(&writer, mac);
	l3vm_write_bytes(&writer, address->bytes, IPV4_BYTES);
	write_mac(&writer, op == L3VM_ARP_REPLY ? mac : &zero);
	l3vm_write_bytes(&writer, address->bytes, IPV4_BYTES);
	/* Padded by us: not every driver does it, and old ones sent memory. */
	l3vm_write_zeros(&writer, L3VM_ARP_FRAME_SIZE - ARP_SIZE);
	return writer.bad ? 0 : l3vm_writer_size(&writer);
}

size_t l3vm_arp_build_answer(void *frame, size_t size, const L3vmMac *mac,
			     const L3vmArp *request)
{
	L3vmWriter writer = l3vm_writer(frame, size);

	write_mac(&writer, &request->sender_mac);
	write_mac(&writer, mac);
	l3vm_write_u16(&writer, ETHERTYPE_ARP);
	write_fixed_part(&writer, L3VM_ARP_REPLY);
	write_mac(&writer, mac);
	l3vm_write_bytes(&writer, request->target.bytes, IPV4_BYTES);
	write_mac(&writer, &request->sender_mac);
	l3vm_write_bytes(&writer, request->sender.bytes, IPV4_BYTES);
	l3vm_write_zeros(&writer, L3VM_ARP_FRAME_SIZE - ARP_SIZE);
	return writer.bad ? 0 : l3vm_writer_size(&writer);
}

/* Which operations belong to which EtherType, of those we have a use for. */
static bool op_fits(uint16_t ethertype, uint16_t op)
{
	if (ethertype == ETHERTYPE_ARP)
		return op == L3VM_ARP_REQUEST || op == L3VM_ARP_REPLY;
	return ethertype == ETHERTYPE_REVARP && op == L3VM_RARP_REQUEST;
}

/*
 * The fixed part; false unless IPv4 over Ethernet. A VLAN tag needs no test of
 * its own: it stands where the EtherType would, and fits no operation.
 */
static bool read_fixed_part(L3vmReader *reader, L3vmArpOp *op)
{
	uint16_t ethertype = l3vm_read_u16(reader);
	uint16_t hardware = l3vm_read_u16(reader);
	uint16_t protocol = l3vm_read_u16(reader);
	uint8_t hardware_size = l3vm_read_u8(reader);
	uint8_t protocol_size = l3vm_read_u8(reader);
	uint16_t wire_op = l3vm_read_u16(reader);

	*op = (L3vmArpOp)wire_op;
	return hardware == ARPHRD_ETHER && protocol == ETHERTYPE_IP &&
	       hardware_size == MAC_BYTES && protocol_size == IPV4_BYTES &&
	       op_fits(ethertype, wire_op);
}

bool l3vm_arp_parse(const void *frame, size_t size, L3vmArp *out)
{
	L3vmReader reader = l3vm_reader(frame, size);
	L3vmArp arp = { 0 };

	arp.eth_dst = read_mac(&reader);
	arp.eth_src = read_mac(&reader);
	if (!read_fixed_part(&reader, &arp.op))
		return false;
	arp.sender_mac = read_mac(&reader);
	arp.sender = read_ipv4(&reader);
	arp.target_mac = read_mac(&reader);
	arp.target = read_ipv4(&reader);
	/*
	 * Two sender MACs in one frame are a spoof or a bridge's doing; no station
	 * has a group address or zero as its own (IEEE 802.3 3.2.3).
	 */
	if (reader.bad || !l3vm_mac_equal(&arp.sender_mac, &arp.eth_src) ||
	    !l3vm_mac_is_unicast(&arp.eth_src))
		return false;
	*out = arp;
	return true;
}

bool l3vm_arp_is_gratuitous(const L3vmArp *arp)
{
	static const uint8_t unspecified[IPV4_BYTES];

	/* A probe (RFC 5227 2.1.1) and QEMU's RARP have 0.0.0.0 as their sender. */
	return arp->op != L3VM_RARP_REQUEST &&
	       l3vm_addr_equal(&arp->sender, &arp->target) &&
	       memcmp(arp->sender.bytes, unspecified, IPV4_BYTES) != 0;
}
