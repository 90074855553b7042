/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * object.h - one thing in the kernel that l3vm may create, set or remove
 *
 * What should exist (intent), what does exist (observed) and what to change
 * (plan) are all made of these values, so that one comparison and one printer
 * serve everything. An object has an identity (its kind and keys: which thing
 * in the kernel) and a value (what that thing is set to). Two objects of one
 * identity and different values are a change; which field is which is told by
 * the kind:
 *
 *   kind         identity                     value
 *   BRIDGE       interface name
 *   GUARD                                     number (1: it is loaded)
 *   GUARD_ENTRY  interface and its index,     mac, number (L3vmGuardRole)
 *                key, addr
 *   MAC          interface                    mac
 *   SYSCTL       interface, key               number
 *   ADDRESS      interface, addr
 *   MTU, QUEUE   interface                    number (bytes, packets)
 *   MASTER       interface                    master
 *   BRIDGE_PORT  interface, key               number
 *   FDB          interface, mac
 *   UP           interface                    number
 *   NEIGHBOUR    interface, addr              mac
 *   RULE         addr (destination; family alone for an interface rule),
 *                interface or none, table, number (preference)
 *   ROUTE        addr (destination), table,   interface, via, type
 *                metric
 */
#ifndef L3VM_MODEL_OBJECT_H
#define L3VM_MODEL_OBJECT_H

#include "base/addr.h"

#include <glib.h>
#include <net/if.h>

/* In the order in which they are brought into being, fail closed: nothing of a
 * guest is routed before its interface is safe. They go in the reverse order. */
typedef enum {
	L3VM_OBJECT_BRIDGE,
	L3VM_OBJECT_GUARD,	 /* the rules; model/guard.h */
	L3VM_OBJECT_GUARD_ENTRY, /* what they let through of one interface */
	L3VM_OBJECT_MAC,
	L3VM_OBJECT_SYSCTL,
	L3VM_OBJECT_ADDRESS,
	L3VM_OBJECT_MTU,
	L3VM_OBJECT_QUEUE,
	L3VM_OBJECT_MASTER,
	L3VM_OBJECT_BRIDGE_PORT,
	L3VM_OBJECT_FDB,
	L3VM_OBJECT_UP,
	L3VM_OBJECT_NEIGHBOUR,
	L3VM_OBJECT_RULE,
	L3VM_OBJECT_ROUTE,
} L3vmObjectKind;

/* Per-interface settings under /proc/sys/net. */
typedef enum {
	L3VM_SYSCTL_IP4_FORWARDING,
	L3VM_SYSCTL_IP4_PROXY_ARP,
	L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN,
	L3VM_SYSCTL_IP4_RP_FILTER,
	L3VM_SYSCTL_IP4_SEND_REDIRECTS,
	L3VM_SYSCTL_IP4_ACCEPT_REDIRECTS,
	L3VM_SYSCTL_IP4_ARP_IGNORE,
	L3VM_SYSCTL_IP4_ARP_ANNOUNCE,
	L3VM_SYSCTL_IP4_PROXY_DELAY, /* of the neighbour table, jiffies */
	L3VM_SYSCTL_IP6_DISABLE,
	L3VM_SYSCTL_IP6_ADDR_GEN_MODE,
	L3VM_SYSCTL_IP6_ACCEPT_RA,
	L3VM_SYSCTL_IP6_ACCEPT_REDIRECTS,
	L3VM_SYSCTL_IP6_ACCEPT_DAD,
	L3VM_SYSCTL_IP6_FORWARDING,
	L3VM_SYSCTL_COUNT,
} L3vmSysctl;

/* Settings of a bridge port (IFLA_BRPORT_*). */
typedef enum {
	L3VM_BRIDGE_PORT_ISOLATED,
	L3VM_BRIDGE_PORT_LEARNING,
	L3VM_BRIDGE_PORT_FLOOD, /* of frames to an unknown unicast address */
	L3VM_BRIDGE_PORT_COUNT,
} L3vmBridgePortFlag;

