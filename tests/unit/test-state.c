/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-state.c - the state directory: guests, reserved addresses */
#include "store/record.h"

#include "record-place.h"

#include <errno.h>
#include <json-c/json.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* --- the directory ------------------------------------------------------ */

static void creates_what_is_missing(void **state)
{
	struct place *place = *state;
	mode_t umask_before = umask(0077);
	g_autofree char *deep = g_build_filename(place->parent, "a", "b", "c", NULL);
	g_autofree char *slashes = g_strconcat(deep, "//", NULL);
	g_autoptr(L3vmStore) store = l3vm_store_open(slashes, NULL);
	struct stat st;

	umask(umask_before);
	assert_non_null(store);
	assert_string_equal(l3vm_store_dir(store), deep);
	assert_int_equal(fstat(l3vm_store_fd(store), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(mode_of(place, ""), 0750);
	assert_int_equal(mode_of(place, "ports"), 0750);
	assert_int_equal(mode_of(place, "guests"), 0750);
	assert_int_equal(mode_of(place, "addresses"), 0750);
	assert_int_equal(mode_of(place, "announce"), 0750);
	assert_int_equal(leftovers(place), 0);
}

static void expect_no_store(const char *dir, const char *why)
{
	g_autoptr(GError) error = NULL;

	assert_null(l3vm_store_open(dir, &error));
	assert_true(error->domain == L3VM_ERROR);
	if (!strstr(error->message, why))
		print_error("\"%s\" is not in: %s\n", why, error->message);
	assert_non_null(strstr(error->message, why));
}

static void refuses_odd_directories(void **state)
{
	struct place *place = *state;
	g_autofree char *link = g_build_filename(place->parent, "link", NULL);
	g_autofree char *link_slash = g_strconcat(link, "/", NULL);
	g_autofree char *file = g_build_filename(place->parent, "file", NULL);
	g_autofree char *ports = path_of(place, "ports");
	g_autofree char *below = g_build_filename(file, "x", NULL);

	assert_int_equal(symlink("l3vm", link), 0);
	expect_no_store(link, "is a symbolic link");
	expect_no_store(link_slash, "is a symbolic link");
	assert_true(g_file_set_contents(file, "", 0, NULL));
	expect_no_store(file, "is not a directory");
	expect_no_store(below, "Not a directory");
	g_chmod(place->dir, 0770);
	expect_no_store(place->dir, "is writable by others");
	g_chmod(place->dir, 0757);
	expect_no_store(place->dir, "is writable by others");
	g_chmod(place->dir, 0750);
	g_chmod(ports, 0777);
	expect_no_store(place->dir, "ports: is writable by others");
	g_rmdir(ports);
	assert_int_equal(symlink("guests", ports), 0);
	expect_no_store(place->dir, "ports: is a symbolic link");
	g_remove(ports);
	assert_true(g_file_set_contents(ports, "", 0, NULL));
	expect_no_store(place->dir, "ports: is not a directory");
}

/* Of the agent's user, in a directory that others can put theirs into. */
static void refuses_foreign_owner(void **state)
{
	struct place *place = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(place->dir, 65534, 0), 0);
	g_chmod(place->parent, 0722);
	expect_no_store(place->dir, "belongs to user 65534");
	g_chmod(place->parent, 01777);
	expect_no_store(place->dir, "belongs to user 65534");
	g_chmod(place->parent, 0700);
	assert_int_equal(chown(place->parent, 65534, 0), 0);
	expect_no_store(place->dir, "belongs to user 65534");
}

/* Runs @test in a child, as another user or with other mounts; its status. */
static int in_child(struct place *place, int (*test)(struct place *))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(test(place));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int other_user_may_not(struct place *place)
{
	g_autoptr(GError) error = NULL;

	if (setgid(65534) || setuid(65534) || l3vm_store_open(place->dir, &error))
		return 1;
	return error->code == L3VM_ERROR_PERMISSION ? 0 : 2;
}

static void permission_is_its_own_error(void **state)
{
	struct place *place = *state;

	if (geteuid() != 0)
		skip();
	g_chmod(place->parent, 0711);
	assert_int_equal(in_child(place, other_user_may_not), 0);
}

/* 0 if saving fails with @why and leaves no file behind, 77 if not testable. */
static int save_fails(struct place *place, const char *options, unsigned long flags,
		      const char *why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmStore) store = NULL;
	g_autoptr(L3vmPort) port = small_port("tap0");

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("l3vm", place->dir, "tmpfs", 0, options))
		return 77;
	store = l3vm_store_open(place->dir, &error);
	if (!store)
		return 1;
	if (flags && mount("l3vm", place->dir, "tmpfs", MS_REMOUNT | flags, options))
		return 2;
	if (!flags) {
		g_autofree char *filler = path_of(place, "filler");
		char page[4096] = { 0 };
		int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		while (write(fd, page, sizeof(page)) > 0)
			;
		close(fd);
	}
	if (l3vm_record_save(store, port, &error))
		return 3;
	if (!strstr(error->message, why) || exists(place, "ports/tap0.json"))
		return 4;
	/* of all that might be left there is only what fills the directory */
	return leftovers(place) == (flags ? 0 : 1) ? 0 : 5;
}

