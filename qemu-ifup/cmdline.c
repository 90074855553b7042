/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmdline.c - what QEMU's command line says of its guest and of one tap
 *
 * The NIC behind a tap is told in one of these ways:
 *
 *   -netdev tap,id=n0,ifname=tap0  -device virtio-net-pci,netdev=n0,mac=...
 *   -nic tap,ifname=tap0,mac=...
 *   -net tap,ifname=tap0  -net nic,macaddr=...      one pair, through a hub
 *
 * and all values but the last as JSON, too. Only options that are known here are
 * looked at: a list of all of QEMU's would be wrong with its next release.
 */
#include "cmdline.h"

#include "option.h"

#include <string.h>

typedef struct Tap {
	char *pattern; /* its name, or what the kernel makes one of ("tap%d") */
	char *id;      /* of the netdev; NULL: none */
	char *mac;     /* NULL: not said with the tap */
	bool on_hub;   /* of -net */
} Tap;

typedef struct Reading {
	L3vmQemu *qemu;
	GPtrArray *taps;     /* of Tap*, those QEMU runs a script for */
	GHashTable *devices; /* id of netdev -> MAC */
	GPtrArray *hub_macs; /* of char*, of -net nic; "" without one */
} Reading;

static void tap_free(Tap *tap)
{
	g_free(tap->pattern);
	g_free(tap->id);
	g_free(tap->mac);
	g_free(tap);
}

void l3vm_qemu_free(L3vmQemu *qemu)
{
	if (!qemu)
		return;
	g_free(qemu->program);
	g_free(qemu->name);
	g_free(qemu->uuid);
	g_free(qemu->mac);
	g_free(qemu);
}

static const char *get(GHashTable *option, const char *key)
{
	return g_hash_table_lookup(option, key);
}

/* -net and -nic have both words for it. */
static const char *get_mac(GHashTable *option)
{
	const char *mac = get(option, "mac");

	return mac ? mac : get(option, "macaddr");
}

static bool is(GHashTable *option, const char *key, const char *value)
{
	return !g_strcmp0(get(option, key), value);
}

/* A tap that came from elsewhere open is none that QEMU runs a script for. */
static void take_tap(Reading *reading, GHashTable *option, bool on_hub)
{
	const char *pattern = get(option, "ifname");
	Tap *tap;

	if (!is(option, "type", "tap") || get(option, "fd") || get(option, "fds") ||
	    is(option, "script", "no"))
		return;
	tap = g_new0(Tap, 1);
	/* "tap%d": net/tap-linux.c */
	tap->pattern = g_strdup(pattern && *pattern ? pattern : "tap%d");
	tap->id = g_strdup(get(option, "id"));
	tap->mac = g_strdup(get_mac(option));
	tap->on_hub = on_hub;
	g_ptr_array_add(reading->taps, tap);
}

static void take_device(Reading *reading, GHashTable *option)
{
	const char *netdev = get(option, "netdev"), *mac = get_mac(option);

	if (netdev && mac)
		g_hash_table_insert(reading->devices, g_strdup(netdev), g_strdup(mac));
}

/* --- the options ---------------------------------------------------------- */

static void take_name(Reading *reading, GHashTable *option)
{
	g_free(reading->qemu->name);
	reading->qemu->name = g_strdup(get(option, "guest"));
}

static void take_uuid(Reading *reading, GHashTable *option)
{
	g_free(reading->qemu->uuid);
	reading->qemu->uuid = g_strdup(get(option, "uuid"));
}

static void take_incoming(Reading *reading, GHashTable *option)
{
	(void)option;
	reading->qemu->is_waiting = true;
}

static void take_netdev(Reading *reading, GHashTable *option)
{
	take_tap(reading, option, false);
}

static void take_net(Reading *reading, GHashTable *option)
{
	const char *mac = get_mac(option);

	if (is(option, "type", "nic") && get(option, "netdev"))
		take_device(reading, option);
	else if (is(option, "type", "nic"))
		g_ptr_array_add(reading->hub_macs, g_strdup(mac ? mac : ""));
	else
		take_tap(reading, option, true);
}

/* A kernel's command line is the guest's owner's, who may write "-uuid". */
static void take_append(Reading *reading, GHashTable *option)
{
	(void)reading;
	(void)option;
}

static const struct {
	const char *name, *implied;
	void (*take)(Reading *reading, GHashTable *option);
} options[] = {
	{ "name", "guest", take_name },	      { "uuid", "uuid", take_uuid },
	{ "netdev", "type", take_netdev },    { "device", "driver", take_device },
	{ "nic", "type", take_netdev },	      { "net", "type", take_net },
	{ "incoming", "uri", take_incoming }, { "append", "text", take_append },
};

