/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink-guard.c - which of the guard's rules and entries the kernel has
 *
 * What is written through libnftables is read by netlink: text that was made for
 * people would have to be parsed, and one element costs here what it costs to ask
 * for it.
 *
 * A key is its fields one after the other, each filled up to four bytes (the
 * kernel's registers): the index in the host's byte order, or in the network's where
 * keys are ranges, then a MAC or an address as in a packet.
 */
#include "guard/guard.h"
#include "kernel/kernel-netlink.h"
#include "model/guard.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

static const uint8_t nf_families[L3VM_GUARD_FAMILIES] = {
	[L3VM_GUARD_INET] = NFPROTO_INET,
	[L3VM_GUARD_ARP] = NFPROTO_ARP,
	[L3VM_GUARD_BRIDGE_FAMILY] = NFPROTO_BRIDGE,
};

/* The index, and room for an address; a range has two. */
#define FIELDS	 5
#define KEY_SIZE (FIELDS * 4)

typedef struct Key {
	uint8_t family, set;
	uint8_t size; /* of start and of end */
	uint8_t start[KEY_SIZE], end[KEY_SIZE];
} Key;

static bool need_socket(L3vmNetlink *netlink)
{
	if (!netlink->nft)
		netlink->nft = l3vm_nl_open(NETLINK_NETFILTER, NULL);
	return netlink->nft;
}

static struct nl_msg *request(L3vmGuardFamily family, int type)
{
	struct nfgenmsg *header;
	struct nl_msg *msg = l3vm_nl_request(NFNL_SUBSYS_NFTABLES << 8 | type, 0,
					     sizeof(*header), &header);

	header->nfgen_family = nf_families[family];
	header->version = NFNETLINK_V0;
	return msg;
}

/* False: the message is about something else. */
static bool parse(struct nlmsghdr *message, int type, struct nlattr **attrs, int max)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) &&
	       nlmsg_parse(message, sizeof(struct nfgenmsg), attrs, max, NULL) >= 0;
}

/* --- the rules ------------------------------------------------------------- */

/* nft's comment among its notes: type 0, size, text (NFTNL_UDATA_CHAIN_COMMENT). */
static bool has_comment(struct nlattr *notes, const char *comment)
{
	const char *data = notes ? nla_data(notes) : NULL;
	size_t size = strlen(comment) + 1;

	return notes && (size_t)nla_len(notes) >= size + 2 && data[0] == 0 &&
	       (size_t)data[1] == size && !memcmp(data + 2, comment, size);
}

/* Emptied by somebody, a chain counts no rule. */
static void take_chain(struct nlmsghdr *message, void *data)
{
	struct nlattr *attrs[NFTA_CHAIN_MAX + 1];
	bool *loaded = data;

	if (!parse(message, NFT_MSG_NEWCHAIN, attrs, NFTA_CHAIN_MAX))
		return;
	*loaded = has_comment(attrs[NFTA_CHAIN_USERDATA], l3vm_guard_comment) &&
		  attrs[NFTA_CHAIN_USE] && nla_len(attrs[NFTA_CHAIN_USE]) >= 4 &&
		  nla_get_u32(attrs[NFTA_CHAIN_USE]) != 0;
}

/* Every chain that sees packets first. */
static int ask_rules(L3vmNetlink *netlink, bool *loaded)
{
	static const char *const chains[L3VM_GUARD_FAMILIES] = {
		[L3VM_GUARD_INET] = "prerouting",
		[L3VM_GUARD_ARP] = "input",
		[L3VM_GUARD_BRIDGE_FAMILY] = "prerouting",
	};

	*loaded = false;
	if (!need_socket(netlink))
		return EPROTONOSUPPORT;
	for (L3vmGuardFamily family = 0; family < L3VM_GUARD_FAMILIES; family++) {
		g_autoptr(L3vmNlMsg) msg = request(family, NFT_MSG_GETCHAIN);
		int result;

		*loaded = false;
		nla_put_string(msg, NFTA_CHAIN_TABLE, L3VM_GUARD_TABLE);
		nla_put_string(msg, NFTA_CHAIN_NAME, chains[family]);
		result = l3vm_nl_talk(netlink->nft, msg, take_chain, loaded, NULL);
		if (result)
			return result == ENOENT ? 0 : result;
		if (!*loaded)
			break;
	}
	return 0;
}

