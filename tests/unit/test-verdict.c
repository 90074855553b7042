/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-verdict.c - every row of the verdicts, and what has none */
#include "../../hooks/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct Expected {
	L3vmHook hook;
	const char *operation;
	bool veto;
} Expected;

/*
 * Written out again rather than read from the table: changing a verdict must
 * need two hands.
 */
static const Expected rows[] = {
	{ L3VM_HOOK_QEMU, "migrate", true },
	{ L3VM_HOOK_QEMU, "restore", false },
	{ L3VM_HOOK_QEMU, "prepare", true },
	{ L3VM_HOOK_QEMU, "start", true },
	{ L3VM_HOOK_QEMU, "started", false },
	{ L3VM_HOOK_QEMU, "stopped", false },
	{ L3VM_HOOK_QEMU, "release", false },
	{ L3VM_HOOK_QEMU, "reconnect", false },
	{ L3VM_HOOK_QEMU, "attach", false },
	{ L3VM_HOOK_NETWORK, "start", true },
	{ L3VM_HOOK_NETWORK, "started", false },
	{ L3VM_HOOK_NETWORK, "stopped", false },
	{ L3VM_HOOK_NETWORK, "updated", false },
	{ L3VM_HOOK_NETWORK, "port-created", true },
	{ L3VM_HOOK_NETWORK, "port-deleted", false },
	{ L3VM_HOOK_NETWORK, "plugged", true },
	{ L3VM_HOOK_NETWORK, "unplugged", false },
	/* unknown, the other program's, and near misses */
	{ L3VM_HOOK_QEMU, "defrost", false },
	{ L3VM_HOOK_QEMU, "port-created", false },
	{ L3VM_HOOK_QEMU, "", false },
	{ L3VM_HOOK_QEMU, "Start", false },
	{ L3VM_HOOK_QEMU, "start ", false },
	{ L3VM_HOOK_QEMU, "star", false },
	{ L3VM_HOOK_NETWORK, "defrost", false },
	{ L3VM_HOOK_NETWORK, "prepare", false },
	{ L3VM_HOOK_NETWORK, "port-updated", false },
	{ L3VM_HOOK_NETWORK, "", false },
};

static const int codes[] = { L3VM_ERROR_FAILED, L3VM_ERROR_USAGE, L3VM_ERROR_PERMISSION,
			     L3VM_ERROR_NOT_FOUND, L3VM_ERROR_REFUSED };

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_int_equal(l3vm_verdict_may_veto(rows[i].hook, rows[i].operation),
				 rows[i].veto);
}

static void test_success_is_0(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		assert_int_equal(l3vm_verdict(rows[i].hook, rows[i].operation, NULL),
				 0);
}

/* A veto's status is the error's code; without a veto it is 0. */
static void test_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(codes); j++) {
			g_autoptr(GError)
				error = g_error_new(L3VM_ERROR, codes[j], "failed");
			int status = l3vm_verdict(rows[i].hook, rows[i].operation,
						  error);

			assert_int_equal(status, rows[i].veto ? codes[j] : 0);
		}
	}
}

/* An error that is not ours, for instance of GLib, must veto as well. */
static void test_foreign_error(void **state)
{
	g_autoptr(GError) error = g_error_new(G_FILE_ERROR, 0, "code 0 elsewhere");

	(void)state;
	assert_int_equal(l3vm_verdict(L3VM_HOOK_QEMU, "start", error), 1);
	assert_int_equal(l3vm_verdict(L3VM_HOOK_QEMU, "reconnect", error), 0);
}

static void test_no_operation(void **state)
{
	(void)state;
	assert_int_equal(l3vm_verdict(L3VM_HOOK_QEMU, NULL, NULL), 2);
	assert_int_equal(l3vm_verdict(L3VM_HOOK_NETWORK, NULL, NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_success_is_0),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_foreign_error),
		cmocka_unit_test(test_no_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
