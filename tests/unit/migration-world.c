/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migration-world.c - what happens around l3vm in a random world
 *
 * libvirt's order of hooks and events is as measured with 9.0: at the target all
 * hooks run before the guest does, no hook runs at the cut-over, the source's come
 * late, and after a failure `stopped` runs at the host that never had the guest.
 */
#include "migration-world.h"

#include <stdio.h>

/* --- libvirt, QEMU and the guest ----------------------------------------------- */

/* The agent of @host hears of it, if there is one that listens. */
static void tell_agent(World *w, Host *host, News news)
{
	if (host->agent && !host->deaf)
		FIFO_ADD(host->letters, host->n_letters,
			 ((Letter){ .news = news, .when = w->now }));
}

/*
 * The guest's processors run, for the first time here or again. QEMU lets its RARPs
 * out and says RESUME; what of it an agent gets is a matter of luck, and of whether
 * it had seen the record in time to look at frames.
 */
static void guest_runs(World *w, Host *host)
{
	bool armed = host->agent && host->known.there && host->known.tap == host->tap &&
		     host->known.state == L3VM_STATE_PREPARED;

	host->qemu = QEMU_RUNS;
	if (!host->ran)
		host->ran = w->now;
	/* a frame needs no libvirt, but an armed port; each may be missed */
	if (armed && below(w, 4))
		FIFO_ADD(host->letters, host->n_letters,
			 ((Letter){ .news = NEWS_RUNS, .when = w->now }));
	if (below(w, 8))
		tell_agent(w, host, NEWS_RUNS);
}

/* The kernel removes the routes of a tap with it; a bridge stays, and they do. */
static void interface_goes(World *w, Host *host)
{
	host->tap = 0;
	if (!w->bridge)
		host->n_routes = 0;
}

/* The interface goes first, the hooks come some time after. With Ganeti nobody
 * says anything: only a look around finds that the interface is gone. */
static void end_qemu(World *w, Host *host)
{
	host->qemu = QEMU_NONE;
	host->ran = 0;
	host->evident = false;
	host->n_hooks = 0;
	interface_goes(w, host);
	if (w->boots == host)
		w->boots = NULL;
	if (w->ganeti)
		return;
	FIFO_ADD(host->hooks, host->n_hooks, CALL_STOPPED);
	FIFO_ADD(host->hooks, host->n_hooks, CALL_STOPPED); /* `release` */
}

/* The guest goes on at the source, unless its user had paused it. */
static void source_goes_on(World *w)
{
	Host *host = source(w);

	if (host->qemu == QEMU_LEFT && w->ran)
		guest_runs(w, host);
	else if (host->qemu == QEMU_LEFT)
		host->qemu = QEMU_PAUSED;
	tell_agent(w, host, NEWS_FAILED);
}

/* Whatever the reason: the target's QEMU is killed, and the hooks of an end run at
 * the target, though the guest is well at its source. */
static void move_fails(World *w)
{
	end_qemu(w, target(w));
	if (source(w)->qemu != QEMU_NONE)
		source_goes_on(w);
	w->phase = MOVE_END;
}

/* At a boot QEMU starts the guest before `started` is run; at a target it waits. */
void world_hook_done(World *w, Host *host, Verb verb)
{
	bool is_target = w->phase == MOVE_HOOKS && host == target(w);

	if (verb == CALL_MIGRATE)
		host->incoming = w->now;
	if ((verb == CALL_START || verb == CALL_PREPARE) && is_target)
		host->qemu = QEMU_WAITS;
	if (verb == CALL_START && w->boots == host) {
		w->boots = NULL;
		guest_runs(w, host);
		if (!w->ganeti)
			FIFO_ADD(host->hooks, host->n_hooks, CALL_STARTED);
	}
}

static bool guest_ends(World *w, Host *host);

/* A hook that was killed has failed; see hooks/verdict.c for what that does. */
static void hook_failed(World *w, Host *host, Verb verb)
{
	bool is_target = w->phase == MOVE_HOOKS && host == target(w);

	if (is_target && (verb <= CALL_STARTED || verb == CALL_PREPARE))
		move_fails(w);
	else if (verb == CALL_START || verb == CALL_STARTED)
		end_qemu(w, host);
	else if (verb == CALL_RECONNECT)
		guest_ends(w, host);
}

/* --- what may happen: each returns false where it cannot ------------------------- */

