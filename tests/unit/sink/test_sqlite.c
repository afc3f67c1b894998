#include "config/targets/targets.h"
#include "pipelines/sink/fields.h"
#include "tests/unit/sink/sqlite_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

static struct block *block_of(const struct row *row)
{
    struct block *block = NULL;
    assert_int_equal(block_create(&block, 1), 0);
    block->registry = fixture_registry();
    block->rows[block->count++] = *row;
    return block;
}

static void test_rows_are_read_back(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(
        place, "SELECT * FROM emissions_15m",
        "1772323200000|1772324100000|2026-03-01T06:00:00+06:00|dhaka-1|2|purchased electricity|"
        "grid|kWh|12.5|1.250001|2.0e-05|0.0|8.0|3.0|1.0|2.0|0.045|0.0|0.25|600.5|60.001|900.0|"
        "0.667222222222222|300.0|0.125|86400.0|2.0|5.0|1|1\n");
    row = fixture_row(1, REGISTRY_NONE, FIXTURE_START_MS);
    row.level = LEVEL_DAY;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(
        place, "SELECT * FROM coverage_1d",
        "1772323200000|1772324100000|2026-03-01T06:00:00+06:00|a, b=c\\|600.5|60.001|900.0|"
        "0.667222222222222|NULL|300.0|0.125|86400.0|2.0|5.0|4|3|1|1\n");
    row = fixture_energy_row(2, FIXTURE_START_MS);
    row.level = LEVEL_YEAR;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(
        place, "SELECT * FROM energy_1y",
        "1772323200000|1772324100000|2026-03-01T01:00:00+01:00|berlin|8200.0|200.0|NULL|NULL|"
        "NULL|1|900.0|"
        "900.0|0.0|0.0|0.0|900.0|600.5|60.001|900.0|0.667222222222222|300.0|0.125|86400.0|2.0|"
        "5.0|1|1\n");
    sqlite_bench_expect(place, "PRAGMA journal_mode", "wal\n");
    sqlite_bench_expect(place, "PRAGMA user_version", "1\n");
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 3);
}

static void test_same_key_overwrites(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    row.final = false;
    sqlite_bench_write(place, block_of(&row));
    row.final = true;
    row.revision = 2;
    row.figures.value[FIGURE_ACTIVITY] = 1;
    sqlite_bench_write(place, block_of(&row));
    row.series = 1;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_close(place);
    assert_int_equal(sqlite_bench_open(place), 0); /* and after a restart */
    row.figures.value[FIGURE_ACTIVITY] = 3000000;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place, "SELECT scope, source, activity, revision, final FROM emissions_15m",
                        "1||3.0|2|1\n2|grid|1.0e-06|2|1\n");
}

/* A figure that became null overwrites what it was, and back. */
static void test_null(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    sqlite_bench_write(place, block_of(&row));
    row.figures.value[FIGURE_ENERGY_UNKNOWN] = 2;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place, "SELECT energy_gj, energy_unknown, co2e_kg FROM emissions_15m",
                        "NULL|2.0|8.0\n");
    row.figures.value[FIGURE_ENERGY_UNKNOWN] = 0;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place, "SELECT energy_gj, energy_unknown FROM emissions_15m",
                        "0.045|0.0\n");
}

/* A database of the first version, which had neither energy nor notes: it gets the columns, once.
 */
static void test_columns_are_added(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_close(place);
    sqlite3 *db = sqlite_bench_open_other(place);
    for (int level = 0; level < LEVEL_COUNT; level++) {
        char name[MEASUREMENT_NAME_SIZE];
        char sql[512];
        measurement_name(name, ROW_EMISSIONS, (enum level)level, FIXTURE_BUCKET_MS);
        (void)snprintf(sql, sizeof(sql),
                       "DROP VIEW \"%s_named\"; ALTER TABLE \"%s\" DROP COLUMN energy_gj; "
                       "ALTER TABLE \"%s\" DROP COLUMN energy_unknown; "
                       "ALTER TABLE \"%s\" DROP COLUMN held_s",
                       name, name, name, name);
        sqlite_bench_run(db, sql);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sqlite_bench_open(place), 0);
        row.window.start_ms += FIXTURE_BUCKET_MS;
        sqlite_bench_write(place, block_of(&row));
        sqlite_bench_close(place);
    }
    sqlite_bench_expect(place,
                        "SELECT energy_gj, energy_unknown, held_s, final FROM emissions_15m_named",
                        "NULL|NULL|NULL|1\n0.045|0.0|0.125|1\n0.045|0.0|0.125|1\n");
    sqlite_bench_expect(place, "SELECT count(energy_gj) FROM emissions_1y", "0\n");
}

