#include "pipelines/emissions/rating.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { BUCKET_MS = 900000, FIRST = 5, METERS = 6, SPLIT = 4 };

/* The facility has METERS columns from FIRST on: SPLIT of them in its first series, the others in
 * its second. Its factors change at the bucket's end. */
struct site {
    struct meter meters[FIRST + METERS];
    struct series series[3];
    struct facility facility;
    double factor[2][RATE_COUNT * METERS];
    struct factor_era eras[2];
    struct registry registry;
    int64_t activity[METERS];
    uint32_t covered_ms[METERS], estimated_ms[METERS];
    uint8_t present[METERS];
    bool noted;
    struct cell_note notes[METERS];
    struct bucket_cells cells;
};

static const struct kernels *tier; /* forced by GHGD_SIMD; NULL if the machine lacks it */

static void site_init(struct site *site)
{
    if (tier == NULL)
        skip();
    *site = (struct site){0};
    for (size_t i = 0; i < ARRAY_LEN(site->meters); i++)
        site->meters[i] = (struct meter){.expected = true,
                                         .expected_from_ms = INT64_MIN,
                                         .valid_from_ms = INT64_MIN,
                                         .valid_to_ms = INT64_MAX};
    site->series[1] = (struct series){.meters_first = FIRST, .meters_count = SPLIT};
    site->series[2] =
        (struct series){.meters_first = FIRST + SPLIT, .meters_count = METERS - SPLIT};
    site->facility = (struct facility){.meters_first = FIRST,
                                       .meters_count = METERS,
                                       .series_first = 1,
                                       .series_count = 2,
                                       .eras_first = 0,
                                       .eras_count = 2};
    for (size_t i = 0; i < METERS; i++)
        site->present[i] = 1;
    site->eras[0] = (struct factor_era){.from_ms = INT64_MIN, .factor = site->factor[0]};
    site->eras[1] = (struct factor_era){.from_ms = BUCKET_MS, .factor = site->factor[1]};
    site->registry = (struct registry){.meters = site->meters,
                                       .series = site->series,
                                       .facilities = &site->facility,
                                       .eras = site->eras,
                                       .meters_count = ARRAY_LEN(site->meters),
                                       .series_count = ARRAY_LEN(site->series),
                                       .facilities_count = 1,
                                       .eras_count = ARRAY_LEN(site->eras)};
    site->cells = (struct bucket_cells){.start_ms = 0,
                                        .length_ms = BUCKET_MS,
                                        .rows = 1,
                                        .activity = site->activity,
                                        .covered_ms = site->covered_ms,
                                        .estimated_ms = site->estimated_ms,
                                        .present = site->present,
                                        .notes = site->notes,
                                        .noted = &site->noted};
}

static void site_set_factor(struct site *site, enum rate rate, double factor)
{
    for (size_t i = 0; i < METERS; i++)
        site->factor[0][(size_t)rate * METERS + i] = factor;
}

static void site_rate(const struct site *site, struct figures figures[2])
{
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, METERS), 0);
    rating_rate(rating, &site->registry, &site->facility, &site->cells, figures);
    rating_destroy(&rating);
    assert_null(rating);
}

static void test_rounds_each_cell_once(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t activity[SPLIT];
        double factor;
        int64_t want;
    } cases[] = {
        {"halves of one go to none", {1, 1, 1, 1}, 0.5, 0},
        {"halves go to even", {1, 3, 5, 7}, 0.5, 0 + 2 + 2 + 4},
        {"below zero too", {-1, -3, -5, -7}, 0.5, -8},
        {"the sum is not rounded", {1, 1, 1, 0}, 0.4, 0},
        {"nor are its parts lost", {1, 1, 1, 0}, 0.6, 3},
        {"whole masses stay", {1000000, 2, 3, 4}, 7.0, 7000063},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site site;
        site_init(&site);
        memcpy(site.activity, cases[i].activity, sizeof(cases[i].activity));
        site_set_factor(&site, RATE_CO2, cases[i].factor);
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        if (figures[0].value[FIGURE_CO2] != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, (int64_t)figures[0].value[FIGURE_CO2]);
        assert_true(figures[0].value[FIGURE_CO2E] == 0);
    }
}

static void test_co2e_is_rated_by_itself(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.activity[0] = 1;
    site_set_factor(&site, RATE_CO2, 0.4);
    site_set_factor(&site, RATE_CH4, 0.4);
    site_set_factor(&site, RATE_N2O, 0.4);
    site_set_factor(&site, RATE_CO2E, 1.2);
    struct figures figures[2] = {0};
    site_rate(&site, figures);
    assert_true(figures[0].value[FIGURE_CO2] == 0);
    assert_true(figures[0].value[FIGURE_CO2E] == 1);
}

