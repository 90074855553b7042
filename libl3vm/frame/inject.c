/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject.c - sends whole Ethernet frames out of one interface
 *
 * The socket is made with protocol 0 and never bound: one with ETH_P_ALL would
 * receive, and queue, every frame of every interface of the host from the moment
 * of its creation on.
 */
/* syscalls: clock_nanosleep close sendto socket */
#include "frame/inject.h"

#include "base/error.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS INT64_C(1000000000)
#define INTERVAL    (NANOSECONDS / L3VM_INJECT_RATE)
#define BURST_AHEAD ((L3VM_INJECT_BURST - 1) * INTERVAL)

struct L3vmInjector {
	int fd;
	/*
	 * The bucket as one number: when the last frame would have left had all of
	 * them been spaced evenly (the "theoretical arrival time" of ATM's leaky
	 * bucket). A frame may leave up to a burst ahead of that time.
	 */
	int64_t paced;
};

L3vmInjector *l3vm_injector_new(GError **error)
{
	L3vmInjector *injector;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		l3vm_fail_errno(error, errno, "packet socket: %s (needs CAP_NET_RAW)",
				g_strerror(errno));
		return NULL;
	}
	injector = g_new0(L3vmInjector, 1);
	injector->fd = fd;
	return injector;
}

void l3vm_injector_free(L3vmInjector *injector)
{
	if (!injector)
		return;
	close(injector->fd);
	g_free(injector);
}

/* The clock must not be the wall clock, which may jump by a day. */
static int64_t monotonic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

static void sleep_until(int64_t when)
{
	struct timespec at = { .tv_sec = when / NANOSECONDS,
			       .tv_nsec = when % NANOSECONDS };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void pace(L3vmInjector *injector)
{
	int64_t now = monotonic_now();

	injector->paced = MAX(injector->paced + INTERVAL, now);
	if (injector->paced - now > BURST_AHEAD)
		sleep_until(injector->paced - BURST_AHEAD);
}

/* What pace() would sleep, for the last of @frames. */
int64_t l3vm_injector_wait(const L3vmInjector *injector, unsigned frames)
{
	int64_t now = monotonic_now();
	int64_t first = MAX(injector->paced + INTERVAL, now);
	int64_t last = first + (int64_t)(frames - 1) * INTERVAL;

	/* rounded up, or who waits so long would have to wait once more */
	return (MAX(last - now - BURST_AHEAD, 0) + 999) / 1000;
}

bool l3vm_inject(L3vmInjector *injector, unsigned ifindex, const void *frame,
		 size_t size, GError **error)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)ifindex,
				  .sll_halen = ETH_ALEN };
	ssize_t sent;

	if (size < ETH_HLEN)
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "frame of %zu bytes: shorter than its header", size);
	/* The addresses are in the frame; these two serve taps and qdiscs. */
	memcpy(to.sll_addr, frame, ETH_ALEN);
	memcpy(&to.sll_protocol, (const uint8_t *)frame + 12, sizeof(to.sll_protocol));
	pace(injector);
	/*
	 * Never wait for room: a guest that stopped reading its tap must not stop
	 * us, and an announcement that comes late is worth nothing.
	 */
	do
		sent = sendto(injector->fd, frame, size, MSG_DONTWAIT,
			      (const struct sockaddr *)&to, sizeof(to));
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return l3vm_fail_errno(error, errno, "send on interface %u: %s",
				       ifindex, g_strerror(errno));
	return true;
}
