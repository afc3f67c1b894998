#include "pipelines/kafka/producer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "pipelines/kafka/client.h"
#include "pipelines/kafka/outgoing.h"

enum {
    TICK_MS = 500,
    CLOSING_TICK_MS = 5,
    RETRY_MS = 5000,     /* a failure needs an operator: a topic to be made, a permission given */
    TURN_EVENTS_MAX = 64 /* delivery reports come many to an event */
};

/* Records made of messages of one partition that are not acknowledged, by offset. */
struct unacknowledged {
    struct outgoing *oldest, *newest;
    struct outgoing *last; /* that was added, if it is still here */
};

struct producer {
    uv_async_t wake;
    uv_timer_t tick;
    int handles_open;
    const struct kafka_conf *conf;
    rd_kafka_t *client;
    rd_kafka_queue_t *events;
    char *topics[OUTGOING_KINDS_COUNT]; /* NULL: those are not sent */
    struct unacknowledged *unacknowledged;
    uint32_t unacknowledged_count;
    struct outgoing_reserve reserve;
    struct outgoing *retries; /* failed, to be sent again at retry_at_ms */
    uint64_t retry_at_ms;
    bool broken; /* the client has a fatal error and is replaced */
    bool full, closing;
    uint64_t close_at_ms;
    struct producer_stats letter_stats, run_stats;
    struct log_limit log_limit, failed_limit;
    void (*on_room)(void *context);
    void *context;
    void (*on_closed)(void *context);
    void *closed_context;
};

/* ---- unacknowledged ---- */

static bool unacknowledged_reach(struct producer *producer, int32_t partition)
{
    uint32_t need = (uint32_t)partition + 1;
    if (need <= producer->unacknowledged_count)
        return true;
    struct unacknowledged *unacknowledged =
        realloc(producer->unacknowledged, need * sizeof(*unacknowledged));
    if (unacknowledged == NULL)
        return false;
    memset(unacknowledged + producer->unacknowledged_count, 0,
           (need - producer->unacknowledged_count) * sizeof(*unacknowledged));
    producer->unacknowledged = unacknowledged;
    producer->unacknowledged_count = need;
    return true;
}

/* By offset: behind the one that was added last, but where a partition was rewound. */
static void unacknowledged_add(struct unacknowledged *unacknowledged, struct outgoing *outgoing)
{
    struct outgoing *older =
        unacknowledged->last != NULL ? unacknowledged->last : unacknowledged->newest;
    while (older != NULL && older->offset > outgoing->offset)
        older = older->older;
    struct outgoing *newer = older != NULL ? older->newer : unacknowledged->oldest;
    while (newer != NULL && newer->offset <= outgoing->offset) {
        older = newer;
        newer = newer->newer;
    }
    outgoing->older = older;
    outgoing->newer = newer;
    *(older != NULL ? &older->newer : &unacknowledged->oldest) = outgoing;
    *(newer != NULL ? &newer->older : &unacknowledged->newest) = outgoing;
    unacknowledged->last = outgoing;
}

static void unacknowledged_remove(struct unacknowledged *unacknowledged, struct outgoing *outgoing)
{
    *(outgoing->older != NULL ? &outgoing->older->newer : &unacknowledged->oldest) =
        outgoing->newer;
    *(outgoing->newer != NULL ? &outgoing->newer->older : &unacknowledged->newest) =
        outgoing->older;
    if (unacknowledged->last == outgoing)
        unacknowledged->last = outgoing->older;
}

static struct producer_stats *stats_of(struct producer *producer, const struct outgoing *outgoing)
{
    return outgoing->kind == OUTGOING_RUN ? &producer->run_stats : &producer->letter_stats;
}

/* Dead letters and runs share the room. */
static uint64_t count_waiting(const struct producer *producer)
{
    return producer->letter_stats.waiting + producer->run_stats.waiting;
}

static uint64_t count_waiting_bytes(const struct producer *producer)
{
    return producer->letter_stats.waiting_bytes + producer->run_stats.waiting_bytes;
}

