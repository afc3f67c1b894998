/* The electricity of a facility in a window. */
#include "pipelines/rollup/site_energy.h"

/* One flow of the window: the sum over its series. */
struct flow_sum {
    int128 energy, covered_ms, expected_ms;
};

/* Where a flow stands in a row. */
static const struct {
    enum balance energy, covered, expected;
} places[FLOW_COUNT] = {
    [FLOW_IMPORT] = {BALANCE_IMPORT, BALANCE_IMPORT_COVERED, BALANCE_IMPORT_EXPECTED},
    [FLOW_EXPORT] = {BALANCE_EXPORT, BALANCE_EXPORT_COVERED, BALANCE_EXPORT_EXPECTED},
    [FLOW_GENERATION] = {BALANCE_GENERATION, BALANCE_GENERATION_COVERED,
                         BALANCE_GENERATION_EXPECTED},
};

static bool has_flow(const struct facility *facility, enum flow flow)
{
    return (facility->flows >> flow & 1) != 0;
}

static bool is_silent(const struct flow_sum *sum)
{
    return sum->energy == 0 && sum->covered_ms == 0;
}

/* Nothing of the expected time is covered; or electricity is exported, which has been generated,
 * and no reading says how much. */
static bool is_unknown(const struct facility *facility, const struct flow_sum sums[FLOW_COUNT],
                       enum flow flow)
{
    const struct flow_sum *sum = &sums[flow];
    if (!is_silent(sum))
        return false;
    bool unmetered = flow == FLOW_GENERATION && has_flow(facility, FLOW_EXPORT) &&
                     !has_flow(facility, FLOW_GENERATION);
    bool exported = flow == FLOW_GENERATION && sums[FLOW_EXPORT].energy != 0;
    return sum->expected_ms > 0 || unmetered || exported;
}

/* No meter of electricity has a reading, and none is expected: nothing is known. */
static bool is_nothing_known(const struct flow_sum sums[FLOW_COUNT], int128 cells)
{
    int128 expected_ms = 0;
    for (int flow = FLOW_IMPORT; flow < FLOW_COUNT; flow++)
        expected_ms += sums[flow].expected_ms;
    return cells == 0 && expected_ms == 0;
}

static void put_balance(const struct facility *facility, const struct flow_sum sums[FLOW_COUNT],
                        int128 cells, struct row *row)
{
    static const uint8_t own_use =
        1U << BALANCE_OWN_USE | 1U << BALANCE_CONSUMPTION; /* of flows that both have */
    bool nothing = is_nothing_known(sums, cells);
    int128 *value = row->figures.value;
    row->unknown = 0;
    row->flows_unknown = 0;
    for (int flow = FLOW_IMPORT; flow < FLOW_COUNT; flow++) {
        value[places[flow].energy] = sums[flow].energy;
        value[places[flow].covered] = sums[flow].covered_ms;
        value[places[flow].expected] = sums[flow].expected_ms;
        if (!nothing && !is_unknown(facility, sums, (enum flow)flow))
            continue;
        row->flows_unknown++;
        row->unknown |= (uint8_t)(1U << places[flow].energy);
        row->unknown |= flow == FLOW_IMPORT ? 1U << BALANCE_CONSUMPTION : own_use;
    }
    value[BALANCE_OWN_USE] = value[BALANCE_GENERATION] - value[BALANCE_EXPORT];
    value[BALANCE_CONSUMPTION] = value[BALANCE_IMPORT] + value[BALANCE_OWN_USE];
}

void site_put_energy(const struct registry *registry, const struct facility *facility,
                     const struct figures *figures, struct row *row)
{
    struct flow_sum sums[FLOW_COUNT] = {{0}};
    int128 cells = 0;
    figures_clear(&row->figures);
    for (uint32_t i = 0; i < facility->series_count; i++) {
        const struct series *series = &registry->series[facility->series_first + i];
        const int128 *value = figures[i].value;
        if (series->flow == FLOW_NONE)
            continue;
        cells += value[FIGURE_CELLS];
        sums[series->flow].energy += value[FIGURE_ACTIVITY];
        sums[series->flow].covered_ms += value[FIGURE_COVERED];
        sums[series->flow].expected_ms += value[FIGURE_EXPECTED];
        for (size_t figure = FIGURE_COVERED; figure < FIGURES_PLAIN; figure++)
            row->figures.value[figure] += value[figure];
        if (figures[i].noted)
            figures_add_notes(&row->figures, &figures[i], 1);
    }
    put_balance(facility, sums, cells, row);
}
