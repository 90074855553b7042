/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.c - names of route tables, as iproute2 has them
 *
 * A file that cannot be read or a line that cannot be understood has no names in
 * it: whoever uses such a name gets an error that says so.
 */
#include "store/table.h"

#include "model/intent.h"
#include "store/value.h"

#include <glib.h>
#include <linux/rtnetlink.h>
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

/* The kernel's own tables hold what our rules must not lead to. */
static const char *table_is_taken(uint32_t table)
{
	switch (table) {
	case RT_TABLE_UNSPEC:
		return "is no table";
	case RT_TABLE_DEFAULT:
		return "is the kernel's \"default\" table";
	case RT_TABLE_LOCAL:
		return "is the kernel's \"local\" table";
	case L3VM_TABLE_HOLD:
		return "is the table l3vm-agent holds packets with";
	}
	return NULL;
}

const char *l3vm_table_parse(const char *text, uint32_t *table)
{
	/* Since 6.5, iproute2's own file is under /usr and /etc has the site's. */
	static const char *const dirs[] = { "/etc/iproute2", "/usr/share/iproute2",
					    "/usr/lib/iproute2", NULL };
	static const struct {
		const char *name;
		uint32_t table;
	} known[] = { { "main", RT_TABLE_MAIN },
		      { "default", RT_TABLE_DEFAULT },
		      { "local", RT_TABLE_LOCAL } };
	bool found = l3vm_parse_u32(text, table);

	/* The kernel's names hold even where no iproute2 is installed, and a file
	 * that gives them other numbers is wrong. */
	for (size_t i = 0; !found && i < G_N_ELEMENTS(known); i++)
		if (!strcmp(text, known[i].name)) {
			*table = known[i].table;
			found = true;
		}
	if (!found && !l3vm_table_find(dirs, text, table))
		return "is neither a number from 1 to 4294967295 nor a name in "
		       "/etc/iproute2/rt_tables or rt_tables.d";
	return table_is_taken(*table);
}
