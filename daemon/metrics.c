#include "daemon/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#ifndef GHGD_VERSION
#define GHGD_VERSION "unknown"
#endif

/* What a row has one sample for, and so its label. */
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
    PLACE_REKEY_RUNS,      /* struct deadletter_stats, of runs */
    PLACE_REKEY_PARTITION, /* struct consumer_partition_stats, of the input topic */
    PLACE_SINK,            /* struct sink_stats */
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

static void print_build(const struct metric *metric, const struct metrics_source *source,
                        struct buffer *out);
static void print_uptime(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out);
static void print_events(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out);
static void print_reloads(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
static void print_requests(const struct metric *metric, const struct metrics_source *source,
                           struct buffer *out);
static void print_latency(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
static void print_failing(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out);
static void print_resync(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out);

#define AT(place, shape, type, member) place, shape, offsetof(type, member), 0, NULL, NULL
#define AT_SCALED(place, shape, type, member, decimals)                                            \
    place, shape, offsetof(type, member), decimals, NULL, NULL
#define PRINTED(print, labels) PLACE_NONE, SHAPE_U64, 0, 0, labels, print
#define DAEMON(member) AT(PLACE_DAEMON, SHAPE_U64, struct metrics_daemon, member)
#define KERNEL(member) AT(PLACE_KERNEL, SHAPE_U64, struct usage, member)
#define SUM(member) AT(PLACE_SUM, SHAPE_U64, struct shard_stats, member)
#define SHARD(member) AT(PLACE_SHARD, SHAPE_U64, struct shard_stats, member)
#define SHARD_TIME(member) AT_SCALED(PLACE_SHARD, SHAPE_I64, struct shard_stats, member, 3)
#define CONSUMER(member) AT(PLACE_CONSUMER, SHAPE_U64, struct consumer_stats, member)
#define PARTITION(shape, member) AT(PLACE_PARTITION, shape, struct consumer_partition_stats, member)
#define DEADLETTER(member) AT(PLACE_DEADLETTER, SHAPE_U64, struct deadletter_stats, member)
#define REKEY(member) AT(PLACE_REKEY, SHAPE_U64, struct rekey_stats, member)
#define REKEY_RUNS(member) AT(PLACE_REKEY_RUNS, SHAPE_U64, struct deadletter_stats, member)
#define REKEY_PARTITION(shape, member)                                                             \
    AT(PLACE_REKEY_PARTITION, shape, struct consumer_partition_stats, member)
#define SINK(member) AT(PLACE_SINK, SHAPE_U64, struct sink_stats, member)

static const struct metric metrics[] = {
    /* The process. */
    {"ghgd_build_info", "gauge", "", "Always 1; the version is the label.",
     PRINTED(print_build, "version")},
    {"ghgd_uptime_seconds", "gauge", "seconds", "Time since the process started.",
     PRINTED(print_uptime, "")},
    {"process_start_time_seconds", "gauge", "seconds", "When the process started, in Unix time.",
     AT_SCALED(PLACE_DAEMON, SHAPE_I64, struct metrics_daemon, started_ms, 3)},
    {"process_cpu_seconds_total", "counter", "seconds",
     "Processor time of all threads, user and system.",
     AT_SCALED(PLACE_KERNEL, SHAPE_U64, struct usage, cpu_us, 6)},
    {"process_resident_memory_bytes", "gauge", "bytes", "Memory in RAM.", KERNEL(resident_bytes)},
    {"process_virtual_memory_bytes", "gauge", "bytes", "Address space in use.",
     KERNEL(virtual_bytes)},
    {"process_open_fds", "gauge", "descriptors", "Open file descriptors.", KERNEL(open_fds)},
    {"process_max_fds", "gauge", "descriptors", "Limit of open file descriptors.", KERNEL(max_fds)},
    /* The configuration in force. */
    {"ghgd_config_reloads_total", "counter", "reloads",
     "Reloads of the configuration, by result: a refused one left the running configuration in "
     "force.",
     PRINTED(print_reloads, "result")},
    {"ghgd_config_last_reload_successful", "gauge", "",
     "1 if the last reload succeeded or there was none, 0 if it was refused.",
     DAEMON(last_reload_ok)},
    {"ghgd_config_generation", "gauge", "",
     "Number of the registry in force; each reload counts up.", DAEMON(generation)},
    {"ghgd_config_meters", "gauge", "meters", "Versions of meters in the registry.",
     DAEMON(meters)},
    {"ghgd_config_facilities", "gauge", "facilities", "Facilities in the registry.",
     DAEMON(facilities)},
    {"ghgd_config_series", "gauge", "series",
     "Lines of output: what a facility emits from one source.", DAEMON(series)},
    /* Kafka. */
    {"ghgd_consumer_messages_total", "counter", "messages", "Kafka messages taken.",
     CONSUMER(messages)},
    {"ghgd_consumer_received_bytes_total", "counter", "bytes",
     "Payload of the Kafka messages taken.", CONSUMER(bytes)},
    {"ghgd_consumer_rebalances_total", "counter", "rebalances",
     "Times the group gave partitions out anew.", CONSUMER(rebalances)},
    {"ghgd_consumer_errors_total", "counter", "errors",
     "Errors of the Kafka client, most of which it recovers from.", CONSUMER(errors)},
    {"ghgd_consumer_commits_total", "counter", "commits", "Offsets committed.", CONSUMER(commits)},
    {"ghgd_consumer_commit_failures_total", "counter", "commits",
     "Commits that the broker refused or did not answer.", CONSUMER(commit_failures)},
    {"ghgd_consumer_gaps_total", "counter", "gaps",
     "Jumps of the offset; compaction and transaction markers leave them too.", CONSUMER(gaps)},
    {"ghgd_consumer_data_losses_total", "counter", "losses",
     "Times that the messages that came next were gone from the topic before they were read.",
     CONSUMER(losses)},
    {"ghgd_consumer_lost_messages_total", "counter", "messages",
     "Messages that were gone; of a topic that was made anew nobody knows how many.",
     CONSUMER(lost_messages)},
    {"ghgd_consumer_assigned_partitions", "gauge", "partitions",
     "Partitions that the group gave to this process.",
     AT(PLACE_CONSUMER, SHAPE_U32, struct consumer_stats, assigned)},
    {"ghgd_partition_next_offset", "gauge", "offset", "Offset of the next message to be taken.",
     PARTITION(SHAPE_I64, next_offset)},
    {"ghgd_partition_log_end_offset", "gauge", "offset",
     "Offset that the next message produced will get.", PARTITION(SHAPE_I64, log_end)},
    {"ghgd_partition_lag_messages", "gauge", "messages",
     "Messages in the partition that were not taken yet.", PARTITION(SHAPE_I64, lag)},
    {"ghgd_partition_caught_up", "gauge", "",
     "1 once the end of the log as of the assignment was reached.",
     PARTITION(SHAPE_BOOL, caught_up)},
    {"ghgd_partition_stopped", "gauge", "",
     "1 while the partition waits for a sink or for the dead-letter queue.",
     PARTITION(SHAPE_BOOL, stopped)},
    {"ghgd_partition_halted", "gauge", "",
     "1 if data of the partition is gone and kafka.on_data_loss is `stop`: nothing more of it is "
     "taken.",
     PARTITION(SHAPE_BOOL, halted)},
    /* The stage before, with input.rekey. */
    {"ghgd_rekey_messages_total", "counter", "messages",
     "Messages of the input topic whose events were all sent on or refused (input.rekey).",
     REKEY(messages)},
    {"ghgd_rekey_received_bytes_total", "counter", "bytes", "Payload of those messages.",
     REKEY(bytes)},
    {"ghgd_rekey_events_total", "counter", "events",
     "Events that were sent on, and those that ended there and are in ghgd_events_total.",
     REKEY(events)},
    {"ghgd_rekey_sent_total", "counter", "messages",
     "Messages handed to the Kafka producer for the keyed topic.", REKEY_RUNS(sent)},
    {"ghgd_rekey_sent_bytes_total", "counter", "bytes", "Payload of those messages.",
     REKEY_RUNS(bytes)},
    {"ghgd_rekey_acknowledged_total", "counter", "messages", "Messages that the keyed topic has.",
     REKEY_RUNS(acknowledged)},
    {"ghgd_rekey_failed_total", "counter", "messages",
     "Deliveries to the keyed topic that the brokers refused; each is tried again.",
     REKEY_RUNS(failed)},
    {"ghgd_rekey_waiting", "gauge", "messages",
     "Messages that the keyed topic has not acknowledged yet.", REKEY_RUNS(waiting)},
    {"ghgd_rekey_partition_next_offset", "gauge", "offset",
     "Offset of the next message to be taken from the input topic.",
     REKEY_PARTITION(SHAPE_I64, next_offset)},
    {"ghgd_rekey_partition_lag_messages", "gauge", "messages",
     "Messages in the partition of the input topic that were not taken yet.",
     REKEY_PARTITION(SHAPE_I64, lag)},
    {"ghgd_rekey_partition_stopped", "gauge", "",
     "1 while the partition waits for acknowledgements, or for others that are further behind.",
     REKEY_PARTITION(SHAPE_BOOL, stopped)},
    {"ghgd_rekey_partition_halted", "gauge", "",
     "1 if data of the partition of the input topic is gone and kafka.on_data_loss is `stop`.",
     REKEY_PARTITION(SHAPE_BOOL, halted)},
    /* Events. */
    {"ghgd_events_total", "counter", "events",
     "Events by what became of them; every event has exactly one outcome. The reason tells why one "
     "was rejected.",
     PRINTED(print_events, "outcome, reason")},
    {"ghgd_register_discontinuities_total", "counter", "pairs",
     "Falls and implausible jumps of registers, for which nothing was booked.",
     SUM(discontinuities)},
    {"ghgd_register_rollovers_total", "counter", "pairs",
     "Registers that wrapped at their last digit, and were booked so.", SUM(rollovers)},
    {"ghgd_reading_overlaps_total", "counter", "readings",
     "Readings that overlap another of the same meter; the better one counts at every moment.",
     SUM(overlaps)},
    {"ghgd_dead_letters_sent_total", "counter", "events",
     "Refused and late events handed to the Kafka producer.", DEADLETTER(sent)},
    {"ghgd_dead_letters_acknowledged_total", "counter", "events",
     "Refused and late events that the broker has.", DEADLETTER(acknowledged)},
    {"ghgd_dead_letters_failed_total", "counter", "events",
     "Deliveries of dead letters that the brokers refused; each is tried again.",
     DEADLETTER(failed)},
    {"ghgd_dead_letters_waiting", "gauge", "events",
     "Refused and late events that the broker has not acknowledged yet.", DEADLETTER(waiting)},
    {"ghgd_dead_letters_sent_bytes_total", "counter", "bytes",
     "Payload of the events handed to the producer.", DEADLETTER(bytes)},
    /* State. */
    {"ghgd_shard_watermark_timestamp_seconds", "gauge", "seconds",
     "Event time that the partition has reached: its newest event less the allowed delay, in Unix "
     "time.",
     SHARD_TIME(watermark_ms)},
    {"ghgd_shard_floor_timestamp_seconds", "gauge", "seconds",
     "Event time before which nothing is accepted any more, in Unix time.", SHARD_TIME(floor_ms)},
    {"ghgd_shard_dirty_rows", "gauge", "rows",
     "Windows whose figures some sink has not acknowledged.", SHARD(dirty_rows)},
    {"ghgd_shard_memory_bytes", "gauge", "bytes",
     "Memory of the partition's state: panel, journal, dirty set.", SHARD(memory_bytes)},
    {"ghgd_shard_readings", "gauge", "readings",
     "Readings in the journal: those of the correction horizon.", SHARD(readings)},
    {"ghgd_shard_facilities", "gauge", "facilities",
     "Facilities whose readings come from the partition.", SHARD(facilities)},
    /* Sinks. */
    {"ghgd_sink_healthy", "gauge", "", "1 if the sink's last request succeeded.",
     AT(PLACE_SINK, SHAPE_BOOL, struct sink_stats, healthy)},
    {"ghgd_sink_failing_seconds", "gauge", "seconds",
     "For how long the sink has not been healthy; 0 if it is.", PRINTED(print_failing, "sink")},
    {"ghgd_sink_rows_written_total", "counter", "rows", "Rows that the sink acknowledged.",
     SINK(rows_written)},
    {"ghgd_sink_resync_windows_total", "counter", "windows",
     "Windows that `ghgd resync` has marked to be written to the sink once more.",
     PRINTED(print_resync, "sink")},
    {"ghgd_sink_rows_refused_total", "counter", "rows",
     "Rows that the server named bad, set aside in the dead-rows file.", SINK(rows_refused)},
    {"ghgd_sink_sent_bytes_total", "counter", "bytes",
     "Bytes sent to the sink, as they went over the wire.", SINK(bytes_sent)},
    {"ghgd_sink_retries_total", "counter", "requests", "Requests that were sent again.",
     SINK(retries)},
    {"ghgd_sink_versions_saturated_total", "counter", "rows",
     "Rows (VictoriaMetrics) whose version no longer fits its window: the newest may not stay.",
     SINK(versions_saturated)},
    {"ghgd_sink_requests_total", "counter", "requests",
     "Requests by result: ok, partial (some rows named bad), refused (4xx), throttled (429, 503), "
     "failed (5xx, broken connections), timeout.",
     PRINTED(print_requests, "sink, result")},
    {"ghgd_sink_request_duration_seconds", "histogram", "seconds",
     "Time from sending a request to its answer.", PRINTED(print_latency, "sink, le")},
};

static enum per place_per(enum place place)
{
    if (place == PLACE_SHARD || place == PLACE_PARTITION || place == PLACE_REKEY_PARTITION)
        return PER_PARTITION;
    return place == PLACE_SINK ? PER_SINK : PER_PROCESS;
}

/* A label's value: backslash, quote and line end are escaped, as the format demands. */
static void add_label_value(struct buffer *out, const char *value)
{
    buffer_add_char(out, '"');
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"')
            buffer_add_char(out, '\\');
        if (*c == '\n')
            buffer_add_str(out, "\\n");
        else
            buffer_add_char(out, *c);
    }
    buffer_add_char(out, '"');
}

static void add_sample(struct buffer *out, int128 value, unsigned decimals)
{
    buffer_add_char(out, ' ');
    buffer_add_fixed(out, value, decimals);
    buffer_add_char(out, '\n');
}

/* `name{label="value",label2="value2"}`; the second label may be NULL. */
static void add_series(struct buffer *out, const char *name, const char *label, const char *value,
                       const char *label2, const char *value2)
{
    buffer_printf(out, "%s{%s=", name, label);
    add_label_value(out, value);
    if (label2 != NULL) {
        buffer_printf(out, ",%s=", label2);
        add_label_value(out, value2);
    }
    buffer_add_char(out, '}');
}

/* Reads the row's number in `from`; false if it is not known yet. */
static bool read_number(const struct metric *metric, const void *from, int128 *value_out)
{
    const char *at = (const char *)from + metric->offset;
    if (metric->shape == SHAPE_BOOL) {
        bool value;
        memcpy(&value, at, sizeof(value));
        *value_out = value;
    } else if (metric->shape == SHAPE_U32) {
        uint32_t value;
        memcpy(&value, at, sizeof(value));
        *value_out = value;
    } else if (metric->shape == SHAPE_U64) {
        uint64_t value;
        memcpy(&value, at, sizeof(value));
        *value_out = value;
    } else {
        int64_t value;
        memcpy(&value, at, sizeof(value));
        *value_out = value;
        return value != INT64_MIN && value != -1; /* times and offsets that nobody knows yet */
    }
    return true;
}

static void print_process(const struct metric *metric, const void *from, struct buffer *out)
{
    int128 value;
    if (from == NULL || !read_number(metric, from, &value))
        return;
    buffer_add_str(out, metric->name);
    add_sample(out, value, metric->decimals);
}

static void print_partition(const struct metric *metric, int32_t partition, const void *from,
                            struct buffer *out)
{
    int128 value;
    if (!read_number(metric, from, &value))
        return;
    buffer_printf(out, "%s{partition=\"%" PRId32 "\"}", metric->name, partition);
    add_sample(out, value, metric->decimals);
}

static void print_sink(const struct metric *metric, const struct metrics_sink *sink,
                       struct buffer *out)
{
    int128 value;
    if (!read_number(metric, sink->stats, &value))
        return;
    add_series(out, metric->name, "sink", sink->name, NULL, NULL);
    add_sample(out, value, metric->decimals);
}

static void print_sum(const struct metric *metric, const struct metrics_source *source,
                      struct buffer *out)
{
    int128 sum = 0;
    int128 value = 0;
    if (source->elsewhere != NULL && read_number(metric, source->elsewhere, &value))
        sum += value;
    for (size_t i = 0; i < source->shards_count; i++) {
        if (read_number(metric, source->shards[i].stats, &value))
            sum += value;
    }
    buffer_add_str(out, metric->name);
    add_sample(out, sum, metric->decimals);
}

static void print_samples(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    switch (metric->place) {
    case PLACE_DAEMON:
        print_process(metric, &source->daemon, out);
        break;
    case PLACE_KERNEL:
        print_process(metric, &source->usage, out);
        break;
    case PLACE_CONSUMER:
        print_process(metric, source->consumer, out);
        break;
    case PLACE_DEADLETTER:
        print_process(metric, source->deadletter, out);
        break;
    case PLACE_REKEY:
        print_process(metric, source->rekey, out);
        break;
    case PLACE_REKEY_RUNS:
        print_process(metric, source->rekey_runs, out);
        break;
    case PLACE_REKEY_PARTITION:
        for (size_t i = 0; i < source->rekey_partitions_count; i++)
            print_partition(metric, source->rekey_partitions[i].partition,
                            &source->rekey_partitions[i], out);
        break;
    case PLACE_SUM:
        print_sum(metric, source, out);
        break;
    case PLACE_SHARD:
        for (size_t i = 0; i < source->shards_count; i++)
            print_partition(metric, source->shards[i].partition, source->shards[i].stats, out);
        break;
    case PLACE_PARTITION:
        for (size_t i = 0; i < source->partitions_count; i++)
            print_partition(metric, source->partitions[i].partition, &source->partitions[i], out);
        break;
    case PLACE_SINK:
        for (size_t i = 0; i < source->sinks_count; i++)
            print_sink(metric, &source->sinks[i], out);
        break;
    case PLACE_NONE:
        metric->print(metric, source, out);
        break;
    }
}

void metrics_print(const struct metrics_source *source, struct buffer *out)
{
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        const struct metric *metric = &metrics[i];
        buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                      metric->type);
        print_samples(metric, source, out);
    }
}