/* A database of an earlier version, which had coverage 0 where nothing was expected. */
static void test_coverage_becomes_nullable(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    sqlite_bench_write(place, block_of(&row));
    row.window.start_ms += FIXTURE_BUCKET_MS;
    row.figures.value[FIGURE_EXPECTED] = row.figures.value[FIGURE_COVERED] = 0;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_close(place);
    sqlite3 *db = sqlite_bench_open_other(place);
    sqlite_bench_run(
        db, "DROP VIEW emissions_15m_named; ALTER TABLE emissions_15m DROP COLUMN coverage;"
            "ALTER TABLE emissions_15m ADD COLUMN coverage REAL NOT NULL DEFAULT 0;"
            "UPDATE emissions_15m SET coverage = 0.5 WHERE expected_s > 0");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sqlite_bench_open(place), 0);
        row.window.start_ms += FIXTURE_BUCKET_MS;
        sqlite_bench_write(place, block_of(&row));
        sqlite_bench_close(place);
    }
    sqlite_bench_expect(
        place, "SELECT expected_s > 0, coverage FROM emissions_15m_named ORDER BY start_ms",
        "1|0.5\n0|NULL\n0|NULL\n0|NULL\n");
}

static void test_every_level_has_a_table(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    for (int level = 0; level < LEVEL_COUNT; level++) {
        struct row row = fixture_row(0, 0, FIXTURE_START_MS);
        row.level = (uint8_t)level;
        sqlite_bench_write(place, block_of(&row));
        row = fixture_row(0, REGISTRY_NONE, FIXTURE_START_MS);
        row.level = (uint8_t)level;
        sqlite_bench_write(place, block_of(&row));
    }
    sqlite_bench_expect(
        place,
        "SELECT (SELECT count(*) FROM emissions_15m), (SELECT count(*) FROM emissions_1h), "
        "(SELECT count(*) FROM emissions_1d), (SELECT count(*) FROM emissions_1mo), "
        "(SELECT count(*) FROM emissions_1y), (SELECT count(*) FROM coverage_15m), "
        "(SELECT count(*) FROM coverage_1h), (SELECT count(*) FROM coverage_1d), "
        "(SELECT count(*) FROM coverage_1mo), (SELECT count(*) FROM coverage_1y)",
        "1|1|1|1|1|1|1|1|1|1\n");
}

/* Every number of a target's row, and NULL for those that are not known. */
static void test_targets_are_read_back(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
#define COURSE                                                                                     \
    "1772236800000|2|94000000.0|74800000.0|0.375|28050000.0|29000000.000001|2.5|950000.000001|"    \
    "0.999999999|0.0339|76000000.0|75000000.0|77000000.0|77333333.333336|0.905|1797724800000|"     \
    "80000000.0|0.0655|0.0935|-0.476190476|-1.0e-06|3|1|1"
    struct row row = fixture_target_row(ROW_TRAJECTORY, 0);
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(
        place, "SELECT * FROM trajectory",
        "1772323200000|1772323200000|2026-03-01T06:00:00+06:00|dhaka-1|dhaka-2030|day|facility|"
        "dhaka-1|1+2|" COURSE "\n");
    row = fixture_target_row(ROW_TRAJECTORY_NOW, REGISTRY_NONE);
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place, "SELECT * FROM trajectory_now",
                        "1767225600000|1798761600000|2026-01-01T00:00:00Z||all-2030|all|all|2|"
                        "1772323200000|" COURSE
                        "|1|1|1|Dhaka One|20000000.0|Awkward \"A\"|9000000.000001|"
                        "NULL|NULL\n");
    row = fixture_target_row(ROW_ALERT, 1);
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(
        place, "SELECT * FROM alerts",
        "1772323200000|1772323200000|2026-03-01T06:00:00+06:00|a, b=c\\|say \"no\", 5 %\\|day|"
        "facility|a, b=c\\|1|say \"no\", 5 %\\/2/7|7|2|entered|0|3|ok|critical|1772319600000|NULL|"
        "1772236800000|0.0339|74800000.0|28050000.0|29000000.000001|950000.000001|76000000.0|"
        "75000000.0|77000000.0|0.905|0.999999999|grid, purchased electricity, scope 2|20000000.0|"
        "stationary combustion, scope 1|9000000.000001|NULL|NULL\n");
}

/* An instant has a row of a closed day and one of an hour; each replaces itself. A target may
 * become one of other facilities. */
