/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nft.c - elements of the guard's sets, as messages of nfnetlink */
#include "kernel/nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

static const uint8_t nf_families[L3VM_GUARD_FAMILIES] = {
	[L3VM_GUARD_INET] = NFPROTO_INET,
	[L3VM_GUARD_ARP] = NFPROTO_ARP,
	[L3VM_GUARD_BRIDGE_FAMILY] = NFPROTO_BRIDGE,
};

struct nl_msg *l3vm_nft_request(L3vmGuardFamily family, int type)
{
	struct nfgenmsg *header;
	struct nl_msg *msg = l3vm_nl_request(NFNL_SUBSYS_NFTABLES << 8 | type, 0,
					     sizeof(*header), &header);

	header->nfgen_family = nf_families[family];
	header->version = NFNETLINK_V0;
	return msg;
}

bool l3vm_nft_parse(struct nlmsghdr *message, int type, struct nlattr **attrs, int max)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) &&
	       nlmsg_parse(message, sizeof(struct nfgenmsg), attrs, max, NULL) >= 0;
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

uint32_t l3vm_nft_index(L3vmGuardSet set, uint32_t ifindex)
{
	return l3vm_guard_set_is_interval(set) ? htonl(ifindex) : ifindex;
}

L3vmNftKey l3vm_nft_key(const L3vmObject *entry, const L3vmGuardElement *element)
{
	L3vmNftKey key = { .family = (uint8_t)element->family,
			   .set = (uint8_t)element->set };
	const L3vmAddr *addr = &entry->addr;
	const uint32_t index = l3vm_nft_index(element->set, entry->ifindex);
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

/* A verdict is "accept", "drop" or "goto CHAIN" (model/guard.c). */
static void put_verdict(struct nl_msg *msg, const char *text)
{
	struct nlattr *data = nla_nest_start(msg, NFTA_SET_ELEM_DATA | NLA_F_NESTED);
	struct nlattr *verdict = nla_nest_start(msg, NFTA_DATA_VERDICT | NLA_F_NESTED);
	const bool jumps = g_str_has_prefix(text, "goto ");
	const int code = jumps ? NFT_GOTO : strcmp(text, "drop") ? NF_ACCEPT : NF_DROP;

	nla_put_u32(msg, NFTA_VERDICT_CODE, htonl((uint32_t)code));
	if (jumps)
		nla_put_string(msg, NFTA_VERDICT_CHAIN, text + strlen("goto "));
	nla_nest_end(msg, verdict);
	nla_nest_end(msg, data);
}

struct nl_msg *l3vm_nft_element_message(int type, const L3vmNftKey *key,
					const char *verdict)
{
	struct nl_msg *msg = l3vm_nft_request(key->family, type);
	struct nlattr *list, *element;

	nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, L3VM_GUARD_TABLE);
	nla_put_string(msg, NFTA_SET_ELEM_LIST_SET, l3vm_guard_set_name(key->set));
	list = nla_nest_start(msg, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	element = nla_nest_start(msg, NFTA_LIST_ELEM | NLA_F_NESTED);
	put_key(msg, NFTA_SET_ELEM_KEY, key->start, key->size);
	if (l3vm_guard_set_is_interval(key->set))
		put_key(msg, NFTA_SET_ELEM_KEY_END, key->end, key->size);
	if (type == NFT_MSG_NEWSETELEM) {
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_CREATE;
		if (verdict)
			put_verdict(msg, verdict);
	}
	nla_nest_end(msg, element);
	nla_nest_end(msg, list);
	return msg;
}

/* --- transactions ------------------------------------------------------------ */

static struct nl_msg *bound(int type)
{
	struct nfgenmsg *header;
	struct nl_msg *msg = l3vm_nl_request(type, 0, sizeof(*header), &header);

	header->res_id = htons(NFNL_SUBSYS_NFTABLES);
	return msg;
}

int l3vm_nft_commit(L3vmNl *nl, GPtrArray *messages, char **text)
{
	struct nl_msg *last = g_ptr_array_index(messages, messages->len - 1);

	nlmsg_hdr(last)->nlmsg_flags |= NLM_F_ACK;
	g_ptr_array_insert(messages, 0, bound(NFNL_MSG_BATCH_BEGIN));
	g_ptr_array_add(messages, bound(NFNL_MSG_BATCH_END));
	return l3vm_nl_talk_all(nl, messages, text);
}

/* --- elements -------------------------------------------------------------- */

static bool get_key(struct nlattr *attr, uint8_t bytes[L3VM_NFT_KEY_SIZE],
		    uint8_t *size)
{
	struct nlattr *data[NFTA_DATA_MAX + 1];

	if (!attr || nla_parse_nested(data, NFTA_DATA_MAX, attr, NULL) < 0 ||
	    !data[NFTA_DATA_VALUE] ||
	    nla_len(data[NFTA_DATA_VALUE]) > L3VM_NFT_KEY_SIZE)
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

static void take_element(L3vmNftReader *reader, struct nlattr *item)
{
	struct nlattr *attrs[NFTA_SET_ELEM_MAX + 1];
	L3vmNftElement element = { .key = { .family = (uint8_t)reader->family,
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

void l3vm_nft_take_elements(struct nlmsghdr *message, void *data)
{
	struct nlattr *attrs[NFTA_SET_ELEM_LIST_MAX + 1], *item;
	int left;

	if (!l3vm_nft_parse(message, NFT_MSG_NEWSETELEM, attrs,
			    NFTA_SET_ELEM_LIST_MAX) ||
	    !attrs[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	nla_for_each_nested (item, attrs[NFTA_SET_ELEM_LIST_ELEMENTS], left)
		take_element(data, item);
}
