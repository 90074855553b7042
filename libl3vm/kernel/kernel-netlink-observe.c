/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink-observe.c - what the kernel has of the candidates
 *
 * Everything that is read is offered; what is a candidate (or carries our
 * protocol number, when all is asked for) is kept. A few candidates are asked
 * for one by one, at a cost that does not depend on how much else the host
 * has: a neighbour or route dump, even a filtered one, walks the whole table.
 */
#include "base/error.h"
#include "kernel/kernel-netlink.h"
#include "kernel/sysctl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <string.h>

typedef struct Observer {
	L3vmNetlink *netlink;
	const L3vmSet *candidates;
	L3vmSet *observed;
	bool all;
	GHashTable *names;   /* interface index -> name (owned), of those of interest */
	GHashTable *masters; /* all only: index -> name of every interface */
	unsigned addresses_of; /* the interface whose addresses were read last */
} Observer;

static void offer(Observer *observer, const L3vmObject *object)
{
	if (l3vm_set_find(observer->candidates, object))
		l3vm_set_put(observer->observed, object);
	else if (observer->all && object->owned)
		l3vm_set_add(observer->observed, object);
}

static const char *name_of(const Observer *observer, unsigned ifindex)
{
	/* when all is asked for, what is ours counts on any interface */
	return g_hash_table_lookup(observer->masters ? observer->masters
						     : observer->names,
				   GUINT_TO_POINTER(ifindex));
}

