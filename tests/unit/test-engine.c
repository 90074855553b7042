/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-engine.c - attach, detach and plan as l3vm.h promises them */
#include "engine.h"

#include "engine-host.h"

#include "base/clock.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* No port, no guest, no lock, no reservation. */
static void assert_no_records(Host *host)
{
	static const char *const folders[] = { "ports", "guests", "addresses" };

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		GDir *dir = g_dir_open(host_path(host, folders[i]), 0, NULL);
		const char *name = dir ? g_dir_read_name(dir) : NULL;

		if (name)
			fail_msg("left in %s: %s", folders[i], name);
		if (dir)
			g_dir_close(dir);
	}
}

/* --- attach --------------------------------------------------------------------- */

static void test_live(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 5 table 254");
	assert_kernel(host,
		      "unicast 2001:db8::1/128 dev tap1 proto 76 metric 5 table 254");
	assert_kernel(host, "neigh replace 10.0.0.1 dev tap1 lladdr " MAC1);
	assert_kernel(host, "link set dev tap1 address 02:6c:33:76:6d:01");
	assert_kernel(host, "link set dev tap1 up");
	assert_string_equal(host->warnings->str, "");
}

static void test_prepared(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
	assert_no_kernel(host, "route");
	assert_kernel(host, "neigh replace 10.0.0.1 dev tap1");
	assert_kernel(host, "link set dev tap1 txqueuelen 10000");
	assert_kernel(host, "link set dev tap1 up");
}

static void test_idempotent(void **state)
{
	Host *host = *state;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	unsigned applied;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	before = snapshot(host);
	applied = l3vm_kernel_fake_applied(host->kernel);
	attach(host, request1(), L3VM_ATTACH_LIVE);
	attach(host, request1(), L3VM_ATTACH_KEEP);
	attach(host, request1(), L3VM_ATTACH_START);
	after = snapshot(host);
	assert_string_equal(after, before);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), applied);
}

static void test_all_networks(void **state)
{
	Host *host = *state;

	attach(host, request("a", "tap1", MAC1, "10.0.0.1 2001:db8:5::/64", NULL),
	       L3VM_ATTACH_LIVE);
	attach(host, request("b", "tap2", MAC2, "10.0.0.2", "tenant"),
	       L3VM_ATTACH_LIVE);
	attach(host, request("c", "tap3", MAC3, "10.0.0.3 2001:db8::3", "lan"),
	       L3VM_ATTACH_LIVE);
	/* without an address of its family, by the MAC */
	assert_kernel(host,
		      "unicast 2001:db8:5::/64 via fe80::5054:ff:fe00:1 dev tap1");
	assert_kernel(host, "rule add pref 7601 to 10.0.0.2/32 lookup 100");
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap2 proto 76 metric 5 table 100");
	assert_kernel(host, "sysctl -qw net/ipv4/conf/tap2/proxy_arp=1");
	assert_kernel(host,
		      "unreachable 10.0.0.0/16 proto 76 metric 4194305000 table 100");
	assert_kernel(host, "link add name br0 type bridge");
	assert_kernel(host, "link set dev tap3 master br0");
	assert_kernel(host, "unicast 10.0.0.3/32 dev br0");
	assert_kernel(host, "bridge fdb replace " MAC3 " dev tap3");
	detach(host, "c");
	detach(host, "b");
	detach(host, "a");
	assert_no_records(host);
	assert_no_kernel(host, "dev tap1 scope link");
	assert_no_kernel(host, "ip neigh");
	assert_no_kernel(host, "rule");
	assert_no_kernel(host, "unicast");
	assert_no_kernel(host, "fdb");
}

/* Addresses come and go; what is not named any more can be another's. */
static void test_update(void **state)
{
	Host *host = *state;

	attach(host,
	       request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.2 192.0.2.0/25", NULL),
	       L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.2 2001:db8::2", NULL),
	       L3VM_ATTACH_LIVE);
	assert_no_kernel(host, "10.0.0.1");
	assert_no_kernel(host, "192.0.2.0");
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap1");
	assert_kernel(host, "unicast 2001:db8::2/128 dev tap1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1 192.0.2.0/25", NULL),
	       L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
}

static void test_mac_of_guest_changes(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap1", MAC3, "10.0.0.1 2001:db8::1", NULL),
	       L3VM_ATTACH_LIVE);
	assert_int_equal(kernel_count(host, "lladdr " MAC3), 2);
	assert_no_kernel(host, MAC1);
}

