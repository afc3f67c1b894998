/* Rows of a shard into files, for commands that end: which are written, and what stops it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "daemon/engine/message_applier.h"
#include "daemon/replay/row_drain.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/sink/fixture.h"
#include "tests/unit/tier.h"

#define START_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

enum { READINGS = 8 };

struct bench {
    uv_loop_t loop;
    char folder[64], paths[2][96];
    struct sink_conf sinks[2];
    struct config config;
    struct shard *shard;
    struct row_drain *row_drain;
};

static void on_refused(void *context, const struct refusal *refusal)
{
    (void)context;
    fail_msg("%s", outcome_reason(refusal->outcome));
}

/* Consecutive quarters of an hour of the meter `interval`. */
static void apply_readings(struct shard *shard, const struct registry *registry)
{
    struct message_applier *applier;
    struct log_position at = {.offset = -1};
    const struct decode_conf decode = {.format = FORMAT_JSON};
    static struct batch batch;
    const struct message_applier_conf conf = {.decode = &decode,
                                              .registry = registry,
                                              .shard = shard,
                                              .batch = &batch,
                                              .refused = on_refused};
    assert_int_equal(message_applier_create(&applier, &conf), 0);
    for (int i = 0; i < READINGS; i++) {
        char text[160];
        char start[TIMESTAMP_TEXT_SIZE];
        char end[TIMESTAMP_TEXT_SIZE];
        timestamp_format(start, START_MS + i * INT64_C(900000));
        timestamp_format(end, START_MS + (i + 1) * INT64_C(900000));
        (void)snprintf(text, sizeof(text),
                       "{\"meter\":\"interval\",\"start\":\"%s\",\"end\":\"%s\",\"value\":1}",
                       start, end);
        const struct raw_message message = {
            .bytes = text, .size = strlen(text), .offset = i, .arrived_ms = INT64_MIN};
        assert_int_equal(message_applier_take(applier, &at, &message, 1), 1);
    }
    message_applier_destroy(&applier);
}

static int set_up(void **state)
{
    static struct bench bench;
    bench = (struct bench){0};
    log_set_level((enum log_level)0);
    fixture_make_folder(bench.folder);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(bench.paths[i], sizeof(bench.paths[i]), "%s/%d", bench.folder, i);
        bench.sinks[i] = (struct sink_conf){
            .name = i == 0 ? "first" : "second", .type = SINK_FILE, .path = bench.paths[i]};
    }
    bench.config =
        (struct config){.registry = tables_read("tests/data/events", 2 * DAY_MS),
                        .sinks = bench.sinks,
                        .sinks_count = 2,
                        .window = {.bucket_ms = 900000,
                                   .allowed_delay_ms = 300000,
                                   .grace_ms = 600000,
                                   .horizon_ms = 2 * DAY_MS,
                                   .early_tolerance_ms = DAY_MS,
                                   .backfill_max_ms = INT64_C(34560000000), /* 400 days */
                                   .idle_timeout_ms = HOUR_MS,
                                   .fiscal_year_start = 1}};
    assert_int_equal(uv_loop_init(&bench.loop), 0);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    row_drain_close(&bench->row_drain);
    shard_destroy(&bench->shard);
    registry_destroy(&bench->config.registry);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    fixture_remove_folder(bench->folder);
    return 0;
}

static int open_drain(struct bench *bench, bool all_sinks, const char *output_path)
{
    const struct row_drain_conf conf = {.command = "test",
                                        .config = &bench->config,
                                        .all_sinks = all_sinks,
                                        .output_path = output_path};
    return row_drain_open(&bench->row_drain, &bench->loop, &conf);
}

static void make_shard(struct bench *bench)
{
    const struct shard_context context = {.registry = bench->config.registry,
                                          .window = &bench->config.window,
                                          .kernels = tests_kernels(),
                                          .sinks_count = row_drain_sinks_count(bench->row_drain)};
    assert_int_equal(shard_create(&bench->shard, &context, 0), 0);
    apply_readings(bench->shard, bench->config.registry);
}

