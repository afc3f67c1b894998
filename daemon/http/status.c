#include "daemon/http/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/engine/assigned_rows.h"
#include "daemon/engine/intake.h"
#include "daemon/engine/row_writer.h"
#include "daemon/http/doors.h"
#include "daemon/http/health.h"
#include "daemon/http/held_page.h"
#include "daemon/http/http.h"
#include "daemon/http/metrics.h"
#include "daemon/http/survey.h"
#include "daemon/http/unheard.h"
#include "pipelines/kafka/client_threads.h"

enum {
    PAGES_COUNT = 6,
    WHY_BYTES = 256,
    FACILITIES_PER_PIECE = 32 /* at their longest they stay below HTTP_PIECE_BYTES_MAX */
};

/* An operator says that a sink has lost rows: POST /resync?sink=NAME&from=TIME.
 *
 * Every window of the state that ends after TIME becomes dirty for the sink, and is written once
 * more by the way of all rows. One request per sink is under way at a time. The answer has one word
 * and one value a line:
 *
 *     windows 1234              marked
 *     partitions 3              of this process
 *     waiting 1                 of them that have not caught up yet, and write nothing until then
 *     open 2026-11-13T16:00:00Z of windows that ended before this, not all are in the state
 */
struct resync_page {
    const struct config *config;
    struct intake *intake; /* NULL: a process without shards */
    struct row_writer *row_writer;
    bool asked[SINKS_MAX];       /* and perhaps not all written yet */
    uint64_t windows[SINKS_MAX]; /* marked so far */
};

struct status {
    struct status_conf conf;
    struct http *http; /* NULL: nothing listens */
    char token[DOORS_TOKEN_SIZE];
    struct http_handler handlers[PAGES_COUNT];
    char fatal[WHY_BYTES]; /* empty: nothing has happened */
    int64_t started_ms;
    struct resync_page resync;
    struct survey_walk survey;
    struct unheard_walk unheard;
    void (*closed)(void *context);
    void *closed_context;

    /* The parts of one answer: too large for the stack. */
    struct intake_partition partitions[PARTITIONS_MAX];
    struct metrics_shard shards[PARTITIONS_MAX];
    struct consumer_partition_stats consumed[PARTITIONS_MAX];
    struct metrics_part assigned_set[PARTITIONS_MAX];
    struct metrics_sink sinks[SINKS_MAX];
    struct shard_stats elsewhere;
    struct producer_stats letters;
    struct consumer_partition_stats rekeyed[PARTITIONS_MAX];
    bool last_reload_failed;
};

/* --- POST /resync --- */

enum { STATUS_OK = 200, STATUS_BAD = 400, STATUS_NO_SINK = 404, STATUS_BUSY = 409 };

static uint32_t find_sink(const struct config *config, const char *name)
{
    for (uint32_t i = 0; i < config->sinks_count; i++) {
        if (strcmp(config->sinks[i].name, name) == 0)
            return i;
    }
    return UINT32_MAX;
}

static unsigned refuse_sink(const struct config *config, struct buffer *body)
{
    buffer_add_str(body, "There is no such sink. The sinks are:\n");
    for (uint32_t i = 0; i < config->sinks_count; i++)
        buffer_printf(body, "  %s\n", config->sinks[i].name);
    return STATUS_NO_SINK;
}

static void mark(struct resync_page *resync, uint32_t sink, int64_t from_ms, struct buffer *body)
{
    struct assigned_rows_marked marked;
    assigned_rows_mark_dirty(intake_get_assigned_set(resync->intake), sink, from_ms, &marked);
    resync->asked[sink] = true;
    resync->windows[sink] += marked.windows;
    buffer_printf(body, "windows %" PRIu64 "\npartitions %" PRIu32 "\nwaiting %" PRIu32 "\n",
                  marked.windows, marked.partitions, marked.waiting);
    char open[TIMESTAMP_TEXT_SIZE];
    if (marked.open_ms != INT64_MIN)
        buffer_printf(body, "open %s\n", timestamp_format(open, marked.open_ms));
    LOG_INFO("resync.marked", "sink=%s windows=%" PRIu64 " partitions=%" PRIu32 " waiting=%" PRIu32,
             resync->config->sinks[sink].name, marked.windows, marked.partitions, marked.waiting);
    row_writer_emit(resync->row_writer);
}

