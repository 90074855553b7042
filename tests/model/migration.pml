/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migration.pml - a guest's moves between two hosts, for spin
 *
 * The guest boots on host 0, moves to host 1 and, with MOVES=2, back again while the
 * first move's timers may still be there. What goes on at once: libvirt with its
 * hooks (one process, since it does one thing after the other), an agent on each
 * host, and the fabric, which hears of a rank some time after the kernel has it.
 *
 * There is no time: a timer may fire at once, or when its port has become another,
 * and libvirt may stand still for as long as anybody else can do something. So
 * post-copy, where the source's remains outlive the target's hold-time, is not a
 * case of its own.
 *
 * table.pml is the library's own state table, printed by print-table.c. migration.sh
 * runs spin on this file, and on copies that are wrong on purpose. With -D:
 *
 *   AGENT0=0, AGENT1=0   no agent on this host, only an operator at the end
 *   CRASHES=N            so often is an agent or a hook killed; agents start again
 *   FABRIC=1             the fabric too; it hears before the source's QEMU has ended
 *   EXCUSES=0            ask also for what nobody can keep, see excused
 *   BLIND=1              timers count whatever the port has become since
 *   GULLIBLE=1           news counts whatever interface it is of
 */
#include "table.pml"

#ifndef MOVES
#define MOVES 2
#endif
#ifndef AGENT0
#define AGENT0 1
#endif
#ifndef AGENT1
#define AGENT1 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FABRIC
#define FABRIC 0
#endif
#ifndef EXCUSES
#define EXCUSES 1
#endif
#ifndef BLIND
#define BLIND 0
#endif
#ifndef GULLIBLE
#define GULLIBLE 0
#endif

/* QEMU on a host: none; it waits for a migration; its guest runs; its guest was
 * stopped by a migration away. */
#define NONE  0
#define WAITS 1
#define RUNS  2
#define LEFT  3

/* What hypervisors and frames tell an agent. */
#define NEWS_LEAVES 0
#define NEWS_FAILED 1
#define NEWS_RUNS   2

#define NO_EVENT 99

/* --- two hosts ----------------------------------------------------------------- */

byte record[2] = GONE;	  /* the state on record; GONE also means: no record */
byte rank[2];		  /* of the best route in the kernel; 0: no route */
byte qemu[2];
bool has_tap[2];
bit tap[2], known_tap[2]; /* one of two interfaces in turn; and the one on record */
bool bridge;		  /* routes outlive their interface */

bool agent[2];
chan news[2] = [4] of { byte, bit };
bool timer[2], late[2];	  /* armed; and for a state that the port is no longer in */

byte heard[2];		  /* the rank that the fabric knows of */

byte crashes = CRASHES;
bool over;		  /* libvirt has nothing more to do */
byte looks[2] = 10;	  /* what an agent may still do then: it must suffice */

/* --- the promises -------------------------------------------------------------- */

byte source;
bool moving;	 /* the target's hooks, and the copy of the memory */
bool told;	 /* the source heard of it */
bool untold[2];	 /* the guest left, and nobody had said that it would, */
bool fresh[2];	 /* within hold-time */
bool came[2];	 /* it was in hold-time since its guest came */
bool evident[2]; /* a call that knew of the guest here has succeeded */
bool in_time = true; /* and did so before the source's QEMU ended */

#define other(h) (1 - (h))
#define has_agent(h) ((h) == 0 && AGENT0 || (h) == 1 && AGENT1)
#define is_here(h) (record[h] == ARRIVED || record[h] == LIVE)
#define is_same_tap(h) (has_tap[h] && known_tap[h] == tap[h])
#define runs_known(h) (qemu[h] == RUNS && evident[h])
#define has_routes(h) (is_here(h) || record[h] == LEAVING)
/* the routes of a guest that has ended, until they are removed */
#define is_dead(h) (qemu[h] == NONE && rank[h])

/*
 * Hosts do not speak to each other, so nobody can keep them apart when the guest goes
 * back within hold-time from a host where nobody hears of it, or when a host where
 * nobody heard of it has its remains for longer than the other one's hold-time.
 */
