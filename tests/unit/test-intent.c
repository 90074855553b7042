/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-intent.c - what should exist for a port, line by line
 *
 * One table per kind of network holds every line that plan would print, with
 * the states and address families in which it is wanted; METRIC stands for the
 * state's rank. From each table follow the texts for all states and families.
 */
#include "model/diff.h"
#include "model/intent.h"

#include "values.h"

static const L3vmRanks ranks = { 4, 5, 0xFA0003E8 };
static const L3vmHostFacts with_ipv6 = { .ipv6 = true };

/* States as bits. */
#define PREPARED (1u << L3VM_STATE_PREPARED)
#define ROUTED \
	(1u << L3VM_STATE_ARRIVED | 1u << L3VM_STATE_LIVE | 1u << L3VM_STATE_LEAVING)
#define COMING (PREPARED | 1u << L3VM_STATE_ARRIVED)
#define HERE   (PREPARED | ROUTED)
#define GONE   (1u << L3VM_STATE_GONE)

/* What the guest has addresses and prefixes of. */
#define IP4  1u
#define IP6  2u
#define BOTH 4u
#define HAS4 (IP4 | BOTH)
#define HAS6 (IP6 | BOTH)
#define ANY  (IP4 | IP6 | BOTH)

typedef struct Line {
	unsigned states, families;
	const char *text;
} Line;

/* The guard of a routed tap, in any network. */
#define RULES                                               \
	{                                                   \
		HERE | GONE, ANY, "nft -f " L3VM_GUARD_FILE \
	}
#define GUARD_ROUTED                                                                   \
	RULES,                                                                         \
		{ HERE, ANY,                                                           \
		  "nft 'add element inet l3vm ports { \"tapvm1\" : goto port }; "      \
		  "add element inet l3vm dropped { \"tapvm1\" }; "                     \
		  "add element inet l3vm macs { \"tapvm1\" . 52:54:00:00:00:05 }; "    \
		  "add element inet l3vm lladdrs { \"tapvm1\" . 0x525400000005 }; "    \
		  "add element arp l3vm ports { \"tapvm1\" : goto port }; "            \
		  "add element arp l3vm dropped { \"tapvm1\" }; "                      \
		  "add element arp l3vm macs { \"tapvm1\" . 52:54:00:00:00:05 }; "     \
		  "add element bridge l3vm ports { \"tapvm1\" : drop }'" },            \
		{ HERE, HAS4,                                                          \
		  "nft 'add element inet l3vm source4 { \"tapvm1\" . 10.0.0.5 }; "     \
		  "add element arp l3vm source4 { \"tapvm1\" . 10.0.0.5 }'" },         \
		{ HERE, HAS6,                                                          \
		  "nft 'add element inet l3vm source6 { \"tapvm1\" . 2001:db8::5 }; "  \
		  "add element inet l3vm targets { \"tapvm1\" . "                      \
		  "0x20010db8000000000000000000000005 }'" },                           \
		{ HERE, HAS4,                                                          \
		  "nft 'add element inet l3vm prefix4 { \"tapvm1\" . 192.0.2.0/24 }; " \
		  "add element arp l3vm prefix4 { \"tapvm1\" . 192.0.2.0/24 }'" },     \
		{ HERE, HAS6,                                                          \
		  "nft 'add element inet l3vm prefix6 { \"tapvm1\" . "                 \
		  "2001:db8:5::/64 }'" },                                              \
	{                                                                              \
		HERE, ANY,                                                             \
			"nft 'add element inet l3vm source6 { \"tapvm1\" . "           \
			"fe80::5054:ff:fe00:5 }; "                                     \
			"add element inet l3vm targets { \"tapvm1\" . "                \
			"0xfe80000000000000505400fffe000005 }'"                        \
	}

