/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-host.c - a host for the engine's tests: real records, a kernel in memory */
#include "engine-host.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_config[] = "[l3vm]\n"
				     "hold-time = 30s\n"
				     "[network default]\n"
				     "allow = 10.0.0.0/16 192.0.2.0/24 2001:db8::/32\n"
				     "[network tenant]\n"
				     "table = 100\n"
				     "proxy-arp = yes\n"
				     "cover = unreachable\n"
				     "[network lan]\n"
				     "mode = bridge\n"
				     "bridge = br0\n";

static void collect_warning(const char *line, void *data)
{
	g_string_append_printf(data, "%s\n", line);
}

static void write_config(const Host *host, const char *config)
{
	g_autofree char *path = g_build_filename(host->dir, "l3vm.conf", NULL);

	assert_true(g_file_set_contents(path, config, -1, NULL));
}

static void open_host(Host *host)
{
	g_autofree char *config = g_build_filename(host->dir, "l3vm.conf", NULL);
	g_autofree char *state = g_build_filename(host->dir, "state", NULL);

	host->l3vm = l3vm_new(config, state, NULL);
	assert_non_null(host->l3vm);
	host->l3vm->kernel = host->kernel;
}

Host *host_new(void)
{
	/* l3vm-guard.service has been there: rules that an attach loads stay, since
	 * others may rely on them by the time it fails */
	const L3vmObject rules = { .kind = L3VM_OBJECT_GUARD, .number = 1 };
	Host *host = g_new0(Host, 1);

	host->dir = g_dir_make_tmp("l3vm-engine-XXXXXX", NULL);
	assert_non_null(host->dir);
	host->warnings = g_string_new(NULL);
	l3vm_set_log_sink(collect_warning, host->warnings);
	host->kernel = l3vm_kernel_fake_new(76, false);
	l3vm_kernel_fake_add_link(host->kernel, "tap1", false);
	l3vm_kernel_fake_add_link(host->kernel, "tap2", false);
	l3vm_kernel_fake_add_link(host->kernel, "tap3", false);
	l3vm_kernel_fake_add_foreign(host->kernel, &rules);
	write_config(host, default_config);
	open_host(host);
	return host;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void host_free(Host *host)
{
	l3vm_free(host->l3vm);
	l3vm_set_log_sink(NULL, NULL);
	nftw(host->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	g_string_free(host->warnings, TRUE);
	g_free(host->dir);
	g_free(host);
}

int host_begin(void **state)
{
	*state = host_new();
	return 0;
}

int host_end(void **state)
{
	host_free(*state);
	return 0;
}

void host_reopen(Host *host, const char *config)
{
	host->l3vm->kernel = NULL;
	l3vm_free(host->l3vm);
	if (config)
		write_config(host, config);
	open_host(host);
}

const char *host_path(const Host *host, const char *below)
{
	static char path[512];

	g_snprintf(path, sizeof(path), "%s/state/%s", host->dir, below);
	return path;
}

L3vmPort *request(const char *guest, const char *ifname, const char *mac,
		  const char *addresses, const char *network)
{
	bool by_uuid = !strcmp(guest, "vm1");
	L3vmPort *port = l3vm_port_new(guest, by_uuid ? UUID1 : NULL, NULL);
	g_auto(GStrv) words = g_strsplit(addresses, " ", -1);

	assert_non_null(port);
	assert_true(!ifname || l3vm_port_set_ifname(port, ifname, NULL));
	assert_true(!mac || l3vm_port_set_mac(port, mac, NULL));
	assert_true(!network || l3vm_port_set_network(port, network, NULL));
	for (char **word = words; *word; word++)
		assert_true(strchr(*word, '/')
				    ? l3vm_port_add_prefix(port, *word, NULL)
				    : l3vm_port_add_address(port, *word, NULL));
	return port;
}

L3vmPort *request1(void)
{
	return request("vm1", "tap1", MAC1, "10.0.0.1 2001:db8::1", NULL);
}

void assert_ok(bool ok, GError **error)
{
	if (!ok)
		fail_msg("%s", *error ? (*error)->message : "no error is set");
	assert_null(*error);
}

char *assert_fails(bool ok, GError **error, L3vmError code)
{
	char *text;

	if (ok)
		fail_msg("succeeds, but should fail with %u", code);
	assert_non_null(*error);
	if (!g_error_matches(*error, L3VM_ERROR, (int)code))
		fail_msg("code %d, not %u: %s", (*error)->code, code,
			 (*error)->message);
	text = g_strdup((*error)->message);
	g_clear_error(error);
	/* "WHAT: WHY (REMEDY)" on one line */
	assert_null(strchr(text, '\n'));
	assert_non_null(strstr(text, ": "));
	if (!g_str_has_suffix(text, ")"))
		fail_msg("no remedy: %s", text);
	return text;
}

void attach(Host *host, L3vmPort *given, L3vmAttachMode mode)
{
	g_autoptr(L3vmPort) port = given;
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_attach(host->l3vm, &port, 1, mode, &error), &error);
}

char *refused(Host *host, L3vmPort *given, L3vmError code)
{
	g_autoptr(L3vmPort) port = given;
	g_autoptr(GError) error = NULL;
	bool ok = l3vm_attach(host->l3vm, &port, 1, L3VM_ATTACH_LIVE, &error);

	return assert_fails(ok, &error, code);
}

void detach(Host *host, const char *guest)
{
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_detach_guest(host->l3vm, guest, &error), &error);
}

