/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-nic.c - guests.d, and the names of route tables */
#include "store/config.h"

#include "config-place.h"
#include "store/table.h"

/* --- guests.d ----------------------------------------------------------- */

static void nic_sections(void **state)
{
	const struct place *place = *state;
	const L3vmMac mac = { { 0x52, 0x54, 0, 0, 0, 5 } };
	const L3vmMac other = { { 0x52, 0x54, 0, 0, 0, 6 } };
	const L3vmNicConfig *nic;

	put_guests(place, "b.conf",
		   "[nic 52:54:00:00:00:05]\naddress = 10.0.0.5 2001:db8::5\n"
		   "prefix = 2001:db8:5::/64\nnetwork = web\n"
		   "[nic vnet0]\nguest = vm1\naddress = 10.0.0.6\n");
	put_guests(place, "a.conf",
		   "[nic vnet0]\naddress = 10.0.0.7\n"
		   "[nic 52:54:00:00:00:05]\nguest = vm2\n");
	put_guests(place, "ignored.txt", "garbage\n");
	put_guests(place, ".hidden.conf", "garbage\n");
	{
		g_autoptr(L3vmConfig) config = load(place, "[network web]\n");

		assert_int_equal(config->nics->len, 4);
		nic = config->nics->pdata[0];
		assert_string_equal(nic->ifname, "vnet0"); /* a.conf comes first */

		nic = l3vm_config_nic(config, "vm1", &mac, "vnet0");
		assert_non_null(nic);
		assert_true(nic->has_mac);
		assert_string_equal(nic->network, "web");
		assert_int_equal(nic->addresses->len, 2);
		assert_addr(&g_array_index(nic->addresses, L3vmAddr, 1), "2001:db8::5");
		assert_addr(&g_array_index(nic->prefixes, L3vmAddr, 0),
			    "2001:db8:5::/64");

		nic = l3vm_config_nic(config, "vm2", &mac, NULL);
		assert_string_equal(nic->guest, "vm2");
		nic = l3vm_config_nic(config, "vm1", &other, "vnet0");
		assert_string_equal(nic->guest, "vm1");
		nic = l3vm_config_nic(config, "vm3", NULL, "vnet0");
		assert_non_null(nic);
		assert_null(nic->guest);
		assert_null(l3vm_config_nic(config, "vm1", &other, "vnet1"));
		assert_null(l3vm_config_nic(config, "vm1", NULL, NULL));
	}
}

/* The interface's name does not count against a MAC that is known. */
static void nic_with_both(void **state)
{
	const struct place *place = *state;
	const L3vmMac mac = { { 0x52, 0x54, 0, 0, 0, 5 } };
	const L3vmMac other = { { 0x52, 0x54, 0, 0, 0, 6 } };

	put_guests(place, "a.conf",
		   "[nic 52:54:00:00:00:05]\nifname = tapvm1b\nguest = vm1\n");
	{
		g_autoptr(L3vmConfig) config = load(place, "");
		const L3vmNicConfig *nic = config->nics->pdata[0];

		assert_true(nic->has_mac);
		assert_string_equal(nic->ifname, "tapvm1b");
		assert_ptr_equal(l3vm_config_nic(config, "vm1", &mac, "x"), nic);
		assert_ptr_equal(l3vm_config_nic(config, "vm1", NULL, "tapvm1b"), nic);
		assert_null(l3vm_config_nic(config, "vm1", &other, "tapvm1b"));
		assert_null(l3vm_config_nic(config, "vm2", NULL, "tapvm1b"));
	}
}

