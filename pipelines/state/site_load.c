/* A site from bytes; payload.h tells the order. Bytes come from outside: all are checked.
 */
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/metering/decisions.h"
#include "pipelines/metering/register_chain.h"
#include "pipelines/metering/register_steps.h"
#include "pipelines/metering/stock.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_lead.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_periods.h"
#include "pipelines/state/payload.h"
#include "pipelines/state/site_versions.h"

#define TEN_YEARS_MS (3653 * DAY_MS)

struct taking {
    struct site *site;
    const struct dictionary *dictionary;
    const struct payload_names *names;
    struct packed *packed;
    struct buffer *why;
};

/* --- days --- */

/* Lets days go and opens days until they are those of the payload. */
static void follow_days(const struct taking *taking)
{
    struct site *site = taking->site;
    int64_t first_ms = packed_take_int(taking->packed, TIME_MIN_MS, TIME_MAX_MS);
    uint64_t count = packed_take_uint(taking->packed, site->days_capacity);
    if (taking->packed->damaged)
        return;
    while (site->days_count > 0 && site_day(site, 0)->window.start_ms < first_ms)
        site_drop_oldest_day(site);
    if (site->days_count == 0)
        site_open_first_day(site, first_ms);
    while (site->days_count < count &&
           site_day(site, site->days_count - 1)->window.end_ms <= TIME_MAX_MS &&
           site_has_room(site))
        site_open_next_day(site);
    taking->packed->damaged =
        site->days_count != count || site_day(site, 0)->window.start_ms != first_ms;
}

static uint8_t take_sinks(const struct taking *taking)
{
    uint8_t sinks;
    (void)payload_take_sinks(taking->names, taking->packed, &sinks);
    return sinks;
}

/* Buckets, hours, and the day itself; or the one mark of a period. */
static struct mark *mark_at(struct site *site, struct day *day, struct mark *single, uint64_t index)
{
    if (day == NULL)
        return index == 0 ? single : NULL;
    uint64_t rows_count = (uint64_t)(day->end_row - day->first_row);
    if (index < rows_count)
        return &site->row_marks[panel_slot(site->panel, day->first_row + (int64_t)index)];
    index -= rows_count;
    if (index < day->hours_count)
        return &day->hours[index];
    return index == day->hours_count ? &day->mark : NULL;
}

static void take_marks(const struct taking *taking, struct day *day, struct mark *single)
{
    struct packed *packed = taking->packed;
    struct mark *mark;
    for (uint64_t i = 0; (mark = mark_at(taking->site, day, single, i)) != NULL; i++)
        *mark = (struct mark){0};
    uint64_t next = 0;
    uint64_t key;
    while ((key = packed_take_uint(packed, UINT32_MAX)) != 0) {
        uint64_t gap = key >> MARK_FLAG_BITS;
        mark = gap > 0 ? mark_at(taking->site, day, single, next + gap - 1) : NULL;
        if (mark == NULL) {
            packed->damaged = true;
            return;
        }
        next += gap;
        mark->touches = (uint32_t)packed_take_uint(packed, UINT32_MAX);
        if ((key & MARK_HAS_REVISION) != 0)
            mark->revision = (uint32_t)packed_take_uint(packed, UINT32_MAX);
        if ((key & MARK_HAS_SINKS) != 0)
            mark->sinks = marks_all_dirty(take_sinks(taking));
    }
}

static void take_days(const struct taking *taking)
{
    uint64_t day;
    while ((day = packed_take_uint(taking->packed, taking->site->days_count)) != 0)
        take_marks(taking, site_day(taking->site, (uint32_t)day - 1), NULL);
}

/* --- months and years --- */

struct listed {
    struct {
        enum level level;
        int64_t start_ms;
    } periods[SITE_PERIODS_MAX];
    uint32_t count;
};

