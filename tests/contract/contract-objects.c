/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contract-objects.c - each kind of object: made, seen, set, undone, removed
 *
 * One test per row of the table: the life of one object, with everything done
 * twice, because whoever repeats after a crash finds half of it done.
 */
#include "contract.h"

typedef enum {
	ROUTED,	  /* interfaces t and u, up */
	RULED,	  /* the same, and rules for table 1000: a route is looked for
		  * as a packet would */
	DOWN,	  /* t, down */
	BRIDGED,  /* br0, and t a port of it */
	UNPORTED, /* br0, and t beside it */
} Scene;

typedef struct Case {
	const char *name;
	Scene scene;
	L3vmObject (*make)(bool other);
	bool has_other; /* make(true) is the same thing with another value */
} Case;

static void set_scene(World *world, Scene scene)
{
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");
	L3vmObject rule4 = rule_of("", "10.0.0.5", 1000, 7601);
	L3vmObject rule6 = rule_of("", "2001:db8::5", 1000, 7601);

	if (scene == DOWN) {
		world->ops->add_link(world, "t");
		return;
	}
	add_up_link(world, "t");
	add_up_link(world, "u");
	if (scene == ROUTED)
		return;
	if (scene == RULED) {
		add(world, &rule4);
		add(world, &rule6);
		return;
	}
	add_bridge(world);
	g_strlcpy(master.master, "br0", sizeof(master.master));
	if (scene == BRIDGED)
		add(world, &master);
}

/* Life of what can be removed. */
static void live_and_die(World *world, const L3vmObject *a)
{
	assert_lacks(world, a);
	removal(world, a); /* gone is gone */
	add(world, a);
	assert_has(world, a);
	add(world, a);
	assert_has(world, a);
	change(world, a, a);
	assert_has(world, a);
	removal(world, a);
	assert_lacks(world, a);
	removal(world, a);
	assert_lacks(world, a);
	/* the removal undone */
	add(world, a);
	assert_has(world, a);
}

/* Of what can only be set, and is set to something from the start. */
static void be_set(World *world, const L3vmObject *a)
{
	const L3vmObject *is = observe_one(world, a);
	L3vmObject initial;

	assert_non_null(is);
	initial = *is;
	change(world, &initial, a);
	assert_has(world, a);
	add(world, a);
	assert_has(world, a);
	/* it goes with its interface, not by itself */
	removal(world, a);
	assert_has(world, a);
	change(world, a, &initial);
	assert_has(world, &initial);
	add(world, a);
}

static void test_case(void **state)
{
	World *world = *state;
	const Case *c = world->data;
	L3vmObject a = c->make(false), b = c->make(true);

	set_scene(world, c->scene);
	if (l3vm_object_is_removable(&a))
		live_and_die(world, &a);
	else
		be_set(world, &a);
	if (!c->has_other)
		return;
	change(world, &a, &b);
	assert_has(world, &b);
	change(world, &b, &a); /* undone */
	assert_has(world, &a);
}

/* --- the objects ------------------------------------------------------------ */

#define MAKE(name, a, b)                   \
	static L3vmObject name(bool other) \
	{                                  \
		return other ? b : a;      \
	}

#define SET(name, kind, x, y) \
	MAKE(name, number_on(kind, "t", 0, x), number_on(kind, "t", 0, y))
#define SYSCTL(name, key, x, y)                                \
	MAKE(name, number_on(L3VM_OBJECT_SYSCTL, "t", key, x), \
	     number_on(L3VM_OBJECT_SYSCTL, "t", key, y))
#define FLAG(name, key)                                             \
	MAKE(name, number_on(L3VM_OBJECT_BRIDGE_PORT, "t", key, 1), \
	     number_on(L3VM_OBJECT_BRIDGE_PORT, "t", key, 0))

static L3vmObject in_table(L3vmObject object, uint32_t table)
{
	object.table = table;
	return object;
}

static L3vmObject cover(const char *prefix, L3vmRouteType type)
{
	L3vmObject o = route_on("", prefix, LAST);

	o.type = type;
	return o;
}

/* An interface's address has host bits and a shorter length. */
static L3vmObject gateway6(const char *ifname)
{
	L3vmObject o = address_on(ifname, "fe80::1");

	o.addr.len = 64;
	return o;
}

static L3vmObject make_master(bool other)
{
	L3vmObject o = object_on(L3VM_OBJECT_MASTER, "t");

	g_strlcpy(o.master, other ? "" : "br0", sizeof(o.master));
	return o;
}

