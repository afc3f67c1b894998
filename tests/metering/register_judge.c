/* Judges journals of registers that test_registers.py writes to its standard input, and prints what
 * became of each reading, how many cells of open windows the readings touched, and the sum of all
 * cells.
 *
 *   meter RATE_MAX MODULUS RESTARTS SIGNED DIGIT CAPACITY
 *   MS VALUE ESTIMATED ROLE FLOOR_MS      a reading, in the order of arrival
 *   restart                               links are not saved: all are judged again
 *   end
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "pipelines/metering/booking.h"
#include "pipelines/metering/projection.h"
#include "pipelines/metering/register_chain.h"

enum { BUCKET_MS = 900000, CELLS = 20000 };

static struct cell cells[CELLS]; /* as a panel has them: those before the floor stay */
static struct reading slots[1 << 16];
static int64_t touched;

static void project(const struct meter *meter, const struct journal *journal, int64_t from_ms,
                    int64_t to_ms)
{
    for (int64_t row = from_ms / BUCKET_MS; row * BUCKET_MS < to_ms; row++, touched++)
        projection_cell(&cells[row], meter, journal, row * BUCKET_MS, BUCKET_MS);
}

/* The whole numbers of a line; test_registers.py writes as many as are meant. */
static void read_numbers(const char *line, int64_t *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        char *end = NULL;
        numbers[i] = strtoll(line, &end, 10);
        if (end == line) {
            (void)fprintf(stderr, "register_judge: %d numbers are missing at: %s\n", count - i,
                          line);
            exit(1);
        }
        line = end;
    }
}

static void take(const struct meter *meter, struct journal *journal, const char *line)
{
    enum { AT, VALUE, ESTIMATED, ROLE, FLOOR, COUNT };
    int64_t numbers[COUNT];
    read_numbers(line, numbers, COUNT);
    int64_t floor_ms = numbers[FLOOR];
    struct reading reading = {.start_ms = numbers[AT], .value = numbers[VALUE]};
    reading.quality = numbers[ESTIMATED] != 0 ? QUALITY_ESTIMATED : QUALITY_ACTUAL;
    reading.role = (unsigned)numbers[ROLE] & 7U;
    if (journal_is_full(journal) || booking_reaches_back(meter, journal, &reading, floor_ms))
        booking_forget(meter, journal, floor_ms);
    struct booking booking;
    booking_add(&booking, meter, journal, &reading, BUCKET_MS, floor_ms);
    if (booking.outcome != OUTCOME_USED && booking.outcome != OUTCOME_DUPLICATE)
        printf("outcome %d\n", (int)booking.outcome);
    int64_t from_ms = booking.from_ms > floor_ms ? booking.from_ms : floor_ms;
    project(meter, journal, from_ms, booking.to_ms);
}

static bool is_same(const struct cell *a, const struct cell *b)
{
    return a->activity == b->activity && a->covered_ms == b->covered_ms &&
           a->estimated_ms == b->estimated_ms && a->spread_ms == b->spread_ms &&
           a->held_ms == b->held_ms && a->moved_ms == b->moved_ms && a->glitches == b->glitches &&
           a->conflicts == b->conflicts && a->present == b->present && a->held == b->held;
}

/* Judges all readings from the start, as after a restart. The links have to be what they are. */
static void restart(const struct meter *meter, struct journal *journal)
{
    static struct reading copy[sizeof(slots) / sizeof(*slots)];
    for (uint32_t i = 0; i < journal->count; i++)
        copy[i] = *journal_at(journal, i);
    register_chain_judge(meter, journal);
    for (uint32_t i = 0; i < journal->count; i++) {
        if (copy[i].quality != QUALITY_ESTIMATED && copy[i].chain != journal_at(journal, i)->chain)
            printf("differs %u %016" PRIx64 " %016" PRIx64 "\n", i, copy[i].chain,
                   journal_at(journal, i)->chain);
    }
}

/* Every cell from the base on is what it would be if all were projected again. */
static void check(const struct meter *meter, struct journal *journal)
{
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        struct chain_link link = chain_link_of(reading);
        printf("%" PRId64 " %" PRId64 " %d %d\n", reading->start_ms, reading->value, link.kept,
               link.booked);
    }
    restart(meter, journal);
    int128 sum = 0;
    int64_t first = journal->base_ms > 0 ? journal->base_ms / BUCKET_MS : 0;
    for (int64_t row = 0; row < CELLS; row++) {
        struct cell cell = cells[row];
        if (row >= first)
            projection_cell(&cell, meter, journal, row * BUCKET_MS, BUCKET_MS);
        if (!is_same(&cell, &cells[row]))
            printf("stale %" PRId64 " %" PRId64 "/%" PRId64 " %u/%u %u/%u %u/%u\n", row,
                   cell.activity, cells[row].activity, cell.covered_ms, cells[row].covered_ms,
                   cell.held_ms, cells[row].held_ms, cell.glitches, cells[row].glitches);
        sum += cell.activity;
    }
    printf("sum %" PRId64 " %" PRId64 "\n", (int64_t)sum, touched);
    (void)fflush(stdout);
}

static struct meter read_meter(const char *line, struct journal *journal)
{
    enum { RATE_MAX, MODULUS, RESTARTS, SIGNED, DIGIT, CAPACITY, COUNT };
    int64_t numbers[COUNT];
    read_numbers(line, numbers, COUNT);
    journal_init(journal, slots, (uint32_t)numbers[CAPACITY]);
    return (struct meter){.kind = KIND_REGISTER,
                          .cell_max = CELL_MAX,
                          .interval_ms = BUCKET_MS,
                          .rate_max = numbers[RATE_MAX],
                          .register_modulus = numbers[MODULUS],
                          .restarts = numbers[RESTARTS] != 0,
                          .negative = numbers[SIGNED] != 0,
                          .register_digit = numbers[DIGIT]};
}

int main(void)
{
    struct meter meter = {0};
    struct journal journal = {0};
    char line[200];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (strncmp(line, "meter ", 6) == 0) {
            meter = read_meter(line + 6, &journal);
            memset(cells, 0, sizeof(cells));
            touched = 0;
        } else if (strncmp(line, "restart", 7) == 0) {
            restart(&meter, &journal);
        } else if (strncmp(line, "end", 3) == 0) {
            check(&meter, &journal);
        } else {
            take(&meter, &journal, line);
        }
    }
    return 0;
}
