/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-status.c - status and metrics: the records beside the kernel
 *
 * The JSON of status is a stable interface (see l3vm(8)); it names what should
 * be and whether the kernel has it.
 */
#include "engine-status.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine-view.h"

#include <string.h>

static struct json_object *string_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *address_list(const GArray *addrs, bool prefixes)
{
	struct json_object *array = json_object_new_array();
	char text[L3VM_ADDR_STRLEN];

	for (guint i = 0; i < addrs->len; i++) {
		const L3vmAddr *addr = &g_array_index(addrs, L3vmAddr, i);

		json_object_array_add(array,
				      json_object_new_string(
					      prefixes ? l3vm_prefix_format(addr, text)
						       : l3vm_addr_format(addr, text)));
	}
	return array;
}

static bool is_present(const L3vmSet *observed, const L3vmObject *o)
{
	const L3vmObject *is = l3vm_set_find(observed, o);

	return is && l3vm_object_equal(is, o);
}

static struct json_object *route_list(const L3vmSet *wanted, const L3vmSet *observed)
{
	struct json_object *array = json_object_new_array();
	char text[L3VM_ADDR_STRLEN];

	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		struct json_object *route;

		if (o->kind != L3VM_OBJECT_ROUTE)
			continue;
		route = json_object_new_object();
		json_object_object_add(
			route, "dst",
			json_object_new_string(l3vm_prefix_format(&o->addr, text)));
		json_object_object_add(route, "table", json_object_new_int64(o->table));
		json_object_object_add(route, "metric",
				       json_object_new_int64(o->metric));
		json_object_object_add(
			route, "present",
			json_object_new_boolean(is_present(observed, o)));
		json_object_array_add(array, route);
	}
	return array;
}

/* Why @route does not serve although it may be there; NULL: it does. That of the last
 * rank is for when there is no other. */
static char *why_hidden(L3vm *host, const L3vmObject *route)
{
	L3vmObject other;

	if (route->kind != L3VM_OBJECT_ROUTE || route->metric == host->ranks.last ||
	    !host->kernel->ops->is_hidden(host->kernel, route, &other))
		return NULL;
	return g_strdup_printf("by another's of metric %u%s%s", other.metric,
			       *other.ifname ? " dev " : "", other.ifname);
}

/* What is not as it should be, each in a few words. @all: @observed was read as a
 * whole, and what it lacks is not there; a look-up sees no route behind a blackhole. */
static struct json_object *problem_list(L3vm *host, const L3vmPort *port,
					const L3vmSet *wanted, const L3vmSet *observed,
					bool all)
{
	struct json_object *array = json_object_new_array();

	if (port->ifname && !l3vm_port_is_present(host, port)) {
		json_object_array_add(array,
				      json_object_new_string("interface is gone"));
		return array;
	}
	if (port->state == L3VM_STATE_GONE)
		json_object_array_add(
			array, json_object_new_string("removal was not finished"));
	if (!port->addresses->len && !port->prefixes->len)
		json_object_array_add(array, json_object_new_string("has no address"));
	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		L3vmChange change = { .has_after = true, .after = *o };
		bool is_there = is_present(observed, o);
		g_autofree char *hidden = is_there || !all ? why_hidden(host, o) : NULL;
		g_autofree char *words = NULL;
		g_autofree char *line = NULL;

		if (!hidden && is_there)
			continue;
		words = l3vm_change_describe(&change);
		/* "add route ...", or "set MTU ..." which says it best as a whole */
		if (hidden)
			line = g_strdup_printf("hidden: %s, %s", strchr(words, ' ') + 1,
					       hidden);
		else if (l3vm_object_is_removable(o))
			line = g_strdup_printf("missing: %s", strchr(words, ' ') + 1);
		else
			line = g_strdup_printf("to do: %s", words);
		json_object_array_add(array, json_object_new_string(line));
	}
	return array;
}

/* The kernel has them all. */
static bool all_present(struct json_object *routes)
{
	bool all = true;

	for (size_t i = 0; i < json_object_array_length(routes); i++)
		all &= json_object_get_boolean(json_object_object_get(
			json_object_array_get_idx(routes, i), "present"));
	return all;
}

