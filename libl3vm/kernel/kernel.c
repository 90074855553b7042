/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel.c - applying a whole plan, and undoing it */
#include "kernel/kernel.h"

#include "base/log.h"

void l3vm_kernel_free(L3vmKernel *kernel)
{
	if (kernel)
		kernel->ops->free(kernel);
}

/* Undoes the first @n changes of @plan, the last of them first. */
static void undo(L3vmKernel *kernel, const L3vmPlan *plan, guint n)
{
	while (n-- > 0) {
		L3vmChange inverse = l3vm_change_inverse(l3vm_plan_get(plan, n));
		g_autoptr(GError) error = NULL;

		if (!kernel->ops->apply(kernel, &inverse, &error))
			l3vm_warn("undo: %s", error->message);
	}
}

bool l3vm_kernel_apply_plan(L3vmKernel *kernel, const L3vmPlan *plan, GError **error)
{
	for (guint i = 0; i < l3vm_plan_size(plan); i++)
		if (!kernel->ops->apply(kernel, l3vm_plan_get(plan, i), error)) {
			undo(kernel, plan, i);
			return false;
		}
	return true;
}
