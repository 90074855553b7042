/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-plan.c - plans: their order, their inverse, their texts */
#include "model/plan.h"

#include "values.h"

#include <json-c/json.h>

static void add(L3vmPlan *plan, const L3vmObject *before, const L3vmObject *after)
{
	l3vm_plan_add(plan, before, after);
}

static char *order_of(const L3vmPlan *plan)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < l3vm_plan_size(plan); i++) {
		g_autofree char *line = l3vm_change_describe(l3vm_plan_get(plan, i));

		g_string_append_printf(text, "%s\n", line);
	}
	return g_string_free(text, FALSE);
}

/* What is made comes by phase, what goes comes after it, by phase backwards. */
static void test_sort(void **state)
{
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	L3vmObject old_route = route_on("t", "10.0.0.5", 4);
	L3vmObject new_route = route_on("t", "10.0.0.5", 5);
	L3vmObject old_neighbour = neighbour_on("t", "10.0.0.6", "52:54:00:00:00:05");
	L3vmObject new_neighbour = neighbour_on("t", "10.0.0.5", "52:54:00:00:00:05");
	L3vmObject address = address_on("t", "169.254.0.1");
	L3vmObject proxy = number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP4_PROXY_ARP,
				     1);
	L3vmObject filter = number_on(L3VM_OBJECT_SYSCTL, "t",
				      L3VM_SYSCTL_IP4_RP_FILTER, 1);
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "t", "02:6c:33:76:6d:01");
	L3vmObject up = number_on(L3VM_OBJECT_UP, "t", 0, 1);
	g_autofree char *text = NULL;

	(void)state;
	add(plan, &address, NULL);
	add(plan, &old_neighbour, NULL);
	add(plan, NULL, &proxy);
	add(plan, &old_route, NULL);
	add(plan, NULL, &new_route);
	add(plan, NULL, &up);
	add(plan, NULL, &new_neighbour);
	/* these two have one place: the order of intent stays */
	add(plan, NULL, &mac);
	add(plan, NULL, &filter);
	l3vm_plan_sort(plan);
	text = order_of(plan);
	assert_string_equal(text,
			    "set MAC of t to 02:6c:33:76:6d:01\n"
			    "set net/ipv4/conf/t/rp_filter to 1\n"
			    "set t up\n"
			    "add neighbour 10.0.0.5/32 dev t at 52:54:00:00:00:05\n"
			    "add route 10.0.0.5/32 dev t metric 5\n"
			    "set net/ipv4/conf/t/proxy_arp to 1\n"
			    "remove route 10.0.0.5/32 dev t metric 4\n"
			    "remove neighbour 10.0.0.6/32 dev t at 52:54:00:00:00:05\n"
			    "remove address 169.254.0.1/32 dev t\n");
}

/* Within a phase the order of intent stays: a /24 goes via a /32 before it. */
static void test_sort_is_stable(void **state)
{
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();

	(void)state;
	for (uint32_t metric = 1000; metric > 0; metric--) {
		L3vmObject route = route_on("t", "10.0.0.5", metric);

		add(plan, NULL, &route);
	}
	l3vm_plan_sort(plan);
	for (guint i = 0; i < 1000; i++)
		assert_int_equal(l3vm_plan_get(plan, i)->after.metric, 1000 - i);
}

static void test_inverse(void **state)
{
	L3vmObject a = number_on(L3VM_OBJECT_MTU, "t", 0, 1500);
	L3vmObject b = number_on(L3VM_OBJECT_MTU, "t", 0, 9000);
	L3vmChange change = { true, true, a, b },
		   addition = { .has_after = true, .after = b };
	L3vmChange inverse = l3vm_change_inverse(&change), twice;

	(void)state;
	assert_true(inverse.has_before && inverse.has_after);
	assert_int_equal(inverse.before.number, 9000);
	assert_int_equal(inverse.after.number, 1500);
	twice = l3vm_change_inverse(&inverse);
	assert_memory_equal(&twice.before, &a, sizeof(a));
	assert_memory_equal(&twice.after, &b, sizeof(b));
	inverse = l3vm_change_inverse(&addition);
	assert_true(inverse.has_before && !inverse.has_after);
	assert_int_equal(inverse.before.number, 9000);
}

