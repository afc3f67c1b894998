#include "pipelines/emissions/rating.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

/* Cells that are rated together: their sums stay in a first level cache. */
enum { RUN_CELLS = 512 };

struct rating {
    const struct kernels *kernels;
    uint32_t meters_max;
    size_t cells_max;  /* rows x meters of a run */
    int64_t *scratch;  /* of the kernels: a row of cells */
    uint32_t *ends;    /* of the series */
    int64_t *sums;     /* [rows][factor rows][series] */
    int64_t *activity; /* [rows][series] */
    int128 *wide;      /* [series] */
    struct rating_scratch shared;
};

/* A facility has at most as many series as meters. */
static int create_shared(struct rating *rating, size_t row)
{
    struct rating_scratch *shared = &rating->shared;
    shared->run = calloc(rating->cells_max, sizeof(*shared->run));
    shared->change = calloc(row, sizeof(*shared->change));
    shared->window = calloc(row, sizeof(*shared->window));
    shared->coverage = calloc(1, sizeof(*shared->coverage));
    shared->reporting = calloc((row + 63) / 64, sizeof(*shared->reporting));
    return shared->run == NULL || shared->change == NULL || shared->window == NULL ||
                   shared->coverage == NULL || shared->reporting == NULL
               ? -ENOMEM
               : 0;
}

int rating_create(struct rating **rating_out, const struct kernels *kernels, uint32_t meters_max)
{
    struct rating *rating = calloc(1, sizeof(*rating));
    if (rating == NULL)
        return -ENOMEM;
    size_t row = MAX(meters_max, 1);
    rating->kernels = kernels;
    rating->meters_max = meters_max;
    rating->cells_max = MAX(row, RUN_CELLS);
    rating->scratch = calloc(row, sizeof(*rating->scratch));
    rating->ends = calloc(row, sizeof(*rating->ends));
    rating->sums = calloc(rating->cells_max * RATE_COUNT, sizeof(*rating->sums));
    rating->activity = calloc(rating->cells_max, sizeof(*rating->activity));
    rating->wide = calloc(row, sizeof(*rating->wide));
    if (rating->scratch == NULL || rating->ends == NULL || rating->sums == NULL ||
        rating->activity == NULL || rating->wide == NULL || create_shared(rating, row) < 0) {
        rating_destroy(&rating);
        return -ENOMEM;
    }
    *rating_out = rating;
    return 0;
}

void rating_destroy(struct rating **rating)
{
    struct rating *taken = TAKE(*rating);
    if (taken == NULL)
        return;
    free(taken->shared.reporting);
    free(taken->shared.coverage);
    free(taken->shared.window);
    free(taken->shared.change);
    free(taken->shared.run);
    free(taken->wide);
    free(taken->activity);
    free(taken->sums);
    free(taken->ends);
    free(taken->scratch);
    free(taken);
}

struct rating_scratch rating_scratch(const struct rating *rating)
{
    return rating->shared;
}

uint32_t rating_run(const struct rating *rating, const struct registry *registry,
                    const struct facility *facility, int64_t start_ms, int64_t length_ms,
                    uint32_t rows)
{
    ASSERT(rows > 0);
    const struct factor_era *era = registry_era_at(registry, facility, start_ms);
    const struct factor_era *last = registry->eras + facility->eras_first + facility->eras_count;
    uint32_t most = (uint32_t)(rating->cells_max / MAX(facility->meters_count, 1));
    rows = MIN(rows, MAX(most, 1));
    if (era + 1 == last || era[1].from_ms >= start_ms + rows * length_ms)
        return rows;
    return MAX((uint32_t)((era[1].from_ms - start_ms + length_ms - 1) / length_ms), 1);
}

/* One facility and its buckets on the way through. Indices count meters within the facility. */
struct pass {
    const struct rating *rating;
    const struct registry *registry;
    const struct facility *facility;
    const struct meter *meters;
    const struct bucket_cells *cells;
    struct kernel_matrix matrix;
    struct figures *figures; /* [rows][series] */
};

