/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * l3vm.h - turn a KVM host into the router of its guests
 *
 * The only installed header. A program opens the host with l3vm_new(), says
 * what it knows of a guest's NICs as #L3vmPort values and calls one verb; the
 * library takes the guest's lock, compares what should exist with what the
 * kernel has, changes the difference, and undoes it all when a step fails.
 *
 * Ownership: what a function returns through `char **` or as a pointer without
 * const belongs to the caller (g_free(), or the type's own free function).
 * Arguments are borrowed. A L3vm may be used by one thread at a time.
 *
 * Errors: every function that takes a GError sets it with the domain
 * #L3VM_ERROR when it returns false or NULL, and then nothing has changed. The
 * message is one line, "WHAT: WHY (REMEDY)", and its code is the exit status
 * that a program should end with.
 */
#ifndef L3VM_H
#define L3VM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

G_BEGIN_DECLS

/* The codes are exit statuses: see l3vm(8). */
typedef enum {
	L3VM_ERROR_FAILED = 1,	   /* the kernel or a file refused; undone */
	L3VM_ERROR_USAGE = 2,	   /* an argument is not of its form */
	L3VM_ERROR_PERMISSION = 3, /* CAP_NET_ADMIN or file access is missing */
	L3VM_ERROR_NOT_FOUND = 4,  /* no such guest or port */
	L3VM_ERROR_REFUSED = 5,	   /* policy: address not allowed, or taken */
} L3vmError;

#define L3VM_ERROR (l3vm_error_quark())
GQuark l3vm_error_quark(void);

/* Exit status for @error: its code, 0 for NULL, 1 for a foreign domain. */
int l3vm_exit_status(const GError *error);

/* "1.2.3" */
const char *l3vm_version(void);

/*
 * Where the library's warnings go (never errors: those are returned). @line
 * has no newline. The default sink is standard error with "l3vm: " in front.
 */
typedef void (*L3vmLogSink)(const char *line, void *data);
void l3vm_set_log_sink(L3vmLogSink sink, void *data);

/* --- one host ---------------------------------------------------------- */

typedef struct L3vm L3vm;

/*
 * Opens this host. NULL for @config_file or @state_dir means $L3VM_CONFIG and
 * $L3VM_STATE_DIR, and without these the built-in paths. A configuration that
 * does not parse is no error here: detaching works from the records alone,
 * and each verb that needs the configuration returns its error.
 */
L3vm *l3vm_new(const char *config_file, const char *state_dir, GError **error);
void l3vm_free(L3vm *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vm, l3vm_free)

/* --- what is known of one NIC ------------------------------------------ */

typedef struct L3vmPort L3vmPort;

/* @uuid may be NULL (a guest that has only a name). */
L3vmPort *l3vm_port_new(const char *guest, const char *uuid, GError **error);
void l3vm_port_free(L3vmPort *port);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmPort, l3vm_port_free)

/*
 * Each setter checks the form of its value and nothing else; whether the host
 * accepts it is the verb's decision. A port without an interface name stands
 * for a NIC that may appear later (hot-plug): it is remembered with the guest.
 */
bool l3vm_port_set_ifname(L3vmPort *port, const char *ifname, GError **error);
bool l3vm_port_set_mac(L3vmPort *port, const char *mac, GError **error);
bool l3vm_port_set_network(L3vmPort *port, const char *network, GError **error);
bool l3vm_port_add_address(L3vmPort *port, const char *address, GError **error);
bool l3vm_port_add_prefix(L3vmPort *port, const char *prefix, GError **error);

/*
 * What a manager's own networks say, for a network in routed mode: the table (a
 * name or a number) that the port's routes are in instead of its network's, and
 * a gateway that the guest uses besides its network's. An IPv4 gateway means a
 * guest that takes its neighbours to be on its link: proxy ARP is switched on.
 */
bool l3vm_port_set_table(L3vmPort *port, const char *table, GError **error);
bool l3vm_port_add_gateway(L3vmPort *port, const char *gateway, GError **error);

