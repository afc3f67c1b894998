#include "pipelines/emissions/figures.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_add(void **state)
{
    (void)state;
    const int128 huge = (int128)INT64_MAX * 4;
    struct figures term = {.activity = huge,
                           .co2e_unsplit_mg = 2,
                           .co2e_estimated_mg = 3,
                           .covered_ms = 4,
                           .expected_ms = 5,
                           .cells = 6};
    for (int gas = 0; gas < GAS_COUNT; gas++)
        term.mass_mg[gas] = -huge - gas;
    struct figures sum = {0};
    for (int i = 0; i < 1000; i++)
        figures_add(&sum, &term);
    assert_true(sum.activity == huge * 1000);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        assert_true(sum.mass_mg[gas] == (-huge - gas) * 1000);
    assert_true(sum.co2e_unsplit_mg == 2000);
    assert_true(sum.co2e_estimated_mg == 3000);
    assert_true(sum.covered_ms == 4000);
    assert_true(sum.expected_ms == 5000);
    assert_true(sum.cells == 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
