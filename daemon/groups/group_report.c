#include "daemon/groups/group_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"

enum { NUMBER_SIZE = 48, KG_DECIMALS = 6, MG_PER_KG = 1000000, KG_PER_T = 1000 };

/* A row of CSV or JSON in the making. In a row of heads, cells give their names. */
struct group_row {
    struct buffer *out;
    bool json, heads, begun;
};

static void begin_cell(struct group_row *row, const char *name)
{
    if (row->begun)
        buffer_add_char(row->out, ',');
    row->begun = true;
    if (row->json)
        buffer_printf(row->out, "\"%s\":", name);
    else if (row->heads)
        buffer_add_str(row->out, name);
}

/* Names have no control characters. */
static void add_word(struct group_row *row, const char *name, const char *word)
{
    begin_cell(row, name);
    bool quoted = row->json || strpbrk(word, ",\"") != NULL;
    if (row->heads)
        return;
    if (quoted)
        buffer_add_char(row->out, '"');
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '"')
            buffer_add_char(row->out, row->json ? '\\' : '"');
        if (*c == '\\' && row->json)
            buffer_add_char(row->out, '\\');
        buffer_add_char(row->out, *c);
    }
    if (quoted)
        buffer_add_char(row->out, '"');
}

static void add_number(struct group_row *row, const char *name, int128 value, unsigned decimals,
                       bool known)
{
    begin_cell(row, name);
    if (!row->heads && known)
        buffer_add_fixed(row->out, value, decimals);
    else if (row->json)
        buffer_add_str(row->out, "null");
}

/* A quotient to nine decimals, half to even. */
static void add_ratio(struct group_row *row, const char *name, int128 part, int128 whole)
{
    enum { DECIMALS = 9 };
    bool known = whole > 0;
    add_number(row, name, known ? div_round_even(part * PART_ONE, whole) : 0, DECIMALS, known);
}

/* The fields of emissions_*, in the order of the table. Sources have no common activity. */
static void add_figures(struct group_row *row, const struct figures *figures, int128 equity_mg)
{
    for (size_t i = 0; i < FIGURE_COVERED; i++) {
        if (i == FIGURE_ACTIVITY || i == FIGURE_CELLS)
            continue;
        add_number(row, figure_table[i].name, figures->value[i], figure_table[i].decimals,
                   figures_know(figures, (enum figure)i));
        if (i == FIGURE_CO2E)
            add_number(row, "co2e_equity_kg", equity_mg, KG_DECIMALS, true);
    }
}

static void add_coverage(struct group_row *row, const struct group_sum *sum,
                         const struct figures *coverage, bool is_total)
{
    for (size_t i = FIGURE_COVERED; i < FIGURE_COUNT; i++)
        add_number(row, figure_table[i].name, coverage->value[i], figure_table[i].decimals, true);
    add_ratio(row, "coverage", coverage->value[FIGURE_COVERED], coverage->value[FIGURE_EXPECTED]);
    add_ratio(row, "coverage_weighted", sum->weight_covered, is_total ? sum->weight_total : 0);
    add_number(row, "facilities", sum->facilities, 0, is_total);
    add_number(row, "facilities_missing", sum->facilities_missing, 0, is_total);
    add_number(row, "days", (int128)sum->days, 0, is_total);
    add_number(row, "days_missing", (int128)sum->days_missing, 0, is_total);
    add_number(row, "days_open", (int128)sum->days_open, 0, is_total);
}

/* A scope, or all of them together. */
struct group_part {
    const char *scope;
    const struct figures *figures, *coverage;
    int128 equity_mg;
    bool is_total;
};

static void add_row(struct group_row *row, const struct group_entry *entry,
                    const struct group_period *period, const struct group_sum *sum,
                    const struct group_part *part)
{
    row->begun = false;
    if (row->json)
        buffer_add_char(row->out, '{');
    add_word(row, "level", entry->level);
    add_word(row, "group", entry->name);
    add_word(row, "period", period->text);
    add_word(row, "scope", part->scope);
    add_figures(row, part->figures, part->equity_mg);
    add_coverage(row, sum, part->coverage, part->is_total);
    add_number(row, "final", group_sum_is_final(sum) && !period->running, 0, true);
    buffer_add_str(row->out, row->json ? "}\n" : "\n");
}

static void sum_scopes(const struct group_sum *sum, struct figures *figures_out,
                       int128 *equity_mg_out)
{
    *figures_out = (struct figures){0};
    *equity_mg_out = 0;
    for (int scope = 1; scope < DAY_SCOPES; scope++) {
        figures_add(figures_out, &sum->scope[scope]);
        *equity_mg_out += sum->equity_mg[scope];
    }
}

