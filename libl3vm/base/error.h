/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.h - making errors of the domain L3VM_ERROR */
#ifndef L3VM_BASE_ERROR_H
#define L3VM_BASE_ERROR_H

#include "l3vm.h"

/* Sets @error (may be NULL) and returns false, so callers can return it. */
bool l3vm_fail(GError **error, L3vmError code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* As above with the code that @errnum calls for (EPERM, EACCES: PERMISSION), and
 * with a remedy for it where the text does not end with one in brackets. */
bool l3vm_fail_errno(GError **error, int errnum, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

#endif
