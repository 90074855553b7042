/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* daemon.c - the table of routing daemons, and what they know */
#include "announce/daemon.h"

#include <string.h>

const L3vmDaemonKind *const l3vm_daemons[] = { &l3vm_daemon_bird, &l3vm_daemon_frr,
					       NULL };

L3vmDaemonRoute *l3vm_daemon_route(L3vmDaemon *daemon, const L3vmAddr *dst)
{
	L3vmDaemonRoute *route = g_hash_table_lookup(daemon->routes, dst);

	if (route)
		return route;
	route = g_new0(L3vmDaemonRoute, 1);
	route->dst = *dst;
	route->best = true;
	g_hash_table_insert(daemon->routes, &route->dst, route);
	return route;
}

const L3vmDaemonRoute *l3vm_daemon_find(const L3vmDaemon *daemon, const L3vmAddr *dst)
{
	return g_hash_table_lookup(daemon->routes, dst);
}

L3vmDaemon *l3vm_daemon_ask(const L3vmDaemonKind *kind, const char *socket,
			    uint8_t protocol, GError **error)
{
	g_autoptr(L3vmDaemon) daemon = g_new0(L3vmDaemon, 1);
	g_autoptr(L3vmDialogue) dialogue = NULL;
	bool absent;

	dialogue = l3vm_dialogue_open(socket ? socket : kind->socket, &absent, error);
	if (!dialogue)
		return NULL;
	daemon->kind = kind;
	daemon->pid = l3vm_dialogue_peer(dialogue);
	daemon->routes = g_hash_table_new_full(l3vm_addr_hash, l3vm_addr_equals, NULL,
					       g_free);
	return kind->read(daemon, dialogue, protocol, error) ? g_steal_pointer(&daemon)
							     : NULL;
}

void l3vm_daemon_free(L3vmDaemon *daemon)
{
	if (!daemon)
		return;
	if (daemon->routes)
		g_hash_table_unref(daemon->routes);
	g_free(daemon->settings);
	g_free(daemon);
}
