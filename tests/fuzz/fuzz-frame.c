/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-frame.c - frames of guests: what follows a message does not change it */
#include "fuzz.h"

#include <frame/arp.h>
#include <frame/nd.h>
#include <string.h>

static void check_arp(const uint8_t *data, size_t size, const uint8_t *longer)
{
	L3vmArp arp = { 0 }, again = { 0 };

	if (!l3vm_arp_parse(data, size, &arp))
		return;
	g_assert(l3vm_mac_is_unicast(&arp.eth_src));
	g_assert(l3vm_arp_parse(longer, size + 8, &again));
	g_assert(l3vm_mac_equal(&arp.sender_mac, &again.sender_mac) &&
		 l3vm_addr_equal(&arp.sender, &again.sender) && arp.op == again.op);
	l3vm_arp_is_gratuitous(&arp);
}

static void check_na(const uint8_t *data, size_t size)
{
	L3vmNa na = { 0 };

	if (l3vm_na_parse(data, size, &na))
		g_assert(na.target.family == AF_INET6 && na.target.bytes[0] != 0xff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *longer = g_malloc0(size + 8);

	if (size)
		memcpy(longer, data, size);
	check_arp(data, size, longer);
	check_na(data, size);
	return 0;
}
