/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-reconcile.c - the kernel is brought to the state on record, and no further */
#include "engine.h"

#include "engine-host.h"

#include "base/clock.h"

#include <errno.h>
#include <glib/gstdio.h>

/* The report, for the caller to free. */
static char *reconcile(Host *host, bool dry_run)
{
	g_autoptr(GError) error = NULL;
	char *report = NULL;

	assert_ok(l3vm_reconcile(host->l3vm, dry_run, &report, &error), &error);
	assert_non_null(report);
	return report;
}

/* Nothing differs, nothing is written. */
static void assert_settled(Host *host)
{
	unsigned applied = l3vm_kernel_fake_applied(host->kernel);
	g_autofree char *before = snapshot(host);
	g_autofree char *report = reconcile(host, false);
	g_autofree char *after = snapshot(host);

	assert_string_equal(report, "");
	assert_string_equal(after, before);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), applied);
}

static void populate(Host *host)
{
	attach(host,
	       request("vm1", "tap1", MAC1, "10.0.0.1 2001:db8::1 2001:db8:1::/48",
		       NULL),
	       L3VM_ATTACH_LIVE);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.2 2001:db8::2", "tenant"),
	       L3VM_ATTACH_LIVE);
	attach(host, request("vm3", "tap3", MAC3, "10.0.0.3 2001:db8::3", "lan"),
	       L3VM_ATTACH_PREPARED);
}

static void test_nothing_to_do(void **state)
{
	Host *host = *state;

	assert_settled(host);
	populate(host);
	assert_settled(host);
	notify(host, "vm3", L3VM_PHASE_ARRIVED);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	assert_settled(host);
	detach(host, "vm1");
	detach(host, "vm2");
	detach(host, "vm3");
	/* the covers of tenant stay, and that is no difference */
	assert_settled(host);
}

/* --- what somebody else did to the kernel --------------------------------------- */

/* Takes @object away, or sets it to what it says. */
static void damage(Host *host, L3vmObject object, bool take_away)
{
	L3vmChange change = { .has_before = take_away, .has_after = !take_away };
	g_autoptr(GError) error = NULL;

	change.before = change.after = object;
	assert_ok(host->kernel->ops->apply(host->kernel, &change, &error), &error);
}

static L3vmObject gateway6(const char *ifname)
{
	L3vmObject o = address_on(ifname, "fe80::1");

	o.addr.len = 64;
	return o;
}

static void test_damage(void **state)
{
	Host *host = *state;
	L3vmObject route2 = route_on("tap2", "10.0.0.2", 5);
	const struct {
		L3vmObject object;
		bool take_away;
		const char *words; /* in the report */
	} vectors[] = {
		{ route_on("tap1", "10.0.0.1", 5), true,
		  "add route 10.0.0.1/32 dev tap1" },
		{ route_on("tap1", "2001:db8::1", 5), true,
		  "add route 2001:db8::1/128" },
		{ neighbour_on("tap1", "10.0.0.1", MAC1), true,
		  "add neighbour 10.0.0.1" },
		{ neighbour_on("tap1", "10.0.0.1", MAC3), false,
		  "change neighbour 10.0.0.1/32 dev tap1 at " MAC1 },
		{ gateway6("tap1"), true, "add address fe80::1/64 dev tap1" },
		{ number_on(L3VM_OBJECT_SYSCTL, "tap1", L3VM_SYSCTL_IP4_RP_FILTER, 0),
		  false, "set net/ipv4/conf/tap1/rp_filter to 1" },
		{ number_on(L3VM_OBJECT_MTU, "tap1", 0, 9000), false,
		  "set MTU of tap1 to 1500" },
		{ number_on(L3VM_OBJECT_UP, "tap1", 0, 0), false, "set tap1 up" },
		{ mac_on(L3VM_OBJECT_MAC, "tap1", MAC3), false,
		  "set MAC of tap1 to 02:6c:33:76:6d:01" },
		{ rule_of("tap2", "0.0.0.0/0", 100, 7600), true,
		  "add rule 7600 iif tap2" },
		{ rule_of("", "10.0.0.2", 100, 7601), true,
		  "add rule 7601 to 10.0.0.2" },
		{ mac_on(L3VM_OBJECT_FDB, "tap3", MAC3), true, "add FDB entry " MAC3 },
		{ object_on(L3VM_OBJECT_MASTER, "tap3"), false,
		  "make tap3 a port of br0" },
		{ mac_on(L3VM_OBJECT_MAC, "br0", MAC3), false, "set MAC of br0" },
		{ number_on(L3VM_OBJECT_BRIDGE_PORT, "tap3", L3VM_BRIDGE_PORT_ISOLATED,
			    0),
		  false, "set isolated of bridge port tap3 to 1" },
		{ route2, true, "add route 10.0.0.2/32 dev tap2" },
	};
	g_autofree char *wanted = NULL;

	populate(host);
	wanted = kernel_text(host);
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmObject o = vectors[i].object;
		g_autofree char *dry = NULL;
		g_autofree char *report = NULL;
		g_autofree char *damaged = NULL;
		g_autofree char *kernel = NULL;

		if (o.kind == L3VM_OBJECT_ROUTE && !strcmp(o.ifname, "tap2"))
			o.table = 100;
		damage(host, o, vectors[i].take_away);
		damaged = kernel_text(host);
		dry = reconcile(host, true);
		kernel = kernel_text(host);
		assert_string_equal(kernel, damaged);
		if (!strstr(dry, vectors[i].words))
			fail_msg("no \"%s\" in: %s", vectors[i].words, dry);
		report = reconcile(host, false);
		assert_string_equal(report, dry);
		g_free(kernel);
		kernel = kernel_text(host);
		assert_string_equal(kernel, wanted);
		assert_settled(host);
	}
}

