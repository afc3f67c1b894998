/*
 * A batch is its events: a shard that gets them together and one that gets them one by one stand
 * alike after each batch, wherever it stops. The marks of a site hear once of readings for the same
 * buckets; rows and saved state must not tell.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/shard_fixture.h"

enum { SEEDS = 40, BATCHES = 60, EVENTS_EACH_MAX = 80, BLOCK_ROWS = 400, PAYLOAD_MAX = 1 << 24 };

struct pair {
    struct shard *together, *apart;
    struct block *blocks[2];
    struct buffer payloads[2];
    int64_t now_ms, total; /* total: of the register */
    uint32_t stops, rows;
    uint64_t late_touches; /* the sum of revisions in rows */
};

static const struct sink_conf sinks[] = {{.name = "db"}};

static struct shard *make_saved_shard(void)
{
    const struct shard_context context = {.registry = &registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = ARRAY_LEN(sinks),
                                          .sinks = sinks};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static uint32_t random_state;
static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 8) % limit;
}

/* Mostly readings for the same bucket, a few behind the watermark, and now and then a day later. */
static struct input next_input(struct pair *pair)
{
    if (random_below(8) == 0)
        pair->now_ms += 15 * MIN_MS;
    if (random_below(400) == 0)
        pair->now_ms += DAY_MS;
    int64_t at_ms = pair->now_ms - (random_below(4) == 0 ? 15 * MIN_MS * random_below(9) : 0);
    struct input input = {.meter = random_below(METERS),
                          .start_ms = at_ms + MIN_MS * random_below(15),
                          .value = random_below(1000000),
                          .revision = random_below(4)};
    input.end_ms = input.start_ms;
    if (meters[input.meter].kind == KIND_INTERVAL) {
        input.start_ms = at_ms;
        input.end_ms = at_ms + 15 * MIN_MS;
    } else if (meters[input.meter].kind == KIND_REGISTER) {
        input.value = pair->total += input.value;
    }
    return input;
}

static void save(struct pair *pair, bool full)
{
    struct shard *shards[] = {pair->together, pair->apart};
    for (size_t i = 0; i < ARRAY_LEN(shards); i++) {
        buffer_clear(&pair->payloads[i]);
        assert_int_equal(shard_save(shards[i], full, &pair->payloads[i]), 0);
        shard_saved(shards[i]);
    }
    assert_int_equal(pair->payloads[0].size, pair->payloads[1].size);
    assert_memory_equal(pair->payloads[0].data, pair->payloads[1].data, pair->payloads[0].size);
}

/* Both give the same rows, and the sink has them. */
static void take(struct pair *pair, enum take_mode mode)
{
    struct shard *shards[] = {pair->together, pair->apart};
    struct block *block = pair->blocks[0];
    do {
        for (size_t i = 0; i < ARRAY_LEN(shards); i++) {
            pair->blocks[i]->count = 0;
            shard_take_rows(shards[i], 0, mode, pair->blocks[i]);
        }
        assert_int_equal(block->count, pair->blocks[1]->count);
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            const struct row *other = &pair->blocks[1]->rows[i];
            assert_int_equal(row->version, other->version);
            assert_int_equal(row->revision, other->revision);
            assert_int_equal(row->window.start_ms, other->window.start_ms);
            assert_memory_equal(&row->figures, &other->figures, sizeof(row->figures));
            pair->late_touches += row->revision;
            for (size_t k = 0; k < ARRAY_LEN(shards); k++)
                shard_end_row(shards[k], 0, row, BLOCK_DURABLE);
        }
        pair->rows += block->count;
    } while (block->count > 0);
}

static void apply_apart(struct pair *pair, const struct batch *batch, uint32_t first,
                        uint32_t applied)
{
    static struct batch one;
    for (uint32_t i = first; i < batch->count && i <= applied; i++) {
        batch_clear(&one);
        *batch_add(&one) = batch->events[i];
        assert_int_equal(shard_apply(pair->apart, &one, 0), i < applied);
        if (i < applied)
            assert_int_equal(one.events[0].outcome, batch->events[i].outcome);
    }
    assert_int_equal(shard_get_block(pair->together), shard_get_block(pair->apart));
}

static void take_over(const struct pair *pair, enum takeover_action action)
{
    shard_take_over(pair->together, 0, action);
    shard_take_over(pair->apart, 0, action);
}

static void apply_batch(struct pair *pair)
{
    static struct batch batch;
    struct input inputs[EVENTS_EACH_MAX];
    uint32_t count = random_below(EVENTS_EACH_MAX) + 1;
    for (uint32_t i = 0; i < count; i++)
        inputs[i] = next_input(pair);
    fill_batch(&batch, inputs, count);
    batch.events[random_below(count)].meter = REGISTRY_NONE; /* was refused before */
    for (uint32_t applied = 0; applied < count;) {
        uint32_t first = applied;
        applied = shard_apply(pair->together, &batch, first);
        apply_apart(pair, &batch, first, applied);
        save(pair, false);
        if (!shard_is_blocked(pair->together))
            continue;
        pair->stops++;
        take_over(pair, TAKEOVER_ROUND_TWO); /* what is at risk may not leave */
        take(pair, TAKE_CLOSING);
        assert_false(shard_is_blocked(pair->together));
    }
}

static void run(struct pair *pair, uint32_t seed)
{
    random_state = seed;
    pair->together = make_saved_shard();
    pair->apart = make_saved_shard();
    pair->now_ms = START_MS + 15 * MIN_MS * random_below(900);
    pair->total = 0;
    for (uint32_t i = 0; i < BATCHES; i++) {
        apply_batch(pair);
        if (random_below(3) == 0)
            take(pair, TAKE_ALL);
        if (random_below(9) == 0)
            take_over(pair, random_below(2) == 0 ? TAKEOVER_FROM_NOW : TAKEOVER_ROUND_TWO);
        if (random_below(5) == 0)
            save(pair, true);
    }
    take_over(pair, TAKEOVER_ROUND_TWO);
    take(pair, TAKE_ALL);
    shard_destroy(&pair->together);
    shard_destroy(&pair->apart);
}

static void test_together_and_apart(void **state)
{
    (void)state;
    static struct pair pair;
    for (size_t i = 0; i < ARRAY_LEN(pair.blocks); i++) {
        assert_int_equal(block_create(&pair.blocks[i], BLOCK_ROWS), 0);
        buffer_init(&pair.payloads[i], PAYLOAD_MAX);
    }
    for (uint32_t seed = 1; seed <= SEEDS; seed++)
        run(&pair, seed);
    assert_true(pair.stops > 10 && pair.rows > 1000 && pair.late_touches > 100); /* as is meant */
    for (size_t i = 0; i < ARRAY_LEN(pair.blocks); i++) {
        block_destroy(&pair.blocks[i]);
        buffer_fini(&pair.payloads[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_together_and_apart)};
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
