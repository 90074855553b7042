/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.h - the system calls that the agent may make */
#ifndef L3VM_AGENT_SANDBOX_H
#define L3VM_AGENT_SANDBOX_H

#include <glib.h>
#include <stdbool.h>

/* From now on any system call that no comment "syscalls:" of the sources names is
 * refused (EPERM), whichever of the threads makes it. There is no way back. */
bool sandbox_enter(GError **error);

#endif
