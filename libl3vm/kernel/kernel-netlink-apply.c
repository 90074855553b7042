/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink-apply.c - makes one change
 *
 * Each kind of object has a function that builds its message (or writes its
 * file). Two outcomes of the kernel are no errors: what should be added stands
 * there already, identically; what should go is gone.
 */
#include "base/error.h"
#include "kernel/kernel-netlink.h"
#include "kernel/sysctl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <string.h>

/* What one change needs beside itself. */
typedef struct Apply {
	L3vmNetlink *netlink;
	const L3vmChange *change;
	const L3vmObject *object; /* after, or before when it goes */
	unsigned ifindex;
	bool remove;
	char *text; /* the kernel's words */
} Apply;

static int talk(Apply *apply, struct nl_msg *msg)
{
	int result = l3vm_nl_talk(apply->netlink->nl, msg, NULL, NULL, &apply->text);

	nlmsg_free(msg);
	return result;
}

static struct nl_msg *link_message(const Apply *apply, int type)
{
	struct ifinfomsg *header;
	struct nl_msg *msg = l3vm_nl_request(type, 0, sizeof(*header), &header);

	header->ifi_family = AF_UNSPEC;
	header->ifi_index = (int)apply->ifindex;
	return msg;
}

/* `bridge = eth0` must not make a gateway of the uplink. */
static int check_bridge(Apply *apply)
{
	L3vmLink link;

	if (!l3vm_netlink_find_link(&apply->netlink->kernel, apply->object->ifname,
				    &link, NULL) ||
	    link.is_bridge)
		return 0;
	g_free(apply->text);
	apply->text =
		g_strdup("there is an interface of that name, and it is no bridge");
	return ENOTUNIQ;
}

/* Another process may have been the faster to make it, and uses it: only what
 * has no ports is taken away again. */
static int remove_bridge(Apply *apply)
{
	L3vmLink link;

	if (!l3vm_netlink_find_link(&apply->netlink->kernel, apply->object->ifname,
				    &link, NULL) ||
	    !link.is_bridge ||
	    l3vm_netlink_bridge_has_ports(apply->netlink, link.ifindex))
		return 0;
	return talk(apply, link_message(apply, RTM_DELLINK));
}

/*
 * STP off: the port forwards at once, and there is no loop to find. Multicast
 * snooping off: without a querier it would stop the guests' neighbour
 * solicitations.
 */
static int apply_bridge(Apply *apply)
{
	struct ifinfomsg *header;
	struct nlattr *info, *data;
	struct nl_msg *msg;
	int result;

	if (apply->remove)
		return remove_bridge(apply);
	msg = l3vm_nl_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*header),
			      &header);
	nla_put_string(msg, IFLA_IFNAME, apply->object->ifname);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "bridge");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u32(msg, IFLA_BR_STP_STATE, 0);
	nla_put_u8(msg, IFLA_BR_MCAST_SNOOPING, 0);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	result = talk(apply, msg);
	return result == EEXIST ? check_bridge(apply) : result;
}

/* One setting that RTM_SETLINK takes. */
static int apply_setting(Apply *apply)
{
	return talk(apply, l3vm_settings_message(apply->ifindex, &apply->object, 1));
}

static int apply_master(Apply *apply)
{
	struct nl_msg *msg;
	unsigned master = 0;

	if (*apply->object->master) {
		master = l3vm_nl_ifindex(apply->netlink->nl, apply->object->master);
		if (!master)
			return ENODEV;
	}
	msg = link_message(apply, RTM_SETLINK);
	nla_put_u32(msg, IFLA_MASTER, master);
	return talk(apply, msg);
}

static int apply_up(Apply *apply)
{
	struct nl_msg *msg = link_message(apply, RTM_SETLINK);
	struct ifinfomsg *header = nlmsg_data(nlmsg_hdr(msg));

	header->ifi_change = IFF_UP;
	header->ifi_flags = apply->object->number ? IFF_UP : 0;
	return talk(apply, msg);
}

