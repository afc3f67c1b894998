#include "tests/unit/sink/sink_bench.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY(text) "{\"error\":\"" text "\"}"

/* Everything that passes by itself, in one block: nothing is lost, nothing is written twice. */
static void test_failures_that_pass(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 500, .body = BODY("timeout")},
        {.status = 503, .body = BODY("request throttled, queue full")},
        {.status = 429, .headers = "Retry-After: 77\r\n"},
        {.status = 503, .headers = "Retry-After: 99999999\r\n"},
        {.manner = MANNER_STALL},
        {.manner = MANNER_RESET},
        {.manner = MANNER_RESET_IN_BODY, .status = 500, .body = BODY("cut in the middle")},
        {.manner = MANNER_RESET_IN_BODY, .status = 400, .body = BODY("unable to parse 'x'")},
        {.status = 502, .body = "<html>Bad Gateway</html>"},
        {.status = 400, .body = BODY("unexpected EOF")},
    };
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    struct block *block = fixture_block(20);
    struct buffer want = place_encode(place, block, 0, 20);
    place_submit(place, block);
    place_run_until_idle(place);
    place_expect_stored(place, &want);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(stats->rows_written, 20);
    assert_int_equal(stats->rows_refused, 0);
    assert_int_equal(stats->requests_ok, 1);
    assert_int_equal(stats->requests_throttled, 3);
    assert_int_equal(stats->requests_timeout, 1);
    assert_int_equal(stats->requests_failed, 6);
    assert_int_equal(stats->requests_partial + stats->requests_refused, 0);
    assert_int_equal(stats->retries, 10);
    assert_int_equal(stats->latency_count, 11);
    assert_true(stats->healthy);
    assert_int_equal(place->waits, 10);
    assert_in_range(place->waits_ms[0], 500 - LATE_MS, 1000);
    assert_in_range(place->waits_ms[1], 1000 - LATE_MS, 2000);
    assert_in_range(place->waits_ms[2], 77000 - LATE_MS, 77000);     /* what the server asked for */
    assert_in_range(place->waits_ms[3], 3600000 - LATE_MS, 3600000); /* but an hour at most */
    assert_in_range(place->waits_ms[9], 30000 - LATE_MS, 60000);     /* no longer than configured */
    char *dead = fixture_read(place->dead_rows);
    assert_string_equal(dead, "");
    free(dead);
}

static void test_failures_that_wait_for_a_person(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.status = 401, .body = BODY("authorization failed")},
        {.status = 403, .body = BODY("not authorized")},
        {.status = 404, .body = BODY("database not found: \\\"ghg\\\"")},
        {.status = 500, .body = BODY("retention policy not found: x")},
        {.status = 400, .body = BODY("database is required")},
        {.status = 200, .body = "<html>hotel network</html>"},
        {.status = 307, .headers = "Location: /other\r\n"},
        {.status = 301, .headers = "Location: http://127.0.0.1:1/\r\n"},
    };
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    struct block *block = fixture_block(3);
    struct buffer want = place_encode(place, block, 0, 3);
    place_submit(place, block);
    place_run_until_idle(place);
    place_expect_stored(place, &want);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->requests_refused, 8);
    assert_int_equal(stats->requests_failed, 0);
    assert_int_equal(stats->rows_written, 3);
    assert_int_equal(stats->rows_refused, 0);
    assert_null(strstr(buffer_text(&place->heads), "/other")); /* redirects are not followed */
    for (uint32_t i = 0; i < place->waits; i++)
        assert_in_range(place->waits_ms[i], 30000 - LATE_MS, 60000);
}

/* Answers as InfluxDB 2 does: one bad row, and the whole of it is refused. */
static struct scripted_response refuse_bad_rows(void *context,
                                                const struct scripted_request *request)
{
    struct place *place = context;
    if (strstr(request->body, "activity=666,") != NULL)
        return (struct scripted_response){.status = 400,
                                          .body = BODY("unable to parse 'm': it is bad")};
    buffer_add_str(&place->stored, request->body);
    return (struct scripted_response)GOOD;
}

