/*
 * splitter.h - a message cut by facility: runs of neighbouring events of one facility, each a slice
 * of the message's own bytes, and the events that cannot be told a facility.
 *
 * Only the meter is looked at. An event that names a known meter is passed on whatever else is
 * wrong with it: the shard's side judges it, and counts it for its facility. Owned by one thread.
 */
#ifndef GHGD_SPLITTER_H
#define GHGD_SPLITTER_H

#include "config/registry/registry.h"
#include "pipelines/ingest/decoder.h"
#include "pipelines/ingest/refusal.h"
#include "pipelines/kafka/outgoing.h"

struct splitter;

/* Events first .. first + count - 1 of the message, from the first byte of the first to the last
 * byte of the last, with what stands between them. */
struct run {
    uint32_t facility;
    uint32_t first, count;
    uint32_t size;
    const void *bytes;
};

enum {
    RUN_BYTES_MAX = 256 << 10, /* a longer run is cut: topics take messages of 1 MB by default */
    RUN_EVENTS_MAX = DEADLETTERS_PER_MESSAGE_MAX, /* so that each may become a letter of its own,
                                                     with its own place in the original message */
    RUN_PREFIX_MAX = 3                            /* what run_prefix() writes at most */
};

/* Both are called in the order of the events, and borrow what they get. They return 0, or negative
 * if they cannot take it now: it is given again by the next call. */
struct splitter_callbacks {
    int (*run)(void *context, const struct run *run);
    /* outcome: of a fault, or OUTCOME_UNKNOWN; origin.message is 0. */
    int (*refused)(void *context, const struct refusal *refusal);
    void *context;
};

/* The registry outlives it. Returns as decoder_create(). */
int splitter_create(struct splitter **splitter_out, const struct decode_conf *conf,
                    const struct registry *registry,
                    const struct splitter_callbacks *callbacks) MUST_CHECK;
void splitter_destroy(struct splitter **splitter);

/* Gives all of a message but its first *done events, and counts *done up to what was taken.
 * `native`: as for decoder_decode(). Returns 0 when that is everything, else what a callback
 * returned. */
int splitter_split(struct splitter *splitter, const void *message, size_t size, bool native,
                   int64_t offset, uint32_t *done) MUST_CHECK;

/* The bytes that go before and after a run, so that it is a message. A single event needs none, and
 * several need those of an array in their format. Return how many. */
size_t run_prefix(const struct run *run, uint8_t prefix[RUN_PREFIX_MAX]);
size_t run_suffix(const struct run *run, uint8_t suffix[1]);

/* The run as a record for the topic keyed by facility. NULL if out of memory.
 *
 * Key: the facility's id. Value: the event as it was, or an array of the events as they were.
 * Headers and timestamp are those of the original message. ghgd-topic, ghgd-partition, ghgd-offset
 * and ghgd-index (of the first event of the run) are added. ghgd-key, the original key, marks the
 * message as one that ghgd wrote. Dead letters name the original place and have the original key.
 */
struct outgoing *run_to_record(const rd_kafka_message_t *message, const struct run *run,
                               const char *facility);

#endif
