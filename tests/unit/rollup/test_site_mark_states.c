/* Marks of a site: what befalls the row of a bucket, and what a takeover asks of it. */
#include "pipelines/rollup/site_marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_windows.h"
#include "tests/unit/rollup/site_fixture.h"

#define MARCH_4_MS INT64_C(1772582400000) /* 2026-03-04T00:00:00Z */

static const struct site_clock no_clock = {
    .passed_ms = INT64_MIN, .floor_ms = MARCH_4_MS, .final_ms = INT64_MIN, .top_row = INT64_MIN};

static void end_block(struct site *site, struct day *day, struct mark *mark, enum block_end end)
{
    enum mark_state state = marks_get(mark->sinks, 0);
    bool sent = state == MARK_SENT || state == MARK_SENT_CHANGED;
    assert_true(site_mark_ended(site, day, mark, 0, end) == sent);
}

/* One reading changes the first bucket. */
static void touch(struct site *site, int64_t passed_ms, struct day *day, struct mark *mark)
{
    const struct mark_place place = {.mark = mark,
                                     .day = day,
                                     .end_ms = MARCH_4_MS + 15 * MINUTE_MS,
                                     .sinks = site_sinks_of(site, LEVEL_BUCKET)};
    site_touch_mark(site, passed_ms, &place, 1);
}

/* One letter is one thing that befalls the first bucket's mark, as to sink 0. */
static void befall(struct site *site, struct day *day, struct mark *mark, char what)
{
    static const struct {
        char letter;
        enum block_end end;
    } ends[] = {{'d', BLOCK_DURABLE},
                {'a', BLOCK_ACKNOWLEDGED},
                {'r', BLOCK_WRITTEN_AT_RISK},
                {'g', BLOCK_GIVEN_BACK},
                {'u', BLOCK_UNKNOWN}};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends[i].letter == what)
            end_block(site, day, mark, ends[i].end);
    if (what == 't')
        touch(site, no_clock.passed_ms, day, mark);
    else if (what == 'k')
        site_mark_taken(site, day, mark, 0);
    else if (what == 'o')
        site_touch_told(site, &no_clock);
    else if (what == 's')
        site_tell_again(site, 1);
    else if (what == 'p')
        site_prove(site, 0);
    else if (what == 'l')
        site_lose(site, 0);
    else if (what == 'F')
        site_take_over(site, 0, TAKEOVER_FROM_NOW);
    else if (what == 'P')
        site_take_over(site, 0, TAKEOVER_PUT_AT_RISK);
    else if (what == '1')
        site_take_over(site, 0, TAKEOVER_ROUND_ONE);
    else if (what == '2')
        site_take_over(site, 0, TAKEOVER_ROUND_TWO);
}

static void test_ways_of_a_mark(void **state)
{
    (void)state;
    static const struct {
        const char *ways;
        enum mark_state want;
        bool at_risk;
        uint32_t touches;
    } cases[] = {
        {"", MARK_CLEAN, false, 0},
        {"t", MARK_DIRTY, false, 1},
        {"tt", MARK_DIRTY, false, 2},
        {"tk", MARK_SENT, false, 1},
        {"tkt", MARK_SENT_CHANGED, false, 2},
        {"tkd", MARK_CLEAN, false, 1},
        {"tktd", MARK_DIRTY, false, 2},
        {"tka", MARK_ACKED_YOUNG, false, 1},
        {"tkap", MARK_ACKED_OLD, false, 1},
        {"tkapp", MARK_CLEAN, false, 1},
        {"tkapl", MARK_DIRTY, false, 1},
        {"tkal", MARK_DIRTY, false, 1},
        {"tkdl", MARK_CLEAN, false, 1},
        {"tkp", MARK_SENT, false, 1},
        {"tkg", MARK_DIRTY, false, 1},
        {"tku", MARK_DIRTY, true, 1},
        {"tkukd", MARK_CLEAN, true, 1},
        /* the end of a block that was sent in an earlier life */
        {"d", MARK_CLEAN, false, 0},
        {"tu", MARK_DIRTY, false, 1},
        /* a window without a row has nothing to tell again */
        {"s", MARK_CLEAN, false, 0},
        {"o", MARK_CLEAN, false, 0},
        {"tkds", MARK_DIRTY, false, 1},
        {"tkdo", MARK_DIRTY, false, 2},
        {"tks", MARK_SENT_CHANGED, false, 1},
        /* takeovers */
        {"tF", MARK_DIRTY, false, 1},
        {"Ft", MARK_DIRTY, true, 1},
        {"tFt", MARK_DIRTY, true, 2},
        {"tP", MARK_DIRTY, true, 1},
        {"tkP", MARK_SENT, false, 1},
        {"tktP", MARK_SENT_CHANGED, true, 2},
        {"tkdP", MARK_CLEAN, false, 1},
        {"Ftkd", MARK_CLEAN, true, 1},
        {"Ftkd1", MARK_DIRTY, true, 1},
        {"t1", MARK_DIRTY, true, 1},
        {"tkd1", MARK_CLEAN, false, 1},
        {"Ftk1", MARK_SENT_CHANGED, true, 1},
        {"Ftkd1kd2", MARK_DIRTY, false, 1},
        {"Ftkd1kd2kd", MARK_CLEAN, false, 1},
        {"Ft2", MARK_DIRTY, false, 1},
        {"F2t", MARK_DIRTY, false, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site_fixture fixture;
        site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, MARCH_4_MS);
        struct day *day;
        struct mark *mark = site_find_mark(fixture.site, LEVEL_BUCKET, MARCH_4_MS, &day);
        assert_non_null(mark);
        for (const char *at = cases[i].ways; *at != '\0'; at++) {
            befall(fixture.site, day, mark, *at);
            site_check_marks(fixture.site);
        }
        if (marks_get(mark->sinks, 0) != cases[i].want ||
            marks_at_risk(mark->sinks, 0) != cases[i].at_risk || mark->touches != cases[i].touches)
            fail_msg("\"%s\": state %d, at risk %d, touches %u", cases[i].ways,
                     (int)marks_get(mark->sinks, 0), marks_at_risk(mark->sinks, 0), mark->touches);
        bool touched = strpbrk(cases[i].ways, "to") != NULL && mark->touches > 0;
        assert_int_equal(marks_get(mark->sinks, 1), touched ? MARK_DIRTY : MARK_CLEAN);
        site_fixture_fini(&fixture);
    }
}

