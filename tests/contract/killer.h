/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * killer.h - kills a process before a system call of its that may change something
 *
 * The process stops at these calls only (seccomp's RET_TRACE) and runs as fast as
 * ever between them.
 */
#ifndef TESTS_CONTRACT_KILLER_H
#define TESTS_CONTRACT_KILLER_H

#include <stdbool.h>
#include <sys/types.h>

/* In the child: waits until it is watched. False: that is impossible here. */
bool killer_expose(void);

/*
 * Watches the exposed @child to its end. True: it was killed before its @n-th
 * change, counted from 0. False: it ended by itself, with the wait status *@status;
 * it, or what it left running, made *@made changes. Processes that it starts run as
 * they like, and are waited for.
 */
bool killer_watch(pid_t child, unsigned n, unsigned *made, int *status);

#endif
