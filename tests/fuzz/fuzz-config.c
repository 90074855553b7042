/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-config.c - l3vm.conf: read whole, or refused with one line that says where */
#include "fuzz.h"

#include <stdio.h>
#include <store/config.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("l3vm.conf", MFD_CLOEXEC);
	g_autoptr(L3vmConfig) config = NULL;
	g_autoptr(GError) error = NULL;
	char path[64];

	g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config = l3vm_config_load(path, &error);
	close(fd);
	g_assert(!config == !!error);
	if (config)
		g_assert(l3vm_config_network(config, "default"));
	else
		g_assert(!strchr(error->message, '\n') &&
			 g_str_has_prefix(error->message, path));
	return 0;
}
