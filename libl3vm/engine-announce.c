/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-announce.c - saying again what should be known
 *
 * To guests and daemons by an operator's wish, or to a daemon that missed a route:
 * BIRD loses notifications when its buffer overflows, and FRR never looks at the
 * kernel's routes again. Writing a route once more makes the kernel tell it once
 * more; at no moment is there none.
 */
#include "base/error.h"
#include "base/log.h"
#include "engine-view.h"
#include "store/announced.h"

#include <string.h>

/* Writes the port's routes again: the kernel notifies, a daemon that missed the
 * first notification learns them. */
static bool assert_routes(L3vm *host, const L3vmPort *port, GError **error)
{
	g_autoptr(L3vmSet) wanted = l3vm_set_new();

	l3vm_intent_port(wanted, port, &host->ranks, &host->facts);
	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		L3vmChange change = {
			.has_before = true, .has_after = true, .before = *o, .after = *o
		};

		if (o->kind == L3VM_OBJECT_ROUTE &&
		    !host->kernel->ops->apply(host->kernel, &change, error))
			return false;
	}
	return true;
}

static bool announces_by_kernel(const L3vmPort *port)
{
	for (char **name = port->net->announce; name && *name; name++) {
		const L3vmAnnouncerOps *announcer = l3vm_announcer_find(*name);

		if (announcer && announcer->reads_kernel)
			return true;
	}
	return false;
}

/* In bridge mode the bridge; behind an interface that is gone there is nobody to
 * tell. */
static bool tell_guest(L3vm *host, L3vmInjector *injector, const L3vmPort *port,
		       GError **error)
{
	L3vmLink link;

	return !host->kernel->ops->find_link(host->kernel, l3vm_port_route_dev(port),
					     &link, NULL) ||
	       l3vm_announce_gateway(injector, link.ifindex, port->net, error);
}

/* Under the guest's lock and from a fresh record: a route that was withdrawn a
 * moment ago must not be asserted. @injector: its guest is told as well. */
static bool announce_guest(L3vm *host, L3vmInjector *injector, const L3vmPort *seen,
			   GError **error)
{
	g_autofree char *name = l3vm_record_name(seen);
	g_autoptr(L3vmLock) lock = l3vm_lock_take(
		host->store, l3vm_port_guest_key(seen), L3VM_LOCK_TIMEOUT, error);
	g_autoptr(L3vmPort) port = NULL;

	if (!lock)
		return false;
	port = l3vm_record_load(host->store, name, NULL);
	if (!port || !l3vm_state_metric(port->state, &host->ranks))
		return true;
	/* one guest that ended unseen must not silence the others */
	if (port->ifname && !l3vm_port_is_present(host, port)) {
		l3vm_warn("%s of guest %s: interface is gone, not announced (run `l3vm "
			  "reconcile`)",
			  port->ifname, port->guest);
		return true;
	}
	return (!announces_by_kernel(port) || assert_routes(host, port, error)) &&
	       (!injector || port->service || tell_guest(host, injector, port, error));
}

bool l3vm_announce(L3vm *host, const char *guest, GError **error)
{
	g_autoptr(L3vmInjector) injector = NULL;
	g_autoptr(GPtrArray) ports = NULL;
	bool found = !guest;

	if (!l3vm_need_store(host, error) || !l3vm_need_kernel(host, error))
		return false;
	ports = l3vm_record_list(host->store, error);
	if (!ports)
		return false;
	for (guint i = 0; i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);

		if (!l3vm_port_is_of(port, guest))
			continue;
		found = true;
		/* only now: it needs a privilege, to hear "no such guest" does not */
		if (!injector)
			injector = l3vm_injector_new(error);
		if (!injector || !announce_guest(host, injector, port, error))
			return false;
	}
	if (!found)
		return l3vm_fail(error, L3VM_ERROR_NOT_FOUND,
				 "guest %s: has no port here (see `l3vm status`)",
				 guest);
	return l3vm_announce_again(host->store, error);
}

/* --- what daemons missed --------------------------------------------------------- */

/* How long a daemon may take with a route that was only just written, in
 * microseconds: FRR collects changes for 10 ms, BIRD may be busy with a scan. */
#define LEARN_TIME 300000

/* There is a route of the port that none of the daemons has. */
static bool is_missed(const L3vmView *view, L3vm *host, const L3vmPort *port)
{
	g_autoptr(L3vmSet) wanted = l3vm_set_new();

	if (!announces_by_kernel(port))
		return false;
	l3vm_intent_port(wanted, port, &host->ranks, &host->facts);
	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		bool known = o->kind != L3VM_OBJECT_ROUTE;

		for (guint j = 0; !known && j < view->daemons->len; j++)
			known = l3vm_daemon_find(view->daemons->pdata[j], &o->addr);
		if (!known)
			return true;
	}
	return false;
}

static GPtrArray *ports_missed(L3vm *host, const GPtrArray *ports)
{
	g_autoptr(L3vmView) view = l3vm_view_new(host);
	GPtrArray *missed = g_ptr_array_new();

	for (guint i = 0; view->daemons->len && i < ports->len; i++)
		if (is_missed(view, host, ports->pdata[i]))
			g_ptr_array_add(missed, ports->pdata[i]);
	return missed;
}

bool l3vm_tell_daemons(L3vm *host, bool dry_run, GString *report, GError **error)
{
	g_autoptr(GPtrArray) ports = l3vm_record_list(host->store, error);
	g_autoptr(GPtrArray) missed = ports ? ports_missed(host, ports) : NULL;
	g_autoptr(GPtrArray) still = NULL;
	bool ok = ports != NULL;

	if (!ok || !missed->len)
		return ok;
	g_usleep(LEARN_TIME);
	still = ports_missed(host, missed);
	for (guint i = 0; i < still->len; i++) {
		const L3vmPort *port = still->pdata[i];
		g_autofree char *title = l3vm_port_title(port);

		g_string_append_printf(report,
				       "%s: no routing daemon has its routes, written "
				       "again\n",
				       title);
		ok = (dry_run || announce_guest(host, NULL, port, ok ? error : NULL)) &&
		     ok;
	}
	return ok;
}
