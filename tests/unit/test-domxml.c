/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-domxml.c - domain XML that is damaged, hostile or huge
 *
 * What well-formed documents mean is in tests/golden/domxml.
 */
#include "../../hooks/domxml.h"

#include "../../hooks/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hook-documents.h"

#define ID    "11111111-2222-3333-4444-000000000001"
#define HEAD  "<domain><name>vm1</name><uuid>" ID "</uuid>"
#define GUEST "<l3vm:guest xmlns:l3vm=\"urn:l3vm:guest:1\">"

static L3vmDomain *parse(const char *text, size_t size, GError **error)
{
	g_autofree char *copy = exactly(text, size);

	return l3vm_domxml_parse(copy, size, error);
}

static L3vmDomain *parse_text(const char *text, GError **error)
{
	return parse(text, strlen(text), error);
}

/* Every way of not succeeding has a message of one line and a usage code. */
static void assert_refused(const char *text, size_t size, const char *why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmDomain) domain = parse(text, size, &error);

	assert_null(domain);
	assert_non_null(error);
	assert_true(error->domain == L3VM_ERROR);
	assert_int_equal(error->code, L3VM_ERROR_USAGE);
	assert_null(strpbrk(error->message, "\n\r\033"));
	if (why && !strstr(error->message, why))
		fail_msg("\"%s\" does not say \"%s\"", error->message, why);
}

static void assert_text_refused(const char *text, const char *why)
{
	assert_refused(text, strlen(text), why);
}

static const L3vmNic *nic(const L3vmDomain *domain, guint i)
{
	assert_in_range(i, 0, domain->nics->len - 1);
	return domain->nics->pdata[i];
}

static void test_real(void **state)
{
	size_t size = 0;
	g_autofree char *text = NULL;
	g_autoptr(L3vmDomain) domain = NULL;

	(void)state;
	document("domxml/libvirt-network-target-start.xml", &text, &size);
	domain = parse(text, size, NULL);
	assert_non_null(domain);
	assert_string_equal(domain->name, "vm3");
	assert_string_equal(domain->uuid, "11111111-2222-3333-4444-000000000003");
	assert_int_equal(domain->nics->len, 2);
	assert_string_equal(nic(domain, 0)->type, "bridge");
	assert_string_equal(nic(domain, 0)->source_network, "l3bridge");
	assert_int_equal(nic(domain, 0)->addresses->len, 2);
	assert_false(nic(domain, 1)->described);
}

/* A document that stops anywhere before its end is never understood. */
static void truncate_all(const char *name)
{
	size_t size = 0, end;
	g_autofree char *text = NULL;

	document(name, &text, &size);
	end = end_of(text, "</domain>");
	for (size_t i = 0; i < end; i++)
		assert_refused(text, i, NULL);
	for (size_t i = end; i <= size; i++) {
		g_autoptr(L3vmDomain) domain = parse(text, i, NULL);

		assert_non_null(domain);
	}
}

static void test_truncated(void **state)
{
	(void)state;
	truncate_all("domxml/libvirt-network-target-start.xml");
	truncate_all("domxml/nic-without-mac.xml");
}

/*
 * What is understood of a damaged document is complete: as many interfaces as
 * there are, each that we would act upon with a MAC, and all addresses of
 * metadata that is ours.
 */
static void check_complete(const char *text, const L3vmDomain *domain)
{
	size_t interfaces = 0, addresses = 0;

	assert_true(domain->name && *domain->name && domain->uuid && *domain->uuid);
	for (guint i = 0; i < domain->nics->len; i++) {
		const L3vmNic *one = nic(domain, i);

		interfaces += one->type != NULL;
		addresses += one->addresses->len;
		assert_true(one->mac || !l3vm_nic_is_routable(one));
		assert_true(one->described || !one->addresses->len);
		if (one->type && one->described)
			assert_true(l3vm_nic_is_routable(one));
	}
	assert_int_equal(interfaces, count(text, "</interface>"));
	if (strstr(text, "=\"urn:l3vm:"))
		assert_int_equal(addresses, count(text, "</l3vm:address>"));
}

static void mutate_many(const char *name, unsigned seed, unsigned rounds)
{
	size_t size = 0;
	g_autofree char *text = NULL;
	GRand *random = g_rand_new_with_seed(seed);
	unsigned understood = 0;

	document(name, &text, &size);
	for (unsigned i = 0; i < rounds; i++) {
		g_autofree char *bad = mutate(random, text, size);
		g_autoptr(GError) error = NULL;
		g_autoptr(L3vmDomain) domain = parse(bad, strlen(bad), &error);

		assert_true((domain != NULL) == (error == NULL));
		if (!domain)
			continue;
		check_complete(bad, domain);
		understood++;
	}
	g_rand_free(random);
	/* or the check above never had anything to look at */
	assert_in_range(understood, rounds / 20, rounds - rounds / 20);
}

