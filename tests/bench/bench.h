/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.h - what the benchmark programs share
 *
 * Every comparison is made of samples taken in turns in one run, so that what
 * else the machine does hits both sides, and is judged by medians. A program
 * prints its rows and ends with 2 if a limit was missed: noise can do that,
 * a broken measurement ends with 1.
 */
#ifndef L3VM_TESTS_BENCH_H
#define L3VM_TESTS_BENCH_H

#include <glib.h>
#include <stdbool.h>

/* Prints the message and ends the program. */
void bench_die(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

/* --- samples ------------------------------------------------------------ */

/* Microseconds. Other work on the machine makes @wall longer and leaves @cpu
 * nearly as it is, so both are shown. */
typedef struct BenchTime {
	double wall, cpu;
} BenchTime;

/* Now, and from then to now, of this process. */
BenchTime bench_now(void);
BenchTime bench_since(BenchTime start);

/* An array of BenchTime. */
GArray *bench_samples_new(void);
void bench_samples_add(GArray *samples, BenchTime time);
BenchTime bench_median(const GArray *samples); /* of each by itself */

/* --- the table ---------------------------------------------------------- */

void bench_title(const char *title);
/* The medians, the quartiles of the wall time and the number of @samples. */
void bench_row(const char *what, const GArray *samples);
void bench_row_value(const char *what, double value, const char *unit);
/* "value  limit  verdict"; a value above @limit is remembered. */
void bench_limit(const char *what, double value, const char *unit, double limit);
/* The same for the ratio of two medians' wall times; that of their CPU times is
 * shown beside it. */
void bench_limit_ratio(const char *what, const GArray *a, const GArray *b,
		       double limit);
/* What main() returns. */
int bench_status(void);

/* --- processes ---------------------------------------------------------- */

/*
 * Runs @argv with @input (NULL: nothing) as standard input, and waits for it.
 * Anything but exit status 0 ends the benchmark.
 */
BenchTime bench_spawn(const char *const *argv, const char *input);

/* $NAME, or the end of the benchmark. */
const char *bench_env(const char *name);

/* --- guests and their taps ---------------------------------------------- */

/* The @i-th guest: names and addresses that no other has. */
typedef struct BenchGuest {
	char name[16], ifname[16], mac[18], address4[16], address6[40];
} BenchGuest;

BenchGuest bench_guest(unsigned i);

/*
 * Goes to a new, empty network namespace that forwards, as etc/sysctl.d has it;
 * new interfaces inherit that. The old ones stay until the program ends: taking
 * one down is work for the kernel that would be measured too.
 */
void bench_new_namespace(void);

/*
 * A tap as a VM manager leaves it to a hook: fresh, down, and held open by the
 * descriptor that is returned, so that it has a carrier. Without one the kernel
 * walks through all IPv6 routes at each change of its state.
 */
int bench_tap_add(const char *ifname);
/* Closes @fd; the tap stays, without a carrier. */
void bench_tap_release(int fd);
/* Closes @fd, and the tap goes. */
void bench_tap_delete(int fd);

#endif
