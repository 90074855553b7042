/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-addr.c - addresses, prefixes, MACs: what was read is written so that it is
 * read the same again */
#include "fuzz.h"

#include <base/addr.h>

static void check_addr(const char *text)
{
	char buffer[L3VM_ADDR_STRLEN];
	L3vmAddr addr, again;
	const char *why = NULL;

	if (!l3vm_addr_parse(text, &addr))
		return;
	g_assert(l3vm_addr_is_host(&addr));
	g_assert(l3vm_addr_parse(l3vm_addr_format(&addr, buffer), &again));
	g_assert(l3vm_addr_equal(&addr, &again));
	g_assert(l3vm_addr_is_assignable(&addr, &why) || why);
}

static void check_prefix(const char *text)
{
	char buffer[L3VM_ADDR_STRLEN];
	L3vmAddr prefix, again;

	if (!l3vm_prefix_parse(text, &prefix))
		return;
	g_assert(prefix.len <= l3vm_family_bits(prefix.family));
	g_assert(l3vm_prefix_contains(&prefix, &prefix));
	g_assert(l3vm_prefix_parse(l3vm_prefix_format(&prefix, buffer), &again));
	g_assert(l3vm_addr_equal(&prefix, &again));
}

static void check_mac(const char *text)
{
	char buffer[L3VM_MAC_STRLEN];
	L3vmMac mac, again;

	if (!l3vm_mac_parse(text, &mac))
		return;
	g_assert(l3vm_mac_parse(l3vm_mac_format(&mac, buffer), &again));
	g_assert(l3vm_mac_equal(&mac, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);

	check_addr(text);
	check_prefix(text);
	check_mac(text);
	return 0;
}
