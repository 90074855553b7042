/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domxml.c - what a libvirt domain's XML says of its NICs
 *
 * libvirt keeps nothing of ours on an <interface> (it drops unknown children),
 * so addresses live in the domain's <metadata>, keyed by MAC, and are put
 * together with the interfaces here, after the whole document was read.
 *
 * The type of an interface is the one that libvirt writes at that moment: what
 * a user defined as type="network" is shown as "bridge" (or "direct", "hostdev")
 * from `start` on, if that is what the network turned out to be. The same holds
 * for <source bridge> of a network and for <target dev>: at `migrate` and
 * `prepare` there is no tap, and at `stopped` a generated name is gone again.
 *
 * Everything that is not understood in the metadata is an error, and the guest
 * does not start: its owner is there to read why. To ignore it would mean a
 * guest that is up and, for one of its addresses, unreachable.
 */
#include "domxml.h"

#include "hook.h"
#include "xml.h"

#include <string.h>

/* the only places that matter of the some hundred elements of a domain */
#define METADATA  "domain/metadata/l3vm:guest"
#define INTERFACE "domain/devices/interface"

typedef struct Parse {
	L3vmDomain *domain;
	L3vmNic *nic;	      /* the last one begun */
	GPtrArray *described; /* of L3vmNic*: the metadata's, until merged */
	bool has_guest;
	GHashTable *by_mac; /* the NICs that have a MAC; NULL: several have it */
} Parse;

/* For g_ptr_array_new_with_free_func(), which also meets what keep() stole. */
static void nic_free(void *data)
{
	L3vmNic *nic = data;

	if (!nic)
		return;
	g_free(nic->type);
	g_free(nic->mac);
	g_free(nic->target);
	g_free(nic->bridge);
	g_free(nic->source_network);
	g_free(nic->network);
	g_ptr_array_unref(nic->addresses);
	g_ptr_array_unref(nic->prefixes);
	g_free(nic);
}

static L3vmNic *nic_new(void)
{
	L3vmNic *nic = g_new0(L3vmNic, 1);

	nic->addresses = g_ptr_array_new_with_free_func(g_free);
	nic->prefixes = g_ptr_array_new_with_free_func(g_free);
	return nic;
}

void l3vm_domain_free(L3vmDomain *domain)
{
	if (!domain)
		return;
	g_free(domain->name);
	g_free(domain->uuid);
	g_ptr_array_unref(domain->nics);
	g_free(domain);
}

bool l3vm_nic_is_routable(const L3vmNic *nic)
{
	static const char *const types[] = { "ethernet", "bridge", "network", NULL };

	return nic->type && g_strv_contains(types, nic->type);
}

/* --- the rules --------------------------------------------------------- */

/*
 * Keeps the first of several: libvirt writes each of these once, so a second
 * one means that this is not libvirt's XML, or a damaged one.
 */
static bool set_once(char **field, char *value, const char *what, GError **error)
{
	if (*field) {
		g_free(value);
		return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
				      "%s: given twice (libvirt writes it once)", what);
	}
	*field = value;
	return true;
}

/* Names are taken as they are: white space in one is part of it. */
static bool on_name(void *data, const char *text, GError **error)
{
	Parse *parse = data;

	return set_once(&parse->domain->name, g_strdup(text), "<name>", error);
}

/* It becomes a file's name and is compared: one spelling. */
static bool on_uuid(void *data, const char *text, GError **error)
{
	Parse *parse = data;

	return set_once(&parse->domain->uuid, g_ascii_strdown(text, -1), "<uuid>",
			error);
}

/* All types are kept: metadata for one that cannot be routed must be noticed. */
static bool on_interface(void *data, const L3vmXmlAttributes *attributes,
			 GError **error)
{
	Parse *parse = data;

	(void)error;
	parse->nic = nic_new();
	parse->nic->type = l3vm_xml_attribute(attributes, "type");
	/* so that only a NIC without an interface has no type */
	if (!parse->nic->type)
		parse->nic->type = g_strdup("");
	g_ptr_array_add(parse->domain->nics, parse->nic);
	return true;
}

/* Its form is checked by l3vm_port_set_mac(); here it is a key. */
static bool on_mac(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	Parse *parse = data;
	g_autofree char *mac = l3vm_xml_attribute(attributes, "address");

	return !mac || set_once(&parse->nic->mac, g_ascii_strdown(mac, -1),
				"<mac> of an interface", error);
}

/* Either, both or (type="ethernet") none is there; other attributes are for
 * other types. */
