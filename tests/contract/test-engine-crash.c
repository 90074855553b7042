/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-engine-crash.c - killed at any moment, and then?
 *
 * A child runs a verb and is killed before its first, second, third ... system
 * call that can change something, until it gets through. After each death one
 * reconcile must bring kernel and records together, the verb repeated must
 * succeed, and a detach must leave nothing.
 */
#include "killer.h"
#include "netns.h"
#include "real-host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MAC1 "52:54:00:00:00:01"

/* --- verbs -------------------------------------------------------------------- */

typedef bool (*Verb)(L3vm *host, GError **error);

static bool attach_one(L3vm *host, L3vmPort *given, L3vmAttachMode mode, GError **error)
{
	g_autoptr(L3vmPort) port = given;

	return l3vm_attach(host, &port, 1, mode, error);
}

#define ADDRESSES "10.0.0.1 2001:db8::1 10.1.0.0/24"

static bool attach_routed(L3vm *host, GError **error)
{
	return attach_one(host, real_request("vm1", "tap1", MAC1, ADDRESSES, NULL),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_prepared(L3vm *host, GError **error)
{
	return attach_one(host, real_request("vm1", "tap1", MAC1, ADDRESSES, NULL),
			  L3VM_ATTACH_PREPARED, error);
}

static bool attach_tenant(L3vm *host, GError **error)
{
	return attach_one(host,
			  real_request("vm1", "tap1", MAC1, "10.0.0.9 2001:db8::1",
				       "tenant"),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_bridged(L3vm *host, GError **error)
{
	return attach_one(host, real_request("vm1", "tap1", MAC1, "10.0.0.1", "lan"),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_two(L3vm *host, GError **error)
{
	return real_attach_two(host, "10.0.0.1", "2001:db8::2", "lan", error);
}

static bool swap(L3vm *host, GError **error)
{
	return real_attach_two(host, "2001:db8::2", "10.0.0.1", NULL, error);
}

static bool leaving(L3vm *host, GError **error);

static bool leave_with_two(L3vm *host, GError **error)
{
	return real_attach_two(host, "10.0.0.1", "2001:db8::2", NULL, error) &&
	       leaving(host, error);
}

static bool swap_on_bridge(L3vm *host, GError **error)
{
	return real_attach_two(host, "2001:db8::2", "10.0.0.1", "lan", error);
}

static bool arrived(L3vm *host, GError **error)
{
	return l3vm_migrate_notify(host, "vm1", L3VM_PHASE_ARRIVED, error);
}

static bool leaving(L3vm *host, GError **error)
{
	return l3vm_migrate_notify(host, "vm1", L3VM_PHASE_LEAVING, error);
}

static bool detach(L3vm *host, GError **error)
{
	return l3vm_detach_guest(host, "vm1", error);
}

static const struct Scenario {
	const char *name;
	Verb before, verb;
	unsigned deaths; /* at least */
} scenarios[] = {
	{ "attach", NULL, attach_routed, 30 },
	{ "attach two ports to a bridge", NULL, attach_two, 40 },
	{ "other network and addresses", attach_routed, attach_tenant, 30 },
	{ "back out of a table", attach_tenant, attach_routed, 25 },
	{ "out of routed mode", attach_routed, attach_bridged, 30 },
	{ "addresses between ports of a bridge", attach_two, swap_on_bridge, 30 },
	{ "addresses from one port to the other", leave_with_two, swap, 30 },
	{ "arrived", attach_prepared, arrived, 10 },
	{ "leaving", attach_routed, leaving, 15 },
	{ "leaving, in a table", attach_tenant, leaving, 10 },
	{ "detach", attach_routed, detach, 20 },
	{ "detach from a bridge", attach_two, detach, 15 },
};

/* --- killing -------------------------------------------------------------------- */

static void run_exposed(const RealHost *host, Verb verb)
{
	L3vm *l3vm;

	if (!killer_expose())
		_exit(77);
	l3vm = real_host_open(host);
	_exit(verb(l3vm, NULL) ? 0 : 1);
}

/* Runs @verb in a child that dies before its @n-th change. False: it made fewer,
 * and ended by itself. */
static bool dies_before(const RealHost *host, Verb verb, unsigned n)
{
	pid_t child = fork();
	unsigned made;
	int status;

	if (child == 0)
		run_exposed(host, verb);
	if (killer_watch(child, n, &made, &status))
		return true;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* --- and then ------------------------------------------------------------- */

/* @error is an argument of the call too: only its address is known before. */
static void must(bool ok, GError **error, const char *what, unsigned n)
{
	if (!ok)
		fail_msg("death %u: %s: %s", n, what,
			 *error ? (*error)->message : "no error is set");
}

static void assert_consistent(const RealHost *host, const char *when, unsigned n)
{
	g_autofree char *text = real_host_difference(host);

	if (text)
		fail_msg("death %u: %s:\n%s", n, when, text);
}

static void assert_reconciles(RealHost *host, unsigned n)
{
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	g_autoptr(GError) error = NULL;

	must(l3vm_reconcile(host->l3vm, false, &first, &error), &error, "reconcile", n);
	assert_consistent(host, "after reconcile", n);
	must(l3vm_reconcile(host->l3vm, false, &second, &error), &error, "reconcile",
	     n);
	if (*second)
		fail_msg("death %u: a second reconcile says:\n%s", n, second);
}

/* False when the @n-th change is one too many. */
static bool survives(const struct Scenario *scenario, unsigned n)
{
	RealHost *host = real_host_new(2);
	g_autoptr(GError) error = NULL;
	g_autofree char *records = NULL;
	bool died;

	if (scenario->before)
		must(scenario->before(host->l3vm, &error), &error, "before", n);
	died = dies_before(host, scenario->verb, n);
	if (died)
		assert_reconciles(host, n);
	/* after a failure, or a detach that came through, there is no guest to
	 * tell of a migration */
	if (scenario->verb != arrived && scenario->verb != leaving)
		must(scenario->verb(host->l3vm, &error), &error, "again", n);
	assert_consistent(host, "after all", n);
	must(detach(host->l3vm, &error), &error, "detach", n);
	assert_consistent(host, "after detach", n);
	records = real_host_records(host);
	if (*records)
		fail_msg("death %u: left on record:\n%s", n, records);
	real_host_free(host);
	return died;
}

/* All of them; with sanitizers, which take five times as long, every third. */
static void test_scenario(void **state)
{
	const struct Scenario *scenario = *state;
	unsigned step = g_getenv("L3VM_SANITIZED") ? 3 : 1, n = 0;

	while (survives(scenario, n))
		n += step;
	assert_true(n >= scenario->deaths);
}

static void ignore(const char *line, void *data)
{
	(void)line;
	(void)data;
}

int main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(scenarios)];

	if (!netns_begin())
		return 77;
	l3vm_set_log_sink(ignore, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++)
		tests[i] =
			(struct CMUnitTest){ .name = scenarios[i].name,
					     .test_func = test_scenario,
					     .initial_state = (void *)&scenarios[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