MAKE(make_mac, mac_on(L3VM_OBJECT_MAC, "t", "02:6c:33:76:6d:01"),
     mac_on(L3VM_OBJECT_MAC, "t", MAC6))
SYSCTL(make_forwarding4, L3VM_SYSCTL_IP4_FORWARDING, 1, 0)
SYSCTL(make_proxy_arp, L3VM_SYSCTL_IP4_PROXY_ARP, 1, 0)
SYSCTL(make_pvlan, L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN, 1, 0)
SYSCTL(make_rp_filter, L3VM_SYSCTL_IP4_RP_FILTER, 1, 2)
SYSCTL(make_send_redirects, L3VM_SYSCTL_IP4_SEND_REDIRECTS, 0, 1)
SYSCTL(make_redirects4, L3VM_SYSCTL_IP4_ACCEPT_REDIRECTS, 0, 1)
SYSCTL(make_arp_ignore, L3VM_SYSCTL_IP4_ARP_IGNORE, 1, 2)
SYSCTL(make_arp_announce, L3VM_SYSCTL_IP4_ARP_ANNOUNCE, 2, 1)
SYSCTL(make_proxy_delay, L3VM_SYSCTL_IP4_PROXY_DELAY, 0, 100)
SYSCTL(make_disable6, L3VM_SYSCTL_IP6_DISABLE, 1, 0)
SYSCTL(make_addr_gen, L3VM_SYSCTL_IP6_ADDR_GEN_MODE, 1, 0)
SYSCTL(make_accept_ra, L3VM_SYSCTL_IP6_ACCEPT_RA, 0, 2)
SYSCTL(make_redirects6, L3VM_SYSCTL_IP6_ACCEPT_REDIRECTS, 0, 1)
SYSCTL(make_accept_dad, L3VM_SYSCTL_IP6_ACCEPT_DAD, 0, 1)
SYSCTL(make_forwarding6, L3VM_SYSCTL_IP6_FORWARDING, 1, 0)
MAKE(make_address4, address_on("t", "169.254.0.1"), address_on("t", "169.254.0.1"))
MAKE(make_address6, gateway6("t"), gateway6("t"))
SET(make_mtu, L3VM_OBJECT_MTU, 1400, 9000)
SET(make_queue, L3VM_OBJECT_QUEUE, 10000, 500)
FLAG(make_isolated, L3VM_BRIDGE_PORT_ISOLATED)
FLAG(make_learning, L3VM_BRIDGE_PORT_LEARNING)
FLAG(make_flood, L3VM_BRIDGE_PORT_FLOOD)
MAKE(make_fdb, mac_on(L3VM_OBJECT_FDB, "t", MAC5), mac_on(L3VM_OBJECT_FDB, "t", MAC5))
SET(make_up, L3VM_OBJECT_UP, 1, 0)
MAKE(make_neighbour4, neighbour_on("t", "10.0.0.5", MAC5),
     neighbour_on("t", "10.0.0.5", MAC6))
MAKE(make_neighbour6, neighbour_on("t", "2001:db8::5", MAC5),
     neighbour_on("t", "2001:db8::5", MAC6))
MAKE(make_rule_iif4, rule_of("t", "0.0.0.0/0", 100, 7600),
     rule_of("t", "0.0.0.0/0", 100, 7600))
MAKE(make_rule_iif6, rule_of("t", "::/0", 1000, 7600), rule_of("t", "::/0", 1000, 7600))
MAKE(make_rule_to4, rule_of("", "10.0.0.5", 1000, 7601),
     rule_of("", "10.0.0.5", 1000, 7601))
MAKE(make_rule_to6, rule_of("", "2001:db8:5::/64", 100, 7601),
     rule_of("", "2001:db8:5::/64", 100, 7601))
MAKE(make_route4, route_on("t", "10.0.0.5", 5), route_on("u", "10.0.0.5", 5))
MAKE(make_route6, route_on("t", "2001:db8::5", 5), route_on("u", "2001:db8::5", 5))
MAKE(make_last4, route_on("t", "10.0.0.5", LAST), route_on("u", "10.0.0.5", LAST))
MAKE(make_last6, route_on("t", "2001:db8::5", LAST), route_on("u", "2001:db8::5", LAST))
MAKE(make_table4, in_table(route_on("t", "10.0.0.5", 4), 1000),
     in_table(route_on("u", "10.0.0.5", 4), 1000))
MAKE(make_table6, in_table(route_on("t", "2001:db8::5", 4), 1000),
     in_table(route_on("u", "2001:db8::5", 4), 1000))
MAKE(make_via4, route_via("t", "192.0.2.0/24", 5, "10.0.0.5"),
     route_via("t", "192.0.2.0/24", 5, "10.0.0.6"))
