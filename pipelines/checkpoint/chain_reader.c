#include "pipelines/checkpoint/chain_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "pipelines/kafka/client.h"

enum {
    SLICE_MESSAGES = 16, /* of 768 KiB each */
    TURN_NS = 2000000,
    TURN_EVENTS_MAX = 16,
    PROGRESS_MS = 30000,
    ENDED_MS = 10000, /* for a new leader that does not know yet how far its log goes */
    RETRY_MS = 1000,
    OUT_OF_RANGE_MAX = 3, /* a new leader may not know all offsets for a moment */
    WHY_BYTES = 2048
};

struct read {
    struct read *next;
    struct chain *chain;
    rd_kafka_queue_t *queue; /* NULL: waits for its turn */
    bool stopped;            /* while its messages are being handled: ends with that */
    uint64_t started_ms, progress_ms, retry_at_ms;
    int out_of_range;
    int64_t ended_at;              /* the log's end, if that came before the chain's; else -1 */
    int64_t log_end;               /* when the chain was complete; -1: not yet known */
    rd_kafka_resp_err_t last_code; /* what may pass, but explains why nothing comes */
};

struct chain_reader {
    const struct config *config;
    uv_async_t *wake;
    chain_read_fn done;
    void *context;
    rd_kafka_t *client;
    rd_kafka_queue_t *events;
    rd_kafka_topic_t *topic;
    struct read *first; /* in the order in which they were asked for */
    struct read *busy;  /* whose messages are being handled */
    uint64_t changes;   /* of the list */
    struct log_limit log_limit;
};

/* ---- the client ---- */

/* Thread: any; librdkafka's. */
static void on_queue_event(rd_kafka_t *client, void *context)
{
    (void)client;
    uv_async_send(context);
}

static int open_client(struct chain_reader *reader, struct buffer *why)
{
    if (reader->client != NULL)
        return 0;
    int err = client_create(&reader->client, &reader->config->kafka, CLIENT_READER, 0, why);
    if (err < 0)
        return err;
    reader->events = rd_kafka_queue_get_main(reader->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(reader->client, reader->events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    rd_kafka_queue_cb_event_enable(reader->events, on_queue_event, reader->wake);
    reader->topic = rd_kafka_topic_new(reader->client, reader->config->checkpoint.topic, NULL);
    return 0;
}

static void serve_events(struct chain_reader *reader)
{
    for (int i = 0; reader->client != NULL && i < TURN_EVENTS_MAX; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(reader->events, 0);
        if (event == NULL)
            return;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG)
            client_log(&reader->log_limit, "checkpoint", event);
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
            char text[CLIENT_ERROR_TEXT_SIZE];
            bool fatal = client_error_is_fatal(reader->client, event, text);
            log_limited(&reader->log_limit, LOG_LEVEL_WARN, "checkpoint.error",
                        "client=reader fatal=%d text=\"%s\"", fatal, text);
        }
        rd_kafka_event_destroy(event);
    }
}

/* ---- one read ---- */

static void pause_read(struct chain_reader *reader, struct read *read)
{
    if (read->queue == NULL)
        return;
    rd_kafka_queue_cb_event_enable(read->queue, NULL, NULL);
    (void)rd_kafka_consume_stop(reader->topic, chain_partition(read->chain));
    rd_kafka_queue_destroy(TAKE(read->queue));
}

static void free_read(struct chain_reader *reader, struct read *read)
{
    pause_read(reader, read);
    chain_destroy(&read->chain);
    free(read);
}

static void unlink_read(struct chain_reader *reader, const struct read *read)
{
    struct read **at = &reader->first;
    while (*at != read)
        at = &(*at)->next;
    *at = read->next;
    reader->changes++;
}

static void end_read(struct chain_reader *reader, struct read *read, int err, const char *why)
{
    unlink_read(reader, read);
    pause_read(reader, read);
    if (!read->stopped)
        reader->done(reader->context, read->chain, read->started_ms, err, why);
    free_read(reader, read);
}

static void begin_read(struct chain_reader *reader, struct read *read, uint64_t now_ms)
{
    if (read->progress_ms == 0)
        read->started_ms = read->progress_ms = now_ms;
    read->retry_at_ms = now_ms + RETRY_MS;
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    int err = open_client(reader, &why);
    if (err < 0)
        log_limited(&reader->log_limit, LOG_LEVEL_WARN, "checkpoint.error",
                    "client=reader text=\"%s\"", err_str(err));
    buffer_fini(&why);
    read->queue = err == 0 ? rd_kafka_queue_new(reader->client) : NULL;
    if (read->queue == NULL)
        return; /* again in a second */
    rd_kafka_queue_cb_event_enable(read->queue, on_queue_event, reader->wake);
    int64_t from =
        chain_is_search(read->chain) ? RD_KAFKA_OFFSET_BEGINNING : chain_base(read->chain);
    if (rd_kafka_consume_start_queue(reader->topic, chain_partition(read->chain), from,
                                     read->queue) == 0)
        return;
    read->last_code = rd_kafka_last_error();
    rd_kafka_queue_cb_event_enable(read->queue, NULL, NULL);
    rd_kafka_queue_destroy(TAKE(read->queue));
}

/* Once the chain is complete, what was in the log at that moment is looked through, no more. */
static bool is_at_end(struct chain_reader *reader, struct read *read, int64_t next)
{
    if (!chain_is_complete(read->chain))
        return false;
    int64_t low;
    int64_t high;
    if (read->log_end < 0 &&
        rd_kafka_get_watermark_offsets(reader->client, reader->config->checkpoint.topic,
                                       chain_partition(read->chain), &low, &high) == 0)
        read->log_end = high;
    return read->log_end >= 0 && next >= read->log_end;
}

