/* Decisions of people: what is dropped is as if it had never come, in whatever order all of it
 * comes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/metering/decision_bench.h"

enum { EVENTS_MAX = 40 };

/* --- any order --- */

static const struct meter kinds[] = {
    {.id = "interval", .kind = KIND_INTERVAL, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX},
    {.id = "total",
     .kind = KIND_INTERVAL,
     .interval_ms = BUCKET_MS,
     .cell_max = CELL_MAX,
     .total = true},
    {.id = "register", .kind = KIND_REGISTER, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX},
    {.id = "gauge",
     .kind = KIND_GAUGE,
     .interval_ms = BUCKET_MS,
     .hold_ms = INT64_C(2) * BUCKET_MS,
     .cell_max = CELL_MAX},
    {.id = "steps",
     .kind = KIND_GAUGE,
     .interval_ms = BUCKET_MS,
     .hold_ms = INT64_C(2) * BUCKET_MS,
     .step = true,
     .cell_max = CELL_MAX},
    {.id = "delivery", .kind = KIND_DELIVERY, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX},
    {.id = "stock", .kind = KIND_STOCK, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX},
};

static enum reading_role any_role(const struct meter *meter, uint64_t *random)
{
    static const enum reading_role roles[] = {ROLE_DIP, ROLE_DIP, ROLE_READING, ROLE_TRANSFER,
                                              ROLE_CREDIT};
    return meter->kind == KIND_STOCK ? roles[random_below(random, ARRAY_LEN(roles))] : ROLE_READING;
}

/* Few identities, so that many events meet. */
static struct reading any_event(const struct meter *meter, uint64_t *random, int64_t offset)
{
    int64_t step = random_below(random, 12);
    bool interval = meter->kind == KIND_INTERVAL;
    uint64_t span_ms = interval ? (uint64_t)BUCKET_MS << random_below(random, 3) : 0;
    struct reading event = {.start_ms = step * (BUCKET_MS + (interval ? 0 : BUCKET_MS / 3)),
                            .span_ms = span_ms & UINT32_MAX,
                            .offset = offset,
                            .revision = random_below(random, 2) & 1U,
                            .quality =
                                random_below(random, 4) == 0 ? QUALITY_ESTIMATED : QUALITY_ACTUAL,
                            .role = (unsigned)any_role(meter, random) & 7U};
    event.value = (step * 10 + (int64_t)random_below(random, 3) * 4) * U;
    if (meter->kind == KIND_DELIVERY || (meter->kind == KIND_STOCK && event.role != ROLE_DIP))
        event.id_hash = random_below(random, 3) * (uint64_t)(step + 1);
    if (random_below(random, 4) == 0) {
        event.value = decision_pack(random_below(random, 3) > 0, (enum reading_role)event.role);
        event.role = ROLE_DECISION;
    }
    return event;
}

static bool is_document(const struct meter *meter, const struct reading *event,
                        enum reading_role role)
{
    return event->id_hash != 0 &&
           (meter->kind == KIND_DELIVERY || (meter->kind == KIND_STOCK && role != ROLE_DIP));
}

static enum reading_role role_of(const struct reading *event)
{
    return event->role == ROLE_DECISION ? decision_role(event->value)
                                        : (enum reading_role)event->role;
}

static bool is_same(const struct meter *meter, const struct reading *a, const struct reading *b)
{
    if (role_of(a) != role_of(b) || a->id_hash != b->id_hash)
        return false;
    return is_document(meter, a, role_of(a)) ||
           (a->start_ms == b->start_ms && a->span_ms == b->span_ms);
}

/* The decision that holds for the reading, by the words of decisions.h, over all events; or NULL.
 */
static const struct reading *find_decision(const struct meter *meter, const struct reading *events,
                                           uint32_t count, const struct reading *reading)
{
    const struct reading *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct reading *event = &events[i];
        if (event->role != ROLE_DECISION || !is_same(meter, event, reading))
            continue;
        if (best == NULL || reading_rank(event) > reading_rank(best) ||
            (reading_rank(event) == reading_rank(best) && event->offset > best->offset))
            best = event;
    }
    return best != NULL && reading_rank(reading) <= reading_rank(best) ? best : NULL;
}

static void shuffle(struct reading *events, uint32_t count, uint64_t *random)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = random_below(random, i);
        struct reading swapped = events[i - 1];
        events[i - 1] = events[other];
        events[other] = swapped;
    }
}

