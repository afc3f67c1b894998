#include "daemon/deadletter/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "pipelines/kafka/log_reader.h"
#include "pipelines/kafka/native_header.h"

enum { WHY_BYTES_MAX = 4096, SHOW_MS = 200 };

struct letter_reader {
    const struct kafka_conf *kafka;
    const struct letters_filter *filter;
    const char *command;
    const char *topics[LETTER_TOPICS_MAX];
    struct log_reader *readers[LETTER_TOPICS_MAX]; /* NULL: there is no such topic */
    int topics_count;
    struct log_reader *other; /* of the topic that a message was fetched from last */
    char *other_topic;
    struct buffer why;
    int64_t shown_ms;
    uint64_t messages; /* read, for the progress line */
};

static int complain(struct letter_reader *letter_reader, int err)
{
    const char *words = buffer_text(&letter_reader->why);
    if (err < 0) {
        if (words == NULL || words[0] == '\0')
            words = err_str(err);
        bool ends = words[strlen(words) - 1] == '\n';
        (void)fprintf(stderr, "ghgd %s: %s%s", letter_reader->command, words, ends ? "" : "\n");
    }
    buffer_clear(&letter_reader->why);
    return err;
}

static void add_topic(struct letter_reader *letter_reader, const char *topic)
{
    for (int i = 0; i < letter_reader->topics_count; i++) {
        if (strcmp(letter_reader->topics[i], topic) == 0)
            return;
    }
    letter_reader->topics[letter_reader->topics_count++] = topic;
}

/* Brokers make the topic with its first letter, so a topic that is not there holds none. */
static int open_topic(struct letter_reader *letter_reader, int box)
{
    int err = log_reader_open(&letter_reader->readers[box], letter_reader->kafka,
                              letter_reader->topics[box], &letter_reader->why);
    if (err != -ENOENT)
        return err;
    (void)fprintf(stderr, "ghgd %s: there is no topic \"%s\" yet, so it holds no event\n",
                  letter_reader->command, letter_reader->topics[box]);
    buffer_clear(&letter_reader->why);
    return 0;
}

int letter_reader_open(struct letter_reader **letter_reader_out, const struct config *config,
                       const struct letters_filter *filter, const char *command)
{
    struct letter_reader *letter_reader = calloc(1, sizeof(*letter_reader));
    if (letter_reader == NULL)
        return -ENOMEM;
    letter_reader->kafka = &config->kafka;
    letter_reader->filter = filter;
    letter_reader->command = command;
    buffer_init(&letter_reader->why, WHY_BYTES_MAX);
    if (filter->dead && config->kafka.dead_letter_topic != NULL)
        add_topic(letter_reader, config->kafka.dead_letter_topic);
    if (filter->late && config->kafka.late_topic != NULL)
        add_topic(letter_reader, config->kafka.late_topic);
    int err = 0;
    if (letter_reader->topics_count == 0) {
        buffer_add_str(&letter_reader->why, "the configuration names no kafka.dead_letter_topic\n");
        err = ERR_CONFIG;
    }
    for (int i = 0; i < letter_reader->topics_count && err == 0; i++)
        err = open_topic(letter_reader, i);
    if (complain(letter_reader, err) < 0) {
        letter_reader_close(&letter_reader);
        return err;
    }
    *letter_reader_out = letter_reader;
    return 0;
}

void letter_reader_close(struct letter_reader **letter_reader)
{
    struct letter_reader *gone = TAKE(*letter_reader);
    if (gone == NULL)
        return;
    for (int i = 0; i < LETTER_TOPICS_MAX; i++)
        log_reader_close(&gone->readers[i]);
    log_reader_close(&gone->other);
    free(gone->other_topic);
    buffer_fini(&gone->why);
    free(gone);
}

const char *const *letter_reader_topics(const struct letter_reader *letter_reader)
{
    return letter_reader->topics;
}

static void show_progress(struct letter_reader *letter_reader, bool end)
{
    int64_t now_ms = clock_steady_ms();
    if (isatty(STDERR_FILENO) == 0 || (!end && now_ms - letter_reader->shown_ms < SHOW_MS))
        return;
    letter_reader->shown_ms = now_ms;
    if (end)
        (void)fputs("\r\033[K", stderr);
    else
        (void)fprintf(stderr, "\rread %" PRIu64 " messages ", letter_reader->messages);
}

/* NULL if ghgd did not write the letter. */
static const struct deadletter_headers *read_headers(struct deadletter_headers *letter_headers,
                                                     const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    return deadletter_headers_read(letter_headers, headers) == 0 ? letter_headers : NULL;
}

