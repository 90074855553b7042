/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option.h - the value of an option of QEMU: "tap,id=n0,ifname=tap0", or JSON */
#ifndef L3VM_QEMU_IFUP_OPTION_H
#define L3VM_QEMU_IFUP_OPTION_H

#include <glib.h>

/*
 * The keys and values of @text; @implied is the key of a first value without one
 * ("type" of -netdev). What is no string in JSON, and JSON that is none, has no
 * keys: it is QEMU that judges its options, and it does so before it runs us.
 */
GHashTable *l3vm_option_parse(const char *text, const char *implied);

#endif
