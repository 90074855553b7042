/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.h - what the parts of the engine share
 *
 *   engine.c            one host; opening its parts
 *   engine-resolve.c    a request -> a port: its network, addresses, policy
 *   engine-commit.c     old and new ports -> kernel and records, all or nothing
 *   engine-service.c    service addresses
 *   engine-session.c    one guest, locked: the frame of every verb
 *   engine-attach.c     attach and plan
 *   engine-detach.c     detach
 *   engine-find.c       whose a new interface is
 *   engine-migrate.c    what is learned of a migration
 *   engine-network.c    networks that come up; hot-plug
 *   engine-reconcile.c  all records against the whole kernel
 *   engine-announce.c   saying again what should be known
 *   engine-view.c       what the announcers have made of the routes
 *   engine-status.c     status and metrics
 *   engine-check.c      the host's settings
 */
#ifndef L3VM_ENGINE_H
#define L3VM_ENGINE_H

#include "announce/announcer.h"
#include "base/clock.h"
#include "kernel/kernel.h"
#include "l3vm.h"
#include "model/intent.h"
#include "model/migration.h"
#include "model/service.h"
#include "store/config.h"
#include "store/lock.h"
#include "store/record.h"

struct L3vm {
	char *config_path, *state_dir;
	L3vmConfig *config; /* NULL: see config_error */
	GError *config_error;
	L3vmStore *store;   /* NULL until first needed */
	L3vmKernel *kernel; /* likewise */
	L3vmRanks ranks;    /* the defaults without a configuration */
	uint8_t protocol;
	L3vmHostFacts facts;
};

/* Opens what a verb needs; each is quick when it is open already. */
bool l3vm_need_config(L3vm *host, GError **error);
bool l3vm_need_store(L3vm *host, GError **error);
bool l3vm_need_kernel(L3vm *host, GError **error);

/* "port tap1 of guest vm1" or "service 192.0.2.53", for messages; the caller's. */
char *l3vm_port_title(const L3vmPort *port);

/* How long a verb waits for the guest's lock: less than an operator's patience,
 * more than any hook takes. */
#define L3VM_LOCK_TIMEOUT (10 * L3VM_SECOND)

/* --- engine-resolve.c ----------------------------------------------------- */

/*
 * The port that @request means: a copy with its network, its addresses from the
 * first source that has any, and checked against policy. *@ours is false (and
 * the result NULL, without error) if it is to be left alone. @nics: what the
 * guest was described with, or NULL.
 */
L3vmPort *l3vm_resolve(L3vm *host, const L3vmPort *request, const GPtrArray *nics,
		       bool *ours, GError **error);

/* The one of @nics (may be NULL) with @mac, or NULL. */
const L3vmPort *l3vm_described(const GPtrArray *nics, const L3vmMac *mac);

/* Policy against this host: interface and addresses. Fills in ifindex. */
bool l3vm_resolve_link(L3vm *host, L3vmKernel *kernel, L3vmPort *port, GError **error);
bool l3vm_check_local(L3vm *host, const L3vmPort *port, GError **error);

/* The network that @port names, or its manager's words mean, or else default. */
bool l3vm_resolve_network(L3vm *host, const L3vmPort *port, const L3vmNetwork **network,
			  GError **error);
/* What needs no look at the host: the addresses of a port that has its network. */
bool l3vm_check_policy(const L3vmPort *port, GError **error);

/* What attach would refuse by policy, without an interface to look at. */
bool l3vm_check_requests(L3vm *host, L3vmPort *const *ports, size_t n, GError **error);

/* --- engine-session.c ------------------------------------------------------ */

typedef struct L3vmSession {
	L3vm *host;
	L3vmLock *lock;
	L3vmGuest *guest;
} L3vmSession;

/* Takes the guest's lock, and then reads its record. The session is ended when it
 * goes out of scope; the lock's file goes with the last record. */
bool l3vm_session_begin(L3vmSession *session, L3vm *host, const char *name,
			const char *uuid, GError **error);
bool l3vm_session_for(L3vmSession *session, L3vm *host, const L3vmPort *port,
		      GError **error);
void l3vm_session_end(L3vmSession *session);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(L3vmSession, l3vm_session_end)

/* --- engine-attach.c ------------------------------------------------------- */

/* How long a migration that was announced may be awaited, whoever announced it. */
#define L3VM_INCOMING_MAX (3600 * L3VM_SECOND)