/* 0: there is no such interface. */
static unsigned index_of(const Observer *observer, const L3vmObject *candidate)
{
	return candidate->ifindex
		       ? candidate->ifindex
		       : l3vm_nl_ifindex(observer->netlink->nl, candidate->ifname);
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

/* --- links --------------------------------------------------------------- */

/* The 32-bit array of settings of one family (IFLA_INET_CONF, IFLA_INET6_CONF). */
static struct nlattr *conf_of(const L3vmLinkAttrs *link, int family)
{
	struct nlattr *families[AF_INET6 + 1], *conf[IFLA_INET6_MAX + 1];
	int attribute = family == AF_INET ? IFLA_INET_CONF : IFLA_INET6_CONF;

	if (!link->attrs[IFLA_AF_SPEC] ||
	    nla_parse_nested(families, AF_INET6, link->attrs[IFLA_AF_SPEC], NULL) < 0 ||
	    !families[family] ||
	    nla_parse_nested(conf, IFLA_INET6_MAX, families[family], NULL) < 0)
		return NULL;
	return conf[attribute];
}

static void offer_number(Observer *observer, const L3vmObject *like,
			 L3vmObjectKind kind, unsigned key, uint32_t number)
{
	L3vmObject o = *like;

	o.kind = kind;
	o.key = key;
	o.number = number;
	offer(observer, &o);
}

static void offer_sysctls(Observer *observer, const L3vmObject *like,
			  const L3vmLinkAttrs *link)
{
	struct nlattr *conf4 = conf_of(link, AF_INET), *conf6 = conf_of(link, AF_INET6);

	for (unsigned key = 0; key < L3VM_SYSCTL_COUNT; key++) {
		struct nlattr *conf = l3vm_sysctl_family(key) == AF_INET ? conf4
									 : conf6;
		int index = l3vm_sysctl_conf_index(key);
		uint32_t value;

		if (index < 0 || !conf || nla_len(conf) < (index + 1) * 4)
			continue;
		memcpy(&value, (char *)nla_data(conf) + index * 4, sizeof(value));
		offer_number(observer, like, L3VM_OBJECT_SYSCTL, key, value);
	}
}

/* The settings that no netlink attribute tells are read only when asked for. */
static void offer_sysctl_files(Observer *observer, const L3vmObject *like)
{
	L3vmObject o = *like;

	o.kind = L3VM_OBJECT_SYSCTL;
	o.key = L3VM_SYSCTL_IP4_PROXY_DELAY;
	if (l3vm_set_find(observer->candidates, &o) &&
	    l3vm_sysctl_read(o.key, o.ifname, &o.number) == 0)
		offer(observer, &o);
}

static void offer_bridge_port(Observer *observer, const L3vmObject *like,
			      const L3vmLinkAttrs *link)
{
	static const int attributes[L3VM_BRIDGE_PORT_COUNT] = {
		[L3VM_BRIDGE_PORT_ISOLATED] = IFLA_BRPORT_ISOLATED,
		[L3VM_BRIDGE_PORT_LEARNING] = IFLA_BRPORT_LEARNING,
		[L3VM_BRIDGE_PORT_FLOOD] = IFLA_BRPORT_UNICAST_FLOOD,
	};

	for (unsigned flag = 0; link->is_port && flag < L3VM_BRIDGE_PORT_COUNT;
	     flag++) {
		struct nlattr *attr = link->port[attributes[flag]];

		if (attr)
			offer_number(observer, like, L3VM_OBJECT_BRIDGE_PORT, flag,
				     nla_get_u8(attr));
	}
}

static void offer_master(Observer *observer, const L3vmObject *like, unsigned master)
{
	L3vmObject o = *like;

	o.kind = L3VM_OBJECT_MASTER;
	if (master && observer->masters) {
		const char *name = g_hash_table_lookup(observer->masters,
						       GUINT_TO_POINTER(master));

		g_strlcpy(o.master, name ? name : "", sizeof(o.master));
	} else if (master) {
		if_indextoname(master, o.master);
	}
	offer(observer, &o);
}

static void offer_link(Observer *observer, const L3vmLinkAttrs *link)
{
	L3vmObject o = { .ifindex = (unsigned)link->header->ifi_index };

	g_strlcpy(o.ifname, link->name, sizeof(o.ifname));
	if (!strcmp(link->kind, "bridge"))
		offer_number(observer, &o, L3VM_OBJECT_BRIDGE, 0, 0);
	offer_number(observer, &o, L3VM_OBJECT_MTU, 0, get_u32(link->attrs[IFLA_MTU]));
	offer_number(observer, &o, L3VM_OBJECT_QUEUE, 0,
		     get_u32(link->attrs[IFLA_TXQLEN]));
	offer_number(observer, &o, L3VM_OBJECT_UP, 0,
		     !!(link->header->ifi_flags & IFF_UP));
	offer_master(observer, &o, get_u32(link->attrs[IFLA_MASTER]));
	offer_bridge_port(observer, &o, link);
	offer_sysctls(observer, &o, link);
	offer_sysctl_files(observer, &o);
	o.kind = L3VM_OBJECT_MAC;
	l3vm_link_mac(link, &o.mac);
	offer(observer, &o);
}

static void take_link(struct nlmsghdr *message, void *data)
{
	L3vmLinkAttrs link;

	if (l3vm_link_decode(message, &link))
		offer_link(data, &link);
}

static void remember_name(struct nlmsghdr *message, void *data)
{
	Observer *observer = data;
	L3vmLinkAttrs link;

	if (l3vm_link_decode(message, &link))
		g_hash_table_insert(observer->masters,
				    GUINT_TO_POINTER((unsigned)link.header->ifi_index),
				    g_strdup(link.name));
}

/* Repeated entries replace each other, so a repeated dump needs no clean-up. */
static void keep(void *data)
{
	(void)data;
}

static bool dump(Observer *observer, struct nl_msg *request, L3vmNlCallback callback,
		 const char *what, GError **error)
{
	g_autoptr(L3vmNlMsg) msg = request;
	char *text = NULL;
	int result = l3vm_nl_dump(observer->netlink->nl, msg, callback, keep, observer,
				  &text);

	if (result)
		return l3vm_netlink_fail_read(what, result, text, error);
	g_free(text);
	return true;
}

static bool observe_one_link(Observer *observer, const char *ifname, GError **error)
{
	g_autoptr(L3vmNlMsg) msg = l3vm_link_request(ifname);
	char *text = NULL;
	int result = l3vm_nl_talk(observer->netlink->nl, msg, take_link, observer,
				  &text);

	if (result && result != ENODEV)
		return l3vm_netlink_fail_read(ifname, result, text, error);
	g_free(text);
	return true;
}

/* The interfaces that candidates name, and their indexes as of now. */
static void collect_names(Observer *observer)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < l3vm_set_size(observer->candidates); i++) {
		const L3vmObject *o = l3vm_set_get(observer->candidates, i);
		unsigned ifindex;

		if (!*o->ifname || !g_hash_table_add(seen, (void *)o->ifname))
			continue;
		ifindex = index_of(observer, o);
		if (ifindex)
			g_hash_table_insert(observer->names, GUINT_TO_POINTER(ifindex),
					    g_strdup(o->ifname));
	}
}

