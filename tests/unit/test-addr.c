/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-addr.c - addresses, prefixes and MACs as values */
#include "base/addr.h"

#include "values.h"

static const struct {
	const char *text, *canonical; /* NULL: refused */
} prefix_vectors[] = {
	{ "10.0.0.5", "10.0.0.5/32" },
	{ "10.0.0.5/32", "10.0.0.5/32" },
	{ "10.0.0.0/8", "10.0.0.0/8" },
	{ "10.0.0.0/7", "10.0.0.0/7" },
	{ "128.0.0.0/1", "128.0.0.0/1" },
	{ "0.0.0.0/0", "0.0.0.0/0" },
	{ "::/0", "::/0" },
	{ "2001:DB8:0:0::5", "2001:db8::5/128" },
	{ "2001:db8:5::/64", "2001:db8:5::/64" },
	{ "2001:db8:0:8000::/49", "2001:db8:0:8000::/49" },
	{ "2001:db8:0:8000::/48", NULL },
	{ "::ffff:10.0.0.5", "::ffff:10.0.0.5/128" },
	/* bits behind the length */
	{ "10.0.0.5/31", NULL },
	{ "10.0.0.5/24", NULL },
	{ "2001:db8::5/64", NULL },
	{ "10.0.0.0/33", NULL },
	{ "::/129", NULL },
	{ "10.0.0.0/", NULL },
	{ "10.0.0.0/-1", NULL },
	{ "10.0.0.0/+8", NULL },
	{ "10.0.0.0/ 8", NULL },
	{ "10.0.0.0/8 ", NULL },
	{ "10.0.0.0/8/8", NULL },
	{ "10.0.0.0/0x8", NULL },
	{ "10.0.0.0/18446744073709551624", NULL },
	/* what inet_aton() would take */
	{ "10.1", NULL },
	{ "0x0a.0.0.1", NULL },
	{ "010.0.0.1", NULL },
	{ "10.0.0.256", NULL },
	{ "10.0.0.5.", NULL },
	{ " 10.0.0.5", NULL },
	{ "10.0.0.5\n", NULL },
	{ "", NULL },
	{ "/", NULL },
	{ "/32", NULL },
	{ "default", NULL },
	{ "fe80::1%eth0", NULL },
	{ "2001:db8:::5", NULL },
	{ "12345::", NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL },
	{ "1111:2222:3333:4444:5555:6666:255.255.255.255/128",
	  "1111:2222:3333:4444:5555:6666:ffff:ffff/128" },
	{ "11111111111111111111111111111111111111111111111111111111/24", NULL },
};

static void test_prefix_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(prefix_vectors); i++) {
		const char *text = prefix_vectors[i].text;
		const char *wanted = prefix_vectors[i].canonical;
		L3vmAddr addr = { .family = 77 };
		char buf[L3VM_ADDR_STRLEN];

		if (l3vm_prefix_parse(text, &addr) != (wanted != NULL))
			fail_msg("\"%s\" should%s parse", text, wanted ? "" : " not");
		if (wanted)
			assert_string_equal(l3vm_prefix_format(&addr, buf), wanted);
		else
			assert_int_equal(addr.family, 77); /* untouched */
	}
}

