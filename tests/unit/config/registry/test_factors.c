#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/registry/conversion_table.h"

struct catalogue {
    struct arena *arena;
    struct country_table countries;
    struct factor_table table;
};

static void load(struct catalogue *catalogue, const char *own, const char *gwp_set)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    assert_int_equal(arena_create(&catalogue->arena), 0);
    countries_init(&catalogue->countries, catalogue->arena);
    assert_int_equal(countries_load(&catalogue->countries, "config/factors/countries.csv", &faults),
                     0);
    factors_init(&catalogue->table, catalogue->arena, gwp_set, &catalogue->countries);
    if (own != NULL)
        assert_int_equal(factors_load(&catalogue->table, own, &faults), 0);
    assert_int_equal(factors_load_catalogue(&catalogue->table, "config/factors", &faults), 0);
    if (faults.errors + faults.warnings != 0)
        fail_msg("%s", buffer_text(&text));
    buffer_fini(&text);
}

static void unload(struct catalogue *catalogue)
{
    factors_fini(&catalogue->table);
    countries_fini(&catalogue->countries);
    arena_destroy(&catalogue->arena);
}

static bool equals(mpq_srcptr value, const char *text)
{
    mpq_t want;
    mpq_init(want);
    assert_int_equal(fraction_parse(want, text, strlen(text)), 0);
    bool same = mpq_equal(value, want) != 0;
    mpq_clear(want);
    return same;
}

/* The edition whose valid_from is the last up to the year's end; year 0: the first. */
static const struct factor_row *edition(const struct catalogue *catalogue, const char *id, int year)
{
    const struct factor_row *row = factors_find(&catalogue->table, id);
    const struct factor_row *next;
    if (row == NULL)
        fail_msg("no factor %s", id);
    while (year != 0 && (next = factors_next(&catalogue->table, row)) != NULL &&
           next->valid_from.year <= year)
        row = next;
    return row;
}

static void find_mass(mpq_t mass_out, const struct catalogue *catalogue,
                      const struct factor_row *row, struct activity_unit activity, enum gas gas)
{
    mpq_t masses[GAS_COUNT];
    enum fit fit = conversion_fit(row, activity);
    if (fit > FIT_STATE_ASSUMED)
        fail_msg("%s: %s does not fit (%d)", row->id, quantity_name(activity.quantity), (int)fit);
    for (int i = 0; i < GAS_COUNT; i++)
        mpq_init(masses[i]);
    conversion_masses(masses, row, activity, &catalogue->table.gwp);
    mpq_set(mass_out, masses[gas]);
    for (int i = 0; i < GAS_COUNT; i++)
        mpq_clear(masses[i]);
}

/* Fails unless the mass of the gas is exactly this. */
static void check_mass(const struct catalogue *catalogue, const struct factor_row *row,
                       struct activity_unit activity, enum gas gas, const char *want)
{
    mpq_t got;
    mpq_init(got);
    find_mass(got, catalogue, row, activity, gas);
    if (want != NULL && !equals(got, want))
        fail_msg("%s, line %d: want %s, got %.17g", row->id, row->line, want,
                 fraction_to_double(got));
    mpq_clear(got);
}

/* GJ per canonical unit: as metered, or by the heat content of the factor. */
static void test_energy(void **state)
{
    (void)state;
    static const struct {
        const char *id; /* NULL: no factor */
        struct activity_unit activity;
        double want; /* 0: not known */
    } cases[] = {
        {NULL, {QUANTITY_ENERGY, 0, 0}, 0.0036},
        {NULL, {QUANTITY_HEAT, 0, 0}, 1},
        {NULL, {QUANTITY_MASS, 0, 0}, 0},
        {"grid.cn.shanghai", {QUANTITY_ENERGY, 0, 0}, 0.0036},
        {"onsite.solar", {QUANTITY_ENERGY, 0, 0}, 0.0036},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NCV}, 0.0036},
        {"ipcc2006.natural_gas", {QUANTITY_MASS, 0, 0}, 0.048},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, 0.037536},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_NONE, 0}, 0.037536},
        {"ipcc2006.wood_wood_waste", {QUANTITY_MASS, 0, 0}, 0.0156},
        {"epa2025.anthracite", {QUANTITY_MASS, 0, 0}, 0.02917967},
        {"desnz.lpg", {QUANTITY_VOLUME, 0, 0}, 0},
        {"own.b30", {QUANTITY_VOLUME, 0, 0}, 0},
        {"own.gas", {QUANTITY_GAS_VOLUME, 0, 0}, 0},
        {"own.coal", {QUANTITY_MASS, 0, 0}, 0.0225},
        {"refrigerant.r_410a", {QUANTITY_MASS, 0, 0}, 0},
    };
    struct catalogue catalogue;
    load(&catalogue, "tests/data/tables/own_factors.csv", "AR5");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct factor_row *row =
            cases[i].id != NULL ? edition(&catalogue, cases[i].id, 0) : NULL;
        double got = conversion_energy(row, cases[i].activity);
        if (got != cases[i].want)
            fail_msg("row %zu: got %.17g", i, got);
        double factors[RATE_COUNT];
        if (row == NULL)
            continue;
        conversion_factors(factors, row, cases[i].activity, &catalogue.table.gwp);
        assert_true(factors[RATE_ENERGY] == got);
    }
    unload(&catalogue);
}

