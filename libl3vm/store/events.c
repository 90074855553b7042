/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * events.c - the bounded log of state changes
 *
 * For whoever asks afterwards when a guest arrived and what proved it. Nothing is
 * decided by it, so nothing fails with it.
 */
/* syscalls: close flock fstat newfstatat openat renameat write */
#include "store/record.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/files.h"
#include "store/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG	 "events.jsonl"
#define OLD_LOG	 "events.jsonl.1"
#define LOG_SIZE (1024 * 1024)

/* A FIFO of that name stops no hook: it is not waited for. */
static int open_log(L3vmStore *store, struct stat *st)
{
	int fd = l3vm_file_open(store, LOG, O_WRONLY | O_APPEND);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/*
 * Renames a full log, unless another process did so since @fd was opened: a
 * second rename would put a nearly empty file over the old log. The lock makes
 * look and rename one step; who does not get it leaves the work to its holder.
 */
static void rotate(const L3vmStore *store, int fd, const struct stat *st)
{
	struct stat now;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstatat(store->fd, LOG, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == st->st_ino && now.st_dev == st->st_dev)
		renameat(store->fd, LOG, store->fd, OLD_LOG);
}

/* Two files of a megabyte: some thousands of moves, and a bound on a tmpfs. */
static int open_rotated_log(L3vmStore *store)
{
	struct stat st;
	int fd = open_log(store, &st);

	if (fd < 0 || st.st_size < LOG_SIZE)
		return fd;
	rotate(store, fd, &st);
	close(fd);
	return open_log(store, &st);
}

/* What every line has. What is NULL is left out. */
static json_object *begin_line(const L3vmPort *port)
{
	json_object *event = json_object_new_object();
	char time[L3VM_TIME_STRLEN];

	l3vm_json_add_string(event, "time", l3vm_time_format(l3vm_now(), time));
	l3vm_json_add_string(event, "guest", port->guest);
	l3vm_json_add_string(event, "uuid", port->uuid);
	l3vm_json_add_string(event, "ifname", port->ifname);
	return event;
}

static void end_line(GString *lines, json_object *event)
{
	g_string_append(lines, json_object_to_json_string_ext(
				       event, JSON_C_TO_STRING_PLAIN |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	g_string_append_c(lines, '\n');
}

void l3vm_event_add(GString *lines, const L3vmPort *port, const char *from,
		    const char *to, const char *evidence)
{
	g_autoptr(json_object) event = begin_line(port);
	char seen[L3VM_TIME_STRLEN];

	l3vm_json_add_string(event, "from", from);
	l3vm_json_add_string(event, "to", to);
	l3vm_json_add_string(event, "evidence", evidence);
	if (port->seen)
		l3vm_json_add_string(event, "seen", l3vm_time_format(port->seen, seen));
	end_line(lines, event);
}

void l3vm_event_write(L3vmStore *store, const GString *lines)
{
	int fd;

	if (!lines->len)
		return;
	fd = open_rotated_log(store);
	/* One write with O_APPEND: lines of several processes do not mix. */
	if (fd < 0 || write(fd, lines->str, lines->len) != (ssize_t)lines->len)
		l3vm_warn("%s/" LOG ": event lost: %s", store->dir, g_strerror(errno));
	if (fd >= 0)
		close(fd);
}

void l3vm_event_append(L3vmStore *store, const L3vmPort *port, const char *from,
		       const char *to, const char *evidence)
{
	g_autoptr(GString) line = g_string_new(NULL);

	l3vm_event_add(line, port, from, to, evidence);
	l3vm_event_write(store, line);
}

void l3vm_event_note(L3vmStore *store, const L3vmPort *port, const char *what,
		     const char *key, ...)
{
	g_autoptr(json_object) event = begin_line(port);
	g_autoptr(GString) line = g_string_new(NULL);
	va_list args;

	l3vm_json_add_string(event, "event", what);
	va_start(args, key);
	for (; key; key = va_arg(args, const char *)) {
		if (*key == '#')
			l3vm_json_add(event, key + 1,
				      json_object_new_int64(va_arg(args, int64_t)));
		else
			l3vm_json_add_string(event, key, va_arg(args, const char *));
	}
	va_end(args);
	end_line(line, event);
	l3vm_event_write(store, line);
}
