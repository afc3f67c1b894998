#include "pipelines/emissions/rating.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { BUCKET_MS = 900000, FIRST = 5, METERS = 6, SPLIT = 4, NOISE = 99 };

/* The facility has METERS columns from FIRST on: SPLIT of them in its first series, the others in
 * its second. Its factors change at the bucket's end. */
struct site {
    struct meter meters[FIRST + METERS];
    struct series series[3];
    struct facility facility;
    double factor[2][GAS_COUNT * METERS];
    uint8_t unsplit[METERS];
    struct factor_era eras[2];
    struct registry registry;
    int64_t activity[METERS];
    uint32_t covered_ms[METERS], estimated_ms[METERS];
    uint8_t present[METERS];
    struct bucket_cells cells;
};

static const struct kernels *tier; /* forced by GHGD_SIMD; NULL if the machine lacks it */

static void site_init(struct site *site)
{
    if (tier == NULL)
        skip();
    *site = (struct site){0};
    for (size_t i = 0; i < ARRAY_LEN(site->meters); i++)
        site->meters[i] =
            (struct meter){.expected = true, .valid_from_ms = INT64_MIN, .valid_to_ms = INT64_MAX};
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
    site->eras[0] = (struct factor_era){
        .from_ms = INT64_MIN, .factor = site->factor[0], .unsplit = site->unsplit};
    site->eras[1] = (struct factor_era){
        .from_ms = BUCKET_MS, .factor = site->factor[1], .unsplit = site->unsplit};
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
                                        .activity = site->activity,
                                        .covered_ms = site->covered_ms,
                                        .estimated_ms = site->estimated_ms,
                                        .present = site->present};
}

static void site_set_factor(struct site *site, enum gas gas, double factor)
{
    for (size_t i = 0; i < METERS; i++)
        site->factor[0][(size_t)gas * METERS + i] = factor;
}

static void site_rate(const struct site *site, struct figures figures[2])
{
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, METERS), 0);
    rating_add(rating, &site->registry, &site->facility, &site->cells, figures);
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
        site_set_factor(&site, GAS_CO2, cases[i].factor);
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        if (figures[0].mass_mg[GAS_CO2] != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, (int64_t)figures[0].mass_mg[GAS_CO2]);
        assert_true(figures[0].mass_mg[GAS_CO2E] == 0);
    }
}

static void test_co2e_is_rated_by_itself(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site.activity[0] = 1;
    site_set_factor(&site, GAS_CO2, 0.4);
    site_set_factor(&site, GAS_CH4, 0.4);
    site_set_factor(&site, GAS_N2O, 0.4);
    site_set_factor(&site, GAS_CO2E, 1.2);
    struct figures figures[2] = {0};
    site_rate(&site, figures);
    assert_true(figures[0].mass_mg[GAS_CO2] == 0);
    assert_true(figures[0].mass_mg[GAS_CO2E] == 1);
}

static void test_series_are_apart(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (int i = 0; i < METERS; i++)
        site.activity[i] = INT64_C(1) << (4 * i);
    for (enum gas gas = 0; gas < GAS_COUNT; gas++)
        site_set_factor(&site, gas, gas + 1);
    struct figures figures[2] = {0};
    site_rate(&site, figures);
    site_rate(&site, figures); /* is added */
    assert_true(figures[0].activity == 0x2222);
    assert_true(figures[1].activity == 0x220000);
    for (int gas = 0; gas < GAS_COUNT; gas++) {
        assert_true(figures[0].mass_mg[gas] == (int128)0x2222 * (gas + 1));
        assert_true(figures[1].mass_mg[gas] == (int128)0x220000 * (gas + 1));
    }
    assert_int_equal(figures[0].cells, 2 * SPLIT);
    assert_int_equal(figures[1].cells, 2 * (METERS - SPLIT));
}

