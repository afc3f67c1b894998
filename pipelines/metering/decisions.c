#include "pipelines/metering/decisions.h"

#include "pipelines/metering/documents.h"
#include "pipelines/metering/stock.h"

#define NO_ENTRY UINT32_MAX

static bool is_decision(const struct reading *entry)
{
    return entry->role == ROLE_DECISION;
}

/* An exchange is two readings, and one thing to decide on. */
static enum reading_role subject_of(const struct reading *entry)
{
    if (is_decision(entry))
        return decision_role(entry->value);
    return entry->role == ROLE_INITIAL ? ROLE_FINAL : (enum reading_role)entry->role;
}

/* The id of documents and of lines of a bill. In the journal of a register the field is something
 * else. */
static uint64_t id_of(const struct meter *meter, const struct reading *entry)
{
    bool has_none = meter->kind == KIND_REGISTER || subject_of(entry) == ROLE_DIP;
    return has_none ? 0 : entry->id_hash;
}

/* Whether two entries, readings or decisions, are of one identity. A document with an id is the
 * same one at any time. */
static bool is_same_subject(const struct meter *meter, const struct reading *a,
                            const struct reading *b)
{
    bool by_id = id_of(meter, a) != 0 && meter->kind != KIND_INTERVAL;
    return subject_of(a) == subject_of(b) && id_of(meter, a) == id_of(meter, b) &&
           (by_id || (a->start_ms == b->start_ms && a->span_ms == b->span_ms));
}

static uint32_t find_decision(const struct meter *meter, const struct journal *journal,
                              const struct reading *entry)
{
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        const struct reading *other = journal_aside(journal, i);
        if (is_decision(other) && is_same_subject(meter, other, entry))
            return i;
    }
    return NO_ENTRY;
}

const struct reading *decisions_find(const struct meter *meter, const struct journal *journal,
                                     const struct reading *reading)
{
    uint32_t index = find_decision(meter, journal, reading);
    if (index == NO_ENTRY)
        return NULL;
    const struct reading *decision = journal_aside(journal, index);
    return reading_rank(reading) <= reading_rank(decision) ? decision : NULL;
}

int64_t decisions_reach_from(const struct meter *meter, const struct journal *journal,
                             int64_t floor_ms)
{
    return meter->kind == KIND_STOCK ? stock_known_from(journal, floor_ms) : floor_ms;
}

void decisions_mark(const struct meter *meter, struct journal *journal)
{
    if (meter->kind != KIND_REGISTER || journal->aside_count == 0)
        return;
    for (uint32_t i = 0; i < journal->count; i++)
        journal_at(journal, i)->accepted =
            decisions_find(meter, journal, journal_at(journal, i)) != NULL;
}

/* --- cells of readings that are set aside --- */

/* The neighbours of an instant, and the first and last reading of all; INT64_MIN and INT64_MAX
 * stand for no reading. */
struct neighbours {
    struct stretch near, all;
};

/* The entries between which a reading has its part. Estimates of a register give way. */
static bool is_neighbour(const struct meter *meter, const struct reading *entry)
{
    if (meter->kind == KIND_STOCK)
        return entry->role == ROLE_DIP;
    return meter->kind != KIND_REGISTER || entry->quality != QUALITY_ESTIMATED;
}

static void approach(struct neighbours *found, const struct meter *meter,
                     const struct reading *entry, int64_t time_ms)
{
    bool near = is_neighbour(meter, entry);
    if (is_decision(entry))
        return;
    if (entry->start_ms < time_ms) {
        found->all.from_ms = MIN(found->all.from_ms, entry->start_ms);
        found->near.from_ms =
            near ? MAX(found->near.from_ms, entry->start_ms) : found->near.from_ms;
    }
    if (entry->start_ms > time_ms) {
        found->all.to_ms = MAX(found->all.to_ms, entry->start_ms);
        found->near.to_ms = near ? MIN(found->near.to_ms, entry->start_ms) : found->near.to_ms;
    }
}

static struct neighbours find_neighbours(const struct meter *meter, const struct journal *journal,
                                         int64_t time_ms)
{
    struct neighbours found = {{INT64_MIN, INT64_MAX}, {time_ms, time_ms}};
    for (uint32_t i = 0; i < journal->aside_count; i++)
        approach(&found, meter, journal_aside(journal, i), time_ms);
    uint32_t index = journal_find(journal, time_ms);
    for (uint32_t i = index; i > 0 && journal_at(journal, i - 1)->start_ms > found.near.from_ms;
         i--)
        approach(&found, meter, journal_at(journal, i - 1), time_ms);
    for (uint32_t i = index;
         i < journal->count && journal_at(journal, i)->start_ms < found.near.to_ms; i++)
        approach(&found, meter, journal_at(journal, i), time_ms);
    return found;
}

