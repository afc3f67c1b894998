#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "config/registry/countries.h"
#include "config/registry/tables.h"

static const struct tables_conf conf = {
    .facilities = "tests/data/tables/group_facilities.csv",
    .meters = "tests/data/tables/group_meters.csv",
    .catalogue = "config/factors",
    .countries = "config/factors/countries.csv",
    .group_levels = {"region"},
    .group_levels_count = 1,
    .gwp_set = "AR5",
    .bucket_ms = 900000,
    .horizon_ms = INT64_C(7) * 86400000,
    .fiscal_year_start = 1,
};

static struct registry *build(const struct tables_conf *with)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    struct registry *registry = NULL;
    int err = registry_build(&registry, with, &faults);
    if (err != 0)
        fail_msg("error %d:\n%s", err, buffer_text(&text));
    buffer_fini(&text);
    return registry;
}

static uint32_t find(const struct registry *registry, const char *id)
{
    return registry_find_meter(registry, id, strlen(id));
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(timestamp_parse(&ms, text, strlen(text)), 0);
    return ms;
}

/* kg per canonical unit of the meter at that time. */
static double factor_at(const struct registry *registry, const char *id, enum gas gas,
                        const char *time)
{
    uint32_t meter = registry_meter_at(registry, find(registry, id), at(time));
    assert_int_not_equal(meter, REGISTRY_NONE);
    const struct facility *facility = &registry->facilities[registry->meters[meter].facility];
    const struct factor_era *era = registry_era_at(registry, facility, at(time));
    return era->factor[(size_t)gas * facility->meters_count + (meter - facility->meters_first)];
}

static void test_order(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    assert_int_equal(registry->meters_count, 9);
    assert_int_equal(registry->facilities_count, 4);
    for (uint32_t i = 0; i < registry->meters_count; i++) {
        const struct meter *meter = &registry->meters[i];
        const struct series *series = &registry->series[meter->series];
        const struct facility *facility = &registry->facilities[meter->facility];
        assert_int_equal(series->facility, meter->facility);
        assert_true(i >= series->meters_first && i - series->meters_first < series->meters_count);
        assert_true(i >= facility->meters_first &&
                    i - facility->meters_first < facility->meters_count);
        assert_true(meter->series >= facility->series_first &&
                    meter->series - facility->series_first < facility->series_count);
        assert_true(meter->readings_max > 0 && meter->interval_ms > 0 && meter->cell_max > 0);
    }
    registry_destroy(&registry);
    assert_null(registry);
}

static void test_lookup(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    assert_int_equal(find(registry, "hcm"), REGISTRY_NONE);
    assert_int_equal(find(registry, ""), REGISTRY_NONE);
    assert_int_equal(registry_find_meter(registry, "sh-main\0x", 9), REGISTRY_NONE);
    assert_string_equal(registry->meters[find(registry, "tx-main")].id, "tx-main");
    assert_false(registry->meters[find(registry, "tx-main")].negative);
    assert_true(registry->meters[find(registry, "sh-roof")].negative);
    uint32_t facility = registry_find_facility(registry, "ber", 3);
    assert_string_equal(registry->facilities[facility].name, "Berlin");
    assert_string_equal(registry->facilities[facility].groups[0], "Europe");
    assert_int_equal(registry_find_facility(registry, "bern", 4), REGISTRY_NONE);
    registry_destroy(&registry);
}

static void test_versions(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    uint32_t first = find(registry, "hcm-main");
    uint32_t old = registry_meter_at(registry, first, at("2024-12-31T16:59:59.999Z"));
    uint32_t new = registry_meter_at(registry, first, at("2024-12-31T17:00:00Z"));
    assert_int_equal(old, first);
    assert_int_equal(new, registry->meters[first].next_version);
    assert_true(registry->meters[old].own.scale.num == 60);
    assert_true(registry->meters[new].own.scale.num == 80);
    assert_true(registry->meters[new].register_modulus == INT64_C(80) * 1000000 * 1000000);
    assert_true(registry->meters[new].rate_max == INT64_C(2000) * 1000000);
    registry_destroy(&registry);
}

