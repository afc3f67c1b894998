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

uint32_t stock_dip_before(const struct journal *journal, int64_t time_ms)
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

uint32_t stock_next_dip(const struct journal *journal, uint32_t dip)
{
    return dip_from(journal, time_of(journal, dip) + 1);
}

static void add_amount(struct stock_balance *balance, const struct reading *reading)
{
    switch ((enum reading_role)reading->role) {
    case ROLE_READING:
        balance->delivered += reading->value;
        break;
    case ROLE_TRANSFER:
        balance->transferred += reading->value;
        break;
    case ROLE_CREDIT:
        balance->credited += reading->value;
        break;
    default:
        break;
    }
}

struct stock_balance stock_balance_of(const struct journal *journal, uint32_t opening,
                                      uint32_t closing)
{
    const struct reading *first = journal_at(journal, opening);
    const struct reading *last = journal_at(journal, closing);
    struct stock_balance balance = {.opening = opening, .closing = closing};
    balance.estimated = first->quality == QUALITY_ESTIMATED || last->quality == QUALITY_ESTIMATED;
    for (uint32_t i = opening + 1; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms > last->start_ms)
            break;
        if (reading->start_ms == first->start_ms || reading->role == ROLE_DIP)
            continue;
        add_amount(&balance, reading);
        balance.estimated |= reading->quality == QUALITY_ESTIMATED;
    }
    int128 sum = (int128)first->value + balance.delivered - balance.transferred - balance.credited -
                 last->value;
    balance.held = sum < 0 || sum > BALANCE_MAX;
    balance.consumption = (int64_t)MAX(MIN(sum, BALANCE_SIZE_MAX), -BALANCE_SIZE_MAX);
    return balance;
}

/* One stretch between neighbouring dips. */
struct balance {
    struct stretch stretch; /* in which it is booked */
    int64_t total, moved_ms;
    bool held, estimated;
};

/* The rest of the first stretch that closed windows did not book, if no open window is left for it:
 * the next stretch books it. */
static int64_t unbooked(const struct journal *journal)
{
    if (journal->count == 0 || journal->base_ms == INT64_MIN || !is_dip(journal, 0))
        return 0;
    uint32_t closing = stock_next_dip(journal, 0);
    if (closing == journal->count || time_of(journal, closing) != journal->base_ms)
        return 0;
    struct stock_balance balance = stock_balance_of(journal, 0, closing);
    return balance.held ? 0 : balance.consumption - journal->base_booked;
}

