/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announce-exabgp.c - ExaBGP, through the named pipes that exabgpcli(1) uses
 *
 * Each command is answered, in order, by a line "done" or "error", which says that
 * ExaBGP has taken it, not that a peer has. ExaBGP forgets all commands when it ends;
 * then nobody reads the pipe any more, which is how we learn of it. A peer that does
 * graceful restarts keeps the routes until it is sent an End-of-RIB: with `manual-eor`
 * that is when we say so, after the replay, and not before.
 *
 * Whoever uses exabgpcli takes answers that are ours; they are missed, and all is told
 * anew.
 */
/* syscalls: close openat read */
#include "announce/announcer.h"
#include "announce/lines.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Commands that are on their way: the pipe has room for some 600 of them. */
#define WINDOW	   100
/* End-of-RIB is refused while no peer is there. ExaBGP does not tell when one came
 * back, so it is repeated; it is an empty message. Seconds. */
#define EOR_WAIT   1
#define EOR_REPEAT 30

typedef struct Command {
	char *text;
	bool eor;
	L3vmAddr dst;
	L3vmRank rank;
} Command;

typedef struct ExaBgp {
	L3vmAnnouncer base;
	L3vmLines *lines;
	uint32_t as;		   /* 0: the peers are of our own AS */
	GQueue unsaid, unanswered; /* of Command*, owned */
	bool eor_refused;
	guint eor;
} ExaBgp;

static void command_free(void *data)
{
	Command *command = data;

	g_free(command->text);
	g_free(command);
}

static void say_more(ExaBgp *exabgp)
{
	while (exabgp->unanswered.length < WINDOW && exabgp->unsaid.length) {
		Command *command = g_queue_pop_head(&exabgp->unsaid);

		g_queue_push_tail(&exabgp->unanswered, command);
		l3vm_lines_say(exabgp->lines, command->text);
	}
}

static void add(ExaBgp *exabgp, const Command *command)
{
	g_queue_push_tail(&exabgp->unsaid, g_memdup2(command, sizeof(*command)));
	say_more(exabgp);
}

/* As the recipes for BIRD and FRR have it. With eBGP the length of the path tells
 * the ranks apart, and ExaBGP leaves a path that is given as it is; with iBGP the
 * local preference. */
static char *attributes(const ExaBgp *exabgp, L3vmRank rank)
{
	/* by rank: none, preferred, normal, last */
	static const unsigned times[] = { 0, 1, 2, 4 };
	static const unsigned preference[] = { 0, 200, 100, 50 };
	GString *text = g_string_new(NULL);

	if (exabgp->as) {
		g_string_append(text, " as-path [");
		for (unsigned i = 0; i < times[rank]; i++)
			g_string_append_printf(text, " %u", exabgp->as);
		g_string_append(text, " ]");
	} else {
		g_string_append_printf(text, " local-preference %u", preference[rank]);
	}
	if (rank == L3VM_RANK_LAST) /* GRACEFUL_SHUTDOWN, RFC 8326 */
		g_string_append(text, " med 1000 community [ 65535:0 ]");
	return g_string_free(text, FALSE);
}

static void exabgp_set(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank)
{
	ExaBgp *exabgp = (ExaBgp *)announcer;
	Command command = { .dst = *dst, .rank = rank };
	char text[L3VM_ADDR_STRLEN];

	l3vm_prefix_format(dst, text);
	if (rank == L3VM_RANK_NONE) {
		command.text = g_strdup_printf("withdraw route %s next-hop self", text);
	} else {
		g_autofree char *more = attributes(exabgp, rank);

		command.text = g_strdup_printf("announce route %s next-hop self%s",
					       text, more);
	}
	add(exabgp, &command);
}

static gboolean say_eor(void *data)
{
	ExaBgp *exabgp = data;
	Command four = { .text = g_strdup("announce eor ipv4 unicast"), .eor = true };
	Command six = { .text = g_strdup("announce eor ipv6 unicast"), .eor = true };

	exabgp->eor = 0;
	exabgp->eor_refused = false;
	add(exabgp, &four);
	add(exabgp, &six);
	return G_SOURCE_REMOVE;
}

static void exabgp_complete(L3vmAnnouncer *announcer)
{
	say_eor(announcer);
}

/* --- answers ------------------------------------------------------------------- */

static void eor_answered(ExaBgp *exabgp, bool ok)
{
	exabgp->eor_refused |= !ok;
	if (exabgp->eor)
		g_source_remove(exabgp->eor);
	exabgp->eor = g_timeout_add_seconds(exabgp->eor_refused ? EOR_WAIT : EOR_REPEAT,
					    say_eor, exabgp);
}

static void answered(void *data, const char *line)
{
	ExaBgp *exabgp = data;
	bool ok = !strcmp(line, "done");
	Command *command;

	/* what somebody else asked for is answered here as well */
	if (!ok && strcmp(line, "error") != 0)
		return;
	command = g_queue_pop_head(&exabgp->unanswered);
	if (!command)
		return;
	if (command->eor)
		eor_answered(exabgp, ok);
	else
		exabgp->base.taken(&exabgp->base, &command->dst, command->rank,
				   ok ? NULL
				      : "ExaBGP refuses a route (has it a neighbor?)");
	command_free(command);
	say_more(exabgp);
}

static void ended(void *data, const char *why)
{
	ExaBgp *exabgp = data;

	(void)why;
	exabgp->base.failed(&exabgp->base, "ExaBGP ended");
}

/* --- life ---------------------------------------------------------------------- */

static void exabgp_close(L3vmAnnouncer *announcer)
{
	ExaBgp *exabgp = (ExaBgp *)announcer;

	if (exabgp->eor)
		g_source_remove(exabgp->eor);
	l3vm_lines_free(exabgp->lines);
	g_queue_clear_full(&exabgp->unsaid, command_free);
	g_queue_clear_full(&exabgp->unanswered, command_free);
	g_free(exabgp);
}

/* Answers that are there already are not ours. */
static void drain(int fd)
{
	char buffer[4096];

	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
}

static int open_pipe(const char *pipe, const char *ending, int flags, GError **error)
{
	g_autofree char *path = g_strconcat(pipe, ending, NULL);
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		l3vm_fail_errno(error, errno,
				"%s: %s (is ExaBGP running, and its pipe "
				"there?)",
				path,
				errno == ENXIO ? "nobody reads it" : g_strerror(errno));
	return fd;
}

static L3vmAnnouncer *exabgp_open(const L3vmAnnouncing *settings, GError **error)
{
	static const L3vmLinesEvents events = { answered, ended };
	int out = open_pipe(settings->exabgp_pipe, ".in", O_WRONLY, error), in;
	ExaBgp *exabgp;

	if (out < 0)
		return NULL;
	/* ExaBGP opens it for each answer: with a writer of our own it has no end */
	in = open_pipe(settings->exabgp_pipe, ".out", O_RDWR, error);
	if (in < 0) {
		close(out);
		return NULL;
	}
	drain(in);
	exabgp = g_new0(ExaBgp, 1);
	exabgp->base.ops = &l3vm_announcer_exabgp;
	exabgp->as = settings->exabgp_as;
	g_queue_init(&exabgp->unsaid);
	g_queue_init(&exabgp->unanswered);
	exabgp->lines = l3vm_lines_new(in, out, &events, exabgp);
	return &exabgp->base;
}

const L3vmAnnouncerOps l3vm_announcer_exabgp = {
	.name = "exabgp",
	.ranked = true,
	.open = exabgp_open,
	.close = exabgp_close,
	.set = exabgp_set,
	.complete = exabgp_complete,
};
