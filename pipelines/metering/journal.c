#include "pipelines/metering/journal.h"

#include <string.h>
#include <sys/param.h>

void journal_init(struct journal *journal, struct reading *slots, uint32_t capacity)
{
    *journal = (struct journal){.slots = slots,
                                .capacity = capacity,
                                .base_ms = INT64_MIN,
                                .forgotten_ms = INT64_MIN,
                                .saved_forgotten_ms = INT64_MIN,
                                .changed_ms = INT64_MAX,
                                .accrued_ms = INT64_MIN,
                                .told_ms = INT64_MAX,
                                .end_ms = INT64_MIN};
}

/* Steps back from the newest reading double: what is asked for is mostly new, and so few lines of
 * memory are read. */
uint32_t journal_find(const struct journal *journal, int64_t time_ms)
{
    uint32_t low = journal->count;
    uint32_t high = low; /* a reading there starts at or after time_ms */
    for (uint32_t step = 1; low > 0; step *= 2) {
        low -= MIN(step, low);
        if (journal_at(journal, low)->start_ms < time_ms) {
            low++;
            break;
        }
        high = low;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (journal_at(journal, middle)->start_ms < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The slot behind the newest reading; there is room. */
static void free_next_slot(struct journal *journal)
{
    if (journal->head + journal->count < journal->capacity - journal->aside_count)
        return;
    memmove(journal->slots, journal->slots + journal->head,
            journal->count * sizeof(*journal->slots));
    journal->head = 0;
}

/* Puts a reading into its slot. */
static void fill(struct journal *journal, struct reading *slot, const struct reading *reading)
{
    *slot = *reading;
    journal->count++;
    journal->longest_ms = MAX(journal->longest_ms, (int64_t)reading->span_ms);
    journal->end_ms = MAX(journal->end_ms, reading_end_ms(reading));
}

int journal_insert(struct journal *journal, uint32_t index, const struct reading *reading)
{
    ASSERT(index <= journal->count);
    if (journal_is_full(journal))
        return ERR_FULL;
    free_next_slot(journal);
    struct reading *slot = journal_at(journal, index);
    ASSERT(index == 0 || slot[-1].start_ms <= reading->start_ms);
    ASSERT(index == journal->count || reading->start_ms <= slot->start_ms);
    memmove(slot + 1, slot, (journal->count - index) * sizeof(*slot));
    fill(journal, slot, reading);
    return 0;
}

void journal_append(struct journal *journal, const struct reading *reading)
{
    ASSERT(!journal_is_full(journal));
    free_next_slot(journal);
    struct reading *slot = journal_at(journal, journal->count);
    ASSERT(journal->count == 0 || slot[-1].start_ms <= reading->start_ms);
    fill(journal, slot, reading);
    journal_changed(journal, reading->start_ms);
}

void journal_remove(struct journal *journal, uint32_t first, uint32_t count)
{
    ASSERT(first + count <= journal->count);
    uint32_t behind = journal->count - first - count;
    struct reading *gone = journal_at(journal, first);
    memmove(gone, gone + count, behind * sizeof(*gone));
    journal->count -= count;
}

int journal_put_aside(struct journal *journal, const struct reading *reading)
{
    if (journal_is_full(journal))
        return ERR_FULL;
    free_next_slot(journal);
    uint32_t index = 0;
    while (index < journal->aside_count &&
           reading_is_before(journal_aside(journal, index), reading))
        index++;
    struct reading *first = journal_aside(journal, 0);
    memmove(first - 1, first, index * sizeof(*first));
    first[(int64_t)index - 1] = *reading;
    journal->aside_count++;
    journal->changed = true;
    return 0;
}

void journal_take_aside(struct journal *journal, uint32_t index)
{
    ASSERT(index < journal->aside_count);
    struct reading *first = journal_aside(journal, 0);
    memmove(first + 1, first, index * sizeof(*first));
    journal->aside_count--;
    journal->changed = true;
}

void journal_changed(struct journal *journal, int64_t start_ms)
{
    journal->changed = true;
    journal->changed_ms = MIN(journal->changed_ms, start_ms);
}

void journal_saved(struct journal *journal)
{
    journal->changed = false;
    journal->past_changed = false;
    journal->changed_ms = INT64_MAX;
    journal->saved_forgotten_ms = journal->forgotten_ms;
}

void journal_drop_first(struct journal *journal, uint32_t count)
{
    ASSERT(count <= journal->count);
    journal->changed |= count > 0;
    journal->head += count;
    journal->count -= count;
    if (count > 0) {
        journal->base_ms = INT64_MIN;
        journal->base_booked = 0;
        journal->base_accrued = false;
        journal->dip_rate = (struct stock_rate){0};
    }
    if (journal->count == 0) {
        journal->head = 0;
        journal->overlapping = false;
        journal->longest_ms = 0;
        journal->end_ms = INT64_MIN;
    }
}

void journal_drop_ended(struct journal *journal, int64_t end_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading_end_ms(reading) > end_ms)
            *journal_at(journal, kept++) = *reading;
        else if (kept > 0)
            journal_changed(journal, reading->start_ms); /* not from the front */
    }
    journal->changed |= kept < journal->count;
    journal->count = kept;
    if (kept == 0) {
        journal->overlapping = false;
        journal->longest_ms = 0;
        journal->end_ms = INT64_MIN;
    }
}

void journal_check(const struct journal *journal, uint32_t first)
{
    ASSERT(journal->head + journal->count + journal->aside_count <= journal->capacity);
    for (uint32_t i = 1; i < journal->aside_count; i++)
        ASSERT(reading_is_before(journal_aside(journal, i - 1), journal_aside(journal, i)));
    ASSERT(journal->changed || journal->changed_ms == INT64_MAX);
    ASSERT(journal->base_ms != INT64_MIN || (journal->base_booked == 0 && !journal->base_accrued));
    ASSERT(journal->saved_forgotten_ms <= journal->forgotten_ms);
    int64_t end_ms = INT64_MIN;
    for (uint32_t i = first; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        ASSERT(i == first || reading_is_before(reading - 1, reading));
        ASSERT(journal->overlapping || reading->start_ms >= end_ms);
        ASSERT((int64_t)reading->span_ms <= journal->longest_ms);
        ASSERT(reading_end_ms(reading) <= journal->end_ms);
        end_ms = MAX(end_ms, reading_end_ms(reading));
    }
}