static void test_addr_parse(void **state)
{
	char buf[L3VM_ADDR_STRLEN];
	L3vmAddr addr;

	(void)state;
	assert_true(l3vm_addr_parse("10.0.0.5/32", &addr));
	assert_string_equal(l3vm_addr_format(&addr, buf), "10.0.0.5");
	assert_true(l3vm_addr_parse("2001:db8::5/128", &addr));
	assert_string_equal(l3vm_addr_format(&addr, buf), "2001:db8::5");
	assert_true(l3vm_addr_is_host(&addr));
	assert_false(l3vm_addr_parse("10.0.0.0/24", &addr));
	assert_false(l3vm_addr_parse("2001:db8::/64", &addr));
	/* the longest there is fits its buffer */
	assert_true(l3vm_addr_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &addr));
	assert_string_equal(l3vm_prefix_format(&addr, buf),
			    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void test_unused_bytes_are_zero(void **state)
{
	const uint8_t bytes[16] = { 10, 0, 0, 5, 1, 2, 3 };
	L3vmAddr made = l3vm_addr_from_bytes(AF_INET, bytes, 32);
	L3vmAddr parsed = prefix_of("10.0.0.5");

	(void)state;
	/* hashes and record files rely on it */
	assert_memory_equal(&made, &parsed, sizeof(made));
	assert_true(l3vm_addr_equal(&made, &parsed));
}

static void test_families(void **state)
{
	(void)state;
	assert_int_equal(l3vm_family_bytes(AF_INET), 4);
	assert_int_equal(l3vm_family_bytes(AF_INET6), 16);
	assert_int_equal(l3vm_family_bits(AF_INET), 32);
	assert_int_equal(l3vm_family_bits(AF_INET6), 128);
}

/* Ascending; each is less than all behind it, and equal to itself alone. */
static void test_compare(void **state)
{
	static const char *const ascending[] = {
		"0.0.0.0/0",	 "10.0.0.0/8",	  "10.0.0.0/16", "10.0.0.0/32",
		"10.0.0.1",	 "255.0.0.0",	  "::/0",	 "::/128",
		"2001:db8::/32", "2001:db8::/64",
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(ascending); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(ascending); j++) {
			L3vmAddr a = prefix_of(ascending[i]),
				 b = prefix_of(ascending[j]);
			int order = l3vm_addr_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(l3vm_addr_equal(&a, &b), i == j);
		}
}

static void test_contains(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} vectors[] = {
		{ "0.0.0.0/0", "10.0.0.5", true },
		{ "0.0.0.0/0", "0.0.0.0/0", true },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.0.0.0/8", "10.0.0.0/7", false },
		{ "10.0.0.0/9", "10.127.0.0/16", true },
		{ "10.0.0.0/9", "10.128.0.0/16", false },
		{ "10.0.0.4/31", "10.0.0.5", true },
		{ "10.0.0.4/31", "10.0.0.6", false },
		{ "10.0.0.5", "10.0.0.5", true },
		{ "10.0.0.5", "10.0.0.4", false },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "0.0.0.0/0", false },
		{ "::/0", "2001:db8::5", true },
		{ "2001:db8::/32", "2001:db8:ffff::/48", true },
		{ "2001:db8::/33", "2001:db8:8000::/48", false },
		{ "2001:db8::5", "2001:db8::5", true },
		{ "2001:db8::4/127", "2001:db8::6", false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmAddr outer = prefix_of(vectors[i].outer);
		L3vmAddr inner = prefix_of(vectors[i].inner);

		if (l3vm_prefix_contains(&outer, &inner) != vectors[i].contains)
			fail_msg("%s contains %s", vectors[i].outer, vectors[i].inner);
	}
}