static int full_directory(struct place *place)
{
	return save_fails(place, "size=16k,mode=0750", 0, "No space left on device");
}

static int read_only_directory(struct place *place)
{
	return save_fails(place, "size=16k,mode=0750", MS_RDONLY,
			  "remount it writable");
}

static void full_and_read_only(void **state)
{
	int full = in_child(*state, full_directory);
	int read_only = in_child(*state, read_only_directory);

	if (full == 77 && read_only == 77)
		skip();
	assert_int_equal(full, 0);
	assert_int_equal(read_only, 0);
}

/* --- guests ------------------------------------------------------------- */

static void guest_round_trip(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmGuest) guest = l3vm_guest_load(place->store, "vm1", UUID, NULL);
	g_autoptr(L3vmGuest) loaded = NULL;
	L3vmPort *nic = full_port();

	assert_non_null(guest);
	assert_int_equal(guest->ports->len + guest->nics->len, 0);
	assert_int_equal(guest->incoming, 0);
	guest->incoming = INT64_C(1767225600123456);
	g_ptr_array_add(guest->ports, g_strdup("tapvm1"));
	g_ptr_array_add(guest->ports, g_strdup("pending-525400000005"));
	g_clear_pointer(&nic->ifname, g_free);
	g_clear_pointer(&nic->net, l3vm_network_free);
	g_ptr_array_add(guest->nics, nic);
	assert_true(l3vm_guest_save(place->store, guest, NULL));
	assert_int_equal(mode_of(place, "guests/" UUID ".json"), 0640);
	loaded = l3vm_guest_load(place->store, "vm1", UUID, NULL);
	assert_string_equal(loaded->guest, "vm1");
	assert_string_equal(loaded->uuid, UUID);
	assert_int_equal(loaded->incoming, guest->incoming);
	assert_int_equal(loaded->ports->len, 2);
	assert_string_equal(loaded->ports->pdata[1], "pending-525400000005");
	assert_int_equal(loaded->nics->len, 1);
	assert_ports_equal(loaded->nics->pdata[0], nic);
	assert_int_equal(place->warnings, 0);
}

static void guest_record_goes_when_empty(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmGuest) guest = l3vm_guest_load(place->store, "vm1", NULL, NULL);

	assert_true(l3vm_guest_save(place->store, guest, NULL));
	assert_false(exists(place, "guests/vm1.json"));
	guest->incoming = 1;
	assert_true(l3vm_guest_save(place->store, guest, NULL));
	assert_true(exists(place, "guests/vm1.json"));
	guest->incoming = 0;
	g_ptr_array_add(guest->ports, g_strdup("tap0"));
	assert_true(l3vm_guest_save(place->store, guest, NULL));
	assert_true(exists(place, "guests/vm1.json"));
	g_ptr_array_set_size(guest->ports, 0);
	assert_true(l3vm_guest_save(place->store, guest, NULL));
	assert_false(exists(place, "guests/vm1.json"));
}

static void save_guest(struct place *place, const char *name, const char *uuid,
		       int64_t incoming)
{
	g_autoptr(L3vmGuest) guest = l3vm_guest_load(place->store, name, uuid, NULL);

	guest->incoming = incoming;
	assert_true(l3vm_guest_save(place->store, guest, NULL));
}

