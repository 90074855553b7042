/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bare.h - the kernel's part of an attach, written by hand
 *
 * What `l3vm attach` changes in the kernel for a fresh tap of a network with
 * the built-in settings, on a host that forwards, as the least C that does it:
 * constants, no look at what is there, no undo, no record. tests/bench/run
 * compares the outcome.
 */
#ifndef L3VM_TESTS_BENCH_BARE_H
#define L3VM_TESTS_BENCH_BARE_H

#include <stdbool.h>

/* A socket for bare_attach(). */
int bare_open(void);
/*
 * @at_once: the settings that the kernel takes together go in one request, as
 * l3vm sends them, else each in its own. Ends the program if the kernel refuses
 * anything.
 */
void bare_attach(int fd, bool at_once, const char *ifname, const char *mac,
		 const char *address4, const char *address6);

#endif
