#include "pipelines/ingest/json_text.h"

#include <string.h>

static size_t digits_end(const char *text, size_t size, size_t at)
{
    while (at < size && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

bool json_number_is_valid(const char *text, size_t size)
{
    size_t whole = size > 0 && text[0] == '-';
    size_t at = digits_end(text, size, whole);
    if (at == whole || (text[whole] == '0' && at > whole + 1))
        return false;
    if (at < size && text[at] == '.') {
        size_t fraction = at + 1;
        at = digits_end(text, size, fraction);
        if (at == fraction)
            return false;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        size_t exponent = at + 1;
        if (exponent < size && (text[exponent] == '-' || text[exponent] == '+'))
            exponent++;
        at = digits_end(text, size, exponent);
        if (at == exponent)
            return false;
    }
    return at == size;
}

struct unescape {
    const char *at, *end;
    char *out;
    size_t out_max, size;
};

static void put(struct unescape *u, uint32_t byte)
{
    if (u->size < u->out_max)
        u->out[u->size] = (char)(uint8_t)byte;
    u->size++;
}

static void put_utf8(struct unescape *u, uint32_t code)
{
    if (code < 0x80) {
        put(u, code);
        return;
    }
    if (code < 0x800) {
        put(u, 0xc0 | code >> 6);
    } else if (code < 0x10000) {
        put(u, 0xe0 | code >> 12);
        put(u, 0x80 | (code >> 6 & 0x3f));
    } else {
        put(u, 0xf0 | code >> 18);
        put(u, 0x80 | (code >> 12 & 0x3f));
        put(u, 0x80 | (code >> 6 & 0x3f));
    }
    put(u, 0x80 | (code & 0x3f));
}

static bool take_hex4(struct unescape *u, uint32_t *code_out)
{
    if (u->end - u->at < 4)
        return false;
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = *u->at++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        code = code << 4 | digit;
    }
    *code_out = code;
    return true;
}

/* Reads the code unit behind \u, or both of a surrogate pair. */
static bool take_unicode(struct unescape *u)
{
    uint32_t code;
    if (!take_hex4(u, &code))
        return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        uint32_t low;
        if (u->end - u->at < 6 || u->at[0] != '\\' || u->at[1] != 'u')
            return false;
        u->at += 2;
        if (!take_hex4(u, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return false;
    }
    put_utf8(u, code);
    return true;
}

/* Reads the escape behind a backslash. */
static bool take_escape(struct unescape *u)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (u->at == u->end)
        return false;
    char c = *u->at++;
    if (c == 'u')
        return take_unicode(u);
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    if (found == NULL)
        return false;
    put(u, (uint8_t)meanings[found - letters]);
    return true;
}

bool json_unescape(char *out, size_t out_max, size_t *size_out, const char *text, size_t size)
{
    struct unescape u = {.at = text, .end = text + size, .out = out, .out_max = out_max};
    while (u.at < u.end) {
        char c = *u.at++;
        if (c != '\\')
            put(&u, (uint8_t)c);
        else if (!take_escape(&u))
            return false;
    }
    *size_out = u.size;
    return true;
}
