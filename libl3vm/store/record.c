/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.c - records of ports and guests
 *
 * A record of a port holds its network's settings too: with it alone, and a
 * configuration that is broken or says something else by now, the port can be
 * shown and taken down.
 */
/* syscalls: faccessat2 readlinkat renameat symlinkat unlinkat */
#include "store/record.h"

#include "base/error.h"
#include "base/log.h"
#include "base/name.h"
#include "model/service.h"
#include "store/files.h"
#include "store/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PENDING "pending-"

/* --- names -------------------------------------------------------------- */

/* "pending-" and twelve digits is too long to be an interface's name. */
char *l3vm_record_name(const L3vmPort *port)
{
	const uint8_t *b = port->mac.bytes;

	if (port->service)
		return g_strdup(port->guest);
	if (port->ifname)
		return g_strdup(port->ifname);
	if (!port->has_mac)
		return NULL;
	return g_strdup_printf(PENDING "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
			       b[3], b[4], b[5]);
}

static bool record_name_is_valid(const char *name)
{
	const char *digits = name + strlen(PENDING);

	if (g_str_has_prefix(name, L3VM_SERVICE_PREFIX))
		return l3vm_service_name_is_valid(name);
	if (!g_str_has_prefix(name, PENDING) || l3vm_ifname_is_valid(name))
		return l3vm_ifname_is_valid(name) && name[0] != '.';
	return strlen(digits) == 12 && strspn(digits, "0123456789abcdef") == 12;
}

/* Names that cannot be a record's have none; so nobody leaves the directory. */
static bool port_path(const char *name, char path[L3VM_PATH_SIZE])
{
	if (!record_name_is_valid(name))
		return false;
	snprintf(path, L3VM_PATH_SIZE, "ports/%s.json", name);
	return true;
}

/* With its suffix a name of the longest kind is a file name still. */
static bool guest_path(const char *key, char path[L3VM_PATH_SIZE])
{
	if (!l3vm_guest_name_is_valid(key))
		return false;
	snprintf(path, L3VM_PATH_SIZE, "guests/%s.json", key);
	return true;
}

/* --- both kinds --------------------------------------------------------- */

/*
 * Reads and unseals. A record that cannot be used is one that is not there: the
 * port is then built from what its manager says and what the kernel has, which is
 * the truth anyway. Only what hides the truth (no permission, I/O error) is an
 * error. True with *@object NULL if there is no usable record.
 */
static bool load(L3vmStore *store, const char *path, json_object **object,
		 GError **error)
{
	g_autofree char *text = NULL;
	const char *why;
	size_t size;

	*object = NULL;
	if (!l3vm_file_read(store, path, &text, &size, error))
		return false;
	if (!text)
		return true;
	*object = l3vm_json_unseal(text, size, &why);
	if (!*object)
		l3vm_warn("%s/%s: ignored: %s", store->dir, path, why);
	return true;
}

static bool save(L3vmStore *store, const char *path, json_object *object,
		 GError **error)
{
	size_t size;
	g_autofree char *text = l3vm_json_seal(object, &size);

	return l3vm_file_replace(store, path, text, size, error);
}

/* --- ports -------------------------------------------------------------- */

L3vmPort *l3vm_record_load(L3vmStore *store, const char *name, GError **error)
{
	g_autoptr(json_object) object = NULL;
	g_autoptr(L3vmPort) port = NULL;
	g_autofree char *own_name = NULL;
	char path[L3VM_PATH_SIZE];
	const char *bad;

	if (!port_path(name, path) || !load(store, path, &object, error) || !object)
		return NULL;
	port = l3vm_json_port(object, &bad);
	if (port && !port->net)
		bad = "net";
	own_name = port ? l3vm_record_name(port) : NULL;
	/* A copied or renamed file would make us take down another's port. */
	if (!bad && g_strcmp0(own_name, name))
		bad = "ifname";
	if (bad) {
		l3vm_warn("%s/%s: ignored: its \"%s\" is unusable", store->dir, path,
			  bad);
		return NULL;
	}
	return g_steal_pointer(&port);
}

