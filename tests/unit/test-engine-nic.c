/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-engine-nic.c - NICs that a manager brings one by one, with tables and gateways
 * of their own, as Ganeti does
 */
#include "engine-host.h"

#include "base/clock.h"

#include <glib/gstdio.h>

#define EARLY L3VM_ATTACH_START_NIC
#define HERE  L3VM_ATTACH_HERE

static L3vmPort *nic1(void)
{
	return request("vm1", "tap1", MAC1, "10.0.0.1", NULL);
}

static L3vmPort *nic2(void)
{
	return request("vm1", "tap2", MAC2, "10.0.0.2", NULL);
}

/* A migration of a guest with these two begins. */
static void incoming(Host *host)
{
	L3vmPort *ports[] = { request("vm1", NULL, MAC1, "10.0.0.1", NULL),
			      request("vm1", NULL, MAC2, "10.0.0.2", NULL) };
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_incoming(host->l3vm, "vm1", UUID1, ports, 2, 900, &error),
		  &error);
	l3vm_port_free(ports[0]);
	l3vm_port_free(ports[1]);
}

/* The same interface again is another one when it has another index. */
static void renumber(Host *host, const char *record)
{
	L3vmPort *port = l3vm_record_load(host->l3vm->store, record, NULL);

	port->ifindex += 100;
	assert_true(l3vm_record_save(host->l3vm->store, port, NULL));
	l3vm_port_free(port);
}

/* --- one by one ------------------------------------------------------------------- */

static void test_all_nics_of_a_start(void **state)
{
	Host *host = *state;

	attach(host, nic1(), EARLY);
	attach(host, nic2(), HERE);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_LIVE);
}

static void test_all_nics_of_an_arrival(void **state)
{
	Host *host = *state;

	incoming(host);
	attach(host, nic1(), EARLY);
	attach(host, nic2(), EARLY);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_PREPARED);
	assert_no_kernel(host, "unicast");
	attach(host, nic1(), HERE);
	attach(host, nic2(), HERE);
	assert_kernel_has(host, "metric 4", 2);
	/* a second word of it is none */
	attach(host, nic1(), EARLY);
	attach(host, nic1(), HERE);
	assert_kernel_has(host, "metric 4", 2);
}

static void test_late_nic_of_an_arrival(void **state)
{
	Host *host = *state;

	incoming(host);
	attach(host, nic1(), HERE);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
}

static void test_expect(void **state)
{
	Host *host = *state;

	attach(host, nic1(), L3VM_ATTACH_EXPECT);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
	attach(host, nic1(), HERE);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
	attach(host, nic1(), L3VM_ATTACH_EXPECT);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
}

/* A guest that ended unseen, whose tap's name came back */
static void test_another_interface(void **state)
{
	static const L3vmAttachMode modes[] = { L3VM_ATTACH_EXPECT, EARLY, HERE };
	static const L3vmState wanted[] = { L3VM_STATE_PREPARED, L3VM_STATE_LIVE,
					    L3VM_STATE_LIVE };
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		attach(host, nic1(), L3VM_ATTACH_LIVE);
		notify(host, "vm1", L3VM_PHASE_LEAVING);
		renumber(host, "tap1");
		attach(host, nic1(), modes[i]);
		assert_int_equal(state_of(host, "tap1"), wanted[i]);
	}
}

static void test_clock_set_back(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmGuest) guest = NULL;

	incoming(host);
	guest = l3vm_guest_load(host->l3vm->store, "vm1", UUID1, NULL);
	guest->incoming += 2 * L3VM_INCOMING_MAX;
	assert_true(l3vm_guest_save(host->l3vm->store, guest, NULL));
	attach(host, nic1(), EARLY);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

/* --- what was described ------------------------------------------------------- */

static bool described(Host *host, const char *mac_text, const char *ifname)
{
	g_autoptr(GError) error = NULL;
	L3vmMac mac;
	bool done;

	assert_true(l3vm_mac_parse(mac_text, &mac));
	assert_ok(l3vm_attach_described(host->l3vm, UUID1, &mac, ifname, &done, &error),
		  &error);
	return done;
}

/* Ganeti's guests have no UUID here. */
static void incoming_by_name(Host *host)
{
	g_autoptr(L3vmPort) port = l3vm_port_new(UUID1, NULL, NULL);
	g_autoptr(GError) error = NULL;

	assert_true(l3vm_port_set_mac(port, MAC1, NULL));
	assert_true(l3vm_port_add_address(port, "10.0.0.1", NULL));
	assert_true(l3vm_port_set_table(port, "200", NULL));
	assert_true(l3vm_port_add_gateway(port, "10.0.0.254", NULL));
	assert_ok(l3vm_incoming(host->l3vm, UUID1, NULL, &port, 1, 900, &error),
		  &error);
}

