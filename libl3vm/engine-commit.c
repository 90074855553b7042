/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-commit.c - old and new ports -> kernel and records, all or nothing
 *
 * The order makes every crash repairable: addresses are reserved, the records
 * say what shall be, then the kernel is changed, then what is over leaves the
 * records. Whoever comes next finds records that are ahead of the kernel and
 * finishes; never routes that no record knows of.
 *
 * What a record says we made is taken to be there when it has to go, whatever
 * a dump shows: removing what is gone costs nothing, leaving a dead guest's
 * route behind blackholes its address.
 */
#include "base/clock.h"
#include "base/error.h"
#include "engine.h"
#include "model/diff.h"

#include <string.h>

void l3vm_step_free(L3vmStep *step)
{
	l3vm_port_free(step->old);
	l3vm_port_free(step->new);
	g_free(step);
}

GPtrArray *l3vm_steps_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_step_free);
}

void l3vm_steps_add(GPtrArray *steps, L3vmPort *old, L3vmPort *new)
{
	L3vmStep *step = g_new(L3vmStep, 1);

	*step = (L3vmStep){ .old = old, .new = new };
	g_ptr_array_add(steps, step);
}

bool l3vm_port_is_present(L3vm *host, const L3vmPort *port)
{
	g_autoptr(GError) failure = NULL;
	L3vmLink link;

	if (!port->ifname)
		return false;
	/* what cannot be looked at is not gone */
	if (!host->kernel->ops->find_link(host->kernel, port->ifname, &link, &failure))
		return failure;
	return port->service || link.ifindex == port->ifindex;
}

/* --- the plan ---------------------------------------------------------------- */

/* A removed port leaves its interface closed, if there is one. */
static bool leaves_closed(L3vm *host, const L3vmPort *port)
{
	return port->net->mode == L3VM_MODE_ROUTED && l3vm_port_is_present(host, port);
}

/* What shall be, with what the ports' networks share first. */
static void want(L3vm *host, L3vmSet *desired, const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->new->state != L3VM_STATE_GONE)
			l3vm_intent_network(desired, step->new->net, &host->ranks,
					    &host->facts);
	}
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->new->state != L3VM_STATE_GONE ||
		    leaves_closed(host, step->new))
			l3vm_intent_port(desired, step->new, &host->ranks,
					 &host->facts);
	}
}

/* Where two records of a port differ, what is not as desired has to go. */
static void remember_port(L3vm *host, L3vmSet *previous, const L3vmSet *desired,
			  const L3vmPort *port)
{
	g_autoptr(L3vmSet) made = l3vm_set_new();

	l3vm_intent_port(made, port, &host->ranks, &host->facts);
	for (guint i = 0; i < l3vm_set_size(made); i++) {
		const L3vmObject *o = l3vm_set_get(made, i);
		const L3vmObject *is = l3vm_set_find(previous, o);
		const L3vmObject *wanted = l3vm_set_find(desired, o);

		if (!is || (wanted && l3vm_object_equal(is, wanted)))
			l3vm_set_put(previous, o);
	}
}

/* What the records say we made. */
static void remember(L3vm *host, L3vmSet *previous, const L3vmSet *desired,
		     const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		for (const L3vmPort *port = step->old; port; port = port->was)
			remember_port(host, previous, desired, port);
	}
}

static void guess_rank(L3vm *host, L3vmSet *previous, const L3vmPort *old,
		       L3vmState state)
{
	g_autoptr(L3vmPort) port = l3vm_port_copy(old);
	g_autoptr(L3vmSet) set = l3vm_set_new();

	port->state = state;
	l3vm_intent_port(set, port, &host->ranks, &host->facts);
	for (guint i = 0; i < l3vm_set_size(set); i++) {
		L3vmObject o = *l3vm_set_get(set, i);

		o.guessed = true;
		l3vm_set_add(previous, &o);
	}
}

/*
 * A port that goes may have routes in any rank: its record can be a step behind. One
 * whose removal was not finished, and that is attached again, may have anything left.
 */
static void guess(L3vm *host, L3vmSet *previous, const GPtrArray *steps)
{
	static const L3vmState ranked[] = { L3VM_STATE_ARRIVED, L3VM_STATE_LIVE,
					    L3VM_STATE_LEAVING };

	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		for (const L3vmPort *port = step->old; port; port = port->was)
			for (size_t j = 0; j < G_N_ELEMENTS(ranked); j++)
				if (step->new->state == L3VM_STATE_GONE ||
				    port->state == L3VM_STATE_GONE)
					guess_rank(host, previous, port, ranked[j]);
	}
}

/* The record @name is one of those that are being changed. */
static bool is_about(const GPtrArray *steps, const char *name)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autofree char *old = step->old ? l3vm_record_name(step->old) : NULL;
		g_autofree char *new = l3vm_record_name(step->new);

		if (!strcmp(new, name) || !g_strcmp0(old, name))
			return true;
	}
	return false;
}

