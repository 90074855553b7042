/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-migration-random.c - the state table in a hundred thousand random worlds
 *
 * A world is one guest, two hosts and a fabric that hears of their routes late.
 * The guest boots, moves, comes back at once, fails to move, is paused, dies;
 * hooks, agents and operators make calls of l3vm, which change a record and then
 * the kernel, step by step, and may be killed at each step. Events are lost with
 * an agent that is not there, and timers fire long after what they were set for.
 * Only the table and the ranks are the library's own; the rest is what
 * ARCHITECTURE.md promises of it, written down as small as possible.
 *
 * After each step the promises of `promises()` are checked, and after each world
 * has come to rest those of `check_rest()`. The last test breaks the rules one at
 * a time, and each time a promise must be found broken.
 *
 *     L3VM_TEST_SEED=N       all worlds of an earlier run again
 *     L3VM_TEST_WORLD=N      only this one of them, told step by step
 *     L3VM_TEST_WORLDS=N     so many instead of a hundred thousand
 */
#include "migration-world.h"

#include "store/config.h"
#include "values.h"

#include <stdio.h>

/* --- the promises */

/* Nothing can be asked for a guest that nobody knows to run here. */
static bool runs_known(const Host *host)
{
	return host->qemu == QEMU_RUNS && host->evident;
}

/*
 * Nobody can keep the ranks apart in two cases, since hosts do not speak to each
 * other: the guest goes back within hold-time from a host where nobody hears of
 * it, or a host that nobody told still has the guest's remains when hold-time is
 * over where it went to (post-copy). Until the remains go, both are equal.
 */
static bool is_excused(const World *w, const Host *left, const Host *here)
{
	return left->untold && (!left->settled || w->now - here->ran >= HOLD);
}

/* The routes of a guest that has ended, until they are removed. */
static bool is_dead(const Host *host)
{
	return !host->qemu && best(host);
}

/* Of two routes of one rank the fabric takes both, and half of the packets go to the
 * host without the guest. Two last ones would send packets to and fro. */
static void check_pair(World *w, const Host *a, const Host *b)
{
	const L3vmRanks *ranks = &w->rules->ranks;
	bool excused = is_excused(w, a, b) || is_excused(w, b, a);

	if (!best(a) || best(a) != best(b) || excused || is_dead(a) || is_dead(b))
		return;
	if (best(a) == ranks->preferred)
		break_promise(w, "two hosts have the preferred rank");
	else if (best(a) == ranks->last)
		break_promise(w, "each of two hosts yields to the other");
	else
		break_promise(w, "two hosts have the same rank");
}

/* Routes before the guest runs would draw its packets away from where it does, for as
 * long as its memory is copied. */
static void check_host(World *w, const Host *host)
{
	if (best(host) && host->qemu && !host->ran)
		break_promise(w, "routes before there is evidence");
	if (!best(host) && runs_known(host))
		break_promise(w, "a guest that runs has no route");
	if (best(host) && !host->record.there)
		break_promise(w, "routes that no record knows of");
}

/* Where a packet goes that the fabric gets now; NULL: nowhere, or here and there. */
static Host *fabric_leads_to(World *w)
{
	uint32_t a = w->hosts[0].heard, b = w->hosts[1].heard;

	if (a == b)
		return NULL;
	return &w->hosts[!a || (b && b < a)];
}

/* When all is said and heard, packets find the guest, told or not. */
static void check_fabric(World *w, Host *host)
{
	Host *away = other(w, host);

	if (!runs_known(host) || host->n_mail || away->n_mail || host->call.busy ||
	    away->call.busy || is_dead(away) || is_excused(w, away, host) ||
	    is_excused(w, host, away))
		return;
	if (fabric_leads_to(w) != host)
		break_promise(w, "the fabric leads elsewhere");
}

/* After each step. The daemon is told, too, of what has changed in the kernel. */
static void promises(World *w)
{
	for (unsigned i = 0; i < 2; i++) {
		Host *host = &w->hosts[i];

		if (!best(host) && host->qemu != QEMU_LEFT)
			host->untold = false;
		if (best(host) != host->said && host->n_mail < MAX_FIFO) {
			host->said = best(host);
			FIFO_ADD(host->mail, host->n_mail, host->said);
		}
		check_host(w, host);
	}
	check_pair(w, &w->hosts[0], &w->hosts[1]);
	check_fabric(w, &w->hosts[0]);
	check_fabric(w, &w->hosts[1]);
}