/* Another network: what the old one wanted goes. */
static void test_network_changes(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", "tenant"),
	       L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	assert_no_kernel(host, "rule");
	assert_no_kernel(host, "dev tap1 proto 76 metric 5 table 100");
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 5 table 254");
	assert_kernel(host, "sysctl -qw net/ipv4/conf/tap1/proxy_arp=0");
}

/* A new gateway MAC in the configuration reaches ports at their next attach,
 * and does not cost them their neighbours. */
static void test_gateway_mac_changes(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	host_reopen(host, "[network default]\ngateway-mac = 02:00:00:00:00:99\n");
	attach(host, request1(), L3VM_ATTACH_LIVE);
	assert_kernel(host, "link set dev tap1 address 02:00:00:00:00:99");
	assert_int_equal(kernel_count(host, "neigh replace"), 2);
}

static void test_several_ports(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) first = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);
	g_autoptr(L3vmPort) second = request("vm1", "tap2", MAC2, "10.0.0.2", "lan");
	L3vmPort *ports[] = { first, second };
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_LIVE, &error), &error);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1");
	assert_kernel(host, "unicast 10.0.0.2/32 dev br0");
	/* one that is not named keeps what it has */
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.11", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.2/32 dev br0");
	assert_ok(l3vm_detach_port(host->l3vm, "tap1", &error), &error);
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_LIVE);
	assert_kernel(host, "unicast 10.0.0.2/32 dev br0");
	detach(host, UUID1);
	assert_no_records(host);
}

static void test_no_ports(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_attach(host->l3vm, NULL, 0, L3VM_ATTACH_START, &error), &error);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), 0);
}

/* Of two ports that swap their addresses, in one attach. */
static void test_swap_addresses(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) a = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);
	g_autoptr(L3vmPort) b = request("vm1", "tap2", MAC2, "10.0.0.2", NULL);
	g_autoptr(L3vmPort) c = request("vm1", "tap1", MAC1, "10.0.0.2", NULL);
	g_autoptr(L3vmPort) d = request("vm1", "tap2", MAC2, "10.0.0.1", NULL);
	L3vmPort *before[] = { a, b }, *after[] = { c, d };
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_attach(host->l3vm, before, 2, L3VM_ATTACH_LIVE, &error), &error);
	assert_ok(l3vm_attach(host->l3vm, after, 2, L3VM_ATTACH_LIVE, &error), &error);
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap1");
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
	assert_int_equal(kernel_count(host, "unicast"), 2);
	text = record_text(host);
	assert_non_null(strstr(text, "addresses/10.0.0.1_32 -> tap2"));
	assert_non_null(strstr(text, "addresses/10.0.0.2_32 -> tap1"));
}

/* --- what mode means -------------------------------------------------------------- */

static void incoming(Host *host, L3vmPort *given)
{
	g_autoptr(L3vmPort) port = given;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_incoming(host->l3vm, port->guest, port->uuid, &port, 1, 30,
				&error),
		  &error);
}

static L3vmPort *without_interface(void)
{
	return request("vm1", NULL, MAC1, "10.0.0.1 2001:db8::1", NULL);
}

static void test_start(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

static void test_start_after_incoming(void **state)
{
	Host *host = *state;

	incoming(host, without_interface());
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
	assert_no_kernel(host, "route");
	/* hook `started`: still no evidence */
	attach(host, request1(), L3VM_ATTACH_KEEP);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
	notify(host, "vm1", L3VM_PHASE_ARRIVED);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_ARRIVED);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap1 proto 76 metric 4");
}

