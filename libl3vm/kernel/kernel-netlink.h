/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel-netlink.h - what the parts of the netlink implementation share */
#ifndef L3VM_KERNEL_KERNEL_NETLINK_H
#define L3VM_KERNEL_KERNEL_NETLINK_H

#include "kernel/kernel.h"
#include "kernel/nl.h"

#include <linux/if_link.h>

typedef struct L3vmNetlink {
	L3vmKernel kernel;
	L3vmNl *nl;
	L3vmNl *nft; /* NETLINK_NETFILTER; NULL until first needed */
} L3vmNetlink;

/* kernel-netlink-link.c */

/* An interface as the kernel tells it; all points into the message. */
typedef struct L3vmLinkAttrs {
	struct ifinfomsg *header;
	struct nlattr *attrs[IFLA_MAX + 1];
	const char *name;
	const char *kind;			  /* "" if it has none */
	struct nlattr *port[IFLA_BRPORT_MAX + 1]; /* if is_port: of a bridge */
	bool is_port;
} L3vmLinkAttrs;

/* False: the message is about something else. */
bool l3vm_link_decode(struct nlmsghdr *message, L3vmLinkAttrs *link);
/* *@mac stays if it has none of six bytes. */
void l3vm_link_mac(const L3vmLinkAttrs *link, L3vmMac *mac);
/* Asks for @ifname, or, as a dump, for all. */
struct nl_msg *l3vm_link_request(const char *ifname);
/* Takes over @text, the kernel's words or NULL. Returns false. */
bool l3vm_netlink_fail_read(const char *what, int result, char *text, GError **error);
bool l3vm_netlink_taken(L3vmKernel *kernel, unsigned ifindex, uint64_t *frames);
bool l3vm_netlink_find_link(L3vmKernel *kernel, const char *ifname, L3vmLink *link,
			    GError **error);
bool l3vm_netlink_find_bridge_port(L3vmKernel *kernel, const char *bridge,
				   const L3vmMac *mac, char ifname[IF_NAMESIZE],
				   GError **error);
/* True also if the kernel does not tell. */
bool l3vm_netlink_bridge_has_ports(L3vmNetlink *netlink, unsigned bridge);

/* kernel-netlink-observe.c */
bool l3vm_netlink_observe(L3vmKernel *kernel, const L3vmSet *candidates,
			  L3vmObserve how, L3vmSet *observed, GError **error);

/* kernel-netlink-route.c */

/* A route as the kernel tells it; protocol beside what an object holds. */
typedef struct L3vmRouteEntry {
	L3vmObject object;
	unsigned protocol;
} L3vmRouteEntry;

/* False: not a route of a kind we know. The interface's name stays empty. */
bool l3vm_route_decode(struct nlmsghdr *header, L3vmRouteEntry *entry);
/* The entry that the kernel uses for @addr. False: none. */
bool l3vm_netlink_lookup(L3vmNetlink *netlink, const L3vmAddr *addr,
			 L3vmRouteEntry *entry);
bool l3vm_netlink_is_local(L3vmKernel *kernel, const L3vmAddr *addr, bool *local,
			   GError **error);
bool l3vm_netlink_is_hidden(L3vmKernel *kernel, const L3vmObject *route,
			    L3vmObject *other);
bool l3vm_netlink_find_others(L3vmKernel *kernel, const L3vmSet *wanted, L3vmSet *found,
			      GError **error);
/* Which routes: 0 means any, also for what the kernel numbers from 0. */
typedef struct L3vmRouteFilter {
	int family;
	uint32_t table;
	unsigned protocol;
	unsigned kernel_type; /* RTN_... */
} L3vmRouteFilter;

/* Adds all entries that pass @filter to @entries (of L3vmRouteEntry). */
bool l3vm_netlink_routes(L3vmNetlink *netlink, const L3vmRouteFilter *filter,
			 GArray *entries, GError **error);
unsigned l3vm_route_kernel_type(L3vmRouteType type);
struct nl_msg *l3vm_route_message(const L3vmNetlink *netlink, int type, int flags,
				  const L3vmObject *route, unsigned ifindex);

/* kernel-netlink-settings.c */
/* More than a request of l3vm_nl_request()'s size takes is never joined. */
#define L3VM_SETTINGS_MAX 16
/* How many changes of @plan from @first on fit into one request; their values.
 * 0: not even that one is a setting of this kind. */
guint l3vm_settings_join(const L3vmPlan *plan, guint first,
			 const L3vmObject *objects[L3VM_SETTINGS_MAX]);
/* A request that sets @n settings which join, at least one. */
struct nl_msg *l3vm_settings_message(unsigned ifindex, const L3vmObject *const *objects,
				     guint n);
bool l3vm_netlink_apply_joined(L3vmKernel *kernel, const L3vmPlan *plan, guint first,
			       guint *n);

/* kernel-netlink-guard.c */
/* Called with each entry (or the rules) that the kernel has. */
typedef void (*L3vmGuardOffer)(void *data, const L3vmObject *object);
/* Of the rules and entries in @candidates, and with OBSERVE_ALL of every interface.
 * Returns 0 or a positive errno. */
int l3vm_netlink_observe_guard(L3vmNetlink *netlink, const L3vmSet *candidates,
			       L3vmObserve how, L3vmGuardOffer offer, void *data);
/* As l3vm_nl_talk(). @ifindex: of the entry's interface, if that does not say. */
int l3vm_netlink_apply_guard(L3vmNetlink *netlink, const L3vmChange *change,
			     unsigned ifindex, char **text);
/* How many changes of @plan from @first on it has made in one transaction: 0, or more
 * than one. The kernel takes its time after each (an RCU grace period). */
guint l3vm_netlink_join_guard(L3vmNetlink *netlink, const L3vmPlan *plan, guint first);
bool l3vm_netlink_has_guard(L3vmKernel *kernel);
bool l3vm_netlink_guard_dropped(L3vmKernel *kernel, unsigned ifindex,
				uint64_t *packets);

/* kernel-netlink-apply.c */
bool l3vm_netlink_apply(L3vmKernel *kernel, const L3vmChange *change, GError **error);

#endif
