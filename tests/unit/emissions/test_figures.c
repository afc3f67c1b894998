#include "pipelines/emissions/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_add(void **state)
{
    (void)state;
    const int128 huge = (int128)INT64_MAX * 4;
    struct figures term;
    for (int i = 0; i < FIGURE_COUNT; i++)
        term.value[i] = (i % 2 == 0 ? huge : -huge) + i;
    struct figures sum = {0};
    for (int i = 0; i < 1000; i++)
        figures_add(&sum, &term);
    for (int i = 0; i < FIGURE_COUNT; i++)
        assert_true(sum.value[i] == term.value[i] * 1000);
}

/* Names are those of fields and of saved states; a mass is held in the unit that its row gives. */
static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < FIGURE_COUNT; i++) {
        const struct figure_row *row = &figure_table[i];
        assert_true(strlen(row->name) > 0 && strlen(row->help) > 0 && strlen(row->sums) > 0);
        for (int other = 0; other < i; other++)
            assert_string_not_equal(row->name, figure_table[other].name);
        bool rated = row->adds == ADDS_RATED || row->adds == ADDS_ESTIMATED_PART;
        assert_int_equal(rated, row->rate != RATE_NONE);
        if (rated)
            assert_int_equal(row->decimals, rate_decimals((enum rate)row->rate));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
