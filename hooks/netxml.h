/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netxml.h - what libvirt tells its network hook, from the hook's XML */
#ifndef L3VM_HOOKS_NETXML_H
#define L3VM_HOOKS_NETXML_H

#include "l3vm.h"

typedef struct L3vmNetxml {
	char *name;    /* of libvirt's network */
	char *bridge;  /* its <bridge name>, or NULL (macvtap, hostdev, ...) */
	char *forward; /* "bridge", "nat", "route", "open", ...; NULL: isolated */
	/* what the NIC operations are about; libvirt never tells its tap */
	char *guest, *uuid, *mac; /* NULL in the other operations */
	char *plug;	   /* "network", "bridge", others; NULL before libvirt 5.5 */
	char *plug_bridge; /* or NULL */
} L3vmNetxml;

L3vmNetxml *l3vm_netxml_parse(const char *xml, size_t size, GError **error);
void l3vm_netxml_free(L3vmNetxml *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmNetxml, l3vm_netxml_free)

/* Sets @error if it is not said whose NIC it is and which. */
bool l3vm_netxml_check_port(const L3vmNetxml *net, GError **error);

/*
 * True if libvirt leaves the bridge to the host's administrator, that is to us:
 * it then must exist before libvirt looks at it. Otherwise libvirt makes it,
 * and one that is there already would fail the network's start.
 */
bool l3vm_netxml_bridge_is_ours(const L3vmNetxml *net);

/* The bridge that the NIC will be a port of; NULL if it will be none (macvtap,
 * a passed-through device). */
const char *l3vm_netxml_port_bridge(const L3vmNetxml *net);

#endif