static bool is_quiet(const Host *host)
{
	return !host->n_hooks && !host->call.busy;
}

/* libvirt makes the interface just before `start`: it is another one each time, even
 * if its name is the same. */
static bool hook_runs(World *w, Host *host)
{
	Verb verb = host->hooks[0];

	if (!host->n_hooks || !call_begin(host, verb, L3VM_EVENT_COUNT))
		return false;
	FIFO_DROP(host->hooks, host->n_hooks, 0);
	if (verb == CALL_START || verb == CALL_PREPARE) {
		host->tap = ++w->taps;
		host->evident = false;
	}
	return true;
}

/* Never while it may run elsewhere: whoever does that has two guests, not one. */
static bool boots(World *w, Host *host)
{
	if (w->phase || w->boots || host->qemu || other(w, host)->qemu ||
	    !is_quiet(host))
		return false;
	/* the image was moved here without the guest, --offline */
	if (!w->ganeti && !below(w, 4))
		FIFO_ADD(host->hooks, host->n_hooks, CALL_MIGRATE);
	FIFO_ADD(host->hooks, host->n_hooks, CALL_START);
	w->boots = host;
	return true;
}

/* Only when the hooks of whatever was before are over: libvirt holds the guest's
 * lock for as long. A guest that its user has paused can be moved, too. */
static bool move_begins(World *w, Host *host)
{
	Host *to = other(w, host);

	if (w->phase || (host->qemu != QEMU_RUNS && host->qemu != QEMU_PAUSED) ||
	    to->qemu || !is_quiet(host) || !is_quiet(to))
		return false;
	w->from = host == &w->hosts[1];
	w->to = !w->from;
	w->phase = MOVE_HOOKS;
	w->postcopy = below(w, 2);
	w->told = false;
	if (w->ganeti) {
		FIFO_ADD(to->hooks, to->n_hooks, CALL_PREPARE);
		return true;
	}
	FIFO_ADD(to->hooks, to->n_hooks, CALL_MIGRATE);
	FIFO_ADD(to->hooks, to->n_hooks, CALL_START);
	FIFO_ADD(to->hooks, to->n_hooks, CALL_STARTED);
	return true;
}

static bool has_letter(const Host *host, News news)
{
	for (unsigned i = 0; i < host->n_letters; i++)
		if (host->letters[i].news == news)
			return true;
	return false;
}

/* The memory's copy takes longer than its news, so an agent that listens knows
 * before the guest stops. */
static bool guest_stops(World *w)
{
	Host *from = source(w);

	if (from->call.busy || (from->agent && from->n_letters))
		return false;
	w->ran = from->qemu == QEMU_RUNS;
	from->qemu = QEMU_LEFT;
	from->untold = !w->told;
	from->settled = from->record.state == L3VM_STATE_LIVE &&
			best(from) == w->rules->ranks.normal;
	tell_agent(w, from, NEWS_LEAVING);
	w->phase = MOVE_CUT;
	return true;
}

/* The way of a move that succeeds. */
static bool move_goes_on(World *w, Host *host)
{
	(void)host;
	switch (w->phase) {
	case MOVE_NONE:
		return false;
	case MOVE_HOOKS:
		if (!is_quiet(target(w)))
			return false;
		tell_agent(w, source(w), NEWS_LEAVING);
		w->phase = MOVE_COPY;
		return true;
	case MOVE_COPY:
		return guest_stops(w);
	case MOVE_CUT:
		target(w)->qemu = QEMU_PAUSED;
		if (w->ran)
			guest_runs(w, target(w));
		w->phase = MOVE_HERE;
		return true;
	case MOVE_HERE: /* with post-copy that may last */
		if (w->postcopy && below(w, 8))
			return false;
		end_qemu(w, source(w));
		w->phase = MOVE_END;
		return true;
	case MOVE_END:
		if (w->hosts[0].n_hooks || w->hosts[1].n_hooks)
			return false;
		w->phase = MOVE_NONE;
		return true;
	}
	return false;
}

/* Each pass over the memory is told; a user may pause and resume meanwhile. */
static bool copy_passes(World *w, Host *host)
{
	if (w->phase != MOVE_COPY || host != source(w) ||
	    has_letter(host, NEWS_LEAVING))
		return false;
	tell_agent(w, host, NEWS_LEAVING);
	return true;
}

/* Up to the moment when the guest runs at the target, and shortly after it: its
 * announcements may be out when libvirt's last step fails. With post-copy there is
 * no way back once it has run. */
