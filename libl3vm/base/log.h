/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.h - the library's one way to say something that is not an error
 *
 * Control characters in the text are escaped before it reaches the sink: guest
 * names and metadata are tenant data.
 */
#ifndef L3VM_BASE_LOG_H
#define L3VM_BASE_LOG_H

#include <glib.h>

void l3vm_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
