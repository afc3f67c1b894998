/* Days of a facility from the rows of a database. A table of rows stands for the database. */
#include "daemon/trajectory/archived_days.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"

enum { ROWS_MAX = 16, DAYS = 3, SERIES_FIRST = 4, SITE = 1, HALF = PART_ONE / 2 };

static const struct offset_change east[] = {{INT64_MIN, 8 * HOUR_MS}};
static const struct local_time zones[] = {{NULL, 0}, {east, 1}};

/* Rows by kind, and what was asked. */
static struct store {
    struct archive_row rows[2][ROWS_MAX]; /* of coverage, of emissions */
    uint32_t count[2];
    struct archive_query queries[2];
    uint32_t queries_count;
    int fails[2]; /* by query: what it returns at its end */
    char words[200];
} store;

int archive_read(struct archive *archive, const struct archive_query *query, archive_row_fn fn,
                 void *context, struct buffer *why)
{
    (void)archive;
    (void)why;
    bool emissions = query->kind == ROW_EMISSIONS;
    uint32_t number = store.queries_count++;
    assert_true(number < 2);
    store.queries[number] = *query;
    for (uint32_t i = 0; i < store.count[emissions]; i++) {
        int err = fn(context, &store.rows[emissions][i]);
        if (err < 0)
            return err;
    }
    return store.fails[number];
}

/* Series 4 is of scope 1, series 5 of scope 2; a third one, outside the scopes, is production. */
struct bench {
    struct facility facilities[2];
    struct series series[SERIES_FIRST + 3];
    struct meter meters[4];
    struct registry registry;
    struct config config;
    struct targets targets;
    struct target target;
    struct archived_days *days;
    int32_t first;
};

static void make(struct bench *bench, const char *zone)
{
    store = (struct store){0};
    *bench = (struct bench){.first = civil_day(2025, 3, 29)};
    bench->facilities[SITE] = (struct facility){.id = "hz",
                                                .time_zone = zone,
                                                .zone = 1,
                                                .valid_from_ms = INT64_MIN,
                                                .valid_to_ms = INT64_MAX,
                                                .meters_count = 4,
                                                .series_first = SERIES_FIRST,
                                                .series_count = 3};
    bench->series[SERIES_FIRST] = (struct series){.scope = 1, .source = "gas"};
    bench->series[SERIES_FIRST + 1] = (struct series){.scope = 2};
    bench->target =
        (struct target){.level = TARGET_ALL, .approach = APPROACH_EQUITY, .meter = REGISTRY_NONE};
    for (uint32_t i = 0; i < 4; i++)
        bench->meters[i] = (struct meter){.facility = SITE,
                                          .series = SERIES_FIRST + i % 3,
                                          .expected = true,
                                          .expected_from_ms = INT64_MIN,
                                          .valid_to_ms = INT64_MAX};
    bench->registry = (struct registry){.facilities = bench->facilities,
                                        .facilities_count = 2,
                                        .series = bench->series,
                                        .meters = bench->meters,
                                        .local_times = zones};
    bench->config.registry = &bench->registry;
    bench->config.window.bucket_ms = 15 * MINUTE_MS;
    bench->config.window.fiscal_year_start = 1;
}

static void fini(struct bench *bench)
{
    archived_days_destroy(&bench->days);
    assert_null(bench->days);
}

static int read_days(struct bench *bench)
{
    struct buffer why;
    buffer_init(&why, sizeof(store.words));
    const struct archived_span span = {bench->first, bench->first + DAYS};
    int err = archived_days_read(&bench->days, NULL, &bench->config, SITE, span, &why);
    (void)strncpy(store.words, why.size > 0 ? buffer_text(&why) : "", sizeof(store.words) - 1);
    buffer_fini(&why);
    return err;
}

/* The start of a day of the site. */
static int64_t start_ms(const struct bench *bench, int32_t index)
{
    return (bench->first + index) * DAY_MS - 8 * HOUR_MS;
}

static void set(struct archive_row *row, enum row_kind kind, const char *name, double value)
{
    const struct measurement *measurement = &measurements[kind];
    for (size_t i = 0; i < measurement->fields_count; i++) {
        if (strcmp(measurement->fields[i].name, name) != 0)
            continue;
        row->values[i] = value;
        row->present |= 1U << i;
        return;
    }
    fail_msg("no field %s", name);
}

