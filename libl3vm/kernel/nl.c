/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nl.c - one netlink request, one answer */
/* syscalls: ioctl recvmsg sendto */
#include "kernel/nl.h"

#include "base/error.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Repetitions of an interrupted dump before we give up. */
#define DUMP_TRIES   5
/* Seconds to wait for the kernel, which answers requests synchronously. */
#define TIMEOUT	     2
/* More than any datagram the kernel makes for a dump (NLMSG_GOODSIZE: 32 KiB),
 * so that none is truncated. */
#define BUFFER_SIZE  65536
/* More than any request of ours; libnl's default is a page, zeroed each time. */
#define REQUEST_SIZE 512

/* MAX_ERRNO of the kernel's include/linux/err.h. */
#define ERRNO_MAX 4095

typedef struct Channel {
	int fd;
	uint32_t port, sequence;
} Channel;

struct L3vmNl {
	int protocol;
	Channel request, dump; /* the latter closed after a dump that broke off */
	union {
		char bytes[BUFFER_SIZE];
		struct nlmsghdr alignment;
	} buffer;
};

static bool set_option(int fd, int option, GError **error)
{
	int on = 1;

	if (setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on)) == 0)
		return true;
	return l3vm_fail_errno(error, errno,
			       "netlink: option %d: %s "
			       "(a kernel of 5.4 or newer is needed)",
			       option, g_strerror(errno));
}

