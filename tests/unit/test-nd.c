/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-nd.c - neighbour advertisements byte by byte, and every check of RFC 4861 */
#include "frame/nd.h"

#include "frame/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Offsets in the frame */
enum {
	ETHERTYPE = 12,
	VERSION = 14,
	PAYLOAD_LENGTH = 18,
	NEXT_HEADER = 20,
	HOP_LIMIT = 21,
	SOURCE = 22,
	DESTINATION = 38,
	ICMP = 54,
	CHECKSUM = 56,
	FLAGS = 58,
	TARGET = 62,
	OPTION = 78,
};

static const L3vmMac guest_mac = { { 0x52, 0x54, 0, 0, 0, 5 } };

/* clang-format off */
/*
 * 2001:db8::5 at 52:54:00:00:00:05. The checksum was worked out by hand:
 * pseudo header 2001+0db8+5 + ff02+1 + 20+3a = 12d1b -> 2d1c; message 8800 + 2000
 * + 2001+0db8+5 + 0201+5254+0+5 = 12a18 -> 2a19; sum 5735, inverted a8ca.
 */
static const uint8_t advertisement[L3VM_NA_FRAME_SIZE] = {
	0x33, 0x33, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 5, 0x86, 0xdd,
	0x60, 0, 0, 0, 0, 32, 58, 255,
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, /* source */
	0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,	    /* destination */
	136, 0, 0xa8, 0xca, 0x20, 0, 0, 0,
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, /* target */
	2, 1, 0x52, 0x54, 0, 0, 0, 5,
};
/* clang-format on */

static L3vmAddr address(const char *text)
{
	L3vmAddr addr;

	assert_true(l3vm_addr_parse(text, &addr));
	return addr;
}

/* Makes length and checksum of @frame (of @size bytes) right again. */
static void repair(uint8_t *frame, size_t size)
{
	uint16_t sum;

	frame[PAYLOAD_LENGTH] = (uint8_t)((size - ICMP) >> 8);
	frame[PAYLOAD_LENGTH + 1] = (uint8_t)(size - ICMP);
	frame[CHECKSUM] = frame[CHECKSUM + 1] = 0;
	sum = l3vm_checksum_ipv6(frame + SOURCE, frame + DESTINATION, 58, frame + ICMP,
				 size - ICMP);
	frame[CHECKSUM] = (uint8_t)(sum >> 8);
	frame[CHECKSUM + 1] = (uint8_t)sum;
}

/* Parses a heap copy of exactly @size bytes: the sanitizer guards its end. */
static bool parse(const uint8_t *frame, size_t size, L3vmNa *na)
{
	uint8_t *copy = malloc(size ? size : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, frame, size);
	ok = l3vm_na_parse(copy, size, na);
	free(copy);
	return ok;
}

/* Is it still valid with @value at @offset, all else (checksum too) right? */
static bool valid_with(size_t offset, uint8_t value)
{
	uint8_t frame[sizeof(advertisement)];
	L3vmNa na;

	memcpy(frame, advertisement, sizeof(frame));
	assert_int_not_equal(frame[offset], value);
	frame[offset] = value;
	repair(frame, sizeof(frame));
	return parse(frame, sizeof(frame), &na);
}

/* The advertisement with @options in place of its own one. */
static bool valid_with_options(const uint8_t *options, size_t size, L3vmNa *na)
{
	uint8_t frame[OPTION + 256];

	memcpy(frame, advertisement, OPTION);
	memcpy(frame + OPTION, options, size);
	repair(frame, OPTION + size);
	return parse(frame, OPTION + size, na);
}

static void builds_exact_bytes(void **state)
{
	uint8_t frame[L3VM_NA_FRAME_SIZE + 2] = { 0 };
	L3vmAddr addr = address("2001:db8::5");

	(void)state;
	assert_int_equal(l3vm_na_build_unsolicited(frame, sizeof(frame), &guest_mac,
						   &addr, false),
			 L3VM_NA_FRAME_SIZE);
	assert_memory_equal(frame, advertisement, L3VM_NA_FRAME_SIZE);
	assert_memory_equal(frame + L3VM_NA_FRAME_SIZE, "\0\0", 2);
}