static bool on_source(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	L3vmNic *nic = ((Parse *)data)->nic;

	return set_once(&nic->bridge, l3vm_xml_attribute(attributes, "bridge"),
			"<source bridge> of an interface", error) &&
	       set_once(&nic->source_network, l3vm_xml_attribute(attributes, "network"),
			"<source network> of an interface", error);
}

/* The name that the user asked for, or the tap's: the caller knows the hour. */
static bool on_target(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	Parse *parse = data;

	return set_once(&parse->nic->target, l3vm_xml_attribute(attributes, "dev"),
			"<target dev> of an interface", error);
}

/* libvirt keeps one element for each namespace. */
static bool on_guest(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	Parse *parse = data;

	(void)attributes;
	if (parse->has_guest)
		return l3vm_hook_fail(
			error, L3VM_ERROR_USAGE,
			"metadata: two elements l3vm:guest (put all NICs into one)");
	parse->has_guest = true;
	return true;
}

/*
 * The metadata comes before the interfaces in a domain's XML, but nothing
 * depends on that: what it describes waits for merge().
 */
static bool on_nic(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	Parse *parse = data;
	g_autofree char *mac = l3vm_xml_attribute(attributes, "mac");

	(void)error;
	parse->nic = nic_new();
	parse->nic->described = true;
	parse->nic->mac = mac ? g_ascii_strdown(mac, -1) : NULL;
	parse->nic->network = l3vm_xml_attribute(attributes, "network");
	g_ptr_array_add(parse->described, parse->nic);
	return true;
}

/* Editors put an address on a line of its own; that space is nobody's. */
static bool on_address(void *data, const char *text, GError **error)
{
	Parse *parse = data;

	(void)error;
	g_ptr_array_add(parse->nic->addresses, g_strstrip(g_strdup(text)));
	return true;
}

static bool on_prefix(void *data, const char *text, GError **error)
{
	Parse *parse = data;

	(void)error;
	g_ptr_array_add(parse->nic->prefixes, g_strstrip(g_strdup(text)));
	return true;
}

static const char *const nic_attributes[] = { "mac", "network", NULL };

/*
 * The first N_IDENTITY are those that say which guest it is. With them alone and
 * without a namespace of ours, all of the metadata is foreign.
 */
#define N_IDENTITY 2
static const L3vmXmlRule rules[] = {
	{ "domain/name", .text = on_name },
	{ "domain/uuid", .text = on_uuid },
	{ INTERFACE, .start = on_interface },
	{ INTERFACE "/mac", .start = on_mac },
	{ INTERFACE "/source", .start = on_source },
	{ INTERFACE "/target", .start = on_target },
	{ METADATA, .start = on_guest },
	{ METADATA "/l3vm:nic", .start = on_nic, .attributes = nic_attributes },
	{ METADATA "/l3vm:nic/l3vm:address", .text = on_address },
	{ METADATA "/l3vm:nic/l3vm:prefix", .text = on_prefix },
};

static const L3vmXmlGrammar full_grammar = {
	.root = "domain",
	.rules = rules,
	.n_rules = G_N_ELEMENTS(rules),
	.ns = "urn:l3vm:guest:1",
	.ns_family = "urn:l3vm:",
};

static const L3vmXmlGrammar identity_grammar = {
	.root = "domain",
	.rules = rules,
	.n_rules = N_IDENTITY,
};

/* --- putting interfaces and metadata together --------------------------- */

/*
 * The guest's only NIC, for metadata that names no MAC. NULL without @error if
 * the guest has no interface at all: there is nothing to apply it to (yet).
 */
static L3vmNic *only_nic(const L3vmDomain *domain, GError **error)
{
	L3vmNic *only = NULL;
	guint n = 0;

	for (guint i = 0; i < domain->nics->len; i++) {
		L3vmNic *nic = domain->nics->pdata[i];

		if (!l3vm_nic_is_routable(nic))
			continue;
		only = nic;
		n++;
	}
	if (n == 1 || domain->nics->len == 0)
		return only;
	l3vm_hook_fail(error, L3VM_ERROR_USAGE,
		       "metadata: an l3vm:nic without a mac, but the guest has %u "
		       "interfaces that could be meant (give it the mac of one)",
		       n);
	return NULL;
}

/*
 * What the metadata says of @from is now said of @to. The lists change places
 * rather than hands, so that both NICs stay whole.
 */
