#include "pipelines/metering/booking.h"

#include <sys/param.h>

#include "base/decimal.h"
#include "pipelines/metering/documents.h"
#include "pipelines/metering/intervals.h"
#include "pipelines/metering/register_chain.h"
#include "pipelines/metering/registers.h"
#include "pipelines/metering/stock.h"

static bool is_same_identity(const struct meter *meter, const struct reading *a,
                             const struct reading *b)
{
    return a->start_ms == b->start_ms && a->role == b->role &&
           (meter->kind != KIND_INTERVAL || (a->span_ms == b->span_ms && a->id_hash == b->id_hash));
}

/* The index of the reading with this identity, or where it belongs with *found_out false. */
static uint32_t find_identity(const struct meter *meter, const struct journal *journal,
                              const struct reading *reading, bool *found_out)
{
    uint32_t index = journal_find(journal, reading->start_ms);
    for (; index < journal->count; index++) {
        const struct reading *other = journal_at(journal, index);
        if (other->start_ms != reading->start_ms)
            break;
        *found_out = is_same_identity(meter, other, reading);
        if (*found_out || reading_is_before(reading, other))
            return index;
    }
    *found_out = false;
    return index;
}

/* Whether the new one of two values of one rank stays. */
static bool wins_conflict(const struct meter *meter, const struct reading *old,
                          const struct reading *reading)
{
    switch ((enum conflict_policy)meter->on_conflict) {
    case CONFLICT_LAST:
        return reading->offset >= old->offset; /* later in one message: it comes later */
    case CONFLICT_HOLD:
        return false;
    case CONFLICT_LARGER:
        return reading->value > old->value;
    }
    ASSERT(false);
    return false;
}

/* The same meter and time again: which of the two stays? */
static void judge_identity(struct booking *booking, const struct meter *meter,
                           const struct reading *old, const struct reading *reading)
{
    uint32_t old_rank = reading_rank(old);
    uint32_t new_rank = reading_rank(reading);
    booking->other_offset = old->offset;
    if (new_rank == old_rank && documents_are_same(reading, old)) {
        booking->outcome = OUTCOME_DUPLICATE;
        return;
    }
    booking->conflict = new_rank == old_rank;
    bool wins = booking->conflict ? wins_conflict(meter, old, reading) : new_rank > old_rank;
    enum outcome loser = booking->conflict && meter->on_conflict != CONFLICT_LAST
                             ? REJECT_CONFLICT
                             : OUTCOME_CORRECTED;
    if (wins)
        booking->displaced = loser;
    else
        booking->outcome = loser;
}

/* Whether as many readings of its size as the journal takes fit into one bucket. */
static bool is_small(const struct meter *meter, const struct journal *journal,
                     const struct reading *reading)
{
    int64_t size = reading->value < 0 ? -reading->value : reading->value;
    return ((int128)size + 1) * (journal->capacity + 1) <= meter->cell_max;
}

/* Whether a bucket that the reading touches could no longer be held, with the reading in place of
 * `same`, the one of its identity, or NULL. Only a very large reading can do that, so that the walk
 * over its neighbours is rare. */
static bool overflows(const struct meter *meter, const struct journal *journal,
                      const struct reading *reading, const struct reading *same, int64_t bucket_ms)
{
    if (meter->kind == KIND_REGISTER || meter->kind == KIND_GAUGE || meter->kind == KIND_STOCK ||
        is_small(meter, journal, reading))
        return false;
    int128 sum = reading->value < 0 ? -reading->value : reading->value;
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *other = journal_at(journal, i);
        if (other->start_ms > reading_end_ms(reading) + bucket_ms)
            break;
        if (other != same && reading_end_ms(other) >= reading->start_ms - bucket_ms)
            sum += other->value < 0 ? -other->value : other->value;
    }
    for (uint32_t i = 0; i < journal->aside_count; i++) { /* they may come back */
        const struct reading *other = journal_aside(journal, i);
        if (other->start_ms <= reading_end_ms(reading) + bucket_ms &&
            reading_end_ms(other) >= reading->start_ms - bucket_ms)
            sum += other->value < 0 ? -other->value : other->value;
    }
    return sum > meter->cell_max;
}

