/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-svg.h - what the picture of a move is made of
 *
 *   timeline-axis.c   times -> columns, with breaks where nothing happens
 *   timeline-label.c  how wide a text is, and labels that do not overlap
 *   timeline-lane.c   one port
 *   timeline-panel.c  one move
 *   timeline-svg.c    the document, its colours, its elements
 *
 * All lengths are in pixels of a picture that is SVG_WIDTH wide.
 */
#ifndef L3VM_CLI_TIMELINE_SVG_H
#define L3VM_CLI_TIMELINE_SVG_H

#include "timeline.h"

#define SVG_WIDTH 1200.0
#define SVG_CARD  16.0 /* from the picture's edge to the card of a move */
#define SVG_PAD	  24.0 /* and from there to what is in it */
#define SVG_BAR	  26.0 /* height of a port's bar */

/* --- axis ---------------------------------------------------------------- */

/* A stretch of time that is drawn to scale. */
typedef struct SvgPart {
	int64_t from, to;
	double x, end; /* with the margin on both sides */
	double margin; /* from .x to .from */
} SvgPart;

typedef struct SvgAxis {
	GArray *parts; /* of SvgPart, at least one; breaks are between them */
	double left, right;
	double scale; /* of all parts, pixels a microsecond; 0: one moment only */
} SvgAxis;

typedef struct SvgTick {
	double x;
	char *text; /* NULL: only a line */
	bool gap;   /* the length of a break */
} SvgTick;

/* For @times, sorted; nothing between @from and @to is left out. */
void svg_axis_init(SvgAxis *axis, const GArray *times, int64_t from, int64_t to);
void svg_axis_clear(SvgAxis *axis);
/* Spreads it from .left to .right, with @tail after the last time. */
void svg_axis_spread(SvgAxis *axis, double tail);
double svg_axis_x(const SvgAxis *axis, int64_t time);
/* Marks in milliseconds since @origin: SvgTick. */
GArray *svg_axis_ticks(const SvgAxis *axis, int64_t origin);

/* --- labels -------------------------------------------------------------- */

/* At most: fonts differ, and the widest of the usual ones is measured. */
double svg_text_width(const char *text, double size, bool bold);
/* @text, printable, shortened to @width. The caller's. */
char *svg_text_fit(const char *text, double width, double size, bool bold);

#define SVG_LABEL_SIZE	12.0
#define SVG_DETAIL_SIZE 11.0
#define SVG_POLE	5.0 /* from the pole to the text */

/* A flag on a pole: the pole stands at @x, the text hangs to its right or left. */
typedef struct SvgLabel {
	int64_t time;
	char *title, *detail;
	double x, width; /* the width includes the distance from the pole */
	unsigned row;	 /* counted from the lane; the pole is as high */
	bool left;
	bool bad;
} SvgLabel;

void svg_label_clear(void *label);
/* Gives @labels, from left to right, their sides and rows; none goes beyond
 * @edge on the left. */
void svg_label_place(GArray *labels, double edge);
/* How many rows they have. */
unsigned svg_label_rows(const GArray *labels);

/* --- lanes --------------------------------------------------------------- */

typedef struct SvgLane {
	const TimelineTrack *track;
	GArray *labels; /* of SvgLabel */
	bool held;	/* packets were kept */
	double y;	/* of its bar */
} SvgLane;

/* @lane is zero; times are shown relative to @start. */
void svg_lane_init(SvgLane *lane, const TimelineTrack *track, int64_t start);
void svg_lane_clear(void *lane);
/* Places the labels; returns by how much one is beyond the axis' right end. */
double svg_lane_place(SvgLane *lane, const SvgAxis *axis);
/* Puts the lane below @top; returns its lower edge. */
double svg_lane_stack(SvgLane *lane, double top);
void svg_lane_draw(GString *out, const SvgLane *lane, const SvgAxis *axis);
/* What has to lie above all else. */
void svg_lane_draw_labels(GString *out, const SvgLane *lane, const SvgAxis *axis);

/* --- elements ------------------------------------------------------------ */

typedef enum {
	SVG_START,
	SVG_MIDDLE,
	SVG_END,
} SvgAnchor;

/* @class: see the style in timeline-svg.c. */
void svg_text(GString *out, double x, double y, SvgAnchor anchor, const char *class,
	      const char *text);
void svg_box(GString *out, double x, double y, double width, double height,
	     double radius, const char *class);
void svg_line(GString *out, double x1, double y1, double x2, double y2,
	      const char *class);
/* A tooltip of the element that is open. */
void svg_title(GString *out, const char *text);

/* Draws @move with its upper edge at @top; returns the lower edge. */
double svg_panel(GString *out, const TimelineMove *move, double top);

#endif
