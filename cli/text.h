/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text.h - words for people: quoting, the nearest known word, wrapping */
#ifndef L3VM_CLI_TEXT_H
#define L3VM_CLI_TEXT_H

#include <glib.h>

/*
 * @text with everything that is not printable UTF-8 shown as an escape:
 * arguments and guests' names may carry newlines or terminal sequences. All
 * functions here return text that belongs to the caller, or a borrowed word.
 */
char *cli_printable(const char *text);

/* @text between quotes, printable and shortened if it is long. */
char *cli_quote(const char *text);

/* The one of @known (NULL-terminated) that @word was meant to be, or NULL. */
const char *cli_nearest(const char *word, const char *const *known);

/* Columns of a terminal that @text (printable) takes. */
guint cli_width(const char *text);

/*
 * Appends @text to @out, broken at spaces outside brackets so that no line is
 * longer than 79 columns; lines after the first are indented by @indent, and
 * the first starts at column @column.
 */
void cli_wrap(GString *out, const char *text, guint column, guint indent);

#endif
