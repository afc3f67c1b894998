/* Takeovers of a partition by way of the row writer and of sinks: databases that answer, break off
 * a request, stall, or are not there. The test says how late it is to the takeovers alone. */
#include "tests/unit/daemon/engine/rows_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/state/shard_state.h"
#include "tests/unit/sink/scripted_server.h"

enum { TIMEOUT = 60000, STALL_MS = 300, BODIES_MAX = 8, URL_SIZE = 48 };

struct database {
    struct rows_bench *bench;
    struct scripted_server *server;
    enum manner manners[BODIES_MAX]; /* of its first requests; MANNER_ANSWER is 0 */
    int corrects; /* while it works on this request, a correction comes; -1: none does */
    char *bodies[BODIES_MAX];
    uint32_t count;
    char url[URL_SIZE];
};

static struct scripted_response on_request(void *context, const struct scripted_request *request)
{
    struct database *database = context;
    assert_true(database->count < BODIES_MAX);
    uint32_t n = database->count++;
    database->bodies[n] = strdup(request->body);
    assert_non_null(database->bodies[n]);
    struct rows_bench *bench = database->bench;
    if (database->corrects == (int)n)
        rows_bench_apply(&bench->set, bench->assigned, 5, 1);
    return (struct scripted_response){.manner = database->manners[n], .status = 204};
}

static struct sink_conf sink_of(const char *url, int64_t timeout_ms)
{
    return (struct sink_conf){.name = "database",
                              .type = SINK_INFLUX,
                              .dialect = DIALECT_INFLUX1,
                              .url = url,
                              .database = "ghg",
                              .rows_max = 1000,
                              .timeout_ms = timeout_ms,
                              .connect_timeout_ms = 1000,
                              .backoff_min_ms = 1,
                              .backoff_max_ms = 10};
}

/* The first sink writes to it. */
static void start_database(struct database *database, struct rows_bench *bench, int64_t timeout_ms)
{
    database->bench = bench;
    database->server = scripted_server_start(&bench->engine.loop, on_request, database);
    (void)snprintf(database->url, sizeof(database->url), "http://127.0.0.1:%d",
                   scripted_server_port(database->server));
    bench->sinks[0] = sink_of(database->url, timeout_ms);
}

static void stop_database(struct database *database)
{
    scripted_server_stop(&database->server);
    for (uint32_t i = 0; i < database->count; i++)
        free(database->bodies[i]);
}

static int64_t now(const struct rows_bench *bench)
{
    return (int64_t)uv_now(&bench->engine.loop);
}

/* A partition with a reading, assigned to us, whose lease is over: round one is due. */
static void begin_probe(struct rows_bench *bench)
{
    rows_bench_apply(&bench->set, rows_bench_open(bench, 0), 5, 0);
    assigned_rows_take_over(&bench->set, bench->assigned, now(bench));
    assert_true(assigned_rows_step_takeovers(&bench->set, now(bench)));
    assert_int_equal(bench->assigned->takeovers[0].state, TAKEOVER_PROBE);
}

static struct mark_counts marks_of(const struct rows_bench *bench, uint32_t sink)
{
    return shard_count_marks(bench->assigned->shard, sink);
}

static bool is_written(void *context)
{
    const struct rows_bench *bench = context;
    const struct mark_counts counts = marks_of(bench, 0);
    return mark_counts_dirty(&counts, 0) + mark_counts_sent(&counts, 0) == 0;
}

static bool is_proof(void *context)
{
    const struct rows_bench *bench = context;
    return bench->assigned->takeovers[0].state == TAKEOVER_PROOF;
}

static bool is_lease(void *context)
{
    const struct rows_bench *bench = context;
    return bench->assigned->takeovers[0].state == TAKEOVER_LEASE;
}

