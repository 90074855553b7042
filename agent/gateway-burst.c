/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gateway-burst.c - tells a guest that came who its gateway is
 *
 * Only where its network asks for it: with one gateway-mac on all hosts, which is
 * the default, a guest that moved finds the gateway that it knows. Where hosts
 * differ, the guest's neighbour cache has the old host's MAC until it is told, for
 * half a minute and more. The first message may meet a guest that does not run yet,
 * or a full tap; so it is repeated like QEMU's own announcements.
 *
 * A host that takes over many guests at once has many to tell. The injector's pace
 * is the host's; ports wait for it in one queue, each at most once, and nothing
 * here blocks. A port whose turn comes late skips what it missed.
 */
#include "agent.h"
#include "base/clock.h"
#include "base/log.h"

#include <net/if.h>

/* When, after the arrival. */
static const int64_t steps[] = { 0, L3VM_SECOND / 5, L3VM_SECOND * 6 / 5,
				 L3VM_SECOND * 3 };
/* A step that is later than this is missed: after a restart, or a long queue. */
#define LATE   (L3VM_SECOND / 5)
/* What l3vm_announce_gateway() sends. */
#define FRAMES 3

struct Burst {
	AgentPort *port;
	int64_t arrived; /* the port's state may be another since */
	guint step;	 /* the next one; all done: their number */
	guint timer;	 /* until it is due */
	bool queued;	 /* it is due and waits for its turn */
	bool complained;
};

struct Bursts {
	L3vmInjector *injector; /* NULL: could not be had */
	GQueue due;		/* of Burst*, borrowed */
	guint turn;		/* timer until the next may send */
};

static gboolean is_due(void *data);

/* Waits for the next step that was not missed. */
static void plan(Burst *burst)
{
	int64_t age = l3vm_now() - burst->arrived, left;

	while (burst->step < G_N_ELEMENTS(steps) && steps[burst->step] + LATE < age)
		burst->step++;
	if (burst->step == G_N_ELEMENTS(steps))
		return;
	/* a clock that was set back must not make it wait for years */
	left = CLAMP(steps[burst->step] - age, 0, steps[burst->step]);
	burst->timer = g_timeout_add((guint)(left / 1000), is_due, burst);
}

/* In bridge mode the gateway is the bridge, and so is the way to its ports. */
static unsigned interface_of(const L3vmPort *port)
{
	return port->net->mode == L3VM_MODE_BRIDGE ? if_nametoindex(port->net->bridge)
						   : port->ifindex;
}

static void tell(Bursts *bursts, Burst *burst)
{
	const L3vmPort *port = burst->port->port;
	unsigned ifindex = interface_of(port);
	g_autoptr(GError) error = NULL;

	if (ifindex &&
	    !l3vm_announce_gateway(bursts->injector, ifindex, port->net, &error) &&
	    !burst->complained) {
		l3vm_warn("%s: gateway not announced: %s", burst->port->name,
			  error->message);
		burst->complained = true;
	}
	burst->step++;
	plan(burst);
}

static gboolean take_turns(void *data)
{
	Bursts *bursts = data;
	int64_t wait = 0;
	Burst *burst;

	bursts->turn = 0;
	while (!(wait = l3vm_injector_wait(bursts->injector, FRAMES)) &&
	       (burst = g_queue_pop_head(&bursts->due))) {
		burst->queued = false;
		tell(bursts, burst);
	}
	if (!g_queue_is_empty(&bursts->due))
		bursts->turn = g_timeout_add((guint)(wait / 1000 + 1), take_turns,
					     bursts);
	return G_SOURCE_REMOVE;
}

static gboolean is_due(void *data)
{
	Burst *burst = data;
	Bursts *bursts = burst->port->agent->bursts;

	burst->timer = 0;
	burst->queued = true;
	g_queue_push_tail(&bursts->due, burst);
	if (!bursts->turn)
		take_turns(bursts);
	return G_SOURCE_REMOVE;
}

static Bursts *bursts_new(void)
{
	g_autoptr(GError) error = NULL;
	Bursts *bursts = g_new0(Bursts, 1);

	g_queue_init(&bursts->due);
	bursts->injector = l3vm_injector_new(&error);
	if (!bursts->injector)
		l3vm_warn("gateways are not announced: %s", error->message);
	return bursts;
}

Burst *burst_new(AgentPort *port)
{
	Agent *agent = port->agent;
	Burst *burst = g_new0(Burst, 1);

	if (!agent->bursts)
		agent->bursts = bursts_new();
	burst->port = port;
	burst->arrived = port->port->since;
	if (agent->bursts->injector)
		plan(burst);
	return burst;
}

void burst_free(Burst *burst)
{
	if (!burst)
		return;
	if (burst->timer)
		g_source_remove(burst->timer);
	if (burst->queued)
		g_queue_remove(&burst->port->agent->bursts->due, burst);
	g_free(burst);
}

void bursts_free(Bursts *bursts)
{
	if (!bursts)
		return;
	if (bursts->turn)
		g_source_remove(bursts->turn);
	g_queue_clear(&bursts->due);
	l3vm_injector_free(bursts->injector);
	g_free(bursts);
}
