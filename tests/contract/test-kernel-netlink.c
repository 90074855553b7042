/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-kernel-netlink.c - the contract, kept by the kernel of a namespace
 *
 * Each test has a network namespace of its own, which ends with the next one's
 * beginning. What the tests need beside the kernel under test is done by ip(8):
 * an independent witness.
 */
#include "netns.h"

#include "contract.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static L3vmKernel *begin(void)
{
	g_autoptr(GError) error = NULL;
	L3vmKernel *kernel;

	netns_renew();
	kernel = l3vm_kernel_netlink_new(PROTOCOL, &error);
	if (!kernel)
		fail_msg("%s", error->message);
	return kernel;
}

static unsigned add_link(World *world, const char *ifname)
{
	(void)world;
	return netns_add_link(ifname);
}

static void delete_link(World *world, const char *ifname)
{
	(void)world;
	run("ip link del dev %s", ifname);
}

/* "10.0.0.5/32 dev t proto 12 metric 5 table 254" */
static char *route_words(const L3vmObject *route)
{
	char text[L3VM_ADDR_STRLEN];

	return g_strdup_printf("%s dev %s proto %d metric %u table %u",
			       l3vm_prefix_format(&route->addr, text), route->ifname,
			       STRANGER, route->metric, route->table);
}

static void add_foreign(World *world, const L3vmObject *route)
{
	g_autofree char *words = route_words(route);

	(void)world;
	run("ip route add %s", words);
}

static bool has_foreign(World *world, const L3vmObject *route)
{
	g_autofree char *words = route_words(route);
	g_autofree char *found = output("ip %s route show %s",
					route->addr.family == AF_INET6 ? "-6" : "-4",
					words);

	(void)world;
	return *found;
}

/* IPv6 makes an address usable in its own time, from a work queue
 * (net/ipv6/addrconf.c:addrconf_dad_work()). */
static void wait_until_local(const char *addr)
{
	gint64 deadline = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

	while (g_get_monotonic_time() < deadline) {
		g_autofree char *route = output("ip %s route show table local %s",
						strchr(addr, ':') ? "-6" : "-4", addr);

		if (*route)
			return;
		g_usleep(1000);
	}
	fail_msg("%s has not become an address of this host", addr);
}

static void add_local(World *world, const char *addr)
{
	(void)world;
	run("ip addr add %s dev lo", addr);
	wait_until_local(addr);
}

const WorldOps world_ops = {
	.begin = begin,
	.add_link = add_link,
	.delete_link = delete_link,
	.add_foreign = add_foreign,
	.has_foreign = has_foreign,
	.add_local = add_local,
};

/* --- what only the real one can do -------------------------------------------- */

/* The kernel's own words, not just an errno, reach the operator. */
static void test_extended_ack(void **state)
{
	World *world = *state;
	L3vmObject mtu = number_on(L3VM_OBJECT_MTU, "t", 0, 10);
	L3vmObject route = route_on("t", "10.0.0.5", 5);
	g_autofree char *text = NULL;
	g_autofree char *down = NULL;

	netns_add_link("t");
	text = refusal(world, NULL, &mtu);
	assert_non_null(strstr(text, "mtu less than device minimum"));
	down = refusal(world, NULL, &route);
	assert_non_null(strstr(down, "Device for nexthop is not up"));
}

static void test_owner_is_named(void **state)
{
	World *world = *state;
	L3vmObject route = route_on("t", "10.0.0.5", 5), theirs = route;
	g_autofree char *text = NULL;

	add_up_link(world, "t");
	add_up_link(world, "u");
	g_strlcpy(theirs.ifname, "u", sizeof(theirs.ifname));
	add_foreign(world, &theirs);
	text = refusal(world, NULL, &route);
	assert_non_null(strstr(text, "protocol 12"));
	assert_non_null(strstr(text, " u "));
}

/* Broadcast addresses, and 127/8, are the host's as well. */
static void test_is_local_in_other_ways(void **state)
{
	static const struct {
		const char *addr;
		bool local;
	} vectors[] = {
		{ "127.0.0.1", true },	  { "127.1.2.3", true },
		{ "192.0.2.255", true },  { "192.0.2.1", true },
		{ "192.0.2.7", false },	  { "::1", true },
		{ "203.0.113.9", false }, { "2001:db8::9", false },
	};
	World *world = *state;

	add_up_link(world, "t");
	run("ip addr add 192.0.2.1/24 brd + dev t");
	wait_until_local("::1");
	/* neither a default route nor one that refuses makes it the host's */
	run("ip route add default dev t");
	run("ip route add unreachable 203.0.113.0/24");
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		L3vmAddr addr = prefix_of(vectors[i].addr);
		bool local = !vectors[i].local;

		assert_true(world->kernel->ops->is_local(world->kernel, &addr, &local,
							 NULL));
		if (local != vectors[i].local)
			fail_msg("%s: local is %d", vectors[i].addr, local);
	}
}

