/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-record.c - records of ports: what was written is read, nothing else is */
#include "model/service.h"
#include "store/record.h"

#include "record-place.h"

#include <sys/wait.h>

/* --- ports -------------------------------------------------------------- */

static void round_trip(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autoptr(L3vmPort) loaded = NULL;

	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_int_equal(mode_of(place, "ports/tapvm1.json"), 0640);
	assert_int_equal(leftovers(place), 0);
	loaded = l3vm_record_load(place->store, "tapvm1", NULL);
	assert_non_null(loaded);
	assert_ports_equal(port, loaded);
	assert_int_equal(place->warnings, 0);
}

static void round_trip_of_little(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autoptr(L3vmPort) loaded = NULL;

	/* an empty list and none are not the same */
	port->net->allow = g_array_new(FALSE, FALSE, sizeof(L3vmAddr));
	port->net->derive = NULL;
	g_strfreev(port->net->announce);
	port->net->announce = g_new0(char *, 1);
	assert_true(l3vm_record_save(place->store, port, NULL));
	loaded = l3vm_record_load(place->store, "tap0", NULL);
	assert_non_null(loaded);
	assert_ports_equal(port, loaded);
	assert_non_null(loaded->net->allow);
}

static void every_state(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");

	for (int i = L3VM_STATE_PREPARED; i <= L3VM_STATE_GONE; i++) {
		g_autoptr(L3vmPort) loaded = NULL;

		port->state = (L3vmState)i;
		assert_true(l3vm_record_save(place->store, port, NULL));
		loaded = l3vm_record_load(place->store, "tap0", NULL);
		assert_int_equal(loaded->state, i);
	}
}

static void largest_port(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autoptr(L3vmPort) loaded = NULL;

	for (int i = 0; i < L3VM_MAX_ADDRESSES; i++) {
		g_autofree char *text = g_strdup_printf("2001:db8::%x", i + 1);

		add(port->addresses, text);
	}
	for (int i = 0; i < L3VM_MAX_PREFIXES; i++) {
		g_autofree char *text = g_strdup_printf("2001:db8:%x::/64", i + 1);

		add(port->prefixes, text);
	}
	assert_true(l3vm_record_save(place->store, port, NULL));
	loaded = l3vm_record_load(place->store, "tap0", NULL);
	assert_non_null(loaded);
	assert_ports_equal(port, loaded);
	add(port->addresses, "10.0.0.1");
	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_null(l3vm_record_load(place->store, "tap0", NULL));
	assert_int_equal(place->warnings, 1);
}

static void pending_ports(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port(NULL);
	g_autoptr(L3vmPort) loaded = NULL;
	g_autofree char *name = NULL;

	assert_null(l3vm_record_name(port));
	assert_false(l3vm_record_save(place->store, port, NULL));
	assert_true(l3vm_port_set_mac(port, "52:54:00:aB:00:05", NULL));
	name = l3vm_record_name(port);
	assert_string_equal(name, "pending-525400ab0005");
	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_true(exists(place, "ports/pending-525400ab0005.json"));
	loaded = l3vm_record_load(place->store, name, NULL);
	assert_ports_equal(port, loaded);
}

static void needs_its_network(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autoptr(GError) error = NULL;

	g_clear_pointer(&port->net, l3vm_network_free);
	assert_false(l3vm_record_save(place->store, port, &error));
	assert_non_null(error);
	assert_false(exists(place, "ports/tap0.json"));
}

