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

void figures_note(struct figures *figures)
{
    int128 bits = 0;
    for (size_t i = FIGURES_NOTED; i < FIGURE_COUNT; i++)
        bits |= figures->value[i];
    figures->noted = bits != 0;
}

void figures_copy_notes(struct figures *to, const struct figures *from)
{
    memcpy(&to->value[FIGURES_NOTED], &from->value[FIGURES_NOTED],
           (FIGURE_COUNT - FIGURES_NOTED) * sizeof(int128));
    to->noted = from->noted;
}

void figures_add_notes(struct figures *sum, const struct figures *term, int sign)
{
    for (size_t i = FIGURES_NOTED; i < FIGURE_COUNT; i++)
        sum->value[i] += sign * term->value[i];
    figures_note(sum);
}