/* The index at which the reading keeps the order. */
static uint32_t place_of(const struct journal *journal, const struct reading *reading)
{
    uint32_t index = journal_find(journal, reading->start_ms);
    while (index < journal->count && reading_is_before(journal_at(journal, index), reading))
        index++;
    return index;
}

/* The cell of a document that stands at another time now. */
static void leave(struct booking *booking, const struct reading *reading)
{
    booking->left_from_ms = reading->start_ms;
    booking->left_to_ms = reading->start_ms + 1;
}

/* Neighbours tell: if no reading overlaps the next one, none overlaps any other. */
static void note_overlap(struct booking *booking, struct journal *journal, uint32_t index)
{
    const struct reading *reading = journal_at(journal, index);
    const struct reading *end = journal_at(journal, journal->count);
    if (index > 0 && reading_end_ms(reading - 1) > reading->start_ms) {
        journal->overlapping = true;
        booking->overlap = !intervals_agree(reading - 1, reading);
    }
    if (reading + 1 < end && reading[1].start_ms < reading_end_ms(reading)) {
        journal->overlapping = true;
        booking->overlap |= !intervals_agree(reading, reading + 1);
    }
}

/* A sample of a gauge changes the stretch from its predecessor to its successor. */
static void widen_to_neighbours(struct booking *booking, const struct meter *meter,
                                const struct journal *journal, uint32_t index)
{
    const struct reading *reading = journal_at(journal, index);
    booking->from_ms = booking->to_ms = reading->start_ms;
    if (index > 0) {
        const struct reading *before = journal_at(journal, index - 1);
        if (reading->start_ms - before->start_ms <= meter->hold_ms)
            booking->from_ms = before->start_ms;
    }
    if (index + 1 < journal->count) {
        const struct reading *after = journal_at(journal, index + 1);
        if (after->start_ms - reading->start_ms <= meter->hold_ms)
            booking->to_ms = after->start_ms;
    }
}

/* A sample that holds until the next one ends the one before it, and the next one ends it. */
static void widen_to_steps(struct booking *booking, const struct meter *meter,
                           const struct journal *journal, uint32_t index)
{
    const struct reading *sample = journal_at(journal, index);
    booking->from_ms = booking->to_ms = sample->start_ms;
    if (index > 0) {
        booking->from_ms = sample[-1].start_ms;
        booking->to_ms = MIN(sample->start_ms, sample[-1].start_ms + meter->hold_ms);
    }
    if (index + 1 < journal->count)
        booking->to_ms = MIN(sample[1].start_ms, sample->start_ms + meter->hold_ms);
}

/* A reading of a stock changes the balances between dips around it. */
static void widen_to_dips(struct booking *booking, const struct journal *journal,
                          const struct reading *reading, int64_t floor_ms)
{
    struct stretch changes =
        stock_changes(journal, reading->start_ms, (enum reading_role)reading->role, floor_ms);
    booking->from_ms = changes.from_ms;
    booking->to_ms = changes.to_ms;
}

/* The cells that the reading at `index` changes. */
static void touch_changed(struct booking *booking, const struct meter *meter,
                          const struct journal *journal, uint32_t index, int64_t floor_ms)
{
    const struct reading *reading = journal_at(journal, index);
    if (meter->step)
        widen_to_steps(booking, meter, journal, index);
    else if (meter->kind == KIND_GAUGE)
        widen_to_neighbours(booking, meter, journal, index);
    else if (meter->kind == KIND_STOCK)
        widen_to_dips(booking, journal, reading, floor_ms);
    else if (meter->kind != KIND_REGISTER)
        booking->to_ms = MAX(reading_end_ms(reading), reading->start_ms + 1);
}

