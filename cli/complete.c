/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * complete.c - what a shell may offer for the next word
 *
 * The shell's script hands over the words and prints what comes back, so it
 * need not know a verb or an option.
 */
#include "complete.h"

#include "args.h"

#include <json-c/json.h>
#include <string.h>

/* What is known when the last word is reached. */
typedef struct Position {
	const CliVerb *verb;
	const CliOption *option; /* whose value the next word is */
	const CliOption *given;	 /* whose value the last word was */
	unsigned operands;	 /* that were given */
} Position;

static const CliOption *find_option(const Position *at, const char *name)
{
	const CliOption *option = NULL;

	if (at->verb)
		option = cli_option_find(at->verb->options, name);
	return option ? option : cli_option_find(cli_global_options, name);
}

/* The global options that decide what status reports. */
static void apply_option(Cli *cli, const CliOption *option, const char *value)
{
	if (!strcmp(option->name, "config"))
		cli->config_file = value;
	else if (!strcmp(option->name, "state-dir"))
		cli->state_dir = value;
}

/* What follows a '=' is a value, or the rest of one: "--events hv2=FILE". */
static void pass_equals(Position *at)
{
	if (!at->option)
		at->option = at->given;
}

/*
 * bash splits a line at '=' and ':' too, so that "--format=ip" arrives as
 * three words. Pieces of a MAC count as operands, which do no harm to the
 * verbs that take none.
 */
static void pass_word(Cli *cli, Position *at, const char *word)
{
	const CliOption *option = NULL;

	if (!strcmp(word, "=")) {
		pass_equals(at);
		return;
	}
	at->given = at->option;
	if (at->option) {
		apply_option(cli, at->option, word);
		at->option = NULL;
	} else if (g_str_has_prefix(word, "--")) {
		option = find_option(at, word + 2);
		at->option = option && option->metavar ? option : NULL;
	} else if (!at->verb) {
		at->verb = cli_find_verb(cli, word);
	} else {
		at->operands++;
	}
}

/* Filtered here, so that a guest's name with a space needs no splitting there. */
static void offer(Cli *cli, const char *prefix, const char *word)
{
	if (g_str_has_prefix(word, prefix))
		cli_print(cli, word);
}

static void offer_options(Cli *cli, const char *prefix, const CliOption *options)
{
	for (; options && options->name; options++) {
		g_autofree char *word = g_strdup_printf("--%s", options->name);

		offer(cli, prefix, word);
	}
}

static void offer_verbs(Cli *cli, const char *prefix)
{
	for (const CliVerb *const *verb = cli->verbs; *verb; verb++)
		offer(cli, prefix, (*verb)->name);
}

/* Each guest, interface or service address on record, once. The records may not be
 * readable to whoever presses the key: then there is nothing to offer. */
static void offer_status(Cli *cli, const char *prefix, const char *list,
			 const char *key)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(L3vm) host = cli_open(cli, NULL);
	g_autofree char *text = host ? l3vm_status(host, NULL, NULL) : NULL;
	struct json_object *root = text ? json_tokener_parse(text) : NULL;
	struct json_object *ports = json_object_object_get(root, list);
	size_t n = ports ? json_object_array_length(ports) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);
		const char *name =
			json_object_get_string(json_object_object_get(port, key));

		if (name && g_hash_table_add(seen, (gpointer)name))
			offer(cli, prefix, name);
	}
	g_hash_table_remove_all(seen);
	json_object_put(root);
}

/* What the shell knows better than we do is named, not listed: it quotes paths
 * and knows the working directory. */
static void offer_value(Cli *cli, const char *prefix, const CliOption *option)
{
	switch (option->value) {
	case CLI_VALUE_NONE:
	case CLI_VALUE_TEXT:
		break;
	case CLI_VALUE_WORD:
		for (const char *const *word = option->words; *word; word++)
			offer(cli, prefix, *word);
		break;
	case CLI_VALUE_GUEST:
		offer_status(cli, prefix, "ports", "guest");
		break;
	case CLI_VALUE_PORT:
		offer_status(cli, prefix, "ports", "ifname");
		break;
	case CLI_VALUE_SERVICE:
		offer_status(cli, prefix, "services", "address");
		break;
	case CLI_VALUE_IFNAME:
		cli_print(cli, ":ifname");
		break;
	case CLI_VALUE_FILE:
		cli_print(cli, ":file");
		break;
	case CLI_VALUE_DIR:
		cli_print(cli, ":dir");
		break;
	case CLI_VALUE_COMMAND:
		offer_verbs(cli, prefix);
		break;
	}
}

/* The operand of the verb that the next word is, or NULL. */
static const CliOption *next_operand(const Position *at)
{
	const CliOption *operand = at->verb->operands;

	for (unsigned i = 0; operand && operand->name && i < at->operands; i++)
		operand++;
	return operand && operand->name ? operand : NULL;
}

void cli_complete(Cli *cli, char **words)
{
	Position at = { .verb = NULL };
	const char *last = "";

	for (; *words && words[1]; words++)
		pass_word(cli, &at, *words);
	/* A cursor right after "--format=" is at the start of the value. */
	if (*words && !strcmp(*words, "="))
		pass_equals(&at);
	else if (*words)
		last = *words;
	if (at.option) {
		offer_value(cli, last, at.option);
	} else if (last[0] == '-') {
		if (at.verb)
			offer_options(cli, last, at.verb->options);
		offer_options(cli, last, cli_global_options);
	} else if (!at.verb) {
		offer_verbs(cli, last);
	} else if (next_operand(&at)) {
		offer_value(cli, last, next_operand(&at));
	} else {
		offer_options(cli, last, at.verb->options);
	}
}
