/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.c - making errors of the domain L3VM_ERROR */
#include "base/error.h"

#include <errno.h>

/* clang-format off: it would write the name as a subtraction */
G_DEFINE_QUARK(l3vm - error - quark, l3vm_error)
/* clang-format on */

int l3vm_exit_status(const GError *error)
{
	if (!error)
		return 0;
	return error->domain == L3VM_ERROR ? error->code : L3VM_ERROR_FAILED;
}

/*
 * Messages quote tenants' and files' text: whatever could break the promise of
 * one line (or reach a terminal as an escape sequence) is written as \ooo.
 */
static void set_error(GError **error, L3vmError code, const char *remedy,
		      const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autoptr(GString) line = g_string_new(NULL);

	for (const char *c = valid; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			g_string_append_printf(line, "\\%03o", (unsigned char)*c);
		else
			g_string_append_c(line, *c);
	}
	if (remedy && !g_str_has_suffix(line->str, ")"))
		g_string_append_printf(line, " (%s)", remedy);
	g_set_error_literal(error, L3VM_ERROR, (int)code, line->str);
}

bool l3vm_fail(GError **error, L3vmError code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_error(error, code, NULL, format, args);
	va_end(args);
	return false;
}

/* The REMEDY of a message that ends with the system's text and has no better. */
static const char *remedy_for(int errnum)
{
	switch (errnum) {
	case EPERM:
	case EACCES:
		return "run as root, or with CAP_NET_ADMIN";
	case ENOSPC:
	case EDQUOT:
		return "free some space";
	case EROFS:
		return "make it writable";
	default:
		return "nothing was changed";
	}
}

bool l3vm_fail_errno(GError **error, int errnum, const char *format, ...)
{
	L3vmError code = errnum == EPERM || errnum == EACCES ? L3VM_ERROR_PERMISSION
							     : L3VM_ERROR_FAILED;
	va_list args;

	va_start(args, format);
	set_error(error, code, remedy_for(errnum), format, args);
	va_end(args);
	return false;
}
