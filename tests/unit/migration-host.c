/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migration-host.c - calls of l3vm on a host of a random world
 *
 * What libl3vm/engine-*.c does with the state table, without addresses, plans and
 * files: under the guest's lock a record is read and written ahead, then routes
 * come and go, then what is over leaves the records. Each step is one of the
 * world's, so anything may happen between two, and a call may be killed there.
 */
#include "migration-world.h"

/* --- the kernel ------------------------------------------------------------------- */

static void add_route(Host *host, uint32_t metric)
{
	for (unsigned i = 0; i < host->n_routes; i++)
		if (host->routes[i] == metric)
			return;
	if (metric)
		host->routes[host->n_routes++] = metric;
}

static void remove_routes_but(Host *host, uint32_t metric)
{
	bool stays = false;

	for (unsigned i = 0; i < host->n_routes; i++)
		stays |= host->routes[i] == metric;
	host->routes[0] = metric;
	host->n_routes = stays;
}

/* --- calls of l3vm ---------------------------------------------------------------- */

/* @event counts for CALL_EVENT only: of the others it is decided under the lock. */
bool call_begin(Host *host, Verb verb, L3vmEvent event)
{
	if (host->call.busy)
		return false;
	host->call = (Call){ .busy = true, .verb = verb, .event = event };
	return true;
}

/* What reconcile finds to be done. */
static L3vmEvent judge(const World *w, const Host *host)
{
	const Record *record = &host->record;

	if (record->state == L3VM_STATE_GONE || record->tap != host->tap)
		return L3VM_EVENT_STOPPED;
	if (record->state == L3VM_STATE_ARRIVED && w->now - record->stamp.since >= HOLD)
		return L3VM_EVENT_SETTLED;
	return L3VM_EVENT_KEEP;
}

/* libvirt runs `start` at once after `migrate`; later it is another start. */
static bool was_expected(const World *w, const Host *host)
{
	return host->incoming &&
	       (w->phase == MOVE_HOOKS || w->now - host->incoming < VALID);
}

static L3vmEvent event_of(const World *w, const Host *host, const Call *call)
{
	switch (call->verb) {
	case CALL_MIGRATE:
	case CALL_STOPPED:
		return L3VM_EVENT_STOPPED;
	case CALL_START:
		return was_expected(w, host) ? L3VM_EVENT_EXPECT : L3VM_EVENT_START;
	case CALL_STARTED: /* the hook sees whether QEMU waits for a migration */
		return host->qemu == QEMU_RUNS ? L3VM_EVENT_START : L3VM_EVENT_KEEP;
	case CALL_RECONNECT:
		return L3VM_EVENT_KEEP;
	case CALL_PREPARE:
		return L3VM_EVENT_PREPARE;
	case CALL_RECONCILE:
		return judge(w, host);
	case CALL_EVENT:
		break;
	}
	return call->event;
}

static bool makes_records(Verb verb)
{
	return verb == CALL_START || verb == CALL_STARTED || verb == CALL_RECONNECT ||
	       verb == CALL_PREPARE;
}

/* Takes the lock, reads the record, asks the table. False: nothing to do. */
static bool decide(World *w, Host *host)
{
	Call *call = &host->call;
	Record *record = &host->record;
	L3vmState state = record->there ? record->state : L3VM_STATE_GONE;

	call->event = event_of(w, host, call);
	/* told otherwise: a pause ended while the memory is copied */
	if (host == source(w) &&
	    (call->event == L3VM_EVENT_ARRIVED || call->event == L3VM_EVENT_ABORTED))
		w->told = false;
	call->before = *record;
	call->tap = makes_records(call->verb) ? host->tap : record->tap;
	if (call->verb == CALL_START)
		host->incoming = 0;
	/* there must be a record, or an interface to make one for */
	if (makes_records(call->verb) ? !call->tap : !record->there)
		return false;
	if (call->as_of && w->rules->is_late(&record->stamp, call->as_of))
		return false;
	call->to = w->rules->next(state, call->event);
	if (call->event == L3VM_EVENT_SETTLED && call->to != state &&
	    w->now - record->stamp.since < HOLD)
		break_promise(w, "a timer of an earlier move ended hold-time");
	/* the record may be ahead: a call that changes nothing there finishes what
	 * one that was killed began */
	return !w->rules->skips_the_known || call->verb != CALL_EVENT ||
	       call->to != state;
}

/* An interface of the same name that is another one is another port: what was set
 * for the old one, and news of it, must not be taken for this one's. */
static void write_record(World *w, Host *host)
{
	const Call *call = &host->call;
	Record *record = &host->record;

	if (!record->there)
		record->stamp = (Stamp){ 1, w->now };
	else if (record->state != call->to || record->tap != call->tap)
		record->stamp = (Stamp){ record->stamp.generation + 1, w->now };
	record->there = true;
	record->state = call->to;
	record->tap = call->tap;
}

/* It has succeeded, or there was nothing to do. A promise can be asked for from
 * now on: the call was not killed, and says that the port is as it should be. */
static void end_call(World *w, Host *host)
{
	Call *call = &host->call;
	const Record *record = &host->record;

	if (call->event == L3VM_EVENT_LEAVING) {
		host->untold = false;
		w->told |= host == source(w);
	}
	if (!call->as_of && record->there && record->tap == host->tap &&
	    (record->state == L3VM_STATE_ARRIVED || record->state == L3VM_STATE_LIVE))
		host->evident = true;
	call->busy = false;
	world_hook_done(w, host, call->verb);
}

static void conclude(World *w, Host *host)
{
	if (host->call.to == L3VM_STATE_GONE)
		host->record.there = false;
	end_call(w, host);
}

/* A bridge's routes can be changed when a port of it has gone. */
static bool needs_interface(const World *w, const Call *call)
{
	return makes_records(call->verb) ||
	       (!w->bridge && l3vm_state_metric(call->to, &w->rules->ranks));
}

/* One step of the commit: records are ahead of the kernel, the new route stands
 * before the old one goes. */
bool call_step(World *w, Host *host)
{
	Call *call = &host->call;
	uint32_t metric = l3vm_state_metric(call->to, &w->rules->ranks);
	bool breaks = w->rules->breaks_before_making;

	if (!call->busy)
		return false;
	switch (call->step++) {
	case 0:
		if (!decide(w, host))
			end_call(w, host);
		break;
	case 1:
		write_record(w, host);
		host->record.there &= !w->rules->removes_record_first ||
				      call->to != L3VM_STATE_GONE;
		break;
	case 2:
	case 3:
		if ((call->step == 3) == breaks) {
			remove_routes_but(host, metric);
		} else if (host->tap == call->tap || !needs_interface(w, call)) {
			add_route(host, metric);
		} else { /* the kernel refuses: undone */
			host->record = call->before;
			call->to = L3VM_STATE_PREPARED;
			end_call(w, host);
		}
		break;
	default:
		conclude(w, host);
	}
	return true;
}