/* Names that come from a command line never leave the directory. */
static void names_that_cannot_be(void **state)
{
	static const char *const names[] = { "",
					     ".",
					     "..",
					     "../guests/vm1",
					     "a/b",
					     ".hidden",
					     "sixteen-letters-",
					     "pending-52540000000",
					     "pending-52540000000g",
					     "pending-5254000000055" };
	struct place *place = *state;
	g_autofree char *victim = path_of(place, "guests/vm1.json");

	assert_true(g_file_set_contents(victim, "{}", -1, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;

		assert_null(l3vm_record_load(place->store, names[i], &error));
		assert_null(error);
		assert_true(l3vm_record_remove(place->store, names[i], &error));
	}
	assert_true(exists(place, "guests/vm1.json"));
	assert_int_equal(place->warnings, 0);
}

static void remove_and_absent(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autoptr(GError) error = NULL;

	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_true(l3vm_record_remove(place->store, "tap0", NULL));
	assert_true(l3vm_record_remove(place->store, "tap0", NULL));
	assert_null(l3vm_record_load(place->store, "tap0", &error));
	assert_null(error);
	assert_int_equal(place->warnings, 0);
}

static void list_is_ordered(void **state)
{
	static const char *const names[] = { "tap9", "tap10", "Tap1", "br-x" };
	static const char *const sorted[] = { "Tap1", "br-x", "tap10", "tap9" };
	struct place *place = *state;
	g_autofree char *junk = path_of(place, "ports/junk.json");
	g_autofree char *other = path_of(place, "ports/README");
	g_autofree char *hidden = path_of(place, "ports/.x.json");
	g_autoptr(GPtrArray) ports = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(L3vmPort) port = small_port(names[i]);

		assert_true(l3vm_record_save(place->store, port, NULL));
	}
	assert_true(g_file_set_contents(junk, "{", -1, NULL));
	assert_true(g_file_set_contents(other, "hello", -1, NULL));
	assert_true(g_file_set_contents(hidden, "hello", -1, NULL));
	ports = l3vm_record_list(place->store, NULL);
	assert_int_equal(ports->len, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(((L3vmPort *)ports->pdata[i])->ifname, sorted[i]);
	assert_int_equal(place->warnings, 1); /* about junk.json alone */
}

/* --- damage ------------------------------------------------------------- */

static void expect_ignored(struct place *place, const char *name)
{
	unsigned before = place->warnings;
	g_autoptr(GError) error = NULL;

	assert_null(l3vm_record_load(place->store, name, &error));
	assert_null(error);
	assert_int_equal(place->warnings, before + 1);
}

static void every_truncation(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autofree char *text = NULL;
	gsize size;

	assert_true(l3vm_record_save(place->store, port, NULL));
	text = get(place, "ports/tapvm1.json", &size);
	for (gsize n = 0; n < size; n++) {
		put(place, "ports/tapvm1.json", text, n);
		expect_ignored(place, "tapvm1");
	}
}

/* Every bit of a record, one at a time: no flip is believed. */
static void every_bit_flip(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autofree char *text = NULL;
	gsize size;

	assert_true(l3vm_record_save(place->store, port, NULL));
	text = get(place, "ports/tapvm1.json", &size);
	for (gsize bit = 0; bit < size * 8; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		put(place, "ports/tapvm1.json", text, size);
		expect_ignored(place, "tapvm1");
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
	put(place, "ports/tapvm1.json", text, size);
	g_clear_pointer(&port, l3vm_port_free);
	port = l3vm_record_load(place->store, "tapvm1", NULL);
	assert_non_null(port);
}

static void random_garbage(void **state)
{
	struct place *place = *state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(3);
	char text[512];

	for (int round = 0; round < 1000; round++) {
		size_t size = (size_t)g_rand_int_range(rand, 0, sizeof(text));

		for (size_t i = 0; i < size; i++)
			text[i] = (char)g_rand_int(rand);
		put(place, "ports/tap0.json", text, size);
		expect_ignored(place, "tap0");
	}
}

/* Sealed well, but nothing that this version writes. */
static void wrong_members(void **state)
{
	static const char *const edits[][2] = {
		{ "\"version\":1", "\"version\":2" },
		{ "\"version\":1", "\"version\":\"1\"" },
		{ "\"version\":1", "\"x\":1" },
		{ "\"uuid\":\"12345678", "\"uuid\":\"1234567g" },
		{ "\"guest\":\"vm", "\"guest\":\"../vm" },
		{ "\"guest\":\"vm", "\"guest\":\"v\\u0000m" },
		{ "\"ifname\":\"tapvm1\"", "\"ifname\":\"tapvm2\"" },
		{ "\"ifname\":\"tapvm1\"", "\"ifname\":\"../../../x\"" },
		{ "\"ifname\":\"tapvm1\"", "\"ifname\":null" },
		{ "\"ifname\":\"tapvm1\"", "\"ifname\":5" },
		{ "\"mac\":\"52:54", "\"mac\":\"53:54" },
		{ "\"mac\":\"52:54", "\"mac\":\"5254" },
		{ "\"network\":\"lan\"", "\"network\":\"l/n\"" },
		{ "\"addresses\":[", "\"addresses\":[5," },
		{ "\"addresses\":[", "\"addresses\":[\"10.0.0.0/24\"," },
		{ "\"addresses\":[", "\"addresses\":[\"10.0.0.256\"," },
		{ "\"addresses\":[", "\"xaddresses\":[" },
		{ "\"prefixes\":[", "\"prefixes\":[\"10.0.0.1/24\"," },
		{ "\"gateways\":[", "\"gateways\":[\"10.0.0.0/24\"," },
		{ "\"gateways\":[\"", "\"gateways\":[5,\"" },
		{ "\"table\":\"red\"", "\"table\":\"r d\"" },
		{ "\"table\":\"red\"", "\"table\":5" },
		{ "\"optional\":true", "\"optional\":1" },
		{ "\"ifindex\":7", "\"ifindex\":-7" },
		{ "\"ifindex\":7", "\"ifindex\":4294967296" },
		{ "\"ifindex\":7", "\"ifindex\":7.5" },
		{ "\"state\":\"leaving\"", "\"state\":\"left\"" },
		{ "\"state\":\"leaving\"", "\"state\":null" },
		{ "\"since\":1", "\"since\":-1" },
		{ "\"generation\":4294967295", "\"generation\":4294967296" },
		{ "\"mode\":\"bridge\"", "\"mode\":\"routed\"" }, /* with a bridge */
		{ "\"mode\":\"bridge\"", "\"mode\":\"bridged\"" },
		{ "\"gateway4\":\"", "\"gateway4\":\"fe80::" },
		{ "\"gateway4\":\"169.254.0.1\"", "\"gateway4\":\"fe80::1\"" },
		{ "\"gateway6\":\"fe80::1\"", "\"gateway6\":\"10.0.0.1\"" },
		{ "\"gateway_mac\":\"02", "\"gateway_mac\":\"03" },
		{ "\"allow\":[", "\"allow\":[\"\"," },
		{ "\"table\":4294967295", "\"table\":0" },
		{ "\"mtu\":9000", "\"mtu\":90000" },
		{ "\"proxy_arp\":true", "\"proxy_arp\":\"yes\"" },
		{ "\"cover\":\"blackhole\"", "\"cover\":\"black\"" },
		{ "\"bridge\":\"l3br0\"", "\"bridge\":null" },
		{ "\"bridge\":\"l3br0\"", "\"bridge\":\"l3/br0\"" },
		{ "\"kind\":\"mac4\"", "\"kind\":\"mac5\"" },
		{ "\"kind\":\"eui64\"", "\"kind\":\"embed4\"" },
		{ "\"announce\":[", "\"announce\":[null," },
		{ "\"net\":{", "\"nett\":{" },
		{ "\"net\":{", "\"net\":[],\"nett\":{" },
		{ "\"guest\":", "\"guest\"" }, /* no JSON */
	};
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();

	for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
		assert_true(l3vm_record_save(place->store, port, NULL));
		put_edited(place, "ports/tapvm1.json", edits[i][0], edits[i][1]);
		if (place->warnings != i)
			print_error("believed before: %s\n", edits[i][1]);
		expect_ignored(place, "tapvm1");
	}
}

/* --- service addresses ---------------------------------------------------- */

#define SERVICE "service:2001:db8::53"

static L3vmPort *service_port(void)
{
	L3vmPort *port = l3vm_service_new("2001:db8::53", NULL);

	assert_true(l3vm_service_set_check(port, "/bin/c 'a b'", 5000, 2, 3, NULL));
	port->service->drain = true;
	port->net = l3vm_network_new("default");
	return port;
}

static void service_round_trip(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = service_port();
	g_autoptr(L3vmPort) loaded = NULL;
	const L3vmService *service;

	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_true(exists(place, "ports/" SERVICE ".json"));
	loaded = l3vm_record_load(place->store, SERVICE, NULL);
	assert_non_null(loaded);
	assert_ports_equal(port, loaded);
	service = loaded->service;
	assert_int_equal(g_strv_length(service->check), 2);
	assert_string_equal(service->check[1], "a b");
	assert_int_equal(service->interval, 5000);
	assert_int_equal(service->rise, 2);
	assert_int_equal(service->fall, 3);
	assert_true(service->drain && !service->well);
}

static void wrong_services(void **state)
{
	static const char *const edits[][2] = {
		{ "\"addresses\":[\"2001:db8::53\"]", "\"addresses\":[]" },
		{ "\"addresses\":[\"2001:db8::53\"]", "\"addresses\":[\"::5\"]" },
		{ "\"prefixes\":[]", "\"prefixes\":[\"10.0.0.0/8\"]" },
		{ "\"ifname\":\"lo\",", "" },
		{ "\"/bin/c\"", "\"c\"" },
		{ "\"check\":[\"/bin/c\",\"a b\"]", "\"check\":[]" },
		{ "\"interval\":5000", "\"interval\":0" },
		{ "\"rise\":2", "\"rise\":1000" },
		{ "\"fall\":3", "\"fall\":-1" },
		{ "\"well\":false", "\"well\":0" },
		{ "\"service\":{", "\"service\":1,\"x\":{" },
		{ "\"service\":{", "\"x\":{" },
	};
	struct place *place = *state;
	g_autoptr(L3vmPort) port = service_port();

	for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
		assert_true(l3vm_record_save(place->store, port, NULL));
		put_edited(place, "ports/" SERVICE ".json", edits[i][0], edits[i][1]);
		if (place->warnings != i)
			print_error("believed before: %s\n", edits[i][1]);
		expect_ignored(place, SERVICE);
	}
}

