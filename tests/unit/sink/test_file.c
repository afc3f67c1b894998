#include "pipelines/sink/lineproto.h"
#include "tests/unit/sink/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[64], path[96];
    struct sink_conf conf;
    uv_loop_t loop;
    struct sink *sink;
    struct fixture_report report;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    fixture_make_folder(place->folder);
    (void)snprintf(place->path, sizeof(place->path), "%s/out.lp", place->folder);
    place->conf = (struct sink_conf){.name = "test", .type = SINK_FILE, .path = place->path};
    assert_int_equal(uv_loop_init(&place->loop), 0);
    *state = place;
    return 0;
}

static void open_sink(struct place *place)
{
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    assert_int_equal(
        sink_create(&place->sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks), 0);
}

static void close_sink(struct place *place)
{
    sink_close(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.closed, 1);
    place->report.closed = 0;
    place->sink = NULL;
}

static int teardown(void **state)
{
    struct place *place = *state;
    if (place->sink != NULL)
        close_sink(place);
    assert_int_equal(uv_loop_close(&place->loop), 0);
    fixture_remove_folder(place->folder);
    free(place);
    return 0;
}

static void put_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* The lines of the block in the file. */
static struct buffer encode(const struct block *block)
{
    struct buffer text;
    struct lineproto lineproto;
    buffer_init(&text, 16 << 20);
    lineproto_init(&lineproto, DIALECT_INFLUX1, FIXTURE_BUCKET_MS);
    for (uint32_t i = 0; i < block->count; i++)
        lineproto_add(&lineproto, &text, block->registry, &block->rows[i]);
    lineproto_fini(&lineproto);
    return text;
}

static void expect_file(const char *path, const char *before, struct buffer *lines)
{
    char *text = fixture_read(path);
    size_t size = strlen(before);
    assert_int_equal(strlen(text), size + lines->size);
    assert_memory_equal(text, before, size);
    assert_string_equal(text + size, buffer_text(lines));
    free(text);
}

static void test_block_is_appended(void **state)
{
    struct place *place = *state;
    put_file(place->path, "# first\n");
    open_sink(place);
    struct block *block = fixture_block(300);
    struct buffer want = encode(block);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    assert_null(block);
    assert_false(sink_is_idle(place->sink));
    struct block *second = fixture_block(1);
    assert_int_equal(sink_submit(place->sink, &second), ERR_FULL);
    assert_non_null(second);
    block_destroy(&second);
    assert_int_equal(place->report.done, 0); /* never before submit has returned */
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.done, 1);
    assert_true(sink_is_idle(place->sink));
    expect_file(place->path, "# first\n", &want);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_int_equal(stats->rows_written, 300);
    assert_int_equal(stats->bytes_sent, want.size);
    assert_int_equal(stats->requests_ok, 1);
    assert_int_equal(stats->latency_count, 1);
    buffer_fini(&want);
}

static void test_tails(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *name, *text, *kept;
        int err;
    } cases[] = {
        {"whole lines", "x=1\n", "x=1\n", 0},
        {"empty", "", "", 0},
        {"torn line", "x=1\nemissions_15m,facility=a co2_kg=1", "x=1\n", 0},
        {"torn in its name", "x=1\nemiss", "x=1\n", 0},
        {"torn coverage", "x=1\ncoverage_1d,", "x=1\n", 0},
        {"torn first line", "emissions_15m,fac", "", 0},
        {"torn alert", "x=1\nalerts,level=all,target=a id=\"a/1/", "x=1\n", 0},
        {"torn in the name of now", "x=1\ntrajectory_n", "x=1\n", 0},
        {"somebody else's file", "kept as it is", "kept as it is", -EINVAL},
        {"somebody else's last line", "x=1\nx=2", "x=1\nx=2", -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put_file(place->path, cases[i].text);
        struct sink_callbacks callbacks = fixture_callbacks(&place->report);
        int err =
            sink_create(&place->sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks);
        char *text = fixture_read(place->path);
        if (err != cases[i].err || strcmp(text, cases[i].kept) != 0)
            fail_msg("%s: %s, file now \"%s\"", cases[i].name, err_str(err), text);
        free(text);
        if (err == 0)
            close_sink(place);
    }
}

