/*
 * A letter's body may be anything. It is shown as text that harms no terminal: UTF-8 without
 * control characters. A body that msgpack-c can read is shown whole.
 */
#include "daemon/deadletter/print.h"

#include "pipelines/ingest/json_text.h"
#include "pipelines/ingest/msgpack_reader.h"

enum { TEXT_BYTES_MAX = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_harmless(const struct buffer *text)
{
    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];
        ASSERT(c >= ' ' || c == '\n' || c == '\t');
        ASSERT(c != 0x7f);
        ASSERT(c != 0xc2 || (unsigned char)text->data[i + 1] >= 0xa0); /* controls of eight bits */
    }
}

static void check_readers_agree(const uint8_t *data, size_t size)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    bool shown = msgpack_text_add(&text, data, size) == 0;
    check_harmless(&text);
    buffer_fini(&text);
    struct msgpack_scan scan;
    const uint8_t *at = data;
    msgpack_scan_begin(&scan, 1, MSGPACK_DEPTH_MAX);
    bool whole = msgpack_scan(&scan, &at, data + size) == MSGPACK_OK && at == data + size;
    ASSERT(shown == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    letter_print_body(&text, data, size);
    ASSERT(!buffer_failed(&text));
    check_harmless(&text);
    buffer_fini(&text);
    if (size > 0)
        check_readers_agree(data, size);
    return 0;
}
