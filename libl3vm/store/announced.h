/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announced.h - what l3vm-agent's announcers have done, for others to read
 *
 *   announce/agent.lock   locked while the agent lives
 *   announce/NAME.json    one announcer: what of it is not so yet
 *   announce/again        made anew to have everything announced again
 */
#ifndef L3VM_STORE_ANNOUNCED_H
#define L3VM_STORE_ANNOUNCED_H

#include "store/record.h"

/* Names of destinations in a state file; there may be more. */
#define L3VM_PENDING_MAX 1000

typedef struct L3vmAnnounced {
	bool up;	    /* the announcer works */
	int64_t time;	    /* when it was so, l3vm_now() */
	char *problem;	    /* NULL: none */
	unsigned count;	    /* destinations it should announce */
	GPtrArray *pending; /* of char*, "10.0.0.5/32": those it has not taken yet */
} L3vmAnnounced;

void l3vm_announced_clear(L3vmAnnounced *announced);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(L3vmAnnounced, l3vm_announced_clear)

bool l3vm_announced_save(L3vmStore *store, const char *name,
			 const L3vmAnnounced *announced, GError **error);
/* False: there is nothing of it on record. */
bool l3vm_announced_load(L3vmStore *store, const char *name, L3vmAnnounced *announced);

/* The agent says that it is there, for as long as the descriptor is open. -1: it
 * cannot. */
int l3vm_agent_claim(L3vmStore *store);
bool l3vm_agent_is_there(L3vmStore *store);

bool l3vm_announce_again(L3vmStore *store, GError **error);

#endif