static void put_coverage(int64_t time_ms, double covered_s, double expected_s, bool final)
{
    assert_true(store.count[0] < ROWS_MAX);
    struct archive_row *row = &store.rows[0][store.count[0]++];
    *row = (struct archive_row){.time_ms = time_ms, .series = REGISTRY_NONE};
    set(row, ROW_COVERAGE, "covered_s", covered_s);
    set(row, ROW_COVERAGE, "expected_s", expected_s);
    set(row, ROW_COVERAGE, "revision", 3);
    set(row, ROW_COVERAGE, "final", final);
}

static struct archive_row *put_source(int64_t time_ms, uint32_t series, double co2e_kg)
{
    assert_true(store.count[1] < ROWS_MAX);
    struct archive_row *row = &store.rows[1][store.count[1]++];
    *row = (struct archive_row){.time_ms = time_ms, .series = SERIES_FIRST + series};
    set(row, ROW_EMISSIONS, "co2e_kg", co2e_kg);
    return row;
}

static struct day_total total_of(const struct bench *bench, int32_t index)
{
    struct day_total total = {.whole = true};
    archived_days_add(bench->days, bench->first + index, &bench->targets, &bench->target, &total);
    return total;
}

static void test_queries(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    assert_int_equal(read_days(&bench), 0);
    static const enum row_kind kinds[] = {ROW_COVERAGE, ROW_EMISSIONS};
    assert_int_equal(store.queries_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(store.queries[i].kind, kinds[i]);
        assert_int_equal(store.queries[i].level, LEVEL_DAY);
        assert_int_equal(store.queries[i].facility, SITE);
        assert_int_equal(store.queries[i].from_ms, start_ms(&bench, 0));
        assert_int_equal(store.queries[i].to_ms, start_ms(&bench, DAYS));
    }
    for (int32_t i = -1; i <= DAYS; i++)
        assert_false(archived_days_has(bench.days, bench.first + i));
    fini(&bench);
}

static void test_failures(void **state)
{
    (void)state;
    for (uint32_t query = 0; query < 2; query++) {
        struct bench bench;
        make(&bench, "Asia/Shanghai");
        store.fails[query] = -EIO;
        assert_int_equal(read_days(&bench), -EIO);
        assert_null(bench.days);
        assert_int_equal(store.queries_count, query + 1);
    }
}

/* Clocks go forward on 30 March in Berlin, and the day has 23 hours. */
static void test_end_of_days(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Europe/Berlin");
    assert_int_equal(read_days(&bench), 0);
    assert_int_equal(archived_days_end_ms(bench.days, bench.first),
                     (bench.first + 1) * DAY_MS - HOUR_MS);
    assert_int_equal(archived_days_end_ms(bench.days, bench.first + 1),
                     (bench.first + 2) * DAY_MS - 2 * HOUR_MS);
    fini(&bench);
}

/* Days that calendars do not have are not asked for, whatever the end. */
static void test_spans(void **state)
{
    (void)state;
    const int32_t first = civil_day(1900, 1, 2);
    const int32_t end = civil_day(2199, 12, 30);
    const struct {
        int64_t end_day;
        struct archived_span want;
    } cases[] = {
        {INT64_MIN / DAY_MS, {first, first + 1}},
        {first, {first, first + 1}},
        {first + 2, {first, first + 2}},
        {first + LEDGER_DAYS_MAX + 1, {first + 1, first + LEDGER_DAYS_MAX + 1}},
        {20000, {20000 - LEDGER_DAYS_MAX, 20000}},
        {end, {end - LEDGER_DAYS_MAX, end}},
        {end + 1, {end - LEDGER_DAYS_MAX, end}},
        {INT64_MAX / DAY_MS + 1, {end - LEDGER_DAYS_MAX, end}},
    };
    static const char *const zones_of_edges[] = {"Pacific/Kiritimati", "Pacific/Pago_Pago",
                                                 "Asia/Manila", "UTC"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archived_span span = archived_span_before(cases[i].end_day);
        assert_int_equal(span.first_day, cases[i].want.first_day);
        assert_int_equal(span.end_day, cases[i].want.end_day);
        for (size_t j = 0; j < ARRAY_LEN(zones_of_edges); j++) {
            struct bench bench;
            struct buffer why;
            make(&bench, zones_of_edges[j]);
            buffer_init(&why, 100);
            assert_int_equal(archived_days_read(&bench.days, NULL, &bench.config, SITE, span, &why),
                             0);
            assert_true(archived_days_end_ms(bench.days, span.end_day - 1) >
                        archived_days_end_ms(bench.days, span.first_day) - 1);
            buffer_fini(&why);
            fini(&bench);
        }
    }
}

