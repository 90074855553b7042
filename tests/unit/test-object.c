/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-object.c - which objects are one thing, which are equal, and sets of them */
#include "model/object.h"

#include "values.h"

static const L3vmObjectKind all_kinds[] = {
	L3VM_OBJECT_BRIDGE,  L3VM_OBJECT_MAC,	      L3VM_OBJECT_SYSCTL,
	L3VM_OBJECT_ADDRESS, L3VM_OBJECT_MTU,	      L3VM_OBJECT_QUEUE,
	L3VM_OBJECT_MASTER,  L3VM_OBJECT_BRIDGE_PORT, L3VM_OBJECT_FDB,
	L3VM_OBJECT_UP,	     L3VM_OBJECT_NEIGHBOUR,   L3VM_OBJECT_RULE,
	L3VM_OBJECT_ROUTE,
};

typedef enum {
	IFNAME = 1 << 0,
	ADDR = 1 << 1,
	KEY = 1 << 2,
	MAC = 1 << 3,
	NUMBER = 1 << 4,
	MASTER = 1 << 5,
	TABLE = 1 << 6,
	METRIC = 1 << 7,
	VIA = 1 << 8,
	TYPE = 1 << 9,
	IFINDEX = 1 << 10,
	OWNED = 1 << 11,
	LAST = OWNED,
} Field;

/* The table at the head of object.h, as bits. */
static const struct {
	unsigned identity, value;
	bool removable;
} fields[] = {
	[L3VM_OBJECT_BRIDGE] = { IFNAME, 0, false },
	[L3VM_OBJECT_MAC] = { IFNAME, MAC, false },
	[L3VM_OBJECT_SYSCTL] = { IFNAME | KEY, NUMBER, false },
	[L3VM_OBJECT_ADDRESS] = { IFNAME | ADDR, 0, true },
	[L3VM_OBJECT_MTU] = { IFNAME, NUMBER, false },
	[L3VM_OBJECT_QUEUE] = { IFNAME, NUMBER, false },
	[L3VM_OBJECT_MASTER] = { IFNAME, MASTER, false },
	[L3VM_OBJECT_BRIDGE_PORT] = { IFNAME | KEY, NUMBER, false },
	[L3VM_OBJECT_FDB] = { IFNAME | MAC, 0, true },
	[L3VM_OBJECT_UP] = { IFNAME, NUMBER, false },
	[L3VM_OBJECT_NEIGHBOUR] = { IFNAME | ADDR, MAC, true },
	[L3VM_OBJECT_RULE] = { ADDR | IFNAME | TABLE | NUMBER, 0, true },
	[L3VM_OBJECT_ROUTE] = { ADDR | TABLE | METRIC, IFNAME | VIA | TYPE, true },
};

static L3vmObject sample(L3vmObjectKind kind)
{
	L3vmObject o = route_via("tap0", "10.0.0.0/24", 5, "10.0.0.5");

	o.kind = kind;
	o.ifindex = 7;
	o.key = 1;
	o.mac = mac_of("52:54:00:00:00:05");
	o.number = 3;
	g_strlcpy(o.master, "br0", sizeof(o.master));
	return o;
}

/* @o with one field of another value. */
static L3vmObject with_other(L3vmObject o, Field field)
{
	switch (field) {
	case IFNAME:
		g_strlcpy(o.ifname, "tap1", sizeof(o.ifname));
		break;
	case ADDR:
		o.addr = prefix_of("10.0.0.0/25");
		break;
	case KEY:
		o.key = 2;
		break;
	case MAC:
		o.mac = mac_of("52:54:00:00:00:06");
		break;
	case NUMBER:
		o.number = 4;
		break;
	case MASTER:
		g_strlcpy(o.master, "br1", sizeof(o.master));
		break;
	case TABLE:
		o.table = 100;
		break;
	case METRIC:
		o.metric = 4;
		break;
	case VIA:
		o.via = prefix_of("fe80::1");
		break;
	case TYPE:
		o.type = L3VM_ROUTE_BLACKHOLE;
		break;
	case IFINDEX:
		o.ifindex = 8;
		break;
	case OWNED:
		o.owned = true;
		break;
	}
	return o;
}

