/* Building a registry with each of our own allocations failing in turn. */
#include "tests/unit/failing_malloc.h"

#include "config/registry/tables.h"

#define FOLDER "tests/data/tables/"

static int build(void)
{
    static const char *const factors[] = {FOLDER "own_factors.csv"};
    const struct tables_conf conf = {
        .facilities = FOLDER "group_facilities.csv",
        .meters = FOLDER "small_meters.csv",
        .factors = factors,
        .factors_count = 1,
        .catalogue = FOLDER "small_catalogue",
        .countries = "config/factors/countries.csv",
        .group_levels = {"region"},
        .group_levels_count = 1,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
        .reporting_from = "2026-01-01",
    };
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    struct registry *registry = NULL;
    int err = registry_build(&registry, &conf, &faults);
    if (err == ERR_CONFIG)
        fail_msg("%s", buffer_text(&text));
    assert_true((registry == NULL) == (err != 0));
    registry_destroy(&registry);
    buffer_fini(&text);
    return err;
}

static void test_failing(void **state)
{
    (void)state;
    fail_each_allocation(build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
