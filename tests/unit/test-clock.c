/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-clock.c - time as records keep it */
#include "base/clock.h"

#include "values.h"

#define Y2026 INT64_C(1767225600) /* date -ud 2026-01-01 +%s */

static const struct {
	int64_t usec;
	const char *text;
} vectors[] = {
	{ 0, "1970-01-01T00:00:00.000000Z" },
	{ 1, "1970-01-01T00:00:00.000001Z" },
	{ Y2026 * L3VM_SECOND, "2026-01-01T00:00:00.000000Z" },
	{ Y2026 * L3VM_SECOND + 1500, "2026-01-01T00:00:00.001500Z" },
	{ Y2026 * L3VM_SECOND - 1, "2025-12-31T23:59:59.999999Z" },
	{ INT64_C(1709164800) * L3VM_SECOND, "2024-02-29T00:00:00.000000Z" },
	/* beyond 32 bits */
	{ INT64_C(4102444800) * L3VM_SECOND, "2100-01-01T00:00:00.000000Z" },
};

static void test_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		char buf[L3VM_TIME_STRLEN];

		assert_string_equal(l3vm_time_format(vectors[i].usec, buf),
				    vectors[i].text);
	}
}

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
		int64_t usec;

		assert_true(l3vm_time_parse(vectors[i].text, &usec));
		assert_true(usec == vectors[i].usec);
	}
}

static void test_parse_other_forms(void **state)
{
	int64_t usec;

	(void)state;
	assert_true(l3vm_time_parse("2026-01-01T00:00:00Z", &usec));
	assert_true(usec == Y2026 * L3VM_SECOND);
	assert_true(l3vm_time_parse("2026-01-01T00:00:00.5Z", &usec));
	assert_true(usec == Y2026 * L3VM_SECOND + L3VM_SECOND / 2);
	/* more digits than we keep */
	assert_true(l3vm_time_parse("2026-01-01T00:00:00.123456789Z", &usec));
	assert_true(usec == Y2026 * L3VM_SECOND + 123456);
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026-01-01",
		"2026-01-01T00:00:00",
		"2026-01-01T00:00:00+01:00",
		"2026-01-01T00:00:00.5",
		"2026-13-01T00:00:00Z",
		"2026-01-01T25:00:00Z",
		"2026-01-01T00:00:00Zx",
		"1767225600",
	};
	int64_t usec = 42;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		if (l3vm_time_parse(bad[i], &usec))
			fail_msg("\"%s\" should not parse", bad[i]);
	assert_int_equal(usec, 42);
}

static void test_now(void **state)
{
	int64_t now = l3vm_now();

	(void)state;
	assert_true(now > Y2026 / 2 * L3VM_SECOND); /* microseconds, not another unit */
	assert_true(l3vm_now() - now < 60 * L3VM_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_other_forms),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
