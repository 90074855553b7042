/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch-qmp.c - guests' pauses, resumes and migrations, from QEMU's own monitors
 *
 * For guests that libvirt does not know: Ganeti's, and those whose monitors appear
 * where `qmp-sockets` says; a directory that does not exist yet, or goes and comes
 * back, is looked for again. Each socket is connected to, asked once whose it is and
 * how the guest is, and then listened to. In the order "listen, then ask", nothing is
 * missed: what happens in between is told twice.
 *
 * QEMU serves one client at a time, so the monitor has to be one that nobody else
 * uses. While somebody does, we try again, ever more seldom, and never stay in the
 * queue: the other's next connection would have to wait for us.
 */
/* syscalls: close connect getdents64 inotify_add_watch openat read socket */
#include "agent.h"
#include "base/error.h"
#include "base/log.h"
#include "base/name.h"
#include "qmp.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Milliseconds between two attempts: of the first, and at most. QEMU makes the
 * socket a moment before it listens. */
#define RETRY_FIRST   50
#define RETRY_MAX     30000
/* Seconds between two looks at the directories. */
#define LOOK_INTERVAL 5

struct QmpWatch {
	Agent *agent;
	char **sockets;
	GHashTable *monitors; /* path -> Monitor */
	GHashTable *folders;  /* inotify's number -> path */
	int inotify;
	guint source, look;
};

typedef struct Monitor {
	QmpWatch *watch;
	char *path;
	Qmp *qmp;    /* NULL: not connected */
	guint retry; /* timer until the next attempt */
	guint delay; /* after which there is another, ms */
	bool ready, complained;
	/* whose it is, once told; the file's name stands in for a name */
	char *name, *uuid;
	char *status; /* the last answer, see catch_up() */
} Monitor;

/* --- whose it is ------------------------------------------------------------- */

/* "/run/qemu/vm1.qmp" */
static char *name_in_path(const char *path)
{
	char *name = g_path_get_basename(path);
	char *dot = strrchr(name, '.');

	if (dot && dot != name)
		*dot = '\0';
	return name;
}

/* By UUID, for names can be used again; a guest of the same name and another UUID
 * is another guest. */
static AgentPort *port_of(const Monitor *monitor)
{
	Agent *agent = monitor->watch->agent;
	AgentPort *port = NULL;

	if (monitor->uuid)
		port = agent_find_guest(agent, monitor->uuid);
	if (!port && monitor->name)
		port = agent_find_guest(agent, monitor->name);
	if (port && monitor->uuid && port->port->uuid &&
	    strcmp(monitor->uuid, port->port->uuid) != 0)
		return NULL;
	return port;
}

/* Of what a monitor says now */
static AgentPort *current_port(const Monitor *monitor)
{
	agent_catch_up(monitor->watch->agent);
	return port_of(monitor);
}

static const char *text_in(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : NULL;
}

/* A QEMU that was given none says that it is all zeros. */
static void take_uuid(Monitor *monitor, struct json_object *answer)
{
	const char *uuid = text_in(answer, "UUID");

	if (uuid && l3vm_uuid_is_valid(uuid) && strspn(uuid, "0-") != strlen(uuid))
		monitor->uuid = g_ascii_strdown(uuid, -1);
}

static void take_name(Monitor *monitor, struct json_object *answer)
{
	const char *name = text_in(answer, "name");

	if (name && l3vm_guest_name_is_valid(name)) {
		g_free(monitor->name);
		monitor->name = g_strdup(name);
	}
}

/* --- what it says ------------------------------------------------------------- */

/* How far a migration away from here is, NULL if there is none. A target's answer
 * has the same words, for a moment even when its guest runs already; but it has no
 * figures of the memory that was sent. */
static const char *migration_away(struct json_object *answer)
{
	const char *status = text_in(answer, "status");
	struct json_object *ram;

	if (!g_strcmp0(status, "setup") ||
	    (!g_strcmp0(status, "active") &&
	     !json_object_object_get_ex(answer, "ram", &ram)))
		return NULL;
	return status;
}

/*
 * How the guest is, and how far a migration away from here: for what happened while
 * nobody listened. The last migration's end says nothing of one that was announced
 * after it, unless the guest runs although it is said to be leaving. A guest that
 * has left is not held: its new place is known by now, and nobody would tell again.
 */
static void catch_up(Monitor *monitor, struct json_object *answer)
{
	static const char *const ending[] = { "device", "pre-switchover", NULL };
	const char *migration = migration_away(answer);
	AgentPort *port = current_port(monitor);
	Agent *agent = monitor->watch->agent;
	bool runs = !g_strcmp0(monitor->status, "running");
	g_autoptr(L3vmPort) guest = port ? l3vm_port_copy(port->port) : NULL;

	if (!port)
		return;
	if (guest->state == L3VM_STATE_PREPARED && runs)
		guest_resumed(agent, guest, 0, "qmp-running");
	else if (guest->state != L3VM_STATE_PREPARED && runs)
		guest_migrates(agent, port, migration, "qmp-migration");
	else if (guest->state == L3VM_STATE_LEAVING && migration &&
		 g_strv_contains(ending, migration))
		guest_stopped(agent, guest, 0, "qmp-stopped");
}

