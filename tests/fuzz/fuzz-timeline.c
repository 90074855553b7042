/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-timeline.c - logs of other hosts: `l3vm timeline` tells what is in them, as text
 * without control characters and as a picture that is XML
 */
#include "../../cli/timeline.h"
#include "fuzz.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_text(const TimelineMove *move)
{
	g_autofree char *headline = timeline_move_headline(move);
	GString *text = g_string_new(NULL);

	timeline_print(move, text, false);
	g_assert(headline && g_utf8_validate(text->str, (gssize)text->len, NULL));
	for (const char *c = text->str; *c; c++)
		g_assert(*c == '\n' || !g_ascii_iscntrl(*c));
	g_string_free(text, TRUE);
}

static void check_picture(const GPtrArray *moves)
{
	const TimelineMove *const *all = (const TimelineMove *const *)moves->pdata;
	GString *svg = timeline_draw(all, MIN(moves->len, 8));
	xmlDoc *doc = xmlReadMemory(svg->str, (int)svg->len, NULL, NULL,
				    XML_PARSE_NONET | XML_PARSE_HUGE |
					    XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

	g_assert(doc);
	xmlFreeDoc(doc);
	g_string_free(svg, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("events", MFD_CLOEXEC);
	g_autoptr(Timeline) timeline = timeline_new();
	g_autoptr(GPtrArray) moves = NULL;
	char spec[64];

	/* a second host has the same log */
	g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	for (int host = 1; host <= 2; host++) {
		snprintf(spec, sizeof(spec), "hv%d=/proc/self/fd/%d", host, fd);
		g_assert(timeline_read_file(timeline, spec, NULL));
	}
	close(fd);
	moves = timeline_moves(timeline, NULL, NULL);
	for (guint i = 0; moves && i < moves->len; i++)
		check_text(moves->pdata[i]);
	if (moves && moves->len)
		check_picture(moves);
	return 0;
}
