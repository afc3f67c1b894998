#include "daemon/demo/demo_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

enum { BUCKETS_PER_HOUR = 4, NAME_COLUMNS = 24, STALE_MS = 2 * HOUR_MS };

/* The two newest windows of one level: [0] is the newest. */
struct recent {
    struct window window[2];
    int64_t co2e_mg[2];
    int64_t covered_ms[2], expected_ms[2];
};

struct demo_table {
    const struct registry *registry;
    struct calendar **calendars;   /* by facility */
    struct recent *buckets, *days; /* by series */
    struct recent *coverage;       /* by facility: days */
    uint32_t lines;                /* that the last drawing took */
    struct demo_table_counts counts;
};

/* One facility's line. */
struct demo_line {
    double rate_kg_h, today_kg, scope_kg[2], yesterday_kg, covered;
};

static int open_calendars(struct demo_table *table)
{
    const struct registry *registry = table->registry;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        int err = calendar_create(&table->calendars[i], registry->facilities[i].time_zone,
                                  15 * MINUTE_MS, 1);
        if (err < 0)
            return err;
    }
    return 0;
}

int demo_table_create(struct demo_table **table_out, const struct registry *registry)
{
    struct demo_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    table->registry = registry;
    table->calendars = calloc(registry->facilities_count, sizeof(struct calendar *));
    table->coverage = calloc(registry->facilities_count, sizeof(struct recent));
    table->buckets = calloc(registry->series_count, sizeof(struct recent));
    table->days = calloc(registry->series_count, sizeof(struct recent));
    bool complete = table->calendars != NULL && table->coverage != NULL && table->buckets != NULL &&
                    table->days != NULL;
    int err = complete ? open_calendars(table) : -ENOMEM;
    if (err < 0) {
        demo_table_destroy(&table);
        return err;
    }
    *table_out = table;
    return 0;
}

void demo_table_destroy(struct demo_table **table)
{
    struct demo_table *gone = TAKE(*table);
    if (gone == NULL)
        return;
    for (uint32_t i = 0; gone->calendars != NULL && i < gone->registry->facilities_count; i++)
        calendar_destroy(&gone->calendars[i]);
    free(gone->calendars);
    free(gone->coverage);
    free(gone->buckets);
    free(gone->days);
    free(gone);
}

/* ---- rows ---- */

static void remember(struct recent *recent, const struct row *row)
{
    uint32_t slot = 0;
    if (row->window.start_ms < recent->window[0].start_ms) {
        if (row->window.start_ms < recent->window[1].start_ms)
            return;
        slot = 1;
    } else if (row->window.start_ms > recent->window[0].start_ms) {
        recent->window[1] = recent->window[0];
        recent->co2e_mg[1] = recent->co2e_mg[0];
        recent->covered_ms[1] = recent->covered_ms[0];
        recent->expected_ms[1] = recent->expected_ms[0];
    }
    recent->window[slot] = row->window;
    recent->co2e_mg[slot] = (int64_t)row->figures.value[FIGURE_CO2E];
    recent->covered_ms[slot] = (int64_t)row->figures.value[FIGURE_COVERED];
    recent->expected_ms[slot] = (int64_t)row->figures.value[FIGURE_EXPECTED];
}

void demo_table_add(struct demo_table *table, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        table->counts.rows++;
        table->counts.final += row->final;
        table->counts.revised += row->revision > 0;
        if (row->kind == ROW_COVERAGE && row->level == LEVEL_DAY)
            remember(&table->coverage[row->facility], row);
        if (row->kind == ROW_EMISSIONS && row->level == LEVEL_DAY)
            remember(&table->days[row->series], row);
        if (row->kind == ROW_EMISSIONS && row->level == LEVEL_BUCKET)
            remember(&table->buckets[row->series], row);
    }
}

const struct demo_table_counts *demo_table_get_counts(const struct demo_table *table)
{
    return &table->counts;
}

/* ---- drawing ---- */

static double in_kg(int64_t mass_mg)
{
    return (double)mass_mg / 1e6;
}

/* The figure of a series in the window that begins then; 0 if it has no row there. */
static int64_t mass_of(const struct recent *recent, int64_t start_ms)
{
    for (size_t i = 0; i < ARRAY_LEN(recent->window); i++)
        if (recent->window[i].start_ms == start_ms)
            return recent->co2e_mg[i];
    return 0;
}

