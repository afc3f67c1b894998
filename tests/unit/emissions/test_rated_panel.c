/* Rating once: how often buckets are rated, and that sums which are corrected are those that are
 * formed from nothing. */
#include "pipelines/emissions/rated_panel.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    BUCKET_MS = 900000,
    METERS = 9,
    SERIES = 3,
    ROWS = 200,
    READINGS_MAX = 400, /* of one meter */
    READINGS_ALL = METERS * READINGS_MAX,
    ERA_ROW = 70 /* where the second era begins */
};

struct fixture {
    struct meter meters[METERS];
    struct series series[SERIES];
    struct facility facility;
    double factors[2][RATE_COUNT * METERS];
    struct factor_era eras[2];
    struct registry registry;
    struct journal journals[METERS];
    struct reading readings[METERS][READINGS_MAX];
    struct panel *panel;
    struct rating *rating;
    struct rated_panel *rated;
};

static uint64_t rated_rows;

static bool rate_and_count(const struct kernel_matrix *matrix, int64_t *sums_out)
{
    rated_rows += matrix->rows;
    return kernels_best()->rate(matrix, sums_out);
}

static struct kernels counting;

static void build_registry(struct fixture *fixture)
{
    for (uint32_t i = 0; i < METERS; i++)
        fixture->meters[i] = (struct meter){.kind = KIND_INTERVAL,
                                            .expected = i % 4 != 0,
                                            .valid_from_ms = INT64_MIN,
                                            .valid_to_ms = INT64_MAX,
                                            .cell_max = CELL_MAX};
    for (uint32_t i = 0; i < METERS; i++)
        fixture->meters[i].first_version = i;
    for (uint32_t i = 0; i < SERIES; i++)
        fixture->series[i] = (struct series){.meters_first = i * 3, .meters_count = 3};
    for (size_t i = 0; i < (size_t)RATE_COUNT * METERS; i++) {
        fixture->factors[0][i] = 0.001 * (double)i;
        fixture->factors[1][i] = 0.002 * (double)i;
    }
    fixture->eras[0] = (struct factor_era){.from_ms = INT64_MIN, .factor = fixture->factors[0]};
    fixture->eras[1] =
        (struct factor_era){.from_ms = (int64_t)ERA_ROW * BUCKET_MS, .factor = fixture->factors[1]};
    fixture->facility =
        (struct facility){.meters_count = METERS, .series_count = SERIES, .eras_count = 2};
    fixture->registry = (struct registry){.meters = fixture->meters,
                                          .series = fixture->series,
                                          .facilities = &fixture->facility,
                                          .eras = fixture->eras,
                                          .meters_count = METERS,
                                          .series_count = SERIES,
                                          .facilities_count = 1,
                                          .eras_count = 2};
}

/* readings: how many the memory for kept figures is made for. */
static struct fixture *fixture_create(size_t readings)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    build_registry(fixture);
    counting = *kernels_best();
    counting.rate = rate_and_count;
    for (uint32_t i = 0; i < METERS; i++)
        journal_init(&fixture->journals[i], fixture->readings[i], READINGS_MAX);
    assert_int_equal(
        panel_create(&fixture->panel, ROWS, METERS, BUCKET_MS, fixture->meters, fixture->journals),
        0);
    assert_int_equal(rating_create(&fixture->rating, &counting, METERS), 0);
    assert_int_equal(rated_panel_create(&fixture->rated, fixture->panel, fixture->rating,
                                        &fixture->registry, &fixture->facility, readings),
                     0);
    rated_rows = 0;
    return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
    rated_panel_destroy(&fixture->rated);
    rating_destroy(&fixture->rating);
    panel_destroy(&fixture->panel);
    free(fixture);
}

/* One reading of the meter over the bucket; it takes the place of the one before. 0: none. */
static void put(struct fixture *fixture, uint32_t meter, int64_t row, int64_t value)
{
    struct journal *journal = &fixture->journals[meter];
    int64_t start_ms = row * BUCKET_MS;
    uint32_t index = journal_find(journal, start_ms);
    struct reading reading = {
        .start_ms = start_ms,
        .value = value,
        .span_ms = BUCKET_MS,
        .quality = value % 3 == 0 ? QUALITY_ESTIMATED : QUALITY_ACTUAL,
    };
    if (index < journal->count && journal_at(journal, index)->start_ms == start_ms)
        *journal_at(journal, index) = reading;
    else
        assert_int_equal(journal_insert(journal, index, &reading), 0);
    panel_mark_stale(fixture->panel, row, meter);
}

