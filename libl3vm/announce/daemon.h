/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon.h - what this host's routing daemon has made of the kernel's routes
 *
 * BIRD and FRR are asked over their control sockets, in the words that their own
 * clients use; what they would do is not guessed. A daemon is one file that exports
 * one const struct, listed in the table of daemon.c. Nothing is sent but fixed words,
 * addresses that the daemon itself told, and the protocol number.
 */
#ifndef L3VM_ANNOUNCE_DAEMON_H
#define L3VM_ANNOUNCE_DAEMON_H

#include "announce/dialogue.h"
#include "base/addr.h"
#include "model/network.h"

#include <sys/types.h>

/* One destination, as far as it came from our kernel route. */
typedef struct L3vmDaemonRoute {
	L3vmAddr dst;
	bool best;	     /* nothing that the daemon knows is preferred to it */
	uint32_t preference; /* BIRD's; 0: the daemon has none */
	uint32_t metric;     /* the kernel's; FRR tells its low 24 bits */
	unsigned peers;	     /* sessions that are told of it */
} L3vmDaemonRoute;

typedef struct L3vmDaemonKind L3vmDaemonKind;

typedef struct L3vmDaemon {
	const L3vmDaemonKind *kind;
	pid_t pid;	    /* of who reads the kernel's routes; 0: not known */
	bool speaks;	    /* it said whom it tells: sessions and peers are known */
	unsigned sessions;  /* that are up: BGP's, and instances of OSPF */
	unsigned bgp;	    /* those of BGP */
	unsigned watched;   /* by BFD */
	char *settings;	    /* FRR's running configuration; NULL: not asked for */
	GHashTable *routes; /* &route->dst -> L3vmDaemonRoute*, owned */
} L3vmDaemon;

struct L3vmDaemonKind {
	const char *name, *title; /* "bird", "BIRD" */
	const char *socket;	  /* its usual place */
	/* Asks all there is to ask of kernel routes with @protocol. */
	bool (*read)(L3vmDaemon *daemon, L3vmDialogue *dialogue, uint8_t protocol,
		     GError **error);
};

/*
 * The daemon that answers at @socket (NULL: the usual place). NULL without @error:
 * there is none.
 */
L3vmDaemon *l3vm_daemon_ask(const L3vmDaemonKind *kind, const char *socket,
			    uint8_t protocol, GError **error);
void l3vm_daemon_free(L3vmDaemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmDaemon, l3vm_daemon_free)

/* NULL: it does not have it. */
const L3vmDaemonRoute *l3vm_daemon_find(const L3vmDaemon *daemon, const L3vmAddr *dst);

/* In no order; NULL-terminated. */
extern const L3vmDaemonKind *const l3vm_daemons[];

/*
 * What is wrong with the daemon's settings, as far as it can be seen: each mistake
 * is one that makes guests unreachable, or moves slow.
 */
typedef void (*L3vmFind)(void *data, const char *severity, const char *finding,
			 const char *remedy);
void l3vm_daemon_check(const L3vmDaemon *daemon, const L3vmRanks *ranks, L3vmFind find,
		       void *data);

/* --- for the daemons' own files ------------------------------------------------ */

extern const L3vmDaemonKind l3vm_daemon_bird, l3vm_daemon_frr;

/* The daemon's entry for @dst, made if there is none. */
L3vmDaemonRoute *l3vm_daemon_route(L3vmDaemon *daemon, const L3vmAddr *dst);

#endif
