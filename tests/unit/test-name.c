/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-name.c - which strings may name an interface, a guest or a network */
#include "base/name.h"

#include "values.h"

typedef struct Vector {
	const char *name;
	bool valid;
} Vector;

static void check(bool (*is_valid)(const char *name), const Vector *vectors, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_valid(vectors[i].name) != vectors[i].valid)
			fail_msg("\"%s\" should%s be valid", vectors[i].name,
				 vectors[i].valid ? "" : " not");
}

/* A name of @size letters. */
static bool takes_length(bool (*is_valid)(const char *name), size_t size)
{
	g_autofree char *name = g_strnfill(size, 'a');

	return is_valid(name);
}

static void test_ifname(void **state)
{
	static const Vector vectors[] = {
		{ "tapvm1", true },
		{ "vnet0", true },
		{ "a", true },
		{ "br-ex.100", true },
		{ "weird;name$(x)", true },
		{ "...", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ "a/b", false },
		{ "../x", false },
		{ "a b", false },
		{ "a:b", false },
		{ "vnet%d", false },
		{ "a\nb", false },
		{ "a\tb", false },
		{ "a\x7f", false },
		{ "t\xc3\xa4p", false },
		{ "a\x01", false },
	};

	(void)state;
	check(l3vm_ifname_is_valid, vectors, G_N_ELEMENTS(vectors));
	assert_true(takes_length(l3vm_ifname_is_valid, 15));
	assert_false(takes_length(l3vm_ifname_is_valid, 16));
	assert_false(takes_length(l3vm_ifname_is_valid, 300));
}

static void test_guest_name(void **state)
{
	static const Vector vectors[] = {
		{ "vm1", true },
		{ "web server (old)", true },
		{ "gr\xc3\xbc\xc3\x9f", true },
		{ "a.b", true },
		{ "-rf", true },
		{ "$(reboot)", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ ".hidden", false },
		{ "a/b", false },
		{ "/etc/passwd", false },
		{ "a\nb", false },
		{ "a\x1b[31m", false },
		{ "a\x7f", false },
		{ "a\xff", false },	/* no UTF-8 */
		{ "a\xc0\xaf", false }, /* '/' in overlong form */
	};

	(void)state;
	check(l3vm_guest_name_is_valid, vectors, G_N_ELEMENTS(vectors));
	assert_true(takes_length(l3vm_guest_name_is_valid, 200));
	assert_false(takes_length(l3vm_guest_name_is_valid, 201));
}

static void test_uuid(void **state)
{
	static const Vector vectors[] = {
		{ "4dea22b3-1d52-d8f3-2516-782e98ab3fa0", true },
		{ "4DEA22B3-1D52-D8F3-2516-782E98AB3FA0", true },
		{ "", false },
		{ "4dea22b31d52d8f32516782e98ab3fa0", false },
		{ "4dea22b3-1d52-d8f3-2516-782e98ab3fa", false },
		{ "4dea22b3-1d52-d8f3-2516-782e98ab3fa00", false },
		{ "4dea22b3-1d52-d8f3-2516-782e98ab3fag", false },
		{ "4dea22b3_1d52_d8f3_2516_782e98ab3fa0", false },
		{ "../../../../../../../etc/some-passwd", false },
	};

	(void)state;
	check(l3vm_uuid_is_valid, vectors, G_N_ELEMENTS(vectors));
}

static void test_network_name(void **state)
{
	static const Vector vectors[] = {
		{ "default", true }, { "a", true },	     { "tenant-7_b.c", true },
		{ "", false },	     { "a b", false },	     { "a]", false },
		{ "a/b", false },    { "n\xc3\xa4", false }, { "a\n", false },
	};

	(void)state;
	check(l3vm_network_name_is_valid, vectors, G_N_ELEMENTS(vectors));
	assert_true(takes_length(l3vm_network_name_is_valid, 64));
	assert_false(takes_length(l3vm_network_name_is_valid, 65));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ifname),
		cmocka_unit_test(test_guest_name),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_network_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
