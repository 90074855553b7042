/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel.h - reading and changing the kernel's state, behind one ops struct
 *
 * Two implementations: netlink (the kernel of this network namespace) and fake
 * (in memory: `plan --from-scratch`, and tests). The contract test runs the
 * same source against both.
 */
#ifndef L3VM_KERNEL_KERNEL_H
#define L3VM_KERNEL_KERNEL_H

#include "model/plan.h"

typedef struct L3vmKernel L3vmKernel;

/* What a look-up of an interface by name tells. */
typedef struct L3vmLink {
	unsigned ifindex;
	L3vmMac mac;
	char master[IF_NAMESIZE]; /* "" if it is no port of a bridge */
	bool is_bridge;
	bool is_up; /* administratively */
} L3vmLink;

typedef enum {
	/* Routes: the candidates' interfaces have none of ours. Saves the
	 * look-ups for an interface that was never ours. */
	L3VM_OBSERVE_FRESH,
	/* What candidates are set to, on whatever interface, and of a guest's
	 * route also ours of another rank if that is the one in use. A table
	 * other than main is looked into by its rule, as a packet would be. */
	L3VM_OBSERVE_CANDIDATES,
	/* The same by whole dumps, for many candidates; plus every route, rule
	 * and permanent neighbour that carries our protocol number, anywhere. */
	L3VM_OBSERVE_ALL,
} L3vmObserve;

typedef struct L3vmKernelOps {
	const char *name;
	void (*free)(L3vmKernel *kernel);

	/* False without @error if there is no such interface. */
	bool (*find_link)(L3vmKernel *kernel, const char *ifname, L3vmLink *link,
			  GError **error);

	/*
	 * Adds to @observed what the kernel has of the kinds and identities in
	 * @candidates. What carries our protocol number is marked as owned. An
	 * interface that is not there has nothing. Absence is what the kernel
	 * said just now; a dump can omit what is there (reading it as "gone"
	 * and adding it again is harmless, withdrawing because of it is not).
	 */
	bool (*observe)(L3vmKernel *kernel, const L3vmSet *candidates, L3vmObserve how,
			L3vmSet *observed, GError **error);

	/*
	 * Makes one change. Adding what is there already, identically, and
	 * removing what is gone are success. Adding or changing a route that
	 * exists with somebody else's protocol number fails and names the
	 * owner; so does a bridge in the place of another interface. A bridge
	 * that has ports is not removed: another process uses it.
	 */
	bool (*apply)(L3vmKernel *kernel, const L3vmChange *change, GError **error);

	/*
	 * Makes the changes of @plan from @first on that go into one request;
	 * *@n: how many. False: they are fewer than two, or the kernel refused
	 * (some may be made all the same); the caller then makes them one by
	 * one, so that an error tells which. NULL: nothing is ever joined.
	 */
	bool (*apply_joined)(L3vmKernel *kernel, const L3vmPlan *plan, guint first,
			     guint *n);

	/* *@local: the host itself has @addr, or it is a broadcast address. */
	bool (*is_local)(L3vmKernel *kernel, const L3vmAddr *addr, bool *local,
			 GError **error);

	/* True if packets to the destination of @route, in its table, follow a
	 * route that is not ours instead, which *@other becomes. */
	bool (*is_hidden)(L3vmKernel *kernel, const L3vmObject *route,
			  L3vmObject *other);

	/* Adds to @found those of the routes @wanted to whose destination, in
	 * their table, somebody else has a route as well, of any metric. Reads
	 * whole tables: what rules there are does not matter. */
	bool (*find_others)(L3vmKernel *kernel, const L3vmSet *wanted, L3vmSet *found,
			    GError **error);

	/*
	 * The MAC-matching port of a bridge: the interface whose master is
	 * @bridge and whose MAC is @mac with a first byte of fe (or fa), as
	 * libvirt gives it. False without @error: none.
	 */
	bool (*find_bridge_port)(L3vmKernel *kernel, const char *bridge,
				 const L3vmMac *mac, char ifname[IF_NAMESIZE],
				 GError **error);

	/* *@frames: how many frames whoever has opened the tap @ifindex has taken
	 * from it, and how many it had no room for. False: not known. */
	bool (*taken)(L3vmKernel *kernel, unsigned ifindex, uint64_t *frames);

	/* *@packets: how many frames of the port @ifindex the guard has dropped.
	 * False: it has none. */
	bool (*guard_dropped)(L3vmKernel *kernel, unsigned ifindex, uint64_t *packets);

	/* True if the guard's rules are loaded, by whomever. */
	bool (*has_guard)(L3vmKernel *kernel);

	/* True if the kernel has IPv6. */
	bool (*has_ipv6)(L3vmKernel *kernel);
} L3vmKernelOps;

struct L3vmKernel {
	const L3vmKernelOps *ops;
	uint8_t protocol; /* rtm_protocol of our routes, rules and neighbours */
};

/* The kernel of the calling thread's network namespace. */
L3vmKernel *l3vm_kernel_netlink_new(uint8_t protocol, GError **error);
void l3vm_kernel_free(L3vmKernel *kernel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmKernel, l3vm_kernel_free)

/*
 * Applies @plan in order. When a change fails, what was done is undone in the
 * reverse order and the first error returned; an undo that fails is a warning.
 */
bool l3vm_kernel_apply_plan(L3vmKernel *kernel, const L3vmPlan *plan, GError **error);

/* --- the fake ------------------------------------------------------------ */

/* @any_link: every name is an existing tap, as `plan --from-scratch` wants. */
L3vmKernel *l3vm_kernel_fake_new(uint8_t protocol, bool any_link);
/* Creates an interface; returns its index. */
unsigned l3vm_kernel_fake_add_link(L3vmKernel *kernel, const char *ifname, bool bridge);
void l3vm_kernel_fake_delete_link(L3vmKernel *kernel, const char *ifname);
/* Makes the host own @addr. */
void l3vm_kernel_fake_add_local(L3vmKernel *kernel, const L3vmAddr *addr);
/* A route that is not ours. */
void l3vm_kernel_fake_add_foreign(L3vmKernel *kernel, const L3vmObject *route);
/* The @n-th apply from now (0: the next) fails with @errnum; n < 0: none. */
void l3vm_kernel_fake_fail_at(L3vmKernel *kernel, int n, int errnum);
/* Applies counted since creation. */
unsigned l3vm_kernel_fake_applied(const L3vmKernel *kernel);
/* What it has, for comparison; owned by the kernel. */
const L3vmSet *l3vm_kernel_fake_state(const L3vmKernel *kernel);

#endif
