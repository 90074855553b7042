/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-text.c - a move as a table, and what it cost in one line
 *
 * Times are relative to the first event, in milliseconds with microseconds: the
 * interesting ones differ by less than one. Those of two hosts are compared as
 * they are; where they cannot be right, it is said.
 */
#include "timeline.h"

#include "text.h"

#include <time.h>

#define SECOND ((int64_t)1000000)

enum {
	COLUMN_MS,
	COLUMN_HOST,
	COLUMN_IFNAME,
	COLUMN_EVENT,
	COLUMN_EVIDENCE,
	COLUMN_PACKETS,
};

/* The last one only where packets were held: it is wide. The first is as wide as
 * its numbers, which are flush right. */
static const char *const titles[] = { "       MS", "HOST",     "IFNAME",
				      "EVENT",	   "EVIDENCE", NULL };
static const char *const titles_held[] = { "       MS", "HOST",	   "IFNAME", "EVENT",
					   "EVIDENCE",	"PACKETS", NULL };

static const char *const counters[] = {
	[TIMELINE_KEPT] = "kept",
	[TIMELINE_REPLAYED] = "replayed",
	[TIMELINE_DELIVERED] = "delivered",
	[TIMELINE_DROPPED] = "dropped",
};

/* An event and where it was. */
typedef struct Row {
	const TimelineTrack *track;
	const TimelineEvent *event;
} Row;

char *timeline_ms(int64_t usec)
{
	uint64_t size = usec < 0 ? (uint64_t)-usec : (uint64_t)usec;

	return g_strdup_printf("%s%" G_GUINT64_FORMAT ".%03u", usec < 0 ? "-" : "",
			       size / 1000, (unsigned)(size % 1000));
}

/* --- the table ----------------------------------------------------------- */

static gint by_time(gconstpointer a, gconstpointer b)
{
	const Row *x = a, *y = b;

	return x->event->time < y->event->time ? -1 : x->event->time > y->event->time;
}

/* All ports of both hosts, in the order in which it happened, as far as clocks
 * agree; within one port always. */
static GArray *rows_of(const TimelineMove *move)
{
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));

	for (guint i = 0; i < move->tracks->len; i++) {
		const TimelineTrack *track = g_ptr_array_index(move->tracks, i);

		for (guint j = 0; j < track->events->len; j++) {
			Row row = { track,
				    &g_array_index(track->events, TimelineEvent, j) };

			g_array_append_val(rows, row);
		}
	}
	g_array_sort(rows, by_time); /* a stable sort */
	return rows;
}

/* The words of the log where it has any, so that a reader can search for them. */
static char *event_text(const TimelineEvent *event)
{
	g_autofree char *step = NULL;

	switch (event->kind) {
	case TIMELINE_CHANGE:
		return g_strdup_printf("%s -> %s", timeline_state_name(event->from),
				       timeline_state_name(event->to));
	case TIMELINE_EVIDENCE:
		return g_strdup("more evidence");
	case TIMELINE_STOPPED:
		return g_strdup("guest stopped");
	case TIMELINE_DIVERTED:
		return g_strdup("packets diverted");
	case TIMELINE_RELEASED:
		return g_strconcat("released ", event->dst, NULL);
	case TIMELINE_CLOCK:
		step = timeline_ms(event->step);
		return g_strdup_printf("clock set back, %s ms or more", step);
	case TIMELINE_OTHER:
		return g_strdup(event->what);
	}
	return NULL;
}

/* As status colours states, so that both tables read alike. */
static CliColour event_colour(const TimelineEvent *event)
{
	if (event->kind == TIMELINE_CLOCK)
		return CLI_BAD;
	if (event->kind != TIMELINE_CHANGE || event->to == TIMELINE_GONE)
		return CLI_PLAIN;
	return event->to == TIMELINE_LIVE ? CLI_GOOD : CLI_PASSING;
}

