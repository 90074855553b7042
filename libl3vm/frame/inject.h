/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject.h - sends whole Ethernet frames out of one interface
 *
 * One unbound packet socket serves all interfaces: it has protocol 0, so it
 * never receives. Frames are paced: at most L3VM_INJECT_RATE a second leave
 * (RFC 4861 and switches' control-plane policers both dislike bursts), at most
 * L3VM_INJECT_BURST without a pause.
 */
#ifndef L3VM_FRAME_INJECT_H
#define L3VM_FRAME_INJECT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define L3VM_INJECT_RATE  100
#define L3VM_INJECT_BURST 8

typedef struct L3vmInjector L3vmInjector;

L3vmInjector *l3vm_injector_new(GError **error);
void l3vm_injector_free(L3vmInjector *injector);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmInjector, l3vm_injector_free)

/* Blocks while the pace asks for it (10 ms a frame). An interface that is gone
 * or down is an error. */
bool l3vm_inject(L3vmInjector *injector, unsigned ifindex, const void *frame,
		 size_t size, GError **error);

/* For who must not be blocked: microseconds until @frames more (at most
 * L3VM_INJECT_BURST) can be sent without a pause. */
int64_t l3vm_injector_wait(const L3vmInjector *injector, unsigned frames);

#endif
