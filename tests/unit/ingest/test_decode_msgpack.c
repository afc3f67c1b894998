#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "pipelines/ingest/msgpack_reader.h"
#include "tests/unit/ingest/cases.h"
#include "tests/unit/ingest/transcode.h"

#define GOOD "{\"meter\":\"m1\",\"time\":\"2026-03-01T10:15:00Z\",\"value\":1}"
static const char good_render[] = "m1 2026-03-01T10:15:00Z 1e0 - actual r0 -";

static void expect_one(const char *name, const struct given *given, size_t index,
                       enum outcome fault, const char *render)
{
    if (given->count <= index)
        fail_msg("%s: %zu events given", name, given->count);
    if (given->events[index].fault != fault)
        fail_msg("%s: fault %s, not %s", name, outcome_reason(given->events[index].fault),
                 outcome_reason(fault));
    if (fault == 0 && strcmp(given->events[index].render, render) != 0)
        fail_msg("%s: got  %s\n                     want %s", name, given->events[index].render,
                 render);
}

/* Runs one row alone and between two others in an array, and every beginning of it. */
static void run_row(const struct event_case *row, struct decoder *decoder, msgpack_sbuffer *buffer)
{
    struct given given;
    msgpack_packer packer;
    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    msgpack_sbuffer_clear(buffer);
    transcode(&packer, row->event);
    size_t size = buffer->size;
    decode_guarded(decoder, buffer->data, size, &given);
    assert_int_equal(given.count, 1);
    expect_one(row->name, &given, 0, row->fault, row->render);
    for (size_t shorter = 0; shorter < size; shorter++) {
        decode_guarded(decoder, buffer->data, shorter, &given);
        assert_int_equal(given.count, 1);
        expect_one(row->name, &given, 0, REJECT_UNDECODABLE, "");
    }
    if (row->fault == REJECT_UNDECODABLE)
        return;

    msgpack_sbuffer_clear(buffer);
    msgpack_pack_array(&packer, 3);
    transcode(&packer, GOOD);
    size_t good = buffer->size - 1;
    transcode(&packer, row->event);
    transcode(&packer, GOOD);
    decode_guarded(decoder, buffer->data, buffer->size, &given);
    assert_int_equal(given.count, 3);
    expect_one(row->name, &given, 0, 0, good_render);
    expect_one(row->name, &given, 1, row->fault, row->render);
    expect_one(row->name, &given, 2, 0, good_render);
    assert_int_equal(given.events[1].offset, 1 + good);
    assert_int_equal(given.events[1].size, size);
    assert_int_equal(given.events[2].size, good);
}

static void test_table(void **state)
{
    (void)state;
    size_t count;
    struct event_case *cases = cases_load(&count);
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    for (size_t i = 0; i < count; i++) {
        struct decoder *decoder = decoder_for(FORMAT_AUTO, cases[i].time_unit);
        run_row(&cases[i], decoder, &buffer);
        decoder_destroy(&decoder);
    }
    msgpack_sbuffer_destroy(&buffer);
    free(cases);
}

#define NOON "2026-03-01T10:15:00Z"
#define METER "\xa5meter\xa2m1"
#define TIME "\xa4time\xd6\xff\x69\xa4\x11\xa4"
#define VALUE "\xa5value\x01"
#define EVENT "\x83" METER TIME VALUE

struct bytes_case {
    const char *name, *bytes;
    size_t size;
    enum outcome fault;
    const char *render;
};
#define BYTES(text) text, sizeof(text) - 1
#define AT(time, value) "m1 " time " " value " - actual r0 -"
#define WITH_TIME(bytes) BYTES("\x83" METER "\xa4time" bytes VALUE)
#define WITH_VALUE(bytes) BYTES("\x83" METER TIME "\xa5value" bytes)
#define WITH_METER(bytes) BYTES("\x83\xa5meter" bytes TIME VALUE)
#define WITH_EXTRA(bytes) BYTES("\x84" METER "\xa1x" bytes TIME VALUE)

static void run_bytes(const struct bytes_case *cases, size_t count)
{
    struct decoder *decoder = decoder_for(FORMAT_MSGPACK, TIME_UNIT_NONE);
    for (size_t i = 0; i < count; i++) {
        struct given given;
        decode_guarded(decoder, cases[i].bytes, cases[i].size, &given);
        assert_int_equal(given.count, 1);
        expect_one(cases[i].name, &given, 0, cases[i].fault, cases[i].render);
    }
    decoder_destroy(&decoder);
}

