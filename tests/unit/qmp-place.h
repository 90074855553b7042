/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qmp-place.h - a QEMU's monitor, and an agent around what is tested, both played
 *
 * As with QEMU one client is served at a time; the next waits for its end.
 */
#ifndef L3VM_TEST_QMP_PLACE_H
#define L3VM_TEST_QMP_PLACE_H

#include "agent.h"
#include "qmp.h"

#include "record-place.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/un.h>

#define GREETING                                                                      \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 2, \"major\": " \
	"7}}, \"capabilities\": [\"oob\"]}}\r\n"

/* --- QEMU's end */

struct monitor {
	int listener, client;
	guint accepting, reading;
	unsigned clients; /* so far */
	GString *asked;	  /* what the client said, as it came */
	bool mute;	  /* accepts, and says nothing */
	const char *name, *uuid, *status, *migration; /* answers, JSON */
};

static void say(struct monitor *monitor, const char *text)
{
	assert_int_equal(send(monitor->client, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

static gboolean client_comes(gint fd, GIOCondition condition, void *data);

static void hang_up(struct monitor *monitor)
{
	if (monitor->reading)
		g_source_remove(monitor->reading);
	monitor->reading = 0;
	if (monitor->client >= 0)
		close(monitor->client);
	monitor->client = -1;
	if (!monitor->accepting && monitor->listener >= 0)
		monitor->accepting = g_unix_fd_add(monitor->listener, G_IO_IN,
						   client_comes, monitor);
}

static void answer(struct monitor *monitor, const char *line)
{
	const char *id = strstr(line, "\"id\":");
	const char *value = strstr(line, "query-name")	    ? monitor->name
			    : strstr(line, "query-uuid")    ? monitor->uuid
			    : strstr(line, "query-status")  ? monitor->status
			    : strstr(line, "query-migrate") ? monitor->migration
							    : "{}";
	g_autofree char *text = NULL;

	assert_non_null(id);
	text = g_strdup_printf("{\"return\": %s, \"id\": %d}\r\n", value,
			       (int)strtol(id + 5, NULL, 10));
	say(monitor, text);
}

static gboolean client_speaks(gint fd, GIOCondition condition, void *data)
{
	struct monitor *monitor = data;
	char text[4096];
	ssize_t size = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	g_auto(GStrv) lines = NULL;

	(void)condition;
	if (size <= 0) {
		monitor->reading = 0;
		hang_up(monitor);
		return G_SOURCE_REMOVE;
	}
	text[size] = '\0';
	g_string_append(monitor->asked, text);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line)
			answer(monitor, *line);
	return G_SOURCE_CONTINUE;
}

static gboolean client_comes(gint fd, GIOCondition condition, void *data)
{
	struct monitor *monitor = data;

	(void)condition;
	monitor->client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(monitor->client >= 0);
	monitor->clients++;
	monitor->accepting = 0;
	monitor->reading = g_unix_fd_add(monitor->client, G_IO_IN, client_speaks,
					 monitor);
	/* it may have given up in the queue */
	if (!monitor->mute)
		send(monitor->client, GREETING, strlen(GREETING), MSG_NOSIGNAL);
	return G_SOURCE_REMOVE;
}

static int unix_socket(const char *path, struct sockaddr_un *addr)
{
	addr->sun_family = AF_UNIX;
	assert_true(g_strlcpy(addr->sun_path, path, sizeof(addr->sun_path)) <
		    sizeof(addr->sun_path));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* The monitor of a guest that runs and goes nowhere. */
static struct monitor *monitor_new(const char *path)
{
	struct monitor *monitor = g_new0(struct monitor, 1);
	struct sockaddr_un addr;

	monitor->client = -1;
	monitor->asked = g_string_new("");
	monitor->name = "{\"name\": \"vm1\"}";
	monitor->uuid = "{\"UUID\": \"00000000-0000-0000-0000-000000000000\"}";
	monitor->status = "{\"running\": true, \"status\": \"running\"}";
	monitor->migration = "{}";
	monitor->listener = unix_socket(path, &addr);
	assert_int_equal(
		bind(monitor->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(monitor->listener, 1), 0);
	hang_up(monitor);
	return monitor;
}

static void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->accepting)
		g_source_remove(monitor->accepting);
	monitor->accepting = 1;
	hang_up(monitor);
	close(monitor->listener);
	g_string_free(monitor->asked, TRUE);
	g_free(monitor);
}

/* --- the rest of the agent */

/* What was done to the guests' ports, one a line. The file's one global: the agent's
 * functions that are played here have nowhere else to put it. */
static GString *calls;

void agent_event(Agent *agent, const L3vmPort *port, L3vmEvent event,
		 const L3vmPort *as_of, const char *evidence, int64_t seen)
{
	(void)agent, (void)as_of, (void)seen;
	g_string_append_printf(calls, "%s %s %s\n", port->guest, l3vm_event_name(event),
			       evidence);
}

void agent_catch_up(Agent *agent)
{
	(void)agent;
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

/* A played hold is its port. */
void announcing_port(Agent *agent, const char *name, const L3vmPort *was,
		     const L3vmPort *is, bool held)
{
	(void)agent;
	(void)name;
	(void)was;
	(void)is;
	(void)held;
}

void hold_start(Hold *hold, int64_t when, const char *evidence)
{
	AgentPort *port = (AgentPort *)(void *)hold;

	g_string_append_printf(calls, "%s hold %" G_GINT64_FORMAT " %s\n",
			       port->port->ifname, when, evidence);
	port->timer = 1;
}

void hold_abort(Hold *hold)
{
	AgentPort *port = (AgentPort *)(void *)hold;

	g_string_append_printf(calls, "%s abort\n", port->port->ifname);
	port->timer = 0;
}

bool port_is_held(const AgentPort *port)
{
	return port->hold && port->timer;
}

/* --- time */

/* Lets everybody act until there is nothing left to do for a moment. */
static void settle(void)
{
	int64_t quiet = g_get_monotonic_time() + 20000;

	while (g_get_monotonic_time() < quiet)
		if (g_main_context_iteration(NULL, FALSE))
			quiet = g_get_monotonic_time() + 20000;
		else
			g_usleep(500);
}

/* Until *@value is @wanted, at most so long. */
static bool becomes(const unsigned *value, unsigned wanted, unsigned milliseconds)
{
	int64_t end = g_get_monotonic_time() + (int64_t)milliseconds * 1000;

	while (*value != wanted && g_get_monotonic_time() < end)
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(500);
	return *value == wanted;
}

#endif
