/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-agent-sandbox.c - what the agent's filter lets pass, and what it refuses */
#include "sandbox.h"

#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Call {
	const char *name;
	long number;
	uintptr_t arguments[5];
} Call;

static char text[] = "/";
static char *const words[] = { text, NULL };

#define TEXT  (uintptr_t) text
#define WORDS (uintptr_t) words

/* What somebody who is in the agent would like to do. With these arguments none does
 * harm where it is allowed. */
static const Call forbidden[] = {
	{ "execve", SYS_execve, { TEXT, WORDS, WORDS } },
	{ "execveat", SYS_execveat, { 0, TEXT, WORDS, WORDS, 0 } },
	{ "connect by TCP", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
	{ "the same, IPv6", SYS_socket, { AF_INET6, SOCK_STREAM, 0 } },
	{ "send by UDP", SYS_socket, { AF_INET, SOCK_DGRAM, 0 } },
	{ "another guest's vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 } },
	{ "listen", SYS_listen, { 0, 1 } },
	{ "accept4", SYS_accept4, { 0, 0, 0, 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1, 0, 0, 0, 0 } },
	{ "kill", SYS_kill, { 0x7fffffff, SIGKILL } },
	{ "mount", SYS_mount, { TEXT, TEXT, TEXT, 0, 0 } },
	{ "umount2", SYS_umount2, { TEXT, 0 } },
	{ "move_mount", SYS_move_mount, { 0, TEXT, 0, TEXT, 0 } },
	{ "pivot_root", SYS_pivot_root, { TEXT, TEXT } },
	{ "chroot", SYS_chroot, { TEXT } },
	{ "unshare", SYS_unshare, { 0 } },
	{ "setns", SYS_setns, { 0, 0 } },
	{ "setuid", SYS_setuid, { 0 } },
	{ "capset", SYS_capset, { 0, 0 } },
	{ "bpf", SYS_bpf, { 0, 0, 0 } },
	{ "perf_event_open", SYS_perf_event_open, { 0, 0, 0, 0, 0 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 1, 0 } },
	{ "userfaultfd", SYS_userfaultfd, { 0 } },
	{ "keyctl", SYS_keyctl, { 0, 0 } },
	{ "init_module", SYS_init_module, { 0, 0, TEXT } },
	{ "kexec_load", SYS_kexec_load, { 0, 0, 0, 0 } },
	{ "reboot", SYS_reboot, { 0, 0, 0, 0 } },
	{ "sethostname", SYS_sethostname, { TEXT, 0 } },
	{ "clock_settime", SYS_clock_settime, { 0, 0 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { 0, 0, 0 } },
	{ "fchmodat", SYS_fchmodat, { 0, TEXT, 0 } },
	{ "memory to execute", SYS_mmap, { 0, 4096, PROT_EXEC, MAP_PRIVATE, 0 } },
	{ "the same, afterwards", SYS_mprotect, { 0, 4096, PROT_EXEC } },
#ifndef L3VM_SANITIZERS /* which need these themselves */
	{ "fork", SYS_clone, { SIGCHLD, 0, 0, 0, 0 } },
	{ "ptrace", SYS_ptrace, { 0, 1, 0, 0 } },
	{ "prctl", SYS_prctl, { 0, 0 } },
#endif
};

/* Whether a child that has entered the sandbox is refused the call. */
static bool is_refused(const Call *call)
{
	const uintptr_t *a = call->arguments;
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (!sandbox_enter(NULL))
			_exit(2);
		_exit(syscall(call->number, a[0], a[1], a[2], a[3], a[4]) == -1 &&
		      errno == EPERM);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 1;
}

static void test_forbidden(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(forbidden); i++)
		if (!is_refused(&forbidden[i]))
			fail_msg("%s is not refused", forbidden[i].name);
}

static const Call allowed[] = {
	{ "open", SYS_openat, { (uintptr_t)AT_FDCWD, TEXT, O_RDONLY } },
	{ "rtnetlink", SYS_socket, { AF_NETLINK, SOCK_RAW, 0 } },
	{ "a monitor's socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	{ "a frame", SYS_socket, { AF_PACKET, SOCK_RAW, 0 } },
	{ "is there a process?", SYS_kill, { 1, 0 } },
	{ "memory", SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0 } },
};

/* Without the filter; who is not root is refused more. */
static bool is_permitted(const Call *call)
{
	const uintptr_t *a = call->arguments;

	return syscall(call->number, a[0], a[1], a[2], a[3], a[4]) >= 0;
}

static void test_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++)
		if (is_permitted(&allowed[i]) && is_refused(&allowed[i]))
			fail_msg("%s is refused", allowed[i].name);
}

static void *wait_for_it(void *socket)
{
	int fd = *(int *)socket;
	char byte;
	bool refused = write(fd, "", 1) == 1 && read(fd, &byte, 1) == 1 &&
		       syscall(SYS_chroot, text) == -1 && errno == EPERM;

	return GINT_TO_POINTER(refused);
}

/* One that was there before. */
static void test_other_threads(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		int ends[2];
		char byte;
		GThread *thread;

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			_exit(2);
		thread = g_thread_new("other", wait_for_it, &ends[0]);
		if (read(ends[1], &byte, 1) != 1 || !sandbox_enter(NULL) ||
		    write(ends[1], "", 1) != 1)
			_exit(2);
		_exit(GPOINTER_TO_INT(g_thread_join(thread)));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_other_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
