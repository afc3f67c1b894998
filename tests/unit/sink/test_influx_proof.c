/* When VictoriaMetrics is killed, it loses rows that it acknowledged in its last seconds. These
 * tests show what the sink makes of connections, failures and later answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sink/sink_bench.h"

enum { CONFIRM_MS = 300 };

static void write_block(struct place *place, uint32_t rows)
{
    place_submit(place, fixture_block(rows));
    place_run_until_idle(place);
}

static void open_victoria(struct place *place)
{
    place->conf.dialect = DIALECT_VICTORIA;
    place->conf.confirm_after_ms = CONFIRM_MS;
    place_open_sink(place);
}

/* VictoriaMetrics was killed after it had answered: another connection tells. */
static void test_acknowledged_is_lost(void **state)
{
    struct place *place = *state;
    place->conf.confirm_after_ms = CONFIRM_MS;
    place_open_sink(place);
    write_block(place, 3);
    assert_int_equal(place->report.end, BLOCK_DURABLE); /* InfluxDB has what it acknowledged */
    place_close_sink(place);
    open_victoria(place);
    write_block(place, 3);
    assert_int_equal(place->report.end, BLOCK_ACKNOWLEDGED);
    write_block(place, 5);
    assert_int_equal(place->report.losses, 0);
    scripted_server_drop(place->server);
    write_block(place, 1);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.outages, 0);
    assert_int_equal(place->report.end,
                     BLOCK_ACKNOWLEDGED); /* this one it knows, whatever it has lost */
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 9);
}

/* The same where the failure is seen by the next request; and what there is to lose is lost once.
 */
static void test_outage_loses_what_was_acknowledged(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        GOOD, {.status = 502}, {.manner = MANNER_RESET}, GOOD};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    open_victoria(place);
    write_block(place, 3);
    write_block(place, 7);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.outages, 1);
    assert_int_equal(place->report.end, BLOCK_WRITTEN_AT_RISK); /* one try has had no answer */
}

/* Rows of the block itself were acknowledged before. */
static void test_a_block_is_lost_in_part(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {GOOD, {.status = 502}, GOOD};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place->conf.rows_max = 4;
    open_victoria(place);
    write_block(place, 8);
    assert_int_equal(place->report.end, BLOCK_UNKNOWN);
    write_block(place, 8);
    assert_int_equal(place->report.end, BLOCK_ACKNOWLEDGED);
}

/* An answer by another connection tells of a loss, also if it takes no row. */
static void test_refusals_tell_too(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        GOOD,
        {.status = 400, .body = "cannot read influx line protocol data: too long line: more"},
        GOOD};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    open_victoria(place);
    write_block(place, 3);
    scripted_server_drop(place->server);
    write_block(place, 1);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.end,
                     BLOCK_DURABLE); /* it is set aside: there is nothing to lose */
    write_block(place, 1);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.end, BLOCK_ACKNOWLEDGED);
}

/* A page of what stands before the database proves nothing: the database may have gone. */
static void test_strange_words_prove_nothing(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        GOOD, {.status = 400, .body = "missing route"}, GOOD, GOOD};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    open_victoria(place);
    write_block(place, 3);
    uv_sleep(2 * CONFIRM_MS); /* any answer to rows of now would prove those of before */
    uv_update_time(&place->loop);
    write_block(place, 1);
    assert_int_equal(place->report.proofs, 0);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.outages, 0);
    assert_int_equal(place->report.end, BLOCK_ACKNOWLEDGED);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, 0);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 4);
}

/* The same where no block is under way. */
static void test_strange_words_confirm_nothing(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        GOOD, {.status = 400, .body = "missing route"}, GOOD};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    open_victoria(place);
    write_block(place, 3);
    for (int i = 0; i < 10000 && place->report.losses == 0; i++)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.proofs, 0);
    assert_false(sink_get_stats(place->sink)->healthy);
    assert_string_equal(sink_get_stats(place->sink)->last_error, "missing route");
}

/* The answer "too many requests" is no outage, but it proves nothing either. */
static void test_throttled(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {GOOD, {.status = 503}, GOOD};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    open_victoria(place);
    write_block(place, 3);
    write_block(place, 3);
    assert_int_equal(place->report.losses, 1);
    assert_int_equal(place->report.outages, 0);
    assert_int_equal(place->report.proofs, 0);
}

/* The answer was given long before we read it: the server may have gone meanwhile. */
static void test_a_late_look_proves_nothing(void **state)
{
    struct place *place = *state;
    open_victoria(place);
    write_block(place, 3);
    place_submit(place, fixture_block(1));
    while (scripted_server_requests(place->server) < 2)
        uv_run(&place->loop, UV_RUN_NOWAIT);
    uv_sleep(2 * CONFIRM_MS); /* we stood still */
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 2);
    assert_true(place->report.proofs == 0 || !place->report.proves_all);
    assert_int_equal(place->report.end, BLOCK_ACKNOWLEDGED);
}

/* Nothing more is written: a request without a row asks. */
static void test_proof_is_asked_for(void **state)
{
    struct place *place = *state;
    open_victoria(place);
    write_block(place, 3);
    for (int i = 0; i < 10000 && !place->report.proves_all; i++)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_true(place->report.proves_all);
    assert_int_equal(scripted_server_requests(place->server), 2);
    assert_int_equal(place->lines[1], 1); /* an empty one */
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 3);
    scripted_server_drop(place->server);
    write_block(place, 1);
    assert_int_equal(place->report.losses, 0); /* there was nothing more to lose */
}

/* Rows that follow prove those before them, less and less than all. */
static void test_proof_comes_with_rows(void **state)
{
    struct place *place = *state;
    open_victoria(place);
    for (int i = 0; i < 10000 && place->report.proofs < 5; i++)
        write_block(place, 1);
    assert_true(place->report.proofs >= 5);
    assert_false(place->report.proves_all);
    assert_int_equal(place->report.losses, 0);
}

/* A server, or a proxy, that keeps no connections must not be sent everything for ever. */
static void test_connections_are_never_kept(void **state)
{
    struct place *place = *state;
    for (uint32_t i = 0; i < STEPS_MAX; i++)
        place->steps[place->steps_count++] =
            (struct scripted_response){.status = 204, .headers = "Connection: close\r\n"};
    open_victoria(place);
    enum { BLOCKS = 12 };
    for (uint32_t i = 0; i < BLOCKS; i++)
        write_block(place, 1);
    assert_int_equal(place->report.done, BLOCKS);
    assert_true(place->report.losses > 0);
    assert_true(place->report.losses < BLOCKS / 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_acknowledged_is_lost),
        TEST(test_outage_loses_what_was_acknowledged),
        TEST(test_a_block_is_lost_in_part),
        TEST(test_refusals_tell_too),
        TEST(test_strange_words_prove_nothing),
        TEST(test_strange_words_confirm_nothing),
        TEST(test_throttled),
        TEST(test_a_late_look_proves_nothing),
        TEST(test_proof_is_asked_for),
        TEST(test_proof_comes_with_rows),
        TEST(test_connections_are_never_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