/* The reading in force was met by another one of its identity and stays as it is. Its place in the
 * log is that of the last time its value was sent, so that what stood in between cannot win later.
 * That another value was there shows in the bucket in which it begins. */
static void keep_in_force(struct booking *booking, const struct meter *meter,
                          struct journal *journal, uint32_t index, const struct reading *reading,
                          int64_t bucket_ms)
{
    struct reading *old = journal_at(journal, index);
    bool sent_again = booking->outcome == OUTCOME_DUPLICATE &&
                      meter->on_conflict == CONFLICT_LAST && reading->offset > old->offset;
    bool flagged = booking->conflict && !old->conflict;
    if (sent_again)
        old->offset = reading->offset;
    old->conflict |= booking->conflict;
    if (sent_again || flagged)
        journal_changed(journal, old->start_ms);
    if (!flagged)
        return;
    struct booking touched = {.from_ms = old->start_ms, .to_ms = reading_end_ms(old)};
    touch_changed(&touched, meter, journal, index, INT64_MIN);
    touched.to_ms = MAX(touched.to_ms, old->start_ms + 1); /* the cell that counts the conflict */
    int64_t begins_ms = (int64_t)div_floor(old->start_ms, bucket_ms) * bucket_ms;
    booking->from_ms = MAX(touched.from_ms, begins_ms);
    booking->to_ms = MIN(touched.to_ms, begins_ms + bucket_ms);
    if (booking->to_ms < booking->from_ms)
        booking->to_ms = booking->from_ms;
}

/* Tells the overlaps of an interval, and which cells of others it changes. */
static void widen_to_overlaps(struct booking *booking, const struct meter *meter,
                              struct journal *journal, uint32_t index)
{
    note_overlap(booking, journal, index);
    if (!journal->overlapping)
        return;
    const struct reading *reading = journal_at(journal, index);
    struct stretch changed = intervals_changed(meter, journal, reading);
    booking->from_ms = changed.from_ms;
    booking->to_ms = changed.to_ms;
}

bool booking_reaches_back(const struct meter *meter, const struct journal *journal,
                          const struct reading *reading, int64_t floor_ms)
{
    if (meter->kind == KIND_INTERVAL)
        return reading->start_ms < journal->end_ms &&
               intervals_changed(meter, journal, reading).from_ms < floor_ms;
    if (meter->kind == KIND_STOCK)
        return stock_reaches_back(journal, floor_ms);
    if (meter->kind == KIND_REGISTER)
        return register_reaches_back(meter, journal, reading, floor_ms);
    if (meter->kind != KIND_GAUGE)
        return false;
    uint32_t index = journal_find(journal, reading->start_ms);
    return index > 0 && journal_at(journal, index - 1)->start_ms < floor_ms;
}

/* Enters a reading that is used: a reading that changes nothing has to leave every cell as it is.
 */
static void enter(struct journal *journal, uint32_t index, bool found,
                  const struct reading *reading)
{
    journal_changed(journal, reading->start_ms);
    if (found) {
        *journal_at(journal, index) = *reading;
        return;
    }
    int err = journal_insert(journal, index, reading);
    ASSERT(err == 0); /* there was room */
}

/* The cells that a register's chain changes. */
static void widen_to_chain(struct booking *booking, const struct journal *journal,
                           struct stretch changed)
{
    if (changed.from_ms >= changed.to_ms) /* a first reading changes nothing */
        return;
    booking->from_ms = MAX(changed.from_ms, journal->base_ms);
    booking->to_ms = MAX(changed.to_ms, booking->from_ms);
}

static void enter_register(struct booking *booking, const struct meter *meter,
                           struct journal *journal, const struct reading *reading, int64_t floor_ms,
                           struct stretch changed)
{
    bool found = false;
    uint32_t index = find_identity(meter, journal, reading, &found);
    register_enter(meter, journal, index, reading, floor_ms, &changed);
    widen_to_chain(booking, journal, changed);
    if (found) { /* the cell in which it is counts conflicts */
        booking->from_ms = MIN(booking->from_ms, reading->start_ms);
        booking->to_ms = MAX(booking->to_ms, reading->start_ms + 1);
    }
}

