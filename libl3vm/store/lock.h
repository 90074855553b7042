/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.h - one writer per guest
 *
 * flock(2) on guests/<key>.lock: the kernel drops it when the holder dies. The
 * file goes with the guest's last record; whoever waits for a lock file that
 * was unlinked meanwhile notices and opens the new one.
 */
#ifndef L3VM_STORE_LOCK_H
#define L3VM_STORE_LOCK_H

#include "store/record.h"

typedef struct L3vmLock L3vmLock;

/* Waits up to @timeout microseconds. */
L3vmLock *l3vm_lock_take(L3vmStore *store, const char *key, int64_t timeout,
			 GError **error);
/*
 * What all guests share: whoever sets up a bridge holds networks.lock, or two
 * would, and the second one's setting of the MAC flushes the first one's
 * neighbours. Taken after a guest's lock, never before.
 */
L3vmLock *l3vm_lock_take_networks(L3vmStore *store, int64_t timeout, GError **error);
/* NULL is fine. */
void l3vm_lock_release(L3vmLock *lock);
/* The file is no longer needed: unlinks it on release. */
void l3vm_lock_retire(L3vmLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmLock, l3vm_lock_release)

#endif
