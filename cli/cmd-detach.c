/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-detach.c - the verb detach: remove a port, or all ports of a guest
 *
 * Whoever detaches wants it gone, and does not care who was first: what is not
 * there is success. Scripts can so clean up without asking, and twice.
 */
#include "args.h"

/* A script that sets both could mean either; taking one would remove more or
 * less than it wanted. */
static bool run_detach(Cli *cli, const CliArgs *args, GError **error)
{
	const char *ifname = cli_args_get(args, "ifname");
	const char *guest = cli_args_get(args, "guest");
	g_autoptr(L3vm) host = NULL;

	if (!ifname == !guest)
		return cli_usage_error(error,
				       "detach: %s (give either --ifname IF or "
				       "--guest G)",
				       guest ? "--ifname and --guest exclude each other"
					     : "missing: --ifname IF or --guest G");
	host = cli_open(cli, error);
	if (!host || !(ifname ? l3vm_detach_port(host, ifname, error)
			      : l3vm_detach_guest(host, guest, error)))
		return false;
	cli_say(cli, "nothing is attached any more of %s %s",
		ifname ? "interface" : "guest", ifname ? ifname : guest);
	return true;
}

static const CliOption detach_options[] = {
	{
		.name = "ifname",
		.value = CLI_VALUE_PORT,
		.metavar = "IF",
		.help = "the port with this interface",
	},
	{
		.name = "guest",
		.value = CLI_VALUE_GUEST,
		.metavar = "G",
		.help = "all ports of this guest, by name or UUID",
	},
	{ .name = NULL },
};

const CliVerb cli_detach = {
	.name = "detach",
	.arguments = "--ifname IF | --guest G",
	.help = "remove a port, or all of a guest; absent is success",
	.options = detach_options,
	.run = run_detach,
};
