/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-attach.c - attach and plan
 *
 * Requests are resolved first, without a lock; then, with the guest's lock held,
 * the records tell what the ports were and the state table what they become.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "engine.h"

#include <string.h>

bool l3vm_is_expected(const L3vmGuest *guest)
{
	int64_t left = guest->incoming - l3vm_now();

	/* too far ahead: somebody set the clock back, and nobody knows how old it is */
	return left > 0 && left <= L3VM_INCOMING_MAX;
}

static L3vmEvent event_of(L3vmAttachMode mode, const L3vmGuest *guest)
{
	bool expected = l3vm_is_expected(guest);

	switch (mode) {
	case L3VM_ATTACH_LIVE:
		return L3VM_EVENT_START;
	case L3VM_ATTACH_PREPARED:
		return L3VM_EVENT_PREPARE;
	case L3VM_ATTACH_START:
	case L3VM_ATTACH_START_NIC:
		return expected ? L3VM_EVENT_EXPECT : L3VM_EVENT_START;
	case L3VM_ATTACH_EXPECT:
		return L3VM_EVENT_EXPECT;
	case L3VM_ATTACH_HERE:
		return expected ? L3VM_EVENT_EXPECT : L3VM_EVENT_KEEP;
	case L3VM_ATTACH_KEEP:
		return L3VM_EVENT_KEEP;
	}
	return L3VM_EVENT_KEEP;
}

/* A record of another interface, by the same name or not, says nothing of this one:
 * its guest ended unseen. */
static L3vmState state_before(const L3vmPort *old, const L3vmPort *new)
{
	return old && (!old->ifindex || old->ifindex == new->ifindex) ? old->state
								      : L3VM_STATE_GONE;
}

static L3vmState state_after(const L3vmPort *old, const L3vmPort *new,
			     L3vmAttachMode mode, L3vmEvent event)
{
	L3vmState state = l3vm_migration_next(state_before(old, new), event);

	return mode == L3VM_ATTACH_HERE ? l3vm_migration_next(state, L3VM_EVENT_ARRIVED)
					: state;
}

/*
 * Somebody else's record under this interface's name: a refusal if the
 * interface is still that one, else a leftover (its guest died unseen and the
 * name was used again), which is removed first.
 */
static bool evict(L3vm *host, const L3vmPort *old, const L3vmPort *new, GError **error)
{
	if (old->ifindex == new->ifindex)
		return l3vm_fail(error, L3VM_ERROR_REFUSED,
				 "%s: is a port of guest %s (detach it first)",
				 old->ifname, old->guest);
	return l3vm_detach_port(host, old->ifname, error);
}

/* What is on record for @new: under its interface's name, or still without one
 * from a hot-plug. */
static bool load_old(L3vmSession *session, const L3vmPort *new, L3vmPort **old,
		     GError **error)
{
	g_autofree char *name = l3vm_record_name(new);
	GError *failure = NULL;

	*old = l3vm_record_load(session->host->store, name, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (*old && strcmp(l3vm_port_guest_key(*old), l3vm_port_guest_key(new)) != 0) {
		g_autoptr(L3vmPort) foreign = g_steal_pointer(old);

		return evict(session->host, foreign, new, error);
	}
	if (!*old && new->ifname && session->guest->ports->len) {
		g_autofree char *ifname = new->ifname;
		g_autofree char *pending = NULL;

		((L3vmPort *)new)->ifname = NULL;
		pending = l3vm_record_name(new);
		((L3vmPort *)new)->ifname = g_steal_pointer(&ifname);
		*old = l3vm_record_load(session->host->store, pending, NULL);
	}
	return true;
}

static bool add_step(L3vmSession *session, GPtrArray *steps, L3vmPort *port,
		     L3vmAttachMode mode, L3vmEvent event, GError **error)
{
	g_autoptr(L3vmPort) new = port;
	L3vmPort *old = NULL;

	if (new->ifname &&
	    !l3vm_resolve_link(session->host, session->host->kernel, new, error))
		return false;
	if (!l3vm_check_local(session->host, new, error) ||
	    !load_old(session, new, &old, error))
		return false;
	new->state = state_after(old, new, mode, event);
	l3vm_steps_add(steps, old, g_steal_pointer(&new));
	return true;
}

/* The NICs that a manager's description has, for hot-plug. */
void l3vm_guest_describe(L3vmGuest *guest, L3vmPort *const *ports, size_t n)
{
	g_ptr_array_set_size(guest->nics, 0);
	for (size_t i = 0; i < n; i++)
		if (ports[i]->has_mac &&
		    (ports[i]->addresses->len || ports[i]->prefixes->len))
			g_ptr_array_add(guest->nics, l3vm_port_copy(ports[i]));
}

static bool is_described(L3vmPort *const *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i]->optional)
			return true;
	return false;
}