static bool move_breaks(World *w, Host *host)
{
	(void)host;
	if (w->phase < MOVE_COPY || w->phase > MOVE_HERE ||
	    (w->phase == MOVE_HERE && w->postcopy))
		return false;
	if (w->phase == MOVE_CUT && !below(w, 3)) {
		/* libvirt's client died: the source stands still until somebody
		 * resumes it by hand */
		end_qemu(w, target(w));
		w->phase = MOVE_END;
		return true;
	}
	move_fails(w);
	return true;
}

/* Which is no migration and must not be taken for one. By the same command the
 * guest goes on whose move ended with nobody to resume it. */
static bool user_pauses_or_resumes(World *w, Host *host)
{
	bool stuck = host->qemu == QEMU_LEFT && !w->phase;

	if (host->qemu == QEMU_PAUSED || stuck)
		guest_runs(w, host);
	else if (host->qemu == QEMU_RUNS)
		host->qemu = QEMU_PAUSED;
	else
		return false;
	return true;
}

/* It shuts down, or QEMU crashes; a move that is under way ends with it. */
static bool guest_ends(World *w, Host *host)
{
	if (host->qemu != QEMU_RUNS && host->qemu != QEMU_PAUSED)
		return false;
	end_qemu(w, host);
	if (!w->phase || w->phase == MOVE_END)
		return true;
	end_qemu(w, other(w, host));
	w->phase = MOVE_END;
	return true;
}

/* It comes back empty at once; the fabric finds out when it does. */
static bool host_dies(World *w, Host *host)
{
	bool moves = w->phase != MOVE_NONE && w->phase != MOVE_END;
	bool is_over = w->phase == MOVE_HERE;
	Host died = *host;

	if (!w->crashes || below(w, 4))
		return false;
	if (w->boots == host)
		w->boots = NULL;
	*host = (Host){ .said = died.said, .heard = died.heard, .n_mail = died.n_mail };
	memcpy(host->mail, died.mail, sizeof(host->mail));
	if (!moves)
		return true;
	w->phase = MOVE_END;
	if (host == target(w))
		source_goes_on(w);
	else if (!is_over || w->postcopy)
		end_qemu(w, target(w));
	return true;
}

/* The lock goes with the process; what it has done so far stays. */
static bool call_crashes(World *w, Host *host)
{
	Verb verb = host->call.verb;
	bool from_agent = host->call.from_agent;

	if (!w->crashes || !host->call.busy)
		return false;
	host->call.busy = false;
	if (from_agent)
		host->agent = false;
	else
		hook_failed(w, host, verb);
	return true;
}

/* Between two calls. Timers, news and what it knew of records go with it. */
static bool agent_dies(World *w, Host *host)
{
	if (!w->crashes || !host->agent || (host->call.busy && host->call.from_agent))
		return false;
	host->agent = false;
	return true;
}

/* What is asked of libvirt once, when the connection is made. */
static void catch_up(World *w, Host *host)
{
	bool migrates = w->phase && w->phase != MOVE_END && host == source(w);

	if (!host->record.there || host->deaf)
		return;
	if (host->record.state == L3VM_STATE_PREPARED && host->qemu == QEMU_RUNS)
		tell_agent(w, host, NEWS_RUNS);
	if (host->qemu == QEMU_LEFT && migrates)
		tell_agent(w, host, NEWS_LEAVING);
	if (host->record.state == L3VM_STATE_LEAVING && !migrates &&
	    (host->qemu == QEMU_RUNS || host->qemu == QEMU_PAUSED))
		tell_agent(w, host, NEWS_FAILED);
}

/* It takes over whatever it finds: first what is on record, then what libvirt says. */
static bool agent_starts(World *w, Host *host)
{
	if (!w->has_agents || host->agent ||
	    !call_begin(host, CALL_RECONCILE, L3VM_EVENT_COUNT))
		return false;
	host->call.from_agent = host->agent = true;
	host->n_letters = host->n_timers = 0;
	host->known = (Record){ .there = false };
	catch_up(w, host);
	return true;
}

static bool is_same(const Record *a, const Record *b)
{
	return a->there == b->there && a->state == b->state && a->tap == b->tap &&
	       a->stamp.generation == b->stamp.generation &&
	       a->stamp.since == b->stamp.since;
}

