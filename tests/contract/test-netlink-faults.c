/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-netlink-faults.c - the kernel does not answer as it should, once
 *
 * Each verb, with each fault, at one message after the other: it either succeeds, and
 * all is as it should be, or says in one line what is wrong, and all is as before. Then
 * a reconcile without a fault brings kernel and records together. Nothing is removed
 * because it was not heard of, and nothing of others' is touched.
 *
 * It tries one message in 25 (with sanitizers, in 75), others for each fault;
 * L3VM_FAULTS=1 in the environment tries each, with each errno.
 */
#include "netlink-faults.h"
#include "netns.h"
#include "real-host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAC1 "52:54:00:00:00:01"
#define MAC3 "52:54:00:00:00:03"

/* --- verbs ----------------------------------------------------------------------- */

typedef bool (*Verb)(L3vm *host, GError **error);

static bool attach(L3vm *host, GError **error)
{
	return real_attach_two(host, "10.0.0.1 2001:db8::1 10.1.0.0/24", "10.0.0.2",
			       NULL, error);
}

static bool attach_other(L3vm *host, GError **error)
{
	return real_attach_two(host, "10.0.0.2 2001:db8::3", "10.0.0.1", "tenant",
			       error);
}

static bool attach_bridge(L3vm *host, GError **error)
{
	return real_attach_two(host, "10.0.0.1 2001:db8::1", "10.0.0.2", "lan", error);
}

static bool prepare(L3vm *host, GError **error)
{
	g_autoptr(L3vmPort)
		port = real_request("vm1", "tap1", MAC1, "10.0.0.1 2001:db8::1", NULL);

	return l3vm_attach(host, &port, 1, L3VM_ATTACH_PREPARED, error);
}

static bool arrived(L3vm *host, GError **error)
{
	return l3vm_migrate_notify(host, "vm1", L3VM_PHASE_ARRIVED, error);
}

static bool leaving(L3vm *host, GError **error)
{
	return l3vm_migrate_notify(host, "vm1", L3VM_PHASE_LEAVING, error);
}

static bool attach_vm2(L3vm *host, const char *addresses, GError **error)
{
	g_autoptr(L3vmPort) port = real_request("vm2", "tap3", MAC3, addresses, NULL);

	return l3vm_attach(host, &port, 1, L3VM_ATTACH_LIVE, error);
}

static bool attach_taken(L3vm *host, GError **error)
{
	return attach_vm2(host, "10.0.0.9 10.0.0.1", error);
}

static bool add_local(L3vm *host, GError **error)
{
	run("ip addr add 10.0.0.8/32 dev lo");
	return attach(host, error);
}

static bool attach_local(L3vm *host, GError **error)
{
	return attach_vm2(host, "10.0.0.9 10.0.0.8", error);
}

static bool detach(L3vm *host, GError **error)
{
	return l3vm_detach_guest(host, "vm1", error);
}

static bool reconcile(L3vm *host, GError **error)
{
	return l3vm_reconcile(host, false, NULL, error);
}

static bool attach_and_lose(L3vm *host, GError **error)
{
	if (!attach(host, error))
		return false;
	run("ip route del 10.0.0.1 dev tap1");
	run("ip -6 neigh del 2001:db8::1 dev tap1");
	return true;
}

typedef enum {
	AS_BEFORE, /* when it fails, all is as it was */
	FORWARD,   /* when it fails, as much is done as possible */
	NEVER,	   /* it must not succeed */
} Manner;

static const struct Scenario {
	const char *name;
	Verb before, verb;
	Manner manner;
} scenarios[] = {
	{ "attach", NULL, attach, AS_BEFORE },
	{ "attach to a bridge", NULL, attach_bridge, AS_BEFORE },
	{ "other network and addresses", attach, attach_other, AS_BEFORE },
	{ "arrived", prepare, arrived, AS_BEFORE },
	{ "leaving", attach, leaving, AS_BEFORE },
	{ "detach", attach, detach, FORWARD },
	{ "reconcile", attach_and_lose, reconcile, FORWARD },
	{ "reconcile with nothing to do", attach, reconcile, AS_BEFORE },
	{ "another guest's address", attach, attach_taken, NEVER },
	{ "the host's own address", add_local, attach_local, NEVER },
};

