/* Windows of a site: which of them a reading touches, and which of them time marks. */
#include "pipelines/rollup/site_windows.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_marks.h"
#include "tests/unit/rollup/site_fixture.h"

enum { TEXT_SIZE = 64, QUARTERS = 96 };

static int64_t instant(const char *text)
{
    int64_t time_ms = 0;
    assert_int_equal(timestamp_parse(&time_ms, text, strlen(text)), 0);
    return time_ms;
}

/* The dirty marks of sink 0: "buckets hours days months years". */
static const char *count_dirty(const struct site *site, char text[TEXT_SIZE])
{
    uint32_t counts[LEVEL_COUNT] = {0};
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = site_day(site, i);
        for (int64_t row = day->first_row; row < day->end_row; row++)
            counts[LEVEL_BUCKET] +=
                marks_get(site->row_marks[panel_slot(site->panel, row)].sinks, 0) == MARK_DIRTY;
        for (uint32_t hour = 0; hour < day->hours_count; hour++)
            counts[LEVEL_HOUR] += marks_get(day->hours[hour].sinks, 0) == MARK_DIRTY;
        counts[LEVEL_DAY] += marks_get(day->mark.sinks, 0) == MARK_DIRTY;
    }
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++)
        counts[site->periods[i].level] +=
            site->periods[i].used && marks_get(site->periods[i].mark.sinks, 0) == MARK_DIRTY;
    (void)snprintf(text, TEXT_SIZE, "%u %u %u %u %u", counts[LEVEL_BUCKET], counts[LEVEL_HOUR],
                   counts[LEVEL_DAY], counts[LEVEL_MONTH], counts[LEVEL_YEAR]);
    return text;
}

static void settle_one(void *context, const struct mark_place *place)
{
    struct site *site = context;
    for (uint32_t sink = 0; sink < SITE_SINKS; sink++) {
        if (marks_get(place->mark->sinks, sink) == MARK_DIRTY)
            site_mark_taken(site, place->day, place->mark, sink);
        (void)site_mark_ended(site, place->day, place->mark, sink, BLOCK_DURABLE);
    }
}

/* Every sink gets all rows. */
static void settle(struct site *site)
{
    site_visit_marks(site, settle_one, site);
}

static void test_touch(void **state)
{
    (void)state;
    static const struct {
        const char *name, *time_zone, *day;
        int64_t bucket_ms, from, to; /* rows from the day's first one on */
        const char *want;
    } cases[] = {
        {"nothing", "Etc/UTC", "2026-03-04T00:00:00Z", 15 * MINUTE_MS, 5, 5, "0 0 0 0 0"},
        {"a bucket", "Etc/UTC", "2026-03-04T00:00:00Z", 15 * MINUTE_MS, 5, 6, "1 1 1 1 1"},
        {"an hour", "Etc/UTC", "2026-03-04T00:00:00Z", 15 * MINUTE_MS, 4, 8, "4 1 1 1 1"},
        {"two hours", "Etc/UTC", "2026-03-04T00:00:00Z", 15 * MINUTE_MS, 3, 5, "2 2 1 1 1"},
        {"a day", "Etc/UTC", "2026-03-04T00:00:00Z", 15 * MINUTE_MS, 0, 96, "96 24 1 1 1"},
        {"midnight", "Etc/UTC", "2026-03-04T00:00:00Z", 15 * MINUTE_MS, 95, 97, "2 2 2 1 1"},
        {"hours as buckets", "Etc/UTC", "2026-03-04T00:00:00Z", HOUR_MS, 3, 5, "2 0 1 1 1"},
        {"end of the month", "Etc/UTC", "2026-03-31T00:00:00Z", 15 * MINUTE_MS, 95, 97,
         "2 2 2 2 1"},
        {"end of the year", "Etc/UTC", "2026-12-31T00:00:00Z", 15 * MINUTE_MS, 95, 97, "2 2 2 2 2"},
        {"a day of 23 hours", "America/New_York", "2026-03-08T12:00:00Z", 15 * MINUTE_MS, 91, 93,
         "2 2 2 1 1"},
        {"a local year", "Asia/Kolkata", "2026-12-31T12:00:00Z", 15 * MINUTE_MS, 95, 97,
         "2 2 2 2 2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site_fixture fixture;
        char text[TEXT_SIZE];
        const struct site_clock clock = {.passed_ms = INT64_MIN,
                                         .floor_ms = instant(cases[i].day),
                                         .final_ms = INT64_MIN,
                                         .top_row = INT64_MIN};
        site_fixture_init(&fixture, cases[i].time_zone, cases[i].bucket_ms, clock.floor_ms);
        int64_t first = site_day(fixture.site, 0)->first_row;
        int64_t end =
            site_touch(fixture.site, &clock, 0, first + cases[i].from, first + cases[i].to);
        if (end != first + cases[i].to ||
            strcmp(count_dirty(fixture.site, text), cases[i].want) != 0)
            fail_msg("%s: up to %" PRId64 ", dirty %s", cases[i].name, end - first, text);
        site_check_marks(fixture.site);
        site_fixture_fini(&fixture);
    }
}

/* A day leaves for another only if it is before the floor, and every sink has its rows. */
static void test_room(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t floor_days, to_days; /* from the first day on */
        bool settled;
        int64_t want_days; /* rows before it were touched */
    } cases[] = {
        {"within the ring", 0, 3, false, 3},
        {"the floor is before the oldest day", 0, 40, true, -1},
        {"the oldest day is not settled", 40, 40, false, -1},
        {"days leave", 40, 40, true, 40},
    };
    const int64_t begin_ms = instant("2026-03-04T00:00:00Z");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site_fixture fixture;
        struct site_clock clock = {.passed_ms = INT64_MIN,
                                   .floor_ms = begin_ms,
                                   .final_ms = INT64_MIN,
                                   .top_row = INT64_MIN};
        site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, begin_ms);
        struct site *site = fixture.site;
        int64_t first = site_day(site, 0)->first_row;
        int64_t room = site->panel->rows / QUARTERS; /* days */
        assert_int_equal(site_touch(site, &clock, 0, first, first + 1), first + 1);
        if (cases[i].settled)
            settle(site);
        clock.floor_ms = begin_ms + cases[i].floor_days * DAY_MS;
        int64_t row = first + cases[i].to_days * QUARTERS - 1;
        int64_t got = site_touch(site, &clock, 0, row, row + 1);
        int64_t want = cases[i].want_days < 0 ? row : row + 1;
        if (got != want || (want > row) != (site_find_day(site, row) != NULL))
            fail_msg("%s: touched up to %" PRId64 " of %" PRId64 ", room for %" PRId64 " days",
                     cases[i].name, got - first, row - first, room);
        assert_true((site_day(site, 0)->first_row == first) == (cases[i].want_days != 40));
        site_check_marks(site);
        site_fixture_fini(&fixture);
    }
}

