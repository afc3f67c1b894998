#include "pipelines/kafka/deadletter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "pipelines/kafka/client.h"
#include "pipelines/kafka/letter.h"

enum {
    TICK_MS = 500,
    CLOSING_TICK_MS = 5,
    RETRY_MS = 5000,     /* what failed needs somebody: a topic to be made, a permission given */
    TURN_EVENTS_MAX = 64 /* delivery reports come many to an event */
};

/* Letters of one input partition that are not acknowledged, by offset. */
struct lane {
    struct letter *oldest, *newest;
    struct letter *last; /* that was added, if it is still here */
    int64_t last_offset; /* message whose events came last */
    uint32_t last_count; /* and how many of them */
};

struct deadletter {
    uv_async_t wake;
    uv_timer_t tick;
    int handles_open;
    const struct kafka_conf *conf;
    rd_kafka_t *client;
    rd_kafka_queue_t *events;
    char *topics[3]; /* by topic_of(): dead letters, late events, runs; NULL: those are not sent */
    struct lane *lanes;
    uint32_t lanes_count;
    struct letter_reserve reserve;
    struct letter *retries; /* failed, to be sent again at retry_at_ms */
    uint64_t retry_at_ms;
    bool broken; /* the client has a fatal error and is replaced */
    bool full, closing;
    uint64_t close_at_ms;
    struct deadletter_stats stats, run_stats;
    struct log_limit log_limit, failed_limit;
    void (*on_room)(void *context);
    void *context;
    void (*on_closed)(void *context);
    void *closed_context;
};

/* ---- lanes ---- */

static bool lanes_reach(struct deadletter *deadletter, int32_t partition)
{
    uint32_t need = (uint32_t)partition + 1;
    if (need <= deadletter->lanes_count)
        return true;
    struct lane *lanes = realloc(deadletter->lanes, need * sizeof(*lanes));
    if (lanes == NULL)
        return false;
    memset(lanes + deadletter->lanes_count, 0, (need - deadletter->lanes_count) * sizeof(*lanes));
    deadletter->lanes = lanes;
    deadletter->lanes_count = need;
    return true;
}

/* By offset: behind the one that was added last, but where a partition was rewound. */
static void lane_add(struct lane *lane, struct letter *letter)
{
    struct letter *older = lane->last != NULL ? lane->last : lane->newest;
    while (older != NULL && older->offset > letter->offset)
        older = older->older;
    struct letter *newer = older != NULL ? older->newer : lane->oldest;
    while (newer != NULL && newer->offset <= letter->offset) {
        older = newer;
        newer = newer->newer;
    }
    letter->older = older;
    letter->newer = newer;
    *(older != NULL ? &older->newer : &lane->oldest) = letter;
    *(newer != NULL ? &newer->older : &lane->newest) = letter;
    lane->last = letter;
}

static void lane_remove(struct lane *lane, struct letter *letter)
{
    *(letter->older != NULL ? &letter->older->newer : &lane->oldest) = letter->newer;
    *(letter->newer != NULL ? &letter->newer->older : &lane->newest) = letter->older;
    if (lane->last == letter)
        lane->last = letter->older;
}

static size_t topic_of(const struct letter *letter)
{
    return letter->is_run ? 2 : letter->is_late;
}

static struct deadletter_stats *stats_of(struct deadletter *deadletter, const struct letter *letter)
{
    return letter->is_run ? &deadletter->run_stats : &deadletter->stats;
}

/* Letters and runs share the room. */
static uint64_t count_waiting(const struct deadletter *deadletter)
{
    return deadletter->stats.waiting + deadletter->run_stats.waiting;
}

static uint64_t count_waiting_bytes(const struct deadletter *deadletter)
{
    return deadletter->stats.waiting_bytes + deadletter->run_stats.waiting_bytes;
}

static size_t letter_cost(const struct letter *letter)
{
    return letter->key_size + letter->size;
}

int64_t deadletter_low_offset(const struct deadletter *deadletter, int32_t partition)
{
    if (partition < 0 || (uint32_t)partition >= deadletter->lanes_count)
        return INT64_MAX;
    const struct letter *oldest = deadletter->lanes[partition].oldest;
    return oldest != NULL ? oldest->offset : INT64_MAX;
}

/* ---- sending ---- */

static void add_retry(struct deadletter *deadletter, struct letter *letter)
{
    uint64_t now_ms = uv_now(deadletter->tick.loop);
    if (deadletter->retries == NULL)
        deadletter->retry_at_ms = now_ms + RETRY_MS;
    letter->next_retry = deadletter->retries;
    deadletter->retries = letter;
}

/* It stays unacknowledged, so that its offset is not committed, and is sent again: somebody has to
 * make the topic or allow writing to it. What is too large for the topic is cut at once. */
