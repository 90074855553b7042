/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stub-engine.c - l3vm.h implemented as a transcript
 *
 * Linked with a hook's main in place of libl3vm, it writes each call with what
 * it was given to $STUB_LOG and fails the one that $STUB_FAIL names ("CALL=CODE")
 * with that code. It also prints to stdout, as a careless library might.
 */
#include "l3vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct L3vm {
	int unused;
};

struct L3vmPort {
	GString *text;
};

G_DEFINE_QUARK(l3vm - error - quark, l3vm_error)

int l3vm_exit_status(const GError *error)
{
	return error ? error->code : 0;
}

static bool call(GError **error, const char *name, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static bool call(GError **error, const char *name, const char *format, ...)
{
	const char *fail = getenv("STUB_FAIL"), *log = getenv("STUB_LOG");
	FILE *file = log ? fopen(log, "a") : NULL;
	size_t len = strlen(name);
	va_list args;

	puts("a library that prints");
	fflush(stdout);
	va_start(args, format);
	if (file) {
		fputs(name, file);
		vfprintf(file, format, args);
		fputc('\n', file);
		fclose(file);
	}
	va_end(args);
	if (!fail || strncmp(fail, name, len) != 0 || fail[len] != '=')
		return true;
	g_set_error(error, L3VM_ERROR, atoi(fail + len + 1),
		    "%s: told to fail (tell it not to)", name);
	return false;
}

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static char *list(L3vmPort *const *ports, size_t n_ports)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < n_ports; i++)
		g_string_append_printf(text, "\n  port%s", ports[i]->text->str);
	return g_string_free(text, FALSE);
}

L3vm *l3vm_new(const char *config_file, const char *state_dir, GError **error)
{
	return call(error, "new", " %s %s", or_none(config_file), or_none(state_dir))
		       ? g_new0(L3vm, 1)
		       : NULL;
}

void l3vm_free(L3vm *host)
{
	g_free(host);
}

L3vmPort *l3vm_port_new(const char *guest, const char *uuid, GError **error)
{
	L3vmPort *port = g_new0(L3vmPort, 1);

	(void)error;
	port->text = g_string_new(NULL);
	g_string_printf(port->text, " guest=%s uuid=%s", guest, or_none(uuid));
	return port;
}

void l3vm_port_free(L3vmPort *port)
{
	if (!port)
		return;
	g_string_free(port->text, TRUE);
	g_free(port);
}

/* The setters' own judgement is the library's; "wrong" stands for all of it. */
static bool set(L3vmPort *port, const char *name, const char *value, GError **error)
{
	g_string_append_printf(port->text, " %s=%s", name, value);
	if (strcmp(value, "wrong") != 0)
		return true;
	g_set_error(error, L3VM_ERROR, L3VM_ERROR_USAGE, "%s \"%s\": wrong (right it)",
		    name, value);
	return false;
}

bool l3vm_port_set_ifname(L3vmPort *port, const char *ifname, GError **error)
{
	return set(port, "ifname", ifname, error);
}

bool l3vm_port_set_mac(L3vmPort *port, const char *mac, GError **error)
{
	return set(port, "mac", mac, error);
}

bool l3vm_port_set_network(L3vmPort *port, const char *network, GError **error)
{
	return set(port, "network", network, error);
}

bool l3vm_port_add_address(L3vmPort *port, const char *address, GError **error)
{
	return set(port, "address", address, error);
}

bool l3vm_port_add_prefix(L3vmPort *port, const char *prefix, GError **error)
{
	return set(port, "prefix", prefix, error);
}

void l3vm_port_set_hint(L3vmPort *port, const char *bridge, const char *network)
{
	g_string_append_printf(port->text, " hint=%s/%s", or_none(bridge),
			       or_none(network));
}

void l3vm_port_set_optional(L3vmPort *port, bool optional)
{
	g_string_append(port->text, optional ? " optional" : " required");
}

bool l3vm_attach(L3vm *host, L3vmPort *const *ports, size_t n_ports,
		 L3vmAttachMode mode, GError **error)
{
	static const char *const modes[] = {
		[L3VM_ATTACH_LIVE] = "live",	 [L3VM_ATTACH_PREPARED] = "prepared",
		[L3VM_ATTACH_START] = "start",	 [L3VM_ATTACH_START_NIC] = "start-nic",
		[L3VM_ATTACH_EXPECT] = "expect", [L3VM_ATTACH_HERE] = "here",
		[L3VM_ATTACH_KEEP] = "keep",
	};
	g_autofree char *text = list(ports, n_ports);

	(void)host;
	return call(error, "attach", " %s%s", modes[mode], text);
}