static void test_strangers_are_left_alone(void **state)
{
	Host *host = *state;
	L3vmObject foreign[] = { route_on("tap1", "198.51.100.0/24", 5),
				 route_on("tap1", "10.0.0.1", 100),
				 neighbour_on("tap1", "198.51.100.1", MAC3),
				 rule_of("tap1", "0.0.0.0/0", 7, 7600) };

	populate(host);
	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++)
		l3vm_kernel_fake_add_foreign(host->kernel, &foreign[i]);
	assert_settled(host);
}

/* --- what the records cannot say ------------------------------------------ */

/* The records are what was lost; the guests run. */
static void test_lost_records_remove_nothing(void **state)
{
	static const char *const files[] = { "ports/tap1.json", "ports/tap2.json",
					     "ports/tap3.json" };
	Host *host = *state;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *report = NULL;

	populate(host);
	before = kernel_text(host);
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		assert_int_equal(g_remove(host_path(host, files[i])), 0);
	report = reconcile(host, false);
	after = kernel_text(host);
	assert_string_equal(after, before);
	assert_non_null(strstr(report,
			       "route 10.0.0.1/32 dev tap1 metric 5: on no record, "
			       "left alone"));
	assert_non_null(strstr(report, "l3vm detach --ifname tap1"));
	/* which does what it says */
	assert_true(l3vm_detach_port(host->l3vm, "tap1", NULL));
	assert_no_kernel(host, "unicast 10.0.0.1/32");
	assert_no_kernel(host, "ip neigh replace 10.0.0.1 ");
	assert_kernel(host, "unicast 10.0.0.2/32");
}

/* --- guests that ended unseen --------------------------------------------- */

static void test_interface_is_gone(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;
	g_autofree char *dry = NULL;
	g_autofree char *records = NULL;

	populate(host);
	notify(host, "vm3", L3VM_PHASE_ARRIVED);
	l3vm_kernel_fake_delete_link(host->kernel, "tap2");
	l3vm_kernel_fake_delete_link(host->kernel, "tap3");
	dry = reconcile(host, true);
	assert_non_null(strstr(dry, "port tap2 of guest vm2: interface is gone"));
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_LIVE);
	report = reconcile(host, false);
	assert_non_null(strstr(report, "port tap2 of guest vm2: interface is gone"));
	assert_non_null(strstr(report, "port tap3 of guest vm3: interface is gone"));
	assert_null(strstr(report, "left alone"));
	assert_no_kernel(host, "10.0.0.3"); /* on the bridge it would stay for ever */
	assert_no_kernel(host, "10.0.0.2/32");
	records = record_text(host);
	assert_null(strstr(records, "vm2"));
	assert_null(strstr(records, "vm3"));
	assert_non_null(strstr(records, "vm1"));
	assert_settled(host);
}

