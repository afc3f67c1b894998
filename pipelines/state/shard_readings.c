/* Readings come into a shard: they are judged, booked, and touch windows. */
#include <inttypes.h>
#include <sys/param.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "config/registry/counters.h"
#include "pipelines/metering/stock_fates.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_documents.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_lead.h"
#include "pipelines/rollup/site_windows.h"
#include "pipelines/state/shard_state.h"

/* The days in which stocks go on by the event are opened. */
static bool end_accrual(struct shard *shard)
{
    struct site_clock *clock = &shard->clock;
    if (clock->accrued_from_ms == clock->accrued_ms)
        return true;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        if (!site_end_accrual(shard->own[i], clock))
            return false;
    }
    clock->accrued_from_ms = clock->accrued_ms;
    return true;
}

bool shard_touch_pending(struct shard *shard)
{
    struct pending *pending = &shard->pending;
    if (pending->site == NULL)
        return end_accrual(shard);
    pending->next_row = site_touch(pending->site, &shard->clock, pending->column, pending->next_row,
                                   pending->to_row);
    if (pending->next_row < pending->to_row)
        return false;
    pending->site = NULL;
    return end_accrual(shard);
}

bool shard_has_pending(const struct shard *shard)
{
    return shard->pending.site != NULL || shard->clock.accrued_from_ms != shard->clock.accrued_ms;
}

static void count_booking(struct shard *shard, const struct booking *booking)
{
    shard->stats.overlaps += booking->overlap;
}

/* Touches rows [from, to), as far as there is room. */
static void touch(struct shard *shard, struct site *site, uint32_t column, int64_t from_row,
                  int64_t to_row)
{
    if (site_touch_again(site, &shard->clock, column, from_row, to_row))
        return;
    shard->pending =
        (struct pending){.site = site, .column = column, .next_row = from_row, .to_row = to_row};
    if (!shard_touch_pending(shard))
        return;
    site_expect_touches(site, &shard->clock, from_row, to_row);
    ASSERT(shard->touched_count < BATCH_EVENTS_MAX); /* once for each event at most */
    shard->touched[shard->touched_count++] = site;
}

/* Touches rows whose days are open, because a reading of the meter has touched them before: those
 * that a document has left. */
static void touch_open(struct shard *shard, struct site *site, uint32_t column, int64_t from_ms,
                       int64_t to_ms, int64_t floor_ms)
{
    from_ms = MAX(from_ms, floor_ms);
    if (to_ms <= from_ms)
        return;
    int64_t to_row = site_row(site, to_ms - 1) + 1;
    int64_t done = site_touch(site, &shard->clock, column, site_row(site, from_ms), to_row);
    ASSERT(done == to_row);
}

/* An event that is not used has no place among the windows, unless it is a document that would have
 * been moved away: its bucket says 0 then, in whichever order the two came. */
static bool touch_unused(struct shard *shard, struct site *site, uint32_t column,
                         const struct booking *booking)
{
    if (booking->left_from_ms == booking->left_to_ms)
        return false;
    touch_open(shard, site, column, booking->from_ms, booking->to_ms, shard->clock.floor_ms);
    int64_t row = site_row(site, booking->left_from_ms);
    if (row <= shard->clock.top_row)
        touch(shard, site, column, row, row + 1);
    return true;
}

/* The batch ends here: marks are as if readings had come one by one. */
static void tell_sites(struct shard *shard)
{
    for (uint32_t i = 0; i < shard->touched_count; i++)
        site_tell(shard->touched[i]);
    shard->touched_count = 0;
}

static struct reading reading_of(const struct batch_event *event)
{
    return (struct reading){.start_ms = event->start_ms,
                            .value = event->value,
                            .offset = event->offset,
                            .span_ms = (uint64_t)(event->end_ms - event->start_ms) &
                                       ((UINT64_C(1) << 40) - 1),
                            .revision = event->revision,
                            .quality = event->quality,
                            .role = event->role,
                            .id_hash = event->role == ROLE_FINAL ? 0 : event->id_hash};
}

