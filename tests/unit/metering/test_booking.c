/* A reading enters the journal of its meter: what becomes of it, and which cells it changes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/registers.h"
#include "tests/unit/metering/readings.h"

static const struct meter interval = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};
static const struct meter reg = {.cell_max = CELL_MAX, .kind = KIND_REGISTER};
static const struct meter gauge = {
    .cell_max = CELL_MAX, .kind = KIND_GAUGE, .hold_ms = 30 * MINUTE_MS};
static const struct meter delivery = {.cell_max = CELL_MAX, .kind = KIND_DELIVERY};

struct bench {
    struct reading slots[SLOTS];
    struct journal journal;
};

static void bench_init(struct bench *bench, uint32_t capacity)
{
    journal_init(&bench->journal, bench->slots, capacity);
}

static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct given reading;
        enum outcome outcome, displaced;
    } steps[] = {
        {"first", {0, 15, U, ACTUAL}, OUTCOME_USED, OUTCOME_USED},
        {"again", {0, 15, U, ACTUAL}, OUTCOME_DUPLICATE, OUTCOME_USED},
        {"other length, another identity", {0, 30, U, ACTUAL}, OUTCOME_USED, OUTCOME_USED},
        {"smaller value", {0, 15, U / 2, ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
        {"larger value", {0, 15, 2 * U, ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
        {"revision 2", {0, 15, U, .revision = 2, ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
        {"revision 1, late", {0, 15, U, .revision = 1, ACTUAL}, OUTCOME_CORRECTED, OUTCOME_USED},
        {"an estimate", {0, 15, U, .revision = 9, ESTIMATE}, OUTCOME_CORRECTED, OUTCOME_USED},
        {"edited, revision 3", {0, 15, U, 3, QUALITY_EDITED, 0}, OUTCOME_USED, OUTCOME_CORRECTED},
        {"what no bucket can hold", {120, 135, CELL_MAX, ACTUAL}, OUTCOME_USED, OUTCOME_USED},
        {"and more of it", {120, 150, CELL_MAX, ACTUAL}, REJECT_VALUE_RANGE, OUTCOME_USED},
    };
    struct bench bench;
    bench_init(&bench, SLOTS);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct booking booking = book(&interval, &bench.journal, &steps[i].reading, FLOOR);
        if (booking.outcome != steps[i].outcome || booking.displaced != steps[i].displaced)
            fail_msg("%s: got %s %s", steps[i].name, outcome_class(booking.outcome),
                     outcome_reason(booking.outcome));
        if (booking.outcome != OUTCOME_USED && booking.from_ms != booking.to_ms)
            fail_msg("%s: it changes cells", steps[i].name);
        journal_check(&bench.journal, 0);
    }
}

/* Two readings of one meter: are they of one identity, and which of them stays? */
static void test_identity_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        struct given first, second;
        enum outcome outcome, displaced;
        uint32_t count;
    } cases[] = {
        {"intervals of two lengths",
         &interval,
         {0, 15, U, ACTUAL},
         {0, 30, U, ACTUAL},
         OUTCOME_USED,
         OUTCOME_USED,
         2},
        {"intervals of two starts",
         &interval,
         {0, 30, U, ACTUAL},
         {15, 30, U, ACTUAL},
         OUTCOME_USED,
         OUTCOME_USED,
         2},
        {"a register again",
         &reg,
         {15, 0, U, ACTUAL},
         {15, 0, U, ACTUAL},
         OUTCOME_DUPLICATE,
         OUTCOME_USED,
         1},
        {"a register, measured after an estimate",
         &reg,
         {15, 0, 3 * U, ESTIMATE},
         {15, 0, 2 * U, ACTUAL},
         OUTCOME_USED,
         OUTCOME_CORRECTED,
         1},
        {"a gauge, two values of one rank",
         &gauge,
         {15, 0, U, ACTUAL},
         {15, 0, 2 * U, ACTUAL},
         OUTCOME_USED,
         OUTCOME_CORRECTED,
         1},
        {"a gauge, one that stands earlier in the log",
         &gauge,
         {15, 0, 2 * U, ACTUAL},
         {15, 0, U, ACTUAL, .offset = 6},
         OUTCOME_CORRECTED,
         OUTCOME_USED,
         1},
        {"a delivery, corrected by its invoice",
         &delivery,
         {15, 0, 2 * U, ACTUAL},
         {15, 0, U, 1, QUALITY_INVOICE, 0},
         OUTCOME_USED,
         OUTCOME_CORRECTED,
         1},
        {"two deliveries a minute apart",
         &delivery,
         {15, 0, U, ACTUAL},
         {16, 0, U, ACTUAL},
         OUTCOME_USED,
         OUTCOME_USED,
         2},
        {"the same value of another quality is a correction",
         &delivery,
         {15, 0, U, .quality = QUALITY_EDITED},
         {15, 0, U, ACTUAL},
         OUTCOME_USED,
         OUTCOME_CORRECTED,
         1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        struct booking booking = book(cases[i].meter, &bench.journal, &cases[i].first, FLOOR);
        assert_int_equal(booking.outcome, OUTCOME_USED);
        booking = book(cases[i].meter, &bench.journal, &cases[i].second, FLOOR);
        if (booking.outcome != cases[i].outcome || booking.displaced != cases[i].displaced ||
            bench.journal.count != cases[i].count)
            fail_msg("%s: got %s %s, %" PRIu32 " readings", cases[i].name,
                     outcome_class(booking.outcome), outcome_reason(booking.outcome),
                     bench.journal.count);
    }
}

