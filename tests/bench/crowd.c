/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crowd.c - does it matter how many ports a host has?
 *
 *     crowd [MANY [ROUNDS]]
 *
 * Two network namespaces exist at once, one with ten ports and one with MANY,
 * each with a state directory; the attaches that are timed go to them in turns.
 * The port is removed again afterwards, so that ten stay ten.
 *
 * The kernel itself takes longer for each change the more it has. In a routed
 * network every tap has the same gateway addresses, and whenever another gets
 * them it walks through all that have (seen: Linux 6.18): the list of equal
 * local routes (fib_table_insert()), the hash chain of the IPv6 address
 * (ipv6_chk_same_addr()), the lists of fe80::1/128, fe80::/64 and ff00::/8
 * (fib6_add_rt2node()). An interface that goes up makes it walk through all
 * IPv6 routes (rt6_sync_up()). So the limit is on the rest: what an attach takes
 * outside of the changes that it asks the kernel for.
 */
#include "bare.h"
#include "bench.h"
#include "l3vm.h"
#include "writes.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEW	10
#define MANY	10000
#define ROUNDS	60
#define WARM_UP 5

/* Numbers of the guests that come and go, beyond all that stay. */
#define FIRST_VISITOR 200000

/*
 * A bridge has at most 1024 ports (net/bridge/br_private.h), and joining one
 * takes longer the more it has: those who come and go join a bridge with FEW.
 */
#define PORTS_PER_BRIDGE 1000
#define NETWORKS	 64
#define VISITED		 (NETWORKS - 1)

typedef struct Host {
	int netns, bare;
	bool bridged;
	int taps[FEW]; /* of the first: they keep the visited bridge's carrier */
	char *state_dir;
	L3vm *l3vm;
	GArray *processes, *calls, *own, *by_hand;
} Host;

/* l3vm.conf with enough networks in bridge mode. */
static char *write_config(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char *path = g_build_filename(bench_env("BENCH_SCRATCH"), "crowd.conf", NULL);
	g_autoptr(GError) error = NULL;

	for (unsigned i = 0; i < NETWORKS; i++)
		g_string_append_printf(
			text, "[network lan%u]\nmode = bridge\nbridge = brlan%u\n", i,
			i);
	if (!g_file_set_contents(path, text->str, -1, &error))
		bench_die("%s", error->message);
	return path;
}

static void network_of(const Host *host, unsigned number, char name[16])
{
	bool visited = number <= FEW || number >= FIRST_VISITOR;
	unsigned network = visited ? VISITED : number / PORTS_PER_BRIDGE;

	if (host->bridged)
		g_snprintf(name, 16, "lan%u", network);
	else
		g_strlcpy(name, "default", 16);
}

static L3vmPort *port_of(const Host *host, unsigned number)
{
	BenchGuest guest = bench_guest(number);
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmPort) port = l3vm_port_new(guest.name, NULL, &error);
	char network[16];

	network_of(host, number, network);
	if (!port || !l3vm_port_set_ifname(port, guest.ifname, &error) ||
	    !l3vm_port_set_mac(port, guest.mac, &error) ||
	    !l3vm_port_set_network(port, network, &error) ||
	    !l3vm_port_add_address(port, guest.address4, &error) ||
	    !l3vm_port_add_address(port, guest.address6, &error))
		bench_die("%s", error->message);
	return g_steal_pointer(&port);
}

static BenchTime attach(Host *host, unsigned number)
{
	BenchTime start = bench_now();
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmPort) port = port_of(host, number);

	if (!l3vm_attach(host->l3vm, &port, 1, L3VM_ATTACH_LIVE, &error))
		bench_die("%s", error->message);
	return bench_since(start);
}

static BenchTime attach_by_hand(const Host *host, unsigned number)
{
	BenchTime start = bench_now();
	BenchGuest guest = bench_guest(number);

	bare_attach(host->bare, true, guest.ifname, guest.mac, guest.address4,
		    guest.address6);
	return bench_since(start);
}

static int add_tap(unsigned number)
{
	BenchGuest guest = bench_guest(number);

	return bench_tap_add(guest.ifname);
}

/* A namespace with @n ports; we are in it afterwards. */
static Host *host_new(const char *name, bool bridged, unsigned n)
{
	Host *host = g_new0(Host, 1);
	g_autofree char *config = write_config();
	g_autoptr(GError) error = NULL;

	bench_new_namespace();
	host->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	host->bridged = bridged;
	host->bare = bare_open();
	host->state_dir = g_build_filename(bench_env("BENCH_SCRATCH"), name, NULL);
	host->processes = bench_samples_new();
	host->calls = bench_samples_new();
	host->own = bench_samples_new();
	host->by_hand = bench_samples_new();
	host->l3vm = l3vm_new(config, host->state_dir, &error);
	if (!host->l3vm)
		bench_die("%s", error->message);
	for (unsigned i = 1; i <= n; i++) {
		int tap = add_tap(i);

		attach(host, i);
		/* thousands of open files would slow each start of a process */
		if (i <= FEW)
			host->taps[i - 1] = tap;
		else
			bench_tap_release(tap);
	}
	return host;
}

static void host_free(Host *host)
{
	for (unsigned i = 0; i < FEW; i++)
		bench_tap_release(host->taps[i]);
	l3vm_free(host->l3vm);
	close(host->netns);
	close(host->bare);
	g_free(host->state_dir);
	g_array_unref(host->processes);
	g_array_unref(host->calls);
	g_array_unref(host->own);
	g_array_unref(host->by_hand);
	g_free(host);
}