bool l3vm_netlink_has_guard(L3vmKernel *kernel)
{
	bool loaded;

	return ask_rules((L3vmNetlink *)kernel, &loaded) == 0 && loaded;
}

/* --- keys ------------------------------------------------------------------ */

static size_t put_field(uint8_t *key, size_t at, const void *bytes, size_t size)
{
	memcpy(key + at, bytes, size);
	return at + (size + 3) / 4 * 4;
}

/* All bits behind the length set: the last address of a range. */
static void last_of(const L3vmAddr *prefix, uint8_t bytes[16])
{
	memcpy(bytes, prefix->bytes, 16);
	for (unsigned bit = prefix->len; bit < l3vm_family_bits(prefix->family); bit++)
		bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static uint32_t index_field(L3vmGuardSet set, uint32_t ifindex)
{
	return l3vm_guard_set_is_interval(set) ? htonl(ifindex) : ifindex;
}

static Key key_of(const L3vmObject *entry, const L3vmGuardElement *element)
{
	Key key = { .family = (uint8_t)element->family, .set = (uint8_t)element->set };
	const L3vmAddr *addr = &entry->addr;
	const uint32_t index = index_field(element->set, entry->ifindex);
	size_t size = put_field(key.start, 0, &index, sizeof(index));
	uint8_t last[16];

	memcpy(key.end, key.start, size);
	if (l3vm_guard_set_has_mac(element->set))
		size = put_field(key.start, size, &entry->mac, sizeof(entry->mac));
	if (l3vm_guard_set_has_addr(element->set)) {
		last_of(addr, last);
		put_field(key.end, size, last, l3vm_family_bytes(addr->family));
		size = put_field(key.start, size, addr->bytes,
				 l3vm_family_bytes(addr->family));
	}
	if (!l3vm_guard_set_is_interval(element->set))
		memset(key.end, 0, sizeof(key.end));
	key.size = (uint8_t)size;
	return key;
}

static void put_key(struct nl_msg *msg, int type, const uint8_t *bytes, size_t size)
{
	struct nlattr *nest = nla_nest_start(msg, type | NLA_F_NESTED);

	nla_put(msg, NFTA_DATA_VALUE, (int)size, bytes);
	nla_nest_end(msg, nest);
}

static struct nl_msg *element_message(const Key *key)
{
	struct nl_msg *msg = request(key->family, NFT_MSG_GETSETELEM);
	struct nlattr *list, *element;

	nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, L3VM_GUARD_TABLE);
	nla_put_string(msg, NFTA_SET_ELEM_LIST_SET, l3vm_guard_set_name(key->set));
	list = nla_nest_start(msg, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	element = nla_nest_start(msg, NFTA_LIST_ELEM | NLA_F_NESTED);
	put_key(msg, NFTA_SET_ELEM_KEY, key->start, key->size);
	if (l3vm_guard_set_is_interval(key->set))
		put_key(msg, NFTA_SET_ELEM_KEY_END, key->end, key->size);
	nla_nest_end(msg, element);
	nla_nest_end(msg, list);
	return msg;
}

/* --- elements -------------------------------------------------------------- */

/* What a message tells of one element. */
typedef struct Element {
	Key key;
	char verdict[32]; /* as in L3vmGuardElement; "" if it has none */
	uint64_t packets; /* of its counter */
} Element;

/* Callers differ in what they do with each. */
typedef struct Reader {
	L3vmGuardFamily family;
	L3vmGuardSet set;
	void (*take)(struct Reader *reader, const Element *element);
	void *data;
} Reader;

static bool get_key(struct nlattr *attr, uint8_t bytes[KEY_SIZE], uint8_t *size)
{
	struct nlattr *data[NFTA_DATA_MAX + 1];

	if (!attr || nla_parse_nested(data, NFTA_DATA_MAX, attr, NULL) < 0 ||
	    !data[NFTA_DATA_VALUE] || nla_len(data[NFTA_DATA_VALUE]) > KEY_SIZE)
		return false;
	*size = (uint8_t)nla_len(data[NFTA_DATA_VALUE]);
	memcpy(bytes, nla_data(data[NFTA_DATA_VALUE]), *size);
	return true;
}

static void get_verdict(struct nlattr *attr, char text[32])
{
	struct nlattr *data[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];
	int code;

	if (!attr || nla_parse_nested(data, NFTA_DATA_MAX, attr, NULL) < 0 ||
	    !data[NFTA_DATA_VERDICT] ||
	    nla_parse_nested(verdict, NFTA_VERDICT_MAX, data[NFTA_DATA_VERDICT], NULL) <
		    0 ||
	    !verdict[NFTA_VERDICT_CODE])
		return;
	code = (int)ntohl(nla_get_u32(verdict[NFTA_VERDICT_CODE]));
	if (code == NF_ACCEPT || code == NF_DROP)
		g_strlcpy(text, code == NF_ACCEPT ? "accept" : "drop", 32);
	else if (code == NFT_GOTO && verdict[NFTA_VERDICT_CHAIN])
		g_snprintf(text, 32, "goto %s",
			   nla_get_string(verdict[NFTA_VERDICT_CHAIN]));
}

/* The one expression that elements of ours have. */
static uint64_t get_packets(struct nlattr *expression)
{
	struct nlattr *expr[NFTA_EXPR_MAX + 1], *counter[NFTA_COUNTER_MAX + 1];
	uint64_t packets;

	if (!expression ||
	    nla_parse_nested(expr, NFTA_EXPR_MAX, expression, NULL) < 0 ||
	    !expr[NFTA_EXPR_DATA] ||
	    nla_parse_nested(counter, NFTA_COUNTER_MAX, expr[NFTA_EXPR_DATA], NULL) <
		    0 ||
	    !counter[NFTA_COUNTER_PACKETS] ||
	    nla_len(counter[NFTA_COUNTER_PACKETS]) < (int)sizeof(packets))
		return 0;
	memcpy(&packets, nla_data(counter[NFTA_COUNTER_PACKETS]), sizeof(packets));
	return GUINT64_FROM_BE(packets);
}

static void take_element(Reader *reader, struct nlattr *item)
{
	struct nlattr *attrs[NFTA_SET_ELEM_MAX + 1];
	Element element = { .key = { .family = (uint8_t)reader->family,
				     .set = (uint8_t)reader->set } };

	if (nla_parse_nested(attrs, NFTA_SET_ELEM_MAX, item, NULL) < 0 ||
	    !get_key(attrs[NFTA_SET_ELEM_KEY], element.key.start, &element.key.size) ||
	    (l3vm_guard_set_is_interval(reader->set) &&
	     !get_key(attrs[NFTA_SET_ELEM_KEY_END], element.key.end,
		      &element.key.size)))
		return;
	get_verdict(attrs[NFTA_SET_ELEM_DATA], element.verdict);
	element.packets = get_packets(attrs[NFTA_SET_ELEM_EXPR]);
	reader->take(reader, &element);
}

static void take_elements(struct nlmsghdr *message, void *data)
{
	struct nlattr *attrs[NFTA_SET_ELEM_LIST_MAX + 1], *item;
	int left;

	if (!parse(message, NFT_MSG_NEWSETELEM, attrs, NFTA_SET_ELEM_LIST_MAX) ||
	    !attrs[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	nla_for_each_nested (item, attrs[NFTA_SET_ELEM_LIST_ELEMENTS], left)
		take_element(data, item);
}

/* Asks for one element; no answer is no element. */
static int ask_element(L3vmNetlink *netlink, const Key *key, Reader *reader)
{
	g_autoptr(L3vmNlMsg) msg = element_message(key);

	reader->family = key->family;
	reader->set = key->set;
	return l3vm_nl_talk(netlink->nft, msg, take_elements, reader, NULL);
}

/* --- one entry ------------------------------------------------------------- */

static void keep_element(Reader *reader, const Element *element)
{
	*(Element *)reader->data = *element;
}

static int ask_entry(L3vmNetlink *netlink, const L3vmObject *entry, bool *present)
{
	L3vmGuardElement elements[L3VM_GUARD_ELEMENTS];
	size_t n = l3vm_guard_elements(entry, elements);

	*present = false;
	for (size_t i = 0; i < n; i++) {
		Element element = { .packets = 0 };
		Reader reader = { .take = keep_element, .data = &element };
		const Key key = key_of(entry, &elements[i]);
		int result = ask_element(netlink, &key, &reader);

		if (result)
			return result == ENOENT ? 0 : result;
		if (elements[i].verdict && strcmp(element.verdict, elements[i].verdict))
			return 0;
	}
	*present = true;
	return 0;
}

bool l3vm_netlink_guard_dropped(L3vmKernel *kernel, unsigned ifindex, uint64_t *packets)
{
	L3vmNetlink *netlink = (L3vmNetlink *)kernel;
	const L3vmObject port = { .ifindex = ifindex };
	bool found = false;

	*packets = 0;
	for (L3vmGuardFamily family = 0;
	     need_socket(netlink) && family < L3VM_GUARD_FAMILIES; family++) {
		const L3vmGuardElement dropped = { family, L3VM_GUARD_DROPPED, NULL };
		const Key key = key_of(&port, &dropped);
		Element element = { .packets = 0 };
		Reader reader = { .take = keep_element, .data = &element };

		if (ask_element(netlink, &key, &reader) == 0) {
			*packets += element.packets;
			found = true;
		}
	}
	return found;
}

/* --- all entries ----------------------------------------------------------- */

static guint hash_key(const void *data)
{
	const Key *key = data;
	guint hash = (guint)key->family * 31 + key->set;

	for (size_t i = 0; i < key->size; i++)
		hash = hash * 33 + key->start[i];
	return hash;
}

static gboolean same_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(Key)) == 0;
}

static void collect_element(Reader *reader, const Element *element)
{
	g_hash_table_replace(reader->data, g_memdup2(&element->key, sizeof(Key)),
			     g_strdup(element->verdict));
}

/* Repeated entries replace each other. */
static void keep_all(void *data)
{
	(void)data;
}

/* A family need not have a set, or be loaded at all. */
static int dump_sets(L3vmNetlink *netlink, GHashTable *elements)
{
	for (L3vmGuardFamily family = 0; family < L3VM_GUARD_FAMILIES; family++)
		for (L3vmGuardSet set = 0; set < L3VM_GUARD_SETS; set++) {
			g_autoptr(L3vmNlMsg) msg = request(family, NFT_MSG_GETSETELEM);
			Reader reader = { family, set, collect_element, elements };
			int result;

			if (set == L3VM_GUARD_DROPPED)
				continue; /* for status, one by one */
			nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, L3VM_GUARD_TABLE);
			nla_put_string(msg, NFTA_SET_ELEM_LIST_SET,
				       l3vm_guard_set_name(set));
			result = l3vm_nl_dump(netlink->nft, msg, take_elements,
					      keep_all, &reader, NULL);
			if (result && result != ENOENT)
				return result;
		}
	return 0;
}