static void want_heir(L3vm *host, L3vmSet *heirs, const L3vmPort *port,
		      const GPtrArray *steps)
{
	const GArray *arrays[] = { port->addresses, port->prefixes };
	g_autofree char *name = l3vm_record_name(port);

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++) {
			g_autofree char *holder = l3vm_address_holder(
				host->store, &g_array_index(arrays[i], L3vmAddr, j));
			g_autoptr(L3vmPort) heir =
				holder && strcmp(holder, name) != 0 &&
						!is_about(steps, holder)
					? l3vm_record_load(host->store, holder, NULL)
					: NULL;

			if (heir)
				l3vm_intent_port(heirs, heir, &host->ranks,
						 &host->facts);
		}
}

/*
 * What other ports want that have an old one's addresses by now: its interface was
 * gone, so another could have them, or who moved them from one to the other has died.
 */
static void want_heirs(L3vm *host, L3vmSet *heirs, const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		for (const L3vmPort *port = step->old; port; port = port->was)
			want_heir(host, heirs, port, steps);
	}
}

/* It is an heir's, and not for us to remove; but on our own interface nothing is. */
static bool is_inherited(const L3vmObject *o, const L3vmSet *heirs,
			 const GPtrArray *steps)
{
	for (guint i = 0; o->ifindex && i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->old && step->old->ifindex == o->ifindex)
			return false;
	}
	return l3vm_set_find(heirs, o);
}

static void assume_present(L3vmSet *observed, const L3vmSet *previous,
			   const L3vmSet *desired, const L3vmSet *heirs,
			   const GPtrArray *steps)
{
	for (guint i = 0; i < l3vm_set_size(previous); i++) {
		L3vmObject o = *l3vm_set_get(previous, i);
		const L3vmObject *wanted = l3vm_set_find(desired, &o);

		/* what is let through of a MAC is added to, not replaced */
		if (!l3vm_object_is_removable(&o) || is_inherited(&o, heirs, steps) ||
		    (wanted && (o.kind != L3VM_OBJECT_GUARD_ENTRY ||
				l3vm_object_equal(wanted, &o))))
			continue;
		o.owned = true;
		o.guessed &= !l3vm_set_find(observed, &o);
		l3vm_set_put(observed, &o);
	}
}

/* What is an heir's stays as it is. */
static void spare_inherited(const L3vmSet *observed, L3vmSet *desired,
			    const L3vmSet *heirs, const GPtrArray *steps)
{
	for (guint i = 0; i < l3vm_set_size(observed); i++) {
		const L3vmObject *o = l3vm_set_get(observed, i);

		if (is_inherited(o, heirs, steps))
			l3vm_set_add(desired, o);
	}
}

static bool any_old(const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++)
		if (((L3vmStep *)g_ptr_array_index(steps, i))->old)
			return true;
	return false;
}

L3vmPlan *l3vm_steps_plan(L3vm *host, L3vmKernel *kernel, const GPtrArray *steps,
			  GError **error)
{
	g_autoptr(L3vmSet) desired = l3vm_set_new();
	g_autoptr(L3vmSet) previous = l3vm_set_new();
	g_autoptr(L3vmSet) both = l3vm_set_new();
	g_autoptr(L3vmSet) heirs = l3vm_set_new();
	const L3vmSet *candidates = desired;
	g_autoptr(L3vmSet) observed = l3vm_set_new();

	want(host, desired, steps);
	remember(host, previous, desired, steps);
	guess(host, previous, steps);
	if (l3vm_set_size(previous)) {
		l3vm_set_add_all(both, desired);
		l3vm_set_add_all(both, previous);
		candidates = both;
	}
	if (!kernel->ops->observe(kernel, candidates,
				  any_old(steps) ? L3VM_OBSERVE_CANDIDATES
						 : L3VM_OBSERVE_FRESH,
				  observed, error))
		return NULL;
	/* whoever made what was seen had written his record before */
	want_heirs(host, heirs, steps);
	spare_inherited(observed, desired, heirs, steps);
	assume_present(observed, previous, desired, heirs, steps);
	return l3vm_diff(desired, observed);
}

/* --- records ------------------------------------------------------------------ */

static void list_port(L3vmGuest *guest, const char *name, bool listed)
{
	guint i;

	if (g_ptr_array_find_with_equal_func(guest->ports, name, g_str_equal, &i)) {
		if (!listed)
			g_ptr_array_remove_index(guest->ports, i);
	} else if (listed) {
		g_ptr_array_add(guest->ports, g_strdup(name));
	}
}

/* For a port that goes its own record tells enough. A repair says again what was
 * said before. */
