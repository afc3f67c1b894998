/*
 * Any names and numbers make one line of line protocol. A parser as strict as the stores takes it
 * apart again. Every number comes back to its last digit, and every name as it was, except bytes
 * that no store can carry.
 *
 * The input is a byte for the dialect, 16 for a number, then names, each up to a NUL.
 */
#include "pipelines/sink/lineproto.h"

#include <string.h>

enum { BUCKET_MS = 900000, NAMES = 5, LINE_BYTES_MAX = 1 << 20, PARTS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    const char *at;
    size_t size;
};

struct line {
    struct text measurement, keys[PARTS_MAX], values[PARTS_MAX], fields, timestamp;
    size_t tags;
};

/* ---- the parser */

/* InfluxDB: a backslash before a separator escapes it, whatever stands before the backslash.
 * VictoriaMetrics: so does an odd number of backslashes. */
static bool is_escaped(const char *begin, const char *at, enum sink_dialect dialect)
{
    size_t count = 0;
    while (at > begin && at[-1] == '\\') {
        count++;
        at--;
    }
    return dialect == DIALECT_VICTORIA ? count % 2 == 1 : count > 0;
}

/* The text up to the first of these bytes that is not escaped, which must be there. */
static struct text take_until(const char **at, const char *end, const char *separators,
                              enum sink_dialect dialect)
{
    const char *begin = *at;
    const char *now = begin;
    while (now < end && (strchr(separators, *now) == NULL || is_escaped(begin, now, dialect)))
        now++;
    ASSERT(now < end);
    *at = now;
    return (struct text){begin, (size_t)(now - begin)};
}

static struct line parse(const struct buffer *out, enum sink_dialect dialect)
{
    struct line line = {0};
    const char *at = out->data;
    const char *end = out->data + out->size;
    ASSERT(out->size > 0 && end[-1] == '\n');
    for (const char *byte = at; byte < end - 1; byte++)
        ASSERT((unsigned char)*byte >= ' ' && *byte != 0x7f);
    line.measurement = take_until(&at, end, ", ", dialect);
    while (*at == ',') {
        ASSERT(line.tags < PARTS_MAX);
        at++;
        line.keys[line.tags] = take_until(&at, end, ",= ", dialect);
        ASSERT(*at == '=' && line.keys[line.tags].size > 0);
        at++;
        line.values[line.tags] = take_until(&at, end, ",= ", dialect);
        ASSERT(*at != '=' && line.values[line.tags].size > 0);
        line.tags++;
    }
    at++;
    line.fields = take_until(&at, end, " ", dialect);
    at++;
    line.timestamp = take_until(&at, end, "\n", dialect);
    ASSERT(at == end - 1);
    return line;
}

static void unescape(struct buffer *out, struct text text, enum sink_dialect dialect)
{
    for (size_t i = 0; i < text.size; i++) {
        bool escapes = text.at[i] == '\\' && i + 1 < text.size &&
                       (strchr(",= ", text.at[i + 1]) != NULL ||
                        (dialect == DIALECT_VICTORIA && text.at[i + 1] == '\\'));
        i += escapes;
        buffer_add_char(out, text.at[i]);
    }
}

/* ---- what must come back */

