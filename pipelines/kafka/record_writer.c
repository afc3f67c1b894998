#include "pipelines/kafka/record_writer.h"

#include <errno.h>
#include <stdlib.h>

enum {
    TURN_EVENTS_MAX = 16, /* delivery reports come many to an event */
    REOPEN_MS = 1000
};

struct record_writer {
    struct record_writer_conf conf;
    rd_kafka_t *client; /* NULL after a fatal error, until reopen_at_ms */
    rd_kafka_queue_t *events;
    bool broken;
    uint64_t reopen_at_ms;
    struct shipment *oldest, *newest; /* under way */
    struct shipment *failed;          /* to be reported by the next turn, by `newer` */
    struct shipment *reporting;       /* the rest of those, within a turn */
    size_t waiting, waiting_records;
    struct log_limit log_limit;
};

/* ---- shipments ---- */

struct shipment *shipment_create(size_t key_size, size_t size)
{
    struct shipment *shipment = calloc(1, sizeof(*shipment) + key_size + size);
    if (shipment == NULL)
        return NULL;
    shipment->key_size = key_size;
    shipment->size = size;
    return shipment;
}

static void add(struct record_writer *writer, struct shipment *shipment)
{
    shipment->older = writer->newest;
    shipment->newer = NULL;
    *(writer->newest != NULL ? &writer->newest->newer : &writer->oldest) = shipment;
    writer->newest = shipment;
}

static void take_out(struct record_writer *writer, struct shipment *shipment)
{
    *(shipment->older != NULL ? &shipment->older->newer : &writer->oldest) = shipment->newer;
    *(shipment->newer != NULL ? &shipment->newer->older : &writer->newest) = shipment->older;
}

/* From under way to failed. */
static void fail(struct record_writer *writer, struct shipment *shipment, rd_kafka_resp_err_t code)
{
    take_out(writer, shipment);
    shipment->code = code;
    struct shipment **last = &writer->failed;
    while (*last != NULL)
        last = &(*last)->newer;
    shipment->newer = NULL;
    *last = shipment;
}

