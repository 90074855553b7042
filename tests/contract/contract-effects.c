/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contract-effects.c - what a change takes along, and what it must not reach
 *
 * The engine plans with the kernel's side effects (a new MAC flushes
 * neighbours), and relies on an interface's index to tell it from a later one
 * of the same name.
 */
#include "contract.h"

/* All that a port has: on "t", as index @ifindex (0: by name). */
static L3vmSet *everything(unsigned ifindex)
{
	L3vmSet *set = l3vm_set_new();
	L3vmObject objects[] = {
		mac_on(L3VM_OBJECT_MAC, "t", "02:6c:33:76:6d:01"),
		number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP4_FORWARDING, 1),
		number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP4_PROXY_DELAY, 100),
		number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP6_FORWARDING, 1),
		number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP6_ADDR_GEN_MODE, 1),
		address_on("t", "169.254.0.1"),
		address_on("t", "2001:db8::1"),
		number_on(L3VM_OBJECT_MTU, "t", 0, 1400),
		number_on(L3VM_OBJECT_QUEUE, "t", 0, 777),
		number_on(L3VM_OBJECT_UP, "t", 0, 1),
		neighbour_on("t", "10.0.0.5", MAC5),
		neighbour_on("t", "2001:db8::5", MAC5),
		route_on("t", "10.0.0.5", 5),
		route_on("t", "2001:db8::5", 5),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(objects); i++) {
		objects[i].ifindex = ifindex;
		l3vm_set_add(set, &objects[i]);
	}
	return set;
}

static void add_all(World *world, const L3vmSet *set)
{
	for (guint i = 0; i < l3vm_set_size(set); i++)
		add(world, l3vm_set_get(set, i));
}

static void assert_same_sets(const L3vmSet *a, const L3vmSet *b)
{
	assert_int_equal(l3vm_set_size(a), l3vm_set_size(b));
	for (guint i = 0; i < l3vm_set_size(a); i++) {
		const L3vmObject *o = l3vm_set_get(a, i);
		const L3vmObject *other = l3vm_set_find(b, o);
		L3vmChange c = { .has_after = true, .after = *o };

		if (!other || !l3vm_object_equal(o, other))
			fail_msg("differs: %s", l3vm_change_describe(&c));
	}
}

/* --- side effects --------------------------------------------------------------- */

static void test_everything_stands_together(void **state)
{
	World *world = *state;
	g_autoptr(L3vmSet) set = everything(world->ops->add_link(world, "t"));

	add_all(world, set);
	for (guint i = 0; i < l3vm_set_size(set); i++)
		assert_has(world, l3vm_set_get(set, i));
}

static void test_new_mac_flushes_neighbours(void **state)
{
	World *world = *state;
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "t", MAC6);
	L3vmObject on_u = neighbour_on("u", "10.0.0.6", MAC5);
	L3vmObject neighbour4 = neighbour_on("t", "10.0.0.5", MAC5);
	L3vmObject neighbour6 = neighbour_on("t", "2001:db8::5", MAC5);
	L3vmObject route = route_on("t", "10.0.0.5", 5);

	add_up_link(world, "t");
	add_up_link(world, "u");
	add(world, &neighbour4);
	add(world, &neighbour6);
	add(world, &on_u);
	add(world, &route);
	add(world, &mac);
	assert_lacks(world, &neighbour4);
	assert_lacks(world, &neighbour6);
	assert_has(world, &on_u);
	assert_has(world, &route);
}