static void test_series_are_apart(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (int i = 0; i < METERS; i++)
        site.activity[i] = INT64_C(1) << (4 * i);
    for (enum rate rate = 0; rate < RATE_COUNT; rate++)
        site_set_factor(&site, rate, rate + 1);
    struct figures figures[2] = {0};
    site_rate(&site, figures);
    for (int i = 0; i < FIGURES_OF_CELLS; i++) {
        const struct figure_row *row = &figure_table[i];
        if (row->adds != ADDS_RATED && row->adds != ADDS_ACTIVITY)
            continue;
        int128 factor = row->adds == ADDS_RATED ? row->rate + 1 : 1;
        assert_true(figures[0].value[i] == 0x1111 * factor);
        assert_true(figures[1].value[i] == 0x110000 * factor);
    }
    assert_true(figures[0].value[FIGURE_CELLS] == SPLIT);
    assert_true(figures[1].value[FIGURE_CELLS] == METERS - SPLIT);
}

static void test_estimated(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t co2e_mg[2];
        uint32_t covered_ms[2], estimated_ms[2];
        int64_t want;
    } cases[] = {
        {"none", {100, 100}, {BUCKET_MS, BUCKET_MS}, {0, 0}, 0},
        {"all", {100, 7}, {BUCKET_MS, 1}, {BUCKET_MS, 1}, 107},
        {"a third, floored in each cell", {100, 100}, {900, 900}, {300, 300}, 66},
        {"below zero floors away from it", {-100, 0}, {900, 0}, {300, 0}, -34},
        {"of what is covered, not of the bucket", {100, 0}, {200, 0}, {100, 0}, 50},
        {"a delivery has no time", {100, 0}, {0, 0}, {0, 0}, 0},
        {"wide product", {CELL_MAX, 0}, {BUCKET_MS, 0}, {BUCKET_MS - 1, 0}, 2251797311685454},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site site;
        site_init(&site);
        site_set_factor(&site, RATE_CO2E, 1);
        memcpy(site.activity, cases[i].co2e_mg, sizeof(cases[i].co2e_mg));
        memcpy(site.covered_ms, cases[i].covered_ms, sizeof(cases[i].covered_ms));
        memcpy(site.estimated_ms, cases[i].estimated_ms, sizeof(cases[i].estimated_ms));
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        if (figures[0].value[FIGURE_CO2E_ESTIMATED] != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name,
                     (int64_t)figures[0].value[FIGURE_CO2E_ESTIMATED]);
    }
}

/* Covered time is that of meters that are expected to report; expected time comes later. */
static void test_expected(void **state)
{
    (void)state;
    for (int expected = 0; expected < 2; expected++) {
        struct site site;
        site_init(&site);
        for (size_t m = 0; m < METERS; m++)
            site.meters[FIRST + m].expected = m == 5 && expected;
        site.covered_ms[5] = 600;
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        assert_true(figures[1].value[FIGURE_COVERED] == (expected ? 600 : 0));
        assert_true(figures[0].value[FIGURE_EXPECTED] == 0);
        assert_true(figures[1].value[FIGURE_EXPECTED] == 0);
    }
}

/* A cell with a reading is unknown if its meter has no factor there, whatever its activity. */
static void test_unknown_cells(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double factor[SPLIT];
        uint8_t present[SPLIT];
        int64_t activity[SPLIT];
        int64_t want_kj, want_unknown;
    } cases[] = {
        {"all are known", {1, 1, 0.5, 1}, {1, 1, 1, 1}, {5, 5, 4, 1}, 13, 0},
        {"one is not", {1, 0, 1, 1}, {1, 1, 1, 1}, {5, 5, 5, 5}, 15, 1},
        {"nor when it is 0", {1, 0, 1, 1}, {1, 1, 1, 1}, {5, 0, 5, 5}, 15, 1},
        {"it has no reading", {1, 0, 1, 1}, {1, 0, 1, 1}, {5, 0, 5, 5}, 15, 0},
        {"none is", {0, 0, 0, 0}, {1, 0, 1, 1}, {5, 0, 5, 5}, 0, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site site;
        site_init(&site);
        site_set_factor(&site, RATE_ENERGY, 1);
        memcpy(&site.factor[0][(size_t)RATE_ENERGY * METERS], cases[i].factor,
               sizeof(cases[i].factor));
        memcpy(site.present, cases[i].present, sizeof(cases[i].present));
        memcpy(site.activity, cases[i].activity, sizeof(cases[i].activity));
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        if (figures[0].value[FIGURE_ENERGY] != cases[i].want_kj ||
            figures[0].value[FIGURE_ENERGY_UNKNOWN] != cases[i].want_unknown)
            fail_msg("%s: got %" PRId64 ", %" PRId64, cases[i].name,
                     (int64_t)figures[0].value[FIGURE_ENERGY],
                     (int64_t)figures[0].value[FIGURE_ENERGY_UNKNOWN]);
        assert_true(figures[1].value[FIGURE_ENERGY_UNKNOWN] == 0);
    }
}

