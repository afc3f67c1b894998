#include "pipelines/metering/stock.h"

/* More than any stock can use between two dips, and within what a saved state can hold. */
#define BALANCE_MAX ((int128)4 * CELL_MAX)

static bool is_dip(const struct journal *journal, uint32_t index)
{
    return journal_at(journal, index)->role == ROLE_DIP;
}

static int64_t time_of(const struct journal *journal, uint32_t index)
{
    return journal_at(journal, index)->start_ms;
}

/* The last dip before the time, or journal->count. */
static uint32_t dip_before(const struct journal *journal, int64_t time_ms)
{
    for (uint32_t i = journal_find(journal, time_ms); i > 0; i--) {
        if (is_dip(journal, i - 1))
            return i - 1;
    }
    return journal->count;
}

/* The first dip at or after the time, or journal->count. */
static uint32_t dip_from(const struct journal *journal, int64_t time_ms)
{
    uint32_t i = journal_find(journal, time_ms);
    while (i < journal->count && !is_dip(journal, i))
        i++;
    return i;
}

static uint32_t dip_after(const struct journal *journal, uint32_t dip)
{
    return dip_from(journal, time_of(journal, dip) + 1);
}

static int128 signed_amount(const struct reading *reading)
{
    switch ((enum reading_role)reading->role) {
    case ROLE_READING:
        return reading->value;
    case ROLE_TRANSFER:
    case ROLE_CREDIT:
        return -(int128)reading->value;
    default:
        return 0;
    }
}

/* One stretch between neighbouring dips. */
struct balance {
    struct stretch stretch; /* in which it is booked */
    int64_t total, moved_ms;
    bool held, estimated;
};

static int128 balance_of(const struct journal *journal, uint32_t opening, uint32_t closing,
                         bool *estimated_out)
{
    const struct reading *first = journal_at(journal, opening);
    const struct reading *last = journal_at(journal, closing);
    int128 sum = (int128)first->value - last->value;
    bool estimated = first->quality == QUALITY_ESTIMATED || last->quality == QUALITY_ESTIMATED;
    for (uint32_t i = opening + 1; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms > last->start_ms)
            break;
        if (reading->start_ms == first->start_ms || reading->role == ROLE_DIP)
            continue;
        sum += signed_amount(reading);
        estimated |= reading->quality == QUALITY_ESTIMATED;
    }
    *estimated_out = estimated;
    return sum;
}

static bool is_held(int128 sum)
{
    return sum < 0 || sum > BALANCE_MAX;
}

/* The rest of the first stretch that closed windows did not book, if no open window is left for it:
 * the next stretch books it. */
static int64_t unbooked(const struct journal *journal)
{
    if (journal->count == 0 || journal->base_ms == INT64_MIN || !is_dip(journal, 0))
        return 0;
    uint32_t closing = dip_after(journal, 0);
    if (closing == journal->count || time_of(journal, closing) != journal->base_ms)
        return 0;
    bool estimated;
    int128 sum = balance_of(journal, 0, closing, &estimated);
    return is_held(sum) ? 0 : (int64_t)sum - journal->base_booked;
}

static struct balance balance_between(const struct journal *journal, uint32_t opening,
                                      uint32_t closing)
{
    struct balance balance = {.stretch = {time_of(journal, opening), time_of(journal, closing)}};
    int128 sum = balance_of(journal, opening, closing, &balance.estimated);
    balance.held = is_held(sum);
    if (!balance.held)
        balance.total = (int64_t)sum;
    if (opening == 0 && journal->base_ms >= balance.stretch.from_ms) {
        if (journal->base_booked == 0)
            balance.moved_ms = journal->base_ms - balance.stretch.from_ms;
        balance.stretch.from_ms = journal->base_ms;
        balance.total -= journal->base_booked;
    } else if (balance.stretch.from_ms == journal->base_ms) {
        balance.total += unbooked(journal);
    }
    return balance;
}

static void add_balance(struct cell_sum *sum, const struct balance *balance, struct stretch bucket)
{
    struct stretch part = stretch_common(balance->stretch, bucket);
    if (part.from_ms >= part.to_ms)
        return;
    if (balance->held) {
        sum->held_ms += part.to_ms - part.from_ms;
        sum->present = true;
        return;
    }
    sum->activity += stretch_piece(balance->total, balance->stretch, part);
    sum->spread_ms += part.to_ms - part.from_ms;
    sum->moved_ms += (int64_t)stretch_piece(balance->moved_ms, balance->stretch, part);
    cell_cover(sum, part, balance->estimated);
}

void stock_sum(struct cell_sum *sum, const struct journal *journal, struct stretch bucket)
{
    uint32_t opening = dip_before(journal, bucket.from_ms + 1);
    if (opening == journal->count)
        opening = dip_from(journal, bucket.from_ms);
    while (opening < journal->count && time_of(journal, opening) < bucket.to_ms) {
        uint32_t closing = dip_after(journal, opening);
        if (closing == journal->count)
            return;
        struct balance balance = balance_between(journal, opening, closing);
        add_balance(sum, &balance, bucket);
        opening = closing;
    }
}

struct stretch stock_changes(const struct journal *journal, int64_t time_ms, enum reading_role role,
                             int64_t floor_ms)
{
    struct stretch changes = {time_ms, time_ms};
    uint32_t opening = dip_before(journal, time_ms);
    uint32_t closing = dip_from(journal, time_ms + (role == ROLE_DIP));
    if (role != ROLE_DIP && (opening == journal->count || closing == journal->count))
        return changes;
    if (opening != journal->count)
        changes.from_ms = time_of(journal, opening);
    if (closing != journal->count && time_of(journal, closing) <= floor_ms)
        closing = dip_after(journal, closing);
    if (closing != journal->count)
        changes.to_ms = time_of(journal, closing);
    return changes;
}

bool stock_reaches_back(const struct journal *journal, int64_t floor_ms)
{
    return journal->count > 0 && time_of(journal, 0) < floor_ms;
}

int64_t stock_known_from(const struct journal *journal, int64_t floor_ms)
{
    uint32_t dip = dip_before(journal, floor_ms);
    return dip == journal->count ? floor_ms : time_of(journal, dip) + 1;
}

void stock_move_base(struct journal *journal, int64_t time_ms, int64_t floor_ms)
{
    if (journal->count == 0 || !is_dip(journal, 0) || time_of(journal, 0) >= floor_ms ||
        dip_before(journal, time_ms) != 0)
        return;
    int64_t from_ms = MAX(time_of(journal, 0), journal->base_ms);
    if (from_ms >= floor_ms)
        return;
    uint32_t closing = dip_after(journal, 0);
    if (closing < journal->count) {
        struct balance balance = balance_between(journal, 0, closing);
        if (!balance.held)
            journal->base_booked += (int64_t)stretch_piece(balance.total, balance.stretch,
                                                           (struct stretch){from_ms, floor_ms});
    }
    journal->base_ms = floor_ms;
}

void stock_forget(struct journal *journal, int64_t floor_ms)
{
    uint32_t first = dip_before(journal, floor_ms);
    if (first == journal->count)
        first = journal_find(journal, floor_ms);
    if (first == 0)
        return;
    bool next = first < journal->count && time_of(journal, first) == journal->base_ms;
    int64_t rest = next ? unbooked(journal) : 0;
    journal_drop_first(journal, first);
    if (rest != 0) {
        journal->base_ms = time_of(journal, 0);
        journal->base_booked = -rest;
    }
}