MAKE(make_via6, route_via("t", "2001:db8:5::/64", 5, "2001:db8::5"),
     route_via("t", "2001:db8:5::/64", 5, "2001:db8::6"))
MAKE(make_via46, route_via("t", "192.0.2.0/24", 5, "fe80::5054:ff:fe00:5"),
     route_via("t", "192.0.2.0/24", 5, "10.0.0.5"))
MAKE(make_cover4, cover("10.0.0.0/8", L3VM_ROUTE_UNREACHABLE),
     cover("10.0.0.0/8", L3VM_ROUTE_BLACKHOLE))
MAKE(make_cover6, cover("2001:db8::/32", L3VM_ROUTE_BLACKHOLE),
     cover("2001:db8::/32", L3VM_ROUTE_UNREACHABLE))

static const Case cases[] = {
	{ "MAC", ROUTED, make_mac, true },
	{ "sysctl forwarding, IPv4", ROUTED, make_forwarding4, true },
	{ "sysctl proxy_arp", ROUTED, make_proxy_arp, true },
	{ "sysctl proxy_arp_pvlan", ROUTED, make_pvlan, true },
	{ "sysctl rp_filter", ROUTED, make_rp_filter, true },
	{ "sysctl send_redirects", ROUTED, make_send_redirects, true },
	{ "sysctl accept_redirects, IPv4", ROUTED, make_redirects4, true },
	{ "sysctl arp_ignore", ROUTED, make_arp_ignore, true },
	{ "sysctl arp_announce", ROUTED, make_arp_announce, true },
	{ "sysctl proxy_delay", ROUTED, make_proxy_delay, true },
	{ "sysctl disable_ipv6", ROUTED, make_disable6, true },
	{ "sysctl addr_gen_mode", ROUTED, make_addr_gen, true },
	{ "sysctl accept_ra", ROUTED, make_accept_ra, true },
	{ "sysctl accept_redirects, IPv6", ROUTED, make_redirects6, true },
	{ "sysctl accept_dad", ROUTED, make_accept_dad, true },
	{ "sysctl forwarding, IPv6", ROUTED, make_forwarding6, true },
	{ "address, IPv4", DOWN, make_address4, false },
	{ "address, IPv6", DOWN, make_address6, false },
	{ "MTU", DOWN, make_mtu, true },
	{ "queue", DOWN, make_queue, true },
	{ "master", UNPORTED, make_master, true },
	{ "bridge port isolated", BRIDGED, make_isolated, true },
	{ "bridge port learning", BRIDGED, make_learning, true },
	{ "bridge port flood", BRIDGED, make_flood, true },
	{ "FDB entry", BRIDGED, make_fdb, false },
	{ "up", DOWN, make_up, true },
	{ "neighbour, IPv4", ROUTED, make_neighbour4, true },
	{ "neighbour, IPv6", ROUTED, make_neighbour6, true },
	{ "rule for an interface, IPv4", ROUTED, make_rule_iif4, false },
	{ "rule for an interface, IPv6", ROUTED, make_rule_iif6, false },
	{ "rule for a destination, IPv4", ROUTED, make_rule_to4, false },
	{ "rule for a destination, IPv6", ROUTED, make_rule_to6, false },
	{ "route, IPv4", ROUTED, make_route4, true },
	{ "route, IPv6", ROUTED, make_route6, true },
	{ "route of the last rank, IPv4", ROUTED, make_last4, true },
	{ "route of the last rank, IPv6", ROUTED, make_last6, true },
	{ "route in table 1000, IPv4", RULED, make_table4, true },
	{ "route in table 1000, IPv6", RULED, make_table6, true },
	{ "prefix by a next hop, IPv4", ROUTED, make_via4, true },
	{ "prefix by a next hop, IPv6", ROUTED, make_via6, true },
	{ "IPv4 prefix by an IPv6 next hop", ROUTED, make_via46, true },
	{ "cover, IPv4", ROUTED, make_cover4, true },
	{ "cover, IPv6", ROUTED, make_cover6, true },
};

/* --- what fits no row --------------------------------------------------------- */

static void test_bridge(void **state)
{
	World *world = *state;
	L3vmObject bridge = object_on(L3VM_OBJECT_BRIDGE, "br0");
	L3vmLink link;

	assert_lacks(world, &bridge);
	removal(world, &bridge);
	add(world, &bridge);
	assert_has(world, &bridge);
	add(world, &bridge);
	assert_true(world->kernel->ops->find_link(world->kernel, "br0", &link, NULL));
	assert_true(link.is_bridge);
	removal(world, &bridge);
	assert_lacks(world, &bridge);
	removal(world, &bridge);
}

