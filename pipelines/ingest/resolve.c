#include "pipelines/ingest/resolve.h"

#include <string.h>
#include <xxhash.h>

#include "base/timestamp.h"
#include "pipelines/ingest/bound.h"

/* The reading that an event becomes. */
struct resolved {
    uint32_t meter;
    int64_t start_ms, end_ms, value, initial;
    enum reading_role role;
    uint64_t id_hash;
};

static bool has(const struct event *event, enum event_field field)
{
    return (event->present >> field & 1) != 0;
}

/* An interval of its own: only interval meters have them, and it must lie within one version. */
static enum outcome resolve_interval(struct resolved *reading, const struct registry *registry,
                                     const struct event *event)
{
    int64_t start_ms = event->start_ms;
    int64_t end_ms = event->end_ms;
    if (end_ms <= start_ms || end_ms - start_ms > READING_SPAN_MAX_MS)
        return REJECT_TIME_RANGE;
    uint32_t version = registry_meter_at(registry, reading->meter, start_ms);
    if (version == REGISTRY_NONE)
        return REJECT_METER_NOT_VALID;
    if (registry->meters[version].kind != KIND_INTERVAL)
        return REJECT_TIME_KIND;
    if (end_ms > registry->meters[version].valid_to_ms)
        return REJECT_METER_NOT_VALID;
    *reading = (struct resolved){.meter = version, .start_ms = start_ms, .end_ms = end_ms};
    return OUTCOME_USED;
}

static bool stamps_ends(const struct registry *registry, uint32_t version)
{
    return registry->meters[version].kind == KIND_INTERVAL &&
           registry->meters[version].stamp == STAMP_END;
}

/* The version that a lone instant belongs to. Where ends are stamped, the moment before it counts:
 * the last interval of a version is stamped with the instant from which it is no longer valid. */
static uint32_t version_at(const struct registry *registry, uint32_t meter, int64_t time_ms)
{
    uint32_t version = registry_meter_at(registry, meter, time_ms);
    if (version != REGISTRY_NONE && !stamps_ends(registry, version))
        return version;
    uint32_t before = registry_meter_at(registry, meter, time_ms - 1);
    return before != REGISTRY_NONE && stamps_ends(registry, before) ? before : REGISTRY_NONE;
}

/* The other end of the interval that is stamped with time_ms: the one after it (1) or before (-1).
 * Meters send days as 24h, too: stamped at a local midnight, that is the local day. */
static int64_t other_end(const struct registry *registry, const struct meter *meter,
                         int64_t time_ms, int times)
{
    struct calendar_length length = meter->length;
    if (length.months == 0 && length.days == 0 && meter->interval_ms != DAY_MS)
        return time_ms + times * meter->interval_ms;
    const struct local_time *local =
        &registry->local_times[registry->facilities[meter->facility].zone];
    if (length.months == 0 && length.days == 0) {
        if (!local_time_is_midnight(local, time_ms))
            return time_ms + times * meter->interval_ms;
        length.days = 1;
    }
    return local_time_step(local, time_ms, length, times);
}

static enum outcome resolve_instant(struct resolved *reading, const struct registry *registry,
                                    const struct event *event)
{
    int64_t time_ms = event->time_ms;
    uint32_t version = version_at(registry, reading->meter, time_ms);
    if (version == REGISTRY_NONE)
        return REJECT_METER_NOT_VALID;
    const struct meter *meter = &registry->meters[version];
    *reading = (struct resolved){.meter = version, .start_ms = time_ms, .end_ms = time_ms};
    if (meter->kind != KIND_INTERVAL)
        return OUTCOME_USED;
    if (meter->stamp == STAMP_NONE)
        return REJECT_TIME_KIND;
    if (meter->stamp == STAMP_END)
        reading->start_ms = other_end(registry, meter, time_ms, -1);
    else
        reading->end_ms = other_end(registry, meter, time_ms, 1);
    if (reading->start_ms < TIME_MIN_MS || reading->end_ms > TIME_MAX_MS)
        return REJECT_TIME_RANGE;
    return reading->start_ms < meter->valid_from_ms || reading->end_ms > meter->valid_to_ms
               ? REJECT_METER_NOT_VALID
               : OUTCOME_USED;
}

