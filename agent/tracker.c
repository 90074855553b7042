/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tracker.c - the ports on record, and what each state needs
 *
 * Hooks, the command line and the agent itself change ports through records;
 * the agent learns of it from the directory, whoever did it. What a port needs
 * follows from its state alone:
 *   prepared  its frames are looked at, for evidence; a timer, in case that there
 *             are none and nobody tells
 *   arrived   a timer until hold-time is over; the guest is told its gateway, where
 *             the network asks for it
 *   leaving   its packets are watched, and kept once the guest has stopped; a timer,
 *             in case that nobody tells that it stays
 *   live      nothing
 * A service address needs its check to be run, whatever its state.
 */
/* syscalls: read */
#include "agent.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <glib-unix.h>
#include <malloc.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Events are hints and come in bursts; one look serves a burst, and in a storm
 * looks are at least this far apart. In milliseconds. */
#define SWEEP_DELAY    50
#define SWEEP_INTERVAL 1000
/* After a look that failed there is another, though nothing may have happened: after
 * this many seconds, and each time twice as many. */
#define PATIENCE_LEAST 2
#define PATIENCE_MOST  64
/* How often one asks about a port that waits for its guest: seldom, since libvirt
 * would make us wait for a hook that runs. Its own hooks are over by then. */
#define LOOK_INTERVAL  (30 * L3VM_SECOND)

void agent_port_free(AgentPort *port)
{
	if (!port->port->ifname)
		port->agent->pending--;
	g_hash_table_remove(port->agent->indexes,
			    GUINT_TO_POINTER(port->port->ifindex));
	evidence_free(port->evidence);
	hold_part(port->hold);
	burst_free(port->burst);
	check_free(port->check);
	if (port->port->service)
		port->agent->services--;
	if (port->timer)
		g_source_remove(port->timer);
	l3vm_port_free(port->port);
	g_free(port->name);
	g_free(port);
}

void agent_event(Agent *agent, const L3vmPort *port, L3vmEvent event,
		 const L3vmPort *as_of, const char *evidence, int64_t seen)
{
	g_autoptr(GError) error = NULL;

	if (!l3vm_guest_event(agent->host, l3vm_port_guest_key(port), event, as_of,
			      evidence, seen, &error))
		l3vm_warn("%s", error->message);
}

static gboolean hold_time_over(void *data)
{
	AgentPort *port = data;
	/* what the event changes is read anew, and this port with it */
	g_autoptr(L3vmPort) as_of = l3vm_port_copy(port->port);

	port->timer = 0;
	agent_event(port->agent, as_of, L3VM_EVENT_SETTLED, as_of, "hold-time", 0);
	return G_SOURCE_REMOVE;
}

static void set_timer(AgentPort *port)
{
	int64_t hold = port->agent->host->config ? port->agent->host->config->hold_time
						 : 30 * L3VM_SECOND;
	int64_t left = port->port->since + hold - l3vm_now();

	left = CLAMP(left, 0, hold);
	port->timer = g_timeout_add((guint)(left / 1000), hold_time_over, port);
}

/* Until arrival-timeout is over; G_MAXINT64 without one. */
static int64_t wait_left(const AgentPort *port)
{
	const L3vmConfig *config = port->agent->host->config;

	return config->arrival_timeout
		       ? port->port->since + config->arrival_timeout - l3vm_now()
		       : G_MAXINT64;
}

/*
 * A guest that sends nothing, and whose hypervisor's event was missed. Who knows
 * the guest is asked again; where nobody does, time is all the evidence there is.
 * The same for a migration away whose failure was missed; only libvirt is not asked,
 * since a guest's source has hooks that run late.
 */
static gboolean waited_long(void *data)
{
	AgentPort *port = data;
	Agent *agent = port->agent;
	g_autoptr(L3vmPort) as_of = l3vm_port_copy(port->port);
	bool known = qmp_watch_ask(agent->qmp, as_of);
	int64_t left = wait_left(port);

#if HAVE_LIBVIRT
	if (as_of->state == L3VM_STATE_PREPARED)
		known = libvirt_watch_ask(agent->libvirt, as_of) || known;
#endif
	if (as_of->state == L3VM_STATE_PREPARED && !known && left <= 0)
		agent_event(agent, as_of, L3VM_EVENT_ARRIVED, as_of, "timeout", 0);
	left = left > 0 ? MIN(left, LOOK_INTERVAL) : LOOK_INTERVAL;
	port->timer = g_timeout_add((guint)(left / 1000 + 1), waited_long, port);
	return G_SOURCE_REMOVE;
}