/* What a guest that goes nowhere does is its own business. */
static void note_shutdown(Agent *agent, const AgentPort *port)
{
	if (port->port->state != L3VM_STATE_LIVE)
		l3vm_event_note(agent->host->store, port->port, "shutdown", "evidence",
				"qmp-shutdown", NULL);
}

static void on_event(void *data, const char *event, int64_t when,
		     struct json_object *details)
{
	Monitor *monitor = data;
	Agent *agent = monitor->watch->agent;
	AgentPort *port = current_port(monitor);
	g_autoptr(L3vmPort) guest = port ? l3vm_port_copy(port->port) : NULL;

	if (!port)
		return;
	if (!strcmp(event, "MIGRATION"))
		guest_migrates(agent, port, text_in(details, "status"),
			       "qmp-migration");
	else if (!strcmp(event, "STOP"))
		guest_stopped(agent, guest, when, "qmp-stop");
	else if (!strcmp(event, "RESUME"))
		guest_resumed(agent, guest, when, "qmp-resume");
	else if (!strcmp(event, "SHUTDOWN"))
		note_shutdown(agent, port);
}

static void on_answer(void *data, QmpCommand command, struct json_object *value)
{
	Monitor *monitor = data;

	switch (command) {
	case QMP_NAME:
		take_name(monitor, value);
		break;
	case QMP_UUID:
		take_uuid(monitor, value);
		break;
	case QMP_STATUS:
		g_free(monitor->status);
		monitor->status = g_strdup(text_in(value, "status"));
		break;
	case QMP_MIGRATION:
		catch_up(monitor, value);
		break;
	case QMP_CAPABILITIES:
	case QMP_MIGRATION_EVENTS:
	case QMP_COMMANDS:
		break;
	}
}

static void on_ready(void *data)
{
	Monitor *monitor = data;

	if (monitor->complained)
		l3vm_warn("QMP monitor %s is there", monitor->path);
	monitor->complained = false;
	monitor->ready = true;
	monitor->delay = RETRY_FIRST;
	for (QmpCommand command = QMP_MIGRATION_EVENTS; command < QMP_COMMANDS;
	     command++)
		qmp_ask(monitor->qmp, command);
}

/* --- connections ------------------------------------------------------------- */

static gboolean try_to_connect(void *data);

/* Forgets whose it was: another QEMU may have the path next time. */
static void disconnect(Monitor *monitor)
{
	qmp_free(monitor->qmp);
	monitor->qmp = NULL;
	monitor->ready = false;
	g_clear_pointer(&monitor->uuid, g_free);
	g_clear_pointer(&monitor->status, g_free);
	g_free(monitor->name);
	monitor->name = name_in_path(monitor->path);
}

static void monitor_free(void *data)
{
	Monitor *monitor = data;

	if (monitor->retry)
		g_source_remove(monitor->retry);
	disconnect(monitor);
	g_free(monitor->name);
	g_free(monitor->path);
	g_free(monitor);
}

/* Of a socket that stays: said once, until it is there. */
static void try_later(Monitor *monitor, const char *why)
{
	struct stat st;

	disconnect(monitor);
	if (lstat(monitor->path, &st) < 0) {
		/* as when QEMU ends; a new one has a new socket */
		g_hash_table_remove(monitor->watch->monitors, monitor->path);
		return;
	}
	if (!monitor->complained && monitor->delay > RETRY_FIRST) {
		l3vm_warn("QMP monitor %s: %s; trying again", monitor->path, why);
		monitor->complained = true;
	}
	monitor->retry = g_timeout_add(monitor->delay, try_to_connect, monitor);
	monitor->delay = MIN(monitor->delay * 2, RETRY_MAX);
}

static void on_closed(void *data, const char *why)
{
	try_later(data, why);
}

static const QmpOps ops = {
	.ready = on_ready,
	.event = on_event,
	.answer = on_answer,
	.closed = on_closed,
};

/* A connection to a Unix socket is there at once, whoever else is served, or it
 * fails: when the queue is full, too. */
static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, errnum;

	if (g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)) >=
	    sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

static gboolean try_to_connect(void *data)
{
	Monitor *monitor = data;
	int fd;

	monitor->retry = 0;
	if (ganeti_monitor_is_taken(monitor->path)) {
		try_later(monitor, "Ganeti needs it");
		return G_SOURCE_REMOVE;
	}
	fd = connect_to(monitor->path);
	if (fd < 0)
		try_later(monitor, g_strerror(errno));
	else
		monitor->qmp = qmp_new(fd, &ops, monitor);
	return G_SOURCE_REMOVE;
}

/* A socket appeared, or was there. One that is waited for is not any longer: what
 * was there under the name is gone. */
static void take_socket(QmpWatch *watch, const char *path, bool is_new)
{
	Monitor *monitor = g_hash_table_lookup(watch->monitors, path);

	if (monitor && (!is_new || monitor->qmp))
		return;
	if (monitor)
		g_hash_table_remove(watch->monitors, path);
	monitor = g_new0(Monitor, 1);
	monitor->watch = watch;
	monitor->path = g_strdup(path);
	monitor->name = name_in_path(path);
	monitor->delay = RETRY_FIRST;
	g_hash_table_insert(watch->monitors, monitor->path, monitor);
	try_to_connect(monitor);
}

