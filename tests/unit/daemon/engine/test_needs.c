/*
 * The memory that is stated before anything starts, against what the shards' sites will take.
 */
#include "base/timestamp.h"
#include "daemon/engine/needs.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/rollup/site.h"

static struct config *load_example(void)
{
    struct config *config = NULL;
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    assert_int_equal(config_load(&config, "config/examples/ghgd.yaml", &faults), 0);
    buffer_fini(&faults);
    return config;
}

/* The stated need is the memory that is taken; the least ceiling has room for any facility. */
static void check_estimate(const struct config *config, const char *name)
{
    int64_t want = 0;
    int64_t largest = 0;
    for (uint32_t j = 0; j < config->registry->facilities_count; j++) {
        int64_t bytes = (int64_t)site_size(config->registry, &config->window, j);
        want += bytes;
        largest = bytes > largest ? bytes : largest;
    }
    struct memory_estimate got = memory_estimate(config);
    int64_t sum = got.journal_bytes + got.panel_bytes;
    if (sum != want || got.journal_bytes <= 0 || got.panel_bytes <= 0)
        fail_msg("%s: stated %" PRId64 " bytes, taken %" PRId64, name, sum, want);
    int64_t room = memory_estimate_min(config) - memory_estimate_fixed(&got) - got.partition_bytes;
    if (room != largest)
        fail_msg("%s: room for %" PRId64 " bytes, taken %" PRId64, name, room, largest);
}

static void test_sites(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t bucket_ms, horizon_ms, allowed_delay_ms;
    } cases[] = {
        {"as shipped", 15 * MINUTE_MS, 7 * DAY_MS, 5 * MINUTE_MS},
        {"many buckets", MINUTE_MS, 90 * DAY_MS, HOUR_MS},
        {"few buckets", HOUR_MS, 2 * DAY_MS, 0},
        {"the last buckets begin another day", HOUR_MS, 8 * HOUR_MS, 0},
    };
    struct config *config = load_example();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        config->window.bucket_ms = cases[i].bucket_ms;
        config->window.horizon_ms = cases[i].horizon_ms;
        config->window.allowed_delay_ms = cases[i].allowed_delay_ms;
        check_estimate(config, cases[i].name);
    }
    config_destroy(&config);
}

/* By the meters and the series of one facility. */
static void test_shapes(void **state)
{
    (void)state;
    enum { MOST_METERS = 1000 };
    static const struct {
        const char *name;
        uint32_t meters, series, readings_max;
    } cases[] = {
        {"one meter", 1, 1, 1},        {"a word of meters", 64, 3, 100},
        {"one more", 65, 64, 100},     {"many meters, one series", 1000, 1, 0},
        {"many series", 64, 5000, 10}, {"many of both", 1000, 1000, 1000},
    };
    struct config *config = load_example();
    struct meter *meters = calloc(MOST_METERS, sizeof(*meters));
    assert_non_null(meters);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (uint32_t j = 0; j < cases[i].meters; j++)
            meters[j].readings_max = cases[i].readings_max;
        struct facility facility = {.meters_count = cases[i].meters,
                                    .series_count = cases[i].series};
        struct registry registry = {.meters = meters,
                                    .meters_count = cases[i].meters,
                                    .facilities = &facility,
                                    .facilities_count = 1};
        struct config shaped = *config;
        shaped.registry = &registry;
        check_estimate(&shaped, cases[i].name);
    }
    free(meters);
    config_destroy(&config);
}

static void test_series(void **state)
{
    (void)state;
    struct config *config = load_example();
    struct series_estimate got = series_estimate(config);
    assert_int_equal(got.emissions, 5 * config->registry->series_count);
    assert_int_equal(got.coverage, 5 * config->registry->facilities_count);
    config_destroy(&config);
}

static void test_parked(void **state)
{
    (void)state;
    struct config *config = load_example();
    assert_int_equal(memory_estimate(config).parked_bytes, 0);
    config->input.unknown_meter = UNKNOWN_PARK;
    assert_int_equal(memory_estimate(config).parked_bytes, config->input.parked_bytes_max);
    config_destroy(&config);
}

/* A ceiling has to let one partition with any of the facilities work. */
static void test_ceiling(void **state)
{
    (void)state;
    struct config *config = load_example();
    struct memory_estimate needs = memory_estimate(config);
    int64_t least = memory_estimate_min(config);
    int64_t all = needs.journal_bytes + needs.panel_bytes;
    assert_true(least > memory_estimate_fixed(&needs) + needs.partition_bytes);
    assert_true(least < memory_estimate_fixed(&needs) + needs.partition_bytes + 2 * all);
    const struct {
        const char *name;
        int64_t bytes_max;
        int want;
    } cases[] = {
        {"none", 0, 0},
        {"a byte", 1, ERR_CONFIG},
        {"a byte too little", least - 1, ERR_CONFIG},
        {"just enough", least, 0},
        {"plenty", INT64_C(1) << 40, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer text;
        buffer_init(&text, 1 << 16);
        config->memory_bytes_max = cases[i].bytes_max;
        int got = needs_check(config, &text);
        bool told = text.size > 0 && strstr(buffer_text(&text), "memory_max: ") != NULL;
        if (got != cases[i].want || told != (cases[i].want < 0))
            fail_msg("%s: %d, %s", cases[i].name, got, buffer_text(&text));
        buffer_fini(&text);
    }
    config_destroy(&config);
}

static void test_rekeyed(void **state)
{
    (void)state;
    struct config *config = load_example();
    assert_int_equal(memory_estimate(config).rekeyed_bytes, 0);
    config->input.rekey = true;
    assert_true(memory_estimate(config).rekeyed_bytes > PRODUCER_BYTES_MAX);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sites),   cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_series),  cmocka_unit_test(test_parked),
        cmocka_unit_test(test_ceiling), cmocka_unit_test(test_rekeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
