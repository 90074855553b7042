/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent-ganeti.c - which NIC is behind which tap, from QEMU's command line */
#include "agent.h"

#include "values.h"

/* As noded starts it (3.0.2), without what has nothing to do with NICs. A newline
 * stands for the NUL after each part. */
static const char two_nics[] =
	"/usr/bin/qemu-system-x86_64\n-name\ni1.lab.example\n-netdev\n"
	"user,id=net9\n-uuid\n"
	"08ad704a-6df4-452f-8110-1f2fb818887a\n"
	"-netdev\ntype=tap,id=nic-519ad0a5-e406-45ad,fd=10\n-device\n"
	"virtio-net-pci,id=nic-519ad0a5-e406-45ad,bus=pci.0,addr=0xc,"
	"netdev=nic-519ad0a5-e406-45ad,mac=aa:00:00:f1:03:0d\n"
	"-netdev\ntype=tap,id=nic-2b3ce4a5-9b7e-4839,fds=11:12,vhost=on\n-device\n"
	"virtio-net-pci,mq=on,id=nic-2b3ce4a5-9b7e-4839,bus=pci.0,addr=0xd,"
	"netdev=nic-2b3ce4a5-9b7e-4839,mac=aa:00:02:84:29:14\n"
	"-incoming\ntcp:10.77.0.2:8102\n-qmp\n"
	"unix:/run/ganeti/kvm-hypervisor/ctrl/i1.lab.example.kvmd,server,nowait\n";

static bool nic_of(const char *text, unsigned index, L3vmMac *mac)
{
	/* of its very size: what reads beyond it is found */
	gsize size = strlen(text);
	g_autofree char *line = g_malloc(size + 1);
	bool found;

	memcpy(line, text, size + 1);
	for (char *c = line; *c; c++)
		if (*c == '\n')
			*c = '\0';
	found = qemu_nic_mac(line, size, index, mac);
	return found;
}

static void check(const char *text, unsigned index, const char *wanted)
{
	char words[L3VM_MAC_STRLEN] = "";
	L3vmMac mac;

	if (nic_of(text, index, &mac))
		l3vm_mac_format(&mac, words);
	assert_string_equal(words, wanted);
}

static void test_nics(void **state)
{
	(void)state;
	check(two_nics, 0, "aa:00:00:f1:03:0d");
	check(two_nics, 1, "aa:00:02:84:29:14");
	check(two_nics, 2, "");
}

static void test_odd_lines(void **state)
{
	static const struct {
		const char *text, *wanted;
	} vectors[] = {
		{ "", "" },
		{ "qemu\n-netdev\n", "" },
		{ "qemu\n-netdev\ntap,id=a\n-device\n", "" },
		{ "qemu\n-netdev\ntap,id=a\n-device\ne1000,netdev=a\n", "" },
		{ "qemu\n-netdev\ntap,id=a\n-device\ne1000,netdev=a,mac=x\n", "" },
		{ "qemu\n-netdev\ntap,id=a\n-device\ne1000,netdev=ab,mac="
		  "02:00:00:00:00:01\n",
		  "" },
		{ "qemu\n-device\ne1000,netdev=a,mac=02:00:00:00:00:01\n-netdev\n"
		  "tap,fd=3,id=a",
		  "02:00:00:00:00:01" },
		{ "qemu\n-netdev\ntap,fd=3\n-device\ne1000,mac=02:00:00:00:00:01\n",
		  "" },
		{ "qemu\n-netdev\n{\"type\":\"tap\",\"id\":\"a\"}\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
		check(vectors[i].text, 0, vectors[i].wanted);
}

/* Only Ganeti's own, whether its daemon runs or not. */
static void test_monitors(void **state)
{
	const char *folder = L3VM_GANETI_RUNDIR "/kvm-hypervisor/ctrl/";
	g_autofree char *own = g_strconcat(folder, "i1.lab.example.qmp", NULL);

	(void)state;
	assert_true(ganeti_monitor_is_taken(own));
	assert_false(ganeti_monitor_is_taken("/run/qemu/vm1.qmp"));
	assert_false(ganeti_monitor_is_taken("/run/qemu/vm1.kvmd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nics),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_monitors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