static void use_handler(struct place *place, scripted_handler handler)
{
    scripted_server_stop(&place->server);
    place->server = scripted_server_start(&place->loop, handler, place);
    (void)snprintf(place->url, sizeof(place->url), "http://127.0.0.1:%d",
                   scripted_server_port(place->server));
}

static void test_bad_rows_are_found_and_set_aside(void **state)
{
    struct place *place = *state;
    static const struct {
        uint32_t rows, bad[4], bad_count;
    } cases[] = {
        {1, {0}, 1},          {2, {1}, 1},   {64, {0, 63}, 2}, {37, {3, 4, 20, 36}, 4},
        {5, {0, 1, 2, 3}, 4}, {50, {25}, 1},
    };
    use_handler(place, refuse_bad_rows);
    place->conf.rows_max = 20;
    place_open_sink(place);
    uint64_t rows = 0;
    uint64_t bad = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct block *block = fixture_block(cases[i].rows);
        struct buffer want;
        struct buffer want_dead;
        buffer_init(&want, 1 << 20);
        buffer_init(&want_dead, 1 << 20);
        for (uint32_t n = 0; n < cases[i].bad_count; n++)
            block->rows[cases[i].bad[n]].figures.value[FIGURE_ACTIVITY] = 666 * (int128)MICRO;
        for (uint32_t n = 0; n < cases[i].rows; n++) {
            struct buffer line = place_encode(place, block, n, 1);
            bool is_bad = strstr(buffer_text(&line), "=666,") != NULL;
            buffer_add(is_bad ? &want_dead : &want, line.data, line.size);
            buffer_fini(&line);
        }
        buffer_clear(&place->stored);
        (void)remove(place->dead_rows);
        place_submit(place, block);
        place_run_until_idle(place);
        place_expect_stored(place, &want);
        char *dead = fixture_read(place->dead_rows);
        uint32_t comments = 0;
        char *rest = dead;
        const char *at = buffer_text(&want_dead);
        for (char *line = strtok_r(dead, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            if (line[0] == '#') {
                comments++;
                assert_non_null(strstr(line, "unable to parse 'm': it is bad"));
                continue;
            }
            assert_memory_equal(line, at, strlen(line));
            at += strlen(line) + 1;
        }
        assert_int_equal(*at, '\0');
        assert_int_equal(comments, cases[i].bad_count);
        buffer_fini(&want_dead);
        free(dead);
        rows += cases[i].rows;
        bad += cases[i].bad_count;
        assert_int_equal(sink_get_stats(place->sink)->rows_refused, bad);
        assert_int_equal(sink_get_stats(place->sink)->rows_written, rows - bad);
    }
    assert_int_equal(place->waits, 0); /* nothing of this is a reason to wait */
}

/* More than three lines are too many, and a certain line is too large even alone. */
static struct scripted_response take_three(void *context, const struct scripted_request *request)
{
    struct place *place = context;
    if (request->lines > 3 || strstr(request->body, "activity=666,") != NULL)
        return (struct scripted_response){.status = 413, .body = BODY("Request Entity Too Large")};
    buffer_add_str(&place->stored, request->body);
    return (struct scripted_response)GOOD;
}

static void test_too_large_is_halved(void **state)
{
    struct place *place = *state;
    use_handler(place, take_three);
    place_open_sink(place);
    struct block *block = fixture_block(40);
    struct buffer want = place_encode(place, block, 0, 40);
    place_submit(place, block);
    place_run_until_idle(place);
    place_expect_stored(place, &want);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 40);
    uint64_t refused = sink_get_stats(place->sink)->requests_refused;
    assert_int_equal(refused, 4); /* 40, 20, 10, 5: then it has learned */
    buffer_clear(&place->stored);
    block = fixture_block(4);
    want = place_encode(place, block, 0, 3);
    block->rows[3].figures.value[FIGURE_ACTIVITY] = 666 * (int128)MICRO;
    place_submit(place, block);
    place_run_until_idle(place);
    place_expect_stored(place, &want);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, 1);
}

