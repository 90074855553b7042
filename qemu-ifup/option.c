/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option.c - the value of an option of QEMU: "tap,id=n0,ifname=tap0", or JSON */
#include "option.h"

#include <json.h>
#include <stdbool.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

static void take_json(GHashTable *option, const char *text)
{
	g_autoptr(json_object) object = json_tokener_parse(text);

	if (!json_object_is_type(object, json_type_object))
		return;
	json_object_object_foreach (object, key, value) {
		if (json_object_is_type(value, json_type_string))
			g_hash_table_insert(option, g_strdup(key),
					    g_strdup(json_object_get_string(value)));
	}
}

/* Up to the next comma, of which two mean one that is part of the value. */
static char *next_part(const char **text)
{
	GString *part = g_string_new(NULL);
	const char *c = *text;

	for (; *c; c++) {
		if (*c == ',' && *++c != ',')
			break;
		g_string_append_c(part, *c);
	}
	*text = c;
	return g_string_free(part, FALSE);
}

/* The last of several values counts, as it does in QEMU. A flag ("queue" for
 * "queue=on") says nothing of what is looked for here. */
static void take_parts(GHashTable *option, const char *text, const char *implied)
{
	for (bool first = true; *text; first = false) {
		g_autofree char *part = next_part(&text);
		char *value = strchr(part, '=');

		if (value)
			g_hash_table_insert(option,
					    g_strndup(part, (gsize)(value - part)),
					    g_strdup(value + 1));
		else if (first)
			g_hash_table_insert(option, g_strdup(implied),
					    g_steal_pointer(&part));
	}
}

GHashTable *l3vm_option_parse(const char *text, const char *implied)
{
	GHashTable *option = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						   g_free);

	if (*text == '{')
		take_json(option, text);
	else
		take_parts(option, text, implied);
	return option;
}
