/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * help.c - the verbs help and version: the table of verbs as text
 *
 * What is printed is laid out from the structs that drive the parser; there
 * is no second description that could fall behind.
 */
#include "help.h"

#include "args.h"
#include "text.h"

#include <string.h>

#define HELP_COLUMN 24 /* where the description of an option starts */

/* "usage: l3vm attach --guest G ...", wrapped under its own arguments. */
static void print_synopsis(GString *out, const char *head, const CliVerb *verb)
{
	guint column = (guint)g_utf8_strlen(head, -1) +
		       (guint)g_utf8_strlen(verb->name, -1) + 1;

	g_string_append_printf(out, "%s%s", head, verb->name);
	if (*verb->arguments) {
		g_string_append_c(out, ' ');
		cli_wrap(out, verb->arguments, column, column);
	}
	g_string_append_c(out, '\n');
}

/* "  -v, --verbose         say ...", or in two lines if the left is too long. */
static void print_option(GString *out, const CliOption *option)
{
	g_autoptr(GString) left = g_string_new("  ");

	if (option->letter)
		g_string_append_printf(left, "-%c, ", option->letter);
	g_string_append_printf(left, "--%s", option->name);
	if (option->metavar)
		g_string_append_printf(left, " %s", option->metavar);
	g_string_append_len(out, left->str, (gssize)left->len);
	if (left->len + 2 > HELP_COLUMN)
		g_string_append_printf(out, "\n%*s", HELP_COLUMN, "");
	else
		g_string_append_printf(out, "%*s", HELP_COLUMN - (int)left->len, "");
	cli_wrap(out, option->help, HELP_COLUMN, HELP_COLUMN);
	g_string_append_c(out, '\n');
}

static void print_options(GString *out, const char *title, const CliOption *options)
{
	if (!options || !options->name)
		return;
	g_string_append_printf(out, "\n%s:\n", title);
	for (; options->name; options++)
		print_option(out, options);
}

void cli_help_all(Cli *cli)
{
	g_string_append(cli->out, "usage: l3vm [--config FILE] [--state-dir DIR] [-v] "
				  "COMMAND\n\ncommands:\n");
	for (const CliVerb *const *verb = cli->verbs; *verb; verb++) {
		print_synopsis(cli->out, "  ", *verb);
		g_string_append_printf(cli->out, "      %s\n", (*verb)->help);
	}
	print_options(cli->out, "options, before or after the command",
		      cli_global_options);
	g_string_append(cli->out,
			"\nexit status: 0 done, 1 failed (nothing changed), 2 usage, "
			"3 not permitted,\n4 no such guest or port, 5 refused by "
			"policy. Manual: l3vm(8), l3vm.conf(5).\n");
}

void cli_help_verb(Cli *cli, const CliVerb *verb)
{
	print_synopsis(cli->out, "usage: l3vm ", verb);
	g_string_append_printf(cli->out, "\n%s\n", verb->help);
	for (const CliOption *o = verb->operands; o && o->name; o++) {
		g_string_append_printf(cli->out, "\n%s: ", o->metavar);
		cli_wrap(cli->out, o->help, (guint)strlen(o->metavar) + 2, 4);
		g_string_append_c(cli->out, '\n');
	}
	print_options(cli->out, "options", verb->options);
	print_options(cli->out, "options of every command", cli_global_options);
}

/* help needs neither configuration nor privilege, and goes to standard output
 * with exit status 0: it is the answer to a question. */
static bool run_help(Cli *cli, const CliArgs *args, GError **error)
{
	const char *name = cli_args_get(args, "command");
	const CliVerb *verb = name ? cli_find_verb(cli, name) : NULL;

	if (name && !verb)
		return cli_help_unknown(cli, name, error);
	if (verb)
		cli_help_verb(cli, verb);
	else
		cli_help_all(cli);
	return true;
}

bool cli_help_unknown(const Cli *cli, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *shown = cli_quote(name);
	g_autofree char *remedy = NULL;
	const char *nearest = NULL;

	for (const CliVerb *const *verb = cli->verbs; *verb; verb++)
		g_ptr_array_add(names, (gpointer)(*verb)->name);
	g_ptr_array_add(names, NULL);
	nearest = cli_nearest(name, (const char *const *)names->pdata);
	remedy = nearest ? g_strdup_printf("did you mean \"%s\"?", nearest)
			 : g_strdup("see \"l3vm help\"");
	return cli_usage_error(error, "command line: there is no command %s (%s)",
			       shown, remedy);
}

static const CliOption help_operands[] = {
	{
		.name = "command",
		.value = CLI_VALUE_COMMAND,
		.metavar = "COMMAND",
		.help = "the command to explain",
	},
	{ .name = NULL },
};

const CliVerb cli_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.help = "print this text, or a command's options",
	.operands = help_operands,
	.run = run_help,
};

static bool run_version(Cli *cli, const CliArgs *args, GError **error)
{
	(void)args;
	(void)error;
	g_string_append_printf(cli->out, "l3vm %s\n", l3vm_version());
	return true;
}

const CliVerb cli_version = {
	.name = "version",
	.arguments = "",
	.help = "print the version",
	.run = run_version,
};
