#include "pipelines/emissions/rated_panel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* SHARE: kept figures take at most a fourth of the memory of journals and panel. */
enum { RUN_ROWS = RATED_ROWS_MAX, SHARE = 4 };

static size_t slot_bytes(const struct facility *facility)
{
    return sizeof(int64_t) + (size_t)facility->series_count * FIGURES_OF_CELLS * sizeof(int64_t);
}

static uint32_t slots_of(const struct facility *facility, uint32_t rows, size_t readings)
{
    size_t made_of = panel_size(rows, facility->meters_count) + readings * sizeof(struct reading) +
                     facility->meters_count * sizeof(struct journal);
    size_t slots = made_of / SHARE / slot_bytes(facility);
    return (uint32_t)MIN(MAX(slots, 1), rows);
}

static size_t words_of(const struct facility *facility)
{
    return ((size_t)facility->meters_count + 63) / 64;
}

size_t rated_panel_size(const struct facility *facility, uint32_t rows, size_t readings)
{
    return sizeof(struct rated_panel) + slots_of(facility, rows, readings) * slot_bytes(facility) +
           2 * words_of(facility) * sizeof(uint64_t);
}

static void note_meters(struct rated_panel *rated)
{
    uint32_t first = rated->facility->meters_first;
    for (uint32_t i = 0; i < rated->facility->meters_count; i++) {
        const struct meter *meter = &rated->registry->meters[first + i];
        if (meter->expected)
            rated->expected_bits[i / 64] |= UINT64_C(1) << i % 64;
        rated->has_versions |= meter->first_version != first + i;
    }
}

int rated_panel_create(struct rated_panel **rated_out, struct panel *panel, struct rating *rating,
                       const struct registry *registry, const struct facility *facility,
                       size_t readings)
{
    ASSERT(facility->series_count <= facility->meters_count);
    struct rated_panel *rated = calloc(1, sizeof(*rated));
    if (rated == NULL)
        return -ENOMEM;
    *rated = (struct rated_panel){.panel = panel,
                                  .rating = rating,
                                  .registry = registry,
                                  .facility = facility,
                                  .slots = slots_of(facility, panel->rows, readings),
                                  .run_max = RUN_ROWS};
    size_t series_count = facility->series_count;
    rated->rows = calloc(rated->slots, sizeof(*rated->rows));
    rated->kept = calloc(rated->slots * series_count * FIGURES_OF_CELLS, sizeof(*rated->kept));
    rated->figures = rating_scratch(rating).run;
    rated->bits = calloc(words_of(facility), sizeof(*rated->bits));
    rated->expected_bits = calloc(words_of(facility), sizeof(*rated->expected_bits));
    int err = submeters_create(&rated->submeters, registry->meters, facility, RUN_ROWS);
    if (err < 0 || rated->rows == NULL || rated->kept == NULL || rated->bits == NULL ||
        rated->expected_bits == NULL) {
        rated_panel_destroy(&rated);
        return -ENOMEM;
    }
    note_meters(rated);
    for (uint32_t i = 0; i < rated->slots; i++)
        rated->rows[i] = INT64_MIN;
    *rated_out = rated;
    return 0;
}

void rated_panel_destroy(struct rated_panel **rated)
{
    struct rated_panel *gone = TAKE(*rated);
    if (gone == NULL)
        return;
    submeters_destroy(&gone->submeters);
    free(gone->expected_bits);
    free(gone->bits);
    free(gone->kept);
    free(gone->rows);
    free(gone);
}

/* --- kept rows --- */

static uint32_t slot_of(const struct rated_panel *rated, int64_t row)
{
    int64_t slot = row % rated->slots;
    return (uint32_t)(slot < 0 ? slot + rated->slots : slot);
}

/* The row's figures [series][FIGURES_OF_CELLS], or NULL. */
static const int64_t *find_kept(const struct rated_panel *rated, int64_t row)
{
    uint32_t slot = slot_of(rated, row);
    size_t size = (size_t)rated->facility->series_count * FIGURES_OF_CELLS;
    return rated->rows[slot] == row ? rated->kept + slot * size : NULL;
}

/* A sum that does not fit 64 bits is not kept: only cells of absurd size come to it. Rows with
 * notes are not kept either. They are few, and the room for notes would be taken from all rows. */
