#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "tests/unit/ingest/cases.h"

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

static void test_table(void **state)
{
    (void)state;
    size_t count;
    struct event_case *cases = cases_load(&count);
    for (size_t i = 0; i < count; i++) {
        const struct event_case *row = &cases[i];
        struct decoder *decoder = decoder_for(FORMAT_AUTO, row->time_unit);
        struct given given;
        decode_guarded(decoder, row->event, strlen(row->event), &given);
        assert_int_equal(given.count, 1);
        expect_one(row->name, &given, 0, row->fault, row->render);
        decoder_destroy(&decoder);
    }
    free(cases);
}

static void test_table_in_array(void **state)
{
    (void)state;
    size_t count;
    struct event_case *cases = cases_load(&count);
    for (size_t i = 0; i < count; i++) {
        const struct event_case *row = &cases[i];
        if (row->fault == REJECT_UNDECODABLE)
            continue;
        struct decoder *decoder = decoder_for(FORMAT_JSON, row->time_unit);
        struct given given;
        char message[CASE_BYTES_MAX];
        int size = snprintf(message, sizeof(message), "[" GOOD ",%s, " GOOD "]", row->event);
        decode_guarded(decoder, message, (size_t)size, &given);
        assert_int_equal(given.count, 3);
        expect_one(row->name, &given, 0, 0, good_render);
        expect_one(row->name, &given, 1, row->fault, row->render);
        expect_one(row->name, &given, 2, 0, good_render);
        size_t begin = strspn(row->event, " ");
        size_t end = strlen(row->event);
        while (row->event[end - 1] == ' ')
            end--;
        assert_int_equal(given.events[1].offset, strlen("[" GOOD ",") + begin);
        assert_int_equal(given.events[1].size, end - begin);
        assert_int_equal(given.events[2].size, strlen(GOOD));
        decoder_destroy(&decoder);
    }
    free(cases);
}

/* The beginnings of an event are no events. */
static void test_truncated(void **state)
{
    (void)state;
    size_t count;
    struct event_case *cases = cases_load(&count);
    struct decoder *decoder = decoder_for(FORMAT_JSON, TIME_UNIT_NONE);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(cases[i].event);
        while (cases[i].event[size - 1] == ' ')
            size--;
        while (size-- > 0) {
            struct given given;
            decode_guarded(decoder, cases[i].event, size, &given);
            assert_int_equal(given.count, 1);
            if (given.events[0].fault != REJECT_UNDECODABLE)
                fail_msg("%s: its first %zu bytes were read", cases[i].name, size);
            assert_int_equal(given.events[0].size, size);
        }
    }
    decoder_destroy(&decoder);
    free(cases);
}

