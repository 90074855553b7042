/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* object.c - identity, equality and order of kernel objects; sets of them */
#include "model/object.h"

#include <string.h>

/* How much of an object tells which thing it is. */
/* clang-format off */
static const struct {
	bool interface, index, addr, key, mac, table, metric, number;
	bool removable;
} identity[] = {
	[L3VM_OBJECT_BRIDGE] = { .interface = true },
	[L3VM_OBJECT_GUARD] = { .removable = false },
	[L3VM_OBJECT_GUARD_ENTRY] = { .interface = true,
				      .index = true,
				      .addr = true,
				      .key = true,
				      .removable = true },
	[L3VM_OBJECT_MAC] = { .interface = true },
	[L3VM_OBJECT_SYSCTL] = { .interface = true, .key = true },
	[L3VM_OBJECT_ADDRESS] = { .interface = true, .addr = true, .removable = true },
	[L3VM_OBJECT_MTU] = { .interface = true },
	[L3VM_OBJECT_QUEUE] = { .interface = true },
	[L3VM_OBJECT_MASTER] = { .interface = true },
	[L3VM_OBJECT_BRIDGE_PORT] = { .interface = true, .key = true },
	[L3VM_OBJECT_FDB] = { .interface = true, .mac = true, .removable = true },
	[L3VM_OBJECT_UP] = { .interface = true },
	[L3VM_OBJECT_NEIGHBOUR] = {
		.interface = true, .addr = true, .removable = true },
	[L3VM_OBJECT_RULE] = { .interface = true,
			       .addr = true,
			       .table = true,
			       .number = true,
			       .removable = true },
	[L3VM_OBJECT_ROUTE] = { .addr = true,
				.table = true,
				.metric = true,
				.removable = true },
};
/* clang-format on */

/* Eight bytes a step: an attach hashes each of its objects a dozen times. The
 * factor is 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4). */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *b = bytes;

	for (size_t done = 0; done < size; done += sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, b + done, MIN(size - done, sizeof(word)));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash;
}

guint l3vm_object_hash(const void *object)
{
	const L3vmObject *o = object;
	uint64_t hash = mix(0, &o->kind, sizeof(o->kind));

	/* by name: an interface that is to be created has no index yet */
	if (identity[o->kind].interface)
		hash = mix(hash, o->ifname, strlen(o->ifname));
	if (identity[o->kind].addr)
		hash = mix(hash, &o->addr, sizeof(o->addr));
	if (identity[o->kind].key)
		hash = mix(hash, &o->key, sizeof(o->key));
	if (identity[o->kind].mac)
		hash = mix(hash, &o->mac, sizeof(o->mac));
	if (identity[o->kind].metric)
		hash = mix(hash, &o->metric, sizeof(o->metric));
	return (guint)hash;
}

/* What is keyed by index outlives its interface, and another of the same name is
 * another thing. One of which only the name is known may be either. */
static bool same_index(const L3vmObject *a, const L3vmObject *b)
{
	return !a->ifindex || !b->ifindex || a->ifindex == b->ifindex;
}

gboolean l3vm_object_same(const void *a, const void *b)
{
	const L3vmObject *x = a, *y = b;

	if (x->kind != y->kind)
		return FALSE;
	return (!identity[x->kind].interface || !strcmp(x->ifname, y->ifname)) &&
	       (!identity[x->kind].index || same_index(x, y)) &&
	       (!identity[x->kind].addr || l3vm_addr_equal(&x->addr, &y->addr)) &&
	       (!identity[x->kind].key || x->key == y->key) &&
	       (!identity[x->kind].mac || l3vm_mac_equal(&x->mac, &y->mac)) &&
	       (!identity[x->kind].table || x->table == y->table) &&
	       (!identity[x->kind].metric || x->metric == y->metric) &&
	       (!identity[x->kind].number || x->number == y->number);
}

bool l3vm_object_equal(const L3vmObject *a, const L3vmObject *b)
{
	return l3vm_object_same(a, b) && l3vm_mac_equal(&a->mac, &b->mac) &&
	       a->number == b->number && !strcmp(a->master, b->master) &&
	       a->type == b->type &&
	       (a->kind == L3VM_OBJECT_ADDRESS || l3vm_addr_equal(&a->via, &b->via)) &&
	       (a->kind != L3VM_OBJECT_ROUTE || !strcmp(a->ifname, b->ifname));
}

int l3vm_object_phase(const L3vmObject *object)
{
	if (object->kind == L3VM_OBJECT_SYSCTL &&
	    (object->key == L3VM_SYSCTL_IP4_PROXY_ARP ||
	     object->key == L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN))
		return L3VM_OBJECT_ROUTE + 1;
	if (object->kind == L3VM_OBJECT_SYSCTL)
		return L3VM_OBJECT_MAC;
	return (int)object->kind;
}

bool l3vm_object_is_removable(const L3vmObject *object)
{
	return identity[object->kind].removable;
}