/* The scale of the event's unit, its meter's own one if it names none. */
static enum outcome find_scale(const struct unit_scale **scale_out, const struct registry *registry,
                               uint32_t version, const struct event *event)
{
    const struct unit_scale *own = &registry->meters[version].own;
    bool known = false;
    *scale_out = own;
    if (!has(event, FIELD_UNIT))
        return OUTCOME_USED;
    if (event->unit_size < sizeof(own->unit) && own->unit[event->unit_size] == '\0' &&
        memcmp(own->unit, event->unit, event->unit_size) == 0)
        return OUTCOME_USED;
    *scale_out = registry_find_unit(registry, version, event->unit, event->unit_size, &known);
    if (*scale_out != NULL)
        return OUTCOME_USED;
    return known ? REJECT_UNIT_MISMATCH : REJECT_UNIT_UNKNOWN;
}

static enum outcome convert(int64_t *value_out, const struct meter *meter, struct decimal decimal,
                            const struct unit_scale *scale)
{
    if (decimal.digits < 0 && !meter->negative)
        return REJECT_VALUE_NEGATIVE;
    /* A register's value is not activity yet: only its differences are. */
    int64_t value_max = meter->kind == KIND_REGISTER ? REGISTER_MAX : meter->cell_max;
    if (decimal_to_micro(value_out, decimal, scale->scale) < 0 || *value_out > value_max ||
        *value_out < -value_max)
        return REJECT_VALUE_RANGE;
    return OUTCOME_USED;
}

static enum outcome resolve_value(struct resolved *reading, const struct registry *registry,
                                  const struct event *event)
{
    const struct unit_scale *scale;
    enum outcome outcome = find_scale(&scale, registry, reading->meter, event);
    if (outcome != OUTCOME_USED)
        return outcome;
    const struct meter *meter = &registry->meters[reading->meter];
    if (event->kind != EVENT_EXCHANGE) {
        outcome = convert(&reading->value, meter, event->value, scale);
        if (outcome != OUTCOME_USED)
            return outcome;
        bool plausible =
            meter->kind == KIND_DELIVERY || meter->kind == KIND_STOCK
                ? bound_allows_amount(meter, reading->role, reading->value)
                : bound_allows(meter, reading->value, reading->end_ms - reading->start_ms);
        return plausible ? OUTCOME_USED : REJECT_IMPLAUSIBLE;
    }
    outcome = convert(&reading->value, meter, event->final, scale);
    return outcome == OUTCOME_USED ? convert(&reading->initial, meter, event->initial, scale)
                                   : outcome;
}

/* The part that the reading plays in its journal, by the event's own word for it. */
static enum outcome resolve_role(struct resolved *reading, const struct meter *meter,
                                 const struct event *event)
{
    static const uint8_t roles[EVENT_KIND_COUNT] = {
        [EVENT_READING] = ROLE_READING,   [EVENT_EXCHANGE] = ROLE_FINAL,
        [EVENT_DIP] = ROLE_DIP,           [EVENT_DELIVERY] = ROLE_READING,
        [EVENT_TRANSFER] = ROLE_TRANSFER, [EVENT_CREDIT] = ROLE_CREDIT,
    };
    bool decides = event_kind_decides(event->kind);
    uint8_t kind = decides ? event->of : event->kind;
    bool fits = kind == EVENT_READING || (kind == EVENT_EXCHANGE && meter->kind == KIND_REGISTER) ||
                (kind == EVENT_DELIVERY && meter->kind == KIND_DELIVERY) ||
                (kind != EVENT_EXCHANGE && meter->kind == KIND_STOCK);
    reading->role = (enum reading_role)roles[kind];
    if (decides) {
        reading->value = decision_pack(event->kind == EVENT_DROP, reading->role);
        reading->role = ROLE_DECISION;
    }
    return fits ? OUTCOME_USED : REJECT_EVENT_KIND;
}