static void refuses_to_build(void **state)
{
	uint8_t *frame = malloc(L3VM_NA_FRAME_SIZE - 1), good[L3VM_NA_FRAME_SIZE];
	L3vmAddr six = address("2001:db8::5"), four = address("10.0.0.5");

	(void)state;
	assert_non_null(frame);
	for (size_t size = 0; size < L3VM_NA_FRAME_SIZE; size++)
		assert_int_equal(l3vm_na_build_unsolicited(frame, size, &guest_mac,
							   &six, false),
				 0);
	assert_int_equal(l3vm_na_build_unsolicited(good, sizeof(good), &guest_mac,
						   &four, false),
			 0);
	free(frame);
}

static void parses_what_it_builds(void **state)
{
	uint8_t frame[L3VM_NA_FRAME_SIZE];
	L3vmAddr addr = address("fe80::1"), all_nodes = address("ff02::1");
	L3vmNa na;

	(void)state;
	for (int router = 0; router < 2; router++) {
		l3vm_na_build_unsolicited(frame, sizeof(frame), &guest_mac, &addr,
					  router);
		assert_true(parse(frame, sizeof(frame), &na));
		assert_int_equal(na.router, router);
		assert_true(na.override);
		assert_false(na.solicited);
		assert_true(l3vm_addr_equal(&na.source, &addr));
		assert_true(l3vm_addr_equal(&na.target, &addr));
		assert_true(l3vm_addr_equal(&na.destination, &all_nodes));
		assert_true(na.has_mac && l3vm_mac_equal(&na.mac, &guest_mac));
		assert_true(l3vm_mac_equal(&na.eth_src, &guest_mac));
	}
}

static void every_truncation(void **state)
{
	L3vmNa na;

	(void)state;
	for (size_t size = 0; size < sizeof(advertisement); size++)
		assert_false(parse(advertisement, size, &na));
	assert_true(parse(advertisement, sizeof(advertisement), &na));
}

/* The same with length and checksum made right: only the options may go. */
static void every_repaired_truncation(void **state)
{
	uint8_t frame[sizeof(advertisement)];
	L3vmNa na;

	(void)state;
	for (size_t size = ICMP + 4; size < sizeof(advertisement); size++) {
		memcpy(frame, advertisement, sizeof(frame));
		repair(frame, size);
		assert_int_equal(parse(frame, size, &na), size == OPTION);
	}
}

static void padding_is_not_payload(void **state)
{
	uint8_t frame[sizeof(advertisement) + 20];
	L3vmNa na;

	(void)state;
	memset(frame, 0x99, sizeof(frame));
	memcpy(frame, advertisement, sizeof(advertisement));
	for (size_t size = sizeof(advertisement); size <= sizeof(frame); size++)
		assert_true(parse(frame, size, &na));
}

static void every_single_bit_counts(void **state)
{
	uint8_t frame[sizeof(advertisement)];
	L3vmNa na;

	(void)state;
	/* from the payload length on; before it are MACs, class and flow label */
	for (size_t bit = PAYLOAD_LENGTH * 8; bit < sizeof(frame) * 8; bit++) {
		memcpy(frame, advertisement, sizeof(frame));
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(parse(frame, sizeof(frame), &na));
	}
}

