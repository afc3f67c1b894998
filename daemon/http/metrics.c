#include "daemon/http/metrics_rows.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef GHGD_VERSION
#define GHGD_VERSION "unknown"
#endif

static enum per place_per(enum place place)
{
    if (place == PLACE_SHARD || place == PLACE_PARTITION || place == PLACE_REKEY_PARTITION ||
        place == PLACE_PART)
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
        return value != INT64_MIN && value != -1; /* times and offsets that are not known yet */
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
    case PLACE_SURVEY:
        print_process(metric, source->survey, out);
        break;
    case PLACE_UNHEARD:
        print_process(metric, source->unheard, out);
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
    case PLACE_CHECKPOINT:
        print_process(metric, source->checkpoint, out);
        break;
    case PLACE_PART:
        for (size_t i = 0; i < source->parts_count; i++)
            print_partition(metric, source->assigned_set[i].partition, &source->assigned_set[i],
                            out);
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

static void print_head(const struct metric *metric, struct buffer *out)
{
    buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                  metric->type);
}

void metrics_print(const struct metrics_source *source, struct buffer *out)
{
    for (size_t i = 0; i < metrics_count; i++) {
        const struct metric *metric = &metrics[i];
        print_head(metric, out);
        print_samples(metric, source, out);
    }
}

void metric_print_build(const struct metric *metric, const struct metrics_source *source,
                        struct buffer *out)
{
    (void)source;
    add_series(out, metric->name, "version", GHGD_VERSION, NULL, NULL);
    add_sample(out, 1, 0);
}

void metric_print_uptime(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out)
{
    buffer_add_str(out, metric->name);
    add_sample(out, source->daemon.now_ms - source->daemon.started_ms, 3);
}

void metric_print_reloads(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    add_series(out, metric->name, "result", "ok", NULL, NULL);
    add_sample(out, source->daemon.reloads_ok, 0);
    add_series(out, metric->name, "result", "refused", NULL, NULL);
    add_sample(out, source->daemon.reloads_failed, 0);
}

void metric_print_events(const struct metric *metric, const struct metrics_source *source,
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

void metric_print_account(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    for (size_t i = 0; i < source->parts_count; i++) {
        const struct metrics_part *assigned = &source->assigned_set[i];
        for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
            buffer_printf(out, "%s{partition=\"%" PRId32 "\",outcome=\"%s\",reason=\"%s\"}",
                          metric->name, assigned->partition, outcome_class((enum outcome)outcome),
                          outcome_reason((enum outcome)outcome));
            add_sample(out, assigned->outcomes[outcome], 0);
        }
    }
}

void metric_print_requests(const struct metric *metric, const struct metrics_source *source,
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

void metric_print_checkpoint_cpu(const struct metric *metric, const struct metrics_source *source,
                                 struct buffer *out)
{
    if (source->checkpoint == NULL)
        return;
    add_series(out, metric->name, "thread", "loop", NULL, NULL);
    add_sample(out, source->checkpoint->loop_us, 6);
    add_series(out, metric->name, "thread", "kafka", NULL, NULL);
    add_sample(out, source->daemon.checkpoint_client_us, 6);
}

/* `name{facility="...",meter="..."`, without the end. */
static void add_meter(struct buffer *out, const char *name, const struct survey_meter *line)
{
    buffer_printf(out, "%s{facility=", name);
    add_label_value(out, line->facility);
    buffer_add_str(out, ",meter=");
    add_label_value(out, line->meter);
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

static void print_held(struct buffer *out, const char *name, const struct survey_meter *line,
                       const char *reason, uint64_t time_ms)
{
    if (time_ms == 0)
        return;
    add_meter(out, name, line);
    buffer_printf(out, ",reason=\"%s\"}", reason);
    add_sample(out, time_ms, 3);
}

void metric_print_meter_held(const struct metric *metric, const struct metrics_source *source,
                             struct buffer *out)
{
    for (uint32_t i = 0; source->survey != NULL && i < source->survey->listed; i++) {
        const struct survey_meter *line = &source->survey->meters[i];
        print_held(out, metric->name, line, line->reason, line->held_ms);
        print_held(out, metric->name, line, "overdue", line->overdue_ms);
    }
}

void metric_print_meter_glitches(const struct metric *metric, const struct metrics_source *source,
                                 struct buffer *out)
{
    for (uint32_t i = 0; source->survey != NULL && i < source->survey->listed; i++) {
        const struct survey_meter *line = &source->survey->meters[i];
        if (line->left_aside == 0)
            continue;
        add_meter(out, metric->name, line);
        buffer_add_char(out, '}');
        add_sample(out, line->left_aside, 0);
    }
}

void metric_print_latency(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++)
        print_histogram(metric, &source->sinks[i], out);
}

void metric_print_healthy(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++) {
        const struct metrics_sink *sink = &source->sinks[i];
        bool refuses =
            sink->stats->refusing_since_ms > 0 && sink->failing_ms > METRICS_REFUSING_MS_MAX;
        add_series(out, metric->name, "sink", sink->name, NULL, NULL);
        add_sample(out, sink->stats->healthy && !refuses, 0);
    }
}

void metric_print_failing(const struct metric *metric, const struct metrics_source *source,
                          struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++) {
        add_series(out, metric->name, "sink", source->sinks[i].name, NULL, NULL);
        add_sample(out, source->sinks[i].failing_ms, 3);
    }
}

