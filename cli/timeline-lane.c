/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-lane.c - one port in the picture of a move
 *
 * A bar coloured by the port's state, with a dot and a label for each thing that
 * happened. What is alike is one label, and what changes nothing is not worth
 * many: the text has it all.
 */
#include "timeline-svg.h"

#define BAR	   SVG_BAR
#define STRIP	   20.0 /* for the packets kept */
#define ROW	   32.0 /* of labels */
#define LABEL_MAX  230.0
#define LABELS_MAX 16 /* of a lane; the others are dots */
#define NOTES_MAX  4  /* and of these such as change nothing */

static const TimelineEvent *event_at(const TimelineTrack *track, guint i)
{
	return &g_array_index(track->events, TimelineEvent, i);
}

static SvgLabel *label_at(const SvgLane *lane, guint i)
{
	return &g_array_index(lane->labels, SvgLabel, i);
}

static bool is_above(const SvgLane *lane)
{
	return lane->track->role == TIMELINE_SOURCE;
}

/* --- labels -------------------------------------------------------------- */

/* For a change the new state: the old one is what the bar shows to the left. */
static char *label_title(const TimelineEvent *event, guint n_same)
{
	switch (event->kind) {
	case TIMELINE_CHANGE:
		return g_strdup(timeline_state_name(event->to));
	case TIMELINE_EVIDENCE:
		return g_strdup(event->why ? event->why : "evidence");
	case TIMELINE_STOPPED:
		return g_strdup("guest stopped");
	case TIMELINE_DIVERTED:
		return g_strdup("diverted");
	case TIMELINE_RELEASED:
		return n_same > 1 ? g_strdup_printf("released %u routes", n_same)
				  : g_strconcat("released ", event->dst, NULL);
	case TIMELINE_CLOCK:
		return g_strdup("clock set back");
	case TIMELINE_OTHER:
		return g_strdup(event->what);
	}
	return NULL;
}

static char *label_detail(const TimelineEvent *event, int64_t start)
{
	g_autofree char *ms = timeline_ms(
		event->kind == TIMELINE_CLOCK ? event->step : event->time - start);
	const char *why = event->kind == TIMELINE_EVIDENCE ? "more evidence"
							   : event->why;

	if (event->kind == TIMELINE_CLOCK)
		return g_strdup_printf("%s ms or more", ms);
	return g_strconcat(ms, " ms", why ? " · " : NULL, why, NULL);
}

static void add_label(GArray *labels, const TimelineEvent *event, guint n_same,
		      int64_t start)
{
	g_autofree char *title = label_title(event, n_same);
	g_autofree char *detail = label_detail(event, start);
	SvgLabel label = { .time = event->time };

	label.title = svg_text_fit(title, LABEL_MAX, SVG_LABEL_SIZE, true);
	label.detail = svg_text_fit(detail, LABEL_MAX, SVG_DETAIL_SIZE, false);
	label.bad = event->kind == TIMELINE_CLOCK;
	g_array_append_val(labels, label);
}

/* Releases that follow one another are one thing to look at: a guest has a
 * route for each of its addresses. */
static guint count_releases(const TimelineTrack *track, guint first)
{
	guint n = 0;

	while (first + n < track->events->len &&
	       event_at(track, first + n)->kind == TIMELINE_RELEASED &&
	       !g_strcmp0(event_at(track, first + n)->why, event_at(track, first)->why))
		n++;
	return n;
}

/* The diversion has no label: the packets' band begins with it. A guest may send
 * any number of frames that prove what is known. */
static bool is_labelled(const TimelineEvent *event, unsigned *notes)
{
	if (event->kind == TIMELINE_EVIDENCE || event->kind == TIMELINE_OTHER)
		return ++*notes <= NOTES_MAX;
	return event->kind != TIMELINE_DIVERTED;
}

static GArray *make_labels(const TimelineTrack *track, int64_t start)
{
	GArray *labels = g_array_new(FALSE, TRUE, sizeof(SvgLabel));
	unsigned notes = 0;

	g_array_set_clear_func(labels, svg_label_clear);
	for (guint i = 0; i < track->events->len && labels->len < LABELS_MAX;) {
		guint n_same = MAX(count_releases(track, i), 1);

		if (is_labelled(event_at(track, i), &notes))
			add_label(labels, event_at(track, i), n_same, start);
		i += n_same;
	}
	return labels;
}

/* --- layout -------------------------------------------------------------- */

