/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-engine-migrate.c - phases of a migration, and hot-plug
 *
 * A look after each single operation shows what the fabric would see: from the
 * moment a guest is announced until it is removed, each of its addresses has a
 * route, and never two of which the worse came last.
 */
#include "engine.h"

#include "engine-host.h"

#include "base/clock.h"

/* --- the kernel with somebody watching ----------------------------------------- */

typedef struct Watched {
	L3vmKernelOps ops;
	const L3vmKernelOps *real;
	unsigned fewest, most; /* routes to 10.0.0.1/32 seen after an operation */
	unsigned operations;
} Watched;

/* One for the program: the operations have no place for more. */
static Watched watched;

static unsigned count_routes(L3vmKernel *kernel)
{
	const L3vmSet *all = l3vm_kernel_fake_state(kernel);
	const L3vmAddr guest = prefix_of("10.0.0.1");
	unsigned n = 0;

	for (guint i = 0; i < l3vm_set_size(all); i++) {
		const L3vmObject *o = l3vm_set_get(all, i);

		n += o->kind == L3VM_OBJECT_ROUTE && l3vm_addr_equal(&o->addr, &guest);
	}
	return n;
}

static bool watched_apply(L3vmKernel *kernel, const L3vmChange *change, GError **error)
{
	bool ok = watched.real->apply(kernel, change, error);
	unsigned n = count_routes(kernel);

	watched.fewest = MIN(watched.fewest, n);
	watched.most = MAX(watched.most, n);
	watched.operations++;
	return ok;
}

static void watch(Host *host)
{
	if (host->kernel->ops != &watched.ops)
		watched.real = host->kernel->ops;
	watched.ops = *watched.real;
	watched.ops.apply = watched_apply;
	watched.fewest = G_MAXUINT;
	watched.most = watched.operations = 0;
	host->kernel->ops = &watched.ops;
}

/* --- phases ---------------------------------------------------------------------- */

static void test_target(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	assert_no_kernel(host, "route");
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 4 table 254");
	assert_kernel(host,
		      "unicast 2001:db8::1/128 dev tap1 proto 76 metric 4 table 254");
	/* again: nothing */
	watch(host);
	notify(host, UUID1, L3VM_PHASE_ARRIVED);
	assert_int_equal(watched.operations, 0);
	notify(host, "vm1", L3VM_PHASE_ABORTED);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
}

static void test_target_aborted(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ABORTED);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_GONE);
	assert_no_kernel(host, "ip neigh");
	assert_no_kernel(host, "addr add");
}

static void test_source(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LEAVING);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 4194305000");
	assert_kernel_has(host, "unicast", 2);
	notify(host, "vm1", L3VM_PHASE_LEFT);
	assert_no_kernel(host, "unicast");
	assert_no_kernel(host, "ip neigh");
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_GONE);
}

static void test_source_aborted(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	notify(host, "vm1", L3VM_PHASE_ABORTED);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 5 table 254");
	assert_kernel_has(host, "unicast", 2);
}

static void test_never_without_a_route(void **state)
{
	static const L3vmPhase phases[] = { L3VM_PHASE_LEAVING, L3VM_PHASE_ABORTED,
					    L3VM_PHASE_LEAVING, L3VM_PHASE_ARRIVED };
	static const char *const networks[] = { NULL, "tenant", "lan" };
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(networks); i++) {
		attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", networks[i]),
		       L3VM_ATTACH_LIVE);
		for (size_t j = 0; j < G_N_ELEMENTS(phases); j++) {
			watch(host);
			notify(host, "vm1", phases[j]);
			assert_true(watched.operations >= 2);
			assert_int_equal(watched.fewest, 1);
			assert_int_equal(watched.most, 2);
		}
		host->kernel->ops = watched.real;
		detach(host, "vm1");
	}
}

/* An update of other things does not touch the routes at all. */
static void test_update_keeps_routes(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	watch(host);
	attach(host, request("vm1", "tap1", MAC3, "10.0.0.1 10.0.0.2", NULL),
	       L3VM_ATTACH_LIVE);
	assert_int_equal(watched.fewest, 1);
	assert_int_equal(watched.most, 1);
	host->kernel->ops = watched.real;
}

static void test_unknown_guest(void **state)
{
	Host *host = *state;

	for (L3vmPhase phase = L3VM_PHASE_ARRIVED; phase <= L3VM_PHASE_ABORTED;
	     phase++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *text = NULL;

		text = assert_fails(l3vm_migrate_notify(host->l3vm, "nosuch", phase,
							&error),
				    &error, L3VM_ERROR_NOT_FOUND);
		assert_non_null(strstr(text, "nosuch"));
	}
}

static void test_all_ports_of_a_guest(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL),
	       L3VM_ATTACH_PREPARED);
	attach(host, request("vm1", "tap2", MAC2, "10.0.0.2", "lan"),
	       L3VM_ATTACH_PREPARED);
	attach(host, request("vm2", "tap3", MAC3, "10.0.0.3", NULL),
	       L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 4");
	assert_kernel(host, "unicast 10.0.0.2/32 dev br0 proto 76 metric 4");
	assert_no_kernel(host, "unicast 10.0.0.3");
}