void metric_print_resync(const struct metric *metric, const struct metrics_source *source,
                         struct buffer *out)
{
    for (size_t i = 0; i < source->sinks_count; i++) {
        add_series(out, metric->name, "sink", source->sinks[i].name, NULL, NULL);
        add_sample(out, (int64_t)source->sinks[i].resync_windows, 0);
    }
}

static const struct metric facility_account = {
    .name = "ghgd_facility_account_events",
    .type = "gauge",
    .unit = "events",
    .help = "Outcomes of the facility's readings, from the first that was in force on, whichever "
            "processes read them, as the state keeps them. Events without a known facility are in "
            "ghgd_partition_account_events alone.",
    .labels = "facility, outcome, reason"};

void metrics_print_facilities_head(struct buffer *out)
{
    print_head(&facility_account, out);
}

void metrics_print_facility(const char *id, const uint64_t outcomes[OUTCOME_COUNT],
                            struct buffer *out)
{
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        if (outcomes[i] == 0 && i != OUTCOME_USED)
            continue;
        buffer_printf(out, "%s{facility=", facility_account.name);
        add_label_value(out, id);
        buffer_printf(out, ",outcome=\"%s\",reason=\"%s\"}", outcome_class(i), outcome_reason(i));
        add_sample(out, outcomes[i], 0);
    }
}

static const struct metric facility_heard = {
    .name = "ghgd_facility_heard",
    .type = "gauge",
    .unit = "",
    .help = "1 if the partitions here have a reading of the facility, however old, else 0. "
            "Facilities whose meters are all not valid at the newest reading have no sample.",
    .labels = "facility"};

void metrics_print_heard_head(struct buffer *out)
{
    print_head(&facility_heard, out);
}

void metrics_print_heard(const char *id, bool heard, struct buffer *out)
{
    add_series(out, facility_heard.name, "facility", id, NULL, NULL);
    add_sample(out, heard, 0);
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

#define TABLE_HEAD "| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n"

static void print_row(const struct metric *metric, struct buffer *out)
{
    buffer_printf(out, "| `%s` | %s | %s | %s | %s |\n", metric->name, metric->type, metric->unit,
                  metric_labels(metric), metric->help);
}

static void print_facilities_reference(struct buffer *out)
{
    buffer_add_str(
        out,
        "\n## The ledger by facility\n\n"
        "`" METRICS_FACILITIES_PATH
        "` is a page of its own, to be scraped less often: thousands of\n"
        "facilities have thousands of series. It is made while it is read, however long it is.\n"
        "The ledger has samples for the facilities of the process's partitions, and for outcomes\n"
        "that they had; so a facility has up to nine series, and most have two or three.\n"
        "`ghgd_facility_heard` has one for every facility that has a valid meter.\n\n" TABLE_HEAD);
    print_row(&facility_account, out);
    print_row(&facility_heard, out);
    buffer_add_str(
        out, "\n"
             "```yaml\n"
             "scrape_configs:\n"
             "  - job_name: ghgd\n"
             "    static_configs: [{targets: [\"localhost:9477\"]}]\n"
             "  - job_name: ghgd-facilities\n"
             "    metrics_path: " METRICS_FACILITIES_PATH "\n"
             "    scrape_interval: 5m\n"
             "    static_configs: [{targets: [\"localhost:9477\"]}]\n"
             "```\n\n"
             "A process that gives a partition away no longer has its facilities. All readings\n"
             "of one are `sum by (facility) (ghgd_facility_account_events)`, over all\n"
             "processes. A facility that no process has ever heard of is one of\n"
             "`max by (facility) (ghgd_facility_heard) == 0`. While a partition moves from\n"
             "one process to another, its facilities may be among them: give an alert a\n"
             "`for: 30m`.\n");
}

void metrics_print_reference(struct buffer *out)
{
    buffer_add_str(
        out,
        "# Metrics\n\n"
        "`ghgd run` serves these at `/metrics` of `http.listen`, in Prometheus' text format.\n"
        "This page is printed from the table in `daemon/http/metrics_rows.c`.\n\n"
        "A sample is left out while its number is not known: offsets before the broker told\n"
        "them, a watermark before the first event. Counters begin at 0 with the process; those\n"
        "of events do not fall when a partition moves to another process.\n\n" TABLE_HEAD);
    for (size_t i = 0; i < metrics_count; i++)
        print_row(&metrics[i], out);
    print_facilities_reference(out);
    print_outcomes_reference(out);
}

/* ---- what the process uses of the machine ---- */

static void read_memory(struct usage *usage)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    char line[128];
    if (fgets(line, sizeof(line), file) != NULL) { /* total and resident pages come first */
        uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        char *rest = line;
        usage->virtual_bytes = strtoull(rest, &rest, 10) * page_bytes;
        usage->resident_bytes = strtoull(rest, &rest, 10) * page_bytes;
    }
    (void)fclose(file);
}

static void count_descriptors(struct usage *usage)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return;
    while (readdir(directory) != NULL) /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        usage->open_fds++;
    (void)closedir(directory);
    usage->open_fds -= 3; /* ".", "..", and the directory itself */
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

void usage_read(struct usage *usage_out)
{
    *usage_out = (struct usage){0};
    read_memory(usage_out);
    count_descriptors(usage_out);
    struct rusage times;
    if (getrusage(RUSAGE_SELF, &times) == 0)
        usage_out->cpu_us = microseconds(times.ru_utime) + microseconds(times.ru_stime);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage_out->max_fds = limit.rlim_cur;
}
