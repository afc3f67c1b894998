/* Documents that are expected every so often: random ones, with restarts and in other orders,
 * against a walk over minutes, and over all that came. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
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
enum { GRID, TRUCK, BILL, TANK };

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

/* --- overdue documents --- */

enum { EVENTS = 400, DAYS_LATE = 2 };
static const struct built_meter document_meters[] = {
    {"plant", "grid", KIND_INTERVAL, "power", "grid", 0.5, 0, START_MS},
    {"plant", "truck", KIND_DELIVERY, "power", "truck", 0.5, 0, START_MS},
    {"plant", "bill", KIND_INTERVAL, "power", "bill", 0.5, 0, START_MS},
    {"plant", "tank", KIND_STOCK, "power", "tank", 0.5, 0, START_MS}};

/* The documents of the log so far. */
struct heard {
    int64_t newest_ms;
    int64_t document_ms[ARRAY_LEN(document_meters)]; /* INT64_MIN: none */
};

static void check_overdue(struct shard *shard, const struct heard *heard, unsigned round)
{
    for (uint32_t i = 0; i < ARRAY_LEN(document_meters); i++) {
        struct overdue got;
        bool found = shard_find_overdue(shard, i, &got);
        int64_t since_ms = heard->document_ms[i];
        int64_t due_ms = (since_ms != INT64_MIN ? since_ms : START_MS) + plant.meters[i].every_ms;
        bool want = plant.meters[i].every_ms > 0 && heard->newest_ms > due_ms;
        if (found != want || (want && (got.document_ms != since_ms || got.due_ms != due_ms ||
                                       got.time_ms != heard->newest_ms - due_ms)))
            fail_msg("round %u, meter %u: overdue %d since %" PRId64 ", due %" PRId64
                     ", not %d since %" PRId64 ", due %" PRId64,
                     round, i, found, got.document_ms, got.due_ms, want, since_ms, due_ms);
    }
}

/* An amount of the tank is no document that is waited for. */
static void apply_document(struct shard *shard, struct heard *heard, uint32_t meter,
                           int64_t start_ms, int64_t end_ms, enum reading_role role)
{
    batch_clear(&one);
    *batch_add(&one) = (struct batch_event){.meter = meter,
                                            .start_ms = start_ms,
                                            .end_ms = end_ms,
                                            .value = U,
                                            .quality = QUALITY_ACTUAL,
                                            .role = role & 7U,
                                            .arrived_ms = INT64_MIN};
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    enum outcome outcome = (enum outcome)one.events[0].outcome;
    while (shard_is_blocked(shard))
        write_rows(shard);
    if (outcome != OUTCOME_USED) {
        assert_true(outcome == OUTCOME_DUPLICATE || outcome == OUTCOME_LATE);
        return;
    }
    heard->newest_ms = MAX(heard->newest_ms, end_ms);
    if (meter != TANK || role == ROLE_DIP)
        heard->document_ms[meter] = MAX(heard->document_ms[meter], end_ms);
}

static void apply_any(struct shard *shard, struct heard *heard, int64_t time_ms, unsigned *seed)
{
    int64_t end_ms = time_ms - rand_r(seed) % (DAYS_LATE * 24) * HOUR_MS;
    end_ms = MAX(end_ms, START_MS + HOUR_MS);
    switch (rand_r(seed) % 12) {
    case TRUCK:
        apply_document(shard, heard, TRUCK, end_ms, end_ms, ROLE_READING);
        break;
    case BILL:
        apply_document(shard, heard, BILL, end_ms - HOUR_MS, end_ms, ROLE_READING);
        break;
    case TANK:
        apply_document(shard, heard, TANK, end_ms, end_ms,
                       rand_r(seed) % 2 == 0 ? ROLE_DIP : ROLE_READING);
        break;
    default:
        apply_document(shard, heard, GRID, end_ms - HOUR_MS, end_ms, ROLE_READING);
        break;
    }
}

/* By event time, at every place in the log, also when the document has left the horizon. */
static void test_overdue(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    unsigned first = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SEED=%u\n", first);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned seed = first + round;
        plant_init(&plant, document_meters, ARRAY_LEN(document_meters));
        plant.facilities[0].time_zone = "Etc/UTC";
        plant.meters[TRUCK].expected = true;
        for (uint32_t i = TRUCK; i <= TANK; i++) {
            plant.meters[i].first_version = i;
            plant.meters[i].every_ms = (1 + rand_r(&seed) % 20) * DAY_MS;
        }
        memset(hours, 0, sizeof(hours));
        struct shard *shard = make();
        struct heard heard = {INT64_MIN, {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
        for (int i = 0; i < EVENTS; i++) {
            apply_any(shard, &heard, START_MS + (int64_t)i * 4 * HOUR_MS, &seed);
            check_overdue(shard, &heard, round);
            if (rand_r(&seed) % 3 == 0)
                write_rows(shard);
            if (round % 2 != 0)
                shard = restart(shard);
        }
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

/* A version that no longer holds waits for nothing; the one that holds goes on from its documents.
 */
static void test_overdue_versions(void **state)
{
    (void)state;
    static const struct built_meter versions[] = {
        {"plant", "grid", KIND_INTERVAL, "power", "grid", 0.5, 0, START_MS},
        {"plant", "truck", KIND_DELIVERY, "power", "truck", 0.5, 0, START_MS},
        {"plant", "truck", KIND_DELIVERY, "power", "truck", 0.5, 0, START_MS + 4 * DAY_MS}};
    plant_init(&plant, versions, ARRAY_LEN(versions));
    plant.facilities[0].time_zone = "Etc/UTC";
    for (uint32_t i = 1; i < ARRAY_LEN(versions); i++) {
        plant.meters[i].first_version = 1;
        plant.meters[i].expected = true;
        plant.meters[i].every_ms = 2 * DAY_MS;
    }
    plant.meters[1].next_version = 2;
    plant.meters[1].valid_to_ms = plant.meters[2].valid_from_ms;
    struct shard *shard = make();
    struct heard heard = {INT64_MIN, {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
    struct overdue overdue;
    int64_t document_ms = START_MS + DAY_MS;
    apply_document(shard, &heard, 1, document_ms, document_ms, ROLE_READING);
    apply_document(shard, &heard, GRID, START_MS, START_MS + 3 * DAY_MS, ROLE_READING);
    assert_false(shard_find_overdue(shard, 1, &overdue)); /* not before the next millisecond */
    apply_document(shard, &heard, GRID, START_MS + 2 * DAY_MS, START_MS + 3 * DAY_MS + 1,
                   ROLE_READING);
    assert_true(shard_find_overdue(shard, 1, &overdue));
    assert_int_equal(overdue.time_ms, 1);
    assert_false(shard_find_overdue(shard, 2, &overdue));
    apply_document(shard, &heard, GRID, START_MS + 3 * DAY_MS, START_MS + 4 * DAY_MS, ROLE_READING);
    assert_false(shard_find_overdue(shard, 1, &overdue));
    assert_true(shard_find_overdue(shard, 2, &overdue));
    assert_int_equal(overdue.document_ms, document_ms);
    assert_int_equal(overdue.time_ms, DAY_MS);
    shard_destroy(&shard);
    plant_fini(&plant);
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
        cmocka_unit_test(test_overdue),
        cmocka_unit_test(test_overdue_versions),
    };
    return cmocka_run_group_tests_name("site_documents", tests, set_up, tear_down);
}
