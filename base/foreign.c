#include "base/foreign.h"

#include <string.h>

#include "base/utf8.h"

static bool is_separator(uint32_t character)
{
    return character == 0x2028 || character == 0x2029;
}

static bool must_escape(uint32_t character)
{
    bool turns_text = (character >= 0x202a && character <= 0x202e) ||
                      (character >= 0x2066 && character <= 0x2069);
    return utf8_is_control(character) || is_separator(character) || turns_text;
}

static void add_character(struct buffer *out, const unsigned char *at, size_t size,
                          uint32_t character)
{
    static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *pair = shorts; *pair != '\0'; pair += 2) {
        if (character == (unsigned char)*pair) {
            buffer_add_char(out, '\\');
            buffer_add_char(out, pair[1]);
            return;
        }
    }
    if (must_escape(character))
        buffer_printf(out, "\\u%04x", character);
    else
        buffer_add(out, at, size);
}

void foreign_add(struct buffer *out, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    while (size > 0) {
        uint32_t character = 0;
        size_t step = utf8_read(at, size, &character);
        if (step == 0) {
            buffer_add_str(out, "\\ufffd");
            step = 1;
        } else {
            add_character(out, at, step, character);
        }
        at += step;
        size -= step;
    }
}

void foreign_add_quoted(struct buffer *out, const void *bytes, size_t size)
{
    buffer_add_char(out, '"');
    foreign_add(out, bytes, size);
    buffer_add_char(out, '"');
}

static bool is_space(uint32_t character)
{
    return character == ' ' || utf8_is_control(character) || is_separator(character);
}

/* The character that stands for it, if it may not stand itself; 0 if it may. */
static char replacement(uint32_t character)
{
    if (character == '"')
        return '\'';
    if (character == '\\')
        return '/';
    if (must_escape(character))
        return '?';
    return '\0';
}

size_t foreign_clean(char *out, size_t out_size, const void *bytes, size_t size)
{
    ASSERT(out_size > 0);
    const char *at = bytes;
    size_t written = 0;
    bool spaced = false;
    while (size > 0) {
        uint32_t character = 0;
        size_t step = utf8_read(at, size, &character);
        char other = '?';
        if (step > 0)
            other = replacement(character);
        const char *from = other == '\0' ? at : &other;
        size_t width = other == '\0' ? step : 1;
        bool is_text = step == 0 || !is_space(character);
        step = step == 0 ? 1 : step;
        at += step;
        size -= step;
        if (!is_text) {
            spaced = written > 0;
            continue;
        }
        if (written + spaced + width >= out_size)
            break;
        if (spaced)
            out[written++] = ' ';
        spaced = false;
        memcpy(out + written, from, width);
        written += width;
    }
    out[written] = '\0';
    return written;
}

void foreign_add_hex(struct buffer *out, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        buffer_add_char(out, digits[at[i] >> 4]);
        buffer_add_char(out, digits[at[i] & 15]);
    }
}

void foreign_add_dump(struct buffer *out, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t line = 0; line < size; line += 16) {
        size_t count = size - line < 16 ? size - line : 16;
        buffer_printf(out, "%08zx ", line);
        for (size_t i = 0; i < 16; i++) {
            buffer_add_str(out, i == 8 ? "  " : " ");
            if (i < count)
                foreign_add_hex(out, at + line + i, 1);
            else
                buffer_add_str(out, "  ");
        }
        buffer_add_str(out, "  |");
        for (size_t i = 0; i < count; i++) {
            unsigned char c = at[line + i];
            bool is_printable = c >= ' ' && c < 0x7f;
            buffer_add(out, is_printable ? &c : (const void *)".", 1);
        }
        buffer_add_str(out, "|\n");
    }
}
