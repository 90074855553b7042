/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contract-routes.c - our routes beside strangers' and beside each other
 *
 * The kernel knows a route by destination, table and metric; who made it is a
 * mere remark. A request without all of these hits whatever comes first.
 */
#include "contract.h"

typedef struct Family {
	const char *name, *guest, *prefix, *via;
} Family;

static const Family families[] = {
	{ "IPv4", "10.0.0.5", "192.0.2.0/24", "10.0.0.5" },
	{ "IPv6", "2001:db8::5", "2001:db8:5::/64", "2001:db8::5" },
};

static void begin(World *world, const Family **family)
{
	*family = world->data;
	add_up_link(world, "t");
	add_up_link(world, "u");
}

/* Refused, the owner named, and his route as it was: for a plain add, and for a
 * change of what we believe to have there. */
static void test_stranger_has_it(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject theirs, ours;
	g_autofree char *text = NULL;
	g_autofree char *again = NULL;

	begin(world, &family);
	theirs = route_on("u", family->guest, 5);
	ours = route_on("t", family->guest, 5);
	world->ops->add_foreign(world, &theirs);
	text = refusal(world, NULL, &ours);
	assert_non_null(strstr(text, "protocol"));
	assert_non_null(strstr(text, family->guest));
	assert_true(world->ops->has_foreign(world, &theirs));
	again = refusal(world, &ours, &ours);
	assert_non_null(strstr(again, "protocol"));
	assert_true(world->ops->has_foreign(world, &theirs));
	/* and it does not count as ours */
	assert_lacks(world, &ours);
}

static void test_stranger_has_it_on_our_interface(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject route;

	begin(world, &family);
	route = route_on("t", family->guest, 5);
	world->ops->add_foreign(world, &route);
	g_free(refusal(world, NULL, &route));
	assert_true(world->ops->has_foreign(world, &route));
	/* removing ours, which is not there, does not remove his */
	removal(world, &route);
	assert_true(world->ops->has_foreign(world, &route));
}

static void test_stranger_beside_us(void **state)
{
	static const uint32_t metrics[] = { 1, 20, 1024, 4294967295u };
	World *world = *state;
	const Family *family;
	L3vmObject ours;

	begin(world, &family);
	ours = route_on("t", family->guest, 5);
	for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++) {
		L3vmObject theirs = route_on("t", family->guest, metrics[i]);

		world->ops->add_foreign(world, &theirs);
	}
	add(world, &ours);
	assert_has(world, &ours);
	removal(world, &ours);
	assert_lacks(world, &ours);
	for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++) {
		L3vmObject theirs = route_on("t", family->guest, metrics[i]);

		assert_true(world->ops->has_foreign(world, &theirs));
	}
}

/* By his better one, not by his worse one or by one of another table. */
static void test_stranger_hides_us(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject ours, worse, elsewhere, better, other;
	L3vmKernel *kernel = world->kernel;

	begin(world, &family);
	ours = route_on("t", family->guest, 5);
	worse = route_on("u", family->guest, 6);
	elsewhere = better = route_on("u", family->guest, 2);
	elsewhere.table = 123;
	world->ops->add_foreign(world, &worse);
	world->ops->add_foreign(world, &elsewhere);
	add(world, &ours);
	assert_false(kernel->ops->is_hidden(kernel, &ours, &other));
	world->ops->add_foreign(world, &better);
	assert_true(kernel->ops->is_hidden(kernel, &ours, &other));
	assert_int_equal(other.metric, 2);
	assert_string_equal(other.ifname, "u");
}

/* Where somebody else has a way to, too: not to everything, and in its table. */
static void test_others(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject ours, elsewhere, prefix, theirs;
	g_autoptr(L3vmSet) wanted = l3vm_set_new();
	g_autoptr(L3vmSet) found = l3vm_set_new();

	begin(world, &family);
	ours = elsewhere = route_on("t", family->guest, LAST);
	elsewhere.table = 123;
	prefix = route_on("t", family->prefix, LAST);
	theirs = route_on("u", family->guest, 20);
	l3vm_set_put(wanted, &ours);
	l3vm_set_put(wanted, &elsewhere);
	l3vm_set_put(wanted, &prefix);
	add(world, &ours);
	add(world, &prefix);
	assert_true(
		world->kernel->ops->find_others(world->kernel, wanted, found, NULL));
	assert_int_equal(l3vm_set_size(found), 0);
	world->ops->add_foreign(world, &theirs);
	assert_true(
		world->kernel->ops->find_others(world->kernel, wanted, found, NULL));
	assert_int_equal(l3vm_set_size(found), 1);
	assert_non_null(l3vm_set_find(found, &ours));
}

