/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-port.c - one NIC: what its setters take, its states and their ranks */
#include "model/port.h"

#include "values.h"

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"

static L3vmPort *new_port(void)
{
	L3vmPort *port = l3vm_port_new("vm1", NULL, NULL);

	assert_non_null(port);
	return port;
}

static void assert_usage(GError **error, const char *words)
{
	assert_true(g_error_matches(*error, L3VM_ERROR, L3VM_ERROR_USAGE));
	if (!strstr((*error)->message, words))
		fail_msg("no \"%s\" in: %s", words, (*error)->message);
	/* WHAT: WHY (REMEDY), and short though its input may be long */
	assert_non_null(strstr((*error)->message, ": "));
	assert_true(g_str_has_suffix((*error)->message, ")"));
	assert_true(strlen((*error)->message) < 250);
	g_clear_error(error);
}

static void test_new(void **state)
{
	g_autoptr(L3vmPort) port = l3vm_port_new("vm1", NULL, NULL);
	g_autoptr(L3vmPort) other =
		l3vm_port_new("vm1", "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", NULL);

	(void)state;
	assert_string_equal(l3vm_port_guest_key(port), "vm1");
	assert_null(port->uuid);
	assert_null(port->ifname);
	assert_false(port->has_mac);
	assert_int_equal(port->addresses->len, 0);
	/* one spelling, or it would have two locks */
	assert_string_equal(l3vm_port_guest_key(other), UUID);
	l3vm_port_free(NULL);
}

static void test_new_refuses(void **state)
{
	g_autofree char *long_name = g_strnfill(300, 'x');
	g_autoptr(GError) error = NULL;

	(void)state;
	assert_null(l3vm_port_new("a/b", NULL, &error));
	assert_usage(&error, "guest \"a/b\"");
	assert_null(l3vm_port_new("", NULL, &error));
	assert_usage(&error, "guest \"\"");
	assert_null(l3vm_port_new("a\nb", NULL, &error));
	assert_usage(&error, "guest \"a\\012b\"");
	assert_null(l3vm_port_new(long_name, NULL, &error));
	assert_usage(&error, "xxx\"...");
	assert_null(l3vm_port_new("vm1", "nonsense", &error));
	assert_usage(&error, "UUID \"nonsense\"");
}

static void test_set_ifname(void **state)
{
	g_autofree char *long_name = g_strnfill(300, 'x');
	const char *const bad[] = { "",	   "a/b",     "a b",
				    "a:b", "t%d",     "a\nb",
				    "..",  long_name, "sixteen-letters!" };
	g_autoptr(L3vmPort) port = new_port();
	g_autoptr(GError) error = NULL;

	(void)state;
	assert_true(l3vm_port_set_ifname(port, "tap0", &error));
	assert_true(l3vm_port_set_ifname(port, "tapvm1", &error));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		assert_false(l3vm_port_set_ifname(port, bad[i], &error));
		assert_usage(&error, "interface \"");
	}
	assert_string_equal(port->ifname, "tapvm1");
}

static void test_set_mac(void **state)
{
	static const char *const bad[] = { "",
					   "52:54:00:00:00",
					   "52-54-00-00-00-05",
					   "00:00:00:00:00:00",
					   "01:00:5e:00:00:01",
					   "ff:ff:ff:ff:ff:ff" };
	g_autoptr(L3vmPort) port = new_port();
	g_autoptr(GError) error = NULL;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		assert_false(l3vm_port_set_mac(port, bad[i], &error));
		assert_usage(&error, "MAC \"");
	}
	assert_false(port->has_mac);
	assert_true(l3vm_port_set_mac(port, "52:54:00:00:00:05", &error));
	assert_true(port->has_mac);
}

/* A MAC that was refused must not take the place of one that was set. */
static void test_refused_mac_changes_nothing(void **state)
{
	g_autoptr(L3vmPort) port = new_port();
	const L3vmMac wanted = mac_of("52:54:00:00:00:05");

	(void)state;
	assert_true(l3vm_port_set_mac(port, "52:54:00:00:00:05", NULL));
	assert_false(l3vm_port_set_mac(port, "ff:ff:ff:ff:ff:ff", NULL));
	assert_true(l3vm_mac_equal(&port->mac, &wanted));
}

static void test_set_network(void **state)
{
	g_autoptr(L3vmPort) port = new_port();
	g_autoptr(GError) error = NULL;

	(void)state;
	assert_true(l3vm_port_set_network(port, "a", &error));
	assert_true(l3vm_port_set_network(port, "tenant-7", &error));
	assert_false(l3vm_port_set_network(port, "a b", &error));
	assert_usage(&error, "network \"a b\"");
	assert_string_equal(port->network, "tenant-7");
}

