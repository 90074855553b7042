/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * output.c - the standard streams, tables and colour
 *
 * A table is collected before a column's width is known, then printed without
 * a trailing space and without lines: it stays readable for awk and for diff.
 * Long lines are left to the terminal; a table that is cut to its width loses
 * the very column somebody looks for.
 */
#include "output.h"

#include "l3vm.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- standard streams -------------------------------------------------- */

/*
 * A stream that the caller closed gets /dev/null, opened the wrong way round:
 * using it fails as it should ("Bad file descriptor"). Ascending order: open()
 * gives the lowest free number.
 */
void cli_guard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd ? O_RDONLY : O_WRONLY);
	(void)signal(SIGPIPE, SIG_IGN);
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

bool cli_write_output(const GString *out, GError **error)
{
	if (write_all(STDOUT_FILENO, out->str, out->len))
		return true;
	g_set_error(error, L3VM_ERROR, L3VM_ERROR_FAILED,
		    "standard output: %s (the command itself was done)",
		    g_strerror(errno));
	return false;
}

/* One write(), so that lines of programs that share a log do not mix. If
 * standard error fails, there is nowhere left to say so. */
void cli_write_message(const char *message)
{
	g_autofree char *shown = cli_printable(message);
	g_autofree char *line = g_strdup_printf("l3vm: %s\n", shown);

	(void)write_all(STDERR_FILENO, line, strlen(line));
}

bool cli_wants_colour(void)
{
	const char *refused = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(refused && *refused) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

/* --- tables ------------------------------------------------------------ */

typedef struct Line {
	CliColour colour;
	char *text;
} Line;

struct CliTable {
	guint n_columns;
	GPtrArray *cells; /* of GPtrArray of Line*, row by row, titles first */
};

/* Cells are filled line by line, so a line has its own colour: one problem
 * among addresses that are fine. */
static void line_free(void *data)
{
	Line *line = data;

	g_free(line->text);
	g_free(line);
}

CliTable *cli_table_new(const char *const *titles)
{
	CliTable *table = g_new0(CliTable, 1);

	table->n_columns = g_strv_length((char **)titles);
	table->cells =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	cli_table_add_row(table);
	for (guint i = 0; i < table->n_columns; i++)
		cli_table_add_line(table, i, CLI_HEADING, titles[i]);
	return table;
}

void cli_table_free(CliTable *table)
{
	if (!table)
		return;
	g_ptr_array_unref(table->cells);
	g_free(table);
}

void cli_table_add_row(CliTable *table)
{
	for (guint i = 0; i < table->n_columns; i++)
		g_ptr_array_add(table->cells,
				g_ptr_array_new_with_free_func(line_free));
}

/* The library's texts hold what guests and managers named things. */
void cli_table_add_line(CliTable *table, guint column, CliColour colour,
			const char *text)
{
	guint index = table->cells->len - table->n_columns + column;
	Line *line = g_new0(Line, 1);

	line->colour = colour;
	line->text = cli_printable(text);
	g_ptr_array_add(g_ptr_array_index(table->cells, index), line);
}

static const GPtrArray *cell_at(const CliTable *table, guint row, guint column)
{
	return g_ptr_array_index(table->cells, row * table->n_columns + column);
}

/* What the cell has at height @y; NULL: nothing. The dash keeps the number of
 * fields in a row the same for awk. */
static const Line *cell_line(const GPtrArray *cell, guint y)
{
	static const Line nothing = { .colour = CLI_PLAIN, .text = (char *)"-" };

	if (!cell->len && y == 0)
		return &nothing;
	return y < cell->len ? g_ptr_array_index(cell, y) : NULL;
}

static guint column_width(const CliTable *table, guint column)
{
	guint n_rows = table->cells->len / table->n_columns;
	guint width = 0;

	for (guint row = 0; row < n_rows; row++) {
		const GPtrArray *cell = cell_at(table, row, column);

		for (guint y = 0; cell_line(cell, y); y++)
			width = MAX(width, cli_width(cell_line(cell, y)->text));
	}
	return width;
}

static const char *colour_code(CliColour colour)
{
	switch (colour) {
	case CLI_PLAIN:
		return NULL;
	case CLI_GOOD:
		return "\033[32m";
	case CLI_PASSING:
		return "\033[33m";
	case CLI_BAD:
		return "\033[31m";
	case CLI_HEADING:
		return "\033[1m";
	}
	return NULL;
}

/* @pad: columns owed to the cells on the left, written only if something
 * follows them: lines do not end in spaces. */
static void print_line(GString *out, const Line *line, guint pad, bool colour)
{
	const char *code = colour ? colour_code(line->colour) : NULL;

	g_string_append_printf(out, "%*s%s%s%s", (int)pad, "", code ? code : "",
			       line->text, code ? "\033[0m" : "");
}

/* Prints height @y of a row; false if the row is not that high. */
static bool print_height(const CliTable *table, guint row, guint y, const guint *widths,
			 bool colour, GString *out)
{
	guint pad = 0;
	bool any = false;

	for (guint column = 0; column < table->n_columns; column++) {
		const Line *line = cell_line(cell_at(table, row, column), y);

		if (line) {
			print_line(out, line, pad, colour);
			pad = 0;
			any = true;
		}
		pad += widths[column] + 2 - (line ? cli_width(line->text) : 0);
	}
	if (any)
		g_string_append_c(out, '\n');
	return any;
}

void cli_table_print(const CliTable *table, GString *out, bool colour)
{
	g_autofree guint *widths = g_new0(guint, table->n_columns);
	guint n_rows = table->cells->len / table->n_columns;

	for (guint column = 0; column < table->n_columns; column++)
		widths[column] = column_width(table, column);
	for (guint row = 0; row < n_rows; row++)
		for (guint y = 0; print_height(table, row, y, widths, colour, out); y++)
			continue;
}
