/* The write fence: up after a gap, before its timer has run, and until it is lowered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/engine/write_fence.h"

struct bench {
    uv_loop_t loop;
    struct write_fence fence;
    int raised;
    bool closed;
};

static void on_pulled(void *context)
{
    struct bench *bench = context;
    assert_true(write_fence_is_up(&bench->fence));
    bench->raised++;
}

static void on_closed(void *context)
{
    ((struct bench *)context)->closed = true;
}

static void bench_open(struct bench *bench)
{
    log_set_level(LOG_LEVEL_ERROR);
    *bench = (struct bench){0};
    uv_loop_init(&bench->loop);
    write_fence_init(&bench->fence, &bench->loop);
    write_fence_watch(&bench->fence, on_pulled, bench);
}

static void bench_close(struct bench *bench)
{
    write_fence_close(&bench->fence, on_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_true(bench->closed);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

static void test_gaps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t gap_max_ms, gap_ms;
        bool on;
    } cases[] = {
        {"no gap", 3000, 0, false},
        {"a tick", 3000, WRITE_FENCE_TICK_MS, false},
        {"as long as may be", 3000, 3000, false},
        {"longer", 3000, 3001, true},
        {"suspended for a week", 22500, INT64_C(604800000), true},
        {"no limit yet", INT64_MAX, INT64_C(604800000), false},
        {"a clock that steps back", 3000, -5000, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_open(&bench);
        write_fence_set_gap(&bench.fence, cases[i].gap_max_ms);
        int64_t now_ms = clock_boot_ms();
        write_fence_look(&bench.fence, now_ms);
        write_fence_look(&bench.fence, now_ms + cases[i].gap_ms);
        if (bench.raised != cases[i].on)
            fail_msg("%s: raised %d times", cases[i].name, bench.raised);
        bench_close(&bench);
    }
}

/* A question before the timer has run is answered, too. */
static void test_seen_before_the_timer(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    write_fence_set_gap(&bench.fence, 3000);
    assert_false(write_fence_is_up(&bench.fence));
    write_fence_look(&bench.fence, clock_boot_ms() - 4000); /* the loop has not turned since */
    assert_true(write_fence_is_up(&bench.fence));
    assert_int_equal(bench.raised, 0);
    write_fence_look(&bench.fence, clock_boot_ms());
    assert_int_equal(bench.raised, 1);
    assert_true(write_fence_is_up(&bench.fence));
    write_fence_look(&bench.fence, clock_boot_ms());
    assert_true(write_fence_is_up(&bench.fence)); /* turning alone proves nothing */
    write_fence_lower(&bench.fence);
    assert_false(write_fence_is_up(&bench.fence));
    write_fence_raise(&bench.fence);
    write_fence_raise(&bench.fence);
    assert_int_equal(bench.raised, 2);
    assert_int_equal(bench.fence.raises, 2);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_seen_before_the_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