/* Left behind by a crash on another interface: it is ours to move. */
static void test_our_own_leftover(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject old, new;

	begin(world, &family);
	old = route_on("u", family->guest, 5);
	new = route_on("t", family->guest, 5);
	add(world, &old);
	add(world, &new);
	assert_has(world, &new);
	removal(world, &new);
	assert_lacks(world, &new);
}

/* Both stand for a moment; then the old one goes, and the new one alone stays. */
static void test_rank_change(void **state)
{
	static const uint32_t ranks[] = { 4, 5, LAST, 5, 4, LAST, 4 };
	World *world = *state;
	const Family *family;
	L3vmObject route, prefix;

	begin(world, &family);
	route = route_on("t", family->guest, ranks[0]);
	prefix = route_via("t", family->prefix, ranks[0], family->via);
	add(world, &route);
	add(world, &prefix);
	for (size_t i = 1; i < G_N_ELEMENTS(ranks); i++) {
		L3vmObject new_route = route, new_prefix = prefix;

		new_route.metric = new_prefix.metric = ranks[i];
		add(world, &new_route);
		add(world, &new_prefix);
		removal(world, &route);
		removal(world, &prefix);
		assert_lacks(world, &route);
		assert_lacks(world, &prefix);
		assert_has(world, &new_route);
		assert_has(world, &new_prefix);
		route = new_route;
		prefix = new_prefix;
	}
}

/* In a table other than main a route is looked for as a packet would be: by a
 * rule, without which it would be of no use. */
static void test_tables_are_apart(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject main_table, other, theirs, rule;

	begin(world, &family);
	main_table = other = route_on("t", family->guest, 5);
	other.table = 4242;
	theirs = route_on("u", family->guest, 5);
	theirs.table = 4243;
	rule = rule_of("", family->guest, 4242, 7601);
	add(world, &rule);
	add(world, &main_table);
	assert_lacks(world, &other);
	add(world, &other);
	assert_has(world, &other);
	world->ops->add_foreign(world, &theirs);
	removal(world, &main_table);
	assert_has(world, &other);
	add(world, &main_table);
	removal(world, &other);
	assert_lacks(world, &other);
	assert_has(world, &main_table);
	assert_true(world->ops->has_foreign(world, &theirs));
	/* a table that nothing was ever put into */
	other.table = 4244;
	assert_lacks(world, &other);
	removal(world, &other);
}

/* A more specific route hides nothing: each prefix is looked at by itself. */
static void test_prefix_in_prefix(void **state)
{
	World *world = *state;
	const Family *family;
	L3vmObject outer, inner;

	begin(world, &family);
	outer = route_via("t", family->prefix, 5, family->via);
	inner = outer;
	inner.addr.len = (uint8_t)l3vm_family_bits(inner.addr.family);
	inner.via = (L3vmAddr){ 0 };
	add(world, &outer);
	assert_lacks(world, &inner);
	add(world, &inner);
	assert_has(world, &inner);
	removal(world, &outer);
	assert_has(world, &inner);
	assert_lacks(world, &outer);
}

static void test_many_for_one_guest(void **state)
{
	World *world = *state;
	const Family *family;
	g_autoptr(L3vmSet) set = l3vm_set_new();
	g_autoptr(L3vmSet) observed = NULL;
	L3vmObject route;

	begin(world, &family);
	route = route_on("t", family->guest, 5);
	for (uint8_t i = 1; i <= 64; i++) {
		route.addr.bytes[l3vm_family_bytes(route.addr.family) - 1] = i;
		add(world, &route);
		l3vm_set_add(set, &route);
	}
	observed = observe(world, set, L3VM_OBSERVE_CANDIDATES);
	assert_int_equal(l3vm_set_size(observed), 64);
	for (guint i = 0; i < 64; i++)
		removal(world, l3vm_set_get(set, i));
	assert_lacks(world, &route);
}

int run_routes(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction run;
	} tests[] = {
		{ "a stranger has the route", test_stranger_has_it },
		{ "a stranger has it on our interface",
		  test_stranger_has_it_on_our_interface },
		{ "strangers of other metrics", test_stranger_beside_us },
		{ "a stranger hides ours", test_stranger_hides_us },
		{ "others' ways", test_others },
		{ "our own leftover", test_our_own_leftover },
		{ "change of rank", test_rank_change },
		{ "tables are apart", test_tables_are_apart },
		{ "prefix in prefix", test_prefix_in_prefix },
		{ "64 addresses", test_many_for_one_guest },
	};
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct CMUnitTest units[G_N_ELEMENTS(tests) * G_N_ELEMENTS(families)];
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(families); j++) {
			char *name = g_strdup_printf("%s, %s", tests[i].name,
						     families[j].name);

			g_ptr_array_add(names, name);
			units[n++] = (struct CMUnitTest){ name, tests[i].run,
							  world_begin, world_end,
							  (void *)&families[j] };
		}
	return cmocka_run_group_tests_name("routes", units, NULL, NULL);
}