/* From valid_from, else from windows.reporting_from, else from the first reading; in local time. */
static void test_expected_from(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    assert_true(registry->meters[find(registry, "ber-gas")].expected_from_ms == INT64_MIN);
    registry_destroy(&registry);
    struct tables_conf reporting = conf;
    reporting.reporting_from = "2026-02-01";
    registry = build(&reporting);
    assert_true(registry->meters[find(registry, "ber-gas")].expected_from_ms ==
                at("2026-01-31T23:00:00Z"));
    uint32_t old = find(registry, "hcm-main");
    assert_true(registry->meters[old].expected_from_ms == at("2026-01-31T17:00:00Z"));
    assert_true(registry->meters[registry->meters[old].next_version].expected_from_ms ==
                at("2024-12-31T17:00:00Z"));
    registry_destroy(&registry);
}

/* The validity of a facility bounds that of its meters. */
static void test_facility_validity(void **state)
{
    (void)state;
    struct tables_conf bounded = conf;
    bounded.facilities = "tests/data/tables/bad_facilities.csv";
    bounded.meters = "tests/data/tables/small_validity.csv";
    bounded.reporting_from = "2020-01-01";
    struct registry *registry = build(&bounded);
    const struct meter *open = &registry->meters[find(registry, "open")];
    assert_true(open->valid_from_ms == at("2025-12-31T16:00:00Z"));
    assert_true(open->valid_to_ms == at("2026-12-31T16:00:00Z"));
    assert_true(open->expected_from_ms == open->valid_from_ms);
    const struct meter *within = &registry->meters[find(registry, "within")];
    assert_true(within->valid_from_ms == at("2026-02-28T16:00:00Z"));
    assert_true(within->valid_to_ms == at("2026-12-31T16:00:00Z"));
    assert_true(within->expected_from_ms == within->valid_from_ms);
    registry_destroy(&registry);
}

static void test_units(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    uint32_t meter = find(registry, "hcm-main");
    bool known = false;
    const struct unit_scale *scale = registry_find_unit(registry, meter, "MWh", 3, &known);
    assert_non_null(scale);
    assert_true(known && scale->scale.num == 60000 && scale->scale.den == 1);
    assert_ptr_equal(registry_find_unit(registry, meter, "kWh", 3, &known),
                     &registry->meters[meter].own);
    assert_null(registry_find_unit(registry, meter, "kg", 2, &known));
    assert_true(known);
    assert_null(registry_find_unit(registry, meter, "kWz", 3, &known));
    assert_false(known);
    meter = find(registry, "sh-boiler");
    assert_null(registry_find_unit(registry, meter, "Sm3", 3, &known));
    assert_true(known);
    registry_destroy(&registry);
}

static void test_factors(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    assert_true(factor_at(registry, "sh-main", GAS_CO2, "2026-01-01T00:00:00Z") == 0.5737);
    assert_true(factor_at(registry, "ber-gas", GAS_CO2, "2026-01-01T00:00:00Z") == 0.20196);
    /* trace gases in micrograms: 1 and 0.1 kg per TJ of heat are 3.6 and 0.36 mg per kWh */
    assert_true(factor_at(registry, "ber-gas", GAS_CH4, "2026-01-01T00:00:00Z") == 0.0036);
    assert_true(factor_at(registry, "ber-gas", GAS_N2O, "2026-01-01T00:00:00Z") == 0.00036);
    assert_true(factor_at(registry, "sh-roof", GAS_CO2E, "2026-01-01T00:00:00Z") == 0);
    assert_true(factor_at(registry, "hcm-main", GAS_CO2, "2022-12-31T16:59:59Z") == 0.6766);
    assert_true(factor_at(registry, "hcm-main", GAS_CO2, "2022-12-31T17:00:00Z") == 0.6592);
    registry_destroy(&registry);
}