/* Each edition and activity has one conversion, with the numbers of conversion.h. */
static void test_conversion_table(void **state)
{
    (void)state;
    static const struct {
        const char *id; /* NULL: no factor */
        struct activity_unit activity;
        enum fit fit;
        uint32_t count; /* conversions that there are then */
    } cases[] = {
        {"ipcc2006.natural_gas", {QUANTITY_MASS, 0, 0}, FIT_RIGHT, 1},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NCV}, FIT_RIGHT, 2},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_GCV}, FIT_BASIS, 3},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, FIT_RIGHT, 4},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, 0, 0}, FIT_STATE_ASSUMED, 5},
        {"ipcc2006.natural_gas", {QUANTITY_MASS, 0, 0}, FIT_RIGHT, 5},
        {"ipcc2006.natural_gas", {QUANTITY_ITEM, 0, 0}, FIT_QUANTITY, 6},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_GCV}, FIT_BASIS, 6},
        {"refrigerant.r_410a", {QUANTITY_MASS, 0, 0}, FIT_RIGHT, 7},
        {NULL, {QUANTITY_MASS, 0, 0}, FIT_RIGHT, 8},
        {NULL, {QUANTITY_ENERGY, 0, 0}, FIT_RIGHT, 9},
        {NULL, {QUANTITY_MASS, 0, 0}, FIT_RIGHT, 9},
    };
    struct catalogue catalogue;
    struct conversion_table table;
    load(&catalogue, "tests/data/tables/own_factors.csv", "AR5");
    assert_int_equal(conversion_table_init(&table, &catalogue.table), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct factor_row *row =
            cases[i].id != NULL ? edition(&catalogue, cases[i].id, 0) : NULL;
        const struct conversion *got;
        bool known = i > 0 && cases[i].count == cases[i - 1].count;
        assert_true(known == (conversion_table_find(&table, row, cases[i].activity) != NULL));
        assert_int_equal(conversion_table_add(&table, row, cases[i].activity, &got), 0);
        assert_ptr_equal(got, conversion_table_find(&table, row, cases[i].activity));
        if (got->fit != cases[i].fit || table.count != cases[i].count)
            fail_msg("row %zu: fit %d, %u conversions", i, (int)got->fit, table.count);
        double kg[GAS_COUNT] = {0};
        double factors[RATE_COUNT] = {0};
        if (row == NULL)
            factors[RATE_ENERGY] = conversion_energy(NULL, cases[i].activity);
        else if (got->fit <= FIT_STATE_ASSUMED) {
            conversion_rates(kg, row, cases[i].activity, &catalogue.table.gwp);
            conversion_factors(factors, row, cases[i].activity, &catalogue.table.gwp);
        }
        assert_memory_equal(got->kg, kg, sizeof(kg));
        assert_memory_equal(got->factors, factors, sizeof(factors));
    }
    conversion_table_fini(&table);
    unload(&catalogue);
}

