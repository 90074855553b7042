/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scout.h - one packet that is sent ahead, and known again if it comes back
 *
 * A packet is a struct virtio_net_hdr and what follows from the IP header on, as the
 * hold's tun reads and writes it.
 */
#ifndef L3VM_AGENT_SCOUT_H
#define L3VM_AGENT_SCOUT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Scout Scout;

/* Remembers @packet, which has an IPv4 or IPv6 header. */
Scout *scout_new(const void *packet, size_t size);
void scout_free(Scout *scout); /* also NULL */

/*
 * True if @packet is the scout, come back by way of at least one router. It has fewer
 * hops left then; another of the same contents, of a sender that repeats itself, has
 * as many. On its way a network interface may have put in the checksum, and cut a
 * large segment into pieces: of these only the first counts.
 */
bool scout_is(const Scout *scout, const void *packet, size_t size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scout, scout_free)

#endif