static int apply_sysctl(Apply *apply)
{
	const L3vmObject *o = apply->object;

	if (l3vm_sysctl_by_netlink(o->key))
		return apply_setting(apply);
	return l3vm_sysctl_write(o->key, o->ifname, apply->ifindex, o->number,
				 apply->netlink->nl);
}

static int apply_address(Apply *apply)
{
	const L3vmAddr *addr = &apply->object->addr;
	/* a service address, whose other end is a loopback address */
	bool service = apply->object->via.family != AF_UNSPEC;
	int size = (int)l3vm_family_bytes(addr->family);
	int type = apply->remove ? RTM_DELADDR : RTM_NEWADDR;
	const struct ifa_cacheinfo deprecated = { .ifa_valid = UINT32_MAX };
	struct ifaddrmsg *header;
	struct nl_msg *msg =
		l3vm_nl_request(type, apply->remove ? 0 : NLM_F_CREATE | NLM_F_EXCL,
				sizeof(*header), &header);

	header->ifa_family = addr->family;
	header->ifa_prefixlen = addr->len;
	header->ifa_scope = service ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	header->ifa_index = apply->ifindex;
	nla_put(msg, IFA_LOCAL, size, addr->bytes);
	nla_put(msg, IFA_ADDRESS, size,
		service ? apply->object->via.bytes : addr->bytes);
	/* a guest that answers duplicate address detection must not win it */
	if (!apply->remove)
		nla_put_u32(msg, IFA_FLAGS,
			    (addr->family == AF_INET6 ? IFA_F_NODAD : 0) |
				    (service ? IFA_F_NOPREFIXROUTE : 0));
	/* the host must not speak from an address that others have, too */
	if (service && addr->family == AF_INET6 && !apply->remove)
		nla_put(msg, IFA_CACHEINFO, sizeof(deprecated), &deprecated);
	return talk(apply, msg);
}

static struct nl_msg *neighbour_message(const Apply *apply, int family, uint16_t state,
					uint8_t flags)
{
	int type = apply->remove ? RTM_DELNEIGH : RTM_NEWNEIGH;
	struct ndmsg *header;
	struct nl_msg *msg =
		l3vm_nl_request(type, apply->remove ? 0 : NLM_F_CREATE | NLM_F_REPLACE,
				sizeof(*header), &header);

	header->ndm_family = (uint8_t)family;
	header->ndm_ifindex = (int)apply->ifindex;
	header->ndm_state = state;
	header->ndm_flags = flags;
	return msg;
}

/* NUD_NOARP is what bridge(8) calls static: never ages, never moves. */
static int apply_fdb(Apply *apply)
{
	struct nl_msg *msg = neighbour_message(apply, AF_BRIDGE, NUD_NOARP, NTF_MASTER);

	nla_put(msg, NDA_LLADDR, sizeof(apply->object->mac), &apply->object->mac);
	return talk(apply, msg);
}

static int apply_neighbour(Apply *apply)
{
	const L3vmObject *o = apply->object;
	struct nl_msg *msg = neighbour_message(apply, o->addr.family, NUD_PERMANENT, 0);

	nla_put(msg, NDA_DST, (int)l3vm_family_bytes(o->addr.family), o->addr.bytes);
	if (!apply->remove) {
		nla_put(msg, NDA_LLADDR, sizeof(o->mac), &o->mac);
		nla_put_u8(msg, NDA_PROTOCOL, apply->netlink->kernel.protocol);
	}
	return talk(apply, msg);
}

static int apply_rule(Apply *apply)
{
	const L3vmObject *o = apply->object;
	int type = apply->remove ? RTM_DELRULE : RTM_NEWRULE;
	struct fib_rule_hdr *header;
	struct nl_msg *msg =
		l3vm_nl_request(type, apply->remove ? 0 : NLM_F_CREATE | NLM_F_EXCL,
				sizeof(*header), &header);

	header->family = o->addr.family;
	header->dst_len = o->addr.len;
	header->action = FR_ACT_TO_TBL;
	header->flags = o->inverted ? FIB_RULE_INVERT : 0;
	header->table = (uint8_t)(o->table < 256 ? o->table : RT_TABLE_UNSPEC);
	nla_put_u32(msg, FRA_TABLE, o->table);
	nla_put_u32(msg, FRA_PRIORITY, o->number);
	nla_put_u8(msg, FRA_PROTOCOL, apply->netlink->kernel.protocol);
	if (*o->ifname)
		nla_put_string(msg, FRA_IIFNAME, o->ifname);
	if (o->addr.len)
		nla_put(msg, FRA_DST, (int)l3vm_family_bytes(o->addr.family),
			o->addr.bytes);
	return talk(apply, msg);
}

