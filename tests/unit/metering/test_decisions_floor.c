/* Decisions of people on readings whose windows are closed, or whose neighbours' are. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/register_chain.h"
#include "tests/unit/metering/decision_bench.h"

static const struct meter counter = {
    .id = "register", .kind = KIND_REGISTER, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX};
static const struct meter tank = {
    .id = "stock", .kind = KIND_STOCK, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX};

/* A reading of a register that rises by 10 in each bucket, or a decision on it. */
static struct reading any_step(uint64_t *random, int64_t newest, int64_t offset)
{
    int64_t step = newest - (int64_t)random_below(random, 12) + 2;
    struct reading event = {.start_ms = step * BUCKET_MS,
                            .offset = offset,
                            .value = step * 10 * U,
                            .quality = QUALITY_ACTUAL};
    if (random_below(random, 3) == 0) {
        event.value = decision_pack(random_below(random, 3) > 0, ROLE_READING);
        event.role = ROLE_DECISION;
    }
    return event;
}

/* Books what is not late, with cells before the floor as they were; returns the new floor. */
static int64_t go_on(struct bench *bench, const struct meter *meter, const struct reading *event,
                     int64_t newest_ms)
{
    int64_t floor_ms = newest_ms - 8 * (int64_t)BUCKET_MS;
    if (booking_reaches_back(meter, &bench->journal, event, floor_ms))
        booking_forget(meter, &bench->journal, floor_ms);
    struct booking booking;
    decisions_book(&booking, meter, &bench->journal, event, BUCKET_MS, floor_ms);
    assert_true(booking.outcome <= OUTCOME_CORRECTED);
    bench_refresh(bench, meter, MAX(booking.from_ms, floor_ms), booking.to_ms);
    return floor_ms;
}

/* Readings are dropped and accepted in windows that are open: all that was booked is the difference
 * of the first and the last reading in force. */
static void test_closed_windows(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    static struct bench bench;
    const struct meter *meter = &counter;
    for (uint32_t round = 0; round < ROUNDS / 4; round++) {
        bench_init(&bench);
        int64_t newest = 3;
        for (int64_t offset = 1; newest < CELLS - BEFORE - 4; offset++) {
            struct reading event = any_step(&random, newest, offset);
            int64_t floor_ms = (newest - 8) * BUCKET_MS;
            if (event.start_ms < floor_ms || event.start_ms < 0)
                continue;
            (void)go_on(&bench, meter, &event, newest * BUCKET_MS);
            if (event.role == ROLE_READING)
                newest = MAX(newest, event.start_ms / BUCKET_MS);
        }
        struct reading last = {.start_ms = (newest + 1) * BUCKET_MS,
                               .offset = 1000,
                               .value = (newest + 1) * 10 * U,
                               .quality = QUALITY_ACTUAL,
                               .revision = 1};
        (void)go_on(&bench, meter, &last, newest * BUCKET_MS);
        const struct reading *first = journal_at(&bench.journal, 0);
        int128 want = last.value - first->value;
        if (bench_sum(&bench) != want)
            fail_msg("round %" PRIu32 ": booked %" PRId64 ", not %" PRId64, round,
                     (int64_t)bench_sum(&bench), (int64_t)want);
    }
}

static struct reading any_amount(uint64_t *random, int64_t floor_ms, int64_t offset)
{
    enum reading_role role = random_below(random, 3) == 0 ? ROLE_TRANSFER : ROLE_READING;
    struct reading event = {.start_ms = floor_ms + random_below(random, 8) * (int64_t)BUCKET_MS + 1,
                            .offset = offset,
                            .value = (1 + (int64_t)random_below(random, 50)) * U,
                            .quality = QUALITY_ACTUAL,
                            .role = role & 7U,
                            .id_hash = 1 + random_below(random, 6)};
    if (random_below(random, 3) == 0) {
        event.value = decision_pack(random_below(random, 2) > 0, role);
        event.role = ROLE_DECISION;
    }
    return event;
}

/* Between two dips documents come, move, are dropped and come back by their ids, before the floor
 * and behind it: what was booked is the balance of those that are in force. */
