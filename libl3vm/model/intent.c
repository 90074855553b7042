/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * intent.c - what should exist in the kernel for a port and for its network
 *
 * A router interface towards a guest is the guest's tap (routed mode) or the
 * network's bridge (bridge mode); both get the same treatment, in `router_...`
 * below. Routes and neighbours are on that interface. In bridge mode the tap
 * is a mere port of the bridge, isolated from its siblings.
 */
#include "model/intent.h"

#include <linux/rtnetlink.h>
#include <string.h>

typedef struct Interface {
	unsigned index;
	const char *name;
} Interface;

static L3vmObject object(L3vmObjectKind kind, const Interface *interface)
{
	L3vmObject o = { .kind = kind, .ifindex = interface->index };

	g_strlcpy(o.ifname, interface->name ? interface->name : "", sizeof(o.ifname));
	return o;
}

static void want_number(L3vmSet *set, L3vmObjectKind kind, const Interface *interface,
			uint32_t number)
{
	L3vmObject o = object(kind, interface);

	o.number = number;
	l3vm_set_add(set, &o);
}

static void want_key(L3vmSet *set, L3vmObjectKind kind, const Interface *interface,
		     unsigned key, uint32_t number)
{
	L3vmObject o = object(kind, interface);

	o.key = key;
	o.number = number;
	l3vm_set_add(set, &o);
}

static void want_mac(L3vmSet *set, L3vmObjectKind kind, const Interface *interface,
		     const L3vmMac *mac)
{
	L3vmObject o = object(kind, interface);

	o.mac = *mac;
	l3vm_set_add(set, &o);
}

/*
 * arp_ignore 1, arp_announce 2: the interface speaks for its own addresses
 * only, not for the host's others. rp_filter 1: a guest cannot send from an
 * address that is not routed to it. accept_dad 0 and addr_gen_mode none (1): a
 * guest that answers duplicate address detection could otherwise take the
 * gateway's fe80::1, or IPv6 as such, away from the interface.
 */
static const struct {
	L3vmSysctl key;
	uint32_t value;
} router_sysctls[] = {
	{ L3VM_SYSCTL_IP4_FORWARDING, 1 },     { L3VM_SYSCTL_IP4_RP_FILTER, 1 },
	{ L3VM_SYSCTL_IP4_SEND_REDIRECTS, 0 }, { L3VM_SYSCTL_IP4_ACCEPT_REDIRECTS, 0 },
	{ L3VM_SYSCTL_IP4_ARP_IGNORE, 1 },     { L3VM_SYSCTL_IP4_ARP_ANNOUNCE, 2 },
	{ L3VM_SYSCTL_IP6_DISABLE, 0 },	       { L3VM_SYSCTL_IP6_ADDR_GEN_MODE, 1 },
	{ L3VM_SYSCTL_IP6_ACCEPT_RA, 0 },      { L3VM_SYSCTL_IP6_ACCEPT_REDIRECTS, 0 },
	{ L3VM_SYSCTL_IP6_ACCEPT_DAD, 0 },     { L3VM_SYSCTL_IP6_FORWARDING, 1 },
};

static void want_gateway(L3vmSet *set, const Interface *interface,
			 const L3vmAddr *gateway)
{
	const L3vmAddr link_local = { AF_INET6, 10, { 0xfe, 0x80 } };
	L3vmObject o = object(L3VM_OBJECT_ADDRESS, interface);

	o.addr = *gateway;
	/* fe80::1/64, or a packet from the guest's link-local address has no way
	 * back; otherwise no connected subnet, in which the host would look for
	 * neighbours */
	if (gateway->family == AF_INET6 && l3vm_prefix_contains(&link_local, gateway))
		o.addr.len = 64;
	l3vm_set_add(set, &o);
}