/* Sums that fit 64 bits, as they nearly always do. */
static void put_narrow(const struct pass *pass, size_t figure, size_t factor)
{
    size_t series_count = pass->matrix.series;
    for (size_t row = 0; row < pass->matrix.rows; row++) {
        const int64_t *sums = pass->rating->sums + (row * RATE_COUNT + factor) * series_count;
        for (size_t i = 0; i < series_count; i++)
            pass->figures[row * series_count + i].value[figure] = sums[i];
    }
}

static void put_wide(const struct pass *pass, size_t figure, size_t factor)
{
    size_t series_count = pass->matrix.series;
    for (size_t row = 0; row < pass->matrix.rows; row++) {
        kernels_rate_wide(&pass->matrix, row, factor, pass->rating->wide);
        for (size_t i = 0; i < series_count; i++)
            pass->figures[row * series_count + i].value[figure] = pass->rating->wide[i];
    }
}

/* Whether the row of the factor matrix knows every meter: it mostly does. */
static bool knows_all(const struct kernel_matrix *matrix, size_t factor)
{
    const double *factors = matrix->factor + factor * matrix->columns;
    for (size_t column = 0; column < matrix->columns; column++) {
        if (factors[column] == 0)
            return false;
    }
    return true;
}

static void put_unknown_cells(const struct pass *pass, size_t figure, size_t factor)
{
    const struct kernel_matrix *matrix = &pass->matrix;
    const double *factors = matrix->factor + factor * matrix->columns;
    const uint8_t *present = pass->cells->present;
    struct figures *figures = pass->figures;
    if (knows_all(matrix, factor))
        return; /* all figures are 0 so far */
    for (size_t row = 0; row < matrix->rows; row++, present += matrix->columns)
        for (size_t series = 0, column = 0; series < matrix->series; series++, figures++)
            for (; column < matrix->ends[series]; column++)
                figures->value[figure] += factors[column] == 0 ? present[column] : 0;
}

static void put_sums(const struct pass *pass)
{
    const struct rating *rating = pass->rating;
    size_t count = pass->matrix.rows * pass->matrix.series;
    rating->kernels->sum(&pass->matrix, rating->activity);
    bool narrow = rating->kernels->rate(&pass->matrix, rating->sums);
    for (size_t figure = 0; figure < FIGURES_OF_CELLS; figure++) {
        const struct figure_row *row = &figure_table[figure];
        if (row->adds == ADDS_RATED && narrow)
            put_narrow(pass, figure, row->rate);
        else if (row->adds == ADDS_RATED)
            put_wide(pass, figure, row->rate);
        else if (row->adds == ADDS_UNKNOWN_CELL)
            put_unknown_cells(pass, figure, row->rate);
        for (size_t i = 0; row->adds == ADDS_ACTIVITY && i < count; i++)
            pass->figures[i].value[figure] = rating->activity[i];
    }
}

/* Divides the mass by time, floored, so that no part is larger than the whole. */
static int64_t estimated_part(int64_t mass, uint32_t estimated_ms, uint32_t covered_ms)
{
    if (estimated_ms == covered_ms)
        return mass;
    return (int64_t)div_floor((int128)mass * estimated_ms, covered_ms);
}

static void add_estimated(const struct pass *pass, size_t row, uint32_t column,
                          struct figures *figures)
{
    size_t cell = row * pass->matrix.columns + column;
    for (size_t figure = 0; figure < FIGURES_OF_CELLS; figure++) {
        const struct figure_row *table = &figure_table[figure];
        if (table->adds != ADDS_ESTIMATED_PART)
            continue;
        double factor = pass->matrix.factor[table->rate * pass->matrix.columns + column];
        figures->value[figure] +=
            estimated_part(kernels_rate_cell(pass->cells->activity[cell], factor),
                           pass->cells->estimated_ms[cell], pass->cells->covered_ms[cell]);
    }
}

static void add_notes(const struct pass *pass, size_t row, uint32_t first, uint32_t end,
                      struct figures *figures)
{
    const struct cell_note *notes = pass->cells->notes + row * pass->matrix.columns;
    for (uint32_t i = first; i < end; i++) {
        figures->value[FIGURE_SPREAD] += notes[i].spread_ms;
        figures->value[FIGURE_HELD] += notes[i].held_ms;
        figures->value[FIGURE_MOVED] += notes[i].moved_ms;
        figures->value[FIGURE_CONFLICTS] += notes[i].conflicts;
        figures->value[FIGURE_GLITCHES] += notes[i].glitches;
    }
    figures_note(figures);
}