/* Whether a outranks b, as docs/events.md has it, said without reading_rank(). */
static bool should_stay(const struct given *a, const struct given *b)
{
    bool measured_a = a->quality != QUALITY_ESTIMATED;
    bool measured_b = b->quality != QUALITY_ESTIMATED;
    if (measured_a != measured_b)
        return measured_a;
    if (a->revision != b->revision)
        return a->revision > b->revision;
    if (a->quality != b->quality)
        return a->quality > b->quality;
    return a->offset > b->offset;
}

/* Every pair of ranks in both orders: the same reading stays. */
static void test_rank_is_total(void **state)
{
    (void)state;
    static const int revisions[] = {0, 1, REVISION_MAX};
    enum { RANKS = QUALITY_COUNT * 3 * 2 };
    for (int i = 0; i < RANKS * RANKS; i++) {
        int a = i / RANKS;
        int b = i % RANKS;
        const struct given givens[2] = {
            {0, 15, U + a / (3 * QUALITY_COUNT), revisions[a / QUALITY_COUNT % 3],
             a % QUALITY_COUNT, 1},
            {0, 15, U + b / (3 * QUALITY_COUNT), revisions[b / QUALITY_COUNT % 3],
             b % QUALITY_COUNT, 2},
        };
        const struct given *want = &givens[should_stay(&givens[0], &givens[1]) ? 0 : 1];
        for (int first = 0; first < 2; first++) {
            struct bench bench;
            bench_init(&bench, SLOTS);
            (void)book(&interval, &bench.journal, &givens[first], FLOOR);
            (void)book(&interval, &bench.journal, &givens[1 - first], FLOOR);
            const struct reading *got = journal_at(&bench.journal, 0);
            assert_int_equal(bench.journal.count, 1);
            if (got->value != want->value || (int)got->revision != want->revision ||
                (int)got->quality != want->quality)
                fail_msg("ranks %d and %d, %d first", a, b, first);
        }
    }
}

/* The cells that a reading changes among neighbours at 30 and 60 minutes (hours of 60 to 75 for an
 * interval). */
static void test_changed_span(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        int64_t neighbours_min[2];
        struct given reading;
        int64_t from_min, to_min;
    } cases[] = {
        {"an interval changes what it covers", &interval, {30, 60}, {40, 50, U, ACTUAL}, 40, 50},
        {"a delivery changes one cell", &delivery, {30, 60}, {40, 0, U, ACTUAL}, 40, 41},
        {"a register between two", &reg, {30, 60}, {40, 0, U, ACTUAL}, 30, 60},
        {"a register after both", &reg, {30, 60}, {90, 0, U, ACTUAL}, 60, 90},
        {"a register before both", &reg, {30, 60}, {10, 0, U, ACTUAL}, 10, 30},
        {"a gauge between two", &gauge, {30, 60}, {40, 0, U, ACTUAL}, 30, 60},
        {"a gauge beyond what it holds", &gauge, {30, 60}, {91, 0, U, ACTUAL}, 91, 91},
        {"a gauge just within", &gauge, {30, 60}, {90, 0, U, ACTUAL}, 60, 90},
        {"a gauge that one neighbour reaches", &gauge, {30, 90}, {55, 0, U, ACTUAL}, 30, 55},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        for (size_t n = 0; n < 2; n++) {
            int64_t at = cases[i].neighbours_min[n];
            struct given given = {at, cases[i].meter->kind == KIND_INTERVAL ? at + 5 : 0, U,
                                  ACTUAL};
            (void)book(cases[i].meter, &bench.journal, &given, FLOOR);
        }
        struct booking booking = book(cases[i].meter, &bench.journal, &cases[i].reading, FLOOR);
        int64_t to_ms = cases[i].meter->kind == KIND_DELIVERY ? cases[i].from_min * MINUTE_MS + 1
                                                              : cases[i].to_min * MINUTE_MS;
        if (booking.from_ms != cases[i].from_min * MINUTE_MS || booking.to_ms != to_ms)
            fail_msg("%s: [%" PRId64 ", %" PRId64 ") ms", cases[i].name, booking.from_ms,
                     booking.to_ms);
    }
}