static bool describe(L3vmNic *to, L3vmNic *from, GError **error)
{
	GPtrArray *addresses = to->addresses, *prefixes = to->prefixes;

	if (to->described)
		return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
				      "metadata: two l3vm:nic for %s (put all its "
				      "addresses into one)",
				      to->mac);
	if (!l3vm_nic_is_routable(to))
		return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
				      "metadata: the interface %s is of type \"%s\", "
				      "which l3vm cannot route (use ethernet, bridge "
				      "or network, or remove its l3vm:nic)",
				      to->mac, to->type);
	to->described = true;
	to->network = g_steal_pointer(&from->network);
	to->addresses = from->addresses;
	to->prefixes = from->prefixes;
	from->addresses = addresses;
	from->prefixes = prefixes;
	return true;
}

/*
 * A NIC whose interface is not there is kept as it is: the guest may be given
 * it while it runs, and no qemu hook will tell its addresses then.
 */
static void keep(Parse *parse, guint i)
{
	L3vmNic *nic = g_steal_pointer(&parse->described->pdata[i]);

	g_ptr_array_add(parse->domain->nics, nic);
	if (nic->mac)
		g_hash_table_insert(parse->by_mac, nic->mac, nic);
}

/*
 * The @i-th l3vm:nic of the metadata. Two interfaces may have one MAC (libvirt
 * allows it), but then nobody can tell whose the addresses are.
 */
static bool merge_nic(Parse *parse, guint i, GError **error)
{
	L3vmNic *from = parse->described->pdata[i];
	g_autoptr(GError) problem = NULL;
	gpointer to = NULL;

	if (!from->mac) {
		to = only_nic(parse->domain, &problem);
	} else if (g_hash_table_lookup_extended(parse->by_mac, from->mac, NULL, &to) &&
		   !to) {
		l3vm_hook_fail(&problem, L3VM_ERROR_USAGE,
			       "metadata: several interfaces have the MAC %s of an "
			       "l3vm:nic (give each its own)",
			       from->mac);
	}
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	if (to)
		return describe(to, from, error);
	keep(parse, i);
	return true;
}

/* A table rather than a search for each: 4 MiB can hold 40000 of both. */
static void index_interfaces(Parse *parse)
{
	GPtrArray *nics = parse->domain->nics;

	for (guint i = 0; i < nics->len; i++) {
		L3vmNic *nic = nics->pdata[i];

		if (nic->mac)
			g_hash_table_insert(
				parse->by_mac, nic->mac,
				g_hash_table_contains(parse->by_mac, nic->mac) ? NULL
									       : nic);
	}
}

/* What cannot be acted upon whoever the NIC belongs to. */
static bool check_interfaces(const L3vmDomain *domain, GError **error)
{
	for (guint i = 0; i < domain->nics->len; i++) {
		const L3vmNic *nic = domain->nics->pdata[i];

		if (l3vm_nic_is_routable(nic) && !nic->mac)
			return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
					      "interface %u: has no <mac> (libvirt "
					      "always writes one)",
					      i + 1);
	}
	return true;
}

static bool merge(Parse *parse, GError **error)
{
	if (!check_interfaces(parse->domain, error))
		return false;
	index_interfaces(parse);
	for (guint i = 0; i < parse->described->len; i++)
		if (!merge_nic(parse, i, error))
			return false;
	return true;
}

/* Without either there is nothing to keep a record under. */
static bool check_identity(L3vmDomain *domain, GError **error)
{
	if (!domain->name || !*domain->name || !domain->uuid || !*domain->uuid)
		return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
				      "domain XML: has no <name> or no <uuid> (libvirt "
				      "always writes both)");
	return true;
}

static L3vmDomain *domain_new(void)
{
	L3vmDomain *domain = g_new0(L3vmDomain, 1);

	domain->nics = g_ptr_array_new_with_free_func(nic_free);
	return domain;
}

L3vmDomain *l3vm_domxml_parse_identity(const char *xml, size_t size, GError **error)
{
	g_autoptr(L3vmDomain) domain = domain_new();
	Parse parse = { .domain = domain };

	if (!l3vm_xml_read(xml, size, &identity_grammar, &parse, error) ||
	    !check_identity(domain, error))
		return NULL;
	return g_steal_pointer(&domain);
}

L3vmDomain *l3vm_domxml_parse(const char *xml, size_t size, GError **error)
{
	g_autoptr(L3vmDomain) domain = domain_new();
	g_autoptr(GPtrArray) described = g_ptr_array_new_with_free_func(nic_free);
	g_autoptr(GHashTable) by_mac = g_hash_table_new(g_str_hash, g_str_equal);
	Parse parse = { .domain = domain, .described = described, .by_mac = by_mac };

	if (!l3vm_xml_read(xml, size, &full_grammar, &parse, error) ||
	    !check_identity(domain, error) || !merge(&parse, error))
		return NULL;
	return g_steal_pointer(&domain);
}
