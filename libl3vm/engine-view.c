/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-view.c - what the announcers have made of ports' routes */
#include "engine-view.h"

#include "store/announced.h"

#include <string.h>

L3vmView *l3vm_view_new(const L3vm *host)
{
	L3vmView *view = g_new(L3vmView, 1);

	view->daemons =
		g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_daemon_free);
	view->failures = g_ptr_array_new_with_free_func(g_free);
	view->agent = host->store && l3vm_agent_is_there(host->store);
	for (size_t i = 0; l3vm_daemons[i]; i++) {
		const char *path = NULL;
		g_autoptr(GError) error = NULL;
		L3vmDaemon *daemon;

		if (host->config)
			path = l3vm_daemons[i] == &l3vm_daemon_bird
				       ? host->config->bird_socket
				       : host->config->frr_socket;
		daemon = l3vm_daemon_ask(l3vm_daemons[i], path, host->protocol, &error);
		if (daemon)
			g_ptr_array_add(view->daemons, daemon);
		else if (error)
			g_ptr_array_add(view->failures, g_strdup(error->message));
	}
	return view;
}

void l3vm_view_free(L3vmView *view)
{
	if (!view)
		return;
	g_ptr_array_unref(view->daemons);
	g_ptr_array_unref(view->failures);
	g_free(view);
}

/* Why @daemon does not announce it; NULL: it does. Of the last rank it need only
 * know: a better path from elsewhere is what that rank is for. */
static const char *objection(const L3vmDaemon *daemon, const L3vm *host,
			     const L3vmAddr *dst, uint32_t metric)
{
	const L3vmDaemonRoute *route = l3vm_daemon_find(daemon, dst);

	if (!route)
		return "has not learned the route";
	if (metric == host->ranks.last || !daemon->speaks || route->peers)
		return NULL;
	return route->best ? "tells no peer of it" : "prefers another path";
}

const L3vmDaemon *l3vm_view_announces(const L3vmView *view, const L3vm *host,
				      const L3vmAddr *dst, uint32_t metric, char **why)
{
	char text[L3VM_ADDR_STRLEN];

	*why = NULL;
	for (guint i = 0; i < view->daemons->len; i++) {
		const L3vmDaemon *daemon = view->daemons->pdata[i];
		const char *reason = objection(daemon, host, dst, metric);

		if (!reason) {
			g_clear_pointer(why, g_free);
			return daemon;
		}
		if (!*why)
			*why = g_strdup_printf("%s: %s %s",
					       l3vm_prefix_format(dst, text),
					       daemon->kind->title, reason);
	}
	if (!*why && view->failures->len)
		*why = g_strdup(view->failures->pdata[0]);
	return NULL;
}

static void add_string(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

/* The routes are the announcement; a daemon that is there must have taken it up. */
static struct json_object *describe_kernel(const L3vmView *view, const L3vm *host,
					   const L3vmSet *wanted, bool present)
{
	struct json_object *entry = json_object_new_object();
	struct json_object *pending = json_object_new_array();
	g_autofree char *first = NULL;
	const L3vmDaemon *by = NULL;
	char text[L3VM_ADDR_STRLEN];

	for (guint i = 0; present && i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		const L3vmDaemon *daemon;
		g_autofree char *why = NULL;

		if (o->kind != L3VM_OBJECT_ROUTE || o->type != L3VM_ROUTE_UNICAST)
			continue;
		daemon = l3vm_view_announces(view, host, &o->addr, o->metric, &why);
		if (daemon)
			by = daemon;
		if (!why)
			continue;
		json_object_array_add(
			pending,
			json_object_new_string(l3vm_prefix_format(&o->addr, text)));
		if (!first)
			first = g_steal_pointer(&why);
	}
	add_string(entry, "announcer", "kernel");
	json_object_object_add(entry, "ok", json_object_new_boolean(present && !first));
	if (by)
		add_string(entry, "by", by->kind->name);
	if (first) {
		json_object_object_add(entry, "pending", pending);
		add_string(entry, "why", first);
	} else {
		json_object_put(pending);
	}
	return entry;
}

/* Those of the port's destinations that are among @of. */
static struct json_object *pending_of(const L3vmPort *port, const GPtrArray *of)
{
	const GArray *arrays[] = { port->addresses, port->prefixes };
	struct json_object *pending = json_object_new_array();
	char text[L3VM_ADDR_STRLEN];

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++) {
			l3vm_prefix_format(&g_array_index(arrays[i], L3vmAddr, j),
					   text);
			if (g_ptr_array_find_with_equal_func((GPtrArray *)of, text,
							     g_str_equal, NULL))
				json_object_array_add(pending,
						      json_object_new_string(text));
		}
	return pending;
}

/* What the agent has on record of the announcer @name. */
static struct json_object *describe_other(const L3vmView *view, const L3vm *host,
					  const L3vmPort *port, const char *name)
{
	struct json_object *entry = json_object_new_object();
	struct json_object *pending = NULL;
	g_auto(L3vmAnnounced) announced = { 0 };
	const char *why = NULL;

	if (!view->agent)
		why = "l3vm-agent, which announces it, does not run";
	else if (!l3vm_announced_load(host->store, name, &announced))
		why = "l3vm-agent does not announce with it (was it started before "
		      "l3vm.conf was changed?)";
	else if (!announced.up)
		why = announced.problem ? announced.problem : "is not up";
	else if (announced.time < port->since)
		why = "l3vm-agent has yet to see the change";
	else
		pending = pending_of(port, announced.pending);
	if (pending && json_object_array_length(pending))
		why = announced.problem ? announced.problem
					: "has not confirmed all destinations";
	add_string(entry, "announcer", name);
	json_object_object_add(entry, "ok", json_object_new_boolean(!why));
	if (why && pending)
		json_object_object_add(entry, "pending", json_object_get(pending));
	if (why) {
		g_autofree char *text = g_strdup_printf("%s: %s", name, why);

		add_string(entry, "why", text);
	}
	json_object_put(pending);
	return entry;
}

struct json_object *l3vm_view_port(const L3vmView *view, const L3vm *host,
				   const L3vmPort *port, const L3vmSet *wanted,
				   bool present)
{
	struct json_object *array = json_object_new_array();

	for (char **name = port->net->announce; name && *name; name++)
		json_object_array_add(
			array, !strcmp(*name, l3vm_announcer_kernel.name)
				       ? describe_kernel(view, host, wanted, present)
				       : describe_other(view, host, port, *name));
	return array;
}
