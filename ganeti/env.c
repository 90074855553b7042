/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * env.c - a NIC as Ganeti describes it to its network script and to node hooks
 *
 * Only variables that are named here are read: noded's own environment is in there
 * as well. Which of ours a NIC means by its LINK follows from its mode:
 *
 *   routed, ext   a network of l3vm.conf, else a routing table's name or number
 *   bridged       the bridge of such a network, else it is not ours
 *   openvswitch   the name of such a network, else it is not ours
 */
#include "env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define TAG_PREFIX "l3vm:"

/* What an instance's owner has written does not make a second line of it. */
bool ganeti_fail(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	line = g_strescape(text, "\"");
	g_set_error_literal(error, L3VM_ERROR, L3VM_ERROR_USAGE, line);
	return false;
}

void ganeti_say(const char *text)
{
	fprintf(stderr, "l3vm: %s\n", text);
	syslog(LOG_DAEMON | LOG_ERR, "%s", text);
}

/* --- the environment -------------------------------------------------------- */

/* Ganeti writes what it has not as an empty value, or not at all. */
static const char *get(const char *prefix, const char *name)
{
	g_autofree char *variable = g_strconcat(prefix, name, NULL);
	const char *value = getenv(variable);

	return value && *value ? value : NULL;
}

static bool need(const char *prefix, const char *name, const char *value,
		 GError **error)
{
	return value || ganeti_fail(error,
				    "%s%s: not in the environment (Ganeti runs this "
				    "program, see l3vm-ganeti(7))",
				    prefix, name);
}

static void read_nic(GanetiNic *nic, const char *prefix)
{
	nic->mac = get(prefix, "MAC");
	nic->ip = get(prefix, "IP");
	nic->mode = get(prefix, "MODE");
	nic->link = get(prefix, "LINK");
	nic->network = get(prefix, "NETWORK_NAME");
	nic->gateway4 = get(prefix, "NETWORK_GATEWAY");
	nic->gateway6 = get(prefix, "NETWORK_GATEWAY6");
}

static bool parse_index(const char *text, unsigned *index)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(text, 10, 0, 1023, &number, NULL))
		return false;
	*index = (unsigned)number;
	return true;
}

bool ganeti_nic_of_script(GanetiNic *nic, GError **error)
{
	const char *index = get("", "INTERFACE_INDEX");

	*nic = (GanetiNic){ .instance = get("", "INSTANCE"),
			    .ifname = get("", "INTERFACE"),
			    .tags = get("", "TAGS") };
	read_nic(nic, "");
	if (!need("", "INTERFACE", nic->ifname, error) ||
	    !need("", "INSTANCE", nic->instance, error) ||
	    !need("", "MODE", nic->mode, error) || !need("", "MAC", nic->mac, error))
		return false;
	return !index || parse_index(index, &nic->index) ||
	       ganeti_fail(error,
			   "INTERFACE_INDEX=%.40s: not a number (Ganeti counts "
			   "NICs from 0)",
			   index);
}

unsigned ganeti_nic_count(void)
{
	const char *text = get("GANETI_INSTANCE_", "NIC_COUNT");
	unsigned count;

	return text && parse_index(text, &count) ? count : 0;
}

bool ganeti_nic_of_hook(GanetiNic *nic, unsigned index, GError **error)
{
	g_autofree char *prefix = g_strdup_printf("GANETI_INSTANCE_NIC%u_", index);

	*nic = (GanetiNic){ .index = index,
			    .instance = get("GANETI_INSTANCE_", "NAME"),
			    .tags = get("GANETI_INSTANCE_", "TAGS") };
	read_nic(nic, prefix);
	return need("GANETI_INSTANCE_", "NAME", nic->instance, error) &&
	       need(prefix, "MODE", nic->mode, error) &&
	       need(prefix, "MAC", nic->mac, error);
}

bool ganeti_nic_is_early(const GanetiNic *nic)
{
	return !strcmp(nic->mode, "bridged") || !strcmp(nic->mode, "openvswitch");
}

/* --- tags ------------------------------------------------------------------- */

/* "nic1:ip:192.0.2.1" -> 1, and @rest at "ip:..."; without a number it is NIC 0's */
static unsigned nic_of_tag(const char *tag, const char **rest)
{
	char *end;
	unsigned long index;

	*rest = tag;
	if (strncmp(tag, "nic", 3) != 0 || !g_ascii_isdigit(tag[3]))
		return 0;
	index = strtoul(tag + 3, &end, 10);
	if (*end == ':')
		*rest = end + 1;
	return index > 1023 ? 1024 : (unsigned)index;
}

