/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announcer.h - backends that make a route known beyond this host
 *
 * A backend is one file that exports one const struct, listed in the table of
 * announcer.c. A network names those it uses (`announce` in l3vm.conf).
 */
#ifndef L3VM_ANNOUNCE_ANNOUNCER_H
#define L3VM_ANNOUNCE_ANNOUNCER_H

#include "frame/inject.h"
#include "model/port.h"

typedef struct L3vmAnnouncer {
	const char *name;
	/* A daemon learns the routes from the kernel, with rank as metric: what
	 * the engine does in the kernel is the announcement. To assert a route
	 * again is to write it again, which the kernel notifies anew. */
	bool reads_kernel;
} L3vmAnnouncer;

/* NULL: there is none of that name. */
const L3vmAnnouncer *l3vm_announcer_find(const char *name);

extern const L3vmAnnouncer l3vm_announcer_kernel;

/*
 * Tells the guests on interface @ifindex who their gateway is: gratuitous ARP
 * in both forms for @network's IPv4 gateway, unsolicited neighbour advertisement
 * for its IPv6 gateway. Three frames, paced by @injector.
 */
bool l3vm_announce_gateway(L3vmInjector *injector, unsigned ifindex,
			   const L3vmNetwork *network, GError **error);

#endif
