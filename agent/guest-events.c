/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest-events.c - what a hypervisor says of a guest, whoever passes it on
 *
 * QEMU's events reach us by libvirt or by a monitor of its own. They mean the same,
 * whichever way they come, and whichever comes second finds nothing left to do.
 */
#include "agent.h"
#include "base/clock.h"

#include <string.h>

typedef void PortFunction(AgentPort *port, int64_t when, const char *evidence);

/* @function for each port of the guest whose packets are watched or kept. */
static void for_each_hold(Agent *agent, const L3vmPort *guest, PortFunction *function,
			  int64_t when, const char *evidence)
{
	const char *key = l3vm_port_guest_key(guest);
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, agent->ports);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		AgentPort *port = value;

		if (port->hold && !strcmp(l3vm_port_guest_key(port->port), key))
			function(port, when, evidence);
	}
}

static void start(AgentPort *port, int64_t when, const char *evidence)
{
	hold_start(port->hold, when, evidence);
	announcing_port(port->agent, port->name, NULL, port->port, port_is_held(port));
}

static void stop(AgentPort *port, int64_t when, const char *evidence)
{
	(void)when;
	(void)evidence;
	hold_abort(port->hold);
	announcing_port(port->agent, port->name, NULL, port->port, port_is_held(port));
}

/* A time that has not come yet is the time of a clock that is wrong; from it on
 * nothing would be found to replay. */
static int64_t credible(int64_t when)
{
	return when > 0 && when <= l3vm_now() ? when : 0;
}

void guest_stopped(Agent *agent, const L3vmPort *guest, int64_t when,
		   const char *evidence)
{
	for_each_hold(agent, guest, start, credible(when), evidence);
}

void guest_resumed(Agent *agent, const L3vmPort *guest, int64_t when,
		   const char *evidence)
{
	/* a target's guest has arrived; a source's stays; another's goes on */
	L3vmEvent event = guest->state == L3VM_STATE_LEAVING ? L3VM_EVENT_ABORTED
							     : L3VM_EVENT_ARRIVED;

	for_each_hold(agent, guest, stop, 0, evidence);
	if (guest->state == L3VM_STATE_ARRIVED)
		l3vm_event_note(agent->host->store, guest, "evidence", "evidence",
				evidence, NULL);
	agent_event(agent, guest, event, NULL, evidence, credible(when));
}

static bool is_here(const L3vmPort *guest)
{
	return guest->state == L3VM_STATE_LIVE || guest->state == L3VM_STATE_ARRIVED;
}

void guest_leaves(Agent *agent, const L3vmPort *guest, const char *evidence)
{
	if (is_here(guest))
		agent_event(agent, guest, L3VM_EVENT_LEAVING, NULL, evidence, 0);
}

/* The words are of qapi/migration.json. A failure is told before the guest runs on:
 * what is held waits for that. */
void guest_migrates(Agent *agent, const AgentPort *port, const char *status,
		    const char *evidence)
{
	static const char *const begun[] = { "setup", "active", NULL };
	static const char *const failed[] = { "failed", "cancelled", NULL };

	if (!status)
		return;
	if (g_strv_contains(begun, status))
		guest_leaves(agent, port->port, evidence);
	else if (port->port->state == L3VM_STATE_LEAVING && !port_is_held(port) &&
		 g_strv_contains(failed, status))
		agent_event(agent, port->port, L3VM_EVENT_ABORTED, NULL, evidence, 0);
}
