/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-state-owner.c - a state directory that belongs to the agent's user */
#include "store/lock.h"
#include "store/record.h"

#include "record-place.h"

#include <grp.h>
#include <sys/wait.h>

/* Runs @test in a child; its status. */
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

/* All that can be done to a state directory; 0 if it all went well. */
static int use_all(struct place *place, const char *evidence)
{
	g_autoptr(L3vmStore) store = l3vm_store_open(place->dir, NULL);
	g_autoptr(L3vmLock) lock = NULL;
	g_autoptr(L3vmGuest) guest = NULL;
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autofree char *holder = NULL;
	L3vmAddr addr;

	l3vm_addr_parse("10.0.0.5", &addr);
	lock = store ? l3vm_lock_take(store, "vm1", 0, NULL) : NULL;
	guest = lock ? l3vm_guest_load(store, "vm1", NULL, NULL) : NULL;
	if (!guest)
		return 1;
	guest->incoming++;
	if (!l3vm_record_save(store, port, NULL) ||
	    !l3vm_guest_save(store, guest, NULL))
		return 2;
	if (!l3vm_address_reserve(store, &addr, "tap0", &holder, NULL))
		return 3;
	l3vm_event_append(store, port, "live", "gone", evidence);
	return place->warnings ? 4 : 0;
}

static int agent_uses_all(struct place *place)
{
	L3vmAddr addr;
	int result;

	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		return 77;
	result = use_all(place, "agent");
	if (result)
		return result;
	/* and can take it all away again */
	l3vm_store_free(place->store);
	place->store = l3vm_store_open(place->dir, NULL);
	l3vm_addr_parse("10.0.0.5", &addr);
	l3vm_address_release(place->store, &addr, "tap0");
	if (!l3vm_record_remove(place->store, "tap0", NULL))
		return 11;
	return exists(place, "addresses/10.0.0.5_32") || place->warnings ? 12 : 0;
}

static uid_t owner_of(const struct place *place, const char *name)
{
	g_autofree char *path = path_of(place, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_uid, st.st_gid);
	return st.st_uid;
}

/* Hooks run as root and the agent as a user of its own: whatever one of them makes,
 * the other reads, locks, replaces and removes, without a mode that is wider. */
static void root_acts_for_the_owner(void **state)
{
	static const char *const names[] = { "ports",		"guests",
					     "addresses",	"ports/tap0.json",
					     "guests/vm1.json", "guests/vm1.lock",
					     "events.jsonl" };
	struct place *place = *state;
	mode_t umask_before;
	gsize size;

	if (geteuid() != 0)
		skip();
	remove_tree(place->dir);
	assert_int_equal(g_mkdir(place->dir, 0750), 0);
	assert_int_equal(chown(place->dir, 65534, 65534), 0);
	g_chmod(place->parent, 0711);
	umask_before = umask(0077);
	assert_int_equal(use_all(place, "root"), 0);
	umask(umask_before);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		assert_int_equal(owner_of(place, names[i]), 65534);
		assert_int_equal(mode_of(place, names[i]) & 0027, 0);
	}
	assert_int_equal(in_child(place, agent_uses_all), 0);
	assert_int_equal(use_all(place, "root again"), 0);
	assert_int_equal(owner_of(place, "ports/tap0.json"), 65534);
	g_free(get(place, "events.jsonl", &size));
	assert_true(size > 0);
	/* every lock and record is the same file's for both: nobody made one anew */
	assert_int_equal(leftovers(place), 1);
}

static int other_user_may_not_either(struct place *place)
{
	g_autoptr(L3vmStore) store = NULL;
	g_autoptr(L3vmPort) port = NULL;

	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		return 77;
	store = l3vm_store_open(place->dir, NULL);
	port = l3vm_record_load(store, "tap0", NULL);
	return store && !port && place->warnings == 1 ? 0 : 1;
}

/* What neither of the two owns was planted, though the directory is ours. */
static void believes_owner_and_root_only(void **state)
{
	struct place *place = *state;
	g_autofree char *record = path_of(place, "ports/tap0.json");
	g_autofree char *ports = path_of(place, "ports");
	g_autoptr(L3vmPort) port = small_port("tap0");
	g_autoptr(L3vmPort) loaded = NULL;

	if (geteuid() != 0)
		skip();
	assert_true(l3vm_record_save(place->store, port, NULL));
	assert_int_equal(chown(place->dir, 65534, 65534), 0);
	g_chmod(place->parent, 0711);
	g_chmod(record, 0644);
	l3vm_store_free(place->store);
	place->store = l3vm_store_open(place->dir, NULL);
	assert_non_null(place->store);
	loaded = l3vm_record_load(place->store, "tap0", NULL);
	assert_non_null(loaded);
	assert_int_equal(chown(record, 65533, 0), 0);
	assert_null(l3vm_record_load(place->store, "tap0", NULL));
	assert_int_equal(place->warnings, 1);
	place->warnings = 0;
	g_chmod(ports, 0755);
	assert_int_equal(in_child(place, other_user_may_not_either), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(root_acts_for_the_owner),
		CASE(believes_owner_and_root_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
