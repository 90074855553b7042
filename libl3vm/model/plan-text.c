/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan-text.c - a plan as ip(8), bridge(8) and sysctl lines, as JSON, as words
 *
 * The lines do what kernel/ does with netlink. A test runs them and compares
 * the kernel's state with what attach leaves, so that each checks the other.
 */
#include "model/guard.h"
#include "model/plan.h"

#include <json-c/json.h>
#include <string.h>

/* An interface's name may hold what sh would read as its own. */
static char *quoted(const char *name)
{
	static const char safe[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-@+,";

	return strspn(name, safe) == strlen(name) ? g_strdup(name)
						  : g_shell_quote(name);
}

static const char *family_option(const L3vmAddr *addr)
{
	return addr->family == AF_INET6 ? "-6 " : "";
}

static char *address_line(const L3vmChange *change, const L3vmObject *o,
			  const char *dev)
{
	bool ip6 = o->addr.family == AF_INET6;
	char addr[L3VM_ADDR_STRLEN], end[L3VM_ADDR_STRLEN];

	if (o->via.family)
		return g_strdup_printf(
			"ip addr %s %s peer %s dev %s%s%s",
			change->has_after ? "add" : "del",
			l3vm_addr_format(&o->addr, addr),
			l3vm_prefix_format(&o->via, end), dev,
			change->has_after ? " noprefixroute" : "",
			change->has_after && ip6 ? " nodad preferred_lft 0" : "");
	l3vm_prefix_format(&o->addr, addr);
	if (!change->has_after)
		return g_strdup_printf("ip addr del %s dev %s", addr, dev);
	return g_strdup_printf("ip addr add %s dev %s scope link%s", addr, dev,
			       ip6 ? " nodad" : "");
}

static char *neighbour_line(const L3vmChange *change, const L3vmObject *o,
			    const char *dev, unsigned protocol)
{
	char addr[L3VM_ADDR_STRLEN], mac[L3VM_MAC_STRLEN];

	l3vm_addr_format(&o->addr, addr);
	if (!change->has_after)
		return g_strdup_printf("ip neigh del %s dev %s", addr, dev);
	return g_strdup_printf("ip neigh replace %s dev %s lladdr %s nud permanent "
			       "protocol %u",
			       addr, dev, l3vm_mac_format(&o->mac, mac), protocol);
}

static char *rule_line(const L3vmChange *change, const L3vmObject *o, const char *dev,
		       unsigned protocol)
{
	char addr[L3VM_ADDR_STRLEN];
	g_autofree char *selector =
		*dev ? g_strdup_printf("%siif %s", o->inverted ? "not " : "", dev)
		: o->addr.len
			? g_strdup_printf("to %s", l3vm_prefix_format(&o->addr, addr))
			: g_strdup("from all");

	return g_strdup_printf("ip %srule %s pref %u %s lookup %u protocol %u",
			       family_option(&o->addr),
			       change->has_after ? "add" : "del", o->number, selector,
			       o->table, protocol);
}

static const char *const route_types[] = {
	[L3VM_ROUTE_UNICAST] = "unicast",
	[L3VM_ROUTE_UNREACHABLE] = "unreachable",
	[L3VM_ROUTE_BLACKHOLE] = "blackhole",
};

static char *next_hop(const L3vmObject *o, const char *dev)
{
	char via[L3VM_ADDR_STRLEN];

	if (o->type != L3VM_ROUTE_UNICAST)
		return g_strdup("");
	if (o->via.family == AF_UNSPEC)
		return g_strdup_printf(" dev %s", dev);
	return g_strdup_printf(" via %s%s dev %s onlink",
			       o->via.family == o->addr.family ? "" : "inet6 ",
			       l3vm_addr_format(&o->via, via), dev);
}

static char *route_line(const L3vmChange *change, const L3vmObject *o, const char *dev,
			unsigned protocol)
{
	g_autofree char *hop = next_hop(o, dev);
	char addr[L3VM_ADDR_STRLEN];
	const char *verb = !change->has_after	? "del"
			   : change->has_before ? "replace"
						: "add";

	return g_strdup_printf("ip %sroute %s %s %s%s proto %u metric %u table %u",
			       family_option(&o->addr), verb, route_types[o->type],
			       l3vm_prefix_format(&o->addr, addr), hop, protocol,
			       o->metric, o->table);
}

/* One transaction in one word of sh. nft takes names in double quotes, or, where sh
 * would read more into them, the index. */
static char *guard_line(const L3vmChange *change, const L3vmObject *o, const char *dev)
{
	bool plain = !strcmp(o->ifname, dev);
	g_autofree char *name = plain ? g_strdup_printf("\"%s\"", dev) : g_strdup("$i");
	g_autofree char *commands = g_strchomp(l3vm_guard_commands(change, name));
	g_auto(GStrv) lines = g_strsplit(commands, "\n", -1);
	g_autofree char *joined = g_strjoinv("; ", lines);

	if (plain)
		return g_strdup_printf("nft '%s'", joined);
	return g_strdup_printf("i=$(cat /sys/class/net/%s/ifindex) && nft \"%s\"", dev,
			       joined);
}

/* What can only be set, and was not there before, has nothing to go back to. */
static bool nothing_to_print(const L3vmChange *change)
{
	return !change->has_after && !l3vm_object_is_removable(&change->before) &&
	       change->before.kind != L3VM_OBJECT_BRIDGE;
}

char *l3vm_change_to_ip(const L3vmChange *change, unsigned protocol)
{
	const L3vmObject *o = change->has_after ? &change->after : &change->before;
	g_autofree char *dev = quoted(o->ifname);
	g_autofree char *path = NULL;
	char mac[L3VM_MAC_STRLEN];

	if (nothing_to_print(change))
		return NULL;
	l3vm_mac_format(&o->mac, mac);
	switch (o->kind) {
	case L3VM_OBJECT_BRIDGE:
		if (!change->has_after)
			return g_strdup_printf("ip link del dev %s", dev);
		return g_strdup_printf("ip link add name %s type bridge stp_state 0 "
				       "mcast_snooping 0",
				       dev);
	case L3VM_OBJECT_GUARD:
		return g_strdup("nft -f " L3VM_GUARD_FILE);
	case L3VM_OBJECT_GUARD_ENTRY:
		return guard_line(change, o, dev);
	case L3VM_OBJECT_MAC:
		return g_strdup_printf("ip link set dev %s address %s", dev, mac);
	case L3VM_OBJECT_SYSCTL:
		path = l3vm_sysctl_path(o->key, dev);
		return g_strdup_printf("sysctl -qw %s=%u", path, o->number);
	case L3VM_OBJECT_ADDRESS:
		return address_line(change, o, dev);
	case L3VM_OBJECT_MTU:
		return g_strdup_printf("ip link set dev %s mtu %u", dev, o->number);
	case L3VM_OBJECT_QUEUE:
		return g_strdup_printf("ip link set dev %s txqueuelen %u", dev,
				       o->number);
	case L3VM_OBJECT_MASTER:
		if (!*o->master)
			return g_strdup_printf("ip link set dev %s nomaster", dev);
		return g_strdup_printf("ip link set dev %s master %s", dev, o->master);
	case L3VM_OBJECT_BRIDGE_PORT:
		return g_strdup_printf("bridge link set dev %s %s %s", dev,
				       l3vm_bridge_port_flag_name(o->key),
				       o->number ? "on" : "off");
	case L3VM_OBJECT_FDB:
		return g_strdup_printf("bridge fdb %s %s dev %s master static",
				       change->has_after ? "replace" : "del", mac, dev);
	case L3VM_OBJECT_UP:
		return g_strdup_printf("ip link set dev %s %s", dev,
				       o->number ? "up" : "down");
	case L3VM_OBJECT_NEIGHBOUR:
		return neighbour_line(change, o, dev, protocol);
	case L3VM_OBJECT_RULE:
		return rule_line(change, o, dev, protocol);
	case L3VM_OBJECT_ROUTE:
		return route_line(change, o, dev, protocol);
	}
	return NULL;
}

static const char *verb_of(const L3vmChange *change)
{
	if (!change->has_after)
		return "remove";
	return !change->has_before ? "add" : "change";
}

static const char *const guard_roles[L3VM_GUARD_ROLES] = {
	[L3VM_GUARD_ROUTED] = "routed port",
	[L3VM_GUARD_BRIDGED] = "port of a bridge",
	[L3VM_GUARD_BRIDGE] = "bridge",
	[L3VM_GUARD_OPEN] = "open",
};

char *l3vm_change_describe(const L3vmChange *change)
{
	const L3vmObject *o = change->has_after ? &change->after : &change->before;
	const char *verb = verb_of(change);
	char addr[L3VM_ADDR_STRLEN] = "", mac[L3VM_MAC_STRLEN];
	g_autofree char *path = NULL;

	if (o->addr.family != AF_UNSPEC)
		l3vm_prefix_format(&o->addr, addr);
	l3vm_mac_format(&o->mac, mac);
	switch (o->kind) {
	case L3VM_OBJECT_BRIDGE:
		return g_strdup_printf("%s bridge %s", verb, o->ifname);
	case L3VM_OBJECT_GUARD:
		return g_strdup("load the guard's rules");
	case L3VM_OBJECT_GUARD_ENTRY:
		if (o->key == L3VM_GUARD_SOURCE)
			return g_strdup_printf("%s source %s in the guard of %s", verb,
					       addr, o->ifname);
		return g_strdup_printf("%s guard of %s: %s", verb, o->ifname,
				       guard_roles[o->number]);
	case L3VM_OBJECT_MAC:
		return g_strdup_printf("set MAC of %s to %s", o->ifname, mac);
	case L3VM_OBJECT_SYSCTL:
		path = l3vm_sysctl_path(o->key, o->ifname);
		return g_strdup_printf("set %s to %u", path, o->number);
	case L3VM_OBJECT_ADDRESS:
		return g_strdup_printf("%s address %s dev %s", verb, addr, o->ifname);
	case L3VM_OBJECT_MTU:
		return g_strdup_printf("set MTU of %s to %u", o->ifname, o->number);
	case L3VM_OBJECT_QUEUE:
		return g_strdup_printf("set queue length of %s to %u", o->ifname,
				       o->number);
	case L3VM_OBJECT_MASTER:
		return g_strdup_printf("make %s a port of %s", o->ifname, o->master);
	case L3VM_OBJECT_BRIDGE_PORT:
		return g_strdup_printf("set %s of bridge port %s to %u",
				       l3vm_bridge_port_flag_name(o->key), o->ifname,
				       o->number);
	case L3VM_OBJECT_FDB:
		return g_strdup_printf("%s FDB entry %s dev %s", verb, mac, o->ifname);
	case L3VM_OBJECT_UP:
		return g_strdup_printf("set %s %s", o->ifname,
				       o->number ? "up" : "down");
	case L3VM_OBJECT_NEIGHBOUR:
		return g_strdup_printf("%s neighbour %s dev %s at %s", verb, addr,
				       o->ifname, mac);
	case L3VM_OBJECT_RULE:
		return g_strdup_printf("%s rule %u %s%s lookup %u", verb, o->number,
				       *o->ifname    ? "iif "
				       : o->addr.len ? "to "
						     : "from ",
				       *o->ifname    ? o->ifname
				       : o->addr.len ? addr
						     : "all",
				       o->table);
	case L3VM_OBJECT_ROUTE:
		return g_strdup_printf("%s route %s dev %s metric %u", verb, addr,
				       *o->ifname ? o->ifname : "lo", o->metric);
	}
	return NULL;
}

char *l3vm_plan_to_ip(const L3vmPlan *plan, unsigned protocol)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		g_autofree char *line = l3vm_change_to_ip(l3vm_plan_get(plan, i),
							  protocol);

		if (line)
			g_string_append_printf(text, "%s\n", line);
	}
	return g_string_free(text, FALSE);
}

char *l3vm_plan_to_json(const L3vmPlan *plan, unsigned protocol)
{
	struct json_object *array = json_object_new_array();
	char *text;

	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		const L3vmChange *change = l3vm_plan_get(plan, i);
		g_autofree char *line = l3vm_change_to_ip(change, protocol);
		g_autofree char *words = l3vm_change_describe(change);
		struct json_object *item = json_object_new_object();

		json_object_object_add(item, "operation",
				       json_object_new_string(verb_of(change)));
		json_object_object_add(item, "description",
				       json_object_new_string(words));
		json_object_object_add(item, "command",
				       line ? json_object_new_string(line) : NULL);
		json_object_array_add(array, item);
	}
	text = g_strdup(json_object_to_json_string_ext(
		array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(array);
	return text;
}
