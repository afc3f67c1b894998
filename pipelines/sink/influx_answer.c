#include "pipelines/sink/influx_answer.h"

#include "base/buffer.h"
#include "base/foreign.h"

#include <stdio.h>
#include <string.h>

#define PARTIAL_WRITE "partial write: "
#define UNABLE_TO_PARSE "unable to parse "
#define TYPE_CONFLICT "field type conflict"
#define DROPPED " dropped="
#define NO_POLICY "retention policy not found"

enum {
    STATUS_NO_CONTENT = 204,
    STATUS_BAD_REQUEST = 400,
    STATUS_NOT_FOUND = 404,
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

/* The words of the body. */
struct message {
    struct answer_span text;
    bool enveloped; /* as the string of an object */
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

static bool ends_with(struct answer_span span, const char *text)
{
    size_t size = strlen(text);
    return span_size(span) >= size && memcmp(span.end - size, text, size) == 0;
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

/* A page of HTML without its tags. */
static void drop_tags(struct buffer *text, struct answer_span page)
{
    bool inside = false;
    for (const char *at = page.at; at < page.end; at++) {
        if (*at == '<' || *at == '>')
            buffer_add_char(text, ' ');
        else if (!inside)
            buffer_add_char(text, *at);
        inside = *at == '<' || (inside && *at != '>');
    }
}

/* {"error":"..."} of 1.x, {"code":"...","message":"..."} of 2.x: returns true. Anything else is
 * taken as it is. */
static bool find_text(struct buffer *text, struct answer_span body)
{
    while (body.at < body.end && (*body.at == ' ' || *body.at == '\n' || *body.at == '\r'))
        body.at++;
    bool is_object = body.at < body.end && *body.at == '{';
    if (is_object &&
        (find_member(text, body, "\"error\"") || find_member(text, body, "\"message\"")))
        return true;
    buffer_clear(text);
    if (body.at < body.end && *body.at == '<')
        drop_tags(text, body);
    else
        buffer_add(text, body.at, span_size(body));
    return false;
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

/* --- whose words they are --- */

/* A database says this of rows, and of nothing else. InfluxDB's words are in an object, and begin
 * its message: names that rows bring along come later. VictoriaMetrics' stand behind the request
 * that it quotes. */
static const struct own_words {
    enum sink_dialect dialect;
    int status;
    const char *begin, *within; /* one of them */
    enum verdict verdict;
} own_words[] = {
    {DIALECT_INFLUX1, STATUS_BAD_REQUEST, PARTIAL_WRITE, NULL, VERDICT_PARTIAL},
    {DIALECT_INFLUX1, STATUS_BAD_REQUEST, UNABLE_TO_PARSE, NULL, VERDICT_REFUSED},
    {DIALECT_INFLUX1, STATUS_BAD_REQUEST, TYPE_CONFLICT, NULL, VERDICT_REFUSED},
    {DIALECT_INFLUX1, STATUS_TOO_LARGE, "Request Entity Too Large", NULL, VERDICT_TOO_LARGE},
    {DIALECT_INFLUX2, STATUS_BAD_REQUEST, UNABLE_TO_PARSE, NULL, VERDICT_REFUSED},
    {DIALECT_INFLUX2, STATUS_BAD_REQUEST, "partial write", NULL, VERDICT_REFUSED},
    {DIALECT_INFLUX2, STATUS_BAD_REQUEST, TYPE_CONFLICT, NULL, VERDICT_REFUSED},
    {DIALECT_INFLUX2, STATUS_BAD_REQUEST, "failed to parse line protocol", NULL, VERDICT_REFUSED},
    {DIALECT_INFLUX2, STATUS_BAD_REQUEST, "no data written, errors encountered on line(s)", NULL,
     VERDICT_REFUSED},
    {DIALECT_INFLUX2, STATUS_UNPROCESSABLE, "failure writing points to database: ", NULL,
     VERDICT_PARTIAL},
    {DIALECT_INFLUX2, STATUS_UNPROCESSABLE, PARTIAL_WRITE, NULL, VERDICT_PARTIAL},
    {DIALECT_INFLUX2, STATUS_TOO_LARGE, "", NULL, VERDICT_TOO_LARGE},
    {DIALECT_VICTORIA, STATUS_BAD_REQUEST, NULL,
     " line protocol data: too long line: ", VERDICT_REFUSED},
};

static const struct own_words *find_own_words(enum sink_dialect dialect, int status,
                                              const struct message *message)
{
    for (size_t i = 0; i < ARRAY_LEN(own_words); i++) {
        const struct own_words *own = &own_words[i];
        if (own->dialect != dialect || own->status != status)
            continue;
        if (own->begin != NULL ? message->enveloped && begins_with(message->text, own->begin)
                               : after(message->text, own->within).at != NULL)
            return own;
    }
    return NULL;
}

/* Words about the request, not about rows. */
static enum verdict judge_bad_request(struct answer_span text)
{
    if (begins_with(text, "database is required") ||
        begins_with(text, "invalid consistency level") || begins_with(text, "invalid precision"))
        return VERDICT_HOLD;
    if (begins_with(text, "unexpected EOF") || begins_with(text, "gzip: ") ||
        ends_with(text, " line protocol data: unexpected EOF"))
        return VERDICT_BROKEN; /* the body was damaged or cut off on its way */
    return VERDICT_STRANGE;
}

/* Retention policies of 1.x hold the points; without one, it says 500. */
static bool is_missing(enum sink_dialect dialect, int status, const struct message *message)
{
    struct answer_span text = message->text;
    if (dialect == DIALECT_INFLUX1)
        return (status == STATUS_NOT_FOUND && begins_with(text, "database not found")) ||
               (status >= STATUS_SERVER && begins_with(text, NO_POLICY));
    return dialect == DIALECT_INFLUX2 && status == STATUS_NOT_FOUND && message->enveloped &&
           begins_with(text, "bucket ") && ends_with(text, "not found");
}

static enum verdict judge_server_error(struct answer_span text, int status)
{
    if (begins_with(text, NO_POLICY))
        return VERDICT_HOLD; /* a mistake in the configuration, whatever the status says */
    return status == STATUS_UNAVAILABLE ? VERDICT_BUSY : VERDICT_BROKEN;
}

static enum verdict judge(enum sink_dialect dialect, int status, const struct message *message)
{
    switch (status) {
    case STATUS_NO_CONTENT:
        return VERDICT_DONE;
    case STATUS_BAD_REQUEST:
        return judge_bad_request(message->text);
    case STATUS_UNPROCESSABLE:
        return dialect == DIALECT_INFLUX2 ? VERDICT_STRANGE : VERDICT_HOLD;
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
    return status >= STATUS_SERVER ? judge_server_error(message->text, status) : VERDICT_HOLD;
}

void answer_words(char words_out[ANSWER_WORDS_SIZE], int status, const char *text, size_t size)
{
    if (foreign_clean(words_out, ANSWER_WORDS_SIZE, text, size) == 0)
        (void)snprintf(words_out, ANSWER_WORDS_SIZE, "status %d without a word", status);
}

/* A message of InfluxDB has a line for each row; the first one is enough. */
static size_t first_line_size(const struct message *message)
{
    size_t size = span_size(message->text);
    const char *newline =
        message->enveloped && size > 0 ? memchr(message->text.at, '\n', size) : NULL;
    return newline == NULL ? size : (size_t)(newline - message->text.at);
}

void influx_answer_judge(struct influx_answer *answer_out, enum sink_dialect dialect, int status,
                         const char *body, size_t size)
{
    *answer_out = (struct influx_answer){0};
    struct buffer text;
    buffer_init(&text, size);
    static const char nothing[] = "";
    struct message message = {.text = {nothing, nothing},
                              .enveloped =
                                  find_text(&text, (struct answer_span){body, body + size})};
    if (text.data != NULL)
        message.text = (struct answer_span){text.data, text.data + text.size};
    while (message.text.end > message.text.at &&
           (message.text.end[-1] == '\n' || message.text.end[-1] == ' '))
        message.text.end--;
    const struct own_words *own = find_own_words(dialect, status, &message);
    answer_out->verdict = own != NULL ? own->verdict : judge(dialect, status, &message);
    if (buffer_failed(&text))
        answer_out->verdict = VERDICT_BROKEN; /* without memory for its words, it costs no row */
    answer_out->own = own != NULL;
    answer_out->missing = is_missing(dialect, status, &message);
    if (answer_out->verdict == VERDICT_PARTIAL)
        answer_out->rejected = count_rejected(message.text);
    if (answer_out->verdict != VERDICT_DONE)
        answer_words(answer_out->words, status, message.text.at, first_line_size(&message));
    buffer_fini(&text);
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_DONE] = "done",       [VERDICT_PARTIAL] = "partial",
        [VERDICT_REFUSED] = "refused", [VERDICT_TOO_LARGE] = "too_large",
        [VERDICT_STRANGE] = "strange", [VERDICT_HOLD] = "hold",
        [VERDICT_BUSY] = "busy",       [VERDICT_BROKEN] = "broken",
    };
    return names[verdict];
}
