/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netns.h - network namespaces for the test programs, and ip(8) in them */
#ifndef TESTS_CONTRACT_NETNS_H
#define TESTS_CONTRACT_NETNS_H

#include <glib.h>
#include <stdbool.h>

/* Moves this process into a network namespace of its own, in a user namespace
 * if it has to be. False, and TAP's reason on stdout: impossible here. */
bool netns_begin(void);
/* Into another, new one; the old one ends with its last process. */
void netns_renew(void);

/* Runs a command without a shell; fails the test if it fails. */
void run(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Its standard output, for the caller to free. */
char *output(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Lines for "ip -batch". */
void run_batch(const char *lines);

/* One end of a veth pair stands for the tap: down, without an address. */
unsigned netns_add_link(const char *ifname);

#endif