static bool observe_links(Observer *observer, GError **error)
{
	GHashTableIter iter;
	void *name;

	if (observer->all) {
		/* twice: a port may come before its bridge */
		return dump(observer, l3vm_link_request(NULL), remember_name, "links",
			    error) &&
		       dump(observer, l3vm_link_request(NULL), take_link, "links",
			    error);
	}
	g_hash_table_iter_init(&iter, observer->names);
	while (g_hash_table_iter_next(&iter, NULL, &name))
		if (!observe_one_link(observer, name, error))
			return false;
	return true;
}

/* --- addresses ------------------------------------------------------------- */

static void take_address(struct nlmsghdr *message, void *data)
{
	Observer *observer = data;
	struct nlattr *attrs[IFA_MAX + 1];
	L3vmObject o = { .kind = L3VM_OBJECT_ADDRESS };
	struct ifaddrmsg *header;
	struct nlattr *address;
	const char *name;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse(message, sizeof(*header), attrs, IFA_MAX, NULL) < 0)
		return;
	header = nlmsg_data(message);
	address = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	name = name_of(observer, header->ifa_index);
	if (!name || !address ||
	    (size_t)nla_len(address) != l3vm_family_bytes(header->ifa_family))
		return;
	o.ifindex = header->ifa_index;
	g_strlcpy(o.ifname, name, sizeof(o.ifname));
	o.addr = l3vm_addr_from_bytes(header->ifa_family, nla_data(address),
				      header->ifa_prefixlen);
	offer(observer, &o);
}

static bool dump_addresses(Observer *observer, int family, unsigned ifindex,
			   GError **error)
{
	struct ifaddrmsg *header;
	struct nl_msg *msg = l3vm_nl_request(RTM_GETADDR, 0, sizeof(*header), &header);

	header->ifa_family = (uint8_t)family;
	header->ifa_index = ifindex; /* 0: all */
	return dump(observer, msg, take_address, "addresses", error);
}

static bool observe_address(Observer *observer, const L3vmObject *candidate,
			    GError **error)
{
	unsigned ifindex = index_of(observer, candidate);
	g_autoptr(GError) ignored = NULL;

	(void)error;
	/* the addresses of an interface follow each other, and one dump tells
	 * them in both families; one that vanished has none: ENODEV */
	if (ifindex && ifindex != observer->addresses_of)
		dump_addresses(observer, AF_UNSPEC, ifindex, &ignored);
	observer->addresses_of = ifindex;
	return true;
}

/* --- neighbours and forwarding entries ----------------------------------- */

static void offer_neighbour(Observer *observer, const struct ndmsg *header,
			    struct nlattr **attrs, L3vmObject *o)
{
	struct nlattr *dst = attrs[NDA_DST], *protocol = attrs[NDA_PROTOCOL];

	if (!(header->ndm_state & NUD_PERMANENT) || !dst ||
	    (size_t)nla_len(dst) != l3vm_family_bytes(header->ndm_family))
		return;
	o->kind = L3VM_OBJECT_NEIGHBOUR;
	o->addr = l3vm_addr_from_bytes(header->ndm_family, nla_data(dst),
				       l3vm_family_bits(header->ndm_family));
	o->owned = protocol &&
		   nla_get_u8(protocol) == observer->netlink->kernel.protocol;
	offer(observer, o);
}

