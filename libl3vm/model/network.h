/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * network.h - a network of the configuration, as a value
 *
 * The store fills it from a section of l3vm.conf, the engine reads it, and the
 * record of a port keeps the parts that teardown needs, so that a changed or
 * broken configuration never strands a port.
 */
#ifndef L3VM_MODEL_NETWORK_H
#define L3VM_MODEL_NETWORK_H

#include "base/addr.h"

#include <glib.h>

typedef enum {
	L3VM_MODE_ROUTED, /* a tap of its own, routes point to it */
	L3VM_MODE_BRIDGE, /* ports of one proxy-ARP bridge, routes point to it */
} L3vmMode;

typedef enum {
	L3VM_COVER_NONE,
	L3VM_COVER_UNREACHABLE, /* RTN_UNREACHABLE for each allowed prefix */
	L3VM_COVER_BLACKHOLE,	/* RTN_BLACKHOLE */
} L3vmCover;

typedef enum {
	L3VM_DERIVE_MAC4,   /* MAC bytes 3-6 are the IPv4 address */
	L3VM_DERIVE_EUI64,  /* prefix + modified EUI-64 of the MAC */
	L3VM_DERIVE_EMBED4, /* prefix + the four bytes of the IPv4 address */
} L3vmDeriveKind;

typedef struct L3vmDerive {
	L3vmDeriveKind kind;
	L3vmAddr prefix; /* EUI64: length 64; EMBED4: length 96 */
} L3vmDerive;

/* The metric of a route in each rank; see "Ranks" in ARCHITECTURE.md. */
typedef struct L3vmRanks {
	uint32_t preferred, normal, last;
} L3vmRanks;

/* What the sections [announcer NAME] say. */
typedef struct L3vmAnnouncing {
	char **uplinks;	 /* neighbour: interface names, NULL-terminated; or NULL */
	int64_t refresh; /* neighbour: microseconds */
	/* exabgp: the path of its pipes without ".in" and ".out", and our AS number;
	 * 0: that of the peers */
	char *exabgp_pipe;
	uint32_t exabgp_as;
	char **exec; /* exec: the program and its arguments; or NULL */
} L3vmAnnouncing;

typedef struct L3vmNetwork {
	char *name;
	L3vmMode mode;
	L3vmAddr gateway4, gateway6; /* full length: 169.254.0.1, fe80::1 */
	L3vmMac gateway_mac;
	GArray *allow;	/* of L3vmAddr; NULL: any unicast address */
	uint32_t table; /* 254 is main */
	/* guests' routes of the ranks above the last are here; 0: in table, too */
	uint32_t routes_table;
	uint32_t mtu;	/* bytes; 0: leave as it is */
	bool proxy_arp; /* routed mode only */
	bool guard, learn;
	bool announce_gateway; /* tell a guest that came who its gateway is */
	L3vmCover cover;
	char *bridge;	 /* interface name; NULL in routed mode */
	GArray *derive;	 /* of L3vmDerive, in order; NULL: none */
	char **announce; /* NULL-terminated names of announcers */
	unsigned others; /* that hold it besides one, see l3vm_network_ref() */
} L3vmNetwork;

L3vmNetwork *l3vm_network_new(const char *name); /* the defaults of l3vm.conf(5) */
L3vmNetwork *l3vm_network_copy(const L3vmNetwork *network, const char *name);
/* One more that frees it; from then on nobody may change it. Not for threads. */
L3vmNetwork *l3vm_network_ref(L3vmNetwork *network);
bool l3vm_network_equal(const L3vmNetwork *a, const L3vmNetwork *b);
void l3vm_network_free(L3vmNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmNetwork, l3vm_network_free)

/* True if some allow entry covers @prefix, or there is no allow list. */
bool l3vm_network_allows(const L3vmNetwork *network, const L3vmAddr *prefix);

/*
 * The addresses that the network's derive rules give a NIC with @mac, appended
 * to @out (of L3vmAddr). EMBED4 uses the IPv4 addresses already in @out.
 */
void l3vm_network_derive(const L3vmNetwork *network, const L3vmMac *mac, GArray *out);

#endif
