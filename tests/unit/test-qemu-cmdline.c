/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-qemu-cmdline.c - QEMU's command line, whatever somebody put there
 *
 * What each syntax means is in tests/golden/qemu-ifup; here are the options' own
 * rules, and input that no QEMU has accepted.
 */
#include "cmdline.h"
#include "option.h"

#include "values.h"

#include <string.h>

static void expect_option(const char *text, const char *key, const char *value)
{
	g_autoptr(GHashTable) option = l3vm_option_parse(text, "first");
	const char *got = g_hash_table_lookup(option, key);

	if (g_strcmp0(got, value) != 0)
		fail_msg("%s in %s: %s, not %s", key, text, got ? got : "(none)",
			 value ? value : "(none)");
}

static void options(void **state)
{
	(void)state;
	expect_option("tap", "first", "tap");
	expect_option("tap,id=a", "id", "a");
	expect_option("first=tap,id=a", "first", "tap");
	expect_option("id=a,tap", "first", NULL);
	expect_option("", "first", NULL);
	expect_option(",", "first", "");
	expect_option(",,", "first", ",");
	expect_option("a,,b,,,id=c", "first", "a,b,");
	expect_option("a,,b,,,id=c", "id", "c");
	expect_option("x,id=a=b", "id", "a=b");
	expect_option("x,id=", "id", "");
	expect_option("x,=v", "", "v");
	expect_option("x,id=a,id=b", "id", "b");
	expect_option("{\"id\":\"a,b\"}", "id", "a,b");
	expect_option("{\"id\":7,\"x\":\"y\"}", "id", NULL);
	expect_option("{\"id\":7,\"x\":\"y\"}", "x", "y");
	expect_option("{\"id\":", "id", NULL);
	expect_option("{", "first", NULL);
	expect_option("{\"a\":{\"id\":\"b\"}}", "id", NULL);
}

/* JSON of any depth is refused by the parser, and not by a full stack. */
static void deep_json(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);

	(void)state;
	for (int i = 0; i < 100000; i++)
		g_string_append(text, "{\"id\":");
	expect_option(text->str, "id", NULL);
}

static L3vmQemu *parse(const GString *line, const char *ifname, GError **error)
{
	return l3vm_qemu_parse(line->str, line->len, ifname, error);
}

static GString *line_of(const char *const *words)
{
	GString *line = g_string_new(NULL);

	for (; *words; words++)
		g_string_append_len(line, *words, (gssize)strlen(*words) + 1);
	return line;
}

static const char *const words[] = {
	"/usr/bin/qemu-system-x86_64",
	"-name",
	"guest=vm1,debug-threads=on",
	"-uuid",
	"4dea22b3-1d52-d8f3-2516-782e98ab3fa1",
	"-netdev",
	"tap,id=n0,ifname=tap1",
	"-device",
	"virtio-net-pci,netdev=n0,mac=52:54:00:00:00:05",
	"-netdev",
	"{\"type\":\"tap\",\"id\":\"n1\",\"ifname\":\"t%d\"}",
	"-device",
	"{\"driver\":\"e1000\",\"netdev\":\"n1\",\"mac\":\"52:54:00:00:00:06\"}",
	"-nic",
	"tap,mac=52:54:00:00:00:07",
	"-net",
	"nic,macaddr=52:54:00:00:00:08",
	"-net",
	"tap,ifname=hub0",
	NULL,
};

static void all_of_it(void **state)
{
	static const char *const taps[][2] = {
		{ "tap1", "52:54:00:00:00:05" },
		{ "t12", "52:54:00:00:00:06" },
		{ "tap5", "52:54:00:00:00:07" },
		{ "hub0", "52:54:00:00:00:08" },
		{ "t", NULL },
		{ "t1x", NULL },
		{ "", NULL },
	};
	g_autoptr(GString) line = line_of(words);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(taps); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(L3vmQemu) qemu = parse(line, taps[i][0], &error);

		assert_null(error);
		assert_string_equal(qemu->program, "qemu-system-x86_64");
		assert_string_equal(qemu->name, "vm1");
		assert_string_equal(qemu->uuid, "4dea22b3-1d52-d8f3-2516-782e98ab3fa1");
		assert_false(qemu->is_waiting);
		if (g_strcmp0(qemu->mac, taps[i][1]) != 0)
			fail_msg("%s: %s", taps[i][0], qemu->mac);
	}
}

/* Nothing at all, no NUL at the end, empty arguments. */
static void odd_ends(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} cases[] = {
		{ "", 0 },
		{ "\0", 1 },
		{ "qemu", 4 },
		{ "qemu\0-name", 10 },
		{ "qemu\0-name\0", 11 },
		{ "qemu\0-name\0\0\0\0", 14 },
		{ "-\0--\0-name", 10 },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		/* of just this size, so that a sanitizer sees a byte too far */
		g_autofree char *copy = g_malloc(cases[i].size + 1);
		g_autoptr(L3vmQemu) qemu = NULL;

		memcpy(copy, cases[i].text, cases[i].size);
		copy[cases[i].size] = '\0';
		qemu = l3vm_qemu_parse(copy, cases[i].size, "tap1", NULL);
		assert_non_null(qemu);
		assert_null(qemu->mac);
	}
}

/* Anything changed anywhere: read or refused with one line, and soon. */
static void mutated(void **state)
{
	static const char bytes[] = { 0, ',', '=', '-', '{', '"', '%', '}', '\n', -1 };
	g_autoptr(GString) good = line_of(words);
	g_autoptr(GRand) random = g_rand_new_with_seed(76);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		g_autoptr(GString)
			line = g_string_new_len(good->str, (gssize)good->len);
		g_autoptr(GError) error = NULL;
		g_autoptr(L3vmQemu) qemu = NULL;

		for (int n = g_rand_int_range(random, 1, 8); n; n--) {
			gint32 at = g_rand_int_range(random, 0, (gint32)line->len);
			gint32 which = g_rand_int_range(random, 0, sizeof(bytes));

			line->str[at] = bytes[which];
		}
		if (g_rand_boolean(random))
			g_string_truncate(line, (gsize)g_rand_int_range(
							random, 0, (gint32)line->len));
		qemu = parse(line, "tap5", &error);
		assert_true(!qemu == !!error);
		if (error)
			assert_null(strchr(error->message, '\n'));
	}
}

/* A name is quoted in a message, and cannot drive a terminal. */
static void hostile_name(void **state)
{
	static const char *const two[] = {
		"q",	   "-netdev",		"tap,ifname=\033%d",
		"-netdev", "tap,ifname=\033%d", NULL
	};
	g_autoptr(GString) line = line_of(two);
	g_autoptr(GError) error = NULL;

	(void)state;
	assert_null(parse(line, "\0331", &error));
	assert_int_equal(error->code, L3VM_ERROR_USAGE);
	assert_null(strchr(error->message, '\033'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),   cmocka_unit_test(deep_json),
		cmocka_unit_test(all_of_it), cmocka_unit_test(odd_ends),
		cmocka_unit_test(mutated),   cmocka_unit_test(hostile_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
