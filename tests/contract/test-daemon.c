/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-daemon.c - what a routing daemon says, and what it says when it is not well
 *
 * The other end is played from a script; that real ones say what the script says is
 * what tests/lab/announced.sh shows.
 */
#include "announce/daemon.h"

#include "../unit/values.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* One question (to its end) and what is answered; NULL for the question: what is
 * said first. */
typedef struct Line {
	const char *question, *answer;
	size_t size; /* of the answer; 0: strlen() */
} Line;

typedef struct Place {
	char *dir, *path;
	pid_t server;
} Place;

static int begin(void **state)
{
	Place *place = g_new0(Place, 1);

	place->dir = g_dir_make_tmp("l3vm-daemon-XXXXXX", NULL);
	place->path = g_build_filename(place->dir, "daemon.ctl", NULL);
	*state = place;
	return 0;
}

static void end_server(Place *place)
{
	if (place->server) {
		kill(place->server, SIGKILL);
		waitpid(place->server, NULL, 0);
	}
	place->server = 0;
	g_unlink(place->path);
}

static int end(void **state)
{
	Place *place = *state;

	end_server(place);
	g_rmdir(place->dir);
	g_free(place->path);
	g_free(place->dir);
	g_free(place);
	return 0;
}

static void say(int fd, const Line *line)
{
	size_t size = line->size ? line->size : strlen(line->answer);

	if (write(fd, line->answer, size) != (ssize_t)size)
		_exit(1);
}

/* Answers @script's questions, whatever others come between; hangs up at its end
 * unless it should just be silent. */
static void play(int fd, const Line *script, bool hang)
{
	char question[4096];
	ssize_t size;

	for (; script->answer; script++) {
		if (script->question) {
			size = read(fd, question, sizeof(question) - 1);
			if (size <= 0)
				_exit(0);
			question[size] = '\0';
			if (strncmp(question, script->question,
				    strlen(script->question)))
				_exit(2);
		}
		say(fd, script);
	}
	if (hang)
		pause();
}

static void serve(Place *place, const Line *script, bool hang)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	end_server(place);
	g_strlcpy(addr.sun_path, place->path, sizeof(addr.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	place->server = fork();
	if (!place->server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int peer = accept(fd, NULL, NULL);

			play(peer, script, hang);
			close(peer);
		}
	}
	close(fd);
}

static void assert_no_error(const GError *error)
{
	if (error)
		fail_msg("%s", error->message);
}

#define GREETING                                     \
	{                                            \
		NULL, "0001 BIRD 2.0.12 ready.\n", 0 \
	}
#define RESTRICTED                                          \
	{                                                   \
		"restrict\n", "0016 Access restricted\n", 0 \
	}
#define PROTOCOLS                                                              \
	{                                                                      \
		"show protocols\n",                                            \
			"2002-Name  Proto  Table  State  Since  Info\n"        \
			"1002-kernel4  Kernel  master4  up  14:37:23.462  \n"  \
			" tor4  BGP  ---  up  14:37:24.244  Established   \n"  \
			" tor-6  BGP  ---  up  14:37:24.244  Established   \n" \
			" old  BGP  ---  start  14:37:24.244  Active   \n"     \
			"0000 \n",                                             \
			0                                                      \
	}
#define ROUTES                                                                     \
	{                                                                          \
		"show route table all where krt_source = 76 all\n",                \
			"1007-Table master4:\n"                                    \
			" 10.0.0.6/32          unicast [kernel4 14:37:23] (50)\n"  \
			" \tdev tap1\n"                                            \
			"1008-\tType: inherit univ\n"                              \
			"1012-\tKernel.source: 76\n"                               \
			" \tKernel.metric: 4194305000\n"                           \
			"1007-10.0.0.5/32       unicast [kernel4 14:37] * (200)\n" \
			" \tdev tap1\n"                                            \
			"1012-\tKernel.metric: 5\n"                                \
			"0000 \n",                                                 \
			0                                                          \
	}

