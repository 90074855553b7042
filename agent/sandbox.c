/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.c - the agent gives up the system calls that it has no use for
 *
 * What it needs when it has started is said where it is needed: a comment
 * "syscalls: NAME..." below the head of a file, in agent/ and in libl3vm/. The
 * makefile collects them (syscalls.h). Below is what only libraries make. There is no
 * other list, and none for tests: they run with this one.
 *
 * A call that is not on it is refused (EPERM), and the kernel's log tells which. To
 * end the process would be stricter, but a library that does for once what it did not
 * do in any test (libvirt does) would cost the packets of every guest that moves just
 * then.
 *
 * A filter is inherited by what is executed, and programs of the site's are not ours to
 * judge. So there is none when we have one to run, by the configuration or to check a
 * service address; the unit's own (SystemCallFilter=) holds in any case.
 */
#include "sandbox.h"

#include "base/error.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* libc: memory, locks, the end (of a thread, too)
 * syscalls: brk exit exit_group futex madvise mmap mprotect mremap munmap */
/* GLib: the loop
 * syscalls: poll read restart_syscall write */
/* json-c: the seed of its tables
 * syscalls: getrandom */
/* libvirt: a new connection, and while it waits for an answer
 * syscalls: eventfd2 getegid geteuid getgid getpeername gettid pipe2
 * syscalls: rt_sigprocmask uname */
/* libnftables, that the guard's rules are loaded with
 * syscalls: fcntl getsockname getsockopt getuid ioctl lseek pselect6 sendmsg
 * syscalls: setsockopt */
/* arm64 has these for poll and access (not tried there)
 * syscalls: faccessat ppoll */

static const int allowed[] = {
#include "syscalls.h"
#ifdef L3VM_SANITIZERS
	/* the search for leaks, at the end, stops and reads us like a debugger */
	SCMP_SYS(clone),       SCMP_SYS(dup),	  SCMP_SYS(prctl),
	SCMP_SYS(ptrace),      SCMP_SYS(open),	  SCMP_SYS(getdents),
	SCMP_SYS(readlink),    SCMP_SYS(getppid), SCMP_SYS(prlimit64),
	SCMP_SYS(sched_yield), SCMP_SYS(tgkill),  SCMP_SYS(wait4),
	SCMP_SYS(sigaltstack),
#endif
};

/* Of these only some: no internet at all, and no memory that can be executed. */
static const struct {
	int call;
	struct scmp_arg_cmp argument;
} bounded[] = {
	{ SCMP_SYS(socket), SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX, 0) },
	{ SCMP_SYS(socket), SCMP_A0_32(SCMP_CMP_EQ, AF_NETLINK, 0) },
	{ SCMP_SYS(socket), SCMP_A0_32(SCMP_CMP_EQ, AF_PACKET, 0) },
	{ SCMP_SYS(mmap), SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
	{ SCMP_SYS(mprotect), SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
	{ SCMP_SYS(kill), SCMP_A1_32(SCMP_CMP_EQ, 0, 0) },
};

static bool is_bounded(int call)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bounded); i++)
		if (bounded[i].call == call)
			return true;
	return false;
}

/* Zero, or a negative errno, as libseccomp has it. */
static int add_rules(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(allowed) && !result; i++)
		if (!is_bounded(allowed[i]))
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i],
						  0);
	for (size_t i = 0; i < G_N_ELEMENTS(bounded) && !result; i++)
		result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, bounded[i].call,
						1, &bounded[i].argument);
	return result;
}

bool sandbox_enter(GError **error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = -ENOMEM;

	if (filter &&
	    !(result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
					SCMP_ACT_KILL_PROCESS)) &&
	    !(result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1)) &&
	    /* there are no other threads, but for what a library may do */
	    !(result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) &&
	    !(result = add_rules(filter)))
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result == 0 || l3vm_fail_errno(error, -result,
					      "system call filter: %s (a kernel with "
					      "CONFIG_SECCOMP_FILTER is needed)",
					      g_strerror(-result));
}