/* The agent reads a record that has changed, and gives the port what its state
 * needs. An armed timer is never taken back here: the worst that can be. */
static bool agent_looks(World *w, Host *host)
{
	const Record *record = &host->record;

	(void)w;
	if (!host->agent || host->call.busy || is_same(&host->known, record))
		return false;
	if (record->there && record->state == L3VM_STATE_ARRIVED)
		FIFO_ADD(host->timers, host->n_timers, record->stamp);
	host->known = *record;
	return true;
}

/* What is news is judged by the record as it is now. */
static bool agent_reads(World *w, Host *host)
{
	Letter letter = host->letters[0];
	L3vmState state = host->record.there ? host->record.state : L3VM_STATE_GONE;
	bool here = state == L3VM_STATE_LIVE || state == L3VM_STATE_ARRIVED;
	bool begun = false;

	if (!host->agent || host->call.busy || !host->n_letters)
		return false;
	FIFO_DROP(host->letters, host->n_letters, 0);
	/* older than what is on record: it is of another move */
	if (letter.when < host->record.stamp.since && !w->rules->believes_old_news)
		return true;
	if (letter.news == NEWS_RUNS)
		begun = call_begin(host, CALL_EVENT, L3VM_EVENT_ARRIVED);
	else if (letter.news == NEWS_LEAVING && here)
		begun = call_begin(host, CALL_EVENT, L3VM_EVENT_LEAVING);
	else if (letter.news == NEWS_FAILED && state == L3VM_STATE_LEAVING)
		begun = call_begin(host, CALL_EVENT, L3VM_EVENT_ABORTED);
	host->call.from_agent |= begun;
	return true;
}

/* At any time after it is due, and whatever the port has become. */
static bool timer_fires(World *w, Host *host)
{
	unsigned i = host->n_timers ? below(w, host->n_timers) : 0;

	if (!host->agent || !host->n_timers || w->now - host->timers[i].since < HOLD ||
	    !call_begin(host, CALL_EVENT, L3VM_EVENT_SETTLED))
		return false;
	host->call.stamp = host->timers[i];
	host->call.as_of = &host->call.stamp;
	host->call.from_agent = true;
	FIFO_DROP(host->timers, host->n_timers, i);
	return true;
}

/* A sweep of the agent's, or an operator: at any time, and it must do no harm. */
static bool somebody_reconciles(World *w, Host *host)
{
	(void)w;
	return call_begin(host, CALL_RECONCILE, L3VM_EVENT_COUNT);
}

/* An operator, or Ganeti, says what is true. */
static bool operator_notifies(World *w, Host *host)
{
	bool moves = w->phase == MOVE_HOOKS || w->phase == MOVE_COPY;

	if (moves && host == source(w))
		return call_begin(host, CALL_EVENT, L3VM_EVENT_LEAVING);
	if (w->phase == MOVE_END && host == source(w) && !host->qemu)
		return call_begin(host, CALL_EVENT, L3VM_EVENT_LEFT);
	if (moves || (host->qemu != QEMU_RUNS && host->qemu != QEMU_PAUSED))
		return false;
	if (host->record.there && host->record.state == L3VM_STATE_LEAVING)
		return call_begin(host, CALL_EVENT, L3VM_EVENT_ABORTED);
	return host->qemu == QEMU_RUNS &&
	       call_begin(host, CALL_EVENT, L3VM_EVENT_ARRIVED);
}

/* A migration away breaks and nobody hears of it; one that comes in, too. */
static bool libvirtd_restarts(World *w, Host *host)
{
	if (w->phase == MOVE_HOOKS || w->phase == MOVE_CUT || w->boots || host->deaf)
		return false;
	host->deaf = true;
	host->n_letters = 0;
	if (w->phase == MOVE_COPY)
		move_fails(w);
	if (host->qemu)
		FIFO_ADD(host->hooks, host->n_hooks, CALL_RECONNECT);
	return true;
}

static bool libvirtd_is_back(World *w, Host *host)
{
	if (!host->deaf)
		return false;
	host->deaf = false;
	catch_up(w, host);
	return true;
}

/* In the order in which it was said, as a BGP session does; but the two hosts' words
 * may overtake each other. */
static bool fabric_hears(World *w, Host *host)
{
	(void)w;
	if (!host->n_mail)
		return false;
	host->heard = host->mail[0];
	FIFO_DROP(host->mail, host->n_mail, 0);
	return true;
}