static void set_look(AgentPort *port)
{
	int64_t left = port->port->state == L3VM_STATE_PREPARED
			       ? CLAMP(wait_left(port), 0, LOOK_INTERVAL)
			       : LOOK_INTERVAL;

	port->timer = g_timeout_add((guint)(left / 1000), waited_long, port);
}

static void follow_burst(AgentPort *port, L3vmState state)
{
	if (state != L3VM_STATE_ARRIVED && state != L3VM_STATE_LIVE)
		g_clear_pointer(&port->burst, burst_free);
	else if (state == L3VM_STATE_ARRIVED && !port->burst &&
		 port->port->net->announce_gateway)
		port->burst = burst_new(port);
}

/* Gives the port what its state needs, and takes what it no longer does. */
static void follow(AgentPort *port)
{
	L3vmState state = port->port->state;

	if (port->port->service) {
		check_follow(port);
		return;
	}
	if (state == L3VM_STATE_PREPARED && !port->evidence && port->port->ifname)
		port->evidence = evidence_new(port);
	else if (state == L3VM_STATE_ARRIVED && port->evidence)
		evidence_arrived(port->evidence);
	else if (state != L3VM_STATE_PREPARED)
		g_clear_pointer(&port->evidence, evidence_free);
	if (port->timer) {
		g_source_remove(port->timer);
		port->timer = 0;
	}
	if (state == L3VM_STATE_ARRIVED)
		set_timer(port);
	else if (state == L3VM_STATE_PREPARED || state == L3VM_STATE_LEAVING)
		set_look(port);
	follow_burst(port, state);
	if (state != L3VM_STATE_LEAVING)
		g_clear_pointer(&port->hold, hold_part);
	else if (!port->hold && port->agent->tun)
		port->hold = hold_new(port);
}

/* Most records say of their network what the configuration says of it; that is
 * kept once. */
static void share_network(const Agent *agent, L3vmPort *record)
{
	const L3vmConfig *config = agent->host->config;
	L3vmNetwork *network = config ? g_hash_table_lookup(config->networks,
							    record->net->name)
				      : NULL;

	if (!network || !l3vm_network_equal(network, record->net))
		return;
	l3vm_network_free(record->net);
	record->net = l3vm_network_ref(network);
}

/* Takes over @record, what is on record by @name now. */
static void take_record(Agent *agent, const char *name, L3vmPort *record)
{
	AgentPort *port = g_hash_table_lookup(agent->ports, name);

	/* another interface by the same name: nothing of the old one holds */
	if (port && port->port->ifindex != record->ifindex) {
		g_hash_table_remove(agent->ports, name);
		port = NULL;
	}
	if (!port) {
		port = g_new0(AgentPort, 1);
		port->agent = agent;
		port->name = g_strdup(name);
		g_hash_table_insert(agent->ports, port->name, port);
		agent->pending += !record->ifname;
		agent->services += record->service != NULL;
	}
	announcing_port(agent, name, port->port, record, false);
	share_network(agent, record);
	l3vm_port_free(port->port);
	port->port = record;
	if (record->ifindex)
		g_hash_table_insert(agent->indexes, GUINT_TO_POINTER(record->ifindex),
				    port);
	follow(port);
}

static void forget(Agent *agent, const char *name)
{
	const AgentPort *port = g_hash_table_lookup(agent->ports, name);

	if (port)
		announcing_port(agent, name, port->port, NULL, false);
	g_hash_table_remove(agent->ports, name);
}

void agent_refresh(Agent *agent, const char *name)
{
	L3vmPort *record = l3vm_record_load(agent->host->store, name, NULL);

	if (record)
		take_record(agent, name, record);
	else
		forget(agent, name);
}

AgentPort *agent_find_guest(Agent *agent, const char *guest)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, agent->ports);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		AgentPort *port = value;

		if (!g_strcmp0(port->port->uuid, guest) ||
		    !strcmp(port->port->guest, guest))
			return port;
	}
	return NULL;
}

bool agent_serves_on(const Agent *agent, const char *ifname)
{
	GHashTableIter iter;
	void *value;

	if (!agent->services)
		return false;
	g_hash_table_iter_init(&iter, agent->ports);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const L3vmPort *port = ((AgentPort *)value)->port;

		if (port->service && !strcmp(port->ifname, ifname))
			return true;
	}
	return false;
}

/* --- all of them ------------------------------------------------------------ */