static void test_add_address(void **state)
{
	static const char *const bad[] = { "",	     "10.0.0.0/24", "2001:db8::/64",
					   "10.0.0", "vm1.example", "10.0.0.5 " };
	g_autoptr(L3vmPort) port = new_port();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	(void)state;
	assert_true(l3vm_port_add_address(port, "10.0.0.5", &error));
	assert_true(l3vm_port_add_address(port, "2001:db8::5", &error));
	/* twice is once, in any spelling */
	assert_true(l3vm_port_add_address(port, "10.0.0.5/32", &error));
	assert_true(l3vm_port_add_address(port, "2001:DB8:0::5", &error));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		assert_false(l3vm_port_add_address(port, bad[i], &error));
		assert_usage(&error, "address \"");
	}
	text = prefixes_text(port->addresses);
	assert_string_equal(text, "10.0.0.5/32 2001:db8::5/128");
}

static void test_add_prefix(void **state)
{
	static const char *const bad[] = { "", "10.0.0.5/24", "2001:db8::5/64",
					   "10.0.0.0/33", "prefix" };
	g_autoptr(L3vmPort) port = new_port();
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	(void)state;
	assert_true(l3vm_port_add_prefix(port, "2001:db8:5::/64", &error));
	assert_true(l3vm_port_add_prefix(port, "2001:db8:5:0::/64", &error));
	assert_true(l3vm_port_add_prefix(port, "192.0.2.0/24", &error));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		assert_false(l3vm_port_add_prefix(port, bad[i], &error));
		assert_usage(&error, "prefix \"");
	}
	text = prefixes_text(port->prefixes);
	assert_string_equal(text, "2001:db8:5::/64 192.0.2.0/24");
}

/* A copy lives on when the original goes. */
static void test_copy(void **state)
{
	L3vmPort *port = l3vm_port_new("vm1", UUID, NULL);
	g_autoptr(L3vmPort) copy = NULL;

	(void)state;
	l3vm_port_set_ifname(port, "tapvm1", NULL);
	l3vm_port_set_mac(port, "52:54:00:00:00:05", NULL);
	l3vm_port_add_address(port, "10.0.0.5", NULL);
	l3vm_port_add_prefix(port, "192.0.2.0/24", NULL);
	l3vm_port_set_hint(port, "virbr0", "lan");
	l3vm_port_set_optional(port, true);
	port->net = l3vm_network_new("default");
	port->state = L3VM_STATE_LEAVING;
	port->generation = 7;
	copy = l3vm_port_copy(port);
	l3vm_port_add_address(port, "10.0.0.6", NULL);
	l3vm_port_free(port);
	assert_string_equal(copy->guest, "vm1");
	assert_string_equal(copy->uuid, UUID);
	assert_string_equal(copy->ifname, "tapvm1");
	assert_string_equal(copy->hint_bridge, "virbr0");
	assert_string_equal(copy->hint_network, "lan");
	assert_string_equal(copy->net->name, "default");
	assert_int_equal(copy->addresses->len, 1);
	assert_int_equal(copy->prefixes->len, 1);
	assert_true(copy->optional);
	assert_int_equal(copy->state, L3VM_STATE_LEAVING);
	assert_int_equal(copy->generation, 7);
}

static void test_hint(void **state)
{
	g_autoptr(L3vmPort) port = new_port();

	(void)state;
	l3vm_port_set_hint(port, "virbr0", NULL);
	l3vm_port_set_hint(port, NULL, "lan");
	assert_null(port->hint_bridge);
	assert_string_equal(port->hint_network, "lan");
}

static void test_route_dev(void **state)
{
	g_autoptr(L3vmPort) port = new_port();

	(void)state;
	l3vm_port_set_ifname(port, "tapvm1", NULL);
	port->net = l3vm_network_new("default");
	assert_string_equal(l3vm_port_route_dev(port), "tapvm1");
	port->net->mode = L3VM_MODE_BRIDGE;
	port->net->bridge = g_strdup("br0");
	assert_string_equal(l3vm_port_route_dev(port), "br0");
}

static void test_states(void **state)
{
	static const L3vmRanks ranks = { 4, 5, 4194305000 };
	static const struct {
		L3vmState state;
		const char *name;
		uint32_t metric;
	} vectors[] = {
		{ L3VM_STATE_PREPARED, "prepared", 0 },
		{ L3VM_STATE_ARRIVED, "arrived", 4 },
		{ L3VM_STATE_LIVE, "live", 5 },
		{ L3VM_STATE_LEAVING, "leaving", 4194305000 },
		{ L3VM_STATE_GONE, "gone", 0 },
	};
	L3vmState parsed;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmState is = vectors[i].state;

		assert_string_equal(l3vm_state_name(is), vectors[i].name);
		assert_true(l3vm_state_parse(vectors[i].name, &parsed));
		assert_int_equal(parsed, is);
		assert_int_equal(l3vm_state_metric(is, &ranks), vectors[i].metric);
	}
	assert_false(l3vm_state_parse("Live", &parsed));
	assert_false(l3vm_state_parse("", &parsed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_new_refuses),
		cmocka_unit_test(test_set_ifname),
		cmocka_unit_test(test_set_mac),
		cmocka_unit_test(test_refused_mac_changes_nothing),
		cmocka_unit_test(test_set_network),
		cmocka_unit_test(test_add_address),
		cmocka_unit_test(test_add_prefix),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_hint),
		cmocka_unit_test(test_route_dev),
		cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
