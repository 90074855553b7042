/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * addr.h - IPv4 and IPv6 addresses and prefixes, and MACs, as values
 *
 * One type for both families, so that no caller has a family ladder. An
 * address is a prefix of full length. Values are compared bytewise; unused
 * bytes are zero.
 */
#ifndef L3VM_BASE_ADDR_H
#define L3VM_BASE_ADDR_H

#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct L3vmAddr {
	uint8_t family; /* AF_INET or AF_INET6; AF_UNSPEC: no address */
	uint8_t len;	/* prefix length, bits */
	uint8_t bytes[16];
} L3vmAddr;

typedef struct L3vmMac {
	uint8_t bytes[6];
} L3vmMac;

/* Room for "ffff:...:255.255.255.255/128" and its NUL. */
#define L3VM_ADDR_STRLEN (INET6_ADDRSTRLEN + 4)
#define L3VM_MAC_STRLEN	 18

/* Bytes (4, 16) and bits (32, 128) of an address of @family. */
size_t l3vm_family_bytes(int family);
unsigned l3vm_family_bits(int family);

/* "10.0.0.5" or "2001:db8::5"; also accepts a full-length "/32" or "/128". */
bool l3vm_addr_parse(const char *text, L3vmAddr *out);
/* "2001:db8:5::/64"; host bits must be zero. A bare address is a full prefix. */
bool l3vm_prefix_parse(const char *text, L3vmAddr *out);
L3vmAddr l3vm_addr_from_bytes(int family, const void *bytes, unsigned len);

/* Without and with the length; @buf has L3VM_ADDR_STRLEN bytes. Return @buf. */
char *l3vm_addr_format(const L3vmAddr *addr, char *buf);
char *l3vm_prefix_format(const L3vmAddr *addr, char *buf);

bool l3vm_addr_equal(const L3vmAddr *a, const L3vmAddr *b);
/* The same and its hash, for a GHashTable of addresses. */
gboolean l3vm_addr_equals(const void *a, const void *b);
guint l3vm_addr_hash(const void *addr);
/* Orders by family, bytes, length: <0, 0, >0. */
int l3vm_addr_compare(const L3vmAddr *a, const L3vmAddr *b);
bool l3vm_addr_is_host(const L3vmAddr *addr); /* /32 or /128 */
/* True if @outer covers all of @inner. */
bool l3vm_prefix_contains(const L3vmAddr *outer, const L3vmAddr *inner);
/*
 * True for an address a guest may have: not unspecified, loopback, multicast,
 * broadcast, link-local or 0/8, 127/8, 240/4 (RFC 1122 3.2.1.3, RFC 4291 2.4).
 * @why gets the reason, a static string such as "multicast".
 */
bool l3vm_addr_is_assignable(const L3vmAddr *addr, const char **why);

/* "52:54:00:00:00:05", either case. */
bool l3vm_mac_parse(const char *text, L3vmMac *out);
char *l3vm_mac_format(const L3vmMac *mac, char *buf);
bool l3vm_mac_equal(const L3vmMac *a, const L3vmMac *b);
bool l3vm_mac_is_unicast(const L3vmMac *mac); /* and not all-zero */

/* fe80:: plus the modified EUI-64 of @mac (RFC 4291 appendix A). */
L3vmAddr l3vm_addr_link_local(const L3vmMac *mac);

#endif
