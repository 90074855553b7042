/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine-host.h - a host for the engine's tests: real records, a kernel in memory
 *
 * The networks of its l3vm.conf: default (routed), tenant (routed, table 100,
 * proxy ARP, covers) and lan (bridge br0). What the engine does is judged by
 * two texts: all that the kernel has, and all that is on record.
 */
#ifndef TESTS_UNIT_ENGINE_HOST_H
#define TESTS_UNIT_ENGINE_HOST_H

#include "engine.h"

#include "values.h"

#define UUID1 "4dea22b3-1d52-d8f3-2516-782e98ab3fa1"
#define UUID2 "4dea22b3-1d52-d8f3-2516-782e98ab3fa2"

#define MAC1 "52:54:00:00:00:01"
#define MAC2 "52:54:00:00:00:02"
#define MAC3 "52:54:00:00:00:03"

typedef struct Host {
	char *dir;
	L3vm *l3vm;
	L3vmKernel *kernel;
	GString *warnings; /* a line each */
} Host;

/* cmocka's set-up and tear-down; *state becomes a Host with tap1, tap2, tap3. */
int host_begin(void **state);
int host_end(void **state);
#define host_test(f) cmocka_unit_test_setup_teardown(f, host_begin, host_end)

Host *host_new(void);
void host_free(Host *host);
/* As another process would find it, with @config for its l3vm.conf (NULL: as it
 * is). The kernel stays. */
void host_reopen(Host *host, const char *config);
/* The path below the state directory; valid until the next call. */
const char *host_path(const Host *host, const char *below);

/* "10.0.0.1 2001:db8:1::/64": what has a length is a prefix. NULL: no interface,
 * no MAC, the network default. */
L3vmPort *request(const char *guest, const char *ifname, const char *mac,
		  const char *addresses, const char *network);
/* One port; checked to succeed, or to fail with @code and one clear line, which
 * is then returned for the caller to free. */
void attach(Host *host, L3vmPort *port, L3vmAttachMode mode);
char *refused(Host *host, L3vmPort *port, L3vmError code);
/* The same for what was called directly; @error is an argument of the call, so
 * only its address can be told before the call has returned. */
void assert_ok(bool ok, GError **error);
char *assert_fails(bool ok, GError **error, L3vmError code);
/* All of guest 1, as attached most often: tap1, MAC1, 10.0.0.1, 2001:db8::1. */
L3vmPort *request1(void);

void detach(Host *host, const char *guest);
void notify(Host *host, const char *guest, L3vmPhase phase);

/* What the kernel has; every file of the state directory but the events and the
 * locks. For the caller to free. */
char *kernel_text(const Host *host);
char *record_text(const Host *host);
/* Both. */
char *snapshot(const Host *host);
/* The lines of the kernel's text that hold @words. */
unsigned kernel_count(const Host *host, const char *words);
#define assert_kernel(host, words)    assert_kernel_has(host, words, 1)
#define assert_no_kernel(host, words) assert_kernel_has(host, words, 0)
void assert_kernel_has(const Host *host, const char *words, unsigned n);

L3vmState state_of(Host *host, const char *record);

#endif