/* Text that JSON alone can have. `good` is the number of events that come before the damage. */
static void test_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
        size_t good;
        bool damaged;
    } cases[] = {
        {"one", GOOD, 1, false},
        {"space around", " \r\n\t" GOOD "\n", 1, false},
        {"byte order mark", "\xef\xbb\xbf" GOOD, 1, false},
        {"array", "[" GOOD "]", 1, false},
        {"array of two", "[" GOOD " , " GOOD "]", 2, false},
        {"empty array", "[]", 0, false},
        {"empty array with space", " [ ] ", 0, false},
        {"unknown numbers", "[{\"a\":[0,-0,1e5,1E+5,0.5e-5,-1.25]}]", 0, false},
        {"empty", "", 0, true},
        {"only space", "  \n", 0, true},
        {"only a byte order mark", "\xef\xbb\xbf", 0, true},
        {"half a byte order mark", "\xef\xbb" GOOD, 0, true},
        {"number", "17", 0, true},
        {"word", "null", 0, true},
        {"string",
         "\""
         "m1"
         "\"",
         0, true},
        {"garbage behind", GOOD "x", 0, true},
        {"a second event behind", GOOD "\n" GOOD, 0, true},
        {"a brace behind", GOOD "}", 0, true},
        {"NUL behind", GOOD "\x01", 0, true},
        {"array not closed", "[" GOOD, 1, true},
        {"comma at its end", "[" GOOD ",]", 1, true},
        {"comma at its beginning", "[," GOOD "]", 0, true},
        {"two commas", "[" GOOD ",," GOOD "]", 1, true},
        {"no comma", "[" GOOD GOOD "]", 1, true},
        {"closed by a brace", "[" GOOD "}", 1, true},
        {"closed twice", "[" GOOD "]]", 1, true},
        {"array behind an array", "[" GOOD "][]", 1, true},
        {"no colon", "{\"meter\" \"m1\"}", 0, true},
        {"no key", "{:1}", 0, true},
        {"key not quoted", "{meter:\"m1\"}", 0, true},
        {"key in single quotes", "{'meter':'m1'}", 0, true},
        {"key a number", "{1:1}", 0, true},
        {"comma before the brace", "{\"meter\":\"m1\",}", 0, true},
        {"no comma between fields", "{\"meter\":\"m1\" \"value\":1}", 0, true},
        {"no value", "{\"meter\":}", 0, true},
        {"comment", "{/**/}", 0, true},
        {"quote not closed", "{\"meter\":\"m1}", 0, true},
        {"text behind a string", "{\"meter\":\"m1\"x}", 0, true},
        {"two strings", "{\"meter\":\"m1\"\"m2\"}", 0, true},
        {"control character in a string", "{\"a\":\"\n\"}", 0, true},
        {"not UTF-8", "{\"a\":\"\xff\"}", 0, true},
        {"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", 0, true},
        {"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", 0, true},
        {"no such escape", "{\"a\":\"\\x\"}", 0, true},
        {"no such escape in a key", "{\"\\a\":1}", 0, true},
        {"no such escape in a field", "{\"meter\":\"\\a\"}", 0, true},
        {"half a surrogate pair", "{\"a\":\"\\ud83c\"}", 0, true},
        {"the other half", "{\"a\":\"\\udfed\"}", 0, true},
        {"halves in the wrong order", "{\"a\":\"\\udfed\\ud83c\"}", 0, true},
        {"three hexadecimal digits", "{\"a\":\"\\u123\"}", 0, true},
        {"no hexadecimal digits", "{\"a\":\"\\u12g4\"}", 0, true},
        {"True", "{\"a\":True}", 0, true},
        {"truex", "{\"a\":truex}", 0, true},
        {"tru", "{\"a\":tru}", 0, true},
        {"NaN", "{\"a\":NaN}", 0, true},
        {"NaN as value", "{\"value\":NaN}", 0, true},
        {"Infinity", "{\"value\":-Infinity}", 0, true},
        {"nul as field", "{\"value\":nul}", 0, true},
        {"leading zero", "{\"a\":01}", 0, true},
        {"leading zero as value", "{\"value\":01}", 0, true},
        {"leading plus", "{\"value\":+1}", 0, true},
        {"leading point", "{\"value\":.5}", 0, true},
        {"trailing point", "{\"value\":5.}", 0, true},
        {"minus", "{\"value\":-}", 0, true},
        {"exponent without digits", "{\"value\":1e}", 0, true},
        {"two points", "{\"value\":1.2.3}", 0, true},
        {"brackets crossed in a skipped value", "{\"a\":[{]}}", 0, true},
        {"closed wrongly in a skipped value", "{\"a\":[1}}", 0, true},
        {"comma at the end of a skipped array", "{\"a\":[1,]}", 0, true},
        {"comma at the end of a skipped object", "{\"a\":{\"b\":1,}}", 0, true},
        {"no key in a skipped object", "{\"a\":{1}}", 0, true},
        {"no colon in a skipped object", "{\"a\":{\"b\",1}}", 0, true},
    };
    struct decoder *decoder = decoder_for(FORMAT_JSON, TIME_UNIT_NONE);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct given given;
        size_t size = strlen(cases[i].message);
        size_t good = 0;
        size_t damaged = 0;
        decode_guarded(decoder, cases[i].message, size, &given);
        for (size_t k = 0; k < given.count; k++) {
            good += given.events[k].fault == 0;
            damaged += given.events[k].fault == REJECT_UNDECODABLE;
        }
        if (good != cases[i].good || damaged != cases[i].damaged)
            fail_msg("%s: %zu events, %s", cases[i].name, good,
                     damaged ? "damaged" : "not damaged");
        if (damaged)
            assert_int_equal(given.events[given.count - 1].size, size);
    }
    decoder_destroy(&decoder);
}