static void test_assignable(void **state)
{
	static const struct {
		const char *text, *why; /* NULL: a guest may have it */
	} vectors[] = {
		{ "10.0.0.5", NULL },
		{ "1.0.0.0", NULL },
		{ "126.255.255.255", NULL },
		{ "128.0.0.1", NULL },
		{ "169.253.0.1", NULL },
		{ "172.16.0.1", NULL },
		{ "223.255.255.255", NULL },
		{ "100.64.0.1", NULL },
		{ "2001:db8::5", NULL },
		{ "fd00::1", NULL },
		{ "10.0.0.0/8", NULL },
		{ "2001:db8::/32", NULL },
		{ "0.0.0.0", "this network" },
		{ "0.1.2.3", "this network" },
		{ "127.0.0.1", "loopback" },
		{ "127.255.255.254", "loopback" },
		{ "169.254.0.1", "link-local" },
		{ "169.254.200.1", "link-local" },
		{ "224.0.0.1", "multicast" },
		{ "239.255.255.255", "multicast" },
		{ "240.0.0.1", "reserved" },
		{ "255.255.255.255", "broadcast" },
		{ "::", "unspecified" },
		{ "::1", "loopback" },
		{ "::ffff:10.0.0.5", "IPv4-mapped" },
		{ "fe80::1", "link-local" },
		{ "febf::1", "link-local" },
		{ "ff02::1", "multicast" },
		{ "ff00::/8", "multicast" },
		/* a prefix that covers what may not be had */
		{ "0.0.0.0/0", "this network" },
		{ "126.0.0.0/7", "loopback" },
		{ "192.0.0.0/2", "multicast" },
		{ "::/0", "unspecified" },
		{ "::/64", "unspecified" },
		{ "fe00::/8", "link-local" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmAddr addr = prefix_of(vectors[i].text);
		const char *why = NULL;
		bool assignable = l3vm_addr_is_assignable(&addr, &why);

		if (assignable != !vectors[i].why)
			fail_msg("%s: assignable is %d", vectors[i].text, assignable);
		if (!assignable && !strstr(why, vectors[i].why))
			fail_msg("%s: %s", vectors[i].text, why);
		/* who does not ask why is told as well */
		assert_int_equal(l3vm_addr_is_assignable(&addr, NULL), assignable);
	}
}

static void test_mac(void **state)
{
	static const char *const bad[] = {
		"",
		"52:54:00:00:00",
		"52:54:00:00:00:5",
		"52:54:00:00:00:055",
		"52-54-00-00-00-05",
		"525400000005",
		"52:54:00:00:00:0g",
		" 2:54:00:00:00:05",
		"52:54:00:00:00:05\n",
		"+2:54:00:00:00:05",
	};
	char buf[L3VM_MAC_STRLEN];
	L3vmMac mac, other = mac_of("52:54:00:00:00:06");

	(void)state;
	assert_true(l3vm_mac_parse("52:54:00:aB:Cd:05", &mac));
	assert_string_equal(l3vm_mac_format(&mac, buf), "52:54:00:ab:cd:05");
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		if (l3vm_mac_parse(bad[i], &other))
			fail_msg("\"%s\" should not parse", bad[i]);
	assert_string_equal(l3vm_mac_format(&other, buf), "52:54:00:00:00:06");
	assert_false(l3vm_mac_equal(&mac, &other));
	assert_true(l3vm_mac_equal(&mac, &mac));
}

static void test_mac_unicast(void **state)
{
	static const struct {
		const char *text;
		bool unicast;
	} vectors[] = {
		{ "52:54:00:00:00:05", true },	{ "00:00:00:00:00:01", true },
		{ "fe:ff:ff:ff:ff:ff", true },	{ "00:00:00:00:00:00", false },
		{ "01:00:5e:00:00:01", false }, { "33:33:00:00:00:01", false },
		{ "ff:ff:ff:ff:ff:ff", false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmMac mac = mac_of(vectors[i].text);

		assert_int_equal(l3vm_mac_is_unicast(&mac), vectors[i].unicast);
	}
}

/* RFC 4291 appendix A: the universal bit is inverted, ff:fe is in the middle. */
static void test_link_local(void **state)
{
	static const struct {
		const char *mac, *addr;
	} vectors[] = {
		{ "52:54:00:00:00:05", "fe80::5054:ff:fe00:5/128" },
		{ "00:00:5e:00:53:01", "fe80::200:5eff:fe00:5301/128" },
		{ "02:6c:33:76:6d:01", "fe80::6c:33ff:fe76:6d01/128" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmMac mac = mac_of(vectors[i].mac);
		L3vmAddr addr = l3vm_addr_link_local(&mac);
		char buf[L3VM_ADDR_STRLEN];

		assert_string_equal(l3vm_prefix_format(&addr, buf), vectors[i].addr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_parse),
		cmocka_unit_test(test_addr_parse),
		cmocka_unit_test(test_unused_bytes_are_zero),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_assignable),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_mac_unicast),
		cmocka_unit_test(test_link_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
