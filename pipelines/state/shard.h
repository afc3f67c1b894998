/*
 * shard.h - all state of one input partition, and the way of its events to rows.
 *
 *     batch -> journal -> panel (per facility) -> dirty windows -> rows
 *
 * A shard is a pure function of the prefix of its partition: watermark, acceptance, values and
 * revisions come from the events, their order and their Kafka timestamps alone. The wall clock
 * enters only where rows are called final because the partition is idle. The loop thread owns it.
 */
#ifndef GHGD_SHARD_H
#define GHGD_SHARD_H

#include "base/buffer.h"
#include "config/config.h"
#include "pipelines/delivery/mark.h"
#include "pipelines/delivery/takeover.h"
#include "pipelines/ingest/batch.h"
#include "pipelines/metering/cell_note.h"
#include "pipelines/metering/fates.h"
#include "pipelines/rollup/row.h"

struct shard;
struct kernels;
struct journal;

/* Data that the shards of a process share; outlives them. */
struct shard_context {
    const struct registry *registry;
    const struct window_conf *window;
    const struct targets *targets;            /* NULL: no target */
    const struct trajectory_conf *trajectory; /* how they are judged */
    const struct kernels *kernels;
    uint32_t sinks_count;
    const struct sink_conf *sinks; /* for their names; only saving and loading need them */
    /* By facility: the partition that owns it, or UINT32_MAX. Shared by the process's shards. */
    uint32_t *facility_partition;
    /* The bytes that the sites of the process take, and the most that they may; NULL: not
     * counted, 0: no ceiling. */
    size_t *memory_used;
    size_t memory_max;
    /* Readings that end before it are late until a reading has been accepted; INT64_MIN or NULL: by
     * their Kafka timestamps and windows.backfill_max. */
    const int64_t *first_floor_ms;
    /* Windows that begin earlier are not known whole, as the log is read in part. 0: all are. */
    int64_t known_from_ms;
};

/* The outcomes of events. */
struct shard_counts {
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t overlaps;
};

struct shard_stats {
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t overlaps;           /* readings that overlap another of the same meter */
    struct shard_counts earlier; /* of earlier lives of the partition: the account of its whole log
                                    is the sum of these and the above */
    uint64_t dirty_rows;         /* windows whose rows have to be sent, for each sink */
    uint64_t at_risk_rows;       /* windows that an older write may still overwrite */
    /* Days of main meters and of check meters (submeters.h): open ones, and those that have left
     * since the facility's state was made or loaded. */
    uint64_t negative_rests, check_differences;
    uint64_t left_negative_rests, left_check_differences;
    uint64_t memory_bytes;
    uint64_t facilities;
    uint64_t readings; /* in the journal now */
    /* Decisions of people that the journals hold, and readings that they set aside. */
    uint64_t decisions, dropped;
    struct note_sums noted;
    int64_t watermark_ms; /* INT64_MIN before the first event */
    int64_t floor_ms;     /* nothing older is accepted */
};

/* The bytes that a facility takes: its site, and the courses of its targets. It reads registry,
 * window and targets of the context. */
size_t shard_facility_size(const struct shard_context *context, uint32_t facility);

int shard_create(struct shard **shard_out, const struct shard_context *context,
                 uint32_t partition) MUST_CHECK;
void shard_destroy(struct shard **shard);

/* Applies the readings among the events first .. count-1 of the batch, in order, and sets their
 * outcomes. Returns the index of the first that was not applied: batch->count, or less if the shard
 * is blocked; then take rows, have them acknowledged, and call again. */
uint32_t shard_apply(struct shard *shard, struct batch *batch, uint32_t first);

enum shard_block {
    SHARD_GOES_ON,
    SHARD_WAITS_FOR_SINKS,  /* a window that leaves the horizon still has to be written, or rows of
                               targets that can never be made again */
    SHARD_WAITS_FOR_MEMORY, /* for the facility of the next event; taking rows tries once more */
};
enum shard_block shard_get_block(const struct shard *shard);
bool shard_is_blocked(const struct shard *shard);

enum take_mode {
    TAKE_ALL,     /* everything dirty, live windows too */
    TAKE_CLOSING, /* only what must be written before the shard can go on */
};
/* Appends dirty windows of one sink to the block, oldest first, until it is full or none is left.
 * They are sent until shard_end_row(), and nothing more is taken for the sink meanwhile. Returns
 * the number of rows appended. */
uint32_t shard_take_rows(struct shard *shard, uint32_t sink, enum take_mode mode,
                         struct block *block);
/* The block of this row (of this shard) has ended: docs/delivery.md. */
void shard_end_row(struct shard *shard, uint32_t sink, const struct row *row, enum block_end end);
/* The sink's acknowledgements before then are durable; INT64_MAX: all of them. It takes effect by
 * generations (generation.h). Returns whether a mark is clean by it: a day may leave. */
bool shard_prove(struct shard *shard, uint32_t sink, int64_t before_ms, int64_t now_ms);
/* Rows that the sink has acknowledged without proof are dirty again. */
void shard_lose(struct shard *shard, uint32_t sink);

