#include "tests/unit/ingest/transcode.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "pipelines/ingest/json_text.h"

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *string_end(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static const char *put_string(msgpack_packer *packer, const char *json)
{
    const char *end = string_end(json);
    size_t raw = (size_t)(end - json) - 2;
    size_t size;
    char *text = malloc(raw + 1);
    ASSERT(text != NULL && json_unescape(text, raw, &size, json + 1, raw));
    msgpack_pack_str(packer, size);
    msgpack_pack_str_body(packer, text, size);
    free(text);
    return end;
}

static const char *put_number(msgpack_packer *packer, const char *json)
{
    size_t size = strspn(json, "0123456789+-.eE");
    if (strcspn(json, ".eE") < size)
        msgpack_pack_double(packer, strtod(json, NULL));
    else if (*json == '-')
        msgpack_pack_int64(packer, strtoll(json, NULL, 10));
    else
        msgpack_pack_uint64(packer, strtoull(json, NULL, 10));
    return json + size;
}

static const char *put_word(msgpack_packer *packer, const char *json)
{
    if (*json == 'n')
        msgpack_pack_nil(packer);
    else if (*json == 't')
        msgpack_pack_true(packer);
    else
        msgpack_pack_false(packer);
    return json + (*json == 'f' ? 5 : 4);
}

/* Values and commas inside the array or object at `json`, down to where it closes. */
static size_t count_inside(const char *json)
{
    size_t commas = 0;
    size_t depth = 0;
    bool any = false;
    do {
        if (*json == '"') {
            json = string_end(json) - 1;
            any = true;
        }
        any |= depth > 0 && *json != ' ' && *json != ']' && *json != '}';
        depth += *json == '[' || *json == '{';
        depth -= *json == ']' || *json == '}';
        commas += *json == ',' && depth == 1;
        json++;
    } while (depth > 0);
    return any ? commas + 1 : 0;
}

/* Both call each other as deeply as the texts of the tests are nested. */
// NOLINTNEXTLINE(misc-no-recursion)
static const char *put_inside(msgpack_packer *packer, const char *json, size_t count, bool names)
{
    for (size_t i = 0; i < count; i++) {
        json = skip_space(json + 1);
        if (names)
            json = skip_space(put_string(packer, json)) + 1;
        json = skip_space(transcode(packer, json));
    }
    return count > 0 ? json + 1 : skip_space(json + 1) + 1;
}

// NOLINTNEXTLINE(misc-no-recursion)
const char *transcode(msgpack_packer *packer, const char *json)
{
    json = skip_space(json);
    size_t count;
    switch (*json) {
    case '{':
        count = count_inside(json);
        msgpack_pack_map(packer, count);
        return put_inside(packer, json, count, true);
    case '[':
        count = count_inside(json);
        msgpack_pack_array(packer, count);
        return put_inside(packer, json, count, false);
    case '"':
        return put_string(packer, json);
    case 't':
    case 'f':
    case 'n':
        return put_word(packer, json);
    default:
        return put_number(packer, json);
    }
}