static int add_message(struct letter_index *letters, int box, const rd_kafka_message_t *message)
{
    struct letter_message letter = {.box = box,
                                    .partition = message->partition,
                                    .offset = message->offset,
                                    .key = message->key,
                                    .body = message->payload != NULL ? message->payload : "",
                                    .key_size = message->key != NULL ? message->key_len : 0,
                                    .body_size = message->payload != NULL ? message->len : 0,
                                    .timestamp_ms = log_message_time_ms(message),
                                    .native = message_is_native(message)};
    struct deadletter_headers letter_headers;
    const struct deadletter_headers *ours = read_headers(&letter_headers, message);
    if (ours != NULL && ours->timestamp_ms > 0)
        letter.timestamp_ms = ours->timestamp_ms; /* whatever the topic makes of timestamps */
    return letter_index_add(letters, ours, &letter);
}

/* Called with a message of a box; negative stops the reading. */
typedef int (*message_fn)(void *context, int box, const rd_kafka_message_t *message);

static int32_t count_partitions(const struct letter_reader *letter_reader, int box)
{
    const struct log_reader *reader = letter_reader->readers[box];
    return reader != NULL ? log_reader_partitions(reader) : 0;
}

/* Gives [from, to) of one partition to `fn`. */
static int read_span(struct letter_reader *letter_reader, int box, int32_t partition,
                     const struct log_bounds *span, message_fn fn, void *context)
{
    struct log_reader *reader = letter_reader->readers[box];
    int err = log_reader_start(reader, partition, span->low, span->high, &letter_reader->why);
    rd_kafka_message_t **messages;
    int count;
    if (err < 0)
        return complain(letter_reader, err);
    while ((count = log_reader_next(reader, &messages, &letter_reader->why)) > 0) {
        for (int i = 0; i < count; i++) {
            err = fn(context, box, messages[i]);
            if (err < 0)
                return err;
        }
        letter_reader->messages += (uint64_t)count;
        show_progress(letter_reader, false);
    }
    return complain(letter_reader, count);
}

static int add_to_letters(void *context, int box, const rd_kafka_message_t *message)
{
    return add_message(context, box, message);
}

static int read_partition(struct letter_reader *letter_reader, int box, int32_t partition,
                          struct letter_index *letters)
{
    struct log_reader *reader = letter_reader->readers[box];
    struct log_bounds bounds;
    int64_t from_ms = letter_reader->filter->from_ms;
    int64_t from = INT64_MIN;
    int err = log_reader_get_bounds(reader, partition, &bounds, &letter_reader->why);
    if (err == 0 && from_ms != INT64_MIN)
        err = log_reader_find(reader, partition, &bounds, from_ms, &from, &letter_reader->why);
    if (err < 0)
        return complain(letter_reader, err);
    if (from > bounds.low)
        bounds.low = from;
    err = read_span(letter_reader, box, partition, &bounds, add_to_letters, letters);
    if (err == -ENOMEM)
        return complain(letter_reader, err);
    return err;
}

int letter_reader_read(struct letter_reader *letter_reader, struct letter_index *letters)
{
    int err = 0;
    for (int box = 0; box < letter_reader->topics_count && err == 0; box++) {
        int32_t count = count_partitions(letter_reader, box);
        for (int32_t i = 0; i < count && err == 0; i++)
            err = read_partition(letter_reader, box, i, letters);
    }
    show_progress(letter_reader, true);
    return err;
}

/* ---- again ---- */

struct again {
    const struct letter_index *letters;
    const bool *chosen;
    letter_reader_fn fn;
    void *context;
};

/* Hands on the newest letter of a record that is chosen. */
static int give_letter(void *context, int box, const rd_kafka_message_t *message)
{
    const struct again *again = context;
    struct deadletter_headers letter_headers;
    if (read_headers(&letter_headers, message) == NULL || letter_headers.retried_at >= 0)
        return 0;
    const struct letter_record *record = letter_index_find(again->letters, &letter_headers);
    if (record == NULL || record->box != box || record->box_partition != message->partition ||
        record->box_offset != message->offset)
        return 0;
    size_t index = (size_t)(record - letter_index_get(again->letters, 0));
    return again->chosen[index] ? again->fn(again->context, index, &letter_headers, message) : 0;
}

