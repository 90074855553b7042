/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-diff.c - what has to change, and what must not be touched
 *
 * Besides examples: random sets, for which a plan must bring about what was
 * desired, leave strangers alone, and find nothing to do the second time.
 */
#include "model/diff.h"

#include "values.h"

#define MAC5 "52:54:00:00:00:05"
#define MAC6 "52:54:00:00:00:06"

static void fill(L3vmSet *set, const L3vmObject *objects, size_t n)
{
	for (size_t i = 0; i < n; i++)
		l3vm_set_add(set, &objects[i]);
}

/* The plan from @observed to @desired, in words. */
static char *words(const L3vmObject *desired, size_t n_desired,
		   const L3vmObject *observed, size_t n_observed)
{
	g_autoptr(L3vmSet) want = l3vm_set_new();
	g_autoptr(L3vmSet) have = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = NULL;
	g_autoptr(GString) text = g_string_new(NULL);

	fill(want, desired, n_desired);
	fill(have, observed, n_observed);
	plan = l3vm_diff(want, have);
	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		g_autofree char *line = l3vm_change_describe(l3vm_plan_get(plan, i));

		g_string_append_printf(text, "%s\n", line);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

#define assert_plan(desired, observed, text)                                          \
	do {                                                                          \
		g_autofree char *plan_text = words(desired, G_N_ELEMENTS(desired),    \
						   observed, G_N_ELEMENTS(observed)); \
                                                                                      \
		assert_string_equal(plan_text, text);                                 \
	} while (0)

static void test_nothing_to_do(void **state)
{
	const L3vmObject both[] = { owned(route_on("t", "10.0.0.5", 5)),
				    owned(neighbour_on("t", "10.0.0.5", MAC5)),
				    mac_on(L3VM_OBJECT_MAC, "t", MAC6),
				    number_on(L3VM_OBJECT_UP, "t", 0, 1) };

	(void)state;
	assert_plan(both, both, "");
}

/* Add before delete: at no moment is the address without a route. */
static void test_rank_change(void **state)
{
	const L3vmObject preferred[] = { owned(route_on("t", "10.0.0.5", 4)),
					 owned(route_on("t", "2001:db8::5", 4)) };
	const L3vmObject normal[] = { route_on("t", "10.0.0.5", 5),
				      route_on("t", "2001:db8::5", 5) };

	(void)state;
	assert_plan(normal, preferred,
		    "add route 10.0.0.5/32 dev t metric 5\n"
		    "add route 2001:db8::5/128 dev t metric 5\n"
		    "remove route 10.0.0.5/32 dev t metric 4\n"
		    "remove route 2001:db8::5/128 dev t metric 4\n");
}

static void test_route_moves_to_other_interface(void **state)
{
	const L3vmObject old[] = { owned(route_on("t", "10.0.0.5", 5)) };
	const L3vmObject new[] = { route_on("u", "10.0.0.5", 5) };
	g_autoptr(L3vmSet) want = l3vm_set_new();
	g_autoptr(L3vmSet) have = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = NULL;

	(void)state;
	fill(want, new, 1);
	fill(have, old, 1);
	plan = l3vm_diff(want, have);
	/* one change, which the kernel makes in one step */
	assert_int_equal(l3vm_plan_size(plan), 1);
	assert_true(l3vm_plan_get(plan, 0)->has_before);
	assert_string_equal(l3vm_plan_get(plan, 0)->before.ifname, "t");
	assert_string_equal(l3vm_plan_get(plan, 0)->after.ifname, "u");
}

static void test_strangers_stay(void **state)
{
	const L3vmObject desired[] = { route_on("t", "10.0.0.5", 5) };
	const L3vmObject observed[] = {
		route_on("t", "10.0.0.5", 100),
		route_on("t", "10.0.0.6", 5),
		neighbour_on("t", "10.0.0.7", MAC5),
		address_on("t", "192.0.2.1"),
		rule_of("t", "0.0.0.0/0", 100, 7600),
		mac_on(L3VM_OBJECT_FDB, "t", MAC5),
	};

	(void)state;
	assert_plan(desired, observed, "add route 10.0.0.5/32 dev t metric 5\n");
}

/* What can only be set does not go, whoever set it. */
static void test_settings_stay(void **state)
{
	const L3vmObject desired[] = { number_on(L3VM_OBJECT_MTU, "t", 0, 1500) };
	const L3vmObject observed[] = {
		owned(number_on(L3VM_OBJECT_MTU, "t", 0, 1500)),
		owned(number_on(L3VM_OBJECT_UP, "t", 0, 1)),
		owned(mac_on(L3VM_OBJECT_MAC, "t", MAC5)),
		owned(object_on(L3VM_OBJECT_BRIDGE, "br0")),
		owned(number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP4_FORWARDING,
				1)),
	};

	(void)state;
	assert_plan(desired, observed, "");
}

