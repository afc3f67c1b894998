#include "pipelines/kafka/log_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipelines/kafka/client.h"

enum {
    ANSWER_TIMEOUT_MS = 20000,  /* of a broker that is asked for metadata or offsets */
    SILENCE_TIMEOUT_MS = 60000, /* without a message while there should be some */
    POLL_MS = 100
};

struct log_reader {
    rd_kafka_t *client;
    rd_kafka_queue_t *events; /* log lines and errors of the client */
    rd_kafka_queue_t *queue;  /* the partition's; NULL while none is read */
    char *topic;
    int32_t partitions_count;
    int32_t partition;
    int64_t next, to;
    bool at_end; /* the broker has nothing after what was read */
    uint32_t held_count;
    rd_kafka_message_t *held[LOG_READER_SLICE_MAX];
    char last_error[CLIENT_ERROR_TEXT_SIZE];
    struct log_limit limit;
};

static void release_held(struct log_reader *reader)
{
    for (uint32_t i = 0; i < reader->held_count; i++)
        rd_kafka_message_destroy(TAKE(reader->held[i]));
    reader->held_count = 0;
}

static void stop_reading(struct log_reader *reader)
{
    release_held(reader);
    if (reader->queue == NULL)
        return;
    rd_kafka_queue_destroy(TAKE(reader->queue));
    (void)rd_kafka_assign(reader->client, NULL);
}

/* Log lines and errors, which are for people: a broker that is away is tried again. */
static void drain_events(struct log_reader *reader)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(reader->events, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LOG)
            client_log(&reader->limit, "reader", event);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
            (void)client_error_is_fatal(reader->client, event, reader->last_error);
        rd_kafka_event_destroy(event);
    }
}

static int complain(const struct log_reader *reader, rd_kafka_resp_err_t code, const char *what,
                    struct buffer *why)
{
    buffer_printf(why, "%s of topic \"%s\": %s", what, reader->topic, rd_kafka_err2str(code));
    if (reader->last_error[0] != '\0')
        buffer_printf(why, " (%s)", reader->last_error);
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        buffer_add_str(why, "; does a broker listen where kafka.brokers says?");
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? -ENOENT : -ETIMEDOUT;
}

static int count_partitions(struct log_reader *reader, struct buffer *why)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->client, reader->topic, NULL);
    if (topic == NULL)
        return -ENOMEM;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(reader->client, 0, topic, &metadata, ANSWER_TIMEOUT_MS);
    rd_kafka_topic_destroy(topic);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1) {
            code = metadata->topics[0].err;
            reader->partitions_count = metadata->topics[0].partition_cnt;
        }
        rd_kafka_metadata_destroy(metadata);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && reader->partitions_count == 0)
            code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    drain_events(reader);
    return complain(reader, code, "partitions", why);
}

int log_reader_open(struct log_reader **reader_out, const struct kafka_conf *conf,
                    const char *topic, struct buffer *why)
{
    struct log_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return -ENOMEM;
    reader->topic = strdup(topic);
    int err = -ENOMEM;
    if (reader->topic == NULL)
        goto fail_client;
    err = client_create(&reader->client, conf, CLIENT_CONSUMER, 0, why);
    if (err < 0)
        goto fail_client;
    reader->events = rd_kafka_queue_get_consumer(reader->client);
    rd_kafka_poll_set_consumer(reader->client);
    (void)rd_kafka_set_log_queue(reader->client, reader->events); /* else they are not seen */
    err = count_partitions(reader, why);
    if (err < 0) {
        log_reader_close(&reader);
        return err;
    }
    *reader_out = reader;
    return 0;

fail_client:
    free(reader->topic);
    free(reader);
    return err;
}

