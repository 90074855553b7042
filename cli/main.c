/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c - l3vm, the operator's command: sorts the words, runs one verb
 *
 * Nothing is printed while a verb runs. Its output is collected and written
 * at the end, so that a full disk or a closed pipe is noticed in one place and
 * never leaves half a JSON document with exit status 0.
 */
#include "cli.h"

#include "args.h"
#include "complete.h"
#include "help.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

/* The order is the order of the usage text. */
static const CliVerb *const verbs[] = {
	&cli_attach,  &cli_detach,    &cli_plan,     &cli_migrate_notify,
	&cli_status,  &cli_reconcile, &cli_announce, &cli_check,
	&cli_metrics, &cli_timeline,  &cli_service,  &cli_version,
	&cli_help,    NULL,
};

const CliOption cli_global_options[] = {
	{
		.name = "config",
		.value = CLI_VALUE_FILE,
		.metavar = "FILE",
		.help = "read FILE, not $L3VM_CONFIG or the built-in path",
	},
	{
		.name = "state-dir",
		.value = CLI_VALUE_DIR,
		.metavar = "DIR",
		.help = "keep state in DIR, not $L3VM_STATE_DIR or the built-in path",
	},
	{
		.name = "verbose",
		.letter = 'v',
		.help = "say on standard error what is done",
	},
	{ .name = "help", .letter = 'h', .help = "explain, do nothing" },
	{ .name = "version", .letter = 'V', .help = "print the version, do nothing" },
	{ .name = NULL },
};

const CliOption cli_guest_operands[] = {
	{
		.name = "guest",
		.value = CLI_VALUE_GUEST,
		.metavar = "G",
		.help = "name or UUID of a guest (default: all)",
	},
	{ .name = NULL },
};

const CliVerb *cli_find_verb(const Cli *cli, const char *name)
{
	for (const CliVerb *const *verb = cli->verbs; *verb; verb++)
		if (!strcmp((*verb)->name, name))
			return *verb;
	return NULL;
}

L3vm *cli_open(const Cli *cli, GError **error)
{
	return l3vm_new(cli->config_file, cli->state_dir, error);
}

void cli_print(Cli *cli, const char *text)
{
	g_string_append(cli->out, text);
	if (*text && cli->out->str[cli->out->len - 1] != '\n')
		g_string_append_c(cli->out, '\n');
}

void cli_say(const Cli *cli, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list list;

	if (!cli->verbose)
		return;
	va_start(list, format);
	message = g_strdup_vprintf(format, list);
	va_end(list);
	cli_write_message(message);
}

/* The library's domain and code: main() then has one way to an exit status. */
bool cli_usage_error(GError **error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (error)
		*error = g_error_new_valist(L3VM_ERROR, L3VM_ERROR_USAGE, format, list);
	va_end(list);
	return false;
}

/* --help and --version win over a verb, whatever else it was given. */
static bool run_verb(Cli *cli, const CliVerb *verb, const CliArgs *args, GError **error)
{
	cli->config_file = cli_args_get(args, "config");
	cli->state_dir = cli_args_get(args, "state-dir");
	cli->verbose = cli_args_has(args, "verbose");

	if (cli_args_has(args, "help")) {
		if (verb)
			cli_help_verb(cli, verb);
		else
			cli_help_all(cli);
		return true;
	}
	if (cli_args_has(args, "version"))
		return cli_version.run(cli, args, error);
	if (!verb)
		return cli_usage_error(error, "command line: no command is given "
					      "(see \"l3vm help\")");
	return verb->run(cli, args, error);
}

/* --complete is no verb: it is for shells, and its words are not ours to parse. */
static bool run(Cli *cli, char **words, GError **error)
{
	g_autoptr(CliArgs) args = cli_args_new();
	const CliVerb *verb = NULL;

	if (*words && !strcmp(*words, "--complete")) {
		cli_complete(cli, words + 1);
		return true;
	}
	words = cli_args_parse_global(args, words, error);
	if (!words)
		return false;
	if (*words) {
		verb = cli_find_verb(cli, *words);
		if (!verb)
			return cli_help_unknown(cli, *words, error);
		if (!cli_args_parse_verb(args, verb, words + 1, error))
			return false;
	}
	return run_verb(cli, verb, args, error);
}

int main(int argc, char **argv)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	Cli cli = { .verbs = verbs, .out = out };

	cli_guard_streams();
	/* argv[0] may be missing (execve with an empty vector). */
	if (run(&cli, argv + (argc > 0), &error))
		(void)cli_write_output(out, &error);
	else if (!error) /* a defect; but never exit status 0 for a failure */
		g_set_error_literal(&error, L3VM_ERROR, L3VM_ERROR_FAILED,
				    "failed: no reason is known (please report it)");
	if (error)
		cli_write_message(error->message);
	return error ? l3vm_exit_status(error) : cli.status;
}