#define excused_by(h) (EXCUSES && untold[h] && \
		       (fresh[h] || (record[other(h)] == LIVE && came[other(h)])))
#define excused (excused_by(0) || excused_by(1) || is_dead(0) || is_dead(1))

#define rank_of(is) ((is) == ARRIVED -> RANK_ARRIVED : ((is) == LIVE -> RANK_LIVE : \
		     ((is) == LEAVING -> RANK_LEAVING : 0)))
#define both_are(r) (rank[0] == (r) && rank[1] == (r))
#define all_is_heard (heard[0] == rank[0] && heard[1] == rank[1])
#define is_better(h) (rank[h] && (!rank[other(h)] || rank[h] < rank[other(h)]))
#define is_found(h) (!runs_known(h) || is_better(h) || excused)

#define preferred_is_one (!both_are(RANK_ARRIVED) || excused)
#define ranks_are_two (!rank[0] || rank[0] != rank[1] || excused)
#define is_silent(h) (qemu[h] != WAITS || !rank[h])
#define is_served(h) (!runs_known(h) || rank[h])

ltl one_is_preferred { [] preferred_is_one }
ltl ranks_differ { [] ranks_are_two }
ltl silent_until_evident { [] (is_silent(0) && is_silent(1)) }
ltl running_is_routed { [] (is_served(0) && is_served(1)) }
ltl running_is_best { [] (is_found(0) && is_found(1)) } /* the fabric's choice */
/* all of them; late timers, the fabric's paths and the end are assertions */
ltl all { [] (preferred_is_one && ranks_are_two && is_silent(0) && is_silent(1) &&
	      is_served(0) && is_served(1) && is_found(0) && is_found(1)) }

/* --- a call of l3vm ------------------------------------------------------------ */

/*
 * Within an atomic: what a call does under the guest's lock is seen from outside as
 * one step. But one that is killed leaves a record that is ahead of the kernel. A
 * port whose interface went cannot be given routes any more.
 */
inline call(h, event, killed)
{
	was = record[h];
	record[h] = after[row(event) + was];
	came[h] = came[h] || record[h] == ARRIVED;
	late[h] = late[h] || (timer[h] && record[h] != was);
	told = told && !(h == source && (event == EV_ARRIVED || event == EV_ABORTED));
	if
	:: crashes > 0 && !over -> crashes--; killed = true
	:: killed = false
	fi;
	if
	:: killed
	:: !killed && rank_of(record[h]) && !has_tap[h] && !bridge -> record[h] = was
	:: else ->
		rank[h] = rank_of(record[h]);
		evident[h] = evident[h] || (is_here(h) && is_same_tap(h));
		told = told || (event == EV_LEAVING && h == source && moving);
		untold[h] = untold[h] && event != EV_LEAVING &&
			    (rank[h] || qemu[h] == LEFT)
	fi;
	was = 0
}

/* Interface gone, or another one: the port goes. Else the kernel becomes what the
 * record says, and hold-time may be over. */
inline reconcile(h, event)
{
	if
	:: record[h] == GONE || !is_same_tap(h) -> event = EV_STOPPED
	:: record[h] != GONE && is_same_tap(h) -> event = EV_KEEP
	:: record[h] == ARRIVED && is_same_tap(h) -> event = EV_SETTLED
	fi
}

#define is_stranded(h) (qemu[h] == RUNS && record[h] == LEAVING && \
			!(moving && source == h))

/* What the hypervisor is asked when a connection to it is made. */
inline catch_up(h, event)
{
	if
	:: qemu[h] == RUNS && record[h] == PREPARED -> event = EV_ARRIVED
	:: is_stranded(h) -> event = EV_ABORTED
	:: qemu[h] == LEFT && is_here(h) -> event = EV_LEAVING
	:: else
	fi
}

/* --- agents -------------------------------------------------------------------- */

inline stop_agent(h)
{
	agent[h] = false;
	timer[h] = false;
	late[h] = false;
	do
	:: len(news[h]) > 0 -> news[h]?_,_
	:: else -> break
	od
}

/* News that nobody listens to is lost. */
inline tell(h, what)
{
	if
	:: agent[h] && len(news[h]) < 4 -> news[h]!what,tap[h]
	:: else
	fi
}

