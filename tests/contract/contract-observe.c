/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract-observe.c - how much each way to observe tells */
#include "contract.h"

static bool tells(World *world, const L3vmSet *candidates, L3vmObserve how,
		  const L3vmObject *object)
{
	g_autoptr(L3vmSet) observed = observe(world, candidates, how);
	const L3vmObject *is = l3vm_set_find(observed, object);

	return is && l3vm_object_equal(is, object);
}

/* An interface that was never ours has no routes of ours: they are not sought.
 * All else about it is told. */
static void test_fresh(void **state)
{
	World *world = *state;
	L3vmObject route = route_on("t", "10.0.0.5", 5);
	L3vmObject neighbour = neighbour_on("t", "10.0.0.5", MAC5);
	L3vmObject mtu = number_on(L3VM_OBJECT_MTU, "t", 0, 1400);
	L3vmObject rule = rule_of("t", "0.0.0.0/0", 100, 7600);
	L3vmObject *const objects[] = { &route, &neighbour, &mtu, &rule };
	g_autoptr(L3vmSet) candidates = l3vm_set_new();

	add_up_link(world, "t");
	for (size_t i = 0; i < G_N_ELEMENTS(objects); i++) {
		add(world, objects[i]);
		l3vm_set_add(candidates, objects[i]);
	}
	assert_false(tells(world, candidates, L3VM_OBSERVE_FRESH, &route));
	assert_true(tells(world, candidates, L3VM_OBSERVE_FRESH, &neighbour));
	assert_true(tells(world, candidates, L3VM_OBSERVE_FRESH, &mtu));
	assert_true(tells(world, candidates, L3VM_OBSERVE_FRESH, &rule));
	assert_true(tells(world, candidates, L3VM_OBSERVE_CANDIDATES, &route));
	assert_true(tells(world, candidates, L3VM_OBSERVE_ALL, &route));
}

/* Nothing but what was asked for. */
static void test_candidates_only(void **state)
{
	World *world = *state;
	L3vmObject asked = route_on("t", "10.0.0.5", 5);
	L3vmObject others[] = { route_on("t", "10.0.0.6", 5),
				neighbour_on("t", "10.0.0.5", MAC5),
				rule_of("t", "0.0.0.0/0", 100, 7600),
				address_on("t", "169.254.0.1") };
	g_autoptr(L3vmSet) candidates = l3vm_set_new();
	g_autoptr(L3vmSet) observed = NULL;

	add_up_link(world, "t");
	add(world, &asked);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		add(world, &others[i]);
	l3vm_set_add(candidates, &asked);
	observed = observe(world, candidates, L3VM_OBSERVE_CANDIDATES);
	assert_int_equal(l3vm_set_size(observed), 1);
}

/* A better rank that a crash left behind would keep the worse one from being
 * used, and would never go: it is told though nobody asked for it. */
static void test_better_rank_is_told(void **state)
{
	static const char *const addrs[] = { "10.0.0.5", "2001:db8::5" };
	World *world = *state;

	add_up_link(world, "t");
	for (size_t i = 0; i < G_N_ELEMENTS(addrs); i++) {
		L3vmObject stale = route_on("t", addrs[i], 4);
		L3vmObject asked = route_on("t", addrs[i], LAST);
		g_autoptr(L3vmSet) candidates = l3vm_set_new();

		add(world, &stale);
		l3vm_set_add(candidates, &asked);
		assert_true(tells(world, candidates, L3VM_OBSERVE_CANDIDATES, &stale));
		assert_true(tells(world, candidates, L3VM_OBSERVE_ALL, &stale));
	}
}

/* The candidate's destination on another interface, in the same rank. */
static void test_other_interface_is_told(void **state)
{
	World *world = *state;
	L3vmObject stale = route_on("u", "10.0.0.5", 5);
	L3vmObject asked = route_on("t", "10.0.0.5", 5);
	g_autoptr(L3vmSet) candidates = l3vm_set_new();

	add_up_link(world, "t");
	add_up_link(world, "u");
	add(world, &stale);
	l3vm_set_add(candidates, &asked);
	assert_true(tells(world, candidates, L3VM_OBSERVE_CANDIDATES, &stale));
	assert_true(tells(world, candidates, L3VM_OBSERVE_ALL, &stale));
}