/* The time between the neighbours of an instant, among all readings, dropped or not. An end without
 * a neighbour, or farther from a gauge's sample than it holds, is the instant. */
static struct stretch between_neighbours(const struct meter *meter, const struct journal *journal,
                                         int64_t time_ms)
{
    struct neighbours found = find_neighbours(meter, journal, time_ms);
    struct stretch between = found.near;
    bool line = meter->kind == KIND_GAUGE && !meter->step;
    bool estimates = meter->kind == KIND_REGISTER; /* they count where nothing was measured */
    if (between.from_ms == INT64_MIN)
        between.from_ms = estimates ? found.all.from_ms : time_ms;
    if (between.to_ms == INT64_MAX)
        between.to_ms = estimates ? found.all.to_ms : time_ms;
    else if (meter->step)
        between.to_ms = MIN(between.to_ms, time_ms + meter->hold_ms);
    if (line && time_ms - between.from_ms > meter->hold_ms)
        between.from_ms = time_ms;
    if (line && between.to_ms - time_ms > meter->hold_ms)
        between.to_ms = time_ms;
    return between;
}

/* The time in which a reading has a part, or may have. */
static struct stretch part_of(const struct meter *meter, const struct journal *journal,
                              const struct reading *entry)
{
    if (meter->kind == KIND_INTERVAL)
        return (struct stretch){entry->start_ms, reading_end_ms(entry)};
    if (meter->kind == KIND_DELIVERY || (meter->kind == KIND_STOCK && entry->role != ROLE_DIP))
        return (struct stretch){entry->start_ms, entry->start_ms + 1};
    return between_neighbours(meter, journal, entry->start_ms);
}

/* The same, and the bucket that counts it as a conflict. */
static struct stretch cells_of(const struct meter *meter, const struct journal *journal,
                               const struct reading *entry)
{
    struct stretch part = part_of(meter, journal, entry);
    if (meter->step) /* the sample before it lasts longer now */
        part.from_ms = entry->start_ms;
    if (entry->conflict)
        part.to_ms = MAX(part.to_ms, entry->start_ms + 1);
    return part;
}

bool decisions_touch(const struct meter *meter, const struct journal *journal,
                     struct stretch bucket)
{
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        const struct reading *entry = journal_aside(journal, i);
        if (is_decision(entry))
            continue;
        struct stretch part = stretch_common(cells_of(meter, journal, entry), bucket);
        if (part.from_ms < part.to_ms)
            return true;
    }
    return false;
}

struct stretch decisions_extent(const struct meter *meter, const struct journal *journal)
{
    struct stretch extent = {INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        const struct reading *entry = journal_aside(journal, i);
        if (is_decision(entry))
            continue;
        struct stretch cells = cells_of(meter, journal, entry);
        extent.from_ms = MIN(extent.from_ms, cells.from_ms);
        extent.to_ms = MAX(extent.to_ms, cells.to_ms);
    }
    return extent;
}

static void widen(struct booking *booking, struct stretch changed)
{
    if (changed.from_ms >= changed.to_ms)
        return;
    if (booking->from_ms >= booking->to_ms) {
        booking->from_ms = changed.from_ms;
        booking->to_ms = changed.to_ms;
    }
    booking->from_ms = MIN(booking->from_ms, changed.from_ms);
    booking->to_ms = MAX(booking->to_ms, changed.to_ms);
}

/* Adds the cells that one part of a booking has changed. */
static void widen_to_part(struct booking *booking, const struct booking *part)
{
    widen(booking, (struct stretch){part->from_ms, part->to_ms});
    widen(booking, (struct stretch){part->left_from_ms, part->left_to_ms});
}

/* As in booking_add(). */
struct when {
    int64_t bucket_ms, floor_ms;
};

/* --- entries come and go --- */

/* Whether a register has readings, of closed windows perhaps, that the decision may keep in the
 * chain. */
static bool holds_chain(const struct meter *meter, const struct journal *journal,
                        const struct reading *entry)
{
    return meter->kind == KIND_REGISTER && is_decision(entry) && !decision_drops(entry->value) &&
           journal->count > 0 && entry->start_ms >= journal_at(journal, 0)->start_ms;
}

