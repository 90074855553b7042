/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-network.c - networks that come up, and NICs that come and go without a
 * name
 */
#include "base/error.h"
#include "engine.h"
#include "model/diff.h"

#include <string.h>

/* The recorded port of this guest with @mac, or NULL. */
static L3vmPort *recorded_by_mac(const L3vmSession *session, const L3vmMac *mac)
{
	for (guint i = 0; i < session->guest->ports->len; i++) {
		g_autoptr(L3vmPort) port = l3vm_record_load(
			session->host->store,
			g_ptr_array_index(session->guest->ports, i), NULL);

		if (port && port->has_mac && l3vm_mac_equal(&port->mac, mac))
			return g_steal_pointer(&port);
	}
	return NULL;
}

static L3vmPlan *plan_networks(L3vm *host, const L3vmSet *desired, GError **error)
{
	g_autoptr(L3vmSet) observed = l3vm_set_new();

	if (!host->kernel->ops->observe(host->kernel, desired, L3VM_OBSERVE_CANDIDATES,
					observed, error))
		return NULL;
	return l3vm_diff(desired, observed);
}

static bool set_up_networks(L3vm *host, const L3vmSet *desired, GError **error)
{
	g_autoptr(L3vmPlan) plan = plan_networks(host, desired, error);
	g_autoptr(L3vmLock) lock = NULL;

	if (!plan || !l3vm_plan_size(plan))
		return plan;
	/* another process may be at it: look again when it is over */
	if (!l3vm_need_store(host, error))
		return false;
	lock = l3vm_lock_take_networks(host->store, L3VM_LOCK_TIMEOUT, error);
	if (!lock)
		return false;
	l3vm_plan_free(plan);
	plan = plan_networks(host, desired, error);
	return plan && l3vm_kernel_apply_plan(host->kernel, plan, error);
}

bool l3vm_prepare(L3vm *host, L3vmPort *const *ports, size_t n_ports, GError **error)
{
	g_autoptr(L3vmSet) desired = l3vm_set_new();

	if (!host->config)
		return l3vm_without_config(host, ports, n_ports, error);
	if (!l3vm_need_kernel(host, error) ||
	    !l3vm_check_requests(host, ports, n_ports, error))
		return false;
	for (size_t i = 0; i < n_ports; i++) {
		bool ours;
		g_autoptr(L3vmPort)
			port = l3vm_resolve(host, ports[i], NULL, &ours, NULL);

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
	g_auto(L3vmSession) session = { .host = NULL };
	g_autoptr(L3vmPort) recorded = NULL;
	g_autoptr(L3vmPort) port = NULL;
	GError *failure = NULL;
	bool ours;

	if (!l3vm_need_config(host, error) ||
	    !l3vm_session_for(&session, host, request, error))
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
	return l3vm_commit(host, session.guest, steps, "plugged", NULL, error);
}

bool l3vm_unplug(L3vm *host, L3vmPort *request, GError **error)
{
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(L3vmSession) session = { .host = NULL };
	L3vmPort *old;

	if (!l3vm_session_for(&session, host, request, error))
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
	l3vm_steps_remove(steps, old);
	return l3vm_commit(host, session.guest, steps, "detached", NULL, error);
}
