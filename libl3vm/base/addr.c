/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* addr.c - IPv4 and IPv6 addresses and prefixes, and MACs, as values */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

size_t l3vm_family_bytes(int family)
{
	return family == AF_INET ? 4 : 16;
}

unsigned l3vm_family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Bits of @addr behind its prefix length are all zero. */
static bool host_bits_are_zero(const L3vmAddr *addr)
{
	for (unsigned bit = addr->len; bit < l3vm_family_bits(addr->family); bit++)
		if (addr->bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

bool l3vm_prefix_parse(const char *text, L3vmAddr *out)
{
	L3vmAddr addr = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];
	unsigned bits = l3vm_family_bits(addr.family);

	if (size >= sizeof(host))
		return false;
	memcpy(host, text, size);
	host[size] = '\0';
	if (inet_pton(addr.family, host, addr.bytes) != 1)
		return false;
	if (slash) {
		guint64 len;

		/* g_ascii_string_to_unsigned() refuses signs and spaces */
		if (!g_ascii_string_to_unsigned(slash + 1, 10, 0, bits, &len, NULL))
			return false;
		bits = (unsigned)len;
	}
	addr.len = (uint8_t)bits;
	if (!host_bits_are_zero(&addr))
		return false;
	*out = addr;
	return true;
}

bool l3vm_addr_parse(const char *text, L3vmAddr *out)
{
	L3vmAddr addr;

	if (!l3vm_prefix_parse(text, &addr) || !l3vm_addr_is_host(&addr))
		return false;
	*out = addr;
	return true;
}

L3vmAddr l3vm_addr_from_bytes(int family, const void *bytes, unsigned len)
{
	L3vmAddr addr = { .family = (uint8_t)family, .len = (uint8_t)len };

	memcpy(addr.bytes, bytes, l3vm_family_bytes(family));
	return addr;
}

char *l3vm_addr_format(const L3vmAddr *addr, char *buf)
{
	inet_ntop(addr->family, addr->bytes, buf, L3VM_ADDR_STRLEN);
	return buf;
}

char *l3vm_prefix_format(const L3vmAddr *addr, char *buf)
{
	size_t size;

	l3vm_addr_format(addr, buf);
	size = strlen(buf);
	snprintf(buf + size, L3VM_ADDR_STRLEN - size, "/%u", addr->len);
	return buf;
}

bool l3vm_addr_equal(const L3vmAddr *a, const L3vmAddr *b)
{
	return l3vm_addr_compare(a, b) == 0;
}

gboolean l3vm_addr_equals(const void *a, const void *b)
{
	return l3vm_addr_equal(a, b);
}

guint l3vm_addr_hash(const void *addr)
{
	const L3vmAddr *a = addr;
	guint hash = a->len;

	for (size_t i = 0; i < l3vm_family_bytes(a->family); i++)
		hash = hash * 31 + a->bytes[i];
	return hash;
}

int l3vm_addr_compare(const L3vmAddr *a, const L3vmAddr *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	return order ? order : (int)a->len - (int)b->len;
}

bool l3vm_addr_is_host(const L3vmAddr *addr)
{
	return addr->len == l3vm_family_bits(addr->family);
}

bool l3vm_prefix_contains(const L3vmAddr *outer, const L3vmAddr *inner)
{
	unsigned whole = outer->len / 8, rest = outer->len % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	if (memcmp(outer->bytes, inner->bytes, whole))
		return false;
	return !rest || !((outer->bytes[whole] ^ inner->bytes[whole]) & mask);
}

/* What a guest may not have, and why; RFC 6890 names and IANA's registries. */
static const struct {
	L3vmAddr range;
	const char *why;
} unassignable[] = {
	{ { AF_INET, 8, { 0 } }, "reserved for \"this network\"" },
	{ { AF_INET, 8, { 127 } }, "loopback" },
	{ { AF_INET, 16, { 169, 254 } }, "link-local" },
	{ { AF_INET, 4, { 224 } }, "multicast" },
	{ { AF_INET, 4, { 240 } }, "reserved or broadcast" },
	{ { AF_INET6, 128, { 0 } }, "unspecified" },
	{ { AF_INET6, 128, { [15] = 1 } }, "loopback" },
	{ { AF_INET6, 96, { [10] = 0xff, 0xff } }, "an IPv4-mapped address" },
	{ { AF_INET6, 10, { 0xfe, 0x80 } }, "link-local" },
	{ { AF_INET6, 8, { 0xff } }, "multicast" },
};

bool l3vm_addr_is_assignable(const L3vmAddr *addr, const char **why)
{
	for (size_t i = 0; i < G_N_ELEMENTS(unassignable); i++) {
		const L3vmAddr *range = &unassignable[i].range;

		/* a prefix that covers such a range is no better than one in it */
		if (l3vm_prefix_contains(range, addr) ||
		    l3vm_prefix_contains(addr, range)) {
			if (why)
				*why = unassignable[i].why;
			return false;
		}
	}
	return true;
}

bool l3vm_mac_parse(const char *text, L3vmMac *out)
{
	L3vmMac mac;

	if (strlen(text) != L3VM_MAC_STRLEN - 1)
		return false;
	for (size_t i = 0; i < sizeof(mac.bytes); i++) {
		const char *digits = text + 3 * i;
		int high = g_ascii_xdigit_value(digits[0]);
		int low = g_ascii_xdigit_value(digits[1]);

		if (high < 0 || low < 0 || (i < 5 && digits[2] != ':'))
			return false;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out = mac;
	return true;
}

char *l3vm_mac_format(const L3vmMac *mac, char *buf)
{
	const uint8_t *b = mac->bytes;

	snprintf(buf, L3VM_MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5]);
	return buf;
}

bool l3vm_mac_equal(const L3vmMac *a, const L3vmMac *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool l3vm_mac_is_unicast(const L3vmMac *mac)
{
	static const L3vmMac zero;

	return !(mac->bytes[0] & 1) && !l3vm_mac_equal(mac, &zero);
}

L3vmAddr l3vm_addr_link_local(const L3vmMac *mac)
{
	const uint8_t *b = mac->bytes;

	return (L3vmAddr){
		.family = AF_INET6,
		.len = 128,
		.bytes = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, b[0] ^ 2, b[1], b[2], 0xff,
			   0xfe, b[3], b[4], b[5] },
	};
}
