#include "pipelines/rollup/site.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/metering/decisions.h"
#include "pipelines/metering/stock.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_documents.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/rollup/site_totals.h"

/* The ring holds the horizon, the allowed delay, and all of the longest day that can straddle the
 * floor. So the oldest day is past the floor whenever a new row needs its room. */
static uint32_t ring_rows(const struct window_conf *window)
{
    int64_t span_ms = window->horizon_ms + window->allowed_delay_ms + 2 * DAY_MS + 2 * HOUR_MS;
    return (uint32_t)(span_ms / window->bucket_ms) + 2;
}

static uint32_t ring_days(const struct window_conf *window)
{
    int64_t span_ms = (int64_t)ring_rows(window) * window->bucket_ms;
    return (uint32_t)(span_ms / (DAY_MS / 2)) + 2; /* short days where the date line moved */
}

struct layout {
    uint32_t rows, days, words;
    size_t readings, figures, bits, total;
};

static struct layout layout_of(const struct registry *registry, const struct window_conf *window,
                               const struct facility *facility)
{
    struct layout layout = {.rows = ring_rows(window),
                            .days = ring_days(window),
                            .words = (facility->meters_count + 63) / 64};
    for (uint32_t i = 0; i < facility->meters_count; i++)
        layout.readings += registry->meters[facility->meters_first + i].readings_max;
    size_t holders = layout.days + SITE_PERIODS_MAX + SITE_SUMS;
    layout.figures = holders * facility->series_count;
    layout.bits = holders * layout.words;
    layout.total = sizeof(struct site) + facility->meters_count * sizeof(struct journal) +
                   layout.readings * sizeof(struct reading) + layout.rows * sizeof(struct mark) +
                   layout.days * sizeof(struct day) + layout.figures * sizeof(struct figures) +
                   layout.bits * sizeof(uint64_t) + facility->series_count * sizeof(int128) +
                   site_expected_size(facility) + panel_size(layout.rows, facility->meters_count) +
                   rated_panel_size(facility, layout.rows, layout.readings) +
                   submeters_size(registry->meters, facility, RATED_ROWS_MAX);
    return layout;
}

size_t site_size(const struct registry *registry, const struct window_conf *window,
                 uint32_t facility)
{
    return layout_of(registry, window, &registry->facilities[facility]).total;
}

/* Hands out the parts of the slabs. */
static void site_divide(struct site *site, const struct layout *layout)
{
    const struct registry *registry = site->conf.registry;
    uint32_t series_count = site->facility->series_count;
    struct reading *slots = site->slots;
    for (uint32_t i = 0; i < site->facility->meters_count; i++) {
        uint32_t capacity = registry->meters[site->facility->meters_first + i].readings_max;
        journal_init(&site->journals[i], slots, capacity);
        slots += capacity;
    }
    struct figures *figures = site->figures;
    uint64_t *bits = site->bits;
    for (uint32_t i = 0; i < layout->days; i++) {
        site->days[i].cache = figures + (size_t)i * series_count;
        site->days[i].reporting = bits + (size_t)i * layout->words;
    }
    figures += (size_t)layout->days * series_count;
    bits += (size_t)layout->days * layout->words;
    for (uint32_t i = 0; i < SITE_PERIODS_MAX; i++) {
        site->periods[i].closed = figures + (size_t)i * series_count;
        site->periods[i].reporting = bits + (size_t)i * layout->words;
    }
    figures += (size_t)SITE_PERIODS_MAX * series_count;
    bits += (size_t)SITE_PERIODS_MAX * layout->words;
    for (uint32_t i = 0; i < SITE_SUMS; i++) {
        site->sums[i].figures = figures + (size_t)i * series_count;
        site->sums[i].reporting = bits + (size_t)i * layout->words;
    }
}

static int site_allocate(struct site *site, const struct layout *layout)
{
    const struct meter *meters = &site->conf.registry->meters[site->facility->meters_first];
    uint32_t meters_count = site->facility->meters_count;
    site->journals = calloc(meters_count, sizeof(*site->journals));
    site->slots = calloc(layout->readings, sizeof(*site->slots));
    site->row_marks = calloc(layout->rows, sizeof(*site->row_marks));
    site->days = calloc(layout->days, sizeof(*site->days));
    site->figures = calloc(layout->figures, sizeof(*site->figures));
    site->bits = calloc(layout->bits, sizeof(*site->bits));
    site->balance = calloc(site->facility->series_count, sizeof(*site->balance));
    int err = site_expected_create(&site->expected, site->facility);
    if (err < 0 || site->journals == NULL || site->slots == NULL || site->row_marks == NULL ||
        site->days == NULL || site->figures == NULL || site->bits == NULL || site->balance == NULL)
        return -ENOMEM;
    site_divide(site, layout);
    err = panel_create(&site->panel, layout->rows, meters_count, site->conf.window->bucket_ms,
                       meters, site->journals);
    if (err == 0)
        err = rated_panel_create(&site->rated, site->panel, site->conf.rating, site->conf.registry,
                                 site->facility, layout->readings);
    return err;
}

