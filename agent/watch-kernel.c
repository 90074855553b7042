/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch-kernel.c - interfaces, routes and the guard
 *
 * What concerns a port on record leads to a look at everything, soon. Routes of
 * other protocols only matter to a guest that is leaving: they tell where it
 * went.
 */
#include "agent.h"
#include "base/log.h"

#include <glib-unix.h>
#include <string.h>

/* A port's interface, under its name or its index, or that of a service address; a
 * bridge of ours; or, by the
 * bridge that it is plugged into, the tap of a hot-plugged port. */
static bool is_ours(Agent *agent, unsigned ifindex, const char *ifname)
{
	return g_hash_table_contains(agent->indexes, GUINT_TO_POINTER(ifindex)) ||
	       g_hash_table_contains(agent->ports, ifname) || agent->pending ||
	       agent_serves_on(agent, ifname) ||
	       (agent->host->config && l3vm_config_bridge(agent->host->config, ifname));
}

static void route_changed(Agent *agent, const L3vmNotification *notification)
{
	hold_route(agent, notification);
	/* ours went: by our own hand, or somebody else's */
	if (notification->gone && notification->protocol == agent->host->protocol)
		agent_sweep_soon(agent);
}

/* An address, neighbour or rule went; on the interfaces of others it does not count. */
static void other_changed(Agent *agent, const L3vmNotification *notification)
{
	char ifname[IF_NAMESIZE] = "";

	if (notification->ifindex)
		if_indextoname(notification->ifindex, ifname);
	if (!notification->ifindex || is_ours(agent, notification->ifindex, ifname))
		agent_sweep_soon(agent);
}

static void notified(const L3vmNotification *notification, void *data)
{
	Agent *agent = data;

	switch (notification->kind) {
	case L3VM_MONITOR_LINK:
		announcing_link(agent, notification->ifname);
		if (is_ours(agent, notification->ifindex, notification->ifname))
			agent_sweep_soon(agent);
		break;
	case L3VM_MONITOR_ROUTE:
		route_changed(agent, notification);
		break;
	case L3VM_MONITOR_OTHER:
		other_changed(agent, notification);
		break;
	case L3VM_MONITOR_GUARD:
		agent_sweep_soon(agent);
		break;
	case L3VM_MONITOR_OVERRUN:
		announcing_link(agent, NULL);
		hold_look(agent);
		agent_sweep_soon(agent);
		break;
	}
}

static gboolean readable(gint fd, GIOCondition condition, void *data)
{
	(void)fd;
	(void)condition;
	l3vm_monitor_read(data);
	return G_SOURCE_CONTINUE;
}

static void watch(L3vmMonitor *monitor)
{
	g_unix_fd_add(l3vm_monitor_fd(monitor), G_IO_IN, readable, monitor);
}

/* Whoever loads rules anew, as nftables.service does, begins with `flush ruleset`. */
static void watch_guard(Agent *agent)
{
	g_autoptr(GError) error = NULL;

	agent->guard_monitor = l3vm_monitor_new_guard(notified, agent, &error);
	if (agent->guard_monitor)
		watch(agent->guard_monitor);
	else
		l3vm_warn("what others do to the guard is not heard of: %s",
			  error->message);
}

bool agent_watch_kernel(Agent *agent, GError **error)
{
	agent->monitor = l3vm_monitor_new(agent->host->protocol, notified, agent,
					  error);
	if (!agent->monitor)
		return false;
	watch(agent->monitor);
	watch_guard(agent);
	return true;
}

void agent_hear_routes(Agent *agent, bool others)
{
	g_autoptr(GError) error = NULL;

	if (!l3vm_monitor_hear_others(agent->monitor, others, &error))
		l3vm_warn("%s", error->message);
}
