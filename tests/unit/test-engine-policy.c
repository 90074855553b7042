/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-engine-policy.c - what attach refuses, and who has an address
 *
 * A refusal has its code, names what is wrong and what to do, and changes
 * nothing: neither the kernel nor a byte on record.
 */
#include "engine.h"

#include "engine-host.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/time.h>
#include <unistd.h>

static const char open_config[] = "[network default]\n"
				  "[network narrow]\n"
				  "allow = 10.0.0.0/24\n"
				  "[network mac]\n"
				  "derive = mac4\n"
				  "[network lan]\n"
				  "mode = bridge\n"
				  "bridge = br0\n"
				  "[network learning]\n"
				  "learn = yes\n";

/* Refused with @code and @words, nothing changed; @port is freed. */
static void check_refusal(Host *host, L3vmPort *port, L3vmError code, const char *words)
{
	g_autofree char *before = snapshot(host);
	unsigned applied = l3vm_kernel_fake_applied(host->kernel);
	g_autofree char *text = refused(host, port, code);
	g_autofree char *after = snapshot(host);

	if (!strstr(text, words))
		fail_msg("no \"%s\" in: %s", words, text);
	assert_string_equal(after, before);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), applied);
}

static void test_bad_addresses(void **state)
{
	static const struct {
		const char *addresses, *network, *words;
	} vectors[] = {
		{ "224.0.0.1", NULL, "224.0.0.1 for guest vm1: multicast" },
		{ "239.1.2.3", NULL, "multicast" },
		{ "0.0.0.5", NULL, "this network" },
		{ "127.0.0.1", NULL, "loopback" },
		{ "127.255.0.1", NULL, "loopback" },
		{ "169.254.7.7", NULL, "link-local" },
		{ "240.0.0.1", NULL, "reserved" },
		{ "255.255.255.255", NULL, "broadcast" },
		{ "::", NULL, "unspecified" },
		{ "::1", NULL, "loopback" },
		{ "ff02::1", NULL, "multicast" },
		{ "fe80::7", NULL, "link-local" },
		{ "::ffff:10.0.0.5", NULL, "IPv4-mapped" },
		{ "0.0.0.0/0", NULL, "0.0.0.0/0 for guest vm1" },
		{ "::/0", NULL, "::/0 for guest vm1" },
		{ "224.0.0.0/4", NULL, "multicast" },
		/* the gateway's own, and a prefix that would take it away */
		{ "169.254.0.1", NULL, "gateway" },
		{ "fe80::1", NULL, "gateway" },
		{ "169.254.0.0/24", NULL, "gateway" },
		/* one bad one is enough */
		{ "10.0.0.1 2001:db8::1 224.0.0.1", NULL, "multicast" },
		/* outside `allow` */
		{ "10.0.1.1", "narrow", "not allowed in network narrow" },
		{ "2001:db8::1", "narrow", "not allowed" },
		{ "10.0.0.0/23", "narrow", "not allowed" },
		{ "10.0.0.1 10.1.0.0/24", "narrow", "10.1.0.0/24" },
	};
	Host *host = *state;

	host_reopen(host, open_config);
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
		check_refusal(host,
			      request("vm1", "tap1", MAC1, vectors[i].addresses,
				      vectors[i].network),
			      L3VM_ERROR_REFUSED, vectors[i].words);
}

static void test_host_addresses(void **state)
{
	static const char *const own[] = { "10.0.0.99", "2001:db8::99" };
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
		L3vmAddr addr = prefix_of(own[i]);
		g_autofree char *prefix = g_strdup_printf("%s/%u", own[i], addr.len);

		l3vm_kernel_fake_add_local(host->kernel, &addr);
		check_refusal(host, request("vm1", "tap1", MAC1, own[i], NULL),
			      L3VM_ERROR_REFUSED, "this host's own");
		/* called a prefix it is no better */
		check_refusal(host, request("vm1", "tap1", MAC1, prefix, NULL),
			      L3VM_ERROR_REFUSED, "this host's own");
	}
}

static void test_derived_address_is_checked(void **state)
{
	Host *host = *state;

	host_reopen(host, open_config);
	check_refusal(host, request("vm1", "tap1", "52:54:7f:00:00:01", "", "mac"),
		      L3VM_ERROR_REFUSED, "127.0.0.1");
	attach(host, request("vm1", "tap1", "02:42:c1:25:0f:ba", "", "mac"),
	       L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 193.37.15.186/32 dev tap1");
}

/* --- how many --------------------------------------------------------------------- */

static L3vmPort *with_addresses(unsigned n)
{
	L3vmPort *port = request("vm1", "tap1", MAC1, "", NULL);

	for (unsigned i = 0; i < n; i++) {
		g_autofree char *text = g_strdup_printf("10.0.%u.%u", i / 200,
							1 + i % 200);

		assert_true(l3vm_port_add_address(port, text, NULL));
	}
	return port;
}

static L3vmPort *with_prefixes(unsigned n)
{
	L3vmPort *port = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);

	for (unsigned i = 0; i < n; i++) {
		g_autofree char *text = g_strdup_printf("2001:db8:%x::/48", i);

		assert_true(l3vm_port_add_prefix(port, text, NULL));
	}
	return port;
}

