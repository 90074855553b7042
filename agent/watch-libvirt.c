/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch-libvirt.c - guests' pauses, resumes and migrations, from libvirt
 *
 * QEMU's own events, passed on by libvirt, come 1 to 5 ms before libvirt's
 * lifecycle events and carry QEMU's time: they start and end the holding of
 * packets. Lifecycle events say the same and more reliably, so both are taken;
 * whichever comes second finds nothing left to do.
 *
 * Nothing here asks libvirt about a guest while one of its hooks may run (it
 * would wait for the hook). State is asked for once, after a connection is made,
 * and only of guests that are between two hosts. libvirtd may come and go: a lost
 * connection is tried again for ever, and its absence costs speed only.
 */
#include "agent.h"
#include "base/log.h"

#include <glib-unix.h>
#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

/* Milliseconds between two attempts to connect. */
#define RETRY		   1000
/* A daemon that does not answer for 3 times 5 seconds is as good as gone. */
#define KEEPALIVE_INTERVAL 5
#define KEEPALIVE_COUNT	   3

struct LibvirtWatch {
	Agent *agent;
	char *uri;
	virConnectPtr connection; /* NULL: not connected */
	guint retry;
	bool complained;
};

/* --- libvirt's event loop, on GLib's ------------------------------------------ */

typedef struct Handle {
	int id, fd;
	guint source;
	virEventHandleCallback handle_callback;
	virEventTimeoutCallback timeout_callback;
	void *opaque;
	virFreeCallback free_opaque;
} Handle;

/* libvirt registers one event loop for the whole process; so this is the one
 * thing here that is global. */
static GHashTable *handles; /* id -> Handle */
static int last_id;

static gboolean fd_ready(gint fd, GIOCondition condition, void *data)
{
	Handle *handle = data;
	int events = 0;

	if (condition & G_IO_IN)
		events |= VIR_EVENT_HANDLE_READABLE;
	if (condition & G_IO_OUT)
		events |= VIR_EVENT_HANDLE_WRITABLE;
	if (condition & G_IO_ERR)
		events |= VIR_EVENT_HANDLE_ERROR;
	if (condition & G_IO_HUP)
		events |= VIR_EVENT_HANDLE_HANGUP;
	handle->handle_callback(handle->id, fd, events, handle->opaque);
	return G_SOURCE_CONTINUE;
}

static gboolean time_is_up(void *data)
{
	Handle *handle = data;

	handle->timeout_callback(handle->id, handle->opaque);
	return G_SOURCE_CONTINUE;
}

static int add(Handle *handle)
{
	handle->id = ++last_id;
	g_hash_table_insert(handles, GINT_TO_POINTER(handle->id), handle);
	return handle->id;
}

static void stop(Handle *handle)
{
	if (handle->source)
		g_source_remove(handle->source);
	handle->source = 0;
}

static void update_handle(int id, int events)
{
	Handle *handle = g_hash_table_lookup(handles, GINT_TO_POINTER(id));
	GIOCondition condition = 0;

	if (!handle)
		return;
	stop(handle);
	if (events & VIR_EVENT_HANDLE_READABLE)
		condition |= G_IO_IN;
	if (events & VIR_EVENT_HANDLE_WRITABLE)
		condition |= G_IO_OUT;
	if (condition)
		handle->source = g_unix_fd_add(
			handle->fd, condition | G_IO_ERR | G_IO_HUP, fd_ready, handle);
}

static int add_handle(int fd, int events, virEventHandleCallback callback, void *opaque,
		      virFreeCallback free_opaque)
{
	Handle *handle = g_new0(Handle, 1);
	int id;

	handle->fd = fd;
	handle->handle_callback = callback;
	handle->opaque = opaque;
	handle->free_opaque = free_opaque;
	id = add(handle);
	update_handle(id, events);
	return id;
}

/* libvirt forbids to call it back from within a removal. */
static gboolean free_later(void *data)
{
	Handle *handle = data;

	if (handle->free_opaque)
		handle->free_opaque(handle->opaque);
	g_free(handle);
	return G_SOURCE_REMOVE;
}

static int remove_handle(int id)
{
	Handle *handle = g_hash_table_lookup(handles, GINT_TO_POINTER(id));

	if (!handle)
		return -1;
	stop(handle);
	g_hash_table_remove(handles, GINT_TO_POINTER(id));
	g_idle_add(free_later, handle);
	return 0;
}

