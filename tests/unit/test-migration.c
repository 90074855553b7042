/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-migration.c - every event in every state
 *
 * The table is written down a second time, the other way round (by state), with
 * the reason why. Behind it stand the promises that must hold for whole stories.
 */
#include "model/migration.h"

#include "values.h"

#define PREPARED L3VM_STATE_PREPARED
#define ARRIVED	 L3VM_STATE_ARRIVED
#define LIVE	 L3VM_STATE_LIVE
#define LEAVING	 L3VM_STATE_LEAVING
#define GONE	 L3VM_STATE_GONE

#define STATES (L3VM_STATE_GONE + 1)

static const struct {
	L3vmState from;
	L3vmEvent event;
	L3vmState to;
} table[] = {
	/* nothing here yet */
	{ GONE, L3VM_EVENT_START, LIVE },
	{ GONE, L3VM_EVENT_PREPARE, PREPARED },
	{ GONE, L3VM_EVENT_EXPECT, PREPARED },
	{ GONE, L3VM_EVENT_KEEP, LIVE }, /* a daemon met a running guest */
	/* what is said of a port that is not here makes none */
	{ GONE, L3VM_EVENT_ARRIVED, GONE },
	{ GONE, L3VM_EVENT_LEAVING, GONE },
	{ GONE, L3VM_EVENT_LEFT, GONE },
	{ GONE, L3VM_EVENT_ABORTED, GONE },
	{ GONE, L3VM_EVENT_SETTLED, GONE },
	{ GONE, L3VM_EVENT_STOPPED, GONE },

	/* target; the guest runs elsewhere */
	{ PREPARED, L3VM_EVENT_START, LIVE },
	{ PREPARED, L3VM_EVENT_PREPARE, PREPARED },
	{ PREPARED, L3VM_EVENT_EXPECT, PREPARED },
	{ PREPARED, L3VM_EVENT_KEEP, PREPARED }, /* reconnect is no evidence */
	{ PREPARED, L3VM_EVENT_ARRIVED, ARRIVED },
	{ PREPARED, L3VM_EVENT_LEAVING, PREPARED }, /* it is not here to leave */
	{ PREPARED, L3VM_EVENT_LEFT, GONE },
	{ PREPARED, L3VM_EVENT_ABORTED, GONE },
	{ PREPARED, L3VM_EVENT_SETTLED, PREPARED },
	{ PREPARED, L3VM_EVENT_STOPPED, GONE },

	/* it runs here since a moment */
	{ ARRIVED, L3VM_EVENT_START, LIVE },
	{ ARRIVED, L3VM_EVENT_PREPARE, PREPARED },
	{ ARRIVED, L3VM_EVENT_EXPECT, ARRIVED }, /* hook `started` comes late */
	{ ARRIVED, L3VM_EVENT_KEEP, ARRIVED },
	{ ARRIVED, L3VM_EVENT_ARRIVED, ARRIVED }, /* the second RARP */
	{ ARRIVED, L3VM_EVENT_LEAVING, LEAVING }, /* back at once */
	{ ARRIVED, L3VM_EVENT_LEFT, GONE },
	{ ARRIVED, L3VM_EVENT_ABORTED, ARRIVED },
	{ ARRIVED, L3VM_EVENT_SETTLED, LIVE },
	{ ARRIVED, L3VM_EVENT_STOPPED, GONE },

	{ LIVE, L3VM_EVENT_START, LIVE },
	{ LIVE, L3VM_EVENT_PREPARE, PREPARED }, /* a stale record */
	{ LIVE, L3VM_EVENT_EXPECT, LIVE },
	{ LIVE, L3VM_EVENT_KEEP, LIVE },
	{ LIVE, L3VM_EVENT_ARRIVED, LIVE }, /* any ARP of a settled guest */
	{ LIVE, L3VM_EVENT_LEAVING, LEAVING },
	{ LIVE, L3VM_EVENT_LEFT, GONE },
	{ LIVE, L3VM_EVENT_ABORTED, LIVE },
	{ LIVE, L3VM_EVENT_SETTLED, LIVE },
	{ LIVE, L3VM_EVENT_STOPPED, GONE },

	/* source; it still runs here */
	{ LEAVING, L3VM_EVENT_START, LIVE },
	{ LEAVING, L3VM_EVENT_PREPARE, PREPARED },
	{ LEAVING, L3VM_EVENT_EXPECT, LEAVING },
	{ LEAVING, L3VM_EVENT_KEEP, LEAVING },
	{ LEAVING, L3VM_EVENT_ARRIVED, LIVE }, /* RESUME here: it failed */
	{ LEAVING, L3VM_EVENT_LEAVING, LEAVING },
	{ LEAVING, L3VM_EVENT_LEFT, GONE },
	{ LEAVING, L3VM_EVENT_ABORTED, LIVE },
	{ LEAVING, L3VM_EVENT_SETTLED, LEAVING }, /* a late timer */
	{ LEAVING, L3VM_EVENT_STOPPED, GONE },
};