bool l3vm_record_save(L3vmStore *store, const L3vmPort *port, GError **error)
{
	g_autofree char *name = l3vm_record_name(port);
	g_autoptr(json_object) object = NULL;
	char path[L3VM_PATH_SIZE];

	/* What could not be loaded again must not be written. */
	if (!name || !port_path(name, path) || !port->net)
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "record of a port of %s: it has no name or no network",
				 port->guest);
	object = l3vm_json_begin();
	l3vm_json_add_port(object, port);
	return save(store, path, object, error);
}

/* A name that cannot be a record's is absent, and absent is success. */
bool l3vm_record_remove(L3vmStore *store, const char *name, GError **error)
{
	char path[L3VM_PATH_SIZE];

	return !port_path(name, path) || l3vm_file_remove(store, path, error);
}

GPtrArray *l3vm_record_list(L3vmStore *store, GError **error)
{
	g_autoptr(GPtrArray) names = l3vm_file_list(store, "ports", ".json", error);
	g_autoptr(GPtrArray)
		ports = g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_port_free);

	if (!names)
		return NULL;
	for (guint i = 0; i < names->len; i++) {
		g_autoptr(GError) failure = NULL;
		L3vmPort *port = l3vm_record_load(store, names->pdata[i], &failure);

		if (failure) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return NULL;
		}
		if (port)
			g_ptr_array_add(ports, port);
	}
	/* Whoever lists all (the agent, reconcile) has the time to clean up. */
	l3vm_file_sweep(store);
	return g_steal_pointer(&ports);
}

/* --- guests ------------------------------------------------------------- */

void l3vm_guest_free(L3vmGuest *guest)
{
	if (!guest)
		return;
	g_free(guest->guest);
	g_free(guest->uuid);
	g_ptr_array_unref(guest->ports);
	g_ptr_array_unref(guest->nics);
	g_free(guest);
}

static L3vmGuest *new_guest(const char *name, const char *uuid)
{
	L3vmGuest *guest = g_new0(L3vmGuest, 1);

	guest->guest = g_strdup(name);
	guest->uuid = uuid ? g_ascii_strdown(uuid, -1) : NULL;
	guest->ports = g_ptr_array_new_with_free_func(g_free);
	guest->nics = g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_port_free);
	return guest;
}

/* A name from a record becomes part of a path again: it is checked again. */
static bool read_ports(L3vmMembers *members, L3vmGuest *guest)
{
	json_object *list = l3vm_member(members, "ports", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *item = json_object_array_get_idx(list, i);
		const char *name = json_object_is_type(item, json_type_string)
					   ? json_object_get_string(item)
					   : "";

		if (!record_name_is_valid(name))
			return false;
		g_ptr_array_add(guest->ports, g_strdup(name));
	}
	return !members->bad;
}

static bool read_nics(L3vmMembers *members, L3vmGuest *guest)
{
	json_object *list = l3vm_member(members, "nics", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		json_object *item = json_object_array_get_idx(list, i);
		const char *bad;
		L3vmPort *nic = json_object_is_type(item, json_type_object)
					? l3vm_json_port(item, &bad)
					: NULL;

		if (!nic)
			return false;
		g_ptr_array_add(guest->nics, nic);
	}
	return !members->bad;
}

/* All or nothing: half of a guest's ports would be a guest that lost the others. */
static L3vmGuest *guest_from_json(json_object *object)
{
	L3vmMembers members = { .object = object };
	const char *name = l3vm_member_string(&members, "guest");
	const char *uuid = l3vm_member_string(&members, "uuid");
	g_autoptr(L3vmGuest) guest = NULL;

	if (members.bad || !name || !l3vm_guest_name_is_valid(name) ||
	    (uuid && !l3vm_uuid_is_valid(uuid)))
		return NULL;
	guest = new_guest(name, uuid);
	guest->incoming = l3vm_member_int(&members, "incoming", 0, INT64_MAX);
	if (!read_ports(&members, guest) || !read_nics(&members, guest))
		return NULL;
	return g_steal_pointer(&guest);
}

static const char *guest_key(const L3vmGuest *guest)
{
	return guest->uuid ? guest->uuid : guest->guest;
}

/*
 * The guest as its ports' records tell it: a damaged file must not hide them, or
 * the routes of a guest that stops would stay. A pending migration is forgotten.
 */