static void broken_nic_sections(void **state)
{
	static const char *const cases[][2] = {
		{ "[l3vm]\n", ":1: unknown section [l3vm]" },
		{ "[nick vnet0]\n", ":1: unknown section [nick vnet0] (did you mean "
				    "\"nic\"?)" },
		{ "[nic]\n", ":1: [nic] needs a unicast MAC or an interface name" },
		{ "[nic 01:00:00:00:00:01]\n", "needs a unicast MAC" },
		{ "[nic 52:54:00:00:00]\n", "needs a unicast MAC" },
		{ "[nic a]\nadress = 10.0.0.1\n",
		  ":2: unknown key \"adress\" in [nic a] (did you mean \"address\"?)" },
		{ "[nic a]\naddress = 10.0.0.0/24\n",
		  "is not an IPv4 or IPv6 address" },
		{ "[nic a]\naddress = 224.0.0.1\n",
		  ":2: address = 224.0.0.1 in [nic a]: "
		  "224.0.0.1 is multicast" },
		{ "[nic a]\naddress = fe80::1\n", "link-local" },
		{ "[nic a]\naddress = 10.0.0.1\naddress = 10.0.0.2\n",
		  ":3: \"address\" is there already in line 2 (a list of values is "
		  "separated by spaces)" },
		{ "[nic a]\naddress = 10.0.0.1 10.0.0.1\n", "is there twice" },
		{ "[nic a]\nprefix = 10.0.0.1/24\n", "is not a prefix" },
		{ "[nic a]\nnetwork = wbe\n", ":1: [nic a] names network wbe, which is "
					      "not in" },
		{ "[nic a]\nguest = a/b\n", "must be the name of a guest" },
		{ "[nic a]\n[nic  a]\n", ":2: [nic  a] is there already" },
		{ "[nic a]\nifname = b\n", ":1: [nic a] is about an interface already: "
					   "`ifname` is for a section with a MAC" },
		{ "[nic 52:54:00:00:00:05]\nifname = a/b\n", "an interface name" },
		{ "[nic 52:54:00:00:00:05]\nifname = a\n[nic a]\n",
		  ":3: [nic a] is there already, for the same guest" },
		{ "\n\n[nic a\n", ":3: a section is written like" },
	};
	const struct place *place = *state;
	g_autofree char *where = g_strdup_printf("%s/x.conf", place->guests);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		put_guests(place, "x.conf", cases[i][0]);
		assert_null(l3vm_config_load(place->conf, &error));
		if (!strstr(error->message, cases[i][1]))
			print_error("\"%s\" is not in: %s\n", cases[i][1],
				    error->message);
		assert_non_null(strstr(error->message, cases[i][1]));
		assert_memory_equal(error->message, where, strlen(where));
	}
}

static void same_nic_in_two_files(void **state)
{
	const struct place *place = *state;

	put_guests(place, "a.conf", "[nic vnet0]\nguest = vm1\n");
	put_guests(place, "b.conf", "[nic vnet0]\nguest = vm1\n");
	expect_error(place,
		     "/guests.d/b.conf:1: [nic vnet0] is there already, for the same "
		     "guest");
}

static void too_many_addresses(void **state)
{
	const struct place *place = *state;
	g_autoptr(GString) text = g_string_new("[nic a]\naddress =");

	for (int i = 1; i <= 64; i++)
		g_string_append_printf(text, " 10.0.0.%d", i);
	put_guests(place, "a.conf", text->str);
	l3vm_config_free(load(place, ""));
	g_string_append(text, " 10.0.1.1");
	put_guests(place, "a.conf", text->str);
	refuse_about(place, "", "more than 64 addresses");
}

/* --- names of route tables ------------------------------------------------ */

static void table_names(void **state)
{
	const struct place *place = *state;
	g_autofree char *main = g_build_filename(place->dir, "rt_tables", NULL);
	const char *dirs[] = { "/nonexistent", place->dir, NULL };
	uint32_t number = 0;

	assert_true(g_file_set_contents(
		main,
		"# comment\n255\tlocal\n\n 100  red # x\n0x65 blue\n"
		"banana green\n102\n103 a b\n",
		-1, NULL));
	assert_true(l3vm_table_find(dirs, "red", &number));
	assert_int_equal(number, 100);
	assert_true(l3vm_table_find(dirs, "blue", &number));
	assert_int_equal(number, 101);
	assert_false(l3vm_table_find(dirs, "green", &number));
	assert_false(l3vm_table_find(dirs, "102", &number));
	assert_false(l3vm_table_find(dirs, "comment", &number));
	/* the folder is found by that name too; only its *.conf count */
	g_remove(main);
	assert_false(l3vm_table_find(dirs, "red", &number));
}

static void table_names_in_folder(void **state)
{
	const struct place *place = *state;
	g_autofree char *folder = g_build_filename(place->dir, "rt_tables.d", NULL);
	g_autofree char *conf = g_build_filename(folder, "site.conf", NULL);
	g_autofree char *other = g_build_filename(folder, "site.txt", NULL);
	const char *dirs[] = { place->dir, NULL };
	uint32_t number = 0;

	assert_int_equal(g_mkdir(folder, 0755), 0);
	assert_true(g_file_set_contents(conf, "4000 site\n", -1, NULL));
	assert_true(g_file_set_contents(other, "4001 text\n", -1, NULL));
	assert_true(l3vm_table_find(dirs, "site", &number));
	assert_int_equal(number, 4000);
	assert_false(l3vm_table_find(dirs, "text", &number));
	empty_dir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(table_names),	   CASE(table_names_in_folder),
		CASE(nic_sections),	   CASE(nic_with_both),
		CASE(broken_nic_sections), CASE(same_nic_in_two_files),
		CASE(too_many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
