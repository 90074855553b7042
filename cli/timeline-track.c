/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-track.c - what one port went through as part of a move
 *
 * As the target, a port is prepared, arrived and then live; as the source, it is
 * leaving and then gone. Lines of one port are in the order in which things
 * happened, since they are written under the guest's lock. Their times need not
 * be: somebody may set the clock. So the order decides, and times are made to
 * follow it: what came before the clock was set back is moved back too, since
 * the time after it is the one that the other host's clock agrees with.
 */
#include "timeline.h"

#include <string.h>

/* A note that comes so much later is not about the track any more. */
#define NOTE_TIME ((int64_t)5 * 1000 * 1000)
/* Less than this is two processes that write at the same time. */
#define MIN_STEP  ((int64_t)10 * 1000)

/* A port while the log is read. */
typedef struct Port {
	TimelineTrack *track; /* the last one, or NULL */
	GArray *lines;	      /* its TimelineLines, borrowed strings */
	bool open;	      /* more may come */
} Port;

typedef struct Scan {
	const TimelineHost *host;
	GHashTable *ports; /* "guest/ifname/number" -> Port */
	GPtrArray *tracks;
} Scan;

void timeline_track_free(TimelineTrack *track)
{
	if (!track)
		return;
	g_array_unref(track->events);
	g_free(track);
}

static const TimelineEvent *event_at(const TimelineTrack *track, guint i)
{
	return &g_array_index(track->events, TimelineEvent, i);
}

int64_t timeline_track_start(const TimelineTrack *track)
{
	return event_at(track, 0)->time;
}

int64_t timeline_track_end(const TimelineTrack *track)
{
	return event_at(track, track->events->len - 1)->time;
}

TimelineState timeline_track_after(const TimelineTrack *track)
{
	TimelineState state = track->before;

	for (guint i = 0; i < track->events->len; i++)
		if (event_at(track, i)->kind == TIMELINE_CHANGE)
			state = event_at(track, i)->to;
	return state;
}

/* --- times --------------------------------------------------------------- */

static void shift(int64_t *time, int64_t by)
{
	if (*time)
		*time -= by;
}

static void shift_line(TimelineLine *line, int64_t by)
{
	shift(&line->event.time, by);
	shift(&line->event.seen, by);
	shift(&line->stopped, by);
	shift(&line->diverted, by);
}

/* From the last line to the first: none is later than the one after it. */
static void straighten(GArray *lines)
{
	int64_t by = 0;

	for (guint i = lines->len - 1; i-- > 0;) {
		TimelineLine *line = &g_array_index(lines, TimelineLine, i);
		TimelineLine *next = &g_array_index(lines, TimelineLine, i + 1);

		shift_line(line, by);
		if (line->event.time > next->event.time) {
			next->event.step = line->event.time - next->event.time;
			shift_line(line, next->event.step);
			by += next->event.step;
		}
	}
}

/* --- events -------------------------------------------------------------- */

/* What a line tells is copied: one line may be several events. */
static void add_event_at(TimelineTrack *track, const TimelineLine *line,
			 TimelineKind kind, int64_t time)
{
	TimelineEvent event = line->event;

	event.kind = kind;
	event.time = time;
	g_array_append_val(track->events, event);
}

/*
 * The start of a hold tells two things, neither of them at the line's time: QEMU
 * says when the guest stopped, and the packets are diverted before anything is
 * written down.
 */
static void add_events(TimelineTrack *track, const TimelineLine *line)
{
	const TimelineEvent *event = &line->event;

	if (event->step >= MIN_STEP)
		add_event_at(track, line, TIMELINE_CLOCK, event->time);
	add_event_at(track, line, event->kind,
		     event->kind == TIMELINE_STOPPED && line->stopped ? line->stopped
								      : event->time);
	if (event->kind == TIMELINE_STOPPED && line->diverted)
		add_event_at(track, line, TIMELINE_DIVERTED, line->diverted);
}

