/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.h - the state directory: what should be, on disk
 *
 *   ports/<ifname>.json        one port; ports/pending-<12 hex digits>.json for
 *                              a hot-plugged NIC whose interface is not known,
 *                              ports/service:<address>.json for an address of
 *                              the host itself
 *   guests/<uuid-or-name>.json its ports' interface names, its NICs, a pending
 *                              migration
 *   guests/<uuid-or-name>.lock see lock.h
 *   addresses/<prefix>         symbolic link to the name of the port that has
 *                              it ('/' of the prefix written as '_'): its
 *                              creation is the reservation
 *   announce/                  see announced.h
 *   events.jsonl               bounded log of state changes
 *
 * Every record is written to a temporary file and renamed. One that does not
 * parse, is of another version, or is not a regular file of ours is reported
 * as absent with a warning: it is a hint, the kernel is the truth.
 */
#ifndef L3VM_STORE_RECORD_H
#define L3VM_STORE_RECORD_H

#include "model/port.h"

#include <glib.h>

typedef struct L3vmStore L3vmStore;

/* What is remembered of a guest beyond its ports. */
typedef struct L3vmGuest {
	char *guest, *uuid; /* uuid may be NULL */
	int64_t incoming;   /* until when a migration to here is awaited; 0: none */
	GPtrArray *ports;   /* of char*: record names (l3vm_record_name()) */
	GPtrArray *nics;    /* of L3vmPort*: NICs it was described with */
} L3vmGuest;

/* Creates @dir and its parts, mode 0750, when they are missing. A state
 * directory that is not ours or writable by others is refused; root acts for its
 * owner, if only root can have put it there. */
L3vmStore *l3vm_store_open(const char *dir, GError **error);
void l3vm_store_free(L3vmStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmStore, l3vm_store_free)
const char *l3vm_store_dir(const L3vmStore *store);
/* A descriptor of the directory, for openat(); the store keeps it. */
int l3vm_store_fd(const L3vmStore *store);

/* "tapvm1", "pending-525400000005" for a port without an interface name, or
 * "service:192.0.2.53"; for the caller to free. */
char *l3vm_record_name(const L3vmPort *port);

/* NULL without @error: there is none (or it is unusable, with a warning). */
L3vmPort *l3vm_record_load(L3vmStore *store, const char *name, GError **error);
bool l3vm_record_save(L3vmStore *store, const L3vmPort *port, GError **error);
bool l3vm_record_remove(L3vmStore *store, const char *name, GError **error);
/* All port records, ordered by name; of L3vmPort*. */
GPtrArray *l3vm_record_list(L3vmStore *store, GError **error);

void l3vm_guest_free(L3vmGuest *guest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmGuest, l3vm_guest_free)
/* Never NULL but on error: an empty one when there is no record. */
L3vmGuest *l3vm_guest_load(L3vmStore *store, const char *name, const char *uuid,
			   GError **error);
/* Removes the record when nothing is left to remember. */
bool l3vm_guest_save(L3vmStore *store, const L3vmGuest *guest, GError **error);
/* *@uuid: of the guest that has a UUID and is called @name, for the caller to
 * free; NULL if none is. Takes no longer the more guests there are. */
bool l3vm_guest_uuid(L3vmStore *store, const char *name, char **uuid, GError **error);
/* All guest records; of L3vmGuest*. */
GPtrArray *l3vm_guest_list(L3vmStore *store, GError **error);
/* Finds by UUID or name; NULL without error when there is none. Reads every
 * guest's record before it says so. */
L3vmGuest *l3vm_guest_find(L3vmStore *store, const char *name_or_uuid, GError **error);

/*
 * Reserves @prefix for the port record @owner. True if it is free or already
 * @owner's. Otherwise false with *@holder, the other port's record name (for
 * the caller to free) and no error, or false with @error.
 */
bool l3vm_address_reserve(L3vmStore *store, const L3vmAddr *prefix, const char *owner,
			  char **holder, GError **error);
/* Whose it is, for the caller to free; NULL: nobody's. */
char *l3vm_address_holder(L3vmStore *store, const L3vmAddr *prefix);
/* Only if @owner has it. */
void l3vm_address_release(L3vmStore *store, const L3vmAddr *prefix, const char *owner);
/* True if it was reserved a moment ago: its owner may not be on record yet. */
bool l3vm_address_is_fresh(L3vmStore *store, const L3vmAddr *prefix);
/*
 * Takes it from @holder, which the caller found to be gone. If another port was
 * faster, it stays that port's: false with L3VM_ERROR_REFUSED.
 */
bool l3vm_address_take(L3vmStore *store, const L3vmAddr *prefix, const char *owner,
		       const char *holder, GError **error);

/*
 * Appends a line to events.jsonl: time, guest, uuid, ifname, from, to and
 * @evidence (a fixed word such as "hook-start"). Never fails the caller: a
 * full disk costs the line. At 1 MiB the file becomes events.jsonl.1.
 */
void l3vm_event_append(L3vmStore *store, const L3vmPort *port, const char *from,
		       const char *to, const char *evidence);
/* The same for several at once: the lines first, then one write. */
void l3vm_event_add(GString *lines, const L3vmPort *port, const char *from,
		    const char *to, const char *evidence);
void l3vm_event_write(L3vmStore *store, const GString *lines);

/*
 * A line that is no change of state: "event" is @what, then pairs of a key and its
 * value up to a NULL key. A key that starts with '#' has an int64_t (and is
 * written without it), any other a string or NULL (left out).
 */
void l3vm_event_note(L3vmStore *store, const L3vmPort *port, const char *what,
		     const char *key, ...) G_GNUC_NULL_TERMINATED;

#endif