/* Numbers whose text JSON keeps and MessagePack has no form for. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *render;
        enum outcome fault;
    } cases[] = {
        {"123456789012.345678", "123456789012345678e-6", 0},
        {"1.50000000000000000000000000000000000", "15e-1", 0},
        {"-0", "0e0", 0},
        {"-0.0", "0e0", 0},
        {"5e-7", "5e-7", 0},
        {"1e3", "1e3", 0},
        {"1E+3", "1e3", 0},
        {"1234567890123456789", "", REJECT_VALUE_RANGE},
        {"0.1234567890123456789", "", REJECT_VALUE_RANGE},
        {"1e400", "", REJECT_VALUE_RANGE},
        {"1e-400", "", REJECT_VALUE_RANGE},
        {"1e99999999999999999999999", "", REJECT_VALUE_RANGE},
    };
    struct decoder *decoder = decoder_for(FORMAT_JSON, TIME_UNIT_NONE);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char message[256];
        char render[256];
        struct given given;
        int size = snprintf(message, sizeof(message),
                            "{\"meter\":\"m1\",\"time\":\"2026-03-01T10:15:00Z\",\"value\":%s}",
                            cases[i].text);
        (void)snprintf(render, sizeof(render), "m1 2026-03-01T10:15:00Z %s - actual r0 -",
                       cases[i].render);
        decode_guarded(decoder, message, (size_t)size, &given);
        assert_int_equal(given.count, 1);
        expect_one(cases[i].text, &given, 0, cases[i].fault, render);
    }
    decoder_destroy(&decoder);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum outcome fault;
    } cases[] = {
        {"1772360100000", 0},
        {"1772360100000.0", 0},
        {"17723601e5", 0},
        {"0", 0},
        {"-0", 0},
        {"1772360100000.5", REJECT_TIME_INVALID},
        {"1e-1", REJECT_TIME_INVALID},
        {"9223372036854775807", REJECT_TIME_RANGE},
        {"-9223372036854775808", REJECT_TIME_RANGE},
        {"9223372036854775808", REJECT_TIME_RANGE},
        {"99999999999999999999999999", REJECT_TIME_RANGE},
        {"1e30", REJECT_TIME_RANGE},
        {"1e99999", REJECT_TIME_RANGE},
    };
    struct decoder *decoder = decoder_for(FORMAT_JSON, TIME_UNIT_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char message[256];
        struct given given;
        int size = snprintf(message, sizeof(message), "{\"meter\":\"m1\",\"time\":%s,\"value\":1}",
                            cases[i].text);
        decode_guarded(decoder, message, (size_t)size, &given);
        assert_int_equal(given.count, 1);
        if (given.events[0].fault != cases[i].fault)
            fail_msg("%s: %s", cases[i].text, outcome_reason(given.events[0].fault));
    }
    decoder_destroy(&decoder);
}

static void test_elements_that_are_no_objects(void **state)
{
    (void)state;
    static const char message[] = "[17 ,\"a\", " GOOD ",[" GOOD "] ,null]";
    struct decoder *decoder = decoder_for(FORMAT_JSON, TIME_UNIT_NONE);
    struct given given;
    decode_guarded(decoder, message, strlen(message), &given);
    assert_int_equal(given.count, 5);
    for (size_t i = 0; i < 5; i++)
        expect_one("element", &given, i, i == 2 ? OUTCOME_USED : REJECT_UNDECODABLE, good_render);
    assert_int_equal(given.events[0].offset, 1);
    assert_int_equal(given.events[0].size, 2);
    assert_int_equal(given.events[3].size, strlen(GOOD) + 2);
    assert_int_equal(given.events[4].size, 4);
    decoder_destroy(&decoder);
}

static void test_mapped_fields(void **state)
{
    (void)state;
    static const struct decode_conf conf = {
        .format = FORMAT_JSON,
        .fields = {[FIELD_METER] = "device.id",
                   [FIELD_TIME] = "device.reading.at",
                   [FIELD_VALUE] = "device.reading.consumption_kwh"},
    };
    static const struct {
        const char *name, *message;
        enum outcome fault;
    } cases[] = {
        {"in order",
         "{\"device\":{\"id\":\"m1\",\"reading\":{\"at\":\"2026-03-01T10:15:00Z\","
         "\"consumption_kwh\":1}}}",
         0},
        {"other order",
         "{\"x\":{},\"device\":{\"reading\":{\"a\":[],\"consumption_kwh\":1,"
         "\"at\":\"2026-03-01T10:15:00Z\"},\"x\":{\"id\":\"no\"},\"id\":\"m1\"}}",
         0},
        {"in two parts",
         "{\"device\":{\"reading\":{},\"id\":\"m1\"},\"device\":{\"reading\":"
         "{\"consumption_kwh\":1,\"at\":\"2026-03-01T10:15:00Z\"}}}",
         0},
        {"native names mean nothing",
         "{\"meter\":\"no\",\"value\":true,\"device\":{\"id\":\"m1\","
         "\"reading\":{\"consumption_kwh\":1,\"at\":\"2026-03-01T10:15:00Z\"}}}",
         0},
        {"not an object", "{\"device\":\"m1\"}", REJECT_METER_MISSING},
        {"null", "{\"device\":null}", REJECT_METER_MISSING},
        {"an array", "{\"device\":[{\"id\":\"m1\"}]}", REJECT_METER_MISSING},
        {"at the root", "{\"id\":\"m1\"}", REJECT_METER_MISSING},
        {"twice", "{\"device\":{\"id\":\"m1\"},\"device\":{\"id\":\"m1\"}}",
         REJECT_FIELD_DUPLICATE},
        {"an object too much", "{\"device\":{\"id\":{\"id\":\"m1\"}}}", REJECT_METER_TYPE},
        {"a longer name",
         "{\"device\":{\"id\":\"m1\",\"reading\":{\"at\":\"2026-03-01T10:15:00Z\","
         "\"consumption_kWh\":1,\"consumption_kwhs\":1}}}",
         REJECT_VALUE_MISSING},
        {"an unmapped field", "{\"device\":{\"id\":\"m1\"},\"quality\":\"x\"}",
         REJECT_QUALITY_INVALID},
        {"damaged inside", "{\"device\":{\"id\":\"m1\",}}", REJECT_UNDECODABLE},
        {"not closed", "{\"device\":{\"id\":\"m1\"}", REJECT_UNDECODABLE},
    };
    struct decoder *decoder;
    assert_int_equal(decoder_create(&decoder, &conf), 0);
    for (int round = 0; round < 2; round++) { /* again, with what was learned of their order */
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            struct given given;
            decode_guarded(decoder, cases[i].message, strlen(cases[i].message), &given);
            assert_int_equal(given.count, 1);
            expect_one(cases[i].name, &given, 0, cases[i].fault, good_render);
        }
    }
    decoder_destroy(&decoder);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *name, *meter, *value;
        int err;
    } cases[] = {
        {"plain", "m", "v", 0},
        {"below the same", "a.m", "a.v", 0},
        {"swapped", "value", "meter", 0},
        {"eight deep", "a.b.c.d.e.f.g.h", NULL, 0},
        {"nine deep", "a.b.c.d.e.f.g.h.i", NULL, -22},
        {"empty", "", NULL, -22},
        {"empty first", ".a", NULL, -22},
        {"empty last", "a.", NULL, -22},
        {"empty between", "a..b", NULL, -22},
        {"a backslash", "a\\b", NULL, -22},
        {"the same", "a.b", "a.b", -22},
        {"the beginning of another", "a", "a.b", -22},
        {"the continuation of another", "a.b", "a", -22},
        {"the native name of another", "unit", NULL, -22},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decode_conf conf = {
            .fields = {[FIELD_METER] = cases[i].meter, [FIELD_VALUE] = cases[i].value}};
        struct decoder *decoder = NULL;
        int err = decoder_create(&decoder, &conf);
        if (err != cases[i].err)
            fail_msg("%s: %d", cases[i].name, err);
        decoder_destroy(&decoder);
    }
}

