/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cursor.h - a bounded reader and a bounded writer over bytes
 *
 * Network byte order. The first access past the end marks the cursor as bad;
 * every later one returns zeros or does nothing, so that a parser checks once
 * at its end.
 */
#ifndef L3VM_FRAME_CURSOR_H
#define L3VM_FRAME_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct L3vmReader {
	const uint8_t *at, *end;
	bool bad;
} L3vmReader;

L3vmReader l3vm_reader(const void *bytes, size_t size);
size_t l3vm_reader_left(const L3vmReader *reader);
uint8_t l3vm_read_u8(L3vmReader *reader);
uint16_t l3vm_read_u16(L3vmReader *reader);
uint32_t l3vm_read_u32(L3vmReader *reader);
void l3vm_read_bytes(L3vmReader *reader, void *out, size_t size); /* zeros if bad */
void l3vm_read_skip(L3vmReader *reader, size_t size);

typedef struct L3vmWriter {
	uint8_t *start, *at, *end;
	bool bad;
} L3vmWriter;

L3vmWriter l3vm_writer(void *bytes, size_t size);
size_t l3vm_writer_size(const L3vmWriter *writer); /* written so far */
void l3vm_write_u8(L3vmWriter *writer, uint8_t value);
void l3vm_write_u16(L3vmWriter *writer, uint16_t value);
void l3vm_write_u32(L3vmWriter *writer, uint32_t value);
void l3vm_write_bytes(L3vmWriter *writer, const void *bytes, size_t size);
void l3vm_write_zeros(L3vmWriter *writer, size_t size);

#endif
