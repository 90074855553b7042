/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-netxml.c - the network hook's XML, damaged and whole
 *
 * What well-formed documents mean is in tests/golden/netxml.
 */
#include "../../hooks/netxml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hook-documents.h"

static L3vmNetxml *parse(const char *text, size_t size, GError **error)
{
	g_autofree char *copy = exactly(text, size);

	return l3vm_netxml_parse(copy, size, error);
}

static void assert_refused(const char *text, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmNetxml) net = parse(text, size, &error);

	assert_null(net);
	assert_non_null(error);
	assert_int_equal(error->code, L3VM_ERROR_USAGE);
}

static void test_truncated(void **state)
{
	size_t size = 0, end;
	g_autofree char *text = NULL;

	(void)state;
	document("netxml/libvirt-l3bridge-port-created.xml", &text, &size);
	end = end_of(text, "</hookData>");
	for (size_t i = 0; i < end; i++)
		assert_refused(text, i);
	for (size_t i = end; i <= size; i++) {
		g_autoptr(L3vmNetxml) net = parse(text, i, NULL);

		assert_non_null(net);
		assert_true(l3vm_netxml_check_port(net, NULL));
	}
}

/* A port that is accepted names its guest and its MAC, both not empty. */
static void test_mutated(void **state)
{
	size_t size = 0;
	g_autofree char *text = NULL;
	GRand *random = g_rand_new_with_seed(3);
	unsigned understood = 0;

	(void)state;
	document("netxml/libvirt-l3open-port-created.xml", &text, &size);
	for (unsigned i = 0; i < 2000; i++) {
		g_autofree char *bad = mutate(random, text, size);
		g_autoptr(GError) error = NULL;
		g_autoptr(L3vmNetxml) net = parse(bad, strlen(bad), &error);

		assert_true((net != NULL) == (error == NULL));
		if (!net)
			continue;
		assert_true(net->name && *net->name);
		if (l3vm_netxml_check_port(net, NULL))
			assert_true(*net->guest && net->mac && *net->mac);
		understood++;
	}
	g_rand_free(random);
	assert_in_range(understood, 100, 1900);
}

/* Whose the bridge is, by the forward mode. */
static void test_bridge_owner(void **state)
{
	static const struct {
		const char *forward;
		bool ours;
	} cases[] = {
		{ "<forward mode='bridge'/>", true },
		{ "<forward mode='nat'/>", false },
		{ "<forward mode='open'/>", false },
		{ "<forward/>", false },
		{ "", false },
		{ "<forward mode='vepa'/>", false },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text =
			g_strdup_printf("<hookData><network><name>n</name><bridge "
					"name='b'/>%s</network></hookData>",
					cases[i].forward);
		g_autoptr(L3vmNetxml) net = parse(text, strlen(text), NULL);

		assert_non_null(net);
		assert_int_equal(l3vm_netxml_bridge_is_ours(net), cases[i].ours);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_bridge_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