static const Line routed[] = {
	GUARD_ROUTED,
	{ HERE, ANY, "ip link set dev tapvm1 address 02:6c:33:76:6d:01" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/forwarding=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/rp_filter=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/send_redirects=0" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/accept_redirects=0" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/arp_ignore=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/arp_announce=2" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/disable_ipv6=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/addr_gen_mode=1" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/accept_ra=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/accept_redirects=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/accept_dad=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/forwarding=1" },
	{ GONE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/forwarding=0" },
	{ GONE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/forwarding=0" },
	{ HERE, ANY, "ip addr add 169.254.0.1/32 dev tapvm1 scope link" },
	{ HERE, ANY, "ip addr add fe80::1/64 dev tapvm1 scope link nodad" },
	{ HERE, ANY, "ip link set dev tapvm1 mtu 1500" },
	{ COMING, ANY, "ip link set dev tapvm1 txqueuelen 10000" },
	{ HERE, ANY, "ip link set dev tapvm1 up" },
	{ HERE, HAS4,
	  "ip neigh replace 10.0.0.5 dev tapvm1 lladdr 52:54:00:00:00:05 nud permanent "
	  "protocol 76" },
	{ HERE, HAS6,
	  "ip neigh replace 2001:db8::5 dev tapvm1 lladdr 52:54:00:00:00:05 nud "
	  "permanent "
	  "protocol 76" },
	{ HERE, HAS6,
	  "ip neigh replace fe80::5054:ff:fe00:5 dev tapvm1 lladdr 52:54:00:00:00:05 "
	  "nud permanent protocol 76" },
	{ ROUTED, HAS4,
	  "ip route add unicast 10.0.0.5/32 dev tapvm1 proto 76 metric METRIC table "
	  "254" },
	{ ROUTED, HAS6,
	  "ip -6 route add unicast 2001:db8::5/128 dev tapvm1 proto 76 metric METRIC "
	  "table 254" },
	{ ROUTED, HAS4,
	  "ip route add unicast 192.0.2.0/24 via 10.0.0.5 dev tapvm1 onlink proto 76 "
	  "metric METRIC table 254" },
	{ ROUTED, HAS6,
	  "ip -6 route add unicast 2001:db8:5::/64 via fe80::5054:ff:fe00:5 dev "
	  "tapvm1 onlink proto 76 metric METRIC table 254" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/proxy_arp=0" },
};

/* table = 100, proxy-arp = yes, mtu = 0 (left alone), cover = unreachable */
static const Line tenant[] = {
	GUARD_ROUTED,
	{ HERE, ANY, "ip link set dev tapvm1 address 02:6c:33:76:6d:01" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/forwarding=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/rp_filter=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/send_redirects=0" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/accept_redirects=0" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/arp_ignore=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/arp_announce=2" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/disable_ipv6=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/addr_gen_mode=1" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/accept_ra=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/accept_redirects=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/accept_dad=0" },
	{ HERE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/forwarding=1" },
	{ HERE, ANY, "sysctl -qw net/ipv4/neigh/tapvm1/proxy_delay=0" },
	{ GONE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/forwarding=0" },
	{ GONE, ANY, "sysctl -qw net/ipv6/conf/tapvm1/forwarding=0" },
	{ HERE, ANY, "ip addr add 169.254.0.1/32 dev tapvm1 scope link" },
	{ HERE, ANY, "ip addr add fe80::1/64 dev tapvm1 scope link nodad" },
	{ COMING, ANY, "ip link set dev tapvm1 txqueuelen 10000" },
	{ HERE, ANY, "ip link set dev tapvm1 up" },
	{ HERE, HAS4,
	  "ip neigh replace 10.0.0.5 dev tapvm1 lladdr 52:54:00:00:00:05 nud permanent "
	  "protocol 76" },
	{ HERE, HAS6,
	  "ip neigh replace 2001:db8::5 dev tapvm1 lladdr 52:54:00:00:00:05 nud "
	  "permanent "
	  "protocol 76" },
	{ HERE, HAS6,
	  "ip neigh replace fe80::5054:ff:fe00:5 dev tapvm1 lladdr 52:54:00:00:00:05 "
	  "nud permanent protocol 76" },
	{ HERE, ANY, "ip rule add pref 7600 iif tapvm1 lookup 100 protocol 76" },
	{ HERE, ANY, "ip -6 rule add pref 7600 iif tapvm1 lookup 100 protocol 76" },
	{ ROUTED, HAS4, "ip rule add pref 7601 to 10.0.0.5/32 lookup 100 protocol 76" },
	{ ROUTED, HAS6,
	  "ip -6 rule add pref 7601 to 2001:db8::5/128 lookup 100 protocol 76" },
	{ ROUTED, HAS4,
	  "ip rule add pref 7601 to 192.0.2.0/24 lookup 100 protocol 76" },
	{ ROUTED, HAS6,
	  "ip -6 rule add pref 7601 to 2001:db8:5::/64 lookup 100 protocol 76" },
	{ HERE | GONE, ANY,
	  "ip route add unreachable 10.0.0.0/16 proto 76 metric 4194305000 table 100" },
	{ HERE | GONE, ANY,
	  "ip -6 route add unreachable 2001:db8::/48 proto 76 metric 4194305000 "
	  "table 100" },
	{ ROUTED, HAS4,
	  "ip route add unicast 10.0.0.5/32 dev tapvm1 proto 76 metric METRIC table "
	  "100" },
	{ ROUTED, HAS6,
	  "ip -6 route add unicast 2001:db8::5/128 dev tapvm1 proto 76 metric METRIC "
	  "table 100" },
	{ ROUTED, HAS4,
	  "ip route add unicast 192.0.2.0/24 via 10.0.0.5 dev tapvm1 onlink proto 76 "
	  "metric METRIC table 100" },
	{ ROUTED, HAS6,
	  "ip -6 route add unicast 2001:db8:5::/64 via fe80::5054:ff:fe00:5 dev "
	  "tapvm1 onlink proto 76 metric METRIC table 100" },
	{ ROUTED, ANY, "sysctl -qw net/ipv4/conf/tapvm1/proxy_arp=1" },
	{ PREPARED | GONE, ANY, "sysctl -qw net/ipv4/conf/tapvm1/proxy_arp=0" },
};

/* The bridge stays when a port goes: other ports are on it. */
static const Line bridged[] = {
	{ HERE | GONE, ANY,
	  "ip link add name br0 type bridge stp_state 0 mcast_snooping 0" },
	RULES,
	{ HERE | GONE, ANY,
	  "nft 'add element inet l3vm ports { \"br0\" : goto from_bridge }'" },
	{ HERE, ANY,
	  "nft 'add element bridge l3vm ports { \"tapvm1\" : goto port }; "
	  "add element bridge l3vm dropped { \"tapvm1\" }; "
	  "add element bridge l3vm macs { \"tapvm1\" . 52:54:00:00:00:05 }; "
	  "add element bridge l3vm lladdrs { \"tapvm1\" . 0x525400000005 }; "
	  "add element inet l3vm ports { \"tapvm1\" : drop }; "
	  "add element arp l3vm ports { \"tapvm1\" : drop }'" },
	{ HERE, HAS4,
	  "nft 'add element bridge l3vm source4 { \"tapvm1\" . 10.0.0.5 }'" },
	{ HERE, HAS6,
	  "nft 'add element bridge l3vm source6 { \"tapvm1\" . 2001:db8::5 }; "
	  "add element bridge l3vm targets { \"tapvm1\" . "
	  "0x20010db8000000000000000000000005 }'" },
	{ HERE, HAS4,
	  "nft 'add element bridge l3vm prefix4 { \"tapvm1\" . 192.0.2.0/24 }'" },
	{ HERE, HAS6,
	  "nft 'add element bridge l3vm prefix6 { \"tapvm1\" . 2001:db8:5::/64 }'" },
	{ HERE, ANY,
	  "nft 'add element bridge l3vm source6 { \"tapvm1\" . "
	  "fe80::5054:ff:fe00:5 }; add element bridge l3vm targets { \"tapvm1\" . "
	  "0xfe80000000000000505400fffe000005 }'" },
	{ HERE | GONE, ANY, "ip link set dev br0 address 02:6c:33:76:6d:01" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/forwarding=1" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/rp_filter=1" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/send_redirects=0" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/accept_redirects=0" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/arp_ignore=1" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/arp_announce=2" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv6/conf/br0/disable_ipv6=0" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv6/conf/br0/addr_gen_mode=1" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv6/conf/br0/accept_ra=0" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv6/conf/br0/accept_redirects=0" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv6/conf/br0/accept_dad=0" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv6/conf/br0/forwarding=1" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/neigh/br0/proxy_delay=0" },
	{ HERE | GONE, ANY, "ip addr add 169.254.0.1/32 dev br0 scope link" },
	{ HERE | GONE, ANY, "ip addr add fe80::1/64 dev br0 scope link nodad" },
	{ HERE | GONE, ANY, "ip link set dev br0 mtu 1500" },
	{ HERE, ANY, "ip link set dev tapvm1 mtu 1500" },
	{ COMING, ANY, "ip link set dev tapvm1 txqueuelen 10000" },
	{ HERE, ANY, "ip link set dev tapvm1 master br0" },
	{ HERE, ANY, "bridge link set dev tapvm1 isolated on" },
	{ HERE, ANY, "bridge link set dev tapvm1 learning off" },
	{ HERE, ANY, "bridge link set dev tapvm1 flood off" },
	{ HERE, ANY, "bridge fdb replace 52:54:00:00:00:05 dev tapvm1 master static" },
	{ HERE | GONE, ANY, "ip link set dev br0 up" },
	{ HERE, ANY, "ip link set dev tapvm1 up" },
	{ HERE, HAS4,
	  "ip neigh replace 10.0.0.5 dev br0 lladdr 52:54:00:00:00:05 nud permanent "
	  "protocol 76" },
	{ HERE, HAS6,
	  "ip neigh replace 2001:db8::5 dev br0 lladdr 52:54:00:00:00:05 nud permanent "
	  "protocol 76" },
	/* not directly: the kernel would send redirects to siblings */
	{ HERE, HAS6,
	  "ip neigh replace fd6c:3376:6d01:0:5054:ff:fe00:5 dev br0 lladdr "
	  "52:54:00:00:00:05 nud permanent protocol 76" },
	{ ROUTED, HAS4,
	  "ip route add unicast 10.0.0.5/32 dev br0 proto 76 metric METRIC table 254" },
	{ ROUTED, HAS6,
	  "ip -6 route add unicast 2001:db8::5/128 via fd6c:3376:6d01:0:5054:ff:fe00:5 "
	  "dev br0 onlink proto 76 metric METRIC table 254" },
	{ ROUTED, HAS4,
	  "ip route add unicast 192.0.2.0/24 via 10.0.0.5 dev br0 onlink proto 76 "
	  "metric "
	  "METRIC table 254" },
	{ ROUTED, HAS6,
	  "ip -6 route add unicast 2001:db8:5::/64 via "
	  "fd6c:3376:6d01:0:5054:ff:fe00:5 dev br0 onlink proto "
	  "76 metric METRIC table 254" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/proxy_arp=1" },
	{ HERE | GONE, ANY, "sysctl -qw net/ipv4/conf/br0/proxy_arp_pvlan=1" },
};

static L3vmPort *make_port(L3vmNetwork *network, unsigned families)
{
	L3vmPort *port = l3vm_port_new("vm1", NULL, NULL);

	l3vm_port_set_ifname(port, "tapvm1", NULL);
	l3vm_port_set_mac(port, "52:54:00:00:00:05", NULL);
	port->ifindex = 7;
	port->net = network;
	if (families & HAS4) {
		assert_true(l3vm_port_add_address(port, "10.0.0.5", NULL));
		assert_true(l3vm_port_add_prefix(port, "192.0.2.0/24", NULL));
	}
	if (families & HAS6) {
		assert_true(l3vm_port_add_address(port, "2001:db8::5", NULL));
		assert_true(l3vm_port_add_prefix(port, "2001:db8:5::/64", NULL));
	}
	return port;
}

/* What plan would print for @port on an empty host. */
static char *text_of(const L3vmPort *port, const L3vmHostFacts *facts)
{
	g_autoptr(L3vmSet) wanted = l3vm_set_new();
	g_autoptr(L3vmSet) nothing = l3vm_set_new();
	g_autoptr(L3vmPlan) plan = NULL;

	l3vm_intent_network(wanted, port->net, &ranks, facts);
	l3vm_intent_port(wanted, port, &ranks, facts);
	plan = l3vm_diff(wanted, nothing);
	return l3vm_plan_to_ip(plan, 76);
}

static char *expected(const Line *lines, size_t n, L3vmState state, unsigned families)
{
	g_autofree char *metric = g_strdup_printf("%u",
						  l3vm_state_metric(state, &ranks));
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < n; i++)
		if (lines[i].states & 1u << state && lines[i].families & families)
			g_string_append_printf(text, "%s\n", lines[i].text);
	g_string_replace(text, "METRIC", metric, 0);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void check(const Line *lines, size_t n, const L3vmNetwork *network)
{
	for (unsigned families = 1; families <= BOTH; families <<= 1)
		for (L3vmState state = 0; state <= L3VM_STATE_GONE; state++) {
			g_autoptr(L3vmPort) port = make_port(
				l3vm_network_copy(network, network->name), families);
			g_autofree char *wanted = expected(lines, n, state, families);
			g_autofree char *text = NULL;

			port->state = state;
			text = text_of(port, &with_ipv6);
			assert_string_equal(text, wanted);
		}
}

static void test_routed(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("default");

	(void)state;
	check(routed, G_N_ELEMENTS(routed), network);
}

static void test_tenant(void **state)
{
	g_autoptr(L3vmNetwork) network = l3vm_network_new("tenant");

	(void)state;
	network->table = 100;
	network->proxy_arp = true;
	network->mtu = 0;
	network->cover = L3VM_COVER_UNREACHABLE;
	network->allow = prefixes_of("10.0.0.0/16 2001:db8::/48");
	check(tenant, G_N_ELEMENTS(tenant), network);
}

static L3vmNetwork *bridge_network(void)
{
	L3vmNetwork *network = l3vm_network_new("lan");

	network->mode = L3VM_MODE_BRIDGE;
	network->bridge = g_strdup("br0");
	return network;
}

static void test_bridged(void **state)
{
	g_autoptr(L3vmNetwork) network = bridge_network();

	(void)state;
	check(bridged, G_N_ELEMENTS(bridged), network);
}

static bool has_line(const char *text, const char *line)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	return g_strv_contains((const char *const *)lines, line);
}

static void assert_lines(const L3vmPort *port, const L3vmHostFacts *facts,
			 const char *const *wanted, const char *const *unwanted)
{
	g_autofree char *text = text_of(port, facts);

	for (; *wanted; wanted++)
		if (!has_line(text, *wanted))
			fail_msg("missing: %s\nin:\n%s", *wanted, text);
	for (; *unwanted; unwanted++)
		if (strstr(text, *unwanted))
			fail_msg("unwanted: %s\nin:\n%s", *unwanted, text);
}

/* What is from the bridge is looked up in the table, whichever port it is of. */
static void test_bridge_with_table(void **state)
{
	static const char *const wanted[] = {
		"ip rule add pref 7600 iif br0 lookup 100 protocol 76",
		"ip -6 rule add pref 7600 iif br0 lookup 100 protocol 76",
		"ip rule add pref 7601 to 10.0.0.5/32 lookup 100 protocol 76",
		"ip route add unicast 10.0.0.5/32 dev br0 proto 76 metric 5 table 100",
		NULL,
	};
	static const char *const unwanted[] = { "iif tapvm1", "table 254", NULL };
	g_autoptr(L3vmPort) port = make_port(bridge_network(), BOTH);

	(void)state;
	port->net->table = 100;
	port->state = L3VM_STATE_LIVE;
	assert_lines(port, &with_ipv6, wanted, unwanted);
}

/* Hot-plugged: routed on the bridge before its interface is known. */
static void test_bridge_without_interface(void **state)
{
	static const char *const wanted[] = {
		"ip link set dev br0 up",
		"ip neigh replace 10.0.0.5 dev br0 lladdr 52:54:00:00:00:05 nud "
		"permanent "
		"protocol 76",
		"ip route add unicast 10.0.0.5/32 dev br0 proto 76 metric 5 table 254",
		NULL,
	};
	static const char *const unwanted[] = { "tapvm1", "fdb", "isolated", "dev ''",
						NULL };
	g_autoptr(L3vmPort) port = make_port(bridge_network(), IP4);

	(void)state;
	g_clear_pointer(&port->ifname, g_free);
	port->state = L3VM_STATE_LIVE;
	assert_lines(port, &with_ipv6, wanted, unwanted);
}

/* A prefix without an address of its family goes by the guest's link-local
 * address, whose neighbour is permanent too: the guest need not have it. */
static void test_prefix_of_other_family(void **state)
{
	static const char *const wanted[] = {
		"ip neigh replace fe80::5054:ff:fe00:5 dev tapvm1 lladdr "
		"52:54:00:00:00:05 "
		"nud permanent protocol 76",
		"ip route add unicast 192.0.2.0/24 via inet6 fe80::5054:ff:fe00:5 dev "
		"tapvm1 onlink proto 76 metric 4 table 254",
		NULL,
	};
	static const char *const unwanted[] = { "10.0.0.5", NULL };
	g_autoptr(L3vmPort) port = make_port(l3vm_network_new("default"), IP6);

	(void)state;
	assert_true(l3vm_port_add_prefix(port, "192.0.2.0/24", NULL));
	port->state = L3VM_STATE_ARRIVED;
	assert_lines(port, &with_ipv6, wanted, unwanted);
}

static void test_prefix_alone(void **state)
{
	static const char *const wanted[] = {
		"ip -6 route add unicast 2001:db8:5::/64 via fe80::5054:ff:fe00:5 dev "
		"tapvm1 onlink proto 76 metric 5 table 254",
		NULL,
	};
	static const char *const unwanted[] = { "2001:db8::5", NULL };
	g_autoptr(L3vmPort) port = make_port(l3vm_network_new("default"), 0);

	(void)state;
	assert_true(l3vm_port_add_prefix(port, "2001:db8:5::/64", NULL));
	port->state = L3VM_STATE_LIVE;
	assert_lines(port, &with_ipv6, wanted, unwanted);
}

/* A kernel without IPv6: not a word of it. */
static void test_without_ipv6(void **state)
{
	static const L3vmHostFacts facts = { .ipv6 = false };
	static const char *const wanted[] = {
		"ip route add unicast 10.0.0.5/32 dev tapvm1 proto 76 metric 5 table "
		"100",
		NULL,
	};
	static const char *const unwanted[] = { "-6",	 "ipv6",  "fe80",
						"2001:", "inet6", NULL };
	g_autoptr(L3vmPort) port = make_port(l3vm_network_new("default"), BOTH);

	(void)state;
	port->net->table = 100;
	port->net->cover = L3VM_COVER_BLACKHOLE;
	port->net->allow = prefixes_of("10.0.0.0/16 2001:db8::/48");
	for (L3vmState is = 0; is <= L3VM_STATE_GONE; is++) {
		port->state = is;
		assert_lines(port, &facts, is == L3VM_STATE_LIVE ? wanted : wanted + 1,
			     unwanted);
	}
}

static void test_covers(void **state)
{
	static const char *const wanted[] = {
		"ip route add blackhole 10.0.0.0/16 proto 76 metric 4194305000 table "
		"254",
		"ip -6 route add blackhole 2001:db8::/48 proto 76 metric 4194305000 "
		"table 254",
		NULL,
	};
	static const char *const unwanted[] = { "unreachable", NULL };
	g_autoptr(L3vmPort) port = make_port(l3vm_network_new("default"), BOTH);

	(void)state;
	port->net->allow = prefixes_of("10.0.0.0/16 2001:db8::/48");
	port->net->cover = L3VM_COVER_BLACKHOLE;
	assert_lines(port, &with_ipv6, wanted, unwanted);
	/* no list: nothing to cover */
	g_clear_pointer(&port->net->allow, g_array_unref);
	assert_lines(port, &with_ipv6, wanted + 2,
		     (const char *const[]){ "blackhole", NULL });
}

/* A gateway that is not link-local has no connected subnet either. */
static void test_gateway_of_the_site(void **state)
{
	static const char *const wanted[] = {
		"ip addr add 10.0.0.1/32 dev tapvm1 scope link",
		"ip addr add 2001:db8::1/128 dev tapvm1 scope link nodad",
		NULL,
	};
	static const char *const unwanted[] = { "fe80::1", "169.254", NULL };
	g_autoptr(L3vmPort) port = make_port(l3vm_network_new("default"), BOTH);

	(void)state;
	port->net->gateway4 = prefix_of("10.0.0.1");
	port->net->gateway6 = prefix_of("2001:db8::1");
	assert_lines(port, &with_ipv6, wanted, unwanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routed),
		cmocka_unit_test(test_tenant),
		cmocka_unit_test(test_bridged),
		cmocka_unit_test(test_bridge_with_table),
		cmocka_unit_test(test_bridge_without_interface),
		cmocka_unit_test(test_prefix_of_other_family),
		cmocka_unit_test(test_prefix_alone),
		cmocka_unit_test(test_without_ipv6),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_gateway_of_the_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