/* kg per canonical unit, to the last digit. */
static void test_worked_examples(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        struct activity_unit activity;
        enum gas gas;
        const char *want;
    } cases[] = {
        {"ipcc2006.gas_diesel_oil", {QUANTITY_MASS, 0, 0}, GAS_CO2, "3.1863"},
        {"ipcc2006.gas_diesel_oil", {QUANTITY_VOLUME, 0, 0}, GAS_CO2, "2.6464292595"},
        {"own.diesel", {QUANTITY_VOLUME, 0, 0}, GAS_CO2, "2.676492"},
        {"ipcc2006.natural_gas", {QUANTITY_MASS, 0, 0}, GAS_CO2, "2.6928"},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NCV}, GAS_CO2, "0.20196"},
        {"ipcc2006.natural_gas", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CO2, "56.1"},
        {"ipcc2006.natural_gas", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CO2E, "56.1545"},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NCV}, GAS_CO2E, "0.2021562"},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, GAS_CO2, "2.1057696"},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_NONE, 0}, GAS_CO2, "2.1057696"},
        {"ipcc2006.natural_gas", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CH4, "0.001"},
        {"ipcc2006.natural_gas", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_N2O, "0.0001"},
        {"ipcc2006.motor_gasoline", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CO2, "69.3"},
        {"ipcc2006.residual_fuel_oil", {QUANTITY_MASS, 0, 0}, GAS_CO2, "3.12696"},
        {"ipcc2006.lpg", {QUANTITY_MASS, 0, 0}, GAS_CO2, "2.98463"},
        {"ipcc2006.other_bituminous_coal", {QUANTITY_MASS, 0, 0}, GAS_CO2, "2.44068"},
        {"ipcc2006.other_bituminous_coal", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CH4, "0.01"},
        {"ipcc2006.sub_bituminous_coal", {QUANTITY_MASS, 0, 0}, GAS_CO2, "1.81629"},
        {"ipcc2006.anthracite", {QUANTITY_MASS, 0, 0}, GAS_CO2, "2.62461"},
        {"ipcc2006.lignite", {QUANTITY_MASS, 0, 0}, GAS_CO2, "1.2019"},
        {"ipcc2006.wood_wood_waste", {QUANTITY_MASS, 0, 0}, GAS_BIOGENIC_CO2, "1.7472"},
        {"ipcc2006.wood_wood_waste", {QUANTITY_MASS, 0, 0}, GAS_CO2, "0"},
        {"ipcc2006.wood_wood_waste", {QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CO2E, "1.9"},
        {"epa2025.natural_gas", {QUANTITY_GAS_VOLUME, STATE_68F, 0}, GAS_CO2, NULL},
        {"desnz.natural_gas", {QUANTITY_ENERGY, 0, BASIS_GCV}, GAS_CO2E, "0.1829"},
        {"grid.us.camx", {QUANTITY_ENERGY, 0, 0}, GAS_CO2, "0.19434800121968"},
        {"grid.us.camx", {QUANTITY_HEAT, 0, 0}, GAS_CO2, NULL},
        {"onsite.solar", {QUANTITY_ENERGY, 0, 0}, GAS_CO2E, "0"},
        {"refrigerant.r_404a", {QUANTITY_MASS, 0, 0}, GAS_CO2E, "3942.8"},
        {"refrigerant.r_407c", {QUANTITY_MASS, 0, 0}, GAS_CO2E, "1624.21"},
        {"refrigerant.r_410a", {QUANTITY_MASS, 0, 0}, GAS_CO2E, "1923.5"},
        {"refrigerant.r_507a", {QUANTITY_MASS, 0, 0}, GAS_CO2E, "3985"},
        {"refrigerant.r_410a", {QUANTITY_MASS, 0, 0}, GAS_CO2, "0"},
        {"own.b30", {QUANTITY_VOLUME, 0, 0}, GAS_BIOGENIC_CO2, "0.77"},
        {"own.b30", {QUANTITY_VOLUME, 0, 0}, GAS_CO2E, "1.8526"},
        {"own.steam", {QUANTITY_HEAT, 0, 0}, GAS_CO2E, "70.125"},
        {"own.steam", {QUANTITY_ENERGY, 0, 0}, GAS_CO2E, "0.25245"},
        {"own.gas", {QUANTITY_GAS_VOLUME, 0, 0}, GAS_CO2, "2.05"},
        {"own.coal", {QUANTITY_MASS, 0, 0}, GAS_CO2, "2.1"},
        {"own.coal", {QUANTITY_ENERGY, 0, BASIS_NCV}, GAS_CO2, "0.336"},
        {"grid.cn.shanghai", {QUANTITY_ENERGY, 0, 0}, GAS_CO2, "0.4"},
    };
    struct catalogue catalogue;
    load(&catalogue, "tests/data/tables/own_factors.csv", "AR5");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_mass(&catalogue, edition(&catalogue, cases[i].id, 0), cases[i].activity, cases[i].gas,
                   cases[i].want);
    unload(&catalogue);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        struct activity_unit activity;
        enum fit want;
    } cases[] = {
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_GCV}, FIT_BASIS},
        {"ipcc2006.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NONE}, FIT_BASIS_MISSING},
        {"ipcc2006.natural_gas", {QUANTITY_MASS, 0, BASIS_NCV}, FIT_BASIS_NEEDLESS},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_15C, 0}, FIT_STATE},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_20C, 0}, FIT_STATE},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_68F, 0}, FIT_STATE},
        {"ipcc2006.natural_gas", {QUANTITY_GAS_VOLUME, STATE_0C, BASIS_GCV}, FIT_BASIS_NEEDLESS},
        {"ipcc2006.natural_gas", {QUANTITY_VOLUME, 0, 0}, FIT_QUANTITY},
        {"ipcc2006.natural_gas", {QUANTITY_ITEM, 0, 0}, FIT_QUANTITY},
        {"ipcc2006.natural_gas_15c", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, FIT_STATE},
        {"ipcc2006.anthracite", {QUANTITY_VOLUME, 0, 0}, FIT_QUANTITY},
        {"ipcc2006.anthracite", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, FIT_QUANTITY},
        {"epa2025.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NCV}, FIT_BASIS},
        {"epa2025.natural_gas", {QUANTITY_MASS, 0, 0}, FIT_QUANTITY},
        {"epa2025.natural_gas", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, FIT_STATE},
        {"desnz.natural_gas", {QUANTITY_ENERGY, 0, BASIS_NCV}, FIT_BASIS},
        {"grid.cn", {QUANTITY_MASS, 0, 0}, FIT_QUANTITY},
        {"grid.cn", {QUANTITY_ENERGY, 0, BASIS_NCV}, FIT_BASIS_NEEDLESS},
        {"own.gas", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, FIT_STATE},
        {"own.steam", {QUANTITY_MASS, 0, 0}, FIT_QUANTITY},
        {"refrigerant.sf6", {QUANTITY_GAS_VOLUME, STATE_0C, 0}, FIT_QUANTITY},
    };
    struct catalogue catalogue;
    load(&catalogue, "tests/data/tables/own_factors.csv", "AR5");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum fit got = conversion_fit(edition(&catalogue, cases[i].id, 0), cases[i].activity);
        if (got != cases[i].want)
            fail_msg("%s as %s: got %d, want %d", cases[i].id,
                     quantity_name(cases[i].activity.quantity), (int)got, (int)cases[i].want);
    }
    unload(&catalogue);
}

