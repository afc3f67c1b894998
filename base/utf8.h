/*
 * utf8.h - the one check of UTF-8: well-formed characters as the Unicode standard has them (table
 * 3-7), without overlong forms, surrogates, or what lies above U+10FFFF. Pure. Thread: any.
 */
#ifndef GHGD_UTF8_H
#define GHGD_UTF8_H

#include "base/base.h"

/* Bytes of the character at `bytes`, and the character; 0 if none begins there, or it does not end
 * within `left` bytes. Never reads behind the first byte that cannot belong to it: in text that
 * ends with a NUL, `left` may be 4. */
static inline size_t utf8_read(const void *bytes, size_t left, uint32_t *character_out)
{
    const uint8_t *at = (const uint8_t *)bytes;
    if (left > 0 && at[0] < 0x80) {
        *character_out = at[0];
        return 1;
    }
    if (left == 0 || at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (left < size)
        return 0;
    uint32_t character = at[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (at[i] & 0x3f);
    }
    bool overlong = (size == 3 && character < 0x800) || (size == 4 && character < 0x10000);
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (overlong || surrogate || character > 0x10ffff)
        return 0;
    *character_out = character;
    return size;
}

/* U+0000 to U+001F, U+007F to U+009F. */
static inline bool utf8_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

/* Bytes before the first that belongs to no character, or is NUL; `size` if all is text. */
static inline size_t utf8_text_size(const void *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes;
    size_t i = 0;
    while (i < size && at[i] != 0) {
        uint32_t character;
        size_t step = utf8_read(at + i, size - i, &character);
        if (step == 0)
            break;
        i += step;
    }
    return i;
}

#endif
