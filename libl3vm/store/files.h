/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * files.h - the files of the state directory: read whole, replaced atomically
 *
 * All paths are relative to the directory's descriptor, at most one level deep
 * ("ports/tapvm1.json"), and made by the callers in this folder from names that
 * were checked: no '/' and no leading dot.
 */
#ifndef L3VM_STORE_FILES_H
#define L3VM_STORE_FILES_H

#include "store/record.h"

#include <limits.h>

/* Room for "addresses/" and the longest file name. */
#define L3VM_PATH_SIZE (NAME_MAX + 16)

/* A record is a few hundred bytes; no file of ours comes near this. */
#define L3VM_FILE_MAX ((size_t)256 * 1024)

struct L3vmStore {
	char *dir;
	int fd;
	/* whose all of it is; and that we are root and he is not */
	uid_t owner;
	gid_t group;
	bool for_owner;
	unsigned temporaries; /* made by this store, for their names */
};

/*
 * The whole file. True with *@text NULL if there is none, or none that can be
 * trusted (then with a warning): a symbolic link, not a regular file, owned or
 * writable by others, too large. *@text has a NUL behind its @size bytes.
 */
bool l3vm_file_read(L3vmStore *store, const char *path, char **text, size_t *size,
		    GError **error);
/* Whoever reads at any time sees the old or the new content, whole. */
bool l3vm_file_replace(L3vmStore *store, const char *path, const char *text,
		       size_t size, GError **error);
/* open(2) of a file that is not replaced but written, or locked: made if there is
 * none, never through a symbolic link, never waiting. -1 with errno. */
int l3vm_file_open(L3vmStore *store, const char *path, int flags);
/* Absent is success. */
bool l3vm_file_remove(L3vmStore *store, const char *path, GError **error);

/* The names in @folder that end in @suffix, without it, in byte order. */
GPtrArray *l3vm_file_list(L3vmStore *store, const char *folder, const char *suffix,
			  GError **error);

/* A name for a temporary file of the directory, new at each call. */
void l3vm_file_temporary(L3vmStore *store, char name[L3VM_PATH_SIZE]);
/* Removes the temporary files that dead processes left. */
void l3vm_file_sweep(L3vmStore *store);

/* flock(2) exclusively, for up to @timeout microseconds. 0 or an errno value,
 * ETIMEDOUT when the time is up. */
int l3vm_flock(int fd, int64_t timeout);

#endif