inline understand(h, what, event)
{
	if
	:: what == NEWS_RUNS -> event = EV_ARRIVED
	:: what == NEWS_LEAVES && is_here(h) -> event = EV_LEAVING
	:: what == NEWS_FAILED && record[h] == LEAVING -> event = EV_ABORTED
	:: else
	fi
}

inline settle(h, event)
{
	timer[h] = false;
	if
	:: late[h] && !BLIND
	:: else ->
		/* a timer of an earlier move would end hold-time */
		assert(!(late[h] && record[h] == ARRIVED));
		event = EV_SETTLED
	fi;
	late[h] = false
}

/* A notification that an interface went leads to a look around; and so does time. */
#define ended_unseen(h) (record[h] != GONE && !has_tap[h])
#define forgotten(h) (over && (is_stranded(h) || rank[h] != rank_of(record[h]) || \
			       (qemu[h] == RUNS && record[h] == PREPARED)))

#define acts(h) (agent[h] && looks[h])

proctype watch(byte h)
{
	byte event = NO_EVENT, what, was;
	bit on;
	bool asks, killed;

end:	do
	:: atomic {
		if
		:: acts(h) && len(news[h]) > 0 && !asks ->
			news[h]?what,on;
			if /* it may be of an interface that is no more */
			:: on == tap[h] || GULLIBLE -> understand(h, what, event)
			:: else
			fi;
			what = 0;
			on = 0
		:: acts(h) && record[h] == ARRIVED && !timer[h] -> timer[h] = true
		:: acts(h) && timer[h] -> settle(h, event)
		:: acts(h) && (ended_unseen(h) || forgotten(h)) && !asks ->
			asks = true;
			reconcile(h, event)
		:: !agent[h] && has_agent(h) && looks[h] ->
			agent[h] = true;
			asks = true;
			reconcile(h, event)
		:: acts(h) && asks -> asks = false; catch_up(h, event)
		:: agent[h] && crashes > 0 && !over -> crashes--; killed = true
		fi;
		if
		:: event != NO_EVENT -> call(h, event, killed)
		:: else
		fi;
		event = NO_EVENT;
		looks[h] = (over -> looks[h] - 1 : looks[h]);
		if
		:: killed -> killed = false; asks = false; stop_agent(h)
		:: else
		fi
	}
	od
}

/* --- libvirt and the guest ----------------------------------------------------- */

chan hook = [0] of { byte, byte };
chan result = [0] of { bool };

/* libvirt waits for its hooks; so does an operator for the prompt. */
proctype hooks()
{
	byte h, event, was;
	bool killed;

end:	do
	:: hook?h,event -> atomic {
		call(h, event, killed);
		h = 0;
		event = 0
	}
	result!killed; killed = false
	od
}

inline run_hook(h, event, failed)
{
	hook!h,event;
	result?failed
}

inline end_qemu(h)
{
	qemu[h] = NONE;
	evident[h] = false;
	has_tap[h] = false;
	rank[h] = (bridge -> rank[h] : 0);
	untold[h] = untold[h] && rank[h]
}

/* All that it had is gone; its agent starts again. */
inline host_dies(h)
{
	atomic {
		end_qemu(h);
		record[h] = GONE;
		rank[h] = 0;
		untold[h] = false;
		in_time = false;
		stop_agent(h)
	}
}

inline new_tap(h)
{
	atomic {
		has_tap[h] = true;
		tap[h] = 1 - tap[h];
		known_tap[h] = tap[h];
		came[h] = false
	}
}

/* The target's hooks: `migrate`, `start` and `started`. A hook that is killed has
 * failed, and with it the move. */
inline prepare(h, failed)
{
	run_hook(h, EV_STOPPED, failed);
	if
	:: failed
	:: else -> new_tap(h); run_hook(h, EV_EXPECT, failed)
	fi;
	if
	:: failed
	:: else -> qemu[h] = WAITS; run_hook(h, EV_KEEP, failed)
	fi
}

