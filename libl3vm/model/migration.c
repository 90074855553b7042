/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migration.c - which state a port is in after which event: the table */
#include "model/migration.h"

#define GONE	 L3VM_STATE_GONE
#define PREPARED L3VM_STATE_PREPARED
#define ARRIVED	 L3VM_STATE_ARRIVED
#define LIVE	 L3VM_STATE_LIVE
#define LEAVING	 L3VM_STATE_LEAVING

/*
 * Read a row as "what can this event tell us in each state". START is a cold
 * boot or an operator's attach, so it is always live. EXPECT and KEEP come from
 * repeated hooks (start then started; reconnect) and must not undo what better
 * evidence established in between. ABORTED on the target ends the port there;
 * on the source the guest stays. SETTLED is a timer's and means something in
 * one state only.
 */
/* clang-format off */
static const L3vmState next[L3VM_EVENT_COUNT][L3VM_STATE_GONE + 1] = {
	/* in state:            prepared  arrived   live      leaving   gone */
	[L3VM_EVENT_START] =   { LIVE,	   LIVE,     LIVE,     LIVE,	 LIVE },
	[L3VM_EVENT_PREPARE] = { PREPARED, PREPARED, PREPARED, PREPARED, PREPARED },
	[L3VM_EVENT_EXPECT] =  { PREPARED, ARRIVED,  LIVE,     LEAVING,	 PREPARED },
	[L3VM_EVENT_KEEP] =    { PREPARED, ARRIVED,  LIVE,     LEAVING,	 LIVE },
	[L3VM_EVENT_ARRIVED] = { ARRIVED,  ARRIVED,  LIVE,     LIVE,	 GONE },
	[L3VM_EVENT_LEAVING] = { PREPARED, LEAVING,  LEAVING,  LEAVING,	 GONE },
	[L3VM_EVENT_LEFT] =    { GONE,	   GONE,     GONE,     GONE,	 GONE },
	[L3VM_EVENT_ABORTED] = { GONE,	   ARRIVED,  LIVE,     LIVE,	 GONE },
	[L3VM_EVENT_SETTLED] = { PREPARED, LIVE,     LIVE,     LEAVING,	 GONE },
	[L3VM_EVENT_STOPPED] = { GONE,	   GONE,     GONE,     GONE,	 GONE },
};
/* clang-format on */

L3vmState l3vm_migration_next(L3vmState state, L3vmEvent event)
{
	return next[event][state];
}

const char *l3vm_event_name(L3vmEvent event)
{
	static const char *const names[L3VM_EVENT_COUNT] = {
		[L3VM_EVENT_START] = "start",	  [L3VM_EVENT_PREPARE] = "prepare",
		[L3VM_EVENT_EXPECT] = "expect",	  [L3VM_EVENT_KEEP] = "keep",
		[L3VM_EVENT_ARRIVED] = "arrived", [L3VM_EVENT_LEAVING] = "leaving",
		[L3VM_EVENT_LEFT] = "left",	  [L3VM_EVENT_ABORTED] = "aborted",
		[L3VM_EVENT_SETTLED] = "settled", [L3VM_EVENT_STOPPED] = "stopped",
	};

	return names[event];
}
