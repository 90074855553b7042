/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* table.h - names of route tables, as iproute2 has them */
#ifndef L3VM_STORE_TABLE_H
#define L3VM_STORE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Looks @name up in DIR/rt_tables and then DIR/rt_tables.d/ *.conf for each DIR
 * of the NULL-terminated @dirs, in order.
 */
bool l3vm_table_find(const char *const *dirs, const char *name, uint32_t *number);

/* What is wrong with @text, a table's number or name; NULL if it is one that guests'
 * routes may be in: *@table. */
const char *l3vm_table_parse(const char *text, uint32_t *table);

#endif