static void assert_found(struct place *place, const char *wanted, int64_t incoming)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(L3vmGuest) guest = l3vm_guest_find(place->store, wanted, &error);

	assert_null(error);
	if (!incoming) {
		assert_null(guest);
		return;
	}
	assert_non_null(guest);
	assert_int_equal(guest->incoming, incoming);
}

static void finds_guests(void **state)
{
	struct place *place = *state;

	save_guest(place, "named", NULL, 1);
	save_guest(place, "vm1", UUID, 2);
	save_guest(place, "vm2", "22345678-9ABC-def0-1234-56789abcdef0", 3);
	assert_found(place, "named", 1);
	assert_found(place, "vm1", 2);
	assert_found(place, UUID, 2);
	assert_found(place, "12345678-9ABC-DEF0-1234-56789ABCDEF0", 2);
	assert_found(place, "vm2", 3);
	assert_found(place, "22345678-9abc-def0-1234-56789abcdef0", 3);
	assert_found(place, "vm3", 0);
	assert_found(place, "../ports/x", 0);
	assert_found(place, "", 0);
	assert_int_equal(place->warnings, 0);
}

static void renamed_guest_keeps_its_record(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmGuest) guest = NULL;

	save_guest(place, "old", UUID, 5);
	guest = l3vm_guest_load(place->store, "new", UUID, NULL);
	assert_int_equal(guest->incoming, 5);
	assert_string_equal(guest->guest, "new");
}

static void damaged_guests(void **state)
{
	static const char *const edits[][2] = {
		{ "\"incoming\":9", "\"incoming\":-9" },
		{ "\"incoming\":9", "\"incoming\":null" },
		{ "\"guest\":\"vm1\"", "\"guest\":\"vm2\"" },
		{ "\"ports\":[", "\"ports\":[\"../x\"," },
		{ "\"ports\":[", "\"ports\":[5," },
		{ "\"ports\":[", "\"xports\":[" },
		{ "\"nics\":[", "\"nics\":[{}," },
		{ "\"nics\":[", "\"nics\":[null," },
		{ "\"version\":1", "\"version\":99" },
	};
	struct place *place = *state;

	for (unsigned i = 0; i < G_N_ELEMENTS(edits); i++) {
		g_autoptr(L3vmGuest) guest = NULL;

		g_autofree char *record = path_of(place, "guests/vm1.json");

		g_remove(record);
		guest = l3vm_guest_load(place->store, "vm1", NULL, NULL);
		guest->incoming = 9;
		g_ptr_array_add(guest->ports, g_strdup("tap0"));
		g_ptr_array_add(guest->nics, full_port());
		assert_true(l3vm_guest_save(place->store, guest, NULL));
		put_edited(place, "guests/vm1.json", edits[i][0], edits[i][1]);
		l3vm_guest_free(guest);
		guest = l3vm_guest_load(place->store, "vm1", NULL, NULL);
		assert_non_null(guest);
		if (guest->incoming)
			print_error("believed: %s\n", edits[i][1]);
		assert_int_equal(guest->incoming, 0);
		assert_int_equal(guest->ports->len + guest->nics->len, 0);
		assert_int_equal(place->warnings, i + 1);
	}
}

/* --- addresses ---------------------------------------------------------- */

static L3vmAddr prefix(const char *text)
{
	L3vmAddr addr;

	assert_true(l3vm_prefix_parse(text, &addr));
	return addr;
}

static void reservations(void **state)
{
	struct place *place = *state;
	L3vmAddr four = prefix("10.0.0.5"), six = prefix("2001:db8:5::/64");
	g_autofree char *holder = NULL;
	g_autofree char *nobody = NULL;
	g_autoptr(GError) error = NULL;

	assert_true(l3vm_address_reserve(place->store, &four, "tap1", &nobody, &error));
	assert_true(l3vm_address_reserve(place->store, &six, "tap1", &nobody, &error));
	assert_true(exists(place, "addresses/10.0.0.5_32"));
	assert_true(exists(place, "addresses/2001:db8:5::_64"));
	/* again is fine */
	assert_true(l3vm_address_reserve(place->store, &four, "tap1", &nobody, &error));
	assert_null(nobody);
	assert_false(
		l3vm_address_reserve(place->store, &four, "tap2", &holder, &error));
	assert_null(error);
	assert_string_equal(holder, "tap1");
	/* not tap2's to release */
	l3vm_address_release(place->store, &four, "tap2");
	assert_true(exists(place, "addresses/10.0.0.5_32"));
	l3vm_address_release(place->store, &four, "tap1");
	assert_false(exists(place, "addresses/10.0.0.5_32"));
	l3vm_address_release(place->store, &four, "tap1");
	assert_true(l3vm_address_reserve(place->store, &four, "tap2", &nobody, &error));
	assert_int_equal(place->warnings, 0);
}