/* Puts a document in, in the place of those that it displaces. */
static void enter_document(struct booking *booking, struct journal *journal,
                           struct document_rivals displaced, const struct reading *reading)
{
    int64_t changed_ms = reading->start_ms;
    if (displaced.count > 0) {
        const struct reading old = *journal_at(journal, displaced.first);
        if (booking->displaced == OUTCOME_USED)
            booking->displaced = OUTCOME_CORRECTED;
        changed_ms = MIN(changed_ms, old.start_ms);
        journal_remove(journal, displaced.first, displaced.count);
        if (old.start_ms != reading->start_ms) {
            documents_leave(journal, &old);
            documents_return(journal, reading);
            leave(booking, &old);
        }
    }
    booking->to_ms = reading->start_ms + 1;
    journal_changed(journal, changed_ms);
    struct reading entered = *reading;
    entered.conflict |= booking->conflict;
    int err = journal_insert(journal, place_of(journal, reading), &entered);
    ASSERT(err == 0); /* there was room */
}

/* The same for an amount of a stock: it changes a balance, where it is and where it was. */
static void enter_amount(struct booking *booking, struct journal *journal,
                         struct document_rivals displaced, const struct reading *reading,
                         int64_t floor_ms)
{
    int64_t changed_ms = reading->start_ms;
    stock_move_base(journal, reading->start_ms, floor_ms);
    if (displaced.count > 0) {
        const struct reading old = *journal_at(journal, displaced.first);
        if (booking->displaced == OUTCOME_USED)
            booking->displaced = OUTCOME_CORRECTED;
        changed_ms = MIN(changed_ms, old.start_ms);
        stock_move_base(journal, old.start_ms, floor_ms);
        journal_remove(journal, displaced.first, displaced.count);
        struct stretch left =
            stock_changes(journal, old.start_ms, (enum reading_role)old.role, floor_ms);
        booking->left_from_ms = left.from_ms;
        booking->left_to_ms = old.conflict ? MAX(left.to_ms, old.start_ms + 1) : left.to_ms;
    }
    journal_changed(journal, changed_ms);
    struct reading entered = *reading;
    entered.conflict |= booking->conflict;
    int err = journal_insert(journal, place_of(journal, reading), &entered);
    ASSERT(err == 0); /* there was room */
    widen_to_dips(booking, journal, reading, floor_ms);
    if (entered.conflict) /* its bucket counts conflicts */
        booking->to_ms = MAX(booking->to_ms, reading->start_ms + 1);
    if (booking->left_from_ms == booking->from_ms && booking->left_to_ms == booking->to_ms)
        booking->left_from_ms = booking->left_to_ms; /* within one balance nothing else changes */
}

static bool is_outranked(enum outcome outcome)
{
    return outcome == OUTCOME_CORRECTED || outcome == REJECT_CONFLICT;
}

