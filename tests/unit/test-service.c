/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-service.c - service addresses: states, and what is in the kernel when */
#include "engine-host.h"

#define A4 "192.0.2.53"
#define A6 "2001:db8::53"
#define R4 "service:" A4
#define R6 "service:" A6

/* "ROUTE METRIC" as the kernel's text has it */
#define ROUTE4(metric) "unicast " A4 "/32 dev lo proto 76 metric " metric " table 254"
#define ROUTE6(metric) "unicast " A6 "/128 dev lo proto 76 metric " metric " table 254"
#define LAST	       "4194305000"

static int begin(void **state)
{
	host_begin(state);
	l3vm_kernel_fake_add_link(((Host *)*state)->kernel, "lo", false);
	return 0;
}

#define with_lo(f) cmocka_unit_test_setup_teardown(f, begin, host_end)

static void add(Host *host, const char *address, const char *check)
{
	g_autoptr(L3vmPort) service = l3vm_service_new(address, NULL);
	g_autoptr(GError) error = NULL;

	if (check)
		assert_true(l3vm_service_set_check(service, check, 5000, 2, 3, NULL));
	assert_ok(l3vm_service_add(host->l3vm, service, &error), &error);
}

static void drain(Host *host, const char *address, bool wanted)
{
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_service_drain(host->l3vm, address, wanted, &error), &error);
}

static void found(Host *host, const char *address, bool well)
{
	g_autoptr(L3vmPort) service = l3vm_service_new(address, NULL);
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_service_found(host->l3vm, service, well, &error), &error);
}

static void remove_it(Host *host, const char *address)
{
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_service_remove(host->l3vm, address, &error), &error);
}

static void test_states(void **state)
{
	static const struct {
		bool well, drain;
		L3vmState state;
		const char *name;
	} cases[] = {
		{ true, false, L3VM_STATE_LIVE, "up" },
		{ true, true, L3VM_STATE_LEAVING, "draining" },
		{ false, false, L3VM_STATE_PREPARED, "down" },
		{ false, true, L3VM_STATE_PREPARED, "down" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const L3vmService service = { .well = cases[i].well,
					      .drain = cases[i].drain };

		assert_int_equal(l3vm_service_state(&service), cases[i].state);
		assert_string_equal(l3vm_service_state_name(cases[i].state),
				    cases[i].name);
	}
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"service:",
		"service:192.0.2.053",
		"service:192.0.2.53/32",
		"service:2001:DB8::53",
		"service:../ports/x",
		"service:2001:db8:0::53",
		"Service:192.0.2.53",
	};

	(void)state;
	assert_true(l3vm_service_name_is_valid(R4));
	assert_true(l3vm_service_name_is_valid(R6));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_false(l3vm_service_name_is_valid(bad[i]));
}

static void test_checks(void **state)
{
	static const struct {
		const char *command;
		unsigned interval, rise, fall;
	} bad[] = {
		{ "", 5000, 2, 3 },
		{ "  ", 5000, 2, 3 },
		{ "dig", 5000, 2, 3 },
		{ "/bin/true 'x", 5000, 2, 3 },
		{ "''", 5000, 2, 3 },
		{ "/bin/true", 99, 2, 3 },
		{ "/bin/true", 3600001, 2, 3 },
		{ "/bin/true", 5000, 0, 3 },
		{ "/bin/true", 5000, 101, 3 },
		{ "/bin/true", 5000, 2, 0 },
		{ "/bin/true", 5000, 2, 101 },
	};
	g_autoptr(L3vmPort) service = l3vm_service_new(A4, NULL);
	g_autoptr(GError) error = NULL;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *why = NULL;
		g_autoptr(GError) failure = NULL;

		why = assert_fails(l3vm_service_set_check(service, bad[i].command,
							  bad[i].interval, bad[i].rise,
							  bad[i].fall, &failure),
				   &failure, L3VM_ERROR_USAGE);
		assert_null(service->service->check);
	}
	/* split as a shell would, and nothing expanded */
	assert_true(l3vm_service_set_check(service, "/bin/c 'a b' $HOME *", 5000, 2, 3,
					   &error));
	assert_int_equal(g_strv_length(service->service->check), 4);
	assert_string_equal(service->service->check[1], "a b");
	assert_string_equal(service->service->check[2], "$HOME");
	assert_false(service->service->well);
}

static void test_life(void **state)
{
	Host *host = *state;
	g_autofree char *after = NULL;

	add(host, A4, NULL);
	add(host, A6, NULL);
	assert_kernel(host, "addr add " A4 " peer 127.0.2.53/32 dev lo noprefixroute");
	assert_kernel(host, "addr add " A6 " peer ::1/128 dev lo noprefixroute nodad "
			    "preferred_lft 0");
	assert_kernel(host, ROUTE4("5"));
	assert_kernel(host, ROUTE6("5"));
	drain(host, A4, true);
	assert_no_kernel(host, ROUTE4("5"));
	assert_kernel(host, ROUTE4(LAST));
	assert_kernel(host, ROUTE6("5"));
	add(host, A4, NULL);
	assert_kernel(host, ROUTE4(LAST)); /* to change it is not to undrain it */
	drain(host, A4, false);
	assert_kernel(host, ROUTE4("5"));
	remove_it(host, A4);
	remove_it(host, A6);
	remove_it(host, A6);
	after = snapshot(host);
	/* lo is up, as it has to be */
	assert_null(strstr(after, "192.0.2.53"));
	assert_null(strstr(after, "2001:db8::53"));
	assert_int_equal(kernel_count(host, "proto 76"), 0);
	assert_string_equal(host->warnings->str, "");
}