void record_writer_send(struct record_writer *writer, struct shipment **shipment)
{
    struct shipment *sent = TAKE(*shipment);
    ASSERT(sent->newer == NULL && sent->older == NULL); /* in no list */
    add(writer, sent);
    writer->waiting++;
    writer->waiting_records += sent->number > 0;
    void *value = sent->number > 0 ? sent->bytes + sent->key_size : NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__FATAL;
    if (writer->client != NULL && !writer->broken)
        code = rd_kafka_producev(writer->client, RD_KAFKA_V_TOPIC(writer->conf.topic),
                                 RD_KAFKA_V_PARTITION(sent->partition), RD_KAFKA_V_MSGFLAGS(0),
                                 RD_KAFKA_V_KEY(sent->bytes, sent->key_size),
                                 RD_KAFKA_V_VALUE(value, sent->size), RD_KAFKA_V_OPAQUE(sent),
                                 RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    fail(writer, sent, code);
    uv_async_send(writer->conf.wake);
}

size_t record_writer_waiting(const struct record_writer *writer)
{
    return writer->waiting;
}

size_t record_writer_waiting_records(const struct record_writer *writer)
{
    return writer->waiting_records;
}

void record_writer_check(const struct record_writer *writer)
{
    size_t waiting = 0;
    size_t records = 0;
    const struct shipment *older = NULL;
    for (const struct shipment *at = writer->oldest; at != NULL; older = at, at = at->newer) {
        ASSERT(at->older == older);
        waiting++;
        records += at->number > 0;
    }
    ASSERT(writer->newest == older);
    const struct shipment *const failed[] = {writer->failed, writer->reporting};
    for (size_t i = 0; i < ARRAY_LEN(failed); i++) {
        for (const struct shipment *at = failed[i]; at != NULL; at = at->newer) {
            waiting++;
            records += at->number > 0;
        }
    }
    ASSERT(writer->waiting == waiting && writer->waiting_records == records);
}

/* ---- the client ---- */

/* Thread: any; librdkafka's. */
static void on_queue_event(rd_kafka_t *client, void *context)
{
    (void)client;
    uv_async_send(context);
}

static int open_client(struct record_writer *writer, struct buffer *why)
{
    int err = client_create(&writer->client, writer->conf.kafka, writer->conf.kind,
                            RD_KAFKA_EVENT_DR, why);
    if (err < 0)
        return err;
    writer->events = rd_kafka_queue_get_main(writer->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(writer->client, writer->events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    return 0;
}

void record_writer_listen(struct record_writer *writer)
{
    rd_kafka_queue_cb_event_enable(writer->events, on_queue_event, writer->conf.wake);
    uv_async_send(writer->conf.wake); /* what was there before raises no event */
}

/* Afterwards librdkafka borrows no shipment's bytes. */
static void close_client(struct record_writer *writer)
{
    if (writer->client == NULL)
        return;
    rd_kafka_queue_cb_event_enable(writer->events, NULL, NULL);
    rd_kafka_queue_destroy(TAKE(writer->events));
    (void)rd_kafka_purge(writer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                             RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy(TAKE(writer->client));
}

static void replace_client(struct record_writer *writer, uint64_t now_ms)
{
    if (writer->broken) {
        writer->broken = false;
        close_client(writer);
        while (writer->oldest != NULL)
            fail(writer, writer->oldest, RD_KAFKA_RESP_ERR__FATAL);
        writer->reopen_at_ms = now_ms + REOPEN_MS;
    }
    if (writer->client != NULL || now_ms < writer->reopen_at_ms)
        return;
    struct buffer why;
    buffer_init(&why, CLIENT_ERROR_TEXT_SIZE);
    if (open_client(writer, &why) == 0)
        record_writer_listen(writer);
    else
        writer->reopen_at_ms = now_ms + REOPEN_MS; /* memory or threads are short */
    buffer_fini(&why);
}

/* ---- turns ---- */

static void report(struct record_writer *writer, struct shipment *shipment, shipped_fn shipped,
                   void *context)
{
    ASSERT(writer->waiting > 0);
    writer->waiting--;
    writer->waiting_records -= shipment->number > 0;
    shipped(context, shipment);
    free(shipment);
}

static void on_reports(struct record_writer *writer, rd_kafka_event_t *event, shipped_fn shipped,
                       void *context)
{
    const rd_kafka_message_t *message;
    while ((message = rd_kafka_event_message_next(event)) != NULL) {
        struct shipment *shipment = message->_private;
        take_out(writer, shipment);
        shipment->code = message->err;
        shipment->offset = message->offset;
        report(writer, shipment, shipped, context);
    }
}

static void on_error(struct record_writer *writer, rd_kafka_event_t *event)
{
    char text[CLIENT_ERROR_TEXT_SIZE];
    bool fatal = client_error_is_fatal(writer->client, event, text);
    log_limited(&writer->log_limit, fatal ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
                writer->conf.error_event, "client=writer fatal=%d text=\"%s\"", fatal, text);
    writer->broken |= fatal;
}

void record_writer_turn(struct record_writer *writer, uint64_t now_ms, shipped_fn shipped,
                        void *context)
{
    for (int i = 0; writer->client != NULL; i++) {
        rd_kafka_event_t *event =
            i < TURN_EVENTS_MAX ? rd_kafka_queue_poll(writer->events, 0) : NULL;
        if (event == NULL) {
            if (i == TURN_EVENTS_MAX)
                uv_async_send(writer->conf.wake);
            break;
        }
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            on_reports(writer, event, shipped, context);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            on_error(writer, event);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG)
            client_log(&writer->log_limit, writer->conf.name, event);
        rd_kafka_event_destroy(event);
    }
    replace_client(writer, now_ms);
    writer->reporting = TAKE(writer->failed);
    while (writer->reporting != NULL) {
        struct shipment *shipment = writer->reporting;
        writer->reporting = shipment->newer;
        report(writer, shipment, shipped, context);
    }
}

/* ---- life ---- */

int record_writer_create(struct record_writer **writer_out, const struct record_writer_conf *conf,
                         struct buffer *why)
{
    struct record_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return -ENOMEM;
    writer->conf = *conf;
    int err = open_client(writer, why);
    if (err < 0) {
        free(writer);
        return err;
    }
    *writer_out = writer;
    return 0;
}

static void free_all(struct shipment *first)
{
    while (first != NULL) {
        struct shipment *shipment = first;
        first = shipment->newer;
        free(shipment);
    }
}

void record_writer_destroy(struct record_writer **writer)
{
    struct record_writer *gone = TAKE(*writer);
    if (gone == NULL)
        return;
    close_client(gone);
    free_all(gone->oldest);
    free_all(gone->failed);
    free(gone);
}