static void test_unsplit(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    site_set_factor(&site, GAS_CO2E, 1);
    site.unsplit[1] = 1;
    site.unsplit[5] = 1;
    for (int i = 0; i < METERS; i++)
        site.activity[i] = 10 + i;
    struct figures figures[2] = {0};
    site_rate(&site, figures);
    assert_true(figures[0].co2e_unsplit_mg == 11);
    assert_true(figures[1].co2e_unsplit_mg == 15);
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
        site_set_factor(&site, GAS_CO2E, 1);
        memcpy(site.activity, cases[i].co2e_mg, sizeof(cases[i].co2e_mg));
        memcpy(site.covered_ms, cases[i].covered_ms, sizeof(cases[i].covered_ms));
        memcpy(site.estimated_ms, cases[i].estimated_ms, sizeof(cases[i].estimated_ms));
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        if (figures[0].co2e_estimated_mg != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, (int64_t)figures[0].co2e_estimated_mg);
    }
}

static void test_expected(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool expected;
        int64_t valid_from_ms, valid_to_ms;
        int64_t want_expected, want_covered;
    } cases[] = {
        {"always valid", true, INT64_MIN, INT64_MAX, BUCKET_MS, 600},
        {"just the bucket", true, 0, BUCKET_MS, BUCKET_MS, 600},
        {"its last second", true, BUCKET_MS - 1000, INT64_MAX, 1000, 600},
        {"up to its middle", true, INT64_MIN, BUCKET_MS / 3, BUCKET_MS / 3, 600},
        {"over", true, INT64_MIN, 0, 0, 600},
        {"not begun", true, BUCKET_MS, INT64_MAX, 0, 600},
        {"not expected", false, INT64_MIN, INT64_MAX, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct site site;
        site_init(&site);
        for (size_t m = 0; m < METERS; m++)
            site.meters[FIRST + m].expected = m == 5 && cases[i].expected;
        site.meters[FIRST + 5].valid_from_ms = cases[i].valid_from_ms;
        site.meters[FIRST + 5].valid_to_ms = cases[i].valid_to_ms;
        site.covered_ms[5] = 600;
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        if (figures[1].expected_ms != cases[i].want_expected ||
            figures[1].covered_ms != cases[i].want_covered)
            fail_msg("%s: got %" PRId64 " of %" PRId64, cases[i].name,
                     (int64_t)figures[1].covered_ms, (int64_t)figures[1].expected_ms);
        assert_true(figures[0].expected_ms == 0);
    }
}

static void test_absent_is_nothing(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (enum gas gas = 0; gas < GAS_COUNT; gas++)
        site_set_factor(&site, gas, 1);
    for (int i = 0; i < METERS; i++) {
        site.present[i] = 0;
        site.unsplit[i] = 1;
        site.activity[i] = NOISE;
        site.covered_ms[i] = NOISE;
        site.estimated_ms[i] = NOISE;
    }
    struct figures figures[2] = {0};
    site_rate(&site, figures);
    const struct figures want = {.expected_ms = (int128)SPLIT * BUCKET_MS};
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
    site.factor[0][(size_t)GAS_CO2 * METERS] = 2;
    site.factor[1][(size_t)GAS_CO2 * METERS] = 3;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        site.cells.start_ms = cases[i].start_ms;
        struct figures figures[2] = {0};
        site_rate(&site, figures);
        assert_true(figures[0].mass_mg[GAS_CO2] == cases[i].want);
    }
}