/* Eras begin where an edition does, on the local date, and cover all time. */
static void test_eras(void **state)
{
    (void)state;
    static const struct {
        const char *meter, *before, *from;
        double old, new;
    } cases[] = {
        {"hcm-main", "2021-12-31T16:59:59.999Z", "2021-12-31T17:00:00Z", 0.7221, 0.6766},
        {"hcm-main", "2022-12-31T16:59:59.999Z", "2022-12-31T17:00:00Z", 0.6766, 0.6592},
        {"ber-main", "2022-12-31T22:59:59.999Z", "2022-12-31T23:00:00Z", 0.433, 0.386},
        {"ber-main", "2023-12-31T22:59:59.999Z", "2023-12-31T23:00:00Z", 0.386, 0.363},
    };
    struct registry *registry = build(&conf);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double old = factor_at(registry, cases[i].meter, GAS_CO2, cases[i].before);
        double new = factor_at(registry, cases[i].meter, GAS_CO2, cases[i].from);
        if (old != cases[i].old || new != cases[i].new)
            fail_msg("%s at %s: %.17g, then %.17g", cases[i].meter, cases[i].from, old, new);
    }
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        const struct facility *facility = &registry->facilities[i];
        const struct factor_era *eras = registry->eras + facility->eras_first;
        assert_true(facility->eras_count > 0 && eras[0].from_ms == INT64_MIN);
        assert_ptr_equal(registry_era_at(registry, facility, INT64_MIN), &eras[0]);
        assert_ptr_equal(registry_era_at(registry, facility, INT64_MAX),
                         &eras[facility->eras_count - 1]);
        for (uint32_t at = 1; at < facility->eras_count; at++)
            assert_true(eras[at - 1].from_ms < eras[at].from_ms);
    }
    registry_destroy(&registry);
}

/* A facility's factor_id leads to the edition that its figures rest on. */
static void test_explained(void **state)
{
    (void)state;
    struct registry *registry = build(&conf);
    uint32_t meter = find(registry, "sh-main");
    const struct facility *facility = &registry->facilities[registry->meters[meter].facility];
    const struct factor_era *era = registry_era_at(registry, facility, at("2026-01-01T00:00:00Z"));
    const struct factor *factor =
        &registry->factors[era->factor_id[meter - facility->meters_first]];
    assert_string_equal(factor->name, "grid.cn.shanghai");
    assert_string_equal(factor->gases, "CO2");
    assert_string_equal(factor->valid_from, "2023-01-01");
    assert_string_equal(registry->meters[meter].factor_name, "grid.cn.shanghai");
    assert_string_equal(registry->gwp_set, "AR5");
    registry_destroy(&registry);
}

static void write_group(char *facilities, char *meters, uint32_t facilities_count,
                        uint32_t meters_count)
{
    int facilities_fd = mkstemp(facilities);
    int meters_fd = mkstemp(meters);
    assert_true(facilities_fd >= 0 && meters_fd >= 0);
    FILE *file = fdopen(facilities_fd, "w");
    (void)fprintf(file, "id,name,region,time_zone,country\n");
    for (uint32_t i = 0; i < facilities_count; i++)
        (void)fprintf(file, "f%u,\"Xưởng %u, \"\"B\"\"\",R%u,Asia/Ho_Chi_Minh,VN\n", i, i, i % 9);
    assert_int_equal(fclose(file), 0);
    file = fdopen(meters_fd, "w");
    (void)fprintf(file, "id,facility,kind,unit,category,multiplier\n");
    for (uint32_t i = 0; i < meters_count; i++)
        (void)fprintf(file, "meter-%u,f%u,register,kWh,purchased_electricity,%u\n", i,
                      (i * 7919) % facilities_count, 1 + i % 50);
    assert_int_equal(fclose(file), 0);
}

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* A heat content bounds what a cell may hold, as a mass does; one that no cell can hold is wrong. A
 * meter without a factor counts energy too. */
