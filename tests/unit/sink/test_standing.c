/* The table of standing alerts: what Alertmanager is told after each change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/sink/standing.h"

#define NOW_MS INT64_C(1782864000000) /* 2026-07-01T00:00:00Z */
enum { TEXT_MAX = 1 << 20 };

static struct standing_table *table;

static int make_table(void **state)
{
    (void)state;
    return standing_create(&table, LANGUAGE_EN);
}

static int destroy_table(void **state)
{
    (void)state;
    standing_destroy(&table);
    return 0;
}

static struct alert_notice change(const char *target, uint32_t number, uint8_t from, uint8_t to)
{
    return (struct alert_notice){.target = target,
                                 .subject = "hz",
                                 .name = "hz",
                                 .event = to > from ? COURSE_ENTERED : COURSE_LEFT,
                                 .from = from,
                                 .to = to,
                                 .base_version = 1,
                                 .number = number,
                                 .year = 2026,
                                 .since_day = INT32_MIN,
                                 .start_ms = NOW_MS - DAY_MS,
                                 .end_ms = NOW_MS,
                                 .budget_mg = NOTICE_UNKNOWN,
                                 .due_mg = NOTICE_UNKNOWN,
                                 .ytd_mg = NOTICE_UNKNOWN,
                                 .slip = NOTICE_UNKNOWN,
                                 .coverage = NOTICE_UNKNOWN,
                                 .forecast_mg = NOTICE_UNKNOWN,
                                 .low_mg = NOTICE_UNKNOWN,
                                 .high_mg = NOTICE_UNKNOWN,
                                 .miss = NOTICE_UNKNOWN};
}

static void take(struct alert_notice notice, uint32_t partition, int64_t now_ms)
{
    assert_int_equal(standing_take(table, &notice, partition, now_ms), 0);
}

/* Each alert as "target severity number endsAt", sorted as the table has them. */
static void expect(int64_t now_ms, const char *want)
{
    struct buffer out;
    struct buffer got;
    buffer_init(&out, TEXT_MAX);
    buffer_init(&got, TEXT_MAX);
    standing_add(table, &out, now_ms, now_ms + 4 * MINUTE_MS);
    const char *at = buffer_text(&out);
    assert_true(at[0] == '[' && at[out.size - 1] == ']');
    while ((at = strstr(at, "\"target\":\"")) != NULL) {
        char severity[16];
        char id[32];
        char ends[32];
        assert_int_equal(sscanf(strstr(at, "\"severity\":"), "\"severity\":\"%15[^\"]", severity),
                         1);
        assert_int_equal(sscanf(strstr(at, "\"id\":"), "\"id\":\"%31[^\"]", id), 1);
        assert_int_equal(sscanf(strstr(at, "\"endsAt\":"), "\"endsAt\":\"2026-07-01T%31[^Z]", ends),
                         1);
        buffer_printf(&got, "%s %s %s\n", id, severity, ends);
        at++;
    }
    assert_string_equal(got.size == 0 ? "" : buffer_text(&got), want);
    buffer_fini(&out);
    buffer_fini(&got);
}

static void test_levels(void **state)
{
    (void)state;
    expect(NOW_MS, "");
    take(change("a", 1, ALERT_OK, ALERT_WATCH), 0, NOW_MS);
    expect(NOW_MS, "a/1/1 watch 00:04:00\n");
    take(change("a", 2, ALERT_WATCH, ALERT_CRITICAL), 0, NOW_MS + MINUTE_MS);
    expect(NOW_MS + 2 * MINUTE_MS, "a/1/2 watch 00:01:00\na/1/2 critical 00:06:00\n");
    take(change("a", 3, ALERT_CRITICAL, ALERT_OK), 0, NOW_MS + 5 * MINUTE_MS);
    expect(NOW_MS + 6 * MINUTE_MS, "a/1/2 watch 00:01:00\na/1/3 critical 00:05:00\n");
    assert_int_equal(standing_count(table), 2);
    standing_expire(table, NOW_MS + MINUTE_MS + STANDING_ENDED_MS - 1);
    assert_int_equal(standing_count(table), 2);
    standing_expire(table, NOW_MS + MINUTE_MS + STANDING_ENDED_MS);
    expect(NOW_MS + 16 * MINUTE_MS, "a/1/3 critical 00:05:00\n");
    /* it begins again at a level that had ended */
    take(change("a", 4, ALERT_OK, ALERT_CRITICAL), 0, NOW_MS + 17 * MINUTE_MS);
    expect(NOW_MS + 17 * MINUTE_MS, "a/1/4 critical 00:21:00\n");
    standing_expire(table, NOW_MS + DAY_MS);
    assert_int_equal(standing_count(table), 1);
}