int64_t producer_low_offset(const struct producer *producer, int32_t partition)
{
    if (partition < 0 || (uint32_t)partition >= producer->unacknowledged_count)
        return INT64_MAX;
    const struct outgoing *oldest = producer->unacknowledged[partition].oldest;
    return oldest != NULL ? oldest->offset : INT64_MAX;
}

/* ---- sending ---- */

static void add_retry(struct producer *producer, struct outgoing *outgoing)
{
    uint64_t now_ms = uv_now(producer->tick.loop);
    if (producer->retries == NULL)
        producer->retry_at_ms = now_ms + RETRY_MS;
    outgoing->next_retry = producer->retries;
    producer->retries = outgoing;
}

/* It stays unacknowledged, so that its offset is not committed, and is sent again: an operator has
 * to make the topic or allow writing to it. A letter that is too large for the topic is cut at
 * once. */
static void on_failure(struct producer *producer, struct outgoing *outgoing,
                       rd_kafka_resp_err_t code)
{
    struct producer_stats *stats = stats_of(producer, outgoing);
    stats->failed++;
    bool too_large = code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !outgoing->is_cut &&
                     outgoing->kind != OUTGOING_RUN;
    log_limited(&producer->failed_limit, LOG_LEVEL_ERROR,
                outgoing->kind == OUTGOING_RUN ? "rekey.failed" : "deadletter.failed",
                "topic=%s partition=%" PRId32 " offset=%" PRId64 " error=%s bytes=%zu action=%s",
                producer->topics[outgoing->kind], outgoing->partition, outgoing->offset,
                rd_kafka_err2name(code), outgoing->size, too_large ? "truncate" : "retry");
    if (outgoing->headers == NULL)
        return; /* out of memory: it holds the commits back, and comes again after a restart */
    add_retry(producer, outgoing);
    if (!too_large)
        return;
    stats->waiting_bytes -= outgoing->size;
    outgoing_cut(outgoing);
    stats->waiting_bytes += outgoing->size;
    producer->retry_at_ms = 0;
}

