/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qemu.c - the program that libvirt runs as its qemu hook
 *
 *     l3vm-libvirt-qemu GUEST OPERATION SUB-OPERATION EXTRA < XML
 *
 * Each operation is one call of libl3vm. What the call does is the library's
 * business, whether libvirt is told of a failure is decided in verdict.c.
 *
 * libvirt holds the guest's lock while this runs, and waits for as long as it
 * takes: nothing here asks libvirt for anything (it would wait for itself),
 * starts a process (libvirt reads our stderr up to its end, which a child that
 * inherits it would delay), or waits for more than the library's own lock.
 *
 * The operations come in this order, each for the guest as it is then:
 *
 *   boot       prepare, start, started
 *   restore    restore, prepare, start, started
 *   arrival    migrate, prepare, start, started: all before the guest runs here
 *   end        stopped, release: also after a start that failed at any point
 *   restart of the daemon: reconnect
 */
#include "domxml.h"
#include "hook.h"
#include "process.h"
#include "verdict.h"

#include <string.h>
#include <unistd.h>

/*
 * libvirt runs the `prepare` and `start` hooks within milliseconds of the
 * `migrate` hook. A memory of it that is older was of a migration that never
 * started a guest (--offline, or refused by somebody else), and the start that
 * comes now is an ordinary one. In seconds.
 */
#define INCOMING_VALID 30

typedef struct Operation Operation;

typedef bool (*Verb)(L3vm *host, const L3vmDomain *domain, const Operation *operation,
		     const GPtrArray *ports, GError **error);

struct Operation {
	const char *name;
	/* @guest: as libvirt names it in argv */
	bool (*run)(const Operation *operation, const char *guest, GError **error);
	Verb verb; /* for run_ports() */
	/* <target dev> is the tap's name. Before the taps exist it is at most
	 * what the user asked for, and somebody else's interface may have it. */
	bool has_taps;
	L3vmAttachMode mode; /* for attach() */
};

/* --- from XML to ports -------------------------------------------------- */

/* The setters judge the form of each value; the first that is wrong ends it. */
static bool fill_port(L3vmPort *port, const L3vmNic *nic, bool has_taps, GError **error)
{
	l3vm_port_set_optional(port, true);
	if (!l3vm_port_set_mac(port, nic->mac, error))
		return false;
	if (has_taps && nic->target && !l3vm_port_set_ifname(port, nic->target, error))
		return false;
	if (nic->network && !l3vm_port_set_network(port, nic->network, error))
		return false;
	for (guint i = 0; i < nic->addresses->len; i++)
		if (!l3vm_port_add_address(port, nic->addresses->pdata[i], error))
			return false;
	for (guint i = 0; i < nic->prefixes->len; i++)
		if (!l3vm_port_add_prefix(port, nic->prefixes->pdata[i], error))
			return false;
	if (nic->bridge || nic->source_network)
		l3vm_port_set_hint(port, nic->bridge, nic->source_network);
	return true;
}

/*
 * An interface that the metadata gives addresses to and that has no device
 * would be kept for a later hot-plug without a word, and the guest would come
 * up unreachable.
 */
static bool check_target(const L3vmNic *nic, bool has_taps, GError **error)
{
	if (has_taps && nic->type && nic->described && !nic->target)
		return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
				      "its interface has no <target dev> (libvirt "
				      "names the tap there once it exists)");
	return true;
}

static bool add_port(GPtrArray *ports, const L3vmDomain *domain, const L3vmNic *nic,
		     bool has_taps, GError **error)
{
	L3vmPort *port = l3vm_port_new(domain->name, domain->uuid, error);

	if (!port)
		return false;
	g_ptr_array_add(ports, port);
	if (!check_target(nic, has_taps, error) ||
	    !fill_port(port, nic, has_taps, error)) {
		g_prefix_error(error, "NIC %s: ", nic->mac);
		return false;
	}
	return true;
}

/* A port for each NIC that may be ours; which ones are, the library knows. */
static GPtrArray *make_ports(const L3vmDomain *domain, bool has_taps, GError **error)
{
	g_autoptr(GPtrArray) ports = NULL;

	ports = g_ptr_array_new_with_free_func((GDestroyNotify)l3vm_port_free);
	for (guint i = 0; i < domain->nics->len; i++) {
		const L3vmNic *nic = domain->nics->pdata[i];
		bool planned = !nic->type && nic->mac;

		if (!planned && !l3vm_nic_is_routable(nic))
			continue;
		if (!add_port(ports, domain, nic, has_taps, error))
			return NULL;
	}
	return g_steal_pointer(&ports);
}

/* Only after success: a failure is one line, and this would be a second. */
static void warn_of_absent(const L3vmDomain *domain)
{
	g_autofree char *guest = l3vm_hook_quote(domain->name);

	for (guint i = 0; i < domain->nics->len; i++) {
		const L3vmNic *nic = domain->nics->pdata[i];
		g_autofree char *line = NULL;

		if (nic->type)
			continue;
		line = g_strdup_printf("guest %s: metadata for NIC %s, but the guest "
				       "has no such interface (%s)",
				       guest, nic->mac ? nic->mac : "without a mac",
				       nic->mac
					       ? "right if it is to be plugged in later"
					       : "ignored; give it a mac if it is to "
						 "be plugged in later");
		l3vm_hook_say(line);
	}
}

/* --- what an operation does --------------------------------------------- */

/* The guest still runs elsewhere: the best moment to refuse what this host would
 * not route. */
static bool incoming(L3vm *host, const L3vmDomain *domain, const Operation *operation,
		     const GPtrArray *ports, GError **error)
{
	(void)operation;
	return l3vm_incoming(host, domain->name, domain->uuid,
			     (L3vmPort *const *)ports->pdata, ports->len,
			     INCOMING_VALID, error);
}

