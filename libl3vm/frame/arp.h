/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arp.h - ARP and RARP frames (RFC 826, RFC 903, RFC 5227), build and parse */
#ifndef L3VM_FRAME_ARP_H
#define L3VM_FRAME_ARP_H

#include "base/addr.h"

/* An Ethernet frame without FCS, padded to the minimum (IEEE 802.3: 60). */
#define L3VM_ARP_FRAME_SIZE 60

typedef enum {
	L3VM_ARP_REQUEST = 1,
	L3VM_ARP_REPLY = 2,
	L3VM_RARP_REQUEST = 3,
} L3vmArpOp;

typedef struct L3vmArp {
	L3vmMac eth_src, eth_dst;
	L3vmArpOp op;
	L3vmMac sender_mac, target_mac;
	L3vmAddr sender, target; /* IPv4 */
} L3vmArp;

/*
 * Gratuitous ARP for @address at @mac, to the broadcast address: the request
 * form (RFC 5227 3: target = sender, target MAC zero) or the reply form (target
 * MAC = sender MAC). Some receivers update their cache on one form only.
 * Returns the size, 0 if @address is not IPv4 or @size is too small.
 */
size_t l3vm_arp_build_gratuitous(void *frame, size_t size, const L3vmMac *mac,
				 const L3vmAddr *address, L3vmArpOp op);

/* The answer to @request for the address it asks for, which is at @mac: to whoever
 * asked, alone. */
size_t l3vm_arp_build_answer(void *frame, size_t size, const L3vmMac *mac,
			     const L3vmArp *request);

/*
 * Parses an Ethernet frame that carries ARP or RARP for IPv4 over Ethernet.
 * False for anything else, a truncated frame, a hardware or protocol size other
 * than 6 and 4, a VLAN tag, or a sender MAC that is not the Ethernet source.
 */
bool l3vm_arp_parse(const void *frame, size_t size, L3vmArp *out);
bool l3vm_arp_is_gratuitous(const L3vmArp *arp);

#endif
