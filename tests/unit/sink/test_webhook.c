/* Webhooks: each change of an alert arrives at least once, whatever the receiver does. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/sink/hook.h"
#include "pipelines/sink/signature.h"
#include "tests/unit/sink/alert_bench.h"
#include "tests/unit/sink/sink_bench.h"

static const struct alert_change changes[] = {{0, 1, ALERT_OK, ALERT_WATCH},
                                              {1, 4, ALERT_WATCH, ALERT_CRITICAL},
                                              {2, 9, ALERT_WATCH, ALERT_OK},
                                              {3, 1, ALERT_OK, ALERT_WARNING}};
enum { CHANGES = ARRAY_LEN(changes) };

static int hook_setup(void **state)
{
    int err = place_setup(state);
    struct place *place = *state;
    place->conf.type = SINK_WEBHOOK;
    place->conf.gzip = false;
    (void)snprintf(place->url + strlen(place->url), sizeof(place->url) - strlen(place->url),
                   "/hook/a");
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

static void run_block(struct place *place, const struct scripted_response *steps, size_t count)
{
    place_add_steps(place, steps, count);
    place_open_sink(place);
    place_submit(place, alert_block(changes, CHANGES));
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
}

/* Every change was stored once. */
static void expect_all_stored(struct place *place)
{
    static const char *const ids[CHANGES] = {"\"t0/1/1\"", "\"t1/1/4\"", "\"t2/1/9\"",
                                             "\"t3/1/1\""};
    for (size_t i = 0; i < CHANGES; i++)
        assert_int_equal(count_text(&place->stored, ids[i]), 1);
}

static void test_one_request(void **state)
{
    struct place *place = *state;
    run_block(place, NULL, 0);
    expect_all_stored(place);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->requests_ok, 1);
    assert_int_equal(stats->rows_written, CHANGES);
    assert_int_equal(count_text(&place->heads, "POST /hook/a HTTP"), 1);
    assert_int_equal(count_text(&place->heads, "Content-Type: application/json\r\n"), 1);
    assert_int_equal(count_text(&place->heads, "X-Ghgd-Signature"), 0);
    assert_int_equal(count_text(&place->heads, "Authorization"), 0);
    assert_int_equal(count_text(&place->stored, "\"receiver\":\"test\""), 1);
    assert_int_equal(count_text(&place->stored, "\"status\":\"resolved\""), 1);
}

/* A receiver can compute the signature from what it got. */
static void test_signature(void **state)
{
    struct place *place = *state;
    place->conf.secret = "a secret";
    place->conf.token = "a-token";
    static const struct scripted_response steps[] = {{.status = 500}};
    run_block(place, steps, ARRAY_LEN(steps));
    const char *heads = buffer_text(&place->heads);
    assert_int_equal(count_text(&place->heads, "Authorization: Bearer a-token\r\n"), 2);
    assert_int_equal(count_text(&place->heads, "X-Ghgd-Signature: "), 2);
    const char *found = strstr(heads, "X-Ghgd-Signature: t=");
    assert_non_null(found);
    int64_t time_s = strtoll(found + strlen("X-Ghgd-Signature: t="), NULL, 10);
    assert_true(time_s > 1700000000);
    struct buffer want;
    buffer_init(&want, 1024);
    assert_int_equal(
        signature_add(&want, place->conf.secret, time_s, place->stored.data, place->stored.size),
        0);
    assert_memory_equal(found, want.data, want.size);
    buffer_fini(&want);
}

static void test_user(void **state)
{
    struct place *place = *state;
    place->conf.user = "u";
    place->conf.password = "p";
    place->conf.language = LANGUAGE_VI;
    run_block(place, NULL, 0);
    assert_int_equal(count_text(&place->heads, "Authorization: Basic dTpw\r\n"), 1);
    assert_int_equal(count_text(&place->stored, "Nghiêm trọng: "), 1);
}

static void test_failures_that_pass(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 500, .body = "oops"},
        {.status = 503},
        {.status = 429, .headers = "Retry-After: 77\r\n"},
        {.manner = MANNER_STALL},
        {.manner = MANNER_RESET},
        {.manner = MANNER_RESET_IN_BODY, .status = 200, .body = "cut in the middle"},
        {.status = 408},
        {.status = 425},
        {.status = 502, .body = "<html>Bad Gateway</html>"},
    };
    run_block(place, steps, ARRAY_LEN(steps));
    expect_all_stored(place);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_written, CHANGES);
    assert_int_equal(stats->rows_refused, 0);
    assert_int_equal(stats->requests_throttled, 2);
    assert_int_equal(stats->requests_timeout, 1);
    assert_int_equal(stats->requests_failed, 6);
    assert_int_equal(stats->retries, ARRAY_LEN(steps));
    assert_true(stats->healthy);
    assert_in_range(place->waits_ms[0], 500 - LATE_MS, 1000);
    assert_in_range(place->waits_ms[2], 77000 - LATE_MS, 77000);
}

static void test_failures_that_wait_for_a_person(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 401}, {.status = 403},
        {.status = 404}, {.status = 405},
        {.status = 410}, {.status = 301, .headers = "Location: http://127.0.0.1:1/\r\n"},
    };
    run_block(place, steps, ARRAY_LEN(steps));
    expect_all_stored(place);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_refused, 0);
    assert_int_equal(stats->requests_refused, ARRAY_LEN(steps));
    assert_int_equal(place->waits, ARRAY_LEN(steps));
    for (uint32_t i = 0; i < place->waits; i++)
        assert_in_range(place->waits_ms[i], 30000 - LATE_MS, 60000);
}