/* Exactly the host that runs the guest has its routes, at normal rank. */
static void check_rest(World *w, const Host *host)
{
	const L3vmRanks *ranks = &w->rules->ranks;
	L3vmState state = host->record.there ? host->record.state : L3VM_STATE_GONE;
	bool ok = false;

	switch (host->qemu) {
	case QEMU_RUNS:
		ok = state == L3VM_STATE_LIVE;
		break;
	case QEMU_PAUSED: /* one that came here paused has not been evident yet */
		ok = state == L3VM_STATE_LIVE || state == L3VM_STATE_PREPARED;
		break;
	case QEMU_NONE:
	case QEMU_WAITS:
	case QEMU_LEFT:
		ok = !host->qemu && !host->record.there;
		break;
	}
	ok = ok && best(host) == l3vm_state_metric(state, ranks) &&
	     host->n_routes <= 1 && host->heard == best(host);
	if (!ok)
		break_promise(w, "it does not come to rest as it should");
}

/* The promise that this world breaks; NULL: it keeps all. */
static const char *run_world(const Rules *rules, uint64_t seed, uint64_t number,
			     bool tell)
{
	World w = { .rules = rules,
		    .check = promises,
		    .random = seed ^ (number << 32),
		    .tell = tell };

	below(&w, 2);
	w.now = 1;
	w.bridge = below(&w, 2);
	w.ganeti = !below(&w, 4);
	w.crashes = below(&w, 2);
	w.has_agents = below(&w, 4);
	for (unsigned i = 0; w.now < STEPS && !w.broken && i < 10 * STEPS; i++)
		world_step(&w);
	world_rest(&w);
	check_rest(&w, &w.hosts[0]);
	check_rest(&w, &w.hosts[1]);
	if (tell)
		printf("# %s%s%s%s: %s\n", w.bridge ? "bridge " : "routed ",
		       w.ganeti ? "ganeti " : "libvirt ", w.crashes ? "crashes " : "",
		       w.has_agents ? "agents" : "operators",
		       w.broken ? w.broken : "all promises kept");
	return w.broken;
}

/* --- rules */

/* `since` is there because a port's generation starts again with its record. */
static bool differs(const Stamp *record, const Stamp *timer)
{
	return record->generation != timer->generation || record->since != timer->since;
}

