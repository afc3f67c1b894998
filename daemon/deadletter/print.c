#include "daemon/deadletter/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/foreign.h"
#include "base/timestamp.h"
#include "pipelines/ingest/json_text.h"

static const char *format_time(char text[TIMESTAMP_TEXT_SIZE], int64_t time_ms)
{
    return time_ms < TIME_MIN_MS || time_ms > TIME_MAX_MS ? "-" : timestamp_format(text, time_ms);
}

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

/* "unknown", or "unknown>unit_unknown" where the tables would now refuse it for another reason. */
static void format_reason(char *text, size_t size, const struct letter_record *record)
{
    enum outcome now = (enum outcome)record->now;
    const char *then = outcome_reason(now)[0] != '\0' ? outcome_reason(now) : outcome_class(now);
    bool other = letter_state(record) == LETTER_REFUSED && strcmp(then, record->reason) != 0;
    (void)snprintf(text, size, "%s%s%s", or_dash(record->reason), other ? ">" : "",
                   other ? then : "");
}

enum { COLUMNS = 8 };

/* Widths of the table's columns; text longer than its column moves the rest along. */
static const int widths[COLUMNS] = {16, 24, 7, 24, 24, 16, 8, 0};

static void print_row(struct buffer *out, enum letter_format format,
                      const char *const columns[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        const char *end = i + 1 == COLUMNS ? "\n" : format == LETTER_TABS ? "\t" : " ";
        buffer_printf(out, "%-*s%s", format == LETTER_TABS ? 0 : widths[i], columns[i], end);
    }
}

static void print_columns(struct buffer *out, enum letter_format format,
                          const struct letter_index *letters, const struct letter_record *record,
                          const char *box)
{
    char event[64];
    char time[TIMESTAMP_TEXT_SIZE];
    char reason[96];
    char size[24];
    char place[320];
    (void)snprintf(event, sizeof(event), "%" PRId32 ":%" PRId64 ":%" PRIu32, record->partition,
                   record->offset, record->index);
    format_reason(reason, sizeof(reason), record);
    (void)snprintf(size, sizeof(size), "%" PRId64, record->size);
    (void)snprintf(place, sizeof(place), "%s:%" PRId32 ":%" PRId64, box, record->box_partition,
                   record->box_offset);
    const char *const columns[COLUMNS] = {event,
                                          format_time(time, record->timestamp_ms),
                                          letter_state_name(letter_state(record)),
                                          reason,
                                          or_dash(letter_index_text(letters, record->meter_at)),
                                          or_dash(letter_index_text(letters, record->key_at)),
                                          size,
                                          place};
    print_row(out, format, columns);
}

static void print_json(struct buffer *out, const struct letter_index *letters,
                       const struct letter_record *record, const char *box)
{
    char time[TIMESTAMP_TEXT_SIZE];
    buffer_add_str(out, "{\"topic\":");
    foreign_add_quoted(out, record->topic, strlen(record->topic));
    buffer_printf(out,
                  ",\"partition\":%" PRId32 ",\"offset\":%" PRId64 ",\"index\":%" PRIu32
                  ",\"arrived\":\"%s\",\"state\":\"%s\",\"reason\":",
                  record->partition, record->offset, record->index,
                  format_time(time, record->timestamp_ms), letter_state_name(letter_state(record)));
    foreign_add_quoted(out, record->reason, strlen(record->reason));
    enum outcome now = (enum outcome)record->now;
    buffer_printf(out, ",\"now\":\"%s\"",
                  outcome_reason(now)[0] != '\0' ? outcome_reason(now) : outcome_class(now));
    /* these two are the inside of JSON strings already */
    buffer_printf(out, ",\"meter\":\"%s\",\"key\":\"%s\"",
                  letter_index_text(letters, record->meter_at),
                  letter_index_text(letters, record->key_at));
    buffer_printf(
        out,
        ",\"bytes\":%" PRId64 ",\"copies\":%" PRIu32
        ",\"whole\":%s,\"truncated\":%s,\"letter\":{\"topic\":\"%s\",\"partition\":%" PRId32
        ",\"offset\":%" PRId64 "}",
        record->size, record->copies, record->whole ? "true" : "false",
        record->cut ? "true" : "false", box, record->box_partition, record->box_offset);
    if (record->retried_at >= 0)
        buffer_printf(out, ",\"retried_at\":%" PRId64, record->retried_at);
    buffer_add_str(out, "}\n");
}

void letter_print(struct buffer *out, enum letter_format format, const struct letter_index *letters,
                  const struct letter_record *record, const char *const *boxes)
{
    const char *box = boxes[record->box];
    if (format == LETTER_JSON)
        print_json(out, letters, record, box);
    else
        print_columns(out, format, letters, record, box);
}

void letter_print_heads(struct buffer *out, enum letter_format format)
{
    static const char *const heads[COLUMNS] = {"EVENT", "ARRIVED", "STATE", "REASON",
                                               "METER", "KEY",     "BYTES", "LETTER"};
    if (format == LETTER_TABLE)
        print_row(out, format, heads);
}

/* ---- summary ---- */

enum { REASONS_MAX = 64 };

struct tally {
    const char *reason;
    uint64_t counts[LETTER_STATE_COUNT];
};

