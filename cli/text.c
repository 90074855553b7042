/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c - words for people: quoting, the nearest known word, wrapping
 *
 * No locale is set, and none is needed: names are UTF-8 by the library's rules,
 * and what is not UTF-8 is shown as bytes.
 */
#include "text.h"

#include <stdbool.h>
#include <string.h>

#define LINE_WIDTH   79
#define QUOTE_LENGTH 60 /* characters of an argument that a message repeats */
#define WORD_LENGTH  32 /* no option or verb is longer; bounds cli_nearest() */

static void append_escaped(GString *out, unsigned char byte)
{
	if (byte == '\n')
		g_string_append(out, "\\n");
	else if (byte == '\t')
		g_string_append(out, "\\t");
	else
		g_string_append_printf(out, "\\x%02x", byte);
}

/* The bytes of the printable character at @text, 0 if there is none.
 * g_unichar_isprint() is false for format characters too, so that a name
 * cannot turn the line's direction around (U+202E). */
static size_t printable_length(const char *text)
{
	gunichar c = g_utf8_get_char_validated(text, -1);

	if (c == (gunichar)-1 || c == (gunichar)-2 || !g_unichar_isprint(c))
		return 0;
	return (size_t)(g_utf8_next_char(text) - text);
}

static char *printable(const char *text, size_t max_chars)
{
	g_autoptr(GString) out = g_string_new(NULL);
	size_t chars = 0;

	while (*text && chars++ < max_chars) {
		size_t n = printable_length(text);

		if (n)
			g_string_append_len(out, text, (gssize)n);
		else
			append_escaped(out, (unsigned char)*text);
		text += n ? n : 1;
	}
	if (*text)
		g_string_append(out, "...");
	return g_string_free(g_steal_pointer(&out), FALSE);
}

char *cli_printable(const char *text)
{
	return printable(text, G_MAXSIZE);
}

char *cli_quote(const char *text)
{
	g_autofree char *shown = printable(text, QUOTE_LENGTH);

	return g_strdup_printf("\"%s\"", shown);
}

/*
 * Optimal string alignment: insertions, deletions, replacements and swaps of
 * neighbours, which is what fingers do. Bytes are compared: all known words
 * are ASCII.
 */
static size_t distance(const char *a, const char *b)
{
	size_t d[WORD_LENGTH + 1][WORD_LENGTH + 1] = { { 0 } };
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD_LENGTH || m > WORD_LENGTH)
		return G_MAXSIZE;
	for (size_t i = 0; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = MIN(MIN(d[i - 1][j], d[i][j - 1]) + 1,
				      d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[n][m];
}

const char *cli_nearest(const char *word, const char *const *known)
{
	const char *nearest = NULL;
	/* One slip in four characters is a slip; more is another word. */
	size_t best = 2 + strlen(word) / 4;

	for (; *known; known++) {
		size_t d = distance(word, *known);

		/* An abbreviation of at least two letters counts as one slip. */
		if (strlen(word) > 1 + strspn(word, "-") &&
		    g_str_has_prefix(*known, word))
			d = 1;
		if (d < best) {
			best = d;
			nearest = *known;
		}
	}
	return nearest;
}

/* East Asian characters take two columns, combining ones none. */
guint cli_width(const char *text)
{
	guint width = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (!g_unichar_iszerowidth(c))
			width += g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

/* The end of the piece at @text that must stay on one line: "[--uuid U]". */
static const char *piece_end(const char *text)
{
	int depth = 0;

	for (; *text && (depth || *text != ' '); text++) {
		if (*text == '[')
			depth++;
		else if (*text == ']')
			depth--;
	}
	return text;
}

/* Widths are counted in bytes: all help is ASCII. */
void cli_wrap(GString *out, const char *text, guint column, guint indent)
{
	bool first = true;

	while (*text) {
		const char *end = piece_end(text);
		guint width = (guint)(end - text);

		if (!first && column + 1 + width > LINE_WIDTH) {
			g_string_append_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append_len(out, text, end - text);
		column += width;
		first = false;
		text = *end ? end + 1 : end;
	}
}
