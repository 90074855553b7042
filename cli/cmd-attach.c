/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-attach.c - the verbs attach and plan: a port from the command line
 *
 * Both read the same options with the same code, so that a plan is always the
 * plan of the attach it stands for. What a value must look like and whether
 * this host accepts it is the library's decision; nothing is checked twice.
 */
#include "args.h"

#include <string.h>

#define PORT_ARGUMENTS                                                    \
	"--guest G --ifname IF --mac MAC --address A... [--prefix P...] " \
	"[--network N] [--uuid U] [--prepared]"

static const char *const plan_formats[] = { "ip", "json", NULL };

#define PLAN_ONLY 2 /* the first ones are no options of attach */

/*
 * --address is not required: guests.d, the network's derive rules or learning
 * may supply the addresses (l3vm.conf(5)), and only the library knows.
 */
static const CliOption options[] = {
	{
		.name = "from-scratch",
		.help = "as if nothing were there yet: needs neither privilege nor "
			"the interface",
	},
	{
		.name = "format",
		.value = CLI_VALUE_WORD,
		.metavar = "ip|json",
		.words = plan_formats,
		.help = "lines for sh (default), or one JSON object per operation",
	},
	{
		.name = "guest",
		.value = CLI_VALUE_GUEST,
		.metavar = "G",
		.required = true,
		.help = "name of the guest",
	},
	{
		.name = "ifname",
		.value = CLI_VALUE_IFNAME,
		.metavar = "IF",
		.required = true,
		.help = "the guest's interface on this host",
	},
	{
		.name = "mac",
		.value = CLI_VALUE_TEXT,
		.metavar = "MAC",
		.required = true,
		.help = "the guest's own MAC address",
	},
	{
		.name = "address",
		.value = CLI_VALUE_TEXT,
		.metavar = "A",
		.list = true,
		.help = "IPv4 or IPv6 address; repeat it, or separate by commas; "
			"without one the configuration must say",
	},
	{
		.name = "prefix",
		.value = CLI_VALUE_TEXT,
		.metavar = "P",
		.list = true,
		.help = "subnet routed to the guest, as 2001:db8:5::/64; as above",
	},
	{
		.name = "network",
		.value = CLI_VALUE_TEXT,
		.metavar = "N",
		.help = "[network N] of the configuration (default: default)",
	},
	{
		.name = "uuid",
		.value = CLI_VALUE_TEXT,
		.metavar = "U",
		.help = "the guest's UUID, where it has one",
	},
	{
		.name = "prepared",
		.help = "target of an incoming migration: everything but routes",
	},
	{ .name = NULL },
};

typedef bool (*AddFunction)(L3vmPort *port, const char *text, GError **error);

static bool add_all(L3vmPort *port, const GPtrArray *texts, AddFunction add,
		    GError **error)
{
	for (guint i = 0; texts && i < texts->len; i++)
		if (!add(port, g_ptr_array_index(texts, i), error))
			return false;
	return true;
}

/* NULL with @error if a value is not of its form: before anything is opened,
 * so that a slip costs nothing and is told to whoever has no privilege too. */
static L3vmPort *port_from_args(const CliArgs *args, GError **error)
{
	const char *network = cli_args_get(args, "network");
	g_autoptr(L3vmPort) port = l3vm_port_new(cli_args_get(args, "guest"),
						 cli_args_get(args, "uuid"), error);

	if (!port || !l3vm_port_set_ifname(port, cli_args_get(args, "ifname"), error) ||
	    !l3vm_port_set_mac(port, cli_args_get(args, "mac"), error) ||
	    (network && !l3vm_port_set_network(port, network, error)) ||
	    !add_all(port, cli_args_list(args, "address"), l3vm_port_add_address,
		     error) ||
	    !add_all(port, cli_args_list(args, "prefix"), l3vm_port_add_prefix, error))
		return NULL;
	return g_steal_pointer(&port);
}

static L3vmAttachMode mode_from_args(const CliArgs *args)
{
	return cli_args_has(args, "prepared") ? L3VM_ATTACH_PREPARED : L3VM_ATTACH_LIVE;
}

/* Under -v: what attach is about to do, a line of its plan at a time. The
 * plan is made twice then; who asks for words has the time. */
static bool say_plan(const Cli *cli, L3vm *host, L3vmPort *port, L3vmAttachMode mode,
		     GError **error)
{
	g_autofree char *plan = NULL;
	g_auto(GStrv) lines = NULL;

	if (!cli->verbose)
		return true;
	if (!l3vm_plan(host, &port, 1, mode, L3VM_PLAN_IP, false, &plan, error))
		return false;
	lines = g_strsplit(plan, "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line && **line != '#')
			cli_say(cli, "+ %s", *line);
	return true;
}

/* Silent on success, as what runs from scripts should be. */
static bool run_attach(Cli *cli, const CliArgs *args, GError **error)
{
	L3vmAttachMode mode = mode_from_args(args);
	g_autoptr(L3vmPort) port = port_from_args(args, error);
	g_autoptr(L3vm) host = port ? cli_open(cli, error) : NULL;
	L3vmPort *ports[] = { port };

	if (!host || !say_plan(cli, host, port, mode, error) ||
	    !l3vm_attach(host, ports, G_N_ELEMENTS(ports), mode, error))
		return false;
	cli_say(cli, "attached %s of guest %s", cli_args_get(args, "ifname"),
		cli_args_get(args, "guest"));
	return true;
}

const CliVerb cli_attach = {
	.name = "attach",
	.arguments = PORT_ARGUMENTS,
	.help = "create or update a port, all or nothing",
	.options = options + PLAN_ONLY,
	.run = run_attach,
};

/* --- plan -------------------------------------------------------------- */

/* An empty plan prints nothing: sh runs that, too. */
static bool run_plan(Cli *cli, const CliArgs *args, GError **error)
{
	const char *format = cli_args_get(args, "format");
	bool json = format && !strcmp(format, "json");
	g_autoptr(L3vmPort) port = port_from_args(args, error);
	g_autoptr(L3vm) host = port ? cli_open(cli, error) : NULL;
	g_autofree char *text = NULL;
	L3vmPort *ports[] = { port };

	if (!host || !l3vm_plan(host, ports, G_N_ELEMENTS(ports), mode_from_args(args),
				json ? L3VM_PLAN_JSON : L3VM_PLAN_IP,
				cli_args_has(args, "from-scratch"), &text, error))
		return false;
	cli_print(cli, text);
	return true;
}

const CliVerb cli_plan = {
	.name = "plan",
	.arguments = PORT_ARGUMENTS " [--from-scratch] [--format ip|json]",
	.help = "print what attach would do now, change nothing",
	.options = options,
	.run = run_plan,
};
