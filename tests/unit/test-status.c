/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-status.c - status, metrics and check: what scripts read */
#include "engine.h"

#include "engine-host.h"

#include <json-c/json.h>

static struct json_object *parse(char *text, GError **error)
{
	struct json_object *root;

	assert_ok(text != NULL, error);
	root = json_tokener_parse(text);
	g_free(text);
	assert_non_null(root);
	return root;
}

/* The ports; the caller owns *@root. */
static struct json_object *ports_of(Host *host, const char *guest,
				    struct json_object **root)
{
	g_autoptr(GError) error = NULL;
	struct json_object *ports;

	*root = parse(l3vm_status(host->l3vm, guest, &error), &error);
	assert_int_equal(json_object_get_int(json_object_object_get(*root, "version")),
			 1);
	assert_true(json_object_object_get_ex(*root, "ports", &ports));
	return ports;
}

static char *text_at(struct json_object *object, const char *key)
{
	return g_strdup(json_object_to_json_string_ext(
		json_object_object_get(object, key), JSON_C_TO_STRING_NOSLASHESCAPE));
}

#define assert_member(object, key, wanted)                       \
	do {                                                     \
		g_autofree char *is_text = text_at(object, key); \
                                                                 \
		assert_string_equal(is_text, wanted);            \
	} while (0)

static void test_no_ports(void **state)
{
	Host *host = *state;
	struct json_object *root;

	assert_int_equal(json_object_array_length(ports_of(host, NULL, &root)), 0);
	json_object_put(root);
}

/* Every member of the documented form, in its order. */
static void test_form(void **state)
{
	static const char *const keys[] = {
		"guest",  "uuid",     "ifname", "ifindex",   "mac",	 "network",
		"mode",	  "state",    "since",	"addresses", "prefixes", "learned",
		"routes", "announce", "guard",	"problems"
	};
	Host *host = *state;
	struct json_object *root, *port;
	size_t n = 0;

	attach(host,
	       request("vm1", "tap1", MAC1, "10.0.0.1 2001:db8::1 2001:db8:1::/48",
		       NULL),
	       L3VM_ATTACH_LIVE);
	port = json_object_array_get_idx(ports_of(host, "vm1", &root), 0);
	json_object_object_foreach (port, key, value) {
		(void)value;
		assert_true(n < G_N_ELEMENTS(keys));
		assert_string_equal(key, keys[n++]);
	}
	assert_int_equal(n, G_N_ELEMENTS(keys));
	assert_member(port, "guest", "\"vm1\"");
	assert_member(port, "uuid", "\"" UUID1 "\"");
	assert_member(port, "ifname", "\"tap1\"");
	assert_member(port, "ifindex", "1");
	assert_member(port, "mac", "\"" MAC1 "\"");
	assert_member(port, "network", "\"default\"");
	assert_member(port, "mode", "\"routed\"");
	assert_member(port, "state", "\"live\"");
	assert_member(port, "addresses", "[\"10.0.0.1\",\"2001:db8::1\"]");
	assert_member(port, "prefixes", "[\"2001:db8:1::/48\"]");
	assert_member(port, "learned", "[]");
	assert_member(port, "announce", "[{\"announcer\":\"kernel\",\"ok\":true}]");
	assert_member(port, "problems", "[]");
	assert_member(port, "routes",
		      "[{\"dst\":\"10.0.0.1/32\",\"table\":254,\"metric\":5,"
		      "\"present\":true},"
		      "{\"dst\":\"2001:db8::1/128\",\"table\":254,\"metric\":5,"
		      "\"present\":true},"
		      "{\"dst\":\"2001:db8:1::/48\",\"table\":254,\"metric\":5,"
		      "\"present\":true}]");
	json_object_put(root);
}

/* "2026-01-01T00:00:00Z": whole seconds. */
static void test_since(void **state)
{
	Host *host = *state;
	struct json_object *root, *port;
	const char *since;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	port = json_object_array_get_idx(ports_of(host, NULL, &root), 0);
	since = json_object_get_string(json_object_object_get(port, "since"));
	assert_int_equal(strlen(since), strlen("2026-01-01T00:00:00Z"));
	assert_int_equal(since[10], 'T');
	assert_int_equal(since[19], 'Z');
	json_object_put(root);
}

static void test_states(void **state)
{
	Host *host = *state;
	struct json_object *root, *ports;

	attach(host, request1(), L3VM_ATTACH_PREPARED);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.2", "lan"), L3VM_ATTACH_LIVE);
	notify(host, "vm2", L3VM_PHASE_LEAVING);
	ports = ports_of(host, NULL, &root);
	assert_int_equal(json_object_array_length(ports), 2);
	assert_member(json_object_array_get_idx(ports, 0), "state", "\"prepared\"");
	assert_member(json_object_array_get_idx(ports, 0), "routes", "[]");
	assert_member(json_object_array_get_idx(ports, 0), "problems", "[]");
	assert_member(json_object_array_get_idx(ports, 1), "state", "\"leaving\"");
	assert_member(json_object_array_get_idx(ports, 1), "mode", "\"bridge\"");
	assert_member(json_object_array_get_idx(ports, 1), "uuid", "null");
	assert_member(json_object_array_get_idx(ports, 1), "routes",
		      "[{\"dst\":\"10.0.0.2/32\",\"table\":254,\"metric\":4194305000,"
		      "\"present\":true}]");
	json_object_put(root);
}

