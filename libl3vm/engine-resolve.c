/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-resolve.c - a request -> a port: its network, addresses, policy
 *
 * Who says what a port has: the request itself (command line, metadata), then
 * what the guest was described with, then guests.d, then the network's derive
 * rules. The first that has any address or prefix wins whole; nothing is mixed.
 */
#include "base/error.h"
#include "engine.h"
#include "store/table.h"

#include <string.h>

/* What to call the NIC in a message. */
static char *label(const L3vmPort *port)
{
	char mac[L3VM_MAC_STRLEN];

	if (port->ifname)
		return g_strdup_printf("guest %s, %s", port->guest, port->ifname);
	return g_strdup_printf("guest %s, NIC %s", port->guest,
			       l3vm_mac_format(&port->mac, mac));
}

const L3vmPort *l3vm_described(const GPtrArray *nics, const L3vmMac *mac)
{
	for (guint i = 0; nics && i < nics->len; i++) {
		const L3vmPort *nic = g_ptr_array_index(nics, i);

		if (nic->has_mac && l3vm_mac_equal(&nic->mac, mac))
			return nic;
	}
	return NULL;
}

static bool has_any(const GArray *addresses, const GArray *prefixes)
{
	return addresses->len || prefixes->len;
}

static void take_addresses(L3vmPort *port, const GArray *addresses,
			   const GArray *prefixes)
{
	if (has_any(port->addresses, port->prefixes))
		return;
	g_array_append_vals(port->addresses, addresses->data, addresses->len);
	g_array_append_vals(port->prefixes, prefixes->data, prefixes->len);
}

static void take_network(L3vmPort *port, const char *network)
{
	if (!port->network)
		port->network = g_strdup(network);
}

/* The network that the manager's words mean, or NULL. */
static const L3vmNetwork *hinted(const L3vmConfig *config, const L3vmPort *port)
{
	const L3vmNetwork *network = NULL;

	if (port->hint_bridge)
		return l3vm_config_bridge(config, port->hint_bridge);
	if (port->hint_network)
		network = l3vm_config_network(config, port->hint_network);
	return network && network->mode == L3VM_MODE_BRIDGE ? network : NULL;
}

bool l3vm_resolve_network(L3vm *host, const L3vmPort *port, const L3vmNetwork **network,
			  GError **error)
{
	const L3vmNetwork *hint = hinted(host->config, port);

	*network = hint;
	if (port->network) {
		*network = l3vm_config_network(host->config, port->network);
		if (!*network)
			return l3vm_fail(error, L3VM_ERROR_USAGE,
					 "network %s: not configured (add [network %s] "
					 "to %s)",
					 port->network, port->network,
					 host->config_path);
	} else if (!hint) {
		*network = l3vm_config_network(host->config, "default");
	}
	return true;
}

/* A port of somebody else's bridge cannot be routed: its frames stay on that
 * bridge. With addresses it is a mistake, without it is none of our business. */
static bool is_foreign(const L3vmPort *port, const L3vmNetwork *network)
{
	bool hinted_elsewhere = port->hint_bridge || port->hint_network;

	if (!hinted_elsewhere)
		return false;
	if (network->mode == L3VM_MODE_ROUTED)
		return true;
	return port->hint_bridge && strcmp(port->hint_bridge, network->bridge) != 0;
}

static bool fail_foreign(const L3vmPort *port, GError **error)
{
	g_autofree char *what = label(port);

	return l3vm_fail(error, L3VM_ERROR_REFUSED,
			 "%s: has addresses but is a port of %s, which is no bridge of "
			 "l3vm.conf (use type='ethernet', or add a network with that "
			 "bridge)",
			 what, port->hint_bridge);
}

/* Success would look like a guest that is reachable. */
static bool fail_without_address(const L3vmPort *port, const L3vmNetwork *network,
				 GError **error)
{
	g_autofree char *what = label(port);

	return l3vm_fail(error, L3VM_ERROR_USAGE,
			 "%s: has no address, and network %s derives none (give "
			 "--address, or add it to guests.d)",
			 what, network->name);
}

static bool fail_without_mac(const L3vmPort *port, GError **error)
{
	return l3vm_fail(error, L3VM_ERROR_USAGE,
			 "guest %s, %s: has no MAC (give it one, or say in guests.d "
			 "which one this interface has)",
			 port->guest, port->ifname ? port->ifname : "NIC");
}

