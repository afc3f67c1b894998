/* The file of an open SQLite database is deleted, moved, or may not be written. */
#include "tests/unit/sink/sqlite_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void wait_for_retry(struct sqlite_bench *place)
{
    while (sink_get_stats(place->sink)->retry_at_ms == 0) {
        assert_false(sink_is_idle(place->sink));
        uv_run(&place->loop, UV_RUN_ONCE);
    }
}

/* A submitted block that fails by these words, until it is mended. */
static void expect_failure(struct sqlite_bench *place, const char *words)
{
    struct block *block = fixture_block(5);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    wait_for_retry(place);
    if (strstr(sink_get_stats(place->sink)->last_error, words) == NULL)
        fail_msg("%s", sink_get_stats(place->sink)->last_error);
    assert_false(sink_get_stats(place->sink)->healthy);
}

static void expect_mended(struct sqlite_bench *place)
{
    uint32_t done = place->report.done;
    sink_retry_now(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.done, done + 1);
    assert_true(sink_get_stats(place->sink)->healthy);
}

/* Rights do not bind the superuser: the test gives them up for a while. */
static void take_rights(const struct sqlite_bench *place, bool take)
{
    enum { NOBODY = 65534 };
    static bool was_root;
    if (!take && was_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(place->path, take ? 0444 : 0644), 0);
    assert_int_equal(chmod(place->folder, take ? 0555 : 0755), 0);
    was_root = geteuid() == 0;
    if (take && was_root)
        assert_int_equal(seteuid(NOBODY), 0);
}

/* The database is closed by the first error; from then on it cannot be opened for writing. */
static void test_read_only_is_waited_for(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(1));
    sqlite_bench_close(place);
    take_rights(place, true);
    int err = sqlite_bench_open(place); /* a disk that is read-only must not end the process */
    if (err == 0)
        expect_failure(place, "readonly");
    take_rights(place, false);
    assert_int_equal(err, 0);
    expect_mended(place);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m", "5\n");
    assert_int_equal(place->report.emptied, 0);
}

static char *beside(const struct sqlite_bench *place, const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", place->folder, name);
    return path;
}

static void move_file(const struct sqlite_bench *place, const char *from, const char *to)
{
    char old[128];
    char new[128];
    assert_int_equal(rename(beside(place, from, old), beside(place, to, new)), 0);
}

static void remove_file(const struct sqlite_bench *place, const char *name)
{
    char path[128];
    assert_int_equal(remove(beside(place, name, path)), 0);
}

static void check_emptied(struct sqlite_bench *place, uint32_t times, const char *rows)
{
    sqlite_bench_write(place, fixture_block(2));
    assert_int_equal(sink_get_stats(place->sink)->emptied, times);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m", rows);
    sqlite_bench_expect(place, "PRAGMA integrity_check", "ok\n");
    sqlite_bench_write(place, fixture_block(2)); /* it is told once */
    assert_int_equal(sink_get_stats(place->sink)->emptied, times);
}

/* The open file is deleted: the next transaction goes to a new one, and all rows are wanted. */
static void test_deleted_while_open(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(7));
    assert_int_equal(sink_get_stats(place->sink)->emptied, 0);
    remove_file(place, "ghg.db");
    check_emptied(place, 1, "2\n");
    remove_file(place, "ghg.db");
    remove_file(place, "ghg.db-wal");
    remove_file(place, "ghg.db-shm");
    check_emptied(place, 2, "2\n");
}

/* The file that was moved away has all its rows, also those of the log, which stays behind. */
static void test_moved_while_open(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(7));
    move_file(place, "ghg.db", "old.db");
    check_emptied(place, 1, "2\n");
    char path[128];
    sqlite3 *old = NULL;
    assert_int_equal(sqlite3_open(beside(place, "old.db", path), &old), SQLITE_OK);
    struct buffer text;
    buffer_init(&text, 1 << 10);
    assert_int_equal(
        sqlite3_exec(old, "SELECT count(*) FROM emissions_15m", sqlite_bench_join_row, &text, NULL),
        SQLITE_OK);
    assert_string_equal(buffer_text(&text), "7\n");
    buffer_fini(&text);
    assert_int_equal(sqlite3_close(old), SQLITE_OK);
}

/* An older copy is moved over the open file. */
static void test_moved_over(void **state)
{
    struct sqlite_bench *place = *state;
    char sql[192];
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(3));
    sqlite3 *other = sqlite_bench_open_other(place);
    (void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s/copy.db'", place->folder);
    sqlite_bench_run(other, sql);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    sqlite_bench_write(place, fixture_block(9));
    move_file(place, "copy.db", "ghg.db");
    check_emptied(place, 1, "3\n");
}

/* Its log, or the index of the log, is deleted: the rows are saved, and wanted all the same. */
static void test_log_deleted(void **state)
{
    struct sqlite_bench *place = *state;
    static const char *const names[] = {"ghg.db-wal", "ghg.db-shm"};
    assert_int_equal(sqlite_bench_open(place), 0);
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++) {
        sqlite_bench_write(place, fixture_block(7));
        remove_file(place, names[i]);
        check_emptied(place, i + 1, "7\n");
    }
}

/* The folder is gone for a while: it is waited for, and told again when it is back. */
static void test_folder_moved(void **state)
{
    struct sqlite_bench *place = *state;
    char away[96];
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(7));
    (void)snprintf(away, sizeof(away), "%s-away", place->folder);
    assert_int_equal(rename(place->folder, away), 0);
    expect_failure(place, "unable to open database file: No such file or directory");
    assert_int_equal(sink_get_stats(place->sink)->emptied, 1);
    assert_int_equal(rename(away, place->folder), 0);
    expect_mended(place);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m", "7\n");
    assert_int_equal(sink_get_stats(place->sink)->emptied, 1); /* it is the same file */
}

/* A file that was deleted while it was closed by an error may get its old number again. */
static void test_deleted_while_closed(void **state)
{
    struct sqlite_bench *place = *state;
    assert_int_equal(sqlite_bench_open(place), 0);
    sqlite_bench_write(place, fixture_block(7));
    sqlite3 *other = sqlite_bench_open_other(place);
    sqlite_bench_run(other, "BEGIN IMMEDIATE");
    expect_failure(place, "database is locked");
    sqlite_bench_run(other, "ROLLBACK");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    remove_file(place, "ghg.db");
    expect_mended(place);
    assert_int_equal(sink_get_stats(place->sink)->emptied, 1);
    sqlite_bench_expect(place, "SELECT count(*) FROM emissions_15m", "5\n");
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, sqlite_bench_setup, sqlite_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read_only_is_waited_for),
        TEST(test_deleted_while_open),
        TEST(test_moved_while_open),
        TEST(test_moved_over),
        TEST(test_log_deleted),
        TEST(test_folder_moved),
        TEST(test_deleted_while_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
