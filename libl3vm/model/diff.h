/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* diff.h - what has to change so that the kernel is as intended */
#ifndef L3VM_MODEL_DIFF_H
#define L3VM_MODEL_DIFF_H

#include "model/plan.h"

/*
 * The sorted plan that turns @observed into @desired. Of what is observed and
 * not desired only removable objects that are marked as owned go.
 */
L3vmPlan *l3vm_diff(const L3vmSet *desired, const L3vmSet *observed);

#endif