static void test_idle_connections_may_be_closed(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.manner = MANNER_ANSWER_AND_CLOSE, .status = 204},
        {.manner = MANNER_ANSWER_AND_CLOSE, .status = 204},
    };
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    for (int i = 0; i < 4; i++) {
        place_submit(place, fixture_block(2));
        place_run_until_idle(place);
        uv_run(&place->loop, UV_RUN_NOWAIT); /* the server hangs up */
    }
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->requests_ok, 4);
    assert_int_equal(stats->retries, 0);
    assert_int_equal(scripted_server_requests(place->server), 4);
}

static void test_connection_is_kept(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    for (int i = 0; i < 5; i++) {
        place_submit(place, fixture_block(2));
        place_run_until_idle(place);
    }
    assert_int_equal(place->report.done, 5);
    assert_int_equal(scripted_server_requests(place->server), 5);
}

struct request_case {
    const char *name;
    enum sink_dialect dialect;
    bool gzip;
    const char *path, *database, *retention_policy, *org, *bucket, *user, *password, *token;
    const char *wants[3], *unwanted;
};

static void check_request(struct place *place, const struct request_case *row)
{
    char url[128];
    (void)snprintf(url, sizeof(url), "%s%s", place->url, row->path);
    struct sink_conf conf = place->conf;
    conf.url = url;
    conf.dialect = (int)row->dialect;
    conf.database = row->database;
    conf.retention_policy = row->retention_policy;
    conf.org = row->org;
    conf.bucket = row->bucket;
    conf.user = row->user;
    conf.password = row->password;
    conf.token = row->token;
    conf.gzip = row->gzip;
    struct sink_conf before = place->conf;
    place->conf = conf;
    buffer_clear(&place->heads);
    place_open_sink(place);
    place_submit(place, fixture_block(1));
    place_run_until_idle(place);
    place_close_sink(place);
    place->conf = before;
    const char *heads = buffer_text(&place->heads);
    for (size_t i = 0; i < ARRAY_LEN(row->wants) && row->wants[i] != NULL; i++)
        if (strstr(heads, row->wants[i]) == NULL)
            fail_msg("%s: no \"%s\" in\n%s", row->name, row->wants[i], heads);
    if (row->unwanted != NULL && strstr(heads, row->unwanted) != NULL)
        fail_msg("%s: \"%s\" in\n%s", row->name, row->unwanted, heads);
    assert_null(strstr(heads, "Expect:"));
}