static L3vmGuest *guest_of_ports(L3vmStore *store, const char *key, GError **error)
{
	g_autoptr(GPtrArray) ports = l3vm_record_list(store, error);
	L3vmGuest *guest = NULL;

	for (guint i = 0; ports && i < ports->len; i++) {
		const L3vmPort *port = ports->pdata[i];

		if (strcmp(l3vm_port_guest_key(port), key))
			continue;
		if (!guest)
			guest = new_guest(port->guest, port->uuid);
		g_ptr_array_add(guest->ports, l3vm_record_name(port));
	}
	return guest;
}

/* NULL without @error if there is no record under @key. */
static L3vmGuest *load_guest(L3vmStore *store, const char *key, GError **error)
{
	g_autoptr(json_object) object = NULL;
	g_autoptr(L3vmGuest) guest = NULL;
	char path[L3VM_PATH_SIZE];

	if (!guest_path(key, path) || !load(store, path, &object, error))
		return NULL;
	if (!object)
		return faccessat(store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0
			       ? guest_of_ports(store, key, error)
			       : NULL;
	guest = guest_from_json(object);
	/* Copied or renamed by hand: as with ports, it is not this guest's. */
	if (!guest || strcmp(guest_key(guest), key)) {
		l3vm_warn("%s/%s: ignored: its content is unusable", store->dir, path);
		return guest_of_ports(store, key, error);
	}
	return g_steal_pointer(&guest);
}

L3vmGuest *l3vm_guest_load(L3vmStore *store, const char *name, const char *uuid,
			   GError **error)
{
	g_autoptr(L3vmGuest) fresh = new_guest(name, uuid);
	g_autoptr(GError) failure = NULL;
	L3vmGuest *guest = load_guest(store, guest_key(fresh), &failure);

	if (failure) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return NULL;
	}
	if (!guest)
		return g_steal_pointer(&fresh);
	/* Renamed since (virsh domrename): the UUID is what identifies it. */
	g_free(guest->guest);
	guest->guest = g_strdup(name);
	return guest;
}

static json_object *guest_to_json(const L3vmGuest *guest)
{
	json_object *object = l3vm_json_begin();
	json_object *ports = json_object_new_array(), *nics = json_object_new_array();

	for (guint i = 0; i < guest->ports->len; i++)
		json_object_array_add(ports,
				      json_object_new_string(guest->ports->pdata[i]));
	for (guint i = 0; i < guest->nics->len; i++) {
		json_object *nic = json_object_new_object();

		l3vm_json_add_port(nic, guest->nics->pdata[i]);
		json_object_array_add(nics, nic);
	}
	l3vm_json_add_string(object, "guest", guest->guest);
	l3vm_json_add_string(object, "uuid", guest->uuid);
	l3vm_json_add(object, "incoming", json_object_new_int64(guest->incoming));
	l3vm_json_add(object, "ports", ports);
	l3vm_json_add(object, "nics", nics);
	return object;
}

/* --- names of guests ------------------------------------------------------ */

/*
 * A guest with a UUID is filed under it. For who knows only the name,
 * guests/NAME.name is a symbolic link whose text is the UUID: one look,
 * however many guests there are. One that a rename left behind is harmless,
 * since the record is asked for its name.
 */
static void name_path(const char *name, char path[L3VM_PATH_SIZE])
{
	snprintf(path, L3VM_PATH_SIZE, "guests/%s.name", name);
}

static bool is_noted(L3vmStore *store, const char *path, const char *uuid)
{
	char text[L3VM_PATH_SIZE];
	ssize_t size = readlinkat(store->fd, path, text, sizeof(text));

	return size >= 0 && (size_t)size == strlen(uuid) &&
	       !memcmp(text, uuid, (size_t)size);
}

/* As for a record: a link of its own, renamed over what is there. */
static bool note_name(L3vmStore *store, const L3vmGuest *guest, GError **error)
{
	char path[L3VM_PATH_SIZE], temporary[L3VM_PATH_SIZE];
	int errnum;

	if (!guest->uuid || !l3vm_guest_name_is_valid(guest->guest))
		return true;
	name_path(guest->guest, path);
	if (is_noted(store, path, guest->uuid))
		return true;
	l3vm_file_temporary(store, temporary);
	if (symlinkat(guest->uuid, store->fd, temporary) == 0 &&
	    renameat(store->fd, temporary, store->fd, path) == 0)
		return true;
	errnum = errno;
	unlinkat(store->fd, temporary, 0);
	return l3vm_fail_errno(error, errnum, "write %s/%s: %s", store->dir, path,
			       g_strerror(errnum));
}