static void print_build(const struct metric *metric, const struct metrics_source *source,
                        struct buffer *out)
{
    (void)source;
    add_series(out, metric->name, "version", GHGD_VERSION, NULL, NULL);
    add_sample(out, 1, 0);
}

static void print_uptime(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out)
{
    buffer_add_str(out, metric->name);
    add_sample(out, source->daemon.now_ms - source->daemon.started_ms, 3);
}

static void print_reloads(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    add_series(out, metric->name, "result", "ok", NULL, NULL);
    add_sample(out, source->daemon.reloads_ok, 0);
    add_series(out, metric->name, "result", "refused", NULL, NULL);
    add_sample(out, source->daemon.reloads_failed, 0);
}

static void print_events(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out)
{
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        int128 sum = source->elsewhere == NULL ? 0 : source->elsewhere->outcomes[outcome];
        for (size_t i = 0; i < source->shards_count; i++)
            sum += source->shards[i].stats->outcomes[outcome];
        add_series(out, metric->name, "outcome", outcome_class((enum outcome)outcome), "reason",
                   outcome_reason((enum outcome)outcome));
        add_sample(out, sum, 0);
    }
}

static void print_requests(const struct metric *metric, const struct metrics_source *source,
                           struct buffer *out)
{
    static const struct {
        const char *result;
        size_t offset;
    } results[] = {
        {"ok", offsetof(struct sink_stats, requests_ok)},
        {"partial", offsetof(struct sink_stats, requests_partial)},
        {"refused", offsetof(struct sink_stats, requests_refused)},
        {"throttled", offsetof(struct sink_stats, requests_throttled)},
        {"failed", offsetof(struct sink_stats, requests_failed)},
        {"timeout", offsetof(struct sink_stats, requests_timeout)},
    };
    for (size_t i = 0; i < source->sinks_count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(results); k++) {
            uint64_t count;
            memcpy(&count, (const char *)source->sinks[i].stats + results[k].offset, sizeof(count));
            add_series(out, metric->name, "sink", source->sinks[i].name, "result",
                       results[k].result);
            add_sample(out, count, 0);
        }
    }
}

