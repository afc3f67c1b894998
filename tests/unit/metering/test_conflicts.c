/* Values of one meter, time and rank: which stays, and where it shows. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

struct bench {
    struct reading slots[SLOTS];
    struct journal journal;
};

static void bench_init(struct bench *bench, uint32_t capacity)
{
    journal_init(&bench->journal, bench->slots, capacity);
}

/* Values of one identity, one after the other, by policy: which stays, and what becomes of each. */
static void test_conflicts(void **state)
{
    (void)state;
    enum { STEPS = 4 };
    // NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which it is read
    static const struct {
        const char *name;
        enum conflict_policy policy;
        struct given readings[STEPS]; /* those with value 0 are left out */
        enum outcome outcomes[STEPS], displaced[STEPS];
        int64_t value, offset;
        bool conflict;
    } cases[] = {
        {"the later value stays, and an earlier one wins again if it is sent again",
         CONFLICT_LAST,
         {{0, 15, 10, ACTUAL, .offset = 1},
          {0, 15, 1, ACTUAL, .offset = 2},
          {0, 15, 10, ACTUAL, .offset = 3}},
         {OUTCOME_USED, OUTCOME_USED, OUTCOME_USED},
         {OUTCOME_USED, OUTCOME_CORRECTED, OUTCOME_CORRECTED},
         10,
         3,
         true},
        {"two values in one message: the second",
         CONFLICT_LAST,
         {{0, 15, 10, ACTUAL, .offset = 1}, {0, 15, 1, ACTUAL, .offset = 1}},
         {OUTCOME_USED, OUTCOME_USED},
         {OUTCOME_USED, OUTCOME_CORRECTED},
         1,
         1,
         true},
        {"seen again, an older value does not win",
         CONFLICT_LAST,
         {{0, 15, 10, ACTUAL, .offset = 1},
          {0, 15, 1, ACTUAL, .offset = 2},
          {0, 15, 10, ACTUAL, .offset = 1},
          {0, 15, 1, ACTUAL, .offset = 2}},
         {OUTCOME_USED, OUTCOME_USED, OUTCOME_CORRECTED, OUTCOME_DUPLICATE},
         {OUTCOME_USED, OUTCOME_CORRECTED, OUTCOME_USED, OUTCOME_USED},
         1,
         2,
         true},
        {"nor does one that stood between two equal ones",
         CONFLICT_LAST,
         {{0, 15, 10, ACTUAL, .offset = 1},
          {0, 15, 10, ACTUAL, .offset = 3},
          {0, 15, 1, ACTUAL, .offset = 2}},
         {OUTCOME_USED, OUTCOME_DUPLICATE, OUTCOME_CORRECTED},
         {OUTCOME_USED, OUTCOME_USED, OUTCOME_USED},
         10,
         3,
         true},
        {"a higher rank is no conflict, and takes the flag away",
         CONFLICT_LAST,
         {{0, 15, 10, ACTUAL, .offset = 1},
          {0, 15, 1, ACTUAL, .offset = 2},
          {0, 15, 5, .revision = 1, ACTUAL, .offset = 3}},
         {OUTCOME_USED, OUTCOME_USED, OUTCOME_USED},
         {OUTCOME_USED, OUTCOME_CORRECTED, OUTCOME_CORRECTED},
         5,
         3,
         false},
        {"the first is held, and each other one refused",
         CONFLICT_HOLD,
         {{0, 15, 1, ACTUAL, .offset = 1},
          {0, 15, 10, ACTUAL, .offset = 2},
          {0, 15, 1, ACTUAL, .offset = 3},
          {0, 15, 10, ACTUAL, .offset = 4}},
         {OUTCOME_USED, REJECT_CONFLICT, OUTCOME_DUPLICATE, REJECT_CONFLICT},
         {OUTCOME_USED, OUTCOME_USED, OUTCOME_USED, OUTCOME_USED},
         1,
         1,
         true},
        {"a held one gives way to a higher rank",
         CONFLICT_HOLD,
         {{0, 15, 1, ACTUAL, .offset = 1}, {0, 15, 10, .revision = 1, ACTUAL, .offset = 2}},
         {OUTCOME_USED, OUTCOME_USED},
         {OUTCOME_USED, OUTCOME_CORRECTED},
         10,
         2,
         false},
        {"the larger stays, in this order",
         CONFLICT_LARGER,
         {{0, 15, 1, ACTUAL, .offset = 1}, {0, 15, 10, ACTUAL, .offset = 2}},
         {OUTCOME_USED, OUTCOME_USED},
         {OUTCOME_USED, REJECT_CONFLICT},
         10,
         2,
         true},
        {"and in that",
         CONFLICT_LARGER,
         {{0, 15, 10, ACTUAL, .offset = 1}, {0, 15, 1, ACTUAL, .offset = 2}},
         {OUTCOME_USED, REJECT_CONFLICT},
         {OUTCOME_USED, OUTCOME_USED},
         10,
         1,
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct meter meter = {
            .cell_max = CELL_MAX, .kind = KIND_INTERVAL, .on_conflict = (uint8_t)cases[i].policy};
        struct bench bench;
        bench_init(&bench, SLOTS);
        for (size_t k = 0; k < STEPS && cases[i].readings[k].value != 0; k++) {
            struct booking booking = book(&meter, &bench.journal, &cases[i].readings[k], FLOOR);
            if (booking.outcome != cases[i].outcomes[k] ||
                booking.displaced != cases[i].displaced[k])
                fail_msg("%s: step %zu: %s %s", cases[i].name, k, outcome_class(booking.outcome),
                         outcome_reason(booking.outcome));
        }
        const struct reading *stays = journal_at(&bench.journal, 0);
        if (bench.journal.count != 1 || stays->value != cases[i].value ||
            stays->offset != cases[i].offset || stays->conflict != cases[i].conflict)
            fail_msg("%s: %" PRId64 " of %" PRId64, cases[i].name, stays->value, stays->offset);
    }
}

/* A value that loses changes the bucket in which the reading in force begins, once: the bucket
 * shows the conflict. A reading that touches no window yet shows nothing. */
static void test_conflicts_show(void **state)
{
    (void)state;
    static const struct meter held = {
        .cell_max = CELL_MAX, .kind = KIND_INTERVAL, .on_conflict = CONFLICT_HOLD};
    static const struct meter counter = {
        .cell_max = CELL_MAX, .kind = KIND_REGISTER, .on_conflict = CONFLICT_HOLD};
    static const struct {
        const char *name;
        const struct meter *meter;
        struct given readings[3];         /* the last one loses against the one before */
        int64_t from_min, to_min, bucket; /* of an instant, its millisecond too */
        uint32_t conflicts;
    } cases[] = {
        {"an interval over an hour",
         &held,
         {{300, 310, U, ACTUAL}, {20, 80, U, ACTUAL}, {20, 80, 2 * U, ACTUAL}},
         20,
         30,
         1,
         1},
        {"a register within a bucket",
         &counter,
         {{0, 0, U, ACTUAL}, {20, 0, 2 * U, ACTUAL}, {20, 0, 3 * U, ACTUAL}},
         20,
         20,
         1,
         1},
        {"a register's only reading",
         &counter,
         {{20, 0, U, ESTIMATE}, {20, 0, U, ACTUAL}, {20, 0, 3 * U, ACTUAL}},
         20,
         20,
         1,
         1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        bench_init(&bench, SLOTS);
        (void)book(cases[i].meter, &bench.journal, &cases[i].readings[0], FLOOR);
        (void)book(cases[i].meter, &bench.journal, &cases[i].readings[1], FLOOR);
        struct booking booking = book(cases[i].meter, &bench.journal, &cases[i].readings[2], FLOOR);
        if (booking.outcome != REJECT_CONFLICT ||
            booking.from_ms != cases[i].from_min * MINUTE_MS ||
            booking.to_ms != cases[i].to_min * MINUTE_MS + (cases[i].meter == &counter))
            fail_msg("%s: [%" PRId64 ", %" PRId64 ") ms", cases[i].name, booking.from_ms,
                     booking.to_ms);
        booking = book(cases[i].meter, &bench.journal, &cases[i].readings[2], FLOOR);
        assert_int_equal(booking.from_ms, booking.to_ms); /* it is known */
        struct cell cell;
        projection_cell(&cell, cases[i].meter, &bench.journal, cases[i].bucket * BUCKET_MS,
                        BUCKET_MS);
        assert_int_equal(cell.conflicts, cases[i].conflicts);
        projection_cell(&cell, cases[i].meter, &bench.journal, (cases[i].bucket + 1) * BUCKET_MS,
                        BUCKET_MS);
        assert_int_equal(cell.conflicts, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_conflicts_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