proctype libvirt()
{
	byte from, to = 1, moves, event = NO_EVENT;
	bool failed;

	if
	:: bridge = true
	:: bridge = false
	fi;
	new_tap(0);
	run_hook(0, EV_START, failed);
	atomic {
		if
		:: failed -> to = 0; goto target_ends
		:: else -> qemu[0] = RUNS; tell(0, NEWS_RUNS)
		fi
	};
	!FABRIC || all_is_heard;
	do
	:: moves == MOVES -> break
	:: moves < MOVES ->
		atomic { moves++; source = from; told = false; moving = true };
		prepare(to, failed);
		if
		:: failed -> goto fails
		:: else -> atomic { tell(from, NEWS_LEAVES) }
		fi;
		if
		:: skip
		:: run_hook(from, EV_LEAVING, failed) /* an operator, or Ganeti */
		:: goto fails
		:: host_dies(to); goto fails
		:: host_dies(from); goto target_ends
		fi;
		atomic { /* the copy takes longer than its news */
			!agent[from] || len(news[from]) == 0 ->
			moving = false;
			qemu[from] = LEFT;
			untold[from] = !told;
			fresh[from] = record[from] != LIVE || rank[from] != RANK_LIVE;
			tell(from, NEWS_LEAVES)
		};
		if
		:: goto fails
		:: atomic { qemu[to] = RUNS; tell(to, NEWS_RUNS) } /* RARP, RESUME */
		:: qemu[to] = RUNS				   /* lost, both */
		fi;
		if
		:: skip
		:: run_hook(to, EV_ARRIVED, failed) /* an operator's word */
		fi;
		if /* after as long as post-copy takes */
		:: skip
		:: goto fails /* libvirt's last step, after the RARP */
		:: host_dies(to); goto fails
		:: host_dies(from)
		fi;
		atomic {
			!FABRIC || all_is_heard ->
			in_time = runs_known(to);
			end_qemu(from)
		};
		run_hook(from, EV_STOPPED, failed);
		atomic { from = to; to = other(from); goto next };
fails:		atomic {
			moving = false;
			end_qemu(to);
			if
			:: qemu[from] == LEFT ->
				qemu[from] = RUNS; tell(from, NEWS_RUNS)
			:: else -> tell(from, NEWS_FAILED)
			fi
		};
		run_hook(to, EV_STOPPED, failed);
next:		skip
	od;
	goto rest;
target_ends:
	atomic { moving = false; end_qemu(to) };
	run_hook(to, EV_STOPPED, failed);
rest:	atomic { over = true; from = 0; to = 0 };
	/* where there is no agent, somebody looks after it at last */
	do
	:: from == 2 -> break
	:: from < 2 && (has_agent(from) || to == 3) -> atomic { from++; to = 0 }
	:: from < 2 && !has_agent(from) && to < 3 ->
		if
		:: to == 0 -> reconcile(from, event)
		:: to == 1 -> catch_up(from, event)
		:: to == 2 && record[from] == ARRIVED -> event = EV_SETTLED
		:: else
		fi;
		if
		:: event != NO_EVENT -> run_hook(from, event, failed); event = NO_EVENT
		:: else
		fi;
		to++
	od;
	/* Nobody has anything left to do: exactly the host that runs the guest has its
	 * routes, at normal rank. */
	timeout -> atomic {
		from = 0;
		do
		:: from == 2 -> break
		:: from < 2 ->
			assert(record[from] == (qemu[from] == RUNS -> LIVE : GONE));
			assert(rank[from] == (qemu[from] == RUNS -> RANK_LIVE : 0));
			from++
		od
	}
}

/* --- the fabric ---------------------------------------------------------------- */

/* A path that is withdrawn while the guest runs had another beside it. */
#define has_path (heard[0] || heard[1] || !in_time || \
		  !(runs_known(0) || runs_known(1)))

proctype fabric()
{
end:	do
	:: atomic { heard[0] != rank[0] -> heard[0] = rank[0]; assert(has_path) }
	:: atomic { heard[1] != rank[1] -> heard[1] = rank[1]; assert(has_path) }
	od
}

init {
	atomic {
		fill_table();
		agent[0] = AGENT0;
		agent[1] = AGENT1;
		run hooks();
		run libvirt();
		run watch(0);
		run watch(1);
		if
		:: FABRIC -> run fabric()
		:: else
		fi
	}
}
