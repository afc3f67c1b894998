#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/units/units.h"

static struct ratio scale_of(const struct unit *unit)
{
    struct ratio scale;
    mpq_t exact;
    mpq_init(exact);
    unit_scale(exact, unit);
    assert_int_equal(fraction_to_ratio(&scale, exact), 0);
    mpq_clear(exact);
    return scale;
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int dimension, state, basis, quantity;
        bool rate;
        int64_t num, den;
    } cases[] = {
        {"kWh", DIMENSION_ENERGY, 0, 0, QUANTITY_ENERGY, false, 3600000, 1},
        {"GJ", DIMENSION_ENERGY, 0, 0, QUANTITY_HEAT, false, 1000000000, 1},
        {"MMBtu", DIMENSION_ENERGY, 0, 0, QUANTITY_HEAT, false, 52752792631, 50},
        {"therm", DIMENSION_ENERGY, 0, 0, QUANTITY_HEAT, false, 52752792631, 500},
        {"kcal", DIMENSION_ENERGY, 0, 0, QUANTITY_HEAT, false, 20934, 5},
        {"tce", DIMENSION_ENERGY, 0, 0, QUANTITY_HEAT, false, 29307600000, 1},
        {"kWh_ncv", DIMENSION_ENERGY, 0, BASIS_NCV, QUANTITY_ENERGY, false, 3600000, 1},
        {"GJ_gcv", DIMENSION_ENERGY, 0, BASIS_GCV, QUANTITY_HEAT, false, 1000000000, 1},
        {"lb", DIMENSION_MASS, 0, 0, QUANTITY_MASS, false, 45359237, 100000000},
        {"tonne", DIMENSION_MASS, 0, 0, QUANTITY_MASS, false, 1000, 1},
        {"short_ton", DIMENSION_MASS, 0, 0, QUANTITY_MASS, false, 45359237, 50000},
        {"L", DIMENSION_VOLUME, 0, 0, QUANTITY_VOLUME, false, 1, 1000},
        {"gal", DIMENSION_VOLUME, 0, 0, QUANTITY_VOLUME, false, 473176473, 125000000000},
        {"m3", DIMENSION_VOLUME, STATE_NONE, 0, -1, false, 1, 1},
        {"m³", DIMENSION_VOLUME, STATE_NONE, 0, -1, false, 1, 1},
        {"Nm3", DIMENSION_VOLUME, STATE_0C, 0, QUANTITY_GAS_VOLUME, false, 1, 1},
        {"Nm³", DIMENSION_VOLUME, STATE_0C, 0, QUANTITY_GAS_VOLUME, false, 1, 1},
        {"Sm3", DIMENSION_VOLUME, STATE_15C, 0, QUANTITY_GAS_VOLUME, false, 1, 1},
        {"m3_20C", DIMENSION_VOLUME, STATE_20C, 0, QUANTITY_GAS_VOLUME, false, 1, 1},
        {"pcs", DIMENSION_ITEM, 0, 0, QUANTITY_ITEM, false, 1, 1},
        {"kW", DIMENSION_ENERGY, 0, 0, QUANTITY_ENERGY, true, 3600000, 1},
        {"MW", DIMENSION_ENERGY, 0, 0, QUANTITY_ENERGY, true, 3600000000, 1},
        {"kWh/h", DIMENSION_ENERGY, 0, 0, QUANTITY_ENERGY, true, 3600000, 1},
        {"L/min", DIMENSION_VOLUME, 0, 0, QUANTITY_VOLUME, true, 3, 50},
        {"kg/s", DIMENSION_MASS, 0, 0, QUANTITY_MASS, true, 3600, 1},
        {"Nm3/d", DIMENSION_VOLUME, STATE_0C, 0, QUANTITY_GAS_VOLUME, true, 1, 24},
        {"kW_gcv", DIMENSION_ENERGY, 0, BASIS_GCV, QUANTITY_ENERGY, true, 3600000, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct unit unit;
        if (!unit_find(&unit, cases[i].text, strlen(cases[i].text)))
            fail_msg("%s is not found", cases[i].text);
        struct ratio scale = scale_of(&unit);
        bool right = unit.dimension == cases[i].dimension && unit.state == cases[i].state &&
                     unit.basis == cases[i].basis && unit.quantity == cases[i].quantity &&
                     unit.rate == cases[i].rate && scale.num == cases[i].num &&
                     scale.den == cases[i].den;
        if (!right)
            fail_msg("%s: dimension %d state %d basis %d quantity %d rate %d scale %lld/%lld",
                     cases[i].text, unit.dimension, unit.state, unit.basis, unit.quantity,
                     unit.rate, (long long)scale.num, (long long)scale.den);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",       " ",       "kWh ",   " kWh",        "mW",      "mw",     "MWH/",       "/h",
        "kWh/",   "kWh//h",  "kWh/kg", "kW/h",        "kWh/h/h", "kwH",    "nm3",        "Nm 3",
        "ton",    "gallon",  "m2",     "kg_ncv",      "_ncv",    "_gcv",   "kWh_hhv",    "kWh_NCV",
        "m3/ncv", "Nm3_ncv", "L_gcv",  "kWh_ncv_gcv", "units ",  "wh KWH", "unit items",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct unit unit;
        if (unit_find(&unit, cases[i], strlen(cases[i])))
            fail_msg("\"%s\" is found as %s", cases[i], unit.name);
    }
}