static void test_too_many(void **state)
{
	Host *host = *state;

	check_refusal(host, with_addresses(65), L3VM_ERROR_REFUSED, "65 addresses");
	check_refusal(host, with_prefixes(257), L3VM_ERROR_REFUSED, "257 prefixes");
	attach(host, with_addresses(64), L3VM_ATTACH_LIVE);
	assert_kernel_has(host, "unicast", 64);
	/* what a record holds can be read again */
	detach(host, "vm1");
	attach(host, with_prefixes(256), L3VM_ATTACH_LIVE);
	assert_kernel_has(host, "unicast", 257);
	host_reopen(host, NULL);
	detach(host, "vm1");
	assert_no_kernel(host, "unicast");
}

/* --- the rest of a request ------------------------------------------------ */

static void test_bad_requests(void **state)
{
	Host *host = *state;
	L3vmObject foreign = object_on(L3VM_OBJECT_MASTER, "tap3");

	host_reopen(host, open_config);
	l3vm_kernel_fake_add_link(host->kernel, "virbr0", true);
	g_strlcpy(foreign.master, "virbr0", sizeof(foreign.master));
	foreign.ifindex = 3;
	l3vm_kernel_fake_add_foreign(host->kernel, &foreign);
	check_refusal(host, request("vm1", "tap1", NULL, "10.0.0.1", NULL),
		      L3VM_ERROR_USAGE, "has no MAC");
	check_refusal(host,
		      request("vm1", "tap1", "02:6c:33:76:6d:01", "10.0.0.1", NULL),
		      L3VM_ERROR_REFUSED, "gateway's MAC");
	check_refusal(host, request("vm1", "tap1", MAC1, "10.0.0.1", "nosuch"),
		      L3VM_ERROR_USAGE, "network nosuch: not configured");
	check_refusal(host, request("vm1", "nosuch", MAC1, "10.0.0.1", NULL),
		      L3VM_ERROR_FAILED, "nosuch: no such interface");
	check_refusal(host, request("vm1", "tap1", MAC1, "", NULL), L3VM_ERROR_USAGE,
		      "address");
	check_refusal(host, request("vm1", "tap3", MAC1, "10.0.0.1", NULL),
		      L3VM_ERROR_REFUSED, "port of virbr0");
	check_refusal(host, request("vm1", "tap3", MAC1, "10.0.0.1", "lan"),
		      L3VM_ERROR_REFUSED, "port of virbr0");
	/* the bridge would take the guest's frames for its own */
	check_refusal(host,
		      request("vm1", "tap1", "02:fa:ce:00:00:01", "10.0.0.1", "lan"),
		      L3VM_ERROR_REFUSED, "guest's own MAC");
}

static void test_bad_port_spoils_the_good(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) good = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);
	g_autoptr(L3vmPort) bad = request("vm1", "tap2", MAC2, "224.0.0.1", NULL);
	L3vmPort *ports[] = { good, bad };
	g_autofree char *before = snapshot(host);
	g_autofree char *after = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	text = assert_fails(l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_LIVE, &error),
			    &error, L3VM_ERROR_REFUSED);
	after = snapshot(host);
	assert_string_equal(after, before);
}

/* --- taken ---------------------------------------------------------------- */

