/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * processes.c - attach as a process: l3vm, the bare program, a script
 *
 *     processes [ROUNDS]
 *
 * Every run gets a tap of its own that nobody touched before; making it is not
 * measured.
 */
#include "bench.h"

#include <stdlib.h>

#define ROUNDS	300
#define WARM_UP 10
/* Rounds in one namespace: see in-process.c. */
#define BATCH	20

static void run_l3vm(const BenchGuest *guest, const char *config, GArray *samples)
{
	const char *const argv[] = { bench_env("BENCH_L3VM"),
				     "--config",
				     config,
				     "attach",
				     "--guest",
				     guest->name,
				     "--ifname",
				     guest->ifname,
				     "--mac",
				     guest->mac,
				     "--address",
				     guest->address4,
				     "--address",
				     guest->address6,
				     NULL };

	bench_samples_add(samples, bench_spawn(argv, NULL));
}

static void run_by_hand(const char *program, const BenchGuest *guest, GArray *samples)
{
	const char *const argv[] = { program,	      guest->ifname,   guest->mac,
				     guest->address4, guest->address6, NULL };

	bench_samples_add(samples, bench_spawn(argv, NULL));
}

/* Guest @i on a tap of its own, attached by l3vm with @config or @by_hand. */
static void run_one(unsigned i, const char *config, const char *by_hand,
		    GArray *samples)
{
	BenchGuest guest = bench_guest(i);
	int tap = bench_tap_add(guest.ifname);

	if (by_hand)
		run_by_hand(by_hand, &guest, samples);
	else
		run_l3vm(&guest, config, samples);
	bench_tap_release(tap);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : ROUNDS, i = 0;
	g_autoptr(GArray) l3vm = bench_samples_new();
	g_autoptr(GArray) guarded = bench_samples_new();
	g_autoptr(GArray) bare = bench_samples_new();
	g_autoptr(GArray) script = bench_samples_new();

	for (unsigned round = 0; round < WARM_UP + rounds; round++) {
		if (round % BATCH == 0)
			bench_new_namespace();
		run_one(++i, bench_env("L3VM_CONFIG"), NULL, l3vm);
		run_one(++i, NULL, bench_env("BENCH_BARE"), bare);
		/* ten times as slow as the others: fewer of them do */
		if (round % 5 == 0)
			run_one(++i, NULL, bench_env("BENCH_SCRIPT"), script);
		if (round + 1 == WARM_UP) {
			g_array_set_size(l3vm, 0);
			g_array_set_size(bare, 0);
			g_array_set_size(script, 0);
		}
	}
	/* apart: what nf_tables has not tidied up yet, others wait for */
	for (unsigned round = 0; round < rounds / 2; round++) {
		if (round % BATCH == 0)
			bench_new_namespace();
		run_one(++i, bench_env("BENCH_GUARDED"), NULL, guarded);
	}
	bench_title("attach of a port with two addresses, one process each");
	bench_row("l3vm attach", l3vm);
	bench_row("l3vm attach, with the guard", guarded);
	bench_row("bare C program, same libraries", bare);
	bench_row("shell script with ip(8)", script);
	bench_limit_ratio("l3vm / bare", l3vm, bare, 1.5);
	bench_limit_ratio("l3vm / script", l3vm, script, 0.25);
	bench_limit_ratio("with the guard / without", guarded, l3vm, 1.5);
	return bench_status();
}