/* The bits that the first and the last address of a range share. */
static unsigned range_length(const Key *key, int family)
{
	const uint8_t *start = key->start + 4, *end = key->end + 4;
	unsigned len = 0;

	while (len < l3vm_family_bits(family) &&
	       !((start[len / 8] ^ end[len / 8]) & 0x80 >> len % 8))
		len++;
	return len;
}

/* The entry that an element of this set stands for; false: another set's does. */
static bool entry_of(const Key *key, const char *verdict, L3vmObject *entry)
{
	bool routed = key->family == L3VM_GUARD_INET;
	const uint8_t *field = key->start + 4;
	int family = key->set == L3VM_GUARD_SOURCE4 || key->set == L3VM_GUARD_PREFIX4
			     ? AF_INET
			     : AF_INET6;
	uint32_t index;

	*entry = (L3vmObject){ .kind = L3VM_OBJECT_GUARD_ENTRY,
			       .number = routed ? L3VM_GUARD_ROUTED
						: L3VM_GUARD_BRIDGED,
			       .owned = true };
	memcpy(&index, key->start, sizeof(index));
	entry->ifindex = index_field(key->set, index);
	if (key->family == L3VM_GUARD_ARP)
		return false;
	switch ((L3vmGuardSet)key->set) {
	case L3VM_GUARD_PORTS:
		entry->key = L3VM_GUARD_PORT;
		entry->number = strcmp(verdict, "accept") ? L3VM_GUARD_BRIDGE
							  : L3VM_GUARD_OPEN;
		/* stays with the bridge, which stays */
		entry->owned = entry->number == L3VM_GUARD_OPEN;
		return routed && (entry->number == L3VM_GUARD_OPEN ||
				  !strcmp(verdict, "goto from_bridge"));
	case L3VM_GUARD_MACS:
		entry->key = L3VM_GUARD_PORT;
		memcpy(&entry->mac, field, sizeof(entry->mac));
		return true;
	case L3VM_GUARD_SOURCE4:
	case L3VM_GUARD_SOURCE6:
		entry->key = L3VM_GUARD_SOURCE;
		entry->addr = l3vm_addr_from_bytes(family, field,
						   l3vm_family_bits(family));
		return true;
	case L3VM_GUARD_PREFIX4:
	case L3VM_GUARD_PREFIX6:
		entry->key = L3VM_GUARD_SOURCE;
		entry->addr = l3vm_addr_from_bytes(family, field,
						   range_length(key, family));
		return true;
	case L3VM_GUARD_DROPPED:
	case L3VM_GUARD_LLADDRS:
	case L3VM_GUARD_TARGETS:
	case L3VM_GUARD_SETS:
		break;
	}
	return false;
}