static Rules with(const char *name, L3vmState (*next)(L3vmState state, L3vmEvent event))
{
	/* no such file: the defaults */
	g_autoptr(L3vmConfig) config = l3vm_config_load("/nonexistent", NULL);

	return (Rules){
		.name = name, .next = next, .is_late = differs, .ranks = config->ranks
	};
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = g_getenv(variable);

	return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

/* Other worlds in each run; what they find can be had again by the seed. */
static uint64_t seed_of_this_run(void)
{
	return number_from("L3VM_TEST_SEED", g_random_int());
}

static void test_promises(void **state)
{
	uint64_t seed = seed_of_this_run();
	uint64_t n = number_from("L3VM_TEST_WORLDS", 100000);
	uint64_t only = number_from("L3VM_TEST_WORLD", UINT64_MAX);
	Rules real = with("real", l3vm_migration_next);

	(void)state;
	printf("# L3VM_TEST_SEED=%" G_GUINT64_FORMAT "\n", seed);
	for (uint64_t i = only == UINT64_MAX ? 0 : only; i < n || i == only; i++) {
		const char *broken = run_world(&real, seed, i, i == only);

		if (broken && i != only)
			run_world(&real, seed, i, true);
		if (broken)
			fail_msg("L3VM_TEST_SEED=%" G_GUINT64_FORMAT
				 " L3VM_TEST_WORLD=%" G_GUINT64_FORMAT ": %s",
				 seed, i, broken);
		if (i == only)
			return;
	}
}

/* --- broken rules --------------------------------------------------------------- */

static L3vmState announces_at_start(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_EXPECT ? L3VM_STATE_LIVE
					  : l3vm_migration_next(state, event);
}

static L3vmState announces_at_started(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_KEEP && state == L3VM_STATE_PREPARED
		       ? L3VM_STATE_LIVE
		       : l3vm_migration_next(state, event);
}

static L3vmState leaves_only_when_live(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_LEAVING && state == L3VM_STATE_ARRIVED
		       ? state
		       : l3vm_migration_next(state, event);
}

static L3vmState leaves_before_it_came(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_LEAVING && state == L3VM_STATE_PREPARED
		       ? L3VM_STATE_LEAVING
		       : l3vm_migration_next(state, event);
}

static L3vmState goes_when_it_begins_to_leave(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_LEAVING ? L3VM_STATE_GONE
					   : l3vm_migration_next(state, event);
}

static L3vmState stays_at_last_rank(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_ABORTED ? state : l3vm_migration_next(state, event);
}

static L3vmState never_settles(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_SETTLED ? state : l3vm_migration_next(state, event);
}

static L3vmState arrives_as_live(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_ARRIVED && state == L3VM_STATE_PREPARED
		       ? L3VM_STATE_LIVE
		       : l3vm_migration_next(state, event);
}

static L3vmState stays_when_stopped(L3vmState state, L3vmEvent event)
{
	return event == L3VM_EVENT_STOPPED && state == L3VM_STATE_LEAVING
		       ? state
		       : l3vm_migration_next(state, event);
}

static bool never_differs(const Stamp *record, const Stamp *timer)
{
	(void)record;
	(void)timer;
	return false;
}

static bool differs_in_generation(const Stamp *record, const Stamp *timer)
{
	return record->generation != timer->generation;
}

/* The same worlds each time: whether a broken rule is found must not be a matter
 * of luck. Most take less than a thousand, late timers some ten thousand. */
static void must_break(const Rules *rules, const char *promise)
{
	for (uint64_t i = 0; i < 200000; i++) {
		const char *broken = run_world(rules, 1, i, false);

		if (broken && !strcmp(broken, promise))
			return;
	}
	fail_msg("%s: it was not found that \"%s\"", rules->name, promise);
}

/* What somebody might change in good faith, and what becomes of it. */
static void test_broken_tables(void **state)
{
	static const char early[] = "routes before there is evidence";
	static const char rest[] = "it does not come to rest as it should";
	const struct {
		L3vmState (*next)(L3vmState state, L3vmEvent event);
		const char *name, *promise;
	} tables[] = {
		{ announces_at_start, "announces at `start`", early },
		{ announces_at_started, "announces at `started`", early },
		{ leaves_before_it_came, "leaves before it came", early },
		{ leaves_only_when_live, "leaves only when live",
		  "two hosts have the preferred rank" },
		{ goes_when_it_begins_to_leave, "goes when it begins to leave",
		  "a guest that runs has no route" },
		{ arrives_as_live, "arrives as live", "two hosts have the same rank" },
		{ stays_at_last_rank, "stays at last rank", rest },
		{ never_settles, "never settles", rest },
		{ stays_when_stopped, "stays when stopped", rest },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		Rules rules = with(tables[i].name, tables[i].next);

		must_break(&rules, tables[i].promise);
	}
}

/* A generation alone is not enough: when a guest leaves and comes back, its port's
 * record is a new one, which counts from the start. */
static void test_broken_timers(void **state)
{
	static const char promise[] = "a timer of an earlier move ended hold-time";
	Rules none = with("timers without a stamp", l3vm_migration_next);
	Rules half = with("timers with a generation only", l3vm_migration_next);

	(void)state;
	none.is_late = never_differs;
	half.is_late = differs_in_generation;
	must_break(&none, promise);
	must_break(&half, promise);
}

/* The preferred rank is what wins against a source that nobody told, the last one what
 * keeps a source's remains from competing. */
static void test_broken_ranks(void **state)
{
	Rules flat = with("preferred is as good as normal", l3vm_migration_next);
	Rules soft = with("last is as good as normal", l3vm_migration_next);

	(void)state;
	flat.ranks.preferred = flat.ranks.normal;
	soft.ranks.last = soft.ranks.normal;
	must_break(&flat, "two hosts have the preferred rank");
	must_break(&soft, "each of two hosts yields to the other");
}

/*
 * news     an event of the guest's last stay, read when it is expected again
 * routes   the old one goes before the new one stands
 * records  a removal that is killed leaves routes that nobody will ever remove
 * known    a call that is killed leaves a record ahead of the kernel, and the next
 *          one, of the same event, takes the record's word for it
 */
static void test_broken_calls(void **state)
{
	Rules news = with("believes old news", l3vm_migration_next);
	Rules routes = with("breaks before it makes", l3vm_migration_next);
	Rules records = with("removes the record first", l3vm_migration_next);
	Rules known = with("skips what is on record", l3vm_migration_next);

	(void)state;
	news.believes_old_news = true;
	routes.breaks_before_making = true;
	records.removes_record_first = true;
	known.skips_the_known = true;
	must_break(&news, "routes before there is evidence");
	must_break(&routes, "a guest that runs has no route");
	must_break(&records, "routes that no record knows of");
	must_break(&known, "a guest that runs has no route");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_promises),
		cmocka_unit_test(test_broken_tables),
		cmocka_unit_test(test_broken_timers),
		cmocka_unit_test(test_broken_ranks),
		cmocka_unit_test(test_broken_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
