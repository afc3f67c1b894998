/* send.c - `ghgd deadletter retry` and `export`. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/command.h"
#include "daemon/deadletter/deadletter_job.h"
#include "daemon/deadletter/print.h"
#include "daemon/deadletter/reader.h"
#include "daemon/deadletter/retry.h"
#include "pipelines/ingest/json_text.h"

enum { TEXT_BYTES_MAX = 64 << 20, WHY_BYTES_MAX = 4096 };

/* Why records are not chosen. */
struct choice_counts {
    uint64_t chosen, retried, refused, late, elsewhere;
};

/* Called with every chosen event: what has its key and headers, and its bytes. */
typedef int (*event_bytes_fn)(void *context, const struct letter_record *record,
                              const rd_kafka_message_t *source, const void *bytes, size_t size);

struct letters_walk {
    struct deadletter_job *job;
    bool *chosen;
    event_bytes_fn fn;
    void *context;
    uint64_t given, gone; /* gone: neither letter nor original is there any more */
};

static int on_letter(void *context, size_t record, const struct deadletter_headers *letter_headers,
                     const rd_kafka_message_t *message)
{
    (void)letter_headers;
    struct letters_walk *walk = context;
    walk->chosen[record] = false; /* done */
    walk->given++;
    return walk->fn(walk->context, letter_index_get(walk->job->letters, record), message,
                    message->payload, message->payload != NULL ? message->len : 0);
}

static int give_original(struct letters_walk *walk, const struct letter_record *record)
{
    struct decode_conf decode = {.format = (enum event_format)walk->job->config->input.format,
                                 .time_unit = (uint8_t)walk->job->config->input.time_unit};
    memcpy(decode.fields, walk->job->config->input.fields, sizeof(decode.fields));
    struct letter_original original;
    int found = letter_original_fetch(&original, walk->job->letter_reader, &decode, record);
    if (found < 0)
        return found;
    if (found == 0) {
        walk->gone++;
        (void)fprintf(stderr,
                      "ghgd deadletter: event %" PRId32 ":%" PRId64 ":%" PRIu32
                      ": its letter was cut, and the original is not in \"%s\" any more\n",
                      record->partition, record->offset, record->index, record->topic);
        return 0;
    }
    walk->given++;
    return walk->fn(walk->context, record, original.message, original.bytes, original.size);
}

/* Gives all chosen events: those of whole letters in one pass, then those that were cut. */
static int walk_chosen(struct letters_walk *walk)
{
    const struct letter_index *letters = walk->job->letters;
    size_t count = letters_count(letters);
    bool *cut = calloc(count + 1, sizeof(*cut));
    if (cut == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        cut[i] = walk->chosen[i] && letter_index_get(letters, i)->cut;
        walk->chosen[i] &= !cut[i];
    }
    int err = letter_reader_each(walk->job->letter_reader, letters, walk->chosen, on_letter, walk);
    for (size_t i = 0; i < count && err == 0; i++) {
        if (cut[i])
            err = give_original(walk, letter_index_get(letters, i));
        walk->gone += walk->chosen[i]; /* deleted since it was counted */
    }
    free(cut);
    return err;
}

/* ---- retry ---- */

static bool choose(const struct deadletter_job *job, const struct letter_record *record,
                   struct choice_counts *counts)
{
    const char *input = job->config->input.topic;
    if (input == NULL || strcmp(record->topic, input) != 0)
        counts->elsewhere++;
    else if (record->retried_at >= 0 && !job->with_retried)
        counts->retried++;
    else if (record->late && !job->late_chosen)
        counts->late++;
    else if (record->now != OUTCOME_USED && !job->with_refused)
        counts->refused++;
    else
        return ++counts->chosen > 0;
    return false;
}

static void explain_choice(const struct deadletter_job *job, const struct choice_counts *counts)
{
    if (counts->retried > 0)
        (void)fprintf(stderr, "left out: %" PRIu64 " retried before (--again sends them again)\n",
                      counts->retried);
    if (counts->late > 0)
        (void)fprintf(stderr,
                      "left out: %" PRIu64
                      " late events; they would be late again (`ghgd deadletter export --late` "
                      "gives them to `ghgd replay`; --late sends them all the same)\n",
                      counts->late);
    if (counts->refused > 0)
        (void)fprintf(stderr,
                      "left out: %" PRIu64
                      " that the tables in force would refuse (--refused sends them too)\n",
                      counts->refused);
    if (counts->elsewhere > 0)
        (void)fprintf(stderr, "left out: %" PRIu64 " that did not come from the topic \"%s\"\n",
                      counts->elsewhere, job->config->input.topic);
}

