#include "pipelines/kafka/deadletter_headers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
    [DEADLETTER_REASON] = "ghgd-reason",       [DEADLETTER_HELP] = "ghgd-help",
    [DEADLETTER_TOPIC] = "ghgd-topic",         [DEADLETTER_PARTITION] = "ghgd-partition",
    [DEADLETTER_OFFSET] = "ghgd-offset",       [DEADLETTER_INDEX] = "ghgd-index",
    [DEADLETTER_TIMESTAMP] = "ghgd-timestamp", [DEADLETTER_TRUNCATED] = "ghgd-truncated",
    [DEADLETTER_WHOLE] = "ghgd-whole",         [DEADLETTER_RETRIED] = "ghgd-retried",
    [DEADLETTER_RETRY_OF] = "ghgd-retry-of",   [DEADLETTER_KEY] = "ghgd-key",
};

_Static_assert(ARRAY_LEN(names) == DEADLETTER_HEADER_COUNT, "a name for each header");

const char *deadletter_header_name(enum deadletter_header header)
{
    ASSERT(header < DEADLETTER_HEADER_COUNT);
    return names[header];
}

void deadletter_headers_strip(rd_kafka_headers_t *headers)
{
    for (enum deadletter_header i = 0; i < DEADLETTER_HEADER_COUNT; i++) {
        if (i != DEADLETTER_RETRY_OF)
            rd_kafka_header_remove(headers, names[i]);
    }
}

rd_kafka_headers_t *deadletter_headers_copy(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *original;
    if (rd_kafka_message_headers(message, &original) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_headers_new(DEADLETTER_HEADER_COUNT);
    rd_kafka_headers_t *headers = rd_kafka_headers_copy(original);
    if (headers != NULL)
        deadletter_headers_strip(headers);
    return headers;
}

void deadletter_headers_add_text(rd_kafka_headers_t *headers, enum deadletter_header header,
                                 const char *text)
{
    rd_kafka_header_add(headers, deadletter_header_name(header), -1, text, -1);
}

void deadletter_headers_add_number(rd_kafka_headers_t *headers, enum deadletter_header header,
                                   int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    deadletter_headers_add_text(headers, header, text);
}

/* librdkafka ends every value with a NUL. */
static const char *get_text(const rd_kafka_headers_t *headers, enum deadletter_header header)
{
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, names[header], &value, &size) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return value;
}

/* Returns 0, ERR_SYNTAX (no whole number from 0 to max), or -ENOENT and *number_out as it was. */
static int get_number(const rd_kafka_headers_t *headers, enum deadletter_header header, int64_t max,
                      int64_t *number_out)
{
    const char *text = get_text(headers, header);
    if (text == NULL)
        return -ENOENT;
    if (*text < '0' || *text > '9')
        return ERR_SYNTAX;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || number > max)
        return ERR_SYNTAX;
    *number_out = number;
    return 0;
}

static int read_numbers(struct deadletter_headers *letter_headers,
                        const rd_kafka_headers_t *headers)
{
    int64_t partition;
    int64_t index;
    if (get_number(headers, DEADLETTER_PARTITION, INT32_MAX, &partition) < 0 ||
        get_number(headers, DEADLETTER_OFFSET, INT64_MAX, &letter_headers->offset) < 0 ||
        get_number(headers, DEADLETTER_INDEX, UINT32_MAX, &index) < 0)
        return ERR_SYNTAX;
    letter_headers->partition = (int32_t)partition;
    letter_headers->index = (uint32_t)index;
    const struct {
        enum deadletter_header header;
        int64_t *number;
    } optional[] = {{DEADLETTER_TIMESTAMP, &letter_headers->timestamp_ms},
                    {DEADLETTER_TRUNCATED, &letter_headers->full_size},
                    {DEADLETTER_RETRIED, &letter_headers->retried_at}};
    for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
        if (get_number(headers, optional[i].header, INT64_MAX, optional[i].number) == ERR_SYNTAX)
            return ERR_SYNTAX;
    }
    return 0;
}

static const char *text_or_empty(const rd_kafka_headers_t *headers, enum deadletter_header header)
{
    const char *text = get_text(headers, header);
    return text != NULL ? text : "";
}

int deadletter_headers_read(struct deadletter_headers *deadletter_headers_out,
                            const rd_kafka_headers_t *headers)
{
    if (headers == NULL || get_text(headers, DEADLETTER_TOPIC) == NULL)
        return ERR_SYNTAX;
    struct deadletter_headers letter_headers = {.full_size = -1, .retried_at = -1};
    int err = read_numbers(&letter_headers, headers);
    if (err < 0)
        return err;
    letter_headers.topic = text_or_empty(headers, DEADLETTER_TOPIC);
    letter_headers.reason = text_or_empty(headers, DEADLETTER_REASON);
    letter_headers.help = text_or_empty(headers, DEADLETTER_HELP);
    letter_headers.retry_of = text_or_empty(headers, DEADLETTER_RETRY_OF);
    letter_headers.whole = get_text(headers, DEADLETTER_WHOLE) != NULL;
    *deadletter_headers_out = letter_headers;
    return 0;
}

bool message_place_read(struct message_place *place_out, const rd_kafka_message_t *message)
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
    *place_out = (struct message_place){.topic = letter_headers.topic,
                                        .partition = letter_headers.partition,
                                        .offset = letter_headers.offset,
                                        .index = letter_headers.index,
                                        .key = key,
                                        .key_size = key != NULL ? key_size : 0};
    return true;
}

struct message_place message_place_of(const rd_kafka_message_t *message)
{
    struct message_place place;
    if (message_place_read(&place, message))
        return place;
    return (struct message_place){.topic = rd_kafka_topic_name(message->rkt),
                                  .partition = message->partition,
                                  .offset = message->offset,
                                  .key = message->key,
                                  .key_size = message->key != NULL ? message->key_len : 0};
}
