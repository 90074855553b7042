/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli.h - what the verbs of l3vm share: the table's types, the run's context
 *
 * A verb is one const struct in a file of its own; main.c lists them. The
 * same struct drives parsing, the usage text and shell completion, so that
 * the three cannot disagree.
 */
#ifndef L3VM_CLI_CLI_H
#define L3VM_CLI_CLI_H

#include "l3vm.h"

#include <glib.h>
#include <stdbool.h>

/* What a value is: decides how it is checked here and completed in a shell. */
typedef enum {
	CLI_VALUE_NONE,	  /* a flag */
	CLI_VALUE_TEXT,	  /* the library checks its form */
	CLI_VALUE_WORD,	  /* one of .words */
	CLI_VALUE_GUEST,  /* a guest with ports here */
	CLI_VALUE_PORT,	  /* the interface of a port here */
	CLI_VALUE_IFNAME, /* any interface of the host */
	CLI_VALUE_FILE,
	CLI_VALUE_DIR,
	CLI_VALUE_SERVICE, /* a service address of the host */
	CLI_VALUE_COMMAND, /* a verb of ours */
} CliValue;

/* An option, or the operand of a verb (then .name is for messages only). */
typedef struct CliOption {
	const char *name; /* without the two hyphens */
	char letter;	  /* short form, or 0 */
	CliValue value;
	const char *metavar;	  /* "ADDRESS"; NULL for a flag */
	const char *const *words; /* CLI_VALUE_WORD: NULL-terminated */
	bool required;
	bool list;   /* may be repeated and comma-separated */
	bool repeat; /* may be repeated, each time with one value */
	const char *help;
} CliOption;

typedef struct Cli Cli;
typedef struct CliArgs CliArgs;

typedef struct CliVerb {
	const char *name;
	const char *arguments;	  /* as in the synopsis; "" for none */
	const char *help;	  /* one line */
	const CliOption *options; /* ended by one without a name; NULL: none */
	/* in their order, ended as options are; NULL: takes none */
	const CliOption *operands;
	bool (*run)(Cli *cli, const CliArgs *args, GError **error);
} CliVerb;

/* One run of the program. */
struct Cli {
	const CliVerb *const *verbs; /* NULL-terminated */
	const char *config_file;     /* NULL: the library's choice */
	const char *state_dir;
	bool verbose;
	GString *out; /* becomes standard output when the verb is done */
	int status;   /* exit status of a verb that had no error */
};

extern const CliOption cli_global_options[];
/* Of verbs that are about one guest, or all. */
extern const CliOption cli_guest_operands[];
extern const CliVerb cli_attach, cli_detach, cli_plan, cli_migrate_notify;
extern const CliVerb cli_status, cli_reconcile, cli_announce, cli_check;
extern const CliVerb cli_metrics, cli_timeline, cli_service, cli_version, cli_help;

/* The service addresses in the text of l3vm_status() as a table; false: none. */
bool cli_print_services(Cli *cli, const char *status);

/* NULL if there is none. */
const CliVerb *cli_find_verb(const Cli *cli, const char *name);

/* Opens this host as the global options say. */
L3vm *cli_open(const Cli *cli, GError **error);

/* Appends @text to the output, with a newline if it lacks one. */
void cli_print(Cli *cli, const char *text);

/* Under -v: one line on standard error. */
void cli_say(const Cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Sets a usage error (exit status 2) and returns false. */
bool cli_usage_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