/* Everything that carries our number, though nobody asked; nothing of others. */
static void test_all(void **state)
{
	World *world = *state;
	L3vmObject ours[] = { route_on("t", "10.0.0.5", 5),
			      route_on("u", "2001:db8::5", LAST),
			      route_via("t", "192.0.2.0/24", 4, "10.0.0.5"),
			      route_on("u", "10.0.0.7", 5),
			      route_on("", "10.0.0.0/8", LAST),
			      neighbour_on("t", "10.0.0.5", MAC5),
			      neighbour_on("u", "2001:db8::5", MAC5),
			      rule_of("t", "0.0.0.0/0", 100, 7600),
			      rule_of("gone", "::/0", 100, 7600),
			      rule_of("", "10.0.0.7", 4242, 7601) };
	L3vmObject theirs = route_on("t", "203.0.113.0/24", 5);
	g_autoptr(L3vmSet) candidates = l3vm_set_new();
	g_autoptr(L3vmSet) observed = NULL;

	add_up_link(world, "t");
	add_up_link(world, "u");
	ours[3].table = 4242;
	ours[4].type = L3VM_ROUTE_UNREACHABLE;
	world->ops->add_foreign(world, &theirs);
	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
		add(world, &ours[i]);
	observed = observe(world, candidates, L3VM_OBSERVE_ALL);
	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++) {
		const L3vmObject *is = l3vm_set_find(observed, &ours[i]);
		L3vmChange c = { .has_after = true, .after = ours[i] };

		if (!is || !l3vm_object_equal(is, &ours[i]))
			fail_msg("not told: %s", l3vm_change_describe(&c));
		assert_true(is->owned);
	}
	assert_int_equal(l3vm_set_size(observed), G_N_ELEMENTS(ours));
}

/* Asked for by name, a stranger's route is no answer. */
static void test_strangers_are_not_told(void **state)
{
	World *world = *state;
	L3vmObject theirs = route_on("t", "10.0.0.5", 5);
	g_autoptr(L3vmSet) candidates = l3vm_set_new();

	add_up_link(world, "t");
	world->ops->add_foreign(world, &theirs);
	l3vm_set_add(candidates, &theirs);
	assert_false(tells(world, candidates, L3VM_OBSERVE_FRESH, &theirs));
	assert_false(tells(world, candidates, L3VM_OBSERVE_CANDIDATES, &theirs));
	assert_false(tells(world, candidates, L3VM_OBSERVE_ALL, &theirs));
}

/* A stranger's better route hides ours from a look-up, not from us. */
static void test_behind_a_stranger(void **state)
{
	static const char *const addrs[] = { "10.0.0.5", "2001:db8::5" };
	World *world = *state;

	add_up_link(world, "t");
	for (size_t i = 0; i < G_N_ELEMENTS(addrs); i++) {
		L3vmObject theirs = route_on("t", addrs[i], 1);
		L3vmObject ours = route_on("t", addrs[i], LAST);

		world->ops->add_foreign(world, &theirs);
		add(world, &ours);
		assert_has(world, &ours);
	}
}

/* Each object knows which interface it was seen on. */
static void test_index_is_told(void **state)
{
	World *world = *state;
	L3vmObject objects[] = { number_on(L3VM_OBJECT_UP, "t", 0, 1),
				 number_on(L3VM_OBJECT_MTU, "t", 0, 1500),
				 neighbour_on("t", "10.0.0.5", MAC5),
				 address_on("t", "169.254.0.1"),
				 route_on("t", "10.0.0.5", 5) };
	unsigned index;

	add_up_link(world, "u");
	index = add_up_link(world, "t");
	for (size_t i = 0; i < G_N_ELEMENTS(objects); i++) {
		add(world, &objects[i]);
		assert_int_equal(observe_one(world, &objects[i])->ifindex, index);
	}
}

static void test_missing_interface_has_nothing(void **state)
{
	World *world = *state;
	L3vmObject objects[] = { number_on(L3VM_OBJECT_UP, "nosuch", 0, 1),
				 mac_on(L3VM_OBJECT_MAC, "nosuch", MAC5),
				 object_on(L3VM_OBJECT_MASTER, "nosuch"),
				 neighbour_on("nosuch", "10.0.0.5", MAC5),
				 address_on("nosuch", "169.254.0.1"),
				 mac_on(L3VM_OBJECT_FDB, "nosuch", MAC5),
				 route_on("nosuch", "10.0.0.5", 5) };
	g_autoptr(L3vmSet) candidates = l3vm_set_new();

	for (size_t i = 0; i < G_N_ELEMENTS(objects); i++)
		l3vm_set_add(candidates, &objects[i]);
	for (L3vmObserve how = L3VM_OBSERVE_FRESH; how <= L3VM_OBSERVE_ALL; how++) {
		g_autoptr(L3vmSet) observed = observe(world, candidates, how);

		assert_int_equal(l3vm_set_size(observed), 0);
	}
}

int run_observe(void)
{
	const struct CMUnitTest tests[] = {
		contract_test(test_fresh),
		contract_test(test_candidates_only),
		contract_test(test_better_rank_is_told),
		contract_test(test_other_interface_is_told),
		contract_test(test_all),
		contract_test(test_strangers_are_not_told),
		contract_test(test_behind_a_stranger),
		contract_test(test_index_is_told),
		contract_test(test_missing_interface_has_nothing),
	};

	return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
