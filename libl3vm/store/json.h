/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.h - ports as JSON, and the envelope that all records share
 *
 * A record is one JSON object on one line. Its first member is the version of
 * its form, its last one a checksum over all that comes before: what was cut off
 * or changed, by whatever bit, is no record. Members that are not known are
 * passed over, so that a later release may add some.
 */
#ifndef L3VM_STORE_JSON_H
#define L3VM_STORE_JSON_H

#include "model/port.h"

#include <json-c/json.h>

#define L3VM_RECORD_VERSION 1

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

/* A new object with its version in it. */
json_object *l3vm_json_begin(void);
/* @key must be a literal, not yet in @object. NULL is left out: to our reader a
 * member that is not there and one that is null are the same. */
void l3vm_json_add(json_object *object, const char *key, json_object *value);
void l3vm_json_add_string(json_object *object, const char *key, const char *value);
/* @object as a sealed line; its @size is without the NUL. */
char *l3vm_json_seal(json_object *object, size_t *size);
/* NULL with the reason in *@why if @text is not a whole, sealed object. */
json_object *l3vm_json_unseal(const char *text, size_t size, const char **why);

/*
 * Reads members of an object. The first that is missing or not of its type is
 * remembered and makes all that follow worthless, so that one check at the end
 * is enough (compare frame/cursor.h).
 */
typedef struct L3vmMembers {
	json_object *object;
	const char *bad; /* the first bad member's name, or NULL */
} L3vmMembers;

json_object *l3vm_member(L3vmMembers *members, const char *key, json_type type);
/* May be null or absent: then NULL. */
const char *l3vm_member_string(L3vmMembers *members, const char *key);
bool l3vm_member_bool(L3vmMembers *members, const char *key);
int64_t l3vm_member_int(L3vmMembers *members, const char *key, int64_t min,
			int64_t max);

/* A port, with its network's settings if it has them. */
void l3vm_json_add_port(json_object *object, const L3vmPort *port);
/* NULL with the bad member's name in *@bad. */
L3vmPort *l3vm_json_port(json_object *object, const char **bad);

#endif
