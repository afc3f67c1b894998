#include "pipelines/metering/registers.h"

#include "base/timestamp.h"

static bool is_plausible(const struct meter *meter, int64_t delta, int64_t dt_ms)
{
    /* delta <= rate * dt * 1.1, in whole numbers */
    return (int128)delta * 10 * HOUR_MS <= (int128)meter->rate_max * dt_ms * 11;
}

enum register_step register_step(const struct meter *meter, const struct reading *before,
                                 const struct reading *after, int64_t *delta_out)
{
    int64_t dt_ms = after->start_ms - before->start_ms;
    int64_t delta = after->value - before->value;
    int64_t modulus = meter->register_modulus;
    *delta_out = 0;
    if (delta >= 0) {
        if (meter->rate_max > 0 && !is_plausible(meter, delta, dt_ms))
            return STEP_DISCONTINUITY;
        *delta_out = delta;
        return STEP_RISE;
    }
    if (modulus == 0 || before->value >= modulus || after->value < 0 || delta + modulus < 0)
        return STEP_DISCONTINUITY;
    bool plausible = meter->rate_max > 0 ? is_plausible(meter, delta + modulus, dt_ms)
                                         : (int128)before->value * 10 >= (int128)modulus * 9 &&
                                               (int128)after->value * 10 <= modulus;
    if (!plausible)
        return STEP_DISCONTINUITY;
    *delta_out = delta + modulus;
    return STEP_ROLLOVER;
}

int64_t register_unbooked(const struct meter *meter, const struct journal *journal)
{
    if (journal->count < 2 || journal_at(journal, 1)->start_ms != journal->base_ms)
        return 0;
    int64_t delta;
    enum register_step step =
        register_step(meter, journal_at(journal, 0), journal_at(journal, 1), &delta);
    return step == STEP_DISCONTINUITY ? 0 : delta - journal->base_booked;
}

/* The amount that a register books between its readings `index` and `index + 1`, and its start.
 * Returns false for a discontinuity. */
static bool register_stretch(const struct meter *meter, const struct journal *journal,
                             uint32_t index, int64_t *from_ms_out, int64_t *total_out)
{
    const struct reading *before = journal_at(journal, index);
    if (register_step(meter, before, before + 1, total_out) == STEP_DISCONTINUITY)
        return false;
    *from_ms_out = before->start_ms;
    if (index == 0 && journal->base_ms >= before->start_ms) {
        *from_ms_out = journal->base_ms;
        *total_out -= journal->base_booked;
    } else if (index == 1) {
        *total_out += register_unbooked(meter, journal);
    }
    return true;
}

void register_move_base(const struct meter *meter, struct journal *journal, uint32_t index,
                        int64_t floor_ms)
{
    if (meter->kind != KIND_REGISTER || index != 1)
        return;
    int64_t from_ms = MAX(journal_at(journal, 0)->start_ms, journal->base_ms);
    if (from_ms >= floor_ms)
        return;
    int64_t total;
    if (journal->count > 1 && register_stretch(meter, journal, 0, &from_ms, &total)) {
        int64_t to_ms = journal_at(journal, 1)->start_ms;
        journal->base_booked +=
            (int64_t)div_floor((int128)total * (floor_ms - from_ms), to_ms - from_ms);
    }
    journal->base_ms = floor_ms;
}

void registers_sum(struct cell_sum *sum, const struct meter *meter, const struct journal *journal,
                   struct stretch bucket)
{
    uint32_t i = journal_find(journal, bucket.from_ms);
    if (i > 0)
        i--;
    for (; i + 1 < journal->count; i++) {
        const struct reading *before = journal_at(journal, i);
        if (before->start_ms >= bucket.to_ms)
            break;
        struct stretch whole = {0, before[1].start_ms};
        int64_t total;
        if (!register_stretch(meter, journal, i, &whole.from_ms, &total))
            continue;
        struct stretch part = stretch_common(whole, bucket);
        if (part.from_ms >= part.to_ms)
            continue;
        sum->activity += stretch_piece(total, whole, part);
        cell_cover(sum, part,
                   before->quality == QUALITY_ESTIMATED || before[1].quality == QUALITY_ESTIMATED);
    }
}
