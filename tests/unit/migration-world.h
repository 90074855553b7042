/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migration-world.h - one guest, two hosts and a fabric, for
 * test-migration-random.c
 *
 *   migration-host.c   calls of l3vm: record and kernel, step by step
 *   migration-world.c  libvirt, QEMU, the guest, agents, operators, the fabric
 */
#ifndef TESTS_UNIT_MIGRATION_WORLD_H
#define TESTS_UNIT_MIGRATION_WORLD_H

#include "model/migration.h"

#include <string.h>

/* Time is counted in steps of a world. */
#define STEPS	 200
#define HOLD	 30 /* hold-time */
#define VALID	 40 /* how long a `migrate` hook is remembered */
#define MAX_FIFO 16

/* Which of its states a port was in; see `generation` and `since` in model/port.h. */
typedef struct Stamp {
	uint32_t generation;
	unsigned since;
} Stamp;

/* What differs between the real rules and the broken ones. */
typedef struct Rules {
	const char *name;
	L3vmState (*next)(L3vmState state, L3vmEvent event);
	bool (*is_late)(const Stamp *record, const Stamp *timer);
	L3vmRanks ranks;
	bool believes_old_news, breaks_before_making, removes_record_first,
		skips_the_known;
} Rules;

typedef enum {
	QEMU_NONE,
	QEMU_WAITS,  /* for a migration to come in */
	QEMU_RUNS,   /* the guest runs */
	QEMU_PAUSED, /* by its user */
	QEMU_LEFT,   /* stopped by a migration away, for good or until it fails */
} Qemu;

typedef enum {
	CALL_MIGRATE, /* hooks, in libvirt's order */
	CALL_START,
	CALL_STARTED,
	CALL_STOPPED,
	CALL_RECONNECT,
	CALL_PREPARE, /* `attach --prepared`, Ganeti's way */
	CALL_EVENT,   /* the agent's and the operator's */
	CALL_RECONCILE,
} Verb;

/* What is on record of the guest's port. One port is enough: the ports of a guest
 * go through the same events in one commit. */
typedef struct Record {
	bool there;
	L3vmState state;
	Stamp stamp;
	unsigned tap;
} Record;

/* A call at work. It holds the guest's lock: there is one at a time on a host. */
typedef struct Call {
	bool busy, from_agent;
	Verb verb;
	L3vmEvent event;
	const Stamp *as_of;
	Stamp stamp; /* what as_of points to */
	L3vmState to;
	Record before;
	unsigned tap, step;
} Call;

/* What hypervisors and frames tell an agent. */
typedef enum {
	NEWS_LEAVING, /* QMP's MIGRATION, libvirt's passes over the memory */
	NEWS_FAILED,  /* MIGRATION failed or cancelled */
	NEWS_RUNS,    /* RESUME, RARP and all other evidence */
} News;

typedef struct Letter {
	News news;
	unsigned when;
} Letter;

typedef struct Host {
	/* what a crash leaves */
	Record record;
	unsigned incoming; /* when the `migrate` hook ran; 0: none did */
	uint32_t routes[3];
	unsigned n_routes;
	unsigned tap; /* index; 0: there is none */
	Call call;
	/* libvirt */
	Qemu qemu;
	Verb hooks[MAX_FIFO]; /* still to be run, in this order */
	unsigned n_hooks;
	/* the agent */
	bool agent, deaf; /* deaf: libvirt is not there to tell it anything */
	Record known;	  /* as last read */
	Letter letters[MAX_FIFO];
	unsigned n_letters;
	Stamp timers[MAX_FIFO];
	unsigned n_timers;
	/* the fabric */
	uint32_t said; /* the best rank that its daemon was told of */
	uint32_t mail[MAX_FIFO];
	unsigned n_mail;
	uint32_t heard; /* by the fabric */
	/* for the promises */
	unsigned ran; /* since when the guest does, or 0: it came, but stands still */
	bool evident; /* evidence of it was acted upon */
	bool untold;  /* the guest left and nobody had said that it would, */
	bool settled; /* when hold-time was long over */
} Host;

typedef enum {
	MOVE_NONE,
	MOVE_HOOKS, /* those of the target run */
	MOVE_COPY,
	MOVE_CUT, /* stopped there, not yet running here */
	MOVE_HERE,
	MOVE_END, /* the hooks of the side that lost the guest run */
} Phase;

typedef struct World {
	const Rules *rules;
	uint64_t random;
	unsigned now, taps;
	Host hosts[2];
	/* the manner of this world */
	bool bridge;	 /* routes outlive the interface */
	bool ganeti;	 /* no `migrate` hook, and nobody says that a guest ended */
	bool crashes;	 /* calls and agents are killed, hosts die */
	bool has_agents; /* else only operators say what happens */
	/* the move under way */
	Phase phase;
	unsigned from, to;
	bool postcopy, ran, told;
	Host *boots;
	void (*check)(struct World *w); /* the promises, after each step */
	const char *broken;		/* the one that was */
	bool tell;
} World;

/* splitmix64: the same worlds everywhere */
static inline unsigned below(World *w, unsigned n)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ (z >> 31)) % n);
}

/* What does not fit is lost, as news of an agent that does not read is. */
#define FIFO_ADD(array, n, item)                 \
	do {                                     \
		if ((n) < MAX_FIFO)              \
			(array)[(n)++] = (item); \
	} while (0)
#define FIFO_DROP(array, n, i) \
	memmove(&(array)[i], &(array)[(i) + 1], (--(n) - (i)) * sizeof((array)[0]))

static inline Host *other(World *w, const Host *host)
{
	return &w->hosts[host == &w->hosts[0]];
}

static inline Host *source(World *w)
{
	return &w->hosts[w->from];
}

static inline Host *target(World *w)
{
	return &w->hosts[w->to];
}

static inline void break_promise(World *w, const char *promise)
{
	if (!w->broken)
		w->broken = promise;
}

/* The rank that counts, as in the kernel and for the daemon; 0: none. */
static inline uint32_t best(const Host *host)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < host->n_routes; i++)
		if (!found || host->routes[i] < found)
			found = host->routes[i];
	return found;
}

/* --- migration-host.c --- */

/* A call waits for the guest's lock: false. */
bool call_begin(Host *host, Verb verb, L3vmEvent event);
/* One step of the call at work; false: there is none. */
bool call_step(World *w, Host *host);

/* --- migration-world.c --- */

/* A hook has succeeded, and libvirt goes on. */
void world_hook_done(World *w, Host *host, Verb verb);
/* Something happens, if it can. */
void world_step(World *w);
/* What is under way ends, and the last resorts are used. */
void world_rest(World *w);

#endif
