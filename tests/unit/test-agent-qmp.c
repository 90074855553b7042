/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent-qmp.c - QEMU's monitors: what is understood, believed and survived */
#include "qmp-place.h"

#include "base/clock.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define EVENT(name, data)                                                       \
	"{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 250000}, " \
	"\"event\": \"" name "\"" data "}\r\n"
#define MIGRATION(status) EVENT("MIGRATION", ", \"data\": {\"status\": \"" status "\"}")
#define READY		  "{\"return\": {}, \"id\": 0}\r\n"

/* --- one connection */

struct talk {
	int qemu; /* our end */
	Qmp *qmp;
	GString *heard; /* what the callbacks were told */
	unsigned closed;
};

static void heard_ready(void *data)
{
	g_string_append(((struct talk *)data)->heard, "ready\n");
}

static void heard_event(void *data, const char *event, int64_t when,
			struct json_object *details)
{
	g_string_append_printf(((struct talk *)data)->heard,
			       "%s %" G_GINT64_FORMAT " %s\n", event, when,
			       details ? json_object_to_json_string(details) : "-");
}

static void heard_answer(void *data, QmpCommand command, struct json_object *value)
{
	g_string_append_printf(((struct talk *)data)->heard, "%d %s\n", (int)command,
			       value ? json_object_to_json_string(value) : "failed");
}

static void heard_end(void *data, const char *why)
{
	struct talk *talk = data;

	g_string_append_printf(talk->heard, "closed: %s\n", why);
	talk->closed++;
	g_clear_pointer(&talk->qmp, qmp_free);
}

static void talk_begin(struct talk *talk)
{
	static const QmpOps ops = { heard_ready, heard_event, heard_answer, heard_end };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				    0, fds),
			 0);
	*talk = (struct talk){ .qemu = fds[0], .heard = g_string_new("") };
	talk->qmp = qmp_new(fds[1], &ops, talk);
}

static void talk_end(struct talk *talk)
{
	qmp_free(talk->qmp);
	close(talk->qemu);
	g_string_free(talk->heard, TRUE);
}

/* Whoever is closed does not take the rest. */
static void tell(struct talk *talk, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(talk->qemu, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		bytes += MAX(n, 0);
		size -= (size_t)MAX(n, 0);
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
}

static void assert_heard(struct talk *talk, const char *text)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
	assert_string_equal(talk->heard->str, text);
}

static const char transcript[] = GREETING READY EVENT(
	"STOP",
	"") "{\"return\": {\"status\": \"running\"}, \"id\": 4}\r\n"
	    "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, "
	    "\"id\": 1}\r\n"
	    "{\"return\": {}, \"id\": 99}\r\n{\"return\": {}}\r\n" MIGRATION("active");
static const char understood[] =
	"ready\nSTOP 1700000000250000 -\n"
	"4 { \"status\": \"running\" }\n1 failed\n"
	"MIGRATION 1700000000250000 { \"status\": \"active\" }\n";

static void whole_and_in_pieces(void **state)
{
	static const size_t pieces[] = { sizeof(transcript), 1, 7, 64 };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
		struct talk talk;

		talk_begin(&talk);
		for (size_t at = 0; at < strlen(transcript); at += pieces[i])
			tell(&talk, transcript + at,
			     MIN(pieces[i], strlen(transcript) - at));
		assert_heard(&talk, understood);
		talk_end(&talk);
	}
}

