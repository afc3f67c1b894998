/* A state beside an SQLite database: nothing to tell of what was written, and a line for each thing
 * that was done to it since. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "base/timestamp.h"
#include "daemon/audit/audit.h"
#include "daemon/engine/message_applier.h"
#include "daemon/replay/row_drain.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/tier.h"

#define MIN_MS INT64_C(60000)
#define START_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

enum { DAYS = 40, HOURS = 24 * DAYS, TEXT_MAX = 1 << 20, WINDOWS_MIN = 2 * 96 };

#define PATH_TEMPLATE "/tmp/ghgd-audit-XXXXXX"
static char database_path[] = PATH_TEMPLATE;
static struct sink_conf sink = {.name = "db", .type = SINK_SQLITE, .path = database_path};
static struct config config = {.sinks = &sink,
                               .sinks_count = 1,
                               .window = {.bucket_ms = 15 * MIN_MS,
                                          .allowed_delay_ms = 5 * MIN_MS,
                                          .grace_ms = 10 * MIN_MS,
                                          .horizon_ms = 2 * DAY_MS,
                                          .early_tolerance_ms = HOUR_MS,
                                          .backfill_max_ms = INT64_C(34560000000), /* 400 days */
                                          .idle_timeout_ms = HOUR_MS,
                                          .fiscal_year_start = 1}};
static struct shard *shard;

static void ignore_refused(void *context, const struct refusal *refusal)
{
    (void)context;
    fail_msg("event %" PRIu32 " is refused: %s", refusal->origin.index,
             outcome_reason(refusal->outcome));
}

static void apply_all(struct message_applier *applier, struct row_drain *row_drain)
{
    struct log_position at = {.offset = -1};
    for (int64_t i = 0; i < HOURS; i++) {
        char text[512];
        char start[TIMESTAMP_TEXT_SIZE];
        char end[TIMESTAMP_TEXT_SIZE];
        (void)snprintf(
            text, sizeof(text),
            "{\"meter\":\"interval\",\"start\":\"%s\",\"end\":\"%s\",\"value\":\"%d.%03d\"}",
            timestamp_format(start, START_MS + i * HOUR_MS),
            timestamp_format(end, START_MS + (i + 1) * HOUR_MS), (int)(i % 97),
            (int)(i * 7 % 1000));
        struct raw_message message = {
            .bytes = text, .size = strlen(text), .offset = i, .arrived_ms = INT64_MIN};
        const struct row_drain_filter everything = ROW_DRAIN_EVERYTHING;
        while (message_applier_take(applier, &at, &message, 1) == 0)
            assert_int_equal(row_drain_run(row_drain, shard, TAKE_CLOSING, &everything), 0);
        assert_int_equal(row_drain_run(row_drain, shard, TAKE_ALL, &everything), 0);
    }
}

/* A state that has written all it has to say. */
static int set_up(void **state)
{
    (void)state;
    static const struct shard_context context = {
        .window = &config.window, .sinks_count = 1, .sinks = &sink};
    struct shard_context with_registry = context;
    with_registry.registry = config.registry;
    with_registry.kernels = tests_kernels();
    int fd = mkstemp(database_path);
    assert_true(fd >= 0);
    (void)close(fd);
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct row_drain *row_drain;
    const struct row_drain_conf conf = {.command = "test", .config = &config, .all_sinks = true};
    assert_int_equal(row_drain_open(&row_drain, &loop, &conf), 0);
    assert_int_equal(shard_create(&shard, &with_registry, 0), 0);
    const struct decode_conf decode = {.format = FORMAT_JSON};
    static struct batch batch;
    const struct message_applier_conf applier_conf = {.decode = &decode,
                                                      .registry = config.registry,
                                                      .shard = shard,
                                                      .batch = &batch,
                                                      .refused = ignore_refused};
    struct message_applier *applier;
    assert_int_equal(message_applier_create(&applier, &applier_conf), 0);
    apply_all(applier, row_drain);
    message_applier_destroy(&applier);
    row_drain_close(&row_drain);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shard_destroy(&shard);
    char path[64];
    (void)unlink(database_path);
    (void)snprintf(path, sizeof(path), "%s-wal", database_path);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s-shm", database_path);
    (void)unlink(path);
    memcpy(database_path, PATH_TEMPLATE, sizeof(PATH_TEMPLATE));
    return 0;
}

