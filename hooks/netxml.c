/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * netxml.c - what libvirt tells its network hook, from the hook's XML
 *
 * Since libvirt 5.5 a NIC is a <networkport> with its <owner>; before that,
 * the operations were called plugged and unplugged and the XML was the
 * <interface>, the <network> and the whole <domain>.
 *
 * There is no metadata of the guest in it: the library looks up the NIC by its
 * MAC in what it remembered when the guest started. Nothing in the network's own
 * <metadata> is ours.
 */
#include "netxml.h"

#include "hook.h"
#include "xml.h"

#include <string.h>

#define NETWORK "hookData/network"
#define PORT	"hookData/networkport"

void l3vm_netxml_free(L3vmNetxml *net)
{
	if (!net)
		return;
	g_free(net->name);
	g_free(net->bridge);
	g_free(net->forward);
	g_free(net->guest);
	g_free(net->uuid);
	g_free(net->mac);
	g_free(net->plug);
	g_free(net->plug_bridge);
	g_free(net);
}

/* libvirt writes each of them once: a second one is damage, not news. */
static bool set_once(char **field, char *value, const char *what, GError **error)
{
	if (*field && value) {
		g_free(value);
		return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
				      "%s: given twice (libvirt writes it once)", what);
	}
	if (value)
		*field = value;
	return true;
}

static bool on_name(void *data, const char *text, GError **error)
{
	L3vmNetxml *net = data;

	return set_once(&net->name, g_strdup(text), "<name> of the network", error);
}

/* Without a name in networks that are not about a bridge (macvtap, hostdev). */
static bool on_bridge(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	L3vmNetxml *net = data;

	return set_once(&net->bridge, l3vm_xml_attribute(attributes, "name"),
			"<bridge> of the network", error);
}

static bool on_forward(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	L3vmNetxml *net = data;
	char *mode = l3vm_xml_attribute(attributes, "mode");

	/* libvirt's default for an element without a mode */
	return set_once(&net->forward, mode ? mode : g_strdup("nat"),
			"<forward> of the network", error);
}

static bool on_owner_name(void *data, const char *text, GError **error)
{
	L3vmNetxml *net = data;

	return set_once(&net->guest, g_strdup(text), "name of the NIC's guest", error);
}

/* One spelling, as in domxml.c: it names the record. */
static bool on_owner_uuid(void *data, const char *text, GError **error)
{
	L3vmNetxml *net = data;

	return set_once(&net->uuid, g_ascii_strdown(text, -1),
			"UUID of the NIC's guest", error);
}

static bool on_mac(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	L3vmNetxml *net = data;
	g_autofree char *mac = l3vm_xml_attribute(attributes, "address");

	return !mac ||
	       set_once(&net->mac, g_ascii_strdown(mac, -1), "<mac> of the NIC", error);
}

/*
 * The type is what the NIC will be, not what the network is: "network" or
 * "bridge" with a bridge, "direct" and "hostdev-pci" without.
 */
static bool on_plug(void *data, const L3vmXmlAttributes *attributes, GError **error)
{
	L3vmNetxml *net = data;

	return set_once(&net->plug, l3vm_xml_attribute(attributes, "type"),
			"<plug> of the NIC", error) &&
	       set_once(&net->plug_bridge, l3vm_xml_attribute(attributes, "bridge"),
			"bridge in <plug> of the NIC", error);
}

static const L3vmXmlRule rules[] = {
	{ NETWORK "/name", .text = on_name },
	{ NETWORK "/bridge", .start = on_bridge },
	{ NETWORK "/forward", .start = on_forward },
	{ PORT "/owner/name", .text = on_owner_name },
	{ PORT "/owner/uuid", .text = on_owner_uuid },
	{ PORT "/mac", .start = on_mac },
	{ PORT "/plug", .start = on_plug },
	/* before libvirt 5.5, see networkRunHook() there */
	{ "hookData/domain/name", .text = on_owner_name },
	{ "hookData/domain/uuid", .text = on_owner_uuid },
	{ "hookData/interface/mac", .start = on_mac },
};

static const L3vmXmlGrammar grammar = {
	.root = "hookData",
	.rules = rules,
	.n_rules = G_N_ELEMENTS(rules),
};

L3vmNetxml *l3vm_netxml_parse(const char *xml, size_t size, GError **error)
{
	g_autoptr(L3vmNetxml) net = g_new0(L3vmNetxml, 1);

	if (!l3vm_xml_read(xml, size, &grammar, net, error))
		return NULL;
	if (!net->name || !*net->name) {
		l3vm_hook_fail(error, L3VM_ERROR_USAGE,
			       "hook XML: no network with a <name> (libvirt always "
			       "writes one)");
		return NULL;
	}
	return g_steal_pointer(&net);
}

/* A UUID is not demanded: the library also knows guests by name alone. */
bool l3vm_netxml_check_port(const L3vmNetxml *net, GError **error)
{
	if (net->guest && *net->guest && net->mac)
		return true;
	return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
			      "hook XML: does not say which NIC of which guest "
			      "(libvirt writes <owner> and <mac>)");
}

bool l3vm_netxml_bridge_is_ours(const L3vmNetxml *net)
{
	return net->bridge && net->forward && !strcmp(net->forward, "bridge");
}

/* Before libvirt 5.5 there was no <plug>: then it is the network's bridge. */
const char *l3vm_netxml_port_bridge(const L3vmNetxml *net)
{
	if (net->plug && strcmp(net->plug, "network") && strcmp(net->plug, "bridge"))
		return NULL;
	return net->plug_bridge ? net->plug_bridge : net->bridge;
}
