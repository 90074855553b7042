/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * in-process.c - attach within one process: libl3vm against the bare code
 *
 *     in-process [ROUNDS]
 */
#include "bare.h"
#include "bench.h"
#include "l3vm.h"

#include <stdlib.h>
#include <unistd.h>

#define ROUNDS	1000
/* Rounds in one namespace: with more taps in it everything takes longer, as the
 * kernel walks through all that have the gateway's address. */
#define BATCH	50
/* Rounds at the start of each batch that do not count. */
#define WARM_UP 5

typedef struct Result {
	GArray *library, *bare, *at_once;
} Result;

static BenchTime run_library(L3vm *host, const BenchGuest *guest)
{
	BenchTime start = bench_now();
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmPort) port = l3vm_port_new(guest->name, NULL, &error);

	if (!port || !l3vm_port_set_ifname(port, guest->ifname, &error) ||
	    !l3vm_port_set_mac(port, guest->mac, &error) ||
	    !l3vm_port_add_address(port, guest->address4, &error) ||
	    !l3vm_port_add_address(port, guest->address6, &error) ||
	    !l3vm_attach(host, &port, 1, L3VM_ATTACH_LIVE, &error))
		bench_die("%s", error->message);
	return bench_since(start);
}

static BenchTime run_bare(int fd, bool at_once, const BenchGuest *guest)
{
	BenchTime start = bench_now();

	bare_attach(fd, at_once, guest->ifname, guest->mac, guest->address4,
		    guest->address6);
	return bench_since(start);
}

/* All taps first: making one leaves the kernel's caches full of other things. */
static void make_taps(unsigned first, unsigned n, int *fds)
{
	for (unsigned i = 0; i < n; i++) {
		BenchGuest guest = bench_guest(first + i);

		fds[i] = bench_tap_add(guest.ifname);
	}
}

static void run_batch(unsigned first, Result *result)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vm) host = NULL;
	int fd, taps[3 * BATCH];

	bench_new_namespace();
	make_taps(first, 3 * BATCH, taps);
	host = l3vm_new(NULL, NULL, &error);
	if (!host)
		bench_die("%s", error->message);
	fd = bare_open();
	for (unsigned i = 0; i < BATCH; i++) {
		BenchGuest a = bench_guest(first + 3 * i);
		BenchGuest b = bench_guest(first + 3 * i + 1);
		BenchGuest c = bench_guest(first + 3 * i + 2);
		BenchTime library = run_library(host, &a);
		BenchTime bare = run_bare(fd, false, &b);
		BenchTime at_once = run_bare(fd, true, &c);

		if (i < WARM_UP)
			continue;
		bench_samples_add(result->library, library);
		bench_samples_add(result->bare, bare);
		bench_samples_add(result->at_once, at_once);
	}
	close(fd);
	for (unsigned i = 0; i < 3 * BATCH; i++)
		bench_tap_release(taps[i]);
}

static void report(const Result *result)
{
	bench_title("attach of a port with two addresses, within one process");
	bench_row("libl3vm", result->library);
	bench_row("bare C code", result->bare);
	bench_row("bare C code, settings in one request", result->at_once);
	bench_limit_ratio("libl3vm / bare", result->library, result->bare, 2.0);
	bench_row_value("libl3vm / bare, settings in one request",
			bench_median(result->library).wall /
				bench_median(result->at_once).wall,
			"x");
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : ROUNDS;
	Result result = { bench_samples_new(), bench_samples_new(),
			  bench_samples_new() };

	for (unsigned i = 0; i < MAX(rounds / BATCH, 1u); i++)
		run_batch(100000 + i * 3 * BATCH, &result);
	report(&result);
	g_array_unref(result.library);
	g_array_unref(result.bare);
	g_array_unref(result.at_once);
	return bench_status();
}
