/*
 * needs.h - the memory and the series that a configuration asks for, before anything is started.
 */
#ifndef GHGD_NEEDS_H
#define GHGD_NEEDS_H

#include "config/config.h"

struct memory_estimate {
    int64_t journal_bytes;   /* readings of the horizon, to tell corrections from duplicates */
    int64_t panel_bytes;     /* activity and coverage of every meter and bucket */
    int64_t parked_bytes;    /* events of unknown meters, at most */
    int64_t rekeyed_bytes;   /* events on their way to input.rekey_topic, at most */
    int64_t letters_bytes;   /* refused and late events on their way, at most */
    int64_t sinks_bytes;     /* rows and requests under way, at most */
    int64_t saving_bytes;    /* checkpoints under way */
    int64_t program_bytes;   /* what does not depend on the configuration */
    int64_t partition_bytes; /* fetched messages, for each assigned partition, at most */
};

struct memory_estimate memory_estimate(const struct config *config);
/* Memory that does not depend on facilities and partitions. */
int64_t memory_estimate_fixed(const struct memory_estimate *needs);
/* The least that memory_max can be: one partition, and the largest facility. */
int64_t memory_estimate_min(const struct config *config);

struct series_estimate {
    int64_t emissions, coverage, energy; /* series of the database, over all window lengths */
};

struct series_estimate series_estimate(const struct config *config);

/* Memory and series, in words and numbers, to `out`. */
void needs_print(const struct config *config, struct buffer *out);
/* Whether memory_max allows what is the least. The fault is appended. Returns 0 or ERR_CONFIG. */
int needs_check(const struct config *config, struct buffer *faults) MUST_CHECK;

#endif
