/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lines.c - lines of text to and from another process, in the main loop */
/* syscalls: close read rt_sigaction write */
#include "announce/lines.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 65536

struct L3vmLines {
	int in, out;
	const L3vmLinesEvents *events;
	void *data;
	GString *unread, *unsent;
	guint reading, writing, ending, broken;
	bool ended;
};

static gboolean tell_end(void *data)
{
	L3vmLines *lines = data;

	lines->ending = 0;
	lines->events->end(lines->data, "the other end is gone");
	return G_SOURCE_REMOVE;
}

/* Later: whoever has just said something does not expect to be freed by it. */
static void end(L3vmLines *lines)
{
	if (!lines->ended)
		lines->ending = g_idle_add(tell_end, lines);
	lines->ended = true;
}

static void take_lines(L3vmLines *lines)
{
	char *newline;

	while (!lines->ended &&
	       (newline = memchr(lines->unread->str, '\n', lines->unread->len))) {
		g_autofree char *line = g_strndup(
			lines->unread->str, (gsize)(newline - lines->unread->str));

		g_string_erase(lines->unread, 0, newline - lines->unread->str + 1);
		lines->events->line(lines->data, line);
	}
	if (lines->unread->len > LINE_MAX_SIZE)
		end(lines);
}

static gboolean readable(gint fd, GIOCondition condition, void *data)
{
	L3vmLines *lines = data;
	char buffer[4096];
	ssize_t size = read(fd, buffer, sizeof(buffer));

	(void)condition;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (size <= 0) {
		lines->reading = 0;
		end(lines);
		return G_SOURCE_REMOVE;
	}
	g_string_append_len(lines->unread, buffer, size);
	take_lines(lines);
	return G_SOURCE_CONTINUE;
}

/* False: wait until there is room. A reader that has gone is found by poll(2). */
static bool send_some(L3vmLines *lines)
{
	while (lines->unsent->len) {
		ssize_t sent = write(lines->out, lines->unsent->str,
				     lines->unsent->len);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return false;
		if (sent < 0) {
			g_string_truncate(lines->unsent, 0);
			end(lines);
			return true;
		}
		g_string_erase(lines->unsent, 0, sent);
	}
	return true;
}

static gboolean writable(gint fd, GIOCondition condition, void *data)
{
	L3vmLines *lines = data;

	(void)fd;
	(void)condition;
	if (!send_some(lines))
		return G_SOURCE_CONTINUE;
	lines->writing = 0;
	return G_SOURCE_REMOVE;
}

static gboolean broke(gint fd, GIOCondition condition, void *data)
{
	L3vmLines *lines = data;

	(void)fd;
	(void)condition;
	lines->broken = 0;
	end(lines);
	return G_SOURCE_REMOVE;
}

L3vmLines *l3vm_lines_new(int in, int out, const L3vmLinesEvents *events, void *data)
{
	L3vmLines *lines = g_new0(L3vmLines, 1);

	/* a write to who has gone is an error like any other */
	signal(SIGPIPE, SIG_IGN);
	g_unix_set_fd_nonblocking(in, TRUE, NULL);
	g_unix_set_fd_nonblocking(out, TRUE, NULL);
	*lines = (L3vmLines){ .in = in,
			      .out = out,
			      .events = events,
			      .data = data,
			      .unread = g_string_new(NULL),
			      .unsent = g_string_new(NULL) };
	lines->reading = g_unix_fd_add(in, G_IO_IN | G_IO_HUP, readable, lines);
	lines->broken = g_unix_fd_add(out, G_IO_ERR, broke, lines);
	return lines;
}

void l3vm_lines_free(L3vmLines *lines)
{
	guint sources[4];

	if (!lines)
		return;
	memcpy(sources,
	       (guint[]){ lines->reading, lines->writing, lines->ending,
			  lines->broken },
	       sizeof(sources));
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		if (sources[i])
			g_source_remove(sources[i]);
	close(lines->in);
	close(lines->out);
	g_string_free(lines->unread, TRUE);
	g_string_free(lines->unsent, TRUE);
	g_free(lines);
}

void l3vm_lines_say(L3vmLines *lines, const char *line)
{
	if (lines->ended)
		return;
	g_string_append_printf(lines->unsent, "%s\n", line);
	if (!lines->writing && !send_some(lines))
		lines->writing = g_unix_fd_add(lines->out, G_IO_OUT, writable, lines);
}