static void want_router_interface(L3vmSet *set, const Interface *interface,
				  const L3vmNetwork *network, bool proxy_arp,
				  const L3vmHostFacts *facts)
{
	want_mac(set, L3VM_OBJECT_MAC, interface, &network->gateway_mac);
	for (size_t i = 0; i < G_N_ELEMENTS(router_sysctls); i++)
		if (facts->ipv6 || l3vm_sysctl_family(router_sysctls[i].key) == AF_INET)
			want_key(set, L3VM_OBJECT_SYSCTL, interface,
				 router_sysctls[i].key, router_sysctls[i].value);
	/* nothing looks at it without proxy ARP, and to set it costs an open file */
	if (network->proxy_arp || network->mode == L3VM_MODE_BRIDGE)
		want_key(set, L3VM_OBJECT_SYSCTL, interface,
			 L3VM_SYSCTL_IP4_PROXY_DELAY, 0);
	want_gateway(set, interface, &network->gateway4);
	if (facts->ipv6)
		want_gateway(set, interface, &network->gateway6);
	if (network->mtu)
		want_number(set, L3VM_OBJECT_MTU, interface, network->mtu);
	want_number(set, L3VM_OBJECT_UP, interface, 1);
	want_key(set, L3VM_OBJECT_SYSCTL, interface, L3VM_SYSCTL_IP4_PROXY_ARP,
		 proxy_arp);
}

/* What only this guest takes for its gateway, on a tap of its own. */
static void want_own_gateways(L3vmSet *set, const Interface *tap, const L3vmPort *port,
			      const L3vmHostFacts *facts)
{
	for (guint i = 0; i < port->gateways->len; i++) {
		const L3vmAddr *addr = &g_array_index(port->gateways, L3vmAddr, i);

		if (addr->family == AF_INET || facts->ipv6)
			want_gateway(set, tap, addr);
	}
}

static void want_rule(L3vmSet *set, const Interface *from, const L3vmAddr *to,
		      uint32_t preference, uint32_t table)
{
	L3vmObject o = object(L3VM_OBJECT_RULE, from);

	o.addr = *to;
	o.table = table;
	o.number = preference;
	l3vm_set_add(set, &o);
}

/* What comes from @interface is routed by @table, in both families. */
static void want_rules_from(L3vmSet *set, const Interface *interface, uint32_t table,
			    const L3vmHostFacts *facts)
{
	const L3vmAddr any4 = { .family = AF_INET }, any6 = { .family = AF_INET6 };

	if (table == RT_TABLE_MAIN)
		return;
	want_rule(set, interface, &any4, L3VM_RULE_FROM, table);
	if (facts->ipv6)
		want_rule(set, interface, &any6, L3VM_RULE_FROM, table);
}

/* Whatever comes from wherever, the host itself included. */
static void want_rules_for_routes(L3vmSet *set, uint32_t table,
				  const L3vmHostFacts *facts)
{
	const L3vmAddr any4 = { .family = AF_INET }, any6 = { .family = AF_INET6 };
	const Interface anywhere = { 0, NULL };

	if (!table)
		return;
	want_rule(set, &anywhere, &any4, L3VM_RULE_ROUTES, table);
	if (facts->ipv6)
		want_rule(set, &anywhere, &any6, L3VM_RULE_ROUTES, table);
}

static void want_neighbour(L3vmSet *set, const Interface *interface,
			   const L3vmAddr *addr, const L3vmMac *mac)
{
	L3vmObject o = object(L3VM_OBJECT_NEIGHBOUR, interface);

	o.addr = *addr;
	o.mac = *mac;
	l3vm_set_add(set, &o);
}

static const L3vmAddr *first_of_family(const GArray *addresses, int family)
{
	for (guint i = 0; i < addresses->len; i++) {
		const L3vmAddr *addr = &g_array_index(addresses, L3vmAddr, i);

		if (addr->family == family)
			return addr;
	}
	return NULL;
}

/*
 * A next hop that stands for the guest's MAC: no guest need have it, since a
 * permanent neighbour maps it to the MAC and no packet ever carries it.
 *
 * On a tap it is the link-local address of the MAC. On a bridge packets from one
 * guest to another leave by the interface they came from, and then the kernel
 * sends a redirect: "go there directly", which isolated ports forbid. For IPv6
 * nothing switches that off, but there is none for a next hop that is neither
 * link-local nor the destination (net/ipv6/ndisc.c:ndisc_send_redirect()), so
 * there it is an address of fd6c:3376:6d01::/64 (RFC 4193).
 */
static L3vmAddr hop_to_mac(L3vmSet *set, const Interface *interface,
			   const L3vmPort *port)
{
	static const uint8_t unrouted[8] = { 0xfd, 0x6c, 0x33, 0x76, 0x6d, 0x01 };
	L3vmAddr hop = l3vm_addr_link_local(&port->mac);

	if (port->net->mode == L3VM_MODE_BRIDGE)
		memcpy(hop.bytes, unrouted, sizeof(unrouted));
	want_neighbour(set, interface, &hop, &port->mac);
	return hop;
}

