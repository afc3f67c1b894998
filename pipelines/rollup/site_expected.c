/* From when on the meters of a site are expected, and how long in a window. */
#include "pipelines/rollup/site_expected.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_documents.h"
#include "pipelines/rollup/site_totals.h"

size_t site_expected_size(const struct facility *facility)
{
    return sizeof(struct site_expected) + 2 * (size_t)facility->meters_count * sizeof(int64_t) +
           (2 * (size_t)facility->meters_count + facility->series_count) * sizeof(uint32_t);
}

int site_expected_create(struct site_expected **expected_out, const struct facility *facility)
{
    struct site_expected *expected = calloc(1, sizeof(*expected));
    if (expected == NULL)
        return -ENOMEM;
    expected->begin_ms = INT64_MAX;
    expected->first_ms = calloc(facility->meters_count, sizeof(*expected->first_ms));
    expected->counts = calloc(facility->series_count, sizeof(*expected->counts));
    expected->scheduled = calloc(facility->meters_count, sizeof(*expected->scheduled));
    expected->document_ms = calloc(facility->meters_count, sizeof(*expected->document_ms));
    expected->documents = calloc(facility->meters_count, sizeof(*expected->documents));
    if (expected->first_ms == NULL || expected->counts == NULL || expected->scheduled == NULL ||
        expected->document_ms == NULL || expected->documents == NULL) {
        site_expected_destroy(&expected);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < facility->meters_count; i++) {
        expected->first_ms[i] = INT64_MAX;
        expected->document_ms[i] = INT64_MIN;
    }
    *expected_out = expected;
    return 0;
}

void site_expected_destroy(struct site_expected **expected)
{
    struct site_expected *gone = TAKE(*expected);
    if (gone == NULL)
        return;
    free(gone->documents);
    free(gone->document_ms);
    free(gone->scheduled);
    free(gone->counts);
    free(gone->first_ms);
    free(gone);
}

static const struct meter *meter_of(const struct site *site, uint32_t column)
{
    return &site->panel->meters[column];
}

/* Expected from its own first reading. */
static bool begins_itself(const struct meter *meter)
{
    return meter->expected && meter->expected_from_ms == INT64_MIN;
}

/* When the meter is expected; an empty span if it is not, or not yet. */
static struct window span_of(const struct site *site, uint32_t column)
{
    const struct meter *meter = meter_of(site, column);
    if (!meter->expected || site->expected->begin_ms == INT64_MAX)
        return (struct window){INT64_MAX, INT64_MIN};
    int64_t from_ms = begins_itself(meter) ? site->expected->first_ms[column]
                                           : MAX(meter->expected_from_ms, site->expected->begin_ms);
    return (struct window){from_ms, meter->valid_to_ms};
}

int64_t site_expected_from(const struct site *site, uint32_t column)
{
    return span_of(site, column).start_ms;
}

/* How long of [from_ms, to_ms) the column is expected. */
static int64_t time_of(const struct site *site, uint32_t column, int64_t from_ms, int64_t to_ms)
{
    struct window span = span_of(site, column);
    return registry_expected_time(site->conf.registry, meter_of(site, column),
                                  MAX(from_ms, span.start_ms), to_ms);
}

/* --- what all windows of some span have in common --- */

static void count_column(struct site_expected *expected, const struct site *site, uint32_t column,
                         uint32_t series)
{
    struct window span = span_of(site, column);
    if (span.start_ms >= span.end_ms)
        return;
    if (site_is_document(meter_of(site, column)))
        expected->documents[expected->documents_count++] = column;
    if (meter_of(site, column)->schedule != NULL) {
        expected->scheduled[expected->scheduled_count++] = column;
    } else {
        expected->counts[series]++;
        expected->count++;
    }
    expected->growing += begins_itself(meter_of(site, column));
    expected->any_from_ms = MIN(expected->any_from_ms, span.start_ms);
    expected->any_to_ms = MAX(expected->any_to_ms, span.end_ms);
    expected->all_from_ms = MAX(expected->all_from_ms, span.start_ms);
    expected->all_to_ms = MIN(expected->all_to_ms, span.end_ms);
}

