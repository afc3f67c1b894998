/* Which rows a server refuses, and whether it was the server that said so. */
#include "tests/unit/sink/sink_bench.h"

#include "pipelines/sink/halving.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY(text) "{\"error\":\"" text "\"}"
#define PAGE                                                                                       \
    "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n"  \
    "<body>\"x\"</body></html>"

enum { DESCENT_MAX = 2 * 13 + 2 * DOUBTS_MAX }; /* requests of one hold, from 5000 rows down */

/* The server of a test: rows whose activity is 666 are bad; how that is said depends. */
static struct server {
    struct place *place;
    bool whole;       /* it refuses a request whole, as 2.x does; else it stores the rest */
    const char *page; /* what it says of bad rows; NULL: the database's own words */
    bool numbered;    /* the page differs each time */
    int status;       /* of the page */
    uint32_t pages_from,
        pages_to; /* requests that a proxy answers by the page, whatever is in them */
    uint32_t requests, stored_rows;
    char text[512];
} server;

static uint32_t count_bad(const char *body)
{
    uint32_t count = 0;
    for (const char *at = strstr(body, "activity=666,"); at != NULL;
         at = strstr(at + 1, "activity=666,"))
        count++;
    return count;
}

static struct scripted_response say_page(void)
{
    if (!server.numbered)
        return (struct scripted_response){.status = server.status, .body = server.page};
    (void)snprintf(server.text, sizeof(server.text), "%s %" PRIu32, server.page, server.requests);
    return (struct scripted_response){.status = server.status, .body = server.text};
}

static struct scripted_response answer(void *context, const struct scripted_request *request)
{
    (void)context;
    server.requests++;
    uint32_t bad = count_bad(request->body);
    if (server.requests > server.pages_from && server.requests <= server.pages_to)
        return say_page();
    if (bad > 0 && server.page != NULL)
        return say_page();
    if (bad > 0 && server.whole)
        return (struct scripted_response){.status = 400, .body = BODY("unable to parse 'm': bad")};
    if (bad == 0) {
        server.stored_rows += request->lines;
        return (struct scripted_response)GOOD;
    }
    (void)snprintf(
        server.text, sizeof(server.text),
        "{\"error\":\"partial write: field type conflict: \\\"x\\\" dropped=%" PRIu32 "\"}", bad);
    return (struct scripted_response){.status = 400, .body = server.text};
}

static int setup(void **state)
{
    int err = place_setup(state);
    struct place *place = *state;
    server = (struct server){.place = place, .status = 400};
    scripted_server_stop(&place->server);
    place->server = scripted_server_start(&place->loop, answer, place);
    (void)snprintf(place->url, sizeof(place->url), "http://127.0.0.1:%d",
                   scripted_server_port(place->server));
    return err;
}

static struct block *block_with(uint32_t rows, const uint32_t *bad, uint32_t count)
{
    struct block *block = fixture_block(rows);
    for (uint32_t i = 0; i < count; i++)
        block->rows[bad[i]].figures.value[FIGURE_ACTIVITY] = 666 * (int128)MICRO;
    return block;
}

static void write_block(struct place *place, struct block *block)
{
    place_submit(place, block);
    place_run_until_idle(place);
}

/* The sink waits for a retry. */
static void wait_for_hold(struct place *place)
{
    enum { TURNS_MAX = 20000 };
    const struct sink_stats *stats = sink_get_stats(place->sink);
    for (int i = 0; i < TURNS_MAX && stats->retry_at_ms == 0; i++) {
        assert_false(sink_is_idle(place->sink));
        uv_run(&place->loop, UV_RUN_ONCE);
    }
    assert_true(stats->retry_at_ms > 0);
}