static void asks_only_when_greeted(void **state)
{
	struct talk talk;
	char text[256] = "";

	(void)state;
	talk_begin(&talk);
	assert_true(recv(talk.qemu, text, sizeof(text), 0) < 0);
	tell(&talk, GREETING, strlen(GREETING));
	assert_true(recv(talk.qemu, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "{\"execute\":\"qmp_capabilities\",\"id\":0}\n");
	/* before its answer nothing is believed */
	tell(&talk, MIGRATION("active"), strlen(MIGRATION("active")));
	assert_heard(&talk, "");
	tell(&talk, READY, strlen(READY));
	qmp_ask(talk.qmp, QMP_UUID);
	memset(text, 0, sizeof(text));
	assert_true(recv(talk.qemu, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "{\"execute\":\"query-uuid\",\"id\":3}\n");
	talk_end(&talk);
}

static void odd_times(void **state)
{
	static const char *const stamps[] = {
		"{\"seconds\": -1, \"microseconds\": -1}",
		"{\"seconds\": 99999999999999, \"microseconds\": 0}",
		"{\"seconds\": 1, \"microseconds\": 1000000}",
		"{}",
		"[]",
		"7"
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(stamps); i++) {
		g_autofree char *text = g_strdup_printf(
			GREETING READY "{\"timestamp\": %s, \"event\": \"STOP\"}\r\n",
			stamps[i]);
		struct talk talk;

		talk_begin(&talk);
		tell(&talk, text, strlen(text));
		assert_heard(&talk, "ready\nSTOP 0 -\n");
		talk_end(&talk);
	}
}

static void assert_closed(const char *bytes, size_t size, const char *why)
{
	struct talk talk;

	talk_begin(&talk);
	tell(&talk, bytes, size);
	while (g_main_context_iteration(NULL, FALSE))
		;
	if (!strstr(talk.heard->str, why))
		print_error("%.60s: %s\n", bytes, talk.heard->str);
	assert_non_null(strstr(talk.heard->str, why));
	assert_int_equal(talk.closed, 1);
	talk_end(&talk);
}

#define assert_text_closed(text, why) assert_closed(text, sizeof(text) - 1, why)

static void garbage(void **state)
{
	g_autofree char *deep = g_strnfill(100, '[');

	(void)state;
	assert_text_closed("QEMU 7.2.2 monitor - type 'help'\r\n(qemu) ",
			   "not speak QMP");
	assert_text_closed("{\"event\": \"STOP\"}\r\n", "not speak QMP");
	assert_text_closed("{}", "not speak QMP");
	assert_text_closed("[]", "not speak QMP");
	assert_text_closed("null ", "not speak QMP");
	assert_text_closed("12 ", "not speak QMP");
	assert_text_closed("\0\0\0\0", "not speak QMP");
	assert_text_closed(GREETING "}", "not speak QMP");
	assert_text_closed(GREETING READY "HTTP/1.1 400\r\n", "not speak QMP");
	assert_text_closed(GREETING READY "\"event\" ", "not speak QMP");
	assert_text_closed(GREETING "{\"error\": {}, \"id\": 0}", "refuses");
	assert_closed(deep, 100, "not speak QMP");
}

static void giants(void **state)
{
	g_autoptr(GString) text = g_string_new(GREETING READY "{\"return\": \"");
	g_autofree char *million = g_strnfill(QMP_MESSAGE_MAX, 'x');
	g_autofree char *blanks = g_strnfill(QMP_MESSAGE_MAX + 1, ' ');
	struct talk talk;

	(void)state;
	/* one that is just allowed, in many reads */
	talk_begin(&talk);
	g_string_append_len(text, million, QMP_MESSAGE_MAX - 1000);
	g_string_append(text, "\", \"id\": 3}\r\n" EVENT("RESUME", ""));
	tell(&talk, text->str, text->len);
	while (g_main_context_iteration(NULL, FALSE))
		;
	assert_true(g_str_has_suffix(talk.heard->str, "RESUME 1700000000250000 -\n"));
	talk_end(&talk);
	g_string_assign(text, GREETING READY "{\"return\": \"");
	g_string_append_len(text, million, QMP_MESSAGE_MAX);
	assert_closed(text->str, text->len, "more than 1 MiB");
	assert_closed(blanks, QMP_MESSAGE_MAX + 1, "more than 1 MiB");
}

static void endings(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= strlen(transcript); cut++) {
		struct talk talk;

		talk_begin(&talk);
		tell(&talk, transcript, cut);
		assert_int_equal(shutdown(talk.qemu, SHUT_RDWR), 0);
		assert_true(becomes(&talk.closed, 1, 1000));
		assert_true(g_str_has_suffix(talk.heard->str, "closed: it ended\n"));
		talk_end(&talk);
	}
}

/* Nothing that one wrong byte makes of it is worse than a closed connection. */
static void mutations(void **state)
{
	static const char bytes[] = "\0\"{}[]\\,:9\xff";
	char text[sizeof(transcript)];

	(void)state;
	for (size_t at = 0; at < strlen(transcript); at++)
		for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
			struct talk talk;

			memcpy(text, transcript, sizeof(text));
			text[at] = bytes[i];
			talk_begin(&talk);
			tell(&talk, text, strlen(transcript));
			while (g_main_context_iteration(NULL, FALSE))
				;
			assert_true(talk.closed <= 1);
			assert_true((talk.qmp == NULL) == (talk.closed == 1));
			talk_end(&talk);
		}
}

