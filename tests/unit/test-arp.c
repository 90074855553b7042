/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-arp.c - ARP frames byte by byte, and what is no ARP frame */
#include "frame/arp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const L3vmMac guest_mac = { { 0x52, 0x54, 0, 0, 0, 5 } };

/* clang-format off */
/* The request form for 10.0.0.5, as tcpdump -xx shows it. */
static const uint8_t announcement[L3VM_ARP_FRAME_SIZE] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 5, 0x08, 0x06,
	0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01,
	0x52, 0x54, 0, 0, 0, 5, 10, 0, 0, 5, /* sender */
	0, 0, 0, 0, 0, 0, 10, 0, 0, 5,	     /* target; zeros to the end */
};

/* What QEMU sends when a migrated guest starts (net/announce.c). */
static const uint8_t qemu_rarp[60] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0, 0, 5, 0x80, 0x35,
	0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x03,
	0x52, 0x54, 0, 0, 0, 5, 0, 0, 0, 0,
	0x52, 0x54, 0, 0, 0, 5, 0, 0, 0, 0,
};
/* clang-format on */

static L3vmAddr ipv4(const char *text)
{
	L3vmAddr addr;

	assert_true(l3vm_addr_parse(text, &addr));
	return addr;
}

/* Parses a heap copy of exactly @size bytes: the sanitizer guards its end. */
static bool parse(const uint8_t *frame, size_t size, L3vmArp *out)
{
	uint8_t *copy = malloc(size ? size : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, frame, size);
	ok = l3vm_arp_parse(copy, size, out);
	free(copy);
	return ok;
}

/* Is the announcement still a frame with @value in the byte at @offset? */
static bool parses_with(size_t offset, uint8_t value)
{
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	L3vmArp arp;

	memcpy(frame, announcement, sizeof(frame));
	assert_int_not_equal(frame[offset], value);
	frame[offset] = value;
	return parse(frame, sizeof(frame), &arp);
}

static void builds_request_form(void **state)
{
	uint8_t frame[64];
	L3vmAddr address = ipv4("10.0.0.5");

	(void)state;
	memset(frame, 0xee, sizeof(frame));
	assert_int_equal(l3vm_arp_build_gratuitous(frame, sizeof(frame), &guest_mac,
						   &address, L3VM_ARP_REQUEST),
			 L3VM_ARP_FRAME_SIZE);
	assert_memory_equal(frame, announcement, L3VM_ARP_FRAME_SIZE);
	assert_memory_equal(frame + L3VM_ARP_FRAME_SIZE, "\xee\xee\xee\xee", 4);
}

static void builds_reply_form(void **state)
{
	uint8_t frame[L3VM_ARP_FRAME_SIZE], expected[L3VM_ARP_FRAME_SIZE];
	L3vmAddr address = ipv4("10.0.0.5");

	(void)state;
	memcpy(expected, announcement, sizeof(expected));
	expected[21] = 2;
	memcpy(expected + 32, guest_mac.bytes, 6);
	assert_int_equal(l3vm_arp_build_gratuitous(frame, sizeof(frame), &guest_mac,
						   &address, L3VM_ARP_REPLY),
			 sizeof(frame));
	assert_memory_equal(frame, expected, sizeof(frame));
}

static void refuses_to_build(void **state)
{
	uint8_t *frame = malloc(L3VM_ARP_FRAME_SIZE - 1), good[L3VM_ARP_FRAME_SIZE];
	L3vmAddr address = ipv4("10.0.0.5"), six = ipv4("2001:db8::5");

	(void)state;
	assert_non_null(frame);
	for (size_t size = 0; size < L3VM_ARP_FRAME_SIZE; size++)
		assert_int_equal(l3vm_arp_build_gratuitous(frame, size, &guest_mac,
							   &address, L3VM_ARP_REQUEST),
				 0);
	assert_int_equal(l3vm_arp_build_gratuitous(good, sizeof(good), &guest_mac, &six,
						   L3VM_ARP_REQUEST),
			 0);
	assert_int_equal(l3vm_arp_build_gratuitous(good, sizeof(good), &guest_mac,
						   &address, L3VM_RARP_REQUEST),
			 0);
	free(frame);
}

