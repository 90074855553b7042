/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel-netlink-route.c - routes: decode, look up, dump, encode */
#include "base/error.h"
#include "kernel/kernel-netlink.h"

#include <errno.h>
#include <string.h>

#ifndef RTM_F_FIB_MATCH
#define RTM_F_FIB_MATCH 0x2000
#endif

static uint32_t get_u32(struct nlattr **attrs, int type)
{
	return attrs[type] && nla_len(attrs[type]) >= 4 ? nla_get_u32(attrs[type]) : 0;
}

static bool decode_type(unsigned char type, L3vmRouteType *out)
{
	switch (type) {
	case RTN_UNICAST:
		*out = L3VM_ROUTE_UNICAST;
		return true;
	case RTN_UNREACHABLE:
		*out = L3VM_ROUTE_UNREACHABLE;
		return true;
	case RTN_BLACKHOLE:
		*out = L3VM_ROUTE_BLACKHOLE;
		return true;
	default:
		return false;
	}
}

/* RTA_GATEWAY, or RTA_VIA for a next hop of the other family. */
static void decode_next_hop(struct nlattr **attrs, int family, L3vmAddr *via)
{
	struct nlattr *gateway = attrs[RTA_GATEWAY];

	if (gateway && (size_t)nla_len(gateway) == l3vm_family_bytes(family)) {
		*via = l3vm_addr_from_bytes(family, nla_data(gateway),
					    l3vm_family_bits(family));
	} else if (attrs[RTA_VIA] && nla_len(attrs[RTA_VIA]) == 2 + 16) {
		const char *bytes = nla_data(attrs[RTA_VIA]);

		*via = l3vm_addr_from_bytes(AF_INET6, bytes + 2, 128);
	}
}

bool l3vm_route_decode(struct nlmsghdr *header, L3vmRouteEntry *entry)
{
	struct nlattr *attrs[RTA_MAX + 1];
	L3vmObject route = { .kind = L3VM_OBJECT_ROUTE };
	struct rtmsg *msg;

	if (nlmsg_parse(header, sizeof(*msg), attrs, RTA_MAX, NULL) < 0)
		return false;
	msg = nlmsg_data(header);
	if ((msg->rtm_family != AF_INET && msg->rtm_family != AF_INET6) ||
	    !decode_type(msg->rtm_type, &route.type) ||
	    msg->rtm_dst_len > l3vm_family_bits(msg->rtm_family))
		return false;
	route.addr.family = msg->rtm_family;
	route.addr.len = msg->rtm_dst_len;
	if (attrs[RTA_DST] &&
	    (size_t)nla_len(attrs[RTA_DST]) == l3vm_family_bytes(msg->rtm_family))
		route.addr = l3vm_addr_from_bytes(
			msg->rtm_family, nla_data(attrs[RTA_DST]), msg->rtm_dst_len);
	route.table = attrs[RTA_TABLE] ? get_u32(attrs, RTA_TABLE) : msg->rtm_table;
	route.metric = get_u32(attrs, RTA_PRIORITY);
	decode_next_hop(attrs, msg->rtm_family, &route.via);
	/* IPv6 puts unreachable routes on lo; to us they are on nothing */
	if (route.type == L3VM_ROUTE_UNICAST)
		route.ifindex = get_u32(attrs, RTA_OIF);
	*entry = (L3vmRouteEntry){ .object = route, .protocol = msg->rtm_protocol };
	return true;
}

typedef struct Lookup {
	L3vmRouteEntry entry;
	bool found;
	unsigned kernel_type;
} Lookup;

static void take_lookup(struct nlmsghdr *header, void *data)
{
	Lookup *lookup = data;

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_datalen(header) < (int)sizeof(struct rtmsg))
		return;
	lookup->kernel_type = ((struct rtmsg *)nlmsg_data(header))->rtm_type;
	lookup->found = l3vm_route_decode(header, &lookup->entry);
}

/* An errno value, which may be an answer. */
static int look_up(L3vmNetlink *netlink, const L3vmAddr *addr, Lookup *lookup)
{
	struct rtmsg *header;
	g_autoptr(L3vmNlMsg)
		msg = l3vm_nl_request(RTM_GETROUTE, 0, sizeof(*header), &header);

	*lookup = (Lookup){ .kernel_type = RTN_UNSPEC };
	header->rtm_family = addr->family;
	header->rtm_dst_len = (unsigned char)l3vm_family_bits(addr->family);
	header->rtm_flags = RTM_F_FIB_MATCH;
	/* without it IPv4 calls every table "main"; IPv6 tells it unasked, and
	 * does not know the flag */
	if (addr->family == AF_INET)
		header->rtm_flags |= RTM_F_LOOKUP_TABLE;
	nla_put(msg, RTA_DST, (int)l3vm_family_bytes(addr->family), addr->bytes);
	return l3vm_nl_talk(netlink->nl, msg, take_lookup, lookup, NULL);
}

