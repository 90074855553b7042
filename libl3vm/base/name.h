/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* name.h - which strings may name an interface, a guest or a network */
#ifndef L3VM_BASE_NAME_H
#define L3VM_BASE_NAME_H

#include <stdbool.h>

/*
 * An interface name becomes part of file names under /proc and the state
 * directory: 1 to 15 bytes (IFNAMSIZ), printable ASCII, none of '/', '%', ':'
 * and space, not "." or "..", as net/core/dev.c:dev_valid_name() and stricter.
 */
bool l3vm_ifname_is_valid(const char *name);

/*
 * A guest's name becomes a file name: 1 to 200 bytes of valid UTF-8, no '/'
 * and no control character, not starting with a dot.
 */
bool l3vm_guest_name_is_valid(const char *name);

/* 36 characters, hexadecimal with hyphens (RFC 4122 3). */
bool l3vm_uuid_is_valid(const char *uuid);

/* A network's: 1 to 64 of letters, digits, '.', '_' and '-'. */
bool l3vm_network_name_is_valid(const char *name);

#endif
