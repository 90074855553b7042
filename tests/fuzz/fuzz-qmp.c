/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-qmp.c - what a monitor says: it is answered, or closed once with a reason */
#include "fuzz.h"

#include <qmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Seen {
	Qmp *qmp;
	unsigned closed;
} Seen;

static void ready(void *data)
{
	Seen *seen = data;

	for (unsigned i = 0; i < QMP_COMMANDS; i++)
		qmp_ask(seen->qmp, (QmpCommand)i);
}

static void event(void *data, const char *name, int64_t when,
		  struct json_object *details)
{
	(void)data;
	(void)when;
	(void)details;
	g_assert(name);
}

static void answer(void *data, QmpCommand command, struct json_object *value)
{
	(void)data;
	(void)value;
	g_assert((unsigned)command < QMP_COMMANDS);
}

static void closed(void *data, const char *why)
{
	g_assert(why || !why);
	((Seen *)data)->closed++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const QmpOps ops = { ready, event, answer, closed };
	Seen seen = { 0 };
	int pair[2];

	g_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			    pair) == 0);
	/* what does not fit into the socket is not said */
	(void)!write(pair[1], data, size);
	shutdown(pair[1], SHUT_WR);
	seen.qmp = qmp_new(pair[0], &ops, &seen);
	for (int i = 0; i < 1000 && !seen.closed; i++)
		g_main_context_iteration(NULL, FALSE);
	g_assert(seen.closed == 1);
	qmp_free(seen.qmp);
	close(pair[1]);
	return 0;
}