/* The memory of a migration is used up by the start that it announced. */
static void test_incoming_is_used_once(void **state)
{
	Host *host = *state;

	incoming(host, without_interface());
	attach(host, request1(), L3VM_ATTACH_START);
	detach(host, "vm1");
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

static void test_incoming_forgotten(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;

	incoming(host, without_interface());
	assert_ok(l3vm_incoming_forget(host->l3vm, "vm1", UUID1, &error), &error);
	assert_no_records(host);
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
	assert_ok(l3vm_incoming_forget(host->l3vm, "vm1", UUID1, &error), &error);
}

/* A migration that never started a guest: long after it, a start is a start. */
static void test_incoming_is_too_old(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmGuest) guest = NULL;

	incoming(host, without_interface());
	guest = l3vm_guest_load(host->l3vm->store, "vm1", UUID1, NULL);
	assert_non_null(guest);
	assert_true(guest->incoming - l3vm_now() < 30 * L3VM_SECOND);
	guest->incoming = l3vm_now() - 1 * L3VM_SECOND;
	assert_true(l3vm_guest_save(host->l3vm->store, guest, NULL));
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

/* What a lost `stopped` left does not hide that the guest is about to arrive. */
static void test_incoming_removes_leftovers(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	incoming(host, without_interface());
	assert_no_kernel(host, "route");
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
}

static void test_incoming_refuses(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = request("vm1", NULL, MAC1, "10.9.0.1", NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	text = assert_fails(l3vm_incoming(host->l3vm, "vm1", UUID1, &port, 1, 30,
					  &error),
			    &error, L3VM_ERROR_REFUSED);
	assert_non_null(strstr(text, "10.9.0.1"));
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

/* An attach that fails does not use up the memory of a migration: the next
 * start would announce a guest that runs elsewhere. */
static void test_failed_start_keeps_incoming(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = request1();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	incoming(host, without_interface());
	l3vm_kernel_fake_fail_at(host->kernel, 3, EIO);
	text = assert_fails(l3vm_attach(host->l3vm, &port, 1, L3VM_ATTACH_START,
					&error),
			    &error, L3VM_ERROR_FAILED);
	attach(host, request1(), L3VM_ATTACH_START);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_PREPARED);
}

static void test_keep(void **state)
{
	Host *host = *state;

	/* a daemon's restart, and nothing on record: the guest runs */
	attach(host, request1(), L3VM_ATTACH_KEEP);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	attach(host, request1(), L3VM_ATTACH_KEEP);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LEAVING);
	attach(host, request1(), L3VM_ATTACH_LIVE);
	assert_int_equal(state_of(host, "tap1"), L3VM_STATE_LIVE);
}

/* --- detach ----------------------------------------------------------------------- */

static void test_detach_absent(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_detach_port(host->l3vm, "nosuch", &error), &error);
	assert_ok(l3vm_detach_port(host->l3vm, "tap1", &error), &error);
	assert_ok(l3vm_detach_guest(host->l3vm, "nosuch", &error), &error);
	assert_ok(l3vm_detach_guest(host->l3vm, UUID2, &error), &error);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), 0);
	assert_no_records(host);
}

/* All that is left is an interface that forwards nothing. */
static void test_detach(void **state)
{
	static const char *const networks[] = { NULL, "tenant", "lan" };
	static const char *const names[] = { "vm1", UUID1,
					     "4DEA22B3-1D52-D8F3-2516-782E98AB3FA1" };
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(networks); i++) {
		attach(host,
		       request("vm1", "tap1", MAC1,
			       "10.0.0.1 2001:db8::1 192.0.2.0/24 2001:db8:1::/48",
			       networks[i]),
		       L3VM_ATTACH_LIVE);
		detach(host, names[i]);
		assert_no_records(host);
		assert_no_kernel(host, "dev tap1 scope link");
		assert_no_kernel(host, "ip neigh");
		assert_no_kernel(host, "unicast");
		assert_no_kernel(host, "rule add pref 7601");
		assert_no_kernel(host, "iif tap1");
		assert_kernel(host, "sysctl -qw net/ipv4/conf/tap1/forwarding=0");
		assert_kernel(host, "sysctl -qw net/ipv6/conf/tap1/forwarding=0");
		assert_kernel(host, "sysctl -qw net/ipv4/conf/tap1/proxy_arp=0");
	}
}

/* Its interface went first: what is elsewhere goes all the same. */
static void test_detach_after_the_interface(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", "tenant"),
	       L3VM_ATTACH_LIVE);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.2", "lan"), L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	l3vm_kernel_fake_delete_link(host->kernel, "tap2");
	detach(host, "vm1");
	detach(host, "vm2");
	assert_no_records(host);
	assert_no_kernel(host, "rule");
	assert_no_kernel(host, "ip neigh");
	assert_no_kernel(host, "unicast");
}

static const char broken_config[] = "[network default]\nallow = nonsense\n";

/* A file that broke later strands no guest, and lets none start. */
static void test_broken_config(void **state)
{
	Host *host = *state;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *text = NULL;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.2", "tenant"),
	       L3VM_ATTACH_LIVE);
	host_reopen(host, broken_config);
	before = snapshot(host);
	text = refused(host, request("vm3", "tap3", MAC3, "10.0.0.3", NULL),
		       L3VM_ERROR_FAILED);
	assert_non_null(strstr(text, "l3vm.conf:2"));
	after = snapshot(host);
	assert_string_equal(after, before);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	detach(host, "vm1");
	detach(host, "vm2");
	assert_no_records(host);
	assert_no_kernel(host, "unicast");
	assert_no_kernel(host, "rule");
}

/* --- beside strangers ----------------------------------------------------- */