static void test_plan_keeps_copies(void **state)
{
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	L3vmObject o = number_on(L3VM_OBJECT_MTU, "t", 0, 1500);

	(void)state;
	add(plan, NULL, &o);
	o.number = 1;
	add(plan, &o, NULL);
	assert_int_equal(l3vm_plan_size(plan), 2);
	assert_int_equal(l3vm_plan_get(plan, 0)->after.number, 1500);
	assert_false(l3vm_plan_get(plan, 0)->has_before);
	assert_int_equal(l3vm_plan_get(plan, 1)->before.number, 1);
	assert_false(l3vm_plan_get(plan, 1)->has_after);
	l3vm_plan_free(NULL);
}

static L3vmObject master_of(const char *ifname, const char *master)
{
	L3vmObject o = object_on(L3VM_OBJECT_MASTER, ifname);

	g_strlcpy(o.master, master, sizeof(o.master));
	return o;
}

static L3vmObject cover(const char *prefix, L3vmRouteType type)
{
	L3vmObject o = route_on("", prefix, 0xFA0003E8);

	o.type = type;
	return o;
}

#define MAC5 "52:54:00:00:00:05"

/* Each kind added, set and removed; NULL: nothing to print. */
static void test_lines(void **state)
{
	const struct {
		L3vmObject object;
		const char *after, *removed;
	} vectors[] = {
		{ object_on(L3VM_OBJECT_BRIDGE, "br0"),
		  "ip link add name br0 type bridge stp_state 0 mcast_snooping 0",
		  "ip link del dev br0" },
		{ mac_on(L3VM_OBJECT_MAC, "t", MAC5), "ip link set dev t address " MAC5,
		  NULL },
		{ number_on(L3VM_OBJECT_SYSCTL, "t", L3VM_SYSCTL_IP6_ACCEPT_RA, 0),
		  "sysctl -qw net/ipv6/conf/t/accept_ra=0", NULL },
		{ address_on("t", "169.254.0.1"),
		  "ip addr add 169.254.0.1/32 dev t scope link",
		  "ip addr del 169.254.0.1/32 dev t" },
		{ number_on(L3VM_OBJECT_MTU, "t", 0, 9000),
		  "ip link set dev t mtu 9000", NULL },
		{ number_on(L3VM_OBJECT_QUEUE, "t", 0, 10000),
		  "ip link set dev t txqueuelen 10000", NULL },
		{ master_of("t", "br0"), "ip link set dev t master br0", NULL },
		{ master_of("t", ""), "ip link set dev t nomaster", NULL },
		{ number_on(L3VM_OBJECT_BRIDGE_PORT, "t", L3VM_BRIDGE_PORT_FLOOD, 0),
		  "bridge link set dev t flood off", NULL },
		{ mac_on(L3VM_OBJECT_FDB, "t", MAC5),
		  "bridge fdb replace " MAC5 " dev t master static",
		  "bridge fdb del " MAC5 " dev t master static" },
		{ number_on(L3VM_OBJECT_UP, "t", 0, 1), "ip link set dev t up", NULL },
		{ number_on(L3VM_OBJECT_UP, "t", 0, 0), "ip link set dev t down",
		  NULL },
		{ neighbour_on("t", "2001:db8::5", MAC5),
		  "ip neigh replace 2001:db8::5 dev t lladdr " MAC5 " nud permanent "
		  "protocol 76",
		  "ip neigh del 2001:db8::5 dev t" },
		{ rule_of("t", "::/0", 100, 7600),
		  "ip -6 rule add pref 7600 iif t lookup 100 protocol 76",
		  "ip -6 rule del pref 7600 iif t lookup 100 protocol 76" },
		{ rule_of("", "10.0.0.5", 100, 7601),
		  "ip rule add pref 7601 to 10.0.0.5/32 lookup 100 protocol 76",
		  "ip rule del pref 7601 to 10.0.0.5/32 lookup 100 protocol 76" },
		{ route_on("t", "10.0.0.5", 5),
		  "ip route add unicast 10.0.0.5/32 dev t proto 76 metric 5 table 254",
		  "ip route del unicast 10.0.0.5/32 dev t proto 76 metric 5 table "
		  "254" },
		{ route_via("t", "10.1.0.0/24", 5, "fe80::5"),
		  "ip route add unicast 10.1.0.0/24 via inet6 fe80::5 dev t onlink "
		  "proto "
		  "76 metric 5 table 254",
		  "ip route del unicast 10.1.0.0/24 via inet6 fe80::5 dev t onlink "
		  "proto "
		  "76 metric 5 table 254" },
		{ cover("2001:db8::/32", L3VM_ROUTE_UNREACHABLE),
		  "ip -6 route add unreachable 2001:db8::/32 proto 76 metric "
		  "4194305000 "
		  "table 254",
		  "ip -6 route del unreachable 2001:db8::/32 proto 76 metric "
		  "4194305000 "
		  "table 254" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		const L3vmChange after = { .has_after = true,
					   .after = vectors[i].object };
		const L3vmChange removed = l3vm_change_inverse(&after);
		g_autofree char *line = l3vm_change_to_ip(&after, 76);
		g_autofree char *inverse = l3vm_change_to_ip(&removed, 76);

		assert_string_equal(line, vectors[i].after);
		if (vectors[i].removed)
			assert_string_equal(inverse, vectors[i].removed);
		else
			assert_null(inverse);
	}
}

static void test_changed_route_is_replaced(void **state)
{
	L3vmChange change = { true, true, route_on("t", "10.0.0.5", 5),
			      route_on("u", "10.0.0.5", 5) };
	g_autofree char *line = l3vm_change_to_ip(&change, 200);

	(void)state;
	assert_string_equal(line,
			    "ip route replace unicast 10.0.0.5/32 dev u proto 200 "
			    "metric 5 table 254");
}

/* An interface may be called what sh would run. */
static void test_quoting(void **state)
{
	L3vmChange change = { .has_after = true,
			      .after = number_on(L3VM_OBJECT_UP, "t;reboot", 0, 1) };
	g_autofree char *line = l3vm_change_to_ip(&change, 76);

	(void)state;
	assert_string_equal(line, "ip link set dev 't;reboot' up");
}

static void test_to_ip(void **state)
{
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	L3vmObject up = number_on(L3VM_OBJECT_UP, "t", 0, 1);
	L3vmObject mtu = number_on(L3VM_OBJECT_MTU, "t", 0, 1500);
	g_autofree char *empty = l3vm_plan_to_ip(plan, 76);
	g_autofree char *text = NULL;

	(void)state;
	assert_string_equal(empty, "");
	add(plan, NULL, &mtu);
	add(plan, &mtu, NULL);
	add(plan, NULL, &up);
	text = l3vm_plan_to_ip(plan, 76);
	assert_string_equal(text, "ip link set dev t mtu 1500\nip link set dev t up\n");
}

static const char *member(struct json_object *array, size_t i, const char *name)
{
	struct json_object *item = json_object_array_get_idx(array, i);

	return json_object_get_string(json_object_object_get(item, name));
}

static void test_to_json(void **state)
{
	g_autoptr(L3vmPlan) plan = l3vm_plan_new();
	L3vmObject a = neighbour_on("t", "10.0.0.5", MAC5);
	L3vmObject b = neighbour_on("t", "10.0.0.5", "52:54:00:00:00:06");
	g_autofree char *text = NULL;
	struct json_object *array;

	(void)state;
	add(plan, NULL, &a);
	add(plan, &a, &b);
	add(plan, &b, NULL);
	text = l3vm_plan_to_json(plan, 76);
	array = json_tokener_parse(text);
	assert_int_equal(json_object_array_length(array), 3);
	assert_string_equal(member(array, 0, "operation"), "add");
	assert_string_equal(member(array, 1, "operation"), "change");
	assert_string_equal(member(array, 2, "operation"), "remove");
	assert_string_equal(member(array, 1, "description"),
			    "change neighbour 10.0.0.5/32 dev t at 52:54:00:00:00:06");
	assert_string_equal(member(array, 2, "command"), "ip neigh del 10.0.0.5 dev t");
	json_object_put(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_is_stable),
		cmocka_unit_test(test_inverse),
		cmocka_unit_test(test_plan_keeps_copies),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_changed_route_is_replaced),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_to_ip),
		cmocka_unit_test(test_to_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
