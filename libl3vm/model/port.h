/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * port.h - one NIC of one guest on this host
 *
 * The same value serves as a caller's request (#L3vmPort in l3vm.h), as what
 * the engine resolved it to, and as what a record holds. What only a resolved
 * port has is in the second half.
 */
#ifndef L3VM_MODEL_PORT_H
#define L3VM_MODEL_PORT_H

#include "l3vm.h"
#include "model/network.h"

/* Bounds of a port: more is refused (DESIGN 7: a device with many addresses
 * holds the rtnl lock for long when it goes). */
#define L3VM_MAX_ADDRESSES 64
#define L3VM_MAX_PREFIXES  256
#define L3VM_MAX_GATEWAYS  8

typedef enum {
	L3VM_STATE_PREPARED, /* interface ready, nothing routed */
	L3VM_STATE_ARRIVED,  /* guest runs here since a moment; preferred rank */
	L3VM_STATE_LIVE,     /* normal rank */
	L3VM_STATE_LEAVING,  /* source of a migration; last rank */
	L3VM_STATE_GONE,     /* being removed; on record only until that is done */
} L3vmState;

typedef struct L3vmService L3vmService; /* model/service.h */

/* How much this host wants a guest's packets; see "Ranks" in ARCHITECTURE.md. */
typedef enum {
	L3VM_RANK_NONE, /* not at all */
	L3VM_RANK_PREFERRED,
	L3VM_RANK_NORMAL,
	L3VM_RANK_LAST,
} L3vmRank;

const char *l3vm_rank_name(L3vmRank rank); /* "none", "preferred", ... */
L3vmRank l3vm_state_rank(L3vmState state);

const char *l3vm_state_name(L3vmState state);
bool l3vm_state_parse(const char *name, L3vmState *state);
/* The metric of the routes of a port in @state; 0: no routes. */
uint32_t l3vm_state_metric(L3vmState state, const L3vmRanks *ranks);

struct L3vmPort {
	char *guest;
	char *uuid;   /* or NULL */
	char *ifname; /* NULL: no interface yet */
	L3vmMac mac;
	bool has_mac;
	char *network;			  /* configuration section, or NULL: not said */
	GArray *addresses;		  /* of L3vmAddr */
	GArray *prefixes;		  /* of L3vmAddr */
	GArray *gateways;		  /* of L3vmAddr, besides its network's */
	char *table;			  /* name or number, or NULL: its network's */
	GArray *guard_allow;		  /* of L3vmAddr: may send from these, too */
	char *hint_bridge, *hint_network; /* see l3vm_port_set_hint() */
	bool optional;
	L3vmService *service; /* owned; of a service address, else NULL */

	/* resolved */
	unsigned ifindex; /* 0: unknown */
	L3vmState state;
	int64_t since;	     /* of the state, l3vm_now() */
	int64_t seen;	     /* when the evidence for the state was, 0: not known;
			      * not on record */
	uint32_t generation; /* counts changes of state */
	L3vmNetwork *net;    /* its network's settings; copies share them */
	L3vmPort *was;	     /* owned; what it was before a change that is not over
			      * (on record only: a crash leaves it there), or NULL */
};

L3vmPort *l3vm_port_copy(const L3vmPort *port);

/* True if @name_or_uuid is its guest's (a UUID in either case), or NULL. */
bool l3vm_port_is_of(const L3vmPort *port, const char *name_or_uuid);

/* The address or prefix is among @port's. */
bool l3vm_port_has(const L3vmPort *port, const L3vmAddr *addr);

/* The name of the guest's lock and record: its UUID, else its name. */
const char *l3vm_port_guest_key(const L3vmPort *port);

/* The interface its routes and neighbours are on: its own, or its bridge. */
const char *l3vm_port_route_dev(const L3vmPort *port);

#endif
