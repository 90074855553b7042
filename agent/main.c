/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c - l3vm-agent: options, signals, the loop */
#include "agent.h"
#include "base/log.h"
#include "guard/guard.h"
#include "notify.h"
#include "sandbox.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

static char *config_file, *state_dir;
#if HAVE_LIBVIRT
static char *libvirt_uri;
static gboolean no_libvirt;
#endif
static gboolean show_version;

static const GOptionEntry entries[] = {
	{ "config", 0, 0, G_OPTION_ARG_FILENAME, &config_file, "Configuration file",
	  "FILE" },
	{ "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir, "State directory",
	  "DIR" },
#if HAVE_LIBVIRT
	{ "libvirt", 0, 0, G_OPTION_ARG_STRING, &libvirt_uri,
	  "Connection URI (qemu:///system)", "URI" },
	{ "no-libvirt", 0, 0, G_OPTION_ARG_NONE, &no_libvirt, "Do not watch libvirt",
	  NULL },
#endif
	{ "version", 0, 0, G_OPTION_ARG_NONE, &show_version, "Print the version",
	  NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};

static gboolean quit(gint fd, GIOCondition condition, void *data)
{
	(void)fd;
	(void)condition;
	g_main_loop_quit(data);
	return G_SOURCE_REMOVE;
}

/* By a descriptor: for g_unix_signal_add() GLib starts a thread, which might be
 * in its first steps when the sandbox closes. */
static void quit_on_signals(GMainLoop *loop)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	g_unix_fd_add(signalfd(-1, &signals, SFD_CLOEXEC), G_IO_IN, quit, loop);
}

/* Half of what systemd waits for (WatchdogSec), as sd_watchdog_enabled(3) has
 * it. */
static gboolean alive(void *data)
{
	(void)data;
	notify_systemd("WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

static void start_watchdog(void)
{
	const char *text = g_getenv("WATCHDOG_USEC");
	guint64 usec;

	if (text && g_ascii_string_to_unsigned(text, 10, 2000, G_MAXINT64, &usec, NULL))
		g_timeout_add((guint)(usec / 2000), alive, NULL);
}

/* Holding needs its device; without one moves are as good as the daemons. */
static void start_holding(Agent *agent)
{
	g_autoptr(GError) error = NULL;

	if (!agent->host->config->hold)
		return;
	agent->tun = tun_new(agent, &error);
	if (!agent->tun)
		l3vm_warn("packets of leaving guests are not held: %s", error->message);
}

static bool start(Agent *agent, GError **error)
{
	agent->host = l3vm_new(config_file, state_dir, error);
	/* with a broken file there is nobody to tell what to do */
	if (!agent->host || !l3vm_need_config(agent->host, error) ||
	    !l3vm_need_store(agent->host, error) ||
	    !l3vm_need_kernel(agent->host, error) || !agent_watch_kernel(agent, error))
		return false;
	start_holding(agent);
	announcing_start(agent);
	if (!agent_track(agent, error))
		return false;
	agent->qmp = qmp_watch_new(agent, agent->host->config->qmp_sockets);
	agent->ganeti = ganeti_watch_new(agent);
#if HAVE_LIBVIRT
	if (!no_libvirt)
		agent->libvirt = libvirt_watch_new(
			agent, libvirt_uri ? libvirt_uri : "qemu:///system");
#endif
	l3vm_guard_prepare();
	agent->sandboxed = !announcing_executes(agent) && !checks_execute(agent);
	return !agent->sandboxed || sandbox_enter(error);
}

static void finish(Agent *agent)
{
#if HAVE_LIBVIRT
	libvirt_watch_free(agent->libvirt);
#endif
	ganeti_watch_free(agent->ganeti);
	qmp_watch_free(agent->qmp);
	if (agent->ports)
		g_hash_table_unref(agent->ports);
	if (agent->indexes) /* the ports take themselves out */
		g_hash_table_unref(agent->indexes);
	announcing_end(agent);
	bursts_free(agent->bursts);
	hold_end_all(agent);
	tun_free(agent->tun);
	l3vm_monitor_free(agent->monitor);
	l3vm_monitor_free(agent->guard_monitor);
	if (agent->inotify > 0)
		close(agent->inotify);
	l3vm_free(agent->host);
	g_ptr_array_unref(agent->holds);
	g_main_loop_unref(agent->loop);
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) options = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	Agent agent = { .loop = g_main_loop_new(NULL, FALSE),
			.holds = g_ptr_array_new() };

	setlocale(LC_ALL, "");
	g_option_context_set_summary(
		options, "Moves guests' routes at the moment they migrate.");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error)) {
		fprintf(stderr, "l3vm: %s (see l3vm-agent(8))\n", error->message);
		return L3VM_ERROR_USAGE;
	}
	if (show_version) {
		printf("l3vm-agent %s\n", l3vm_version());
		return 0;
	}
	quit_on_signals(agent.loop);
	if (start(&agent, &error)) {
		start_watchdog();
		notify_systemd("READY=1");
		g_main_loop_run(agent.loop);
		notify_systemd("STOPPING=1");
	} else {
		fprintf(stderr, "l3vm: %s\n", error->message);
		agent.status = l3vm_exit_status(error);
	}
	finish(&agent);
	return agent.status;
}