static void test_identity_and_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(all_kinds); i++) {
		L3vmObjectKind kind = all_kinds[i];
		L3vmObject a = sample(kind);

		for (unsigned field = 1; field <= LAST; field <<= 1) {
			L3vmObject b = with_other(a, field);
			bool same = l3vm_object_same(&a, &b);
			bool equal = l3vm_object_equal(&a, &b);

			if (same != !(fields[kind].identity & field))
				fail_msg("kind %u: field %#x and identity", kind,
					 field);
			if (fields[kind].value & field && equal)
				fail_msg("kind %u: field %#x is a value", kind, field);
			if (same)
				assert_int_equal(l3vm_object_hash(&a),
						 l3vm_object_hash(&b));
			assert_true(same || !equal);
		}
	}
}

/* An index says which interface, but who is to be created has none yet; and who
 * owns an object changes nothing about what it is. */
static void test_index_and_owner_do_not_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(all_kinds); i++) {
		L3vmObject a = sample(all_kinds[i]);
		L3vmObject b = with_other(with_other(a, IFINDEX), OWNED);

		assert_true(l3vm_object_same(&a, &b));
		assert_true(l3vm_object_equal(&a, &b));
	}
}

static void test_kinds_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(all_kinds); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(all_kinds); j++) {
			L3vmObject a = sample(all_kinds[i]), b = sample(all_kinds[j]);

			assert_int_equal(l3vm_object_same(&a, &b), i == j);
			assert_int_equal(l3vm_object_equal(&a, &b), i == j);
		}
}

static void test_removable(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(all_kinds); i++) {
		L3vmObject o = sample(all_kinds[i]);

		assert_int_equal(l3vm_object_is_removable(&o),
				 fields[all_kinds[i]].removable);
	}
}

/* Fail closed: nothing is routed before the interface is safe, and it does not
 * answer for others before the guest's own route stands. */
static void test_phase(void **state)
{
	L3vmObject proxy = number_on(L3VM_OBJECT_SYSCTL, "tap0",
				     L3VM_SYSCTL_IP4_PROXY_ARP, 1);
	L3vmObject pvlan = number_on(L3VM_OBJECT_SYSCTL, "tap0",
				     L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN, 1);
	L3vmObject filter = number_on(L3VM_OBJECT_SYSCTL, "tap0",
				      L3VM_SYSCTL_IP4_RP_FILTER, 1);
	L3vmObject route = sample(L3VM_OBJECT_ROUTE);

	(void)state;
	for (size_t i = 1; i < G_N_ELEMENTS(all_kinds); i++) {
		L3vmObject a = sample(all_kinds[i - 1]), b = sample(all_kinds[i]);

		if (all_kinds[i - 1] == L3VM_OBJECT_SYSCTL)
			a = filter;
		if (all_kinds[i] == L3VM_OBJECT_SYSCTL)
			b = filter;
		if (b.kind == L3VM_OBJECT_SYSCTL)
			assert_int_equal(l3vm_object_phase(&a), l3vm_object_phase(&b));
		else
			assert_true(l3vm_object_phase(&a) < l3vm_object_phase(&b));
	}
	assert_true(l3vm_object_phase(&route) < l3vm_object_phase(&proxy));
	assert_true(l3vm_object_phase(&route) < l3vm_object_phase(&pvlan));
}

