/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-panel.c - one move as a picture
 *
 * A lane for each port: a bar coloured by its state. The source's lanes are
 * above with their labels above them, the target's below with theirs below, so
 * that the middle is free for what a move is about: the guest's pause, from the
 * end of one bar's use to the beginning of the other's. Below the source's bar
 * are the packets that were kept.
 */
#include "timeline-svg.h"

#include <string.h>
#include <time.h>

#define SECOND	   ((int64_t)1000000)
#define HEAD	   74.0
#define HEAD_SIZE  19.0
#define NAME_MIN   120.0 /* of the guest, in the head */
#define STAT	   128.0 /* the width of a figure in the head */
#define MIDDLE	   40.0	 /* for the pause */
#define LANE_GAP   18.0
#define AXIS	   34.0
#define GUTTER	   110.0 /* for the names of hosts: at least, at most */
#define GUTTER_MAX 190.0
#define ROLE	   70.0 /* "source" in front of an interface */

typedef struct Panel {
	GString *out;
	const TimelineMove *move;
	SvgAxis axis;
	GArray *lanes;		    /* of SvgLane */
	double top, middle, bottom; /* of the card; of the pause; of the lanes */
	bool has_middle;
	int64_t pause;
} Panel;

static SvgLane *lane_at(const Panel *panel, guint i)
{
	return &g_array_index(panel->lanes, SvgLane, i);
}

static double x_of(const Panel *panel, int64_t time)
{
	return svg_axis_x(&panel->axis, time);
}

/* "256.8": a figure that is read, not compared. */
static char *rough_ms(int64_t usec)
{
	int64_t tenths = (usec + 50) / 100;

	return g_strdup_printf("%" G_GINT64_FORMAT ".%d", tenths / 10,
			       (int)(tenths % 10));
}

/* --- layout -------------------------------------------------------------- */

static gint compare_times(gconstpointer a, gconstpointer b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The heart of a move is from the guest's stop to the last of what it caused. */
static void init_axis(Panel *panel)
{
	const TimelineMove *move = panel->move;
	g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(int64_t));
	int64_t end = MAX(move->arrived ? move->arrived : move->resumed,
			  move->released);
	int64_t begin = move->stopped ? move->stopped : end;

	for (guint i = 0; i < panel->lanes->len; i++) {
		const TimelineTrack *track = lane_at(panel, i)->track;

		for (guint j = 0; j < track->events->len; j++)
			g_array_append_val(
				times,
				g_array_index(track->events, TimelineEvent, j).time);
	}
	g_array_sort(times, compare_times);
	svg_axis_init(&panel->axis, times, begin, MAX(begin, end));
}

/* As wide as the names need, within reason. */
static double gutter(const Panel *panel)
{
	double width = GUTTER;

	for (guint i = 0; i < panel->lanes->len; i++) {
		const TimelineTrack *track = lane_at(panel, i)->track;

		width = MAX(width, svg_text_width(track->host->name, 14, true) + 16);
		width = MAX(width,
			    svg_text_width(track->ifname, SVG_DETAIL_SIZE, false) +
				    ROLE);
	}
	return MIN(width, GUTTER_MAX);
}

/* The last labels decide where the last time is, and that decides where they
 * are: some rounds bring both together. */
static void spread(Panel *panel)
{
	double tail = LANE_GAP, more = 0;

	panel->axis.left = SVG_CARD + SVG_PAD + gutter(panel);
	panel->axis.right = SVG_WIDTH - SVG_CARD - SVG_PAD;
	for (int round = 0; round < 8; round++) {
		tail += more;
		svg_axis_spread(&panel->axis, tail);
		more = 0;
		for (guint i = 0; i < panel->lanes->len; i++)
			more = MAX(more,
				   svg_lane_place(lane_at(panel, i), &panel->axis));
		if (more < 0.5)
			break;
	}
}

/* From top to bottom; the pause is between the source's lanes and the target's, or
 * below those of the only host. */
static void stack(Panel *panel)
{
	double y = panel->top + HEAD;
	bool placed = false;

	for (guint i = 0; i < panel->lanes->len; i++) {
		SvgLane *lane = lane_at(panel, i);

		if (!placed && lane->track->role == TIMELINE_TARGET) {
			panel->middle = y;
			y += panel->has_middle ? MIDDLE : 0;
			placed = true;
		}
		y = svg_lane_stack(lane, y) + LANE_GAP;
	}
	if (!placed) {
		panel->middle = y;
		y += panel->has_middle ? MIDDLE : 0;
	}
	panel->bottom = y;
}

/* --- the pause ----------------------------------------------------------- */

/* Across all lanes, behind them: while the guest stands still, nobody is served,
 * whatever a port's state says. */