/* The dead rows are these rows of the block, each below the words. */
static void expect_dead(struct place *place, const struct block *block, const uint32_t *bad,
                        uint32_t count, const char *words)
{
    char *dead = fixture_read(place->dead_rows);
    char *rest = dead;
    uint32_t found = 0;
    for (char *line = strtok_r(dead, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '#') {
            assert_non_null(strstr(line, words));
            assert_null(strchr(line, '"'));
            continue;
        }
        assert_true(found < count);
        struct buffer want = place_encode(place, block, bad[found], 1);
        assert_int_equal(strlen(line) + 1, want.size);
        assert_memory_equal(line, want.data, want.size - 1);
        buffer_fini(&want);
        found++;
    }
    assert_int_equal(found, count);
    free(dead);
}

struct rows_case {
    uint32_t rows, bad[8], count;
};

static void check_found(struct place *place, const struct rows_case *row, const char *words)
{
    const struct sink_stats *stats = sink_get_stats(place->sink);
    struct sink_stats before = *stats;
    (void)remove(place->dead_rows);
    server.requests = 0;
    write_block(place, block_with(row->rows, row->bad, row->count));
    struct block *same = block_with(row->rows, row->bad, row->count);
    expect_dead(place, same, row->bad, row->count, words);
    block_destroy(&same);
    assert_int_equal(stats->rows_refused - before.rows_refused, row->count);
    assert_int_equal(stats->rows_written - before.rows_written, row->rows - row->count);
    assert_int_equal(place->waits, 0);
    assert_int_equal(place->report.end, BLOCK_DURABLE);
    assert_true(stats->healthy);
}

/* The server has stored the rest: the halves are sent again, until the rows stand alone. */
static void test_rows_of_a_partial_write_are_found(void **state)
{
    struct place *place = *state;
    static const struct rows_case cases[] = {
        {1, {0}, 1},           {2, {0}, 1},         {2, {1}, 1},
        {2, {0, 1}, 2},        {3, {2}, 1},         {37, {3, 4, 20, 36}, 4},
        {64, {0, 31, 63}, 3},  {5000, {0}, 1},      {5000, {4999}, 1},
        {5000, {17, 2500}, 2}, {200, {7, 8, 9}, 3},
    };
    place_open_sink(place);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_found(place, &cases[i], "partial write: field type conflict: 'x' dropped=1");
        assert_true(server.requests <= 1 + HALVING_REQUESTS_MAX);
    }
    assert_int_equal(sink_get_stats(place->sink)->refusing_since_ms > 0, false);
}

/* The same in requests that are smaller than the block. */
static void test_partial_writes_in_pieces(void **state)
{
    struct place *place = *state;
    static const struct rows_case row = {50, {3, 12, 49}, 3};
    place->conf.rows_max = 10;
    place_open_sink(place);
    check_found(place, &row, "partial write");
}

