/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-ganeti.c - what Ganeti tells: a NIC is a port, not ours, or one line says why
 *
 * The input is an environment, NAME=VALUE a line, in which instances' owners have
 * words; and it is an instance's runtime file. Ganeti's directory is the current one
 * (local.mk).
 */
#include "../../ganeti/node.h"
#include "fuzz.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char config[] = "[network default]\n"
			     "[network lan]\n"
			     "mode = bridge\n"
			     "bridge = br0\n";

static char place[] = "/tmp/l3vm-fuzz-XXXXXX";
static int home; /* where we came from, which seeds may be relative to */

static void leave_place(void)
{
	static const char *const paths[] = {
		"l3vm.conf",
		"kvm-hypervisor/conf/vm1.runtime",
		"kvm-hypervisor/conf",
		"kvm-hypervisor/nic/vm1/0",
		"kvm-hypervisor/nic/vm1",
		"kvm-hypervisor/nic",
		"kvm-hypervisor",
		place,
	};

	g_assert(chdir(place) == 0);
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		g_remove(paths[i]);
}

/* A host with one instance, whose tap is "lo". */
static L3vm *host_get(void)
{
	static L3vm *host;

	if (host)
		return host;
	home = open(".", O_RDONLY | O_CLOEXEC);
	g_assert(home >= 0 && g_mkdtemp(place) && chdir(place) == 0);
	atexit(leave_place);
	g_assert(g_mkdir_with_parents("kvm-hypervisor/nic/vm1", 0700) == 0 &&
		 g_mkdir_with_parents("kvm-hypervisor/conf", 0700) == 0 &&
		 g_file_set_contents("kvm-hypervisor/nic/vm1/0", "lo", -1, NULL) &&
		 g_file_set_contents("l3vm.conf", config, -1, NULL));
	/* what is said of the instance's NICs is thrown away */
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	host = l3vm_new("l3vm.conf", place, NULL);
	g_assert(host);
	return host;
}

static void check_port(const GanetiNic *nic)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmPort) port = ganeti_nic_port(nic, host_get(), &error);

	g_assert(!port || !error);
	g_assert(!error || fuzz_is_line(error->message));
	g_assert(!port || !strcmp(l3vm_port_guest(port), nic->instance));
}

static void check_environment(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) second = NULL;
	GanetiNic nic;

	if (ganeti_nic_of_script(&nic, &error))
		check_port(&nic);
	else
		g_assert(fuzz_is_line(error->message));
	g_assert(ganeti_nic_count() <= 1023);
	if (ganeti_nic_of_hook(&nic, 0, &second))
		check_port(&nic);
	else
		g_assert(fuzz_is_line(second->message));
}

/* Not any: the fuzzer's own must stay. */
static bool is_ganetis(const char *name)
{
	return g_str_has_prefix(name, "GANETI_INSTANCE_") ||
	       (strspn(name, G_CSET_A_2_Z "_46") == strlen(name) &&
		(strstr("INTERFACE_INDEX INSTANCE TAGS MAC IP MODE LINK", name) ||
		 g_str_has_prefix(name, "NETWORK_")));
}

static void with_environment(char **lines)
{
	for (char **line = lines; *line; line++) {
		char *value = strchr(*line, '=');

		if (!value)
			continue;
		*value = '\0';
		if (**line && is_ganetis(*line))
			g_setenv(*line, value + 1, TRUE);
	}
	check_environment();
	for (char **line = lines; *line; line++)
		if (**line && is_ganetis(*line))
			g_unsetenv(*line);
}

static void check_runtime(const uint8_t *data, size_t size)
{
	g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);
	FILE *file = fopen("kvm-hypervisor/conf/vm1.runtime", "we");

	g_assert(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
	/* of one tap at most one NIC can be missing */
	g_assert(ganeti_check_nics(host_get(), none) <= 1);
	__fpurge(stdout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	host_get();
	g_assert(chdir(place) == 0);
	if (size && *data == '[')
		check_runtime(data, size);
	else
		with_environment(lines);
	g_assert(fchdir(home) == 0);
	return 0;
}
