/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* section-network.c - the [network NAME] sections of l3vm.conf */
#include "store/section.h"

#include "base/error.h"
#include "base/name.h"
#include "store/table.h"
#include "store/value.h"

#include <linux/rtnetlink.h>
#include <string.h>

/* RFC 8200 5: IPv6 needs it on every link, and the kernel takes IPv6 off an
 * interface that has less (net/ipv6/addrconf.c:addrconf_notify()). */
#define MTU_MIN_IPV6 1280
#define MTU_MIN	     68 /* RFC 791 3.2 */
#define MTU_MAX	     65535

/* --- readers ------------------------------------------------------------ */

static bool read_mode(const L3vmValue *value, void *member, GError **error)
{
	unsigned index;

	if (!l3vm_value_word(value, l3vm_mode_words, G_N_ELEMENTS(l3vm_mode_words),
			     &index, error))
		return false;
	*(L3vmMode *)member = (L3vmMode)index;
	return true;
}

static bool read_cover(const L3vmValue *value, void *member, GError **error)
{
	unsigned index;

	if (!l3vm_value_word(value, l3vm_cover_words, G_N_ELEMENTS(l3vm_cover_words),
			     &index, error))
		return false;
	*(L3vmCover *)member = (L3vmCover)index;
	return true;
}

/*
 * A gateway is never routed, so link-local is not only allowed but best; what no
 * host can have is not.
 */
static bool read_gateway(const L3vmValue *value, int family, const char *link_local,
			 L3vmAddr *gateway, GError **error)
{
	const char *why = family == AF_INET ? "not an IPv4 address"
					    : "not an IPv6 address";
	L3vmAddr addr, local;

	if (!l3vm_addr_parse(value->text, &addr) || addr.family != family)
		return l3vm_value_fail(value, error, "%s", why);
	if (!l3vm_addr_is_assignable(&addr, &why) &&
	    !(l3vm_prefix_parse(link_local, &local) &&
	      l3vm_prefix_contains(&local, &addr)))
		return l3vm_value_fail(value, error, "must be a unicast address, is %s",
				       why);
	*gateway = addr;
	return true;
}

/* Two keys, not a list: each network has exactly one of either family. */
static bool read_gateway4(const L3vmValue *value, void *member, GError **error)
{
	return read_gateway(value, AF_INET, "169.254.0.0/16", member, error);
}

static bool read_gateway6(const L3vmValue *value, void *member, GError **error)
{
	return read_gateway(value, AF_INET6, "fe80::/10", member, error);
}

static bool read_table(const L3vmValue *value, void *member, GError **error)
{
	const char *problem = l3vm_table_parse(value->text, member);

	return !problem || l3vm_value_fail(value, error, "%s", problem);
}

/* Of two bounds the lower is for what is no MTU at all, and the other is a rule
 * that not everybody knows: so it has a message of its own. */
static bool read_mtu(const L3vmValue *value, void *member, GError **error)
{
	uint32_t mtu;

	if (!l3vm_parse_u32(value->text, &mtu) || mtu < MTU_MIN || mtu > MTU_MAX)
		return l3vm_value_fail(value, error, "must be a number from %d to %d",
				       MTU_MIN_IPV6, MTU_MAX);
	if (mtu < MTU_MIN_IPV6)
		return l3vm_value_fail(value, error,
				       "IPv6 does not work below %d (RFC 8200)",
				       MTU_MIN_IPV6);
	*(uint32_t *)member = mtu;
	return true;
}

/* --- derive ------------------------------------------------------------- */

/* Lengths of the rules' prefixes: what is behind them the rule fills in. */
static const uint8_t derive_lengths[] = {
	[L3VM_DERIVE_MAC4] = 0, /* has none */
	[L3VM_DERIVE_EUI64] = 64,
	[L3VM_DERIVE_EMBED4] = 96,
};

/* The prefix of a rule; @word may be NULL. */
static bool read_rule_prefix(const char *word, uint8_t len, L3vmAddr *prefix)
{
	return word && l3vm_prefix_parse(word, prefix) && prefix->family == AF_INET6 &&
	       prefix->len == len && l3vm_addr_is_assignable(prefix, NULL);
}