static void rfc4861_checks(void **state)
{
	(void)state;
	assert_false(valid_with(ETHERTYPE, 0x08));
	assert_false(valid_with(VERSION, 0x40));
	assert_false(valid_with(NEXT_HEADER, 0));  /* hop-by-hop options */
	assert_false(valid_with(NEXT_HEADER, 44)); /* fragment, RFC 6980 */
	assert_false(valid_with(NEXT_HEADER, 60)); /* destination options */
	assert_false(valid_with(HOP_LIMIT, 254));
	assert_false(valid_with(HOP_LIMIT, 1));
	assert_false(valid_with(ICMP, 135)); /* a solicitation */
	assert_false(valid_with(ICMP, 134)); /* a router advertisement */
	assert_false(valid_with(ICMP + 1, 1));
	assert_false(valid_with(TARGET, 0xff));
	assert_false(valid_with(SOURCE, 0xff));
	assert_false(valid_with(6, 0x53));     /* multicast Ethernet source */
	assert_false(valid_with(FLAGS, 0x60)); /* solicited, to all nodes */
	assert_true(valid_with(FLAGS, 0xa0));  /* router: fine */
	assert_true(valid_with(DESTINATION, 0xfe) /* not multicast any more */);
}

static void solicited_to_a_node(void **state)
{
	uint8_t frame[sizeof(advertisement)];
	L3vmNa na;

	(void)state;
	memcpy(frame, advertisement, sizeof(frame));
	frame[DESTINATION] = 0xfe;
	frame[DESTINATION + 1] = 0x80;
	frame[FLAGS] = 0x40;
	repair(frame, sizeof(frame));
	assert_true(parse(frame, sizeof(frame), &na));
	assert_true(na.solicited);
	assert_false(na.override);
	assert_false(na.router);
}

static void options(void **state)
{
	static const uint8_t zero[8] = { 2, 0, 1, 2, 3, 4, 5, 6 };
	static const uint8_t unknown_zero[8] = { 200, 0 };
	static const uint8_t past_end[8] = { 200, 2 };
	/* what follows its first six bytes would be an option of its own */
	static const uint8_t long_mac[16] = { 2, 2, 2, 2, 3, 4, 5, 6, 200, 1 };
	static const uint8_t ends_early[12] = { 2, 1, 2, 4, 6, 8, 10, 12, 200 };
	static const uint8_t two[24] = { 200, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0,
					 0,   0, 0, 1, 2, 1, 2, 0, 0, 0, 0, 2 };
	L3vmNa na;

	(void)state;
	assert_false(valid_with_options(zero, sizeof(zero), &na));
	assert_false(valid_with_options(unknown_zero, sizeof(unknown_zero), &na));
	assert_false(valid_with_options(past_end, sizeof(past_end), &na));
	assert_false(valid_with_options(long_mac, sizeof(long_mac), &na));
	assert_false(valid_with_options(ends_early, sizeof(ends_early), &na));
	assert_true(valid_with_options(zero, 0, &na));
	assert_false(na.has_mac);
	assert_true(valid_with_options(two, sizeof(two), &na));
	assert_true(na.has_mac);
	assert_int_equal(na.mac.bytes[5], 1);
}

static void failure_leaves_output_alone(void **state)
{
	L3vmNa na, before;

	(void)state;
	memset(&na, 0x5a, sizeof(na));
	memcpy(&before, &na, sizeof(na));
	assert_false(parse(advertisement, sizeof(advertisement) - 1, &na));
	assert_memory_equal(&na, &before, sizeof(na));
}

/* --- solicitations ------------------------------------------------------------- */

enum {
	NS_SIZE = 86,
	SOURCE_MAC = 1,
	TARGET_MAC = 2
};

/* 2001:db8::9 asks for 2001:db8::5, by its solicited-node group. */
static void solicit(uint8_t frame[NS_SIZE], uint8_t option)
{
	static const uint8_t group[16] = { 0xff, 0x02, [11] = 1, 0xff, 0, 0, 5 };

	memcpy(frame, advertisement, sizeof(advertisement));
	frame[SOURCE + 15] = 9;
	memcpy(frame + DESTINATION, group, sizeof(group));
	frame[ICMP] = 135;
	memset(frame + FLAGS, 0, 4);
	frame[OPTION] = option;
	repair(frame, NS_SIZE);
}