/* Puts text at `at`, without its NUL; returns where it ends. */
static size_t put(char *out, size_t at, const char *text)
{
    while (*text != '\0')
        out[at++] = *text++;
    return at;
}

static void test_too_large(void **state)
{
    (void)state;
    static const char head[] = "[" GOOD ",{\"blob\":\"";
    static const char tail[] = "\"}," GOOD "]";
    size_t fill = EVENT_BYTES_MAX - strlen("{\"blob\":\"\"}");
    char *message = malloc(MESSAGE_BYTES_MAX + 1);
    assert_non_null(message);
    struct decoder *decoder = decoder_for(FORMAT_AUTO, TIME_UNIT_NONE);
    for (size_t extra = 0; extra <= 1; extra++) {
        struct given given;
        size_t size = put(message, 0, head);
        memset(message + size, 'x', fill + extra);
        size = put(message, size + fill + extra, tail);
        decode_guarded(decoder, message, size, &given);
        assert_int_equal(given.count, 3);
        expect_one("before", &given, 0, 0, good_render);
        expect_one("large", &given, 1, extra ? REJECT_TOO_LARGE : REJECT_METER_MISSING, "");
        assert_int_equal(given.events[1].size, EVENT_BYTES_MAX + extra);
        expect_one("behind", &given, 2, 0, good_render);
    }
    memset(message, ' ', MESSAGE_BYTES_MAX + 1);
    put(message, 0, GOOD);
    struct given given;
    decode_guarded(decoder, message, MESSAGE_BYTES_MAX, &given);
    expect_one("largest message", &given, 0, 0, good_render);
    decode_guarded(decoder, message, MESSAGE_BYTES_MAX + 1, &given);
    assert_int_equal(given.count, 1);
    expect_one("too large a message", &given, 0, REJECT_TOO_LARGE, "");
    assert_int_equal(given.events[0].size, MESSAGE_BYTES_MAX + 1);
    decoder_destroy(&decoder);
    free(message);
}

