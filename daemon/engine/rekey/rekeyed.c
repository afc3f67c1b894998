#include "daemon/engine/rekey/rekeyed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/kafka/deadletter_headers.h"

static void add_number(rd_kafka_headers_t *headers, enum deadletter_header header, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    rd_kafka_header_add(headers, deadletter_header_name(header), -1, text, -1);
}

static rd_kafka_headers_t *make_headers(const rd_kafka_message_t *message, const struct run *run)
{
    rd_kafka_headers_t *original;
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &original) == RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_copy(original);
    else
        headers = rd_kafka_headers_new(DEADLETTER_HEADER_COUNT);
    if (headers == NULL)
        return NULL;
    deadletter_headers_strip(headers); /* of a dead letter that was sent in once more */
    rd_kafka_header_add(headers, deadletter_header_name(DEADLETTER_TOPIC), -1,
                        rd_kafka_topic_name(message->rkt), -1);
    add_number(headers, DEADLETTER_PARTITION, message->partition);
    add_number(headers, DEADLETTER_OFFSET, message->offset);
    add_number(headers, DEADLETTER_INDEX, run->first);
    rd_kafka_header_add(headers, deadletter_header_name(DEADLETTER_KEY), -1, message->key,
                        (ssize_t)message->key_len);
    return headers;
}

/* Key and value, one behind the other. */
static struct letter *make_body(const struct run *run, const char *facility)
{
    uint8_t prefix[RUN_PREFIX_MAX];
    uint8_t suffix[1];
    size_t prefix_size = run_prefix(run, prefix);
    size_t suffix_size = run_suffix(run, suffix);
    size_t key_size = strlen(facility);
    struct letter *letter =
        calloc(1, sizeof(*letter) + key_size + prefix_size + run->size + suffix_size);
    if (letter == NULL)
        return NULL;
    letter->is_run = true;
    letter->has_key = true;
    letter->key_size = key_size;
    letter->size = prefix_size + run->size + suffix_size;
    char *at = letter->bytes;
    memcpy(at, facility, key_size);
    at += key_size;
    memcpy(at, prefix, prefix_size);
    memcpy(at + prefix_size, run->bytes, run->size);
    memcpy(at + prefix_size + run->size, suffix, suffix_size);
    return letter;
}

struct letter *rekeyed_create(const rd_kafka_message_t *message, const struct run *run,
                              const char *facility)
{
    struct letter *letter = make_body(run, facility);
    if (letter == NULL)
        return NULL;
    letter->headers = make_headers(message, run);
    if (letter->headers == NULL) {
        free(letter);
        return NULL;
    }
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    letter->timestamp_ms = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? timestamp_ms : 0;
    letter->offset = message->offset;
    letter->partition = message->partition;
    return letter;
}

bool rekeyed_read(struct rekeyed *rekeyed_out, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *key;
    size_t key_size;
    struct deadletter_headers letter_headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, deadletter_header_name(DEADLETTER_KEY), &key,
                                 &key_size) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        deadletter_headers_read(&letter_headers, headers) < 0)
        return false;
    *rekeyed_out = (struct rekeyed){.topic = letter_headers.topic,
                                    .partition = letter_headers.partition,
                                    .offset = letter_headers.offset,
                                    .index = letter_headers.index,
                                    .key = key,
                                    .key_size = key != NULL ? key_size : 0};
    return true;
}
