/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* announcer.c - the table of backends */
#include "announce/announcer.h"

#include <string.h>

static const L3vmAnnouncer *const announcers[] = {
	&l3vm_announcer_kernel,
};

const L3vmAnnouncer *l3vm_announcer_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(announcers); i++)
		if (!strcmp(announcers[i]->name, name))
			return announcers[i];
	return NULL;
}