/* The handler of http.h; the context is a struct resync_page. */
static unsigned resync_post(void *context, const struct http_query *query, struct buffer *body)
{
    struct resync_page *resync = context;
    const char *name = http_query_get(query, "sink");
    const char *from = http_query_get(query, "from");
    if (name == NULL) {
        buffer_add_str(body, "Name the sink: /resync?sink=NAME, and &from=TIME if you like.\n");
        return STATUS_BAD;
    }
    uint32_t sink = find_sink(resync->config, name);
    if (sink == UINT32_MAX || resync->intake == NULL)
        return refuse_sink(resync->config, body);
    int64_t from_ms = INT64_MIN;
    if (from != NULL && timestamp_parse(&from_ms, from, strlen(from)) < 0) {
        buffer_add_str(body, "from= wants a time with offset, such as 2026-03-01T10:15:00Z.\n");
        return STATUS_BAD;
    }
    if (resync->asked[sink] && row_writer_is_due(resync->row_writer, sink)) {
        buffer_add_str(body, "The sink has not yet got the rows of the last request.\n");
        return STATUS_BUSY;
    }
    mark(resync, sink, from_ms, body);
    return STATUS_OK;
}

/* --- what the pages show --- */

static void fill_part(struct metrics_part *out, const struct assigned *assigned, int64_t now_ms)
{
    const struct assigned_stats *stats = &assigned->stats;
    *out = (struct metrics_part){
        .partition = assigned->number,
        .age_ms = stats->saves > 0 ? now_ms - stats->saved_at_ms : -1,
        .save_ms = stats->saves > 0 ? stats->save_ms : -1,
        .save_cpu_us = stats->saves > 0 ? stats->save_cpu_us : -1,
        .restore_ms = assigned->state == ASSIGNED_RESTORING ? -1 : stats->restore_ms,
        .unreadable = assigned->state == ASSIGNED_UNREADABLE,
        .takeover = assigned_is_taking_over(assigned, now_ms),
        .starved = assigned->state == ASSIGNED_WAITING_MEMORY,
        .why = assigned->why,
    };
    assigned_get_account(assigned, &out->read, out->outcomes);
}

static void add_partitions(struct status *status, struct metrics_source *source)
{
    size_t count = intake_get_partitions(status->conf.intake, status->partitions, PARTITIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct intake_partition *partition = &status->partitions[i];
        status->shards[i] =
            (struct metrics_shard){.partition = partition->assigned->number,
                                   .stats = shard_get_stats(partition->assigned->shard)};
        status->consumed[i] = partition->consumed;
        fill_part(&status->assigned_set[i], partition->assigned,
                  (int64_t)uv_now(status->conf.loop));
    }
    source->shards = status->shards;
    source->shards_count = count;
    source->partitions = status->consumed;
    source->partitions_count = count;
    source->assigned_set = status->assigned_set;
    source->parts_count = count;
}

/* Alerts are rare: of one that was refused nothing follows for the next, perhaps weeks later. */
static int64_t failing_ms(const struct sink_stats *stats, const struct sink_conf *conf,
                          int64_t now_ms)
{
    if (!stats->healthy)
        return now_ms - stats->failing_since_ms;
    bool refuses = stats->refusing_since_ms > 0 && !sink_conf_tells_people(conf);
    return refuses ? now_ms - stats->refusing_since_ms : 0;
}

static void add_sinks(struct status *status, struct metrics_source *source)
{
    uint32_t count = row_writer_get_sinks_count(status->conf.row_writer);
    int64_t now_ms = (int64_t)uv_now(status->conf.loop);
    for (uint32_t i = 0; i < count; i++) {
        const struct sink_stats *stats = row_writer_get_stats(status->conf.row_writer, i);
        struct sink_share share = sink_share_of(stats, now_ms);
        status->sinks[i] = (struct metrics_sink){
            .name = status->conf.config->sinks[i].name,
            .stats = stats,
            .failing_ms = failing_ms(stats, &status->conf.config->sinks[i], now_ms),
            .resync_windows = status->resync.windows[i],
            .share = share,
            .share_ms = now_ms - share.since_ms};
    }
    source->sinks = status->sinks;
    source->sinks_count = count;
}