static bool is_equal(const struct cell *a, const struct cell *b)
{
    return a->activity == b->activity && a->covered_ms == b->covered_ms &&
           a->estimated_ms == b->estimated_ms && a->spread_ms == b->spread_ms &&
           a->held_ms == b->held_ms && a->moved_ms == b->moved_ms && a->glitches == b->glitches;
}

/* Each document has one time: one that moves is told from its former time by the log's order. */
static uint32_t make_events(struct reading *events, const struct meter *meter, uint64_t *random)
{
    uint32_t count = 1 + random_below(random, EVENTS_MAX);
    for (uint32_t i = 0; i < count; i++)
        events[i] = any_event(meter, random, i + 1);
    return count;
}

static void compare_with_the_rest(const struct meter *meter, const struct bench *bench,
                                  const struct reading *events, uint32_t count, uint32_t round)
{
    static struct bench rest;
    bench_init(&rest);
    for (uint32_t i = 0; i < count; i++) {
        struct booking booking;
        struct reading reading = events[i];
        const struct reading *decision = find_decision(meter, events, count, &reading);
        reading.accepted = meter->kind == KIND_REGISTER && decision != NULL;
        if (reading.role != ROLE_DECISION && (decision == NULL || !decision_drops(decision->value)))
            booking_add(&booking, meter, &rest.journal, &reading, BUCKET_MS, INT64_MIN);
    }
    for (int64_t row = 0; row < CELLS; row++) {
        struct cell want;
        bench_project(meter, &rest.journal, row, &want);
        if (!is_equal(&want, &bench->cells[row]) || (want.present && !bench->cells[row].present))
            fail_msg("%s, round %" PRIu32 ", cell %" PRId64 ": activity %" PRId64
                     ", without what was dropped %" PRId64,
                     meter->id, round, row, bench->cells[row].activity, want.activity);
    }
}

static void compare_with_all(const struct meter *meter, const struct bench *bench, uint32_t round)
{
    for (int64_t row = 0; row < CELLS; row++) {
        struct cell want;
        bench_project(meter, &bench->journal, row, &want);
        if (!is_equal(&want, &bench->cells[row]) || want.present != bench->cells[row].present ||
            want.conflicts != bench->cells[row].conflicts)
            fail_msg("%s, round %" PRIu32 ", cell %" PRId64 " was not told: %" PRId64
                     ", now %" PRId64 " present %d, now %d",
                     meter->id, round, row, bench->cells[row].activity, want.activity,
                     bench->cells[row].present, want.present);
    }
}

static void test_any_order(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    static struct bench one;
    static struct bench other;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const struct meter *meter = &kinds[round % ARRAY_LEN(kinds)];
        struct reading events[EVENTS_MAX];
        uint32_t count = make_events(events, meter, &random);
        bench_init(&one);
        for (uint32_t i = 0; i < count; i++)
            (void)bench_decide(&one, meter, &events[i], INT64_MIN);
        compare_with_all(meter, &one, round);
        compare_with_the_rest(meter, &one, events, count, round);
        shuffle(events, count, &random);
        bench_init(&other);
        for (uint32_t i = 0; i < count; i++)
            (void)bench_decide(&other, meter, &events[i], INT64_MIN);
        compare_with_all(meter, &other, round);
        for (int64_t row = 0; row < CELLS; row++)
            if (!is_equal(&one.cells[row], &other.cells[row]) ||
                one.cells[row].present != other.cells[row].present)
                fail_msg("%s, round %" PRIu32 ": cell %" PRId64 " depends on the order", meter->id,
                         round, row);
    }
}

/* --- examples --- */

enum { STEPS = 12 };