void svg_lane_init(SvgLane *lane, const TimelineTrack *track, int64_t start)
{
	lane->track = track;
	lane->labels = make_labels(track, start);
	/* a target holds nothing, whatever a broken log says: its strip would be
	 * where its labels are */
	for (guint i = 0; is_above(lane) && i < track->events->len; i++) {
		TimelineKind kind = event_at(track, i)->kind;

		lane->held |= kind == TIMELINE_DIVERTED || kind == TIMELINE_RELEASED;
	}
}

void svg_lane_clear(void *data)
{
	g_array_unref(((SvgLane *)data)->labels);
}

double svg_lane_place(SvgLane *lane, const SvgAxis *axis)
{
	double overhang = 0;

	for (guint i = 0; i < lane->labels->len; i++)
		label_at(lane, i)->x = svg_axis_x(axis, label_at(lane, i)->time);
	svg_label_place(lane->labels, axis->left);
	for (guint i = 0; i < lane->labels->len; i++) {
		const SvgLabel *label = label_at(lane, i);

		if (!label->left)
			overhang = MAX(overhang, label->x + label->width - axis->right);
	}
	return overhang;
}

double svg_lane_stack(SvgLane *lane, double top)
{
	double labels = svg_label_rows(lane->labels) * ROW;

	lane->y = is_above(lane) ? top + labels + 4 : top;
	return lane->y + BAR + (lane->held ? STRIP : 0) + (is_above(lane) ? 0 : labels);
}

/* --- lanes --------------------------------------------------------------- */

/* Where @width fits between @from and @to without a cut in it; negative if it
 * does not. */
static double find_room(const SvgAxis *axis, double from, double to, double width)
{
	for (guint i = 0; i < axis->parts->len; i++) {
		const SvgPart *part = &g_array_index(axis->parts, SvgPart, i);
		double x = MAX(from, part->x);

		if (x + width < MIN(to, part->end))
			return x;
	}
	return -1;
}

/* A name is written where it fits; the colour says it everywhere. */
static void draw_state(GString *out, const SvgAxis *axis, TimelineState state,
		       double from, double to, double y)
{
	const char *name = timeline_state_name(state);
	g_autofree char *class = g_strdup_printf("name on-%s", name);
	double x = find_room(axis, from, to,
			     svg_text_width(name, SVG_LABEL_SIZE, false) + 16);

	if (state == TIMELINE_GONE) {
		svg_line(out, from, y + BAR / 2, to, y + BAR / 2, "absent");
		return;
	}
	svg_box(out, from, y, to - from - 1, BAR, 3, name);
	if (x >= 0)
		svg_text(out, x + 8, y + BAR / 2 + 4, SVG_START, class, name);
}

/* The bar goes on to both edges: the port was something before its first event,
 * and is something after its last. */
static void draw_bar(GString *out, const SvgLane *lane, const SvgAxis *axis)
{
	const TimelineTrack *track = lane->track;
	TimelineState state = track->before;
	double from = axis->left;

	for (guint i = 0; i < track->events->len; i++) {
		const TimelineEvent *event = event_at(track, i);
		double x;

		if (event->kind != TIMELINE_CHANGE)
			continue;
		x = svg_axis_x(axis, event->time);
		draw_state(out, axis, state, from, x, lane->y);
		state = event->to;
		from = x;
	}
	draw_state(out, axis, state, from, axis->right, lane->y);
}

static void draw_names(GString *out, const SvgLane *lane, const SvgAxis *axis)
{
	const TimelineTrack *track = lane->track;
	double x = SVG_CARD + SVG_PAD, width = axis->left - x - 12;
	g_autofree char *host = svg_text_fit(track->host->name, width, 14, true);
	g_autofree char *text = g_strdup_printf(
		"%s · %s", track->role == TIMELINE_SOURCE ? "source" : "target",
		track->ifname);
	g_autofree char *port = svg_text_fit(text, width, SVG_DETAIL_SIZE, false);

	svg_text(out, x, lane->y + 10, SVG_START, "host", host);
	svg_text(out, x, lane->y + 25, SVG_START, "muted", port);
}

