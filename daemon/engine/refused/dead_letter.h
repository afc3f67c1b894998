/*
 * dead_letter.h - events that were not used, kept: records for the dead-letter and the late topic.
 *
 * A letter has the event's original bytes, key, headers and timestamp, plus the headers
 * ghgd-reason, ghgd-help, ghgd-topic, ghgd-partition, ghgd-offset, ghgd-index (position within its
 * message) and ghgd-timestamp. They replace those of an earlier pass. As the timestamp is kept, a
 * topic whose retention is by time has to keep what is that old. At most
 * DEADLETTERS_PER_MESSAGE_MAX events of one message go alone. The next takes the whole message
 * along, with the header ghgd-whole, for itself and all that follow. The loop thread owns them.
 */
#ifndef GHGD_DEAD_LETTER_H
#define GHGD_DEAD_LETTER_H

#include "pipelines/ingest/refusal.h"
#include "pipelines/kafka/producer.h"

/* Copies the event out of its message, or the message whole, with the message's headers and ours.
 * Memory and result as of outgoing_create(). */
struct outgoing *dead_letter_create(struct outgoing_reserve *reserve,
                                    const rd_kafka_message_t *message,
                                    const struct refusal *refusal, bool whole);
/* The event was judged again, and refused for the reason of this refusal instead. */
void dead_letter_refuse(struct outgoing *letter, const struct refusal *refusal);

/* How many events of a partition's last message were refused. */
struct refused_count {
    int64_t offset;
    uint32_t count;
};

struct dead_letters {
    struct producer *producer; /* borrowed, outlives it */
    struct refused_count *partitions;
    uint32_t partitions_count;
};

void dead_letters_init(struct dead_letters *letters, struct producer *producer);
void dead_letters_fini(struct dead_letters *letters);
/* Whether all events of so many messages, of so many bytes in all with their keys, could be sent
 * now; dead_letters_send() is then not full before. If not, the producer tells of room later. */
bool dead_letters_have_room(const struct dead_letters *letters, size_t messages, size_t bytes);
/* As producer_reserve(), and dead_letters_send() does not return -ENOMEM either. */
int dead_letters_reserve(struct dead_letters *letters, int32_t partition, size_t bytes) MUST_CHECK;
/* Sends one refused event; message is the one it came in. Returns 0, or ERR_FULL or -ENOMEM and
 * nothing sent. Where the topic is not configured the event is not kept, and that is 0 too. */
int dead_letters_send(struct dead_letters *letters, const rd_kafka_message_t *message,
                      const struct refusal *refusal) MUST_CHECK;

#endif