/* 0.0036 GJ: the nearest double gives every whole number of kJ there is. */
static void test_kilowatt_hours(void **state)
{
    (void)state;
    for (int64_t kj = 1; kj < CELL_MAX / 2500; kj = kj * 3 + 1) {
        struct site site;
        site_init(&site);
        site_set_factor(&site, RATE_ENERGY, 0.0036);
        site.activity[0] = kj * 2500; /* micro-kWh: 9 kJ */
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        assert_true(figures[0].value[FIGURE_ENERGY] == (int128)kj * 9);
    }
}

static void test_absent_is_nothing(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (enum rate rate = 0; rate < RATE_COUNT; rate++)
        site_set_factor(&site, rate, 1);
    memset(site.present, 0, sizeof(site.present));
    struct figures figures[2] = {0};
    for (size_t i = 0; i < 2 * (size_t)FIGURE_COUNT; i++)
        figures[i / FIGURE_COUNT].value[i % FIGURE_COUNT] = -1; /* is set, not added to */
    figures[0].noted = figures[1].noted = true;
    site_rate(&site, figures);
    const struct figures want = {0};
    assert_memory_equal(&figures[0], &want, sizeof(want));
}

static void test_era_of_the_bucket(void **state)
{
    (void)state;
    static const struct {
        int64_t start_ms;
        int64_t want;
    } cases[] = {{-BUCKET_MS, 2}, {0, 2}, {BUCKET_MS, 3}, {INT64_C(1) << 40, 3}};
    struct site site;
    site_init(&site);
    site.activity[0] = 1;
    site.factor[0][(size_t)RATE_CO2 * METERS] = 2;
    site.factor[1][(size_t)RATE_CO2 * METERS] = 3;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        site.cells.start_ms = cases[i].start_ms;
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        assert_true(figures[0].value[FIGURE_CO2] == cases[i].want);
    }
}

/* Cells whose masses of trace gases are more micrograms than are narrow, in the longest series: the
 * largest that a state of an earlier version may hold. */
static void test_wide_cells(void **state)
{
    (void)state;
    enum { LONG = SERIES_METERS_MAX, THOUSAND = 1000 };
    struct site site;
    site_init(&site);
    struct meter *meters = calloc(LONG, sizeof(*meters));
    double *factor = calloc((size_t)RATE_COUNT * LONG, sizeof(*factor));
    int64_t *activity = calloc(LONG, sizeof(*activity));
    uint32_t *times = calloc(LONG, sizeof(*times));
    uint8_t *bytes = calloc(LONG, 1);
    assert_true(meters && factor && activity && times && bytes);
    for (size_t i = 0; i < LONG; i++)
        activity[i] = CELL_MAX;
    for (size_t i = 0; i < (size_t)RATE_COUNT * LONG; i++)
        factor[i] = i / LONG == RATE_CH4 ? THOUSAND : 1;
    memset(bytes, 1, LONG);
    site.registry.meters = meters;
    site.facility = (struct facility){.meters_count = LONG, .series_count = 1, .eras_count = 1};
    site.series[0] = (struct series){.meters_count = LONG};
    site.eras[0].factor = factor;
    site.cells = (struct bucket_cells){.length_ms = BUCKET_MS,
                                       .rows = 1,
                                       .activity = activity,
                                       .covered_ms = times,
                                       .estimated_ms = times,
                                       .present = bytes,
                                       .noted = &site.noted};
    struct figures figures = {0};
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, LONG), 0);
    rating_rate(rating, &site.registry, &site.facility, &site.cells, &figures);
    rating_destroy(&rating);
    int128 mass_ug = llrint((double)CELL_MAX * THOUSAND);
    assert_true(figures.value[FIGURE_ACTIVITY] == (int128)CELL_MAX * LONG);
    assert_true(figures.value[FIGURE_CO2E] == (int128)CELL_MAX * LONG);
    assert_true(figures.value[FIGURE_CO2E_UNSPLIT] == (int128)CELL_MAX * LONG);
    assert_true(figures.value[FIGURE_CH4] == mass_ug * LONG);
    free(meters);
    free(factor);
    free(activity);
    free(times);
    free(bytes);
}

