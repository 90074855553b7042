/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-detach.c - detach: a guest's ports, or one */
#include "base/error.h"
#include "engine.h"

#include <string.h>

void l3vm_steps_remove(GPtrArray *steps, L3vmPort *old)
{
	L3vmPort *new = l3vm_port_copy(old);

	new->state = L3VM_STATE_GONE;
	l3vm_steps_add(steps, old, new);
}

/* The record is there by name but not usable: what the kernel has on an
 * interface of that name is all there is to go by. */
static bool remove_unreadable(L3vmSession *session, const char *name, GError **error)
{
	guint i;

	if (!l3vm_purge_interface(session->host, name, error) ||
	    !l3vm_record_remove(session->host->store, name, error))
		return false;
	if (g_ptr_array_find_with_equal_func(session->guest->ports, name, g_str_equal,
					     &i))
		g_ptr_array_remove_index(session->guest->ports, i);
	return true;
}

bool l3vm_remove_ports(L3vmSession *session, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < session->guest->ports->len; i++)
		g_ptr_array_add(names,
				g_strdup(g_ptr_array_index(session->guest->ports, i)));
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		L3vmPort *old = l3vm_record_load(session->host->store, name, NULL);

		if (old)
			l3vm_steps_remove(steps, old);
		else if (!remove_unreadable(session, name, error))
			return false;
	}
	return !steps->len || l3vm_commit(session->host, session->guest, steps,
					  "stopped", NULL, error);
}

bool l3vm_detach_guest(L3vm *host, const char *name, GError **error)
{
	g_autoptr(L3vmGuest) found = NULL;
	g_auto(L3vmSession) session = { .host = NULL };
	GError *failure = NULL;

	if (!l3vm_need_store(host, error))
		return false;
	found = l3vm_guest_find(host->store, name, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (!found)
		return true;
	if (!l3vm_need_kernel(host, error) ||
	    !l3vm_session_begin(&session, host, found->guest, found->uuid, error) ||
	    !l3vm_remove_ports(&session, error))
		return false;
	g_ptr_array_set_size(session.guest->nics, 0);
	session.guest->incoming = 0;
	return l3vm_guest_save(host->store, session.guest, error);
}

static bool remove_one(L3vm *host, const char *record, const L3vmPort *seen,
		       GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(L3vmSession) session = { .host = NULL };
	L3vmPort *old;

	if (!l3vm_session_for(&session, host, seen, error))
		return false;
	/* again, now that nobody else changes it */
	old = l3vm_record_load(host->store, record, NULL);
	if (!old)
		return true;
	l3vm_steps_remove(steps, old);
	return l3vm_commit(host, session.guest, steps, "detached", NULL, error);
}

bool l3vm_detach_port(L3vm *host, const char *ifname, GError **error)
{
	g_autoptr(L3vmPort) port = NULL;
	GError *failure = NULL;

	if (!l3vm_need_store(host, error) || !l3vm_need_kernel(host, error))
		return false;
	port = l3vm_record_load(host->store, ifname, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	/* none, or one that is unusable: the file goes first, so that one which
	 * an attach writes from now on stays */
	if (!port)
		return l3vm_record_remove(host->store, ifname, error) &&
		       l3vm_purge_interface(host, ifname, error);
	return remove_one(host, ifname, port, error);
}
