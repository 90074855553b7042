/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.c - ports as JSON, and the envelope that all records share
 *
 * The reader trusts nothing: a value that a program could not have written is as
 * bad as a missing one, since teardown acts upon what it finds here.
 */
#include "store/json.h"

#include "base/name.h"
#include "model/service.h"
#include "store/value.h"

#include <string.h>

/* --- envelope ----------------------------------------------------------- */

#define SEAL	      ",\"sum\":\"%016" G_GINT64_MODIFIER "x\"}\n"
#define SEAL_SIZE     27 /* of it, filled in */
#define NESTING_LIMIT 8

/*
 * The seal's size is fixed, so that a reader finds it from the end and need not
 * parse what it has not verified.
 *
 * FNV-1a, 64 bits. Each step is a bijection of the sum, so a change within one
 * byte always changes the result, and any other does but once in 2^64. It guards
 * against accidents; against people there are the directory's permissions.
 */
static guint64 checksum(const char *text, size_t size)
{
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++) {
		sum ^= (unsigned char)text[i];
		sum *= G_GUINT64_CONSTANT(0x100000001b3);
	}
	return sum;
}

void l3vm_json_add(json_object *object, const char *key, json_object *value)
{
	if (!value)
		return;
	/* Neither searched for nor copied: this is half of a record's cost. */
	json_object_object_add_ex(object, key, value,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW |
					  JSON_C_OBJECT_KEY_IS_CONSTANT);
}

void l3vm_json_add_string(json_object *object, const char *key, const char *value)
{
	l3vm_json_add(object, key, value ? json_object_new_string(value) : NULL);
}

static void add_int(json_object *object, const char *key, int64_t value)
{
	l3vm_json_add(object, key, json_object_new_int64(value));
}

static void add_bool(json_object *object, const char *key, bool value)
{
	l3vm_json_add(object, key, json_object_new_boolean(value));
}

json_object *l3vm_json_begin(void)
{
	json_object *object = json_object_new_object();

	add_int(object, "version", L3VM_RECORD_VERSION);
	return object;
}

char *l3vm_json_seal(json_object *object, size_t *size)
{
	size_t length;
	const char *text = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&length);
	char *sealed = g_malloc(length + SEAL_SIZE + 1);

	/* The seal takes the place of the closing brace, and brings its own. */
	length--;
	memcpy(sealed, text, length);
	g_snprintf(sealed + length, SEAL_SIZE + 1, SEAL, checksum(text, length));
	*size = length + SEAL_SIZE;
	return sealed;
}

static bool seal_is_right(const char *text, size_t size)
{
	char seal[SEAL_SIZE + 1];

	if (size <= SEAL_SIZE)
		return false;
	size -= SEAL_SIZE;
	g_snprintf(seal, sizeof(seal), SEAL, checksum(text, size));
	return memcmp(text + size, seal, SEAL_SIZE) == 0;
}

/*
 * Strict: json-c by itself takes comments, single quotes and trailing commas, and
 * would let bytes through that are no UTF-8 and end up in our own output.
 */