static void test_heat_contents(void **state)
{
    (void)state;
    static const struct {
        const char *heat_content;
        int64_t want_cell_max; /* 0: refused */
    } cases[] = {{"0.04", CELL_MAX}, {"2", CELL_MAX / 2}, {"1e15", 2}, {"1e16", 0}, {"1e60", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char meters[] = "/tmp/ghgd-meters-XXXXXX";
        char factors[] = "/tmp/ghgd-factors-XXXXXX";
        char rows[256];
        (void)snprintf(rows, sizeof(rows),
                       "id,issuer,unit,basis,co2,heat_content,heat_unit\n"
                       "own.pellets,we,kg,ncv,0.5,%s,GJ/kg\n",
                       cases[i].heat_content);
        write_file(factors, rows);
        write_file(meters, "id,facility,kind,unit,scope,category,factor\n"
                           "silo,sh,delivery,kg,,stationary_combustion,own.pellets\n"
                           "check,sh,register,kWh,0,checks,none\n");
        const char *const tables[] = {factors};
        struct tables_conf own = conf;
        own.meters = meters;
        own.factors = tables;
        own.factors_count = 1;
        struct buffer text;
        buffer_init(&text, 1 << 20);
        struct faults faults = {.text = &text, .errors_max = 100};
        struct registry *registry = NULL;
        int err = registry_build(&registry, &own, &faults);
        if (err != (cases[i].want_cell_max > 0 ? 0 : ERR_CONFIG))
            fail_msg("%s: %d\n%s", cases[i].heat_content, err, buffer_text(&text));
        if (err == 0) {
            const struct meter *meter = &registry->meters[find(registry, "silo")];
            const struct facility *facility = &registry->facilities[meter->facility];
            const struct factor_era *era = &registry->eras[facility->eras_first];
            const double *energy = era->factor + (size_t)RATE_ENERGY * facility->meters_count;
            assert_int_equal(meter->cell_max, cases[i].want_cell_max);
            assert_true(energy[find(registry, "silo") - facility->meters_first] ==
                        strtod(cases[i].heat_content, NULL));
            assert_true(energy[find(registry, "check") - facility->meters_first] == 0.0036);
        } else {
            assert_non_null(strstr(buffer_text(&text), "one kg has an energy of more than"));
        }
        registry_destroy(&registry);
        buffer_fini(&text);
        assert_int_equal(unlink(meters), 0);
        assert_int_equal(unlink(factors), 0);
    }
}

static void test_many(void **state)
{
    (void)state;
    enum { FACILITIES = 8000, METERS = 100000 };
    char facilities[] = "/tmp/ghgd-facilities-XXXXXX";
    char meters[] = "/tmp/ghgd-meters-XXXXXX";
    write_group(facilities, meters, FACILITIES, METERS);
    struct tables_conf large = conf;
    large.facilities = facilities;
    large.meters = meters;
    struct registry *registry = build(&large);
    assert_int_equal(registry->meters_count, METERS);
    assert_int_equal(registry->facilities_count, FACILITIES);
    assert_int_equal(registry->series_count, FACILITIES);
    for (uint32_t i = 0; i < METERS; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "meter-%u", i);
        uint32_t meter = find(registry, id);
        assert_true(meter < METERS);
        assert_string_equal(registry->meters[meter].id, id);
        assert_true(registry->meters[meter].own.scale.num == 1 + i % 50);
    }
    assert_int_equal(find(registry, "meter-100000"), REGISTRY_NONE);
    registry_destroy(&registry);
    assert_int_equal(unlink(facilities), 0);
    assert_int_equal(unlink(meters), 0);
}

