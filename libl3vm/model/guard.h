/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.h - what a guard entry is in the sets of l3vm-guard.nft
 *
 * An entry (#L3VM_OBJECT_GUARD_ENTRY) is one thing to us and a few elements of nft
 * sets to the kernel, in the tables of up to three families. Whoever writes, reads or
 * prints them asks here which.
 */
#ifndef L3VM_MODEL_GUARD_H
#define L3VM_MODEL_GUARD_H

#include "model/plan.h"

/* The name of our tables, one in each of these families. */
#define L3VM_GUARD_TABLE "l3vm"

typedef enum {
	L3VM_GUARD_INET,
	L3VM_GUARD_ARP,
	L3VM_GUARD_BRIDGE_FAMILY,
	L3VM_GUARD_FAMILIES,
} L3vmGuardFamily;

typedef enum {
	L3VM_GUARD_PORTS, /* a map: index -> what becomes of the frame */
	L3VM_GUARD_DROPPED,
	L3VM_GUARD_MACS,
	L3VM_GUARD_LLADDRS,
	L3VM_GUARD_SOURCE4,
	L3VM_GUARD_SOURCE6,
	L3VM_GUARD_TARGETS,
	L3VM_GUARD_PREFIX4,
	L3VM_GUARD_PREFIX6,
	L3VM_GUARD_SETS,
} L3vmGuardSet;

typedef struct L3vmGuardElement {
	L3vmGuardFamily family;
	L3vmGuardSet set;
	const char *verdict; /* PORTS only */
} L3vmGuardElement;

/* No entry has more. */
#define L3VM_GUARD_ELEMENTS 9

/* The elements of @entry; how many. */
size_t l3vm_guard_elements(const L3vmObject *entry,
			   L3vmGuardElement elements[L3VM_GUARD_ELEMENTS]);

const char *l3vm_guard_family_name(L3vmGuardFamily family);
const char *l3vm_guard_set_name(L3vmGuardSet set);
/* What follows the index in a key: the MAC, the address, or nothing. */
bool l3vm_guard_set_has_mac(L3vmGuardSet set);
bool l3vm_guard_set_has_addr(L3vmGuardSet set);
/* Keys are ranges, for prefixes. */
bool l3vm_guard_set_is_interval(L3vmGuardSet set);

/* nft's commands for @change of an entry, one a line, for people: as one transaction,
 * or one by one. @interface: what to call it. */
char *l3vm_guard_commands(const L3vmChange *change, const char *interface);

#endif
