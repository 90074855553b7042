/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline-moves.c - which tracks are one move, and what became of it
 *
 * Nothing in a log names a move: hosts do not talk to each other. Tracks belong
 * together if they are of the same guest, were under way at the same time, and
 * do not contradict each other: a move has one source and one target, and a
 * host cannot be both. That tells a move from the one back, which may overlap
 * with it since the target waits for hold-time.
 */
#include "timeline.h"

#include "l3vm.h"

#include <string.h>

#define SECOND	    ((int64_t)1000000)
/* What hosts' clocks may differ by. */
#define CLOCK_SLACK SECOND
/* How long a track may go on unseen whose log ends before it: a host that died
 * must not be taken for the target of a move of hours later. */
#define OPEN_SLACK  (600 * SECOND)

/* A guest may be renamed by its move (virsh migrate --dname); its UUID stays. One
 * that has none, or that only one host knows the UUID of, is known by its name. */
static bool same_guest(const TimelineMove *move, const TimelineTrack *track)
{
	if (move->uuid && track->uuid)
		return !g_ascii_strcasecmp(move->uuid, track->uuid);
	return !strcmp(move->guest, track->guest);
}

/*
 * A port moves once in a move: a second time is the next one, after a failed
 * attempt. Ports that never got an interface are not told apart.
 */
static bool has_port(const TimelineMove *move, const TimelineTrack *track)
{
	if (!strcmp(track->ifname, TIMELINE_NO_IFNAME))
		return false;
	for (guint i = 0; i < move->tracks->len; i++) {
		const TimelineTrack *other = g_ptr_array_index(move->tracks, i);

		if (other->role == track->role && !strcmp(other->ifname, track->ifname))
			return true;
	}
	return false;
}

/* The slack of an open track: nobody knows when it ended. */
static int64_t latest(const TimelineTrack *track)
{
	return timeline_track_end(track) + (track->open ? OPEN_SLACK : CLOCK_SLACK);
}

static int64_t latest_of(const TimelineMove *move)
{
	int64_t end = G_MININT64;

	for (guint i = 0; i < move->tracks->len; i++)
		end = MAX(end, latest(g_ptr_array_index(move->tracks, i)));
	return end;
}

/* All ports of a guest go together, so there is one source and one target; and a
 * host does not migrate a guest to itself. */
static bool belongs(const TimelineMove *move, const TimelineTrack *track)
{
	const TimelineHost *same = move->hosts[track->role];
	const TimelineHost *other = move->hosts[TIMELINE_ROLES - 1 - track->role];

	return same_guest(move, track) && (!same || same == track->host) &&
	       other != track->host && !has_port(move, track) &&
	       timeline_track_start(track) <= latest_of(move) &&
	       latest(track) >= move->start;
}

static gint by_role(gconstpointer a, gconstpointer b)
{
	const TimelineTrack *x = *(TimelineTrack *const *)a;
	const TimelineTrack *y = *(TimelineTrack *const *)b;

	return x->role != y->role ? (int)x->role - (int)y->role
				  : strcmp(x->ifname, y->ifname);
}

static void join(TimelineMove *move, TimelineTrack *track)
{
	int64_t start = timeline_track_start(track), end = timeline_track_end(track);

	move->start = move->tracks->len ? MIN(move->start, start) : start;
	move->end = move->tracks->len ? MAX(move->end, end) : end;
	move->hosts[track->role] = track->host;
	if (!move->uuid)
		move->uuid = track->uuid;
	g_ptr_array_add(move->tracks, track);
	g_ptr_array_sort(move->tracks, by_role);
}

static void move_free(void *data)
{
	TimelineMove *move = data;

	g_ptr_array_unref(move->tracks);
	g_free(move);
}

static TimelineMove *move_new(TimelineTrack *track)
{
	TimelineMove *move = g_new0(TimelineMove, 1);

	move->guest = track->guest;
	move->tracks =
		g_ptr_array_new_with_free_func((GDestroyNotify)timeline_track_free);
	join(move, track);
	return move;
}

/* The newest first: an older one may merely not have been seen to end. */
static TimelineMove *find_move(const GPtrArray *moves, const TimelineTrack *track)
{
	for (guint i = moves->len; i-- > 0;)
		if (belongs(g_ptr_array_index(moves, i), track))
			return g_ptr_array_index(moves, i);
	return NULL;
}

/* --- what became of it --------------------------------------------------- */

/* The first of several ports decides when a guest came: evidence on one interface
 * proves that it runs. */
