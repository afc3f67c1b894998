/* Main meters carry the rest, sub-meters count by themselves, check meters count nothing. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/metering/submeters.h"
#include "tests/unit/metering/readings.h"

/* main - hall - line, power; main - yard; the main meter was exchanged at minute 20; a check. */
enum { MAIN = 1, NEW_MAIN, HALL, LINE, POWER, YARD, CHECK, COLUMNS = CHECK };
enum { ALL = 900, ROWS = 4 }; /* seconds of a bucket */

static struct meter meters[COLUMNS + 1]; /* the first is of another facility */

static const struct facility facility = {.meters_first = 1, .meters_count = COLUMNS};

static int set_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= COLUMNS; i++)
        meters[i] = (struct meter){.cell_max = 1000 * U,
                                   .valid_from_ms = INT64_MIN,
                                   .valid_to_ms = INT64_MAX,
                                   .next_version = REGISTRY_NONE};
    meters[MAIN].valid_to_ms = meters[NEW_MAIN].valid_from_ms = 20 * MINUTE_MS;
    meters[MAIN].next_version = NEW_MAIN;
    static const uint32_t parents[][2] = {
        {HALL, MAIN}, {LINE, HALL}, {POWER, HALL}, {YARD, MAIN}, {CHECK, MAIN}};
    for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
        meters[parents[i][0]].has_parent = true;
        meters[parents[i][0]].parent = parents[i][1];
    }
    meters[CHECK].check = true;
    return 0;
}

struct given_cell {
    int64_t units;
    uint32_t covered_s, estimated_s;
};

struct cells {
    int64_t activity[ROWS * COLUMNS];
    uint32_t covered_ms[ROWS * COLUMNS], estimated_ms[ROWS * COLUMNS];
    uint8_t present[ROWS * COLUMNS];
    struct cell_note notes[ROWS * COLUMNS];
    bool noted[ROWS];
};

static struct panel_row row_of(struct cells *cells, const struct given_cell given[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        cells->activity[i] = given[i].units * U;
        cells->covered_ms[i] = given[i].covered_s * 1000;
        cells->estimated_ms[i] = given[i].estimated_s * 1000;
        cells->present[i] = given[i].covered_s > 0;
    }
    memset(cells->notes, 0, sizeof(cells->notes));
    memset(cells->noted, 0, sizeof(cells->noted));
    return (struct panel_row){.activity = cells->activity,
                              .covered_ms = cells->covered_ms,
                              .estimated_ms = cells->estimated_ms,
                              .present = cells->present,
                              .notes = cells->notes,
                              .noted = cells->noted};
}

