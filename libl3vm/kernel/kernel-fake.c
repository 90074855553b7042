/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-fake.c - a kernel in memory
 *
 * Serves `plan --from-scratch`, where every interface exists and nothing is
 * set, and the tests, which can make any operation fail. The side effects that
 * the engine must know of are those of the real one: an interface takes with it
 * all that is on it, going down flushes neighbours and routes, a new MAC
 * flushes neighbours. The contract test holds it to that.
 */
#include "base/error.h"
#include "kernel/kernel.h"

#include <errno.h>
#include <string.h>

typedef struct Fake {
	L3vmKernel kernel;
	bool any_link;
	GHashTable *links; /* name -> index */
	unsigned last_index;
	L3vmSet *state;
	GArray *locals; /* of L3vmAddr */
	int fail_at, fail_errnum;
	unsigned applied;
} Fake;

static unsigned link_index(Fake *fake, const char *ifname)
{
	unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(fake->links, ifname));

	if (!index && fake->any_link)
		index = l3vm_kernel_fake_add_link(&fake->kernel, ifname, false);
	return index;
}

static const L3vmObject *on_link(Fake *fake, L3vmObjectKind kind, const char *ifname)
{
	L3vmObject like = { .kind = kind };

	g_strlcpy(like.ifname, ifname, sizeof(like.ifname));
	return l3vm_set_find(fake->state, &like);
}

static bool fake_find_link(L3vmKernel *kernel, const char *ifname, L3vmLink *link,
			   GError **error)
{
	Fake *fake = (Fake *)kernel;
	const L3vmObject *o;

	(void)error;
	*link = (L3vmLink){ .ifindex = link_index(fake, ifname) };
	if (!link->ifindex)
		return false;
	if ((o = on_link(fake, L3VM_OBJECT_MAC, ifname)))
		link->mac = o->mac;
	if ((o = on_link(fake, L3VM_OBJECT_MASTER, ifname)))
		memcpy(link->master, o->master, sizeof(link->master));
	if ((o = on_link(fake, L3VM_OBJECT_UP, ifname)))
		link->is_up = o->number;
	link->is_bridge = on_link(fake, L3VM_OBJECT_BRIDGE, ifname);
	return true;
}

/* Of the route to a candidate's destination. */
static bool is_other_rank(const L3vmSet *candidates, const L3vmObject *route)
{
	for (guint i = 0;
	     route->kind == L3VM_OBJECT_ROUTE && i < l3vm_set_size(candidates); i++) {
		const L3vmObject *o = l3vm_set_get(candidates, i);

		if (o->kind == route->kind && o->type == route->type &&
		    o->table == route->table && l3vm_addr_equal(&o->addr, &route->addr))
			return true;
	}
	return false;
}

static bool fake_observe(L3vmKernel *kernel, const L3vmSet *candidates, L3vmObserve how,
			 L3vmSet *observed, GError **error)
{
	Fake *fake = (Fake *)kernel;

	(void)error;
	for (guint i = 0; i < l3vm_set_size(fake->state); i++) {
		const L3vmObject *o = l3vm_set_get(fake->state, i);
		bool candidate = l3vm_set_find(candidates, o) ||
				 is_other_rank(candidates, o);

		if (o->kind == L3VM_OBJECT_ROUTE &&
		    (!o->owned || how == L3VM_OBSERVE_FRESH))
			continue;
		if (candidate || (how == L3VM_OBSERVE_ALL && o->owned))
			l3vm_set_add(observed, o);
	}
	return true;
}

/* Drops what is on @ifname, of the kinds from @first on. */
static void flush(Fake *fake, const char *ifname, L3vmObjectKind first,
		  L3vmObjectKind last)
{
	for (guint i = l3vm_set_size(fake->state); i-- > 0;) {
		const L3vmObject *o = l3vm_set_get(fake->state, i);

		/* what the guard knows by index stays */
		if (o->kind >= first && o->kind <= last &&
		    o->kind != L3VM_OBJECT_GUARD_ENTRY && !strcmp(o->ifname, ifname))
			l3vm_set_remove(fake->state, o);
	}
}

static void put_number(Fake *fake, const char *ifname, L3vmObjectKind kind,
		       unsigned key, uint32_t number)
{
	L3vmObject o = { .kind = kind, .key = key, .number = number };

	g_strlcpy(o.ifname, ifname, sizeof(o.ifname));
	o.ifindex = GPOINTER_TO_UINT(g_hash_table_lookup(fake->links, ifname));
	l3vm_set_put(fake->state, &o);
}

