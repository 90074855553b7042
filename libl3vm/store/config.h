/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.h - l3vm.conf and guests.d, read and checked
 *
 * Read once per process, whole or not at all. An unknown key or section is an
 * error that names the file, the line and the nearest known word.
 */
#ifndef L3VM_STORE_CONFIG_H
#define L3VM_STORE_CONFIG_H

#include "base/addr.h"
#include "model/network.h"

#include <glib.h>

/* A [nic MAC-or-ifname] section of guests.d/<file>.conf */
typedef struct L3vmNicConfig {
	bool has_mac; /* the section is about this MAC, else about the ifname */
	L3vmMac mac;
	char *ifname;	   /* with a MAC: where its tap's name is all that is known */
	char *guest;	   /* NULL: any */
	char *network;	   /* NULL: not said */
	GArray *addresses; /* of L3vmAddr */
	GArray *prefixes;
	GArray *guard_allow; /* prefixes it may send from besides */
} L3vmNicConfig;

typedef struct L3vmConfig {
	char *path;
	uint8_t protocol; /* rtm_protocol of our routes, 76 */
	L3vmRanks ranks;
	int64_t hold_time; /* microseconds */
	/* what l3vm-agent does with packets for a guest that is between two hosts:
	 * keep them, at most so many bytes a port, at most so long; replay what
	 * reached the tap this long before the guest stopped; wait this long after
	 * the fabric's route has come. Times in microseconds. */
	bool hold;
	uint32_t hold_bytes;
	int64_t hold_time_limit, hold_replay, hold_settle;
	/* a port that waits for its guest so long has it; 0: it waits for ever */
	int64_t arrival_timeout;
	/* where l3vm-agent finds QEMU's monitors: absolute paths whose last part
	 * may have wildcards, NULL-terminated; NULL: nowhere */
	char **qmp_sockets;
	/* control sockets of routing daemons; NULL: the usual place */
	char *bird_socket, *frr_socket;
	L3vmAnnouncing announcing;
	GHashTable *networks; /* name -> L3vmNetwork*; always has "default" */
	GPtrArray *nics;      /* of L3vmNicConfig* */
} L3vmConfig;

/*
 * Reads @path and guests.d/ *.conf beside it (in byte order of the names). A
 * missing file means the defaults.
 */
L3vmConfig *l3vm_config_load(const char *path, GError **error);
void l3vm_config_free(L3vmConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmConfig, l3vm_config_free)

/* NULL if there is none. */
const L3vmNetwork *l3vm_config_network(const L3vmConfig *config, const char *name);
/* The network in bridge mode whose bridge is @bridge, or NULL. */
const L3vmNetwork *l3vm_config_bridge(const L3vmConfig *config, const char *bridge);
/* The NIC section for this MAC (may be NULL) or, second, ifname (may be NULL)
 * that is for @guest or for any; NULL if there is none. A section with a MAC is
 * known by its ifname only while no other MAC is. */
const L3vmNicConfig *l3vm_config_nic(const L3vmConfig *config, const char *guest,
				     const L3vmMac *mac, const char *ifname);

#endif