static void test_down_flushes(void **state)
{
	World *world = *state;
	L3vmObject down = number_on(L3VM_OBJECT_UP, "t", 0, 0);
	L3vmObject gone[] = { neighbour_on("t", "10.0.0.5", MAC5),
			      neighbour_on("t", "2001:db8::5", MAC5),
			      route_on("t", "10.0.0.5", 5),
			      route_on("t", "2001:db8::5", 5),
			      address_on("t", "2001:db8::1") };
	L3vmObject stays[] = {
		address_on("t", "169.254.0.1"), rule_of("t", "0.0.0.0/0", 100, 7600),
		number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP4_FORWARDING, 1),
		route_on("u", "10.0.0.6", 5)
	};

	add_up_link(world, "t");
	add_up_link(world, "u");
	for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
		add(world, &gone[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(stays); i++)
		add(world, &stays[i]);
	add(world, &down);
	for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
		assert_lacks(world, &gone[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(stays); i++)
		assert_has(world, &stays[i]);
}

/* All but rules, which name their interface and wait for another. */
static void test_deleted_interface_takes_all_along(void **state)
{
	World *world = *state;
	g_autoptr(L3vmSet) set = everything(world->ops->add_link(world, "t"));
	L3vmObject rule = rule_of("t", "0.0.0.0/0", 100, 7600);

	add_all(world, set);
	add(world, &rule);
	world->ops->delete_link(world, "t");
	for (guint i = 0; i < l3vm_set_size(set); i++)
		assert_lacks(world, l3vm_set_get(set, i));
	assert_has(world, &rule);
	removal(world, &rule);
	assert_lacks(world, &rule);
	/* removing from what is gone is done */
	for (guint i = 0; i < l3vm_set_size(set); i++)
		removal(world, l3vm_set_get(set, i));
}

/* A port that leaves its bridge loses its settings and its entries. */
static void test_leaving_a_bridge(void **state)
{
	World *world = *state;
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t"), none = master;
	L3vmObject fdb = mac_on(L3VM_OBJECT_FDB, "t", MAC5);
	L3vmObject isolated = number_on(L3VM_OBJECT_BRIDGE_PORT, "t",
					L3VM_BRIDGE_PORT_ISOLATED, 1);

	add_up_link(world, "t");
	add_bridge(world);
	g_strlcpy(master.master, "br0", sizeof(master.master));
	add(world, &master);
	add(world, &isolated);
	add(world, &fdb);
	add(world, &none);
	assert_lacks(world, &fdb);
	assert_lacks(world, &isolated);
	removal(world, &fdb);
	add(world, &master);
	assert_lacks(world, &fdb);
	isolated.number = 0;
	assert_has(world, &isolated);
}

/* DESIGN: with its MAC set, a bridge keeps it, and with it its neighbours. */
static void test_bridge_keeps_its_mac(void **state)
{
	World *world = *state;
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "br0", "02:6c:33:76:6d:01");
	L3vmObject low = mac_on(L3VM_OBJECT_MAC, "t", "00:00:00:00:00:01");
	L3vmObject neighbour = neighbour_on("br0", "10.0.0.5", MAC5);
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");

	add_up_link(world, "t");
	add_bridge(world);
	add(world, &mac);
	add(world, &neighbour);
	add(world, &low);
	g_strlcpy(master.master, "br0", sizeof(master.master));
	add(world, &master);
	assert_has(world, &mac);
	assert_has(world, &neighbour);
}

/* --- the right interface, or none ------------------------------------------------- */

/* Kinds that need an interface, on one that does not exist. */
static void test_missing_interface(void **state)
{
	World *world = *state;
	g_autoptr(L3vmSet) set = everything(0);
	L3vmObject others[] = { mac_on(L3VM_OBJECT_FDB, "t", MAC5),
				number_on(L3VM_OBJECT_BRIDGE_PORT, "t",
					  L3VM_BRIDGE_PORT_ISOLATED, 1),
				object_on(L3VM_OBJECT_MASTER, "t"),
				route_via("t", "192.0.2.0/24", 5, "10.0.0.5") };

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		l3vm_set_add(set, &others[i]);
	for (guint i = 0; i < l3vm_set_size(set); i++) {
		const L3vmObject *o = l3vm_set_get(set, i);
		g_autofree char *text = refusal(world, NULL, o);

		assert_non_null(strstr(text, "No such device"));
		assert_lacks(world, o);
		removal(world, o);
	}
}

static void test_missing_master(void **state)
{
	World *world = *state;
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");
	g_autofree char *text = NULL;

	world->ops->add_link(world, "t");
	g_strlcpy(master.master, "nosuch", sizeof(master.master));
	text = refusal(world, NULL, &master);
	assert_non_null(strstr(text, "nosuch"));
}

static L3vmSet *settings_of(World *world)
{
	g_autoptr(L3vmSet) all = everything(0);
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");

	l3vm_set_add(all, &master);
	return observe(world, all, L3VM_OBSERVE_ALL);
}

/*
 * The tap was deleted, and made again under its name for somebody else, between
 * our look at it and our writing to it. Nothing reaches the new one.
 */
static void test_name_used_again(void **state)
{
	World *world = *state;
	unsigned old = world->ops->add_link(world, "t"), new;
	g_autoptr(L3vmSet) set = everything(old);
	g_autoptr(L3vmSet) before = NULL;
	g_autoptr(L3vmSet) after = NULL;

	world->ops->delete_link(world, "t");
	new = world->ops->add_link(world, "t");
	assert_int_not_equal(old, new);
	before = settings_of(world);
	for (guint i = 0; i < l3vm_set_size(set); i++) {
		const L3vmObject *o = l3vm_set_get(set, i);

		g_free(refusal(world, NULL, o));
		g_free(refusal(world, o, o));
	}
	after = settings_of(world);
	assert_same_sets(before, after);
}

