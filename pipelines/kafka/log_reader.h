/*
 * log_reader.h - a topic between two offsets, one partition at a time, outside of any group.
 *
 * For commands that end: calls block, with deadlines, and nothing is committed. Messages are those
 * that are not part of an aborted or open transaction. One owner, one thread.
 */
#ifndef GHGD_LOG_READER_H
#define GHGD_LOG_READER_H

#include <librdkafka/rdkafka.h>

#include "config/config.h"

struct log_reader;

/* Where a partition begins and ends now: [low, high). */
struct log_bounds {
    int64_t low, high;
};

enum { LOG_READER_SLICE_MAX = 512 };

/* Connects, and asks for the topic's partitions. Returns 0, -ENOMEM, ERR_CONFIG, -ENOENT (no such
 * topic) or -ETIMEDOUT; `why` then says more. */
int log_reader_open(struct log_reader **reader_out, const struct kafka_conf *conf,
                    const char *topic, struct buffer *why) MUST_CHECK;
void log_reader_close(struct log_reader **reader);
int32_t log_reader_partitions(const struct log_reader *reader);

/* 0 or -ETIMEDOUT, with words. */
int log_reader_get_bounds(struct log_reader *reader, int32_t partition,
                          struct log_bounds *bounds_out, struct buffer *why) MUST_CHECK;
/* The offset of the first message whose Kafka timestamp is time_ms or later; the end of the bounds,
 * or more, if there is no such message. 0 or negative, with words, as log_reader_next().
 * Or 1, and the beginning of the bounds: the broker finds no message, but the newest one is of
 * time_ms or later. We have seen brokers under heavy load answer so. Forgets what was read
 * before, as log_reader_start() does. */
int log_reader_find(struct log_reader *reader, int32_t partition, const struct log_bounds *bounds,
                    int64_t time_ms, int64_t *offset_out, struct buffer *why) MUST_CHECK;

/* The commit of the configured group: the offset, -1 if nothing, and its metadata, appended. 0
 * or -ETIMEDOUT, with words. */
int log_reader_get_committed(struct log_reader *reader, int32_t partition, int64_t *offset_out,
                             struct buffer *metadata, struct buffer *why) MUST_CHECK;

/* Begins to read [from, to) of a partition; what was read before is forgotten. 0 or -EIO. */
int log_reader_start(struct log_reader *reader, int32_t partition, int64_t from, int64_t to,
                     struct buffer *why) MUST_CHECK;
/* The next messages, in order, borrowed until the next call with this reader. Returns their number;
 * 0 at the end; or negative, with words: -ETIMEDOUT if nothing came for long, -ENODATA if the
 * messages have been deleted meanwhile, -EIO. */
int log_reader_next(struct log_reader *reader, rd_kafka_message_t ***messages_out,
                    struct buffer *why) MUST_CHECK;

/* The message's Kafka timestamp; INT64_MIN if it has none. */
int64_t log_message_time_ms(const rd_kafka_message_t *message);

#endif
