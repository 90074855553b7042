/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook-documents.h - real XML for the hooks' tests, and how it gets damaged
 *
 * The documents are the golden tests': what libvirt wrote.
 */
#ifndef L3VM_TESTS_HOOK_DOCUMENTS_H
#define L3VM_TESTS_HOOK_DOCUMENTS_H

#include <glib.h>
#include <stddef.h>
#include <string.h>

/* The document tests/golden/@name; *@text is for the caller to free. */
static inline void document(const char *name, char **text, size_t *size)
{
	const char *top = g_getenv("L3VM_SRC");
	g_autofree char *path = g_build_filename(top ? top : ".", "tests", "golden",
						 name, NULL);

	if (!g_file_get_contents(path, text, size, NULL))
		g_error("%s: cannot be read (set L3VM_SRC to the top of the tree)",
			path);
}

/* The offset behind the first @tag. */
static inline size_t end_of(const char *text, const char *tag)
{
	return (size_t)(strstr(text, tag) - text) + strlen(tag);
}

/* A copy without a NUL behind it, so that the sanitizer guards its very end. */
static inline char *exactly(const char *text, size_t size)
{
	return g_memdup2(text, size ? size : 1);
}

static inline size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* One of: another byte, a byte less, a stretch less, a stretch twice. */
static inline char *mutate(GRand *random, const char *text, size_t size)
{
	size_t at = (size_t)g_rand_int_range(random, 0, (gint32)size);
	size_t left = size - at;
	size_t len = (size_t)g_rand_int_range(random, 1, 60);
	GString *out = g_string_new_len(text, (gssize)size);

	len = MIN(len, left);
	switch (g_rand_int_range(random, 0, 4)) {
	case 0:
		out->str[at] = (char)g_rand_int_range(random, 1, 256);
		break;
	case 1:
		g_string_erase(out, (gssize)at, 1);
		break;
	case 2:
		g_string_erase(out, (gssize)at, (gssize)len);
		break;
	default:
		g_string_insert_len(out, (gssize)at, text + at, (gssize)len);
		break;
	}
	return g_string_free(out, FALSE);
}

#endif
