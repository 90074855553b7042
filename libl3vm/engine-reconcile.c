/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-reconcile.c - all records against the whole kernel
 *
 * First everything is read, without a lock: ten thousand ports with nothing to
 * do cost a few dumps and no write. What differs is then done port by port
 * under its guest's lock, from a record read anew, since a hook may be at work.
 *
 * Three kinds of difference besides the plain ones:
 *   - a record whose interface is gone: its guest ended unseen (taps live and
 *     die with QEMU); it is removed.
 *   - `arrived` for longer than hold-time: becomes `live`.
 *   - something with our protocol number that no record wants: reported, and
 *     left alone if its interface is there. The records may be what was lost,
 *     and then these are the routes of running guests.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "engine.h"

#include <string.h>

typedef struct Sweep {
	L3vm *host;
	GPtrArray *ports; /* of L3vmPort*, all records */
	L3vmSet *desired, *observed;
	L3vmSet *claimed; /* not desired, but known whose it is */
	GString *report;
	bool dry_run;
} Sweep;

static bool is_settled(const Sweep *sweep, const L3vmPort *port)
{
	int64_t hold = sweep->host->config ? sweep->host->config->hold_time
					   : 30 * L3VM_SECOND;

	/* or so far in the future: somebody set the clock back */
	return port->state == L3VM_STATE_ARRIVED &&
	       ABS(l3vm_now() - port->since) >= hold;
}

static bool all_as_desired(const Sweep *sweep, const L3vmSet *wanted)
{
	for (guint i = 0; i < l3vm_set_size(wanted); i++) {
		const L3vmObject *o = l3vm_set_get(wanted, i);
		const L3vmObject *is = l3vm_set_find(sweep->observed, o);

		if (!is || !l3vm_object_equal(is, o))
			return false;
	}
	return true;
}

static void want_port(const Sweep *sweep, L3vmSet *set, const L3vmPort *port)
{
	l3vm_intent_network(set, port->net, &sweep->host->ranks, &sweep->host->facts);
	l3vm_intent_port(set, port, &sweep->host->ranks, &sweep->host->facts);
}

/* The observed index of the port's interface; 0: it is not there. */
static unsigned observed_index(const Sweep *sweep, const L3vmPort *port)
{
	L3vmObject like = { .kind = L3VM_OBJECT_UP };
	const L3vmObject *up;

	g_strlcpy(like.ifname, port->ifname, sizeof(like.ifname));
	up = l3vm_set_find(sweep->observed, &like);
	return up ? up->ifindex : 0;
}

typedef enum {
	VERDICT_FINE,
	VERDICT_REPAIR,
	VERDICT_SETTLE,
	VERDICT_REMOVE, /* interface gone, or removal unfinished */
	VERDICT_ADOPT,	/* a hot-plugged port's interface is there now */
} Verdict;

/* The interface libvirt plugged into the bridge for this MAC, if it is there. */
static bool adopt(const Sweep *sweep, L3vmPort *port)
{
	L3vmKernel *kernel = sweep->host->kernel;
	char ifname[IF_NAMESIZE];
	L3vmLink link;

	if (!kernel->ops->find_bridge_port(kernel, port->net->bridge, &port->mac,
					   ifname, NULL) ||
	    !kernel->ops->find_link(kernel, ifname, &link, NULL))
		return false;
	port->ifname = g_strdup(ifname);
	port->ifindex = link.ifindex;
	return true;
}

static bool can_adopt(const Sweep *sweep, const L3vmPort *port)
{
	g_autoptr(L3vmPort) copy = l3vm_port_copy(port);

	return adopt(sweep, copy);
}

static Verdict judge(const Sweep *sweep, const L3vmPort *port)
{
	g_autoptr(L3vmSet) wanted = l3vm_set_new();

	if (port->state == L3VM_STATE_GONE)
		return VERDICT_REMOVE;
	/* an address of the host waits for its interface, and knows it by name */
	if (port->ifname && !port->service &&
	    observed_index(sweep, port) != port->ifindex)
		return VERDICT_REMOVE;
	if (!port->ifname && can_adopt(sweep, port))
		return VERDICT_ADOPT;
	if (is_settled(sweep, port))
		return VERDICT_SETTLE;
	/* whoever changed it last died half-way, or could not say that it was over */
	if (port->was)
		return VERDICT_REPAIR;
	want_port(sweep, wanted, port);
	return all_as_desired(sweep, wanted) ? VERDICT_FINE : VERDICT_REPAIR;
}

