/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nd.h - neighbour discovery frames (RFC 4861), build and parse */
#ifndef L3VM_FRAME_ND_H
#define L3VM_FRAME_ND_H

#include "base/addr.h"

/* Ethernet 14, IPv6 40, neighbour advertisement 24, link-layer option 8. */
#define L3VM_NA_FRAME_SIZE 86

/*
 * Unsolicited neighbour advertisement (RFC 4861 7.2.6) for @address at @mac to
 * all nodes (ff02::1), Override set, hop limit 255, Target Link-Layer Address
 * option. @router sets the Router flag: for a gateway's address, since a
 * receiver drops a router whose flag goes away (RFC 4861 7.2.5). The source is
 * @address itself. Returns the size, 0 if not IPv6 or @size is too small.
 */
size_t l3vm_na_build_unsolicited(void *frame, size_t size, const L3vmMac *mac,
				 const L3vmAddr *address, bool router);

/* A neighbour solicitation, or what matters of one. */
typedef struct L3vmNs {
	L3vmMac eth_src, eth_dst;
	L3vmAddr source; /* unspecified: somebody looks for duplicates */
	L3vmAddr destination, target;
} L3vmNs;

/* As l3vm_na_parse(), by RFC 4861 7.1.1. */
bool l3vm_ns_parse(const void *frame, size_t size, L3vmNs *out);

/*
 * The advertisement that answers @ns: @ns->target is at @mac. To who asked, with the
 * Solicited flag; to all nodes and without it if that has no address yet (RFC 4861
 * 7.2.4). Override, no Router flag.
 */
size_t l3vm_na_build_answer(void *frame, size_t size, const L3vmMac *mac,
			    const L3vmNs *ns);

typedef struct L3vmNa {
	L3vmMac eth_src, eth_dst;
	L3vmAddr source, destination, target;
	bool router, solicited, override;
	bool has_mac; /* a Target Link-Layer Address option was there */
	L3vmMac mac;
} L3vmNa;

/*
 * Parses an Ethernet frame with a neighbour advertisement and validates it as
 * RFC 4861 7.1.2 demands: hop limit 255, code 0, checksum, length, no option of
 * length zero, target not multicast, not solicited if sent to multicast; and
 * RFC 6980: no fragment, no extension header before ICMPv6.
 */
bool l3vm_na_parse(const void *frame, size_t size, L3vmNa *out);

#endif