L3vmPort *l3vm_find_port(L3vm *host, const char *ifname, GError **error)
{
	const char *guest = getenv("STUB_PORT");

	(void)host;
	if (!call(error, "find_port", " %s", ifname) || !guest)
		return NULL;
	return l3vm_port_new(guest, NULL, error);
}

const char *l3vm_port_guest(const L3vmPort *port)
{
	(void)port;
	return getenv("STUB_PORT");
}

bool l3vm_detach_port(L3vm *host, const char *ifname, GError **error)
{
	(void)host;
	return call(error, "detach_port", " %s", ifname);
}

bool l3vm_detach_guest(L3vm *host, const char *guest, GError **error)
{
	(void)host;
	return call(error, "detach_guest", " %s", guest);
}

bool l3vm_incoming(L3vm *host, const char *guest, const char *uuid,
		   L3vmPort *const *ports, size_t n_ports, unsigned seconds,
		   GError **error)
{
	g_autofree char *text = list(ports, n_ports);

	(void)host;
	return call(error, "incoming", " %s %s %u s%s", guest, or_none(uuid), seconds,
		    text);
}

bool l3vm_incoming_forget(L3vm *host, const char *guest, const char *uuid,
			  GError **error)
{
	(void)host;
	return call(error, "incoming_forget", " %s %s", guest, or_none(uuid));
}

bool l3vm_prepare(L3vm *host, L3vmPort *const *ports, size_t n_ports, GError **error)
{
	g_autofree char *text = list(ports, n_ports);

	(void)host;
	return call(error, "prepare", "%s", text);
}

bool l3vm_network_up(L3vm *host, const char *network, const char *bridge,
		     GError **error)
{
	(void)host;
	return call(error, "network_up", " %s %s", network, or_none(bridge));
}

bool l3vm_plug(L3vm *host, L3vmPort *port, GError **error)
{
	(void)host;
	return call(error, "plug", "%s", port->text->str);
}

bool l3vm_unplug(L3vm *host, L3vmPort *port, GError **error)
{
	(void)host;
	return call(error, "unplug", "%s", port->text->str);
}

bool l3vm_port_set_table(L3vmPort *port, const char *table, GError **error)
{
	return set(port, "table", table, error);
}

bool l3vm_port_add_gateway(L3vmPort *port, const char *gateway, GError **error)
{
	return set(port, "gateway", gateway, error);
}

/* A network "tenant", and one called "lan" whose bridge is "br-l3". */
bool l3vm_find_network(L3vm *host, const char *name, const char *bridge, char **found,
		       GError **error)
{
	const char *known = bridge ? (!strcmp(bridge, "br-l3") ? "lan" : NULL)
				   : (!strcmp(name, "tenant") ? "tenant" : NULL);

	(void)host;
	*found = g_strdup(known);
	return call(error, "find_network", " %s %s", name, or_none(bridge));
}

bool l3vm_migrate_notify(L3vm *host, const char *guest, L3vmPhase phase, GError **error)
{
	(void)host;
	return call(error, "migrate_notify", " %s %u", guest, phase);
}

bool l3vm_reconcile(L3vm *host, bool dry_run, char **report, GError **error)
{
	(void)host;
	*report = g_strdup("");
	return call(error, "reconcile", "%s", dry_run ? " dry" : "");
}

char *l3vm_status(L3vm *host, const char *guest, GError **error)
{
	(void)host;
	return call(error, "status", " %s", or_none(guest))
		       ? g_strdup("{\"version\":1,\"ports\":[]}")
		       : NULL;
}

char *l3vm_check(L3vm *host, GError **error)
{
	(void)host;
	return call(error, "check", "%s", "")
		       ? g_strdup("{\"version\":1,\"findings\":["
				  "{\"severity\":\"ok\",\"subject\":\"a\","
				  "\"finding\":\"fine\",\"remedy\":null},"
				  "{\"severity\":\"error\",\"subject\":\"b\","
				  "\"finding\":\"is bad\",\"remedy\":\"mend it\"}]}")
		       : NULL;
}
