/*
 * deadletter.h - events that were not used, kept: to the dead-letter and the late topic.
 *
 * Original bytes, key and headers, plus ghgd-reason, ghgd-help, ghgd-topic, ghgd-partition,
 * ghgd-offset, ghgd-index (position within its message), ghgd-timestamp. Asynchronous and bounded:
 * when the queue is full the caller stops its partition and tries again. An offset may be
 * committed only below deadletter_low_offset().
 */
#ifndef GHGD_DEADLETTER_H
#define GHGD_DEADLETTER_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include "config/config.h"
#include "pipelines/ingest/batch.h"

struct deadletter;

struct deadletter_stats {
    uint64_t sent, acknowledged, failed, waiting, bytes;
};

/* `on_room`: there is room again after ERR_FULL. */
int deadletter_create(struct deadletter **deadletter_out, uv_loop_t *loop,
                      const struct kafka_conf *conf, void (*on_room)(void *context), void *context,
                      struct buffer *why) MUST_CHECK;
/* Whether so many events of so many bytes in all could be sent now, each with its headers. */
bool deadletter_has_room(const struct deadletter *deadletter, size_t events, size_t bytes);
/* Sends one refused event; message is the one it came in. Returns 0, or ERR_FULL and nothing sent. */
int deadletter_send(struct deadletter *deadletter, const rd_kafka_message_t *message,
                    const struct refusal *refusal) MUST_CHECK;
/* The oldest offset of the partition whose dead letters are not all acknowledged; INT64_MAX if none. */
int64_t deadletter_low_offset(const struct deadletter *deadletter, int32_t partition);
const struct deadletter_stats *deadletter_get_stats(const struct deadletter *deadletter);
/* Flushes for at most timeout_ms, then frees everything; what was not delivered is logged. Then
 * calls closed. */
void deadletter_close(struct deadletter *deadletter, int64_t timeout_ms,
                      void (*closed)(void *context), void *context);

#endif