static void add_state(struct json_object *entry, const char *state, int64_t since)
{
	char text[L3VM_TIME_STRLEN];

	l3vm_time_format(since, text);
	g_strlcpy(text + strlen("2026-01-01T00:00:00"), "Z", 2); /* whole seconds */
	json_object_object_add(entry, "state", json_object_new_string(state));
	json_object_object_add(entry, "since", json_object_new_string(text));
}

static void add_identity(struct json_object *entry, const L3vmPort *port)
{
	char text[L3VM_TIME_STRLEN];

	json_object_object_add(entry, "guest", json_object_new_string(port->guest));
	json_object_object_add(entry, "uuid", string_or_null(port->uuid));
	json_object_object_add(entry, "ifname", string_or_null(port->ifname));
	json_object_object_add(entry, "ifindex",
			       port->ifindex ? json_object_new_int64(port->ifindex)
					     : NULL);
	json_object_object_add(
		entry, "mac",
		json_object_new_string(l3vm_mac_format(&port->mac, text)));
	json_object_object_add(entry, "network",
			       json_object_new_string(port->net->name));
	json_object_object_add(
		entry, "mode",
		json_object_new_string(port->net->mode == L3VM_MODE_BRIDGE ? "bridge"
									   : "routed"));
	add_state(entry, l3vm_state_name(port->state), port->since);
}

/* What its guard has dropped; null if nothing guards it. */
static struct json_object *guard_of(L3vm *host, const L3vmPort *port)
{
	struct json_object *guard;
	uint64_t packets;

	if (!port->ifindex ||
	    !host->kernel->ops->guard_dropped(host->kernel, port->ifindex, &packets))
		return NULL;
	guard = json_object_new_object();
	json_object_object_add(guard, "dropped",
			       json_object_new_int64((int64_t)packets));
	return guard;
}

static struct json_object *describe_port(L3vm *host, const L3vmView *view,
					 const L3vmPort *port, const L3vmSet *observed,
					 bool all)
{
	struct json_object *entry = json_object_new_object(), *routes;
	g_autoptr(L3vmSet) wanted = l3vm_set_new();

	l3vm_intent_network(wanted, port->net, &host->ranks, &host->facts);
	l3vm_intent_port(wanted, port, &host->ranks, &host->facts);
	add_identity(entry, port);
	json_object_object_add(entry, "addresses",
			       address_list(port->addresses, false));
	json_object_object_add(entry, "prefixes", address_list(port->prefixes, true));
	json_object_object_add(entry, "learned", json_object_new_array());
	routes = route_list(wanted, observed);
	json_object_object_add(entry, "routes", routes);
	json_object_object_add(entry, "announce",
			       l3vm_view_port(view, host, port, wanted,
					      all_present(routes)));
	json_object_object_add(entry, "guard", guard_of(host, port));
	json_object_object_add(entry, "problems",
			       problem_list(host, port, wanted, observed, all));
	return entry;
}

/* null without a check */
static struct json_object *describe_check(const L3vmService *service)
{
	struct json_object *check, *command;
	char seconds[G_ASCII_DTOSTR_BUF_SIZE];

	if (!service->check)
		return NULL;
	check = json_object_new_object();
	command = json_object_new_array();
	for (char **word = service->check; *word; word++)
		json_object_array_add(command, json_object_new_string(*word));
	json_object_object_add(check, "command", command);
	g_ascii_formatd(seconds, sizeof(seconds), "%g", service->interval / 1000.0);
	json_object_object_add(check, "interval",
			       json_object_new_double_s(service->interval / 1000.0,
							seconds));
	json_object_object_add(check, "rise", json_object_new_int64(service->rise));
	json_object_object_add(check, "fall", json_object_new_int64(service->fall));
	return check;
}