/* One rule from @words; how many of them it took, 0 on error. */
static size_t read_rule(const L3vmValue *value, char **words, L3vmDerive *rule,
			GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(l3vm_derive_words); i++) {
		if (strcmp(words[0], l3vm_derive_words[i]))
			continue;
		*rule = (L3vmDerive){ .kind = (L3vmDeriveKind)i };
		if (!derive_lengths[i])
			return 1;
		if (read_rule_prefix(words[1], derive_lengths[i], &rule->prefix))
			return 2;
		l3vm_value_fail(value, error, "%s needs an IPv6 prefix of length %u",
				words[0], derive_lengths[i]);
		return 0;
	}
	l3vm_value_fail(value, error,
			"\"%.40s\" is not none, mac4, eui64 PREFIX/64 or "
			"embed4 PREFIX/96",
			words[0]);
	return 0;
}

/* NULL for none: then the network derives nothing. */
static void replace_array(GArray **array, GArray *with)
{
	if (*array)
		g_array_unref(*array);
	*array = with;
}

/* Rules apply in their order: embed4 needs the IPv4 address that came before. */
static bool read_derive(const L3vmValue *value, void *member, GError **error)
{
	g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(L3vmDerive));
	g_auto(GStrv) words = l3vm_value_split(value, error);

	if (!words)
		return false;
	if (!strcmp(value->text, "none")) {
		replace_array(member, NULL);
		return true;
	}
	for (char **word = words; *word;) {
		L3vmDerive rule;
		size_t taken = read_rule(value, word, &rule, error);

		if (!taken)
			return false;
		g_array_append_val(rules, rule);
		word += taken;
	}
	replace_array(member, g_steal_pointer(&rules));
	return true;
}

/* --- announce ----------------------------------------------------------- */

static bool check_announcer(const L3vmValue *value, char **words, guint i,
			    GError **error)
{
	g_autofree char *hint = NULL;

	for (guint j = 0; j < i; j++)
		if (!strcmp(words[i], words[j]))
			return l3vm_value_fail(value, error, "\"%.40s\" is there twice",
					       words[i]);
	if (g_strv_contains(l3vm_announcer_words, words[i]))
		return true;
	hint = l3vm_did_you_mean(words[i], l3vm_announcer_words,
				 g_strv_length((char **)l3vm_announcer_words));
	return l3vm_value_fail(value, error, "\"%.40s\" is no announcer%s", words[i],
			       hint);
}

/* "none" leaves an empty list, which differs from the default. */
static bool read_announce(const L3vmValue *value, void *member, GError **error)
{
	g_auto(GStrv) words = l3vm_value_split(value, error);
	char ***announce = member;

	if (!words)
		return false;
	if (!strcmp(value->text, "none"))
		g_clear_pointer(&words[0], g_free);
	for (guint i = 0; words[i]; i++)
		if (!check_announcer(value, words, i, error))
			return false;
	g_strfreev(*announce);
	*announce = g_steal_pointer(&words);
	return true;
}

/* --- sections ----------------------------------------------------------- */

/* In the order of l3vm.conf(5), which describes each. */
#define MEMBER(name) offsetof(L3vmNetwork, name)

static const L3vmKeyReader readers[] = {
	{ "mode", read_mode, MEMBER(mode) },
	{ "gateway4", read_gateway4, MEMBER(gateway4) },
	{ "gateway6", read_gateway6, MEMBER(gateway6) },
	{ "gateway-mac", l3vm_value_mac, MEMBER(gateway_mac) },
	{ "allow", l3vm_value_prefixes, MEMBER(allow) },
	{ "table", read_table, MEMBER(table) },
	{ "routes-table", read_table, MEMBER(routes_table) },
	{ "mtu", read_mtu, MEMBER(mtu) },
	{ "proxy-arp", l3vm_value_bool, MEMBER(proxy_arp) },
	{ "guard", l3vm_value_bool, MEMBER(guard) },
	{ "derive", read_derive, MEMBER(derive) },
	{ "learn", l3vm_value_bool, MEMBER(learn) },
	{ "announce", read_announce, MEMBER(announce) },
	{ "announce-gateway", l3vm_value_bool, MEMBER(announce_gateway) },
	{ "bridge", l3vm_value_ifname, MEMBER(bridge) },
	{ "cover", read_cover, MEMBER(cover) },
};