void notify(Host *host, const char *guest, L3vmPhase phase)
{
	g_autoptr(GError) error = NULL;

	assert_ok(l3vm_migrate_notify(host->l3vm, guest, phase, &error), &error);
}

/* --- texts -------------------------------------------------------------------- */

static gint by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines in order, joined; frees them. */
static char *join(GPtrArray *lines)
{
	char *text;

	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	text = g_strjoinv("", (char **)lines->pdata);
	g_ptr_array_unref(lines);
	return text;
}

/* Indexes are told by whether they are the right ones: what is made anew has
 * another. */
static char *object_line(const Host *host, const L3vmObject *o)
{
	L3vmChange change = { .has_after = true, .after = *o };
	g_autofree char *line = l3vm_change_to_ip(&change, 76);
	L3vmLink link = { .ifindex = 0 };
	bool stale;

	if (*o->ifname)
		host->kernel->ops->find_link(host->kernel, o->ifname, &link, NULL);
	stale = o->kind != L3VM_OBJECT_RULE && o->ifindex != link.ifindex;
	return g_strdup_printf("%u %s%s%s\n", o->kind, line, o->owned ? " (ours)" : "",
			       stale ? " (of another interface)" : "");
}

char *kernel_text(const Host *host)
{
	const L3vmSet *all = l3vm_kernel_fake_state(host->kernel);
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < l3vm_set_size(all); i++)
		g_ptr_array_add(lines, object_line(host, l3vm_set_get(all, i)));
	return join(lines);
}

static char *file_line(const char *folder, const char *name, const char *path)
{
	g_autofree char *content = NULL;
	g_autofree char *target = g_file_read_link(path, NULL);

	if (target)
		return g_strdup_printf("%s/%s -> %s\n", folder, name, target);
	g_file_get_contents(path, &content, NULL, NULL);
	return g_strdup_printf("%s/%s: %s\n", folder, name, content);
}

char *record_text(const Host *host)
{
	static const char *const folders[] = { "ports", "guests", "addresses" };
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		GDir *dir = g_dir_open(host_path(host, folders[i]), 0, NULL);
		const char *name;

		while (dir && (name = g_dir_read_name(dir))) {
			g_autofree char *path = g_build_filename(
				host_path(host, folders[i]), name, NULL);

			if (!g_str_has_suffix(name, ".lock"))
				g_ptr_array_add(lines,
						file_line(folders[i], name, path));
		}
		if (dir)
			g_dir_close(dir);
	}
	return join(lines);
}

char *snapshot(const Host *host)
{
	g_autofree char *kernel = kernel_text(host);
	g_autofree char *records = record_text(host);

	return g_strconcat(kernel, "--\n", records, NULL);
}

unsigned kernel_count(const Host *host, const char *words)
{
	g_autofree char *text = kernel_text(host);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	unsigned n = 0;

	for (char **line = lines; *line; line++)
		n += strstr(*line, words) != NULL;
	return n;
}

void assert_kernel_has(const Host *host, const char *words, unsigned n)
{
	g_autofree char *text = kernel_text(host);
	unsigned found = kernel_count(host, words);

	if (found != n)
		fail_msg("%u times \"%s\", not %u, in:\n%s", found, words, n, text);
}

L3vmState state_of(Host *host, const char *record)
{
	g_autoptr(L3vmPort) port = NULL;

	assert_true(l3vm_need_store(host->l3vm, NULL));
	port = l3vm_record_load(host->l3vm->store, record, NULL);
	return port ? port->state : L3VM_STATE_GONE;
}
