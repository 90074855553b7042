/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-log.c - warnings reach the sink as one harmless line */
#include "base/log.h"

#include "values.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void collect(const char *line, void *data)
{
	g_string_append_printf(data, "<%s>", line);
}

static void test_sink(void **state)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	(void)state;
	l3vm_set_log_sink(collect, lines);
	l3vm_warn("one %d", 1);
	l3vm_warn("%s", "two");
	l3vm_set_log_sink(NULL, NULL);
	assert_string_equal(lines->str, "<one 1><two>");
}

static void test_control_characters(void **state)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	(void)state;
	l3vm_set_log_sink(collect, lines);
	l3vm_warn("%s", "a\nb\rc\x1b[0m\x7f"
			"d\xff");
	l3vm_set_log_sink(NULL, NULL);
	assert_true(g_str_has_prefix(lines->str, "<a?b?c?[0m?d"));
	assert_true(g_utf8_validate(lines->str, -1, NULL));
}

/* Without a sink: standard error, as "l3vm: LINE". */
static void test_default_sink(void **state)
{
	char path[] = "/tmp/l3vm-test-log-XXXXXX", text[64] = "";
	int fd = mkstemp(path), saved = dup(STDERR_FILENO);

	(void)state;
	assert_true(fd >= 0 && saved >= 0);
	unlink(path);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	l3vm_set_log_sink(NULL, NULL);
	l3vm_warn("to stderr");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	assert_string_equal(text, "l3vm: to stderr\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sink),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_default_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