bool l3vm_netlink_lookup(L3vmNetlink *netlink, const L3vmAddr *addr,
			 L3vmRouteEntry *entry)
{
	Lookup lookup;

	look_up(netlink, addr, &lookup);
	if (lookup.found)
		*entry = lookup.entry;
	return lookup.found;
}

/* There is none, or one that says so (net/ipv4/fib_semantics.c: fib_props). */
static bool is_no_route(int result)
{
	return result == ENETUNREACH || result == EHOSTUNREACH || result == EACCES ||
	       result == EINVAL || result == EAGAIN || result == ESRCH;
}

bool l3vm_netlink_is_local(L3vmKernel *kernel, const L3vmAddr *addr, bool *local,
			   GError **error)
{
	Lookup lookup;
	int result = look_up((L3vmNetlink *)kernel, addr, &lookup);
	unsigned type = lookup.kernel_type;

	/* what the kernel did not say is no leave to take the host's own address */
	if (result && !is_no_route(result))
		return l3vm_netlink_fail_read("routes", result, NULL, error);
	*local = type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_ANYCAST;
	return true;
}

static void take_route(struct nlmsghdr *header, void *data)
{
	L3vmRouteEntry entry;

	if (header->nlmsg_type == RTM_NEWROUTE && l3vm_route_decode(header, &entry))
		g_array_append_val((GArray *)data, entry);
}

static void drop_routes(void *data)
{
	g_array_set_size(data, 0);
}

static int dump_routes(L3vmNetlink *netlink, const L3vmRouteFilter *filter,
		       L3vmNlCallback take, void (*drop)(void *data), void *data,
		       char **text)
{
	struct rtmsg *header;
	g_autoptr(L3vmNlMsg)
		msg = l3vm_nl_request(RTM_GETROUTE, 0, sizeof(*header), &header);

	header->rtm_family = (unsigned char)filter->family;
	header->rtm_protocol = (unsigned char)filter->protocol;
	header->rtm_type = (unsigned char)filter->kernel_type;
	if (filter->table)
		nla_put_u32(msg, RTA_TABLE, filter->table);
	return l3vm_nl_dump(netlink->nl, msg, take, drop, data, text);
}

bool l3vm_netlink_routes(L3vmNetlink *netlink, const L3vmRouteFilter *filter,
			 GArray *entries, GError **error)
{
	g_autofree char *text = NULL;
	int result = dump_routes(netlink, filter, take_route, drop_routes, entries,
				 &text);

	/* a table that nothing was ever put into does not exist */
	if (result && !(filter->table && result == ENOENT))
		return l3vm_netlink_fail_read("routes", result, g_steal_pointer(&text),
					      error);
	return true;
}

/* A look-up that ends at such a route tells an error instead of it. */
static bool find_refusing(L3vmNetlink *netlink, const L3vmObject *route,
			  L3vmRouteEntry *entry)
{
	static const unsigned types[] = { RTN_BLACKHOLE, RTN_UNREACHABLE };
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(L3vmRouteEntry));

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		const L3vmRouteFilter filter = {
			.family = route->addr.family,
			.table = route->table,
			.kernel_type = types[i],
		};

		if (!l3vm_netlink_routes(netlink, &filter, entries, NULL))
			return false;
	}
	for (guint i = 0; i < entries->len; i++) {
		*entry = g_array_index(entries, L3vmRouteEntry, i);
		if (l3vm_addr_equal(&entry->object.addr, &route->addr) &&
		    entry->object.metric < route->metric)
			return true;
	}
	return false;
}

bool l3vm_netlink_is_hidden(L3vmKernel *kernel, const L3vmObject *route,
			    L3vmObject *other)
{
	L3vmNetlink *netlink = (L3vmNetlink *)kernel;
	L3vmRouteEntry entry;

	if (!l3vm_netlink_lookup(netlink, &route->addr, &entry) &&
	    !find_refusing(netlink, route, &entry))
		return false;
	*other = entry.object;
	if_indextoname(other->ifindex, other->ifname);
	return entry.protocol != kernel->protocol && other->table == route->table &&
	       l3vm_addr_equal(&other->addr, &route->addr);
}

