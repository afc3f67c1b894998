/*
 * topic.c - a sink that sends changes of alerts to a Kafka topic, a record each.
 *
 * The key is the id of the change, the value the object that a webhook's body has for it. Up to
 * RECORDS_MAX records are under way. When the brokers have answered for all of them, the next ones
 * follow, or those that failed are sent again with the others of their lot: a record may come
 * twice. Only a record that is too large for the topic is set aside. A record that comes late harms
 * nothing, as no later one takes its place: no block is at risk.
 */
#include "base/log.h"
#include "pipelines/kafka/record_writer.h"
#include "pipelines/notice/alert_body.h"
#include "pipelines/notice/notice_row.h"
#include "pipelines/sink/dead_rows.h"
#include "pipelines/sink/http_sink.h"

#include <errno.h>
#include <string.h>

enum { RECORDS_MAX = 64, BODY_BYTES_MAX = 256 << 10, WHY_BYTES_MAX = 4 << 10 };

struct topic_sink {
    struct sink sink;
    struct record_writer *writer;
    uv_async_t wake;
    uint32_t next, end;          /* rows [next, end) of the block are under way */
    uint32_t waiting;            /* records of this try that are not answered */
    uint32_t lot;                /* records of this try */
    bool one_by_one;             /* the broker has refused records of the block as too large */
    uint64_t try;                /* answers to records of earlier ones say nothing */
    uint32_t sent;               /* of this lot, acknowledged */
    rd_kafka_resp_err_t failure; /* of one of them */
    struct buffer key, value;
};

static int send_row(struct topic_sink *topic, const struct row *row)
{
    const struct alert_notice notice = notice_of_row(row, topic->sink.block->registry);
    buffer_clear(&topic->key);
    buffer_clear(&topic->value);
    notice_add_id(&topic->key, &notice);
    alert_object_add(&topic->value, &notice, (enum language)topic->sink.conf->language);
    if (buffer_failed(&topic->key) || buffer_failed(&topic->value))
        return -ENOMEM;
    struct shipment *shipment = shipment_create(topic->key.size, topic->value.size);
    if (shipment == NULL)
        return -ENOMEM;
    memcpy(shipment->bytes, topic->key.data, topic->key.size);
    memcpy(shipment->bytes + topic->key.size, topic->value.data, topic->value.size);
    shipment->partition = RD_KAFKA_PARTITION_UA; /* by the key */
    shipment->epoch = topic->try;
    shipment->number = 1 + (uint64_t)(row - topic->sink.block->rows);
    record_writer_send(topic->writer, &shipment);
    topic->waiting++;
    topic->sink.stats.bytes_sent += topic->key.size + topic->value.size;
    return 0;
}

static void retry(struct topic_sink *topic, const char *words)
{
    struct sink *sink = &topic->sink;
    sink_note_failure(sink, words);
    int64_t retry_ms = backoff_next_ms(&sink->backoff);
    LOG_LIMITED(LOG_LEVEL_WARN, "sink.write_failed",
                "sink=%s topic=\"%s\" retry_ms=%lld words=\"%s\"", sink->conf->name,
                sink->conf->topic, (long long)retry_ms, words);
    topic->try++;
    topic->waiting = 0;
    sink_retry_in(sink, retry_ms);
}

/* Sends the next lot. False: nothing is left. */
static bool send_next(struct topic_sink *topic)
{
    const struct block *block = topic->sink.block;
    topic->sent = 0;
    topic->failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    topic->end = topic->next;
    sink_request_began(&topic->sink);
    uint32_t most = topic->one_by_one ? 1 : RECORDS_MAX;
    for (; topic->end < block->count && topic->waiting < most; topic->end++) {
        if (block->rows[topic->end].kind != ROW_ALERT)
            continue;
        int err = send_row(topic, &block->rows[topic->end]);
        if (err < 0) {
            retry(topic, err_str(err));
            return true;
        }
    }
    topic->lot = topic->waiting;
    return topic->waiting > 0;
}

static void lot_ended(struct topic_sink *topic)
{
    struct sink *sink = &topic->sink;
    sink_request_ended(sink);
    if (topic->failure != RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->stats.requests_failed++;
        retry(topic, rd_kafka_err2str(topic->failure));
        return;
    }
    sink->stats.requests_ok++;
    sink_note_written(sink, topic->sent);
    sink_note_success(sink);
    backoff_reset(&sink->backoff);
    topic->next = topic->end;
    if (!send_next(topic))
        sink_settled(sink, true);
}

/* ---- answers */