static void test_targets_keep_their_keys(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_target_row(ROW_TRAJECTORY, FIXTURE_GROUP);
    struct target target = *row.target;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_write(place, block_of(&row));
    row.level = LEVEL_HOUR;
    sqlite_bench_write(place, block_of(&row));
    target.name = "all";
    target.level = TARGET_ALL;
    target.scopes = 1U << 1;
    row.target = &target;
    row.course[COURSE_SLIP] = NULL_NUMBER;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place, "SELECT target, stage, level, name, scopes, slip FROM trajectory",
                        "asia-2030|day|region|Asia|1+2+3|0.0339\nasia-2030|hour|all|all|1|NULL\n");
    row = fixture_target_row(ROW_TRAJECTORY_NOW, FIXTURE_GROUP);
    sqlite_bench_write(place, block_of(&row));
    row.course[COURSE_USED_UP_DAY] = NULL_NUMBER;
    row.course[COURSE_USED_UP] = 0;
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place, "SELECT target, used_up_day, used_up FROM trajectory_now",
                        "asia-2030|NULL|0\n");
}

static void test_views_of_targets(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    static const uint32_t subjects[] = {0, FIXTURE_GROUP, REGISTRY_NONE};
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        struct row row = fixture_target_row(ROW_TRAJECTORY_NOW, subjects[i]);
        sqlite_bench_write(place, block_of(&row));
        row.window.start_ms -= INT64_C(365) * 86400000; /* the year before counts no more */
        row.course[COURSE_SLIP] = -9;
        sqlite_bench_write(place, block_of(&row));
    }
    struct row row = fixture_target_row(ROW_ALERT, 0);
    sqlite_bench_write(place, block_of(&row));
    row = fixture_target_row(ROW_TRAJECTORY, 0);
    sqlite_bench_write(place, block_of(&row));
    sqlite_bench_expect(place,
                        "SELECT subject, local_day, region, site, slip FROM trajectory_named",
                        "Dhaka One|2026-02-28|Asia|north wing|0.0339\n");
    sqlite_bench_expect(
        place,
        "SELECT subject, region, site, level, source_1 FROM trajectory_now_named "
        "WHERE slip > 0 ORDER BY target",
        "all|NULL|NULL|all|Dhaka One\nAsia|Asia|NULL|region|Dhaka One\n"
        "Dhaka One|Asia|north wing|facility|grid, purchased electricity, scope 2\n");
    sqlite_bench_expect(place, "SELECT subject, region, to_name FROM alerts_named",
                        "Dhaka One|Asia|critical\n");
    sqlite_bench_expect(
        place,
        "SELECT target, subject, alert, since, slip, used_up, over_kg FROM targets_now "
        "ORDER BY target",
        "all-2030|all|critical|NULL|0.0339|2026-12-20|950000.000001\n"
        "asia-2030|Asia|critical|NULL|0.0339|2026-12-20|950000.000001\n"
        "dhaka-2030|Dhaka One|critical|2026-02-28|0.0339|2026-12-20|950000.000001\n");
}

/* A file of an earlier version: it gets the tables and views of targets, and keeps its rows. */
static void test_tables_of_targets_are_added(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(1));
    sqlite_bench_close(place);
    sqlite3 *db = sqlite_bench_open_other(place);
    sqlite_bench_run(
        db, "DROP VIEW targets_now; DROP VIEW trajectory_named; DROP VIEW trajectory_now_named; "
            "DROP VIEW alerts_named; DROP TABLE trajectory; DROP TABLE trajectory_now; "
            "DROP TABLE alerts");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sqlite_bench_open(place), 0);
        struct row row = fixture_target_row(ROW_ALERT, 0);
        sqlite_bench_write(place, block_of(&row));
        sqlite_bench_close(place);
    }
    sqlite_bench_expect(
        place,
        "SELECT (SELECT count(*) FROM alerts_named), (SELECT count(*) FROM trajectory_named), "
        "(SELECT count(*) FROM targets_now), (SELECT count(*) FROM emissions_15m)",
        "1|0|0|1\n");
    sqlite_bench_expect(place, "PRAGMA user_version", "1\n");
}

static void test_views_show_names(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, 0, FIXTURE_START_MS);
    row.level = LEVEL_DAY;
    sqlite_bench_write(place, block_of(&row));
    row.series = 1;
    row.final = false;
    sqlite_bench_write(place, block_of(&row));
    for (uint32_t facility = 0; facility < FIXTURE_FACILITIES; facility++) {
        row = fixture_row(facility, REGISTRY_NONE, FIXTURE_START_MS);
        row.level = LEVEL_DAY;
        sqlite_bench_write(place, block_of(&row));
    }
    sqlite_bench_expect(
        place,
        "SELECT facility_name, local_day, region, site, co2e_kg FROM emissions_1d_named "
        "ORDER BY scope",
        "Dhaka One|2026-03-01|Asia|north wing|8.0\nDhaka One|2026-03-01|Asia|north wing|8.0\n");
    sqlite_bench_expect(
        place,
        "SELECT facility_name, day, region, co2e_kg, scope1_co2e_kg, scope2_co2e_kg, final "
        "FROM facility_days ORDER BY facility_name",
        "Awkward \"A\"|2026-03-01|Asia|NULL|NULL|NULL|1\n"
        "Berlin|2026-03-01|NULL|NULL|NULL|NULL|1\n"
        "Dhaka One|2026-03-01|Asia|16.0|8.0|8.0|0\n");
    sqlite_bench_expect(place, "SELECT local_start FROM coverage_1d WHERE facility = 'berlin'",
                        "2026-03-01T01:00:00+01:00\n");
}

