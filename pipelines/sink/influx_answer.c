#include "pipelines/sink/influx_answer.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARTIAL_WRITE "partial write: "
#define UNABLE_TO_PARSE "unable to parse "
#define DROPPED " dropped="

enum {
    STATUS_NO_CONTENT = 204,
    STATUS_BAD_REQUEST = 400,
    STATUS_TIMEOUT = 408,
    STATUS_TOO_LARGE = 413,
    STATUS_UNPROCESSABLE = 422,
    STATUS_TOO_EARLY = 425,
    STATUS_TOO_MANY = 429,
    STATUS_SERVER = 500,
    STATUS_UNAVAILABLE = 503
};

/* A span of the body; the texts in it have no NUL at their end. */
struct answer_span {
    const char *at, *end;
};

static size_t span_size(struct answer_span span)
{
    return (size_t)(span.end - span.at);
}

static bool begins_with(struct answer_span span, const char *text)
{
    size_t size = strlen(text);
    return span_size(span) >= size && memcmp(span.at, text, size) == 0;
}

/* The span behind the first occurrence of `text`, or an empty span with at == NULL. */
static struct answer_span after(struct answer_span span, const char *text)
{
    if (span.at == span.end)
        return (struct answer_span){0};
    const char *found = memmem(span.at, span_size(span), text, strlen(text));
    if (found == NULL)
        return (struct answer_span){0};
    return (struct answer_span){found + strlen(text), span.end};
}

static void add_escaped(struct buffer *text, char c)
{
    switch (c) {
    case 'n':
        buffer_add_char(text, '\n');
        break;
    case 't':
        buffer_add_char(text, '\t');
        break;
    case 'r':
    case 'b':
    case 'f':
        break;
    default:
        buffer_add_char(text, c); /* quote, backslash, slash; \u0026 stays u0026 */
        break;
    }
}

/* The string that begins after its opening quote, without its escapes, up to the closing quote or
 * to wherever the body was cut off. */
static void unescape(struct buffer *text, struct answer_span span)
{
    for (const char *at = span.at; at < span.end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < span.end)
            add_escaped(text, *++at);
        else
            buffer_add_char(text, *at);
    }
}

/* The value of the first member of that name whose value is a string; `key` with its quotes. */
static bool find_member(struct buffer *text, struct answer_span body, const char *key)
{
    struct answer_span value = after(body, key);
    if (value.at == NULL)
        return false;
    while (value.at < value.end && (*value.at == ' ' || *value.at == ':'))
        value.at++;
    if (value.at == value.end || *value.at != '"')
        return false;
    value.at++;
    unescape(text, value);
    return true;
}

/* {"error":"..."} of 1.x, {"code":"...","message":"..."} of 2.x, or plain text as it is. */
static void find_text(struct buffer *text, struct answer_span body)
{
    bool is_object = body.at < body.end && *body.at == '{';
    if (is_object &&
        (find_member(text, body, "\"error\"") || find_member(text, body, "\"message\"")))
        return;
    buffer_clear(text);
    buffer_add(text, body.at, span_size(body));
}

/* InfluxDB says dropped=0 where lines could not be parsed: they are counted instead, each at the
 * start of a line of the message. */
static uint32_t count_unparsable(struct answer_span message)
{
    uint32_t count = begins_with(message, UNABLE_TO_PARSE);
    for (;;) {
        message = after(message, "\n");
        if (message.at == NULL)
            return count;
        count += begins_with(message, UNABLE_TO_PARSE);
    }
}