static void book_document(struct booking *booking, const struct meter *meter,
                          struct journal *journal, const struct reading *reading, int64_t bucket_ms,
                          int64_t floor_ms)
{
    bool stock = meter->kind == KIND_STOCK;
    struct document_rivals rivals =
        documents_find(journal, reading, stock ? stock_known_from(journal, floor_ms) : floor_ms);
    const struct reading *old = rivals.count > 0 ? journal_at(journal, rivals.first) : NULL;
    bool moves = old != NULL && old->start_ms != reading->start_ms;
    bool displaces = reading->id_hash != 0 && old != NULL;
    if (overflows(meter, journal, reading, old, bucket_ms))
        booking->outcome = REJECT_VALUE_RANGE;
    else if (displaces)
        judge_identity(booking, meter, old, reading);
    else
        booking->outcome = documents_judge(journal, rivals, reading, &displaces);
    if (booking->outcome == OUTCOME_USED && (moves || !displaces) && journal_is_full(journal))
        booking->outcome = REJECT_JOURNAL_FULL;
    if (booking->outcome == OUTCOME_USED) {
        if (!displaces)
            rivals.count = 0;
        if (stock)
            enter_amount(booking, journal, rivals, reading, floor_ms);
        else
            enter_document(booking, journal, rivals, reading);
        return;
    }
    if (reading->id_hash != 0 && old != NULL && booking->outcome != REJECT_VALUE_RANGE &&
        booking->outcome != REJECT_JOURNAL_FULL)
        keep_in_force(booking, meter, journal, rivals.first, reading, bucket_ms);
    if (!stock && moves && is_outranked(booking->outcome) && !journal_is_full(journal) &&
        documents_leave(journal, reading))
        leave(booking, reading); /* as if it had come before the one that stays */
}

/* Whether the journal takes one more reading; that of a register gives up old ones for it. */
static bool find_room(const struct meter *meter, struct journal *journal,
                      const struct reading *reading, int64_t floor_ms, struct stretch *changed)
{
    if (meter->kind == KIND_REGISTER && (journal_is_full(journal) || !booking_has_room(journal)))
        register_make_room(meter, journal, floor_ms, changed);
    return !journal_is_full(journal) && (reading->role != ROLE_FINAL || booking_has_room(journal));
}

void booking_add(struct booking *booking_out, const struct meter *meter, struct journal *journal,
                 const struct reading *reading, int64_t bucket_ms, int64_t floor_ms)
{
    ASSERT(meter->kind == KIND_INTERVAL || reading->span_ms == 0);
    ASSERT(meter->kind == KIND_INTERVAL || reading->start_ms >= floor_ms || /* it is not late, */
           (meter->kind == KIND_STOCK && /* or was dropped, and comes back */
            reading->start_ms >= stock_known_from(journal, floor_ms)));
    struct booking booking = {.outcome = OUTCOME_USED,
                              .displaced = OUTCOME_USED,
                              .from_ms = reading->start_ms,
                              .to_ms = reading->start_ms};
    if (document_is(meter, reading)) {
        book_document(&booking, meter, journal, reading, bucket_ms, floor_ms);
        *booking_out = booking;
        return;
    }
    struct stretch changed = {0, 0};
    bool found = false;
    uint32_t index = find_identity(meter, journal, reading, &found);
    const struct reading *same = found ? journal_at(journal, index) : NULL;
    if (overflows(meter, journal, reading, same, bucket_ms))
        booking.outcome = REJECT_VALUE_RANGE;
    else if (found)
        judge_identity(&booking, meter, same, reading);
    else if (!find_room(meter, journal, reading, floor_ms, &changed))
        booking.outcome = REJECT_JOURNAL_FULL;
    struct reading entered = *reading;
    entered.conflict |= booking.conflict;
    if (booking.outcome == OUTCOME_USED && meter->kind == KIND_REGISTER) {
        enter_register(&booking, meter, journal, &entered, floor_ms, changed);
    } else if (booking.outcome == OUTCOME_USED) {
        int64_t others_end_ms = journal->end_ms;
        if (meter->kind == KIND_STOCK)
            stock_move_base(journal, reading->start_ms, floor_ms);
        else if (meter->kind == KIND_INTERVAL)
            intervals_move_base(meter, journal, reading, floor_ms);
        enter(journal, index, found, &entered);
        touch_changed(&booking, meter, journal, index, floor_ms);
        if (found) /* the cell in which it begins counts conflicts */
            booking.to_ms = MAX(booking.to_ms, reading->start_ms + 1);
        if (meter->kind == KIND_INTERVAL && reading->start_ms < others_end_ms)
            widen_to_overlaps(&booking, meter, journal, index);
        booking.overlap &= !found; /* told when the first of its identity came */
    } else if (found && booking.outcome != REJECT_VALUE_RANGE) {
        keep_in_force(&booking, meter, journal, index, reading, bucket_ms);
    }
    *booking_out = booking;
}