typedef struct Others {
	uint8_t protocol; /* ours */
	const L3vmSet *wanted;
	L3vmSet *found;
} Others;

static void take_other(struct nlmsghdr *header, void *data)
{
	const Others *others = data;
	L3vmRouteEntry entry;

	if (header->nlmsg_type != RTM_NEWROUTE || !l3vm_route_decode(header, &entry) ||
	    entry.protocol == others->protocol)
		return;
	for (guint i = 0; i < l3vm_set_size(others->wanted); i++) {
		const L3vmObject *route = l3vm_set_get(others->wanted, i);

		if (entry.object.table == route->table &&
		    l3vm_addr_equal(&entry.object.addr, &route->addr))
			l3vm_set_put(others->found, route);
	}
}

static void keep_others(void *data)
{
	(void)data;
}

/* Entry by entry, since a table may have a million. Where routes change all the time
 * no dump is consistent: what was in it is good enough. */
bool l3vm_netlink_find_others(L3vmKernel *kernel, const L3vmSet *wanted, L3vmSet *found,
			      GError **error)
{
	static const int families[] = { AF_INET, AF_INET6 };
	L3vmNetlink *netlink = (L3vmNetlink *)kernel;
	Others others = { kernel->protocol, wanted, found };

	for (size_t i = 0; l3vm_set_size(wanted) && i < G_N_ELEMENTS(families); i++) {
		const L3vmRouteFilter filter = { .family = families[i] };
		g_autofree char *text = NULL;
		int result = dump_routes(netlink, &filter, take_other, keep_others,
					 &others, &text);

		if (result && result != EINTR)
			return l3vm_netlink_fail_read("routes", result,
						      g_steal_pointer(&text), error);
	}
	return true;
}

static void put_next_hop(struct nl_msg *msg, struct rtmsg *header,
			 const L3vmObject *route)
{
	uint8_t via[2 + 16];
	const uint16_t family = AF_INET6;

	/* the guest's address is a /32 that is on no connected subnet */
	header->rtm_flags |= RTNH_F_ONLINK;
	header->rtm_scope = RT_SCOPE_UNIVERSE;
	if (route->via.family == route->addr.family) {
		nla_put(msg, RTA_GATEWAY, (int)l3vm_family_bytes(route->via.family),
			route->via.bytes);
		return;
	}
	memcpy(via, &family, sizeof(family)); /* struct rtvia: host byte order */
	memcpy(via + 2, route->via.bytes, 16);
	nla_put(msg, RTA_VIA, sizeof(via), via);
}

static const unsigned char kernel_types[] = {
	[L3VM_ROUTE_UNICAST] = RTN_UNICAST,
	[L3VM_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
	[L3VM_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
};

unsigned l3vm_route_kernel_type(L3vmRouteType type)
{
	return kernel_types[type];
}

/* Every key is always given, also for a removal: without metric and protocol
 * the kernel removes the route of the lowest metric, whoever owns it. */
struct nl_msg *l3vm_route_message(const L3vmNetlink *netlink, int type, int flags,
				  const L3vmObject *route, unsigned ifindex)
{
	struct rtmsg *header;
	struct nl_msg *msg = l3vm_nl_request(type, flags, sizeof(*header), &header);

	header->rtm_family = route->addr.family;
	header->rtm_dst_len = route->addr.len;
	header->rtm_protocol = netlink->kernel.protocol;
	header->rtm_type = kernel_types[route->type];
	header->rtm_scope = route->type == L3VM_ROUTE_UNICAST &&
					    route->addr.family == AF_INET
				    ? RT_SCOPE_LINK
				    : RT_SCOPE_UNIVERSE;
	header->rtm_table = (unsigned char)(route->table < 256 ? route->table
							       : RT_TABLE_UNSPEC);
	nla_put_u32(msg, RTA_TABLE, route->table);
	nla_put_u32(msg, RTA_PRIORITY, route->metric);
	nla_put(msg, RTA_DST, (int)l3vm_family_bytes(route->addr.family),
		route->addr.bytes);
	if (route->type == L3VM_ROUTE_UNICAST)
		nla_put_u32(msg, RTA_OIF, ifindex);
	if (route->via.family != AF_UNSPEC)
		put_next_hop(msg, header, route);
	return msg;
}