/* An exchange is two readings: the last one of the old counter, whose booking this is, and the
 * first one of the new counter. One event has one outcome: both stand, or neither does. */
static void book_initial(struct shard *shard, struct site *site, const struct batch_event *event,
                         struct reading reading, struct booking *booking)
{
    if (booking->outcome != OUTCOME_USED && booking->outcome != OUTCOME_DUPLICATE)
        return;
    struct booking initial;
    reading.value = event->initial;
    reading.role = ROLE_INITIAL;
    site_book(site, &shard->clock, event->meter, &reading, &initial);
    if (booking->outcome == OUTCOME_DUPLICATE) {
        *booking = initial;
        return;
    }
    if (initial.outcome != OUTCOME_USED)
        return;
    booking->from_ms = MIN(booking->from_ms, initial.from_ms);
    booking->to_ms = MAX(booking->to_ms, initial.to_ms);
    if (booking->displaced == OUTCOME_USED)
        booking->displaced = initial.displaced;
    booking->conflict |= initial.conflict;
}

/* Adds the cells that the booking for another version of the register changed. */
static void join(struct booking *booking, const struct booking *other)
{
    if (other->to_ms <= other->from_ms)
        return;
    if (booking->to_ms <= booking->from_ms) {
        booking->from_ms = other->from_ms;
        booking->to_ms = other->to_ms;
    }
    booking->from_ms = MIN(booking->from_ms, other->from_ms);
    booking->to_ms = MAX(booking->to_ms, other->to_ms);
}

/* Registers of several versions: each that can have an open window gets all readings of the
 * counter, as it would have read them. It books its own time (projection.c). */
static void book_versions(struct shard *shard, struct site *site, const struct batch_event *event,
                          struct booking *booking)
{
    const struct registry *registry = shard->context.registry;
    const struct meter *own = &registry->meters[event->meter];
    for (uint32_t i = counters_next(registry, event->meter, REGISTRY_NONE); i != REGISTRY_NONE;
         i = counters_next(registry, event->meter, i)) {
        const struct meter *meter = &registry->meters[i];
        struct reading reading = reading_of(event);
        int64_t value;
        int64_t initial;
        bool decides = event->role == ROLE_DECISION; /* its value is no amount */
        if (meter->valid_to_ms <= shard->clock.floor_ms ||
            !counters_rescale(&value, own, meter, decides ? 0 : event->value) ||
            !counters_rescale(&initial, own, meter, event->role == ROLE_FINAL ? event->initial : 0))
            continue;
        if ((value < 0 || initial < 0) && !meter->negative)
            continue;
        struct booking other;
        reading.value = decides ? event->value : value;
        site_book(site, &shard->clock, i, &reading, &other);
        join(booking, &other);
        if (event->role != ROLE_FINAL)
            continue;
        reading.value = initial;
        reading.role = ROLE_INITIAL;
        site_book(site, &shard->clock, i, &reading, &other);
        join(booking, &other);
    }
}