/* The same name, another interface: the record is of one that is gone. What is
 * on the new one is not touched. */
static void test_interface_is_another(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	populate(host);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	l3vm_kernel_fake_add_link(host->kernel, "tap1", false);
	report = reconcile(host, false);
	assert_non_null(strstr(report, "port tap1 of guest vm1: interface is gone"));
	assert_no_kernel(host, "unicast 10.0.0.1/32");
	assert_kernel(host, "link set dev tap1 down");
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_GONE);
	assert_settled(host);
}

/* --- time ----------------------------------------------------------------- */

/* As if the port had been in its state for @usec. */
static void make_older(Host *host, const char *record, int64_t usec)
{
	g_autoptr(L3vmPort) port = l3vm_record_load(host->l3vm->store, record, NULL);

	assert_non_null(port);
	port->since -= usec;
	assert_true(l3vm_record_save(host->l3vm->store, port, NULL));
}

static void test_hold_time(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	make_older(host, "tap1", 25 * L3VM_SECOND);
	assert_settled(host);
	make_older(host, "tap1", 10 * L3VM_SECOND);
	report = reconcile(host, false);
	assert_non_null(strstr(report, "port tap1 of guest vm1: hold-time is over"));
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 5 table 254");
	assert_kernel_has(host, "unicast", 2);
	assert_settled(host);
}

/* What is far in the future was so before somebody set the clock back. */
static void test_clock_set_back(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	make_older(host, "tap1", -5 * L3VM_SECOND);
	assert_settled(host);
	make_older(host, "tap1", -86400 * L3VM_SECOND);
	report = reconcile(host, false);
	assert_non_null(strstr(report, "port tap1 of guest vm1: hold-time is over"));
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

/* Other states do not end by themselves. */
static void test_only_arrived_settles(void **state)
{
	Host *host = *state;

	populate(host);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	make_older(host, "tap1", 1000000 * L3VM_SECOND);
	make_older(host, "tap2", 1000000 * L3VM_SECOND);
	make_older(host, "tap3", 1000000 * L3VM_SECOND);
	assert_settled(host);
}

/* --- changes that were not finished --------------------------------------- */

/* On record as of before a change: its kernel half may be done in any part. */
static void leave_unfinished(Host *host, L3vmPort *given, L3vmState new_state)
{
	g_autoptr(L3vmPort) wanted = given;
	g_autoptr(L3vmPort) port = l3vm_record_load(host->l3vm->store, "tap1", NULL);
	L3vmPort *was = l3vm_port_copy(port);

	g_array_set_size(port->addresses, 0);
	g_array_append_vals(port->addresses, wanted->addresses->data,
			    wanted->addresses->len);
	port->was = was;
	port->state = new_state;
	port->generation++;
	assert_true(l3vm_record_save(host->l3vm->store, port, NULL));
}

static void test_unfinished_change(void **state)
{
	static const char *const networks[] = { NULL, "tenant", "lan" };
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(networks); i++) {
		g_autofree char *report = NULL;
		g_autofree char *records = NULL;

		attach(host,
		       request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.7", networks[i]),
		       L3VM_ATTACH_LIVE);
		leave_unfinished(
			host, request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.9", NULL),
			L3VM_STATE_LEAVING);
		report = reconcile(host, false);
		assert_null(strstr(report, "left alone"));
		assert_no_kernel(host, "10.0.0.7");
		assert_no_kernel(host, "metric 5");
		assert_kernel_has(host, "unicast", 2);
		records = record_text(host);
		assert_null(strstr(records, "10.0.0.7"));
		assert_null(strstr(records, "\"was\""));
		assert_settled(host);
		detach(host, "vm1");
		assert_no_kernel(host, "unicast");
	}
}

/* A change on top of one that was not finished knows of both. */
static void test_change_after_unfinished_change(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.7", "tenant"),
	       L3VM_ATTACH_LIVE);
	leave_unfinished(host, request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.8", NULL),
			 L3VM_STATE_ARRIVED);
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.9", NULL),
	       L3VM_ATTACH_LIVE);
	assert_no_kernel(host, "10.0.0.7");
	assert_no_kernel(host, "10.0.0.8");
	assert_no_kernel(host, "rule");
	assert_kernel_has(host, "unicast", 2);
	assert_settled(host);
}

