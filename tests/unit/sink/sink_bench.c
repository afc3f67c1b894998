#include "tests/unit/sink/sink_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/sink/lineproto.h"

enum { STALL_MS = 1000, TICK_MS = 2 };

static struct scripted_response follow_script(void *context, const struct scripted_request *request)
{
    struct place *place = context;
    struct scripted_response response = GOOD;
    if (request->index < place->steps_count)
        response = place->steps[request->index];
    if (request->index < STEPS_MAX)
        place->lines[request->index] = request->lines;
    bool is_partial = response.body != NULL && strstr(response.body, "partial write") != NULL;
    if (response.manner == MANNER_ANSWER || response.manner == MANNER_ANSWER_AND_CLOSE)
        if (response.status == 204 || is_partial)
            buffer_add_str(&place->stored, request->body);
    buffer_add_str(&place->heads, request->head);
    buffer_add_str(&place->heads, "\r\n");
    return response;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    fixture_make_folder(place->folder);
    (void)snprintf(place->dead_rows, sizeof(place->dead_rows), "%s/dead.lp", place->folder);
    assert_int_equal(uv_loop_init(&place->loop), 0);
    assert_int_equal(uv_timer_init(&place->loop, &place->tick), 0);
    assert_int_equal(uv_timer_start(&place->tick, on_tick, TICK_MS, TICK_MS), 0);
    uv_unref((uv_handle_t *)&place->tick);
    buffer_init(&place->stored, 16 << 20);
    buffer_init(&place->heads, 1 << 20);
    place->server = scripted_server_start(&place->loop, follow_script, place);
    (void)snprintf(place->url, sizeof(place->url), "http://127.0.0.1:%d",
                   scripted_server_port(place->server));
    place->conf = (struct sink_conf){.name = "test",
                                     .type = SINK_INFLUX,
                                     .dialect = DIALECT_INFLUX1,
                                     .url = place->url,
                                     .database = "ghg",
                                     .dead_rows_path = place->dead_rows,
                                     .gzip = true,
                                     .timeout_ms = STALL_MS,
                                     .connect_timeout_ms = STALL_MS,
                                     .backoff_min_ms = 1000,
                                     .backoff_max_ms = 60000};
    *state = place;
    return 0;
}

void place_open_sink(struct place *place)
{
    struct sink_callbacks callbacks = fixture_callbacks(&place->report);
    assert_int_equal(
        sink_create(&place->sink, &place->loop, &place->conf, FIXTURE_BUCKET_MS, &callbacks), 0);
}

void place_close_sink(struct place *place)
{
    sink_close(place->sink);
    while (place->report.closed == 0)
        uv_run(&place->loop, UV_RUN_ONCE);
    place->report.closed = 0;
    place->sink = NULL;
}

int place_teardown(void **state)
{
    struct place *place = *state;
    if (place->sink != NULL)
        place_close_sink(place);
    if (place->server != NULL)
        scripted_server_stop(&place->server);
    uv_close((uv_handle_t *)&place->tick, NULL);
    uv_run(&place->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&place->loop), 0);
    buffer_fini(&place->stored);
    buffer_fini(&place->heads);
    fixture_remove_folder(place->folder);
    free(place);
    return 0;
}

void place_add_steps(struct place *place, const struct scripted_response *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        place->steps[place->steps_count++] = steps[i];
}

void place_run_until_idle(struct place *place)
{
    while (!sink_is_idle(place->sink)) {
        uv_run(&place->loop, UV_RUN_ONCE);
        const struct sink_stats *stats = sink_get_stats(place->sink);
        if (stats->retry_at_ms == 0)
            continue;
        assert_true(place->waits < WAITS_MAX);
        place->waits_ms[place->waits++] = stats->retry_at_ms - (int64_t)uv_now(&place->loop);
        sink_retry_now(place->sink);
    }
}

struct buffer place_encode(const struct place *place, const struct block *block, uint32_t first,
                           uint32_t count)
{
    struct buffer text;
    struct lineproto lineproto;
    buffer_init(&text, 16 << 20);
    lineproto_init(&lineproto, (enum sink_dialect)place->conf.dialect, FIXTURE_BUCKET_MS);
    for (uint32_t i = first; i < first + count; i++)
        lineproto_add(&lineproto, &text, block->registry, &block->rows[i]);
    lineproto_fini(&lineproto);
    return text;
}

void place_expect_stored(struct place *place, struct buffer *want)
{
    assert_string_equal(buffer_text(&place->stored), buffer_text(want));
    buffer_fini(want);
}

void place_submit(struct place *place, struct block *block)
{
    assert_int_equal(sink_submit(place->sink, &block), 0);
}
