/* Deliveries are documents: which of them count, and where. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/metering/projection.h"
#include "tests/unit/metering/readings.h"

static const struct meter delivery = {.cell_max = CELL_MAX, .kind = KIND_DELIVERY};
static const struct meter interval = {.cell_max = CELL_MAX, .kind = KIND_INTERVAL};

enum { STEPS_MAX = 6 };

struct document {
    int64_t minute, value;
    uint64_t id;
    int revision, quality;
};

struct sent {
    struct document document;
    int64_t offset;
};

struct bench {
    struct reading slots[SLOTS];
    struct journal journal;
};

static struct booking put_at(struct bench *bench, const struct meter *meter,
                             const struct document *document, int64_t offset, int64_t floor_ms)
{
    const struct given given = {.start_min = document->minute,
                                .end_min = meter->kind == KIND_INTERVAL ? 60 : 0,
                                .value = document->value,
                                .revision = document->revision,
                                .quality = document->quality};
    struct reading reading = reading_of(&given);
    reading.id_hash = document->id;
    reading.offset = offset;
    struct booking booking;
    booking_add(&booking, meter, &bench->journal, &reading, BUCKET_MS, floor_ms);
    journal_check(&bench->journal, 0);
    return booking;
}

static struct booking put(struct bench *bench, const struct meter *meter,
                          const struct document *document, int64_t floor_ms)
{
    return put_at(bench, meter, document, 7, floor_ms);
}

struct step {
    struct document document;
    enum outcome outcome, displaced;
};

static const struct story {
    const char *name;
    struct step steps[STEPS_MAX];
    int64_t early, late; /* booked in the first two hours, and after them */
} stories[] = {
    {"two trucks of one day, by their invoices",
     {{{30, 3000, 103, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 2000, 104, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 2000, 104, 0, QUALITY_ACTUAL}, OUTCOME_DUPLICATE, OUTCOME_USED}},
     5000,
     0},
    {"two invoices of one amount",
     {{{30, 5000, 101, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 5000, 102, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED}},
     10000,
     0},
    {"an invoice whose amount is corrected",
     {{{30, 5000, 1, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 4800, 1, 1, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
      {{30, 5000, 1, 0, QUALITY_ACTUAL}, OUTCOME_CORRECTED, OUTCOME_USED}},
     4800,
     0},
    {"an invoice whose time is corrected",
     {{{30, 5000, 1, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{300, 5000, 1, 1, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
      {{300, 5000, 1, 1, QUALITY_ACTUAL}, OUTCOME_DUPLICATE, OUTCOME_USED}},
     0,
     5000},
    {"back in time, and beside another",
     {{{300, 5000, 1, 0, QUALITY_ESTIMATED}, OUTCOME_USED, OUTCOME_USED},
      {{30, 700, 2, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 4700, 1, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED}},
     5400,
     0},
    {"without id: all amounts, once each",
     {{{30, 3000, 0, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 2000, 0, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 3000, 0, 0, QUALITY_ACTUAL}, OUTCOME_DUPLICATE, OUTCOME_USED},
      {{31, 3000, 0, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED}},
     8000,
     0},
    {"without id: a higher rank takes the place of all",
     {{{30, 3000, 0, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 2000, 0, 0, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 2500, 0, 1, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_CORRECTED},
      {{30, 9000, 0, 0, QUALITY_ACTUAL}, OUTCOME_CORRECTED, OUTCOME_USED},
      {{30, 9000, 0, 9, QUALITY_ESTIMATED}, OUTCOME_CORRECTED, OUTCOME_USED},
      {{30, 100, 0, 1, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED}},
     2600,
     0},
    {"a document without id is no rival of one with it",
     {{{30, 3000, 7, 5, QUALITY_ACTUAL}, OUTCOME_USED, OUTCOME_USED},
      {{30, 3000, 0, 0, QUALITY_ESTIMATED}, OUTCOME_USED, OUTCOME_USED}},
     6000,
     0},
};

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct bench bench;
        journal_init(&bench.journal, bench.slots, SLOTS);
        for (size_t k = 0; k < STEPS_MAX && stories[i].steps[k].document.value != 0; k++) {
            const struct step *step = &stories[i].steps[k];
            struct booking booking = put(&bench, &delivery, &step->document, FLOOR);
            if (booking.outcome != step->outcome || booking.displaced != step->displaced)
                fail_msg("%s, step %zu: %s %s", stories[i].name, k + 1,
                         outcome_class(booking.outcome), outcome_reason(booking.outcome));
        }
        int64_t early = (int64_t)sum_buckets(&delivery, &bench.journal, 0, 8);
        int64_t late = (int64_t)sum_buckets(&delivery, &bench.journal, 8, 96);
        if (early != stories[i].early || late != stories[i].late)
            fail_msg("%s: %" PRId64 " and %" PRId64, stories[i].name, early, late);
    }
}

/* A document that moves changes the cell in which it was, and nothing between. */
static void test_a_move_changes_two_cells(void **state)
{
    (void)state;
    struct bench bench;
    journal_init(&bench.journal, bench.slots, SLOTS);
    (void)put(&bench, &delivery, &(struct document){30, 1, 9, 0, QUALITY_ACTUAL}, FLOOR);
    struct booking booking =
        put(&bench, &delivery, &(struct document){300, 1, 9, 1, QUALITY_ACTUAL}, FLOOR);
    assert_int_equal(booking.from_ms, 300 * MINUTE_MS);
    assert_int_equal(booking.to_ms, 300 * MINUTE_MS + 1);
    assert_int_equal(booking.left_from_ms, 30 * MINUTE_MS);
    assert_int_equal(booking.left_to_ms, 30 * MINUTE_MS + 1);
    assert_int_equal(bench.journal.changed_ms, 30 * MINUTE_MS);
    booking = put(&bench, &delivery, &(struct document){300, 2, 9, 2, QUALITY_ACTUAL}, FLOOR);
    assert_int_equal(booking.left_from_ms, booking.left_to_ms);
}

/* The journal may still have a document of a closed window, or not: that must not matter. */
static void test_an_id_before_the_floor_is_not_known(void **state)
{
    (void)state;
    struct bench bench;
    journal_init(&bench.journal, bench.slots, SLOTS);
    (void)put(&bench, &delivery, &(struct document){30, 1, 9, 0, QUALITY_ACTUAL}, FLOOR);
    struct booking booking =
        put(&bench, &delivery, &(struct document){300, 1, 9, 1, QUALITY_ACTUAL}, HOUR_MS);
    assert_int_equal(booking.outcome, OUTCOME_USED);
    assert_int_equal(booking.displaced, OUTCOME_USED);
    assert_int_equal(bench.journal.count, 2);
}

/* A correction needs no room beside the document that it replaces. */
static void test_a_full_journal(void **state)
{
    (void)state;
    struct bench bench;
    journal_init(&bench.journal, bench.slots, 2);
    (void)put(&bench, &delivery, &(struct document){30, 1, 8, 0, QUALITY_ACTUAL}, FLOOR);
    (void)put(&bench, &delivery, &(struct document){30, 2, 0, 0, QUALITY_ACTUAL}, FLOOR);
    const struct {
        struct document document;
        enum outcome want;
    } steps[] = {
        {{30, 5, 9, 0, QUALITY_ACTUAL}, REJECT_JOURNAL_FULL},
        {{30, 5, 0, 0, QUALITY_ACTUAL}, REJECT_JOURNAL_FULL},
        {{30, 5, 8, 1, QUALITY_ACTUAL}, OUTCOME_USED},
        {{90, 5, 8, 2, QUALITY_ACTUAL}, REJECT_JOURNAL_FULL}, /* it leaves a note behind */
        {{30, 5, 0, 1, QUALITY_ACTUAL}, OUTCOME_USED},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_int_equal(put(&bench, &delivery, &steps[i].document, FLOOR).outcome, steps[i].want);
}

/* Lines of one bill are readings of their own; the same line again is not. */
static void test_lines_of_a_bill(void **state)
{
    (void)state;
    struct bench bench;
    journal_init(&bench.journal, bench.slots, SLOTS);
    const struct step steps[] = {
        {{0, 100, 1, 0, QUALITY_INVOICE}, OUTCOME_USED, OUTCOME_USED},
        {{0, 100, 2, 0, QUALITY_INVOICE}, OUTCOME_USED, OUTCOME_USED},
        {{0, 100, 1, 0, QUALITY_INVOICE}, OUTCOME_DUPLICATE, OUTCOME_USED},
        {{0, 90, 2, 1, QUALITY_INVOICE}, OUTCOME_USED, OUTCOME_CORRECTED},
        {{0, 50, 0, 0, QUALITY_INVOICE}, OUTCOME_USED, OUTCOME_USED},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct booking booking = put(&bench, &interval, &steps[i].document, FLOOR);
        assert_int_equal(booking.outcome, steps[i].outcome);
        assert_int_equal(booking.displaced, steps[i].displaced);
    }
    assert_int_equal(bench.journal.count, 3);
}

/* The part of a cell that is estimated: by amount, whatever the bucket's length. */
static void test_estimated_part(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t measured, estimated;
        uint32_t part, whole;
    } cases[] = {
        {"measured only", 5000, 0, 0, 0},
        {"estimated only", 0, 5000, 1, 1},
        {"three eighths", 5000, 3000, 3, 8},
        {"a third", 2, 1, 1, 3},
        {"a prime number of parts", 1999993, 7, 7 * BUCKET_MS / 2000000, BUCKET_MS},
        {"a credit note", -1000, 1000, 1, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bench bench;
        journal_init(&bench.journal, bench.slots, SLOTS);
        if (cases[i].measured != 0)
            (void)put(&bench, &delivery,
                      &(struct document){3, cases[i].measured, 1, 0, QUALITY_ACTUAL}, FLOOR);
        if (cases[i].estimated != 0)
            (void)put(&bench, &delivery,
                      &(struct document){3, cases[i].estimated, 2, 0, QUALITY_ESTIMATED}, FLOOR);
        struct cell cell;
        projection_cell(&cell, &delivery, &bench.journal, 0, BUCKET_MS);
        if (cell.estimated_ms != cases[i].part || cell.covered_ms != cases[i].whole)
            fail_msg("%s: %u of %u", cases[i].name, cell.estimated_ms, cell.covered_ms);
    }
}

/* Documents of few times, ids and ranks, in two orders: the same ones stay. */
static void test_any_order_leaves_the_same(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    for (int round = 0; round < 2000; round++) {
        struct sent documents[16];
        for (size_t i = 0; i < ARRAY_LEN(documents); i++)
            documents[i] =
                (struct sent){{INT64_C(20) * random_below(&random, 4), 1 + random_below(&random, 3),
                               random_below(&random, 3), (int)random_below(&random, 3),
                               (int)random_below(&random, QUALITY_COUNT)},
                              (int64_t)i};
        struct bench one;
        struct bench two;
        journal_init(&one.journal, one.slots, SLOTS);
        journal_init(&two.journal, two.slots, SLOTS);
        for (size_t i = 0; i < ARRAY_LEN(documents); i++)
            (void)put_at(&one, &delivery, &documents[i].document, documents[i].offset, FLOOR);
        for (size_t i = ARRAY_LEN(documents); i > 0; i--) {
            uint32_t other = random_below(&random, (uint32_t)i);
            (void)put_at(&two, &delivery, &documents[other].document, documents[other].offset,
                         FLOOR);
            documents[other] = documents[i - 1];
        }
        assert_int_equal(one.journal.count, two.journal.count);
        for (uint32_t i = 0; i < one.journal.count; i++) {
            const struct reading *a = journal_at(&one.journal, i);
            const struct reading *b = journal_at(&two.journal, i);
            assert_int_equal(a->start_ms, b->start_ms);
            assert_int_equal(a->value, b->value);
            assert_int_equal(a->id_hash, b->id_hash);
            assert_int_equal(reading_rank(a), reading_rank(b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_a_move_changes_two_cells),
        cmocka_unit_test(test_an_id_before_the_floor_is_not_known),
        cmocka_unit_test(test_a_full_journal),
        cmocka_unit_test(test_lines_of_a_bill),
        cmocka_unit_test(test_estimated_part),
        cmocka_unit_test(test_any_order_leaves_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
