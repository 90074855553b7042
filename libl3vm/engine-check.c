/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-check.c - looks at the host's settings and says what to do
 *
 * Each check is a function that adds findings. An error is something that keeps
 * guests from being reached; a warning weakens a promise that we make.
 */
#include "base/error.h"
#include "engine-status.h"
#include "engine-view.h"
#include "kernel/listener.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct Check {
	L3vm *host;
	struct json_object *findings;
} Check;

static void find(Check *check, const char *severity, const char *subject,
		 const char *finding, const char *remedy)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "severity", json_object_new_string(severity));
	json_object_object_add(entry, "subject", json_object_new_string(subject));
	json_object_object_add(entry, "finding", json_object_new_string(finding));
	json_object_object_add(entry, "remedy",
			       remedy ? json_object_new_string(remedy) : NULL);
	json_object_array_add(check->findings, entry);
}

static void check_config(Check *check)
{
	if (check->host->config)
		find(check, "ok", "configuration", check->host->config_path, NULL);
	else
		find(check, "error", "configuration",
		     check->host->config_error->message,
		     "correct the file; until then no guest can start");
}

static void check_state_directory(Check *check)
{
	g_autoptr(GError) error = NULL;

	if (l3vm_need_store(check->host, &error))
		find(check, "ok", "state directory", check->host->state_dir, NULL);
	else
		find(check, "error", "state directory", error->message,
		     "make it a directory of root, mode 0750");
}

/* What a setting of the whole host has to be, and why. */
static const struct {
	const char *path;
	long wanted;
	const char *severity, *finding, *remedy;
} settings[] = {
	{ "net/ipv4/ip_forward", 1, "error", "is 0: IPv4 is not routed",
	  "sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d" },
	{ "net/ipv6/conf/all/forwarding", 1, "error", "is 0: IPv6 is not routed",
	  "sysctl -w net.ipv6.conf.all.forwarding=1, and in /etc/sysctl.d (uplinks "
	  "that need router advertisements then want accept_ra=2)" },
	/* the larger of `all` and the interface's own counts */
	{ "net/ipv4/conf/all/rp_filter", 0, "warning",
	  "is not 0: the interface's own strict mode may be overridden (2 is loose)",
	  "sysctl -w net.ipv4.conf.all.rp_filter=0, and in /etc/sysctl.d" },
	{ "net/ipv4/conf/all/proxy_arp", 0, "error",
	  "is 1: every interface answers ARP for every routed address",
	  "sysctl -w net.ipv4.conf.all.proxy_arp=0" },
	/* or'ed with the interface's own */
	{ "net/ipv4/conf/all/send_redirects", 0, "warning",
	  "is 1: guests are sent ICMP redirects to each other",
	  "sysctl -w net.ipv4.conf.all.send_redirects=0, and in /etc/sysctl.d" },
	{ "net/ipv6/conf/all/disable_ipv6", 0, "warning", "is 1: IPv6 is switched off",
	  "sysctl -w net.ipv6.conf.all.disable_ipv6=0" },
};

static void check_settings(Check *check)
{
	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		g_autofree char *path = g_strconcat("/proc/sys/", settings[i].path,
						    NULL);
		g_autofree char *text = NULL;

		if (!g_file_get_contents(path, &text, NULL, NULL))
			find(check, "warning", settings[i].path, "cannot be read",
			     "is the kernel built without IPv6?");
		else if (strtol(text, NULL, 10) == settings[i].wanted)
			find(check, "ok", settings[i].path, g_strchomp(text), NULL);
		else
			find(check, settings[i].severity, settings[i].path,
			     settings[i].finding, settings[i].remedy);
	}
}

static void check_hook(Check *check, const char *driver)
{
	g_autofree char *path = g_build_filename(L3VM_HOOKS_DIR, driver, "50-l3vm",
						 NULL);
	g_autofree char *subject = g_strdup_printf("libvirt hook %s", driver);

	if (access(path, X_OK) == 0)
		find(check, "ok", subject, path, NULL);
	else
		find(check, "error", subject,
		     errno == ENOENT ? "not installed: guests get no routes"
				     : "is no program that can be run",
		     "make install-hooks, then reload libvirtd");
}

static void check_hooks(Check *check)
{
	g_autofree char *libvirt = g_path_get_dirname(L3VM_HOOKS_DIR);

	if (!g_file_test(libvirt, G_FILE_TEST_IS_DIR)) {
		find(check, "ok", "libvirt", "is not on this host", NULL);
		return;
	}
	check_hook(check, "qemu.d");
	check_hook(check, "network.d");
}