static void taking_over(void **state)
{
	struct place *place = *state;
	L3vmAddr addr = prefix("10.0.0.5");
	g_autofree char *holder = NULL;
	g_autoptr(GError) error = NULL;

	assert_true(l3vm_address_reserve(place->store, &addr, "tap1", &holder, NULL));
	assert_true(l3vm_address_take(place->store, &addr, "tap2", "tap1", &error));
	assert_int_equal(leftovers(place), 0);
	/* tap3 found tap1 to be gone too, but was too late */
	assert_false(l3vm_address_take(place->store, &addr, "tap3", "tap1", &error));
	assert_int_equal(error->code, L3VM_ERROR_REFUSED);
	assert_false(l3vm_address_reserve(place->store, &addr, "tap3", &holder, NULL));
	assert_string_equal(holder, "tap2");
	/* tap2 again: it has it */
	g_clear_error(&error);
	assert_true(l3vm_address_take(place->store, &addr, "tap2", "tap1", &error));
	/* and one that was released meanwhile is simply reserved */
	l3vm_address_release(place->store, &addr, "tap2");
	assert_true(l3vm_address_take(place->store, &addr, "tap4", "tap2", &error));
	g_free(holder);
	assert_false(l3vm_address_reserve(place->store, &addr, "tap5", &holder, NULL));
	assert_string_equal(holder, "tap4");
}

static void junk_is_no_reservation(void **state)
{
	struct place *place = *state;
	L3vmAddr addr = prefix("10.0.0.5");
	g_autofree char *holder = NULL;
	g_autofree char *path = path_of(place, "addresses/10.0.0.5_32");
	g_autoptr(GError) error = NULL;

	put(place, "addresses/10.0.0.5_32", "x", 1);
	assert_true(l3vm_address_reserve(place->store, &addr, "tap1", &holder, NULL));
	assert_int_equal(place->warnings, 1);
	l3vm_address_release(place->store, &addr, "tap1");
	assert_int_equal(g_mkdir(path, 0750), 0);
	assert_false(
		l3vm_address_reserve(place->store, &addr, "tap1", &holder, &error));
	assert_non_null(error);
	assert_null(holder);
}

/* Of many that want one address at once, exactly one gets it. */
static void one_winner(void **state)
{
	struct place *place = *state;
	L3vmAddr addr = prefix("10.0.0.5"), dead = prefix("10.0.0.6");
	g_autofree char *holder = NULL;
	unsigned winners = 0, takers = 0;
	int go[2];

	assert_true(l3vm_address_reserve(place->store, &dead, "gone", &holder, NULL));
	assert_int_equal(pipe(go), 0);
	for (int i = 0; i < 32; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			g_autofree char *name = g_strdup_printf("tap%d", i);
			g_autoptr(L3vmStore) store = l3vm_store_open(place->dir, NULL);
			char byte;
			int code;

			close(go[1]);
			(void)!read(go[0], &byte, 1);
			code = l3vm_address_reserve(store, &addr, name, &holder, NULL);
			code |= l3vm_address_take(store, &dead, name, "gone", NULL)
				<< 1;
			_exit(code);
		}
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < 32; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 4);
		winners += (WEXITSTATUS(status) & 1) != 0;
		takers += (WEXITSTATUS(status) & 2) != 0;
	}
	assert_int_equal(winners, 1);
	assert_int_equal(takers, 1);
	assert_int_equal(leftovers(place), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(creates_what_is_missing),
		CASE(refuses_odd_directories),
		CASE(refuses_foreign_owner),
		CASE(permission_is_its_own_error),
		CASE(full_and_read_only),
		CASE(guest_round_trip),
		CASE(guest_record_goes_when_empty),
		CASE(finds_guests),
		CASE(renamed_guest_keeps_its_record),
		CASE(damaged_guests),
		CASE(reservations),
		CASE(taking_over),
		CASE(junk_is_no_reservation),
		CASE(one_winner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