/* Readings of a register a bucket apart, then decisions on some. */
static void test_registers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t values[STEPS]; /* up to the first 0 behind the first one */
        struct {
            int step;
            bool drops;
        } decisions[2]; /* step 0: none */
        int64_t before, after;
    } cases[] = {
        {"a rise that waits is true", {1, 2, 3, 4, 99999}, {{4, false}}, 3, 99998},
        {"it is not, and the time is not held", {1, 2, 3, 4, 99999}, {{4, true}}, 3, 3},
        {"a fall is another counter", {500, 501, 502, 503, 504, 505, 7, 8}, {{6, false}}, 5, 6},
        {"both", {500, 501, 502, 503, 504, 505, 7, 8}, {{6, true}, {7, true}}, 5, 5},
        {"a spike that is true after all",
         {1, 2, 3, 4, 5, 6, 9000, 9001, 10, 11},
         {{6, false}},
         10,
         9000},
        {"drop a good one: nothing is lost", {1, 2, 3, 4, 5, 6}, {{3, true}}, 5, 5},
        {"drop, and take it back", {1, 2, 3, 4, 99}, {{4, true}, {4, false}}, 3, 98},
        {"the newest one", {1, 2, 3, 4, 5}, {{4, true}}, 4, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        static struct bench bench;
        bench_init(&bench);
        const struct meter *meter = &kinds[2];
        for (int k = 0; k < STEPS && cases[i].values[k] != 0; k++) {
            struct reading reading = {.start_ms = k * (int64_t)BUCKET_MS,
                                      .value = cases[i].values[k] * U,
                                      .offset = k,
                                      .quality = QUALITY_ACTUAL};
            (void)bench_decide(&bench, meter, &reading, INT64_MIN);
        }
        if (bench_sum(&bench) != (int128)cases[i].before * U)
            fail_msg("%s: before %" PRId64, cases[i].name, (int64_t)(bench_sum(&bench) / U));
        for (int k = 0; k < 2 && cases[i].decisions[k].step > 0; k++) {
            struct reading decision = {.start_ms = cases[i].decisions[k].step * (int64_t)BUCKET_MS,
                                       .value =
                                           decision_pack(cases[i].decisions[k].drops, ROLE_READING),
                                       .offset = 100 + k,
                                       .quality = QUALITY_ACTUAL,
                                       .role = ROLE_DECISION};
            struct booking booking = bench_decide(&bench, meter, &decision, INT64_MIN);
            assert_true(booking.outcome == OUTCOME_USED);
        }
        if (bench_sum(&bench) != (int128)cases[i].after * U)
            fail_msg("%s: after %" PRId64, cases[i].name, (int64_t)(bench_sum(&bench) / U));
        compare_with_all(meter, &bench, (uint32_t)i);
    }
}

/* An accepted estimate holds, and a measured reading of its time takes its place. */
static void test_accepted_estimate(void **state)
{
    (void)state;
    static struct bench bench;
    const struct meter *meter = &kinds[2];
    const struct reading readings[] = {
        {.value = 10 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = BUCKET_MS, .value = 30 * U, .quality = QUALITY_ESTIMATED},
        {.start_ms = 2 * (int64_t)BUCKET_MS, .value = 40 * U, .quality = QUALITY_ACTUAL},
        {.start_ms = BUCKET_MS,
         .value = decision_pack(false, ROLE_READING),
         .quality = QUALITY_ESTIMATED,
         .role = ROLE_DECISION},
        {.start_ms = BUCKET_MS, .value = 12 * U, .quality = QUALITY_ACTUAL},
    };
    static const int64_t want[ARRAY_LEN(readings)] = {0, 20, 15, 20, 2}; /* in the first bucket */
    bench_init(&bench);
    for (uint32_t i = 0; i < ARRAY_LEN(readings); i++) {
        (void)bench_decide(&bench, meter, &readings[i], INT64_MIN);
        if (bench.cells[BEFORE].activity != want[i] * U)
            fail_msg("event %" PRIu32 ": %" PRId64, i, bench.cells[BEFORE].activity / U);
        assert_true((bench.cells[BEFORE].estimated_ms > 0) == (want[i] == 20));
    }
    compare_with_all(meter, &bench, 0);
}

static void book_exchange(struct bench *bench, const struct meter *meter, int64_t time_ms,
                          int64_t final, int64_t initial, int64_t offset)
{
    struct reading reading = {.start_ms = time_ms,
                              .value = final,
                              .offset = offset,
                              .quality = QUALITY_ACTUAL,
                              .role = ROLE_FINAL};
    assert_true(bench_decide(bench, meter, &reading, INT64_MIN).outcome == OUTCOME_USED);
    reading.value = initial;
    reading.role = ROLE_INITIAL;
    assert_true(bench_decide(bench, meter, &reading, INT64_MIN).outcome == OUTCOME_USED);
}

