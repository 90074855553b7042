/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmdline.h - what QEMU's command line says of its guest and of one tap
 *
 * Text in, strings out: no host, no library call. The form of names and MACs is
 * left to the setters of l3vm.h.
 */
#ifndef L3VM_QEMU_IFUP_CMDLINE_H
#define L3VM_QEMU_IFUP_CMDLINE_H

#include "l3vm.h"

typedef struct L3vmQemu {
	char *program;	 /* the file name of argv[0] */
	char *name;	 /* -name, or NULL */
	char *uuid;	 /* -uuid, or NULL */
	char *mac;	 /* of the NIC behind the tap; NULL: not there */
	bool is_waiting; /* -incoming: for a migration, or a saved guest */
} L3vmQemu;

/*
 * Reads @arguments, @size bytes as /proc/PID/cmdline has them and one that is NUL,
 * for the tap @ifname. A tap that is not there at all is no error (it was plugged
 * in); NULL with @error if it cannot be told which NIC has it.
 */
L3vmQemu *l3vm_qemu_parse(const char *arguments, size_t size, const char *ifname,
			  GError **error);
void l3vm_qemu_free(L3vmQemu *qemu);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmQemu, l3vm_qemu_free)

#endif
