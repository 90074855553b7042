/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ifup.c - the program that QEMU and libvirt's <script> run for a guest's tap
 *
 *     l3vm-qemu-ifup IFNAME        the tap is there, and is to be used
 *     l3vm-qemu-ifdown IFNAME      it is used no more
 *
 * By QEMU (-netdev tap,script=,downscript=): with QEMU's own environment, standard
 * input and output, which may be its monitor. QEMU waits, gives up if the first
 * fails, and does not look at the status of the second. It says no more than the
 * name; whose tap it is, its command line tells.
 *
 * By libvirt (<interface type='ethernet'> with <script path=> and <downscript>):
 * before QEMU runs, except for a NIC that is plugged in, which is what this is for:
 * libvirt runs no qemu hook then. All else is left to the hook, which knows more.
 */
#include "cmdline.h"
#include "l3vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* No command line is longer: three quarters of 8 MiB (fs/exec.c:bprm_stack_limits) */
#define ARGUMENTS_MAX (6U * 1024 * 1024)

/*
 * Whatever a library might print would end up in QEMU's monitor (-qmp stdio). The
 * loop also fills descriptors 0 to 2 if they are closed, or a socket of ours would
 * become one of them.
 */
static void begin(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		close(STDOUT_FILENO);
	signal(SIGPIPE, SIG_IGN);
}

static bool fail(GError **error, L3vmError code, const char *text)
{
	g_set_error_literal(error, L3VM_ERROR, (int)code, text);
	return false;
}

/* --- who calls -------------------------------------------------------------- */

/* The caller waits for us, so it is still what it was. */
static GString *read_arguments(GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int)getppid());
	g_autoptr(GString) text = g_string_sized_new(16384);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char chunk[16384];
	ssize_t n = -1;

	while (fd >= 0 && text->len <= ARGUMENTS_MAX &&
	       (n = read(fd, chunk, sizeof(chunk))) > 0)
		g_string_append_len(text, chunk, n);
	if (fd >= 0)
		close(fd);
	if (n == 0 && text->len)
		return g_steal_pointer(&text);
	fail(error, L3VM_ERROR_USAGE,
	     "QEMU's command line: cannot be read (QEMU itself has to run this "
	     "program; a script in between must `exec` it)");
	return NULL;
}

static bool is_libvirt(const L3vmQemu *caller)
{
	return !strcmp(caller->program, "libvirtd") ||
	       !strcmp(caller->program, "virtqemud");
}

/* --- up --------------------------------------------------------------------- */

/* The name is for people, so some other word that they know it by will do. */
static const char *guest_of(const L3vmQemu *qemu, const char *ifname)
{
	if (qemu->name && *qemu->name)
		return qemu->name;
	return qemu->uuid ? qemu->uuid : ifname;
}

/*
 * A guest that QEMU waits for runs elsewhere, or will be read from a file; that it
 * is here is for l3vm-agent or `l3vm migrate-notify` to say.
 */
static bool up_for_qemu(L3vm *host, const L3vmQemu *qemu, const char *ifname,
			GError **error)
{
	g_autoptr(L3vmPort)
		port = l3vm_port_new(guest_of(qemu, ifname), qemu->uuid, error);
	L3vmPort *const ports[] = { port };

	return port && l3vm_port_set_ifname(port, ifname, error) &&
	       (!qemu->mac || l3vm_port_set_mac(port, qemu->mac, error)) &&
	       l3vm_attach(host, ports, 1,
			   qemu->is_waiting ? L3VM_ATTACH_PREPARED : L3VM_ATTACH_LIVE,
			   error);
}

/* libvirt writes the file when it has started QEMU, which is after the taps of
 * a start or an arrival are there. Names of its guests have no '/'. */
static bool runs_here(const char *guest)
{
	g_autofree char *path = g_strdup_printf(L3VM_LIBVIRT_RUNDIR "/qemu/%s.pid",
						guest);

	return access(path, F_OK) == 0;
}

static bool up_for_libvirt(L3vm *host, const char *ifname, GError **error)
{
	GError *failure = NULL;
	g_autoptr(L3vmPort) port = l3vm_find_port(host, ifname, &failure);
	L3vmPort *const ports[] = { port };

	if (failure)
		return g_propagate_error(error, failure), false;
	return !port || !runs_here(l3vm_port_guest(port)) ||
	       l3vm_attach(host, ports, 1, L3VM_ATTACH_KEEP, error);
}

static bool up(L3vm *host, const char *ifname, GError **error)
{
	g_autoptr(GString) arguments = read_arguments(error);
	g_autoptr(L3vmQemu) qemu = NULL;

	if (arguments)
		qemu = l3vm_qemu_parse(arguments->str, arguments->len, ifname, error);
	if (!qemu)
		return false;
	return is_libvirt(qemu) ? up_for_libvirt(host, ifname, error)
				: up_for_qemu(host, qemu, ifname, error);
}

/* The name it is called by may be a link's: /etc/qemu-ifdown is QEMU's default. */
static bool run(int argc, char **argv, GError **error)
{
	bool is_down = argc && g_str_has_suffix(argv[0], "ifdown");
	g_autoptr(L3vm) host = NULL;

	if (argc != 2)
		return fail(
			error, L3VM_ERROR_USAGE,
			"one argument is needed, the name of a tap (it is QEMU that "
			"runs this program, see l3vm-qemu-ifup(8))");
	host = l3vm_new(NULL, NULL, error);
	if (!host)
		return false;
	return is_down ? l3vm_detach_port(host, argv[1], error)
		       : up(host, argv[1], error);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	begin();
	run(argc, argv, &error);
	if (error)
		fprintf(stderr, "l3vm: %s\n", error->message);
	return l3vm_exit_status(error);
}
