/*
 * The memory that is stated before anything starts, against what the shards' sites will take: the
 * estimate knows their sizes only as numbers.
 */
#include "config/needs.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/state/site.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static struct config *load_example(void)
{
    struct config *config = NULL;
    struct buffer faults;
    buffer_init(&faults, 1 << 16);
    assert_int_equal(config_load(&config, "config/examples/ghgd.yaml", &faults), 0);
    buffer_fini(&faults);
    return config;
}

static void test_sites(void **state)
{
    (void)state;
    static const struct {
        int64_t bucket_ms, horizon_ms, allowed_delay_ms;
    } cases[] = {
        {15 * MINUTE_MS, 7 * DAY_MS, 5 * MINUTE_MS},
        {MINUTE_MS, 90 * DAY_MS, HOUR_MS},
        {HOUR_MS, 2 * DAY_MS, 0},
    };
    struct config *config = load_example();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        config->window.bucket_ms = cases[i].bucket_ms;
        config->window.horizon_ms = cases[i].horizon_ms;
        config->window.allowed_delay_ms = cases[i].allowed_delay_ms;
        int64_t want = 0;
        for (uint32_t j = 0; j < config->registry->facilities_count; j++)
            want += (int64_t)site_size(config->registry, &config->window, j);
        struct memory_estimate got = config_memory_estimate(config);
        int64_t sum = got.journal_bytes + got.panel_bytes;
        if (sum < want - want / 20 || sum > want + want / 20)
            fail_msg("case %zu: stated %" PRId64 " bytes, taken %" PRId64, i, sum, want);
    }
    config_destroy(&config);
}

static void test_series(void **state)
{
    (void)state;
    struct config *config = load_example();
    struct series_estimate got = config_series_estimate(config);
    assert_int_equal(got.emissions, 5 * config->registry->series_count);
    assert_int_equal(got.coverage, 5 * config->registry->facilities_count);
    config_destroy(&config);
}

static void test_parked(void **state)
{
    (void)state;
    struct config *config = load_example();
    assert_int_equal(config_memory_estimate(config).parked_bytes, 0);
    config->input.unknown_meter = UNKNOWN_PARK;
    assert_int_equal(config_memory_estimate(config).parked_bytes, config->input.parked_bytes_max);
    config_destroy(&config);
}

static void test_rekeyed(void **state)
{
    (void)state;
    struct config *config = load_example();
    assert_int_equal(config_memory_estimate(config).rekeyed_bytes, 0);
    config->input.rekey = true;
    assert_true(config_memory_estimate(config).rekeyed_bytes > DEADLETTER_BYTES_MAX);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_parked),
        cmocka_unit_test(test_rekeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