/* What the verdict makes of the port; NULL: nothing to do after all. */
static L3vmPort *remedy(const Sweep *sweep, Verdict verdict, const L3vmPort *old)
{
	g_autoptr(L3vmPort) new = l3vm_port_copy(old);

	switch (verdict) {
	case VERDICT_FINE:
		return NULL;
	case VERDICT_ADOPT:
		if (!adopt(sweep, new))
			return NULL;
		break;
	case VERDICT_REPAIR:
		break;
	case VERDICT_SETTLE:
		new->state = l3vm_migration_next(old->state, L3VM_EVENT_SETTLED);
		break;
	case VERDICT_REMOVE:
		if (old->state != L3VM_STATE_GONE &&
		    l3vm_port_is_present(sweep->host, old))
			return NULL;
		new->state = l3vm_migration_next(old->state, L3VM_EVENT_STOPPED);
		break;
	}
	return g_steal_pointer(&new);
}

static bool report_steps(Sweep *sweep, const GPtrArray *steps, GError **error)
{
	g_autoptr(L3vmPlan)
		plan = l3vm_steps_plan(sweep->host, sweep->host->kernel, steps, error);

	for (guint i = 0; plan && i < l3vm_plan_size(plan); i++) {
		g_autofree char *line = l3vm_change_describe(l3vm_plan_get(plan, i));

		g_string_append_printf(sweep->report, "%s\n", line);
	}
	return plan;
}

static bool carry_out(Sweep *sweep, Verdict verdict, const L3vmPort *seen,
		      GError **error)
{
	L3vm *host = sweep->host;
	g_autofree char *name = l3vm_record_name(seen);
	g_autofree char *title = l3vm_port_title(seen);
	g_autoptr(GPtrArray) steps = l3vm_steps_new();
	g_auto(L3vmSession) session = { .host = NULL };
	g_autoptr(L3vmPort) old = NULL;
	g_autoptr(L3vmPort) new = NULL;

	if (!l3vm_session_for(&session, host, seen, error))
		return false;
	old = l3vm_record_load(host->store, name, NULL);
	if (!old || old->generation != seen->generation || old->state != seen->state)
		return true; /* somebody was here meanwhile, and did it right */
	new = remedy(sweep, verdict, old);
	if (!new)
		return true;
	if (verdict == VERDICT_REMOVE || verdict == VERDICT_SETTLE)
		g_string_append_printf(sweep->report, "%s: %s\n", title,
				       verdict == VERDICT_SETTLE ? "hold-time is over"
				       : old->state == L3VM_STATE_GONE
					       ? "removal was not finished"
					       : "interface is gone");
	l3vm_steps_add(steps, g_steal_pointer(&old), g_steal_pointer(&new));
	if (sweep->dry_run)
		return report_steps(sweep, steps, error);
	return l3vm_commit(host, session.guest, steps, "reconcile", sweep->report,
			   error);
}

/* It has another name than its record says: the sweep has just dealt with it. */
static bool is_renamed(const Sweep *sweep, const L3vmObject *o)
{
	for (guint i = 0; i < sweep->ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(sweep->ports, i);

		if (port->ifindex == o->ifindex && port->ifindex &&
		    strcmp(port->ifname, o->ifname) != 0)
			return true;
	}
	return false;
}

/* Ours by protocol number, and wanted by no record. */
static void report_orphans(Sweep *sweep)
{
	for (guint i = 0; i < l3vm_set_size(sweep->observed); i++) {
		const L3vmObject *o = l3vm_set_get(sweep->observed, i);
		L3vmChange change = { .has_after = true, .after = *o };
		g_autofree char *line = NULL;

		/* what is held is the agent's, and goes with it */
		if (!o->owned || !strcmp(o->ifname, L3VM_HOLD_IFNAME) ||
		    l3vm_set_find(sweep->desired, o) ||
		    l3vm_set_find(sweep->claimed, o) || is_renamed(sweep, o))
			continue;
		line = l3vm_change_describe(&change);
		/* "add route ...": the verb does not apply here */
		g_string_append_printf(sweep->report,
				       "%s: on no record, left alone (l3vm detach "
				       "--ifname %s removes it)\n",
				       strchr(line, ' ') + 1,
				       *o->ifname ? o->ifname : "lo");
	}
}

