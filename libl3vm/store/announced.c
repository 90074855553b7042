/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* announced.c - what l3vm-agent's announcers have done, for others to read */
#include "store/announced.h"

#include "base/clock.h"
#include "store/files.h"
#include "store/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK	   "announce/agent.lock"
/* The agent waits so long for who looks whether it is there, microseconds */
#define CLAIM_TIME (1 * L3VM_SECOND)

void l3vm_announced_clear(L3vmAnnounced *announced)
{
	g_clear_pointer(&announced->problem, g_free);
	g_clear_pointer(&announced->pending, g_ptr_array_unref);
}

static char *path_of(const char *name)
{
	return g_strdup_printf("announce/%s.json", name);
}

bool l3vm_announced_save(L3vmStore *store, const char *name,
			 const L3vmAnnounced *announced, GError **error)
{
	g_autoptr(json_object) object = l3vm_json_begin();
	json_object *pending = json_object_new_array();
	g_autofree char *path = path_of(name);
	g_autofree char *text = NULL;
	size_t size;

	l3vm_json_add(object, "up", json_object_new_boolean(announced->up));
	l3vm_json_add(object, "time", json_object_new_int64(announced->time));
	l3vm_json_add_string(object, "problem", announced->problem);
	l3vm_json_add(object, "count", json_object_new_int64(announced->count));
	for (guint i = 0; i < announced->pending->len && i < L3VM_PENDING_MAX; i++)
		json_object_array_add(
			pending, json_object_new_string(announced->pending->pdata[i]));
	l3vm_json_add(object, "pending", pending);
	text = l3vm_json_seal(object, &size);
	return l3vm_file_replace(store, path, text, size, error);
}

bool l3vm_announced_load(L3vmStore *store, const char *name, L3vmAnnounced *announced)
{
	g_autoptr(json_object) object = NULL;
	g_autofree char *path = path_of(name);
	g_autofree char *text = NULL;
	L3vmMembers members;
	json_object *pending;
	const char *why;
	size_t size;

	if (!l3vm_file_read(store, path, &text, &size, NULL) || !text)
		return false;
	object = l3vm_json_unseal(text, size, &why);
	if (!object)
		return false;
	members = (L3vmMembers){ .object = object };
	*announced = (L3vmAnnounced){
		.up = l3vm_member_bool(&members, "up"),
		.time = l3vm_member_int(&members, "time", 0, G_MAXINT64),
		.count = (unsigned)l3vm_member_int(&members, "count", 0, G_MAXUINT),
		.problem = g_strdup(l3vm_member_string(&members, "problem")),
		.pending = g_ptr_array_new_with_free_func(g_free),
	};
	pending = l3vm_member(&members, "pending", json_type_array);
	for (size_t i = 0; pending && i < json_object_array_length(pending); i++)
		g_ptr_array_add(announced->pending,
				g_strdup(json_object_get_string(
					json_object_array_get_idx(pending, i))));
	if (members.bad)
		l3vm_announced_clear(announced);
	return !members.bad;
}

int l3vm_agent_claim(L3vmStore *store)
{
	int fd = l3vm_file_open(store, LOCK, O_RDWR);

	if (fd >= 0 && l3vm_flock(fd, CLAIM_TIME)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool l3vm_agent_is_there(L3vmStore *store)
{
	int fd = l3vm_file_open(store, LOCK, O_RDWR);
	bool there = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return there;
}

bool l3vm_announce_again(L3vmStore *store, GError **error)
{
	return l3vm_file_replace(store, "announce/again", "", 0, error);
}
