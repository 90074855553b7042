/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* announcer.c - the table of backends */
#include "announce/announcer.h"

#include <string.h>

const L3vmAnnouncerOps *const l3vm_announcers[] = {
	&l3vm_announcer_kernel,
	&l3vm_announcer_neighbour,
	&l3vm_announcer_exabgp,
	&l3vm_announcer_exec,
	NULL,
};

const L3vmAnnouncerOps *l3vm_announcer_find(const char *name)
{
	for (size_t i = 0; l3vm_announcers[i]; i++)
		if (!strcmp(l3vm_announcers[i]->name, name))
			return l3vm_announcers[i];
	return NULL;
}