/* The same for removals: what the new interface has is not the old one's. */
static void test_name_used_again_removal(void **state)
{
	World *world = *state;
	unsigned old = world->ops->add_link(world, "t");
	g_autoptr(L3vmSet) stale = everything(old);
	g_autoptr(L3vmSet) current = NULL;
	L3vmObject prefix = route_via("t", "192.0.2.0/24", 5, "10.0.0.5");

	world->ops->delete_link(world, "t");
	current = everything(world->ops->add_link(world, "t"));
	add_all(world, current);
	add(world, &prefix);
	prefix.ifindex = old;
	l3vm_set_add(stale, &prefix);
	for (guint i = 0; i < l3vm_set_size(stale); i++)
		removal(world, l3vm_set_get(stale, i));
	for (guint i = 0; i < l3vm_set_size(current); i++)
		assert_has(world, l3vm_set_get(current, i));
	prefix.ifindex = 0;
	assert_has(world, &prefix);
}

/* --- plans ---------------------------------------------------------------- */

static L3vmSet *state_of(World *world, const L3vmSet *candidates)
{
	return observe(world, candidates, L3VM_OBSERVE_ALL);
}

/* A plan of which the last change is impossible leaves all as it was. */
static void test_failed_plan_is_undone(void **state)
{
	World *world = *state;
	g_autoptr(L3vmSet) set = everything(world->ops->add_link(world, "t"));
	g_autoptr(L3vmSet) before = state_of(world, set);
	g_autoptr(L3vmSet) after = NULL;
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	g_autoptr(GError) error = NULL;
	L3vmObject impossible = route_on("nosuch", "10.0.0.9", 5);

	for (guint i = 0; i < l3vm_set_size(set); i++) {
		const L3vmObject *o = l3vm_set_get(set, i);

		l3vm_plan_add(plan, l3vm_set_find(before, o), o);
	}
	l3vm_plan_add(plan, NULL, &impossible);
	assert_false(l3vm_kernel_apply_plan(world->kernel, plan, &error));
	assert_non_null(strstr(error->message, "10.0.0.9"));
	after = state_of(world, set);
	assert_same_sets(before, after);
}

/* Undoing a new MAC flushes once more; the neighbours come back all the same,
 * also the one that the plan had not come to. */
static void test_failed_plan_keeps_neighbours(void **state)
{
	World *world = *state;
	unsigned index = add_up_link(world, "t");
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "t", MAC5);
	L3vmObject new_mac = mac_on(L3VM_OBJECT_MAC, "t", MAC6);
	L3vmObject first = neighbour_on("t", "10.0.0.5", MAC5);
	L3vmObject second = neighbour_on("t", "2001:db8::5", MAC5);
	L3vmObject impossible = number_on(L3VM_OBJECT_MTU, "nosuch", 0, 1400);
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	g_autoptr(GError) error = NULL;

	first.ifindex = second.ifindex = index;
	add(world, &mac);
	add(world, &first);
	add(world, &second);
	l3vm_plan_add(plan, &mac, &new_mac);
	l3vm_plan_add(plan, &first, &first);
	l3vm_plan_add(plan, NULL, &impossible);
	l3vm_plan_add(plan, &second, &second);
	assert_false(l3vm_kernel_apply_plan(world->kernel, plan, &error));
	assert_has(world, &mac);
	assert_has(world, &first);
	assert_has(world, &second);
}

/* Somebody else's bridge may have been the faster, and has ports by now: what
 * we believe to have made is not ours to take away. */
static void test_bridge_with_ports_is_not_undone(void **state)
{
	World *world = *state;
	L3vmObject bridge = object_on(L3VM_OBJECT_BRIDGE, "br0");
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "t");

	add_up_link(world, "t");
	add_bridge(world);
	g_strlcpy(master.master, "br0", sizeof(master.master));
	add(world, &master);
	removal(world, &bridge);
	assert_has(world, &bridge);
	assert_has(world, &master);
}

int run_effects(void)
{
	const struct CMUnitTest tests[] = {
		contract_test(test_everything_stands_together),
		contract_test(test_new_mac_flushes_neighbours),
		contract_test(test_down_flushes),
		contract_test(test_deleted_interface_takes_all_along),
		contract_test(test_leaving_a_bridge),
		contract_test(test_bridge_keeps_its_mac),
		contract_test(test_missing_interface),
		contract_test(test_missing_master),
		contract_test(test_name_used_again),
		contract_test(test_name_used_again_removal),
		contract_test(test_failed_plan_is_undone),
		contract_test(test_failed_plan_keeps_neighbours),
		contract_test(test_bridge_with_ports_is_not_undone),
	};

	return cmocka_run_group_tests_name("effects", tests, NULL, NULL);
}
