/* The output of `ghgd groups` for a period, byte by byte. */
#include "daemon/groups/group_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TEXT_BYTES_MAX = 1 << 16 };

static const struct group_entry all = {"all", "all", 4};
static const struct group_entry north = {"region", "no\"rth, \\", 3};
static const struct group_period month = {"2026-03", false};
static const struct group_period running = {"2026-04", true};

/* Two scopes; energy is not known in scope 2. */
static struct group_sum sum_of(void)
{
    struct group_sum sum = {.scopes = 1 << 1 | 1 << 2,
                            .equity_mg = {0, 500000, 1500000001},
                            .weight_covered = 2,
                            .weight_total = 3,
                            .days = 62,
                            .facilities = 2,
                            .revisions = 3};
    sum.scope[1].value[FIGURE_CO2E] = 1234567890;
    sum.scope[1].value[FIGURE_CH4] = 5;
    sum.scope[1].value[FIGURE_ENERGY] = 7000000;
    sum.scope[2].value[FIGURE_CO2E] = -1500;
    sum.scope[2].value[FIGURE_ENERGY_UNKNOWN] = 2;
    sum.scope[2].value[FIGURE_COVERED] = 1500;
    sum.scope[2].value[FIGURE_EXPECTED] = 4500;
    sum.coverage.value[FIGURE_COVERED] = 86400000;
    sum.coverage.value[FIGURE_EXPECTED] = 172800000;
    return sum;
}

static void expect(struct buffer *out, const char *want)
{
    assert_string_equal(buffer_text(out), want);
    buffer_clear(out);
}

#define HEADS                                                                                      \
    "level,group,period,scope,co2_kg,ch4_kg,n2o_kg,co2e_kg,co2e_equity_kg,biogenic_co2_kg,"        \
    "co2e_unsplit_kg,co2e_estimated_kg,energy_gj,energy_unknown,covered_s,estimated_s,expected_s," \
    "spread_s,held_s,moved_s,conflicts,glitches,coverage,coverage_weighted,facilities,"            \
    "facilities_missing,days,days_missing,days_open,final\n"

static void test_csv(void **state)
{
    (void)state;
    struct group_sum sum = sum_of();
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    group_report_add_heads(&out, REPORT_CSV);
    expect(&out, HEADS);
    group_report_add_group(&out, REPORT_CSV, &north);
    assert_int_equal(out.size, 0);
    group_report_add(&out, REPORT_CSV, &north, &month, &sum);
    expect(&out,
           "region,\"no\"\"rth, \\\",2026-03,1,0,0.000000005,0,1234.56789,0.5,0,0,0,7,0,"
           "0,0,0,0,0,0,0,0,,,,,,,,1\n"
           "region,\"no\"\"rth, \\\",2026-03,2,0,0,0,-0.0015,1500.000001,0,0,0,,2,"
           "1.5,0,4.5,0,0,0,0,0,0.333333333,,,,,,,1\n"
           "region,\"no\"\"rth, \\\",2026-03,total,0,0.000000005,0,1234.56639,1500.500001,0,0,0,,2,"
           "86400,0,172800,0,0,0,0,0,0.5,0.666666667,2,0,62,0,0,1\n");
    sum.scopes = 0; /* a group that is silent */
    sum.weight_total = 0;
    sum.days_missing = 1;
    sum.facilities_missing = 1;
    sum.scope[1] = sum.scope[2] = (struct figures){0};
    sum.equity_mg[1] = sum.equity_mg[2] = 0;
    group_report_add(&out, REPORT_CSV, &all, &month, &sum);
    expect(&out, "all,all,2026-03,total,0,0,0,0,0,0,0,0,0,0,86400,0,172800,0,0,0,0,0,0.5,,"
                 "2,1,62,1,0,0\n");
    buffer_fini(&out);
}

static void test_json(void **state)
{
    (void)state;
    struct group_sum sum = sum_of();
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    group_report_add_heads(&out, REPORT_JSON);
    assert_int_equal(out.size, 0);
    sum.scopes = 1 << 2;
    group_report_add(&out, REPORT_JSON, &north, &running, &sum);
    expect(
        &out,
        "{\"level\":\"region\",\"group\":\"no\\\"rth, \\\\\",\"period\":\"2026-04\","
        "\"scope\":\"2\",\"co2_kg\":0,\"ch4_kg\":0,\"n2o_kg\":0,\"co2e_kg\":-0.0015,"
        "\"co2e_equity_kg\":1500.000001,\"biogenic_co2_kg\":0,\"co2e_unsplit_kg\":0,"
        "\"co2e_estimated_kg\":0,\"energy_gj\":null,\"energy_unknown\":2,\"covered_s\":1.5,"
        "\"estimated_s\":0,\"expected_s\":4.5,\"spread_s\":0,\"held_s\":0,\"moved_s\":0,"
        "\"conflicts\":0,\"glitches\":0,\"coverage\":0.333333333,\"coverage_weighted\":null,"
        "\"facilities\":null,\"facilities_missing\":null,\"days\":null,\"days_missing\":null,"
        "\"days_open\":null,\"final\":0}\n"
        "{\"level\":\"region\",\"group\":\"no\\\"rth, \\\\\",\"period\":\"2026-04\","
        "\"scope\":\"total\",\"co2_kg\":0,\"ch4_kg\":0.000000005,\"n2o_kg\":0,"
        "\"co2e_kg\":1234.56639,\"co2e_equity_kg\":1500.500001,\"biogenic_co2_kg\":0,"
        "\"co2e_unsplit_kg\":0,\"co2e_estimated_kg\":0,\"energy_gj\":null,"
        "\"energy_unknown\":2,\"covered_s\":86400,\"estimated_s\":0,\"expected_s\":172800,"
        "\"spread_s\":0,\"held_s\":0,\"moved_s\":0,\"conflicts\":0,\"glitches\":0,"
        "\"coverage\":0.5,\"coverage_weighted\":0.666666667,\"facilities\":2,"
        "\"facilities_missing\":0,\"days\":62,\"days_missing\":0,\"days_open\":0,\"final\":0}\n");
    buffer_fini(&out);
}

static void test_text(void **state)
{
    (void)state;
    struct group_sum sum = sum_of();
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    group_report_add_heads(&out, REPORT_TEXT);
    assert_int_equal(out.size, 0);
    group_report_add_group(&out, REPORT_TEXT, &all);
    group_report_add_group(&out, REPORT_TEXT, &north);
    expect(&out, "all facilities (4)\n"
                 "  t CO2e            scope 1        scope 2        scope 3          total         "
                 "equity   coverage         complete\n"
                 "region no\"rth, \\ (3)\n"
                 "  t CO2e            scope 1        scope 2        scope 3          total         "
                 "equity   coverage         complete\n");
    group_report_add(&out, REPORT_TEXT, &all, &month, &sum);
    expect(&out,
           "  2026-03             1.235          0.000          0.000          1.235          "
           "1.501    50.00 %           2 of 2  final\n");
    sum.coverage = (struct figures){0};
    sum.facilities_missing = 1;
    sum.days_missing = 1;
    group_report_add(&out, REPORT_TEXT, &all, &running, &sum);
    expect(&out,
           "  2026-04             1.235          0.000          0.000          1.235          "
           "1.501          -           1 of 2\n");
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
