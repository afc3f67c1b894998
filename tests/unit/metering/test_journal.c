/* The readings of one meter in order: beside a plain array that does the same by sorting. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/metering/readings.h"

static struct reading at_min(int64_t start_min, int64_t span_min)
{
    return (struct reading){.start_ms = start_min * MINUTE_MS,
                            .value = start_min * 1000 + span_min,
                            .span_ms =
                                (uint64_t)(span_min * MINUTE_MS) & ((UINT64_C(1) << 40) - 1)};
}

static void insert(struct journal *journal, int64_t start_min, int64_t span_min)
{
    struct reading reading = at_min(start_min, span_min);
    assert_int_equal(journal_insert(journal, journal_find(journal, reading.start_ms), &reading), 0);
    journal_changed(journal, reading.start_ms);
}

/* Readings of a quarter of an hour, one after the other. */
static void fill(struct journal *journal, struct reading *slots, uint32_t capacity, int64_t count)
{
    journal_init(journal, slots, capacity);
    for (int64_t i = 0; i < count; i++)
        insert(journal, i * 15, 15);
    journal_saved(journal);
}

static void test_find(void **state)
{
    (void)state;
    struct reading slots[4];
    struct journal journal;
    journal_init(&journal, slots, 4);
    assert_int_equal(journal_find(&journal, 0), 0); /* empty */
    fill(&journal, slots, 4, 4);
    static const struct {
        const char *name;
        int64_t time_ms;
        uint32_t want;
    } cases[] = {
        {"before all", INT64_MIN, 0},         {"at the first", 0, 0},
        {"just after the first", 1, 1},       {"at one in the middle", 30 * MINUTE_MS, 2},
        {"at the last", 45 * MINUTE_MS, 3},   {"after all", 45 * MINUTE_MS + 1, 4},
        {"at the end of time", INT64_MAX, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t got = journal_find(&journal, cases[i].time_ms);
        if (got != cases[i].want)
            fail_msg("%s: %" PRIu32, cases[i].name, got);
    }
}

/* From every length, wherever the front is: the search goes back from the newest reading. */
static void test_find_at_any_length(void **state)
{
    (void)state;
    struct reading slots[40];
    struct journal journal;
    for (uint32_t count = 0; count <= 32; count++) {
        fill(&journal, slots, 40, count + 2);
        journal_drop_first(&journal, 2);
        for (int64_t minute = 2 * 15 - 1; minute <= (count + 2) * 15 + 1; minute++) {
            uint32_t want = 0;
            while (want < count && journal_at(&journal, want)->start_ms < minute * MINUTE_MS)
                want++;
            assert_int_equal(journal_find(&journal, minute * MINUTE_MS), want);
        }
    }
}

static void test_find_is_the_first_of_equals(void **state)
{
    (void)state;
    struct reading slots[8];
    struct journal journal;
    journal_init(&journal, slots, 8);
    for (int64_t span = 60; span >= 15; span -= 15)
        insert(&journal, 15, span);
    insert(&journal, 0, 15);
    insert(&journal, 90, 15);
    assert_int_equal(journal_find(&journal, 15 * MINUTE_MS), 1);
    assert_int_equal(journal_at(&journal, 1)->span_ms, 15 * MINUTE_MS);
}

static void test_full_refuses(void **state)
{
    (void)state;
    struct reading slots[3];
    struct journal journal;
    fill(&journal, slots, 3, 3);
    assert_true(journal_is_full(&journal));
    struct journal before = journal;
    struct reading reading = at_min(7, 1);
    assert_int_equal(journal_insert(&journal, 1, &reading), ERR_FULL);
    assert_memory_equal(&before, &journal, sizeof(journal));
    assert_int_equal(journal_at(&journal, 1)->start_ms, 15 * MINUTE_MS);
}

/* The front moves on as readings are dropped; an insert at the end of the slots moves all back. */
static void test_slots_are_used_again(void **state)
{
    (void)state;
    struct reading slots[4];
    struct journal journal;
    fill(&journal, slots, 4, 4);
    journal.overlapping = true;
    for (int64_t i = 4; i < 50; i++) {
        journal_drop_first(&journal, i % 3 == 0 ? 2 : 1);
        if (i % 3 == 0)
            insert(&journal, i * 15 - 7, 7); /* before the next, which is the newest */
        insert(&journal, i * 15, 15);
        journal_check(&journal, 0);
        assert_true(journal_is_full(&journal));
        assert_int_equal(journal_at(&journal, 3)->value, i * 15000 + 15);
    }
}

static void test_dropping_first(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t drop, count;
        bool changed, base_stays, overlapping;
    } cases[] = {
        {"none", 0, 4, false, true, true},
        {"one", 1, 3, true, false, true},
        {"all", 4, 0, true, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[4];
        struct journal journal;
        fill(&journal, slots, 4, 4);
        journal.base_ms = 5;
        journal.base_booked = 6;
        journal.overlapping = true;
        journal_drop_first(&journal, cases[i].drop);
        bool base_stays = journal.base_ms == 5 && journal.base_booked == 6;
        if (journal.count != cases[i].count || journal.changed != cases[i].changed ||
            journal.overlapping != cases[i].overlapping || base_stays != cases[i].base_stays)
            fail_msg("%s", cases[i].name);
        assert_int_equal(journal.changed_ms, INT64_MAX); /* what is left is as it was */
        if (!base_stays)
            assert_true(journal.base_ms == INT64_MIN && journal.base_booked == 0);
        journal_check(&journal, 0);
    }
}

static void test_dropping_ended(void **state)
{
    (void)state;
    enum { NONE = -1 };
    static const struct {
        const char *name;
        int64_t spans_min[4]; /* of readings at 0, 15, 30, 45 */
        int64_t end_min;
        uint32_t count;
        bool changed;
        int64_t changed_min;
    } cases[] = {
        {"none has ended", {15, 15, 15, 15}, 14, 4, false, NONE},
        {"the first ends there", {15, 15, 15, 15}, 15, 3, true, NONE},
        {"all have", {15, 15, 15, 15}, 60, 0, true, NONE},
        {"a long one stays before one that goes", {60, 15, 15, 15}, 30, 3, true, 15},
        {"the earliest that goes counts", {60, 5, 5, 15}, 35, 2, true, 15},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[4];
        struct journal journal;
        journal_init(&journal, slots, 4);
        for (int64_t n = 0; n < 4; n++)
            insert(&journal, n * 15, cases[i].spans_min[n]);
        journal.overlapping = true;
        journal_saved(&journal);
        journal_drop_ended(&journal, cases[i].end_min * MINUTE_MS);
        int64_t changed_ms =
            cases[i].changed_min == NONE ? INT64_MAX : cases[i].changed_min * MINUTE_MS;
        if (journal.count != cases[i].count || journal.changed != cases[i].changed ||
            journal.changed_ms != changed_ms)
            fail_msg("%s: %" PRIu32 " left, changed from %" PRId64, cases[i].name, journal.count,
                     journal.changed_ms);
        assert_int_equal(journal.overlapping, journal.count > 0);
        journal_check(&journal, 0);
    }
}

/* The readings to save: from the first change on, and whether there was any change. */
static void test_changes_are_told(void **state)
{
    (void)state;
    struct reading slots[8];
    struct journal journal;
    fill(&journal, slots, 8, 4);
    assert_false(journal.changed);
    insert(&journal, 100, 15);
    insert(&journal, 50, 5);
    insert(&journal, 200, 15);
    assert_true(journal.changed);
    assert_int_equal(journal.changed_ms, 50 * MINUTE_MS);
    journal.forgotten_ms = 77;
    journal_saved(&journal);
    assert_false(journal.changed);
    assert_int_equal(journal.changed_ms, INT64_MAX);
    assert_int_equal(journal.saved_forgotten_ms, 77);
}

/* --- the same, by a plain array */

struct plain {
    struct reading readings[SLOTS];
    uint32_t count;
};

static void plain_keep(struct plain *plain, uint32_t first, int64_t ended_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = first; i < plain->count; i++) {
        if (reading_end_ms(&plain->readings[i]) > ended_ms)
            plain->readings[kept++] = plain->readings[i];
    }
    plain->count = kept;
}

