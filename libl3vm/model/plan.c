/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan.c - ordered kernel operations as data */
#include "model/plan.h"

struct L3vmPlan {
	GArray *changes;
};

L3vmPlan *l3vm_plan_new(void)
{
	L3vmPlan *plan = g_new(L3vmPlan, 1);

	plan->changes = g_array_new(FALSE, FALSE, sizeof(L3vmChange));
	return plan;
}

void l3vm_plan_free(L3vmPlan *plan)
{
	if (!plan)
		return;
	g_array_unref(plan->changes);
	g_free(plan);
}

void l3vm_plan_add(L3vmPlan *plan, const L3vmObject *before, const L3vmObject *after)
{
	L3vmChange change = { .has_before = before, .has_after = after };

	if (before)
		change.before = *before;
	if (after)
		change.after = *after;
	g_array_append_val(plan->changes, change);
}

guint l3vm_plan_size(const L3vmPlan *plan)
{
	return plan->changes->len;
}

const L3vmChange *l3vm_plan_get(const L3vmPlan *plan, guint i)
{
	return &g_array_index(plan->changes, L3vmChange, i);
}

L3vmChange l3vm_change_inverse(const L3vmChange *change)
{
	return (L3vmChange){ .has_before = change->has_after,
			     .has_after = change->has_before,
			     .before = change->after,
			     .after = change->before };
}

/* nft takes no two ranges of one port that overlap. */
static bool is_range(const L3vmObject *o)
{
	return o->kind == L3VM_OBJECT_GUARD_ENTRY && o->key == L3VM_GUARD_SOURCE &&
	       !l3vm_addr_is_host(&o->addr);
}

/* A removal sorts after every creation, and the later its phase the earlier; but
 * a range makes place for the one that takes its place. */
static int rank_of(const L3vmChange *change)
{
	if (!change->has_after && is_range(&change->before))
		return L3VM_OBJECT_GUARD;
	return change->has_after ? l3vm_object_phase(&change->after)
				 : 1000 - l3vm_object_phase(&change->before);
}

static gint compare(gconstpointer a, gconstpointer b)
{
	return rank_of(a) - rank_of(b);
}

void l3vm_plan_sort(L3vmPlan *plan)
{
	/* g_array_sort() is stable: within a phase the order of intent stays */
	g_array_sort(plan->changes, compare);
}
