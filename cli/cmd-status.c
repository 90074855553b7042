/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-status.c - the verb status: ports and service addresses for people
 *
 * --json hands on the library's text; the table is made from the same text,
 * so that it cannot know more than a script could.
 */
#include "args.h"
#include "output.h"

#include <json-c/json.h>
#include <string.h>

enum {
	COLUMN_GUEST,
	COLUMN_IFNAME,
	COLUMN_NETWORK,
	COLUMN_STATE,
	COLUMN_RANK,
	COLUMN_ADDRESSES,
	COLUMN_ANNOUNCED,
	COLUMN_PROBLEMS,
};

static const char *const port_titles[] = { "GUEST",	"IFNAME",   "NETWORK",
					   "STATE",	"RANK",	    "ADDRESSES",
					   "ANNOUNCED", "PROBLEMS", NULL };

/* The same columns, but for what is particular to an address of the host. */
static const char *const service_titles[] = { "SERVICE",   "IFNAME",   "NETWORK",
					      "STATE",	   "RANK",     "CHECK",
					      "ANNOUNCED", "PROBLEMS", NULL };

/* The rank that the routes of a port in a state have; a state that is not
 * here is shown without. */
static const struct StateLook {
	const char *state, *rank;
	CliColour colour;
} state_looks[] = {
	{ "live", "normal", CLI_GOOD },	    { "arrived", "preferred", CLI_PASSING },
	{ "leaving", "last", CLI_PASSING }, { "prepared", NULL, CLI_PASSING },
	{ "up", "normal", CLI_GOOD },	    { "draining", "last", CLI_PASSING },
	{ "down", NULL, CLI_BAD },
};

/* NULL where the text has null, or no such member: it may be of another version
 * of the library than this program. */
static const char *member(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

/* NULL-safe: a list that is not there is empty. */
static size_t list_length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array)
		       ? json_object_array_length(list)
		       : 0;
}

static void add_optional(CliTable *table, guint column, CliColour colour,
			 const char *text)
{
	if (text)
		cli_table_add_line(table, column, colour, text);
}

/* "normal 5": the word for people, the metric for ip route. */
static void add_rank(CliTable *table, struct json_object *port, const char *rank)
{
	struct json_object *routes = json_object_object_get(port, "routes");
	struct json_object *metric = NULL;
	g_autofree char *text = NULL;

	if (!list_length(routes))
		return;
	metric = json_object_object_get(json_object_array_get_idx(routes, 0), "metric");
	text = g_strdup_printf("%s%s%s", rank ? rank : "", rank ? " " : "",
			       json_object_get_string(metric));
	cli_table_add_line(table, COLUMN_RANK, CLI_PLAIN, text);
}

static void add_state(CliTable *table, struct json_object *port)
{
	const char *state = member(port, "state");
	const struct StateLook *look = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(state_looks); i++)
		if (!g_strcmp0(state_looks[i].state, state))
			look = &state_looks[i];
	add_optional(table, COLUMN_STATE, look ? look->colour : CLI_PLAIN, state);
	add_rank(table, port, look ? look->rank : NULL);
}

static void add_strings(CliTable *table, guint column, CliColour colour,
			struct json_object *list, const char *suffix)
{
	for (size_t i = 0; i < list_length(list); i++) {
		g_autofree char *text = g_strconcat(
			json_object_get_string(json_object_array_get_idx(list, i)),
			suffix, NULL);

		cli_table_add_line(table, column, colour, text);
	}
}

/* Who announces: the routing daemon that says so itself, else the announcer. One
 * that did not take a route is a fact of its own column, even when the problems
 * explain it. */
static void add_announcer(CliTable *table, struct json_object *one)
{
	bool ok = json_object_get_boolean(json_object_object_get(one, "ok"));
	const char *by = member(one, "by");
	const char *why = member(one, "why");
	g_autofree char *text = g_strconcat(by ? by : member(one, "announcer"),
					    ok	  ? ""
					    : why ? " pending"
						  : " failed",
					    NULL);

	cli_table_add_line(table, COLUMN_ANNOUNCED, ok ? CLI_PLAIN : CLI_BAD, text);
	if (why)
		cli_table_add_line(table, COLUMN_PROBLEMS, CLI_BAD, why);
}

/* Without routes there is nothing to announce, whatever the announcers of the
 * network are. */
static void add_announcers(CliTable *table, struct json_object *port)
{
	struct json_object *list = json_object_object_get(port, "announce");

	if (!list_length(json_object_object_get(port, "routes")))
		return;
	for (size_t i = 0; i < list_length(list); i++)
		add_announcer(table, json_object_array_get_idx(list, i));
}