/* --- directories -------------------------------------------------------------- */

/* The socket of this name in @folder, if it is one that was asked for. */
static void take_name_in(QmpWatch *watch, const char *folder, const char *name,
			 bool is_new)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	struct stat st;

	for (char **pattern = watch->sockets; *pattern; pattern++)
		if (!fnmatch(*pattern, path, FNM_PATHNAME | FNM_PERIOD) &&
		    lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
			take_socket(watch, path, is_new);
			return;
		}
}

static void look_into(QmpWatch *watch, const char *folder)
{
	DIR *dir;
	const struct dirent *entry;
	int number = inotify_add_watch(watch->inotify, folder,
				       IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);

	/* there, under this number, until the directory goes */
	if (number >= 0)
		g_hash_table_insert(watch->folders, GINT_TO_POINTER(number),
				    g_strdup(folder));
	dir = opendir(folder);
	while (dir && (entry = readdir(dir)))
		take_name_in(watch, folder, entry->d_name, false);
	if (dir)
		closedir(dir);
}

/* ganeti-kvmd may be started at any time. */
static void release_taken(QmpWatch *watch)
{
	g_autoptr(GList) monitors = g_hash_table_get_values(watch->monitors);

	for (GList *item = monitors; item; item = item->next) {
		Monitor *monitor = item->data;

		if (monitor->qmp && ganeti_monitor_is_taken(monitor->path))
			try_later(monitor, "Ganeti needs it");
	}
}

static gboolean look_around(void *data)
{
	QmpWatch *watch = data;

	release_taken(watch);
	for (char **pattern = watch->sockets; *pattern; pattern++) {
		g_autofree char *folder = g_path_get_dirname(*pattern);

		look_into(watch, folder);
	}
	return G_SOURCE_CONTINUE;
}

/* A lost notification, or a directory's end, is made good by the next look. */
static void take_notification(QmpWatch *watch, const struct inotify_event *event)
{
	const char *folder = g_hash_table_lookup(watch->folders,
						 GINT_TO_POINTER(event->wd));

	if (event->mask & IN_IGNORED)
		g_hash_table_remove(watch->folders, GINT_TO_POINTER(event->wd));
	else if (folder && event->len)
		take_name_in(watch, folder, event->name, true);
}

static gboolean directory_changed(gint fd, GIOCondition condition, void *data)
{
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t size;

	(void)condition;
	while ((size = read(fd, buffer, sizeof(buffer))) > 0)
		for (char *at = buffer; at < buffer + size;) {
			const struct inotify_event *event = (void *)at;

			take_notification(data, event);
			at += sizeof(*event) + event->len;
		}
	return G_SOURCE_CONTINUE;
}

/* Ganeti's are where they are. */
static char **with_ganeti(char *const *sockets)
{
	guint n = sockets ? g_strv_length((char **)sockets) : 0;
	char **all = g_new0(char *, n + 2);

	for (guint i = 0; i < n; i++)
		all[i] = g_strdup(sockets[i]);
	all[n] = g_strdup(GANETI_MONITORS);
	return all;
}

QmpWatch *qmp_watch_new(Agent *agent, char *const *sockets)
{
	QmpWatch *watch = g_new0(QmpWatch, 1);

	watch->agent = agent;
	watch->sockets = with_ganeti(sockets);
	watch->monitors = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
						monitor_free);
	watch->folders = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
					       g_free);
	watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify >= 0)
		watch->source = g_unix_fd_add(watch->inotify, G_IO_IN,
					      directory_changed, watch);
	else
		l3vm_warn("QMP sockets are found every %d s only: %s", LOOK_INTERVAL,
			  g_strerror(errno));
	look_around(watch);
	watch->look = g_timeout_add_seconds(LOOK_INTERVAL, look_around, watch);
	return watch;
}

void qmp_watch_free(QmpWatch *watch)
{
	if (!watch)
		return;
	if (watch->source)
		g_source_remove(watch->source);
	g_source_remove(watch->look);
	if (watch->inotify >= 0)
		close(watch->inotify);
	g_hash_table_unref(watch->monitors);
	g_hash_table_unref(watch->folders);
	g_strfreev(watch->sockets);
	g_free(watch);
}

bool qmp_watch_ask(QmpWatch *watch, const L3vmPort *guest)
{
	GHashTableIter iter;
	void *value;

	if (!watch)
		return false;
	g_hash_table_iter_init(&iter, watch->monitors);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		Monitor *monitor = value;
		const AgentPort *port = monitor->ready ? port_of(monitor) : NULL;

		if (!port || strcmp(l3vm_port_guest_key(port->port),
				    l3vm_port_guest_key(guest)) != 0)
			continue;
		qmp_ask(monitor->qmp, QMP_STATUS);
		qmp_ask(monitor->qmp, QMP_MIGRATION);
		return true;
	}
	return false;
}
