/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-cursor.c - the cursors never touch a byte outside their buffer */
#include "frame/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads_network_byte_order(void **state)
{
	static const uint8_t bytes[] = { 0x81, 0x82, 0x83, 0x84, 0x85, 0x86,
					 0x87, 0x88, 0x89, 0x8a, 0x8b };
	L3vmReader reader = l3vm_reader(bytes, sizeof(bytes));
	uint8_t tail[2];

	(void)state;
	assert_int_equal(l3vm_read_u8(&reader), 0x81);
	assert_int_equal(l3vm_read_u16(&reader), 0x8283);
	assert_int_equal(l3vm_read_u32(&reader), 0x84858687);
	l3vm_read_skip(&reader, 2);
	l3vm_read_bytes(&reader, tail, sizeof(tail));
	assert_memory_equal(tail, "\x8a\x8b", 2);
	assert_false(reader.bad);
	assert_int_equal(l3vm_reader_left(&reader), 0);
}

/* Each kind of read is tried with each number of bytes too few. */
static void bad_reader_stays_bad(void **state)
{
	static const uint8_t bytes[4] = { 1, 2, 3, 4 };
	uint8_t out[5];

	(void)state;
	for (size_t size = 0; size < 4; size++) {
		/* on the heap, so that the sanitizer sees one byte too far */
		uint8_t *copy = malloc(size ? size : 1);
		L3vmReader reader;

		assert_non_null(copy);
		memcpy(copy, bytes, size);
		reader = l3vm_reader(copy, size);
		assert_int_equal(l3vm_read_u32(&reader), 0);
		assert_true(reader.bad);
		/* even what would fit is refused from now on */
		assert_int_equal(l3vm_read_u8(&reader), 0);
		assert_int_equal(l3vm_reader_left(&reader), 0);

		reader = l3vm_reader(copy, size);
		memset(out, 0xee, sizeof(out));
		l3vm_read_bytes(&reader, out, sizeof(out));
		assert_memory_equal(out, "\0\0\0\0\0", sizeof(out));
		assert_true(reader.bad);
		free(copy);
	}
}

static void huge_sizes_do_not_wrap(void **state)
{
	uint8_t bytes[8] = { 0 };
	L3vmReader reader = l3vm_reader(bytes, sizeof(bytes));
	L3vmWriter writer = l3vm_writer(bytes, sizeof(bytes));

	(void)state;
	l3vm_read_skip(&reader, SIZE_MAX);
	assert_true(reader.bad);
	l3vm_write_zeros(&writer, SIZE_MAX);
	assert_true(writer.bad);
	assert_int_equal(l3vm_writer_size(&writer), 0);
}

static void empty_buffer_may_be_null(void **state)
{
	L3vmReader reader = l3vm_reader(NULL, 0);
	L3vmWriter writer = l3vm_writer(NULL, 0);

	(void)state;
	l3vm_read_bytes(&reader, NULL, 0);
	l3vm_write_bytes(&writer, NULL, 0);
	assert_false(reader.bad);
	assert_false(writer.bad);
	assert_int_equal(l3vm_read_u16(&reader), 0);
	l3vm_write_u16(&writer, 7);
	assert_true(reader.bad);
	assert_true(writer.bad);
}

static void writes_network_byte_order(void **state)
{
	uint8_t bytes[12];
	L3vmWriter writer = l3vm_writer(bytes, sizeof(bytes));

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	l3vm_write_u8(&writer, 0x81);
	l3vm_write_u16(&writer, 0x8283);
	l3vm_write_u32(&writer, 0x84858687);
	l3vm_write_zeros(&writer, 2);
	l3vm_write_bytes(&writer, "ab", 2);
	assert_false(writer.bad);
	assert_int_equal(l3vm_writer_size(&writer), 11);
	assert_memory_equal(bytes, "\x81\x82\x83\x84\x85\x86\x87\0\0ab\xee", 12);
}

static void full_writer_leaves_rest_alone(void **state)
{
	uint8_t bytes[6] = { 9, 9, 9, 9, 9, 9 };
	L3vmWriter writer = l3vm_writer(bytes, 3);

	(void)state;
	l3vm_write_u16(&writer, 1);
	l3vm_write_u32(&writer, 2);
	assert_true(writer.bad);
	l3vm_write_u8(&writer, 3);
	assert_int_equal(l3vm_writer_size(&writer), 2);
	assert_memory_equal(bytes, "\0\1\x9\x9\x9\x9", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_network_byte_order),
		cmocka_unit_test(bad_reader_stays_bad),
		cmocka_unit_test(huge_sizes_do_not_wrap),
		cmocka_unit_test(empty_buffer_may_be_null),
		cmocka_unit_test(writes_network_byte_order),
		cmocka_unit_test(full_writer_leaves_rest_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
