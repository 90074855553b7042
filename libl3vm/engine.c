/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.c - one host: opening its parts
 *
 * Nothing is opened before it is needed: `plan --from-scratch` works without
 * privilege, and removing a port works with a configuration that is broken.
 */
#include "engine.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const char *first_of(const char *given, const char *variable,
			    const char *built_in)
{
	const char *environment = getenv(variable);

	if (given)
		return given;
	return environment && *environment ? environment : built_in;
}

L3vm *l3vm_new(const char *config_file, const char *state_dir, GError **error)
{
	L3vm *host = g_new0(L3vm, 1);

	(void)error; /* a place for what may fail one day; nothing can today */
	host->config_path =
		g_strdup(first_of(config_file, "L3VM_CONFIG", L3VM_CONFIG_FILE));
	host->state_dir =
		g_strdup(first_of(state_dir, "L3VM_STATE_DIR", L3VM_STATE_DIR));
	host->config = l3vm_config_load(host->config_path, &host->config_error);
	if (host->config) {
		host->ranks = host->config->ranks;
		host->protocol = host->config->protocol;
	} else {
		/* removal must know the routes of a host whose file broke later */
		host->ranks = (L3vmRanks){ 4, 5, 0xFA0003E8 };
		host->protocol = 76;
	}
	host->facts.ipv6 = true;
	return host;
}

void l3vm_free(L3vm *host)
{
	if (!host)
		return;
	l3vm_kernel_free(host->kernel);
	l3vm_store_free(host->store);
	l3vm_config_free(host->config);
	g_clear_error(&host->config_error);
	g_free(host->config_path);
	g_free(host->state_dir);
	g_free(host);
}

char *l3vm_port_title(const L3vmPort *port)
{
	g_autofree char *name = l3vm_record_name(port);

	return port->service
		       ? g_strdup_printf("service %s",
					 name + strlen(L3VM_SERVICE_PREFIX))
		       : g_strdup_printf("port %s of guest %s", name, port->guest);
}

bool l3vm_need_config(L3vm *host, GError **error)
{
	if (host->config)
		return true;
	if (error)
		*error = g_error_copy(host->config_error);
	return false;
}

bool l3vm_need_store(L3vm *host, GError **error)
{
	if (!host->store)
		host->store = l3vm_store_open(host->state_dir, error);
	return host->store;
}

/* Only then does it matter to anybody whether there is a guard. */
static bool any_unguarded(const L3vmConfig *config)
{
	GHashTableIter iter;
	void *network;

	if (!config)
		return true;
	g_hash_table_iter_init(&iter, config->networks);
	while (g_hash_table_iter_next(&iter, NULL, &network))
		if (!((const L3vmNetwork *)network)->guard)
			return true;
	return false;
}

bool l3vm_need_kernel(L3vm *host, GError **error)
{
	if (host->kernel)
		return true;
	host->kernel = l3vm_kernel_netlink_new(host->protocol, error);
	if (!host->kernel)
		return false;
	host->facts.ipv6 = host->kernel->ops->has_ipv6(host->kernel);
	host->facts.guard = any_unguarded(host->config) &&
			    host->kernel->ops->has_guard(host->kernel);
	return true;
}

const char *l3vm_version(void)
{
	return PACKAGE_VERSION;
}