static void add_rows(struct group_row *row, const struct group_entry *entry,
                     const struct group_period *period, const struct group_sum *sum)
{
    static const char *const names[DAY_SCOPES] = {"0", "1", "2", "3"};
    for (int scope = 0; scope < DAY_SCOPES; scope++) {
        if ((sum->scopes >> scope & 1) == 0)
            continue;
        const struct group_part part = {.scope = names[scope],
                                        .figures = &sum->scope[scope],
                                        .coverage = &sum->scope[scope],
                                        .equity_mg = sum->equity_mg[scope]};
        add_row(row, entry, period, sum, &part);
    }
    struct figures figures;
    struct group_part total = {
        .scope = "total", .figures = &figures, .coverage = &sum->coverage, .is_total = true};
    sum_scopes(sum, &figures, &total.equity_mg);
    add_row(row, entry, period, sum, &total);
}

/* --- for people --- */

/* Tonnes, rounded to the kilogram. */
static const char *tonnes(char text[NUMBER_SIZE], int128 mg)
{
    int64_t kg = (int64_t)div_round_even(mg, MG_PER_KG);
    int64_t size = kg < 0 ? -kg : kg;
    (void)snprintf(text, NUMBER_SIZE, "%s%" PRId64 ".%03" PRId64, kg < 0 ? "-" : "",
                   size / KG_PER_T, size % KG_PER_T);
    return text;
}

static const char *percent(char text[NUMBER_SIZE], int128 part, int128 whole)
{
    enum { MYRIAD = 10000, HUNDRED = 100 };
    if (whole <= 0)
        return "-";
    int64_t hundredths = (int64_t)div_round_even(part * MYRIAD, whole);
    (void)snprintf(text, NUMBER_SIZE, "%" PRId64 ".%02" PRId64 " %%", hundredths / HUNDRED,
                   hundredths % HUNDRED);
    return text;
}

static void add_line(struct buffer *out, const struct group_period *period,
                     const struct group_sum *sum)
{
    char scopes[DAY_SCOPES][NUMBER_SIZE];
    char total[NUMBER_SIZE];
    char equity[NUMBER_SIZE];
    char coverage[NUMBER_SIZE];
    char complete[NUMBER_SIZE];
    struct figures figures;
    int128 equity_mg;
    sum_scopes(sum, &figures, &equity_mg);
    for (int scope = 1; scope < DAY_SCOPES; scope++)
        (void)tonnes(scopes[scope], sum->scope[scope].value[FIGURE_CO2E]);
    buffer_printf(out, "  %-10s %14s %14s %14s %14s %14s %10s", period->text, scopes[1], scopes[2],
                  scopes[3], tonnes(total, figures.value[FIGURE_CO2E]), tonnes(equity, equity_mg),
                  percent(coverage, sum->coverage.value[FIGURE_COVERED],
                          sum->coverage.value[FIGURE_EXPECTED]));
    (void)snprintf(complete, sizeof(complete), "%" PRIu32 " of %" PRIu32,
                   sum->facilities - sum->facilities_missing, sum->facilities);
    buffer_printf(out, " %16s%s\n", complete,
                  group_sum_is_final(sum) && !period->running ? "  final" : "");
}

void group_report_add_heads(struct buffer *out, enum report_format format)
{
    static const struct group_sum none;
    static const struct group_entry entry = {.level = "", .name = ""};
    static const struct group_period period = {.text = ""};
    if (format != REPORT_CSV)
        return;
    struct group_row row = {.out = out, .heads = true};
    const struct group_part part = {
        .scope = "", .figures = &none.coverage, .coverage = &none.coverage};
    add_row(&row, &entry, &period, &none, &part);
}

void group_report_add_group(struct buffer *out, enum report_format format,
                            const struct group_entry *entry)
{
    if (format != REPORT_TEXT)
        return;
    if (strcmp(entry->level, "all") == 0)
        buffer_printf(out, "all facilities (%" PRIu32 ")\n", entry->members);
    else
        buffer_printf(out, "%s %s (%" PRIu32 ")\n", entry->level, entry->name, entry->members);
    buffer_printf(out, "  %-10s %14s %14s %14s %14s %14s %10s %16s\n", "t CO2e", "scope 1",
                  "scope 2", "scope 3", "total", "equity", "coverage", "complete");
}

void group_report_add(struct buffer *out, enum report_format format,
                      const struct group_entry *entry, const struct group_period *period,
                      const struct group_sum *sum)
{
    struct group_row row = {.out = out, .json = format == REPORT_JSON};
    if (format == REPORT_TEXT)
        add_line(out, period, sum);
    else
        add_rows(&row, entry, period, sum);
}