static void parses_what_it_builds(void **state)
{
	static const L3vmArpOp ops[] = { L3VM_ARP_REQUEST, L3VM_ARP_REPLY };
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	L3vmAddr address = ipv4("192.0.2.77");
	L3vmArp arp;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		l3vm_arp_build_gratuitous(frame, sizeof(frame), &guest_mac, &address,
					  ops[i]);
		assert_true(parse(frame, sizeof(frame), &arp));
		assert_int_equal(arp.op, ops[i]);
		assert_true(l3vm_mac_equal(&arp.eth_src, &guest_mac));
		assert_true(l3vm_mac_equal(&arp.sender_mac, &guest_mac));
		assert_int_equal(arp.eth_dst.bytes[0], 0xff);
		assert_true(l3vm_addr_equal(&arp.sender, &address));
		assert_true(l3vm_addr_equal(&arp.target, &address));
		assert_true(l3vm_arp_is_gratuitous(&arp));
	}
}

static void parses_qemu_rarp(void **state)
{
	L3vmArp arp;

	(void)state;
	assert_true(parse(qemu_rarp, sizeof(qemu_rarp), &arp));
	assert_int_equal(arp.op, L3VM_RARP_REQUEST);
	assert_true(l3vm_mac_equal(&arp.sender_mac, &guest_mac));
	assert_true(l3vm_mac_equal(&arp.target_mac, &guest_mac));
	assert_false(l3vm_arp_is_gratuitous(&arp));
}

/* 42 bytes are the packet; padding may be there or not. */
static void every_truncation(void **state)
{
	L3vmArp arp;

	(void)state;
	for (size_t size = 0; size <= sizeof(announcement); size++)
		assert_int_equal(parse(announcement, size, &arp), size >= 42);
	for (size_t size = 0; size <= sizeof(qemu_rarp); size++)
		assert_int_equal(parse(qemu_rarp, size, &arp), size >= 42);
}

static void failure_leaves_output_alone(void **state)
{
	L3vmArp arp, before;

	(void)state;
	memset(&arp, 0x5a, sizeof(arp));
	memcpy(&before, &arp, sizeof(arp));
	assert_false(parse(announcement, 41, &arp));
	assert_memory_equal(&arp, &before, sizeof(arp));
}

static void refuses_foreign_formats(void **state)
{
	(void)state;
	assert_false(parses_with(12, 0x81)); /* 8106: no such type */
	assert_false(parses_with(13, 0x00)); /* IPv4 */
	assert_false(parses_with(15, 6));    /* IEEE 802 hardware */
	assert_false(parses_with(16, 0x86)); /* protocol */
	assert_false(parses_with(18, 8));    /* hlen */
	assert_false(parses_with(18, 0));
	assert_false(parses_with(19, 16)); /* plen */
	assert_false(parses_with(19, 0));
}

/* All 65536 operations under both EtherTypes: exactly three mean something. */
static void operations(void **state)
{
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	unsigned accepted = 0;
	L3vmArp arp;

	(void)state;
	memcpy(frame, announcement, sizeof(frame));
	for (unsigned op = 0; op < 0x20000; op++) {
		frame[12] = op >> 16 ? 0x80 : 0x08;
		frame[13] = op >> 16 ? 0x35 : 0x06;
		frame[20] = (uint8_t)(op >> 8);
		frame[21] = (uint8_t)op;
		accepted += l3vm_arp_parse(frame, sizeof(frame), &arp);
	}
	assert_int_equal(accepted, 3);
	/* RARP's reply and ARP's request under RARP's type are not among them */
	frame[12] = 0x80;
	frame[13] = 0x35;
	frame[20] = 0;
	frame[21] = 3;
	assert_true(l3vm_arp_parse(frame, sizeof(frame), &arp));
}