static void on_failure(struct deadletter *deadletter, struct letter *letter,
                       rd_kafka_resp_err_t code)
{
    struct deadletter_stats *stats = stats_of(deadletter, letter);
    stats->failed++;
    bool too_large =
        code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !letter->is_cut && !letter->is_run;
    log_limited(&deadletter->failed_limit, LOG_LEVEL_ERROR,
                letter->is_run ? "rekey.failed" : "deadletter.failed",
                "topic=%s partition=%" PRId32 " offset=%" PRId64 " error=%s bytes=%zu action=%s",
                deadletter->topics[topic_of(letter)], letter->partition, letter->offset,
                rd_kafka_err2name(code), letter->size, too_large ? "truncate" : "retry");
    if (letter->headers == NULL)
        return; /* out of memory: it holds the commits back, and comes again after a restart */
    add_retry(deadletter, letter);
    if (!too_large)
        return;
    stats->waiting_bytes -= letter->size;
    letter_cut(letter);
    stats->waiting_bytes += letter->size;
    deadletter->retry_at_ms = 0;
}

/* The client's own queue is larger than ours: it is never full before. */
static void try_letter(struct deadletter *deadletter, struct letter *letter)
{
    rd_kafka_resp_err_t code =
        letter_send(letter, deadletter->client, deadletter->topics[topic_of(letter)]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        on_failure(deadletter, letter, code);
}

static void send_retries(struct deadletter *deadletter)
{
    struct letter *list = TAKE(deadletter->retries);
    while (list != NULL) {
        struct letter *letter = list;
        list = letter->next_retry;
        letter->next_retry = NULL;
        try_letter(deadletter, letter);
    }
}

bool deadletter_has_room(struct deadletter *deadletter, size_t messages, size_t bytes)
{
    uint64_t waiting = count_waiting(deadletter);
    size_t by_messages = messages * (DEADLETTERS_PER_MESSAGE_MAX + 1);
    size_t by_bytes = bytes / 2 + messages; /* no event of an array is shorter than "0," */
    size_t letters = by_messages < by_bytes ? by_messages : by_bytes;
    size_t body = 2 * bytes; /* an event alone, and once more within its message */
    bool fits = waiting + letters <= DEADLETTERS_MAX &&
                (waiting == 0 || count_waiting_bytes(deadletter) + body <= DEADLETTER_BYTES_MAX);
    deadletter->full |= !fits;
    return fits;
}

int deadletter_reserve(struct deadletter *deadletter, int32_t partition, size_t bytes)
{
    int err = lanes_reach(deadletter, partition) ? 0 : -ENOMEM;
    if (err == 0)
        err = letter_reserve_grow(&deadletter->reserve, bytes);
    deadletter->full |= err < 0;
    return err;
}

struct letter_reserve *deadletter_get_reserve(struct deadletter *deadletter)
{
    return &deadletter->reserve;
}

/* Which of a message's events this is: 1, 2, 3 ... */
static uint32_t count_event(struct lane *lane, int64_t offset)
{
    if (lane->last_count == 0 || lane->last_offset != offset)
        lane->last_count = 0;
    lane->last_offset = offset;
    return ++lane->last_count;
}

static void take_on(struct deadletter *deadletter, struct letter *letter)
{
    struct deadletter_stats *stats = stats_of(deadletter, letter);
    lane_add(&deadletter->lanes[letter->partition], letter);
    stats->sent++;
    stats->waiting++;
    stats->waiting_bytes += letter_cost(letter);
    stats->bytes += letter->size;
    if (deadletter->broken)
        add_retry(deadletter, letter);
    else
        try_letter(deadletter, letter);
}

int deadletter_send(struct deadletter *deadletter, const rd_kafka_message_t *message,
                    const struct refusal *refusal)
{
    if (deadletter->topics[refusal->outcome == OUTCOME_LATE] == NULL)
        return 0;
    if (count_waiting(deadletter) == DEADLETTERS_MAX || deadletter->closing) {
        deadletter->full = true;
        return ERR_FULL;
    }
    if (!lanes_reach(deadletter, message->partition))
        return -ENOMEM;
    struct lane *lane = &deadletter->lanes[message->partition];
    uint32_t number = count_event(lane, message->offset);
    if (number > DEADLETTERS_PER_MESSAGE_MAX + 1)
        return 0; /* the whole message is on its way */
    struct letter *letter =
        letter_create(&deadletter->reserve, message, refusal, number > DEADLETTERS_PER_MESSAGE_MAX);
    if (letter == NULL) {
        lane->last_count--;
        return -ENOMEM;
    }
    take_on(deadletter, letter);
    return 0;
}

/* Who sends a letter has made sure of the room for its bytes; who sends a run learns it here. */
static bool has_place(const struct deadletter *deadletter, const struct letter *letter)
{
    uint64_t waiting = count_waiting(deadletter);
    if (waiting == DEADLETTERS_MAX || deadletter->closing)
        return false;
    return !letter->is_run || waiting == 0 ||
           count_waiting_bytes(deadletter) + letter_cost(letter) <= DEADLETTER_BYTES_MAX;
}

int deadletter_post(struct deadletter *deadletter, struct letter **letter)
{
    if (deadletter->topics[topic_of(*letter)] == NULL) {
        letter_destroy(TAKE(*letter));
        return 0;
    }
    if (!has_place(deadletter, *letter)) {
        deadletter->full = true;
        return ERR_FULL;
    }
    if (!lanes_reach(deadletter, (*letter)->partition))
        return -ENOMEM;
    take_on(deadletter, TAKE(*letter));
    return 0;
}

/* ---- delivery reports ---- */

static void drop_letter(struct deadletter *deadletter, struct letter *letter)
{
    struct deadletter_stats *stats = stats_of(deadletter, letter);
    lane_remove(&deadletter->lanes[letter->partition], letter);
    stats->waiting--;
    stats->waiting_bytes -= letter_cost(letter);
    letter_destroy(letter);
}

static void on_reports(struct deadletter *deadletter, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *report;
    while ((report = rd_kafka_event_message_next(event)) != NULL) {
        struct letter *letter = report->_private;
        if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            stats_of(deadletter, letter)->acknowledged++;
            drop_letter(deadletter, letter);
            continue;
        }
        letter_recover(letter, report);
        on_failure(deadletter, letter, report->err);
    }
}

