/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon-bird.c - BIRD 2, as birdc(8) asks it
 *
 * Lines that start with four digits and a space end an answer; 8xxx and 9xxx are
 * errors (doc/reply_codes). The connection is restricted first of all: after that
 * it can only look.
 */
#include "announce/daemon.h"
#include "base/error.h"

#include <string.h>

static bool is_whole(const GString *text)
{
	const char *line;

	if (!text->len || text->str[text->len - 1] != '\n')
		return false;
	for (line = text->str + text->len - 1; line > text->str && line[-1] != '\n';)
		line--;
	return strspn(line, "0123456789") == 4 && line[4] == ' ';
}

/* The answer's lines, without the codes in front of them. NULL: an error, or no
 * answer. */
static char **ask(L3vmDialogue *dialogue, const char *question, GError **error)
{
	g_autoptr(GString) text = l3vm_dialogue_ask(
		dialogue, question, question ? strlen(question) : 0, is_whole, error);
	g_auto(GStrv) lines = NULL;

	if (!text)
		return NULL;
	lines = g_strsplit(text->str, "\n", -1);
	for (char **line = lines; *line; line++) {
		if ((**line == '8' || **line == '9') &&
		    strspn(*line, "0123456789") == 4) {
			l3vm_fail(error, L3VM_ERROR_FAILED,
				  "BIRD says: %s (is this BIRD 2?)", *line + 5);
			return NULL;
		}
		if (strspn(*line, "0123456789") == 4 &&
		    ((*line)[4] == '-' || (*line)[4] == ' '))
			memmove(*line, *line + 5, strlen(*line + 5) + 1);
		else if (**line == ' ')
			memmove(*line, *line + 1, strlen(*line));
	}
	return g_steal_pointer(&lines);
}

/* "10.0.0.5/32  unicast [kernel4 14:37:23.464] * (200)": NULL if @line is another */
static L3vmDaemonRoute *route_in(L3vmDaemon *daemon, const char *line, bool *best,
				 uint32_t *preference)
{
	g_autofree char *prefix = g_strndup(line, strcspn(line, " "));
	const char *rest = strchr(line, ']'), *bracket;
	L3vmAddr dst;

	bracket = rest ? strchr(rest, '(') : NULL;
	if (!bracket || !l3vm_prefix_parse(prefix, &dst))
		return NULL;
	*best = memchr(rest, '*', (size_t)(bracket - rest));
	*preference = (uint32_t)g_ascii_strtoull(bracket + 1, NULL, 10);
	return l3vm_daemon_route(daemon, &dst);
}

/* In each table that it is in, a route has to be the best one. */
static bool read_routes(L3vmDaemon *daemon, L3vmDialogue *dialogue, uint8_t protocol,
			GError **error)
{
	static const char metric[] = "Kernel.metric: ";
	g_autofree char *question = g_strdup_printf(
		"show route table all where krt_source = %u all\n", protocol);
	g_auto(GStrv) lines = ask(dialogue, question, error);
	L3vmDaemonRoute *route = NULL;

	for (char **line = lines; line && *line; line++) {
		L3vmDaemonRoute *next;
		uint32_t preference;
		const char *at;
		bool best;

		next = route_in(daemon, *line, &best, &preference);
		at = strstr(*line, metric);
		if (next) {
			route = next;
			route->best &= best;
			route->preference = preference;
		} else if (route && at) {
			route->metric = (uint32_t)g_ascii_strtoull(at + strlen(metric),
								   NULL, 10);
		}
	}
	return lines;
}

static bool read_exports(L3vmDaemon *daemon, L3vmDialogue *dialogue,
			 const char *session, uint8_t protocol, GError **error)
{
	g_autofree char *question = NULL;
	g_auto(GStrv) lines = NULL;
	uint32_t preference;
	bool best;

	/* what BIRD takes for a symbol without quotes (conf/cf-lex.l) */
	if (session[strspn(session, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_")])
		question = g_strdup_printf(
			"show route where krt_source = %u export '%s'\n", protocol,
			session);
	else
		question =
			g_strdup_printf("show route where krt_source = %u export %s\n",
					protocol, session);
	lines = ask(dialogue, question, error);
	for (char **line = lines; line && *line; line++) {
		L3vmDaemonRoute *route = route_in(daemon, *line, &best, &preference);

		if (route)
			route->peers++;
	}
	return lines;
}

/* "tor4  BGP  ---  up  14:37:24.244  Established" */
static bool read_session(L3vmDaemon *daemon, L3vmDialogue *dialogue, const char *line,
			 uint8_t protocol, GError **error)
{
	g_autofree char *name = g_strndup(line, strcspn(line, " "));
	const char *kind = line + strlen(name);

	kind += strspn(kind, " ");
	if (!*name || strchr(name, '\'') ||
	    (!(g_str_has_prefix(kind, "BGP ") && strstr(kind, "Established")) &&
	     !(g_str_has_prefix(kind, "OSPF ") && strstr(kind, "Running"))))
		return true;
	daemon->sessions++;
	daemon->bgp += *kind == 'B';
	return read_exports(daemon, dialogue, name, protocol, error);
}

static void read_bfd(L3vmDaemon *daemon, L3vmDialogue *dialogue)
{
	/* without BFD in the configuration, an error */
	g_auto(GStrv) lines = ask(dialogue, "show bfd sessions\n", NULL);

	for (char **line = lines; line && *line; line++)
		daemon->watched += strstr(*line, " Up ") != NULL;
}

static bool read_bird(L3vmDaemon *daemon, L3vmDialogue *dialogue, uint8_t protocol,
		      GError **error)
{
	g_auto(GStrv) greeting = ask(dialogue, NULL, error);
	g_auto(GStrv) restricted = greeting ? ask(dialogue, "restrict\n", error) : NULL;
	g_auto(GStrv) protocols = restricted ? ask(dialogue, "show protocols\n", error)
					     : NULL;

	if (!protocols || !read_routes(daemon, dialogue, protocol, error))
		return false;
	for (char **line = protocols; *line; line++)
		if (!read_session(daemon, dialogue, *line, protocol, error))
			return false;
	daemon->speaks = true;
	read_bfd(daemon, dialogue);
	return true;
}

const L3vmDaemonKind l3vm_daemon_bird = {
	.name = "bird",
	.title = "BIRD",
	.socket = "/run/bird/bird.ctl",
	.read = read_bird,
};
