/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diff.c - what has to change so that the kernel is as intended
 *
 * Ownership comes before change. A desired object that the kernel has with
 * another value is set: the caller asked for this interface. An object that
 * nobody desires goes only if it is ours: it carries our protocol number, or
 * the record says that we made it. A stranger's route on the same interface,
 * or for the same address with another metric, is not even looked at.
 *
 * One side effect of the kernel is anticipated: a new MAC flushes the
 * interface's neighbours, permanent ones too (net/core/neighbour.c,
 * neigh_changeaddr()), so all of them are written again.
 */
#include "model/diff.h"

static bool mac_will_change(const L3vmSet *desired, const L3vmSet *observed,
			    const L3vmObject *neighbour)
{
	L3vmObject like = *neighbour;
	const L3vmObject *after, *before;

	like.kind = L3VM_OBJECT_MAC;
	after = l3vm_set_find(desired, &like);
	before = l3vm_set_find(observed, &like);
	return after && before && !l3vm_mac_equal(&after->mac, &before->mac);
}

L3vmPlan *l3vm_diff(const L3vmSet *desired, const L3vmSet *observed)
{
	L3vmPlan *plan = l3vm_plan_new();

	for (guint i = 0; i < l3vm_set_size(desired); i++) {
		const L3vmObject *after = l3vm_set_get(desired, i);
		const L3vmObject *before = l3vm_set_find(observed, after);

		if (!before || !l3vm_object_equal(before, after) ||
		    (after->kind == L3VM_OBJECT_NEIGHBOUR &&
		     mac_will_change(desired, observed, after)))
			l3vm_plan_add(plan, before, after);
	}
	for (guint i = 0; i < l3vm_set_size(observed); i++) {
		const L3vmObject *before = l3vm_set_get(observed, i);

		if (before->owned && l3vm_object_is_removable(before) &&
		    !l3vm_set_find(desired, before))
			l3vm_plan_add(plan, before, NULL);
	}
	l3vm_plan_sort(plan);
	return plan;
}
