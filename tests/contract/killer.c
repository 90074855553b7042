/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* killer.c - kills a process before a system call of its that may change something */
#include "killer.h"

#include <fcntl.h>
#include <glib.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

/*
 * Between two of these nothing changes that anybody else could see. Of openat() those
 * that may write, of what is sent no questions: who dies before a question leaves what
 * he leaves before the next change.
 */
static const unsigned changes[] = {
	SYS_sendto,    SYS_sendmsg,  SYS_write,	  SYS_renameat,	 SYS_renameat2,
	SYS_symlinkat, SYS_unlinkat, SYS_mkdirat, SYS_ftruncate, SYS_exit_group,
};

#define N	      G_N_ELEMENTS(changes)
#define FIELD(member) offsetof(struct seccomp_data, member)
#define LOAD(member) \
	(struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(member))
#define RETURN(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
/* how many instructions to skip if it is so, and if not */
#define JUMP(test, value, yes, no) \
	(struct sock_filter) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)

static bool set_filter(void)
{
	struct sock_filter code[N + 6];
	const struct sock_fprog program = { G_N_ELEMENTS(code), code };

	code[0] = LOAD(nr);
	for (unsigned char i = 0; i < N; i++)
		code[i + 1] = JUMP(BPF_JEQ, changes[i], (unsigned char)(N + 3 - i), 0);
	code[N + 1] = JUMP(BPF_JEQ, SYS_openat, 0, 2);
	code[N + 2] = LOAD(args[2]);
	code[N + 3] = JUMP(BPF_JSET, O_WRONLY | O_RDWR | O_CREAT, 1, 0);
	code[N + 4] = RETURN(SECCOMP_RET_ALLOW);
	code[N + 5] = RETURN(SECCOMP_RET_TRACE);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool killer_expose(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0 &&
	       set_filter();
}

/* Nftables takes changes in batches only, and these come by sendmsg(). */
static bool is_question(pid_t child)
{
	struct __ptrace_syscall_info info = { 0 };
	struct nlmsghdr header = { 0 };
	struct iovec here = { &header, sizeof(header) }, there = here;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) < 0 ||
	    info.seccomp.nr != SYS_sendto)
		return false;
	there.iov_base = (void *)(uintptr_t)info.seccomp.args[1];
	return process_vm_readv(child, &here, 1, &there, 1, 0) ==
		       (ssize_t)sizeof(header) &&
	       (header.nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES ||
		(header.nlmsg_type & 3) == 2); /* linux/rtnetlink.h: RTM_GET... */
}

/* The signal to hand on: none for a stop that is the tracer's. */
static long signal_of(int status)
{
	int signal = WSTOPSIG(status);

	return status >> 16 || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
}

static bool is_change(pid_t pid, int status)
{
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8) &&
	       !is_question(pid);
}

bool killer_watch(pid_t child, unsigned n, unsigned *made, int *status)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP |
			     PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	bool watched = false, killed = false;
	pid_t pid;

	*made = 0;
	while ((pid = waitpid(-1, status, __WALL)) > 0) {
		if (!WIFSTOPPED(*status)) {
			if (pid == child)
				break;
			continue;
		}
		if (!watched)
			watched = ptrace(PTRACE_SETOPTIONS, child, NULL, options) == 0;
		/* its threads have to be waited for before it is over */
		if (pid == child && is_change(pid, *status) && (*made)++ == n)
			killed = kill(child, SIGKILL) == 0;
		else
			ptrace(PTRACE_CONT, pid, NULL, signal_of(*status));
	}
	return killed;
}
