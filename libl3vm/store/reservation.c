/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reservation.c - which port has an address or prefix
 *
 * A reservation is a symbolic link, because symlink(2) makes name and content in
 * one step and fails if the name is taken: two hooks that start guests with the
 * same address need no lock between them. The link points to nothing; only its
 * text is used.
 *
 * What takes a link away looks at it first, and that is two steps. Those hold a
 * lock on the state directory; since making a link never replaces one, a link
 * that was seen under the lock stays as it is until it is released.
 */
/* syscalls: flock newfstatat readlinkat renameat symlinkat unlinkat */
#include "store/record.h"

#include "base/error.h"
#include "base/log.h"
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TIMEOUT (2 * G_USEC_PER_SEC)

/* A link may go and come between two of our calls, but not for ever. */
#define ATTEMPTS 16

/* '/' cannot be in a file name; '_' is in no address. */
static void link_path(const L3vmAddr *prefix, char path[L3VM_PATH_SIZE])
{
	char text[L3VM_ADDR_STRLEN];

	snprintf(path, L3VM_PATH_SIZE, "addresses/%s",
		 l3vm_prefix_format(prefix, text));
	*strrchr(path, '/') = '_';
}

/* 0 with the owner, or an errno value. */
static int read_link(L3vmStore *store, const char *path, char owner[L3VM_PATH_SIZE])
{
	ssize_t size = readlinkat(store->fd, path, owner, L3VM_PATH_SIZE - 1);

	if (size < 0)
		return errno;
	owner[size] = '\0';
	return 0;
}

static bool failed(L3vmStore *store, const char *path, int errnum, GError **error)
{
	return l3vm_fail_errno(error, errnum, "reserve %s/%s: %s", store->dir, path,
			       g_strerror(errnum));
}

bool l3vm_address_reserve(L3vmStore *store, const L3vmAddr *prefix, const char *owner,
			  char **holder, GError **error)
{
	char path[L3VM_PATH_SIZE], found[L3VM_PATH_SIZE];
	int errnum = 0;

	link_path(prefix, path);
	*holder = NULL;
	for (int tries = 0; tries < ATTEMPTS; tries++) {
		if (symlinkat(owner, store->fd, path) == 0)
			return true;
		errnum = errno;
		if (errnum != EEXIST)
			break;
		errnum = read_link(store, path, found);
		if (!errnum && !strcmp(found, owner))
			return true;
		if (!errnum) {
			*holder = g_strdup(found);
			return false;
		}
		/* EINVAL: no link at all, so no reservation that we ever made */
		if (errnum == EINVAL && unlinkat(store->fd, path, 0) == 0)
			l3vm_warn("%s/%s: removed: not a reservation", store->dir,
				  path);
		else if (errnum != ENOENT)
			break;
	}
	return failed(store, path, errnum, error);
}

char *l3vm_address_holder(L3vmStore *store, const L3vmAddr *prefix)
{
	char path[L3VM_PATH_SIZE], found[L3VM_PATH_SIZE];

	link_path(prefix, path);
	return read_link(store, path, found) ? NULL : g_strdup(found);
}

/* Removes the link if it is @owner's; an errno value. */
static int remove_own(L3vmStore *store, const char *path, const char *owner)
{
	char found[L3VM_PATH_SIZE];
	int errnum = l3vm_flock(store->fd, LOCK_TIMEOUT);

	if (errnum)
		return errnum;
	errnum = read_link(store, path, found);
	if (!errnum && !strcmp(found, owner) && unlinkat(store->fd, path, 0) < 0)
		errnum = errno;
	flock(store->fd, LOCK_UN);
	return errnum == ENOENT ? 0 : errnum;
}

void l3vm_address_release(L3vmStore *store, const L3vmAddr *prefix, const char *owner)
{
	char path[L3VM_PATH_SIZE];
	int errnum;

	link_path(prefix, path);
	errnum = remove_own(store, path, owner);
	/* What stays is found by the next port that wants it, and its owner gone. */
	if (errnum)
		l3vm_warn("%s/%s: not released: %s", store->dir, path,
			  g_strerror(errnum));
}

/* Between a reservation and its port's record are a few writes to a tmpfs; who
 * is still without a record after this died in between. */
#define FRESH_SECONDS 10

bool l3vm_address_is_fresh(L3vmStore *store, const L3vmAddr *prefix)
{
	char path[L3VM_PATH_SIZE];
	struct stat st;
	int64_t age;

	link_path(prefix, path);
	if (fstatat(store->fd, path, &st, AT_SYMLINK_NOFOLLOW))
		return false;
	age = g_get_real_time() / G_USEC_PER_SEC - st.st_mtim.tv_sec;
	return age >= 0 && age < FRESH_SECONDS;
}

/*
 * Puts a link to @owner in place of the one to @holder; an errno value. With the
 * lock held. A rename replaces it in one step: at no time is the address free.
 */
static int replace_link(L3vmStore *store, const char *path, const char *owner,
			const char *holder)
{
	char found[L3VM_PATH_SIZE], temporary[L3VM_PATH_SIZE];
	int errnum = read_link(store, path, found);

	if (errnum)
		return errnum;
	if (strcmp(found, holder))
		return ESTALE;
	l3vm_file_temporary(store, temporary);
	if (symlinkat(owner, store->fd, temporary) < 0)
		return errno;
	if (renameat(store->fd, temporary, store->fd, path) == 0)
		return 0;
	errnum = errno;
	unlinkat(store->fd, temporary, 0);
	return errnum;
}

bool l3vm_address_take(L3vmStore *store, const L3vmAddr *prefix, const char *owner,
		       const char *holder, GError **error)
{
	g_autofree char *other = NULL;
	g_autoptr(GError) failure = NULL;
	char path[L3VM_PATH_SIZE], text[L3VM_ADDR_STRLEN];
	int errnum = l3vm_flock(store->fd, LOCK_TIMEOUT);

	link_path(prefix, path);
	if (errnum)
		return failed(store, path, errnum, error);
	errnum = replace_link(store, path, owner, holder);
	flock(store->fd, LOCK_UN);
	if (errnum == 0)
		return true;
	if (errnum != ENOENT && errnum != ESTALE)
		return failed(store, path, errnum, error);
	/* It is free by now, or another's; perhaps even ours already. */
	if (l3vm_address_reserve(store, prefix, owner, &other, &failure))
		return true;
	if (other)
		return l3vm_fail(error, L3VM_ERROR_REFUSED,
				 "%s: was taken by %s in this moment (try again)",
				 l3vm_prefix_format(prefix, text), other);
	g_propagate_error(error, g_steal_pointer(&failure));
	return false;
}
