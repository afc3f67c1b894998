#include <string.h>

#include "pipelines/ingest/decode.h"
#include "pipelines/ingest/json_index.h"
#include "pipelines/ingest/json_text.h"

/* One text on its way: the tokens that were found in it, and the next of them. */
struct json_walk {
    const char *text;
    size_t size;
    const uint32_t *tokens;
    int64_t count, at;
};

struct slice {
    const char *text;
    size_t size;
};

/* An object on the way to a mapped field; everything else inside an event is a value or is skipped.
 */
struct json_level {
    uint32_t name;
    uint8_t *expect;
};

/* Arrays and objects that are being skipped: the lowest bit of `objects` tells the innermost one.
 */
struct nest {
    uint64_t objects;
    uint32_t open, open_max;
};
_Static_assert(NESTING_MAX <= 64, "struct nest has a bit for each");

/* The first byte of the next token; no token begins with NUL. */
static char peek(const struct json_walk *walk)
{
    if (walk->at == walk->count)
        return '\0';
    return walk->text[walk->tokens[walk->at]];
}

static bool take(struct json_walk *walk, char c)
{
    if (peek(walk) != c)
        return false;
    walk->at++;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The token before `next`: up to the following one, without the space between them. */
static struct slice token_before(const struct json_walk *walk, int64_t next)
{
    size_t begin = walk->tokens[next - 1];
    size_t end = next < walk->count ? walk->tokens[next] : walk->size;
    while (is_space(walk->text[end - 1]))
        end--;
    return (struct slice){walk->text + begin, end - begin};
}

/* The next token if it is a string, without its quotes. */
static bool take_string(struct json_walk *walk, struct slice *inside_out)
{
    if (!take(walk, '"'))
        return false;
    struct slice token = token_before(walk, walk->at);
    if (token.size < 2 || token.text[token.size - 1] != '"')
        return false;
    *inside_out = (struct slice){token.text + 1, token.size - 2};
    return true;
}

static bool has_escapes(struct slice string)
{
    return memchr(string.text, '\\', string.size) != NULL;
}

/* The text that a string stands for, in the message or, if it has escapes, in the scratch: then of
 * more than NAME_BYTES_MAX bytes only the size. */
static bool resolve_escapes(struct slice *string, char scratch[NAME_BYTES_MAX + 1])
{
    if (!has_escapes(*string))
        return true;
    size_t size;
    if (!json_unescape(scratch, NAME_BYTES_MAX + 1, &size, string->text, string->size))
        return false;
    *string = (struct slice){scratch, size};
    return true;
}

static bool skip_string(struct json_walk *walk)
{
    struct slice string;
    size_t size;
    return take_string(walk, &string) &&
           (!has_escapes(string) || json_unescape(NULL, 0, &size, string.text, string.size));
}

static bool skip_key(struct json_walk *walk)
{
    return skip_string(walk) && take(walk, ':');
}

static bool take_word(struct json_walk *walk, const char *word)
{
    walk->at++;
    struct slice token = token_before(walk, walk->at);
    return token.size == strlen(word) && memcmp(token.text, word, token.size) == 0;
}

static bool skip_scalar(struct json_walk *walk)
{
    switch (peek(walk)) {
    case '"':
        return skip_string(walk);
    case 't':
        return take_word(walk, "true");
    case 'f':
        return take_word(walk, "false");
    case 'n':
        return take_word(walk, "null");
    case '-':
    case '0' ... '9': {
        struct slice token = token_before(walk, ++walk->at);
        return json_number_is_valid(token.text, token.size);
    }
    default:
        return false;
    }
}

/* Passes over a scalar, or over the heads of arrays and objects down to their first scalar. */
static bool skip_down(struct json_walk *walk, struct nest *nest)
{
    for (;;) {
        char c = peek(walk);
        if (c != '{' && c != '[')
            return skip_scalar(walk);
        if (nest->open == nest->open_max)
            return false;
        walk->at++;
        if (take(walk, c == '{' ? '}' : ']'))
            return true;
        nest->open++;
        nest->objects = nest->objects << 1 | (c == '{');
        if (c == '{' && !skip_key(walk))
            return false;
    }
}

/* After a value: passes over what closes, up to the next value. */
static bool skip_up(struct json_walk *walk, struct nest *nest)
{
    while (nest->open > 0) {
        bool object = (nest->objects & 1) != 0;
        if (take(walk, ','))
            return !object || skip_key(walk);
        if (!take(walk, object ? '}' : ']'))
            return false;
        nest->objects >>= 1;
        nest->open--;
    }
    return true;
}

/* Passes over any value, in `depth` arrays and objects, and checks it. */
static bool skip_value(struct json_walk *walk, uint32_t depth)
{
    struct nest nest = {.open_max = NESTING_MAX - depth};
    do {
        if (!skip_down(walk, &nest) || !skip_up(walk, &nest))
            return false;
    } while (nest.open > 0);
    return true;
}

static bool read_string(struct decode *decode, struct json_walk *walk, enum event_field field)
{
    struct slice string;
    if (!take_string(walk, &string) || !resolve_escapes(&string, decode->scratch[field]))
        return false;
    event_builder_text(&decode->builder, field, string.text, string.size);
    return true;
}

static bool read_number(struct decode *decode, struct json_walk *walk, enum event_field field)
{
    struct slice token = token_before(walk, ++walk->at);
    if (!json_number_is_valid(token.text, token.size))
        return false;
    struct numeric number = {
        .form = NUMERIC_TEXT,
        .text = token.text,
        .size = (uint32_t)token.size,
    };
    event_builder_number(&decode->builder, field, &number);
    return true;
}

static bool read_field(struct decode *decode, struct json_walk *walk, enum event_field field,
                       uint32_t depth)
{
    switch (peek(walk)) {
    case '"':
        return read_string(decode, walk, field);
    case '-':
    case '0' ... '9':
        return read_number(decode, walk, field);
    case 'n':
        event_builder_null(&decode->builder, field);
        return take_word(walk, "null");
    default:
        event_builder_other(&decode->builder, field);
        return skip_value(walk, depth);
    }
}

/* Reads a key and its colon; *name_out is NAMES_NONE if it leads to no field. */
static bool read_key(struct decode *decode, struct json_walk *walk, struct json_level *level,
                     uint32_t *name_out)
{
    struct slice key;
    if (!take_string(walk, &key) || !take(walk, ':'))
        return false;
    size_t readable = walk->size - (size_t)(key.text - walk->text);
    *name_out =
        field_map_find(&decode->names, level->name, &level->expect, key.text, key.size, readable);
    if (*name_out != NAMES_NONE || !has_escapes(key)) /* no name has a backslash */
        return true;
    if (!resolve_escapes(&key, decode->scratch[FIELD_COUNT]))
        return false;
    if (key.size <= NAME_BYTES_MAX)
        *name_out = field_map_find(&decode->names, level->name, &level->expect, key.text, key.size,
                                   key.size);
    return true;
}

/* Reads the value of a name: a field, or the way to one. True in *inside_out if an object has begun
 * whose names lead on. */
static bool read_value(struct decode *decode, struct json_walk *walk, uint32_t name, uint32_t depth,
                       bool *inside_out)
{
    *inside_out = false;
    if (name == NAMES_NONE)
        return skip_value(walk, depth);
    uint8_t field = decode->names.at[name].field;
    if (field != FIELD_COUNT)
        return read_field(decode, walk, (enum event_field)field, depth);
    if (peek(walk) != '{')
        return skip_value(walk, depth);
    walk->at++;
    *inside_out = !take(walk, '}');
    return true;
}

/* Reads an object that is inside `depth` arrays, down to the mapped fields. */
static bool read_event(struct decode *decode, struct json_walk *walk, uint32_t depth)
{
    struct json_level levels[FIELD_PATH_DEPTH_MAX];
    uint32_t open = 1;
    levels[0] = (struct json_level){NAMES_ROOT, field_map_expect(&decode->names, NAMES_ROOT)};
    event_builder_begin(&decode->builder);
    walk->at++;
    if (take(walk, '}'))
        return true;
    while (open > 0) {
        uint32_t name;
        bool inside;
        if (!read_key(decode, walk, &levels[open - 1], &name) ||
            !read_value(decode, walk, name, depth + open, &inside))
            return false;
        if (inside) {
            levels[open++] = (struct json_level){name, field_map_expect(&decode->names, name)};
            continue;
        }
        while (open > 0 && !take(walk, ',')) {
            if (!take(walk, '}'))
                return false;
            open--;
        }
    }
    return true;
}

/* Reads one event, or an element that is no event, and gives it. */
static bool read_element(struct decode *decode, struct json_walk *walk)
{
    const char *start = walk->text + walk->tokens[walk->at];
    bool is_object = peek(walk) == '{';
    if (is_object ? !read_event(decode, walk, 1) : !skip_value(walk, 1))
        return false;
    struct slice last = token_before(walk, walk->at);
    size_t size = (size_t)(last.text + last.size - start);
    if (is_object)
        decode_give(decode, start, size);
    else
        decode_refuse(decode, REJECT_UNDECODABLE, start, size);
    return true;
}

static bool read_array(struct decode *decode, struct json_walk *walk)
{
    walk->at++;
    if (take(walk, ']'))
        return walk->at == walk->count;
    do {
        if (walk->at == walk->count || !read_element(decode, walk))
            return false;
    } while (take(walk, ','));
    return take(walk, ']') && walk->at == walk->count;
}

static bool read_single(struct decode *decode, struct json_walk *walk)
{
    if (!read_event(decode, walk, 0) || walk->at != walk->count)
        return false;
    const char *start = walk->text + walk->tokens[0];
    struct slice last = token_before(walk, walk->at);
    decode_give(decode, start, (size_t)(last.text + last.size - start));
    return true;
}

bool decode_json(struct decode *decode, const char *message, size_t size)
{
    static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};
    size_t skip = sizeof(byte_order_mark);
    if (size < skip || memcmp(message, byte_order_mark, skip) != 0)
        skip = 0;
    struct json_walk walk = {.text = message + skip, .size = size - skip};
    walk.count = json_index_scan(decode->json, walk.text, walk.size, &walk.tokens);
    if (walk.count < 0)
        return false;
    switch (peek(&walk)) {
    case '{':
        return read_single(decode, &walk);
    case '[':
        return read_array(decode, &walk);
    default:
        return false;
    }
}
