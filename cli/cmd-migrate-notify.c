/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-migrate-notify.c - the verb migrate-notify: an operator's word as evidence
 *
 * No hook of a VM manager runs at the moment when a migrated guest changes
 * hosts, so a port that was prepared for it waits for evidence. Where nothing
 * listens for the guest's own frames, this command is the evidence, and it is
 * believed: a route follows at once.
 */
#include "args.h"

#include <string.h>

/* In the order of L3vmPhase: the index is the value. */
static const char *const phases[] = { "arrived", "leaving", "left", "aborted", NULL };

G_STATIC_ASSERT(L3VM_PHASE_ARRIVED == 0 && L3VM_PHASE_LEAVING == 1 &&
		L3VM_PHASE_LEFT == 2 && L3VM_PHASE_ABORTED == 3);

/* @name was checked against the list by the parser. */
static L3vmPhase phase_from_name(const char *name)
{
	int phase = L3VM_PHASE_ARRIVED;

	while (name && strcmp(phases[phase], name) != 0)
		phase++;
	return (L3vmPhase)phase;
}

static bool run_migrate_notify(Cli *cli, const CliArgs *args, GError **error)
{
	const char *guest = cli_args_get(args, "guest");
	L3vmPhase phase = phase_from_name(cli_args_get(args, "phase"));
	g_autoptr(L3vm) host = cli_open(cli, error);

	if (!host || !l3vm_migrate_notify(host, guest, phase, error))
		return false;
	cli_say(cli, "guest %s: %s", guest, phases[phase]);
	return true;
}

static const CliOption guest_operands[] = {
	{
		.name = "guest",
		.value = CLI_VALUE_GUEST,
		.metavar = "G",
		.required = true,
		.help = "name or UUID of the guest",
	},
	{ .name = NULL },
};

static const CliOption migrate_notify_options[] = {
	{
		.name = "phase",
		.value = CLI_VALUE_WORD,
		.metavar = "PHASE",
		.words = phases,
		.help = "arrived: it runs here now (default); leaving: a migration "
			"away has begun; left: it runs elsewhere now; aborted: the "
			"migration failed",
	},
	{ .name = NULL },
};

const CliVerb cli_migrate_notify = {
	.name = "migrate-notify",
	.arguments = "G [--phase arrived|leaving|left|aborted]",
	.help = "tell how far a guest's migration is",
	.options = migrate_notify_options,
	.operands = guest_operands,
	.run = run_migrate_notify,
};
