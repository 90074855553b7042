/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-verbs.c - attach, detach, plan, migrate-notify
 *
 * Each verb takes the guest's lock, loads what is on record, lets the state
 * table decide, and commits.
 */
#include "base/clock.h"
#include "base/error.h"
#include "engine.h"
#include "model/diff.h"

#include <string.h>

/*
 * libvirt runs the `prepare` and `start` hooks within milliseconds of the
 * `migrate` hook. A memory of it that is older was of a migration that never
 * started a guest (--offline, or refused by somebody else), and the start that
 * comes now is an ordinary one.
 */
#define INCOMING_VALID (30 * L3VM_SECOND)

typedef struct Session {
	L3vm *host;
	L3vmLock *lock;
	L3vmGuest *guest;
} Session;

static void session_end(Session *session)
{
	if (session->lock && session->guest && !session->guest->ports->len &&
	    !session->guest->nics->len && !session->guest->incoming)
		l3vm_lock_retire(session->lock);
	l3vm_lock_release(session->lock);
	l3vm_guest_free(session->guest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Session, session_end)

/* Takes the guest's lock, and then reads its record. */
static bool session_begin(Session *session, L3vm *host, const char *name,
			  const char *uuid, GError **error)
{
	session->host = host;
	if (!l3vm_need_store(host, error))
		return false;
	session->lock = l3vm_lock_take(host->store, uuid ? uuid : name,
				       L3VM_LOCK_TIMEOUT, error);
	if (!session->lock)
		return false;
	session->guest = l3vm_guest_load(host->store, name, uuid, error);
	return session->guest;
}

static bool session_for(Session *session, L3vm *host, const L3vmPort *port,
			GError **error)
{
	return session_begin(session, host, port->guest, port->uuid, error);
}

/* The recorded port of this guest with @mac, or NULL. */
static L3vmPort *recorded_by_mac(const Session *session, const L3vmMac *mac)
{
	for (guint i = 0; i < session->guest->ports->len; i++) {
		g_autoptr(L3vmPort) port = l3vm_record_load(
			session->host->store, g_ptr_array_index(session->guest->ports, i),
			NULL);

		if (port && port->has_mac && l3vm_mac_equal(&port->mac, mac))
			return g_steal_pointer(&port);
	}
	return NULL;
}

/* --- attach ------------------------------------------------------------------- */

static L3vmEvent event_of(L3vmAttachMode mode, const L3vmGuest *guest)
{
	switch (mode) {
	case L3VM_ATTACH_LIVE:
		return L3VM_EVENT_START;
	case L3VM_ATTACH_PREPARED:
		return L3VM_EVENT_PREPARE;
	case L3VM_ATTACH_START:
		return guest->incoming && l3vm_now() - guest->incoming < INCOMING_VALID
			       ? L3VM_EVENT_EXPECT
			       : L3VM_EVENT_START;
	case L3VM_ATTACH_KEEP:
		return L3VM_EVENT_KEEP;
	}
	return L3VM_EVENT_KEEP;
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
static bool load_old(Session *session, const L3vmPort *new, L3vmPort **old,
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
	if (!*old && new->ifname) {
		g_autofree char *ifname = new->ifname;
		g_autofree char *pending = NULL;

		((L3vmPort *)new)->ifname = NULL;
		pending = l3vm_record_name(new);
		((L3vmPort *)new)->ifname = g_steal_pointer(&ifname);
		*old = l3vm_record_load(session->host->store, pending, NULL);
	}
	return true;
}

static bool add_step(Session *session, GPtrArray *steps, L3vmPort *port, L3vmEvent event,
		     GError **error)
{
	g_autoptr(L3vmPort) new = port;
	L3vmPort *old = NULL;

	if (new->ifname &&
	    !l3vm_resolve_link(session->host, session->host->kernel, new, error))
		return false;
	if (!l3vm_check_local(session->host, new, error) ||
	    !load_old(session, new, &old, error))
		return false;
	new->state = l3vm_migration_next(old ? old->state : L3VM_STATE_GONE, event);
	l3vm_steps_add(steps, old, g_steal_pointer(&new));
	return true;
}

/* Remembers the NICs that a manager's description has, for hot-plug. */
static void remember_nics(L3vmGuest *guest, L3vmPort *const *ports, size_t n)
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

/* The steps for those of @ports that are ours and have an interface. */
static bool attach_steps(Session *session, L3vmPort *const *ports, size_t n,
			 L3vmEvent event, GPtrArray *steps, GError **error)
{
	for (size_t i = 0; i < n; i++) {
		GError *failure = NULL;
		L3vmPort *port;
		bool ours;

		if (!ports[i]->ifname)
			continue;
		port = l3vm_resolve(session->host, ports[i], NULL, &ours, &failure);
		if (failure)
			return g_propagate_error(error, failure), false;
		if (port && !add_step(session, steps, port, event, error))
			return false;
	}
	return true;
}

bool l3vm_attach(L3vm *host, L3vmPort *const *ports, size_t n_ports, L3vmAttachMode mode,
		 GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(Session) session = { .host = NULL };
	L3vmEvent event;

	if (!n_ports)
		return true;
	if (!l3vm_need_config(host, error) || !l3vm_need_kernel(host, error) ||
	    !session_for(&session, host, ports[0], error))
		return false;
	event = event_of(mode, session.guest);
	if (!attach_steps(&session, ports, n_ports, event, steps, error))
		return false;
	if (is_described(ports, n_ports))
		remember_nics(session.guest, ports, n_ports);
	if (mode != L3VM_ATTACH_KEEP)
		session.guest->incoming = 0;
	if (!steps->len)
		return l3vm_guest_save(host->store, session.guest, error);
	return l3vm_commit(host, session.guest, steps, event, NULL, error);
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

/* --- detach -------------------------------------------------------------------- */

static void add_removal(GPtrArray *steps, L3vmPort *old)
{
	L3vmPort *new = l3vm_port_copy(old);

	new->state = L3VM_STATE_GONE;
	l3vm_steps_add(steps, old, new);
}

/* The record is there by name but not usable: what the kernel has on an
 * interface of that name is all there is to go by. */
static bool remove_unreadable(Session *session, const char *name, GError **error)
{
	if (!l3vm_purge_interface(session->host, name, error) ||
	    !l3vm_record_remove(session->host->store, name, error))
		return false;
	g_ptr_array_remove_index(session->guest->ports, 0);
	return true;
}

static bool remove_ports(Session *session, L3vmEvent event, GError **error)
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
			add_removal(steps, old);
		else if (!remove_unreadable(session, name, error))
			return false;
	}
	return !steps->len || l3vm_commit(session->host, session->guest, steps, event,
					  NULL, error);
}

bool l3vm_detach_guest(L3vm *host, const char *name, GError **error)
{
	g_autoptr(L3vmGuest) found = NULL;
	g_auto(Session) session = { .host = NULL };
	GError *failure = NULL;

	if (!l3vm_need_store(host, error))
		return false;
	found = l3vm_guest_find(host->store, name, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (!found)
		return true;
	if (!l3vm_need_kernel(host, error) ||
	    !session_begin(&session, host, found->guest, found->uuid, error) ||
	    !remove_ports(&session, L3VM_EVENT_STOPPED, error))
		return false;
	g_ptr_array_set_size(session.guest->nics, 0);
	session.guest->incoming = 0;
	return l3vm_guest_save(host->store, session.guest, error);
}

static bool remove_one(L3vm *host, const char *record, const L3vmPort *seen,
		       GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(Session) session = { .host = NULL };
	L3vmPort *old;

	if (!session_for(&session, host, seen, error))
		return false;
	/* again, now that nobody else changes it */
	old = l3vm_record_load(host->store, record, NULL);
	if (!old)
		return true;
	add_removal(steps, old);
	return l3vm_commit(host, session.guest, steps, L3VM_EVENT_STOPPED, NULL, error);
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
	if (!port)
		return l3vm_purge_interface(host, ifname, error);
	return remove_one(host, ifname, port, error);
}

/* --- migration ------------------------------------------------------------------ */

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

/* All ports of a guest through one event. They stay or they all go: the table
 * has no event that removes a port in one of the states that stay in another,
 * but ABORTED, whose two roles one guest cannot have at once. */
static bool transition(Session *session, L3vmEvent event, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();

	for (guint i = 0; i < session->guest->ports->len; i++) {
		L3vmPort *old = l3vm_record_load(
			session->host->store, g_ptr_array_index(session->guest->ports, i),
			NULL);
		L3vmPort *new;

		if (!old)
			continue;
		new = l3vm_port_copy(old);
		new->state = l3vm_migration_next(old->state, event);
		l3vm_steps_add(steps, old, new);
	}
	return l3vm_commit(session->host, session->guest, steps, event, NULL, error);
}

bool l3vm_migrate_notify(L3vm *host, const char *name, L3vmPhase phase, GError **error)
{
	g_autoptr(L3vmGuest) found = NULL;
	g_auto(Session) session = { .host = NULL };
	GError *failure = NULL;

	if (!l3vm_need_store(host, error))
		return false;
	found = l3vm_guest_find(host->store, name, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (!found || !found->ports->len)
		return l3vm_fail(error, L3VM_ERROR_NOT_FOUND,
				 "guest %s: has no port here (see `l3vm status`)", name);
	if (!l3vm_need_kernel(host, error) ||
	    !session_begin(&session, host, found->guest, found->uuid, error))
		return false;
	session.guest->incoming = 0;
	return transition(&session, event_of_phase(phase), error);
}

/* What attach would refuse by policy, without an interface to look at. */
static bool check_requests(L3vm *host, L3vmPort *const *ports, size_t n, GError **error)
{
	for (size_t i = 0; i < n; i++) {
		GError *failure = NULL;
		g_autoptr(L3vmPort) port = NULL;
		bool ours;

		port = l3vm_resolve(host, ports[i], NULL, &ours, &failure);
		if (failure)
			return g_propagate_error(error, failure), false;
		if (port && !l3vm_check_local(host, port, error))
			return false;
	}
	return true;
}

bool l3vm_incoming(L3vm *host, const char *guest, const char *uuid,
		   L3vmPort *const *ports, size_t n_ports, GError **error)
{
	g_auto(Session) session = { .host = NULL };

	if (!l3vm_need_config(host, error) || !l3vm_need_kernel(host, error) ||
	    !check_requests(host, ports, n_ports, error) ||
	    !session_begin(&session, host, guest, uuid, error))
		return false;
	/* the guest does not run here: what a lost `stopped` left would hide that
	 * this is an arrival */
	if (!remove_ports(&session, L3VM_EVENT_STOPPED, error))
		return false;
	session.guest->incoming = l3vm_now();
	return l3vm_guest_save(host->store, session.guest, error);
}

bool l3vm_incoming_forget(L3vm *host, const char *guest, const char *uuid, GError **error)
{
	g_auto(Session) session = { .host = NULL };

	if (!session_begin(&session, host, guest, uuid, error))
		return false;
	if (!session.guest->incoming)
		return true;
	session.guest->incoming = 0;
	return l3vm_guest_save(host->store, session.guest, error);
}

/* --- networks and hot-plug --------------------------------------------------- */

static bool set_up_networks(L3vm *host, const L3vmSet *desired, GError **error)
{
	g_autoptr(L3vmSet) observed = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = NULL;

	if (!host->kernel->ops->observe(host->kernel, desired, L3VM_OBSERVE_CANDIDATES,
					observed, error))
		return false;
	plan = l3vm_diff(desired, observed);
	return l3vm_kernel_apply_plan(host->kernel, plan, error);
}

bool l3vm_prepare(L3vm *host, L3vmPort *const *ports, size_t n_ports, GError **error)
{
	g_autoptr(L3vmSet) desired = l3vm_set_new();

	if (!l3vm_need_config(host, error) || !l3vm_need_kernel(host, error) ||
	    !check_requests(host, ports, n_ports, error))
		return false;
	for (size_t i = 0; i < n_ports; i++) {
		bool ours;
		g_autoptr(L3vmPort) port =
			l3vm_resolve(host, ports[i], NULL, &ours, NULL);

		if (port && port->net->mode == L3VM_MODE_BRIDGE)
			l3vm_intent_network(desired, port->net, &host->ranks,
					    &host->facts);
	}
	return set_up_networks(host, desired, error);
}

bool l3vm_network_up(L3vm *host, const char *name, const char *bridge, GError **error)
{
	g_autoptr(L3vmSet) desired = NULL;
	const L3vmNetwork *network;

	if (!l3vm_need_config(host, error))
		return false;
	network = bridge ? l3vm_config_bridge(host->config, bridge)
			 : l3vm_config_network(host->config, name);
	if (!network || network->mode != L3VM_MODE_BRIDGE)
		return true;
	if (!l3vm_need_kernel(host, error))
		return false;
	desired = l3vm_set_new();
	l3vm_intent_network(desired, network, &host->ranks, &host->facts);
	return set_up_networks(host, desired, error);
}

static bool is_in_network(const L3vmPort *port, const L3vmPort *hint)
{
	if (hint->hint_bridge)
		return !g_strcmp0(port->net->bridge, hint->hint_bridge);
	return !hint->hint_network || !strcmp(port->net->name, hint->hint_network);
}

bool l3vm_plug(L3vm *host, L3vmPort *request, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(Session) session = { .host = NULL };
	g_autoptr(L3vmPort) recorded = NULL;
	g_autoptr(L3vmPort) port = NULL;
	GError *failure = NULL;
	bool ours;

	if (!l3vm_need_config(host, error) || !session_for(&session, host, request, error))
		return false;
	if (session.guest->incoming ||
	    (!session.guest->ports->len && !session.guest->nics->len))
		return true;
	request->optional = true;
	port = l3vm_resolve(host, request, session.guest->nics, &ours, &failure);
	if (failure)
		return g_propagate_error(error, failure), false;
	if (!port || port->net->mode != L3VM_MODE_BRIDGE)
		return true;
	recorded = recorded_by_mac(&session, &port->mac);
	if (recorded && is_in_network(recorded, request))
		return true;
	if (!l3vm_need_kernel(host, error) || !l3vm_check_local(host, port, error))
		return false;
	port->state = L3VM_STATE_LIVE;
	l3vm_steps_add(steps, g_steal_pointer(&recorded), g_steal_pointer(&port));
	return l3vm_commit(host, session.guest, steps, L3VM_EVENT_START, NULL, error);
}

bool l3vm_unplug(L3vm *host, L3vmPort *request, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(Session) session = { .host = NULL };
	L3vmPort *old;

	if (!session_for(&session, host, request, error))
		return false;
	old = recorded_by_mac(&session, &request->mac);
	if (!old || !is_in_network(old, request)) {
		l3vm_port_free(old);
		return true;
	}
	if (!l3vm_need_kernel(host, error)) {
		l3vm_port_free(old);
		return false;
	}
	add_removal(steps, old);
	return l3vm_commit(host, session.guest, steps, L3VM_EVENT_STOPPED, NULL, error);
}
