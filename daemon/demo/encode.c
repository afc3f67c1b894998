#include "daemon/demo/encode.h"

#include <string.h>

#include "base/timestamp.h"

static void add_json_time(struct buffer *out, const char *name, int64_t time_ms)
{
    char text[TIMESTAMP_TEXT_SIZE];
    buffer_printf(out, ",\"%s\":\"%s\"", name, timestamp_format(text, time_ms));
}

static void add_json_event(struct buffer *out, const struct demo_event *event)
{
    buffer_printf(out, "{\"meter\":\"%s\"", event->meter);
    if (event->start_ms == event->end_ms) {
        add_json_time(out, "time", event->end_ms);
    } else {
        add_json_time(out, "start", event->start_ms);
        add_json_time(out, "end", event->end_ms);
    }
    buffer_add_str(out, ",\"value\":");
    buffer_add_fixed(out, event->value_milli, 3);
    if (event->unit != NULL)
        buffer_printf(out, ",\"unit\":\"%s\"", event->unit);
    if (event->quality != NULL)
        buffer_printf(out, ",\"quality\":\"%s\"", event->quality);
    if (event->revision > 0)
        buffer_printf(out, ",\"revision\":%u", event->revision);
    buffer_add_char(out, '}');
}

void encode_json(struct buffer *out, const struct demo_event *events, uint32_t count)
{
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        add_json_event(out, &events[i]);
    }
    buffer_add_char(out, ']');
}

static void add_byte(struct buffer *out, unsigned byte)
{
    buffer_add_char(out, (char)byte);
}

/* fixstr, str 8: no text here is longer. */
static void add_string(struct buffer *out, const char *text, size_t size)
{
    ASSERT(size < 256);
    if (size >= 32)
        add_byte(out, 0xd9);
    add_byte(out, size < 32 ? 0xa0U | (unsigned)size : (unsigned)size);
    buffer_add(out, text, size);
}

static void add_text(struct buffer *out, const char *text)
{
    add_string(out, text, strlen(text));
}

/* Timestamp 32: seconds, as all times here are whole minutes. */
static void add_time(struct buffer *out, const char *name, int64_t time_ms)
{
    uint32_t seconds = (uint32_t)(time_ms / 1000);
    add_text(out, name);
    add_byte(out, 0xd6);
    add_byte(out, 0xff);
    for (int shift = 24; shift >= 0; shift -= 8)
        add_byte(out, (seconds >> shift) & 0xffU);
}

static void add_decimal(struct buffer *out, int64_t value_milli)
{
    struct buffer text;
    buffer_init(&text, 64);
    buffer_add_fixed(&text, value_milli, 3);
    add_string(out, text.data, text.size);
    buffer_fini(&text);
}

static void add_msgpack_event(struct buffer *out, const struct demo_event *event)
{
    bool instant = event->start_ms == event->end_ms;
    unsigned members = 2U + (instant ? 1U : 2U) + (event->unit != NULL) + (event->quality != NULL) +
                       (event->revision > 0);
    add_byte(out, 0x80U | members);
    add_text(out, "meter");
    add_text(out, event->meter);
    if (!instant)
        add_time(out, "start", event->start_ms);
    add_time(out, instant ? "time" : "end", event->end_ms);
    add_text(out, "value");
    add_decimal(out, event->value_milli);
    if (event->unit != NULL) {
        add_text(out, "unit");
        add_text(out, event->unit);
    }
    if (event->quality != NULL) {
        add_text(out, "quality");
        add_text(out, event->quality);
    }
    if (event->revision > 0) {
        add_text(out, "revision");
        add_byte(out, event->revision); /* positive fixint */
    }
}

void encode_msgpack(struct buffer *out, const struct demo_event *events, uint32_t count)
{
    ASSERT(count < 65536);
    add_byte(out, 0xdc); /* array 16 */
    add_byte(out, count >> 8);
    add_byte(out, count & 0xffU);
    for (uint32_t i = 0; i < count; i++)
        add_msgpack_event(out, &events[i]);
}
