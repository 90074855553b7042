/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * files.c - the files of the state directory: read whole, replaced atomically
 *
 * The directory has one owner, root or the user that the agent runs as, and all
 * that is in it is his. Hooks run as root and act for him: what they make is given
 * to him, complete, before it has a name. So both read, lock and replace whatever
 * the other made, with modes that let nobody else write. (A group that may write
 * would need setgid folders and an umask that plays along, and "writable by others"
 * would no longer be the mark of a directory that cannot be trusted.)
 *
 * A file is replaced by a temporary one and rename(2). There is no fsync(2): the
 * directory is on /run, a tmpfs, where it would do nothing; and what a crash of
 * the host could lose describes interfaces that are lost with it.
 */
/* syscalls: clock_nanosleep close fchown fcntl flock fstat getdents64 geteuid */
/* syscalls: getpid linkat newfstatat openat read renameat unlinkat write */
#include "store/files.h"

#include "base/error.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DIR_MODE  0750
#define FILE_MODE 0640

/* Where records and locks are; see record.h. */
static const char *const folders[] = { "ports", "guests", "addresses", "announce" };

/* Owned by us, root or the directory's owner, and writable by nobody else: nobody
 * else planted it. */
static bool is_ours(const L3vmStore *store, const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0 ||
		st->st_uid == store->owner) &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* What root makes for another. */
static bool give(const L3vmStore *store, int fd)
{
	return !store->for_owner || fchown(fd, store->owner, store->group) == 0;
}

/* --- opening ------------------------------------------------------------ */

/* Why a directory that is there is not good enough, and what to do. */
static bool refuse(const L3vmStore *store, const char *folder, const struct stat *st,
		   GError **error)
{
	const char *slash = *folder ? "/" : "";

	if (S_ISLNK(st->st_mode))
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "state directory %s%s%s: is a symbolic link (name the "
				 "directory itself)",
				 store->dir, slash, folder);
	if (!S_ISDIR(st->st_mode))
		return l3vm_fail(
			error, L3VM_ERROR_FAILED,
			"state directory %s%s%s: is not a directory (remove it)",
			store->dir, slash, folder);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return l3vm_fail(error, L3VM_ERROR_FAILED,
				 "state directory %s%s%s: is writable by others (chmod "
				 "0750 it)",
				 store->dir, slash, folder);
	return l3vm_fail(
		error, L3VM_ERROR_FAILED,
		"state directory %s%s%s: belongs to user %u (chown it to root)",
		store->dir, slash, folder, st->st_uid);
}

/* @mode is what the umask of whoever runs us first should not decide. */
static bool make_folder(L3vmStore *store, const char *folder, GError **error)
{
	if (mkdirat(store->fd, folder, DIR_MODE) == 0 &&
	    (fchmodat(store->fd, folder, DIR_MODE, 0) == 0 || errno == ENOENT) &&
	    (!store->for_owner || fchownat(store->fd, folder, store->owner,
					   store->group, AT_SYMLINK_NOFOLLOW) == 0))
		return true;
	if (errno == EEXIST)
		return true;
	return l3vm_fail_errno(error, errno, "state directory %s: create %s: %s",
			       store->dir, folder, g_strerror(errno));
}

