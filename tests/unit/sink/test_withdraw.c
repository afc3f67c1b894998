/* Blocks that are taken back, sinks that may not write, and what is at risk after a failure. */
#include "tests/unit/sink/sink_bench.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void run_ms(struct place *place, uint64_t ms)
{
    uint64_t until = uv_now(&place->loop) + ms;
    while (uv_now(&place->loop) < until)
        uv_run(&place->loop, UV_RUN_ONCE);
}

static void run_until_requests(struct place *place, uint32_t count)
{
    while (scripted_server_requests(place->server) < count)
        uv_run(&place->loop, UV_RUN_ONCE);
}

/* A server that says nothing may have taken all of it; one that was busy has taken nothing. */
static void test_what_is_at_risk(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *name;
        struct scripted_response response;
        bool at_risk;
    } cases[] = {
        {"stored", GOOD, false},
        {"silence until the timeout", {.manner = MANNER_STALL}, true},
        {"reset before the answer", {.manner = MANNER_RESET}, true},
        {"cut off in the answer", {.manner = MANNER_RESET_IN_BODY, .status = 204}, true},
        {"an error of its own", {.status = 500, .body = "{\"error\":\"timeout\"}"}, true},
        {"too busy", {.status = 503, .body = "{\"error\":\"request throttled\"}"}, false},
        {"too many requests", {.status = 429}, false},
        {"not allowed", {.status = 401, .body = "{\"error\":\"authorization failed\"}"}, false},
    };
    place_open_sink(place);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        place->steps_count = scripted_server_requests(place->server);
        place_add_steps(place, &cases[i].response, 1);
        place_submit(place, fixture_block(2));
        place_run_until_idle(place);
        assert_int_equal(place->report.done, i + 1);
        if (fixture_is_at_risk(&place->report) != cases[i].at_risk)
            fail_msg("%s: at risk is %d", cases[i].name, fixture_is_at_risk(&place->report));
    }
}

