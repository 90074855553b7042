/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record-place.h - a state directory for a test, and ports to put into it
 *
 * For the programs that test the records; each uses a part of what is here.
 */
#ifndef L3VM_TEST_RECORD_PLACE_H
#define L3VM_TEST_RECORD_PLACE_H

#include "store/record.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

#define UUID "12345678-9abc-def0-1234-56789abcdef0"

struct place {
	char *dir; /* the state directory, inside a directory of the test's own */
	char *parent;
	L3vmStore *store;
	unsigned warnings;
};

static void count_warning(const char *line, void *data)
{
	struct place *place = data;

	(void)line;
	place->warnings++;
}

static int make_place(void **state)
{
	struct place *place = g_new0(struct place, 1);

	place->parent = g_dir_make_tmp("l3vm-record-XXXXXX", NULL);
	assert_non_null(place->parent);
	place->dir = g_build_filename(place->parent, "l3vm", NULL);
	place->store = l3vm_store_open(place->dir, NULL);
	assert_non_null(place->store);
	l3vm_set_log_sink(count_warning, place);
	*state = place;
	return 0;
}

static void remove_tree(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *entry = g_build_filename(path, name, NULL);

		if (g_file_test(entry, G_FILE_TEST_IS_DIR) &&
		    !g_file_test(entry, G_FILE_TEST_IS_SYMLINK))
			remove_tree(entry);
		else
			g_remove(entry);
	}
	if (dir)
		g_dir_close(dir);
	g_rmdir(path);
}

static int remove_place(void **state)
{
	struct place *place = *state;

	l3vm_set_log_sink(NULL, NULL);
	l3vm_store_free(place->store);
	remove_tree(place->parent);
	g_free(place->dir);
	g_free(place->parent);
	g_free(place);
	return 0;
}

static char *path_of(const struct place *place, const char *name)
{
	return g_build_filename(place->dir, name, NULL);
}

static bool exists(const struct place *place, const char *name)
{
	g_autofree char *path = path_of(place, name);
	struct stat st;

	return lstat(path, &st) == 0;
}