/* Whether some cell of the entry can still change. */
static bool is_open(const struct meter *meter, const struct journal *journal,
                    const struct reading *entry, int64_t floor_ms)
{
    return entry->start_ms >= floor_ms || holds_chain(meter, journal, entry) ||
           (!is_decision(entry) && cells_of(meter, journal, entry).to_ms > floor_ms);
}

/* A decision and what it sets aside go together. */
static bool is_subject_open(const struct meter *meter, const struct journal *journal,
                            const struct reading *entry, int64_t floor_ms)
{
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        const struct reading *other = journal_aside(journal, i);
        if (is_same_subject(meter, other, entry) && is_open(meter, journal, other, floor_ms))
            return true;
    }
    return false;
}

/* Whether the entry is forgotten as the floor comes to floor_ms. Nothing but the log decides that.
 */
static bool is_gone(const struct meter *meter, const struct journal *journal,
                    const struct reading *entry, int64_t floor_ms)
{
    return entry->start_ms < floor_ms && !is_subject_open(meter, journal, entry, floor_ms);
}

bool decisions_forget_reading(const struct meter *meter, const struct journal *journal,
                              int64_t floor_ms)
{
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        const struct reading *entry = journal_aside(journal, i);
        if (!is_decision(entry) && is_gone(meter, journal, entry, floor_ms))
            return true;
    }
    return false;
}

static void forget(const struct meter *meter, struct journal *journal, int64_t floor_ms)
{
    bool gone[ASIDE_MAX + 2];
    uint32_t count = journal->aside_count;
    ASSERT(count <= ARRAY_LEN(gone));
    for (uint32_t i = 0; i < count; i++)
        gone[i] = is_gone(meter, journal, journal_aside(journal, i), floor_ms);
    for (uint32_t i = count; i-- > 0;) {
        if (gone[i])
            journal_take_aside(journal, i);
    }
}

/* The readings of one identity, on their way from one place to the other. */
struct group {
    struct reading readings[ASIDE_MAX + 4];
    uint32_t count;
};

static void gather(struct group *group, const struct reading *reading)
{
    ASSERT(group->count < ARRAY_LEN(group->readings));
    group->readings[group->count++] = *reading;
}

/* Takes the readings that are set aside. */
static void gather_aside(struct group *group, const struct meter *meter, struct journal *journal,
                         const struct reading *entry)
{
    for (uint32_t i = 0; i < journal->aside_count;) {
        const struct reading *other = journal_aside(journal, i);
        if (is_decision(other) || !is_same_subject(meter, other, entry)) {
            i++;
            continue;
        }
        gather(group, other);
        journal_take_aside(journal, i);
    }
}

/* Whether the journal has a reading of this identity up to the rank, within reach. */
static bool is_under(const struct meter *meter, const struct reading *reading,
                     const struct reading *decision, int64_t from_ms)
{
    return reading->start_ms >= from_ms && reading->role != ROLE_MOVED &&
           is_same_subject(meter, reading, decision) &&
           reading_rank(reading) <= reading_rank(decision);
}

/* Takes the readings of the journal up to the rank of the decision. */
static void gather_booked(struct group *group, struct booking *booking, const struct meter *meter,
                          struct journal *journal, const struct reading *decision, int64_t floor_ms)
{
    int64_t from_ms = decisions_reach_from(meter, journal, floor_ms);
    for (uint32_t i = 0; i < journal->count && group->count < ASIDE_MAX;) {
        const struct reading *reading = journal_at(journal, i);
        if (!is_under(meter, reading, decision, from_ms)) {
            i++;
            continue;
        }
        gather(group, reading);
        struct booking part;
        booking_remove(&part, meter, journal, i, floor_ms);
        widen_to_part(booking, &part);
    }
}

static void put_aside(struct booking *booking, const struct meter *meter, struct journal *journal,
                      const struct reading *reading)
{
    struct reading entry = *reading;
    entry.accepted = 0;
    if (meter->kind == KIND_REGISTER)
        entry.chain = 0;
    int err = journal_put_aside(journal, &entry);
    ASSERT(err == 0); /* there was room */
    widen(booking, cells_of(meter, journal, &entry));
}

static void bring_back(struct booking *booking, const struct meter *meter, struct journal *journal,
                       struct reading *reading, struct when when)
{
    widen(booking, cells_of(meter, journal, reading));
    if (meter->kind == KIND_REGISTER)
        reading->chain = 0;
    struct booking part;
    booking_add(&part, meter, journal, reading, when.bucket_ms, when.floor_ms);
    ASSERT(part.outcome == OUTCOME_USED); /* no other reading of its identity is there */
    widen_to_part(booking, &part);
}