/* The sink has answered a row of round one: round two ends the takeover. */
static void finish(struct rows_bench *bench, int64_t timeout_ms)
{
    engine_bench_wait(&bench->engine, is_proof, bench, "the sink has answered");
    int64_t answered_ms = bench->assigned->takeovers[0].at_ms;
    assert_false(assigned_rows_step_takeovers(&bench->set, answered_ms + timeout_ms - 1));
    assert_true(marks_of(bench, 0).at_risk[0] > 0);
    assert_true(assigned_rows_step_takeovers(&bench->set, answered_ms + timeout_ms));
    assert_int_equal(marks_of(bench, 0).at_risk[0], 0);
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_written, bench, "round two is written");
    assert_int_equal(bench->assigned->takeovers[0].state, TAKEOVER_DONE);
}

static void test_a_database_answers(void **state)
{
    struct rows_bench *bench = *state;
    struct database database = {.corrects = -1};
    start_database(&database, bench, TIMEOUT);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    begin_probe(bench);
    row_writer_emit(bench->row_writer);
    finish(bench, TIMEOUT);
    assert_int_equal(database.count, 2); /* a round each */
    assert_string_equal(database.bodies[0], database.bodies[1]);
    assert_false(assigned_is_taking_over(bench->assigned, now(bench)));
    stop_database(&database);
}

/* The try that was broken off may arrive after the one that was answered: the takeover begins
 * again, with every row. */
static void test_a_request_fails(void **state)
{
    struct rows_bench *bench = *state;
    struct database database = {.corrects = -1, .manners = {MANNER_RESET}};
    start_database(&database, bench, TIMEOUT);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    begin_probe(bench);
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_lease, bench, "the block ended at risk");
    assert_int_equal(database.count, 2);
    assert_true(is_written(bench) && marks_of(bench, 0).at_risk[0] > 0);
    assert_true(assigned_rows_step_takeovers(&bench->set, now(bench)));
    row_writer_emit(bench->row_writer);
    finish(bench, TIMEOUT);
    assert_int_equal(database.count, 4);
    for (uint32_t i = 1; i < database.count; i++)
        assert_string_equal(database.bodies[i], database.bodies[0]);
    stop_database(&database);
}

/* A row that changes while the database works on it is at risk as before, and round two writes it
 * as it is then. */
static void test_a_row_changes_on_its_way(void **state)
{
    struct rows_bench *bench = *state;
    struct database database = {.corrects = 0};
    start_database(&database, bench, TIMEOUT);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    begin_probe(bench);
    uint32_t windows = marks_of(bench, 0).at_risk[0];
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_proof, bench, "the sink has answered");
    assert_int_equal(marks_of(bench, 0).at_risk[0], windows);
    finish(bench, TIMEOUT);
    assert_true(database.count >= 2);
    assert_string_not_equal(database.bodies[database.count - 1], database.bodies[0]);
    stop_database(&database);
}

static bool both_are_tried(void *context)
{
    const struct rows_bench *bench = context;
    return is_proof(context) && row_writer_get_stats(bench->row_writer, 1)->requests_failed >= 3;
}

/* The other sink goes on. When the dead one is given up, no try of its block can arrive, so there
 * is no new doubt. */
static void test_a_sink_is_dead(void **state)
{
    struct rows_bench *bench = *state;
    struct database database = {.corrects = -1};
    start_database(&database, bench, TIMEOUT);
    bench->sinks[1] = sink_of("http://127.0.0.1:1", TIMEOUT);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    begin_probe(bench);
    uint32_t windows = marks_of(bench, 1).at_risk[1];
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, both_are_tried, bench, "both sinks are tried");
    finish(bench, TIMEOUT);
    assert_int_equal(bench->assigned->takeovers[1].state, TAKEOVER_PROBE);
    assert_int_equal(marks_of(bench, 1).at_risk[1], windows);
    assert_true(assigned_is_taking_over(bench->assigned, now(bench)));
    row_writer_withdraw(bench->row_writer);
    assert_int_equal(bench->assigned->takeovers[1].state, TAKEOVER_PROBE);
    const struct mark_counts counts = marks_of(bench, 1);
    assert_int_equal(mark_counts_dirty(&counts, 1), windows);
    stop_database(&database);
}

