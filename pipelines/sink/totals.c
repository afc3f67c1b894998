/*
 * totals.c - a sink that writes each facility's days to a compacted topic, a record for each day.
 *
 *     idle -> checking -> sending -> idle        the block is settled
 *             checking, sending -> failed -> idle -> (retry) -> ...
 *
 * The topic is checked before the first block, and when brokers say that it is gone. A block is
 * settled when all of its records are acknowledged; if one is not, all of them are sent again. A
 * record whose acknowledgement did not come may still be appended later: the block is at risk then.
 */
#include "base/log.h"
#include "pipelines/groups/day_rows.h"
#include "pipelines/kafka/record_writer.h"
#include "pipelines/sink/driver.h"
#include "pipelines/sink/totals_topic.h"

#include <errno.h>
#include <stdio.h>

enum totals_state { TOTALS_IDLE, TOTALS_CHECKING, TOTALS_SENDING, TOTALS_FAILED };

enum { WHY_BYTES_MAX = 4096, WORDS_SIZE = 256 };

struct totals_sink {
    struct sink sink;
    enum totals_state state;
    bool topic_is_good;
    uv_async_t wake;
    struct topic_check *check;    /* CHECKING */
    struct record_writer *writer; /* NULL until it is needed, and after a try that was given up */
    struct day_rows rows;
    struct buffer value;
    uint64_t tries;
    uint32_t waiting; /* records that are neither acknowledged nor refused */
    uint32_t rows_refused, records;
    uint64_t bytes;
    bool fails, slowly; /* the try under way; a person has to mend the cause */
    char words[WORDS_SIZE];
};

/* The try under way ends as failed, when all records have come back. */
static void fail(struct totals_sink *totals, bool slowly, const char *words)
{
    totals->fails = true;
    totals->slowly |= slowly;
    (void)snprintf(totals->words, sizeof(totals->words), "%s", words);
}

/* From on_wake(), not from within begin() or resume(). */
static void fail_soon(struct totals_sink *totals, bool slowly, const char *words)
{
    fail(totals, slowly, words);
    totals->state = TOTALS_FAILED;
    uv_async_send(&totals->wake);
}

/* --- the end of a try --- */

static void retry(struct totals_sink *totals)
{
    struct sink *sink = &totals->sink;
    int64_t retry_ms =
        totals->slowly ? backoff_slow_ms(&sink->backoff) : backoff_next_ms(&sink->backoff);
    totals->state = TOTALS_IDLE;
    sink->stats.requests_failed++;
    sink_note_failure(sink, totals->words);
    LOG_LIMITED(LOG_LEVEL_WARN, "sink.write_failed", "sink=%s topic=%s retry_ms=%lld error=\"%s\"",
                sink->conf->name, sink->conf->topic, (long long)retry_ms, totals->words);
    sink_retry_in(sink, retry_ms);
}

static void settle(struct totals_sink *totals)
{
    struct sink *sink = &totals->sink;
    totals->state = TOTALS_IDLE;
    sink->stats.requests_ok++;
    sink_note_written(sink, sink->block->count - totals->rows_refused);
    if (totals->rows_refused > 0)
        sink_note_refused(sink, totals->rows_refused, totals->words);
    sink->stats.bytes_sent += totals->bytes;
    sink_note_success(sink);
    sink_settled(sink, true);
}

static void end_if_all_are_back(struct totals_sink *totals)
{
    if (totals->state == TOTALS_FAILED) {
        retry(totals);
    } else if (totals->state == TOTALS_SENDING && totals->waiting == 0) {
        sink_request_ended(&totals->sink);
        if (totals->fails)
            retry(totals);
        else
            settle(totals);
    }
}

