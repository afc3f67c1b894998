/*
 * audit.h - whether the state and the databases say the same: `ghgd audit`.
 *
 * Three accounts are compared:
 * - in the state itself, the activity that readings have moved;
 * - the rows that the state makes, with those in every database that can be read back;
 * - for windows that the state no longer has, the hours of a database with its days, and days with
 *   months.
 * The audit writes one line for each difference, and nothing else. One thread; calls block.
 */
#ifndef GHGD_AUDIT_H
#define GHGD_AUDIT_H

#include "daemon/audit/archive.h"
#include "pipelines/state/shard.h"

struct audit {
    const struct config *config;
    struct archive *archives[SINKS_MAX]; /* by sink; NULL: not read */
    bool quiet;
    int64_t from_ms, until_ms; /* sums in the databases: of months that lie in between */
    uint64_t partitions, facilities, windows, differences;
    uint64_t newer;      /* rows that the daemon has revised since the state was saved */
    struct buffer lines; /* differences that may only be those of time */
};

/* A row that is not what it should be. */
struct audit_place {
    uint32_t sink;
    enum row_kind kind;
    enum level level;
    uint32_t facility, series; /* series NONE: of the facility */
    const char *tags;          /* of no series that we know; NULL otherwise */
    int64_t start_ms;
};
/* Adds a line to audit->lines; `field` is NULL if it is about the whole row. */
void audit_tell(struct audit *audit, const struct audit_place *place, const char *field,
                const char *expected, const char *found);
/* Prints and counts the lines, all of them or those that `only` has as well, and empties
 * audit->lines. */
void audit_print(struct audit *audit, struct buffer *only);

/* audit_state.c: every partition as it was saved last: its accounts, and its rows. Partitions
 * without a saved state are told on standard error. Sets audit->until_ms to where the oldest state
 * begins. Returns 0, or negative with words. */
int audit_state(struct audit *audit, struct buffer *why) MUST_CHECK;

/* audit_rows.c: what the shard would write to every sink that is read, and has written: its final
 * windows that are neither dirty nor at risk. The shard is a copy, and of no other use afterwards.
 * Returns 0, or negative with words. */
int audit_rows(struct audit *audit, struct shard *shard, struct buffer *why) MUST_CHECK;

/* audit_sums.c: in every sink that is read, for all facilities, of the months between from_ms and
 * until_ms: hours make days, days make months. Where a store has dropped all hours, or all days, of
 * a month, they are not asked for. Returns 0, or negative with words. */
int audit_sums(struct audit *audit, struct buffer *why) MUST_CHECK;

#endif