static void close_channel(Channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

static bool open_channel(Channel *channel, int protocol, GError **error)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct timeval timeout = { .tv_sec = TIMEOUT };
	socklen_t size = sizeof(addr);

	channel->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (channel->fd < 0 ||
	    bind(channel->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(channel->fd, (struct sockaddr *)&addr, &size) ||
	    setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		return l3vm_fail_errno(error, errno, "netlink: %s", g_strerror(errno));
	channel->port = addr.nl_pid; /* chosen by the kernel */
	/* Without strict checking a dump's filter is ignored and every table
	 * would be read; without the others an error has no text. */
	return set_option(channel->fd, NETLINK_EXT_ACK, error) &&
	       set_option(channel->fd, NETLINK_CAP_ACK, error) &&
	       set_option(channel->fd, NETLINK_GET_STRICT_CHK, error);
}

L3vmNl *l3vm_nl_open(int protocol, GError **error)
{
	L3vmNl *nl = g_new(L3vmNl, 1); /* not zeroed: the buffer is large */

	nl->protocol = protocol;
	nl->request = nl->dump = (Channel){ .fd = -1 };
	if (open_channel(&nl->request, protocol, error) &&
	    open_channel(&nl->dump, protocol, error))
		return nl;
	l3vm_nl_close(nl);
	return NULL;
}

void l3vm_nl_close(L3vmNl *nl)
{
	if (!nl)
		return;
	close_channel(&nl->request);
	close_channel(&nl->dump);
	g_free(nl);
}

/* SIOCGIFINDEX is answered on a socket of any family (net/socket.c,
 * sock_do_ioctl()). */
unsigned l3vm_nl_ifindex(const L3vmNl *nl, const char *ifname)
{
	struct ifreq request = { .ifr_ifindex = 0 };

	g_strlcpy(request.ifr_name, ifname, sizeof(request.ifr_name));
	if (ioctl(nl->request.fd, SIOCGIFINDEX, &request))
		return 0;
	return (unsigned)request.ifr_ifindex;
}

struct nl_msg *l3vm_nl_request(int type, int flags, size_t size, void *header)
{
	struct nl_msg *msg = nlmsg_alloc_size(REQUEST_SIZE);
	struct nlmsghdr *message;

	if (!msg ||
	    !(message = nlmsg_put(msg, 0, 0, type, (int)size, flags | NLM_F_REQUEST)))
		g_error("out of memory");
	memset(nlmsg_data(message), 0, size);
	*(void **)header = nlmsg_data(message);
	return msg;
}

static int send_bytes(const Channel *channel, const void *bytes, size_t size)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	while (sendto(channel->fd, bytes, size, 0, (struct sockaddr *)&kernel,
		      sizeof(kernel)) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static void sign(const Channel *channel, struct nlmsghdr *header)
{
	header->nlmsg_seq = channel->sequence;
	header->nlmsg_pid = channel->port;
}

static int send_message(Channel *channel, struct nl_msg *msg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);

	channel->sequence++;
	sign(channel, header);
	return send_bytes(channel, header, header->nlmsg_len);
}

/* One datagram from the kernel (port 0; anybody may send to our port). */
static int receive(L3vmNl *nl, Channel *channel, int *size)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { nl->buffer.bytes, sizeof(nl->buffer) };
		struct msghdr msg = { .msg_name = &from,
				      .msg_namelen = sizeof(from),
				      .msg_iov = &iov,
				      .msg_iovlen = 1 };
		ssize_t n = recvmsg(channel->fd, &msg, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? ETIMEDOUT : errno;
		if (from.nl_pid != 0)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return EMSGSIZE;
		*size = (int)n;
		return 0;
	}
}

/* The kernel's words behind an error or the end of a dump. */
static char *extended_ack(struct nlmsghdr *header, size_t fixed)
{
	struct nlattr *attr;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	attr = nlmsg_find_attr(header, (int)fixed, NLMSGERR_ATTR_MSG);
	return attr ? g_strndup(nla_data(attr), (gsize)nla_len(attr)) : NULL;
}

static void keep_text(char **text, char *words)
{
	if (!text) {
		g_free(words);
		return;
	}
	g_free(*text);
	*text = words;
}

typedef struct Exchange {
	L3vmNlCallback callback;
	void *data;
	char **text;
	bool single; /* over after one answer */
	bool done, interrupted;
	int result;
} Exchange;

static int error_of(struct nlmsghdr *header, size_t minimum)
{
	int32_t code = 0;

	if (nlmsg_datalen(header) < (int)minimum)
		return EBADMSG;
	memcpy(&code, nlmsg_data(header), sizeof(code));
	return code <= 0 && code >= -ERRNO_MAX ? -code : EBADMSG;
}

static void take(Exchange *exchange, struct nlmsghdr *header)
{
	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	if (header->nlmsg_type == NLMSG_ERROR) {
		exchange->done = true;
		/* with NETLINK_CAP_ACK the request's payload is left out */
		exchange->result = error_of(header, sizeof(struct nlmsgerr));
		keep_text(exchange->text,
			  extended_ack(header, sizeof(struct nlmsgerr)));
	} else if (header->nlmsg_type == NLMSG_DONE) {
		exchange->done = true;
		exchange->result = error_of(header, sizeof(int32_t));
		keep_text(exchange->text, extended_ack(header, sizeof(int32_t)));
	} else if (exchange->callback) {
		exchange->callback(header, exchange->data);
		exchange->done = exchange->single;
	}
}

/* Receives until the exchange is over. */
static int converse(L3vmNl *nl, Channel *channel, Exchange *exchange)
{
	while (!exchange->done) {
		struct nlmsghdr *header = &nl->buffer.alignment;
		int size, result = receive(nl, channel, &size);

		if (result)
			return result;
		for (; nlmsg_ok(header, size) && !exchange->done;
		     header = nlmsg_next(header, &size))
			if (header->nlmsg_seq == channel->sequence &&
			    header->nlmsg_pid == channel->port)
				take(exchange, header);
	}
	return exchange->result;
}

int l3vm_nl_talk(L3vmNl *nl, struct nl_msg *msg, L3vmNlCallback callback, void *data,
		 char **text)
{
	Exchange exchange = {
		.callback = callback, .data = data, .text = text, .single = callback
	};
	int result;

	/* a question is acknowledged by its answer, or by an error */
	if (!callback)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	result = send_message(&nl->request, msg);
	return result ? result : converse(nl, &nl->request, &exchange);
}

/* All have one number: any of them can be what an error is about. */
int l3vm_nl_talk_all(L3vmNl *nl, const GPtrArray *messages, char **text)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	Exchange exchange = { .text = text };
	int result;

	nl->request.sequence++;
	for (guint i = 0; i < messages->len; i++) {
		struct nlmsghdr *header = nlmsg_hdr(g_ptr_array_index(messages, i));

		sign(&nl->request, header);
		g_byte_array_append(bytes, (const guint8 *)header,
				    NLMSG_ALIGN(header->nlmsg_len));
	}
	result = send_bytes(&nl->request, bytes->data, bytes->len);
	return result ? result : converse(nl, &nl->request, &exchange);
}

/* A dump that breaks off goes on in the kernel, which starts no other on its socket
 * (EBUSY) until all of it has been read: that needs a new one. */
static int dump_once(L3vmNl *nl, struct nl_msg *msg, Exchange *exchange)
{
	int result;

	if (nl->dump.fd < 0 && !open_channel(&nl->dump, nl->protocol, NULL)) {
		close_channel(&nl->dump);
		return EMFILE;
	}
	result = send_message(&nl->dump, msg);
	if (!result)
		result = converse(nl, &nl->dump, exchange);
	if (!exchange->done)
		close_channel(&nl->dump);
	return result;
}

int l3vm_nl_dump(L3vmNl *nl, struct nl_msg *msg, L3vmNlCallback callback,
		 void (*restart)(void *data), void *data, char **text)
{
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	for (int try = 0; try < DUMP_TRIES; try++) {
		Exchange exchange = { .callback = callback,
				      .data = data,
				      .text = text };
		int result = dump_once(nl, msg, &exchange);

		if (result && result != EINTR)
			return result;
		if (!result && !exchange.interrupted)
			return 0;
		restart(data);
	}
	keep_text(text, g_strdup("they change all the time (nothing was changed; try "
				 "again)"));
	return EINTR;
}
