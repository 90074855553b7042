/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migration.h - which state a port is in after which event
 *
 *   gone      no port here, or its removal is under way. No routes.
 *   prepared  target of an incoming migration: the interface is ready, nothing
 *             is routed, since the guest still runs elsewhere.
 *   arrived   there was evidence that the guest runs here. Routes at preferred
 *             rank, which wins against the source's in the fabric whatever the
 *             source does. Ends after hold-time.
 *   live      the guest runs here and nobody disputes it. Normal rank.
 *   leaving   source of a migration. Last rank: the host yields to, and
 *             diverts to, any other host that announces the address.
 */
#ifndef L3VM_MODEL_MIGRATION_H
#define L3VM_MODEL_MIGRATION_H

#include "model/port.h"

typedef enum {
	L3VM_EVENT_START,   /* the guest boots, or runs, here: no migration */
	L3VM_EVENT_PREPARE, /* make it a migration's target, whatever it is */
	L3VM_EVENT_EXPECT,  /* it starts as a migration's target */
	L3VM_EVENT_KEEP,    /* nothing new is known */
	L3VM_EVENT_ARRIVED, /* evidence that it runs here */
	L3VM_EVENT_LEAVING, /* a migration away has begun */
	L3VM_EVENT_LEFT,    /* it runs elsewhere */
	L3VM_EVENT_ABORTED, /* the migration failed */
	L3VM_EVENT_SETTLED, /* hold-time is over */
	L3VM_EVENT_STOPPED, /* the guest or the interface is gone */
	L3VM_EVENT_COUNT,
} L3vmEvent;

/* Total: every event is defined in every state. */
L3vmState l3vm_migration_next(L3vmState state, L3vmEvent event);

/* "start", "arrived", ...: the evidence as events.jsonl names it */
const char *l3vm_event_name(L3vmEvent event);

#endif
