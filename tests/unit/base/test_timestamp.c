#include "base/timestamp.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-01T10:15:00Z", INT64_C(1772360100000)},
        {"2026-03-01t10:15:00z", INT64_C(1772360100000)},
        {"2026-03-01 10:15:00.250+05:30", INT64_C(1772340300250)},
        {"2026-03-01T10:15:00-00:00", INT64_C(1772360100000)},
        {"2026-03-01T00:00:00+23:59", INT64_C(1772236860000)},
        {"2026-02-28T23:59:59.9999999999999Z", INT64_C(1772323199999)},
        {"1969-12-31T23:59:59.9999Z", -1},
        {"1969-12-31T23:59:59.0009Z", -1000},
        {"2024-02-29T00:00:00.5Z", INT64_C(1709164800500)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"2017-01-01T05:29:60+05:30", INT64_C(1483228800000)},
        {"1900-01-01T00:00:00Z", TIME_MIN_MS},
        {"2200-01-01T00:00:00Z", TIME_MAX_MS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got_ms = -77;
        int err = timestamp_parse(&got_ms, cases[i].text, strlen(cases[i].text));
        if (err != 0 || got_ms != cases[i].want_ms)
            fail_msg("%s: got %d, %" PRId64, cases[i].text, err, got_ms);
    }
}

static void test_parse_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"1899-12-31T23:59:59.999Z", ERR_RANGE},
        {"2200-01-01T00:00:00.001Z", ERR_RANGE},
        {"0000-01-01T00:00:00Z", ERR_RANGE},
        {"9999-12-31T23:59:59Z", ERR_RANGE},
        {"", ERR_SYNTAX},
        {"2026-03-01", ERR_SYNTAX},
        {"2026-03-01T10:15:00", ERR_SYNTAX},
        {"2026-03-01T10:15Z", ERR_SYNTAX},
        {"2026-03-01T10:15:00ZZ", ERR_SYNTAX},
        {"2026-03-01T10:15:00Z ", ERR_SYNTAX},
        {" 2026-03-01T10:15:00Z", ERR_SYNTAX},
        {"2026-03-01T10:15:00.Z", ERR_SYNTAX},
        {"2026-03-01T10:15:00,5Z", ERR_SYNTAX},
        {"2026-03-01T10:15:00+0530", ERR_SYNTAX},
        {"2026-03-01T10:15:00+05", ERR_SYNTAX},
        {"2026-03-01T10:15:00+24:00", ERR_SYNTAX},
        {"2026-03-01T10:15:00+05:60", ERR_SYNTAX},
        {"2026-03-01T10:15:00 CET", ERR_SYNTAX},
        {"2026-03-01T24:00:00Z", ERR_SYNTAX},
        {"2026-03-01T10:60:00Z", ERR_SYNTAX},
        {"2026-03-01T10:15:61Z", ERR_SYNTAX},
        {"2026-03-01T10:15:60Z", ERR_SYNTAX},
        {"2016-12-31T23:59:60+01:00", ERR_SYNTAX},
        {"2016-12-30T23:59:60Z", ERR_SYNTAX},
        {"2026-00-01T10:15:00Z", ERR_SYNTAX},
        {"2026-13-01T10:15:00Z", ERR_SYNTAX},
        {"2026-04-31T10:15:00Z", ERR_SYNTAX},
        {"2026-03-00T10:15:00Z", ERR_SYNTAX},
        {"2025-02-29T10:15:00Z", ERR_SYNTAX},
        {"2100-02-29T10:15:00Z", ERR_SYNTAX},
        {"26-03-01T10:15:00Z", ERR_SYNTAX},
        {"2026/03/01T10:15:00Z", ERR_SYNTAX},
        {"2026-03-01X10:15:00Z", ERR_SYNTAX},
        {"+2026-03-01T10:15:00Z", ERR_SYNTAX},
        {"1772360100", ERR_SYNTAX},
    };
    int64_t got_ms = -77;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int err = timestamp_parse(&got_ms, cases[i].text, strlen(cases[i].text));
        if (err != cases[i].want)
            fail_msg("%s: got %d", cases[i].text, err);
    }
    /* neither a NUL in the text nor what lies behind it is read as text */
    assert_int_equal(timestamp_parse(&got_ms,
                                     "2026-03-01\0"
                                     "10:15:00Z",
                                     20),
                     ERR_SYNTAX);
    assert_int_equal(timestamp_parse(&got_ms, "2026-03-01T10:15:00Z", 19), ERR_SYNTAX);
    assert_int_equal(got_ms, -77); /* a failed call changes nothing */
}

