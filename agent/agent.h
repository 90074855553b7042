/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent.h - what the parts of l3vm-agent share
 *
 *   main.c          options, signals, the loop
 *   tracker.c       the ports on record, and what each state needs
 *   watch-guest.c   frames of a guest whose arrival is awaited
 *   watch-kernel.c  interfaces, routes and the guard
 *   watch-libvirt.c guests' pauses, resumes and migrations, from libvirt
 *   watch-qmp.c     the same, from QEMU's own monitors (qmp.c speaks with one)
 *   watch-ganeti.c  the taps of Ganeti's instances that are about to arrive
 *   guest-events.c  what these mean
 *   announcing.c    announcers that live here, and what they are to announce
 *   check.c         the checks of service addresses
 *   gateway-burst.c tells a guest that came who its gateway is
 *   hold.c          a leaving guest's packets, kept until they can follow it
 *                   (scout.c finds out whether they can)
 *   tun.c           the device that they are kept with
 *   sandbox.c       the system calls that all this needs, and no others
 *
 * The agent is fast, not needed: whatever it knows is in the kernel, the records
 * and libvirt, so it may start, die and start again at any moment. It is one
 * thread, and nothing in it waits.
 */
#ifndef L3VM_AGENT_AGENT_H
#define L3VM_AGENT_AGENT_H

#include "engine.h"
#include "kernel/monitor.h"

#include <glib.h>

typedef struct Agent Agent;
typedef struct AgentPort AgentPort;
typedef struct Burst Burst;
typedef struct Bursts Bursts;
typedef struct Check Check;
typedef struct Evidence Evidence;
typedef struct GanetiWatch GanetiWatch;
typedef struct Hold Hold;
typedef struct Tun Tun;
typedef struct LibvirtWatch LibvirtWatch;
typedef struct QmpWatch QmpWatch;

/* A port on record. */
struct AgentPort {
	Agent *agent;
	char *name;	    /* of its record */
	L3vmPort *port;	    /* as last read */
	Evidence *evidence; /* while prepared: its frames are looked at */
	Hold *hold;	    /* while leaving: its packets are watched or kept */
	Burst *burst;	    /* since it arrived, where its network asks for it */
	Check *check;	    /* of a service address that has one */
	guint timer;	    /* arrived: until hold-time is over; between
			     * two hosts: until somebody is asked */
};

struct Agent {
	L3vm *host;
	GMainLoop *loop;
	GHashTable *ports;   /* record name -> AgentPort, owned */
	GHashTable *indexes; /* interface index -> AgentPort, borrowed */
	unsigned pending;    /* ports that have no interface yet */
	unsigned services;   /* service addresses among the ports */
	int inotify;
	int again;			      /* its watch of the folder `announce` */
	L3vmMonitor *monitor, *guard_monitor; /* the second may be NULL */
	guint sweep;			      /* a pending reconcile, or 0 */
	guint retry, patience; /* one after a failure, or 0; and its seconds */
	int64_t swept;	       /* when the last one ended, monotonic */
	Tun *tun;	       /* NULL: holding is off, or not possible */
	char *libvirt_uri;     /* NULL: not watched */
	LibvirtWatch *libvirt;
	QmpWatch *qmp;
	GanetiWatch *ganeti;
	Bursts *bursts;			  /* NULL until one is needed */
	GPtrArray *holds;		  /* of Hold*, also of ports that are gone */
	GPtrArray *announcings;		  /* see announcing.c */
	int claim;			  /* on the state directory; -1: none */
	bool sandboxed;			  /* no program can be run any more */
	int status;			  /* to exit with */
	int64_t held, delivered, dropped; /* packets, since start */
};

/* --- tracker.c --- */
bool agent_track(Agent *agent, GError **error);
void agent_port_free(AgentPort *port);
/* A record may have changed: reads it again. */
void agent_refresh(Agent *agent, const char *name);
/* Reads the records that have changed by now, by our own hand or a hook's, before
 * something is judged by them. A port from before the call may be gone. */
void agent_catch_up(Agent *agent);
/* A service address is on that interface. */
bool agent_serves_on(const Agent *agent, const char *ifname);
/* The first port of this guest (name or UUID) on record, or NULL. */
AgentPort *agent_find_guest(Agent *agent, const char *guest);
/* Reconciles soon; asked for many times, done once. */
void agent_sweep_soon(Agent *agent);
/* Something happened to a guest, seen then (l3vm_now(); 0: not known); a failure is
 * a warning. */
void agent_event(Agent *agent, const L3vmPort *port, L3vmEvent event,
		 const L3vmPort *as_of, const char *evidence, int64_t seen);

/* --- watch-guest.c --- */
Evidence *evidence_new(AgentPort *port);
/* The guest is here: what else its first moments show is only noted. */
void evidence_arrived(Evidence *evidence);
void evidence_free(Evidence *evidence);
/* The evidence in @frame that @port's guest runs here: "rarp", "garp", "na",
 * "frame", or NULL. */
const char *evidence_in(const L3vmPort *port, const void *frame, size_t size);

