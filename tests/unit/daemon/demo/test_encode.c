/* The decoder reads what a gateway has written, in both formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/demo/encode.h"
#include "pipelines/ingest/decoder.h"

static const struct demo_event written[] = {
    {.meter = "a", .start_ms = 1700000000000, .end_ms = 1700000000000, .value_milli = 0},
    {.meter = "binh-duong-grid",
     .unit = "kWh",
     .start_ms = 1700000100000,
     .end_ms = 1700001000000,
     .value_milli = -1250},
    {.meter = "a-name-of-more-than-thirty-one-bytes",
     .quality = "estimated",
     .start_ms = 1700000000000,
     .end_ms = 1700000000000,
     .value_milli = 123456789012345,
     .revision = 3},
};

struct reading {
    uint32_t count;
};

static void on_event(void *context, const struct event *event)
{
    struct reading *reading = context;
    assert_in_range(reading->count, 0, ARRAY_LEN(written) - 1);
    const struct demo_event *want = &written[reading->count++];
    assert_int_equal(event->fault, 0);
    assert_int_equal(event->meter_size, strlen(want->meter));
    assert_memory_equal(event->meter, want->meter, event->meter_size);
    if (want->start_ms == want->end_ms) {
        assert_true((event->present & 1U << FIELD_TIME) != 0);
        assert_int_equal(event->time_ms, want->end_ms);
    } else {
        assert_int_equal(event->start_ms, want->start_ms);
        assert_int_equal(event->end_ms, want->end_ms);
    }
    const struct ratio one = {1, 1};
    int64_t micro;
    assert_int_equal(decimal_to_micro(&micro, event->value, one), 0);
    assert_int_equal(micro, want->value_milli * 1000);
    assert_int_equal((event->present & 1U << FIELD_UNIT) != 0, want->unit != NULL);
    assert_int_equal(event->quality, want->quality != NULL ? QUALITY_ESTIMATED : QUALITY_ACTUAL);
    assert_int_equal(event->revision, want->revision);
}

static void test_formats(void **state)
{
    (void)state;
    void (*const writers[])(struct buffer *, const struct demo_event *,
                            uint32_t) = {encode_json, encode_msgpack};
    const enum event_format formats[] = {FORMAT_JSON, FORMAT_MSGPACK};
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        struct buffer text;
        buffer_init(&text, 4096);
        writers[i](&text, written, ARRAY_LEN(written));
        assert_false(buffer_failed(&text));
        const struct decode_conf conf = {.format = formats[i]};
        struct decoder *decoder;
        assert_int_equal(decoder_create(&decoder, &conf), 0);
        struct reading reading = {0};
        decoder_decode(decoder, text.data, text.size, false, on_event, &reading);
        assert_int_equal(reading.count, ARRAY_LEN(written));
        decoder_destroy(&decoder);
        buffer_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