typedef enum {
	L3VM_GUARD_PORT,   /* what becomes of the interface's frames */
	L3VM_GUARD_SOURCE, /* an address or prefix that it may send from */
} L3vmGuardKey;

typedef enum {
	L3VM_GUARD_ROUTED,  /* a routed tap: what is allowed passes */
	L3VM_GUARD_BRIDGED, /* a port of a bridge: likewise, in the bridge */
	L3VM_GUARD_BRIDGE,  /* a bridge: IPv6 needs a way back */
	L3VM_GUARD_OPEN,    /* `guard = no`: everything passes */
	L3VM_GUARD_ROLES,
} L3vmGuardRole;

typedef enum {
	L3VM_ROUTE_UNICAST,
	L3VM_ROUTE_UNREACHABLE,
	L3VM_ROUTE_BLACKHOLE,
} L3vmRouteType;

typedef struct L3vmObject {
	L3vmObjectKind kind;
	/* 0: the interface does not exist yet, the name must do */
	unsigned ifindex;
	char ifname[IF_NAMESIZE];
	L3vmAddr addr;
	unsigned key; /* L3vmSysctl, L3vmBridgePortFlag or L3vmGuardKey */
	L3vmMac mac;
	uint32_t number;
	char master[IF_NAMESIZE];
	uint32_t table, metric;
	/* ROUTE: next hop; AF_UNSPEC: directly on the interface. ADDRESS: its other
	 * end, of a service address, which is part of neither identity nor value:
	 * who put it there without one has it all the same. */
	L3vmAddr via;
	L3vmRouteType type;
	bool inverted; /* RULE: is for what does not come from the interface */
	/* Observed objects only: carries our protocol number, or was made by us
	 * according to the record. Part of neither identity nor value. */
	bool owned;
	/* With it: we may have made it, and nobody has seen it. It is removed to be
	 * sure; to undo that is nothing. */
	bool guessed;
} L3vmObject;

guint l3vm_object_hash(const void *object);			  /* of the identity */
gboolean l3vm_object_same(const void *a, const void *b);	  /* identity */
bool l3vm_object_equal(const L3vmObject *a, const L3vmObject *b); /* and value */

/* Place in the order of creation: the kind's, but proxy ARP comes last. The
 * kernel would answer the guest's own gratuitous ARP while its route is not
 * there yet (net/ipv4/arp.c:arp_fwd_proxy()). MAC and settings share a place, so
 * that those of one interface stay together and can go in one request. */
int l3vm_object_phase(const L3vmObject *object);

/* True for what can be removed, false for what can only be set. */
bool l3vm_object_is_removable(const L3vmObject *object);

/* "net/ipv4/conf/tapvm1/rp_filter", below /proc/sys; for the caller to free. */
char *l3vm_sysctl_path(L3vmSysctl key, const char *ifname);
int l3vm_sysctl_family(L3vmSysctl key);
/* bridge(8)'s word: "isolated", "learning", "flood" */
const char *l3vm_bridge_port_flag_name(L3vmBridgePortFlag flag);

/* --- a set of objects, one per identity, in the order of insertion ------- */

typedef struct L3vmSet L3vmSet;

L3vmSet *l3vm_set_new(void);
void l3vm_set_free(L3vmSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmSet, l3vm_set_free)
/* Copies @object; the first of an identity stays. */
void l3vm_set_add(L3vmSet *set, const L3vmObject *object);
/* As add, but the last of an identity stays. */
void l3vm_set_put(L3vmSet *set, const L3vmObject *object);
void l3vm_set_add_all(L3vmSet *set, const L3vmSet *other);
const L3vmObject *l3vm_set_find(const L3vmSet *set, const L3vmObject *like);
void l3vm_set_remove(L3vmSet *set, const L3vmObject *like);
guint l3vm_set_size(const L3vmSet *set);
const L3vmObject *l3vm_set_get(const L3vmSet *set, guint i);

#endif