static bool confirm(const struct deadletter_job *job, uint64_t count)
{
    char answer[16] = "";
    (void)fprintf(stderr, "Send %" PRIu64 " events to the topic \"%s\"? [y/N] ", count,
                  job->config->input.topic);
    if (fgets(answer, sizeof(answer), stdin) == NULL)
        return false;
    return answer[0] == 'y' || answer[0] == 'Y';
}

static int print_chosen(const struct deadletter_job *job, const bool *chosen)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    enum letter_format format = job->json                    ? LETTER_JSON
                                : isatty(STDOUT_FILENO) != 0 ? LETTER_TABLE
                                                             : LETTER_TABS;
    letter_print_heads(&text, format);
    bool good = true;
    for (size_t i = 0; i < letters_count(job->letters); i++) {
        if (!chosen[i])
            continue;
        letter_print(&text, format, job->letters, letter_index_get(job->letters, i),
                     letter_reader_topics(job->letter_reader));
        good &= !buffer_failed(&text) && fwrite(text.data, 1, text.size, stdout) == text.size;
        buffer_clear(&text);
    }
    buffer_fini(&text);
    return good && fflush(stdout) == 0 ? EXIT_GOOD : EXIT_FAILED;
}

struct sending {
    struct deadletter_job *job;
    struct letter_retry *retry;
};

static int on_send(void *context, const struct letter_record *record,
                   const rd_kafka_message_t *source, const void *bytes, size_t size)
{
    struct sending *sending = context;
    return letter_retry_send(sending->retry, record,
                             letter_reader_topics(sending->job->letter_reader)[record->box], source,
                             bytes, size);
}

static int report_sent(const struct letter_retry *retry, const struct letters_walk *walk,
                       uint64_t chosen)
{
    const struct letter_retry_stats *stats = letter_retry_get_stats(retry);
    (void)printf("sent %" PRIu64 " of %" PRIu64 " events to \"%s\"\n", stats->sent, chosen,
                 walk->job->config->input.topic);
    if (stats->sent < chosen)
        (void)fprintf(stderr, "ghgd deadletter: %" PRIu64 " were not sent%s%s; retry once more\n",
                      chosen - stats->sent, letter_retry_error(retry)[0] != '\0' ? ": " : "",
                      letter_retry_error(retry));
    if (stats->marked < stats->sent)
        (void)fprintf(stderr,
                      "ghgd deadletter: %" PRIu64
                      " could not be marked%s%s; another retry sends them again, which changes no "
                      "figure\n",
                      stats->sent - stats->marked, letter_retry_error(retry)[0] != '\0' ? ": " : "",
                      letter_retry_error(retry));
    return stats->sent == chosen && stats->marked == chosen ? EXIT_GOOD : EXIT_FAILED;
}

static int send_chosen(struct deadletter_job *job, bool *chosen, uint64_t count)
{
    struct buffer why;
    buffer_init(&why, WHY_BYTES_MAX);
    struct sending sending = {.job = job};
    int err = letter_retry_create(&sending.retry, &job->config->kafka, &why);
    if (err < 0) {
        const char *words = buffer_text(&why);
        (void)fprintf(stderr, "ghgd deadletter: %s", words != NULL ? words : err_str(err));
        buffer_fini(&why);
        return EXIT_FAILED;
    }
    buffer_fini(&why);
    struct letters_walk walk = {.job = job, .chosen = chosen, .fn = on_send, .context = &sending};
    err = walk_chosen(&walk);
    int finish_err = letter_retry_finish(sending.retry);
    if (err == -ETIMEDOUT || finish_err < 0)
        (void)fprintf(stderr, "ghgd deadletter: the brokers do not answer\n");
    else if (err == -ENOMEM)
        (void)fprintf(stderr, "ghgd deadletter: %s\n", err_str(err));
    int status = report_sent(sending.retry, &walk, count);
    letter_retry_destroy(&sending.retry);
    return err < 0 || finish_err < 0 ? EXIT_FAILED : status;
}

static int retry_chosen(struct deadletter_job *job, bool *chosen)
{
    struct choice_counts counts = {0};
    for (size_t i = 0; i < letters_count(job->letters); i++)
        chosen[i] = choose(job, letter_index_get(job->letters, i), &counts);
    explain_choice(job, &counts);
    if (counts.chosen == 0) {
        (void)fprintf(stderr, "nothing to send\n");
        return EXIT_GOOD;
    }
    if (job->dry_run) {
        (void)fprintf(stderr, "%" PRIu64 " events would be sent\n", counts.chosen);
        return print_chosen(job, chosen);
    }
    if (job->yes || confirm(job, counts.chosen))
        return send_chosen(job, chosen, counts.chosen);
    (void)fprintf(stderr, "nothing was sent\n");
    return EXIT_FAILED;
}

