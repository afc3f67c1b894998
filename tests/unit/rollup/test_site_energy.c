/* Import, generation and export of a window: what is formed of them, and when they are null. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "pipelines/rollup/site_energy.h"
#include "pipelines/sink/fields.h"

enum {
    IMPORT = 1 << FLOW_IMPORT,
    EXPORT = 1 << FLOW_EXPORT,
    GENERATION = 1 << FLOW_GENERATION,
    ALL = IMPORT | EXPORT | GENERATION,
    FULL_MS = 900000
};

/* The figures of one series. */
struct given {
    int64_t activity, cells, covered_ms, expected_ms;
};
#define READ(activity)                                                                             \
    {                                                                                              \
        activity, 1, FULL_MS, FULL_MS                                                              \
    }
#define SILENT                                                                                     \
    {                                                                                              \
        0, 0, 0, FULL_MS                                                                           \
    }
#define HELD                                                                                       \
    {                                                                                              \
        0, 1, 0, FULL_MS                                                                           \
    }
#define ASLEEP                                                                                     \
    {                                                                                              \
        0, 0, 0, 0                                                                                 \
    } /* no reading, and none is expected */

static const struct series series[] = {
    {.flow = FLOW_NONE},   {.flow = FLOW_IMPORT},     {.flow = FLOW_IMPORT},
    {.flow = FLOW_EXPORT}, {.flow = FLOW_GENERATION},
};
enum { SERIES = ARRAY_LEN(series) };
static const struct registry registry = {.series = (struct series *)series, .series_count = SERIES};

static const struct energy_case {
    const char *name;
    uint32_t flows;
    struct given given[SERIES];
    uint32_t unknown;
    uint32_t null; /* a bit for each energy */
    int64_t own_use, consumption;
} cases[] = {
    {"all are read",
     ALL,
     {READ(77), READ(8000), READ(200), READ(200), READ(2000)},
     0,
     0,
     1800,
     10000},
    {"import only", IMPORT, {ASLEEP, READ(5), READ(2), ASLEEP, ASLEEP}, 0, 0, 0, 7},
    {"own use below zero is not cut",
     ALL,
     {ASLEEP, READ(5), ASLEEP, READ(9), READ(2)},
     0,
     0,
     -7,
     -2},
    {"one of two meters of a flow is silent",
     ALL,
     {ASLEEP, READ(5), SILENT, READ(1), READ(2)},
     0,
     0,
     1,
     6},
    {"import is silent",
     ALL,
     {ASLEEP, SILENT, SILENT, READ(1), READ(2)},
     1,
     1 << BALANCE_IMPORT | 1 << BALANCE_CONSUMPTION,
     1,
     1},
    {"generation is held",
     ALL,
     {ASLEEP, READ(5), ASLEEP, READ(0), HELD},
     1,
     1 << BALANCE_GENERATION | 1 << BALANCE_OWN_USE | 1 << BALANCE_CONSUMPTION,
     0,
     5},
    {"export is silent",
     ALL,
     {ASLEEP, READ(5), ASLEEP, SILENT, READ(2)},
     1,
     1 << BALANCE_EXPORT | 1 << BALANCE_OWN_USE | 1 << BALANCE_CONSUMPTION,
     2,
     7},
    {"an inverter at night is no gap", ALL, {ASLEEP, READ(5), ASLEEP, READ(0), ASLEEP}, 0, 0, 0, 5},
    {"what is exported at night is not from an inverter that sleeps",
     ALL,
     {ASLEEP, READ(5), ASLEEP, READ(3), ASLEEP},
     1,
     1 << BALANCE_GENERATION | 1 << BALANCE_OWN_USE | 1 << BALANCE_CONSUMPTION,
     -3,
     2},
    {"generation without a meter",
     IMPORT | EXPORT,
     {ASLEEP, READ(5), ASLEEP, READ(0), ASLEEP},
     1,
     1 << BALANCE_GENERATION | 1 << BALANCE_OWN_USE | 1 << BALANCE_CONSUMPTION,
     0,
     5},
    {"a document covers no time, and counts",
     IMPORT,
     {ASLEEP, {5, 1, 0, 0}, SILENT, ASLEEP, ASLEEP},
     0,
     0,
     0,
     5},
    {"nothing is read, and nothing expected",
     ALL,
     {READ(77), ASLEEP, ASLEEP, ASLEEP, ASLEEP},
     3,
     (1 << BALANCE_ENERGIES) - 1,
     0,
     0},
};

