/* sqlite_bench.h - an SQLite sink in a folder of its own, and a second connection to its file. */
#ifndef GHGD_TEST_SQLITE_BENCH_H
#define GHGD_TEST_SQLITE_BENCH_H

#include "tests/unit/sink/fixture.h"

#include <sqlite3.h>

struct sqlite_bench {
    char folder[64], path[96];
    struct sink_conf conf;
    uv_loop_t loop;
    struct sink *sink;
    struct fixture_report report;
};

/* For cmocka: *state is the bench. The teardown closes the sink. */
int sqlite_bench_setup(void **state);
int sqlite_bench_teardown(void **state);
int sqlite_bench_open(struct sqlite_bench *place);
void sqlite_bench_close(struct sqlite_bench *place);
/* Another connection: of a reader, or of the program that made the file. */
sqlite3 *sqlite_bench_open_other(const struct sqlite_bench *place);
void sqlite_bench_run(sqlite3 *db, const char *sql);
/* For sqlite3_exec(): appends the row to a struct buffer. */
int sqlite_bench_join_row(void *context, int count, char **values, char **names);
void sqlite_bench_expect(const struct sqlite_bench *place, const char *sql, const char *want);
/* Waits until the block is written; destroys it. */
void sqlite_bench_write(struct sqlite_bench *place, struct block *block);

#endif