/* A change after the watermark had passed the window's end and the grace is a revision. */
static void test_revision(void **state)
{
    (void)state;
    static const struct {
        int64_t passed_ms, grace_ms;
        uint32_t want;
    } cases[] = {
        {INT64_MIN, 0, 0},
        {MARCH_4_MS + 15 * MINUTE_MS - 1, 0, 0},
        {MARCH_4_MS + 15 * MINUTE_MS, 0, 1},
        {MARCH_4_MS + 15 * MINUTE_MS, HOUR_MS, 0},
        {MARCH_4_MS + 75 * MINUTE_MS - 1, HOUR_MS, 0},
        {MARCH_4_MS + 75 * MINUTE_MS, HOUR_MS, 1},
    };
    struct site_fixture fixture;
    site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, MARCH_4_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct day *day;
        struct mark *mark = site_find_mark(fixture.site, LEVEL_BUCKET, MARCH_4_MS, &day);
        uint32_t before = mark->revision;
        fixture.window.grace_ms = cases[i].grace_ms;
        touch(fixture.site, cases[i].passed_ms, day, mark);
        if (mark->revision - before != cases[i].want)
            fail_msg("row %zu", i);
    }
    site_fixture_fini(&fixture);
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        enum level level;
        bool found, in_day;
    } cases[] = {
        {"2026-03-04T00:00:00Z", LEVEL_BUCKET, true, true},
        {"2026-03-04T23:45:00Z", LEVEL_BUCKET, true, true},
        {"2026-03-03T23:45:00Z", LEVEL_BUCKET, false, false},
        {"2026-03-05T00:00:00Z", LEVEL_BUCKET, false, false},
        {"2026-03-04T23:00:00Z", LEVEL_HOUR, true, true},
        {"2026-03-05T00:00:00Z", LEVEL_HOUR, false, false},
        {"2026-03-04T00:00:00Z", LEVEL_DAY, true, true},
        {"2026-03-05T00:00:00Z", LEVEL_DAY, false, false},
        {"2026-03-01T00:00:00Z", LEVEL_MONTH, true, false},
        {"2026-02-01T00:00:00Z", LEVEL_MONTH, false, false},
        {"2026-03-04T00:00:00Z", LEVEL_MONTH, false, false},
        {"2026-01-01T00:00:00Z", LEVEL_YEAR, true, false},
        {"2026-03-01T00:00:00Z", LEVEL_YEAR, false, false},
    };
    struct site_fixture fixture;
    site_fixture_init(&fixture, "Etc/UTC", 15 * MINUTE_MS, MARCH_4_MS);
    int64_t first = site_day(fixture.site, 0)->first_row;
    assert_int_equal(site_touch(fixture.site, &no_clock, 0, first, first + 1), first + 1);
    const struct mark *seen[ARRAY_LEN(cases)] = {NULL};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t start_ms = 0;
        struct day *day;
        assert_int_equal(timestamp_parse(&start_ms, cases[i].start, strlen(cases[i].start)), 0);
        seen[i] = site_find_mark(fixture.site, cases[i].level, start_ms, &day);
        if ((seen[i] != NULL) != cases[i].found || (day != NULL) != cases[i].in_day)
            fail_msg("%s, level %d", cases[i].start, (int)cases[i].level);
        for (size_t k = 0; seen[i] != NULL && k < i; k++)
            assert_ptr_not_equal(seen[k], seen[i]);
    }
    site_fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_of_a_mark),
        cmocka_unit_test(test_revision),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("site_mark_states", tests, NULL, NULL);
}