static void set_aside(struct topic_sink *topic, const struct shipment *shipment)
{
    struct buffer text;
    buffer_init(&text, BODY_BYTES_MAX);
    buffer_add(&text, shipment->bytes + shipment->key_size, shipment->size);
    buffer_add_char(&text, '\n');
    dead_rows_add(&topic->sink, 1, 1, rd_kafka_err2str(shipment->code), &text);
    buffer_fini(&text);
}

static void on_shipped(void *context, const struct shipment *shipment)
{
    struct topic_sink *topic = context;
    if (shipment->epoch != topic->try || topic->sink.state != SINK_WORKING)
        return;
    ASSERT(topic->waiting > 0);
    topic->waiting--;
    bool too_large = shipment->code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    topic->one_by_one |= too_large; /* a broker refuses a batch as a whole */
    if (too_large && topic->lot == 1)
        set_aside(topic, shipment);
    else if (shipment->code != RD_KAFKA_RESP_ERR_NO_ERROR)
        topic->failure = shipment->code;
    else
        topic->sent++;
}

static void on_wake(uv_async_t *wake)
{
    struct topic_sink *topic = wake->data;
    if (topic->writer == NULL)
        return;
    bool waited = topic->waiting > 0;
    record_writer_turn(topic->writer, uv_now(topic->sink.loop), on_shipped, topic);
    if (waited && topic->waiting == 0 && topic->sink.state == SINK_WORKING)
        lot_ended(topic);
}

/* ---- the driver */

/* A client that has failed for good is replaced here, if it is time. */
static void topic_resume(struct sink *sink)
{
    struct topic_sink *topic = (struct topic_sink *)sink;
    record_writer_turn(topic->writer, uv_now(sink->loop), on_shipped, topic);
    if (!send_next(topic))
        sink_settled(sink, true);
}

static void topic_begin(struct sink *sink)
{
    struct topic_sink *topic = (struct topic_sink *)sink;
    topic->next = 0;
    topic->one_by_one = false;
    topic->waiting = 0;
    topic->try++;
    if (!send_next(topic))
        sink_retry_in(sink, 0); /* it is settled, but not before we have returned */
}

static bool topic_cancel(struct sink *sink)
{
    struct topic_sink *topic = (struct topic_sink *)sink;
    topic->try++;
    topic->waiting = 0;
    return true;
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct topic_sink *topic = handle->data;
    sink_driver_closed(&topic->sink);
}

static void topic_close(struct sink *sink)
{
    struct topic_sink *topic = (struct topic_sink *)sink;
    record_writer_destroy(&topic->writer);
    uv_close((uv_handle_t *)&topic->wake, on_wake_closed);
}

static void topic_fini(struct sink *sink)
{
    struct topic_sink *topic = (struct topic_sink *)sink;
    buffer_fini(&topic->key);
    buffer_fini(&topic->value);
}

static int topic_open(struct sink *sink)
{
    struct topic_sink *topic = (struct topic_sink *)sink;
    const struct sink_conf *conf = sink->conf;
    if (conf->topic == NULL || conf->kafka == NULL)
        return -EINVAL;
    struct buffer why;
    buffer_init(&why, WHY_BYTES_MAX);
    const struct record_writer_conf writer = {.kafka = conf->kafka,
                                              .topic = conf->topic,
                                              .kind = CLIENT_WRITER,
                                              .name = "sink",
                                              .error_event = "sink.error",
                                              .wake = &topic->wake};
    int err = record_writer_create(&topic->writer, &writer, &why);
    if (err < 0)
        LOG_ERROR("sink.kafka_client", "sink=%s why=\"%s\"", conf->name,
                  why.size > 0 ? buffer_text(&why) : err_str(err));
    buffer_fini(&why);
    if (err < 0)
        return err;
    err = uv_async_init(sink->loop, &topic->wake, on_wake);
    if (err < 0) {
        record_writer_destroy(&topic->writer);
        return err;
    }
    topic->wake.data = topic;
    uv_unref((uv_handle_t *)&topic->wake); /* it has no say in whether the loop goes on */
    record_writer_listen(topic->writer);
    buffer_init(&topic->key, BODY_BYTES_MAX);
    buffer_init(&topic->value, BODY_BYTES_MAX);
    return 0;
}

const struct driver driver_topic = {
    .size = sizeof(struct topic_sink),
    .open = topic_open,
    .begin = topic_begin,
    .resume = topic_resume,
    .cancel = topic_cancel,
    .close = topic_close,
    .fini = topic_fini,
};
