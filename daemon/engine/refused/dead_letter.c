#include "daemon/engine/refused/dead_letter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "pipelines/kafka/deadletter_headers.h"

static enum outgoing_kind kind_of(enum outcome outcome)
{
    return outcome == OUTCOME_LATE ? OUTGOING_LATE_LETTER : OUTGOING_DEAD_LETTER;
}

static void add_reason(rd_kafka_headers_t *headers, const struct refusal *refusal)
{
    enum outcome outcome = refusal->outcome;
    const char *reason = outcome_reason(outcome);
    deadletter_headers_add_text(headers, DEADLETTER_REASON,
                                reason[0] != '\0' ? reason : outcome_class(outcome));
    deadletter_headers_add_text(headers, DEADLETTER_HELP, refusal_help(refusal));
}

static rd_kafka_headers_t *make_headers(const rd_kafka_message_t *message,
                                        const struct message_place *place,
                                        const struct refusal *refusal, int64_t timestamp_ms)
{
    rd_kafka_headers_t *headers = deadletter_headers_copy(message);
    if (headers == NULL)
        return NULL;
    add_reason(headers, refusal);
    deadletter_headers_add_text(headers, DEADLETTER_TOPIC, place->topic);
    deadletter_headers_add_number(headers, DEADLETTER_PARTITION, place->partition);
    deadletter_headers_add_number(headers, DEADLETTER_OFFSET, place->offset);
    deadletter_headers_add_number(headers, DEADLETTER_INDEX,
                                  (int64_t)place->index + refusal->origin.index);
    if (timestamp_ms > 0)
        deadletter_headers_add_number(headers, DEADLETTER_TIMESTAMP, timestamp_ms);
    return headers;
}

struct outgoing *dead_letter_create(struct outgoing_reserve *reserve,
                                    const rd_kafka_message_t *message,
                                    const struct refusal *refusal, bool whole)
{
    const struct message_place place = message_place_of(message);
    const void *body = whole ? message->payload : refusal->origin.bytes;
    size_t size = whole ? message->len : refusal->origin.size;
    struct outgoing *letter = outgoing_create(reserve, message, place.key, place.key_size, size);
    if (letter == NULL)
        return NULL;
    letter->headers = make_headers(message, &place, refusal, letter->timestamp_ms);
    if (letter->headers == NULL) {
        outgoing_destroy(letter);
        return NULL;
    }
    letter->kind = kind_of(refusal->outcome);
    if (size > 0)
        memcpy(outgoing_value(letter), body, size);
    if (whole)
        deadletter_headers_add_text(letter->headers, DEADLETTER_WHOLE, "1");
    return letter;
}

void dead_letter_refuse(struct outgoing *letter, const struct refusal *refusal)
{
    ASSERT(letter->headers != NULL); /* the producer is not sending it */
    rd_kafka_header_remove(letter->headers, deadletter_header_name(DEADLETTER_REASON));
    rd_kafka_header_remove(letter->headers, deadletter_header_name(DEADLETTER_HELP));
    add_reason(letter->headers, refusal);
    letter->kind = kind_of(refusal->outcome);
}

void dead_letters_init(struct dead_letters *letters, struct producer *producer)
{
    *letters = (struct dead_letters){.producer = producer};
}

void dead_letters_fini(struct dead_letters *letters)
{
    free(letters->partitions);
    *letters = (struct dead_letters){0};
}

bool dead_letters_have_room(const struct dead_letters *letters, size_t messages, size_t bytes)
{
    size_t by_messages = messages * (DEADLETTERS_PER_MESSAGE_MAX + 1);
    size_t by_bytes = bytes / 2 + messages; /* no event of an array is shorter than "0," */
    size_t body = 2 * bytes;                /* an event alone, and once more within its message */
    return producer_has_room(letters->producer, MIN(by_messages, by_bytes), body);
}

/* The count of the partition's last message; NULL if out of memory. */
static struct refused_count *reach_count(struct dead_letters *letters, int32_t partition)
{
    uint32_t need = (uint32_t)partition + 1;
    if (need > letters->partitions_count) {
        struct refused_count *partitions = realloc(letters->partitions, need * sizeof(*partitions));
        if (partitions == NULL)
            return NULL;
        for (uint32_t i = letters->partitions_count; i < need; i++)
            partitions[i] = (struct refused_count){.offset = -1};
        letters->partitions = partitions;
        letters->partitions_count = need;
    }
    return &letters->partitions[partition];
}

int dead_letters_reserve(struct dead_letters *letters, int32_t partition, size_t bytes)
{
    if (reach_count(letters, partition) == NULL) {
        producer_ask_for_room(letters->producer);
        return -ENOMEM;
    }
    return producer_reserve(letters->producer, partition, bytes);
}

int dead_letters_send(struct dead_letters *letters, const rd_kafka_message_t *message,
                      const struct refusal *refusal)
{
    if (!producer_sends(letters->producer, kind_of(refusal->outcome)))
        return 0;
    if (!producer_takes(letters->producer))
        return ERR_FULL;
    struct refused_count *refused = reach_count(letters, message->partition);
    if (refused == NULL)
        return -ENOMEM;
    if (refused->offset != message->offset)
        *refused = (struct refused_count){.offset = message->offset};
    if (refused->count > DEADLETTERS_PER_MESSAGE_MAX)
        return 0; /* the whole message is on its way */
    bool whole = refused->count == DEADLETTERS_PER_MESSAGE_MAX;
    struct outgoing *letter =
        dead_letter_create(producer_get_reserve(letters->producer), message, refusal, whole);
    if (letter == NULL)
        return -ENOMEM;
    int err = producer_send(letters->producer, &letter);
    if (err < 0) {
        outgoing_destroy(letter);
        return err;
    }
    refused->count++;
    return 0;
}
