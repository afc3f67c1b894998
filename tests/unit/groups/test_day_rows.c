/* From rows of a day to its record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "config/targets/civil.h"
#include "pipelines/groups/day_rows.h"
#include "tests/unit/groups/groups_bench.h"

static struct row row_of(enum row_kind kind, uint32_t series, int64_t value)
{
    struct row row = {.kind = (uint8_t)kind,
                      .level = LEVEL_DAY,
                      .final = true,
                      .facility = 1,
                      .series = series,
                      .window = {civil_day(2026, 3, 1) * (int64_t)DAY_MS,
                                 civil_day(2026, 3, 2) * (int64_t)DAY_MS},
                      .revision = 2,
                      .version = 15,
                      .meters_expected = 4,
                      .meters_reporting = 3,
                      .weight_covered = 5,
                      .weight_total = 6};
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        row.figures.value[i] = value + (int64_t)i;
    row.figures.noted = true;
    return row;
}

static void test_a_day(void **state)
{
    (void)state;
    struct groups_bench bench;
    struct day_rows rows;
    groups_bench_init(&bench);
    bench.series[BENCH_SERIES + 1].scope = 1; /* two sources of scope 1 */
    day_rows_init(&rows);
    const struct row gas = row_of(ROW_EMISSIONS, BENCH_SERIES, 100);
    const struct row grid = row_of(ROW_EMISSIONS, BENCH_SERIES + 1, 2000);
    const struct row yarn = row_of(ROW_EMISSIONS, BENCH_SERIES + 2, 30000);
    struct row energy = row_of(ROW_ENERGY, REGISTRY_NONE, 1);
    struct row coverage = row_of(ROW_COVERAGE, REGISTRY_NONE, 7);
    coverage.figures.noted = false; /* its notes are not looked at */
    for (int again = 0; again < 2; again++) {
        assert_int_equal(day_rows_add(&rows, &bench.registry, &gas), 0);
        assert_int_equal(day_rows_add(&rows, &bench.registry, &grid), 0);
        assert_int_equal(day_rows_add(&rows, &bench.registry, &yarn), 0);
        assert_int_equal(day_rows_add(&rows, &bench.registry, &energy), 0);
        assert_int_equal(day_rows_add(&rows, &bench.registry, &coverage), 1);
        assert_int_equal(rows.count, 5);
        const struct day_record *record = &rows.record;
        assert_string_equal(record->facility, "site-1");
        assert_int_equal(record->day, civil_day(2026, 3, 1));
        const struct day_figures *figures = &record->figures;
        assert_int_equal(figures->epoch, 0);
        assert_int_equal(figures->version, 15);
        assert_int_equal(figures->revision, 2);
        assert_true(figures->final);
        assert_int_equal(figures->meters_expected, 4);
        assert_int_equal(figures->meters_reporting, 3);
        assert_true(figures->weight_covered == 5 && figures->weight_total == 6);
        assert_int_equal(figures->scopes, 1 << 0 | 1 << 1);
        for (size_t i = 0; i < FIGURE_COUNT; i++) {
            bool coverage_has = i >= FIGURE_COVERED && i < FIGURES_NOTED;
            int64_t number = (int64_t)i;
            assert_int_equal(figures->scope[1].value[i], i == 0 ? 0 : 2100 + 2 * number);
            assert_int_equal(figures->scope[0].value[i], i == 0 ? 0 : 30000 + number);
            assert_int_equal(figures->scope[2].value[i], 0);
            assert_int_equal(figures->coverage.value[i], coverage_has ? 7 + number : 0);
        }
        assert_int_equal(record->series_count, 1);
        struct packed packed;
        struct day_series series;
        packed_init(&packed, record->series, record->series_size);
        day_series_take(&packed, &series);
        assert_string_equal(series.source, "yarn");
        assert_string_equal(series.unit, "kg");
        assert_int_equal(series.activity, 30000);
    }
    /* A silent day has a row of coverage alone. */
    assert_int_equal(day_rows_add(&rows, &bench.registry, &coverage), 1);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.record.figures.scopes, 0);
    assert_int_equal(rows.record.series_count, 0);
    day_rows_fini(&rows);
    groups_bench_fini(&bench);
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t series;
        enum figure figure;
        int128 first, second;
        int want;
    } cases[] = {
        {"the largest", 0, FIGURE_CO2E, INT64_MAX, 0, 1},
        {"one more", 0, FIGURE_CO2E, INT64_MAX, 1, ERR_RANGE},
        {"beyond by itself", 0, FIGURE_CH4, (int128)INT64_MAX + 1, 0, ERR_RANGE},
        {"below zero", 0, FIGURE_CH4, -INT64_MAX, -1, ERR_RANGE},
        {"activity has no sum", 0, FIGURE_ACTIVITY, (int128)1 << 80, 0, 1},
        {"production", 2, FIGURE_ACTIVITY, (int128)INT64_MAX + 1, 0, ERR_RANGE},
        {"a note that is not set", 0, FIGURE_SPREAD, (int128)1 << 80, 0, 1},
    };
    struct groups_bench bench;
    struct day_rows rows;
    groups_bench_init(&bench);
    day_rows_init(&rows);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct row row = {.kind = ROW_EMISSIONS, .level = LEVEL_DAY, .series = cases[i].series};
        row.figures.value[cases[i].figure] = cases[i].first;
        assert_int_equal(day_rows_add(&rows, &bench.registry, &row), 0);
        row.figures.value[cases[i].figure] = cases[i].second;
        assert_int_equal(day_rows_add(&rows, &bench.registry, &row), 0);
        const struct row end = {.kind = ROW_COVERAGE, .level = LEVEL_DAY, .series = REGISTRY_NONE};
        int got = day_rows_add(&rows, &bench.registry, &end);
        if (got != cases[i].want)
            fail_msg("%s: %d", cases[i].name, got);
        assert_int_equal(rows.count, 3);
    }
    /* The next day begins with nothing. */
    const struct row end = {.kind = ROW_COVERAGE, .level = LEVEL_DAY, .series = REGISTRY_NONE};
    assert_int_equal(day_rows_add(&rows, &bench.registry, &end), 1);
    day_rows_fini(&rows);
    groups_bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