static void count_dead(struct place *place, uint32_t *lines_out, uint32_t *groups_out)
{
    char *dead = fixture_read(place->dead_rows);
    char *rest = dead;
    *lines_out = *groups_out = 0;
    for (char *line = strtok_r(dead, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (line[0] == '#')
            *groups_out += strstr(line, " of these ") != NULL;
        else
            ++*lines_out;
    free(dead);
}

/* More bad rows than requests could find: the rest is told together. */
static void test_what_is_not_separated(void **state)
{
    struct place *place = *state;
    enum { ROWS = 4000, STEP = 4 };
    place_open_sink(place);
    struct block *block = fixture_block(ROWS);
    for (uint32_t i = 0; i < ROWS; i += STEP)
        block->rows[i].figures.value[FIGURE_ACTIVITY] = 666 * (int128)MICRO;
    write_block(place, block);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(server.requests, 1 + HALVING_REQUESTS_MAX);
    assert_int_equal(stats->rows_refused, ROWS / STEP);
    assert_int_equal(stats->rows_written, ROWS - ROWS / STEP);
    uint32_t lines;
    uint32_t groups;
    count_dead(place, &lines, &groups);
    assert_int_equal(groups, 1);
    assert_true(lines > ROWS / 2 && lines < ROWS);
    assert_int_equal(place->report.done, 1);
    assert_int_equal(stats->refusing_since_ms, 0); /* others were taken */
    struct sink_share share = sink_share_of(stats, (int64_t)uv_now(&place->loop));
    assert_int_equal(share.refused, ROWS / STEP);
    assert_int_equal(share.written, ROWS - ROWS / STEP);
}

static void test_one_of_these(void **state)
{
    struct place *place = *state;
    static const uint32_t bad[] = {1, 700, 1400, 2100, 2800, 3500, 4999};
    place_open_sink(place);
    write_block(place, block_with(5000, bad, ARRAY_LEN(bad)));
    assert_int_equal(server.requests, 1 + HALVING_REQUESTS_MAX);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, ARRAY_LEN(bad));
    char *dead = fixture_read(place->dead_rows);
    assert_non_null(strstr(dead, " of these "));
    free(dead);
}

/* All rows of a block are refused by the database, in its own words: they are set aside. */
static void test_all_are_refused_by_own_words(void **state)
{
    struct place *place = *state;
    server.whole = true;
    place_open_sink(place);
    struct rows_case row = {.rows = 8, .bad = {0, 1, 2, 3, 4, 5, 6, 7}, .count = 8};
    check_found(place, &row, "unable to parse 'm': bad");
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_true(stats->refusing_since_ms > 0); /* /readyz has to know */
    assert_string_equal(stats->last_refusal, "unable to parse 'm': bad");
    write_block(place, fixture_block(1));
    assert_int_equal(stats->refusing_since_ms, 0);
}

/* Strange words, of rows beside others that are taken. */
static void test_strange_words_beside_others(void **state)
{
    struct place *place = *state;
    static const struct rows_case cases[] = {
        {2, {0}, 1},
        {2, {1}, 1},
        {64, {0, 31, 63}, 3},
        {37, {3, 4, 20, 36}, 4},
        {100, {50, 51, 52, 53, 54, 55, 56}, 7},
        {9, {2, 3, 4, 5, 6, 7, 8}, 7},
        {64, {10, 11, 12, 13, 14, 15, 16, 18}, 8}, /* seven, and one after another was taken */
    };
    server.page = "no thanks";
    place_open_sink(place);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_found(place, &cases[i], "no thanks");
}

/* Eight rows in a row, by words that differ: the server is asked before the ninth. */
static void test_strange_words_that_differ(void **state)
{
    struct place *place = *state;
    server.page = "request";
    server.numbered = true;
    place_open_sink(place);
    uint32_t bad[20];
    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = 10 + i;
    write_block(place, block_with(40, bad, ARRAY_LEN(bad)));
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, ARRAY_LEN(bad));
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 40 - ARRAY_LEN(bad));
    assert_int_equal(place->waits, 0);
}

/* A proxy answers everything, for a while: nothing is set aside, and nothing is lost. */
static void check_held(struct place *place, uint32_t rows, const char *words)
{
    const struct sink_stats *stats = sink_get_stats(place->sink);
    uint64_t written = stats->rows_written;
    place_submit(place, fixture_block(rows));
    wait_for_hold(place);
    assert_false(stats->healthy);
    assert_string_equal(stats->last_error, words);
    place_run_until_idle(place);
    assert_true(stats->healthy);
    assert_int_equal(stats->rows_written, written + rows);
    assert_int_equal(stats->rows_refused, 0);
    assert_int_equal(place->report.emptied, 0);
    char *dead = fixture_read(place->dead_rows);
    assert_string_equal(dead, "");
    free(dead);
}

static void test_a_block_refused_by_strange_words_is_held(void **state)
{
    struct place *place = *state;
    static const uint32_t rows[] = {1, 2, 4, 7, 8, 9, 64, 5000};
    server.page = PAGE;
    place_open_sink(place);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        server.requests = 0;
        server.pages_to = 60;
        place->waits = 0;
        check_held(place, rows[i], "400 The plain HTTP request was sent to HTTPS port 'x'");
        assert_true(place->waits >= 1);
        for (uint32_t n = 0; n < place->waits; n++)
            assert_true(place->waits_ms[n] > 0);
    }
    assert_int_equal(sink_get_stats(place->sink)->requests_failed, 0);
}