static void plain_insert(struct plain *plain, const struct reading *reading)
{
    uint32_t i = plain->count++;
    for (; i > 0 && plain->readings[i - 1].start_ms > reading->start_ms; i--)
        plain->readings[i] = plain->readings[i - 1];
    plain->readings[i] = *reading;
}

static void test_random_operations(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    static struct plain plain;
    struct reading slots[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, 24);
    journal.overlapping = true;
    for (int64_t i = 0; i < 20000; i++) {
        struct reading reading =
            at_min(i * 3 - INT64_C(2) * random_below(&random, 300), 1 + i % 40);
        uint32_t index = journal_find(&journal, reading.start_ms);
        bool taken =
            index < journal.count && journal_at(&journal, index)->start_ms == reading.start_ms;
        if (!taken && journal_insert(&journal, index, &reading) == 0)
            plain_insert(&plain, &reading);
        if (random_below(&random, 8) == 0) {
            uint32_t drop = random_below(&random, journal.count + 1);
            journal_drop_first(&journal, drop);
            plain_keep(&plain, drop, INT64_MIN);
        } else if (random_below(&random, 8) == 0) {
            journal_drop_ended(&journal, (i * 3 - 200) * MINUTE_MS);
            plain_keep(&plain, 0, (i * 3 - 200) * MINUTE_MS);
        }
        journal.overlapping = true;
        journal_check(&journal, 0);
        assert_int_equal(journal.count, plain.count);
        if (plain.count > 0)
            assert_memory_equal(journal_at(&journal, 0), plain.readings,
                                plain.count * sizeof(struct reading));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_at_any_length),
        cmocka_unit_test(test_find_is_the_first_of_equals),
        cmocka_unit_test(test_full_refuses),
        cmocka_unit_test(test_slots_are_used_again),
        cmocka_unit_test(test_dropping_first),
        cmocka_unit_test(test_dropping_ended),
        cmocka_unit_test(test_changes_are_told),
        cmocka_unit_test(test_random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