static void print_histogram(const struct metric *metric, const struct metrics_sink *sink,
                            struct buffer *out)
{
    char name[96];
    int128 below = 0;
    (void)snprintf(name, sizeof(name), "%s_bucket", metric->name);
    for (size_t i = 0; i < ARRAY_LEN(sink->stats->latency_bucket); i++) {
        if (sink_latency_bounds_us[i] == UINT32_MAX)
            break; /* without a bound: +Inf below */
        below += sink->stats->latency_bucket[i];
        buffer_printf(out, "%s{sink=", name);
        add_label_value(out, sink->name);
        buffer_add_str(out, ",le=\"");
        buffer_add_fixed(out, sink_latency_bounds_us[i], 6);
        buffer_add_str(out, "\"}");
        add_sample(out, below, 0);
    }
    add_series(out, name, "sink", sink->name, "le", "+Inf");
    add_sample(out, sink->stats->latency_count, 0);
    (void)snprintf(name, sizeof(name), "%s_sum", metric->name);
    add_series(out, name, "sink", sink->name, NULL, NULL);
    add_sample(out, sink->stats->latency_sum_us, 6);
    (void)snprintf(name, sizeof(name), "%s_count", metric->name);
    add_series(out, name, "sink", sink->name, NULL, NULL);
    add_sample(out, sink->stats->latency_count, 0);
}

