/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * service.h - a service address: a port of the host itself
 *
 * It is on lo, or on a dummy, and the host answers for it. Like a guest's port it has
 * a record, a state, and with it the rank that all announcers go by; what makes the
 * state is not a migration but its check and the operator's word.
 */
#ifndef L3VM_MODEL_SERVICE_H
#define L3VM_MODEL_SERVICE_H

#include "model/port.h"

/* Of its guest's and its record's name: no interface can have a ':' in its own, and
 * a guest that is called so is not likely. */
#define L3VM_SERVICE_PREFIX "service:"

/* Milliseconds, and numbers of checks. */
#define L3VM_SERVICE_INTERVAL_MIN 100
#define L3VM_SERVICE_INTERVAL_MAX 3600000
#define L3VM_SERVICE_COUNT_MAX	  100

struct L3vmService {
	char **check;	   /* a program and its arguments; NULL: it is always well */
	unsigned interval; /* milliseconds from one to the next, at most of one */
	unsigned rise;	   /* so many good ones in a row make it well, */
	unsigned fall;	   /* and so many bad ones not */
	bool well;
	bool drain; /* the operator wants its clients to go elsewhere */
};

L3vmService *l3vm_service_copy(const L3vmService *service);
void l3vm_service_free(L3vmService *service);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmService, l3vm_service_free)

/* PREPARED while it is not well, LEAVING while it is drained, else LIVE. */
L3vmState l3vm_service_state(const L3vmService *service);
/* "down", "draining", "up"; "gone" */
const char *l3vm_service_state_name(L3vmState state);

/* "service:192.0.2.53", in the one form that an address has. */
bool l3vm_service_name_is_valid(const char *name);
/* True if @port has one address, and is named by it. */
bool l3vm_service_is_named(const L3vmPort *port);

/* Out of a record. */
bool l3vm_service_is_valid(const L3vmService *service);

#endif