static void test_sysctl_paths(void **state)
{
	static const struct {
		L3vmSysctl key;
		int family;
		const char *path;
	} vectors[] = {
		{ L3VM_SYSCTL_IP4_FORWARDING, AF_INET, "net/ipv4/conf/t/forwarding" },
		{ L3VM_SYSCTL_IP4_PROXY_ARP, AF_INET, "net/ipv4/conf/t/proxy_arp" },
		{ L3VM_SYSCTL_IP4_PROXY_ARP_PVLAN, AF_INET,
		  "net/ipv4/conf/t/proxy_arp_pvlan" },
		{ L3VM_SYSCTL_IP4_RP_FILTER, AF_INET, "net/ipv4/conf/t/rp_filter" },
		{ L3VM_SYSCTL_IP4_SEND_REDIRECTS, AF_INET,
		  "net/ipv4/conf/t/send_redirects" },
		{ L3VM_SYSCTL_IP4_ACCEPT_REDIRECTS, AF_INET,
		  "net/ipv4/conf/t/accept_redirects" },
		{ L3VM_SYSCTL_IP4_ARP_IGNORE, AF_INET, "net/ipv4/conf/t/arp_ignore" },
		{ L3VM_SYSCTL_IP4_ARP_ANNOUNCE, AF_INET,
		  "net/ipv4/conf/t/arp_announce" },
		{ L3VM_SYSCTL_IP4_PROXY_DELAY, AF_INET,
		  "net/ipv4/neigh/t/proxy_delay" },
		{ L3VM_SYSCTL_IP6_DISABLE, AF_INET6, "net/ipv6/conf/t/disable_ipv6" },
		{ L3VM_SYSCTL_IP6_ADDR_GEN_MODE, AF_INET6,
		  "net/ipv6/conf/t/addr_gen_mode" },
		{ L3VM_SYSCTL_IP6_ACCEPT_RA, AF_INET6, "net/ipv6/conf/t/accept_ra" },
		{ L3VM_SYSCTL_IP6_ACCEPT_REDIRECTS, AF_INET6,
		  "net/ipv6/conf/t/accept_redirects" },
		{ L3VM_SYSCTL_IP6_ACCEPT_DAD, AF_INET6, "net/ipv6/conf/t/accept_dad" },
		{ L3VM_SYSCTL_IP6_FORWARDING, AF_INET6, "net/ipv6/conf/t/forwarding" },
	};

	(void)state;
	assert_int_equal(G_N_ELEMENTS(vectors), L3VM_SYSCTL_COUNT);
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		g_autofree char *path = l3vm_sysctl_path(vectors[i].key, "t");

		assert_string_equal(path, vectors[i].path);
		assert_int_equal(l3vm_sysctl_family(vectors[i].key), vectors[i].family);
	}
}

static void test_set(void **state)
{
	g_autoptr(L3vmSet) set = l3vm_set_new();
	L3vmObject first = route_on("tap0", "10.0.0.5", 5);
	L3vmObject second = route_on("tap1", "10.0.0.5", 5); /* the same thing */
	L3vmObject third = route_on("tap0", "10.0.0.5", 4);

	(void)state;
	l3vm_set_add(set, &first);
	l3vm_set_add(set, &third);
	l3vm_set_add(set, &second);
	assert_int_equal(l3vm_set_size(set), 2);
	assert_string_equal(l3vm_set_find(set, &second)->ifname, "tap0");
	l3vm_set_put(set, &second);
	assert_int_equal(l3vm_set_size(set), 2);
	assert_string_equal(l3vm_set_find(set, &first)->ifname, "tap1");
	assert_int_equal(l3vm_set_get(set, 0)->metric, 5); /* its place is kept */
	assert_int_equal(l3vm_set_get(set, 1)->metric, 4);
	l3vm_set_remove(set, &first);
	l3vm_set_remove(set, &first);
	assert_int_equal(l3vm_set_size(set), 1);
	assert_null(l3vm_set_find(set, &first));
	assert_non_null(l3vm_set_find(set, &third));
	l3vm_set_free(NULL);
}

static void test_set_add_all(void **state)
{
	g_autoptr(L3vmSet) set = l3vm_set_new();
	g_autoptr(L3vmSet) other = l3vm_set_new();
	L3vmObject mine = route_on("tap0", "10.0.0.5", 5);
	L3vmObject theirs = route_on("tap1", "10.0.0.5", 5);

	(void)state;
	l3vm_set_add(set, &mine);
	for (uint32_t metric = 1; metric <= 1000; metric++) {
		theirs.metric = metric;
		l3vm_set_add(other, &theirs);
	}
	l3vm_set_add_all(set, other);
	assert_int_equal(l3vm_set_size(set), 1000);
	assert_string_equal(l3vm_set_find(set, &mine)->ifname, "tap0");
	theirs.metric = 777;
	assert_string_equal(l3vm_set_find(set, &theirs)->ifname, "tap1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_and_value),
		cmocka_unit_test(test_index_and_owner_do_not_count),
		cmocka_unit_test(test_kinds_differ),
		cmocka_unit_test(test_removable),
		cmocka_unit_test(test_phase),
		cmocka_unit_test(test_sysctl_paths),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_add_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