static void test_taken(void **state)
{
	static const char *const wanted[] = { "10.0.0.1", "2001:db8::1", "192.0.2.0/25",
					      "10.0.0.2 10.0.0.1", "10.0.0.1/32" };
	Host *host = *state;

	attach(host,
	       request("vm1", "tap1", MAC1, "10.0.0.1 2001:db8::1 192.0.2.0/25", NULL),
	       L3VM_ATTACH_LIVE);
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
		check_refusal(host, request("vm2", "tap2", MAC2, wanted[i], NULL),
			      L3VM_ERROR_REFUSED, "taken by guest vm1, tap1");
	/* in another network all the same */
	check_refusal(host, request("vm2", "tap2", MAC2, "10.0.0.1", "lan"),
		      L3VM_ERROR_REFUSED, "taken by guest vm1");
	/* a part of another's prefix is not that prefix */
	attach(host, request("vm2", "tap2", MAC2, "192.0.2.5", NULL), L3VM_ATTACH_LIVE);
	detach(host, "vm1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
}

/* A prepared port has no route, but it has its address. */
static void test_taken_by_prepared(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	check_refusal(host, request("vm2", "tap2", MAC2, "10.0.0.1", NULL),
		      L3VM_ERROR_REFUSED, "taken by guest vm1");
}

static void test_taken_by_a_sibling(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) first = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);
	g_autoptr(L3vmPort) second = request("vm1", "tap2", MAC2, "10.0.0.1", NULL);
	L3vmPort *ports[] = { first, second };
	g_autofree char *before = snapshot(host);
	g_autofree char *after = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	text = assert_fails(l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_LIVE, &error),
			    &error, L3VM_ERROR_REFUSED);
	assert_non_null(strstr(text, "taken by guest vm1, tap1"));
	after = snapshot(host);
	assert_string_equal(after, before);
}

/* Its holder's interface is gone: the guest ended unseen. */
static void test_takeover_from_vanished_interface(void **state)
{
	Host *host = *state;
	g_autofree char *records = NULL;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1 2001:db8::1", NULL),
	       L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
	/* the late `stopped` of the first guest takes nothing from the second */
	detach(host, "vm1");
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
	assert_kernel(host, "ip neigh replace 10.0.0.1 dev tap2");
	records = record_text(host);
	assert_non_null(strstr(records, "addresses/10.0.0.1_32 -> tap2"));
	check_refusal(host, request("vm3", "tap3", MAC3, "10.0.0.1", NULL),
		      L3VM_ERROR_REFUSED, "taken by guest vm2");
}

/* On a bridge: the routes of the dead guest are still there. */
static void test_takeover_on_a_bridge(void **state)
{
	Host *host = *state;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", "lan"), L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1", "lan"), L3VM_ATTACH_LIVE);
	assert_kernel(host, "ip neigh replace 10.0.0.1 dev br0 lladdr " MAC2);
	detach(host, "vm1");
	assert_kernel(host, "unicast 10.0.0.1/32 dev br0");
	assert_kernel(host, "ip neigh replace 10.0.0.1 dev br0 lladdr " MAC2);
}

/* A reservation without a record: made a moment ago, it is another process's
 * that is about to write its record; older, a crash left it behind. */
static void test_reservation_without_record(void **state)
{
	Host *host = *state;
	const struct timeval old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	g_autofree char *link = NULL;

	attach(host, request("vm3", "tap3", MAC3, "10.0.0.3", NULL), L3VM_ATTACH_LIVE);
	link = g_strdup(host_path(host, "addresses/10.0.0.1_32"));
	assert_int_equal(symlink("tap1", link), 0);
	check_refusal(host, request("vm2", "tap2", MAC2, "10.0.0.1", NULL),
		      L3VM_ERROR_REFUSED, "10.0.0.1 for guest vm2: taken");
	/* its own it may have at once */
	assert_int_equal(lutimes(link, old), 0);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap2");
}

/* Who died while he moved an address from one of his ports to another may have left a
 * reservation that is not its record's: what counts then is the record. */