static void forget_name(L3vmStore *store, const L3vmGuest *guest)
{
	char path[L3VM_PATH_SIZE];

	if (!guest->uuid || !l3vm_guest_name_is_valid(guest->guest))
		return;
	name_path(guest->guest, path);
	if (is_noted(store, path, guest->uuid))
		unlinkat(store->fd, path, 0);
}

/* The guest that a link leads to, if it still has that name. */
static L3vmGuest *load_by_name(L3vmStore *store, const char *name, GError **error)
{
	g_autoptr(L3vmGuest) guest = NULL;
	char path[L3VM_PATH_SIZE], uuid[L3VM_PATH_SIZE];
	ssize_t size;

	if (!l3vm_guest_name_is_valid(name))
		return NULL;
	name_path(name, path);
	size = readlinkat(store->fd, path, uuid, sizeof(uuid) - 1);
	if (size < 0)
		return NULL;
	uuid[size] = '\0';
	guest = load_guest(store, uuid, error);
	return guest && !strcmp(guest->guest, name) ? g_steal_pointer(&guest) : NULL;
}

bool l3vm_guest_uuid(L3vmStore *store, const char *name, char **uuid, GError **error)
{
	g_autoptr(L3vmGuest) guest = NULL;
	GError *failure = NULL;

	*uuid = NULL;
	guest = load_by_name(store, name, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (guest)
		*uuid = g_steal_pointer(&guest->uuid);
	return true;
}

/* --- saving and finding ----------------------------------------------------- */

/* An empty record says no more than none, and would stay for ever. */
bool l3vm_guest_save(L3vmStore *store, const L3vmGuest *guest, GError **error)
{
	g_autoptr(json_object) object = NULL;
	char path[L3VM_PATH_SIZE];

	if (!guest_path(guest_key(guest), path))
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "record of guest \"%s\": not a usable name",
				 guest->guest);
	if (!guest->ports->len && !guest->nics->len && !guest->incoming) {
		forget_name(store, guest);
		return l3vm_file_remove(store, path, error);
	}
	object = guest_to_json(guest);
	return save(store, path, object, error) && note_name(store, guest, error);
}

GPtrArray *l3vm_guest_list(L3vmStore *store, GError **error)
{
	g_autoptr(GPtrArray) keys = l3vm_file_list(store, "guests", ".json", error);
	g_autoptr(GPtrArray) guests =
		g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_guest_free);

	for (guint i = 0; keys && i < keys->len; i++) {
		GError *failure = NULL;
		L3vmGuest *guest = load_guest(store, keys->pdata[i], &failure);

		if (failure) {
			g_propagate_error(error, failure);
			return NULL;
		}
		if (guest)
			g_ptr_array_add(guests, guest);
	}
	return keys ? g_steal_pointer(&guests) : NULL;
}

/*
 * Among all records, the first whose guest has this name: for a name whose link
 * is gone or leads elsewhere. Only who asks for a guest that must be there has
 * the time.
 */
static L3vmGuest *search_guests(L3vmStore *store, const char *wanted, GError **error)
{
	g_autoptr(GPtrArray) guests = l3vm_guest_list(store, error);

	for (guint i = 0; guests && i < guests->len; i++)
		if (!strcmp(((L3vmGuest *)guests->pdata[i])->guest, wanted))
			return g_ptr_array_steal_index(guests, i);
	return NULL;
}

/* The file of that name first: most callers have what the file is named by. */
L3vmGuest *l3vm_guest_find(L3vmStore *store, const char *name_or_uuid, GError **error)
{
	g_autofree char *key = l3vm_uuid_is_valid(name_or_uuid)
				       ? g_ascii_strdown(name_or_uuid, -1)
				       : g_strdup(name_or_uuid);
	g_autoptr(GError) failure = NULL;
	L3vmGuest *guest = load_guest(store, key, &failure);

	if (!guest && !failure)
		guest = load_by_name(store, name_or_uuid, &failure);
	if (failure) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return NULL;
	}
	return guest ? guest : search_guests(store, name_or_uuid, error);
}