/* A row belongs to the local day in which its time lies: VictoriaMetrics has later times for rows
 * that were written again, in any order. */
static void test_rows(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    put_coverage(start_ms(&bench, 0) - 1, 1, 1, true); /* the day before */
    put_coverage(start_ms(&bench, DAYS), 1, 1, true);  /* the day after */
    put_coverage(start_ms(&bench, 1) + 2, 10, 20, true);
    put_coverage(start_ms(&bench, 1), 5, 20, false); /* older */
    put_coverage(start_ms(&bench, 3) - 1, 7.25, 30, false);
    put_source(start_ms(&bench, 0) - 1, 0, 1);
    put_source(start_ms(&bench, DAYS), 0, 1);
    put_source(start_ms(&bench, 1), 0, 1000.25);
    put_source(start_ms(&bench, 1) + 1, 0, 1234.567891);
    put_source(start_ms(&bench, 1), 0, 7); /* older */
    put_source(start_ms(&bench, 1), 1, 0.1);
    put_source(start_ms(&bench, 2), 1, -0.000001);
    put_source(start_ms(&bench, 1) + 9, 0, 99)->is_stranger = true;
    assert_int_equal(read_days(&bench), 0);
    assert_false(archived_days_has(bench.days, bench.first));
    assert_true(archived_days_has(bench.days, bench.first + 1));
    assert_true(archived_days_has(bench.days, bench.first + 2));
    struct day_total total = total_of(&bench, 1);
    assert_int_equal(total.mg[1], 1234567891);
    assert_int_equal(total.mg[2], 100000);
    assert_int_equal(total.mg[0], 0);
    assert_int_equal(total.covered_ms, 10000);
    assert_int_equal(total.expected_ms, 20000);
    assert_int_equal(total.revision, 3);
    assert_true(total.known && total.final && total.whole);
    total = total_of(&bench, 2);
    assert_int_equal(total.mg[1], 0);
    assert_int_equal(total.mg[2], -1);
    assert_int_equal(total.covered_ms, 7250);
    assert_true(total.known && !total.final && !total.whole);
    fini(&bench);
}

/* A later row of the same time counts: the store has it as it is now. */
static void test_same_time(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    put_coverage(start_ms(&bench, 0), 1, 2, false);
    put_coverage(start_ms(&bench, 0), 2, 2, true);
    put_source(start_ms(&bench, 0), 0, 1);
    put_source(start_ms(&bench, 0), 0, 2);
    assert_int_equal(read_days(&bench), 0);
    struct day_total total = total_of(&bench, 0);
    assert_int_equal(total.mg[1], 2000000);
    assert_int_equal(total.covered_ms, 2000);
    assert_true(total.final);
    fini(&bench);
}

/* A field that a row lacks is 0, whatever stands in its place. */
static void test_absent_fields(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    put_coverage(start_ms(&bench, 0), 1, 2, true);
    put_source(start_ms(&bench, 0), 0, 5)->present = 0;
    store.rows[0][0].present = 0;
    assert_int_equal(read_days(&bench), 0);
    assert_true(archived_days_has(bench.days, bench.first));
    struct day_total total = total_of(&bench, 0);
    assert_int_equal(total.mg[1], 0);
    assert_int_equal(total.covered_ms, 0);
    assert_true(total.known && !total.final);
    fini(&bench);
}

/* Whole milligrams below 2^51, which are 2.25 million tonnes, come back from doubles of kilograms.
 */
static void test_whole_milligrams(void **state)
{
    (void)state;
    static const int64_t masses[] = {
        0, 1, -1, 3, 999999, 1000001, INT64_C(123456789012345), INT64_C(2251799813685247), -777777};
    for (size_t i = 0; i < ARRAY_LEN(masses); i++) {
        struct bench bench;
        make(&bench, "Asia/Shanghai");
        put_coverage(start_ms(&bench, 0), 1, 1, true);
        put_source(start_ms(&bench, 0), 0, (double)masses[i] / 1e6);
        assert_int_equal(read_days(&bench), 0);
        assert_int_equal(total_of(&bench, 0).mg[1], masses[i]);
        fini(&bench);
    }
}

