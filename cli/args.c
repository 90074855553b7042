/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args.c - the words of a command line, sorted into options and operands
 *
 * The grammar, which scripts rely on:
 *
 *   --name VALUE, --name=VALUE   an option with a value
 *   --name, -v, -vh              flags; only global flags have a letter
 *   --name A --name B            a list; also --name A,B and --name A B, but
 *                                not for files, whose names may have commas
 *   --                           what follows are operands
 *
 * Options and the operand of a verb may come in any order, and global options
 * stand before the verb or after it. Names are never abbreviated. The first
 * thing that is wrong ends the parse: a second message would often be a mere
 * consequence of the first.
 */
#include "args.h"

#include "text.h"

#include <string.h>

struct CliArgs {
	GHashTable *values; /* option name (static) -> GPtrArray of char* */
};

/* Where a parse is. */
typedef struct Scan {
	CliArgs *args;
	const CliVerb *verb;   /* NULL: still before it */
	char **next;	       /* word to take next */
	const CliOption *list; /* the last option, if words may be added to it */
	bool only_operands;    /* after "--" */
} Scan;

CliArgs *cli_args_new(void)
{
	CliArgs *args = g_new0(CliArgs, 1);

	args->values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					     (GDestroyNotify)g_ptr_array_unref);
	return args;
}

void cli_args_free(CliArgs *args)
{
	if (!args)
		return;
	g_hash_table_unref(args->values);
	g_free(args);
}

const GPtrArray *cli_args_list(const CliArgs *args, const char *name)
{
	return g_hash_table_lookup(args->values, name);
}

const char *cli_args_get(const CliArgs *args, const char *name)
{
	const GPtrArray *values = cli_args_list(args, name);

	return values ? g_ptr_array_index(values, 0) : NULL;
}

bool cli_args_has(const CliArgs *args, const char *name)
{
	return cli_args_list(args, name) != NULL;
}