/* A bridge where there must be one, none where it would mean nothing. */
static bool check_bridge(const L3vmKeyFile *file, const L3vmKeyLine *line,
			 const L3vmNetwork *network, const L3vmConfig *config,
			 GError **error)
{
	const L3vmNetwork *other;

	if (network->mode == L3VM_MODE_ROUTED && network->bridge)
		return l3vm_line_fail(file, line, error,
				      "[%s] has a bridge but mode = routed (say mode = "
				      "bridge, or leave the bridge out)",
				      line->group);
	if (network->mode == L3VM_MODE_BRIDGE && !network->bridge)
		return l3vm_line_fail(
			file, line, error,
			"[%s] has mode = bridge but no bridge (add bridge = "
			"NAME; it is not inherited)",
			line->group);
	other = network->bridge ? l3vm_config_bridge(config, network->bridge) : NULL;
	if (other && strcmp(other->name, network->name))
		return l3vm_line_fail(
			file, line, error,
			"[%s] has bridge = %s, which network %s has already "
			"(each network needs its own)",
			line->group, network->bridge, other->name);
	return true;
}

/* Only in main do a guest's route of the last rank and a daemon's meet. */
static bool check_tables(const L3vmKeyFile *file, const L3vmKeyLine *line,
			 const L3vmNetwork *network, GError **error)
{
	if (!network->routes_table)
		return true;
	if (network->table != RT_TABLE_MAIN)
		return l3vm_line_fail(file, line, error,
				      "[%s] has both table and routes-table (a network "
				      "with a table of its own needs no other)",
				      line->group);
	return network->routes_table != RT_TABLE_MAIN ||
	       l3vm_line_fail(file, line, error,
			      "[%s] has routes-table = main (leave it out)",
			      line->group);
}

static bool check_announcers(const L3vmKeyFile *file, const L3vmKeyLine *line,
			     const L3vmNetwork *network, const L3vmConfig *config,
			     GError **error)
{
	for (char **name = network->announce; name && *name; name++) {
		const char *lacks = l3vm_announcer_lacks(config, *name);

		if (lacks)
			return l3vm_line_fail(file, line, error,
					      "[%s] has announce = %s, which needs %s",
					      line->group, *name, lacks);
	}
	return true;
}

/* Starts as a copy of "default", which is there: as configured, or built in. */
static bool read_section(const L3vmKeyFile *file, const L3vmKeyLine *line,
			 const char *name, L3vmConfig *config, GError **error)
{
	g_autoptr(L3vmNetwork) network =
		l3vm_network_copy(l3vm_config_network(config, "default"), name);

	/* One bridge cannot serve two networks: their guests would be on one LAN. */
	g_clear_pointer(&network->bridge, g_free);
	if (!l3vm_keyfile_read(file, line, readers, G_N_ELEMENTS(readers), network,
			       error) ||
	    !check_bridge(file, line, network, config, error) ||
	    !check_tables(file, line, network, error) ||
	    !check_announcers(file, line, network, config, error))
		return false;
	g_hash_table_replace(config->networks, g_strdup(name), network);
	g_steal_pointer(&network);
	return true;
}

/* "[network  web]" and "[network web]" are one name to us, two to GKeyFile. */
static bool check_name(const L3vmKeyFile *file, const L3vmKeyLine *line,
		       const char *name, const GHashTable *seen, GError **error)
{
	if (!l3vm_network_name_is_valid(name))
		return l3vm_line_fail(
			file, line, error,
			"[%.80s] needs a name (letters, digits, '.', '_' and "
			"'-', at most 64)",
			line->group);
	if (g_hash_table_contains((GHashTable *)seen, name))
		return l3vm_line_fail(file, line, error, "network %s is there twice",
				      name);
	return true;
}

/* The "default" section alone, or all others: they inherit from it, wherever it
 * stands. */
static bool read_sections(const L3vmKeyFile *file, bool is_default, GHashTable *seen,
			  L3vmConfig *config, GError **error)
{
	for (guint i = 0; i < file->lines->len; i++) {
		const L3vmKeyLine *line = l3vm_keyfile_line(file, i);
		const char *name = l3vm_section_name(line->group, "network");

		if (line->key || !name || !strcmp(name, "default") != is_default)
			continue;
		if (!check_name(file, line, name, seen, error) ||
		    !read_section(file, line, name, config, error))
			return false;
		g_hash_table_add(seen, (char *)name);
	}
	return true;
}

bool l3vm_sections_network(const L3vmKeyFile *file, L3vmConfig *config, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	return read_sections(file, true, seen, config, error) &&
	       read_sections(file, false, seen, config, error);
}
