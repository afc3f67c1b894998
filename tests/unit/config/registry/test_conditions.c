/* Physical conditions of meters: what a reading of a gas line or of a steam line becomes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/registry/tables.h"
#include "config/units/conditions.h"
#include "config/units/steam.h"

static struct registry *build(void)
{
    static const char *const factors[] = {"tests/data/tables/own_factors.csv"};
    static const struct tables_conf conf = {
        .facilities = "tests/data/tables/group_facilities.csv",
        .meters = "tests/data/tables/group_conditions.csv",
        .factors = factors,
        .factors_count = 1,
        .catalogue = "config/factors",
        .countries = "config/factors/countries.csv",
        .group_levels = {"region"},
        .group_levels_count = 1,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
    };
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    struct registry *registry = NULL;
    int err = registry_build(&registry, &conf, &faults);
    if (err != 0)
        fail_msg("error %d:\n%s", err, buffer_text(&text));
    assert_int_equal(faults.errors, 0);
    buffer_fini(&text);
    return registry;
}

static const struct meter *find(const struct registry *registry, const char *id)
{
    uint32_t meter = registry_find_meter(registry, id, strlen(id));
    if (meter == REGISTRY_NONE)
        fail_msg("no meter %s", id);
    return &registry->meters[meter];
}

/* Every wanted amount was worked out with exact fractions, in micro-units, half to even. */
static void test_readings(void **state)
{
    (void)state;
    static const struct {
        const char *meter, *unit, *value;
        int64_t want_micro;
    } cases[] = {
        {"gas-15c", "m3", "10000", INT64_C(11572241753)},
        {"gas-0c", "m3", "10000", INT64_C(10969834582)},
        {"gas-absolute", "m3", "10000", INT64_C(11572241753)},
        {"gas-real", "m3", "1", INT64_C(45419632)},
        {"gas-psi", "ft3", "1", 66843},
        {"gas-ten", "m3", "1000", INT64_C(11572241753)},
        {"gas-flow", "m3/h", "10000", INT64_C(11572241753)},
        {"gas-15c", "ccf", "1", 3276894},
        {"gas-done", "m3", "10000", INT64_C(10000000000)},
        {"gas-plain", "Sm3", "10000", INT64_C(10000000000)},
        {"steam", "t", "100", 243300000},
        {"steam", "kg", "100000", 243300000},
        {"steam-kwh", "kg", "100000", INT64_C(67583333333)},
        {"steam-kwh", "t", "100", INT64_C(67583333333)},
        {"steam-high", "t", "1", 2262000},
    };
    struct registry *registry = build();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct meter *meter = find(registry, cases[i].meter);
        bool known;
        const struct unit_scale *scale =
            registry_find_unit(registry, (uint32_t)(meter - registry->meters), cases[i].unit,
                               strlen(cases[i].unit), &known);
        struct decimal value;
        int64_t micro = 0;
        if (scale == NULL || decimal_parse(&value, cases[i].value, strlen(cases[i].value)) < 0 ||
            decimal_to_micro(&micro, value, scale->scale) < 0 || micro != cases[i].want_micro)
            fail_msg("%s: %s %s is %" PRId64 ", want %" PRId64, cases[i].meter, cases[i].value,
                     cases[i].unit, micro, cases[i].want_micro);
    }
    registry_destroy(&registry);
}

/* An event in a corrected volume would be corrected twice, and heat is no mass of steam. */
static void test_units_refused(void **state)
{
    (void)state;
    static const struct {
        const char *meter, *unit;
    } cases[] = {
        {"gas-15c", "Sm3"},  {"gas-15c", "Nm3"}, {"gas-15c", "scf"}, {"gas-flow", "Sm3/h"},
        {"gas-plain", "m3"}, {"steam", "GJ"},    {"steam", "kWh"},   {"steam", "m3"},
    };
    struct registry *registry = build();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct meter *meter = find(registry, cases[i].meter);
        bool known = false;
        if (registry_find_unit(registry, (uint32_t)(meter - registry->meters), cases[i].unit,
                               strlen(cases[i].unit), &known) != NULL ||
            !known)
            fail_msg("%s takes %s", cases[i].meter, cases[i].unit);
    }
    registry_destroy(&registry);
}