/* The length of a well-formed character, found by decoding it and looking at the number. */
static size_t character_size(const unsigned char *at, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = 1;
    uint32_t code = at[0];
    if (at[0] >= 0xf0 && at[0] <= 0xf7) {
        size = 4;
        code &= 0x07;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        size = 3;
        code &= 0x0f;
    } else if (at[0] >= 0xc0 && at[0] <= 0xdf) {
        size = 2;
        code &= 0x1f;
    } else if (at[0] >= 0x80) {
        return 0;
    }
    if (size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    return code < least[size] || code > 0x10ffff || is_surrogate || is_control ? 0 : size;
}

static void clean(struct buffer *out, const char *name)
{
    size_t left = strlen(name);
    while (left > 0) {
        size_t size = character_size((const unsigned char *)name, left);
        bool is_last_backslash = left == 1 && *name == '\\';
        if (size > 0 && !is_last_backslash)
            buffer_add(out, name, size);
        else
            buffer_add_str(out, "\xef\xbf\xbd");
        name += size > 0 ? size : 1;
        left -= size > 0 ? size : 1;
    }
}

static void expect_tag(const struct line *line, const char *key, const char *value,
                       enum sink_dialect dialect)
{
    struct buffer want_key;
    struct buffer want_value;
    struct buffer got;
    size_t found = 0;
    buffer_init(&want_key, LINE_BYTES_MAX);
    buffer_init(&want_value, LINE_BYTES_MAX);
    buffer_init(&got, LINE_BYTES_MAX);
    clean(&want_key, key);
    clean(&want_value, value);
    for (size_t i = 0; i < line->tags; i++) {
        buffer_clear(&got);
        unescape(&got, line->keys[i], dialect);
        if (got.size != want_key.size || memcmp(got.data, want_key.data, got.size) != 0)
            continue;
        found++;
        buffer_clear(&got);
        unescape(&got, line->values[i], dialect);
        ASSERT(got.size == want_value.size);
        ASSERT(memcmp(got.data, want_value.data, got.size) == 0);
    }
    ASSERT(found == (value[0] == '\0' ? 0 : 1));
    buffer_fini(&want_key);
    buffer_fini(&want_value);
    buffer_fini(&got);
}

/* The first field is `activity`: its digits, without the point, are the micro-units. */
static void expect_number(struct text fields, int128 want)
{
    static const char name[] = "activity=";
    ASSERT(fields.size > strlen(name) && memcmp(fields.at, name, strlen(name)) == 0);
    const char *at = fields.at + strlen(name);
    bool negative = *at == '-';
    at += negative;
    uint128 digits = 0;
    int decimals = -1;
    for (; *at != ','; at++) {
        if (*at == '.') {
            ASSERT(decimals < 0);
            decimals = 0;
            continue;
        }
        ASSERT(*at >= '0' && *at <= '9');
        digits = digits * 10 + (uint128)(*at - '0');
        decimals += decimals >= 0;
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 6; decimals++)
        digits *= 10;
    ASSERT(decimals == 6);
    ASSERT(digits == (want < 0 ? 0 - (uint128)want : (uint128)want) && negative == (want < 0));
}

/* ---- the input */

/* Any text may name a group level, but not the key of a tag that is there. */
static bool is_free_key(const char *key)
{
    static const char *const taken[] = {"facility", "scope", "category", "source", "unit"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcmp(key, taken[i]) == 0)
            return false;
    return key[0] != '\0';
}

static void take_names(char storage[NAMES][NAME_BYTES_MAX + 1], const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < NAMES; i++) {
        size_t length = strnlen((const char *)data, size);
        size_t kept = length < NAME_BYTES_MAX ? length : NAME_BYTES_MAX;
        memcpy(storage[i], data, kept);
        storage[i][kept] = '\0';
        size_t used = length < size ? length + 1 : size;
        data += used;
        size -= used;
    }
}

static void check(enum sink_dialect dialect, char names[NAMES][NAME_BYTES_MAX + 1], int128 number)
{
    struct series series = {
        .scope = 1, .quantity = QUANTITY_MASS, .category = names[1], .source = names[2]};
    struct facility facility = {.id = names[0], .groups = {names[3]}};
    struct registry registry = {.generation = 1,
                                .series = &series,
                                .facilities = &facility,
                                .group_levels = {names[4]},
                                .series_count = 1,
                                .facilities_count = 1,
                                .group_levels_count = is_free_key(names[4])};
    struct row row = {.kind = ROW_EMISSIONS, .window = {0, BUCKET_MS}};
    row.figures.value[FIGURE_ACTIVITY] = number;
    struct buffer out;
    struct lineproto lineproto;
    buffer_init(&out, LINE_BYTES_MAX);
    lineproto_init(&lineproto, dialect, BUCKET_MS);
    lineproto_add(&lineproto, &out, &registry, &row);
    ASSERT(!buffer_failed(&out));
    struct line line = parse(&out, dialect);
    ASSERT(line.measurement.size == strlen("emissions_15m"));
    expect_tag(&line, "facility", names[0], dialect);
    expect_tag(&line, "category", names[1], dialect);
    expect_tag(&line, "source", names[2], dialect);
    expect_tag(&line, "unit", "kg", dialect);
    if (registry.group_levels_count > 0)
        expect_tag(&line, names[4], names[3], dialect);
    expect_number(line.fields, number);
    ASSERT(line.timestamp.size == 1);
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int128 number = 0;
    if (size < 1 + sizeof(number))
        return 0;
    static const enum sink_dialect dialects[] = {DIALECT_INFLUX1, DIALECT_INFLUX2,
                                                 DIALECT_VICTORIA};
    memcpy(&number, data + 1, sizeof(number));
    char names[NAMES][NAME_BYTES_MAX + 1];
    take_names(names, data + 1 + sizeof(number), size - 1 - sizeof(number));
    check(dialects[data[0] % ARRAY_LEN(dialects)], names, number);
    return 0;
}