static void tamper(const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(database_path, &database), SQLITE_OK);
    char *words = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
    sqlite3_close(database);
}

static void audit_begin(struct audit *audit)
{
    *audit = (struct audit){.config = &config,
                            .quiet = true,
                            .from_ms = START_MS - 60 * DAY_MS,
                            .until_ms = START_MS + (DAYS + 60) * DAY_MS};
    buffer_init(&audit->lines, TEXT_MAX);
    struct buffer why;
    buffer_init(&why, TEXT_MAX);
    if (archive_open(&audit->archives[0], &sink, config.registry, config.window.bucket_ms, &why) <
        0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
}

static void audit_end(struct audit *audit)
{
    archive_close(&audit->archives[0]);
    buffer_fini(&audit->lines);
}

static void compare_rows(struct audit *audit)
{
    struct buffer why;
    buffer_init(&why, TEXT_MAX);
    if (audit_rows(audit, shard, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
}

static uint32_t count_lines(struct audit *audit)
{
    uint32_t count = 0;
    for (const char *text = buffer_text(&audit->lines); *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void test_nothing_to_tell(void **state)
{
    (void)state;
    struct audit audit;
    audit_begin(&audit);
    compare_rows(&audit);
    assert_string_equal(buffer_text(&audit.lines), "");
    assert_true(audit.windows > WINDOWS_MIN);
    struct buffer why;
    buffer_init(&why, TEXT_MAX);
    assert_int_equal(audit_sums(&audit, &why), 0);
    buffer_fini(&why);
    assert_int_equal(audit.differences, 0);
    struct buffer words;
    buffer_init(&words, TEXT_MAX);
    assert_int_equal(shard_audit(shard, &words), 0);
    buffer_fini(&words);
    audit_end(&audit);
}

#define NEWEST "start_ms = (SELECT max(start_ms) FROM emissions_1h WHERE final)"

static void test_each_tampering_is_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sql, *want;
        uint32_t lines;
    } cases[] = {
        {"a figure", "UPDATE emissions_1h SET co2e_kg = co2e_kg + 0.000001 WHERE " NEWEST,
         "db emissions_1h facility=site scope=2 category=purchased_electricity", 1},
        {"a flag", "UPDATE emissions_1h SET final = 0 WHERE " NEWEST, " final: expected 1, found 0",
         1},
        {"a row that is gone", "DELETE FROM emissions_1h WHERE " NEWEST,
         ": expected a row, found nothing", 1},
        {"the coverage of a bucket",
         "UPDATE coverage_15m SET meters_reporting = 7 WHERE start_ms = "
         "(SELECT max(start_ms) FROM coverage_15m WHERE final)",
         " meters_reporting: expected 1, found 7", 1},
        {"the balance of electricity",
         "UPDATE energy_1h SET consumption_kwh = consumption_kwh + 0.000001 WHERE " NEWEST,
         "db energy_1h facility=site ", 1},
        {"a row of energy that is gone", "DELETE FROM energy_1h WHERE " NEWEST,
         ": expected a row, found nothing", 1},
        {"a row too many",
         "INSERT INTO emissions_1h SELECT start_ms, end_ms, local_start, facility, scope, "
         "category, "
         "'ghost', unit, activity, co2_kg, ch4_kg, n2o_kg, co2e_kg, biogenic_co2_kg, "
         "co2e_unsplit_kg, co2e_estimated_kg, energy_gj, energy_unknown, estimated_share, "
         "covered_s, estimated_s, expected_s, coverage, spread_s, held_s, moved_s, conflicts, "
         "glitches, revision, final FROM emissions_1h WHERE " NEWEST,
         "source=ghost unit=kWh 2026", 1},
        {"a window that is none", "UPDATE emissions_1h SET start_ms = start_ms + 1 WHERE " NEWEST,
         "expected nothing", 2},
        {"one that the daemon has revised since",
         "UPDATE emissions_1h SET revision = revision + 1, co2e_kg = 0 WHERE " NEWEST, "", 0},
        {"a running one", "UPDATE emissions_1mo SET co2e_kg = 0 WHERE NOT final", "", 0},
        {"energy", "UPDATE emissions_1h SET energy_gj = energy_gj + 0.000001 WHERE " NEWEST,
         " energy_gj: expected ", 1},
        {"what is noted", "UPDATE emissions_1h SET held_s = 1 WHERE " NEWEST,
         " held_s: expected 0, found 1", 1},
        {"that it is known", "UPDATE emissions_1h SET energy_unknown = NULL WHERE " NEWEST,
         " energy_unknown: expected 0, found nothing", 1},
        {"another facility's", "UPDATE emissions_1h SET facility = 'lx' WHERE start_ms < 0", "", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (i > 0) {
            tear_down(NULL);
            set_up(NULL);
        }
        tamper(cases[i].sql);
        struct audit audit;
        audit_begin(&audit);
        compare_rows(&audit);
        if (count_lines(&audit) != cases[i].lines ||
            strstr(buffer_text(&audit.lines), cases[i].want) == NULL)
            fail_msg("%s:\n%s", cases[i].name, buffer_text(&audit.lines));
        audit_print(&audit, NULL);
        assert_int_equal(audit.differences, cases[i].lines);
        audit_end(&audit);
    }
}

static void test_what_is_dirty_is_left_out(void **state)
{
    (void)state;
    tamper("DELETE FROM emissions_1h");
    (void)shard_mark_dirty(shard, 0, INT64_MIN);
    struct audit audit;
    audit_begin(&audit);
    compare_rows(&audit);
    assert_string_equal(buffer_text(&audit.lines), "");
    assert_int_equal(audit.windows, 0);
    audit_end(&audit);
}

/* The heat content of every meter, at all times. */
static void set_energy(double factor)
{
    const struct registry *built = config.registry;
    for (uint32_t i = 0; i < built->facilities_count; i++) {
        const struct facility *facility = &built->facilities[i];
        for (uint32_t era = 0; era < facility->eras_count; era++) {
            const double *rows = built->eras[facility->eras_first + era].factor;
            double *energy = (double *)rows + (size_t)RATE_ENERGY * facility->meters_count;
            for (uint32_t k = 0; k < facility->meters_count; k++)
                energy[k] = factor;
        }
    }
}

/* InfluxDB keeps a value that has become null. The audit leaves it out, and compares the count that
 * tells so. */
static void test_what_is_null_is_left_out(void **state)
{
    tear_down(state);
    set_energy(0);
    set_up(state);
    tamper("UPDATE emissions_1h SET energy_gj = 5 WHERE energy_gj IS NULL; "
           "UPDATE emissions_1h SET energy_unknown = 0 WHERE " NEWEST);
    struct audit audit;
    audit_begin(&audit);
    compare_rows(&audit);
    assert_non_null(strstr(buffer_text(&audit.lines), " energy_unknown: expected 4, found 0"));
    assert_int_equal(count_lines(&audit), 1);
    assert_true(audit.windows > WINDOWS_MIN);
    audit_end(&audit);
    set_energy(0.0036);
}

static uint64_t sum_up(void)
{
    struct audit audit;
    audit_begin(&audit);
    struct buffer why;
    buffer_init(&why, TEXT_MAX);
    if (audit_sums(&audit, &why) < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
    audit_end(&audit);
    return audit.differences;
}

#define MARCH "start_ms = (SELECT min(start_ms) FROM emissions_1mo WHERE final)"

static void test_sums(void **state)
{
    (void)state;
    assert_int_equal(sum_up(), 0);
    tamper("UPDATE emissions_1mo SET activity = activity + 0.000001 WHERE " MARCH);
    assert_int_equal(sum_up(), 1); /* the month */
    tamper("UPDATE emissions_1mo SET activity = activity - 0.000001 WHERE " MARCH);
    assert_int_equal(sum_up(), 0);
    tamper("DELETE FROM emissions_1h WHERE start_ms = (SELECT min(start_ms) FROM emissions_1h "
           "WHERE activity > 0)");
    assert_true(sum_up() >= 2); /* the day's activity and CO2e at least */
    tamper("DELETE FROM emissions_1h");
    assert_int_equal(sum_up(), 0); /* hours that are not kept any more */
    tamper("DELETE FROM emissions_1mo WHERE " MARCH);
    assert_int_equal(sum_up(), 1);
}

/* Energy that is null in a part or in the whole is left out, and so is that of rows from before it
 * existed; all else is summed. */
static void test_sums_of_what_is_null(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sql;
        uint64_t want;
    } cases[] = {
        {"a month's energy", "UPDATE emissions_1mo SET energy_gj = energy_gj + 1 WHERE " MARCH, 1},
        {"the month is null, and an old value is kept",
         "UPDATE emissions_1mo SET energy_unknown = 5 WHERE " MARCH, 0},
        {"the month is null", "UPDATE emissions_1mo SET energy_gj = NULL WHERE " MARCH, 0},
        {"the days are of an earlier version",
         "UPDATE emissions_1mo SET energy_unknown = 0, energy_gj = 9 WHERE " MARCH
         "; UPDATE emissions_1d SET energy_unknown = NULL, energy_gj = NULL",
         0},
        {"the columns are missing",
         "DROP VIEW emissions_1d_named; ALTER TABLE emissions_1d DROP COLUMN energy_gj; "
         "ALTER TABLE emissions_1d DROP COLUMN energy_unknown",
         0},
        {"other figures are summed", "UPDATE emissions_1mo SET co2e_kg = co2e_kg + 1 WHERE " MARCH,
         1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        tamper(cases[i].sql);
        uint64_t differences = sum_up();
        if (differences != cases[i].want)
            fail_msg("%s: %" PRIu64, cases[i].name, differences);
    }
}

static void test_lines_that_stay(void **state)
{
    (void)state;
    struct audit audit = {.config = &config, .quiet = true};
    struct buffer first;
    buffer_init(&audit.lines, TEXT_MAX);
    buffer_init(&first, TEXT_MAX);
    buffer_add_str(&first, "one\ntwo\nthree\n");
    buffer_add_str(&audit.lines, "one\nwo\nthree\nfour\n");
    audit_print(&audit, &first);
    assert_int_equal(audit.differences, 2);
    assert_int_equal(audit.lines.size, 0);
    buffer_fini(&first);
    buffer_fini(&audit.lines);
}

static void test_files_cannot_be_read(void **state)
{
    (void)state;
    struct sink_conf file = {.name = "file", .type = SINK_FILE, .path = "/dev/null"};
    struct sink_conf missing = {.name = "db", .type = SINK_SQLITE, .path = "/nonexistent/a.db"};
    struct sink_conf down = {.name = "in", .type = SINK_INFLUX, .url = "http://127.0.0.1:1"};
    struct archive *archive = NULL;
    struct buffer why;
    buffer_init(&why, TEXT_MAX);
    assert_int_equal(archive_open(&archive, &file, config.registry, 900000, &why), -ENOTSUP);
    assert_true(archive_open(&archive, &missing, config.registry, 900000, &why) < 0);
    assert_null(archive);
    assert_int_equal(archive_open(&archive, &down, config.registry, 900000, &why), 0);
    const struct archive_query query = {.from_ms = 0, .to_ms = 1};
    assert_int_equal(archive_read(archive, &query, NULL, NULL, &why), -EIO);
    archive_close(&archive);
    buffer_fini(&why);
}

static int build(void **state)
{
    (void)state;
    config.registry = tables_read("tests/data/events", 2 * DAY_MS);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    registry_destroy(&config.registry);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_to_tell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_tampering_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_dirty_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_null_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sums, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sums_of_what_is_null, set_up, tear_down),
        cmocka_unit_test(test_lines_that_stay),
        cmocka_unit_test(test_files_cannot_be_read),
    };
    return cmocka_run_group_tests_name("audit", tests, build, destroy);
}
