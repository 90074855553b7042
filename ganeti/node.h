/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* node.h - what Ganeti has on record of the instances that run on this node */
#ifndef L3VM_GANETI_NODE_H
#define L3VM_GANETI_NODE_H

#include "env.h"

/* True if @node, a name of Ganeti's (never a short one), is this host. */
bool ganeti_node_is_me(const char *node);

/* The tap of @nic's instance and index, for the caller to free; NULL if the
 * instance or the tap is not here. */
char *ganeti_tap(const GanetiNic *nic);

/* The names of the interfaces that are ports of l3vm's, a set of strings. */
GHashTable *ganeti_ports(L3vm *host, GError **error);

/*
 * A line on standard output for each NIC of an instance on this node that should be
 * l3vm's and is not among @ports: its network script failed or was not run, which
 * Ganeti tells nobody at the end of a migration. How many there are.
 */
unsigned ganeti_check_nics(L3vm *host, GHashTable *ports);

#endif