/* The client's own queue is larger than ours: it is never full before. */
static void try_sending(struct producer *producer, struct outgoing *outgoing)
{
    rd_kafka_resp_err_t code =
        outgoing_send(outgoing, producer->client, producer->topics[outgoing->kind]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        on_failure(producer, outgoing, code);
}

static void send_retries(struct producer *producer)
{
    struct outgoing *list = TAKE(producer->retries);
    while (list != NULL) {
        struct outgoing *outgoing = list;
        list = outgoing->next_retry;
        outgoing->next_retry = NULL;
        try_sending(producer, outgoing);
    }
}

bool producer_has_room(struct producer *producer, size_t records, size_t bytes)
{
    uint64_t waiting = count_waiting(producer);
    bool fits = waiting + records <= PRODUCER_RECORDS_MAX &&
                (waiting == 0 || count_waiting_bytes(producer) + bytes <= PRODUCER_BYTES_MAX);
    producer->full |= !fits;
    return fits;
}

static void take_on(struct producer *producer, struct outgoing *outgoing)
{
    struct producer_stats *stats = stats_of(producer, outgoing);
    ASSERT(count_waiting(producer) < PRODUCER_RECORDS_MAX && outgoing->next_retry == NULL);
    unacknowledged_add(&producer->unacknowledged[outgoing->partition], outgoing);
    stats->sent++;
    stats->waiting++;
    stats->waiting_bytes += outgoing_cost(outgoing);
    stats->bytes += outgoing->size;
    if (producer->broken)
        add_retry(producer, outgoing);
    else
        try_sending(producer, outgoing);
}

int producer_reserve(struct producer *producer, int32_t partition, size_t bytes)
{
    int err = unacknowledged_reach(producer, partition) ? 0 : -ENOMEM;
    if (err == 0)
        err = outgoing_reserve_grow(&producer->reserve, bytes);
    producer->full |= err < 0;
    return err;
}

struct outgoing_reserve *producer_get_reserve(struct producer *producer)
{
    return &producer->reserve;
}

void producer_ask_for_room(struct producer *producer)
{
    producer->full = true;
}

bool producer_sends(const struct producer *producer, enum outgoing_kind kind)
{
    return producer->topics[kind] != NULL;
}

bool producer_takes(struct producer *producer)
{
    bool takes = count_waiting(producer) < PRODUCER_RECORDS_MAX && !producer->closing;
    producer->full |= !takes;
    return takes;
}

/* The room for the bytes of a letter was made sure of before; a run learns it here. */
static bool has_place(const struct producer *producer, const struct outgoing *outgoing)
{
    uint64_t waiting = count_waiting(producer);
    if (waiting == PRODUCER_RECORDS_MAX || producer->closing)
        return false;
    return outgoing->kind != OUTGOING_RUN || waiting == 0 ||
           count_waiting_bytes(producer) + outgoing_cost(outgoing) <= PRODUCER_BYTES_MAX;
}

int producer_send(struct producer *producer, struct outgoing **outgoing)
{
    if (!producer_sends(producer, (*outgoing)->kind)) {
        outgoing_destroy(TAKE(*outgoing));
        return 0;
    }
    if (!has_place(producer, *outgoing)) {
        producer->full = true;
        return ERR_FULL;
    }
    if (!unacknowledged_reach(producer, (*outgoing)->partition))
        return -ENOMEM;
    take_on(producer, TAKE(*outgoing));
    return 0;
}

/* ---- delivery reports ---- */

static void drop_record(struct producer *producer, struct outgoing *outgoing)
{
    struct producer_stats *stats = stats_of(producer, outgoing);
    ASSERT(stats->waiting > 0 && stats->waiting_bytes >= outgoing_cost(outgoing));
    unacknowledged_remove(&producer->unacknowledged[outgoing->partition], outgoing);
    stats->waiting--;
    stats->waiting_bytes -= outgoing_cost(outgoing);
    outgoing_destroy(outgoing);
}

static void on_reports(struct producer *producer, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *report;
    while ((report = rd_kafka_event_message_next(event)) != NULL) {
        struct outgoing *outgoing = report->_private;
        if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            stats_of(producer, outgoing)->acknowledged++;
            drop_record(producer, outgoing);
            continue;
        }
        outgoing_recover(outgoing, report);
        on_failure(producer, outgoing, report->err);
    }
}

static void on_error(struct producer *producer, rd_kafka_event_t *event)
{
    char text[CLIENT_ERROR_TEXT_SIZE];
    bool fatal = client_error_is_fatal(producer->client, event, text);
    log_limited(&producer->log_limit, fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "deadletter.error",
                "fatal=%d text=\"%s\"", fatal, text);
    producer->broken |= fatal;
}

static void serve_events(struct producer *producer)
{
    for (int i = 0; i < TURN_EVENTS_MAX; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(producer->events, 0);
        if (event == NULL)
            return;
        switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_DR:
            on_reports(producer, event);
            break;
        case RD_KAFKA_EVENT_ERROR:
            on_error(producer, event);
            break;
        case RD_KAFKA_EVENT_LOG:
            client_log(&producer->log_limit, "deadletter", event);
            break;
        default:
            break;
        }
        rd_kafka_event_destroy(event);
    }
    uv_async_send(&producer->wake); /* more than a turn's work */
}

/* ---- turns ---- */

/* Thread: any; librdkafka's. */
static void on_queue_event(rd_kafka_t *client, void *context)
{
    (void)client;
    uv_async_send(context);
}