/* Without the capability: a code of its own, and a remedy. In a child, which
 * cannot get its privilege back. */
static void test_no_permission(void **state)
{
	World *world = *state;
	int status;
	pid_t child;

	add_up_link(world, "t");
	child = fork();
	if (child == 0) {
		L3vmChange c = { .has_after = true,
				 .after = route_on("t", "10.0.0.5", 5) };
		GError *error = NULL;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(77);
		if (world->kernel->ops->apply(world->kernel, &c, &error))
			_exit(1);
		_exit(error->code == L3VM_ERROR_PERMISSION &&
				      strstr(error->message, "CAP_NET_ADMIN")
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- 100 000 routes of others --------------------------------------------------- */

/* Datagrams received since the last look: what the kernel walked and told. Our
 * definition takes the place of libc's in this program. */
static struct {
	unsigned datagrams;
	size_t bytes;
} received;

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);

	if (n > 0) {
		received.datagrams++;
		received.bytes += (size_t)n;
	}
	return n;
}

static void add_candidates(L3vmSet *candidates)
{
	const L3vmObject objects[] = { number_on(L3VM_OBJECT_MTU, "t", 0, 1500),
				       address_on("t", "169.254.0.1"),
				       neighbour_on("t", "10.0.0.5", MAC5),
				       neighbour_on("t", "2001:db8::5", MAC5),
				       route_on("t", "10.0.0.5", 5),
				       route_on("t", "10.0.0.6", 5),
				       route_on("t", "2001:db8::5", 5) };

	for (size_t i = 0; i < G_N_ELEMENTS(objects); i++)
		l3vm_set_add(candidates, &objects[i]);
}

static size_t bytes_to_observe(World *world, const L3vmSet *candidates, L3vmObserve how)
{
	g_autoptr(L3vmSet) observed = NULL;

	received.bytes = 0;
	received.datagrams = 0;
	observed = observe(world, candidates, how);
	assert_true(received.datagrams > 0);
	return received.bytes;
}

static void add_many_routes(unsigned n)
{
	g_autoptr(GString) batch = g_string_new(NULL);

	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(batch,
				       "route add 100.%u.%u.%u/32 dev u proto %d\n",
				       64 + i / 65536, i / 256 % 256, i % 256,
				       STRANGER);
	for (unsigned i = 0; i < n / 10; i++)
		g_string_append_printf(batch,
				       "route add 2001:db8:1::%x/128 dev u proto %d\n",
				       i, STRANGER);
	run_batch(batch->str);
}

/* What one port costs to look at does not depend on what else the host has, nor
 * does what all of ours cost: the kernel leaves out what is not asked for. */
static void test_many_foreign_routes(void **state)
{
	World *world = *state;
	L3vmObject ours = route_on("t", "10.0.0.5", 5);
	g_autoptr(L3vmSet) candidates = l3vm_set_new();
	size_t few[2], many[2];

	add_up_link(world, "t");
	add_up_link(world, "u");
	add(world, &ours);
	add_candidates(candidates);
	few[0] = bytes_to_observe(world, candidates, L3VM_OBSERVE_CANDIDATES);
	few[1] = bytes_to_observe(world, candidates, L3VM_OBSERVE_ALL);
	add_many_routes(100000);
	many[0] = bytes_to_observe(world, candidates, L3VM_OBSERVE_CANDIDATES);
	many[1] = bytes_to_observe(world, candidates, L3VM_OBSERVE_ALL);
	assert_int_equal(many[0], few[0]);
	/* a filtered dump may end in one more, empty, message */
	assert_in_range(many[1], few[1], few[1] + 1024);
	/* the measure is one: reading them all is seen */
	assert_has(world, &ours);
	received.bytes = 0;
	ours.ifindex = 0;
	add(world, &ours);
	assert_true(received.bytes < 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		contract_test(test_extended_ack),
		contract_test(test_owner_is_named),
		contract_test(test_is_local_in_other_ways),
		contract_test(test_no_permission),
		contract_test(test_many_foreign_routes),
	};

	if (!netns_begin())
		return 77;
	return run_contract() +
	       cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