/* The weights are for moves to be many and disasters few: a world that dies early
 * shows little. */
static const struct Action {
	const char *name;
	bool (*act)(World *w, Host *host);
	unsigned weight;
} actions[] = {
	{ "call goes on", call_step, 30 },
	{ "hook", hook_runs, 20 },
	{ "agent reads news", agent_reads, 20 },
	{ "agent reads record", agent_looks, 20 },
	{ "fabric hears", fabric_hears, 20 },
	{ "move goes on", move_goes_on, 15 },
	{ "boot", boots, 10 },
	{ "move begins", move_begins, 10 },
	{ "timer", timer_fires, 8 },
	{ "agent starts", agent_starts, 6 },
	{ "libvirtd is back", libvirtd_is_back, 6 },
	{ "operator", operator_notifies, 4 },
	{ "pass over memory", copy_passes, 3 },
	{ "reconcile", somebody_reconciles, 2 },
	{ "move breaks", move_breaks, 2 },
	{ "user pauses, resumes", user_pauses_or_resumes, 1 },
	{ "call is killed", call_crashes, 3 },
	{ "agent dies", agent_dies, 1 },
	{ "libvirtd restarts", libvirtd_restarts, 1 },
	{ "guest ends", guest_ends, 1 },
	{ "host dies", host_dies, 1 },
};

/* --- a world ---------------------------------------------------------------------- */

static void tell_host(const Host *host)
{
	static const char *const qemus[] = { "-", "waits", "runs", "paused", "left" };

	printf("  [%-6s %s%-8s", qemus[host->qemu], host->call.busy ? "*" : " ",
	       host->record.there ? l3vm_state_name(host->record.state) : "-");
	printf(" %10u heard %10u%s%s%s]", best(host), host->heard,
	       host->agent ? " agent" : "", host->deaf ? " deaf" : "",
	       host->untold ? " untold" : "");
}

/* What cannot happen takes no time. */
static bool act(World *w, const char *name, bool (*action)(World *, Host *), unsigned i)
{
	if (w->broken || !action(w, &w->hosts[i]))
		return false;
	w->now++;
	w->check(w);
	if (!w->tell)
		return true;
	printf("# %4u %-20s %u phase %u", w->now, name, i, (unsigned)w->phase);
	tell_host(&w->hosts[0]);
	tell_host(&w->hosts[1]);
	printf("%s%s\n", w->broken ? " BROKEN: " : "", w->broken ? w->broken : "");
	return true;
}

void world_step(World *w)
{
	unsigned total = 0, pick;
	size_t i = 0;

	for (size_t j = 0; j < G_N_ELEMENTS(actions); j++)
		total += actions[j].weight;
	for (pick = below(w, total); pick >= actions[i].weight; i++)
		pick -= actions[i].weight;
	act(w, actions[i].name, actions[i].act, below(w, 2));
}

/* Whatever is under way comes to its end; nothing new begins. */
static void drain(World *w)
{
	static const struct Action ends[] = {
		{ "call goes on", call_step, 0 },    { "hook", hook_runs, 0 },
		{ "agent starts", agent_starts, 0 }, { "back", libvirtd_is_back, 0 },
		{ "agent reads", agent_reads, 0 },   { "timer", timer_fires, 0 },
		{ "fabric hears", fabric_hears, 0 }, { "move", move_goes_on, 0 },
	};
	bool again = true;

	while (again && !w->broken) {
		again = false;
		for (size_t i = 0; i < G_N_ELEMENTS(ends) && !again; i++)
			again = act(w, ends[i].name, ends[i].act, 0) ||
				act(w, ends[i].name, ends[i].act, 1);
	}
}

/* The last resort of each host: its agent asks libvirt, or its operator looks. */
void world_rest(World *w)
{
	w->crashes = w->postcopy = false;
	drain(w);
	for (unsigned i = 0; i < 2; i++) {
		if (w->hosts[i].qemu == QEMU_LEFT)
			act(w, "resume by hand", user_pauses_or_resumes, i);
		drain(w);
		w->hosts[i].deaf = w->has_agents;
		if (!w->has_agents)
			act(w, "operator", operator_notifies, i);
		drain(w);
		act(w, "agent looks", agent_looks, i);
	}
	w->now += HOLD;
	for (unsigned i = 0; i < 2; i++) {
		act(w, "reconcile", somebody_reconciles, i);
		drain(w);
	}
}