const CliOption *cli_option_find(const CliOption *options, const char *name)
{
	for (const CliOption *o = options; o && o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

/* --- messages ---------------------------------------------------------- */

/* WHAT of a message: the verb being parsed. */
static const char *scan_subject(const Scan *scan)
{
	return scan->verb ? scan->verb->name : "command line";
}

/* REMEDY of a message that has none better. */
static char *scan_remedy(const Scan *scan)
{
	if (!scan->verb)
		return g_strdup("see \"l3vm help\"");
	return g_strdup_printf("see \"l3vm help %s\"", scan->verb->name);
}

static void add_names(GPtrArray *names, const CliOption *options)
{
	for (const CliOption *o = options; o && o->name; o++)
		g_ptr_array_add(names, g_strdup_printf("--%s", o->name));
}

static bool fail_unknown_option(const Scan *scan, const char *word, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *shown = cli_quote(word);
	g_autofree char *remedy = NULL;
	const char *nearest = NULL;

	if (scan->verb)
		add_names(names, scan->verb->options);
	add_names(names, cli_global_options);
	g_ptr_array_add(names, NULL);
	nearest = cli_nearest(word, (const char *const *)names->pdata);
	remedy = nearest ? g_strdup_printf("did you mean \"%s\"?", nearest)
			 : scan_remedy(scan);
	return cli_usage_error(error, "%s: there is no option %s (%s)",
			       scan_subject(scan), shown, remedy);
}

static bool is_operand(const Scan *scan, const CliOption *option)
{
	return scan->verb &&
	       cli_option_find(scan->verb->operands, option->name) == option;
}

static bool fail_word(const Scan *scan, const CliOption *option, const char *value,
		      GError **error)
{
	g_autofree char *shown = cli_quote(value);
	g_autofree char *known = g_strjoinv(", ", (char **)option->words);

	return cli_usage_error(error, "%s: %s%s cannot be %s (one of: %s)",
			       scan_subject(scan), is_operand(scan, option) ? "" : "--",
			       is_operand(scan, option) ? option->metavar
							: option->name,
			       shown, known);
}

/* --- values ------------------------------------------------------------ */

/* Values are kept as text; what they mean is the verb's, or the library's. */
static void store(CliArgs *args, const CliOption *option, char *value)
{
	GPtrArray *values = g_hash_table_lookup(args->values, option->name);

	if (!values) {
		values = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(args->values, (gpointer)option->name, values);
	}
	g_ptr_array_add(values, value);
}

/* "A,B" is two values. An empty one is more likely an unset shell variable
 * than a wish, so it is an error. */
static bool store_list(const Scan *scan, const CliOption *option, const char *value,
		       GError **error)
{
	g_auto(GStrv) items = g_strsplit(value, ",", -1);

	if (!items[0])
		return cli_usage_error(error, "%s: --%s has an empty value (give %s)",
				       scan_subject(scan), option->name,
				       option->metavar);
	for (char **item = items; *item; item++) {
		if (!**item) {
			g_autofree char *shown = cli_quote(value);

			return cli_usage_error(
				error, "%s: --%s %s has an empty item (give %s)",
				scan_subject(scan), option->name, shown,
				option->metavar);
		}
		store(scan->args, option, g_strdup(*item));
	}
	return true;
}

/*
 * Names are checked here, by the library's rules: a verb that looks for a guest
 * or an interface would otherwise take what cannot be a name, such as an unset
 * shell variable, for one that is merely not here. Detaching that succeeds.
 */
static bool check_name(const CliOption *option, const char *value, GError **error)
{
	bool is_guest = option->value == CLI_VALUE_GUEST;
	g_autoptr(L3vmPort) port = l3vm_port_new(is_guest ? value : "any", NULL, error);

	if (option->value == CLI_VALUE_PORT || option->value == CLI_VALUE_IFNAME)
		return port && l3vm_port_set_ifname(port, value, error);
	return port;
}

static bool take_value(Scan *scan, const CliOption *option, const char *value,
		       GError **error)
{
	if (option->list)
		return store_list(scan, option, value, error);
	if (cli_args_has(scan->args, option->name) && !option->repeat) {
		g_autofree char *remedy = scan_remedy(scan);

		return cli_usage_error(error, "%s: --%s is given twice (%s)",
				       scan_subject(scan), option->name, remedy);
	}
	if (option->words && !g_strv_contains(option->words, value))
		return fail_word(scan, option, value, error);
	if (!check_name(option, value, error))
		return false;
	store(scan->args, option, g_strdup(value));
	return true;
}

/* --- words ------------------------------------------------------------- */

/*
 * The word after an option is its value, unless it looks like an option too:
 * then the value was forgotten ("--guest --ifname tap0"). One that does start
 * so can be given as --guest=--name.
 */
static bool take_next_as_value(Scan *scan, const CliOption *option, GError **error)
{
	if (!*scan->next || g_str_has_prefix(*scan->next, "--")) {
		g_autofree char *remedy = scan_remedy(scan);

		return cli_usage_error(error, "%s: --%s needs a value, %s (%s)",
				       scan_subject(scan), option->name,
				       option->metavar, remedy);
	}
	return take_value(scan, option, *scan->next++, error);
}

/* @value is what stood behind '=', or NULL. */
static bool take_option(Scan *scan, const CliOption *option, const char *value,
			GError **error)
{
	scan->list = option->list ? option : NULL;
	if (option->value != CLI_VALUE_NONE)
		return value ? take_value(scan, option, value, error)
			     : take_next_as_value(scan, option, error);
	if (value)
		return cli_usage_error(error,
				       "%s: --%s takes no value (leave out \"=\")",
				       scan_subject(scan), option->name);
	/* A flag says the same twice as once. */
	if (!cli_args_has(scan->args, option->name))
		store(scan->args, option, g_strdup(""));
	return true;
}

/* A verb's own option hides a global one of that name; there are none today. */
static bool take_long(Scan *scan, const char *word, GError **error)
{
	const char *equals = strchr(word, '=');
	g_autofree char *name = equals ? g_strndup(word + 2, (gsize)(equals - word) - 2)
				       : g_strdup(word + 2);
	const CliOption *option = NULL;

	if (scan->verb)
		option = cli_option_find(scan->verb->options, name);
	if (!option)
		option = cli_option_find(cli_global_options, name);
	if (!option) {
		g_autofree char *shown = g_strconcat("--", name, NULL);

		return fail_unknown_option(scan, shown, error);
	}
	return take_option(scan, option, equals ? equals + 1 : NULL, error);
}

/* Only global flags have letters, so "-vh" needs no thought about values. */
static bool take_letters(Scan *scan, const char *word, GError **error)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const CliOption *option = cli_global_options;

		while (option->name && option->letter != *letter)
			option++;
		if (!option->name)
			return fail_unknown_option(scan, word, error);
		if (!take_option(scan, option, NULL, error))
			return false;
	}
	return true;
}

