/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nft.h - elements of the guard's sets, as messages of nfnetlink
 *
 * A key is its fields one after the other, each filled up to four bytes (the
 * kernel's registers): the index in the host's byte order, or in the network's where
 * keys are ranges, then a MAC or an address as in a packet.
 */
#ifndef L3VM_KERNEL_NFT_H
#define L3VM_KERNEL_NFT_H

#include "kernel/nl.h"
#include "model/guard.h"

#include <linux/netfilter/nf_tables.h>

/* The index, and room for an address. */
#define L3VM_NFT_KEY_SIZE 20

typedef struct L3vmNftKey {
	uint8_t family, set;
	uint8_t size; /* of start and of end */
	uint8_t start[L3VM_NFT_KEY_SIZE];
	uint8_t end[L3VM_NFT_KEY_SIZE]; /* of a range; else zeros */
} L3vmNftKey;

/* @type: NFT_MSG_...; for the caller to free. */
struct nl_msg *l3vm_nft_request(L3vmGuardFamily family, int type);
/* False: @message is about something else. */
bool l3vm_nft_parse(struct nlmsghdr *message, int type, struct nlattr **attrs, int max);

/* An interface's index as keys of @set have it, and back. */
uint32_t l3vm_nft_index(L3vmGuardSet set, uint32_t ifindex);
L3vmNftKey l3vm_nft_key(const L3vmObject *entry, const L3vmGuardElement *element);

/* @type: NFT_MSG_{GET,NEW,DEL}SETELEM; @verdict: what a map gets, or NULL. */
struct nl_msg *l3vm_nft_element_message(int type, const L3vmNftKey *key,
					const char *verdict);

/* Makes what @messages (of struct nl_msg, at least one) say, all of it or nothing;
 * adds to them what a transaction needs. As l3vm_nl_talk(). */
int l3vm_nft_commit(L3vmNl *nl, GPtrArray *messages, char **text);

/* What a message tells of one element. */
typedef struct L3vmNftElement {
	L3vmNftKey key;
	char verdict[32]; /* as in L3vmGuardElement; "" if it has none */
	uint64_t packets; /* of its counter */
} L3vmNftElement;

/* Callers differ in what they do with each. */
typedef struct L3vmNftReader {
	L3vmGuardFamily family;
	L3vmGuardSet set;
	void (*take)(struct L3vmNftReader *reader, const L3vmNftElement *element);
	void *data;
} L3vmNftReader;

/* For l3vm_nl_talk() and l3vm_nl_dump(). @data: the #L3vmNftReader. */
void l3vm_nft_take_elements(struct nlmsghdr *message, void *data);

#endif