/*
 * How a prefix is reached. An IPv4 one by the guest's first IPv4 address or, if it has
 * none, by an IPv6 next hop (RFC 5549's data plane; Linux 5.2). An IPv6 one by what
 * stands for its MAC: the kernel takes an address of the guest's for a next hop only
 * if main does not lead to it by another interface, whatever table the route is for
 * (net/ipv6/route.c:ip6_route_check_nh_onlink()). As long as the guest's old host
 * announces it, main does.
 */
static L3vmAddr next_hop(L3vmSet *set, const Interface *interface, const L3vmPort *port,
			 int family)
{
	const L3vmAddr *first = family == AF_INET
					? first_of_family(port->addresses, family)
					: NULL;

	return first ? *first : hop_to_mac(set, interface, port);
}

/* What a rank is in the kernel. */
typedef struct Rank {
	uint32_t metric; /* 0: no routes */
	uint32_t table;
} Rank;

/*
 * With routes-table the guests' routes have a table of their own, looked up before
 * main: BIRD's scans of it cannot be confused by the routes that come and go in main.
 * But at the last rank a route has to yield to one that BIRD puts into main; so that
 * rank's are there, where the metric decides. The kernel and BIRD see the new route
 * before the old one goes, as with any change of rank.
 */
static Rank rank_of(const L3vmPort *port, const L3vmRanks *ranks)
{
	const L3vmNetwork *network = port->net;
	uint32_t metric = l3vm_state_metric(port->state, ranks);
	bool apart = network->routes_table && metric != ranks->last;

	return (Rank){ metric, apart ? network->routes_table : network->table };
}

static void want_route(L3vmSet *set, const Interface *interface, const L3vmPort *port,
		       const L3vmAddr *destination, const L3vmAddr *via,
		       const Rank *rank)
{
	const Interface anywhere = { 0, NULL };
	L3vmObject o = object(L3VM_OBJECT_ROUTE, interface);

	o.addr = *destination;
	if (via)
		o.via = *via;
	o.table = rank->table;
	o.metric = rank->metric;
	if (port->net->table != RT_TABLE_MAIN)
		want_rule(set, &anywhere, destination, L3VM_RULE_TO, o.table);
	l3vm_set_add(set, &o);
}

static void want_address(L3vmSet *set, const Interface *interface, const L3vmPort *port,
			 const L3vmAddr *addr, const Rank *rank)
{
	bool hop = addr->family == AF_INET6 && port->net->mode == L3VM_MODE_BRIDGE;
	L3vmAddr via = { 0 };

	want_neighbour(set, interface, addr, &port->mac);
	if (hop)
		via = hop_to_mac(set, interface, port);
	if (rank->metric)
		want_route(set, interface, port, addr, hop ? &via : NULL, rank);
}

/* Neighbours always; routes when the state has a metric. */
static void want_reachability(L3vmSet *set, const Interface *interface,
			      const L3vmPort *port, const Rank *rank,
			      const L3vmHostFacts *facts)
{
	for (guint i = 0; i < port->addresses->len; i++) {
		const L3vmAddr *addr = &g_array_index(port->addresses, L3vmAddr, i);

		if (addr->family == AF_INET || facts->ipv6)
			want_address(set, interface, port, addr, rank);
	}
	for (guint i = 0; i < port->prefixes->len; i++) {
		const L3vmAddr *prefix = &g_array_index(port->prefixes, L3vmAddr, i);
		L3vmAddr via;

		if (!facts->ipv6 && (prefix->family == AF_INET6 ||
				     !first_of_family(port->addresses, AF_INET)))
			continue;
		via = next_hop(set, interface, port, prefix->family);
		if (rank->metric)
			want_route(set, interface, port, prefix, &via, rank);
	}
}

static void want_bridge_port(L3vmSet *set, const Interface *tap, const L3vmPort *port)
{
	L3vmObject o = object(L3VM_OBJECT_MASTER, tap);

	g_strlcpy(o.master, port->net->bridge, sizeof(o.master));
	l3vm_set_add(set, &o);
	want_key(set, L3VM_OBJECT_BRIDGE_PORT, tap, L3VM_BRIDGE_PORT_ISOLATED, 1);
	want_key(set, L3VM_OBJECT_BRIDGE_PORT, tap, L3VM_BRIDGE_PORT_LEARNING, 0);
	want_key(set, L3VM_OBJECT_BRIDGE_PORT, tap, L3VM_BRIDGE_PORT_FLOOD, 0);
	want_mac(set, L3VM_OBJECT_FDB, tap, &port->mac);
	if (port->net->mtu)
		want_number(set, L3VM_OBJECT_MTU, tap, port->net->mtu);
	want_number(set, L3VM_OBJECT_UP, tap, 1);
}