/* A series of more of the largest cells than 64 bits can sum. */
static void test_long_series(void **state)
{
    (void)state;
    enum { LONG = 2 * SERIES_METERS_MAX + 77 };
    struct site site;
    site_init(&site);
    struct meter *meters = calloc(LONG, sizeof(*meters));
    double *factor = calloc((size_t)GAS_COUNT * LONG, sizeof(*factor));
    int64_t *activity = calloc(LONG, sizeof(*activity));
    uint32_t *times = calloc(LONG, sizeof(*times));
    uint8_t *bytes = calloc(LONG, 1);
    assert_true(meters && factor && activity && times && bytes);
    for (size_t i = 0; i < LONG; i++)
        activity[i] = CELL_MAX;
    for (size_t i = 0; i < (size_t)GAS_COUNT * LONG; i++)
        factor[i] = 1;
    memset(bytes, 1, LONG);
    site.registry.meters = meters;
    site.facility = (struct facility){.meters_count = LONG, .series_count = 1, .eras_count = 1};
    site.series[0] = (struct series){.meters_count = LONG};
    site.eras[0].factor = factor;
    site.eras[0].unsplit = bytes;
    site.cells = (struct bucket_cells){.length_ms = BUCKET_MS,
                                       .activity = activity,
                                       .covered_ms = times,
                                       .estimated_ms = times,
                                       .present = bytes};
    struct figures figures = {0};
    struct rating *rating = NULL;
    assert_int_equal(rating_create(&rating, tier, LONG), 0);
    rating_add(rating, &site.registry, &site.facility, &site.cells, &figures);
    rating_destroy(&rating);
    assert_true(figures.activity == (int128)CELL_MAX * LONG);
    assert_true(figures.mass_mg[GAS_CO2E] == (int128)CELL_MAX * LONG);
    assert_true(figures.co2e_unsplit_mg == (int128)CELL_MAX * LONG);
    free(meters);
    free(factor);
    free(activity);
    free(times);
    free(bytes);
}

static void fill_random(struct site *site, unsigned *seed)
{
    for (size_t i = 0; i < METERS; i++) {
        site->activity[i] = (int64_t)rand_r(seed) * 1000 - INT64_C(700000000000);
        site->covered_ms[i] = (uint32_t)(rand_r(seed) % (BUCKET_MS + 1));
        site->estimated_ms[i] = (uint32_t)rand_r(seed) % (site->covered_ms[i] + 1);
        site->present[i] = rand_r(seed) % 4 != 0;
        site->unsplit[i] = rand_r(seed) % 2 != 0;
        site->meters[FIRST + i].expected = rand_r(seed) % 3 != 0;
    }
    for (size_t i = 0; i < (size_t)GAS_COUNT * METERS; i++)
        site->factor[0][i] = (double)rand_r(seed) / 1e9;
}

/* The definition in the plainest words: one cell after the other, no kernels. */
static void rate_plainly(const struct site *site, struct figures figures[2])
{
    for (size_t i = 0; i < METERS; i++) {
        struct figures *sum = &figures[i >= SPLIT];
        bool expected = site->meters[FIRST + i].expected;
        sum->expected_ms += expected ? BUCKET_MS : 0;
        if (site->present[i] == 0)
            continue;
        struct figures cell = {.activity = site->activity[i], .cells = 1};
        for (size_t gas = 0; gas < GAS_COUNT; gas++)
            cell.mass_mg[gas] =
                llrint((double)site->activity[i] * site->factor[0][gas * METERS + i]);
        int128 co2e_mg = cell.mass_mg[GAS_CO2E];
        cell.co2e_unsplit_mg = site->unsplit[i] != 0 ? co2e_mg : 0;
        if (site->covered_ms[i] > 0)
            cell.co2e_estimated_mg =
                div_floor(co2e_mg * site->estimated_ms[i], site->covered_ms[i]);
        cell.covered_ms = expected ? site->covered_ms[i] : 0;
        figures_add(sum, &cell);
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
    rating_add(rating, &site.registry, &site.facility, &site.cells, NULL);
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
        cmocka_unit_test(test_unsplit),
        cmocka_unit_test(test_estimated),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_absent_is_nothing),
        cmocka_unit_test(test_era_of_the_bucket),
        cmocka_unit_test(test_long_series),
        cmocka_unit_test(test_random_sites),
        cmocka_unit_test(test_empty_facility),
    };
    return cmocka_run_group_tests_name("rating", tests, find_tier, NULL);
}
