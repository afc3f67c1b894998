/* The readings of a meter from bytes; payload.h tells the order. Bytes come from outside: all are
 * checked. */
#include <sys/param.h>

#include "pipelines/metering/journal.h"
#include "pipelines/metering/register_steps.h"
#include "pipelines/state/payload.h"

static bool is_sound(const struct meter *meter, const struct reading *before,
                     const struct reading *reading)
{
    bool interval = meter->kind == KIND_INTERVAL;
    int64_t value_max = meter->kind == KIND_REGISTER ? REGISTER_MAX : CELL_MAX;
    if (reading->id_hash != 0 && meter->kind == KIND_REGISTER)
        return false;
    if (reading->start_ms < TIME_MIN_MS || reading_end_ms(reading) > TIME_MAX_MS ||
        reading->value > value_max || reading->value < -value_max ||
        interval != (reading->span_ms > 0))
        return false;
    return before == NULL || reading_is_before(before, reading);
}

static void take_identity(struct packed *packed, uint64_t flags, struct reading *reading)
{
    if ((flags & READING_NEW_ROLE) != 0) {
        uint64_t role = packed_take_uint(packed, 2 * ROLE_COUNT - 1);
        reading->role = role >> 1 & 7;
        reading->conflict = role & 1;
    }
    reading->id_hash = (flags & READING_HAS_ID) != 0 ? packed_take_uint(packed, UINT64_MAX) : 0;
}

/* `flags_max`: all that the version has. */
static void take_reading(struct packed *packed, uint64_t flags_max, struct reading *reading,
                         int64_t *step_ms)
{
    uint64_t flags = packed_take_uint(packed, flags_max);
    if ((flags & READING_NEW_STEP) != 0)
        *step_ms += packed_take_int(packed, 2 * TIME_MIN_MS, 2 * TIME_MAX_MS);
    if ((flags & READING_NEW_SPAN) != 0)
        reading->span_ms =
            packed_take_uint(packed, READING_SPAN_MAX_MS) & ((UINT64_C(1) << 40) - 1);
    if ((flags & READING_NEW_RANK) != 0) {
        uint64_t rank = packed_take_uint(packed, (uint64_t)REVISION_MAX << 2 | 3);
        reading->revision = rank >> 2 & UINT16_MAX;
        reading->quality = rank & 3;
    }
    take_identity(packed, flags, reading);
    int64_t value = reading->value + packed_take_int(packed, -2 * REGISTER_MAX, 2 * REGISTER_MAX);
    uint64_t offset =
        (uint64_t)reading->offset + (uint64_t)packed_take_int(packed, INT64_MIN, INT64_MAX);
    reading->start_ms += *step_ms;
    reading->value = value;
    reading->offset = (int64_t)offset;
    if (value > REGISTER_MAX || value < -REGISTER_MAX || reading->start_ms < TIME_MIN_MS ||
        reading->start_ms > TIME_MAX_MS)
        packed->damaged = true;
}

static int no_room(const struct readings_taking *taking)
{
    buffer_printf(taking->why,
                  "meter \"%s\" has more readings than there is room for now: its interval was "
                  "shorter; set it back, or set checkpoint.on_unreadable: rebuild",
                  taking->meter->id);
    return ERR_CONFIG;
}

int readings_take(const struct readings_taking *taking, uint64_t count)
{
    struct packed *packed = taking->packed;
    struct journal *journal = taking->journal;
    struct reading reading = {0};
    int64_t step_ms = 0;
    uint64_t flags_max = 2 * (taking->early ? READING_NEW_RANK : READING_HAS_ID) - 1;
    for (uint64_t i = 0; i < count; i++) {
        take_reading(packed, flags_max, &reading, &step_ms);
        if (packed->damaged)
            return 0;
        if (journal == NULL)
            continue;
        const struct reading *before =
            journal->count > 0 ? journal_at(journal, journal->count - 1) : NULL;
        packed->damaged = !is_sound(taking->meter, before, &reading);
        journal->overlapping |= before != NULL && reading_end_ms(before) > reading.start_ms;
        packed->damaged |= reading.role == ROLE_DECISION;
        int err = packed->damaged ? 0 : journal_insert(journal, journal->count, &reading);
        if (err < 0)
            return no_room(taking);
    }
    return 0;
}

static bool is_sound_aside(const struct meter *meter, const struct reading *before,
                           const struct reading *reading)
{
    bool decision = reading->role == ROLE_DECISION;
    return is_sound(meter, before, reading) && reading->role != ROLE_MOVED &&
           (!decision || (reading->value >= 0 && decision_role(reading->value) < ROLE_MOVED));
}

/* All that decisions set aside comes with every record of a meter. */
int readings_take_aside(const struct readings_taking *taking)
{
    struct packed *packed = taking->packed;
    struct journal *journal = taking->journal;
    struct reading reading = {0};
    int64_t step_ms = 0;
    uint64_t count = packed_take_uint(packed, ASIDE_MAX);
    for (uint64_t i = 0; i < count; i++) {
        take_reading(packed, 2 * READING_HAS_ID - 1, &reading, &step_ms);
        if (packed->damaged)
            return 0;
        if (journal == NULL)
            continue;
        const struct reading *before =
            journal->aside_count > 0 ? journal_aside(journal, journal->aside_count - 1) : NULL;
        packed->damaged = !is_sound_aside(taking->meter, before, &reading);
        if (!packed->damaged && journal_put_aside(journal, &reading) < 0)
            return no_room(taking);
    }
    return 0;
}

void readings_take_past(struct packed *packed, struct register_past *past)
{
    uint64_t key = packed_take_uint(packed, (PAST_RISES + 2) << 1 | 1);
    *past = (struct register_past){.known = key != 0, .exempt = key & 1};
    packed->damaged |= key == 1;
    past->rises = (uint8_t)(MAX(key >> 1, 1) - 1);
    struct register_rise behind = {0};
    for (uint32_t i = 0; i < MIN(past->rises, PAST_RISES); i++) {
        struct register_rise *rise = &past->newest[i];
        rise->step = (uint8_t)packed_take_uint(packed, CHAIN_RESTART);
        rise->amount = packed_take_int(packed, -2 * REGISTER_MAX, 2 * REGISTER_MAX);
        rise->ms = behind.ms + packed_take_int(packed, -TIME_MAX_MS, TIME_MAX_MS);
        rise->before = behind.before - rise->amount -
                       packed_take_int(packed, -4 * REGISTER_MAX, 4 * REGISTER_MAX);
        packed->damaged |= rise->step < CHAIN_RISE || rise->amount == 0 || rise->ms < 1 ||
                           rise->ms > TIME_MAX_MS - TIME_MIN_MS || rise->before > REGISTER_MAX ||
                           rise->before < -REGISTER_MAX;
        if (packed->damaged)
            return;
        behind = *rise;
    }
}

void readings_take_rate(struct packed *packed, struct stock_rate *rate)
{
    rate->amount = packed_take_int(packed, STOCK_RATE_HELD, 4 * CELL_MAX);
    rate->span_ms = (int64_t)packed_take_uint(packed, TIME_MAX_MS - TIME_MIN_MS);
    packed->damaged |= rate->span_ms == 0;
}