static bool is_whole(const L3vmObject *entry, GHashTable *elements)
{
	L3vmGuardElement parts[L3VM_GUARD_ELEMENTS];
	size_t n = l3vm_guard_elements(entry, parts);

	for (size_t i = 0; i < n; i++) {
		const Key key = key_of(entry, &parts[i]);
		const char *verdict = g_hash_table_lookup(elements, &key);

		if (parts[i].set != L3VM_GUARD_DROPPED &&
		    (!verdict ||
		     (parts[i].verdict && strcmp(verdict, parts[i].verdict))))
			return false;
	}
	return true;
}

/* One of which a part is missing is as good as missing, if it should be there. */
static int observe_all(L3vmNetlink *netlink, const L3vmSet *candidates,
		       L3vmGuardOffer offer, void *data)
{
	g_autoptr(GHashTable)
		elements = g_hash_table_new_full(hash_key, same_key, g_free, g_free);
	int result = dump_sets(netlink, elements);
	void *key, *verdict;
	GHashTableIter iter;
	L3vmObject entry;

	if (result)
		return result;
	g_hash_table_iter_init(&iter, elements);
	while (g_hash_table_iter_next(&iter, &key, &verdict))
		/* an index that is gone is never used again */
		if (entry_of(key, verdict, &entry) &&
		    if_indextoname(entry.ifindex, entry.ifname) &&
		    (!l3vm_set_find(candidates, &entry) || is_whole(&entry, elements)))
			offer(data, &entry);
	return 0;
}

