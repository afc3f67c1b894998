/* The sink for Alertmanager: alerts that stand are sent again and again, and changes at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "tests/unit/sink/alert_bench.h"
#include "tests/unit/sink/sink_bench.h"

enum { REPEAT_MS = 20 };

static int manager_setup(void **state)
{
    int err = place_setup(state);
    struct place *place = *state;
    place->conf.type = SINK_ALERTMANAGER;
    place->conf.gzip = false;
    place->conf.repeat_ms = 3600000;
    (void)snprintf(place->url + strlen(place->url), sizeof(place->url) - strlen(place->url),
                   "/prefix/");
    return err;
}

static uint32_t count_text(struct buffer *buffer, const char *text)
{
    uint32_t count = 0;
    const char *at = buffer->size == 0 ? "" : buffer_text(buffer);
    for (at = strstr(at, text); at != NULL; at = strstr(at + 1, text))
        count++;
    return count;
}

static void run_changes(struct place *place, const struct alert_change *changes, uint32_t count)
{
    place_submit(place, alert_block(changes, count));
    place_run_until_idle(place);
}

static void run_until_requests(struct place *place, uint32_t count)
{
    while (scripted_server_requests(place->server) < count)
        uv_run(&place->loop, UV_RUN_ONCE);
}

static const struct alert_change watch = {0, 1, ALERT_OK, ALERT_WATCH};
static const struct alert_change warning = {1, 2, ALERT_WATCH, ALERT_WARNING};

/* They stand for four repeats, so that three may fail. */
static void expect_end(struct place *place)
{
    static const char key[] = "\"endsAt\":\"";
    int64_t end_ms = 0;
    const char *end = strstr(buffer_text(&place->stored), key);
    assert_non_null(end);
    end += strlen(key);
    assert_int_equal(timestamp_parse(&end_ms, end, strcspn(end, "\"")), 0);
    int64_t want_ms = clock_wall_ms() + 4 * place->conf.repeat_ms;
    assert_in_range(want_ms - end_ms, 0, 60000);
}

static void test_block(void **state)
{
    struct place *place = *state;
    const struct alert_change changes[] = {watch, warning};
    place_open_sink(place);
    run_changes(place, changes, 2);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 2);
    expect_end(place);
    assert_int_equal(count_text(&place->heads, "POST /prefix/api/v2/alerts HTTP"), 1);
    assert_int_equal(count_text(&place->heads, "Content-Type: application/json\r\n"), 1);
    assert_int_equal(count_text(&place->stored, "\"startsAt\""), 3); /* and the watch that ended */
    /* what stood before is told again with what is new */
    const struct alert_change next = {2, 1, ALERT_OK, ALERT_CRITICAL};
    run_changes(place, &next, 1);
    assert_int_equal(count_text(&place->stored, "\"startsAt\""), 3 + 4);
    assert_int_equal(count_text(&place->stored, "\"t0/1/1\""), 2);
}

static void test_repeat(void **state)
{
    struct place *place = *state;
    place->conf.repeat_ms = REPEAT_MS;
    static const struct scripted_response steps[] = {
        GOOD, GOOD, {.status = 500}, {.status = 400, .body = "\"bad\""}, {.manner = MANNER_RESET}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    for (int i = 0; i < 50; i++)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(scripted_server_requests(place->server), 0); /* nothing stands */
    run_changes(place, &watch, 1);
    run_until_requests(place, 8);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, 0);
    assert_int_equal(place->report.done, 1);
    const struct alert_change over = {0, 2, ALERT_WATCH, ALERT_OK};
    run_changes(place, &over, 1);
    assert_int_equal(place->report.done, 2);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 2);
}

/* A block that comes while a request is under way follows it. */
static void test_block_during_repeat(void **state)
{
    struct place *place = *state;
    place->conf.repeat_ms = REPEAT_MS;
    place->conf.timeout_ms = 300;
    static const struct scripted_response steps[] = {GOOD, {.manner = MANNER_STALL}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    run_changes(place, &watch, 1);
    run_until_requests(place, 2);
    run_changes(place, &warning, 1);
    assert_int_equal(place->report.done, 2);
    assert_int_equal(count_text(&place->stored, "\"t1/1/2\"") > 0, true);
    assert_int_equal(sink_get_stats(place->sink)->requests_timeout, 1);
}

static void test_failures(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 500}, {.status = 503}, {.manner = MANNER_STALL}, {.manner = MANNER_RESET},
        {.status = 404}, {.status = 413}, {.status = 403},
    };
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    run_changes(place, &watch, 1);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(place->waits, ARRAY_LEN(steps));
    assert_int_equal(count_text(&place->stored, "\"t0/1/1\""), 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, 0);
    assert_in_range(place->waits_ms[4], 30000 - LATE_MS, 60000);
}

/* Alertmanager has taken the good ones of them. */
static void test_refused(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {{.status = 400, .body = "bad label"}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    run_changes(place, &watch, 1);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, 1);
    char *dead = fixture_read(place->dead_rows);
    assert_non_null(strstr(dead, "sink=test bad label\n[{\"labels\""));
    free(dead);
}

static void test_forget(void **state)
{
    struct place *place = *state;
    const struct alert_change changes[] = {watch, warning};
    place_open_sink(place);
    run_changes(place, changes, 2);
    sink_forget(place->sink, 1);
    buffer_clear(&place->stored);
    const struct alert_change next = {2, 1, ALERT_OK, ALERT_CRITICAL};
    run_changes(place, &next, 1);
    assert_int_equal(count_text(&place->stored, "\"t0/1/1\""), 1);
    assert_int_equal(count_text(&place->stored, "\"t1/1/2\""), 0);
}

static void test_withdraw_and_close(void **state)
{
    struct place *place = *state;
    place->conf.repeat_ms = REPEAT_MS;
    static const struct scripted_response steps[] = {
        {.manner = MANNER_STALL}, GOOD, {.manner = MANNER_STALL}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    place_submit(place, alert_block(&watch, 1));
    run_until_requests(place, 1);
    sink_withdraw(place->sink);
    assert_int_equal(place->report.abandoned, 1);
    assert_int_equal(place->report.end, BLOCK_GIVEN_BACK);
    run_changes(place, &watch, 1);
    assert_int_equal(place->report.done, 1);
    run_until_requests(place, 3); /* the repeat under way ends with the sink */
    place_close_sink(place);
}

static void test_forbidden(void **state)
{
    struct place *place = *state;
    place->conf.repeat_ms = REPEAT_MS;
    place_open_sink(place);
    run_changes(place, &watch, 1);
    uint32_t before = scripted_server_requests(place->server);
    place->report.forbids = true;
    for (int i = 0; i < 50; i++)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(scripted_server_requests(place->server), before);
    place->report.forbids = false;
    run_until_requests(place, before + 2);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, manager_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_block),   CASE(test_repeat), CASE(test_block_during_repeat), CASE(test_failures),
        CASE(test_refused), CASE(test_forget), CASE(test_withdraw_and_close),  CASE(test_forbidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
