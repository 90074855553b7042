/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* complete.h - what a shell may offer for the next word */
#ifndef L3VM_CLI_COMPLETE_H
#define L3VM_CLI_COMPLETE_H

#include "cli.h"

/*
 * Prints what may stand in place of the last of @words (NULL-terminated, from
 * the one after "l3vm"; the last may be empty), a candidate per line, or one
 * of ":file", ":dir" and ":ifname" for what the shell knows better. Never
 * fails: a half-typed line is not wrong yet.
 */
void cli_complete(Cli *cli, char **words);

#endif
