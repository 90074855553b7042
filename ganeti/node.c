/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * node.c - what Ganeti has on record of the instances that run on this node
 *
 *   nic/INSTANCE/INDEX       the name of the tap, once QEMU has it
 *   conf/INSTANCE.runtime    JSON: command line, NICs, hypervisor parameters, disks;
 *                            at the target of a migration from its end on
 *
 * Both stay when QEMU ends by itself, so only taps that exist count.
 */
#include "node.h"

#include <json-c/json.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NIC_DIR	 L3VM_GANETI_RUNDIR "/kvm-hypervisor/nic"
#define CONF_DIR L3VM_GANETI_RUNDIR "/kvm-hypervisor/conf"

bool ganeti_node_is_me(const char *node)
{
	char name[256] = "";
	size_t size;

	gethostname(name, sizeof(name) - 1);
	size = strlen(name);
	if (!node || !size || strncmp(node, name, size) != 0)
		return false;
	/* a host may be called by the first part of its name */
	return !node[size] || (node[size] == '.' && !strchr(name, '.'));
}

char *ganeti_tap(const GanetiNic *nic)
{
	g_autofree char *path = g_strdup_printf(NIC_DIR "/%s/%u", nic->instance,
						nic->index);
	g_autofree char *tap = NULL;

	if (strchr(nic->instance, '/') || !g_file_get_contents(path, &tap, NULL, NULL))
		return NULL;
	return if_nametoindex(g_strstrip(tap)) ? g_steal_pointer(&tap) : NULL;
}

static const char *text_in(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text && *text ? text : NULL;
}

GHashTable *ganeti_ports(L3vm *host, GError **error)
{
	g_autofree char *status = l3vm_status(host, NULL, error);
	GHashTable *names;
	struct json_object *root, *ports;

	if (!status)
		return NULL;
	names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	root = json_tokener_parse(status);
	ports = json_object_object_get(root, "ports");
	for (size_t i = 0; i < json_object_array_length(ports); i++) {
		const char *name = text_in(json_object_array_get_idx(ports, i),
					   "ifname");

		if (name)
			g_hash_table_add(names, g_strdup(name));
	}
	json_object_put(root);
	return names;
}

/* --- what should be here ---------------------------------------------------- */

/* The NICs of conf/INSTANCE.runtime; *@root is to be put. */
static struct json_object *runtime_nics(const char *instance, struct json_object **root)
{
	g_autofree char *path = g_strdup_printf(CONF_DIR "/%s.runtime", instance);
	struct json_object *nics = NULL;

	*root = json_object_from_file(path);
	if (json_object_is_type(*root, json_type_array))
		nics = json_object_array_get_idx(*root, 1);
	return json_object_is_type(nics, json_type_array) ? nics : NULL;
}

/* One that cannot be made a port is ours, too: that is why it has none. */
static bool is_ours(L3vm *host, const GanetiNic *nic)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(L3vmPort) port = ganeti_nic_port(nic, host, &problem);

	return port || problem;
}

static bool is_missing(L3vm *host, GHashTable *ports, const char *instance,
		       unsigned index, struct json_object *entry)
{
	struct json_object *parameters = json_object_object_get(entry, "nicparams");
	GanetiNic nic = { .index = index,
			  .instance = instance,
			  .mac = text_in(entry, "mac"),
			  .ip = text_in(entry, "ip"),
			  .mode = text_in(parameters, "mode"),
			  .link = text_in(parameters, "link") };
	g_autofree char *tap = ganeti_tap(&nic);

	if (!tap || !nic.mac || !nic.mode || g_hash_table_contains(ports, tap) ||
	    !is_ours(host, &nic))
		return false;
	printf("l3vm: instance %s, NIC %u: nothing is routed to %s (its network script "
	       "failed or was not run, see node-daemon.log; gnt-instance migrate or "
	       "reboot runs it again)\n",
	       instance, index, tap);
	return true;
}

unsigned ganeti_check_nics(L3vm *host, GHashTable *ports)
{
	g_autoptr(GDir) dir = g_dir_open(NIC_DIR, 0, NULL);
	const char *instance;
	unsigned count = 0;

	while (dir && (instance = g_dir_read_name(dir))) {
		struct json_object *root;
		struct json_object *nics = runtime_nics(instance, &root);

		for (unsigned i = 0; nics && i < json_object_array_length(nics); i++)
			count += is_missing(host, ports, instance, i,
					    json_object_array_get_idx(nics, i));
		json_object_put(root);
	}
	return count;
}
