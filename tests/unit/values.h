/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * values.h - values for the tests, from their text
 *
 * Text that does not parse fails the test, so a table of vectors cannot hold a
 * typing error that goes unnoticed. Include it before cmocka.h is needed: it
 * brings along what cmocka.h wants to see first.
 */
#ifndef TESTS_UNIT_VALUES_H
#define TESTS_UNIT_VALUES_H

#include "model/object.h"
#include "model/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline L3vmAddr prefix_of(const char *text)
{
	L3vmAddr addr = { 0 };

	if (!l3vm_prefix_parse(text, &addr))
		fail_msg("not a prefix: %s", text);
	return addr;
}

static inline L3vmMac mac_of(const char *text)
{
	L3vmMac mac = { 0 };

	if (!l3vm_mac_parse(text, &mac))
		fail_msg("not a MAC: %s", text);
	return mac;
}

/* "10.0.0.5 2001:db8::/64" as an array of L3vmAddr; NULL for "". */
static inline GArray *prefixes_of(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	GArray *array = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));

	for (char **word = words; *word; word++) {
		L3vmAddr addr = prefix_of(*word);

		g_array_append_val(array, addr);
	}
	return array;
}

/* The inverse, as prefixes. */
static inline char *prefixes_text(const GArray *array)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < array->len; i++) {
		char buf[L3VM_ADDR_STRLEN];

		g_string_append_printf(
			text, "%s%s", i ? " " : "",
			l3vm_prefix_format(&g_array_index(array, L3vmAddr, i), buf));
	}
	return g_string_free(text, FALSE);
}

static inline L3vmObject object_on(L3vmObjectKind kind, const char *ifname)
{
	L3vmObject o = { .kind = kind };

	g_strlcpy(o.ifname, ifname, sizeof(o.ifname));
	return o;
}

static inline L3vmObject number_on(L3vmObjectKind kind, const char *ifname,
				   unsigned key, uint32_t number)
{
	L3vmObject o = object_on(kind, ifname);

	o.key = key;
	o.number = number;
	return o;
}

static inline L3vmObject mac_on(L3vmObjectKind kind, const char *ifname,
				const char *mac)
{
	L3vmObject o = object_on(kind, ifname);

	o.mac = mac_of(mac);
	return o;
}

static inline L3vmObject neighbour_on(const char *ifname, const char *addr,
				      const char *mac)
{
	L3vmObject o = mac_on(L3VM_OBJECT_NEIGHBOUR, ifname, mac);

	o.addr = prefix_of(addr);
	return o;
}

static inline L3vmObject address_on(const char *ifname, const char *addr)
{
	L3vmObject o = object_on(L3VM_OBJECT_ADDRESS, ifname);

	o.addr = prefix_of(addr);
	return o;
}

/* In the main table, directly on the interface. */
static inline L3vmObject route_on(const char *ifname, const char *destination,
				  uint32_t metric)
{
	L3vmObject o = object_on(L3VM_OBJECT_ROUTE, ifname);

	o.addr = prefix_of(destination);
	o.table = 254;
	o.metric = metric;
	return o;
}

static inline L3vmObject route_via(const char *ifname, const char *destination,
				   uint32_t metric, const char *via)
{
	L3vmObject o = route_on(ifname, destination, metric);

	o.via = prefix_of(via);
	return o;
}

/* A rule for a destination or, with an interface, for what comes from it. */
static inline L3vmObject rule_of(const char *ifname, const char *to, uint32_t table,
				 uint32_t preference)
{
	L3vmObject o = object_on(L3VM_OBJECT_RULE, ifname);

	o.addr = prefix_of(to);
	o.table = table;
	o.number = preference;
	return o;
}

static inline L3vmObject owned(L3vmObject object)
{
	object.owned = true;
	return object;
}

#endif