static void test_views_follow_the_registry(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(1));
    struct registry other = *fixture_registry();
    other.generation = 2;
    other.group_levels[0] = "it's \"new\"";
    other.group_levels_count = 1;
    struct block *block = fixture_block(2);
    block->registry = &other;
    sqlite_bench_write(place, block);
    sqlite_bench_expect(place, "SELECT \"it's \"\"new\"\"\" FROM emissions_15m_named",
                        "Asia\nAsia\n");
    sqlite_bench_expect(place, "SELECT level, count(*) FROM facility_groups GROUP BY level",
                        "it's \"new\"|2\n");
}

static void test_bad_names_become_text(void **state)
{
    struct sqlite_bench *place = *state;
    struct registry other = *fixture_registry();
    struct facility facilities[] = {{.id = "K\xf6ln\n", .name = "x", .time_zone = "Asia/Dhaka"}};
    other.facilities = facilities;
    other.facilities_count = 1;
    other.generation = 5;
    assert_int_equal(sqlite_bench_open(place), 0);
    struct row row = fixture_row(0, REGISTRY_NONE, FIXTURE_START_MS);
    struct block *block = block_of(&row);
    block->registry = &other;
    sqlite_bench_write(place, block);
    sqlite_bench_expect(place, "SELECT facility FROM coverage_15m",
                        "K\xef\xbf\xbdln\xef\xbf\xbd\n");
}

static void test_locked_database_is_waited_for(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite3 *other = sqlite_bench_open_other(place);
    sqlite_bench_run(other, "BEGIN IMMEDIATE");
    struct block *block = fixture_block(5);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_string_equal(sink_get_stats(place->sink)->last_error, "database is locked");
    assert_false(sink_get_stats(place->sink)->healthy);
    sqlite_bench_run(other, "ROLLBACK");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    sink_retry_now(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.done, 1);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m", "5\n");
}

/* A file that may not grow stands for a full disk. */
static void test_full_disk_is_waited_for(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(1));
    struct rlimit unlimited;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    struct rlimit limit = unlimited;
    limit.rlim_cur = 4096;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct block *block = fixture_block(2000);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m",
                        "1\n"); /* all of a block, or nothing */
    sink_retry_now(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.done, 1);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m", "2000\n");
}

static void test_databases_that_cannot_be(void **state)
{
    struct sqlite_bench *place = *state;
    static const struct {
        const char *name, *sql;
    } cases[] = {
        {"newer schema", "PRAGMA user_version = 2"},
        {"another's table", "CREATE TABLE emissions_1d (x)"},
        {"another's table with a start", "CREATE TABLE emissions_1d (start_ms)"},
        {"a view in the way", "CREATE VIEW emissions_1h AS SELECT 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        sqlite3 *db = sqlite_bench_open_other(place);
        sqlite_bench_run(db, cases[i].sql);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        for (int tries = 0; tries < 2; tries++)
            if (sqlite_bench_open(place) >= 0)
                fail_msg("%s: was opened", cases[i].name);
        sqlite_bench_expect(place, "SELECT count(*) FROM pragma_table_info('emissions_1d')",
                            strstr(cases[i].sql, "emissions_1d (") != NULL ? "1\n" : "0\n");
        assert_int_equal(remove(place->path), 0);
    }
    FILE *file = fopen(place->path, "we");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(fputs("this is no database\n", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    assert_true(sqlite_bench_open(place) < 0);
    place->conf.path = "/nonexistent/ghg.db";
    assert_int_equal(sqlite_bench_open(place), -2);
    place->conf.path = NULL;
    assert_true(sqlite_bench_open(place) < 0);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, sqlite_bench_setup, sqlite_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows_are_read_back),
        TEST(test_same_key_overwrites),
        TEST(test_null),
        TEST(test_columns_are_added),
        TEST(test_coverage_becomes_nullable),
        TEST(test_every_level_has_a_table),
        TEST(test_targets_are_read_back),
        TEST(test_targets_keep_their_keys),
        TEST(test_views_of_targets),
        TEST(test_tables_of_targets_are_added),
        TEST(test_views_show_names),
        TEST(test_views_follow_the_registry),
        TEST(test_bad_names_become_text),
        TEST(test_locked_database_is_waited_for),
        TEST(test_full_disk_is_waited_for),
        TEST(test_databases_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
