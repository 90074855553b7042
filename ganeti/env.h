/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * env.h - a NIC as Ganeti describes it to its network script and to node hooks
 *
 * Ganeti has one address per NIC. What else a NIC has is said by tags of the
 * instance, "l3vm:nic1:ip:2001:db8::5"; without "nicN:" they are NIC 0's.
 */
#ifndef L3VM_GANETI_ENV_H
#define L3VM_GANETI_ENV_H

#include "l3vm.h"

/* Texts are the environment's; NULL: not said. */
typedef struct GanetiNic {
	unsigned index;
	const char *instance, *ifname, *mac, *ip, *mode, *link;
	const char *network; /* gnt-network's name, with its gateways */
	const char *gateway4, *gateway6;
	const char *tags; /* of the instance, blanks between them, in any order */
} GanetiNic;

/* From the environment of the network script: INTERFACE, MODE, ... */
bool ganeti_nic_of_script(GanetiNic *nic, GError **error);

/* From a node hook's: GANETI_INSTANCE_NIC<index>_MODE, ... There is no ifname. */
bool ganeti_nic_of_hook(GanetiNic *nic, unsigned index, GError **error);
/* How many there are. */
unsigned ganeti_nic_count(void);

/* Ganeti calls the network script before QEMU is there, also at the target of a
 * migration; for other modes it then does so after the guest's arrival. */
bool ganeti_nic_is_early(const GanetiNic *nic);

/*
 * The NIC as a port. NULL without @error if it is not l3vm's: a bridge that no
 * network of ours has, an Open vSwitch.
 */
L3vmPort *ganeti_nic_port(const GanetiNic *nic, L3vm *host, GError **error);

/* What cannot be said in a job's output goes to the system's log, too. */
void ganeti_say(const char *text);

/* Sets @error; returns false. */
bool ganeti_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