static bool refuse(const L3vmPort *port, const L3vmAddr *addr, GError **error,
		   const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool refuse(const L3vmPort *port, const L3vmAddr *addr, GError **error,
		   const char *format, ...)
{
	char text[L3VM_ADDR_STRLEN];
	g_autofree char *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	if (l3vm_addr_is_host(addr))
		l3vm_addr_format(addr, text);
	else
		l3vm_prefix_format(addr, text);
	if (port->service)
		return l3vm_fail(error, L3VM_ERROR_REFUSED, "service %s: %s", text,
				 why);
	return l3vm_fail(error, L3VM_ERROR_REFUSED, "%s for guest %s: %s", text,
			 port->guest, why);
}

static bool is_gateway(const L3vmPort *port, const L3vmAddr *addr)
{
	for (guint i = 0; i < port->gateways->len; i++)
		if (l3vm_prefix_contains(addr,
					 &g_array_index(port->gateways, L3vmAddr, i)))
			return true;
	return l3vm_prefix_contains(addr, &port->net->gateway4) ||
	       l3vm_prefix_contains(addr, &port->net->gateway6);
}

static bool check_address(const L3vmPort *port, const L3vmAddr *addr, GError **error)
{
	const L3vmNetwork *network = port->net;
	const char *why;

	if (is_gateway(port, addr))
		return refuse(port, addr, error,
			      "the gateway's address in network %s (choose another)",
			      network->name);
	if (!l3vm_addr_is_assignable(addr, &why))
		return refuse(port, addr, error, "%s (choose a unicast address)", why);
	if (!l3vm_network_allows(network, addr))
		return refuse(port, addr, error,
			      "not allowed in network %s (add it to `allow`)",
			      network->name);
	return true;
}

static bool check_all(const L3vmPort *port, const GArray *addrs, GError **error)
{
	for (guint i = 0; i < addrs->len; i++)
		if (!check_address(port, &g_array_index(addrs, L3vmAddr, i), error))
			return false;
	return true;
}

bool l3vm_check_policy(const L3vmPort *port, GError **error)
{
	g_autofree char *what = label(port);

	if (l3vm_mac_equal(&port->mac, &port->net->gateway_mac))
		return l3vm_fail(error, L3VM_ERROR_REFUSED,
				 "%s: has the gateway's MAC (give it another)", what);
	if (port->addresses->len > L3VM_MAX_ADDRESSES ||
	    port->prefixes->len > L3VM_MAX_PREFIXES)
		return l3vm_fail(
			error, L3VM_ERROR_REFUSED,
			"%s: %u addresses and %u prefixes, more than %d and %d "
			"(route a prefix instead)",
			what, port->addresses->len, port->prefixes->len,
			L3VM_MAX_ADDRESSES, L3VM_MAX_PREFIXES);
	return check_all(port, port->addresses, error) &&
	       check_all(port, port->prefixes, error);
}

/* Addresses and network from the sources behind the request itself. */
static void complete(L3vm *host, L3vmPort *port, const GPtrArray *nics)
{
	const L3vmNicConfig *section =
		l3vm_config_nic(host->config, port->guest,
				port->has_mac ? &port->mac : NULL, port->ifname);
	const L3vmPort *nic;

	if (section && section->has_mac && !port->has_mac) {
		port->mac = section->mac;
		port->has_mac = true;
	}
	nic = port->has_mac ? l3vm_described(nics, &port->mac) : NULL;
	if (nic) {
		take_addresses(port, nic->addresses, nic->prefixes);
		if (nic->network)
			take_network(port, nic->network);
	}
	if (section) {
		take_addresses(port, section->addresses, section->prefixes);
		if (section->network)
			take_network(port, section->network);
		/* whoever says its addresses, this is the site's word alone */
		g_array_set_size(port->guard_allow, 0);
		g_array_append_vals(port->guard_allow, section->guard_allow->data,
				    section->guard_allow->len);
	}
}

static bool take_table(L3vmPort *port, GError **error)
{
	const char *problem = port->table
				      ? l3vm_table_parse(port->table, &port->net->table)
				      : NULL;
	g_autofree char *what = problem ? label(port) : NULL;

	if (!problem)
		return true;
	return l3vm_fail(error, L3VM_ERROR_USAGE,
			 "%s: table %s %s (add it there, or name another)", what,
			 port->table, problem);
}

/* A bridge's gateways are all its guests'. */
static bool take_gateways(L3vmPort *port, GError **error)
{
	L3vmNetwork *network = port->net;

	for (guint i = 0; i < port->gateways->len; i++) {
		const L3vmAddr *gateway = &g_array_index(port->gateways, L3vmAddr, i);
		bool known = l3vm_addr_equal(gateway, &network->gateway4) ||
			     l3vm_addr_equal(gateway, &network->gateway6);
		const char *why;

		if (network->mode == L3VM_MODE_BRIDGE && !known)
			return refuse(port, gateway, error,
				      "is no gateway of network %s, which is a bridge "
				      "(make it the network's gateway4 or gateway6)",
				      network->name);
		if (!known && !l3vm_addr_is_assignable(gateway, &why))
			return refuse(port, gateway, error,
				      "is no gateway: %s (it must be unicast)", why);
		if (network->mode == L3VM_MODE_ROUTED && gateway->family == AF_INET)
			network->proxy_arp = true;
	}
	return true;
}

bool l3vm_find_network(L3vm *host, const char *name, const char *bridge, char **found,
		       GError **error)
{
	const L3vmNetwork *network;

	if (!l3vm_need_config(host, error))
		return false;
	network = bridge ? l3vm_config_bridge(host->config, bridge)
			 : l3vm_config_network(host->config, name);
	*found = network ? g_strdup(network->name) : NULL;
	return true;
}

L3vmPort *l3vm_resolve(L3vm *host, const L3vmPort *request, const GPtrArray *nics,
		       bool *ours, GError **error)
{
	g_autoptr(L3vmPort) port = l3vm_port_copy(request);
	const L3vmNetwork *network;
	bool said;

	complete(host, port, nics);
	said = port->network || has_any(port->addresses, port->prefixes);
	*ours = true;
	if (!l3vm_resolve_network(host, port, &network, error))
		return NULL;
	if (is_foreign(port, network)) {
		/* before a manager has picked the bridge nothing can be said */
		*ours = said && port->hint_bridge;
		if (*ours)
			fail_foreign(port, error);
		return NULL;
	}
	if (!has_any(port->addresses, port->prefixes) && port->has_mac)
		l3vm_network_derive(network, &port->mac, port->addresses);
	if (port->optional && !said && !port->addresses->len &&
	    !hinted(host->config, port)) {
		*ours = false;
		return NULL;
	}
	/* first, since it is also what addresses are known by */
	if (!port->has_mac) {
		fail_without_mac(port, error);
		return NULL;
	}
	if (!port->optional && !network->learn &&
	    !has_any(port->addresses, port->prefixes)) {
		fail_without_address(port, network, error);
		return NULL;
	}
	port->net = l3vm_network_copy(network, network->name);
	g_free(port->network);
	port->network = g_strdup(network->name);
	return take_table(port, error) && take_gateways(port, error) &&
			       l3vm_check_policy(port, error)
		       ? g_steal_pointer(&port)
		       : NULL;
}

static bool check_all_local(L3vm *host, const L3vmPort *port, const GArray *addrs,
			    GError **error)
{
	for (guint i = 0; i < addrs->len; i++) {
		const L3vmAddr *addr = &g_array_index(addrs, L3vmAddr, i);
		bool local;

		/* a subnet that the host has an address of leaves it that one */
		if (!l3vm_addr_is_host(addr))
			continue;
		if (!host->kernel->ops->is_local(host->kernel, addr, &local, error))
			return false;
		if (local)
			return refuse(port, addr, error,
				      "this host's own address (choose another)");
	}
	return true;
}

bool l3vm_check_local(L3vm *host, const L3vmPort *port, GError **error)
{
	return check_all_local(host, port, port->addresses, error) &&
	       check_all_local(host, port, port->prefixes, error);
}

bool l3vm_resolve_link(L3vm *host, L3vmKernel *kernel, L3vmPort *port, GError **error)
{
	const char *bridge = port->net->bridge;
	GError *failure = NULL;
	L3vmLink link;

	(void)host;
	if (!kernel->ops->find_link(kernel, port->ifname, &link, &failure)) {
		if (failure)
			return g_propagate_error(error, failure), false;
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "%s: no such interface (create it first, or check the "
				 "name)",
				 port->ifname);
	}
	port->ifindex = link.ifindex;
	if (!bridge && *link.master)
		return l3vm_fail(
			error, L3VM_ERROR_REFUSED,
			"%s: is a port of %s, and network %s is routed (take it "
			"out, or use a network in bridge mode)",
			port->ifname, link.master, port->net->name);
	if (bridge && *link.master && strcmp(link.master, bridge) != 0)
		return l3vm_fail(
			error, L3VM_ERROR_REFUSED,
			"%s: is a port of %s, and network %s is on %s (move it, "
			"or name its network)",
			port->ifname, link.master, port->net->name, bridge);
	if (bridge && l3vm_mac_equal(&link.mac, &port->mac))
		return l3vm_fail(
			error, L3VM_ERROR_REFUSED,
			"%s: has the guest's own MAC, so the bridge would keep "
			"the guest's frames (give the interface another)",
			port->ifname);
	return true;
}

bool l3vm_check_requests(L3vm *host, L3vmPort *const *ports, size_t n, GError **error)
{
	for (size_t i = 0; i < n; i++) {
		GError *failure = NULL;
		g_autoptr(L3vmPort) port = NULL;
		bool ours;

		port = l3vm_resolve(host, ports[i], NULL, &ours, &failure);
		if (failure)
			return g_propagate_error(error, failure), false;
		if (port && !l3vm_check_local(host, port, error))
			return false;
	}
	return true;
}
