#include "pipelines/sink/tags.h"
#include "pipelines/trajectory/course.h"
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
        {ROW_TRAJECTORY, LEVEL_DAY, 900000, "trajectory"},
        {ROW_TRAJECTORY, LEVEL_HOUR, 900000, "trajectory"},
        {ROW_TRAJECTORY_NOW, LEVEL_YEAR, 900000, "trajectory_now"},
        {ROW_ALERT, LEVEL_DAY, 900000, "alerts"},
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
    for (int kind = 0; kind < ROW_KIND_COUNT; kind++) {
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
        {TAG_TARGET, 0, 0, "target", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char scratch[TAG_SCRATCH_SIZE];
        struct row row = fixture_row(cases[i].facility, cases[i].series, 0);
        const char *value = tag_value(cases[i].tag, fixture_registry(), &row, scratch);
        assert_string_equal(tag_key(cases[i].tag, fixture_registry()), cases[i].key);
        if (cases[i].want == NULL)
            assert_null(value);
        else
            assert_string_equal(value, cases[i].want);
    }
}

static void test_tags_of_targets(void **state)
{
    (void)state;
    static const struct {
        enum tag tag;
        uint32_t facility;
        const char *key, *want;
    } cases[] = {
        {TAG_TARGET, 0, "target", "dhaka-2030"},
        {TAG_STAGE, 0, "stage", "day"},
        {TAG_LEVEL, 0, "level", "facility"},
        {TAG_NAME, 0, "name", "dhaka-1"},
        {TAG_SCOPES, 0, "scopes", "1+2"},
        {TAG_FACILITY, 0, "facility", "dhaka-1"},
        {TAG_GROUP, 0, "region", "Asia"},
        {TAG_GROUP + 1, 0, "site", "north wing"},
        {TAG_SCOPE, 0, "scope", NULL},
        {TAG_UNIT, 0, "unit", NULL},
        {TAG_SCOPES, 1, "scopes", "1"},
        {TAG_GROUP + 1, 1, "site", ""},
        {TAG_LEVEL, FIXTURE_GROUP, "level", "region"},
        {TAG_NAME, FIXTURE_GROUP, "name", "Asia"},
        {TAG_SCOPES, FIXTURE_GROUP, "scopes", "1+2+3"},
        {TAG_FACILITY, FIXTURE_GROUP, "facility", NULL},
        {TAG_GROUP, FIXTURE_GROUP, "region", "Asia"},
        {TAG_GROUP + 1, FIXTURE_GROUP, "site", NULL},
        {TAG_LEVEL, REGISTRY_NONE, "level", "all"},
        {TAG_NAME, REGISTRY_NONE, "name", "all"},
        {TAG_SCOPES, REGISTRY_NONE, "scopes", "2"},
        {TAG_FACILITY, REGISTRY_NONE, "facility", NULL},
        {TAG_GROUP, REGISTRY_NONE, "region", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char scratch[TAG_SCRATCH_SIZE];
        struct row row = fixture_target_row(ROW_TRAJECTORY, cases[i].facility);
        const char *value = tag_value(cases[i].tag, fixture_registry(), &row, scratch);
        assert_string_equal(tag_key(cases[i].tag, fixture_registry()), cases[i].key);
        if (cases[i].want == NULL && value != NULL)
            fail_msg("%s of %u: %s", cases[i].key, cases[i].facility, value);
        if (cases[i].want != NULL && (value == NULL || strcmp(value, cases[i].want) != 0))
            fail_msg("%s of %u: %s", cases[i].key, cases[i].facility, value == NULL ? "-" : value);
    }
    struct row row = fixture_target_row(ROW_TRAJECTORY, 0);
    char scratch[TAG_SCRATCH_SIZE];
    row.level = LEVEL_HOUR;
    assert_string_equal(tag_value(TAG_STAGE, fixture_registry(), &row, scratch), "hour");
}

/* No two tags of a measurement have one key: a store would refuse the line. */
static void test_which_tags(void **state)
{
    (void)state;
    struct registry registry = *fixture_registry();
    registry.group_levels[0] = "level";
    static const struct {
        enum row_kind kind;
        enum tag tag;
        bool want;
    } cases[] = {
        {ROW_EMISSIONS, TAG_FACILITY, true},    {ROW_EMISSIONS, TAG_SCOPE, true},
        {ROW_EMISSIONS, TAG_TARGET, false},     {ROW_EMISSIONS, TAG_GROUP, true},
        {ROW_COVERAGE, TAG_SCOPE, false},       {ROW_COVERAGE, TAG_STAGE, false},
        {ROW_ENERGY, TAG_UNIT, false},          {ROW_TRAJECTORY, TAG_FACILITY, true},
        {ROW_TRAJECTORY, TAG_SCOPE, false},     {ROW_TRAJECTORY, TAG_STAGE, true},
        {ROW_TRAJECTORY, TAG_SCOPES, true},     {ROW_TRAJECTORY, TAG_GROUP, false},
        {ROW_TRAJECTORY, TAG_GROUP + 1, true},  {ROW_TRAJECTORY_NOW, TAG_TARGET, true},
        {ROW_TRAJECTORY_NOW, TAG_STAGE, false}, {ROW_ALERT, TAG_STAGE, true},
        {ROW_ALERT, TAG_CATEGORY, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (measurement_has_tag(&measurements[cases[i].kind], cases[i].tag, &registry) !=
            cases[i].want)
            fail_msg("%s, %s", measurements[cases[i].kind].stem, tag_key(cases[i].tag, &registry));
}

static const struct field *find_field(enum row_kind kind, const char *name)
{
    for (size_t i = 0; i < measurements[kind].fields_count; i++)
        if (strcmp(measurements[kind].fields[i].name, name) == 0)
            return &measurements[kind].fields[i];
    fail_msg("no field %s", name);
    return NULL;
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        uint32_t facility;
        enum course_number number;
        int64_t value;
        const char *want; /* NULL: null */
    } cases[] = {
        {"id", 0, COURSE_NUMBER, 1, "dhaka-2030/2/1"},
        {"id", FIXTURE_GROUP, COURSE_BASE_VERSION, 65535, "asia-2030/65535/7"},
        {"event", 0, COURSE_EVENT, COURSE_ENTERED, "entered"},
        {"event", 0, COURSE_EVENT, COURSE_LEFT, "left"},
        {"event", 0, COURSE_EVENT, COURSE_RETRACTED, "retracted"},
        {"from_name", 0, COURSE_LEVEL_FROM, ALERT_OK, "ok"},
        {"from_name", 0, COURSE_LEVEL_FROM, ALERT_WATCH, "watch"},
        {"to_name", 0, COURSE_LEVEL, ALERT_WARNING, "warning"},
        {"to_name", 0, COURSE_LEVEL, ALERT_CRITICAL, "critical"},
        {"source_1", 0, COURSE_SOURCE_1, 0, "grid, purchased electricity, scope 2"},
        {"source_1", 0, COURSE_SOURCE_1, 1, "stationary combustion, scope 1"},
        {"source_2", FIXTURE_GROUP, COURSE_SOURCE_2, 2, "Berlin"},
        {"source_3", REGISTRY_NONE, COURSE_SOURCE_3, 0, "Dhaka One"},
        {"source_3", 0, COURSE_SOURCE_3, NULL_NUMBER, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[FIELD_TEXT_SIZE];
        struct row row = fixture_target_row(ROW_ALERT, cases[i].facility);
        const struct field *field = find_field(ROW_ALERT, cases[i].field);
        row.course[cases[i].number] = cases[i].value;
        assert_int_equal(field_is_known(field, &row), cases[i].want != NULL);
        if (cases[i].want != NULL)
            assert_string_equal(field_text(field, fixture_registry(), &row, text), cases[i].want);
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
        cmocka_unit_test(test_tags_of_targets),
        cmocka_unit_test(test_which_tags),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_the_page_tells_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