static void update_timeout(int id, int interval)
{
	Handle *handle = g_hash_table_lookup(handles, GINT_TO_POINTER(id));

	if (!handle)
		return;
	stop(handle);
	if (interval >= 0)
		handle->source = g_timeout_add((guint)interval, time_is_up, handle);
}

static int add_timeout(int interval, virEventTimeoutCallback callback, void *opaque,
		       virFreeCallback free_opaque)
{
	Handle *handle = g_new0(Handle, 1);
	int id;

	handle->timeout_callback = callback;
	handle->opaque = opaque;
	handle->free_opaque = free_opaque;
	id = add(handle);
	update_timeout(id, interval);
	return id;
}

/* --- what the events mean ------------------------------------------------------ */

static AgentPort *port_of(LibvirtWatch *watch, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(domain, uuid) < 0)
		return NULL;
	agent_catch_up(watch->agent);
	return agent_find_guest(watch->agent, uuid);
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event,
			int detail, void *opaque)
{
	LibvirtWatch *watch = opaque;
	AgentPort *port = port_of(watch, domain);

	(void)connection;
	if (!port)
		return 0;
	if (event == VIR_DOMAIN_EVENT_RESUMED) {
		g_autoptr(L3vmPort) guest = l3vm_port_copy(port->port);

		guest_resumed(watch->agent, guest, 0, "libvirt-resumed");
	} else if (event == VIR_DOMAIN_EVENT_SUSPENDED &&
		   (detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED ||
		    detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY)) {
		guest_stopped(watch->agent, port->port, 0, "libvirt-suspended");
	}
	return 0;
}

/* The pass is told from the first on: a migration away is under way. Saving to a
 * file is told in the same way; it leads nowhere, and does no harm. */
static void on_iteration(virConnectPtr connection, virDomainPtr domain, int iteration,
			 void *opaque)
{
	LibvirtWatch *watch = opaque;
	AgentPort *port = port_of(watch, domain);

	(void)connection;
	(void)iteration;
	if (port)
		guest_leaves(watch->agent, port->port, "libvirt-migration");
}

static void on_migration(LibvirtWatch *watch, AgentPort *port, const char *details)
{
	struct json_object *object = details ? json_tokener_parse(details) : NULL;
	struct json_object *status = json_object_object_get(object, "status");

	guest_migrates(watch->agent, port, json_object_get_string(status),
		       "qmp-migration");
	json_object_put(object);
}

static void on_qemu(virConnectPtr connection, virDomainPtr domain, const char *event,
		    long long seconds, unsigned micros, const char *details,
		    void *opaque)
{
	LibvirtWatch *watch = opaque;
	AgentPort *port = port_of(watch, domain);

	(void)connection;
	if (!port)
		return;
	if (!strcmp(event, "MIGRATION")) {
		on_migration(watch, port, details);
	} else if (!strcmp(event, "STOP")) {
		guest_stopped(watch->agent, port->port,
			      (int64_t)seconds * G_USEC_PER_SEC + micros, "qmp-stop");
	} else if (!strcmp(event, "RESUME")) {
		g_autoptr(L3vmPort) guest = l3vm_port_copy(port->port);

		guest_resumed(watch->agent, guest,
			      (int64_t)seconds * G_USEC_PER_SEC + micros, "qmp-resume");
	}
}

/* --- the connection -------------------------------------------------------------- */

static gboolean try_to_connect(void *data);

static void disconnect(LibvirtWatch *watch)
{
	if (!watch->connection)
		return;
	virConnectUnregisterCloseCallback(watch->connection, NULL);
	virConnectClose(watch->connection);
	watch->connection = NULL;
}

static gboolean lost(void *data)
{
	LibvirtWatch *watch = data;

	disconnect(watch);
	l3vm_warn("libvirt at %s went away; trying again", watch->uri);
	watch->complained = true;
	watch->retry = g_timeout_add(RETRY, try_to_connect, watch);
	return G_SOURCE_REMOVE;
}

static void on_close(virConnectPtr connection, int reason, void *opaque)
{
	LibvirtWatch *watch = opaque;

	(void)connection;
	(void)reason;
	/* not from within its own callback */
	if (!watch->retry)
		watch->retry = g_idle_add(lost, watch);
}

