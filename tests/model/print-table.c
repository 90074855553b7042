/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * print-table.c - the library's state table and ranks, as Promela
 *
 * The model has no table of its own that could drift away from the library's: its
 * script includes what this program prints.
 */
#include "model/migration.h"
#include "store/config.h"

#include <stdio.h>

static char *upper(const char *name)
{
	return g_ascii_strup(name, -1);
}

static void print_names(void)
{
	for (unsigned state = 0; state <= L3VM_STATE_GONE; state++) {
		g_autofree char *name = upper(l3vm_state_name(state));

		printf("#define %s %u\n", name, state);
	}
	for (unsigned event = 0; event < L3VM_EVENT_COUNT; event++) {
		g_autofree char *name = upper(l3vm_event_name(event));

		printf("#define EV_%s %u\n", name, event);
	}
}

/* `hidden`: constant once filled in, and so no part of spin's states. */
static void print_table(void)
{
	printf("hidden byte after[%u];\n"
	       "#define row(event) ((event) * %u)\n"
	       "inline fill_table()\n{\n",
	       L3VM_EVENT_COUNT * (L3VM_STATE_GONE + 1), L3VM_STATE_GONE + 1);
	for (unsigned event = 0; event < L3VM_EVENT_COUNT; event++)
		for (unsigned from = 0; from <= L3VM_STATE_GONE; from++) {
			g_autofree char *event_name = upper(l3vm_event_name(event));
			g_autofree char *from_name = upper(l3vm_state_name(from));
			g_autofree char *to_name = upper(
				l3vm_state_name(l3vm_migration_next(from, event)));

			printf("\tafter[row(EV_%s) + %s] = %s;\n", event_name,
			       from_name, to_name);
		}
	printf("}\n");
}

/* 1 is the best rank, 0 is none: the order of metrics is all that counts. */
static unsigned place_of(uint32_t metric, const L3vmRanks *ranks)
{
	return !metric ? 0
		       : 1u + (metric > ranks->preferred) + (metric > ranks->normal);
}

static bool print_ranks(GError **error)
{
	/* no such file: the defaults */
	g_autoptr(L3vmConfig) config = l3vm_config_load("/nonexistent", error);

	if (!config)
		return false;
	for (unsigned state = 0; state <= L3VM_STATE_GONE; state++) {
		g_autofree char *name = upper(l3vm_state_name(state));
		uint32_t metric = l3vm_state_metric(state, &config->ranks);

		printf("#define RANK_%s %u\n", name, place_of(metric, &config->ranks));
	}
	return true;
}

int main(void)
{
	g_autoptr(GError) error = NULL;

	print_names();
	print_table();
	if (print_ranks(&error))
		return 0;
	fprintf(stderr, "print-table: %s\n", error->message);
	return 1;
}