/* The first bucket was touched, and every sink has its rows; then time passes. */
static void test_time_passes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t seen, top; /* the shard's newest row, before and now, from the day's first on */
        int64_t final_min; /* windows up to here are final */
        const char *want;
    } cases[] = {
        {"nothing", 0, 0, 0, "0 0 0 0 0"},
        {"the bucket is final", 0, 0, 15, "1 0 0 0 0"},
        /* a window that has a row expects more of the buckets that come */
        {"another bucket comes", 0, 1, 0, "0 1 1 1 1"},
        {"the last bucket of the hour comes", 2, 3, 0, "0 1 1 1 1"},
        {"another hour comes", 3, 4, 0, "0 0 1 1 1"},
        {"two hours come", 0, 4, 0, "0 1 1 1 1"},
        {"an empty bucket is final too", 0, 1, 30, "2 1 1 1 1"},
        {"the hour is final", 0, 4, 60, "4 1 1 1 1"},
        {"an hour without a reading is final", 0, 8, 120, "8 2 1 1 1"},
        {"the day is final", 0, 96, 1440, "96 24 1 1 1"},
    };
    const int64_t begin_ms = instant("2026-03-04T00:00:00Z");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site_fixture fixture;
        char text[TEXT_SIZE];
        site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, begin_ms);
        struct site *site = fixture.site;
        int64_t first = site_day(site, 0)->first_row;
        struct site_clock clock = {.passed_ms = INT64_MIN,
                                   .floor_ms = begin_ms,
                                   .final_ms = INT64_MIN,
                                   .top_row = first + cases[i].seen};
        assert_true(site_hear(site, 0, begin_ms));
        assert_int_equal(site_touch(site, &clock, 0, first, first + 1), first + 1);
        site_advance(site, &clock);
        settle(site);
        clock.top_row = first + cases[i].top;
        clock.final_ms = begin_ms + cases[i].final_min * MINUTE_MS;
        site_advance(site, &clock);
        if (strcmp(count_dirty(site, text), cases[i].want) != 0)
            fail_msg("%s: dirty %s", cases[i].name, text);
        assert_true(site_has_opened(site, &clock));
        settle(site);
        site_advance(site, &clock); /* a window becomes final once */
        assert_string_equal(count_dirty(site, text), "0 0 0 0 0");
        site_check_marks(site);
        site_fixture_fini(&fixture);
    }
}

/* A site that has never reported expects nothing. */
static void test_silence(void **state)
{
    (void)state;
    const int64_t begin_ms = instant("2026-03-04T00:00:00Z");
    struct site_fixture fixture;
    char text[TEXT_SIZE];
    site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, begin_ms);
    int64_t first = site_day(fixture.site, 0)->first_row;
    const struct site_clock clock = {.passed_ms = INT64_MIN,
                                     .floor_ms = begin_ms,
                                     .final_ms = begin_ms + DAY_MS,
                                     .top_row = first + 200};
    site_advance(fixture.site, &clock);
    assert_string_equal(count_dirty(fixture.site, text), "0 0 0 0 0");
    assert_true(site_has_opened(fixture.site, &clock));
    assert_int_equal(site_day(fixture.site, 0)->first_row, first);
    site_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_touch),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_time_passes),
        cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests_name("site_touches", tests, NULL, NULL);
}
