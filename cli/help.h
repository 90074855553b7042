/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* help.h - the table of verbs as text */
#ifndef L3VM_CLI_HELP_H
#define L3VM_CLI_HELP_H

#include "cli.h"

/* The usage text: every verb, the global options, the exit statuses. */
void cli_help_all(Cli *cli);
void cli_help_verb(Cli *cli, const CliVerb *verb);

/* Sets the error for a verb that does not exist; returns false. */
bool cli_help_unknown(const Cli *cli, const char *name, GError **error);

#endif