static void test_every_pair(void **state)
{
	bool seen[STATES][L3VM_EVENT_COUNT] = { 0 };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		L3vmState to = l3vm_migration_next(table[i].from, table[i].event);

		if (to != table[i].to)
			fail_msg("%s after %s is %s", l3vm_state_name(table[i].from),
				 l3vm_event_name(table[i].event), l3vm_state_name(to));
		seen[table[i].from][table[i].event] = true;
	}
	for (unsigned from = 0; from < STATES; from++)
		for (unsigned event = 0; event < L3VM_EVENT_COUNT; event++)
			assert_true(seen[from][event]);
}

/* An event that comes twice says nothing new. */
static void test_idempotent(void **state)
{
	(void)state;
	for (unsigned from = 0; from < STATES; from++)
		for (unsigned event = 0; event < L3VM_EVENT_COUNT; event++) {
			L3vmState once = l3vm_migration_next(from, event);

			assert_int_equal(l3vm_migration_next(once, event), once);
		}
}

/* Before evidence, nothing that a hook or a timer says announces a target. */
static void test_no_route_before_evidence(void **state)
{
	static const L3vmRanks ranks = { 4, 5, 1000 };

	(void)state;
	for (unsigned event = 0; event < L3VM_EVENT_COUNT; event++) {
		L3vmState to = l3vm_migration_next(PREPARED, event);

		if (event != L3VM_EVENT_START && event != L3VM_EVENT_ARRIVED)
			assert_int_equal(l3vm_state_metric(to, &ranks), 0);
	}
}

static L3vmState story(const L3vmEvent *events, size_t n)
{
	L3vmState is = GONE;

	for (size_t i = 0; i < n; i++)
		is = l3vm_migration_next(is, events[i]);
	return is;
}

static void test_stories(void **state)
{
	static const L3vmEvent target[] = { L3VM_EVENT_EXPECT, L3VM_EVENT_EXPECT,
					    L3VM_EVENT_ARRIVED, L3VM_EVENT_KEEP,
					    L3VM_EVENT_SETTLED };
	static const L3vmEvent failed_target[] = { L3VM_EVENT_EXPECT,
						   L3VM_EVENT_STOPPED };
	static const L3vmEvent source[] = { L3VM_EVENT_START, L3VM_EVENT_LEAVING,
					    L3VM_EVENT_STOPPED };
	static const L3vmEvent failed_source[] = { L3VM_EVENT_START, L3VM_EVENT_LEAVING,
						   L3VM_EVENT_ABORTED };
	/* moved here and away again before hold-time is over; its timer is late */
	static const L3vmEvent back[] = { L3VM_EVENT_EXPECT, L3VM_EVENT_ARRIVED,
					  L3VM_EVENT_LEAVING, L3VM_EVENT_SETTLED };

	(void)state;
	assert_int_equal(story(target, G_N_ELEMENTS(target)), LIVE);
	assert_int_equal(story(failed_target, G_N_ELEMENTS(failed_target)), GONE);
	assert_int_equal(story(source, G_N_ELEMENTS(source)), GONE);
	assert_int_equal(story(failed_source, G_N_ELEMENTS(failed_source)), LIVE);
	assert_int_equal(story(back, G_N_ELEMENTS(back)), LEAVING);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned a = 0; a < L3VM_EVENT_COUNT; a++) {
		assert_non_null(l3vm_event_name(a));
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(l3vm_event_name(a), l3vm_event_name(b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_idempotent),
		cmocka_unit_test(test_no_route_before_evidence),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
