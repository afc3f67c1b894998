/* Figures as bytes; payload.h tells the order. A payload names those that it holds, and their
 * units, so that a table of figures may grow and may change its units. */
#include <string.h>

#include "pipelines/state/payload.h"

void payload_add_figure_names(struct buffer *out)
{
    packed_add_uint(out, FIGURE_COUNT);
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        packed_add_text(out, figure_table[i].name);
        packed_add_uint(out, figure_table[i].decimals);
    }
}

void payload_add_figures(const struct figures *figures, struct buffer *out)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        packed_add_wide(out, figures->value[i]);
}

static int128 power_of_ten(unsigned exponent)
{
    int128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* The figure that is called so here, and how many of its units are in a saved one. A unit that is
 * coarser here than it was saved is of no version before. */
static void name_figure(struct payload_figure *named, const char *name, unsigned decimals)
{
    *named = (struct payload_figure){.figure = FIGURE_COUNT, .scale = 1};
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        if (strcmp(figure_table[i].name, name) != 0 || figure_table[i].decimals < decimals)
            continue;
        named->figure = (enum figure)i;
        named->scale = (int64_t)power_of_ten(figure_table[i].decimals - decimals);
    }
}

void payload_take_figure_names(struct payload_names *names, struct packed *packed)
{
    char name[NAME_BYTES_MAX + 1];
    names->figures_count = packed_take_count(packed, PAYLOAD_FIGURES_MAX);
    for (uint32_t i = 0; i < names->figures_count; i++) {
        packed_take_text(packed, name, sizeof(name));
        name_figure(&names->figures[i], name, (unsigned)packed_take_uint(packed, 18));
    }
}

/* Payloads of version 1 name none: they hold these, with all masses in milligrams. */
void payload_set_first_figures(struct payload_names *names)
{
    static const struct {
        const char *name;
        unsigned decimals;
    } first[] = {{"activity", 6},
                 {"co2_kg", 6},
                 {"ch4_kg", 6},
                 {"n2o_kg", 6},
                 {"biogenic_co2_kg", 6},
                 {"co2e_kg", 6},
                 {"co2e_unsplit_kg", 6},
                 {"co2e_estimated_kg", 6},
                 {"covered_s", 3},
                 {"expected_s", 3},
                 {"cells", 0}};
    names->figures_count = ARRAY_LEN(first);
    for (uint32_t i = 0; i < names->figures_count; i++)
        name_figure(&names->figures[i], first[i].name, first[i].decimals);
}

/* Version 1 had the cells as an unsigned number. */
static int128 take_value(const struct payload_names *names, enum figure figure, int64_t scale,
                         struct packed *packed)
{
    if (names->version == 1 && figure == FIGURE_CELLS)
        return packed_take_uint(packed, UINT64_MAX >> 4);
    return scale * packed_take_wide(packed, PAYLOAD_SUM_MAX / scale);
}

static bool is_named(const struct payload_names *names, enum figure figure)
{
    for (uint32_t i = 0; i < names->figures_count; i++) {
        if (names->figures[i].figure == figure)
            return true;
    }
    return false;
}

/* Cells that were closed before a figure existed are unknown to it, all of them. */
static void set_unknown_cells(const struct payload_names *names, struct figures *figures)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        enum figure unknown = (enum figure)figure_table[i].unknown;
        if (unknown != FIGURE_NONE &&
            (!is_named(names, (enum figure)i) || !is_named(names, unknown)))
            figures->value[unknown] = figures->value[FIGURE_CELLS];
    }
}

void payload_take_figures(const struct payload_names *names, struct packed *packed,
                          struct figures *figures_out)
{
    *figures_out = (struct figures){0};
    for (uint32_t i = 0; i < names->figures_count; i++) {
        const struct payload_figure *named = &names->figures[i];
        int128 value = take_value(names, named->figure, named->scale, packed);
        if (named->figure < FIGURE_COUNT)
            figures_out->value[named->figure] = value;
    }
    set_unknown_cells(names, figures_out);
    figures_note(figures_out);
}
