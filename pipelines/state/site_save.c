/* A site as bytes; payload.h tells the order. */
#include <sys/param.h>

#include "pipelines/rollup/site_days.h"
#include "pipelines/state/payload.h"

/* --- marks --- */

struct mark_run {
    struct buffer *out;
    uint64_t gap;
};

static void add_mark(struct mark_run *run, const struct mark *mark)
{
    uint8_t sinks = marks_unsettled(mark->sinks);
    if (mark->touches == 0 && mark->revision == 0 && sinks == 0) {
        run->gap++;
        return;
    }
    uint64_t flags = (mark->revision > 0 ? MARK_HAS_REVISION : 0U) | (sinks ? MARK_HAS_SINKS : 0U);
    uint8_t bytes[4 * PACKED_UINT_BYTES];
    uint8_t *at = packed_put_uint(bytes, (run->gap + 1) << MARK_FLAG_BITS | flags);
    at = packed_put_uint(at, mark->touches);
    if (mark->revision > 0)
        at = packed_put_uint(at, mark->revision);
    if (sinks != 0)
        at = packed_put_uint(at, sinks);
    buffer_add(run->out, bytes, (size_t)(at - bytes));
    run->gap = 0;
}

static void end_marks(struct mark_run *run)
{
    packed_add_uint(run->out, 0);
}

static void save_day(const struct site *site, const struct day *day, struct buffer *out)
{
    struct mark_run run = {.out = out};
    for (int64_t row = day->first_row; row < day->end_row; row++)
        add_mark(&run, &site->row_marks[panel_slot(site->panel, row)]);
    for (uint32_t hour = 0; hour < day->hours_count; hour++)
        add_mark(&run, &day->hours[hour]);
    add_mark(&run, &day->mark);
    end_marks(&run);
}

static void save_days(const struct site *site, bool full, struct buffer *out)
{
    for (uint32_t i = 0; i < site->days_count; i++) {
        const struct day *day = site_day(site, i);
        if (!full && !day->changed)
            continue;
        packed_add_uint(out, i + 1);
        save_day(site, day, out);
    }
    packed_add_uint(out, 0);
}

/* --- months and years --- */

static bool is_before(const struct period *a, const struct period *b)
{
    return a->level != b->level ? a->level < b->level : a->window.start_ms < b->window.start_ms;
}

/* In an order that does not depend on when they were made: equal states are equal bytes. */
static uint32_t sort_periods(const struct site *site, const struct period *sorted[SITE_PERIODS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        const struct period *period = &site->periods[i];
        if (!period->used)
            continue;
        uint32_t at = count++;
        for (; at > 0 && is_before(period, sorted[at - 1]); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = period;
    }
    return count;
}

static void save_periods(const struct site *site, bool full, struct buffer *out)
{
    const struct period *sorted[SITE_PERIODS_MAX];
    uint32_t count = sort_periods(site, sorted);
    for (uint32_t i = 0; i < count; i++) {
        packed_add_uint(out, sorted[i]->level);
        packed_add_int(out, sorted[i]->window.start_ms);
    }
    packed_add_uint(out, 0);
    for (uint32_t i = 0; i < count; i++) {
        struct mark_run run = {.out = out};
        add_mark(&run, &sorted[i]->mark);
        end_marks(&run);
        bool closed = full || sorted[i]->changed;
        packed_add_uint(out, closed);
        for (uint32_t k = 0; closed && k < site->facility->series_count; k++)
            payload_add_figures(&sorted[i]->closed[k], out);
        for (uint32_t k = 0; closed && k < site->words; k++)
            packed_add_uint(out, sorted[i]->reporting[k]);
    }
}

/* --- meters --- */

static uint64_t role_of(const struct reading *reading)
{
    return (uint64_t)reading->role << 1 | reading->conflict;
}

/* A register has none: its chain is derived from its readings. */
static uint64_t id_of(const struct meter *meter, const struct reading *reading)
{
    return meter->kind == KIND_REGISTER ? 0 : reading->id_hash;
}

/* The parts that few readings have. */
static uint8_t *put_identity(uint8_t *at, uint8_t *flags, const struct meter *meter,
                             const struct reading *before, const struct reading *reading)
{
    if (role_of(reading) != role_of(before)) {
        *flags |= READING_NEW_ROLE;
        at = packed_put_uint(at, role_of(reading));
    }
    if (id_of(meter, reading) != 0) {
        *flags |= READING_HAS_ID;
        at = packed_put_uint(at, id_of(meter, reading));
    }
    return at;
}

static void save_readings(const struct meter *meter, const struct reading *first, uint32_t count,
                          struct buffer *out)
{
    struct reading before = {0};
    int64_t step_ms = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct reading *reading = &first[i];
        uint8_t bytes[8 * PACKED_UINT_BYTES];
        uint8_t *at = bytes + 1;
        bytes[0] = 0;
        int64_t now_ms = reading->start_ms - before.start_ms;
        if (now_ms != step_ms) {
            bytes[0] |= READING_NEW_STEP;
            at = packed_put_uint(at, packed_zigzag(now_ms - step_ms));
        }
        if (reading->span_ms != before.span_ms) {
            bytes[0] |= READING_NEW_SPAN;
            at = packed_put_uint(at, reading->span_ms);
        }
        if (reading->revision != before.revision || reading->quality != before.quality) {
            bytes[0] |= READING_NEW_RANK;
            at = packed_put_uint(at, (uint64_t)reading->revision << 2 | reading->quality);
        }
        at = put_identity(at, bytes, meter, &before, reading);
        at = packed_put_uint(at, packed_zigzag(reading->value - before.value));
        at = packed_put_uint(
            at, packed_zigzag((int64_t)((uint64_t)reading->offset - (uint64_t)before.offset)));
        buffer_add(out, bytes, (size_t)(at - bytes));
        before = *reading;
        step_ms = now_ms;
    }
}

