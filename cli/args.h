/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args.h - the words of a command line, sorted into options and operands
 *
 * Not getopt_long(): it prints its own messages, completes abbreviations (a
 * new option would then break scripts) and reorders argv. Every message here
 * is one line that names the nearest known word.
 */
#ifndef L3VM_CLI_ARGS_H
#define L3VM_CLI_ARGS_H

#include "cli.h"

CliArgs *cli_args_new(void);
void cli_args_free(CliArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CliArgs, cli_args_free)

/*
 * Takes the options before the verb. Returns the words from the verb on (the
 * terminating NULL if there is none), or NULL with @error.
 */
char **cli_args_parse_global(CliArgs *args, char **words, GError **error);

/*
 * Takes what follows @verb, where global options may stand too. Whether
 * something required is missing is not asked when only help or the version is.
 */
bool cli_args_parse_verb(CliArgs *args, const CliVerb *verb, char **words,
			 GError **error);

/* The value of an option or operand, by name; NULL if it was not given. */
const char *cli_args_get(const CliArgs *args, const char *name);
/* Of an option that may be repeated: char*; NULL if it was not given. */
const GPtrArray *cli_args_list(const CliArgs *args, const char *name);
bool cli_args_has(const CliArgs *args, const char *name);

/* The option that is called @name in @options (may be NULL), or NULL. */
const CliOption *cli_option_find(const CliOption *options, const char *name);

#endif