static void test_overlap_is_noted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct given reading;
        bool overlap;
    } cases[] = {
        {"it touches the one before", {30, 45, U, ACTUAL}, false},
        {"it touches the one after", {0, 15, U, ACTUAL}, false},
        {"a gap", {60, 75, U, ACTUAL}, false},
        {"into the one before", {28, 45, U, ACTUAL}, true},
        {"into the one after", {0, 17, U, ACTUAL}, true},
        {"the same start, longer", {15, 31, U, ACTUAL}, true},
        {"inside", {20, 25, U, ACTUAL}, true},
        {"a correction is no overlap", {15, 30, U, 1, QUALITY_ACTUAL, 0}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        (void)book(&interval, &bench.journal, &(struct given){15, 30, U, ACTUAL}, FLOOR);
        struct booking booking = book(&interval, &bench.journal, &cases[i].reading, FLOOR);
        if (booking.overlap != cases[i].overlap || bench.journal.overlapping != cases[i].overlap)
            fail_msg("%s: %d, journal %d", cases[i].name, booking.overlap,
                     bench.journal.overlapping);
        journal_check(&bench.journal, 0);
    }
}

static void test_full_journal(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct given reading;
        enum outcome outcome;
    } steps[] = {
        {"first", {0, 15, U, ACTUAL}, OUTCOME_USED},
        {"second", {15, 30, U, ACTUAL}, OUTCOME_USED},
        {"third", {30, 45, U, ACTUAL}, OUTCOME_USED},
        {"fourth", {45, 60, U, ACTUAL}, OUTCOME_USED},
        {"no room", {60, 75, U, ACTUAL}, REJECT_JOURNAL_FULL},
        {"no room between either", {15, 20, U, ACTUAL}, REJECT_JOURNAL_FULL},
        {"a correction takes no room", {15, 30, 2 * U, 1, QUALITY_ACTUAL, 0}, OUTCOME_USED},
        {"a duplicate takes none", {45, 60, U, ACTUAL}, OUTCOME_DUPLICATE},
    };
    struct bench bench;
    bench_init(&bench, 4);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct booking booking = book(&interval, &bench.journal, &steps[i].reading, FLOOR);
        if (booking.outcome != steps[i].outcome)
            fail_msg("%s: got %s %s", steps[i].name, outcome_class(booking.outcome),
                     outcome_reason(booking.outcome));
    }
    assert_int_equal(sum_buckets(&interval, &bench.journal, 0, 6), 5 * U);
    booking_forget(&interval, &bench.journal, 30 * MINUTE_MS);
    assert_int_equal(bench.journal.count, 2);
    struct booking booking = book(&interval, &bench.journal, &steps[4].reading, FLOOR);
    assert_int_equal(booking.outcome, OUTCOME_USED);
}

/* A reading that a bucket cannot hold with its neighbours is refused; the limit is the meter's own.
 */
