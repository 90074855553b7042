/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent-scout.c - when a packet is the one that was sent ahead */
#include "scout.h"

#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define VNET	 sizeof(struct virtio_net_hdr)
#define PAYLOAD	 100
#define MAX_SIZE (VNET + 60 + PAYLOAD)

typedef struct Sample {
	struct virtio_net_hdr header;
	uint8_t ip[MAX_SIZE - VNET];
} Sample;

static const int families[] = { AF_INET, AF_INET6 };

static size_t ip_size(int family)
{
	return family == AF_INET ? 20 : 40;
}

static size_t size_of(int family)
{
	return VNET + ip_size(family) + 20 + PAYLOAD;
}

/* A TCP segment of a sender whose packets have 64 hops at first. */
static Sample segment(int family, uint8_t hops)
{
	Sample sample = { 0 };
	uint8_t *ip = sample.ip, *tcp = ip + ip_size(family);

	for (size_t i = 0; i < sizeof(sample.ip); i++)
		ip[i] = (uint8_t)(i * 7);
	if (family == AF_INET) {
		ip[0] = 0x45;
		ip[8] = hops;
		ip[9] = IPPROTO_TCP;
		ip[10] = (uint8_t)(200 - hops); /* its checksum changes, too */
	} else {
		ip[0] = 0x60;
		ip[6] = IPPROTO_TCP;
		ip[7] = hops;
	}
	tcp[16] = 0x12;
	return sample;
}

static bool comes_back(const Sample *sent, const Sample *seen, int family)
{
	g_autoptr(Scout) scout = scout_new(sent, size_of(family));

	return scout_is(scout, seen, size_of(family));
}

static void test_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		Sample sent = segment(families[i], 63);
		Sample seen = segment(families[i], 60);

		assert_true(comes_back(&sent, &seen, families[i]));
	}
}

static void test_equal_contents(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		Sample sent = segment(families[i], 63);
		Sample next = segment(families[i], 63);
		Sample other_way = segment(families[i], 64);

		assert_false(comes_back(&sent, &next, families[i]));
		assert_false(comes_back(&sent, &other_way, families[i]));
	}
}

static void test_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		Sample sent = segment(families[i], 63);
		size_t hops = families[i] == AF_INET ? 8 : 7;

		for (size_t at = 0; at < size_of(families[i]) - VNET; at++) {
			Sample seen = segment(families[i], 60);

			if (at == hops ||
			    (families[i] == AF_INET && (at == 10 || at == 11)))
				continue;
			seen.ip[at] ^= 1;
			assert_false(comes_back(&sent, &seen, families[i]));
		}
	}
}

/* The interface that it went out by has put in the checksum. */
static void test_checksum(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		Sample sent = segment(families[i], 63);
		Sample seen = segment(families[i], 60);
		size_t tcp = ip_size(families[i]);

		seen.ip[tcp + 16] = 0x99;
		assert_false(comes_back(&sent, &seen, families[i]));
		sent.header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		sent.header.csum_start = (uint16_t)tcp;
		sent.header.csum_offset = 16;
		assert_true(comes_back(&sent, &seen, families[i]));
	}
}

/* And cut it: the first piece is shorter, of another ID, and has TCP's sequence
 * number; the second has another. */
static void test_large_segment(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		Sample sent = segment(families[i], 63);
		Sample piece = segment(families[i], 60);
		g_autoptr(Scout) scout = NULL;
		size_t tcp = ip_size(families[i]), size = size_of(families[i]) - 50;

		sent.header.gso_type = families[i] == AF_INET
					       ? VIRTIO_NET_HDR_GSO_TCPV4
					       : VIRTIO_NET_HDR_GSO_TCPV6;
		scout = scout_new(&sent, size_of(families[i]));
		piece.ip[families[i] == AF_INET ? 2 : 4] ^= 1; /* length */
		if (families[i] == AF_INET)
			piece.ip[4] ^= 1;
		assert_true(scout_is(scout, &piece, size));
		piece.ip[tcp + 4] ^= 1;
		assert_false(scout_is(scout, &piece, size));
	}
}

static void test_short(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		Sample sent = segment(families[i], 63);
		Sample seen = segment(families[i], 60);
		g_autoptr(Scout) scout = scout_new(&sent, size_of(families[i]));

		for (size_t size = 0; size < size_of(families[i]); size++) {
			g_autofree uint8_t *bytes = g_memdup2(&seen, size);

			assert_false(scout_is(scout, bytes, size));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_equal_contents),
		cmocka_unit_test(test_another),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_large_segment),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
