#include "pipelines/kafka/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/rekey/rekeyed.h"
#include "pipelines/kafka/deadletter_headers.h"

enum { CUT_BYTES = 1000 }; /* enough to see what it was; the original's place is in the headers */

static void add_text(rd_kafka_headers_t *headers, enum deadletter_header header, const char *text)
{
    rd_kafka_header_add(headers, deadletter_header_name(header), -1, text, -1);
}

static void add_number(rd_kafka_headers_t *headers, enum deadletter_header header, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    add_text(headers, header, text);
}

static void add_reason(rd_kafka_headers_t *headers, enum outcome outcome)
{
    const char *reason = outcome_reason(outcome);
    add_text(headers, DEADLETTER_REASON, reason[0] != '\0' ? reason : outcome_class(outcome));
    add_text(headers, DEADLETTER_HELP, outcome_help(outcome));
}

/* Where the message stood, or the one that it was made of. */
static struct rekeyed place_of(const rd_kafka_message_t *message)
{
    struct rekeyed place;
    if (rekeyed_read(&place, message))
        return place;
    return (struct rekeyed){.topic = rd_kafka_topic_name(message->rkt),
                            .partition = message->partition,
                            .offset = message->offset,
                            .key = message->key,
                            .key_size = message->key != NULL ? message->key_len : 0};
}

static rd_kafka_headers_t *make_headers(const rd_kafka_message_t *message,
                                        const struct refusal *refusal, int64_t timestamp_ms)
{
    rd_kafka_headers_t *original;
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &original) == RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_copy(original);
    else
        headers = rd_kafka_headers_new(8);
    if (headers == NULL)
        return NULL;
    const struct rekeyed place = place_of(message); /* borrows from the message's own headers */
    deadletter_headers_strip(headers); /* of a dead letter that was sent in once more */
    add_reason(headers, refusal->outcome);
    add_text(headers, DEADLETTER_TOPIC, place.topic);
    add_number(headers, DEADLETTER_PARTITION, place.partition);
    add_number(headers, DEADLETTER_OFFSET, place.offset);
    add_number(headers, DEADLETTER_INDEX, (int64_t)place.index + refusal->origin.index);
    if (timestamp_ms > 0)
        add_number(headers, DEADLETTER_TIMESTAMP, timestamp_ms);
    return headers;
}

size_t letter_key_size(const rd_kafka_message_t *message)
{
    return place_of(message).key_size;
}

size_t letter_reserved_size(size_t key_size, size_t size)
{
    return letter_reserve_cost(sizeof(struct letter) + key_size + size);
}

struct letter *letter_create(struct letter_reserve *reserve, const rd_kafka_message_t *message,
                             const struct refusal *refusal, bool whole)
{
    const struct rekeyed place = place_of(message);
    const void *body = whole ? message->payload : refusal->origin.bytes;
    size_t size = whole ? message->len : refusal->origin.size;
    struct letter_block *block;
    struct letter *letter =
        letter_reserve_alloc(reserve, sizeof(*letter) + place.key_size + size, &block);
    if (letter == NULL)
        return NULL;
    letter->block = block;
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    letter->timestamp_ms = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? timestamp_ms : 0;
    letter->headers = make_headers(message, refusal, letter->timestamp_ms);
    if (letter->headers == NULL) {
        letter_reserve_free(block, letter);
        return NULL;
    }
    letter->offset = message->offset;
    letter->partition = message->partition;
    letter->is_late = refusal->outcome == OUTCOME_LATE;
    letter->has_key = place.key != NULL;
    letter->key_size = place.key_size;
    letter->size = size;
    if (place.key != NULL)
        memcpy(letter->bytes, place.key, place.key_size);
    if (size > 0)
        memcpy(letter->bytes + place.key_size, body, size);
    if (whole)
        add_text(letter->headers, DEADLETTER_WHOLE, "1");
    return letter;
}

void letter_destroy(struct letter *letter)
{
    if (letter->headers != NULL)
        rd_kafka_headers_destroy(letter->headers);
    letter_reserve_free(letter->block, letter);
}

void letter_refuse(struct letter *letter, enum outcome outcome)
{
    ASSERT(letter->headers != NULL);
    rd_kafka_header_remove(letter->headers, deadletter_header_name(DEADLETTER_REASON));
    rd_kafka_header_remove(letter->headers, deadletter_header_name(DEADLETTER_HELP));
    add_reason(letter->headers, outcome);
    letter->is_late = outcome == OUTCOME_LATE;
}

rd_kafka_resp_err_t letter_send(struct letter *letter, rd_kafka_t *client, const char *topic)
{
    ASSERT(letter->headers != NULL);
    const void *key = letter->has_key ? letter->bytes : NULL;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_KEY(key, letter->key_size),
        RD_KAFKA_V_VALUE(letter->bytes + letter->key_size, letter->size),
        RD_KAFKA_V_TIMESTAMP(letter->timestamp_ms), RD_KAFKA_V_HEADERS(letter->headers),
        RD_KAFKA_V_OPAQUE(letter), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        letter->headers = NULL;
    return code;
}

void letter_recover(struct letter *letter, const rd_kafka_message_t *report)
{
    ASSERT(letter->headers == NULL);
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(report, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        letter->headers = rd_kafka_headers_copy(headers);
}

void letter_cut(struct letter *letter)
{
    ASSERT(letter->headers != NULL);
    if (letter->is_cut || letter->size <= CUT_BYTES)
        return;
    add_number(letter->headers, DEADLETTER_TRUNCATED, (int64_t)letter->size);
    letter->size = CUT_BYTES;
    letter->is_cut = true;
}