static void test_requests(void **state)
{
    struct place *place = *state;
    static const struct request_case cases[] = {
        {"v1",
         DIALECT_INFLUX1,
         true,
         "",
         "ghg",
         NULL,
         NULL,
         NULL,
         NULL,
         NULL,
         NULL,
         {"POST /write?precision=ms&db=ghg HTTP/1.1\r\n", "Content-Encoding: gzip\r\n"},
         "Authorization"},
        {"v1 with policy, names encoded",
         DIALECT_INFLUX1,
         false,
         "/",
         "g h&g",
         "ten/years",
         NULL,
         NULL,
         NULL,
         NULL,
         NULL,
         {"POST /write?precision=ms&db=g%20h%26g&rp=ten%2Fyears HTTP/1.1\r\n"},
         "Content-Encoding"},
        {"v1 below a path",
         DIALECT_INFLUX1,
         true,
         "/influx/",
         "ghg",
         NULL,
         NULL,
         NULL,
         "ann",
         "s:cret",
         NULL,
         {"POST /influx/write?precision=ms&db=ghg HTTP/1.1\r\n",
          "Authorization: Basic YW5uOnM6Y3JldA==\r\n"},
         NULL},
        {"v2",
         DIALECT_INFLUX2,
         true,
         "",
         "unused",
         NULL,
         "my org",
         "b1",
         NULL,
         NULL,
         "t0ken",
         {"POST /api/v2/write?precision=ms&org=my%20org&bucket=b1 HTTP/1.1\r\n",
          "Authorization: Token t0ken\r\n"},
         "unused"},
        {"token before user",
         DIALECT_INFLUX2,
         true,
         "",
         NULL,
         NULL,
         "o",
         "b",
         "ann",
         "pw",
         "t0ken",
         {"Authorization: Token t0ken\r\n"},
         "Basic"},
        {"VictoriaMetrics",
         DIALECT_VICTORIA,
         true,
         "",
         NULL,
         "unused",
         NULL,
         NULL,
         NULL,
         NULL,
         "t0ken",
         {"POST /write?precision=ms HTTP/1.1\r\n", "Authorization: Bearer t0ken\r\n"},
         "unused"},
        {"VictoriaMetrics with a database",
         DIALECT_VICTORIA,
         false,
         "",
         "ghg",
         NULL,
         NULL,
         NULL,
         NULL,
         NULL,
         NULL,
         {"POST /write?precision=ms&db=ghg HTTP/1.1\r\n"},
         "Authorization"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_request(place, &cases[i]);
}

static void test_urls_that_are_none(void **state)
{
    struct place *place = *state;
    static const char *const urls[] = {NULL, "", "ftp//", "http://", "not a url", "http://[::1"};
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct sink_conf conf = place->conf;
        struct sink *sink = NULL;
        conf.url = urls[i];
        int err = sink_create(&sink, &place->loop, &conf, FIXTURE_BUCKET_MS, &callbacks);
        if (err != -EINVAL)
            fail_msg("%s: %s", urls[i] == NULL ? "NULL" : urls[i], err_str(err));
    }
}

static void test_nobody_listens(void **state)
{
    struct place *place = *state;
    scripted_server_stop(&place->server);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    place_open_sink(place);
    struct block *block = fixture_block(2);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    for (int tries = 0; tries == 0 || (tries < 200 && stats->requests_failed == 0); tries++)
        assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 50), -ETIMEDOUT);
    assert_non_null(block);
    assert_false(stats->healthy);
    assert_true(stats->requests_failed >= 1);
    assert_non_null(strstr(stats->last_error, "connect"));
    block_destroy(&block);
}

static void test_sync(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {{.manner = MANNER_STALL}};
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    struct block *block = fixture_block(2);
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 20), -ETIMEDOUT);
    assert_true(sink_is_idle(place->sink));
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 10000), 0);
    assert_int_equal(block->count, 2);
    struct buffer want = place_encode(place, block, 0, 2);
    place_expect_stored(place, &want);
    assert_int_equal(place->report.done + place->report.abandoned, 0);
    block_destroy(&block);
}

static void test_close_at_any_moment(void **state)
{
    struct place *place = *state;
    static const struct scripted_response steps[] = {
        {.manner = MANNER_STALL},
        {.status = 503},
    };
    place_add_steps(place, steps, ARRAY_LEN(steps));
    place_open_sink(place);
    place_submit(place, fixture_block(50));
    place_close_sink(place); /* while the body is made */
    assert_int_equal(place->report.abandoned, 1);

    place_open_sink(place);
    place_submit(place, fixture_block(50));
    while (scripted_server_requests(place->server) == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    place_close_sink(place); /* while the server is silent */
    assert_int_equal(place->report.abandoned, 2);

    place_open_sink(place);
    place_submit(place, fixture_block(50));
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    place_close_sink(place); /* while it waits */
    assert_int_equal(place->report.abandoned, 3);
    assert_int_equal(place->report.done, 0);

    place_open_sink(place);
    place_close_sink(place); /* while nothing happens */
}

static void test_empty_block(void **state)
{
    struct place *place = *state;
    place_open_sink(place);
    struct block *block = fixture_block(1);
    block->count = 0;
    place_submit(place, block);
    place_run_until_idle(place);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(scripted_server_requests(place->server), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_failures_that_pass),
        TEST(test_failures_that_wait_for_a_person),
        TEST(test_bad_rows_are_found_and_set_aside),
        TEST(test_too_large_is_halved),
        TEST(test_idle_connections_may_be_closed),
        TEST(test_connection_is_kept),
        TEST(test_requests),
        TEST(test_urls_that_are_none),
        TEST(test_nobody_listens),
        TEST(test_sync),
        TEST(test_close_at_any_moment),
        TEST(test_empty_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
