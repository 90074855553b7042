/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hook.c - what the two hook programs have in common: descriptors, input, errors */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* A message never becomes longer than what an operator would read. */
#define LINE_MAX_BYTES	1000
#define QUOTE_MAX_CHARS 40

/*
 * libvirt takes whatever a `migrate` or `restore` hook prints for the guest's
 * new definition, so one stray line of any library would break a migration:
 * stdout goes to /dev/null once and for all. The loop also fills descriptors
 * 0 to 2 if the caller closed them, or a socket of ours would become "stderr".
 *
 * A reader of our stderr that goes away must not kill us between two steps of
 * an attach.
 */
void l3vm_hook_begin(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		close(STDOUT_FILENO);
	if (fd >= 0)
		close(fd);
	signal(SIGPIPE, SIG_IGN);
}

/*
 * What is beyond the limit is neither kept nor drained: draining would let an
 * endless writer hold us, and with us libvirt, for ever. The writer gets EPIPE
 * at our exit, which libvirt ignores ("child closed stdin prematurely").
 */
static bool read_text(int fd, GString *text, GError **error)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return l3vm_hook_fail(error, L3VM_ERROR_FAILED,
					      "XML on standard input: %s (libvirt runs "
					      "this program with a pipe there)",
					      g_strerror(errno));
		g_string_append_len(text, chunk, n);
		if (text->len > L3VM_HOOK_INPUT_MAX)
			return l3vm_hook_fail(error, L3VM_ERROR_USAGE,
					      "XML on standard input: longer than %u "
					      "bytes (no XML of libvirt's is)",
					      L3VM_HOOK_INPUT_MAX);
	}
	if (text->len == 0)
		return l3vm_hook_fail(
			error, L3VM_ERROR_USAGE,
			"XML on standard input: nothing there (libvirt writes the "
			"guest's or network's definition to it)");
	return true;
}

char *l3vm_hook_read(int fd, size_t *size, GError **error)
{
	g_autoptr(GString) text = g_string_sized_new(16384);

	if (!read_text(fd, text, error))
		return NULL;
	*size = text->len;
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/*
 * Escapes what could end the line, drive a terminal or change the direction of
 * writing: everything that is not printable, which includes U+202E and friends.
 */
static char *printable(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);

	for (const char *c = valid; *c; c = g_utf8_next_char(c)) {
		gunichar u = g_utf8_get_char(c);

		if (out->len > LINE_MAX_BYTES) {
			g_string_append(out, "...");
			break;
		}
		if (g_unichar_isprint(u))
			g_string_append_unichar(out, u);
		else
			g_string_append_printf(out, u < 0x80 ? "\\%03o" : "\\u%04x", u);
	}
	return g_string_free(out, FALSE);
}

bool l3vm_hook_fail(GError **error, L3vmError code, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	line = printable(text);
	g_set_error_literal(error, L3VM_ERROR, (int)code, line);
	return false;
}

/*
 * One write(2), so that lines of hooks that run at once do not mix. libvirt shows
 * stderr only for a hook that fails; what must not veto is found in the system's
 * log.
 */
void l3vm_hook_say(const char *text)
{
	g_autofree char *safe = printable(text);
	g_autofree char *line = g_strdup_printf("l3vm: %s\n", safe);
	ssize_t n = write(STDERR_FILENO, line, strlen(line));

	(void)n; /* a stderr that cannot be written to leaves nobody to tell */
	syslog(LOG_DAEMON | LOG_WARNING, "%s", safe);
}

char *l3vm_hook_quote(const char *name)
{
	g_autofree char *valid = g_utf8_make_valid(name, -1);

	if (g_utf8_strlen(valid, -1) <= QUOTE_MAX_CHARS)
		return g_strdup_printf("\"%s\"", valid);
	*g_utf8_offset_to_pointer(valid, QUOTE_MAX_CHARS) = '\0';
	return g_strdup_printf("\"%s...\"", valid);
}