/* The receiver refuses all, then one of them. */
static void test_refused(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 400, .body = "no such target"},
        GOOD,
        {.status = 500},
        {.status = 422, .body = "t1 is unknown"},
    };
    run_block(place, steps, ARRAY_LEN(steps));
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_written, 3);
    assert_int_equal(stats->rows_refused, 1);
    assert_int_equal(stats->requests_refused, 2);
    assert_int_equal(stats->requests_ok, 3);
    assert_int_equal(count_text(&place->stored, "\"t0/1/1\""), 1);
    assert_int_equal(count_text(&place->stored, "\"t1/1/4\""), 0);
    assert_int_equal(count_text(&place->stored, "\"t2/1/9\""), 1);
    assert_int_equal(count_text(&place->stored, "\"t3/1/1\""), 1);
    char *dead = fixture_read(place->dead_rows);
    assert_non_null(strstr(dead, "sink=test t1 is unknown\n{\"version\":\"4\""));
    assert_non_null(strstr(dead, "\"t1/1/4\""));
    assert_null(strstr(dead, "\"t0/1/1\""));
    free(dead);
    /* the next block goes as a whole again */
    place_submit(place, alert_block(changes, CHANGES));
    place_run_until_idle(place);
    assert_int_equal(stats->requests_ok, 4);
}

static void test_too_large(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 413}, GOOD, {.status = 413}, {.status = 413}};
    run_block(place, steps, ARRAY_LEN(steps));
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_written, 3); /* two, none, and the last of the two one by one */
    assert_int_equal(stats->rows_refused, 1);
    assert_int_equal(count_text(&place->stored, "\"t2/1/9\""), 0);
}

static void test_many(void **state)
{
    struct place *place = *state;
    struct alert_change many[130];
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct alert_change){i, 1, ALERT_OK, ALERT_WATCH};
    place_open_sink(place);
    struct block *block = alert_block(many, ARRAY_LEN(many));
    block->rows[0] = fixture_row(0, 0, FIXTURE_START_MS); /* no alert: it is not sent */
    block->rows[129] = fixture_row(0, 0, FIXTURE_START_MS);
    place_submit(place, block);
    place_run_until_idle(place);
    assert_int_equal(sink_get_stats(place->sink)->requests_ok, 2);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 128);
    assert_int_equal(count_text(&place->stored, "\"fingerprint\""), 128);
}

static void test_other_rows(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    place_submit(place, fixture_block(3));
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(scripted_server_requests(place->server), 0);
}

/* A block that was given up is given back: it arrives again. */
static void test_withdraw(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {{.manner = MANNER_STALL}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    place_submit(place, alert_block(changes, CHANGES));
    while (scripted_server_requests(place->server) == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    sink_withdraw(place->sink);
    assert_int_equal(place->report.abandoned, 1);
    assert_int_equal(place->report.end, BLOCK_GIVEN_BACK);
    sink_forget(place->sink, 0); /* it remembers nothing */
    place_submit(place, alert_block(changes, CHANGES));
    place_run_until_idle(place);
    expect_all_stored(place);
}

static void test_forbidden(void **state)
{
    struct place *place = *state;
    place->report.forbids = true;
    place_open_sink(place);
    place_submit(place, alert_block(changes, CHANGES));
    for (int i = 0; i < 20; i++)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(scripted_server_requests(place->server), 0);
    place->report.forbids = false;
    place_run_until_idle(place);
    expect_all_stored(place);
}

static void test_bad_urls(void **state)
{
    struct place *place = *state;
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    static const char *const urls[] = {NULL, "", "http://", "http:///hook", "nonsense"};
    static const int types[] = {SINK_WEBHOOK, SINK_ALERTMANAGER};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        for (size_t type = 0; type < ARRAY_LEN(types); type++) {
            place->conf.url = urls[i];
            place->conf.type = types[type];
            struct sink *sink = NULL;
            if (sink_create(&sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks) >= 0)
                fail_msg("%s was taken", urls[i]);
        }
    }
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum verdict want;
    } cases[] = {
        {0, VERDICT_BROKEN},   {100, VERDICT_HOLD},      {200, VERDICT_DONE},
        {202, VERDICT_DONE},   {204, VERDICT_DONE},      {299, VERDICT_DONE},
        {301, VERDICT_HOLD},   {400, VERDICT_REFUSED},   {401, VERDICT_HOLD},
        {403, VERDICT_HOLD},   {404, VERDICT_HOLD},      {408, VERDICT_BROKEN},
        {409, VERDICT_HOLD},   {413, VERDICT_TOO_LARGE}, {422, VERDICT_REFUSED},
        {425, VERDICT_BROKEN}, {429, VERDICT_BUSY},      {500, VERDICT_BROKEN},
        {501, VERDICT_BROKEN}, {503, VERDICT_BUSY},      {599, VERDICT_BROKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct http_answer answer = {
            .status = cases[i].status, .error = "it broke", .body = "", .body_size = 0};
        struct influx_answer judged;
        hook_judge(&judged, &answer);
        if (judged.verdict != cases[i].want)
            fail_msg("%d: %s", cases[i].status, verdict_name(judged.verdict));
        assert_true((judged.words[0] == '\0') == (cases[i].want == VERDICT_DONE));
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, hook_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_one_request),
        CASE(test_signature),
        CASE(test_user),
        CASE(test_failures_that_pass),
        CASE(test_failures_that_wait_for_a_person),
        CASE(test_refused),
        CASE(test_too_large),
        CASE(test_many),
        CASE(test_other_rows),
        CASE(test_withdraw),
        CASE(test_forbidden),
        CASE(test_bad_urls),
        cmocka_unit_test(test_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