/* What a new tap or bridge comes with. Nothing when only names are known. */
static void put_defaults(Fake *fake, const char *ifname)
{
	L3vmObject mac = { .kind = L3VM_OBJECT_MAC,
			   .ifindex = fake->last_index,
			   .mac = { { 0x02, 0xfa, 0xce, 0, 0,
				      (uint8_t)fake->last_index } } };

	g_strlcpy(mac.ifname, ifname, sizeof(mac.ifname));
	l3vm_set_put(fake->state, &mac);
	put_number(fake, ifname, L3VM_OBJECT_MTU, 0, 1500);
	put_number(fake, ifname, L3VM_OBJECT_QUEUE, 0, 1000);
	put_number(fake, ifname, L3VM_OBJECT_UP, 0, 0);
	put_number(fake, ifname, L3VM_OBJECT_MASTER, 0, 0);
	for (unsigned key = 0; key < L3VM_SYSCTL_COUNT; key++)
		put_number(fake, ifname, L3VM_OBJECT_SYSCTL, key, 0);
}

/* A bridge port gets its settings when it becomes one. */
static void put_port_defaults(Fake *fake, const char *ifname)
{
	put_number(fake, ifname, L3VM_OBJECT_BRIDGE_PORT, L3VM_BRIDGE_PORT_ISOLATED, 0);
	put_number(fake, ifname, L3VM_OBJECT_BRIDGE_PORT, L3VM_BRIDGE_PORT_LEARNING, 1);
	put_number(fake, ifname, L3VM_OBJECT_BRIDGE_PORT, L3VM_BRIDGE_PORT_FLOOD, 1);
}

/* IPv4's stay when an interface goes down. */
static void flush_addresses6(Fake *fake, const char *ifname)
{
	for (guint i = l3vm_set_size(fake->state); i-- > 0;) {
		const L3vmObject *o = l3vm_set_get(fake->state, i);

		if (o->kind == L3VM_OBJECT_ADDRESS && o->addr.family == AF_INET6 &&
		    !strcmp(o->ifname, ifname))
			l3vm_set_remove(fake->state, o);
	}
}

static void before_setting(Fake *fake, const L3vmObject *o)
{
	const L3vmObject *old = l3vm_set_find(fake->state, o);

	if (o->kind == L3VM_OBJECT_MAC && old && !l3vm_mac_equal(&old->mac, &o->mac))
		flush(fake, o->ifname, L3VM_OBJECT_NEIGHBOUR, L3VM_OBJECT_NEIGHBOUR);
	if (o->kind == L3VM_OBJECT_UP && !o->number) {
		flush(fake, o->ifname, L3VM_OBJECT_NEIGHBOUR, L3VM_OBJECT_NEIGHBOUR);
		flush(fake, o->ifname, L3VM_OBJECT_ROUTE, L3VM_OBJECT_ROUTE);
		flush_addresses6(fake, o->ifname);
	}
	if (o->kind == L3VM_OBJECT_MASTER && (!old || strcmp(old->master, o->master))) {
		flush(fake, o->ifname, L3VM_OBJECT_BRIDGE_PORT, L3VM_OBJECT_FDB);
		if (*o->master && !fake->any_link)
			put_port_defaults(fake, o->ifname);
	}
}

static int add(Fake *fake, const L3vmObject *object)
{
	const L3vmObject *old = l3vm_set_find(fake->state, object);
	L3vmObject o = *object;

	if (o.kind == L3VM_OBJECT_BRIDGE) {
		if (!g_hash_table_contains(fake->links, o.ifname))
			l3vm_kernel_fake_add_link(&fake->kernel, o.ifname, true);
		return on_link(fake, L3VM_OBJECT_BRIDGE, o.ifname) ? 0 : ENOTUNIQ;
	}
	if (*o.ifname && o.kind != L3VM_OBJECT_RULE) {
		unsigned index = link_index(fake, o.ifname);

		if (!index || (o.ifindex && o.ifindex != index))
			return ENODEV;
		o.ifindex = index;
	}
	if (o.kind == L3VM_OBJECT_MASTER && *o.master && !link_index(fake, o.master))
		return ENODEV;
	if (o.kind == L3VM_OBJECT_ROUTE && old && !old->owned)
		return ESTALE;
	o.owned = (o.kind == L3VM_OBJECT_GUARD_ENTRY &&
		   o.number != L3VM_GUARD_BRIDGE) ||
		  o.kind == L3VM_OBJECT_ROUTE || o.kind == L3VM_OBJECT_RULE ||
		  o.kind == L3VM_OBJECT_NEIGHBOUR;
	before_setting(fake, &o);
	l3vm_set_put(fake->state, &o);
	return 0;
}

