#include "pipelines/emissions/rating.h"

#include <errno.h>
#include <stdlib.h>

struct rating {
    const struct kernels *kernels;
    uint32_t meters_max;
    int64_t *activity;           /* of the cells that are present, else 0 */
    int64_t *mass_mg[GAS_COUNT]; /* one row a gas */
    uint32_t *covered_ms;        /* of the meters that are expected to report, else 0 */
};

int rating_create(struct rating **rating_out, const struct kernels *kernels, uint32_t meters_max)
{
    struct rating *rating = calloc(1, sizeof(*rating));
    if (rating == NULL)
        return -ENOMEM;
    rating->kernels = kernels;
    rating->meters_max = meters_max;
    size_t row = meters_max > 0 ? meters_max : 1;
    rating->activity = calloc((GAS_COUNT + 1) * row, sizeof(*rating->activity));
    if (rating->activity == NULL)
        goto fail_activity;
    for (size_t gas = 0; gas < GAS_COUNT; gas++)
        rating->mass_mg[gas] = rating->activity + (gas + 1) * row;
    rating->covered_ms = calloc(row, sizeof(*rating->covered_ms));
    if (rating->covered_ms == NULL)
        goto fail_covered;
    *rating_out = rating;
    return 0;

fail_covered:
    free(rating->activity);
fail_activity:
    free(rating);
    return -ENOMEM;
}

void rating_destroy(struct rating **rating)
{
    struct rating *taken = TAKE(*rating);
    if (taken == NULL)
        return;
    free(taken->covered_ms);
    free(taken->activity);
    free(taken);
}

/* What a cell holds that no reading touches is no activity, whatever it is. */
static void take_present(struct rating *rating, const struct meter *meters,
                         const struct bucket_cells *cells, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool present = cells->present[i] != 0;
        ASSERT(!present || cells->estimated_ms[i] <= cells->covered_ms[i]);
        ASSERT(!present || cells->covered_ms[i] <= cells->length_ms);
        rating->activity[i] = present ? cells->activity[i] : 0;
        rating->covered_ms[i] = present && meters[i].expected ? cells->covered_ms[i] : 0;
    }
}

/* The kernel sums in 64 bits, which hold SERIES_METERS_MAX cells; more are summed in runs. */
static int128 sum_cells(const struct kernels *kernels, const int64_t *values, uint32_t count)
{
    int128 sum = 0;
    while (count > SERIES_METERS_MAX) {
        sum += kernels->sum(values, SERIES_METERS_MAX);
        values += SERIES_METERS_MAX;
        count -= SERIES_METERS_MAX;
    }
    return sum + kernels->sum(values, count);
}

/* The part of the bucket in which the meter is valid, if it is expected to report at all. */
static int64_t expected_ms(const struct meter *meter, const struct bucket_cells *cells)
{
    int64_t from_ms = cells->start_ms;
    int64_t to_ms = cells->start_ms + cells->length_ms;
    if (from_ms < meter->valid_from_ms)
        from_ms = meter->valid_from_ms;
    if (to_ms > meter->valid_to_ms)
        to_ms = meter->valid_to_ms;
    return meter->expected && to_ms > from_ms ? to_ms - from_ms : 0;
}

/* Divides CO2e by time, floored, so that no part is larger than the whole. */
static int64_t estimated_part(int64_t co2e_mg, uint32_t estimated_ms, uint32_t covered_ms)
{
    if (estimated_ms == 0)
        return 0;
    if (estimated_ms == covered_ms)
        return co2e_mg;
    return (int64_t)div_floor((int128)co2e_mg * estimated_ms, covered_ms);
}

/* One facility and bucket on the way through. Indices count meters within the facility. */
struct pass {
    const struct rating *rating;
    const struct factor_era *era;
    const struct meter *meters;
    const struct bucket_cells *cells;
};

static void add_sums(const struct pass *pass, uint32_t first, uint32_t count,
                     struct figures *figures)
{
    const struct rating *rating = pass->rating;
    const struct kernels *kernels = rating->kernels;
    figures->activity += sum_cells(kernels, rating->activity + first, count);
    for (int gas = 0; gas < GAS_COUNT; gas++)
        figures->mass_mg[gas] += sum_cells(kernels, rating->mass_mg[gas] + first, count);
    figures->covered_ms += (int128)kernels->sum_u32(rating->covered_ms + first, count);
}

/* What is not a plain sum: it depends on the meter, or on how the cell is covered. */
static void add_cell(const struct pass *pass, uint32_t i, struct figures *figures)
{
    const struct bucket_cells *cells = pass->cells;
    figures->expected_ms += expected_ms(&pass->meters[i], cells);
    if (cells->present[i] == 0)
        return;
    int64_t co2e_mg = pass->rating->mass_mg[GAS_CO2E][i];
    figures->cells++;
    if (pass->era->unsplit[i] != 0)
        figures->co2e_unsplit_mg += co2e_mg;
    figures->co2e_estimated_mg +=
        estimated_part(co2e_mg, cells->estimated_ms[i], cells->covered_ms[i]);
}

void rating_add(struct rating *rating, const struct registry *registry,
                const struct facility *facility, const struct bucket_cells *cells,
                struct figures *series_out)
{
    uint32_t count = facility->meters_count;
    ASSERT(count <= rating->meters_max);
    const struct pass pass = {
        .rating = rating,
        .era = registry_era_at(registry, facility, cells->start_ms),
        .meters = registry->meters + facility->meters_first,
        .cells = cells,
    };
    take_present(rating, pass.meters, cells, count);
    for (size_t gas = 0; gas < GAS_COUNT; gas++)
        rating->kernels->rate(rating->activity, pass.era->factor + gas * count,
                              rating->mass_mg[gas], count);
    for (uint32_t s = 0; s < facility->series_count; s++) {
        const struct series *series = &registry->series[facility->series_first + s];
        uint32_t first = series->meters_first - facility->meters_first;
        uint32_t end = first + series->meters_count;
        ASSERT(end <= count);
        add_sums(&pass, first, series->meters_count, &series_out[s]);
        for (uint32_t i = first; i < end; i++)
            add_cell(&pass, i, &series_out[s]);
    }
}
