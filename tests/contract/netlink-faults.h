/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * netlink-faults.h - one thing that goes wrong between this program and the kernel
 *
 * The program's own send and receive functions take the place of the C library's, for
 * libraries too (it is linked with -export-dynamic). What is no netlink socket they
 * leave alone. A timeout on a socket is made short: nobody waits two seconds for what
 * a fault has made away with.
 */
#ifndef TESTS_CONTRACT_NETLINK_FAULTS_H
#define TESTS_CONTRACT_NETLINK_FAULTS_H

#include <stdbool.h>

typedef enum {
	/* what is received ... */
	FAULT_LOST,	    /* is lost, since there is no room for it: ENOBUFS */
	FAULT_INTERRUPTED,  /* is not yet there: EINTR */
	FAULT_LATE,	    /* is not there in time: EAGAIN, and then it is */
	FAULT_TRUNCATED,    /* is cut in the middle */
	FAULT_SEQUENCE,	    /* answers another question */
	FAULT_SENDER,	    /* comes from another process */
	FAULT_INCONSISTENT, /* of a dump: what was dumped has changed meanwhile */
	FAULT_OMITTED,	    /* of a dump: lacks the first entry */
	/* what is sent is not done, and the kernel says why */
	FAULT_REFUSED,
	FAULT_COUNT
} FaultKind;

typedef struct Fault {
	FaultKind kind;
	int errnum;  /* of FAULT_REFUSED */
	unsigned at; /* 0: the first message it can happen to */
} Fault;

void fault_arm(const Fault *fault);
/* No more faults; true if there was one. */
bool fault_disarm(void);

#endif