/* The sum of rows [from, to) by one who keeps nothing. */
static void sum_plainly(struct fixture *fixture, int64_t from, int64_t to,
                        struct figures sums[SERIES], uint64_t *reporting)
{
    memset(sums, 0, SERIES * sizeof(*sums));
    *reporting = 0;
    for (int64_t row = from; row < to; row++) {
        struct panel_row cells = panel_get_row(fixture->panel, row);
        struct bucket_cells bucket = {.start_ms = row * BUCKET_MS,
                                      .length_ms = BUCKET_MS,
                                      .rows = 1,
                                      .activity = cells.activity,
                                      .covered_ms = cells.covered_ms,
                                      .estimated_ms = cells.estimated_ms,
                                      .present = cells.present,
                                      .notes = cells.notes,
                                      .noted = cells.noted};
        struct figures figures[SERIES] = {0};
        rating_rate(fixture->rating, &fixture->registry, &fixture->facility, &bucket, figures);
        for (int i = 0; i < SERIES; i++)
            figures_add(&sums[i], &figures[i]);
        for (uint32_t i = 0; i < METERS; i++)
            *reporting |= (uint64_t)cells.present[i] << i;
    }
}

static void test_rates_once(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_create(READINGS_ALL);
    struct figures day[SERIES] = {0};
    uint64_t day_bits = 0;
    for (int64_t row = 0; row < 96; row++) {
        for (uint32_t meter = 0; meter < METERS; meter++)
            put(fixture, meter, row, 1000 * row + meter + 1);
        for (int sink = 0; sink < 3; sink++) {
            struct figures sums[SERIES] = {0};
            uint64_t bits = 0;
            assert_true(rated_panel_refresh(fixture->rated, 0, 96, day, &day_bits));
            rated_panel_add(fixture->rated, row, row + 1, sums, &bits);
            rated_panel_add(fixture->rated, row / 4 * 4, row + 1, sums, &bits);
        }
    }
    assert_int_equal(rated_rows, 96); /* whatever the number of sinks, and of windows above */
    for (int64_t row = 90; row < 96; row++)
        put(fixture, 1, row, 5);
    assert_true(rated_panel_refresh(fixture->rated, 0, 96, day, &day_bits));
    assert_int_equal(rated_rows, 96 + 6); /* what they gave before is kept */
    struct figures want[SERIES];
    uint64_t want_bits;
    sum_plainly(fixture, 0, 96, want, &want_bits);
    assert_memory_equal(day, want, sizeof(want));
    assert_int_equal(day_bits, want_bits);
    fixture_destroy(fixture);
}

/* A backlog is not kept whole: each bucket is rated once, and at most once more for a sum. */
static void test_backlog(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_create(0);
    assert_true(fixture->rated->slots < ROWS);
    for (int64_t row = 0; row < ROWS; row++)
        for (uint32_t meter = 0; meter < METERS; meter++)
            put(fixture, meter, row, row + meter);
    struct figures sums[SERIES] = {0};
    uint64_t bits = 0;
    assert_true(rated_panel_refresh(fixture->rated, 0, ROWS, sums, &bits));
    assert_int_equal(rated_rows, ROWS);
    struct figures again[SERIES] = {0};
    rated_panel_add(fixture->rated, 0, ROWS, again, &bits);
    assert_true(rated_rows <= UINT64_C(2) * ROWS);
    assert_memory_equal(again, sums, sizeof(again));
    fixture_destroy(fixture);
}

/* Random changes, in any order, with little and with much kept. */
static void test_corrected_sums(void **state)
{
    (void)state;
    for (size_t readings = 0; readings <= READINGS_ALL; readings += READINGS_ALL) {
        unsigned seed = 20260301;
        struct fixture *fixture = fixture_create(readings);
        struct figures sums[SERIES] = {0};
        uint64_t bits = 0;
        for (int round = 0; round < 300; round++) {
            for (int i = rand_r(&seed) % 20; i >= 0; i--)
                put(fixture, (uint32_t)rand_r(&seed) % METERS, rand_r(&seed) % ROWS,
                    rand_r(&seed) % 100000 - 20000);
            assert_true(rated_panel_refresh(fixture->rated, 0, ROWS, sums, &bits));
            struct figures want[SERIES];
            uint64_t want_bits;
            sum_plainly(fixture, 0, ROWS, want, &want_bits);
            assert_memory_equal(sums, want, sizeof(want));
            assert_int_equal(bits, want_bits);
            int64_t from = rand_r(&seed) % ROWS;
            int64_t to = from + rand_r(&seed) % (ROWS - from + 1);
            struct figures part[SERIES] = {0};
            uint64_t part_bits = 0;
            rated_panel_add(fixture->rated, from, to, part, &part_bits);
            sum_plainly(fixture, from, to, want, &want_bits);
            assert_memory_equal(part, want, sizeof(want));
            assert_int_equal(part_bits, want_bits);
        }
        fixture_destroy(fixture);
    }
}