static struct balance balance_between(const struct journal *journal, uint32_t opening,
                                      uint32_t closing)
{
    struct balance balance = {.stretch = {time_of(journal, opening), time_of(journal, closing)}};
    struct stock_balance whole = stock_balance_of(journal, opening, closing);
    balance.estimated = whole.estimated;
    balance.held = whole.held;
    balance.total = whole.held ? 0 : whole.consumption;
    if (opening == 0 && journal->base_ms >= balance.stretch.from_ms) {
        if (journal->base_booked == 0 || journal->base_accrued)
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

/* --- behind the last dip --- */

/* The rate at which the stretch up to a dip was used. */
static struct stock_rate rate_before(const struct journal *journal, uint32_t dip)
{
    uint32_t opening = stock_dip_before(journal, time_of(journal, dip));
    if (opening == journal->count)
        return dip == 0 ? journal->dip_rate : (struct stock_rate){0};
    struct stock_balance balance = stock_balance_of(journal, opening, dip);
    return (struct stock_rate){balance.held ? STOCK_RATE_HELD : balance.consumption,
                               time_of(journal, dip) - time_of(journal, opening)};
}

/* The time of the first dip that was dropped; INT64_MAX without such a dip. */
static int64_t first_dropped(const struct journal *journal)
{
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        if (journal_aside(journal, i)->role == ROLE_DIP)
            return journal_aside(journal, i)->start_ms;
    }
    return INT64_MAX;
}

struct stock_accrual stock_accrual_of(const struct journal *journal)
{
    struct stock_accrual accrual = {.from_ms = journal->told_ms};
    if (journal->accrued_ms == INT64_MIN)
        return accrual;
    uint32_t dip = stock_dip_before(journal, INT64_MAX);
    if (dip == journal->count)
        return accrual;
    accrual.from_ms = time_of(journal, dip);
    accrual.rate = rate_before(journal, dip);
    if (accrual.rate.amount == STOCK_RATE_HELD)
        accrual.rate = (struct stock_rate){0};
    return accrual;
}

/* From when on cells may have a part; INT64_MAX: none has. A dip that was dropped may have had one,
 * in whichever order the two came. */
static int64_t told_from(const struct journal *journal, const struct stock_accrual *accrual)
{
    if (accrual->rate.span_ms > 0)
        return accrual->from_ms;
    int64_t dropped_ms = first_dropped(journal);
    uint32_t dip = stock_dip_before(journal, INT64_MAX);
    return dropped_ms == INT64_MAX || dip == journal->count ? dropped_ms : time_of(journal, dip);
}

struct stretch stock_accrual_changed(struct journal *journal, struct stock_accrual before)
{
    struct stretch changed = {INT64_MAX, journal->accrued_ms};
    if (journal->accrued_ms == INT64_MIN)
        return changed;
    struct stock_accrual now = stock_accrual_of(journal);
    int64_t told_ms = told_from(journal, &now);
    if (told_ms < journal->told_ms) {
        journal->told_ms = changed.from_ms = told_ms;
        journal->changed = true;
    }
    if (now.from_ms == before.from_ms && now.rate.amount == before.rate.amount &&
        now.rate.span_ms == before.rate.span_ms)
        return changed;
    if (now.rate.span_ms > 0)
        changed.from_ms = MIN(changed.from_ms, now.from_ms);
    if (before.rate.span_ms > 0)
        changed.from_ms = MIN(changed.from_ms, before.from_ms);
    return changed;
}

/* The consumption up to an instant: one running sum, which a wild rate does not carry beyond what a
 * balance can be. */
static int128 accrued_until(const struct stock_accrual *accrual, int64_t time_ms)
{
    int128 sum = div_floor((int128)accrual->rate.amount * (time_ms - accrual->from_ms),
                           accrual->rate.span_ms);
    return MIN(sum, BALANCE_MAX);
}

/* The part of [from_ms, to_ms) in which it accrues, and how much in it. */
static int64_t accrued_within(const struct journal *journal, const struct stock_accrual *accrual,
                              struct stretch *part)
{
    *part = stretch_common(*part, (struct stretch){accrual->from_ms, journal->accrued_ms});
    if (part->from_ms >= part->to_ms || accrual->rate.span_ms == 0)
        return 0;
    return (int64_t)(accrued_until(accrual, part->to_ms) - accrued_until(accrual, part->from_ms));
}

static void add_accrual(struct cell_sum *sum, const struct journal *journal, struct stretch bucket)
{
    struct stretch told =
        stretch_common(bucket, (struct stretch){journal->told_ms, journal->accrued_ms});
    sum->present |= told.from_ms < told.to_ms;
    struct stock_accrual accrual = stock_accrual_of(journal);
    struct stretch part = bucket;
    int64_t amount = accrued_within(journal, &accrual, &part);
    if (part.from_ms >= part.to_ms || accrual.rate.span_ms == 0)
        return;
    sum->activity += amount;
    sum->spread_ms += part.to_ms - part.from_ms;
    cell_cover(sum, part, true);
}

/* --- cells --- */

static void sum_balances(struct cell_sum *sum, const struct journal *journal, struct stretch bucket)
{
    uint32_t opening = stock_dip_before(journal, bucket.from_ms + 1);
    if (opening == journal->count)
        opening = dip_from(journal, bucket.from_ms);
    while (opening < journal->count && time_of(journal, opening) < bucket.to_ms) {
        uint32_t closing = stock_next_dip(journal, opening);
        if (closing == journal->count)
            return;
        struct balance balance = balance_between(journal, opening, closing);
        add_balance(sum, &balance, bucket);
        opening = closing;
    }
}

void stock_sum(struct cell_sum *sum, const struct journal *journal, struct stretch bucket)
{
    sum_balances(sum, journal, bucket);
    if (bucket.from_ms < journal->accrued_ms)
        add_accrual(sum, journal, bucket);
}

struct stretch stock_changes(const struct journal *journal, int64_t time_ms, enum reading_role role,
                             int64_t floor_ms)
{
    struct stretch changes = {time_ms, time_ms};
    uint32_t opening = stock_dip_before(journal, time_ms);
    uint32_t closing = dip_from(journal, time_ms + (role == ROLE_DIP));
    if (role != ROLE_DIP && (opening == journal->count || closing == journal->count))
        return changes;
    if (opening != journal->count)
        changes.from_ms = time_of(journal, opening);
    if (closing != journal->count && time_of(journal, closing) <= floor_ms)
        closing = stock_next_dip(journal, closing);
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
    uint32_t dip = stock_dip_before(journal, floor_ms);
    return dip == journal->count ? floor_ms : time_of(journal, dip) + 1;
}

void stock_move_base(struct journal *journal, int64_t time_ms, int64_t floor_ms)
{
    if (journal->count == 0 || !is_dip(journal, 0) || time_of(journal, 0) >= floor_ms ||
        stock_dip_before(journal, time_ms) != 0)
        return;
    int64_t from_ms = MAX(time_of(journal, 0), journal->base_ms);
    if (from_ms >= floor_ms)
        return;
    struct stretch closed = {from_ms, floor_ms};
    uint32_t closing = stock_next_dip(journal, 0);
    if (closing < journal->count) {
        struct balance balance = balance_between(journal, 0, closing);
        if (!balance.held) {
            journal->base_booked += (int64_t)stretch_piece(balance.total, balance.stretch, closed);
            journal->base_accrued = false;
        }
    } else {
        struct stock_accrual accrual = stock_accrual_of(journal);
        journal->base_booked += accrued_within(journal, &accrual, &closed);
        journal->base_accrued |= closed.from_ms < closed.to_ms && accrual.rate.span_ms > 0;
    }
    journal->base_ms = floor_ms;
}

void stock_keep_closed(struct journal *journal, int64_t floor_ms)
{
    if (journal->count > 0)
        stock_move_base(journal, time_of(journal, 0) + 1, floor_ms);
}

void stock_forget(struct journal *journal, int64_t floor_ms)
{
    uint32_t first = stock_dip_before(journal, floor_ms);
    if (first == journal->count)
        first = journal_find(journal, floor_ms);
    if (first == 0)
        return;
    bool next = first < journal->count && time_of(journal, first) == journal->base_ms;
    int64_t rest = next ? unbooked(journal) : 0;
    struct stock_rate rate = {0};
    if (first < journal->count && is_dip(journal, first))
        rate = rate_before(journal, first);
    journal_drop_first(journal, first);
    journal->dip_rate = rate;
    if (rest != 0) {
        journal->base_ms = time_of(journal, 0);
        journal->base_booked = -rest;
    }
}