static void want_entry(L3vmSet *set, const Interface *interface, L3vmGuardKey key,
		       L3vmGuardRole role, const L3vmMac *mac, const L3vmAddr *addr)
{
	L3vmObject o = object(L3VM_OBJECT_GUARD_ENTRY, interface);

	o.key = key;
	o.number = role;
	if (mac)
		o.mac = *mac;
	if (addr)
		o.addr = *addr;
	l3vm_set_add(set, &o);
}

/* True if @addr is inside another of @ranges: nft takes none that overlap. */
static bool is_inside(const L3vmAddr *addr, const GArray *ranges)
{
	for (guint i = 0; i < ranges->len; i++) {
		const L3vmAddr *range = &g_array_index(ranges, L3vmAddr, i);

		if (!l3vm_addr_is_host(range) && !l3vm_addr_equal(range, addr) &&
		    l3vm_prefix_contains(range, addr))
			return true;
	}
	return false;
}

static void want_sources(L3vmSet *set, const Interface *tap, const L3vmPort *port,
			 L3vmGuardRole role, const L3vmHostFacts *facts)
{
	const GArray *arrays[] = { port->addresses, port->prefixes, port->guard_allow };

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++) {
			const L3vmAddr *addr = &g_array_index(arrays[i], L3vmAddr, j);
			bool range = !l3vm_addr_is_host(addr);

			if ((addr->family == AF_INET6 && !facts->ipv6) ||
			    (range && (is_inside(addr, port->prefixes) ||
				       is_inside(addr, port->guard_allow))))
				continue;
			want_entry(set, tap, L3VM_GUARD_SOURCE, role, NULL, addr);
		}
}

/*
 * A port of a network without a guard must pass where the site has closed all
 * interfaces of its name; where nothing is loaded there is nothing to open.
 */
static void want_guard(L3vmSet *set, const Interface *tap, const L3vmPort *port,
		       const L3vmHostFacts *facts)
{
	L3vmGuardRole role = port->net->mode == L3VM_MODE_BRIDGE ? L3VM_GUARD_BRIDGED
								 : L3VM_GUARD_ROUTED;
	L3vmAddr link_local = l3vm_addr_link_local(&port->mac);

	if (!port->net->guard) {
		if (facts->guard)
			want_entry(set, tap, L3VM_GUARD_PORT, L3VM_GUARD_OPEN, NULL,
				   NULL);
		return;
	}
	want_entry(set, tap, L3VM_GUARD_PORT, role, &port->mac, NULL);
	want_sources(set, tap, port, role, facts);
	if (facts->ipv6)
		want_entry(set, tap, L3VM_GUARD_SOURCE, role, NULL, &link_local);
}

/*
 * A removed port's tap may live on (managed='no', a detach by hand). Without
 * routes strict reverse-path filtering drops its IPv4; IPv6 has no such filter,
 * so forwarding goes off.
 */
static void want_closed(L3vmSet *set, const Interface *tap, const L3vmHostFacts *facts)
{
	want_key(set, L3VM_OBJECT_SYSCTL, tap, L3VM_SYSCTL_IP4_FORWARDING, 0);
	want_key(set, L3VM_OBJECT_SYSCTL, tap, L3VM_SYSCTL_IP4_PROXY_ARP, 0);
	if (facts->ipv6)
		want_key(set, L3VM_OBJECT_SYSCTL, tap, L3VM_SYSCTL_IP6_FORWARDING, 0);
}

/*
 * The other end of a service address. An address without one is a connected route to
 * FRR, which prefers that to ours and so announces nothing; and it would be announced
 * whatever its health where a site announces what is connected, or lo's addresses.
 * Loopback addresses are announced by nobody (FRR's zebra_check_addr(), BIRD's
 * net_validate()). IPv4 addresses with one other end go when the first of them goes,
 * so each has its own: 127 and its last three bytes.
 */