static void vlan_tags_are_refused(void **state)
{
	static const uint8_t tags[][4] = { { 0x81, 0, 0, 0 },
					   { 0x81, 0, 0, 5 },
					   { 0x88, 0xa8, 0, 5 } };
	uint8_t frame[L3VM_ARP_FRAME_SIZE + 4];
	L3vmArp arp;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		memcpy(frame, announcement, 12);
		memcpy(frame + 12, tags[i], 4);
		memcpy(frame + 16, announcement + 12, L3VM_ARP_FRAME_SIZE - 12);
		assert_false(parse(frame, sizeof(frame), &arp));
	}
}

static void sender_must_be_the_station(void **state)
{
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	L3vmArp arp;

	(void)state;
	assert_false(parses_with(11, 6));    /* Ethernet source differs */
	assert_false(parses_with(27, 0x77)); /* sender MAC differs */
	/* both agree on a group address, or on zero */
	memcpy(frame, announcement, sizeof(frame));
	frame[6] = frame[22] = 0x53;
	assert_false(parse(frame, sizeof(frame), &arp));
	memset(frame + 6, 0xff, 6);
	memset(frame + 22, 0xff, 6);
	assert_false(parse(frame, sizeof(frame), &arp));
	memset(frame + 6, 0, 6);
	memset(frame + 22, 0, 6);
	assert_false(parse(frame, sizeof(frame), &arp));
}

static void gratuitous_or_not(void **state)
{
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	L3vmArp arp;

	(void)state;
	/* an ordinary question for another address */
	memcpy(frame, announcement, sizeof(frame));
	frame[41] = 1;
	assert_true(parse(frame, sizeof(frame), &arp));
	assert_false(l3vm_arp_is_gratuitous(&arp));
	/* a probe: nobody is the sender */
	memset(frame + 28, 0, 4);
	assert_true(parse(frame, sizeof(frame), &arp));
	assert_false(l3vm_arp_is_gratuitous(&arp));
	/* 0.0.0.0 announced */
	memset(frame + 38, 0, 4);
	assert_true(parse(frame, sizeof(frame), &arp));
	assert_false(l3vm_arp_is_gratuitous(&arp));
}

static void answers_who_asks(void **state)
{
	static const L3vmMac mine = { { 2, 0, 0, 0, 0, 1 } };
	static const L3vmMac his = { { 2, 0, 0, 0, 0, 9 } };
	uint8_t frame[L3VM_ARP_FRAME_SIZE];
	static const uint8_t nine[] = { 192, 0, 2, 9 }, five[] = { 10, 0, 0, 5 };
	L3vmArp question = { .op = L3VM_ARP_REQUEST,
			     .eth_src = his,
			     .sender_mac = his,
			     .sender = l3vm_addr_from_bytes(AF_INET, nine, 32),
			     .target = l3vm_addr_from_bytes(AF_INET, five, 32) };
	L3vmArp answer;

	(void)state;
	assert_int_equal(l3vm_arp_build_answer(frame, sizeof(frame), &mine, &question),
			 sizeof(frame));
	assert_true(l3vm_arp_parse(frame, sizeof(frame), &answer));
	assert_int_equal(answer.op, L3VM_ARP_REPLY);
	assert_memory_equal(&answer.eth_dst, &his, sizeof(his));
	assert_memory_equal(&answer.sender_mac, &mine, sizeof(mine));
	assert_memory_equal(&answer.target_mac, &his, sizeof(his));
	assert_true(l3vm_addr_equal(&answer.sender, &question.target));
	assert_true(l3vm_addr_equal(&answer.target, &question.sender));
	assert_int_equal(
		l3vm_arp_build_answer(frame, sizeof(frame) - 1, &mine, &question), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builds_request_form),
		cmocka_unit_test(builds_reply_form),
		cmocka_unit_test(refuses_to_build),
		cmocka_unit_test(parses_what_it_builds),
		cmocka_unit_test(parses_qemu_rarp),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(failure_leaves_output_alone),
		cmocka_unit_test(refuses_foreign_formats),
		cmocka_unit_test(operations),
		cmocka_unit_test(vlan_tags_are_refused),
		cmocka_unit_test(sender_must_be_the_station),
		cmocka_unit_test(gratuitous_or_not),
		cmocka_unit_test(answers_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