static void test_detach_after_unfinished_change(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.7", "tenant"),
	       L3VM_ATTACH_LIVE);
	leave_unfinished(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL),
			 L3VM_STATE_LEAVING);
	detach(host, "vm1");
	assert_no_kernel(host, "unicast");
	assert_no_kernel(host, "ip rule");
	assert_no_kernel(host, "ip neigh");
	assert_settled(host);
}

/* What a removal could not remove goes when the port is attached again, as another. */
static void test_attach_after_unfinished_removal(void **state)
{
	Host *host = *state;
	bool failed = true;

	for (int n = 0; failed; n++) {
		attach(host,
		       request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.7", "tenant"),
		       L3VM_ATTACH_LIVE);
		l3vm_kernel_fake_fail_at(host->kernel, n, EIO);
		failed = !l3vm_detach_guest(host->l3vm, "vm1", NULL);
		l3vm_kernel_fake_fail_at(host->kernel, -1, 0);
		attach(host, request("vm1", "tap1", MAC1, "10.0.0.2", NULL),
		       L3VM_ATTACH_LIVE);
		assert_no_kernel(host, "10.0.0.1");
		assert_no_kernel(host, "10.0.0.7");
		assert_settled(host);
		detach(host, "vm1");
	}
}

/* --- addresses of guests that ended unseen -------------------------------- */

/* What the guard knows by index does not go with the interface. */
static void test_address_is_anothers_now(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1 2001:db8::1", NULL),
	       L3VM_ATTACH_LIVE);
	report = reconcile(host, false);
	assert_no_kernel(host, "(of another interface)");
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
	assert_settled(host);
}

/* Nor do rules, which would lead to a table where the address is no more. */
static void test_address_is_in_another_table_now(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", "tenant"),
	       L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	report = reconcile(host, false);
	assert_no_kernel(host, "ip rule");
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
	assert_settled(host);
}

/* Nor do routes on a bridge, of whatever rank. */
static void test_address_on_a_bridge_is_anothers_now(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", "lan"), L3VM_ATTACH_LIVE);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1", "lan"), L3VM_ATTACH_LIVE);
	report = reconcile(host, false);
	assert_kernel(host, "unicast 10.0.0.1/32");
	detach(host, "vm2");
	assert_no_kernel(host, "10.0.0.1");
	assert_settled(host);
}

/* --- failures ------------------------------------------------------------- */

/* One port that cannot be repaired does not keep the others from it. */
static void test_one_failure(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	g_autofree char *report = NULL;
	L3vmObject lost = route_on("tap2", "10.0.0.2", 5);

	populate(host);
	damage(host, route_on("tap1", "10.0.0.1", 5), true);
	lost.table = 100;
	damage(host, lost, true);
	l3vm_kernel_fake_fail_at(host->kernel, 0, EIO);
	text = assert_fails(l3vm_reconcile(host->l3vm, false, &report, &error), &error,
			    L3VM_ERROR_FAILED);
	assert_non_null(strstr(text, "(injected)"));
	assert_no_kernel(host, "unicast 10.0.0.1/32");
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap2");
	g_free(report);
	report = reconcile(host, false);
	assert_kernel(host, "unicast 10.0.0.1/32");
	assert_settled(host);
}

static void test_broken_config(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;

	populate(host);
	damage(host, route_on("tap1", "10.0.0.1", 5), true);
	host_reopen(host, "nonsense\n");
	report = reconcile(host, false);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(test_nothing_to_do),
		host_test(test_damage),
		host_test(test_strangers_are_left_alone),
		host_test(test_lost_records_remove_nothing),
		host_test(test_interface_is_gone),
		host_test(test_interface_is_another),
		host_test(test_hold_time),
		host_test(test_clock_set_back),
		host_test(test_only_arrived_settles),
		host_test(test_unfinished_change),
		host_test(test_change_after_unfinished_change),
		host_test(test_detach_after_unfinished_change),
		host_test(test_attach_after_unfinished_removal),
		host_test(test_address_is_anothers_now),
		host_test(test_address_is_in_another_table_now),
		host_test(test_address_on_a_bridge_is_anothers_now),
		host_test(test_one_failure),
		host_test(test_broken_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