/* The row that the journal can give from; all rows if nothing is forgotten. */
static int64_t frozen_until(const struct site *site, int64_t forgotten_ms)
{
    return forgotten_ms == INT64_MIN ? INT64_MIN : site_row(site, forgotten_ms);
}

static void save_note(const struct cell_note *note, struct buffer *out)
{
    packed_add_uint(out, note->spread_ms);
    packed_add_uint(out, note->held_ms);
    packed_add_uint(out, note->moved_ms);
    packed_add_uint(out, note->glitches);
    packed_add_uint(out, note->conflicts);
}

static void save_cell(const struct panel *panel, size_t i, uint64_t gap, struct buffer *out)
{
    bool noted = panel->noted[i / panel->columns] && !note_is_empty(&panel->notes[i]);
    packed_add_uint(out, (gap + 1) << FROZEN_FLAG_BITS | (noted ? FROZEN_HAS_NOTE : 0));
    packed_add_int(out, panel->activity[i]);
    packed_add_uint(out, panel->covered_ms[i]);
    packed_add_uint(out, panel->estimated_ms[i]);
    if (noted)
        save_note(&panel->notes[i], out);
}

/* Cells that the journal can no longer give. Rows are counted from the oldest open one. Such a cell
 * never changes again, so those that the chain has are not repeated. */
static void save_frozen(const struct site *site, uint32_t column, bool full, struct buffer *out)
{
    const struct panel *panel = site->panel;
    const struct journal *journal = &site->journals[column];
    int64_t first_row = site_day(site, 0)->first_row;
    int64_t end_row = MIN(frozen_until(site, journal->forgotten_ms),
                          site_day(site, site->days_count - 1)->end_row);
    int64_t row =
        full ? first_row : MAX(first_row, frozen_until(site, journal->saved_forgotten_ms));
    uint64_t gap = (uint64_t)(row - first_row);
    for (; row < end_row; row++) {
        size_t i = (size_t)panel_slot(panel, row) * panel->columns + column;
        if (panel->present[i] == 0) {
            gap++;
            continue;
        }
        save_cell(panel, i, gap, out);
        gap = 0;
    }
    packed_add_uint(out, 0);
}

static void save_past(const struct register_past *past, struct buffer *out)
{
    packed_add_uint(out, past->known ? (past->rises + 1U) << 1 | past->exempt : 0);
    struct register_rise behind = {0};
    for (uint32_t i = 0; i < MIN(past->rises, PAST_RISES); i++) {
        const struct register_rise *rise = &past->newest[i];
        packed_add_uint(out, rise->step);
        packed_add_int(out, rise->amount);
        packed_add_int(out, rise->ms - behind.ms);
        packed_add_int(out, behind.before - rise->amount - rise->before);
        behind = *rise;
    }
}

static uint64_t flag(bool set, uint64_t flag_if)
{
    return set ? flag_if : 0;
}

/* Flags of a meter whose announcements site_save() makes. */
static uint64_t flags_of(const struct site *site, uint32_t column, bool full)
{
    const struct journal *journal = &site->journals[column];
    return flag(journal->overlapping, METER_OVERLAPS) |
           flag(journal->base_ms != INT64_MIN, METER_HAS_BASE) |
           flag(journal->forgotten_ms != INT64_MIN, METER_HAS_FORGOTTEN) |
           flag(site->panel->left[column] != 0, METER_HAS_LEFT) |
           flag(!full && journal->changed_ms != INT64_MAX, METER_HAS_CHANGED) |
           flag(site->expected->first_ms[column] != INT64_MAX, METER_HAS_FIRST) |
           flag(site->expected->document_ms[column] != INT64_MIN, METER_HAS_DOCUMENT) |
           flag(journal->aside_count > 0, METER_HAS_ASIDE) |
           flag(full ? journal->past.known : journal->past_changed, METER_HAS_PAST) |
           flag(journal->dip_rate.span_ms > 0, METER_HAS_RATE) |
           flag(journal->accrued_ms != INT64_MIN, METER_ACCRUES) |
           flag(journal->base_accrued, METER_BASE_ACCRUED) |
           flag(journal->told_ms != INT64_MAX, METER_HAS_TOLD);
}