static void silence(void **state)
{
	int64_t begin = g_get_monotonic_time();
	struct talk silent, slow;

	(void)state;
	talk_begin(&silent);
	talk_begin(&slow);
	tell(&slow, GREETING, strlen(GREETING));
	assert_true(becomes(&silent.closed, 1, QMP_PATIENCE + 2000));
	assert_true(g_get_monotonic_time() - begin >= QMP_PATIENCE * 1000);
	assert_heard(&silent, "closed: it does not answer: somebody else has it\n");
	assert_true(becomes(&slow.closed, 1, 1000));
	talk_end(&silent);
	talk_end(&slow);
}

/* --- all of them */

struct scene {
	struct place *place;
	L3vm host;
	Agent agent;
	AgentPort port;
	char *folder, *path;
	QmpWatch *watch;
	struct monitor *monitor;
};

static int make_scene(void **state)
{
	struct scene *scene = g_new0(struct scene, 1);

	assert_int_equal(make_place((void **)&scene->place), 0);
	calls = g_string_new("");
	scene->host.store = scene->place->store;
	scene->agent.host = &scene->host;
	scene->agent.ports = g_hash_table_new(g_str_hash, g_str_equal);
	scene->port = (AgentPort){ .agent = &scene->agent, .port = small_port("tap0") };
	scene->port.hold = (Hold *)(void *)&scene->port;
	g_free(scene->port.port->guest);
	scene->port.port->guest = g_strdup("vm1");
	g_hash_table_insert(scene->agent.ports, (char *)"tap0", &scene->port);
	scene->folder = g_build_filename(scene->place->parent, "qmp", NULL);
	scene->path = g_build_filename(scene->folder, "vm1.qmp", NULL);
	assert_int_equal(g_mkdir(scene->folder, 0755), 0);
	*state = scene;
	return 0;
}

static int remove_scene(void **state)
{
	struct scene *scene = *state;

	qmp_watch_free(scene->watch);
	monitor_free(scene->monitor);
	l3vm_port_free(scene->port.port);
	g_hash_table_unref(scene->agent.ports);
	g_string_free(calls, TRUE);
	g_free(scene->folder);
	g_free(scene->path);
	remove_place((void **)&scene->place);
	g_free(scene);
	return 0;
}

static void watch_begin(struct scene *scene)
{
	g_autofree char *pattern = g_build_filename(scene->folder, "*.qmp", NULL);
	char *patterns[] = { pattern, NULL };

	scene->watch = qmp_watch_new(&scene->agent, patterns);
}

/* Watched, in this state, with the monitor there and asked. */
static void begin(struct scene *scene, L3vmState in)
{
	scene->port.port->state = in;
	if (!scene->monitor)
		scene->monitor = monitor_new(scene->path);
	watch_begin(scene);
	settle();
	assert_int_equal(scene->monitor->clients, 1);
}

static void happens(struct scene *scene, const char *event, const char *expected)
{
	g_string_truncate(calls, 0);
	say(scene->monitor, event);
	settle();
	assert_string_equal(calls->str, expected);
}

static void asks_once(void **state)
{
	struct scene *scene = *state;

	begin(scene, L3VM_STATE_LIVE);
	assert_string_equal(
		scene->monitor->asked->str,
		"{\"execute\":\"qmp_capabilities\",\"id\":0}\n"
		"{\"execute\":\"migrate-set-capabilities\",\"arguments\":{"
		"\"capabilities\":[{\"capability\":\"events\",\"state\":true}]},"
		"\"id\":1}\n"
		"{\"execute\":\"query-name\",\"id\":2}\n"
		"{\"execute\":\"query-uuid\",\"id\":3}\n"
		"{\"execute\":\"query-status\",\"id\":4}\n"
		"{\"execute\":\"query-migrate\",\"id\":5}\n");
	assert_string_equal(calls->str, "");
}