/* Covered time counts within expected time only. Both begin and end with buckets, except where a
 * version of the meter does not. */
static int64_t expected_part(const struct pass *pass, size_t row, const struct meter *meter,
                             uint32_t covered_ms)
{
    const struct bucket_cells *cells = pass->cells;
    int64_t start_ms = cells->start_ms + (int64_t)row * cells->length_ms;
    if (covered_ms == 0 || !meter->expected || meter->kind == KIND_DELIVERY)
        return 0; /* that of a delivery is a share, not a time */
    if (meter->schedule == NULL && meter->expected_from_ms <= start_ms &&
        meter->valid_to_ms >= start_ms + cells->length_ms)
        return covered_ms;
    return MIN(covered_ms, registry_expected_time(pass->registry, meter, start_ms,
                                                  start_ms + cells->length_ms));
}

/* Figures that depend on how a cell is covered. */
static void add_coverage(const struct pass *pass, size_t row, size_t series,
                         struct figures *figures)
{
    const struct bucket_cells *cells = pass->cells;
    int64_t covered_ms = 0;
    uint64_t estimated_ms = 0;
    uint64_t present = 0;
    uint32_t first = series == 0 ? 0 : pass->matrix.ends[series - 1];
    for (uint32_t i = first; i < pass->matrix.ends[series]; i++) {
        size_t cell = row * pass->matrix.columns + i;
        ASSERT(cells->estimated_ms[cell] <= cells->covered_ms[cell]);
        ASSERT(cells->covered_ms[cell] <= cells->length_ms);
        present += cells->present[cell];
        covered_ms += expected_part(pass, row, &pass->meters[i], cells->covered_ms[cell]);
        if (pass->meters[i].kind != KIND_DELIVERY) /* theirs is a share, not a time */
            estimated_ms += cells->estimated_ms[cell];
        if (cells->estimated_ms[cell] > 0)
            add_estimated(pass, row, i, figures);
    }
    if (cells->noted[row])
        add_notes(pass, row, first, pass->matrix.ends[series], figures);
    figures->value[FIGURE_CELLS] = present;
    figures->value[FIGURE_COVERED] = covered_ms;
    figures->value[FIGURE_ESTIMATED] = estimated_ms;
}

static void set_ends(struct rating *rating, const struct registry *registry,
                     const struct facility *facility)
{
    uint32_t end = 0;
    for (uint32_t s = 0; s < facility->series_count; s++) {
        const struct series *series = &registry->series[facility->series_first + s];
        ASSERT(series->meters_first == facility->meters_first + end);
        end += series->meters_count;
        rating->ends[s] = end;
    }
    ASSERT(end == facility->meters_count);
}

void rating_rate(struct rating *rating, const struct registry *registry,
                 const struct facility *facility, const struct bucket_cells *cells,
                 struct figures *figures_out)
{
    size_t columns = facility->meters_count;
    ASSERT(columns <= rating->meters_max && columns * cells->rows <= rating->cells_max);
    set_ends(rating, registry, facility);
    const struct factor_era *era = registry_era_at(registry, facility, cells->start_ms);
    const struct pass pass = {
        .rating = rating,
        .registry = registry,
        .facility = facility,
        .meters = registry->meters + facility->meters_first,
        .cells = cells,
        .matrix = {.activity = cells->activity,
                   .factor = era->factor,
                   .ends = rating->ends,
                   .scratch = rating->scratch,
                   .rows = cells->rows,
                   .columns = columns,
                   .factors = RATE_COUNT,
                   .series = facility->series_count},
        .figures = figures_out,
    };
    for (size_t i = 0; i < pass.matrix.rows * pass.matrix.series; i++)
        figures_clear(&figures_out[i]);
    put_sums(&pass);
    for (size_t row = 0; row < pass.matrix.rows; row++)
        for (size_t series = 0; series < pass.matrix.series; series++)
            add_coverage(&pass, row, series, &figures_out[row * pass.matrix.series + series]);
}