/* An exchange that never was is taken back whole, before and after it comes. */
static void test_exchange(void **state)
{
    (void)state;
    static struct bench bench;
    const struct meter *meter = &kinds[2];
    for (int first = 0; first < 2; first++) {
        bench_init(&bench);
        struct reading decision = {.start_ms = 3 * (int64_t)BUCKET_MS + 1,
                                   .value = decision_pack(true, ROLE_FINAL),
                                   .offset = 50,
                                   .quality = QUALITY_ACTUAL,
                                   .role = ROLE_DECISION};
        if (first == 0)
            (void)bench_decide(&bench, meter, &decision, INT64_MIN);
        for (int k = 0; k < 8; k++) {
            struct reading reading = {.start_ms = k * (int64_t)BUCKET_MS,
                                      .value = (100 + k) * U,
                                      .offset = k,
                                      .quality = QUALITY_ACTUAL};
            (void)bench_decide(&bench, meter, &reading, INT64_MIN);
        }
        book_exchange(&bench, meter, decision.start_ms, 200 * U, 0, 20);
        if (first == 1) {
            assert_true(bench_sum(&bench) != (int128)7 * U);
            (void)bench_decide(&bench, meter, &decision, INT64_MIN);
        }
        assert_true(bench_sum(&bench) == (int128)7 * U && bench.journal.count == 8 &&
                    bench.journal.aside_count == 3);
        compare_with_all(meter, &bench, (uint32_t)first);
        decision.value = decision_pack(false, ROLE_FINAL);
        decision.offset = 51;
        assert_true(bench_decide(&bench, meter, &decision, INT64_MIN).displaced ==
                    OUTCOME_CORRECTED);
        assert_true(bench.journal.count == 10 && bench.journal.aside_count == 1);
        compare_with_all(meter, &bench, (uint32_t)first);
    }
}

/* A journal that is full takes no decision, and keeps what it has. */
static void test_full(void **state)
{
    (void)state;
    static struct bench bench;
    const struct meter *meter = &kinds[0];
    for (uint32_t capacity = 4; capacity < 8; capacity++) {
        bench_init(&bench);
        journal_init(&bench.journal, bench.slots, capacity);
        for (int k = 0; k < 5; k++) {
            struct reading reading = {.start_ms = k * (int64_t)BUCKET_MS,
                                      .span_ms = BUCKET_MS,
                                      .value = U,
                                      .offset = k,
                                      .quality = QUALITY_ACTUAL};
            (void)bench_decide(&bench, meter, &reading, INT64_MIN);
        }
        struct reading decision = {.start_ms = BUCKET_MS,
                                   .span_ms = BUCKET_MS,
                                   .value = decision_pack(true, ROLE_READING),
                                   .offset = 9,
                                   .quality = QUALITY_ACTUAL,
                                   .role = ROLE_DECISION};
        bool fits = capacity == 7;
        enum outcome outcome = bench_decide(&bench, meter, &decision, INT64_MIN).outcome;
        assert_true(outcome == (fits ? OUTCOME_USED : REJECT_JOURNAL_FULL));
        assert_true(bench_sum(&bench) == (int128)(fits ? 4 : MIN(capacity, 5)) * U);
    }
}

/* Not more than ASIDE_MAX, with their decisions; days that have left make room. */
static void test_many(void **state)
{
    (void)state;
    static struct bench bench;
    bench_init(&bench);
    const struct meter *meter = &kinds[0];
    struct reading decision = {.span_ms = BUCKET_MS,
                               .value = decision_pack(true, ROLE_READING),
                               .quality = QUALITY_ACTUAL,
                               .role = ROLE_DECISION};
    for (int k = 0; k < ASIDE_MAX + 5; k++) {
        decision.start_ms = k * (int64_t)BUCKET_MS;
        decision.offset = k;
        enum outcome outcome = bench_decide(&bench, meter, &decision, INT64_MIN).outcome;
        assert_true(outcome == (k < ASIDE_MAX ? OUTCOME_USED : REJECT_JOURNAL_FULL));
    }
    assert_true(bench_decide(&bench, meter, &decision, 100 * (int64_t)BUCKET_MS).outcome ==
                OUTCOME_USED);
    assert_true(bench.journal.aside_count == ASIDE_MAX - 100 + 1);
}

/* A decision on another reading, which waits, does not change which cells a reading changes. How
 * long it waits depends on the horizon, and revisions must not. */
static void test_a_decision_elsewhere(void **state)
{
    (void)state;
    struct bench bench;
    static const struct meter stock = {
        .kind = KIND_STOCK, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX};
    for (int decided = 0; decided < 2; decided++) {
        bench_init(&bench);
        struct reading waits = {
            .role = ROLE_DECISION, .value = decision_pack(true, ROLE_DIP), ACTUAL};
        if (decided)
            (void)bench_decide(&bench, &stock, &waits, INT64_MIN);
        struct reading amount = {.start_ms = INT64_C(5) * BUCKET_MS,
                                 .value = U,
                                 .role = ROLE_TRANSFER,
                                 .id_hash = 7,
                                 ACTUAL};
        struct booking booking = bench_decide(&bench, &stock, &amount, INT64_MIN);
        assert_int_equal(booking.outcome, OUTCOME_USED);
        assert_true(booking.from_ms == booking.to_ms); /* there is no balance yet */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_accepted_estimate),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_a_decision_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
