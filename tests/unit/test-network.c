/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-network.c - a network's defaults, its allow list, its derive rules */
#include "model/network.h"

#include "values.h"

static void test_defaults(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("default");
	char buf[L3VM_ADDR_STRLEN];

	(void)state;
	assert_string_equal(network->name, "default");
	assert_int_equal(network->mode, L3VM_MODE_ROUTED);
	assert_string_equal(l3vm_prefix_format(&network->gateway4, buf),
			    "169.254.0.1/32");
	assert_string_equal(l3vm_prefix_format(&network->gateway6, buf), "fe80::1/128");
	assert_string_equal(l3vm_mac_format(&network->gateway_mac, buf),
			    "02:6c:33:76:6d:01");
	assert_int_equal(network->table, 254);
	assert_int_equal(network->mtu, 1500);
	assert_int_equal(network->cover, L3VM_COVER_NONE);
	assert_false(network->proxy_arp);
	assert_true(network->guard);
	assert_false(network->learn);
	assert_null(network->allow);
	assert_null(network->derive);
	assert_null(network->bridge);
	assert_string_equal(network->announce[0], "kernel");
	assert_null(network->announce[1]);
}

static L3vmNetwork *make_network(void)
{
	L3vmNetwork *network = l3vm_network_new("lan");
	const L3vmDerive rule = { .kind = L3VM_DERIVE_MAC4 };

	network->bridge = g_strdup("br0");
	network->allow = prefixes_of("10.0.0.0/8 2001:db8::/32");
	network->derive = g_array_new(FALSE, FALSE, sizeof(L3vmDerive));
	g_array_append_val(network->derive, rule);
	return network;
}

/* A copy shares nothing with what it was made of. */
static void test_copy(void **state)
{
	L3vmNetwork *original = make_network();
	g_autoptr(L3vmNetwork) copy = NULL;

	(void)state;
	copy = l3vm_network_copy(original, "tenant");
	g_array_set_size(original->allow, 0);
	l3vm_network_free(original);
	assert_string_equal(copy->name, "tenant");
	assert_string_equal(copy->bridge, "br0");
	assert_int_equal(copy->allow->len, 2);
	assert_int_equal(copy->derive->len, 1);
	assert_string_equal(copy->announce[0], "kernel");
	l3vm_network_free(NULL);
}

/* Two that one thing alone makes different: each member in turn. */
static void test_equal(void **state)
{
	(void)state;
#define DIFFERS(change)                                    \
	do {                                               \
		g_autoptr(L3vmNetwork) a = make_network(); \
		g_autoptr(L3vmNetwork) b = make_network(); \
		assert_true(l3vm_network_equal(a, b));     \
		change;                                    \
		assert_false(l3vm_network_equal(a, b));    \
		assert_false(l3vm_network_equal(b, a));    \
	} while (0)
	DIFFERS(b->name[0]++);
	DIFFERS(b->mode = L3VM_MODE_BRIDGE);
	DIFFERS(b->gateway4 = prefix_of("10.0.0.1"));
	DIFFERS(b->gateway6 = prefix_of("fe80::2"));
	DIFFERS(b->gateway_mac.bytes[5]++);
	DIFFERS(g_array_set_size(b->allow, 1));
	DIFFERS(g_array_index(b->allow, L3vmAddr, 1) = prefix_of("2001:db8::/48"));
	DIFFERS(g_clear_pointer(&b->allow, g_array_unref));
	DIFFERS(b->table = 100);
	DIFFERS(b->routes_table = 100);
	DIFFERS(b->mtu = 9000);
	DIFFERS(b->proxy_arp = true);
	DIFFERS(b->guard = false);
	DIFFERS(b->learn = true);
	DIFFERS(b->announce_gateway = true);
	DIFFERS(b->cover = L3VM_COVER_BLACKHOLE);
	DIFFERS(g_clear_pointer(&b->bridge, g_free));
	DIFFERS(g_array_set_size(b->derive, 0));
	DIFFERS(g_clear_pointer(&b->derive, g_array_unref));
	DIFFERS(g_array_index(b->derive, L3vmDerive, 0).kind = L3VM_DERIVE_EMBED4);
	DIFFERS(g_array_index(b->derive, L3vmDerive, 0).prefix = prefix_of("::/96"));
	DIFFERS(b->announce[0][0]++);
#undef DIFFERS
}

/* It is there as long as somebody holds it. */
static void test_ref(void **state)
{
	L3vmNetwork *network = make_network();
	L3vmNetwork *other = l3vm_network_ref(network);
	g_autoptr(L3vmNetwork) copy = l3vm_network_copy(other, "copy");

	(void)state;
	l3vm_network_free(network);
	assert_string_equal(other->bridge, "br0");
	l3vm_network_free(other);
	assert_string_equal(copy->bridge, "br0");
}

