#include "pipelines/emissions/figures.h"

void figures_add(struct figures *sum, const struct figures *term)
{
    sum->activity += term->activity;
    for (int gas = 0; gas < GAS_COUNT; gas++)
        sum->mass_mg[gas] += term->mass_mg[gas];
    sum->co2e_unsplit_mg += term->co2e_unsplit_mg;
    sum->co2e_estimated_mg += term->co2e_estimated_mg;
    sum->covered_ms += term->covered_ms;
    sum->expected_ms += term->expected_ms;
    sum->cells += term->cells;
}
