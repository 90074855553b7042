/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.h - wall-clock time as records keep it, in microseconds since 1970 */
#ifndef L3VM_BASE_CLOCK_H
#define L3VM_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define L3VM_SECOND INT64_C(1000000) /* in microseconds */

int64_t l3vm_now(void);

/* "2026-01-01T00:00:00.000000Z"; @buf has L3VM_TIME_STRLEN bytes. */
#define L3VM_TIME_STRLEN 32
char *l3vm_time_format(int64_t usec, char *buf);
/* With or without a fraction; must end in Z. */
bool l3vm_time_parse(const char *text, int64_t *usec);

#endif