static void test_a_hold_costs_few_requests(void **state)
{
    struct place *place = *state;
    server.page = PAGE;
    server.pages_to = UINT32_MAX;
    place_open_sink(place);
    place_submit(place, fixture_block(5000));
    const struct sink_stats *stats = sink_get_stats(place->sink);
    wait_for_hold(place);
    assert_true(server.requests <= DESCENT_MAX);
    uint32_t before = server.requests;
    sink_retry_now(place->sink);
    wait_for_hold(place);
    assert_true(server.requests - before <= DOUBTS_MAX);
    server.pages_to = 0;
    place_run_until_idle(place);
    assert_int_equal(stats->rows_written, 5000);
    assert_int_equal(stats->rows_refused, 0);
}

/* Eight rows in a row by the same words are no verdict, although others are taken. */
static void test_eight_alike_are_held(void **state)
{
    struct place *place = *state;
    static const uint32_t bad[DOUBTS_MAX] = {20, 21, 22, 23, 24, 25, 26, 27};
    server.page = "no thanks";
    place_open_sink(place);
    place_submit(place, block_with(64, bad, DOUBTS_MAX));
    const struct sink_stats *stats = sink_get_stats(place->sink);
    for (int i = 0; i < 3; i++) {
        wait_for_hold(place);
        assert_int_equal(stats->rows_refused, 0);
        assert_false(stats->healthy);
        assert_string_equal(stats->last_error, "no thanks");
        sink_retry_now(place->sink);
    }
    server.page = NULL; /* the database itself says what it thinks of them */
    place_run_until_idle(place);
    assert_int_equal(stats->rows_refused, DOUBTS_MAX);
    assert_int_equal(stats->rows_written, 64 - DOUBTS_MAX);
}

/* The same by 413 and by words that differ. */
static void test_other_pages_hold_too(void **state)
{
    struct place *place = *state;
    server.page = "<html><h1>413 Request Entity Too Large</h1></html>";
    server.status = 413;
    server.pages_to = 100;
    place_open_sink(place);
    check_held(place, 100, "413 Request Entity Too Large");
    server.requests = 0;
    server.pages_to = 0;
    write_block(place, fixture_block(100));
    assert_int_equal(server.requests, 1); /* it has learned nothing of sizes */
    server.requests = 0;
    server.page = "id";
    server.status = 400;
    server.numbered = true;
    server.pages_to = 5;
    check_held(place, 3, "id 5");
}

/* A proxy comes while a block is sent in pieces: what was taken before says nothing of the rest. */
static void test_a_proxy_comes_meanwhile(void **state)
{
    struct place *place = *state;
    static const uint32_t froms[] = {1, 2, 5, 6, 9};
    server.page = PAGE;
    place->conf.rows_max = 1;
    place_open_sink(place);
    for (size_t i = 0; i < ARRAY_LEN(froms); i++) {
        server.requests = 0;
        server.pages_from = froms[i];
        server.pages_to = 30;
        place->waits = 0;
        check_held(place, 10, "400 The plain HTTP request was sent to HTTPS port 'x'");
        assert_true(place->waits > 0);
    }
}

