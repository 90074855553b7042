/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-exabgp.c - an ExaBGP that answers anything: it gets nothing but commands, one a
 * line, and what it has taken is what was told, in that order
 */
#include "fuzz.h"

#include <announce/announcer.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUTES 5

typedef struct Heard {
	unsigned taken, failed;
} Heard;

static void hear_taken(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank,
		       const char *refusal)
{
	Heard *heard = announcer->data;

	g_assert(rank == L3VM_RANK_PREFERRED && dst->bytes[3] == heard->taken);
	g_assert(!refusal || fuzz_is_line(refusal));
	heard->taken++;
}

static void hear_failed(L3vmAnnouncer *announcer, const char *why)
{
	g_assert(fuzz_is_line(why));
	((Heard *)announcer->data)->failed++;
}

/* --- the pipes, and both of their other ends ------------------------ */

static char dir[] = "/tmp/l3vm-fuzz-XXXXXX";
static char *base;
static int in, out;

static int make_pipe(const char *ending)
{
	g_autofree char *path = g_strconcat(base, ending, NULL);
	int fd;

	g_assert(mkfifo(path, 0600) == 0);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	g_assert(fd >= 0);
	return fd;
}

static void remove_pipes(void)
{
	g_autofree char *in_path = g_strconcat(base, ".in", NULL);
	g_autofree char *out_path = g_strconcat(base, ".out", NULL);

	unlink(in_path);
	unlink(out_path);
	rmdir(dir);
}

static void make_pipes(void)
{
	g_assert(g_mkdtemp(dir));
	base = g_build_filename(dir, "exabgp", NULL);
	atexit(remove_pipes);
	in = make_pipe(".in");
	out = make_pipe(".out");
}

static void check_commands(int fd)
{
	char text[8192];
	ssize_t size = read(fd, text, sizeof(text) - 1);
	g_auto(GStrv) lines = NULL;

	text[MAX(size, 0)] = '\0';
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line && **line; line++)
		g_assert(g_str_has_prefix(*line, "announce route 10.0.0.") ||
			 g_str_has_prefix(*line, "announce eor ipv"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	L3vmAnnouncing settings = { .exabgp_as = 64512 };
	L3vmAddr dst = { .family = AF_INET, .len = 32, .bytes = { 10 } };
	L3vmAnnouncer *announcer;
	Heard heard = { 0 };

	if (!base)
		make_pipes();
	settings.exabgp_pipe = base;
	announcer = l3vm_announcer_exabgp.open(&settings, NULL);
	g_assert(announcer);
	announcer->taken = hear_taken;
	announcer->failed = hear_failed;
	announcer->data = &heard;
	for (; dst.bytes[3] < ROUTES; dst.bytes[3]++)
		l3vm_announcer_exabgp.set(announcer, &dst, L3VM_RANK_PREFERRED);
	l3vm_announcer_exabgp.complete(announcer);
	/* what does not fit into the pipe is not said */
	(void)!write(out, data, size);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert(heard.taken <= ROUTES && heard.failed <= 1);
	check_commands(in);
	l3vm_announcer_exabgp.close(announcer);
	return 0;
}
