/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cursor.c - the only code of the library that moves a pointer over a packet */
#include "frame/cursor.h"

#include <string.h>

L3vmReader l3vm_reader(const void *bytes, size_t size)
{
	/* An empty buffer may come as NULL, to which nothing may be added. */
	return (L3vmReader){
		.at = bytes,
		.end = size ? (const uint8_t *)bytes + size : bytes,
	};
}

size_t l3vm_reader_left(const L3vmReader *reader)
{
	return reader->bad ? 0 : (size_t)(reader->end - reader->at);
}

/*
 * The next @size bytes, or NULL. All bounds checks of all parsers are here. The
 * comparison is of sizes, never of at + size, which could overflow.
 */
static const uint8_t *take(L3vmReader *reader, size_t size)
{
	const uint8_t *at = reader->at;

	if (size > l3vm_reader_left(reader))
		reader->bad = true;
	if (reader->bad || size == 0)
		return NULL;
	reader->at += size;
	return at;
}

/*
 * Integers are put together from bytes, not cast: a packet has no alignment, and
 * the compiler makes one load of it anyway.
 */
uint8_t l3vm_read_u8(L3vmReader *reader)
{
	const uint8_t *at = take(reader, 1);

	return at ? at[0] : 0;
}

uint16_t l3vm_read_u16(L3vmReader *reader)
{
	const uint8_t *at = take(reader, 2);

	if (!at)
		return 0;
	return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t l3vm_read_u32(L3vmReader *reader)
{
	const uint8_t *at = take(reader, 4);

	if (!at)
		return 0;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

/* The zeros keep a parser that looks too early from reading its own stack. */
void l3vm_read_bytes(L3vmReader *reader, void *out, size_t size)
{
	const uint8_t *at = take(reader, size);

	if (at)
		memcpy(out, at, size);
	else if (size)
		memset(out, 0, size);
}

void l3vm_read_skip(L3vmReader *reader, size_t size)
{
	take(reader, size);
}

/* --- writing ------------------------------------------------------------ */

L3vmWriter l3vm_writer(void *bytes, size_t size)
{
	return (L3vmWriter){
		.start = bytes,
		.at = bytes,
		.end = size ? (uint8_t *)bytes + size : bytes,
	};
}

size_t l3vm_writer_size(const L3vmWriter *writer)
{
	return (size_t)(writer->at - writer->start);
}

/* As take(): where the next @size bytes go, or NULL. */
static uint8_t *reserve(L3vmWriter *writer, size_t size)
{
	uint8_t *at = writer->at;

	if (size > (size_t)(writer->end - writer->at))
		writer->bad = true;
	if (writer->bad || size == 0)
		return NULL;
	writer->at += size;
	return at;
}

void l3vm_write_u8(L3vmWriter *writer, uint8_t value)
{
	uint8_t *at = reserve(writer, 1);

	if (at)
		at[0] = value;
}

void l3vm_write_u16(L3vmWriter *writer, uint16_t value)
{
	uint8_t *at = reserve(writer, 2);

	if (!at)
		return;
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void l3vm_write_u32(L3vmWriter *writer, uint32_t value)
{
	uint8_t *at = reserve(writer, 4);

	if (!at)
		return;
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

/* All or nothing: a packet is never cut in the middle of a field. */
void l3vm_write_bytes(L3vmWriter *writer, const void *bytes, size_t size)
{
	uint8_t *at = reserve(writer, size);

	if (at)
		memcpy(at, bytes, size);
}

void l3vm_write_zeros(L3vmWriter *writer, size_t size)
{
	uint8_t *at = reserve(writer, size);

	if (at)
		memset(at, 0, size);
}
