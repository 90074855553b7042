/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lock.c - one writer per guest
 *
 * The file's content is never used, and neither is its age: only the kernel's
 * lock on it counts, and that goes with its holder, however it dies.
 */
/* syscalls: close fstat newfstatat unlinkat */
#include "store/lock.h"

#include "base/error.h"
#include "base/name.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct L3vmLock {
	L3vmStore *store; /* must outlive the lock */
	int fd;
	bool retired;
	char path[L3VM_PATH_SIZE];
};

/* Is @fd still what @path names? Its last holder may have unlinked it. */
static bool is_current(const L3vmLock *lock)
{
	struct stat mine, named;

	return fstat(lock->fd, &mine) == 0 &&
	       fstatat(lock->store->fd, lock->path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* Opens and locks the file once; 0, EAGAIN if it went meanwhile, or an errno. */
static int try_lock(L3vmLock *lock, int64_t timeout)
{
	int errnum;

	lock->fd = l3vm_file_open(lock->store, lock->path, O_RDWR);
	if (lock->fd < 0)
		return errno;
	errnum = l3vm_flock(lock->fd, timeout);
	if (!errnum && !is_current(lock))
		errnum = EAGAIN;
	if (errnum) {
		close(lock->fd);
		lock->fd = -1;
	}
	return errnum;
}

/*
 * Each round waits on the file that has the name now; a round ends early when that
 * file was retired, and the next one makes a new file or finds another's.
 */
static int wait_for_lock(L3vmLock *lock, int64_t timeout)
{
	int64_t deadline = g_get_monotonic_time() + timeout, left = timeout;
	int errnum;

	do {
		errnum = try_lock(lock, MAX(left, 0));
		left = deadline - g_get_monotonic_time();
	} while (errnum == EAGAIN && left > 0);
	return errnum == EAGAIN ? ETIMEDOUT : errnum;
}

/* Says what an administrator can do about it. */
static void take_failed(const L3vmLock *lock, const char *what, int errnum,
			int64_t timeout, GError **error)
{
	const char *dir = lock->store->dir;

	if (errnum == ETIMEDOUT)
		l3vm_fail(error, L3VM_ERROR_FAILED,
			  "%s: another l3vm process has worked on it for %.1f s "
			  "(try again; fuser %s/%s names it)",
			  what, (double)timeout / (double)G_USEC_PER_SEC, dir,
			  lock->path);
	else
		l3vm_fail_errno(error, errnum, "lock %s/%s: %s", dir, lock->path,
				g_strerror(errnum));
}

/* @what is locked, as a message names it. Takes over @lock, whose path is set. */
static L3vmLock *take(L3vmLock *given, L3vmStore *store, const char *what,
		      int64_t timeout, GError **error)
{
	g_autoptr(L3vmLock) lock = given;
	int errnum;

	lock->store = store;
	lock->fd = -1;
	errnum = wait_for_lock(lock, timeout);
	if (errnum) {
		take_failed(lock, what, errnum, timeout, error);
		return NULL;
	}
	return g_steal_pointer(&lock);
}

L3vmLock *l3vm_lock_take(L3vmStore *store, const char *key, int64_t timeout,
			 GError **error)
{
	g_autofree char *what = g_strdup_printf("guest %s", key);
	g_autofree char *name = NULL;
	L3vmLock *lock;

	if (!l3vm_guest_name_is_valid(key)) {
		l3vm_fail(error, L3VM_ERROR_FAILED,
			  "lock of guest \"%s\": not a usable name", key);
		return NULL;
	}
	/* A UUID in capitals is the same guest, so it must be the same lock. */
	name = l3vm_uuid_is_valid(key) ? g_ascii_strdown(key, -1) : g_strdup(key);
	lock = g_new0(L3vmLock, 1);
	snprintf(lock->path, sizeof(lock->path), "guests/%s.lock", name);
	return take(lock, store, what, timeout, error);
}

L3vmLock *l3vm_lock_take_networks(L3vmStore *store, int64_t timeout, GError **error)
{
	L3vmLock *lock = g_new0(L3vmLock, 1);

	g_strlcpy(lock->path, "networks.lock", sizeof(lock->path));
	return take(lock, store, "networks", timeout, error);
}

void l3vm_lock_release(L3vmLock *lock)
{
	if (!lock)
		return;
	/* Unlinked while it is held: who waits for it finds it is not current. */
	if (lock->retired && lock->fd >= 0)
		unlinkat(lock->store->fd, lock->path, 0);
	if (lock->fd >= 0)
		close(lock->fd);
	g_free(lock);
}

void l3vm_lock_retire(L3vmLock *lock)
{
	lock->retired = true;
}
