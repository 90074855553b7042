/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-qemu.c - a QEMU's command line, as its network script and as the agent reads it:
 * what they find is in it
 */
#include "../../qemu-ifup/cmdline.h"
#include "fuzz.h"

#include <agent.h>
#include <string.h>

static void check_ifup(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmQemu) qemu = l3vm_qemu_parse(text, size, "tap0", &error);

	g_assert(!qemu == !!error);
	if (!qemu) {
		g_assert(fuzz_is_line(error->message));
		return;
	}
	/* a MAC is told with the tap's name, or with a name of the kernel's choice */
	g_assert(!qemu->mac || memmem(text, size, "tap", 3));
	g_assert(!qemu->is_waiting || memmem(text, size, "-incoming", 9));
	g_assert(!qemu->uuid || memmem(text, size, "-uuid", 5));
}

static void check_agent(const char *text, size_t size)
{
	char words[L3VM_MAC_STRLEN];
	g_autofree char *lower = NULL;
	L3vmMac mac;

	for (unsigned index = 0; index < 3; index++) {
		if (!qemu_nic_mac(text, size, index, &mac))
			continue;
		lower = g_malloc(size);
		for (size_t i = 0; i < size; i++)
			lower[i] = g_ascii_tolower(text[i]);
		l3vm_mac_format(&mac, words);
		g_assert(memmem(lower, size, words, strlen(words)));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* as /proc has it, or a file read by GLib: with a NUL behind */
	g_autofree char *text = g_strndup("", size);

	if (size)
		memcpy(text, data, size);
	check_ifup(text, size);
	check_agent(text, size);
	return 0;
}
