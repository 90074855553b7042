/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* name.c - which strings may name an interface, a guest or a network */
#include "base/name.h"

#include <glib.h>
#include <net/if.h>
#include <string.h>

bool l3vm_ifname_is_valid(const char *name)
{
	size_t size = strlen(name);

	if (size < 1 || size >= IF_NAMESIZE || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("/%:", *c))
			return false;
	return true;
}

bool l3vm_guest_name_is_valid(const char *name)
{
	size_t size = strlen(name);

	/* 200: with a suffix it still is a file name (NAME_MAX 255) */
	if (size < 1 || size > 200 || name[0] == '.' || strchr(name, '/'))
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return g_utf8_validate(name, -1, NULL);
}

bool l3vm_uuid_is_valid(const char *uuid)
{
	return strlen(uuid) == 36 && g_uuid_string_is_valid(uuid);
}

bool l3vm_network_name_is_valid(const char *name)
{
	size_t size = strlen(name);

	return size >= 1 && size <= 64 &&
	       strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") == size;
}
