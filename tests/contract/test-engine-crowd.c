/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-engine-crowd.c - many processes at once: one guest, one address, one bridge */
#include "netns.h"
#include "real-host.h"

#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CROWD  64
#define ROUNDS 20

typedef int (*Job)(L3vm *host, unsigned number);

static char *mac_number(unsigned number)
{
	return g_strdup_printf("52:54:00:00:01:%02x", number);
}

/* The process's exit status is the job's. All begin when the gate opens. */
static pid_t start(const RealHost *host, Job job, unsigned number, int gate)
{
	pid_t child = fork();
	L3vm *l3vm;
	char byte;

	if (child != 0)
		return child;
	/* cmocka's handlers would go on with the tests in the child */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	l3vm = real_host_open(host);
	if (read(gate, &byte, 1) < 0)
		_exit(99);
	_exit(job(l3vm, number));
}

/* How many of @n processes ended with each status. */
static void run_crowd(const RealHost *host, Job job, unsigned n, unsigned counts[256])
{
	pid_t children[CROWD];
	int gate[2];

	memset(counts, 0, 256 * sizeof(counts[0]));
	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < n; i++) {
		children[i] = start(host, job, i + 1, gate[0]);
		assert_true(children[i] > 0);
	}
	/* a byte for each: the end of the file never comes, since the children
	 * have the other end as well */
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(write(gate[1], "", 1), 1);
	for (unsigned i = 0; i < n; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		counts[WEXITSTATUS(status)]++;
	}
	close(gate[0]);
	close(gate[1]);
}

/* 98: a failure that says nothing. */
static int result(bool ok, GError **error)
{
	if (ok)
		return *error ? 97 : 0;
	return *error ? (*error)->code : 98;
}

static void assert_count(const unsigned counts[256], unsigned status, unsigned n)
{
	if (counts[status] == n)
		return;
	for (unsigned i = 0; i < 256; i++)
		if (counts[i])
			print_error("%u ended with %u\n", counts[i], i);
	fail_msg("not %u with status %u", n, status);
}

static void assert_consistent(const RealHost *host)
{
	g_autofree char *text = real_host_difference(host);

	if (text)
		fail_msg("%s", text);
}

/* --- one guest ------------------------------------------------------------------- */

/* Even ones attach, odd ones detach; each with an address of its own to add. */
static int attach_or_detach(L3vm *host, unsigned number)
{
	g_autofree char *addresses = g_strdup_printf("10.0.0.%u 2001:db8::%x", number,
						     number);
	g_autoptr(L3vmPort)
		port = real_request("vm1", "tap1", "52:54:00:00:00:01", addresses,
				    number % 3 ? NULL : "tenant");
	g_autoptr(GError) error = NULL;

	if (number % 2)
		return result(l3vm_detach_guest(host, "vm1", &error), &error);
	return result(l3vm_attach(host, &port, 1, L3VM_ATTACH_LIVE, &error), &error);
}

static void test_one_guest(void **state)
{
	RealHost *host = real_host_new(1);
	g_autoptr(GError) error = NULL;
	g_autofree char *records = NULL;
	unsigned counts[256];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		run_crowd(host, attach_or_detach, CROWD, counts);
		assert_count(counts, 0, CROWD);
		assert_consistent(host);
	}
	assert_true(l3vm_detach_guest(host->l3vm, "vm1", &error));
	assert_consistent(host);
	records = real_host_records(host);
	assert_string_equal(records, "");
	real_host_free(host);
}

/* --- one address ---------------------------------------------------------- */

#define RIVALS 4

static int attach_rival(L3vm *host, unsigned number)
{
	g_autofree char *guest = g_strdup_printf("vm%u", number);
	g_autofree char *ifname = g_strdup_printf("tap%u", number);
	g_autofree char *mac = mac_number(number);
	g_autoptr(L3vmPort) port = real_request(guest, ifname, mac, "10.0.0.1", NULL);
	g_autoptr(GError) error = NULL;

	return result(l3vm_attach(host, &port, 1, L3VM_ATTACH_LIVE, &error), &error);
}

/* One has it, the others are refused, and nothing of theirs is left. */
static void test_one_address(void **state)
{
	RealHost *host = real_host_new(RIVALS);
	unsigned counts[256];

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		g_autofree char *routes = NULL;

		run_crowd(host, attach_rival, RIVALS, counts);
		assert_count(counts, 0, 1);
		assert_count(counts, L3VM_ERROR_REFUSED, RIVALS - 1);
		assert_consistent(host);
		routes = output("ip route show proto 76");
		assert_non_null(strstr(routes, "10.0.0.1 dev tap"));
		assert_null(strchr(strchr(routes, '\n') + 1, '\n'));
		for (unsigned i = 1; i <= RIVALS; i++) {
			g_autofree char *guest = g_strdup_printf("vm%u", i);

			assert_true(l3vm_detach_guest(host->l3vm, guest, NULL));
		}
	}
	real_host_free(host);
}

/* --- one bridge ----------------------------------------------------------- */

#define SIBLINGS 20

static int attach_sibling(L3vm *host, unsigned number)
{
	g_autofree char *guest = g_strdup_printf("vm%u", number);
	g_autofree char *ifname = g_strdup_printf("tap%u", number);
	g_autofree char *mac = mac_number(number);
	g_autofree char *addresses = g_strdup_printf("10.0.0.%u 2001:db8::%x", number,
						     number);
	g_autoptr(L3vmPort) port = real_request(guest, ifname, mac, addresses, "lan");
	g_autoptr(GError) error = NULL;

	return result(l3vm_attach(host, &port, 1, L3VM_ATTACH_LIVE, &error), &error);
}

/* All find no bridge, and all make it: one is the first. */
static void test_one_bridge(void **state)
{
	RealHost *host = real_host_new(SIBLINGS);
	g_autofree char *report = NULL;
	g_autoptr(GError) error = NULL;
	unsigned counts[256];

	(void)state;
	run_crowd(host, attach_sibling, SIBLINGS, counts);
	assert_count(counts, 0, SIBLINGS);
	assert_consistent(host);
	assert_true(l3vm_reconcile(host->l3vm, false, &report, &error));
	assert_string_equal(report, "");
	real_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_guest),
		cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_one_bridge),
	};

	if (!netns_begin())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
