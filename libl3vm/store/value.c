/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* value.c - readers for the kinds of values that several keys share */
#include "store/value.h"

#include "base/clock.h"
#include "base/name.h"
#include "model/port.h"

#include <string.h>

#define DAY (24 * 60 * 60 * L3VM_SECOND)

const char *const l3vm_mode_words[] = {
	[L3VM_MODE_ROUTED] = "routed",
	[L3VM_MODE_BRIDGE] = "bridge",
};

const char *const l3vm_cover_words[] = {
	[L3VM_COVER_NONE] = "none",
	[L3VM_COVER_UNREACHABLE] = "unreachable",
	[L3VM_COVER_BLACKHOLE] = "blackhole",
};

const char *const l3vm_derive_words[] = {
	[L3VM_DERIVE_MAC4] = "mac4",
	[L3VM_DERIVE_EUI64] = "eui64",
	[L3VM_DERIVE_EMBED4] = "embed4",
};

/* The error lists all words: short of the manual, that is the best help. */
bool l3vm_value_word(const L3vmValue *value, const char *const *words, size_t n,
		     unsigned *index, GError **error)
{
	g_autofree char *hint = NULL;
	g_autoptr(GString) all = g_string_new(NULL);

	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(value->text, words[i])) {
			*index = i;
			return true;
		}
		g_string_append_printf(all, "%s%s",
				       i == 0	   ? ""
				       : i + 1 < n ? ", "
						   : " or ",
				       words[i]);
	}
	hint = l3vm_did_you_mean(value->text, words, n);
	return l3vm_value_fail(value, error, "must be %s%s", all->str, hint);
}

/* Not "on", "1" or "Yes": one way to write it is one to search for. */
bool l3vm_value_bool(const L3vmValue *value, void *member, GError **error)
{
	static const char *const words[] = { "yes", "no", "true", "false" };
	bool *yes = member;
	unsigned index;

	if (!l3vm_value_word(value, words, G_N_ELEMENTS(words), &index, error))
		return false;
	*yes = index % 2 == 0;
	return true;
}

/* Neither sign nor space, and no octal: "010" is ten. */
bool l3vm_parse_u32(const char *text, uint32_t *number)
{
	bool hex = g_str_has_prefix(text, "0x");
	guint64 parsed;

	if (!g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0,
					UINT32_MAX, &parsed, NULL))
		return false;
	*number = (uint32_t)parsed;
	return true;
}

bool l3vm_value_u32(const L3vmValue *value, void *member, GError **error)
{
	if (!l3vm_parse_u32(value->text, member))
		return l3vm_value_fail(value, error, "must be a number up to %u",
				       UINT32_MAX);
	return true;
}

/*
 * The unit is not optional: some programs take a bare number for seconds, others
 * for milliseconds, and a wrong hold time is noticed only when a migration loses
 * packets.
 */
bool l3vm_value_duration(const L3vmValue *value, void *member, GError **error)
{
	static const struct {
		const char *name;
		int64_t usec;
	} units[] = {
		{ "ms", L3VM_SECOND / 1000 },
		{ "s", L3VM_SECOND },
		{ "min", 60 * L3VM_SECOND },
	};
	size_t digits = strspn(value->text, G_CSET_DIGITS);
	g_autofree char *count = g_strndup(value->text, digits);
	int64_t *usec = member;
	uint32_t number;

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (strcmp(value->text + digits, units[i].name) ||
		    !l3vm_parse_u32(count, &number))
			continue;
		/* 2^32 minutes in microseconds still fit 63 bits. */
		if (number * units[i].usec > DAY)
			break;
		*usec = number * units[i].usec;
		return true;
	}
	return l3vm_value_fail(value, error,
			       "must be a time up to a day, like 30s, 500ms or 2min");
}

bool l3vm_value_mac(const L3vmValue *value, void *member, GError **error)
{
	L3vmMac mac;

	if (!l3vm_mac_parse(value->text, &mac) || !l3vm_mac_is_unicast(&mac))
		return l3vm_value_fail(value, error,
				       "must be a unicast MAC address like "
				       "02:6c:33:76:6d:01");
	*(L3vmMac *)member = mac;
	return true;
}

/* A string of which one of base/name.h's predicates is true. */
static bool read_name(const L3vmValue *value, bool (*is_valid)(const char *),
		      const char *what, char **name, GError **error)
{
	if (!is_valid(value->text))
		return l3vm_value_fail(value, error, "must be %s", what);
	g_free(*name);
	*name = g_strdup(value->text);
	return true;
}

bool l3vm_value_ifname(const L3vmValue *value, void *member, GError **error)
{
	return read_name(value, l3vm_ifname_is_valid, "an interface name", member,
			 error);
}

bool l3vm_value_network(const L3vmValue *value, void *member, GError **error)
{
	return read_name(value, l3vm_network_name_is_valid, "the name of a network",
			 member, error);
}

bool l3vm_value_guest(const L3vmValue *value, void *member, GError **error)
{
	return read_name(value, l3vm_guest_name_is_valid, "the name of a guest", member,
			 error);
}

/*
 * "allow =" alone could mean nothing or anything, and somebody would be sure of
 * each; so it means neither.
 */
char **l3vm_value_split(const L3vmValue *value, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_auto(GStrv) parts = g_strsplit_set(value->text, " \t", -1);

	if (*value->text == '\0') {
		l3vm_value_fail(value, error, "must not be empty (leave the key out)");
		return NULL;
	}
	/* Several spaces in a row make empty parts. */
	for (char **part = parts; *part; part++)
		if (**part)
			g_ptr_array_add(words, g_strdup(*part));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* Naming one twice is a slip: the second was meant to be another. */
static bool append_once(GArray *addrs, const L3vmAddr *addr)
{
	for (guint i = 0; i < addrs->len; i++)
		if (l3vm_addr_equal(&g_array_index(addrs, L3vmAddr, i), addr))
			return false;
	g_array_append_val(addrs, *addr);
	return true;
}

/*
 * The list is replaced, not extended: that is how a network overrides what it
 * inherits. Into @list only when all of it is good.
 */
static bool read_list(const L3vmValue *value, bool (*parse)(const char *, L3vmAddr *),
		      const char *what, GArray **list, GError **error)
{
	g_autoptr(GArray) addrs = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	g_auto(GStrv) words = l3vm_value_split(value, error);

	if (!words)
		return false;
	for (char **word = words; *word; word++) {
		L3vmAddr addr;

		if (!parse(*word, &addr))
			return l3vm_value_fail(value, error, "\"%.60s\" is not %s",
					       *word, what);
		if (!append_once(addrs, &addr))
			return l3vm_value_fail(value, error, "\"%.60s\" is there twice",
					       *word);
	}
	if (*list)
		g_array_unref(*list);
	*list = g_steal_pointer(&addrs);
	return true;
}

bool l3vm_value_prefixes(const L3vmValue *value, void *member, GError **error)
{
	return read_list(value, l3vm_prefix_parse,
			 "a prefix like 10.0.0.0/16 or 2001:db8::/48 (separated by "
			 "spaces; bits behind the length are zero)",
			 member, error);
}

bool l3vm_value_addresses(const L3vmValue *value, void *member, GError **error)
{
	return read_list(value, l3vm_addr_parse,
			 "an IPv4 or IPv6 address (separated by spaces; a subnet is a "
			 "prefix)",
			 member, error);
}