static struct json_object *describe_service(L3vm *host, const L3vmView *view,
					    const L3vmPort *port,
					    const L3vmSet *observed, bool all)
{
	struct json_object *entry = json_object_new_object(), *routes, *problems;
	g_autoptr(L3vmSet) wanted = l3vm_set_new();

	l3vm_intent_network(wanted, port->net, &host->ranks, &host->facts);
	l3vm_intent_port(wanted, port, &host->ranks, &host->facts);
	routes = route_list(wanted, observed);
	problems = problem_list(host, port, wanted, observed, all);
	if (port->service->check && !view->agent)
		json_object_array_add(problems,
				      json_object_new_string(
					      "l3vm-agent, which runs its check, does "
					      "not run: it stays as it is"));
	json_object_object_add(
		entry, "address",
		json_object_new_string(port->guest + strlen(L3VM_SERVICE_PREFIX)));
	json_object_object_add(entry, "ifname", json_object_new_string(port->ifname));
	json_object_object_add(entry, "network",
			       json_object_new_string(port->net->name));
	add_state(entry, l3vm_service_state_name(port->state), port->since);
	json_object_object_add(entry, "check", describe_check(port->service));
	json_object_object_add(entry, "routes", routes);
	json_object_object_add(entry, "announce",
			       l3vm_view_port(view, host, port, wanted,
					      all_present(routes)));
	json_object_object_add(entry, "problems", problems);
	return entry;
}

/* The records of @guest, or all. */
static GPtrArray *ports_of(L3vm *host, const char *guest, GError **error)
{
	g_autoptr(GPtrArray) ports = l3vm_record_list(host->store, error);

	if (!ports)
		return NULL;
	for (guint i = ports->len; i-- > 0;)
		if (!l3vm_port_is_of(ports->pdata[i], guest) ||
		    (guest && ((L3vmPort *)ports->pdata[i])->service))
			g_ptr_array_remove_index(ports, i);
	if (guest && !ports->len) {
		l3vm_fail(error, L3VM_ERROR_NOT_FOUND,
			  "guest %s: has no port here (see `l3vm status`)", guest);
		return NULL;
	}
	return g_steal_pointer(&ports);
}

static bool observe_ports(L3vm *host, const GPtrArray *ports, bool all,
			  L3vmSet *observed, GError **error)
{
	g_autoptr(L3vmSet) candidates = l3vm_set_new();

	for (guint i = 0; i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);

		l3vm_intent_network(candidates, port->net, &host->ranks, &host->facts);
		l3vm_intent_port(candidates, port, &host->ranks, &host->facts);
	}
	return host->kernel->ops->observe(
		host->kernel, candidates,
		all ? L3VM_OBSERVE_ALL : L3VM_OBSERVE_CANDIDATES, observed, error);
}

struct json_object *l3vm_status_ports(L3vm *host, const char *guest,
				      struct json_object **services, GError **error)
{
	g_autoptr(L3vmSet) observed = l3vm_set_new();
	g_autoptr(GPtrArray) ports = NULL;
	g_autoptr(L3vmView) view = NULL;
	struct json_object *array;

	if (!l3vm_need_store(host, error) || !l3vm_need_kernel(host, error))
		return NULL;
	ports = ports_of(host, guest, error);
	if (!ports || !observe_ports(host, ports, !guest, observed, error))
		return NULL;
	view = l3vm_view_new(host);
	array = json_object_new_array();
	if (services)
		*services = json_object_new_array();
	for (guint i = 0; i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);

		if (!port->service)
			json_object_array_add(array, describe_port(host, view, port,
								   observed, !guest));
		else if (services)
			json_object_array_add(*services,
					      describe_service(host, view, port,
							       observed, !guest));
	}
	return array;
}