void log_reader_close(struct log_reader **reader)
{
    struct log_reader *gone = TAKE(*reader);
    if (gone == NULL)
        return;
    stop_reading(gone);
    drain_events(gone);
    rd_kafka_queue_destroy(gone->events);
    rd_kafka_destroy_flags(gone->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(gone->topic);
    free(gone);
}

int32_t log_reader_partitions(const struct log_reader *reader)
{
    return reader->partitions_count;
}

int log_reader_get_bounds(struct log_reader *reader, int32_t partition,
                          struct log_bounds *bounds_out, struct buffer *why)
{
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(reader->client, reader->topic, partition, &bounds_out->low,
                                         &bounds_out->high, ANSWER_TIMEOUT_MS);
    drain_events(reader);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : complain(reader, code, "ends", why);
}

static int ask_for_time(struct log_reader *reader, int32_t partition, int64_t time_ms,
                        int64_t *offset_out, struct buffer *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, reader->topic, partition);
    entry->offset = time_ms < 0 ? 0 : time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(reader->client, list, ANSWER_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = entry->err;
    *offset_out = entry->offset >= 0 ? entry->offset : INT64_MAX;
    rd_kafka_topic_partition_list_destroy(list);
    drain_events(reader);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : complain(reader, code, "times", why);
}

int log_reader_find(struct log_reader *reader, int32_t partition, const struct log_bounds *bounds,
                    int64_t time_ms, int64_t *offset_out, struct buffer *why)
{
    int err = ask_for_time(reader, partition, time_ms, offset_out, why);
    if (err < 0 || *offset_out < bounds->high || bounds->low >= bounds->high)
        return err;
    /* To believe that there is no message would leave out the whole partition without a word. */
    rd_kafka_message_t **messages;
    err = log_reader_start(reader, partition, bounds->high - 1, bounds->high, why);
    int count = err < 0 ? err : log_reader_next(reader, &messages, why);
    if (count <= 0 || log_message_time_ms(messages[0]) < time_ms)
        return MIN(count, 0);
    *offset_out = bounds->low;
    return 1;
}

int log_reader_get_committed(struct log_reader *reader, int32_t partition, int64_t *offset_out,
                             struct buffer *metadata, struct buffer *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, reader->topic, partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(reader->client, list, ANSWER_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = entry->err;
    *offset_out = entry->offset >= 0 ? entry->offset : -1;
    if (entry->metadata != NULL)
        buffer_add(metadata, entry->metadata, entry->metadata_size);
    rd_kafka_topic_partition_list_destroy(list);
    drain_events(reader);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : complain(reader, code, "offsets", why);
}

int log_reader_start(struct log_reader *reader, int32_t partition, int64_t from, int64_t to,
                     struct buffer *why)
{
    stop_reading(reader);
    reader->partition = partition;
    reader->next = from;
    reader->to = to;
    reader->at_end = from >= to;
    if (reader->at_end)
        return 0;
    /* The queue apart before the assignment, or messages leak into the client's own. */
    reader->queue = rd_kafka_queue_get_partition(reader->client, reader->topic, partition);
    if (reader->queue == NULL)
        return -EIO;
    rd_kafka_queue_forward(reader->queue, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reader->topic, partition)->offset = from;
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    stop_reading(reader);
    (void)complain(reader, code, "assignment", why);
    return -EIO;
}

/* An event in the queue that is no message: the end of the partition, or trouble. */
static int take_event(struct log_reader *reader, const rd_kafka_message_t *event,
                      struct buffer *why)
{
    switch (event->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        reader->at_end |= event->offset >= reader->to;
        return 0;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        buffer_printf(why,
                      "offset %" PRId64 " of partition %" PRId32
                      " is gone: the topic's retention deleted it before it was read",
                      reader->next, reader->partition);
        return -ENODATA;
    default:
        (void)snprintf(reader->last_error, sizeof(reader->last_error), "%s",
                       rd_kafka_message_errstr(event));
        return 0;
    }
}

static int take_in(struct log_reader *reader, rd_kafka_message_t *message, struct buffer *why)
{
    int err = 0;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        err = take_event(reader, message, why);
    } else if (message->offset >= reader->next && message->offset < reader->to) {
        reader->next = message->offset + 1;
        reader->held[reader->held_count++] = message;
        return 0;
    } else if (message->offset >= reader->to) {
        reader->at_end = true;
    }
    rd_kafka_message_destroy(message);
    return err;
}

/* Waits for one message, then takes what is there: with any timeout the call waits for all. */
static int fill(struct log_reader *reader, struct buffer *why)
{
    rd_kafka_message_t *messages[LOG_READER_SLICE_MAX];
    ssize_t count = rd_kafka_consume_batch_queue(reader->queue, POLL_MS, messages, 1);
    if (count == 1) {
        ssize_t more =
            rd_kafka_consume_batch_queue(reader->queue, 0, messages + 1, LOG_READER_SLICE_MAX - 1);
        count += more > 0 ? more : 0;
    }
    int err = 0;
    for (ssize_t i = 0; i < count; i++) {
        int taken = take_in(reader, messages[i], why);
        err = err < 0 ? err : taken;
    }
    reader->at_end |= reader->next >= reader->to;
    drain_events(reader);
    return err;
}

int log_reader_next(struct log_reader *reader, rd_kafka_message_t ***messages_out,
                    struct buffer *why)
{
    release_held(reader);
    int64_t until_ms = clock_steady_ms() + SILENCE_TIMEOUT_MS;
    while (reader->held_count == 0 && !reader->at_end) {
        int err = fill(reader, why);
        if (err < 0)
            return err;
        if (reader->held_count == 0 && !reader->at_end && clock_steady_ms() > until_ms) {
            buffer_printf(why, "no message of partition %" PRId32 " from offset %" PRId64 " on: %s",
                          reader->partition, reader->next,
                          reader->last_error[0] != '\0' ? reader->last_error : "no answer");
            return -ETIMEDOUT;
        }
    }
    *messages_out = reader->held;
    return (int)reader->held_count;
}

int64_t log_message_time_ms(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MIN : time_ms;
}
