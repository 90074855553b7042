/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-reconcile.c - the verbs that repair: reconcile and announce
 *
 * Both are made to run from a timer: silent when all is well, so that what they
 * print is worth a mail, and with exit status 0 when they had something to do.
 */
#include "args.h"

static bool run_reconcile(Cli *cli, const CliArgs *args, GError **error)
{
	bool dry_run = cli_args_has(args, "dry-run");
	g_autoptr(L3vm) host = cli_open(cli, error);
	g_autofree char *report = NULL;

	if (!host || !l3vm_reconcile(host, dry_run, &report, error))
		return false;
	/* Silence is the good news; -v is for who doubts that anything ran. */
	if (!*report)
		cli_say(cli, "the kernel is as the records say");
	cli_print(cli, report);
	return true;
}

static const CliOption reconcile_options[] = {
	{ .name = "dry-run", .help = "only print what differs" },
	{ .name = NULL },
};

const CliVerb cli_reconcile = {
	.name = "reconcile",
	.arguments = "[--dry-run]",
	.help = "bring the kernel to the records' state, print what differed",
	.options = reconcile_options,
	.run = run_reconcile,
};

/* --- announce ---------------------------------------------------------- */

static bool run_announce(Cli *cli, const CliArgs *args, GError **error)
{
	const char *guest = cli_args_get(args, "guest");
	g_autoptr(L3vm) host = cli_open(cli, error);

	if (!host || !l3vm_announce(host, guest, error))
		return false;
	cli_say(cli, "announced %s%s", guest ? "guest " : "all guests",
		guest ? guest : "");
	return true;
}

const CliVerb cli_announce = {
	.name = "announce",
	.arguments = "[G]",
	.help = "repeat gratuitous ARP and NA, re-assert announcements",
	.operands = cli_guest_operands,
	.run = run_announce,
};