/* On a node of a cluster, who has what Ganeti would run? */
static void check_ganeti(Check *check)
{
	static const char script[] = "/etc/ganeti/kvm-vif-bridge";
	static const char hook[] = "/etc/ganeti/hooks/instance-migrate-pre.d/50-l3vm";
	g_autofree char *text = NULL;

	if (access("/var/lib/ganeti/ssconf_master_node", F_OK) != 0)
		return;
	if (g_file_get_contents(script, &text, NULL, NULL) &&
	    strstr(text, "l3vm-ganeti-vif"))
		find(check, "ok", "Ganeti's network script", script, NULL);
	else
		find(check, "error", "Ganeti's network script",
		     "is not l3vm's: instances get no routes", "make install-ganeti");
	if (access(hook, X_OK) == 0)
		find(check, "ok", "Ganeti's hooks", hook, NULL);
	else
		find(check, "error", "Ganeti's hooks",
		     "are not l3vm's: a migration to here may fail without a word",
		     "make install-ganeti");
}

/*
 * libvirt looks the host's own name up in every phase of a migration, once
 * between the guest's stop on the source and its start on the target. A resolver
 * that does not answer costs the guest that long (10 s seen). A name with a dot
 * is not looked up.
 */
static void check_hostname(Check *check)
{
	char name[256] = "";
	g_autofree char *hosts = NULL;
	g_autofree char *pattern = NULL;

	gethostname(name, sizeof(name) - 1);
	g_file_get_contents("/etc/hosts", &hosts, NULL, NULL);
	pattern = g_strdup_printf("\\b%s\\b", name);
	if (strchr(name, '.') || g_str_has_prefix(name, "localhost") ||
	    (hosts && g_regex_match_simple(pattern, hosts, 0, 0)))
		find(check, "ok", "host name", name, NULL);
	else
		find(check, "warning", "host name",
		     "is short and not in /etc/hosts: each migration waits for DNS "
		     "while the guest is stopped",
		     "add it to /etc/hosts, or use a name with a domain");
}

/* A burst of a few hundred routes fills the kernel's default, which FRR and BIRD
 * then lose. Half of what the recipes ask for, since the kernel reports twice. */
#define LISTEN_MIN (16 * 1024 * 1024)

typedef struct DaemonCheck {
	Check *check;
	const char *title;
	bool found;
} DaemonCheck;

static void find_in_daemon(void *data, const char *severity, const char *finding,
			   const char *remedy)
{
	DaemonCheck *daemon = data;

	daemon->found = true;
	find(daemon->check, severity, daemon->title, finding, remedy);
}

static void check_listener(DaemonCheck *check, const L3vmDaemon *daemon)
{
	L3vmListener listener;
	g_autofree char *finding = NULL;

	if (!daemon->pid || !l3vm_listener_of(daemon->pid, &listener))
		return;
	if (listener.buffer < LISTEN_MIN)
		finding = g_strdup_printf("hears the kernel through a buffer of %u "
					  "bytes: a burst of routes overflows it",
					  listener.buffer);
	else if (listener.drops)
		finding = g_strdup_printf("has lost %u notifications of the kernel",
					  listener.drops);
	if (finding)
		find_in_daemon(check, "warning", finding,
			       "BIRD: `netlink rx buffer 67108864` in protocol kernel; "
			       "FRR: `-s 90000000` in zebra_options; see the examples");
}

/* FRR goes by the metric of a kernel route and cannot see whose it is. */
static void check_strangers(DaemonCheck *check, const L3vmDaemon *daemon,
			    const GPtrArray *ports)
{
	const L3vmRanks *ranks = &check->check->host->ranks;
	g_autoptr(L3vmSet) ours = l3vm_set_new();
	g_autoptr(GHashTable)
		known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	char text[L3VM_ADDR_STRLEN];
	GHashTableIter iter;
	void *value;

	for (guint i = 0; i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);

		l3vm_intent_network(ours, port->net, ranks, &check->check->host->facts);
		l3vm_intent_port(ours, port, ranks, &check->check->host->facts);
	}
	for (guint i = 0; i < l3vm_set_size(ours); i++)
		if (l3vm_set_get(ours, i)->kind == L3VM_OBJECT_ROUTE)
			g_hash_table_add(known,
					 g_strdup(l3vm_prefix_format(
						 &l3vm_set_get(ours, i)->addr, text)));
	g_hash_table_iter_init(&iter, daemon->routes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const L3vmDaemonRoute *route = value;
		uint32_t metric = route->metric;
		g_autofree char *finding = NULL;

		if ((metric != ranks->preferred && metric != ranks->normal &&
		     metric != (ranks->last & 0xffffff)) ||
		    g_hash_table_contains(known, l3vm_prefix_format(&route->dst, text)))
			continue;
		finding = g_strdup_printf("has a kernel route %s of metric %u, which "
					  "is none of ours: it is announced like one",
					  text, metric);
		find_in_daemon(check, "warning", finding,
			       "give it another metric, or l3vm other ranks");
	}
}

static void check_one_daemon(Check *check, const L3vmDaemon *daemon,
			     const GPtrArray *ports)
{
	DaemonCheck one = { .check = check, .title = daemon->kind->title };
	g_autofree char *summary = NULL;

	l3vm_daemon_check(daemon, &check->host->ranks, find_in_daemon, &one);
	check_listener(&one, daemon);
	if (ports && daemon->kind == &l3vm_daemon_frr)
		check_strangers(&one, daemon, ports);
	summary = g_strdup_printf("has %u routes of the kernel, and %u sessions",
				  g_hash_table_size(daemon->routes), daemon->sessions);
	if (!one.found)
		find(check, "ok", one.title, summary, NULL);
}

