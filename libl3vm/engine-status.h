/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-status.h - what status, metrics and check share */
#ifndef L3VM_ENGINE_STATUS_H
#define L3VM_ENGINE_STATUS_H

#include "engine.h"

#include <json-c/json.h>

/* The "ports" array of status and, for all of the host, in *@services (may be NULL)
 * that of service addresses; the caller puts them. */
struct json_object *l3vm_status_ports(L3vm *host, const char *guest,
				      struct json_object **services, GError **error);

/* As text; puts @root. */
char *l3vm_json_take(struct json_object *root);

#endif