/* Forms what follows from first readings and the registry. */
static void count_meters(const struct site *site, struct site_expected *expected)
{
    const struct series *series = &site->conf.registry->series[site->facility->series_first];
    memset(expected->counts, 0, site->facility->series_count * sizeof(*expected->counts));
    expected->count = expected->growing = expected->scheduled_count = 0;
    expected->documents_count = 0;
    expected->any_from_ms = expected->all_to_ms = INT64_MAX;
    expected->any_to_ms = expected->all_from_ms = INT64_MIN;
    for (uint32_t s = 0; s < site->facility->series_count; s++)
        for (uint32_t i = 0; i < series[s].meters_count; i++)
            count_column(expected, site, series[s].meters_first + i - site->facility->meters_first,
                         s);
    expected->counted = true;
}

/* The counts are formed when a window needs them, not with every first reading. */
static const struct site_expected *counted(const struct site *site)
{
    if (!site->expected->counted)
        count_meters(site, site->expected);
    return site->expected;
}

static bool is_in_all(const struct site_expected *expected, int64_t from_ms, int64_t to_ms)
{
    return from_ms >= expected->all_from_ms && to_ms <= expected->all_to_ms;
}

/* --- first readings --- */

/* The earliest time that the registry says of the facility's meters; INT64_MAX: none. */
static int64_t earliest_of(const struct site *site)
{
    int64_t earliest_ms = INT64_MAX;
    for (uint32_t i = 0; i < site->facility->meters_count; i++) {
        const struct meter *meter = meter_of(site, i);
        if (meter->expected && !begins_itself(meter))
            earliest_ms = MIN(earliest_ms, meter->expected_from_ms);
    }
    return earliest_ms;
}

/* Windows from then on are written again: they expect more, or are the first of the facility. */
static void tell_from(struct site *site, int64_t row, int64_t from_ms)
{
    site->closed_ms = MIN(site->closed_ms, from_ms);
    site->seen_row = MIN(site->seen_row, row - 1);
}

/* The facility has not reported as early as this before. */
static void begin_at(struct site *site, int64_t row)
{
    int64_t row_ms = row * site->conf.window->bucket_ms;
    int64_t year_ms = calendar_window(site->calendar, LEVEL_YEAR, row_ms).start_ms;
    int64_t begin_ms = MIN(row_ms, MAX(MAX(year_ms, TIME_MIN_MS), earliest_of(site)));
    site->first_row = row;
    site->expected->begin_ms = MIN(site->expected->begin_ms, begin_ms);
    tell_from(site, row, site->expected->begin_ms);
}

bool site_hear(struct site *site, uint32_t column, int64_t start_ms)
{
    int64_t begin_ms = site->expected->begin_ms;
    if (start_ms >= site->expected->first_ms[column])
        return false;
    int64_t row = site_row(site, start_ms);
    site->changed = true;
    site->expected->first_ms[column] = start_ms;
    site->expected->counted = false;
    if (site->totals != NULL)
        site->totals->seen_ms = INT64_MIN; /* open days expect more */
    if (row < site->first_row)
        begin_at(site, row);
    else if (begins_itself(meter_of(site, column)))
        tell_from(site, row, row * site->conf.window->bucket_ms);
    return site->expected->begin_ms < begin_ms;
}

/* --- windows --- */

/* Deliveries cover time that no cell knows. */
static void cover_by_documents(const struct site *site, int64_t from_ms, int64_t to_ms,
                               struct figures *figures)
{
    const struct site_expected *expected = site->expected;
    for (uint32_t i = 0; i < expected->documents_count; i++) {
        uint32_t column = expected->documents[i];
        struct window span = span_of(site, column);
        figures[meter_of(site, column)->series - site->facility->series_first]
            .value[FIGURE_COVERED] +=
            site_document_time(site, column, MAX(from_ms, span.start_ms), MIN(to_ms, span.end_ms));
    }
}

