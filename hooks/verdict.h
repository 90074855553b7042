/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* verdict.h - which failure of ours may stop what libvirt is about to do */
#ifndef L3VM_HOOKS_VERDICT_H
#define L3VM_HOOKS_VERDICT_H

#include "l3vm.h"

typedef enum {
	L3VM_HOOK_QEMU,
	L3VM_HOOK_NETWORK,
} L3vmHook;

/* True if libvirt should be told of a failure at @operation of @hook. */
bool l3vm_verdict_may_veto(L3vmHook hook, const char *operation);

/*
 * The exit status of a hook that was called for @operation and ended with
 * @error (NULL: it did not fail). NULL for @operation: there was none.
 */
int l3vm_verdict(L3vmHook hook, const char *operation, const GError *error);

#endif