/* The part of a partition in which chosen letters lie: low = high if it has no such letter. */
static struct log_bounds find_span(const struct again *again, int box, int32_t partition)
{
    struct log_bounds span = {INT64_MAX, 0};
    for (size_t i = 0; i < letters_count(again->letters); i++) {
        const struct letter_record *record = letter_index_get(again->letters, i);
        if (!again->chosen[i] || record->box != box || record->box_partition != partition)
            continue;
        if (record->box_offset < span.low)
            span.low = record->box_offset;
        if (record->box_offset >= span.high)
            span.high = record->box_offset + 1;
    }
    if (span.high == 0)
        span.low = 0;
    return span;
}

int letter_reader_each(struct letter_reader *letter_reader, const struct letter_index *letters,
                       const bool *chosen, letter_reader_fn fn, void *context)
{
    struct again again = {letters, chosen, fn, context};
    int err = 0;
    for (int box = 0; box < letter_reader->topics_count && err == 0; box++) {
        int32_t count = count_partitions(letter_reader, box);
        for (int32_t i = 0; i < count && err == 0; i++) {
            struct log_bounds span = find_span(&again, box, i);
            if (span.low < span.high)
                err = read_span(letter_reader, box, i, &span, give_letter, &again);
        }
    }
    show_progress(letter_reader, true);
    return err;
}

/* ---- one message ---- */

static int open_other(struct letter_reader *letter_reader, const char *topic)
{
    if (letter_reader->other_topic != NULL && strcmp(letter_reader->other_topic, topic) == 0)
        return 0;
    log_reader_close(&letter_reader->other);
    free(letter_reader->other_topic);
    letter_reader->other_topic = strdup(topic);
    if (letter_reader->other_topic == NULL)
        return -ENOMEM;
    int err =
        log_reader_open(&letter_reader->other, letter_reader->kafka, topic, &letter_reader->why);
    if (err < 0)
        free(TAKE(letter_reader->other_topic));
    return err;
}

static int fetch(struct letter_reader *letter_reader, int32_t partition, int64_t offset,
                 const rd_kafka_message_t **message_out)
{
    struct log_bounds bounds;
    if (partition >= log_reader_partitions(letter_reader->other))
        return 0;
    int err = log_reader_get_bounds(letter_reader->other, partition, &bounds, &letter_reader->why);
    if (err < 0)
        return err;
    if (offset < bounds.low || offset >= bounds.high)
        return 0;
    err =
        log_reader_start(letter_reader->other, partition, offset, offset + 1, &letter_reader->why);
    if (err < 0)
        return err;
    rd_kafka_message_t **messages;
    int count = log_reader_next(letter_reader->other, &messages, &letter_reader->why);
    if (count > 0)
        *message_out = messages[0];
    return count;
}

int letter_reader_fetch(struct letter_reader *letter_reader, const char *topic, int32_t partition,
                        int64_t offset, const rd_kafka_message_t **message_out)
{
    int found = open_other(letter_reader, topic);
    if (found == 0)
        found = fetch(letter_reader, partition, offset, message_out);
    return complain(letter_reader, found);
}

struct search {
    uint32_t wanted, seen;
    const void *bytes;
    size_t size;
};

static void on_event(void *context, const struct event *event)
{
    struct search *search = context;
    if (search->seen++ != search->wanted)
        return;
    search->bytes = event->bytes;
    search->size = event->bytes_size;
}

bool letter_original_find(struct letter_original *original_out, struct decoder *decoder,
                          const void *message, size_t size, bool native, uint32_t index)
{
    struct search search = {.wanted = index};
    decoder_decode(decoder, message, size, native, on_event, &search);
    original_out->bytes = search.bytes;
    original_out->size = search.size;
    return search.bytes != NULL;
}

int letter_original_fetch(struct letter_original *original_out, struct letter_reader *letter_reader,
                          const struct decode_conf *decode, const struct letter_record *record)
{
    const rd_kafka_message_t *message = NULL;
    int found = letter_reader_fetch(letter_reader, record->topic, record->partition, record->offset,
                                    &message);
    if (found <= 0)
        return found;
    ASSERT(message != NULL); /* one was found */
    if (message->payload == NULL)
        return 0;
    original_out->message = message;
    original_out->bytes = message->payload;
    original_out->size = message->len;
    if (!record->whole) {
        struct decoder *decoder;
        int err = decoder_create(&decoder, decode);
        if (err < 0)
            return err;
        if (!letter_original_find(original_out, decoder, message->payload, message->len,
                                  message_is_native(message), record->index))
            original_out->size = 0;
        decoder_destroy(&decoder);
    }
    /* A topic that was made again has other messages at the same places. */
    return (int64_t)original_out->size == record->size;
}
