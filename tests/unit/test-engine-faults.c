/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-engine-faults.c - all or nothing, whichever operation fails
 *
 * Each scenario is run again and again, with the kernel refusing its first,
 * second, third ... operation, until it gets through. After each refusal the
 * kernel, the records and the reservations are byte by byte as before, the
 * error is one line with the kernel's words, and the same call then succeeds.
 */
#include "engine.h"

#include "engine-host.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

typedef bool (*Verb)(Host *host, GError **error);

/* --- what is done --------------------------------------------------------------- */

static bool attach_one(Host *host, L3vmPort *given, L3vmAttachMode mode, GError **error)
{
	g_autoptr(L3vmPort) port = given;

	return l3vm_attach(host->l3vm, &port, 1, mode, error);
}

#define FULL "10.0.0.1 10.0.0.11 2001:db8::1 192.0.2.0/25 2001:db8:1::/64"

static bool attach_routed(Host *host, GError **error)
{
	return attach_one(host, request("vm1", "tap1", MAC1, FULL, NULL),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_prepared(Host *host, GError **error)
{
	return attach_one(host, request("vm1", "tap1", MAC1, FULL, NULL),
			  L3VM_ATTACH_PREPARED, error);
}

static bool attach_second_prepared(Host *host, GError **error)
{
	return attach_one(host, request("vm1", "tap2", MAC2, "10.0.0.2", NULL),
			  L3VM_ATTACH_PREPARED, error);
}

static bool attach_tenant(Host *host, GError **error)
{
	return attach_one(host, request("vm1", "tap1", MAC1, FULL, "tenant"),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_bridged(Host *host, GError **error)
{
	return attach_one(host, request("vm1", "tap1", MAC1, FULL, "lan"),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_sibling(Host *host, GError **error)
{
	return attach_one(host,
			  request("vm2", "tap2", MAC2, "10.0.0.2 2001:db8::2", "lan"),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_other_addresses(Host *host, GError **error)
{
	return attach_one(host,
			  request("vm1", "tap1", MAC1,
				  "10.0.0.11 10.0.0.12 2001:db8::9", NULL),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_other_mac(Host *host, GError **error)
{
	return attach_one(host, request("vm1", "tap1", MAC3, FULL, NULL),
			  L3VM_ATTACH_LIVE, error);
}

static bool attach_two(Host *host, GError **error)
{
	g_autoptr(L3vmPort) first = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);
	g_autoptr(L3vmPort) second = request("vm1", "tap2", MAC2, "10.0.0.2", "lan");
	L3vmPort *ports[] = { first, second };

	return l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_LIVE, error);
}

static bool attach_two_swapped(Host *host, GError **error)
{
	g_autoptr(L3vmPort) first = request("vm1", "tap1", MAC1, "10.0.0.2", NULL);
	g_autoptr(L3vmPort) second = request("vm1", "tap2", MAC2, "10.0.0.1", "lan");
	L3vmPort *ports[] = { first, second };

	return l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_LIVE, error);
}

/* As a hook says it: with NICs to remember. */
static bool attach_described(Host *host, GError **error)
{
	L3vmPort *port = request("vm1", "tap1", MAC1, FULL, NULL);

	l3vm_port_set_optional(port, true);
	return attach_one(host, port, L3VM_ATTACH_START, error);
}

static bool incoming(Host *host, GError **error)
{
	g_autoptr(L3vmPort) port = request("vm1", NULL, MAC1, FULL, NULL);

	return l3vm_incoming(host->l3vm, "vm1", UUID1, &port, 1, 30, error);
}

static bool arrived(Host *host, GError **error)
{
	return l3vm_migrate_notify(host->l3vm, "vm1", L3VM_PHASE_ARRIVED, error);
}

static bool leaving(Host *host, GError **error)
{
	return l3vm_migrate_notify(host->l3vm, "vm1", L3VM_PHASE_LEAVING, error);
}

static bool aborted(Host *host, GError **error)
{
	return l3vm_migrate_notify(host->l3vm, "vm1", L3VM_PHASE_ABORTED, error);
}

static bool new_gateway(Host *host, GError **error)
{
	(void)error;
	host_reopen(host, "[network default]\ngateway-mac = 02:00:00:00:00:99\n"
			  "gateway4 = 169.254.0.9\n");
	return true;
}

static bool plug(Host *host, GError **error)
{
	g_autoptr(L3vmPort) port = request("vm1", NULL, MAC2, "10.0.0.2", NULL);

	l3vm_port_set_hint(port, "br0", "lan");
	return l3vm_plug(host->l3vm, port, error);
}

static bool prepare(Host *host, GError **error)
{
	g_autoptr(L3vmPort) port = request("vm1", NULL, MAC1, "10.0.0.1", "lan");

	return l3vm_prepare(host->l3vm, &port, 1, error);
}

static bool network_up(Host *host, GError **error)
{
	return l3vm_network_up(host->l3vm, "lan", "br0", error);
}

static const struct Scenario {
	const char *name;
	Verb before[3];
	Verb verb;
	unsigned operations; /* at least; so that a scenario cannot be empty */
} scenarios[] = {
	{ "routed", { NULL }, attach_routed, 15 },
	{ "prepared", { NULL }, attach_prepared, 10 },
	{ "tenant", { NULL }, attach_tenant, 25 },
	{ "bridge, to be made", { NULL }, attach_bridged, 30 },
	{ "bridge, there", { attach_sibling }, attach_bridged, 12 },
	{ "two ports", { NULL }, attach_two, 40 },
	{ "described by a hook", { NULL }, attach_described, 15 },
	{ "described, target of a migration", { incoming }, attach_described, 10 },
	{ "other addresses", { attach_routed }, attach_other_addresses, 8 },
	{ "other MAC", { attach_routed }, attach_other_mac, 3 },
	{ "other network", { attach_routed }, attach_tenant, 10 },
	{ "into a bridge", { attach_routed }, attach_bridged, 20 },
	{ "out of a table", { attach_tenant }, attach_routed, 10 },
	{ "two ports swap", { attach_two }, attach_two_swapped, 4 },
	{ "new gateway", { attach_routed, new_gateway }, attach_routed, 5 },
	{ "new gateway, other addresses",
	  { attach_routed, new_gateway },
	  attach_other_addresses,
	  8 },
	{ "prepared becomes live", { attach_prepared }, attach_routed, 5 },
	{ "live becomes prepared", { attach_routed }, attach_prepared, 5 },
	{ "arrived", { attach_prepared }, arrived, 5 },
	{ "leaving", { attach_routed }, leaving, 10 },
	{ "leaving, in a table", { attach_tenant }, leaving, 10 },
	{ "leaving, bridged", { attach_bridged }, leaving, 10 },
	{ "aborted on the source", { attach_routed, leaving }, aborted, 10 },
	{ "aborted where one leaves and one has not come",
	  { attach_routed, leaving, attach_second_prepared },
	  aborted,
	  20 },
	{ "hot-plug", { attach_described }, plug, 15 },
	{ "bridge prepared", { NULL }, prepare, 15 },
	{ "network started", { NULL }, network_up, 15 },
};

/* --- each of them with each fault ---------------------------------------------- */

static Host *host_before(const struct Scenario *scenario)
{
	Host *host = host_new();

	for (size_t i = 0; i < G_N_ELEMENTS(scenario->before) && scenario->before[i];
	     i++) {
		g_autoptr(GError) error = NULL;

		assert_ok(scenario->before[i](host, &error), &error);
	}
	return host;
}

/* What the scenario leads to when nothing fails. */
static char *kernel_after(const struct Scenario *scenario)
{
	Host *host = host_before(scenario);
	g_autoptr(GError) error = NULL;
	char *text;

	assert_ok(scenario->verb(host, &error), &error);
	text = kernel_text(host);
	host_free(host);
	return text;
}

static void assert_all_undone(Host *host, const char *before, GError **error)
{
	g_autofree char *text = assert_fails(false, error, L3VM_ERROR_FAILED);
	g_autofree char *after = snapshot(host);

	assert_non_null(strstr(text, "(injected)"));
	assert_non_null(strstr(text, "Input/output error"));
	assert_string_equal(after, before);
	assert_string_equal(host->warnings->str, "");
}

/* False when the @n-th operation is one too many. */
static bool fails_at(const struct Scenario *scenario, int n, const char *wanted)
{
	Host *host = host_before(scenario);
	g_autofree char *before = snapshot(host);
	g_autofree char *kernel = NULL;
	GError *error = NULL;
	bool ok;

	l3vm_kernel_fake_fail_at(host->kernel, n, EIO);
	ok = scenario->verb(host, &error);
	l3vm_kernel_fake_fail_at(host->kernel, -1, 0);
	if (!ok) {
		assert_all_undone(host, before, &error);
		assert_ok(scenario->verb(host, &error), &error);
	}
	kernel = kernel_text(host);
	assert_string_equal(kernel, wanted);
	host_free(host);
	return !ok;
}

static void test_scenario(void **state)
{
	const struct Scenario *scenario = *state;
	g_autofree char *wanted = kernel_after(scenario);
	int n = 0;

	while (fails_at(scenario, n, wanted))
		n++;
	assert_true((unsigned)n >= scenario->operations);
}

/* --- removals go as far as they can --------------------------------------- */

static bool stopped(Host *host, GError **error)
{
	return l3vm_detach_guest(host->l3vm, "vm1", error);
}

static bool left(Host *host, GError **error)
{
	return l3vm_migrate_notify(host->l3vm, "vm1", L3VM_PHASE_LEFT, error);
}

static bool detach_port(Host *host, GError **error)
{
	return l3vm_detach_port(host->l3vm, "tap1", error);
}

static const struct Scenario removals[] = {
	{ "stopped, routed", { attach_routed }, stopped, 12 },
	{ "stopped, tenant", { attach_tenant }, stopped, 15 },
	{ "stopped, bridged", { attach_bridged }, stopped, 10 },
	{ "stopped, prepared", { attach_prepared }, stopped, 5 },
	{ "left", { attach_routed, leaving }, left, 12 },
	{ "detach", { attach_routed }, detach_port, 12 },
};

/* All but the one operation is done, the port is on record as gone, and the
 * next reconcile finishes. */
static bool removal_fails_at(const struct Scenario *scenario, int n, const char *wanted)
{
	Host *host = host_before(scenario);
	g_autofree char *records = NULL;
	g_autofree char *kernel = NULL;
	GError *error = NULL;
	bool ok;

	l3vm_kernel_fake_fail_at(host->kernel, n, EIO);
	ok = scenario->verb(host, &error);
	l3vm_kernel_fake_fail_at(host->kernel, -1, 0);
	if (!ok) {
		g_autofree char *text = assert_fails(false, &error, L3VM_ERROR_FAILED);
		g_autofree char *report = NULL;

		assert_non_null(strstr(text, "(injected)"));
		assert_int_equal(state_of(host, "tap1"), L3VM_STATE_GONE);
		records = record_text(host);
		assert_non_null(strstr(records, "ports/tap1.json"));
		g_free(records);
		assert_ok(l3vm_reconcile(host->l3vm, false, &report, &error), &error);
		assert_non_null(strstr(report, "removal was not finished"));
		assert_null(strstr(report, "left alone"));
	}
	kernel = kernel_text(host);
	assert_string_equal(kernel, wanted);
	records = record_text(host);
	assert_string_equal(records, "");
	host_free(host);
	return !ok;
}

static void test_removal(void **state)
{
	const struct Scenario *scenario = *state;
	g_autofree char *wanted = kernel_after(scenario);
	int n = 0;

	while (removal_fails_at(scenario, n, wanted))
		n++;
	assert_true((unsigned)n >= scenario->operations);
}

/* --- faults of the state directory ---------------------------------------- */

/* As on a full disk: files can be made, nothing can be written to them. */
static void fill_disk(bool full)
{
	struct rlimit limit;

	signal(SIGXFSZ, full ? SIG_IGN : SIG_DFL);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 0 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
	const struct Scenario *scenario = *state;
	Host *host = host_before(scenario);
	g_autofree char *before = snapshot(host);
	g_autofree char *after = NULL;
	g_autofree char *text = NULL;
	unsigned applied = l3vm_kernel_fake_applied(host->kernel);
	GError *error = NULL;
	bool ok;

	fill_disk(true);
	ok = scenario->verb(host, &error);
	fill_disk(false);
	/* made on the bridge only, without a record */
	if (scenario->verb == prepare || scenario->verb == network_up) {
		assert_ok(ok, &error);
		host_free(host);
		return;
	}
	text = assert_fails(ok, &error, L3VM_ERROR_FAILED);
	after = snapshot(host);
	assert_string_equal(after, before);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), applied);
	assert_ok(scenario->verb(host, &error), &error);
	host_free(host);
}

/* A guest that stopped loses its routes all the same. */
static void test_full_disk_removal(void **state)
{
	const struct Scenario *scenario = *state;
	Host *host = host_before(scenario);
	GError *error = NULL;

	fill_disk(true);
	scenario->verb(host, &error);
	fill_disk(false);
	g_clear_error(&error);
	assert_no_kernel(host, "unicast");
	assert_no_kernel(host, "ip neigh");
	assert_no_kernel(host, "pref 7601");
	host_free(host);
}

static int run_all(const char *name, const struct Scenario *table, size_t n,
		   CMUnitTestFunction test)
{
	g_autofree struct CMUnitTest *tests = g_new0(struct CMUnitTest, n);

	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ .name = table[i].name,
						.test_func = test,
						.initial_state = (void *)&table[i] };
	return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

int main(void)
{
	return run_all("kernel", scenarios, G_N_ELEMENTS(scenarios), test_scenario) +
	       run_all("removal", removals, G_N_ELEMENTS(removals), test_removal) +
	       run_all("disk", scenarios, G_N_ELEMENTS(scenarios), test_full_disk) +
	       run_all("disk, removal", removals, G_N_ELEMENTS(removals),
		       test_full_disk_removal);
}
