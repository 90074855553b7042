/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-netlink-guard.c - the guard's rules and entries
 *
 * The rules are loaded by libnftables, once; entries are read and written by
 * netlink: text that was made for people would have to be made and parsed, and
 * libnftables asks for the names of all sets before it adds to one.
 */
#include "guard/guard.h"
#include "kernel/kernel-netlink.h"
#include "kernel/nft.h"

#include <errno.h>
#include <string.h>

/* A socket's send buffer (net.core.wmem_default) takes four times as many. */
#define MESSAGES_MAX 400

static bool need_socket(L3vmNetlink *netlink)
{
	if (!netlink->nft)
		netlink->nft = l3vm_nl_open(NETLINK_NETFILTER, NULL);
	return netlink->nft;
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

	if (!l3vm_nft_parse(message, NFT_MSG_NEWCHAIN, attrs, NFTA_CHAIN_MAX))
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
		g_autoptr(L3vmNlMsg) msg = l3vm_nft_request(family, NFT_MSG_GETCHAIN);
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

/* --- elements -------------------------------------------------------------- */

/* Asks for one element; no answer is no element. */
static int ask_element(L3vmNetlink *netlink, const L3vmNftKey *key,
		       L3vmNftReader *reader)
{
	g_autoptr(L3vmNlMsg)
		msg = l3vm_nft_element_message(NFT_MSG_GETSETELEM, key, NULL);

	reader->family = key->family;
	reader->set = key->set;
	return l3vm_nl_talk(netlink->nft, msg, l3vm_nft_take_elements, reader, NULL);
}

/* --- one entry ------------------------------------------------------------- */

static void keep_element(L3vmNftReader *reader, const L3vmNftElement *element)
{
	*(L3vmNftElement *)reader->data = *element;
}

static int ask_entry(L3vmNetlink *netlink, const L3vmObject *entry, bool *present)
{
	L3vmGuardElement elements[L3VM_GUARD_ELEMENTS];
	size_t n = l3vm_guard_elements(entry, elements);

	*present = false;
	for (size_t i = 0; i < n; i++) {
		L3vmNftElement element = { .packets = 0 };
		L3vmNftReader reader = { .take = keep_element, .data = &element };
		const L3vmNftKey key = l3vm_nft_key(entry, &elements[i]);
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
		const L3vmNftKey key = l3vm_nft_key(&port, &dropped);
		L3vmNftElement element = { .packets = 0 };
		L3vmNftReader reader = { .take = keep_element, .data = &element };

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
	const L3vmNftKey *key = data;
	guint hash = (guint)key->family * 31 + key->set;

	for (size_t i = 0; i < key->size; i++)
		hash = hash * 33 + key->start[i];
	return hash;
}

static gboolean same_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(L3vmNftKey)) == 0;
}

static void collect_element(L3vmNftReader *reader, const L3vmNftElement *element)
{
	g_hash_table_replace(reader->data, g_memdup2(&element->key, sizeof(L3vmNftKey)),
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
			g_autoptr(L3vmNlMsg)
				msg = l3vm_nft_request(family, NFT_MSG_GETSETELEM);
			L3vmNftReader reader = { family, set, collect_element,
						 elements };
			int result;

			if (set == L3VM_GUARD_DROPPED)
				continue; /* for status, one by one */
			nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, L3VM_GUARD_TABLE);
			nla_put_string(msg, NFTA_SET_ELEM_LIST_SET,
				       l3vm_guard_set_name(set));
			result = l3vm_nl_dump(netlink->nft, msg, l3vm_nft_take_elements,
					      keep_all, &reader, NULL);
			if (result && result != ENOENT)
				return result;
		}
	return 0;
}

/* The bits that the first and the last address of a range share. */
static unsigned range_length(const L3vmNftKey *key, int family)
{
	const uint8_t *start = key->start + 4, *end = key->end + 4;
	unsigned len = 0;

	while (len < l3vm_family_bits(family) &&
	       !((start[len / 8] ^ end[len / 8]) & 0x80 >> len % 8))
		len++;
	return len;
}

/* The entry that an element of this set stands for; false: another set's does. */
static bool entry_of(const L3vmNftKey *key, const char *verdict, L3vmObject *entry)
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
	entry->ifindex = l3vm_nft_index(key->set, index);
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
		const L3vmNftKey key = l3vm_nft_key(entry, &parts[i]);
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

static void append_elements(GPtrArray *messages, int type, const L3vmObject *entry)
{
	L3vmGuardElement elements[L3VM_GUARD_ELEMENTS];
	size_t n = l3vm_guard_elements(entry, elements);

	for (size_t i = 0; i < n; i++) {
		const L3vmNftKey key = l3vm_nft_key(entry, &elements[i]);

		g_ptr_array_add(messages, l3vm_nft_element_message(
						  type, &key, elements[i].verdict));
	}
}

static void append_change(GPtrArray *messages, const L3vmChange *change)
{
	if (change->has_before)
		append_elements(messages, NFT_MSG_DELSETELEM, &change->before);
	if (change->has_after)
		append_elements(messages, NFT_MSG_NEWSETELEM, &change->after);
}

static GPtrArray *new_messages(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)nlmsg_free);
}

static int commit_change(L3vmNetlink *netlink, const L3vmChange *change, char **text)
{
	g_autoptr(GPtrArray) messages = new_messages();

	append_change(messages, change);
	return l3vm_nft_commit(netlink->nft, messages, text);
}

/* One by one: a part that is not there must not keep the others. */
static void remove_parts(L3vmNetlink *netlink, const L3vmObject *entry)
{
	g_autoptr(GPtrArray) parts = new_messages();

	append_elements(parts, NFT_MSG_DELSETELEM, entry);
	while (parts->len > 0) {
		g_autoptr(GPtrArray) messages = new_messages();

		g_ptr_array_add(messages, g_ptr_array_steal_index(parts, 0));
		l3vm_nft_commit(netlink->nft, messages, NULL);
	}
}

static int apply_entry(L3vmNetlink *netlink, const L3vmChange *change, char **text)
{
	const L3vmChange addition = { .has_after = true, .after = change->after };
	int result = commit_change(netlink, change, text);

	/* not as it was thought to be: half there, or with another verdict that a
	 * lost record has left behind */
	if (result != ENOENT && result != EEXIST)
		return result;
	remove_parts(netlink, change->has_before ? &change->before : &change->after);
	return change->has_after ? commit_change(netlink, &addition, text) : 0;
}

int l3vm_netlink_apply_guard(L3vmNetlink *netlink, const L3vmChange *change,
			     unsigned ifindex, char **text)
{
	L3vmChange with_index = *change;

	if (change->after.kind == L3VM_OBJECT_GUARD)
		return l3vm_guard_load(text);
	if (!need_socket(netlink))
		return EPROTONOSUPPORT;
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
	g_autoptr(GPtrArray) messages = new_messages();
	guint n = 0;

	while (first + n < l3vm_plan_size(plan) && messages->len < MESSAGES_MAX &&
	       joins(l3vm_plan_get(plan, first + n)))
		append_change(messages, l3vm_plan_get(plan, first + n++));
	if (n < 2 || !need_socket(netlink) ||
	    l3vm_nft_commit(netlink->nft, messages, NULL))
		return 0;
	return n;
}