static void test_reservation_of_another_record(void **state)
{
	Host *host = *state;
	const struct timeval old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	g_autofree char *link = g_strdup(host_path(host, "addresses/10.0.0.1_32"));

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap2", MAC2, "10.0.0.2", NULL), L3VM_ATTACH_LIVE);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("tap2", link), 0);
	assert_int_equal(lutimes(link, old), 0);
	check_refusal(host, request("vm3", "tap3", MAC3, "10.0.0.1", NULL),
		      L3VM_ERROR_REFUSED, "taken by guest vm1");
	/* its own it may have at once, and has again */
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("tap2", link), 0);
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap1", MAC1, "10.0.0.4", NULL), L3VM_ATTACH_LIVE);
	assert_int_equal(symlink("tap2", link), 0);
	assert_int_equal(lutimes(link, old), 0);
	attach(host, request("vm3", "tap3", MAC3, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.1/32 dev tap3");
}

/* --- one interface, two guests -------------------------------------------- */

static void test_interface_of_another_guest(void **state)
{
	Host *host = *state;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	check_refusal(host, request("vm2", "tap1", MAC2, "10.0.0.2", NULL),
		      L3VM_ERROR_REFUSED, "tap1: is a port of guest vm1");
}

/* Known by its UUID, attached to by its name: the same guest. */
static void test_guest_by_name(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = l3vm_port_new("vm1", NULL, NULL);
	g_autoptr(GError) error = NULL;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	assert_true(l3vm_port_set_ifname(port, "tap2", NULL));
	assert_true(l3vm_port_set_mac(port, MAC2, NULL));
	assert_true(l3vm_port_add_address(port, "10.0.0.2", NULL));
	assert_ok(l3vm_attach(host->l3vm, &port, 1, L3VM_ATTACH_LIVE, &error), &error);
	detach(host, UUID1);
	assert_no_kernel(host, "unicast");
}

/* The name was used again: what is on record of the first guest is a leftover. */
static void test_name_used_again(void **state)
{
	Host *host = *state;
	g_autofree char *records = NULL;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", "tenant"),
	       L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	l3vm_kernel_fake_add_link(host->kernel, "tap1", false);
	attach(host, request("vm2", "tap1", MAC2, "10.0.0.2", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap1");
	assert_no_kernel(host, "10.0.0.1");
	assert_no_kernel(host, "iif tap1");
	records = record_text(host);
	assert_null(strstr(records, "vm1"));
	assert_null(strstr(records, "10.0.0.1_32"));
	/* the late `stopped` of the first one */
	detach(host, "vm1");
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap1");
}

/* Unreadable, a record is as good as none; the interface is taken into use. */
static void test_corrupt_record(void **state)
{
	static const char *const damage[] = { "", "nonsense", "{}", "{\"version\":1}\n",
					      "{\"version\":99}" };
	Host *host = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(damage); i++) {
		attach(host, request1(), L3VM_ATTACH_LIVE);
		assert_true(g_file_set_contents(host_path(host, "ports/tap1.json"),
						damage[i], -1, NULL));
		g_chmod(host_path(host, "ports/tap1.json"), 0640);
		attach(host, request1(), L3VM_ATTACH_LIVE);
		assert_non_null(strstr(host->warnings->str, "tap1.json: ignored"));
		g_string_truncate(host->warnings, 0);
		assert_kernel(host, "unicast 10.0.0.1/32 dev tap1");
		detach(host, "vm1");
		assert_no_kernel(host, "unicast");
	}
}

/* A guest whose record cannot be read is taken down by what its interface has,
 * and its other port by its own record. */
static void test_detach_with_corrupt_record(void **state)
{
	Host *host = *state;
	g_autofree char *records = NULL;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap2", MAC2, "10.0.0.2", "lan"), L3VM_ATTACH_LIVE);
	attach(host, request("vm1", "tap3", MAC3, "10.0.0.3", NULL), L3VM_ATTACH_LIVE);
	assert_true(
		g_file_set_contents(host_path(host, "ports/tap3.json"), "x", -1, NULL));
	detach(host, "vm1");
	assert_no_kernel(host, "unicast");
	records = record_text(host);
	assert_null(strstr(records, "ports/"));
	assert_null(strstr(records, "guests/"));
}

/* Without a word, without a change, whatever else is wrong. */
static void test_not_ours(void **state)
{
	Host *host = *state;
	g_autofree char *before = snapshot(host);
	g_autofree char *after = NULL;
	L3vmPort *port = request("vm1", "tap1", MAC1, "", NULL);

	l3vm_port_set_optional(port, true);
	attach(host, port, L3VM_ATTACH_START);
	port = request("vm1", "tap1", MAC1, "", NULL);
	l3vm_port_set_optional(port, true);
	l3vm_port_set_hint(port, "virbr0", "somebodys");
	attach(host, port, L3VM_ATTACH_START);
	after = snapshot(host);
	assert_string_equal(after, before);
	assert_string_equal(host->warnings->str, "");
}

static void test_addresses_on_a_foreign_bridge(void **state)
{
	Host *host = *state;
	L3vmPort *port = request("vm1", "tap1", MAC1, "10.0.0.1", NULL);

	l3vm_port_set_optional(port, true);
	l3vm_port_set_hint(port, "virbr0", NULL);
	check_refusal(host, port, L3VM_ERROR_REFUSED, "virbr0, which is no bridge of");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(test_bad_addresses),
		host_test(test_host_addresses),
		host_test(test_derived_address_is_checked),
		host_test(test_too_many),
		host_test(test_bad_requests),
		host_test(test_bad_port_spoils_the_good),
		host_test(test_taken),
		host_test(test_taken_by_prepared),
		host_test(test_taken_by_a_sibling),
		host_test(test_takeover_from_vanished_interface),
		host_test(test_takeover_on_a_bridge),
		host_test(test_reservation_without_record),
		host_test(test_reservation_of_another_record),
		host_test(test_interface_of_another_guest),
		host_test(test_guest_by_name),
		host_test(test_name_used_again),
		host_test(test_corrupt_record),
		host_test(test_detach_with_corrupt_record),
		host_test(test_not_ours),
		host_test(test_addresses_on_a_foreign_bridge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
