/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * network.c - the program that libvirt runs as its network hook
 *
 *     l3vm-libvirt-network NETWORK OPERATION SUB-OPERATION EXTRA < XML
 *
 * Two things are learned here and nowhere else: that a network with one of our
 * bridges comes up, and that a NIC is plugged into a running guest, for which
 * libvirt runs no qemu hook.
 */
#include "hook.h"
#include "netxml.h"
#include "verdict.h"

#include <string.h>
#include <unistd.h>

typedef struct Operation {
	const char *name;
	bool (*run)(const L3vmNetxml *net, GError **error);
} Operation;

static bool bridge_up(const L3vmNetxml *net, GError **error)
{
	g_autoptr(L3vm) host = l3vm_new(NULL, NULL, error);

	return host && l3vm_network_up(host, net->name, net->bridge, error);
}

/* Before libvirt makes the bridge, if it is libvirt that makes it. */
static bool start(const L3vmNetxml *net, GError **error)
{
	return !l3vm_netxml_bridge_is_ours(net) || bridge_up(net, error);
}

static bool started(const L3vmNetxml *net, GError **error)
{
	return !net->bridge || bridge_up(net, error);
}

/*
 * The NIC as far as libvirt tells it here. The network goes with it: when a NIC
 * moves from one to another, port-created of the new one comes before
 * port-deleted of the old one, and both name the same MAC.
 */
static L3vmPort *make_port(const L3vmNetxml *net, GError **error)
{
	g_autoptr(L3vmPort) port = l3vm_port_new(net->guest, net->uuid, error);

	if (!port || !l3vm_port_set_mac(port, net->mac, error))
		return NULL;
	l3vm_port_set_hint(port, l3vm_netxml_port_bridge(net), net->name);
	l3vm_port_set_optional(port, true);
	return g_steal_pointer(&port);
}

typedef bool (*Verb)(L3vm *host, L3vmPort *port, GError **error);

static bool run_port(const L3vmNetxml *net, Verb verb, GError **error)
{
	g_autoptr(L3vmPort) port = NULL;
	g_autoptr(L3vm) host = NULL;

	if (!l3vm_netxml_check_port(net, error))
		return false;
	/* no port of any bridge: never ours */
	if (!l3vm_netxml_port_bridge(net))
		return true;
	port = make_port(net, error);
	if (!port)
		return false;
	host = l3vm_new(NULL, NULL, error);
	return host && verb(host, port, error);
}

static bool plug(const L3vmNetxml *net, GError **error)
{
	return run_port(net, l3vm_plug, error);
}

static bool unplug(const L3vmNetxml *net, GError **error)
{
	return run_port(net, l3vm_unplug, error);
}

/*
 * Not here: `stopped`, after which the taps of running guests stay where they
 * are until each guest stops, and `updated`, which changes nothing of ours.
 */
static const Operation operations[] = {
	{ "start", start },
	/* when libvirt has made the bridge */
	{ "started", started },
	/* for each NIC before its tap exists, and for all at a daemon restart */
	{ "port-created", plug },
	{ "port-deleted", unplug },
	/* the same two before libvirt 5.5 */
	{ "plugged", plug },
	{ "unplugged", unplug },
};

static const Operation *find_operation(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	return NULL;
}

static bool run(const Operation *operation, const char *network, GError **error)
{
	g_autofree char *quoted = l3vm_hook_quote(network);
	g_autoptr(L3vmNetxml) net = NULL;
	g_autofree char *xml = NULL;
	size_t size = 0;

	xml = l3vm_hook_read(STDIN_FILENO, &size, error);
	if (xml)
		net = l3vm_netxml_parse(xml, size, error);
	if (!net) {
		g_prefix_error(error, "network %s: ", quoted);
		return false;
	}
	return operation->run(net, error);
}

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : NULL;
	const Operation *operation = name ? find_operation(name) : NULL;
	g_autoptr(GError) error = NULL;

	l3vm_hook_begin();
	if (!name)
		l3vm_hook_fail(
			&error, L3VM_ERROR_USAGE,
			"l3vm-libvirt-network: no operation given (libvirt runs it as "
			"NETWORK OPERATION begin|end -, see l3vm-hooks(7))");
	else if (operation)
		run(operation, argv[1], &error);
	if (error)
		l3vm_hook_say(error->message);
	return l3vm_verdict(L3VM_HOOK_NETWORK, name, error);
}