/* Runs end with their era, and with what the scratch holds. */
static void test_runs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t start_ms;
        uint32_t rows, want;
    } cases[] = {
        {"one", 0, 1, 1},
        {"up to the next era", -4 * (int64_t)BUCKET_MS, 20, 5},
        {"from within a bucket of it", 1, 20, 1},
        {"the last era has no end", BUCKET_MS, 20, 20},
        {"the scratch is full", BUCKET_MS, 1000, 512 / METERS},
    };
    struct site site;
    site_init(&site);
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, METERS), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t rows = rating_run(rating, &site.registry, &site.facility, cases[i].start_ms,
                                   BUCKET_MS, cases[i].rows);
        if (rows != cases[i].want)
            fail_msg("%s: got %" PRIu32, cases[i].name, rows);
    }
    rating_destroy(&rating);
}

static void fill_random(struct site *site, unsigned *seed)
{
    for (size_t i = 0; i < METERS; i++) {
        site->activity[i] = (int64_t)rand_r(seed) * 1000 - INT64_C(700000000000);
        site->covered_ms[i] = (uint32_t)(rand_r(seed) % (BUCKET_MS + 1));
        site->estimated_ms[i] = (uint32_t)rand_r(seed) % (site->covered_ms[i] + 1);
        site->present[i] = rand_r(seed) % 4 != 0;
        site->meters[FIRST + i].expected = rand_r(seed) % 3 != 0;
        if (site->present[i] == 0)
            site->activity[i] = site->covered_ms[i] = site->estimated_ms[i] = 0;
    }
    site->noted = rand_r(seed) % 3 != 0;
    for (size_t i = 0; i < METERS && site->noted; i++)
        site->notes[i] =
            (struct cell_note){.spread_ms = (uint32_t)rand_r(seed) & NOTE_MS_MAX,
                               .held_ms = (uint32_t)rand_r(seed) & NOTE_MS_MAX,
                               .glitches = (uint32_t)rand_r(seed) & NOTE_COUNT_MAX,
                               .conflicts = (uint32_t)rand_r(seed) & NOTE_COUNT_MAX,
                               .moved_ms = ((uint64_t)rand_r(seed) << 13) & NOTE_MOVED_MAX_MS};
    for (size_t i = 0; i < (size_t)RATE_COUNT * METERS; i++)
        site->factor[0][i] = rand_r(seed) % 8 == 0 ? 0 : (double)rand_r(seed) / 1e9;
}

static int64_t note_of(const struct site *site, enum figure figure, size_t i)
{
    const struct cell_note *note = &site->notes[i];
    switch (figure) {
    case FIGURE_ESTIMATED:
        return site->estimated_ms[i];
    case FIGURE_SPREAD:
        return (int64_t)note->spread_ms;
    case FIGURE_HELD:
        return (int64_t)note->held_ms;
    case FIGURE_MOVED:
        return (int64_t)note->moved_ms;
    case FIGURE_CONFLICTS:
        return (int64_t)note->conflicts;
    case FIGURE_GLITCHES:
        return (int64_t)note->glitches;
    default:
        fail_msg("%s is no note", figure_table[figure].name);
        return 0;
    }
}

static int128 add_plainly(const struct site *site, enum figure figure, size_t i)
{
    const struct figure_row *row = &figure_table[figure];
    bool expected = site->meters[FIRST + i].expected;
    int128 mass = 0;
    if (row->rate != RATE_NONE)
        mass = llrint((double)site->activity[i] * site->factor[0][(size_t)row->rate * METERS + i]);
    switch ((enum figure_adds)row->adds) {
    case ADDS_ACTIVITY:
        return site->activity[i];
    case ADDS_RATED:
        return mass;
    case ADDS_ESTIMATED_PART:
        return site->covered_ms[i] > 0
                   ? div_floor(mass * site->estimated_ms[i], site->covered_ms[i])
                   : 0;
    case ADDS_CELL:
        return site->present[i];
    case ADDS_UNKNOWN_CELL:
        return site->factor[0][(size_t)row->rate * METERS + i] == 0 ? site->present[i] : 0;
    case ADDS_ESTIMATED:
    case ADDS_NOTE:
        return note_of(site, figure, i);
    case ADDS_COVERED:
        return expected ? site->covered_ms[i] : 0;
    case ADDS_EXPECTED:
    default:
        return 0; /* it does not come of cells */
    }
}