static void test_places_that_cannot_be(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *name, *path;
        int err;
    } cases[] = {
        {"no path", NULL, -EINVAL},
        {"no such folder", "/nonexistent/out.lp", -ENOENT},
        {"a folder", "/", -EISDIR},
    };
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sink_conf conf = place->conf;
        conf.path = cases[i].path;
        struct sink *sink = NULL;
        int err = sink_create(&sink, &place->loop, &conf, FIXTURE_BUCKET_MS, &callbacks);
        if (err != cases[i].err || sink != NULL)
            fail_msg("%s: %s", cases[i].name, err_str(err));
    }
}

static void test_sync_gives_the_block_back(void **state)
{
    struct place *place = *state;
    open_sink(place);
    struct block *block = fixture_block(3);
    struct buffer want = encode(block);
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 10000), 0);
    assert_int_equal(block->count, 3);
    assert_int_equal(place->report.done, 0);
    expect_file(place->path, "", &want);
    block_destroy(&block);
    buffer_fini(&want);
}

static void test_sync_gives_up(void **state)
{
    struct place *place = *state;
    place->conf.path = "/dev/full";
    open_sink(place);
    struct block *block = fixture_block(3);
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 1), -ETIMEDOUT);
    assert_int_equal(block->count, 3);
    const struct sink_stats *stats = sink_get_stats(place->sink);
    assert_false(stats->healthy);
    assert_string_equal(stats->last_error, err_str(-ENOSPC));
    assert_int_equal(stats->rows_written, 0);
    assert_true(stats->requests_failed >= 1);
    assert_true(sink_is_idle(place->sink));
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 0), -ETIMEDOUT);
    block_destroy(&block);
}

/* A file that may not grow beyond half of the block: the rest follows once it may. */
static void test_short_write_goes_on(void **state)
{
    struct place *place = *state;
    open_sink(place);
    struct block *block = fixture_block(100);
    struct buffer want = encode(block);
    struct rlimit unlimited;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    struct rlimit limit = unlimited;
    limit.rlim_cur = want.size / 2;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    char *text = fixture_read(place->path);
    assert_int_equal(strlen(text), want.size / 2);
    free(text);
    assert_false(sink_get_stats(place->sink)->healthy);
    sink_retry_now(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.done, 1);
    expect_file(place->path, "", &want);
    assert_true(sink_get_stats(place->sink)->healthy);
    assert_int_equal(sink_get_stats(place->sink)->rows_written, 100);
    buffer_fini(&want);
}

static void test_file_moved_away(void **state)
{
    struct place *place = *state;
    open_sink(place);
    struct block *block = fixture_block(2);
    struct buffer want = encode(block);
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 10000), 0);
    char moved[112];
    (void)snprintf(moved, sizeof(moved), "%s.1", place->path);
    assert_int_equal(rename(place->path, moved), 0);
    assert_int_equal(sink_write_sync(place->sink, &place->loop, &block, 10000), 0);
    expect_file(moved, "", &want);
    expect_file(place->path, "", &want);
    block_destroy(&block);
    buffer_fini(&want);
}

static void test_close_abandons(void **state)
{
    struct place *place = *state;
    place->conf.path = "/dev/full";
    open_sink(place);
    struct block *block = fixture_block(1);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    close_sink(place); /* at once: the try under way still ends */
    assert_int_equal(place->report.abandoned, 1);

    open_sink(place);
    block = fixture_block(1);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    close_sink(place); /* while it waits */
    assert_int_equal(place->report.abandoned, 2);
    assert_int_equal(place->report.done, 0);
}

static void test_pipe_without_reader(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkfifo(place->path, 0600), 0);
    int reader = open(place->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    open_sink(place);
    assert_int_equal(close(reader), 0);
    struct block *block = fixture_block(2);
    struct buffer want = encode(block);
    assert_int_equal(sink_submit(place->sink, &block), 0);
    while (sink_get_stats(place->sink)->retry_at_ms == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_string_equal(sink_get_stats(place->sink)->last_error, err_str(-ENXIO));
    reader = open(place->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    sink_retry_now(place->sink);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(place->report.done, 1);
    char text[4096];
    assert_int_equal(read(reader, text, sizeof(text)), (ssize_t)want.size);
    assert_memory_equal(text, want.data, want.size);
    assert_int_equal(close(reader), 0);
    buffer_fini(&want);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_block_is_appended),     TEST(test_tails),
        TEST(test_places_that_cannot_be), TEST(test_sync_gives_the_block_back),
        TEST(test_sync_gives_up),         TEST(test_short_write_goes_on),
        TEST(test_file_moved_away),       TEST(test_close_abandons),
        TEST(test_pipe_without_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