/* Every name and alias is found, and none is another unit's. */
static void test_spellings(void **state)
{
    (void)state;
    const char *name;
    size_t count = 0;
    for (; (name = unit_name_at(count)) != NULL; count++) {
        struct unit unit;
        assert_true(unit_find(&unit, name, strlen(name)));
        assert_string_equal(unit.name, name);
        for (const char *alias = unit_aliases_at(count); *alias != '\0';) {
            size_t size = strcspn(alias, " ");
            assert_true(unit_find(&unit, alias, size));
            assert_string_equal(unit.name, name);
            alias += size + (alias[size] == ' ');
        }
    }
    assert_true(count > 40);
}

static void test_ratio(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        enum quantity quantity;
        int want;
        struct ratio multiplier;
        struct ratio want_ratio;
    } cases[] = {
        {"kWh", QUANTITY_ENERGY, 0, {1, 1}, {1, 1}},
        {"kWh", QUANTITY_ENERGY, 0, {1, 10}, {1, 10}},
        {"GJ", QUANTITY_ENERGY, 0, {1, 1}, {2500, 9}},
        {"MMBtu", QUANTITY_HEAT, 0, {1, 1}, {52752792631, 50000000000}},
        {"L/min", QUANTITY_VOLUME, 0, {1, 1}, {60, 1}},
        {"TWh/s", QUANTITY_ENERGY, 0, {1, 1}, {3600000000000, 1}}, /* 1.3e19 J/h on the way */
        {"TWh", QUANTITY_ENERGY, 0, {INT64_MAX, INT64_MAX}, {1000000000, 1}},
        {"TWh", QUANTITY_ENERGY, ERR_RANGE, {INT64_MAX, 1}, {0, 0}},
        {"mL", QUANTITY_GAS_VOLUME, ERR_RANGE, {1, INT64_MAX}, {0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct unit unit;
        struct ratio got = {0, 0};
        assert_true(unit_find(&unit, cases[i].unit, strlen(cases[i].unit)));
        int err = unit_ratio(&got, &unit, cases[i].quantity, cases[i].multiplier);
        if (err != cases[i].want || got.num != cases[i].want_ratio.num ||
            got.den != cases[i].want_ratio.den)
            fail_msg("%s: got %d, %lld/%lld", cases[i].unit, err, (long long)got.num,
                     (long long)got.den);
    }
}

static void test_fits(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        enum quantity quantity;
        bool want;
    } cases[] = {
        {"kWh", QUANTITY_ENERGY, true},     {"GJ", QUANTITY_ENERGY, true},
        {"kWh", QUANTITY_HEAT, true},       {"kg", QUANTITY_ENERGY, false},
        {"Nm3", QUANTITY_GAS_VOLUME, true}, {"m3", QUANTITY_GAS_VOLUME, true},
        {"m3", QUANTITY_VOLUME, true},      {"Nm3", QUANTITY_VOLUME, false},
        {"scf", QUANTITY_VOLUME, false},    {"L", QUANTITY_MASS, false},
        {"unit", QUANTITY_ITEM, true},      {"kg", QUANTITY_ITEM, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct unit unit;
        assert_true(unit_find(&unit, cases[i].unit, strlen(cases[i].unit)));
        if (unit_fits(&unit, cases[i].quantity) != cases[i].want)
            fail_msg("%s as %s", cases[i].unit, quantity_name(cases[i].quantity));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_spellings), cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
