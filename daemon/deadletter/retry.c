#include "daemon/deadletter/retry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pipelines/kafka/client.h"

enum {
    UNDER_WAY_MAX = 10000,          /* events: as many as a producer needs to be quick */
    BYTES_UNDER_WAY_MAX = 64 << 20, /* and their bytes, which it copies */
    POLL_MS = 100,
    SILENCE_MS = 60000 /* without any answer: the brokers are away */
};

/* One event under way, then its mark. */
struct errand {
    const struct letter_record *record;
    const char *box;
    size_t size;
    bool is_mark;
};

struct letter_retry {
    rd_kafka_t *client;
    rd_kafka_queue_t *events;
    size_t under_way, bytes_under_way;
    int64_t answered_ms;
    bool broken;
    struct letter_retry_stats stats;
    struct log_limit log_limit;
    char error[CLIENT_ERROR_TEXT_SIZE];
};

int letter_retry_create(struct letter_retry **retry_out, const struct kafka_conf *conf,
                        struct buffer *why)
{
    struct letter_retry *retry = calloc(1, sizeof(*retry));
    if (retry == NULL)
        return -ENOMEM;
    int err = client_create(&retry->client, conf, CLIENT_PRODUCER, RD_KAFKA_EVENT_DR, why);
    if (err < 0) {
        free(retry);
        return err;
    }
    retry->events = rd_kafka_queue_get_main(retry->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(retry->client, retry->events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    *retry_out = retry;
    return 0;
}

static void note_error(struct letter_retry *retry, rd_kafka_resp_err_t code)
{
    (void)snprintf(retry->error, sizeof(retry->error), "%s", rd_kafka_err2str(code));
}

static void end_errand(struct letter_retry *retry, struct errand *errand)
{
    retry->under_way--;
    retry->bytes_under_way -= errand->size;
    free(errand);
}

/* ---- headers ---- */

static void add_header(rd_kafka_headers_t *headers, enum deadletter_header header, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    rd_kafka_header_add(headers, deadletter_header_name(header), -1, text, -1);
}

/* The headers that the event had, and the place that its letter names. */
static rd_kafka_headers_t *make_headers(const struct letter_record *record,
                                        const rd_kafka_message_t *source)
{
    rd_kafka_headers_t *original;
    rd_kafka_headers_t *headers =
        rd_kafka_message_headers(source, &original) == RD_KAFKA_RESP_ERR_NO_ERROR
            ? rd_kafka_headers_copy(original)
            : rd_kafka_headers_new(1);
    if (headers == NULL)
        return NULL;
    const char *retry_of = deadletter_header_name(DEADLETTER_RETRY_OF);
    char text[64];
    (void)snprintf(text, sizeof(text), "%" PRId32 ":%" PRId64 ":%" PRIu32, record->partition,
                   record->offset, record->index);
    deadletter_headers_strip(headers);
    rd_kafka_header_remove(headers, retry_of);
    rd_kafka_header_add(headers, retry_of, -1, text, -1);
    return headers;
}

static rd_kafka_headers_t *make_mark(const struct letter_record *record, int64_t offset)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(5);
    if (headers == NULL)
        return NULL;
    rd_kafka_header_add(headers, deadletter_header_name(DEADLETTER_TOPIC), -1, record->topic, -1);
    add_header(headers, DEADLETTER_PARTITION, record->partition);
    add_header(headers, DEADLETTER_OFFSET, record->offset);
    add_header(headers, DEADLETTER_INDEX, record->index);
    add_header(headers, DEADLETTER_RETRIED, offset);
    return headers;
}

/* ---- answers ---- */

/* Into the partition of its letter, so that it comes after it. Takes *errand. */
static void send_mark(struct letter_retry *retry, struct errand *errand, int64_t offset)
{
    const struct letter_record *record = errand->record;
    rd_kafka_headers_t *headers = make_mark(record, offset);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__FAIL;
    errand->is_mark = true;
    if (headers != NULL)
        code = rd_kafka_producev(retry->client, RD_KAFKA_V_TOPIC(errand->box),
                                 RD_KAFKA_V_PARTITION(record->box_partition),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE("", 0),
                                 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(errand),
                                 RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    retry->stats.unmarked++;
    note_error(retry, code);
    end_errand(retry, errand);
}

static void on_report(struct letter_retry *retry, const rd_kafka_message_t *report)
{
    struct errand *errand = report->_private;
    bool good = report->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    retry->answered_ms = clock_steady_ms();
    if (!good)
        note_error(retry, report->err);
    if (errand->is_mark) {
        *(good ? &retry->stats.marked : &retry->stats.unmarked) += 1;
    } else if (good) {
        retry->stats.sent++;
        send_mark(retry, errand, report->offset);
        return;
    } else {
        retry->stats.failed++;
    }
    end_errand(retry, errand);
}

static void serve(struct letter_retry *retry, int wait_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(retry->events, wait_ms);
    if (event == NULL)
        return;
    const rd_kafka_message_t *report;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        while ((report = rd_kafka_event_message_next(event)) != NULL)
            on_report(retry, report);
        break;
    case RD_KAFKA_EVENT_ERROR:
        retry->broken |= client_error_is_fatal(retry->client, event, retry->error);
        break;
    case RD_KAFKA_EVENT_LOG:
        client_log(&retry->log_limit, "retry", event);
        break;
    default:
        break;
    }
    rd_kafka_event_destroy(event);
}

/* Until at most so many and so much are under way. */
static int wait_for(struct letter_retry *retry, size_t under_way, size_t bytes)
{
    while (retry->under_way > under_way || retry->bytes_under_way > bytes) {
        if (retry->broken || clock_steady_ms() - retry->answered_ms > SILENCE_MS)
            return -ETIMEDOUT;
        serve(retry, POLL_MS);
    }
    return 0;
}

/* ---- sending ---- */

/* Takes the headers if it succeeds. */
static rd_kafka_resp_err_t produce(struct letter_retry *retry, struct errand *errand,
                                   const rd_kafka_message_t *source, const void *bytes,
                                   rd_kafka_headers_t *headers)
{
    const struct letter_record *record = errand->record;
    int64_t timestamp_ms = record->timestamp_ms > 0 ? record->timestamp_ms : 0;
    return rd_kafka_producev(
        retry->client, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_PARTITION(record->partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(source->key, source->key_len),
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): it copies them, and takes no const */
        RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, errand->size),
        RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(errand),
        RD_KAFKA_V_END);
}