/* No server listens: nothing can have been taken. */
static void test_refused_connection_is_certain(void **state)
{
    struct place *place = *state;
    (void)snprintf(place->url, sizeof(place->url), "http://127.0.0.1:1");
    place_open_sink(place);
    place_submit(place, fixture_block(2));
    while (sink_get_stats(place->sink)->requests_failed == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    sink_withdraw(place->sink);
    assert_int_equal(place->report.abandoned, 1);
    assert_false(fixture_is_at_risk(&place->report));
}

static void test_withdraw(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {{.manner = MANNER_STALL}, {.status = 503}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    sink_withdraw(place->sink); /* there is nothing */
    assert_int_equal(place->report.abandoned, 0);
    place_submit(place, fixture_block(2));
    run_until_requests(place, 1);
    sink_withdraw(place->sink); /* its request is under way */
    assert_int_equal(place->report.abandoned, 1);
    assert_true(fixture_is_at_risk(&place->report));
    assert_true(sink_is_idle(place->sink));
    place_submit(place, fixture_block(2));
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    sink_withdraw(place->sink); /* it waits for another try */
    assert_int_equal(place->report.abandoned, 2);
    assert_false(fixture_is_at_risk(&place->report));
    struct block *block = fixture_block(3);
    struct buffer want = place_encode(place, block, 0, 3);
    place_submit(place, block);
    place_run_until_idle(place);
    place_expect_stored(place, &want);
    assert_int_equal(place->report.done, 1);
}

/* A request that was given up does not arrive later. The connection is broken off: a close in order
 * would let the kernel deliver the bytes that still wait in it. */
static void test_withdrawn_is_cut_off(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {{.manner = MANNER_STALL}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    place_submit(place, fixture_block(2));
    run_until_requests(place, 1);
    sink_withdraw(place->sink);
    for (int i = 0; i < 3000 && scripted_server_resets(place->server) == 0; i++)
        run_ms(place, 10);
    assert_int_equal(scripted_server_resets(place->server), 1);
}

/* Withdrawn while a thread packs it: it comes back when the thread has ended; closing overtakes. */
static void test_withdraw_while_packing(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    place_submit(place, fixture_block(500));
    sink_withdraw(place->sink);
    assert_int_equal(place->report.abandoned, 0);
    while (place->report.abandoned == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_false(fixture_is_at_risk(&place->report));
    assert_true(sink_is_idle(place->sink));
    place_submit(place, fixture_block(500));
    sink_withdraw(place->sink);
    place_close_sink(place);
    assert_int_equal(place->report.abandoned, 2);
    assert_int_equal(scripted_server_requests(place->server), 0);
}

/* While nothing may be written, nothing is; then all of it. */
static void test_forbidden_before(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    place->report.forbids = true;
    struct block *block = fixture_block(4);
    struct buffer want = place_encode(place, block, 0, 4);
    place_submit(place, block);
    run_ms(place, 500);
    assert_int_equal(scripted_server_requests(place->server), 0);
    assert_int_equal(sink_get_stats(place->sink)->retries, 0);
    place->report.forbids = false;
    while (!sink_is_idle(place->sink))
        uv_run(&place->loop, UV_RUN_ONCE);
    place_expect_stored(place, &want);
    assert_int_equal(place->report.done, 1);
    assert_false(fixture_is_at_risk(&place->report));
}

/* Forbidden in the middle of a request: it is given up at the next sign of the connection. */
static void test_forbidden_amidst(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {{.manner = MANNER_STALL}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    place_submit(place, fixture_block(4));
    run_until_requests(place, 1);
    place->report.forbids = true;
    scripted_server_drop(place->server);
    while (sink_get_stats(place->sink)->requests_failed == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_non_null(strstr(sink_get_stats(place->sink)->last_error, "nothing may be written"));
    assert_int_equal(scripted_server_requests(place->server), 1);
    place->report.forbids = false;
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 1);
    assert_true(fixture_is_at_risk(&place->report));
}

static void test_forbidden_sqlite(void **state)
{
    struct place *place = *state;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/ghg.db", place->folder);
    place->conf.type = SINK_SQLITE;
    place->conf.path = path;
    place_open_sink(place);
    place_submit(place, fixture_block(4));
    place->report.forbids = true; /* its thread may be past the first look, or not */
    run_ms(place, 300);
    place->report.forbids = false;
    while (!sink_is_idle(place->sink)) {
        uv_run(&place->loop, UV_RUN_ONCE);
        sink_retry_now(place->sink);
    }
    assert_int_equal(place->report.done, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 4);
}

/* A file asks once, before it begins. */
static void test_forbidden_file(void **state)
{
    struct place *place = *state;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/rows", place->folder);
    place->conf.type = SINK_FILE;
    place->conf.path = path;
    place_open_sink(place);
    place->report.forbids = true;
    place_submit(place, fixture_block(4));
    run_ms(place, 300);
    assert_int_equal(place->report.done, 0);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 0);
    place->report.forbids = false;
    while (!sink_is_idle(place->sink))
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 4);
}

/* Withdrawn while its thread writes it: it is written or not, and the sink takes the next one. */
static void test_withdraw_sqlite(void **state)
{
    struct place *place = *state;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/ghg.db", place->folder);
    place->conf.type = SINK_SQLITE;
    place->conf.path = path;
    place_open_sink(place);
    place->report.sink = place->sink;
    for (uint32_t i = 1; i <= 20; i++) {
        place_submit(place, fixture_block(50));
        sink_withdraw(place->sink);
        sink_withdraw(place->sink); /* once is enough */
        while (!sink_is_idle(place->sink))
            uv_run(&place->loop, UV_RUN_ONCE);
        assert_int_equal(place->report.done + place->report.abandoned, i);
    }
    assert_true(place->report.done > 0);
    place_submit(place, fixture_block(50));
    sink_withdraw(place->sink);
    place->report.sink = NULL;
    place_close_sink(place); /* before it has come back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_at_risk, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_refused_connection_is_certain, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(test_withdraw, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_withdrawn_is_cut_off, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_withdraw_while_packing, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_forbidden_before, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_forbidden_amidst, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_forbidden_sqlite, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_forbidden_file, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_withdraw_sqlite, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