int deadletter_retry(struct deadletter_job *job)
{
    if (job->config->input.topic == NULL) {
        (void)fprintf(stderr, "ghgd deadletter: the configuration names no input.topic\n");
        return EXIT_FAILED;
    }
    if (!job->dry_run && !job->yes && isatty(STDIN_FILENO) == 0) {
        (void)fprintf(stderr,
                      "ghgd deadletter: standard input is no terminal to ask at; give --yes to "
                      "send, --dry-run to look\n");
        return EXIT_MISUSED;
    }
    if (deadletter_read(job) < 0)
        return EXIT_FAILED;
    bool *chosen = calloc(letters_count(job->letters) + 1, sizeof(*chosen));
    if (chosen == NULL)
        return EXIT_FAILED;
    int status = retry_chosen(job, chosen);
    free(chosen);
    return status;
}

/* ---- export ---- */

struct exporting {
    int format; /* enum event_format */
    uint64_t written, other, unreadable;
};

static bool is_json(const char *bytes, size_t size)
{
    size_t i = 0;
    while (i < size && strchr(" \t\r\n", bytes[i]) != NULL && bytes[i] != '\0')
        i++;
    return i < size && (bytes[i] == '{' || bytes[i] == '[');
}

static bool is_msgpack(const void *bytes, size_t size)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    int err = msgpack_text_add(&text, bytes, size);
    buffer_fini(&text);
    return err == 0;
}

/* A line break between the tokens of JSON is a blank as any other. */
static int write_line(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool breaks = bytes[i] == '\n' || bytes[i] == '\r';
        if (putchar(breaks ? ' ' : bytes[i]) == EOF)
            return -EIO;
    }
    return putchar('\n') == EOF ? -EIO : 0;
}

static int on_export(void *context, const struct letter_record *record,
                     const rd_kafka_message_t *source, const void *bytes, size_t size)
{
    (void)record;
    (void)source;
    struct exporting *exporting = context;
    int format = FORMAT_AUTO;
    if (size > 0 && is_json(bytes, size))
        format = FORMAT_JSON;
    else if (size > 0 && is_msgpack(bytes, size))
        format = FORMAT_MSGPACK;
    if (format == FORMAT_AUTO) {
        exporting->unreadable++;
        return 0;
    }
    if (exporting->format == FORMAT_AUTO)
        exporting->format = format;
    if (format != exporting->format) {
        exporting->other++;
        return 0;
    }
    exporting->written++;
    if (format == FORMAT_JSON)
        return write_line(bytes, size);
    return fwrite(bytes, 1, size, stdout) == size ? 0 : -EIO;
}

static int report_export(const struct exporting *exporting, const struct letters_walk *walk,
                         int err)
{
    if (fflush(stdout) != 0)
        err = -EIO;
    if (err == -EIO)
        (void)fprintf(stderr, "ghgd deadletter: standard output cannot be written\n");
    (void)fprintf(stderr, "wrote %" PRIu64 " events\n", exporting->written);
    if (exporting->other > 0)
        (void)fprintf(stderr, "left out: %" PRIu64 " in %s\n", exporting->other,
                      exporting->format == FORMAT_JSON ? "MessagePack (--format msgpack)"
                                                       : "JSON (--format json)");
    if (exporting->unreadable > 0)
        (void)fprintf(stderr, "left out: %" PRIu64 " that are neither JSON nor MessagePack\n",
                      exporting->unreadable);
    return err < 0 || walk->gone > 0 ? EXIT_FAILED : EXIT_GOOD;
}

int deadletter_export(struct deadletter_job *job)
{
    if (deadletter_read(job) < 0)
        return EXIT_FAILED;
    size_t count = letters_count(job->letters);
    bool *chosen = calloc(count + 1, sizeof(*chosen));
    if (chosen == NULL)
        return EXIT_FAILED;
    for (size_t i = 0; i < count; i++)
        chosen[i] =
            letter_state(letter_index_get(job->letters, i)) != LETTER_RETRIED || job->with_retried;
    struct exporting exporting = {.format = job->format};
    struct letters_walk walk = {
        .job = job, .chosen = chosen, .fn = on_export, .context = &exporting};
    int err = walk_chosen(&walk);
    free(chosen);
    return report_export(&exporting, &walk, err);
}
