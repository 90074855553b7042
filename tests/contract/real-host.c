/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* real-host.c - a host for the engine: real records, the kernel of a namespace */
#include "real-host.h"

#include "netns.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char config[] = "[network default]\n"
			     "[network tenant]\n"
			     "table = 100\n"
			     "proxy-arp = yes\n"
			     "allow = 10.0.0.0/8 2001:db8::/32\n"
			     "cover = unreachable\n"
			     "[network lan]\n"
			     "mode = bridge\n"
			     "bridge = br0\n";

L3vm *real_host_open(const RealHost *host)
{
	g_autofree char *conf = g_build_filename(host->dir, "l3vm.conf", NULL);
	g_autofree char *state = g_build_filename(host->dir, "state", NULL);

	return l3vm_new(conf, state, NULL);
}

RealHost *real_host_new(unsigned n_taps)
{
	RealHost *host = g_new0(RealHost, 1);
	g_autoptr(GString) links = g_string_new(NULL);
	g_autofree char *conf = NULL;

	netns_renew();
	for (unsigned i = 1; i <= n_taps; i++)
		g_string_append_printf(
			links, "link add name tap%u type veth peer name tap%u-peer\n",
			i, i);
	run_batch(links->str);
	/* in memory, as on a host */
	host->dir = g_mkdtemp(g_strdup("/dev/shm/l3vm-real-XXXXXX"));
	assert_non_null(host->dir);
	conf = g_build_filename(host->dir, "l3vm.conf", NULL);
	assert_true(g_file_set_contents(conf, config, -1, NULL));
	host->l3vm = real_host_open(host);
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

void real_host_free(RealHost *host)
{
	l3vm_free(host->l3vm);
	nftw(host->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	g_free(host->dir);
	g_free(host);
}

L3vmPort *real_request(const char *guest, const char *ifname, const char *mac,
		       const char *addresses, const char *network)
{
	L3vmPort *port = l3vm_port_new(guest, NULL, NULL);
	g_auto(GStrv) words = g_strsplit(addresses, " ", -1);

	assert_non_null(port);
	assert_true(l3vm_port_set_ifname(port, ifname, NULL));
	assert_true(l3vm_port_set_mac(port, mac, NULL));
	assert_true(!network || l3vm_port_set_network(port, network, NULL));
	for (char **word = words; *word; word++)
		assert_true(strchr(*word, '/')
				    ? l3vm_port_add_prefix(port, *word, NULL)
				    : l3vm_port_add_address(port, *word, NULL));
	return port;
}

bool real_attach_two(L3vm *host, const char *one, const char *other,
		     const char *network, GError **error)
{
	g_autoptr(L3vmPort)
		first = real_request("vm1", "tap1", "52:54:00:00:00:01", one, network);
	g_autoptr(L3vmPort) second = real_request("vm1", "tap2", "52:54:00:00:00:02",
						  other, network);
	L3vmPort *ports[] = { first, second };

	return l3vm_attach(host, ports, 2, L3VM_ATTACH_LIVE, error);
}

static char *difference(const L3vmSet *desired, const L3vmSet *observed)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < l3vm_set_size(desired); i++) {
		const L3vmObject *o = l3vm_set_get(desired, i);
		const L3vmObject *is = l3vm_set_find(observed, o);
		L3vmChange change = { .has_after = true, .after = *o };
		g_autofree char *line = l3vm_change_to_ip(&change, 76);

		if (!is || !l3vm_object_equal(is, o))
			g_string_append_printf(text, "missing: %s\n", line);
	}
	for (guint i = 0; i < l3vm_set_size(observed); i++) {
		const L3vmObject *o = l3vm_set_get(observed, i);
		L3vmChange change = { .has_after = true, .after = *o };
		g_autofree char *line = l3vm_change_to_ip(&change, 76);

		if (o->owned && !l3vm_set_find(desired, o) &&
		    o->type == L3VM_ROUTE_UNICAST)
			g_string_append_printf(text, "left: %s\n", line);
	}
	return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

char *real_host_difference(const RealHost *host)
{
	L3vm *l3vm = host->l3vm;
	g_autoptr(L3vmSet) desired = l3vm_set_new();
	g_autoptr(L3vmSet) observed = l3vm_set_new();
	g_autoptr(GPtrArray) ports = NULL;

	assert_true(l3vm_need_store(l3vm, NULL) && l3vm_need_kernel(l3vm, NULL));
	ports = l3vm_record_list(l3vm->store, NULL);
	assert_non_null(ports);
	for (guint i = 0; i < ports->len; i++) {
		const L3vmPort *port = g_ptr_array_index(ports, i);

		l3vm_intent_network(desired, port->net, &l3vm->ranks, &l3vm->facts);
		l3vm_intent_port(desired, port, &l3vm->ranks, &l3vm->facts);
	}
	assert_true(l3vm->kernel->ops->observe(l3vm->kernel, desired, L3VM_OBSERVE_ALL,
					       observed, NULL));
	return difference(desired, observed);
}

char *real_host_records(const RealHost *host)
{
	static const char *const folders[] = { "ports", "guests", "addresses" };
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(host->dir, "state", folders[i],
							 NULL);
		GDir *dir = g_dir_open(path, 0, NULL);
		const char *name;

		while (dir && (name = g_dir_read_name(dir)))
			if (!g_str_has_suffix(name, ".lock"))
				g_string_append_printf(text, "%s/%s\n", folders[i],
						       name);
		if (dir)
			g_dir_close(dir);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}
