/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-read.c - logs of events, read line by line into values
 *
 * A log may be cut anywhere (it is bounded, and a host can die while it writes)
 * and may come from a later version. So a line that makes no sense is counted
 * and left out, and members that are not known are not looked at. Only a file
 * that cannot be read at all is an error.
 */
#include "timeline.h"

#include "l3vm.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG	  "events.jsonl"
#define OLD_LOG	  "events.jsonl.1"
#define LOG_SIZE  (64 * 1024 * 1024) /* the log itself ends at two megabytes */
#define LINE_SIZE (64 * 1024)
#define DEPTH	  8		     /* no line of ours nests at all */
#define PACKETS	  ((int64_t)1 << 40) /* sums of counters stay sums */
#define SECOND	  ((int64_t)1000000)

static const char *const state_names[] = {
	[TIMELINE_PREPARED] = "prepared", [TIMELINE_ARRIVED] = "arrived",
	[TIMELINE_LIVE] = "live",	  [TIMELINE_LEAVING] = "leaving",
	[TIMELINE_GONE] = "gone",
};

const char *timeline_state_name(TimelineState state)
{
	return state_names[state];
}

int timeline_state_from_name(const char *name)
{
	for (int i = 0; name && i < (int)G_N_ELEMENTS(state_names); i++)
		if (!strcmp(state_names[i], name))
			return i;
	return -1;
}

static void host_free(void *data)
{
	TimelineHost *host = data;

	g_free(host->name);
	g_free(host->origin);
	g_array_unref(host->lines);
	g_free(host);
}

Timeline *timeline_new(void)
{
	Timeline *timeline = g_new0(Timeline, 1);

	timeline->hosts = g_ptr_array_new_with_free_func(host_free);
	timeline->strings = g_string_chunk_new(4096);
	return timeline;
}

void timeline_free(Timeline *timeline)
{
	if (!timeline)
		return;
	g_ptr_array_unref(timeline->hosts);
	g_string_chunk_free(timeline->strings);
	g_free(timeline);
}

/* --- one line ------------------------------------------------------------ */

/* RFC 3339 in UTC, the only form that is written. 0 if it is something else. */
static int64_t parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t fraction = 0, unit = SECOND;

	if (!rest)
		return 0;
	if (*rest == '.')
		for (rest++; g_ascii_isdigit(*rest); rest++) {
			unit /= 10;
			fraction += (*rest - '0') * unit;
		}
	if (strcmp(rest, "Z") != 0)
		return 0;
	return MAX((int64_t)timegm(&tm) * SECOND + fraction, 0);
}

/* NULL if there is no such string. The names in a log repeat: each is kept once. */
static const char *take_string(Timeline *timeline, json_object *line, const char *key)
{
	json_object *value = json_object_object_get(line, key);

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	return g_string_chunk_insert_const(timeline->strings,
					   json_object_get_string(value));
}

static int64_t take_time(json_object *line, const char *key)
{
	json_object *value = json_object_object_get(line, key);

	return json_object_is_type(value, json_type_string)
		       ? parse_time(json_object_get_string(value))
		       : 0;
}

/* A counter that is not a number is as good as none; one that is absurd is cut, so
 * that adding up stays defined. */
static void take_packets(json_object *line, int64_t packets[TIMELINE_COUNTERS])
{
	static const char *const keys[] = {
		[TIMELINE_KEPT] = "kept",
		[TIMELINE_REPLAYED] = "replayed",
		[TIMELINE_DELIVERED] = "delivered",
		[TIMELINE_DROPPED] = "dropped",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		json_object *value = json_object_object_get(line, keys[i]);

		if (json_object_is_type(value, json_type_int))
			packets[i] = CLAMP(json_object_get_int64(value), 0, PACKETS);
	}
}

/* A name of a later version is shown as it is, rather than left out: the reader
 * may know it. */
static TimelineKind kind_from_name(const char *name)
{
	if (!strcmp(name, "evidence"))
		return TIMELINE_EVIDENCE;
	if (!strcmp(name, "hold-start"))
		return TIMELINE_STOPPED;
	if (!strcmp(name, "hold-release"))
		return TIMELINE_RELEASED;
	return TIMELINE_OTHER;
}