static void take_list(const struct taking *taking, struct listed *listed)
{
    uint64_t level;
    listed->count = 0;
    while ((level = packed_take_uint(taking->packed, LEVEL_YEAR)) != 0) {
        if (listed->count == SITE_PERIODS_MAX || level < LEVEL_MONTH) {
            taking->packed->damaged = true;
            return;
        }
        listed->periods[listed->count].level = (enum level)level;
        listed->periods[listed->count++].start_ms =
            packed_take_int(taking->packed, TIME_MIN_MS - TEN_YEARS_MS, TIME_MAX_MS);
    }
}

static bool is_listed(const struct listed *listed, const struct period *period)
{
    for (uint32_t i = 0; i < listed->count; i++) {
        if (listed->periods[i].level == period->level &&
            listed->periods[i].start_ms == period->window.start_ms)
            return true;
    }
    return false;
}

static void take_closed(const struct taking *taking, struct period *period)
{
    const struct dictionary *dictionary = taking->dictionary;
    site_clear_period(taking->site, period);
    for (uint32_t i = 0; i < dictionary->series_count && !taking->packed->damaged; i++) {
        struct figures figures;
        payload_take_figures(taking->names, taking->packed, &figures);
        if (dictionary->series[i] != REGISTRY_NONE)
            period->closed[dictionary->series[i]] = figures;
    }
    for (uint32_t first = 0; first < dictionary->meters_count; first += 64) {
        uint64_t bits = packed_take_uint(taking->packed, UINT64_MAX);
        for (uint32_t i = first; i < MIN(first + 64, dictionary->meters_count); i++) {
            uint32_t column = dictionary->meters[i];
            if ((bits >> (i - first) & 1) != 0 && column != REGISTRY_NONE)
                period->reporting[column / 64] |= UINT64_C(1) << column % 64;
        }
    }
}

static bool is_known(const struct site *site, enum level level, int64_t start_ms)
{
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        if (site->periods[i].used && site->periods[i].level == level &&
            site->periods[i].window.start_ms == start_ms)
            return true;
    }
    return false;
}

static void take_periods(const struct taking *taking)
{
    struct site *site = taking->site;
    struct listed listed;
    take_list(taking, &listed);
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++)
        site->periods[i].used = site->periods[i].used && is_listed(&listed, &site->periods[i]);
    for (uint32_t i = 0; i < listed.count && !taking->packed->damaged; i++) {
        int64_t start_ms = listed.periods[i].start_ms;
        bool known = is_known(site, listed.periods[i].level, start_ms);
        struct period *period =
            site_find_period(site, listed.periods[i].level, MAX(start_ms, TIME_MIN_MS));
        if (period == NULL || period->window.start_ms != start_ms) {
            taking->packed->damaged = true;
            return;
        }
        take_marks(taking, NULL, &period->mark);
        bool closed = packed_take_uint(taking->packed, 1) != 0;
        if (closed)
            take_closed(taking, period);
        else if (!known)
            taking->packed->damaged = true;
    }
}

/* --- meters --- */

/* A meter's record on the way in; journal NULL: the meter is gone, and what is said of it passes.
 */
struct meter_taking {
    const struct taking *taking;
    const struct meter *meter;
    struct journal *journal;
    uint32_t column;
};

static void take_note(struct packed *packed, int64_t bucket_ms, struct cell *cell)
{
    cell->spread_ms = (uint32_t)packed_take_uint(packed, cell->covered_ms);
    cell->held_ms = (uint32_t)packed_take_uint(packed, (uint64_t)bucket_ms);
    cell->moved_ms = (int64_t)packed_take_uint(packed, NOTE_MOVED_MAX_MS);
    cell->glitches = (uint32_t)packed_take_uint(packed, NOTE_COUNT_MAX);
    cell->conflicts = (uint32_t)packed_take_uint(packed, NOTE_COUNT_MAX);
}

