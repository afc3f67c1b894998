/*
 * producer.h - a producer of records that must not be lost: dead letters, late events, and runs of
 * events for the topic keyed by facility.
 *
 * Each record is made of a message of a partition; that message's offset may be committed only
 * below producer_low_offset(). The producer is asynchronous and bounded: when it is full the caller
 * stops its partition and tries again. librdkafka retries for as long as brokers are away. If
 * they refuse a record (no such topic, no permission), that is logged as deadletter.failed or
 * rekey.failed and counted. It is sent again every few seconds until the topic or the permission is
 * there. Meanwhile it holds its partition's commits back and in the end, when the producer is full,
 * the partition itself. Only a letter that is too large for its topic is not sent whole: its first
 * 1000 bytes are, with the full size in ghgd-truncated. The original still lies where ghgd-topic,
 * ghgd-partition and ghgd-offset say. Runs are never cut. The loop thread owns a producer.
 */
#ifndef GHGD_PRODUCER_H
#define GHGD_PRODUCER_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/kafka/outgoing.h"

struct producer;

struct producer_stats {
    uint64_t sent, bytes; /* records, and what they carry */
    uint64_t acknowledged;
    uint64_t failed;                 /* deliveries that brokers refused; each is tried again */
    uint64_t waiting, waiting_bytes; /* not acknowledged yet; bytes with their keys */
};

/* `on_room`: there is room again after ERR_FULL. `conf` outlives it. Returns 0, -ENOMEM, ERR_CONFIG
 * (`why` says more) or a code of libuv. */
int producer_create(struct producer **producer_out, uv_loop_t *loop, const struct kafka_conf *conf,
                    void (*on_room)(void *context), void *context, struct buffer *why) MUST_CHECK;
/* Whether a topic is configured for records of this kind. */
bool producer_sends(const struct producer *producer, enum outgoing_kind kind);
/* Whether so many records, of so many bytes with their keys, could be sent now. If not, `on_room`
 * follows. */
bool producer_has_room(struct producer *producer, size_t records, size_t bytes);
/* Whether one letter could be sent now, whatever its size. If not, `on_room` follows. */
bool producer_takes(struct producer *producer);
/* Makes sure of memory for records of the partition that cost `bytes` together
 * (outgoing_reserved_size()). Up to that cost, producer_send() does not return -ENOMEM for the
 * partition, and outgoing_create() does not return NULL with this reserve. Returns 0; or -ENOMEM,
 * and `on_room` follows. */
int producer_reserve(struct producer *producer, int32_t partition, size_t bytes) MUST_CHECK;
struct outgoing_reserve *producer_get_reserve(struct producer *producer);
/* `on_room` follows, as after a refusal. */
void producer_ask_for_room(struct producer *producer);
/* Takes *outgoing; ERR_FULL or -ENOMEM and it stays. A letter needs its bytes' room made sure of, a
 * run does not. Where no topic is configured the record is destroyed, and that is 0 too. */
int producer_send(struct producer *producer, struct outgoing **outgoing) MUST_CHECK;
/* The oldest offset of the partition whose records are not all acknowledged; INT64_MAX if none. */
int64_t producer_low_offset(const struct producer *producer, int32_t partition);
/* Walks over the waiting messages and asserts that their counts agree. */
void producer_check(const struct producer *producer);
/* For dead letters and late events; for runs. */
const struct producer_stats *producer_get_letter_stats(const struct producer *producer);
const struct producer_stats *producer_get_run_stats(const struct producer *producer);
/* Flushes for at most timeout_ms, then frees everything; what was not delivered is logged. Then
 * calls closed. */
void producer_close(struct producer *producer, int64_t timeout_ms, void (*closed)(void *context),
                    void *context);

#endif