/* 53.06 kg a MMBtu is 5.306 kg a therm, and a US figure in lb is converted exactly. */
static void test_epa(void **state)
{
    (void)state;
    struct catalogue catalogue;
    load(&catalogue, NULL, "AR5");
    mpq_t mass;
    mpq_t unit;
    mpq_inits(mass, unit, NULL);
    find_mass(mass, &catalogue, edition(&catalogue, "epa2025.natural_gas", 0),
              (struct activity_unit){QUANTITY_HEAT, 0, BASIS_GCV}, GAS_CO2);
    mpq_set_ui(unit, 105505585262, 1000000000000); /* GJ in a therm */
    mpq_canonicalize(unit);
    mpq_mul(mass, mass, unit);
    assert_true(equals(mass, "5.306"));
    find_mass(mass, &catalogue, edition(&catalogue, "grid.us", 0),
              (struct activity_unit){QUANTITY_ENERGY, 0, 0}, GAS_CO2E);
    mpq_set_ui(unit, 45359237, 100000000000); /* t in a lb */
    mpq_canonicalize(unit);
    mpq_div(mass, mass, unit);
    assert_true(equals(mass, "770.884"));
    mpq_clears(mass, unit, NULL);
    unload(&catalogue);
}

static void test_gwp_sets(void **state)
{
    (void)state;
    static const struct {
        const char *set, *gas, *r410a;
    } cases[] = {
        {"AR4", "56.1548", "2087.5"},
        {"AR5", "56.1545", "1923.5"},
        {"AR6", "56.1543", "2255.5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct catalogue catalogue;
        load(&catalogue, NULL, cases[i].set);
        check_mass(&catalogue, edition(&catalogue, "ipcc2006.natural_gas", 0),
                   (struct activity_unit){QUANTITY_HEAT, 0, BASIS_NCV}, GAS_CO2E, cases[i].gas);
        check_mass(&catalogue, edition(&catalogue, "refrigerant.r_410a", 0),
                   (struct activity_unit){QUANTITY_MASS, 0, 0}, GAS_CO2E, cases[i].r410a);
        unload(&catalogue);
    }
}

/* The preferred factor of purchased electricity, by place and year. */
static void test_grids(void **state)
{
    (void)state;
    static const struct {
        const char *country, *region;
        int year;
        bool unsplit;
        const char *want;
    } cases[] = {
        {"CN", "", 2023, false, "0.5306"},
        {"CN", "", 2022, false, "0.5366"},
        {"CN", "", 2021, false, "0.5568"},
        {"CN", "", 2026, false, "0.5306"},
        {"CN", "Yunnan", 2023, false, "0.1333"},
        {"CN", "Tianjin", 2023, false, "0.6796"},
        {"CN", "CN-GD", 2023, false, "0.4419"},
        {"CN", "guangdong", 2022, false, "0.4403"},
        {"CN", "Inner Mongolia", 2023, false, "0.6479"},
        {"CN", "inner_mongolia", 2023, false, "0.6479"},
        {"CN", "East", 2023, false, "0.55"},
        {"IN", "", 2024, false, "0.7117"},
        {"VN", "", 2023, false, "0.6592"},
        {"VN", "", 2022, false, "0.6766"},
        {"TR", "", 2023, true, "0.469"},
        {"TH", "", 2024, true, "0.475"},
        {"TW", "", 2024, true, "0.474"},
        {"TW", "", 2023, true, "0.494"},
        {"KR", "", 2023, true, "0.4173"},
        {"JP", "", 2024, false, "0.423"},
        {"MX", "", 2024, true, "0.444"},
        {"BR", "", 2023, false, "0.0385"},
        {"BR", "", 2021, false, "0.1264"},
        {"DE", "", 2024, false, "0.363"},
        {"FR", "", 2024, true, "0.0217"},
        {"GB", "", 2025, true, "0.177"},
        {"GB", "", 2024, true, "0.20705"},
        {"BD", "", 2024, true, "0.69463"},
        {"LK", "", 2024, true, "0.50978"},
        {"ID", "", 2024, true, "0.68243"},
        {"ES", "", 2024, true, "0.14615"},
    };
    struct catalogue catalogue;
    load(&catalogue, NULL, "AR5");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct factor_row *first =
            factors_find_grid(&catalogue.table, cases[i].country, cases[i].region);
        if (first == NULL) {
            fail_msg("%s %s is not found", cases[i].country, cases[i].region);
            continue;
        }
        const struct factor_row *row = edition(&catalogue, first->id, cases[i].year);
        struct activity_unit activity = {QUANTITY_ENERGY, 0, 0};
        check_mass(&catalogue, row, activity, GAS_CO2E, cases[i].want);
        if (row->unsplit != cases[i].unsplit ||
            (mpq_sgn(row->mass[GAS_CO2]) == 0) != cases[i].unsplit)
            fail_msg("%s %s %d", cases[i].country, cases[i].region, cases[i].year);
    }
    static const char *const refused[][2] = {
        {"NL", ""}, {"CN", "Shenzhen"}, {"", ""}, {"", "Guangdong"}, {"US", "Guangdong"}};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_null(factors_find_grid(&catalogue.table, refused[i][0], refused[i][1]));
    unload(&catalogue);
}

