/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-check.c - the verbs that report on the host: check and metrics
 *
 * What is examined, and what is an error, is the library's business; here it is
 * laid out. Findings that are fine are shown too: an operator who looks for a
 * fault learns what needs no second look.
 */
#include "args.h"
#include "output.h"

#include <json-c/json.h>
#include <string.h>

enum {
	COLUMN_SEVERITY,
	COLUMN_SUBJECT,
	COLUMN_FINDING,
};

static const char *const titles[] = { "SEVERITY", "SUBJECT", "FINDING", NULL };

typedef struct Count {
	guint errors, warnings;
} Count;

static const char *member(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

/* A severity of a later version counts as neither, and is shown by its name. */
static CliColour count_severity(Count *count, const char *severity)
{
	if (!strcmp(severity, "error")) {
		count->errors++;
		return CLI_BAD;
	}
	if (!strcmp(severity, "warning")) {
		count->warnings++;
		return CLI_PASSING;
	}
	return CLI_GOOD;
}

static void add_finding(CliTable *table, struct json_object *finding, Count *count)
{
	const char *severity = member(finding, "severity");
	const char *remedy = member(finding, "remedy");
	g_autofree char *line = g_strdup_printf("remedy: %s", remedy);

	cli_table_add_row(table);
	cli_table_add_line(table, COLUMN_SEVERITY, count_severity(count, severity),
			   severity);
	cli_table_add_line(table, COLUMN_SUBJECT, CLI_PLAIN,
			   member(finding, "subject"));
	cli_table_add_line(table, COLUMN_FINDING, CLI_PLAIN,
			   member(finding, "finding"));
	/* Under its finding, where a line is long enough for a command. */
	if (*remedy)
		cli_table_add_line(table, COLUMN_FINDING, CLI_PLAIN, line);
}

/* Fills @table from the library's text and says how much of it is bad. */
static Count read_findings(const char *text, CliTable *table)
{
	struct json_object *root = json_tokener_parse(text);
	struct json_object *list = json_object_object_get(root, "findings");
	size_t n = list ? json_object_array_length(list) : 0;
	Count count = { 0 };

	for (size_t i = 0; i < n; i++)
		add_finding(table, json_object_array_get_idx(list, i), &count);
	json_object_put(root);
	return count;
}

/* An error found is the verb's answer and no failure of the verb: the exit
 * status says so, standard error stays empty. */
static bool run_check(Cli *cli, const CliArgs *args, GError **error)
{
	g_autoptr(CliTable) table = cli_table_new(titles);
	g_autoptr(L3vm) host = cli_open(cli, error);
	g_autofree char *text = host ? l3vm_check(host, error) : NULL;
	Count count;

	if (!text)
		return false;
	count = read_findings(text, table);
	cli->status = count.errors ? L3VM_ERROR_FAILED : 0;
	if (cli_args_has(args, "json")) {
		cli_print(cli, text);
		return true;
	}
	cli_table_print(table, cli->out, cli_wants_colour());
	g_string_append_printf(cli->out, "%u error%s, %u warning%s\n", count.errors,
			       count.errors == 1 ? "" : "s", count.warnings,
			       count.warnings == 1 ? "" : "s");
	return true;
}

static const CliOption check_options[] = {
	{ .name = "json", .help = "as JSON, a stable format: see l3vm(8)" },
	{ .name = NULL },
};

const CliVerb cli_check = {
	.name = "check",
	.arguments = "[--json]",
	.help = "examine the host's settings, daemon and hooks (1 if any error)",
	.options = check_options,
	.run = run_check,
};

/* --- metrics ----------------------------------------------------------- */

static bool run_metrics(Cli *cli, const CliArgs *args, GError **error)
{
	g_autoptr(L3vm) host = cli_open(cli, error);
	g_autofree char *text = host ? l3vm_metrics(host, error) : NULL;

	(void)args;
	if (!text)
		return false;
	cli_print(cli, text);
	return true;
}

const CliVerb cli_metrics = {
	.name = "metrics",
	.arguments = "",
	.help = "print counters and states for Prometheus",
	.run = run_metrics,
};
