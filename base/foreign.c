#include "base/foreign.h"

#include <string.h>

/* Bytes of the UTF-8 sequence at `at`, and its character; 0 if it is not one. */
static size_t read_character(const unsigned char *at, size_t left, uint32_t *character_out)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t min; /* less would have a shorter form */
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t size = 1; size <= ARRAY_LEN(forms); size++) {
        if ((*at & forms[size - 1].mask) != forms[size - 1].lead)
            continue;
        if (size > left)
            return 0;
        uint32_t character = *at & (unsigned char)~forms[size - 1].mask;
        for (size_t i = 1; i < size; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            character = character << 6 | (at[i] & 0x3f);
        }
        bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
        if (character < forms[size - 1].min || character > 0x10ffff || is_surrogate)
            return 0;
        *character_out = character;
        return size;
    }
    return 0;
}

static bool must_escape(uint32_t character)
{
    bool is_control = character < 0x20 || (character >= 0x7f && character < 0xa0);
    bool is_separator = character == 0x2028 || character == 0x2029;
    bool turns_text = (character >= 0x202a && character <= 0x202e) ||
                      (character >= 0x2066 && character <= 0x2069);
    return is_control || is_separator || turns_text;
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
        size_t step = read_character(at, size, &character);
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