static unsigned mode_of(const struct place *place, const char *name)
{
	g_autofree char *path = path_of(place, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

/* How many entries the top directory has beside the four folders. */
static unsigned leftovers(const struct place *place)
{
	g_autoptr(GDir) dir = g_dir_open(place->dir, 0, NULL);
	unsigned n = 0;

	while (g_dir_read_name(dir))
		n++;
	return n - 4;
}

static void add(GArray *array, const char *text)
{
	L3vmAddr addr;

	assert_true(l3vm_prefix_parse(text, &addr));
	g_array_append_val(array, addr);
}

static L3vmNetwork *full_network(void)
{
	L3vmNetwork *network = l3vm_network_new("lan");
	const L3vmDerive rules[] = { { .kind = L3VM_DERIVE_MAC4 },
				     { .kind = L3VM_DERIVE_EUI64 },
				     { .kind = L3VM_DERIVE_EMBED4 } };

	network->mode = L3VM_MODE_BRIDGE;
	network->bridge = g_strdup("l3br0");
	network->allow = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	add(network->allow, "10.0.0.0/16");
	add(network->allow, "2001:db8::/48");
	network->table = UINT32_MAX;
	network->mtu = 9000;
	network->proxy_arp = network->learn = true;
	network->guard = false;
	network->cover = L3VM_COVER_BLACKHOLE;
	network->derive = g_array_new(FALSE, FALSE, sizeof(L3vmDerive));
	g_array_append_vals(network->derive, rules, 3);
	l3vm_prefix_parse("2001:db8:1::/64",
			  &g_array_index(network->derive, L3vmDerive, 1).prefix);
	l3vm_prefix_parse("2001:db8:2::/96",
			  &g_array_index(network->derive, L3vmDerive, 2).prefix);
	return network;
}

/* A port in which each member differs from what a new one has. */
static L3vmPort *full_port(void)
{
	L3vmPort *port = l3vm_port_new("vm \"1\" \xc3\xa4", UUID, NULL);

	assert_non_null(port);
	assert_true(l3vm_port_set_ifname(port, "tapvm1", NULL));
	assert_true(l3vm_port_set_mac(port, "52:54:00:00:00:05", NULL));
	assert_true(l3vm_port_set_network(port, "lan", NULL));
	assert_true(l3vm_port_add_address(port, "10.0.0.5", NULL));
	assert_true(l3vm_port_add_address(port, "2001:db8::5", NULL));
	assert_true(l3vm_port_add_prefix(port, "2001:db8:5::/64", NULL));
	assert_true(l3vm_port_add_gateway(port, "10.0.0.254", NULL));
	assert_true(l3vm_port_set_table(port, "red", NULL));
	l3vm_port_set_hint(port, "virbr0", "isolated");
	l3vm_port_set_optional(port, true);
	port->ifindex = 7;
	port->state = L3VM_STATE_LEAVING;
	port->since = INT64_C(1767225600123456);
	port->generation = UINT32_MAX;
	port->net = full_network();
	return port;
}

static L3vmPort *small_port(const char *ifname)
{
	L3vmPort *port = l3vm_port_new("vm2", NULL, NULL);

	if (ifname)
		assert_true(l3vm_port_set_ifname(port, ifname, NULL));
	port->net = l3vm_network_new("default");
	return port;
}

static void assert_arrays_equal(const GArray *a, const GArray *b, size_t size)
{
	assert_true((a == NULL) == (b == NULL));
	if (!a)
		return;
	assert_int_equal(a->len, b->len);
	if (a->len)
		assert_memory_equal(a->data, b->data, a->len * size);
}

static void assert_ports_equal(const L3vmPort *a, const L3vmPort *b)
{
	assert_string_equal(a->guest, b->guest);
	assert_int_equal(g_strcmp0(a->uuid, b->uuid), 0);
	assert_int_equal(g_strcmp0(a->ifname, b->ifname), 0);
	assert_int_equal(a->has_mac, b->has_mac);
	assert_true(l3vm_mac_equal(&a->mac, &b->mac));
	assert_int_equal(g_strcmp0(a->network, b->network), 0);
	assert_arrays_equal(a->addresses, b->addresses, sizeof(L3vmAddr));
	assert_arrays_equal(a->prefixes, b->prefixes, sizeof(L3vmAddr));
	assert_arrays_equal(a->gateways, b->gateways, sizeof(L3vmAddr));
	assert_int_equal(g_strcmp0(a->table, b->table), 0);
	assert_int_equal(g_strcmp0(a->hint_bridge, b->hint_bridge), 0);
	assert_int_equal(g_strcmp0(a->hint_network, b->hint_network), 0);
	assert_int_equal(a->optional, b->optional);
	assert_int_equal(a->ifindex, b->ifindex);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->since, b->since);
	assert_int_equal(a->generation, b->generation);
	assert_true((a->net == NULL) == (b->net == NULL));
	if (a->net)
		assert_true(l3vm_network_equal(a->net, b->net));
}

static void put(const struct place *place, const char *name, const char *text,
		size_t size)
{
	g_autofree char *path = path_of(place, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static char *get(const struct place *place, const char *name, gsize *size)
{
	g_autofree char *path = path_of(place, name);
	char *text;

	assert_true(g_file_get_contents(path, &text, size, NULL));
	return text;
}

/* Replaces @from by @to in a record and seals it again, as json.h describes. */
static void put_edited(struct place *place, const char *record, const char *from,
		       const char *to)
{
	gsize size;
	g_autofree char *text = get(place, record, &size);
	g_autoptr(GString) edited = g_string_new(text);
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);

	if (!strstr(text, from))
		print_error("no %s in %s\n", from, text);
	assert_int_equal(g_string_replace(edited, from, to, 1), 1);
	g_string_truncate(edited,
			  (gsize)(strstr(edited->str, ",\"sum\"") - edited->str));
	for (gsize i = 0; i < edited->len; i++)
		sum = (sum ^ (guchar)edited->str[i]) *
		      G_GUINT64_CONSTANT(0x100000001b3);
	g_string_append_printf(edited, ",\"sum\":\"%016" G_GINT64_MODIFIER "x\"}\n",
			       sum);
	put(place, record, edited->str, edited->len);
}

#pragma GCC diagnostic pop

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

#endif