static bool find_in_table(Apply *apply, L3vmRouteEntry *occupant)
{
	const L3vmObject *o = apply->object;
	const L3vmRouteFilter filter = { .family = o->addr.family, .table = o->table };
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(L3vmRouteEntry));

	if (!l3vm_netlink_routes(apply->netlink, &filter, entries, NULL))
		return false;
	for (guint i = 0; i < entries->len; i++) {
		*occupant = g_array_index(entries, L3vmRouteEntry, i);
		if (l3vm_object_same(&occupant->object, o))
			return true;
	}
	return false;
}

/* What has this destination, table and metric. Mostly a look-up tells; behind a
 * better route it does not, and then the whole table is read. */
static bool find_occupant(Apply *apply, L3vmRouteEntry *occupant)
{
	return (l3vm_netlink_lookup(apply->netlink, &apply->object->addr, occupant) &&
		l3vm_object_same(&occupant->object, apply->object)) ||
	       find_in_table(apply, occupant);
}

static int put_route(Apply *apply, int flag)
{
	return talk(apply, l3vm_route_message(apply->netlink, RTM_NEWROUTE,
					      NLM_F_CREATE | flag, apply->object,
					      apply->ifindex));
}

/* A change from a thing to itself: its only purpose is that the kernel tells it. */
static bool is_assertion(const L3vmChange *change)
{
	return change->has_before && change->has_after &&
	       l3vm_object_equal(&change->before, &change->after);
}

/*
 * Replacing an IPv4 route by its like is not told (net/ipv4/fib_trie.c:
 * fib_table_insert()). With a metric that matters to TCP of this host alone it is
 * another route, for the moment until it is replaced again.
 */
static int put_other_route(Apply *apply)
{
	struct nl_msg *msg = l3vm_route_message(apply->netlink, RTM_NEWROUTE,
						NLM_F_CREATE | NLM_F_REPLACE,
						apply->object, apply->ifindex);
	struct nlattr *metrics = nla_nest_start(msg, RTA_METRICS);

	nla_put_u32(msg, RTAX_QUICKACK, 1);
	nla_nest_end(msg, metrics);
	return talk(apply, msg);
}

/*
 * Ours, whatever it says: replaced; a crash left it behind, or it is changed. A
 * stranger's: ESTALE, a value that the kernel does not use here. The kernel by
 * itself would replace that as well.
 */
static int replace_route(Apply *apply)
{
	char ifname[IF_NAMESIZE] = "?";
	L3vmRouteEntry occupant;

	if (!find_occupant(apply, &occupant))
		return put_route(apply, NLM_F_EXCL);
	if (occupant.protocol == apply->netlink->kernel.protocol) {
		if (is_assertion(apply->change) &&
		    apply->object->addr.family == AF_INET)
			put_other_route(apply);
		return put_route(apply, NLM_F_REPLACE);
	}
	if_indextoname(occupant.object.ifindex, ifname);
	g_free(apply->text);
	apply->text = g_strdup_printf("protocol %u has that route on %s",
				      occupant.protocol, ifname);
	return ESTALE;
}

static int apply_route(Apply *apply)
{
	int result;

	if (apply->remove)
		return talk(apply, l3vm_route_message(apply->netlink, RTM_DELROUTE, 0,
						      apply->object, apply->ifindex));
	if (apply->change->has_before)
		return replace_route(apply);
	result = put_route(apply, NLM_F_EXCL);
	return result == EEXIST ? replace_route(apply) : result;
}

