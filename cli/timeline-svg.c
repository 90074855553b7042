/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-svg.c - moves as one SVG document
 *
 * Self-contained: no script, no font, no link. Colours are chosen for light and
 * for dark; a viewer that does not know the question shows the light ones.
 * Every surface is painted, so that a page around the picture does not matter.
 * One element a line: differences of two pictures can be read.
 */
#include "timeline-svg.h"

#include "text.h"

#define EDGE   16.0 /* around the panels */
#define LEGEND 40.0

/* Colours are told apart by brightness too: for eyes that do not see them. */
static const char style[] =
	"svg{color-scheme:light dark;font-family:system-ui,-apple-system,"
	"\"Segoe UI\",\"Helvetica Neue\",\"DejaVu Sans\",sans-serif}\n"
	"text{fill:#1a2330;font-size:11px;font-variant-numeric:tabular-nums}\n"
	".page{fill:#eef1f5}\n"
	".card{fill:#ffffff;stroke:#dce2ea}\n"
	".cut{fill:#ffffff}\n"
	".title{font-size:19px;font-weight:600}\n"
	".value{font-size:19px;font-weight:600}\n"
	".host{font-size:14px;font-weight:600}\n"
	".label{font-size:12px;font-weight:600}\n"
	".muted{fill:#5a6777}\n"
	".gap{fill:#5a6777;font-style:italic}\n"
	".sub{fill:#5a6777;font-size:12px}\n"
	".name{font-size:12px}\n"
	".bad{fill:#c2255c}\n"
	".grid{stroke:#e8ecf1}\n"
	".axis{stroke:#aab5c2}\n"
	".pole{stroke:#93a1b1}\n"
	".absent{stroke:#aab5c2;stroke-dasharray:2 4}\n"
	".dot{fill:#ffffff;stroke:#3a4756;stroke-width:1.5}\n"
	".prepared{fill:#c4cdd9}\n"
	".arrived{fill:#2563c9}\n"
	".live{fill:#1b8456}\n"
	".leaving{fill:#f2ae43}\n"
	".ended{fill:#c2255c}\n"
	".held{fill:#8463d6}\n"
	".shade{fill:#d6336c;opacity:.09}\n"
	".span{stroke:#d6336c;stroke-width:1.5}\n"
	".pill{fill:#d6336c}\n"
	".on-arrived,.on-live,.on-pill,.on-held{fill:#ffffff}\n"
	"@media (prefers-color-scheme:dark){\n"
	"text{fill:#e4eaf2}\n"
	".page{fill:#0b0f14}\n"
	".card{fill:#141b24;stroke:#2a3644}\n"
	".cut{fill:#141b24}\n"
	".muted,.gap,.sub{fill:#97a6b8}\n"
	".bad{fill:#ff8fb3}\n"
	".grid{stroke:#212b37}\n"
	".axis{stroke:#4b5a6b}\n"
	".pole{stroke:#5d6d7f}\n"
	".absent{stroke:#4b5a6b}\n"
	".dot{fill:#141b24;stroke:#c6d1de}\n"
	".prepared{fill:#465466}\n"
	".arrived{fill:#5e9bf7}\n"
	".live{fill:#37b37e}\n"
	".leaving{fill:#e9a23b}\n"
	".ended{fill:#f0648f}\n"
	".held{fill:#a88df2}\n"
	".shade{fill:#f0648f;opacity:.13}\n"
	".span{stroke:#f0648f}\n"
	".pill{fill:#f0648f}\n"
	".on-arrived,.on-live,.on-leaving,.on-pill,.on-held{fill:#0b121b}\n"
	"}\n";

/* --- elements ------------------------------------------------------------ */

/* Names are the guests' owners' to choose: first what is not printable, which XML
 * may not even hold, then what XML would take for its own. */
static void append_escaped(GString *out, const char *text)
{
	g_autofree char *shown = cli_printable(text);
	g_autofree char *escaped = g_markup_escape_text(shown, -1);

	g_string_append(out, escaped);
}

void svg_text(GString *out, double x, double y, SvgAnchor anchor, const char *class,
	      const char *text)
{
	static const char *const anchors[] = {
		[SVG_START] = "",
		[SVG_MIDDLE] = " text-anchor=\"middle\"",
		[SVG_END] = " text-anchor=\"end\"",
	};

	g_string_append_printf(out, "<text x=\"%.1f\" y=\"%.1f\"%s class=\"%s\">", x, y,
			       anchors[anchor], class);
	append_escaped(out, text);
	g_string_append(out, "</text>\n");
}

void svg_box(GString *out, double x, double y, double width, double height,
	     double radius, const char *class)
{
	g_string_append_printf(out,
			       "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			       "height=\"%.1f\" rx=\"%.1f\" class=\"%s\"/>\n",
			       x, y, MAX(width, 0), height, radius, class);
}

void svg_line(GString *out, double x1, double y1, double x2, double y2,
	      const char *class)
{
	g_string_append_printf(out,
			       "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
			       "y2=\"%.1f\" class=\"%s\"/>\n",
			       x1, y1, x2, y2, class);
}

void svg_title(GString *out, const char *text)
{
	g_string_append(out, "<title>");
	append_escaped(out, text);
	g_string_append(out, "</title>\n");
}

/* --- the document -------------------------------------------------------- */

static const struct Entry {
	const char *class, *text;
} legend[] = {
	{ "live", "live: routes at normal rank" },
	{ "leaving", "leaving: last rank" },
	{ "prepared", "prepared: no routes" },
	{ "arrived", "arrived: preferred rank" },
	{ "held", "packets kept" },
	{ "pill", "the guest stands still" },
};

/* All of it, always: pictures that are compared should have it alike. */
static void draw_legend(GString *out, double top)
{
	double x = EDGE + 24;

	for (size_t i = 0; i < G_N_ELEMENTS(legend); i++) {
		svg_box(out, x, top + 12, 14, 10, 2, legend[i].class);
		svg_text(out, x + 20, top + 21, SVG_START, "muted", legend[i].text);
		x += 20 + svg_text_width(legend[i].text, SVG_DETAIL_SIZE, false) + 20;
	}
}

/* For who cannot see the picture, and for search. */
static void describe(GString *out, const TimelineMove *const *moves, size_t n_moves)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < n_moves; i++) {
		g_autofree char *headline = timeline_move_headline(moves[i]);

		g_string_append_printf(text, "%s%s %s", i ? "; " : "", moves[i]->guest,
				       headline);
	}
	svg_title(out, text->str);
}

GString *timeline_draw(const TimelineMove *const *moves, size_t n_moves)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GString) body = g_string_new(NULL);
	double height = EDGE;

	for (size_t i = 0; i < n_moves; i++)
		height = svg_panel(body, moves[i], height) + EDGE;
	draw_legend(body, height - EDGE);
	height += LEGEND - EDGE;
	g_string_append_printf(out,
			       "<svg xmlns=\"http://www.w3.org/2000/svg\" "
			       "viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
			       "height=\"%.0f\" role=\"img\">\n",
			       SVG_WIDTH, height, SVG_WIDTH, height);
	describe(out, moves, n_moves);
	g_string_append_printf(out, "<style>\n%s</style>\n", style);
	svg_box(out, 0, 0, SVG_WIDTH, height, 0, "page");
	g_string_append_len(out, body->str, (gssize)body->len);
	g_string_append(out, "</svg>\n");
	return out;
}