static bool has_ports(Fake *fake, const char *bridge)
{
	for (guint i = 0; i < l3vm_set_size(fake->state); i++) {
		const L3vmObject *o = l3vm_set_get(fake->state, i);

		if (o->kind == L3VM_OBJECT_MASTER && !strcmp(o->master, bridge))
			return true;
	}
	return false;
}

/* What is on another interface, or a later one of that name, is not meant. */
static bool is_meant(const L3vmObject *o, const L3vmObject *is)
{
	if (o->kind == L3VM_OBJECT_RULE)
		return true;
	return !strcmp(o->ifname, is->ifname) &&
	       (!o->ifindex || !is->ifindex || o->ifindex == is->ifindex) &&
	       (o->kind != L3VM_OBJECT_ROUTE || is->owned);
}

static void removal(Fake *fake, const L3vmObject *o)
{
	const L3vmObject *old = l3vm_set_find(fake->state, o);

	if (!old)
		return;
	if (o->kind == L3VM_OBJECT_BRIDGE && !has_ports(fake, o->ifname))
		l3vm_kernel_fake_delete_link(&fake->kernel, o->ifname);
	else if (l3vm_object_is_removable(o) && is_meant(o, old))
		l3vm_set_remove(fake->state, o);
}

/* Who has the place, in words, for what errno cannot say. */
static const char *words(int errnum)
{
	if (errnum == ESTALE)
		return "another protocol has that route";
	return errnum == ENOTUNIQ
		       ? "there is an interface of that name, and it is no bridge"
		       : g_strerror(errnum);
}

static bool fake_apply(L3vmKernel *kernel, const L3vmChange *change, GError **error)
{
	Fake *fake = (Fake *)kernel;
	g_autofree char *what = l3vm_change_describe(change);
	int result = 0;

	fake->applied++;
	if (fake->fail_at >= 0 && fake->fail_at-- == 0)
		return l3vm_fail_errno(error, fake->fail_errnum, "%s: %s (injected)",
				       what, g_strerror(fake->fail_errnum));
	if (change->has_after)
		result = add(fake, &change->after);
	else
		removal(fake, &change->before);
	if (!result)
		return true;
	return l3vm_fail_errno(error, result, "%s: %s (nothing was changed)", what,
			       words(result));
}

static bool fake_is_local(L3vmKernel *kernel, const L3vmAddr *addr, bool *local,
			  GError **error)
{
	Fake *fake = (Fake *)kernel;

	(void)error;
	*local = false;
	for (guint i = 0; i < fake->locals->len; i++)
		if (l3vm_addr_equal(&g_array_index(fake->locals, L3vmAddr, i), addr))
			*local = true;
	return true;
}

static bool fake_find_bridge_port(L3vmKernel *kernel, const char *bridge,
				  const L3vmMac *mac, char ifname[IF_NAMESIZE],
				  GError **error)
{
	Fake *fake = (Fake *)kernel;

	(void)error;
	for (guint i = 0; i < l3vm_set_size(fake->state); i++) {
		const L3vmObject *o = l3vm_set_get(fake->state, i);
		const L3vmObject *link_mac;

		if (o->kind != L3VM_OBJECT_MASTER || strcmp(o->master, bridge))
			continue;
		link_mac = on_link(fake, L3VM_OBJECT_MAC, o->ifname);
		if (link_mac && !memcmp(link_mac->mac.bytes + 1, mac->bytes + 1, 5)) {
			g_strlcpy(ifname, o->ifname, IF_NAMESIZE);
			return true;
		}
	}
	return false;
}

static bool fake_taken(L3vmKernel *kernel, unsigned ifindex, uint64_t *frames)
{
	(void)kernel;
	(void)ifindex;
	(void)frames;
	return false; /* nothing is ever sent */
}

static bool fake_guard_dropped(L3vmKernel *kernel, unsigned ifindex, uint64_t *packets)
{
	(void)kernel;
	(void)ifindex;
	(void)packets;
	return false; /* nothing is ever sent */
}

static bool fake_has_guard(L3vmKernel *kernel)
{
	const L3vmObject rules = { .kind = L3VM_OBJECT_GUARD };

	return l3vm_set_find(((Fake *)kernel)->state, &rules);
}

/* @o is a route to the destination of @route, in its table. */
static bool is_way_to(const L3vmObject *o, const L3vmObject *route)
{
	return o->kind == L3VM_OBJECT_ROUTE && o->table == route->table &&
	       l3vm_addr_equal(&o->addr, &route->addr);
}