static struct demo_line make_line(struct demo_table *table, uint32_t index, int64_t now_ms)
{
    const struct facility *facility = &table->registry->facilities[index];
    struct window today = calendar_window(table->calendars[index], LEVEL_DAY, now_ms);
    struct window yesterday =
        calendar_window(table->calendars[index], LEVEL_DAY, today.start_ms - 1);
    struct demo_line line = {0};
    for (uint32_t i = 0; i < facility->series_count; i++) {
        uint32_t id = facility->series_first + i;
        double today_kg = in_kg(mass_of(&table->days[id], today.start_ms));
        uint8_t scope = table->registry->series[id].scope;
        line.today_kg += today_kg;
        line.yesterday_kg += in_kg(mass_of(&table->days[id], yesterday.start_ms));
        if (scope == 1 || scope == 2)
            line.scope_kg[scope - 1] += today_kg;
        /* The newest bucket may still be growing: the one before it tells the pace. */
        if (table->buckets[id].window[1].end_ms + STALE_MS > now_ms)
            line.rate_kg_h += in_kg(table->buckets[id].co2e_mg[1]) * BUCKETS_PER_HOUR;
    }
    const struct recent *coverage = &table->coverage[index];
    if (coverage->expected_ms[0] > 0)
        line.covered = 100.0 * (double)coverage->covered_ms[0] / (double)coverage->expected_ms[0];
    return line;
}

/* Columns are characters, not bytes. */
static void print_name(FILE *out, const char *name)
{
    int columns = 0;
    for (const char *c = name; *c != '\0'; c++)
        columns += ((unsigned char)*c & 0xc0U) != 0x80;
    (void)fprintf(out, "  %s%*s", name, columns < NAME_COLUMNS ? NAME_COLUMNS - columns : 1, "");
}

static void print_line(FILE *out, const char *name, const char *clock, const struct demo_line *line)
{
    print_name(out, name);
    (void)fprintf(out, "%5s %11.1f %12.1f %11.1f %11.1f %13.1f", clock, line->rate_kg_h,
                  line->today_kg, line->scope_kg[0], line->scope_kg[1], line->yesterday_kg);
    if (line->covered > 0)
        (void)fprintf(out, " %8.1f%%", line->covered);
    (void)fputs("\033[K\n", out);
}

static void draw_terminal(struct demo_table *table, FILE *out, int64_t now_ms, const char *status)
{
    (void)fputs("\033[?7l", out); /* a narrow terminal cuts lines off, or the count is wrong */
    if (table->lines > 0)
        (void)fprintf(out, "\033[%" PRIu32 "A", table->lines);
    (void)fprintf(out, "%s\033[K\n\033[K\n", status);
    (void)fprintf(out, "\033[1m  %-*s%5s %11s %12s %11s %11s %13s %9s\033[0m\033[K\n", NAME_COLUMNS,
                  "kg CO2e", "local", "per hour", "today", "scope 1", "scope 2", "yesterday",
                  "covered");
    struct demo_line total = {0};
    uint32_t count = table->registry->facilities_count;
    for (uint32_t i = 0; i < count; i++) {
        struct demo_line line = make_line(table, i, now_ms);
        int64_t start_ms = calendar_window(table->calendars[i], LEVEL_DAY, now_ms).start_ms;
        int minute = (int)((now_ms - start_ms) / MINUTE_MS);
        char clock[16];
        (void)snprintf(clock, sizeof(clock), "%02d:%02d", minute / 60 % 24, minute % 60);
        print_line(out, table->registry->facilities[i].name, clock, &line);
        total.rate_kg_h += line.rate_kg_h;
        total.today_kg += line.today_kg;
        total.yesterday_kg += line.yesterday_kg;
        for (size_t scope = 0; scope < ARRAY_LEN(total.scope_kg); scope++)
            total.scope_kg[scope] += line.scope_kg[scope];
    }
    print_line(out, "Group", "", &total);
    (void)fputs("\033[?7h", out);
    table->lines = count + 4;
}

static void draw_plain(struct demo_table *table, FILE *out, int64_t now_ms)
{
    char time[TIMESTAMP_TEXT_SIZE];
    timestamp_format(time, now_ms - now_ms % MINUTE_MS);
    for (uint32_t i = 0; i < table->registry->facilities_count; i++) {
        struct demo_line line = make_line(table, i, now_ms);
        (void)fprintf(
            out,
            "%s facility=%s co2e_kg_per_hour=%.1f today_kg=%.1f scope1_kg=%.1f scope2_kg=%.1f "
            "yesterday_kg=%.1f covered_percent=%.1f\n",
            time, table->registry->facilities[i].id, line.rate_kg_h, line.today_kg,
            line.scope_kg[0], line.scope_kg[1], line.yesterday_kg, line.covered);
    }
}

void demo_table_draw(struct demo_table *table, FILE *out, bool terminal, int64_t now_ms,
                     const char *status)
{
    if (terminal)
        draw_terminal(table, out, now_ms, status);
    else
        draw_plain(table, out, now_ms);
    (void)fflush(out);
}
