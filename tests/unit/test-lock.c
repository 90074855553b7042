/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-lock.c - one writer per guest, whatever the others do meanwhile */
#include "store/lock.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND	  G_USEC_PER_SEC
#define PROCESSES 64
#define ROUNDS	  20

struct place {
	char *dir;
	L3vmStore *store;
};

static int make_place(void **state)
{
	struct place *place = g_new0(struct place, 1);

	place->dir = g_dir_make_tmp("l3vm-lock-XXXXXX", NULL);
	assert_non_null(place->dir);
	place->store = l3vm_store_open(place->dir, NULL);
	assert_non_null(place->store);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	static const char *const names[] = { "guests/vm1.lock", "guests/vm2.lock",
					     "counter",		"guests",
					     "ports",		"addresses",
					     "announce" };
	struct place *place = *state;
	int left;

	l3vm_store_free(place->store);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(place->dir, names[i], NULL);

		g_remove(path);
	}
	left = g_rmdir(place->dir);
	g_free(place->dir);
	g_free(place);
	return left;
}

static bool exists(const struct place *place, const char *name)
{
	return faccessat(l3vm_store_fd(place->store), name, F_OK, 0) == 0;
}

static void held_and_released(void **state)
{
	struct place *place = *state;
	g_autoptr(L3vmLock) lock = l3vm_lock_take(place->store, "vm1", SECOND, NULL);
	g_autoptr(L3vmLock) other = NULL;
	g_autoptr(GError) error = NULL;
	int64_t start = g_get_monotonic_time(), waited;

	assert_non_null(lock);
	assert_true(exists(place, "guests/vm1.lock"));
	/* another guest's is another lock */
	other = l3vm_lock_take(place->store, "vm2", 0, NULL);
	assert_non_null(other);
	assert_null(l3vm_lock_take(place->store, "vm1", SECOND / 10, &error));
	waited = g_get_monotonic_time() - start;
	assert_in_range(waited, SECOND / 10, 5 * SECOND);
	assert_int_equal(error->code, L3VM_ERROR_FAILED);
	assert_non_null(strstr(error->message, "guest vm1"));
	l3vm_lock_release(g_steal_pointer(&lock));
	lock = l3vm_lock_take(place->store, "vm1", 0, NULL);
	assert_non_null(lock);
	l3vm_lock_release(NULL);
}

static void retired_file_goes(void **state)
{
	struct place *place = *state;
	L3vmLock *lock = l3vm_lock_take(place->store, "vm1", SECOND, NULL);

	l3vm_lock_retire(lock);
	assert_true(exists(place, "guests/vm1.lock"));
	l3vm_lock_release(lock);
	assert_false(exists(place, "guests/vm1.lock"));
}

static void bad_keys(void **state)
{
	static const char *const keys[] = { "", ".", "..", "a/b", "../x", "x\ny" };
	struct place *place = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GError) error = NULL;

		assert_null(l3vm_lock_take(place->store, keys[i], 0, &error));
		assert_non_null(error);
	}
}

static void link_is_not_followed(void **state)
{
	struct place *place = *state;
	g_autoptr(GError) error = NULL;

	assert_int_equal(symlinkat("../victim", l3vm_store_fd(place->store),
				   "guests/vm1.lock"),
			 0);
	assert_null(l3vm_lock_take(place->store, "vm1", 0, &error));
	assert_non_null(error);
	assert_false(exists(place, "victim"));
}

/* A child takes the lock, says so through the pipe, and waits to be killed. */
static pid_t start_holder(struct place *place)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		L3vmLock *lock = l3vm_lock_take(place->store, "vm1", SECOND, NULL);

		if (!lock || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void dies_with_its_holder(void **state)
{
	struct place *place = *state;
	pid_t pid = start_holder(place);
	g_autoptr(L3vmLock) lock = NULL;

	assert_null(l3vm_lock_take(place->store, "vm1", 0, NULL));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	lock = l3vm_lock_take(place->store, "vm1", 0, NULL);
	assert_non_null(lock);
}

/* Adds one to the number in the file "counter", in two steps on purpose. */
static bool count_up(const struct place *place)
{
	int fd = openat(l3vm_store_fd(place->store), "counter",
			O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	unsigned number = 0;
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, &number, sizeof(number), 0) >= 0;
	sched_yield();
	number++;
	ok = ok && pwrite(fd, &number, sizeof(number), 0) == sizeof(number);
	close(fd);
	return ok;
}

/* Every third release removes the file under those who wait for it. */
static int contend(struct place *place, int who)
{
	g_autoptr(L3vmStore) store = l3vm_store_open(place->dir, NULL);

	for (int i = 0; i < ROUNDS; i++) {
		L3vmLock *lock = l3vm_lock_take(store, "vm1", 60 * SECOND, NULL);

		if (!lock || !count_up(place))
			return 1;
		if ((who + i) % 3 == 0)
			l3vm_lock_retire(lock);
		l3vm_lock_release(lock);
	}
	return 0;
}

static void many_processes(void **state)
{
	struct place *place = *state;
	unsigned number = 0;
	int fd;

	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			_exit(contend(place, i));
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	fd = openat(l3vm_store_fd(place->store), "counter", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &number, sizeof(number)), sizeof(number));
	close(fd);
	assert_int_equal(number, PROCESSES * ROUNDS);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(held_and_released),
		CASE(retired_file_goes),
		CASE(bad_keys),
		CASE(link_is_not_followed),
		CASE(dies_with_its_holder),
		CASE(many_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