/* A migration of the guest to here is under way, as far as anybody said. */
bool l3vm_is_expected(const L3vmGuest *guest);

/* The NICs that a manager's description has, for those that come later. */
void l3vm_guest_describe(L3vmGuest *guest, L3vmPort *const *ports, size_t n);

/* The described NIC of @guest with @mac, whose interface is there now: prepared, if
 * its guest is expected. True with *@done false if there is nothing to do. */
bool l3vm_attach_described(L3vm *host, const char *guest, const L3vmMac *mac,
			   const char *ifname, bool *done, GError **error);

/* A broken file must not keep guests from starting that it is not about: success
 * if nothing says that @ports are ours, else the file's error. */
bool l3vm_without_config(L3vm *host, L3vmPort *const *ports, size_t n, GError **error);

/* --- engine-detach.c -------------------------------------------------------- */

/* A step that removes the recorded port @old, which it takes. */
void l3vm_steps_remove(GPtrArray *steps, L3vmPort *old);
/* Removes all ports of the session's guest. */
bool l3vm_remove_ports(L3vmSession *session, GError **error);

/* --- engine-service.c ------------------------------------------------------- */

/* The checks of @service, a recorded port, have found it well or not. */
bool l3vm_service_found(L3vm *host, const L3vmPort *service, bool well, GError **error);

/* --- engine-migrate.c ------------------------------------------------------- */

/*
 * All ports of the guest @name through @event; @evidence is a fixed word for
 * events.jsonl, @seen when it was seen (l3vm_now(); 0: not known). With @as_of
 * nothing happens if that port has changed its state since. A guest that is not
 * here: L3VM_ERROR_NOT_FOUND.
 */
bool l3vm_guest_event(L3vm *host, const char *name, L3vmEvent event,
		      const L3vmPort *as_of, const char *evidence, int64_t seen,
		      GError **error);

/* --- engine-commit.c ------------------------------------------------------ */

/* One port's way from what is on record to what shall be. */
typedef struct L3vmStep {
	L3vmPort *old; /* owned; NULL: nothing on record */
	L3vmPort *new; /* owned; never NULL; state GONE to remove it */
} L3vmStep;

void l3vm_step_free(L3vmStep *step);
/* Steps in a new array that owns them. */
GPtrArray *l3vm_steps_new(void);
void l3vm_steps_add(GPtrArray *steps, L3vmPort *old, L3vmPort *new);

/* The sorted plan for @steps against @kernel. */
L3vmPlan *l3vm_steps_plan(L3vm *host, L3vmKernel *kernel, const GPtrArray *steps,
			  GError **error);

/*
 * Brings @steps, all of @guest, about: reservations, records, kernel, records.
 * When the kernel refuses, everything is as before. Ports that go are removed
 * as far as possible; what could not be removed stays on record as gone, for
 * the next run. The caller holds the guest's lock. @evidence: why, a fixed word
 * for events.jsonl. @report (may be NULL) gets a line per change.
 */
bool l3vm_commit(L3vm *host, L3vmGuest *guest, const GPtrArray *steps,
		 const char *evidence, GString *report, GError **error);

/* What carries our protocol number on @ifname goes, though nothing is on
 * record. */
bool l3vm_purge_interface(L3vm *host, const char *ifname, GError **error);

/* --- engine-reserve.c ------------------------------------------------------- */

/* What @steps will have becomes theirs: all of it, or L3VM_ERROR_REFUSED and
 * nothing. */
bool l3vm_steps_reserve(L3vm *host, const GPtrArray *steps, GError **error);
/* Takes that back: each has what its old record says. */
void l3vm_steps_unreserve(L3vm *host, const GPtrArray *steps);
/* Releases what @port has and @unless (may be NULL) does not keep. */
void l3vm_port_release(L3vm *host, const L3vmPort *port, const L3vmPort *unless);

/* --- engine-reconcile.c, engine-announce.c ------------------------------------ */

/* What l3vm_reconcile() does first: it asks nobody but the kernel. */
bool l3vm_reconcile_kernel(L3vm *host, bool dry_run, GString *report, GError **error);

/* And then: routes that no routing daemon has learned are written again. One that
 * does not answer is left alone; all of them together have a few seconds. */
bool l3vm_tell_daemons(L3vm *host, bool dry_run, GString *report, GError **error);

/* True if the interface of a recorded port is the one it was recorded with. */
bool l3vm_port_is_present(L3vm *host, const L3vmPort *port);

#endif