/* Names from the registers of others are made fit, not refused. */
static void test_names(void **state)
{
    (void)state;
    struct tables_conf named = conf;
    named.facilities = "tests/data/tables/group_names.csv";
    named.meters = "tests/data/tables/one_meter.csv";
    struct registry *registry = build(&named);
    static const char *const names[] = {"Xưởng may “Hòa Bình”, số 2", "Two lines, one tab", "f3"};
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(registry->facilities[i].name, names[i]);
    const char *cut = registry->facilities[3].name;
    assert_int_equal(strlen(cut), NAME_BYTES_MAX / 3 * 3); /* whole characters */
    assert_string_equal(cut + strlen(cut) - 3, "厂");
    registry_destroy(&registry);
}

/* A file that cannot be read is a fault, not a crash. */
static void test_missing(void **state)
{
    (void)state;
    struct tables_conf missing = conf;
    missing.facilities = "tests/data/tables/none.csv";
    missing.catalogue = "tests/data/tables/none";
    missing.gwp_set = "AR9";
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    struct registry *registry = NULL;
    assert_int_equal(registry_build(&registry, &missing, &faults), ERR_CONFIG);
    assert_null(registry);
    assert_non_null(
        strstr(buffer_text(&text), "tests/data/tables/none.csv: error: cannot be read"));
    assert_non_null(strstr(buffer_text(&text), "tests/data/tables/none/gwp.csv: error:"));
    buffer_fini(&text);
}

/* Without countries no other table is judged: each of its rows would seem wrong. */
static void test_no_countries(void **state)
{
    (void)state;
    struct tables_conf missing = conf;
    missing.facilities = "tests/data/tables/none.csv";
    missing.countries = "tests/data/tables/none/countries.csv";
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    struct registry *registry = NULL;
    assert_int_equal(registry_build(&registry, &missing, &faults), ERR_CONFIG);
    assert_null(registry);
    assert_int_equal(faults.errors, 1);
    assert_string_equal(buffer_text(&text),
                        "tests/data/tables/none/countries.csv: error: cannot be "
                        "read: No such file or directory\n");
    buffer_fini(&text);
}

static void test_countries(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code; /* NULL: not known */
    } cases[] = {
        {"CN", "CN"},
        {"cn", "CN"},
        {"CHN", "CN"},
        {"China", "CN"},
        {"EU", "EU"},
        {"vietnam", "VN"},
        {"Viet Nam", "VN"},
        {"VIET NAM", "VN"},
        {"UK", "GB"},
        {"USA", "US"},
        {"Türkiye", "TR"},
        {"Côte d'Ivoire", "CI"},
        {"United States of America", "US"},
        {"", NULL},
        {"C", NULL},
        {"Chin", NULL},
        {"China|", NULL},
        {"|", NULL},
        {"CN ", NULL},
        {"UK|", NULL},
        {"Atlantis", NULL},
        {"England|Great Britain", NULL},
        {"a name that is longer than a cell of a table may be, 255 bytes: ........................"
         "................................................................................"
         "................................................................................"
         "..............................",
         NULL},
    };
    struct arena *arena;
    struct country_table table;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    assert_int_equal(arena_create(&arena), 0);
    countries_init(&table, arena);
    assert_int_equal(countries_load(&table, conf.countries, &faults), 0);
    assert_int_equal(faults.errors, 0);
    assert_int_equal(table.count, 250);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct country *got = countries_find(&table, cases[i].text);
        if ((got == NULL) != (cases[i].code == NULL) ||
            (got != NULL && strcmp(got->code, cases[i].code) != 0))
            fail_msg("\"%s\": got %s", cases[i].text, got == NULL ? "none" : got->code);
    }
    assert_string_equal(countries_suggest(&table, "Germny"), "Germany");
    assert_null(countries_suggest(&table, "Xyzzy"));
    countries_fini(&table);
    arena_destroy(&arena);
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_expected_from),
        cmocka_unit_test(test_facility_validity),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_factors),
        cmocka_unit_test(test_eras),
        cmocka_unit_test(test_explained),
        cmocka_unit_test(test_heat_contents),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_no_countries),
        cmocka_unit_test(test_countries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
