/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * announce-exec.c - a program of the site's, for whatever we do not know
 *
 * It runs as long as the agent does, and speaks JSON, a line each, on its standard
 * input and output; l3vm-announce(7) has the words. It is started without a shell,
 * and told addresses, numbers and fixed words only.
 */
#include "announce/announcer.h"
#include "announce/lines.h"
#include "base/error.h"

#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

/* Of the protocol: a program that does not know it says no to the first line. */
#define VERSION 1

typedef struct Told {
	L3vmAddr dst;
	L3vmRank rank;
} Told;

typedef struct Exec {
	L3vmAnnouncer base;
	L3vmLines *lines;
	GPid pid;
	int64_t seq;	  /* of the last line */
	GHashTable *told; /* its number -> Told*, owned; without what is no route */
} Exec;

static void say(Exec *exec, const char *op, const Told *told)
{
	g_autoptr(json_object) line = json_object_new_object();
	char text[L3VM_ADDR_STRLEN];

	exec->seq++;
	json_object_object_add(line, "seq", json_object_new_int64(exec->seq));
	json_object_object_add(line, "op", json_object_new_string(op));
	if (told) {
		json_object_object_add(
			line, "dst",
			json_object_new_string(l3vm_prefix_format(&told->dst, text)));
		json_object_object_add(
			line, "rank",
			json_object_new_string(l3vm_rank_name(told->rank)));
		g_hash_table_insert(exec->told, g_memdup2(&exec->seq, sizeof(int64_t)),
				    g_memdup2(told, sizeof(*told)));
	} else {
		json_object_object_add(line, "version", json_object_new_int(VERSION));
	}
	l3vm_lines_say(exec->lines, json_object_to_json_string_ext(
					    line, JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void exec_set(L3vmAnnouncer *announcer, const L3vmAddr *dst, L3vmRank rank)
{
	const Told told = { *dst, rank };

	say((Exec *)announcer, rank == L3VM_RANK_NONE ? "withdraw" : "announce", &told);
}

static void exec_complete(L3vmAnnouncer *announcer)
{
	say((Exec *)announcer, "complete", NULL);
}

/* --- answers ------------------------------------------------------------------- */

static void taken(Exec *exec, int64_t seq, const char *refusal)
{
	Told *found = g_hash_table_lookup(exec->told, &seq);
	Told told;

	if (!found)
		return;
	told = *found;
	g_hash_table_remove(exec->told, &seq);
	exec->base.taken(&exec->base, &told.dst, told.rank, refusal);
}

static void answered(void *data, const char *line)
{
	Exec *exec = data;
	g_autoptr(json_object) answer = json_tokener_parse(line);
	json_object *seq = NULL, *ok = NULL, *why = NULL;
	g_autoptr(GError) refusal = NULL;

	if (!json_object_object_get_ex(answer, "seq", &seq) ||
	    !json_object_object_get_ex(answer, "ok", &ok) ||
	    !json_object_is_type(seq, json_type_int) ||
	    !json_object_is_type(ok, json_type_boolean)) {
		exec->base.failed(&exec->base, "the program says what is no answer");
		return;
	}
	json_object_object_get_ex(answer, "error", &why);
	if (!json_object_get_boolean(ok)) /* an error's text is one line */
		l3vm_fail(&refusal, L3VM_ERROR_FAILED, "the program refuses: %.200s",
			  why ? json_object_get_string(why) : "it does not say why");
	if (refusal && json_object_get_int64(seq) == 1)
		exec->base.failed(&exec->base, refusal->message);
	else
		taken(exec, json_object_get_int64(seq),
		      refusal ? refusal->message : NULL);
}

static void ended(void *data, const char *why)
{
	Exec *exec = data;

	(void)why;
	exec->base.failed(&exec->base, "the program ended");
}

/* --- life ---------------------------------------------------------------------- */

static void reap(GPid pid, gint status, void *data)
{
	(void)status;
	(void)data;
	g_spawn_close_pid(pid);
}

/* The agent blocks signals, and what is blocked is inherited. */
static void unblock(void *data)
{
	sigset_t none;

	(void)data;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void exec_close(L3vmAnnouncer *announcer)
{
	Exec *exec = (Exec *)announcer;

	l3vm_lines_free(exec->lines); /* the end of its input */
	kill(exec->pid, SIGTERM);
	g_hash_table_unref(exec->told);
	g_free(exec);
}

static L3vmAnnouncer *exec_open(const L3vmAnnouncing *settings, GError **error)
{
	static const L3vmLinesEvents events = { answered, ended };
	g_autoptr(GError) failure = NULL;
	int in, out;
	Exec *exec;
	GPid pid;

	if (!g_spawn_async_with_pipes(NULL, settings->exec, NULL,
				      G_SPAWN_DO_NOT_REAP_CHILD, unblock, NULL, &pid,
				      &in, &out, NULL, &failure)) {
		l3vm_fail(error, L3VM_ERROR_FAILED, "%s (correct `command`)",
			  failure->message);
		return NULL;
	}
	g_child_watch_add(pid, reap, NULL);
	exec = g_new0(Exec, 1);
	exec->base.ops = &l3vm_announcer_exec;
	exec->pid = pid;
	exec->told = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	exec->lines = l3vm_lines_new(out, in, &events, exec);
	say(exec, "hello", NULL);
	return &exec->base;
}

const L3vmAnnouncerOps l3vm_announcer_exec = {
	.name = "exec",
	.ranked = true,
	.executes = true,
	.open = exec_open,
	.close = exec_close,
	.set = exec_set,
	.complete = exec_complete,
};