static void test_owned_leftovers_go(void **state)
{
	const L3vmObject desired[] = { number_on(L3VM_OBJECT_MTU, "t", 0, 1500) };
	const L3vmObject observed[] = {
		number_on(L3VM_OBJECT_MTU, "t", 0, 9000),
		owned(address_on("t", "169.254.0.1")),
		owned(neighbour_on("t", "10.0.0.5", MAC5)),
		owned(rule_of("t", "0.0.0.0/0", 100, 7600)),
		owned(route_on("t", "10.0.0.5", 5)),
	};

	(void)state;
	assert_plan(desired, observed,
		    "set MTU of t to 1500\n"
		    "remove route 10.0.0.5/32 dev t metric 5\n"
		    "remove rule 7600 iif t lookup 100\n"
		    "remove neighbour 10.0.0.5/32 dev t at " MAC5 "\n"
		    "remove address 169.254.0.1/32 dev t\n");
}

/* A new MAC flushes the interface's neighbours, so all of them are written. */
static void test_mac_change_renews_neighbours(void **state)
{
	const L3vmObject desired[] = {
		mac_on(L3VM_OBJECT_MAC, "t", MAC6),
		neighbour_on("t", "10.0.0.5", MAC5),
		neighbour_on("t", "2001:db8::5", MAC5),
		neighbour_on("u", "10.0.0.6", MAC5),
	};
	const L3vmObject observed[] = {
		mac_on(L3VM_OBJECT_MAC, "t", MAC5),
		owned(neighbour_on("t", "10.0.0.5", MAC5)),
		owned(neighbour_on("t", "2001:db8::5", MAC5)),
		owned(neighbour_on("u", "10.0.0.6", MAC5)),
	};
	g_autoptr(L3vmSet) want = l3vm_set_new();
	g_autoptr(L3vmSet) have = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = NULL;

	(void)state;
	fill(want, desired, G_N_ELEMENTS(desired));
	fill(have, observed, G_N_ELEMENTS(observed));
	plan = l3vm_diff(want, have);
	/* not the one on the other interface */
	assert_int_equal(l3vm_plan_size(plan), 3);
	assert_int_equal(l3vm_plan_get(plan, 0)->after.kind, L3VM_OBJECT_MAC);
	for (guint i = 1; i < 3; i++) {
		assert_int_equal(l3vm_plan_get(plan, i)->after.kind,
				 L3VM_OBJECT_NEIGHBOUR);
		assert_string_equal(l3vm_plan_get(plan, i)->after.ifname, "t");
		/* what an undo has to bring back */
		assert_true(l3vm_plan_get(plan, i)->has_before);
	}
}

static void test_same_mac_renews_nothing(void **state)
{
	const L3vmObject both[] = { mac_on(L3VM_OBJECT_MAC, "t", MAC6),
				    neighbour_on("t", "10.0.0.5", MAC5) };

	(void)state;
	assert_plan(both, both, "");
}

/* --- properties of random sets --------------------------------------------- */

#define ROUNDS 3000

static const char *pick(GRand *rand, const char *const *words, int n)
{
	return words[g_rand_int_range(rand, 0, n)];
}

/* Of the role ROUTED or BRIDGED. */
static L3vmObject source_of(const char *name, const char *addr, uint32_t role)
{
	L3vmObject o = address_on(name, addr);

	o.kind = L3VM_OBJECT_GUARD_ENTRY;
	o.key = L3VM_GUARD_SOURCE;
	o.number = role;
	return o;
}

/* From few values, so that sets overlap. */
static L3vmObject random_object(GRand *rand)
{
	static const char *const names[] = { "t", "u", "br0" };
	static const char *const addrs[] = { "10.0.0.5", "10.0.0.6", "2001:db8::5" };
	static const char *const macs[] = { MAC5, MAC6 };
	const char *name = pick(rand, names, G_N_ELEMENTS(names));
	const char *addr = pick(rand, addrs, G_N_ELEMENTS(addrs));
	const char *mac = pick(rand, macs, G_N_ELEMENTS(macs));
	uint32_t bit = g_rand_boolean(rand) ? 1 : 0;
	L3vmObjectKind kind = (L3vmObjectKind)g_rand_int_range(rand, L3VM_OBJECT_BRIDGE,
							       L3VM_OBJECT_ROUTE + 1);

	switch (kind) {
	case L3VM_OBJECT_GUARD:
		return number_on(kind, "", 0, 1);
	case L3VM_OBJECT_GUARD_ENTRY:
		return source_of(name, addr, bit);
	case L3VM_OBJECT_BRIDGE:
	case L3VM_OBJECT_MASTER:
		return object_on(kind, name);
	case L3VM_OBJECT_MAC:
	case L3VM_OBJECT_FDB:
		return mac_on(kind, name, mac);
	case L3VM_OBJECT_SYSCTL:
	case L3VM_OBJECT_MTU:
	case L3VM_OBJECT_QUEUE:
	case L3VM_OBJECT_BRIDGE_PORT:
	case L3VM_OBJECT_UP:
		return number_on(kind, name, 0, bit);
	case L3VM_OBJECT_ADDRESS:
		return address_on(name, addr);
	case L3VM_OBJECT_NEIGHBOUR:
		return neighbour_on(name, addr, mac);
	case L3VM_OBJECT_RULE:
		return rule_of(name, addr, 100, 7600 + bit);
	case L3VM_OBJECT_ROUTE:
		return route_on(name, addr, 4 + bit);
	}
	return object_on(kind, name);
}

