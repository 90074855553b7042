/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keyfile.h - key files whose errors name file, line and the nearest known word
 *
 * GKeyFile does the parsing. It merges repeated sections and keys, skips some it
 * does not understand, and knows no line numbers; so the text is scanned first.
 */
#ifndef L3VM_STORE_KEYFILE_H
#define L3VM_STORE_KEYFILE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct L3vmKeyFile {
	char *path;
	GKeyFile *data;
	GArray *lines; /* of L3vmKeyLine, as they stand in the file */
} L3vmKeyFile;

typedef struct L3vmKeyLine {
	char *group;
	char *key; /* NULL: the line of the [group] itself */
	unsigned number;
} L3vmKeyLine;

/* True with *@file NULL if there is no such file. */
bool l3vm_keyfile_load(const char *path, L3vmKeyFile **file, GError **error);
void l3vm_keyfile_free(L3vmKeyFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmKeyFile, l3vm_keyfile_free)

const L3vmKeyLine *l3vm_keyfile_line(const L3vmKeyFile *file, guint i);

/* "[network web]" with @kind "network": "web"; NULL if it is another kind. A
 * section that is named by its kind alone gives "". */
const char *l3vm_section_name(const char *group, const char *kind);

/* One value and where it stands. */
typedef struct L3vmValue {
	const L3vmKeyFile *file;
	const L3vmKeyLine *line;
	const char *text; /* without space around it */
} L3vmValue;

/* How the value of @key becomes the member at @offset of what is read. */
typedef struct L3vmKeyReader {
	const char *key;
	bool (*read)(const L3vmValue *value, void *member, GError **error);
	size_t offset;
} L3vmKeyReader;

/* Reads all keys of the section that @header is the line of; one that has no
 * reader is an error. */
bool l3vm_keyfile_read(const L3vmKeyFile *file, const L3vmKeyLine *header,
		       const L3vmKeyReader *readers, size_t n, void *into,
		       GError **error);

/* Sets "FILE:LINE: ..." and returns false. */
bool l3vm_line_fail(const L3vmKeyFile *file, const L3vmKeyLine *line, GError **error,
		    const char *format, ...) G_GNUC_PRINTF(4, 5);
/* The same for a value: "FILE:LINE: KEY = VALUE in [GROUP]: ..." */
bool l3vm_value_fail(const L3vmValue *value, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* " (did you mean ...?)" for the nearest of @words, or "". For g_free(). */
char *l3vm_did_you_mean(const char *word, const char *const *words, size_t n);

#endif