static struct row put(const struct energy_case *given)
{
    const struct facility facility = {.series_count = SERIES, .flows = (uint8_t)given->flows};
    struct figures figures[SERIES] = {0};
    struct row row = {.kind = ROW_ENERGY, .unknown = 0xff, .flows_unknown = 9};
    row.figures.value[FIGURE_COVERED] = 1; /* of the row before */
    for (size_t i = 0; i < SERIES; i++) {
        figures[i].value[FIGURE_ACTIVITY] = given->given[i].activity;
        figures[i].value[FIGURE_CELLS] = given->given[i].cells;
        figures[i].value[FIGURE_COVERED] = given->given[i].covered_ms;
        figures[i].value[FIGURE_EXPECTED] = given->given[i].expected_ms;
        figures[i].value[FIGURE_CONFLICTS] = (int128)1 << i;
        figures_note(&figures[i]);
    }
    site_put_energy(&registry, &facility, figures, &row);
    return row;
}

static void test_balance(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct row row = put(&cases[i]);
        const int128 *value = row.figures.value;
        if (row.flows_unknown != cases[i].unknown || row.unknown != cases[i].null ||
            value[BALANCE_OWN_USE] != cases[i].own_use ||
            value[BALANCE_CONSUMPTION] != cases[i].consumption)
            fail_msg("%s: %u unknown, null %x, own use %lld, consumption %lld", cases[i].name,
                     row.flows_unknown, row.unknown, (long long)value[BALANCE_OWN_USE],
                     (long long)value[BALANCE_CONSUMPTION]);
        assert_true(value[BALANCE_CONSUMPTION] ==
                    value[BALANCE_IMPORT] + value[BALANCE_GENERATION] - value[BALANCE_EXPORT]);
        for (size_t energy = 0; energy < BALANCE_OWN_USE; energy++)
            assert_true((row.unknown >> energy & 1) == 0 || value[energy] == 0);
    }
}

/* Coverage and notes are those of the meters of electricity alone. */
static void test_evidence(void **state)
{
    (void)state;
    const struct row row = put(&cases[0]);
    const int128 *value = row.figures.value;
    assert_true(value[FIGURE_COVERED] == (int128)4 * FULL_MS &&
                value[FIGURE_EXPECTED] == (int128)4 * FULL_MS);
    assert_true(value[BALANCE_IMPORT_COVERED] == (int128)2 * FULL_MS);
    assert_true(value[BALANCE_GENERATION_EXPECTED] == FULL_MS);
    assert_true(row.figures.noted);
    assert_true(value[FIGURE_CONFLICTS] == (2 | 4 | 8 | 16));
}

/* A field is null by the row's bit, and no other field is. */
static void test_fields(void **state)
{
    (void)state;
    const struct row row = put(&cases[4]);
    const struct measurement *measurement = &measurements[ROW_ENERGY];
    uint32_t null = 0;
    for (size_t i = 0; i < measurement->fields_count; i++)
        null += !field_is_known(&measurement->fields[i], &row);
    assert_int_equal(null, 2);
    assert_false(field_is_known(&measurement->fields[0], &row)); /* import_kwh */
    assert_true(field_is_known(&measurement->fields[1], &row));
    assert_false(field_is_known(&measurement->fields[4], &row)); /* consumption_kwh */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_balance),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
