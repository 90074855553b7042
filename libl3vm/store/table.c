/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.c - names of route tables, as iproute2 has them
 *
 * A file that cannot be read or a line that cannot be understood has no names in
 * it: whoever uses such a name gets an error that says so.
 */
#include "store/table.h"

#include "store/value.h"

#include <glib.h>
#include <string.h>

/* A line is "NUMBER NAME", then perhaps a comment. */
static bool line_names(const char *line, const char *name, uint32_t *number)
{
	g_autofree char *code = g_strndup(line, strcspn(line, "#"));
	g_auto(GStrv) words = g_strsplit_set(g_strstrip(code), " \t", -1);
	guint last = g_strv_length(words);

	return last >= 2 && !strcmp(words[last - 1], name) &&
	       l3vm_parse_u32(words[0], number);
}

/* Read anew at each call: a configuration has few such names. */
static bool file_names(const char *path, const char *name, uint32_t *number)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) ||
	    !g_file_get_contents(path, &text, NULL, NULL))
		return false;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (line_names(*line, name, number))
			return true;
	return false;
}

/* As lib/rt_names.c of iproute2 does: all *.conf, in no certain order. */
static bool folder_names(const char *path, const char *name, uint32_t *number)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *entry;
	bool found = false;

	while (dir && !found && (entry = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(path, entry, NULL);

		found = entry[0] != '.' && g_str_has_suffix(entry, ".conf") &&
			file_names(file, name, number);
	}
	return found;
}

bool l3vm_table_find(const char *const *dirs, const char *name, uint32_t *number)
{
	for (; *dirs; dirs++) {
		g_autofree char *file = g_build_filename(*dirs, "rt_tables", NULL);
		g_autofree char *folder = g_build_filename(*dirs, "rt_tables.d", NULL);

		if (file_names(file, name, number) ||
		    folder_names(folder, name, number))
			return true;
	}
	return false;
}