/* --- faults ---------------------------------------------------------------------- */

static const int errnums[] = { EPERM,  EEXIST,	 ENOENT, ESRCH,
			       ENODEV, ENETDOWN, EBUSY,	 ENOMEM };

static const char *const fault_names[FAULT_COUNT] = {
	[FAULT_LOST] = "lost",
	[FAULT_INTERRUPTED] = "EINTR",
	[FAULT_LATE] = "late",
	[FAULT_TRUNCATED] = "truncated",
	[FAULT_SEQUENCE] = "sequence",
	[FAULT_SENDER] = "sender",
	[FAULT_INCONSISTENT] = "DUMP_INTR",
	[FAULT_OMITTED] = "omitted",
	[FAULT_REFUSED] = "refused",
};

typedef struct Case {
	const struct Scenario *scenario;
	Fault fault;
	const char *said; /* by the verb */
} Case;

static void expect(bool ok, const Case *c, const char *what, const char *text)
{
	if (!ok)
		fail_msg("%s, %s (%s) at %u: %s\n%s\n(it said: %s)", c->scenario->name,
			 fault_names[c->fault.kind], g_strerror(c->fault.errnum),
			 c->fault.at, what, text ? text : "",
			 c->said ? c->said : "nothing");
}

static void expect_consistent(const RealHost *host, const Case *c, const char *when)
{
	g_autofree char *text = real_host_difference(host);

	expect(!text, c, when, text);
}

static void expect_done(bool ok, GError **error, const Case *c, const char *what)
{
	expect(ok, c, what, *error ? (*error)->message : NULL);
}

/* All ports' records, and how many reservations there are. */
static char *records_of(const RealHost *host)
{
	g_autoptr(GPtrArray) ports = l3vm_record_list(host->l3vm->store, NULL);
	g_autofree char *names = real_host_records(host);
	g_auto(GStrv) lines = g_strsplit(names, "\n", -1);
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%u files\n", g_strv_length(lines));

	for (guint i = 0; i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);
		g_autofree char *path = g_strdup_printf("%s/state/ports/%s.json",
							host->dir, port->ifname);
		g_autofree char *json = NULL;

		assert_true(g_file_get_contents(path, &json, NULL, NULL));
		g_string_append(text, json);
	}
	return g_string_free(text, FALSE);
}

/* --- others' -------------------------------------------------------------------- */

static void add_strangers(void)
{
	run_batch("link add up0 type veth peer name up1\n"
		  "link set up0 addrgenmode none up\n"
		  "addr add 192.0.2.1/24 dev up0\n"
		  "addr add 2001:db8:c::1/64 dev up0 nodad\n"
		  "route add 10.0.0.1 via 192.0.2.2 dev up0 metric 32 proto 12 onlink\n"
		  "route add 10.0.0.2 via 192.0.2.2 dev up0 metric 3 proto 4 onlink\n"
		  "route add 2001:db8::1 via 2001:db8:c::2 dev up0 metric 32 onlink\n"
		  "neigh add 10.0.0.1 lladdr " MAC1 " dev up0 nud permanent\n"
		  "neigh add 2001:db8::1 lladdr " MAC1 " dev up0 nud permanent\n"
		  "rule add pref 7600 iif tap1 lookup 200\n");
	run("nft add table inet stranger");
	run("nft add set inet stranger ports { type ifname; elements = { tap1 }; }");
}