static void take_neighbour(struct nlmsghdr *message, void *data)
{
	Observer *observer = data;
	struct nlattr *attrs[NDA_MAX + 1];
	struct ndmsg *header;
	L3vmObject o = { 0 };
	const char *name;

	if (message->nlmsg_type != RTM_NEWNEIGH ||
	    nlmsg_parse(message, sizeof(*header), attrs, NDA_MAX, NULL) < 0)
		return;
	header = nlmsg_data(message);
	name = name_of(observer, (unsigned)header->ndm_ifindex);
	if (!name || !attrs[NDA_LLADDR] || nla_len(attrs[NDA_LLADDR]) != sizeof(o.mac))
		return;
	o.ifindex = (unsigned)header->ndm_ifindex;
	g_strlcpy(o.ifname, name, sizeof(o.ifname));
	memcpy(&o.mac, nla_data(attrs[NDA_LLADDR]), sizeof(o.mac));
	if (header->ndm_family == AF_BRIDGE) {
		o.kind = L3VM_OBJECT_FDB;
		if (header->ndm_state & NUD_NOARP)
			offer(observer, &o);
	} else {
		offer_neighbour(observer, header, attrs, &o);
	}
}

static bool dump_neighbours(Observer *observer, int family, GError **error)
{
	struct ndmsg *header;
	struct nl_msg *msg = l3vm_nl_request(RTM_GETNEIGH, 0, sizeof(*header), &header);

	header->ndm_family = (uint8_t)family;
	return dump(observer, msg, take_neighbour, "neighbours", error);
}

/* One neighbour or forwarding entry. Any error is taken as "none": adding it
 * again replaces what is there. */
static void observe_neighbour(Observer *observer, const L3vmObject *candidate)
{
	bool fdb = candidate->kind == L3VM_OBJECT_FDB;
	struct ndmsg *header;
	g_autoptr(L3vmNlMsg)
		msg = l3vm_nl_request(RTM_GETNEIGH, 0, sizeof(*header), &header);

	header->ndm_family = fdb ? AF_BRIDGE : candidate->addr.family;
	header->ndm_flags = fdb ? NTF_MASTER : 0;
	header->ndm_ifindex = (int)index_of(observer, candidate);
	if (!header->ndm_ifindex)
		return;
	if (fdb)
		nla_put(msg, NDA_LLADDR, sizeof(candidate->mac), &candidate->mac);
	else
		nla_put(msg, NDA_DST, (int)l3vm_family_bytes(candidate->addr.family),
			candidate->addr.bytes);
	l3vm_nl_talk(observer->netlink->nl, msg, take_neighbour, observer, NULL);
}

/* --- rules ------------------------------------------------------------------ */

static void take_rule(struct nlmsghdr *message, void *data)
{
	Observer *observer = data;
	struct nlattr *attrs[FRA_MAX + 1];
	L3vmObject o = { .kind = L3VM_OBJECT_RULE };
	struct fib_rule_hdr *header;
	struct nlattr *dst;

	if (message->nlmsg_type != RTM_NEWRULE ||
	    nlmsg_parse(message, sizeof(*header), attrs, FRA_MAX, NULL) < 0)
		return;
	header = nlmsg_data(message);
	dst = attrs[FRA_DST];
	o.addr.family = header->family;
	if (dst && (size_t)nla_len(dst) == l3vm_family_bytes(header->family))
		o.addr = l3vm_addr_from_bytes(header->family, nla_data(dst),
					      header->dst_len);
	if (attrs[FRA_IIFNAME])
		g_strlcpy(o.ifname, nla_get_string(attrs[FRA_IIFNAME]),
			  sizeof(o.ifname));
	o.table = attrs[FRA_TABLE] ? get_u32(attrs[FRA_TABLE]) : header->table;
	o.number = get_u32(attrs[FRA_PRIORITY]);
	o.inverted = header->flags & FIB_RULE_INVERT;
	o.owned = attrs[FRA_PROTOCOL] &&
		  nla_get_u8(attrs[FRA_PROTOCOL]) == observer->netlink->kernel.protocol;
	if (o.owned)
		offer(observer, &o);
}

static bool observe_rules(Observer *observer, int family, GError **error)
{
	struct fib_rule_hdr *header;
	struct nl_msg *msg = l3vm_nl_request(RTM_GETRULE, 0, sizeof(*header), &header);

	header->family = (uint8_t)family;
	return dump(observer, msg, take_rule, "rules", error);
}

/* --- routes ------------------------------------------------------------------ */