static void keep_old(const L3vmStep *step)
{
	if (!step->old || step->new->state == L3VM_STATE_GONE ||
	    (step->new->was && step->new->generation == step->old->generation))
		return;
	l3vm_port_free(step->new->was);
	step->new->was = l3vm_port_copy(step->old);
}

static bool is_given_to_another(const L3vmAddr *addr, const char *name,
				const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autofree char *other = NULL;

		if (step->new->state == L3VM_STATE_GONE ||
		    !l3vm_port_has(step->new, addr))
			continue;
		other = l3vm_record_name(step->new);
		if (strcmp(other, name) != 0)
			return true;
	}
	return false;
}

/* Takes out of @port what another port of @steps gets. */
static bool drop_moved(L3vmPort *port, const GPtrArray *steps)
{
	GArray *arrays[] = { port->addresses, port->prefixes };
	g_autofree char *name = l3vm_record_name(port);
	bool dropped = false;

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = arrays[i]->len; j-- > 0;) {
			const L3vmAddr *addr = &g_array_index(arrays[i], L3vmAddr, j);

			if (!is_given_to_another(addr, name, steps))
				continue;
			g_array_remove_index(arrays[i], j);
			dropped = true;
		}
	return dropped;
}

/* At no time do two records have an address: who gives it to another of the guest's
 * ports has given it up before. */
static bool give_up_moved(L3vm *host, const GPtrArray *steps, GError **error)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autoptr(L3vmPort) rest = NULL;

		if (!step->old)
			continue;
		rest = l3vm_port_copy(step->old);
		if (!drop_moved(rest, steps))
			continue;
		l3vm_port_free(rest->was);
		rest->was = l3vm_port_copy(step->old);
		if (!l3vm_record_save(host->store, rest, error))
			return false;
	}
	return true;
}

/*
 * The records say what shall be, and what was: who finds such a record knows of
 * all that the kernel may have. The guest's names them all.
 */
static bool write_ahead(L3vm *host, L3vmGuest *guest, const GPtrArray *steps,
			bool changes, GError **error)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = l3vm_record_name(step->new);

		list_port(guest, name, true);
		if (changes)
			keep_old(step);
	}
	if (!l3vm_guest_save(host->store, guest, error) ||
	    !give_up_moved(host, steps, error))
		return false;
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (!l3vm_record_save(host->store, step->new, error))
			return false;
	}
	return true;
}

/* The records as they were, as far as that goes: the caller has an error to tell
 * already. One that stays ahead of the kernel is what reconcile is for. */
static void write_back(L3vm *host, L3vmGuest *guest, const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = l3vm_record_name(step->new);
		g_autofree char *old = step->old ? l3vm_record_name(step->old) : NULL;

		if (g_strcmp0(name, old)) {
			l3vm_record_remove(host->store, name, NULL);
			list_port(guest, name, false);
		}
		if (step->old)
			l3vm_record_save(host->store, step->old, NULL);
	}
	l3vm_guest_save(host->store, guest, NULL);
}

/* The change is over. A record that cannot be written still says so much that
 * reconcile does all this again. */
static void forget_old(L3vm *host, L3vmPort *port)
{
	if (!port->was)
		return;
	g_clear_pointer(&port->was, l3vm_port_free);
	l3vm_record_save(host->store, port, NULL);
}

/* What is over leaves the records. */
static bool conclude(L3vm *host, L3vmGuest *guest, const GPtrArray *steps,
		     GError **error)
{
	bool changed = false;

	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = l3vm_record_name(step->new);
		g_autofree char *old = step->old ? l3vm_record_name(step->old) : NULL;
		bool gone = step->new->state == L3VM_STATE_GONE;

		for (const L3vmPort *port = step->old; port; port = port->was)
			l3vm_port_release(host, port, gone ? NULL : step->new);
		if (!gone)
			forget_old(host, step->new);
		if (gone && !l3vm_record_remove(host->store, name, error))
			return false;
		if (gone)
			list_port(guest, name, false);
		if (old && strcmp(old, name) != 0) {
			l3vm_record_remove(host->store, old, NULL);
			list_port(guest, old, false);
		}
		changed |= gone || (old && strcmp(old, name) != 0);
	}
	return !changed || l3vm_guest_save(host->store, guest, error);
}

/* --- the commit ----------------------------------------------------------------- */

static void stamp(const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		const L3vmPort *old = step->old;

		if (old && old->state == step->new->state) {
			step->new->since = old->since;
			step->new->generation = old->generation;
		} else {
			step->new->since = l3vm_now();
			step->new->generation = old ? old->generation + 1 : 1;
		}
	}
}

