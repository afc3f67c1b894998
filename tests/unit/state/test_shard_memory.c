/* A shard with each of our own allocations failing in turn, and the outcomes of events then. */
#include "tests/unit/failing_malloc.h"

#include <stdlib.h>

#include "tests/unit/state/shard_fixture.h"

static struct batch batch;

/* A facility for which there is no memory stops the shard before its event; nothing is lost. */
static int run(void)
{
    struct shard *shard = NULL;
    struct block *block = NULL;
    const struct shard_context context = {
        .registry = &registry, .window = &windows, .kernels = tests_kernels(), .sinks_count = 1};
    int err = block_create(&block, 100);
    if (err < 0)
        return err;
    err = shard_create(&shard, &context, 0);
    assert_true((shard == NULL) == (err != 0));
    if (err < 0)
        goto done;
    static const struct input inputs[] = {
        {0, START_MS, START_MS + 15 * MIN_MS, U, 0},
        {3, START_MS, START_MS + 15 * MIN_MS, U, 0},
    };
    fill_batch(&batch, inputs, ARRAY_LEN(inputs));
    uint32_t applied = shard_apply(shard, &batch, 0);
    assert_int_equal(shard_get_stats(shard)->facilities, applied);
    assert_int_equal(shard_is_blocked(shard), applied < ARRAY_LEN(inputs));
    if (applied < ARRAY_LEN(inputs)) {
        err = -ENOMEM;
        assert_int_equal(shard_get_block(shard), SHARD_WAITS_FOR_MEMORY);
        assert_int_equal(shard_take_rows(shard, 0, TAKE_ALL, block) > 0, applied > 0);
        assert_false(shard_is_blocked(shard));
        assert_int_equal(shard_apply(shard, &batch, applied), ARRAY_LEN(inputs));
    }
    assert_int_equal(shard_get_stats(shard)->outcomes[OUTCOME_USED], ARRAY_LEN(inputs));
    block->count = 0;
    assert_true(shard_take_rows(shard, 0, TAKE_ALL, block) > 0);
done:
    shard_destroy(&shard);
    block_destroy(&block);
    return err;
}

static int save(struct buffer *payload)
{
    struct shard *shard = NULL;
    const struct shard_context context = {
        .registry = &registry, .window = &windows, .kernels = tests_kernels()};
    int err = shard_create(&shard, &context, 0);
    if (err < 0)
        return err;
    static const struct input input = {0, START_MS, START_MS + 15 * MIN_MS, U, 0};
    fill_batch(&batch, &input, 1);
    err = shard_apply(shard, &batch, 0) == 1 ? 0 : -ENOMEM;
    if (err == 0)
        err = shard_save(shard, true, payload);
    shard_destroy(&shard);
    return err;
}

static int save_and_load(void)
{
    struct buffer payload;
    struct buffer why;
    struct shard *shard = NULL;
    const struct shard_context context = {
        .registry = &registry, .window = &windows, .kernels = tests_kernels()};
    buffer_init(&payload, 1 << 20);
    buffer_init(&why, 1 << 10);
    int err = save(&payload);
    if (err == 0)
        err = shard_create(&shard, &context, 0);
    if (err == 0)
        err = shard_load(shard, payload.data, payload.size, &why);
    if (err == 0)
        err = shard_load_end(shard, &why);
    if (err == 0)
        assert_int_equal(shard_get_stats(shard)->readings, 1);
    shard_destroy(&shard);
    buffer_fini(&payload);
    buffer_fini(&why);
    return err;
}

static void test_failing_save_and_load(void **state)
{
    (void)state;
    fail_each_allocation(save_and_load);
}

static void test_failing(void **state)
{
    (void)state;
    fail_each_allocation(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing),
                                       cmocka_unit_test(test_failing_save_and_load)};
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
