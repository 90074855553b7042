/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contract.h - what kernel/kernel.h promises, to be held against each kernel
 *
 * The tests of contract-*.c know a kernel by its operations only. What they
 * need beside them (making an interface, being somebody else) is in WorldOps,
 * which the programs test-kernel-fake and test-kernel-netlink provide.
 */
#ifndef TESTS_CONTRACT_CONTRACT_H
#define TESTS_CONTRACT_CONTRACT_H

#include "kernel/kernel.h"

#include "../unit/values.h"

/* Our routes', and the stranger's: what iproute2 calls bird and l3vm. */
#define PROTOCOL 76
#define STRANGER 12

#define MAC5 "52:54:00:00:00:05"
#define MAC6 "52:54:00:00:00:06"

/* The metric of a leaving port's routes: the upper byte is 0xfa. */
#define LAST 0xFA0003E8

typedef struct World World;

typedef struct WorldOps {
	/* An empty host. */
	L3vmKernel *(*begin)(void);
	/* An interface that is down; returns its index. */
	unsigned (*add_link)(World *world, const char *ifname);
	void (*delete_link)(World *world, const char *ifname);
	/* Somebody else's. */
	void (*add_foreign)(World *world, const L3vmObject *route);
	bool (*has_foreign)(World *world, const L3vmObject *route);
	/* Gives the host an address of its own. */
	void (*add_local)(World *world, const char *addr);
} WorldOps;

struct World {
	const WorldOps *ops;
	L3vmKernel *kernel;
	const void *data; /* a parametrised test's */
};

/* Of the program that is linked. */
extern const WorldOps world_ops;

/* cmocka's set-up and tear-down; *state becomes a World. */
int world_begin(void **state);
int world_end(void **state);
#define contract_test(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)

/* An interface "t", up, and its index. */
unsigned add_up_link(World *world, const char *ifname);
/* br0, up, made by the kernel under test. */
void add_bridge(World *world);

/* Applying; each fails the test if the kernel does not do as the name says. */
void add(World *world, const L3vmObject *object);
void change(World *world, const L3vmObject *before, const L3vmObject *after);
void removal(World *world, const L3vmObject *object);
/* The error's text, for the caller to free; checked to be one clear line. */
char *refusal(World *world, const L3vmObject *before, const L3vmObject *after);

/* What the kernel has of @candidate now; NULL: nothing. Valid until the next
 * call. */
const L3vmObject *observe_one(World *world, const L3vmObject *candidate);
L3vmSet *observe(World *world, const L3vmSet *candidates, L3vmObserve how);
void assert_has(World *world, const L3vmObject *object);
void assert_lacks(World *world, const L3vmObject *object);

/* The groups, each in a file of its own; return the number of failed tests. */
int run_objects(void);
int run_effects(void);
int run_routes(void);
int run_observe(void);
/* All of them. */
int run_contract(void);

#endif
