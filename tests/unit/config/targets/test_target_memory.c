/* Building targets with each of our own allocations failing in turn. */
#include "tests/unit/failing_malloc.h"

#include "config/registry/tables.h"
#include "config/targets/target_tables.h"

#define FOLDER "tests/data/targets/"

static struct registry *registry;
static struct buffer warnings; /* has memory already: words that lack it are no error */

static int build(void)
{
    static const char *const holidays[] = {FOLDER "holidays_good.csv",
                                           FOLDER "holidays_weekdays.csv"};
    static const struct targets_conf conf = {
        .targets = FOLDER "targets_good.csv",
        .weights = FOLDER "own_weights.csv",
        .base_changes = FOLDER "own_changes.csv",
        .ownership = FOLDER "ownership_good.csv",
        .history = FOLDER "history_good.csv",
        .holidays = holidays,
        .holidays_count = ARRAY_LEN(holidays),
        .year_start = 1,
    };
    buffer_clear(&warnings);
    struct faults faults = {.text = &warnings, .errors_max = 100};
    struct targets *targets = NULL;
    int err = targets_build(&targets, &conf, registry, &faults);
    if (err == ERR_CONFIG)
        fail_msg("%s", buffer_text(&warnings));
    assert_true((targets == NULL) == (err != 0));
    targets_destroy(&targets);
    return err;
}

static void test_failing(void **state)
{
    (void)state;
    static const struct tables_conf conf = {
        .facilities = FOLDER "sites.csv",
        .meters = FOLDER "site_meters.csv",
        .catalogue = "config/factors",
        .countries = "config/factors/countries.csv",
        .group_levels = {"region", "division"},
        .group_levels_count = 2,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
    };
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    assert_int_equal(registry_build(&registry, &conf, &faults), 0);
    buffer_fini(&text);
    buffer_init(&warnings, 1 << 20);
    assert_int_equal(build(), 0);
    fail_each_allocation(build);
    buffer_fini(&warnings);
    registry_destroy(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
