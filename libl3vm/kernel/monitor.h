/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor.h - the kernel's notifications: hints where to look
 *
 * A notification says that something changed, not what is. Many come late, some
 * never (an interface that goes takes its IPv4 routes along silently), and when
 * the socket overflows the rest of a burst is lost. So the callback may decide to
 * look; it must not conclude.
 */
#ifndef L3VM_KERNEL_MONITOR_H
#define L3VM_KERNEL_MONITOR_H

#include "model/object.h"

typedef enum {
	L3VM_MONITOR_LINK,    /* ifindex, ifname, gone */
	L3VM_MONITOR_ROUTE,   /* route, protocol, gone */
	L3VM_MONITOR_OTHER,   /* an address, neighbour or rule; ifindex or 0 */
	L3VM_MONITOR_GUARD,   /* gone: some of its tables, rules or entries */
	L3VM_MONITOR_OVERRUN, /* notifications were lost: everything may have
				 * changed */
} L3vmMonitorKind;

typedef struct L3vmNotification {
	L3vmMonitorKind kind;
	bool gone;
	unsigned ifindex;
	char ifname[IF_NAMESIZE];
	L3vmObject route; /* without the interface's name */
	unsigned protocol;
} L3vmNotification;

typedef void (*L3vmMonitorCallback)(const L3vmNotification *notification, void *data);

typedef struct L3vmMonitor L3vmMonitor;

/* @protocol: rtm_protocol of our routes. */
L3vmMonitor *l3vm_monitor_new(uint8_t protocol, L3vmMonitorCallback callback,
			      void *data, GError **error);
/* Hears of the guard alone. */
L3vmMonitor *l3vm_monitor_new_guard(L3vmMonitorCallback callback, void *data,
				    GError **error);
void l3vm_monitor_free(L3vmMonitor *monitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmMonitor, l3vm_monitor_free)

/* Whether routes of other protocols are told of, too; at first they are not. */
bool l3vm_monitor_hear_others(L3vmMonitor *monitor, bool others, GError **error);

/* To be polled for input; then l3vm_monitor_read() takes what is there. */
int l3vm_monitor_fd(const L3vmMonitor *monitor);
void l3vm_monitor_read(L3vmMonitor *monitor);

#endif
