/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.h - what a guest's QEMU was started for */
#ifndef L3VM_HOOKS_PROCESS_H
#define L3VM_HOOKS_PROCESS_H

#include <stdbool.h>

/*
 * True if the QEMU of @guest surely runs its guest from the start: its command
 * line has no -incoming. False if it waits for a migration or a saved image, and
 * if nothing can be learned.
 */
bool l3vm_process_boots(const char *guest);

#endif