/* Counts changes of state, by which a late timer knows that it is late. */
static void test_generation(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) first = NULL;
	g_autoptr(L3vmPort) second = NULL;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	first = l3vm_record_load(host->l3vm->store, "tap1", NULL);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	second = l3vm_record_load(host->l3vm->store, "tap1", NULL);
	assert_int_equal(first->generation, 1);
	assert_int_equal(second->generation, 2);
	assert_true(second->since >= first->since);
	assert_null(second->was); /* the change is over */
}

/* A timer of an earlier move is late: nothing. */
static void test_late_timer(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) as_of = NULL;
	g_autoptr(GError) error = NULL;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	as_of = l3vm_record_load(host->l3vm->store, "tap1", NULL);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	attach(host, request1(), L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	assert_ok(l3vm_guest_event(host->l3vm, "vm1", L3VM_EVENT_SETTLED, as_of,
				   "timer", 0, &error),
		  &error);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
	l3vm_port_free(as_of);
	as_of = l3vm_record_load(host->l3vm->store, "tap1", NULL);
	assert_ok(l3vm_guest_event(host->l3vm, "vm1", L3VM_EVENT_SETTLED, as_of,
				   "timer", 0, &error),
		  &error);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

/* Each change of state is in the log, with what was the evidence. */
static void test_events(void **state)
{
	Host *host = *state;
	g_autofree char *text = NULL;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	detach(host, "vm1");
	assert_true(g_file_get_contents(host_path(host, "events.jsonl"), &text, NULL,
					NULL));
	assert_non_null(strstr(text, "\"from\":\"gone\",\"to\":\"prepared\","
				     "\"evidence\":\"prepare\""));
	assert_non_null(strstr(text, "\"from\":\"prepared\",\"to\":\"arrived\","
				     "\"evidence\":\"notify\""));
	assert_non_null(strstr(text, "\"from\":\"arrived\",\"to\":\"gone\","
				     "\"evidence\":\"stopped\""));
	assert_int_equal(text[strlen(text) - 1], '\n');
	g_strdelimit(text, "\n", '\1');
	assert_non_null(strchr(text, '\1'));
	assert_null(strchr(strchr(strchr(strchr(text, '\1') + 1, '\1') + 1, '\1') + 1,
			   '\1'));
}

/* --- hot-plug ------------------------------------------------------------- */

/* What a network hook knows: a MAC, and the network's name. */
static L3vmPort *plugged(const char *mac, const char *addresses)
{
	L3vmPort *port = request("vm1", NULL, mac, addresses, NULL);

	l3vm_port_set_hint(port, "br0", "lan");
	return port;
}

static void plug(Host *host, L3vmPort *given)
{
	g_autoptr(L3vmPort) port = given;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_plug(host->l3vm, port, &error), &error);
}

static void unplug(Host *host, L3vmPort *given)
{
	g_autoptr(L3vmPort) port = given;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_unplug(host->l3vm, port, &error), &error);
}

/* A guest as its start hook describes it: one NIC that is there, one that may
 * come. */
static void start_described(Host *host)
{
	g_autoptr(L3vmPort) first = request("vm1", "tap1", MAC1, "10.0.0.1", "lan");
	g_autoptr(L3vmPort) second = request("vm1", NULL, MAC2, "10.0.0.2", "lan");
	L3vmPort *ports[] = { first, second };
	g_autoptr(GError) error = NULL;

	l3vm_port_set_optional(first, true);
	l3vm_port_set_optional(second, true);
	assert_ok(l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_START, &error), &error);
}

/* tap2 as libvirt makes it: a port of the bridge, its MAC the guest's with fe. */
static void appear(Host *host)
{
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "tap2", "fe:54:00:00:00:02");
	L3vmObject master = object_on(L3VM_OBJECT_MASTER, "tap2");

	mac.ifindex = master.ifindex = 2;
	g_strlcpy(master.master, "br0", sizeof(master.master));
	l3vm_kernel_fake_add_foreign(host->kernel, &mac);
	l3vm_kernel_fake_add_foreign(host->kernel, &master);
}

static void test_plug(void **state)
{
	Host *host = *state;
	g_autofree char *report = NULL;
	g_autofree char *nothing = NULL;
	g_autofree char *records = NULL;
	g_autoptr(GError) error = NULL;

	start_described(host);
	/* its addresses are known from the description */
	plug(host, plugged(MAC2, ""));
	assert_int_equal(state_of(host, "pending-525400000002"), L3VM_STATE_LIVE);
	assert_kernel(host, "unicast 10.0.0.2/32 dev br0 proto 76 metric 5");
	assert_kernel(host, "ip neigh replace 10.0.0.2 dev br0 lladdr " MAC2);
	/* a daemon's restart says it again */
	plug(host, plugged(MAC2, ""));
	appear(host);
	assert_ok(l3vm_reconcile(host->l3vm, false, &report, &error), &error);
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_LIVE);
	assert_kernel(host, "bridge link set dev tap2 isolated on");
	assert_kernel(host, "bridge fdb replace " MAC2 " dev tap2");
	records = record_text(host);
	assert_null(strstr(records, "pending-"));
	assert_non_null(strstr(records, "addresses/10.0.0.2_32 -> tap2"));
	assert_ok(l3vm_reconcile(host->l3vm, false, &nothing, &error), &error);
	assert_string_equal(nothing, "");
	unplug(host, plugged(MAC2, ""));
	assert_no_kernel(host, "10.0.0.2");
	assert_kernel(host, "unicast 10.0.0.1/32 dev br0");
	unplug(host, plugged(MAC2, ""));
}

