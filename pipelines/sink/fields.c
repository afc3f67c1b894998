#include "pipelines/sink/fields.h"

#include <stdio.h>
#include <string.h>

#include "pipelines/sink/target_fields.h"

/* A figure that may be null is optional, and so are the count that tells so and what is noted: they
 * are younger than the first rows that databases have. */
#define FIGURE(id, name, unit, decimals, adds, rate, unknown, help, sums)                          \
    {name,                                                                                         \
     unit,                                                                                         \
     FIELD_FIXED,                                                                                  \
     decimals,                                                                                     \
     WORDS_NONE,                                                                                   \
     offsetof(struct row, figures.value[FIGURE_##id]),                                             \
     0,                                                                                            \
     FIGURE_##id,                                                                                  \
     0,                                                                                            \
     FIGURE_##unknown != FIGURE_NONE || (adds) == ADDS_UNKNOWN_CELL || (adds) == ADDS_ESTIMATED || \
         (adds) == ADDS_NOTE,                                                                      \
     help,                                                                                         \
     sums},
#define RATIO(name, above, below, optional, help, sums)                                            \
    {                                                                                              \
        name, "1", FIELD_RATIO, 0, WORDS_NONE, offsetof(struct row, above),                        \
            offsetof(struct row, below), FIGURE_NONE, 0, optional, help, sums                      \
    }
#define COUNT(name, unit, member, help, sums)                                                      \
    {                                                                                              \
        name, unit, FIELD_INTEGER, 0, WORDS_NONE, offsetof(struct row, member), 0, FIGURE_NONE, 0, \
            false, help, sums                                                                      \
    }
#define FLAG(name, member, help, sums)                                                             \
    {                                                                                              \
        name, "", FIELD_FLAG, 0, WORDS_NONE, offsetof(struct row, member), 0, FIGURE_NONE, 0,      \
            false, help, sums                                                                      \
    }

/* An energy of a row of ROW_ENERGY, and a time of one of its flows. They add up as figures do. */
#define ENERGY(id, name, help, sums)                                                               \
    {                                                                                              \
        name, "kWh", FIELD_FIXED, 6, WORDS_NONE,                                                   \
            offsetof(struct row, figures.value[BALANCE_##id]), 0, FIGURE_ACTIVITY,                 \
            1U << BALANCE_##id, true, help, sums                                                   \
    }
#define FLOW_TIME(id, name, figure, help)                                                          \
    {                                                                                              \
        name, "s", FIELD_FIXED, 3, WORDS_NONE, offsetof(struct row, figures.value[BALANCE_##id]),  \
            0, figure, 0, false, help, SUM_ALL                                                     \
    }

#define SUM_RATIO(formula) "never; form it again: " formula

#define COVERAGE_THAT(sums)                                                                        \
    RATIO("coverage", figures.value[FIGURE_COVERED], figures.value[FIGURE_EXPECTED], true,         \
          "covered_s / expected_s; null if nothing is expected", sums)
#define COVERAGE COVERAGE_THAT(SUM_RATIO("sum(covered_s) / sum(expected_s)"))
/* A source has no row of a window without a reading of it, though it is expected there. */
#define SUM_SEEN                                                                                   \
    "every tag; windows of one measurement; but where a source was silent there is no row"
#define REVISION                                                                                   \
    COUNT("revision", "", revision, "changes since the window had been final: 0, 1, 2 ...",        \
          "never; take the maximum")
#define FINAL                                                                                      \
    FLAG("final", final,                                                                           \
         "true once no ordinary reading is awaited; false while the window is live",               \
         "never; a group is final when all its rows are")

static const struct field emissions_fields[] = {
    FIGURES_OF_SERIES(FIGURE) /* each ends with a comma */
    RATIO("estimated_share", figures.value[FIGURE_CO2E_ESTIMATED], figures.value[FIGURE_CO2E],
          false, "co2e_estimated_kg / co2e_kg; 0 if co2e_kg is 0",
          SUM_RATIO("sum(co2e_estimated_kg) / sum(co2e_kg)")),
    FIGURES_OF_COVERED(FIGURE) FIGURE_OF_EXPECTED(FIGURE, SUM_SEEN)
        COVERAGE_THAT("never; take `coverage_*`, or the source's row of the longer window"),
    FIGURES_OF_NOTES(FIGURE) REVISION,
    FINAL,
};

static const struct field coverage_fields[] = {
    FIGURES_OF_COVERAGE(FIGURE) COVERAGE,
    RATIO("coverage_weighted", weight_covered, weight_total, true,
          "the share of the emissions of the last closed month whose sources' meters cover the "
          "window; null if there is no such month",
          "never"),
    FIGURES_OF_NOTES(FIGURE)
        COUNT("meters_expected", "meters", meters_expected,
              "meters that should report in the window", "facilities; not windows"),
    COUNT("meters_reporting", "meters", meters_reporting,
          "meters that have a reading in the window", "facilities; not windows"),
    REVISION,
    FINAL,
};

#define SUM_FLOW "every tag; windows of one measurement; null counts as 0"
#define FLOW_NULL "; null if nothing of its expected time is covered"
static const struct field energy_fields[] = {
    ENERGY(IMPORT, "import_kwh", "electricity bought, category purchased_electricity" FLOW_NULL,
           SUM_FLOW),
    ENERGY(EXPORT, "export_kwh",
           "electricity given into the grid, category exported_electricity" FLOW_NULL, SUM_FLOW),
    ENERGY(GENERATION, "generation_kwh",
           "electricity made on the site, category onsite_generation" FLOW_NULL
           ", or it is not metered though there are exports",
           SUM_FLOW),
    ENERGY(OWN_USE, "own_use_kwh",
           "generation_kwh - export_kwh: generated and used on the site; null if one of them is",
           "form it again: sum(generation_kwh) - sum(export_kwh)"),
    ENERGY(CONSUMPTION, "consumption_kwh",
           "import_kwh + generation_kwh - export_kwh: used on the site; null if one of them is",
           "form it again: sum(import_kwh) + sum(generation_kwh) - sum(export_kwh)"),
    COUNT("flows_unknown", "flows", flows_unknown,
          "how many of import, export and generation are null", "never; take the maximum"),
    FLOW_TIME(IMPORT_COVERED, "import_covered_s", FIGURE_COVERED, "covered_s of meters of import"),
    FLOW_TIME(IMPORT_EXPECTED, "import_expected_s", FIGURE_EXPECTED,
              "expected_s of meters of import"),
    FLOW_TIME(EXPORT_COVERED, "export_covered_s", FIGURE_COVERED, "covered_s of meters of export"),
    FLOW_TIME(EXPORT_EXPECTED, "export_expected_s", FIGURE_EXPECTED,
              "expected_s of meters of export"),
    FLOW_TIME(GENERATION_COVERED, "generation_covered_s", FIGURE_COVERED,
              "covered_s of meters of generation"),
    FLOW_TIME(GENERATION_EXPECTED, "generation_expected_s", FIGURE_EXPECTED,
              "expected_s of meters of generation"),
    FIGURES_OF_COVERAGE(FIGURE) COVERAGE,
    FIGURES_OF_NOTES(FIGURE) REVISION,
    FINAL,
};

const struct measurement measurements[ROW_KIND_COUNT] = {
    [ROW_EMISSIONS] = {"emissions", "one row for each source of a facility and window", true, false,
                       false, emissions_fields, ARRAY_LEN(emissions_fields)},
    [ROW_COVERAGE] = {"coverage", "one row for each facility and window, also when it is silent",
                      false, false, false, coverage_fields, ARRAY_LEN(coverage_fields)},
    [ROW_ENERGY] = {"energy", "one row beside each of coverage, if the facility has electricity",
                    false, false, false, energy_fields, ARRAY_LEN(energy_fields)},
    [ROW_TRAJECTORY] = {"trajectory",
                        "one row for each closed day of a target, and for each hour of the running "
                        "day, at that instant; a row is never changed",
                        false, true, true, trajectory_fields, TRAJECTORY_FIELDS},
    [ROW_TRAJECTORY_NOW] =
        {"trajectory_now",
         "one row for each target year, at its beginning, written again with each row of "
         "`trajectory`",
         false, true, false, trajectory_now_fields, TRAJECTORY_NOW_FIELDS},
    [ROW_ALERT] = {"alerts",
                   "one row for each change of a target's alert level, at the instant of its row "
                   "of `trajectory`; a row is never changed",
                   false, true, true, alert_fields, ALERT_FIELDS},
};

_Static_assert(sizeof(struct row) <= UINT16_MAX, "an offset in a row fits 16 bits");

const char *measurement_name(char name[MEASUREMENT_NAME_SIZE], enum row_kind kind, enum level level,
                             int64_t bucket_ms)
{
    ASSERT(kind < ROW_KIND_COUNT && level < LEVEL_COUNT);
    char suffix[16];
    bool is_target = measurements[kind].is_target;
    int size =
        snprintf(name, MEASUREMENT_NAME_SIZE, "%s%s%s", measurements[kind].stem,
                 is_target ? "" : "_", is_target ? "" : level_suffix(level, bucket_ms, suffix));
    ASSERT(size > 0 && size < MEASUREMENT_NAME_SIZE);
    return name;
}

static const void *member(const struct row *row, uint16_t offset)
{
    return (const char *)row + offset;
}

bool field_is_known(const struct field *field, const struct row *row)
{
    if (field->type == FIELD_RATIO && field->optional)
        return *(const int128 *)member(row, field->offset_below) != 0;
    if (field->type >= FIELD_NUMBER)
        return *(const int64_t *)member(row, field->offset) != NULL_NUMBER;
    if (field->nullable != 0)
        return (row->unknown & field->nullable) == 0;
    return field->figure == FIGURE_NONE || figures_know(&row->figures, (enum figure)field->figure);
}

int128 field_fixed(const struct field *field, const struct row *row)
{
    ASSERT(field->type == FIELD_FIXED);
    return *(const int128 *)member(row, field->offset);
}

uint32_t field_count(const struct field *field, const struct row *row)
{
    ASSERT(field->type == FIELD_INTEGER);
    return *(const uint32_t *)member(row, field->offset);
}

bool field_flag(const struct field *field, const struct row *row)
{
    ASSERT(field->type == FIELD_FLAG);
    return *(const bool *)member(row, field->offset);
}

double field_ratio(const struct field *field, const struct row *row)
{
    ASSERT(field->type == FIELD_RATIO);
    int128 above = *(const int128 *)member(row, field->offset);
    int128 below = *(const int128 *)member(row, field->offset_below);
    return below == 0 ? 0.0 : (double)above / (double)below;
}

int64_t field_number(const struct field *field, const struct row *row)
{
    ASSERT(field->type >= FIELD_NUMBER);
    return *(const int64_t *)member(row, field->offset);
}

static const char *type_text(const struct field *field)
{
    switch (field->type) {
    case FIELD_FIXED:
    case FIELD_RATIO:
    case FIELD_NUMBER:
        return "float";
    case FIELD_INTEGER:
    case FIELD_WHOLE:
        return "integer";
    case FIELD_TEXT:
        return "text";
    case FIELD_FLAG:
    case FIELD_YES:
    default:
        return "boolean";
    }
}

static void print_head(struct buffer *out, const struct measurement *measurement)
{
    if (measurement->is_target)
        buffer_printf(
            out,
            "### %s\n\nA measurement: %s.\n\nTags: `target`%s, `level`, `name`, `scopes`, "
            "`facility` if it is of one, one per group level.\n\n",
            measurement->stem, measurement->help, measurement->is_stamped ? ", `stage`" : "");
    else
        buffer_printf(out,
                      "### %s_*\n\nOne measurement per window length: %s.\n\n"
                      "Tags: `facility`, one per group level%s.\n\n",
                      measurement->stem, measurement->help,
                      measurement->is_series ? ", `scope`, `category`, `source`, `unit`" : "");
}

static void print_field(struct buffer *out, const struct measurement *measurement,
                        const struct field *field)
{
    buffer_printf(out, "| `%s` | %s | %s | ", field->name, type_text(field), field->unit);
    if (field->type == FIELD_FIXED || field->type == FIELD_NUMBER)
        buffer_add_fixed(out, 1, field->decimals);
    buffer_printf(out, " | %s |", field->help);
    if (!measurement->is_target)
        buffer_printf(out, " %s |", field->sums);
    buffer_add_char(out, '\n');
}

void fields_print_reference(struct buffer *out)
{
    for (size_t kind = 0; kind < ARRAY_LEN(measurements); kind++) {
        const struct measurement *measurement = &measurements[kind];
        print_head(out, measurement);
        buffer_add_str(
            out, measurement->is_target
                     ? "| field | type | unit | counted in | what it is |\n|---|---|---|---|---|\n"
                     : "| field | type | unit | counted in | what it is | may be summed over |\n"
                       "|---|---|---|---|---|---|\n");
        for (size_t i = 0; i < measurement->fields_count; i++)
            print_field(out, measurement, &measurement->fields[i]);
        buffer_add_str(out, "\n");
    }
}