static void add_letters(struct producer_stats *sum, const struct producer_stats *stats)
{
    sum->sent += stats->sent;
    sum->bytes += stats->bytes;
    sum->acknowledged += stats->acknowledged;
    sum->failed += stats->failed;
    sum->waiting += stats->waiting;
    sum->waiting_bytes += stats->waiting_bytes;
}

/* Events that ended in the stage before the intake count with those that ended behind it. */
static void add_rekey(struct status *status, struct metrics_source *source)
{
    const struct rekey *rekey = status->conf.rekey;
    if (rekey == NULL)
        return;
    const struct rekey_stats *stats = rekey_get_stats(rekey);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        status->elsewhere.outcomes[i] += stats->outcomes[i];
    add_letters(&status->letters, rekey_get_deadletter_stats(rekey));
    source->rekey = stats;
    source->rekey_runs = rekey_get_run_stats(rekey);
    source->rekey_waits = rekey_get_wait(rekey);
    source->rekey_consumer = rekey_get_consumer_stats(rekey);
    source->rekey_partitions = status->rekeyed;
    source->rekey_partitions_count = rekey_get_partitions(rekey, status->rekeyed, PARTITIONS_MAX);
}

static void gather(struct status *status, struct metrics_source *source)
{
    const struct registry *registry = status->conf.config->registry;
    *source = (struct metrics_source){
        .daemon = {.started_ms = status->started_ms,
                   .now_ms = clock_wall_ms(),
                   .reloads_ok = status->conf.reloads_ok,
                   .reloads_failed = status->conf.reloads_failed,
                   .last_reload_ok = !status->last_reload_failed,
                   .generation = registry->generation,
                   .meters = registry->meters_count,
                   .facilities = registry->facilities_count,
                   .series = registry->series_count,
                   .standstills = *status->conf.standstills,
                   .memory = intake_get_memory(status->conf.intake),
                   .memory_max = (uint64_t)status->conf.config->memory_bytes_max,
                   .checkpoint_client_us = client_time_us(CLIENT_WRITER)},
        .elsewhere = &status->elsewhere,
        .consumer = intake_get_consumer_stats(status->conf.intake),
        .deadletter = &status->letters,
        .checkpoint = intake_get_checkpoint_stats(status->conf.intake)};
    usage_read(&source->usage);
    intake_get_elsewhere(status->conf.intake, &status->elsewhere);
    status->letters = *intake_get_deadletter_stats(status->conf.intake);
    add_rekey(status, source);
    add_partitions(status, source);
    add_sinks(status, source);
}

static const char *fatal_of(const struct status *status)
{
    return status->fatal[0] != '\0' ? status->fatal : NULL;
}

static const struct unheard_round *step_unheard(struct status *status)
{
    return unheard_step(&status->unheard, status->conf.intake, status->conf.config->registry,
                        clock_wall_ms());
}

static unsigned on_metrics(void *context, struct buffer *body)
{
    struct status *status = context;
    struct metrics_source source;
    gather(status, &source);
    source.survey =
        survey_step(&status->survey, status->conf.intake, status->conf.config->registry);
    source.unheard = step_unheard(status);
    metrics_print(&source, body);
    return 200;
}

static void add_accounts(const struct status *status, uint64_t from, uint64_t to,
                         struct buffer *body)
{
    for (uint64_t facility = from; facility < to; facility++) {
        uint64_t outcomes[OUTCOME_COUNT];
        if (intake_get_facility(status->conf.intake, (uint32_t)facility, outcomes))
            metrics_print_facility(status->conf.config->registry->facilities[facility].id, outcomes,
                                   body);
    }
}

static void add_heard(const struct status *status, uint64_t from, uint64_t to, struct buffer *body)
{
    const struct registry *registry = status->conf.config->registry;
    int64_t time_ms;
    if (!unheard_find_time(status->conf.intake, clock_wall_ms(), &time_ms))
        return;
    for (uint64_t i = from; i < to; i++) {
        uint32_t facility = (uint32_t)i;
        if (unheard_is_due(registry, facility, time_ms))
            metrics_print_heard(registry->facilities[facility].id,
                                intake_has_heard(status->conf.intake, facility), body);
    }
}

/* The cursor is the facility that comes next: in the ledger, and then once more in the list of
 * those that were heard. */
