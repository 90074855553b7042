/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checksum.c - the internet checksum against published examples */
#include "frame/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 1071 3: the words 0001 f203 f4f5 f6f7 sum up to ddf2. */
static void rfc1071_example(void **state)
{
	static const uint8_t bytes[] = { 0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(l3vm_checksum_add(0, bytes, sizeof(bytes)), 0xddf2);
	assert_int_equal(l3vm_checksum_finish(0xddf2), 0x220d);
}

static void odd_byte_is_padded_on_its_right(void **state)
{
	static const uint8_t bytes[] = { 0x12, 0x34, 0x56 };

	(void)state;
	assert_int_equal(l3vm_checksum_add(0, bytes, 3), 0x1234 + 0x5600);
	assert_int_equal(l3vm_checksum_add(0, bytes, 1), 0x1200);
	assert_int_equal(l3vm_checksum_add(7, bytes, 0), 7);
}

/* A sum that is taken in even parts, or from an odd address, is the same. */
static void parts_and_alignment(void **state)
{
	uint8_t buffer[65];
	uint32_t whole, parts;

	(void)state;
	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)(i * 37 + 5);
	whole = l3vm_checksum_add(0, buffer + 1, 64);
	parts = l3vm_checksum_add(0, buffer + 1, 10);
	parts = l3vm_checksum_add(parts, buffer + 11, 54);
	assert_int_equal(l3vm_checksum_finish(whole), l3vm_checksum_finish(parts));
}

/* 70000 bytes of ff: a 32-bit sum without folding would be wrong or overflow. */
static void carries_of_a_long_packet(void **state)
{
	static uint8_t bytes[70000];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(l3vm_checksum_add(0xffffffff, bytes, sizeof(bytes)), 0xffff);
}

/* An echo request fe80::1 to fe80::2, identifier 1, sequence 1, no data. */
static void ipv6_pseudo_header(void **state)
{
	uint8_t a[16] = { 0xfe, 0x80, [15] = 1 }, b[16] = { 0xfe, 0x80, [15] = 2 };
	uint8_t echo[8] = { 128, 0, 0, 0, 0, 1, 0, 1 };

	(void)state;
	/* fe80+1 + fe80+2 + 8 + 3a + 8000+1+1 = 27d47 -> 7d49 -> 82b6 */
	assert_int_equal(l3vm_checksum_ipv6(a, b, 58, echo, 8), 0x82b6);
	echo[2] = 0x82;
	echo[3] = 0xb6;
	assert_int_equal(l3vm_checksum_ipv6(a, b, 58, echo, 8), 0);
	b[0] = 0xfd;
	assert_int_not_equal(l3vm_checksum_ipv6(a, b, 58, echo, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_example),
		cmocka_unit_test(odd_byte_is_padded_on_its_right),
		cmocka_unit_test(parts_and_alignment),
		cmocka_unit_test(carries_of_a_long_packet),
		cmocka_unit_test(ipv6_pseudo_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