static void test_bird(void **state)
{
	static const Line script[] = {
		GREETING,
		RESTRICTED,
		PROTOCOLS,
		ROUTES,
		{ "show route where krt_source = 76 export tor4\n",
		  "1007-Table master4:\n"
		  " 10.0.0.5/32          unicast [kernel4 14:37:23.464] * (200)\n"
		  "0000 \n",
		  0 },
		{ "show route where krt_source = 76 export 'tor-6'\n", "0000 \n", 0 },
		{ "show bfd sessions\n",
		  "1020-bfd1:\n 192.0.2.1  up0  Up  14:37  0.300 0.900\n0000 \n", 0 },
		{ 0 },
	};
	L3vmAddr five = prefix_of("10.0.0.5/32"), six = prefix_of("10.0.0.6/32");
	L3vmAddr seven = prefix_of("10.0.0.7/32");
	g_autoptr(L3vmDaemon) bird = NULL;
	g_autoptr(GError) error = NULL;
	Place *place = *state;

	serve(place, script, false);
	bird = l3vm_daemon_ask(&l3vm_daemon_bird, place->path, 76, &error);
	assert_no_error(error);
	assert_int_equal(bird->pid, getpid()); /* who called listen(2) */
	assert_true(bird->speaks);
	assert_int_equal(bird->sessions, 2);
	assert_int_equal(bird->watched, 1);
	assert_int_equal(g_hash_table_size(bird->routes), 2);
	assert_int_equal(l3vm_daemon_find(bird, &five)->peers, 1);
	assert_int_equal(l3vm_daemon_find(bird, &five)->preference, 200);
	assert_int_equal(l3vm_daemon_find(bird, &five)->metric, 5);
	assert_true(l3vm_daemon_find(bird, &five)->best);
	assert_int_equal(l3vm_daemon_find(bird, &six)->peers, 0);
	assert_int_equal(l3vm_daemon_find(bird, &six)->metric, 4194305000u);
	assert_false(l3vm_daemon_find(bird, &six)->best);
	assert_null(l3vm_daemon_find(bird, &seven));
}

#define KERNEL                                                \
	"{\"10.0.0.5/32\":[{\"metric\":5,\"selected\":true}," \
	"{\"metric\":1000}],\"nonsense\":[],\"10.0.0.6/32\":7}"

static void test_frr_without_bgpd(void **state)
{
	static const Line script[] = {
		{ "enable", "\0\0\0\0", 4 },
		{ "show ip route kernel json", KERNEL "\0\0\0",
		  sizeof(KERNEL "\0\0\0") },
		{ "show ipv6 route kernel json", "{}\0\0\0\0", 6 },
		{ 0 },
	};
	L3vmAddr five = prefix_of("10.0.0.5/32");
	g_autoptr(L3vmDaemon) frr = NULL;
	g_autoptr(GError) error = NULL;
	Place *place = *state;

	serve(place, script, false);
	frr = l3vm_daemon_ask(&l3vm_daemon_frr, place->path, 76, &error);
	assert_no_error(error);
	assert_false(frr->speaks);
	assert_true(l3vm_daemon_find(frr, &five)->best);
	assert_int_equal(l3vm_daemon_find(frr, &five)->metric, 5);
}

static void fails(Place *place, const L3vmDaemonKind *kind, const char *why)
{
	g_autoptr(GError) error = NULL;

	assert_null(l3vm_daemon_ask(kind, place->path, 76, &error));
	assert_non_null(error);
	if (!strstr(error->message, why))
		fail_msg("\"%s\" is not in \"%s\"", why, error->message);
}

static void test_not_well(void **state)
{
	static const Line silent[] = { { 0 } };
	static const Line noise[] = { { NULL, "what?\n\n1\n", 0 }, { 0 } };
	static const Line refuses[] = { GREETING,
					{ "restrict\n", "9001 syntax error\n", 0 },
					{ 0 } };
	static const Line halfway[] = {
		GREETING, RESTRICTED, { "show protocols\n", "2002-Name\n", 0 }, { 0 }
	};
	static const Line no_json[] = { { "enable", "\0\0\0\0", 4 },
					{ "show ip", "hello\0\0\0\0", 9 },
					{ 0 } };
	static const Line old[] = { { "enable", "% Unknown command\0\0\0\2", 21 },
				    { 0 } };
	Place *place = *state;
	g_autoptr(GError) error = NULL;
	int64_t start;

	assert_null(l3vm_daemon_ask(&l3vm_daemon_bird, place->path, 76, &error));
	assert_null(error); /* nobody there is no error */
	serve(place, refuses, false);
	fails(place, &l3vm_daemon_bird, "BIRD says: syntax error");
	serve(place, halfway, false);
	fails(place, &l3vm_daemon_bird, "hung up");
	serve(place, no_json, false);
	fails(place, &l3vm_daemon_frr, "not answered in JSON");
	serve(place, old, false);
	fails(place, &l3vm_daemon_frr, "refused");
	serve(place, noise, false);
	fails(place, &l3vm_daemon_bird, "hung up");
	start = g_get_monotonic_time();
	serve(place, silent, true);
	fails(place, &l3vm_daemon_bird, "no answer within 2 s");
	assert_true(g_get_monotonic_time() - start < 3 * G_USEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bird, begin, end),
		cmocka_unit_test_setup_teardown(test_frr_without_bgpd, begin, end),
		cmocka_unit_test_setup_teardown(test_not_well, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