static bool is_asked(void *context)
{
    return ((const struct database *)context)->count > 0;
}

static bool is_idle(void *context)
{
    const struct rows_bench *bench = context;
    const struct sink_stats *stats = row_writer_get_stats(bench->row_writer, 0);
    return stats->requests_failed + stats->requests_timeout > 0 ||
           !row_writer_is_due(bench->row_writer, 0);
}

/* The partition goes while a database stalls on its rows, and comes back. The old block says
 * nothing about the new rows: neither that they are written, nor that a request of them failed. */
static void test_revoked_and_back(void **state)
{
    struct rows_bench *bench = *state;
    struct database database = {.corrects = -1, .manners = {MANNER_STALL}};
    start_database(&database, bench, TIMEOUT);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    begin_probe(bench);
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_asked, &database, "the database is asked");
    row_writer_forget(bench->row_writer, 0);
    assigned_set_close(&bench->set, &bench->assigned);
    begin_probe(bench);
    uint32_t windows = marks_of(bench, 0).at_risk[0];
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_idle, bench, "the old block is back");
    assert_int_equal(marks_of(bench, 0).at_risk[0], windows);
    row_writer_emit(bench->row_writer);
    finish(bench, TIMEOUT);
    assert_int_equal(database.count, 3);
    stop_database(&database);
}

/* A database that stalls: its request may be executed at any time after. Its rows are at risk,
 * also when no former owner is feared any more. */
static void test_a_database_stalls(void **state)
{
    struct rows_bench *bench = *state;
    struct database database = {.corrects = -1, .manners = {0, 0, MANNER_STALL}};
    start_database(&database, bench, STALL_MS);
    assert_int_equal(rows_bench_create_writer(bench), 0);
    begin_probe(bench);
    row_writer_emit(bench->row_writer);
    finish(bench, STALL_MS);
    rows_bench_apply(&bench->set, bench->assigned, 5, 1);
    row_writer_emit(bench->row_writer);
    engine_bench_wait(&bench->engine, is_lease, bench, "the block ended at risk");
    assert_true(is_written(bench) && marks_of(bench, 0).at_risk[0] > 0);
    assert_true(assigned_is_taking_over(bench->assigned, now(bench)));
    assert_true(assigned_rows_step_takeovers(&bench->set, now(bench)));
    row_writer_emit(bench->row_writer);
    finish(bench, STALL_MS);
    assert_int_equal(database.count, 6); /* two rounds, the stalled one and its second try, two */
    stop_database(&database);
}

/* A late message of a former owner does no harm, so nothing is healed. */
static void test_people_are_told_once(void **state)
{
    struct rows_bench *bench = *state;
    bench->sinks[0].type = SINK_WEBHOOK;
    struct assigned *assigned = rows_bench_open(bench, 0);
    assigned_rows_take_over(&bench->set, assigned, INT64_MAX);
    assigned_rows_caught_up(&bench->set, assigned, 0);
    rows_bench_apply(&bench->set, assigned, 1, 0);
    const struct mark_counts counts = shard_count_marks(assigned->shard, 0);
    assert_true(mark_counts_dirty(&counts, 0) > 0);
    assert_int_equal(counts.at_risk[0], 0);
    assert_false(takeover_is_under_way(&assigned->takeovers[0]));
}

int main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, rows_bench_set_up, rows_bench_tear_down)
#define TWO(test) cmocka_unit_test_setup_teardown(test, rows_bench_set_up_two, rows_bench_tear_down)
    const struct CMUnitTest tests[] = {
        ONE(test_a_database_answers),       ONE(test_a_request_fails),
        ONE(test_a_row_changes_on_its_way), TWO(test_a_sink_is_dead),
        ONE(test_revoked_and_back),         ONE(test_a_database_stalls),
        ONE(test_people_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