static void test_health(void **state)
{
	Host *host = *state;

	add(host, A6, "/bin/true");
	assert_kernel(host, "addr add " A6);
	assert_no_kernel(host, ROUTE6("5")); /* nothing is known yet */
	found(host, A6, true);
	assert_kernel(host, ROUTE6("5"));
	drain(host, A6, true);
	found(host, A6, false);
	assert_no_kernel(host, "proto 76");
	assert_kernel(host, "addr add " A6);
	found(host, A6, true);
	assert_kernel(host, ROUTE6(LAST)); /* still drained */
	add(host, A6, "/bin/false");
	assert_kernel(host, ROUTE6(LAST)); /* and well until its check says no */
	drain(host, A6, false);
	found(host, A6, false);
	add(host, A6, NULL);
	assert_kernel(host, ROUTE6("5")); /* without a check it always is */
	found(host, A6, false);
	assert_kernel(host, ROUTE6("5")); /* the last word of a check that is gone */
	remove_it(host, A6);
	found(host, A6, true);
	assert_int_equal(kernel_count(host, "proto 76"), 0);
}

static void test_reserved(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) service = l3vm_service_new("10.0.0.1", NULL);
	g_autoptr(L3vmPort) local = l3vm_service_new("10.0.0.9", NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;
	L3vmAddr addr = prefix_of("10.0.0.9");

	attach(host, request1(), L3VM_ATTACH_LIVE);
	why = assert_fails(l3vm_service_add(host->l3vm, service, &error), &error,
			   L3VM_ERROR_REFUSED);
	assert_non_null(strstr(why, "taken by guest vm1"));
	detach(host, "vm1");
	assert_ok(l3vm_service_add(host->l3vm, service, &error), &error);
	g_free(refused(host, request1(), L3VM_ERROR_REFUSED));
	l3vm_kernel_fake_add_local(host->kernel, &addr);
	g_free(why);
	why = assert_fails(l3vm_service_add(host->l3vm, local, &error), &error,
			   L3VM_ERROR_REFUSED);
	assert_non_null(strstr(why, "own address already"));
}

/* Of a network it has where routes are, what is allowed, and nothing of guests. */
static void test_networks(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) apart = l3vm_service_new("10.0.1.53", NULL);
	g_autoptr(L3vmPort) bridged = l3vm_service_new("10.0.2.53", NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	assert_true(l3vm_port_set_network(apart, "tenant", NULL));
	assert_true(l3vm_port_set_network(bridged, "lan", NULL));
	assert_ok(l3vm_service_add(host->l3vm, apart, &error), &error);
	assert_ok(l3vm_service_add(host->l3vm, bridged, &error), &error);
	assert_kernel(host, "10.0.1.53/32 dev lo proto 76 metric 5 table 100");
	assert_kernel(host, "to 10.0.1.53/32 lookup 100");
	assert_kernel(host, "10.0.2.53/32 dev lo proto 76 metric 5 table 254");
	text = kernel_text(host);
	assert_null(strstr(text, "br0"));
	assert_null(strstr(text, "unreachable"));
}

/* Whatever the kernel refuses, all is as it was; and done again it is done. */
static void test_faults(void **state)
{
	Host *host = *state;
	int n;

	for (n = 0;; n++) {
		g_autoptr(L3vmPort) service = l3vm_service_new(A4, NULL);
		g_autofree char *before = snapshot(host);
		g_autofree char *after = NULL;
		g_autoptr(GError) error = NULL;

		l3vm_kernel_fake_fail_at(host->kernel, n, EPERM);
		if (l3vm_service_add(host->l3vm, service, &error))
			break;
		l3vm_kernel_fake_fail_at(host->kernel, -1, 0);
		after = snapshot(host);
		assert_string_equal(after, before);
		assert_int_equal(error->code, L3VM_ERROR_PERMISSION);
	}
	assert_int_equal(n, 3); /* the address, lo up, the route */
	assert_kernel(host, ROUTE4("5"));
}

/* A migration is not about the host itself, whatever it is called. */
static void test_no_guest(void **state)
{
	Host *host = *state;
	g_autofree char *status = NULL;
	g_autoptr(GError) error = NULL;

	add(host, A4, NULL);
	notify(host, R4, L3VM_PHASE_LEAVING);
	notify(host, R4, L3VM_PHASE_LEFT);
	assert_kernel(host, ROUTE4("5"));
	status = l3vm_status(host->l3vm, R4, &error);
	assert_null(status);
	assert_int_equal(error->code, L3VM_ERROR_NOT_FOUND);
	status = l3vm_status(host->l3vm, NULL, NULL);
	assert_non_null(strstr(status, "\"address\": \"" A4 "\""));
	assert_null(strstr(status, "\"guest\""));
}

static void test_reconcile(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;
	L3vmObject address = address_on("lo", A4 "/32");
	L3vmObject route = route_on("lo", A4 "/32", 5);
	const L3vmObject *gone[] = { &address, &route };

	add(host, A4, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(gone); i++) {
		const L3vmChange change = { .has_before = true, .before = *gone[i] };

		assert_true(host->kernel->ops->apply(host->kernel, &change, NULL));
		assert_true(l3vm_reconcile(host->l3vm, false, &report, NULL));
		assert_string_not_equal(report, "");
		g_clear_pointer(&report, g_free);
	}
	assert_kernel(host, "addr add " A4 " peer 127.0.2.53/32 dev lo");
	assert_kernel(host, ROUTE4("5"));
	assert_true(l3vm_reconcile(host->l3vm, false, &report, NULL));
	assert_string_equal(report, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states), cmocka_unit_test(test_names),
		cmocka_unit_test(test_checks), with_lo(test_life),
		with_lo(test_health),	       with_lo(test_reserved),
		with_lo(test_networks),	       with_lo(test_faults),
		with_lo(test_no_guest),	       with_lo(test_reconcile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
