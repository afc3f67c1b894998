/* Ways from a meter's unit to a factor's, which no table of the catalogue takes yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/registry/conversion.h"

/* Heating oil: kg of gas per litre, or per kg, or per GJ; 0.84 kg/L and 43 MJ/kg. */
static struct factor_row oil;
static struct gwp gwp;

static void set(mpq_t value, const char *text)
{
    assert_int_equal(mpq_set_str(value, text, 10), 0);
    mpq_canonicalize(value);
}

static int set_up(void **state)
{
    (void)state;
    oil = (struct factor_row){
        .id = "oil",
        .basis = BASIS_NCV,
        .heat = {.known = true, .from = DIMENSION_MASS, .to = DIMENSION_ENERGY},
        .density = {.known = true, .from = DIMENSION_VOLUME, .to = DIMENSION_MASS},
    };
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_init(oil.mass[gas]);
    mpq_inits(oil.heat.ratio, oil.density.ratio, gwp.ch4, gwp.n2o, NULL);
    set(oil.heat.ratio, "43000000");
    set(oil.density.ratio, "840");
    set(gwp.ch4, "28");
    set(gwp.n2o, "265");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_clear(oil.mass[gas]);
    mpq_clears(oil.heat.ratio, oil.density.ratio, gwp.ch4, gwp.n2o, NULL);
    return 0;
}

/* One kg of CO2 in each unit of the factor. */
static void test_both_bridges(void **state)
{
    (void)state;
    static const struct {
        const char *unit; /* of the factor */
        struct activity_unit activity;
        const char *want; /* kg per canonical unit */
    } cases[] = {
        {"L", {QUANTITY_VOLUME, STATE_NONE, BASIS_NONE}, "1"},
        {"L", {QUANTITY_MASS, STATE_NONE, BASIS_NONE}, "25/21"},
        {"L", {QUANTITY_HEAT, STATE_NONE, BASIS_NCV}, "25000/903"},
        {"kg", {QUANTITY_VOLUME, STATE_NONE, BASIS_NONE}, "21/25"},
        {"kg", {QUANTITY_HEAT, STATE_NONE, BASIS_NCV}, "1000/43"},
        {"GJ", {QUANTITY_MASS, STATE_NONE, BASIS_NONE}, "43/1000"},
        {"GJ", {QUANTITY_VOLUME, STATE_NONE, BASIS_NONE}, "903/25000"},
    };
    mpq_t masses[GAS_COUNT];
    mpq_t want;
    mpq_init(want);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_init(masses[gas]);
    set(oil.mass[GAS_CO2], "1");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(unit_find(&oil.unit, cases[i].unit, strlen(cases[i].unit)));
        assert_int_equal(conversion_fit(&oil, cases[i].activity), FIT_RIGHT);
        conversion_masses(masses, &oil, cases[i].activity, &gwp);
        set(want, cases[i].want);
        if (!mpq_equal(masses[GAS_CO2], want) || !mpq_equal(masses[GAS_CO2E], want))
            fail_msg("row %zu: %.17g", i, fraction_to_double(masses[GAS_CO2]));
    }
    for (int gas = 0; gas < GAS_COUNT; gas++)
        mpq_clear(masses[gas]);
    mpq_clear(want);
}

/* The column of the matrix: trace gases in micrograms, all else in milligrams; and what does not
 * tell the gases apart. */
static void test_factors(void **state)
{
    (void)state;
    double factors[RATE_COUNT];
    const struct activity_unit kg = {QUANTITY_MASS, STATE_NONE, BASIS_NONE};
    assert_true(unit_find(&oil.unit, "kg", 2));
    set(oil.mass[GAS_CO2], "3");
    set(oil.mass[GAS_CH4], "1/4");
    set(oil.mass[GAS_N2O], "1/8");
    set(oil.mass[GAS_BIOGENIC_CO2], "2");
    conversion_factors(factors, &oil, kg, &gwp);
    static const double apart[RATE_COUNT] = {
        [RATE_CO2] = 3,          [RATE_CH4] = 250,     [RATE_N2O] = 125,
        [RATE_BIOGENIC_CO2] = 2, [RATE_CO2E] = 43.125, [RATE_CO2E_UNSPLIT] = 0,
        [RATE_ENERGY] = 0.043,
    };
    for (size_t i = 0; i < RATE_COUNT; i++)
        assert_true(factors[i] == apart[i]);
    oil.unsplit = true;
    set(oil.mass[GAS_CO2], "0");
    set(oil.mass[GAS_CH4], "0");
    set(oil.mass[GAS_N2O], "0");
    set(oil.mass[GAS_CO2E], "7/2");
    conversion_factors(factors, &oil, kg, &gwp);
    assert_true(factors[RATE_CO2E] == 3.5);
    assert_true(factors[RATE_CO2E_UNSPLIT] == 3.5);
    assert_true(factors[RATE_CO2] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_bridges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_factors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
