#include "pipelines/sink/label.h"

#include <string.h>

#include "base/utf8.h"

/* What to do with a byte: most are copied in runs. */
enum byte_class { BYTE_PLAIN, BYTE_SEPARATOR, BYTE_BACKSLASH, BYTE_CONTROL, BYTE_UTF8 };

static enum byte_class classify(unsigned char byte)
{
    if (byte >= 0x80)
        return BYTE_UTF8;
    if (byte < 0x20 || byte == 0x7f)
        return BYTE_CONTROL;
    if (byte == ',' || byte == '=' || byte == ' ')
        return BYTE_SEPARATOR;
    return byte == '\\' ? BYTE_BACKSLASH : BYTE_PLAIN;
}

/* The length of the character that begins here, or 0 if none does, or a control. The text ends with
 * a NUL, which continues no character. */
static size_t label_character_size(const unsigned char *at)
{
    uint32_t character = 0;
    size_t size = utf8_read(at, 4, &character);
    return utf8_is_control(character) ? 0 : size;
}

static void add_replacement(struct buffer *out)
{
    buffer_add(out, "\xef\xbf\xbd", 3);
}

static void add_backslash(struct buffer *out, bool is_last, enum label_style style)
{
    if (style == LABEL_PLAIN)
        buffer_add_char(out, '\\');
    else if (is_last)
        add_replacement(out);
    else
        buffer_add(out, "\\\\", style == LABEL_VICTORIA ? 2 : 1);
}

/* Appends what begins at `at` and is not plain; returns how many bytes it was. */
static size_t add_special(struct buffer *out, const unsigned char *at, enum label_style style)
{
    size_t size = 1;
    switch (classify(at[0])) {
    case BYTE_SEPARATOR:
        if (style != LABEL_PLAIN)
            buffer_add_char(out, '\\');
        buffer_add(out, at, 1);
        break;
    case BYTE_BACKSLASH:
        add_backslash(out, at[1] == '\0', style);
        break;
    case BYTE_UTF8:
        size = label_character_size(at);
        if (size > 0) {
            buffer_add(out, at, size);
            break;
        }
        size = 1;
        add_replacement(out);
        break;
    case BYTE_PLAIN:
    case BYTE_CONTROL:
    default:
        add_replacement(out);
        break;
    }
    return size;
}

void label_add(struct buffer *out, const char *text, enum label_style style)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        const unsigned char *run = at;
        while (*at != '\0' && classify(*at) == BYTE_PLAIN)
            at++;
        buffer_add(out, run, (size_t)(at - run));
        if (*at != '\0')
            at += add_special(out, at, style);
    }
}
