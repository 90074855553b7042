/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook-xml.c - prints what the hooks understand of an XML document
 *
 *     hook-xml domain|identity|network < XML
 *
 * Every field, one item a line, so that a golden file shows all that a hook
 * would act upon; an error is printed as a line of its own.
 */
#include "../../hooks/domxml.h"
#include "../../hooks/hook.h"
#include "../../hooks/netxml.h"

#include <stdio.h>
#include <string.h>

static void field(const char *name, const char *value)
{
	g_autofree char *escaped = value ? g_strescape(value, NULL) : NULL;

	if (escaped)
		printf(" %s=\"%s\"", name, escaped);
}

static void print_nic(const L3vmNic *nic)
{
	fputs(nic->type ? "interface" : "planned", stdout);
	field("type", nic->type);
	field("mac", nic->mac);
	field("target", nic->target);
	field("bridge", nic->bridge);
	field("source-network", nic->source_network);
	puts(l3vm_nic_is_routable(nic) ? " routable" : "");
	if (!nic->described)
		return;
	fputs("  described", stdout);
	field("network", nic->network);
	puts("");
	for (guint i = 0; i < nic->addresses->len; i++)
		printf("  address %s\n", (char *)nic->addresses->pdata[i]);
	for (guint i = 0; i < nic->prefixes->len; i++)
		printf("  prefix %s\n", (char *)nic->prefixes->pdata[i]);
}

static void print_domain(const L3vmDomain *domain)
{
	fputs("domain", stdout);
	field("name", domain->name);
	field("uuid", domain->uuid);
	puts("");
	for (guint i = 0; i < domain->nics->len; i++)
		print_nic(domain->nics->pdata[i]);
}

static void print_network(const L3vmNetxml *net)
{
	g_autoptr(GError) error = NULL;

	fputs("network", stdout);
	field("name", net->name);
	field("bridge", net->bridge);
	field("forward", net->forward);
	puts(l3vm_netxml_bridge_is_ours(net) ? " bridge-is-ours" : "");
	fputs("port", stdout);
	field("guest", net->guest);
	field("uuid", net->uuid);
	field("mac", net->mac);
	field("plug", net->plug);
	field("plug-bridge", net->plug_bridge);
	field("port-bridge", l3vm_netxml_port_bridge(net));
	puts("");
	if (!l3vm_netxml_check_port(net, &error))
		printf("no port: %s\n", error->message);
}

static bool print(const char *what, const char *xml, size_t size, GError **error)
{
	g_autoptr(L3vmDomain) domain = NULL;
	g_autoptr(L3vmNetxml) net = NULL;

	if (!strcmp(what, "network"))
		net = l3vm_netxml_parse(xml, size, error);
	else if (!strcmp(what, "identity"))
		domain = l3vm_domxml_parse_identity(xml, size, error);
	else
		domain = l3vm_domxml_parse(xml, size, error);
	if (domain)
		print_domain(domain);
	if (net)
		print_network(net);
	return domain || net;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *xml = NULL;
	size_t size = 0;

	xml = l3vm_hook_read(0, &size, &error);
	if (xml)
		print(argc > 1 ? argv[1] : "", xml, size, &error);
	if (error)
		printf("error %d: %s\n", error->code, error->message);
	return 0;
}