static bool take_operand(Scan *scan, const char *word, GError **error)
{
	const CliOption *operand = scan->verb->operands;
	g_autofree char *shown = NULL;
	g_autofree char *remedy = NULL;

	while (operand && operand->name && cli_args_has(scan->args, operand->name))
		operand++;
	if (operand && operand->name)
		return take_value(scan, operand, word, error);
	/* "--address A B": no verb with a list has an operand. */
	if (scan->list)
		return store_list(scan, scan->list, word, error);
	shown = cli_quote(word);
	remedy = scan_remedy(scan);
	return cli_usage_error(error, "%s: %s is not expected here (%s)",
			       scan_subject(scan), shown, remedy);
}

/* A lone hyphen is an operand, as everywhere. */
static bool is_option(const Scan *scan, const char *word)
{
	return !scan->only_operands && word[0] == '-' && word[1];
}

static bool take_word(Scan *scan, GError **error)
{
	const char *word = *scan->next++;

	if (!is_option(scan, word))
		return take_operand(scan, word, error);
	if (!strcmp(word, "--")) {
		scan->only_operands = true;
		return true;
	}
	return word[1] == '-' ? take_long(scan, word, error)
			      : take_letters(scan, word, error);
}

/* All that is missing in one message: whoever types it again does so once. */
static bool check_required(const Scan *scan, GError **error)
{
	g_autoptr(GString) missing = g_string_new(NULL);
	g_autofree char *remedy = NULL;

	for (const CliOption *o = scan->verb->operands; o && o->name; o++)
		if (o->required && !cli_args_has(scan->args, o->name))
			g_string_append_printf(missing, ", %s", o->metavar);
	for (const CliOption *o = scan->verb->options; o && o->name; o++)
		if (o->required && !cli_args_has(scan->args, o->name))
			g_string_append_printf(missing, ", --%s %s", o->name,
					       o->metavar);
	if (!missing->len)
		return true;
	remedy = scan_remedy(scan);
	return cli_usage_error(error, "%s: missing: %s (%s)", scan_subject(scan),
			       missing->str + 2, remedy);
}

/* Stops at the verb, whose options are not known before it is. */
char **cli_args_parse_global(CliArgs *args, char **words, GError **error)
{
	Scan scan = { .args = args, .next = words };

	while (*scan.next && is_option(&scan, *scan.next))
		if (!take_word(&scan, error))
			return NULL;
	return scan.next;
}

bool cli_args_parse_verb(CliArgs *args, const CliVerb *verb, char **words,
			 GError **error)
{
	Scan scan = { .args = args, .verb = verb, .next = words };

	while (*scan.next)
		if (!take_word(&scan, error))
			return false;
	return cli_args_has(args, "help") || cli_args_has(args, "version") ||
	       check_required(&scan, error);
}