static void give_fault(void *context, const struct event *event)
{
    *(enum outcome *)context = (enum outcome)event->fault;
}

/* A message that says that it is native is, whatever the input declares. */
static void test_native(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum event_format format;
        const char *message;
        enum outcome declared, native;
    } cases[] = {
        {"ghgd's own names", FORMAT_JSON, GOOD, REJECT_METER_MISSING, OUTCOME_USED},
        {"where MessagePack is declared", FORMAT_MSGPACK, GOOD, REJECT_UNDECODABLE, OUTCOME_USED},
        {"names of the producer", FORMAT_AUTO, "{\"m\":\"m1\",\"time\":5,\"value\":1}",
         OUTCOME_USED, REJECT_TIME_INVALID},
        {"MessagePack is not native", FORMAT_AUTO, "\x81\xa1m\xa2m1", REJECT_TIME_MISSING,
         REJECT_UNDECODABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decode_conf conf = {
            .format = cases[i].format, .time_unit = TIME_UNIT_S, .fields = {[FIELD_METER] = "m"}};
        struct decoder *decoder;
        assert_int_equal(decoder_create(&decoder, &conf), 0);
        enum outcome declared = OUTCOME_COUNT;
        enum outcome native = OUTCOME_COUNT;
        size_t size = strlen(cases[i].message);
        decoder_decode(decoder, cases[i].message, size, true, give_fault, &native);
        decoder_decode(decoder, cases[i].message, size, false, give_fault, &declared);
        if (native != cases[i].native || declared != cases[i].declared)
            fail_msg("%s: %s, native %s", cases[i].name, outcome_reason(declared),
                     outcome_reason(native));
        decoder_destroy(&decoder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_in_array),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_elements_that_are_no_objects),
        cmocka_unit_test(test_mapped_fields),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_native),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
