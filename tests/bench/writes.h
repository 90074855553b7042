/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * writes.h - counts and times what this process asks the kernel to change
 *
 * The C library's functions are replaced in front of it, so that libl3vm is
 * counted as it is, and neither a tracer nor its delay is needed.
 */
#ifndef L3VM_TESTS_BENCH_WRITES_H
#define L3VM_TESTS_BENCH_WRITES_H

#include "bench.h"

typedef struct Writes {
	unsigned netlink; /* rtnetlink requests that are no RTM_GET... */
	unsigned files;	  /* opened for writing, renamed, linked or removed */
	/* in the kernel, making changes by rtnetlink or in /proc/sys */
	BenchTime changing;
} Writes;

/* Since the start of the process. */
Writes writes_so_far(void);

#endif
