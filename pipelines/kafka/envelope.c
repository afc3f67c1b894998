#include "pipelines/kafka/envelope.h"

#include <errno.h>
#include <stdlib.h>

static const char *const names[] = {
    [ENVELOPE_REASON] = "ghgd-reason",       [ENVELOPE_HELP] = "ghgd-help",
    [ENVELOPE_TOPIC] = "ghgd-topic",         [ENVELOPE_PARTITION] = "ghgd-partition",
    [ENVELOPE_OFFSET] = "ghgd-offset",       [ENVELOPE_INDEX] = "ghgd-index",
    [ENVELOPE_TIMESTAMP] = "ghgd-timestamp", [ENVELOPE_TRUNCATED] = "ghgd-truncated",
    [ENVELOPE_WHOLE] = "ghgd-whole",         [ENVELOPE_RETRIED] = "ghgd-retried",
    [ENVELOPE_RETRY_OF] = "ghgd-retry-of",   [ENVELOPE_KEY] = "ghgd-key",
};

_Static_assert(ARRAY_LEN(names) == ENVELOPE_HEADER_COUNT, "a name for each header");

const char *envelope_header_name(enum envelope_header header)
{
    ASSERT(header < ENVELOPE_HEADER_COUNT);
    return names[header];
}

void envelope_strip(rd_kafka_headers_t *headers)
{
    for (enum envelope_header i = 0; i < ENVELOPE_HEADER_COUNT; i++) {
        if (i != ENVELOPE_RETRY_OF)
            rd_kafka_header_remove(headers, names[i]);
    }
}

/* librdkafka ends every value with a NUL. */
static const char *get_text(const rd_kafka_headers_t *headers, enum envelope_header header)
{
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, names[header], &value, &size) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return value;
}

/* Returns 0, ERR_SYNTAX (no whole number from 0 to max), or -ENOENT and *number_out as it was. */
static int get_number(const rd_kafka_headers_t *headers, enum envelope_header header, int64_t max,
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

static int read_numbers(struct envelope *envelope, const rd_kafka_headers_t *headers)
{
    int64_t partition;
    int64_t index;
    if (get_number(headers, ENVELOPE_PARTITION, INT32_MAX, &partition) < 0 ||
        get_number(headers, ENVELOPE_OFFSET, INT64_MAX, &envelope->offset) < 0 ||
        get_number(headers, ENVELOPE_INDEX, UINT32_MAX, &index) < 0)
        return ERR_SYNTAX;
    envelope->partition = (int32_t)partition;
    envelope->index = (uint32_t)index;
    const struct {
        enum envelope_header header;
        int64_t *number;
    } optional[] = {{ENVELOPE_TIMESTAMP, &envelope->timestamp_ms},
                    {ENVELOPE_TRUNCATED, &envelope->full_size},
                    {ENVELOPE_RETRIED, &envelope->retried_at}};
    for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
        if (get_number(headers, optional[i].header, INT64_MAX, optional[i].number) == ERR_SYNTAX)
            return ERR_SYNTAX;
    }
    return 0;
}

static const char *text_or_empty(const rd_kafka_headers_t *headers, enum envelope_header header)
{
    const char *text = get_text(headers, header);
    return text != NULL ? text : "";
}

int envelope_read(struct envelope *envelope_out, const rd_kafka_headers_t *headers)
{
    if (headers == NULL || get_text(headers, ENVELOPE_TOPIC) == NULL)
        return ERR_SYNTAX;
    struct envelope envelope = {.full_size = -1, .retried_at = -1};
    int err = read_numbers(&envelope, headers);
    if (err < 0)
        return err;
    envelope.topic = text_or_empty(headers, ENVELOPE_TOPIC);
    envelope.reason = text_or_empty(headers, ENVELOPE_REASON);
    envelope.help = text_or_empty(headers, ENVELOPE_HELP);
    envelope.retry_of = text_or_empty(headers, ENVELOPE_RETRY_OF);
    envelope.whole = get_text(headers, ENVELOPE_WHOLE) != NULL;
    *envelope_out = envelope;
    return 0;
}
