/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-exec.c - a program of the site's that answers anything: what was taken had been
 * told and was not taken before, and what is said of it is one line
 *
 * The announcer is here without its program, for one process per input would be a
 * hundred inputs a second; its lines are played.
 */
#include "fuzz.h"

#include <announce/announce-exec.c>

#define ROUTES 3

typedef struct Heard {
	unsigned taken, failed;
} Heard;

/* --- the lines, instead of lines.c ------------------------ */

L3vmLines *l3vm_lines_new(int in, int out, const L3vmLinesEvents *events, void *data)
{
	(void)in, (void)out, (void)events, (void)data;
	return NULL;
}

void l3vm_lines_free(L3vmLines *lines)
{
	(void)lines;
}

void l3vm_lines_say(L3vmLines *lines, const char *line)
{
	(void)lines;
	g_assert(*line == '{' && !strchr(line, '\n'));
}

/* -------------------------------------------------------------------- */

static void hear_taken(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank,
		       const char *refusal)
{
	Heard *heard = announcer->data;

	g_assert(rank == L3VM_RANK_NORMAL && dst->family == AF_INET);
	g_assert(!refusal || (fuzz_is_line(refusal) && strlen(refusal) < 1024));
	heard->taken++;
}

static void hear_failed(L3vmAnnouncer *announcer, const char *why)
{
	Heard *heard = announcer->data;

	g_assert(fuzz_is_line(why));
	heard->failed++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	L3vmAddr dst = { .family = AF_INET, .len = 32 };
	Heard heard = { 0 };
	Exec exec = { .base = { .ops = &l3vm_announcer_exec,
				.taken = hear_taken,
				.failed = hear_failed,
				.data = &heard } };

	exec.told = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	say(&exec, "hello", NULL);
	for (dst.bytes[3] = 0; dst.bytes[3] < ROUTES; dst.bytes[3]++)
		exec_set(&exec.base, &dst, L3VM_RANK_NORMAL);
	exec_complete(&exec.base);
	/* who has failed hears no more */
	for (char **line = lines; *line && !heard.failed; line++)
		answered(&exec, *line);
	g_assert(heard.taken + g_hash_table_size(exec.told) == ROUTES);
	g_hash_table_unref(exec.told);
	return 0;
}
