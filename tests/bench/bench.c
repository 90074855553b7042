/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench.c - samples, the table, processes and taps of the benchmarks */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Limits missed so far; the programs have one thread and one table. */
static unsigned missed;

void bench_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* --- samples ------------------------------------------------------------ */

static double read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

BenchTime bench_now(void)
{
	return (BenchTime){ read_clock(CLOCK_MONOTONIC),
			    read_clock(CLOCK_PROCESS_CPUTIME_ID) };
}

BenchTime bench_since(BenchTime start)
{
	BenchTime now = bench_now();

	return (BenchTime){ now.wall - start.wall, now.cpu - start.cpu };
}

GArray *bench_samples_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(BenchTime));
}

void bench_samples_add(GArray *samples, BenchTime time)
{
	g_array_append_val(samples, time);
}

static gint compare_wall(gconstpointer a, gconstpointer b)
{
	double x = ((const BenchTime *)a)->wall, y = ((const BenchTime *)b)->wall;

	return (x > y) - (x < y);
}

static gint compare_cpu(gconstpointer a, gconstpointer b)
{
	double x = ((const BenchTime *)a)->cpu, y = ((const BenchTime *)b)->cpu;

	return (x > y) - (x < y);
}

/* @part 0.5: the median. */
static BenchTime quantile(const GArray *samples, double part)
{
	g_autoptr(GArray) sorted = bench_samples_new();
	BenchTime result;
	guint at;

	if (!samples->len)
		bench_die("nothing was measured");
	at = (guint)(part * (samples->len - 1) + 0.5);
	g_array_append_vals(sorted, samples->data, samples->len);
	g_array_sort(sorted, compare_wall);
	result.wall = g_array_index(sorted, BenchTime, at).wall;
	g_array_sort(sorted, compare_cpu);
	result.cpu = g_array_index(sorted, BenchTime, at).cpu;
	return result;
}

BenchTime bench_median(const GArray *samples)
{
	return quantile(samples, 0.5);
}

/* --- the table ---------------------------------------------------------- */

void bench_title(const char *title)
{
	printf("\n%s\n", title);
	fflush(stdout);
}

void bench_row(const char *what, const GArray *samples)
{
	BenchTime median = bench_median(samples);

	printf("  %-42s %9.0f us  (%.0f to %.0f, %u runs; CPU %.0f)\n", what,
	       median.wall, quantile(samples, 0.25).wall, quantile(samples, 0.75).wall,
	       samples->len, median.cpu);
	fflush(stdout);
}

void bench_row_value(const char *what, double value, const char *unit)
{
	printf("  %-42s %9.4g %s\n", what, value, unit);
	fflush(stdout);
}

static void judge(double value, double limit)
{
	bool ok = value <= limit;

	printf("limit %.3g: %s", limit, ok ? "held" : "MISSED");
	missed += !ok;
}

void bench_limit(const char *what, double value, const char *unit, double limit)
{
	printf("  %-42s %9.4g %-3s ", what, value, unit);
	judge(value, limit);
	putchar('\n');
	fflush(stdout);
}

void bench_limit_ratio(const char *what, const GArray *a, const GArray *b, double limit)
{
	BenchTime x = bench_median(a), y = bench_median(b);

	printf("  %-42s %9.2f x   ", what, x.wall / y.wall);
	judge(x.wall / y.wall, limit);
	printf(" (in CPU time %.2f)\n", x.cpu / y.cpu);
	fflush(stdout);
}

int bench_status(void)
{
	return missed ? 2 : 0;
}

/* --- processes ---------------------------------------------------------- */

static double microseconds(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

/* posix_spawn(3) is a vfork(2): how much memory we have costs nothing. */
BenchTime bench_spawn(const char *const *argv, const char *input)
{
	double start = read_clock(CLOCK_MONOTONIC), end;
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int error, status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
					 input ? input : "/dev/null", O_RDONLY, 0);
	error = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv,
			    environ);
	if (error)
		bench_die("%s: %s", argv[0], strerror(error));
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	end = read_clock(CLOCK_MONOTONIC);
	posix_spawn_file_actions_destroy(&actions);
	if (status)
		bench_die("%s %s: wait status %d", argv[0], argv[1] ? argv[1] : "",
			  status);
	return (BenchTime){ end - start, microseconds(usage.ru_utime) +
						 microseconds(usage.ru_stime) };
}

const char *bench_env(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		bench_die("$%s is not set (start it by `make bench`)", name);
	return value;
}

/* --- guests and their taps ---------------------------------------------- */

BenchGuest bench_guest(unsigned i)
{
	unsigned high = i >> 16 & 0xff, middle = i >> 8 & 0xff, low = i & 0xff;
	BenchGuest guest;

	g_snprintf(guest.name, sizeof(guest.name), "guest%u", i);
	g_snprintf(guest.ifname, sizeof(guest.ifname), "tap%u", i);
	g_snprintf(guest.mac, sizeof(guest.mac), "52:54:00:%02x:%02x:%02x", high,
		   middle, low);
	g_snprintf(guest.address4, sizeof(guest.address4), "10.%u.%u.%u", high, middle,
		   low);
	g_snprintf(guest.address6, sizeof(guest.address6), "2001:db8::%x:%x", i >> 16,
		   i & 0xffff);
	return guest;
}

static void set_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		bench_die("%s: %s", path, strerror(errno));
	close(fd);
}

/* Its descriptor, never closed, is what keeps a namespace. */
void bench_new_namespace(void)
{
	if (unshare(CLONE_NEWNET) ||
	    open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) < 0)
		bench_die("network namespace: %s", strerror(errno));
	set_sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	set_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

int bench_tap_add(const char *ifname)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	g_strlcpy(request.ifr_name, ifname, sizeof(request.ifr_name));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		bench_die("tap %s: %s", ifname, strerror(errno));
	return fd;
}

void bench_tap_release(int fd)
{
	if (ioctl(fd, TUNSETPERSIST, 1UL))
		bench_die("tap: %s", strerror(errno));
	close(fd);
}

void bench_tap_delete(int fd)
{
	close(fd);
}
