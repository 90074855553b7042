/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * replay.c - runs files through a fuzz target, where there is no libFuzzer
 *
 *     fuzz-TARGET FILE...
 *
 * Each as it is, cut at every length, and with one bit of each byte turned: what a
 * fuzzer tries first. On heap copies of exactly that size, so that the sanitizer
 * guards the end.
 */
#include "fuzz.h"

#include <base/log.h>
#include <l3vm.h>
#include <stdio.h>
#include <string.h>

#ifndef L3VM_LIBFUZZER

static void run(const char *text, size_t size)
{
	g_autofree uint8_t *copy = g_malloc(MAX(size, 1));

	memcpy(copy, text, size);
	LLVMFuzzerTestOneInput(copy, size);
}

static size_t run_all(char *text, size_t size)
{
	run(text, size);
	for (size_t i = 0; i < size; i++)
		run(text, i);
	for (size_t i = 0; i < size; i++) {
		char byte = text[i];

		text[i] = (char)(byte ^ 1 << i % 8);
		run(text, size);
		text[i] = byte;
	}
	return 2 * size + 1;
}

static void ignore(const char *line, void *data)
{
	(void)line;
	(void)data;
}

int main(int argc, char **argv)
{
	size_t n = 0;

	l3vm_set_log_sink(ignore, NULL);
	for (int i = 1; i < argc; i++) {
		g_autofree char *text = NULL;
		gsize size;

		if (!g_file_get_contents(argv[i], &text, &size, NULL))
			g_error("cannot read %s", argv[i]);
		n += run_all(text, size);
	}
	printf("%zu inputs\n", n);
	return 0;
}

#endif