static void test_timestamps(void **state)
{
    (void)state;
    static const struct bytes_case cases[] = {
        {"32 bits", WITH_TIME("\xd6\xff\x69\xa4\x11\xa4"), 0, AT("2026-03-01T10:15:00Z", "1e0")},
        {"32 bits, all set", WITH_TIME("\xd6\xff\xff\xff\xff\xff"), 0,
         AT("2106-02-07T06:28:15Z", "1e0")},
        {"64 bits", WITH_TIME("\xd7\xff\x3b\x9a\xca\x00\x69\xa4\x11\xa4"), 0,
         AT("2026-03-01T10:15:00.250Z", "1e0")},
        {"64 bits, the 33rd second bit", WITH_TIME("\xd7\xff\x00\x00\x00\x01\x00\x00\x00\x00"), 0,
         AT("2106-02-07T06:28:16Z", "1e0")},
        {"96 bits", WITH_TIME("\xc7\x0c\xff\x0e\xe6\xb2\x80\x00\x00\x00\x00\x69\xa4\x11\xa4"), 0,
         AT("2026-03-01T10:15:00.250Z", "1e0")},
        {"96 bits before 1970",
         WITH_TIME("\xc7\x0c\xff\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 0,
         AT("1969-12-31T23:59:59.999Z", "1e0")},
        {"in the longest form", WITH_TIME("\xc9\x00\x00\x00\x04\xff\x69\xa4\x11\xa4"), 0,
         AT("2026-03-01T10:15:00Z", "1e0")},
        {"64 bits, a whole second of nanoseconds",
         WITH_TIME("\xd7\xff\xee\x6b\x28\x00\x69\xa4\x11\xa4"), REJECT_TIME_INVALID, ""},
        {"96 bits, more than a second of nanoseconds",
         WITH_TIME("\xc7\x0c\xff\xff\xff\xff\xff\x00\x00\x00\x00\x69\xa4\x11\xa4"),
         REJECT_TIME_INVALID, ""},
        {"96 bits, after 2200",
         WITH_TIME("\xc7\x0c\xff\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00"),
         REJECT_TIME_RANGE, ""},
        {"96 bits, the largest",
         WITH_TIME("\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"),
         REJECT_TIME_RANGE, ""},
        {"96 bits, the smallest",
         WITH_TIME("\xc7\x0c\xff\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"),
         REJECT_TIME_RANGE, ""},
        {"another extension", WITH_TIME("\xd6\x01\x69\xa4\x11\xa4"), REJECT_TIME_INVALID, ""},
        {"no size of a timestamp", WITH_TIME("\xd5\xff\x69\xa4"), REJECT_TIME_INVALID, ""},
        {"no bytes", WITH_TIME("\xc7\x00\xff"), REJECT_TIME_INVALID, ""},
        {"as a value", WITH_VALUE("\xd6\xff\x69\xa4\x11\xa4"), REJECT_VALUE_INVALID, ""},
        {"as a meter", WITH_METER("\xd6\xff\x69\xa4\x11\xa4"), REJECT_METER_TYPE, ""},
        {"an integer, no unit declared", WITH_TIME("\xce\x69\xa4\x11\xa4"), REJECT_TIME_INVALID,
         ""},
        {"bytes", WITH_TIME("\xc4\x01x"), REJECT_TIME_INVALID, ""},
    };
    run_bytes(cases, ARRAY_LEN(cases));
}

static void test_values(void **state)
{
    (void)state;
    static const struct bytes_case cases[] = {
        {"127", WITH_VALUE("\x7f"), 0, AT(NOON, "127e0")},
        {"-32", WITH_VALUE("\xe0"), 0, AT(NOON, "-32e0")},
        {"uint 8", WITH_VALUE("\xcc\xff"), 0, AT(NOON, "255e0")},
        {"uint 16", WITH_VALUE("\xcd\xff\xff"), 0, AT(NOON, "65535e0")},
        {"uint 32", WITH_VALUE("\xce\xff\xff\xff\xff"), 0, AT(NOON, "4294967295e0")},
        {"uint 64", WITH_VALUE("\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), 0,
         AT(NOON, "4294967296e0")},
        {"int 8", WITH_VALUE("\xd0\x80"), 0, AT(NOON, "-128e0")},
        {"int 16", WITH_VALUE("\xd1\x80\x00"), 0, AT(NOON, "-32768e0")},
        {"int 32", WITH_VALUE("\xd2\x80\x00\x00\x00"), 0, AT(NOON, "-2147483648e0")},
        {"int 64", WITH_VALUE("\xd3\xff\xff\xff\xff\x00\x00\x00\x00"), 0,
         AT(NOON, "-4294967296e0")},
        {"float 0.1", WITH_VALUE("\xca\x3d\xcc\xcc\xcd"), 0, AT(NOON, "1e-1")},
        {"float 16.1", WITH_VALUE("\xca\x41\x80\xcc\xcd"), 0, AT(NOON, "161e-1")},
        {"float 1e10", WITH_VALUE("\xca\x50\x15\x02\xf9"), 0, AT(NOON, "1e10")},
        {"float 1e-10", WITH_VALUE("\xca\x2e\xdb\xe6\xff"), 0, AT(NOON, "1e-10")},
        {"float -0", WITH_VALUE("\xca\x80\x00\x00\x00"), 0, AT(NOON, "0e0")},
        {"double 0.1", WITH_VALUE("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), 0, AT(NOON, "1e-1")},
        {"text in a longer form",
         WITH_VALUE("\xd9\x03"
                    "1.5"),
         0, AT(NOON, "15e-1")},
        {"text in the longest form",
         WITH_VALUE("\xdb\x00\x00\x00\x03"
                    "1.5"),
         0, AT(NOON, "15e-1")},
        {"smallest int 64", WITH_VALUE("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), REJECT_VALUE_RANGE,
         ""},
        {"largest uint 64", WITH_VALUE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), REJECT_VALUE_RANGE,
         ""},
        {"float NaN", WITH_VALUE("\xca\x7f\xc0\x00\x00"), REJECT_VALUE_INVALID, ""},
        {"float infinity", WITH_VALUE("\xca\x7f\x80\x00\x00"), REJECT_VALUE_INVALID, ""},
        {"double NaN", WITH_VALUE("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), REJECT_VALUE_INVALID,
         ""},
        {"double -infinity", WITH_VALUE("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"),
         REJECT_VALUE_INVALID, ""},
        {"largest float", WITH_VALUE("\xca\x7f\x7f\xff\xff"), REJECT_VALUE_RANGE, ""},
        {"largest double", WITH_VALUE("\xcb\x7f\xef\xff\xff\xff\xff\xff\xff"), REJECT_VALUE_RANGE,
         ""},
        {"bytes",
         WITH_VALUE("\xc4\x01"
                    "1"),
         REJECT_VALUE_INVALID, ""},
        {"text with NUL",
         WITH_VALUE("\xa2"
                    "1\x00"),
         REJECT_VALUE_INVALID, ""},
    };
    run_bytes(cases, ARRAY_LEN(cases));
}

static void test_text_and_extras(void **state)
{
    (void)state;
    static const char good[] = AT(NOON, "1e0");
    static const struct bytes_case cases[] = {
        {"plain", BYTES(EVENT), 0, good},
        {"map 16", BYTES("\xde\x00\x03" METER TIME VALUE), 0, good},
        {"map 32", BYTES("\xdf\x00\x00\x00\x03" METER TIME VALUE), 0, good},
        {"long key", BYTES("\x83\xd9\x05meter\xa2m1" TIME VALUE), 0, good},
        {"extra bytes", WITH_EXTRA("\xc4\x03\x00\x01\x02"), 0, good},
        {"extra bytes 16", WITH_EXTRA("\xc5\x00\x01\x00"), 0, good},
        {"extra bytes 32", WITH_EXTRA("\xc6\x00\x00\x00\x01\x00"), 0, good},
        {"extra extension", WITH_EXTRA("\xd4\x05\x00"), 0, good},
        {"extra extension 16",
         WITH_EXTRA("\xd8\x05"
                    "0123456789abcdef"),
         0, good},
        {"extra text that is not UTF-8", WITH_EXTRA("\xa1\xff"), 0, good},
        {"extra array", WITH_EXTRA("\x93\x01\x90\x81\xc0\xc2"), 0, good},
        {"extra array 16", WITH_EXTRA("\xdc\x00\x01\xc3"), 0, good},
        {"extra array 32", WITH_EXTRA("\xdd\x00\x00\x00\x01\xc3"), 0, good},
        {"extra map with the same names", WITH_EXTRA("\x81" METER), 0, good},
        {"a key that is a number", BYTES("\x84" METER "\x07\x07" TIME VALUE), 0, good},
        {"a key that is a map", BYTES("\x84" METER "\x81" METER "\x07" TIME VALUE), 0, good},
        {"a key of bytes is no name", BYTES("\x83\xc4\x05meter\xa2m1" TIME VALUE),
         REJECT_METER_MISSING, ""},
        {"an empty key", BYTES("\x84\xa0\xc0" METER TIME VALUE), 0, good},
        {"meter of bytes", WITH_METER("\xc4\x02m1"), REJECT_METER_TYPE, ""},
        {"meter not UTF-8", WITH_METER("\xa2m\xff"), REJECT_METER_TYPE, ""},
        {"meter cut within a character", WITH_METER("\xa2m\xc3"), REJECT_METER_TYPE, ""},
        {"meter overlong", WITH_METER("\xa3m\xc0\xaf"), REJECT_METER_TYPE, ""},
        {"meter overlong, three bytes", WITH_METER("\xa3\xe0\x80\xaf"), REJECT_METER_TYPE, ""},
        {"meter a surrogate", WITH_METER("\xa3\xed\xa0\x80"), REJECT_METER_TYPE, ""},
        {"meter beyond Unicode", WITH_METER("\xa4\xf4\x90\x80\x80"), REJECT_METER_TYPE, ""},
        {"meter a lone continuation", WITH_METER("\xa1\x80"), REJECT_METER_TYPE, ""},
        {"meter with NUL", WITH_METER("\xa2m\x00"), REJECT_METER_TYPE, ""},
        {"the unused code", WITH_EXTRA("\xc1"), REJECT_UNDECODABLE, ""},
        {"garbage behind", BYTES(EVENT "\xc0"), REJECT_UNDECODABLE, ""},
        {"an event behind", BYTES(EVENT EVENT), REJECT_UNDECODABLE, ""},
        {"nil", BYTES("\xc0"), REJECT_UNDECODABLE, ""},
        {"a number", BYTES("\x07"), REJECT_UNDECODABLE, ""},
        {"text", BYTES("\xa2m1"), REJECT_UNDECODABLE, ""},
        {"JSON", BYTES("{\"meter\":\"m1\"}"), REJECT_UNDECODABLE, ""},
        {"more pairs declared", BYTES("\x84" METER TIME VALUE), REJECT_UNDECODABLE, ""},
        {"a pair without value", BYTES("\x84" METER TIME VALUE "\xa1x"), REJECT_UNDECODABLE, ""},
        {"4 G pairs declared", BYTES("\xdf\xff\xff\xff\xff" METER TIME VALUE), REJECT_UNDECODABLE,
         ""},
        {"4 G elements declared", BYTES("\xdd\xff\xff\xff\xff"), REJECT_UNDECODABLE, ""},
        {"4 G elements inside", WITH_EXTRA("\xdd\xff\xff\xff\xff"), REJECT_UNDECODABLE, ""},
        {"4 G bytes of text", WITH_METER("\xdb\xff\xff\xff\xff"), REJECT_UNDECODABLE, ""},
        {"4 G bytes", WITH_EXTRA("\xc6\xff\xff\xff\xff"), REJECT_UNDECODABLE, ""},
        {"4 G bytes of an extension", WITH_EXTRA("\xc9\xff\xff\xff\xff\x01"), REJECT_UNDECODABLE,
         ""},
        {"4 G bytes inside", WITH_EXTRA("\x91\xdb\xff\xff\xff\xff"), REJECT_UNDECODABLE, ""},
    };
    run_bytes(cases, ARRAY_LEN(cases));
}

/* Every byte at every place of an id that is checked in larger steps: ASCII is what may stand
 * alone. */
static void test_bytes_of_a_meter(void **state)
{
    (void)state;
    enum { ID_SIZE = 19 };
    static const char head[] = "\x83" TIME VALUE "\xa5meter\xb3";
    char message[sizeof(head) - 1 + ID_SIZE];
    for (size_t i = 0; i < sizeof(head) - 1; i++)
        message[i] = head[i];
    char *id = message + sizeof(head) - 1;
    struct decoder *decoder = decoder_for(FORMAT_MSGPACK, TIME_UNIT_NONE);
    for (size_t i = 0; i < ID_SIZE; i++) {
        for (int byte = 0; byte < 256; byte++) {
            struct given given;
            memset(id, 'x', ID_SIZE);
            id[i] = (char)byte;
            decode_guarded(decoder, message, sizeof(message), &given);
            assert_int_equal(given.count, 1);
            bool clean = byte >= 0x20 && byte < 0x7f;
            if (given.events[0].fault != (clean ? OUTCOME_USED : REJECT_METER_TYPE))
                fail_msg("byte %d at %zu: %s", byte, i, outcome_reason(given.events[0].fault));
        }
    }
    decoder_destroy(&decoder);
}

static void test_arrays(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size, good, refused; /* the last of `refused` is the message */
    } cases[] = {
        {"empty", BYTES("\x90"), 0, 0},
        {"one", BYTES("\x91" EVENT), 1, 0},
        {"two", BYTES("\xdc\x00\x02" EVENT EVENT), 2, 0},
        {"elements that are no maps", BYTES("\x94\x07" EVENT "\x91" EVENT "\xc0"), 1, 3},
        {"one missing", BYTES("\x93" EVENT EVENT), 2, 1},
        {"garbage behind", BYTES("\x91" EVENT "\xc0"), 1, 1},
        {"damage in the second", BYTES("\x92" EVENT "\x83" METER "\xc1"), 1, 1},
        {"many missing", BYTES("\xdd\xff\xff\xff\xff" EVENT), 1, 1},
    };
    struct decoder *decoder = decoder_for(FORMAT_AUTO, TIME_UNIT_NONE);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct given given;
        decode_guarded(decoder, cases[i].bytes, cases[i].size, &given);
        size_t good = 0;
        for (size_t k = 0; k < given.count; k++)
            good += given.events[k].fault == 0;
        if (good != cases[i].good || given.count - good != cases[i].refused)
            fail_msg("%s: %zu of %zu", cases[i].name, good, given.count);
    }
    decoder_destroy(&decoder);
}

static void test_mapped_fields(void **state)
{
    (void)state;
    static const struct decode_conf conf = {
        .format = FORMAT_MSGPACK,
        .fields = {[FIELD_METER] = "device.id",
                   [FIELD_TIME] = "device.reading.at",
                   [FIELD_VALUE] = "device.reading.consumption_kwh"},
    };
    static const struct {
        const char *json;
        enum outcome fault;
    } cases[] = {
        {"{\"device\":{\"id\":\"m1\",\"reading\":{\"at\":\"2026-03-01T10:15:00Z\","
         "\"consumption_kwh\":1}}}",
         0},
        {"{\"x\":{},\"device\":{\"reading\":{\"a\":[],\"consumption_kwh\":1,"
         "\"at\":\"2026-03-01T10:15:00Z\"},\"x\":{\"id\":\"no\"},\"id\":\"m1\"},\"y\":1}",
         0},
        {"{\"device\":{\"reading\":{},\"id\":\"m1\"},\"device\":{\"reading\":"
         "{\"consumption_kwh\":1,\"at\":\"2026-03-01T10:15:00Z\"}}}",
         0},
        {"{\"device\":\"m1\"}", REJECT_METER_MISSING},
        {"{\"device\":[{\"id\":\"m1\"}]}", REJECT_METER_MISSING},
        {"{\"id\":\"m1\"}", REJECT_METER_MISSING},
        {"{\"device\":{\"id\":\"m1\"},\"device\":{\"id\":\"m1\"}}", REJECT_FIELD_DUPLICATE},
        {"{\"device\":{\"id\":{\"id\":\"m1\"}}}", REJECT_METER_TYPE},
        {"{\"device\":{\"id\":\"m1\"},\"quality\":\"x\"}", REJECT_QUALITY_INVALID},
    };
    struct decoder *decoder;
    assert_int_equal(decoder_create(&decoder, &conf), 0);
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        size_t row = i % ARRAY_LEN(cases);
        struct given given;
        msgpack_sbuffer_clear(&buffer);
        transcode(&packer, cases[row].json);
        decode_guarded(decoder, buffer.data, buffer.size, &given);
        assert_int_equal(given.count, 1);
        expect_one(cases[row].json, &given, 0, cases[row].fault, good_render);
    }
    msgpack_sbuffer_destroy(&buffer);
    decoder_destroy(&decoder);
}

static void test_too_large(void **state)
{
    (void)state;
    static const char head[] = "\x93" EVENT "\x81\xa1x\xdb\x00";
    static const char tail[] = EVENT;
    enum { HEADER = sizeof("\x81\xa1x\xdb....") - 1 };
    char *message = malloc((size_t)2 * EVENT_BYTES_MAX);
    assert_non_null(message);
    struct decoder *decoder = decoder_for(FORMAT_AUTO, TIME_UNIT_NONE);
    for (size_t extra = 0; extra <= 1; extra++) {
        size_t fill = EVENT_BYTES_MAX - HEADER + extra;
        size_t at = sizeof(head) - 1;
        memcpy(message, head, at);
        for (size_t i = 3; i-- > 0;)
            message[at++] = (char)(fill >> (8 * i));
        memset(message + at, 'x', fill);
        at += fill;
        memcpy(message + at, tail, sizeof(tail) - 1);
        struct given given;
        decode_guarded(decoder, message, at + sizeof(tail) - 1, &given);
        assert_int_equal(given.count, 3);
        expect_one("before", &given, 0, 0, good_render);
        expect_one("large", &given, 1, extra ? REJECT_TOO_LARGE : REJECT_METER_MISSING, "");
        assert_int_equal(given.events[1].size, EVENT_BYTES_MAX + extra);
        expect_one("behind", &given, 2, 0, good_render);
    }
    decoder_destroy(&decoder);
    free(message);
}

static uint64_t random_state;

static size_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33);
}

