/*
 * Tables and the exact words that people get about them: each NAME.csv in tests/data/tables stands
 * beside a NAME.out. facilities_*, factors_* and countries_* are read as such a
 * table, what else as meters.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/registry/tables.h"

#define FOLDER "tests/data/tables/"

enum { TEXT_MAX = 1 << 20, CASES_MIN = 15 };

/* With GHGD_TEST_UPDATE set, the expected texts are written instead of compared; review the diff.
 */
static void compare(const char *path, struct buffer *got)
{
    char *want = calloc(1, TEXT_MAX);
    assert_non_null(want);
    bool update = getenv("GHGD_TEST_UPDATE") != NULL;
    FILE *file = fopen(path, update ? "w" : "r");
    if (file == NULL)
        fail_msg("%s is missing; got:\n%s", path, buffer_text(got));
    if (update)
        (void)fwrite(got->data, 1, got->size, file);
    else
        (void)fread(want, 1, TEXT_MAX - 1, file);
    (void)fclose(file);
    if (!update && strcmp(want, buffer_text(got)) != 0)
        fail_msg("%s: want\n%sgot\n%s", path, want, buffer_text(got));
    free(want);
}

static void compare_faults(const struct tables_conf *conf, const char *out)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    struct faults faults = {.text = &text, .errors_max = 1000};
    struct registry *registry = NULL;
    int err = registry_build(&registry, conf, &faults);
    assert_int_equal(err, faults.errors == 0 ? 0 : ERR_CONFIG);
    assert_true((registry == NULL) == (err != 0));
    compare(out, &text);
    registry_destroy(&registry);
    buffer_fini(&text);
}

static void check_table(const char *name)
{
    char path[512];
    char factors[512];
    char out[512];
    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    (void)snprintf(out, sizeof(out), FOLDER "%.*s.out", (int)(strlen(name) - 4), name);
    (void)snprintf(factors, sizeof(factors), "%s", path);
    const char *const tables[] = {factors};
    bool facilities = strncmp(name, "facilities", 10) == 0;
    bool is_factors = strncmp(name, "factors", 7) == 0;
    bool is_countries = strncmp(name, "countries", 9) == 0;
    struct tables_conf conf = {
        .facilities = facilities ? path : FOLDER "bad_facilities.csv",
        .meters = facilities || is_factors || is_countries ? FOLDER "one_meter.csv" : path,
        .factors = tables,
        .factors_count = is_factors ? 1 : 0,
        .catalogue = "config/factors",
        .countries = is_countries ? path : "config/factors/countries.csv",
        .group_levels = {"region"},
        .group_levels_count = 1,
        .gwp_set = "AR5",
        .bucket_ms = facilities ? 3600000 : 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
        .reporting_from = strcmp(name, "meters_unbounded.csv") == 0 ? NULL : "2026-01-01",
    };
    compare_faults(&conf, out);
}

/* A fault of one table is not told once more of each row that names its row. */
static void test_faults_elsewhere(void **state)
{
    (void)state;
    static const struct {
        const char *name, *facilities, *meters, *factors;
    } cases[] = {
        {"rows", "small_follow_facilities.csv", "small_follow_meters.csv",
         "small_follow_factors.csv"},
        {"header", "small_follow_header.csv", "small_follow_meters.csv", "small_follow_header.csv"},
        {"file", "no_such_file.csv", "small_follow_meters.csv", "no_such_file.csv"},
        {"fields", "small_follow_fields.csv", "small_follow_meters.csv", "small_follow_fields.csv"},
        {"good", "bad_facilities.csv", "small_follow_meters.csv", "own_factors.csv"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char paths[4][256];
        const char *names[] = {cases[i].facilities, cases[i].meters, cases[i].factors};
        for (size_t at = 0; at < ARRAY_LEN(names); at++)
            (void)snprintf(paths[at], sizeof(paths[at]), FOLDER "%s", names[at]);
        (void)snprintf(paths[3], sizeof(paths[3]), FOLDER "small_follow_%s.out", cases[i].name);
        const char *const factors[] = {paths[2]};
        const struct tables_conf conf = {
            .facilities = paths[0],
            .meters = paths[1],
            .factors = factors,
            .factors_count = 1,
            .catalogue = "config/factors",
            .countries = "config/factors/countries.csv",
            .gwp_set = "AR5",
            .bucket_ms = 900000,
            .horizon_ms = INT64_C(7) * 86400000,
            .fiscal_year_start = 1,
        };
        compare_faults(&conf, paths[3]);
    }
}

static void test_texts(void **state)
{
    (void)state;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    int cases = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t size = strlen(entry->d_name);
        bool table = size > 4 && strcmp(entry->d_name + size - 4, ".csv") == 0;
        if (!table || strncmp(entry->d_name, "group_", 6) == 0 ||
            strncmp(entry->d_name, "bad_", 4) == 0 || strncmp(entry->d_name, "own_", 4) == 0 ||
            strncmp(entry->d_name, "small_", 6) == 0)
            continue;
        check_table(entry->d_name);
        cases++;
    }
    (void)closedir(folder);
    assert_true(cases >= CASES_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts),
                                       cmocka_unit_test(test_faults_elsewhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