/* A meter that has left a bucket may have been its last: the bits cannot tell. */
static void test_ceases_to_report(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_create(0);
    struct figures sums[SERIES] = {0};
    uint64_t bits = 0;
    put(fixture, 2, 7, 5);
    put(fixture, 3, 7, 5);
    assert_true(rated_panel_refresh(fixture->rated, 0, ROWS, sums, &bits));
    fixture->journals[2].count = 0;
    panel_mark_stale(fixture->panel, 7, 2);
    assert_false(rated_panel_refresh(fixture->rated, 0, ROWS, sums, &bits));
    assert_true(sums[0].value[FIGURE_CELLS] == 0 && sums[1].value[FIGURE_CELLS] == 1);
    fixture_destroy(fixture);
}

/* Masses that do not fit 64 bits are summed all the same; they are not kept. */
static void test_wide(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_create(READINGS_ALL);
    for (size_t i = 0; i < METERS; i++)
        fixture->factors[0][(size_t)RATE_CH4 * METERS + i] = 1000 * 0.9;
    struct figures sums[SERIES] = {0};
    uint64_t bits = 0;
    for (uint32_t meter = 0; meter < METERS; meter++)
        for (int64_t row = 0; row < 20; row++)
            put(fixture, meter, row, CELL_MAX);
    assert_true(rated_panel_refresh(fixture->rated, 0, 20, sums, &bits));
    for (int64_t row = 3; row < 9; row++)
        put(fixture, 4, row, 1);
    assert_true(rated_panel_refresh(fixture->rated, 0, 20, sums, &bits));
    struct figures want[SERIES];
    uint64_t want_bits;
    sum_plainly(fixture, 0, 20, want, &want_bits);
    assert_memory_equal(sums, want, sizeof(want));
    assert_true(want[0].value[FIGURE_CH4] > (int128)INT64_MAX);
    fixture_destroy(fixture);
}

/* At most a third of what journals and panel take. */
static void test_memory(void **state)
{
    (void)state;
    static const struct {
        uint32_t meters, series, rows;
        size_t readings;
    } cases[] = {
        {1, 1, 394, 700},      {20, 8, 394, 6400},        {20, 20, 394, 6400},
        {2000, 50, 394, 1000}, {20, 8, 131072, 20 << 18}, {20, 2, 100, 20000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct facility facility = {.meters_count = cases[i].meters,
                                          .series_count = cases[i].series};
        size_t own = 1024; /* the struct, and bits and counts of its meters */
        size_t made_of = panel_size(cases[i].rows, cases[i].meters) +
                         cases[i].readings * sizeof(struct reading) +
                         cases[i].meters * sizeof(struct journal);
        size_t size = rated_panel_size(&facility, cases[i].rows, cases[i].readings);
        if (size > made_of / 3 + own)
            fail_msg("row %zu: %zu bytes of %zu", i, size, made_of);
    }
}

/* A main meter is rated by its rest, and a change of a sub-meter changes the main's series. */
static void test_a_rest_is_rated(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_create(1);
    rated_panel_destroy(&fixture->rated);
    for (uint32_t i = 0; i < METERS; i++)
        fixture->meters[i].next_version = REGISTRY_NONE;
    fixture->meters[3].has_parent = true; /* of series 1; its main is meter 0, of series 0 */
    fixture->meters[6].check = true;      /* of series 2 */
    assert_int_equal(rated_panel_create(&fixture->rated, fixture->panel, fixture->rating,
                                        &fixture->registry, &fixture->facility, 1),
                     0);
    struct figures sums[SERIES] = {0};
    uint64_t reporting = 0;
    static const int64_t shown[][2] = {{30, 70}, {50, 50}, {110, -10}};
    put(fixture, 0, 5, 100);
    put(fixture, 6, 5, 101);
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        put(fixture, 3, 5, shown[i][0]);
        (void)rated_panel_refresh(fixture->rated, 0, ROWS, sums, &reporting);
        assert_true(sums[0].value[FIGURE_ACTIVITY] == shown[i][1]);
        assert_true(sums[1].value[FIGURE_ACTIVITY] == shown[i][0]);
        assert_true(sums[2].value[FIGURE_ACTIVITY] == 0 && sums[2].value[FIGURE_CELLS] == 0);
    }
    fixture_destroy(fixture);
}

/* Meters that reported, among all columns of the facility; those that nothing is expected of do not
 * count. */
static void test_counts_reporting(void **state)
{
    (void)state;
    enum { METERS_COUNT = 130 };
    const struct facility facility = {.meters_count = METERS_COUNT};
    uint64_t expected[] = {UINT64_MAX, UINT64_MAX - 1, 3};
    const uint64_t reporting[] = {UINT64_C(1) << 63 | 1, 7, 2};
    const struct rated_panel rated = {.facility = &facility, .expected_bits = expected};
    assert_int_equal(rated_panel_count_reporting(&rated, reporting), 2 + 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_once),       cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_corrected_sums),   cmocka_unit_test(test_wide),
        cmocka_unit_test(test_ceases_to_report), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_a_rest_is_rated),  cmocka_unit_test(test_counts_reporting),
    };
    return cmocka_run_group_tests_name("rated_panel", tests, NULL, NULL);
}