/* Columns: main, its next version, hall, line, power, yard, check. */
static void test_one_bucket(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t start_min;
        struct given_cell shown[COLUMNS], want[COLUMNS];
    } cases[] = {
        {"the main carries the rest",
         0,
         {{100, ALL, 0}, {0, 0, 0}, {40, ALL, 0}, {15, ALL, 0}, {20, ALL, 0}, {50, ALL, 0}},
         {{10, ALL, 0}, {0, 0, 0}, {5, ALL, 0}, {15, ALL, 0}, {20, ALL, 0}, {50, ALL, 0}}},
        {"a check meter counts nothing",
         0,
         {{100, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {101, ALL, 0}},
         {{100, ALL, 0}}},
        {"a rest below zero stays",
         0,
         {{100, ALL, 0}, {0, 0, 0}, {60, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}},
         {{-10, ALL, 0}, {0, 0, 0}, {60, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}}},
        {"without the main its sub-meters count",
         0,
         {{0, 0, 0}, {0, 0, 0}, {40, ALL, 0}, {15, ALL, 0}, {20, ALL, 0}, {50, ALL, 0}},
         {{0, 0, 0}, {0, 0, 0}, {5, ALL, 0}, {15, ALL, 0}, {20, ALL, 0}, {50, ALL, 0}}},
        {"a main that covers a part is not covered",
         0,
         {{66, 600, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}},
         {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}}},
        {"sub-meters may cover a part",
         0,
         {{100, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {20, 300, 0}},
         {{80, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {20, 300, 0}}},
        {"below a silent hall its machines count, and the main carries the rest of them",
         0,
         {{100, ALL, 0}, {0, 0, 0}, {30, 500, 0}, {15, ALL, 0}, {20, ALL, 0}, {50, ALL, 0}},
         {{15, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {15, ALL, 0}, {20, ALL, 0}, {50, ALL, 0}}},
        {"a rest is estimated if some meter below it is",
         0,
         {{100, ALL, 0}, {0, 0, 0}, {40, ALL, 10}, {15, ALL, 200}, {20, ALL, 0}, {50, ALL, 90}},
         {{10, ALL, 200}, {0, 0, 0}, {5, ALL, 200}, {15, ALL, 200}, {20, ALL, 0}, {50, ALL, 90}}},
        {"both versions of the main are the main: the longer one carries the rest",
         15,
         {{33, 300, 0}, {67, 600, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}},
         {{33, 300, 0}, {17, 600, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}}},
        {"one of them alone does not cover the bucket",
         15,
         {{33, 300, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}},
         {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}}},
        {"a rest that no cell holds: the sub-meters count",
         0,
         {{-900, ALL, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {500, ALL, 0}},
         {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {500, ALL, 0}}},
        {"no reading at all", 0, {{0, 0, 0}}, {{0, 0, 0}}},
    };
    struct submeters *submeters;
    assert_int_equal(submeters_create(&submeters, meters, &facility, ROWS), 0);
    assert_non_null(submeters);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cells shown;
        struct cells want;
        struct panel_row row = row_of(&shown, cases[i].shown);
        (void)row_of(&want, cases[i].want);
        struct panel_row got =
            submeters_form(submeters, &row, cases[i].start_min * MINUTE_MS, BUCKET_MS, 1);
        for (size_t c = 0; c < COLUMNS; c++) {
            if (got.activity[c] != want.activity[c] || got.covered_ms[c] != want.covered_ms[c] ||
                got.estimated_ms[c] != want.estimated_ms[c] || got.present[c] != want.present[c])
                fail_msg("%s: column %zu: %" PRId64 ", %u of %u ms estimated", cases[i].name, c,
                         got.activity[c] / U, got.estimated_ms[c], got.covered_ms[c]);
        }
    }
    submeters_destroy(&submeters);
    assert_null(submeters);
}

/* Before a sub-meter's own first day it is below nothing. */
static void test_a_sub_meter_since(void **state)
{
    (void)state;
    meters[YARD].valid_from_ms = 15 * MINUTE_MS;
    meters[HALL].has_parent = meters[LINE].has_parent = meters[POWER].has_parent = false;
    static const struct given_cell given[COLUMNS] = {{66, 600, 0}};
    struct submeters *submeters;
    assert_int_equal(submeters_create(&submeters, meters, &facility, ROWS), 0);
    struct cells cells;
    struct panel_row row = row_of(&cells, given);
    assert_true(submeters_form(submeters, &row, 0, BUCKET_MS, 1).activity[0] == 66 * U);
    assert_true(submeters_form(submeters, &row, BUCKET_MS, BUCKET_MS, 1).activity[0] == 0);
    submeters_destroy(&submeters);
    (void)set_up(NULL);
}

/* Days of one or more buckets: {main, yard, check} in each. 2 % may differ, not more. */
static void test_days(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t shown[2][3]; /* of two buckets */
        uint32_t covered_s;  /* of the main, in both */
        uint32_t want_rests, want_checks;
        uint32_t tolerance_ppm; /* of the main and the check meter; 0: 2 % */
    } cases[] = {
        {"all is well", {{100, 60, 100}, {100, 60, 100}}, ALL, 0, 0, 0},
        {"a sub-meter shows 2 % more", {{100, 102, 100}, {100, 102, 100}}, ALL, 0, 0, 0},
        {"and more than that", {{100, 102, 100}, {100, 103, 100}}, ALL, 1, 0, 0},
        {"too much now, and too little then", {{100, 150, 100}, {100, 50, 100}}, ALL, 0, 0, 0},
        {"a check meter shows 2 % more", {{100, 60, 102}, {100, 60, 102}}, ALL, 0, 0, 0},
        {"more than that", {{100, 60, 102}, {100, 60, 103}}, ALL, 0, 1, 0},
        {"or less", {{100, 60, 97}, {100, 60, 98}}, ALL, 0, 1, 0},
        {"the main shows nothing, and the yard runs", {{0, 1, 0}, {0, 0, 0}}, ALL, 1, 0, 0},
        {"the main does not cover it", {{100, 150, 150}, {100, 150, 150}}, ALL - 1, 0, 0, 0},
        {"5 % are tolerated", {{100, 105, 105}, {100, 105, 105}}, ALL, 0, 0, 50000},
        {"and no more", {{100, 105, 105}, {100, 106, 106}}, ALL, 1, 1, 50000},
        {"half a percent", {{100, 101, 101}, {100, 100, 100}}, ALL, 0, 0, 5000},
        {"and more than that", {{100, 101, 101}, {100, 101, 100}}, ALL, 1, 0, 5000},
        {"nothing is tolerated", {{100, 100, 100}, {100, 101, 99}}, ALL, 1, 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct journal journals[COLUMNS];
        struct submeters *submeters;
        struct panel *panel;
        meters[MAIN].tolerance_ppm = meters[CHECK].tolerance_ppm =
            cases[i].tolerance_ppm > 0 ? cases[i].tolerance_ppm : 20000;
        assert_int_equal(submeters_create(&submeters, meters, &facility, ROWS), 0);
        assert_int_equal(panel_create(&panel, ROWS, COLUMNS, BUCKET_MS,
                                      meters + facility.meters_first, journals),
                         0);
        for (int64_t row = 0; row < 2; row++) {
            const int64_t *shown = cases[i].shown[row];
            const struct {
                uint32_t meter, covered_s;
                int64_t value;
            } cells[] = {{MAIN, cases[i].covered_s, shown[0]},
                         {YARD, ALL, shown[1]},
                         {CHECK, ALL, shown[2]}};
            for (size_t c = 0; c < ARRAY_LEN(cells); c++) {
                const struct cell cell = {.activity = cells[c].value * U,
                                          .covered_ms = cells[c].covered_s * 1000,
                                          .present = true};
                panel_put(panel, row - 96, cells[c].meter - 1, &cell);
            }
        }
        struct submeters_judgement got = submeters_judge(submeters, panel, -96, -94);
        if (got.negative_rests != cases[i].want_rests ||
            got.check_differences != cases[i].want_checks)
            fail_msg("%s: %u, %u", cases[i].name, got.negative_rests, got.check_differences);
        assert_int_equal(got.worst, got.negative_rests > 0 ? MAIN - 1 : UINT32_MAX);
        if (got.negative_rests > 0) {
            int64_t shown = (cases[i].shown[0][0] + cases[i].shown[1][0]) * U;
            assert_int_equal(got.worst_shown, shown);
            assert_int_equal(got.worst_rest,
                             shown - (cases[i].shown[0][1] + cases[i].shown[1][1]) * U);
        }
        panel_destroy(&panel);
        submeters_destroy(&submeters);
    }
}

/* Notes of a check meter count nothing; those of an uncovered main say why it is not covered. */
static void test_notes(void **state)
{
    (void)state;
    static const struct given_cell given[COLUMNS] = {
        {66, 600, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {50, ALL, 0}, {101, ALL, 0}};
    static const struct cell_note note = {
        .spread_ms = 1, .held_ms = 2, .glitches = 3, .conflicts = 4, .moved_ms = 5};
    static const struct cell_note kept = {.held_ms = 2, .glitches = 3, .conflicts = 4};
    static const struct cell_note none = {0};
    struct submeters *submeters;
    assert_int_equal(submeters_create(&submeters, meters, &facility, ROWS), 0);
    struct cells cells;
    struct panel_row row = row_of(&cells, given);
    cells.noted[0] = true;
    for (size_t i = 0; i < COLUMNS; i++)
        cells.notes[i] = note;
    struct panel_row formed = submeters_form(submeters, &row, 0, BUCKET_MS, 1);
    assert_true(formed.noted[0]);
    assert_memory_equal(&formed.notes[MAIN - 1], &kept, sizeof(kept));
    assert_memory_equal(&formed.notes[YARD - 1], &note, sizeof(note));
    assert_memory_equal(&formed.notes[CHECK - 1], &none, sizeof(none));
    submeters_destroy(&submeters);
}

static void test_none(void **state)
{
    (void)state;
    static const struct facility other = {.meters_first = 0, .meters_count = 3};
    struct submeters *submeters;
    assert_false(submeters_exist(meters, &other));
    assert_int_equal(submeters_size(meters, &other, ROWS), 0);
    assert_int_equal(submeters_create(&submeters, meters, &other, ROWS), 0);
    assert_null(submeters);
    assert_true(submeters_size(meters, &facility, ROWS) > 0);
}

/* The amount that the meters from `first` on count together. */
static int64_t sum_of(const int64_t *activity, uint32_t first, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += activity[first + i];
    return sum;
}

/* All together count what the main shows, if it covers the bucket, for any cells. Rows that
 * are formed together are as they are alone. */
static void test_sums(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    struct submeters *submeters;
    assert_int_equal(submeters_create(&submeters, meters, &facility, ROWS), 0);
    for (int round = 0; round < 20000; round++) {
        struct cells cells = {.activity = {0}};
        for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) {
            cells.covered_ms[i] =
                random_below(&random, 3) == 0 ? random_below(&random, BUCKET_MS) : BUCKET_MS;
            cells.present[i] = 1;
            cells.activity[i] = (int64_t)random_below(&random, UINT32_C(2000000000)) - 1000000000;
        }
        for (size_t row = 0; row < ROWS; row++) /* the next version is not there yet */
            cells.activity[row * COLUMNS + 1] = cells.covered_ms[row * COLUMNS + 1] = 0;
        struct panel_row shown = {cells.activity, cells.covered_ms, cells.estimated_ms,
                                  cells.present,  cells.notes,      cells.noted};
        int64_t together[ROWS * COLUMNS];
        struct panel_row formed = submeters_form(submeters, &shown, -DAY_MS, BUCKET_MS, ROWS);
        memcpy(together, formed.activity, sizeof(together));
        for (uint32_t row = 0; row < ROWS; row++) {
            size_t at = (size_t)row * COLUMNS;
            struct panel_row one = {cells.activity + at,     cells.covered_ms + at,
                                    cells.estimated_ms + at, cells.present + at,
                                    cells.notes + at,        cells.noted + row};
            formed = submeters_form(submeters, &one, -DAY_MS, BUCKET_MS, 1);
            assert_memory_equal(formed.activity, together + at, COLUMNS * sizeof(int64_t));
            int64_t sum = sum_of(formed.activity, 0, COLUMNS);
            int64_t hall = sum_of(formed.activity, HALL - 1, 3);
            bool covers = one.covered_ms[0] == BUCKET_MS && formed.covered_ms[0] != 0;
            int64_t want = covers ? one.activity[0] : hall + one.activity[YARD - 1];
            if (sum != want)
                fail_msg("round %d: %" PRId64 ", want %" PRId64, round, sum, want);
            if (formed.covered_ms[HALL - 1] != 0 && hall != one.activity[HALL - 1])
                fail_msg("round %d: the hall", round);
        }
    }
    submeters_destroy(&submeters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bucket), cmocka_unit_test(test_a_sub_meter_since),
        cmocka_unit_test(test_notes),      cmocka_unit_test(test_days),
        cmocka_unit_test(test_none),       cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
