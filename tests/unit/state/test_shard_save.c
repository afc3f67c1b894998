/*
 * A shard that is saved and loaded again goes on as before. Two shards get the same readings; one
 * is thrown away now and then, and made again from its payloads.
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

enum { ROUNDS = 300, STEPS = 60, SINKS = 2, CHAIN_MAX = 64, BATCH_MAX = 40, FLIGHTS_MAX = SINKS };

static const struct sink_conf sinks[SINKS] = {{.name = "near"}, {.name = "far"}};

static uint64_t random_state;
static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(random_state >> 33) % limit;
}

static struct shard *make_saved_shard(void)
{
    const struct shard_context context = {.registry = &registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = SINKS,
                                          .sinks = sinks};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

/* --- the two, and what is under way from them --- */

struct flight {
    struct block *block;
    uint32_t sink;
};

struct pair {
    uint32_t seed;
    struct shard *calm, *restless;
    struct buffer chain[CHAIN_MAX];
    uint32_t chain_count;
    struct flight flights[FLIGHTS_MAX]; /* taken from both, not settled yet */
    uint32_t flights_count;
    struct block *other; /* what `restless` gave */
    struct batch batch;
    uint32_t applied;
    int64_t now_ms;
    int64_t registers[METERS];
    uint32_t restarts, blocked_restarts, flying_restarts, increments;
};

