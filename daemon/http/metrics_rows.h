/*
 * metrics_rows.h - the table of metrics, for the files that make up metrics.h only.
 */
#ifndef GHGD_METRICS_ROWS_H
#define GHGD_METRICS_ROWS_H

#include "daemon/http/metrics.h"

/* The thing that has one sample of the row, and so its label. */
enum per { PER_PROCESS, PER_PARTITION, PER_SINK };

/* The struct that a row's number stands in. */
enum place {
    PLACE_DAEMON,    /* struct metrics_daemon */
    PLACE_KERNEL,    /* struct usage */
    PLACE_SUM,       /* struct shard_stats, summed over the shards and what is elsewhere */
    PLACE_SHARD,     /* struct shard_stats */
    PLACE_CONSUMER,  /* struct consumer_stats */
    PLACE_PARTITION, /* struct consumer_partition_stats */
    PLACE_DEADLETTER,
    PLACE_REKEY,           /* struct rekey_stats */
    PLACE_REKEY_RUNS,      /* struct producer_stats, of runs */
    PLACE_REKEY_PARTITION, /* struct consumer_partition_stats, of the input topic */
    PLACE_SINK,            /* struct sink_stats */
    PLACE_CHECKPOINT,      /* struct checkpoint_stats */
    PLACE_PART,            /* struct metrics_part */
    PLACE_SURVEY,          /* struct survey_round */
    PLACE_UNHEARD,         /* struct unheard_round */
    PLACE_NONE             /* has a printer of its own */
};

enum shape { SHAPE_U64, SHAPE_U32, SHAPE_BOOL, SHAPE_I64 /* no sample if unknown */ };

struct metric {
    const char *name, *type, *unit, *help;
    enum place place;
    enum shape shape;
    size_t offset;
    unsigned decimals;  /* the number is in 10^-decimals of the unit */
    const char *labels; /* of rows with a printer */
    void (*print)(const struct metric *metric, const struct metrics_source *source,
                  struct buffer *out);
};

extern const struct metric metrics[];
extern const size_t metrics_count;

/* The printers of rows that are more than one number, in metrics.c. */
void metric_print_build(const struct metric *metric, const struct metrics_source *source,
                        struct buffer *out);
void metric_print_checkpoint_cpu(const struct metric *metric, const struct metrics_source *source,
                                 struct buffer *out);
void metric_print_events(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out);
void metric_print_healthy(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
void metric_print_failing(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
void metric_print_meter_glitches(const struct metric *metric, const struct metrics_source *source,
                                 struct buffer *out);
void metric_print_meter_held(const struct metric *metric, const struct metrics_source *source,
                             struct buffer *out);
void metric_print_latency(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
void metric_print_reloads(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
void metric_print_requests(const struct metric *metric, const struct metrics_source *source,
                           struct buffer *out);
void metric_print_resync(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out);
void metric_print_uptime(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out);
void metric_print_account(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);

#endif
