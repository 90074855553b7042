/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-engine-find.c - whose a new interface is, by its name and its MAC */
#include "engine.h"

#include "engine-host.h"

/* tap2 as libvirt makes it: its MAC the NIC's with another first byte. */
static void appear(Host *host, const char *text)
{
	L3vmObject mac = mac_on(L3VM_OBJECT_MAC, "tap2", text);

	mac.ifindex = 2;
	l3vm_kernel_fake_add_foreign(host->kernel, &mac);
}

/* A guest with a NIC on tap1, and the description of another, of @mac. */
static void start(Host *host, const char *guest, const char *mac)
{
	g_autoptr(L3vmPort) first = request(guest, "tap1", MAC1, "10.0.0.1", NULL);
	g_autoptr(L3vmPort)
		second = request(guest, NULL, mac, "10.0.0.2 2001:db8::2", NULL);
	L3vmPort *ports[] = { first, second };
	g_autoptr(GError) error = NULL;

	l3vm_port_set_optional(first, true);
	l3vm_port_set_optional(second, true);
	assert_ok(l3vm_attach(host->l3vm, ports, 2, L3VM_ATTACH_START, &error), &error);
}

static void put_section(Host *host, const char *text)
{
	g_autofree char *folder = g_strdup_printf("%s/guests.d", host->dir);
	g_autofree char *file = g_strdup_printf("%s/a.conf", folder);

	g_mkdir_with_parents(folder, 0755);
	assert_true(g_file_set_contents(file, text, -1, NULL));
	host_reopen(host, NULL);
}

static L3vmPort *find(Host *host)
{
	g_autoptr(GError) error = NULL;
	L3vmPort *port = l3vm_find_port(host->l3vm, "tap2", &error);

	assert_null(error);
	return port;
}

static void described(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = NULL;

	start(host, "vm1", MAC2);
	appear(host, "fe:54:00:00:00:02");
	port = find(host);
	assert_non_null(port);
	assert_string_equal(l3vm_port_guest(port), "vm1");
	attach(host, g_steal_pointer(&port), L3VM_ATTACH_KEEP);
	assert_int_equal(state_of(host, "tap2"), L3VM_STATE_LIVE);
	assert_kernel(host, "unicast 10.0.0.2/32 dev tap2 proto 76 metric 5");
	assert_kernel(host, "unicast 2001:db8::2/128 dev tap2 proto 76 metric 5");
	assert_kernel(host, "ip neigh replace 10.0.0.2 dev tap2 lladdr " MAC2);
	/* and it goes with its guest, which has a UUID */
	detach(host, UUID1);
	assert_no_kernel(host, "unicast");
}

/* libvirt puts fa where the NIC itself has fe. */
static void first_byte(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = NULL;

	start(host, "vm1", "fe:54:00:00:00:02");
	appear(host, "fe:54:00:00:00:02");
	assert_null(find(host));
	appear(host, "fa:54:00:00:00:02");
	port = find(host);
	assert_non_null(port);
}

static void unknown(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;

	start(host, "vm1", MAC3);
	appear(host, "fe:54:00:00:00:02");
	assert_null(find(host));
	put_section(host, "[nic tap2]\naddress = 10.0.0.2\n"
			  "[nic " MAC2 "]\naddress = 10.0.0.2\n");
	/* neither says whose it is */
	assert_null(find(host));
	assert_null(l3vm_find_port(host->l3vm, "tap9", &error));
	assert_int_equal(error->code, L3VM_ERROR_FAILED);
}

static void section_by_name(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = NULL;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	put_section(host, "[nic " MAC2 "]\nguest = vm1\nifname = tap2\n"
			  "address = 10.0.0.2\n");
	port = find(host);
	assert_non_null(port);
	attach(host, g_steal_pointer(&port), L3VM_ATTACH_KEEP);
	assert_kernel(host, "ip neigh replace 10.0.0.2 dev tap2 lladdr " MAC2);
	/* of the same guest, though the section knows no UUID */
	detach(host, UUID1);
	assert_no_kernel(host, "unicast");
}

static void section_by_mac(void **state)
{
	Host *host = *state;
	g_autoptr(L3vmPort) port = NULL;

	appear(host, "fe:54:00:00:00:02");
	put_section(host, "[nic " MAC2 "]\nguest = web\naddress = 10.0.0.2\n");
	port = find(host);
	assert_non_null(port);
	assert_string_equal(l3vm_port_guest(port), "web");
}

/* One byte of the MAC is lost, and two may differ in just that. */
static void of_two_guests(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;

	appear(host, "fe:54:00:00:00:02");
	put_section(host, "[nic " MAC2 "]\nguest = web\naddress = 10.0.0.2\n"
			  "[nic 02:54:00:00:00:02]\nguest = db\naddress = 10.0.0.3\n");
	assert_null(l3vm_find_port(host->l3vm, "tap2", &error));
	assert_int_equal(error->code, L3VM_ERROR_REFUSED);
}

/* QEMU's hot-plug tells the guest and the tap: the MAC is the section's. */
static void mac_of_section(void **state)
{
	Host *host = *state;
	g_autofree char *why = NULL;

	put_section(host, "[nic " MAC2 "]\nguest = web\nifname = tap2\n"
			  "address = 10.0.0.2\n");
	attach(host, request("web", "tap2", NULL, "", NULL), L3VM_ATTACH_LIVE);
	assert_kernel(host, "ip neigh replace 10.0.0.2 dev tap2 lladdr " MAC2);
	why = refused(host, request("db", "tap3", NULL, "", NULL), L3VM_ERROR_USAGE);
	assert_non_null(strstr(why, "guest db, tap3: has no MAC"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(described),	   host_test(first_byte),
		host_test(unknown),	   host_test(section_by_name),
		host_test(section_by_mac), host_test(of_two_guests),
		host_test(mac_of_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