/* The number at the very end, where a name that a row brought along cannot stand. */
static uint32_t read_dropped(struct answer_span message)
{
    const char *digits = message.end;
    while (digits > message.at && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    size_t label = strlen(DROPPED);
    if ((size_t)(digits - message.at) < label || memcmp(digits - label, DROPPED, label) != 0)
        return 0;
    uint64_t dropped = 0;
    for (; digits < message.end && dropped < UINT32_MAX; digits++)
        dropped = dropped * 10 + (uint64_t)(*digits - '0');
    return dropped < UINT32_MAX ? (uint32_t)dropped : UINT32_MAX;
}

/* A partial write refused one row at least, whatever the server counted. */
static uint32_t count_rejected(struct answer_span message)
{
    struct answer_span rest = after(message, PARTIAL_WRITE);
    if (rest.at == NULL)
        rest = message;
    uint32_t count = count_unparsable(rest);
    uint32_t dropped = read_dropped(rest);
    if (count < dropped)
        count = dropped;
    return count > 0 ? count : 1;
}

/* 400 speaks of the rows, unless it speaks of the request. The names in rows come back in messages,
 * but never at their beginning. */
static enum verdict judge_bad_request(enum sink_dialect dialect, struct answer_span message)
{
    if (begins_with(message, "database is required") ||
        begins_with(message, "invalid consistency level") ||
        begins_with(message, "invalid precision"))
        return VERDICT_HOLD;
    if (begins_with(message, "unexpected EOF") || begins_with(message, "gzip: "))
        return VERDICT_BROKEN; /* the body was damaged or cut off on its way */
    bool is_partial = dialect != DIALECT_INFLUX2 && begins_with(message, PARTIAL_WRITE);
    return is_partial ? VERDICT_PARTIAL : VERDICT_REFUSED;
}

static enum verdict judge_server_error(struct answer_span message, int status)
{
    if (begins_with(message, "retention policy not found"))
        return VERDICT_HOLD; /* a mistake in the configuration, whatever the status says */
    return status == STATUS_UNAVAILABLE ? VERDICT_BUSY : VERDICT_BROKEN;
}

static enum verdict judge(enum sink_dialect dialect, int status, struct answer_span message)
{
    switch (status) {
    case STATUS_NO_CONTENT:
        return VERDICT_DONE;
    case STATUS_BAD_REQUEST:
        return judge_bad_request(dialect, message);
    case STATUS_UNPROCESSABLE:
        return dialect == DIALECT_INFLUX2 ? VERDICT_PARTIAL : VERDICT_HOLD;
    case STATUS_TOO_LARGE:
        return VERDICT_TOO_LARGE;
    case STATUS_TOO_MANY:
        return VERDICT_BUSY;
    case STATUS_TIMEOUT:
    case STATUS_TOO_EARLY:
        return VERDICT_BROKEN;
    default:
        break;
    }
    /* Anything else below 500 was not about rows: a proxy's page, a redirect, a wrong path. */
    return status >= STATUS_SERVER ? judge_server_error(message, status) : VERDICT_HOLD;
}

void answer_words(char words_out[ANSWER_WORDS_SIZE], int status, const char *text, size_t size)
{
    size_t kept = 0;
    size_t character = 0; /* where the last one begins */
    for (; kept < size && kept < ANSWER_WORDS_SIZE - 1; kept++) {
        if (text[kept] == '\n')
            break;
        if (((unsigned char)text[kept] & 0xc0) != 0x80)
            character = kept;
    }
    if (kept == ANSWER_WORDS_SIZE - 1)
        kept = character; /* do not cut a character */
    memcpy(words_out, text, kept);
    words_out[kept] = '\0';
    for (size_t i = 0; i < kept; i++)
        if ((unsigned char)words_out[i] < ' ' || words_out[i] == 0x7f)
            words_out[i] = '?';
    if (kept == 0)
        (void)snprintf(words_out, ANSWER_WORDS_SIZE, "status %d without a word", status);
}

void influx_answer_judge(struct influx_answer *answer_out, enum sink_dialect dialect, int status,
                         const char *body, size_t size)
{
    *answer_out = (struct influx_answer){0};
    struct buffer text;
    buffer_init(&text, size);
    find_text(&text, (struct answer_span){body, body + size});
    static const char nothing[] = "";
    struct answer_span message = {nothing, nothing};
    if (text.data != NULL)
        message = (struct answer_span){text.data, text.data + text.size};
    while (message.end > message.at && (message.end[-1] == '\n' || message.end[-1] == ' '))
        message.end--;
    /* Without memory for its words, no answer may cost a row. */
    answer_out->verdict = buffer_failed(&text) ? VERDICT_BROKEN : judge(dialect, status, message);
    if (answer_out->verdict == VERDICT_PARTIAL)
        answer_out->rejected = count_rejected(message);
    if (answer_out->verdict != VERDICT_DONE)
        answer_words(answer_out->words, status, message.at, span_size(message));
    buffer_fini(&text);
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_DONE] = "done",       [VERDICT_PARTIAL] = "partial",
        [VERDICT_REFUSED] = "refused", [VERDICT_TOO_LARGE] = "too_large",
        [VERDICT_HOLD] = "hold",       [VERDICT_BUSY] = "busy",
        [VERDICT_BROKEN] = "broken",
    };
    return names[verdict];
}

/* ---- rows that a server will never take ---- */

enum { ENTRY_BYTES_MAX = 8 << 20 };

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* The words stay on their line, whatever is in them. */
static void add_words(struct buffer *entry, const char *words, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buffer_add(entry, (unsigned char)words[i] < ' ' ? " " : &words[i], 1);
}

int dead_rows_add(const char *path, const char *sink_name, const char *words, size_t words_size,
                  const char *lines, size_t lines_size)
{
    if (path == NULL)
        return 0;
    struct buffer entry;
    char now[TIMESTAMP_TEXT_SIZE];
    buffer_init(&entry, ENTRY_BYTES_MAX);
    buffer_printf(&entry, "# %s sink=%s ", timestamp_format(now, clock_wall_ms()), sink_name);
    add_words(&entry, words, words_size);
    buffer_add_char(&entry, '\n');
    buffer_add(&entry, lines, lines_size);
    int err = buffer_failed(&entry) ? -ENOMEM : 0;
    int fd = -1;
    if (err == 0) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        err = fd < 0 ? -errno : write_all(fd, entry.data, entry.size);
    }
    if (fd >= 0 && close(fd) < 0 && err == 0)
        err = -errno;
    buffer_fini(&entry);
    return err;
}