static L3vmAddr other_end(const L3vmAddr *addr)
{
	L3vmAddr end = *addr;

	if (addr->family == AF_INET)
		end.bytes[0] = 127;
	else
		l3vm_addr_parse("::1", &end);
	return end;
}

/* Packets to it are delivered by the table local; the route is what announcers go
 * by. The interface may go and come again under its name. */
static void want_service(L3vmSet *set, const L3vmPort *port, const Rank *rank,
			 const L3vmHostFacts *facts)
{
	const Interface interface = { 0, port->ifname };

	if (port->state == L3VM_STATE_GONE)
		return;
	/* one, or none if a guest has taken it over */
	for (guint i = 0; i < port->addresses->len; i++) {
		const L3vmAddr *addr = &g_array_index(port->addresses, L3vmAddr, i);
		L3vmObject o = object(L3VM_OBJECT_ADDRESS, &interface);

		if (addr->family == AF_INET6 && !facts->ipv6)
			continue;
		o.addr = *addr;
		o.via = other_end(addr);
		l3vm_set_add(set, &o);
		want_number(set, L3VM_OBJECT_UP, &interface, 1);
		if (rank->metric)
			want_route(set, &interface, port, addr, NULL, rank);
	}
}

void l3vm_intent_port(L3vmSet *set, const L3vmPort *port, const L3vmRanks *ranks,
		      const L3vmHostFacts *facts)
{
	const L3vmNetwork *network = port->net;
	const Interface tap = { port->ifindex, port->ifname };
	const Interface bridge = { 0, network->bridge };
	bool bridged = network->mode == L3VM_MODE_BRIDGE;
	const Rank rank = rank_of(port, ranks);

	if (port->service) {
		want_service(set, port, &rank, facts);
		return;
	}
	if (port->state == L3VM_STATE_GONE) {
		if (!bridged && port->ifname)
			want_closed(set, &tap, facts);
		return;
	}
	if (port->ifname) {
		want_guard(set, &tap, port, facts);
		if (bridged) {
			want_bridge_port(set, &tap, port);
		} else {
			want_router_interface(set, &tap, network,
					      network->proxy_arp && rank.metric, facts);
			want_own_gateways(set, &tap, port, facts);
		}
		/* what comes before the guest runs, and what its old host held */
		if (port->state == L3VM_STATE_PREPARED ||
		    port->state == L3VM_STATE_ARRIVED)
			want_number(set, L3VM_OBJECT_QUEUE, &tap, L3VM_QUEUE_PREPARED);
	}
	if (!bridged)
		want_rules_from(set, &tap, network->table, facts);
	want_reachability(set, bridged ? &bridge : &tap, port, &rank, facts);
}

static void want_covers(L3vmSet *set, const L3vmNetwork *network,
			const L3vmRanks *ranks, const L3vmHostFacts *facts)
{
	L3vmObject o = { .kind = L3VM_OBJECT_ROUTE,
			 .table = network->table,
			 .metric = ranks->last,
			 .type = network->cover == L3VM_COVER_BLACKHOLE
					 ? L3VM_ROUTE_BLACKHOLE
					 : L3VM_ROUTE_UNREACHABLE };

	if (network->cover == L3VM_COVER_NONE || !network->allow)
		return;
	for (guint i = 0; i < network->allow->len; i++) {
		o.addr = g_array_index(network->allow, L3vmAddr, i);
		if (o.addr.family == AF_INET || facts->ipv6)
			l3vm_set_add(set, &o);
	}
}

void l3vm_intent_network(L3vmSet *set, const L3vmNetwork *network,
			 const L3vmRanks *ranks, const L3vmHostFacts *facts)
{
	const Interface bridge = { 0, network->bridge }, none = { 0, NULL };

	if (network->guard)
		want_number(set, L3VM_OBJECT_GUARD, &none, 1);
	if (network->mode == L3VM_MODE_BRIDGE) {
		want_number(set, L3VM_OBJECT_BRIDGE, &bridge, 0);
		if (network->guard)
			want_entry(set, &bridge, L3VM_GUARD_PORT, L3VM_GUARD_BRIDGE,
				   NULL, NULL);
		want_router_interface(set, &bridge, network, true, facts);
		want_key(set, L3VM_OBJECT_SYSCTL, &bridge,
			 L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN, 1);
		want_rules_from(set, &bridge, network->table, facts);
	}
	want_rules_for_routes(set, network->routes_table, facts);
	want_covers(set, network, ranks, facts);
}
