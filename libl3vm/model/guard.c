/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guard.c - what a guard entry is in the sets of l3vm-guard.nft */
#include "model/guard.h"

static const struct {
	const char *name;
	bool mac, addr, number, interval;
} sets[L3VM_GUARD_SETS] = {
	[L3VM_GUARD_PORTS] = { .name = "ports" },
	[L3VM_GUARD_DROPPED] = { .name = "dropped" },
	[L3VM_GUARD_MACS] = { .name = "macs", .mac = true },
	/* what nft has no type for is a number to it */
	[L3VM_GUARD_LLADDRS] = { .name = "lladdrs", .mac = true, .number = true },
	[L3VM_GUARD_SOURCE4] = { .name = "source4", .addr = true },
	[L3VM_GUARD_SOURCE6] = { .name = "source6", .addr = true },
	[L3VM_GUARD_TARGETS] = { .name = "targets", .addr = true, .number = true },
	[L3VM_GUARD_PREFIX4] = { .name = "prefix4", .addr = true, .interval = true },
	[L3VM_GUARD_PREFIX6] = { .name = "prefix6", .addr = true, .interval = true },
};

/*
 * A routed tap passes nothing as a port of a bridge, and a bridge's port nothing
 * past its bridge: somebody may take it out.
 */
static const struct {
	L3vmGuardRole role;
	L3vmGuardElement element;
} port_elements[] = {
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_INET, L3VM_GUARD_PORTS, "goto port" } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_INET, L3VM_GUARD_DROPPED, NULL } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_INET, L3VM_GUARD_MACS, NULL } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_INET, L3VM_GUARD_LLADDRS, NULL } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_ARP, L3VM_GUARD_PORTS, "goto port" } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_ARP, L3VM_GUARD_DROPPED, NULL } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_ARP, L3VM_GUARD_MACS, NULL } },
	{ L3VM_GUARD_ROUTED, { L3VM_GUARD_BRIDGE_FAMILY, L3VM_GUARD_PORTS, "drop" } },
	{ L3VM_GUARD_BRIDGED,
	  { L3VM_GUARD_BRIDGE_FAMILY, L3VM_GUARD_PORTS, "goto port" } },
	{ L3VM_GUARD_BRIDGED, { L3VM_GUARD_BRIDGE_FAMILY, L3VM_GUARD_DROPPED, NULL } },
	{ L3VM_GUARD_BRIDGED, { L3VM_GUARD_BRIDGE_FAMILY, L3VM_GUARD_MACS, NULL } },
	{ L3VM_GUARD_BRIDGED, { L3VM_GUARD_BRIDGE_FAMILY, L3VM_GUARD_LLADDRS, NULL } },
	{ L3VM_GUARD_BRIDGED, { L3VM_GUARD_INET, L3VM_GUARD_PORTS, "drop" } },
	{ L3VM_GUARD_BRIDGED, { L3VM_GUARD_ARP, L3VM_GUARD_PORTS, "drop" } },
	{ L3VM_GUARD_BRIDGE,
	  { L3VM_GUARD_INET, L3VM_GUARD_PORTS, "goto from_bridge" } },
	{ L3VM_GUARD_OPEN, { L3VM_GUARD_INET, L3VM_GUARD_PORTS, "accept" } },
	{ L3VM_GUARD_OPEN, { L3VM_GUARD_ARP, L3VM_GUARD_PORTS, "accept" } },
	{ L3VM_GUARD_OPEN, { L3VM_GUARD_BRIDGE_FAMILY, L3VM_GUARD_PORTS, "accept" } },
};

static size_t elements_of_port(const L3vmObject *entry, L3vmGuardElement *elements)
{
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(port_elements); i++)
		if (port_elements[i].role == entry->number)
			elements[n++] = port_elements[i].element;
	return n;
}

/* An address can be claimed by neighbour discovery; a prefix is behind the guest,
 * and nobody looks for a neighbour there. */
