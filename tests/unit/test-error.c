/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-error.c - errors are one line, and their codes exit statuses */
#include "base/error.h"

#include "values.h"

#include <errno.h>

static void test_fail(void **state)
{
	g_autoptr(GError) error = NULL;

	(void)state;
	assert_false(l3vm_fail(&error, L3VM_ERROR_REFUSED, "%s for guest %s: %s (%s)",
			       "10.0.0.5", "vm1", "taken", "choose another"));
	assert_true(g_error_matches(error, L3VM_ERROR, L3VM_ERROR_REFUSED));
	assert_string_equal(error->message,
			    "10.0.0.5 for guest vm1: taken (choose another)");
	/* nobody asked why */
	assert_false(l3vm_fail(NULL, L3VM_ERROR_FAILED, "x"));
}

static void test_fail_errno(void **state)
{
	static const struct {
		int errnum;
		L3vmError code;
	} vectors[] = {
		{ EPERM, L3VM_ERROR_PERMISSION }, { EACCES, L3VM_ERROR_PERMISSION },
		{ ENODEV, L3VM_ERROR_FAILED },	  { ENOENT, L3VM_ERROR_FAILED },
		{ EEXIST, L3VM_ERROR_FAILED },	  { ENOSPC, L3VM_ERROR_FAILED },
		{ EROFS, L3VM_ERROR_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		g_autoptr(GError) error = NULL;

		assert_false(l3vm_fail_errno(&error, vectors[i].errnum, "tap: why"));
		assert_int_equal(error->code, vectors[i].code);
		/* the caller gave no remedy, so there is one for the errno */
		assert_true(g_str_has_prefix(error->message, "tap: why ("));
		assert_true(g_str_has_suffix(error->message, ")"));
	}
}

static void test_fail_errno_keeps_remedy(void **state)
{
	g_autoptr(GError) error = NULL;

	(void)state;
	l3vm_fail_errno(&error, EPERM, "tap: why (do that)");
	assert_string_equal(error->message, "tap: why (do that)");
}

/* Whatever a tenant wrote, it stays one line of valid UTF-8 without escapes. */
static void test_one_line(void **state)
{
	g_autoptr(GError) error = NULL;

	(void)state;
	l3vm_fail(&error, L3VM_ERROR_USAGE, "guest \"%s\"",
		  "a\nb\x1b[31mc\x7f\td\xff\xc3");
	assert_true(g_utf8_validate(error->message, -1, NULL));
	assert_true(g_str_has_prefix(error->message,
				     "guest \"a\\012b\\033[31mc\\177\\011d"));
	for (const char *c = error->message; *c; c++)
		assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void test_exit_status(void **state)
{
	static const L3vmError codes[] = { L3VM_ERROR_FAILED, L3VM_ERROR_USAGE,
					   L3VM_ERROR_PERMISSION, L3VM_ERROR_NOT_FOUND,
					   L3VM_ERROR_REFUSED };

	(void)state;
	assert_int_equal(l3vm_exit_status(NULL), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
		g_autoptr(GError) error = g_error_new(L3VM_ERROR, (int)codes[i], "x");

		/* documented in l3vm(8): 1 to 5 */
		assert_int_equal(codes[i], i + 1);
		assert_int_equal(l3vm_exit_status(error), i + 1);
	}
}

static void test_exit_status_of_others(void **state)
{
	g_autoptr(GError) error = g_error_new(G_FILE_ERROR, G_FILE_ERROR_NOENT, "x");

	(void)state;
	assert_int_equal(l3vm_exit_status(error), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_fail_errno),
		cmocka_unit_test(test_fail_errno_keeps_remedy),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_exit_status_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