/* The definition in the plainest words: one cell after the other, no kernels. */
static void rate_plainly(const struct site *site, struct figures figures[2])
{
    for (size_t i = 0; i < METERS; i++)
        for (size_t figure = 0; figure < FIGURE_COUNT; figure++)
            figures[i >= SPLIT].value[figure] += add_plainly(site, (enum figure)figure, i);
    figures_note(&figures[0]);
    figures_note(&figures[1]);
}

/* Buckets that are rated together are as if each were rated alone. */
static void test_rows_are_apart(void **state)
{
    (void)state;
    enum { ROWS = 9 };
    static struct site sites[ROWS];
    static struct {
        int64_t activity[ROWS][METERS];
        uint32_t covered_ms[ROWS][METERS], estimated_ms[ROWS][METERS];
        uint8_t present[ROWS][METERS];
        struct cell_note notes[ROWS][METERS];
        bool noted[ROWS];
    } cells;
    unsigned seed = 7;
    for (size_t row = 0; row < ROWS; row++) {
        site_init(&sites[row]);
        fill_random(&sites[row], &seed);
        memcpy(sites[row].factor, sites[0].factor, sizeof(sites[0].factor));
        memcpy(sites[row].meters, sites[0].meters, sizeof(sites[0].meters));
        memcpy(cells.activity[row], sites[row].activity, sizeof(cells.activity[row]));
        memcpy(cells.covered_ms[row], sites[row].covered_ms, sizeof(cells.covered_ms[row]));
        memcpy(cells.estimated_ms[row], sites[row].estimated_ms, sizeof(cells.estimated_ms[row]));
        memcpy(cells.present[row], sites[row].present, sizeof(cells.present[row]));
        memcpy(cells.notes[row], sites[row].notes, sizeof(cells.notes[row]));
        cells.noted[row] = sites[row].noted;
    }
    struct bucket_cells all = {.start_ms = -ROWS * (int64_t)BUCKET_MS,
                               .length_ms = BUCKET_MS,
                               .rows = ROWS,
                               .activity = cells.activity[0],
                               .covered_ms = cells.covered_ms[0],
                               .estimated_ms = cells.estimated_ms[0],
                               .present = cells.present[0],
                               .notes = cells.notes[0],
                               .noted = cells.noted};
    struct figures got[ROWS][2] = {0};
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, METERS), 0);
    rating_rate(rating, &sites[0].registry, &sites[0].facility, &all, got[0]);
    rating_destroy(&rating);
    for (size_t row = 0; row < ROWS; row++) {
        struct figures want[2] = {0};
        rate_plainly(&sites[row], want);
        want[0].value[FIGURE_EXPECTED] = want[1].value[FIGURE_EXPECTED] = 0;
        assert_memory_equal(got[row], want, sizeof(want));
    }
}

static void test_random_sites(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int i = 0; i < 2000; i++) {
        struct site site;
        site_init(&site);
        fill_random(&site, &seed);
        struct figures got[2] = {0};
        struct figures want[2] = {0};
        site_rate(&site, got);
        rate_plainly(&site, want);
        assert_memory_equal(got, want, sizeof(want));
    }
}

static void test_empty_facility(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.facility.meters_count = 0;
    site.facility.series_count = 0;
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, 0), 0);
    struct figures none = {0};
    rating_rate(rating, &site.registry, &site.facility, &site.cells, &none);
    rating_destroy(&rating);
    rating_destroy(&rating);
}

static int find_tier(void **state)
{
    (void)state;
    const char *name = getenv("GHGD_SIMD"); // NOLINT(concurrency-mt-unsafe): one thread
    tier = kernels_find(name != NULL ? name : "auto");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_each_cell_once),
        cmocka_unit_test(test_co2e_is_rated_by_itself),
        cmocka_unit_test(test_series_are_apart),
        cmocka_unit_test(test_estimated),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_unknown_cells),
        cmocka_unit_test(test_kilowatt_hours),
        cmocka_unit_test(test_absent_is_nothing),
        cmocka_unit_test(test_era_of_the_bucket),
        cmocka_unit_test(test_wide_cells),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_rows_are_apart),
        cmocka_unit_test(test_random_sites),
        cmocka_unit_test(test_empty_facility),
    };
    return cmocka_run_group_tests_name("rating", tests, find_tier, NULL);
}
