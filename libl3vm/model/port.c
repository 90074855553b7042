/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* port.c - one NIC of one guest on this host */
#include "model/port.h"

#include "base/error.h"
#include "base/name.h"
#include "model/service.h"

#include <string.h>

static const char *const state_names[] = {
	[L3VM_STATE_PREPARED] = "prepared", [L3VM_STATE_ARRIVED] = "arrived",
	[L3VM_STATE_LIVE] = "live",	    [L3VM_STATE_LEAVING] = "leaving",
	[L3VM_STATE_GONE] = "gone",
};

const char *l3vm_state_name(L3vmState state)
{
	return state_names[state];
}

bool l3vm_state_parse(const char *name, L3vmState *state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
		if (!strcmp(name, state_names[i])) {
			*state = (L3vmState)i;
			return true;
		}
	return false;
}

const char *l3vm_rank_name(L3vmRank rank)
{
	static const char *const names[] = {
		[L3VM_RANK_NONE] = "none",
		[L3VM_RANK_PREFERRED] = "preferred",
		[L3VM_RANK_NORMAL] = "normal",
		[L3VM_RANK_LAST] = "last",
	};

	return names[rank];
}

L3vmRank l3vm_state_rank(L3vmState state)
{
	switch (state) {
	case L3VM_STATE_ARRIVED:
		return L3VM_RANK_PREFERRED;
	case L3VM_STATE_LIVE:
		return L3VM_RANK_NORMAL;
	case L3VM_STATE_LEAVING:
		return L3VM_RANK_LAST;
	case L3VM_STATE_PREPARED:
	case L3VM_STATE_GONE:
		break;
	}
	return L3VM_RANK_NONE;
}

uint32_t l3vm_state_metric(L3vmState state, const L3vmRanks *ranks)
{
	switch (l3vm_state_rank(state)) {
	case L3VM_RANK_PREFERRED:
		return ranks->preferred;
	case L3VM_RANK_NORMAL:
		return ranks->normal;
	case L3VM_RANK_LAST:
		return ranks->last;
	case L3VM_RANK_NONE:
		break;
	}
	return 0;
}

L3vmPort *l3vm_port_new(const char *guest, const char *uuid, GError **error)
{
	L3vmPort *port;

	if (!l3vm_guest_name_is_valid(guest)) {
		l3vm_fail(error, L3VM_ERROR_USAGE,
			  "guest \"%.40s\"%s: not a usable name (1 to 200 bytes of "
			  "UTF-8 without '/', control characters or a leading dot)",
			  guest, strlen(guest) > 40 ? "..." : "");
		return NULL;
	}
	if (uuid && !l3vm_uuid_is_valid(uuid)) {
		l3vm_fail(error, L3VM_ERROR_USAGE,
			  "UUID \"%.40s\": not a UUID (8-4-4-4-12 hexadecimal digits)",
			  uuid);
		return NULL;
	}
	port = g_new0(L3vmPort, 1);
	port->guest = g_strdup(guest);
	port->uuid = uuid ? g_ascii_strdown(uuid, -1) : NULL;
	port->addresses = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	port->prefixes = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	port->gateways = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	port->guard_allow = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	return port;
}

const char *l3vm_port_guest(const L3vmPort *port)
{
	return port->guest;
}

void l3vm_port_free(L3vmPort *port)
{
	if (!port)
		return;
	g_free(port->guest);
	g_free(port->uuid);
	g_free(port->ifname);
	g_free(port->network);
	g_free(port->hint_bridge);
	g_free(port->hint_network);
	g_array_unref(port->addresses);
	g_array_unref(port->prefixes);
	g_array_unref(port->gateways);
	g_free(port->table);
	g_array_unref(port->guard_allow);
	l3vm_service_free(port->service);
	l3vm_network_free(port->net);
	l3vm_port_free(port->was);
	g_free(port);
}

L3vmPort *l3vm_port_copy(const L3vmPort *port)
{
	L3vmPort *copy = g_new(L3vmPort, 1);

	*copy = *port;
	copy->guest = g_strdup(port->guest);
	copy->uuid = g_strdup(port->uuid);
	copy->ifname = g_strdup(port->ifname);
	copy->network = g_strdup(port->network);
	copy->hint_bridge = g_strdup(port->hint_bridge);
	copy->hint_network = g_strdup(port->hint_network);
	copy->addresses = g_array_copy(port->addresses);
	copy->prefixes = g_array_copy(port->prefixes);
	copy->gateways = g_array_copy(port->gateways);
	copy->table = g_strdup(port->table);
	copy->guard_allow = g_array_copy(port->guard_allow);
	copy->service = port->service ? l3vm_service_copy(port->service) : NULL;
	copy->net = port->net ? l3vm_network_ref(port->net) : NULL;
	copy->was = port->was ? l3vm_port_copy(port->was) : NULL;
	return copy;
}