static void log_events(L3vm *host, const GPtrArray *steps, const char *evidence)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		L3vmState from = step->old ? step->old->state : L3VM_STATE_GONE;

		if (from != step->new->state && step->new->service)
			l3vm_event_note(host->store, step->new, "service", "state",
					l3vm_service_state_name(step->new->state),
					"evidence", evidence, NULL);
		else if (from != step->new->state)
			l3vm_event_add(lines, step->new, l3vm_state_name(from),
				       l3vm_state_name(step->new->state), evidence);
	}
	l3vm_event_write(host->store, lines);
}

static void report_plan(GString *report, const L3vmPlan *plan)
{
	for (guint i = 0; report && i < l3vm_plan_size(plan); i++) {
		g_autofree char *line = l3vm_change_describe(l3vm_plan_get(plan, i));

		g_string_append_printf(report, "%s\n", line);
	}
}

static bool only_removes(const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++)
		if (((L3vmStep *)g_ptr_array_index(steps, i))->new->state !=
		    L3VM_STATE_GONE)
			return false;
	return true;
}

static bool interface_is_gone(L3vm *host, const L3vmObject *object)
{
	g_autoptr(GError) failure = NULL;
	L3vmLink link;

	if (!host->kernel->ops->find_link(host->kernel, object->ifname, &link,
					  &failure))
		return !failure;
	return link.ifindex != object->ifindex;
}

/*
 * A removal goes on after a failure: an interface may vanish under our hands,
 * and what is still there has to go all the same. Only what may still be there
 * counts as a failure. *@untouched: nothing was changed, for want of privilege.
 */
static bool apply_removal(L3vm *host, const L3vmPlan *plan, bool *untouched,
			  GError **error)
{
	bool ok = true;

	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		const L3vmChange *change = l3vm_plan_get(plan, i);
		g_autoptr(GError) failure = NULL;
		guint n;

		if (host->kernel->ops->apply_joined &&
		    host->kernel->ops->apply_joined(host->kernel, plan, i, &n)) {
			i += n - 1;
			continue;
		}
		if (host->kernel->ops->apply(host->kernel, change, &failure))
			continue;
		/* a setting of an interface that is gone went with it */
		if (change->has_after && interface_is_gone(host, &change->after))
			continue;
		*untouched = i == 0 && g_error_matches(failure, L3VM_ERROR,
						       L3VM_ERROR_PERMISSION);
		if (ok)
			g_propagate_error(error, g_steal_pointer(&failure));
		ok = false;
		if (*untouched)
			break;
	}
	return ok;
}

static bool sets_up(const L3vmPlan *plan, const char *ifname)
{
	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		const L3vmObject *o = &l3vm_plan_get(plan, i)->after;

		if (o->kind < L3VM_OBJECT_NEIGHBOUR && !strcmp(ifname, o->ifname))
			return true;
	}
	return false;
}

/* Sets up a bridge, and not just a port on it. */
static bool touches_bridge(const L3vmPlan *plan, const GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->new->net->bridge && sets_up(plan, step->new->net->bridge))
			return true;
	}
	return false;
}

/* The plan; with *@lock if it is about more than the guest itself. Then it was
 * made again: another guest may have brought the bridge meanwhile. */
static L3vmPlan *make_plan(L3vm *host, const GPtrArray *steps, L3vmLock **lock,
			   GError **error)
{
	g_autoptr(L3vmPlan) plan = l3vm_steps_plan(host, host->kernel, steps, error);

	if (!plan || !touches_bridge(plan, steps))
		return g_steal_pointer(&plan);
	*lock = l3vm_lock_take_networks(host->store, L3VM_LOCK_TIMEOUT, error);
	return *lock ? l3vm_steps_plan(host, host->kernel, steps, error) : NULL;
}

bool l3vm_commit(L3vm *host, L3vmGuest *guest, const GPtrArray *steps,
		 const char *evidence, GString *report, GError **error)
{
	g_autoptr(L3vmPlan) plan = NULL;
	g_autoptr(L3vmLock) lock = NULL;
	bool removal = only_removes(steps);
	bool applied, untouched = false;

	if (!l3vm_steps_reserve(host, steps, error))
		return false;
	stamp(steps);
	plan = make_plan(host, steps, &lock, error);
	/* no disk is so full that a guest which stopped keeps its routes */
	if (!plan || (!write_ahead(host, guest, steps, l3vm_plan_size(plan) > 0,
				   removal ? NULL : error) &&
		      !removal)) {
		write_back(host, guest, steps);
		l3vm_steps_unreserve(host, steps);
		return false;
	}
	applied = removal ? apply_removal(host, plan, &untouched, error)
			  : l3vm_kernel_apply_plan(host->kernel, plan, error);
	if (!applied && (!removal || untouched)) {
		write_back(host, guest, steps);
		l3vm_steps_unreserve(host, steps);
	}
	if (!applied)
		return false;
	report_plan(report, plan);
	log_events(host, steps, evidence);
	return conclude(host, guest, steps, error);
}
