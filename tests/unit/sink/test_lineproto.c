#include "pipelines/sink/lineproto.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),     cmocka_unit_test(test_lines),
        cmocka_unit_test(test_energy),     cmocka_unit_test(test_null),
        cmocka_unit_test(test_no_notes),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_saturation), cmocka_unit_test(test_new_registry),
        cmocka_unit_test(test_too_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