static void source_of_a_migration(void **state)
{
	struct scene *scene = *state;

	begin(scene, L3VM_STATE_LIVE);
	happens(scene, MIGRATION("setup"), "vm1 leaving qmp-migration\n");
	scene->port.port->state = L3VM_STATE_LEAVING;
	happens(scene, MIGRATION("active"), "");
	happens(scene, EVENT("STOP", ""), "tap0 hold 1700000000250000 qmp-stop\n");
	happens(scene, MIGRATION("completed"), "");
	happens(scene, EVENT("SHUTDOWN", ", \"data\": {\"guest\": false}"), "");
}

static void migration_that_fails(void **state)
{
	struct scene *scene = *state;

	begin(scene, L3VM_STATE_LEAVING);
	happens(scene, MIGRATION("failed"), "vm1 aborted qmp-migration\n");
	happens(scene, MIGRATION("cancelled"), "vm1 aborted qmp-migration\n");
	/* once it has stopped, its running on is what counts */
	happens(scene, EVENT("STOP", ""), "tap0 hold 1700000000250000 qmp-stop\n");
	happens(scene, MIGRATION("failed"), "");
	happens(scene, EVENT("RESUME", ""), "tap0 abort\nvm1 aborted qmp-resume\n");
}

static void target_of_a_migration(void **state)
{
	struct scene *scene = *state;

	scene->port.hold = NULL;
	scene->monitor = monitor_new(scene->path);
	scene->monitor->status = "{\"running\": false, \"status\": \"inmigrate\"}";
	begin(scene, L3VM_STATE_PREPARED);
	happens(scene, MIGRATION("active"), "");
	happens(scene, EVENT("RESUME", ""), "vm1 arrived qmp-resume\n");
	scene->port.port->state = L3VM_STATE_ARRIVED;
	happens(scene, MIGRATION("completed"), "");
}

/* A pause that is no migration is none of our business. */
static void pause_and_resume(void **state)
{
	struct scene *scene = *state;

	scene->port.hold = NULL;
	begin(scene, L3VM_STATE_LIVE);
	happens(scene, EVENT("STOP", ""), "");
	happens(scene, EVENT("RESUME", ""), "vm1 arrived qmp-resume\n");
	happens(scene, EVENT("POWERDOWN", ""), "");
}

static void future_is_now(void **state)
{
	struct scene *scene = *state;

	begin(scene, L3VM_STATE_LEAVING);
	happens(scene,
		"{\"timestamp\": {\"seconds\": 4000000000, \"microseconds\": 0}, "
		"\"event\": \"STOP\"}\r\n",
		"tap0 hold 0 qmp-stop\n");
}