static int dispatch(Apply *apply)
{
	switch (apply->object->kind) {
	case L3VM_OBJECT_BRIDGE:
		return apply_bridge(apply);
	case L3VM_OBJECT_GUARD:
	case L3VM_OBJECT_GUARD_ENTRY:
		return l3vm_netlink_apply_guard(apply->netlink, apply->change,
						apply->ifindex, &apply->text);
	case L3VM_OBJECT_MAC:
	case L3VM_OBJECT_MTU:
	case L3VM_OBJECT_QUEUE:
	case L3VM_OBJECT_BRIDGE_PORT:
		return apply_setting(apply);
	case L3VM_OBJECT_SYSCTL:
		return apply_sysctl(apply);
	case L3VM_OBJECT_ADDRESS:
		return apply_address(apply);
	case L3VM_OBJECT_MASTER:
		return apply_master(apply);
	case L3VM_OBJECT_FDB:
		return apply_fdb(apply);
	case L3VM_OBJECT_UP:
		return apply_up(apply);
	case L3VM_OBJECT_NEIGHBOUR:
		return apply_neighbour(apply);
	case L3VM_OBJECT_RULE:
		return apply_rule(apply);
	case L3VM_OBJECT_ROUTE:
		return apply_route(apply);
	}
	return EINVAL;
}

static bool is_as_wished(const Apply *apply, int result)
{
	/* EOPNOTSUPP: a port that left its bridge has no forwarding entries */
	if (apply->remove)
		return result == ESRCH || result == ENOENT || result == ENODEV ||
		       result == ENXIO || result == EADDRNOTAVAIL ||
		       (result == EOPNOTSUPP && apply->object->kind == L3VM_OBJECT_FDB);
	return result == EEXIST && apply->object->kind != L3VM_OBJECT_ROUTE;
}

static const char *remedy(int result)
{
	switch (result) {
	case EPERM:
	case EACCES:
		return "run as root, or with CAP_NET_ADMIN";
	case ENODEV:
	case ENXIO:
		return "the interface vanished; start again when it is there";
	case ELIBACC:
		return "install libnftables1, or set `guard = no` in l3vm.conf";
	case ENOTUNIQ:
		return "choose another name for `bridge` in l3vm.conf";
	case ESTALE:
		return "remove that route, or choose other rank metrics in l3vm.conf";
	default:
		return "nothing was changed";
	}
}

static bool fail(const Apply *apply, int result, GError **error)
{
	g_autofree char *what = l3vm_change_describe(apply->change);
	const char *why = apply->text ? apply->text : g_strerror(result);

	return l3vm_fail_errno(error, result, "%s: %s (%s)", what, why, remedy(result));
}

/* Something that can only be set, and of which nothing is known from before:
 * it goes with its interface. */
static bool has_nothing_to_do(const L3vmChange *change)
{
	return !change->has_after && !l3vm_object_is_removable(&change->before) &&
	       change->before.kind != L3VM_OBJECT_BRIDGE;
}

/* Rules name their interface; a bridge is yet to be made; covers have none. */
static bool lacks_interface(const Apply *apply)
{
	return !apply->ifindex && *apply->object->ifname &&
	       apply->object->kind != L3VM_OBJECT_RULE &&
	       (apply->object->kind != L3VM_OBJECT_BRIDGE || apply->remove);
}

bool l3vm_netlink_apply(L3vmKernel *kernel, const L3vmChange *change, GError **error)
{
	Apply apply = { .netlink = (L3vmNetlink *)kernel,
			.change = change,
			.object = change->has_after ? &change->after : &change->before,
			.remove = !change->has_after };
	g_autofree char *text = NULL;
	int result;

	if (has_nothing_to_do(change))
		return true;
	apply.ifindex = apply.object->ifindex;
	if (!apply.ifindex && *apply.object->ifname)
		apply.ifindex = l3vm_nl_ifindex(apply.netlink->nl,
						apply.object->ifname);
	result = lacks_interface(&apply) ? ENODEV : dispatch(&apply);
	text = apply.text;
	if (!result || is_as_wished(&apply, result))
		return true;
	return fail(&apply, result, error);
}
