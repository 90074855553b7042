/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon-check.c - mistakes in a routing daemon's settings
 *
 * Each has been made, and each costs packets: facts about BIRD 2.0.12 and FRR 8.4
 * that are behind them are in l3vm-announce(7).
 */
#include "announce/daemon.h"

#include <stdlib.h>
#include <string.h>

/* BIRD's preference of BGP routes (DEF_PREF_BGP, nest/route.h) */
#define BIRD_BGP 100
/* Seconds between BIRD's looks at the kernel that a route it missed stays missed */
#define SCAN_MAX 60

typedef struct Check {
	const L3vmDaemon *daemon;
	const L3vmRanks *ranks;
	L3vmFind find;
	void *data;
} Check;

static void check_sessions(const Check *check)
{
	const L3vmDaemon *daemon = check->daemon;

	if (daemon->speaks && !daemon->sessions)
		check->find(check->data, "error",
			    "has no session that is up: nobody is told of the guests",
			    "birdc show protocols, or vtysh -c 'show bgp summary'");
	if (daemon->bgp > daemon->watched)
		check->find(
			check->data, "warning",
			"BFD does not watch all sessions: a dead link or host takes "
			"as long as the hold time to be noticed",
			"switch BFD on, at both ends; see the examples");
}

static void check_preferences(const Check *check)
{
	unsigned low = 0, high = 0;
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, check->daemon->routes);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const L3vmDaemonRoute *route = value;

		if (!route->preference)
			continue;
		if (route->metric == check->ranks->last)
			high += route->preference >= BIRD_BGP;
		else
			low += route->preference <= BIRD_BGP;
	}
	if (low)
		check->find(
			check->data, "error",
			"guests' routes have a preference of 100 or less: a guest "
			"that comes here is not announced while its old host is "
			"heard of",
			"`preference = 200` in the import filter; see the examples");
	if (high)
		check->find(check->data, "error",
			    "the last rank has a preference of 100 or more: this host "
			    "does not turn to where a guest has gone",
			    "`preference = 50` in the import filter; see the examples");
}

/* --- FRR's route-maps ------------------------------------------------------------ */

static char **lines_of(const char *text)
{
	char **lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++)
		g_strstrip(*line);
	return lines;
}

/* The number that a line of the block gives to @key, or @otherwise. */
static long number_of(char **block, const char *key, long otherwise)
{
	for (; *block; block++)
		if (g_str_has_prefix(*block, key))
			return strtol(*block + strlen(key), NULL, 10);
	return otherwise;
}

/* What a route-map does with the last rank: true if it says that it is to yield.
 * Without `set weight` a local route has 32768, and wins against any other. */
static bool last_yields(const char *settings, const char *map, uint32_t last)
{
	g_autofree char *match = g_strdup_printf("match metric %u", last & 0xffffff);
	g_autofree char *head = g_strdup_printf("route-map %s permit", map);
	g_auto(GStrv) blocks = g_strsplit(settings, "\nexit", -1);

	for (char **block = blocks; *block; block++) {
		const char *start = strstr(*block, head);
		g_auto(GStrv) lines = start ? lines_of(start) : NULL;

		if (lines && g_strv_contains((const char *const *)lines, match))
			return number_of(lines, "set weight ", 32768) == 0 &&
			       number_of(lines, "set local-preference ", 100) < 100;
	}
	return false;
}

static void check_own_as(const Check *check)
{
	if (strstr(check->daemon->settings, " allowas-in"))
		check->find(
			check->data, "warning",
			"accepts paths with its own AS number (allowas-in): its own "
			"routes come back, and win while a guest leaves",
			"give every hypervisor an AS number of its own");
}

static void check_route_maps(const Check *check)
{
	static const char redistribute[] = "redistribute kernel";
	const char *at = check->daemon->settings;
	unsigned found = 0;

	while ((at = strstr(at, redistribute))) {
		g_autofree char *line = g_strndup(at, strcspn(at, "\n"));
		const char *map = strstr(line, " route-map ");
		g_auto(GStrv) words = g_strsplit(map ? map + 1 : "", " ", 3);

		at += strlen(redistribute);
		found++;
		if (!map ||
		    !last_yields(check->daemon->settings, words[1], check->ranks->last))
			check->find(
				check->data, "error",
				"the last rank has no `set weight 0` and "
				"`set local-preference` below 100: this host does "
				"not turn to where a guest has gone",
				"take the route-maps L3VM4 and L3VM6 of the example");
	}
	if (found < 2)
		check->find(check->data, "warning",
			    "does not redistribute kernel routes in both families",
			    "`redistribute kernel route-map ...`; see the examples");
}

/* --- BIRD's file ---------------------------------------------------------------- */

/* A line of @text says "@key N;" with an N that @is_bad. */
static bool says(const char *text, const char *key, const L3vmRanks *ranks,
		 bool (*is_bad)(unsigned long long n, const L3vmRanks *ranks))
{
	g_auto(GStrv) lines = lines_of(text);

	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, key) &&
		    g_ascii_isdigit((*line)[strlen(key)]) &&
		    is_bad(g_ascii_strtoull(*line + strlen(key), NULL, 10), ranks))
			return true;
	return false;
}

static bool is_long(unsigned long long n, const L3vmRanks *ranks)
{
	(void)ranks;
	return n > SCAN_MAX;
}

static bool is_rank(unsigned long long n, const L3vmRanks *ranks)
{
	return n == ranks->preferred || n == ranks->normal || n == ranks->last;
}

/* What is not to be had from BIRD itself. A file that includes others may say it
 * there. */
static void check_file(const Check *check)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents("/etc/bird/bird.conf", &text, NULL, NULL))
		return;
	if (says(text, "scan time ", check->ranks, is_long))
		check->find(
			check->data, "warning",
			"looks at the kernel's routes less than once a minute: what "
			"it misses stays missed so long",
			"`scan time 60` or less in /etc/bird/bird.conf");
	if (says(text, "metric ", check->ranks, is_rank))
		check->find(
			check->data, "error",
			"writes its own routes with the metric of a rank: they take "
			"the place of guests'",
			"`metric 32` in /etc/bird/bird.conf");
}

void l3vm_daemon_check(const L3vmDaemon *daemon, const L3vmRanks *ranks, L3vmFind find,
		       void *data)
{
	const Check check = {
		.daemon = daemon, .ranks = ranks, .find = find, .data = data
	};

	check_sessions(&check);
	check_preferences(&check);
	if (daemon->settings) {
		check_own_as(&check);
		check_route_maps(&check);
	}
	if (daemon->kind == &l3vm_daemon_bird)
		check_file(&check);
}
