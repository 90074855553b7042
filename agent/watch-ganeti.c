/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch-ganeti.c - taps of Ganeti's instances that are about to arrive
 *
 * At the target of a migration Ganeti runs its network script for a routed NIC when
 * the guest has been there for a second. But as soon as QEMU waits for the guest it
 * writes the tap's name to nic/INSTANCE/INDEX. What that NIC has is known from the
 * node hook instance-migrate-pre, by its MAC, which QEMU's command line has: its
 * taps are in the order of the indexes.
 */
/* syscalls: getdents64 inotify_add_watch kill openat read */
#include "agent.h"
#include "base/log.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define QEMU_DIR L3VM_GANETI_RUNDIR "/kvm-hypervisor"
#define NIC_DIR	 QEMU_DIR "/nic"
#define KVMD_PID L3VM_GANETI_RUNDIR "/ganeti-kvmd.pid"

/* Seconds between two looks at whether there is a Ganeti here. */
#define LOOK_INTERVAL 5

struct GanetiWatch {
	Agent *agent;
	int inotify, top;      /* top: inotify's number for NIC_DIR, or -1 */
	GHashTable *instances; /* inotify's number -> name */
	guint source, look;
};

/* --- QEMU's command line ---------------------------------------------------- */

/* The value of @key in "type=tap,id=n1,fd=10", for the caller to free, or NULL. */
static char *option(const char *text, const char *key)
{
	g_auto(GStrv) pairs = g_strsplit(text, ",", -1);
	size_t size = strlen(key);

	for (char **pair = pairs; *pair; pair++)
		if (!strncmp(*pair, key, size) && (*pair)[size] == '=')
			return g_strdup(*pair + size + 1);
	return NULL;
}

/* What follows @argument in a command line whose parts end with NUL; NULL at its
 * end. @at: where to go on. */
static const char *next_value(const char *text, gsize size, const char *argument,
			      gsize *at)
{
	bool found = false;

	while (*at < size) {
		const char *word = text + *at;

		*at += strlen(word) + 1;
		if (found)
			return word;
		found = !strcmp(word, argument);
	}
	return NULL;
}

/* The id of the netdev of the tap with this number */
static char *tap_id(const char *text, gsize size, unsigned index)
{
	const char *value;
	gsize at = 0;

	while ((value = next_value(text, size, "-netdev", &at))) {
		g_autofree char *type = option(value, "type");

		if (!g_strcmp0(type, "tap") || g_str_has_prefix(value, "tap,"))
			if (index-- == 0)
				return option(value, "id");
	}
	return NULL;
}

bool qemu_nic_mac(const char *text, gsize size, unsigned index, L3vmMac *mac)
{
	g_autofree char *id = tap_id(text, size, index);
	const char *value;
	gsize at = 0;

	while (id && (value = next_value(text, size, "-device", &at))) {
		g_autofree char *netdev = option(value, "netdev");
		g_autofree char *address = option(value, "mac");

		if (!g_strcmp0(netdev, id))
			return address && l3vm_mac_parse(address, mac);
	}
	return false;
}

static bool read_pid(const char *path, guint64 *pid)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) &&
	       g_ascii_string_to_unsigned(g_strstrip(text), 10, 1, G_MAXINT32, pid,
					  NULL);
}

static bool find_mac(const char *instance, unsigned index, L3vmMac *mac)
{
	g_autofree char *pid_file = g_build_filename(QEMU_DIR, "pid", instance, NULL);
	g_autofree char *path = NULL;
	g_autofree char *text = NULL;
	guint64 pid;
	gsize size;

	if (!read_pid(pid_file, &pid))
		return false;
	path = g_strdup_printf("/proc/%u/cmdline", (unsigned)pid);
	/* g_file_get_contents() adds a NUL at the end */
	return g_file_get_contents(path, &text, &size, NULL) &&
	       qemu_nic_mac(text, size, index, mac);
}

/* --- taps ------------------------------------------------------------------- */