/* As strict as with the directory itself: a folder's owner decides what is in it. */
static bool check_folder(L3vmStore *store, const char *folder, GError **error)
{
	struct stat st;

	if (fstatat(store->fd, folder, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return l3vm_fail_errno(error, errno,
					       "state directory %s/%s: %s", store->dir,
					       folder, g_strerror(errno));
		if (!make_folder(store, folder, error))
			return false;
		/* Made by us or, in the same moment, by another of us. */
		if (fstatat(store->fd, folder, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return l3vm_fail_errno(error, errno,
					       "state directory %s/%s: %s", store->dir,
					       folder, g_strerror(errno));
	}
	if (!S_ISDIR(st.st_mode) || !is_ours(store, &st))
		return refuse(store, folder, &st, error);
	return true;
}

/*
 * Only root can have put a directory, whoever owns it, into one that only root can
 * change, such as /run: so root meant that owner to have it. Elsewhere it may be a
 * trap for root.
 */
static bool is_given_by_root(const L3vmStore *store)
{
	struct stat parent;

	return geteuid() == 0 && fstatat(store->fd, "..", &parent, 0) == 0 &&
	       parent.st_uid == 0 && !(parent.st_mode & (S_IWGRP | S_IWOTH));
}

/* Whose the directory is, and whether we may act for him. */
static bool accept_owner(L3vmStore *store, const struct stat *st)
{
	store->owner = geteuid();
	if (st->st_uid != store->owner && is_given_by_root(store)) {
		store->owner = st->st_uid;
		store->group = st->st_gid;
		store->for_owner = true;
	}
	return is_ours(store, st);
}

/* Opens it without following a symbolic link in its last component; -1. */
static int open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Parents too: /run is empty after each boot. */
static int create_dir(const char *dir)
{
	int fd;

	if (g_mkdir_with_parents(dir, DIR_MODE) < 0)
		return -1;
	fd = open_dir(dir);
	if (fd >= 0)
		fchmod(fd, DIR_MODE); /* against an odd umask; its owner is checked */
	return fd;
}

/* The kernel says ENOTDIR for a symbolic link too; people should be told which. */
static bool open_failed(const L3vmStore *store, int errnum, GError **error)
{
	struct stat st;

	if ((errnum == ENOTDIR || errnum == ELOOP) && lstat(store->dir, &st) == 0)
		return refuse(store, "", &st, error);
	return l3vm_fail_errno(error, errnum, "state directory %s: %s%s", store->dir,
			       g_strerror(errnum),
			       errnum == EACCES ? " (run as root)" : "");
}

/* What is done to the directory from here on goes through this descriptor, so it
 * cannot be exchanged under us. */
static bool open_store(L3vmStore *store, GError **error)
{
	struct stat st;

	store->fd = open_dir(store->dir);
	if (store->fd < 0 && errno == ENOENT)
		store->fd = create_dir(store->dir);
	if (store->fd < 0 || fstat(store->fd, &st) < 0)
		return open_failed(store, errno, error);
	if (!accept_owner(store, &st))
		return refuse(store, "", &st, error);
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
		if (!check_folder(store, folders[i], error))
			return false;
	return true;
}

L3vmStore *l3vm_store_open(const char *dir, GError **error)
{
	g_autoptr(L3vmStore) store = g_new0(L3vmStore, 1);

	/* "dir/" would follow a link, whatever O_NOFOLLOW says. */
	store->dir = g_strdup(dir);
	for (size_t n = strlen(dir); n > 1 && store->dir[n - 1] == '/'; n--)
		store->dir[n - 1] = '\0';
	store->fd = -1;
	if (!open_store(store, error))
		return NULL;
	return g_steal_pointer(&store);
}

void l3vm_store_free(L3vmStore *store)
{
	if (!store)
		return;
	if (store->fd >= 0)
		close(store->fd);
	g_free(store->dir);
	g_free(store);
}

const char *l3vm_store_dir(const L3vmStore *store)
{
	return store->dir;
}

int l3vm_store_fd(const L3vmStore *store)
{
	return store->fd;
}

/* --- reading ------------------------------------------------------------ */

/* What @st says against using the file, or NULL. */
static const char *reason_against(const L3vmStore *store, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (!is_ours(store, st))
		return "owned or writable by others";
	/* 0 is a file that was replaced since we opened it: still whole. */
	if (st->st_nlink > 1)
		return "has a second name (hard link)";
	if (st->st_size > (off_t)L3VM_FILE_MAX)
		return "larger than 256 KiB";
	return NULL;
}

/* Up to @size bytes; fewer only at the end of the file; -1. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, buffer + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* The size is that of the open file: what is renamed over its name meanwhile is
 * another file. */
static bool read_open_file(L3vmStore *store, const char *path, int fd, char **text,
			   size_t *size, GError **error)
{
	g_autofree char *buffer = NULL;
	const char *reason;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return l3vm_fail_errno(error, errno, "%s/%s: %s", store->dir, path,
				       g_strerror(errno));
	reason = reason_against(store, &st);
	if (reason) {
		l3vm_warn("%s/%s: ignored: %s", store->dir, path, reason);
		return true;
	}
	buffer = g_malloc((size_t)st.st_size + 1);
	got = read_all(fd, buffer, (size_t)st.st_size);
	if (got < 0)
		return l3vm_fail_errno(error, errno, "%s/%s: %s", store->dir, path,
				       g_strerror(errno));
	buffer[got] = '\0';
	*size = (size_t)got;
	*text = g_steal_pointer(&buffer);
	return true;
}

bool l3vm_file_read(L3vmStore *store, const char *path, char **text, size_t *size,
		    GError **error)
{
	/* O_NONBLOCK: or a FIFO of that name would stop us here for ever. */
	int fd = openat(store->fd, path,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool ok;

	*text = NULL;
	*size = 0;
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
		l3vm_warn("%s/%s: ignored: not a regular file", store->dir, path);
		return true;
	}
	if (fd < 0)
		return l3vm_fail_errno(error, errno, "%s/%s: %s", store->dir, path,
				       g_strerror(errno));
	ok = read_open_file(store, path, fd, text, size, error);
	close(fd);
	return ok;
}

/* --- writing ------------------------------------------------------------ */

/*
 * Temporary files are in the top directory, not beside what they become: who
 * watches ports/ sees one event per record, and a sweep need not read it.
 */
void l3vm_file_temporary(L3vmStore *store, char name[L3VM_PATH_SIZE])
{
	snprintf(name, L3VM_PATH_SIZE, ".tmp-%d-%u", (int)getpid(),
		 store->temporaries++);
}

static int create_temporary(L3vmStore *store, char name[L3VM_PATH_SIZE])
{
	int fd = -1;

	/* The name may be taken: by a dead process that had our number, or by a
	 * live one in another PID namespace. */
	for (int tries = 0; tries < 100; tries++) {
		l3vm_file_temporary(store, name);
		fd = openat(store->fd, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    FILE_MODE);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd >= 0 && !give(store, fd)) {
		int errnum = errno;

		close(fd);
		unlinkat(store->fd, name, 0);
		errno = errnum;
		fd = -1;
	}
	return fd;
}

/* An empty file of the owner's appears under @path, unless there is one: with a
 * plain open(2) it would be root's for a moment, and closed to its owner. */
static bool make_for_owner(L3vmStore *store, const char *path)
{
	char temporary[L3VM_PATH_SIZE];
	int fd = create_temporary(store, temporary), errnum = 0;

	if (fd < 0)
		return false;
	close(fd);
	if (linkat(store->fd, temporary, store->fd, path, 0) < 0 && errno != EEXIST)
		errnum = errno;
	unlinkat(store->fd, temporary, 0);
	errno = errnum;
	return !errnum;
}

int l3vm_file_open(L3vmStore *store, const char *path, int flags)
{
	int fd;

	flags |= O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	if (!store->for_owner)
		return openat(store->fd, path, flags | O_CREAT, FILE_MODE);
	fd = openat(store->fd, path, flags);
	if (fd < 0 && errno == ENOENT && make_for_owner(store, path))
		fd = openat(store->fd, path, flags);
	return fd;
}

/* A tmpfs that runs full may write a part and fail with the rest. */
static bool write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

/* Writes the temporary file and gives it its name; an errno value. On failure
 * nothing is left: a full disk must not become fuller by it. */
static int write_and_rename(L3vmStore *store, const char *path, const char *text,
			    size_t size)
{
	char temporary[L3VM_PATH_SIZE];
	int fd = create_temporary(store, temporary), errnum = 0;

	if (fd < 0)
		return errno;
	if (!write_all(fd, text, size))
		errnum = errno;
	if (close(fd) < 0 && !errnum)
		errnum = errno;
	if (!errnum && renameat(store->fd, temporary, store->fd, path) < 0)
		errnum = errno;
	if (errnum)
		unlinkat(store->fd, temporary, 0);
	return errnum;
}

/* Errors an administrator can do something about. */
static const char *remedy(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return " (make room on that file system)";
	case EROFS:
		return " (remount it writable)";
	case EACCES:
	case EPERM:
		return " (run as root)";
	}
	return "";
}

bool l3vm_file_replace(L3vmStore *store, const char *path, const char *text,
		       size_t size, GError **error)
{
	int errnum = write_and_rename(store, path, text, size);

	/* The folders were there when the store was opened; an agent that runs for
	 * months outlives who removes them. */
	if (errnum == ENOENT) {
		for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
			if (!check_folder(store, folders[i], error))
				return false;
		errnum = write_and_rename(store, path, text, size);
	}
	if (!errnum)
		return true;
	return l3vm_fail_errno(error, errnum, "write %s/%s: %s%s", store->dir, path,
			       g_strerror(errnum), remedy(errnum));
}

bool l3vm_file_remove(L3vmStore *store, const char *path, GError **error)
{
	if (unlinkat(store->fd, path, 0) == 0 || errno == ENOENT)
		return true;
	return l3vm_fail_errno(error, errno, "remove %s/%s: %s%s", store->dir, path,
			       g_strerror(errno), remedy(errno));
}

/* --- listing ------------------------------------------------------------ */

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static DIR *open_folder(const L3vmStore *store, const char *folder)
{
	int fd = openat(store->fd, folder,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* No such folder: no files. It comes back with the next one that is written. */
GPtrArray *l3vm_file_list(L3vmStore *store, const char *folder, const char *suffix,
			  GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *dir = open_folder(store, folder);
	const struct dirent *entry;

	if (!dir && errno != ENOENT) {
		l3vm_fail_errno(error, errno, "%s/%s: %s", store->dir, folder,
				g_strerror(errno));
		return NULL;
	}
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (name[0] != '.' && g_str_has_suffix(name, suffix))
			g_ptr_array_add(names,
					g_strndup(name, strlen(name) - strlen(suffix)));
	}
	if (dir)
		closedir(dir);
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

/* A write takes microseconds: after a minute its process is dead. Its number says
 * nothing: there are PID namespaces, and numbers are used again. */
static bool is_stale(const L3vmStore *store, const char *name)
{
	struct stat st;

	return g_str_has_prefix(name, ".tmp-") &&
	       fstatat(store->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       time(NULL) - st.st_mtime > 60;
}

void l3vm_file_sweep(L3vmStore *store)
{
	DIR *dir = open_folder(store, ".");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_stale(store, entry->d_name))
			unlinkat(store->fd, entry->d_name, 0);
	if (dir)
		closedir(dir);
}

/* --- waiting for a lock ------------------------------------------------- */

/*
 * There is no flock(2) with a timeout, and a library must not use signals. So we
 * ask again after a pause that grows from 0.1 to 5 ms: most locks are held for
 * less than a millisecond.
 */
int l3vm_flock(int fd, int64_t timeout)
{
	int64_t deadline = g_get_monotonic_time() + timeout, pause = 100;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int64_t left = deadline - g_get_monotonic_time();

		if (errno != EWOULDBLOCK && errno != EINTR)
			return errno;
		if (left <= 0)
			return ETIMEDOUT;
		g_usleep((gulong)MIN(pause, left));
		pause = MIN(pause * 3 / 2, 5000);
	}
	return 0;
}
