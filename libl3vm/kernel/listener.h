/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listener.h - how well a process can listen to the kernel's routing news */
#ifndef L3VM_KERNEL_LISTENER_H
#define L3VM_KERNEL_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct L3vmListener {
	uint32_t buffer; /* bytes, as SO_RCVBUF has it: twice what was asked for */
	uint32_t drops;	 /* notifications it lost since it listens */
} L3vmListener;

/* Of the socket of @pid that is told of routes, the one with the smallest buffer.
 * False: there is none, or who asks may not look into that process. */
bool l3vm_listener_of(pid_t pid, L3vmListener *listener);

#endif
