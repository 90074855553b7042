/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writes.c - counts and times what this process asks the kernel to change */
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

static void add_since(BenchTime start)
{
	BenchTime time = bench_since(start);

	count.changing.wall += time.wall;
	count.changing.cpu += time.cpu;
}

/* Each fourth type, from RTM_NEWLINK + 2 on, only reads (net/core/rtnetlink.c,
 * rtnl_msgtype_kind()). */
static unsigned count_messages(const void *bytes, size_t size)
{
	const struct nlmsghdr *header = bytes;
	ssize_t left = (ssize_t)size;
	unsigned n = 0;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
		if (header->nlmsg_type >= RTM_BASE && (header->nlmsg_type & 3) != 2)
			n++;
	count.netlink += n;
	return n;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
	       const struct sockaddr *to, socklen_t to_size)
{
	ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *,
			socklen_t);

	BenchTime start;
	ssize_t result;

	NEXT(next, "sendto");
	if (!count_messages(bytes, size))
		return next(fd, bytes, size, flags, to, to_size);
	/* the kernel is done when the call returns, but for its answer */
	start = bench_now();
	result = next(fd, bytes, size, flags, to, to_size);
	add_since(start);
	return result;
}

/* The last file of /proc/sys that was opened for writing. */
static int sysctl_fd = -1;

ssize_t write(int fd, const void *bytes, size_t size)
{
	ssize_t (*next)(int, const void *, size_t);
	BenchTime start = { 0, 0 };
	ssize_t result;

	NEXT(next, "write");
	if (fd == sysctl_fd)
		start = bench_now();
	result = next(fd, bytes, size);
	if (fd == sysctl_fd)
		add_since(start);
	return result;
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
	int fd;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	NEXT(next, "open");
	count_open(path, flags);
	fd = next(path, flags, mode);
	if (!strncmp(path, "/proc/sys/", 10) && (flags & O_ACCMODE) != O_RDONLY)
		sysctl_fd = fd;
	else if (fd == sysctl_fd)
		sysctl_fd = -1;
	return fd;
}

int openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...);
	va_list args;
	mode_t mode;
	int fd;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	NEXT(next, "openat");
	count_open(path, flags);
	fd = next(dir, path, flags, mode);
	if (fd == sysctl_fd)
		sysctl_fd = -1;
	return fd;
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