static void on_shipped(void *context, const struct shipment *shipment)
{
    struct totals_sink *totals = context;
    ASSERT(totals->state == TOTALS_SENDING && totals->waiting > 0);
    ASSERT(shipment->epoch == totals->tries);
    totals->waiting--;
    if (shipment->code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    totals->sink.block_at_risk = true; /* it may have been appended, or still be */
    if (shipment->code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        shipment->code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        shipment->code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        totals->topic_is_good = false;
    fail(totals, shipment->code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
         rd_kafka_err2str(shipment->code));
}

static void on_wake(uv_async_t *wake)
{
    struct totals_sink *totals = wake->data;
    if (totals->writer != NULL)
        record_writer_turn(totals->writer, uv_now(wake->loop), on_shipped, totals);
    end_if_all_are_back(totals);
}

/* --- sending --- */

static int open_writer(struct totals_sink *totals)
{
    const struct sink_conf *conf = totals->sink.conf;
    struct buffer why;
    if (totals->writer != NULL)
        return 0;
    const struct record_writer_conf writer_conf = {.kafka = &conf->config->kafka,
                                                   .topic = conf->topic,
                                                   .kind = CLIENT_TOTALS,
                                                   .name = "totals",
                                                   .error_event = "sink.client_error",
                                                   .wake = &totals->wake};
    buffer_init(&why, WHY_BYTES_MAX);
    int err = record_writer_create(&totals->writer, &writer_conf, &why);
    if (err == 0)
        record_writer_listen(totals->writer);
    else
        fail(totals, err != -ENOMEM, why.size > 0 ? buffer_text(&why) : err_str(err));
    buffer_fini(&why);
    return err;
}

/* Sends the day that is whole. */
static int send_day(struct totals_sink *totals)
{
    const struct day_record *record = &totals->rows.record;
    char key[DAY_KEY_SIZE];
    buffer_clear(&totals->value);
    day_record_encode(record, &totals->value);
    if (buffer_failed(&totals->value))
        return -ENOMEM;
    size_t key_size = day_key_print(key, record->facility, record->day);
    struct shipment *shipment = shipment_create(key_size, totals->value.size);
    if (shipment == NULL)
        return -ENOMEM;
    memcpy(shipment->bytes, key, key_size);
    memcpy(shipment->bytes + key_size, totals->value.data, totals->value.size);
    shipment->epoch = totals->tries;
    shipment->number = 1;
    shipment->piece = totals->records++;
    totals->bytes += key_size + totals->value.size;
    totals->waiting++;
    record_writer_send(totals->writer, &shipment);
    return 0;
}

/* Its figures will never fit: the rows are set aside. */
static void refuse_day(struct totals_sink *totals, const struct row *row)
{
    const struct registry *registry = totals->sink.block->registry;
    totals->rows_refused += totals->rows.count;
    LOG_LIMITED(LOG_LEVEL_ERROR, "sink.rows_refused",
                "sink=%s facility=\"%s\" rows=%u error=\"a figure does not fit 64 bits\"",
                totals->sink.conf->name, registry->facilities[row->facility].id,
                totals->rows.count);
}

static int take_row(struct totals_sink *totals, const struct row *row)
{
    int result = day_rows_add(&totals->rows, totals->sink.block->registry, row);
    if (result == 1)
        return send_day(totals);
    if (result != ERR_RANGE)
        return result;
    refuse_day(totals, row);
    return 0;
}

static void send_block(struct totals_sink *totals)
{
    const struct block *block = totals->sink.block;
    ASSERT(block->rows[block->count - 1].kind == ROW_COVERAGE); /* days are not cut */
    totals->state = TOTALS_SENDING;
    day_rows_clear(&totals->rows);
    for (uint32_t i = 0; i < block->count && !totals->fails; i++) {
        bool begins = i == 0 || block->rows[i - 1].kind == ROW_COVERAGE;
        int err = 0;
        if (begins && !sink_may_write(&totals->sink))
            fail(totals, false, "nothing may be written now");
        else
            err = take_row(totals, &block->rows[i]);
        if (err < 0)
            fail(totals, false, err_str(err));
    }
    uv_async_send(&totals->wake); /* no record may be waiting */
}

static void send_now(struct totals_sink *totals)
{
    if (open_writer(totals) < 0) {
        totals->state = TOTALS_FAILED;
        uv_async_send(&totals->wake);
        return;
    }
    sink_request_began(&totals->sink);
    send_block(totals);
}

static void on_checked(void *context, const struct topic_verdict *verdict)
{
    struct totals_sink *totals = context;
    ASSERT(totals->state == TOTALS_CHECKING);
    totals->check = NULL;
    totals->topic_is_good = verdict->err == 0;
    if (totals->sink.state == SINK_STOPPING)
        fail(totals, false, "given up");
    else if (verdict->err < 0)
        fail(totals, verdict->err == ERR_CONFIG,
             verdict->why[0] != '\0' ? verdict->why : err_str(verdict->err));
    if (totals->fails)
        retry(totals);
    else
        send_now(totals);
}

/* --- the driver --- */

static void totals_resume(struct sink *sink)
{
    struct totals_sink *totals = (struct totals_sink *)sink;
    ASSERT(totals->state == TOTALS_IDLE && totals->waiting == 0);
    totals->fails = totals->slowly = false;
    totals->rows_refused = totals->records = 0;
    totals->bytes = 0;
    totals->tries++;
    if (totals->topic_is_good) {
        send_now(totals);
        return;
    }
    totals->state = TOTALS_CHECKING;
    int err =
        totals_topic_check(&totals->check, sink->loop, sink->conf->config, on_checked, totals);
    if (err < 0)
        fail_soon(totals, false, err_str(err));
}

/* A check ends in its own time. Records under way may be appended, and the sink will not hear. */
static bool totals_cancel(struct sink *sink)
{
    struct totals_sink *totals = (struct totals_sink *)sink;
    ASSERT(totals->state != TOTALS_IDLE);
    if (totals->state == TOTALS_CHECKING) {
        topic_check_hurry(totals->check);
        return false;
    }
    if (totals->waiting > 0) {
        sink->block_at_risk = true;
        record_writer_destroy(&totals->writer);
        totals->waiting = 0;
    }
    totals->state = TOTALS_IDLE;
    return true;
}

static int totals_open(struct sink *sink)
{
    struct totals_sink *totals = (struct totals_sink *)sink;
    if (sink->conf->topic == NULL || sink->conf->config == NULL)
        return -EINVAL;
    int err = uv_async_init(sink->loop, &totals->wake, on_wake);
    if (err < 0)
        return err;
    totals->wake.data = totals;
    day_rows_init(&totals->rows);
    buffer_init(&totals->value, DAY_RECORD_BYTES_MAX);
    return 0;
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct totals_sink *totals = handle->data;
    sink_driver_closed(&totals->sink);
}

static void totals_close(struct sink *sink)
{
    struct totals_sink *totals = (struct totals_sink *)sink;
    record_writer_destroy(&totals->writer);
    uv_close((uv_handle_t *)&totals->wake, on_wake_closed);
}

static void totals_fini(struct sink *sink)
{
    struct totals_sink *totals = (struct totals_sink *)sink;
    day_rows_fini(&totals->rows);
    buffer_fini(&totals->value);
}

const struct driver driver_totals = {
    .size = sizeof(struct totals_sink),
    .open = totals_open,
    .begin = totals_resume,
    .resume = totals_resume,
    .cancel = totals_cancel,
    .close = totals_close,
    .fini = totals_fini,
};