/* Reasons are compared by address: there is one text for each. */
static struct tally *find_tally(struct tally *tallies, size_t *count, const char *reason)
{
    size_t i = 0;
    while (i < *count && tallies[i].reason != reason)
        i++;
    if (i == *count && *count < REASONS_MAX)
        tallies[(*count)++] = (struct tally){.reason = reason};
    return &tallies[i < REASONS_MAX ? i : REASONS_MAX - 1];
}

void letter_print_summary(struct buffer *out, const struct letter_index *letters)
{
    struct tally tallies[REASONS_MAX] = {0};
    size_t count = 0;
    uint64_t copies = 0;
    uint64_t totals[LETTER_STATE_COUNT] = {0};
    for (size_t i = 0; i < letters_count(letters); i++) {
        const struct letter_record *record = letter_index_get(letters, i);
        enum letter_state state = letter_state(record);
        find_tally(tallies, &count, record->reason)->counts[state]++;
        totals[state]++;
        copies += record->copies;
    }
    buffer_printf(out, "%zu events in %" PRIu64 " letters:", letters_count(letters), copies);
    for (enum letter_state i = 0; i < LETTER_STATE_COUNT; i++)
        buffer_printf(out, " %" PRIu64 " %s%s", totals[i], letter_state_name(i),
                      i + 1 < LETTER_STATE_COUNT ? "," : "\n");
    for (size_t i = 0; i < count; i++) {
        uint64_t total = 0;
        for (enum letter_state k = 0; k < LETTER_STATE_COUNT; k++)
            total += tallies[i].counts[k];
        buffer_printf(out, "  %8" PRIu64 " %-20s %" PRIu64 " of them ready\n", total,
                      or_dash(tallies[i].reason), tallies[i].counts[LETTER_READY]);
    }
    const struct letters_stats *stats = letter_index_get_stats(letters);
    if (stats->foreign > 0)
        buffer_printf(out, "  %8" PRIu64 " messages are no letters of ghgd\n", stats->foreign);
}

/* ---- one letter ---- */

static bool is_text(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    size_t i = 0;
    while (i < size && (at[i] == ' ' || at[i] == '\t' || at[i] == '\r' || at[i] == '\n'))
        i++;
    if (i == size || (at[i] != '{' && at[i] != '['))
        return false;
    for (; i < size; i++) {
        if ((at[i] < ' ' && at[i] != '\t' && at[i] != '\r' && at[i] != '\n') || at[i] == 0x7f)
            return false;
    }
    return true;
}

/* Line by line: what harms a terminal is escaped, quotes and backslashes are left as they are. */
static void add_text(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\' || text[i] == '\n' || text[i] == '\t') {
            buffer_add_char(out, text[i]);
            continue;
        }
        size_t run = 1;
        while (i + run < size && strchr("\"\\\n\t", text[i + run]) == NULL)
            run++;
        foreign_add(out, text + i, run);
        i += run - 1;
    }
}

void letter_print_body(struct buffer *out, const void *body, size_t size)
{
    if (size > 0 && is_text(body, size)) {
        add_text(out, body, size);
        buffer_add_char(out, '\n');
        return;
    }
    if (msgpack_text_add(out, body, size) == 0) {
        buffer_add_char(out, '\n');
        return;
    }
    foreign_add_dump(out, body, size);
}

static void print_foreign_headers(struct buffer *out, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        buffer_add_str(out, "header     ");
        foreign_add(out, name, strlen(name));
        buffer_add_str(out, ": ");
        foreign_add(out, value, value != NULL ? size : 0);
        buffer_add_char(out, '\n');
    }
}

void letter_print_whole(struct buffer *out, const struct deadletter_headers *letter_headers,
                        const rd_kafka_message_t *message)
{
    char text[TIMESTAMP_TEXT_SIZE];
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    buffer_printf(out, "event      %" PRId32 ":%" PRId64 ":%" PRIu32 " of ",
                  letter_headers->partition, letter_headers->offset, letter_headers->index);
    foreign_add(out, letter_headers->topic, strlen(letter_headers->topic));
    buffer_printf(out, "\nletter     %" PRId32 ":%" PRId64 " of %s\narrived    %s\n",
                  message->partition, message->offset, rd_kafka_topic_name(message->rkt),
                  format_time(text, time_ms));
    if (letter_headers->retried_at >= 0)
        buffer_printf(out, "retried    the event stands at %" PRId32 ":%" PRId64 " since\n",
                      letter_headers->partition, letter_headers->retried_at);
    buffer_add_str(out, "reason     ");
    foreign_add(out, letter_headers->reason, strlen(letter_headers->reason));
    buffer_add_str(out, ": ");
    foreign_add(out, letter_headers->help, strlen(letter_headers->help));
    buffer_add_str(out, "\nkey        ");
    foreign_add(out, message->key, message->key != NULL ? message->key_len : 0);
    buffer_add_char(out, '\n');
    print_foreign_headers(out, message);
    buffer_printf(out, "bytes      %zu", message->len);
    if (letter_headers->full_size >= 0)
        buffer_printf(out, " of %" PRId64 "; the event still lies where it came from",
                      letter_headers->full_size);
    if (letter_headers->whole)
        buffer_printf(out, "; the whole message, for its event %" PRIu32 " and all that follow",
                      letter_headers->index);
    buffer_add_str(out, "\n\n");
    letter_print_body(out, message->payload, message->payload != NULL ? message->len : 0);
}
