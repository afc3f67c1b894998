#include "pipelines/ingest/json_scan.h"

#include "base/utf8.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_operator(char c)
{
    return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',';
}

static bool is_utf8(const char *text, size_t size)
{
    size_t step = 1;
    for (size_t at = 0; at < size && step > 0; at += step) {
        uint32_t ignored;
        step = utf8_read(text + at, size - at, &ignored);
    }
    return step > 0;
}

/* Where the string that begins at `at` ends; 0 if it is open or holds a control character. */
static size_t string_end(const char *text, size_t size, size_t at)
{
    bool escaped = false;
    for (size_t i = at + 1; i < size; i++) {
        if ((unsigned char)text[i] < 0x20)
            return 0;
        if (text[i] == '"' && !escaped)
            return i;
        escaped = text[i] == '\\' && !escaped;
    }
    return 0;
}

/* Tokens are operators, and the first byte of anything else. A string that touches the word before
 * it belongs to that word. A quotation mark behind a backslash begins no string. */
int64_t json_scan(const char *text, size_t size, uint32_t *tokens_out)
{
    int64_t count = 0;
    bool in_word = false;
    bool escaped = false;
    if (!is_utf8(text, size))
        return ERR_SYNTAX;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool is_string = c == '"' && !escaped;
        if (is_operator(c) || (!in_word && !is_space(c)))
            tokens_out[count++] = (uint32_t)i;
        in_word = !is_operator(c) && !is_space(c) && !is_string;
        escaped = c == '\\' && !escaped;
        if (is_string)
            i = string_end(text, size, i);
        if (is_string && i == 0)
            return ERR_SYNTAX;
    }
    return count > 0 ? count : ERR_SYNTAX;
}
