/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verdict.c - which failure of ours may stop what libvirt is about to do
 *
 * libvirt takes a hook's exit status other than 0 as a veto and does with it
 * what the operation allows: from "the start is refused", which is what an
 * operator wants for a guest whose address is not allowed here, to "the running
 * guest is killed". The rule of the table: veto where nothing runs yet and the
 * refusal leaves everything as it was; never where a guest runs, where libvirt
 * cannot undo what it did, or where it does not listen.
 *
 * An operation that is not in the table is one that libvirt did not have when
 * this was written. Nobody knows what a veto would destroy there, and l3vm does
 * nothing there that could fail: 0.
 */
#include "verdict.h"

#include <string.h>

typedef struct Row {
	const char *operation;
	bool may_veto;
} Row;

static const Row qemu_rows[] = {
	/* The first step at the target. The guest runs on at the source, and
	 * the operator learns in the same command why it cannot move here. */
	{ "migrate", true },
	/* Only forgets that a migration was expected. At worst the guest waits
	 * for `l3vm migrate-notify`, which is better than one that cannot be
	 * restored; prepare and start follow and may still refuse it. */
	{ "restore", false },
	/* No interface and no process yet. */
	{ "prepare", true },
	/* Interfaces, but no process yet; stopped and release follow a veto. At
	 * the target of a migration the guest runs on at the source. */
	{ "start", true },
	/* After a boot the guest runs already and would be killed. "start"
	 * succeeded for the same ports a moment ago, so what fails now passes,
	 * and `l3vm reconcile` finishes the work. */
	{ "started", false },
	/* The guest is dead or elsewhere; libvirt ignores the status. */
	{ "stopped", false },
	{ "release", false },
	/* The daemon came back to a running guest: a veto kills the guest. */
	{ "reconnect", false },
	/* A QEMU that somebody else started, and that runs. */
	{ "attach", false },
};

static const Row network_rows[] = {
	/* No bridge yet; the network stays inactive. */
	{ "start", true },
	/* libvirt 9.0 leaves its bridge behind and the network can then not be
	 * started again until somebody deletes it. */
	{ "started", false },
	/* Nothing follows that could be stopped. */
	{ "stopped", false },
	{ "updated", false },
	/* Refuses a guest's start or a hot-plug, for instance for an address
	 * that is taken. The operation is repeated for every live port when the
	 * daemon restarts: the library has those on record, and does nothing
	 * that could fail for them. */
	{ "port-created", true },
	{ "port-deleted", false },
	/* the same two before libvirt 5.5 */
	{ "plugged", true },
	{ "unplugged", false },
};

static const Row *find_row(const Row *rows, size_t n_rows, const char *operation)
{
	for (size_t i = 0; i < n_rows; i++)
		if (!strcmp(rows[i].operation, operation))
			return &rows[i];
	return NULL;
}

bool l3vm_verdict_may_veto(L3vmHook hook, const char *operation)
{
	const Row *row = NULL;

	switch (hook) {
	case L3VM_HOOK_QEMU:
		row = find_row(qemu_rows, G_N_ELEMENTS(qemu_rows), operation);
		break;
	case L3VM_HOOK_NETWORK:
		row = find_row(network_rows, G_N_ELEMENTS(network_rows), operation);
		break;
	}
	return row && row->may_veto;
}

/*
 * Without an operation the caller is a person at a shell: since its first
 * version with hooks (0.8.0) libvirt passes four arguments, always. So this
 * cannot be the `reconnect` of a running guest, and a usage error is safe. One
 * argument more or less after the operation decides nothing and is not looked
 * at, since a later libvirt may well add one.
 */
int l3vm_verdict(L3vmHook hook, const char *operation, const GError *error)
{
	if (!operation)
		return L3VM_ERROR_USAGE;
	return l3vm_verdict_may_veto(hook, operation) ? l3vm_exit_status(error) : 0;
}
