#include "pipelines/emissions/figures.h"

const struct figure_row figure_table[FIGURE_COUNT] = {
#define FIGURE_ROW(id, name, unit, decimals, adds, rate, help, sums)                               \
    [FIGURE_##id] = {name, unit, decimals, adds, rate, help, sums},
    FIGURES(FIGURE_ROW)
#undef FIGURE_ROW
};

void figures_add(struct figures *sum, const struct figures *term)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        sum->value[i] += term->value[i];
}
