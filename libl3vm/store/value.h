/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * value.h - readers for the kinds of values that several keys share
 *
 * All but the helpers at the end have the form that #L3vmKeyReader asks for.
 */
#ifndef L3VM_STORE_VALUE_H
#define L3VM_STORE_VALUE_H

#include "base/addr.h"
#include "model/network.h"
#include "store/keyfile.h"

#include <stdint.h>

/* The words of the configuration and the records for L3vmMode, L3vmCover and
 * L3vmDeriveKind, in their order. */
extern const char *const l3vm_mode_words[2];
extern const char *const l3vm_cover_words[3];
extern const char *const l3vm_derive_words[3];

bool l3vm_value_bool(const L3vmValue *value, void *member, GError **error);
/* Into a uint32_t; decimal, or hexadecimal with 0x. */
bool l3vm_value_u32(const L3vmValue *value, void *member, GError **error);
/* Into an int64_t of microseconds: "500ms", "30s", "2min", at most a day. */
bool l3vm_value_duration(const L3vmValue *value, void *member, GError **error);
/* Into an L3vmMac, unicast. */
bool l3vm_value_mac(const L3vmValue *value, void *member, GError **error);
/* Into a char *. */
bool l3vm_value_ifname(const L3vmValue *value, void *member, GError **error);
bool l3vm_value_network(const L3vmValue *value, void *member, GError **error);
bool l3vm_value_guest(const L3vmValue *value, void *member, GError **error);
/* Into a GArray * of L3vmAddr, replacing what it had. */
bool l3vm_value_prefixes(const L3vmValue *value, void *member, GError **error);
bool l3vm_value_addresses(const L3vmValue *value, void *member, GError **error);

/* The value's index among @words. */
bool l3vm_value_word(const L3vmValue *value, const char *const *words, size_t n,
		     unsigned *index, GError **error);
/* Its parts between spaces, at least one. */
char **l3vm_value_split(const L3vmValue *value, GError **error);
/* "10" or "0x0a", nothing around it. */
bool l3vm_parse_u32(const char *text, uint32_t *number);

#endif