/* Bad rows anywhere, and a proxy for some requests: the bad rows are set aside, and no other. */
static void test_any_rows_and_any_proxy(void **state)
{
    struct place *place = *state;
    enum { ROUNDS = 40, ROWS = 24, BAD = 6 };
    unsigned seed = (unsigned)uv_hrtime();
    print_message("seed %u\n", seed);
    place_open_sink(place);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t refused = stats->rows_refused;
        uint32_t rows = BAD + 1 + (uint32_t)rand_r(&seed) % ROWS;
        uint32_t count = (uint32_t)rand_r(&seed) % BAD;
        uint32_t bad[BAD] = {0};
        uint32_t distinct = 0;
        struct block *block = fixture_block(rows);
        for (uint32_t i = 0; i < count; i++) {
            bad[i] = (uint32_t)rand_r(&seed) % rows;
            int128 *activity = &block->rows[bad[i]].figures.value[FIGURE_ACTIVITY];
            distinct += *activity != 666 * (int128)MICRO;
            *activity = 666 * (int128)MICRO;
        }
        server.requests = 0;
        server.page = rand_r(&seed) % 2 == 0 ? PAGE : NULL;
        server.whole = rand_r(&seed) % 2 == 0;
        server.numbered = rand_r(&seed) % 2 == 0;
        server.pages_from = (uint32_t)rand_r(&seed) % 20;
        server.pages_to =
            server.page == NULL ? 0 : server.pages_from + (uint32_t)rand_r(&seed) % 60;
        place->waits = 0;
        write_block(place, block);
        if (stats->rows_refused - refused != distinct)
            fail_msg("round %d: %" PRIu64 " of %u rows refused, not %u", round,
                     stats->rows_refused - refused, rows, distinct);
    }
    uint32_t lines;
    uint32_t groups;
    count_dead(place, &lines, &groups);
    assert_int_equal(lines, stats->rows_refused);
    char *dead = fixture_read(place->dead_rows);
    assert_int_equal(count_bad(dead), lines);
    free(dead);
}

/* A row in doubt, and one that the database itself refuses: nothing was taken. */
static void test_a_doubt_beside_a_refusal(void **state)
{
    struct place *place = *state;
    static const uint32_t bad[] = {1};
    server.whole = true;
    server.page = NULL;
    place->conf.rows_max = 1;
    place_open_sink(place);
    server.pages_to = 1;
    static const char page[] = "who knows";
    server.page = page;
    place_submit(place, block_with(2, bad, 1));
    while (server.requests == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    server.page = NULL;
    place_run_until_idle(place);
    assert_int_equal(place->waits, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 1);
    assert_int_equal(sink_get_stats(place->sink)->rows_refused, 1);
}

/* A database that did not exist has nothing of what was written before. */
static void test_a_database_that_is_made_again(void **state)
{
    struct place *place = *state;
    static const struct {
        int status;
        const char *body;
    } pages[] = {{404, BODY("database not found: \\\"ghg\\\"")},
                 {500, BODY("retention policy not found: x")}};
    place_open_sink(place);
    write_block(place, fixture_block(3));
    assert_int_equal(place->report.emptied, 0);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        place->report.emptied = 0;
        server.page = pages[i].body;
        server.status = pages[i].status;
        server.requests = 0;
        server.pages_to = 3;
        place_submit(place, fixture_block(3));
        wait_for_hold(place);
        assert_int_equal(server.requests, 1);
        place_run_until_idle(place);
        assert_int_equal(place->report.emptied, 2); /* at the first answer, and when it is back */
        assert_int_equal(sink_get_stats(place->sink)->rows_refused, 0);
        write_block(place, fixture_block(3));
        assert_int_equal(place->report.emptied, 2);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows_of_a_partial_write_are_found),
        TEST(test_partial_writes_in_pieces),
        TEST(test_what_is_not_separated),
        TEST(test_one_of_these),
        TEST(test_all_are_refused_by_own_words),
        TEST(test_strange_words_beside_others),
        TEST(test_strange_words_that_differ),
        TEST(test_a_block_refused_by_strange_words_is_held),
        TEST(test_a_hold_costs_few_requests),
        TEST(test_eight_alike_are_held),
        TEST(test_other_pages_hold_too),
        TEST(test_a_proxy_comes_meanwhile),
        TEST(test_any_rows_and_any_proxy),
        TEST(test_a_doubt_beside_a_refusal),
        TEST(test_a_database_that_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
