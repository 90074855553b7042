/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announce-kernel.c - a daemon on this host learns the routes from the kernel
 *
 * BIRD's `learn`, FRR's `redistribute kernel`. Nothing is sent: the route in
 * the kernel, its protocol number and its metric say it all. Recipes are in
 * examples/.
 */
#include "announce/announcer.h"

const L3vmAnnouncerOps l3vm_announcer_kernel = {
	.name = "kernel",
	.reads_kernel = true,
};
