/*
 * metrics.h - what the process tells Prometheus, from one table of rows: name, type, unit, help,
 * and where the number stands.
 *
 * The daemon fills a struct metrics_source with pointers to the counters of its parts and has it
 * printed; nothing is kept here. docs/metrics.md is the same table. All of it is whole numbers:
 * seconds are printed from milliseconds and microseconds, exactly.
 */
#ifndef GHGD_METRICS_H
#define GHGD_METRICS_H

#include "base/buffer.h"
#include "daemon/engine/rekey/rekey.h"
#include "daemon/http/survey.h"
#include "daemon/http/unheard.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/kafka/consumer.h"
#include "pipelines/kafka/producer.h"
#include "pipelines/sink/sink.h"
#include "pipelines/state/shard.h"

/* The resources that this process uses, as the kernel counts them. */
struct usage {
    uint64_t resident_bytes, virtual_bytes, cpu_us, open_fds, max_fds;
};
/* Reads /proc/self and asks the kernel; a number that they do not tell is 0. */
void usage_read(struct usage *usage_out);

struct metrics_shard {
    int32_t partition;
    const struct shard_stats *stats;
};

enum { METRICS_REFUSING_MS_MAX = 60000 }; /* a sink that only refuses is not healthy */

struct metrics_sink {
    const char *name;
    const struct sink_stats *stats;
    int64_t
        failing_ms; /* for how long it has not been healthy, or has only refused; 0 if neither */
    uint64_t resync_windows; /* marked to be written once more, by request */
    struct sink_share share; /* rows of the last minutes */
    int64_t share_ms;        /* how long that is */
};

struct metrics_part {
    int32_t partition;
    uint64_t read, outcomes[OUTCOME_COUNT]; /* of the partition's whole log */
    int64_t age_ms, save_ms, save_cpu_us;   /* of the last checkpoint; -1: none yet */
    int64_t restore_ms;                     /* -1: not yet */
    bool unreadable, takeover;
    bool starved;    /* the next facility does not fit below memory_max */
    const char *why; /* unreadable: in words */
};

struct metrics_daemon {
    int64_t started_ms, now_ms; /* wall clock */
    uint64_t reloads_ok, reloads_failed;
    uint64_t last_reload_ok; /* 1 or 0; 1 before the first */
    uint64_t generation;     /* of the registry in force */
    uint64_t meters, facilities, series;
    uint64_t standstills;
    uint64_t memory, memory_max;   /* bytes, as memory_max counts them */
    uint64_t checkpoint_client_us; /* processor time of the threads that send checkpoints */
};

/* NULL for what there is not (yet): its rows have no samples then. */
struct metrics_source {
    struct metrics_daemon daemon;
    struct usage usage;
    /* Counts that stand in no shard below: of earlier steps, and of shards that went away. With it
     * the sums never fall. Only outcomes and counters are read. */
    const struct shard_stats *elsewhere;
    const struct metrics_shard *shards;
    size_t shards_count;
    const struct consumer_stats *consumer;
    const struct consumer_partition_stats *partitions;
    size_t partitions_count;
    const struct producer_stats *deadletter;
    const struct rekey_stats *rekey; /* NULL: no stage re-keys, and its rows are left out */
    const struct producer_stats *rekey_runs;
    const struct consumer_stats *rekey_consumer;
    const char *rekey_waits; /* why the keyed topic is still waited for; NULL if it is not */
    const struct consumer_partition_stats *rekey_partitions; /* of the input topic */
    size_t rekey_partitions_count;
    const struct checkpoint_stats *checkpoint;
    const struct metrics_part *assigned_set;
    size_t parts_count;
    const struct metrics_sink *sinks;
    size_t sinks_count;
    const struct survey_round *survey;
    const struct unheard_round *unheard;
};

/* Prometheus text format 0.0.4; the Content-Type that goes with it. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void metrics_print(const struct metrics_source *source, struct buffer *out);

/* The ledger by facility, a page of its own: what there is of a registry of 8,000 facilities is
 * more than a scrape every few seconds should carry. The head, then one facility after the other.
 */
#define METRICS_FACILITIES_PATH "/metrics/facilities"
void metrics_print_facilities_head(struct buffer *out);
/* By outcome; of those that it never had there is no sample, but of `used`. */
void metrics_print_facility(const char *id, const uint64_t outcomes[OUTCOME_COUNT],
                            struct buffer *out);
/* Behind the ledger: whether there is a reading of each facility whose meters are valid. */
void metrics_print_heard_head(struct buffer *out);
void metrics_print_heard(const char *id, bool heard, struct buffer *out);

/* The reference as Markdown: docs/metrics.md is this output. */
void metrics_print_reference(struct buffer *out);

#endif
