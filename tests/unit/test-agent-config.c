/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent-config.c - the settings that only the agent heeds */
#include "store/config.h"

#include "config-place.h"

static void nothing_by_default(void **state)
{
	g_autoptr(L3vmConfig) config = load(*state, "");

	assert_null(config->qmp_sockets);
	assert_true(config->arrival_timeout == 0);
	assert_false(l3vm_config_network(config, "default")->announce_gateway);
}

static void each_key(void **state)
{
	g_autoptr(L3vmConfig) config = load(
		*state, "[l3vm]\n"
			"qmp-sockets = /run/qemu/*.qmp  /srv/vm/[ab]?.sock\n"
			"arrival-timeout = 90s\n"
			"[network default]\nannounce-gateway = yes\n"
			"[network heir]\n[network quiet]\nannounce-gateway = no\n");

	assert_string_equal(config->qmp_sockets[0], "/run/qemu/*.qmp");
	assert_string_equal(config->qmp_sockets[1], "/srv/vm/[ab]?.sock");
	assert_null(config->qmp_sockets[2]);
	assert_true(config->arrival_timeout == INT64_C(90000000));
	assert_true(l3vm_config_network(config, "default")->announce_gateway);
	assert_true(l3vm_config_network(config, "heir")->announce_gateway);
	assert_false(l3vm_config_network(config, "quiet")->announce_gateway);
}

static void zero_is_never(void **state)
{
	g_autoptr(L3vmConfig) config = load(*state, "[l3vm]\narrival-timeout = 0s\n");

	assert_true(config->arrival_timeout == 0);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "qmp-sockets = vm.qmp", "\"vm.qmp\" is not the full path of a file" },
		{ "qmp-sockets = /run/qemu/", "is not the full path of a file" },
		{ "qmp-sockets = /run/a /run/*/x", "\"/run/*/x\" has a wildcard" },
		{ "qmp-sockets = /run/[q]/x", "has a wildcard" },
		{ "qmp-sockets =", "qmp-sockets" },
		{ "arrival-timeout = 30", "must be a time" },
		{ "arrival-timeout = -1s", "must be a time" },
		{ "qmp-socket = /run/x", "did you mean \"qmp-sockets\"?" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strconcat("[l3vm]\n", cases[i].text, "\n",
						    NULL);

		refuse_about(*state, text, cases[i].part);
	}
	refuse_about(*state, "[network default]\nannounce-gateway = 1\n",
		     "must be yes, no, true or false");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_by_default),
		CASE(each_key),
		CASE(zero_is_never),
		CASE(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