static void test_allow(void **state)
{
	static const struct {
		const char *allow, *prefix;
		bool allowed;
	} vectors[] = {
		{ "10.0.0.0/16 2001:db8::/48", "10.0.0.5", true },
		{ "10.0.0.0/16 2001:db8::/48", "10.0.255.255", true },
		{ "10.0.0.0/16 2001:db8::/48", "10.1.0.0", false },
		{ "10.0.0.0/16 2001:db8::/48", "10.0.0.0/16", true },
		{ "10.0.0.0/16 2001:db8::/48", "10.0.0.0/15", false },
		{ "10.0.0.0/16 2001:db8::/48", "2001:db8:0:5::/64", true },
		{ "10.0.0.0/16 2001:db8::/48", "2001:db8:1::5", false },
		{ "10.0.0.0/16", "2001:db8::5", false },
		{ "10.0.0.0/17 10.0.128.0/17", "10.0.0.0/16", false },
		/* an empty list allows nothing, unlike none at all */
		{ "", "10.0.0.5", false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		g_autoptr(L3vmNetwork) network = l3vm_network_new("n");
		L3vmAddr prefix = prefix_of(vectors[i].prefix);

		assert_true(l3vm_network_allows(network, &prefix));
		network->allow = prefixes_of(vectors[i].allow);
		if (l3vm_network_allows(network, &prefix) != vectors[i].allowed)
			fail_msg("%s in %s", vectors[i].prefix, vectors[i].allow);
	}
}

static void add_rule(L3vmNetwork *network, L3vmDeriveKind kind, const char *prefix)
{
	L3vmDerive rule = { .kind = kind };

	if (prefix)
		rule.prefix = prefix_of(prefix);
	if (!network->derive)
		network->derive = g_array_new(FALSE, FALSE, sizeof(L3vmDerive));
	g_array_append_val(network->derive, rule);
}

/* What the rules make of @mac and the addresses in @given. */
static char *derive(const L3vmNetwork *network, const char *mac, const char *given)
{
	g_autoptr(GArray) out = prefixes_of(given);
	L3vmMac bytes = mac_of(mac);

	l3vm_network_derive(network, &bytes, out);
	return prefixes_text(out);
}

static void test_derive_none(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("n");
	g_autofree char *text = derive(network, "52:54:00:00:00:05", "");

	(void)state;
	assert_string_equal(text, "");
}

static void test_derive_mac4(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("n");
	g_autofree char *docker = NULL;
	g_autofree char *zero = NULL;

	(void)state;
	add_rule(network, L3VM_DERIVE_MAC4, NULL);
	docker = derive(network, "02:42:c1:25:0f:ba", "");
	assert_string_equal(docker, "193.37.15.186/32");
	/* policy, not derivation, refuses what comes out */
	zero = derive(network, "52:54:00:00:00:05", "");
	assert_string_equal(zero, "0.0.0.5/32");
}

static void test_derive_eui64(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("n");
	g_autofree char *text = NULL;

	(void)state;
	add_rule(network, L3VM_DERIVE_EUI64, "2001:db8:1::/64");
	text = derive(network, "52:54:00:00:00:05", "");
	assert_string_equal(text, "2001:db8:1:0:5054:ff:fe00:5/128");
}

static void test_derive_embed4(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("n");
	g_autofree char *alone = NULL;
	g_autofree char *given = NULL;

	(void)state;
	add_rule(network, L3VM_DERIVE_EMBED4, "2001:db8:2::/96");
	alone = derive(network, "52:54:00:00:00:05", "");
	assert_string_equal(alone, "");
	given = derive(network, "52:54:00:00:00:05", "10.0.0.5 2001:db8::5 10.0.0.6");
	assert_string_equal(given, "10.0.0.5/32 2001:db8::5/128 10.0.0.6/32 "
				   "2001:db8:2::a00:5/128 2001:db8:2::a00:6/128");
}

/* Rules work in their order: what mac4 gives, embed4 uses. */
static void test_derive_several(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("n");
	g_autofree char *text = NULL;

	(void)state;
	add_rule(network, L3VM_DERIVE_MAC4, NULL);
	add_rule(network, L3VM_DERIVE_EUI64, "2001:db8:1::/64");
	add_rule(network, L3VM_DERIVE_EMBED4, "2001:db8:2::/96");
	text = derive(network, "02:42:c1:25:0f:ba", "");
	assert_string_equal(text, "193.37.15.186/32 2001:db8:1:0:42:c1ff:fe25:fba/128 "
				  "2001:db8:2::c125:fba/128");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_ref),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_derive_none),
		cmocka_unit_test(test_derive_mac4),
		cmocka_unit_test(test_derive_eui64),
		cmocka_unit_test(test_derive_embed4),
		cmocka_unit_test(test_derive_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