static void take_frozen(const struct meter_taking *taken)
{
    unsigned flag_bits = taken->taking->names->version < 3 ? 0 : FROZEN_FLAG_BITS;
    struct packed *packed = taken->taking->packed;
    struct site *site = taken->taking->site;
    int64_t bucket_ms = site->conf.window->bucket_ms;
    int64_t row = site_day(site, 0)->first_row - 1;
    int64_t end_row = site_day(site, site->days_count - 1)->end_row;
    uint64_t key_max = (((uint64_t)site->panel->rows + 1) << flag_bits) - 1;
    uint64_t key;
    while ((key = packed_take_uint(packed, key_max)) != 0) {
        row += (int64_t)(key >> flag_bits);
        struct cell cell = {.present = true};
        cell.activity = packed_take_int(packed, -CELL_MAX, CELL_MAX);
        cell.covered_ms = (uint32_t)packed_take_uint(packed, (uint64_t)bucket_ms);
        cell.estimated_ms = (uint32_t)packed_take_uint(packed, cell.covered_ms);
        if (flag_bits > 0 && (key & FROZEN_HAS_NOTE) != 0)
            take_note(packed, bucket_ms, &cell);
        packed->damaged |= row >= end_row || key >> flag_bits == 0;
        if (packed->damaged)
            return;
        if (taken->journal == NULL)
            continue;
        /* Activity that its factor could hold then, and no longer can, counts as nothing, as it
         * would now.
         */
        cell.held =
            cell.activity > taken->meter->cell_max || cell.activity < -taken->meter->cell_max;
        cell.activity = cell.held ? 0 : cell.activity;
        panel_put(site->panel, row, taken->column, &cell);
    }
}

/* The readings before those that changed stay, except the oldest, which were forgotten. */
static void keep_readings(const struct meter_taking *taken, int64_t changed_ms, uint64_t kept)
{
    struct journal *journal = taken->journal;
    if (journal == NULL)
        return;
    uint32_t unchanged = journal_find(journal, changed_ms);
    if (kept > unchanged) {
        taken->taking->packed->damaged = true;
        return;
    }
    journal->count = unchanged;
    journal_drop_first(journal, unchanged - (uint32_t)kept);
}

static void take_first(const struct meter_taking *taken, int64_t first_ms)
{
    if (taken->journal != NULL)
        taken->taking->site->expected->first_ms[taken->column] = first_ms;
}

static void take_document(const struct meter_taking *taken, int64_t document_ms)
{
    if (taken->journal != NULL)
        taken->taking->site->expected->document_ms[taken->column] = document_ms;
}

/* Whether the journal may have the past that it has. Decisions have marked its readings. */
static bool is_sound_past(const struct meter *meter, const struct journal *journal)
{
    return !journal->past.known || (meter->kind == KIND_REGISTER && journal->count > 0 &&
                                    is_measured(journal_at(journal, 0)));
}

/* All flags that the version has. */
static uint64_t known_flags(uint32_t version)
{
    uint64_t last = version < 5 ? METER_HAS_PAST : METER_HAS_TOLD;
    return 2 * (version < 4 ? METER_HAS_ASIDE : last) - 1;
}