static bool on_facilities(void *context, uint64_t *cursor, struct buffer *body)
{
    const struct status *status = context;
    uint64_t count = status->conf.config->registry->facilities_count;
    uint64_t from = *cursor;
    if (from == 0)
        metrics_print_facilities_head(body);
    if (from < count) {
        *cursor = MIN(from + FACILITIES_PER_PIECE, count);
        add_accounts(status, from, *cursor, body);
        return true;
    }
    if (from == count)
        metrics_print_heard_head(body);
    *cursor = MIN(from + FACILITIES_PER_PIECE, 2 * count);
    add_heard(status, from - count, *cursor - count, body);
    return *cursor < 2 * count;
}

static bool on_held(void *context, uint64_t *cursor, struct buffer *body)
{
    const struct status *status = context;
    return held_page_add(status->conf.intake, status->conf.config->registry, cursor, body);
}

static unsigned on_healthz(void *context, struct buffer *body)
{
    struct metrics_source source;
    gather(context, &source);
    return health_print(fatal_of(context), &source, body);
}

static unsigned on_readyz(void *context, struct buffer *body)
{
    struct status *status = context;
    struct metrics_source source;
    gather(status, &source);
    source.unheard = step_unheard(status);
    return health_print_ready(fatal_of(status), &source, body);
}

/* Without a token the pages are there, and no command is taken. */
static const char *find_token(struct status *status, const struct config *config)
{
    const char *token;
    const char *path;
    int err = doors_get_token(config, true, &token, status->token, &path);
    if (err < 0)
        LOG_WARN("status.no_token",
                 "path=\"%s\" error=\"%s\" help=\"no command is taken; remove the file, or set "
                 "http.token_file\"",
                 path, err_str(err));
    return token;
}

int status_create(struct status **status_out, const struct status_conf *conf)
{
    struct status *status = calloc(1, sizeof(*status));
    if (status == NULL)
        return -ENOMEM;
    status->conf = *conf;
    status->started_ms = clock_wall_ms();
    status->resync = (struct resync_page){
        .config = conf->config, .intake = conf->intake, .row_writer = conf->row_writer};
    static const char text[] = "text/plain; charset=utf-8";
    const struct http_handler handlers[PAGES_COUNT] = {
        {.path = "/metrics", .content_type = METRICS_CONTENT_TYPE, .handle = on_metrics},
        {.path = METRICS_FACILITIES_PATH,
         .content_type = METRICS_CONTENT_TYPE,
         .piece = on_facilities},
        {.path = "/held", .content_type = text, .piece = on_held},
        {.path = "/healthz", .content_type = text, .handle = on_healthz},
        {.path = "/readyz", .content_type = text, .handle = on_readyz},
        {.path = "/resync", .content_type = text, .post = resync_post},
    };
    memcpy(status->handlers, handlers, sizeof(handlers));
    for (size_t i = 0; i < PAGES_COUNT; i++)
        status->handlers[i].context = handlers[i].post != NULL ? (void *)&status->resync : status;
    const struct config *config = conf->config;
    if (config->http_host != NULL) {
        const struct http_server_conf http = {.host = config->http_host,
                                              .port = config->http_port,
                                              .allowed_hosts = config->http_allowed_hosts,
                                              .token = find_token(status, config),
                                              .handlers = status->handlers,
                                              .handlers_count = PAGES_COUNT};
        int err = http_create(&status->http, conf->loop, &http);
        if (err < 0) {
            LOG_ERROR("status.listen_failed", "host=%s port=%d error=\"%s\"", config->http_host,
                      config->http_port, err_str(err));
            free(status);
            return err;
        }
        LOG_INFO("status.listening", "host=%s port=%d", config->http_host,
                 http_get_port(status->http));
    }
    *status_out = status;
    return 0;
}

void status_set_fatal(struct status *status, const char *why)
{
    strncpy(status->fatal, why, sizeof(status->fatal) - 1);
}

void status_count_reload_failed(struct status *status)
{
    status->conf.reloads_failed++;
    status->last_reload_failed = true; /* one that succeeds makes a new page */
}

static void on_http_closed(void *context)
{
    struct status *status = context;
    void (*closed)(void *) = status->closed;
    void *closed_context = status->closed_context;
    free(status);
    closed(closed_context);
}

void status_close(struct status *status, void (*closed)(void *context), void *context)
{
    status->closed = closed;
    status->closed_context = context;
    if (status->http != NULL)
        http_close(status->http, on_http_closed, status);
    else
        on_http_closed(status);
}
