#include "daemon/decide/sender.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipelines/kafka/client.h"
#include "pipelines/kafka/native_header.h"

enum { POLL_MS = 100, SILENCE_MS = 60000 };

struct sender {
    rd_kafka_t *client;
    rd_kafka_queue_t *events;
    struct log_limit log_limit;
    struct buffer *why;
    bool answered;
    int err;
    int64_t offset;
};

static int produce(struct sender *sender, const struct sent_message *message)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    if (headers == NULL)
        return -ENOMEM;
    rd_kafka_header_add(headers, NATIVE_HEADER, -1, NATIVE_HEADER_VALUE, -1);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        sender->client, RD_KAFKA_V_TOPIC(message->topic), RD_KAFKA_V_PARTITION(message->partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(message->key, strlen(message->key)),
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): it copies them, and takes no const */
        RD_KAFKA_V_VALUE((void *)(uintptr_t)message->bytes, message->size),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    rd_kafka_headers_destroy(headers);
    buffer_add_str(sender->why, rd_kafka_err2str(code));
    return -EIO;
}

static void on_report(struct sender *sender, const rd_kafka_message_t *report)
{
    sender->answered = true;
    sender->offset = report->offset;
    if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    buffer_add_str(sender->why, rd_kafka_err2str(report->err));
    bool never_sent = rd_kafka_message_status(report) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
    sender->err = never_sent ? -EIO : -ETIMEDOUT;
}

static void serve(struct sender *sender, int wait_ms)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(sender->events, wait_ms);
    if (event == NULL)
        return;
    const rd_kafka_message_t *report;
    char text[CLIENT_ERROR_TEXT_SIZE];
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
        while ((report = rd_kafka_event_message_next(event)) != NULL)
            on_report(sender, report);
        break;
    case RD_KAFKA_EVENT_ERROR:
        if (client_error_is_fatal(sender->client, event, text)) {
            sender->answered = true;
            sender->err = -ETIMEDOUT;
            buffer_add_str(sender->why, text);
        }
        break;
    case RD_KAFKA_EVENT_LOG:
        client_log(&sender->log_limit, "decide", event);
        break;
    default:
        break;
    }
    rd_kafka_event_destroy(event);
}

static int send_and_wait(struct sender *sender, const struct sent_message *message)
{
    int err = produce(sender, message);
    int64_t until_ms = clock_steady_ms() + SILENCE_MS;
    while (err == 0 && !sender->answered && clock_steady_ms() < until_ms)
        serve(sender, POLL_MS);
    if (err == 0 && !sender->answered) {
        buffer_add_str(sender->why, "the brokers do not answer");
        return -ETIMEDOUT;
    }
    return err < 0 ? err : sender->err;
}

int sender_send(const struct kafka_conf *conf, const struct sent_message *message,
                int64_t *offset_out, struct buffer *why)
{
    struct sender sender = {.why = why};
    int err = client_create(&sender.client, conf, CLIENT_WRITER, RD_KAFKA_EVENT_DR, why);
    if (err < 0)
        return err;
    sender.events = rd_kafka_queue_get_main(sender.client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(sender.client, sender.events);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* log.queue is ours to set */
    err = send_and_wait(&sender, message);
    (void)rd_kafka_purge(sender.client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_destroy(sender.events);
    rd_kafka_destroy(sender.client);
    *offset_out = sender.offset;
    return err;
}