static int take_meter(const struct meter_taking *taken)
{
    struct packed *packed = taken->taking->packed;
    struct journal ignored = {0};
    struct journal *journal = taken->journal != NULL ? taken->journal : &ignored;
    uint64_t flags = packed_take_uint(packed, known_flags(taken->taking->names->version));
    struct stock_rate rate = {0};
    int64_t base_ms = INT64_MIN;
    int64_t base_booked = 0;
    int128 left = 0;
    journal->forgotten_ms = INT64_MIN;
    journal->aside_count = 0;
    if ((flags & METER_HAS_BASE) != 0) {
        base_ms = payload_take_time(packed);
        base_booked = packed_take_int(packed, -4 * REGISTER_MAX, 4 * REGISTER_MAX);
    }
    if ((flags & METER_HAS_FORGOTTEN) != 0)
        journal->forgotten_ms = payload_take_time(packed);
    if ((flags & METER_HAS_LEFT) != 0)
        left = packed_take_wide(packed, PAYLOAD_SUM_MAX);
    int64_t changed_ms = INT64_MAX;
    if ((flags & METER_HAS_CHANGED) != 0)
        changed_ms = packed_take_int(packed, TIME_MIN_MS, TIME_MAX_MS);
    if ((flags & METER_HAS_FIRST) != 0)
        take_first(taken, packed_take_int(packed, TIME_MIN_MS, TIME_MAX_MS));
    if ((flags & METER_HAS_DOCUMENT) != 0)
        take_document(taken, packed_take_int(packed, TIME_MIN_MS, TIME_MAX_MS));
    if ((flags & METER_HAS_PAST) != 0)
        readings_take_past(packed, &journal->past);
    if ((flags & METER_HAS_RATE) != 0)
        readings_take_rate(packed, &rate);
    bool told = (flags & METER_HAS_TOLD) != 0;
    journal->told_ms = told ? packed_take_int(packed, TIME_MIN_MS, TIME_MAX_MS) : INT64_MAX;
    keep_readings(taken, changed_ms, packed_take_uint(packed, METER_READINGS_MAX));
    journal->overlapping |= (flags & METER_OVERLAPS) != 0; /* what is kept stays so */
    const struct readings_taking readings = {.meter = taken->meter,
                                             .journal = taken->journal,
                                             .packed = packed,
                                             .early = taken->taking->names->version < 3,
                                             .why = taken->taking->why};
    int err = readings_take(&readings, packed_take_uint(packed, METER_READINGS_MAX));
    if (err == 0 && !packed->damaged && (flags & METER_HAS_ASIDE) != 0)
        err = readings_take_aside(&readings);
    journal->base_ms = base_ms;
    journal->base_booked = base_booked;
    journal->base_accrued = (flags & METER_BASE_ACCRUED) != 0;
    journal->dip_rate = rate;
    journal->accrued_ms = (flags & METER_ACCRUES) != 0 ? INT64_MAX : INT64_MIN; /* as then */
    packed->damaged |= journal->base_accrued && base_ms == INT64_MIN;
    if (taken->journal != NULL)
        taken->taking->site->panel->left[taken->column] = left;
    if (err == 0 && !packed->damaged)
        take_frozen(taken);
    return err;
}

static int take_meters(const struct taking *taking)
{
    struct site *site = taking->site;
    uint64_t number;
    while ((number = packed_take_uint(taking->packed, taking->dictionary->meters_count)) != 0) {
        uint32_t column = taking->dictionary->meters[number - 1];
        bool gone = column == REGISTRY_NONE;
        const struct meter_taking taken = {
            .taking = taking,
            .meter = gone ? NULL : &site->panel->meters[column],
            .journal = gone ? NULL : &site->journals[column],
            .column = column,
        };
        int err = take_meter(&taken);
        if (err < 0)
            return err;
        if (taking->packed->damaged)
            break;
    }
    return 0;
}

/* --- all of it --- */

static void take_outcomes(const struct taking *taking)
{
    memset(taking->site->outcomes, 0, sizeof(taking->site->outcomes));
    uint64_t number;
    while ((number = packed_take_uint(taking->packed, taking->names->outcomes_count)) != 0) {
        uint32_t outcome = taking->names->outcomes[number - 1];
        uint64_t count = packed_take_uint(taking->packed, UINT64_MAX);
        if (outcome < OUTCOME_COUNT)
            taking->site->outcomes[outcome] = count;
    }
}

/* Up to version 2 meters were expected from the facility's first bucket. */
static void begin_as_before(const struct taking *taking)
{
    struct site *site = taking->site;
    if (site->first_row == INT64_MAX)
        return;
    site->expected->begin_ms = site->first_row * site->conf.window->bucket_ms;
    for (uint32_t i = 0; i < taking->dictionary->meters_count; i++)
        if (taking->dictionary->meters[i] != REGISTRY_NONE)
            site->expected->first_ms[taking->dictionary->meters[i]] = site->expected->begin_ms;
}