static uint32_t count_lines(const char *path)
{
    char *text = fixture_read(path);
    uint32_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    free(text);
    return lines;
}

/* Every sink gets every row, and then the shard has no more to do. */
static void test_all_sinks(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(open_drain(bench, true, NULL), 0);
    assert_int_equal(row_drain_sinks_count(bench->row_drain), 2);
    make_shard(bench);
    shard_finish(bench->shard);
    assert_int_equal(
        row_drain_run(bench->row_drain, bench->shard, TAKE_CLOSING, &ROW_DRAIN_EVERYTHING), 0);
    assert_true(shard_is_drained(bench->shard));
    uint32_t lines = count_lines(bench->paths[0]);
    assert_true(lines > 2 * READINGS); /* emissions and coverage of each bucket, and more */
    assert_int_equal(count_lines(bench->paths[1]), lines);
    assert_int_equal(row_drain_rows(bench->row_drain), 2 * lines);
}

/* A webhook would tell people old news, unless it is named. */
static void test_people_are_left_out(void **state)
{
    struct bench *bench = *state;
    bench->sinks[1].type = SINK_WEBHOOK;
    bench->sinks[1].url = "http://127.0.0.1:1/";
    assert_int_equal(open_drain(bench, true, NULL), 0);
    assert_int_equal(row_drain_sinks_count(bench->row_drain), 1);
    assert_string_equal(row_drain_sinks(bench->row_drain)[0].name, "first");
    row_drain_close(&bench->row_drain);
    struct row_drain_conf conf = {.command = "test", .config = &bench->config};
    assert_int_equal(sink_choice_add(&conf.chosen, "test", "second"), 0);
    assert_int_equal(row_drain_open(&bench->row_drain, &bench->loop, &conf), 0);
    assert_string_equal(row_drain_sinks(bench->row_drain)[0].name, "second");
    row_drain_close(&bench->row_drain);
    bench->sinks[0].type = SINK_ALERTMANAGER;
    assert_int_equal(open_drain(bench, true, NULL), -ENOENT);
}

/* Rows that are not wanted are settled all the same. */
static void test_filters(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *name;
        struct row_drain_filter filter;
        bool any, all;
    } cases[] = {
        {"everything", {INT64_MIN, INT64_MIN, false}, true, true},
        {"windows that end later", {START_MS + 4 * INT64_C(900000), INT64_MIN, false}, true, false},
        {"windows that begin later",
         {INT64_MIN, START_MS + 4 * INT64_C(900000), false},
         true,
         false},
        {"final ones: the year is not over", {INT64_MIN, INT64_MIN, true}, true, false},
        {"nothing is so late", {INT64_MAX - 1, INT64_MIN, false}, false, false},
    };
    uint32_t all = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(open_drain(bench, false, bench->paths[0]), 0); /* empties the file */
        make_shard(bench);
        shard_finish(bench->shard);
        assert_int_equal(
            row_drain_run(bench->row_drain, bench->shard, TAKE_CLOSING, &cases[i].filter), 0);
        assert_true(shard_is_drained(bench->shard));
        uint64_t rows = row_drain_rows(bench->row_drain);
        assert_int_equal(count_lines(bench->paths[0]), rows);
        all = i == 0 ? (uint32_t)rows : all;
        if ((rows > 0) != cases[i].any || (rows == all) != cases[i].all)
            fail_msg("%s: %u of %u rows", cases[i].name, (unsigned)rows, all);
        row_drain_close(&bench->row_drain);
        shard_destroy(&bench->shard);
    }
}

/* A sink that cannot be opened leaves nothing behind, not on the loop either. */
static void test_not_opened(void **state)
{
    struct bench *bench = *state;
    bench->sinks[1].path = "/nowhere/rows";
    assert_true(open_drain(bench, true, NULL) < 0);
    assert_null(bench->row_drain);
    assert_true(open_drain(bench, false, "/nowhere/rows") < 0);
    assert_null(bench->row_drain);
    bench->config.sinks_count = 0;
    assert_int_equal(open_drain(bench, true, NULL), -ENOENT);
    assert_null(bench->row_drain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_sinks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_people_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_filters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_opened, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
