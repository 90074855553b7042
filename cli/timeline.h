/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * timeline.h - the moves of guests, as the logs of their hosts tell them
 *
 *   timeline-read.c   files -> lines
 *   timeline-track.c  lines of one port -> tracks
 *   timeline-moves.c  tracks of several ports and hosts -> moves
 *   timeline-text.c   a move as a table and a summary
 *   timeline-svg.c    moves as a picture
 *
 * A log knows what one host saw. A track is what happened to one port there
 * while it was the source or the target of a move; the tracks of a guest that
 * belong together, from both hosts and of all its ports, are a move.
 */
#ifndef L3VM_CLI_TIMELINE_H
#define L3VM_CLI_TIMELINE_H

#include "output.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
	TIMELINE_PREPARED,
	TIMELINE_ARRIVED,
	TIMELINE_LIVE,
	TIMELINE_LEAVING,
	TIMELINE_GONE,
} TimelineState;

typedef enum {
	TIMELINE_CHANGE,   /* of the port's state, .from -> .to */
	TIMELINE_EVIDENCE, /* more of it, for what was known */
	TIMELINE_STOPPED,  /* the guest stopped */
	TIMELINE_DIVERTED, /* from now on its packets are kept */
	TIMELINE_RELEASED, /* the packets to .dst were sent on */
	TIMELINE_CLOCK,	   /* the host's clock was set back, by .step */
	TIMELINE_OTHER,	   /* something of a later version, .what */
} TimelineKind;

enum {
	TIMELINE_KEPT,
	TIMELINE_REPLAYED,
	TIMELINE_DELIVERED,
	TIMELINE_DROPPED,
	TIMELINE_COUNTERS,
};

/* Instead of the name of an interface that is not there yet. */
#define TIMELINE_NO_IFNAME "-"

typedef struct TimelineEvent {
	TimelineKind kind;
	int64_t time; /* microseconds since 1970, comparable within its track */
	TimelineState from, to;
	const char *why;  /* evidence or reason; NULL: not told */
	const char *dst;  /* may be NULL */
	const char *what; /* of TIMELINE_OTHER */
	int64_t packets[TIMELINE_COUNTERS];
	int64_t step;
	int64_t seen; /* when the evidence was there, 0: not told */
} TimelineEvent;

/* One line of a log. All strings live as long as the Timeline. */
typedef struct TimelineLine {
	const char *guest, *uuid, *ifname; /* .uuid may be NULL */
	TimelineEvent event;
	/* of the line that a hold starts with; 0: not told */
	int64_t stopped, diverted;
} TimelineLine;

/* What a host has told, in the order in which it did. */
typedef struct TimelineHost {
	char *name;
	char *origin;	  /* the folder of the files it is named by, or NULL */
	GArray *lines;	  /* of TimelineLine */
	unsigned skipped; /* lines that could not be read */
} TimelineHost;

typedef struct Timeline {
	GPtrArray *hosts; /* of TimelineHost */
	GStringChunk *strings;
} Timeline;

Timeline *timeline_new(void);
void timeline_free(Timeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Timeline, timeline_free)

/* Reads events.jsonl.1 and events.jsonl in @dir; none there is no error. */
bool timeline_read_state(Timeline *timeline, const char *dir, GError **error);
/* Reads [NAME=]FILE, where FILE may be a state directory too. */
bool timeline_read_file(Timeline *timeline, const char *spec, GError **error);

/* "prepared"; the number of a name, or -1. */
const char *timeline_state_name(TimelineState state);
int timeline_state_from_name(const char *name);

/* --- tracks and moves ---------------------------------------------------- */

typedef enum {
	TIMELINE_SOURCE,
	TIMELINE_TARGET,
	TIMELINE_ROLES,
} TimelineRole;

typedef struct TimelineTrack {
	const TimelineHost *host;
	const char *guest, *uuid, *ifname;
	TimelineRole role;
	TimelineState before; /* what the port was until its first event */
	bool open;	      /* the log ends before the track does */
	/* The guest went without a word of leaving, as it does when no agent
	 * runs or when it is shut down: part of a move, but no sign of one. */
	bool silent;
	GArray *events; /* of TimelineEvent, in order of time; at least one */
} TimelineTrack;

typedef enum {
	TIMELINE_MOVED,
	TIMELINE_STAYED,    /* failed, and goes on where it was */
	TIMELINE_ENDED,	    /* neither host has it */
	TIMELINE_UNDER_WAY, /* so far */
} TimelineOutcome;

typedef struct TimelineMove {
	const char *guest, *uuid;		   /* .uuid may be NULL */
	const TimelineHost *hosts[TIMELINE_ROLES]; /* NULL: not known */
	GPtrArray *tracks; /* of TimelineTrack: the source's, the target's */
	int64_t start, end;

	TimelineOutcome outcome;
	/* 0 where it is not known; the last of them */
	int64_t stopped, diverted, released;
	int64_t arrived;  /* the first evidence at the target changed the state */
	int64_t evidence; /* and this is when the evidence was there */
	int64_t resumed;  /* of a failed move: the guest goes on at the source */
	bool clock_set;	  /* meanwhile, at either host: durations are wrong */
	bool counted;	  /* .packets are known */
	int64_t packets[TIMELINE_COUNTERS];
} TimelineMove;

/* The tracks of one host, in the order in which they began: TimelineTrack. */
GPtrArray *timeline_tracks(const TimelineHost *host);
void timeline_track_free(TimelineTrack *track);
int64_t timeline_track_start(const TimelineTrack *track);
int64_t timeline_track_end(const TimelineTrack *track);
TimelineState timeline_track_after(const TimelineTrack *track);

/*
 * All moves in the order in which they began, of one guest (name or UUID) or
 * of all (NULL); @timeline must outlive them. NULL with @error if there is no
 * line about @guest at all.
 */
GPtrArray *timeline_moves(const Timeline *timeline, const char *guest, GError **error);

/* "moved from hv1 to hv2", the outcome in words; the caller's. */
char *timeline_move_headline(const TimelineMove *move);
/* How long the guest stood still; false: not known. Negative: the hosts'
 * clocks differ by more than that. */
bool timeline_move_pause(const TimelineMove *move, int64_t *usec);
/* Whether it can be said how long after the arrival packets were released. */
bool timeline_move_late(const TimelineMove *move);

/* --- for people ---------------------------------------------------------- */

/* "12.345": microseconds as milliseconds. */
char *timeline_ms(int64_t usec);

void timeline_print(const TimelineMove *move, GString *out, bool colour);

/* @moves, one below the other, as a document. The caller's. */
GString *timeline_draw(const TimelineMove *const *moves, size_t n_moves);

#endif