/* What @entry is as an object; false: not ours, or its interface is gone. */
static bool take_route(const Observer *observer, const L3vmRouteEntry *entry,
		       L3vmObject *o)
{
	const char *name;

	*o = entry->object;
	name = o->ifindex ? name_of(observer, o->ifindex) : "";
	if (entry->protocol != observer->netlink->kernel.protocol)
		return false;
	if (name)
		g_strlcpy(o->ifname, name, sizeof(o->ifname));
	else if (!if_indextoname(o->ifindex, o->ifname))
		return false;
	o->owned = true;
	return true;
}

static void offer_route(Observer *observer, const L3vmRouteEntry *entry)
{
	L3vmObject o;

	if (take_route(observer, entry, &o))
		offer(observer, &o);
}

/* Ours to the candidate's destination in another rank, left behind by a crash.
 * A better one would keep the candidate from ever being used. */
static void offer_other_rank(Observer *observer, const L3vmObject *candidate,
			     const L3vmRouteEntry *entry)
{
	L3vmObject o;

	if (entry->object.table == candidate->table &&
	    entry->object.type == candidate->type && take_route(observer, entry, &o))
		l3vm_set_put(observer->observed, &o);
}

static bool offer_routes(Observer *observer, const L3vmRouteFilter *filter,
			 GError **error)
{
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(L3vmRouteEntry));

	if (!l3vm_netlink_routes(observer->netlink, filter, entries, error))
		return false;
	for (guint i = 0; i < entries->len; i++)
		offer_route(observer, &g_array_index(entries, L3vmRouteEntry, i));
	return true;
}

/*
 * The kernel tells the best route of the longest prefix. Another prefix: there
 * is none for the candidate's. Exactly it, ours: offered. Exactly it but a
 * stranger's, which may hide ours of a worse rank: the table must be read.
 */
static bool observe_guest_route(Observer *observer, const L3vmObject *candidate,
				GError **error)
{
	const L3vmRouteFilter filter = {
		.family = candidate->addr.family,
		.table = candidate->table,
		.protocol = observer->netlink->kernel.protocol,
	};
	L3vmRouteEntry entry;

	if (!l3vm_netlink_lookup(observer->netlink, &candidate->addr, &entry) ||
	    !l3vm_addr_equal(&entry.object.addr, &candidate->addr))
		return true;
	if (entry.protocol != observer->netlink->kernel.protocol)
		return offer_routes(observer, &filter, error);
	offer_other_rank(observer, candidate, &entry);
	return true;
}

/* A look-up that ends at a cover returns an error instead of the route, and most
 * end at some guest's address. The few covers are read as what they are. */
static bool observe_cover(Observer *observer, const L3vmObject *candidate,
			  GError **error)
{
	const L3vmRouteFilter filter = {
		.family = candidate->addr.family,
		.table = candidate->table,
		.protocol = observer->netlink->kernel.protocol,
		.kernel_type = l3vm_route_kernel_type(candidate->type),
	};

	return l3vm_set_find(observer->observed, candidate) ||
	       offer_routes(observer, &filter, error);
}

static bool observe_route(Observer *observer, const L3vmObject *candidate,
			  GError **error)
{
	if (candidate->type != L3VM_ROUTE_UNICAST)
		return observe_cover(observer, candidate, error);
	return observe_guest_route(observer, candidate, error);
}

static bool observe_all_routes(Observer *observer, int family, GError **error)
{
	const L3vmRouteFilter filter = {
		.family = family,
		.protocol = observer->netlink->kernel.protocol,
	};

	return offer_routes(observer, &filter, error);
}

static void offer_guard(void *data, const L3vmObject *object)
{
	offer(data, object);
}

static void offer_candidates(Observer *observer)
{
	for (guint i = 0; i < l3vm_set_size(observer->candidates); i++) {
		const L3vmObject *o = l3vm_set_get(observer->candidates, i);

		if (o->kind == L3VM_OBJECT_GUARD || o->kind == L3VM_OBJECT_GUARD_ENTRY)
			offer(observer, o);
	}
}

/* Routes anybody may read, the guard root alone: who may read the records and no
 * more hears of no fault in it. */
