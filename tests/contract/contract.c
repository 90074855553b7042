/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* contract.c - what all tests of the contract use */
#include "contract.h"

int world_begin(void **state)
{
	World *world = g_new0(World, 1);

	world->ops = &world_ops;
	world->data = *state;
	world->kernel = world_ops.begin();
	*state = world;
	return world->kernel ? 0 : -1;
}

int world_end(void **state)
{
	World *world = *state;

	l3vm_kernel_free(world->kernel);
	g_free(world);
	return 0;
}

static bool apply(World *world, const L3vmObject *before, const L3vmObject *after,
		  GError **error)
{
	L3vmChange c = { .has_before = before, .has_after = after };

	if (before)
		c.before = *before;
	if (after)
		c.after = *after;
	return world->kernel->ops->apply(world->kernel, &c, error);
}

static void apply_or_fail(World *world, const L3vmObject *before,
			  const L3vmObject *after)
{
	g_autoptr(GError) error = NULL;

	if (!apply(world, before, after, &error))
		fail_msg("%s", error->message);
	assert_null(error);
}

void add(World *world, const L3vmObject *object)
{
	apply_or_fail(world, NULL, object);
}

void change(World *world, const L3vmObject *before, const L3vmObject *after)
{
	apply_or_fail(world, before, after);
}

void removal(World *world, const L3vmObject *object)
{
	apply_or_fail(world, object, NULL);
}

char *refusal(World *world, const L3vmObject *before, const L3vmObject *after)
{
	g_autoptr(GError) error = NULL;

	if (apply(world, before, after, &error)) {
		L3vmChange c = { .has_after = true, .after = after ? *after : *before };

		fail_msg("should be refused: %s", l3vm_change_describe(&c));
	}
	assert_non_null(error);
	assert_true(error->domain == L3VM_ERROR);
	/* "WHAT: WHY (REMEDY)" */
	assert_null(strchr(error->message, '\n'));
	assert_non_null(strstr(error->message, ": "));
	assert_true(g_str_has_suffix(error->message, ")"));
	return g_strdup(error->message);
}

unsigned add_up_link(World *world, const char *ifname)
{
	L3vmObject up = number_on(L3VM_OBJECT_UP, ifname, 0, 1);

	up.ifindex = world->ops->add_link(world, ifname);
	add(world, &up);
	return up.ifindex;
}

void add_bridge(World *world)
{
	L3vmObject bridge = object_on(L3VM_OBJECT_BRIDGE, "br0");
	L3vmObject up = number_on(L3VM_OBJECT_UP, "br0", 0, 1);

	add(world, &bridge);
	add(world, &up);
}

L3vmSet *observe(World *world, const L3vmSet *candidates, L3vmObserve how)
{
	g_autoptr(GError) error = NULL;
	L3vmSet *observed = l3vm_set_new();

	if (!world->kernel->ops->observe(world->kernel, candidates, how, observed,
					 &error))
		fail_msg("%s", error->message);
	return observed;
}

const L3vmObject *observe_one(World *world, const L3vmObject *candidate)
{
	static L3vmObject found;
	g_autoptr(L3vmSet) candidates = l3vm_set_new();
	g_autoptr(L3vmSet) observed = NULL;
	const L3vmObject *o;

	l3vm_set_add(candidates, candidate);
	observed = observe(world, candidates, L3VM_OBSERVE_CANDIDATES);
	o = l3vm_set_find(observed, candidate);
	if (o)
		found = *o;
	return o ? &found : NULL;
}

void assert_has(World *world, const L3vmObject *object)
{
	const L3vmObject *is = observe_one(world, object);
	L3vmChange c = { .has_after = true, .after = *object };
	L3vmChange other = { .has_after = true, .after = is ? *is : *object };

	if (!is)
		fail_msg("not there: %s", l3vm_change_describe(&c));
	if (!l3vm_object_equal(is, object))
		fail_msg("wanted: %s\nis: %s", l3vm_change_to_ip(&c, PROTOCOL),
			 l3vm_change_to_ip(&other, PROTOCOL));
}

void assert_lacks(World *world, const L3vmObject *object)
{
	L3vmChange c = { .has_after = true, .after = *object };

	if (observe_one(world, object))
		fail_msg("still there: %s", l3vm_change_describe(&c));
}

int run_contract(void)
{
	return run_objects() + run_effects() + run_routes() + run_observe();
}