static void catches_up(void **state)
{
	static const struct {
		L3vmState in;
		const char *status, *migration, *expected;
	} cases[] = {
		{ L3VM_STATE_PREPARED, "running", "", "vm1 arrived qmp-running\n" },
		{ L3VM_STATE_PREPARED, "inmigrate", "active", "" },
		{ L3VM_STATE_PREPARED, "paused", "", "" },
		{ L3VM_STATE_LIVE, "running", "", "" },
		{ L3VM_STATE_LIVE, "running", "active\", \"ram\": \"x",
		  "vm1 leaving qmp-migration\n" },
		/* a target's own words, a moment after its guest runs */
		{ L3VM_STATE_ARRIVED, "running", "active", "" },
		{ L3VM_STATE_ARRIVED, "running", "setup", "" },
		{ L3VM_STATE_ARRIVED, "running", "postcopy-active", "" },
		{ L3VM_STATE_LEAVING, "running", "active\", \"ram\": \"x", "" },
		{ L3VM_STATE_LEAVING, "running", "", "" },
		{ L3VM_STATE_LEAVING, "running", "failed",
		  "vm1 aborted qmp-migration\n" },
		{ L3VM_STATE_LEAVING, "finish-migrate", "device",
		  "tap0 hold 0 qmp-stopped\n" },
		/* gone: its new place is known, nobody would end the hold */
		{ L3VM_STATE_LEAVING, "postmigrate", "completed", "" },
		{ L3VM_STATE_LEAVING, "paused", "", "" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *status = g_strdup_printf("{\"status\": \"%s\"}",
							  cases[i].status);
		g_autofree char *migration = g_strdup_printf("{\"status\": \"%s\"}",
							     cases[i].migration);

		scene->monitor = monitor_new(scene->path);
		scene->monitor->status = status;
		scene->monitor->migration = migration;
		g_string_truncate(calls, 0);
		if (cases[i].in != L3VM_STATE_LEAVING)
			scene->port.hold = NULL;
		else
			scene->port.hold = (Hold *)(void *)&scene->port;
		begin(scene, cases[i].in);
		if (strcmp(calls->str, cases[i].expected) != 0)
			print_error("case %zu\n", i);
		assert_string_equal(calls->str, cases[i].expected);
		g_clear_pointer(&scene->watch, qmp_watch_free);
		g_clear_pointer(&scene->monitor, monitor_free);
		g_remove(scene->path);
		scene->port.timer = 0;
	}
}

static void asked_again(void **state)
{
	struct scene *scene = *state;
	g_autoptr(L3vmPort) other = small_port("tap1");

	scene->port.hold = NULL;
	assert_false(qmp_watch_ask(NULL, scene->port.port));
	scene->monitor = monitor_new(scene->path);
	scene->monitor->status = "{\"status\": \"inmigrate\"}";
	begin(scene, L3VM_STATE_PREPARED);
	assert_string_equal(calls->str, "");
	assert_false(qmp_watch_ask(scene->watch, other));
	scene->monitor->status = "{\"status\": \"running\"}";
	assert_true(qmp_watch_ask(scene->watch, scene->port.port));
	settle();
	assert_string_equal(calls->str, "vm1 arrived qmp-running\n");
}

/* Whose monitor it is: by UUID, else by name, else by the file's name. */
static void whose(void **state)
{
	static const char other[] = "\"22345678-9abc-def0-1234-56789abcdef0\"";
	static const struct {
		const char *uuid;	 /* on record */
		const char *name, *says; /* of the monitor */
		bool ours;
	} cases[] = {
		{ NULL, "{}", "\"00000000-0000-0000-0000-000000000000\"", true },
		{ NULL, "{\"name\": \"vm2\"}", "\"\"", false },
		{ NULL, "{\"name\": \"../x\"}", "7", true },
		{ NULL, "{\"name\": \"vm1\"}", other, true },
		{ UUID, "{\"name\": \"vm1\"}", other, false },
		{ UUID, "{\"name\": \"vm1\"}", "null", true },
		{ UUID, "{\"name\": \"new\"}", "\"" UUID "\"", true },
		{ UUID, "{\"name\": \"new\"}",
		  "\"12345678-9ABC-DEF0-1234-56789ABCDEF0\"", true },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *uuid = g_strdup_printf("{\"UUID\": %s}",
							cases[i].says);

		g_free(scene->port.port->uuid);
		scene->port.port->uuid = g_strdup(cases[i].uuid);
		scene->monitor = monitor_new(scene->path);
		scene->monitor->name = cases[i].name;
		scene->monitor->uuid = uuid;
		begin(scene, L3VM_STATE_LIVE);
		g_string_truncate(calls, 0);
		say(scene->monitor, MIGRATION("setup"));
		settle();
		if ((calls->len > 0) != cases[i].ours)
			print_error("case %zu: %s\n", i, calls->str);
		assert_int_equal(calls->len > 0, cases[i].ours);
		g_clear_pointer(&scene->watch, qmp_watch_free);
		g_clear_pointer(&scene->monitor, monitor_free);
		g_remove(scene->path);
	}
}

/* Sockets, and their directory, come and go. */
static void comes_and_goes(void **state)
{
	struct scene *scene = *state;
	g_autofree char *other = g_build_filename(scene->folder, "vm1.serial", NULL);
	g_autofree char *file = g_build_filename(scene->folder, "file.qmp", NULL);
	struct monitor *serial = monitor_new(other);

	scene->port.port->state = L3VM_STATE_LIVE;
	assert_true(g_file_set_contents(file, "", 0, NULL));
	watch_begin(scene);
	settle();
	scene->monitor = monitor_new(scene->path);
	assert_true(becomes(&scene->monitor->clients, 1, 1000));
	settle();
	happens(scene, MIGRATION("setup"), "vm1 leaving qmp-migration\n");
	/* QEMU restarts: the same name, another socket */
	g_clear_pointer(&scene->monitor, monitor_free);
	g_remove(scene->path);
	settle();
	scene->monitor = monitor_new(scene->path);
	assert_true(becomes(&scene->monitor->clients, 1, 1000));
	settle();
	happens(scene, MIGRATION("setup"), "vm1 leaving qmp-migration\n");
	/* and the client before us leaves a dead one behind */
	g_clear_pointer(&scene->monitor, monitor_free);
	settle();
	g_remove(scene->path);
	scene->monitor = monitor_new(scene->path);
	assert_true(becomes(&scene->monitor->clients, 1, 1000));
	assert_int_equal(serial->clients, 0);
	monitor_free(serial);
}

static void late_directory(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(g_rmdir(scene->folder), 0);
	watch_begin(scene);
	settle();
	assert_int_equal(g_mkdir(scene->folder, 0755), 0);
	scene->monitor = monitor_new(scene->path);
	assert_true(becomes(&scene->monitor->clients, 1, 7000));
	assert_int_equal(scene->place->warnings, 0);
}

/* Two clients: the other is served, and we wait without standing in its way. */
static void somebody_else_has_it(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_un addr;
	int fd = unix_socket(scene->path, &addr);
	int64_t begin, longest = 0;

	scene->port.port->state = L3VM_STATE_LIVE;
	scene->monitor = monitor_new(scene->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	settle();
	assert_int_equal(scene->monitor->clients, 1);
	watch_begin(scene);
	/* longer than our patience, so at least two attempts */
	for (begin = g_get_monotonic_time();
	     g_get_monotonic_time() - begin < (QMP_PATIENCE + 400) * 1000;) {
		int64_t before = g_get_monotonic_time();

		g_main_context_iteration(NULL, FALSE);
		longest = MAX(longest, g_get_monotonic_time() - before);
		g_usleep(1000);
	}
	assert_true(longest < 500000);
	assert_int_equal(scene->monitor->clients, 1);
	close(fd);
	/* what gave up is still in the queue, before the attempt that holds */
	assert_true(becomes(&scene->monitor->clients, 3, 5000));
	settle();
	happens(scene, MIGRATION("setup"), "vm1 leaving qmp-migration\n");
}

/* It never gets an answer, and says so once. */
static void refused_and_garbage(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_un addr;
	int fd = unix_socket(scene->path, &addr);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	watch_begin(scene);
	for (int i = 0; i < 20; i++)
		settle();
	assert_int_equal(scene->place->warnings, 1);
	close(fd);
	g_remove(scene->path);
	scene->monitor = monitor_new(scene->path);
	scene->monitor->mute = true;
	assert_true(becomes(&scene->monitor->clients, 1, 1000));
	say(scene->monitor, "(qemu) ");
	assert_true(becomes(&scene->monitor->clients, 2, 2000));
	assert_string_equal(calls->str, "");
}

#define ALONE(test) cmocka_unit_test(test)
#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, remove_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(whole_and_in_pieces),
		ALONE(asks_only_when_greeted),
		ALONE(odd_times),
		ALONE(garbage),
		ALONE(giants),
		ALONE(endings),
		ALONE(mutations),
		ALONE(silence),
		SCENE(asks_once),
		SCENE(source_of_a_migration),
		SCENE(migration_that_fails),
		SCENE(target_of_a_migration),
		SCENE(pause_and_resume),
		SCENE(future_is_now),
		SCENE(catches_up),
		SCENE(asked_again),
		SCENE(whose),
		SCENE(comes_and_goes),
		SCENE(late_directory),
		SCENE(somebody_else_has_it),
		SCENE(refused_and_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