/* "131 kept, 8 replayed, 139 delivered, 0 dropped" */
static char *packets_text(const int64_t packets[TIMELINE_COUNTERS])
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (int i = 0; i < TIMELINE_COUNTERS; i++)
		g_string_append_printf(text, "%s%" G_GINT64_FORMAT " %s",
				       text->len ? ", " : "", packets[i], counters[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void add_packets(CliTable *table, const TimelineEvent *event)
{
	g_autofree char *text = packets_text(event->packets);

	cli_table_add_line(table, COLUMN_PACKETS,
			   event->packets[TIMELINE_DROPPED] ? CLI_BAD : CLI_PLAIN,
			   text);
}

static void add_row(CliTable *table, const Row *row, int64_t start)
{
	const TimelineEvent *event = row->event;
	g_autofree char *ms = timeline_ms(event->time - start);
	g_autofree char *aligned = g_strdup_printf("%9s", ms);
	g_autofree char *text = event_text(event);

	cli_table_add_row(table);
	cli_table_add_line(table, COLUMN_MS, CLI_PLAIN, aligned);
	cli_table_add_line(table, COLUMN_HOST, CLI_PLAIN, row->track->host->name);
	cli_table_add_line(table, COLUMN_IFNAME, CLI_PLAIN, row->track->ifname);
	cli_table_add_line(table, COLUMN_EVENT, event_colour(event), text);
	/* what made the line after it known says nothing of a clock */
	if (event->why && event->kind != TIMELINE_CLOCK)
		cli_table_add_line(table, COLUMN_EVIDENCE, CLI_PLAIN, event->why);
	if (event->kind == TIMELINE_RELEASED)
		add_packets(table, event);
}

/* --- the summary --------------------------------------------------------- */

static void add_part(GString *out, const char *format, int64_t usec)
{
	g_autofree char *ms = timeline_ms(usec);

	g_string_append(out, out->len ? "; " : "");
	g_string_append_printf(out, format, ms);
}

/* What the guest's stop was the beginning of. */
static void add_pause(GString *out, const TimelineMove *move)
{
	bool failed = move->outcome == TIMELINE_STAYED;
	int64_t pause;

	if (move->clock_set)
		g_string_append(out, "pause unknown: a host's clock was set back");
	else if (!timeline_move_pause(move, &pause))
		g_string_append(out, "pause unknown");
	else if (pause < 0)
		add_part(out, "the hosts' clocks differ by at least %s ms", -pause);
	else
		add_part(out,
			 failed ? "pause %s ms (stopped -> resumed)"
				: "pause %s ms (stopped -> arrived)",
			 pause);
	if (move->stopped && move->diverted)
		add_part(out, "diverted %s ms after the stop",
			 move->diverted - move->stopped);
}

/* @out has the pause only; its parts are told apart by what follows. */
static void add_times(GString *out, const TimelineMove *move)
{
	if (move->arrived && move->evidence)
		add_part(out, "arrived %s ms after the evidence",
			 move->arrived - move->evidence);
	if (timeline_move_late(move))
		add_part(out, "released %s ms after the arrival",
			 move->released - move->arrived);
	else if (move->stopped && move->released)
		add_part(out, "released %s ms after the stop",
			 move->released - move->stopped);
}

static char *summary(const TimelineMove *move)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *packets = packets_text(move->packets);

	add_pause(text, move);
	if (!move->clock_set)
		add_times(text, move);
	if (move->counted)
		g_string_append_printf(text, "; packets: %s", packets);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* --- the whole ----------------------------------------------------------- */

static void print_head(GString *out, const TimelineMove *move)
{
	g_autofree char *headline = timeline_move_headline(move);
	g_autofree char *text = g_strdup_printf("%s %s", move->guest, headline);
	g_autofree char *shown = cli_printable(text);
	time_t seconds = (time_t)(move->start / SECOND);
	char stamp[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	g_string_append_printf(out, "%s, %s.%06dZ\n", shown, stamp,
			       (int)(move->start % SECOND));
}

void timeline_print(const TimelineMove *move, GString *out, bool colour)
{
	g_autoptr(GArray) rows = rows_of(move);
	g_autoptr(CliTable) table = cli_table_new(move->counted ? titles_held : titles);
	g_autofree char *cost = summary(move);

	for (guint i = 0; i < rows->len; i++)
		add_row(table, &g_array_index(rows, Row, i), move->start);
	print_head(out, move);
	cli_table_print(table, out, colour);
	g_string_append_printf(out, "%s\n", cost);
}