static bool same_figures(const struct figures *a, const struct figures *b)
{
    return a->noted == b->noted && memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

static bool same_row(const struct row *a, const struct row *b)
{
    return a->kind == b->kind && a->level == b->level && a->final == b->final &&
           a->facility == b->facility && a->series == b->series &&
           a->window.start_ms == b->window.start_ms && a->window.end_ms == b->window.end_ms &&
           a->revision == b->revision && a->version == b->version &&
           a->meters_expected == b->meters_expected && a->meters_reporting == b->meters_reporting &&
           same_figures(&a->figures, &b->figures);
}

static void check_same_rows(const struct pair *pair, const struct block *calm,
                            const struct block *restless)
{
    if (calm->count != restless->count)
        fail_msg("seed %" PRIu32 ": %" PRIu32 " rows, not %" PRIu32, pair->seed, restless->count,
                 calm->count);
    for (uint32_t i = 0; i < calm->count; i++) {
        if (!same_row(&calm->rows[i], &restless->rows[i]))
            fail_msg("seed %" PRIu32 ": row %" PRIu32 " differs: level %d at %" PRId64, pair->seed,
                     i, calm->rows[i].level, calm->rows[i].window.start_ms);
    }
}

static void check_same_bytes(struct pair *pair)
{
    struct buffer calm;
    struct buffer restless;
    buffer_init(&calm, 1 << 22);
    buffer_init(&restless, 1 << 22);
    assert_int_equal(shard_save(pair->calm, true, &calm), 0);
    assert_int_equal(shard_save(pair->restless, true, &restless), 0);
    bool same = calm.size == restless.size && memcmp(calm.data, restless.data, calm.size) == 0;
    size_t at = 0;
    while (!same && at < calm.size && at < restless.size && calm.data[at] == restless.data[at])
        at++;
    if (!same)
        fail_msg("seed %" PRIu32 ": %zu bytes, not %zu; byte %zu differs", pair->seed,
                 restless.size, calm.size, at);
    buffer_fini(&calm);
    buffer_fini(&restless);
}

static void check_audit(const struct pair *pair, const struct shard *shard)
{
    struct buffer why;
    buffer_init(&why, 1 << 16);
    if (shard_audit(shard, &why) != 0)
        fail_msg("seed %" PRIu32 ": %s", pair->seed, buffer_text(&why));
    buffer_fini(&why);
}

/* --- readings --- */

/* A register that runs over at 10,000 and is replaced now and then. */
static int64_t next_register(struct pair *pair, uint32_t meter)
{
    int64_t *value = &pair->registers[meter];
    *value += (int64_t)random_below(300) * U + random_below(1000000);
    if (random_below(40) == 0)
        *value = (int64_t)random_below(9000) * U;
    *value %= 10000 * U;
    return *value;
}

static struct input next_input(struct pair *pair)
{
    static const int64_t spans_ms[] = {15 * MIN_MS, 15 * MIN_MS, 15 * MIN_MS, 20 * MIN_MS,
                                       HOUR_MS,     5 * MIN_MS,  26 * HOUR_MS};
    struct input input = {.meter = random_below(METERS), .revision = 0};
    int64_t back_ms = 0;
    if (random_below(6) == 0)
        back_ms = (int64_t)random_below(60 * 60) * MIN_MS; /* late, sometimes beyond the horizon */
    pair->now_ms += (int64_t)random_below(4) * 5 * MIN_MS;
    if (random_below(500) == 0)
        pair->now_ms += (int64_t)random_below(6) * 20 * HOUR_MS;
    if (pair->seed % 4 == 0 && random_below(300) == 0)
        pair->now_ms += (int64_t)random_below(90) * DAY_MS;
    input.start_ms = pair->now_ms - back_ms;
    input.start_ms -= input.start_ms % (5 * MIN_MS);
    input.end_ms = input.start_ms;
    input.value = (int64_t)random_below(200) * U;
    if (random_below(8) == 0)
        input.revision = random_below(4);
    switch (meters[input.meter].kind) {
    case KIND_INTERVAL:
        input.end_ms += spans_ms[random_below(ARRAY_LEN(spans_ms))];
        break;
    case KIND_REGISTER:
        input.value = next_register(pair, input.meter);
        break;
    default:
        break;
    }
    return input;
}

static void fill(struct pair *pair)
{
    struct input inputs[BATCH_MAX];
    uint32_t count = random_below(BATCH_MAX) + 1;
    for (uint32_t i = 0; i < count; i++) {
        inputs[i] = next_input(pair);
        if (i > 0 && random_below(12) == 0)
            inputs[i] = inputs[random_below(i)]; /* the same again */
    }
    fill_batch(&pair->batch, inputs, count);
    for (uint32_t i = 0; i < count; i++) {
        struct batch_event *event = &pair->batch.events[i];
        event->quality = (uint8_t)random_below(10) < 9 ? QUALITY_ACTUAL : QUALITY_ESTIMATED;
        event->offset = (int64_t)random_below(1U << 30);
        if (random_below(30) == 0)
            event->arrived_ms = event->end_ms - 2 * HOUR_MS; /* early */
    }
    pair->applied = 0;
}

/* --- steps --- */

static void apply(struct pair *pair)
{
    if (pair->applied == pair->batch.count)
        fill(pair);
    static struct batch copy;
    copy = pair->batch;
    uint32_t calm = shard_apply(pair->calm, &pair->batch, pair->applied);
    uint32_t restless = shard_apply(pair->restless, &copy, pair->applied);
    assert_int_equal(calm, restless);
    for (uint32_t i = 0; i < calm; i++)
        assert_int_equal(pair->batch.events[i].outcome, copy.events[i].outcome);
    assert_int_equal(shard_is_blocked(pair->calm), shard_is_blocked(pair->restless));
    pair->applied = calm;
}

/* No older write can arrive any more, whatever the sink. */
static void heal(struct shard *shard)
{
    for (uint32_t sink = 0; sink < SINKS; sink++)
        shard_take_over(shard, sink, TAKEOVER_ROUND_TWO);
}

static void settle(struct pair *pair, uint32_t index, uint32_t how)
{
    struct flight flight = pair->flights[index];
    pair->flights[index] = pair->flights[--pair->flights_count];
    for (uint32_t i = 0; i < flight.block->count; i++) {
        const struct row *row = &flight.block->rows[i];
        struct shard *both[2] = {pair->calm, pair->restless};
        for (size_t k = 0; k < ARRAY_LEN(both); k++) {
            if (how == 0)
                shard_end_row(both[k], flight.sink, row, BLOCK_GIVEN_BACK);
            else if (how == 1)
                shard_end_row(both[k], flight.sink, row, BLOCK_WRITTEN_AT_RISK);
            else
                shard_end_row(both[k], flight.sink, row, BLOCK_DURABLE);
        }
    }
    block_destroy(&flight.block);
}

static void take(struct pair *pair)
{
    struct flight flight = {.sink = random_below(SINKS)};
    for (uint32_t i = 0; i < pair->flights_count; i++) {
        if (pair->flights[i].sink == flight.sink)
            settle(pair, i, 2);
    }
    assert_int_equal(block_create(&flight.block, random_below(4) > 0 ? 300 : 20), 0);
    enum take_mode mode = random_below(2) == 0 ? TAKE_ALL : TAKE_CLOSING;
    shard_take_rows(pair->calm, flight.sink, mode, flight.block);
    pair->other->count = 0;
    pair->other->capacity = flight.block->capacity;
    shard_take_rows(pair->restless, flight.sink, mode, pair->other);
    check_same_rows(pair, flight.block, pair->other);
    pair->flights[pair->flights_count++] = flight;
    if (random_below(3) > 0)
        settle(pair, pair->flights_count - 1, random_below(12));
}

static void drop_chain(struct pair *pair)
{
    while (pair->chain_count > 0)
        buffer_fini(&pair->chain[--pair->chain_count]);
}

static void save(struct pair *pair)
{
    struct buffer payload;
    buffer_init(&payload, 1 << 22);
    bool full = pair->chain_count == 0 || pair->chain_count == CHAIN_MAX || random_below(8) == 0;
    assert_int_equal(shard_save(pair->restless, full, &payload), 0);
    if (full)
        drop_chain(pair);
    pair->increments += !full;
    pair->chain[pair->chain_count++] = payload;
    shard_saved(pair->restless);
}

static struct shard *load(const struct pair *pair)
{
    struct buffer why;
    buffer_init(&why, 4096);
    struct shard *shard = make_saved_shard();
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < pair->chain_count; i++)
        err = shard_load(shard, pair->chain[i].data, pair->chain[i].size, &why);
    if (err == 0)
        err = shard_load_end(shard, &why);
    if (err < 0)
        fail_msg("seed %" PRIu32 ": %s", pair->seed, buffer_text(&why));
    buffer_fini(&why);
    return shard;
}

