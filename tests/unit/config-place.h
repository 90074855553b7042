/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config-place.h - a configuration for a test, and what is expected of it */
#ifndef L3VM_TEST_CONFIG_PLACE_H
#define L3VM_TEST_CONFIG_PLACE_H

#include "l3vm.h"
#include "store/config.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Each program uses a part of what is here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

/* A directory of its own for each test, with l3vm.conf and guests.d in it. */
struct place {
	char *dir, *conf, *guests;
};

static int make_place(void **state)
{
	struct place *place = g_new0(struct place, 1);

	place->dir = g_dir_make_tmp("l3vm-config-XXXXXX", NULL);
	assert_non_null(place->dir);
	place->conf = g_build_filename(place->dir, "l3vm.conf", NULL);
	place->guests = g_build_filename(place->dir, "guests.d", NULL);
	*state = place;
	return 0;
}

static void empty_dir(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *entry = g_build_filename(path, name, NULL);

		g_remove(entry);
	}
	if (dir)
		g_dir_close(dir);
	g_rmdir(path);
}

static int remove_place(void **state)
{
	struct place *place = *state;

	empty_dir(place->guests);
	empty_dir(place->dir);
	g_free(place->dir);
	g_free(place->conf);
	g_free(place->guests);
	g_free(place);
	return 0;
}

static L3vmConfig *load(const struct place *place, const char *text)
{
	g_autoptr(GError) error = NULL;
	L3vmConfig *config;

	assert_true(g_file_set_contents(place->conf, text, -1, NULL));
	config = l3vm_config_load(place->conf, &error);
	if (!config)
		print_error("%s\n", error->message);
	assert_non_null(config);
	return config;
}

/*
 * Loading fails, and the message is the directory and @expected. Each ends with a
 * remedy; where there is none to be expected, it is the manual.
 */
static void expect_error(const struct place *place, const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmConfig) config = l3vm_config_load(place->conf, &error);
	const char *remedy = g_str_has_suffix(expected, ")") ? ""
							     : " (see l3vm.conf(5))";
	g_autofree char *all = g_strconcat(place->dir, expected, remedy, NULL);

	if (config)
		print_error("accepted, instead of: %s\n", expected);
	assert_null(config);
	assert_true(error->domain == L3VM_ERROR);
	assert_int_equal(error->code, L3VM_ERROR_FAILED);
	assert_string_equal(error->message, all);
}

static void refuse(const struct place *place, const char *text, const char *expected)
{
	assert_true(g_file_set_contents(place->conf, text, -1, NULL));
	expect_error(place, expected);
}

/* As refuse(), but only a part of the message is given. */
static void refuse_about(const struct place *place, const char *text, const char *part)
{
	g_autoptr(GError) error = NULL;

	assert_true(g_file_set_contents(place->conf, text, -1, NULL));
	assert_null(l3vm_config_load(place->conf, &error));
	if (!strstr(error->message, part))
		print_error("\"%s\" is not in: %s\n", part, error->message);
	assert_non_null(strstr(error->message, part));
}

static void put_guests(const struct place *place, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(place->guests, name, NULL);

	g_mkdir(place->guests, 0755);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void assert_addr(const L3vmAddr *addr, const char *text)
{
	L3vmAddr expected;

	assert_true(l3vm_prefix_parse(text, &expected));
	assert_true(l3vm_addr_equal(addr, &expected));
}

#pragma GCC diagnostic pop

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

#endif
