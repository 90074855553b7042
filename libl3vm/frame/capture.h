/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * capture.h - packet sockets on one interface, with their filter
 *
 * A socket is made without a protocol, given its filter, and only then bound: one
 * that is made for all protocols has other interfaces' frames in it before it
 * can be bound (packet(7) does not say so, net/packet/af_packet.c does).
 */
#ifndef L3VM_FRAME_CAPTURE_H
#define L3VM_FRAME_CAPTURE_H

#include "base/addr.h"

#include <time.h>

typedef enum {
	/* what the guest sends: frames that come in with its MAC as source. Bound
	 * to all protocols, since a bridge port's frames are taken by the bridge
	 * before a socket for one protocol sees them */
	L3VM_CAPTURE_FROM_GUEST,
	/* what the guest is sent: IPv4 and IPv6 that goes out to its MAC, with a
	 * struct virtio_net_hdr in front, since it may be a large segment; of other
	 * frames that go out the Ethernet header alone, so that all are counted */
	L3VM_CAPTURE_TO_GUEST,
	/* who asks for a neighbour: ARP requests and neighbour solicitations that
	 * come in, from whomever and for whomever */
	L3VM_CAPTURE_QUESTIONS,
} L3vmCaptureSide;

/* A non-blocking descriptor, with kernel time stamps; -1 with @error. */
int l3vm_capture_open(unsigned ifindex, const L3vmMac *guest, L3vmCaptureSide side,
		      GError **error);

/*
 * One frame into @frame; *@size gets what it had on the wire, which may be more.
 * 0, EAGAIN: none left, or an errno (ENETDOWN: the interface is down or gone; the
 * socket is of no further use once it is gone).
 */
int l3vm_capture_read(int fd, void *frame, size_t room, size_t *size,
		      struct timespec *when);

/* Frames that there was no room for since this was last asked. */
unsigned l3vm_capture_missed(int fd);

#endif