static size_t elements_of_source(const L3vmObject *entry, L3vmGuardElement *elements)
{
	bool ip6 = entry->addr.family == AF_INET6;
	bool routed = entry->number == L3VM_GUARD_ROUTED;
	L3vmGuardFamily family = routed ? L3VM_GUARD_INET : L3VM_GUARD_BRIDGE_FAMILY;
	size_t n = 0;

	L3vmGuardSet set = l3vm_addr_is_host(&entry->addr)
				   ? (ip6 ? L3VM_GUARD_SOURCE6 : L3VM_GUARD_SOURCE4)
				   : (ip6 ? L3VM_GUARD_PREFIX6 : L3VM_GUARD_PREFIX4);

	elements[n++] = (L3vmGuardElement){ family, set, NULL };
	if (set == L3VM_GUARD_SOURCE6)
		elements[n++] = (L3vmGuardElement){ family, L3VM_GUARD_TARGETS, NULL };
	if (!ip6 && routed)
		elements[n++] = (L3vmGuardElement){ L3VM_GUARD_ARP, set, NULL };
	return n;
}

size_t l3vm_guard_elements(const L3vmObject *entry,
			   L3vmGuardElement elements[L3VM_GUARD_ELEMENTS])
{
	return entry->key == L3VM_GUARD_PORT ? elements_of_port(entry, elements)
					     : elements_of_source(entry, elements);
}

const char *l3vm_guard_family_name(L3vmGuardFamily family)
{
	static const char *const names[L3VM_GUARD_FAMILIES] = {
		[L3VM_GUARD_INET] = "inet",
		[L3VM_GUARD_ARP] = "arp",
		[L3VM_GUARD_BRIDGE_FAMILY] = "bridge",
	};

	return names[family];
}

const char *l3vm_guard_set_name(L3vmGuardSet set)
{
	return sets[set].name;
}

bool l3vm_guard_set_has_mac(L3vmGuardSet set)
{
	return sets[set].mac;
}

bool l3vm_guard_set_has_addr(L3vmGuardSet set)
{
	return sets[set].addr;
}

bool l3vm_guard_set_is_interval(L3vmGuardSet set)
{
	return sets[set].interval;
}

/* --- nft's commands ---------------------------------------------------------- */

static void append_number(GString *text, const uint8_t *bytes, size_t size)
{
	g_string_append(text, " . 0x");
	for (size_t i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
}

static void append_key(GString *text, const L3vmObject *entry, L3vmGuardSet set,
		       const char *interface)
{
	const L3vmAddr *addr = &entry->addr;
	char buffer[L3VM_ADDR_STRLEN];

	g_string_append(text, interface);
	if (sets[set].mac && sets[set].number)
		append_number(text, entry->mac.bytes, sizeof(entry->mac));
	else if (sets[set].mac)
		g_string_append_printf(text, " . %s",
				       l3vm_mac_format(&entry->mac, buffer));
	else if (sets[set].addr && sets[set].number)
		append_number(text, addr->bytes, l3vm_family_bytes(addr->family));
	else if (sets[set].addr)
		g_string_append_printf(text, " . %s",
				       sets[set].interval
					       ? l3vm_prefix_format(addr, buffer)
					       : l3vm_addr_format(addr, buffer));
}

static void append_command(GString *text, const char *verb, const L3vmObject *entry,
			   const L3vmGuardElement *element, const char *interface)
{
	g_string_append_printf(text, "%s element %s " L3VM_GUARD_TABLE " %s { ", verb,
			       l3vm_guard_family_name(element->family),
			       sets[element->set].name);
	append_key(text, entry, element->set, interface);
	if (element->verdict && *verb == 'a')
		g_string_append_printf(text, " : %s", element->verdict);
	g_string_append(text, " }\n");
}

static void append_entry(GString *text, const char *verb, const L3vmObject *entry,
			 const char *interface)
{
	L3vmGuardElement elements[L3VM_GUARD_ELEMENTS];
	size_t n = l3vm_guard_elements(entry, elements);

	for (size_t i = 0; i < n; i++)
		append_command(text, verb, entry, &elements[i], interface);
}

char *l3vm_guard_commands(const L3vmChange *change, const char *interface)
{
	GString *text = g_string_new(NULL);

	if (change->has_before)
		append_entry(text, "delete", &change->before, interface);
	if (change->has_after)
		append_entry(text, "add", &change->after, interface);
	return g_string_free(text, FALSE);
}