/* libvirt itself fails a start whose bridge does not exist: it is made now. */
static bool prepare(L3vm *host, const L3vmDomain *domain, const Operation *operation,
		    const GPtrArray *ports, GError **error)
{
	(void)domain;
	(void)operation;
	return l3vm_prepare(host, (L3vmPort *const *)ports->pdata, ports->len, error);
}

/* All of the guest's ports in one call: all of them or none. */
static bool attach(L3vm *host, const L3vmDomain *domain, const Operation *operation,
		   const GPtrArray *ports, GError **error)
{
	(void)domain;
	return l3vm_attach(host, (L3vmPort *const *)ports->pdata, ports->len,
			   operation->mode, error);
}

/* The whole document or only which guest it is about: see domxml.h. */
/*
 * Comes for the target of a migration too, before the guest runs there, so it is
 * no evidence of anything and only repeats what `start` did. But a QEMU that waits
 * for nobody runs its guest: if a migration was expected (one of an inactive
 * guest, --offline, has a `migrate` hook and nothing after it), there is none.
 */
static bool started(L3vm *host, const L3vmDomain *domain, const Operation *operation,
		    const GPtrArray *ports, GError **error)
{
	(void)operation;
	return l3vm_attach(host, (L3vmPort *const *)ports->pdata, ports->len,
			   l3vm_process_boots(domain->name) ? L3VM_ATTACH_LIVE
							    : L3VM_ATTACH_KEEP,
			   error);
}

typedef L3vmDomain *(*Parser)(const char *xml, size_t size, GError **error);

static L3vmDomain *read_domain(Parser parse, GError **error)
{
	g_autofree char *xml = NULL;
	size_t size = 0;

	xml = l3vm_hook_read(STDIN_FILENO, &size, error);
	return xml ? parse(xml, size, error) : NULL;
}

/* The parser's errors are about a document; this says whose. Always false. */
static bool say_which(const char *guest, GError **error)
{
	g_autofree char *quoted = l3vm_hook_quote(guest);

	g_prefix_error(error, "guest %s: ", quoted);
	return false;
}

/* A guest without a NIC of a kind that we handle costs its parsing only. */
static bool run_ports(const Operation *operation, const char *guest, GError **error)
{
	g_autoptr(L3vmDomain) domain = read_domain(l3vm_domxml_parse, error);
	g_autoptr(GPtrArray) ports = NULL;
	g_autoptr(L3vm) host = NULL;

	if (domain)
		ports = make_ports(domain, operation->has_taps, error);
	if (!ports)
		return say_which(guest, error);
	if (ports->len > 0) {
		host = l3vm_new(NULL, NULL, error);
		if (!host || !operation->verb(host, domain, operation, ports, error))
			return false;
	}
	warn_of_absent(domain);
	return true;
}

/* The start that follows is from a saved image, so nobody else announces the
 * guest: no migration, whatever was expected before. */
static bool run_restore(const Operation *operation, const char *guest, GError **error)
{
	g_autoptr(L3vmDomain) domain = NULL;
	g_autoptr(L3vm) host = NULL;

	(void)operation;
	domain = read_domain(l3vm_domxml_parse_identity, error);
	if (!domain)
		return say_which(guest, error);
	host = l3vm_new(NULL, NULL, error);
	return host && l3vm_incoming_forget(host, domain->name, domain->uuid, error);
}

/*
 * Also runs for a guest that never started, and at the target of a migration
 * that failed while the guest is well at its source. So neither its interfaces
 * nor its metadata count, but what is on record here under its UUID. With XML
 * that does not tell the UUID the name has to do: a route that stays would draw
 * the guest's packets for ever.
 */
static bool run_detach(const Operation *operation, const char *guest, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(L3vmDomain) domain = NULL;
	g_autoptr(L3vm) host = NULL;

	(void)operation;
	domain = read_domain(l3vm_domxml_parse_identity, &problem);
	host = l3vm_new(NULL, NULL, error);
	if (!host || !l3vm_detach_guest(host, domain ? domain->uuid : guest, error))
		return false;
	if (domain)
		return true;
	g_propagate_error(error, g_steal_pointer(&problem));
	return say_which(guest, error);
}

static const Operation operations[] = {
	{ "migrate", run_ports, .verb = incoming },
	{ "restore", run_restore, .verb = NULL },
	{ "prepare", run_ports, .verb = prepare },
	{ "start", run_ports, attach, .has_taps = true, .mode = L3VM_ATTACH_START },
	{ "started", run_ports, started, .has_taps = true },
	{ "reconnect", run_ports, attach, .has_taps = true, .mode = L3VM_ATTACH_KEEP },
	{ "attach", run_ports, attach, .has_taps = true, .mode = L3VM_ATTACH_LIVE },
	{ "stopped", run_detach, .verb = NULL },
	{ "release", run_detach, .verb = NULL },
};

/* An operation that libvirt may add some day is none of ours: NULL. */
static const Operation *find_operation(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[2] : NULL;
	const Operation *operation = name ? find_operation(name) : NULL;
	g_autoptr(GError) error = NULL;

	l3vm_hook_begin();
	if (!name)
		l3vm_hook_fail(&error, L3VM_ERROR_USAGE,
			       "l3vm-libvirt-qemu: no operation given (libvirt runs it "
			       "as GUEST OPERATION begin|end -, see l3vm-hooks(7))");
	else if (operation) /* an unknown one does not even read its input */
		operation->run(operation, argv[1], &error);
	if (error)
		l3vm_hook_say(error->message);
	return l3vm_verdict(L3VM_HOOK_QEMU, name, error);
}
