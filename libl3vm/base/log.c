/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log.c - the library's one way to say something that is not an error */
#include "base/log.h"

#include "l3vm.h"

#include <stdio.h>

static void to_stderr(const char *line, void *data)
{
	(void)data;
	fprintf(stderr, "l3vm: %s\n", line);
}

/* The only mutable state of the library outside its handles. */
static L3vmLogSink log_sink = to_stderr;
static void *log_data;

void l3vm_set_log_sink(L3vmLogSink sink, void *data)
{
	log_sink = sink ? sink : to_stderr;
	log_data = data;
}

void l3vm_warn(const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	line = g_utf8_make_valid(text, -1);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	log_sink(line, log_data);
}