static int open_client(struct producer *producer, struct buffer *why)
{
    int err =
        client_create(&producer->client, producer->conf, CLIENT_PRODUCER, RD_KAFKA_EVENT_DR, why);
    if (err < 0)
        return err;
    producer->events = rd_kafka_queue_get_main(producer->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(producer->client, producer->events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    return 0;
}

/* Reports that were there before raise no event: the next tick finds them. */
static void enable_wake(struct producer *producer)
{
    rd_kafka_queue_cb_event_enable(producer->events, on_queue_event, &producer->wake);
}

/* Afterwards the client borrows no bytes of a record. */
static void close_client(struct producer *producer)
{
    if (producer->client == NULL)
        return;
    rd_kafka_queue_cb_event_enable(producer->events, NULL, NULL);
    rd_kafka_queue_destroy(TAKE(producer->events));
    rd_kafka_destroy(TAKE(producer->client));
}

/* After a fatal error the client gives back what it has, and a new one sends it again. */
static void replace_client(struct producer *producer)
{
    if (producer->client != NULL) {
        rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                             RD_KAFKA_PURGE_F_NON_BLOCKING);
        if (rd_kafka_outq_len(producer->client) > 0)
            return; /* reports are still to come */
    }
    struct buffer why;
    buffer_init(&why, 4096);
    close_client(producer);
    int err = open_client(producer, &why);
    buffer_fini(&why);
    if (err < 0)
        return; /* out of memory: the next tick tries again */
    enable_wake(producer);
    producer->broken = false;
    producer->retry_at_ms = 0;
}

static void step_close(struct producer *producer);

static void producer_turn(struct producer *producer)
{
    if (producer->client != NULL)
        serve_events(producer);
    if (producer->closing) {
        step_close(producer);
        return;
    }
    bool roomy = count_waiting(producer) <= PRODUCER_RECORDS_MAX / 4 &&
                 count_waiting_bytes(producer) <= PRODUCER_BYTES_MAX / 4;
    if (producer->full && roomy) {
        producer->full = false;
        producer->on_room(producer->context);
    }
}

static void on_wake(uv_async_t *wake)
{
    producer_turn(wake->data);
}

static void on_tick(uv_timer_t *timer)
{
    struct producer *producer = timer->data;
    if (producer->broken)
        replace_client(producer);
    bool due = uv_now(timer->loop) >= producer->retry_at_ms;
    if (producer->retries != NULL && due && !producer->broken)
        send_retries(producer);
    producer_turn(producer);
}

/* ---- life ---- */

static void producer_free(struct producer *producer)
{
    for (uint32_t i = 0; i < producer->unacknowledged_count; i++)
        while (producer->unacknowledged[i].oldest != NULL)
            drop_record(producer, producer->unacknowledged[i].oldest);
    free(producer->unacknowledged);
    outgoing_reserve_fini(&producer->reserve);
    for (size_t i = 0; i < ARRAY_LEN(producer->topics); i++)
        free(producer->topics[i]);
    free(producer);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct producer *producer = handle->data;
    ASSERT(producer->handles_open > 0);
    if (--producer->handles_open > 0)
        return;
    void (*on_closed)(void *context) = producer->on_closed;
    void *context = producer->closed_context;
    producer_free(producer);
    on_closed(context);
}

static void step_close(struct producer *producer)
{
    bool over = uv_now(producer->tick.loop) >= producer->close_at_ms;
    if (uv_is_closing((uv_handle_t *)&producer->tick) || (count_waiting(producer) > 0 && !over))
        return;
    if (producer->letter_stats.waiting > 0)
        LOG_ERROR("deadletter.undelivered", "events=%" PRIu64 " bytes=%" PRIu64,
                  producer->letter_stats.waiting, producer->letter_stats.waiting_bytes);
    if (producer->run_stats.waiting > 0)
        LOG_WARN("rekey.undelivered", "runs=%" PRIu64 " hint=\"the next owner sends them\"",
                 producer->run_stats.waiting);
    close_client(producer);
    uv_close((uv_handle_t *)&producer->wake, on_handle_closed);
    uv_close((uv_handle_t *)&producer->tick, on_handle_closed);
}

void producer_close(struct producer *producer, int64_t timeout_ms, void (*closed)(void *context),
                    void *context)
{
    uint64_t now_ms = uv_now(producer->tick.loop);
    producer->closing = true;
    producer->close_at_ms = now_ms + (uint64_t)timeout_ms;
    producer->retry_at_ms = 0; /* one more try */
    producer->on_closed = closed;
    producer->closed_context = context;
    uv_timer_start(&producer->tick, on_tick, 0, CLOSING_TICK_MS);
}

static int copy_topics(struct producer *producer, const struct kafka_conf *conf)
{
    const char *const names[] = {[OUTGOING_DEAD_LETTER] = conf->dead_letter_topic,
                                 [OUTGOING_LATE_LETTER] = conf->late_topic,
                                 [OUTGOING_RUN] = conf->rekey_topic};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] == NULL || names[i][0] == '\0')
            continue;
        producer->topics[i] = strdup(names[i]);
        if (producer->topics[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

int producer_create(struct producer **producer_out, uv_loop_t *loop, const struct kafka_conf *conf,
                    void (*on_room)(void *context), void *context, struct buffer *why)
{
    struct producer *producer = calloc(1, sizeof(*producer));
    if (producer == NULL)
        return -ENOMEM;
    producer->conf = conf;
    producer->on_room = on_room;
    producer->context = context;
    int err = copy_topics(producer, conf);
    if (err < 0)
        goto fail;
    err = open_client(producer, why);
    if (err < 0)
        goto fail;
    err = uv_async_init(loop, &producer->wake, on_wake); /* last: only uv_close() undoes it */
    if (err < 0)
        goto fail;
    uv_timer_init(loop, &producer->tick); /* cannot fail */
    uv_timer_start(&producer->tick, on_tick, TICK_MS, TICK_MS);
    producer->wake.data = producer->tick.data = producer;
    producer->handles_open = 2;
    enable_wake(producer);
    *producer_out = producer;
    return 0;

fail:
    close_client(producer);
    producer_free(producer);
    return err;
}

/* Adds the records of one partition to what waits of each kind. */
static void check_unacknowledged(const struct unacknowledged *unacknowledged,
                                 struct producer_stats *letters, struct producer_stats *runs)
{
    const struct outgoing *older = NULL;
    bool last_is_here = unacknowledged->last == NULL;
    for (const struct outgoing *at = unacknowledged->oldest; at != NULL; at = at->newer) {
        ASSERT(at->older == older);
        ASSERT(older == NULL || older->offset <= at->offset);
        struct producer_stats *stats = at->kind == OUTGOING_RUN ? runs : letters;
        stats->waiting++;
        stats->waiting_bytes += outgoing_cost(at);
        last_is_here |= at == unacknowledged->last;
        older = at;
    }
    ASSERT(last_is_here && unacknowledged->newest == older);
}

void producer_check(const struct producer *producer)
{
    struct producer_stats letters = {0};
    struct producer_stats runs = {0};
    for (uint32_t i = 0; i < producer->unacknowledged_count; i++)
        check_unacknowledged(&producer->unacknowledged[i], &letters, &runs);
    ASSERT(producer->letter_stats.waiting == letters.waiting);
    ASSERT(producer->letter_stats.waiting_bytes == letters.waiting_bytes);
    ASSERT(producer->run_stats.waiting == runs.waiting);
    ASSERT(producer->run_stats.waiting_bytes == runs.waiting_bytes);
    uint64_t retries = 0;
    for (const struct outgoing *at = producer->retries; at != NULL; at = at->next_retry)
        retries++;
    ASSERT(retries <= letters.waiting + runs.waiting);
    ASSERT(letters.waiting + runs.waiting <= PRODUCER_RECORDS_MAX);
}

const struct producer_stats *producer_get_letter_stats(const struct producer *producer)
{
    return &producer->letter_stats;
}

const struct producer_stats *producer_get_run_stats(const struct producer *producer)
{
    return &producer->run_stats;
}