static void test_open_balance(void **state)
{
    (void)state;
    enum { CLOSING = CELLS - BEFORE - 2 };
    uint64_t random = seed_of_run();
    static struct bench bench;
    const struct meter *meter = &tank;
    uint32_t behind = 0; /* documents that decisions dropped there */
    for (uint32_t round = 0; round < ROUNDS / 4; round++) {
        struct reading dip = {.value = 9000 * U, .quality = QUALITY_ACTUAL, .role = ROLE_DIP};
        bench_init(&bench);
        (void)bench_decide(&bench, meter, &dip, INT64_MIN);
        dip.start_ms = CLOSING * (int64_t)BUCKET_MS;
        dip.value = 10 * U;
        (void)bench_decide(&bench, meter, &dip, INT64_MIN);
        for (int64_t offset = 1, newest = 9; newest < CLOSING; offset++) {
            int64_t floor_ms = (newest - 8) * BUCKET_MS;
            struct reading event = any_amount(&random, floor_ms, offset);
            uint32_t before = journal_find(&bench.journal, floor_ms);
            (void)go_on(&bench, meter, &event, newest * BUCKET_MS);
            behind +=
                event.role == ROLE_DECISION && journal_find(&bench.journal, floor_ms) < before;
            newest += random_below(&random, 4) == 0;
        }
        int128 want = (9000 - 10) * (int128)U;
        for (uint32_t i = 0; i < bench.journal.count; i++) {
            const struct reading *reading = journal_at(&bench.journal, i);
            want += reading->role == ROLE_READING ? reading->value : 0;
            want -= reading->role == ROLE_TRANSFER ? reading->value : 0;
        }
        if (bench_sum(&bench) != want)
            fail_msg("round %" PRIu32 ": booked %" PRId64 ", not %" PRId64, round,
                     (int64_t)bench_sum(&bench), (int64_t)want);
    }
    assert_true(behind > 0);
}

static void put_count(struct bench *bench, const struct meter *meter, int64_t row, int64_t count,
                      enum reading_role role, int64_t floor_ms)
{
    struct reading event = {.start_ms = row * BUCKET_MS,
                            .value = role == ROLE_DECISION ? count : count * U,
                            .offset = row,
                            .quality = QUALITY_ACTUAL,
                            .role = role & 7U};
    booking_forget(meter, &bench->journal, floor_ms);
    assert_true(bench_decide(bench, meter, &event, floor_ms).outcome == OUTCOME_USED);
}

/* A register keeps what was accepted for as long as it keeps the reading, closed windows or not: a
 * restart judges the journal again. */
static void test_accepted_behind_the_floor(void **state)
{
    (void)state;
    static struct bench bench;
    const struct meter meter = {
        .kind = KIND_REGISTER, .interval_ms = BUCKET_MS, .cell_max = CELL_MAX, .rate_max = 4 * U};
    bench_init(&bench);
    for (int64_t row = 1; row < 5; row++)
        put_count(&bench, &meter, row, row, ROLE_READING, 0);
    put_count(&bench, &meter, 5, 1000, ROLE_READING, 0);
    put_count(&bench, &meter, 5, decision_pack(false, ROLE_READING), ROLE_DECISION, 0);
    for (int64_t row = 6; row < 20; row++)
        put_count(&bench, &meter, row, 995 + row, ROLE_READING, 0);
    int64_t floor_ms = INT64_C(15) * BUCKET_MS;
    put_count(&bench, &meter, 21, 1016, ROLE_READING, floor_ms);
    put_count(&bench, &meter, 20, 1015, ROLE_READING, floor_ms);
    struct journal *journal = &bench.journal;
    assert_int_equal(journal->aside_count, 1);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < journal->count; i++) {
        journal_at(journal, i)->accepted = 0;
        kept += chain_link_of(journal_at(journal, i)).kept;
    }
    decisions_mark(&meter, journal);
    register_chain_judge(&meter, journal);
    for (uint32_t i = 0; i < journal->count; i++)
        kept -= chain_link_of(journal_at(journal, i)).kept;
    assert_int_equal(kept, 0);
    int128 sum = 0;
    for (int64_t row = 15 + BEFORE; row < 21 + BEFORE; row++) {
        struct cell cell;
        bench_project(&meter, journal, row, &cell);
        sum += cell.activity;
    }
    assert_true(sum == 6 * (int128)U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_windows),
        cmocka_unit_test(test_open_balance),
        cmocka_unit_test(test_accepted_behind_the_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