bool l3vm_port_set_ifname(L3vmPort *port, const char *ifname, GError **error)
{
	if (!l3vm_ifname_is_valid(ifname))
		return l3vm_fail(
			error, L3VM_ERROR_USAGE,
			"interface \"%.40s\"%s: not an interface name (1 to 15 "
			"printable characters, none of '/', ':', '%%' or space)",
			ifname, strlen(ifname) > 40 ? "..." : "");
	g_free(port->ifname);
	port->ifname = g_strdup(ifname);
	return true;
}

bool l3vm_port_set_mac(L3vmPort *port, const char *mac, GError **error)
{
	L3vmMac parsed;

	if (!l3vm_mac_parse(mac, &parsed) || !l3vm_mac_is_unicast(&parsed))
		return l3vm_fail(
			error, L3VM_ERROR_USAGE,
			"MAC \"%.40s\": not a unicast MAC address (write it like "
			"52:54:00:00:00:05)",
			mac);
	port->mac = parsed;
	port->has_mac = true;
	return true;
}

bool l3vm_port_set_network(L3vmPort *port, const char *network, GError **error)
{
	if (!l3vm_network_name_is_valid(network))
		return l3vm_fail(
			error, L3VM_ERROR_USAGE,
			"network \"%.40s\": not a network name (letters, digits, "
			"'.', '_' and '-', at most 64)",
			network);
	g_free(port->network);
	port->network = g_strdup(network);
	return true;
}

/* Appends @addr unless it is there already; naming one twice is harmless. */
static void append_once(GArray *array, const L3vmAddr *addr)
{
	for (guint i = 0; i < array->len; i++)
		if (l3vm_addr_equal(&g_array_index(array, L3vmAddr, i), addr))
			return;
	g_array_append_val(array, *addr);
}

bool l3vm_port_add_address(L3vmPort *port, const char *address, GError **error)
{
	L3vmAddr addr;

	if (!l3vm_addr_parse(address, &addr))
		return l3vm_fail(
			error, L3VM_ERROR_USAGE,
			"address \"%.60s\": not an IPv4 or IPv6 address (a subnet "
			"behind the guest is a prefix)",
			address);
	append_once(port->addresses, &addr);
	return true;
}

bool l3vm_port_add_prefix(L3vmPort *port, const char *prefix, GError **error)
{
	L3vmAddr addr;

	if (!l3vm_prefix_parse(prefix, &addr))
		return l3vm_fail(
			error, L3VM_ERROR_USAGE,
			"prefix \"%.60s\": not an IPv4 or IPv6 prefix (write it "
			"like 2001:db8:5::/64, bits behind the length zero)",
			prefix);
	append_once(port->prefixes, &addr);
	return true;
}

bool l3vm_port_add_gateway(L3vmPort *port, const char *gateway, GError **error)
{
	L3vmAddr addr;

	if (!l3vm_addr_parse(gateway, &addr))
		return l3vm_fail(error, L3VM_ERROR_USAGE,
				 "gateway \"%.60s\": not an IPv4 or IPv6 address "
				 "(write it like 192.0.2.1)",
				 gateway);
	append_once(port->gateways, &addr);
	if (port->gateways->len > L3VM_MAX_GATEWAYS)
		return l3vm_fail(error, L3VM_ERROR_USAGE,
				 "gateway %s: one more than %d (a guest needs one of "
				 "each family)",
				 gateway, L3VM_MAX_GATEWAYS);
	return true;
}

/* Which one it means is known where the configuration is. */
bool l3vm_port_set_table(L3vmPort *port, const char *table, GError **error)
{
	if (!l3vm_network_name_is_valid(table))
		return l3vm_fail(error, L3VM_ERROR_USAGE,
				 "table \"%.40s\": neither a number nor a table's name "
				 "(letters, digits, '.', '_' and '-', at most 64)",
				 table);
	g_free(port->table);
	port->table = g_strdup(table);
	return true;
}

void l3vm_port_set_hint(L3vmPort *port, const char *bridge, const char *network)
{
	g_free(port->hint_bridge);
	g_free(port->hint_network);
	port->hint_bridge = g_strdup(bridge);
	port->hint_network = g_strdup(network);
}

void l3vm_port_set_optional(L3vmPort *port, bool optional)
{
	port->optional = optional;
}

bool l3vm_port_is_of(const L3vmPort *port, const char *name_or_uuid)
{
	return !name_or_uuid || !strcmp(port->guest, name_or_uuid) ||
	       (port->uuid && !g_ascii_strcasecmp(port->uuid, name_or_uuid));
}

const char *l3vm_port_guest_key(const L3vmPort *port)
{
	return port->uuid ? port->uuid : port->guest;
}

static bool is_among(const L3vmAddr *addr, const GArray *addrs)
{
	for (guint i = 0; i < addrs->len; i++)
		if (l3vm_addr_equal(&g_array_index(addrs, L3vmAddr, i), addr))
			return true;
	return false;
}

bool l3vm_port_has(const L3vmPort *port, const L3vmAddr *addr)
{
	return is_among(addr, port->addresses) || is_among(addr, port->prefixes);
}

const char *l3vm_port_route_dev(const L3vmPort *port)
{
	return port->net->bridge ? port->net->bridge : port->ifname;
}
