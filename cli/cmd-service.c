/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-service.c - the verb service: addresses of the host itself, announced while well
 *
 * As with attach and detach, adding twice and removing what is not there succeed.
 */
#include "args.h"

#include <string.h>

#define INTERVAL 5000 /* milliseconds */
#define RISE	 2
#define FALL	 3

static const char *const actions[] = {
	"add", "drain", "undrain", "remove", "list", NULL
};

/* The library knows the bounds. */
static bool read_number(const CliArgs *args, const char *name, unsigned *number,
			GError **error)
{
	const char *text = cli_args_get(args, name);
	guint64 value;

	if (!text)
		return true;
	if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT, &value, NULL))
		return cli_usage_error(error,
				       "service: --%s \"%.20s\" is not a number (give "
				       "a whole one from 1)",
				       name, text);
	*number = (unsigned)value;
	return true;
}

/* In seconds, "0.5" say, into milliseconds. */
static bool read_interval(const CliArgs *args, unsigned *interval, GError **error)
{
	const char *text = cli_args_get(args, "interval");
	char *end;
	double seconds;

	if (!text)
		return true;
	seconds = g_ascii_strtod(text, &end);
	if (!g_ascii_isdigit(*text) || *end || !(seconds <= 86400))
		return cli_usage_error(error,
				       "service: --interval \"%.20s\" is not a time in "
				       "seconds (give 0.1 to 3600)",
				       text);
	*interval = (unsigned)(seconds * 1000 + 0.5);
	return true;
}

static bool set_check(L3vmPort *service, const CliArgs *args, GError **error)
{
	const char *check = cli_args_get(args, "check");
	unsigned interval = INTERVAL, rise = RISE, fall = FALL;

	if (!check && (cli_args_has(args, "interval") || cli_args_has(args, "rise") ||
		       cli_args_has(args, "fall")))
		return cli_usage_error(error, "service: --interval, --rise and --fall "
					      "are about a check (give --check CMD)");
	return !check ||
	       (read_interval(args, &interval, error) &&
		read_number(args, "rise", &rise, error) &&
		read_number(args, "fall", &fall, error) &&
		l3vm_service_set_check(service, check, interval, rise, fall, error));
}

static bool add(L3vm *host, const CliArgs *args, GError **error)
{
	const char *ifname = cli_args_get(args, "ifname");
	const char *network = cli_args_get(args, "network");
	g_autoptr(L3vmPort)
		service = l3vm_service_new(cli_args_get(args, "address"), error);

	return service && (!ifname || l3vm_port_set_ifname(service, ifname, error)) &&
	       (!network || l3vm_port_set_network(service, network, error)) &&
	       set_check(service, args, error) &&
	       l3vm_service_add(host, service, error);
}

static bool list(Cli *cli, L3vm *host, GError **error)
{
	g_autofree char *text = l3vm_status(host, NULL, error);

	if (text && !cli_print_services(cli, text))
		cli_print(cli, "no service addresses");
	return text;
}

/* What one action needs, another cannot have. */
static bool check_words(const CliArgs *args, const char *action, GError **error)
{
	const char *address = cli_args_get(args, "address");
	bool lists = !strcmp(action, "list");

	if (lists && address)
		return cli_usage_error(error, "service: list takes no ADDRESS (see "
					      "\"l3vm help service\")");
	if (!lists && !address)
		return cli_usage_error(error, "service: missing: ADDRESS (see \"l3vm "
					      "help service\")");
	if (strcmp(action, "add") != 0)
		for (const CliOption *o = cli_service.options; o->name; o++)
			if (cli_args_has(args, o->name))
				return cli_usage_error(
					error,
					"service: --%s goes with add (see \"l3vm help "
					"service\")",
					o->name);
	return true;
}

static bool run_service(Cli *cli, const CliArgs *args, GError **error)
{
	const char *action = cli_args_get(args, "action");
	const char *address = cli_args_get(args, "address");
	g_autoptr(L3vm) host = NULL;
	bool ok;

	if (!check_words(args, action, error))
		return false;
	host = cli_open(cli, error);
	if (!host)
		return false;
	if (!strcmp(action, "list"))
		return list(cli, host, error);
	if (!strcmp(action, "add"))
		ok = add(host, args, error);
	else if (!strcmp(action, "remove"))
		ok = l3vm_service_remove(host, address, error);
	else
		ok = l3vm_service_drain(host, address, !strcmp(action, "drain"), error);
	if (ok)
		cli_say(cli, "service %s: %s", address, action);
	return ok;
}

static const CliOption service_operands[] = {
	{
		.name = "action",
		.value = CLI_VALUE_WORD,
		.metavar = "ACTION",
		.words = actions,
		.required = true,
		.help = "add, or change; drain: to the last rank; undrain; remove, "
			"absent is success; list",
	},
	{
		.name = "address",
		.value = CLI_VALUE_SERVICE,
		.metavar = "ADDRESS",
		.help = "IPv4 or IPv6, on which a program of this host answers",
	},
	{ .name = NULL },
};

static const CliOption service_options[] = {
	{
		.name = "check",
		.value = CLI_VALUE_TEXT,
		.metavar = "CMD",
		.help = "announce it only while this program, which l3vm-agent runs, "
			"ends with status 0 (default: always)",
	},
	{
		.name = "interval",
		.value = CLI_VALUE_TEXT,
		.metavar = "S",
		.help = "run it every S seconds, 0.5 say, and for no longer (default: "
			"5)",
	},
	{
		.name = "rise",
		.value = CLI_VALUE_TEXT,
		.metavar = "N",
		.help = "N good checks in a row announce it (default: 2)",
	},
	{
		.name = "fall",
		.value = CLI_VALUE_TEXT,
		.metavar = "N",
		.help = "N bad ones in a row withdraw it (default: 3)",
	},
	{
		.name = "ifname",
		.value = CLI_VALUE_IFNAME,
		.metavar = "IF",
		.help = "put it on this interface, a dummy say (default: lo)",
	},
	{
		.name = "network",
		.value = CLI_VALUE_TEXT,
		.metavar = "N",
		.help = "network whose announcers, table and `allow` it has (default: "
			"default)",
	},
	{ .name = NULL },
};

const CliVerb cli_service = {
	.name = "service",
	.arguments = "add ADDRESS [--check CMD] [--interval S] [--rise N] [--fall N] "
		     "[--ifname IF] [--network N] | drain|undrain|remove ADDRESS | "
		     "list",
	.help = "announce an address of this host while it is well",
	.options = service_options,
	.operands = service_operands,
	.run = run_service,
};
