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

typedef struct L3vmAnnouncerOps L3vmAnnouncerOps;
typedef struct L3vmAnnouncer L3vmAnnouncer;

/*
 * A backend at work, in l3vm-agent: the main loop's, and never waiting. It is told
 * what to announce, says what was taken, and when it is of no more use. What was
 * told before it failed is told to the next one again, all of it.
 */
struct L3vmAnnouncer {
	const L3vmAnnouncerOps *ops;
	/* set by who opened it; neither frees it */
	void (*taken)(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank,
		      const char *refusal); /* NULL: it is so now */
	void (*failed)(L3vmAnnouncer *announcer, const char *why);
	void *data;
};

struct L3vmAnnouncerOps {
	const char *name;
	/* A daemon learns the routes from the kernel, with rank as metric: what
	 * the engine does in the kernel is the announcement. To assert a route
	 * again is to write it again, which the kernel notifies anew. None of what
	 * follows is there. */
	bool reads_kernel;
	/* It can say of two hosts which is the better. One that cannot is silent
	 * about a guest that has stopped here, though its packets are still kept. */
	bool ranked;
	/* It runs a program of the site's. */
	bool executes;

	/* NULL with @error: not now. @settings outlive it. */
	L3vmAnnouncer *(*open)(const L3vmAnnouncing *settings, GError **error);
	void (*close)(L3vmAnnouncer *announcer);
	/* Announces, changes the rank, withdraws (L3VM_RANK_NONE), or says the same
	 * again. taken() follows, at once or later, in the order of the calls. */
	void (*set)(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank);
	/* All that there is has been set since it was opened. May be NULL. */
	void (*complete)(L3vmAnnouncer *announcer);
	/* Interface @ifname came, went or changed; NULL: any may have. May be NULL. */
	void (*link)(L3vmAnnouncer *announcer, const char *ifname);
};

/* NULL: there is none of that name. */
const L3vmAnnouncerOps *l3vm_announcer_find(const char *name);
/* All of them, NULL-terminated. */
extern const L3vmAnnouncerOps *const l3vm_announcers[];

extern const L3vmAnnouncerOps l3vm_announcer_kernel, l3vm_announcer_neighbour,
	l3vm_announcer_exabgp, l3vm_announcer_exec;

/*
 * Tells the guests on interface @ifindex who their gateway is: gratuitous ARP
 * in both forms for @network's IPv4 gateway, unsolicited neighbour advertisement
 * for its IPv6 gateway. Three frames, paced by @injector.
 */
bool l3vm_announce_gateway(L3vmInjector *injector, unsigned ifindex,
			   const L3vmNetwork *network, GError **error);

#endif