int site_create(struct site **site_out, const struct site_conf *conf,
                const struct site_clock *clock)
{
    const struct facility *facility = &conf->registry->facilities[conf->facility];
    ASSERT(facility->meters_count > 0);
    struct layout layout = layout_of(conf->registry, conf->window, facility);
    struct site *site = calloc(1, sizeof(*site));
    if (site == NULL)
        return -ENOMEM;
    site->conf = *conf;
    site->facility = facility;
    site->scratch = rating_scratch(conf->rating);
    site->days_capacity = layout.days;
    site->words = layout.words;
    site->first_row = INT64_MAX;
    site->closed_ms = site->seen_row = INT64_MIN;
    int err = site_allocate(site, &layout);
    if (err == 0)
        err = calendar_create(&site->calendar, facility->time_zone, conf->window->bucket_ms,
                              conf->window->fiscal_year_start);
    if (err == 0 && conf->has_targets)
        err = site_totals_create(&site->totals, conf->production_meter);
    if (err < 0) {
        site_destroy(&site);
        return err;
    }
    site_set_accrued(site, clock->accrued_ms);
    site_open_first_day(site, clock->floor_ms);
    *site_out = site;
    return 0;
}

void site_set_accrued(struct site *site, int64_t accrued_ms)
{
    for (uint32_t i = 0; i < site->facility->meters_count; i++) {
        const struct meter *meter = &site->panel->meters[i];
        site->accrues |= meter->accrues;
        site->journals[i].accrued_ms =
            meter->accrues ? MIN(accrued_ms, meter->valid_to_ms) : INT64_MIN;
    }
}

void site_adopt_accrual(struct site *site, int64_t accrued_ms)
{
    for (uint32_t i = 0; i < site->facility->meters_count; i++) {
        const struct meter *meter = &site->panel->meters[i];
        struct journal *journal = &site->journals[i];
        bool accrued = journal->accrued_ms != INT64_MIN;
        if (meter->kind != KIND_STOCK || accrued == meter->accrues)
            continue;
        journal->accrued_ms = accrued ? accrued_ms : INT64_MIN;
        stock_keep_closed(journal, journal->forgotten_ms);
        journal->told_ms = INT64_MAX;
    }
    site_set_accrued(site, accrued_ms);
    for (uint32_t i = 0; i < site->facility->meters_count; i++)
        (void)stock_accrual_changed(&site->journals[i], stock_accrual_of(&site->journals[i]));
}

void site_destroy(struct site **site)
{
    struct site *gone = TAKE(*site);
    if (gone == NULL)
        return;
    ASSERT(gone->touched.day == NULL); /* no batch is being applied */
    if (gone->calendar != NULL)
        calendar_destroy(&gone->calendar);
    rated_panel_destroy(&gone->rated);
    panel_destroy(&gone->panel);
    site_expected_destroy(&gone->expected);
    site_totals_destroy(&gone->totals);
    free(gone->balance);
    free(gone->bits);
    free(gone->figures);
    free(gone->days);
    free(gone->row_marks);
    free(gone->slots);
    free(gone->journals);
    free(gone);
}

/* The readings that the column's journal is about to forget are in the panel then. */
static void site_refresh_until(struct site *site, uint32_t column, int64_t end_row)
{
    for (uint32_t i = 0; i < site->days_count; i++) {
        struct day *day = site_day(site, i);
        if (day->first_row >= end_row)
            break;
        if (panel_is_stale(site->panel, column, day->stale_row, MIN(day->stale_end_row, end_row)))
            site_refresh_day(site, day);
    }
}

void site_book(struct site *site, const struct site_clock *clock, uint32_t meter,
               const struct reading *reading, struct booking *booking_out)
{
    site->changed = true;
    uint32_t column = meter - site->facility->meters_first;
    const struct meter *conf = &site->conf.registry->meters[meter];
    struct journal *journal = &site->journals[column];
    if (journal->aside_count == 0 &&
        booking_add_next(booking_out, conf, journal, reading, clock->floor_ms))
        return;
    /* A full journal may hold readings of days that have not left yet. How long they stay is up to
     * the sinks, and must not decide whether a reading is taken. */
    if (!booking_has_room(journal) ||
        booking_reaches_back(conf, journal, reading, clock->floor_ms) ||
        decisions_forget_reading(conf, journal, clock->floor_ms)) {
        site_refresh_until(site, column, site_row(site, clock->floor_ms));
        site_forget(site, column, clock->floor_ms);
    }
    decisions_book(booking_out, conf, journal, reading, site->conf.window->bucket_ms,
                   clock->floor_ms);
}
