/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel.c - applying a whole plan, and undoing it */
#include "kernel/kernel.h"

#include "base/log.h"
#include "l3vm.h"

void l3vm_kernel_free(L3vmKernel *kernel)
{
	if (kernel)
		kernel->ops->free(kernel);
}

/* Its settings went with it. */
static bool interface_is_gone(L3vmKernel *kernel, const L3vmChange *change)
{
	const L3vmObject *o = change->has_after ? &change->after : &change->before;
	L3vmLink link;

	return *o->ifname && (!kernel->ops->find_link(kernel, o->ifname, &link, NULL) ||
			      (o->ifindex && link.ifindex != o->ifindex));
}

static void undo_one(L3vmKernel *kernel, const L3vmChange *change)
{
	L3vmChange inverse = l3vm_change_inverse(change);
	g_autoptr(GError) error = NULL;

	if (change->has_before && change->before.guessed)
		return;
	/* who may not undo it could not do it either */
	if (!kernel->ops->apply(kernel, &inverse, &error) &&
	    !g_error_matches(error, L3VM_ERROR, L3VM_ERROR_PERMISSION) &&
	    !interface_is_gone(kernel, change))
		l3vm_warn("undo: %s", error->message);
}

/*
 * Undoes the first @n changes of @plan, the last of them first. Setting a MAC
 * back flushes the interface's neighbours once more, also those that the plan
 * had not come to: what they were is written last.
 */
static void undo(L3vmKernel *kernel, const L3vmPlan *plan, guint n)
{
	bool flushed = false;

	for (guint i = n; i-- > 0;) {
		const L3vmChange *change = l3vm_plan_get(plan, i);

		undo_one(kernel, change);
		flushed |= change->before.kind == L3VM_OBJECT_MAC && change->has_before;
	}
	for (guint i = 0; flushed && i < l3vm_plan_size(plan); i++) {
		const L3vmChange *change = l3vm_plan_get(plan, i);

		if (change->has_before && change->before.kind == L3VM_OBJECT_NEIGHBOUR)
			undo_one(kernel, change);
	}
}

bool l3vm_kernel_apply_plan(L3vmKernel *kernel, const L3vmPlan *plan, GError **error)
{
	/* up to where something may have been changed */
	guint touched = 0;

	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		guint n = 0;

		/* what is inside a joined request that failed is not tried twice */
		if (kernel->ops->apply_joined && i >= touched &&
		    kernel->ops->apply_joined(kernel, plan, i, &n)) {
			touched = i + n;
			i = touched - 1;
			continue;
		}
		touched = MAX(touched, i + n);
		if (!kernel->ops->apply(kernel, l3vm_plan_get(plan, i), error)) {
			/* this one too: it may be its answer that was lost */
			undo(kernel, plan, MAX(touched, i + 1));
			return false;
		}
	}
	return true;
}
