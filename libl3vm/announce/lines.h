/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lines.h - lines of text to and from another process, in the main loop
 *
 * Nothing waits: what the other end does not take yet is kept, as much as a host has
 * to say. A line that is too long, or an end of either side, ends it all.
 */
#ifndef L3VM_ANNOUNCE_LINES_H
#define L3VM_ANNOUNCE_LINES_H

#include <glib.h>
#include <stdbool.h>

typedef struct L3vmLines L3vmLines;

typedef struct L3vmLinesEvents {
	void (*line)(void *data, const char *line); /* without its newline */
	/* Of no more use; @why in a few words. Once, and not from within say(). */
	void (*end)(void *data, const char *why);
} L3vmLinesEvents;

/* Takes both descriptors over, and makes them non-blocking. */
L3vmLines *l3vm_lines_new(int in, int out, const L3vmLinesEvents *events, void *data);
void l3vm_lines_free(L3vmLines *lines);
/* @line gets its newline here. */
void l3vm_lines_say(L3vmLines *lines, const char *line);

#endif