/* Every row says whose it is, where it stands, and how far to trust it. */
static void test_provenance(void **state)
{
    (void)state;
    struct catalogue catalogue;
    load(&catalogue, NULL, "AR6");
    assert_true(catalogue.table.count > 200);
    for (uint32_t i = 0; i < catalogue.table.count; i++) {
        const struct factor *text = &catalogue.table.texts[i];
        if (text->issuer[0] == '\0' || text->source[0] == '\0' || text->confidence[0] == '\0' ||
            text->boundary[0] == '\0' || text->gases[0] == '\0')
            fail_msg("%s: issuer, source, confidence, boundary or gases is empty", text->name);
        if (strcmp(text->confidence, "memory") == 0)
            fail_msg("%s: nobody has seen its source", text->name);
    }
    assert_string_equal(factors_suggest(&catalogue.table, "ipcc2006.natural_gs"),
                        "ipcc2006.natural_gas");
    assert_string_equal(factors_suggest_region(&catalogue.table, "CN", "Zhejang"), "Zhejiang");
    unload(&catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversion_table),
        cmocka_unit_test(test_energy),
        cmocka_unit_test(test_worked_examples),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_epa),
        cmocka_unit_test(test_gwp_sets),
        cmocka_unit_test(test_grids),
        cmocka_unit_test(test_provenance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