/* A word that is not known is a slip that would leave a guest without a route. */
static bool take_tag(const GanetiNic *nic, L3vmPort *port, const char *tag,
		     GError **error)
{
	const char *rest, *value;
	unsigned index = nic_of_tag(tag + strlen(TAG_PREFIX), &rest);
	bool (*set)(L3vmPort *, const char *, GError **) = NULL;

	value = strchr(rest, ':');
	if (value && g_str_has_prefix(rest, "ip:"))
		set = l3vm_port_add_address;
	else if (value && g_str_has_prefix(rest, "route:"))
		set = l3vm_port_add_prefix;
	else if (value && g_str_has_prefix(rest, "network:"))
		set = l3vm_port_set_network;
	if (!set)
		return ganeti_fail(error,
				   "tag %.128s: not known (l3vm:[nicN:]ip:ADDRESS, "
				   "l3vm:[nicN:]route:PREFIX or "
				   "l3vm:[nicN:]network:NAME)",
				   tag);
	return index != nic->index || set(port, value + 1, error);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of the tags changes from call to call, and that of a port's addresses
 * matters: the first is the next hop of its prefixes. So they are sorted. */
static bool take_tags(const GanetiNic *nic, L3vmPort *port, GError **error)
{
	g_auto(GStrv) tags = g_strsplit(nic->tags ? nic->tags : "", " ", -1);

	qsort(tags, g_strv_length(tags), sizeof(*tags), by_text);
	for (char **tag = tags; *tag; tag++)
		if (g_str_has_prefix(*tag, TAG_PREFIX) &&
		    !take_tag(nic, port, *tag, error))
			return false;
	return true;
}

/* Only a tag can make a NIC ours whose mode and LINK do not. */
static bool has_network_tag(const GanetiNic *nic)
{
	g_auto(GStrv) tags = g_strsplit(nic->tags ? nic->tags : "", " ", -1);
	const char *rest;

	for (char **tag = tags; *tag; tag++)
		if (g_str_has_prefix(*tag, TAG_PREFIX) &&
		    nic_of_tag(*tag + strlen(TAG_PREFIX), &rest) == nic->index &&
		    g_str_has_prefix(rest, "network:"))
			return true;
	return false;
}

/* --- networks --------------------------------------------------------------- */

typedef enum {
	FAILED,
	NOT_OURS,
	OURS,
} Owner;

static Owner take_named(L3vm *host, L3vmPort *port, const char *name, bool is_bridge,
			GError **error)
{
	g_autofree char *found = NULL;

	if (!name)
		return NOT_OURS;
	if (!l3vm_find_network(host, name, is_bridge ? name : NULL, &found, error))
		return FAILED;
	if (!found)
		return NOT_OURS;
	return l3vm_port_set_network(port, found, error) ? OURS : FAILED;
}

static Owner take_routed(const GanetiNic *nic, L3vm *host, L3vmPort *port,
			 GError **error)
{
	Owner owner = take_named(host, port, nic->link, false, error);

	if (owner != NOT_OURS)
		return owner;
	if (nic->link && !l3vm_port_set_table(port, nic->link, error))
		return FAILED;
	owner = take_named(host, port, nic->network, false, error);
	return owner == FAILED ? FAILED : OURS;
}

static Owner take_network(const GanetiNic *nic, L3vm *host, L3vmPort *port,
			  GError **error)
{
	Owner owner = NOT_OURS;

	/* the tap that Ganeti itself speaks to the instance by */
	if (nic->ifname && g_str_has_prefix(nic->ifname, "gnt.com."))
		return NOT_OURS;
	if (!strcmp(nic->mode, "routed") || !strcmp(nic->mode, "ext"))
		owner = take_routed(nic, host, port, error);
	else if (ganeti_nic_is_early(nic))
		owner = take_named(host, port, nic->link, !strcmp(nic->mode, "bridged"),
				   error);
	return owner == NOT_OURS && has_network_tag(nic) ? OURS : owner;
}

static bool fill_port(const GanetiNic *nic, L3vmPort *port, GError **error)
{
	return l3vm_port_set_mac(port, nic->mac, error) &&
	       (!nic->ifname || l3vm_port_set_ifname(port, nic->ifname, error)) &&
	       (!nic->ip || l3vm_port_add_address(port, nic->ip, error)) &&
	       (!nic->gateway4 || l3vm_port_add_gateway(port, nic->gateway4, error)) &&
	       (!nic->gateway6 || l3vm_port_add_gateway(port, nic->gateway6, error)) &&
	       take_tags(nic, port, error);
}

L3vmPort *ganeti_nic_port(const GanetiNic *nic, L3vm *host, GError **error)
{
	g_autoptr(L3vmPort) port = l3vm_port_new(nic->instance, NULL, error);
	Owner owner = port ? take_network(nic, host, port, error) : FAILED;
	g_autofree char *name = NULL;

	if (owner == NOT_OURS)
		return NULL;
	if (owner == OURS && fill_port(nic, port, error))
		return g_steal_pointer(&port);
	name = g_strescape(nic->instance, NULL);
	g_prefix_error(error, "instance %.128s, NIC %u: ", name, nic->index);
	return NULL;
}
