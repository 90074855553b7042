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
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
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

	if (apply->remove)
		return talk(apply, link_message(apply, RTM_DELLINK));
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
	return talk(apply, msg);
}

static int apply_mac(Apply *apply)
{
	struct nl_msg *msg = link_message(apply, RTM_SETLINK);

	nla_put(msg, IFLA_ADDRESS, sizeof(apply->object->mac), &apply->object->mac);
	return talk(apply, msg);
}

static int apply_number(Apply *apply, int attribute)
{
	struct nl_msg *msg = link_message(apply, RTM_SETLINK);

	nla_put_u32(msg, attribute, apply->object->number);
	return talk(apply, msg);
}

static int apply_master(Apply *apply)
{
	struct nl_msg *msg;
	unsigned master = 0;

	if (*apply->object->master && !(master = if_nametoindex(apply->object->master)))
		return ENODEV;
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
	struct nlattr *spec, *family, *conf;
	struct nl_msg *msg;

	if (!l3vm_sysctl_by_netlink(o->key))
		return l3vm_sysctl_write(o->key, o->ifname, apply->ifindex, o->number);
	msg = link_message(apply, RTM_SETLINK);
	spec = nla_nest_start(msg, IFLA_AF_SPEC);
	family = nla_nest_start(msg, AF_INET);
	conf = nla_nest_start(msg, IFLA_INET_CONF);
	/* set by number, which counts from 1, unlike the array that is read */
	nla_put_u32(msg, l3vm_sysctl_conf_index(o->key) + 1, o->number);
	nla_nest_end(msg, conf);
	nla_nest_end(msg, family);
	nla_nest_end(msg, spec);
	return talk(apply, msg);
}

static int apply_address(Apply *apply)
{
	const L3vmAddr *addr = &apply->object->addr;
	int size = (int)l3vm_family_bytes(addr->family);
	int type = apply->remove ? RTM_DELADDR : RTM_NEWADDR;
	struct ifaddrmsg *header;
	struct nl_msg *msg = l3vm_nl_request(type,
					     apply->remove ? 0 : NLM_F_CREATE | NLM_F_EXCL,
					     sizeof(*header), &header);

	header->ifa_family = addr->family;
	header->ifa_prefixlen = addr->len;
	header->ifa_scope = RT_SCOPE_LINK;
	header->ifa_index = apply->ifindex;
	nla_put(msg, IFA_LOCAL, size, addr->bytes);
	nla_put(msg, IFA_ADDRESS, size, addr->bytes);
	/* a guest that answers duplicate address detection must not win it */
	if (addr->family == AF_INET6 && !apply->remove)
		nla_put_u32(msg, IFA_FLAGS, IFA_F_NODAD);
	return talk(apply, msg);
}

static int apply_bridge_port(Apply *apply)
{
	static const int attributes[L3VM_BRIDGE_PORT_COUNT] = {
		[L3VM_BRIDGE_PORT_ISOLATED] = IFLA_BRPORT_ISOLATED,
		[L3VM_BRIDGE_PORT_LEARNING] = IFLA_BRPORT_LEARNING,
		[L3VM_BRIDGE_PORT_FLOOD] = IFLA_BRPORT_UNICAST_FLOOD,
	};
	struct nl_msg *msg = link_message(apply, RTM_SETLINK);
	struct ifinfomsg *header = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *info;

	header->ifi_family = AF_BRIDGE;
	info = nla_nest_start(msg, IFLA_PROTINFO | NLA_F_NESTED);
	nla_put_u8(msg, attributes[apply->object->key], (uint8_t)apply->object->number);
	nla_nest_end(msg, info);
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
	struct nl_msg *msg = l3vm_nl_request(type,
					     apply->remove ? 0 : NLM_F_CREATE | NLM_F_EXCL,
					     sizeof(*header), &header);

	header->family = o->addr.family;
	header->dst_len = o->addr.len;
	header->action = FR_ACT_TO_TBL;
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

/*
 * The kernel has a route of this destination, table and metric. Ours and the
 * same: done. Ours on another interface: left behind by a crash, replaced.
 * A stranger's: ESTALE, a value that the kernel does not use here.
 */
static int resolve_route_conflict(Apply *apply)
{
	const L3vmObject *o = apply->object;
	const L3vmRouteFilter filter = { .family = o->addr.family, .table = o->table };
	g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(L3vmRouteEntry));

	if (!l3vm_netlink_routes(apply->netlink, &filter, entries, NULL))
		return EEXIST;
	for (guint i = 0; i < entries->len; i++) {
		L3vmRouteEntry *entry = &g_array_index(entries, L3vmRouteEntry, i);
		char ifname[IF_NAMESIZE] = "?";

		if (!l3vm_object_same(&entry->object, o))
			continue;
		if (entry->protocol == apply->netlink->kernel.protocol)
			return talk(apply, l3vm_route_message(apply->netlink, RTM_NEWROUTE,
							      NLM_F_CREATE | NLM_F_REPLACE,
							      o, apply->ifindex));
		if_indextoname(entry->object.ifindex, ifname);
		g_free(apply->text);
		apply->text = g_strdup_printf("protocol %u has that route on %s",
					      entry->protocol, ifname);
		return ESTALE;
	}
	return EEXIST;
}

static int apply_route(Apply *apply)
{
	const L3vmChange *change = apply->change;
	int type = apply->remove ? RTM_DELROUTE : RTM_NEWROUTE;
	int flags = apply->remove	  ? 0
		    : change->has_before ? NLM_F_CREATE | NLM_F_REPLACE
					 : NLM_F_CREATE | NLM_F_EXCL;
	int result = talk(apply, l3vm_route_message(apply->netlink, type, flags,
						    apply->object, apply->ifindex));

	return result == EEXIST ? resolve_route_conflict(apply) : result;
}

static int dispatch(Apply *apply)
{
	switch (apply->object->kind) {
	case L3VM_OBJECT_BRIDGE:
		return apply_bridge(apply);
	case L3VM_OBJECT_MAC:
		return apply_mac(apply);
	case L3VM_OBJECT_SYSCTL:
		return apply_sysctl(apply);
	case L3VM_OBJECT_ADDRESS:
		return apply_address(apply);
	case L3VM_OBJECT_MTU:
		return apply_number(apply, IFLA_MTU);
	case L3VM_OBJECT_QUEUE:
		return apply_number(apply, IFLA_TXQLEN);
	case L3VM_OBJECT_MASTER:
		return apply_master(apply);
	case L3VM_OBJECT_BRIDGE_PORT:
		return apply_bridge_port(apply);
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
	if (apply->remove)
		return result == ESRCH || result == ENOENT || result == ENODEV ||
		       result == ENXIO || result == EADDRNOTAVAIL;
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
		apply.ifindex = if_nametoindex(apply.object->ifname);
	result = lacks_interface(&apply) ? ENODEV : dispatch(&apply);
	text = apply.text;
	if (!result || is_as_wished(&apply, result))
		return true;
	return fail(&apply, result, error);
}