/* A later release may have added members: they are passed over. */
static void unknown_members_are_fine(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	g_autoptr(L3vmPort) loaded = NULL;

	assert_true(l3vm_record_save(place->store, port, NULL));
	put_edited(place, "ports/tapvm1.json", "\"guest\"", "\"new\":[{}],\"guest\"");
	loaded = l3vm_record_load(place->store, "tapvm1", NULL);
	assert_non_null(loaded);
	assert_ports_equal(port, loaded);
}

static void odd_files(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autofree char *path = path_of(place, "ports/tap0.json");
	g_autofree char *kept = path_of(place, "kept");
	g_autofree char *big = g_malloc0(256 * 1024 + 1);

	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_int_equal(rename(path, kept), 0);
	assert_int_equal(symlink("../kept", path), 0);
	expect_ignored(place, "tap0");
	g_remove(path);
	assert_int_equal(link(kept, path), 0);
	expect_ignored(place, "tap0");
	g_remove(kept);
	g_chmod(path, 0666);
	expect_ignored(place, "tap0");
	g_remove(path);
	assert_int_equal(mkfifo(path, 0640), 0);
	expect_ignored(place, "tap0");
	g_remove(path);
	assert_int_equal(g_mkdir(path, 0750), 0);
	expect_ignored(place, "tap0");
	g_rmdir(path);
	put(place, "ports/tap0.json", big, 256 * 1024 + 1);
	expect_ignored(place, "tap0");
	put(place, "ports/tap0.json", big, 256 * 1024);
	expect_ignored(place, "tap0");
	/* and each is replaced by a good one */
	assert_true(l3vm_record_save(place->store, port, NULL));
	l3vm_port_free(l3vm_record_load(place->store, "tap0", NULL));
}