/* `bridge = eth0` in l3vm.conf must not turn the uplink into a gateway. */
static void test_no_bridge_over_another_interface(void **state)
{
	World *world = *state;
	L3vmObject bridge = object_on(L3VM_OBJECT_BRIDGE, "t");
	g_autofree char *text = NULL;
	L3vmLink link;

	world->ops->add_link(world, "t");
	text = refusal(world, NULL, &bridge);
	assert_non_null(strstr(text, "t"));
	assert_lacks(world, &bridge);
	/* neither does its undo remove what we did not make */
	removal(world, &bridge);
	assert_true(world->kernel->ops->find_link(world->kernel, "t", &link, NULL));
}

static void test_find_link(void **state)
{
	World *world = *state;
	const L3vmKernelOps *ops = world->kernel->ops;
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "t", MAC6);
	g_autoptr(GError) error = NULL;
	unsigned index = world->ops->add_link(world, "t");
	L3vmLink link;

	assert_false(ops->find_link(world->kernel, "nosuch", &link, &error));
	assert_null(error);
	add(world, &mac);
	assert_true(ops->find_link(world->kernel, "t", &link, &error));
	assert_int_equal(link.ifindex, index);
	assert_true(l3vm_mac_equal(&link.mac, &mac.mac));
	assert_string_equal(link.master, "");
	assert_false(link.is_bridge || link.is_up);
	add_bridge(world);
	g_strlcpy(master.master, "br0", sizeof(master.master));
	add(world, &master);
	assert_true(ops->find_link(world->kernel, "t", &link, &error));
	assert_string_equal(link.master, "br0");
	assert_true(ops->find_link(world->kernel, "br0", &link, &error));
	assert_true(link.is_up);
	assert_null(error);
}

/* libvirt gives a guest's tap the guest's MAC with fe in front. */
static void test_find_bridge_port(void **state)
{
	World *world = *state;
	const L3vmKernelOps *ops = world->kernel->ops;
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "t", "fe:54:00:00:00:05");
	L3vmMac guest = mac_of(MAC5), other = mac_of(MAC6);
	g_autoptr(GError) error = NULL;
	char ifname[IF_NAMESIZE];

	assert_false(
		ops->find_bridge_port(world->kernel, "br0", &guest, ifname, &error));
	add_up_link(world, "t");
	add_up_link(world, "u");
	add_bridge(world);
	add(world, &mac);
	assert_false(
		ops->find_bridge_port(world->kernel, "br0", &guest, ifname, &error));
	g_strlcpy(master.master, "br0", sizeof(master.master));
	add(world, &master);
	assert_true(
		ops->find_bridge_port(world->kernel, "br0", &guest, ifname, &error));
	assert_string_equal(ifname, "t");
	assert_false(
		ops->find_bridge_port(world->kernel, "br0", &other, ifname, &error));
	assert_null(error);
}

static void test_is_local(void **state)
{
	static const struct {
		const char *addr;
		bool local;
	} vectors[] = {
		{ "192.0.2.1", true },	  { "192.0.2.2", false },
		{ "2001:db8::1", true },  { "2001:db8::2", false },
		{ "203.0.113.1", false },
	};
	World *world = *state;

	world->ops->add_local(world, "192.0.2.1");
	world->ops->add_local(world, "2001:db8::1");
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmAddr addr = prefix_of(vectors[i].addr);
		g_autoptr(GError) error = NULL;
		bool local = !vectors[i].local;

		assert_true(world->kernel->ops->is_local(world->kernel, &addr, &local,
							 &error));
		assert_null(error);
		assert_int_equal(local, vectors[i].local);
	}
}

static void test_has_ipv6(void **state)
{
	World *world = *state;

	assert_true(world->kernel->ops->has_ipv6(world->kernel));
	assert_int_equal(world->kernel->protocol, PROTOCOL);
}

int run_objects(void)
{
	const struct CMUnitTest others[] = {
		contract_test(test_bridge),
		contract_test(test_no_bridge_over_another_interface),
		contract_test(test_find_link),
		contract_test(test_find_bridge_port),
		contract_test(test_is_local),
		contract_test(test_has_ipv6),
	};
	struct CMUnitTest tests[G_N_ELEMENTS(cases)];

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		tests[i] = (struct CMUnitTest){ cases[i].name, test_case, world_begin,
						world_end, (void *)&cases[i] };
	return cmocka_run_group_tests_name("kinds", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("objects", others, NULL, NULL);
}
