/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.c - wall-clock time as records keep it */
#include "base/clock.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t l3vm_now(void)
{
	return g_get_real_time();
}

char *l3vm_time_format(int64_t usec, char *buf)
{
	time_t seconds = (time_t)(usec / L3VM_SECOND);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(buf, L3VM_TIME_STRLEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, L3VM_TIME_STRLEN - n, ".%06dZ", (int)(usec % L3VM_SECOND));
	return buf;
}

bool l3vm_time_parse(const char *text, int64_t *usec)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t fraction = 0, unit = L3VM_SECOND;

	if (!rest)
		return false;
	if (*rest == '.')
		for (rest++; g_ascii_isdigit(*rest); rest++) {
			unit /= 10;
			fraction += (*rest - '0') * unit;
		}
	if (strcmp(rest, "Z"))
		return false;
	*usec = (int64_t)timegm(&tm) * L3VM_SECOND + fraction;
	return true;
}
