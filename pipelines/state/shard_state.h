/*
 * shard_state.h - struct shard, for the files that make it up. No other file includes it.
 *
 *     shard_readings.c (in), shard_rows.c (out), shard_load.c, shard_save.c, shard_audit.c
 *     shard_clock.c, shard_sites.c, shard_marks.c, shard_rests.c, shard_courses.c: what those share
 *
 * shard.c makes and ends a shard, and calls the others.
 */
#ifndef GHGD_SHARD_STATE_H
#define GHGD_SHARD_STATE_H

#include "pipelines/delivery/generation.h"
#include "pipelines/rollup/site.h"
#include "pipelines/state/shard.h"
#include "pipelines/trajectory/courses.h"

/* The buckets that an accepted event has yet to touch: it waits for a day to be settled and to
 * leave. */
struct pending {
    struct site *site;
    uint32_t column;
    int64_t next_row, to_row;
};

struct shard_loading;

struct shard {
    struct shard_context context;
    uint32_t partition;
    struct site **sites; /* by facility; NULL where this partition has none of */
    struct site **own;   /* those of them that are there, in the order of facilities */
    uint32_t own_count;
    struct courses **courses; /* by facility; NULL where it has no site, or no target */
    int64_t judge_ms;         /* the watermark of the next stamp of any of them */
    struct rating *rating;
    struct site_clock clock;
    int64_t accrual_ms;     /* stocks accrue further once newest_ms is there; INT64_MAX: never */
    int64_t newest_ms;      /* end of the newest accepted reading; INT64_MIN: there are no sites */
    int64_t idle_final_ms;  /* final because the partition was idle */
    bool finished;          /* the input has ended */
    uint8_t taking_over;    /* a bit per sink: what becomes dirty is at risk */
    uint32_t cursor;        /* the facility at which the next taking begins */
    struct pending pending; /* site NULL: none */
    struct site *touched[BATCH_EVENTS_MAX]; /* while a batch is applied: who has to be told */
    uint32_t touched_count;
    size_t starved_bytes; /* the site that the next event needs has no memory; 0: none */
    struct generation generations[SINKS_MAX]; /* of what each sink has acknowledged */
    struct shard_stats stats;
    uint32_t chain_next;           /* the number of the next payload; 0: it must be full */
    uint32_t chain_saving;         /* of the payload that shard_save() made last */
    uint32_t dictionaries_count;   /* sites that the chain has named */
    struct shard_loading *loading; /* between shard_load() and shard_load_end() */
};

/* --- shard_clock.c --- */

/* The watermark that belongs to a newest reading. */
int64_t shard_watermark_of(const struct shard *shard, int64_t newest_ms);
/* The floor of a shard without readings, for its first one: no later than the reading's start, so
 * that all of it is booked, however long it is. */
int64_t shard_first_floor(const struct shard *shard, const struct batch_event *event);
/* An accepted reading of a meter of that kind has come. */
void shard_clock_advance(struct shard *shard, const struct reading *reading, enum meter_kind kind);
/* Where stocks that accrue have come to, by the newest reading; to be called when it was loaded. */
void shard_clock_accrue(struct shard *shard);
/* Until when windows are final: by the watermark, by idleness, or because the input has ended. No
 * window is final that begins after the newest reading. */
void shard_clock_close(struct shard *shard);
/* Whether a loaded clock can have come from readings. */
bool shard_clock_is_sound(const struct shard *shard);

/* --- shard_sites.c --- */

/* The place in `own` of the first site whose facility is not before this one. */
uint32_t shard_find_own(const struct shard *shard, uint32_t facility);
/* Whether a site of so many bytes stays below the ceiling. */
bool shard_has_memory(const struct shard *shard, size_t bytes);
/* The facility's site, made with the ring beginning at the clock's floor. 0; -ENOMEM: it is logged,
 * and the shard blocked. */
int shard_make_site(struct shard *shard, uint32_t facility) MUST_CHECK;
/* The facility's site, made if need be for this reading; NULL if there is no memory. */
struct site *shard_find_site(struct shard *shard, uint32_t facility,
                             const struct batch_event *event);
void shard_drop_site(struct shard *shard, uint32_t facility);
/* False: the facility belongs to another partition, and both are logged. */
bool shard_claim(struct shard *shard, uint32_t facility);

/* --- shard_marks.c --- */

/* The marks of one sink, over all sites. */
struct mark_counts shard_count_marks(const struct shard *shard, uint32_t sink);
uint64_t shard_count_dirty(const struct shard *shard);
uint64_t shard_count_at_risk(const struct shard *shard);

/* --- shard_rests.c --- */

/* One line of the log for each final day of the site on which the rest of a main meter is negative,
 * once in the life of the site. */
void shard_tell_rests(const struct shard *shard, struct site *site);

/* --- shard_courses.c --- */

/* Sets which daily totals the site keeps for targets of its facility. */
void shard_put_targets(const struct shard *shard, struct site_conf *conf);
/* The courses of the facility's targets, if it has any. 0 or -ENOMEM. */
int shard_make_courses(struct shard *shard, uint32_t facility) MUST_CHECK;
/* All stamps up to the watermark have been judged. */
static inline bool shard_has_judged(const struct shard *shard)
{
    return shard->newest_ms == INT64_MIN ||
           shard->newest_ms - shard->context.window->allowed_delay_ms < shard->judge_ms;
}
/* Judges the stamps up to the watermark; the event that moved it has touched all of its windows.
 * False: rows have to be taken first. */
bool shard_judge_due(struct shard *shard, int64_t watermark_ms);
static inline bool shard_judge(struct shard *shard)
{
    return shard_has_judged(shard) ||
           shard_judge_due(shard, shard->newest_ms - shard->context.window->allowed_delay_ms);
}
/* The site begins earlier than before. */
void shard_expect_courses(struct shard *shard, struct site *site);
/* Appends rows for the sink; with_now: those of `trajectory_now` too. False: the block is full. */
bool shard_take_courses(struct shard *shard, struct site *site, uint32_t sink, bool with_now,
                        struct block *block);

/* --- shard_readings.c --- */

/* The rows that an event has yet to touch, and those in which stocks go on by it; false: a day has
 * to be settled first. */
bool shard_touch_pending(struct shard *shard);
/* Whether there are such rows. */
bool shard_has_pending(const struct shard *shard);

/* --- shard_load.c --- */

/* Forgets what was loaded so far. */
void shard_loading_destroy(struct shard_loading **loading);

#endif