static void take_begin(const struct taking *taking)
{
    struct site *site = taking->site;
    struct packed *packed = taking->packed;
    site->expected->counted = false;
    site->lead = (struct lead){0};
    if (taking->names->version < 3) {
        begin_as_before(taking);
        return;
    }
    site->expected->begin_ms = packed_take_int(packed, TIME_MIN_MS, INT64_MAX);
    packed->damaged |= (site->expected->begin_ms == INT64_MAX) != (site->first_row == INT64_MAX);
    if (packed_take_uint(packed, 1) == 0)
        return;
    site->lead.mark.sinks = marks_all_dirty(take_sinks(taking));
    site->lead.from_ms = packed_take_int(packed, TIME_MIN_MS - TEN_YEARS_MS, TIME_MAX_MS);
    site->lead.until_ms = packed_take_int(packed, TIME_MIN_MS, TIME_MAX_MS);
    packed->damaged |= site->lead.from_ms > site->lead.until_ms ||
                       site->lead.until_ms - site->lead.from_ms > LEAD_DAYS_MAX * DAY_MS;
}

static void take_head(const struct taking *taking)
{
    struct site *site = taking->site;
    int64_t row_max = (TIME_MAX_MS + TEN_YEARS_MS) / site->conf.window->bucket_ms;
    site->first_row = packed_take_int(taking->packed, -row_max, INT64_MAX);
    if (site->first_row != INT64_MAX && site->first_row > row_max) {
        taking->packed->damaged = true;
        return;
    }
    take_begin(taking);
    site->seen_row = packed_take_int(taking->packed, INT64_MIN, row_max);
    site->closed_ms = payload_take_time(taking->packed);
    follow_days(taking);
}

int site_load(struct site *site, const struct dictionary *dictionary,
              const struct payload_names *names, struct packed *packed, struct buffer *why)
{
    const struct taking taking = {site, dictionary, names, packed, why};
    take_head(&taking);
    if (packed->damaged)
        return ERR_SYNTAX;
    take_outcomes(&taking);
    for (uint32_t i = 0; i < dictionary->series_count; i++) {
        int128 balance = packed_take_wide(packed, PAYLOAD_SUM_MAX);
        if (dictionary->series[i] != REGISTRY_NONE)
            site->balance[dictionary->series[i]] = balance;
    }
    take_days(&taking);
    take_periods(&taking);
    int err = packed->damaged ? ERR_SYNTAX : take_meters(&taking);
    return err == 0 && packed->damaged ? ERR_SYNTAX : err;
}

/* --- what was not saved --- */

/* Every open day needs its month and its year, which are made when it is touched. */
static bool has_room_for_periods(struct site *site)
{
    uint32_t needed = 0;
    int64_t made_until_ms[2] = {INT64_MIN, INT64_MIN};
    static const enum level levels[2] = {LEVEL_MONTH, LEVEL_YEAR};
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++)
        needed += site->periods[i].used;
    for (uint32_t i = 0; i < site->days_count; i++) {
        int64_t day_ms = site_day(site, i)->window.start_ms;
        for (size_t k = 0; k < ARRAY_LEN(levels); k++) {
            struct window window = calendar_window(site->calendar, levels[k], day_ms);
            if (day_ms < made_until_ms[k])
                continue;
            made_until_ms[k] = window.end_ms;
            needed += !is_known(site, levels[k], window.start_ms);
        }
    }
    return needed <= SITE_PERIODS_MAX;
}

static void count_dirty(void *context, const struct mark_place *place)
{
    uint8_t sinks = marks_unsettled(place->mark->sinks);
    place->mark->sinks = (struct marks){0};
    site_mark_dirty(context, place->day, place->mark, sinks);
}

/* The rows that the readings touch, from where they alone decide, are to be projected. */
static void mark_stale(struct site *site, uint32_t column, int64_t end_row)
{
    const struct journal *journal = &site->journals[column];
    if (site->first_row == INT64_MAX)
        return;
    struct stretch extent = decisions_extent(&site->panel->meters[column], journal);
    for (uint32_t i = 0; i < journal->count; i++)
        extent.to_ms = MAX(extent.to_ms, reading_end_ms(journal_at(journal, i)));
    if (journal->count > 0)
        extent.from_ms = MIN(extent.from_ms, journal_at(journal, 0)->start_ms);
    if (journal->told_ms < journal->accrued_ms) {
        extent.from_ms = MIN(extent.from_ms, journal->told_ms);
        extent.to_ms = MAX(extent.to_ms, journal->accrued_ms);
    }
    if (extent.from_ms > extent.to_ms)
        return;
    /* A document may have left a bucket before the first reading in force. */
    int64_t row = MAX(site_day(site, 0)->first_row, site_row(site, extent.from_ms));
    if (journal->forgotten_ms != INT64_MIN)
        row = MAX(row, site_row(site, journal->forgotten_ms));
    end_row = MIN(end_row, site_row(site, extent.to_ms) + 1);
    end_row = MIN(end_row, site_day(site, site->days_count - 1)->end_row);
    for (; row < end_row; row++)
        panel_mark_stale(site->panel, row, column);
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        day->stale_row = day->first_row;
        day->stale_end_row = day->end_row;
    }
}