static void keep_first(int64_t *time, int64_t new)
{
	if (!*time || new < *time)
		*time = new;
}

/* A guest that is prepared and becomes live at once was started by a hook or by an
 * operator who knew better: it came all the same. */
static void judge_change(TimelineMove *move, const TimelineTrack *track,
			 const TimelineEvent *event)
{
	bool comes = event->to == TIMELINE_ARRIVED ||
		     (event->to == TIMELINE_LIVE && event->from == TIMELINE_PREPARED);

	if (track->role == TIMELINE_TARGET && comes) {
		keep_first(&move->arrived, event->time);
		if (event->seen)
			keep_first(&move->evidence, event->seen);
	}
	if (track->role == TIMELINE_SOURCE && event->to == TIMELINE_LIVE)
		keep_first(&move->resumed, event->time);
}

static void judge_event(TimelineMove *move, const TimelineTrack *track,
			const TimelineEvent *event)
{
	switch (event->kind) {
	case TIMELINE_CHANGE:
		judge_change(move, track, event);
		break;
	case TIMELINE_EVIDENCE:
		keep_first(&move->evidence, event->time);
		break;
	case TIMELINE_STOPPED:
		/* a guest may have been stopped before, and gone on */
		move->stopped = MAX(move->stopped, event->time);
		break;
	case TIMELINE_DIVERTED:
		move->diverted = MAX(move->diverted, event->time);
		break;
	case TIMELINE_RELEASED:
		move->released = MAX(move->released, event->time);
		move->counted = true;
		for (int i = 0; i < TIMELINE_COUNTERS; i++)
			move->packets[i] += event->packets[i];
		break;
	case TIMELINE_CLOCK:
		move->clock_set = true;
		break;
	case TIMELINE_OTHER:
		break;
	}
}

static bool any_open(const TimelineMove *move)
{
	for (guint i = 0; i < move->tracks->len; i++)
		if (((TimelineTrack *)g_ptr_array_index(move->tracks, i))->open)
			return true;
	return false;
}

/* The target's ports go all at once, so the last one speaks for them. */
static bool target_is_gone(const TimelineMove *move)
{
	const TimelineTrack *last = g_ptr_array_index(move->tracks,
						      move->tracks->len - 1);

	return last->role == TIMELINE_TARGET &&
	       timeline_track_after(last) == TIMELINE_GONE;
}

/* If both hosts claim the guest, the target is believed unless it gave it up: it
 * had evidence, and the source may only not have known yet. */
static TimelineOutcome outcome_of(const TimelineMove *move)
{
	bool failed = move->resumed && (!move->arrived || target_is_gone(move));

	if (failed)
		return TIMELINE_STAYED;
	if (move->arrived)
		return TIMELINE_MOVED;
	if (any_open(move))
		return TIMELINE_UNDER_WAY;
	/* the source alone knows that it went, and not whereto */
	if (!move->hosts[TIMELINE_TARGET])
		return TIMELINE_MOVED;
	return move->hosts[TIMELINE_SOURCE] ? TIMELINE_ENDED : TIMELINE_STAYED;
}

static void judge(TimelineMove *move)
{
	for (guint i = 0; i < move->tracks->len; i++) {
		const TimelineTrack *track = g_ptr_array_index(move->tracks, i);

		for (guint j = 0; j < track->events->len; j++)
			judge_event(move, track,
				    &g_array_index(track->events, TimelineEvent, j));
	}
	/* evidence that came later proved what was known */
	if (move->evidence > move->arrived)
		move->evidence = 0;
	move->outcome = outcome_of(move);
}

/* Between two clocks, or on one that was set, a duration would be an invention. */
bool timeline_move_pause(const TimelineMove *move, int64_t *usec)
{
	int64_t end = move->outcome == TIMELINE_MOVED	 ? move->arrived
		      : move->outcome == TIMELINE_STAYED ? move->resumed
							 : 0;

	if (!move->stopped || !end || move->clock_set)
		return false;
	*usec = end - move->stopped;
	return true;
}

bool timeline_move_late(const TimelineMove *move)
{
	int64_t pause;

	return timeline_move_pause(move, &pause) && pause >= 0 && move->arrived &&
	       move->released > move->arrived;
}

/* --- in words ------------------------------------------------------------ */