/* --- both ways ------------------------------------------------------------- */

static int observe_one(L3vmNetlink *netlink, const L3vmObject *candidate,
		       L3vmGuardOffer offer, void *data)
{
	L3vmObject o = *candidate;
	bool present = false;
	int result = 0;

	if (o.kind == L3VM_OBJECT_GUARD) {
		result = ask_rules(netlink, &present);
	} else {
		if (!o.ifindex)
			o.ifindex = l3vm_nl_ifindex(netlink->nl, o.ifname);
		if (o.ifindex)
			result = ask_entry(netlink, &o, &present);
	}
	if (present)
		offer(data, &o);
	return result;
}

static bool is_wanted(const L3vmObject *o, L3vmObserve how)
{
	if (o->kind == L3VM_OBJECT_GUARD)
		return true;
	/* a new interface has none, and a bridge is shared */
	return o->kind == L3VM_OBJECT_GUARD_ENTRY &&
	       (how == L3VM_OBSERVE_CANDIDATES ||
		(how == L3VM_OBSERVE_FRESH && o->number == L3VM_GUARD_BRIDGE));
}

int l3vm_netlink_observe_guard(L3vmNetlink *netlink, const L3vmSet *candidates,
			       L3vmObserve how, L3vmGuardOffer offer, void *data)
{
	for (guint i = 0; i < l3vm_set_size(candidates); i++) {
		const L3vmObject *o = l3vm_set_get(candidates, i);
		int result;

		if (!is_wanted(o, how))
			continue;
		result = need_socket(netlink) ? observe_one(netlink, o, offer, data)
					      : EPROTONOSUPPORT;
		if (result)
			return result;
	}
	if (how != L3VM_OBSERVE_ALL || !need_socket(netlink))
		return 0;
	return observe_all(netlink, candidates, offer, data);
}

