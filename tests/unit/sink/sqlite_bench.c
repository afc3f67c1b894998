#include "tests/unit/sink/sqlite_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int sqlite_bench_setup(void **state)
{
    struct sqlite_bench *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    fixture_make_folder(place->folder);
    (void)snprintf(place->path, sizeof(place->path), "%s/ghg.db", place->folder);
    place->conf = (struct sink_conf){.name = "test", .type = SINK_SQLITE, .path = place->path};
    assert_int_equal(uv_loop_init(&place->loop), 0);
    *state = place;
    return 0;
}

int sqlite_bench_open(struct sqlite_bench *place)
{
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    return sink_create(&place->sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks);
}

void sqlite_bench_close(struct sqlite_bench *place)
{
    sink_close(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.closed, 1);
    place->report.closed = 0;
    place->sink = NULL;
}

int sqlite_bench_teardown(void **state)
{
    struct sqlite_bench *place = *state;
    if (place->sink != NULL)
        sqlite_bench_close(place);
    assert_int_equal(uv_loop_close(&place->loop), 0);
    fixture_remove_folder(place->folder);
    free(place);
    return 0;
}

sqlite3 *sqlite_bench_open_other(const struct sqlite_bench *place)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    return db;
}

void sqlite_bench_run(sqlite3 *db, const char *sql)
{
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
}

int sqlite_bench_join_row(void *context, int count, char **values, char **names)
{
    (void)names;
    struct buffer *text = context;
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(text, '|');
        buffer_add_str(text, values[i] == NULL ? "NULL" : values[i]);
    }
    buffer_add_char(text, '\n');
    return 0;
}

void sqlite_bench_expect(const struct sqlite_bench *place, const char *sql, const char *want)
{
    sqlite3 *db = sqlite_bench_open_other(place);
    struct buffer text;
    char *words = NULL;
    buffer_init(&text, 1 << 20);
    if (sqlite3_exec(db, sql, sqlite_bench_join_row, &text, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
    if (strcmp(buffer_text(&text), want) != 0)
        fail_msg("%s: got\n%s", sql, buffer_text(&text));
    buffer_fini(&text);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void sqlite_bench_write(struct sqlite_bench *place, struct block *block)
{
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 20000), 0);
    block_destroy(&block);
}