static void draw_shade(const Panel *panel)
{
	const SvgLane *first = lane_at(panel, 0);
	const SvgLane *last = lane_at(panel, panel->lanes->len - 1);
	double from = x_of(panel, panel->move->stopped);
	double to = x_of(panel, panel->move->stopped + panel->pause);
	double end = MAX(last->y + SVG_BAR, panel->middle + MIDDLE - LANE_GAP);

	svg_box(panel->out, from, first->y, MAX(to - from, 1), end - first->y, 0,
		"shade");
}

/* The figure stands in the middle of its length, or beside it. */
static void draw_pause(const Panel *panel)
{
	double y = panel->middle + MIDDLE / 2 - LANE_GAP / 2;
	double from = x_of(panel, panel->move->stopped);
	double to = x_of(panel, panel->move->stopped + panel->pause);
	g_autofree char *ms = rough_ms(panel->pause);
	g_autofree char *text = g_strdup_printf("pause %s ms", ms);
	double width = svg_text_width(text, SVG_LABEL_SIZE, true) + 20;
	double middle = (from + to) / 2;

	svg_line(panel->out, from, y, to, y, "span");
	svg_line(panel->out, from, y - 6, from, y + 6, "span");
	svg_line(panel->out, to, y - 6, to, y + 6, "span");
	if (width + 16 > to - from)
		middle = to + 10 + width <= panel->axis.right ? to + 10 + width / 2
							      : from - 10 - width / 2;
	svg_box(panel->out, middle - width / 2, y - 10, width, 20, 10, "pill");
	svg_text(panel->out, middle, y + 4, SVG_MIDDLE, "label on-pill", text);
}

/* --- the axis ------------------------------------------------------------ */

static void draw_axis(const Panel *panel)
{
	g_autoptr(GArray) ticks = svg_axis_ticks(&panel->axis, panel->move->start);
	double y = panel->bottom;

	for (guint i = 0; i < ticks->len; i++) {
		const SvgTick *tick = &g_array_index(ticks, SvgTick, i);

		if (!tick->gap)
			svg_line(panel->out, tick->x, panel->top + HEAD, tick->x, y + 4,
				 "grid");
	}
	svg_line(panel->out, panel->axis.left, y, panel->axis.right, y, "axis");
	svg_text(panel->out, panel->axis.left - 12, y + 18, SVG_END, "muted", "ms");
	for (guint i = 0; i < ticks->len; i++) {
		const SvgTick *tick = &g_array_index(ticks, SvgTick, i);

		if (tick->text)
			svg_text(panel->out, tick->x, y + 18, SVG_MIDDLE,
				 tick->gap ? "gap" : "muted", tick->text);
	}
}

/* Two slanted edges with the card between them: nobody takes that for a line
 * that goes on. */
static void draw_cut(const Panel *panel, double x, double y, double height)
{
	g_string_append_printf(panel->out,
			       "<path d=\"M%.1f %.1fl-8 %.1fh8l8 -%.1fz\" "
			       "class=\"cut\"/>\n",
			       x, y, height, height);
	svg_line(panel->out, x, y, x - 8, y + height, "axis");
	svg_line(panel->out, x + 8, y, x, y + height, "axis");
}

/* Through each bar and the axis: nowhere in the picture is a gap to be
 * overlooked. */
static void draw_cuts(const Panel *panel)
{
	for (guint i = 0; i + 1 < panel->axis.parts->len; i++) {
		SvgPart *parts = &g_array_index(panel->axis.parts, SvgPart, 0);
		double x = (parts[i].end + parts[i + 1].x) / 2;

		for (guint j = 0; j < panel->lanes->len; j++)
			draw_cut(panel, x, lane_at(panel, j)->y - 3, SVG_BAR + 6);
		draw_cut(panel, x, panel->bottom - 5, 10);
	}
}

/* --- the head ------------------------------------------------------------ */

static const char *outcome_class(TimelineOutcome outcome)
{
	switch (outcome) {
	case TIMELINE_MOVED:
		return "live";
	case TIMELINE_STAYED:
		return "leaving";
	case TIMELINE_ENDED:
		return "ended";
	case TIMELINE_UNDER_WAY:
		return "arrived";
	}
	return NULL;
}

/* From the right; returns what is free to the left of it. */
static double draw_stat(const Panel *panel, double right, const char *value,
			const char *name, bool bad)
{
	svg_text(panel->out, right, panel->top + 32, SVG_END,
		 bad ? "value bad" : "value", value);
	svg_text(panel->out, right, panel->top + 49, SVG_END, "muted", name);
	return right - MAX(STAT, svg_text_width(value, HEAD_SIZE, true) + 24);
}

/* Dropped ones are the one figure that should be zero: it has the corner. */
static double draw_packet_stats(const Panel *panel, double right)
{
	const int64_t *packets = panel->move->packets;
	g_autofree char *dropped = g_strdup_printf("%" G_GINT64_FORMAT,
						   packets[TIMELINE_DROPPED]);
	g_autofree char *delivered = g_strdup_printf("%" G_GINT64_FORMAT,
						     packets[TIMELINE_DELIVERED]);

	right = draw_stat(panel, right, dropped, "packets dropped",
			  packets[TIMELINE_DROPPED]);
	return draw_stat(panel, right, delivered, "packets delivered", false);
}

