/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guard.h - makes changes to the guard, through libnftables */
#ifndef L3VM_GUARD_GUARD_H
#define L3VM_GUARD_GUARD_H

#include <glib.h>

typedef struct L3vmGuard L3vmGuard;

/* For the calling thread's network namespace. Never fails: who may do nothing hears
 * so from the first command. */
L3vmGuard *l3vm_guard_new(void);
void l3vm_guard_free(L3vmGuard *guard);

/* Runs nft's @commands as one transaction. Returns 0 or a positive errno; *@text
 * then gets nft's own words, one line, for the caller to free. */
int l3vm_guard_run(L3vmGuard *guard, const char *commands, char **text);

/* l3vm-guard.nft as it was built in, and what the comments in its chains say:
 * "l3vm " and a sum of its text, so that one of another version is replaced. */
extern const char l3vm_guard_rules[];
extern const char l3vm_guard_comment[];

#endif