/* After the commit: an attach that fails leaves the guest's record as it was. */
static bool remember(L3vm *host, L3vmGuest *guest, L3vmAttachMode mode,
		     L3vmPort *const *requests, size_t n, GError **error)
{
	bool described = is_described(requests, n);
	bool arrived = guest->incoming &&
		       (mode == L3VM_ATTACH_LIVE || mode == L3VM_ATTACH_PREPARED ||
			mode == L3VM_ATTACH_START);

	if (!described && !arrived)
		return true;
	if (described)
		l3vm_guest_describe(guest, requests, n);
	if (arrived)
		guest->incoming = 0;
	return l3vm_guest_save(host->store, guest, error);
}

/* Those of @requests that are ours and have an interface, resolved. */
static GPtrArray *resolve_all(L3vm *host, L3vmPort *const *requests, size_t n,
			      GError **error)
{
	g_autoptr(GPtrArray)
		ports = g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_port_free);

	for (size_t i = 0; i < n; i++) {
		GError *failure = NULL;
		L3vmPort *port;
		bool ours;

		if (!requests[i]->ifname)
			continue;
		port = l3vm_resolve(host, requests[i], NULL, &ours, &failure);
		if (failure) {
			g_propagate_error(error, failure);
			return NULL;
		}
		if (port)
			g_ptr_array_add(ports, port);
	}
	return g_steal_pointer(&ports);
}

/*
 * Somebody who attaches by hand knows the guest's name; a manager's hooks know
 * its UUID. They mean the same guest, and what one attached the other removes.
 */
static bool take_known_uuid(L3vm *host, GPtrArray *ports, GError **error)
{
	L3vmPort *first = g_ptr_array_index(ports, 0);
	g_autofree char *uuid = NULL;

	if (first->uuid)
		return true;
	if (!l3vm_guest_uuid(host->store, first->guest, &uuid, error))
		return false;
	for (guint i = 0; uuid && i < ports->len; i++)
		((L3vmPort *)g_ptr_array_index(ports, i))->uuid = g_strdup(uuid);
	return true;
}

static bool attach_resolved(L3vm *host, GPtrArray *ports, L3vmPort *const *requests,
			    size_t n_requests, L3vmAttachMode mode, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(L3vmSession) session = { .host = NULL };
	const L3vmPort *first = ports->len ? g_ptr_array_index(ports, 0) : requests[0];
	L3vmEvent event;

	if (!l3vm_session_for(&session, host, first, error))
		return false;
	event = event_of(mode, session.guest);
	for (guint i = 0; i < ports->len; i++)
		if (!add_step(&session, steps,
			      l3vm_port_copy(g_ptr_array_index(ports, i)), mode, event,
			      error))
			return false;
	if (steps->len &&
	    !l3vm_commit(host, session.guest, steps,
			 mode == L3VM_ATTACH_HERE ? "here" : l3vm_event_name(event),
			 NULL, error))
		return false;
	return remember(host, session.guest, mode, requests, n_requests, error);
}