int letter_retry_send(struct letter_retry *retry, const struct letter_record *record,
                      const char *box, const rd_kafka_message_t *source, const void *bytes,
                      size_t size)
{
    if (retry->under_way == 0)
        retry->answered_ms = clock_steady_ms();
    int err = wait_for(retry, UNDER_WAY_MAX - 1, BYTES_UNDER_WAY_MAX);
    if (err < 0)
        return err;
    struct errand *errand = calloc(1, sizeof(*errand));
    rd_kafka_headers_t *headers = make_headers(record, source);
    if (errand == NULL || headers == NULL) {
        free(errand);
        if (headers != NULL)
            rd_kafka_headers_destroy(headers);
        return -ENOMEM;
    }
    *errand = (struct errand){record, box, size, false};
    retry->under_way++;
    retry->bytes_under_way += size;
    rd_kafka_resp_err_t code = produce(retry, errand, source, bytes, headers);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        retry->stats.failed++;
        note_error(retry, code);
        end_errand(retry, errand);
    }
    serve(retry, 0); /* NOLINT(clang-analyzer-unix.Malloc): the client has it until its report */
    return 0;
}

int letter_retry_finish(struct letter_retry *retry)
{
    return wait_for(retry, 0, 0);
}

/* Messages still under way are given up; their reports come at once. */
void letter_retry_destroy(struct letter_retry **retry)
{
    struct letter_retry *gone = TAKE(*retry);
    if (gone == NULL)
        return;
    if (gone->under_way > 0)
        (void)rd_kafka_purge(gone->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int i = 0; i < SILENCE_MS / POLL_MS && gone->under_way > 0; i++)
        serve(gone, POLL_MS);
    rd_kafka_queue_destroy(gone->events);
    rd_kafka_destroy(gone->client);
    free(gone);
}

const struct letter_retry_stats *letter_retry_get_stats(const struct letter_retry *retry)
{
    return &retry->stats;
}

const char *letter_retry_error(const struct letter_retry *retry)
{
    return retry->error;
}
