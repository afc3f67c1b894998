#include "pipelines/metering/stock_fates.h"

static bool is_dip(const struct journal *journal, uint32_t index)
{
    return journal_at(journal, index)->role == ROLE_DIP;
}

static uint32_t first_dip(const struct journal *journal)
{
    uint32_t i = 0;
    while (i < journal->count && !is_dip(journal, i))
        i++;
    return i;
}

/* Amounts of one balance. An amount at the time of the opening dip is in the one before. */
static void judge_amounts(struct reading_fate *fates, const struct journal *journal,
                          const struct stock_balance *balance)
{
    int64_t from_ms = journal_at(journal, balance->opening)->start_ms;
    int64_t to_ms = journal_at(journal, balance->closing)->start_ms;
    for (uint32_t i = balance->opening; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms > to_ms)
            break;
        if (reading->role == ROLE_DIP || reading->start_ms == from_ms)
            continue;
        fates[i].fate = FATE_IN_BALANCE;
        fates[i].before = balance->opening;
        fates[i].after = balance->closing;
    }
}

void stock_judge(struct reading_fate *fates_out, const struct journal *journal)
{
    for (uint32_t i = 0; i < journal->count; i++)
        fates_out[i].fate = is_dip(journal, i) ? FATE_BEGINS : FATE_WAITS;
    uint32_t opening = first_dip(journal);
    while (opening < journal->count) {
        uint32_t closing = stock_next_dip(journal, opening);
        if (closing == journal->count)
            return;
        struct stock_balance balance = stock_balance_of(journal, opening, closing);
        judge_amounts(fates_out, journal, &balance);
        struct reading_fate *fate = &fates_out[closing];
        fate->fate = balance.held ? FATE_HELD : FATE_COUNTS;
        fate->before = opening;
        fate->has_amount = true;
        fate->amount = balance.consumption;
        opening = closing;
    }
}

void stock_find_held(struct held_stretches *held_out, const struct journal *journal)
{
    uint32_t opening = first_dip(journal);
    while (opening < journal->count) {
        uint32_t closing = stock_next_dip(journal, opening);
        if (closing == journal->count)
            return;
        struct stock_balance balance = stock_balance_of(journal, opening, closing);
        int64_t from_ms = journal_at(journal, opening)->start_ms;
        int64_t to_ms = journal_at(journal, closing)->start_ms;
        if (balance.held)
            held_stretches_add(held_out, from_ms, to_ms, to_ms - from_ms, balance.consumption);
        opening = closing;
    }
}

bool stock_closes(struct stock_balance *balance_out, const struct journal *journal, uint32_t index)
{
    if (!is_dip(journal, index))
        return false;
    uint32_t opening = stock_dip_before(journal, journal_at(journal, index)->start_ms);
    if (opening == journal->count)
        return false;
    *balance_out = stock_balance_of(journal, opening, index);
    return true;
}

uint32_t stock_held_at(struct stock_balance held_out[2], const struct journal *journal,
                       int64_t time_ms)
{
    uint32_t count = 0;
    uint32_t opening = stock_dip_before(journal, time_ms);
    if (opening == journal->count)
        opening = first_dip(journal);
    while (opening < journal->count && journal_at(journal, opening)->start_ms <= time_ms &&
           count < 2) {
        uint32_t closing = stock_next_dip(journal, opening);
        if (closing == journal->count)
            break;
        held_out[count] = stock_balance_of(journal, opening, closing);
        count += held_out[count].held;
        opening = closing;
    }
    return count;
}