static void check_daemon(Check *check)
{
	g_autoptr(L3vmView) view = l3vm_view_new(check->host);
	g_autoptr(GPtrArray) ports =
		check->host->store ? l3vm_record_list(check->host->store, NULL) : NULL;

	for (guint i = 0; i < view->daemons->len; i++)
		check_one_daemon(check, view->daemons->pdata[i], ports);
	for (guint i = 0; i < view->failures->len; i++)
		find(check, "warning", "routing daemon", view->failures->pdata[i],
		     "look at its log; what it announces is not known");
	if (!view->daemons->len && !view->failures->len)
		find(check, "warning", "routing daemon",
		     "neither BIRD nor FRR answers on its usual socket: nobody "
		     "announces the routes",
		     "start it; recipes are in the examples");
}

static bool mentions(const char *directory, const char *word)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(directory, name, NULL);
		g_autofree char *text = NULL;

		if (g_file_get_contents(path, &text, NULL, NULL) && strstr(text, word))
			return true;
	}
	return false;
}

/* systemd-networkd drops routes and rules that it did not make when it configures an
 * interface; and the addresses of that one, whatever it is told. */
static void check_networkd(Check *check)
{
	if (access("/run/systemd/netif/state", F_OK) != 0)
		return;
	if (mentions("/etc/systemd/networkd.conf.d", "ManageForeignRoutes=no"))
		find(check, "ok", "systemd-networkd", "leaves foreign routes alone",
		     NULL);
	else
		find(check, "warning", "systemd-networkd",
		     "may remove guest routes when it restarts",
		     "put [Network] ManageForeignRoutes=no and "
		     "ManageForeignRoutingPolicyRules=no into "
		     "/etc/systemd/networkd.conf.d/l3vm.conf, and let none of its "
		     ".network files match guests' interfaces");
}

/* A port, or a service address */
static void check_entry(Check *check, struct json_object *port, const char *subject)
{
	struct json_object *problems = json_object_object_get(port, "problems");
	struct json_object *announce = json_object_object_get(port, "announce");

	for (size_t i = 0; i < json_object_array_length(problems); i++) {
		const char *problem =
			json_object_get_string(json_object_array_get_idx(problems, i));

		find(check, "error", subject, problem,
		     g_str_has_prefix(problem, "hidden")
			     ? "remove the other route, or give it a worse metric"
			     : "l3vm reconcile");
	}
	for (size_t i = 0; i < json_object_array_length(announce); i++) {
		const char *why = json_object_get_string(json_object_object_get(
			json_object_array_get_idx(announce, i), "why"));

		if (why)
			find(check, "error", subject, why,
			     "l3vm reconcile; then see l3vm-announce(7)");
	}
}

static void check_port(Check *check, struct json_object *port)
{
	g_autofree char *subject = g_strdup_printf(
		"port %s of guest %s",
		json_object_get_string(json_object_object_get(port, "ifname")),
		json_object_get_string(json_object_object_get(port, "guest")));

	check_entry(check, port, subject);
}

static void check_service(Check *check, struct json_object *service)
{
	const char *state =
		json_object_get_string(json_object_object_get(service, "state"));
	g_autofree char *subject = g_strdup_printf(
		"service %s",
		json_object_get_string(json_object_object_get(service, "address")));

	if (!g_strcmp0(state, "down"))
		find(check, "warning", subject,
		     "is down: its check has not been well often enough",
		     "run the check by hand, as the agent's user");
	check_entry(check, service, subject);
}

static void check_ports(Check *check)
{
	g_autoptr(GError) error = NULL;
	struct json_object *services;
	struct json_object *ports = l3vm_status_ports(check->host, NULL, &services,
						      &error);

	if (!ports) {
		find(check, "error", "ports", error->message,
		     "run as root, or with CAP_NET_ADMIN");
		return;
	}
	for (size_t i = 0; i < json_object_array_length(ports); i++)
		check_port(check, json_object_array_get_idx(ports, i));
	for (size_t i = 0; i < json_object_array_length(services); i++)
		check_service(check, json_object_array_get_idx(services, i));
	json_object_put(ports);
	json_object_put(services);
}

char *l3vm_check(L3vm *host, GError **error)
{
	static void (*const checks[])(Check *) = {
		check_config, check_state_directory, check_settings,
		check_hooks,  check_ganeti,	     check_hostname,
		check_daemon, check_networkd,	     check_ports,
	};
	Check check = { .host = host, .findings = json_object_new_array() };
	struct json_object *root = json_object_new_object();

	(void)error;
	for (size_t i = 0; i < G_N_ELEMENTS(checks); i++)
		checks[i](&check);
	json_object_object_add(root, "version", json_object_new_int(1));
	json_object_object_add(root, "findings", check.findings);
	return l3vm_json_take(root);
}