static bool fake_is_hidden(L3vmKernel *kernel, const L3vmObject *route,
			   L3vmObject *other)
{
	Fake *fake = (Fake *)kernel;
	const L3vmObject *best = NULL;

	for (guint i = 0; i < l3vm_set_size(fake->state); i++) {
		const L3vmObject *o = l3vm_set_get(fake->state, i);

		if (is_way_to(o, route) && (!best || o->metric < best->metric))
			best = o;
	}
	if (!best || best->owned)
		return false;
	*other = *best;
	return true;
}

static bool fake_find_others(L3vmKernel *kernel, const L3vmSet *wanted, L3vmSet *found,
			     GError **error)
{
	Fake *fake = (Fake *)kernel;

	(void)error;
	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *route = l3vm_set_get(wanted, i);

		for (guint j = 0; j < l3vm_set_size(fake->state); j++) {
			const L3vmObject *o = l3vm_set_get(fake->state, j);

			if (is_way_to(o, route) && !o->owned)
				l3vm_set_put(found, route);
		}
	}
	return true;
}

static bool fake_has_ipv6(L3vmKernel *kernel)
{
	(void)kernel;
	return true;
}

static void fake_free(L3vmKernel *kernel)
{
	Fake *fake = (Fake *)kernel;

	g_hash_table_unref(fake->links);
	l3vm_set_free(fake->state);
	g_array_unref(fake->locals);
	g_free(fake);
}

static const L3vmKernelOps fake_ops = {
	.name = "fake",
	.free = fake_free,
	.find_link = fake_find_link,
	.observe = fake_observe,
	.apply = fake_apply,
	.is_local = fake_is_local,
	.is_hidden = fake_is_hidden,
	.find_others = fake_find_others,
	.find_bridge_port = fake_find_bridge_port,
	.taken = fake_taken,
	.guard_dropped = fake_guard_dropped,
	.has_guard = fake_has_guard,
	.has_ipv6 = fake_has_ipv6,
};

L3vmKernel *l3vm_kernel_fake_new(uint8_t protocol, bool any_link)
{
	Fake *fake = g_new0(Fake, 1);

	fake->kernel = (L3vmKernel){ .ops = &fake_ops, .protocol = protocol };
	fake->any_link = any_link;
	fake->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fake->state = l3vm_set_new();
	fake->locals = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	fake->fail_at = -1;
	return &fake->kernel;
}

unsigned l3vm_kernel_fake_add_link(L3vmKernel *kernel, const char *ifname, bool bridge)
{
	Fake *fake = (Fake *)kernel;

	fake->last_index++; /* like the kernel's, an index is never used again */
	g_hash_table_insert(fake->links, g_strdup(ifname),
			    GUINT_TO_POINTER(fake->last_index));
	if (!fake->any_link)
		put_defaults(fake, ifname);
	if (bridge)
		put_number(fake, ifname, L3VM_OBJECT_BRIDGE, 0, 0);
	return fake->last_index;
}

void l3vm_kernel_fake_delete_link(L3vmKernel *kernel, const char *ifname)
{
	Fake *fake = (Fake *)kernel;
	g_autofree char *name = g_strdup(ifname);

	g_hash_table_remove(fake->links, name);
	/* a rule names its interface and stays, "[detached]" */
	flush(fake, name, L3VM_OBJECT_BRIDGE, L3VM_OBJECT_NEIGHBOUR);
	flush(fake, name, L3VM_OBJECT_ROUTE, L3VM_OBJECT_ROUTE);
}

void l3vm_kernel_fake_add_local(L3vmKernel *kernel, const L3vmAddr *addr)
{
	g_array_append_val(((Fake *)kernel)->locals, *addr);
}

void l3vm_kernel_fake_add_foreign(L3vmKernel *kernel, const L3vmObject *route)
{
	L3vmObject o = *route;

	o.owned = false;
	l3vm_set_put(((Fake *)kernel)->state, &o);
}

void l3vm_kernel_fake_fail_at(L3vmKernel *kernel, int n, int errnum)
{
	((Fake *)kernel)->fail_at = n;
	((Fake *)kernel)->fail_errnum = errnum;
}

unsigned l3vm_kernel_fake_applied(const L3vmKernel *kernel)
{
	return ((const Fake *)kernel)->applied;
}

const L3vmSet *l3vm_kernel_fake_state(const L3vmKernel *kernel)
{
	return ((const Fake *)kernel)->state;
}