static void take_tap(Agent *agent, const char *instance, const char *name)
{
	g_autofree char *path = g_build_filename(NIC_DIR, instance, name, NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *tap = NULL;
	guint64 index;
	L3vmMac mac;
	bool done;

	/* and not the temporary file that becomes one */
	if (!g_ascii_string_to_unsigned(name, 10, 0, 1023, &index, NULL) ||
	    !g_file_get_contents(path, &tap, NULL, NULL) ||
	    !find_mac(instance, (unsigned)index, &mac))
		return;
	if (!l3vm_attach_described(agent->host, instance, &mac, g_strstrip(tap), &done,
				   &error))
		l3vm_warn("guest %s, %s is not prepared: %s", instance, tap,
			  error->message);
}

static void look_into(GanetiWatch *watch, const char *instance)
{
	g_autofree char *path = g_build_filename(NIC_DIR, instance, NULL);
	int number = inotify_add_watch(watch->inotify, path, IN_MOVED_TO | IN_ONLYDIR);
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (number < 0)
		return;
	g_hash_table_insert(watch->instances, GINT_TO_POINTER(number),
			    g_strdup(instance));
	dir = g_dir_open(path, 0, NULL);
	while (dir && (name = g_dir_read_name(dir)))
		take_tap(watch->agent, instance, name);
}

/* The directory comes with the node's first instance, which may be one that arrives
 * in a second: what is made on the way to it leads here at once. */
static gboolean look_around(void *data)
{
	GanetiWatch *watch = data;
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (watch->top >= 0)
		return G_SOURCE_CONTINUE;
	inotify_add_watch(watch->inotify, L3VM_GANETI_RUNDIR, IN_CREATE | IN_ONLYDIR);
	inotify_add_watch(watch->inotify, QEMU_DIR, IN_CREATE | IN_ONLYDIR);
	watch->top = inotify_add_watch(watch->inotify, NIC_DIR,
				       IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
	if (watch->top >= 0)
		dir = g_dir_open(NIC_DIR, 0, NULL);
	while (dir && (name = g_dir_read_name(dir)))
		look_into(watch, name);
	return G_SOURCE_CONTINUE;
}

static void take_notification(GanetiWatch *watch, const struct inotify_event *event)
{
	void *number = GINT_TO_POINTER(event->wd);
	const char *instance = g_hash_table_lookup(watch->instances, number);

	if (event->mask & IN_IGNORED && event->wd == watch->top)
		watch->top = -1;
	else if (event->mask & IN_IGNORED)
		g_hash_table_remove(watch->instances, number);
	else if (instance && event->len)
		take_tap(watch->agent, instance, event->name);
	else if (event->wd == watch->top && event->len)
		look_into(watch, event->name);
	else
		look_around(watch);
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

GanetiWatch *ganeti_watch_new(Agent *agent)
{
	GanetiWatch *watch = g_new0(GanetiWatch, 1);

	watch->agent = agent;
	watch->top = -1;
	watch->instances = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
						 g_free);
	watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify < 0) {
		l3vm_warn("Ganeti's taps are not watched: %s", g_strerror(errno));
		return watch;
	}
	watch->source = g_unix_fd_add(watch->inotify, G_IO_IN, directory_changed,
				      watch);
	watch->look = g_timeout_add_seconds(LOOK_INTERVAL, look_around, watch);
	look_around(watch);
	return watch;
}

void ganeti_watch_free(GanetiWatch *watch)
{
	if (!watch)
		return;
	if (watch->source)
		g_source_remove(watch->source);
	if (watch->look)
		g_source_remove(watch->look);
	if (watch->inotify >= 0)
		close(watch->inotify);
	g_hash_table_unref(watch->instances);
	g_free(watch);
}

/* --- monitors --------------------------------------------------------------- */

/*
 * Each of Ganeti's QEMUs has two. NAME.qmp is noded's, which connects to it for each
 * command. NAME.kvmd is ganeti-kvmd's, which runs only where instances may be shut
 * down from inside (enabled_user_shutdown) and then must have it: who takes it makes
 * such an instance look crashed.
 */
bool ganeti_monitor_is_taken(const char *path)
{
	guint64 pid;

	return g_str_has_prefix(path, QEMU_DIR "/ctrl/") &&
	       (!g_str_has_suffix(path, ".kvmd") ||
		(read_pid(KVMD_PID, &pid) &&
		 (kill((pid_t)pid, 0) == 0 || errno == EPERM)));
}