static gint by_time(gconstpointer a, gconstpointer b)
{
	const TimelineEvent *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

/* A track is complete: its lines become events. The lines stay in order of the
 * log until then, since straightening needs it. */
static void finish(Port *port)
{
	if (!port->track || !port->lines->len)
		return;
	port->track->open = port->open;
	straighten(port->lines);
	for (guint i = 0; i < port->lines->len; i++)
		add_events(port->track, &g_array_index(port->lines, TimelineLine, i));
	g_array_sort(port->track->events, by_time); /* a stable sort */
	g_array_set_size(port->lines, 0);
}

/* --- lines --------------------------------------------------------------- */

static void port_free(void *data)
{
	Port *port = data;

	finish(port);
	g_array_unref(port->lines);
	g_free(port);
}

static char *key_of(const TimelineLine *line, const char *ifname, unsigned number)
{
	return g_strdup_printf("%s/%s/%u", line->guest, ifname, number);
}

static Port *take_port(Scan *scan, const char *key)
{
	Port *port = g_hash_table_lookup(scan->ports, key);

	if (port)
		return port;
	port = g_new0(Port, 1);
	port->lines = g_array_new(FALSE, TRUE, sizeof(TimelineLine));
	g_hash_table_insert(scan->ports, g_strdup(key), port);
	return port;
}

/*
 * A port can be prepared before it has an interface. Such ports of a guest are
 * not told apart; the first that waits is as good as another. If none waits, it
 * is a new one.
 */
static Port *nameless_port(Scan *scan, const TimelineLine *line)
{
	bool begins = line->event.kind == TIMELINE_CHANGE &&
		      line->event.from == TIMELINE_GONE;

	for (unsigned number = 0;; number++) {
		g_autofree char *key = key_of(line, TIMELINE_NO_IFNAME, number);
		Port *port = g_hash_table_lookup(scan->ports, key);

		if (!port || port->open != begins)
			return take_port(scan, key);
	}
}

/* The interface of a port that waited has come: what is known of it follows. */
static void adopt(Scan *scan, const TimelineLine *line, Port *port)
{
	for (unsigned number = 0;; number++) {
		g_autofree char *key = key_of(line, TIMELINE_NO_IFNAME, number);
		Port *waiting = g_hash_table_lookup(scan->ports, key);
		Port empty;

		if (!waiting)
			return;
		if (!waiting->open)
			continue;
		finish(port);
		empty = (Port){ .lines = port->lines };
		*port = *waiting;
		*waiting = empty;
		port->track->ifname = line->ifname;
		return;
	}
}

static Port *port_of(Scan *scan, const TimelineLine *line)
{
	g_autofree char *key = key_of(line, line->ifname, 0);
	Port *port;

	if (!strcmp(line->ifname, TIMELINE_NO_IFNAME))
		return nameless_port(scan, line);
	port = take_port(scan, key);
	if (!port->open && line->event.kind == TIMELINE_CHANGE &&
	    line->event.from == TIMELINE_PREPARED)
		adopt(scan, line, port);
	return port;
}

static void begin(Scan *scan, Port *port, const TimelineLine *line, TimelineRole role,
		  TimelineState before)
{
	TimelineTrack *track = g_new0(TimelineTrack, 1);

	finish(port);
	track->host = scan->host;
	track->guest = line->guest;
	track->ifname = line->ifname;
	track->role = role;
	track->before = before;
	track->events = g_array_new(FALSE, TRUE, sizeof(TimelineEvent));
	g_ptr_array_add(scan->tracks, track);
	port->track = track;
	port->open = true;
}

/* The UUID may be known only later: a manager that has none can be followed by one
 * that does. */
static void add(Port *port, const TimelineLine *line)
{
	if (line->uuid)
		port->track->uuid = line->uuid;
	g_array_append_val(port->lines, *line);
}

/* A port that arrived and leaves again before hold-time is over ends one track
 * and begins another by the same line. */
static void take_beginning(Scan *scan, Port *port, const TimelineLine *line)
{
	if (port->open && line->event.from != TIMELINE_GONE)
		add(port, line);
	port->open = false;
	begin(scan, port, line,
	      line->event.to == TIMELINE_LEAVING ? TIMELINE_SOURCE : TIMELINE_TARGET,
	      line->event.from);
	add(port, line);
}

/* The lines before may be lost: then the track begins with its end. A port that
 * was not there and is live has nothing to do with a move. */
static void take_end(Scan *scan, Port *port, const TimelineLine *line)
{
	TimelineState from = line->event.from;
	bool was_source = from == TIMELINE_LEAVING || from == TIMELINE_LIVE;

	if (from == TIMELINE_GONE) {
		port->open = false;
		return;
	}
	if (!port->open) {
		begin(scan, port, line, was_source ? TIMELINE_SOURCE : TIMELINE_TARGET,
		      from);
		port->track->silent = from == TIMELINE_LIVE;
	}
	add(port, line);
	port->open = false;
}

static void take_change(Scan *scan, Port *port, const TimelineLine *line)
{
	switch (line->event.to) {
	case TIMELINE_PREPARED:
	case TIMELINE_LEAVING:
		take_beginning(scan, port, line);
		break;
	case TIMELINE_ARRIVED:
		if (!port->open || port->track->role != TIMELINE_TARGET)
			take_beginning(scan, port, line);
		else
			add(port, line);
		break;
	case TIMELINE_LIVE:
	case TIMELINE_GONE:
		take_end(scan, port, line);
		break;
	}
}

/* Packets are sometimes released when the port is gone already, and frames of a
 * guest prove its arrival again while hold-time ends. */
static bool is_soon_after(const Port *port, const TimelineLine *line)
{
	const TimelineLine *last = NULL;

	if (!port->lines->len)
		return false;
	last = &g_array_index(port->lines, TimelineLine, port->lines->len - 1);
	return line->event.time - last->event.time <= NOTE_TIME;
}

/* Packets are held for a port that leaves, also if the log has lost its leaving. */
static void take_note(Scan *scan, Port *port, const TimelineLine *line)
{
	bool hold = line->event.kind == TIMELINE_STOPPED ||
		    line->event.kind == TIMELINE_RELEASED;

	if (!port->open && !is_soon_after(port, line)) {
		if (!hold)
			return;
		begin(scan, port, line, TIMELINE_SOURCE, TIMELINE_LEAVING);
	}
	add(port, line);
}

GPtrArray *timeline_tracks(const TimelineHost *host)
{
	Scan scan = {
		.host = host,
		.ports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					       port_free),
		.tracks = g_ptr_array_new_with_free_func(
			(GDestroyNotify)timeline_track_free),
	};

	for (guint i = 0; i < host->lines->len; i++) {
		const TimelineLine *line = &g_array_index(host->lines, TimelineLine, i);
		Port *port = port_of(&scan, line);

		if (line->event.kind == TIMELINE_CHANGE)
			take_change(&scan, port, line);
		else
			take_note(&scan, port, line);
	}
	g_hash_table_unref(scan.ports); /* finishes the last track of each */
	return scan.tracks;
}