/* A document of random bytes that are likely to be MessagePack. */
static size_t random_document(uint8_t *out, size_t size_max)
{
    static const uint8_t codes[] = {0x80, 0x81, 0x82, 0x90, 0x91, 0x93, 0xa0, 0xa1, 0xa5,
                                    0xc0, 0xc1, 0xc2, 0xc4, 0xc7, 0xca, 0xcb, 0xcc, 0xcd,
                                    0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6,
                                    0xd7, 0xd8, 0xd9, 0xda, 0xdc, 0xde, 0x07, 0xff};
    size_t size = 1 + next_random() % size_max;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(next_random() % 8 == 0 ? next_random() % 4
                                                  : codes[next_random() % ARRAY_LEN(codes)]);
    for (size_t i = 0; i < size; i++)
        if (out[i] == 0xdd || out[i] == 0xdf)
            out[i] = 0xc0; /* the oracle would allocate what they declare */
    return size;
}

/* msgpack-c and msgpack_scan() find the same end of the first item, whether it comes whole or in
 * pieces, and the same damage. */
static void test_scan_against_msgpack_c(void **state)
{
    (void)state;
    random_state = 20260301;
    print_message("seed %llu\n", (unsigned long long)random_state);
    size_t whole = 0;
    for (int round = 0; round < 200000; round++) {
        uint8_t bytes[64];
        size_t size = random_document(bytes, sizeof(bytes));
        size_t off = 0;
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        msgpack_unpack_return want =
            msgpack_unpack_next(&unpacked, (const char *)bytes, size, &off);
        msgpack_unpacked_destroy(&unpacked);
        for (size_t piece = 1; piece <= size; piece += size) {
            struct msgpack_scan scan;
            const uint8_t *at = bytes;
            const uint8_t *end = bytes;
            enum msgpack_result got = MSGPACK_MORE;
            msgpack_scan_begin(&scan, 1, MSGPACK_DEPTH_MAX);
            while (got == MSGPACK_MORE && end < bytes + size) {
                end += piece;
                got = msgpack_scan(&scan, &at, end);
            }
            if ((got == MSGPACK_OK) != (want > 0) ||
                (got == MSGPACK_MORE) != (want == MSGPACK_UNPACK_CONTINUE))
                fail_msg("round %d: %d, msgpack-c %d", round, got, want);
            if (got == MSGPACK_OK)
                assert_int_equal(at - bytes, off);
        }
        whole += want > 0;
    }
    assert_in_range(whole, 20000, 180000);
}

static void test_depth_against_msgpack_c(void **state)
{
    (void)state;
    for (size_t depth = 30; depth <= 34; depth++) {
        uint8_t bytes[64];
        memset(bytes, 0x91, depth);
        bytes[depth] = 0xc0;
        size_t off = 0;
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        bool want = msgpack_unpack_next(&unpacked, (const char *)bytes, depth + 1, &off) > 0;
        msgpack_unpacked_destroy(&unpacked);
        struct msgpack_scan scan;
        const uint8_t *at = bytes;
        msgpack_scan_begin(&scan, 1, MSGPACK_DEPTH_MAX);
        assert_int_equal(msgpack_scan(&scan, &at, bytes + depth + 1) == MSGPACK_OK, want);
        assert_int_equal(want, depth <= MSGPACK_DEPTH_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_text_and_extras),
        cmocka_unit_test(test_bytes_of_a_meter),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_mapped_fields),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_scan_against_msgpack_c),
        cmocka_unit_test(test_depth_against_msgpack_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