static void test_capacity(void **state)
{
    (void)state;
    enum { MAX = 1000 };
    static const struct {
        const char *name;
        struct given first, second;
        uint8_t kind;
        enum outcome outcome;
    } cases[] = {
        {"one too many",
         {500, 515, 1, ACTUAL},
         {0, 15, MAX + 1, ACTUAL},
         KIND_INTERVAL,
         REJECT_VALUE_RANGE},
        {"too far below zero",
         {500, 515, 1, ACTUAL},
         {0, 15, -MAX - 1, ACTUAL},
         KIND_INTERVAL,
         REJECT_VALUE_RANGE},
        {"as much as fits",
         {500, 515, 1, ACTUAL},
         {0, 15, MAX, ACTUAL},
         KIND_INTERVAL,
         OUTCOME_USED},
        {"together as much as fits",
         {0, 15, 400, ACTUAL},
         {5, 15, 600, ACTUAL},
         KIND_INTERVAL,
         OUTCOME_USED},
        {"together one too many",
         {0, 15, 400, ACTUAL},
         {5, 15, 601, ACTUAL},
         KIND_INTERVAL,
         REJECT_VALUE_RANGE},
        {"together, of both signs",
         {0, 15, -400, ACTUAL},
         {5, 15, 601, ACTUAL},
         KIND_INTERVAL,
         REJECT_VALUE_RANGE},
        {"a bucket apart",
         {0, 15, 400, ACTUAL},
         {31, 45, MAX, ACTUAL},
         KIND_INTERVAL,
         OUTCOME_USED},
        {"two deliveries",
         {1, 0, 400, ACTUAL},
         {2, 0, 601, ACTUAL},
         KIND_DELIVERY,
         REJECT_VALUE_RANGE},
        {"a register shows what it likes",
         {0, 0, INT64_C(5) * MAX, ACTUAL},
         {15, 0, INT64_C(5) * MAX + 1, ACTUAL},
         KIND_REGISTER,
         OUTCOME_USED},
        {"the same again is a duplicate",
         {0, 15, 600, ACTUAL},
         {0, 15, 600, ACTUAL},
         KIND_INTERVAL,
         OUTCOME_DUPLICATE},
        {"a correction replaces, and needs no room beside it",
         {0, 15, MAX, ACTUAL},
         {0, 15, 600, 1, QUALITY_ACTUAL, 0},
         KIND_INTERVAL,
         OUTCOME_USED},
        {"what is corrected already needs none either",
         {1, 0, 600, 1, QUALITY_ACTUAL, 0},
         {1, 0, MAX, ACTUAL},
         KIND_DELIVERY,
         OUTCOME_CORRECTED},
        {"a correction that no bucket holds",
         {0, 15, MAX, ACTUAL},
         {0, 15, MAX + 1, 1, QUALITY_ACTUAL, 0},
         KIND_INTERVAL,
         REJECT_VALUE_RANGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct meter meter = {.cell_max = MAX, .kind = cases[i].kind, .negative = true};
        struct bench bench;
        bench_init(&bench, 4);
        (void)book(&meter, &bench.journal, &cases[i].first, FLOOR);
        struct booking booking = book(&meter, &bench.journal, &cases[i].second, FLOOR);
        if (booking.outcome != cases[i].outcome)
            fail_msg("%s: got %s %s", cases[i].name, outcome_class(booking.outcome),
                     outcome_reason(booking.outcome));
    }
}

/* Readings of few identities and ranks, in two orders of arrival: of each identity the same one
 * stays, because its place in the log decides. Whether it shows a conflict depends on the order. */
static void test_any_order_leaves_the_same(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    for (int round = 0; round < 2000; round++) {
        struct given givens[24];
        for (size_t i = 0; i < ARRAY_LEN(givens); i++) {
            int64_t start = INT64_C(15) * random_below(&random, 4);
            givens[i] = (struct given){start,
                                       start + INT64_C(15) * (1 + random_below(&random, 2)),
                                       1 + random_below(&random, 3),
                                       (int)random_below(&random, 3),
                                       (int)random_below(&random, QUALITY_COUNT),
                                       1 + (int64_t)i};
        }
        struct bench one;
        struct bench two;
        bench_init(&one, SLOTS);
        bench_init(&two, SLOTS);
        for (size_t i = 0; i < ARRAY_LEN(givens); i++)
            (void)book(&interval, &one.journal, &givens[i], FLOOR);
        for (size_t i = ARRAY_LEN(givens); i > 0; i--) { /* Fisher and Yates */
            size_t other = random_below(&random, (uint32_t)i);
            (void)book(&interval, &two.journal, &givens[other], FLOOR);
            givens[other] = givens[i - 1];
        }
        journal_check(&one.journal, 0);
        journal_check(&two.journal, 0);
        assert_int_equal(one.journal.count, two.journal.count);
        for (uint32_t i = 0; i < one.journal.count; i++) {
            journal_at(&one.journal, i)->conflict = 0;
            journal_at(&two.journal, i)->conflict = 0;
        }
        assert_memory_equal(journal_at(&one.journal, 0), journal_at(&two.journal, 0),
                            one.journal.count * sizeof(struct reading));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),         cmocka_unit_test(test_identity_by_kind),
        cmocka_unit_test(test_rank_is_total),    cmocka_unit_test(test_changed_span),
        cmocka_unit_test(test_overlap_is_noted), cmocka_unit_test(test_full_journal),
        cmocka_unit_test(test_capacity),         cmocka_unit_test(test_any_order_leaves_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