static json_object *parse(const char *text, size_t size)
{
	json_tokener *tokener = json_tokener_new_ex(NESTING_LIMIT);
	json_object *object;

	json_tokener_set_flags(tokener,
			       JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* The line's newline is not part of the object. */
	object = json_tokener_parse_ex(tokener, text, (int)size - 1);
	json_tokener_free(tokener);
	return object;
}

json_object *l3vm_json_unseal(const char *text, size_t size, const char **why)
{
	g_autoptr(json_object) object = NULL;
	L3vmMembers members = { 0 };

	*why = "damaged, or not written by l3vm";
	if (size > G_MAXINT || !seal_is_right(text, size))
		return NULL;
	object = parse(text, size);
	if (!json_object_is_type(object, json_type_object))
		return NULL;
	members.object = object;
	/* All versions share the seal, so one that is newer can be told apart. */
	l3vm_member_int(&members, "version", L3VM_RECORD_VERSION, L3VM_RECORD_VERSION);
	*why = "written by another version of l3vm";
	return members.bad ? NULL : g_steal_pointer(&object);
}

/* --- members ------------------------------------------------------------ */

json_object *l3vm_member(L3vmMembers *members, const char *key, json_type type)
{
	json_object *value = NULL;

	if (members->bad)
		return NULL;
	json_object_object_get_ex(members->object, key, &value);
	if (json_object_is_type(value, type))
		return value;
	members->bad = key;
	return NULL;
}

const char *l3vm_member_string(L3vmMembers *members, const char *key)
{
	json_object *value = NULL;

	json_object_object_get_ex(members->object, key, &value);
	if (!value)
		return NULL;
	value = l3vm_member(members, key, json_type_string);
	if (!value)
		return NULL;
	/* "a\u0000b" is a string in JSON and something else in C. */
	if (strlen(json_object_get_string(value)) !=
	    (size_t)json_object_get_string_len(value))
		members->bad = key;
	return json_object_get_string(value);
}

bool l3vm_member_bool(L3vmMembers *members, const char *key)
{
	return json_object_get_boolean(l3vm_member(members, key, json_type_boolean));
}

int64_t l3vm_member_int(L3vmMembers *members, const char *key, int64_t min, int64_t max)
{
	json_object *value = l3vm_member(members, key, json_type_int);
	int64_t number = json_object_get_int64(value);

	if (!value)
		return 0;
	if (number < min || number > max)
		members->bad = key;
	return number;
}

/* A check of the caller's own: unless @ok, member @key is bad. */
static void expect(L3vmMembers *members, const char *key, bool ok)
{
	if (!members->bad && !ok)
		members->bad = key;
}

/* An enumeration's name as its index in @names, of which there are @n. */
static unsigned member_enum(L3vmMembers *members, const char *key,
			    const char *const *names, unsigned n)
{
	const char *text = l3vm_member_string(members, key);

	for (unsigned i = 0; text && i < n; i++)
		if (!strcmp(text, names[i]))
			return i;
	expect(members, key, false);
	return 0;
}

/* --- addresses ---------------------------------------------------------- */

/* Addresses without their length, as people write them. */
static json_object *prefix_to_json(const L3vmAddr *addr)
{
	char text[L3VM_ADDR_STRLEN];

	return json_object_new_string(l3vm_addr_is_host(addr)
					      ? l3vm_addr_format(addr, text)
					      : l3vm_prefix_format(addr, text));
}

/* NULL is no list, which differs from an empty one. */
static void add_prefixes(json_object *object, const char *key, const GArray *addrs)
{
	json_object *list = addrs ? json_object_new_array_ext((int)addrs->len) : NULL;

	for (guint i = 0; addrs && i < addrs->len; i++)
		json_object_array_add(
			list, prefix_to_json(&g_array_index(addrs, L3vmAddr, i)));
	l3vm_json_add(object, key, list);
}

static bool prefix_from_json(json_object *value, L3vmAddr *addr)
{
	return json_object_is_type(value, json_type_string) &&
	       l3vm_prefix_parse(json_object_get_string(value), addr);
}

/* Appends a list's prefixes to @addrs; more than @max are a bad member. */
static void read_prefixes(L3vmMembers *members, const char *key, GArray *addrs,
			  size_t max)
{
	json_object *list = l3vm_member(members, key, json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	/* Before the loop: a bound is of use only if it bounds the work. */
	expect(members, key, n <= max);
	for (size_t i = 0; i < n && !members->bad; i++) {
		L3vmAddr addr;

		expect(members, key,
		       prefix_from_json(json_object_array_get_idx(list, i), &addr));
		if (!members->bad)
			g_array_append_val(addrs, addr);
	}
}

/* The same where each must be of full length. */
static void read_hosts(L3vmMembers *members, const char *key, GArray *addrs, size_t max)
{
	read_prefixes(members, key, addrs, max);
	for (guint i = 0; i < addrs->len; i++)
		expect(members, key,
		       l3vm_addr_is_host(&g_array_index(addrs, L3vmAddr, i)));
}

/* A gateway: must be there, and of its family. */
static void read_address(L3vmMembers *members, const char *key, int family,
			 L3vmAddr *addr)
{
	const char *text = l3vm_member_string(members, key);

	expect(members, key,
	       text && l3vm_addr_parse(text, addr) && addr->family == family);
}

static void add_mac(json_object *object, const char *key, const L3vmMac *mac)
{
	char text[L3VM_MAC_STRLEN];

	l3vm_json_add_string(object, key, mac ? l3vm_mac_format(mac, text) : NULL);
}

/* True if the member is there. */
static bool read_mac(L3vmMembers *members, const char *key, L3vmMac *mac)
{
	const char *text = l3vm_member_string(members, key);

	if (!text)
		return false;
	expect(members, key, l3vm_mac_parse(text, mac) && l3vm_mac_is_unicast(mac));
	return true;
}

/* --- a network's settings ----------------------------------------------- */

/* The prefix of a rule that has none is left out. */
static json_object *derive_to_json(const GArray *rules)
{
	json_object *list = rules ? json_object_new_array() : NULL;

	for (guint i = 0; rules && i < rules->len; i++) {
		const L3vmDerive *rule = &g_array_index(rules, L3vmDerive, i);
		json_object *item = json_object_new_object();

		l3vm_json_add_string(item, "kind", l3vm_derive_words[rule->kind]);
		l3vm_json_add(item, "prefix",
			      rule->kind == L3VM_DERIVE_MAC4
				      ? NULL
				      : prefix_to_json(&rule->prefix));
		json_object_array_add(list, item);
	}
	return list;
}

static L3vmDerive derive_from_json(json_object *item, L3vmMembers *outer)
{
	/* Another length would put the MAC's or the address's bytes elsewhere. */
	static const uint8_t lengths[] = {
		[L3VM_DERIVE_MAC4] = 0,
		[L3VM_DERIVE_EUI64] = 64,
		[L3VM_DERIVE_EMBED4] = 96,
	};
	L3vmMembers members = { .object = item };
	L3vmDerive rule = { 0 };
	const char *prefix;

	expect(outer, "derive", json_object_is_type(item, json_type_object));
	if (outer->bad)
		return rule;
	rule.kind = (L3vmDeriveKind)member_enum(&members, "kind", l3vm_derive_words,
						G_N_ELEMENTS(l3vm_derive_words));
	prefix = l3vm_member_string(&members, "prefix");
	expect(&members, "prefix",
	       rule.kind == L3VM_DERIVE_MAC4 ||
		       (prefix && l3vm_prefix_parse(prefix, &rule.prefix) &&
			rule.prefix.family == AF_INET6));
	expect(outer, "derive", !members.bad && rule.prefix.len == lengths[rule.kind]);
	return rule;
}

static GArray *read_derive(L3vmMembers *members)
{
	GArray *rules = g_array_new(FALSE, FALSE, sizeof(L3vmDerive));
	json_object *list = l3vm_member(members, "derive", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n && !members->bad; i++) {
		L3vmDerive rule = derive_from_json(json_object_array_get_idx(list, i),
						   members);

		g_array_append_val(rules, rule);
	}
	return rules;
}

static json_object *strings_to_json(char **strings)
{
	json_object *list = json_object_new_array();

	for (; strings && *strings; strings++)
		json_object_array_add(list, json_object_new_string(*strings));
	return list;
}

static char **read_strings(L3vmMembers *members, const char *key)
{
	json_object *list = l3vm_member(members, key, json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;
	char **strings = g_new0(char *, n + 1);

	for (size_t i = 0; i < n && !members->bad; i++) {
		json_object *item = json_object_array_get_idx(list, i);

		expect(members, key, json_object_is_type(item, json_type_string));
		strings[i] = g_strdup(members->bad ? "" : json_object_get_string(item));
	}
	return strings;
}

/*
 * All of it, though teardown needs but half: `l3vm status` shows a port as it was
 * set up, and reconcile compares it with what the configuration says now.
 */
static json_object *network_to_json(const L3vmNetwork *network)
{
	json_object *object = json_object_new_object();
	char text[L3VM_ADDR_STRLEN];

	l3vm_json_add_string(object, "name", network->name);
	l3vm_json_add_string(object, "mode", l3vm_mode_words[network->mode]);
	l3vm_json_add_string(object, "gateway4",
			     l3vm_addr_format(&network->gateway4, text));
	l3vm_json_add_string(object, "gateway6",
			     l3vm_addr_format(&network->gateway6, text));
	add_mac(object, "gateway_mac", &network->gateway_mac);
	add_prefixes(object, "allow", network->allow);
	add_int(object, "table", network->table);
	add_int(object, "routes_table", network->routes_table);
	add_int(object, "mtu", network->mtu);
	add_bool(object, "proxy_arp", network->proxy_arp);
	add_bool(object, "guard", network->guard);
	add_bool(object, "learn", network->learn);
	add_bool(object, "announce_gateway", network->announce_gateway);
	l3vm_json_add_string(object, "cover", l3vm_cover_words[network->cover]);
	l3vm_json_add_string(object, "bridge", network->bridge);
	l3vm_json_add(object, "derive", derive_to_json(network->derive));
	l3vm_json_add(object, "announce", strings_to_json(network->announce));
	return object;
}

/* Is a member there, and not null? */
static bool has(const L3vmMembers *members, const char *key)
{
	json_object *value = NULL;

	json_object_object_get_ex(members->object, key, &value);
	return value != NULL;
}

/* "allow" absent means any address, and empty means none. */
static void read_lists(L3vmMembers *members, L3vmNetwork *network)
{
	if (has(members, "allow")) {
		network->allow = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
		read_prefixes(members, "allow", network->allow, G_MAXUINT);
	}
	if (has(members, "derive"))
		network->derive = read_derive(members);
	network->announce = read_strings(members, "announce");
}

/* A bridge's name where there must be one, NULL where there must be none. */
static char *read_bridge(L3vmMembers *members, L3vmMode mode)
{
	const char *bridge = l3vm_member_string(members, "bridge");

	if (mode == L3VM_MODE_BRIDGE)
		expect(members, "bridge", bridge && l3vm_ifname_is_valid(bridge));
	else
		expect(members, "bridge", !bridge);
	return g_strdup(bridge);
}

static L3vmNetwork *network_from_json(json_object *object, const char **bad)
{
	g_autoptr(L3vmNetwork) network = g_new0(L3vmNetwork, 1);
	L3vmMembers members = { .object = object };

	network->name = g_strdup(l3vm_member_string(&members, "name"));
	expect(&members, "name",
	       network->name && l3vm_network_name_is_valid(network->name));
	network->mode = (L3vmMode)member_enum(&members, "mode", l3vm_mode_words,
					      G_N_ELEMENTS(l3vm_mode_words));
	read_address(&members, "gateway4", AF_INET, &network->gateway4);
	read_address(&members, "gateway6", AF_INET6, &network->gateway6);
	expect(&members, "gateway_mac",
	       read_mac(&members, "gateway_mac", &network->gateway_mac));
	network->table = (uint32_t)l3vm_member_int(&members, "table", 1, UINT32_MAX);
	network->routes_table = (uint32_t)l3vm_member_int(&members, "routes_table", 0,
							  UINT32_MAX);
	network->mtu = (uint32_t)l3vm_member_int(&members, "mtu", 0, 65535);
	network->proxy_arp = l3vm_member_bool(&members, "proxy_arp");
	network->guard = l3vm_member_bool(&members, "guard");
	network->learn = l3vm_member_bool(&members, "learn");
	network->announce_gateway = l3vm_member_bool(&members, "announce_gateway");
	network->cover = (L3vmCover)member_enum(&members, "cover", l3vm_cover_words,
						G_N_ELEMENTS(l3vm_cover_words));
	network->bridge = read_bridge(&members, network->mode);
	read_lists(&members, network);
	*bad = members.bad;
	return members.bad ? NULL : g_steal_pointer(&network);
}

/* --- a service address -------------------------------------------------- */

static json_object *service_to_json(const L3vmService *service)
{
	json_object *object = json_object_new_object();

	if (service->check)
		l3vm_json_add(object, "check", strings_to_json(service->check));
	add_int(object, "interval", service->interval);
	add_int(object, "rise", service->rise);
	add_int(object, "fall", service->fall);
	add_bool(object, "well", service->well);
	add_bool(object, "drain", service->drain);
	return object;
}

static L3vmService *service_from_json(json_object *object)
{
	L3vmMembers members = { .object = object };
	g_autoptr(L3vmService) service = g_new0(L3vmService, 1);

	if (has(&members, "check"))
		service->check = read_strings(&members, "check");
	service->interval = (unsigned)l3vm_member_int(&members, "interval", 0,
						      L3VM_SERVICE_INTERVAL_MAX);
	service->rise = (unsigned)l3vm_member_int(&members, "rise", 0,
						  L3VM_SERVICE_COUNT_MAX);
	service->fall = (unsigned)l3vm_member_int(&members, "fall", 0,
						  L3VM_SERVICE_COUNT_MAX);
	service->well = l3vm_member_bool(&members, "well");
	service->drain = l3vm_member_bool(&members, "drain");
	return members.bad || !l3vm_service_is_valid(service)
		       ? NULL
		       : g_steal_pointer(&service);
}

/* --- a port ------------------------------------------------------------- */

/* One form for ports and for NICs that only wait for an interface: the members
 * that a NIC has no use for are then empty. */

void l3vm_json_add_port(json_object *object, const L3vmPort *port)
{
	l3vm_json_add_string(object, "guest", port->guest);
	l3vm_json_add_string(object, "uuid", port->uuid);
	l3vm_json_add_string(object, "ifname", port->ifname);
	add_mac(object, "mac", port->has_mac ? &port->mac : NULL);
	l3vm_json_add_string(object, "network", port->network);
	add_prefixes(object, "addresses", port->addresses);
	add_prefixes(object, "prefixes", port->prefixes);
	/* only Ganeti's have any */
	add_prefixes(object, "gateways", port->gateways->len ? port->gateways : NULL);
	l3vm_json_add_string(object, "table", port->table);
	if (port->guard_allow->len)
		add_prefixes(object, "guard_allow", port->guard_allow);
	l3vm_json_add_string(object, "hint_bridge", port->hint_bridge);
	l3vm_json_add_string(object, "hint_network", port->hint_network);
	add_bool(object, "optional", port->optional);
	add_int(object, "ifindex", port->ifindex);
	l3vm_json_add_string(object, "state", l3vm_state_name(port->state));
	add_int(object, "since", port->since);
	add_int(object, "generation", port->generation);
	l3vm_json_add(object, "net", port->net ? network_to_json(port->net) : NULL);
	if (port->service)
		l3vm_json_add(object, "service", service_to_json(port->service));
	if (port->was) {
		json_object *was = json_object_new_object();

		l3vm_json_add_port(was, port->was);
		l3vm_json_add(object, "was", was);
	}
}

/* What the caller of l3vm_attach() described. */
static void read_description(L3vmMembers *members, L3vmPort *port)
{
	const char *ifname = l3vm_member_string(members, "ifname");
	const char *network = l3vm_member_string(members, "network");
	const char *table = l3vm_member_string(members, "table");

	expect(members, "table", !table || l3vm_port_set_table(port, table, NULL));
	expect(members, "ifname", !ifname || l3vm_port_set_ifname(port, ifname, NULL));
	expect(members, "network",
	       !network || l3vm_port_set_network(port, network, NULL));
	port->has_mac = read_mac(members, "mac", &port->mac);
	read_hosts(members, "addresses", port->addresses, L3VM_MAX_ADDRESSES);
	read_prefixes(members, "prefixes", port->prefixes, L3VM_MAX_PREFIXES);
	if (has(members, "gateways"))
		read_hosts(members, "gateways", port->gateways, L3VM_MAX_GATEWAYS);
	if (has(members, "guard_allow"))
		read_prefixes(members, "guard_allow", port->guard_allow,
			      L3VM_MAX_PREFIXES);
	l3vm_port_set_hint(port, l3vm_member_string(members, "hint_bridge"),
			   l3vm_member_string(members, "hint_network"));
	port->optional = l3vm_member_bool(members, "optional");
}

/* What the engine made of it. */
static void read_resolution(L3vmMembers *members, L3vmPort *port)
{
	const char *state = l3vm_member_string(members, "state");
	const char *bad;

	port->ifindex = (unsigned)l3vm_member_int(members, "ifindex", 0, INT32_MAX);
	expect(members, "state", state && l3vm_state_parse(state, &port->state));
	port->since = l3vm_member_int(members, "since", 0, INT64_MAX);
	port->generation = (uint32_t)l3vm_member_int(members, "generation", 0,
						     UINT32_MAX);
	if (has(members, "service")) {
		port->service = service_from_json(
			l3vm_member(members, "service", json_type_object));
		expect(members, "service",
		       port->service && l3vm_service_is_named(port));
	}
	if (!has(members, "net"))
		return;
	port->net = network_from_json(l3vm_member(members, "net", json_type_object),
				      &bad);
	expect(members, bad, port->net != NULL);
}

L3vmPort *l3vm_json_port(json_object *object, const char **bad)
{
	L3vmMembers members = { .object = object };
	const char *guest = l3vm_member_string(&members, "guest");
	const char *uuid = l3vm_member_string(&members, "uuid");
	g_autoptr(L3vmPort) port = NULL;

	if (guest && !members.bad)
		port = l3vm_port_new(guest, uuid, NULL);
	*bad = "guest";
	if (!port)
		return NULL;
	read_description(&members, port);
	read_resolution(&members, port);
	/* json-c parses 32 levels at most, so this ends */
	if (has(&members, "was")) {
		port->was = l3vm_json_port(
			l3vm_member(&members, "was", json_type_object), bad);
		expect(&members, "was", port->was && port->was->net);
	}
	*bad = members.bad;
	return members.bad ? NULL : g_steal_pointer(&port);
}
