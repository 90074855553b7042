/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dialogue.h - questions and answers over a daemon's control socket
 *
 * All of a dialogue has one deadline: a daemon that hangs, or says more than it
 * should, costs its caller no more than that.
 */
#ifndef L3VM_ANNOUNCE_DIALOGUE_H
#define L3VM_ANNOUNCE_DIALOGUE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct L3vmDialogue L3vmDialogue;

/* How long all questions to one daemon may take, in microseconds: a table of ten
 * thousand routes takes BIRD and FRR some 50 ms each time. */
#define L3VM_DIALOGUE_TIME (2 * G_USEC_PER_SEC)

/* *@absent: nobody listens at @path, which is no error. */
L3vmDialogue *l3vm_dialogue_open(const char *path, bool *absent, GError **error);
void l3vm_dialogue_close(L3vmDialogue *dialogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(L3vmDialogue, l3vm_dialogue_close)

/* The process that listens at the other end; 0: not known. */
pid_t l3vm_dialogue_peer(const L3vmDialogue *dialogue);

/* "/run/frr/zebra.vty" */
const char *l3vm_dialogue_path(const L3vmDialogue *dialogue);

/* True if @text, all that came since the question, is a whole answer. */
typedef bool (*L3vmDialogueEnd)(const GString *text);

/* Sends @question (NULL: nothing, the other end speaks first) and returns what is
 * said until @is_end, with a NUL behind. */
GString *l3vm_dialogue_ask(L3vmDialogue *dialogue, const void *question, size_t size,
			   L3vmDialogueEnd is_end, GError **error);

#endif
