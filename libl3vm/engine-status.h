/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* engine-status.h - what status, metrics and check share */
#ifndef L3VM_ENGINE_STATUS_H
#define L3VM_ENGINE_STATUS_H

#include "engine.h"

#include <json-c/json.h>

/* The "ports" array of status; the caller puts it. */
struct json_object *l3vm_status_ports(L3vm *host, const char *guest, GError **error);

/* As text; puts @root. */
char *l3vm_json_take(struct json_object *root);

#endif