/*
 * What a VM manager says of the interface: the bridge it is a port of and the
 * manager's own network name (NULL: not known). A port that carries such a
 * hint belongs to us if either is one of our networks; it and any port marked
 * optional are left alone, without an error, when nothing gives them an
 * address or a network of ours.
 */
void l3vm_port_set_hint(L3vmPort *port, const char *bridge, const char *network);
void l3vm_port_set_optional(L3vmPort *port, bool optional);

/* --- verbs ------------------------------------------------------------- */

typedef enum {
	/* the guest runs here, or is about to boot here: routes at normal rank */
	L3VM_ATTACH_LIVE,
	/* target of an incoming migration: everything but routes */
	L3VM_ATTACH_PREPARED,
	/* the guest starts: prepared if l3vm_incoming() came just before, else
	 * live */
	L3VM_ATTACH_START,
	/* as START, of one NIC: what l3vm_incoming() announced holds for the
	 * guest's other NICs, too */
	L3VM_ATTACH_START_NIC,
	/* the guest is on its way to here: prepared, unless it is here already */
	L3VM_ATTACH_EXPECT,
	/* the guest runs here: it has arrived if it was expected, else it is as on
	 * record, or live */
	L3VM_ATTACH_HERE,
	/* nothing new is known: the state on record, live if there is none */
	L3VM_ATTACH_KEEP,
} L3vmAttachMode;

/*
 * Creates or updates all @ports of one guest, all or nothing. Ports of the
 * guest that are not named keep what they have. Idempotent.
 */
bool l3vm_attach(L3vm *host, L3vmPort *const *ports, size_t n_ports,
		 L3vmAttachMode mode, GError **error);

typedef enum {
	L3VM_PLAN_IP,	/* ip(8), bridge(8) and sysctl lines for sh */
	L3VM_PLAN_JSON, /* one object per operation */
} L3vmPlanFormat;

/*
 * What l3vm_attach() would do now, as text, changing nothing. @from_scratch:
 * against an empty kernel instead of this one (needs no privilege and no
 * interface).
 */
bool l3vm_plan(L3vm *host, L3vmPort *const *ports, size_t n_ports, L3vmAttachMode mode,
	       L3vmPlanFormat format, bool from_scratch, char **text, GError **error);

/* Absent is success. @guest is a name or a UUID. */
bool l3vm_detach_port(L3vm *host, const char *ifname, GError **error);
bool l3vm_detach_guest(L3vm *host, const char *guest, GError **error);

/*
 * A migration to this host begins: refuses (nothing remembered) what attach
 * would refuse by policy, else remembers for @seconds that the next start of the
 * guest is its arrival, and what its NICs have. @ports have no interface names yet.
 */
bool l3vm_incoming(L3vm *host, const char *guest, const char *uuid,
		   L3vmPort *const *ports, size_t n_ports, unsigned seconds,
		   GError **error);

/* No migration of the guest to here is under way (a restore; one that failed): the
 * next start is none, and what was prepared for one goes. */
bool l3vm_incoming_forget(L3vm *host, const char *guest, const char *uuid,
			  GError **error);

/*
 * A guest is about to be given interfaces: the bridges that its @ports will
 * be put into are made; an address that attach would refuse is refused now.
 */
bool l3vm_prepare(L3vm *host, L3vmPort *const *ports, size_t n_ports, GError **error);

/*
 * The network of that name or, if @bridge is not NULL, in bridge mode with that
 * bridge. *@found is its name, for the caller to free, or NULL if there is none.
 */
bool l3vm_find_network(L3vm *host, const char *name, const char *bridge, char **found,
		       GError **error);

/*
 * A manager's network is starting or has started. If @network or @bridge is
 * one of ours in bridge mode, its bridge is made and set up. Not ours: success.
 */
bool l3vm_network_up(L3vm *host, const char *network, const char *bridge,
		     GError **error);