/* Puts the readings where the decision wants them; a reading beyond its rank counts. */
static void settle(struct group *group, struct booking *booking, const struct meter *meter,
                   struct journal *journal, const struct reading *decision, struct when when)
{
    int64_t from_ms = decisions_reach_from(meter, journal, when.floor_ms);
    for (uint32_t i = 0; i < group->count; i++) {
        struct reading *reading = &group->readings[i];
        bool under = reading_rank(reading) <= reading_rank(decision);
        reading->accepted = under && meter->kind == KIND_REGISTER;
        if ((under && decision_drops(decision->value)) || reading->start_ms < from_ms)
            put_aside(booking, meter, journal, reading);
        else
            bring_back(booking, meter, journal, reading, when);
    }
}

/* --- a decision comes --- */

/* Puts the decision in force, unless the one that is there holds. Returns whether it is new. */
static bool enter_decision(struct booking *booking, const struct meter *meter,
                           struct journal *journal, const struct reading *decision)
{
    uint32_t index = find_decision(meter, journal, decision);
    if (index == NO_ENTRY) {
        int err = journal_put_aside(journal, decision);
        ASSERT(err == 0); /* there was room */
        return true;
    }
    struct reading *old = journal_aside(journal, index);
    uint32_t old_rank = reading_rank(old);
    uint32_t new_rank = reading_rank(decision);
    bool later = decision->offset >= old->offset;
    booking->other_offset = old->offset;
    booking->conflict = old_rank == new_rank && old->value != decision->value;
    if (old_rank == new_rank && old->value == decision->value) {
        booking->outcome = OUTCOME_DUPLICATE;
        old->offset = MAX(old->offset, decision->offset);
        journal->changed = true;
        return false;
    }
    if (old_rank > new_rank || (old_rank == new_rank && !later)) {
        booking->outcome = OUTCOME_CORRECTED;
        return false;
    }
    booking->displaced = OUTCOME_CORRECTED;
    journal_take_aside(journal, index); /* a document's may stand at another time */
    int err = journal_put_aside(journal, decision);
    ASSERT(err == 0); /* there is room again */
    return true;
}

/* How many entries the decision may set aside, with itself. */
static uint32_t count_under(const struct meter *meter, const struct journal *journal,
                            const struct reading *decision, int64_t floor_ms)
{
    int64_t from_ms = decisions_reach_from(meter, journal, floor_ms);
    uint32_t count = 1;
    for (uint32_t i = 0; i < journal->count; i++)
        count += is_under(meter, journal_at(journal, i), decision, from_ms);
    return count;
}

static void decide(struct booking *booking, const struct meter *meter, struct journal *journal,
                   const struct reading *decision, struct when when)
{
    if (!booking_make_room(booking, meter, journal, when.floor_ms) ||
        journal->aside_count + count_under(meter, journal, decision, when.floor_ms) > ASIDE_MAX) {
        booking->outcome = REJECT_JOURNAL_FULL;
        return;
    }
    if (!enter_decision(booking, meter, journal, decision))
        return;
    struct group group = {.count = 0};
    gather_aside(&group, meter, journal, decision);
    gather_booked(&group, booking, meter, journal, decision, when.floor_ms);
    settle(&group, booking, meter, journal, decision, when);
}

/* --- a reading comes --- */

/* Judges the reading against those of its identity that are set aside, in a journal of their own.
 */
static void add_aside(struct booking *booking, const struct meter *meter, struct journal *journal,
                      const struct reading *reading, struct when when)
{
    if (!booking_make_room(booking, meter, journal, when.floor_ms) ||
        journal->aside_count + 2 > ASIDE_MAX) {
        booking->outcome = REJECT_JOURNAL_FULL;
        return;
    }
    struct group group = {.count = 0};
    struct reading slots[ASIDE_MAX + 4];
    struct journal scratch;
    journal_init(&scratch, slots, ARRAY_LEN(slots));
    gather_aside(&group, meter, journal, reading);
    for (uint32_t i = 0; i < group.count; i++) {
        widen(booking, cells_of(meter, journal, &group.readings[i]));
        int err = journal_insert(&scratch, scratch.count, &group.readings[i]);
        ASSERT(err == 0); /* there are slots for all */
    }
    struct booking judged;
    booking_add(&judged, meter, &scratch, reading, when.bucket_ms, INT64_MIN);
    booking->outcome = judged.outcome;
    booking->displaced = judged.displaced;
    booking->other_offset = judged.other_offset;
    booking->conflict = judged.conflict;
    for (uint32_t i = 0; i < scratch.count; i++) {
        const struct reading *entry = journal_at(&scratch, i);
        if (entry->role != ROLE_MOVED)
            put_aside(booking, meter, journal, entry);
        else if (!journal_is_full(journal) && entry->start_ms >= when.floor_ms &&
                 documents_leave(journal, entry)) {
            booking->left_from_ms = entry->start_ms;
            booking->left_to_ms = entry->start_ms + 1;
        }
    }
    if (booking->outcome == OUTCOME_USED)
        widen(booking, part_of(meter, journal, reading)); /* it is a neighbour of others, too */
    else
        booking->to_ms = booking->from_ms;                     /* what is set aside is as it was */
    if (booking->outcome != OUTCOME_USED && booking->conflict) /* the conflict is new */
        widen(booking, (struct stretch){reading->start_ms, reading->start_ms + 1});
}