/* An attach finds what was plugged before. */
static void test_attach_of_plugged(void **state)
{
	Host *host = *state;
	g_autofree char *records = NULL;

	start_described(host);
	plug(host, plugged(MAC2, "10.0.0.2"));
	attach(host, request("vm1", "tap2", MAC2, "10.0.0.2", "lan"), L3VM_ATTACH_LIVE);
	records = record_text(host);
	assert_null(strstr(records, "pending-"));
	assert_kernel(host, "bridge fdb replace " MAC2 " dev tap2");
	detach(host, "vm1");
	assert_no_kernel(host, "unicast");
}

/* A guest that is not known, or about to arrive, or in a network that is not
 * ours: nothing, and no error. */
static void test_plug_of_others(void **state)
{
	Host *host = *state;
	g_autofree char *before = snapshot(host);
	g_autofree char *after = NULL;
	g_autoptr(L3vmPort) port = plugged(MAC2, "10.0.0.2");
	g_autoptr(GError) error = NULL;

	plug(host, plugged(MAC2, "10.0.0.2"));
	unplug(host, plugged(MAC2, ""));
	after = snapshot(host);
	assert_string_equal(after, before);
	assert_ok(l3vm_incoming(host->l3vm, "vm1", UUID1, NULL, 0, 30, &error), &error);
	plug(host, plugged(MAC2, "10.0.0.2"));
	assert_no_kernel(host, "unicast");
	assert_ok(l3vm_incoming_forget(host->l3vm, "vm1", UUID1, &error), &error);
	start_described(host);
	l3vm_port_set_hint(port, "virbr0", "somebodys");
	unplug(host, g_steal_pointer(&port));
	assert_kernel(host, "unicast 10.0.0.1/32 dev br0");
}

static void test_plug_refused(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = plugged(MAC2, "224.0.0.1");
	g_autoptr(L3vmPort) taken = plugged(MAC2, "10.0.0.3");
	g_autoptr(GError) error = NULL;
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;

	start_described(host);
	attach(host, request("vm3", "tap3", MAC3, "10.0.0.3", NULL), L3VM_ATTACH_LIVE);
	before = snapshot(host);
	first = assert_fails(l3vm_plug(host->l3vm, port, &error), &error,
			     L3VM_ERROR_REFUSED);
	second = assert_fails(l3vm_plug(host->l3vm, taken, &error), &error,
			      L3VM_ERROR_REFUSED);
	after = snapshot(host);
	assert_string_equal(after, before);
}

/* --- bridges before their ports ------------------------------------------- */

static void test_network_up(void **state)
{
	static const struct {
		const char *network, *bridge;
		bool ours;
	} vectors[] = {
		{ "somebodys", "virbr0", false },
		{ "somebodys", NULL, false },
		{ "default", NULL, false },
		{ NULL, "br0", true },
		{ "lan", NULL, true },
		{ "manager-calls-it-so", "br0", true },
	};
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		g_autoptr(GError) error = NULL;

		assert_ok(l3vm_network_up(host->l3vm, vectors[i].network,
					  vectors[i].bridge, &error),
			  &error);
		assert_kernel_has(host, "link add name br0", vectors[i].ours);
		assert_kernel_has(host, "virbr0", 0);
		l3vm_kernel_fake_delete_link(host->kernel, "br0");
	}
}

static void test_prepare(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) good = request("vm1", NULL, MAC1, "10.0.0.1", "lan");
	g_autoptr(L3vmPort) bad = request("vm1", NULL, MAC2, "10.9.0.1", "lan");
	L3vmPort *ports[] = { good, bad };
	g_autofree char *before = snapshot(host);
	g_autofree char *after = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	text = assert_fails(l3vm_prepare(host->l3vm, ports, 2, &error), &error,
			    L3VM_ERROR_REFUSED);
	after = snapshot(host);
	assert_string_equal(after, before);
	assert_ok(l3vm_prepare(host->l3vm, ports, 1, &error), &error);
	assert_kernel(host, "link set dev br0 up");
	assert_no_kernel(host, "10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(test_target),
		host_test(test_target_aborted),
		host_test(test_source),
		host_test(test_source_aborted),
		host_test(test_never_without_a_route),
		host_test(test_update_keeps_routes),
		host_test(test_unknown_guest),
		host_test(test_all_ports_of_a_guest),
		host_test(test_generation),
		host_test(test_late_timer),
		host_test(test_events),
		host_test(test_plug),
		host_test(test_attach_of_plugged),
		host_test(test_plug_of_others),
		host_test(test_plug_refused),
		host_test(test_network_up),
		host_test(test_prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