static char *strangers(void)
{
	GString *text = g_string_new(NULL);
	static const char *const questions[] = {
		"ip route show dev up0",
		"ip -6 route show dev up0",
		"ip neigh show nud permanent dev up0",
		"ip addr show dev up0",
		"ip rule list pref 7600",
		"nft list table inet stranger",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
		g_autofree char *answer = output("%s", questions[i]);

		g_string_append(text, answer);
	}
	return g_string_free(text, FALSE);
}

/* --- one case -------------------------------------------------------------- */

static void judge(const RealHost *host, const Case *c, bool ok, const GError *error,
		  const char *before)
{
	g_autofree char *after = records_of(host);

	expect(!ok || c->scenario->manner != NEVER, c, "it must not succeed", NULL);
	if (!ok)
		expect(error && *error->message && !strchr(error->message, '\n'), c,
		       "one line of what is wrong", NULL);
	if (!ok && c->scenario->manner != FORWARD)
		expect(!strcmp(before, after), c, "the records are not as before",
		       after);
	if (ok || c->scenario->manner != FORWARD)
		expect_consistent(host, c, ok ? "after success" : "after failure");
}

static void expect_reconciled(const RealHost *host, const Case *c)
{
	g_autofree char *report = NULL;
	g_autoptr(GError) error = NULL;

	expect_done(reconcile(host->l3vm, &error), &error, c, "reconcile");
	expect_consistent(host, c, "after reconcile");
	expect_done(l3vm_reconcile(host->l3vm, false, &report, &error), &error, c,
		    "second reconcile");
	expect(!*report, c, "a second reconcile says", report);
}

/* False when the fault did not come: the verb has fewer messages. */
static bool try(Case *c, bool with_strangers)
{
	RealHost *host = real_host_new(3);
	g_autofree char *foreign = NULL;
	g_autofree char *before = NULL;
	g_autofree char *left = NULL;
	g_autofree char *said = NULL;
	g_autoptr(GError) error = NULL;
	bool ok, fired;

	if (with_strangers) {
		add_strangers();
		foreign = strangers();
	}
	if (c->scenario->before)
		expect_done(c->scenario->before(host->l3vm, &error), &error, c,
			    "before");
	assert_true(l3vm_need_store(host->l3vm, NULL));
	before = records_of(host);
	fault_arm(&c->fault);
	ok = c->scenario->verb(host->l3vm, &error);
	fired = fault_disarm();
	said = error ? g_strdup(error->message) : NULL;
	c->said = said;
	judge(host, c, ok, error, before);
	g_clear_error(&error);
	expect_reconciled(host, c);
	expect_done(detach(host->l3vm, &error), &error, c, "detach");
	expect_consistent(host, c, "after detach");
	left = real_host_records(host);
	expect(!*left, c, "left on record", left);
	if (with_strangers) {
		g_autofree char *now = strangers();

		expect(!strcmp(now, foreign), c, "others' have changed", now);
	}
	real_host_free(host);
	c->said = NULL;
	return fired;
}

static unsigned stride(Manner manner)
{
	if (g_getenv("L3VM_FAULTS") || manner == NEVER)
		return 1;
	return g_getenv("L3VM_SANITIZED") ? 75 : 25;
}

static void test_scenario(void **state)
{
	Case c = { .scenario = *state };
	unsigned tried = 0, step = stride(c.scenario->manner);
	size_t errors = step == 1 ? G_N_ELEMENTS(errnums) : 1;

	for (c.fault.kind = 0; c.fault.kind < FAULT_COUNT; c.fault.kind++)
		for (size_t i = 0; i < (c.fault.kind == FAULT_REFUSED ? errors : 1);
		     i++) {
			bool fired;

			c.fault.at = c.fault.kind % step;
			do {
				c.fault.errnum =
					errnums[(tried + i) % G_N_ELEMENTS(errnums)];
				if (step == 1)
					c.fault.errnum = errnums[i];
				fired = try(&c, c.fault.at < step);
				tried += fired;
				c.fault.at += step;
			} while (fired);
		}
	print_message("# %s: %u faults\n", c.scenario->name, tried);
	assert_true(tried > 0);
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
