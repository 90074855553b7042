/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink-settings.c - settings of one interface, several in a request
 *
 * A fresh tap gets ten settings that RTM_SETLINK takes. In one request they
 * cost one notification instead of ten, for us and for every routing daemon,
 * which looks at the whole interface each time.
 */
#include "kernel/kernel-netlink.h"
#include "kernel/sysctl.h"

#include <linux/if_link.h>

typedef enum {
	GROUP_NONE,
	GROUP_LINK, /* attributes of the interface */
	GROUP_PORT, /* of a bridge's port: a message of the family AF_BRIDGE */
} Group;

static Group group_of(const L3vmObject *object)
{
	switch (object->kind) {
	case L3VM_OBJECT_MAC:
	case L3VM_OBJECT_MTU:
	case L3VM_OBJECT_QUEUE:
		return GROUP_LINK;
	case L3VM_OBJECT_SYSCTL:
		return l3vm_sysctl_by_netlink(object->key) ? GROUP_LINK : GROUP_NONE;
	case L3VM_OBJECT_BRIDGE_PORT:
		return GROUP_PORT;
	/* each its own request */
	case L3VM_OBJECT_BRIDGE:
	case L3VM_OBJECT_GUARD:
	case L3VM_OBJECT_GUARD_ENTRY:
	case L3VM_OBJECT_ADDRESS:
	case L3VM_OBJECT_MASTER:
	case L3VM_OBJECT_FDB:
	case L3VM_OBJECT_UP:
	case L3VM_OBJECT_NEIGHBOUR:
	case L3VM_OBJECT_RULE:
	case L3VM_OBJECT_ROUTE:
		break;
	}
	return GROUP_NONE;
}

guint l3vm_settings_join(const L3vmPlan *plan, guint first,
			 const L3vmObject *objects[L3VM_SETTINGS_MAX])
{
	const L3vmObject *head = &l3vm_plan_get(plan, first)->after;
	guint n = 0;

	while (n < L3VM_SETTINGS_MAX && first + n < l3vm_plan_size(plan)) {
		const L3vmChange *change = l3vm_plan_get(plan, first + n);

		/* by name alone it could be another interface's turn by now */
		if (!change->has_after || !change->after.ifindex ||
		    change->after.ifindex != head->ifindex ||
		    group_of(&change->after) == GROUP_NONE ||
		    group_of(&change->after) != group_of(head))
			break;
		objects[n++] = &change->after;
	}
	return n;
}

static void put_attribute(struct nl_msg *msg, const L3vmObject *object)
{
	if (object->kind == L3VM_OBJECT_MAC)
		nla_put(msg, IFLA_ADDRESS, sizeof(object->mac), &object->mac);
	else if (object->kind == L3VM_OBJECT_MTU)
		nla_put_u32(msg, IFLA_MTU, object->number);
	else if (object->kind == L3VM_OBJECT_QUEUE)
		nla_put_u32(msg, IFLA_TXQLEN, object->number);
}

static bool is_sysctl_of(const L3vmObject *object, int family)
{
	return object->kind == L3VM_OBJECT_SYSCTL &&
	       l3vm_sysctl_family(object->key) == family;
}

static void put_sysctls4(struct nl_msg *msg, const L3vmObject *const *objects, guint n)
{
	struct nlattr *family = nla_nest_start(msg, AF_INET);
	struct nlattr *conf = nla_nest_start(msg, IFLA_INET_CONF);

	/* set by number, which counts from 1, unlike the array that is read */
	for (guint i = 0; i < n; i++)
		if (is_sysctl_of(objects[i], AF_INET))
			nla_put_u32(msg, l3vm_sysctl_conf_index(objects[i]->key) + 1,
				    objects[i]->number);
	nla_nest_end(msg, conf);
	nla_nest_end(msg, family);
}

/* Of IPv6's settings this one alone can be set by netlink. */
static void put_sysctl6(struct nl_msg *msg, const L3vmObject *object)
{
	struct nlattr *family = nla_nest_start(msg, AF_INET6);

	nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, (uint8_t)object->number);
	nla_nest_end(msg, family);
}

static void put_link_settings(struct nl_msg *msg, const L3vmObject *const *objects,
			      guint n)
{
	const L3vmObject *any4 = NULL, *any6 = NULL;
	struct nlattr *spec;

	for (guint i = 0; i < n; i++) {
		put_attribute(msg, objects[i]);
		if (is_sysctl_of(objects[i], AF_INET))
			any4 = objects[i];
		if (is_sysctl_of(objects[i], AF_INET6))
			any6 = objects[i];
	}
	if (!any4 && !any6)
		return;
	spec = nla_nest_start(msg, IFLA_AF_SPEC);
	if (any4)
		put_sysctls4(msg, objects, n);
	if (any6)
		put_sysctl6(msg, any6);
	nla_nest_end(msg, spec);
}

static void put_port_settings(struct nl_msg *msg, const L3vmObject *const *objects,
			      guint n)
{
	static const int attributes[L3VM_BRIDGE_PORT_COUNT] = {
		[L3VM_BRIDGE_PORT_ISOLATED] = IFLA_BRPORT_ISOLATED,
		[L3VM_BRIDGE_PORT_LEARNING] = IFLA_BRPORT_LEARNING,
		[L3VM_BRIDGE_PORT_FLOOD] = IFLA_BRPORT_UNICAST_FLOOD,
	};
	struct nlattr *info = nla_nest_start(msg, IFLA_PROTINFO | NLA_F_NESTED);

	for (guint i = 0; i < n; i++)
		nla_put_u8(msg, attributes[objects[i]->key],
			   (uint8_t)objects[i]->number);
	nla_nest_end(msg, info);
}

struct nl_msg *l3vm_settings_message(unsigned ifindex, const L3vmObject *const *objects,
				     guint n)
{
	bool port = group_of(objects[0]) == GROUP_PORT;
	struct ifinfomsg *header;
	struct nl_msg *msg = l3vm_nl_request(RTM_SETLINK, 0, sizeof(*header), &header);

	header->ifi_family = port ? AF_BRIDGE : AF_UNSPEC;
	header->ifi_index = (int)ifindex;
	if (port)
		put_port_settings(msg, objects, n);
	else
		put_link_settings(msg, objects, n);
	return msg;
}

bool l3vm_netlink_apply_joined(L3vmKernel *kernel, const L3vmPlan *plan, guint first,
			       guint *n)
{
	const L3vmObject *objects[L3VM_SETTINGS_MAX];
	g_autoptr(L3vmNlMsg) msg = NULL;

	*n = l3vm_netlink_join_guard((L3vmNetlink *)kernel, plan, first);
	if (*n)
		return true;
	*n = l3vm_settings_join(plan, first, objects);
	if (*n < 2)
		return false;
	msg = l3vm_settings_message(objects[0]->ifindex, objects, *n);
	return l3vm_nl_talk(((L3vmNetlink *)kernel)->nl, msg, NULL, NULL, NULL) == 0;
}