static void print_latency(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++)
        print_histogram(metric, &source->sinks[i], out);
}

static void print_failing(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++) {
        add_series(out, metric->name, "sink", source->sinks[i].name, NULL, NULL);
        add_sample(out, source->sinks[i].failing_ms, 3);
    }
}

static void print_resync(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++) {
        add_series(out, metric->name, "sink", source->sinks[i].name, NULL, NULL);
        add_sample(out, (int64_t)source->sinks[i].resync_windows, 0);
    }
}

static const char *metric_labels(const struct metric *metric)
{
    static const char *const labels[] = {
        [PER_PROCESS] = "", [PER_PARTITION] = "partition", [PER_SINK] = "sink"};
    return metric->labels != NULL ? metric->labels : labels[place_per(metric->place)];
}

static void print_outcomes_reference(struct buffer *out)
{
    buffer_add_str(out, "\n## What becomes of an event\n\n"
                        "| outcome | reason | meaning |\n|---|---|---|\n");
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        const char *reason = outcome_reason((enum outcome)outcome);
        const char *quote = reason[0] == '\0' ? "" : "`";
        buffer_printf(out, "| `%s` | %s%s%s | %s |\n", outcome_class((enum outcome)outcome), quote,
                      reason, quote, outcome_help((enum outcome)outcome));
    }
}

void metrics_print_reference(struct buffer *out)
{
    buffer_add_str(
        out,
        "# Metrics\n\n"
        "`ghgd run` serves these at `/metrics` of `http.listen`, in Prometheus' text format.\n"
        "This page is printed from the table in `daemon/metrics.c`.\n\n"
        "A sample is left out while its number is not known: offsets before the broker told\n"
        "them, a watermark before the first event. Counters begin at 0 with the process; those\n"
        "of events do not fall when a partition moves to another process.\n\n"
        "| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        const struct metric *metric = &metrics[i];
        buffer_printf(out, "| `%s` | %s | %s | %s | %s |\n", metric->name, metric->type,
                      metric->unit, metric_labels(metric), metric->help);
    }
    print_outcomes_reference(out);
}
