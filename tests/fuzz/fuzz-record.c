/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-record.c - a port's record: read, written and read again it says the same
 *
 * The seal keeps nearly all that a fuzzer tries from the reader behind it, so the
 * reader gets the text also without.
 */
#include "fuzz.h"

#include <store/json.h>
#include <string.h>

static char *text_of(const L3vmPort *port)
{
	g_autoptr(json_object) object = l3vm_json_begin();
	size_t size;

	l3vm_json_add_port(object, port);
	return l3vm_json_seal(object, &size);
}

static void check_round_trip(const L3vmPort *port)
{
	g_autofree char *first = text_of(port);
	g_autofree char *second = NULL;
	g_autoptr(json_object) object = NULL;
	g_autoptr(L3vmPort) again = NULL;
	const char *why;

	object = l3vm_json_unseal(first, strlen(first), &why);
	g_assert(object);
	again = l3vm_json_port(object, &why);
	g_assert(again);
	second = text_of(again);
	g_assert_cmpstr(first, ==, second);
}

/* As strict as the reader behind the seal. */
static json_object *parse(const char *text, size_t size)
{
	json_tokener *tokener = json_tokener_new_ex(8);
	json_object *object;

	json_tokener_set_flags(tokener,
			       JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)size);
	json_tokener_free(tokener);
	return object;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(json_object) object = parse(text, strlen(text) + 1);
	g_autoptr(json_object) sealed = NULL;
	const char *why;

	sealed = l3vm_json_unseal((const char *)data, size, &why);
	if (json_object_is_type(object, json_type_object)) {
		g_autoptr(L3vmPort) port = l3vm_json_port(object, &why);

		g_assert(port || why);
		if (port)
			check_round_trip(port);
	}
	return 0;
}
