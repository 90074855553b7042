/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* output.h - the standard streams, tables and colour */
#ifndef L3VM_CLI_OUTPUT_H
#define L3VM_CLI_OUTPUT_H

#include <glib.h>
#include <stdbool.h>

/*
 * Call first. Makes sure that descriptors 0 to 2 are taken, so that no file of
 * the library ends up where a later message is written, and that a closed pipe
 * is an error of write() and not the end of the process.
 */
void cli_guard_streams(void);

/* Writes all of @out to standard output. */
bool cli_write_output(const GString *out, GError **error);

/* Writes "l3vm: @message" to standard error as one printable line. */
void cli_write_message(const char *message);

typedef enum {
	CLI_PLAIN,
	CLI_GOOD,    /* as it should be */
	CLI_PASSING, /* a state that will not last */
	CLI_BAD,     /* needs somebody's attention */
	CLI_HEADING,
} CliColour;

/* Whether standard output is a terminal whose owner has not refused colour
 * (https://no-color.org). */
bool cli_wants_colour(void);

/* Rows of cells; a cell may have several lines. */
typedef struct CliTable CliTable;

/* @titles: NULL-terminated, static. */
CliTable *cli_table_new(const char *const *titles);
void cli_table_free(CliTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CliTable, cli_table_free)

void cli_table_add_row(CliTable *table);
/* Adds a line to the cell of the last row in @column, counted from 0. */
void cli_table_add_line(CliTable *table, guint column, CliColour colour,
			const char *text);
/* An empty cell is shown as "-". */
void cli_table_print(const CliTable *table, GString *out, bool colour);

#endif