static bool runs(virDomainPtr domain)
{
	int state = VIR_DOMAIN_NOSTATE, reason = 0;

	virDomainGetState(domain, &state, &reason, 0);
	return state == VIR_DOMAIN_RUNNING;
}

/* Nothing moves it any more. The job comes first: had it ended well, the guest
 * would not run here. */
static bool stays(virDomainPtr domain)
{
	virDomainJobInfo job = { .type = VIR_DOMAIN_JOB_UNBOUNDED };

	return virDomainGetJobInfo(domain, &job) == 0 &&
	       job.type == VIR_DOMAIN_JOB_NONE && runs(domain);
}

bool libvirt_watch_ask(LibvirtWatch *watch, const L3vmPort *guest)
{
	virDomainPtr domain;

	if (!watch || !watch->connection)
		return false;
	domain = virDomainLookupByUUIDString(watch->connection,
					     l3vm_port_guest_key(guest));
	if (!domain)
		return false;
	if ((guest->state == L3VM_STATE_PREPARED && runs(domain)) ||
	    (guest->state == L3VM_STATE_LEAVING && stays(domain)))
		guest_resumed(watch->agent, guest, 0, "libvirt-running");
	virDomainFree(domain);
	return true;
}

/* What happened while nobody listened, to guests between two hosts. */
static void catch_up(LibvirtWatch *watch)
{
	g_autoptr(GPtrArray)
		guests = g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_port_free);
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, watch->agent->ports);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		AgentPort *port = value;

		if (!port->port->service && (port->port->state == L3VM_STATE_PREPARED ||
					     port->port->state == L3VM_STATE_LEAVING))
			g_ptr_array_add(guests, l3vm_port_copy(port->port));
	}
	for (guint i = 0; i < guests->len; i++)
		libvirt_watch_ask(watch, g_ptr_array_index(guests, i));
}

static bool register_events(LibvirtWatch *watch)
{
	virConnectPtr c = watch->connection;

	return virConnectDomainEventRegisterAny(c, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
						VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle),
						watch, NULL) >= 0 &&
	       virConnectDomainEventRegisterAny(c, NULL,
						VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
						VIR_DOMAIN_EVENT_CALLBACK(on_iteration),
						watch, NULL) >= 0 &&
	       virConnectDomainQemuMonitorEventRegister(c, NULL, NULL, on_qemu, watch,
							NULL, 0) >= 0 &&
	       virConnectRegisterCloseCallback(c, on_close, watch, NULL) >= 0;
}

static void complain(LibvirtWatch *watch)
{
	const virError *error = virGetLastError();

	if (!watch->complained)
		l3vm_warn("libvirt at %s: %s; trying again", watch->uri,
			  error ? error->message : "no connection");
	watch->complained = true;
}

static gboolean try_to_connect(void *data)
{
	LibvirtWatch *watch = data;

	watch->connection = virConnectOpen(watch->uri);
	if (!watch->connection || !register_events(watch)) {
		complain(watch);
		disconnect(watch);
		return G_SOURCE_CONTINUE;
	}
	virConnectSetKeepAlive(watch->connection, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT);
	watch->retry = 0;
	if (watch->complained)
		l3vm_warn("libvirt at %s is there", watch->uri);
	watch->complained = false;
	catch_up(watch);
	return G_SOURCE_REMOVE;
}

/* libvirt would print each error to stderr beside returning it. */
static void ignore_error(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

LibvirtWatch *libvirt_watch_new(Agent *agent, const char *uri)
{
	LibvirtWatch *watch = g_new0(LibvirtWatch, 1);

	handles = g_hash_table_new(g_direct_hash, g_direct_equal);
	virSetErrorFunc(NULL, ignore_error);
	virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout,
			     update_timeout, remove_handle);
	watch->agent = agent;
	watch->uri = g_strdup(uri);
	if (try_to_connect(watch) == G_SOURCE_CONTINUE)
		watch->retry = g_timeout_add(RETRY, try_to_connect, watch);
	return watch;
}

void libvirt_watch_free(LibvirtWatch *watch)
{
	if (!watch)
		return;
	if (watch->retry)
		g_source_remove(watch->retry);
	disconnect(watch);
	g_free(watch->uri);
	g_free(watch);
}