/* A value that no row can have ends the reading, and is not taken for 0. */
static void test_unreadable(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        double value;
        enum row_kind kind;
        bool good;
    } cases[] = {
        {"covered_s", -1, ROW_COVERAGE, false},
        {"covered_s", -0.0001, ROW_COVERAGE, true},
        {"covered_s", 0x1p53 / 1000, ROW_COVERAGE, false},
        {"covered_s", (0x1p53 - 1000) / 1000, ROW_COVERAGE, true},
        {"covered_s", NAN, ROW_COVERAGE, false},
        {"expected_s", -86400, ROW_COVERAGE, false},
        {"expected_s", INFINITY, ROW_COVERAGE, false},
        {"revision", -1, ROW_COVERAGE, false},
        {"revision", UINT32_MAX, ROW_COVERAGE, true},
        {"revision", 0x1p32, ROW_COVERAGE, false},
        {"final", -1, ROW_COVERAGE, false},
        {"final", NAN, ROW_COVERAGE, false},
        {"co2e_kg", 0x1p53 / 1e6, ROW_EMISSIONS, false},
        {"co2e_kg", -0x1p54 / 1e6, ROW_EMISSIONS, false},
        {"co2e_kg", (0x1p53 - 2) / 1e6, ROW_EMISSIONS, true},
        {"co2e_kg", NAN, ROW_EMISSIONS, false},
        {"co2e_estimated_kg", -INFINITY, ROW_EMISSIONS, false},
        {"activity", 0x1p62 / 1e6, ROW_EMISSIONS, false},
        {"activity", 0x1p61 / 1e6, ROW_EMISSIONS, true},
        {"activity", -1e300, ROW_EMISSIONS, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        char want[120];
        make(&bench, "Asia/Shanghai");
        put_coverage(start_ms(&bench, 1), 1, 2, true);
        struct archive_row *row = put_source(start_ms(&bench, 1), 0, 1);
        set(cases[i].kind == ROW_COVERAGE ? &store.rows[0][0] : row, cases[i].kind, cases[i].field,
            cases[i].value);
        int err = read_days(&bench);
        if (err != (cases[i].good ? 0 : -ERANGE))
            fail_msg("%s %g: %d", cases[i].field, cases[i].value, err);
        (void)snprintf(want, sizeof(want),
                       "facility \"hz\": its row of 2025-03-30%s has %s %g, which cannot be",
                       cases[i].kind == ROW_COVERAGE ? "" : " and source gas", cases[i].field,
                       cases[i].value);
        assert_string_equal(store.words, cases[i].good ? "" : want);
        fini(&bench);
    }
}

/* Sums of the largest rows stop at what 64 bits hold; those of times where a year of them fits. */
static void test_largest_sums(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    bench.target.meter = 2;
    put_coverage(start_ms(&bench, 0), 0x1p52 / 1000, 0x1p52 / 1000, true);
    set(put_source(start_ms(&bench, 0), 0, -0x1p52 / 1e6), ROW_EMISSIONS, "co2e_estimated_kg",
        0x1p52 / 1e6);
    set(put_source(start_ms(&bench, 0), 2, 0), ROW_EMISSIONS, "activity", 0x1p61 / 1e6);
    assert_int_equal(read_days(&bench), 0);
    struct day_total total = {
        .mg = {0, -INT64_MAX}, .estimated_mg = {0, INT64_MAX}, .production_micro = INT64_MAX};
    for (int i = 0; i < 4; i++)
        archived_days_add(bench.days, bench.first, &bench.targets, &bench.target, &total);
    assert_int_equal(total.mg[1], -INT64_MAX);
    assert_int_equal(total.estimated_mg[1], INT64_MAX);
    assert_int_equal(total.production_micro, INT64_MAX);
    assert_int_equal(total.covered_ms, INT64_C(1) << 53);
    assert_int_equal(total.expected_ms, INT64_C(1) << 53);
    fini(&bench);
}