/* A bound may be in the unit of the readings, or in that of the activity. */
static void test_rates(void **state)
{
    (void)state;
    static const struct {
        const char *meter;
        int64_t want_micro;
    } cases[] = {
        {"gas-0c", 1096983458}, {"gas-absolute", 1000000000},
        {"steam", 24330000},    {"steam-kwh", INT64_C(5000000000)},
        {"gas-15c", 0},
    };
    struct registry *registry = build();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = find(registry, cases[i].meter)->rate_max;
        if (got != cases[i].want_micro)
            fail_msg("%s: %" PRId64, cases[i].meter, got);
    }
    registry_destroy(&registry);
}

/* The whole kJ/kg of the table beside IAPWS-IF97 itself: tests/data/steam/make_steam.py. */
static void test_steam_table(void **state)
{
    (void)state;
    FILE *file = fopen("tests/data/steam/saturation.txt", "r");
    assert_non_null(file);
    char line[128];
    int count = 0;
    mpq_t at;
    mpq_init(at);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        bool steam = strncmp(line, "steam ", 6) == 0;
        char *rest = line + 6;
        long where = strtol(rest, &rest, 10);
        double want = strtod(rest, NULL);
        int64_t got = 0;
        mpq_set_si(at, steam ? where * 1000 : where * 100 + 27315, steam ? 1 : 100);
        mpq_canonicalize(at);
        assert_int_equal(steam ? steam_enthalpy(&got, at) : feed_enthalpy(&got, at), 0);
        if ((double)got > want + 0.75 || (double)got < want - 0.75)
            fail_msg("%.6s%ld: %" PRId64 ", IF97 has %.3f", line, where, got, want);
        count++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(count > 200);
    mpq_clear(at);
}

static void test_parsing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t num, den; /* Pa; den 0: refused */
        enum pressure_kind kind;
    } pressures[] = {
        {"20 kPa(g)", 20000, 1, PRESSURE_GAUGE},
        {"20kPa (g)", 20000, 1, PRESSURE_GAUGE},
        {"7 barg", 700000, 1, PRESSURE_GAUGE},
        {"1.2 bar(a)", 120000, 1, PRESSURE_ABSOLUTE},
        {"-0.2 bar(g)", -20000, 1, PRESSURE_GAUGE},
        {"101.325 kPa", 101325, 1, PRESSURE_UNSAID},
        {"1013.25 mbar", 101325, 1, PRESSURE_UNSAID},
        {"0.1 MPa", 100000, 1, PRESSURE_UNSAID},
        {"1 psi", INT64_C(8896443230521), 1290320000, PRESSURE_UNSAID},
        {"", 0, 0, 0},
        {"20", 0, 0, 0},
        {"kPa", 0, 0, 0},
        {"20 kpa(g)", 0, 0, 0},
        {"20 kPa(gauge)", 0, 0, 0},
        {"20 atm", 0, 0, 0},
        {"2,0 bar(g)", 0, 0, 0},
        {"--2 bar(g)", 0, 0, 0},
        {"1.2.3 bar(g)", 0, 0, 0},
    };
    mpq_t value;
    mpq_t want;
    mpq_inits(value, want, NULL);
    for (size_t i = 0; i < ARRAY_LEN(pressures); i++) {
        enum pressure_kind kind = PRESSURE_UNSAID;
        int err = pressure_parse(value, &kind, pressures[i].text);
        bool good = pressures[i].den != 0;
        mpq_set_si(want, pressures[i].num, (unsigned long)(good ? pressures[i].den : 1));
        if (good ? err != 0 || mpq_cmp(value, want) != 0 || kind != pressures[i].kind
                 : err != ERR_SYNTAX)
            fail_msg("pressure \"%s\"", pressures[i].text);
    }
    static const struct {
        const char *text;
        int64_t num, den; /* K; den 0: refused */
    } temperatures[] = {
        {"25 C", 29815, 100},     {"25\u00b0C", 29815, 100},
        {"-10 C", 26315, 100},    {"68 F", 29315, 100},
        {"298.15 K", 29815, 100}, {"25", 0, 0},
        {"25 c", 0, 0},           {"C", 0, 0},
        {"25 R", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(temperatures); i++) {
        int err = temperature_parse(value, temperatures[i].text);
        bool good = temperatures[i].den != 0;
        mpq_set_si(want, temperatures[i].num, (unsigned long)(good ? temperatures[i].den : 1));
        mpq_canonicalize(want);
        if (good ? err != 0 || mpq_cmp(value, want) != 0 : err != ERR_SYNTAX)
            fail_msg("temperature \"%s\"", temperatures[i].text);
    }
    mpq_clears(value, want, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings), cmocka_unit_test(test_units_refused),
        cmocka_unit_test(test_rates),    cmocka_unit_test(test_steam_table),
        cmocka_unit_test(test_parsing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
