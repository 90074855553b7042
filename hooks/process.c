/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.c - what a guest's QEMU was started for */
#include "process.h"

#include <glib.h>
#include <string.h>

/* libvirt keeps the PID there, for guests of any name (it has no '/'). */
static char *command_line(const char *guest, gsize *size)
{
	g_autofree char *pid_file = g_strdup_printf(L3VM_LIBVIRT_RUNDIR "/qemu/%s.pid",
						    guest);
	g_autofree char *text = NULL;
	g_autofree char *path = NULL;
	char *arguments = NULL;
	guint64 pid;

	if (strchr(guest, '/') || !g_file_get_contents(pid_file, &text, NULL, NULL) ||
	    !g_ascii_string_to_unsigned(g_strchomp(text), 10, 1, G_MAXINT32, &pid,
					NULL))
		return NULL;
	path = g_strdup_printf("/proc/%u/cmdline", (unsigned)pid);
	g_file_get_contents(path, &arguments, size, NULL);
	return arguments;
}

bool l3vm_process_boots(const char *guest)
{
	gsize size = 0;
	g_autofree char *arguments = command_line(guest, &size);

	if (!arguments || !size)
		return false;
	/* NUL-separated, and g_file_get_contents() adds one at the end */
	for (gsize at = 0; at < size; at += strlen(arguments + at) + 1)
		if (!strcmp(arguments + at, "-incoming"))
			return false;
	return true;
}
