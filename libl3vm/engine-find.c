/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-find.c - whose a new interface is, of which nothing but the name is known
 *
 * libvirt gives a tap the MAC of the guest's NIC with another first byte: fe, or fa
 * if the NIC's own is fe (qemuInterfaceEthernetConnect). The other five tell the
 * NIC, until an attach replaces the tap's MAC with the gateway's.
 */
#include "base/error.h"
#include "engine.h"

#include <string.h>

typedef struct Search {
	L3vm *host;
	const char *ifname;
	L3vmMac tap;
	L3vmPort *found; /* owned */
	bool several;
} Search;

static bool is_made_from(const L3vmMac *tap, const L3vmMac *nic)
{
	return tap->bytes[0] == (nic->bytes[0] == 0xfe ? 0xfa : 0xfe) &&
	       !memcmp(tap->bytes + 1, nic->bytes + 1, sizeof(nic->bytes) - 1);
}

/* Takes @port. A second one for another guest makes both worthless. */
static void find(Search *search, L3vmPort *port)
{
	g_free(port->ifname);
	port->ifname = g_strdup(search->ifname);
	if (search->found && strcmp(search->found->guest, port->guest) != 0)
		search->several = true;
	if (search->found)
		l3vm_port_free(port);
	else
		search->found = port;
}

static void search_described(Search *search, const L3vmGuest *guest)
{
	for (guint i = 0; i < guest->nics->len; i++) {
		const L3vmPort *nic = guest->nics->pdata[i];
		L3vmPort *port;

		if (!is_made_from(&search->tap, &nic->mac))
			continue;
		port = l3vm_port_copy(nic);
		port->optional = false;
		g_free(port->guest);
		g_free(port->uuid);
		port->guest = g_strdup(guest->guest);
		port->uuid = g_strdup(guest->uuid);
		find(search, port);
	}
}

/* The UUID, if the guest has one, is found by the attach. */
static bool search_sections(Search *search, GError **error)
{
	const GPtrArray *nics = search->host->config->nics;

	for (guint i = 0; i < nics->len; i++) {
		const L3vmNicConfig *nic = nics->pdata[i];
		L3vmPort *port;

		if (!nic->guest || !nic->has_mac)
			continue;
		if (g_strcmp0(nic->ifname, search->ifname) != 0 &&
		    !is_made_from(&search->tap, &nic->mac))
			continue;
		port = l3vm_port_new(nic->guest, NULL, error);
		if (!port)
			return false;
		port->mac = nic->mac;
		port->has_mac = true;
		find(search, port);
	}
	return true;
}

static bool search_all(Search *search, GError **error)
{
	g_autoptr(GPtrArray) guests = l3vm_guest_list(search->host->store, error);

	if (!guests)
		return false;
	for (guint i = 0; i < guests->len; i++)
		search_described(search, guests->pdata[i]);
	return search->found || search_sections(search, error);
}

L3vmPort *l3vm_find_port(L3vm *host, const char *ifname, GError **error)
{
	Search search = { .host = host, .ifname = ifname };
	g_autoptr(L3vmPort) found = NULL;
	GError *failure = NULL;
	L3vmLink link;
	bool ok;

	if (!l3vm_need_config(host, error) || !l3vm_need_kernel(host, error) ||
	    !l3vm_need_store(host, error))
		return NULL;
	if (!host->kernel->ops->find_link(host->kernel, ifname, &link, &failure)) {
		if (failure)
			g_propagate_error(error, failure);
		else
			l3vm_fail(error, L3VM_ERROR_FAILED,
				  "%.40s: no such interface (check the name)", ifname);
		return NULL;
	}
	search.tap = link.mac;
	ok = search_all(&search, error);
	found = search.found;
	if (ok && search.several)
		l3vm_fail(error, L3VM_ERROR_REFUSED,
			  "%s: may be a NIC of more than one guest (name the interface "
			  "in guests.d, or give each guest MACs of its own)",
			  ifname);
	return ok && !search.several ? g_steal_pointer(&found) : NULL;
}