static void on_error(struct deadletter *deadletter, rd_kafka_event_t *event)
{
    char text[CLIENT_ERROR_TEXT_SIZE];
    bool fatal = client_error_is_fatal(deadletter->client, event, text);
    log_limited(&deadletter->log_limit, fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
                "deadletter.error", "fatal=%d text=\"%s\"", fatal, text);
    deadletter->broken |= fatal;
}

static void serve_events(struct deadletter *deadletter)
{
    for (int i = 0; i < TURN_EVENTS_MAX; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(deadletter->events, 0);
        if (event == NULL)
            return;
        switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_DR:
            on_reports(deadletter, event);
            break;
        case RD_KAFKA_EVENT_ERROR:
            on_error(deadletter, event);
            break;
        case RD_KAFKA_EVENT_LOG:
            client_log(&deadletter->log_limit, "deadletter", event);
            break;
        default:
            break;
        }
        rd_kafka_event_destroy(event);
    }
    uv_async_send(&deadletter->wake); /* more than a turn's work */
}

/* ---- turns ---- */

/* Thread: any; librdkafka's. */
static void on_queue_event(rd_kafka_t *client, void *context)
{
    (void)client;
    uv_async_send(context);
}

static int open_client(struct deadletter *deadletter, struct buffer *why)
{
    int err = client_create(&deadletter->client, deadletter->conf, CLIENT_PRODUCER,
                            RD_KAFKA_EVENT_DR, why);
    if (err < 0)
        return err;
    deadletter->events = rd_kafka_queue_get_main(deadletter->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(deadletter->client, deadletter->events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    return 0;
}

/* What was there before raises no event: the next tick finds it. */
static void enable_wake(struct deadletter *deadletter)
{
    rd_kafka_queue_cb_event_enable(deadletter->events, on_queue_event, &deadletter->wake);
}

/* Afterwards nobody borrows a letter's body. */
static void close_client(struct deadletter *deadletter)
{
    if (deadletter->client == NULL)
        return;
    rd_kafka_queue_cb_event_enable(deadletter->events, NULL, NULL);
    rd_kafka_queue_destroy(TAKE(deadletter->events));
    rd_kafka_destroy(TAKE(deadletter->client));
}

/* After a fatal error the client gives back what it has, and a new one sends it again. */
static void replace_client(struct deadletter *deadletter)
{
    if (deadletter->client != NULL) {
        rd_kafka_purge(deadletter->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                               RD_KAFKA_PURGE_F_NON_BLOCKING);
        if (rd_kafka_outq_len(deadletter->client) > 0)
            return; /* reports are still to come */
    }
    struct buffer why;
    buffer_init(&why, 4096);
    close_client(deadletter);
    int err = open_client(deadletter, &why);
    buffer_fini(&why);
    if (err < 0)
        return; /* out of memory: the next tick tries again */
    enable_wake(deadletter);
    deadletter->broken = false;
    deadletter->retry_at_ms = 0;
}

static void step_close(struct deadletter *deadletter);

static void deadletter_turn(struct deadletter *deadletter)
{
    if (deadletter->client != NULL)
        serve_events(deadletter);
    if (deadletter->closing) {
        step_close(deadletter);
        return;
    }
    bool roomy = count_waiting(deadletter) <= DEADLETTERS_MAX / 4 &&
                 count_waiting_bytes(deadletter) <= DEADLETTER_BYTES_MAX / 4;
    if (deadletter->full && roomy) {
        deadletter->full = false;
        deadletter->on_room(deadletter->context);
    }
}

static void on_wake(uv_async_t *wake)
{
    deadletter_turn(wake->data);
}

static void on_tick(uv_timer_t *timer)
{
    struct deadletter *deadletter = timer->data;
    if (deadletter->broken)
        replace_client(deadletter);
    bool due = uv_now(timer->loop) >= deadletter->retry_at_ms;
    if (deadletter->retries != NULL && due && !deadletter->broken)
        send_retries(deadletter);
    deadletter_turn(deadletter);
}

/* ---- life ---- */

static void deadletter_free(struct deadletter *deadletter)
{
    for (uint32_t i = 0; i < deadletter->lanes_count; i++)
        while (deadletter->lanes[i].oldest != NULL)
            drop_letter(deadletter, deadletter->lanes[i].oldest);
    free(deadletter->lanes);
    letter_reserve_fini(&deadletter->reserve);
    for (size_t i = 0; i < ARRAY_LEN(deadletter->topics); i++)
        free(deadletter->topics[i]);
    free(deadletter);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct deadletter *deadletter = handle->data;
    if (--deadletter->handles_open > 0)
        return;
    void (*on_closed)(void *context) = deadletter->on_closed;
    void *context = deadletter->closed_context;
    deadletter_free(deadletter);
    on_closed(context);
}

static void step_close(struct deadletter *deadletter)
{
    bool over = uv_now(deadletter->tick.loop) >= deadletter->close_at_ms;
    if (uv_is_closing((uv_handle_t *)&deadletter->tick) || (count_waiting(deadletter) > 0 && !over))
        return;
    if (deadletter->stats.waiting > 0)
        LOG_ERROR("deadletter.undelivered", "events=%" PRIu64 " bytes=%" PRIu64,
                  deadletter->stats.waiting, deadletter->stats.waiting_bytes);
    if (deadletter->run_stats.waiting > 0)
        LOG_WARN("rekey.undelivered", "runs=%" PRIu64 " hint=\"they are sent by the next owner\"",
                 deadletter->run_stats.waiting);
    close_client(deadletter);
    uv_close((uv_handle_t *)&deadletter->wake, on_handle_closed);
    uv_close((uv_handle_t *)&deadletter->tick, on_handle_closed);
}

void deadletter_close(struct deadletter *deadletter, int64_t timeout_ms,
                      void (*closed)(void *context), void *context)
{
    uint64_t now_ms = uv_now(deadletter->tick.loop);
    deadletter->closing = true;
    deadletter->close_at_ms = now_ms + (uint64_t)timeout_ms;
    deadletter->retry_at_ms = 0; /* one more try */
    deadletter->on_closed = closed;
    deadletter->closed_context = context;
    uv_timer_start(&deadletter->tick, on_tick, 0, CLOSING_TICK_MS);
}

static int copy_topics(struct deadletter *deadletter, const struct kafka_conf *conf)
{
    const char *const names[] = {conf->dead_letter_topic, conf->late_topic, conf->rekey_topic};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] == NULL || names[i][0] == '\0')
            continue;
        deadletter->topics[i] = strdup(names[i]);
        if (deadletter->topics[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

int deadletter_create(struct deadletter **deadletter_out, uv_loop_t *loop,
                      const struct kafka_conf *conf, void (*on_room)(void *context), void *context,
                      struct buffer *why)
{
    struct deadletter *deadletter = calloc(1, sizeof(*deadletter));
    if (deadletter == NULL)
        return -ENOMEM;
    deadletter->conf = conf;
    deadletter->on_room = on_room;
    deadletter->context = context;
    int err = copy_topics(deadletter, conf);
    if (err < 0)
        goto fail;
    err = open_client(deadletter, why);
    if (err < 0)
        goto fail;
    err = uv_async_init(loop, &deadletter->wake, on_wake); /* last: only uv_close() undoes it */
    if (err < 0)
        goto fail;
    uv_timer_init(loop, &deadletter->tick); /* cannot fail */
    uv_timer_start(&deadletter->tick, on_tick, TICK_MS, TICK_MS);
    deadletter->wake.data = deadletter->tick.data = deadletter;
    deadletter->handles_open = 2;
    enable_wake(deadletter);
    *deadletter_out = deadletter;
    return 0;

fail:
    close_client(deadletter);
    deadletter_free(deadletter);
    return err;
}

const struct deadletter_stats *deadletter_get_stats(const struct deadletter *deadletter)
{
    return &deadletter->stats;
}

const struct deadletter_stats *deadletter_get_run_stats(const struct deadletter *deadletter)
{
    return &deadletter->run_stats;
}