/* A line tells either a change of state or, in "event", something else. */
static bool take_what(Timeline *timeline, json_object *text, TimelineEvent *event)
{
	const char *what = take_string(timeline, text, "event");
	int from, to;

	event->why = take_string(timeline, text, "evidence");
	if (!event->why)
		event->why = take_string(timeline, text, "reason");
	if (what) {
		event->kind = kind_from_name(what);
		event->what = what;
		return true;
	}
	from = timeline_state_from_name(take_string(timeline, text, "from"));
	to = timeline_state_from_name(take_string(timeline, text, "to"));
	if (from < 0 || to < 0)
		return false;
	event->kind = TIMELINE_CHANGE;
	event->from = (TimelineState)from;
	event->to = (TimelineState)to;
	return true;
}

static bool take_line(Timeline *timeline, json_object *text, TimelineLine *line)
{
	TimelineEvent *event = &line->event;

	line->guest = take_string(timeline, text, "guest");
	line->uuid = take_string(timeline, text, "uuid");
	line->ifname = take_string(timeline, text, "ifname");
	event->time = take_time(text, "time");
	if (!line->guest || !event->time || !take_what(timeline, text, event))
		return false;
	if (!line->ifname)
		line->ifname = TIMELINE_NO_IFNAME;
	event->dst = take_string(timeline, text, "dst");
	event->seen = take_time(text, "seen");
	take_packets(text, event->packets);
	line->stopped = take_time(text, "stopped");
	line->diverted = take_time(text, "diverted");
	return true;
}

/* Strictly: half a line whose rest is lost must not pass for a whole one. */
static bool parse_line(Timeline *timeline, json_tokener *tokener, const char *text,
		       size_t size, TimelineLine *line)
{
	json_object *object = NULL;
	bool ok;

	if (size > LINE_SIZE)
		return false;
	json_tokener_reset(tokener);
	object = json_tokener_parse_ex(tokener, text, (int)size);
	ok = json_tokener_get_error(tokener) == json_tokener_success &&
	     json_tokener_get_parse_end(tokener) == size &&
	     json_object_is_type(object, json_type_object) &&
	     take_line(timeline, object, line);
	json_object_put(object);
	return ok;
}

/* An empty line is what editors and cat leave, not damage. */
static bool is_blank(const char *text, size_t size)
{
	while (size && g_ascii_isspace(text[size - 1]))
		size--;
	return !size;
}

/*
 * Logs of one host may be given in any order, as "events.jsonl*" does it; the
 * one that begins earlier comes first.
 */
static void add_lines(TimelineHost *host, const GArray *lines)
{
	const TimelineLine *new = (const TimelineLine *)(void *)lines->data;
	const TimelineLine *old = (const TimelineLine *)(void *)host->lines->data;

	if (!lines->len)
		return;
	if (host->lines->len && new->event.time < old->event.time)
		g_array_prepend_vals(host->lines, new, lines->len);
	else
		g_array_append_vals(host->lines, new, lines->len);
}

static void parse_log(Timeline *timeline, TimelineHost *host, const GString *log)
{
	g_autoptr(GArray) lines = g_array_new(FALSE, TRUE, sizeof(TimelineLine));
	json_tokener *tokener = json_tokener_new_ex(DEPTH);
	const char *at = log->str, *end = log->str + log->len;

	json_tokener_set_flags(tokener,
			       JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline ? newline : end) - at);
		TimelineLine line = { .event = { .why = NULL } };

		if (parse_line(timeline, tokener, at, size, &line))
			g_array_append_val(lines, line);
		else
			host->skipped += !is_blank(at, size);
		at += size + 1;
	}
	json_tokener_free(tokener);
	add_lines(host, lines);
}

/* --- files --------------------------------------------------------------- */

/* errno in words, with what to do: the log is root's, so that is the usual case. */
static bool fail(const char *path, GError **error)
{
	bool denied = errno == EACCES || errno == EPERM;

	g_set_error(error, L3VM_ERROR,
		    denied ? L3VM_ERROR_PERMISSION : L3VM_ERROR_FAILED, "%s: %s (%s)",
		    path, g_strerror(errno),
		    denied ? "be root, or let root copy it" : "name a host's " LOG);
	return false;
}

/* Not asked for its size: it may be a pipe, "--events hv2=<(ssh hv2 cat ...)". */
static bool read_all(int fd, const char *path, GString *log, GError **error)
{
	char buffer[16 * 1024];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(path, error);
		if (log->len > LOG_SIZE) {
			errno = EFBIG;
			return fail(path, error);
		}
		g_string_append_len(log, buffer, n);
	}
	return true;
}