bool booking_make_room(struct booking *booking, const struct meter *meter, struct journal *journal,
                       int64_t floor_ms)
{
    struct stretch changed = {0, 0};
    if (meter->kind == KIND_REGISTER && !booking_has_room(journal))
        register_make_room(meter, journal, floor_ms, &changed);
    widen_to_chain(booking, journal, changed);
    return booking_has_room(journal);
}

void booking_remove(struct booking *booking_out, const struct meter *meter, struct journal *journal,
                    uint32_t index, int64_t floor_ms)
{
    const struct reading gone = *journal_at(journal, index);
    struct booking booking = {.outcome = OUTCOME_USED,
                              .displaced = OUTCOME_USED,
                              .from_ms = gone.start_ms,
                              .to_ms = gone.start_ms};
    if (meter->kind == KIND_REGISTER) {
        struct stretch changed = {0, 0};
        register_leave(meter, journal, index, floor_ms, &changed);
        widen_to_chain(&booking, journal, changed);
    } else {
        touch_changed(&booking, meter, journal, index, floor_ms);
        if (meter->kind == KIND_INTERVAL) {
            intervals_move_base(meter, journal, &gone, floor_ms);
            struct stretch changed = intervals_changed(meter, journal, &gone);
            booking.from_ms = changed.from_ms;
            booking.to_ms = changed.to_ms;
        }
        if (meter->kind == KIND_STOCK)
            stock_move_base(journal, gone.start_ms, floor_ms);
        journal_changed(journal, gone.start_ms);
        journal_remove(journal, index, 1);
    }
    booking.from_ms = MIN(booking.from_ms, gone.start_ms); /* its bucket counts conflicts */
    booking.to_ms = MAX(booking.to_ms, gone.start_ms + 1);
    *booking_out = booking;
}

/* An interval behind all others: it overlaps none, and is no correction. */
static bool follows(const struct meter *meter, const struct journal *journal,
                    const struct reading *reading)
{
    return reading->role == ROLE_READING && reading->start_ms >= journal->end_ms &&
           is_small(meter, journal, reading);
}

bool booking_add_next(struct booking *booking_out, const struct meter *meter,
                      struct journal *journal, const struct reading *reading, int64_t floor_ms)
{
    if (!booking_has_room(journal))
        return false;
    int64_t from_ms = reading->start_ms;
    if (meter->kind == KIND_REGISTER && register_enter_next(meter, journal, reading, floor_ms))
        from_ms = MAX(journal_at(journal, journal->count - 2)->start_ms, journal->base_ms);
    else if (meter->kind == KIND_INTERVAL && follows(meter, journal, reading))
        journal_append(journal, reading);
    else
        return false;
    *booking_out = (struct booking){.outcome = OUTCOME_USED,
                                    .displaced = OUTCOME_USED,
                                    .from_ms = from_ms,
                                    .to_ms = reading_end_ms(reading)};
    return true;
}

void booking_forget(const struct meter *meter, struct journal *journal, int64_t floor_ms)
{
    if (floor_ms > journal->forgotten_ms) {
        journal->forgotten_ms = floor_ms;
        journal->changed = true;
    }
    if (meter->kind == KIND_REGISTER) /* when its readings go decides the log alone */
        return;
    if (meter->kind == KIND_INTERVAL) {
        intervals_forget(meter, journal, floor_ms);
        return;
    }
    if (meter->kind == KIND_STOCK) {
        stock_forget(journal, floor_ms);
        return;
    }
    uint32_t open = journal_find(journal, floor_ms);
    uint32_t kept = meter->kind == KIND_DELIVERY ? 0 : 1; /* the base of what follows */
    if (open > kept)
        journal_drop_first(journal, open - kept);
}