/* What a port whose change is not over may have in the kernel. */
static void claim(Sweep *sweep, const L3vmPort *port)
{
	static const L3vmState states[] = { L3VM_STATE_ARRIVED, L3VM_STATE_LIVE,
					    L3VM_STATE_LEAVING };

	for (; port; port = port->was)
		for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
			g_autoptr(L3vmPort) copy = l3vm_port_copy(port);

			copy->state = states[i];
			want_port(sweep, sweep->claimed, copy);
		}
}

/* A cover stays when its network's last port goes. */
static void claim_covers(Sweep *sweep)
{
	const L3vmConfig *config = sweep->host->config;
	GHashTableIter iter;
	void *network;

	if (!config)
		return;
	g_hash_table_iter_init(&iter, config->networks);
	while (g_hash_table_iter_next(&iter, NULL, &network))
		l3vm_intent_network(sweep->claimed, network, &sweep->host->ranks,
				    &sweep->host->facts);
}

static void collect(Sweep *sweep)
{
	for (guint i = 0; i < sweep->ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(sweep->ports, i);

		want_port(sweep, sweep->desired, port);
		if (port->was || port->state == L3VM_STATE_GONE)
			claim(sweep, port);
	}
}

static bool sweep_ports(Sweep *sweep, GError **error)
{
	bool ok = true;

	for (guint i = 0; i < sweep->ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(sweep->ports, i);
		Verdict verdict = judge(sweep, port);
		GError *failure = NULL;

		/* one port that cannot be repaired does not keep the others
		 * from it; the first failure is the verb's */
		if (verdict != VERDICT_FINE &&
		    !carry_out(sweep, verdict, port, &failure)) {
			if (ok)
				g_propagate_error(error, failure);
			else
				g_clear_error(&failure);
			ok = false;
		}
	}
	return ok;
}

bool l3vm_reconcile_kernel(L3vm *host, bool dry_run, GString *report, GError **error)
{
	g_autoptr(L3vmSet) desired = l3vm_set_new();
	g_autoptr(L3vmSet) observed = l3vm_set_new();
	g_autoptr(L3vmSet) claimed = l3vm_set_new();
	g_autoptr(GPtrArray) ports = NULL;
	Sweep sweep = { .host = host,
			.desired = desired,
			.claimed = claimed,
			.observed = observed,
			.report = report,
			.dry_run = dry_run };
	bool ok;

	if (!l3vm_need_store(host, error) || !l3vm_need_kernel(host, error))
		return false;
	sweep.ports = ports = l3vm_record_list(host->store, error);
	if (!ports)
		return false;
	collect(&sweep);
	if (!host->kernel->ops->observe(host->kernel, desired, L3VM_OBSERVE_ALL,
					observed, error))
		return false;
	ok = sweep_ports(&sweep, error);
	claim_covers(&sweep);
	report_orphans(&sweep);
	return ok;
}

bool l3vm_reconcile(L3vm *host, bool dry_run, char **report, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	bool ok = l3vm_reconcile_kernel(host, dry_run, text, error);

	if (host->store && host->kernel)
		ok = l3vm_tell_daemons(host, dry_run, text, ok ? error : NULL) && ok;
	if (report)
		*report = g_string_free(g_steal_pointer(&text), FALSE);
	return ok;
}

/* Covers are on no interface; the report of them says "lo". */
static bool is_on(const L3vmObject *o, const char *ifname)
{
	return !strcmp(*o->ifname ? o->ifname : "lo", ifname);
}

/* What a record wants stays: a bridge is an interface too, and its name a likely
 * slip of who means one of its ports. */
bool l3vm_purge_interface(L3vm *host, const char *ifname, GError **error)
{
	g_autoptr(L3vmSet) desired = l3vm_set_new();
	g_autoptr(L3vmSet) observed = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	g_autoptr(GPtrArray) ports = l3vm_record_list(host->store, error);
	/* what is half removed is on record too: reconcile's business */
	Sweep sweep = {
		.host = host, .ports = ports, .desired = desired, .claimed = desired
	};

	if (!ports)
		return false;
	collect(&sweep);
	if (!host->kernel->ops->observe(host->kernel, desired, L3VM_OBSERVE_ALL,
					observed, error))
		return false;
	for (guint i = 0; i < l3vm_set_size(observed); i++) {
		const L3vmObject *o = l3vm_set_get(observed, i);

		if (o->owned && is_on(o, ifname) && l3vm_object_is_removable(o) &&
		    !l3vm_set_find(desired, o))
			l3vm_plan_add(plan, o, NULL);
	}
	l3vm_plan_sort(plan);
	return l3vm_kernel_apply_plan(host->kernel, plan, error);
}
