/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hook.c - the hooks' descriptors, their bounded input, their one line */
#include "../../hooks/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A file of @size bytes 'x', open at its start, without a name. */
static int input(size_t size)
{
	g_autofree char *text = g_strnfill(size, 'x');
	char path[] = "/tmp/l3vm-test-hook-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void read_sizes(size_t size, bool ok)
{
	g_autoptr(GError) error = NULL;
	int fd = input(size);
	size_t got = 12345;
	g_autofree char *text = l3vm_hook_read(fd, &got, &error);

	close(fd);
	assert_int_equal(text != NULL, ok);
	if (ok) {
		assert_int_equal(got, size);
		assert_int_equal(strlen(text), size);
		return;
	}
	assert_int_equal(got, 12345);
	assert_int_equal(error->code, L3VM_ERROR_USAGE);
}

static void test_read(void **state)
{
	(void)state;
	read_sizes(0, false);
	read_sizes(1, true);
	read_sizes(16384, true);
	read_sizes(16385, true);
	read_sizes(L3VM_HOOK_INPUT_MAX, true);
	read_sizes(L3VM_HOOK_INPUT_MAX + 1, false);
	read_sizes(10 * 1024 * 1024, false);
}

/* More than the limit is not waited for: /dev/zero never ends. */
static void test_read_endless(void **state)
{
	g_autoptr(GError) error = NULL;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	size_t size;

	(void)state;
	assert_null(l3vm_hook_read(fd, &size, &error));
	assert_non_null(strstr(error->message, "longer than 4194304 bytes"));
	close(fd);
}

static void test_read_fails(void **state)
{
	g_autoptr(GError) error = NULL;
	int fd = open("/", O_RDONLY | O_CLOEXEC);
	size_t size;

	(void)state;
	assert_null(l3vm_hook_read(fd, &size, &error));
	assert_int_equal(error->code, L3VM_ERROR_FAILED);
	assert_non_null(strstr(error->message, "directory"));
	close(fd);
}

/* What the child @run leaves in its stdout and stderr, in one string. */
static char *output_of(void (*run)(void))
{
	char buffer[8192] = "";
	size_t have = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		run();
		fflush(stdout);
		_exit(0);
	}
	close(fds[1]);
	while (have < sizeof(buffer) - 1 &&
	       (n = read(fds[0], buffer + have, sizeof(buffer) - 1 - have)) > 0)
		have += (size_t)n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return g_strndup(buffer, have);
}

static void noisy(void)
{
	l3vm_hook_begin();
	printf("stdio\n");
	if (write(STDOUT_FILENO, "raw\n", 4) != 4)
		_exit(1);
	if (system("echo child") != 0)
		_exit(1);
	l3vm_hook_say("said");
}

/* Descriptors that the caller closed must not become something else's. */
static void closed(void)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	l3vm_hook_begin();
	if (open("/dev/null", O_RDONLY) <= STDERR_FILENO)
		_exit(1);
	l3vm_hook_say("said");
}

/* A reader of stderr that went away: SIGPIPE would end us in mid-work. */
static void unread(void)
{
	int fds[2];

	l3vm_hook_begin();
	if (pipe(fds) || dup2(fds[1], STDERR_FILENO) < 0)
		_exit(1);
	close(fds[0]);
	l3vm_hook_say("to nobody");
}

static void test_begin(void **state)
{
	g_autofree char *noise = output_of(noisy);
	g_autofree char *none = output_of(closed);
	g_autofree char *pipe_output = output_of(unread);

	(void)state;
	assert_string_equal(noise, "l3vm: said\n");
	assert_string_equal(none, "l3vm: said\n");
	assert_string_equal(pipe_output, "");
}

static void hostile(void)
{
	l3vm_hook_say("a\nb\r\033[2J\x7f\xff c\xe2\x80\xae \xc3\xa4");
}

static void endless(void)
{
	g_autofree char *text = g_strnfill(100000, 'y');

	l3vm_hook_say(text);
}

static void test_say(void **state)
{
	g_autofree char *escaped = output_of(hostile);
	g_autofree char *cut = output_of(endless);

	(void)state;
	assert_string_equal(
		escaped,
		"l3vm: a\\012b\\015\\033[2J\\177\xef\xbf\xbd c\\u202e \xc3\xa4\n");
	assert_in_range(strlen(cut), 500, 1100);
	assert_true(g_str_has_suffix(cut, "yyy...\n"));
}

static void test_quote(void **state)
{
	g_autofree char *name = g_strnfill(300, 'n');
	g_autofree char *cut = l3vm_hook_quote(name);
	g_autofree char *whole = l3vm_hook_quote("vm1");
	g_autofree char *invalid = l3vm_hook_quote("vm\xff");

	(void)state;
	assert_string_equal(whole, "\"vm1\"");
	assert_int_equal(strlen(cut), 45);
	assert_true(g_utf8_validate(invalid, -1, NULL));
}

static void test_fail(void **state)
{
	g_autoptr(GError) error = NULL;

	(void)state;
	assert_false(l3vm_hook_fail(&error, L3VM_ERROR_REFUSED, "a\n%s", "b\t"));
	assert_string_equal(error->message, "a\\012b\\011");
	assert_true(g_error_matches(error, L3VM_ERROR, L3VM_ERROR_REFUSED));
	assert_false(l3vm_hook_fail(NULL, L3VM_ERROR_REFUSED, "ignored"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),	   cmocka_unit_test(test_read_endless),
		cmocka_unit_test(test_read_fails), cmocka_unit_test(test_begin),
		cmocka_unit_test(test_say),	   cmocka_unit_test(test_quote),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