char *l3vm_json_take(struct json_object *root)
{
	char *text = g_strdup(json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			      JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(root);
	return text;
}

char *l3vm_status(L3vm *host, const char *guest, GError **error)
{
	struct json_object *services = NULL, *root;
	struct json_object *ports = l3vm_status_ports(host, guest,
						      guest ? NULL : &services, error);

	if (!ports)
		return NULL;
	root = json_object_new_object();
	json_object_object_add(root, "version", json_object_new_int(1));
	json_object_object_add(root, "ports", ports);
	if (services)
		json_object_object_add(root, "services", services);
	return l3vm_json_take(root);
}

/* --- metrics --------------------------------------------------------------------- */

/* A label's value: backslash, quote and newline are escaped (Prometheus text
 * format 0.0.4). Guest names hold no control characters. */
static void append_label(GString *text, const char *name, const char *value)
{
	g_string_append_printf(text, "%s=\"", name);
	for (const char *c = value; *c; c++) {
		if (*c == '\\' || *c == '"')
			g_string_append_c(text, '\\');
		g_string_append_c(text, *c);
	}
	g_string_append_c(text, '"');
}

static const char *text_of(struct json_object *port, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(port, key));

	return text ? text : "";
}

static void append_states(GString *text, struct json_object *ports)
{
	unsigned counts[L3VM_STATE_GONE + 1] = { 0 };

	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		L3vmState state;

		if (l3vm_state_parse(text_of(json_object_array_get_idx(ports, i),
					     "state"),
				     &state))
			counts[state]++;
	}
	g_string_append(text, "# HELP l3vm_ports Ports on record, by state.\n"
			      "# TYPE l3vm_ports gauge\n");
	for (unsigned state = 0; state <= L3VM_STATE_GONE; state++)
		g_string_append_printf(text, "l3vm_ports{state=\"%s\"} %u\n",
				       l3vm_state_name(state), counts[state]);
}

static int64_t missing_routes(struct json_object *port)
{
	struct json_object *routes = json_object_object_get(port, "routes");
	int64_t missing = 0;

	for (size_t i = 0; i < json_object_array_length(routes); i++)
		missing += !json_object_get_boolean(json_object_object_get(
			json_object_array_get_idx(routes, i), "present"));
	return missing;
}

/* One metric of @type with a value per port. */
static void append_per_port(GString *text, struct json_object *ports, const char *name,
			    const char *type, const char *help,
			    int64_t (*value)(struct json_object *))
{
	g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
			       type);
	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		g_string_append_printf(text, "%s{", name);
		append_label(text, "guest", text_of(port, "guest"));
		g_string_append_c(text, ',');
		append_label(text, "ifname", text_of(port, "ifname"));
		g_string_append_printf(text, "} %" G_GINT64_FORMAT "\n", value(port));
	}
}

static int64_t dropped(struct json_object *port)
{
	struct json_object *guard = json_object_object_get(port, "guard");

	return json_object_get_int64(json_object_object_get(guard, "dropped"));
}

static int64_t problem_count(struct json_object *port)
{
	return (int64_t)json_object_array_length(
		json_object_object_get(port, "problems"));
}

static void append_services(GString *text, struct json_object *services)
{
	g_string_append(text, "# HELP l3vm_service_state Service addresses, 1 for "
			      "the state that each is in.\n"
			      "# TYPE l3vm_service_state gauge\n");
	for (size_t i = 0; i < json_object_array_length(services); i++) {
		struct json_object *service = json_object_array_get_idx(services, i);

		g_string_append(text, "l3vm_service_state{");
		append_label(text, "address", text_of(service, "address"));
		g_string_append_c(text, ',');
		append_label(text, "state", text_of(service, "state"));
		g_string_append(text, "} 1\n");
	}
}

char *l3vm_metrics(L3vm *host, GError **error)
{
	struct json_object *services;
	struct json_object *ports = l3vm_status_ports(host, NULL, &services, error);
	GString *text;

	if (!ports)
		return NULL;
	text = g_string_new(NULL);
	append_states(text, ports);
	append_per_port(text, ports, "l3vm_port_problems", "gauge",
			"What of the port is not in the kernel as it should be.",
			problem_count);
	append_per_port(text, ports, "l3vm_port_routes_missing", "gauge",
			"Routes of the port that the kernel does not have.",
			missing_routes);
	append_per_port(text, ports, "l3vm_port_guard_dropped_packets_total", "counter",
			"Frames from the port that the guard has dropped.", dropped);
	append_services(text, services);
	json_object_put(ports);
	json_object_put(services);
	return g_string_free(text, FALSE);
}