static bool has_booked(const struct meter *meter, const struct journal *journal,
                       const struct reading *reading)
{
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *other = journal_at(journal, i);
        if (other->role == reading->role && is_same_subject(meter, other, reading))
            return true;
    }
    return false;
}

/* A reading beyond the rank of the decision takes the place of those that are set aside. */
static void replace_aside(struct booking *booking, const struct meter *meter,
                          struct journal *journal, const struct reading *reading, int64_t floor_ms)
{
    struct group group = {.count = 0};
    gather_aside(&group, meter, journal, reading);
    for (uint32_t i = 0; i < group.count; i++) {
        const struct reading *old = &group.readings[i];
        widen(booking, cells_of(meter, journal, old));
        if (meter->kind == KIND_DELIVERY && old->start_ms != reading->start_ms &&
            old->start_ms >= floor_ms && !journal_is_full(journal))
            (void)documents_leave(journal, old);
    }
    if (group.count > 0 && booking->displaced == OUTCOME_USED)
        booking->displaced = OUTCOME_CORRECTED;
}

/* Whether the reading is now the neighbour of a dropped one, which has its part up to it. */
static bool is_beside_dropped(const struct meter *meter, const struct journal *journal,
                              const struct reading *reading)
{
    bool samples = meter->kind == KIND_REGISTER || meter->kind == KIND_GAUGE;
    if (!samples && reading->role != ROLE_DIP)
        return false;
    int64_t time_ms = reading->start_ms;
    for (uint32_t i = 0; i < journal->aside_count; i++) {
        const struct reading *entry = journal_aside(journal, i);
        if (is_decision(entry))
            continue;
        struct neighbours found = find_neighbours(meter, journal, entry->start_ms);
        if (found.near.from_ms == time_ms || found.near.to_ms == time_ms ||
            found.all.from_ms == time_ms || found.all.to_ms == time_ms)
            return true;
    }
    return false;
}

static void add_decided(struct booking *booking, const struct meter *meter, struct journal *journal,
                        const struct reading *reading, struct when when)
{
    const struct reading *decision = decisions_find(meter, journal, reading);
    bool drops = decision != NULL && decision_drops(decision->value);
    if (drops && !has_booked(meter, journal, reading)) {
        add_aside(booking, meter, journal, reading, when);
        return;
    }
    struct reading entered = *reading;
    entered.accepted = decision != NULL && !drops && meter->kind == KIND_REGISTER;
    booking_add(booking, meter, journal, &entered, when.bucket_ms, when.floor_ms);
    if (booking->outcome != OUTCOME_USED)
        return;
    if (decision == NULL)
        replace_aside(booking, meter, journal, reading, when.floor_ms);
    if (is_beside_dropped(meter, journal, reading))
        widen(booking, part_of(meter, journal, reading));
}

void decisions_book(struct booking *booking_out, const struct meter *meter, struct journal *journal,
                    const struct reading *reading, int64_t bucket_ms, int64_t floor_ms)
{
    struct booking booking = {.outcome = OUTCOME_USED,
                              .displaced = OUTCOME_USED,
                              .from_ms = reading->start_ms,
                              .to_ms = reading->start_ms};
    struct stock_accrual before = stock_accrual_of(journal);
    if (journal->aside_count > 0)
        forget(meter, journal, floor_ms);
    if (is_decision(reading))
        decide(&booking, meter, journal, reading, (struct when){bucket_ms, floor_ms});
    else if (journal->aside_count > 0)
        add_decided(&booking, meter, journal, reading, (struct when){bucket_ms, floor_ms});
    else
        booking_add(&booking, meter, journal, reading, bucket_ms, floor_ms);
    widen(&booking, stock_accrual_changed(journal, before));
    *booking_out = booking;
}