/* Tooltips have it all: texts may have been shortened. */
static void draw_label(GString *out, const SvgLane *lane, const SvgLabel *label)
{
	bool above = is_above(lane);
	double foot = above ? lane->y : lane->y + BAR;
	double far = above ? foot - 4 - (label->row + 1) * ROW + 6
			   : foot + 4 + (label->row + 1) * ROW - 6;
	double y = above ? far : far - ROW + 10;
	double x = label->left ? label->x - SVG_POLE : label->x + SVG_POLE;
	SvgAnchor anchor = label->left ? SVG_END : SVG_START;
	g_autofree char *tip = g_strdup_printf("%s, %s", label->title, label->detail);

	g_string_append(out, "<g>\n");
	svg_title(out, tip);
	svg_line(out, label->x, above ? lane->y : lane->y + BAR, label->x, far, "pole");
	svg_text(out, x, y + 9, anchor, label->bad ? "label bad" : "label",
		 label->title);
	svg_text(out, x, y + 22, anchor, "muted", label->detail);
	g_string_append(out, "</g>\n");
}

/* On the edge that the poles stand on; also for what has no label. */
static void draw_dots(GString *out, const SvgLane *lane, const SvgAxis *axis)
{
	bool above = is_above(lane);

	for (guint i = 0; i < lane->track->events->len; i++)
		g_string_append_printf(
			out,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" class=\"dot\"/>\n",
			svg_axis_x(axis, event_at(lane->track, i)->time),
			above ? lane->y : lane->y + BAR);
}

/* --- the packets --------------------------------------------------------- */

typedef struct Held {
	int64_t from, to;
	bool counted;
	int64_t packets[TIMELINE_COUNTERS];
} Held;

/* A hold that has no end goes on, or did so at least until the last that is
 * known; .to is 0 in the first case. */
static Held sum_held(const TimelineTrack *track)
{
	Held held = { .from = 0 };

	for (guint i = 0; i < track->events->len; i++) {
		const TimelineEvent *event = event_at(track, i);

		if (event->kind == TIMELINE_STOPPED ||
		    event->kind == TIMELINE_DIVERTED || !held.from)
			held.from = held.counted ? held.from : event->time;
		if (event->kind != TIMELINE_RELEASED)
			continue;
		held.to = event->time;
		held.counted = true;
		for (int j = 0; j < TIMELINE_COUNTERS; j++)
			held.packets[j] += event->packets[j];
	}
	if (!held.to && !track->open)
		held.to = timeline_track_end(track);
	return held;
}

/* Kept and replayed apart: a packet that is replayed may have reached the guest
 * before it stopped, and comes twice then. */
static char *held_text(const Held *held)
{
	if (!held->counted)
		return g_strdup("packets kept");
	return g_strdup_printf("%" G_GINT64_FORMAT " kept + %" G_GINT64_FORMAT
			       " replayed: %" G_GINT64_FORMAT
			       " delivered, %" G_GINT64_FORMAT " dropped",
			       held->packets[TIMELINE_KEPT],
			       held->packets[TIMELINE_REPLAYED],
			       held->packets[TIMELINE_DELIVERED],
			       held->packets[TIMELINE_DROPPED]);
}

/* Beside the band, where there is room; a band that leaves none has it itself. */
static void draw_held(GString *out, const SvgLane *lane, const SvgAxis *axis)
{
	Held held = sum_held(lane->track);
	double from = svg_axis_x(axis, held.from);
	double to = held.to ? svg_axis_x(axis, held.to) : axis->right;
	double top = lane->y + BAR + 4;
	g_autofree char *text = held_text(&held);
	double room = svg_text_width(text, SVG_DETAIL_SIZE, false) + 8;
	const char *class = held.packets[TIMELINE_DROPPED] ? "bad" : "muted";
	bool right = to + room <= axis->right, left = from - room >= axis->left;

	if (!right && !left) {
		svg_box(out, from, top, to - from, 14, 2, "held");
		svg_text(out, (from + to) / 2, top + 11, SVG_MIDDLE, "on-held", text);
		return;
	}
	svg_box(out, from, top + 1, MAX(to - from, 2), 10, 2, "held");
	svg_text(out, right ? to + 8 : from - 8, top + 10, right ? SVG_START : SVG_END,
		 class, text);
}

/* --- all of it ----------------------------------------------------------- */

void svg_lane_draw(GString *out, const SvgLane *lane, const SvgAxis *axis)
{
	draw_names(out, lane, axis);
	draw_bar(out, lane, axis);
	if (lane->held)
		draw_held(out, lane, axis);
}

void svg_lane_draw_labels(GString *out, const SvgLane *lane, const SvgAxis *axis)
{
	for (guint i = 0; i < lane->labels->len; i++)
		draw_label(out, lane, label_at(lane, i));
	draw_dots(out, lane, axis);
}