static void answers_who_asks(void **state)
{
	static const L3vmMac mine = { { 2, 0, 0, 0, 0, 1 } };
	uint8_t frame[NS_SIZE], answer[L3VM_NA_FRAME_SIZE];
	L3vmNs ns;
	L3vmNa na;

	(void)state;
	solicit(frame, SOURCE_MAC);
	assert_true(l3vm_ns_parse(frame, sizeof(frame), &ns));
	assert_int_equal(ns.source.bytes[15], 9);
	assert_int_equal(ns.target.bytes[15], 5);
	assert_int_equal(l3vm_na_build_answer(answer, sizeof(answer), &mine, &ns),
			 sizeof(answer));
	assert_true(parse(answer, sizeof(answer), &na));
	assert_true(na.solicited && na.override && !na.router && na.has_mac);
	assert_memory_equal(&na.mac, &mine, sizeof(mine));
	assert_memory_equal(&na.eth_dst, &ns.eth_src, sizeof(mine));
	assert_true(l3vm_addr_equal(&na.destination, &ns.source));
	assert_true(l3vm_addr_equal(&na.target, &ns.target));
	assert_int_equal(l3vm_na_build_answer(answer, sizeof(answer) - 1, &mine, &ns),
			 0);
}

/* Who has no address yet cannot be told alone (RFC 4861 7.2.4). */
static void answers_a_probe_to_all(void **state)
{
	uint8_t frame[NS_SIZE], answer[L3VM_NA_FRAME_SIZE];
	L3vmNs ns;
	L3vmNa na;

	(void)state;
	solicit(frame, 14); /* a nonce (RFC 7527) is no link-layer address */
	memset(frame + SOURCE, 0, 16);
	repair(frame, sizeof(frame));
	assert_true(l3vm_ns_parse(frame, sizeof(frame), &ns));
	l3vm_na_build_answer(answer, sizeof(answer), &guest_mac, &ns);
	assert_true(parse(answer, sizeof(answer), &na));
	assert_false(na.solicited);
	assert_memory_equal(answer, advertisement, 6);
	frame[OPTION] = SOURCE_MAC;
	repair(frame, sizeof(frame));
	assert_false(l3vm_ns_parse(frame, sizeof(frame), &ns));
	frame[OPTION] = 14;
	memcpy(frame + DESTINATION, frame + TARGET, 16);
	repair(frame, sizeof(frame));
	assert_false(l3vm_ns_parse(frame, sizeof(frame), &ns));
}

static void refuses_solicitations(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} bad[] = { { HOP_LIMIT, 254 }, { NEXT_HEADER, 44 }, { ICMP, 136 },
		    { ICMP + 1, 1 },	{ TARGET, 0xff },    { OPTION + 1, 0 },
		    { OPTION + 1, 2 } };
	uint8_t frame[NS_SIZE];
	L3vmNs ns;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		solicit(frame, SOURCE_MAC);
		frame[bad[i].offset] = bad[i].value;
		repair(frame, sizeof(frame));
		assert_false(l3vm_ns_parse(frame, sizeof(frame), &ns));
	}
	solicit(frame, SOURCE_MAC);
	for (size_t size = 0; size < sizeof(frame); size++)
		assert_false(l3vm_ns_parse(frame, size, &ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_exact_bytes),
		cmocka_unit_test(refuses_to_build),
		cmocka_unit_test(parses_what_it_builds),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_repaired_truncation),
		cmocka_unit_test(padding_is_not_payload),
		cmocka_unit_test(every_single_bit_counts),
		cmocka_unit_test(rfc4861_checks),
		cmocka_unit_test(solicited_to_a_node),
		cmocka_unit_test(options),
		cmocka_unit_test(answers_who_asks),
		cmocka_unit_test(answers_a_probe_to_all),
		cmocka_unit_test(refuses_solicitations),
		cmocka_unit_test(failure_leaves_output_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
