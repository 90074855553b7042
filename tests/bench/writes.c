/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writes.c - counts what this process asks the kernel to change */
#include "writes.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static Writes count;

Writes writes_so_far(void)
{
	return count;
}

/* The C library's function of that name; memcpy() because ISO C has no cast
 * from an object's pointer to a function's. */
#define NEXT(function, name)                                    \
	do {                                                    \
		void *symbol_ = dlsym(RTLD_NEXT, name);         \
		memcpy(&(function), &symbol_, sizeof(symbol_)); \
	} while (0)

/* Each fourth type, from RTM_NEWLINK + 2 on, only reads (net/core/rtnetlink.c,
 * rtnl_msgtype_kind()). */
static void count_messages(const void *bytes, size_t size)
{
	const struct nlmsghdr *header = bytes;
	ssize_t left = (ssize_t)size;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
		if (header->nlmsg_type >= RTM_BASE && (header->nlmsg_type & 3) != 2)
			count.netlink++;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
	       const struct sockaddr *to, socklen_t to_size)
{
	ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *,
			socklen_t);

	NEXT(next, "sendto");
	count_messages(bytes, size);
	return next(fd, bytes, size, flags, to, to_size);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int);

	NEXT(next, "sendmsg");
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		count_messages(msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
	return next(fd, msg, flags);
}

/* A lock's file is opened for writing, and nothing is written to it. */
static void count_open(const char *path, int flags)
{
	size_t length = strlen(path);
	bool lock = length > 5 && !strcmp(path + length - 5, ".lock");

	if ((flags & O_ACCMODE) != O_RDONLY && !lock)
		count.files++;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	int (*next)(const char *, int, ...);
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	NEXT(next, "open");
	count_open(path, flags);
	return next(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...);
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	NEXT(next, "openat");
	count_open(path, flags);
	return next(dir, path, flags, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	int (*next)(int, const char *, int, const char *);

	NEXT(next, "renameat");
	count.files++;
	return next(from_dir, from, to_dir, to);
}

int symlinkat(const char *target, int dir, const char *path)
{
	int (*next)(const char *, int, const char *);

	NEXT(next, "symlinkat");
	count.files++;
	return next(target, dir, path);
}

int unlinkat(int dir, const char *path, int flags)
{
	int (*next)(int, const char *, int);

	NEXT(next, "unlinkat");
	count.files++;
	return next(dir, path, flags);
}