static double draw_stats(const Panel *panel)
{
	const TimelineMove *move = panel->move;
	double right = panel->axis.right;
	g_autofree char *late = rough_ms(move->released - move->arrived);
	g_autofree char *pause = rough_ms(panel->pause);
	g_autofree char *late_ms = g_strconcat(late, " ms", NULL);
	g_autofree char *pause_ms = g_strconcat(pause, " ms", NULL);

	if (move->counted)
		right = draw_packet_stats(panel, right);
	if (timeline_move_late(move))
		right = draw_stat(panel, right, late_ms, "arrival to release", false);
	if (panel->has_middle)
		right = draw_stat(panel, right, pause_ms, "pause of the guest", false);
	return right;
}

/* When it was and whose it was; clocks that disagree are worth more. */
static char *subtitle(const Panel *panel)
{
	const TimelineMove *move = panel->move;
	time_t seconds = (time_t)(move->start / SECOND);
	g_autofree char *off = timeline_ms(-panel->pause);
	char stamp[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
	if (panel->pause < 0)
		return g_strdup_printf("%s.%06d UTC · the hosts' clocks differ by at "
				       "least %s ms",
				       stamp, (int)(move->start % SECOND), off);
	return g_strdup_printf("%s.%06d UTC%s%s", stamp, (int)(move->start % SECOND),
			       move->uuid ? " · " : "", move->uuid ? move->uuid : "");
}

/* A long name gives way to what became of the guest. */
static char *head_text(const Panel *panel, double width)
{
	g_autofree char *headline = timeline_move_headline(panel->move);
	double rest = width - svg_text_width(headline, HEAD_SIZE, true) - 10;
	g_autofree char *guest = svg_text_fit(panel->move->guest, MAX(rest, NAME_MIN),
					      HEAD_SIZE, true);
	g_autofree char *text = g_strdup_printf("%s %s", guest, headline);

	return svg_text_fit(text, width, HEAD_SIZE, true);
}

static void draw_head(const Panel *panel)
{
	double x = SVG_CARD + SVG_PAD, width = draw_stats(panel) - x - 20;
	g_autofree char *title = head_text(panel, width);
	g_autofree char *when = subtitle(panel);
	g_autofree char *sub = svg_text_fit(when, width + 20, 12, false);

	g_string_append_printf(panel->out,
			       "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" "
			       "class=\"%s\"/>\n",
			       x + 6, panel->top + 25.5,
			       outcome_class(panel->move->outcome));
	svg_text(panel->out, x + 20, panel->top + 32, SVG_START, "title", title);
	svg_text(panel->out, x + 20, panel->top + 50, SVG_START,
		 panel->pause < 0 ? "sub bad" : "sub", sub);
}

/* --- the panel ----------------------------------------------------------- */

/* What is drawn later lies above. */
static void draw_lanes(const Panel *panel)
{
	for (guint i = 0; i < panel->lanes->len; i++)
		svg_lane_draw(panel->out, lane_at(panel, i), &panel->axis);
	draw_cuts(panel);
	for (guint i = 0; i < panel->lanes->len; i++)
		svg_lane_draw_labels(panel->out, lane_at(panel, i), &panel->axis);
}

static void lay_out(Panel *panel)
{
	const TimelineMove *move = panel->move;
	int64_t pause = 0;

	panel->has_middle = timeline_move_pause(move, &pause) && pause >= 0;
	panel->pause = pause;
	for (guint i = 0; i < move->tracks->len; i++) {
		SvgLane lane = { .held = false };

		svg_lane_init(&lane, g_ptr_array_index(move->tracks, i), move->start);
		g_array_append_val(panel->lanes, lane);
	}
	init_axis(panel);
	spread(panel);
	stack(panel);
}

double svg_panel(GString *out, const TimelineMove *move, double top)
{
	Panel panel = { .out = out, .move = move, .top = top };
	double end;

	panel.lanes = g_array_new(FALSE, TRUE, sizeof(SvgLane));
	g_array_set_clear_func(panel.lanes, svg_lane_clear);
	lay_out(&panel);
	end = panel.bottom + AXIS;
	svg_box(out, SVG_CARD + 0.5, top + 0.5, SVG_WIDTH - 2 * SVG_CARD - 1, end - top,
		10, "card");
	draw_head(&panel);
	draw_axis(&panel);
	if (panel.has_middle)
		draw_shade(&panel);
	draw_lanes(&panel);
	if (panel.has_middle)
		draw_pause(&panel);
	svg_axis_clear(&panel.axis);
	g_array_unref(panel.lanes);
	return end;
}