/* A change that comes again, or late, changes nothing. */
static void test_order(void **state)
{
    (void)state;
    take(change("a", 2, ALERT_WATCH, ALERT_WARNING), 0, NOW_MS);
    take(change("a", 1, ALERT_OK, ALERT_WATCH), 0, NOW_MS + MINUTE_MS);
    take(change("a", 2, ALERT_WATCH, ALERT_WARNING), 0, NOW_MS + MINUTE_MS);
    expect(NOW_MS + MINUTE_MS, "a/1/2 watch 00:00:00\na/1/2 warning 00:05:00\n");
    /* after its end was forgotten, too */
    take(change("a", 3, ALERT_WARNING, ALERT_OK), 0, NOW_MS + MINUTE_MS);
    standing_expire(table, NOW_MS + HOUR_MS);
    take(change("a", 2, ALERT_WATCH, ALERT_WARNING), 0, NOW_MS + HOUR_MS);
    expect(NOW_MS + HOUR_MS, "");
}

/* Changes in between were not heard of: all that stood has ended. */
static void test_gap(void **state)
{
    (void)state;
    take(change("a", 1, ALERT_OK, ALERT_WATCH), 0, NOW_MS);
    take(change("a", 3, ALERT_WARNING, ALERT_CRITICAL), 0, NOW_MS + MINUTE_MS);
    expect(NOW_MS + MINUTE_MS,
           "a/1/1 watch 00:01:00\na/1/3 warning 00:01:00\na/1/3 critical 00:05:00\n");
}

static void test_forget(void **state)
{
    (void)state;
    take(change("a", 1, ALERT_OK, ALERT_WATCH), 3, NOW_MS);
    take(change("b", 5, ALERT_OK, ALERT_WARNING), 4, NOW_MS);
    take(change("c", 1, ALERT_OK, ALERT_WATCH), 3, NOW_MS);
    standing_forget(table, 7);
    assert_int_equal(standing_count(table), 3);
    standing_forget(table, 3);
    expect(NOW_MS, "b/1/5 warning 00:04:00\n");
    /* it moves to the partition that tells of it last */
    take(change("b", 5, ALERT_OK, ALERT_WARNING), 3, NOW_MS);
    standing_forget(table, 4);
    assert_int_equal(standing_count(table), 1);
    standing_forget(table, 3);
    assert_int_equal(standing_count(table), 0);
    take(change("b", 1, ALERT_OK, ALERT_WARNING), 4, NOW_MS);
    assert_int_equal(standing_count(table), 1); /* numbers begin again, as in a new installation */
}

/* An alert never begins after its end, or after now. */
static void test_times(void **state)
{
    (void)state;
    struct alert_notice notice = change("a", 1, ALERT_OK, ALERT_WATCH);
    notice.start_ms = NOW_MS + HOUR_MS;
    take(notice, 0, NOW_MS);
    notice = change("a", 2, ALERT_WATCH, ALERT_OK);
    notice.start_ms = NOW_MS + HOUR_MS;
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    standing_add(table, &out, NOW_MS, NOW_MS + MINUTE_MS);
    assert_non_null(strstr(buffer_text(&out), "\"startsAt\":\"2026-07-01T00:00:00Z\","
                                              "\"endsAt\":\"2026-07-01T00:01:00Z\""));
    take(notice, 0, NOW_MS);
    buffer_clear(&out);
    standing_add(table, &out, NOW_MS + MINUTE_MS, NOW_MS + HOUR_MS);
    assert_non_null(strstr(buffer_text(&out), "\"startsAt\":\"2026-06-30T23:59:59.999Z\","
                                              "\"endsAt\":\"2026-07-01T00:00:00Z\""));
    buffer_fini(&out);
}

static void test_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TARGETS_MAX; i++) {
        char target[16];
        (void)snprintf(target, sizeof(target), "t%u", i);
        take(change(target, 1, ALERT_OK, ALERT_WATCH), i % 8, NOW_MS);
    }
    assert_int_equal(standing_count(table), TARGETS_MAX);
    standing_forget(table, 5);
    assert_int_equal(standing_count(table), TARGETS_MAX / 8 * 7);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, make_table, destroy_table)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(test_levels), CASE(test_order), CASE(test_gap),
                                       CASE(test_forget), CASE(test_times), CASE(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
