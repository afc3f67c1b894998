/* Schedules of the week: what is read, what is refused, and how long they are in a span of time. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "config/calendar/schedule.h"

enum { BUCKET_MS = 900000, CHANGES_MAX = 512 };

static struct arena *arena;
static struct offset_change changes[CHANGES_MAX];

static struct local_time open_zone(const char *name)
{
    struct calendar *calendar;
    assert_int_equal(calendar_create(&calendar, name, BUCKET_MS, 1), 0);
    uint32_t count = calendar_offsets(calendar, changes, CHANGES_MAX);
    calendar_destroy(&calendar);
    return (struct local_time){changes, count};
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (timestamp_parse(&ms, text, strlen(text)) != 0)
        fail_msg("%s is no time", text);
    return ms;
}

static const struct schedule *parse(const char *text)
{
    const struct schedule *schedule = NULL;
    struct schedule_fault fault;
    int err = schedule_parse(&schedule, arena, text, strlen(text), BUCKET_MS, &fault);
    if (err != 0)
        fail_msg("%s: \"%.*s\", accepted: %s", text, fault.size, fault.found, fault.accepted);
    return schedule;
}

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t hours; /* of the week */
        uint32_t count;
        struct schedule_span first, last;
    } cases[] = {
        {"Mon-Fri 06:00-22:00; Sat 06:00-14:00", 88, 6, {360, 1320}, {7560, 8040}},
        {"06:00-22:00", 112, 7, {360, 1320}, {9000, 9960}},
        {"00:00-24:00", 168, 1, {0, 10080}, {0, 10080}},
        {"Mon-Sun 00:00-24:00", 168, 1, {0, 10080}, {0, 10080}},
        {"Mon 00:00-24:00;Tue 00:00-24:00", 48, 1, {0, 2880}, {0, 2880}},
        {"Sun 22:00-06:00", 8, 2, {0, 360}, {9960, 10080}}, /* it ends on Monday */
        {"Fri 22:00-06:00", 8, 1, {7080, 7560}, {7080, 7560}},
        {"22:00-06:00", 56, 8, {0, 360}, {9960, 10080}},
        {"Sat-Mon 10:00-11:00", 3, 3, {600, 660}, {9240, 9300}},
        {"Mon,Wed,Fri-Sat 10:00-10:15", 1, 4, {600, 615}, {7800, 7815}},
        {"Mon 06:00-10:00; Mon 08:00-12:00", 6, 1, {360, 720}, {360, 720}},
        {"  Mon 06:00-10:00 ;  Tue 06:00-10:00  ", 8, 2, {360, 600}, {1800, 2040}},
        {"Mon, Tue 22:00-24:00", 4, 2, {1320, 1440}, {2760, 2880}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct schedule *got = parse(cases[i].text);
        const struct schedule_span *last = &got->spans[got->count - 1];
        if (got->week_min != cases[i].hours * 60 || got->count != cases[i].count ||
            memcmp(&got->spans[0], &cases[i].first, sizeof(*last)) != 0 ||
            memcmp(last, &cases[i].last, sizeof(*last)) != 0)
            fail_msg("%s: %u spans of %u minutes, %d-%d .. %d-%d", cases[i].text, got->count,
                     got->week_min, got->spans[0].from_min, got->spans[0].to_min, last->from_min,
                     last->to_min);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *found, *accepted; /* the latter begins so */
    } cases[] = {
        {"", "", "days and times"},
        {"   ", "", "days and times"},
        {";", "", "days and times"},
        {"Mon 06:00-10:00;", "", "days and times"},
        {"Mon 06:00-10:00;;Tue 06:00-10:00", "", "days and times"},
        {"Mon", "Mon", "two times"},
        {"Mon-Fri", "Mon-Fri", "two times"},
        {"Mon 6:00-22:00", "6:00-22:00", "two times"},
        {"Mon 06:00 - 22:00", "22:00", "two times"},
        {"Mon 06:00", "06:00", "two times"},
        {"Mon 06.00-22.00", "06.00", "a time of local clocks"},
        {"Mon 06:00-22:0x", "22:0x", "a time of local clocks"},
        {"Mon 06:00-24:15", "24:15", "times from 00:00 to 24:00"},
        {"Mon 06:60-22:00", "06:60", "times from 00:00 to 24:00"},
        {"Mon 99:00-22:00", "99:00", "times from 00:00 to 24:00"},
        {"Mon 24:00-06:00", "24:00-06:00", "24:00 as the end only"},
        {"Mon 06:00-06:00", "06:00-06:00", "an end that is not the beginning"},
        {"Mon 06:10-22:00", "06:10", "times at which a bucket begins"},
        {"Mon 06:00-22:00Z", "06:00-22:00Z", "two times"},
        {"mon 06:00-22:00", "mon", "Mon, Tue"},
        {"Monday 06:00-22:00", "Monday", "Mon, Tue"},
        {"Mon- 06:00-22:00", "", "Mon, Tue"},
        {"-Mon 06:00-22:00", "", "Mon, Tue"},
        {"Mon,,Tue 06:00-22:00", "", "Mon, Tue"},
        {"Mon, 06:00-22:00", "", "Mon, Tue"},
        {"Mon-Tue-Wed 06:00-22:00", "Tue-Wed", "Mon, Tue"},
        {"1-5 06:00-22:00", "1", "Mon, Tue"},
        {"Mo-Fr 06:00-22:00", "Mo", "Mon, Tue"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct schedule *schedule = NULL;
        struct schedule_fault fault = {0};
        const char *text = cases[i].text;
        int err = schedule_parse(&schedule, arena, text, strlen(text), BUCKET_MS, &fault);
        size_t size = strlen(cases[i].found);
        if (err != -EINVAL || (size_t)fault.size != size ||
            memcmp(fault.found, cases[i].found, size) != 0 ||
            strncmp(fault.accepted, cases[i].accepted, strlen(cases[i].accepted)) != 0)
            fail_msg("%s: %d, \"%.*s\", accepted: %s", text, err, fault.size, fault.found,
                     fault.accepted);
    }
}

/* So long, and so many entries, and not more. */
static void test_limits(void **state)
{
    (void)state;
    static const char entry[] = "06:00-07:00;";
    enum { ENTRY = sizeof(entry) - 1 };
    char text[SCHEDULE_BYTES_MAX + ENTRY];
    struct schedule_fault fault;
    const struct schedule *schedule;
    for (size_t extra = 0; extra < 2; extra++) {
        size_t count = SCHEDULE_ENTRIES_MAX + extra;
        for (size_t i = 0; i < count; i++)
            memcpy(text + i * ENTRY, entry, ENTRY);
        int err = schedule_parse(&schedule, arena, text, count * ENTRY - 1, BUCKET_MS, &fault);
        assert_int_equal(err, extra == 0 ? 0 : -EINVAL);
        memset(text, ' ', sizeof(text));
        memcpy(text, entry, ENTRY - 1);
        err = schedule_parse(&schedule, arena, text, SCHEDULE_BYTES_MAX + extra, BUCKET_MS, &fault);
        assert_int_equal(err, extra == 0 ? 0 : -EINVAL);
    }
}

static void test_time(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *schedule, *from, *to;
        double hours;
    } cases[] = {
        {"Etc/UTC", "Mon-Fri 06:00-22:00; Sat 06:00-14:00", "2026-03-02T00:00:00Z",
         "2026-03-09T00:00:00Z", 88},
        {"Etc/UTC", "06:00-22:00", "2026-03-02T05:45:00Z", "2026-03-02T06:00:00Z", 0},
        {"Etc/UTC", "06:00-22:00", "2026-03-02T06:00:00Z", "2026-03-02T06:15:00Z", 0.25},
        {"Etc/UTC", "06:00-22:00", "2026-03-02T21:59:59Z", "2026-03-02T22:15:00Z", 1 / 3600.0},
        {"Etc/UTC", "06:00-22:00", "2026-03-02T22:00:00Z", "2026-03-02T22:15:00Z", 0},
        {"Etc/UTC", "06:00-22:00", "2026-03-02T06:00:00Z", "2026-03-02T06:00:00Z", 0},
        {"Etc/UTC", "06:00-22:00", "1960-02-28T00:00:00Z", "1960-03-01T00:00:00Z", 32},
        {"Etc/UTC", "Thu 00:00-24:00", "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", 24},
        {"Etc/UTC", "Sun 22:00-06:00", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", 8},
        {"Etc/UTC", "Mon-Fri 06:00-22:00", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z",
         261 * 16},
        /* clocks go forward from 02:00 to 03:00, back from 03:00 to 02:00 */
        {"Europe/Berlin", "22:00-06:00", "2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00",
         7},
        {"Europe/Berlin", "22:00-06:00", "2026-10-24T12:00:00+02:00", "2026-10-25T12:00:00+01:00",
         9},
        {"Europe/Berlin", "02:00-03:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
         0},
        {"Europe/Berlin", "02:00-03:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00",
         2},
        {"Europe/Berlin", "02:30-03:30", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
         0.5},
        {"Europe/Berlin", "00:00-24:00", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00",
         365 * 24},
        {"Asia/Kolkata", "06:00-22:00", "2026-03-02T00:30:00Z", "2026-03-02T16:30:00Z", 16},
        {"Asia/Kolkata", "06:00-22:00", "2026-03-02T00:15:00Z", "2026-03-02T00:30:00Z", 0},
        {"Asia/Kathmandu", "06:00-22:00", "2026-03-02T00:15:00Z", "2026-03-02T16:15:00Z", 16},
        {"Asia/Kathmandu", "Mon 00:00-24:00", "2026-03-01T18:15:00Z", "2026-03-02T18:15:00Z", 24},
        {"Australia/Lord_Howe", "01:30-02:00", "2026-04-05T00:00:00+11:00",
         "2026-04-06T00:00:00+10:30", 1}, /* half an hour back at 02:00 */
        {"Pacific/Chatham", "Sun 00:00-24:00", "2026-04-05T00:00:00+13:45",
         "2026-04-06T00:00:00+12:45", 25},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct local_time zone = open_zone(cases[i].zone);
        int64_t got =
            schedule_time(parse(cases[i].schedule), &zone, at(cases[i].from), at(cases[i].to));
        if (got != (int64_t)(cases[i].hours * HOUR_MS))
            fail_msg("%s, %s from %s: %" PRId64 " ms", cases[i].zone, cases[i].schedule,
                     cases[i].from, got);
    }
}

/* Buckets sum to the whole, and each is in or out. */
static void test_buckets_sum(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Berlin", "Asia/Kathmandu", "Pacific/Chatham",
                                        "America/St_Johns", "Australia/Lord_Howe"};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        struct local_time zone = open_zone(zones[i]);
        const struct schedule *schedule = parse("Mon-Fri 22:00-06:00; Sat 00:15-02:45");
        int64_t from_ms = at("2026-01-01T00:00:00Z");
        int64_t sum_ms = 0;
        int64_t t = from_ms;
        for (; t < at("2027-01-01T00:00:00Z"); t += BUCKET_MS) {
            int64_t time_ms = schedule_time(schedule, &zone, t, t + BUCKET_MS);
            assert_true(time_ms == 0 || time_ms == BUCKET_MS);
            sum_ms += time_ms;
        }
        assert_true(sum_ms == schedule_time(schedule, &zone, from_ms, t));
    }
}

static int set_up(void **state)
{
    (void)state;
    return arena_create(&arena);
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_time),
        cmocka_unit_test(test_buckets_sum),
    };
    return cmocka_run_group_tests_name("schedule", tests, set_up, tear_down);
}