static L3vmSet *random_set(GRand *rand)
{
	L3vmSet *set = l3vm_set_new();

	for (int i = g_rand_int_range(rand, 0, 30); i > 0; i--) {
		L3vmObject o = random_object(rand);

		o.owned = g_rand_boolean(rand);
		l3vm_set_add(set, &o);
	}
	return set;
}

static L3vmSet *copy_of(const L3vmSet *set)
{
	L3vmSet *copy = l3vm_set_new();

	l3vm_set_add_all(copy, set);
	return copy;
}

/* A new MAC takes the interface's neighbours along, as the kernel does. */
static void flush_neighbours(L3vmSet *kernel, const char *ifname)
{
	for (guint i = l3vm_set_size(kernel); i-- > 0;) {
		const L3vmObject *o = l3vm_set_get(kernel, i);

		if (o->kind == L3VM_OBJECT_NEIGHBOUR && !strcmp(o->ifname, ifname))
			l3vm_set_remove(kernel, o);
	}
}

static void carry_out(L3vmSet *kernel, const L3vmPlan *plan)
{
	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		const L3vmChange *change = l3vm_plan_get(plan, i);

		if (!change->has_after) {
			assert_true(l3vm_object_is_removable(&change->before));
			l3vm_set_remove(kernel, &change->before);
			continue;
		}
		/* seen with no MAC, it was not there, and neither was a neighbour */
		if (change->after.kind == L3VM_OBJECT_MAC && change->has_before)
			flush_neighbours(kernel, change->after.ifname);
		l3vm_set_put(kernel, &change->after);
	}
}

static void assert_brought_about(const L3vmSet *desired, const L3vmSet *kernel)
{
	for (guint i = 0; i < l3vm_set_size(desired); i++) {
		const L3vmObject *o = l3vm_set_get(desired, i);
		const L3vmObject *is = l3vm_set_find(kernel, o);

		assert_non_null(is);
		assert_true(l3vm_object_equal(is, o));
	}
}

/* What is not ours and not asked for is in no change. */
static void assert_strangers_untouched(const L3vmSet *desired, const L3vmPlan *plan)
{
	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		const L3vmChange *change = l3vm_plan_get(plan, i);

		if (change->has_after)
			assert_non_null(l3vm_set_find(desired, &change->after));
		else
			assert_true(change->before.owned);
	}
}

static void assert_no_owned_leftover(const L3vmSet *desired, const L3vmSet *kernel)
{
	for (guint i = 0; i < l3vm_set_size(kernel); i++) {
		const L3vmObject *o = l3vm_set_get(kernel, i);

		assert_false(o->owned && l3vm_object_is_removable(o) &&
			     !l3vm_set_find(desired, o));
	}
}

static void test_random_sets(void **state)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(76);

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		g_autoptr(L3vmSet) desired = random_set(rand);
		g_autoptr(L3vmSet) observed = random_set(rand);
		g_autoptr(L3vmSet) kernel = copy_of(observed);
		g_autoptr(L3vmPlan) plan = l3vm_diff(desired, observed);
		g_autoptr(L3vmPlan) again = NULL;

		assert_strangers_untouched(desired, plan);
		carry_out(kernel, plan);
		assert_brought_about(desired, kernel);
		assert_no_owned_leftover(desired, kernel);
		again = l3vm_diff(desired, kernel);
		assert_int_equal(l3vm_plan_size(again), 0);
	}
}

/* Whatever the sets: what is made stands before anything goes. */
static void test_random_order(void **state)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(77);

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		g_autoptr(L3vmSet) desired = random_set(rand);
		g_autoptr(L3vmSet) observed = random_set(rand);
		g_autoptr(L3vmPlan) plan = l3vm_diff(desired, observed);
		bool removing = false;

		for (guint i = 0; i < l3vm_plan_size(plan); i++) {
			const L3vmChange *change = l3vm_plan_get(plan, i);

			assert_false(removing && change->has_after);
			removing = !change->has_after;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_rank_change),
		cmocka_unit_test(test_route_moves_to_other_interface),
		cmocka_unit_test(test_strangers_stay),
		cmocka_unit_test(test_settings_stay),
		cmocka_unit_test(test_owned_leftovers_go),
		cmocka_unit_test(test_mac_change_renews_neighbours),
		cmocka_unit_test(test_same_mac_renews_nothing),
		cmocka_unit_test(test_random_sets),
		cmocka_unit_test(test_random_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
