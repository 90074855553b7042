/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hook.h - what the two hook programs have in common: descriptors, input, errors */
#ifndef L3VM_HOOKS_HOOK_H
#define L3VM_HOOKS_HOOK_H

#include "l3vm.h"

/*
 * A domain that libvirt's RPC can carry has at most 4 MiB of XML
 * (REMOTE_STRING_MAX), so no guest of libvirt's exceeds this.
 */
#define L3VM_HOOK_INPUT_MAX (4U * 1024 * 1024)

/* To be called before anything else: makes sure that nothing reaches stdout. */
void l3vm_hook_begin(void);

/*
 * Reads the XML from @fd up to its end, at most L3VM_HOOK_INPUT_MAX bytes. The
 * text is NUL-terminated and the caller's; NULL with @error if there is more or
 * none at all.
 */
char *l3vm_hook_read(int fd, size_t *size, GError **error);

/* Sets @error (may be NULL) with control characters escaped; returns false. */
bool l3vm_hook_fail(GError **error, L3vmError code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* One line on stderr, "l3vm: " and @text with control characters escaped. */
void l3vm_hook_say(const char *text);

/*
 * @name in double quotes, shortened, for a message; for the caller to free.
 * Names are tenant data of any length.
 */
char *l3vm_hook_quote(const char *name);

#endif