/* --- changes --------------------------------------------------------------- */

static L3vmGuard *need_guard(L3vmNetlink *netlink)
{
	if (!netlink->guard)
		netlink->guard = l3vm_guard_new();
	return netlink->guard;
}

/* One by one: a part that is not there must not keep the others. */
static void remove_parts(L3vmNetlink *netlink, const L3vmObject *entry)
{
	const L3vmChange removal = { .has_before = true, .before = *entry };
	g_autofree char *commands = l3vm_guard_commands(&removal, NULL);
	g_auto(GStrv) lines = g_strsplit(commands, "\n", -1);

	for (char **line = lines; *line && **line; line++) {
		g_autofree char *text = NULL;

		l3vm_guard_run(need_guard(netlink), *line, &text);
	}
}

static int apply_entry(L3vmNetlink *netlink, const L3vmChange *change, char **text)
{
	const L3vmChange addition = { .has_after = true, .after = change->after };
	g_autofree char *commands = l3vm_guard_commands(change, NULL);
	int result = l3vm_guard_run(need_guard(netlink), commands, text);

	/* not as it was thought to be: half there, or with another verdict that a
	 * lost record has left behind */
	if (result != ENOENT && result != EEXIST)
		return result;
	remove_parts(netlink, change->has_before ? &change->before : &change->after);
	if (!change->has_after)
		return 0;
	g_clear_pointer(&commands, g_free);
	g_clear_pointer(text, g_free);
	commands = l3vm_guard_commands(&addition, NULL);
	return l3vm_guard_run(need_guard(netlink), commands, text);
}

int l3vm_netlink_apply_guard(L3vmNetlink *netlink, const L3vmChange *change,
			     unsigned ifindex, char **text)
{
	L3vmChange with_index = *change;

	if (change->after.kind == L3VM_OBJECT_GUARD)
		return l3vm_guard_run(need_guard(netlink), l3vm_guard_rules, text);
	if (!with_index.before.ifindex)
		with_index.before.ifindex = ifindex;
	if (!with_index.after.ifindex)
		with_index.after.ifindex = ifindex;
	return apply_entry(netlink, &with_index, text);
}

/* Of a known interface: by name it could be another's turn by now. */
static bool joins(const L3vmChange *change)
{
	const L3vmObject *o = change->has_after ? &change->after : &change->before;

	return o->kind == L3VM_OBJECT_GUARD_ENTRY && o->ifindex &&
	       (!change->has_before || change->before.ifindex);
}

guint l3vm_netlink_join_guard(L3vmNetlink *netlink, const L3vmPlan *plan, guint first)
{
	g_autoptr(GString) commands = g_string_new(NULL);
	g_autofree char *text = NULL;
	guint n = 0;

	while (first + n < l3vm_plan_size(plan) &&
	       joins(l3vm_plan_get(plan, first + n))) {
		g_autofree char *lines =
			l3vm_guard_commands(l3vm_plan_get(plan, first + n++), NULL);

		g_string_append(commands, lines);
	}
	if (n < 2 || l3vm_guard_run(need_guard(netlink), commands->str, &text))
		return 0;
	return n;
}
