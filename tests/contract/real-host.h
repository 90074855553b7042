/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* real-host.h - a host for the engine: real records, the kernel of a namespace */
#ifndef TESTS_CONTRACT_REAL_HOST_H
#define TESTS_CONTRACT_REAL_HOST_H

#include "engine.h"

typedef struct RealHost {
	char *dir;
	L3vm *l3vm; /* of this process; a child opens its own */
} RealHost;

/* A new namespace with the interfaces tap1 ... tapN. */
RealHost *real_host_new(unsigned n_taps);
void real_host_free(RealHost *host);
/* Another process's, as it would open it. */
L3vm *real_host_open(const RealHost *host);

/* "10.0.0.1 2001:db8:1::/64": what has a length is a prefix. */
L3vmPort *real_request(const char *guest, const char *ifname, const char *mac,
		       const char *addresses, const char *network);

/* The guest vm1's tap1 with the addresses @one, and its tap2 with @other, live. */
bool real_attach_two(L3vm *host, const char *one, const char *other,
		     const char *network, GError **error);

/*
 * NULL if the kernel has what the records want and, with our protocol number,
 * nothing else but covers; or what differs, for the caller to free.
 */
char *real_host_difference(const RealHost *host);
/* The names of all records and reservations, for the caller to free. */
char *real_host_records(const RealHost *host);

#endif