static const struct {
	const char *directory, *name;
} sysctls[L3VM_SYSCTL_COUNT] = {
	[L3VM_SYSCTL_IP4_FORWARDING] = { "net/ipv4/conf", "forwarding" },
	[L3VM_SYSCTL_IP4_PROXY_ARP] = { "net/ipv4/conf", "proxy_arp" },
	[L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN] = { "net/ipv4/conf", "proxy_arp_pvlan" },
	[L3VM_SYSCTL_IP4_RP_FILTER] = { "net/ipv4/conf", "rp_filter" },
	[L3VM_SYSCTL_IP4_SEND_REDIRECTS] = { "net/ipv4/conf", "send_redirects" },
	[L3VM_SYSCTL_IP4_ACCEPT_REDIRECTS] = { "net/ipv4/conf", "accept_redirects" },
	[L3VM_SYSCTL_IP4_ARP_IGNORE] = { "net/ipv4/conf", "arp_ignore" },
	[L3VM_SYSCTL_IP4_ARP_ANNOUNCE] = { "net/ipv4/conf", "arp_announce" },
	[L3VM_SYSCTL_IP4_PROXY_DELAY] = { "net/ipv4/neigh", "proxy_delay" },
	[L3VM_SYSCTL_IP6_DISABLE] = { "net/ipv6/conf", "disable_ipv6" },
	[L3VM_SYSCTL_IP6_ADDR_GEN_MODE] = { "net/ipv6/conf", "addr_gen_mode" },
	[L3VM_SYSCTL_IP6_ACCEPT_RA] = { "net/ipv6/conf", "accept_ra" },
	[L3VM_SYSCTL_IP6_ACCEPT_REDIRECTS] = { "net/ipv6/conf", "accept_redirects" },
	[L3VM_SYSCTL_IP6_ACCEPT_DAD] = { "net/ipv6/conf", "accept_dad" },
	[L3VM_SYSCTL_IP6_FORWARDING] = { "net/ipv6/conf", "forwarding" },
};

char *l3vm_sysctl_path(L3vmSysctl key, const char *ifname)
{
	return g_strdup_printf("%s/%s/%s", sysctls[key].directory, ifname,
			       sysctls[key].name);
}

int l3vm_sysctl_family(L3vmSysctl key)
{
	return key >= L3VM_SYSCTL_IP6_DISABLE ? AF_INET6 : AF_INET;
}

const char *l3vm_bridge_port_flag_name(L3vmBridgePortFlag flag)
{
	static const char *const names[L3VM_BRIDGE_PORT_COUNT] = {
		[L3VM_BRIDGE_PORT_ISOLATED] = "isolated",
		[L3VM_BRIDGE_PORT_LEARNING] = "learning",
		[L3VM_BRIDGE_PORT_FLOOD] = "flood",
	};

	return names[flag];
}

struct L3vmSet {
	GHashTable *index; /* object -> itself */
	GPtrArray *order;  /* owns them */
};

L3vmSet *l3vm_set_new(void)
{
	L3vmSet *set = g_new(L3vmSet, 1);

	set->index = g_hash_table_new(l3vm_object_hash, l3vm_object_same);
	set->order = g_ptr_array_new_with_free_func(g_free);
	return set;
}

void l3vm_set_free(L3vmSet *set)
{
	if (!set)
		return;
	g_hash_table_unref(set->index);
	g_ptr_array_unref(set->order);
	g_free(set);
}

/* @object is not in @set. */
static void append(L3vmSet *set, const L3vmObject *object)
{
	L3vmObject *copy = g_memdup2(object, sizeof(*object));

	g_ptr_array_add(set->order, copy);
	g_hash_table_add(set->index, copy);
}

void l3vm_set_add(L3vmSet *set, const L3vmObject *object)
{
	if (!g_hash_table_contains(set->index, object))
		append(set, object);
}

void l3vm_set_put(L3vmSet *set, const L3vmObject *object)
{
	L3vmObject *old = g_hash_table_lookup(set->index, object);

	if (old)
		*old = *object; /* same identity, so its place in the index holds */
	else
		append(set, object);
}

void l3vm_set_add_all(L3vmSet *set, const L3vmSet *other)
{
	for (guint i = 0; i < l3vm_set_size(other); i++)
		l3vm_set_add(set, l3vm_set_get(other, i));
}

const L3vmObject *l3vm_set_find(const L3vmSet *set, const L3vmObject *like)
{
	return g_hash_table_lookup(set->index, like);
}

void l3vm_set_remove(L3vmSet *set, const L3vmObject *like)
{
	L3vmObject *old = g_hash_table_lookup(set->index, like);

	if (!old)
		return;
	g_hash_table_remove(set->index, old);
	g_ptr_array_remove(set->order, old);
}

guint l3vm_set_size(const L3vmSet *set)
{
	return set->order->len;
}

const L3vmObject *l3vm_set_get(const L3vmSet *set, guint i)
{
	return g_ptr_array_index(set->order, i);
}