/* Does as a takeover of the partition asks (takeover.h). */
void shard_take_over(struct shard *shard, uint32_t sink, enum takeover_action action);
/* Something is dirty or at risk for the sink. */
bool shard_has_rows(const struct shard *shard, uint32_t sink);

/* The partition has been idle for its timeout: windows that ended before wall_ms less delay and
 * grace may be called final. Changes no value and no revision. */
void shard_idle(struct shard *shard, int64_t wall_ms);
/* The input has ended (replay): every window that ends with the newest reading's bucket, or before,
 * is final. All rows are to be taken with TAKE_CLOSING, by every sink in turn until none gets any.
 */
void shard_finish(struct shard *shard);
/* finish: true once everything has been taken, settled and retired. */
bool shard_is_drained(const struct shard *shard);

/* The sink has lost rows. Every window that ends after from_ms, and has rows, is dirty for it, to
 * be written once more as it is then. Returns their number. */
uint64_t shard_mark_dirty(struct shard *shard, uint32_t sink, int64_t from_ms);
/* The state no longer has all windows that ended at or before this time; INT64_MIN without any
 * facility. */
int64_t shard_open_ms(const struct shard *shard);

/* The state as bytes (docs/state.md): what changed since the payload before. It is the whole state
 * if `full` is set, nothing was saved before, or shard_saved() did not follow the last payload.
 * Appends to *payload. Returns 0, or -ENOMEM if the buffer could not take it; the next one is full
 * then. */
int shard_save(struct shard *shard, bool full, struct buffer *payload) MUST_CHECK;
/* The payload that shard_save() has made just now is in safe hands: the next one may build upon it.
 * If it gets lost after all, ask for a full one. */
void shard_saved(struct shard *shard);

/* A new shard takes the payloads of a chain, oldest first, and then begins to live. The state is
 * the same by name: see docs/state.md for a registry, sinks or factors that have changed since. No
 * row is taken from the shard, and no event applied to it, in between. Returns 0 or -ENOMEM;
 * ERR_SYNTAX if the bytes are not whole, or too new; ERR_CONFIG if the configuration does not go
 * with them. On error `why` says what is wrong, and only shard_destroy() may follow. */
int shard_load(struct shard *shard, const void *payload, size_t size,
               struct buffer *why) MUST_CHECK;
int shard_load_end(struct shard *shard, struct buffer *why) MUST_CHECK;

const struct shard_stats *shard_get_stats(struct shard *shard);
/* By outcome: what became of the facility's readings, over the whole log, from the first that was
 * in force on; NULL if there is none of it here. */
const uint64_t *shard_get_outcomes(const struct shard *shard, uint32_t facility);
/* Whether a reading of the facility was accepted here. */
bool shard_has_heard(const struct shard *shard, uint32_t facility);
/* The end of the newest accepted reading; INT64_MIN: none. */
int64_t shard_get_newest(const struct shard *shard);
/* The readings of one meter (registry->meters); NULL if there is none of its facility here.
 * Borrowed until the shard applies events or is destroyed. */
const struct journal *shard_get_journal(const struct shard *shard, uint32_t meter);
/* The targets of a facility as they were judged last; NULL if it has none, or nothing of it is
 * here. Borrowed as above. */
struct courses;
const struct courses *shard_get_courses(const struct shard *shard, uint32_t facility);
/* The state of one meter's readings, as they are now. Steps and stretches that end before the floor
 * are left out: how many of them are still here depends on the order of the log. */
struct meter_standing {
    struct chain_counts chain;
    struct held_stretches held;
    struct overdue overdue;
    uint32_t readings; /* that were looked at */
};
/* False: there is none of its facility here. It looks at every reading. */
bool shard_find_standing(const struct shard *shard, uint32_t meter,
                         struct meter_standing *standing_out);
/* The meter's document that should have come by the newest reading of the partition. False: there
 * is no such document. */
bool shard_find_overdue(const struct shard *shard, uint32_t meter, struct overdue *overdue_out);
/* Registers, over all of the log that this shard has applied: each step once. */
struct chain_sums {
    uint64_t rollovers, breaks, left_aside;
};
void shard_add_chains(const struct shard *shard, struct chain_sums *sums);

/* The newest open day of the facility on which sub-meters show more than their main meter, beyond
 * what is tolerated. */
struct negative_rest {
    struct window day;
    uint32_t meter;      /* registry->meters: the main meter that is worst off on that day */
    int64_t shown, rest; /* of it, micro-units */
    uint32_t days;       /* such days */
};
/* False: there is no such day, or nothing of the facility is here. */
bool shard_find_rest(const struct shard *shard, uint32_t facility, struct negative_rest *rest_out);
/* Walks over everything: the activity that meters have moved into cells, and that years and cells
 * hold, must be the same. Returns the number of meters and series for which it is not, in words. */
uint32_t shard_audit(const struct shard *shard, struct buffer *why);

#endif
