/* Deliveries that are expected every so often: random ones, with restarts and in other orders,
 * against a walk over minutes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum {
    BLOCK_ROWS = 5000,
    PAYLOAD_MAX = 1 << 22,
    STORY_DAYS = 60,
    STORY_HOURS = 24 * STORY_DAYS,
    DELIVERIES_MAX = 64,
    ROUNDS = 12
};
enum { GRID, TRUCK };

static struct batch one;
static struct block *block;
static struct plant plant;
static const struct sink_conf local = {.name = "local"};
static const struct built_meter site_meters[] = {
    {"plant", "grid", KIND_INTERVAL, "power", "grid", 0.5, 0, START_MS},
    {"plant", "truck", KIND_DELIVERY, "power", "truck", 0.5, 0, START_MS}};

/* The newest row of each hour's coverage. */
static struct {
    int64_t covered_ms, expected_ms;
    uint32_t version;
    bool there;
} hours[STORY_HOURS];

static struct shard *make(void)
{
    const struct shard_context context = {.registry = &plant.registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = &local};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static void note(const struct row *row)
{
    int64_t hour = (row->window.start_ms - START_MS) / HOUR_MS;
    if (row->kind != ROW_COVERAGE || row->level != LEVEL_HOUR || hour >= STORY_HOURS)
        return;
    assert_true(!hours[hour].there || row->version >= hours[hour].version);
    hours[hour].there = true;
    hours[hour].version = row->version;
    hours[hour].covered_ms = (int64_t)row->figures.value[FIGURE_COVERED];
    hours[hour].expected_ms = (int64_t)row->figures.value[FIGURE_EXPECTED];
}

/* All rows that are dirty, also of days that stay. */
static void write_rows(struct shard *shard)
{
    block->count = 0;
    while (shard_take_rows(shard, 0, TAKE_ALL, block) > 0) {
        for (uint32_t i = 0; i < block->count; i++) {
            note(&block->rows[i]);
            shard_end_row(shard, 0, &block->rows[i], BLOCK_DURABLE);
        }
        block->count = 0;
    }
}

static struct shard *restart(struct shard *shard)
{
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    assert_int_equal(shard_save(shard, true, &payload), 0);
    shard_destroy(&shard);
    shard = make();
    assert_int_equal(shard_load(shard, payload.data, payload.size, &why), 0);
    assert_int_equal(shard_load_end(shard, &why), 0);
    buffer_fini(&payload);
    buffer_fini(&why);
    return shard;
}

static void apply(struct shard *shard, struct input input)
{
    fill_batch(&one, &input, 1);
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    assert_int_equal(one.events[0].outcome, OUTCOME_USED);
    while (shard_is_blocked(shard))
        write_rows(shard);
}

struct story {
    struct input inputs[STORY_DAYS * 2 + DELIVERIES_MAX];
    size_t count;
    int64_t deliveries[DELIVERIES_MAX];
    size_t deliveries_count;
};

/* A reading of half a day every half day, and deliveries; each comes up to a day late. */
static void tell(struct story *story, unsigned *seed)
{
    *story = (struct story){.count = 0};
    int64_t next_ms = START_MS + rand_r(seed) % 4 * DAY_MS;
    for (int64_t t = START_MS; t < START_MS + STORY_DAYS * DAY_MS; t += DAY_MS / 2) {
        story->inputs[story->count++] = (struct input){GRID, t, t + DAY_MS / 2, U, 0};
        if (t < next_ms || story->deliveries_count == DELIVERIES_MAX)
            continue;
        int64_t at_ms = t - rand_r(seed) % 1440 * MIN_MS;
        at_ms = at_ms < START_MS ? START_MS : at_ms;
        story->inputs[story->count++] =
            (struct input){TRUCK, at_ms, at_ms, U + (int64_t)story->deliveries_count, 0};
        story->deliveries[story->deliveries_count++] = at_ms;
        next_ms = t + rand_r(seed) % 8 * DAY_MS + rand_r(seed) % 1440 * MIN_MS;
    }
}

static int64_t covered_minutes(const struct story *story, int64_t hour, int64_t every_ms)
{
    int64_t minutes = 0;
    for (int64_t t = START_MS + hour * HOUR_MS; t < START_MS + (hour + 1) * HOUR_MS; t += MIN_MS) {
        bool covered = false;
        for (size_t i = 0; i < story->deliveries_count; i++)
            covered |= t >= story->deliveries[i] && t < story->deliveries[i] + every_ms;
        minutes += covered;
    }
    return minutes;
}

static void play(const struct story *story, unsigned *seed, bool restarts)
{
    struct shard *shard = make();
    memset(hours, 0, sizeof(hours));
    for (size_t i = 0; i < story->count; i++) {
        apply(shard, story->inputs[i]);
        if (rand_r(seed) % 3 == 0)
            write_rows(shard);
        if (restarts)
            shard = restart(shard);
    }
    shard_finish(shard);
    write_rows(shard);
    shard_destroy(&shard);
}

static void test_random(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    unsigned first = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SEED=%u\n", first);
    static struct story story;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned seed = first + round;
        int64_t every_ms = (1 + rand_r(&seed) % 6) * DAY_MS + rand_r(&seed) % 24 * HOUR_MS;
        plant_init(&plant, site_meters, ARRAY_LEN(site_meters));
        plant.facilities[0].time_zone = "Etc/UTC";
        plant.meters[TRUCK].expected = true;
        plant.meters[TRUCK].every_ms = every_ms;
        tell(&story, &seed);
        play(&story, &seed, round % 2 != 0);
        for (int64_t hour = 0; hour < STORY_HOURS; hour++) {
            int64_t want_ms = HOUR_MS + covered_minutes(&story, hour, every_ms) * MIN_MS;
            if (!hours[hour].there || hours[hour].expected_ms != 2 * HOUR_MS ||
                hours[hour].covered_ms != want_ms)
                fail_msg("round %u, hour %" PRId64 ": covered %" PRId64 " of %" PRId64
                         " ms, not %" PRId64,
                         round, hour, hours[hour].covered_ms, hours[hour].expected_ms, want_ms);
        }
        plant_fini(&plant);
    }
}

static int set_up(void **state)
{
    return set_up_taken(state) != 0 ? -1 : block_create(&block, BLOCK_ROWS);
}

static int tear_down(void **state)
{
    block_destroy(&block);
    return tear_down_taken(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests_name("site_documents", tests, set_up, tear_down);
}
