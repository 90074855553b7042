/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook.c - the program that Ganeti's node hooks run
 *
 * Ganeti runs the hooks of an operation on the master and on the instance's nodes, so
 * each handler first finds out which of them this is. A migration's source and target
 * are GANETI_OLD_PRIMARY and GANETI_NEW_PRIMARY; the same variables with POST_ in
 * their name are taken anew afterwards, when the old primary is the new one.
 *
 * At the source nothing is done: QEMU's own events, which the agent sees, are nearer
 * to the truth than the beginning of a job that may wait or fail without a word.
 *
 * Only before a migration a failure ends the job, while the instance is well where it
 * is. In the other phases it is a warning in the job's output.
 */
#include "node.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For how long the target of a migration is believed to be one, in seconds. Between
 * the hook and the network script there are disks to be opened and synchronised. */
#define INCOMING_VALID 900

typedef bool (*Handler)(L3vm *host, GError **error);

static const char *instance_name(void)
{
	const char *name = getenv("GANETI_INSTANCE_NAME");

	return name ? name : "";
}

/* The NICs that are ours. With @ports those that have a tap and are not in there. */
static GPtrArray *nics(L3vm *host, GHashTable *ports, GError **error)
{
	g_autoptr(GPtrArray)
		found = g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_port_free);
	unsigned count = ganeti_nic_count();

	for (unsigned i = 0; i < count; i++) {
		GError *problem = NULL;
		g_autofree char *tap = NULL;
		GanetiNic nic;
		L3vmPort *port;

		if (!ganeti_nic_of_hook(&nic, i, error))
			return NULL;
		tap = ports ? ganeti_tap(&nic) : NULL;
		if (ports && (!tap || g_hash_table_contains(ports, tap)))
			continue;
		nic.ifname = tap;
		port = ganeti_nic_port(&nic, host, &problem);
		if (problem)
			return g_propagate_error(error, problem), NULL;
		if (port)
			g_ptr_array_add(found, port);
	}
	return g_steal_pointer(&found);
}

/* --- migrations ------------------------------------------------------------- */

/* A clean-up after a migration that broke off finds out where the instance is. */
static bool is_cleanup(void)
{
	return !g_strcmp0(getenv("GANETI_MIGRATE_CLEANUP"), "True");
}

/* The target: what this host would not route is refused now, and the agent learns
 * what the taps will be for. */
static bool migrate_pre(L3vm *host, GError **error)
{
	g_autoptr(GPtrArray) ports = NULL;

	if (is_cleanup() || ganeti_node_is_me(getenv("GANETI_OLD_PRIMARY")) ||
	    !ganeti_node_is_me(getenv("GANETI_NEW_PRIMARY")))
		return true;
	ports = nics(host, NULL, error);
	if (!ports)
		return false;
	return !ports->len || l3vm_incoming(host, instance_name(), NULL,
					    (L3vmPort *const *)ports->pdata, ports->len,
					    INCOMING_VALID, error);
}

static bool arrived(L3vm *host, GError **error)
{
	GError *problem = NULL;

	if (l3vm_migrate_notify(host, instance_name(), L3VM_PHASE_ARRIVED, &problem))
		return true;
	if (!g_error_matches(problem, L3VM_ERROR, L3VM_ERROR_NOT_FOUND))
		return g_propagate_error(error, problem), false;
	g_clear_error(&problem);
	return true;
}

static bool reconcile(L3vm *host, GError **error)
{
	g_autofree char *report = NULL;

	return l3vm_reconcile(host, false, &report, error);
}

/*
 * What the network script did stays: it had the addresses that the instance was
 * started with, the hook has those that it will be started with next. A NIC that it
 * failed for, or that --cleanup found here, is set up now.
 */
static bool migrate_post(L3vm *host, GError **error)
{
	g_autoptr(GHashTable) known = NULL;
	g_autoptr(GPtrArray) missing = NULL;

	if (!ganeti_node_is_me(getenv("GANETI_POST_INSTANCE_PRIMARY")))
		return reconcile(host, error);
	known = ganeti_ports(host, error);
	missing = known ? nics(host, known, error) : NULL;
	return missing &&
	       l3vm_attach(host, (L3vmPort *const *)missing->pdata, missing->len,
			   L3VM_ATTACH_HERE, error) &&
	       arrived(host, error);
}

/* It boots at its new node, whatever was expected before. */
static bool failover_pre(L3vm *host, GError **error)
{
	return l3vm_incoming_forget(host, instance_name(), NULL, error);
}

/* --- the rest --------------------------------------------------------------- */

/* Taps that went with QEMU, or with a NIC */
static bool gone(L3vm *host, GError **error)
{
	return reconcile(host, error) && failover_pre(host, error);
}

static unsigned print_errors(const char *text)
{
	struct json_object *root = json_tokener_parse(text);
	struct json_object *list = json_object_object_get(root, "findings");
	unsigned count = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		const char *const keys[] = { "severity", "subject", "finding",
					     "remedy" };
		const char *words[G_N_ELEMENTS(keys)];

		for (size_t j = 0; j < G_N_ELEMENTS(keys); j++)
			words[j] = json_object_get_string(
				json_object_object_get(one, keys[j]));
		if (strcmp(words[0], "error") != 0)
			continue;
		printf("l3vm: %s: %s (%s)\n", words[1], words[2], words[3]);
		count++;
	}
	json_object_put(root);
	return count;
}

/* gnt-cluster verify shows what is printed if the status is not 0. */
static bool verify_post(L3vm *host, GError **error)
{
	g_autoptr(GHashTable) ports = ganeti_ports(host, error);
	g_autofree char *text = ports ? l3vm_check(host, error) : NULL;
	unsigned errors;

	if (!text)
		return false;
	errors = print_errors(text) + ganeti_check_nics(host, ports);
	if (errors)
		g_set_error(error, L3VM_ERROR, L3VM_ERROR_FAILED,
			    "%u error%s on this node (`l3vm check` has more)", errors,
			    errors == 1 ? "" : "s");
	return !errors;
}

/* --- main ------------------------------------------------------------------- */

static const struct {
	const char *path, *phase;
	Handler run;
} handlers[] = {
	{ "instance-migrate", "pre", migrate_pre },
	{ "instance-migrate", "post", migrate_post },
	{ "instance-failover", "pre", failover_pre },
	{ "instance-failover", "post", gone },
	{ "instance-stop", "post", gone },
	{ "instance-remove", "post", gone },
	/* a NIC may have been unplugged */
	{ "instance-modify", "post", reconcile },
	{ "cluster-verify", "post", verify_post },
};

/* ganeti-watcher's hooks are told nothing, so what has no path is one. NULL: an
 * operation that is none of ours. */
static Handler find_handler(void)
{
	const char *path = getenv("GANETI_HOOKS_PATH");
	const char *phase = getenv("GANETI_HOOKS_PHASE");

	if (!path)
		return reconcile;
	for (size_t i = 0; i < G_N_ELEMENTS(handlers); i++)
		if (!strcmp(handlers[i].path, path) &&
		    !g_strcmp0(handlers[i].phase, phase))
			return handlers[i].run;
	return NULL;
}

int main(void)
{
	Handler run = find_handler();
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vm) host = NULL;

	if (!run)
		return 0;
	host = l3vm_new(NULL, NULL, &error);
	if (!host || !run(host, &error))
		ganeti_say(error->message);
	return l3vm_exit_status(error);
}
