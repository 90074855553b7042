/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * intent.h - what should exist in the kernel for a port and for its network
 *
 * The one place that answers "which routes, neighbours and settings does a
 * guest get". Pure: port and network in, objects out.
 */
#ifndef L3VM_MODEL_INTENT_H
#define L3VM_MODEL_INTENT_H

#include "model/object.h"
#include "model/port.h"

/* Preferences of our policy rules (a network with `table`): what a guest sends
 * is looked up in its network's table, and so is what is sent to it. Well
 * before main's 32766, behind local's 0. */
#define L3VM_RULE_FROM	 7600
#define L3VM_RULE_TO	 7601
/* And of the rule by which everything is looked up in a table of guests' routes that
 * comes before main (`routes-table`). */
#define L3VM_RULE_ROUTES 7602

/* The table that l3vm-agent puts routes into for guests that are between two hosts,
 * the preference of the rule that has it looked up before main, and the interface of
 * all that is the agent's. */
#define L3VM_TABLE_HOLD	 76
#define L3VM_RULE_HOLD	 1000
#define L3VM_HOLD_IFNAME "l3vm-hold"

/* Length of the transmit queue of a tap whose guest is arriving: it keeps what comes
 * before the guest runs, and then in a burst what its old host held (a tap holds
 * txqueuelen packets). */
#define L3VM_QUEUE_PREPARED 10000

/* What a host has that the intent depends on. */
typedef struct L3vmHostFacts {
	bool ipv6;  /* the kernel has it */
	bool guard; /* the guard's rules are loaded, whoever did it */
} L3vmHostFacts;

/*
 * Everything of @port itself in its state. With state GONE: what a removed
 * port's interface is left with (closed: no forwarding, no proxy ARP).
 */
void l3vm_intent_port(L3vmSet *set, const L3vmPort *port, const L3vmRanks *ranks,
		      const L3vmHostFacts *facts);

/* What all ports of @network share: its bridge, the bridge's rules, covers. */
void l3vm_intent_network(L3vmSet *set, const L3vmNetwork *network,
			 const L3vmRanks *ranks, const L3vmHostFacts *facts);

#endif