/* Rows under way are lost, and rows at risk are healed: both are dirty. */
static void restart(struct pair *pair)
{
    save(pair);
    pair->restarts++;
    pair->blocked_restarts += shard_is_blocked(pair->restless);
    pair->flying_restarts += pair->flights_count > 0;
    struct shard *loaded = load(pair);
    shard_destroy(&pair->restless);
    pair->restless = loaded;
    drop_chain(pair);
    while (pair->flights_count > 0)
        settle(pair, 0, 0);
    heal(pair->calm);
    check_same_bytes(pair);
}

static void step(struct pair *pair)
{
    switch (random_below(12)) {
    case 0:
        restart(pair);
        break;
    case 1:
    case 2:
        save(pair);
        break;
    case 3:
        shard_idle(pair->calm, pair->now_ms);
        shard_idle(pair->restless, pair->now_ms);
        break;
    case 4:
        if (random_below(3) == 0) {
            heal(pair->calm);
            heal(pair->restless);
        }
        break;
    case 5:
        if (pair->flights_count > 0)
            settle(pair, random_below(pair->flights_count), 2);
        break;
    case 6:
    case 7:
        take(pair);
        break;
    default:
        apply(pair);
    }
}

/* A reading in force or a duplicate belongs to a facility. Late and early ones may come before its
 * first.
 */
static void check_outcomes(const struct pair *pair)
{
    const struct shard_stats *stats = shard_get_stats(pair->calm);
    uint64_t sums[OUTCOME_COUNT] = {0};
    for (uint32_t facility = 0; facility < registry.facilities_count; facility++) {
        const uint64_t *calm = shard_get_outcomes(pair->calm, facility);
        const uint64_t *restless = shard_get_outcomes(pair->restless, facility);
        assert_int_equal(calm == NULL, restless == NULL);
        for (uint32_t i = 0; calm != NULL && restless != NULL && i < OUTCOME_COUNT; i++) {
            assert_int_equal(calm[i], restless[i]);
            sums[i] += calm[i];
        }
    }
    assert_int_equal(sums[OUTCOME_USED], stats->outcomes[OUTCOME_USED]);
    assert_int_equal(sums[OUTCOME_DUPLICATE], stats->outcomes[OUTCOME_DUPLICATE]);
    assert_int_equal(sums[OUTCOME_CORRECTED], stats->outcomes[OUTCOME_CORRECTED]);
    assert_true(sums[OUTCOME_LATE] <= stats->outcomes[OUTCOME_LATE]);
}

