/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-label.c - how wide a text is, and labels that do not overlap
 *
 * Nobody knows which font a picture will be looked at with. The widths are those
 * of DejaVu Sans, which is wider than the usual sans-serif fonts: a text takes
 * the room that it was given, or less.
 */
#include "timeline-svg.h"

#include "text.h"

#include <string.h>

#define BOLD  1.15 /* DejaVu Sans Bold, in words */
#define GAP   14.0 /* between a label and the next thing */
#define OTHER 0.7  /* a letter that is not ASCII */

/* Of ' ' to '~', in hundredths of the font's size, rounded up. */
static const unsigned char widths[] = {
	32,  41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, /*  !"#$%& */
	64,  64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54, /* 0-9:;<=>? */
	100, 69, 69, 70, 77, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, /* @A-O */
	61,  79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50, /* P-Z[\]^_ */
	50,  62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, /* `a-o */
	64,  64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,	 /* p-z{|}~ */
};

static double char_width(gunichar c)
{
	if (c >= ' ' && c - ' ' < G_N_ELEMENTS(widths))
		return widths[c - ' '] / 100.0;
	if (g_unichar_iszerowidth(c))
		return 0;
	return g_unichar_iswide(c) ? 1.0 : OTHER;
}

double svg_text_width(const char *text, double size, bool bold)
{
	double width = 0;

	for (; *text; text = g_utf8_next_char(text))
		width += char_width(g_utf8_get_char(text));
	return width * size * (bold ? BOLD : 1);
}

/* Cut between characters, with a mark that it was. Done here and not by the
 * viewer: SVG has no such thing. */
char *svg_text_fit(const char *text, double width, double size, bool bold)
{
	g_autofree char *whole = cli_printable(text);
	double room = width - svg_text_width("…", size, bold);
	char *end = whole;

	if (svg_text_width(whole, size, bold) <= width)
		return g_steal_pointer(&whole);
	while (*end && room > 0) {
		room -= char_width(g_utf8_get_char(end)) * size * (bold ? BOLD : 1);
		if (room > 0)
			end = g_utf8_next_char(end);
	}
	*end = '\0';
	return g_strconcat(whole, "…", NULL);
}

void svg_label_clear(void *data)
{
	SvgLabel *label = data;

	g_free(label->title);
	g_free(label->detail);
}

static SvgLabel *label_at(const GArray *labels, guint i)
{
	return &g_array_index(labels, SvgLabel, i);
}

static double width_of(const SvgLabel *label)
{
	double title = svg_text_width(label->title, SVG_LABEL_SIZE, true);
	double detail = svg_text_width(label->detail, SVG_DETAIL_SIZE, false);

	return SVG_POLE + MAX(title, detail);
}

/*
 * From right to left. A label goes above every pole that stands within its
 * width; such a pole is as high as its own label, so that one is above nothing
 * of ours either. Hence no two texts overlap and no pole crosses a text.
 */
static void place_rows(GArray *labels)
{
	for (guint i = labels->len; i-- > 0;) {
		SvgLabel *label = label_at(labels, i);

		label->row = 0;
		for (guint j = i + 1; j < labels->len && !label->left; j++)
			if (label_at(labels, j)->x <= label->x + label->width + GAP)
				label->row = MAX(label->row,
						 label_at(labels, j)->row + 1);
	}
}

/* Whether nothing is to the left of label @i, as far as it would reach. */
static bool has_room(const GArray *labels, guint i, double edge)
{
	double begin = label_at(labels, i)->x - label_at(labels, i)->width - GAP;

	for (guint j = 0; j < i; j++) {
		const SvgLabel *other = label_at(labels, j);

		edge = MAX(edge, other->x + (other->left ? 0 : other->width));
	}
	return begin >= edge;
}

/*
 * A label that would be pushed up hangs to the left where there is nothing at
 * all; then it stays in the lowest row and is in nobody's way. So what comes
 * first, and is mostly what matters, is next to its bar.
 */
void svg_label_place(GArray *labels, double edge)
{
	for (guint i = 0; i < labels->len; i++) {
		label_at(labels, i)->width = width_of(label_at(labels, i));
		label_at(labels, i)->left = false;
	}
	place_rows(labels);
	for (guint i = 0; i < labels->len; i++)
		label_at(labels, i)->left = label_at(labels, i)->row &&
					    has_room(labels, i, edge);
	place_rows(labels);
}

unsigned svg_label_rows(const GArray *labels)
{
	unsigned rows = 0;

	for (guint i = 0; i < labels->len; i++)
		rows = MAX(rows, g_array_index(labels, SvgLabel, i).row + 1);
	return rows;
}