static bool observe_guard(Observer *observer, L3vmObserve how, GError **error)
{
	int result = l3vm_netlink_observe_guard(observer->netlink, observer->candidates,
						how, offer_guard, observer);

	if (result == EPERM && how != L3VM_OBSERVE_FRESH) {
		offer_candidates(observer);
		return true;
	}
	if (result == EPROTONOSUPPORT)
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "guard: the kernel has no nftables (load nf_tables, "
				 "or set `guard = no` in l3vm.conf)");
	return !result || l3vm_netlink_fail_read("guard", result, NULL, error);
}

/* --- the two ways to observe --------------------------------------------- */

static bool observe_candidate(Observer *observer, const L3vmObject *candidate,
			      L3vmObserve how, GError **error)
{
	switch (candidate->kind) {
	case L3VM_OBJECT_ADDRESS:
		return observe_address(observer, candidate, error);
	case L3VM_OBJECT_FDB:
	case L3VM_OBJECT_NEIGHBOUR:
		observe_neighbour(observer, candidate);
		return true;
	case L3VM_OBJECT_ROUTE:
		/* covers are shared by all ports of a network */
		return (how == L3VM_OBSERVE_FRESH &&
			candidate->type == L3VM_ROUTE_UNICAST) ||
		       observe_route(observer, candidate, error);
	case L3VM_OBJECT_RULE:
		/* the list is short, or all of forwarding is slow */
		return l3vm_set_find(observer->observed, candidate) ||
		       observe_rules(observer, candidate->addr.family, error);
	case L3VM_OBJECT_GUARD:
	case L3VM_OBJECT_GUARD_ENTRY:
		break; /* all at once */
	case L3VM_OBJECT_BRIDGE:
	case L3VM_OBJECT_MAC:
	case L3VM_OBJECT_SYSCTL:
	case L3VM_OBJECT_MTU:
	case L3VM_OBJECT_QUEUE:
	case L3VM_OBJECT_MASTER:
	case L3VM_OBJECT_BRIDGE_PORT:
	case L3VM_OBJECT_UP:
		break; /* came with the links */
	}
	return true;
}

static bool observe_candidates(Observer *observer, L3vmObserve how, GError **error)
{
	for (guint i = 0; i < l3vm_set_size(observer->candidates); i++)
		if (!observe_candidate(observer, l3vm_set_get(observer->candidates, i),
				       how, error))
			return false;
	return true;
}

/*
 * A dump of IPv6 routes omits some that are there while others come and go
 * (seen on Linux 6.18: the walk restarts and skips by count), and no flag tells.
 * So each that seems to be missing is asked for by itself.
 */
static bool confirm_absent_routes(Observer *observer, GError **error)
{
	for (guint i = 0; i < l3vm_set_size(observer->candidates); i++) {
		const L3vmObject *o = l3vm_set_get(observer->candidates, i);

		if (o->kind == L3VM_OBJECT_ROUTE &&
		    !l3vm_set_find(observer->observed, o) &&
		    !observe_route(observer, o, error))
			return false;
	}
	return true;
}

static bool observe_everything(Observer *observer, GError **error)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		if (families[i] == AF_INET6 && !observer->netlink->kernel.ops->has_ipv6(
						       &observer->netlink->kernel))
			continue;
		if (!dump_addresses(observer, families[i], 0, error) ||
		    !dump_neighbours(observer, families[i], error) ||
		    !observe_rules(observer, families[i], error) ||
		    !observe_all_routes(observer, families[i], error))
			return false;
	}
	return dump_neighbours(observer, AF_BRIDGE, error) &&
	       confirm_absent_routes(observer, error);
}

bool l3vm_netlink_observe(L3vmKernel *kernel, const L3vmSet *candidates,
			  L3vmObserve how, L3vmSet *observed, GError **error)
{
	g_autoptr(GHashTable) names =
		g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
	g_autoptr(GHashTable) masters =
		g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
	Observer observer = { .netlink = (L3vmNetlink *)kernel,
			      .candidates = candidates,
			      .observed = observed,
			      .all = how == L3VM_OBSERVE_ALL,
			      .names = names,
			      .masters = how == L3VM_OBSERVE_ALL ? masters : NULL };

	collect_names(&observer);
	if (!observe_links(&observer, error) || !observe_guard(&observer, how, error))
		return false;
	return observer.all ? observe_everything(&observer, error)
			    : observe_candidates(&observer, how, error);
}