static void test_described(void **state)
{
	Host *host = *state;

	assert_false(described(host, MAC1, "tap1"));
	incoming_by_name(host);
	assert_false(described(host, MAC2, "tap1"));
	assert_true(described(host, MAC1, "tap1"));
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
	assert_kernel(host, "10.0.0.254/32");
	notify(host, UUID1, L3VM_PHASE_ARRIVED);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 4 table 200");
	/* nobody is expected any longer */
	assert_false(described(host, MAC1, "tap2"));
}

/* What was prepared goes, a guest that runs stays. */
static void test_forget(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;

	attach(host, nic2(), L3VM_ATTACH_LIVE);
	attach(host, nic1(), L3VM_ATTACH_PREPARED);
	assert_ok(l3vm_incoming_forget(host->l3vm, "vm1", UUID1, &error), &error);
	assert_false(
		g_file_test(host_path(host, "ports/tap1.json"), G_FILE_TEST_EXISTS));
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_LIVE);
}

/* --- a table and gateways ------------------------------------------------------ */

static L3vmPort *with(const char *table, const char *gateway, const char *network)
{
	L3vmPort *port = request("vm1", "tap1", MAC1, "10.0.0.1 2001:db8::1", network);

	if (table)
		assert_true(l3vm_port_set_table(port, table, NULL));
	if (gateway)
		assert_true(l3vm_port_add_gateway(port, gateway, NULL));
	return port;
}

static void test_table(void **state)
{
	Host *host = *state;

	attach(host, with("200", NULL, NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 5 table 200");
	assert_kernel(host,
		      "unicast 2001:db8::1/128 dev tap1 proto 76 metric 5 table 200");
	attach(host, with("main", NULL, "tenant"), L3VM_ATTACH_KEEP);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 5 table 254");
	assert_no_kernel(host, "table 200");
}

static void test_gateway(void **state)
{
	Host *host = *state;

	attach(host, with(NULL, "10.0.0.254", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "10.0.0.254/32");
	assert_kernel(host, "proxy_arp=1");
	attach(host, with(NULL, "2001:db8::ff", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "2001:db8::ff/128");
	assert_no_kernel(host, "10.0.0.254/32");
	assert_no_kernel(host, "proxy_arp=1");
}

static void test_refusals(void **state)
{
	static const struct {
		const char *table, *gateway, *network;
		L3vmError code;
		const char *words;
	} vectors[] = {
		{ "76", NULL, NULL, L3VM_ERROR_USAGE, "holds packets with" },
		{ "local", NULL, NULL, L3VM_ERROR_USAGE, "\"local\" table" },
		{ "xen-br0", NULL, NULL, L3VM_ERROR_USAGE, "neither a number" },
		{ NULL, "10.0.0.1", NULL, L3VM_ERROR_REFUSED, "gateway's address" },
		{ NULL, "224.0.0.1", NULL, L3VM_ERROR_REFUSED, "multicast" },
		{ NULL, "10.0.0.254", "lan", L3VM_ERROR_REFUSED, "which is a bridge" },
	};
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmPort *port = with(vectors[i].table, vectors[i].gateway,
				      vectors[i].network);
		g_autofree char *text = refused(host, port, vectors[i].code);

		if (!strstr(text, vectors[i].words))
			fail_msg("no \"%s\" in: %s", vectors[i].words, text);
	}
}

static void test_bad_values(void **state)
{
	g_autoptr(L3vmPort) port = request1();
	g_autoptr(GError) error = NULL;
	char text[] = "10.0.1.0";

	(void)state;
	assert_false(l3vm_port_set_table(port, "a table", NULL));
	assert_false(l3vm_port_add_gateway(port, "10.0.0.0/24", NULL));
	for (; text[7] < '0' + L3VM_MAX_GATEWAYS; text[7]++)
		assert_true(l3vm_port_add_gateway(port, text, NULL));
	assert_false(l3vm_port_add_gateway(port, "10.0.1.99", &error));
	assert_int_equal(error->code, L3VM_ERROR_USAGE);
}

static void check_found(Host *host, const char *name, const char *bridge,
			const char *wanted)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *found = NULL;

	assert_ok(l3vm_find_network(host->l3vm, name, bridge, &found, &error), &error);
	assert_int_equal(g_strcmp0(found, wanted), 0);
}

static void test_find_network(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;
	char *found = NULL;

	check_found(host, "tenant", NULL, "tenant");
	check_found(host, "nowhere", NULL, NULL);
	check_found(host, NULL, "br0", "lan");
	check_found(host, "lan", "br9", NULL);
	host_reopen(host, "[nonsense]\n");
	g_free(assert_fails(l3vm_find_network(host->l3vm, "tenant", NULL, &found,
					      &error),
			    &error, L3VM_ERROR_FAILED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(test_all_nics_of_a_start),
		host_test(test_all_nics_of_an_arrival),
		host_test(test_late_nic_of_an_arrival),
		host_test(test_expect),
		host_test(test_another_interface),
		host_test(test_clock_set_back),
		host_test(test_described),
		host_test(test_forget),
		host_test(test_table),
		host_test(test_gateway),
		host_test(test_refusals),
		host_test(test_bad_values),
		host_test(test_find_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