/*
 * Hot-plug as a manager's network tells it: the MAC of a NIC and, as a hint, its
 * network, but no interface name. For a guest on record in a bridge-mode network
 * of ours its routes are set up on the bridge at once, and l3vm_reconcile()
 * finishes the port when its interface is there. A NIC on record, a guest that
 * is not on record or that is migrating to here: success, nothing done.
 */
bool l3vm_plug(L3vm *host, L3vmPort *port, GError **error);
/*
 * Hot-plug as libvirt's <script> tells it: the name of a new tap, and no more. The
 * port that it must be, for the caller to attach: of a guest on record whose
 * description has a NIC that libvirt made the tap's MAC from, or of a section of
 * guests.d that names a guest and this interface or such a NIC. NULL without
 * @error: nothing is known of it.
 */
L3vmPort *l3vm_find_port(L3vm *host, const char *ifname, GError **error);
/* The name of its guest; the port keeps it. */
const char *l3vm_port_guest(const L3vmPort *port);

/* The NIC with the MAC of @port has left the network of its hint. */
bool l3vm_unplug(L3vm *host, L3vmPort *port, GError **error);

/* What an operator or orchestrator knows of a guest's migration. */
typedef enum {
	L3VM_PHASE_ARRIVED, /* it runs here now */
	L3VM_PHASE_LEAVING, /* a migration away has begun */
	L3VM_PHASE_LEFT,    /* it runs elsewhere now */
	L3VM_PHASE_ABORTED, /* the migration failed: it stays where it was */
} L3vmPhase;

bool l3vm_migrate_notify(L3vm *host, const char *guest, L3vmPhase phase,
			 GError **error);

/*
 * A service address of this host, which answers for it itself: on lo, unless
 * l3vm_port_set_ifname() says otherwise, and announced as its network
 * (l3vm_port_set_network(), else default) says.
 */
L3vmPort *l3vm_service_new(const char *address, GError **error);
/*
 * It is announced while @command, which l3vm-agent runs every @interval
 * milliseconds (and for no longer) ends with status 0: from the @rise-th time in a
 * row on, until it did not @fall times. Its words are split as sh(1) would; no shell
 * runs it.
 */
bool l3vm_service_set_check(L3vmPort *service, const char *command, unsigned interval,
			    unsigned rise, unsigned fall, GError **error);
/* Creates or changes it; it stays drained, and well or not. */
bool l3vm_service_add(L3vm *host, const L3vmPort *service, GError **error);
/* To the last rank, or back to the normal one. One that is not here:
 * L3VM_ERROR_NOT_FOUND. */
bool l3vm_service_drain(L3vm *host, const char *address, bool drain, GError **error);
/* Absent is success. */
bool l3vm_service_remove(L3vm *host, const char *address, GError **error);

/*
 * The ports of @guest as JSON, {"version":1,"ports":[...]}; with NULL all ports, and
 * the service addresses of the host in "services". A guest that is not here:
 * L3VM_ERROR_NOT_FOUND.
 */
char *l3vm_status(L3vm *host, const char *guest, GError **error);

/*
 * Brings the kernel to the state on record. @report: a line per difference,
 * empty when there was none. @dry_run: report only.
 */
bool l3vm_reconcile(L3vm *host, bool dry_run, char **report, GError **error);

/*
 * Repeats gratuitous ARP and unsolicited NA for @guest (NULL: all), and tells
 * the announcers again what they should announce.
 */
bool l3vm_announce(L3vm *host, const char *guest, GError **error);

/*
 * Looks at the host's settings, hooks and routing daemon. JSON,
 * {"version":1,"findings":[{"severity":"error"|"warning"|"ok","subject":...,
 * "finding":...,"remedy":...}]}
 */
char *l3vm_check(L3vm *host, GError **error);

/* Prometheus text format. */
char *l3vm_metrics(L3vm *host, GError **error);

G_END_DECLS

#endif
