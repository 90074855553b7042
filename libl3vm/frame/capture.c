/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* capture.c - packet sockets on one interface, with their filter */
/* syscalls: bind close getsockopt recvmsg setsockopt socket */
#include "frame/capture.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/* Offsets in an Ethernet header: a MAC is compared as four bytes and two. */
#define DESTINATION 0
#define SOURCE	    6
#define ETHERTYPE   12

/* Bytes of a frame that are kept: evidence needs the headers only. */
#define EVIDENCE_SNAP 128
#define WHOLE_FRAME   0x40000

#define NEIGHBOUR_SOLICITATION 135 /* RFC 4861 4.3 */

static uint32_t high4(const L3vmMac *mac)
{
	const uint8_t *b = mac->bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t low2(const L3vmMac *mac)
{
	return (uint32_t)mac->bytes[4] << 8 | mac->bytes[5];
}

static int attach(int fd, struct sock_filter *code, size_t n)
{
	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Frames with the guest's MAC as source. */
static int filter_from_guest(int fd, const L3vmMac *guest)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SOURCE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high4(guest), 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SOURCE + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low2(guest), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, EVIDENCE_SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, G_N_ELEMENTS(code));
}

/* IPv4 and IPv6 going out to the guest's MAC; of anything else that goes out no more
 * than that it did. */
static int filter_to_guest(int fd, const L3vmMac *guest)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 9),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DESTINATION),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high4(guest), 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, DESTINATION + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low2(guest), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, WHOLE_FRAME),
		BPF_STMT(BPF_RET | BPF_K, ETH_HLEN),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, G_N_ELEMENTS(code));
}

/* ARP requests; ICMPv6 of type 135 right behind the IPv6 header (RFC 6980). */
static int filter_questions(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETH_HLEN + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 5, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 40),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NEIGHBOUR_SOLICITATION, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, EVIDENCE_SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return attach(fd, code, G_N_ELEMENTS(code));
}

static int set_filter(int fd, const L3vmMac *guest, L3vmCaptureSide side)
{
	switch (side) {
	case L3VM_CAPTURE_FROM_GUEST:
		return filter_from_guest(fd, guest);
	case L3VM_CAPTURE_TO_GUEST:
		return filter_to_guest(fd, guest);
	case L3VM_CAPTURE_QUESTIONS:
		return filter_questions(fd);
	}
	return -1;
}

/* The solicited-node groups of guests are not this host's: without this the network
 * card would not take their frames. */
static int take_all_groups(int fd, unsigned ifindex)
{
	struct packet_mreq all = { .mr_ifindex = (int)ifindex,
				   .mr_type = PACKET_MR_ALLMULTI };

	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all));
}

/* What comes to a busy guest while we do not run, some 30 ms of 1 Gbit/s. */
static void enlarge_buffer(int fd)
{
	int size = 4 * 1024 * 1024;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int set_up(int fd, unsigned ifindex, const L3vmMac *guest, L3vmCaptureSide side)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETH_P_ALL),
				    .sll_ifindex = (int)ifindex };
	int on = 1;
	int failed = set_filter(fd, guest, side);

	if (side == L3VM_CAPTURE_TO_GUEST) {
		enlarge_buffer(fd);
		if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
			return errno;
	}
	if (failed || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
		return errno;
	if (side == L3VM_CAPTURE_QUESTIONS && take_all_groups(fd, ifindex))
		return errno;
	if (side != L3VM_CAPTURE_TO_GUEST &&
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		return errno;
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ? errno : 0;
}

int l3vm_capture_open(unsigned ifindex, const L3vmMac *guest, L3vmCaptureSide side,
		      GError **error)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result = fd < 0 ? errno : set_up(fd, ifindex, guest, side);

	if (!result)
		return fd;
	if (fd >= 0)
		close(fd);
	l3vm_fail_errno(error, result, "capture on interface %u: %s", ifindex,
			g_strerror(result));
	return -1;
}

static void read_time(struct msghdr *msg, struct timespec *when)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(msg); control; control = CMSG_NXTHDR(msg, control))
		if (control->cmsg_level == SOL_SOCKET &&
		    control->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(when, CMSG_DATA(control), sizeof(*when));
}

int l3vm_capture_read(int fd, void *frame, size_t room, size_t *size,
		      struct timespec *when)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr alignment;
	} control;
	struct iovec iov = { frame, room };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_TRUNC);

	if (n < 0)
		return errno;
	*size = (size_t)n;
	*when = (struct timespec){ 0 };
	read_time(&msg, when);
	return 0;
}

unsigned l3vm_capture_missed(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t size = sizeof(stats);

	/* reading them starts them anew (packet(7)) */
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		return 0;
	return stats.tp_drops;
}