static void keep(struct rated_panel *rated, int64_t row, const struct figures *figures)
{
    uint32_t slot = slot_of(rated, row);
    int64_t *kept = rated->kept + (size_t)slot * rated->facility->series_count * FIGURES_OF_CELLS;
    bool fits = true;
    for (uint32_t s = 0; s < rated->facility->series_count; s++) {
        for (size_t i = 0; i < FIGURES_OF_CELLS; i++) {
            *kept = (int64_t)figures[s].value[i];
            fits &= *kept++ == figures[s].value[i];
        }
        fits &= !figures[s].noted;
    }
    rated->rows[slot] = fits ? row : INT64_MIN;
}

static void add_kept(const struct rated_panel *rated, const int64_t *kept, int sign,
                     struct figures *sums)
{
    for (uint32_t s = 0; s < rated->facility->series_count; s++)
        for (size_t i = 0; i < FIGURES_OF_CELLS; i++)
            sums[s].value[i] += sign * (int128)*kept++;
}

/* Inline, as its callers know the sign. */
static inline void add_figures(const struct rated_panel *rated, const struct figures *figures,
                               int sign, struct figures *sums)
{
    for (uint32_t s = 0; s < rated->facility->series_count; s++) {
        for (size_t i = 0; i < FIGURES_OF_CELLS; i++)
            sums[s].value[i] += sign * figures[s].value[i];
        if (figures[s].noted)
            figures_add_notes(&sums[s], &figures[s], sign);
    }
}

/* --- rating --- */

/* Rates rows, which one run allows, into the scratch, and keeps them. */
static void rate(struct rated_panel *rated, int64_t row, uint32_t rows)
{
    struct panel_row cells = panel_get_row(rated->panel, row);
    int64_t length_ms = rated->panel->bucket_ms;
    if (rated->submeters != NULL)
        cells = submeters_form(rated->submeters, &cells, row * length_ms, length_ms, rows);
    struct bucket_cells bucket = {.start_ms = row * rated->panel->bucket_ms,
                                  .length_ms = rated->panel->bucket_ms,
                                  .rows = rows,
                                  .activity = cells.activity,
                                  .covered_ms = cells.covered_ms,
                                  .estimated_ms = cells.estimated_ms,
                                  .present = cells.present,
                                  .notes = cells.notes,
                                  .noted = cells.noted};
    rating_rate(rated->rating, rated->registry, rated->facility, &bucket, rated->figures);
}

/* How many of the rows [from, to) lie side by side in the panel's ring, and are rated alike. */
static uint32_t run_of(const struct rated_panel *rated, int64_t from_row, int64_t to_row)
{
    const struct panel *panel = rated->panel;
    int64_t rows = MIN(to_row - from_row, panel->rows - panel_slot(panel, from_row));
    rows = MIN(rows, rated->run_max);
    return rating_run(rated->rating, rated->registry, rated->facility, from_row * panel->bucket_ms,
                      panel->bucket_ms, (uint32_t)rows);
}

/* Rates rows [from, to), keeps them, and adds them to the sums, unless those are NULL. */
static void rate_rows(struct rated_panel *rated, int64_t from_row, int64_t to_row,
                      struct figures *sums)
{
    while (from_row < to_row) {
        uint32_t rows = run_of(rated, from_row, to_row);
        rate(rated, from_row, rows);
        for (uint32_t i = 0; i < rows; i++) {
            const struct figures *figures =
                rated->figures + (size_t)i * rated->facility->series_count;
            keep(rated, from_row + i, figures);
            if (sums != NULL)
                add_figures(rated, figures, 1, sums);
        }
        from_row += rows;
    }
}

static bool is_empty(const struct rated_panel *rated, int64_t row)
{
    struct panel_row cells = panel_get_row(rated->panel, row);
    return memchr(cells.present, 1, rated->facility->meters_count) == NULL;
}

/* Takes what the row gave before it changed off the sums. */
static void take_off(struct rated_panel *rated, int64_t row, struct figures *sums)
{
    const int64_t *kept = find_kept(rated, row);
    if (kept != NULL) {
        add_kept(rated, kept, -1, sums);
    } else if (!is_empty(rated, row)) {
        rate(rated, row, 1);
        add_figures(rated, rated->figures, -1, sums);
    }
}

/* --- whole rows --- */

