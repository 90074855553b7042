/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guard.h - loads the guard's rules, through libnftables */
#ifndef L3VM_GUARD_GUARD_H
#define L3VM_GUARD_GUARD_H

#include <glib.h>

/* Loads the rules (below), as one transaction, into the calling thread's network
 * namespace. What is in the sets stays. Returns 0 or a positive errno; *@text then
 * gets nft's own words, one line, for the caller to free. */
int l3vm_guard_load(char **text);

/* Opens libnftables now, for who may not when l3vm_guard_load() needs it. */
void l3vm_guard_prepare(void);

/* l3vm-guard.nft as it was built in, and what the comments in its chains say:
 * "l3vm " and a sum of its text, so that one of another version is replaced. */
extern const char l3vm_guard_rules[];
extern const char l3vm_guard_comment[];

#endif