static void test_from_int(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        enum time_unit unit;
        int want;
        int64_t want_ms;
    } cases[] = {
        {1772360100, TIME_UNIT_S, 0, INT64_C(1772360100000)},
        {-1, TIME_UNIT_S, 0, -1000},
        {1772360100123, TIME_UNIT_MS, 0, INT64_C(1772360100123)},
        {1772360100123999, TIME_UNIT_US, 0, INT64_C(1772360100123)},
        {-1, TIME_UNIT_US, 0, -1},
        {1772360100123999999, TIME_UNIT_NS, 0, INT64_C(1772360100123)},
        {-1000000, TIME_UNIT_NS, 0, -1},
        {-1000001, TIME_UNIT_NS, 0, -2},
        {INT64_MIN, TIME_UNIT_NS, ERR_RANGE, 0},
        {1772360100, TIME_UNIT_NONE, ERR_SYNTAX, 0},
        {1772360100123, TIME_UNIT_S, ERR_RANGE, 0},
        {INT64_MAX, TIME_UNIT_S, ERR_RANGE, 0},
        {INT64_MIN, TIME_UNIT_S, ERR_RANGE, 0},
        {INT64_MIN, TIME_UNIT_MS, ERR_RANGE, 0},
        {TIME_MAX_MS + 1, TIME_UNIT_MS, ERR_RANGE, 0},
        {TIME_MIN_MS - 1, TIME_UNIT_MS, ERR_RANGE, 0},
        {INT64_MAX, TIME_UNIT_US, ERR_RANGE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got_ms = -77;
        int got = timestamp_from_int(&got_ms, cases[i].value, cases[i].unit);
        if (got != cases[i].want || got_ms != (got == 0 ? cases[i].want_ms : -77))
            fail_msg("%" PRId64 ": got %d, %" PRId64, cases[i].value, got, got_ms);
    }
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1772360100250), "2026-03-01T10:15:00.250Z"},
        {INT64_C(1709251199007), "2024-02-29T23:59:59.007Z"},
        {INT64_MAX, "292278994-08-17T07:12:55.807Z"},
        {INT64_MIN, "-292275055-05-16T16:47:04.192Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[TIMESTAMP_TEXT_SIZE];
        assert_ptr_equal(timestamp_format(text, cases[i].ms), text);
        assert_string_equal(text, cases[i].want);
    }
}

/* Every day of three centuries against the C library, and a random moment of it there and back. */
static void test_every_day(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int64_t day_ms = TIME_MIN_MS; day_ms < TIME_MAX_MS; day_ms += 86400000) {
        int64_t ms = day_ms + rand_r(&seed) % 86400000;
        time_t seconds = (time_t)((ms - TIME_MIN_MS) / 1000 + TIME_MIN_MS / 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        char want[128];
        int64_t rest = ms - (int64_t)seconds * 1000;
        (void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)rest);
        int64_t back = 0;
        assert_int_equal(timestamp_parse(&back, want, strlen(want)), 0);
        assert_int_equal(back, ms);
        char text[TIMESTAMP_TEXT_SIZE];
        timestamp_format(text, ms);
        assert_int_equal(timestamp_parse(&back, text, strlen(text)), 0);
        assert_int_equal(back, ms);
        if (rest != 0)
            assert_string_equal(text, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),     cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_from_int),  cmocka_unit_test(test_format),
        cmocka_unit_test(test_every_day),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
