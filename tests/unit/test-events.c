/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-events.c - the bounded log of what happened */
#include "store/record.h"

#include "record-place.h"

#include <json-c/json.h>

static void events_are_lines_of_json(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	json_object *event, *value;
	gsize size;

	l3vm_event_append(place->store, port, "prepared", "arrived", "rarp");
	l3vm_event_append(place->store, port, NULL, "live", "hook-start");
	text = get(place, "events.jsonl", &size);
	assert_int_equal(mode_of(place, "events.jsonl") & 0137, 0);
	lines = g_strsplit(text, "\n", -1);
	assert_int_equal(g_strv_length(lines), 3);
	event = json_tokener_parse(lines[0]);
	assert_non_null(event);
	assert_true(json_object_object_get_ex(event, "guest", &value));
	assert_string_equal(json_object_get_string(value), port->guest);
	assert_true(json_object_object_get_ex(event, "from", &value));
	assert_string_equal(json_object_get_string(value), "prepared");
	assert_true(json_object_object_get_ex(event, "to", &value));
	assert_string_equal(json_object_get_string(value), "arrived");
	assert_true(json_object_object_get_ex(event, "evidence", &value));
	assert_string_equal(json_object_get_string(value), "rarp");
	assert_true(json_object_object_get_ex(event, "uuid", &value));
	assert_string_equal(json_object_get_string(value), UUID);
	assert_true(json_object_object_get_ex(event, "ifname", &value));
	assert_string_equal(json_object_get_string(value), "tapvm1");
	assert_true(json_object_object_get_ex(event, "time", &value));
	assert_int_equal(json_object_get_string(value)[10], 'T');
	json_object_put(event);
}

static void notes_are_lines_too(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autofree char *text = NULL;
	json_object *event, *value;
	gsize size;

	l3vm_event_note(place->store, port, "hold-release", "reason", "route \"x\"\n",
			"#kept", INT64_C(5000000000), "nothing", NULL, "#last",
			INT64_C(-1), NULL);
	text = get(place, "events.jsonl", &size);
	assert_ptr_equal(strchr(text, '\n'), text + size - 1);
	event = json_tokener_parse(text);
	assert_non_null(event);
	assert_true(json_object_object_get_ex(event, "event", &value));
	assert_string_equal(json_object_get_string(value), "hold-release");
	assert_true(json_object_object_get_ex(event, "reason", &value));
	assert_string_equal(json_object_get_string(value), "route \"x\"\n");
	assert_true(json_object_object_get_ex(event, "kept", &value));
	assert_true(json_object_get_int64(value) == INT64_C(5000000000));
	assert_true(json_object_object_get_ex(event, "last", &value));
	assert_int_equal(json_object_get_int64(value), -1);
	assert_false(json_object_object_get_ex(event, "nothing", &value));
	assert_true(json_object_object_get_ex(event, "ifname", &value));
	json_object_put(event);
}

static off_t size_of(const struct place *place, const char *name)
{
	g_autofree char *path = path_of(place, name);
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

static void log_is_bounded(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autofree char *path = path_of(place, "events.jsonl");

	l3vm_event_append(place->store, port, "live", "gone", "x");
	assert_int_equal(truncate(path, 1024 * 1024 - 1), 0);
	l3vm_event_append(place->store, port, "live", "gone", "x");
	assert_int_equal(size_of(place, "events.jsonl.1"), -1);
	l3vm_event_append(place->store, port, "live", "gone", "x");
	assert_true(size_of(place, "events.jsonl.1") > 1024 * 1024);
	assert_true(size_of(place, "events.jsonl") < 1024);
	assert_true(size_of(place, "events.jsonl") > 0);
	/* a second time the older one is let go */
	assert_int_equal(truncate(path, 1024 * 1024), 0);
	l3vm_event_append(place->store, port, "live", "gone", "x");
	assert_int_equal(size_of(place, "events.jsonl.1"), 1024 * 1024);
	assert_int_equal(place->warnings, 0);
}

static void lost_event_is_only_a_warning(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autofree char *path = path_of(place, "events.jsonl");

	assert_int_equal(symlink("elsewhere", path), 0);
	l3vm_event_append(place->store, port, "live", "gone", "x");
	assert_int_equal(place->warnings, 1);
	assert_false(exists(place, "elsewhere"));
	g_remove(path);
	assert_int_equal(mkfifo(path, 0640), 0);
	l3vm_event_append(place->store, port, "live", "gone", "x");
	assert_int_equal(place->warnings, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(events_are_lines_of_json),
		CASE(notes_are_lines_too),
		CASE(log_is_bounded),
		CASE(lost_event_is_only_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
