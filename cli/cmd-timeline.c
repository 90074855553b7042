/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-timeline.c - the verb timeline: what happened in a guest's last moves
 *
 * Reads files and nothing else, so it works without privilege on copies of the
 * logs, on any machine, and long after the guests are gone.
 */
#include "args.h"
#include "timeline.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>

#define LAST_MAX 1000

/* As the library finds it; but opening the host would want a valid configuration
 * and rights that reading a log does not need. */
static bool read_default(const Cli *cli, Timeline *timeline, GError **error)
{
	const char *dir = cli->state_dir;

	if (!dir || !*dir)
		dir = getenv("L3VM_STATE_DIR");
	if (!dir || !*dir)
		dir = L3VM_STATE_DIR;
	return timeline_read_state(timeline, dir, error);
}

static bool read_logs(const Cli *cli, const CliArgs *args, Timeline *timeline,
		      GError **error)
{
	const GPtrArray *files = cli_args_list(args, "events");

	if (!files)
		return read_default(cli, timeline, error);
	for (guint i = 0; i < files->len; i++)
		if (!timeline_read_file(timeline, g_ptr_array_index(files, i), error))
			return false;
	return true;
}

/* The bound is for the picture: what is higher than that is no picture. */
static bool parse_last(const CliArgs *args, guint64 *last, GError **error)
{
	const char *text = cli_args_get(args, "last");

	*last = 1;
	if (!text || g_ascii_string_to_unsigned(text, 10, 1, LAST_MAX, last, NULL))
		return true;
	return cli_usage_error(error,
			       "timeline: --last \"%s\" is not a number of moves (give "
			       "1 to %d)",
			       text, LAST_MAX);
}

static int code_of_errno(int number)
{
	return number == EACCES || number == EPERM || number == EROFS
		       ? L3VM_ERROR_PERMISSION
		       : L3VM_ERROR_FAILED;
}

/*
 * Replaced by a rename: whoever looks at the picture has the old one or the new
 * one. GLib makes the temporary file beside it.
 */
static bool save(const char *path, const GString *text, GError **error)
{
	g_autoptr(GError) why = NULL;

	errno = 0;
	if (g_file_set_contents(path, text->str, (gssize)text->len, &why))
		return true;
	g_set_error(error, L3VM_ERROR, code_of_errno(errno),
		    "%s: not written: %s (choose a path in a folder that you may "
		    "write to)",
		    path, why->message);
	return false;
}

/* A file that was asked for and is not there is an error, unlike a text that says
 * that there was nothing. */
static bool draw(const char *path, const GPtrArray *moves, guint first, GError **error)
{
	size_t n = moves->len - first;
	g_autoptr(GString) text = NULL;

	if (!n) {
		g_set_error(error, L3VM_ERROR, L3VM_ERROR_NOT_FOUND,
			    "%s: not written: there is no move to draw (leave out "
			    "--svg to see what was read)",
			    path);
		return false;
	}
	text = timeline_draw((const TimelineMove *const *)moves->pdata + first, n);
	return save(path, text, error);
}

/* Of no use to whoever looks at a move, but a log that is broken should not look
 * like one in which nothing happened. */
static void print_skipped(Cli *cli, const Timeline *timeline)
{
	for (guint i = 0; i < timeline->hosts->len; i++) {
		const TimelineHost *host = g_ptr_array_index(timeline->hosts, i);

		if (host->skipped)
			g_string_append_printf(
				cli->out, "%s: %u %s of the log could not be read\n",
				host->name, host->skipped,
				host->skipped == 1 ? "line" : "lines");
	}
}

/* The latest last: it is what stays on the screen. */
static void print_moves(Cli *cli, const GPtrArray *moves, guint first)
{
	if (!moves->len)
		cli_print(cli, "no moves");
	for (guint i = first; i < moves->len; i++) {
		if (i > first)
			g_string_append_c(cli->out, '\n');
		timeline_print(g_ptr_array_index(moves, i), cli->out,
			       cli_wants_colour());
	}
}

static bool run_timeline(Cli *cli, const CliArgs *args, GError **error)
{
	g_autoptr(Timeline) timeline = timeline_new();
	g_autoptr(GPtrArray) moves = NULL;
	const char *svg = cli_args_get(args, "svg");
	guint64 last;
	guint first;

	if (!parse_last(args, &last, error) || !read_logs(cli, args, timeline, error))
		return false;
	moves = timeline_moves(timeline, cli_args_get(args, "guest"), error);
	if (!moves)
		return false;
	first = moves->len > last ? moves->len - (guint)last : 0;
	if (svg && !draw(svg, moves, first, error))
		return false;
	print_moves(cli, moves, first);
	print_skipped(cli, timeline);
	return true;
}

static const CliOption timeline_options[] = {
	{
		.name = "last",
		.value = CLI_VALUE_TEXT,
		.metavar = "N",
		.help = "the last N moves (default: 1)",
	},
	{
		.name = "svg",
		.value = CLI_VALUE_FILE,
		.metavar = "FILE",
		.help = "draw them into FILE too",
	},
	{
		.name = "events",
		.value = CLI_VALUE_FILE,
		.metavar = "[NAME=]FILE",
		.repeat = true,
		.help = "the events.jsonl, or the state directory, of host NAME; once "
			"for each host (default: this host's)",
	},
	{ .name = NULL },
};

const CliVerb cli_timeline = {
	.name = "timeline",
	.arguments = "[G] [--last N] [--svg FILE] [--events [NAME=]FILE]...",
	.help = "show what happened in moves, as text and as a picture",
	.options = timeline_options,
	.operands = cli_guest_operands,
	.run = run_timeline,
};
