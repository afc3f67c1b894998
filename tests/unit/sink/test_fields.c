#include "pipelines/sink/fields.h"
#include "tests/unit/sink/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    static const struct {
        enum row_kind kind;
        enum level level;
        int64_t bucket_ms;
        const char *want;
    } cases[] = {
        {ROW_EMISSIONS, LEVEL_BUCKET, 900000, "emissions_15m"},
        {ROW_EMISSIONS, LEVEL_BUCKET, 60000, "emissions_1m"},
        {ROW_EMISSIONS, LEVEL_BUCKET, 3600000, "emissions_1h"},
        {ROW_EMISSIONS, LEVEL_HOUR, 900000, "emissions_1h"},
        {ROW_COVERAGE, LEVEL_DAY, 900000, "coverage_1d"},
        {ROW_COVERAGE, LEVEL_MONTH, 900000, "coverage_1mo"},
        {ROW_EMISSIONS, LEVEL_YEAR, 900000, "emissions_1y"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[MEASUREMENT_NAME_SIZE];
        measurement_name(name, cases[i].kind, cases[i].level, cases[i].bucket_ms);
        assert_string_equal(name, cases[i].want);
    }
}

/* Nothing in the table needs escaping, and no name stands twice: the encoder relies on it. */
static void test_table(void **state)
{
    (void)state;
    for (int kind = 0; kind < ROW_WINDOW_KINDS; kind++) {
        const struct measurement *measurement = &measurements[kind];
        for (size_t i = 0; i < measurement->fields_count; i++) {
            const struct field *field = &measurement->fields[i];
            assert_int_equal(strspn(field->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                             strlen(field->name));
            assert_true(strlen(field->help) > 0 && strlen(field->sums) > 0);
            assert_string_not_equal(field->name, "time"); /* a word of InfluxDB's own */
            for (size_t other = 0; other < i; other++)
                assert_string_not_equal(field->name, measurement->fields[other].name);
        }
    }
}

static void test_tags(void **state)
{
    (void)state;
    static const struct {
        enum tag tag;
        uint32_t facility, series;
        const char *key, *want;
    } cases[] = {
        {TAG_FACILITY, 0, 0, "facility", "dhaka-1"},
        {TAG_SCOPE, 0, 0, "scope", "2"},
        {TAG_CATEGORY, 0, 0, "category", "purchased electricity"},
        {TAG_SOURCE, 0, 0, "source", "grid"},
        {TAG_UNIT, 0, 0, "unit", "kWh"},
        {TAG_UNIT, 0, 1, "unit", "m3"},
        {TAG_GROUP, 0, 0, "region", "Asia"},
        {TAG_GROUP + 1, 0, 0, "site", "north wing"},
        {TAG_GROUP, 2, REGISTRY_NONE, "region", NULL},
        {TAG_SCOPE, 0, REGISTRY_NONE, "scope", NULL},
        {TAG_SOURCE, 0, REGISTRY_NONE, "source", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char scratch[4];
        struct row row = fixture_row(cases[i].facility, cases[i].series, 0);
        const char *value = tag_value(cases[i].tag, fixture_registry(), &row, scratch);
        assert_string_equal(tag_key(cases[i].tag, fixture_registry()), cases[i].key);
        if (cases[i].want == NULL)
            assert_null(value);
        else
            assert_string_equal(value, cases[i].want);
    }
}

/* The page holds the table as it is printed, to the letter. */
static void test_the_page_tells_the_truth(void **state)
{
    (void)state;
    struct buffer want;
    buffer_init(&want, 1 << 20);
    fields_print_reference(&want);
    char *page = fixture_read("docs/series.md");
    assert_true(strlen(page) > 0);
    if (strstr(page, buffer_text(&want)) == NULL) {
        (void)puts(buffer_text(&want)); /* longer than a message may be */
        fail_msg("docs/series.md must hold exactly what is printed above");
    }
    free(page);
    buffer_fini(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_the_page_tells_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