static void run_round(struct pair *pair, uint32_t seed)
{
    pair->seed = seed;
    random_state = seed;
    pair->calm = make_saved_shard();
    pair->restless = make_saved_shard();
    pair->batch.count = pair->applied = 0;
    pair->now_ms = START_MS + (int64_t)random_below(10) * DAY_MS;
    if (seed % 3 == 0)
        pair->now_ms -= 65 * DAY_MS; /* about the end of a year */
    memset(pair->registers, 0, sizeof(pair->registers));
    for (uint32_t i = 0; i < STEPS; i++)
        step(pair);
    restart(pair);
    check_same_bytes(pair);
    check_audit(pair, pair->calm);
    check_audit(pair, pair->restless);
    const struct shard_stats *calm = shard_get_stats(pair->calm);
    const struct shard_stats *restless = shard_get_stats(pair->restless);
    assert_int_equal(calm->readings, restless->readings);
    assert_int_equal(calm->dirty_rows, restless->dirty_rows);
    assert_true(calm->watermark_ms == restless->watermark_ms);
    assert_true(calm->floor_ms == restless->floor_ms);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        assert_int_equal(calm->outcomes[i], restless->outcomes[i] + restless->earlier.outcomes[i]);
    check_outcomes(pair);
    drop_chain(pair);
    shard_destroy(&pair->calm);
    shard_destroy(&pair->restless);
}

static void test_any_restart(void **state)
{
    (void)state;
    static struct pair pair;
    const char *only = getenv("GHGD_TEST_SEED");
    assert_int_equal(block_create(&pair.other, 300), 0);
    meters[1].register_modulus = 10000 * U;
    meters[0].readings_max = 230;
    if (only != NULL)
        run_round(&pair, (uint32_t)strtoul(only, NULL, 10));
    for (uint32_t seed = 1; only == NULL && seed <= ROUNDS; seed++)
        run_round(&pair, seed);
    print_message("%" PRIu32 " restarts, %" PRIu32 " of them blocked, %" PRIu32
                  " with rows under way; %" PRIu32 " increments\n",
                  pair.restarts, pair.blocked_restarts, pair.flying_restarts, pair.increments);
    assert_true(only != NULL || (pair.blocked_restarts > 0 && pair.flying_restarts > 0));
    block_destroy(&pair.other);
}

/* The first payload is full, and so is one after a payload that was not kept: there is nothing
 * that it could build upon. */
static void test_full_without_being_asked(void **state)
{
    (void)state;
    static struct batch batch;
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, 1 << 22);
    buffer_init(&why, 1 << 16);
    struct shard *shard = make_saved_shard();
    for (int round = 0; round < 3; round++) {
        struct input input = {0, START_MS + round * HOUR_MS, START_MS + (round + 1) * HOUR_MS, U,
                              0};
        fill_batch(&batch, &input, 1);
        assert_int_equal(shard_apply(shard, &batch, 0), 1);
        buffer_clear(&payload);
        assert_int_equal(shard_save(shard, false, &payload), 0);
        struct shard *again = make_saved_shard();
        if (shard_load(again, payload.data, payload.size, &why) < 0 ||
            shard_load_end(again, &why) < 0)
            fail_msg("round %d: %s", round, buffer_text(&why));
        assert_int_equal(shard_get_stats(again)->readings, round + 1);
        shard_destroy(&again);
    }
    shard_destroy(&shard);
    buffer_fini(&payload);
    buffer_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_restart),
        cmocka_unit_test(test_full_without_being_asked),
    };
    return cmocka_run_group_tests(tests, set_up_registry, NULL);
}