/* Books the event and touches what it changed, as far as there is room. */
static void apply_reading(struct shard *shard, struct site *site, const struct batch_event *event,
                          struct booking *booking)
{
    uint32_t meter = event->meter;
    uint32_t column = meter - site->facility->meters_first;
    struct reading reading = reading_of(event);
    site_book(site, &shard->clock, meter, &reading, booking);
    if (reading.role == ROLE_FINAL)
        book_initial(shard, site, event, reading, booking);
    bool refused = booking->outcome >= REJECT_UNDECODABLE; /* then no version has it */
    if (shard->context.registry->meters[meter].versioned && !refused)
        book_versions(shard, site, event, booking);
    count_booking(shard, booking);
    if (booking->outcome != OUTCOME_USED &&
        (touch_unused(shard, site, column, booking) || booking->to_ms <= booking->from_ms))
        return;
    int64_t floor_ms = shard->clock.floor_ms; /* what lies before it was projected for good */
    if (booking->outcome != OUTCOME_USED)     /* time goes on with what is accepted only */
        reading.start_ms = MIN(reading.start_ms, booking->from_ms);
    else if (reading.role != ROLE_DECISION && /* a decision is no reading of the meter */
             site_hear(site, column, MAX(reading.start_ms, floor_ms))) {
        site_open_lead(site);
        shard_expect_courses(shard, site);
    }
    /* No time goes on with a decision, unless the partition begins with it. */
    if (reading.role != ROLE_DECISION || shard->newest_ms == INT64_MIN)
        shard_clock_advance(shard, &reading,
                            (enum meter_kind)shard->context.registry->meters[meter].kind);
    touch_open(shard, site, column, booking->left_from_ms, booking->left_to_ms, floor_ms);
    if (booking->outcome == OUTCOME_USED &&
        site_is_document(&shard->context.registry->meters[meter]))
        site_document_widen(site, &shard->clock, column, &reading, booking);
    int64_t from_ms = MAX(booking->from_ms, floor_ms);
    if (booking->to_ms <= from_ms)
        return;
    touch(shard, site, column, site_row(site, from_ms), site_row(site, booking->to_ms - 1) + 1);
}

/* Whether the reading is too old to be the first: its clock was not set, or it belongs to a past
 * before windows.backfill_max. */
static bool is_too_old_to_begin(const struct shard *shard, const struct batch_event *event)
{
    const int64_t *first_floor_ms = shard->context.first_floor_ms;
    if (first_floor_ms != NULL && *first_floor_ms != INT64_MIN)
        return event->end_ms < *first_floor_ms;
    return event->arrived_ms != INT64_MIN &&
           event->end_ms < event->arrived_ms - shard->context.window->backfill_max_ms;
}

/* The verdict that needs no look into the state. */
static enum outcome judge(struct shard *shard, const struct batch_event *event, uint32_t facility)
{
    if (event->arrived_ms != INT64_MIN &&
        event->end_ms > event->arrived_ms + shard->context.window->early_tolerance_ms)
        return OUTCOME_EARLY;
    if (shard->newest_ms == INT64_MIN ? is_too_old_to_begin(shard, event)
                                      : event->start_ms < shard->clock.floor_ms)
        return OUTCOME_LATE;
    return shard_claim(shard, facility) ? OUTCOME_USED : REJECT_WRONG_PARTITION;
}

static void count_outcome(struct shard *shard, uint32_t facility, enum outcome outcome)
{
    struct site *site = shard->sites[facility];
    shard->stats.outcomes[outcome]++;
    if (site == NULL)
        return;
    site->outcomes[outcome]++;
    site->changed = true;
}

/* A value that another one of its rank takes the place of has no dead letter: this line is the
 * trace of it. */
static void tell_displaced(const struct shard *shard, const struct batch_event *event,
                           const struct booking *booking)
{
    bool stays = booking->displaced != OUTCOME_USED;
    if (!booking->conflict || (!stays && booking->outcome != OUTCOME_CORRECTED))
        return;
    char time[TIMESTAMP_TEXT_SIZE];
    LOG_LIMITED(
        LOG_LEVEL_INFO, "shard.value_displaced",
        "partition=%" PRIu32 " meter=\"%s\" time=%s offset=%" PRId64 " displaced_offset=%" PRId64,
        shard->partition, shard->context.registry->meters[event->meter].id,
        timestamp_format(time, event->start_ms), stays ? event->offset : booking->other_offset,
        stays ? booking->other_offset : event->offset);
}