void site_expect_span(const struct site *site, int64_t from_ms, int64_t to_ms,
                      struct figures *figures)
{
    const struct site_expected *expected = counted(site);
    from_ms = MAX(from_ms, expected->begin_ms);
    if (from_ms >= to_ms)
        return;
    bool all = is_in_all(expected, from_ms, to_ms);
    const struct series *series = &site->conf.registry->series[site->facility->series_first];
    for (uint32_t s = 0; s < site->facility->series_count; s++) {
        uint32_t first = series[s].meters_first - site->facility->meters_first;
        int128 time_ms = all ? (int128)expected->counts[s] * (to_ms - from_ms) : 0;
        for (uint32_t i = 0; !all && i < series[s].meters_count; i++)
            time_ms += time_of(site, first + i, from_ms, to_ms);
        figures[s].value[FIGURE_EXPECTED] += time_ms;
    }
    cover_by_documents(site, from_ms, to_ms, figures);
    for (uint32_t i = 0; all && i < expected->scheduled_count; i++) {
        uint32_t column = expected->scheduled[i];
        figures[meter_of(site, column)->series - site->facility->series_first]
            .value[FIGURE_EXPECTED] += time_of(site, column, from_ms, to_ms);
    }
}

void site_expect(const struct site *site, const struct site_clock *clock, int64_t from_row,
                 int64_t to_row, struct figures *figures)
{
    int64_t bucket_ms = site->conf.window->bucket_ms;
    if (clock->top_row == INT64_MIN || from_row >= to_row) /* no reading yet, or no rows */
        return;
    site_expect_span(site, from_row * bucket_ms, MIN(to_row, clock->top_row + 1) * bucket_ms,
                     figures);
}

/* Whether an earlier version of the column's meter is expected then, too: a meter counts once. */
static bool has_counted(const struct site *site, uint32_t column, int64_t from_ms, int64_t to_ms)
{
    const struct meter *meters = site->conf.registry->meters;
    uint32_t own = column + site->facility->meters_first;
    for (uint32_t i = meters[own].first_version; i != own; i = meters[i].next_version) {
        bool here = meters[i].facility == meters[own].facility; /* meters may move */
        if (here && time_of(site, i - site->facility->meters_first, from_ms, to_ms) > 0)
            return true;
    }
    return false;
}

uint32_t site_count_expected(const struct site *site, int64_t from_ms, int64_t to_ms)
{
    const struct site_expected *expected = counted(site);
    uint32_t count = 0;
    if (is_in_all(expected, from_ms, to_ms)) {
        for (uint32_t i = 0; i < expected->scheduled_count; i++)
            count += time_of(site, expected->scheduled[i], from_ms, to_ms) > 0;
        return count + expected->count;
    }
    for (uint32_t i = 0; i < site->facility->meters_count; i++)
        count += time_of(site, i, from_ms, to_ms) > 0 && !has_counted(site, i, from_ms, to_ms);
    return count;
}

bool site_is_expected(const struct site *site, int64_t from_ms, int64_t to_ms)
{
    const struct site_expected *expected = counted(site);
    if (to_ms <= expected->any_from_ms || from_ms >= expected->any_to_ms)
        return false;
    return site_count_expected(site, from_ms, to_ms) > 0;
}

int64_t site_count_expectations(const struct site *site, const struct site_clock *clock,
                                int64_t from_row, int64_t to_row)
{
    const struct site_expected *expected = counted(site);
    int64_t bucket_ms = site->conf.window->bucket_ms;
    to_row = MIN(to_row, clock->top_row + 1);
    if (expected->begin_ms == INT64_MAX)
        return 0;
    int64_t count = MAX(to_row - MAX(from_row, site_row(site, expected->begin_ms)), 0);
    if (from_row * bucket_ms >= expected->all_from_ms)
        return count + count * expected->growing;
    for (uint32_t i = 0; i < site->facility->meters_count; i++) {
        struct window span = span_of(site, i);
        if (span.start_ms < span.end_ms && begins_itself(meter_of(site, i)))
            count += MAX(to_row - MAX(from_row, site_row(site, span.start_ms)), 0);
    }
    return count;
}