/* The content that the flags announce, in their order. */
static void save_announced(const struct site *site, uint32_t column, uint64_t flags,
                           struct buffer *out)
{
    const struct journal *journal = &site->journals[column];
    if ((flags & METER_HAS_BASE) != 0) {
        packed_add_int(out, journal->base_ms);
        packed_add_int(out, journal->base_booked);
    }
    if ((flags & METER_HAS_FORGOTTEN) != 0)
        packed_add_int(out, journal->forgotten_ms);
    if ((flags & METER_HAS_LEFT) != 0)
        packed_add_wide(out, site->panel->left[column]);
    if ((flags & METER_HAS_CHANGED) != 0)
        packed_add_int(out, journal->changed_ms);
    if ((flags & METER_HAS_FIRST) != 0)
        packed_add_int(out, site->expected->first_ms[column]);
    if ((flags & METER_HAS_DOCUMENT) != 0)
        packed_add_int(out, site->expected->document_ms[column]);
    if ((flags & METER_HAS_PAST) != 0)
        save_past(&journal->past, out);
    if ((flags & METER_HAS_RATE) != 0) {
        packed_add_int(out, journal->dip_rate.amount);
        packed_add_uint(out, (uint64_t)journal->dip_rate.span_ms);
    }
    if ((flags & METER_HAS_TOLD) != 0)
        packed_add_int(out, journal->told_ms);
}

static void save_meter(const struct site *site, uint32_t column, bool full, struct buffer *out)
{
    const struct journal *journal = &site->journals[column];
    uint64_t flags = flags_of(site, column, full);
    packed_add_uint(out, column + 1);
    packed_add_uint(out, flags);
    save_announced(site, column, flags, out);
    uint32_t kept = full ? 0 : journal_find(journal, journal->changed_ms);
    journal_check(journal, kept > 0 ? kept - 1 : 0);
    packed_add_uint(out, kept);
    packed_add_uint(out, journal->count - kept);
    const struct meter *meter = &site->panel->meters[column];
    save_readings(meter, journal_at(journal, kept), journal->count - kept, out);
    if (journal->aside_count > 0) {
        packed_add_uint(out, journal->aside_count);
        save_readings(meter, journal_aside(journal, 0), journal->aside_count, out);
    }
    save_frozen(site, column, full, out);
}

/* --- all of it --- */

static void save_outcomes(const struct site *site, struct buffer *out)
{
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        if (site->outcomes[i] == 0)
            continue;
        packed_add_uint(out, i + 1);
        packed_add_uint(out, site->outcomes[i]);
    }
    packed_add_uint(out, 0);
}

static void save_begin(const struct site *site, struct buffer *out)
{
    uint8_t sinks = marks_unsettled(site->lead.mark.sinks);
    packed_add_int(out, site->expected->begin_ms);
    packed_add_uint(out, sinks != 0);
    if (sinks == 0)
        return;
    packed_add_uint(out, sinks);
    packed_add_int(out, site->lead.from_ms);
    packed_add_int(out, site->lead.until_ms);
}

void site_save(const struct site *site, bool full, struct buffer *out)
{
    if (full) /* an increment says little of the panel, and is not to cost a walk over it */
        panel_check(site->panel);
    packed_add_int(out, site->first_row);
    save_begin(site, out);
    packed_add_int(out, site->seen_row);
    packed_add_int(out, site->closed_ms);
    packed_add_int(out, site_day(site, 0)->window.start_ms);
    packed_add_uint(out, site->days_count);
    save_outcomes(site, out);
    for (uint32_t i = 0; i < site->facility->series_count; i++)
        packed_add_wide(out, site->balance[i]);
    save_days(site, full, out);
    save_periods(site, full, out);
    for (uint32_t i = 0; i < site->facility->meters_count; i++) {
        if (full || site->journals[i].changed)
            save_meter(site, i, full, out);
    }
    packed_add_uint(out, 0);
}

void site_saved(struct site *site)
{
    if (!site->changed)
        return;
    site->changed = false;
    for (uint32_t i = 0; i < site->days_count; i++)
        site_day(site, i)->changed = false;
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++)
        site->periods[i].changed = false;
    for (uint32_t i = 0; i < site->facility->meters_count; i++)
        journal_saved(&site->journals[i]);
}