static void test_one_guest(void **state)
{
	static const char *const names[] = { "vm1", UUID1 };
	Host *host = *state;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	struct json_object *root;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.2", NULL), L3VM_ATTACH_LIVE);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct json_object *ports = ports_of(host, names[i], &root);

		assert_int_equal(json_object_array_length(ports), 1);
		assert_member(json_object_array_get_idx(ports, 0), "guest", "\"vm1\"");
		json_object_put(root);
	}
	text = assert_fails(l3vm_status(host->l3vm, "nosuch", &error) != NULL, &error,
			    L3VM_ERROR_NOT_FOUND);
}

/* What is wrong is named, and the route is not called present. */
static void test_problems(void **state)
{
	Host *host = *state;
	L3vmChange gone = { .has_before = true,
			    .before = route_on("tap1", "10.0.0.1", 5) };
	struct json_object *root, *port;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	assert_true(host->kernel->ops->apply(host->kernel, &gone, NULL));
	port = json_object_array_get_idx(ports_of(host, "vm1", &root), 0);
	assert_member(port, "routes",
		      "[{\"dst\":\"10.0.0.1/32\",\"table\":254,\"metric\":5,"
		      "\"present\":false}]");
	assert_member(port, "announce", "[{\"announcer\":\"kernel\",\"ok\":false}]");
	assert_member(port, "problems",
		      "[\"missing: route 10.0.0.1/32 dev tap1 metric 5\"]");
	json_object_put(root);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	port = json_object_array_get_idx(ports_of(host, "vm1", &root), 0);
	assert_member(port, "problems", "[\"interface is gone\"]");
	json_object_put(root);
}

/* It is there, and yet does not serve. */
static void test_hidden(void **state)
{
	Host *host = *state;
	L3vmObject theirs = route_on("tap2", "10.0.0.1", 2);
	struct json_object *root, *port;

	attach(host, request("vm1", "tap1", MAC1, "10.0.0.1", NULL), L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_add_foreign(host->kernel, &theirs);
	port = json_object_array_get_idx(ports_of(host, "vm1", &root), 0);
	assert_member(port, "problems",
		      "[\"hidden: route 10.0.0.1/32 dev tap1 metric 5, by another's "
		      "of metric 2 dev tap2\"]");
	json_object_put(root);
}

static void test_status_changes_nothing(void **state)
{
	Host *host = *state;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	struct json_object *root;
	unsigned applied;

	attach(host, request1(), L3VM_ATTACH_LIVE);
	l3vm_kernel_fake_delete_link(host->kernel, "tap1");
	before = snapshot(host);
	applied = l3vm_kernel_fake_applied(host->kernel);
	ports_of(host, NULL, &root);
	json_object_put(root);
	after = snapshot(host);
	assert_string_equal(after, before);
	assert_int_equal(l3vm_kernel_fake_applied(host->kernel), applied);
}

static void test_metrics(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	attach(host, request("we\"ird\\name", "tap1", MAC1, "10.0.0.1", NULL),
	       L3VM_ATTACH_LIVE);
	attach(host, request("vm2", "tap2", MAC2, "10.0.0.2", NULL),
	       L3VM_ATTACH_PREPARED);
	text = l3vm_metrics(host->l3vm, &error);
	assert_ok(text != NULL, &error);
	assert_non_null(strstr(text, "\nl3vm_ports{state=\"live\"} 1\n"));
	assert_non_null(strstr(text, "\nl3vm_ports{state=\"prepared\"} 1\n"));
	assert_non_null(strstr(text, "\nl3vm_ports{state=\"leaving\"} 0\n"));
	/* escaped as the format asks for */
	assert_non_null(strstr(text, "l3vm_port_problems{guest=\"we\\\"ird\\\\name\","
				     "ifname=\"tap1\"} 0\n"));
	assert_true(g_str_has_suffix(text, "\n"));
}

/* Whatever this machine is like: findings of the documented form. */
static void test_check(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;
	struct json_object *root, *findings;

	root = parse(l3vm_check(host->l3vm, &error), &error);
	assert_member(root, "version", "1");
	findings = json_object_object_get(root, "findings");
	assert_true(json_object_array_length(findings) > 0);
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *one = json_object_array_get_idx(findings, i);
		const char *severity =
			json_object_get_string(json_object_object_get(one, "severity"));

		assert_true(!strcmp(severity, "ok") || !strcmp(severity, "warning") ||
			    !strcmp(severity, "error"));
		assert_non_null(json_object_object_get(one, "subject"));
		assert_non_null(json_object_object_get(one, "finding"));
		/* what is wrong has a remedy */
		if (strcmp(severity, "ok") != 0)
			assert_non_null(json_object_object_get(one, "remedy"));
	}
	json_object_put(root);
}

static void test_check_of_a_broken_config(void **state)
{
	Host *host = *state;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;

	host_reopen(host, "[network default]\nallow = nonsense\n");
	text = l3vm_check(host->l3vm, &error);
	assert_ok(text != NULL, &error);
	assert_non_null(strstr(text, "\"error\""));
	assert_non_null(strstr(text, "l3vm.conf:2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(test_no_ports),
		host_test(test_form),
		host_test(test_since),
		host_test(test_states),
		host_test(test_one_guest),
		host_test(test_problems),
		host_test(test_hidden),
		host_test(test_status_changes_nothing),
		host_test(test_metrics),
		host_test(test_check),
		host_test(test_check_of_a_broken_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
