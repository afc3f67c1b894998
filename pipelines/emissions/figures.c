#include "pipelines/emissions/figures.h"

const struct figure_row figure_table[FIGURE_COUNT] = {
#define FIGURE_ROW(id, name, unit, decimals, adds, rate, unknown, help, sums)                      \
    [FIGURE_##id] = {name, unit, decimals, adds, rate, FIGURE_##unknown, help, sums},
    FIGURES(FIGURE_ROW)
#undef FIGURE_ROW
};

bool figures_know(const struct figures *figures, enum figure figure)
{
    ASSERT(figure < FIGURE_COUNT);
    uint8_t unknown = figure_table[figure].unknown;
    return unknown == FIGURE_NONE || figures->value[unknown] == 0;
}

void figures_add(struct figures *sum, const struct figures *term)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        sum->value[i] += term->value[i];
}
