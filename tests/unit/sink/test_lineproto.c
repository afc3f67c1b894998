#include "pipelines/sink/lineproto.h"

#include "config/targets/targets.h"
#include "pipelines/trajectory/course.h"
#include "tests/unit/sink/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REPLACED "\xef\xbf\xbd"

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *plain, *influx, *victoria;
    } cases[] = {
        {"nothing to do", "dhaka-1", "dhaka-1", "dhaka-1", "dhaka-1"},
        {"empty", "", "", "", ""},
        {"space", "north wing", "north wing", "north\\ wing", "north\\ wing"},
        {"comma and equals", "a,b=c", "a,b=c", "a\\,b\\=c", "a\\,b\\=c"},
        {"quotes are ordinary", "\"a\"'", "\"a\"'", "\"a\"'", "\"a\"'"},
        {"hash at the start", "#1", "#1", "#1", "#1"},
        {"backslash inside", "a\\b", "a\\b", "a\\b", "a\\\\b"},
        {"backslash before a comma", "a\\,b", "a\\,b", "a\\\\,b", "a\\\\\\,b"},
        {"backslash at the end", "a\\", "a\\", "a" REPLACED, "a" REPLACED},
        {"two backslashes at the end", "a\\\\", "a\\\\", "a\\" REPLACED, "a\\\\" REPLACED},
        {"only a backslash", "\\", "\\", REPLACED, REPLACED},
        {"newline", "a\nb", "a" REPLACED "b", "a" REPLACED "b", "a" REPLACED "b"},
        {"carriage return", "a\r", "a" REPLACED, "a" REPLACED, "a" REPLACED},
        {"tab", "\ta", REPLACED "a", REPLACED "a", REPLACED "a"},
        {"delete", "a\x7f", "a" REPLACED, "a" REPLACED, "a" REPLACED},
        {"control of two bytes", "a\xc2\x85", "a" REPLACED REPLACED, "a" REPLACED REPLACED,
         "a" REPLACED REPLACED},
        {"first that is no control", "\xc2\xa0", "\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
        {"Bengali", "\xe0\xa6\xa2\xe0\xa6\xbe", "\xe0\xa6\xa2\xe0\xa6\xbe",
         "\xe0\xa6\xa2\xe0\xa6\xbe", "\xe0\xa6\xa2\xe0\xa6\xbe"},
        {"four bytes", "\xf0\x9f\x8f\xad", "\xf0\x9f\x8f\xad", "\xf0\x9f\x8f\xad",
         "\xf0\x9f\x8f\xad"},
        {"Latin-1", "K\xf6ln", "K" REPLACED "ln", "K" REPLACED "ln", "K" REPLACED "ln"},
        {"cut off", "a\xe0\xa6", "a" REPLACED REPLACED, "a" REPLACED REPLACED,
         "a" REPLACED REPLACED},
        {"overlong", "\xc0\xaf", REPLACED REPLACED, REPLACED REPLACED, REPLACED REPLACED},
        {"overlong of three", "\xe0\x80\xaf", REPLACED REPLACED REPLACED,
         REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED},
        {"surrogate", "\xed\xa0\x80", REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED,
         REPLACED REPLACED REPLACED},
        {"beyond Unicode", "\xf4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED,
         REPLACED REPLACED REPLACED REPLACED, REPLACED REPLACED REPLACED REPLACED},
        {"stray continuation", "\x80", REPLACED, REPLACED, REPLACED},
        {"separator after a cut character", "\xe0\xa6,", REPLACED REPLACED ",",
         REPLACED REPLACED "\\,", REPLACED REPLACED "\\,"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *const wants[] = {cases[i].plain, cases[i].influx, cases[i].victoria};
        for (int style = LABEL_PLAIN; style <= LABEL_VICTORIA; style++) {
            struct buffer out;
            buffer_init(&out, 1024);
            label_add(&out, cases[i].text, (enum label_style)style);
            if (strcmp(buffer_text(&out), wants[style]) != 0)
                fail_msg("%s, style %d: got %s", cases[i].name, style, buffer_text(&out));
            buffer_fini(&out);
        }
    }
}

#define NOTES "spread_s=300,held_s=0.125,moved_s=86400,conflicts=2,glitches=5,"
#define FIELDS                                                                                     \
    " activity=12.5,co2_kg=1.250001,ch4_kg=0.00002,n2o_kg=0,co2e_kg=8,biogenic_co2_kg=3,"          \
    "co2e_unsplit_kg=1,co2e_estimated_kg=2,energy_gj=0.045,energy_unknown=0,estimated_share=0.25," \
    "covered_s=600.5,estimated_s=60.001,expected_s=900,coverage=0.6672222222222223," NOTES         \
    "revision=1i,final=true "
#define COVERAGE                                                                                   \
    " covered_s=600.5,estimated_s=60.001,expected_s=900,coverage=0.6672222222222223," NOTES        \
    "meters_expected=4i,meters_reporting=3i,revision=1i,final=true "

static void expect_line(const char *name, enum sink_dialect dialect, const struct row *row,
                        const char *want)
{
    struct lineproto lineproto;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    lineproto_init(&lineproto, dialect, FIXTURE_BUCKET_MS);
    lineproto_add(&lineproto, &out, fixture_registry(), row);
    if (strcmp(buffer_text(&out), want) != 0)
        fail_msg("%s: got\n%s", name, buffer_text(&out));
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

static void test_lines(void **state)
{
    (void)state;
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    expect_line("all tags", DIALECT_INFLUX1, &row,
                "emissions_15m,category=purchased\\ electricity,facility=dhaka-1,region=Asia,"
                "scope=2,site=north\\ wing,source=grid,unit=kWh" FIELDS "1772323200000\n");
    expect_line("second dialect", DIALECT_INFLUX2, &row,
                "emissions_15m,category=purchased\\ electricity,facility=dhaka-1,region=Asia,"
                "scope=2,site=north\\ wing,source=grid,unit=kWh" FIELDS "1772323200000\n");
    expect_line("version in the timestamp", DIALECT_VICTORIA, &row,
                "emissions_15m,category=purchased\\ electricity,facility=dhaka-1,region=Asia,"
                "scope=2,site=north\\ wing,source=grid,unit=kWh" FIELDS "1772323200008\n");
    row.series = 1;
    row.level = LEVEL_MONTH;
    expect_line("empty source is left out", DIALECT_INFLUX1, &row,
                "emissions_1mo,category=stationary\\ combustion,facility=dhaka-1,region=Asia,"
                "scope=1,site=north\\ wing,unit=m3" FIELDS "1772323200000\n");
    row = fixture_row(1, REGISTRY_NONE, FIXTURE_START_MS);
    expect_line("awkward name, empty group", DIALECT_INFLUX1, &row,
                "coverage_15m,facility=a\\,\\ b\\=c" REPLACED ",region=Asia" COVERAGE
                "1772323200000\n");
    row = fixture_row(2, REGISTRY_NONE, -FIXTURE_BUCKET_MS);
    row.level = LEVEL_DAY;
    expect_line("no groups, before the epoch", DIALECT_INFLUX1, &row,
                "coverage_1d,facility=berlin" COVERAGE "-900000\n");
}

/* An energy that is null is left out. */
static void test_energy(void **state)
{
    (void)state;
    struct row row = fixture_energy_row(2, FIXTURE_START_MS);
#define FLOWS                                                                                      \
    "import_covered_s=900,import_expected_s=900,export_covered_s=0,export_expected_s=0,"           \
    "generation_covered_s=0,generation_expected_s=900,covered_s=600.5,estimated_s=60.001,"         \
    "expected_s=900,coverage=0.6672222222222223," NOTES "revision=1i,final=true 1772323200000\n"
    expect_line(
        "generation is not known", DIALECT_INFLUX1, &row,
        "energy_15m,facility=berlin import_kwh=8200,export_kwh=200,flows_unknown=1i," FLOWS);
    row.unknown = 0;
    row.flows_unknown = 0;
    expect_line("all is known", DIALECT_INFLUX1, &row,
                "energy_15m,facility=berlin import_kwh=8200,export_kwh=200,generation_kwh=0,"
                "own_use_kwh=-200,consumption_kwh=8000,flows_unknown=0i," FLOWS);
    row.unknown = (1U << BALANCE_ENERGIES) - 1;
    row.flows_unknown = 3;
    expect_line("nothing is known", DIALECT_INFLUX1, &row,
                "energy_15m,facility=berlin flows_unknown=3i," FLOWS);
}

static void expect_part(const char *name, const struct row *row, const char *part)
{
    struct lineproto lineproto;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    lineproto_init(&lineproto, DIALECT_INFLUX1, FIXTURE_BUCKET_MS);
    lineproto_add(&lineproto, &out, fixture_registry(), row);
    if (strstr(buffer_text(&out), part) == NULL)
        fail_msg("%s: no %s in\n%s", name, part, buffer_text(&out));
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

/* A figure that is null is left out. */
static void test_null(void **state)
{
    (void)state;
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    row.figures.value[FIGURE_ENERGY_UNKNOWN] = 3;
    expect_part("energy", &row, "co2e_estimated_kg=2,energy_unknown=3,estimated_share=");
    row.figures.value[FIGURE_ENERGY_UNKNOWN] = 0;
    row.figures.value[FIGURE_ENERGY] = 0;
    expect_part("no energy is not null", &row, ",energy_gj=0,energy_unknown=0,");
}

/* A row without notes tells that too: a store must not keep those of an earlier revision. */
static void test_no_notes(void **state)
{
    (void)state;
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    for (size_t i = FIGURES_NOTED; i < FIGURE_COUNT; i++)
        row.figures.value[i] = 0;
    figures_note(&row.figures);
    expect_part("of a series", &row,
                ",coverage=0.6672222222222223,spread_s=0,held_s=0,moved_s=0,conflicts=0,glitches=0,"
                "revision=1i,final=true ");
    row.kind = ROW_COVERAGE;
    row.series = REGISTRY_NONE;
    expect_part("of a facility", &row,
                ",coverage=0.6672222222222223,spread_s=0,held_s=0,moved_s=0,conflicts=0,glitches=0,"
                "meters_expected=4i,");
}

static void test_numbers(void **state)
{
    (void)state;
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    row.figures.value[FIGURE_EXPECTED] = 0;
    row.figures.value[FIGURE_CO2E] = 0;
    row.final = false;
    expect_part("no coverage where nothing is expected", &row, ",expected_s=0,spread_s=");
    expect_part("share of nothing", &row, ",estimated_share=0,");
    expect_part("not final", &row, ",final=false ");
    row = fixture_row(0, 0, FIXTURE_START_MS);
    row.figures.value[FIGURE_CO2] = -1;
    expect_part("negative milligram", &row, ",co2_kg=-0.000001,");
    row.figures.value[FIGURE_CO2] = (int128)INT64_MAX * 1000;
    expect_part("wider than 64 bits", &row, ",co2_kg=9223372036854775.807,");
    row.figures.value[FIGURE_COVERED] = 1;
    row.figures.value[FIGURE_EXPECTED] = 3;
    expect_part("shortest text", &row, ",coverage=0.3333333333333333,");
    row.figures.value[FIGURE_EXPECTED] = 10;
    expect_part("a tenth", &row, ",coverage=0.1,");
    row.figures.value[FIGURE_EXPECTED] = (int128)1 << 120;
    expect_part("beyond any decimal", &row, ",coverage=7.5231638452626401e-37,");
    row.revision = UINT32_MAX;
    expect_part("largest count", &row, ",revision=4294967295i,");
}

static void test_saturation(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t version;
        const char *want;
        uint64_t saturated;
    } cases[] = {
        {"first", 0, " 1772323200001\n", 0},
        {"last that fits", FIXTURE_BUCKET_MS - 2, " 1772324099999\n", 0},
        {"one more", FIXTURE_BUCKET_MS - 1, " 1772324099999\n", 1},
        {"any", UINT32_MAX, " 1772324099999\n", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct lineproto lineproto;
        struct buffer out;
        buffer_init(&out, 1 << 16);
        lineproto_init(&lineproto, DIALECT_VICTORIA, FIXTURE_BUCKET_MS);
        struct row row = fixture_row(0, 0, FIXTURE_START_MS);
        row.version = cases[i].version;
        lineproto_add(&lineproto, &out, fixture_registry(), &row);
        if (strstr(buffer_text(&out), cases[i].want) == NULL ||
            lineproto.versions_saturated != cases[i].saturated)
            fail_msg("%s: got %s", cases[i].name, buffer_text(&out));
        lineproto_fini(&lineproto);
        buffer_fini(&out);
    }
}

static void test_new_registry(void **state)
{
    (void)state;
    struct registry other = *fixture_registry();
    other.generation = 2;
    other.group_levels[0] = "zone, \\";
    other.group_levels_count = 1;
    struct lineproto lineproto;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    lineproto_init(&lineproto, DIALECT_INFLUX1, FIXTURE_BUCKET_MS);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    lineproto_add(&lineproto, &out, fixture_registry(), &row);
    buffer_clear(&out);
    lineproto_add(&lineproto, &out, &other, &row);
    assert_non_null(
        strstr(buffer_text(&out), ",source=grid,unit=kWh,zone\\,\\ " REPLACED "=Asia activity="));
    assert_null(strstr(buffer_text(&out), "site="));
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

static void test_too_small(void **state)
{
    (void)state;
    struct lineproto lineproto;
    struct buffer out;
    buffer_init(&out, 100);
    lineproto_init(&lineproto, DIALECT_INFLUX1, FIXTURE_BUCKET_MS);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    lineproto_add(&lineproto, &out, fixture_registry(), &row);
    assert_true(buffer_failed(&out));
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

#define COURSE                                                                                     \
    "day=1772236800000i,base_version=2i,base_kg=94000000,budget_kg=74800000,share=0.375,"          \
    "due_kg=28050000,ytd_kg=29000000.000001,ytd_estimated_kg=2.5,over_kg=950000.000001,"           \
    "coverage=0.999999999,slip=0.0339,forecast_kg=76000000,forecast_low_kg=75000000,"              \
    "forecast_high_kg=77000000,forecast_ratio_kg=77333333.333336,miss_probability=0.905,"          \
    "used_up_day=1797724800000i,trailing_12mo_kg=80000000,needed_to_end=0.0655,"                   \
    "needed_cumulative=0.0935,achieved=-0.476190476,overshoot_kg=-0.000001,alert_level=3i,"        \
    "restated=true,counted=true"
#define DHAKA                                                                                      \
    "facility=dhaka-1,level=facility,name=dhaka-1,region=Asia,scopes=1+2,site=north\\ wing"

/* A row of an instant stands exactly there, in every dialect. */
static void test_trajectory(void **state)
{
    (void)state;
    struct row row = fixture_target_row(ROW_TRAJECTORY, 0);
    for (int dialect = DIALECT_INFLUX1; dialect <= DIALECT_VICTORIA; dialect++)
        expect_line("of a facility", (enum sink_dialect)dialect, &row,
                    "trajectory," DHAKA ",stage=day,target=dhaka-2030 " COURSE " 1772323200000\n");
    row = fixture_target_row(ROW_TRAJECTORY, FIXTURE_GROUP);
    row.level = LEVEL_HOUR;
    expect_line("of a group, hour", DIALECT_INFLUX1, &row,
                "trajectory,level=region,name=Asia,region=Asia,scopes=1+2+3,stage=hour,"
                "target=asia-2030 " COURSE " 1772323200000\n");
    row = fixture_target_row(ROW_TRAJECTORY, REGISTRY_NONE);
    expect_line("of the whole", DIALECT_INFLUX1, &row,
                "trajectory,level=all,name=all,scopes=2,stage=day,target=all-2030 " COURSE
                " 1772323200000\n");
}

/* A number that is not known is left out, and 0 is not. */
static void test_trajectory_null(void **state)
{
    (void)state;
    struct row row = fixture_target_row(ROW_TRAJECTORY, REGISTRY_NONE);
    static const enum course_number nullable[] = {
        COURSE_BASE,         COURSE_COVERAGE,      COURSE_SLIP,           COURSE_FORECAST,
        COURSE_FORECAST_LOW, COURSE_FORECAST_HIGH, COURSE_FORECAST_RATIO, COURSE_MISS_PROBABILITY,
        COURSE_USED_UP_DAY,  COURSE_TRAILING,      COURSE_NEEDED_TO_END,  COURSE_NEEDED_CUMULATIVE,
        COURSE_ACHIEVED,     COURSE_OVERSHOOT,
    };
    for (size_t i = 0; i < ARRAY_LEN(nullable); i++)
        row.course[nullable[i]] = NULL_NUMBER;
    row.course[COURSE_RESTATED] = row.course[COURSE_LEVEL] = 0;
    expect_line("what is always there", DIALECT_INFLUX1, &row,
                "trajectory,level=all,name=all,scopes=2,stage=day,target=all-2030 "
                "day=1772236800000i,base_version=2i,budget_kg=74800000,share=0.375,due_kg=28050000,"
                "ytd_kg=29000000.000001,ytd_estimated_kg=2.5,over_kg=950000.000001,alert_level=0i,"
                "restated=false,counted=true 1772323200000\n");
    row.course[COURSE_SLIP] = row.course[COURSE_MISS_PROBABILITY] = 0;
    expect_part("no slip is not null", &row, ",slip=0,miss_probability=0,");
    row.course[COURSE_OVER] = -INT64_MAX;
    expect_part("the smallest number", &row, ",over_kg=-9223372036854.775807,");
}

/* The row of a target year follows the figures, as those of windows do. */
static void test_trajectory_now(void **state)
{
    (void)state;
    struct row row = fixture_target_row(ROW_TRAJECTORY_NOW, 0);
#define KNOWN ",forecast_known=true,interval_known=true,used_up=true"
    expect_line("in place", DIALECT_INFLUX1, &row,
                "trajectory_now," DHAKA ",target=dhaka-2030 stamp=1772323200000i," COURSE KNOWN
                ",source_1=\"grid, purchased electricity, scope 2\",source_1_kg=20000000,"
                "source_2=\"stationary combustion, scope 1\",source_2_kg=9000000.000001 "
                "1767225600000\n");
    expect_line("by its version, without text", DIALECT_VICTORIA, &row,
                "trajectory_now," DHAKA ",target=dhaka-2030 stamp=1772323200000i," COURSE KNOWN
                ",source_1_kg=20000000,source_2_kg=9000000.000001 1767225600013\n");
}

static void test_alerts(void **state)
{
    (void)state;
    struct row row = fixture_target_row(ROW_ALERT, FIXTURE_GROUP);
#define ASIA "alerts,level=region,name=Asia,region=Asia,scopes=1+2+3,stage=day,target=asia-2030 "
#define FIGURES_OF_ALERT                                                                           \
    "day=1772236800000i,slip=0.0339,budget_kg=74800000,due_kg=28050000,ytd_kg=29000000.000001,"    \
    "over_kg=950000.000001,forecast_kg=76000000,forecast_low_kg=75000000,"                         \
    "forecast_high_kg=77000000,miss_probability=0.905,coverage=0.999999999,"
    expect_line("entered", DIALECT_INFLUX2, &row,
                ASIA "id=\"asia-2030/2/7\",number=7i,base_version=2i,event=\"entered\","
                     "from_level=0i,to_level=3i,from_name=\"ok\",to_name=\"critical\","
                     "started=1772319600000i," FIGURES_OF_ALERT
                     "source_1=\"Dhaka One\",source_1_kg=20000000,"
                     "source_2=\"Awkward \\\"A\\\"\",source_2_kg=9000000.000001 1772323200000\n");
    row.course[COURSE_EVENT] = COURSE_RETRACTED;
    row.course[COURSE_LEVEL_FROM] = ALERT_WATCH;
    row.course[COURSE_LEVEL] = ALERT_OK;
    row.course[COURSE_ENDED] = FIXTURE_START_MS;
    row.course[COURSE_SOURCE_1] = row.course[COURSE_SOURCE_2] = NULL_NUMBER;
    expect_line("retracted, without text", DIALECT_VICTORIA, &row,
                ASIA "number=7i,base_version=2i,from_level=1i,to_level=0i,started=1772319600000i,"
                     "ended=1772323200000i," FIGURES_OF_ALERT
                     "source_1_kg=20000000,source_2_kg=9000000.000001 1772323200000\n");
}

/* Quotes and backslashes are escaped in text, and text has no line ends. */
static void test_text_is_escaped(void **state)
{
    (void)state;
    struct row row = fixture_target_row(ROW_ALERT, 1);
    expect_part("quotes and a backslash", &row, " id=\"say \\\"no\\\", 5 %\\\\/2/7\",number=7i,");
    expect_part("as a tag", &row, ",target=say\\ \"no\"\\,\\ 5\\ %" REPLACED " id=");

    struct target target = *row.target;
    target.id = "a\nb\xff\xe0\xa6\xa2";
    row.target = &target;
    expect_part("controls and no UTF-8", &row,
                " id=\"a" REPLACED "b" REPLACED "\xe0\xa6\xa2/2/7\",");
}

/* The longest names make the longest text, and it is not cut. */
static void test_longest_text(void **state)
{
    (void)state;
    char longest[NAME_BYTES_MAX + 1];
    memset(longest, '"', NAME_BYTES_MAX);
    longest[NAME_BYTES_MAX] = '\0';
    struct target target = *fixture_target_row(ROW_ALERT, 0).target;
    struct series series = {.scope = 3, .category = longest, .source = longest};
    struct registry registry = *fixture_registry();
    registry.series = &series;
    registry.series_count = 1;
    target.id = longest;
    struct row row = fixture_target_row(ROW_ALERT, 0);
    row.target = &target;
    row.course[COURSE_SOURCE_1] = 0;
    row.course[COURSE_SOURCE_2] = NULL_NUMBER;

    struct lineproto lineproto;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    lineproto_init(&lineproto, DIALECT_INFLUX1, FIXTURE_BUCKET_MS);
    lineproto_add(&lineproto, &out, &registry, &row);
    assert_false(buffer_failed(&out));
    assert_non_null(strstr(buffer_text(&out), "\\\"/2/7\",number=7i,"));
    assert_non_null(strstr(buffer_text(&out), "\\\", scope 3\",source_1_kg=20000000,"));
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

/* A group level that is called like a tag of targets is not written with them. */
static void test_group_level_of_the_same_name(void **state)
{
    (void)state;
    struct registry other = *fixture_registry();
    other.generation = 2;
    other.group_levels[0] = "level";
    struct row row = fixture_target_row(ROW_TRAJECTORY, 0);
    struct lineproto lineproto;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    lineproto_init(&lineproto, DIALECT_INFLUX1, FIXTURE_BUCKET_MS);
    lineproto_add(&lineproto, &out, &other, &row);
    assert_non_null(strstr(buffer_text(&out), ",level=facility,name=dhaka-1,scopes=1+2,site="));
    assert_null(strstr(buffer_text(&out), "level=Asia"));
    row = fixture_row(0, REGISTRY_NONE, FIXTURE_START_MS);
    buffer_clear(&out);
    lineproto_add(&lineproto, &out, &other, &row);
    assert_non_null(strstr(buffer_text(&out), "coverage_15m,facility=dhaka-1,level=Asia,site="));
    lineproto_fini(&lineproto);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),          cmocka_unit_test(test_lines),
        cmocka_unit_test(test_energy),          cmocka_unit_test(test_null),
        cmocka_unit_test(test_no_notes),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_saturation),      cmocka_unit_test(test_new_registry),
        cmocka_unit_test(test_too_small),       cmocka_unit_test(test_trajectory),
        cmocka_unit_test(test_trajectory_null), cmocka_unit_test(test_trajectory_now),
        cmocka_unit_test(test_alerts),          cmocka_unit_test(test_text_is_escaped),
        cmocka_unit_test(test_longest_text),    cmocka_unit_test(test_group_level_of_the_same_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