/* Masses are summed by scope, then the share is taken, once. Times are not cut by it. */
static void test_shares(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    struct ownership owned[] = {
        {SITE, INT32_MIN, bench.first + 1, {PART_ONE, HALF}},
        {SITE, bench.first + 2, INT32_MAX, {0, PART_ONE}},
    };
    bench.targets.ownerships = owned;
    bench.targets.ownerships_count = ARRAY_LEN(owned);
    bench.series[SERIES_FIRST + 1].scope = 1;
    bench.target.meter = 2;
    for (int32_t i = 0; i < DAYS; i++) {
        put_coverage(start_ms(&bench, i), 1, 2, true);
        set(put_source(start_ms(&bench, i), 0, 0.000001), ROW_EMISSIONS, "co2e_estimated_kg",
            0.000007);
        set(put_source(start_ms(&bench, i), 1, 0.000003), ROW_EMISSIONS, "activity", 500);
        set(put_source(start_ms(&bench, i), 2, 0.000010), ROW_EMISSIONS, "activity", 2.5);
    }
    assert_int_equal(read_days(&bench), 0);
    struct day_total total = total_of(&bench, 0);
    assert_int_equal(total.mg[1], 2); /* (1 + 3) / 2; one by one they would be 0 + 2, or 1 + 2 */
    assert_int_equal(total.mg[0], 5);
    assert_int_equal(total.estimated_mg[1], 4); /* 3.5 */
    assert_int_equal(total.production_micro, 1250000);
    assert_int_equal(total.covered_ms, 1000);
    assert_int_equal(total.expected_ms, 2000);
    struct day_total none = {.whole = true};
    total = total_of(&bench, 1); /* it is of no owner */
    assert_memory_equal(&total, &none, sizeof(none));
    bench.target.meter = REGISTRY_NONE;
    total = total_of(&bench, 2);
    assert_int_equal(total.mg[1], 4);
    assert_int_equal(total.production_micro, 0);
    bench.target.approach = APPROACH_CONTROL;
    total = total_of(&bench, 2); /* it is not controlled */
    assert_memory_equal(&total, &none, sizeof(none));
    fini(&bench);
}

/* A day without a row lacks the time in which meters were to report; one on which the facility was
 * not part of the group lacks nothing. */
static void test_days_without_rows(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    bench.meters[0].expected_from_ms = start_ms(&bench, 0);
    bench.meters[1].expected_from_ms = start_ms(&bench, 0) + 6 * HOUR_MS;
    bench.meters[2].expected_from_ms = start_ms(&bench, 0);
    bench.meters[2].expected = false;
    /* meters[3]: from its first reading on, which the tables do not tell */
    assert_int_equal(read_days(&bench), 0);
    struct day_total total = total_of(&bench, 0);
    assert_int_equal(total.expected_ms, 24 * HOUR_MS + 18 * HOUR_MS);
    assert_int_equal(total.covered_ms, 0);
    assert_false(total.known || total.final || total.whole);
    assert_int_equal(total_of(&bench, 1).expected_ms, 48 * HOUR_MS);
    bench.facilities[SITE].valid_from_ms = start_ms(&bench, 1);
    bench.facilities[SITE].valid_to_ms = start_ms(&bench, 2);
    assert_int_equal(total_of(&bench, 0).expected_ms, 0);
    assert_true(total_of(&bench, 0).whole);
    assert_int_equal(total_of(&bench, 1).expected_ms, 48 * HOUR_MS);
    assert_false(total_of(&bench, 1).whole);
    assert_int_equal(total_of(&bench, 2).expected_ms, 0);
    fini(&bench);
}

/* A subject's day is final if each facility's row is. A facility without a row does not hold it
 * back, but the day is not whole. */
static void test_several(void **state)
{
    (void)state;
    struct bench bench;
    make(&bench, "Asia/Shanghai");
    put_coverage(start_ms(&bench, 0), 1, 2, true);
    put_coverage(start_ms(&bench, 1), 1, 2, false);
    put_source(start_ms(&bench, 0), 0, 1);
    assert_int_equal(read_days(&bench), 0);
    const struct day_total other = {.mg = {0, 500000},
                                    .covered_ms = 10,
                                    .expected_ms = 10,
                                    .revision = 2,
                                    .known = true,
                                    .final = true,
                                    .whole = true};
    static const bool finals[DAYS] = {true, false, true};
    static const bool wholes[DAYS] = {true, false, false};
    for (int32_t i = 0; i < DAYS; i++) {
        struct day_total total = other;
        archived_days_add(bench.days, bench.first + i, &bench.targets, &bench.target, &total);
        assert_true(total.known);
        assert_int_equal(total.final, finals[i]);
        assert_int_equal(total.whole, wholes[i]);
        struct day_total open = other;
        open.final = false;
        archived_days_add(bench.days, bench.first + i, &bench.targets, &bench.target, &open);
        assert_false(open.final);
        if (i != 0)
            continue;
        assert_int_equal(total.mg[1], 1500000);
        assert_int_equal(total.covered_ms, 1010);
        assert_int_equal(total.expected_ms, 2010);
        assert_int_equal(total.revision, 5);
    }
    fini(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_end_of_days),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_largest_sums),
        cmocka_unit_test(test_same_time),
        cmocka_unit_test(test_whole_milligrams),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_days_without_rows),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_absent_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
