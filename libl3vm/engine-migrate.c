/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-migrate.c - what is learned of a guest's migration
 *
 * From an operator, a hook or the agent; the state table decides what it means.
 */
#include "base/clock.h"
#include "base/error.h"
#include "engine.h"

#include <string.h>

static L3vmEvent event_of_phase(L3vmPhase phase)
{
	switch (phase) {
	case L3VM_PHASE_ARRIVED:
		return L3VM_EVENT_ARRIVED;
	case L3VM_PHASE_LEAVING:
		return L3VM_EVENT_LEAVING;
	case L3VM_PHASE_LEFT:
		return L3VM_EVENT_LEFT;
	case L3VM_PHASE_ABORTED:
		return L3VM_EVENT_ABORTED;
	}
	return L3VM_EVENT_KEEP;
}

/* A timer was set for a state that the port had then; in any later one, even of
 * the same name, it means nothing. */
static bool is_late(const L3vmPort *port, const L3vmPort *as_of)
{
	return as_of && !g_strcmp0(port->ifname, as_of->ifname) &&
	       port->generation != as_of->generation;
}

/* All ports of a guest through one event. They stay or they all go: the table
 * has no event that removes a port in one of the states that stay in another,
 * but ABORTED, whose two roles one guest cannot have at once. */
static bool transition(L3vmSession *session, L3vmEvent event, const L3vmPort *as_of,
		       const char *evidence, int64_t seen, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	bool changed = false;

	for (guint i = 0; i < session->guest->ports->len; i++) {
		L3vmPort *old = l3vm_record_load(
			session->host->store,
			g_ptr_array_index(session->guest->ports, i), NULL);
		L3vmPort *new;

		if (!old || old->service) {
			l3vm_port_free(old);
			continue; /* no migration is about the host itself */
		}
		new = l3vm_port_copy(old);
		new->state = l3vm_migration_next(old->state, event);
		new->seen = seen;
		changed |= new->state != old->state;
		l3vm_steps_add(steps, old, new);
		if (is_late(old, as_of))
			return true;
	}
	if (!changed)
		return l3vm_guest_save(session->host->store, session->guest, error);
	return l3vm_commit(session->host, session->guest, steps, evidence, NULL, error);
}

bool l3vm_guest_event(L3vm *host, const char *name, L3vmEvent event,
		      const L3vmPort *as_of, const char *evidence, int64_t seen,
		      GError **error)
{
	g_autoptr(L3vmGuest) found = NULL;
	g_auto(L3vmSession) session = { .host = NULL };
	GError *failure = NULL;

	if (!l3vm_need_store(host, error))
		return false;
	found = l3vm_guest_find(host->store, name, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (!found || !found->ports->len)
		return l3vm_fail(error, L3VM_ERROR_NOT_FOUND,
				 "guest %s: has no port here (see `l3vm status`)",
				 name);
	if (!l3vm_need_kernel(host, error) ||
	    !l3vm_session_begin(&session, host, found->guest, found->uuid, error))
		return false;
	session.guest->incoming = 0;
	return transition(&session, event, as_of, evidence, seen, error);
}

bool l3vm_migrate_notify(L3vm *host, const char *name, L3vmPhase phase, GError **error)
{
	L3vmEvent event = event_of_phase(phase);

	return l3vm_guest_event(host, name, event, NULL, "notify", 0, error);
}

bool l3vm_incoming(L3vm *host, const char *guest, const char *uuid,
		   L3vmPort *const *ports, size_t n_ports, unsigned seconds,
		   GError **error)
{
	int64_t wait = MIN(seconds * L3VM_SECOND, L3VM_INCOMING_MAX);
	g_auto(L3vmSession) session = { .host = NULL };

	if (!host->config)
		return l3vm_without_config(host, ports, n_ports, error);
	if (!l3vm_need_kernel(host, error) ||
	    !l3vm_check_requests(host, ports, n_ports, error) ||
	    !l3vm_session_begin(&session, host, guest, uuid, error))
		return false;
	/* the guest does not run here: what a lost `stopped` left would hide that
	 * this is an arrival */
	if (!l3vm_remove_ports(&session, error))
		return false;
	session.guest->incoming = l3vm_now() + wait;
	l3vm_guest_describe(session.guest, ports, n_ports);
	return l3vm_guest_save(host->store, session.guest, error);
}

/* Nothing is routed to them, whoever is mistaken. */
static bool remove_prepared(L3vmSession *session, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();

	for (guint i = 0; i < session->guest->ports->len; i++) {
		L3vmPort *old = l3vm_record_load(
			session->host->store,
			g_ptr_array_index(session->guest->ports, i), NULL);

		if (old && old->state == L3VM_STATE_PREPARED)
			l3vm_steps_remove(steps, old);
		else
			l3vm_port_free(old);
	}
	return !steps->len || (l3vm_need_kernel(session->host, error) &&
			       l3vm_commit(session->host, session->guest, steps,
					   "aborted", NULL, error));
}

bool l3vm_incoming_forget(L3vm *host, const char *guest, const char *uuid,
			  GError **error)
{
	g_auto(L3vmSession) session = { .host = NULL };

	if (!l3vm_session_begin(&session, host, guest, uuid, error) ||
	    !remove_prepared(&session, error))
		return false;
	if (!session.guest->incoming &&
	    (session.guest->ports->len || !session.guest->nics->len))
		return true;
	session.guest->incoming = 0;
	if (!session.guest->ports->len)
		g_ptr_array_set_size(session.guest->nics, 0);
	return l3vm_guest_save(host->store, session.guest, error);
}

bool l3vm_attach_described(L3vm *host, const char *name, const L3vmMac *mac,
			   const char *ifname, bool *done, GError **error)
{
	g_autoptr(L3vmGuest) guest = NULL;
	g_autoptr(L3vmPort) port = NULL;
	const L3vmPort *nic;

	*done = false;
	if (!l3vm_need_store(host, error))
		return false;
	guest = l3vm_guest_load(host->store, name, NULL, error);
	if (!guest)
		return false;
	nic = l3vm_is_expected(guest) ? l3vm_described(guest->nics, mac) : NULL;
	if (!nic)
		return true;
	port = l3vm_port_copy(nic);
	*done = l3vm_port_set_ifname(port, ifname, error) &&
		l3vm_attach(host, &port, 1, L3VM_ATTACH_EXPECT, error);
	return *done;
}