/* Nothing says that l3vm is meant: no metadata, and of guests.d and the networks
 * nothing is known without a configuration. */
static bool may_be_somebody_elses(L3vmPort *const *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ports[i]->optional || ports[i]->network ||
		    ports[i]->addresses->len || ports[i]->prefixes->len)
			return false;
	return true;
}

bool l3vm_without_config(L3vm *host, L3vmPort *const *ports, size_t n, GError **error)
{
	if (!may_be_somebody_elses(ports, n))
		return l3vm_need_config(host, error);
	if (n)
		l3vm_warn("guest %s is left alone: %s", ports[0]->guest,
			  host->config_error->message);
	return true;
}

bool l3vm_attach(L3vm *host, L3vmPort *const *ports, size_t n_ports,
		 L3vmAttachMode mode, GError **error)
{
	g_autoptr(GPtrArray) resolved = NULL;

	if (!n_ports)
		return true;
	if (!host->config)
		return l3vm_without_config(host, ports, n_ports, error);
	resolved = resolve_all(host, ports, n_ports, error);
	if (!resolved)
		return false;
	if (!resolved->len && may_be_somebody_elses(ports, n_ports))
		return true;
	if (!l3vm_need_kernel(host, error) || !l3vm_need_store(host, error) ||
	    (resolved->len && !take_known_uuid(host, resolved, error)))
		return false;
	return attach_resolved(host, resolved, ports, n_ports, mode, error);
}

/* --- plan ----------------------------------------------------------------------- */

/* As attach_steps(), reading records only where they are. */
static bool plan_step(L3vm *host, L3vmKernel *kernel, const L3vmPort *request,
		      L3vmEvent event, GPtrArray *steps, GError **error)
{
	GError *failure = NULL;
	g_autoptr(L3vmPort) old = NULL;
	g_autoptr(L3vmPort) port = NULL;
	bool ours;

	if (!request->ifname)
		return true;
	port = l3vm_resolve(host, request, NULL, &ours, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (!port)
		return true;
	if (!l3vm_resolve_link(host, kernel, port, error))
		return false;
	if (host->store) {
		g_autofree char *name = l3vm_record_name(port);

		old = l3vm_record_load(host->store, name, NULL);
	}
	port->state = l3vm_migration_next(old ? old->state : L3VM_STATE_GONE, event);
	l3vm_steps_add(steps, g_steal_pointer(&old), g_steal_pointer(&port));
	return true;
}

bool l3vm_plan(L3vm *host, L3vmPort *const *ports, size_t n_ports, L3vmAttachMode mode,
	       L3vmPlanFormat format, bool from_scratch, char **text, GError **error)
{
	g_autoptr(L3vmKernel) fake = NULL;
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_autoptr(L3vmPlan) plan = NULL;
	L3vmEvent event = mode == L3VM_ATTACH_PREPARED ? L3VM_EVENT_PREPARE
						       : L3VM_EVENT_START;

	if (!l3vm_need_config(host, error))
		return false;
	if (from_scratch)
		fake = l3vm_kernel_fake_new(host->protocol, true);
	else if (!l3vm_need_kernel(host, error) || !l3vm_need_store(host, error))
		return false;
	for (size_t i = 0; i < n_ports; i++)
		if (!plan_step(host, fake ? fake : host->kernel, ports[i], event, steps,
			       error))
			return false;
	if (!from_scratch)
		for (guint i = 0; i < steps->len; i++)
			if (!l3vm_check_local(host, ((L3vmStep *)steps->pdata[i])->new,
					      error))
				return false;
	plan = l3vm_steps_plan(host, fake ? fake : host->kernel, steps, error);
	if (!plan)
		return false;
	*text = format == L3VM_PLAN_JSON ? l3vm_plan_to_json(plan, host->protocol)
					 : l3vm_plan_to_ip(plan, host->protocol);
	return true;
}
