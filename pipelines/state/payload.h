/*
 * payload.h - the state of a shard as bytes: what, in which order, in which units.
 *
 * Made by shard_save(), read by shard_load(); docs/state.md is the reference for people, packed.h
 * the alphabet. A payload is full (number 0) or says what changed since the one before it in its
 * chain (number n). In this order:
 *
 *   magic, uint version, uint number
 *   number 0 only: the configuration of windows, the names of the sinks, of the outcomes, and of
 *     the figures (each with uint decimals of its unit)
 *   int newest_ms, floor_ms, passed_ms, final_ms, idle_final_ms, top_row
 *   uint 0, 0 (counters of earlier versions), overlaps; uint per outcome: over the whole log
 *   uint count of sites, and as many parts, each of one facility:
 *     uint number of its dictionary; if it is the next new one, that dictionary (dictionary.c)
 *     int first_row, begin_ms; uint 1 if a lead follows: uint bits of the sinks that it is not
 *       settled with, int from_ms, until_ms
 *     int seen_row, closed_ms, start of its oldest open day; uint count of open days
 *     pairs of uint outcome and uint count, the outcome plus one; 0
 *     wide per series: its balance
 *     per day with changed marks: uint index of the day plus one, marks of its buckets, hours and
 *       of itself; 0
 *     per month and year: uint level, int start; 0; then for each of them: marks (one), uint 1 if
 *       the closed part follows: figures per series, words of bits of the meters that reported
 *     per changed meter: uint column plus one, what site_save.c says of it; 0
 *     uint 1 if the facility has targets, and then what course_bytes.h says of them
 *   uint 1 if an event waits to touch windows: uint dictionary, uint column, int first
 *     and last row
 *   uint 1 if it has yet to open days in which stocks accrue: int from when on they do by it
 *   text: the facility whose rows come next
 *
 * Version 1 does not name its figures: it holds those of payload_set_first_figures(). Up to version
 * 2 a reading has neither role nor id, a frozen cell no note, a site neither begin_ms nor a lead,
 * and a meter no first reading: all of a facility were expected from its first bucket. Up to
 * version 3 a register has no past. Up to version 4 targets have no state, and no stock accrues.
 * All payloads of a chain have one version.
 *
 * Times are ms since 1970 in UTC, rows are times divided by the bucket. Activity is in micro-units,
 * figures are in the units of their table. A mark is dirty for each sink for which it was not
 * settled.
 */
#ifndef GHGD_PAYLOAD_H
#define GHGD_PAYLOAD_H

#include "base/timestamp.h"
#include "pipelines/rollup/site.h"
#include "pipelines/state/dictionary.h"
#include "pipelines/state/packed.h"

#define PAYLOAD_MAGIC "ghgdS"
enum {
    PAYLOAD_VERSION = 5,
    PAYLOAD_VERSION_TARGETS = 5, /* since then, targets have state */
    PAYLOAD_VERSION_ROWS = 3,    /* since then, what was written to sinks is what would be now */
    PAYLOAD_MAGIC_BYTES = 5
};

/* A run of marks: uint gap of untouched ones plus one, times four, plus what follows the touches
 * (1 a revision, 2 sinks); uint touches; revision; sinks. 0 ends the run. */
enum { MARK_HAS_REVISION = 1, MARK_HAS_SINKS = 2, MARK_FLAG_BITS = 2 };

/* A meter: flags, and what they announce; uint readings kept from before, from the newest on; uint
 * count of readings that follow those; what is set aside; frozen cells. */
enum {
    METER_OVERLAPS = 1,
    METER_HAS_BASE = 2,
    METER_HAS_FORGOTTEN = 4,
    METER_HAS_LEFT = 8,
    METER_HAS_CHANGED = 16,
    METER_HAS_FIRST = 32,    /* the start of its first reading */
    METER_HAS_DOCUMENT = 64, /* the newest document that the journal has forgotten */
    METER_HAS_ASIDE = 128, /* decisions and what they set aside: uint count, and as many readings */
    METER_HAS_PAST = 256,  /* how the chain of a register came to its first reading: below */
    METER_HAS_RATE = 512,  /* the balance that the first reading closes: int amount, uint span */
    METER_ACCRUES = 1024,  /* a stock, at the time of the payload */
    METER_BASE_ACCRUED = 2048,
    METER_HAS_TOLD = 4096 /* int time from when on cells had a part in that */
};

/* A register's past comes when it is new: uint rises of its counter plus one, times two, plus one
 * if the counter began at a known state; 0: there is no past. For each of the newest rises: uint
 * step, int amount, int ms less those of the later rise, int state before the later rise less the
 * amount and the state before this one, which is mostly 0. */

/* A reading: flags, and what they announce; int value and offset less those of the one before.
 * A step is the start less the start before it, and comes as its change. */
enum {
    READING_NEW_STEP = 1,
    READING_NEW_SPAN = 2,
    READING_NEW_RANK = 4,
    READING_NEW_ROLE = 8, /* uint role, times two, plus one for a conflict */
    READING_HAS_ID = 16   /* uint hash; never of a register */
};

