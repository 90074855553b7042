/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz.h - what the fuzz targets share
 *
 * A target is one file with LLVMFuzzerTestOneInput(), which gets any bytes, must not
 * crash, and asserts what is true whatever they are. It is linked to replay.c, which
 * runs files through it (tests/fuzz/replay.sh), or to libFuzzer (`make fuzz`).
 */
#ifndef L3VM_TESTS_FUZZ_H
#define L3VM_TESTS_FUZZ_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as numbers, for targets whose input is no text. 0 when there are no more. */
typedef struct FuzzBytes {
	const uint8_t *data;
	size_t size;
} FuzzBytes;

static inline unsigned fuzz_below(FuzzBytes *bytes, unsigned limit)
{
	if (!bytes->size)
		return 0;
	bytes->size--;
	return *bytes->data++ % limit;
}

/* True if @text, which people read, is one line of text. */
static inline bool fuzz_is_line(const char *text)
{
	for (const char *c = text; *c; c++)
		if (g_ascii_iscntrl(*c))
			return false;
	return *text && g_utf8_validate(text, -1, NULL);
}

#endif
