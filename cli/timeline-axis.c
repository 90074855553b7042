/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-axis.c - times to columns, with breaks where nothing happens
 *
 * A move is decided within some hundred milliseconds, minutes after it began
 * and half a minute before hold-time is over. One scale for all of it would
 * show three lines; so what is long, empty and not the heart of the move is
 * left out, visibly. All that is drawn has the same scale.
 */
#include "timeline-svg.h"

#include <string.h>

#define MIN_GAP	  ((int64_t)900 * 1000) /* nothing shorter is left out */
#define MIN_DRAWN ((int64_t)20 * 1000)
#define LEAD	  40.0 /* before the first time */
#define MARGIN	  22.0 /* on both sides of a break */
#define BREAK	  40.0
#define MIN_RUN	  120.0 /* what all parts have together, however long labels are */
#define TICK	  78.0	/* between two ticks, at least */

static SvgPart *part_at(const SvgAxis *axis, guint i)
{
	return &g_array_index(axis->parts, SvgPart, i);
}

/* Long is relative: a hold of five seconds makes a second short. What is between
 * @from and @to is the heart, and stays whole however empty it is. */
static bool is_empty(int64_t begin, int64_t end, int64_t from, int64_t to)
{
	int64_t limit = MAX(3 * (to - from), MIN_GAP);

	return end - begin > limit && (end <= from || begin >= to);
}

static int64_t drawn_time(const SvgAxis *axis)
{
	int64_t sum = 0;

	for (guint i = 0; i < axis->parts->len; i++)
		sum += part_at(axis, i)->to - part_at(axis, i)->from;
	return sum;
}

static void add_times(SvgAxis *axis, const GArray *times, int64_t from, int64_t to,
		      bool cut)
{
	for (guint i = 0; i < times->len; i++) {
		int64_t time = g_array_index(times, int64_t, i);
		SvgPart *last = i ? part_at(axis, axis->parts->len - 1) : NULL;
		SvgPart part = { .from = time, .to = time };

		if (last && !(cut && is_empty(last->to, time, from, to)))
			last->to = time;
		else
			g_array_append_val(axis->parts, part);
	}
}

/* Where hardly anything would be left, nothing is left out: there is no heart of
 * the move in it. */
void svg_axis_init(SvgAxis *axis, const GArray *times, int64_t from, int64_t to)
{
	axis->parts = g_array_new(FALSE, TRUE, sizeof(SvgPart));
	add_times(axis, times, from, to, true);
	if (drawn_time(axis) >= MIN_DRAWN)
		return;
	g_array_set_size(axis->parts, 0);
	add_times(axis, times, from, to, false);
}

void svg_axis_clear(SvgAxis *axis)
{
	g_clear_pointer(&axis->parts, g_array_unref);
}

/* What is left for the times themselves. */
static double run_of(const SvgAxis *axis, double tail)
{
	double run = axis->right - axis->left - LEAD - tail -
		     (axis->parts->len - 1) * (2 * MARGIN + BREAK);

	return MAX(run, MIN_RUN);
}

void svg_axis_spread(SvgAxis *axis, double tail)
{
	int64_t sum = drawn_time(axis);
	double x = axis->left;

	axis->scale = sum ? run_of(axis, tail) / (double)sum : 0;
	for (guint i = 0; i < axis->parts->len; i++) {
		SvgPart *part = part_at(axis, i);
		bool last = i + 1 == axis->parts->len;

		part->x = x;
		part->margin = i ? MARGIN : LEAD;
		part->end = x + part->margin +
			    (double)(part->to - part->from) * axis->scale +
			    (last ? tail : MARGIN);
		x = part->end + BREAK;
	}
}

double svg_axis_x(const SvgAxis *axis, int64_t time)
{
	guint i = 0;

	while (i + 1 < axis->parts->len && time > part_at(axis, i)->to)
		i++;
	return part_at(axis, i)->x + part_at(axis, i)->margin +
	       (double)(time - part_at(axis, i)->from) * axis->scale;
}

/* --- ticks --------------------------------------------------------------- */

/* 1, 2, 5, 10, ... microseconds: steps in which people count. */
static int64_t nice_step(double scale)
{
	static const int factors[] = { 1, 2, 5 };

	for (int64_t unit = 1;; unit *= 10)
		for (size_t i = 0; i < G_N_ELEMENTS(factors); i++)
			if ((double)(unit * factors[i]) * scale >= TICK)
				return unit * factors[i];
}

/* As many decimals as the step needs. */
static char *tick_text(int64_t usec, int64_t step)
{
	g_autofree char *ms = timeline_ms(usec);
	int drop = step % 1000 == 0 ? 4 : step % 100 == 0 ? 2 : 0;

	return g_strndup(ms, strlen(ms) - (size_t)drop);
}

/* "29.8 s": for somebody who wants to know how much is left out. */
static char *gap_text(int64_t usec)
{
	int64_t tenths = (usec + 50000) / 100000;

	return g_strdup_printf("%" G_GINT64_FORMAT ".%d s", tenths / 10,
			       (int)(tenths % 10));
}

/* Next to a break two scales of numbers meet. */
static bool has_room(const GArray *ticks, double x, const char *text)
{
	double half = svg_text_width(text, SVG_DETAIL_SIZE, false) / 2 + 5;

	for (guint i = 0; i < ticks->len; i++) {
		const SvgTick *tick = &g_array_index(ticks, SvgTick, i);
		double other =
			tick->text
				? svg_text_width(tick->text, SVG_DETAIL_SIZE, false) / 2
				: 0;

		if (tick->text && ABS(tick->x - x) < half + other)
			return false;
	}
	return true;
}

static void tick_clear(void *data)
{
	g_free(((SvgTick *)data)->text);
}

static void add_tick(GArray *ticks, double x, char *text, bool gap)
{
	SvgTick tick = { .x = x, .gap = gap };

	if (has_room(ticks, x, text))
		tick.text = text;
	else
		g_free(text);
	g_array_append_val(ticks, tick);
}

/* Also in the margins, where the scale goes on, but not before the first event: no
 * number is negative. */
static void add_part_ticks(GArray *ticks, const SvgAxis *axis, const SvgPart *part,
			   int64_t origin)
{
	int64_t step = nice_step(axis->scale);
	int64_t lead = (int64_t)(part->margin / axis->scale);
	int64_t time = MAX(part->from - lead - origin, 0);

	for (time = (time + step - 1) / step * step;; time += step) {
		double x = part->x + part->margin +
			   (double)(time + origin - part->from) * axis->scale;

		if (x > part->end)
			break;
		add_tick(ticks, x, tick_text(time, step), false);
	}
}

/* The breaks first: a number that has no room is missed less than a length. */
GArray *svg_axis_ticks(const SvgAxis *axis, int64_t origin)
{
	GArray *ticks = g_array_new(FALSE, TRUE, sizeof(SvgTick));

	g_array_set_clear_func(ticks, tick_clear);
	for (guint i = 0; i + 1 < axis->parts->len; i++)
		add_tick(ticks, part_at(axis, i)->end + BREAK / 2,
			 gap_text(part_at(axis, i + 1)->from - part_at(axis, i)->to),
			 true);
	for (guint i = 0; axis->scale > 0 && i < axis->parts->len; i++)
		add_part_ticks(ticks, axis, part_at(axis, i), origin);
	return ticks;
}