/* A frozen cell: uint gap of rows plus one, times two, plus one if a note follows; int activity,
 * uint covered and estimated ms; of the note uint spread, held and moved ms,
 * glitches and conflicts. 0 ends them. Up to version 2 the gap is not doubled. */
enum { FROZEN_HAS_NOTE = 1, FROZEN_FLAG_BITS = 1 };

/* Sums beyond it are damage: no log can hold so many cells. */
#define PAYLOAD_SUM_MAX ((int128)1 << 120)

/* The options of windows that decide what the state means. */
enum { SAVED_WINDOWS = 5 };
struct saved_window {
    const char *key;
    size_t offset;
};
extern const struct saved_window saved_windows[SAVED_WINDOWS];
static inline const int64_t *saved_window_ms(const struct window_conf *window, size_t index)
{
    return (const int64_t *)((const char *)window + saved_windows[index].offset);
}

/* The name under which a sink is saved. The lengths of windows that it gets are part of it: a sink
 * whose lengths change is a new sink. Rows of targets have no marks, and are no part of it. */
enum { SINK_NAME_SIZE = 128 };
const char *payload_sink_name(const struct sink_conf *sink, char name[SINK_NAME_SIZE]);

/* The reason, or the class of those that have none. */
const char *payload_outcome_name(enum outcome outcome);

/* site_save.c: what changed, or all, of a site that has a dictionary. */
void site_save(const struct site *site, bool full, struct buffer *out);
void site_saved(struct site *site);

/* A figure of a payload: FIGURE_COUNT if it is not known here; how many units of the table's are in
 * one of the payload's. */
struct payload_figure {
    enum figure figure;
    int64_t scale;
};
enum { PAYLOAD_FIGURES_MAX = 64 };
_Static_assert((int)FIGURE_COUNT <= (int)PAYLOAD_FIGURES_MAX, "what is saved can be loaded");

/* The present meaning of a chain's numbers. */
struct payload_names {
    uint32_t version, sinks_count, outcomes_count, figures_count;
    uint8_t sinks[SINKS_MAX];         /* by number: the sink's bit; 0: it is gone */
    uint32_t outcomes[OUTCOME_COUNT]; /* by number; OUTCOME_COUNT: not known here */
    struct payload_figure figures[PAYLOAD_FIGURES_MAX];
};

/* payload_figures.c */
void payload_add_figure_names(struct buffer *out);
void payload_add_figures(const struct figures *figures, struct buffer *out);
void payload_take_figure_names(struct payload_names *names, struct packed *packed);
void payload_set_first_figures(struct payload_names *names);
void payload_take_figures(const struct payload_names *names, struct packed *packed,
                          struct figures *figures_out);

/* payload.c */
/* INT64_MIN, or a time that windows and clocks can have. */
int64_t payload_take_time(struct packed *packed);
/* Sinks, a bit each, as they are numbered now. Returns false if the payload says 0. */
bool payload_take_sinks(const struct payload_names *names, struct packed *packed,
                        uint8_t *sinks_out);

/* site_load.c */
/* Takes a site's part of a payload; the site was made, and the payloads before were loaded. Returns
 * 0; ERR_SYNTAX if the bytes are damaged; or ERR_CONFIG, with words in `why`. */
int site_load(struct site *site, const struct dictionary *dictionary,
              const struct payload_names *names, struct packed *packed,
              struct buffer *why) MUST_CHECK;
struct site_loaded {
    const struct site_clock *clock; /* its passed_ms is the watermark */
    int64_t newest_ms;              /* no accepted reading ends later */
    const struct dictionary *dictionary;
    uint8_t new_sinks; /* bits */
    bool earlier;      /* an earlier version: the rows that it wrote say less than they would now */
    uint32_t pending_column; /* of the event that waits to touch windows; UINT32_MAX: none, */
    int64_t pending_row;     /* and the first row that it has not touched */
};
/* All payloads are there: makes what was not saved. ERR_SYNTAX if it cannot be whole. */
int site_load_end(struct site *site, const struct site_loaded *loaded) MUST_CHECK;

/* readings_load.c */
struct readings_taking {
    const struct meter *meter; /* NULL like the journal: what is said of it passes */
    struct journal *journal;
    struct packed *packed;
    struct buffer *why;
    bool early; /* a version whose readings have neither role nor id */
};
/* Take readings of the journal, behind those that it keeps; or all that decisions set aside. Return
 * 0 or ERR_CONFIG, with words in `why`: there is no room for them. */
int readings_take(const struct readings_taking *taking, uint64_t count) MUST_CHECK;
int readings_take_aside(const struct readings_taking *taking) MUST_CHECK;
/* Take what a journal keeps of readings that it has forgotten: of a register, of a stock. */
void readings_take_past(struct packed *packed, struct register_past *past_out);
void readings_take_rate(struct packed *packed, struct stock_rate *rate_out);

#endif