/* For both hosts, the source only and the target only. */
static const char *const headlines[][3] = {
	[TIMELINE_MOVED] = { "moved from %s to %s", "left %s", "came to %s" },
	[TIMELINE_STAYED] = { "stayed on %s, the move to %s failed",
			      "stayed on %s, its move failed", "did not come to %s" },
	[TIMELINE_ENDED] = { "ended between %s and %s", "ended on %s", "ended on %s" },
	[TIMELINE_UNDER_WAY] = { "is moving from %s to %s", "is leaving %s",
				 "is awaited on %s" },
};

/* Puts the names in for each %s of @format. */
static char *fill(const char *format, const char *first, const char *second)
{
	g_auto(GStrv) parts = g_strsplit(format, "%s", 3);

	return g_strconcat(parts[0], first, parts[1], parts[2] ? second : NULL,
			   parts[2], NULL);
}

char *timeline_move_headline(const TimelineMove *move)
{
	const TimelineHost *source = move->hosts[TIMELINE_SOURCE];
	const TimelineHost *target = move->hosts[TIMELINE_TARGET];
	const char *const *forms = headlines[move->outcome];

	if (source && target)
		return fill(forms[0], source->name, target->name);
	return source ? fill(forms[1], source->name, NULL)
		      : fill(forms[2], target->name, NULL);
}

/* --- all of them --------------------------------------------------------- */

/* As the first move, so that every track that could be of one is behind it. */
static gint by_start(gconstpointer a, gconstpointer b)
{
	const TimelineTrack *x = *(TimelineTrack *const *)a;
	const TimelineTrack *y = *(TimelineTrack *const *)b;
	int64_t from = timeline_track_start(x), to = timeline_track_start(y);

	/* a silent track waits until all moves are known */
	if (x->silent != y->silent)
		return x->silent ? 1 : -1;
	return from < to ? -1 : from > to;
}

static gint moves_by_start(gconstpointer a, gconstpointer b)
{
	const TimelineMove *x = *(TimelineMove *const *)a;
	const TimelineMove *y = *(TimelineMove *const *)b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool is_of(const TimelineTrack *track, const char *guest)
{
	return !guest || !strcmp(track->guest, guest) ||
	       (track->uuid && !g_ascii_strcasecmp(track->uuid, guest));
}

static GPtrArray *all_tracks(const Timeline *timeline, const char *guest)
{
	GPtrArray *all = g_ptr_array_new();

	for (guint i = 0; i < timeline->hosts->len; i++) {
		g_autoptr(GPtrArray)
			tracks = timeline_tracks(g_ptr_array_index(timeline->hosts, i));

		for (guint j = 0; j < tracks->len; j++) {
			TimelineTrack *track = g_ptr_array_index(tracks, j);

			if (is_of(track, guest))
				g_ptr_array_add(all, track);
			else
				timeline_track_free(track);
		}
		g_ptr_array_set_free_func(tracks, NULL);
	}
	g_ptr_array_sort(all, by_start);
	return all;
}

/* A guest that never moved is no error; one that no log has heard of is a slip of
 * the pen. */
static bool is_known(const Timeline *timeline, const char *guest)
{
	for (guint i = 0; i < timeline->hosts->len; i++) {
		const TimelineHost *host = g_ptr_array_index(timeline->hosts, i);

		for (guint j = 0; j < host->lines->len; j++) {
			const TimelineLine *line = &g_array_index(host->lines,
								  TimelineLine, j);

			if (!strcmp(line->guest, guest) ||
			    (line->uuid && !g_ascii_strcasecmp(line->uuid, guest)))
				return true;
		}
	}
	return false;
}

GPtrArray *timeline_moves(const Timeline *timeline, const char *guest, GError **error)
{
	g_autoptr(GPtrArray) tracks = NULL;
	GPtrArray *moves = NULL;

	if (guest && !is_known(timeline, guest)) {
		g_set_error(error, L3VM_ERROR, L3VM_ERROR_NOT_FOUND,
			    "guest %s: nothing is told of it (check the name; a file "
			    "of another host is given with --events)",
			    guest);
		return NULL;
	}
	tracks = all_tracks(timeline, guest);
	moves = g_ptr_array_new_with_free_func(move_free);
	for (guint i = 0; i < tracks->len; i++) {
		TimelineTrack *track = g_ptr_array_index(tracks, i);
		TimelineMove *move = find_move(moves, track);

		if (move)
			join(move, track);
		else if (!track->silent)
			g_ptr_array_add(moves, move_new(track));
		else /* it was merely shut down */
			timeline_track_free(track);
	}
	for (guint i = 0; i < moves->len; i++)
		judge(g_ptr_array_index(moves, i));
	g_ptr_array_sort(moves, moves_by_start);
	return moves;
}
