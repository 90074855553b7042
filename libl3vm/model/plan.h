/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan.h - ordered kernel operations as data
 *
 * A change has what was before, what shall be after, or both; its inverse is
 * the two swapped, so a plan can be undone from any point. What applies it is
 * in kernel/.
 */
#ifndef L3VM_MODEL_PLAN_H
#define L3VM_MODEL_PLAN_H

#include "model/object.h"

typedef struct L3vmChange {
	bool has_before, has_after;
	L3vmObject before, after;
} L3vmChange;

typedef struct L3vmPlan L3vmPlan;

L3vmPlan *l3vm_plan_new(void);
void l3vm_plan_free(L3vmPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmPlan, l3vm_plan_free)
/* Either may be NULL, not both. */
void l3vm_plan_add(L3vmPlan *plan, const L3vmObject *before, const L3vmObject *after);
guint l3vm_plan_size(const L3vmPlan *plan);
const L3vmChange *l3vm_plan_get(const L3vmPlan *plan, guint i);
L3vmChange l3vm_change_inverse(const L3vmChange *change);

/*
 * Puts the changes into the order in which they are safe: what is created or
 * set by phase, then what is removed, by phase backwards. A route of a new
 * rank so stands before the old one goes.
 */
void l3vm_plan_sort(L3vmPlan *plan);

/* One line that sh runs with the same effect, without a newline; for the caller
 * to free. NULL if there is none to print (an inverse that needs no action). */
char *l3vm_change_to_ip(const L3vmChange *change, unsigned protocol);
/* "add route 10.0.0.5/32 dev tapvm1 metric 5": for reports and errors. */
char *l3vm_change_describe(const L3vmChange *change);
/* As lines of sh, each with its newline; as a JSON array. */
char *l3vm_plan_to_ip(const L3vmPlan *plan, unsigned protocol);
char *l3vm_plan_to_json(const L3vmPlan *plan, unsigned protocol);

#endif