static void test_mutated(void **state)
{
	(void)state;
	mutate_many("domxml/libvirt-network-target-start.xml", 1, 1000);
	/* little besides what matters: each mutation is close to it */
	mutate_many("domxml/nic-to-be-plugged.xml", 2, 2000);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_refused("", 0, NULL);
	assert_text_refused(" ", NULL);
	assert_text_refused("hello", NULL);
	assert_refused(HEAD "\0</domain>", sizeof(HEAD "\0</domain>") - 1, "UTF-8");
}

/* Entities of a document of one's own: refused before the first is declared. */
static void test_entity_bomb(void **state)
{
	g_autoptr(GString) bomb = g_string_new("<!DOCTYPE d [<!ENTITY e0 'lol'>");
	gint64 before;

	(void)state;
	for (int i = 1; i < 40; i++)
		g_string_append_printf(bomb,
				       "<!ENTITY e%d '&e%d;&e%d;&e%d;&e%d;&e%d;&e%d;'>",
				       i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	g_string_append(bomb, "]><domain><name a='&e39;'>&e39;</name></domain>");
	before = g_get_monotonic_time();
	assert_text_refused(bomb->str, "DOCTYPE");
	assert_in_range(g_get_monotonic_time() - before, 0, 100 * 1000);
}

static void test_depth(void **state)
{
	g_autoptr(GString) deep = g_string_new(HEAD);
	g_autoptr(L3vmDomain) domain = NULL;

	(void)state;
	for (int i = 0; i < 63; i++)
		g_string_append(deep, "<a>");
	for (int i = 0; i < 63; i++)
		g_string_append(deep, "</a>");
	g_string_append(deep, "</domain>");
	domain = parse_text(deep->str, NULL);
	assert_non_null(domain);
	g_string_truncate(deep, strlen(HEAD));
	for (int i = 0; i < 100000; i++)
		g_string_append(deep, "<a>");
	assert_text_refused(deep->str, "deeper than 64");
}

/* As large as may be, with nothing of interest and with nothing but that. */
static void test_size(void **state)
{
	g_autoptr(GString) text = g_string_new(HEAD "<devices>");
	g_autoptr(L3vmDomain) domain = NULL;
	guint n = 0;

	(void)state;
	while (text->len < L3VM_HOOK_INPUT_MAX - 200) {
		g_string_append_printf(
			text,
			"<interface type='bridge'><mac address='%08x'/></interface>",
			n++);
	}
	g_string_append(text, "</devices></domain>");
	domain = parse(text->str, text->len, NULL);
	assert_non_null(domain);
	assert_int_equal(domain->nics->len, n);
	g_string_append_printf(text, "%*s", 1000, "");
	assert_refused(text->str, text->len, "longer than");
}

/* Quadratic work would take minutes: 20000 NICs, each described. */
static void test_many_described(void **state)
{
	g_autoptr(GString) text = g_string_new(HEAD "<metadata>" GUEST);
	g_autoptr(L3vmDomain) domain = NULL;
	gint64 before = g_get_monotonic_time();

	(void)state;
	for (int i = 0; i < 20000; i++)
		g_string_append_printf(text, "<l3vm:nic mac='%x'/>", i);
	g_string_append(text, "</l3vm:guest></metadata><devices>");
	for (int i = 0; i < 20000; i++)
		g_string_append_printf(
			text,
			"<interface type='bridge'><mac address='%x'/></interface>", i);
	g_string_append(text, "</devices></domain>");
	domain = parse(text->str, text->len, NULL);
	assert_non_null(domain);
	assert_int_equal(domain->nics->len, 20000);
	assert_true(nic(domain, 19999)->described);
	assert_in_range(g_get_monotonic_time() - before, 0, 10 * G_USEC_PER_SEC);
}

/* What a message quotes is tenants' text. */
static void test_quoting(void **state)
{
	g_autofree char *name = g_strnfill(300, 'n');
	g_autofree char *text = g_strdup_printf(
		HEAD "<metadata>" GUEST
		     "<l3vm:nic %s=''/></l3vm:guest></metadata></domain>",
		name);
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmDomain) domain = parse_text(text, &error);

	(void)state;
	assert_null(domain);
	assert_in_range(strlen(error->message), 40, 200);
	assert_text_refused(HEAD "<x xmlns='urn:l3vm:a&#10;b&#x9b;c'/></domain>",
			    "a\\012b\\u009bc");
}

/* A guest must be removable whatever its metadata says. */
static void test_identity(void **state)
{
	const char *bad = HEAD "<metadata>" GUEST
			       "<l3vm:rubbish/></l3vm:guest></metadata></domain>";
	g_autoptr(L3vmDomain)
		domain = l3vm_domxml_parse_identity(bad, strlen(bad), NULL);
	const char *cut = HEAD "<metadata>";

	(void)state;
	assert_text_refused(bad, "l3vm:rubbish");
	assert_non_null(domain);
	assert_string_equal(domain->name, "vm1");
	assert_int_equal(domain->nics->len, 0);
	assert_null(l3vm_domxml_parse_identity(cut, strlen(cut), NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_entity_bomb),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_many_described),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