/* Documents are told apart by their ids. Readings of registers and gauges are not documents. */
static enum outcome resolve_id(struct resolved *reading, const struct meter *meter,
                               const struct event *event)
{
    if (meter->kind == KIND_REGISTER || meter->kind == KIND_GAUGE)
        return OUTCOME_USED;
    if (event->id_is_bad)
        return REJECT_ID_INVALID;
    if (!has(event, FIELD_ID))
        return OUTCOME_USED;
    uint64_t hash = XXH3_64bits(event->id, event->id_size);
    reading->id_hash = hash == 0 ? 1 : hash;
    return OUTCOME_USED;
}

static enum outcome resolve(struct resolved *reading, const struct registry *registry,
                            const struct event *event)
{
    if (event->fault != 0)
        return (enum outcome)event->fault;
    reading->meter = registry_find_meter(registry, event->meter, event->meter_size);
    if (reading->meter == REGISTRY_NONE)
        return OUTCOME_UNKNOWN;
    enum outcome outcome = has(event, FIELD_TIME) ? resolve_instant(reading, registry, event)
                                                  : resolve_interval(reading, registry, event);
    if (outcome != OUTCOME_USED)
        return outcome;
    const struct meter *meter = &registry->meters[reading->meter];
    outcome = resolve_role(reading, meter, event);
    if (outcome == OUTCOME_USED)
        outcome = resolve_id(reading, meter, event);
    if (outcome != OUTCOME_USED || reading->role == ROLE_DECISION)
        return outcome;
    return resolve_value(reading, registry, event);
}

/* Whether a person has to know the meter to understand why: its bound, or its unit. */
static bool is_told_with_meter(enum outcome outcome)
{
    return outcome == REJECT_IMPLAUSIBLE || outcome == REJECT_UNIT_MISMATCH ||
           outcome == REJECT_UNIT_UNKNOWN;
}

enum outcome resolve_event(struct batch_event *resolved_out, const struct registry *registry,
                           const struct event *event, const struct place *place)
{
    struct resolved reading = {.meter = REGISTRY_NONE};
    enum outcome outcome = resolve(&reading, registry, event);
    *resolved_out = (struct batch_event){.meter = REGISTRY_NONE,
                                         .refused_by = REGISTRY_NONE,
                                         .outcome = (uint8_t)outcome,
                                         .offset = place->offset,
                                         .arrived_ms = place->arrived_ms,
                                         .origin = {.message = place->message,
                                                    .index = place->index,
                                                    .size = event->bytes_size,
                                                    .bytes = event->bytes}};
    if (outcome != OUTCOME_USED && (!is_told_with_meter(outcome) || reading.meter == REGISTRY_NONE))
        return outcome; /* an event that is not whole names a unit before its meter is looked up */
    ASSERT(reading.meter < registry->meters_count && reading.start_ms <= reading.end_ms);
    if (outcome == OUTCOME_USED)
        resolved_out->meter = reading.meter;
    else
        resolved_out->refused_by = reading.meter;
    resolved_out->start_ms = reading.start_ms;
    resolved_out->end_ms = reading.end_ms;
    resolved_out->value = reading.value;
    resolved_out->revision = event->revision;
    resolved_out->quality = event->quality & 3U;
    resolved_out->role = reading.role & 7U;
    if (reading.role == ROLE_FINAL)
        resolved_out->initial = reading.initial;
    else
        resolved_out->id_hash = reading.id_hash;
    return outcome;
}

uint32_t resolve_facility(const struct registry *registry, const struct event *event)
{
    uint32_t meter = registry_find_meter(registry, event->meter, event->meter_size);
    if (meter == REGISTRY_NONE)
        return REGISTRY_NONE;
    uint32_t version = REGISTRY_NONE;
    if (has(event, FIELD_TIME))
        version = version_at(registry, meter, event->time_ms);
    else if (has(event, FIELD_START))
        version = registry_meter_at(registry, meter, event->start_ms);
    return registry->meters[version == REGISTRY_NONE ? meter : version].facility;
}
