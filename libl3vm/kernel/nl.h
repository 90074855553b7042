/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nl.h - one netlink request, one answer
 *
 * libnl builds and walks the messages; the exchange is ours, because it decides
 * what counts as an error: a reply from anybody but the kernel is ignored, the
 * kernel's extended-ack text is kept, an interrupted dump is repeated and the
 * error inside NLMSG_DONE is an error (net/netlink/af_netlink.c).
 * Requests and dumps have a socket each, so that an aborted dump cannot leave
 * messages between a request and its acknowledgement.
 */
#ifndef L3VM_KERNEL_NL_H
#define L3VM_KERNEL_NL_H

#include <glib.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>

typedef struct L3vmNl L3vmNl;

/* @protocol: NETLINK_ROUTE or NETLINK_NETFILTER. */
L3vmNl *l3vm_nl_open(int protocol, GError **error);
void l3vm_nl_close(L3vmNl *nl);

/* if_nametoindex() without opening a socket for each question. */
unsigned l3vm_nl_ifindex(const L3vmNl *nl, const char *ifname);

/* A request message of @type with @flags beside NLM_F_REQUEST and a zeroed
 * family header of @size bytes, returned through @header. */
struct nl_msg *l3vm_nl_request(int type, int flags, size_t size, void *header);

typedef struct nl_msg L3vmNlMsg;
static inline void l3vm_nlmsg_free(L3vmNlMsg *msg)
{
	nlmsg_free(msg);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmNlMsg, l3vm_nlmsg_free)

/* Called for each answer (of a dump: each entry). */
typedef void (*L3vmNlCallback)(struct nlmsghdr *answer, void *data);

/*
 * Sends @msg and waits for its acknowledgement (or, with @callback, its one
 * answer). Returns 0 or a positive errno; *@text then gets the kernel's own
 * words or NULL, for the caller to free (may be NULL).
 */
int l3vm_nl_talk(L3vmNl *nl, struct nl_msg *msg, L3vmNlCallback callback, void *data,
		 char **text);

/*
 * Sends @messages (of struct nl_msg), in this order, as one datagram; over with the
 * first error, or with the acknowledgement of the one that asks for it (NLM_F_ACK).
 * As l3vm_nl_talk().
 */
int l3vm_nl_talk_all(L3vmNl *nl, const GPtrArray *messages, char **text);

/*
 * Sends a dump request and calls @callback for each entry. A dump that the
 * kernel marks as interrupted is repeated, up to five times; @restart is called
 * before each repetition so that the caller can drop what it collected. Returns
 * 0 or a positive errno; EINTR after the last, with words for *@text (may be NULL).
 */
int l3vm_nl_dump(L3vmNl *nl, struct nl_msg *msg, L3vmNlCallback callback,
		 void (*restart)(void *data), void *data, char **text);

#endif
