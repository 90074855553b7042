/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-service.c - service addresses: ports of the host itself
 *
 * Whoever changes one does it as a guest's port is changed, by a commit of an old
 * and a new port under a lock; so crashes, reservations and announcers are nobody's
 * business here. l3vm-agent runs the checks, and says how they ended.
 */
#include "base/error.h"
#include "engine.h"

#include <string.h>

static const L3vmAddr *address_of(const L3vmPort *service)
{
	return &g_array_index(service->addresses, L3vmAddr, 0);
}

static bool fail(const L3vmPort *service, L3vmError code, GError **error,
		 const char *why)
{
	char text[L3VM_ADDR_STRLEN];

	return l3vm_fail(error, code, "service %s: %s",
			 l3vm_addr_format(address_of(service), text), why);
}

/* Of its network a service has where routes are and who announces them; the rest
 * is about guests. */
static bool take_network(L3vm *host, L3vmPort *service, GError **error)
{
	const L3vmNetwork *network;

	if (!l3vm_resolve_network(host, service, &network, error))
		return false;
	service->net = l3vm_network_new(network->name);
	service->net->guard = false;
	service->net->table = network->table;
	service->net->routes_table = network->routes_table;
	service->net->gateway4 = network->gateway4;
	service->net->gateway6 = network->gateway6;
	service->net->allow = network->allow ? g_array_copy(network->allow) : NULL;
	g_strfreev(service->net->announce);
	service->net->announce = g_strdupv(network->announce);
	return l3vm_check_policy(service, error);
}

/* What is on record, with the lock held. */
static bool begin(L3vmSession *session, L3vm *host, const L3vmPort *like,
		  L3vmPort **old, GError **error)
{
	GError *failure = NULL;

	if (!l3vm_need_store(host, error) || !l3vm_need_kernel(host, error) ||
	    !l3vm_session_for(session, host, like, error))
		return false;
	*old = l3vm_record_load(host->store, like->guest, &failure);
	if (failure)
		g_propagate_error(error, failure);
	return !failure;
}

/* Takes @old and @new. */
static bool commit(L3vmSession *session, L3vmPort *old, L3vmPort *new,
		   const char *evidence, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();

	new->state = l3vm_service_state(new->service);
	l3vm_steps_add(steps, old, new);
	return l3vm_commit(session->host, session->guest, steps, evidence, NULL, error);
}

/* An address that the host has by other means would stay when ours goes. */
static bool check_place(L3vm *host, const L3vmPort *service, const L3vmPort *old,
			GError **error)
{
	bool local = false;
	L3vmLink link;

	if (old && strcmp(old->ifname, service->ifname) != 0)
		return fail(service, L3VM_ERROR_REFUSED, error,
			    "is on another interface (remove it first)");
	if (!host->kernel->ops->find_link(host->kernel, service->ifname, &link, NULL))
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "%s: no such interface (create it first, or check the "
				 "name)",
				 service->ifname);
	if (!old && !host->kernel->ops->is_local(host->kernel, address_of(service),
						 &local, error))
		return false;
	return !local || fail(service, L3VM_ERROR_REFUSED, error,
			      "this host's own address already (take it away first, or "
			      "choose another)");
}

/* What it was stays true; but of a check that is new nothing is known. */
static void carry_over(const L3vmService *old, L3vmService *new)
{
	new->drain = old->drain;
	if (new->check)
		new->well = old->well;
}

bool l3vm_service_add(L3vm *host, const L3vmPort *service, GError **error)
{
	g_autoptr(L3vmPort) new = l3vm_port_copy(service);
	g_auto(L3vmSession) session = { .host = NULL };
	g_autoptr(L3vmPort) old = NULL;

	if (!l3vm_need_config(host, error) || !take_network(host, new, error) ||
	    !begin(&session, host, new, &old, error) ||
	    !check_place(host, new, old, error))
		return false;
	if (old)
		carry_over(old->service, new->service);
	return commit(&session, g_steal_pointer(&old), g_steal_pointer(&new),
		      "operator", error);
}

bool l3vm_service_drain(L3vm *host, const char *address, bool drain, GError **error)
{
	g_autoptr(L3vmPort) like = l3vm_service_new(address, error);
	g_auto(L3vmSession) session = { .host = NULL };
	g_autoptr(L3vmPort) old = NULL;
	L3vmPort *new;

	if (!like || !begin(&session, host, like, &old, error))
		return false;
	if (!old)
		return fail(like, L3VM_ERROR_NOT_FOUND, error,
			    "is not on this host (see `l3vm service list`)");
	new = l3vm_port_copy(old);
	new->service->drain = drain;
	return commit(&session, g_steal_pointer(&old), new, "operator", error);
}

bool l3vm_service_remove(L3vm *host, const char *address, GError **error)
{
	g_autoptr(L3vmPort) like = l3vm_service_new(address, error);
	g_auto(L3vmSession) session = { .host = NULL };
	g_autoptr(L3vmPort) old = NULL;
	g_autoptr(GPtrArray) steps = l3vm_steps_new();

	if (!like || !begin(&session, host, like, &old, error))
		return false;
	if (!old)
		return l3vm_record_remove(host->store, like->guest, error);
	l3vm_steps_remove(steps, g_steal_pointer(&old));
	return l3vm_commit(host, session.guest, steps, "operator", NULL, error);
}

bool l3vm_service_found(L3vm *host, const L3vmPort *service, bool well, GError **error)
{
	g_auto(L3vmSession) session = { .host = NULL };
	g_autoptr(L3vmPort) old = NULL;
	L3vmPort *new;

	if (!begin(&session, host, service, &old, error))
		return false;
	if (!old || !old->service->check || old->service->well == well)
		return true; /* the operator was faster */
	new = l3vm_port_copy(old);
	new->service->well = well;
	return commit(&session, g_steal_pointer(&old), new, "check", error);
}
