/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-inject.c - frames leave through the right interface, at the right pace
 *
 * Runs in a user and network namespace of its own, with a tap whose other end is
 * this process. Skipped where the machine allows neither.
 */
#include "frame/inject.h"

#include "l3vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SKIP 77

struct tap {
	int fd;
	unsigned ifindex;
};

static bool set_up(const char *name, bool up, unsigned *ifindex)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ok = fd >= 0 && !ioctl(fd, SIOCGIFINDEX, &request);
	if (ok)
		*ifindex = (unsigned)request.ifr_ifindex;
	request.ifr_flags = up ? IFF_UP : 0;
	ok = ok && !ioctl(fd, SIOCSIFFLAGS, &request);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Both ids to root, so that a user who may not do this outside may do it here. */
static bool enter_namespaces(void)
{
	unsigned uid = getuid();
	char map[32];
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return getuid() == 0 && !unshare(CLONE_NEWNET);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (fd < 0)
		return false;
	if (write(fd, map, strlen(map)) < 0) {
		close(fd);
		return false;
	}
	close(fd);
	return true;
}

static bool open_tap(struct tap *tap)
{
	struct ifreq request = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };

	tap->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->fd < 0)
		return false;
	return !ioctl(tap->fd, TUNSETIFF, &request) &&
	       set_up("tap0", true, &tap->ifindex);
}

/* A frame of a type that nobody else sends, with @number in it. */
static void make_frame(uint8_t frame[60], uint8_t number)
{
	memset(frame, 0, 60);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x52\x54\0\0\0\5\x88\xb5", 8);
	frame[14] = number;
}

/* The next frame of ours on the tap; the kernel's own (IPv6) are passed over. */
static ssize_t next_frame(const struct tap *tap, uint8_t *out, size_t size)
{
	struct pollfd wait = { .fd = tap->fd, .events = POLLIN };

	while (poll(&wait, 1, 2000) == 1) {
		ssize_t got = read(tap->fd, out, size);

		if (got >= 14 && out[12] == 0x88 && out[13] == 0xb5)
			return got;
	}
	return -1;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void frames_arrive_unchanged(void **state)
{
	const struct tap *tap = *state;
	g_autoptr(L3vmInjector) injector = l3vm_injector_new(NULL);
	uint8_t frame[60], got[128];

	assert_non_null(injector);
	for (uint8_t i = 0; i < 5; i++) {
		make_frame(frame, i);
		assert_true(l3vm_inject(injector, tap->ifindex, frame, 60, NULL));
		assert_int_equal(next_frame(tap, got, sizeof(got)), 60);
		assert_memory_equal(got, frame, 60);
	}
}

/* A burst leaves at once; what comes after it is spaced. */
static void pace_is_kept(void **state)
{
	const struct tap *tap = *state;
	g_autoptr(L3vmInjector) injector = l3vm_injector_new(NULL);
	int64_t start = milliseconds(), burst, all;
	uint8_t frame[60], got[128];

	make_frame(frame, 1);
	for (int i = 0; i < L3VM_INJECT_BURST; i++)
		assert_true(l3vm_inject(injector, tap->ifindex, frame, 60, NULL));
	burst = milliseconds() - start;
	for (int i = 0; i < 20; i++)
		assert_true(l3vm_inject(injector, tap->ifindex, frame, 60, NULL));
	all = milliseconds() - start;
	assert_true(burst < 1000 * L3VM_INJECT_BURST / L3VM_INJECT_RATE);
	assert_true(all >= 20 * 1000 / L3VM_INJECT_RATE - 1);
	for (int i = 0; i < L3VM_INJECT_BURST + 20; i++)
		assert_int_equal(next_frame(tap, got, sizeof(got)), 60);
}

static void expect_error(unsigned ifindex, size_t size)
{
	g_autoptr(L3vmInjector) injector = l3vm_injector_new(NULL);
	g_autoptr(GError) error = NULL;
	uint8_t frame[60];

	make_frame(frame, 1);
	assert_false(l3vm_inject(injector, ifindex, frame, size, &error));
	assert_non_null(error);
	assert_int_equal(error->domain, L3VM_ERROR);
	assert_int_equal(error->code, L3VM_ERROR_FAILED);
}

static void errors_are_reported(void **state)
{
	struct tap *tap = *state;

	expect_error(tap->ifindex, 13);
	expect_error(4711, 60); /* no such interface */
	assert_true(set_up("tap0", false, &tap->ifindex));
	expect_error(tap->ifindex, 60); /* down */
	close(tap->fd);
	tap->fd = -1;
	expect_error(tap->ifindex, 60); /* gone with its descriptor */
}

/* A socket that received would fill its queue and be a way in for frames. */
static void injector_receives_nothing(void **state)
{
	const struct tap *tap = *state;
	g_autoptr(L3vmInjector) injector = l3vm_injector_new(NULL);
	uint8_t frame[60], got[128];
	int fd = *(const int *)(const void *)injector; /* its first member */

	make_frame(frame, 9);
	assert_int_equal(write(tap->fd, frame, 60), 60);
	assert_true(l3vm_inject(injector, tap->ifindex, frame, 60, NULL));
	assert_int_equal(next_frame(tap, got, sizeof(got)), 60);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void free_accepts_null(void **state)
{
	(void)state;
	l3vm_injector_free(NULL);
}

int main(void)
{
	struct tap tap = { .fd = -1 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(frames_arrive_unchanged, &tap),
		cmocka_unit_test_prestate(pace_is_kept, &tap),
		cmocka_unit_test_prestate(injector_receives_nothing, &tap),
		cmocka_unit_test_prestate(errors_are_reported, &tap),
		cmocka_unit_test(free_accepts_null),
	};

	if (!enter_namespaces() || !open_tap(&tap)) {
		fprintf(stderr, "skipped: no namespace or tap here: %s\n",
			strerror(errno));
		return SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
