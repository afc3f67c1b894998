/* list.c - `ghgd deadletter list` and `show`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/command.h"
#include "daemon/deadletter/deadletter_job.h"
#include "daemon/deadletter/print.h"

enum {
    TEXT_BYTES_MAX = 64 << 20, /* of one letter: 8 MiB in hex */
    FLUSH_BYTES = 64 << 10
};

static int flush_text(struct buffer *text, FILE *out)
{
    bool failed = buffer_failed(text);
    if (!failed && text->size > 0)
        failed = fwrite(text->data, 1, text->size, out) != text->size;
    buffer_clear(text);
    return failed ? ERR_FULL : 0;
}

/* ---- list ---- */

static int print_records(const struct deadletter_job *job, enum letter_format format)
{
    const char *const *topics = letter_reader_topics(job->letter_reader);
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    letter_print_heads(&text, format);
    int err = 0;
    for (size_t i = 0; i < letters_count(job->letters) && err == 0; i++) {
        const struct letter_record *record = letter_index_get(job->letters, i);
        if (letter_state(record) == LETTER_RETRIED && !job->with_retried)
            continue;
        letter_print(&text, format, job->letters, record, topics);
        if (text.size >= FLUSH_BYTES)
            err = flush_text(&text, stdout);
    }
    if (err == 0)
        err = flush_text(&text, stdout);
    buffer_fini(&text);
    return err;
}

static void print_summary(const struct deadletter_job *job)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    letter_print_summary(&text, job->letters);
    (void)flush_text(&text, stderr);
    buffer_fini(&text);
}

int deadletter_read(struct deadletter_job *job)
{
    int err = letter_index_create(&job->letters, job->config, &job->filter, (size_t)job->limit);
    if (err == 0)
        err = letter_reader_open(&job->letter_reader, job->config, &job->filter, "deadletter");
    if (err < 0)
        return err;
    err = letter_reader_read(job->letter_reader, job->letters);
    letter_index_sort(job->letters);
    if (err == ERR_FULL)
        (void)fprintf(stderr,
                      "ghgd deadletter: there are more than %" PRId64 " events; choose fewer "
                      "(--reason, --partition, --from, --to), or hold more (--limit)\n",
                      job->limit);
    return err;
}

int deadletter_list(struct deadletter_job *job)
{
    int err = deadletter_read(job);
    if (err < 0 && err != ERR_FULL)
        return EXIT_FAILED;
    bool is_terminal = isatty(STDOUT_FILENO) != 0;
    enum letter_format format = job->json ? LETTER_JSON : is_terminal ? LETTER_TABLE : LETTER_TABS;
    if (print_records(job, format) < 0 || fflush(stdout) != 0)
        return EXIT_FAILED;
    print_summary(job);
    return err < 0 ? EXIT_FAILED : EXIT_GOOD;
}

/* ---- show ---- */

static int print_letter(const struct deadletter_job *job,
                        const struct deadletter_headers *letter_headers,
                        const rd_kafka_message_t *message)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    if (job->raw)
        buffer_add(&text, message->payload, message->payload != NULL ? message->len : 0);
    else
        letter_print_whole(&text, letter_headers, message);
    int err = flush_text(&text, stdout);
    buffer_fini(&text);
    return err;
}

struct showing {
    const struct deadletter_job *job;
    uint64_t shown;
};

static int on_letter(void *context, size_t record, const struct deadletter_headers *letter_headers,
                     const rd_kafka_message_t *message)
{
    struct showing *showing = context;
    struct deadletter_headers known = *letter_headers;
    known.retried_at = letter_index_get(showing->job->letters, record)->retried_at;
    if (showing->shown++ > 0 && !showing->job->raw)
        (void)fputs("\n", stdout);
    return print_letter(showing->job, &known, message);
}

/* Every event of the message, or the one. */
static int show_events(struct deadletter_job *job)
{
    int err = deadletter_read(job);
    if (err < 0)
        return EXIT_FAILED;
    size_t count = letters_count(job->letters);
    bool *chosen = calloc(count + 1, sizeof(*chosen));
    if (chosen == NULL)
        return EXIT_FAILED;
    memset(chosen, true, count * sizeof(*chosen));
    struct showing showing = {.job = job};
    err = letter_reader_each(job->letter_reader, job->letters, chosen, on_letter, &showing);
    free(chosen);
    if (err == 0 && showing.shown == 0)
        (void)fprintf(stderr, "ghgd deadletter: no letter of %s\n", job->place);
    return err < 0 || showing.shown == 0 ? EXIT_FAILED : EXIT_GOOD;
}

static int show_message(struct deadletter_job *job, const char *topic)
{
    int err = letter_reader_open(&job->letter_reader, job->config, &job->filter, "deadletter");
    if (err < 0)
        return EXIT_FAILED;
    const rd_kafka_message_t *message;
    int found = letter_reader_fetch(job->letter_reader, topic, (int32_t)job->filter.partition,
                                    job->filter.offset, &message);
    struct deadletter_headers letter_headers;
    rd_kafka_headers_t *headers = NULL;
    if (found == 0)
        (void)fprintf(stderr, "ghgd deadletter: nothing is at %s\n", job->place);
    if (found <= 0)
        return EXIT_FAILED;
    (void)rd_kafka_message_headers(message, &headers);
    if (deadletter_headers_read(&letter_headers, headers) == 0)
        return print_letter(job, &letter_headers, message) < 0 ? EXIT_FAILED : EXIT_GOOD;
    (void)fprintf(stderr, "ghgd deadletter: the record at %s is no dead letter of ghgd\n",
                  job->place);
    return EXIT_FAILED;
}

/* "N:N" or "N:N:N" into the filter. Returns whether it is that. */
static bool parse_numbers(struct letters_filter *filter, const char *text, int *count_out)
{
    int64_t numbers[3] = {-1, -1, -1};
    static const int64_t maxima[3] = {INT32_MAX, INT64_MAX, UINT32_MAX};
    int count = 0;
    const char *at = text;
    for (;;) {
        char *end;
        if (count == 3 || *at < '0' || *at > '9')
            return false;
        long long number = strtoll(at, &end, 10);
        if (number > maxima[count] || end - at > 19)
            return false;
        numbers[count++] = number;
        if (*end == '\0')
            break;
        if (*end != ':')
            return false;
        at = end + 1;
    }
    filter->partition = numbers[0];
    filter->offset = numbers[1];
    filter->index = numbers[2];
    *count_out = count;
    return count >= 2;
}

static bool is_box(const struct config *config, const char *text, size_t size)
{
    const char *const topics[] = {config->kafka.dead_letter_topic, config->kafka.late_topic};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        if (topics[i] != NULL && strlen(topics[i]) == size && memcmp(topics[i], text, size) == 0)
            return true;
    }
    return false;
}

int deadletter_show(struct deadletter_job *job)
{
    int count = 0;
    const char *colon = strchr(job->place, ':');
    size_t topic_size = colon != NULL ? (size_t)(colon - job->place) : 0;
    if (colon != NULL && is_box(job->config, job->place, topic_size) &&
        parse_numbers(&job->filter, colon + 1, &count) && count == 2) {
        char topic[256];
        (void)snprintf(topic, sizeof(topic), "%.*s", (int)topic_size, job->place);
        return show_message(job, topic);
    }
    if (parse_numbers(&job->filter, job->place, &count))
        return show_events(job);
    return command_misused("deadletter",
                           "show wants PARTITION:OFFSET[:INDEX] of an event, or TOPIC:PARTITION:"
                           "OFFSET of a letter, not",
                           job->place);
}
