/*
 * deadletter.h - events that were not used, kept: to the dead-letter and the late topic.
 *
 * Original bytes, key, headers and timestamp, plus the headers ghgd-reason, ghgd-help, ghgd-topic,
 * ghgd-partition, ghgd-offset, ghgd-index (position within its message) and ghgd-timestamp. They
 * replace those of an earlier pass. As the timestamp is kept, a topic whose retention is by time
 * has to keep what is that old.
 *
 * Asynchronous and bounded: when the queue is full the caller stops its partition and tries again.
 * An offset may be committed only below deadletter_low_offset(). librdkafka retries for as long as
 * brokers are away. What they refuse (no such topic, no permission) is logged as
 * deadletter.failed, counted, and sent again every few seconds until somebody has mended it;
 * meanwhile it holds its partition's commits back, and in the end, when the queue is full, the
 * partition itself. Only what is too large for the topic is not sent whole: its first 1000 bytes
 * are, with the full size in ghgd-truncated; the original still lies where ghgd-topic,
 * ghgd-partition and ghgd-offset say. And of one message at most DEADLETTERS_PER_MESSAGE_MAX events
 * go alone: the next takes the whole message along, with the header ghgd-whole, for itself and all
 * that follow.
 *
 * Runs of events on their way to the topic keyed by facility (rekeyed.h) need the same, and go the
 * same way, counted apart. They are never cut. The loop thread owns it.
 */
#ifndef GHGD_DEADLETTER_H
#define GHGD_DEADLETTER_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include "config/config.h"
#include "pipelines/ingest/batch.h"

struct deadletter;
struct letter_reserve;

struct deadletter_stats {
    uint64_t sent, bytes; /* letters, and what they carry */
    uint64_t acknowledged;
    uint64_t failed;                 /* deliveries that brokers refused; each is tried again */
    uint64_t waiting, waiting_bytes; /* not acknowledged yet; bytes with their keys */
};

/* `on_room`: there is room again after ERR_FULL. `conf` outlives it. Returns 0, -ENOMEM, ERR_CONFIG
 * (`why` says more) or a code of libuv. */
int deadletter_create(struct deadletter **deadletter_out, uv_loop_t *loop,
                      const struct kafka_conf *conf, void (*on_room)(void *context), void *context,
                      struct buffer *why) MUST_CHECK;
/* Whether all events of so many messages, of so many bytes in all with their keys, could be sent
 * now; deadletter_send() is then not full before. If not, `on_room` follows. */
bool deadletter_has_room(struct deadletter *deadletter, size_t messages, size_t bytes);
/* Makes sure of memory for letters of the partition that cost `bytes` together
 * (letter_reserved_size()): until then neither deadletter_send() nor parking_add() nor
 * deadletter_post() returns -ENOMEM for it. Returns 0; or -ENOMEM, and `on_room` follows. */
int deadletter_reserve(struct deadletter *deadletter, int32_t partition, size_t bytes) MUST_CHECK;
/* The reserve, for letters that wait elsewhere before they are sent. */
struct letter_reserve *deadletter_get_reserve(struct deadletter *deadletter);
/* Sends one refused event; message is the one it came in. Returns 0, or ERR_FULL or -ENOMEM and
 * nothing sent. Where the topic is not configured the event is not kept, and that is 0 too. */
int deadletter_send(struct deadletter *deadletter, const rd_kafka_message_t *message,
                    const struct refusal *refusal) MUST_CHECK;
/* Sends a letter that somebody had kept, or a run, which needs no room to be made sure of. Takes
 * *letter; ERR_FULL or -ENOMEM and it stays. Where the topic is not configured it is destroyed, and
 * that is 0 too. */
struct letter;
int deadletter_post(struct deadletter *deadletter, struct letter **letter) MUST_CHECK;
/* The oldest offset of the partition whose dead letters and runs are not all acknowledged;
 * INT64_MAX if none. */
int64_t deadletter_low_offset(const struct deadletter *deadletter, int32_t partition);
const struct deadletter_stats *deadletter_get_stats(const struct deadletter *deadletter);
const struct deadletter_stats *deadletter_get_run_stats(const struct deadletter *deadletter);
/* Flushes for at most timeout_ms, then frees everything; what was not delivered is logged. Then
 * calls closed. */
void deadletter_close(struct deadletter *deadletter, int64_t timeout_ms,
                      void (*closed)(void *context), void *context);

#endif