/* A bit for each of up to eight meters: the product gathers the lowest bits of the bytes. */
static uint64_t bits_of(const uint8_t *present, size_t count)
{
    uint64_t bytes = 0;
    memcpy(&bytes, present, count);
    return bytes * UINT64_C(0x0102040810204080) >> 56;
}

/* The bits of 64 meters from `first` on. */
static uint64_t word_of(const struct rated_panel *rated, int64_t row, uint32_t first)
{
    uint32_t end = MIN(first + 64, rated->facility->meters_count);
    const uint8_t *present = panel_get_row(rated->panel, row).present;
    uint64_t word = 0;
    for (uint32_t i = first; i < end; i += 8)
        word |= bits_of(present + i, MIN(end - i, 8)) << (i - first);
    return word;
}

/* Projects the row; false if a meter that reported in it does not any more. */
static bool project(struct rated_panel *rated, int64_t row, uint64_t *reporting)
{
    bool all = true;
    uint64_t *before = rated->bits;
    uint32_t count = rated->facility->meters_count;
    for (uint32_t i = 0; i < count; i += 64)
        before[i / 64] = word_of(rated, row, i);
    panel_project_row(rated->panel, row);
    for (uint32_t i = 0; i < count; i += 64) {
        uint64_t after = word_of(rated, row, i);
        all &= (before[i / 64] & ~after) == 0;
        if (reporting != NULL)
            reporting[i / 64] |= after;
    }
    return all;
}

static bool is_stale(const struct panel *panel, int64_t row)
{
    const uint64_t *words = panel->stale + (size_t)panel_slot(panel, row) * panel->words;
    uint64_t stale = 0;
    for (uint32_t word = 0; word < panel->words; word++)
        stale |= words[word];
    return stale != 0;
}

bool rated_panel_refresh(struct rated_panel *rated, int64_t from_row, int64_t to_row,
                         struct figures *sums, uint64_t *reporting)
{
    bool all = true;
    int64_t first = from_row; /* rows from there on have changed, and are to be rated */
    for (int64_t row = from_row; row < to_row; row++) {
        if (!is_stale(rated->panel, row)) {
            rate_rows(rated, first, row, sums);
            first = row + 1;
            continue;
        }
        if (sums != NULL)
            take_off(rated, row, sums);
        all &= project(rated, row, reporting);
    }
    rate_rows(rated, first, to_row, sums);
    return all;
}

void rated_panel_add(struct rated_panel *rated, int64_t from_row, int64_t to_row,
                     struct figures *sums, uint64_t *reporting)
{
    int64_t first = from_row; /* rows from there on are to be rated */
    for (int64_t row = from_row; row < to_row; row++) {
        const int64_t *kept = find_kept(rated, row);
        bool empty = kept == NULL && is_empty(rated, row);
        for (uint32_t i = 0; !empty && i < rated->facility->meters_count; i += 64)
            reporting[i / 64] |= word_of(rated, row, i);
        if (kept == NULL && !empty)
            continue;
        if (kept != NULL)
            add_kept(rated, kept, 1, sums);
        rate_rows(rated, first, row, sums);
        first = row + 1;
    }
    rate_rows(rated, first, to_row, sums);
}

/* --- who reported --- */

static bool has_reported(const struct rated_panel *rated, const uint64_t *reporting,
                         uint32_t column)
{
    return (reporting[column / 64] & rated->expected_bits[column / 64]) >> column % 64 & 1;
}

/* Whether the column and an earlier version of its meter have both reported. */
static bool has_counted(const struct rated_panel *rated, const uint64_t *reporting, uint32_t column)
{
    const struct meter *meters = rated->registry->meters;
    uint32_t first = rated->facility->meters_first;
    uint32_t own = first + column;
    if (!has_reported(rated, reporting, column))
        return false;
    for (uint32_t i = meters[own].first_version; i != own; i = meters[i].next_version) {
        bool here = meters[i].facility == meters[own].facility; /* meters may move */
        if (here && has_reported(rated, reporting, i - first))
            return true;
    }
    return false;
}

uint32_t rated_panel_count_reporting(const struct rated_panel *rated, const uint64_t *reporting)
{
    uint32_t count = 0;
    for (size_t i = 0; i < words_of(rated->facility); i++)
        count += (uint32_t)__builtin_popcountll(reporting[i] & rated->expected_bits[i]);
    for (uint32_t i = 0; rated->has_versions && i < rated->facility->meters_count; i++)
        count -= has_counted(rated, reporting, i);
    return count;
}
