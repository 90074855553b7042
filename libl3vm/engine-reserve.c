/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-reserve.c - who has an address: one port at a time
 *
 * A reservation is made before its port's record is written and released after that is
 * gone, so who dies in between leaves one that holds too much, never too little.
 */
#include "base/error.h"
#include "engine.h"

#include <string.h>

static bool has_or_had(const L3vmPort *port, const L3vmAddr *addr)
{
	for (; port; port = port->was)
		if (l3vm_port_has(port, addr))
			return true;
	return false;
}

/* What this very commit makes of the port that is, or becomes, @holder. NULL: it
 * is not about it. */
static const L3vmPort *new_holder(const char *holder, const GPtrArray *steps,
				  bool *about)
{
	*about = false;
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);
		g_autofree char *old = step->old ? l3vm_record_name(step->old) : NULL;
		g_autofree char *new = l3vm_record_name(step->new);

		*about |= !g_strcmp0(old, holder);
		if (!strcmp(new, holder) && step->new->state != L3VM_STATE_GONE)
			return step->new;
	}
	return NULL;
}

/*
 * Whose record has the address, whatever its reservation says: who died between the two
 * left one behind, or had given it to another port of the guest already. Reads all
 * records, as it is rare. NULL: nobody's, but for the ports of this very commit.
 */
static L3vmPort *find_claimant(L3vm *host, const L3vmAddr *addr, const GPtrArray *steps)
{
	g_autoptr(GPtrArray) ports = l3vm_record_list(host->store, NULL);

	for (guint i = 0; ports && i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);
		g_autofree char *name = l3vm_record_name(port);
		bool about;

		if (has_or_had(port, addr) && !new_holder(name, steps, &about) &&
		    !about)
			return l3vm_port_copy(port);
	}
	return NULL;
}

/* A holder that lost its interface, or its record, holds nothing any more, and
 * neither does one that gives the address up here. *@guest: whose it is. */
static bool holder_is_over(L3vm *host, const L3vmAddr *addr, const char *holder,
			   const L3vmStep *step, const GPtrArray *steps, char **guest)
{
	bool about;
	const L3vmPort *new = new_holder(holder, steps, &about);
	g_autoptr(L3vmPort) port = NULL;

	if (new)
		*guest = g_strdup(new->guest);
	if (new || about)
		return !new || !l3vm_port_has(new, addr);
	port = l3vm_record_load(host->store, holder, NULL);
	if (!port || !has_or_had(port, addr)) {
		*guest = g_strdup("that is just being attached");
		/* on our own record: only who has our lock could reserve it */
		if (!has_or_had(step->old, addr) &&
		    l3vm_address_is_fresh(host->store, addr))
			return false;
		l3vm_port_free(port);
		port = find_claimant(host, addr, steps);
	}
	if (!port)
		return true;
	g_free(*guest);
	*guest = g_strdup(port->guest);
	return port->ifname ? !l3vm_port_is_present(host, port) : false;
}

static bool reserve_one(L3vm *host, const L3vmAddr *addr, const L3vmStep *step,
			const GPtrArray *steps, GError **error)
{
	const L3vmPort *port = step->new;
	g_autofree char *name = l3vm_record_name(port);
	g_autofree char *holder = NULL;
	g_autofree char *guest = NULL;
	char text[L3VM_ADDR_STRLEN];
	GError *failure = NULL;

	if (l3vm_address_reserve(host->store, addr, name, &holder, &failure))
		return true;
	if (failure)
		return g_propagate_error(error, failure), false;
	if (holder_is_over(host, addr, holder, step, steps, &guest))
		return l3vm_address_take(host->store, addr, name, holder, error);
	return l3vm_fail(error, L3VM_ERROR_REFUSED,
			 "%s for guest %s: taken by guest %s, %s (detach that first)",
			 l3vm_addr_is_host(addr) ? l3vm_addr_format(addr, text)
						 : l3vm_prefix_format(addr, text),
			 port->guest, guest, holder);
}

void l3vm_port_release(L3vm *host, const L3vmPort *port, const L3vmPort *unless)
{
	const GArray *arrays[] = { port->addresses, port->prefixes };
	g_autofree char *name = l3vm_record_name(port);
	g_autofree char *kept = unless ? l3vm_record_name(unless) : NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++) {
			const L3vmAddr *addr = &g_array_index(arrays[i], L3vmAddr, j);

			/* under another name it was taken over, not kept */
			if (!unless || strcmp(kept, name) ||
			    !l3vm_port_has(unless, addr))
				l3vm_address_release(host->store, addr, name);
		}
}

static void reclaim(L3vm *host, const L3vmPort *port)
{
	const GArray *arrays[] = { port->addresses, port->prefixes };
	g_autofree char *name = l3vm_record_name(port);

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++) {
			g_autofree char *holder = NULL;

			l3vm_address_reserve(host->store,
					     &g_array_index(arrays[i], L3vmAddr, j),
					     name, &holder, NULL);
		}
}

static bool reserve_port(L3vm *host, const L3vmStep *step, const GPtrArray *steps,
			 GError **error)
{
	const GArray *arrays[] = { step->new->addresses, step->new->prefixes };

	for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
		for (guint j = 0; j < arrays[i]->len; j++)
			if (!reserve_one(host, &g_array_index(arrays[i], L3vmAddr, j),
					 step, steps, error)) {
				l3vm_port_release(host, step->new, step->old);
				return false;
			}
	return true;
}

/* Gives back what the first @n steps reserved and their records do not have; and
 * again to each what one of the others had taken over from it. */
static void unreserve(L3vm *host, const GPtrArray *steps, guint n)
{
	for (guint i = 0; i < n; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->new->state != L3VM_STATE_GONE)
			l3vm_port_release(host, step->new, step->old);
	}
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->old)
			reclaim(host, step->old);
	}
}

bool l3vm_steps_reserve(L3vm *host, const GPtrArray *steps, GError **error)
{
	for (guint i = 0; i < steps->len; i++) {
		const L3vmStep *step = g_ptr_array_index(steps, i);

		if (step->new->state != L3VM_STATE_GONE &&
		    !reserve_port(host, step, steps, error)) {
			unreserve(host, steps, i);
			return false;
		}
	}
	return true;
}

void l3vm_steps_unreserve(L3vm *host, const GPtrArray *steps)
{
	unreserve(host, steps, steps->len);
}