/* "-name" or "--name" */
static size_t find_option(const char *argument)
{
	size_t i;

	if (*argument++ != '-')
		return G_N_ELEMENTS(options);
	if (*argument == '-')
		argument++;
	for (i = 0; i < G_N_ELEMENTS(options); i++)
		if (!strcmp(options[i].name, argument))
			break;
	return i;
}

static const char *next(const char *arguments, size_t size, const char *argument)
{
	argument += strlen(argument) + 1;
	return argument < arguments + size ? argument : NULL;
}

static void read_all(Reading *reading, const char *arguments, size_t size)
{
	for (const char *a = arguments; a; a = next(arguments, size, a)) {
		size_t i = find_option(a);
		g_autoptr(GHashTable) option = NULL;

		if (i == G_N_ELEMENTS(options))
			continue;
		a = next(arguments, size, a);
		if (!a)
			break;
		option = l3vm_option_parse(a, options[i].implied);
		options[i].take(reading, option);
	}
}

/* --- which NIC it is -------------------------------------------------------- */

/* The kernel puts a number for "%d" (net/core/dev.c:dev_alloc_name). */
static bool fits(const char *pattern, const char *ifname)
{
	const char *percent = strstr(pattern, "%d");
	size_t before = percent ? (size_t)(percent - pattern) : 0;
	size_t digits;

	if (!percent)
		return !strcmp(pattern, ifname);
	if (strncmp(pattern, ifname, before) != 0)
		return false;
	digits = strspn(ifname + before, G_CSET_DIGITS);
	return digits && !strcmp(ifname + before + digits, percent + 2);
}

static bool fail(GError **error, const char *ifname, const char *why)
{
	g_autofree char *name = g_strescape(ifname, NULL);

	g_set_error(error, L3VM_ERROR, L3VM_ERROR_USAGE, "%.60s: %s", name, why);
	return false;
}

/* By its very name before by a pattern that the name may have come from. */
static bool find_tap(const Reading *reading, const char *ifname, const Tap **found,
		     GError **error)
{
	*found = NULL;
	for (guint i = 0; i < reading->taps->len; i++) {
		const Tap *tap = reading->taps->pdata[i];

		if (!strcmp(tap->pattern, ifname)) {
			*found = tap;
			return true;
		}
	}
	for (guint i = 0; i < reading->taps->len; i++) {
		const Tap *tap = reading->taps->pdata[i];

		if (!fits(tap->pattern, ifname))
			continue;
		if (*found)
			return fail(error, ifname,
				    "more than one NIC of QEMU's may have it (give "
				    "each -netdev tap its ifname=)");
		*found = tap;
	}
	return true;
}

static bool find_mac(const Reading *reading, const char *ifname, const char **mac,
		     GError **error)
{
	const Tap *tap;

	*mac = NULL;
	if (!find_tap(reading, ifname, &tap, error))
		return false;
	if (!tap)
		return true;
	if (tap->mac)
		*mac = tap->mac;
	else if (!tap->on_hub && tap->id)
		*mac = g_hash_table_lookup(reading->devices, tap->id);
	else if (reading->hub_macs->len > 1)
		return fail(error, ifname,
			    "QEMU has several NICs on one hub with it (use -netdev and "
			    "-device)");
	else if (reading->hub_macs->len && *(char *)reading->hub_macs->pdata[0])
		*mac = reading->hub_macs->pdata[0];
	return true;
}

L3vmQemu *l3vm_qemu_parse(const char *arguments, size_t size, const char *ifname,
			  GError **error)
{
	g_autoptr(L3vmQemu) qemu = g_new0(L3vmQemu, 1);
	g_autoptr(GHashTable) devices = NULL;
	g_autoptr(GPtrArray) taps = NULL;
	g_autoptr(GPtrArray) hub_macs = g_ptr_array_new_with_free_func(g_free);
	Reading reading = { .qemu = qemu, .hub_macs = hub_macs };
	const char *mac;

	devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	taps = g_ptr_array_new_with_free_func((GDestroyNotify)tap_free);
	reading.devices = devices;
	reading.taps = taps;
	qemu->program = g_path_get_basename(size ? arguments : "");
	if (size)
		read_all(&reading, arguments, size);
	if (!find_mac(&reading, ifname, &mac, error))
		return NULL;
	qemu->mac = g_strdup(mac);
	return g_steal_pointer(&qemu);
}
