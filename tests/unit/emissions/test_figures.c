#include "pipelines/emissions/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_add(void **state)
{
    (void)state;
    const int128 huge = (int128)INT64_MAX * 4;
    struct figures term = {.noted = true};
    for (int i = 0; i < FIGURE_COUNT; i++)
        term.value[i] = (i % 2 == 0 ? huge : -huge) + i;
    struct figures sum = {0};
    for (int i = 0; i < 1000; i++)
        figures_add(&sum, &term);
    for (int i = 0; i < FIGURE_COUNT; i++)
        assert_true(sum.value[i] == term.value[i] * 1000);
}

static void test_null(void **state)
{
    (void)state;
    struct figures figures = {.value = {[FIGURE_ENERGY] = 7}};
    for (int i = 0; i < FIGURE_COUNT; i++)
        assert_true(figures_know(&figures, (enum figure)i));
    figures.value[FIGURE_ENERGY_UNKNOWN] = 1;
    for (int i = 0; i < FIGURE_COUNT; i++)
        assert_int_equal(figures_know(&figures, (enum figure)i), i != FIGURE_ENERGY);
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
        assert_int_equal(rated || row->adds == ADDS_UNKNOWN_CELL, row->rate != RATE_NONE);
        if (row->unknown != FIGURE_NONE) {
            assert_int_equal(figure_table[row->unknown].adds, ADDS_UNKNOWN_CELL);
            assert_int_equal(figure_table[row->unknown].rate, row->rate);
        }
        if (rated)
            assert_int_equal(row->decimals, rate_decimals((enum rate)row->rate));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