static void enter(const Host *host)
{
	if (setns(host->netns, CLONE_NEWNET))
		bench_die("setns: %s", strerror(errno));
}

static BenchTime attach_process(const Host *host, unsigned number)
{
	BenchGuest guest = bench_guest(number);
	g_autofree char *config = write_config();
	char network[16];
	const char *const argv[] = { bench_env("BENCH_L3VM"),
				     "--config",
				     config,
				     "--state-dir",
				     host->state_dir,
				     "attach",
				     "--guest",
				     guest.name,
				     "--ifname",
				     guest.ifname,
				     "--mac",
				     guest.mac,
				     "--network",
				     network,
				     "--address",
				     guest.address4,
				     "--address",
				     guest.address6,
				     NULL };

	network_of(host, number, network);
	return bench_spawn(argv, NULL);
}

/* The record goes before the tap, as a guest's `stopped` hook has it. */
static void leave(Host *host, unsigned number, int tap)
{
	BenchGuest guest = bench_guest(number);
	g_autoptr(GError) error = NULL;

	if (!l3vm_detach_port(host->l3vm, guest.ifname, &error))
		bench_die("%s", error->message);
	bench_tap_delete(tap);
}

/* The whole call, and it without the kernel's changes. */
static void attach_measured(Host *host, unsigned number)
{
	Writes before = writes_so_far(), after;
	BenchTime time = attach(host, number);

	after = writes_so_far();
	bench_samples_add(host->calls, time);
	time.wall -= after.changing.wall - before.changing.wall;
	time.cpu -= after.changing.cpu - before.changing.cpu;
	bench_samples_add(host->own, time);
}

static void visit(Host *host, unsigned number)
{
	int tap;

	enter(host);
	tap = add_tap(number);
	bench_samples_add(host->processes, attach_process(host, number));
	leave(host, number, tap);
	tap = add_tap(number + 1);
	attach_measured(host, number + 1);
	leave(host, number + 1, tap);
	if (host->bridged)
		return;
	tap = add_tap(number + 2);
	bench_samples_add(host->by_hand, attach_by_hand(host, number + 2));
	bench_tap_delete(tap);
}

static void drop_warm_up(GArray *samples)
{
	if (samples->len > WARM_UP)
		g_array_remove_range(samples, 0, WARM_UP);
}

static void compare(Host *few, Host *many, unsigned rounds)
{
	for (unsigned round = 0; round < WARM_UP + rounds; round++) {
		Host *first = round % 2 ? few : many;

		visit(first, FIRST_VISITOR + 3 * round);
		visit(first == few ? many : few, FIRST_VISITOR + 3 * round);
	}
	drop_warm_up(few->processes);
	drop_warm_up(few->calls);
	drop_warm_up(few->own);
	drop_warm_up(few->by_hand);
	drop_warm_up(many->processes);
	drop_warm_up(many->calls);
	drop_warm_up(many->own);
	drop_warm_up(many->by_hand);
}

static void report(const Host *few, const Host *many)
{
	bench_row("l3vm attach, few ports there", few->processes);
	bench_row("l3vm attach, many ports there", many->processes);
	bench_row("libl3vm, few ports there", few->calls);
	bench_row("libl3vm, many ports there", many->calls);
	if (!few->bridged) {
		bench_row("bare C code, few ports there", few->by_hand);
		bench_row("bare C code, many ports there", many->by_hand);
	}
	bench_row("libl3vm without the changes, few", few->own);
	bench_row("libl3vm without the changes, many", many->own);
	bench_limit_ratio("many / few, without the changes", many->own, few->own, 1.3);
}

/* That the counters count is shown by an attach. */
static void reconcile(Host *host)
{
	Writes before, after;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	BenchTime start;
	int tap;

	enter(host);
	tap = add_tap(FIRST_VISITOR);
	before = writes_so_far();
	attach(host, FIRST_VISITOR);
	after = writes_so_far();
	bench_row_value("netlink writes of one attach", after.netlink - before.netlink,
			"requests");
	bench_row_value("file writes of one attach", after.files - before.files,
			"files");
	if (after.netlink == before.netlink || after.files == before.files)
		bench_die("the counters do not count");

	before = after;
	start = bench_now();
	if (!l3vm_reconcile(host->l3vm, false, &text, &error))
		bench_die("%s", error->message);
	start = bench_since(start);
	after = writes_so_far();
	if (*text)
		bench_die("reconcile found something to do: %.200s", text);
	bench_limit("netlink writes of reconcile", after.netlink - before.netlink, "",
		    0);
	bench_limit("file writes of reconcile", after.files - before.files, "", 0);
	bench_row_value("reconcile", start.wall / 1000, "ms");
	bench_row_value("its CPU time", start.cpu / 1000, "ms");
	leave(host, FIRST_VISITOR, tap);
}

static void run(unsigned n, bool bridged, unsigned rounds)
{
	const char *mode = bridged ? "bridge mode" : "routed";
	Host *few = host_new(bridged ? "few-bridged" : "few", bridged, FEW);
	Host *many = host_new(bridged ? "many-bridged" : "many", bridged, n);
	g_autofree char *title = g_strdup_printf("attach with %d and with %u ports, %s",
						 FEW, n, mode);
	g_autofree char *reconcile_title =
		g_strdup_printf("reconcile of %u ports, %s, nothing to do", n, mode);

	compare(few, many, rounds);
	bench_title(title);
	report(few, many);
	bench_title(reconcile_title);
	reconcile(many);
	host_free(few);
	host_free(many);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : MANY;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : ROUNDS;

	run(n, true, rounds);
	run(n, false, rounds);
	return bench_status();
}