/* The column of addresses has what is routed to the port, in the order in which
 * a reader looks for it: what the guest has, what is behind it, what it was
 * merely heard to use. */
static void add_port(CliTable *table, struct json_object *port)
{
	cli_table_add_row(table);
	add_optional(table, COLUMN_GUEST, CLI_PLAIN, member(port, "guest"));
	add_optional(table, COLUMN_IFNAME, CLI_PLAIN, member(port, "ifname"));
	add_optional(table, COLUMN_NETWORK, CLI_PLAIN, member(port, "network"));
	add_state(table, port);
	add_strings(table, COLUMN_ADDRESSES, CLI_PLAIN,
		    json_object_object_get(port, "addresses"), "");
	add_strings(table, COLUMN_ADDRESSES, CLI_PLAIN,
		    json_object_object_get(port, "prefixes"), "");
	add_strings(table, COLUMN_ADDRESSES, CLI_PLAIN,
		    json_object_object_get(port, "learned"), " (learned)");
	add_announcers(table, port);
	add_strings(table, COLUMN_PROBLEMS, CLI_BAD,
		    json_object_object_get(port, "problems"), "");
}

/* "/usr/lib/check-dns -4 every 5 s" */
static void add_check(CliTable *table, struct json_object *service)
{
	struct json_object *check = json_object_object_get(service, "check");
	struct json_object *command = json_object_object_get(check, "command");
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < list_length(command); i++)
		g_string_append_printf(
			text, "%s ",
			json_object_get_string(json_object_array_get_idx(command, i)));
	if (!text->len)
		return;
	g_string_append_printf(text, "every %s s", member(check, "interval"));
	cli_table_add_line(table, COLUMN_ADDRESSES, CLI_PLAIN, text->str);
}

static void add_service(CliTable *table, struct json_object *service)
{
	cli_table_add_row(table);
	add_optional(table, COLUMN_GUEST, CLI_PLAIN, member(service, "address"));
	add_optional(table, COLUMN_IFNAME, CLI_PLAIN, member(service, "ifname"));
	add_optional(table, COLUMN_NETWORK, CLI_PLAIN, member(service, "network"));
	add_state(table, service);
	add_check(table, service);
	add_announcers(table, service);
	add_strings(table, COLUMN_PROBLEMS, CLI_BAD,
		    json_object_object_get(service, "problems"), "");
}

/* False if there is nothing to print. */
static bool print_table(Cli *cli, struct json_object *list, const char *const *titles,
			void (*add)(CliTable *table, struct json_object *entry))
{
	g_autoptr(CliTable) table = cli_table_new(titles);

	for (size_t i = 0; i < list_length(list); i++)
		add(table, json_object_array_get_idx(list, i));
	if (list_length(list))
		cli_table_print(table, cli->out, cli_wants_colour());
	return list_length(list);
}

bool cli_print_services(Cli *cli, const char *status)
{
	struct json_object *root = json_tokener_parse(status);
	struct json_object *services = json_object_object_get(root, "services");
	bool any = print_table(cli, services, service_titles, add_service);

	json_object_put(root);
	return any;
}

static void print_all(Cli *cli, const char *status)
{
	struct json_object *root = json_tokener_parse(status);
	struct json_object *services = json_object_object_get(root, "services");

	if (!print_table(cli, json_object_object_get(root, "ports"), port_titles,
			 add_port))
		cli_print(cli, "no ports");
	if (list_length(services))
		g_string_append_c(cli->out, '\n');
	print_table(cli, services, service_titles, add_service);
	json_object_put(root);
}

/* The text is not parsed for --json: what the library says is what is printed,
 * whatever this program would understand of it. */
static bool run_status(Cli *cli, const CliArgs *args, GError **error)
{
	g_autoptr(L3vm) host = cli_open(cli, error);
	g_autofree char *text = NULL;

	if (host)
		text = l3vm_status(host, cli_args_get(args, "guest"), error);
	if (!text)
		return false;
	if (cli_args_has(args, "json"))
		cli_print(cli, text);
	else
		print_all(cli, text);
	return true;
}

static const CliOption status_options[] = {
	{ .name = "json", .help = "as JSON, a stable format: see l3vm(8)" },
	{ .name = NULL },
};

const CliVerb cli_status = {
	.name = "status",
	.arguments = "[G] [--json]",
	.help = "show ports and service addresses: state, rank, announcers, problems",
	.options = status_options,
	.operands = cli_guest_operands,
	.run = run_status,
};