static void ignore_foreign_file(struct place *place)
{
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autofree char *path = path_of(place, "ports/tap0.json");

	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_int_equal(chown(path, 65534, 0), 0);
	expect_ignored(place, "tap0");
}

static void foreign_file_is_ignored(void **state)
{
	if (geteuid() != 0)
		skip();
	ignore_foreign_file(*state);
}

static void stale_temporaries_go(void **state)
{
	struct place *place = *state;
	g_autofree char *old = path_of(place, ".tmp-99999-0");
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	put(place, ".tmp-99999-0", "", 0);
	put(place, ".tmp-99999-1", "", 0);
	assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
	g_ptr_array_unref(l3vm_record_list(place->store, NULL));
	assert_false(exists(place, ".tmp-99999-0"));
	assert_true(exists(place, ".tmp-99999-1"));
}

/* A process that had our number died in the middle of a write. */
static void taken_temporary_name(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autofree char *name = g_strdup_printf(".tmp-%d-0", (int)getpid());

	put(place, name, "other", 5);
	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_true(exists(place, name));
	assert_int_equal(leftovers(place), 1);
}

static void folders_come_back(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autofree char *ports = path_of(place, "ports");
	g_autoptr(GPtrArray) list = NULL;

	g_rmdir(ports);
	list = l3vm_record_list(place->store, NULL);
	assert_non_null(list);
	assert_int_equal(list->len, 0);
	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_true(exists(place, "ports/tap0.json"));
}

/* One writes, one reads: the reader sees one state or the other, never a part. */
static void readers_see_whole_records(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmPort) port = full_port();
	pid_t writer;
	int status;

	assert_true(l3vm_record_save(place->store, port, NULL));
	writer = fork();
	if (writer == 0) {
		for (unsigned i = 0; i < 2000; i++) {
			port->generation = i;
			port->since = i;
			if (!l3vm_record_save(place->store, port, NULL))
				_exit(1);
		}
		_exit(0);
	}
	while (waitpid(writer, &status, WNOHANG) == 0) {
		g_autoptr(L3vmPort)
			loaded = l3vm_record_load(place->store, "tapvm1", NULL);

		assert_non_null(loaded);
		assert_true(loaded->generation == UINT32_MAX ||
			    loaded->generation == loaded->since);
	}
	assert_int_equal(status, 0);
	assert_int_equal(place->warnings, 0);
	assert_int_equal(leftovers(place), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(round_trip),
		CASE(round_trip_of_little),
		CASE(every_state),
		CASE(largest_port),
		CASE(pending_ports),
		CASE(needs_its_network),
		CASE(names_that_cannot_be),
		CASE(remove_and_absent),
		CASE(list_is_ordered),
		CASE(every_truncation),
		CASE(every_bit_flip),
		CASE(random_garbage),
		CASE(wrong_members),
		CASE(service_round_trip),
		CASE(wrong_services),
		CASE(unknown_members_are_fine),
		CASE(odd_files),
		CASE(foreign_file_is_ignored),
		CASE(stale_temporaries_go),
		CASE(taken_temporary_name),
		CASE(folders_come_back),
		CASE(readers_see_whole_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