static bool read_log(Timeline *timeline, TimelineHost *host, const char *path,
		     bool may_be_absent, GError **error)
{
	g_autoptr(GString) log = g_string_new(NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return (may_be_absent && errno == ENOENT) || fail(path, error);
	ok = read_all(fd, path, log, error);
	close(fd);
	if (ok)
		parse_log(timeline, host, log);
	return ok;
}

/* --- hosts --------------------------------------------------------------- */

static TimelineHost *find_host(const Timeline *timeline, const char *name)
{
	for (guint i = 0; i < timeline->hosts->len; i++) {
		TimelineHost *host = g_ptr_array_index(timeline->hosts, i);

		if (!strcmp(host->name, name))
			return host;
	}
	return NULL;
}

/* A host without lines stays in the list: what could not be read of it is
 * counted there. */
static TimelineHost *take_host(Timeline *timeline, const char *name, const char *origin)
{
	TimelineHost *host = find_host(timeline, name);

	if (host)
		return host;
	host = g_new0(TimelineHost, 1);
	host->name = g_strdup(name);
	host->origin = g_strdup(origin);
	host->lines = g_array_new(FALSE, TRUE, sizeof(TimelineLine));
	g_ptr_array_add(timeline->hosts, host);
	return host;
}

/*
 * The folder's name: whoever collects logs makes one per host. Folders that are
 * called alike on all hosts ("hv1/run/l3vm") are passed over; what remains of
 * the state directory itself is nothing, and that is this host.
 */
static char *name_of_folder(const char *folder)
{
	g_autofree char *name = g_path_get_basename(folder);
	g_autofree char *above = g_path_get_dirname(folder);

	if (!strcmp(folder, "/"))
		return g_strdup(g_get_host_name());
	if (!strcmp(name, "l3vm") || !strcmp(name, "run"))
		return name_of_folder(above);
	return g_steal_pointer(&name);
}

/* "hv1.jsonl" is named by itself. */
static char *name_of_file(const char *path)
{
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *folder = g_path_get_dirname(path);

	if (!strcmp(name, LOG) || !strcmp(name, OLD_LOG))
		return name_of_folder(folder);
	if (g_str_has_suffix(name, ".jsonl"))
		name[strlen(name) - strlen(".jsonl")] = '\0';
	return g_steal_pointer(&name);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A host on which nothing has happened yet has no log; a folder that somebody
 * names has one, or is the wrong one. */
static bool read_folder(Timeline *timeline, TimelineHost *host, const char *folder,
			bool may_be_absent, GError **error)
{
	g_autofree char *old = g_build_filename(folder, OLD_LOG, NULL);
	g_autofree char *new = g_build_filename(folder, LOG, NULL);

	return read_log(timeline, host, old, true, error) &&
	       read_log(timeline, host, new, may_be_absent, error);
}

bool timeline_read_state(Timeline *timeline, const char *dir, GError **error)
{
	TimelineHost *host = take_host(timeline, g_get_host_name(), dir);

	return read_folder(timeline, host, dir, true, error);
}

/* Two folders that happen to be called alike would be drawn as one host. */
static bool check_origin(const TimelineHost *host, const char *origin, GError **error)
{
	if (!g_strcmp0(host->origin, origin))
		return true;
	g_set_error(error, L3VM_ERROR, L3VM_ERROR_USAGE,
		    "timeline: %s and %s would both be called %s (name the host: "
		    "--events NAME=FILE)",
		    host->origin ? host->origin : "another file", origin, host->name);
	return false;
}

bool timeline_read_file(Timeline *timeline, const char *spec, GError **error)
{
	const char *equals = strchr(spec, '=');
	bool named = equals && equals > spec &&
		     !memchr(spec, '/', (size_t)(equals - spec));
	const char *path = named ? equals + 1 : spec;
	g_autofree char *full = g_canonicalize_filename(path, NULL);
	bool folder = is_folder(full);
	g_autofree char *origin = folder ? g_strdup(full) : g_path_get_dirname(full);
	g_autofree char *name = named	 ? g_strndup(spec, (gsize)(equals - spec))
				: folder ? name_of_folder(full)
					 : name_of_file(full);
	/* who names hosts may name one twice, for a log that was rotated */
	TimelineHost *host = take_host(timeline, name, named ? NULL : origin);

	if (!named && !check_origin(host, origin, error))
		return false;
	return folder ? read_folder(timeline, host, full, false, error)
		      : read_log(timeline, host, path, false, error);
}
