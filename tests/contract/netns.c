/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netns.c - network namespaces for the test programs, and ip(8) in them */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* An unprivileged user is root in a user namespace of his own, where that is
 * allowed. */
static bool become_root(void)
{
	g_autofree char *map = g_strdup_printf("0 %u 1", (unsigned)getuid());
	g_autofree char *groups = g_strdup_printf("0 %u 1", (unsigned)getgid());

	return unshare(CLONE_NEWUSER) == 0 &&
	       write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", map) &&
	       write_file("/proc/self/gid_map", groups);
}

bool netns_begin(void)
{
	if (unshare(CLONE_NEWNET) == 0 ||
	    (errno == EPERM && become_root() && unshare(CLONE_NEWNET) == 0))
		return true;
	printf("1..0 # SKIP no network namespace: %s\n", g_strerror(errno));
	return false;
}

void netns_renew(void)
{
	if (unshare(CLONE_NEWNET))
		fail_msg("unshare: %s", g_strerror(errno));
	run("ip link set lo up");
}

static void run_words(const char *line, char **out)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *errors = NULL;
	g_auto(GStrv) words = NULL;
	int status = 0;

	if (!g_shell_parse_argv(line, NULL, &words, &error) ||
	    !g_spawn_sync(NULL, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, out,
			  &errors, &status, &error))
		fail_msg("%s: %s", line, error->message);
	if (status)
		fail_msg("%s: %s", line, errors);
}

void run(const char *format, ...)
{
	g_autofree char *line = NULL;
	g_autofree char *out = NULL;
	va_list args;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	run_words(line, &out);
}

char *output(const char *format, ...)
{
	g_autofree char *line = NULL;
	char *out = NULL;
	va_list args;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	run_words(line, &out);
	return out;
}

void run_batch(const char *lines)
{
	char path[] = "/tmp/l3vm-test-batch-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	run("ip -batch %s", path);
	unlink(path);
}

unsigned netns_add_link(const char *ifname)
{
	unsigned index;

	run("ip link add name %s type veth peer name %s-peer", ifname, ifname);
	index = if_nametoindex(ifname);
	assert_int_not_equal(index, 0);
	return index;
}