/* Other meters have other accounts: what years and meters differ by now is no fault. */
static void accept_balance(struct site *site)
{
    for (uint32_t i = 0; i < site->facility->series_count; i++) {
        const struct series *series =
            &site->conf.registry->series[site->facility->series_first + i];
        uint32_t first = series->meters_first - site->facility->meters_first;
        site->balance[i] = 0;
        for (uint32_t k = 0; k < SITE_PERIODS_MAX; k++) {
            if (site->periods[k].used && site->periods[k].level == LEVEL_YEAR)
                site->balance[i] += site->periods[k].closed[i].value[FIGURE_ACTIVITY];
        }
        for (uint32_t k = 0; k < series->meters_count; k++)
            site->balance[i] -= site->panel->left[first + k];
    }
}

/* The stock of a loaded journal can have accrued there. */
static bool is_sound_accrual(const struct meter *meter, const struct journal *journal)
{
    return meter->kind == KIND_STOCK ||
           (journal->dip_rate.span_ms == 0 && !journal->base_accrued &&
            journal->accrued_ms == INT64_MIN && journal->told_ms == INT64_MAX);
}

/* Decisions may come before their readings. A note of a document that has moved may be of one that
 * was never in force. */
static bool is_after(const struct reading *entry, int64_t newest_ms)
{
    return entry->role != ROLE_DECISION && entry->role != ROLE_MOVED &&
           reading_end_ms(entry) > newest_ms;
}

/* Whether the journal has a reading that would have moved the clock further. */
static bool is_ahead(const struct journal *journal, int64_t newest_ms)
{
    bool ahead = false;
    for (uint32_t i = 0; i < journal->count; i++)
        ahead |= is_after(journal_at(journal, i), newest_ms);
    for (uint32_t i = 0; i < journal->aside_count; i++)
        ahead |= is_after(journal_aside(journal, i), newest_ms);
    return ahead;
}

int site_load_end(struct site *site, const struct site_loaded *loaded)
{
    if (!has_room_for_periods(site))
        return ERR_SYNTAX;
    for (uint32_t column = 0; column < site->facility->meters_count; column++) {
        if (is_ahead(&site->journals[column], loaded->newest_ms) ||
            !is_sound_accrual(&site->panel->meters[column], &site->journals[column]))
            return ERR_SYNTAX;
    }
    site_adopt_accrual(site, loaded->clock->accrued_ms);
    site_visit_marks(site, count_dirty, site);
    site_versions_adopt(site, loaded->dictionary);
    for (uint32_t column = 0; column < site->facility->meters_count; column++) {
        const struct meter *meter = &site->panel->meters[column];
        decisions_mark(meter, &site->journals[column]);
        if (!is_sound_past(meter, &site->journals[column]))
            return ERR_SYNTAX;
        if (meter->kind == KIND_REGISTER)
            register_chain_judge(meter, &site->journals[column]);
    }
    for (uint32_t column = 0; column < site->facility->meters_count; column++)
        mark_stale(site, column,
                   site_versions_share(site, column, loaded->pending_column) ? loaded->pending_row
                                                                             : INT64_MAX);
    panel_accept(site->panel);
    if (!loaded->dictionary->same) {
        accept_balance(site);
        site_touch_told(site, loaded->clock);
    } else if (loaded->earlier) {
        site_touch_told(site, loaded->clock);
    }
    site_tell_again(site, loaded->new_sinks);
    return 0;
}
