/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-view.h - what the announcers have made of ports' routes */
#ifndef L3VM_ENGINE_VIEW_H
#define L3VM_ENGINE_VIEW_H

#include "announce/daemon.h"
#include "engine.h"

#include <json-c/json.h>

typedef struct L3vmView {
	GPtrArray *daemons;  /* of L3vmDaemon*: those that answered */
	GPtrArray *failures; /* of char*: why others did not */
	bool agent;	     /* is there; it runs all announcers but the kernel */
} L3vmView;

/* Asks them now; none of it is an error. */
L3vmView *l3vm_view_new(const L3vm *host);
void l3vm_view_free(L3vmView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmView, l3vm_view_free)

/*
 * Whether a daemon announces our route to @dst, of rank @metric: it, or NULL with
 * *@why, for the caller to free. A host without a daemon has none to ask.
 */
const L3vmDaemon *l3vm_view_announces(const L3vmView *view, const L3vm *host,
				      const L3vmAddr *dst, uint32_t metric, char **why);

/* The "announce" array of @port's status, whose routes are among @wanted; @present:
 * the kernel has them all. */
struct json_object *l3vm_view_port(const L3vmView *view, const L3vm *host,
				   const L3vmPort *port, const L3vmSet *wanted,
				   bool present);

#endif
