/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.c - the checks of service addresses
 *
 * A check is a program of the site's, run without a shell, and without our
 * privileges. One that has not ended when the next is due is killed, and has failed.
 * What the checks have found goes to the record, and from there wherever a state goes.
 * Whoever starts the agent starts to count anew.
 *
 * An agent that had none to run has closed its sandbox (sandbox.c), out of which no
 * program can be run. When the first check comes it ends, and systemd starts another;
 * without systemd somebody has to.
 */
#include "agent.h"
#include "base/log.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

struct Check {
	AgentPort *port;
	L3vmService *service; /* as of when the check was set up */
	GPid pid;	      /* of the one that runs, or 0 */
	guint reaper, timer;
	unsigned streak; /* that so many ended alike */
	bool good;	 /* like this */
	bool late;	 /* it was killed, and has been counted */
};

/* In the child. What it starts is ended with it, and it ends with us. */
static void let_go(void *data)
{
	(void)data;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static void found(Check *check, bool good, const char *why)
{
	const L3vmService *service = check->port->port->service;
	const char *address = check->port->name + strlen(L3VM_SERVICE_PREFIX);
	g_autoptr(GError) error = NULL;

	check->streak = good == check->good ? check->streak + 1 : 1;
	check->good = good;
	if (good == service->well ||
	    check->streak < (good ? check->service->rise : check->service->fall))
		return;
	l3vm_warn("service %s: %s", address, why);
	if (!l3vm_service_found(check->port->agent->host, check->port->port, good,
				&error))
		l3vm_warn("service %s: %s", address, error->message);
}

static void run(Check *check);

static void ended(GPid pid, gint status, void *data)
{
	Check *check = data;
	bool good = WIFEXITED(status) && !WEXITSTATUS(status);
	g_autofree char *why =
		good		    ? g_strdup("its check is well: announced")
		: WIFEXITED(status) ? g_strdup_printf("its check fails with status %d: "
						      "withdrawn",
						      WEXITSTATUS(status))
				    : g_strdup("its check dies: withdrawn");

	g_spawn_close_pid(pid);
	check->pid = 0;
	check->reaper = 0;
	if (!check->late)
		found(check, good, why);
	else
		run(check);
}

static void run(Check *check)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;

	check->late = false;
	if (g_spawn_async("/", check->service->check, NULL,
			  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
				  G_SPAWN_STDERR_TO_DEV_NULL,
			  let_go, NULL, &check->pid, &error)) {
		check->reaper = g_child_watch_add(check->pid, ended, check);
		return;
	}
	check->pid = 0;
	why = g_strdup_printf("its check cannot be run, withdrawn: %s", error->message);
	found(check, false, why);
}

static gboolean due(void *data)
{
	Check *check = data;

	if (!check->pid) {
		run(check);
		return G_SOURCE_CONTINUE;
	}
	kill(-check->pid, SIGKILL);
	check->late = true;
	found(check, false, "its check does not end: withdrawn");
	return G_SOURCE_CONTINUE;
}

static gboolean due_at_once(void *data)
{
	Check *check = data;

	run(check);
	check->timer = g_timeout_add(check->service->interval, due, check);
	return G_SOURCE_REMOVE;
}

static void reap(GPid pid, gint status, void *data)
{
	(void)status;
	(void)data;
	g_spawn_close_pid(pid);
}

void check_free(Check *check)
{
	if (!check)
		return;
	if (check->timer)
		g_source_remove(check->timer);
	if (check->reaper) {
		g_source_remove(check->reaper);
		kill(-check->pid, SIGKILL);
		g_child_watch_add(check->pid, reap, NULL);
	}
	l3vm_service_free(check->service);
	g_free(check);
}

static bool is_same(const L3vmService *a, const L3vmService *b)
{
	return a->interval == b->interval && a->rise == b->rise && a->fall == b->fall &&
	       g_strv_equal((const char *const *)a->check,
			    (const char *const *)b->check);
}

bool checks_execute(const Agent *agent)
{
	GHashTableIter iter;
	void *port;

	g_hash_table_iter_init(&iter, agent->ports);
	while (g_hash_table_iter_next(&iter, NULL, &port))
		if (((AgentPort *)port)->check)
			return true;
	return false;
}

static void leave_sandbox(Agent *agent)
{
	bool started_again = g_getenv("NOTIFY_SOCKET");

	l3vm_warn("checks are programs, which this agent has given up to run: %s",
		  started_again ? "ends, to be started again"
				: "start it again, or nothing is checked");
	if (!started_again)
		return;
	agent->status = EX_TEMPFAIL;
	g_main_loop_quit(agent->loop);
}

void check_follow(AgentPort *port)
{
	const L3vmService *service = port->port->service;

	if (port->check && service->check && is_same(port->check->service, service))
		return;
	g_clear_pointer(&port->check, check_free);
	if (!service->check)
		return;
	if (port->agent->sandboxed) {
		leave_sandbox(port->agent);
		return;
	}
	port->check = g_new0(Check, 1);
	port->check->port = port;
	port->check->service = l3vm_service_copy(service);
	port->check->timer = g_idle_add(due_at_once, port->check);
}