static void test_strangers_stay(void **state)
{
	Host *host = *state;
	L3vmObject foreign[] = { route_on("tap1", "10.0.0.1", 20),
				 route_on("tap1", "2001:db8::1", 1024),
				 route_on("tap1", "198.51.100.0/24", 5),
				 neighbour_on("tap1", "198.51.100.1", MAC3),
				 address_on("tap1", "198.51.100.2"),
				 rule_of("tap1", "0.0.0.0/0", 100, 7600) };

	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++)
		l3vm_kernel_fake_add_foreign(host->kernel, &foreign[i]);
	attach(host, request1(), L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.7", NULL), L3VM_ATTACH_LIVE);
	notify(host, "vm1", L3VM_PHASE_LEAVING);
	detach(host, "vm1");
	for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++)
		/* but neighbours, which the kernel flushes with the new MAC */
		if (foreign[i].kind != L3VM_OBJECT_NEIGHBOUR)
			assert_non_null(l3vm_set_find(
				l3vm_kernel_fake_state(host->kernel), &foreign[i]));
}

/* --- plan ----------------------------------------------------------------- */

static char *plan(Host *host, L3vmPort *given, L3vmPlanFormat format, bool from_scratch)
{
	g_autoptr(L3vmPort) port = given;
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	assert_ok(l3vm_plan(host->l3vm, &port, 1, L3VM_ATTACH_LIVE, format,
			    from_scratch, &text, &error),
		  &error);
	return text;
}

static void test_plan(void **state)
{
	Host *host = *state;
	g_autofree char *before = snapshot(host);
	g_autofree char *text = plan(host, request1(), L3VM_PLAN_IP, false);
	g_autofree char *json = plan(host, request1(), L3VM_PLAN_JSON, false);
	g_autofree char *scratch = plan(host,
					request("x", "nosuch", MAC1, "10.0.0.1", NULL),
					L3VM_PLAN_IP, true);
	g_autofree char *after = snapshot(host);
	g_autofree char *again = NULL;

	assert_string_equal(after, before);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), 0);
	assert_non_null(strstr(text, "ip route add unicast 10.0.0.1/32 dev tap1"));
	assert_non_null(strstr(json, "\"add route 10.0.0.1/32 dev tap1 metric 5\""));
	assert_non_null(strstr(scratch, "ip route add unicast 10.0.0.1/32 dev nosuch"));
	attach(host, request1(), L3VM_ATTACH_LIVE);
	again = plan(host, request1(), L3VM_PLAN_IP, false);
	assert_string_equal(again, "");
}

static void test_plan_of_an_update(void **state)
{
	Host *host = *state;
	g_autofree char *text = NULL;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	text = plan(host, request("vm1", "tap1", MAC1, "10.0.0.1 10.0.0.2", NULL),
		    L3VM_PLAN_IP, false);
	assert_string_equal(
		text,
		"nft 'add element inet l3vm source4 { \"tap1\" . 10.0.0.2 }; "
		"add element arp l3vm source4 { \"tap1\" . 10.0.0.2 }'\n"
		"ip neigh replace 10.0.0.2 dev tap1 lladdr " MAC1
		" nud permanent protocol 76\n"
		"ip route add unicast 10.0.0.2/32 dev tap1 proto 76 metric 5 table "
		"254\n"
		"ip -6 route del unicast 2001:db8::1/128 dev tap1 proto 76 metric 5 "
		"table 254\n"
		"ip neigh del 2001:db8::1 dev tap1\n"
		"nft 'delete element inet l3vm source6 { \"tap1\" . 2001:db8::1 }; "
		"delete element inet l3vm targets { \"tap1\" . "
		"0x20010db8000000000000000000000001 }'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(test_live),
		host_test(test_prepared),
		host_test(test_idempotent),
		host_test(test_all_networks),
		host_test(test_update),
		host_test(test_mac_of_guest_changes),
		host_test(test_network_changes),
		host_test(test_gateway_mac_changes),
		host_test(test_several_ports),
		host_test(test_no_ports),
		host_test(test_swap_addresses),
		host_test(test_start),
		host_test(test_start_after_incoming),
		host_test(test_incoming_is_used_once),
		host_test(test_incoming_forgotten),
		host_test(test_incoming_is_too_old),
		host_test(test_incoming_removes_leftovers),
		host_test(test_incoming_refuses),
		host_test(test_failed_start_keeps_incoming),
		host_test(test_keep),
		host_test(test_detach_absent),
		host_test(test_detach),
		host_test(test_detach_after_the_interface),
		host_test(test_broken_config),
		host_test(test_strangers_stay),
		host_test(test_plan),
		host_test(test_plan_of_an_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