static void refresh_all(Agent *agent)
{
	g_autoptr(GPtrArray) records = l3vm_record_list(agent->host->store, NULL);
	g_autoptr(GHashTable)
		known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	void *name, *port;

	while (records && records->len) {
		L3vmPort *record = g_ptr_array_steal_index(records, records->len - 1);
		char *its = l3vm_record_name(record);

		take_record(agent, its, record);
		g_hash_table_add(known, its);
	}
	g_hash_table_iter_init(&iter, agent->ports);
	while (records && g_hash_table_iter_next(&iter, &name, &port))
		if (!g_hash_table_contains(known, name)) {
			announcing_port(agent, name, ((AgentPort *)port)->port, NULL,
					false);
			g_hash_table_iter_remove(&iter);
		}
}

static gboolean again(void *data)
{
	Agent *agent = data;

	agent->retry = 0;
	agent_sweep_soon(agent);
	return G_SOURCE_REMOVE;
}

/* There may be many that fail until then; one is told of. */
static void look_again(Agent *agent, const GError *why)
{
	if (agent->retry)
		return;
	l3vm_warn("reconcile: %s", why->message);
	agent->patience = CLAMP(agent->patience * 2, PATIENCE_LEAST, PATIENCE_MOST);
	agent->retry = g_timeout_add_seconds(agent->patience, again, agent);
}

static gboolean sweep(void *data)
{
	Agent *agent = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) report = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;

	agent->sweep = 0;
	if (l3vm_reconcile_kernel(agent->host, false, report, &error)) {
		agent->patience = 0;
		g_clear_handle_id(&agent->retry, g_source_remove);
	} else {
		look_again(agent, error);
	}
	lines = g_strsplit(report->str, "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line && !strstr(*line, "on no record"))
			l3vm_warn("reconciled: %s", *line);
	refresh_all(agent);
	/* what was read of all ports at once is many times what is kept of them */
	malloc_trim(0);
	agent->swept = g_get_monotonic_time();
	return G_SOURCE_REMOVE;
}

void agent_sweep_soon(Agent *agent)
{
	int64_t since = (g_get_monotonic_time() - agent->swept) / 1000;
	int64_t delay = MAX(SWEEP_INTERVAL - since, SWEEP_DELAY);

	if (!agent->sweep)
		agent->sweep = g_timeout_add((guint)delay, sweep, agent);
}

/* --- the directory ------------------------------------------------------------ */

static void take_change(Agent *agent, const struct inotify_event *event)
{
	g_autofree char *name = NULL;

	if (event->mask & IN_Q_OVERFLOW) {
		refresh_all(agent);
		return;
	}
	if (event->wd == agent->again) {
		if (event->len && !strcmp(event->name, "again"))
			announcing_again(agent);
		return;
	}
	/* temporary files are elsewhere, or have another ending */
	if (!event->len || !g_str_has_suffix(event->name, ".json"))
		return;
	name = g_strndup(event->name, strlen(event->name) - strlen(".json"));
	agent_refresh(agent, name);
}

void agent_catch_up(Agent *agent)
{
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t size;

	while ((size = read(agent->inotify, buffer, sizeof(buffer))) > 0)
		for (char *at = buffer; at < buffer + size;) {
			const struct inotify_event *event = (void *)at;

			take_change(agent, event);
			at += sizeof(*event) + event->len;
		}
}

static gboolean directory_changed(gint fd, GIOCondition condition, void *data)
{
	(void)fd;
	(void)condition;
	agent_catch_up(data);
	return G_SOURCE_CONTINUE;
}

bool agent_track(Agent *agent, GError **error)
{
	g_autofree char *ports = g_build_filename(agent->host->state_dir, "ports",
						  NULL);
	g_autofree char *announce = g_build_filename(agent->host->state_dir, "announce",
						     NULL);

	agent->indexes = g_hash_table_new(g_direct_hash, g_direct_equal);
	agent->ports = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					     (GDestroyNotify)agent_port_free);
	agent->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (agent->inotify < 0 ||
	    inotify_add_watch(agent->inotify, ports, IN_MOVED_TO | IN_DELETE) < 0) {
		g_set_error(error, L3VM_ERROR, L3VM_ERROR_FAILED,
			    "%s: %s (raise fs.inotify.max_user_instances)", ports,
			    g_strerror(errno));
		return false;
	}
	agent->again = inotify_add_watch(agent->inotify, announce, IN_MOVED_TO);
	g_unix_fd_add(agent->inotify, G_IO_IN, directory_changed, agent);
	/* what the records miss is done first, then they are taken as they are */
	sweep(agent);
	return true;
}