/* Returns 1 at the end, 0 to go on, or an error and why. */
static int on_out_of_range(struct chain_reader *reader, struct read *read, uint64_t now_ms,
                           struct buffer *why)
{
    if (++read->out_of_range < OUT_OF_RANGE_MAX && chain_rewind(read->chain)) {
        pause_read(reader, read);
        read->retry_at_ms = now_ms + RETRY_MS;
        return 0;
    }
    buffer_printf(why, "the topic no longer has the record at offset %" PRId64,
                  chain_base(read->chain));
    return ERR_PROTOCOL;
}

static int on_message(struct chain_reader *reader, struct read *read,
                      const rd_kafka_message_t *message, uint64_t now_ms, struct buffer *why)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        break;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        read->ended_at = message->offset;
        return chain_is_complete(read->chain);
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return on_out_of_range(reader, read, now_ms, why);
    default:
        read->last_code = message->err;
        return 0;
    }
    struct chain_message record = {message->offset,  message->key,
                                   message->payload, message->key_len,
                                   message->len,     rd_kafka_message_timestamp(message, NULL)};
    read->progress_ms = now_ms;
    int err = chain_add(read->chain, &record, why);
    return err < 0 ? err : is_at_end(reader, read, message->offset + 1);
}

static void say_why_nothing_came(const struct read *read, struct buffer *why)
{
    buffer_printf(why, "nothing came for %d s", PROGRESS_MS / 1000);
    if (read->last_code != RD_KAFKA_RESP_ERR_NO_ERROR)
        buffer_printf(why, " (%s)", rd_kafka_err2str(read->last_code));
}

static int check_progress(const struct read *read, uint64_t now_ms, struct buffer *why)
{
    bool ended = read->ended_at >= 0 && !chain_is_complete(read->chain);
    if (now_ms < read->progress_ms + (ended ? ENDED_MS : PROGRESS_MS))
        return 0;
    if (!ended) {
        say_why_nothing_came(read, why);
        return -ETIMEDOUT;
    }
    buffer_printf(why, "the topic ends at offset %" PRId64 ", before the record at %" PRId64,
                  read->ended_at, chain_end(read->chain));
    return ERR_PROTOCOL;
}

/* One slice. Returns whether there may be more. */
static bool drain_read(struct chain_reader *reader, struct read *read, uint64_t now_ms)
{
    rd_kafka_message_t *messages[SLICE_MESSAGES];
    ssize_t count = 0;
    if (read->queue != NULL)
        count = rd_kafka_consume_batch_queue(read->queue, 0, messages, SLICE_MESSAGES);
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    reader->busy = read;
    int over = count <= 0 ? check_progress(read, now_ms, &why) : 0;
    for (ssize_t i = 0; i < count; i++) {
        if (over == 0 && !read->stopped && read->queue != NULL)
            over = on_message(reader, read, messages[i], now_ms, &why);
        rd_kafka_message_destroy(messages[i]);
    }
    reader->busy = NULL;
    bool ends = over != 0 || read->stopped;
    if (ends) {
        const char *words = buffer_text(&why);
        end_read(reader, read, over < 0 ? over : 0, words != NULL ? words : "");
    }
    buffer_fini(&why);
    return count == SLICE_MESSAGES;
}

/* ---- all reads ---- */

int chain_reader_start(struct chain_reader *reader, struct chain **chain)
{
    struct read *read = calloc(1, sizeof(*read));
    if (read == NULL)
        return -ENOMEM;
    read->chain = TAKE(*chain);
    read->ended_at = read->log_end = -1;
    struct read **last = &reader->first;
    while (*last != NULL)
        last = &(*last)->next;
    *last = read;
    uv_async_send(reader->wake);
    return 0;
}

void chain_reader_stop(struct chain_reader *reader, int32_t partition)
{
    for (struct read *read = reader->first; read != NULL; read = read->next) {
        if (chain_partition(read->chain) != partition || read->stopped)
            continue;
        read->stopped = true;
        if (read != reader->busy)
            end_read(reader, read, 0, "");
        return;
    }
}

void chain_reader_turn(struct chain_reader *reader, uint64_t now_ms)
{
    serve_events(reader);
    uint64_t until_ns = uv_hrtime() + TURN_NS;
    uint64_t changes = reader->changes;
    struct read *read = reader->first;
    bool more = false;
    for (int i = 0; read != NULL && i < CHAIN_READS_MAX && !more; i++) {
        struct read *next = read->next;
        if (read->queue == NULL && now_ms >= read->retry_at_ms)
            begin_read(reader, read, now_ms);
        more = drain_read(reader, read, now_ms) || uv_hrtime() >= until_ns ||
               reader->changes != changes; /* `next` may be gone */
        read = next;
    }
    if (more)
        uv_async_send(reader->wake);
}

/* ---- life ---- */

int chain_reader_create(struct chain_reader **reader_out, const struct config *config,
                        uv_async_t *wake, chain_read_fn done, void *context)
{
    struct chain_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return -ENOMEM;
    reader->config = config;
    reader->wake = wake;
    reader->done = done;
    reader->context = context;
    *reader_out = reader;
    return 0;
}

void chain_reader_destroy(struct chain_reader **reader)
{
    struct chain_reader *gone = TAKE(*reader);
    if (gone == NULL)
        return;
    ASSERT(gone->busy == NULL);
    while (gone->first != NULL) {
        struct read *read = gone->first;
        gone->first = read->next;
        free_read(gone, read);
    }
    if (gone->client != NULL) {
        rd_kafka_queue_cb_event_enable(gone->events, NULL, NULL);
        rd_kafka_topic_destroy(gone->topic);
        rd_kafka_queue_destroy(gone->events);
        rd_kafka_destroy_flags(gone->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    free(gone);
}