/* --- watch-kernel.c --- */
bool agent_watch_kernel(Agent *agent, GError **error);
/* Whether the fabric's routes matter now: of a full table there is always news. */
void agent_hear_routes(Agent *agent, bool others);

/* --- watch-libvirt.c --- */
LibvirtWatch *libvirt_watch_new(Agent *agent, const char *uri);
void libvirt_watch_free(LibvirtWatch *watch);
/* Asks how a guest between two hosts is, and does what follows; false if libvirt
 * is not there (@watch may be NULL) or does not know it. */
bool libvirt_watch_ask(LibvirtWatch *watch, const L3vmPort *guest);

/* --- watch-qmp.c --- */
/* @sockets (may be NULL): where monitors are, besides Ganeti's. */
QmpWatch *qmp_watch_new(Agent *agent, char *const *sockets);
void qmp_watch_free(QmpWatch *watch);
/* As libvirt_watch_ask(), but the answer comes later. */
bool qmp_watch_ask(QmpWatch *watch, const L3vmPort *guest);

/* --- watch-ganeti.c --- */

/* Where the monitors of Ganeti's QEMUs are that may be ours */
#define GANETI_MONITORS L3VM_GANETI_RUNDIR "/kvm-hypervisor/ctrl/*.kvmd"

GanetiWatch *ganeti_watch_new(Agent *agent);
void ganeti_watch_free(GanetiWatch *watch);
/* True if the monitor at @path is one that Ganeti itself needs. */
bool ganeti_monitor_is_taken(const char *path);
/* The MAC of the NIC behind tap @index (from 0) in QEMU's command line: @size bytes,
 * each part of it ended with NUL. */
bool qemu_nic_mac(const char *text, gsize size, unsigned index, L3vmMac *mac);

/* --- guest-events.c --- all ports of @guest, which the callee may not own */

/* It stopped at @when (microseconds since 1970; 0: now). */
void guest_stopped(Agent *agent, const L3vmPort *guest, int64_t when,
		   const char *evidence);
/* It runs here, since @when if that is known. */
void guest_resumed(Agent *agent, const L3vmPort *guest, int64_t when,
		   const char *evidence);
/* A migration away is under way. */
void guest_leaves(Agent *agent, const L3vmPort *guest, const char *evidence);
/* QEMU's word for how far its migration is; NULL: none. */
void guest_migrates(Agent *agent, const AgentPort *port, const char *status,
		    const char *evidence);

/* --- announcing.c --- */

/* Opens those that the configuration uses, once the loop runs. */
void announcing_start(Agent *agent);
void announcing_end(Agent *agent);
/* One of them runs programs of the site's. */
bool announcing_executes(const Agent *agent);
/* The port on record by @name changed from @was to @is (either may be NULL); @held:
 * its guest has stopped here, and its packets are being kept. */
void announcing_port(Agent *agent, const char *name, const L3vmPort *was,
		     const L3vmPort *is, bool held);
/* All that is announced is announced once more. */
void announcing_again(Agent *agent);
/* An interface came, went or changed; NULL: any may have. */
void announcing_link(Agent *agent, const char *ifname);

/* --- check.c --- */

/* The service address is checked as its record says now. */
void check_follow(AgentPort *port);
/* Whether any has one, of those on record. */
bool checks_execute(const Agent *agent);
void check_free(Check *check);

/* --- gateway-burst.c --- */

/* Tells @port's guest its gateway now and a few times more, counted from its
 * arrival. */
Burst *burst_new(AgentPort *port);
/* Says no more. */
void burst_free(Burst *burst);
void bursts_free(Bursts *bursts);

/* --- hold.c --- */

/* The guest is about to leave: its packets are watched from now on. */
Hold *hold_new(AgentPort *port);
/* The port is gone, or stays. What is kept is still kept until it can follow. */
void hold_part(Hold *hold);
/* Whatever is kept goes where the kernel routes it now. */
void hold_end_all(Agent *agent);
/* The guest stopped at @when (0: now): what comes is kept. */
void hold_start(Hold *hold, int64_t when, const char *evidence);
/* It goes on here: what was kept is its. */
void hold_abort(Hold *hold);
/* A route came or went. */
void hold_route(Agent *agent, const L3vmNotification *notification);
/* Any may have, unheard: the kernel's tables are read. */
void hold_look(Agent *agent);
/* The guest has stopped, and its packets are being kept. */
bool port_is_held(const AgentPort *port);
/* A packet to @to, with its virtio_net_hdr, came out of the tun. False: nobody
 * holds it. */
bool hold_packet(Agent *agent, const L3vmAddr *to, const void *packet, size_t size);

/* --- tun.c --- */

Tun *tun_new(Agent *agent, GError **error);
void tun_free(Tun *tun);
/* A route for @addr into the tun, which was there @before or not, and shall be there
 * @after or not; both: the kernel tells of it again. */
bool tun_route(Tun *tun, const L3vmAddr *addr, uint32_t table, uint32_t metric,
	       bool before, bool after, GError **error);
/* A packet with its virtio_net_hdr, to be routed by the kernel. */
bool tun_write(Tun *tun, const void *packet, size_t size);

#endif
