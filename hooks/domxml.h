/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domxml.h - what a libvirt domain's XML says of its NICs
 *
 * Pure text in, strings out: no host, no library call. The form of addresses
 * is left to the setters of l3vm.h, everything else that makes the XML unfit to
 * act on is an error here.
 */
#ifndef L3VM_HOOKS_DOMXML_H
#define L3VM_HOOKS_DOMXML_H

#include "l3vm.h"

/*
 * An <interface>, with what the l3vm metadata says of it; or, without a type, a
 * NIC that only the metadata knows (it may be plugged in later).
 */
typedef struct L3vmNic {
	char *type;	      /* "ethernet", "bridge", "network", others; or NULL */
	char *mac;	      /* lower case; NULL only if there is no interface */
	char *target;	      /* <target dev>: the tap's name, once there is a tap */
	char *bridge;	      /* <source bridge>, or NULL */
	char *source_network; /* <source network>: libvirt's name, or NULL */
	bool described;	      /* the metadata names it; the rest is from there: */
	char *network;	      /* a network of ours, or NULL */
	GPtrArray *addresses; /* of char*, as written */
	GPtrArray *prefixes;
} L3vmNic;

typedef struct L3vmDomain {
	char *name, *uuid;
	GPtrArray *nics; /* of L3vmNic*: interfaces first, in document order */
} L3vmDomain;

L3vmDomain *l3vm_domxml_parse(const char *xml, size_t size, GError **error);

/*
 * The same with name and UUID alone, whatever is wrong with the rest as long as
 * it is well-formed: a guest must be removable with metadata that is not.
 */
L3vmDomain *l3vm_domxml_parse_identity(const char *xml, size_t size, GError **error);

void l3vm_domain_free(L3vmDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmDomain, l3vm_domain_free)

/* An interface of a type whose frames pass a device of the host that is ours to
 * route: type ethernet, bridge or network. */
bool l3vm_nic_is_routable(const L3vmNic *nic);

#endif
