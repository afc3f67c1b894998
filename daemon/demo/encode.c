#include "daemon/demo/encode.h"

#include <msgpack.h>
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

/* The buffer remembers that it failed. */
static int write_to_buffer(void *out, const char *bytes, size_t size)
{
    buffer_add(out, bytes, size);
    return 0;
}

static void pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void pack_time(msgpack_packer *packer, const char *name, int64_t time_ms)
{
    const msgpack_timestamp time = {.tv_sec = time_ms / 1000,
                                    .tv_nsec = (uint32_t)(time_ms % 1000) * 1000000};
    pack_text(packer, name);
    msgpack_pack_timestamp(packer, &time);
}

static void pack_decimal(msgpack_packer *packer, int64_t value_milli)
{
    struct buffer text;
    buffer_init(&text, 64);
    buffer_add_fixed(&text, value_milli, 3);
    msgpack_pack_str_with_body(packer, text.data, text.size);
    buffer_fini(&text);
}

static void pack_event(msgpack_packer *packer, const struct demo_event *event)
{
    bool instant = event->start_ms == event->end_ms;
    size_t members = 2U + (instant ? 1U : 2U) + (event->unit != NULL) + (event->quality != NULL) +
                     (event->revision > 0);
    msgpack_pack_map(packer, members);
    pack_text(packer, "meter");
    pack_text(packer, event->meter);
    if (!instant)
        pack_time(packer, "start", event->start_ms);
    pack_time(packer, instant ? "time" : "end", event->end_ms);
    pack_text(packer, "value");
    pack_decimal(packer, event->value_milli);
    if (event->unit != NULL) {
        pack_text(packer, "unit");
        pack_text(packer, event->unit);
    }
    if (event->quality != NULL) {
        pack_text(packer, "quality");
        pack_text(packer, event->quality);
    }
    if (event->revision > 0) {
        pack_text(packer, "revision");
        msgpack_pack_uint32(packer, event->revision);
    }
}

void encode_msgpack(struct buffer *out, const struct demo_event *events, uint32_t count)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, write_to_buffer);
    msgpack_pack_array(&packer, count);
    for (uint32_t i = 0; i < count; i++)
        pack_event(&packer, &events[i]);
}
