/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netlink-faults.c - one thing that goes wrong between this program and the kernel */
#include "netlink-faults.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define STRANGER 4711
#define REQUEST	 65536
#define UNKNOWN	 (NFNL_SUBSYS_NFTABLES << 8 | 0xff)
#define TIMEOUT	 20000 /* microseconds */

static struct {
	Fault fault;
	bool armed, fired;
	unsigned seen;
	int refused; /* the socket that waits for the answer to what was refused */
} faults = { .refused = -1 };

void fault_arm(const Fault *fault)
{
	faults.fault = *fault;
	faults.armed = true;
	faults.fired = false;
	faults.seen = 0;
	faults.refused = -1;
}

bool fault_disarm(void)
{
	faults.armed = false;
	return faults.fired;
}

static bool has_option(int fd, int level, int option, int wanted)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, option, &value, &size) == 0 && value == wanted;
}

static bool is_netlink(int fd)
{
	return has_option(fd, SOL_SOCKET, SO_DOMAIN, AF_NETLINK);
}

/* Ours is strict. libnftables ends the program when a question of its is not answered
 * as it likes, which is then a death like another (test-engine-crash.c). */
static bool is_ours(int fd)
{
	return has_option(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
}

/* This is a message that a fault of @kind can happen to: is it the one? */
static bool is_due(FaultKind kind)
{
	if (!faults.armed || faults.fired || faults.fault.kind != kind ||
	    faults.seen++ != faults.fault.at)
		return false;
	faults.fired = true;
	return true;
}

/* --- receiving ----------------------------------------------------------------- */

static void change_sequence(struct nlmsghdr *header, ssize_t size)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size))
		header->nlmsg_seq += 1000;
}

static void mark_inconsistent(struct nlmsghdr *header, ssize_t size)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size))
		header->nlmsg_flags |= NLM_F_DUMP_INTR;
}

/* The kernel has acknowledged what fault_send() has put in the request's place. */
static void refuse(struct nlmsghdr *header, ssize_t size)
{
	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size))
		if (header->nlmsg_type == NLMSG_ERROR)
			((struct nlmsgerr *)NLMSG_DATA(header))->error =
				-faults.fault.errnum;
}

static bool is_of_dump(const struct nlmsghdr *header)
{
	return header->nlmsg_flags & NLM_F_MULTI && header->nlmsg_type != NLMSG_DONE;
}

/* What has been received, as it is going to be seen. */
static ssize_t spoil(int fd, struct msghdr *msg, ssize_t size)
{
	struct nlmsghdr *header = msg->msg_iov[0].iov_base;
	struct sockaddr_nl *from = msg->msg_name;

	if (fd == faults.refused) {
		refuse(header, size);
		faults.refused = -1;
	}
	if (!is_ours(fd))
		return size;
	if (is_due(FAULT_LOST)) {
		errno = ENOBUFS;
		return -1;
	}
	if (is_due(FAULT_TRUNCATED)) {
		msg->msg_flags |= MSG_TRUNC;
		return size / 2;
	}
	if (is_due(FAULT_SEQUENCE))
		change_sequence(header, size);
	if (from && is_due(FAULT_SENDER))
		from->nl_pid = STRANGER;
	if (is_of_dump(header) && is_due(FAULT_INCONSISTENT))
		mark_inconsistent(header, size);
	if (is_of_dump(header) && is_due(FAULT_OMITTED))
		header->nlmsg_type = NLMSG_NOOP;
	return size;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t size;

	if (faults.armed && is_netlink(fd) && is_ours(fd)) {
		errno = is_due(FAULT_INTERRUPTED) ? EINTR
			: is_due(FAULT_LATE)	  ? EAGAIN
						  : 0;
		if (errno)
			return -1;
	}
	size = syscall(SYS_recvmsg, fd, msg, flags);
	return faults.armed && size > 0 && is_netlink(fd) ? spoil(fd, msg, size) : size;
}

/* --- sending --------------------------------------------------------------------- */

static bool is_question(const struct nlmsghdr *header)
{
	return header->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES ||
	       (header->nlmsg_type & 3) == 2; /* RTM_GET... */
}

/* The kernel does not lie: nobody is told that nothing is there, or that he may not
 * ask, in answer to one question only. */
static bool may_refuse(const struct nlmsghdr *header)
{
	switch (faults.fault.errnum) {
	case ENOENT:
	case ESRCH:
	case ENODEV:
	case EPERM:
		return !is_question(header);
	default:
		return true;
	}
}

/* It is as wished, says the kernel: then it is. */
static bool is_so_already(const struct nlmsghdr *header)
{
	int errnum = faults.fault.errnum;

	if ((header->nlmsg_type & 3) == 0) /* RTM_NEW... */
		return errnum == EEXIST;
	return (header->nlmsg_type & 3) == 1 &&
	       (errnum == ENOENT || errnum == ESRCH || errnum == ENODEV);
}

/* In place of the request goes what does nothing, and is acknowledged. */
ssize_t sendto(int fd, const void *data, size_t size, int flags,
	       const struct sockaddr *to, socklen_t to_size)
{
	_Alignas(struct nlmsghdr) char copy[REQUEST];
	struct nlmsghdr *header = (struct nlmsghdr *)copy;

	if (size <= sizeof(copy) && is_netlink(fd) && is_ours(fd) && may_refuse(data) &&
	    is_due(FAULT_REFUSED)) {
		memcpy(copy, data, size);
		if (!is_so_already(data))
			header->nlmsg_type = NLMSG_NOOP;
		header->nlmsg_flags = (__u16)(header->nlmsg_flags | NLM_F_ACK);
		faults.refused = fd;
		data = copy;
	}
	return syscall(SYS_sendto, fd, data, size, flags, to, to_size);
}

/* A batch is refused as a whole for one message that nobody knows. */
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct nlmsghdr *begin = msg->msg_iov[0].iov_base, *first;
	__u16 type;
	ssize_t sent;

	if (!is_netlink(fd) || begin->nlmsg_type != NFNL_MSG_BATCH_BEGIN ||
	    !is_due(FAULT_REFUSED))
		return syscall(SYS_sendmsg, fd, msg, flags);
	first = (struct nlmsghdr *)((char *)begin + NLMSG_ALIGN(begin->nlmsg_len));
	type = first->nlmsg_type;
	first->nlmsg_type = UNKNOWN;
	faults.refused = fd;
	sent = syscall(SYS_sendmsg, fd, msg, flags);
	first->nlmsg_type = type;
	return sent;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	const struct timeval timeout = { .tv_usec = TIMEOUT };

	if (level == SOL_SOCKET && option == SO_RCVTIMEO && is_netlink(fd))
		value = &timeout;
	return (int)syscall(SYS_setsockopt, fd, level, option, value, size);
}