static void tell_held(const struct shard *shard, const struct meter *meter,
                      const struct journal *journal, const struct stock_balance *held)
{
    enum { AMOUNT_BYTES_MAX = 64, MICRO_DECIMALS = 6 };
    const struct reading *opening = journal_at(journal, held->opening);
    const struct reading *closing = journal_at(journal, held->closing);
    char from[TIMESTAMP_TEXT_SIZE];
    char to[TIMESTAMP_TEXT_SIZE];
    struct buffer amount;
    buffer_init(&amount, AMOUNT_BYTES_MAX);
    buffer_add_fixed(&amount, held->consumption, MICRO_DECIMALS);
    const char *text = buffer_text(&amount);
    LOG_LIMITED(LOG_LEVEL_WARN, "shard.stock_negative",
                "partition=%" PRIu32 " meter=\"%s\" opening_dip=%s opening_offset=%" PRId64
                " closing_dip=%s closing_offset=%" PRId64 " amount=%s unit=%s",
                shard->partition, meter->id, timestamp_format(from, opening->start_ms),
                opening->offset, timestamp_format(to, closing->start_ms), closing->offset,
                text != NULL ? text : "?", quantity_unit((enum quantity)meter->quantity));
    buffer_fini(&amount);
}

/* A reading of a stock after which a balance is below zero: a delivery is missing, or a dip is
 * wrong. A line names both dips. */
static void tell_negative(const struct shard *shard, const struct site *site,
                          const struct batch_event *event, const struct booking *booking)
{
    const struct meter *meter = &shard->context.registry->meters[event->meter];
    if (meter->kind != KIND_STOCK || booking->outcome != OUTCOME_USED)
        return;
    const struct journal *journal = &site->journals[event->meter - site->facility->meters_first];
    struct stock_balance held[2];
    uint32_t count = stock_held_at(held, journal, event->start_ms);
    for (uint32_t i = 0; i < count; i++)
        tell_held(shard, meter, journal, &held[i]);
}

/* False: there is no memory for the event's facility, and nothing has changed. */
static bool apply_event(struct shard *shard, struct batch_event *event)
{
    uint32_t facility = shard->context.registry->meters[event->meter].facility;
    enum outcome outcome = judge(shard, event, facility);
    enum outcome counted = outcome;
    if (outcome == OUTCOME_USED) {
        struct site *site = shard_find_site(shard, facility, event);
        if (site == NULL)
            return false;
        struct booking booking;
        apply_reading(shard, site, event, &booking);
        tell_displaced(shard, event, &booking);
        tell_negative(shard, site, event, &booking);
        outcome = booking.outcome;
        /* A reading that takes another's place leaves the number of those in use as it is. */
        counted = booking.displaced != OUTCOME_USED ? booking.displaced : outcome;
        /* The first accepted reading says where rings begin. */
        if (shard->newest_ms == INT64_MIN)
            shard_drop_site(shard, facility);
    }
    event->outcome = (uint8_t)outcome;
    count_outcome(shard, facility, counted);
    return true;
}

/* False: the shard is blocked. */
static bool apply_next(struct shard *shard, struct batch_event *event)
{
    return !batch_event_is_reading(event) ||
           (shard_touch_pending(shard) && shard_judge(shard) && apply_event(shard, event));
}

uint32_t shard_apply(struct shard *shard, struct batch *batch, uint32_t first)
{
    ASSERT(!shard->finished && shard->loading == NULL && shard->touched_count == 0);
    ASSERT(first <= batch->count);
    shard->starved_bytes = 0;
    uint32_t i = first;
    while (i < batch->count && apply_next(shard, &batch->events[i]))
        i++;
    if (i == batch->count && shard_touch_pending(shard))
        (void)shard_judge(shard);
    tell_sites(shard);
    return i;
}

enum shard_block shard_get_block(const struct shard *shard)
{
    if (shard_has_pending(shard) || !shard_has_judged(shard))
        return SHARD_WAITS_FOR_SINKS;
    return shard->starved_bytes > 0 ? SHARD_WAITS_FOR_MEMORY : SHARD_GOES_ON;
}

bool shard_is_blocked(const struct shard *shard)
{
    return shard_get_block(shard) != SHARD_GOES_ON;
}
