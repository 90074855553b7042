/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* section.h - the parts of the configuration that have a file of their own */
#ifndef L3VM_STORE_SECTION_H
#define L3VM_STORE_SECTION_H

#include "store/config.h"
#include "store/keyfile.h"

/* Reads every [network ...] of @file into @config, which has "default". */
bool l3vm_sections_network(const L3vmKeyFile *file, L3vmConfig *config, GError **error);

/* Reads every [announcer ...], before the networks that name them. */
bool l3vm_sections_announcer(const L3vmKeyFile *file, L3vmConfig *config,
			     GError **error);
/* What @config lacks for a network to be announced by @name, or NULL. */
const char *l3vm_announcer_lacks(const L3vmConfig *config, const char *name);
/* NULL-terminated: what `announce` may have. */
extern const char *const l3vm_announcer_words[];

/* Reads every *.conf of @folder into @config; there may be no such folder. */
bool l3vm_sections_nic(const char *folder, L3vmConfig *config, GError **error);
void l3vm_nic_config_free(L3vmNicConfig *nic);

/* For a section that is none of @kinds: names it and the nearest of them. */
bool l3vm_section_unknown(const L3vmKeyFile *file, const L3vmKeyLine *line,
			  const char *const *kinds, size_t n, GError **error);

#endif
